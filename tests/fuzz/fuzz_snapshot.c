/* fuzz_snapshot RUNS [SEED]: mutated snapshots, with a checksum that is right.
 *
 * Held: nothing crashes; the chunks in which one comes make no difference; a state that loads is
 * written, and loads again as the same. */
#include "engine/snapshot.h"

#include "fuzz/fuzz.h"
#include "raft/configuration.h"
#include "util/codec.h"
#include "util/crc64.h"

static const struct engine_settings settings = {1, 4, {1, 2}, 1 << 20};

static void fill(struct engine *engine, int kind) {
    static const char *const commands[] = {"SET key value", "SET number 12345", "SET k v PX 1000",
        "RPUSH list a b 1", "SADD ints 1 2 3", "SADD set a b 3", "ZADD zset 1.5 a 2 b",
        "HSET hash f v g 7", "XADD stream 1-1 a b", "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c STREAMS stream >", "APPEND key more", "DEL k",
        "shardforge.setting hash-max-listpack-entries 1", "HSET pairs a 1 b 2", "SADD set c"};
    struct buf payload = {0}, list = {0};
    for (size_t i = 0; i < SF_LENGTH(commands); i++) {
        char copy[64];
        struct slice argv[8];
        uint32_t argc = 0;
        snprintf(copy, sizeof copy, "%s", commands[i]);
        for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
            argv[argc++] = slice_text(word);
        entry_put_command(&list, kind == 0 ? 0 : (uint32_t)i % 3, argc, argv);
    }
    const struct sub_batch_header header = {{1, 1, 1}, 1, SF_LENGTH(commands), buf_slice(&list)};
    const struct entry_stamp stamp = {1000, 7, false};
    entry_put_stamp(&payload, &stamp);
    entry_put_sub_batch(&payload, &header);
    enum sf_status status = engine_begin(engine, 3, ENTRY_BATCH, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    struct engine_position at;
    struct reply reply = {NULL, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    buf_free(&payload);
    buf_free(&list);
}

static void begin(struct engine *engine) {
    static const struct incarnation origin = {1, 1, 1};
    struct raft_configuration members = {.n = 1, .members = {{.id = 1, .voter_new = true}}};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    enum sf_status status = engine_begin(engine, 1, ENTRY_CONFIGURATION, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    engine_end(engine);
    buf_clear(&payload);
    const struct entry_stamp stamp = {1, 1, false};
    entry_put_stamp(&payload, &stamp);
    entry_put_incarnation(&payload, &origin);
    status = engine_begin(engine, 2, ENTRY_INCARNATION, buf_slice(&payload));
    SF_ASSERT(status == SF_OK);
    engine_end(engine);
    buf_free(&payload);
}

static bool load(struct engine *engine, struct slice bytes, size_t chunk) {
    struct snapshot_loader *loader = snapshot_loader_new(engine, bytes.len);
    enum snapshot_loading loading = SNAPSHOT_GOES_ON;
    size_t at = 0;
    for (; at < bytes.len && loading == SNAPSHOT_GOES_ON; at += chunk)
        loading = snapshot_load(loader, slice_of(bytes.data + at, SF_MIN(chunk, bytes.len - at)));
    SF_ASSERT(loading != SNAPSHOT_FAILED || snapshot_load_why(loader)[0] != '\0');
    snapshot_loader_free(loader);
    return loading == SNAPSHOT_LOADED && at >= bytes.len; /* what is behind: for the caller */
}

static void one(struct random *random, struct slice input) {
    struct buf file = {0}, again = {0};
    buf_append_slice(&file, slice_of(input.data, input.len - 8));
    put_u64(&file, crc64_more(0, buf_slice(&file)));
    struct engine *whole = engine_new(&settings, NULL), *chunks = engine_new(&settings, NULL);
    bool is_good = load(whole, buf_slice(&file), file.len);
    size_t chunk = 1 + (size_t)random_below(random, 60);
    bool is_alike = load(chunks, buf_slice(&file), chunk) == is_good;
    SF_ASSERT(is_alike);
    if (is_good) {
        struct engine *second = engine_new(&settings, NULL);
        SF_ASSERT(engine_digest(whole) == engine_digest(chunks));
        engine_dump(whole, &again);
        bool is_loaded = load(second, buf_slice(&again), again.len);
        SF_ASSERT(is_loaded && engine_digest(second) == engine_digest(whole));
        engine_free(second);
    }
    engine_free(whole);
    engine_free(chunks);
    buf_free(&file);
    buf_free(&again);
}

int main(int argc, char **argv) {
    struct buf made[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        struct engine *engine = engine_new(&settings, NULL);
        begin(engine);
        fill(engine, i);
        engine_dump(engine, &made[i]);
        engine_free(engine);
    }
    struct slice seeds[2] = {buf_slice(&made[0]), buf_slice(&made[1])};
    struct fuzz fuzz = fuzz_begin(argc, argv, "snapshot", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        if (fuzz.input.len > 8) one(&fuzz.random, fuzz.input);
    }
    buf_free(&made[0]);
    buf_free(&made[1]);
    return fuzz_end(&fuzz);
}
