/* What comes from a followed master or a dump: once, in order, whole. */
#include "engine/engine.h"
#include "engine/snapshot.h"
#include "engine/source.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"

#include <stdio.h>
#include <stdlib.h>

#define START_MS INT64_C(1700000000000)
#define REPLID "0123456789abcdef0123456789abcdef01234567"

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings defaults = {1, 4, {1, 2}, 512 << 20};

struct machine {
    struct engine *engine;
    uint64_t sequence;
    int64_t now_ms;
    struct buf reply;
    struct source_ran ran; /* of the latest */
    uint64_t n_ran;
};

static void on_ran(void *context, const struct source_ran *ran) {
    struct machine *machine = context;
    machine->ran = *ran;
    machine->n_ran++;
}

static void apply_raw(struct machine *machine, uint8_t kind, struct slice payload) {
    struct engine *engine = machine->engine;
    assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, payload), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine->reply, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
}

static void put_stamp(struct buf *out, const struct machine *machine) {
    struct entry_stamp stamp = {machine->now_ms, machine->sequence, false};
    entry_put_stamp(out, &stamp);
}

static void apply_words(struct machine *machine, uint32_t argc, const struct slice *argv) {
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, machine);
    entry_put_command(&commands, 0, argc, argv);
    struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(&commands)};
    assert_int_equal(sub_batch_check(&header, 4), SF_OK);
    entry_put_sub_batch(&payload, &header);
    apply_raw(machine, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&payload);
    buf_free(&commands);
}

static uint32_t words_of(char *text, struct slice *argv) {
    uint32_t argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_text(word);
    return argc;
}

static void apply(struct machine *machine, const char *text) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    apply_words(machine, words_of(copy, argv), argv);
}

static void expect(struct machine *machine, const char *replies) {
    buf_append_char(&machine->reply, '\0');
    assert_string_equal(buf_slice(&machine->reply).data, replies);
    buf_clear(&machine->reply);
}

static void expect_reads(struct machine *machine, const char *text, const char *reply_text) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    uint32_t argc = words_of(copy, argv);
    struct reply reply = {&machine->reply, 2};
    buf_clear(&machine->reply);
    assert_int_equal(engine_query(machine->engine, command_lookup(argc, argv), 0, argc, argv,
                         engine_now_ms(machine->engine), true, 1, &reply),
        QUERY_DONE);
    expect(machine, reply_text);
}

static void machine_begin(struct machine *machine) {
    *machine = (struct machine){.now_ms = START_MS};
    struct engine_watcher watcher = {.context = machine, .source_ran = on_ran};
    machine->engine = engine_new(&defaults, &watcher);
    struct raft_configuration members = {.n = 1};
    members.members[0] = (struct raft_member){.id = 1, .voter_new = true};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(machine, ENTRY_CONFIGURATION, buf_slice(&payload));
    buf_clear(&payload);
    put_stamp(&payload, machine);
    entry_put_incarnation(&payload, &ours);
    apply_raw(machine, ENTRY_INCARNATION, buf_slice(&payload));
    buf_free(&payload);
}

static void machine_end(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
}

static const struct source *source_of(const struct machine *machine) {
    return engine_source(machine->engine);
}

/* -- what the leader logs -------------------------------------------------------------------- */

static void head(
    const struct machine *machine, const char *verb, uint64_t import, struct source_words *words) {
    struct source_head of = {verb, 77, source_of(machine)->generation, import};
    source_words_begin(words, &of);
}

static bool take(struct machine *machine, const struct source_words *words) {
    uint64_t before = machine->n_ran;
    apply_words(machine, words->argc, words->argv);
    buf_clear(&machine->reply);
    assert_int_equal(machine->n_ran, before + 1);
    assert_int_equal(machine->ran.link, 77);
    return machine->ran.taken;
}

static bool import_begins(struct machine *machine, uint64_t from, uint64_t import, uint64_t at) {
    struct source_words words;
    head(machine, "import", from, &words);
    source_words_number(&words, import);
    source_words_text(&words, SLICE(REPLID));
    source_words_number(&words, at);
    return take(machine, &words);
}

