/* Snapshots: what is written loads as the same state, slice by slice, and nothing else loads. */
#include "engine/snapshot.h"
#include "keyspace/collection.h"
#include "keyspace/hash.h"
#include "keyspace/set.h"
#include "raft/configuration.h"
#include "rdb/reader.h"
#include "unit/check.h"
#include "util/codec.h"
#include "util/crc64.h"

#include <stdio.h>

static const struct engine_settings settings = {1, 4, {1, 2}, 512 << 20};
static const struct incarnation ours = {1, 1, 4711};

struct machine {
    struct engine *engine;
    uint64_t sequence;
};

static void apply_raw(struct machine *machine, uint8_t kind, struct slice payload) {
    struct engine *engine = machine->engine;
    assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, payload), SF_OK);
    struct engine_position at;
    struct reply reply = {NULL, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
}

static struct machine machine_new(void) {
    struct machine machine = {.engine = engine_new(&settings, NULL)};
    struct raft_configuration members = {.n = 1, .members = {{.id = 1, .voter_new = true}}};
    const struct entry_stamp stamp = {1700000000000, 1, false};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(&machine, ENTRY_CONFIGURATION, buf_slice(&payload));
    buf_clear(&payload);
    entry_put_stamp(&payload, &stamp);
    entry_put_incarnation(&payload, &ours);
    apply_raw(&machine, ENTRY_INCARNATION, buf_slice(&payload));
    buf_free(&payload);
    return machine;
}

static void apply_words(
    struct machine *machine, uint32_t db, uint32_t argc, const struct slice *argv) {
    struct buf payload = {0}, commands = {0};
    const struct entry_stamp stamp = {1700000000000 + (int64_t)machine->sequence, 1, false};
    entry_put_command(&commands, db, argc, argv);
    const struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(&commands)};
    entry_put_stamp(&payload, &stamp);
    entry_put_sub_batch(&payload, &header);
    apply_raw(machine, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&payload);
    buf_free(&commands);
}

static void apply(struct machine *machine, uint32_t db, const char *text) {
    char copy[400];
    struct slice argv[16];
    uint32_t argc = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_text(word);
    apply_words(machine, db, argc, argv);
}

/* Values of every type in every form, large ones too, in two databases, one of them empty again. */
static void fill(struct machine *machine, int n) {
    char text[300];
    for (uint32_t db = 0; db < 3; db += 2) {
        apply(machine, db, "SET text hello PXAT 99999999999999");
        apply(machine, db, "SET number 12345");
        apply(machine, db, "SET 123 0.5");
        apply(machine, db, "INCRBYFLOAT 123 1.5"); /* "2", and no number */
        apply(machine, db, "APPEND text more");
        apply(machine, db, "XADD stream 5-1 a b c d");
        apply(machine, db, "XADD stream 6-1 a b c d");
        apply(machine, db, "XGROUP CREATE stream group 0");
        apply(machine, db, "XREADGROUP GROUP group alice COUNT 1 STREAMS stream >");
        apply(machine, db, "XGROUP CREATECONSUMER stream group bob");
        apply(machine, db, "XDEL stream 6-1");
        for (int i = 0; i < n; i++) {
            snprintf(text, sizeof text, "RPUSH long element-of-the-list-%d", i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "HSET fields field-%d value-%d", i, i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "ZADD scores %d.25 member-%d", i, i % 50);
            apply(machine, db, text);
            snprintf(text, sizeof text, "ZADD many-scores %d.25 member-%d", i, i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "SADD %s %d", i % 2 == 0 ? "ints" : "mixed", i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "SADD table member-%d", i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "XADD entries %d-1 field %d", i + 1, i);
            apply(machine, db, text);
            snprintf(text, sizeof text, "SET key-%d value-%d", i, i);
            apply(machine, db, text);
        }
        apply(machine, db, "SADD mixed x");
    }
    apply(machine, 1, "SET gone 1");
    apply(machine, 1, "DEL gone");
    apply(machine, 3, "SET flushed 1");
    apply(machine, 3, "FLUSHDB");
    apply(machine, 0, "shardforge.setting hash-max-listpack-entries 3");
    apply(machine, 0, "HSET beyond a 1 b 2 c 3"); /* one more makes a table of it */
    apply(machine, 0, "shardforge.setting hash-max-listpack-entries 1");
}

static struct snapshot_head head_of(const struct machine *machine) {
    return (struct snapshot_head){
        .place = {.index = engine_applied(machine->engine), .term = 3, .id = 77},
        .configuration_index = 1,
        .configuration = SLICE("members")};
}

