/* DESIGN 5: a refusal for stickiness says how long it still lasts, so that nobody guesses.
 *
 *   1 leads ✗ dies
 *   2   last word ├────── sticky ──────┤
 *   3   asks ──▶ 2: "no, 50 ms"         ├ asks again ──▶ 2: "yes"
 *
 * A pause after a leader's death is the minimum timeout and little more, however the timers fell.
 */
#include "unit/raft/cluster.h"

static void test_the_pause_after_a_crash_is_the_minimum_and_little_more(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct cluster cluster;
        cluster_init(&cluster, 5, 5, 5, seed);
        cluster_start_all(&cluster);
        cluster_elect(&cluster, 1);
        cluster_run(&cluster, 200 + (int64_t)seed * 7);
        cluster_crash(&cluster, 1);
        for (raft_id id = 2; id <= 5; id++) { /* its connections close with it */
            raft_step_link_lost(raft_of(&cluster, id), 1, cluster.now_us);
            cluster_collect(&cluster, id);
        }
        int64_t died_us = cluster.now_us;
        while (cluster_leader(&cluster) <= 1) cluster_run(&cluster, 1);
        assert_in_range(cluster.now_us - died_us, 90000, 260000);
        cluster_free(&cluster);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pause_after_a_crash_is_the_minimum_and_little_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
