/* Due times of fields: HEXPIRE, HTTL and their kin, and what other commands make of them. */
#include "unit/commands/world.h"

#define NO_FIELDS "-ERR Mandatory argument FIELDS is missing or not at the right position"
#define NOT_EQUAL "-ERR The `numfields` parameter must match the number of arguments"
#define NO_NUMBER "-ERR Number of fields must be a positive integer"
#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define NOT_INTEGER "-ERR value is not an integer or out of range"

/* Each scenario in both forms. */
#define SCENARIOS(...)                                                                             \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        run_forms(steps, SF_LENGTH(steps));                                                        \
    } while (0)

static void run_forms(const struct step *steps, size_t n) {
    for (int64_t entries = 0; entries <= 512; entries += 512) {
        struct world world;
        world_open(&world);
        world.thresholds.hash_max_listpack_entries = entries;
        for (size_t i = 0; i < n; i++) {
            const char *reply = world_line(&world, steps[i].command);
            if (steps[i].reply == NULL) continue;
            if (strcmp(reply, steps[i].reply) == 0) continue;
            fail_msg("%s\n  gives %s\n  not   %s", steps[i].command, reply, steps[i].reply);
        }
        world_close(&world);
    }
}

static void test_a_field_dies_at_its_time_and_the_others_live(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2 c 3", "3"}, {"HPEXPIRE h 100 FIELDS 1 a", "[1]"},
        {"HPTTL h FIELDS 3 a b x", "[100 -1 -2]"}, {"@now 1000099", NULL}, {"HGET h a", "'1'"},
        {"HTTL h FIELDS 1 a", "[1]"}, {"HPTTL h FIELDS 1 a", "[1]"}, {"HLEN h", "3"},
        {"@now 1000100", NULL}, {"HGET h a", "nil"}, {"HEXISTS h a", "0"}, {"HSTRLEN h a", "0"},
        {"HMGET h a b", "[nil '2']"}, {"HLEN h", "2"}, {"HRANDFIELD h 9 WITHVALUES", NULL},
        {"HPTTL h FIELDS 2 a b", "[-2 -1]"}, {"HPEXPIRETIME h FIELDS 1 a", "[-2]"},
        {"HSETNX h a 9", "1"}, {"HPTTL h FIELDS 1 a", "[-1]"}, {"HLEN h", "3"});
}

static void test_no_command_shows_a_dead_field(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h PX 10 FIELDS 1 a 1", "1"}, {"HSET h b 2", "1"}, {"@now 1000010", NULL},
        {"HGETALL h", "['b' '2']"}, {"HKEYS h", "['b']"}, {"HVALS h", "['2']"},
        {"HSCAN h 0", "['0' ['b' '2']]"}, {"HRANDFIELD h", "'b'"}, {"HRANDFIELD h 5", "['b']"},
        {"HRANDFIELD h -3", "['b' 'b' 'b']"}, {"HRANDFIELD h 2 WITHVALUES", "['b' '2']"},
        {"RPUSH l h", "1"}, {"SORT l BY nosort GET *->a GET *->b", "[nil '2']"},
        {"HPERSIST h FIELDS 2 a b", "[-2 -1]"}, {"HDEL h a", "0"}, {"HLEN h", "1"});
}

static void test_a_hash_dies_with_the_last_of_its_fields(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h PX 10 FIELDS 2 a 1 b 2", "1"}, {"HPEXPIRE h 20 FIELDS 1 b", "[1]"},
        {"HSET w a 1", "1"}, {"HPEXPIRE w 10 FIELDS 1 a", "[1]"}, {"@now 1000010", NULL},
        {"EXISTS h w", "1"}, {"RPUSH w 1", "1"}, {"TYPE w", "+list"},
        {"HSETEX s PX 10 FIELDS 1 a 1", "1"}, {"@now 1000020", NULL}, {"HLEN h", "0"},
        {"HGETALL h", "[]"}, {"HRANDFIELD h", "nil"}, {"HRANDFIELD h 3", "[]"},
        {"HSCAN h 0", "['0' []]"}, {"EXISTS h", "0"}, {"TYPE h", "+none"}, {"HDEL h a", "0"},
        {"HGETDEL h FIELDS 1 b", "[nil]"}, {"KEYS *", "['w']"}, {"RANDOMKEY", "'w'"},
        {"TTL h", "-2"}, {"RENAME h x", "-ERR no such key"}, {"DEL h", "0"}, {"SET s 1", "+OK"},
        {"GET s", "'1'"}, {"DEL w s", "2"}, {"HSETEX h PX 1 FIELDS 1 a 1", "1"},
        {"@now 1000021", NULL}, {"RANDOMKEY", "nil"}, {"HSET h b 1", "1"}, {"HLEN h", "1"});
}

