/* Strings as numbers: INCR and its kin. */
#include "commands/call.h"
#include "commands/functions.h"

#include <math.h>

/* The integer at a key, 0 where there is none; with the due time that the result keeps. */
static bool counter_read(struct call *call, int64_t *value, int64_t *due_ms) {
    struct object *object;
    *value = 0;
    *due_ms = NO_DUE;
    if (!call_find_string(call, call->argv[1], &object)) return false;
    if (object == NULL) return true;
    *due_ms = object_due_ms(object);
    if (object_integer(object, value)) return true;
    char scratch[OBJECT_TEXT_MAX];
    return call_integer(call, object_string(object, scratch), value);
}

static void counter_add(struct call *call, int64_t step) {
    int64_t value, due_ms;
    if (!counter_read(call, &value, &due_ms)) return;
    if (__builtin_add_overflow(value, step, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    db_set_integer(call->db, call->argv[1], value, due_ms);
    call_event(call, EVENT_STRING, "incrby", call->argv[1]);
    reply_integer(call->reply, value);
}

void cmd_incr(struct call *call) {
    counter_add(call, 1);
}

void cmd_decr(struct call *call) {
    counter_add(call, -1);
}

void cmd_incrby(struct call *call) {
    int64_t step;
    if (call_integer(call, call->argv[2], &step)) counter_add(call, step);
}

void cmd_decrby(struct call *call) {
    int64_t step;
    if (!call_integer(call, call->argv[2], &step)) return;
    if (step == INT64_MIN) { /* has no opposite */
        reply_error(call->reply, "ERR decrement would overflow");
        return;
    }
    counter_add(call, -step);
}

static bool call_float(struct call *call, struct slice text, long double *out) {
    if (long_double_parse(text, out)) return true;
    reply_error(call->reply, TEXT_NOT_FLOAT);
    return false;
}

void cmd_incrbyfloat(struct call *call) {
    struct object *object;
    if (!call_find_string(call, call->argv[1], &object)) return;
    long double value = 0, step = 0;
    int64_t due_ms = NO_DUE;
    if (object != NULL) {
        char scratch[OBJECT_TEXT_MAX];
        if (!call_float(call, object_string(object, scratch), &value)) return;
        due_ms = object_due_ms(object);
    }
    if (!call_float(call, call->argv[2], &step)) return;
    value += step;
    if (isnan(value) || isinf(value)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    char text[LONG_DOUBLE_TEXT_MAX];
    struct slice shown = slice_of(text, long_double_print_human(value, text));
    db_set_text(call->db, call->argv[1], shown, due_ms);
    call_event(call, EVENT_STRING, "incrbyfloat", call->argv[1]);
    reply_bulk(call->reply, shown);
}
