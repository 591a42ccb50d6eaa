#include "sim/model_internal.h"
#include "sim/model_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct model *model_new(void) {
    struct model *model = sf_alloc_zero(1, sizeof *model);
    model->times_cap = 1024;
    model->times = sf_alloc_zero(model->times_cap, sizeof *model->times);
    return model;
}

void model_free(struct model *model) {
    if (model == NULL) return;
    for (size_t i = 0; i < model->n; i++) {
        struct model_key *key = &model->keys[i];
        for (size_t k = 0; k < key->n; k++) value_unref(key->versions[k].value);
        sf_free(key->versions);
        bytes_unref(key->name);
    }
    for (uint32_t i = 0; i < MODEL_USERS; i++) sf_free(model->users[i].rights);
    sf_free(model->keys);
    sf_free(model->times);
    model_queue_free(&model->queue);
    sf_free(model);
}

static void step_begin(struct model *model, int64_t now_ms) {
    model->step++;
    if (model->step == model->times_cap) {
        model->times_cap *= 2;
        model->times = sf_realloc(model->times, model->times_cap * sizeof *model->times);
    }
    model->times[model->step] = now_ms;
}

void model_step(struct model *model) {
    step_begin(model, model->times[model->step]);
}

/* -- keys ----------------------------------------------------------------------------------- */

static struct model_key *key_find(const struct model *model, uint32_t db, struct slice name) {
    for (size_t i = 0; i < model->n; i++)
        if (model->keys[i].db == db && slice_equal(bytes_slice(model->keys[i].name), name))
            return &model->keys[i];
    return NULL;
}

static struct model_key *key_get(struct model *model, uint32_t db, struct slice name) {
    struct model_key *key = key_find(model, db, name);
    if (key != NULL) return key;
    if (model->n == model->cap) {
        model->cap = SF_MAX((size_t)64, model->cap * 2);
        model->keys = sf_realloc(model->keys, model->cap * sizeof *model->keys);
    }
    key = &model->keys[model->n++];
    *key = (struct model_key){.db = db, .name = bytes_new(name.data, name.len)};
    return key;
}

/* The first version later than step; n: none. */
static size_t version_after(const struct model_key *key, uint64_t step) {
    size_t low = 0, high = key->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key->versions[middle].step <= step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct model_version *version_of(const struct run *run, struct slice name) {
    static const struct model_version absent = {0, NULL, MODEL_NEVER, false};
    const struct model_key *key = key_find(run->model, run->question->db, name);
    size_t after = key == NULL ? 0 : version_after(key, run->question->step);
    return after == 0 ? &absent : &key->versions[after - 1];
}

/* Takes the value over. */
static void key_put(
    struct model *model, struct model_key *key, const struct model_value *value, int64_t due_ms) {
    bool dead = due_ms <= model->times[model->step];
    if (value != NULL && (dead || value->n == 0)) {
        value_unref(value);
        value = NULL;
    }
    const struct model_value *old = key->n == 0 ? NULL : key->versions[key->n - 1].value;
    if (value != NULL && (old == NULL || old->type != value->type))
        model_became(model, key->db, key->name, (int)value->type);
    if (key->n > 0 && key->versions[key->n - 1].step == model->step)
        value_unref(key->versions[--key->n].value); /* the same step again */
    if (key->n == key->cap) {
        key->cap = SF_MAX((size_t)8, key->cap * 2);
        key->versions = sf_realloc(key->versions, key->cap * sizeof *key->versions);
    }
    key->versions[key->n++] =
        (struct model_version){model->step, value, value == NULL ? MODEL_NEVER : due_ms, false};
}

void store(
    const struct run *run, struct slice name, const struct model_value *value, int64_t due_ms) {
    if (value == NULL && version_of(run, name)->value == NULL) return;
    struct model_key *key = key_get(run->model, run->question->db, name);
    key_put(run->model, key, value, due_ms);
}

void store_edit(const struct run *run, uint32_t arg, struct model_value *value) {
    store(run, run->argv[arg], value, version_of(run, run->argv[arg])->due_ms);
}

void model_advance(struct model *model, int64_t now_ms) {
    int64_t before_ms = model->times[model->step];
    step_begin(model, SF_MAX(before_ms, now_ms));
    for (size_t i = 0; i < model->n; i++) {
        struct model_key *key = &model->keys[i];
        if (key->n == 0 || key->versions[key->n - 1].value == NULL) continue;
        int64_t due_ms = key->versions[key->n - 1].due_ms;
        if (due_ms <= model->times[model->step]) {
            key_put(model, key, NULL, MODEL_NEVER);
            key->versions[key->n - 1].expired = true;
            model->n_expired++;
            continue;
        }
        struct model_value *rest =
            value_without_dead(key->versions[key->n - 1].value, model->times[model->step]);
        if (rest == NULL) continue;
        key_put(model, key, rest, due_ms);
        key->versions[key->n - 1].expired = key->versions[key->n - 1].value == NULL;
    }
}

bool model_evict(struct model *model, uint32_t db, struct slice name) {
    struct model_key *key = key_find(model, db, name);
    if (key == NULL || key->n == 0) return false;
    const struct model_version *last = &key->versions[key->n - 1];
    if (last->value == NULL) return last->expired; /* due, and perhaps still in memory */
    key_put(model, key, NULL, MODEL_NEVER);
    return true;
}

/* What may not run where memory is out. */
static bool takes_memory(struct slice name) {
    static const char *const names[] = {"SET", "SETNX", "GETSET", "APPEND", "MSET", "MSETNX",
        "INCR", "DECR", "INCRBY", "DECRBY", "HSET", "HSETEX", "HPEXPIRE", "HINCRBY", "LPUSH",
        "RPUSH", "LMOVE", "BLMOVE", "LSET", "SADD", "ZADD", "ZINCRBY"};
    for (size_t i = 0; i < SF_LENGTH(names); i++)
        if (slice_is(name, names[i])) return true;
    return false;
}

uint64_t model_next_change(const struct model *model, uint64_t step, uint32_t db, uint32_t argc,
    const struct slice *argv) {
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 1; i < argc; i++) {
        const struct model_key *key = key_find(model, db, argv[i]);
        if (key == NULL) continue;
        size_t after = version_after(key, step);
        if (after < key->n) next = SF_MIN(next, key->versions[after].step);
    }
    return next;
}

