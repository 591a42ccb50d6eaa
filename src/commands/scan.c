/* Going through keys: KEYS, SCAN, RANDOMKEY. */
#include "commands/scan.h"
#include "commands/call.h"
#include "commands/functions.h"

#define SCAN_COUNT_DEFAULT 10

/* What a walk lets through, and what it found. Objects stay valid: reads change nothing. */
struct key_filter {
    struct call *call;
    struct scan_options options;
    const struct object **found;
    size_t n_found, room;
};

static bool filter_accepts(struct key_filter *filter, const struct object *object) {
    struct slice type = filter->options.type;
    if (!scan_matches(&filter->options, object_key(object))) return false;
    if (type.data != NULL) call_count_lookup(filter->call, true); /* as Redis, which looks it up */
    if (type.data != NULL && !slice_is(type, object_type_name(object_type(object)))) return false;
    return call_is_alive(filter->call, object);
}

static bool filter_visit(void *context, struct object *object) {
    struct key_filter *filter = context;
    call_work(filter->call, 1);
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
    if (!slice_equal(call->argv[1], SLICE("*"))) filter.options.pattern = call->argv[1];
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

bool scan_cursor(struct call *call, struct slice text, uint64_t *cursor) {
    if (cursor_parse(text, cursor)) return true;
    reply_error(call->reply, "ERR invalid cursor");
    return false;
}

bool scan_options(
    struct call *call, uint32_t first, bool takes_type, struct scan_options *options) {
    *options = (struct scan_options){.count = SCAN_COUNT_DEFAULT};
    for (uint32_t i = first; i < call->argc; i += 2) {
        struct slice word = call->argv[i];
        bool has_value = i + 1 < call->argc;
        int64_t number = 1;
        if (slice_is(word, "count") && has_value) {
            if (!call_integer(call, call->argv[i + 1], &number)) return false;
            options->count = (uint64_t)SF_MAX(number, 1);
        } else if (slice_is(word, "match") && has_value) {
            bool any = slice_equal(call->argv[i + 1], SLICE("*"));
            options->pattern = any ? slice_of(NULL, 0) : call->argv[i + 1];
        } else if (slice_is(word, "type") && has_value && takes_type) {
            options->type = call->argv[i + 1];
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

bool scan_matches(const struct scan_options *options, struct slice text) {
    return options->pattern.data == NULL || glob_match(options->pattern, text, false);
}

static void reply_cursor(struct call *call, uint64_t cursor) {
    reply_array(call->reply, 2);
    SF_ASSERT(cursor <= INT64_MAX); /* 48 bits */
    reply_bulk_integer(call->reply, (int64_t)cursor);
}

void cmd_scan(struct call *call) {
    uint64_t cursor;
    struct key_filter filter = {.call = call};
    if (!scan_cursor(call, call->argv[1], &cursor)) return;
    if (!scan_options(call, 2, true, &filter.options)) return;
    cursor = db_scan(call->db, cursor, filter.options.count, filter_visit, &filter);
    reply_cursor(call, cursor);
    filter_reply(&filter);
}

/* -- within a key ---------------------------------------------------------------------------- */

bool scan_begin(struct call *call, enum object_type type, struct object **object, uint64_t *cursor,
    struct scan_options *options) {
    if (!scan_cursor(call, call->argv[2], cursor)) return false;
    if (!call_find_type(call, call->argv[1], type, object)) return false;
    if (*object != NULL) return scan_options(call, 3, false, options);
    reply_cursor(call, 0);
    reply_array(call->reply, 0);
    return false;
}

void scan_reply(struct call *call, uint64_t cursor, struct buf *found, uint64_t n) {
    reply_cursor(call, cursor);
    reply_array(call->reply, n);
    if (call->reply->out != NULL) buf_append_slice(call->reply->out, buf_slice(found));
    buf_free(found);
}

void cmd_randomkey(struct call *call) {
    const struct object *object = db_random(call->db, call->now_ms, &call->random);
    if (object == NULL || !call_is_alive(call, object))
        reply_null(call->reply);
    else
        reply_bulk(call->reply, object_key(object));
}
