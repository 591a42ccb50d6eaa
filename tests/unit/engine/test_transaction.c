/* Transactions: several commands as one, in an entry or as a read. */
#include "engine/engine.h"
#include "keyspace/keyspace.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"

#include <stdio.h>

#define START_MS INT64_C(1700000000000)

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings engine_defaults = {1, 4, {1, 2}, 512 << 20};

struct machine {
    struct engine *engine;
    uint64_t sequence;
    int64_t now_ms;
    bool oom;
    struct buf reply;
    uint8_t proto;
    char places[64]; /* own places that were asked for */
};

/* A transaction as it is being put together. */
struct draft {
    struct buf watches, commands;
    uint32_t n_watches, n_commands;
};

static void on_own_place(void *context, uint32_t place, struct reply *reply) {
    struct machine *machine = context;
    size_t len = strlen(machine->places);
    snprintf(machine->places + len, sizeof machine->places - len, "%u ", place);
    reply_status(reply, "OWN");
    if (place == 99) reply->proto = 3;
}

static void apply_raw(struct machine *machine, uint8_t kind, struct buf *payload) {
    struct engine *engine = machine->engine;
    struct slice bytes = buf_slice(payload);
    assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, bytes), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine->reply, machine->proto};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    buf_free(payload);
}

static void put_stamp(struct buf *out, const struct machine *machine) {
    struct entry_stamp stamp = {machine->now_ms, machine->sequence, machine->oom};
    entry_put_stamp(out, &stamp);
}

static void machine_open(struct machine *machine) {
    *machine = (struct machine){.now_ms = START_MS, .proto = 2};
    struct engine_watcher watcher = {.context = machine, .own_place = on_own_place};
    machine->engine = engine_new(&engine_defaults, &watcher);
    struct raft_configuration members = {.n = 1, .members = {{.id = 1, .voter_new = true}}};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(machine, ENTRY_CONFIGURATION, &payload);
    put_stamp(&payload, machine);
    entry_put_incarnation(&payload, &ours);
    apply_raw(machine, ENTRY_INCARNATION, &payload);
}

static void machine_close(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
}

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

static void apply_commands(struct machine *machine, struct buf *commands) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(commands)};
    assert_int_equal(sub_batch_check(&header, 4), SF_OK);
    entry_put_sub_batch(&payload, &header);
    buf_free(commands);
    apply_raw(machine, ENTRY_BATCH, &payload);
}

static void apply(struct machine *machine, const char *text) {
    struct buf commands = {0};
    put_text(&commands, 0, text);
    apply_commands(machine, &commands);
}

static void expect(struct machine *machine, const char *replies) {
    buf_append_char(&machine->reply, '\0');
    assert_string_equal(buf_slice(&machine->reply).data, replies);
    buf_clear(&machine->reply);
}

static void tick(struct machine *machine) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    apply_raw(machine, ENTRY_TICK, &payload);
}

static void draft_add(struct draft *draft, uint32_t db, const char *text) {
    put_text(&draft->commands, db, text);
    draft->n_commands++;
}

static void draft_add_own(struct draft *draft) {
    entry_put_void_command(&draft->commands);
    draft->n_commands++;
}

static void draft_watch(
    struct machine *machine, struct draft *draft, uint32_t db, const char *key) {
    struct watch_words watch = {db, slice_text(key), 0};
    assert_int_equal(
        engine_revision(machine->engine, db, watch.key, 0, true, &watch.revision), QUERY_DONE);
    watch_put(&draft->watches, &watch);
    draft->n_watches++;
}

static struct transaction_words draft_words(const struct draft *draft) {
    return (struct transaction_words){draft->n_watches, draft->n_commands,
        buf_slice(&draft->watches), buf_slice(&draft->commands)};
}

static void draft_free(struct draft *draft) {
    buf_free(&draft->watches);
    buf_free(&draft->commands);
    *draft = (struct draft){.n_commands = 0};
}

static void draft_encode(const struct draft *draft, struct buf *commands) {
    struct transaction_words words = draft_words(draft);
    struct slice argv[TRANSACTION_ARGC];
    struct buf counts = {0};
    transaction_put(&words, &counts, argv);
    entry_put_command(commands, 0, TRANSACTION_ARGC, argv);
    buf_free(&counts);
}

static void exec(struct machine *machine, struct draft *draft) {
    struct buf commands = {0};
    draft_encode(draft, &commands);
    apply_commands(machine, &commands);
    draft_free(draft);
}

