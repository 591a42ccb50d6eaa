/* fuzz_raft_message RUNS [SEED]: mutated messages into the decoder and on into a core.
 *
 * Held: nothing crashes; what decodes encodes to the same text again; a core that steps in anything
 * at all keeps its own assertions and gives back only messages that decode. */
#include "raft/raft.h"
#include "util/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ARGC_MAX 24

struct fuzz {
    struct random random;
    struct raft *raft;
    int64_t now_us;
    uint64_t n_decoded;
};

static uint64_t below(struct fuzz *fuzz, uint64_t bound) {
    return random_below(&fuzz->random, bound);
}

/* Numbers that are often plausible and sometimes absurd. */
static uint64_t number(struct fuzz *fuzz) {
    static const uint64_t odd[] = {UINT64_MAX, INT64_MAX, 1ULL << 62, UINT32_MAX, 1000000};
    if (below(fuzz, 20) == 0) return odd[below(fuzz, SF_LENGTH(odd))];
    return below(fuzz, 12);
}

static struct raft_message random_message(struct fuzz *fuzz, struct raft_entry *entries) {
    struct raft_message m = {.type = (enum raft_message_type)below(fuzz, RAFT_MESSAGE_TYPES),
        .from = 1 + below(fuzz, 4),
        .to = below(fuzz, 20) == 0 ? 2 : 1,
        .term = number(fuzz),
        .log_index = number(fuzz),
        .log_term = number(fuzz),
        .commit = number(fuzz),
        .round = number(fuzz),
        .transfer = below(fuzz, 4) == 0,
        .granted = below(fuzz, 2) == 0,
        .match = number(fuzz),
        .hint_index = number(fuzz),
        .hint_term = number(fuzz),
        .retry_after_ms = (uint32_t)number(fuzz),
        .wall_ms = (int64_t)(number(fuzz) >> 1),
        .last_synced = number(fuzz),
        .damage = below(fuzz, 8) == 0 ? number(fuzz) : 0};
    if (m.type != RAFT_APPEND) return m;
    m.entries = entries;
    m.n_entries = (uint32_t)below(fuzz, 5);
    for (uint32_t i = 0; i < m.n_entries; i++)
        entries[i] = (struct raft_entry){.index = m.log_index + 1 + i,
            .term = below(fuzz, 3) == 0 ? number(fuzz) : m.term,
            .kind = (uint8_t)(1 + below(fuzz, 4))};
    return m;
}

static uint32_t split(struct slice text, struct slice *argv) {
    uint32_t argc = 0;
    size_t at = 0;
    while (text.data[at++] != '\n') {
    }
    while (at < text.len && argc < ARGC_MAX) {
        size_t len = (size_t)strtoul(text.data + at + 1, NULL, 10);
        while (text.data[at++] != '\n') {
        }
        argv[argc++] = slice_of(text.data + at, len);
        at += len + 2;
    }
    return argc;
}

static void mutate(struct fuzz *fuzz, struct buf *text) {
    for (uint64_t n = below(fuzz, 4); n > 0; n--)
        text->data[text->start + below(fuzz, text->len)] = (char)below(fuzz, 256);
}

/* The arguments' bytes are mutated one by one, since the array form itself is resp's to judge. */
static uint32_t mutated_arguments(
    struct fuzz *fuzz, struct slice text, struct slice *argv, struct buf *scratch) {
    uint32_t argc = split(text, argv);
    for (uint32_t i = 0; i < argc; i++) {
        bool changes = argv[i].len > 0 && below(fuzz, 12) == 0;
        if (!changes) continue;
        buf_clear(&scratch[i]);
        buf_append_slice(&scratch[i], argv[i]);
        mutate(fuzz, &scratch[i]);
        if (below(fuzz, 4) == 0) buf_truncate(&scratch[i], below(fuzz, scratch[i].len + 1));
        argv[i] = buf_slice(&scratch[i]);
    }
    if (below(fuzz, 10) == 0) argc = (uint32_t)below(fuzz, argc + 1);
    return argc;
}

