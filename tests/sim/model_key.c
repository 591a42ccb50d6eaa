/* What is asked of keys of any type. */
#include "sim/model_internal.h"

static void run_del(const struct run *run) {
    int64_t n = 0;
    for (uint32_t i = 1; i < run->argc; i++) {
        if (version_of(run, run->argv[i])->value == NULL) continue;
        store(run, run->argv[i], NULL, MODEL_NEVER);
        n++;
    }
    say_integer(run, n);
}

static void run_rename(const struct run *run) {
    struct model_version old = *version_of(run, run->argv[1]);
    if (old.value == NULL) {
        say_line(run, "-ERR no such key");
        return;
    }
    say_line(run, "+OK");
    if (slice_equal(run->argv[1], run->argv[2])) return;
    store(run, run->argv[2], value_ref(old.value), old.due_ms);
    store(run, run->argv[1], NULL, MODEL_NEVER);
}

static void run_expire(const struct run *run) {
    struct model_version old = *version_of(run, run->argv[1]);
    int64_t span_ms = number_at(run, 2);
    if (is_command(run, "EXPIRE")) span_ms *= 1000;
    say_integer(run, old.value != NULL);
    if (old.value == NULL) return;
    store(run, run->argv[1], value_ref(old.value), run->now_ms + span_ms);
}

static void run_persist(const struct run *run) {
    struct model_version old = *version_of(run, run->argv[1]);
    bool has_due = old.value != NULL && old.due_ms != MODEL_NEVER;
    say_integer(run, has_due);
    if (has_due) store(run, run->argv[1], value_ref(old.value), MODEL_NEVER);
}

static void run_flushdb(const struct run *run) {
    struct model *model = run->model;
    for (size_t i = 0; i < model->n; i++) {
        const struct model_key *key = &model->keys[i];
        if (key->db == run->question->db) store(run, bytes_slice(key->name), NULL, MODEL_NEVER);
    }
    say_line(run, "+OK");
}

static void run_exists(const struct run *run) {
    int64_t n = 0;
    for (uint32_t i = 1; i < run->argc; i++) n += version_of(run, run->argv[i])->value != NULL;
    say_integer(run, n);
}

static void run_type(const struct run *run) {
    static const char *const names[] = {"+string", "+hash", "+list", "+set", "+zset"};
    const struct model_value *value = version_of(run, run->argv[1])->value;
    say_line(run, value == NULL ? "+none" : names[value->type]);
}

static void run_time(const struct run *run) {
    const struct model_version *version = version_of(run, run->argv[1]);
    if (version->value == NULL)
        say_integer(run, -2);
    else if (version->due_ms == MODEL_NEVER)
        say_integer(run, -1);
    else if (is_command(run, "PTTL"))
        *run->most_ms = version->due_ms - run->now_ms;
    else
        say_integer(run, version->due_ms);
}

const struct model_command model_key_commands[] = {
    {"DEL", run_del, MODEL_WRITES},
    {"UNLINK", run_del, MODEL_WRITES},
    {"RENAME", run_rename, MODEL_WRITES},
    {"EXPIRE", run_expire, MODEL_WRITES},
    {"PEXPIRE", run_expire, MODEL_WRITES},
    {"PERSIST", run_persist, MODEL_WRITES},
    {"FLUSHDB", run_flushdb, MODEL_WRITES},
    {"EXISTS", run_exists, MODEL_READS},
    {"TYPE", run_type, MODEL_READS},
    {"PTTL", run_time, MODEL_READS},
    {"PEXPIRETIME", run_time, MODEL_READS},
    {NULL, NULL, 0},
};
