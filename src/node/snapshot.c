/* Snapshots of the state: when they are taken, how they travel, and what follows when this node's
 * state was replaced by another node's (DESIGN 6, "After an installed snapshot"). */
#include "node/internal.h"

enum {
    RETRY_US = 5000000,            /* after a snapshot that could not be written */
    ENTRY_OVERHEAD_BYTES = 64,     /* beside the payload, about */
    CHUNK_BACKLOG_BYTES = 4 << 20, /* on a bulk link; chunks wait until less is unsent */
};
#define SNAPSHOT_ID_MAX ((UINT64_C(1) << 62) - 1)

/* -- taking ---------------------------------------------------------------------------------- */

void snapshots_note_applied(struct node *node, size_t payload_bytes) {
    node->snapshots.log_bytes += payload_bytes + ENTRY_OVERHEAD_BYTES;
}

static bool is_due(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    if (snapshots->saving || node->stopped || node->now_us < snapshots->not_before_us) return false;
    if (raft_is_installing(node->raft) || fence_is_up(node)) return false;
    /* A dissolve entry is applied anew after a restart: no snapshot may stand behind it. */
    if (engine_is_dissolved(node->engine)) return false;
    raft_index applied = engine_applied(node->engine);
    if (applied <= snapshots->index) return false;
    return snapshots->log_bytes >= node->settings.snapshot_log_bytes ||
           applied - snapshots->index >= node->settings.snapshot_log_entries;
}

static uint64_t new_id(struct node *node) {
    uint64_t id = 0;
    while (id == 0) {
        node->ports.random_bytes(node->ports.context, &id, sizeof id);
        id &= SNAPSHOT_ID_MAX;
    }
    return id;
}

static struct bytes *bytes_of(struct buf *buf) {
    struct bytes *bytes = bytes_new(buf_slice(buf).data, buf->len);
    buf_free(buf);
    return bytes;
}

/* A copy of the whole state, made at once: as long as it takes nothing else happens here. */
static void snapshot_begin(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    raft_index applied = engine_applied(node->engine);
    struct raft_configuration configuration;
    struct node_snapshot snapshot = {
        .place = {.index = applied, .term = raft_term_at(node->raft, applied), .id = new_id(node)}};
    if (!raft_snapshot_configuration(
            node->raft, applied, &configuration, &snapshot.configuration_index)) {
        return; /* a later one is committed already: with some entry to come */
    }
    SF_ASSERT(snapshot.place.term > 0);
    struct buf encoded = {0}, image = {0};
    configuration_encode(&configuration, &encoded);
    engine_dump(node->engine, &image);
    snapshot.configuration = bytes_of(&encoded);
    snapshot.image = bytes_of(&image);
    struct snapshot_keep keep = {.bytes = node->settings.snapshot_log_bytes / 2,
        .entries = node->settings.snapshot_log_entries / 2,
        .needed_from = raft_log_needed_from(node->raft)};
    snapshots->saving = true;
    snapshots->begun_bytes = snapshots->log_bytes;
    snapshots->begun_commands = node->applied_commands;
    node->ports.save_snapshot(node->ports.context, ++snapshots->request, &snapshot, &keep);
    bytes_unref(snapshot.configuration);
    bytes_unref(snapshot.image);
}

void node_on_snapshot_saved(struct node *node, uint64_t request, enum sf_status status,
    const struct raft_snapshot *place, raft_index first_index, int64_t now_us) {
    struct snapshots *snapshots = &node->snapshots;
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    if (!snapshots->saving || request != snapshots->request) return;
    snapshots->saving = false;
    snapshots->failed = status != SF_OK && status != SF_ERR_NOT_EXECUTED;
    if (snapshots->failed) {
        snapshots->not_before_us = now_us + RETRY_US;
        node_log(node, LOG_WARNING, "a snapshot cannot be written: %s", sf_status_text(status));
    }
    if (status != SF_OK) return;
    snapshots->index = place->index;
    snapshots->log_bytes -= snapshots->begun_bytes;
    snapshots->covered_commands = snapshots->begun_commands;
    snapshots->saved_ms = node->wall_ms;
    raft_step_snapshot_saved(node->raft, place, first_index, now_us);
    node_log(node, LOG_NOTICE, "snapshot of the state at %llu: %llu bytes; the log begins at %llu",
        (unsigned long long)place->index, (unsigned long long)place->bytes,
        (unsigned long long)raft_first_index(node->raft));
}

