/* Lists: taking elements from their ends, and from one list to another. */
#include "commands/functions.h"
#include "commands/value.h"
#include "commands/waiting.h"
#include "keyspace/list.h"

/* Takes n elements off an end, after they were replied. n <= length. */
static void drop_end(struct call *call, struct edit *edit, bool front, uint64_t n) {
    uint64_t length = list_length(&edit->value);
    list_remove(&edit->value, front ? 0 : length - n, n);
    if (n < length) list_shrink(&edit->value, call->thresholds);
    edit_end(call, edit, front ? "lpop" : "rpop");
}

/* Replies with n elements from an end on, and takes them out. */
static void reply_and_drop(struct call *call, struct edit *edit, bool front, uint64_t n) {
    uint64_t length = list_length(&edit->value);
    n = SF_MIN(n, length);
    reply_list_range(call, &edit->value, front ? 0 : length - 1, n, !front);
    drop_end(call, edit, front, n);
}

static void pop(struct call *call, bool front) {
    struct edit edit;
    int64_t count = 1;
    bool has_count = call->argc == 3;
    if (call->argc > 3) {
        reply_arity_error(call);
        return;
    }
    if (has_count && !call_range(call, call->argv[2], 0, INT64_MAX, TEXT_NOT_POSITIVE, &count))
        return;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    if (edit.object == NULL) {
        if (has_count)
            reply_null_array(call->reply);
        else
            reply_null(call->reply);
    } else if (count == 0) {
        reply_array(call->reply, 0);
    } else if (has_count) {
        reply_and_drop(call, &edit, front, (uint64_t)count);
    } else {
        struct list_cursor cursor;
        char scratch[INT_TEXT_MAX];
        list_seek(&edit.value, front ? 0 : list_length(&edit.value) - 1, &cursor);
        reply_bulk(call->reply, list_text(&cursor, scratch));
        drop_end(call, &edit, front, 1);
    }
}

void cmd_lpop(struct call *call) {
    pop(call, true);
}

void cmd_rpop(struct call *call) {
    pop(call, false);
}

/* -- to another list ------------------------------------------------------------------------- */

/* What Redis counts for an element that it moves: nothing where it holds it as a number. */
static size_t moved_bytes(struct slice text) {
    int64_t integer;
    return int_parse(text, &integer) ? 0 : text.len;
}

static void move_element(
    struct call *call, bool from_front, bool to_front, const int64_t *deadline_ms) {
    struct edit source, target;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &source)) return;
    if (source.object == NULL) {
        if (!call_wait(call, deadline_ms, OBJECT_LIST, 1, 1)) reply_null(call->reply);
        return;
    }
    if (!edit_begin(call, call->argv[2], OBJECT_LIST, &target)) return;
    bool same = target.object == source.object;
    struct edit *into = same ? &source : &target;
    if (into->object == NULL) into->value = list_new(into->value.types);

    struct buf text = {0};
    struct list_cursor cursor;
    char scratch[INT_TEXT_MAX];
    uint64_t length = list_length(&source.value);
    list_seek(&source.value, from_front ? 0 : length - 1, &cursor);
    buf_append_slice(&text, list_text(&cursor, scratch));
    struct slice moved = buf_slice(&text);
    list_remove(&source.value, from_front ? 0 : length - 1, 1);
    list_grow(&into->value, call->thresholds, moved_bytes(moved), 1);
    list_push(&into->value, call->thresholds, to_front, moved);
    reply_bulk(call->reply, moved);
    buf_free(&text);
    const char *event = to_front ? "lpush" : "rpush";
    if (same)
        call_event(call, EVENT_LIST, event, call->argv[2]);
    else
        edit_end(call, &target, event);
    if (length > 1 || same) list_shrink(&source.value, call->thresholds);
    edit_end(call, &source, from_front ? "lpop" : "rpop");
}

static bool parse_end(struct call *call, struct slice text, bool *front) {
    *front = slice_is(text, "left");
    if (*front || slice_is(text, "right")) return true;
    reply_error(call->reply, TEXT_SYNTAX);
    return false;
}