static enum engine_query_result exec_read(
    struct machine *machine, const struct draft *draft, int64_t clock_ms, bool settled) {
    struct transaction_words words = draft_words(draft);
    struct reply reply = {&machine->reply, machine->proto};
    return engine_query_transaction(machine->engine, &words, clock_ms, settled, 7, &reply);
}

/* -- in an entry ----------------------------------------------------------------------------- */

static void test_a_transaction_is_one_command_with_an_array_of_replies(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_add(&draft, 0, "SET k 1");
    draft_add(&draft, 1, "SET k one");
    draft_add(&draft, 0, "INCR k");
    draft_add(&draft, 0, "LPUSH k x");
    draft_add(&draft, 1, "GET k");
    exec(&machine, &draft);
    expect(&machine,
        "*5\r\n+OK\r\n+OK\r\n:2\r\n-WRONGTYPE Operation against a key holding the wrong "
        "kind of value\r\n$3\r\none\r\n");
    machine_close(&machine);
}

static void test_own_places_are_answered_in_order_and_only_there(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_add_own(&draft);
    draft_add(&draft, 0, "SET k 1");
    draft_add_own(&draft);
    draft_add_own(&draft);
    draft_add(&draft, 0, "GET k");
    exec(&machine, &draft);
    expect(&machine, "*5\r\n+OWN\r\n+OK\r\n+OWN\r\n+OWN\r\n$1\r\n1\r\n");
    assert_string_equal(machine.places, "0 2 3 ");
    machine_close(&machine);
}

static void test_an_own_place_may_change_the_protocol_for_what_follows(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    for (int i = 0; i < 99; i++) draft_add(&draft, 0, "GET absent");
    draft_add_own(&draft);
    draft_add(&draft, 0, "GET absent");
    exec(&machine, &draft);
    struct slice all = buf_slice(&machine.reply);
    assert_memory_equal(all.data, "*101\r\n$-1\r\n", 11);
    assert_memory_equal(all.data + all.len - 9, "+OWN\r\n_\r\n", 9);
    machine_close(&machine);
}

static void test_what_nobody_hears_runs_all_the_same(void **state) {
    (void)state;
    struct machine heard, unheard;
    machine_open(&heard);
    machine_open(&unheard);
    for (int i = 0; i < 2; i++) {
        struct machine *machine = i == 0 ? &heard : &unheard;
        struct draft draft = {.n_commands = 0};
        draft_add_own(&draft);
        draft_add(&draft, 0, "SADD s a b c d e f g h");
        draft_add(&draft, 0, "SPOP s 3");
        draft_add(&draft, 0, "SPOP s");
        struct buf commands = {0}, payload = {0};
        draft_encode(&draft, &commands);
        put_stamp(&payload, machine);
        struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(&commands)};
        entry_put_sub_batch(&payload, &header);
        struct engine *engine = machine->engine;
        assert_int_equal(
            engine_begin(engine, engine_applied(engine) + 1, ENTRY_BATCH, buf_slice(&payload)),
            SF_OK);
        struct reply nobody = {0}, somebody = {&machine->reply, 3};
        engine_next(engine, i == 0 ? &somebody : &nobody);
        engine_end(engine);
        buf_free(&payload), buf_free(&commands);
        draft_free(&draft);
    }
    assert_true(engine_digest(heard.engine) == engine_digest(unheard.engine));
    machine_close(&heard);
    machine_close(&unheard);
}

static void test_places_have_seeds_of_their_own(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    for (int i = 0; i < 200; i++) {
        char text[32];
        snprintf(text, sizeof text, "SADD s %d", i);
        apply(&machine, text);
    }
    buf_clear(&machine.reply);
    struct draft draft = {.n_commands = 0};
    for (int i = 0; i < 4; i++) draft_add(&draft, 0, "SRANDMEMBER s");
    exec(&machine, &draft);
    struct slice all = buf_slice(&machine.reply);
    bool differ = false; /* four equal picks among 200: only if the seeds were equal */
    const char *first = memchr(all.data, '$', all.len), *other = first;
    while ((other = memchr(other + 1, '$', (size_t)(all.data + all.len - other - 1))) != NULL) {
        differ = differ || memcmp(first, other, 5) != 0;
    }
    assert_true(differ);
    machine_close(&machine);
}

