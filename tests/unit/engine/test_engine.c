/* The replicated state machine: a function of its entries, and of its content alone. */
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"

#include <stdio.h>

#define START_MS INT64_C(1700000000000)

struct machine {
    struct engine *engine;
    uint64_t sequence; /* last of node 1 */
    int64_t now_ms;
    struct buf reply;
};

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings engine_defaults = {1, 4, {1, 2}, 512 << 20};

static void apply_raw(struct machine *machine, uint8_t kind, struct slice payload) {
    struct engine *engine = machine->engine;
    assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, payload), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine->reply, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
}

static void put_stamp(struct buf *out, const struct machine *machine, uint64_t seed) {
    struct entry_stamp stamp = {machine->now_ms, seed, false};
    entry_put_stamp(out, &stamp);
}

static void apply_members(struct machine *machine, uint32_t n) {
    struct raft_configuration members = {.n = n};
    for (uint32_t i = 0; i < n; i++) {
        members.members[i] = (struct raft_member){.id = i + 1, .voter_new = true};
    }
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(machine, ENTRY_CONFIGURATION, buf_slice(&payload));
    buf_free(&payload);
}

static void apply_incarnation_of(struct machine *machine, struct incarnation incarnation) {
    struct buf payload = {0};
    put_stamp(&payload, machine, 0);
    entry_put_incarnation(&payload, &incarnation);
    apply_raw(machine, ENTRY_INCARNATION, buf_slice(&payload));
    buf_free(&payload);
}

static struct machine machine_new(void) {
    struct machine machine = {.engine = engine_new(&engine_defaults, NULL), .now_ms = START_MS};
    apply_members(&machine, 3);
    apply_incarnation_of(&machine, ours);
    return machine;
}

static void machine_free(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
}

/* Words of one command from text, separated by single spaces. */
static uint32_t words_of(char *text, struct slice *argv) {
    uint32_t argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = slice_text(word);
    }
    return argc;
}

static void put_text(struct buf *commands, uint32_t db, const char *text) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    entry_put_command(commands, db, words_of(copy, argv), argv);
}

static void put_sub_batch(struct buf *payload, struct incarnation origin, uint64_t sequence,
    uint32_t n, struct buf *commands) {
    struct sub_batch_header header = {origin, sequence, n, buf_slice(commands)};
    entry_put_sub_batch(payload, &header);
    buf_free(commands);
}

/* One entry of one command. */
static void apply(struct machine *machine, const char *text) {
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, machine, machine->sequence);
    put_text(&commands, 0, text);
    put_sub_batch(&payload, ours, ++machine->sequence, 1, &commands);
    apply_raw(machine, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&payload);
}

static void expect(struct machine *machine, const char *replies) {
    buf_append_char(&machine->reply, '\0');
    assert_string_equal(buf_slice(&machine->reply).data, replies);
    buf_clear(&machine->reply);
}

static enum engine_query_result query(
    struct machine *machine, const char *text, int64_t clock_ms, uint64_t seed) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    uint32_t argc = words_of(copy, argv);
    const struct command *command = command_lookup(argc, argv);
    struct reply reply = {&machine->reply, 2};
    return engine_query(machine->engine, command, 0, argc, argv, clock_ms, false, seed, &reply);
}

static void tick(struct machine *machine) {
    struct buf payload = {0};
    put_stamp(&payload, machine, 0);
    apply_raw(machine, ENTRY_TICK, buf_slice(&payload));
    buf_free(&payload);
}

/* -- cursor and rows ------------------------------------------------------------------------- */

static void test_the_cursor_visits_every_command_of_every_sub_batch(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct incarnation other = {2, 9, 1};
    apply_incarnation_of(&machine, other);
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, &machine, 1);
    put_text(&commands, 0, "INCR n");
    entry_put_void_command(&commands);
    put_text(&commands, 0, "INCR n");
    put_sub_batch(&payload, ours, 1, 3, &commands);
    put_text(&commands, 0, "INCR n");
    put_sub_batch(&payload, other, 1, 1, &commands);
    raft_index before = engine_applied(machine.engine);
    assert_int_equal(
        engine_begin(machine.engine, before + 1, ENTRY_BATCH, buf_slice(&payload)), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine.reply, 2};
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(engine_peek(machine.engine, &at));
        assert_int_equal(at.origin.node, i < 3 ? 1 : 2);
        assert_int_equal(at.position, i < 3 ? i : 0);
        assert_int_equal(at.n_commands, i < 3 ? 3 : 1);
        assert_int_equal(at.is_void, i == 1);
        assert_false(at.stale);
        assert_int_equal(engine_applied(machine.engine), before); /* not before the end */
        engine_next(machine.engine, &reply);
    }
    assert_false(engine_peek(machine.engine, &at));
    engine_end(machine.engine);
    assert_int_equal(engine_applied(machine.engine), before + 1);
    expect(&machine, ":1\r\n:2\r\n:3\r\n");
    buf_free(&payload);
    machine_free(&machine);
}