static void check_round_trip(const struct raft_message *message) {
    struct buf once = {0}, twice = {0};
    struct slice argv[ARGC_MAX];
    struct raft_message back;
    raft_message_encode(message, &once);
    enum sf_status status = raft_message_decode(split(buf_slice(&once), argv), argv, &back);
    SF_ASSERT(status == SF_OK);
    raft_message_encode(&back, &twice);
    SF_ASSERT(slice_equal(buf_slice(&once), buf_slice(&twice)));
    buf_clear(&once);
    raft_message_describe(&back, &once);
    raft_message_clear(&back);
    buf_free(&once);
    buf_free(&twice);
}

static void core_restart(struct fuzz *fuzz) {
    raft_free(fuzz->raft);
    struct raft_start start = {.self = 1,
        .seed = random_next(&fuzz->random),
        .now_us = fuzz->now_us,
        .settings = {.election_timeout_min_ms = 150,
            .election_timeout_max_ms = 300,
            .heartbeat_interval_ms = 50,
            .pre_vote = below(fuzz, 2) == 0,
            .batch_bytes = 100,
            .window_messages = 4,
            .window_bytes = 400,
            .cache_bytes = 100},
        .hard_state = {2, 0},
        .first_index = 1,
        .damaged = below(fuzz, 10) == 0,
        .configuration_index = 0};
    for (raft_id id = 1; id <= 3; id++)
        start.configuration.members[start.configuration.n++] =
            (struct raft_member){.id = id, .voter_new = true};
    fuzz->raft = raft_new(&start);
}

/* A shell with a perfect disk. Entries that were dropped from memory cannot be fetched: they fail.
 */
static void core_turn(struct fuzz *fuzz) {
    struct raft_ready ready;
    for (int turns = 0; turns < 100 && raft_ready(fuzz->raft, &ready); turns++) {
        for (uint32_t i = 0; i < ready.n_messages; i++) check_round_trip(&ready.messages[i]);
        struct raft_ready copy = ready;
        uint64_t append = copy.n_appends > 0 ? copy.appends[0].request : 0;
        uint64_t fetch = copy.n_fetches > 0 ? copy.fetches[0].request : 0;
        raft_index last = raft_last_index(fuzz->raft);
        if (copy.has_hard_state)
            raft_step_hard_state_saved(fuzz->raft, copy.hard_state_request, fuzz->now_us);
        if (append > 0)
            raft_step_appended(
                fuzz->raft, append, last, raft_term_at(fuzz->raft, last), fuzz->now_us);
        if (fetch > 0) raft_step_fetched(fuzz->raft, fetch, NULL, 0, fuzz->now_us);
    }
    fuzz->now_us += (int64_t)below(fuzz, 40000);
    if (below(fuzz, 3) == 0) raft_step_tick(fuzz->raft, fuzz->now_us);
    raft_index index;
    if (below(fuzz, 5) == 0 &&
        raft_propose(fuzz->raft, ENTRY_TICK, NULL, fuzz->now_us, &index) != SF_OK)
        raft_step_link_lost(fuzz->raft, 1 + below(fuzz, 4), fuzz->now_us);
}

static void run(struct fuzz *fuzz, struct buf *scratch) {
    struct raft_entry entries[4];
    struct raft_message made = random_message(fuzz, entries), message;
    struct buf text = {0};
    struct slice argv[ARGC_MAX];
    raft_message_encode(&made, &text);
    uint32_t argc = mutated_arguments(fuzz, buf_slice(&text), argv, scratch);
    if (raft_message_decode(argc, argv, &message) == SF_OK) {
        fuzz->n_decoded++;
        check_round_trip(&message);
        raft_step_message(fuzz->raft, &message, fuzz->now_us);
        raft_message_clear(&message);
    }
    core_turn(fuzz);
    buf_free(&text);
}

int main(int argc, char **argv) {
    uint64_t runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct fuzz fuzz = {.random = random_from(seed), .now_us = 1000000};
    struct buf scratch[ARGC_MAX] = {0};
    for (uint64_t i = 0; i < runs; i++) {
        if (i % 200 == 0) core_restart(&fuzz);
        run(&fuzz, scratch);
    }
    printf("fuzz_raft_message: %" PRIu64 " runs, %" PRIu64 " decoded\n", runs, fuzz.n_decoded);
    raft_free(fuzz.raft);
    for (size_t i = 0; i < ARGC_MAX; i++) buf_free(&scratch[i]);
    return 0;
}