static void test_without_memory_a_transaction_that_grows_does_nothing(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1");
    machine.oom = true;
    struct draft draft = {.n_commands = 0};
    draft_add(&draft, 0, "DEL k");
    draft_add(&draft, 0, "SET l 1");
    exec(&machine, &draft);
    draft_add(&draft, 0, "GET k");
    draft_add(&draft, 0, "DEL k");
    exec(&machine, &draft);
    expect(&machine, "+OK\r\n-EXECABORT Transaction discarded because of: OOM command not allowed "
                     "when used memory > 'maxmemory'.\r\n*2\r\n$1\r\n1\r\n:1\r\n");
    machine_close(&machine);
}

static void test_a_setting_changes_inside_a_transaction(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_add(&draft, 0, "shardforge.setting a 1");
    draft_add(&draft, 0, "SET k 1");
    exec(&machine, &draft);
    struct slice value;
    assert_true(engine_setting(machine.engine, SLICE("a"), &value));
    expect(&machine, "*2\r\n+OK\r\n+OK\r\n");
    machine_close(&machine);
}

/* -- watches --------------------------------------------------------------------------------- */

static void check_watch(struct machine *machine, const char *key, const char *change, bool holds) {
    struct draft draft = {.n_commands = 0};
    draft_watch(machine, &draft, 0, key);
    apply(machine, change);
    buf_clear(&machine->reply);
    draft_add(&draft, 0, "SET ran 1");
    exec(machine, &draft);
    expect(machine, holds ? "*1\r\n+OK\r\n" : "*-1\r\n");
}

static void test_a_transaction_runs_only_if_no_watched_key_has_changed(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1");
    check_watch(&machine, "k", "SET other 1", true);
    check_watch(&machine, "k", "SET k 1", false);
    check_watch(&machine, "k", "EXPIRE k 100", false);
    check_watch(&machine, "k", "GETEX k", true);
    check_watch(&machine, "k", "DEL k", false);
    check_watch(&machine, "k", "DEL k", true);
    check_watch(&machine, "k", "SET k 2", false);
    check_watch(&machine, "k", "RENAME k l", false);
    check_watch(&machine, "k", "RENAME l k", false);
    check_watch(&machine, "k", "SWAPDB 0 1", false);
    check_watch(&machine, "k", "SWAPDB 0 1", false);
    check_watch(&machine, "k", "SWAPDB 2 3", true);
    check_watch(&machine, "k", "FLUSHALL", false);
    machine_close(&machine);
}

static void test_a_refused_transaction_changes_nothing_but_its_place(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_watch(&machine, &draft, 0, "k");
    apply(&machine, "SET k 1");
    uint64_t revision = keyspace_revision(engine_keyspace(machine.engine));
    draft_add(&draft, 0, "SET k 2");
    draft_add_own(&draft);
    exec(&machine, &draft);
    assert_true(keyspace_revision(engine_keyspace(machine.engine)) == revision);
    assert_string_equal(machine.places, ""); /* its own commands did not run either */
    expect(&machine, "+OK\r\n*-1\r\n");
    machine_close(&machine);
}

static void test_a_watched_key_that_expires_by_state_time_has_changed(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1 PX 100");
    struct draft alive = {.n_commands = 0}, dead = {.n_commands = 0};
    draft_watch(&machine, &alive, 0, "k");
    machine.now_ms += 100;
    tick(&machine);
    draft_watch(&machine, &dead, 0, "k");
    draft_add(&alive, 0, "SET l 1");
    draft_add(&dead, 0, "SET l 2");
    exec(&machine, &alive);
    exec(&machine, &dead);
    expect(&machine, "+OK\r\n*-1\r\n*1\r\n+OK\r\n");
    machine_close(&machine);
}

static void test_watches_hold_across_a_snapshot(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1");
    apply(&machine, "SET gone 1");
    apply(&machine, "DEL gone");
    struct draft holds = {.n_commands = 0}, broken = {.n_commands = 0};
    draft_watch(&machine, &holds, 0, "k");
    draft_watch(&machine, &holds, 0, "gone");
    draft_watch(&machine, &broken, 0, "k");
    struct buf image = {0};
    engine_dump(machine.engine, &image);
    engine_free(machine.engine);
    machine.engine = engine_new(&engine_defaults, NULL);
    assert_int_equal(engine_load(machine.engine, buf_slice(&image)), SF_OK);
    buf_free(&image);
    buf_clear(&machine.reply);
    draft_add(&holds, 0, "SET k 2");
    draft_add(&broken, 0, "SET k 3");
    exec(&machine, &holds);
    exec(&machine, &broken);
    expect(&machine, "*1\r\n+OK\r\n*-1\r\n");
    machine_close(&machine);
}

