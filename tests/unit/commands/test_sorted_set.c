#include "unit/commands/world.h"

#define NOT_FLOAT "-ERR value is not a valid float"
#define SYNTAX "-ERR syntax error"

static void test_options_decide_whether_a_score_changes(void **state) {
    (void)state;
    SCENARIO({"ZADD z XX 1 a", "0"}, {"EXISTS z", "0"}, {"ZADD z 1 a 2 b", "2"},
        {"ZADD z NX 5 a 3 c", "1"}, {"ZADD z GT CH 0 a", "0"}, {"ZADD z GT CH 2 a", "1"},
        {"ZADD z LT CH 3 b", "0"}, {"ZADD z INCR 0.5 a", "'2.5'"}, {"ZADD z NX INCR 1 a", "nil"},
        {"ZADD z x a", NOT_FLOAT}, {"ZADD z 1 a 2", SYNTAX}, {"ZINCRBY z 0.1 new", "'0.1'"},
        {"ZRANGE z 0 -1 WITHSCORES", "['new' '0.1' 'b' '2' 'a' '2.5' 'c' '3']"},
        {"ZADD z inf i", "1"}, {"ZINCRBY z -inf i", "-ERR resulting score is not a number (NaN)"});
}

static void test_ranges_by_rank_score_and_member(void **state) {
    (void)state;
    SCENARIO({"ZADD z 1 a 2 b 3 c 4 d", "4"}, {"ZRANGE z 1 -2", "['b' 'c']"},
        {"ZRANGE z (1 3 BYSCORE", "['b' 'c']"}, {"ZRANGE z +inf 2 BYSCORE REV LIMIT 1 1", "['c']"},
        {"ZCOUNT z -inf (4", "3"}, {"ZREMRANGEBYSCORE z 2 3", "2"}, {"ZADD l 0 a 0 b 0 c", "3"},
        {"ZRANGEBYLEX l [b +", "['b' 'c']"}, {"ZLEXCOUNT l - (c", "2"},
        {"ZRANGESTORE d l [b (c BYLEX", "1"}, {"ZRANGE d 0 -1", "['b']"},
        {"ZCOUNT z x 1", "-ERR min or max is not a float"},
        {"ZLEXCOUNT z a +", "-ERR min or max not valid string range item"});
}

static void test_scores_of_resp3_are_doubles_in_pairs(void **state) {
    (void)state;
    SCENARIO({"@proto 3", NULL}, {"ZADD z 1.5 a 2 b", "2"},
        {"ZRANGE z 0 -1 WITHSCORES", "[['a' ,1.5] ['b' ,2]]"}, {"ZSCORE z a", ",1.5"},
        {"ZRANK z b WITHSCORE", "[1 ,2]"}, {"ZPOPMIN z", "['a' ,1.5]"},
        {"ZPOPMIN z 1", "[['b' ,2]]"}, {"ZRANK z b WITHSCORE", "nil"});
}

static void test_combinations_weigh_and_join(void **state) {
    (void)state;
    SCENARIO({"ZADD a 1 x 2 y", "2"}, {"ZADD b 10 y 20 z", "2"}, {"SADD s x z", "2"},
        {"ZUNION 3 a b s WITHSCORES", "['x' '2' 'y' '12' 'z' '21']"},
        {"ZINTER 2 a b WEIGHTS 2 3 AGGREGATE MAX WITHSCORES", "['y' '30']"},
        {"ZDIFF 2 a s WITHSCORES", "['y' '2']"}, {"ZINTERCARD 2 a b LIMIT 5", "1"},
        {"ZUNIONSTORE a 2 a b", "3"}, {"ZCARD a", "3"}, {"ZINTERSTORE a 2 a none", "0"},
        {"EXISTS a", "0"});
}

static void test_a_set_of_long_members_answers_as_a_small_one(void **state) {
    (void)state;
    struct world small, large;
    world_open(&small);
    world_open(&large);
    large.thresholds.zset_max_listpack_entries = 0;
    static const char *const templates[] = {"ZADD z %u m%u", "ZINCRBY z -1%u m%u", "ZREM z %u m%u",
        "ZRANGE z %u %u WITHSCORES", "ZREVRANGE z %u %u", "ZRANGEBYSCORE z %u (%u",
        "ZREVRANGEBYSCORE z 1%u %u LIMIT 1 2", "ZCOUNT z (%u 1%u", "ZRANK z m%u%u",
        "ZREVRANK z m%u%u", "ZREMRANGEBYSCORE z 1%u 1%u", "ZPOPMIN z %u%.0u", "ZPOPMAX z %u%.0u",
        "ZUNIONSTORE z 2 z y WEIGHTS 1 1%u%.0u", "ZADD y %u m%u", "ZRANDMEMBER z 1%u%.0u",
        "ZADD l 0 %u 0 %u", "ZRANGEBYLEX l [%u (%u", "ZREVRANGEBYLEX l (%u [%u",
        "ZREMRANGEBYLEX l [%u [%u", "ZLEXCOUNT l (%u [%u", "ZMSCORE z m%u m%u"};
    struct random random = random_from(13);
    for (int step = 0; step < 8000; step++) {
        char line[80];
        unsigned a = (unsigned)random_below(&random, 10), b = (unsigned)random_below(&random, 10);
        size_t chosen = random_below(&random, SF_LENGTH(templates));
        snprintf(line, sizeof line, templates[chosen], a, b);
        assert_string_equal(world_line(&small, line), world_line(&large, line));
    }
    world_close(&small);
    world_close(&large);
}

static void test_picks_are_different_members(void **state) {
    (void)state;
    SCENARIO({"ZADD z 1 a", "1"}, {"ZRANDMEMBER z", "'a'"}, {"ZRANDMEMBER z -2", "['a' 'a']"},
        {"ZRANDMEMBER z 5 WITHSCORES", "['a' '1']"}, {"ZRANDMEMBER none", "nil"},
        {"ZRANDMEMBER none 2", "[]"});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_decide_whether_a_score_changes),
        cmocka_unit_test(test_ranges_by_rank_score_and_member),
        cmocka_unit_test(test_scores_of_resp3_are_doubles_in_pairs),
        cmocka_unit_test(test_combinations_weigh_and_join),
        cmocka_unit_test(test_a_set_of_long_members_answers_as_a_small_one),
        cmocka_unit_test(test_picks_are_different_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
