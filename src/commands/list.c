/* Lists: adding, reading and changing elements at places. */
#include "keyspace/list.h"
#include "commands/functions.h"
#include "commands/value.h"

/* -- pushing --------------------------------------------------------------------------------- */

static void push(struct call *call, bool front, bool must_exist) {
    struct edit edit;
    size_t bytes = 0;
    for (uint32_t i = 2; i < call->argc; i++) {
        if (!call_element_fits(call, call->argv[i])) return;
        bytes += call->argv[i].len;
    }
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    if (edit.object == NULL) {
        if (must_exist) {
            reply_integer(call->reply, 0);
            return;
        }
        edit.value = list_new(edit.value.types);
    }
    list_grow(&edit.value, call->thresholds, bytes, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        list_push(&edit.value, call->thresholds, front, call->argv[i]);
    reply_integer(call->reply, (int64_t)list_length(&edit.value));
    edit_end(call, &edit, front ? "lpush" : "rpush");
}

void cmd_lpush(struct call *call) {
    push(call, true, false);
}

void cmd_rpush(struct call *call) {
    push(call, false, false);
}

void cmd_lpushx(struct call *call) {
    push(call, true, true);
}

void cmd_rpushx(struct call *call) {
    push(call, false, true);
}

/* -- reading --------------------------------------------------------------------------------- */

void cmd_llen(struct call *call) {
    struct collection list;
    if (!call_value(call, call->argv[1], OBJECT_LIST, &list)) return;
    reply_integer(call->reply, list.value == NULL ? 0 : (int64_t)list_length(&list));
}

/* The place that an index from either end means; false: none. */
static bool place_of(int64_t index, uint64_t length, uint64_t *place) {
    if (index < 0) index += (int64_t)length;
    if (index < 0 || (uint64_t)index >= length) return false;
    *place = (uint64_t)index;
    return true;
}

void cmd_lindex(struct call *call) {
    struct collection list;
    int64_t index;
    uint64_t place;
    struct list_cursor cursor;
    if (!call_value(call, call->argv[1], OBJECT_LIST, &list)) return;
    if (list.value == NULL) {
        reply_null(call->reply);
        return;
    }
    if (!call_integer(call, call->argv[2], &index)) return;
    char scratch[INT_TEXT_MAX];
    if (place_of(index, list_length(&list), &place) && list_seek(&list, place, &cursor))
        reply_bulk(call->reply, list_text(&cursor, scratch));
    else
        reply_null(call->reply);
}

void reply_list_range(
    struct call *call, const struct collection *list, uint64_t from, uint64_t n, bool backward) {
    struct list_cursor cursor;
    char scratch[INT_TEXT_MAX];
    reply_array(call->reply, n);
    bool more = n > 0 && list_seek(list, from, &cursor);
    for (; n > 0; n--) {
        SF_ASSERT(more);
        call_work(call, 1);
        reply_bulk(call->reply, list_text(&cursor, scratch));
        more = list_step(&cursor, backward);
    }
}

void cmd_lrange(struct call *call) {
    struct collection list;
    int64_t start, stop;
    if (!call_integer(call, call->argv[2], &start)) return;
    if (!call_integer(call, call->argv[3], &stop)) return;
    if (!call_value(call, call->argv[1], OBJECT_LIST, &list)) return;
    if (list.value == NULL || !range_clip(&start, &stop, list_length(&list))) {
        reply_array(call->reply, 0);
        return;
    }
    reply_list_range(call, &list, (uint64_t)start, (uint64_t)(stop - start) + 1, false);
}

struct position_options {
    int64_t rank, count, max_looked;
    bool has_count;
};

#define TEXT_RANK_ZERO                                                                             \
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "   \
    "negative to start from the end of the list"

static bool position_options(struct call *call, struct position_options *options) {
    *options = (struct position_options){.rank = 1};
    for (uint32_t i = 3; i < call->argc; i += 2) {
        if (i + 1 == call->argc) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
        struct slice word = call->argv[i], value = call->argv[i + 1];
        bool good = true;
        if (slice_is(word, "rank")) {
            good = call_range(call, value, -INT64_MAX, INT64_MAX, NULL, &options->rank);
            if (good && options->rank == 0) {
                reply_error(call->reply, TEXT_RANK_ZERO);
                good = false;
            }
        } else if (slice_is(word, "count")) {
            good = call_range(
                call, value, 0, INT64_MAX, "ERR COUNT can't be negative", &options->count);
            options->has_count = true;
        } else if (slice_is(word, "maxlen")) {
            good = call_range(
                call, value, 0, INT64_MAX, "ERR MAXLEN can't be negative", &options->max_looked);
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            good = false;
        }
        if (!good) return false;
    }
    return true;
}

/* Replies with each position found, and returns their number. */
static uint64_t reply_positions(
    struct call *call, const struct collection *list, const struct position_options *options) {
    bool backward = options->rank < 0;
    uint64_t length = list_length(list), found = 0, replied = 0, looked = 0;
    uint64_t rank = (uint64_t)(backward ? -options->rank : options->rank);
    uint64_t wanted = options->has_count ? (uint64_t)options->count : 1;
    struct list_cursor cursor;
    bool more = list_seek(list, backward ? length - 1 : 0, &cursor);
    for (; more; more = list_step(&cursor, backward)) {
        if (options->max_looked != 0 && looked == (uint64_t)options->max_looked) break;
        uint64_t index = backward ? length - 1 - looked : looked;
        looked++;
        call_work(call, 1);
        if (!list_equals(&cursor, call->argv[2]) || ++found < rank) continue;
        reply_integer(call->reply, (int64_t)index);
        if (++replied == wanted) break;
    }
    return replied;
}

void cmd_lpos(struct call *call) {
    struct position_options options;
    struct collection list;
    if (!position_options(call, &options)) return;
    if (!call_value(call, call->argv[1], OBJECT_LIST, &list)) return;
    if (options.has_count) {
        struct reply_open open = reply_begin(call->reply);
        uint64_t n = list.value == NULL ? 0 : reply_positions(call, &list, &options);
        reply_end(call->reply, open, REPLY_ARRAY, n);
    } else if (list.value == NULL || reply_positions(call, &list, &options) == 0) {
        reply_null(call->reply);
    }
}

/* -- changing -------------------------------------------------------------------------------- */

void cmd_lset(struct call *call) {
    struct edit edit;
    int64_t index;
    uint64_t place;
    struct slice text = call->argv[3];
    if (!call_element_fits(call, text)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    if (edit.object == NULL) {
        reply_error(call->reply, TEXT_NO_KEY);
        return;
    }
    if (!call_integer(call, call->argv[2], &index)) return;
    if (!place_of(index, list_length(&edit.value), &place)) {
        reply_error(call->reply, "ERR index out of range");
        return;
    }
    list_grow(&edit.value, call->thresholds, text.len, 1);
    list_replace(&edit.value, place, text);
    list_shrink(&edit.value, call->thresholds);
    edit_end(call, &edit, "lset");
    reply_ok(call->reply);
}

static bool find_element(
    const struct call *call, const struct collection *list, struct slice text, uint64_t *place) {
    struct list_cursor cursor;
    *place = 0;
    for (bool more = list_seek(list, 0, &cursor); more; more = list_step(&cursor, false)) {
        call_work(call, 1);
        if (list_equals(&cursor, text)) return true;
        ++*place;
    }
    return false;
}

void cmd_linsert(struct call *call) {
    struct edit edit;
    struct slice text = call->argv[4];
    bool behind = slice_is(call->argv[2], "after");
    uint64_t place;
    if (!behind && !slice_is(call->argv[2], "before")) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (!call_element_fits(call, text)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    if (edit.object == NULL) {
        reply_integer(call->reply, 0);
    } else if (!find_element(call, &edit.value, call->argv[3], &place)) {
        reply_integer(call->reply, -1);
    } else {
        list_grow(&edit.value, call->thresholds, text.len, 1);
        list_insert(&edit.value, call->thresholds, place, behind, text);
        reply_integer(call->reply, (int64_t)list_length(&edit.value));
        edit_end(call, &edit, "linsert");
    }
}

void cmd_lrem(struct call *call) {
    struct edit edit;
    int64_t count;
    if (!call_integer(call, call->argv[2], &count)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    uint64_t removed = 0, max = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (edit.object != NULL)
        removed =
            list_remove_equal(&edit.value, call->argv[3], max == 0 ? UINT64_MAX : max, count < 0);
    if (removed > 0) {
        list_shrink(&edit.value, call->thresholds);
        edit_end(call, &edit, "lrem");
    }
    reply_integer(call->reply, (int64_t)removed);
}

void cmd_ltrim(struct call *call) {
    struct edit edit;
    int64_t start, stop;
    if (!call_integer(call, call->argv[2], &start)) return;
    if (!call_integer(call, call->argv[3], &stop)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_LIST, &edit)) return;
    if (edit.object != NULL) {
        uint64_t length = list_length(&edit.value);
        if (!range_clip(&start, &stop, length)) {
            start = 0;
            stop = -1;
        }
        list_remove(&edit.value, (uint64_t)(stop + 1), length - (uint64_t)(stop + 1));
        list_remove(&edit.value, 0, (uint64_t)start);
        list_shrink(&edit.value, call->thresholds);
        edit_end(call, &edit, "ltrim");
    }
    reply_ok(call->reply);
}
