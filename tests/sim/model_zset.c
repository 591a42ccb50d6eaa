/* Sorted sets, whose scores are whole numbers here. */
#include "sim/model_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void say_score(const struct run *run, int64_t score) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, score);
    say_bulk(run, slice_text(text));
}

/* ZADD key [NX|XX|GT|LT] [CH] score member ... */
static void run_zadd(const struct run *run) {
    const struct model_value *old;
    bool nx = false, xx = false, gt = false, lt = false, ch = false;
    uint32_t i = 2;
    int64_t added = 0, changed = 0, ignored;
    for (; i < run->argc && !number_of(run->argv[i], &ignored); i++) {
        nx = nx || slice_is(run->argv[i], "NX");
        xx = xx || slice_is(run->argv[i], "XX");
        gt = gt || slice_is(run->argv[i], "GT");
        lt = lt || slice_is(run->argv[i], "LT");
        ch = ch || slice_is(run->argv[i], "CH");
    }
    if (!value_open(run, 1, MODEL_ZSET, &old)) return;
    struct model_value *zset = value_edit(old, MODEL_ZSET);
    for (; i + 1 < run->argc; i += 2) {
        int64_t score = number_at(run, i);
        uint32_t at = value_find(zset, run->argv[i + 1]);
        if (at == zset->n) {
            if (xx) continue;
            value_insert(zset, at, run->argv[i + 1])->score = score;
            added++;
            continue;
        }
        int64_t *its = &zset->elements[at].score;
        if (nx || (gt && score <= *its) || (lt && score >= *its) || *its == score) continue;
        *its = score;
        changed++;
    }
    say_integer(run, ch ? added + changed : added);
    store_edit(run, 1, zset);
}

static void run_zincrby(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_ZSET, &old)) return;
    struct model_value *zset = value_edit(old, MODEL_ZSET);
    uint32_t at = value_find(zset, run->argv[3]);
    if (at == zset->n) (void)value_insert(zset, at, run->argv[3]);
    zset->elements[at].score += number_at(run, 2);
    say_score(run, zset->elements[at].score);
    store_edit(run, 1, zset);
}

static void run_zrem(const struct run *run) {
    const struct model_value *old;
    int64_t n = 0;
    if (!value_open(run, 1, MODEL_ZSET, &old)) return;
    struct model_value *zset = value_edit(old, MODEL_ZSET);
    for (uint32_t i = 2; i < run->argc; i++) {
        uint32_t at = value_find(zset, run->argv[i]);
        if (at == zset->n) continue;
        value_remove(zset, at);
        n++;
    }
    say_integer(run, n);
    store_edit(run, 1, zset);
}

static int element_order(const void *a, const void *b) {
    const struct model_element *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return slice_compare(bytes_slice(x->name), bytes_slice(y->name));
}

/* A copy in the order of ranks. */
static struct model_value *ranked(const struct model_value *value) {
    struct model_value *zset = value_edit(value, MODEL_ZSET);
    if (zset->n > 1) qsort(zset->elements, zset->n, sizeof *zset->elements, element_order);
    return zset;
}

static void run_zpop(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_ZSET, &old)) return;
    if (old == NULL) {
        say_array(run, 0);
        return;
    }
    struct model_value *zset = ranked(old);
    uint32_t at = is_command(run, "ZPOPMIN") ? 0 : zset->n - 1;
    say_array(run, 2);
    say_bulk(run, bytes_slice(zset->elements[at].name));
    say_score(run, zset->elements[at].score);
    value_remove(zset, at);
    store_edit(run, 1, zset);
}

static void run_zscore(const struct run *run) {
    const struct model_value *zset;
    if (!value_open(run, 1, MODEL_ZSET, &zset)) return;
    uint32_t at = value_find(zset, run->argv[2]);
    if (zset == NULL || at == zset->n)
        say_null(run);
    else
        say_score(run, zset->elements[at].score);
}

static void run_zcard(const struct run *run) {
    const struct model_value *zset;
    if (value_open(run, 1, MODEL_ZSET, &zset)) say_integer(run, zset == NULL ? 0 : zset->n);
}

static void run_zrank(const struct run *run) {
    const struct model_value *zset;
    if (!value_open(run, 1, MODEL_ZSET, &zset)) return;
    struct model_value *in_order = ranked(zset);
    uint32_t at = value_find(in_order, run->argv[2]);
    if (at == in_order->n)
        say_null(run);
    else
        say_integer(run, at);
    value_unref(in_order);
}

static void run_zcount(const struct run *run) {
    const struct model_value *zset;
    int64_t n = 0;
    if (!value_open(run, 1, MODEL_ZSET, &zset)) return;
    for (uint32_t i = 0; zset != NULL && i < zset->n; i++)
        n += zset->elements[i].score >= number_at(run, 2) &&
             zset->elements[i].score <= number_at(run, 3);
    say_integer(run, n);
}

/* ZRANGE key 0 -1 [WITHSCORES] */
static void run_zrange(const struct run *run) {
    const struct model_value *zset;
    if (!value_open(run, 1, MODEL_ZSET, &zset)) return;
    struct model_value *in_order = ranked(zset);
    bool scores = run->argc > 4;
    say_array(run, (scores ? 2 : 1) * (uint64_t)in_order->n);
    for (uint32_t i = 0; i < in_order->n; i++) {
        say_bulk(run, bytes_slice(in_order->elements[i].name));
        if (scores) say_score(run, in_order->elements[i].score);
    }
    value_unref(in_order);
}

const struct model_command model_zset_commands[] = {
    {"ZADD", run_zadd, MODEL_WRITES},
    {"ZINCRBY", run_zincrby, MODEL_WRITES},
    {"ZREM", run_zrem, MODEL_WRITES},
    {"ZPOPMIN", run_zpop, MODEL_WRITES},
    {"ZPOPMAX", run_zpop, MODEL_WRITES},
    {"ZSCORE", run_zscore, MODEL_READS},
    {"ZCARD", run_zcard, MODEL_READS},
    {"ZRANK", run_zrank, MODEL_READS},
    {"ZCOUNT", run_zcount, MODEL_READS},
    {"ZRANGE", run_zrange, MODEL_READS},
    {NULL, NULL, 0},
};
