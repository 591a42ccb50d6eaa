#include "unit/commands/world.h"

#define SYNTAX "-ERR syntax error"
#define NOT_INTEGER "-ERR value is not an integer or out of range"
#define NOT_INT "-ERR value is out of range, value must between -2147483648 and 2147483647"
#define DB_RANGE "-ERR DB index is out of range"
#define SAME "-ERR source and destination objects are the same"

/* -- names ------------------------------------------------------------------------------------- */

static void test_removing_and_counting(void **state) {
    (void)state;
    SCENARIO({"MSET a 1 b 2 c 3", "+OK"}, {"EXISTS a b a none", "3"}, {"TOUCH a b a none", "3"},
        {"TYPE a", "+string"}, {"TYPE none", "+none"}, {"DEL a none a", "1"}, {"UNLINK b c d", "2"},
        {"DBSIZE", "0"}, {"DEL", "-ERR wrong number of arguments for 'del' command"});
}

static void test_rename_takes_value_and_expiry_along(void **state) {
    (void)state;
    SCENARIO({"RENAME a b", "-ERR no such key"}, {"RENAMENX a a", "-ERR no such key"},
        {"SET a 1 EX 10", "+OK"}, {"SET b 2", "+OK"}, {"RENAME a a", "+OK"}, {"RENAMENX a a", "0"},
        {"TTL a", "10"}, {"RENAMENX a b", "0"}, {"RENAME a b", "+OK"}, {"GET b", "'1'"},
        {"TTL b", "10"}, {"EXISTS a", "0"}, {"RENAMENX b c", "1"}, {"TTL c", "10"},
        {"DBSIZE", "1"});
}

static void test_a_dead_key_does_not_stand_in_the_way(void **state) {
    (void)state;
    SCENARIO({"SET a 1", "+OK"}, {"SET b 2 PX 10", "+OK"}, {"@now 1000010", NULL},
        {"RENAME b c", "-ERR no such key"}, {"COPY a b", "1"}, {"TTL b", "-1"},
        {"SET d 1 PX 10", "+OK"}, {"@now 1000020", NULL}, {"RENAMENX a d", "1"}, {"TTL d", "-1"},
        {"SET e 1 PX 10", "+OK"}, {"@now 1000030", NULL}, {"DEL e", "0"}, {"SETNX e 1", "1"},
        {"APPEND e 1", "2"}, {"TTL e", "-1"});
}

static void test_copy_keeps_source_expiry_and_encoding(void **state) {
    (void)state;
    SCENARIO({"COPY a b", "0"}, {"SET a 1 EX 10", "+OK"}, {"COPY a b", "1"}, {"TTL b", "10"},
        {"OBJECT ENCODING b", "'int'"}, {"SET a 2", "+OK"}, {"COPY a b", "0"}, {"GET b", "'1'"},
        {"COPY a b REPLACE", "1"}, {"GET b", "'2'"}, {"TTL b", "-1"}, {"COPY a a", SAME},
        {"COPY a a DB 1", "1"}, {"COPY a a DB 1", "0"}, {"COPY a a replace db 1", "1"},
        {"COPY a a DB 0", SAME}, {"@db 1", NULL}, {"GET a", "'2'"}, {"@db 0", NULL},
        {"APPEND r 1", "1"}, {"APPEND r 2", "2"}, {"COPY r s", "1"}, {"OBJECT ENCODING s", "'raw'"},
        {"GET s", "'12'"}, {"COPY a b FOO", SYNTAX}, {"COPY a b DB", SYNTAX},
        {"COPY a b DB x", NOT_INTEGER}, {"COPY a b DB 16", DB_RANGE}, {"COPY a b DB -1", DB_RANGE},
        {"COPY a b DB 3000000000", NOT_INT});
}

