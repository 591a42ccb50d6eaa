/* Hashes. */
#include "sim/model_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void run_hset(const struct run *run) {
    const struct model_value *old;
    int64_t n = 0;
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    struct model_value *hash = value_edit(old, MODEL_HASH);
    for (uint32_t i = 2; i + 1 < run->argc; i += 2) {
        uint32_t at = value_find(hash, run->argv[i]);
        if (at == hash->n) {
            (void)value_insert(hash, at, run->argv[i]);
            n++;
        }
        value_set_text(&hash->elements[at].value, run->argv[i + 1]);
        hash->elements[at].score = 0;
    }
    say_integer(run, n);
    store_edit(run, 1, hash);
}

static void run_hdel(const struct run *run) {
    const struct model_value *old;
    int64_t n = 0;
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    struct model_value *hash = value_edit(old, MODEL_HASH);
    for (uint32_t i = 2; i < run->argc; i++) {
        uint32_t at = value_find(hash, run->argv[i]);
        if (at == hash->n) continue;
        value_remove(hash, at);
        n++;
    }
    say_integer(run, n);
    store_edit(run, 1, hash);
}

static void run_hincrby(const struct run *run) {
    const struct model_value *old;
    int64_t value = 0;
    char text[32];
    if (!value_open(run, 1, MODEL_HASH, &old)) return;
    uint32_t at = value_find(old, run->argv[2]);
    bool found = old != NULL && at < old->n;
    if (found && !number_of(bytes_slice(old->elements[at].value), &value)) {
        say_line(run, "-ERR hash value is not an integer");
        return;
    }
    struct model_value *hash = value_edit(old, MODEL_HASH);
    if (!found) (void)value_insert(hash, at, run->argv[2]);
    snprintf(text, sizeof text, "%" PRId64, value + number_at(run, 3));
    value_set_text(&hash->elements[at].value, slice_text(text));
    say_integer(run, value + number_at(run, 3));
    store_edit(run, 1, hash);
}

static void run_hget(const struct run *run) {
    const struct model_value *hash;
    if (!value_open(run, 1, MODEL_HASH, &hash)) return;
    bool many = is_command(run, "HMGET");
    if (many) say_array(run, run->argc - 2);
    for (uint32_t i = 2; i < run->argc; i++) {
        uint32_t at = value_find(hash, run->argv[i]);
        if (hash == NULL || at == hash->n)
            say_null(run);
        else
            say_bulk(run, bytes_slice(hash->elements[at].value));
    }
}

static void run_hexists(const struct run *run) {
    const struct model_value *hash;
    if (!value_open(run, 1, MODEL_HASH, &hash)) return;
    say_integer(run, hash != NULL && value_find(hash, run->argv[2]) < hash->n);
}

static void run_hlen(const struct run *run) {
    const struct model_value *hash;
    if (value_open(run, 1, MODEL_HASH, &hash)) say_integer(run, hash == NULL ? 0 : hash->n);
}

static void run_hgetall(const struct run *run) {
    const struct model_value *hash;
    if (!value_open(run, 1, MODEL_HASH, &hash)) return;
    uint32_t n = hash == NULL ? 0 : hash->n;
    say_array(run, 2 * (uint64_t)n);
    for (uint32_t i = 0; i < n; i++) {
        say_bulk(run, bytes_slice(hash->elements[i].name));
        say_bulk(run, bytes_slice(hash->elements[i].value));
    }
}

const struct model_command model_hash_commands[] = {
    {"HSET", run_hset, MODEL_WRITES},
    {"HDEL", run_hdel, MODEL_WRITES},
    {"HINCRBY", run_hincrby, MODEL_WRITES},
    {"HGET", run_hget, MODEL_READS},
    {"HMGET", run_hget, MODEL_READS},
    {"HEXISTS", run_hexists, MODEL_READS},
    {"HLEN", run_hlen, MODEL_READS},
    {"HGETALL", run_hgetall, MODEL_READS | MODEL_UNORDERED | MODEL_PAIRS},
    {NULL, NULL, 0},
};