static void write_all(struct snapshot_writer *writer, struct buf *out, uint64_t budget) {
    while (!snapshot_write_some(writer, out, budget)) {
    }
    struct snapshot_writing writing;
    snapshot_writer_figures(writer, &writing);
    assert_int_equal(writing.bytes, out->len);
    assert_int_equal(writing.keys_done, writing.keys_total);
    snapshot_writer_free(writer);
}

/* The digest of what the bytes make; 0: refused. */
static uint64_t load(struct slice bytes, size_t chunk) {
    struct engine *engine = engine_new(&settings, NULL);
    struct snapshot_loader *loader = snapshot_loader_new(engine, bytes.len);
    enum snapshot_loading loading = SNAPSHOT_GOES_ON;
    size_t at = 0;
    for (; at < bytes.len && loading == SNAPSHOT_GOES_ON; at += chunk)
        loading = snapshot_load(loader, slice_of(bytes.data + at, SF_MIN(chunk, bytes.len - at)));
    uint64_t digest = loading == SNAPSHOT_LOADED ? engine_digest(engine) : 0;
    if (loading == SNAPSHOT_FAILED) assert_true(snapshot_load_why(loader)[0] != '\0');
    if (loading == SNAPSHOT_LOADED) assert_true(at >= bytes.len);
    snapshot_loader_free(loader);
    engine_free(engine);
    return digest;
}

static void test_what_is_written_in_slices_of_any_size_loads_in_chunks_of_any_size(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 700);
    uint64_t digest = engine_digest(machine.engine);
    static const uint64_t budgets[] = {1, 50, 3000, UINT64_MAX};
    static const size_t chunks[] = {SIZE_MAX / 2, 65536, 1000, 1};
    for (size_t i = 0; i < SF_LENGTH(budgets); i++) {
        for (int compresses = 0; compresses < 2; compresses++) {
            struct buf out = {0};
            struct snapshot_head head = head_of(&machine);
            write_all(
                snapshot_writer_new(machine.engine, &head, compresses == 1), &out, budgets[i]);
            assert_true(crc64_more(0, buf_slice(&out)) == 0);
            assert_true(load(buf_slice(&out), chunks[i]) == digest);
            buf_free(&out);
        }
    }
    engine_free(machine.engine);
}

static void test_the_state_goes_on_while_its_snapshot_is_written(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 300);
    uint64_t digest = engine_digest(machine.engine);
    struct buf out = {0};
    struct snapshot_head head = head_of(&machine);
    struct snapshot_writer *writer = snapshot_writer_new(machine.engine, &head, false);
    int turn = 0;
    while (!snapshot_write_some(writer, &out, 40)) {
        char text[100];
        snprintf(text, sizeof text, "SET key-%d other-%d", turn % 300, turn);
        apply(&machine, 0, text);
        snprintf(text, sizeof text, "DEL key-%d", (turn * 7) % 300);
        apply(&machine, 2, text);
        if (turn == 5) apply(&machine, 0, "SWAPDB 0 2");
        if (turn == 9) apply(&machine, 0, "DEL fields many-scores table long entries");
        if (turn == 12) apply(&machine, 2, "FLUSHDB");
        turn++;
    }
    assert_true(turn > 12);
    snapshot_writer_free(writer);
    assert_true(load(buf_slice(&out), 1 << 20) == digest);
    assert_true(engine_digest(machine.engine) != digest);
    buf_free(&out);
    engine_free(machine.engine);
}

static void test_its_head_says_whose_state_it_is(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, 0, "SET k v");
    struct buf out = {0};
    struct snapshot_head head = head_of(&machine), found;
    write_all(snapshot_writer_new(machine.engine, &head, false), &out, UINT64_MAX);
    assert_int_equal(snapshot_head_get(buf_slice(&out), &found), SF_OK);
    assert_int_equal(found.place.index, head.place.index);
    assert_int_equal(found.place.term, 3);
    assert_int_equal(found.place.id, 77);
    assert_int_equal(found.configuration_index, 1);
    assert_true(slice_equal(found.configuration, SLICE("members")));
    buf_free(&out);
    engine_free(machine.engine);
}

static void test_one_flipped_bit_anywhere_or_a_cut_is_refused(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 3);
    struct buf out = {0};
    engine_dump(machine.engine, &out);
    assert_true(load(buf_slice(&out), SIZE_MAX / 2) == engine_digest(machine.engine));
    char *bytes = out.data + out.start;
    for (size_t i = 0; i < out.len; i++) {
        char bit = (char)(1 << i % 8);
        bytes[i] ^= bit;
        assert_true(load(buf_slice(&out), SIZE_MAX / 2) == 0);
        bytes[i] ^= bit;
        assert_true(load(slice_of(bytes, i), SIZE_MAX / 2) == 0);
    }
    buf_append_char(&out, 'x');
    assert_true(load(buf_slice(&out), SIZE_MAX / 2) == 0); /* bytes behind the end */
    buf_free(&out);
    engine_free(machine.engine);
}

