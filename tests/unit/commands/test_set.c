#include "commands/pick.h"

#include "unit/commands/world.h"

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static void test_members_come_and_go(void **state) {
    (void)state;
    SCENARIO({"SADD s b a b", "2"}, {"SMEMBERS s", "['b' 'a']"}, {"SCARD s", "2"},
        {"SISMEMBER s a", "1"}, {"SMISMEMBER s a x b", "[1 0 1]"}, {"SREM s a x", "1"},
        {"SREM s b", "1"}, {"EXISTS s", "0"}, {"SADD i 3 1 2", "3"},
        {"SMEMBERS i", "['1' '2' '3']"}, {"SMOVE i j 2", "1"}, {"SMOVE i j 2", "0"},
        {"SMEMBERS j", "['2']"}, {"@proto 3", NULL}, {"SMEMBERS i", "~['1' '3']"},
        {"SMEMBERS none", "~[]"}, {"SPOP none 3", "~[]"}, {"SRANDMEMBER none 3", "[]"});
}

static void test_forms_follow_members(void **state) {
    (void)state;
    SCENARIO({"SADD s 1 2", "2"}, {"OBJECT ENCODING s", "'intset'"}, {"SADD s x", "1"},
        {"OBJECT ENCODING s", "'listpack'"}, {"SMEMBERS s", "['1' '2' 'x']"},
        {"SADD s 01234567890123456789012345678901234567890123456789012345678901234", "1"},
        {"OBJECT ENCODING s", "'hashtable'"}, {"SADD t x", "1"},
        {"OBJECT ENCODING t", "'listpack'"}, {"SINTERSTORE d s t", "1"},
        {"OBJECT ENCODING d", "'listpack'"}, {"SADD i 1 5", "2"}, {"SINTERSTORE d s i", "1"},
        {"OBJECT ENCODING d", "'intset'"}, {"SUNIONSTORE d i t", "3"},
        {"OBJECT ENCODING d", "'listpack'"}, {"SDIFFSTORE d i t", "2"},
        {"OBJECT ENCODING d", "'intset'"});
}

static void test_several_sets(void **state) {
    (void)state;
    SCENARIO({"SADD a 1 2 3", "3"}, {"SADD b 2 3 4", "3"}, {"SINTER a b", "['2' '3']"},
        {"SINTER a none", "[]"}, {"SINTERCARD 2 a b", "2"}, {"SINTERCARD 2 a b LIMIT 1", "1"},
        {"SUNION a b", "['1' '2' '3' '4']"}, {"SDIFF a b", "['1']"}, {"SDIFF a a", "[]"},
        {"SINTERCARD 0 a", "-ERR numkeys should be greater than 0"},
        {"SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"},
        {"SINTERCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"}, {"SUNIONSTORE a a b", "4"},
        {"SCARD a", "4"}, {"SDIFFSTORE a a a", "0"}, {"EXISTS a", "0"}, {"SET s 1", "+OK"},
        {"SUNION b s", WRONG_TYPE}, {"SINTERSTORE d none s", WRONG_TYPE},
        {"SINTERSTORE s none", "0"}, {"EXISTS s", "0"});
}

static void test_bad_counts(void **state) {
    (void)state;
    SCENARIO({"SADD s a", "1"}, {"SPOP s -1", "-ERR value is out of range, must be positive"},
        {"SPOP s x", "-ERR value is out of range, must be positive"},
        {"SRANDMEMBER s x", "-ERR value is not an integer or out of range"},
        {"SRANDMEMBER s -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807"},
        {"SRANDMEMBER s -9223372036854775807",
            "-ERR more than 10000000 elements asked for at once"});
}

/* -- chance ---------------------------------------------------------------------------------- */

static void test_distinct_picks_are_uniform(void **state) {
    (void)state;
    enum { N = 7, K = 3, ROUNDS = 70000 };
    uint64_t counts[N] = {0}, pairs[N][N] = {{0}};
    struct random random = random_from(21);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t *ranks = pick_distinct(&random, N, K);
        assert_true(ranks[0] < ranks[1] && ranks[1] < ranks[2] && ranks[2] < N);
        for (int i = 0; i < K; i++) counts[ranks[i]]++;
        pairs[ranks[0]][ranks[1]]++;
        pairs[ranks[0]][ranks[2]]++;
        pairs[ranks[1]][ranks[2]]++;
        sf_free(ranks);
    }
    for (int i = 0; i < N; i++) {
        assert_in_range(counts[i], ROUNDS * K / N - 800, ROUNDS * K / N + 800);
        for (int k = i + 1; k < N; k++) assert_in_range(pairs[i][k], 10000 - 700, 10000 + 700);
    }
}

static void fill(struct world *world, const char *key, int first, int step, int n) {
    char line[64];
    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof line, "SADD %s member-%d", key, first + i * step);
        world_line(world, line);
    }
}

/* A set that grew, shrank and was copied pops what one that was filled from the other end pops. */
static void test_what_is_popped_does_not_depend_on_history(void **state) {
    (void)state;
    struct world grown, fresh;
    world_open(&grown);
    world_open(&fresh);
    char line[64];
    fill(&grown, "s", 0, 1, 3000);
    for (int i = 500; i < 3000; i++) {
        snprintf(line, sizeof line, "SREM s member-%d", i);
        world_line(&grown, line);
    }
    fill(&fresh, "s", 499, -1, 500);
    static const char *const picks[] = {"SRANDMEMBER s", "SRANDMEMBER s 7", "SRANDMEMBER s -7",
        "SPOP s", "SPOP s 20", "SMEMBERS s", "SSCAN s 0", "SPOP s 400", "SMEMBERS s"};
    for (size_t i = 0; i < SF_LENGTH(picks); i++) {
        char *of_grown = sf_strdup(world_line(&grown, picks[i]));
        assert_string_equal(of_grown, world_line(&fresh, picks[i]));
        sf_free(of_grown);
    }
    world_close(&grown);
    world_close(&fresh);
}

/* -- SSCAN ----------------------------------------------------------------------------------- */

/* Members that stay are seen, however much the table grows and shrinks meanwhile. */
static void test_a_scan_sees_what_stays(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    fill(&world, "s", 0, 1, 1000);
    bool *seen = sf_alloc_zero(1000, sizeof *seen);
    char line[64] = "SSCAN s 0 COUNT 20";
    unsigned long long cursor;
    for (int round = 0;; round++) {
        const char *reply = world_line(&world, line);
        assert_int_equal(sscanf(reply, "['%llu'", &cursor), 1);
        assert_true(cursor >> 48 == 0);
        for (const char *at = strstr(reply, "member-"); at != NULL;
             at = strstr(at + 1, "member-")) {
            long number = strtol(at + 7, NULL, 10);
            if (number < 1000) seen[number] = true;
        }
        if (cursor == 0) break;
        snprintf(line, sizeof line, "SSCAN s %llu COUNT 20", cursor);
        if (round < 10) {
            char next[64];
            snprintf(next, sizeof next, "%s", line);
            fill(&world, "s", 1000 + round * 500, 1, 500);
            snprintf(line, sizeof line, "%s", next);
        }
    }
    for (int i = 0; i < 1000; i++) assert_true(seen[i]);
    sf_free(seen);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_come_and_go),
        cmocka_unit_test(test_forms_follow_members),
        cmocka_unit_test(test_several_sets),
        cmocka_unit_test(test_bad_counts),
        cmocka_unit_test(test_distinct_picks_are_uniform),
        cmocka_unit_test(test_what_is_popped_does_not_depend_on_history),
        cmocka_unit_test(test_a_scan_sees_what_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