static void test_a_sub_batch_of_another_incarnation_does_nothing(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, "SET n 1");
    struct incarnation strangers[] = {{1, 1, 4712}, {1, 0, 4711}, {1, 2, 4711}, {9, 1, 1}};
    for (size_t i = 0; i < SF_LENGTH(strangers); i++) {
        struct buf payload = {0}, commands = {0};
        put_stamp(&payload, &machine, 1);
        put_text(&commands, 0, "INCR n");
        put_sub_batch(&payload, strangers[i], 2, 1, &commands);
        apply_raw(&machine, ENTRY_BATCH, buf_slice(&payload));
        buf_free(&payload);
    }
    expect(&machine, "+OK\r\n");
    apply(&machine, "INCR n");
    expect(&machine, ":2\r\n");
    machine_free(&machine);
}

static void test_rows_follow_incarnations_and_members(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct incarnation row;
    uint64_t last;
    apply(&machine, "SET n 1");
    assert_true(engine_row(machine.engine, 1, &row, &last));
    assert_true(incarnation_equal(row, ours) && last == 1);
    apply_incarnation_of(&machine, (struct incarnation){1, 1, 9}); /* not above: void */
    assert_true(engine_row(machine.engine, 1, &row, &last) && incarnation_equal(row, ours));
    apply_incarnation_of(&machine, (struct incarnation){77, 5, 9}); /* no member: void */
    assert_false(engine_row(machine.engine, 77, &row, &last));
    apply_incarnation_of(&machine, (struct incarnation){1, 2, 9});
    assert_true(engine_row(machine.engine, 1, &row, &last));
    assert_true(row.counter == 2 && last == 0);
    apply_incarnation_of(&machine, (struct incarnation){3, 1, 1});
    apply_members(&machine, 2);
    assert_false(engine_row(machine.engine, 3, &row, &last));
    assert_true(engine_row(machine.engine, 1, &row, &last));
    machine_free(&machine);
}

static void test_a_malformed_entry_is_refused_and_leaves_applied(void **state) {
    (void)state;
    struct machine machine = machine_new();
    raft_index applied = engine_applied(machine.engine);
    struct {
        uint8_t kind;
        struct slice payload;
    } bad[] = {{ENTRY_BATCH, SLICE("")}, {ENTRY_TICK, SLICE("abc")}, {200, SLICE("")},
        {ENTRY_INCARNATION, SLICE("\x01xxxxxxxx\0abc")}, {ENTRY_CONFIGURATION, SLICE("zzz")},
        {ENTRY_BATCH, SLICE("\x01xxxxxxxx\0truncated")}, {0, SLICE("")},
        {ENTRY_TICK, SLICE("\x01xxxxxxxx\0more")}};
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        assert_int_equal(
            engine_begin(machine.engine, applied + 1, bad[i].kind, bad[i].payload), SF_ERR_CORRUPT);
        assert_int_equal(engine_applied(machine.engine), applied);
    }
    machine_free(&machine);
}

/* -- time ------------------------------------------------------------------------------------ */

static void test_state_time_is_the_greatest_stamp(void **state) {
    (void)state;
    struct machine machine = machine_new();
    machine.now_ms = START_MS + 100;
    tick(&machine);
    machine.now_ms = START_MS + 50;
    apply(&machine, "SET k 1 PX 10");
    assert_int_equal(engine_now_ms(machine.engine), START_MS + 100);
    assert_int_equal(engine_next_due(machine.engine), START_MS + 110);
    machine_free(&machine);
}

struct expired_log {
    struct buf names;
};
static void on_expired(void *context, uint32_t db, struct slice key) {
    struct expired_log *log = context;
    buf_printf(&log->names, "%u:%.*s ", db, (int)key.len, key.data);
}

