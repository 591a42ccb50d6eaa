/* Payloads of log entries from anywhere: decoding never crashes, whatever sub_batch_check lets
 * through can be applied, and applying the same bytes twice gives the same state. */
#include "engine/engine.h"
#include "fuzz/fuzz.h"
#include "raft/configuration.h"

static const struct engine_settings settings = {1, 4, {1, 2}, 1 << 20};
static const struct incarnation origin = {1, 1, 1};

static void make_seeds(struct buf seeds[3]) {
    static const char *const commands[] = {"SET key value", "SET k v PX 10", "INCR key", "DEL k",
        "APPEND key x", "shardforge.setting a b", "RENAME key k", "SETRANGE key 5 x"};
    for (size_t i = 0; i < SF_LENGTH(commands); i++) {
        char copy[64];
        struct slice argv[8];
        uint32_t argc = 0;
        snprintf(copy, sizeof copy, "%s", commands[i]);
        for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
            argv[argc++] = slice_text(word);
        entry_put_command(&seeds[i % 2], (uint32_t)i % 4, argc, argv);
    }
    entry_put_void_command(&seeds[2]);
    struct buf counts = {0}, watches = {0};
    struct watch_words watch = {1, SLICE("key"), 3};
    struct slice words[TRANSACTION_ARGC];
    watch_put(&watches, &watch);
    struct transaction_words transaction = {1, 4, buf_slice(&watches), buf_slice(&seeds[0])};
    transaction_put(&transaction, &counts, words);
    entry_put_command(&seeds[2], 0, TRANSACTION_ARGC, words);
    transaction.n_watches = 0;
    transaction.watches = SLICE("");
    transaction_put(&transaction, &counts, words);
    entry_put_command(&seeds[2], 0, TRANSACTION_ARGC, words);
    buf_free(&counts);
    buf_free(&watches);
    entry_put_incarnation(&seeds[2], &origin);
}

static struct engine *engine_ready(void) {
    struct engine *engine = engine_new(&settings, NULL);
    struct raft_configuration members = {.n = 1, .members = {{.id = 1, .voter_new = true}}};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    enum sf_status status = engine_begin(engine, 1, ENTRY_CONFIGURATION, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    engine_end(engine);
    buf_clear(&payload);
    struct entry_stamp stamp = {1, 1, false};
    entry_put_stamp(&payload, &stamp);
    entry_put_incarnation(&payload, &origin);
    status = engine_begin(engine, 2, ENTRY_INCARNATION, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    engine_end(engine);
    buf_free(&payload);
    return engine;
}

static uint64_t apply(struct slice commands, uint32_t n, struct buf *replies) {
    struct engine *engine = engine_ready();
    struct buf payload = {0};
    struct entry_stamp stamp = {1000, 7, false};
    struct sub_batch_header header = {origin, 1, n, commands};
    entry_put_stamp(&payload, &stamp);
    entry_put_sub_batch(&payload, &header);
    enum sf_status status = engine_begin(engine, 3, ENTRY_BATCH, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    struct engine_position at;
    struct reply reply = {replies, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    uint64_t digest = engine_digest(engine);
    engine_free(engine);
    buf_free(&payload);
    return digest;
}

static void one_sub_batch(struct slice input) {
    for (uint32_t n = 1; n <= 24; n++) { /* only one count can be right */
        struct sub_batch_header header = {origin, 1, n, input};
        if (sub_batch_check(&header, settings.n_dbs) != SF_OK) continue;
        struct buf first = {0}, second = {0};
        uint64_t digest = apply(input, n, &first);
        SF_ASSERT(apply(input, n, &second) == digest);
        SF_ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
        buf_free(&first);
        buf_free(&second);
        return;
    }
}

/* Every kind but batches, whose commands a leader checks before it lets them in. */
static void one_entry(struct random *random, struct slice input) {
    uint8_t kind = (uint8_t)random_below(random, 14);
    struct engine *engine = engine_ready();
    if (kind != ENTRY_BATCH && engine_begin(engine, 3, kind, input) == SF_OK) engine_end(engine);
    engine_free(engine);
    engine = engine_new(&settings, NULL);
    if (engine_load(engine, input) == SF_OK) (void)engine_digest(engine);
    engine_free(engine);
}

int main(int argc, char **argv) {
    struct buf made[3] = {{0}};
    make_seeds(made);
    struct slice seeds[3] = {buf_slice(&made[0]), buf_slice(&made[1]), buf_slice(&made[2])};
    struct fuzz fuzz = fuzz_begin(argc, argv, "entry", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        one_sub_batch(fuzz.input);
        one_entry(&fuzz.random, fuzz.input);
    }
    for (size_t i = 0; i < SF_LENGTH(made); i++) buf_free(&made[i]);
    return fuzz_end(&fuzz);
}
