#include "unit/commands/world.h"

#define SYNTAX "-ERR syntax error"
#define NOT_INTEGER "-ERR value is not an integer or out of range"
#define TOO_LONG "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"

static void test_set_replaces_value_and_expiry(void **state) {
    (void)state;
    SCENARIO({"GET k", "nil"}, {"SET k v EX 10", "+OK"}, {"TTL k", "10"}, {"SET k w", "+OK"},
        {"GET k", "'w'"}, {"TTL k", "-1"}, {"set k ''", "+OK"}, {"get k", "''"});
}

static void test_set_conditions_depend_on_presence(void **state) {
    (void)state;
    SCENARIO({"SET k v XX", "nil"}, {"EXISTS k", "0"}, {"SET k v NX", "+OK"}, {"SET k w nx", "nil"},
        {"GET k", "'v'"}, {"SET k w XX", "+OK"}, {"GET k", "'w'"}, {"SET k x NX XX", SYNTAX},
        {"SET k x XX NX", SYNTAX}, {"SET k x FOO", SYNTAX}, {"SET k x XX XX", "+OK"});
}

static void test_set_get_answers_the_old_value_whether_it_set_or_not(void **state) {
    (void)state;
    SCENARIO({"SET k v GET", "nil"}, {"SET k w GET", "'v'"}, {"SET k x NX GET", "'w'"},
        {"GET k", "'w'"}, {"SET k x GET XX EX 5", "'w'"}, {"TTL k", "5"}, {"SET n v XX GET", "nil"},
        {"EXISTS n", "0"}, {"SET n v NX GET", "nil"}, {"GET n", "'v'"});
}

static void test_set_takes_each_form_of_expiry(void **state) {
    (void)state;
    SCENARIO({"SET k v EX 10", "+OK"}, {"PEXPIRETIME k", "1010000"}, {"SET k v PX 1500", "+OK"},
        {"PTTL k", "1500"}, {"SET k v EXAT 2000", "+OK"}, {"PTTL k", "1000000"},
        {"SET k v PXAT 1000001", "+OK"}, {"PTTL k", "1"}, {"SET k w KEEPTTL", "+OK"},
        {"PTTL k", "1"}, {"SET new v KEEPTTL", "+OK"}, {"TTL new", "-1"},
        {"SET k v EX 10 EX 20", "+OK"}, {"TTL k", "20"}, {"SET k v EX 10 PX 20", SYNTAX},
        {"SET k v EX 10 EXAT 20", SYNTAX}, {"SET k v KEEPTTL EX 1", SYNTAX},
        {"SET k v EX 1 KEEPTTL", SYNTAX}, {"SET k v EX", SYNTAX}, {"SET k v PERSIST", SYNTAX});
}

static void test_set_refuses_times_that_are_none(void **state) {
    (void)state;
#define INVALID "-ERR invalid expire time in 'set' command"
    SCENARIO({"SET k v EX 0", INVALID}, {"SET k v PX -1", INVALID}, {"SET k v EXAT 0", INVALID},
        {"SET k v EX 9223372036854775", INVALID}, {"SET k v EX 9223372036854776", INVALID},
        {"SET k v PX 9223372036854775807", INVALID}, {"SET k v EX x", NOT_INTEGER},
        {"SET k v EX 1.5", NOT_INTEGER}, {"SET k v EX 9223372036854775808", NOT_INTEGER},
        {"SET k v PXAT 9223372036854775807", "+OK"}, {"PEXPIRETIME k", "9223372036854775806"},
        {"SET k w XX EX 0", INVALID}, {"GET k", "'v'"});
#undef INVALID
}

static void test_setting_into_the_past_removes_the_key(void **state) {
    (void)state;
    SCENARIO({"SET k v", "+OK"}, {"SET k w EXAT 1", "+OK"}, {"EXISTS k", "0"}, {"DBSIZE", "0"},
        {"SET k v", "+OK"}, {"SET k w PXAT 1000000 GET", "'v'"}, {"DBSIZE", "0"});
}

