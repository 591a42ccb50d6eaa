/* Eviction entries: the leader's choice, the same on every replica, void where the key has moved
 * on. */
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"

#include <stdio.h>

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings defaults = {1, 4, {1, 2}, 512 << 20};

struct machine {
    struct engine *engine;
    uint64_t sequence;
    struct buf reply, evicted;
};

static enum sf_status apply_raw(struct machine *machine, uint8_t kind, const struct buf *payload) {
    struct engine *engine = machine->engine;
    enum sf_status status =
        engine_begin(engine, engine_applied(engine) + 1, kind, buf_slice(payload));
    if (status != SF_OK) return status;
    struct engine_position at;
    struct reply reply = {&machine->reply, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    return SF_OK;
}

static void put_stamp(struct buf *out, bool oom) {
    struct entry_stamp stamp = {1700000000000, 3, oom};
    entry_put_stamp(out, &stamp);
}

static void apply(struct machine *machine, uint32_t db, bool oom, uint32_t argc,
    const struct slice *argv, const char *expected) {
    struct buf payload = {0}, commands = {0};
    put_stamp(&payload, oom);
    entry_put_command(&commands, db, argc, argv);
    struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(&commands)};
    entry_put_sub_batch(&payload, &header);
    assert_int_equal(apply_raw(machine, ENTRY_BATCH, &payload), SF_OK);
    buf_append_char(&machine->reply, '\0');
    assert_string_equal(buf_slice(&machine->reply).data, expected);
    buf_clear(&machine->reply);
    buf_free(&commands);
    buf_free(&payload);
}

static void set(struct machine *machine, uint32_t db, const char *key, const char *value) {
    struct slice argv[3] = {SLICE("set"), slice_text(key), slice_text(value)};
    apply(machine, db, false, 3, argv, "+OK\r\n");
}

static void on_evicted(void *context, uint32_t db, struct slice key) {
    struct machine *machine = context;
    buf_printf(&machine->evicted, "%u:%.*s ", db, (int)key.len, key.data);
}

static void machine_open(struct machine *machine) {
    struct engine_watcher watcher = {.context = machine, .evicted = on_evicted};
    *machine = (struct machine){.engine = engine_new(&defaults, &watcher)};
    struct raft_configuration members = {.n = 1};
    members.members[0] = (struct raft_member){.id = 1, .voter_new = true};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    assert_int_equal(apply_raw(machine, ENTRY_CONFIGURATION, &payload), SF_OK);
    buf_clear(&payload);
    put_stamp(&payload, false);
    entry_put_incarnation(&payload, &ours);
    assert_int_equal(apply_raw(machine, ENTRY_INCARNATION, &payload), SF_OK);
    buf_free(&payload);
}

static void machine_close(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
    buf_free(&machine->evicted);
}

static struct object *find(struct machine *machine, uint32_t db, const char *key) {
    return db_find_even_dead(keyspace_db(engine_keyspace(machine->engine), db), slice_text(key));
}

static void put_victim(struct machine *machine, struct buf *out, uint32_t db, const char *key) {
    const struct object *object = find(machine, db, key);
    struct entry_victim victim = {db, slice_text(key), object_revision(object)};
    entry_put_victim(out, &victim);
}

static void test_the_named_keys_go_unless_they_were_changed(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    set(&machine, 0, "a", "1");
    set(&machine, 0, "b", "2");
    set(&machine, 2, "c", "3");
    struct buf payload = {0};
    put_stamp(&payload, false);
    put_victim(&machine, &payload, 0, "a");
    put_victim(&machine, &payload, 0, "b");
    put_victim(&machine, &payload, 2, "c");
    set(&machine, 0, "b", "changed since");
    assert_int_equal(apply_raw(&machine, ENTRY_EVICTION, &payload), SF_OK);
    assert_null(find(&machine, 0, "a"));
    assert_non_null(find(&machine, 0, "b"));
    assert_null(find(&machine, 2, "c"));
    assert_int_equal(engine_evicted_count(machine.engine), 2);
    buf_append_char(&machine.evicted, '\0');
    assert_string_equal(buf_slice(&machine.evicted).data, "0:a 2:c ");
    buf_free(&payload);
    machine_close(&machine);
}

static void test_a_malformed_one_is_refused_and_removes_nothing(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    set(&machine, 0, "a", "1");
    struct buf payload = {0};
    put_stamp(&payload, false);
    put_victim(&machine, &payload, 0, "a");
    size_t whole = payload.len;
    struct entry_victim beyond = {4, SLICE("a"), 1};
    entry_put_victim(&payload, &beyond); /* no such db */
    assert_int_equal(apply_raw(&machine, ENTRY_EVICTION, &payload), SF_ERR_CORRUPT);
    buf_truncate(&payload, whole - 1);
    assert_int_equal(apply_raw(&machine, ENTRY_EVICTION, &payload), SF_ERR_CORRUPT);
    assert_non_null(find(&machine, 0, "a"));
    buf_free(&payload);
    machine_close(&machine);
}