/* -- sending --------------------------------------------------------------------------------- */

static bool link_is_behind(struct node *node, raft_id id) {
    struct peer *peer = peer_of(node, id);
    return peer != NULL && peer->bulk != 0 &&
           node->ports.link_backlog(node->ports.context, peer->bulk) > CHUNK_BACKLOG_BYTES;
}

static void read_or_hold(struct node *node, const struct raft_chunk_read *read) {
    struct snapshots *snapshots = &node->snapshots;
    uint32_t at = 0;
    if (fence_is_up(node)) { /* it may hold what made this node differ */
        raft_step_chunk_read(node->raft, read->request, NULL, node->now_us);
        return;
    }
    while (at < snapshots->n_held && snapshots->held[at].peer != read->peer) at++;
    if (!link_is_behind(node, read->peer)) {
        node->ports.read_chunk(node->ports.context, read);
    } else if (at < snapshots->n_held) {
        snapshots->held[at] = *read; /* the earlier one's transfer is over */
    } else if (at < SF_LENGTH(snapshots->held)) {
        snapshots->held[snapshots->n_held++] = *read;
    } else {
        raft_step_chunk_read(node->raft, read->request, NULL, node->now_us);
    }
}

static void read_held(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    for (uint32_t i = snapshots->n_held; i-- > 0;) {
        if (link_is_behind(node, snapshots->held[i].peer)) continue;
        node->ports.read_chunk(node->ports.context, &snapshots->held[i]);
        snapshots->held[i] = snapshots->held[--snapshots->n_held];
    }
}

void node_on_chunk_read(struct node *node, uint64_t request, struct bytes *data, int64_t now_us) {
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    raft_step_chunk_read(node->raft, request, data, now_us);
}

/* -- receiving ------------------------------------------------------------------------------- */

static void loaded_drop(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    engine_free(snapshots->loaded);
    bytes_unref(snapshots->loaded_from.configuration);
    bytes_unref(snapshots->loaded_from.image);
    snapshots->loaded = NULL;
    snapshots->loaded_from = (struct node_snapshot){.configuration_index = 0};
}

static bool engine_holds(struct engine *engine, const struct node_snapshot *snapshot) {
    struct raft_configuration configuration;
    return configuration_decode(bytes_slice(snapshot->configuration), &configuration) == SF_OK &&
           engine_load(engine, bytes_slice(snapshot->image)) == SF_OK &&
           engine_applied(engine) == snapshot->place.index;
}

/* Loaded before it is installed: what this version cannot load must not become the node's own. */
static bool load_received(struct node *node, const struct node_snapshot *whole) {
    struct snapshots *snapshots = &node->snapshots;
    loaded_drop(node);
    snapshots->loaded = node_engine_new(node);
    if (!engine_holds(snapshots->loaded, whole)) {
        loaded_drop(node);
        return false;
    }
    snapshots->loaded_from = *whole;
    bytes_ref(whole->configuration);
    snapshots->loaded_from.image = NULL;
    return true;
}

void node_on_chunk_written(struct node *node, uint64_t request, enum sf_status status,
    const struct node_snapshot *whole, int64_t now_us) {
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching || node->stopped) return;
    if (status == SF_OK && whole != NULL && !load_received(node, whole)) {
        node->stopped = true;
        node_log(
            node, LOG_WARNING, "the cluster's snapshot cannot be loaded by this version: stopping");
        node->ports.stop(node->ports.context, 1, "a snapshot that this version cannot load");
        return;
    }
    raft_step_chunk_written(node->raft, request, status, now_us);
    follow_leadership(node);
    if (!raft_is_installing(node->raft)) loaded_drop(node); /* not needed any more */
}

