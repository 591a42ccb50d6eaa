/* Going through keys: KEYS, SCAN, RANDOMKEY. */
#include "commands/call.h"
#include "commands/functions.h"

#define SCAN_COUNT_DEFAULT 10

/* What a walk lets through, and what it found. Objects stay valid: reads change nothing. */
struct key_filter {
    struct call *call;
    struct slice pattern; /* data NULL: any */
    struct slice type;    /* data NULL: any */
    const struct object **found;
    size_t n_found, room;
};

static bool filter_accepts(struct key_filter *filter, const struct object *object) {
    if (filter->pattern.data != NULL && !glob_match(filter->pattern, object_key(object), false))
        return false;
    if (filter->type.data != NULL && !slice_is(filter->type, object_type_name(object_type(object))))
        return false;
    return call_is_alive(filter->call, object);
}

static bool filter_visit(void *context, struct object *object) {
    struct key_filter *filter = context;
    if (!filter_accepts(filter, object)) return true;
    if (filter->n_found == filter->room) {
        filter->room = SF_MAX(filter->room * 2, (size_t)16);
        filter->found = sf_realloc(filter->found, filter->room * sizeof(*filter->found));
    }
    filter->found[filter->n_found++] = object;
    return true;
}

static void filter_reply(struct key_filter *filter) {
    reply_array(filter->call->reply, filter->n_found);
    for (size_t i = 0; i < filter->n_found; i++)
        reply_bulk(filter->call->reply, object_key(filter->found[i]));
    sf_free(filter->found);
}

void cmd_keys(struct call *call) {
    struct key_filter filter = {.call = call};
    if (!slice_equal(call->argv[1], SLICE("*"))) filter.pattern = call->argv[1];
    db_walk(call->db, filter_visit, &filter);
    filter_reply(&filter);
}

/* As C's strtoul reads it, which is what clients are used to: a sign is allowed, nothing at all is
 * 0, a negative number wraps; no space in front, nothing behind. */
static bool cursor_parse(struct slice text, uint64_t *out) {
    size_t at = text.len > 0 && (text.data[0] == '+' || text.data[0] == '-') ? 1 : 0;
    if (at == 1 && text.len == 1) return false;
    uint64_t value = 0;
    for (size_t i = at; i < text.len; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9') return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(c - '0'), &value)) return false;
    }
    *out = text.len > 0 && text.data[0] == '-' ? 0 - value : value;
    return true;
}

static bool scan_options(struct call *call, struct key_filter *filter, uint64_t *count) {
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct slice word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        int64_t number = 1;
        if (slice_is(word, "count") && has_value) {
            if (!call_integer(call, call->argv[i + 1], &number)) return false;
            *count = (uint64_t)SF_MAX(number, 1);
        } else if (slice_is(word, "match") && has_value) {
            bool any = slice_equal(call->argv[i + 1], SLICE("*"));
            filter->pattern = any ? slice_of(NULL, 0) : call->argv[i + 1];
        } else if (slice_is(word, "type") && has_value) {
            filter->type = call->argv[i + 1];
        } else {
            number = 0;
        }
        if (number < 1) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

void cmd_scan(struct call *call) {
    uint64_t cursor, count = SCAN_COUNT_DEFAULT;
    if (!cursor_parse(call->argv[1], &cursor)) {
        reply_error(call->reply, "ERR invalid cursor");
        return;
    }
    struct key_filter filter = {.call = call};
    if (!scan_options(call, &filter, &count)) return;
    cursor = db_scan(call->db, cursor, count, filter_visit, &filter);
    reply_array(call->reply, 2);
    SF_ASSERT(cursor <= INT64_MAX); /* 48 bits */
    reply_bulk_integer(call->reply, (int64_t)cursor);
    filter_reply(&filter);
}

void cmd_randomkey(struct call *call) {
    const struct object *object = db_random(call->db, call->now_ms, &call->random);
    if (object == NULL || !call_is_alive(call, object))
        reply_null(call->reply);
    else
        reply_bulk(call->reply, object_key(object));
}
