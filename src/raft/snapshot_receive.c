/* The follower's side of InstallSnapshot: chunks in order into a file of storage's, and once that
 * is whole, the log begins anew behind it. Meanwhile appends are left alone; heartbeats are
 * answered. */
#include "raft/internal.h"

#include "util/hash.h"

bool is_installing(const struct raft *raft) {
    return raft->receiving.is_installing;
}

void receiving_forget(struct raft *raft) {
    SF_ASSERT(!is_installing(raft));
    for (uint32_t i = 0; i < raft->n_chunk_writes; i++) bytes_unref(raft->chunk_writes[i].data);
    raft->n_chunk_writes = 0;
    raft->n_unwritten = 0;
    raft->receiving = (struct receiving){0};
}

static void answer(struct raft *raft, bool granted, uint64_t offset) {
    struct receiving *receiving = &raft->receiving;
    if (granted) receiving->answer_owed = false;
    if (raft->role != RAFT_FOLLOWER || raft->leader == 0) return;
    struct raft_message message = {.type = RAFT_SNAPSHOT_ANSWER,
        .to = raft->leader,
        .term = raft->term,
        .granted = granted,
        .log_index = receiving->snapshot.index,
        .round = receiving->question,
        .snapshot_id = receiving->snapshot.id,
        .offset = offset,
        .damage = raft->damage};
    send_in_term(raft, &message);
}

/* The log holds what the snapshot stands for (Raft's log matching), so nothing is to be replaced.
 */
static bool holds_already(const struct raft *raft, const struct raft_snapshot *snapshot) {
    return snapshot->index <= raft->commit ||
           log_term(&raft->log, snapshot->index) == snapshot->term;
}

static void receiving_begin(struct raft *raft, const struct raft_message *m) {
    receiving_forget(raft);
    raft->receiving.snapshot = (struct raft_snapshot){.index = m->log_index,
        .term = m->log_term,
        .id = m->snapshot_id,
        .bytes = m->snapshot_bytes};
    raft->receiving.first_request = raft->last_chunk_request + 1;
}

static void chunk_take(struct raft *raft, const struct raft_message *m) {
    struct receiving *receiving = &raft->receiving;
    uint64_t len = m->data->len;
    if (m->offset + len <= receiving->accepted) SF_MARK("raft: a chunk comes twice");
    if (m->offset + len <= receiving->accepted) return; /* a doubled one */
    bool has_room = raft->n_unwritten < SNAPSHOT_UNWRITTEN_MAX;
    if (m->offset != receiving->accepted || crc32c(bytes_slice(m->data)) != m->crc || !has_room) {
        SF_MARK("raft: a chunk leaves a gap");
        answer(raft, false, receiving->accepted);
        return;
    }
    receiving->accepted += len;
    struct raft_chunk_write *write = &raft->chunk_writes[raft->n_chunk_writes++];
    *write = (struct raft_chunk_write){.request = ++raft->last_chunk_request,
        .snapshot = receiving->snapshot,
        .offset = m->offset,
        .data = bytes_ref(m->data),
        .is_last = receiving->accepted == receiving->snapshot.bytes};
    raft->unwritten[raft->n_unwritten++] =
        (struct chunk_pending){write->request, receiving->accepted};
}

void follower_on_snapshot(struct raft *raft, const struct raft_message *m) {
    if (!follower_accepts(raft, m)) return;
    if (is_installing(raft)) SF_MARK("raft: a chunk while installing");
    if (is_installing(raft)) return; /* what is said of it when it is done answers this too */
    struct receiving *receiving = &raft->receiving;
    struct raft_snapshot named = {.index = m->log_index, .term = m->log_term};
    if (holds_already(raft, &named)) {
        SF_MARK("raft: a snapshot of what the log holds");
        receiving_forget(raft);
        follower_proved_committed(raft, m->log_index);
        return;
    }
    bool is_same =
        receiving->snapshot.id == m->snapshot_id && receiving->snapshot.index == m->log_index &&
        receiving->snapshot.term == m->log_term && receiving->snapshot.bytes == m->snapshot_bytes;
    if (!is_same) receiving_begin(raft, m);
    receiving->question = m->round;
    if (m->data != NULL) {
        chunk_take(raft, m);
        return;
    }
    receiving->answer_owed = true;
    if (receiving->written == receiving->accepted) answer(raft, true, receiving->written);
}

