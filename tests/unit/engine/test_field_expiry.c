/* Fields of hashes that die, as entries are applied: in which order, how many, who waits. */
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"

#include <stdio.h>

#define START_MS INT64_C(1700000000000)

struct machine {
    struct engine *engine;
    uint64_t sequence;
    int64_t now_ms;
    struct buf reply;
    struct buf events;
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

static void put_stamp(struct buf *out, const struct machine *machine) {
    struct entry_stamp stamp = {machine->now_ms, machine->sequence, false};
    entry_put_stamp(out, &stamp);
}

static void on_event(
    void *context, enum event_class class, const char *name, uint32_t db, struct slice key) {
    struct machine *machine = context;
    (void)class;
    buf_printf(&machine->events, "%s %u:%.*s\n", name, db, (int)key.len, key.data);
}

static void machine_open(struct machine *machine) {
    struct engine_watcher watcher = {.context = machine, .event = on_event};
    *machine =
        (struct machine){.engine = engine_new(&engine_defaults, &watcher), .now_ms = START_MS};
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

static void machine_close(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
    buf_free(&machine->events);
}

static uint32_t words_of(char *text, struct slice *argv) {
    uint32_t argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_text(word);
    return argc;
}

/* One entry of the commands, a line each. */
static void apply(struct machine *machine, const char *lines) {
    struct buf payload = {0}, commands = {0};
    struct slice argv[32];
    uint32_t n = 0;
    put_stamp(&payload, machine);
    while (*lines != '\0') {
        char copy[512];
        size_t len = strcspn(lines, "\n");
        snprintf(copy, sizeof copy, "%.*s", (int)len, lines);
        entry_put_command(&commands, 0, words_of(copy, argv), argv);
        lines += len + (lines[len] == '\n');
        n++;
    }
    struct sub_batch_header header = {ours, ++machine->sequence, n, buf_slice(&commands)};
    entry_put_sub_batch(&payload, &header);
    apply_raw(machine, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&commands);
    buf_free(&payload);
}

static void tick(struct machine *machine) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    apply_raw(machine, ENTRY_TICK, buf_slice(&payload));
    buf_free(&payload);
}

static void expect(struct machine *machine, struct buf *what, const char *text) {
    (void)machine;
    buf_append_char(what, '\0');
    assert_string_equal(buf_slice(what).data, text);
    buf_clear(what);
}

static enum engine_query_result query(struct machine *machine, const char *text, int64_t clock_ms) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    uint32_t argc = words_of(copy, argv);
    struct reply reply = {&machine->reply, 2};
    return engine_query(
        machine->engine, command_lookup(argc, argv), 0, argc, argv, clock_ms, false, 1, &reply);
}

static struct db *db_of(struct machine *machine) {
    return keyspace_db(engine_keyspace(machine->engine), 0);
}

/* -- reclaiming ------------------------------------------------------------------------------ */

static void test_fields_and_keys_go_in_the_order_of_their_time_and_tell(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "shardforge.setting notify-keyspace-events KEA");
    apply(&machine, "HSETEX h PX 30 FIELDS 2 a 1 b 2\nHSETEX h PX 10 FIELDS 1 c 3\nSET k 1 PX 20\n"
                    "HSETEX other PX 10 FIELDS 1 x 1\nHSET other y 1");
    assert_int_equal(engine_next_due(machine.engine), START_MS + 10);
    buf_clear(&machine.events);
    machine.now_ms = START_MS + 10;
    tick(&machine);
    assert_int_equal(engine_next_due(machine.engine), START_MS + 20);
    assert_int_equal(machine.events.len, strlen("hexpired 0:h\nhexpired 0:other\n"));
    buf_clear(&machine.events);
    machine.now_ms = START_MS + 30;
    tick(&machine);
    expect(&machine, &machine.events, "expired 0:k\nhexpired 0:h\ndel 0:h\n");
    assert_true(engine_next_due(machine.engine) == NO_DUE);
    assert_int_equal(engine_expired_fields_count(machine.engine), 4);
    assert_int_equal(engine_expired_count(machine.engine), 1);
    assert_int_equal(db_size(db_of(&machine)), 1);
    machine_close(&machine);
}

