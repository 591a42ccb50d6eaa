/* Section 4.3, figure 4.8: from {1 2 3} to {3 4 5}, with the majority of either half lost.
 *
 *      old ┌───────────────┐
 *          │  1     2    ┌─┼───────────┐
 *          │             │ 3     4    5│ new
 *          └─────────────┴─┘           │
 *                        └─────────────┘
 *
 * While the joint configuration is in force, each decision needs two of {1 2 3} and two of {3 4 5}.
 */
#include "unit/raft/cluster.h"

static void propose(struct cluster *cluster, const char *voters, const char *learners) {
    struct raft_configuration target = {0};
    for (raft_id id = 1; id <= 5; id++) {
        struct raft_member member = {.id = id};
        member.voter_new = strchr(voters, (char)('0' + id)) != NULL;
        if (member.voter_new || strchr(learners, (char)('0' + id)) != NULL)
            target.members[target.n++] = member;
    }
    assert_int_equal(
        raft_propose_configuration(raft_of(cluster, 1), &target, cluster->now_us), SF_OK);
    cluster_collect(cluster, 1);
}

/* 1 leads {1 2 3}; 4 and 5 have learned; then `lost` go, and the change is begun. Its index. */
static raft_index begin(struct cluster *cluster, raft_id lost, raft_id lost_too) {
    cluster_init(cluster, 5, 3, 3, 1);
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
    propose(cluster, "123", "45");
    cluster_run(cluster, 100);
    if (lost != 0) cluster_crash(cluster, lost);
    if (lost_too != 0) cluster_crash(cluster, lost_too);
    propose(cluster, "345", "");
    return raft_configuration_index(raft_of(cluster, 1));
}

static void check_stands_still(struct cluster *cluster, raft_index joint) {
    cluster_run(cluster, 4000);
    for (raft_id id = 1; id <= 5; id++) {
        const struct raft *raft = raft_of(cluster, id);
        if (raft != NULL) assert_true(raft_commit_index(raft) < joint);
    }
}

static void check_goes_on(struct cluster *cluster) {
    cluster_run(cluster, 3000);
    raft_id leader = cluster_leader(cluster);
    assert_true(leader != 0);
    assert_false(raft_configuration(raft_of(cluster, leader))->joint);
    raft_index index = cluster_propose(cluster, leader, "x");
    cluster_run(cluster, 500);
    assert_true(raft_commit_index(raft_of(cluster, leader)) >= index);
}

static void test_without_a_majority_of_the_new_half_nothing_is_decided(void **state) {
    (void)state;
    struct cluster cluster;
    raft_index joint = begin(&cluster, 4, 5);
    check_stands_still(&cluster, joint);
    cluster_start(&cluster, 4);
    check_goes_on(&cluster);
    cluster_free(&cluster);
}

static void test_without_a_majority_of_the_old_half_nothing_is_decided(void **state) {
    (void)state;
    struct cluster cluster;
    raft_index joint = begin(&cluster, 2, 3);
    check_stands_still(&cluster, joint);
    cluster_start(&cluster, 3);
    check_goes_on(&cluster);
    cluster_free(&cluster);
}

static void test_one_lost_in_each_half_does_not_matter(void **state) {
    (void)state;
    struct cluster cluster;
    (void)begin(&cluster, 2, 5);
    cluster_run(&cluster, 2000);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader == 3 || leader == 4); /* 1 has left, by its own hand */
    assert_int_equal(raft_configuration(raft_of(&cluster, leader))->n, 3);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_majority_of_the_new_half_nothing_is_decided),
        cmocka_unit_test(test_without_a_majority_of_the_old_half_nothing_is_decided),
        cmocka_unit_test(test_one_lost_in_each_half_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