/* -- as a read ------------------------------------------------------------------------------- */

static void test_a_transaction_of_reads_changes_nothing(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "MSET a 1 b 2");
    buf_clear(&machine.reply);
    uint64_t digest = engine_digest(machine.engine);
    struct draft draft = {.n_commands = 0};
    draft_watch(&machine, &draft, 0, "a");
    draft_add(&draft, 0, "GET a");
    draft_add_own(&draft);
    draft_add(&draft, 0, "MGET a b");
    assert_int_equal(exec_read(&machine, &draft, machine.now_ms, false), QUERY_DONE);
    expect(&machine, "*3\r\n$1\r\n1\r\n+OWN\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    assert_true(engine_digest(machine.engine) == digest);
    apply(&machine, "INCR a");
    buf_clear(&machine.reply);
    assert_int_equal(exec_read(&machine, &draft, machine.now_ms, false), QUERY_DONE);
    expect(&machine, "*-1\r\n");
    assert_string_equal(machine.places, "1 ");
    draft_free(&draft);
    machine_close(&machine);
}

/* An own place acts on the session: it may not run once for each try. */
static void test_reads_that_meet_a_due_key_wait_before_anything_has_happened(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1 PX 100");
    buf_clear(&machine.reply);
    struct draft draft = {.n_commands = 0}, watching = {.n_commands = 0}, other = {.n_commands = 0};
    draft_add_own(&draft);
    draft_add(&draft, 0, "GET k");
    draft_watch(&machine, &watching, 0, "k");
    draft_add(&watching, 0, "GET l");
    draft_add(&other, 0, "GET l");
    int64_t clock_ms = machine.now_ms + 100;
    assert_int_equal(exec_read(&machine, &draft, clock_ms, false), QUERY_MUST_WAIT);
    assert_int_equal(exec_read(&machine, &watching, clock_ms, false), QUERY_MUST_WAIT);
    assert_int_equal(exec_read(&machine, &other, clock_ms, false), QUERY_DONE);
    uint64_t revision;
    assert_int_equal(engine_revision(machine.engine, 0, SLICE("k"), clock_ms, false, &revision),
        QUERY_MUST_WAIT);
    assert_string_equal(machine.places, "");
    expect(&machine, "*1\r\n$-1\r\n");
    machine.now_ms = clock_ms;
    tick(&machine);
    assert_int_equal(exec_read(&machine, &draft, clock_ms, true), QUERY_DONE);
    assert_int_equal(exec_read(&machine, &watching, clock_ms, true), QUERY_DONE);
    assert_string_equal(machine.places, "0 ");
    expect(&machine, "*2\r\n+OWN\r\n$-1\r\n*-1\r\n");
    draft_free(&draft), draft_free(&watching), draft_free(&other);
    machine_close(&machine);
}

static void test_times_to_live_count_from_the_reads_clock(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, "SET k 1 PX 5000");
    buf_clear(&machine.reply);
    struct draft draft = {.n_commands = 0};
    draft_add(&draft, 0, "PTTL k");
    assert_int_equal(exec_read(&machine, &draft, machine.now_ms + 1000, false), QUERY_DONE);
    expect(&machine, "*1\r\n:4000\r\n");
    draft_free(&draft);
    machine_close(&machine);
}

/* -- what a peer may bring into the log ------------------------------------------------------ */

static enum sf_status check(const struct buf *commands) {
    struct sub_batch_header header = {ours, 1, 1, buf_slice(commands)};
    return sub_batch_check(&header, 4);
}

static void check_inner(uint32_t db, const char *text, enum sf_status wanted) {
    struct draft draft = {.n_commands = 0};
    struct buf commands = {0};
    draft_add(&draft, db, text);
    draft_encode(&draft, &commands);
    assert_int_equal(check(&commands), wanted);
    buf_free(&commands);
    draft_free(&draft);
}

static void test_only_data_commands_may_stand_in_a_transaction(void **state) {
    (void)state;
    check_inner(0, "SET k 1", SF_OK);
    check_inner(3, "GET k", SF_OK);
    check_inner(0, "shardforge.setting a 1", SF_OK);
    check_inner(4, "GET k", SF_ERR_CORRUPT);
    check_inner(0, "GET", SF_ERR_CORRUPT);
    check_inner(0, "NOSUCH", SF_ERR_CORRUPT);
    check_inner(0, "PING", SF_ERR_CORRUPT);
    check_inner(0, "EXEC", SF_ERR_CORRUPT);
    check_inner(0, "shardforge.exec a b c", SF_ERR_CORRUPT);
}

