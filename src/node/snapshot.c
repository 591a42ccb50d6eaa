/* Snapshots of the state: when they are taken, and how they are written: a slice of a walk over the
 * state each turn, in pieces to storage, while clients are served. */
#include "node/internal.h"
#include "node/sync.h"

enum {
    RETRY_US = 5000000,        /* after a snapshot that could not be written */
    WALKS_TAKEN_US = 100000,   /* other walks over the state leave no room */
    SLICE_GAP_US = 500,        /* between two slices, at least */
    PIECES_UNWRITTEN_MAX = 16, /* then storage is waited for */
    ENTRY_OVERHEAD_BYTES = 64, /* beside the payload, about */
    FREE_A_TURN = 2048,        /* elements of a state that was replaced */
};
#define SNAPSHOT_ID_MAX ((UINT64_C(1) << 62) - 1)

/* -- when ------------------------------------------------------------------------------------ */

void snapshots_note_applied(struct node *node, size_t payload_bytes) {
    node->snapshots.log_bytes += payload_bytes + ENTRY_OVERHEAD_BYTES;
}

/* A state that is large beside the log is not written for a little of log. */
static uint64_t log_bytes_wanted(const struct node *node) {
    uint64_t factor = node->settings.snapshot_log_percent;
    uint64_t by_state = node->snapshots.file_bytes / 100 * factor;
    return SF_MAX(node->settings.snapshot_log_bytes, by_state);
}

static bool save_point_is_reached(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    uint64_t changes = node->applied_commands - snapshots->covered_commands;
    int64_t passed_us = node->now_us - snapshots->saved_us;
    for (uint32_t i = 0; i < node->settings.n_save_points; i++) {
        const struct save_point *point = &node->settings.save_points[i];
        if (changes >= point->changes && passed_us / 1000000 >= point->seconds) return true;
    }
    return false;
}

static bool is_due(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    if (snapshots->saving || node->stopped) return false;
    if (raft_is_installing(node->raft) || engine_is_applying(node->engine)) return false;
    if (fence_is_up(node)) return false;
    /* A dissolve entry is applied anew after a restart: no snapshot may stand behind it. */
    if (engine_is_dissolved(node->engine)) return false;
    raft_index applied = engine_applied(node->engine);
    if (applied <= snapshots->index) return false;
    if (snapshots->wanted) return true;
    if (node->now_us < snapshots->not_before_us) return false;
    return snapshots->log_bytes >= log_bytes_wanted(node) ||
           applied - snapshots->index >= node->settings.snapshot_log_entries ||
           save_point_is_reached(node);
}

/* -- beginning ------------------------------------------------------------------------------- */

static uint64_t new_id(struct node *node) {
    uint64_t id = 0;
    while (id == 0) {
        node->ports.random_bytes(node->ports.context, &id, sizeof id);
        id &= SNAPSHOT_ID_MAX;
    }
    return id;
}

static void snapshot_begin(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    raft_index applied = engine_applied(node->engine);
    struct raft_configuration configuration;
    struct snapshot_head head = {
        .place = {.index = applied, .term = raft_term_at(node->raft, applied), .id = new_id(node)}};
    if (!raft_snapshot_configuration(
            node->raft, applied, &configuration, &head.configuration_index)) {
        return; /* a later one is committed already: with some entry to come */
    }
    SF_ASSERT(head.place.term > 0);
    struct buf encoded = {0};
    configuration_encode(&configuration, &encoded);
    head.configuration = buf_slice(&encoded);
    snapshots->writer = snapshot_writer_new(node->engine, &head, node->settings.rdb_compression);
    buf_free(&encoded);
    if (snapshots->writer == NULL) {
        snapshots->not_before_us = node->now_us + WALKS_TAKEN_US;
        return;
    }
    snapshots->saving = true;
    snapshots->wanted = false;
    snapshots->place = head.place;
    snapshots->handed = 0;
    snapshots->n_unwritten = 0;
    snapshots->first_request = snapshots->request + 1;
    snapshots->begun_us = snapshots->slice_us = node->now_us;
    snapshots->begun_bytes = snapshots->log_bytes;
    snapshots->begun_commands = node->applied_commands;
    snapshots->seen_commands = node->applied_commands + node->n_reads;
    snapshots->kept_bytes = snapshots->kept_bytes_max = 0;
}

