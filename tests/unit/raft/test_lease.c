/* Leases (section 6.4.1, invariant R10): what they rest on, and when they do not hold. */
#include "unit/raft/cluster.h"

enum { LEASE_US = 142500 }; /* of 150 ms, less 5 % */

static bool read_by_lease(
    struct cluster *cluster, raft_id id, int64_t judged_us, uint64_t *ticket) {
    CLUSTER_GROW(cluster->reads, cluster->n_reads, cluster->cap_reads);
    *ticket = cluster->n_reads++;
    cluster->reads[*ticket] = (struct cluster_read){
        .ticket = *ticket, .node = id, .committed_when_asked = cluster->committed.n};
    assert_int_equal(raft_read_lease(raft_of(cluster, id), *ticket, cluster->now_us), SF_OK);
    raft_judge_lease(raft_of(cluster, id), judged_us);
    cluster_collect(cluster, id);
    return cluster->reads[*ticket].is_answered;
}

static void start_and_elect(struct cluster *cluster, uint32_t n) {
    cluster_init(cluster, n, n, n, 1);
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
}

/* A round of heartbeats, answered by whom it reaches. */
static void round_trip(struct cluster *cluster) {
    uint64_t ticket;
    assert_int_equal(cluster_read(cluster, 1, &ticket), SF_OK);
    cluster_collect(cluster, 1);
    cluster_settle(cluster);
}

static void test_a_read_by_lease_sends_nothing(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    uint64_t ticket, before = cluster.n_sent[RAFT_HEARTBEAT];
    assert_true(read_by_lease(&cluster, 1, cluster.now_us, &ticket));
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT], before);
    cluster_free(&cluster);
}

static void test_a_read_that_needs_a_round_gets_one_beside_a_lease(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    uint64_t first, second, before = cluster.n_sent[RAFT_HEARTBEAT];
    assert_int_equal(cluster_read(&cluster, 1, &first), SF_OK);
    assert_false(read_by_lease(&cluster, 1, cluster.now_us, &second)); /* in order of asking */
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT], before + 2);
    cluster_settle(&cluster);
    assert_true(cluster.reads[first].is_answered && cluster.reads[second].is_answered);
    cluster_free(&cluster);
}

/* The process stood still between reading its sockets and acting: the event's time is too early. */
static void test_a_lease_is_judged_by_the_later_clock(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    cluster_cut(&cluster, 1, true);
    uint64_t ticket;
    int64_t until = raft_lease_until_us(raft_of(&cluster, 1));
    assert_true(cluster.now_us < until);
    assert_false(read_by_lease(&cluster, 1, until, &ticket));
    cluster_run(&cluster, 1000);
    assert_true(cluster.reads[ticket].answer.failed);
    cluster_free(&cluster);
}

static void test_a_late_answer_extends_a_lease_from_when_it_was_asked_for(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    uint64_t ticket;
    cluster.now_us += 20000;
    int64_t sent_us = cluster.now_us;
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_collect(&cluster, 1);
    while (cluster_count(&cluster, RAFT_HEARTBEAT, 0, NULL) > 0) cluster_deliver(&cluster, 0);
    cluster.now_us += 60000; /* the answers are on their way */
    cluster_settle(&cluster);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), sent_us + LEASE_US);
    cluster_free(&cluster);
}

/* With both clocks 2.4 % wrong, against each other, the lease still ends first. */
static void test_a_lease_ends_before_the_promise_by_clocks_that_drift(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    double lease_us = (double)(raft_lease_until_us(raft_of(&cluster, 1)) - cluster.now_us);
    double slow = 1 - 0.024, fast = 1 + 0.024;
    assert_true(lease_us / slow < 150000 / fast);
    cluster_free(&cluster);
}

static void test_timeout_now_ends_the_lease_of_its_term(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    cluster.is_cut[1][3] = true;
    uint64_t ticket;
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 3, cluster.now_us), SF_OK);
    assert_false(read_by_lease(&cluster, 1, cluster.now_us, &ticket));
    cluster_settle(&cluster); /* the round with 2 will do */
    assert_true(cluster.reads[ticket].is_answered && !cluster.reads[ticket].answer.failed);
    cluster_run(&cluster, 400); /* the transfer was given up */
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    assert_false(raft_transferring(raft_of(&cluster, 1)));
    assert_false(read_by_lease(&cluster, 1, cluster.now_us, &ticket));
    cluster_free(&cluster);
}

static void test_stepping_down_ends_the_lease(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    struct raft_message higher = {.type = RAFT_HEARTBEAT_ANSWER, .from = 2, .to = 1, .term = 9};
    cluster_step(&cluster, &higher);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), 0);
    cluster_free(&cluster);
}

/* A voter of both halves' quorums is needed (chapter 4). */
static void test_a_joint_configuration_takes_promises_of_both_halves(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 5, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    struct raft_configuration target = configuration_of(5, 5);
    configuration_remove(&target, 2);
    configuration_remove(&target, 3); /* 1, 4, 5 */
    assert_int_equal(
        raft_propose_configuration(raft_of(&cluster, 1), &target, cluster.now_us), SF_OK);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), 0); /* neither 4 nor 5 promised */
    cluster_collect(&cluster, 1);
    cluster_run(&cluster, 300);
    assert_true(raft_lease_until_us(raft_of(&cluster, 1)) > cluster.now_us);
    cluster_free(&cluster);
}