static bool import_piece(
    struct machine *machine, uint64_t import, uint64_t step, struct slice piece) {
    struct source_words words;
    head(machine, "keys", import, &words);
    source_words_number(&words, step);
    source_words_text(&words, piece);
    return take(machine, &words);
}

static bool import_ends(struct machine *machine, uint64_t import, uint64_t step) {
    struct source_words words;
    head(machine, "imported", import, &words);
    source_words_number(&words, step);
    source_words_number(&words, 0);
    return take(machine, &words);
}

/* A batch of one command. */
static bool batch(
    struct machine *machine, uint64_t import, uint64_t before, uint64_t after, const char *text) {
    char copy[256];
    struct slice argv[16];
    struct buf commands = {0};
    snprintf(copy, sizeof copy, "%s", text);
    entry_put_command(&commands, 0, words_of(copy, argv), argv);
    struct source_words words;
    head(machine, "batch", import, &words);
    source_words_number(&words, before);
    source_words_number(&words, after);
    source_words_text(&words, SLICE(REPLID));
    source_words_number(&words, 0);
    source_words_number(&words, 1);
    source_words_text(&words, buf_slice(&commands));
    bool taken = take(machine, &words);
    buf_free(&commands);
    return taken;
}

static void follow(struct machine *machine) {
    apply(machine, "REPLICAOF 127.0.0.1 7000");
    expect(machine, "+OK\r\n");
}

static void follow_from(struct machine *machine, uint64_t offset) {
    follow(machine);
    assert_true(import_begins(machine, 0, 5, offset));
    assert_true(import_ends(machine, 5, 1));
    assert_int_equal(source_of(machine)->phase, SOURCE_STREAMING);
}

/* -- the stream ------------------------------------------------------------------------------ */

static void test_a_batch_counts_once_and_only_where_it_follows(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow_from(&machine, 100);
    assert_true(batch(&machine, 5, 100, 120, "INCR n"));
    assert_false(batch(&machine, 5, 100, 120, "INCR n")); /* of a leader before */
    assert_false(batch(&machine, 5, 140, 160, "INCR n")); /* something is missing */
    assert_false(batch(&machine, 6, 120, 140, "INCR n")); /* of another import */
    assert_true(batch(&machine, 5, 120, 140, "INCR n"));
    expect_reads(&machine, "GET n", "$1\r\n2\r\n");
    assert_int_equal(source_of(&machine)->offset, 140);
    machine_end(&machine);
}

static void test_what_was_meant_for_an_earlier_master_is_void(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow_from(&machine, 100);
    struct source_head late = {"batch", 77, source_of(&machine)->generation, 5};
    apply(&machine, "REPLICAOF NO ONE");
    buf_clear(&machine.reply);
    struct source_words words;
    source_words_begin(&words, &late);
    source_words_number(&words, 100);
    source_words_number(&words, 120);
    source_words_text(&words, SLICE(REPLID));
    source_words_number(&words, 0);
    source_words_number(&words, 0);
    source_words_text(&words, SLICE(""));
    assert_false(take(&machine, &words));
    apply(&machine, "SET ours 1");
    expect(&machine, "+OK\r\n");
    machine_end(&machine);
}

static void test_clients_writes_are_refused_and_the_masters_are_not(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow_from(&machine, 0);
    apply(&machine, "SET a 1");
    expect(&machine, "-READONLY You can't write against a read only replica.\r\n");
    assert_true(batch(&machine, 5, 0, 20, "SET a 2"));
    expect_reads(&machine, "GET a", "$1\r\n2\r\n");
    machine_end(&machine);
}

