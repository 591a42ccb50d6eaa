/* Commands that no client sends: what changes replicated state outside the keyspace, and a test's.
 */
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

/* DEBUG ABORT-WHEN-APPLIED: an entry that kills every node that applies it. */
void cmd_shardforge_abort(struct call *call) {
    (void)call;
    sf_assert_failed("DEBUG ABORT-WHEN-APPLIED", __FILE__, __LINE__);
}