static void test_malformed_transactions_are_refused(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_watch(&machine, &draft, 0, "k");
    draft_add(&draft, 0, "SET k 1");
    draft_add_own(&draft);
    struct transaction_words good = draft_words(&draft);
    for (int fault = 0; fault < 8; fault++) {
        struct transaction_words words = good;
        struct slice argv[TRANSACTION_ARGC];
        struct buf counts = {0}, commands = {0}, watches = {0};
        struct watch_words far = {4, SLICE("k"), 1};
        if (fault == 1) words.n_watches++;
        if (fault == 2) words.n_watches--;
        if (fault == 3) words.n_commands++;
        if (fault == 4) words.n_commands--;
        if (fault == 5) words.n_commands = TRANSACTION_COMMANDS_MAX + 1;
        if (fault == 6) watch_put(&watches, &far), words.watches = buf_slice(&watches);
        transaction_put(&words, &counts, argv);
        if (fault == 7) argv[1] = SLICE("\x01\x02\x00");
        entry_put_command(&commands, 0, TRANSACTION_ARGC, argv);
        assert_int_equal(check(&commands), fault == 0 ? SF_OK : SF_ERR_CORRUPT);
        buf_free(&counts), buf_free(&commands), buf_free(&watches);
    }
    for (size_t len = 0; len < good.commands.len; len++) {
        struct transaction_words words = good;
        struct slice argv[TRANSACTION_ARGC];
        struct buf counts = {0}, commands = {0};
        words.commands.len = len;
        transaction_put(&words, &counts, argv);
        entry_put_command(&commands, 0, TRANSACTION_ARGC, argv);
        assert_int_equal(check(&commands), SF_ERR_CORRUPT);
        buf_free(&counts), buf_free(&commands);
    }
    draft_free(&draft);
    machine_close(&machine);
}

static void test_a_transaction_comes_back_as_it_was_put(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct draft draft = {.n_commands = 0};
    draft_watch(&machine, &draft, 2, "k");
    draft_add(&draft, 3, "SET k 1");
    struct transaction_words words = draft_words(&draft), read;
    struct slice argv[TRANSACTION_ARGC];
    struct buf counts = {0};
    transaction_put(&words, &counts, argv);
    assert_true(transaction_read(TRANSACTION_ARGC, argv, &read));
    struct reader in = reader_of(read.watches);
    struct watch_words watch;
    assert_true(read.n_watches == 1 && watch_read(&in, &watch));
    assert_true(watch.db == 2 && slice_equal(watch.key, SLICE("k")));
    struct command_reader reader = {0};
    transaction_commands(&read, &reader);
    assert_true(command_reader_next(&reader));
    assert_true(reader.db == 3 && reader.argc == 3 && slice_equal(reader.argv[2], SLICE("1")));
    assert_false(command_reader_next(&reader));
    command_reader_free(&reader);
    buf_free(&counts);
    draft_free(&draft);
    machine_close(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_transaction_is_one_command_with_an_array_of_replies),
        cmocka_unit_test(test_own_places_are_answered_in_order_and_only_there),
        cmocka_unit_test(test_an_own_place_may_change_the_protocol_for_what_follows),
        cmocka_unit_test(test_what_nobody_hears_runs_all_the_same),
        cmocka_unit_test(test_places_have_seeds_of_their_own),
        cmocka_unit_test(test_without_memory_a_transaction_that_grows_does_nothing),
        cmocka_unit_test(test_a_setting_changes_inside_a_transaction),
        cmocka_unit_test(test_a_transaction_runs_only_if_no_watched_key_has_changed),
        cmocka_unit_test(test_a_refused_transaction_changes_nothing_but_its_place),
        cmocka_unit_test(test_a_watched_key_that_expires_by_state_time_has_changed),
        cmocka_unit_test(test_watches_hold_across_a_snapshot),
        cmocka_unit_test(test_a_transaction_of_reads_changes_nothing),
        cmocka_unit_test(test_reads_that_meet_a_due_key_wait_before_anything_has_happened),
        cmocka_unit_test(test_times_to_live_count_from_the_reads_clock),
        cmocka_unit_test(test_only_data_commands_may_stand_in_a_transaction),
        cmocka_unit_test(test_malformed_transactions_are_refused),
        cmocka_unit_test(test_a_transaction_comes_back_as_it_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
