/* Elections: chapter 3.4, pre-vote (9.6), stickiness (4.2.3), check-quorum (6.2), transfer (3.10).
 */
#include "unit/raft/cluster.h"

static void step_vote_request(struct cluster *cluster, enum raft_message_type type, raft_id from,
    raft_id to, raft_term term) {
    const struct raft *raft = raft_of(cluster, from);
    struct raft_message request = {.type = type,
        .from = from,
        .to = to,
        .term = term,
        .log_index = raft_last_index(raft),
        .log_term = raft_term_at(raft, raft_last_index(raft))};
    cluster_step(cluster, &request);
}

/* The only message of a type on its way, taken off. */
static struct raft_message take_only(struct cluster *cluster, enum raft_message_type type) {
    uint32_t at = 0;
    assert_int_equal(cluster_count(cluster, type, 0, &at), 1);
    return message_take(cluster, at);
}

static void test_a_single_voter_leads_after_its_first_tick_and_one_sync(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 1, 1, 1, 1);
    cluster_start_all(&cluster);
    assert_int_equal(raft_next_deadline_us(raft_of(&cluster, 1)), cluster.now_us);
    cluster_tick(&cluster, 1);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_CANDIDATE);
    cluster_settle(&cluster);
    assert_true(raft_is_serving(raft_of(&cluster, 1)));
    cluster_free(&cluster);
}

static void test_three_nodes_elect_one_leader_by_themselves(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct cluster cluster;
        cluster_init(&cluster, 3, 3, 3, seed);
        cluster.settings.pre_vote = seed % 2;
        cluster_start_all(&cluster);
        cluster_run(&cluster, 1500);
        raft_id leader = cluster_leader(&cluster);
        assert_true(leader != 0 && raft_is_serving(raft_of(&cluster, leader)));
        raft_term term = raft_current_term(raft_of(&cluster, leader));
        cluster_run(&cluster, 2000);
        for (raft_id id = 1; id <= 3; id++) {
            assert_int_equal(raft_leader(raft_of(&cluster, id)), leader);
            assert_int_equal(raft_current_term(raft_of(&cluster, id)), term);
        }
        cluster_free(&cluster);
    }
}

static void test_a_vote_leaves_only_after_the_hard_state_is_saved(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster.now_us += 300000;
    node_of(&cluster, 2)->disk_is_held = true;
    step_vote_request(&cluster, RAFT_VOTE, 1, 2, 2);
    assert_int_equal(raft_current_term(raft_of(&cluster, 2)), 2);
    assert_int_equal(cluster.n_messages, 0);
    cluster_disk_step(&cluster, 2, 0);
    struct raft_message answer = take_only(&cluster, RAFT_VOTE_ANSWER);
    assert_true(answer.granted && answer.term == 2);
    /* and it is given once */
    step_vote_request(&cluster, RAFT_VOTE, 3, 2, 2);
    answer = take_only(&cluster, RAFT_VOTE_ANSWER);
    assert_false(answer.granted);
    cluster_free(&cluster);
}

static void test_a_candidate_asks_and_counts_itself_only_after_its_own_save(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.pre_vote = false;
    cluster_start_all(&cluster);
    node_of(&cluster, 1)->disk_is_held = true;
    cluster_time_out(&cluster, 1);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_CANDIDATE);
    assert_int_equal(cluster.n_messages, 0);
    /* A stalled disk costs no further terms. */
    for (int i = 0; i < 5; i++) cluster_time_out(&cluster, 1);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    cluster_disk_step(&cluster, 1, 0);
    assert_int_equal(cluster_count(&cluster, RAFT_VOTE, 0, NULL), 2);
    cluster_free(&cluster);
}

static void test_a_forged_vote_before_the_save_elects_nobody(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.pre_vote = false;
    cluster_start_all(&cluster);
    cluster_time_out(&cluster, 1);
    for (raft_id id = 2; id <= 3; id++) {
        struct raft_message vote = {
            .type = RAFT_VOTE_ANSWER, .from = id, .to = 1, .term = 2, .granted = true};
        cluster_step(&cluster, &vote);
    }
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_CANDIDATE);
    cluster_free(&cluster);
}

static void test_a_refusal_says_when_and_the_asker_is_there_then(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_run(&cluster, 100);
    int64_t heard_us = cluster.now_us; /* 3 hears the leader at this moment ... */
    struct raft_message word = {.type = RAFT_HEARTBEAT, .from = 1, .to = 3, .term = 2, .round = 0};
    cluster_step(&cluster, &word);
    cluster_cut(&cluster, 1, true);
    cluster.now_us = heard_us + 100000; /* ... and is sticky for 50 ms more now */
    step_vote_request(&cluster, RAFT_PRE_VOTE, 2, 3, 3);
    struct raft_message answer = take_only(&cluster, RAFT_PRE_VOTE_ANSWER);
    assert_false(answer.granted);
    assert_int_equal(answer.retry_after_ms, 50);
    assert_int_equal(answer.term, 2);
    /* The asker, a pre-candidate by its own timer, comes back when told. */
    cluster.now_us = raft_next_deadline_us(raft_of(&cluster, 2));
    cluster_tick(&cluster, 2);
    assert_int_equal(raft_role(raft_of(&cluster, 2)), RAFT_PRE_CANDIDATE);
    answer.retry_after_ms = 20;
    cluster_step(&cluster, &answer);
    int64_t wait_us = raft_next_deadline_us(raft_of(&cluster, 2)) - cluster.now_us;
    assert_true(wait_us >= 20000 && wait_us <= 30000);
    cluster_free(&cluster);
}