/* -- writing --------------------------------------------------------------------------------- */

static void saving_ends(struct node *node, enum sf_status status) {
    struct snapshots *snapshots = &node->snapshots;
    snapshot_writer_free(snapshots->writer);
    snapshots->writer = NULL;
    snapshots->saving = false;
    snapshots->kept_bytes = 0;
    buf_free(&snapshots->piece);
    snapshots->took_us = node->now_us - snapshots->begun_us;
    snapshots->failed = status != SF_OK && status != SF_ERR_NOT_EXECUTED;
    if (snapshots->failed) {
        snapshots->not_before_us = node->now_us + RETRY_US;
        node_log(node, LOG_WARNING, "a snapshot cannot be written: %s", sf_status_text(status));
    }
    if (status != SF_ERR_NOT_EXECUTED) {
        saves_end(node, status);
        rewrite_ends(node, snapshots->failed);
    } else if (!list_empty(&snapshots->waiting) || snapshots->rewriting) {
        snapshots->wanted = true; /* another one, then */
    }
}

static void hand_over(struct node *node, size_t len, bool is_last) {
    struct snapshots *snapshots = &node->snapshots;
    struct snapshot_piece piece = {.request = ++snapshots->request,
        .place = snapshots->place,
        .offset = snapshots->handed,
        .data = bytes_new(buf_slice(&snapshots->piece).data, len),
        .is_last = is_last,
        .keep = {.bytes = node->settings.snapshot_log_bytes / 2,
            .entries = node->settings.snapshot_log_entries / 2,
            .needed_from = raft_log_needed_from(node->raft)}};
    buf_consume(&snapshots->piece, len);
    snapshots->handed += len;
    snapshots->n_unwritten++;
    node->ports.save_snapshot(node->ports.context, &piece);
    bytes_unref(piece.data);
}

/* Units of work for this turn: fewer while clients are served. */
static uint64_t slice_of_turn(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    uint64_t commands = node->applied_commands + node->n_reads;
    bool is_busy = commands != snapshots->seen_commands;
    snapshots->seen_commands = commands;
    return is_busy ? SF_MAX(node->settings.snapshot_slice / 4, (uint64_t)1)
                   : node->settings.snapshot_slice;
}

static void write_on(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    if (node->now_us < snapshots->slice_us || snapshots->n_unwritten >= PIECES_UNWRITTEN_MAX)
        return;
    size_t piece_bytes = node->settings.snapshot_piece_bytes;
    bool is_end = snapshot_write_some(snapshots->writer, &snapshots->piece, slice_of_turn(node));
    struct snapshot_writing writing;
    snapshot_writer_figures(snapshots->writer, &writing);
    snapshots->kept_bytes = writing.kept_bytes;
    snapshots->kept_bytes_max = SF_MAX(snapshots->kept_bytes_max, writing.kept_bytes);
    snapshots->slice_us = node->now_us + SLICE_GAP_US;
    if (is_end) {
        snapshots->place.bytes = writing.bytes;
        snapshot_writer_free(snapshots->writer);
        snapshots->writer = NULL;
        snapshots->kept_bytes = 0;
    }
    while (snapshots->piece.len > piece_bytes) hand_over(node, piece_bytes, false);
    if (is_end) hand_over(node, snapshots->piece.len, true);
}

static bool is_ours(const struct node *node, uint64_t request) {
    const struct snapshots *snapshots = &node->snapshots;
    return node->raft != NULL && !node->identity_switching && snapshots->saving &&
           request >= snapshots->first_request;
}

