/* When fields of hashes die: HEXPIRE, HTTL and their kin; and what gets or sets fields together
 * with their due times: HGETDEL, HGETEX, HSETEX. */
#include "commands/functions.h"
#include "commands/hash_field.h"

#include <limits.h>

#define DUE_MAX ((INT64_C(1) << 46) - 1) /* Redis keeps two of its 48 bits for itself */
#define REPLY_BYTES_MAX ((uint64_t)512 << 20)
#define TEXT_NO_NUMBER "ERR Number of fields must be a positive integer"

enum field_answer { NO_SUCH_FIELD = -2, NO_DUE_TIME = -1, NOT_MET = 0, DONE = 1, DELETED = 2 };

/* -- arguments ------------------------------------------------------------------------------- */

/* A due time counted from base_ms; false when an error was replied. */
static bool due_parse(
    struct call *call, struct slice text, bool in_seconds, int64_t base_ms, int64_t *due_ms) {
    int64_t amount;
    if (!call_integer(call, text, &amount)) return false;
    if (amount < 0) {
        reply_error(call->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    bool fits = amount <= (in_seconds ? DUE_MAX / 1000 : DUE_MAX);
    if (fits && in_seconds) amount *= 1000;
    if (!fits || amount > DUE_MAX - base_ms) {
        reply_expire_error(call);
        return false;
    }
    *due_ms = SF_MAX(amount + base_ms, 1); /* 0 stands for none in a packed hash */
    return true;
}

/* The fields of a request. */
struct fields {
    uint32_t n;
    const struct slice *names;
};

/* FIELDS number field ... from argv[at] to the end; false when an error was replied. */
static bool fields_parse(
    struct call *call, uint32_t at, const char *no_number, struct fields *out) {
    int64_t n;
    if (!slice_is(call->argv[at], "fields")) {
        reply_error(
            call->reply, "ERR Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (at + 1 >= call->argc) {
        reply_arity_error(call);
        return false;
    }
    if (!call_range(call, call->argv[at + 1], 1, INT64_MAX, no_number, &n)) return false;
    if (n != (int64_t)call->argc - at - 2) {
        reply_error(
            call->reply, "ERR The `numfields` parameter must match the number of arguments");
        return false;
    }
    *out = (struct fields){(uint32_t)n, call->argv + at + 2};
    return true;
}

/* -- HEXPIRE --------------------------------------------------------------------------------- */

enum condition { ALWAYS, IF_NONE, IF_SOME, IF_LATER, IF_EARLIER };

/* No due time counts as an infinitely late one. */
static bool is_met(enum condition condition, int64_t current_ms, int64_t due_ms) {
    switch (condition) {
    case ALWAYS:
        return true;
    case IF_NONE:
        return current_ms == NO_DUE;
    case IF_SOME:
        return current_ms != NO_DUE;
    case IF_LATER:
        return due_ms > current_ms;
    case IF_EARLIER:
        return due_ms < current_ms;
    }
    SF_ASSERT(false);
    return false;
}

static enum condition condition_parse(struct slice word) {
    if (slice_is(word, "nx")) return IF_NONE;
    if (slice_is(word, "xx")) return IF_SOME;
    if (slice_is(word, "gt")) return IF_LATER;
    return slice_is(word, "lt") ? IF_EARLIER : ALWAYS;
}

/* Gives a living field a due time; one that has passed removes it. */
static enum field_answer expire_field(
    struct call *call, struct call_hash *hash, struct slice field, int64_t due_ms) {
    if (call_is_past(call, due_ms)) {
        hash_remove(&hash->hash, field);
        return DELETED;
    }
    hash_set_due(&hash->hash, field, due_ms);
    return DONE;
}

static void expire_fields(struct call *call, struct call_hash *hash, const struct fields *fields,
    enum condition condition, int64_t due_ms) {
    struct field_value held;
    call_hash_make(call, hash);
    uint32_t n_done = 0, n_deleted = 0;
    reply_array(call->reply, fields->n);
    for (uint32_t i = 0; i < fields->n; i++) {
        enum field_answer answer = NO_SUCH_FIELD;
        if (call_hash_take(call, hash, fields->names[i], &held)) {
            answer = NOT_MET;
            if (is_met(condition, held.due_ms, due_ms))
                answer = expire_field(call, hash, fields->names[i], due_ms);
        }
        n_done += answer == DONE;
        n_deleted += answer == DELETED;
        reply_integer(call->reply, answer);
    }
    if (n_done + n_deleted > 0)
        call_hash_close(call, hash, n_deleted > 0 ? "hdel" : "hexpire", NULL);
    else
        call_hash_leave(call, hash);
}

static void expire_at(struct call *call, int64_t base_ms, bool in_seconds) {
    struct call_hash hash;
    struct fields fields;
    int64_t due_ms;
    if (!call_hash_find(call, &hash)) return;
    if (!due_parse(call, call->argv[2], in_seconds, base_ms, &due_ms)) return;
    enum condition condition = condition_parse(call->argv[3]);
    if (!fields_parse(call, condition == ALWAYS ? 3 : 4,
            "ERR Parameter `numFields` should be greater than 0", &fields))
        return;
    expire_fields(call, &hash, &fields, condition, due_ms);
}

void cmd_hexpire(struct call *call) {
    expire_at(call, call->now_ms, true);
}

void cmd_hpexpire(struct call *call) {
    expire_at(call, call->now_ms, false);
}

void cmd_hexpireat(struct call *call) {
    expire_at(call, 0, true);
}

void cmd_hpexpireat(struct call *call) {
    expire_at(call, 0, false);
}

void cmd_hpersist(struct call *call) {
    struct fields fields;
    struct call_hash hash;
    struct field_value held;
    if (!call_hash_find(call, &hash)) return;
    if (!fields_parse(call, 2, TEXT_NO_NUMBER, &fields)) return;
    call_hash_make(call, &hash);
    uint32_t n_done = 0;
    reply_array(call->reply, fields.n);
    for (uint32_t i = 0; i < fields.n; i++) {
        enum field_answer answer = NO_SUCH_FIELD;
        if (call_hash_take(call, &hash, fields.names[i], &held)) {
            answer = held.due_ms == NO_DUE ? NO_DUE_TIME : DONE;
            if (answer == DONE) hash_set_due(&hash.hash, fields.names[i], NO_DUE);
        }
        n_done += answer == DONE;
        reply_integer(call->reply, answer);
    }
    if (n_done > 0)
        call_hash_close(call, &hash, "hpersist", NULL);
    else
        call_hash_leave(call, &hash);
}

/* -- HTTL ------------------------------------------------------------------------------------ */

/* What is left, or with base_ms 0 the due time itself; seconds are rounded up. */
static void reply_dues(struct call *call, int64_t base_ms, bool in_seconds) {
    struct call_hash hash;
    struct field_value held;
    struct fields fields;
    if (!call_hash_find(call, &hash)) return;
    if (!fields_parse(call, 2, TEXT_NO_NUMBER, &fields)) return;
    reply_array(call->reply, fields.n);
    for (uint32_t i = 0; i < fields.n; i++) {
        int64_t answer = NO_SUCH_FIELD;
        if (call_hash_get(call, &hash, fields.names[i], &held)) {
            answer = held.due_ms == NO_DUE ? NO_DUE_TIME : held.due_ms - base_ms;
            if (answer > 0 && in_seconds) answer = (answer + 999) / 1000;
        }
        reply_integer(call->reply, answer);
    }
}

void cmd_httl(struct call *call) {
    reply_dues(call, call_clock_ms(call), true);
}

void cmd_hpttl(struct call *call) {
    reply_dues(call, call_clock_ms(call), false);
}

void cmd_hexpiretime(struct call *call) {
    reply_dues(call, 0, true);
}

void cmd_hpexpiretime(struct call *call) {
    reply_dues(call, 0, false);
}

/* -- getting --------------------------------------------------------------------------------- */

/* Replies the values, and removes the fields. */
static void take_fields(struct call *call, struct call_hash *hash, const struct fields *fields) {
    struct field_value held;
    uint32_t n_gone = 0;
    call_hash_make(call, hash);
    reply_array(call->reply, fields->n);
    for (uint32_t i = 0; i < fields->n; i++) {
        if (!call_hash_take(call, hash, fields->names[i], &held)) {
            reply_null(call->reply);
            continue;
        }
        reply_bulk(call->reply, held.text);
        hash_remove(&hash->hash, fields->names[i]);
        n_gone++;
    }
    if (n_gone > 0)
        call_hash_close(call, hash, "hdel", NULL);
    else
        call_hash_leave(call, hash);
}

void cmd_hgetdel(struct call *call) {
    struct fields fields;
    struct call_hash hash;
    if (!call_hash_find(call, &hash)) return;
    if (fields_parse(call, 2, TEXT_NO_NUMBER, &fields)) take_fields(call, &hash, &fields);
}

/* What a command wants of due times. */
enum due_wish { NO_WISH, SET_DUE, PERSIST, KEEP };

/* EX, PX, EXAT or PXAT; false: it is none of them. */
static bool unit_parse(
    const struct call *call, struct slice word, bool *in_seconds, int64_t *base_ms) {
    bool is_ex = slice_is(word, "ex"), is_px = slice_is(word, "px");
    *in_seconds = is_ex || slice_is(word, "exat");
    *base_ms = is_ex || is_px ? call->now_ms : 0;
    return *in_seconds || is_px || slice_is(word, "pxat");
}

/* All values, before anything is changed: what is too much for a reply must not depend on whether
 * somebody reads it (S2). */
static bool reply_values(struct call *call, struct call_hash *hash, const struct fields *fields) {
    struct field_value held;
    size_t before = reply_bytes(call->reply);
    uint64_t total = 0;
    reply_array(call->reply, fields->n);
    for (uint32_t i = 0; i < fields->n; i++) {
        if (!call_hash_take(call, hash, fields->names[i], &held)) {
            reply_null(call->reply);
            continue;
        }
        total += held.text.len;
        if (total > REPLY_BYTES_MAX) break;
        reply_bulk(call->reply, held.text);
    }
    if (total <= REPLY_BYTES_MAX) return true;
    if (call->reply->out != NULL) buf_truncate(call->reply->out, before);
    reply_error(call->reply, "ERR the reply would be larger than 512 MiB");
    return false;
}

static void wish_for_fields(struct call *call, struct call_hash *hash, const struct fields *fields,
    enum due_wish wish, int64_t due_ms) {
    struct field_value held;
    uint32_t n_done = 0;
    call_hash_make(call, hash);
    if (!reply_values(call, hash, fields)) wish = NO_WISH;
    for (uint32_t i = 0; i < fields->n && wish != NO_WISH; i++) {
        if (!call_hash_take(call, hash, fields->names[i], &held)) continue;
        if (wish == PERSIST && held.due_ms == NO_DUE) continue;
        hash_set_due(&hash->hash, fields->names[i], wish == PERSIST ? NO_DUE : due_ms);
        n_done++;
    }
    if (n_done > 0)
        call_hash_close(call, hash, wish == PERSIST ? "hpersist" : "hexpire", NULL);
    else
        call_hash_leave(call, hash);
}

void cmd_hgetex(struct call *call) {
    struct call_hash hash;
    struct fields fields;
    bool in_seconds;
    int64_t base_ms, due_ms = NO_DUE;
    uint32_t at = 2;
    enum due_wish wish = NO_WISH;
    if (!call_hash_find(call, &hash)) return;
    if (unit_parse(call, call->argv[2], &in_seconds, &base_ms)) {
        if (!due_parse(call, call->argv[3], in_seconds, base_ms, &due_ms)) return;
        wish = SET_DUE;
        at = 4;
    } else if (slice_is(call->argv[2], "persist")) {
        wish = PERSIST;
        at = 3;
    }
    if (!fields_parse(call, at, TEXT_NO_NUMBER, &fields)) return;
    if (wish == SET_DUE && call_is_past(call, due_ms))
        take_fields(call, &hash, &fields);
    else
        wish_for_fields(call, &hash, &fields, wish, due_ms);
}

/* -- HSETEX ---------------------------------------------------------------------------------- */

struct setting {
    bool if_none, if_all; /* FNX, FXX */
    enum due_wish wish;
    int64_t due_ms;
    uint32_t n;                /* pairs */
    const struct slice *pairs; /* field, value, field ... */
};

/* FIELDS number field value ... from argv[at] to the end. */
static bool pairs_parse(struct call *call, uint32_t at, struct setting *out) {
    int64_t n;
    if (at + 3 >= call->argc) {
        reply_arity_error(call);
        return false;
    }
    if (!call_range(call, call->argv[at + 1], 1, INT_MAX, "ERR invalid number of fields", &n))
        return false;
    if ((int64_t)call->argc - at - 2 != n * 2) {
        reply_arity_error(call);
        return false;
    }
    out->n = (uint32_t)n;
    out->pairs = call->argv + at + 2;
    return true;
}

/* An option at argv[*at], which moves to its last word; false when an error was replied. */
static bool option_parse(struct call *call, uint32_t *at, struct setting *out) {
    struct slice word = call->argv[*at];
    bool in_seconds;
    int64_t base_ms;
    bool is_unit = unit_parse(call, word, &in_seconds, &base_ms);
    if (is_unit || slice_is(word, "keepttl")) {
        if (out->wish != NO_WISH) {
            reply_error(call->reply,
                "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
            return false;
        }
        out->wish = is_unit ? SET_DUE : KEEP;
        if (!is_unit) return true;
        if (++*at < call->argc)
            return due_parse(call, call->argv[*at], in_seconds, base_ms, &out->due_ms);
        reply_error(call->reply, "ERR missing expire time");
        return false;
    }
    bool is_none = slice_is(word, "fnx");
    if (!is_none && !slice_is(word, "fxx")) {
        reply_errorf(
            call->reply, "ERR unknown argument: %.*s", shown_bytes(word, INT_MAX), word.data);
        return false;
    }
    if (out->if_none || out->if_all) {
        reply_error(call->reply, "ERR Only one of FXX or FNX arguments can be specified");
        return false;
    }
    *(is_none ? &out->if_none : &out->if_all) = true;
    return true;
}

static bool setting_parse(struct call *call, struct setting *out) {
    *out = (struct setting){.due_ms = NO_DUE};
    for (uint32_t i = 2; i < call->argc; i++) {
        if (slice_is(call->argv[i], "fields")) return pairs_parse(call, i, out);
        if (!option_parse(call, &i, out)) return false;
    }
    reply_arity_error(call);
    return false;
}

/* FNX and FXX. */
static bool may_set(struct call *call, struct call_hash *hash, const struct setting *setting) {
    struct field_value held;
    if (!setting->if_none && !setting->if_all) return true;
    for (uint32_t i = 0; i < setting->n; i++) {
        bool is_there = call_hash_take(call, hash, setting->pairs[i * 2], &held);
        if (is_there ? setting->if_none : setting->if_all) return false;
    }
    return true;
}

/* true: the due time has passed, so that the field went. */
static bool set_pair(struct call *call, struct call_hash *hash, const struct setting *setting,
    struct slice field, struct slice value) {
    struct field_value held;
    int64_t due_ms = setting->wish == SET_DUE ? setting->due_ms : NO_DUE;
    if (call_hash_take(call, hash, field, &held) && setting->wish == KEEP) due_ms = held.due_ms;
    if (call_is_past(call, due_ms)) {
        hash_remove(&hash->hash, field);
        return true;
    }
    hash_put(&hash->hash, call->thresholds, field, value, due_ms);
    return false;
}

void cmd_hsetex(struct call *call) {
    struct setting setting;
    struct call_hash hash;
    if (!setting_parse(call, &setting)) return;
    if (!call_hash_open(call, &hash)) return;
    if (!may_set(call, &hash, &setting)) {
        call_hash_leave(call, &hash);
        reply_integer(call->reply, 0);
        return;
    }
    hash_prepare(&hash.hash, call->thresholds, setting.n * 2, setting.pairs);
    bool is_past = false;
    for (uint32_t i = 0; i < setting.n * 2; i += 2)
        is_past = set_pair(call, &hash, &setting, setting.pairs[i], setting.pairs[i + 1]);
    const char *then = is_past ? "hdel" : "hexpire";
    call_hash_close(call, &hash, "hset", setting.wish == SET_DUE ? then : NULL);
    reply_integer(call->reply, 1);
}
