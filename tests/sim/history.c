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
        sf_free(history->calls[i].argv);
        bytes_unref(history->calls[i].reply);
    }
    sf_free(history->calls);
    sf_free(history->table);
    sf_free(history);
}

void call_set_words(struct client_call *call, uint32_t argc, const struct slice *argv) {
    size_t bytes = argc * sizeof *argv;
    for (uint32_t i = 0; i < argc; i++) bytes += argv[i].len;
    call->argc = argc;
    call->argv = sf_alloc(bytes);
    char *text = (char *)(call->argv + argc);
    for (uint32_t i = 0; i < argc; i++) {
        memcpy(text, argv[i].data, argv[i].len);
        call->argv[i] = slice_of(text, argv[i].len);
        text += argv[i].len;
    }
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

static struct client_call *first_with(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv) {
    size_t at = words_hash(db, argc, argv) % history->table_size;
    for (; history->table[at] != 0; at = (at + 1) % history->table_size) {
        struct client_call *call = &history->calls[history->table[at] - 1];
        if (words_equal(call, db, argc, argv)) return call;
    }
    return NULL;
}

static bool is_settled(const struct client_call *call) {
    return call->outcome == OUTCOME_ANSWERED || call->outcome == OUTCOME_REFUSED;
}

bool history_is_free(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv) {
    const struct client_call *first = first_with(history, db, argc, argv);
    return first == NULL || is_settled(&history->calls[first->latest_same - 1]);
}

/* Calls with equal words followed one another in time, each settled before the next was made: so
 * those that ran are in the log in their order, and only the last may be missing. */
struct client_call *history_find(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv) {
    struct client_call *first = first_with(history, db, argc, argv);
    struct client_call *refused = NULL;
    if (first == NULL) return NULL;
    for (size_t i = first->open_same; i != 0; i = history->calls[i - 1].next_same) {
        struct client_call *call = &history->calls[i - 1];
        if (call->step != 0) continue;
        if (call->outcome != OUTCOME_REFUSED) {
            first->open_same = i;
            return call;
        }
        refused = call;
    }
    return refused != NULL ? refused : first;
}

static void table_put(struct history *history, size_t number) {
    const struct client_call *call = &history->calls[number];
    size_t at = words_hash(call->db, call->argc, call->argv) % history->table_size;
    while (history->table[at] != 0) at = (at + 1) % history->table_size;
    history->table[at] = (uint32_t)number + 1;
}

static void table_grow(struct history *history) {
    uint32_t *old = history->table;
    size_t size = history->table_size;
    history->table_size *= 2;
    history->table = sf_alloc_zero(history->table_size, sizeof *history->table);
    for (size_t i = 0; i < size; i++)
        if (old[i] != 0) table_put(history, old[i] - 1);
    sf_free(old);
}

size_t history_add(struct history *history, const struct client_call *call) {
    if (history->n == history->cap) {
        history->cap = SF_MAX((size_t)1024, history->cap * 2);
        history->calls = sf_realloc(history->calls, history->cap * sizeof *history->calls);
    }
    if (history->n > history->table_size / 2) table_grow(history);
    size_t number = history->n++;
    struct client_call *own = &history->calls[number];
    *own = *call;
    if (call->kind != CALL_WRITE) return number;
    struct client_call *first = first_with(history, call->db, call->argc, call->argv);
    if (first == NULL) {
        own->latest_same = own->open_same = number + 1;
        table_put(history, number);
        return number;
    }
    struct client_call *latest = &history->calls[first->latest_same - 1];
    SF_ASSERT(is_settled(latest));
    latest->next_same = first->latest_same = number + 1;
    return number;
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
        at += (size_t)snprintf(
            out + at, size - at, " %.*s", (int)call->argv[i].len, call->argv[i].data);
    if (at < size)
        at += (size_t)snprintf(out + at, size - at, " -> %s ", outcome_text(call->outcome));
    struct slice reply = bytes_slice(call->reply);
    for (size_t i = 0; i < reply.len && at + 2 < size; i++) {
        if (reply.data[i] == '\r') continue;
        out[at++] = reply.data[i] == '\n' ? '|' : reply.data[i];
        out[at] = 0;
    }
}
