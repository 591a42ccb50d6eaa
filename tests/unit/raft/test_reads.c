/* Read index and lease: section 6.4. */
#include "unit/raft/cluster.h"

static void test_no_read_before_an_own_commit(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    uint64_t ticket;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_ERR_NOT_LEADER);
    cluster_time_out(&cluster, 1);
    while (raft_role(raft_of(&cluster, 1)) != RAFT_LEADER) {
        for (raft_id id = 1; id <= 3; id++)
            while (node_of(&cluster, id)->n_work > 0) cluster_disk_step(&cluster, id, 0);
        cluster_deliver(&cluster, 0);
    }
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_ERR_BUSY);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), 0);
    cluster_settle(&cluster);
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_free(&cluster);
}

static void test_reads_of_a_turn_share_a_round_that_began_after_them(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    uint64_t first, second, third, before = cluster.n_sent[RAFT_HEARTBEAT];
    assert_int_equal(cluster_read(&cluster, 1, &first), SF_OK);
    assert_int_equal(cluster_read(&cluster, 1, &second), SF_OK);
    cluster_collect(&cluster, 1);
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT], before + 2);
    assert_int_equal(cluster_read(&cluster, 1, &third), SF_OK); /* that round is under way */
    cluster_deliver(&cluster, 0);
    cluster_deliver(&cluster, 1); /* the answer */
    assert_true(cluster.reads[first].is_answered && cluster.reads[second].is_answered);
    assert_false(cluster.reads[third].is_answered);
    cluster_settle(&cluster);
    assert_true(cluster.reads[third].is_answered && !cluster.reads[third].answer.failed);
    cluster_free(&cluster);
}

static void test_a_deposed_leader_answers_no_read(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 1, true);
    uint64_t ticket;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_run(&cluster, 100);
    assert_false(cluster.reads[ticket].is_answered);
    cluster_run(&cluster, 900); /* it steps down, another leads */
    assert_true(cluster.reads[ticket].is_answered && cluster.reads[ticket].answer.failed);
    assert_true(cluster_leader(&cluster) > 1);
    cluster_free(&cluster);
}

static void test_an_answer_to_an_earlier_round_confirms_nothing_later(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    struct raft_message late = {.type = RAFT_HEARTBEAT_ANSWER,
        .from = 2,
        .to = 1,
        .term = 2,
        .round = 1,
        .match = 2,
        .hint_index = 2};
    uint64_t ticket;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_step(&cluster, &late);
    assert_false(cluster.reads[ticket].is_answered);
    late.round = 2;
    cluster_step(&cluster, &late);
    assert_true(cluster.reads[ticket].is_answered);
    cluster_free(&cluster);
}

static void test_a_single_voter_reads_at_once_even_beside_learners(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 2, 1, 2, 1);
    cluster_start_all(&cluster);
    cluster_run(&cluster, 20);
    uint64_t ticket, before = cluster.n_sent[RAFT_HEARTBEAT];
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_collect(&cluster, 1);
    assert_true(cluster.reads[ticket].is_answered);
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT], before);
    assert_true(raft_lease_until_us(raft_of(&cluster, 1)) > cluster.now_us);
    cluster_free(&cluster);
}

static void test_a_lease_counts_from_the_sending_of_its_round(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    uint64_t ticket;
    int64_t sent_us = cluster.now_us;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_collect(&cluster, 1);
    cluster.now_us += 40000;
    cluster_settle(&cluster);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), sent_us + 142500);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_read_before_an_own_commit),
        cmocka_unit_test(test_reads_of_a_turn_share_a_round_that_began_after_them),
        cmocka_unit_test(test_a_deposed_leader_answers_no_read),
        cmocka_unit_test(test_an_answer_to_an_earlier_round_confirms_nothing_later),
        cmocka_unit_test(test_a_single_voter_reads_at_once_even_beside_learners),
        cmocka_unit_test(test_a_lease_counts_from_the_sending_of_its_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
