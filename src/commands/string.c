/* Strings as whole values: GET, SET and their kin. */
#include "commands/call.h"
#include "commands/functions.h"

/* An expiry as the client gave it. */
struct expiry {
    bool is_given;
    bool in_seconds;
    bool is_absolute;
    struct slice amount;
};

struct string_options {
    bool only_if_absent, only_if_present, get, keep_ttl, persist;
    struct expiry expiry;
};

/* -- options --------------------------------------------------------------------------------- */

/* EX, PX, EXAT, PXAT: true when word is one of them. */
static bool expiry_word(struct slice word, struct expiry *out) {
    static const struct {
        const char *name;
        bool in_seconds, is_absolute;
    } words[] = {
        {"ex", true, false}, {"px", false, false}, {"exat", true, true}, {"pxat", false, true}};
    for (size_t i = 0; i < SF_LENGTH(words); i++) {
        if (!slice_is(word, words[i].name)) continue;
        *out = (struct expiry){true, words[i].in_seconds, words[i].is_absolute, {NULL, 0}};
        return true;
    }
    return false;
}

static bool expiry_same_kind(const struct expiry *a, const struct expiry *b) {
    return a->in_seconds == b->in_seconds && a->is_absolute == b->is_absolute;
}

/* One option at argv[*at], which is left at its last word. for_set: SET, else GETEX. */
static bool option_parse(
    struct call *call, uint32_t *at, bool for_set, struct string_options *options) {
    struct slice word = call->argv[*at];
    struct expiry expiry;
    if (for_set && slice_is(word, "nx") && !options->only_if_present) {
        options->only_if_absent = true;
    } else if (for_set && slice_is(word, "xx") && !options->only_if_absent) {
        options->only_if_present = true;
    } else if (for_set && slice_is(word, "get")) {
        options->get = true;
    } else if (for_set && slice_is(word, "keepttl") && !options->expiry.is_given) {
        options->keep_ttl = true;
    } else if (!for_set && slice_is(word, "persist") && !options->expiry.is_given) {
        options->persist = true;
    } else if (expiry_word(word, &expiry) && *at + 1 < call->argc && !options->keep_ttl &&
               !options->persist &&
               (!options->expiry.is_given || expiry_same_kind(&expiry, &options->expiry))) {
        expiry.amount = call->argv[++*at]; /* the same word twice: the last one counts */
        options->expiry = expiry;
    } else {
        return false;
    }
    return true;
}

static bool options_parse(
    struct call *call, uint32_t first, bool for_set, struct string_options *options) {
    *options = (struct string_options){0};
    for (uint32_t at = first; at < call->argc; at++) {
        if (option_parse(call, &at, for_set, options)) continue;
        reply_error(call->reply, TEXT_SYNTAX);
        return false;
    }
    return true;
}

/* The due time that expiry means; false when an error was replied. */
static bool expiry_due(struct call *call, const struct expiry *expiry, int64_t *due_ms) {
    int64_t amount = 0;
    if (!call_integer(call, expiry->amount, &amount)) return false;
    bool good = amount > 0 && (!expiry->in_seconds || amount <= INT64_MAX / 1000);
    if (good && expiry->in_seconds) amount *= 1000;
    if (good && !expiry->is_absolute) {
        good = amount <= INT64_MAX - call->now_ms;
        if (good) amount += call->now_ms;
    }
    if (!good) {
        reply_expire_error(call);
        return false;
    }
    *due_ms = due_clamp(amount);
    return true;
}

/* -- GET and its kin ------------------------------------------------------------------------- */

/* Replies with the string or null. false: WRONGTYPE. */
static bool reply_current(struct call *call, struct slice key, struct object **out) {
    if (!call_read_type(call, key, OBJECT_STRING, out)) return false;
    if (*out == NULL) {
        reply_null(call->reply);
    } else
        reply_object_string(call->reply, *out);
    return true;
}

void cmd_get(struct call *call) {
    struct object *object;
    reply_current(call, call->argv[1], &object);
}

void cmd_getdel(struct call *call) {
    struct object *object;
    if (!reply_current(call, call->argv[1], &object) || object == NULL) return;
    db_delete(call->db, call->argv[1], call->now_ms);
    call_event(call, EVENT_GENERIC, "del", call->argv[1]);
}

