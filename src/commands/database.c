/* Whole databases: their size, emptying, exchanging. */
#include "commands/call.h"
#include "commands/functions.h"

/* Keys that are due and not reclaimed yet are counted, as in Redis (DESIGN 7). */
void cmd_dbsize(struct call *call) {
    reply_integer(call->reply, (int64_t)db_size(call->db));
}

/* SYNC and ASYNC mean the same here: emptying never waits for memory to be freed. */
static bool flush_options(struct call *call) {
    if (call->argc == 1) return true;
    if (call->argc == 2 && (slice_is(call->argv[1], "sync") || slice_is(call->argv[1], "async")))
        return true;
    reply_error(call->reply, TEXT_SYNTAX);
    return false;
}

void cmd_flushdb(struct call *call) {
    if (!flush_options(call)) return;
    db_flush(call->db);
    reply_ok(call->reply);
}

void cmd_flushall(struct call *call) {
    if (!flush_options(call)) return;
    for (uint32_t i = 0; i < keyspace_n_dbs(call->keyspace); i++)
        db_flush(keyspace_db(call->keyspace, i));
    reply_ok(call->reply);
}

void cmd_swapdb(struct call *call) {
    int a, b;
    if (!call_int(call, call->argv[1], "ERR invalid first DB index", &a)) return;
    if (!call_int(call, call->argv[2], "ERR invalid second DB index", &b)) return;
    int64_t n_dbs = keyspace_n_dbs(call->keyspace);
    if (a < 0 || b < 0 || a >= n_dbs || b >= n_dbs) {
        reply_error(call->reply, TEXT_DB_RANGE);
        return;
    }
    if (a != b) keyspace_swap(call->keyspace, (uint32_t)a, (uint32_t)b);
    reply_ok(call->reply);
}
