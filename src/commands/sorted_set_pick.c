/* Sorted sets: taking members off their ends, picking them by chance, going through them. */
#include "commands/functions.h"
#include "commands/pick.h"
#include "commands/scan.h"
#include "commands/sorted_set.h"
#include "commands/waiting.h"

#include <stdio.h>

/* -- popping --------------------------------------------------------------------------------- */

enum pop_form { POP_FLAT, POP_PAIRS };

/* Replies with the n members of lowest or highest score and takes them out; n <= size. */
static void pop_members(
    struct call *call, struct edit *edit, bool highest, uint64_t n, enum pop_form form) {
    uint64_t size = zset_size(&edit->value);
    struct zset_cursor cursor;
    char scratch[INT_TEXT_MAX];
    reply_array(call->reply, form == POP_PAIRS ? n : 2 * n);
    bool more = n > 0 && zset_seek(&edit->value, highest ? size - 1 : 0, &cursor);
    for (uint64_t i = 0; i < n; i++) {
        SF_ASSERT(more);
        if (form == POP_PAIRS) reply_array(call->reply, 2);
        reply_bulk(call->reply, zset_member(&cursor, scratch));
        reply_double(call->reply, zset_score(&cursor));
        more = zset_step(&cursor, highest);
    }
    if (n == 0) return;
    struct rank_range taken = {highest ? size - n : 0, n};
    zset_remove_ranks(&edit->value, &taken);
    edit_end(call, edit, highest ? "zpopmax" : "zpopmin");
}

static void pop(struct call *call, bool highest) {
    struct edit edit;
    int64_t n = 1;
    bool has_count = call->argc == 3;
    if (call->argc > 3) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (has_count && !call_range(call, call->argv[2], 0, INT64_MAX, TEXT_NOT_POSITIVE, &n)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_ZSET, &edit)) return;
    if (edit.object == NULL) {
        reply_array(call->reply, 0);
        return;
    }
    enum pop_form form = has_count && nests_scores(call) ? POP_PAIRS : POP_FLAT;
    pop_members(call, &edit, highest, SF_MIN((uint64_t)n, zset_size(&edit.value)), form);
}

void cmd_zpopmin(struct call *call) {
    pop(call, false);
}

void cmd_zpopmax(struct call *call) {
    pop(call, true);
}

static bool parse_mpop(struct call *call, uint32_t at, bool *highest, int64_t *count) {
    bool has_count = false;
    *highest = slice_is(call->argv[at], "max");
    bool good = *highest || slice_is(call->argv[at], "min");
    for (at++; good && at < call->argc; at += 2) {
        good = !has_count && slice_is(call->argv[at], "count") && at + 1 < call->argc;
        has_count = true;
        if (good && !call_range(call, call->argv[at + 1], 1, INT64_MAX,
                        "ERR count should be greater than 0", count))
            return false;
    }
    if (!good) reply_error(call->reply, TEXT_SYNTAX);
    return good;
}

/* counted_at: where the number of keys stands; waits: BZMPOP, the time before it judged last. */
static void mpop(struct call *call, uint32_t counted_at, bool waits) {
    int64_t n_keys, deadline_ms, count = 1;
    bool highest;
    if (!call_range(call, call->argv[counted_at], 1, INT64_MAX,
            "ERR numkeys should be greater than 0", &n_keys))
        return;
    uint32_t first = counted_at + 1;
    if (n_keys >= (int64_t)call->argc - first) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    uint32_t end = first + (uint32_t)n_keys;
    if (!parse_mpop(call, end, &highest, &count)) return;
    if (waits && !call_timeout(call, call->argv[1], &deadline_ms)) return;
    for (uint32_t i = first; i < end; i++) {
        struct edit edit;
        if (!edit_begin(call, call->argv[i], OBJECT_ZSET, &edit)) return;
        if (edit.object == NULL) continue;
        reply_array(call->reply, 2);
        reply_bulk(call->reply, call->argv[i]);
        pop_members(
            call, &edit, highest, SF_MIN((uint64_t)count, zset_size(&edit.value)), POP_PAIRS);
        return;
    }
    if (!call_wait(call, waits ? &deadline_ms : NULL, OBJECT_ZSET, first, (uint32_t)n_keys))
        reply_null_array(call->reply);
}

void cmd_zmpop(struct call *call) {
    mpop(call, 1, false);
}

void cmd_bzmpop(struct call *call) {
    mpop(call, 2, true);
}

static void blocking_pop(struct call *call, bool highest) {
    int64_t deadline_ms;
    uint32_t n_keys = call->argc - 2;
    if (!call_timeout(call, call->argv[n_keys + 1], &deadline_ms)) return;
    for (uint32_t i = 1; i <= n_keys; i++) {
        struct edit edit;
        if (!edit_begin(call, call->argv[i], OBJECT_ZSET, &edit)) return;
        if (edit.object == NULL) continue;
        struct zset_cursor cursor;
        char scratch[INT_TEXT_MAX];
        uint64_t rank = highest ? zset_size(&edit.value) - 1 : 0;
        zset_seek(&edit.value, rank, &cursor);
        reply_array(call->reply, 3);
        reply_bulk(call->reply, call->argv[i]);
        reply_bulk(call->reply, zset_member(&cursor, scratch));
        reply_double(call->reply, zset_score(&cursor));
        struct rank_range taken = {rank, 1};
        zset_remove_ranks(&edit.value, &taken);
        edit_end(call, &edit, highest ? "zpopmax" : "zpopmin");
        return;
    }
    if (!call_wait(call, &deadline_ms, OBJECT_ZSET, 1, n_keys)) reply_null_array(call->reply);
}