static void install_begin(struct raft *raft) {
    if (raft->role != RAFT_FOLLOWER) become_follower(raft, raft->term, 0);
    struct raft_snapshot snapshot = raft->receiving.snapshot;
    if (holds_already(raft, &snapshot)) { /* appends were faster */
        SF_MARK("raft: appends are faster than a snapshot (rare)");
        receiving_forget(raft);
        return;
    }
    raft->receiving.install_wanted = raft->receiving.is_installing = true;
}

void raft_step_chunk_written(
    struct raft *raft, uint64_t request, enum sf_status status, int64_t now_us) {
    clock_advance(raft, now_us);
    struct receiving *receiving = &raft->receiving;
    if (receiving->snapshot.id == 0 || request < receiving->first_request) return;
    SF_ASSERT(raft->n_unwritten > 0 && raft->unwritten[0].request == request);
    if (status != SF_OK) SF_MARK("raft: a chunk cannot be written");
    if (status != SF_OK) { /* no room, or bytes that are no snapshot: from the beginning, later */
        answer(raft, false, 0);
        receiving_forget(raft);
        return;
    }
    receiving->written = raft->unwritten[0].end;
    memmove(raft->unwritten, raft->unwritten + 1, --raft->n_unwritten * sizeof *raft->unwritten);
    if (receiving->written == receiving->snapshot.bytes) {
        install_begin(raft);
        return;
    }
    bool settles = receiving->written == receiving->accepted;
    if (settles || !receiving->answer_owed) answer(raft, true, receiving->written);
}

void raft_step_snapshot_installed(struct raft *raft, const struct raft_configuration *configuration,
    raft_index configuration_index, int64_t now_us) {
    clock_advance(raft, now_us);
    struct raft_snapshot snapshot = raft->receiving.snapshot;
    SF_ASSERT(is_installing(raft) && !raft->receiving.install_wanted);
    SF_ASSERT(raft->role != RAFT_LEADER);
    SF_ASSERT(snapshot.index > raft->commit); /* nothing committed is replaced by something older */
    SF_ASSERT(raft->log.handed_index == raft->log.last_index);
    SF_ASSERT(configuration_index > 0 && configuration_index <= snapshot.index);
    raft->receiving.is_installing = false;
    receiving_forget(raft);
    fetches_drop_from(raft, 0);
    read_ahead_release(raft, UINT64_MAX);
    log_restart(&raft->log, snapshot.index, snapshot.term);
    raft->snapshot = snapshot;
    raft->changed = true;
    configuration_install(raft, configuration_index, configuration);
    /* Whoever leads holds it: it is committed (R4). */
    follower_proved_committed(raft, snapshot.index);
    raft->applied = snapshot.index;
}

void receiving_release(struct raft *raft) {
    for (uint32_t i = 0; i < raft->out.n_chunk_writes; i++)
        bytes_unref(raft->out.chunk_writes[i].data);
    raft->out.n_chunk_writes = 0;
}

void receiving_hand_out(struct raft *raft, struct raft_ready *ready) {
    receiving_release(raft);
    raft->out.n_chunk_writes = raft->n_chunk_writes;
    for (uint32_t i = 0; i < raft->n_chunk_writes; i++)
        raft->out.chunk_writes[i] = raft->chunk_writes[i];
    raft->n_chunk_writes = 0;
    ready->chunk_writes = raft->out.chunk_writes;
    ready->n_chunk_writes = raft->out.n_chunk_writes;
    ready->install = raft->receiving.install_wanted;
    ready->install_snapshot = raft->receiving.snapshot;
    raft->receiving.install_wanted = false;
}
