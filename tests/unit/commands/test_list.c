#include "unit/commands/world.h"

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static void test_elements_come_and_go_at_both_ends(void **state) {
    (void)state;
    SCENARIO({"RPUSH l b c", "2"}, {"LPUSH l a 1", "4"}, {"LRANGE l 0 -1", "['1' 'a' 'b' 'c']"},
        {"LPUSHX none x", "0"}, {"EXISTS none", "0"}, {"LPOP l", "'1'"}, {"RPOP l 2", "['c' 'b']"},
        {"LPOP l 0", "[]"}, {"LPOP l 9", "['a']"}, {"EXISTS l", "0"}, {"LPOP l", "nil"},
        {"SET s v", "+OK"}, {"LPUSH s a", WRONG_TYPE}, {"LLEN s", WRONG_TYPE});
}

static void test_elements_are_found_and_changed_in_the_middle(void **state) {
    (void)state;
    SCENARIO({"RPUSH l a b c a", "4"}, {"LINDEX l -2", "'c'"}, {"LINDEX l 4", "nil"},
        {"LSET l 1 B", "+OK"}, {"LSET l 4 x", "-ERR index out of range"},
        {"LINSERT l AFTER B x", "5"}, {"LINSERT l BEFORE y z", "-1"}, {"LPOS l a RANK -1", "4"},
        {"LPOS l a COUNT 0", "[0 4]"}, {"LREM l -1 a", "1"}, {"LTRIM l 1 2", "+OK"},
        {"LRANGE l 0 -1", "['B' 'x']"}, {"LTRIM l 5 9", "+OK"}, {"EXISTS l", "0"});
}

static void test_an_element_moves_within_one_list_and_between_two(void **state) {
    (void)state;
    SCENARIO({"RPUSH l a b c", "3"}, {"LMOVE l l LEFT RIGHT", "'a'"}, {"RPOPLPUSH l m", "'a'"},
        {"LRANGE l 0 -1", "['b' 'c']"}, {"LMPOP 2 none l RIGHT COUNT 5", "['l' ['c' 'b']]"},
        {"LMOVE m m LEFT LEFT", "'a'"}, {"LMOVE m n LEFT LEFT", "'a'"}, {"EXISTS m", "0"},
        {"LMPOP 1 m LEFT", "nil"});
}

static void test_a_list_is_a_listpack_again_when_half_of_it_is_left(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    world.thresholds.list_max_listpack_size = 4;
    static const struct step steps[] = {{"RPUSH l a b c d", "4"},
        {"OBJECT ENCODING l", "'listpack'"}, {"RPUSH l e", "5"},
        {"OBJECT ENCODING l", "'quicklist'"}, {"RPOP l", "'e'"}, {"RPOP l", "'d'"},
        {"OBJECT ENCODING l", "'quicklist'"}, {"COPY l m", "1"},
        {"OBJECT ENCODING m", "'quicklist'"}, {"LREM l 1 a", "1"},
        {"OBJECT ENCODING l", "'listpack'"}, {"LRANGE m 0 -1", "['a' 'b' 'c']"}};
    for (size_t i = 0; i < SF_LENGTH(steps); i++)
        assert_string_equal(world_line(&world, steps[i].command), steps[i].reply);
    world_close(&world);
}

static void test_sorting_by_numbers_letters_and_other_keys(void **state) {
    (void)state;
    SCENARIO({"RPUSH l 3 1 2 10", "4"}, {"SORT l", "['1' '2' '3' '10']"},
        {"SORT l ALPHA DESC LIMIT 1 2", "['2' '10']"}, {"SORT_RO l DESC", "['10' '3' '2' '1']"},
        {"MSET w_1 5 w_2 4 w_3 3", "+OK"}, {"SORT l BY w_*", "['10' '3' '2' '1']"},
        {"SORT l BY w_* GET # GET w_*", "['10' nil '3' '3' '2' '4' '1' '5']"},
        {"HSET h_1 f x", "1"}, {"SORT l BY nosort GET h_*->f", "[nil 'x' nil nil]"},
        {"SORT l STORE s GET w_*", "4"}, {"LRANGE s 0 -1", "['5' '4' '3' '']"},
        {"SORT_RO l STORE s", "-ERR syntax error"}, {"SADD set b a c", "3"},
        {"SORT set", "-ERR One or more scores can't be converted into double"},
        {"SORT set ALPHA", "['a' 'b' 'c']"}, {"SORT set BY x STORE l", "3"},
        {"LRANGE l 0 -1", "['a' 'b' 'c']"}, {"SORT none STORE l", "0"}, {"EXISTS l", "0"},
        {"ZADD z 1 b 2 a", "2"}, {"SORT z BY nosort DESC", "['a' 'b']"}, {"SORT w_1", WRONG_TYPE},
        {"COMMAND GETKEYS SORT l GET store STORE d", "['l' 'd']"});
}

/* Grown by commands and loaded from an image: the same answers, the same digest, the same forms. */
static void assert_reloads(struct world *world) {
    struct buf image = {0}, again = {0};
    keyspace_dump(world->keyspace, &image);
    struct hash_secret secret = {1, 2};
    struct keyspace *copy = keyspace_new(16, &secret);
    assert_int_equal(keyspace_load(copy, buf_slice(&image)), SF_OK);
    assert_true(keyspace_digest(copy) == keyspace_digest(world->keyspace));
    keyspace_dump(copy, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    for (size_t i = 0; i < image.len; i += 1 + image.len / 3000) {
        image.data[image.start + i] ^= 0x41; /* whatever it says now: no crash */
        if (keyspace_load(copy, buf_slice(&image)) == SF_OK) keyspace_digest(copy);
        image.data[image.start + i] ^= 0x41;
    }
    keyspace_free(copy);
    buf_free(&image);
    buf_free(&again);
}

static void test_grown_lists_and_sorted_sets_equal_reloaded_ones(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    world.thresholds.list_max_listpack_size = 6;
    world.thresholds.zset_max_listpack_entries = 6;
    static const char *const templates[] = {"RPUSH l%u %u", "LPUSH l%u x%u", "RPOP l%u %u",
        "LINSERT l%u BEFORE 5 %u", "LSET l%u 1 y%u", "LREM l%u 1 %u", "ZADD z%u %u.5 a",
        "ZADD z%u %u b 7 c", "ZINCRBY z%u %u d", "ZADD z%u 3 m%u", "ZREM z%u m%u",
        "ZUNIONSTORE z%u 2 z0 z%u", "ZRANGESTORE z%u z1 0 %u", "ZREMRANGEBYRANK z%u 0 %u"};
    struct random random = random_from(11);
    for (int step = 0; step < 3000; step++) {
        char line[80];
        unsigned key = (unsigned)random_below(&random, 4);
        unsigned value = (unsigned)random_below(&random, 10);
        size_t chosen = random_below(&random, SF_LENGTH(templates));
        snprintf(line, sizeof line, templates[chosen], key, chosen == 11 ? value % 4 : value);
        world_line(&world, line);
        if (step % 500 == 499) assert_reloads(&world);
    }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_come_and_go_at_both_ends),
        cmocka_unit_test(test_elements_are_found_and_changed_in_the_middle),
        cmocka_unit_test(test_an_element_moves_within_one_list_and_between_two),
        cmocka_unit_test(test_a_list_is_a_listpack_again_when_half_of_it_is_left),
        cmocka_unit_test(test_sorting_by_numbers_letters_and_other_keys),
        cmocka_unit_test(test_grown_lists_and_sorted_sets_equal_reloaded_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
