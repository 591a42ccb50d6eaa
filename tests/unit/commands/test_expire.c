#include "unit/commands/world.h"

#define NOT_INTEGER "-ERR value is not an integer or out of range"

static void test_expiry_counts_from_the_time_of_the_call(void **state) {
    (void)state;
    SCENARIO({"EXPIRE k 10", "0"}, {"SET k v", "+OK"}, {"TTL k", "-1"}, {"TTL none", "-2"},
        {"PTTL none", "-2"}, {"EXPIRETIME k", "-1"}, {"PEXPIRETIME none", "-2"},
        {"EXPIRE k 10", "1"}, {"PTTL k", "10000"}, {"EXPIRETIME k", "1010"},
        {"PEXPIRETIME k", "1010000"}, {"PEXPIRE k 1500", "1"}, {"TTL k", "2"},
        {"PEXPIRE k 1499", "1"}, {"TTL k", "1"}, {"EXPIREAT k 1100", "1"}, {"TTL k", "100"},
        {"PEXPIREAT k 1000500", "1"}, {"PTTL k", "500"}, {"EXPIRETIME k", "1001"},
        {"@now 1000499", NULL}, {"PTTL k", "1"}, {"TTL k", "0"}, {"@now 1000500", NULL},
        {"GET k", "nil"}, {"TTL k", "-2"}, {"EXPIRE k 10", "0"}, {"PERSIST k", "0"});
}

static void test_persist_takes_the_expiry_away_once(void **state) {
    (void)state;
    SCENARIO({"SET k v EX 10", "+OK"}, {"PERSIST k", "1"}, {"PERSIST k", "0"}, {"TTL k", "-1"},
        {"PERSIST none", "0"});
}

static void test_an_expiry_in_the_past_removes_the_key(void **state) {
    (void)state;
    SCENARIO({"SET k v", "+OK"}, {"EXPIRE k 0", "1"}, {"DBSIZE", "0"}, {"SET k v", "+OK"},
        {"EXPIRE k -1", "1"}, {"DBSIZE", "0"}, {"SET k v", "+OK"}, {"EXPIREAT k 1000", "1"},
        {"DBSIZE", "0"}, {"SET k v", "+OK"}, {"PEXPIREAT k -5", "1"}, {"DBSIZE", "0"},
        {"SET k v", "+OK"}, {"PEXPIRE k -9223372036854775808", "1"}, {"DBSIZE", "0"});
}

static void test_conditions_compare_with_the_expiry_that_is_there(void **state) {
    (void)state;
    SCENARIO({"SET k v", "+OK"}, {"EXPIRE k 10 XX", "0"}, {"EXPIRE k 10 GT", "0"},
        {"EXPIRE k 10 NX", "1"}, {"EXPIRE k 20 NX", "0"}, {"EXPIRE k 20 XX", "1"}, {"TTL k", "20"},
        {"EXPIRE k 20 GT", "0"}, {"EXPIRE k 20 LT", "0"}, {"EXPIRE k 21 gt", "1"},
        {"EXPIRE k 5 lt", "1"}, {"TTL k", "5"}, {"EXPIRE k 9 XX GT", "1"},
        {"EXPIRE k 3 LT XX", "1"}, {"PERSIST k", "1"}, {"EXPIRE k 3 LT XX", "0"},
        {"EXPIRE k 3 LT", "1"}, {"TTL k", "3"}, {"EXPIRE k -1 GT", "0"}, {"EXPIRE k -1 LT", "1"},
        {"EXISTS k", "0"});
}

static void test_conditions_that_exclude_each_other_are_refused(void **state) {
    (void)state;
#define WITH_NX "-ERR NX and XX, GT or LT options at the same time are not compatible"
    SCENARIO({"EXPIRE k 1 NX XX", WITH_NX}, {"EXPIRE k 1 GT NX", WITH_NX},
        {"EXPIRE k 1 NX LT", WITH_NX},
        {"EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible"},
        {"EXPIRE k 1 FOO", "-ERR Unsupported option FOO"},
        {"EXPIRE k x FOO", "-ERR Unsupported option FOO"}, {"EXPIRE k x", NOT_INTEGER},
        {"EXPIRE k 1 NX NX", "0"});
#undef WITH_NX
}