static void test_only_the_master_says_when_a_key_has_expired(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow_from(&machine, 0);
    assert_true(batch(&machine, 5, 0, 10, "SET k 1 PX 1000"));
    machine.now_ms += 5000;
    assert_true(batch(&machine, 5, 10, 20, "SET other 1"));
    expect_reads(&machine, "GET k", "$-1\r\n"); /* for clients it is over */
    assert_true(batch(&machine, 5, 20, 30, "INCR k"));
    assert_true(batch(&machine, 5, 30, 40, "PERSIST k"));
    expect_reads(&machine, "GET k", "$1\r\n2\r\n");
    assert_true(batch(&machine, 5, 40, 50, "PEXPIREAT k 1"));
    expect_reads(&machine, "DBSIZE", ":2\r\n"); /* the past: the master's DEL will come */
    apply(&machine, "REPLICAOF NO ONE");
    apply(&machine, "SET mine 1"); /* reclaimed at the end of an entry, by ourselves now */
    expect_reads(&machine, "DBSIZE", ":2\r\n");
    machine_end(&machine);
}

static void test_a_command_that_fails_here_is_told(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow_from(&machine, 0);
    assert_true(batch(&machine, 5, 0, 10, "SET k text"));
    assert_int_equal(machine.ran.n_errors, 0);
    assert_true(batch(&machine, 5, 10, 20, "INCR k"));
    assert_int_equal(machine.ran.n_errors, 1);
    assert_int_equal(source_of(&machine)->n_errors, 1);
    machine_end(&machine);
}

/* -- dumps ----------------------------------------------------------------------------------- */

static void make_dump(struct engine *engine, struct buf *dump) {
    struct snapshot_writer *writer = snapshot_writer_new(engine, NULL, true);
    assert_non_null(writer);
    while (!snapshot_write_some(writer, dump, 1000)) {
    }
    snapshot_writer_free(writer);
}

static void fill(struct machine *machine) {
    static const char *const commands[] = {"SET text value", "SET due x PXAT 1800000000000",
        "RPUSH list a b c", "SADD set a b 3", "SADD ints 1 2 3", "HSET hash f v g w",
        "ZADD zset 1 a 2.5 b", "XADD stream 5-1 f v", "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c STREAMS stream >"};
    for (size_t i = 0; i < SF_LENGTH(commands); i++) apply(machine, commands[i]);
    for (int i = 0; i < 20000; i += 2) {
        char text[100];
        snprintf(text, sizeof text, "HSET large f%d value-%d g%d value-%d", i, i * 7, i, i);
        apply(machine, text);
    }
    char *bytes = sf_alloc(3000000);
    for (size_t i = 0; i < 3000000; i++) bytes[i] = (char)(i * i % 251);
    struct slice set[3] = {SLICE("SET"), SLICE("long"), slice_of(bytes, 3000000)};
    apply_words(machine, 3, set);
    sf_free(bytes);
    buf_clear(&machine->reply);
}

/* Feeds the dump in chunks and logs what comes out; returns the step of the last piece. */
static uint64_t import_all(struct machine *machine, uint64_t import, struct slice dump) {
    struct importer *importer = importer_new(machine->engine);
    struct buf piece = {0};
    uint64_t step = 0;
    enum importer_step next;
    do {
        next = importer_next(importer, &piece);
        assert_int_not_equal(next, IMPORTER_FAILED);
        assert_true(piece.len < 3 * (size_t)SOURCE_PIECE_BYTES);
        if (next == IMPORTER_MORE) {
            size_t n = SF_MIN(dump.len, (size_t)10007);
            assert_true(n > 0);
            importer_feed(importer, slice_of(dump.data, n));
            dump = slice_of(dump.data + n, dump.len - n);
        } else if (piece.len > 0) {
            assert_true(import_piece(machine, import, ++step, buf_slice(&piece)));
            buf_clear(&piece);
        }
    } while (next != IMPORTER_END);
    assert_int_equal(importer_n_keys(importer), source_of(machine)->n_keys);
    importer_free(importer);
    buf_free(&piece);
    return step;
}

static void expect_equal(const struct machine *a, const struct machine *b) {
    uint8_t of_a[20], of_b[20];
    keyspace_redis_digest(engine_keyspace(a->engine), START_MS, of_a);
    keyspace_redis_digest(engine_keyspace(b->engine), START_MS, of_b);
    assert_memory_equal(of_a, of_b, sizeof of_a);
}

