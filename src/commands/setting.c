/* The commands that no client sends: they reach beyond the keyspace, and a test's. */
#include "commands/call.h"
#include "commands/functions.h"

/* shardforge.setting name value [name value ...] */
void cmd_shardforge_setting(struct call *call) {
    if (call->argc % 2 == 0) { /* a peer built it: not ours to assert */
        reply_arity_error(call);
        return;
    }
    SF_ASSERT(call->engine != NULL);
    for (uint32_t i = 1; i < call->argc; i += 2)
        call->engine->set_setting(call->engine->context, call->argv[i], call->argv[i + 1]);
    reply_ok(call->reply);
}

/* shardforge.acl set|del|load|seed ...: see engine/access.c */
void cmd_shardforge_acl(struct call *call) {
    SF_ASSERT(call->engine != NULL);
    call->engine->change_users(call->engine->context, call);
}

/* shardforge.exec counts watches commands: see engine/entry.h */
void cmd_shardforge_exec(struct call *call) {
    SF_ASSERT(call->engine != NULL);
    call->engine->run_transaction(call->engine->context, call);
}

/* shardforge.publish channel|shard name message: PUBLISH in a transaction. Its reply, the receivers
 * at the node of the session, is no part of the state. */
void cmd_shardforge_publish(struct call *call) {
    SF_ASSERT(call->engine != NULL);
    bool shard = slice_is(call->argv[1], "shard");
    int64_t n = call->engine->publish(call->engine->context, shard, call->argv[2], call->argv[3]);
    reply_integer(call->reply, n);
}

/* shardforge.source: see engine/source.c */
void cmd_shardforge_source(struct call *call) {
    SF_ASSERT(call->engine != NULL);
    call->engine->source(call->engine->context, call);
}

/* shardforge.moved error { key revision }*: what MIGRATE has brought elsewhere goes, each key only
 * if it is still what was sent; the answer to its client. */
void cmd_shardforge_moved(struct call *call) {
    uint32_t n_changed = 0;
    for (uint32_t i = 2; i + 1 < call->argc; i += 2) {
        struct slice key = call->argv[i];
        uint64_t revision;
        bool same = uint_parse(call->argv[i + 1], &revision) && !call->refuses_writes &&
                    db_revision(call->db, key, call->now_ms) == revision;
        if (!same) n_changed++;
        if (same && db_delete(call->db, key, call->now_ms))
            call_event(call, EVENT_GENERIC, "del", key);
    }
    if (call->argv[1].len > 0) {
        reply_errorf(call->reply, "%.*s", (int)call->argv[1].len, call->argv[1].data);
    } else if (n_changed > 0) {
        reply_errorf(call->reply,
            "ERR %u keys changed while they were moved: they stay here, and the target has what "
            "they held before",
            n_changed);
    } else {
        reply_ok(call->reply);
    }
}

void cmd_replicaof(struct call *call) {
    SF_ASSERT(call->engine != NULL);
    call->engine->follow(call->engine->context, call);
}

/* DEBUG ABORT-WHEN-APPLIED: an entry that kills every node that applies it. */
void cmd_shardforge_abort(struct call *call) {
    (void)call;
    sf_assert_failed("DEBUG ABORT-WHEN-APPLIED", __FILE__, __LINE__);
}
