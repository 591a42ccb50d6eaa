/* A node whose log lost entries it had acknowledged (DESIGN 9). */
#include "unit/raft/cluster.h"

/* Three nodes, 2 has just lost everything above index `keeps`; it is up again and not yet heard. */
static void begin_with_damage(struct cluster *cluster, uint32_t keeps) {
    cluster_init(cluster, 3, 3, 3, 1);
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
    cluster_cut(cluster, 3, true); /* so that 1 and 2 commit alone */
    for (int i = 0; i < 5; i++) cluster_propose(cluster, 1, "x");
    cluster_settle(cluster);
    assert_int_equal(raft_commit_index(raft_of(cluster, 1)), 7);
    cluster_crash(cluster, 2);
    disk_log_cut(&node_of(cluster, 2)->disk, keeps + 1);
    node_of(cluster, 2)->is_damaged = true;
    cluster_start(cluster, 2);
}

static void test_a_damaged_node_neither_stands_nor_votes(void **state) {
    (void)state;
    struct cluster cluster;
    begin_with_damage(&cluster, 4);
    cluster_crash(&cluster, 1);
    cluster_cut(&cluster, 3, false);
    cluster_run(&cluster, 5000); /* 3 never had the entries: with 2's vote they would be lost */
    assert_int_equal(cluster_leader(&cluster), 0);
    assert_int_equal(raft_role(raft_of(&cluster, 2)), RAFT_FOLLOWER);
    struct raft_message request = {.type = RAFT_VOTE,
        .from = 3,
        .to = 2,
        .term = 50,
        .log_index = 9,
        .log_term = 9,
        .transfer = true};
    struct raft_message question = request;
    question.type = RAFT_PRE_VOTE;
    question.transfer = false;
    cluster.now_us += 400000;
    cluster_step(&cluster, &question);
    uint32_t at = 0;
    assert_int_equal(cluster_count(&cluster, RAFT_PRE_VOTE_ANSWER, 3, &at), 1);
    assert_false(cluster.messages[at].granted);
    cluster_step(&cluster, &request);
    cluster_disk_step(&cluster, 2, 0);
    assert_int_equal(cluster_count(&cluster, RAFT_VOTE_ANSWER, 3, &at), 1);
    assert_false(cluster.messages[at].granted);
    cluster_free(&cluster);
}

static void test_a_damaged_node_is_not_counted_until_it_is_whole(void **state) {
    (void)state;
    struct cluster cluster;
    begin_with_damage(&cluster, 4);
    node_of(&cluster, 2)->disk_is_held = true;
    raft_index index = cluster_propose(&cluster, 1, "y");
    uint64_t ticket;
    cluster_run(&cluster, 60); /* a heartbeat tells the leader */
    assert_int_equal(cluster_read(&cluster, 1, &ticket), SF_OK);
    cluster_run(&cluster, 100);
    assert_false(cluster.reads[ticket].is_answered);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < index);
    assert_true(raft_is_damaged(raft_of(&cluster, 2)));
    assert_int_equal(raft_transfer(raft_of(&cluster, 1), 2, cluster.now_us), SF_ERR_INVALID);
    node_of(&cluster, 2)->disk_is_held = false;
    cluster_run(&cluster, 200);
    assert_false(raft_is_damaged(raft_of(&cluster, 2)));
    assert_false(node_of(&cluster, 2)->is_damaged); /* ready.damage_mended was given out */
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), index);
    assert_true(cluster.reads[ticket].is_answered && !cluster.reads[ticket].answer.failed);
    cluster_free(&cluster);
}

static void test_what_it_said_before_the_damage_is_not_believed(void **state) {
    (void)state;
    struct cluster cluster;
    begin_with_damage(&cluster, 4);
    node_of(&cluster, 2)->disk_is_held = true;
    cluster_run(&cluster, 60);
    assert_true(raft_is_damaged(raft_of(&cluster, 2)));
    struct raft_message late = {.type = RAFT_APPEND_ANSWER,
        .from = 2,
        .to = 1,
        .term = 2,
        .granted = true,
        .match = 7,
        .hint_index = 7};
    struct raft_peer_status before, after;
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &before));
    cluster_step(&cluster, &late);
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &after));
    assert_int_equal(before.match, after.match);
    late.type = RAFT_HEARTBEAT_ANSWER;
    late.granted = false;
    late.round = 1;
    cluster_step(&cluster, &late);
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &after));
    assert_int_equal(before.match, after.match);
    cluster_free(&cluster);
}