static void test_the_stamp_refuses_what_grows(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    set(&machine, 0, "a", "1");
    struct slice append[3] = {SLICE("append"), SLICE("a"), SLICE("2")};
    apply(&machine, 0, true, 3, append,
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    struct slice del[2] = {SLICE("del"), SLICE("a")};
    apply(&machine, 0, true, 2, del, ":1\r\n");
    machine_close(&machine);
}

static void test_the_settings_of_memory_are_state(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct slice words[5] = {SLICE("shardforge.setting"), SLICE("maxmemory"), SLICE("3mb"),
        SLICE("maxmemory-policy"), SLICE("allkeys-lfu")};
    apply(&machine, 0, false, 5, words, "+OK\r\n");
    struct buf image = {0};
    engine_dump(machine.engine, &image);
    struct engine *loaded = engine_new(&defaults, NULL);
    assert_int_equal(engine_load(loaded, buf_slice(&image)), SF_OK);
    assert_int_equal(engine_memory_policy(loaded)->maxmemory, 3 << 20);
    assert_int_equal(engine_memory_policy(loaded)->policy, POLICY_ALLKEYS_LFU);
    assert_true(engine_digest(loaded) == engine_digest(machine.engine));
    engine_free(loaded);
    buf_free(&image);
    machine_close(&machine);
}

static void test_who_read_what_is_no_state(void **state) {
    (void)state;
    struct machine one, other;
    machine_open(&one);
    machine_open(&other);
    engine_set_access_clock(one.engine, 1000);
    engine_set_access_clock(other.engine, 999);
    set(&one, 0, "a", "1");
    set(&other, 0, "a", "1");
    engine_set_access_clock(one.engine, 5000);
    struct slice argv[3] = {SLICE("object"), SLICE("idletime"), SLICE("a")};
    struct slice get[2] = {SLICE("get"), SLICE("a")};
    struct reply reply = {&one.reply, 2};
    for (int round = 0; round < 3; round++) {
        engine_note_accesses(one.engine, round == 2);
        if (round > 0)
            assert_int_equal(
                engine_query(one.engine, command_lookup(2, get), 0, 2, get, 0, true, 1, &reply),
                QUERY_DONE);
        assert_int_equal(
            engine_query(one.engine, command_lookup(3, argv), 0, 3, argv, 0, true, 1, &reply),
            QUERY_DONE);
    }
    buf_append_char(&one.reply, '\0');
    /* untouched; read by one that does not touch; read */
    assert_string_equal(
        buf_slice(&one.reply).data, ":4000\r\n$1\r\n1\r\n:4000\r\n$1\r\n1\r\n:0\r\n");
    assert_true(engine_digest(one.engine) == engine_digest(other.engine));
    machine_close(&one);
    machine_close(&other);
}

static void test_dead_keys_stay_where_reclaiming_is_off(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    struct slice off[3] = {SLICE("shardforge.setting"), SLICE(SETTING_ACTIVE_EXPIRE), SLICE("0")};
    struct slice on[3] = {SLICE("shardforge.setting"), SLICE(SETTING_ACTIVE_EXPIRE), SLICE("1")};
    struct slice past[5] = {
        SLICE("set"), SLICE("a"), SLICE("1"), SLICE("pxat"), SLICE("1700000000001")};
    apply(&machine, 0, false, 3, off, "+OK\r\n");
    apply(&machine, 0, false, 5, past, "+OK\r\n");
    struct buf tick = {0};
    struct entry_stamp later = {1700000001000, 0, false};
    entry_put_stamp(&tick, &later);
    assert_int_equal(apply_raw(&machine, ENTRY_TICK, &tick), SF_OK);
    assert_non_null(find(&machine, 0, "a"));
    assert_true(engine_next_due(machine.engine) > engine_now_ms(machine.engine));
    apply(&machine, 0, false, 3, on, "+OK\r\n");
    assert_null(find(&machine, 0, "a"));
    buf_free(&tick);
    machine_close(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_named_keys_go_unless_they_were_changed),
        cmocka_unit_test(test_a_malformed_one_is_refused_and_removes_nothing),
        cmocka_unit_test(test_the_stamp_refuses_what_grows),
        cmocka_unit_test(test_the_settings_of_memory_are_state),
        cmocka_unit_test(test_who_read_what_is_no_state),
        cmocka_unit_test(test_dead_keys_stay_where_reclaiming_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
