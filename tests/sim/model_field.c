/* Due times of fields: a field's score is its due time, 0 where it has none. */
#include "sim/model_internal.h"

/* Behind FIELDS: the place of the first field. */
static uint32_t fields_at(const struct run *run) {
    for (uint32_t i = 2; i < run->argc; i++)
        if (slice_is(run->argv[i], "FIELDS")) return i + 2;
    SF_ASSERT(false); /* the workload's: well-formed */
    return 0;
}

static void run_hsetex(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    uint32_t first = fields_at(run);
    bool none = slice_is(run->argv[2], "FNX"), keeps = slice_is(run->argv[2], "KEEPTTL");
    for (uint32_t i = first; none && i < run->argc; i += 2) {
        if (old == NULL || value_find(old, run->argv[i]) == old->n) continue;
        say_integer(run, 0);
        return;
    }
    struct model_value *hash = value_edit(old, MODEL_HASH);
    for (uint32_t i = first; i + 1 < run->argc; i += 2) {
        uint32_t at = value_find(hash, run->argv[i]);
        if (at == hash->n) (void)value_insert(hash, at, run->argv[i]);
        value_set_text(&hash->elements[at].value, run->argv[i + 1]);
        if (!keeps) hash->elements[at].score = run->now_ms + number_at(run, first - 3);
    }
    say_integer(run, 1);
    store_edit(run, 1, hash);
}

static int64_t expire_field(struct model_element *field, const struct run *run) {
    int64_t due_ms = run->now_ms + number_at(run, 2);
    if (slice_is(run->argv[3], "NX") && field->score > 0) return 0;
    if (slice_is(run->argv[3], "GT") && (field->score == 0 || due_ms <= field->score)) return 0;
    field->score = due_ms;
    return 1;
}

static int64_t persist_field(struct model_element *field, const struct run *run) {
    (void)run;
    if (field->score == 0) return -1;
    field->score = 0;
    return 1;
}

/* An answer for each field; -2 for those that are not there. */
static void change_fields(
    const struct run *run, int64_t (*change)(struct model_element *, const struct run *)) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    struct model_value *hash = value_edit(old, MODEL_HASH);
    uint32_t first = fields_at(run);
    say_array(run, run->argc - first);
    for (uint32_t i = first; i < run->argc; i++) {
        uint32_t at = value_find(hash, run->argv[i]);
        say_integer(run, at == hash->n ? -2 : change(&hash->elements[at], run));
    }
    store_edit(run, 1, hash);
}

static void run_hpexpire(const struct run *run) {
    change_fields(run, expire_field);
}

static void run_hpersist(const struct run *run) {
    change_fields(run, persist_field);
}

static void run_hgetdel(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    struct model_value *hash = value_edit(old, MODEL_HASH);
    uint32_t first = fields_at(run);
    say_array(run, run->argc - first);
    for (uint32_t i = first; i < run->argc; i++) {
        uint32_t at = value_find(hash, run->argv[i]);
        if (at == hash->n) {
            say_null(run);
            continue;
        }
        say_bulk(run, bytes_slice(hash->elements[at].value));
        value_remove(hash, at);
    }
    store_edit(run, 1, hash);
}

static void run_hpexpiretime(const struct run *run) {
    const struct model_value *hash;
    if (!value_open(run, 1, MODEL_HASH, &hash)) return;
    uint32_t first = fields_at(run);
    say_array(run, run->argc - first);
    for (uint32_t i = first; i < run->argc; i++) {
        uint32_t at = value_find(hash, run->argv[i]);
        bool is_there = hash != NULL && at < hash->n;
        int64_t due_ms = is_there ? hash->elements[at].score : -2;
        say_integer(run, due_ms == 0 ? -1 : due_ms);
    }
}

struct model_value *value_without_dead(const struct model_value *value, int64_t now_ms) {
    bool is_dead = false;
    for (uint32_t i = 0; value->type == MODEL_HASH && i < value->n; i++)
        is_dead |= value->elements[i].score > 0 && value->elements[i].score <= now_ms;
    if (!is_dead) return NULL;
    struct model_value *rest = value_edit(value, MODEL_HASH);
    for (uint32_t i = 0; i < rest->n;) {
        int64_t due_ms = rest->elements[i].score;
        if (due_ms > 0 && due_ms <= now_ms)
            value_remove(rest, i);
        else
            i++;
    }
    return rest;
}

const struct model_command model_field_commands[] = {
    {"HSETEX", run_hsetex, MODEL_WRITES},
    {"HPEXPIRE", run_hpexpire, MODEL_WRITES},
    {"HPERSIST", run_hpersist, MODEL_WRITES},
    {"HGETDEL", run_hgetdel, MODEL_WRITES},
    {"HPEXPIRETIME", run_hpexpiretime, MODEL_READS},
    {NULL, NULL, 0},
};
