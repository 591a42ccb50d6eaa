#include "sim/model.h"

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
        for (size_t k = 0; k < key->n; k++) bytes_unref(key->versions[k].value);
        sf_free(key->versions);
        bytes_unref(key->name);
    }
    sf_free(model->keys);
    sf_free(model->times);
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

int64_t model_time(const struct model *model, uint64_t step) {
    return model->times[step];
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

static const struct model_version *version_at(const struct model_key *key, uint64_t step) {
    static const struct model_version absent = {0, NULL, MODEL_NEVER};
    if (key == NULL) return &absent;
    size_t low = 0, high = key->n; /* the first version later than step */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key->versions[middle].step <= step)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? &absent : &key->versions[low - 1];
}

static const struct model_version *look(
    const struct model *model, uint64_t step, uint32_t db, struct slice name) {
    return version_at(key_find(model, db, name), step);
}

/* Takes the reference. */
static void put(
    struct model *model, uint32_t db, struct slice name, struct bytes *value, int64_t due_ms) {
    struct model_key *key = key_get(model, db, name);
    if (value != NULL && due_ms <= model->times[model->step]) { /* dead at once */
        bytes_unref(value);
        value = NULL;
    }
    if (key->n > 0 && key->versions[key->n - 1].step == model->step) {
        bytes_unref(key->versions[--key->n].value); /* the same command again */
    }
    if (key->n == key->cap) {
        key->cap = SF_MAX((size_t)8, key->cap * 2);
        key->versions = sf_realloc(key->versions, key->cap * sizeof *key->versions);
    }
    key->versions[key->n++] =
        (struct model_version){model->step, value, value == NULL ? MODEL_NEVER : due_ms};
}

void model_advance(struct model *model, int64_t now_ms) {
    int64_t before_ms = model->times[model->step];
    step_begin(model, SF_MAX(before_ms, now_ms));
    for (size_t i = 0; i < model->n; i++) {
        struct model_key *key = &model->keys[i];
        if (key->n == 0 || key->versions[key->n - 1].value == NULL) continue;
        if (key->versions[key->n - 1].due_ms > model->times[model->step]) continue;
        put(model, key->db, bytes_slice(key->name), NULL, MODEL_NEVER);
        model->n_expired++;
    }
}

/* -- replies -------------------------------------------------------------------------------- */

static void say_bulk(struct buf *reply, const struct bytes *value) {
    if (value == NULL) {
        buf_append_text(reply, "$-1\r\n");
        return;
    }
    buf_printf(reply, "$%zu\r\n", value->len);
    buf_append(reply, value->data, value->len);
    buf_append_text(reply, "\r\n");
}

static void say_integer(struct buf *reply, int64_t value) {
    buf_printf(reply, ":%" PRId64 "\r\n", value);
}

static void say_ok(struct buf *reply) {
    buf_append_text(reply, "+OK\r\n");
}

/* -- writes --------------------------------------------------------------------------------- */

struct write {
    struct model *model;
    uint32_t db, argc;
    const struct slice *argv;
    struct buf *reply;
    int64_t now_ms;
};

static const struct model_version *now_at(const struct write *write, uint32_t arg) {
    return look(write->model, write->model->step, write->db, write->argv[arg]);
}

static void put_slice(const struct write *write, uint32_t arg, struct slice value, int64_t due_ms) {
    put(write->model, write->db, write->argv[arg], bytes_new(value.data, value.len), due_ms);
}