static void test_keys_expire_in_the_order_of_their_time(void **state) {
    (void)state;
    struct expired_log log = {{0}};
    struct engine_watcher watcher = {.context = &log, .expired = on_expired};
    struct machine machine = {.engine = engine_new(&engine_defaults, &watcher), .now_ms = START_MS};
    apply_members(&machine, 1);
    apply_incarnation_of(&machine, ours);
    apply(&machine, "SET c 1 PX 30");
    apply(&machine, "SET a 1 PX 10");
    apply(&machine, "SET b 1 PX 20");
    apply(&machine, "SET never 1");
    machine.now_ms += 20;
    tick(&machine);
    buf_append_char(&log.names, '\0');
    assert_string_equal(buf_slice(&log.names).data, "0:a 0:b ");
    assert_int_equal(engine_expired_count(machine.engine), 2);
    buf_free(&log.names);
    machine_free(&machine);
}

static void test_reclaiming_is_bounded_and_goes_on_with_the_next_entry(void **state) {
    (void)state;
    struct machine machine = machine_new();
    for (int i = 0; i < 1500; i++) {
        char text[40];
        snprintf(text, sizeof text, "SET key%d 1 PX 10", i);
        apply(&machine, text);
    }
    machine.now_ms += 10;
    struct db *db = keyspace_db(engine_keyspace(machine.engine), 0);
    tick(&machine);
    assert_int_equal(db_size(db), 1500 - 512);
    assert_true(engine_next_due(machine.engine) <= machine.now_ms);
    tick(&machine), tick(&machine);
    assert_int_equal(db_size(db), 0);
    assert_true(engine_next_due(machine.engine) == NO_DUE);
    machine_free(&machine);
}

static void test_a_read_that_meets_a_due_key_waits_and_leaves_no_bytes(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, "SET k 1 PX 10");
    expect(&machine, "+OK\r\n");
    assert_int_equal(query(&machine, "GET k", START_MS + 10, 1), QUERY_MUST_WAIT);
    assert_int_equal(query(&machine, "MGET other k", START_MS + 10, 1), QUERY_MUST_WAIT);
    expect(&machine, "");
    assert_int_equal(query(&machine, "GET k", START_MS + 9, 1), QUERY_DONE);
    expect(&machine, "$1\r\n1\r\n");
    machine.now_ms += 10;
    tick(&machine);
    assert_int_equal(query(&machine, "GET k", START_MS + 10, 1), QUERY_DONE);
    expect(&machine, "$-1\r\n");
    machine_free(&machine);
}

static void test_reads_change_nothing(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, "SET k 1 PX 10");
    apply(&machine, "SET n 17");
    uint64_t before = engine_digest(machine.engine);
    static const char *const reads[] = {"GET k", "RANDOMKEY", "SCAN 0", "KEYS *", "TTL k",
        "OBJECT ENCODING n", "DBSIZE", "STRLEN n", "EXISTS k n", "TYPE n", "GETRANGE n 0 1"};
    for (size_t i = 0; i < SF_LENGTH(reads); i++) {
        (void)query(&machine, reads[i], START_MS + (int64_t)i * 5, i);
    }
    assert_true(engine_digest(machine.engine) == before);
    machine_free(&machine);
}

/* -- grown = reloaded ------------------------------------------------------------------------ */

static void random_command(struct random *random, char text[128]) {
    static const char *const forms[] = {"SET key:%d v%d", "SET key:%d v%d PX 50", "INCRBY n:%d %d",
        "APPEND key:%d %d", "DEL key:%d n:%d", "PEXPIRE key:%d %d", "PERSIST key:%d",
        "RENAME key:%d key:%d", "COPY key:%d key:%d REPLACE", "SETRANGE key:%d %d abc",
        "MOVE key:%d 1", "GETDEL key:%d", "shardforge.setting s%d %d", "GETEX key:%d PX %d",
        "MSETNX key:%d a key:%d b"};
    int a = (int)random_below(random, 300), b = (int)random_below(random, 100);
    const char *form = forms[random_below(random, SF_LENGTH(forms))];
    if (strncmp(form, "shard", 5) == 0) a %= 5;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
    snprintf(text, 128, form, a, b);
#pragma GCC diagnostic pop
    if (random_below(random, 400) == 0) snprintf(text, 128, "FLUSHDB");
    if (random_below(random, 400) == 0) snprintf(text, 128, "SWAPDB 0 1");
}