static void test_reads_wait_for_a_hash_that_dies_with_its_fields(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h PX 10 FIELDS 1 a 1", "1"}, {"@clock 1000009", NULL}, {"EXISTS h", "1"},
        {"@clock 1000010", NULL}, {"EXISTS h", "(must wait)"}, {"TYPE h", "(must wait)"},
        {"HLEN h", "(must wait)"}, {"@now 1000010", NULL}, {"EXISTS h", "0"});
}

static void test_setting_a_field_takes_its_due_time_and_counting_keeps_it(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h PX 100 FIELDS 4 a 1 b 2 c 3 d 4", "1"}, {"HSET h a 5", "0"},
        {"HINCRBY h b 5", "7"}, {"HINCRBYFLOAT h c 0.5", "'3.5'"}, {"HSETNX h d 1", "0"},
        {"HPTTL h FIELDS 4 a b c d", "[-1 100 100 100]"}, {"HMSET h b 1 c 1", "+OK"},
        {"HPTTL h FIELDS 4 a b c d", "[-1 -1 -1 100]"}, {"@now 1000100", NULL},
        {"HINCRBY h d 5", "5"}, {"HPTTL h FIELDS 1 d", "[-1]"});
}

static void test_a_dead_field_that_is_set_counts_as_new(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h PX 10 FIELDS 2 a 1 b x", "1"}, {"@now 1000010", NULL},
        {"HSET h a 2 b 2 c 2", "3"}, {"HLEN h", "3"}, {"HPTTL h FIELDS 1 a", "[-1]"});
}

static void test_conditions_compare_with_the_due_time_that_is_there(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2", "2"}, {"HPEXPIRE h 100 XX FIELDS 1 a", "[0]"},
        {"HPEXPIRE h 100 GT FIELDS 1 a", "[0]"}, {"HPEXPIRE h 100 NX FIELDS 2 a x", "[1 -2]"},
        {"HPEXPIRE h 100 NX FIELDS 2 a b", "[0 1]"}, {"HPEXPIRE h 100 gt FIELDS 1 a", "[0]"},
        {"HPEXPIRE h 101 GT FIELDS 1 a", "[1]"}, {"HPEXPIRE h 101 LT FIELDS 1 a", "[0]"},
        {"HPEXPIRE h 50 lt FIELDS 1 a", "[1]"}, {"HPEXPIRE h 70 XX FIELDS 1 a", "[1]"},
        {"HPERSIST h FIELDS 1 a", "[1]"}, {"HPEXPIRE h 9 LT FIELDS 1 a", "[1]"},
        {"HPTTL h FIELDS 2 a b", "[9 100]"});
}

static void test_a_due_time_in_the_past_removes_the_field(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2 c 3", "3"}, {"HEXPIRE h 1000 FIELDS 1 c", "[1]"},
        {"HPEXPIREAT h 1 NX FIELDS 4 a b x c", "[2 2 -2 0]"}, {"HGETALL h", "['c' '3']"},
        {"HEXPIRE h 0 FIELDS 2 c c", "[2 -2]"}, {"EXISTS h", "0"},
        {"HEXPIRE h 0 FIELDS 2 c c", "[-2 -2]"}, {"EXISTS h", "0"});
}

static void test_times_are_relative_or_absolute_in_seconds_or_less(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1", "1"}, {"HEXPIRE h 10 FIELDS 1 a", "[1]"},
        {"HPEXPIRETIME h FIELDS 1 a", "[1010000]"}, {"HEXPIRETIME h FIELDS 2 a x", "[1010 -2]"},
        {"HEXPIREAT h 2000 FIELDS 1 a", "[1]"}, {"HTTL h FIELDS 1 a", "[1000]"},
        {"HPEXPIREAT h 1000001 FIELDS 1 a", "[1]"}, {"HTTL h FIELDS 1 a", "[1]"},
        {"HEXPIRETIME h FIELDS 1 a", "[1001]"}, {"HTTL none FIELDS 2 a b", "[-2 -2]"},
        {"HPERSIST none FIELDS 1 a", "[-2]"}, {"HEXPIRE none 1 FIELDS 1 a", "[-2]"},
        {"EXISTS none", "0"});
}