static bool number_of(struct slice text, int64_t *out) {
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

static void write_set(const struct write *write) {
    bool nx = false, xx = false, get = false, keep = false;
    int64_t due_ms = MODEL_NEVER, ms;
    for (uint32_t i = 3; i < write->argc; i++) {
        if (slice_is(write->argv[i], "NX")) nx = true;
        if (slice_is(write->argv[i], "XX")) xx = true;
        if (slice_is(write->argv[i], "GET")) get = true;
        if (slice_is(write->argv[i], "KEEPTTL")) keep = true;
        if (slice_is(write->argv[i], "PX") && number_of(write->argv[i + 1], &ms))
            due_ms = write->now_ms + ms;
    }
    const struct model_version *old = now_at(write, 1);
    if (keep) due_ms = old->due_ms;
    bool runs = !(nx && old->value != NULL) && !(xx && old->value == NULL);
    if (get)
        say_bulk(write->reply, old->value);
    else if (runs)
        say_ok(write->reply);
    else
        say_bulk(write->reply, NULL);
    if (runs) put_slice(write, 1, write->argv[2], due_ms);
}

static void write_setnx(const struct write *write) {
    bool runs = now_at(write, 1)->value == NULL;
    say_integer(write->reply, runs);
    if (runs) put_slice(write, 1, write->argv[2], MODEL_NEVER);
}

static void write_getset(const struct write *write) {
    say_bulk(write->reply, now_at(write, 1)->value);
    put_slice(write, 1, write->argv[2], MODEL_NEVER);
}

static void write_append(const struct write *write) {
    const struct model_version *old = now_at(write, 1);
    struct buf joined = {0};
    buf_append_slice(&joined, bytes_slice(old->value));
    buf_append_slice(&joined, write->argv[2]);
    say_integer(write->reply, (int64_t)joined.len);
    put_slice(write, 1, buf_slice(&joined), old->due_ms);
    buf_free(&joined);
}

static void add(const struct write *write, int64_t by) {
    const struct model_version *old = now_at(write, 1);
    int64_t value = 0;
    char text[32];
    if (old->value != NULL && !number_of(bytes_slice(old->value), &value)) {
        buf_append_text(write->reply, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    value += by; /* the workload's numbers stay far from the edges */
    snprintf(text, sizeof text, "%" PRId64, value);
    say_integer(write->reply, value);
    put_slice(write, 1, slice_text(text), old->due_ms);
}

static void write_incr(const struct write *write) {
    add(write, 1);
}

static void write_incrby(const struct write *write) {
    int64_t by = 0;
    (void)number_of(write->argv[2], &by);
    add(write, slice_is(write->argv[0], "DECRBY") ? -by : by);
}

static void write_del(const struct write *write) {
    int64_t n = 0;
    for (uint32_t i = 1; i < write->argc; i++) {
        if (now_at(write, i)->value == NULL) continue;
        put(write->model, write->db, write->argv[i], NULL, MODEL_NEVER);
        n++;
    }
    say_integer(write->reply, n);
}

static void write_mset(const struct write *write) {
    if (slice_is(write->argv[0], "MSETNX")) {
        for (uint32_t i = 1; i + 1 < write->argc; i += 2) {
            if (now_at(write, i)->value == NULL) continue;
            say_integer(write->reply, 0);
            return;
        }
        say_integer(write->reply, 1);
    } else {
        say_ok(write->reply);
    }
    for (uint32_t i = 1; i + 1 < write->argc; i += 2)
        put_slice(write, i, write->argv[i + 1], MODEL_NEVER);
}

static void write_expire(const struct write *write) {
    const struct model_version *old = now_at(write, 1);
    int64_t span = 0;
    (void)number_of(write->argv[2], &span);
    if (slice_is(write->argv[0], "EXPIRE")) span *= 1000;
    say_integer(write->reply, old->value != NULL);
    if (old->value == NULL) return;
    put(write->model, write->db, write->argv[1], bytes_ref(old->value), write->now_ms + span);
}

static const struct {
    const char *name;
    void (*run)(const struct write *write);
} writes[] = {
    {"SET", write_set},
    {"SETNX", write_setnx},
    {"GETSET", write_getset},
    {"APPEND", write_append},
    {"INCR", write_incr},
    {"INCRBY", write_incrby},
    {"DECRBY", write_incrby},
    {"DEL", write_del},
    {"UNLINK", write_del},
    {"MSET", write_mset},
    {"MSETNX", write_mset},
    {"EXPIRE", write_expire},
    {"PEXPIRE", write_expire},
};

bool model_is_write(struct slice name) {
    for (size_t i = 0; i < SF_LENGTH(writes); i++)
        if (slice_is(name, writes[i].name)) return true;
    return false;
}

void model_write(
    struct model *model, uint32_t db, uint32_t argc, const struct slice *argv, struct buf *reply) {
    step_begin(model, model->times[model->step]);
    struct write write = {model, db, argc, argv, reply, model->times[model->step]};
    for (size_t i = 0; i < SF_LENGTH(writes); i++)
        if (slice_is(argv[0], writes[i].name)) writes[i].run(&write);
}

/* -- reads ---------------------------------------------------------------------------------- */

static void read_pttl(
    const struct model_version *version, int64_t now_ms, struct buf *reply, int64_t *most_ms) {
    if (version->value == NULL)
        say_integer(reply, -2);
    else if (version->due_ms == MODEL_NEVER)
        say_integer(reply, -1);
    else
        *most_ms = version->due_ms - now_ms;
}

static void read_many(const struct model *model, uint64_t step, uint32_t db, uint32_t argc,
    const struct slice *argv, struct buf *reply) {
    int64_t n = 0;
    bool mget = slice_is(argv[0], "MGET");
    if (mget) buf_printf(reply, "*%u\r\n", argc - 1);
    for (uint32_t i = 1; i < argc; i++) {
        const struct model_version *version = look(model, step, db, argv[i]);
        if (mget) say_bulk(reply, version->value);
        n += version->value != NULL;
    }
    if (!mget) say_integer(reply, n);
}

void model_read(const struct model *model, uint64_t step, uint32_t db, uint32_t argc,
    const struct slice *argv, struct buf *reply, int64_t *most_ms) {
    const struct model_version *version = look(model, step, db, argv[1]);
    *most_ms = -1;
    if (slice_is(argv[0], "GET")) {
        say_bulk(reply, version->value);
    } else if (slice_is(argv[0], "STRLEN")) {
        say_integer(reply, version->value == NULL ? 0 : (int64_t)version->value->len);
    } else if (slice_is(argv[0], "TYPE")) {
        buf_append_text(reply, version->value == NULL ? "+none\r\n" : "+string\r\n");
    } else if (slice_is(argv[0], "PTTL")) {
        read_pttl(version, model->times[step], reply, most_ms);
    } else if (slice_is(argv[0], "PEXPIRETIME")) {
        if (version->value == NULL)
            say_integer(reply, -2);
        else
            say_integer(reply, version->due_ms == MODEL_NEVER ? -1 : version->due_ms);
    } else {
        read_many(model, step, db, argc, argv, reply);
    }
}

uint64_t model_next_change(const struct model *model, uint64_t step, uint32_t db, uint32_t argc,
    const struct slice *argv) {
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 1; i < argc; i++) {
        const struct model_key *key = key_find(model, db, argv[i]);
        if (key == NULL) continue;
        size_t low = 0, high = key->n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (key->versions[middle].step <= step)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < key->n) next = SF_MIN(next, key->versions[low].step);
    }
    return next;
}