static void check_same_answer(
    struct machine *a, struct machine *b, const char *text, uint64_t seed) {
    buf_clear(&a->reply), buf_clear(&b->reply);
    int64_t clock_ms = a->now_ms;
    assert_int_equal(query(a, text, clock_ms, seed), query(b, text, clock_ms, seed));
    assert_true(slice_equal(buf_slice(&a->reply), buf_slice(&b->reply)));
}

static void check_same(struct machine *a, struct machine *b, struct random *random) {
    assert_int_equal(engine_applied(a->engine), engine_applied(b->engine));
    assert_true(engine_digest(a->engine) == engine_digest(b->engine));
    static const char *const questions[] = {
        "KEYS *", "DBSIZE", "SCAN 0 COUNT 1000", "SCAN 140737488355328 COUNT 7"};
    for (size_t i = 0; i < SF_LENGTH(questions); i++) check_same_answer(a, b, questions[i], 1);
    for (int i = 0; i < 20; i++) {
        char text[64];
        check_same_answer(a, b, "RANDOMKEY", random_next(random));
        static const char *const about[] = {
            "GET", "PTTL", "OBJECT ENCODING", "TYPE", "PEXPIRETIME", "STRLEN"};
        for (size_t k = 0; k < SF_LENGTH(about); k++) {
            snprintf(text, sizeof text, "%s key:%d", about[k], (int)random_below(random, 300));
            check_same_answer(a, b, text, 1);
        }
    }
}

static void test_a_state_that_grew_equals_one_that_was_loaded(void **state) {
    (void)state;
    struct random random = random_from(11);
    struct machine grown = machine_new();
    for (int round = 0; round < 6; round++) {
        char text[128];
        for (int i = 0; i < 700; i++) {
            random_command(&random, text);
            if (random_below(&random, 4) == 0) grown.now_ms += (int64_t)random_below(&random, 20);
            apply(&grown, text);
        }
        struct buf image = {0}, again = {0};
        engine_dump(grown.engine, &image);
        struct machine loaded = {.engine = engine_new(&engine_defaults, NULL),
            .sequence = grown.sequence,
            .now_ms = grown.now_ms};
        assert_int_equal(engine_load(loaded.engine, buf_slice(&image)), SF_OK);
        engine_dump(loaded.engine, &again);
        assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
        check_same(&grown, &loaded, &random);
        for (int i = 0; i < 300; i++) { /* and they go on alike, reply by reply */
            random_command(&random, text);
            grown.now_ms = loaded.now_ms = grown.now_ms + (int64_t)random_below(&random, 8);
            buf_clear(&grown.reply), buf_clear(&loaded.reply);
            apply(&grown, text);
            apply(&loaded, text);
            assert_true(slice_equal(buf_slice(&grown.reply), buf_slice(&loaded.reply)));
        }
        check_same(&grown, &loaded, &random);
        buf_free(&image), buf_free(&again);
        machine_free(&loaded);
    }
    machine_free(&grown);
}

static void test_another_order_of_history_gives_the_same_content(void **state) {
    (void)state;
    struct machine a = machine_new(), b = machine_new();
    char text[64];
    for (int i = 0; i < 500; i++) { /* b grew larger in between */
        snprintf(text, sizeof text, "SET key:%d v", i);
        apply(&a, text);
        apply(&b, text);
    }
    for (int i = 500; i < 3000; i++) {
        snprintf(text, sizeof text, "SET key:%d v", i);
        apply(&b, text);
    }
    for (int i = 500; i < 3000; i++) {
        snprintf(text, sizeof text, "DEL key:%d", i);
        apply(&b, text);
    }
    check_same_answer(&a, &b, "KEYS *", 1);
    check_same_answer(&a, &b, "SCAN 0 COUNT 100", 1);
    for (uint64_t seed = 0; seed < 50; seed++) check_same_answer(&a, &b, "RANDOMKEY", seed);
    machine_free(&a), machine_free(&b);
}

static void test_a_damaged_image_is_refused(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, "SET k 1");
    apply(&machine, "shardforge.setting a 1");
    struct buf image = {0};
    engine_dump(machine.engine, &image);
    for (size_t len = 0; len < image.len; len++) {
        struct engine *engine = engine_new(&engine_defaults, NULL);
        assert_int_not_equal(engine_load(engine, slice_of(buf_slice(&image).data, len)), SF_OK);
        engine_free(engine);
    }
    buf_free(&image);
    machine_free(&machine);
}

/* -- the rest -------------------------------------------------------------------------------- */