static void test_bad_requests_are_refused_in_redis_words(void **state) {
    (void)state;
#define BAD(of) "-ERR invalid expire time in '" of "' command"
    SCENARIOS({"SET s 1", "+OK"}, {"HSET h a 1", "1"}, {"HEXPIRE s x FIELDS 1 a", WRONG_TYPE},
        {"HTTL s FIELDS 1 a", WRONG_TYPE}, {"HPERSIST s FIELDS 1 a", WRONG_TYPE},
        {"HGETEX s FIELDS 1 a", WRONG_TYPE}, {"HGETDEL s FIELDS 1 a", WRONG_TYPE},
        {"HSETEX s FIELDS 1 a 1", WRONG_TYPE}, {"HEXPIRE h x FIELDS 1 a", NOT_INTEGER},
        {"HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"},
        {"HEXPIRE h 70368744178 FIELDS 1 a", BAD("hexpire")},
        {"HPEXPIRE h 70368743177664 FIELDS 1 a", BAD("hpexpire")},
        {"HPEXPIREAT h 70368744177664 FIELDS 1 a", BAD("hpexpireat")},
        {"HPEXPIREAT h 70368744177663 FIELDS 1 a", "[1]"},
        {"HEXPIRE h 10 FOO FIELDS 1 a", NO_FIELDS}, {"HEXPIRE h 10 NX XX FIELDS 1 a", NO_FIELDS},
        {"HEXPIRE h 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"},
        {"HEXPIRE h 10 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"},
        {"HEXPIRE h 10 FIELDS 2 a", NOT_EQUAL}, {"HEXPIRE h 10 FIELDS 1 a b", NOT_EQUAL},
        {"HEXPIRE h 10 NX FIELDS 1", NOT_EQUAL}, {"HTTL h FOO 1 a", NO_FIELDS},
        {"HTTL h FIELDS 0 a", NO_NUMBER}, {"HPTTL h FIELDS 9223372036854775808 a", NO_NUMBER},
        {"HEXPIRETIME h FIELDS 1 a b", NOT_EQUAL}, {"HPERSIST h FIELDS 3 a b", NOT_EQUAL},
        {"HGETDEL h FOO 1 a", NO_FIELDS}, {"HGETDEL h FIELDS -1 a", NO_NUMBER},
        {"HGETEX h EX 1 FIELDS", "-ERR wrong number of arguments for 'hgetex' command"},
        {"HGETEX h PERSIST FIELDS 1", NOT_EQUAL}, {"HGETEX h PXAT 1 1", NO_FIELDS},
        {"HGETEX h EX bla FIELDS 1 a", NOT_INTEGER},
        {"HGETEX h EX -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"},
        {"HGETEX h PX 70368744177663 FIELDS 1 a", BAD("hgetex")});
#undef BAD
}

static void test_hsetex_checks_its_words_first(void **state) {
    (void)state;
#define ARITY "-ERR wrong number of arguments for 'hsetex' command"
#define ONE_TIME "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
#define ONE_IF "-ERR Only one of FXX or FNX arguments can be specified"
    SCENARIOS({"HSETEX h FIELDS 1 a", ARITY}, {"HSETEX h FIELDS 2 a b c", ARITY},
        {"HSETEX h FIELDS 1 a b c", ARITY}, {"HSETEX h FIELDS 1 a b c d", ARITY},
        {"HSETEX h NX FIELDS 1 a b", "-ERR unknown argument: NX"},
        {"HSETEX h FXX FXX FIELDS 1 a b", ONE_IF}, {"HSETEX h FNX FXX FIELDS 1 a b", ONE_IF},
        {"HSETEX h EX 1 PX 1 FIELDS 1 a b", ONE_TIME},
        {"HSETEX h KEEPTTL EX 1 FIELDS 1 a b", ONE_TIME},
        {"HSETEX h KEEPTTL KEEPTTL FIELDS 1 a b", ONE_TIME},
        {"HSETEX h EX FIELDS 1 a b", NOT_INTEGER},
        {"HSETEX h a b c EX", "-ERR unknown argument: a"}, {"HSETEX h FNX EX 1 EXAT", ONE_TIME},
        {"HSETEX h FNX FIELDS x a b", "-ERR invalid number of fields"},
        {"HSETEX h FIELDS 0 a b", "-ERR invalid number of fields"},
        {"HSETEX h EXAT -1 FIELDS 1 a b", "-ERR invalid expire time, must be >= 0"},
        {"HSETEX h EX 281474976710656 1 a b", "-ERR invalid expire time in 'hsetex' command"},
        {"EXISTS h", "0"});
#undef ARITY
#undef ONE_TIME
#undef ONE_IF
}