static void test_reclaiming_fields_is_bounded_together_with_keys(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    for (int i = 0; i < 700; i++) {
        char text[80];
        snprintf(text, sizeof text, "HSETEX h PX 10 FIELDS 1 f%d 1\nSET k%d 1 PX 10", i, i);
        apply(&machine, text);
    }
    apply(&machine, "HSET h stays 1");
    machine.now_ms += 10;
    uint64_t left = 1400;
    for (int i = 0; i < 3; i++) {
        tick(&machine);
        left -= SF_MIN(left, (uint64_t)512);
        uint64_t gone =
            engine_expired_fields_count(machine.engine) + engine_expired_count(machine.engine);
        assert_int_equal(gone, 1400 - left);
    }
    assert_true(engine_next_due(machine.engine) == NO_DUE);
    buf_clear(&machine.reply);
    assert_int_equal(query(&machine, "HGETALL h", machine.now_ms), QUERY_DONE);
    expect(&machine, &machine.reply, "*2\r\n$5\r\nstays\r\n$1\r\n1\r\n");
    machine_close(&machine);
}

static void test_a_dead_field_is_none_for_the_commands_of_the_entry_that_brings_its_time(
    void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "HSETEX h PX 10 FIELDS 2 a 1 b 2\nHSET h c 3");
    buf_clear(&machine.reply);
    machine.now_ms += 10;
    apply(&machine, "HGET h a\nHLEN h\nHINCRBY h a 5\nHLEN h\nHPTTL h FIELDS 2 a b");
    expect(&machine, &machine.reply, "$-1\r\n:1\r\n:5\r\n:2\r\n*2\r\n:-1\r\n:-2\r\n");
    assert_int_equal(query(&machine, "HLEN h", machine.now_ms), QUERY_DONE);
    expect(&machine, &machine.reply, ":2\r\n");
    machine_close(&machine);
}

static void test_a_read_that_meets_a_due_field_waits_and_leaves_no_bytes(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "HSETEX h PX 10 FIELDS 1 a 1\nHSET h b 2");
    buf_clear(&machine.reply);
    static const char *const waits[] = {"HGET h a", "HGETALL h", "HLEN h", "HMGET h b a"};
    for (size_t i = 0; i < SF_LENGTH(waits); i++)
        assert_int_equal(query(&machine, waits[i], START_MS + 10), QUERY_MUST_WAIT);
    expect(&machine, &machine.reply, "");
    assert_int_equal(query(&machine, "HGET h b", START_MS + 10), QUERY_DONE);
    assert_int_equal(query(&machine, "HGET h a", START_MS + 9), QUERY_DONE);
    expect(&machine, &machine.reply, "$1\r\n2\r\n$1\r\n1\r\n");
    uint64_t revision;
    assert_int_equal(
        engine_revision(machine.engine, 0, SLICE("h"), START_MS + 10, false, &revision),
        QUERY_MUST_WAIT);
    assert_int_equal(
        engine_revision(machine.engine, 0, SLICE("h"), START_MS + 9, false, &revision), QUERY_DONE);
    machine.now_ms += 10;
    tick(&machine);
    assert_int_equal(query(&machine, "HGET h a", START_MS + 10), QUERY_DONE);
    expect(&machine, &machine.reply, "$-1\r\n");
    uint64_t after;
    assert_int_equal(
        engine_revision(machine.engine, 0, SLICE("h"), START_MS + 10, false, &after), QUERY_DONE);
    assert_true(after != revision); /* who watched it while the field lived sees a change */
    machine_close(&machine);
}