bool model_holds(const struct model *model, uint32_t db, struct slice name, int type) {
    const struct model_key *key = key_find(model, db, name);
    if (key == NULL || key->n == 0) return false;
    const struct model_value *value = key->versions[key->n - 1].value;
    return value != NULL && (int)value->type == type;
}

static bool version_equal(const struct model_version *a, const struct model_version *b) {
    return a->due_ms == b->due_ms && value_equal(a->value, b->value);
}

uint64_t model_last_change(
    const struct model *model, uint64_t step, uint32_t db, struct slice name) {
    static const struct model_version absent = {0, NULL, MODEL_NEVER, false};
    const struct model_key *key = key_find(model, db, name);
    if (key == NULL) return 0;
    for (size_t i = version_after(key, step); i > 0; i--) {
        const struct model_version *before = i > 1 ? &key->versions[i - 2] : &absent;
        if (!version_equal(before, &key->versions[i - 1])) return key->versions[i - 1].step;
    }
    return 0;
}

bool model_field_dies(const struct model *model, uint64_t step, uint32_t db, struct slice name) {
    const struct model_key *key = key_find(model, db, name);
    int64_t now_ms = model->times[step];
    if (key == NULL) return false;
    for (size_t i = version_after(key, step); i > 1; i--) {
        const struct model_value *before = key->versions[i - 2].value;
        if (model->times[key->versions[i - 1].step] != now_ms) return false;
        if (before == NULL || before->type != MODEL_HASH) continue;
        for (uint32_t k = 0; k < before->n; k++)
            if (before->elements[k].score > 0 && before->elements[k].score <= now_ms) return true;
    }
    return false;
}

bool model_is_absent(
    const struct model *model, uint64_t low, uint64_t high, uint32_t db, struct slice name) {
    const struct model_key *key = key_find(model, db, name);
    if (key == NULL) return true;
    size_t i = version_after(key, low);
    if (i == 0 || key->versions[i - 1].value == NULL) return true;
    for (; i < key->n && key->versions[i].step <= high; i++)
        if (key->versions[i].value == NULL) return true;
    return false;
}

/* -- arguments, replies ---------------------------------------------------------------------- */

bool number_of(struct slice text, int64_t *out) {
    char copy[32], again[32], *end;
    if (text.len == 0 || text.len >= sizeof copy) return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    long long value = strtoll(copy, &end, 10);
    snprintf(again, sizeof again, "%lld", value);
    if (strcmp(copy, again) != 0) return false;
    *out = value;
    return true;
}

int64_t number_at(const struct run *run, uint32_t arg) {
    int64_t value = 0;
    bool good = arg < run->argc && number_of(run->argv[arg], &value);
    SF_ASSERT(good);
    return value;
}

bool is_command(const struct run *run, const char *name) {
    return slice_is(run->argv[0], name);
}

bool value_open(
    const struct run *run, uint32_t arg, enum model_type type, const struct model_value **out) {
    *out = version_of(run, run->argv[arg])->value;
    if (*out == NULL || (*out)->type == type) return true;
    say_line(run, "-WRONGTYPE Operation against a key holding the wrong kind of value");
    return false;
}

