/* Section 6.4.1: a promise outlives the process that gave it.
 *
 *   1  leads, heartbeat ─┬───────────── lease ─────────────┤ then cut off, and believes it
 *   2                    └ answers: promises 150 ms  ✗ dies  ▶ starts: sticky for 150 ms
 *   3                    └ answers: promises 150 ms  ✗ dies  ▶ starts: sticky for 150 ms
 *
 * Restarted nodes have forgotten what they promised, so they count their start as a leader's word:
 * nobody is elected before the lease is over. */
#include "unit/raft/cluster.h"

static void test_restarted_voters_elect_nobody_while_the_lease_lasts(void **state) {
    (void)state;
    for (int64_t later_ms = 0; later_ms <= 140; later_ms += 20) {
        struct cluster cluster;
        cluster_init(&cluster, 3, 3, 3, 1);
        cluster_start_all(&cluster);
        cluster_elect(&cluster, 1);
        cluster_run(&cluster, 60);
        int64_t lease_us = raft_lease_until_us(raft_of(&cluster, 1));
        cluster_cut(&cluster, 1, true);
        cluster.now_us += later_ms * 1000;
        for (raft_id id = 2; id <= 3; id++) {
            cluster_crash(&cluster, id);
            cluster_start(&cluster, id);
        }
        while (cluster_leader(&cluster) <= 1) cluster_run(&cluster, 1);
        assert_true(cluster.now_us > lease_us);
        cluster_free(&cluster);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restarted_voters_elect_nobody_while_the_lease_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
