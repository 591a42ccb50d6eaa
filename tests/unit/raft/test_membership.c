/* Changes of members: chapter 4. */
#include "unit/raft/cluster.h"

static struct raft_configuration members(const char *voters, const char *learners) {
    struct raft_configuration target = {0};
    for (raft_id id = 1; id <= CLUSTER_NODES_MAX; id++) {
        struct raft_member member = {.id = id};
        member.voter_new = strchr(voters, (char)('0' + id)) != NULL;
        if (member.voter_new || strchr(learners, (char)('0' + id)) != NULL)
            target.members[target.n++] = member;
    }
    return target;
}

static enum sf_status try_change(
    struct cluster *cluster, raft_id leader, const char *voters, const char *learners) {
    struct raft_configuration target = members(voters, learners);
    enum sf_status status =
        raft_propose_configuration(raft_of(cluster, leader), &target, cluster->now_us);
    cluster_collect(cluster, leader);
    return status;
}

static void change(
    struct cluster *cluster, raft_id leader, const char *voters, const char *learners) {
    assert_int_equal(try_change(cluster, leader, voters, learners), SF_OK);
}

static void begin(struct cluster *cluster, uint32_t n, uint32_t n_voters) {
    cluster_init(cluster, n, n_voters, n_voters, 1);
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
}

static void assert_members(
    struct cluster *cluster, raft_id id, const char *voters, const char *learners) {
    const struct raft_configuration *is = raft_configuration(raft_of(cluster, id));
    struct raft_configuration target = members(voters, learners);
    assert_false(is->joint);
    assert_int_equal(is->n, target.n);
    for (uint32_t i = 0; i < is->n; i++) {
        assert_int_equal(is->members[i].id, target.members[i].id);
        assert_int_equal(is->members[i].voter_new, target.members[i].voter_new);
        assert_false(is->members[i].voter_old || is->members[i].leaves);
    }
}

static void test_learners_join_in_one_step_and_are_promoted_through_a_joint_one(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 5, 3);
    change(&cluster, 1, "123", "45");
    assert_false(raft_configuration(raft_of(&cluster, 1))->joint);
    cluster_run(&cluster, 100);
    for (raft_id id = 1; id <= 5; id++) assert_members(&cluster, id, "123", "45");
    change(&cluster, 1, "12345", "");
    assert_true(raft_configuration(raft_of(&cluster, 1))->joint);
    cluster_run(&cluster, 100);
    for (raft_id id = 1; id <= 5; id++) {
        assert_members(&cluster, id, "12345", "");
        assert_int_equal(
            raft_commit_index(raft_of(&cluster, id)), raft_last_index(raft_of(&cluster, 1)));
    }
    cluster_free(&cluster);
}

static void test_a_joint_configuration_needs_both_majorities(void **state) {
    (void)state;
    static const raft_id lost[2][2] = {{4, 5}, {2, 3}}; /* of the new one, of the old one */
    for (int half = 0; half < 2; half++) {
        struct cluster cluster;
        begin(&cluster, 5, 3);
        change(&cluster, 1, "123", "45");
        cluster_run(&cluster, 100);
        for (int i = 0; i < 2; i++) cluster_cut(&cluster, lost[half][i], true);
        change(&cluster, 1, "145", "");
        raft_index joint = raft_configuration_index(raft_of(&cluster, 1));
        cluster_run(&cluster, 200);
        assert_true(raft_commit_index(raft_of(&cluster, 1)) < joint);
        cluster_run(&cluster, 3000); /* nor can either half elect or commit anything */
        for (raft_id id = 1; id <= 5; id++)
            assert_true(raft_commit_index(raft_of(&cluster, id)) < joint);
        for (int i = 0; i < 2; i++) cluster_cut(&cluster, lost[half][i], false);
        cluster_run(&cluster, 2000);
        raft_id leader = cluster_leader(&cluster);
        assert_true(leader != 0);
        /* Whoever led on either committed the change or truncated it. */
        assert_false(raft_configuration(raft_of(&cluster, leader))->joint);
        cluster_free(&cluster);
    }
}