void say_line(const struct run *run, const char *line) {
    buf_printf(run->reply, "%s\r\n", line);
}

void say_null(const struct run *run) {
    say_line(run, "$-1");
}

void say_bulk(const struct run *run, struct slice text) {
    buf_printf(run->reply, "$%zu\r\n", text.len);
    buf_append_slice(run->reply, text);
    buf_append_text(run->reply, "\r\n");
}

void say_array(const struct run *run, uint64_t n) {
    buf_printf(run->reply, "*%" PRIu64 "\r\n", n);
}

void say_integer(const struct run *run, int64_t value) {
    buf_printf(run->reply, ":%" PRId64 "\r\n", value);
}

/* -- the table ------------------------------------------------------------------------------- */

static const struct model_command *command_find(struct slice name) {
    const struct model_command *const families[] = {model_string_commands, model_key_commands,
        model_hash_commands, model_field_commands, model_list_commands, model_set_commands,
        model_zset_commands, model_blocking_commands, model_script_commands, model_user_commands};
    for (size_t i = 0; i < SF_LENGTH(families); i++)
        for (const struct model_command *command = families[i]; command->name != NULL; command++)
            if (slice_is(name, command->name)) return command;
    return NULL;
}

bool model_knows(struct slice name) {
    return command_find(name) != NULL;
}

bool model_is_write(struct slice name) {
    const struct model_command *command = command_find(name);
    return command != NULL && (command->flags & MODEL_WRITES) != 0;
}

void model_run(struct model *model, const struct model_question *question, struct buf *reply,
    int64_t *most_ms) {
    const struct model_command *command = command_find(question->argv[0]);
    SF_ASSERT(command != NULL);
    SF_ASSERT((command->flags & MODEL_WRITES) == 0 || question->step == model->step);
    *most_ms = -1;
    model->found_nothing = false;
    struct run run = {
        .model = model,
        .question = question,
        .argc = question->argc,
        .argv = question->argv,
        .reply = reply,
        .now_ms = model->times[question->step],
        .most_ms = most_ms,
    };
    if (model->oom && question->step == model->step && takes_memory(question->argv[0]))
        say_line(&run, "-OOM command not allowed when used memory > 'maxmemory'.");
    else
        command->run(&run);
}

/* -- replies without an order ---------------------------------------------------------------- */

static int pair_order(const void *a, const void *b) {
    return slice_compare(((const struct slice *)a)[0], ((const struct slice *)b)[0]);
}

static int single_order(const void *a, const void *b) {
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* One bulk string at *at, with its head. */
static bool bulk_at(struct slice text, size_t *at, struct slice *out) {
    long long len;
    if (*at >= text.len || text.data[*at] != '$') return false;
    char *end;
    len = strtoll(text.data + *at + 1, &end, 10);
    if (len < 0) return false;
    size_t whole = (size_t)(end - text.data) - *at + 2 + (size_t)len + 2;
    *out = slice_of(text.data + *at, whole);
    *at += whole;
    return *at <= text.len;
}

static void sort_reply(struct slice name, struct buf *reply) {
    const struct model_command *command = command_find(name);
    if (command == NULL || (command->flags & MODEL_UNORDERED) == 0) return;
    struct slice text = buf_slice(reply);
    if (text.len < 4 || text.data[0] != '*') return;
    char *end;
    size_t n = (size_t)strtoull(text.data + 1, &end, 10), at = (size_t)(end - text.data) + 2;
    size_t head = at;
    if (n > text.len) return;
    struct slice *parts = sf_alloc_zero(n + 1, sizeof *parts);
    bool good = true;
    for (size_t i = 0; i < n && good; i++) good = bulk_at(text, &at, &parts[i]);
    if (good && (command->flags & MODEL_PAIRS) != 0)
        qsort(parts, n / 2, 2 * sizeof *parts, pair_order);
    else if (good)
        qsort(parts, n, sizeof *parts, single_order);
    struct buf sorted = {0};
    buf_append(&sorted, text.data, head);
    for (size_t i = 0; i < n; i++) buf_append_slice(&sorted, parts[i]);
    sf_free(parts);
    if (good) {
        buf_free(reply);
        *reply = sorted;
    } else {
        buf_free(&sorted);
    }
}

bool model_is_alike(struct slice name, struct slice given, struct slice expected) {
    if (slice_equal(given, expected)) return true;
    if (given.len != expected.len) return false;
    struct buf one = {0}, other = {0};
    buf_append_slice(&one, given);
    buf_append_slice(&other, expected);
    sort_reply(name, &one);
    sort_reply(name, &other);
    bool alike = slice_equal(buf_slice(&one), buf_slice(&other));
    buf_free(&one);
    buf_free(&other);
    return alike;
}
