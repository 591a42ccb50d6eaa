/* Hashes, field by field. */
#include "keyspace/hash.h"

#include "commands/call.h"
#include "commands/functions.h"

#include <math.h>

/* The hash at argv[1] for reading; *object NULL: there is none. false: WRONGTYPE. */
static bool find_hash(struct call *call, struct object **object, struct collection *hash) {
    if (!call_find_type(call, call->argv[1], OBJECT_HASH, object)) return false;
    if (*object != NULL) *hash = db_collection(call->db, *object);
    return true;
}

/* The same for writing: a new, empty hash where there is none. */
static bool open_hash(struct call *call, struct object **object, struct collection *hash) {
    if (!find_hash(call, object, hash)) return false;
    if (*object == NULL) *hash = hash_new(db_collection_types(call->db));
    return true;
}

/* After a change of what open_hash gave. event: as what it is told. */
static void close_hash(
    struct call *call, struct object *object, struct collection *hash, const char *event) {
    bool is_there = true;
    if (object == NULL)
        db_add_collection(call->db, call->argv[1], hash, NO_DUE);
    else
        is_there = db_collection_changed(call->db, object, hash);
    call_changed(call, OBJECT_HASH, event, call->argv[1], is_there);
}

/* -- reading --------------------------------------------------------------------------------- */

void cmd_hget(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice value;
    char scratch[INT_TEXT_MAX];
    if (!find_hash(call, &object, &hash)) return;
    if (object != NULL && hash_get(&hash, call->argv[2], scratch, &value))
        reply_bulk(call->reply, value);
    else
        reply_null(call->reply);
}

void cmd_hmget(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice value;
    char scratch[INT_TEXT_MAX];
    if (!find_hash(call, &object, &hash)) return;
    size_t before = reply_bytes(call->reply);
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        if (object != NULL && hash_get(&hash, call->argv[i], scratch, &value))
            reply_bulk(call->reply, value);
        else
            reply_null(call->reply);
        if (!call_reply_fits(call, before)) return; /* one long value may be asked for often */
    }
}

void cmd_hlen(struct call *call) {
    struct object *object;
    struct collection hash;
    if (!find_hash(call, &object, &hash)) return;
    reply_integer(call->reply, object == NULL ? 0 : (int64_t)collection_size(&hash));
}

void cmd_hstrlen(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice value;
    char scratch[INT_TEXT_MAX];
    if (!find_hash(call, &object, &hash)) return;
    bool found = object != NULL && hash_get(&hash, call->argv[2], scratch, &value);
    reply_integer(call->reply, found ? (int64_t)value.len : 0);
}

void cmd_hexists(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice value;
    char scratch[INT_TEXT_MAX];
    if (!find_hash(call, &object, &hash)) return;
    reply_integer(call->reply, object != NULL && hash_get(&hash, call->argv[2], scratch, &value));
}

/* -- setting --------------------------------------------------------------------------------- */

/* HSET and HMSET, which differ in their reply. */
void cmd_hset(struct call *call) {
    struct object *object;
    struct collection hash;
    if (call->argc % 2 == 1) {
        reply_arity_error(call);
        return;
    }
    if (!open_hash(call, &object, &hash)) return;
    hash_prepare(&hash, call->thresholds, call->argc - 2, call->argv + 2);
    int64_t n_new = 0;
    for (uint32_t i = 2; i < call->argc; i += 2)
        n_new += hash_set(&hash, call->thresholds, call->argv[i], call->argv[i + 1]);
    close_hash(call, object, &hash, "hset");
    if (call->command->id == COMMAND_HMSET)
        reply_ok(call->reply);
    else
        reply_integer(call->reply, n_new);
}

void cmd_hsetnx(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice value;
    char scratch[INT_TEXT_MAX];
    if (!find_hash(call, &object, &hash)) return;
    if (object != NULL && hash_get(&hash, call->argv[2], scratch, &value)) {
        reply_integer(call->reply, 0);
        return;
    }
    if (object == NULL) hash = hash_new(db_collection_types(call->db));
    hash_prepare(&hash, call->thresholds, 2, call->argv + 2);
    hash_set(&hash, call->thresholds, call->argv[2], call->argv[3]);
    close_hash(call, object, &hash, "hset");
    reply_integer(call->reply, 1);
}

void cmd_hdel(struct call *call) {
    struct object *object;
    struct collection hash;
    if (!find_hash(call, &object, &hash)) return;
    int64_t n_gone = 0;
    for (uint32_t i = 2; i < call->argc && object != NULL; i++) {
        n_gone += hash_remove(&hash, call->argv[i]);
        if (collection_size(&hash) == 0) break;
    }
    if (n_gone > 0) close_hash(call, object, &hash, "hdel");
    reply_integer(call->reply, n_gone);
}

/* -- counting -------------------------------------------------------------------------------- */

static void store_number(struct call *call, struct object *object, struct collection *hash,
    struct slice text, const char *event) {
    if (object == NULL) *hash = hash_new(db_collection_types(call->db));
    hash_set(hash, call->thresholds, call->argv[2], text);
    close_hash(call, object, hash, event);
}

void cmd_hincrby(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice held;
    char scratch[INT_TEXT_MAX];
    int64_t step, value = 0;
    if (!call_integer(call, call->argv[3], &step)) return;
    if (!find_hash(call, &object, &hash)) return;
    if (object != NULL && hash_get(&hash, call->argv[2], scratch, &held) &&
        !int_parse(held, &value)) {
        reply_error(call->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, step, &value)) {
        reply_error(call->reply, "ERR increment or decrement would overflow");
        return;
    }
    store_number(call, object, &hash, slice_of(scratch, int_print(value, scratch)), "hincrby");
    reply_integer(call->reply, value);
}

void cmd_hincrbyfloat(struct call *call) {
    struct object *object;
    struct collection hash;
    struct slice held;
    char scratch[INT_TEXT_MAX], text[LONG_DOUBLE_TEXT_MAX];
    long double step, value = 0;
    if (!long_double_parse(call->argv[3], &step)) {
        reply_error(call->reply, TEXT_NOT_FLOAT);
        return;
    }
    if (isnan(step) || isinf(step)) {
        reply_error(call->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!find_hash(call, &object, &hash)) return;
    if (object != NULL && hash_get(&hash, call->argv[2], scratch, &held) &&
        !long_double_parse(held, &value)) {
        reply_error(call->reply, "ERR hash value is not a float");
        return;
    }
    value += step;
    if (isnan(value) || isinf(value)) {
        reply_error(call->reply, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice shown = slice_of(text, long_double_print_human(value, text));
    store_number(call, object, &hash, shown, "hincrbyfloat");
    reply_bulk(call->reply, shown);
}