static void test_move_changes_the_database(void **state) {
    (void)state;
    SCENARIO({"MOVE a 1", "0"}, {"SET a 1 EX 10", "+OK"}, {"MOVE a 1", "1"}, {"EXISTS a", "0"},
        {"SET a 2", "+OK"}, {"MOVE a 1", "0"}, {"MOVE a 0", SAME}, {"MOVE a 16", DB_RANGE},
        {"MOVE a -1", DB_RANGE}, {"MOVE a x", NOT_INTEGER}, {"MOVE a 3000000000", NOT_INT},
        {"@db 1", NULL}, {"GET a", "'1'"}, {"TTL a", "10"});
}

/* -- databases --------------------------------------------------------------------------------- */

static void test_swapdb_exchanges_databases(void **state) {
    (void)state;
    SCENARIO({"SET a 0", "+OK"}, {"@db 1", NULL}, {"MSET a 1 b 1", "+OK"}, {"SWAPDB 0 1", "+OK"},
        {"DBSIZE", "1"}, {"GET a", "'0'"}, {"SWAPDB 3 3", "+OK"},
        {"SWAPDB x 1", "-ERR invalid first DB index"},
        {"SWAPDB 1 x", "-ERR invalid second DB index"},
        {"SWAPDB 3000000000 1", "-ERR invalid first DB index"}, {"SWAPDB 0 16", DB_RANGE},
        {"SWAPDB -1 0", DB_RANGE});
}

static void test_flushing_one_database_or_all(void **state) {
    (void)state;
    SCENARIO({"SET a 0", "+OK"}, {"@db 1", NULL}, {"SET a 1", "+OK"}, {"FLUSHDB", "+OK"},
        {"DBSIZE", "0"}, {"@db 0", NULL}, {"DBSIZE", "1"}, {"FLUSHALL x", SYNTAX},
        {"FLUSHALL sync async", SYNTAX}, {"FLUSHDB x", SYNTAX}, {"DBSIZE", "1"},
        {"FLUSHALL ASYNC", "+OK"}, {"DBSIZE", "0"}, {"FLUSHDB sync", "+OK"}, {"FLUSHALL", "+OK"});
}

/* -- going through keys ------------------------------------------------------------------------ */

static void test_keys_matches_patterns_and_skips_the_dead(void **state) {
    (void)state;
    SCENARIO({"KEYS *", "[]"}, {"MSET abc 1", "+OK"}, {"SET xyz 1 PX 5", "+OK"},
        {"KEYS a?c", "['abc']"}, {"KEYS A*", "[]"}, {"KEYS x[a-z]z", "['xyz']"},
        {"@now 1000005", NULL}, {"KEYS *", "['abc']"}, {"DBSIZE", "2"});
}

static void test_scan_options(void **state) {
    (void)state;
    SCENARIO({"MSET abc 1", "+OK"}, {"SCAN 0", "['0' ['abc']]"},
        {"SCAN 0 MATCH x* COUNT 100", "['0' []]"}, {"SCAN 0 match a*", "['0' ['abc']]"},
        {"SCAN 0 MATCH x* MATCH *", "['0' ['abc']]"}, {"SCAN 0 TYPE STRING", "['0' ['abc']]"},
        {"SCAN 0 TYPE list", "['0' []]"}, {"SCAN 0 TYPE nonsense", "['0' []]"},
        {"SCAN ''", "['0' ['abc']]"}, {"SCAN +0", "['0' ['abc']]"},
        {"SCAN x", "-ERR invalid cursor"}, {"SCAN ' 0'", "-ERR invalid cursor"},
        {"SCAN 0x", "-ERR invalid cursor"}, {"SCAN -", "-ERR invalid cursor"},
        {"SCAN 18446744073709551616", "-ERR invalid cursor"},
        {"SCAN 18446744073709551615", "['0' []]"}, {"SCAN -1", "['0' []]"},
        {"SCAN 0 COUNT 0", SYNTAX}, {"SCAN 0 COUNT -5", SYNTAX}, {"SCAN 0 COUNT x", NOT_INTEGER},
        {"SCAN 0 COUNT", SYNTAX}, {"SCAN 0 FOO 1", SYNTAX});
}

