/* InstallSnapshot (dissertation, chapter 5): followers that lag behind the log, transfers that
 * break and go on, and what an installed snapshot leaves. */
#include "raft/log.h"
#include "unit/raft/cluster.h"
#include "util/hash.h"

/* Three nodes, 1 leads; 3 is down and has missed `missed` entries; 1 and 2 have taken snapshots
 * that leave `keep` entries of the log. */
static void lag(struct cluster *cluster, uint32_t missed, raft_index keep) {
    cluster_init(cluster, 3, 3, 3, 1);
    cluster->settings.batch_bytes = 300; /* a snapshot is four chunks */
    cluster->settings.cache_bytes = 0;
    cluster_start_all(cluster);
    cluster_elect(cluster, 1);
    cluster_run(cluster, 100);
    cluster_crash(cluster, 3);
    for (uint32_t i = 0; i < missed; i++) {
        (void)cluster_propose(cluster, 1, "missed");
        if (i % 10 == 0) cluster_settle(cluster);
    }
    cluster_run(cluster, 100);
    assert_true(cluster_snapshot(cluster, 1, keep));
    assert_true(cluster_snapshot(cluster, 2, keep));
}

static void expect_caught_up(struct cluster *cluster, raft_id id, uint32_t n_installed) {
    const struct cluster_node *node = node_of(cluster, id);
    raft_id leader = cluster_leader(cluster);
    assert_int_equal(node->applied, raft_commit_index(raft_of(cluster, leader)));
    assert_int_equal(raft_last_index(node->raft), raft_last_index(raft_of(cluster, leader)));
    assert_int_equal(node->n_installed, n_installed);
}

/* Delivers and carries out everything until node `to` has that many bytes on disk; the rest waits.
 */
static void run_until_received(struct cluster *cluster, raft_id to, size_t bytes) {
    struct cluster_node *node = node_of(cluster, to);
    for (int steps = 0; node->received.len < bytes; steps++) {
        assert_true(steps < 10000);
        bool moved = false;
        for (raft_id id = 1; id <= cluster->n && !moved; id++) {
            if (raft_of(cluster, id) == NULL || node_of(cluster, id)->n_work == 0) continue;
            cluster_disk_step(cluster, id, 0);
            moved = true;
        }
        if (!moved && cluster->n_messages > 0) {
            cluster_deliver(cluster, 0);
            moved = true;
        }
        if (!moved) {
            cluster->now_us += 10000;
            for (raft_id id = 1; id <= cluster->n; id++)
                if (raft_of(cluster, id) != NULL) cluster_tick(cluster, id);
        }
    }
}

static void test_a_follower_behind_the_log_is_sent_a_snapshot_and_then_what_follows(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    assert_true(raft_first_index(raft_of(&cluster, 1)) > 50);
    cluster_start(&cluster, 3);
    (void)cluster_propose(&cluster, 1, "more");
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    assert_int_equal(
        raft_snapshot_index(raft_of(&cluster, 3)), node_of(&cluster, 1)->snapshot.index);
    assert_int_equal(
        raft_first_index(raft_of(&cluster, 3)), node_of(&cluster, 1)->snapshot.index + 1);
    cluster_crash(&cluster, 3); /* and what it installed is what it starts from */
    cluster_start(&cluster, 3);
    (void)cluster_propose(&cluster, 1, "later");
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_follower_that_the_kept_entries_reach_needs_no_snapshot(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 60);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 0);
    assert_int_equal(cluster.n_sent[RAFT_SNAPSHOT], 0);
    cluster_free(&cluster);
}

static void test_a_transfer_goes_on_where_it_broke(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    run_until_received(&cluster, 3, 600);
    while (cluster.n_messages > 0) cluster_drop(&cluster, 0);
    raft_step_link_lost(raft_of(&cluster, 1), 3, cluster.now_us);
    raft_step_link_lost(raft_of(&cluster, 3), 1, cluster.now_us);
    cluster.n_sent[RAFT_SNAPSHOT] = 0;
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    /* The question, and the two chunks that were missing. */
    assert_int_equal(cluster.n_sent[RAFT_SNAPSHOT], 3);
    cluster_free(&cluster);
}