static void test_what_a_damaged_node_stores_is_kept_but_not_counted(void **state) {
    (void)state;
    struct cluster cluster;
    begin_with_damage(&cluster, 4);
    raft_index index = cluster_propose(&cluster, 1, "y");
    while (cluster.n_messages > 0) cluster_drop(&cluster, 0);
    cluster_disk_step(&cluster, 1, 0);
    struct raft_message answer = {.type = RAFT_APPEND_ANSWER,
        .from = 2,
        .to = 1,
        .term = 2,
        .granted = true,
        .match = index,
        .hint_index = index,
        .damage = 5};
    cluster_step(&cluster, &answer);
    struct raft_peer_status peer;
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &peer));
    assert_int_equal(peer.match, index);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < index);
    answer.damage = 6; /* damaged again, at a later start: begin anew */
    answer.match = answer.hint_index = 2;
    cluster_step(&cluster, &answer);
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &peer));
    assert_int_equal(peer.match, 2);
    cluster_free(&cluster);
}

/* Before that its commit index may be older than what was acknowledged to the leader before it. */
static void test_a_leader_names_no_target_before_an_own_commit(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    node_of(&cluster, 1)->disk_is_held = true;
    cluster_time_out(&cluster, 1);
    while (raft_role(raft_of(&cluster, 1)) != RAFT_LEADER) {
        for (raft_id id = 1; id <= 3; id++)
            while (node_of(&cluster, id)->n_work > 0) cluster_disk_step(&cluster, id, 0);
        cluster_deliver(&cluster, 0);
    }
    while (cluster.n_messages > 0) cluster_drop(&cluster, 0);
    struct raft_message answer = {
        .type = RAFT_APPEND_ANSWER, .from = 2, .to = 1, .term = 2, .log_index = 1, .damage = 5};
    cluster_step(&cluster, &answer);
    cluster_step(&cluster, &answer);
    uint32_t at = 0;
    assert_true(cluster_count(&cluster, RAFT_APPEND, 2, &at) > 0);
    assert_int_equal(cluster.messages[at].damage, 0);
    cluster_free(&cluster);
}

/* As 2 names it in its answers. */
static uint64_t damage_number(struct cluster *cluster) {
    uint32_t at = 0;
    assert_true(cluster_count(cluster, RAFT_APPEND_ANSWER, 1, &at) > 0);
    return cluster->messages[at].damage;
}

/* The leader may still commit by an acknowledgement from before the damage, as long as it does not
 * know of it: so only what it names knowing of it makes the node whole. */
static void test_it_is_not_whole_by_a_commit_index_named_in_ignorance(void **state) {
    (void)state;
    struct cluster cluster;
    begin_with_damage(&cluster, 4);
    struct raft_message append = {.type = RAFT_APPEND,
        .from = 1,
        .to = 2,
        .term = 2,
        .log_index = 4,
        .log_term = 2,
        .commit = 4};
    cluster_step(&cluster, &append);
    assert_true(raft_is_damaged(raft_of(&cluster, 2)));
    append.damage = 1; /* of some other start */
    cluster_step(&cluster, &append);
    assert_true(raft_is_damaged(raft_of(&cluster, 2)));
    append.damage = damage_number(&cluster);
    append.commit = 6;
    cluster_step(&cluster, &append);
    assert_true(raft_is_damaged(raft_of(&cluster, 2))); /* holds 4 of 6 */
    cluster_run(&cluster, 200);
    assert_false(raft_is_damaged(raft_of(&cluster, 2)));
    cluster_free(&cluster);
}

static void test_a_damaged_sole_voter_does_nothing(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 1, 1, 1, 1);
    node_of(&cluster, 1)->is_damaged = true;
    cluster_start_all(&cluster);
    cluster_run(&cluster, 1000);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_FOLLOWER);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_damaged_node_neither_stands_nor_votes),
        cmocka_unit_test(test_a_damaged_node_is_not_counted_until_it_is_whole),
        cmocka_unit_test(test_what_it_said_before_the_damage_is_not_believed),
        cmocka_unit_test(test_what_a_damaged_node_stores_is_kept_but_not_counted),
        cmocka_unit_test(test_a_leader_names_no_target_before_an_own_commit),
        cmocka_unit_test(test_it_is_not_whole_by_a_commit_index_named_in_ignorance),
        cmocka_unit_test(test_a_damaged_sole_voter_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
