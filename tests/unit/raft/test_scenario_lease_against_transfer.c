/* Sections 6.4.1 and 3.10 together: a transfer breaks the promise on which a lease rests.
 *
 *   time ───────▶
 *   1   heartbeat round answered ├──────── lease ────────┤
 *                      timeout-now ▼
 *   3                              leads, commits y
 *   1                                  read ✗            must not be answered from what 1 has
 *
 * Voters that promised 1 not to vote do vote for 3: the transfer's request says so. So a term in
 * which timeout-now was sent has no lease any more. */
#include "unit/raft/cluster.h"

static void test_a_read_after_the_transfer_is_not_answered_by_the_old_lease(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_run(&cluster, 60);
    int64_t lease_us = raft_lease_until_us(raft_of(&cluster, 1));
    assert_true(lease_us > cluster.now_us);
    cluster.is_cut[2][1] = cluster.is_cut[3][1] = true; /* 1 will learn nothing */
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    cluster_collect(&cluster, 1);
    cluster_settle(&cluster);
    raft_index written = cluster_propose(&cluster, 3, "y");
    cluster_settle(&cluster);
    assert_true(raft_commit_index(raft_of(&cluster, 3)) >= written);
    assert_true(cluster.now_us < lease_us); /* the old lease would still hold by its time */
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    CLUSTER_GROW(cluster.reads, cluster.n_reads, cluster.cap_reads);
    uint64_t ticket = cluster.n_reads++;
    cluster.reads[ticket] = (struct cluster_read){
        .ticket = ticket, .node = 1, .committed_when_asked = cluster.committed.n};
    assert_int_equal(raft_read_lease(raft_of(&cluster, 1), ticket, cluster.now_us), SF_OK);
    raft_judge_lease(raft_of(&cluster, 1), cluster.now_us);
    cluster_collect(&cluster, 1);
    cluster_settle(&cluster);
    assert_false(cluster.reads[ticket].is_answered);
    cluster.is_cut[2][1] = cluster.is_cut[3][1] = false;
    cluster_run(&cluster, 500);
    assert_true(cluster.reads[ticket].is_answered && cluster.reads[ticket].answer.failed);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_after_the_transfer_is_not_answered_by_the_old_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
