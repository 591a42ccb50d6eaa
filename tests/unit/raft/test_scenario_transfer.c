/* Section 3.10: leadership is given away.
 *
 *   1 leads      ── append ... ──▶ 3     the successor is brought up to date; nothing new begins
 *                ── timeout-now ─▶ 3     it stands at once, stickiness aside
 *   1 follows    ◀──── vote ────── 3 leads
 *
 * One term more, no time without a leader but the way of four messages. */
#include "unit/raft/cluster.h"

static void begin(struct cluster *cluster) {
    cluster_init(cluster, 3, 3, 3, 1);
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
}

static void test_a_successor_far_behind_is_brought_up_to_date_first(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster);
    cluster_cut(&cluster, 3, true);
    raft_index last = 0;
    for (int i = 0; i < 30; i++) {
        last = cluster_propose(&cluster, 1, "x");
        cluster_settle(&cluster);
    }
    cluster_cut(&cluster, 3, false);
    raft_step_link_lost(raft_of(&cluster, 1), 3, cluster.now_us); /* its connection broke */
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    cluster_run(&cluster, 120);
    assert_int_equal(cluster_leader(&cluster), 3);
    assert_int_equal(raft_current_term(raft_of(&cluster, 3)), 3); /* one term more */
    assert_true(raft_commit_index(raft_of(&cluster, 3)) > last);
    cluster_free(&cluster);
}

static void test_a_successor_that_dies_costs_an_election_timeout(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster);
    cluster_crash(&cluster, 3);
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    raft_index index;
    assert_int_equal(cluster_try_propose(&cluster, 1, "x", &index), SF_ERR_NOT_LEADER);
    cluster_run(&cluster, 320);
    index = cluster_propose(&cluster, 1, "x"); /* the old one goes on, in its term */
    cluster_run(&cluster, 100);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) >= index);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    cluster_free(&cluster);
}

/* The word is lost to the leader's ears: its successor leads already, and it learns it by a message
 * of the higher term. There is one leader a term at all times (the harness looks). */
static void test_an_old_leader_that_hears_nothing_does_no_harm(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster);
    cluster.is_cut[2][1] = cluster.is_cut[3][1] = true;
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    cluster_collect(&cluster, 1);
    cluster_settle(&cluster);
    assert_int_equal(raft_role(raft_of(&cluster, 3)), RAFT_LEADER);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER); /* of the term before */
    raft_index index = cluster_propose(&cluster, 3, "new");
    cluster_settle(&cluster);
    assert_true(raft_commit_index(raft_of(&cluster, 3)) >= index);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < index);
    cluster.is_cut[2][1] = cluster.is_cut[3][1] = false;
    cluster_run(&cluster, 200);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_successor_far_behind_is_brought_up_to_date_first),
        cmocka_unit_test(test_a_successor_that_dies_costs_an_election_timeout),
        cmocka_unit_test(test_an_old_leader_that_hears_nothing_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