static void test_settings_are_state(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct slice value;
    assert_false(engine_setting(machine.engine, SLICE("b"), &value));
    apply(&machine, "shardforge.setting b 1 a 2");
    apply(&machine, "shardforge.setting b 3");
    assert_true(engine_setting(machine.engine, SLICE("b"), &value));
    assert_true(slice_equal(value, SLICE("3")));
    assert_true(engine_setting(machine.engine, SLICE("a"), &value));
    uint64_t before = engine_digest(machine.engine);
    apply(&machine, "shardforge.setting proto-max-bulk-len 1000000");
    assert_int_equal(engine_proto_max_bulk_len(machine.engine), 1000000);
    assert_true(engine_digest(machine.engine) != before);
    machine_free(&machine);
}

static void test_only_an_empty_state_dissolves(void **state) {
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct machine machine = machine_new();
        if (full) apply(&machine, "SET k 1");
        struct buf payload = {0};
        put_stamp(&payload, &machine, 0);
        apply_raw(&machine, ENTRY_DISSOLVE, buf_slice(&payload));
        assert_int_equal(engine_is_dissolved(machine.engine), !full);
        buf_free(&payload);
        machine_free(&machine);
    }
}

/* S4: it runs what stands before, stops there, and never passes it. */
static void test_an_unknown_command_in_a_batch_ends_applying(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, &machine, 1);
    put_text(&commands, 0, "INCR n");
    put_text(&commands, 0, "command-of-the-future x");
    put_sub_batch(&payload, ours, 1, 2, &commands);
    struct engine *engine = machine.engine;
    raft_index index = engine_applied(engine) + 1;
    assert_int_equal(engine_begin(engine, index, ENTRY_BATCH, buf_slice(&payload)), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine.reply, 2};
    assert_true(engine_peek(engine, &at));
    assert_false(engine_is_broken(engine));
    engine_next(engine, &reply);
    assert_false(engine_peek(engine, &at));
    assert_true(engine_is_broken(engine));
    assert_int_equal(engine_applied(engine), index - 1);
    buf_free(&payload);
    machine_free(&machine);
}

static void test_a_wild_database_ends_applying(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, &machine, 1);
    put_text(&commands, 99, "INCR n");
    put_sub_batch(&payload, ours, 1, 1, &commands);
    raft_index index = engine_applied(machine.engine) + 1;
    assert_int_equal(engine_begin(machine.engine, index, ENTRY_BATCH, buf_slice(&payload)), SF_OK);
    struct engine_position at;
    assert_false(engine_peek(machine.engine, &at));
    assert_true(engine_is_broken(machine.engine));
    buf_free(&payload);
    machine_free(&machine);
}

/* -- skipping -------------------------------------------------------------------------------- */

static void skip_batch_of(struct machine *machine, const char *text) {
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, machine, machine->sequence);
    put_text(&commands, 0, text);
    put_sub_batch(&payload, ours, ++machine->sequence, 1, &commands);
    engine_skip(
        machine->engine, engine_applied(machine->engine) + 1, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&payload);
}

static void test_a_skipped_batch_runs_nothing_and_keeps_the_sequence_and_time(void **state) {
    (void)state;
    struct machine machine = machine_new();
    apply(&machine, "SET k 1");
    machine.now_ms += 5000;
    skip_batch_of(&machine, "SET k 2");
    raft_index skipped = engine_applied(machine.engine);
    assert_true(engine_has_skipped(machine.engine, skipped));
    assert_int_equal(engine_now_ms(machine.engine), START_MS + 5000);
    buf_clear(&machine.reply);
    apply(&machine, "APPEND k x"); /* the next sequence is accepted */
    expect(&machine, ":2\r\n");
    assert_false(engine_has_skipped(machine.engine, skipped + 1));
    machine_free(&machine);
}

static void test_a_state_that_skipped_differs_from_one_that_ran_and_equals_its_image(void **state) {
    (void)state;
    struct machine skipped = machine_new(), ran = machine_new();
    skip_batch_of(&skipped, "DEL absent");
    apply(&ran, "DEL absent");
    assert_true(engine_digest(skipped.engine) != engine_digest(ran.engine));
    struct buf image = {0};
    engine_dump(skipped.engine, &image);
    struct engine *loaded = engine_new(&engine_defaults, NULL);
    assert_int_equal(engine_load(loaded, buf_slice(&image)), SF_OK);
    assert_true(engine_has_skipped(loaded, engine_applied(loaded)));
    assert_true(engine_digest(loaded) == engine_digest(skipped.engine));
    engine_free(loaded);
    buf_free(&image);
    machine_free(&skipped), machine_free(&ran);
}