/* The cursor of a SCAN reply; counts its keys. */
static unsigned long long scan_parts(const char *reply, size_t *n_keys) {
    char *rest;
    unsigned long long cursor = strtoull(reply + 2, &rest, 10);
    for (const char *at = strchr(rest, '['); *at != '\0'; at++) *n_keys += at[0] == 'k';
    return cursor;
}

static void test_scan_comes_to_an_end_and_sees_every_key(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof(line), "SET k%d v", i);
        world_line(&world, line);
    }
    unsigned long long cursor = 0;
    size_t n_keys = 0, rounds = 0;
    do {
        char line[64];
        snprintf(line, sizeof(line), "SCAN %llu COUNT 7", cursor);
        cursor = scan_parts(world_line(&world, line), &n_keys);
        rounds++;
    } while (cursor != 0);
    assert_int_equal(n_keys, 1000);
    assert_in_range(rounds, 20, 1000 / 7 + 1);
    world_close(&world);
}

static void test_randomkey_finds_a_living_key(void **state) {
    (void)state;
    SCENARIO({"RANDOMKEY", "nil"}, {"MSET a 1", "+OK"}, {"SET b 1 PX 1", "+OK"},
        {"@now 1000001", NULL}, {"RANDOMKEY", "'a'"}, {"DEL a", "1"}, {"RANDOMKEY", "nil"});
}

/* -- OBJECT ------------------------------------------------------------------------------------ */

static void test_object_tells_how_a_value_is_held(void **state) {
    (void)state;
    SCENARIO({"SET i 12345", "+OK"}, {"SET e abc", "+OK"}, {"SET n 9999", "+OK"},
        {"SET r 123456789012345678901234567890123456789012345", "+OK"},
        {"OBJECT ENCODING i", "'int'"}, {"OBJECT ENCODING e", "'embstr'"},
        {"OBJECT encoding r", "'raw'"}, {"OBJECT ENCODING none", "nil"}, {"OBJECT REFCOUNT i", "1"},
        {"OBJECT REFCOUNT n", "2147483647"}, {"OBJECT REFCOUNT none", "nil"},
        {"OBJECT IDLETIME e", "0"}, {"OBJECT IDLETIME none", "nil"}, {"OBJECT FREQ none", "nil"},
        {"OBJECT FREQ e",
            "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            "note that when switching between policies at runtime LRU and LFU data will take some "
            "time to adjust."},
        {"OBJECT FOO e", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."},
        {"OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"},
        {"OBJECT", "-ERR wrong number of arguments for 'object' command"});
}

static void test_object_help_is_framed_as_in_redis(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    const char *help = world_line(&world, "OBJECT HELP");
    const char *head = "[+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
    const char *tail = "+HELP +    Print this help.]";
    assert_memory_equal(help, head, strlen(head));
    assert_string_equal(help + strlen(help) - strlen(tail), tail);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removing_and_counting),
        cmocka_unit_test(test_rename_takes_value_and_expiry_along),
        cmocka_unit_test(test_a_dead_key_does_not_stand_in_the_way),
        cmocka_unit_test(test_copy_keeps_source_expiry_and_encoding),
        cmocka_unit_test(test_move_changes_the_database),
        cmocka_unit_test(test_swapdb_exchanges_databases),
        cmocka_unit_test(test_flushing_one_database_or_all),
        cmocka_unit_test(test_keys_matches_patterns_and_skips_the_dead),
        cmocka_unit_test(test_scan_options),
        cmocka_unit_test(test_scan_comes_to_an_end_and_sees_every_key),
        cmocka_unit_test(test_randomkey_finds_a_living_key),
        cmocka_unit_test(test_object_tells_how_a_value_is_held),
        cmocka_unit_test(test_object_help_is_framed_as_in_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