static void test_a_vote_request_does_not_raise_the_term_of_a_sticky_node(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    for (raft_id id = 1; id <= 2; id++) { /* the leader has a fresh quorum: it is sticky too */
        step_vote_request(&cluster, RAFT_VOTE, 3, id, 9);
        struct raft_message answer = take_only(&cluster, RAFT_VOTE_ANSWER);
        assert_true(!answer.granted && answer.retry_after_ms > 0 && answer.term == 2);
        assert_int_equal(raft_current_term(raft_of(&cluster, id)), 2);
    }
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    cluster_free(&cluster);
}

static void test_a_restarted_node_is_sticky_at_first(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster.now_us += 60000;
    step_vote_request(&cluster, RAFT_VOTE, 1, 2, 2);
    struct raft_message answer = take_only(&cluster, RAFT_VOTE_ANSWER);
    assert_false(answer.granted);
    assert_int_equal(answer.retry_after_ms, 90);
    cluster.now_us += 90000;
    step_vote_request(&cluster, RAFT_VOTE, 1, 2, 2);
    cluster_disk_step(&cluster, 2, 0);
    answer = take_only(&cluster, RAFT_VOTE_ANSWER);
    assert_true(answer.granted);
    cluster_free(&cluster);
}

static void test_a_node_back_from_a_partition_disturbs_nobody(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 3, true);
    cluster_run(&cluster, 3000);
    assert_int_equal(raft_current_term(raft_of(&cluster, 3)), 2);
    assert_int_equal(raft_role(raft_of(&cluster, 3)), RAFT_PRE_CANDIDATE);
    cluster_cut(&cluster, 3, false);
    cluster_run(&cluster, 1000);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    assert_int_equal(raft_leader(raft_of(&cluster, 3)), 1);
    cluster_free(&cluster);
}

static void test_a_higher_term_is_told_and_taken_up_without_pre_vote(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.pre_vote = false;
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 3, true);
    cluster_run(&cluster, 2000);
    assert_true(raft_current_term(raft_of(&cluster, 3)) > 2);
    cluster_cut(&cluster, 3, false);
    cluster_run(&cluster, 1500);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader != 0);
    for (raft_id id = 1; id <= 3; id++)
        assert_int_equal(raft_leader(raft_of(&cluster, id)), leader);
    cluster_free(&cluster);
}

static void test_a_leader_without_a_quorum_steps_down(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 1, true);
    cluster_run(&cluster, 290);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    cluster_run(&cluster, 60);
    assert_int_not_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    cluster_free(&cluster);
}

static void test_a_lost_link_to_the_leader_shortens_the_timer(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct cluster cluster;
        cluster_init(&cluster, 3, 3, 3, seed);
        cluster_start_all(&cluster);
        cluster_elect(&cluster, 1);
        raft_step_link_lost(raft_of(&cluster, 2), 3, cluster.now_us); /* not the leader's */
        raft_step_link_lost(raft_of(&cluster, 2), 1, cluster.now_us);
        int64_t wait_us = raft_next_deadline_us(raft_of(&cluster, 2)) - cluster.now_us;
        assert_true(wait_us >= 150000 && wait_us <= 180000);
        cluster_free(&cluster);
    }
}

static void test_a_shorter_log_gets_no_vote(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    disk_put(&cluster, 2, 1, ENTRY_BATCH, bytes_new("x", 1));
    cluster_start_all(&cluster);
    cluster.now_us += 300000;
    step_vote_request(&cluster, RAFT_VOTE, 1, 2, 5);
    cluster_settle(&cluster);
    assert_int_equal(raft_current_term(raft_of(&cluster, 2)), 5);
    cluster_time_out(&cluster, 1);
    step_vote_request(&cluster, RAFT_PRE_VOTE, 1, 2, 6);
    uint32_t at = 0;
    assert_int_equal(cluster_count(&cluster, RAFT_PRE_VOTE_ANSWER, 1, &at), 1);
    assert_false(cluster.messages[at].granted);
    cluster_free(&cluster);
}