static void test_a_dump_of_redis_or_without_checksum_is_no_snapshot(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 3);
    struct buf plain = {0}, own = {0};
    write_all(snapshot_writer_new(machine.engine, NULL, false), &plain, UINT64_MAX);
    assert_true(load(buf_slice(&plain), 100) == 0);
    engine_dump(machine.engine, &own);
    memset(own.data + own.start + own.len - 8, 0, 8);
    assert_true(load(buf_slice(&own), 100) == 0);
    buf_free(&plain);
    buf_free(&own);
    engine_free(machine.engine);
}

/* What a Redis, or a program that reads its dumps, finds in one. */
static uint64_t read_keys(struct slice bytes, uint64_t *n_own_fields) {
    static const struct hash_secret secret = {1, 2};
    static const struct thresholds thresholds = THRESHOLDS_DEFAULT;
    struct keyspace *keyspace = keyspace_new(4, &secret);
    const struct rdb_target target = {.types = db_collection_types(keyspace_db(keyspace, 0)),
        .thresholds = &thresholds,
        .string_bytes_max = UINT32_MAX};
    struct rdb_reader *reader = rdb_reader_new(&target);
    uint64_t n_keys = 0;
    struct rdb_event event;
    rdb_reader_feed(reader, bytes);
    *n_own_fields = 0;
    do {
        assert_int_equal(rdb_reader_next(reader, &event), SF_OK);
        assert_true(event.kind != RDB_EVENT_MORE);
        n_keys += event.kind == RDB_EVENT_KEY;
        *n_own_fields += event.kind == RDB_EVENT_AUX && event.name.data[0] == 's';
    } while (event.kind != RDB_EVENT_END);
    rdb_reader_free(reader);
    keyspace_free(keyspace);
    return n_keys;
}

static void test_a_plain_dump_holds_the_same_keys_and_no_field_of_our_own(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 600);
    struct buf plain = {0}, own = {0};
    write_all(snapshot_writer_new(machine.engine, NULL, true), &plain, 100);
    engine_dump(machine.engine, &own);
    uint64_t in_plain, in_own, n = 0;
    for (uint32_t i = 0; i < 4; i++) n += db_size(keyspace_db(engine_keyspace(machine.engine), i));
    assert_int_equal(read_keys(buf_slice(&plain), &in_plain), n);
    assert_int_equal(read_keys(buf_slice(&own), &in_own), n);
    assert_int_equal(in_plain, 0);
    assert_true(in_own > 10);
    buf_free(&plain);
    buf_free(&own);
    engine_free(machine.engine);
}

/* A listpack as another program may spell it: the number as a text. */
static void test_a_packed_set_of_foreign_bytes_stays_as_it_is(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct buf payload = {0};
    buf_append(&payload,
        "\x14\x0e\x0e\0\0\0\x02\0\x82"
        "12\x03\x81x\x02\xff\x0b\0",
        18);
    put_u64(&payload, crc64_more(0, buf_slice(&payload)));
    struct slice words[] = {SLICE("RESTORE"), SLICE("set"), SLICE("0"), buf_slice(&payload)};
    apply_words(&machine, 0, 4, words);
    struct db *db = keyspace_db(engine_keyspace(machine.engine), 0);
    assert_int_equal(db_size(db), 1);
    struct buf out = {0};
    engine_dump(machine.engine, &out);
    assert_true(load(buf_slice(&out), 10) == engine_digest(machine.engine));
    buf_free(&out);
    buf_free(&payload);
    engine_free(machine.engine);
}

static void test_a_retired_engine_goes_in_slices(void **state) {
    (void)state;
    struct machine machine = machine_new();
    fill(&machine, 700);
    engine_retire(machine.engine);
    int slices = 1;
    while (!engine_free_some(machine.engine, 500)) slices++;
    assert_true(slices > 5);
    engine_free(machine.engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_in_slices_of_any_size_loads_in_chunks_of_any_size),
        cmocka_unit_test(test_the_state_goes_on_while_its_snapshot_is_written),
        cmocka_unit_test(test_its_head_says_whose_state_it_is),
        cmocka_unit_test(test_one_flipped_bit_anywhere_or_a_cut_is_refused),
        cmocka_unit_test(test_a_dump_of_redis_or_without_checksum_is_no_snapshot),
        cmocka_unit_test(test_a_plain_dump_holds_the_same_keys_and_no_field_of_our_own),
        cmocka_unit_test(test_a_packed_set_of_foreign_bytes_stays_as_it_is),
        cmocka_unit_test(test_a_retired_engine_goes_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