/* It may have promised 150 ms in a life before; the setting that it starts with says less. */
static void test_a_restarted_voter_keeps_what_a_former_life_may_have_promised(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    round_trip(&cluster);
    int64_t until = raft_lease_until_us(raft_of(&cluster, 1));
    cluster.settings.election_timeout_min_ms = 20;
    cluster.settings.election_timeout_max_ms = 40;
    cluster_cut(&cluster, 1, true);
    cluster_crash(&cluster, 2);
    cluster_start(&cluster, 2);
    cluster_crash(&cluster, 3);
    cluster_start(&cluster, 3);
    while (cluster_leader(&cluster) == 1 && cluster.now_us < until + 1000000)
        cluster_run(&cluster, 1);
    assert_int_not_equal(cluster_leader(&cluster), 1);
    assert_true(cluster.now_us > until); /* check_leader has looked too */
    cluster_free(&cluster);
}

static void set_timeouts(struct cluster *cluster, raft_id id, uint32_t min_ms, uint32_t max_ms) {
    struct raft_settings settings = cluster->settings;
    settings.election_timeout_min_ms = min_ms;
    settings.election_timeout_max_ms = max_ms;
    settings.heartbeat_interval_ms = 10;
    raft_set_settings(raft_of(cluster, id), &settings);
}

static void test_raising_timeouts_lengthens_a_lease_by_what_followers_promise(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.election_timeout_min_ms = 50;
    cluster.settings.election_timeout_max_ms = 100;
    cluster_start_all(&cluster);
    cluster.now_us += 100000; /* past what each may have promised before its start */
    cluster_elect(&cluster, 1);
    set_timeouts(&cluster, 1, 150, 300); /* the followers have not applied it */
    round_trip(&cluster);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), cluster.now_us + 47500);
    set_timeouts(&cluster, 2, 150, 300);
    round_trip(&cluster);
    assert_int_equal(raft_lease_until_us(raft_of(&cluster, 1)), cluster.now_us + LEASE_US);
    cluster_free(&cluster);
}

/* The followers apply the lower setting first, the leader does not apply it at all. */
static void test_lowering_timeouts_breaks_no_promise(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct cluster cluster;
        cluster_init(&cluster, 3, 3, 3, seed);
        cluster_start_all(&cluster);
        cluster_elect(&cluster, 1);
        round_trip(&cluster);
        int64_t heard_us = cluster.now_us;
        set_timeouts(&cluster, 2, 20, 40);
        set_timeouts(&cluster, 3, 20, 40);
        cluster.settings.election_timeout_min_ms = 20; /* for cluster_run's sake */
        if (seed % 2 == 0) { /* a promise of the new length does not shorten the old one */
            cluster.now_us += 1000;
            round_trip(&cluster);
        }
        cluster_cut(&cluster, 1, true);
        while (cluster_leader(&cluster) == 1) cluster_run(&cluster, 1); /* check_leader: R10 */
        assert_true(cluster.now_us >= heard_us + 150000);
        cluster_free(&cluster);
    }
}

static void test_lower_timeouts_hold_one_old_maximum_later(void **state) {
    (void)state;
    struct cluster cluster;
    start_and_elect(&cluster, 3);
    set_timeouts(&cluster, 2, 20, 40);
    cluster_run(&cluster, 290);
    cluster_crash(&cluster, 1);
    cluster_crash(&cluster, 3);
    assert_true(raft_next_deadline_us(raft_of(&cluster, 2)) >= cluster.now_us + 100000 - 10000);
    cluster_start(&cluster, 1);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 1000); /* by now it has heard a leader under the new settings */
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader != 0);
    if (leader != 2)
        assert_true(raft_next_deadline_us(raft_of(&cluster, 2)) <= cluster.now_us + 40000);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_by_lease_sends_nothing),
        cmocka_unit_test(test_a_read_that_needs_a_round_gets_one_beside_a_lease),
        cmocka_unit_test(test_a_lease_is_judged_by_the_later_clock),
        cmocka_unit_test(test_a_late_answer_extends_a_lease_from_when_it_was_asked_for),
        cmocka_unit_test(test_a_lease_ends_before_the_promise_by_clocks_that_drift),
        cmocka_unit_test(test_timeout_now_ends_the_lease_of_its_term),
        cmocka_unit_test(test_stepping_down_ends_the_lease),
        cmocka_unit_test(test_a_joint_configuration_takes_promises_of_both_halves),
        cmocka_unit_test(test_a_restarted_voter_keeps_what_a_former_life_may_have_promised),
        cmocka_unit_test(test_raising_timeouts_lengthens_a_lease_by_what_followers_promise),
        cmocka_unit_test(test_lowering_timeouts_breaks_no_promise),
        cmocka_unit_test(test_lower_timeouts_hold_one_old_maximum_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
