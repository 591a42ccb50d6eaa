/* Section 9.6 and stickiness (4.2.3): a node that hears no leader, and is heard by some.
 *
 *        1 leads ──────── 2
 *           ╲             │        3 hears 2 and is heard by 2, nothing goes between 1 and 3
 *            ╳            │
 *              3 ─────────┘
 *
 * 3 asks 2 for its pre-vote, again and again. 2 hears its leader, and says no: the term stays, and
 * what is written meanwhile reaches a majority. */
#include "unit/raft/cluster.h"

static void test_who_hears_a_leader_gives_nobody_else_a_chance(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster.is_cut[1][3] = cluster.is_cut[3][1] = true;
    for (int i = 0; i < 20; i++) {
        raft_index index = cluster_propose(&cluster, 1, "x");
        cluster_run(&cluster, 250);
        assert_true(raft_commit_index(raft_of(&cluster, 1)) >= index);
        assert_int_equal(cluster_leader(&cluster), 1);
    }
    for (raft_id id = 1; id <= 3; id++)
        assert_int_equal(raft_current_term(raft_of(&cluster, id)), 2);
    cluster_free(&cluster);
}

/* The leader hears everybody, and nobody hears it: its followers go on without it, and it does not
 * stand in their way. */
static void test_a_leader_that_nobody_hears_is_replaced(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster.is_cut[1][2] = cluster.is_cut[1][3] = true;
    cluster_run(&cluster, 2000);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader == 2 || leader == 3);
    assert_int_not_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    raft_index index = cluster_propose(&cluster, leader, "x");
    cluster_run(&cluster, 300);
    assert_true(raft_commit_index(raft_of(&cluster, leader)) >= index);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_hears_a_leader_gives_nobody_else_a_chance),
        cmocka_unit_test(test_a_leader_that_nobody_hears_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