/* As Redis 8.0 names them. */
static void test_commands_tell_what_they_did_to_fields(void **state) {
    (void)state;
    static const struct {
        const char *command, *events;
    } steps[] = {{"HSETEX h FIELDS 2 a 1 b 2", "hset 0:h\n"},
        {"HEXPIRE h 100 FIELDS 1 a", "hexpire 0:h\n"}, {"HEXPIRE h 100 NX FIELDS 1 a", ""},
        {"HPERSIST h FIELDS 1 a", "hpersist 0:h\n"}, {"HPERSIST h FIELDS 1 a", ""},
        {"HSETEX h EX 100 FIELDS 1 a 1", "hset 0:h\nhexpire 0:h\n"},
        {"HSETEX h FNX FIELDS 1 a 1", ""}, {"HGETEX h PERSIST FIELDS 2 a b", "hpersist 0:h\n"},
        {"HGETEX h PERSIST FIELDS 2 a b", ""}, {"HGETEX h EX 100 FIELDS 1 a", "hexpire 0:h\n"},
        {"HGETEX h FIELDS 1 a", ""}, {"HGETEX h PXAT 1 FIELDS 1 a", "hdel 0:h\n"},
        {"HGETDEL h FIELDS 2 b none", "hdel 0:h\ndel 0:h\n"}, {"HGETDEL h FIELDS 1 b", ""},
        {"HSETEX h PXAT 1 FIELDS 1 a 1", "hset 0:h\nhdel 0:h\ndel 0:h\n"},
        {"HSET h a 1 b 2", "hset 0:h\n"}, {"HEXPIREAT h 1 FIELDS 1 a", "hdel 0:h\n"},
        {"HPEXPIREAT h 1 FIELDS 1 b", "hdel 0:h\ndel 0:h\n"}};
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "shardforge.setting notify-keyspace-events KEA");
    for (size_t i = 0; i < SF_LENGTH(steps); i++) {
        buf_clear(&machine.events);
        apply(&machine, steps[i].command);
        expect(&machine, &machine.events, steps[i].events);
    }
    machine_close(&machine);
}

static void test_a_dead_field_that_a_write_meets_is_told_of_first(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "shardforge.setting notify-keyspace-events KEA");
    apply(&machine, "HSETEX h PX 10 FIELDS 4 a 1 b 1 c 1 d 1\nHSET h stays 1");
    buf_clear(&machine.events);
    machine.now_ms += 10;
    apply(&machine, "HINCRBY h a 1\nHSETEX h FXX FIELDS 1 b 1\nHDEL h c none");
    expect(&machine, &machine.events,
        "hexpired 0:h\nhincrby 0:h\nhexpired 0:h\nhexpired 0:h\nhexpired 0:h\n");
    machine_close(&machine);
}

/* -- grown = loaded -------------------------------------------------------------------------- */

static void random_line(struct random *random, char text[160]) {
    static const char *const forms[] = {"HSET h%d f%d %d", "HSETEX h%d PX %d FIELDS 1 f%d v",
        "HPEXPIRE h%d %d FIELDS 2 f%d f3", "HPERSIST h%d FIELDS 1 f%d", "HDEL h%d f%d",
        "HGETDEL h%d FIELDS 1 f%d", "HINCRBY h%d f%d %d", "HPEXPIRE h%d %d GT FIELDS 1 f%d",
        "HGETEX h%d PX %d FIELDS 2 f%d f5", "HGET h%d f%d", "HLEN h%d", "HGETALL h%d",
        "HRANDFIELD h%d %d", "HSCAN h%d 0", "RENAME h%d h%d", "COPY h%d h%d REPLACE", "DEL h%d",
        "HPTTL h%d FIELDS 2 f1 f%d", "PEXPIRE h%d %d", "MOVE h%d 1"};
    int a = (int)random_below(random, 8), b = (int)random_below(random, 30) + 1,
        c = (int)random_below(random, 30) + 1;
    const char *form = forms[random_below(random, SF_LENGTH(forms))];
    if (strncmp(form, "RENAME", 6) == 0 || strncmp(form, "COPY", 4) == 0) b = b % 8;
    snprintf(text, 160, form, a, b, c);
}