static void test_hsetex_sets_all_or_nothing(void **state) {
    (void)state;
    SCENARIOS({"HSETEX h FXX FIELDS 1 a 1", "0"}, {"EXISTS h", "0"},
        {"HSETEX h FNX EX 10 FIELDS 2 a 1 b 2", "1"}, {"HTTL h FIELDS 2 a b", "[10 10]"},
        {"HSETEX h FNX FIELDS 2 b 9 c 9", "0"}, {"HSETEX h FXX FIELDS 2 b 9 c 9", "0"},
        {"HLEN h", "2"}, {"HSETEX h FXX KEEPTTL FIELDS 2 a 3 b 4", "1"},
        {"HMGET h a b", "['3' '4']"}, {"HTTL h FIELDS 2 a b", "[10 10]"},
        {"HSETEX h KEEPTTL FIELDS 1 n 1", "1"}, {"HTTL h FIELDS 1 n", "[-1]"},
        {"HSETEX h FIELDS 1 a 5", "1"}, {"HTTL h FIELDS 2 a b", "[-1 10]"},
        {"HSETEX h PX 50 FXX FIELDS 1 a 5", "1"}, {"HPTTL h FIELDS 1 a", "[50]"},
        {"HSETEX h EXAT 1005 FIELDS 1 a 5", "1"}, {"HPTTL h FIELDS 1 a", "[5000]"},
        {"HSETEX h PXAT 1 FIELDS 2 a 5 z 6", "1"}, {"HMGET h a z", "[nil nil]"},
        {"HSETEX none PXAT 1 FIELDS 1 a 5", "1"}, {"EXISTS none", "0"}, {"@now 1010000", NULL},
        {"HSETEX h FXX FIELDS 1 b 1", "0"}, {"HSETEX h FNX FIELDS 1 b 1", "1"});
}

static void test_hgetex_and_hgetdel_give_the_values_first(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2 c 3", "3"}, {"HGETEX h FIELDS 2 a x", "['1' nil]"},
        {"HGETEX none EX 1 FIELDS 2 a x", "[nil nil]"}, {"EXISTS none", "0"},
        {"HGETEX h EX 10 FIELDS 2 a x", "['1' nil]"}, {"HTTL h FIELDS 2 a b", "[10 -1]"},
        {"HGETEX h FIELDS 1 a", "['1']"}, {"HTTL h FIELDS 1 a", "[10]"},
        {"HGETEX h PERSIST FIELDS 2 a b", "['1' '2']"}, {"HTTL h FIELDS 1 a", "[-1]"},
        {"HGETEX h PXAT 1 FIELDS 2 a a", "['1' nil]"}, {"HLEN h", "2"},
        {"HGETDEL h FIELDS 3 b b x", "['2' nil nil]"}, {"HGETDEL h FIELDS 1 c", "['3']"},
        {"EXISTS h", "0"}, {"HGETDEL h FIELDS 1 c", "[nil]"});
}

static void test_due_times_go_with_the_value(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2", "2"}, {"HPEXPIRE h 100 FIELDS 1 a", "[1]"}, {"COPY h c", "1"},
        {"HPTTL c FIELDS 2 a b", "[100 -1]"}, {"RENAME h r", "+OK"},
        {"HPTTL r FIELDS 2 a b", "[100 -1]"}, {"PEXPIRE r 500", "1"},
        {"HPTTL r FIELDS 2 a b", "[100 -1]"}, {"PERSIST r", "1"}, {"MOVE r 3", "1"},
        {"@db 3", NULL}, {"HPTTL r FIELDS 2 a b", "[100 -1]"}, {"HPERSIST r FIELDS 1 a", "[1]"},
        {"@db 0", NULL}, {"HPTTL c FIELDS 2 a b", "[100 -1]"}, {"SET c 1", "+OK"}, {"DEL c", "1"});
}

static void test_the_form_has_redis_names(void **state) {
    (void)state;
    SCENARIO({"HSET h a 1", "1"}, {"OBJECT ENCODING h", "'listpack'"},
        {"HEXPIRE h 10 FIELDS 1 x", "[-2]"}, {"OBJECT ENCODING h", "'listpack'"},
        {"HEXPIRE h 10 FIELDS 1 a", "[1]"}, {"OBJECT ENCODING h", "'listpackex'"},
        {"HPERSIST h FIELDS 1 a", "[1]"}, {"OBJECT ENCODING h", "'listpackex'"},
        {"HEXPIRE h 10 FIELDS 1 a", "[1]"},
        {"HSET h b aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1"},
        {"OBJECT ENCODING h", "'hashtable'"}, {"HTTL h FIELDS 2 a b", "[10 -1]"});
}

