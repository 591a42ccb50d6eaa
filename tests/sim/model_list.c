/* Lists. */
#include "sim/model_internal.h"

static void run_push(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_LIST, &old)) return;
    struct model_value *list = value_edit(old, MODEL_LIST);
    bool left = is_command(run, "LPUSH");
    for (uint32_t i = 2; i < run->argc; i++)
        (void)value_insert(list, left ? 0 : list->n, run->argv[i]);
    say_integer(run, list->n);
    store_edit(run, 1, list);
}

/* Without a count: one element, or nothing. */
static void run_pop(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_LIST, &old)) return;
    bool counted = run->argc > 2, left = is_command(run, "LPOP");
    if (old == NULL) {
        say_line(run, counted ? "*-1" : "$-1");
        return;
    }
    struct model_value *list = value_edit(old, MODEL_LIST);
    int64_t n = counted ? SF_MIN(number_at(run, 2), (int64_t)list->n) : 1;
    if (counted) say_array(run, (uint64_t)n);
    for (; n > 0; n--) {
        uint32_t at = left ? 0 : list->n - 1;
        say_bulk(run, bytes_slice(list->elements[at].name));
        value_remove(list, at);
    }
    store_edit(run, 1, list);
}

/* LMOVE from to LEFT|RIGHT LEFT|RIGHT */
static void run_lmove(const struct run *run) {
    const struct model_value *from, *to;
    if (!value_open(run, 1, MODEL_LIST, &from)) return;
    if (from == NULL) {
        say_null(run);
        return;
    }
    if (!value_open(run, 2, MODEL_LIST, &to)) return;
    struct model_value *shorter = value_edit(from, MODEL_LIST);
    uint32_t at = slice_is(run->argv[3], "LEFT") ? 0 : shorter->n - 1;
    struct bytes *moved = bytes_ref(shorter->elements[at].name);
    value_remove(shorter, at);
    bool same = slice_equal(run->argv[1], run->argv[2]);
    struct model_value *longer = same ? shorter : value_edit(to, MODEL_LIST);
    (void)value_insert(longer, slice_is(run->argv[4], "LEFT") ? 0 : longer->n, bytes_slice(moved));
    say_bulk(run, bytes_slice(moved));
    bytes_unref(moved);
    if (!same) store_edit(run, 2, longer);
    store_edit(run, 1, shorter);
}

static void run_lrem(const struct run *run) { /* LREM key 0 element */
    const struct model_value *old;
    int64_t n = 0;
    if (!value_open(run, 1, MODEL_LIST, &old)) return;
    struct model_value *list = value_edit(old, MODEL_LIST);
    for (uint32_t at; (at = value_find(list, run->argv[3])) < list->n; n++) value_remove(list, at);
    say_integer(run, n);
    store_edit(run, 1, list);
}

/* What a range's ends mean: [*first, *end). */
static void range(
    const struct model_value *value, int64_t first, int64_t last, int64_t *begin, int64_t *end) {
    int64_t n = value == NULL ? 0 : value->n;
    if (first < 0) first = SF_MAX(first + n, (int64_t)0);
    if (last < 0) last += n;
    *begin = first;
    *end = SF_MAX(SF_MIN(last + 1, n), first);
    if (*begin >= n) *end = *begin;
}

static void run_ltrim(const struct run *run) {
    const struct model_value *old;
    int64_t begin, end;
    if (!value_open(run, 1, MODEL_LIST, &old)) return;
    say_line(run, "+OK");
    if (old == NULL) return;
    range(old, number_at(run, 2), number_at(run, 3), &begin, &end);
    struct model_value *list = value_edit(old, MODEL_LIST);
    while (list->n > end) value_remove(list, list->n - 1);
    for (int64_t i = 0; i < begin && list->n > 0; i++) value_remove(list, 0);
    store_edit(run, 1, list);
}

static void run_lset(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_LIST, &old)) return;
    if (old == NULL) {
        say_line(run, "-ERR no such key");
        return;
    }
    int64_t at = number_at(run, 2);
    if (at < 0) at += old->n;
    if (at < 0 || at >= old->n) {
        say_line(run, "-ERR index out of range");
        return;
    }
    struct model_value *list = value_edit(old, MODEL_LIST);
    value_set_text(&list->elements[at].name, run->argv[3]);
    say_line(run, "+OK");
    store_edit(run, 1, list);
}

static void run_llen(const struct run *run) {
    const struct model_value *list;
    if (value_open(run, 1, MODEL_LIST, &list)) say_integer(run, list == NULL ? 0 : list->n);
}

static void run_lindex(const struct run *run) {
    const struct model_value *list;
    if (!value_open(run, 1, MODEL_LIST, &list)) return;
    int64_t at = number_at(run, 2), n = list == NULL ? 0 : list->n;
    if (at < 0) at += n;
    if (at < 0 || at >= n)
        say_null(run);
    else
        say_bulk(run, bytes_slice(list->elements[at].name));
}

static void run_lrange(const struct run *run) {
    const struct model_value *list;
    int64_t begin, end;
    if (!value_open(run, 1, MODEL_LIST, &list)) return;
    range(list, number_at(run, 2), number_at(run, 3), &begin, &end);
    say_array(run, (uint64_t)(end - begin));
    for (int64_t i = begin; i < end; i++) say_bulk(run, bytes_slice(list->elements[i].name));
}

const struct model_command model_list_commands[] = {
    {"LPUSH", run_push, MODEL_WRITES},
    {"RPUSH", run_push, MODEL_WRITES},
    {"LPOP", run_pop, MODEL_WRITES},
    {"RPOP", run_pop, MODEL_WRITES},
    {"LMOVE", run_lmove, MODEL_WRITES},
    {"LREM", run_lrem, MODEL_WRITES},
    {"LTRIM", run_ltrim, MODEL_WRITES},
    {"LSET", run_lset, MODEL_WRITES},
    {"LLEN", run_llen, MODEL_READS},
    {"LINDEX", run_lindex, MODEL_READS},
    {"LRANGE", run_lrange, MODEL_READS},
    {NULL, NULL, 0},
};
