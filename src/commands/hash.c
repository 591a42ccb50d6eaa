/* Hashes, field by field. */
#include "commands/functions.h"
#include "commands/hash_field.h"

#include <math.h>

/* -- reading --------------------------------------------------------------------------------- */

void cmd_hget(struct call *call) {
    struct call_hash hash;
    struct field_value value;
    if (!call_hash_find(call, &hash)) return;
    if (call_hash_get(call, &hash, call->argv[2], &value))
        reply_bulk(call->reply, value.text);
    else
        reply_null(call->reply);
}

void cmd_hmget(struct call *call) {
    struct call_hash hash;
    struct field_value value;
    if (!call_hash_find(call, &hash)) return;
    size_t before = reply_bytes(call->reply);
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        if (call_hash_get(call, &hash, call->argv[i], &value))
            reply_bulk(call->reply, value.text);
        else
            reply_null(call->reply);
        if (!call_reply_fits(call, before)) return; /* one long value may be asked for often */
    }
}

void cmd_hlen(struct call *call) {
    struct call_hash hash;
    if (!call_hash_find(call, &hash)) return;
    uint64_t size = hash.object == NULL ? 0 : call_hash_size(call, &hash.hash);
    reply_integer(call->reply, (int64_t)size);
}

void cmd_hstrlen(struct call *call) {
    struct call_hash hash;
    struct field_value value;
    if (!call_hash_find(call, &hash)) return;
    bool found = call_hash_get(call, &hash, call->argv[2], &value);
    reply_integer(call->reply, found ? (int64_t)value.text.len : 0);
}

void cmd_hexists(struct call *call) {
    struct call_hash hash;
    struct field_value value;
    if (!call_hash_find(call, &hash)) return;
    reply_integer(call->reply, call_hash_get(call, &hash, call->argv[2], &value));
}

/* -- setting --------------------------------------------------------------------------------- */

/* true: the field is new. */
static bool set_field(
    struct call *call, struct call_hash *hash, struct slice field, struct slice value) {
    struct field_value held;
    if (hash_has_dues(&hash->hash)) call_hash_take(call, hash, field, &held); /* if it is dead */
    return hash_set(&hash->hash, call->thresholds, field, value);
}

/* HSET and HMSET, which differ in their reply. */
void cmd_hset(struct call *call) {
    struct call_hash hash;
    if (call->argc % 2 == 1) {
        reply_arity_error(call);
        return;
    }
    if (!call_hash_open(call, &hash)) return;
    hash_prepare(&hash.hash, call->thresholds, call->argc - 2, call->argv + 2);
    int64_t n_new = 0;
    for (uint32_t i = 2; i < call->argc; i += 2)
        n_new += set_field(call, &hash, call->argv[i], call->argv[i + 1]);
    call_hash_close(call, &hash, "hset", NULL);
    if (call->command->id == COMMAND_HMSET)
        reply_ok(call->reply);
    else
        reply_integer(call->reply, n_new);
}

void cmd_hsetnx(struct call *call) {
    struct call_hash hash;
    struct field_value held;
    if (!call_hash_open(call, &hash)) return;
    bool is_free = !call_hash_take(call, &hash, call->argv[2], &held);
    if (is_free) {
        hash_prepare(&hash.hash, call->thresholds, 2, call->argv + 2);
        hash_set(&hash.hash, call->thresholds, call->argv[2], call->argv[3]);
        call_hash_close(call, &hash, "hset", NULL);
    }
    reply_integer(call->reply, is_free);
}

void cmd_hdel(struct call *call) {
    struct call_hash hash;
    struct field_value held;
    if (!call_hash_find(call, &hash)) return;
    int64_t n_gone = 0;
    for (uint32_t i = 2; i < call->argc && hash.object != NULL; i++) {
        bool lives =
            !hash_has_dues(&hash.hash) || call_hash_take(call, &hash, call->argv[i], &held);
        if (lives) n_gone += hash_remove(&hash.hash, call->argv[i]);
        if (collection_size(&hash.hash) == 0) break;
    }
    if (n_gone > 0 || hash.has_expired)
        call_hash_close(call, &hash, n_gone > 0 ? "hdel" : NULL, NULL);
    reply_integer(call->reply, n_gone);
}

/* -- counting -------------------------------------------------------------------------------- */

/* due_ms: the field's own, which it keeps. */
static void store_number(struct call *call, struct call_hash *hash, struct slice text,
    int64_t due_ms, const char *event) {
    hash_put(&hash->hash, call->thresholds, call->argv[2], text, due_ms);
    call_hash_close(call, hash, event, NULL);
}

void cmd_hincrby(struct call *call) {
    struct call_hash hash;
    struct field_value held;
    int64_t step, value = 0;
    if (!call_integer(call, call->argv[3], &step)) return;
    if (!call_hash_open(call, &hash)) return;
    bool is_there = call_hash_take(call, &hash, call->argv[2], &held);
    const char *error = NULL;
    if (is_there && !int_parse(held.text, &value))
        error = "ERR hash value is not an integer";
    else if (__builtin_add_overflow(value, step, &value))
        error = "ERR increment or decrement would overflow";
    if (error != NULL) {
        call_hash_leave(call, &hash);
        reply_error(call->reply, error);
        return;
    }
    char text[INT_TEXT_MAX];
    struct slice shown = slice_of(text, int_print(value, text));
    store_number(call, &hash, shown, is_there ? held.due_ms : NO_DUE, "hincrby");
    reply_integer(call->reply, value);
}

void cmd_hincrbyfloat(struct call *call) {
    struct call_hash hash;
    struct field_value held;
    char text[LONG_DOUBLE_TEXT_MAX];
    long double step, value = 0;
    if (!long_double_parse(call->argv[3], &step)) {
        reply_error(call->reply, TEXT_NOT_FLOAT);
        return;
    }
    if (isnan(step) || isinf(step)) {
        reply_error(call->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!call_hash_open(call, &hash)) return;
    bool is_there = call_hash_take(call, &hash, call->argv[2], &held);
    const char *error = NULL;
    if (is_there && !long_double_parse(held.text, &value)) error = "ERR hash value is not a float";
    value += step;
    if (error == NULL && (isnan(value) || isinf(value)))
        error = "ERR increment would produce NaN or Infinity";
    if (error != NULL) {
        call_hash_leave(call, &hash);
        reply_error(call->reply, error);
        return;
    }
    struct slice shown = slice_of(text, long_double_print_human(value, text));
    store_number(call, &hash, shown, is_there ? held.due_ms : NO_DUE, "hincrbyfloat");
    reply_bulk(call->reply, shown);
}
