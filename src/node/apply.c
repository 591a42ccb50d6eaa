/* Committed entries into the state machine, and replies to the sessions that wait for them. */
#include "node/internal.h"

static void apply_command(struct node *node, const struct engine_position *at) {
    bool ours = !at->stale && incarnation_equal(at->origin, node->incarnation);
    struct out_batch *batch = ours ? stream_batch(node, at->sequence) : NULL;
    struct pending *pending = NULL;
    if (batch != NULL) {
        SF_ASSERT(batch->n_commands == at->n_commands);
        pending = batch->waiting[at->position];
    }
    struct reply reply = {0};
    struct session *session = NULL;
    if (pending != NULL) {
        session = pending->session;
        session_drain_before(session, pending);
        if (!pending->mute && !session->close_now)
            reply = (struct reply){&session->output, pending->proto};
    }
    if (pending != NULL) {
        observe_begins(node);
    } else {
        observe_break(node);
    }
    node->running = pending;
    engine_count_lookups(node->engine, pending == NULL ? NULL : &node->lookups);
    bool replied = engine_next(node->engine, &reply);
    node->running = NULL;
    engine_count_lookups(node->engine, NULL);
    if (SF_UNLIKELY(node->access.changed_by != NULL)) {
        everywhere_hold(node, node->access.changed_by, node->access.changed_at);
        node->access.changed_by = NULL;
        session_wait_for_turn(session);
    } else if (!replied && ours) {
        blocked_begin(node, pending, at);
    } else if (pending != NULL) {
        session_write_applied(session, pending);
    }
    if (batch != NULL && at->position + 1 == at->n_commands) stream_applied(node, batch);
}

static void note_dissolve(struct node *node, struct slice payload, raft_index index) {
    struct reader in = reader_of(payload);
    struct entry_stamp stamp;
    entry_read_stamp(&in, &stamp);
    struct slice cluster = read_string(&in), host = read_string(&in);
    uint64_t port = read_varint(&in), bus_port = read_varint(&in);
    if (in.failed || cluster.len > CLUSTER_ID_CHARS || host.len > RAFT_HOST_MAX) return;
    node->dissolve_into =
        (struct raft_address){.port = (uint16_t)port, .bus_port = (uint16_t)bus_port};
    memcpy(node->dissolve_into.host, host.data, host.len);
    memset(node->dissolve_cluster, 0, sizeof node->dissolve_cluster);
    memcpy(node->dissolve_cluster, cluster.data, cluster.len);
    SF_MARK("join: a cluster gives itself up for another");
    node->dissolve_index = index;
}

/* S4: an entry that this build cannot decode is never skipped. */
static void stop_at(struct node *node, raft_index index, uint8_t kind) {
    node->stopped = true;
    node_log(node, LOG_WARNING, "entry %llu (kind %u) cannot be applied by this version: stopping",
        (unsigned long long)index, kind);
    node->ports.stop(node->ports.context, 1, "an entry that this version cannot apply");
}

static bool apply_entry(struct node *node, const struct raft_entry *entry) {
    struct bytes *payload = bytes_ref(entry->payload);
    raft_index index = entry->index;
    uint8_t kind = entry->kind;
    enum sf_status status = engine_begin(node->engine, index, kind, bytes_slice(payload));
    if (status != SF_OK) {
        bytes_unref(payload);
        stop_at(node, index, kind);
        return false;
    }
    struct engine_position at;
    uint32_t last_sequence_commands = 0;
    observe_break(node);
    while (engine_peek(node->engine, &at)) {
        if (!at.stale && at.origin.node == node->incarnation.node &&
            incarnation_equal(at.origin, node->incarnation)) {
            node->settled_sequence = at.sequence;
        }
        apply_command(node, &at);
        last_sequence_commands++;
    }
    if (engine_is_broken(node->engine)) {
        bytes_unref(payload);
        stop_at(node, index, kind);
        return false;
    }
    engine_end(node->engine);
    snapshots_note_applied(node, bytes_slice(payload).len);
    evictions_applied(node, index, kind, bytes_slice(payload).len);
    node->applied_commands += last_sequence_commands;
    if (kind == ENTRY_DIGEST_MARK) digests_marked(node, index, bytes_slice(payload));
    if (kind == ENTRY_DISSOLVE) note_dissolve(node, bytes_slice(payload), index);
    if (index == node->tick_index) node->tick_in_flight = false;
    raft_step_applied(node->raft, index);
    bytes_unref(payload);
    return true;
}

/* By an operator's word: its commands have not run here, and nowhere (skip.c). */
static void skip_entry(struct node *node, const struct raft_entry *entry) {
    struct bytes *payload = bytes_ref(entry->payload);
    raft_index index = entry->index;
    engine_skip(node->engine, index, entry->kind, bytes_slice(payload));
    snapshots_note_applied(node, bytes_slice(payload).len);
    if (index == node->tick_index) node->tick_in_flight = false;
    raft_step_applied(node->raft, index);
    bytes_unref(payload);
    snapshots_settle_own_stream(node);
    skips_passed(node, index);
}

/* Commands, and what an entry does besides them: a thousand entries that each reclaim keys are a
 * long turn too. */
static uint64_t work_done(const struct node *node) {
    uint64_t reclaimed =
        engine_expired_count(node->engine) + engine_expired_fields_count(node->engine);
    return node->applied_commands + APPLY_RECLAIM_WEIGHT * reclaimed;
}

void apply_pump(struct node *node) {
    uint64_t start = work_done(node);
    bool watched = latency_is_watched(node->settings.observe.latency_threshold_ms);
    int64_t start_ns = watched ? observe_clock_ns(node) : 0;
    uint32_t entries = 0;
    raft_index before = engine_applied(node->engine);
    while (!node->stopped && !engine_is_dissolved(node->engine)) {
        raft_index next = engine_applied(node->engine) + 1;
        if (next > raft_commit_index(node->raft) || skips_hold(node, next)) break;
        if (work_done(node) - start > APPLY_WORK_PER_TURN || entries++ > 1024) {
            node_wake(node);
            break;
        }
        const struct raft_entry *entry = raft_committed_entry(node->raft, next);
        if (entry == NULL) break; /* asked for from storage */
        enum skip_verdict verdict = skips_judge(node, next, entry);
        if (verdict == SKIP_HOLD) break;
        skips_note(node, next);
        if (verdict == SKIP_PASS) {
            skip_entry(node, entry);
        } else if (!apply_entry(node, entry)) {
            break;
        }
    }
    skips_note(node, 0);
    if (watched) latency_add(node, LATENCY_APPLY, (observe_clock_ns(node) - start_ns) / 1000000);
    if (node->stopped) return;
    if (engine_applied(node->engine) != before) reads_advance(node);
}

/* After the replica was replaced by an empty one: what waited for the old one waits for the new. */
void apply_drop_waiting(struct node *node) {
    node->settled_sequence = 0;
    node->runnable_round = 0;
    node->runnable_clock_ms = 0; /* the other cluster's clock */
    node->rounds_n = 0;
    transactions_change_state(node);
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        session->settle_sequence = 0;
        LIST_FOR_EACH(other, &session->pending) {
            struct pending *pending = SF_CONTAINER(other, struct pending, in_session);
            pending->settle_clock_ms = 0;
            if (pending->kind == PENDING_READ || pending->kind == PENDING_AGAIN) {
                pending->round = node->next_round;
                node->round_wanted = true;
            }
        }
    }
}