static void test_a_state_that_grew_equals_one_that_was_loaded(void **state) {
    (void)state;
    struct random random = random_from(11);
    struct machine grown, loaded;
    machine_open(&grown);
    apply(&grown, "shardforge.setting hash-max-listpack-entries 12");
    for (int round = 0; round < 8; round++) {
        char text[160];
        for (int i = 0; i < 600; i++) {
            random_line(&random, text);
            grown.now_ms += (int64_t)random_below(&random, 4);
            apply(&grown, text);
        }
        struct buf image = {0}, again = {0};
        engine_dump(grown.engine, &image);
        loaded = (struct machine){.engine = engine_new(&engine_defaults, NULL),
            .sequence = grown.sequence,
            .now_ms = grown.now_ms};
        assert_int_equal(engine_load(loaded.engine, buf_slice(&image)), SF_OK);
        engine_dump(loaded.engine, &again);
        assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
        for (int i = 0; i < 300; i++) { /* and they go on alike, reply by reply */
            random_line(&random, text);
            grown.now_ms = loaded.now_ms = grown.now_ms + (int64_t)random_below(&random, 4);
            buf_clear(&grown.reply), buf_clear(&loaded.reply);
            apply(&grown, text);
            apply(&loaded, text);
            assert_true(slice_equal(buf_slice(&grown.reply), buf_slice(&loaded.reply)));
        }
        assert_true(engine_digest(grown.engine) == engine_digest(loaded.engine));
        buf_free(&image), buf_free(&again);
        machine_close(&loaded);
    }
    machine_close(&grown);
}

static void test_a_large_hash_goes_through_a_snapshot_with_its_due_times(void **state) {
    (void)state;
    struct machine grown, loaded;
    machine_open(&grown);
    char text[120];
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, i % 3 == 0 ? "HSET h f%d v%d" : "HSETEX h PX %d FIELDS 1 f%d v",
            i % 3 == 0 ? i : 10 + i % 7, i);
        apply(&grown, text);
    }
    struct buf image = {0}, again = {0};
    engine_dump(grown.engine, &image);
    loaded = (struct machine){.engine = engine_new(&engine_defaults, NULL),
        .sequence = grown.sequence,
        .now_ms = grown.now_ms};
    assert_int_equal(engine_load(loaded.engine, buf_slice(&image)), SF_OK);
    engine_dump(loaded.engine, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_true(engine_digest(grown.engine) == engine_digest(loaded.engine));
    assert_int_equal(engine_next_due(loaded.engine), START_MS + 10);
    grown.now_ms = loaded.now_ms = START_MS + 12;
    tick(&grown), tick(&loaded);
    assert_true(engine_digest(grown.engine) == engine_digest(loaded.engine));
    assert_int_equal(engine_expired_fields_count(loaded.engine), 512);
    buf_free(&image), buf_free(&again);
    machine_close(&grown);
    machine_close(&loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_keys_go_in_the_order_of_their_time_and_tell),
        cmocka_unit_test(test_reclaiming_fields_is_bounded_together_with_keys),
        cmocka_unit_test(
            test_a_dead_field_is_none_for_the_commands_of_the_entry_that_brings_its_time),
        cmocka_unit_test(test_a_read_that_meets_a_due_field_waits_and_leaves_no_bytes),
        cmocka_unit_test(test_commands_tell_what_they_did_to_fields),
        cmocka_unit_test(test_a_dead_field_that_a_write_meets_is_told_of_first),
        cmocka_unit_test(test_a_state_that_grew_equals_one_that_was_loaded),
        cmocka_unit_test(test_a_large_hash_goes_through_a_snapshot_with_its_due_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
