/* Section 4.2.3: a removed node that never hears of its removal.
 *
 *   {1 2 3 4}  ──▶  {1 2 3}        4 was cut off when it was removed
 *   4: pre-vote? pre-vote? ...     for ever: it knows only the old configuration
 *
 * It must neither depose a leader, nor keep others from electing one, nor be elected. */
#include "unit/raft/cluster.h"

static void test_it_disturbs_neither_a_leader_nor_an_election(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 4, 4, 4, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 4, true);
    struct raft_configuration target = configuration_of(3, 3);
    assert_int_equal(
        raft_propose_configuration(raft_of(&cluster, 1), &target, cluster.now_us), SF_OK);
    cluster_collect(&cluster, 1);
    cluster_run(&cluster, 8000); /* the leader has given up telling it */
    for (raft_id id = 1; id <= 3; id++) cluster.is_cut[4][id] = false; /* it is heard, and deaf */
    cluster_run(&cluster, 3000);
    assert_int_equal(cluster_leader(&cluster), 1);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    cluster_crash(&cluster, 1);
    cluster_run(&cluster, 2000);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader == 2 || leader == 3);
    assert_int_equal(raft_configuration(raft_of(&cluster, leader))->n, 3);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_disturbs_neither_a_leader_nor_an_election),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
