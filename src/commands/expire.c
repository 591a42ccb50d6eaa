/* When keys die: EXPIRE, TTL and their kin. */
#include "commands/call.h"
#include "commands/functions.h"

#include <limits.h>

struct expire_conditions {
    bool nx, xx, gt, lt;
};

static bool conditions_parse(struct call *call, struct expire_conditions *out) {
    *out = (struct expire_conditions){0};
    for (uint32_t i = 3; i < call->argc; i++) {
        struct slice word = call->argv[i];
        if (slice_is(word, "nx"))
            out->nx = true;
        else if (slice_is(word, "xx"))
            out->xx = true;
        else if (slice_is(word, "gt"))
            out->gt = true;
        else if (slice_is(word, "lt"))
            out->lt = true;
        else {
            reply_errorf(
                call->reply, "ERR Unsupported option %.*s", shown_bytes(word, INT_MAX), word.data);
            return false;
        }
    }
    if (out->nx && (out->xx || out->gt || out->lt)) {
        reply_error(
            call->reply, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (out->gt && out->lt) {
        reply_error(call->reply, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* No expiry counts as an infinitely late one. */
static bool conditions_hold(
    const struct expire_conditions *conditions, int64_t current_ms, int64_t due_ms) {
    if (conditions->nx && current_ms != NO_DUE) return false;
    if (conditions->xx && current_ms == NO_DUE) return false;
    if (conditions->gt && due_ms <= current_ms) return false;
    return !(conditions->lt && current_ms != NO_DUE && due_ms >= current_ms);
}

/* The due time of argv[2] counted from base_ms; false when an error was replied. */
static bool due_parse(struct call *call, int64_t base_ms, bool in_seconds, int64_t *due_ms) {
    int64_t amount;
    if (!call_integer(call, call->argv[2], &amount)) return false;
    bool good = !in_seconds || (amount <= INT64_MAX / 1000 && amount >= INT64_MIN / 1000);
    if (good && in_seconds) amount *= 1000;
    if (!good || __builtin_add_overflow(amount, base_ms, &amount)) {
        reply_expire_error(call);
        return false;
    }
    *due_ms = due_clamp(amount);
    return true;
}

static void expire_at(struct call *call, int64_t base_ms, bool in_seconds) {
    struct expire_conditions conditions;
    int64_t due_ms;
    if (!conditions_parse(call, &conditions)) return;
    if (!due_parse(call, base_ms, in_seconds, &due_ms)) return;
    struct object *object = call_find(call, call->argv[1]);
    if (object == NULL || !conditions_hold(&conditions, object_due_ms(object), due_ms)) {
        reply_integer(call->reply, 0);
        return;
    }
    bool is_past = call_is_past(call, due_ms);
    if (is_past)
        db_delete(call->db, call->argv[1], call->now_ms);
    else
        db_set_due(call->db, &object, due_ms);
    call_event(call, EVENT_GENERIC, is_past ? "del" : "expire", call->argv[1]);
    reply_integer(call->reply, 1);
}

void cmd_expire(struct call *call) {
    expire_at(call, call->now_ms, true);
}

void cmd_pexpire(struct call *call) {
    expire_at(call, call->now_ms, false);
}

void cmd_expireat(struct call *call) {
    expire_at(call, 0, true);
}

void cmd_pexpireat(struct call *call) {
    expire_at(call, 0, false);
}

void cmd_persist(struct call *call) {
    struct object *object = call_find(call, call->argv[1]);
    bool expires = object != NULL && object_due_ms(object) != NO_DUE;
    if (expires) {
        db_set_due(call->db, &object, NO_DUE);
        call_event(call, EVENT_GENERIC, "persist", call->argv[1]);
    }
    reply_integer(call->reply, expires);
}

/* -- looking --------------------------------------------------------------------------------- */

static int64_t seconds_rounded(int64_t ms) {
    return ms / 1000 + (ms % 1000 >= 500 ? 1 : 0);
}

/* What is left, or with absolute the due time itself; -2 without key, -1 without expiry. */
static void reply_due(struct call *call, bool absolute, bool in_seconds) {
    struct object *object = call_find_untouched(call, call->argv[1]);
    if (object == NULL || object_due_ms(object) == NO_DUE) {
        reply_integer(call->reply, object == NULL ? -2 : -1);
        return;
    }
    int64_t ms = object_due_ms(object);
    if (!absolute) ms = SF_MAX(ms - call_clock_ms(call), 0);
    reply_integer(call->reply, in_seconds ? seconds_rounded(ms) : ms);
}

void cmd_ttl(struct call *call) {
    reply_due(call, false, true);
}

void cmd_pttl(struct call *call) {
    reply_due(call, false, false);
}

void cmd_expiretime(struct call *call) {
    reply_due(call, true, true);
}

void cmd_pexpiretime(struct call *call) {
    reply_due(call, true, false);
}