/* What Raft or later entries build on is kept; bytes of whatever kind harm nothing. */
static void test_skipping_keeps_members_and_survives_any_bytes(void **state) {
    (void)state;
    struct machine machine = machine_new();
    struct incarnation next = {2, 7, 9}, row;
    uint64_t last;
    struct buf payload = {0};
    put_stamp(&payload, &machine, 0);
    entry_put_incarnation(&payload, &next);
    engine_skip(
        machine.engine, engine_applied(machine.engine) + 1, ENTRY_INCARNATION, buf_slice(&payload));
    assert_true(engine_row(machine.engine, 2, &row, &last));
    buf_free(&payload);
    for (unsigned kind = 0; kind < 256; kind++) {
        engine_skip(machine.engine, engine_applied(machine.engine) + 1, (uint8_t)kind,
            SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f bytes"));
    }
    assert_int_equal(engine_now_ms(machine.engine), START_MS);
    assert_true(engine_has_skipped(machine.engine, engine_applied(machine.engine) - 15));
    machine_free(&machine);
}

/* -- scripts ----------------------------------------------------------------------------------- */

static void test_scripts_are_state_and_give_every_replica_the_same(void **state) {
    (void)state;
    struct machine one = machine_new(), two = machine_new(), loaded = {0};
    struct machine *both[] = {&one, &two};
    for (size_t i = 0; i < 2; i++) {
        struct machine *machine = both[i];
        if (i == 1) query(machine, "EVAL_RO return{1,{2}} 0", 0, 1); /* leaves nothing */
        apply(machine, "EVAL return{redis.call('set','a',math.random(1000000))} 0");
        apply(machine, "EVAL return(function()while(true)do(redis.call)('incr','n')end;end)() 0");
        apply(machine, "SCRIPT LOAD return{7}");
        apply(machine, "EVALSHA ffffffffffffffffffffffffffffffffffffffff 0");
        buf_clear(&machine->reply);
    }
    assert_int_equal(engine_digest(one.engine), engine_digest(two.engine));
    struct buf image = {0};
    engine_dump(one.engine, &image);
    loaded.engine = engine_new(&engine_defaults, NULL);
    assert_int_equal(engine_load(loaded.engine, buf_slice(&image)), SF_OK);
    assert_int_equal(engine_digest(one.engine), engine_digest(loaded.engine));
    query(&loaded, "SCRIPT EXISTS 5ba4a3b5aeb7e8ea9ee4a2f2bd0d0f6a0b3c0d1e", 0, 1);
    expect(&loaded, "*1\r\n:0\r\n");
    buf_free(&image);
    machine_free(&one);
    machine_free(&two);
    machine_free(&loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unknown_command_in_a_batch_ends_applying),
        cmocka_unit_test(test_a_wild_database_ends_applying),
        cmocka_unit_test(test_a_skipped_batch_runs_nothing_and_keeps_the_sequence_and_time),
        cmocka_unit_test(test_a_state_that_skipped_differs_from_one_that_ran_and_equals_its_image),
        cmocka_unit_test(test_skipping_keeps_members_and_survives_any_bytes),
        cmocka_unit_test(test_the_cursor_visits_every_command_of_every_sub_batch),
        cmocka_unit_test(test_a_sub_batch_of_another_incarnation_does_nothing),
        cmocka_unit_test(test_rows_follow_incarnations_and_members),
        cmocka_unit_test(test_a_malformed_entry_is_refused_and_leaves_applied),
        cmocka_unit_test(test_state_time_is_the_greatest_stamp),
        cmocka_unit_test(test_keys_expire_in_the_order_of_their_time),
        cmocka_unit_test(test_reclaiming_is_bounded_and_goes_on_with_the_next_entry),
        cmocka_unit_test(test_a_read_that_meets_a_due_key_waits_and_leaves_no_bytes),
        cmocka_unit_test(test_reads_change_nothing),
        cmocka_unit_test(test_a_state_that_grew_equals_one_that_was_loaded),
        cmocka_unit_test(test_another_order_of_history_gives_the_same_content),
        cmocka_unit_test(test_a_damaged_image_is_refused),
        cmocka_unit_test(test_settings_are_state),
        cmocka_unit_test(test_only_an_empty_state_dissolves),
        cmocka_unit_test(test_scripts_are_state_and_give_every_replica_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