static void test_a_new_leader_leaves_the_joint_configuration_it_finds(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 4, 3);
    change(&cluster, 1, "123", "4");
    cluster_run(&cluster, 100);
    node_of(&cluster, 1)->disk_is_held = true; /* it cannot commit it by itself ... */
    for (raft_id id = 2; id <= 4; id++) cluster.is_cut[id][1] = true; /* ... nor hear of others */
    change(&cluster, 1, "1234", "");
    cluster_settle(&cluster);
    cluster_crash(&cluster, 1);
    cluster_run(&cluster, 1500);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader > 1);
    assert_members(&cluster, leader, "1234", "");
    cluster_free(&cluster);
}

static void test_a_removed_leader_commits_its_removal_and_steps_down(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    int64_t before_us = cluster.now_us;
    change(&cluster, 1, "23", "");
    cluster_settle(&cluster);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    raft_id leader = cluster_leader(&cluster); /* it asked its successor to stand at once */
    assert_true(leader > 1 && cluster.now_us == before_us);
    cluster_run(&cluster, 2000);
    assert_members(&cluster, leader, "23", "");
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    assert_int_equal(cluster_leader(&cluster), leader);
    cluster_free(&cluster);
}

static void test_a_leader_that_leaves_does_not_count_itself(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    change(&cluster, 1, "23", "");
    /* Joint is committed by 1, 2 and 2, 3; C-new then needs 2 and 3. */
    while (raft_configuration(raft_of(&cluster, 1))->joint) {
        for (raft_id id = 1; id <= 3; id++)
            while (node_of(&cluster, id)->n_work > 0) cluster_disk_step(&cluster, id, 0);
        if (raft_configuration(raft_of(&cluster, 1))->joint) cluster_deliver(&cluster, 0);
    }
    cluster_cut(&cluster, 3, true);
    raft_index final = raft_configuration_index(raft_of(&cluster, 1));
    cluster_settle(&cluster);
    assert_int_equal(raft_synced_index(raft_of(&cluster, 2)), final);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < final);
    cluster_cut(&cluster, 3, false);
    cluster_run(&cluster, 2000);
    assert_true(raft_commit_index(raft_of(&cluster, 2)) >= final);
    cluster_free(&cluster);
}

static void test_a_removed_follower_is_told(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    change(&cluster, 1, "12", "");
    cluster_run(&cluster, 100);
    assert_members(&cluster, 3, "12", "");
    assert_int_equal(
        raft_commit_index(raft_of(&cluster, 3)), raft_configuration_index(raft_of(&cluster, 1)));
    struct raft_peer_status peer;
    assert_false(raft_peer(raft_of(&cluster, 1), 3, &peer));
    raft_term term = raft_current_term(raft_of(&cluster, 1));
    cluster_run(&cluster, 3000); /* and keeps quiet then */
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), term);
    assert_int_equal(raft_role(raft_of(&cluster, 3)), RAFT_FOLLOWER);
    assert_int_equal(raft_leader(raft_of(&cluster, 3)), 0);
    cluster_free(&cluster);
}

static void test_a_removed_follower_that_is_away_is_given_up(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    cluster_cut(&cluster, 3, true);
    change(&cluster, 1, "12", "");
    cluster_run(&cluster, 100);
    struct raft_peer_status peer;
    assert_true(raft_peer(raft_of(&cluster, 1), 3, &peer));
    cluster_run(&cluster, 600);
    assert_false(raft_peer(raft_of(&cluster, 1), 3, &peer));
    /* It comes back, knows nothing, and cannot disturb. */
    cluster_cut(&cluster, 3, false);
    raft_term term = raft_current_term(raft_of(&cluster, 1));
    cluster_run(&cluster, 3000);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), term);
    cluster_free(&cluster);
}

static void test_a_learner_is_not_counted_and_never_stands(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 2, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 2, true);
    raft_index index = cluster_propose(&cluster, 1, "x");
    cluster_run(&cluster, 200);
    assert_int_equal(raft_synced_index(raft_of(&cluster, 3)), index);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < index);
    cluster_run(&cluster, 3000);
    assert_int_not_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER); /* check-quorum */
    assert_int_equal(raft_role(raft_of(&cluster, 3)), RAFT_FOLLOWER);
    cluster_free(&cluster);
}