void cmd_bzpopmin(struct call *call) {
    blocking_pop(call, false);
}

void cmd_bzpopmax(struct call *call) {
    blocking_pop(call, true);
}

/* -- by chance ------------------------------------------------------------------------------- */

static void reply_at(
    struct call *call, const struct collection *zset, uint64_t rank, bool with_score) {
    struct zset_cursor cursor;
    bool found = zset_seek(zset, rank, &cursor);
    SF_ASSERT(found);
    reply_member(call, &cursor, with_score);
}

static void reply_all_backward(struct call *call, const struct collection *zset, bool with_scores) {
    uint64_t size = zset_size(zset);
    struct zset_cursor cursor;
    reply_members_begin(call, size, with_scores);
    for (bool more = zset_seek(zset, size - 1, &cursor); more; more = zset_step(&cursor, true))
        reply_member(call, &cursor, with_scores);
}

static void reply_distinct(
    struct call *call, const struct collection *zset, uint64_t n, bool with_scores) {
    uint64_t size = zset_size(zset);
    if (n >= size) {
        reply_all_backward(call, zset, with_scores);
        return;
    }
    uint64_t *ranks = pick_distinct(&call->random, size, n);
    reply_members_begin(call, n, with_scores);
    for (uint64_t i = 0; i < n; i++) reply_at(call, zset, ranks[i], with_scores);
    sf_free(ranks);
}

/* Any number may be asked for: the reply is bounded. */
static void reply_repeated(
    struct call *call, const struct collection *zset, uint64_t n, bool with_scores) {
    uint64_t size = zset_size(zset);
    size_t before = reply_bytes(call->reply);
    if (!call_count_fits(call, n)) return;
    reply_members_begin(call, n, with_scores);
    for (uint64_t i = 0; i < n && call_reply_fits(call, before); i++)
        reply_at(call, zset, random_below(&call->random, size), with_scores);
}

/* The count and WITHSCORES; false: the error was replied. */
static bool random_options(struct call *call, int64_t *count, bool *with_scores) {
    *with_scores = call->argc == 4;
    if (!call_range(call, call->argv[2], -INT64_MAX, INT64_MAX, NULL, count)) return false;
    const char *error = NULL;
    if (call->argc > 4 || (*with_scores && !slice_is(call->argv[3], "withscores")))
        error = TEXT_SYNTAX;
    else if (*with_scores && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2))
        error = "ERR value is out of range";
    if (error != NULL) reply_error(call->reply, error);
    return error == NULL;
}

void cmd_zrandmember(struct call *call) {
    struct collection zset;
    int64_t count = 1;
    bool with_scores = false, has_count = call->argc > 2;
    if (has_count && !random_options(call, &count, &with_scores)) return;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    if (zset.value == NULL || count == 0) {
        if (has_count)
            reply_array(call->reply, 0);
        else
            reply_null(call->reply);
    } else if (!has_count) {
        reply_at(call, &zset, random_below(&call->random, zset_size(&zset)), false);
    } else if (count > 0) {
        reply_distinct(call, &zset, (uint64_t)count, with_scores);
    } else {
        reply_repeated(call, &zset, (uint64_t)-count, with_scores);
    }
}

/* -- step by step ---------------------------------------------------------------------------- */

struct found {
    struct scan_options options;
    struct buf bytes; /* the replies */
    struct reply reply;
    uint64_t n;
};

static void found_add(struct found *found, struct slice member, struct slice score) {
    if (!scan_matches(&found->options, member)) return;
    reply_bulk(&found->reply, member);
    reply_bulk(&found->reply, score);
    found->n += 2;
}

/* A large set's scores are shown with 17 digits here, as Redis 7.2 still does. */
static bool scan_visit(void *context, void *item) {
    const struct sorted_element *element = item;
    char text[40];
    int len = snprintf(text, sizeof text, "%.17g", element->score);
    found_add(context, sorted_element_member(element), slice_of(text, (size_t)len));
    return true;
}

static void scan_packed(struct found *found, const struct collection *zset) {
    struct zset_cursor cursor;
    char scratch[INT_TEXT_MAX], text[DOUBLE_TEXT_MAX];
    for (bool more = zset_seek(zset, 0, &cursor); more; more = zset_step(&cursor, false)) {
        size_t len = double_print(zset_score(&cursor), text);
        found_add(found, zset_member(&cursor, scratch), slice_of(text, len));
    }
}

void cmd_zscan(struct call *call) {
    struct object *object;
    uint64_t cursor;
    struct found found = {.n = 0};
    if (!scan_begin(call, OBJECT_ZSET, &object, &cursor, &found.options)) return;
    found.reply = (struct reply){&found.bytes, call->reply->proto};
    struct collection zset = db_collection(call->db, object);
    if (zset.encoding == ENCODING_LISTPACK) {
        scan_packed(&found, &zset);
        cursor = 0;
    } else {
        const struct sorted_set *set = zset.value;
        cursor = table_scan(&set->members, cursor, found.options.count, scan_visit, &found);
    }
    scan_reply(call, cursor, &found.bytes, found.n);
}