void snapshots_carry_out(struct node *node, const struct raft_ready *ready) {
    struct snapshots *snapshots = &node->snapshots;
    for (uint32_t i = 0; i < ready->n_chunk_writes; i++) {
        node->ports.write_chunk(node->ports.context, &ready->chunk_writes[i]);
    }
    if (ready->install) {
        SF_ASSERT(snapshots->loaded != NULL &&
                  snapshots->loaded_from.place.id == ready->install_snapshot.id);
        snapshots->saving = false; /* of an older state: its answer says nothing */
        node->ports.install_snapshot(
            node->ports.context, ++snapshots->request, &ready->install_snapshot);
    }
    for (uint32_t i = 0; i < ready->n_chunk_reads; i++) read_or_hold(node, &ready->chunk_reads[i]);
}

/* -- after an installed snapshot ------------------------------------------------------------- */

/* Our own commands that the new state has seen: their replies will never be known. */
void snapshots_settle_own_stream(struct node *node) {
    blocked_after_snapshot(node);
    struct incarnation row;
    uint64_t through;
    if (!engine_row(node->engine, node->incarnation.node, &row, &through)) return;
    if (!incarnation_equal(row, node->incarnation)) return;
    LIST_FOR_EACH(link, &node->sessions) {
        session_answer_lost(SF_CONTAINER(link, struct session, in_node), through);
    }
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        if (batch->sequence <= through) stream_applied(node, batch);
    }
    SF_ASSERT(through < node->next_sequence);
    node->settled_sequence = SF_MAX(node->settled_sequence, through);
}

void node_on_snapshot_installed(struct node *node, uint64_t request, int64_t now_us) {
    struct snapshots *snapshots = &node->snapshots;
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    SF_ASSERT(request == snapshots->request && snapshots->loaded != NULL);
    struct node_snapshot *from = &snapshots->loaded_from;
    SF_ASSERT(from->place.index > engine_applied(node->engine)); /* applied never goes back */
    struct raft_configuration configuration;
    enum sf_status status = configuration_decode(bytes_slice(from->configuration), &configuration);
    SF_ASSERT(status == SF_OK); /* load_received */
    digests_state_replaced(node);
    engine_free(node->engine);
    node->engine = snapshots->loaded;
    snapshots->loaded = NULL;
    tracking_follow_engine(node);
    tracking_drop_all(node);
    snapshots->index = from->place.index;
    snapshots->log_bytes = 0;
    snapshots->covered_commands = node->applied_commands;
    snapshots->saved_ms = node->wall_ms;
    snapshots->n_installed++;
    raft_step_snapshot_installed(node->raft, &configuration, from->configuration_index, now_us);
    node_log(node, LOG_NOTICE, "the state at %llu was taken from a snapshot of the leader's",
        (unsigned long long)from->place.index);
    loaded_drop(node);
    follow_leadership(node);
    snapshots_settle_own_stream(node);
    peers_follow_configuration(node);
    membership_applied(node);
    reads_advance(node);
    node_wake(node);
}

/* -- life ------------------------------------------------------------------------------------ */

bool snapshots_restore(
    struct node *node, const struct node_snapshot *snapshot, struct raft_start *raft) {
    if (snapshot->place.index == 0) return true;
    if (!engine_holds(node->engine, snapshot)) return false;
    raft->snapshot = snapshot->place;
    raft->applied = snapshot->place.index;
    node->snapshots.index = snapshot->place.index;
    node->snapshots.saved_ms = engine_now_ms(node->engine); /* about when it was taken */
    return true;
}

void snapshots_reset(struct node *node) {
    uint64_t request = node->snapshots.request;
    loaded_drop(node);
    node->snapshots = (struct snapshots){.request = request};
}

void snapshots_pump(struct node *node) {
    read_held(node);
    if (is_due(node)) snapshot_begin(node);
}
