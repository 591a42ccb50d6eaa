/* Sets. */
#include "sim/model_internal.h"

static void run_sadd(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_SET, &old)) return;
    struct model_value *set = value_edit(old, MODEL_SET);
    uint32_t before = set->n;
    for (uint32_t i = 2; i < run->argc; i++)
        if (value_find(set, run->argv[i]) == set->n) (void)value_insert(set, set->n, run->argv[i]);
    say_integer(run, set->n - before);
    store_edit(run, 1, set);
}

static void run_srem(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_SET, &old)) return;
    struct model_value *set = value_edit(old, MODEL_SET);
    uint32_t before = set->n;
    for (uint32_t i = 2; i < run->argc; i++) {
        uint32_t at = value_find(set, run->argv[i]);
        if (at < set->n) value_remove(set, at);
    }
    say_integer(run, before - set->n);
    store_edit(run, 1, set);
}

/* The member that the given reply names; false: the set has no such one. */
static bool choice(const struct run *run, const struct model_value *set, uint32_t *at) {
    struct slice given = run->question->given;
    if (set == NULL || given.len < 4 || given.data[0] != '$') return false;
    const char *line = memchr(given.data, '\n', given.len);
    if (line == NULL) return false;
    size_t head = (size_t)(line - given.data) + 1;
    if (given.len < head + 2) return false;
    *at = value_find(set, slice_of(given.data + head, given.len - head - 2));
    return *at < set->n;
}

/* Any member will do: the one that was given, if it is one. */
static void run_pick(const struct run *run) {
    const struct model_value *old;
    uint32_t at = 0;
    if (!value_open(run, 1, MODEL_SET, &old)) return;
    if (old == NULL) {
        say_null(run);
        return;
    }
    if (!choice(run, old, &at)) at = 0; /* this reply will differ */
    say_bulk(run, bytes_slice(old->elements[at].name));
    if (is_command(run, "SRANDMEMBER")) return;
    struct model_value *set = value_edit(old, MODEL_SET);
    value_remove(set, at);
    store_edit(run, 1, set);
}

static void run_smove(const struct run *run) {
    const struct model_value *from, *to;
    const struct model_value *first = version_of(run, run->argv[1])->value;
    if (first == NULL) {
        say_integer(run, 0);
        return;
    }
    if (!value_open(run, 1, MODEL_SET, &from) || !value_open(run, 2, MODEL_SET, &to)) return;
    uint32_t at = value_find(from, run->argv[3]);
    say_integer(run, at < from->n);
    if (at == from->n || slice_equal(run->argv[1], run->argv[2])) return;
    struct model_value *smaller = value_edit(from, MODEL_SET), *larger = value_edit(to, MODEL_SET);
    value_remove(smaller, at);
    if (value_find(larger, run->argv[3]) == larger->n)
        (void)value_insert(larger, larger->n, run->argv[3]);
    store_edit(run, 2, larger);
    store_edit(run, 1, smaller);
}

static void run_sismember(const struct run *run) {
    const struct model_value *set;
    if (!value_open(run, 1, MODEL_SET, &set)) return;
    say_integer(run, set != NULL && value_find(set, run->argv[2]) < set->n);
}

static void run_scard(const struct run *run) {
    const struct model_value *set;
    if (value_open(run, 1, MODEL_SET, &set)) say_integer(run, set == NULL ? 0 : set->n);
}

static void run_smembers(const struct run *run) {
    const struct model_value *set;
    if (!value_open(run, 1, MODEL_SET, &set)) return;
    uint32_t n = set == NULL ? 0 : set->n;
    say_array(run, n);
    for (uint32_t i = 0; i < n; i++) say_bulk(run, bytes_slice(set->elements[i].name));
}

const struct model_command model_set_commands[] = {
    {"SADD", run_sadd, MODEL_WRITES},
    {"SREM", run_srem, MODEL_WRITES},
    {"SPOP", run_pick, MODEL_WRITES},
    {"SMOVE", run_smove, MODEL_WRITES},
    {"SRANDMEMBER", run_pick, MODEL_READS},
    {"SISMEMBER", run_sismember, MODEL_READS},
    {"SCARD", run_scard, MODEL_READS},
    {"SMEMBERS", run_smembers, MODEL_READS | MODEL_UNORDERED},
    {NULL, NULL, 0},
};
