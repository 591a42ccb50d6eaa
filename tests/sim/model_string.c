/* Strings. */
#include "sim/model_internal.h"

#include <inttypes.h>
#include <stdio.h>

static struct slice text_of(const struct model_value *value) {
    return value == NULL ? SLICE("") : bytes_slice(value->elements[0].name);
}

static void store_text(const struct run *run, uint32_t arg, struct slice text, int64_t due_ms) {
    struct model_value *value = value_new(MODEL_STRING);
    (void)value_insert(value, 0, text);
    store(run, run->argv[arg], value, due_ms);
}

static void say_text(const struct run *run, const struct model_value *value) {
    if (value == NULL)
        say_null(run);
    else
        say_bulk(run, text_of(value));
}

static void run_set(const struct run *run) {
    bool nx = false, xx = false, get = false, keep = false;
    int64_t due_ms = MODEL_NEVER;
    for (uint32_t i = 3; i < run->argc; i++) {
        if (slice_is(run->argv[i], "NX")) nx = true;
        if (slice_is(run->argv[i], "XX")) xx = true;
        if (slice_is(run->argv[i], "GET")) get = true;
        if (slice_is(run->argv[i], "KEEPTTL")) keep = true;
        if (slice_is(run->argv[i], "PX")) due_ms = run->now_ms + number_at(run, i + 1);
    }
    const struct model_value *old;
    if (get && !value_open(run, 1, MODEL_STRING, &old)) return;
    const struct model_version *version = version_of(run, run->argv[1]);
    old = version->value;
    if (keep) due_ms = version->due_ms;
    bool runs = !(nx && old != NULL) && !(xx && old == NULL);
    if (get)
        say_text(run, old);
    else if (runs)
        say_line(run, "+OK");
    else
        say_null(run);
    if (runs) store_text(run, 1, run->argv[2], due_ms);
}

static void run_setnx(const struct run *run) {
    bool runs = version_of(run, run->argv[1])->value == NULL;
    say_integer(run, runs);
    if (runs) store_text(run, 1, run->argv[2], MODEL_NEVER);
}

static void run_getset(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_STRING, &old)) return;
    say_text(run, old);
    store_text(run, 1, run->argv[2], MODEL_NEVER);
}

static void run_getdel(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_STRING, &old)) return;
    say_text(run, old);
    store(run, run->argv[1], NULL, MODEL_NEVER);
}

static void run_append(const struct run *run) {
    const struct model_value *old;
    if (!value_open(run, 1, MODEL_STRING, &old)) return;
    struct buf joined = {0};
    buf_append_slice(&joined, text_of(old));
    buf_append_slice(&joined, run->argv[2]);
    say_integer(run, (int64_t)joined.len);
    store_text(run, 1, buf_slice(&joined), version_of(run, run->argv[1])->due_ms);
    buf_free(&joined);
}

static void run_incr(const struct run *run) {
    const struct model_value *old;
    int64_t by = 1, value = 0;
    char text[32];
    if (run->argc > 2) by = number_at(run, 2);
    if (is_command(run, "DECRBY") || is_command(run, "DECR")) by = -by;
    if (!value_open(run, 1, MODEL_STRING, &old)) return;
    if (old != NULL && !number_of(text_of(old), &value)) {
        say_line(run, "-ERR value is not an integer or out of range");
        return;
    }
    value += by; /* the workload's numbers stay far from the edges */
    snprintf(text, sizeof text, "%" PRId64, value);
    say_integer(run, value);
    store_text(run, 1, slice_text(text), version_of(run, run->argv[1])->due_ms);
}

static void run_mset(const struct run *run) {
    if (is_command(run, "MSETNX")) {
        for (uint32_t i = 1; i + 1 < run->argc; i += 2) {
            if (version_of(run, run->argv[i])->value == NULL) continue;
            say_integer(run, 0);
            return;
        }
        say_integer(run, 1);
    } else {
        say_line(run, "+OK");
    }
    for (uint32_t i = 1; i + 1 < run->argc; i += 2)
        store_text(run, i, run->argv[i + 1], MODEL_NEVER);
}

static void run_get(const struct run *run) {
    const struct model_value *value;
    if (value_open(run, 1, MODEL_STRING, &value)) say_text(run, value);
}

static void run_strlen(const struct run *run) {
    const struct model_value *value;
    if (value_open(run, 1, MODEL_STRING, &value)) say_integer(run, (int64_t)text_of(value).len);
}

static void run_mget(const struct run *run) {
    say_array(run, run->argc - 1);
    for (uint32_t i = 1; i < run->argc; i++) {
        const struct model_value *value = version_of(run, run->argv[i])->value;
        say_text(run, value != NULL && value->type == MODEL_STRING ? value : NULL);
    }
}

const struct model_command model_string_commands[] = {
    {"SET", run_set, MODEL_WRITES},
    {"SETNX", run_setnx, MODEL_WRITES},
    {"GETSET", run_getset, MODEL_WRITES},
    {"GETDEL", run_getdel, MODEL_WRITES},
    {"APPEND", run_append, MODEL_WRITES},
    {"INCR", run_incr, MODEL_WRITES},
    {"DECR", run_incr, MODEL_WRITES},
    {"INCRBY", run_incr, MODEL_WRITES},
    {"DECRBY", run_incr, MODEL_WRITES},
    {"MSET", run_mset, MODEL_WRITES},
    {"MSETNX", run_mset, MODEL_WRITES},
    {"GET", run_get, MODEL_READS},
    {"STRLEN", run_strlen, MODEL_READS},
    {"MGET", run_mget, MODEL_READS},
    {NULL, NULL, 0},
};
