#include "unit/commands/world.h"

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static void test_fields_are_set_and_found(void **state) {
    (void)state;
    SCENARIO({"HSET h a 1 b 2", "2"}, {"HSET h a 3 c 4", "1"}, {"HGET h a", "'3'"},
        {"HGET h none", "nil"}, {"HGET none a", "nil"}, {"HMGET h a x c", "['3' nil '4']"},
        {"HGETALL h", "['a' '3' 'b' '2' 'c' '4']"}, {"HKEYS h", "['a' 'b' 'c']"},
        {"HVALS h", "['3' '2' '4']"}, {"HLEN h", "3"}, {"HSTRLEN h a", "1"}, {"HEXISTS h a", "1"},
        {"HEXISTS h x", "0"}, {"HSETNX h a 9", "0"}, {"HSETNX h d 9", "1"}, {"TYPE h", "+hash"},
        {"HSET h a", "-ERR wrong number of arguments for 'hset' command"},
        {"HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"},
        {"HMSET h a 1", "+OK"}, {"HDEL h a b c x", "3"}, {"HDEL h d", "1"}, {"EXISTS h", "0"});
}

static void test_whole_hashes_are_maps_in_resp3(void **state) {
    (void)state;
    SCENARIO({"@proto 3", NULL}, {"HSET h a 1 b 2", "2"}, {"HGETALL h", "{'a' '1' 'b' '2'}"},
        {"HGETALL none", "{}"}, {"HKEYS h", "['a' 'b']"}, {"HKEYS none", "[]"},
        {"HRANDFIELD h 5 WITHVALUES", "[['a' '1'] ['b' '2']]"}, {"@proto 2", NULL},
        {"HRANDFIELD h 5 WITHVALUES", "['a' '1' 'b' '2']"});
}

static void test_numbers_count_up_and_say_why_not(void **state) {
    (void)state;
    SCENARIO({"HINCRBY h n 5", "5"}, {"HINCRBY h n -7", "-2"}, {"HSET h t x", "1"},
        {"HINCRBY h t 1", "-ERR hash value is not an integer"},
        {"HINCRBYFLOAT h t 1", "-ERR hash value is not a float"},
        {"HINCRBY h n x", "-ERR value is not an integer or out of range"},
        {"HINCRBYFLOAT h n x", "-ERR value is not a valid float"},
        {"HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity"},
        {"HINCRBYFLOAT h n 0.5", "'-1.5'"}, {"HSET h m 9223372036854775807", "1"},
        {"HINCRBY h m 1", "-ERR increment or decrement would overflow"});
}

static void test_large_hashes_become_tables_and_stay_so(void **state) {
    (void)state;
    SCENARIO({"HSET h a 1", "1"}, {"OBJECT ENCODING h", "'listpack'"},
        {"HSET h a 0123456789012345678901234567890123456789012345678901234567890123", "0"},
        {"OBJECT ENCODING h", "'listpack'"},
        {"HSET h a 01234567890123456789012345678901234567890123456789012345678901234", "0"},
        {"OBJECT ENCODING h", "'hashtable'"}, {"HSET h a 1", "0"},
        {"OBJECT ENCODING h", "'hashtable'"}, {"COPY h c", "1"},
        {"OBJECT ENCODING c", "'hashtable'"}, {"HGETALL c", "['a' '1']"});
}

static void test_a_dead_hash_is_absent_and_begins_anew(void **state) {
    (void)state;
    SCENARIO({"HSET h a 1", "1"}, {"PEXPIRE h 10", "1"}, {"@now 1000010", NULL},
        {"HGET h a", "nil"}, {"HSET h b 2", "1"}, {"HGETALL h", "['b' '2']"}, {"TTL h", "-1"},
        {"PEXPIRE h 10", "1"}, {"@clock 1000025", NULL}, {"HGETALL h", "(must wait)"},
        {"HRANDFIELD h", "(must wait)"}, {"HSCAN h 0", "(must wait)"});
}

static void test_the_wrong_type_is_refused(void **state) {
    (void)state;
    SCENARIO({"SET s 1", "+OK"}, {"HSET s a 1", WRONG_TYPE}, {"HGET s a", WRONG_TYPE},
        {"HINCRBY s a 1", WRONG_TYPE}, {"HSCAN s 0", WRONG_TYPE}, {"HRANDFIELD s 1", WRONG_TYPE},
        {"HSET h a 1", "1"}, {"GET h", WRONG_TYPE}, {"APPEND h x", WRONG_TYPE},
        {"INCR h", WRONG_TYPE}, {"SET h 1 GET", WRONG_TYPE}, {"MGET h s", "[nil '1']"},
        {"SADD h a", WRONG_TYPE}, {"SET h 1", "+OK"}, {"GET h", "'1'"});
}

static void test_a_reply_without_end_is_refused(void **state) {
    (void)state;
#define TOO_MANY "-ERR more than 10000000 elements asked for at once"
    SCENARIO({"HSET h f v", "1"}, {"HRANDFIELD h -9223372036854775807", TOO_MANY},
        {"HRANDFIELD h -99999999 WITHVALUES", TOO_MANY}, {"HRANDFIELD h -2", "['f' 'f']"});
}

static void test_changes_grow_and_deletions_do_not(void **state) {
    (void)state;
#define OOM "-OOM command not allowed when used memory > 'maxmemory'."
    SCENARIO({"HSET h a 1", "1"}, {"@oom 1", NULL}, {"HSET h b 1", OOM}, {"HINCRBY h a 1", OOM},
        {"HDEL h a", "1"});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_set_and_found),
        cmocka_unit_test(test_whole_hashes_are_maps_in_resp3),
        cmocka_unit_test(test_numbers_count_up_and_say_why_not),
        cmocka_unit_test(test_large_hashes_become_tables_and_stay_so),
        cmocka_unit_test(test_a_dead_hash_is_absent_and_begins_anew),
        cmocka_unit_test(test_the_wrong_type_is_refused),
        cmocka_unit_test(test_a_reply_without_end_is_refused),
        cmocka_unit_test(test_changes_grow_and_deletions_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