static void test_reads_wait_for_fields_that_are_due_by_the_readers_clock(void **state) {
    (void)state;
    SCENARIOS({"HSET h a 1 b 2", "2"}, {"HPEXPIRE h 100 FIELDS 1 a", "[1]"}, {"RPUSH l h", "1"},
        {"@clock 1000099", NULL}, {"HGET h a", "'1'"}, {"HLEN h", "2"},
        {"HPTTL h FIELDS 1 a", "[1]"}, {"@clock 1000100", NULL}, {"HGET h a", "(must wait)"},
        {"HGET h b", "'2'"}, {"HMGET h b a", "(must wait)"}, {"HMGET h b", "['2']"},
        {"HEXISTS h a", "(must wait)"}, {"HSTRLEN h a", "(must wait)"}, {"HLEN h", "(must wait)"},
        {"HGETALL h", "(must wait)"}, {"HKEYS h", "(must wait)"}, {"HVALS h", "(must wait)"},
        {"HSCAN h 0", "(must wait)"}, {"HRANDFIELD h", "(must wait)"},
        {"HRANDFIELD h 1", "(must wait)"}, {"HTTL h FIELDS 1 a", "(must wait)"},
        {"HTTL h FIELDS 1 b", "[-1]"}, {"HEXPIRETIME h FIELDS 1 a", "(must wait)"},
        {"SORT_RO l BY nosort GET *->a", "(must wait)"}, {"EXISTS h", "1"}, {"@now 1000100", NULL},
        {"HGET h a", "nil"}, {"HLEN h", "1"});
}

static void test_picks_among_the_living_are_living_and_different(void **state) {
    (void)state;
    for (int64_t entries = 0; entries <= 512; entries += 512) {
        struct world world;
        world_open(&world);
        world.thresholds.hash_max_listpack_entries = entries;
        char line[64];
        for (int i = 0; i < 100; i++) {
            snprintf(
                line, sizeof line, "HSETEX h PX %d FIELDS 1 f%02d v", i % 4 == 0 ? 500 : 10, i);
            assert_string_equal(world_line(&world, line), "1");
        }
        world.now_ms += 10;
        for (int n = 1; n < 40; n++) {
            snprintf(line, sizeof line, "HRANDFIELD h %d", n);
            const char *reply = world_line(&world, line);
            bool seen[100] = {false};
            int found = 0;
            for (const char *at = strstr(reply, "'f"); at != NULL; at = strstr(at + 4, "'f")) {
                int number = atoi(at + 2);
                assert_int_equal(number % 4, 0);
                assert_false(seen[number]);
                seen[number] = true;
                found++;
            }
            assert_int_equal(found, n < 25 ? n : 25);
        }
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_dies_at_its_time_and_the_others_live),
        cmocka_unit_test(test_no_command_shows_a_dead_field),
        cmocka_unit_test(test_a_hash_dies_with_the_last_of_its_fields),
        cmocka_unit_test(test_reads_wait_for_a_hash_that_dies_with_its_fields),
        cmocka_unit_test(test_setting_a_field_takes_its_due_time_and_counting_keeps_it),
        cmocka_unit_test(test_a_dead_field_that_is_set_counts_as_new),
        cmocka_unit_test(test_conditions_compare_with_the_due_time_that_is_there),
        cmocka_unit_test(test_a_due_time_in_the_past_removes_the_field),
        cmocka_unit_test(test_times_are_relative_or_absolute_in_seconds_or_less),
        cmocka_unit_test(test_bad_requests_are_refused_in_redis_words),
        cmocka_unit_test(test_hsetex_checks_its_words_first),
        cmocka_unit_test(test_hsetex_sets_all_or_nothing),
        cmocka_unit_test(test_hgetex_and_hgetdel_give_the_values_first),
        cmocka_unit_test(test_due_times_go_with_the_value),
        cmocka_unit_test(test_the_form_has_redis_names),
        cmocka_unit_test(test_reads_wait_for_fields_that_are_due_by_the_readers_clock),
        cmocka_unit_test(test_picks_among_the_living_are_living_and_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
