/* SYNC and PSYNC, as `redis-cli --rdb` asks: a dump of one state, as fresh as the request, behind
 * `$EOF:` and a mark that ends it too. It is written while the client takes it, so that no more of
 * it than about a megabyte is held; what the state keeps for it meanwhile is bounded, too.
 *
 * Nothing follows the dump: the connection is closed. A server that wants to be a replica (it says
 * where it listens) is refused, since it would go on to answer with what is old. */
#include "node/sync.h"

#include "engine/snapshot.h"
#include "node/internal.h"

enum {
    MARK_CHARS = 40,
    OUTPUT_BYTES = 1 << 20, /* of a dump, not yet taken by the client */
    BUDGET_A_TURN = 8192,
    STALL_US = 60000000,      /* of a client that takes nothing */
    KEPT_BYTES_MAX = 1 << 30, /* by the state, for a slow client's dump */
    LOOK_AGAIN_US = 5000,
};

struct sync {
    struct list in_node;
    struct pending *held;
    struct snapshot_writer *writer; /* NULL: all is written */
    char mark[MARK_CHARS];
    size_t seen_bytes; /* unsent, at the last look */
    int64_t moved_us;
};

/* -- REPLCONF -------------------------------------------------------------------------------- */

void local_replconf(struct local_call *call) {
    struct session *session = call->session;
    if (call->argc % 2 == 0) {
        reply_error(call->reply, "ERR syntax error");
        return;
    }
    for (uint32_t i = 1; i < call->argc; i += 2) {
        struct slice name = call->argv[i], value = call->argv[i + 1];
        if (slice_is(name, "ack") || slice_is(name, "getack")) return; /* never answered */
        if (slice_is(name, "capa")) {
            session->takes_mark |= slice_is(value, "eof");
        } else if (slice_is(name, "listening-port")) {
            session->is_replica = true;
        } else if (!slice_is(name, "rdb-only") && !slice_is(name, "ip-address")) {
            reply_errorf(call->reply, "ERR Unrecognized REPLCONF option: %.*s",
                (int)SF_MIN(name.len, (size_t)128), name.data);
            return;
        }
    }
    reply_status(call->reply, "OK");
}

/* -- the dump -------------------------------------------------------------------------------- */

static void sync_free(struct sync *sync) {
    list_remove(&sync->in_node);
    snapshot_writer_free(sync->writer);
    sf_free(sync);
}

static void make_mark(struct node *node, char mark[MARK_CHARS]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[MARK_CHARS / 2];
    node->ports.random_bytes(node->ports.context, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        mark[2 * i] = digits[bytes[i] >> 4];
        mark[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static const char *refusal(const struct session *session) {
    if (session->is_replica)
        return "ERR ShardForge has no Redis replicas: let redis-cli --rdb take a dump, or CLUSTER "
               "MEET another ShardForge node";
    if (!session->takes_mark)
        return "ERR a dump is sent only to who said REPLCONF capa eof: its length is not known "
               "beforehand";
    return NULL;
}

/* Its turn as a read has come. */
void local_sync(struct local_call *call) {
    struct node *node = call->node;
    const char *why = refusal(call->session);
    struct snapshot_writer *writer = NULL;
    if (why == NULL) {
        writer = snapshot_writer_new(node->engine, NULL, true);
        if (writer == NULL) why = "ERR too many dumps are being taken: try again later";
    }
    if (why != NULL) {
        reply_error(call->reply, why);
        return;
    }
    struct sync *sync = sf_alloc_zero(1, sizeof *sync);
    sync->held = call->pending;
    sync->writer = writer;
    sync->moved_us = node->now_us;
    make_mark(node, sync->mark);
    list_push_back(&node->syncs, &sync->in_node);
    call->pending->kind = PENDING_HELD;
    struct buf *out = &call->session->output;
    if (call->command->id == COMMAND_PSYNC) {
        char name[41];
        cluster_shard_name(node->identity.cluster_id, name);
        buf_printf(
            out, "+FULLRESYNC %s %llu\r\n", name, (unsigned long long)engine_applied(node->engine));
    }
    buf_printf(out, "$EOF:%.*s\r\n", MARK_CHARS, sync->mark);
    node_log(node, LOG_NOTICE, "a dump of the state at %llu is sent to %s",
        (unsigned long long)engine_applied(node->engine), call->session->remote);
}

static void cut(struct node *node, struct sync *sync, const char *why) {
    struct session *session = sync->held->session;
    node_log(node, LOG_WARNING, "the dump for %s is given up: %s", session->remote, why);
    session->close_now = session->no_more = true;
    session_changed(session);
    sync_free(sync);
}

static void sync_goes_on(struct node *node, struct sync *sync) {
    struct session *session = sync->held->session;
    size_t unsent = session->output.len;
    if (unsent < sync->seen_bytes || unsent < OUTPUT_BYTES) sync->moved_us = node->now_us;
    sync->seen_bytes = unsent;
    struct snapshot_writing writing;
    snapshot_writer_figures(sync->writer, &writing);
    if (node->now_us - sync->moved_us > STALL_US) {
        cut(node, sync, "its client takes nothing");
        return;
    }
    if (writing.kept_bytes > KEPT_BYTES_MAX) {
        cut(node, sync, "its client is too slow for what is written here meanwhile");
        return;
    }
    if (unsent >= OUTPUT_BYTES) return;
    bool done = snapshot_write_some(sync->writer, &session->output, BUDGET_A_TURN);
    sync->seen_bytes = session->output.len;
    if (done) {
        buf_append(&session->output, sync->mark, MARK_CHARS);
        session->quitting = session->no_more = true;
        held_done(sync->held);
        sync_free(sync);
    }
    session_changed(session);
    node_wake(node);
}

void syncs_pump(struct node *node) {
    LIST_FOR_EACH(link, &node->syncs) {
        sync_goes_on(node, SF_CONTAINER(link, struct sync, in_node));
    }
}

int64_t syncs_deadline_us(const struct node *node) {
    return list_empty(&node->syncs) ? INT64_MAX : node->now_us + LOOK_AGAIN_US;
}

void syncs_leave_engine(struct node *node) {
    LIST_FOR_EACH(link, &node->syncs) {
        cut(node, SF_CONTAINER(link, struct sync, in_node), "another state took its place");
    }
}

void syncs_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->syncs) {
        struct sync *sync = SF_CONTAINER(link, struct sync, in_node);
        if (sync->held == held) sync_free(sync);
    }
}

void syncs_free(struct node *node) {
    LIST_FOR_EACH(link, &node->syncs) {
        sync_free(SF_CONTAINER(link, struct sync, in_node));
    }
}