static void test_a_receiver_that_crashed_begins_anew(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    run_until_received(&cluster, 3, 900);
    cluster_crash(&cluster, 3);
    assert_int_equal(node_of(&cluster, 3)->received.len, 0);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 1000);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_crash_before_the_snapshot_is_installed_leaves_the_old_log(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    raft_index before = raft_last_index(raft_of(&cluster, 3));
    struct cluster_node *node = node_of(&cluster, 3);
    run_until_received(&cluster, 3, 1000);
    assert_true(raft_is_installing(node->raft));
    assert_int_equal(node->work[node->n_work - 1].type, DISK_INSTALL);
    assert_int_equal(raft_last_index(node->raft), before);
    cluster_crash(&cluster, 3);
    cluster_start(&cluster, 3);
    assert_int_equal(raft_last_index(raft_of(&cluster, 3)), before);
    cluster_run(&cluster, 1000);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_nothing_is_acknowledged_before_the_snapshot_is_durable(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    run_until_received(&cluster, 3, 1000);
    node_of(&cluster, 3)->disk_is_held = true;
    cluster_run(&cluster, 1000);
    struct raft_peer_status status;
    assert_true(raft_peer(raft_of(&cluster, 1), 3, &status));
    assert_true(status.match < node_of(&cluster, 1)->snapshot.index);
    assert_true(status.receives_snapshot);
    /* Its heartbeats were answered all the while: nobody stood for election. */
    assert_int_equal(
        raft_current_term(raft_of(&cluster, 3)), raft_current_term(raft_of(&cluster, 1)));
    assert_int_equal(cluster_leader(&cluster), 1);
    node_of(&cluster, 3)->disk_is_held = false;
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_chunk_with_wrong_bytes_or_at_a_wrong_place_is_refused(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    run_until_received(&cluster, 3, 300);
    struct bytes *data = bytes_new("wrong", 5);
    struct raft_message bad = {.type = RAFT_SNAPSHOT,
        .from = 1,
        .to = 3,
        .term = raft_current_term(raft_of(&cluster, 1)),
        .log_index = node_of(&cluster, 1)->snapshot.index,
        .log_term = node_of(&cluster, 1)->snapshot.term,
        .round = 1000000,
        .snapshot_id = node_of(&cluster, 1)->snapshot.id,
        .snapshot_bytes = SNAPSHOT_TEST_BYTES,
        .offset = 300,
        .crc = 12345,
        .data = data};
    for (int i = 0; i < 2; i++) {
        while (cluster.n_messages > 0) cluster_drop(&cluster, 0);
        cluster_step(&cluster, &bad);
        uint32_t at = 0;
        assert_int_equal(cluster_count(&cluster, RAFT_SNAPSHOT_ANSWER, 1, &at), 1);
        assert_false(cluster.messages[at].granted);
        assert_int_equal(cluster.messages[at].offset, 300);
        bad.offset = 700; /* a gap */
        bad.crc = crc32c(bytes_slice(data));
    }
    bytes_unref(data);
    cluster_run(&cluster, 1000);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_receiver_without_room_is_tried_again_later(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    node_of(&cluster, 3)->chunks_fail = true;
    cluster_run(&cluster, 1000);
    assert_int_equal(node_of(&cluster, 3)->n_installed, 0);
    assert_true(cluster.n_sent[RAFT_SNAPSHOT] < 200); /* it is not hammered */
    node_of(&cluster, 3)->chunks_fail = false;
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_newer_snapshot_does_not_disturb_a_transfer_that_is_under_way(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    cluster_start(&cluster, 3);
    raft_index index = node_of(&cluster, 1)->snapshot.index;
    run_until_received(&cluster, 3, 600);
    assert_int_equal(raft_log_needed_from(raft_of(&cluster, 1)), index + 1);
    node_of(&cluster, 3)->disk_is_held = true;
    for (int i = 0; i < 20; i++) (void)cluster_propose(&cluster, 1, "more");
    cluster_run(&cluster, 100);
    uint64_t id = node_of(&cluster, 1)->snapshot.id;
    assert_true(cluster_snapshot(&cluster, 1, 0));
    assert_int_equal(raft_first_index(raft_of(&cluster, 1)), index + 1); /* what it will need */
    assert_int_not_equal(node_of(&cluster, 1)->snapshot.id, id);
    node_of(&cluster, 3)->disk_is_held = false;
    /* This test's disk keeps one snapshot only: the rest of the first one cannot be read, and the
     * transfer begins anew with the second. */
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_follower_that_has_nothing_yet_is_sent_the_newest_snapshot(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    raft_step_link_lost(raft_of(&cluster, 1), 3, cluster.now_us);
    cluster_run(&cluster, 500); /* asked where to go on, and not there */
    assert_true(cluster.n_sent[RAFT_SNAPSHOT] > 0);
    uint64_t older = node_of(&cluster, 1)->snapshot.id;
    for (int i = 0; i < 20; i++) (void)cluster_propose(&cluster, 1, "more");
    cluster_run(&cluster, 100);
    assert_true(cluster_snapshot(&cluster, 1, 100)); /* the log still goes on behind the older */
    assert_int_not_equal(node_of(&cluster, 1)->snapshot.id, older);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 500);
    expect_caught_up(&cluster, 3, 1);
    assert_int_equal(
        raft_snapshot_index(raft_of(&cluster, 3)), node_of(&cluster, 1)->snapshot.index);
    assert_int_equal(node_of(&cluster, 1)->n_gone, 0);
    cluster_free(&cluster);
}

static void test_another_leader_goes_on_with_the_same_file(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 50, 0);
    node_of(&cluster, 2)->snapshot.id =
        node_of(&cluster, 1)->snapshot.id; /* as if it was sent it */
    cluster_crash(&cluster, 2);
    cluster_start(&cluster, 2);
    cluster_start(&cluster, 3);
    run_until_received(&cluster, 3, 600);
    cluster_crash(&cluster, 1);
    cluster_run(&cluster, 2000);
    assert_int_equal(cluster_leader(&cluster), 2);
    expect_caught_up(&cluster, 3, 1);
    assert_int_equal(node_of(&cluster, 3)->snapshot.id, node_of(&cluster, 2)->snapshot.id);
    cluster_free(&cluster);
}

/* A log that conflicts with the snapshot at its place goes, whole; nothing committed is in it. */
static void test_a_conflicting_log_is_replaced(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    for (int i = 0; i < 60; i++) /* what a leader of term 2 never got committed */
        disk_put(&cluster, 3, 2, ENTRY_BATCH, bytes_new("lost", 4));
    node_of(&cluster, 1)->hard_state.term = node_of(&cluster, 2)->hard_state.term = 2;
    cluster_start(&cluster, 1);
    cluster_start(&cluster, 2);
    cluster_elect(&cluster, 1);
    for (int i = 0; i < 20; i++) (void)cluster_propose(&cluster, 1, "missed");
    cluster_run(&cluster, 100);
    assert_true(cluster_snapshot(&cluster, 1, 0));
    assert_true(raft_last_index(raft_of(&cluster, 1)) < node_of(&cluster, 3)->disk.n);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 1000);
    expect_caught_up(&cluster, 3, 1);
    cluster_free(&cluster);
}

static void test_a_log_that_holds_what_the_snapshot_stands_for_is_not_replaced(void **state) {
    (void)state;
    struct cluster cluster;
    lag(&cluster, 20, 0);
    cluster_start(&cluster, 3);
    cluster_run(&cluster, 1000);
    raft_index last = raft_last_index(raft_of(&cluster, 2));
    struct raft_message question = {.type = RAFT_SNAPSHOT,
        .from = 1,
        .to = 2,
        .term = raft_current_term(raft_of(&cluster, 1)),
        .log_index = last,
        .log_term = raft_term_at(raft_of(&cluster, 2), last),
        .round = 9,
        .snapshot_id = 77,
        .snapshot_bytes = 10};
    cluster_step(&cluster, &question);
    assert_int_equal(cluster_count(&cluster, RAFT_APPEND_ANSWER, 1, NULL), 1);
    assert_int_equal(cluster_count(&cluster, RAFT_SNAPSHOT_ANSWER, 1, NULL), 0);
    cluster_free(&cluster);
}

static void test_the_members_of_a_snapshot_are_in_force_once_it_is_installed(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 4, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    struct raft_configuration target = configuration_of(3, 4); /* 4 is to learn */
    assert_int_equal(
        raft_propose_configuration(raft_of(&cluster, 1), &target, cluster.now_us), SF_OK);
    cluster.is_cut[1][4] = true;
    cluster_collect(&cluster, 1);
    cluster_run(&cluster, 200);
    for (int i = 0; i < 20; i++) (void)cluster_propose(&cluster, 1, "missed");
    cluster_run(&cluster, 200);
    assert_true(cluster_snapshot(&cluster, 1, 0));
    assert_int_equal(raft_configuration(raft_of(&cluster, 4))->n, 0);
    cluster.is_cut[1][4] = false;
    cluster_run(&cluster, 1000);
    expect_caught_up(&cluster, 4, 1);
    assert_int_equal(raft_configuration(raft_of(&cluster, 4))->n, 4);
    assert_int_equal(raft_configuration_index(raft_of(&cluster, 4)),
        raft_configuration_index(raft_of(&cluster, 1)));
    cluster_free(&cluster);
}

static void test_terms_are_known_behind_a_dropped_prefix(void **state) {
    (void)state;
    const struct raft_term_run runs[] = {{1, 1}, {10, 2}, {20, 4}, {30, 5}};
    const struct raft_start start = {
        .first_index = 1, .last_index = 40, .term_runs = runs, .n_term_runs = 4};
    struct raft_log log;
    log_init(&log, &start);
    log_drop_prefix(&log, 21);
    assert_int_equal(log.base_index, 20);
    assert_int_equal(log_term(&log, 20), 4);
    assert_int_equal(log_term(&log, 19), 0);
    assert_int_equal(log_term(&log, 25), 4);
    assert_int_equal(log_term(&log, 30), 5);
    assert_int_equal(log_find_by_term(&log, 40, 4), 29);
    assert_int_equal(log_find_by_term(&log, 40, 3), 20);
    log_drop_prefix(&log, 30);
    assert_int_equal(log_term(&log, 29), 4);
    assert_int_equal(log_term(&log, 30), 5);
    log_drop_prefix(&log, 41);
    assert_int_equal(log_term(&log, 40), 5);
    assert_int_equal(log_last_term(&log), 5);
    assert_true(log_reaches(&log, 41));
    struct raft_entry entry = {.index = 41, .term = 6, .kind = ENTRY_BATCH};
    log_append(&log, &entry);
    assert_int_equal(log_term(&log, 41), 6);
    log_restart(&log, 100, 9);
    assert_int_equal(log.last_index, 100);
    assert_int_equal(log_last_term(&log), 9);
    assert_null(log_entry(&log, 41));
    log_free(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_follower_behind_the_log_is_sent_a_snapshot_and_then_what_follows),
        cmocka_unit_test(test_a_follower_that_the_kept_entries_reach_needs_no_snapshot),
        cmocka_unit_test(test_a_transfer_goes_on_where_it_broke),
        cmocka_unit_test(test_a_receiver_that_crashed_begins_anew),
        cmocka_unit_test(test_a_crash_before_the_snapshot_is_installed_leaves_the_old_log),
        cmocka_unit_test(test_nothing_is_acknowledged_before_the_snapshot_is_durable),
        cmocka_unit_test(test_a_chunk_with_wrong_bytes_or_at_a_wrong_place_is_refused),
        cmocka_unit_test(test_a_receiver_without_room_is_tried_again_later),
        cmocka_unit_test(test_a_newer_snapshot_does_not_disturb_a_transfer_that_is_under_way),
        cmocka_unit_test(test_a_follower_that_has_nothing_yet_is_sent_the_newest_snapshot),
        cmocka_unit_test(test_another_leader_goes_on_with_the_same_file),
        cmocka_unit_test(test_a_conflicting_log_is_replaced),
        cmocka_unit_test(test_a_log_that_holds_what_the_snapshot_stands_for_is_not_replaced),
        cmocka_unit_test(test_the_members_of_a_snapshot_are_in_force_once_it_is_installed),
        cmocka_unit_test(test_terms_are_known_behind_a_dropped_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
