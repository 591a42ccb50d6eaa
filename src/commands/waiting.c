/* Commands that wait where there is nothing to take, and what the node puts into the log about
 * those who wait. */
#include "commands/waiting.h"

#include "commands/functions.h"

bool call_timeout(struct call *call, struct slice text, int64_t *deadline_ms) {
    long double seconds;
    if (!long_double_parse(text, &seconds)) {
        reply_error(call->reply, "ERR timeout is not a float or out of range");
        return false;
    }
    long double wanted_ms = seconds * 1000;
    if (wanted_ms > (long double)INT64_MAX) {
        reply_error(call->reply, "ERR timeout is out of range");
        return false;
    }
    int64_t timeout_ms = wanted_ms <= (long double)INT64_MIN ? INT64_MIN : (int64_t)wanted_ms;
    if ((long double)timeout_ms < wanted_ms) timeout_ms++; /* rounded up */
    if (timeout_ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return false;
    }
    if (timeout_ms > INT64_MAX - call->now_ms) {
        reply_error(call->reply, "ERR timeout is out of range");
        return false;
    }
    *deadline_ms = timeout_ms == 0 ? NO_DUE : due_clamp(call->now_ms + timeout_ms);
    if (call->deadline_ms != 0) *deadline_ms = call->deadline_ms;
    return true;
}

bool call_wait_for(struct call *call, const struct wait_request *request) {
    if (!call->may_block) return false;
    SF_ASSERT(request->keys >= call->argv);
    SF_ASSERT(request->keys + request->n_keys <= call->argv + call->argc);
    call->waits = true;
    /* a read finds out that it has to wait, and comes again as a write */
    if (call->engine != NULL) call->engine->wait(call->engine->context, call, request);
    return true;
}

bool call_wait(struct call *call, const int64_t *deadline_ms, enum object_type type, uint32_t first,
    uint32_t n_keys) {
    if (deadline_ms == NULL) return false;
    struct wait_request request = {
        .type = type, .n_keys = n_keys, .keys = call->argv + first, .deadline_ms = *deadline_ms};
    return call_wait_for(call, &request);
}

/* -- what the node logs ---------------------------------------------------------------------- */

/* shardforge.again deadline word ...: a command that waited and was taken out of the queue (its
 * node was not heard for a while) queues once more, with the deadline that it had. 0: a read that
 * found nothing and may wait (XREAD). */
void cmd_shardforge_again(struct call *call) {
    int64_t deadline_ms;
    const struct command *inner = command_lookup(call->argc - 2, call->argv + 2);
    if (!int_parse(call->argv[1], &deadline_ms) || deadline_ms < 0 || inner == NULL ||
        (inner->flags & CMD_BLOCKING) == 0 || inner->run == NULL ||
        !command_arity_fits(inner, call->argc - 2)) {
        reply_error(call->reply, TEXT_SYNTAX); /* a peer built it: not ours to assert */
        return;
    }
    call->command = inner;
    call->argc -= 2;
    call->argv += 2;
    call->deadline_ms = deadline_ms;
    call_run(call);
}

/* shardforge.unblock node counter nonce sequence position timeout|error|gone [word ...]: the words
 * of the request, for who looks on. */
void cmd_shardforge_unblock(struct call *call) {
    uint64_t numbers[5];
    bool good = true;
    for (uint32_t i = 0; i < 5; i++) good = good && uint_parse(call->argv[i + 1], &numbers[i]);
    struct slice word = call->argv[6];
    enum unblock_how how = slice_is(word, "timeout") ? UNBLOCK_TIMEOUT
                           : slice_is(word, "error") ? UNBLOCK_ERROR
                                                     : UNBLOCK_GONE;
    good = good && numbers[4] <= UINT32_MAX && (how != UNBLOCK_GONE || slice_is(word, "gone"));
    if (!good) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    SF_ASSERT(call->engine != NULL);
    struct waiter_place place = {
        numbers[0], numbers[1], numbers[2], numbers[3], (uint32_t)numbers[4]};
    reply_integer(call->reply, call->engine->unblock(call->engine->context, &place, how));
}