static bool parse_ends(struct call *call, bool *from_front, bool *to_front) {
    return parse_end(call, call->argv[3], from_front) && parse_end(call, call->argv[4], to_front);
}

void cmd_lmove(struct call *call) {
    bool from_front, to_front;
    if (parse_ends(call, &from_front, &to_front)) move_element(call, from_front, to_front, NULL);
}

void cmd_rpoplpush(struct call *call) {
    move_element(call, false, true, NULL);
}

void cmd_blmove(struct call *call) {
    bool from_front, to_front;
    int64_t deadline_ms;
    if (!parse_ends(call, &from_front, &to_front)) return;
    if (!call_timeout(call, call->argv[5], &deadline_ms)) return;
    move_element(call, from_front, to_front, &deadline_ms);
}

void cmd_brpoplpush(struct call *call) {
    int64_t deadline_ms;
    if (call_timeout(call, call->argv[3], &deadline_ms))
        move_element(call, false, true, &deadline_ms);
}

/* -- from the first that has any ------------------------------------------------------------- */

/* COUNT behind the end to take from. */
static bool parse_count(struct call *call, uint32_t at, int64_t *count) {
    bool has_count = false;
    for (; at < call->argc; at += 2) {
        if (has_count || !slice_is(call->argv[at], "count") || at + 1 == call->argc) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
        has_count = true;
        if (!call_range(call, call->argv[at + 1], 1, INT64_MAX,
                "ERR count should be greater than 0", count))
            return false;
    }
    return true;
}

/* counted_at: where the number of keys stands; waits: BLMPOP, the time before it judged last. */
static void mpop(struct call *call, uint32_t counted_at, bool waits) {
    int64_t n_keys, deadline_ms, count = 1;
    bool front;
    if (!call_range(call, call->argv[counted_at], 1, INT64_MAX,
            "ERR numkeys should be greater than 0", &n_keys))
        return;
    uint32_t first = counted_at + 1;
    if (n_keys >= (int64_t)call->argc - first) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    uint32_t end = first + (uint32_t)n_keys;
    if (!parse_end(call, call->argv[end], &front) || !parse_count(call, end + 1, &count)) return;
    if (waits && !call_timeout(call, call->argv[1], &deadline_ms)) return;
    for (uint32_t i = first; i < end; i++) {
        struct edit edit;
        if (!edit_begin(call, call->argv[i], OBJECT_LIST, &edit)) return;
        if (edit.object == NULL) continue;
        reply_array(call->reply, 2);
        reply_bulk(call->reply, call->argv[i]);
        reply_and_drop(call, &edit, front, (uint64_t)count);
        return;
    }
    if (!call_wait(call, waits ? &deadline_ms : NULL, OBJECT_LIST, first, (uint32_t)n_keys))
        reply_null_array(call->reply);
}

void cmd_lmpop(struct call *call) {
    mpop(call, 1, false);
}

void cmd_blmpop(struct call *call) {
    mpop(call, 2, true);
}

static void blocking_pop(struct call *call, bool front) {
    int64_t deadline_ms;
    uint32_t n_keys = call->argc - 2;
    if (!call_timeout(call, call->argv[n_keys + 1], &deadline_ms)) return;
    for (uint32_t i = 1; i <= n_keys; i++) {
        struct edit edit;
        if (!edit_begin(call, call->argv[i], OBJECT_LIST, &edit)) return;
        if (edit.object == NULL) continue;
        struct list_cursor cursor;
        char scratch[INT_TEXT_MAX];
        list_seek(&edit.value, front ? 0 : list_length(&edit.value) - 1, &cursor);
        reply_array(call->reply, 2);
        reply_bulk(call->reply, call->argv[i]);
        reply_bulk(call->reply, list_text(&cursor, scratch));
        drop_end(call, &edit, front, 1);
        return;
    }
    if (!call_wait(call, &deadline_ms, OBJECT_LIST, 1, n_keys)) reply_null_array(call->reply);
}

void cmd_blpop(struct call *call) {
    blocking_pop(call, true);
}

void cmd_brpop(struct call *call) {
    blocking_pop(call, false);
}