void node_on_snapshot_written(
    struct node *node, uint64_t request, enum sf_status status, int64_t now_us) {
    node->now_us = now_us;
    if (!is_ours(node, request)) return;
    SF_ASSERT(node->snapshots.n_unwritten > 0);
    node->snapshots.n_unwritten--;
    if (status == SF_OK) return;
    if (node->snapshots.writer == NULL) return; /* the last piece's answer says it too */
    SF_MARK("snapshot: one that cannot be written");
    node->ports.drop_snapshot(node->ports.context, &node->snapshots.place);
    saving_ends(node, status);
}

void snapshots_saved_index(struct node *node, const struct raft_snapshot *place) {
    struct snapshots *snapshots = &node->snapshots;
    snapshots->index = place->index;
    snapshots->file_bytes = place->bytes;
    snapshots->saved_ms = node->wall_ms;
    snapshots->saved_us = node->now_us;
}

void node_on_snapshot_saved(struct node *node, uint64_t request, enum sf_status status,
    const struct raft_snapshot *place, raft_index first_index, int64_t now_us) {
    struct snapshots *snapshots = &node->snapshots;
    node->now_us = now_us;
    if (!is_ours(node, request)) return;
    if (status == SF_OK) {
        snapshots_saved_index(node, place);
        snapshots->log_bytes -= snapshots->begun_bytes;
        snapshots->covered_commands = snapshots->begun_commands;
        snapshots->n_saved++;
        raft_step_snapshot_saved(node->raft, place, first_index, now_us);
        node_log(node, LOG_NOTICE,
            "snapshot of the state at %llu: %llu bytes; the log begins at %llu",
            (unsigned long long)place->index, (unsigned long long)place->bytes,
            (unsigned long long)raft_first_index(node->raft));
    }
    saving_ends(node, status);
}

/* -- life ------------------------------------------------------------------------------------ */

void snapshots_leave_engine(struct node *node) {
    follow_drop(node);
    syncs_leave_engine(node);
    struct snapshots *snapshots = &node->snapshots;
    if (snapshots->writer == NULL) return;
    SF_MARK("snapshot: given up half written");
    node->ports.drop_snapshot(node->ports.context, &snapshots->place);
    saving_ends(node, SF_ERR_NOT_EXECUTED);
}

static void free_retired(struct node *node) {
    if (node->snapshots.retired == NULL) return;
    if (engine_free_some(node->snapshots.retired, FREE_A_TURN)) {
        engine_free(node->snapshots.retired);
        node->snapshots.retired = NULL;
    }
}

void snapshots_retire(struct node *node, struct engine *engine) {
    if (engine == NULL) return;
    engine_free(node->snapshots.retired); /* the second in a row: at once */
    engine_retire(engine);
    node->snapshots.retired = engine;
}

void snapshots_open(struct node *node) {
    node->snapshots = (struct snapshots){
        .saved_ms = node->wall_ms, .saved_us = node->now_us, .took_us = -1, .rewrite_took_us = -1};
    list_init(&node->snapshots.waiting);
}

void snapshots_reset(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    uint64_t request = snapshots->request;
    saves_end(node, SF_ERR_NOT_EXECUTED);
    receiving_drop(node);
    buf_free(&snapshots->piece);
    engine_free(snapshots->retired);
    snapshots_open(node);
    snapshots->request = request;
}

void snapshots_pump(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    chunks_held_pump(node);
    receiving_pump(node);
    free_retired(node);
    if (is_due(node)) snapshot_begin(node);
    if (snapshots->writer != NULL) write_on(node);
    /* the state has not changed since the latest: that one is what was asked for */
    if (snapshots->wanted && !snapshots->saving &&
        engine_applied(node->engine) <= snapshots->index) {
        snapshots->wanted = false;
        snapshots->saved_ms = node->wall_ms;
        snapshots->saved_us = node->now_us;
        saves_end(node, SF_OK);
        rewrite_ends(node, false);
    }
}

int64_t snapshots_deadline_us(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    if (receiving_has_work(node)) return node->now_us;
    if (snapshots->writer != NULL && snapshots->n_unwritten < PIECES_UNWRITTEN_MAX)
        return SF_MAX(snapshots->slice_us, node->now_us);
    if (snapshots->retired != NULL || snapshots->wanted) return node->now_us + 1000;
    return INT64_MAX;
}
