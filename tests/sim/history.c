#include "sim/history.h"

#include "util/hash.h"

#include <stdio.h>

struct history *history_new(void) {
    struct history *history = sf_alloc_zero(1, sizeof *history);
    history->table_size = 1 << 14;
    history->table = sf_alloc_zero(history->table_size, sizeof *history->table);
    return history;
}

void history_free(struct history *history) {
    if (history == NULL) return;
    for (size_t i = 0; i < history->n; i++) {
        for (uint32_t k = 0; k < history->calls[i].argc; k++) sf_free(history->calls[i].args[k]);
        bytes_unref(history->calls[i].reply);
    }
    sf_free(history->calls);
    sf_free(history->table);
    sf_free(history);
}

static uint64_t words_hash(uint32_t db, uint32_t argc, const struct slice *argv) {
    uint64_t hash = hash_mix(db + 1);
    for (uint32_t i = 0; i < argc; i++)
        hash = hash_mix(hash ^ crc32c(argv[i]) ^ ((uint64_t)argv[i].len << 32));
    return hash;
}

static bool words_equal(
    const struct client_call *call, uint32_t db, uint32_t argc, const struct slice *argv) {
    if (call->db != db || call->argc != argc) return false;
    for (uint32_t i = 0; i < argc; i++)
        if (!slice_equal(call->argv[i], argv[i])) return false;
    return true;
}

struct client_call *history_find(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv) {
    size_t at = words_hash(db, argc, argv) % history->table_size;
    for (; history->table[at] != 0; at = (at + 1) % history->table_size) {
        struct client_call *call = &history->calls[history->table[at] - 1];
        if (words_equal(call, db, argc, argv)) return call;
    }
    return NULL;
}

static void table_put(struct history *history, size_t number) {
    const struct client_call *call = &history->calls[number];
    size_t at = words_hash(call->db, call->argc, call->argv) % history->table_size;
    while (history->table[at] != 0) at = (at + 1) % history->table_size;
    history->table[at] = (uint32_t)number + 1;
}

static void table_grow(struct history *history) {
    sf_free(history->table);
    history->table_size *= 2;
    history->table = sf_alloc_zero(history->table_size, sizeof *history->table);
    for (size_t i = 0; i < history->n; i++)
        if (history->calls[i].kind == CALL_WRITE) table_put(history, i);
}

size_t history_add(struct history *history, const struct client_call *call) {
    if (history->n == history->cap) {
        history->cap = SF_MAX((size_t)1024, history->cap * 2);
        history->calls = sf_realloc(history->calls, history->cap * sizeof *history->calls);
    }
    if (history->n > history->table_size / 2) table_grow(history);
    history->calls[history->n] = *call;
    if (call->kind == CALL_WRITE) {
        SF_ASSERT(history_find(history, call->db, call->argc, call->argv) == NULL);
        table_put(history, history->n);
    }
    return history->n++;
}

const char *outcome_text(enum outcome outcome) {
    switch (outcome) {
    case OUTCOME_PENDING:
        return "pending";
    case OUTCOME_ANSWERED:
        return "answered";
    case OUTCOME_REFUSED:
        return "not executed";
    case OUTCOME_UNCERTAIN:
        return "uncertain";
    case OUTCOME_UNKNOWN:
        return "unknown";
    }
    return "?";
}

void call_describe(const struct client_call *call, char *out, size_t size) {
    size_t at = (size_t)snprintf(out, size, "c%u@n%u/%llu [%.6f..", call->client, call->node,
        (unsigned long long)call->connection, (double)call->invoked_us / 1e6);
    if (call->completed_us != INT64_MAX && at < size)
        at += (size_t)snprintf(out + at, size - at, "%.6f", (double)call->completed_us / 1e6);
    if (at < size) at += (size_t)snprintf(out + at, size - at, "]");
    for (uint32_t i = 0; i < call->argc && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, " %s", call->args[i]);
    if (at < size)
        at += (size_t)snprintf(out + at, size - at, " -> %s ", outcome_text(call->outcome));
    struct slice reply = bytes_slice(call->reply);
    for (size_t i = 0; i < reply.len && at + 2 < size; i++) {
        if (reply.data[i] == '\r') continue;
        out[at++] = reply.data[i] == '\n' ? '|' : reply.data[i];
        out[at] = 0;
    }
}