static void test_a_dump_in_pieces_is_what_it_was_made_of(void **state) {
    (void)state;
    struct machine one, other;
    struct buf dump = {0};
    machine_begin(&one);
    machine_begin(&other);
    fill(&one);
    make_dump(one.engine, &dump);
    apply(&other, "SET old 1");
    buf_clear(&other.reply);
    follow(&other);
    assert_true(import_begins(&other, 0, 9, 1000));
    expect_reads(&other, "DBSIZE", ":0\r\n"); /* what was there is gone */
    uint64_t step = import_all(&other, 9, buf_slice(&dump));
    assert_true(step > 5); /* the long string alone takes as many */
    assert_false(import_ends(&other, 9, step));
    assert_true(import_ends(&other, 9, step + 1));
    expect_equal(&one, &other);
    assert_int_equal(source_of(&other)->offset, 1000);
    machine_end(&one);
    machine_end(&other);
    buf_free(&dump);
}

static void test_a_second_leader_begins_the_import_again_and_pieces_of_the_first_are_void(
    void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow(&machine);
    assert_true(import_begins(&machine, 0, 1, 10));
    assert_true(import_piece(&machine, 1, 1, SLICE("")));
    assert_false(import_piece(&machine, 1, 1, SLICE("")));
    assert_true(import_begins(&machine, 1, 2, 20));
    assert_false(import_begins(&machine, 0, 3, 30)); /* late, of the first */
    assert_false(import_piece(&machine, 1, 2, SLICE("")));
    assert_false(import_ends(&machine, 1, 2));
    assert_int_equal(source_of(&machine)->phase, SOURCE_IMPORTING);
    assert_true(import_ends(&machine, 2, 1));
    assert_int_equal(source_of(&machine)->offset, 20);
    machine_end(&machine);
}

static void test_half_of_a_dump_is_dropped_with_its_master(void **state) {
    (void)state;
    struct machine one, other;
    struct buf dump = {0};
    machine_begin(&one);
    machine_begin(&other);
    fill(&one);
    make_dump(one.engine, &dump);
    follow(&other);
    assert_true(import_begins(&other, 0, 9, 1000));
    import_all(&other, 9, buf_slice(&dump));
    apply(&other, "REPLICAOF NO ONE");
    expect_reads(&other, "DBSIZE", ":0\r\n");
    machine_end(&one);
    machine_end(&other);
    buf_free(&dump);
}

static void test_half_of_a_dump_stays_half_when_another_master_is_named(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    follow(&machine);
    assert_true(import_begins(&machine, 0, 9, 1000));
    apply(&machine, "REPLICAOF 127.0.0.1 7001");
    buf_clear(&machine.reply);
    assert_int_equal(source_of(&machine)->phase, SOURCE_IMPORTING);
    assert_true(import_begins(&machine, 9, 10, 5));
    assert_true(import_ends(&machine, 10, 1));
    machine_end(&machine);
}

static bool file_begins(struct machine *machine, uint64_t from, uint64_t import) {
    struct source_words words;
    head(machine, "file", from, &words);
    source_words_number(&words, import);
    return take(machine, &words);
}

static void test_a_file_is_imported_into_an_empty_state_and_only_once(void **state) {
    (void)state;
    struct machine machine;
    machine_begin(&machine);
    apply(&machine, "SET a 1");
    buf_clear(&machine.reply);
    assert_false(file_begins(&machine, 0, 1));
    apply(&machine, "DEL a");
    buf_clear(&machine.reply);
    assert_true(file_begins(&machine, 0, 1));
    assert_true(file_begins(&machine, 1, 2)); /* after a crash: from the beginning */
    assert_true(import_ends(&machine, 2, 1));
    assert_int_equal(source_of(&machine)->kind, SOURCE_NONE);
    assert_false(file_begins(&machine, 2, 3));
    apply(&machine, "SET a 1");
    expect(&machine, "+OK\r\n");
    machine_end(&machine);
}