static void test_a_node_without_configuration_waits_and_learns_it(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 4, 3);
    cluster_run(&cluster, 2000);
    assert_int_equal(raft_current_term(raft_of(&cluster, 4)), 0);
    assert_int_equal(raft_configuration(raft_of(&cluster, 4))->n, 0);
    change(&cluster, 1, "123", "4");
    cluster_run(&cluster, 100);
    assert_members(&cluster, 4, "123", "4");
    cluster_free(&cluster);
}

static void test_one_change_at_a_time_and_only_after_an_own_commit(void **state) { /* R9 */
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 5, 3, 3, 1);
    cluster_start_all(&cluster);
    assert_int_equal(try_change(&cluster, 1, "12", ""), SF_ERR_NOT_LEADER);
    node_of(&cluster, 2)->disk_is_held = false;
    cluster_time_out(&cluster, 1);
    while (raft_role(raft_of(&cluster, 1)) != RAFT_LEADER) {
        for (raft_id id = 1; id <= 3; id++)
            while (node_of(&cluster, id)->n_work > 0) cluster_disk_step(&cluster, id, 0);
        cluster_deliver(&cluster, 0);
    }
    assert_int_equal(try_change(&cluster, 1, "12", ""), SF_ERR_BUSY); /* no own-term commit yet */
    cluster_settle(&cluster);
    assert_int_equal(try_change(&cluster, 1, "", "123"), SF_ERR_INVALID);
    change(&cluster, 1, "123", "4");
    assert_int_equal(try_change(&cluster, 1, "123", "45"), SF_ERR_BUSY);
    cluster_settle(&cluster);
    change(&cluster, 1, "123", "45");
    cluster_settle(&cluster);
    change(&cluster, 1, "1245", "");
    assert_int_equal(try_change(&cluster, 1, "123", ""), SF_ERR_BUSY); /* joint */
    cluster_settle(&cluster);
    change(&cluster, 1, "124", "");
    cluster_run(&cluster, 100);
    assert_members(&cluster, 2, "124", "");
    cluster_free(&cluster);
}

static void test_a_truncated_configuration_is_taken_back(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 4, 3);
    cluster_cut(&cluster, 1, true);
    change(&cluster, 1, "14", "");
    cluster_settle(&cluster);
    assert_true(raft_configuration(raft_of(&cluster, 1))->joint);
    cluster_run(&cluster, 1500); /* 2 and 3 go on without it */
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader > 1);
    cluster_cut(&cluster, 1, false);
    cluster_run(&cluster, 1000);
    assert_members(&cluster, 1, "123", "");
    assert_int_equal(raft_configuration_index(raft_of(&cluster, 1)), 1);
    cluster_free(&cluster);
}

static void test_a_cluster_shrinks_to_one_and_grows_again(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    change(&cluster, 1, "1", "");
    cluster_run(&cluster, 500);
    assert_members(&cluster, 1, "1", "");
    uint64_t ticket;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_collect(&cluster, 1);
    assert_true(cluster.reads[ticket].is_answered);
    change(&cluster, 1, "1", "23");
    cluster_run(&cluster, 200);
    change(&cluster, 1, "123", "");
    cluster_run(&cluster, 200);
    for (raft_id id = 1; id <= 3; id++) assert_members(&cluster, id, "123", "");
    cluster_free(&cluster);
}

/* Its leases may rest on this node's answers (R10). */
static void test_a_voter_left_alone_is_sticky_while_its_old_leader_may_still_lead(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 2, 2);
    change(&cluster, 1, "2", "");
    while (raft_configuration_index(raft_of(&cluster, 2)) < 4) { /* C-new has reached 2 */
        for (raft_id id = 1; id <= 2; id++)
            while (node_of(&cluster, id)->n_work > 0) cluster_disk_step(&cluster, id, 0);
        cluster_deliver(&cluster, 0);
    }
    while (node_of(&cluster, 2)->n_work > 0) cluster_disk_step(&cluster, 2, 0);
    assert_int_equal(node_of(&cluster, 2)->disk.n, 4);
    cluster_crash(&cluster, 2);
    cluster_start(&cluster, 2);
    assert_true(raft_next_deadline_us(raft_of(&cluster, 2)) >= cluster.now_us + 150000);
    cluster_run(&cluster, 1000);
    assert_true(raft_is_serving(raft_of(&cluster, 2)));
    cluster_crash(&cluster, 2);
    cluster_start(&cluster, 2); /* its history still knows of 1: no harm, some patience */
    cluster_run(&cluster, 1000);
    assert_true(raft_is_serving(raft_of(&cluster, 2)));
    cluster_free(&cluster);
}

