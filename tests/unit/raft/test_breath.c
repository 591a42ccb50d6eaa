/* Heartbeats in the midst of applying (DESIGN 3): they keep the leader, and move nothing else. */
#include "unit/raft/cluster.h"

enum { SECONDS = 5 };

/* All nodes are busy; every 10 ms each breathes, in both directions. */
static void breathe_for_ms(struct cluster *cluster, int64_t ms) {
    struct raft *leader = raft_of(cluster, 1);
    for (int64_t at = 0; at < ms; at += 10) {
        cluster->now_us += 10000;
        struct raft_message beats[4], answer, none;
        uint32_t n = raft_breathe(leader, cluster->now_us, beats, 4);
        for (uint32_t i = 0; i < n; i++) {
            struct raft *follower = raft_of(cluster, beats[i].to);
            assert_true(raft_breathe_message(follower, &beats[i], cluster->now_us, &answer));
            assert_int_equal(answer.to, 1);
            assert_true(raft_breathe_message(leader, &answer, cluster->now_us, &none));
            assert_int_equal(none.to, 0);
        }
    }
}

static void test_breathing_keeps_the_leader_for_any_time(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    raft_term term = raft_current_term(raft_of(&cluster, 1));
    raft_index commit = raft_commit_index(raft_of(&cluster, 1));
    breathe_for_ms(&cluster, SECONDS * 1000);
    assert_true(raft_lease_until_us(raft_of(&cluster, 1)) > cluster.now_us);
    for (raft_id id = 1; id <= 3; id++) cluster_tick(&cluster, id);
    cluster_settle(&cluster);
    assert_int_equal(cluster_leader(&cluster), 1);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), term);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), commit);
    cluster_propose(&cluster, 1, "after it");
    cluster_settle(&cluster);
    cluster_free(&cluster);
}

static void test_what_is_no_heartbeat_of_this_term_is_left(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    struct raft *follower = raft_of(&cluster, 2);
    raft_term term = raft_current_term(follower);
    struct raft_message answer,
        vote = {.type = RAFT_VOTE, .from = 3, .to = 2, .term = term + 1},
        later = {.type = RAFT_HEARTBEAT, .from = 3, .to = 2, .term = term + 1, .round = 1},
        other = {.type = RAFT_HEARTBEAT, .from = 3, .to = 2, .term = term, .round = 1};
    assert_false(raft_breathe_message(follower, &vote, cluster.now_us, &answer));
    assert_false(raft_breathe_message(follower, &later, cluster.now_us, &answer));
    assert_false(raft_breathe_message(follower, &other, cluster.now_us, &answer));
    assert_int_equal(raft_current_term(follower), term);
    assert_int_equal(raft_leader(follower), 1);
    struct raft_message beats[4];
    assert_int_equal(raft_breathe(follower, cluster.now_us + 1000000, beats, 4), 0);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breathing_keeps_the_leader_for_any_time),
        cmocka_unit_test(test_what_is_no_heartbeat_of_this_term_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