static void test_an_image_in_the_middle_of_an_import_goes_on_alike(void **state) {
    (void)state;
    struct machine one, other;
    struct buf dump = {0}, image = {0}, piece = {0};
    machine_begin(&one);
    fill(&one);
    make_dump(one.engine, &dump);
    machine_end(&one);
    machine_begin(&one);
    follow(&one);
    assert_true(import_begins(&one, 0, 9, 1000));
    struct importer *importer = importer_new(one.engine);
    importer_feed(importer, buf_slice(&dump));
    uint64_t step = 0;
    bool has_part = false;
    while (importer_next(importer, &piece) == IMPORTER_PIECE) {
        assert_true(import_piece(&one, 9, ++step, buf_slice(&piece)));
        buf_clear(&piece);
        has_part |= source_of(&one)->part.len > 0;
        engine_dump(one.engine, &image);
        other = (struct machine){.now_ms = one.now_ms};
        other.engine = engine_new(&defaults, NULL);
        assert_int_equal(engine_load(other.engine, buf_slice(&image)), SF_OK);
        assert_int_equal(engine_digest(one.engine), engine_digest(other.engine));
        machine_end(&other);
        buf_free(&image);
    }
    assert_true(has_part);
    importer_free(importer);
    buf_free(&piece);
    buf_free(&dump);
    machine_end(&one);
}

static void test_a_large_value_that_was_imported_is_freed_in_slices(void **state) {
    (void)state;
    struct machine one, other;
    struct buf dump = {0}, piece = {0};
    bool is_left = false;
    machine_begin(&one);
    machine_begin(&other);
    fill(&one);
    make_dump(one.engine, &dump);
    struct importer *importer = importer_new(other.engine);
    importer_feed(importer, buf_slice(&dump));
    while (importer_next(importer, &piece) == IMPORTER_PIECE) {
        is_left |= keyspace_free_some(engine_keyspace(other.engine), 1);
        buf_clear(&piece);
    }
    is_left |= keyspace_free_some(engine_keyspace(other.engine), 1);
    assert_true(is_left);
    importer_free(importer);
    buf_free(&piece);
    buf_free(&dump);
    machine_end(&one);
    machine_end(&other);
}

static void test_what_is_no_dump_is_refused_with_a_reason(void **state) {
    (void)state;
    struct machine machine;
    struct buf piece = {0};
    machine_begin(&machine);
    struct importer *importer = importer_new(machine.engine);
    importer_feed(importer, SLICE("NOT A DUMP AT ALL, NOT AT ALL"));
    assert_int_equal(importer_next(importer, &piece), IMPORTER_FAILED);
    assert_string_not_equal(importer_why(importer), "");
    importer_free(importer);
    buf_free(&piece);
    machine_end(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_counts_once_and_only_where_it_follows),
        cmocka_unit_test(test_what_was_meant_for_an_earlier_master_is_void),
        cmocka_unit_test(test_clients_writes_are_refused_and_the_masters_are_not),
        cmocka_unit_test(test_only_the_master_says_when_a_key_has_expired),
        cmocka_unit_test(test_a_command_that_fails_here_is_told),
        cmocka_unit_test(test_a_dump_in_pieces_is_what_it_was_made_of),
        cmocka_unit_test(
            test_a_second_leader_begins_the_import_again_and_pieces_of_the_first_are_void),
        cmocka_unit_test(test_half_of_a_dump_is_dropped_with_its_master),
        cmocka_unit_test(test_half_of_a_dump_stays_half_when_another_master_is_named),
        cmocka_unit_test(test_a_file_is_imported_into_an_empty_state_and_only_once),
        cmocka_unit_test(test_an_image_in_the_middle_of_an_import_goes_on_alike),
        cmocka_unit_test(test_a_large_value_that_was_imported_is_freed_in_slices),
        cmocka_unit_test(test_what_is_no_dump_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