static void test_times_that_overflow_are_refused(void **state) {
    (void)state;
    SCENARIO({"SET k v", "+OK"},
        {"EXPIRE k 9223372036854776", "-ERR invalid expire time in 'expire' command"},
        {"EXPIRE k -9223372036854776", "-ERR invalid expire time in 'expire' command"},
        {"EXPIRE k 9223372036854775", "-ERR invalid expire time in 'expire' command"},
        {"EXPIREAT k 9223372036854776", "-ERR invalid expire time in 'expireat' command"},
        {"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
        {"EXPIRE k 9223372036854775808", NOT_INTEGER}, {"TTL k", "-1"},
        {"PEXPIREAT k 9223372036854775807", "1"}, {"PEXPIRETIME k", "9223372036854775806"},
        {"EXPIRETIME k", "9223372036854776"}, {"PERSIST k", "1"});
}

/* DESIGN 7: a read at clock c that meets a key with state time < due <= c waits. */
static void test_reads_wait_for_a_key_that_is_due_by_their_clock_only(void **state) {
    (void)state;
#define WAITS "(must wait)"
    SCENARIO({"SET k v PX 10", "+OK"}, {"@clock 1000009", NULL}, {"GET k", "'v'"}, {"PTTL k", "1"},
        {"@clock 1000010", NULL}, {"GET k", WAITS}, {"MGET a k", WAITS}, {"STRLEN k", WAITS},
        {"GETRANGE k 0 1", WAITS}, {"EXISTS a k", WAITS}, {"TOUCH k", WAITS}, {"TYPE k", WAITS},
        {"TTL k", WAITS}, {"PTTL k", WAITS}, {"EXPIRETIME k", WAITS}, {"PEXPIRETIME k", WAITS},
        {"KEYS *", WAITS}, {"SCAN 0", WAITS}, {"RANDOMKEY", WAITS}, {"OBJECT ENCODING k", WAITS},
        {"OBJECT REFCOUNT k", WAITS}, {"GET a", "nil"}, {"KEYS a*", "[]"}, {"DBSIZE", "1"},
        /* once the state has come that far the key is dead for good */
        {"@now 1000010", NULL}, {"GET k", "nil"}, {"KEYS *", "[]"}, {"SCAN 0", "['0' []]"},
        {"RANDOMKEY", "nil"}, {"DBSIZE", "1"});
#undef WAITS
}

static void test_writes_go_by_state_time_alone(void **state) {
    (void)state;
    SCENARIO({"SET k v PX 10", "+OK"}, {"@clock 2000000", NULL}, {"GETEX k", "'v'"},
        {"APPEND k w", "2"}, {"SET k x XX KEEPTTL", "+OK"}, {"EXPIRE k 5", "1"}, {"DEL k", "1"});
}

static void test_times_to_live_are_counted_from_the_readers_clock(void **state) {
    (void)state;
    SCENARIO({"SET k v EX 10", "+OK"}, {"@clock 1004000", NULL}, {"TTL k", "6"}, {"PTTL k", "6000"},
        {"PEXPIRETIME k", "1010000"});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry_counts_from_the_time_of_the_call),
        cmocka_unit_test(test_persist_takes_the_expiry_away_once),
        cmocka_unit_test(test_an_expiry_in_the_past_removes_the_key),
        cmocka_unit_test(test_conditions_compare_with_the_expiry_that_is_there),
        cmocka_unit_test(test_conditions_that_exclude_each_other_are_refused),
        cmocka_unit_test(test_times_that_overflow_are_refused),
        cmocka_unit_test(test_reads_wait_for_a_key_that_is_due_by_their_clock_only),
        cmocka_unit_test(test_writes_go_by_state_time_alone),
        cmocka_unit_test(test_times_to_live_are_counted_from_the_readers_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