static void test_a_refused_candidate_does_not_put_off_a_better_one(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    disk_put(&cluster, 2, 1, ENTRY_BATCH, bytes_new("x", 1));
    cluster_start_all(&cluster);
    int64_t deadline_us = raft_next_deadline_us(raft_of(&cluster, 2));
    cluster.now_us += 150000;
    step_vote_request(&cluster, RAFT_VOTE, 1, 2, 5);
    assert_int_equal(raft_current_term(raft_of(&cluster, 2)), 5);
    assert_int_equal(raft_next_deadline_us(raft_of(&cluster, 2)), deadline_us);
    cluster_free(&cluster);
}

static void test_answers_from_strangers_end_no_leadership(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    const struct raft_message stranger = {
        .type = RAFT_HEARTBEAT_ANSWER, .from = 6, .to = 1, .term = 9};
    cluster_step(&cluster, &stranger);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    struct raft_message peer = stranger;
    peer.from = 2;
    cluster_step(&cluster, &peer);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 9);
    cluster_free(&cluster);
}

static void test_transfer_hands_over_without_waiting_for_a_timeout(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    int64_t before_us = cluster.now_us;
    assert_true(raft_lease_until_us(raft_of(&cluster, 1)) > cluster.now_us);
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 9, cluster.now_us), SF_ERR_INVALID);
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 2, cluster.now_us), SF_ERR_BUSY);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), 0);
    raft_index index;
    assert_int_equal(cluster_try_propose(&cluster, 1, "x", &index), SF_ERR_NOT_LEADER);
    cluster_collect(&cluster, 1);
    cluster_settle(&cluster);
    assert_true(raft_is_serving(raft_of(&cluster, 3)));
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    assert_int_equal(cluster.now_us, before_us);
    cluster_free(&cluster);
}

static void test_transfer_waits_until_the_successor_holds_everything(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    node_of(&cluster, 3)->disk_is_held = true;
    cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster);
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    cluster_collect(&cluster, 1);
    assert_int_equal(cluster_count(&cluster, RAFT_TIMEOUT_NOW, 0, NULL), 0);
    cluster_disk_step(&cluster, 3, 0);
    node_of(&cluster, 3)->disk_is_held = false;
    cluster_settle(&cluster);
    assert_int_equal(raft_role(raft_of(&cluster, 3)), RAFT_LEADER);
    cluster_free(&cluster);
}

static void test_transfer_is_given_up_after_an_election_timeout(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster.is_cut[1][3] = true;
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    cluster_run(&cluster, 320);
    assert_false(raft_transferring(raft_of(&cluster, 1)));
    raft_index index = cluster_propose(&cluster, 1, "goes on");
    cluster_run(&cluster, 100);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) >= index);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), 0); /* not in this term any more */
    cluster_free(&cluster);
}

static void test_failover_after_a_crash_takes_little_more_than_the_minimum(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct cluster cluster;
        cluster_init(&cluster, 3, 3, 3, seed);
        cluster_start_all(&cluster);
        cluster_elect(&cluster, 1);
        cluster_run(&cluster, 120);
        cluster_crash(&cluster, 1);
        for (raft_id id = 2; id <= 3; id++)
            raft_step_link_lost(raft_of(&cluster, id), 1, cluster.now_us);
        cluster_run(&cluster, 210);
        raft_id leader = cluster_leader(&cluster);
        assert_true(leader != 0 && raft_is_serving(raft_of(&cluster, leader)));
        cluster_free(&cluster);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_single_voter_leads_after_its_first_tick_and_one_sync),
        cmocka_unit_test(test_three_nodes_elect_one_leader_by_themselves),
        cmocka_unit_test(test_a_vote_leaves_only_after_the_hard_state_is_saved),
        cmocka_unit_test(test_a_candidate_asks_and_counts_itself_only_after_its_own_save),
        cmocka_unit_test(test_a_forged_vote_before_the_save_elects_nobody),
        cmocka_unit_test(test_a_refusal_says_when_and_the_asker_is_there_then),
        cmocka_unit_test(test_a_vote_request_does_not_raise_the_term_of_a_sticky_node),
        cmocka_unit_test(test_a_restarted_node_is_sticky_at_first),
        cmocka_unit_test(test_a_node_back_from_a_partition_disturbs_nobody),
        cmocka_unit_test(test_a_higher_term_is_told_and_taken_up_without_pre_vote),
        cmocka_unit_test(test_a_leader_without_a_quorum_steps_down),
        cmocka_unit_test(test_a_lost_link_to_the_leader_shortens_the_timer),
        cmocka_unit_test(test_a_shorter_log_gets_no_vote),
        cmocka_unit_test(test_a_refused_candidate_does_not_put_off_a_better_one),
        cmocka_unit_test(test_answers_from_strangers_end_no_leadership),
        cmocka_unit_test(test_transfer_hands_over_without_waiting_for_a_timeout),
        cmocka_unit_test(test_transfer_waits_until_the_successor_holds_everything),
        cmocka_unit_test(test_transfer_is_given_up_after_an_election_timeout),
        cmocka_unit_test(test_failover_after_a_crash_takes_little_more_than_the_minimum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