static void test_setex_and_psetex(void **state) {
    (void)state;
    SCENARIO({"SETEX k 10 v", "+OK"}, {"TTL k", "10"}, {"PSETEX k 10 w", "+OK"}, {"PTTL k", "10"},
        {"GET k", "'w'"}, {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
        {"PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"},
        {"SETEX k 9223372036854776 v", "-ERR invalid expire time in 'setex' command"},
        {"SETEX k v 10", NOT_INTEGER},
        {"SETEX k 10", "-ERR wrong number of arguments for 'setex' command"});
}

static void test_setnx_getset_getdel(void **state) {
    (void)state;
    SCENARIO({"SETNX k v", "1"}, {"SETNX k w", "0"}, {"EXPIRE k 10", "1"}, {"GETSET k w", "'v'"},
        {"TTL k", "-1"}, {"GETSET n v", "nil"}, {"GET n", "'v'"}, {"GETDEL n", "'v'"},
        {"GETDEL n", "nil"}, {"EXISTS n", "0"});
}

static void test_getex_changes_only_the_expiry(void **state) {
    (void)state;
    SCENARIO({"GETEX k EX 10", "nil"}, {"GETEX k EX 0", "nil"}, {"SET k v", "+OK"},
        {"GETEX k", "'v'"}, {"TTL k", "-1"}, {"GETEX k EX 10", "'v'"}, {"TTL k", "10"},
        {"GETEX k", "'v'"}, {"TTL k", "10"}, {"GETEX k PX 7", "'v'"}, {"PTTL k", "7"},
        {"GETEX k PERSIST", "'v'"}, {"TTL k", "-1"}, {"GETEX k EXAT 1001", "'v'"},
        {"PTTL k", "1000"}, {"GETEX k PXAT 1000002", "'v'"}, {"PTTL k", "2"},
        {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command"},
        {"GETEX k EX x", NOT_INTEGER}, {"GETEX k PERSIST EX 1", SYNTAX},
        {"GETEX k EX 1 PERSIST", SYNTAX}, {"GETEX k KEEPTTL", SYNTAX}, {"GETEX k NX", SYNTAX},
        {"GETEX k GET", SYNTAX}, {"GETEX k EX", SYNTAX}, {"GETEX k EXAT 1", "'v'"},
        {"EXISTS k", "0"}, {"DBSIZE", "0"});
}

static void test_many_at_once(void **state) {
    (void)state;
    SCENARIO({"MSET a 1 b 2 a 3", "+OK"}, {"MGET a b c a", "['3' '2' nil '3']"},
        {"MSETNX c 1 a 2", "0"}, {"EXISTS c", "0"}, {"MSETNX c 1 d 2 c 3", "1"},
        {"MGET c d", "['3' '2']"}, {"EXPIRE a 10", "1"}, {"MSET a x", "+OK"}, {"TTL a", "-1"},
        {"MSET a", "-ERR wrong number of arguments for 'mset' command"},
        {"MSET a b c", "-ERR wrong number of arguments for 'mset' command"},
        {"MSETNX a b c", "-ERR wrong number of arguments for 'msetnx' command"});
}

static void test_append_grows_and_keeps_the_expiry(void **state) {
    (void)state;
    SCENARIO({"APPEND k 12", "2"}, {"OBJECT ENCODING k", "'int'"}, {"EXPIRE k 10", "1"},
        {"APPEND k ''", "2"}, {"OBJECT ENCODING k", "'raw'"}, {"APPEND k 345", "5"},
        {"GET k", "'12345'"}, {"TTL k", "10"}, {"STRLEN k", "5"}, {"STRLEN none", "0"},
        {"APPEND none ''", "0"}, {"EXISTS none", "1"});
}

static void test_append_and_setrange_stop_at_the_limit(void **state) {
    (void)state;
    SCENARIO({"@limit 10", NULL}, {"SET k 12345678", "+OK"}, {"APPEND k ab", "10"},
        {"APPEND k c", TOO_LONG}, {"APPEND k ''", "10"}, {"SETRANGE k 9 x", "10"},
        {"SETRANGE k 10 x", TOO_LONG}, {"SETRANGE k 10 ''", "10"},
        {"SETRANGE n 9223372036854775807 x", TOO_LONG}, {"EXISTS n", "0"},
        {"GET k", "'12345678ax'"});
}

static void test_setrange_overwrites_and_fills_with_zeros(void **state) {
    (void)state;
    SCENARIO({"SET k 'hello world'", "+OK"}, {"SETRANGE k 6 redis", "11"},
        {"GET k", "'hello redis'"}, {"SETRANGE k 9 longer", "15"}, {"GET k", "'hello redlonger'"},
        {"SETRANGE n 3 ''", "0"}, {"EXISTS n", "0"}, {"SETRANGE n 3 x", "4"},
        {"GETRANGE n 3 3", "'x'"}, {"STRLEN n", "4"}, {"EXPIRE k 10", "1"},
        {"SETRANGE k 0 H", "15"}, {"TTL k", "10"},
        {"SETRANGE k -1 x", "-ERR offset is out of range"}, {"SETRANGE k x x", NOT_INTEGER},
        {"SET i 123", "+OK"}, {"SETRANGE i 1 9", "3"}, {"GET i", "'193'"},
        {"OBJECT ENCODING i", "'raw'"});
}

static void test_getrange_counts_from_both_ends(void **state) {
    (void)state;
    SCENARIO({"SET k 0123456789", "+OK"}, {"GETRANGE k 0 3", "'0123'"},
        {"GETRANGE k -3 -1", "'789'"}, {"GETRANGE k 0 -1", "'0123456789'"},
        {"GETRANGE k 5 100", "'56789'"}, {"GETRANGE k 100 200", "''"}, {"GETRANGE k 3 2", "''"},
        {"GETRANGE k -1 -3", "''"}, {"GETRANGE k -100 -90", "'0'"}, {"GETRANGE k -100 2", "'012'"},
        {"GETRANGE k 0 -100", "'0'"},
        {"GETRANGE k -9223372036854775808 9223372036854775807", "'0123456789'"},
        {"GETRANGE none 0 -1", "''"}, {"SUBSTR k 1 2", "'12'"}, {"GETRANGE k a 1", NOT_INTEGER},
        {"GETRANGE k 1 a", NOT_INTEGER}, {"SET e ''", "+OK"}, {"GETRANGE e 0 -1", "''"});
}

static void test_counters_keep_the_expiry_and_the_encoding(void **state) {
    (void)state;
    SCENARIO({"INCR n", "1"}, {"EXPIRE n 10", "1"}, {"INCRBY n 41", "42"}, {"TTL n", "10"},
        {"DECR n", "41"}, {"DECRBY n 50", "-9"}, {"OBJECT ENCODING n", "'int'"}, {"GET n", "'-9'"},
        {"SET s 7", "+OK"}, {"APPEND s 8", "2"}, {"INCR s", "79"});
}

static void test_counters_refuse_what_does_not_fit(void **state) {
    (void)state;
#define OVERFLOW "-ERR increment or decrement would overflow"
    SCENARIO({"SET n 9223372036854775807", "+OK"}, {"INCR n", OVERFLOW}, {"DECRBY n -1", OVERFLOW},
        {"INCRBY n 0", "9223372036854775807"}, {"SET n -9223372036854775808", "+OK"},
        {"DECR n", OVERFLOW}, {"INCRBY n -1", OVERFLOW},
        {"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
        {"INCRBY n 9223372036854775808", NOT_INTEGER}, {"INCRBY n x", NOT_INTEGER},
        {"SET n ' 1'", "+OK"}, {"INCR n", NOT_INTEGER}, {"SET n 01", "+OK"},
        {"INCR n", NOT_INTEGER}, {"SET n ''", "+OK"}, {"INCR n", NOT_INTEGER}, {"SET n 1.0", "+OK"},
        {"INCR n", NOT_INTEGER});
#undef OVERFLOW
}

static void test_incrbyfloat_counts_in_long_doubles(void **state) {
    (void)state;
#define NOT_FLOAT "-ERR value is not a valid float"
    SCENARIO({"SET n 10.50", "+OK"}, {"INCRBYFLOAT n 0.1", "'10.6'"}, {"INCRBYFLOAT n -5", "'5.6'"},
        {"SET n 5.0e3", "+OK"}, {"INCRBYFLOAT n 2.0e2", "'5200'"}, {"EXPIRE n 10", "1"},
        {"INCRBYFLOAT n 1", "'5201'"}, {"TTL n", "10"}, {"INCRBYFLOAT new 0.5", "'0.5'"},
        {"INCRBYFLOAT n inf", "-ERR increment would produce NaN or Infinity"},
        {"INCRBYFLOAT n nan", NOT_FLOAT}, {"INCRBYFLOAT n x", NOT_FLOAT}, {"SET s abc", "+OK"},
        {"INCRBYFLOAT s 1", NOT_FLOAT}, {"GET n", "'5201'"});
#undef NOT_FLOAT
}

static void test_growing_commands_answer_oom_and_change_nothing(void **state) {
    (void)state;
#define OOM "-OOM command not allowed when used memory > 'maxmemory'."
    SCENARIO({"SET k v", "+OK"}, {"@oom 1", NULL}, {"SET k w", OOM}, {"SETNX n v", OOM},
        {"SETEX n 1 v", OOM}, {"PSETEX n 1 v", OOM}, {"GETSET k w", OOM}, {"MSET k w", OOM},
        {"MSETNX n w", OOM}, {"APPEND k w", OOM}, {"SETRANGE k 0 w", OOM}, {"INCR n", OOM},
        {"DECR n", OOM}, {"INCRBY n 1", OOM}, {"DECRBY n 1", OOM}, {"INCRBYFLOAT n 1", OOM},
        {"COPY k n", OOM}, {"GET k", "'v'"}, {"EXISTS n", "0"}, {"EXPIRE k 10", "1"},
        {"GETEX k PERSIST", "'v'"}, {"RENAME k l", "+OK"}, {"DEL l", "1"}, {"@oom 0", NULL},
        {"SET k v", "+OK"});
#undef OOM
}

static void test_values_and_keys_are_any_bytes(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct slice set[] = {SLICE("SET"), slice_of("k\0\r\n", 4), slice_of("\0\xff\n", 3)};
    assert_string_equal(world_run(&world, 3, set), "+OK");
    struct slice get[] = {SLICE("GET"), set[1]};
    world_run(&world, 2, get);
    assert_memory_equal(buf_slice(&world.out).data, "$3\r\n\0\xff\n\r\n", 9);
    world_close(&world);
}

static void test_commands_run_without_anyone_to_answer(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct reply nobody = {NULL, 2};
    struct slice argv[] = {SLICE("SET"), SLICE("k"), SLICE("v"), SLICE("GET")};
    struct call call = {.command = command_check(4, argv, &nobody),
        .argc = 4,
        .argv = argv,
        .keyspace = world.keyspace,
        .db = keyspace_db(world.keyspace, 0),
        .now_ms = 1,
        .read_clock_ms = 1,
        .reply = &nobody};
    call_run(&call);
    assert_string_equal(world_line(&world, "GET k"), "'v'");
    world_close(&world);
}

/* A request of a hundred words about one long value. */
static void test_what_small_requests_make_of_a_long_value_is_bounded(void **state) {
    (void)state;
    struct world world;
    struct slice words[60] = {SLICE("SORT"), SLICE("l"), SLICE("BY"), SLICE("nosort")};
    world_open(&world);
    world_line(&world, "SETRANGE v 33554432 x");
    world_line(&world, "RPUSH l a");
    for (uint32_t i = 4; i < 38; i += 2) {
        words[i] = SLICE("GET");
        words[i + 1] = SLICE("v*");
    }
    world_line(&world, "RENAME v va");
    words[38] = SLICE("STORE");
    words[39] = SLICE("d");
    assert_string_equal(
        world_run(&world, 40, words), "-ERR SORT would make more than 512 MiB of BY and GET");
    assert_string_equal(world_line(&world, "EXISTS d"), "0");
    words[0] = SLICE("MGET");
    for (uint32_t i = 1; i < 18; i++) words[i] = SLICE("va");
    assert_string_equal(
        world_run(&world, 18, words), "-ERR the reply would be larger than 512 MiB");
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_replaces_value_and_expiry),
        cmocka_unit_test(test_set_conditions_depend_on_presence),
        cmocka_unit_test(test_set_get_answers_the_old_value_whether_it_set_or_not),
        cmocka_unit_test(test_set_takes_each_form_of_expiry),
        cmocka_unit_test(test_set_refuses_times_that_are_none),
        cmocka_unit_test(test_setting_into_the_past_removes_the_key),
        cmocka_unit_test(test_setex_and_psetex),
        cmocka_unit_test(test_setnx_getset_getdel),
        cmocka_unit_test(test_getex_changes_only_the_expiry),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_append_grows_and_keeps_the_expiry),
        cmocka_unit_test(test_append_and_setrange_stop_at_the_limit),
        cmocka_unit_test(test_setrange_overwrites_and_fills_with_zeros),
        cmocka_unit_test(test_getrange_counts_from_both_ends),
        cmocka_unit_test(test_counters_keep_the_expiry_and_the_encoding),
        cmocka_unit_test(test_counters_refuse_what_does_not_fit),
        cmocka_unit_test(test_incrbyfloat_counts_in_long_doubles),
        cmocka_unit_test(test_growing_commands_answer_oom_and_change_nothing),
        cmocka_unit_test(test_values_and_keys_are_any_bytes),
        cmocka_unit_test(test_commands_run_without_anyone_to_answer),
        cmocka_unit_test(test_what_small_requests_make_of_a_long_value_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