static void test_a_read_is_released_when_the_quorum_shrinks_below_it(void **state) {
    (void)state;
    struct cluster cluster;
    begin(&cluster, 3, 3);
    change(&cluster, 1, "1", "");
    uint64_t ticket;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_collect(&cluster, 1);
    uint32_t at;
    while (cluster_count(&cluster, RAFT_HEARTBEAT, 0, &at) > 0) cluster_drop(&cluster, at);
    cluster_settle(&cluster);
    assert_members(&cluster, 1, "1", "");
    assert_true(cluster.reads[ticket].is_answered && !cluster.reads[ticket].answer.failed);
    cluster_free(&cluster);
}

static void test_configurations_read_back_and_bad_ones_are_refused(void **state) {
    (void)state;
    struct raft_configuration configuration = members("13", "2"), back;
    strcpy(configuration.members[0].address.host, "fe80::1");
    configuration.members[0].address.bus_port = 17000;
    struct buf encoded = {0};
    configuration_encode(&configuration, &encoded);
    assert_int_equal(configuration_decode(buf_slice(&encoded), &back), SF_OK);
    assert_memory_equal(&configuration, &back, sizeof back);
    for (size_t cut = 0; cut < encoded.len; cut++)
        assert_int_equal(configuration_decode(slice_of(encoded.data, cut), &back), SF_ERR_CORRUPT);
    buf_clear(&encoded);
    configuration = members("", "12");
    configuration_encode(&configuration, &encoded);
    assert_int_equal(configuration_decode(buf_slice(&encoded), &back), SF_ERR_CORRUPT);
    buf_clear(&encoded);
    configuration = members("12", "");
    configuration.members[1].id = 1;
    configuration_encode(&configuration, &encoded);
    assert_int_equal(configuration_decode(buf_slice(&encoded), &back), SF_ERR_CORRUPT);
    buf_free(&encoded);
}

static uint64_t value_is_id(void *context, raft_id id) {
    (void)context;
    return id * 10;
}

static void test_a_quorum_value_is_what_a_majority_of_each_half_has_reached(void **state) {
    (void)state;
    struct raft_configuration configuration = members("12345", "67");
    assert_int_equal(configuration_quorum_value(&configuration, value_is_id, NULL), 30);
    configuration = members("1234", "");
    assert_int_equal(configuration_quorum_value(&configuration, value_is_id, NULL), 20);
    configuration.joint = true;
    configuration.members[0].voter_old = true;
    assert_int_equal(configuration_quorum_value(&configuration, value_is_id, NULL), 10);
    configuration = members("", "");
    assert_int_equal(configuration_quorum_value(&configuration, value_is_id, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learners_join_in_one_step_and_are_promoted_through_a_joint_one),
        cmocka_unit_test(test_a_joint_configuration_needs_both_majorities),
        cmocka_unit_test(test_a_new_leader_leaves_the_joint_configuration_it_finds),
        cmocka_unit_test(test_a_removed_leader_commits_its_removal_and_steps_down),
        cmocka_unit_test(test_a_leader_that_leaves_does_not_count_itself),
        cmocka_unit_test(test_a_removed_follower_is_told),
        cmocka_unit_test(test_a_removed_follower_that_is_away_is_given_up),
        cmocka_unit_test(test_a_learner_is_not_counted_and_never_stands),
        cmocka_unit_test(test_a_node_without_configuration_waits_and_learns_it),
        cmocka_unit_test(test_one_change_at_a_time_and_only_after_an_own_commit),
        cmocka_unit_test(test_a_truncated_configuration_is_taken_back),
        cmocka_unit_test(test_a_cluster_shrinks_to_one_and_grows_again),
        cmocka_unit_test(test_a_voter_left_alone_is_sticky_while_its_old_leader_may_still_lead),
        cmocka_unit_test(test_a_read_is_released_when_the_quorum_shrinks_below_it),
        cmocka_unit_test(test_configurations_read_back_and_bad_ones_are_refused),
        cmocka_unit_test(test_a_quorum_value_is_what_a_majority_of_each_half_has_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