void cmd_getex(struct call *call) {
    struct string_options options;
    if (!options_parse(call, 2, false, &options)) return;
    struct object *object;
    if (!call_read_type(call, call->argv[1], OBJECT_STRING, &object)) return;
    if (object == NULL) {
        reply_null(call->reply);
        return;
    }
    int64_t due_ms = NO_DUE;
    if (options.expiry.is_given && !expiry_due(call, &options.expiry, &due_ms)) return;
    reply_object_string(call->reply, object);
    const char *event = options.expiry.is_given ? "expire" : "persist";
    if (options.expiry.is_given && call_is_past(call, due_ms)) {
        db_delete(call->db, call->argv[1], call->now_ms);
        event = "del";
    } else if (options.expiry.is_given || (options.persist && object_due_ms(object) != NO_DUE)) {
        db_set_due(call->db, &object, due_ms);
    } else {
        return;
    }
    call_event(call, EVENT_GENERIC, event, call->argv[1]);
}

void cmd_mget(struct call *call) {
    size_t before = reply_bytes(call->reply);
    reply_array(call->reply, call->argc - 1);
    for (uint32_t i = 1; i < call->argc; i++) {
        struct object *object = call_find(call, call->argv[i]);
        if (object == NULL || object_type(object) != OBJECT_STRING)
            reply_null(call->reply);
        else
            reply_object_string(call->reply, object);
        if (!call_reply_fits(call, before)) return; /* one long value may be asked for often */
    }
}

/* -- SET and its kin ------------------------------------------------------------------------- */

static void set(struct call *call, struct slice key, struct slice value, int64_t due_ms) {
    db_set_string(call->db, key, value, due_ms);
    call_event(call, EVENT_STRING, "set", key);
}

/* A due time that has passed already: the key goes at once. */
static void set_until(struct call *call, struct slice key, struct slice value, int64_t due_ms) {
    bool is_past = call_is_past(call, due_ms);
    if (is_past) {
        db_delete(call->db, key, call->now_ms);
        call_event(call, EVENT_STRING, "set", key);
    } else {
        set(call, key, value, due_ms);
    }
    call_event(call, EVENT_GENERIC, "expire", key);
    if (is_past) call_event(call, EVENT_EXPIRED, "expired", key);
}

void cmd_set(struct call *call) {
    struct slice key = call->argv[1];
    struct string_options options;
    if (!options_parse(call, 3, true, &options)) return;
    int64_t due_ms = NO_DUE;
    if (options.expiry.is_given && !expiry_due(call, &options.expiry, &due_ms)) return;
    struct object *object = call_find(call, key);
    if (options.get && !reply_current(call, key, &object)) return;
    if (object == NULL ? options.only_if_present : options.only_if_absent) {
        if (!options.get) reply_null(call->reply);
        return;
    }
    if (options.keep_ttl && object != NULL) due_ms = object_due_ms(object);
    if (options.expiry.is_given)
        set_until(call, key, call->argv[2], due_ms);
    else
        set(call, key, call->argv[2], due_ms);
    if (!options.get) reply_ok(call->reply);
}

void cmd_setnx(struct call *call) {
    bool is_new = call_find(call, call->argv[1]) == NULL;
    if (is_new) set(call, call->argv[1], call->argv[2], NO_DUE);
    reply_integer(call->reply, is_new);
}

static void set_expiring(struct call *call, bool in_seconds) {
    struct expiry expiry = {true, in_seconds, false, call->argv[2]};
    int64_t due_ms;
    if (!expiry_due(call, &expiry, &due_ms)) return;
    set_until(call, call->argv[1], call->argv[3], due_ms);
    reply_ok(call->reply);
}

void cmd_setex(struct call *call) {
    set_expiring(call, true);
}

void cmd_psetex(struct call *call) {
    set_expiring(call, false);
}

void cmd_getset(struct call *call) {
    struct object *object;
    if (!reply_current(call, call->argv[1], &object)) return;
    set(call, call->argv[1], call->argv[2], NO_DUE);
}

static bool pairs_complete(struct call *call) {
    if (call->argc % 2 == 1) return true;
    reply_arity_error(call);
    return false;
}

static void set_pairs(struct call *call) {
    for (uint32_t i = 1; i < call->argc; i += 2)
        set(call, call->argv[i], call->argv[i + 1], NO_DUE);
}

void cmd_mset(struct call *call) {
    if (!pairs_complete(call)) return;
    set_pairs(call);
    reply_ok(call->reply);
}

void cmd_msetnx(struct call *call) {
    if (!pairs_complete(call)) return;
    for (uint32_t i = 1; i < call->argc; i += 2) {
        if (call_find(call, call->argv[i]) == NULL) continue;
        reply_integer(call->reply, 0);
        return;
    }
    set_pairs(call);
    reply_integer(call->reply, 1);
}
