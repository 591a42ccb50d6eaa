/* Replication: figure 3.1, conflict hints (3.5), commitment (3.6.2), windows, old entries. */
#include "unit/raft/cluster.h"

static struct raft_message *first_of(
    struct cluster *cluster, enum raft_message_type type, raft_id to) {
    uint32_t at = 0;
    assert_true(cluster_count(cluster, type, to, &at) > 0);
    return &cluster->messages[at];
}

static void drop_all(struct cluster *cluster) {
    while (cluster->n_messages > 0) cluster_drop(cluster, 0);
}

static void disk_fill(struct cluster *cluster, raft_id id, raft_term term, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) disk_put(cluster, id, term, ENTRY_BATCH, bytes_new("x", 1));
}

/* Delivers everything in order, but no entry of the leader's own term to those who have index 2. */
static void settle_without_noop(struct cluster *cluster) {
    bool moved = true;
    while (moved) {
        moved = false;
        for (raft_id id = 1; id <= 3; id++)
            for (; node_of(cluster, id)->n_work > 0; moved = true)
                cluster_disk_step(cluster, id, 0);
        if (cluster->n_messages == 0) continue;
        moved = true;
        const struct raft_message *m = &cluster->messages[0];
        if (m->type == RAFT_APPEND && m->log_index == 2 &&
            raft_last_index(raft_of(cluster, m->to)) >= 2)
            cluster_drop(cluster, 0);
        else
            cluster_deliver(cluster, 0);
    }
}

/* Dissertation, figure 3.7. */
static void test_leader_never_commits_an_older_term_by_counting(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 5, 5, 5, 1);
    disk_put(&cluster, 1, 2, ENTRY_BATCH, bytes_new("two", 3));
    for (raft_id id = 1; id <= 5; id++) node_of(&cluster, id)->hard_state.term = 3;
    cluster.settings.batch_bytes = 1; /* one entry a message */
    cluster_start_all(&cluster);
    cluster_cut(&cluster, 4, true);
    cluster_cut(&cluster, 5, true);
    cluster_time_out(&cluster, 1);
    settle_without_noop(&cluster);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    for (raft_id id = 2; id <= 3; id++) {
        struct raft_peer_status peer;
        assert_true(raft_peer(raft_of(&cluster, 1), id, &peer));
        assert_int_equal(peer.match, 2); /* of term 2, now on three of five */
    }
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), 0);
    cluster_run(&cluster, 1000);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) >= 3); /* with an entry of term 4 on top */
    cluster_free(&cluster);
}

static void test_conflicts_are_skipped_a_term_at_a_time(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    disk_fill(&cluster, 1, 2, 50);
    disk_fill(&cluster, 1, 6, 50);
    disk_fill(&cluster, 2, 2, 50);
    disk_fill(&cluster, 2, 6, 50);
    disk_fill(&cluster, 3, 2, 20);
    disk_fill(&cluster, 3, 3, 200);
    disk_fill(&cluster, 3, 4, 200);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_run(&cluster, 100);
    assert_int_equal(raft_last_index(raft_of(&cluster, 3)), raft_last_index(raft_of(&cluster, 1)));
    assert_int_equal(
        raft_commit_index(raft_of(&cluster, 3)), raft_last_index(raft_of(&cluster, 1)));
    /* 2: one append. 3: its guess, the last of term 4 <= 6 (one refusal), the end of term 2 here,
     * where 3 has other terms (one more), and the match. */
    assert_true(cluster.n_sent[RAFT_APPEND] <= 6);
    cluster_free(&cluster);
}

static void test_follower_commits_only_what_the_message_proved(void **state) { /* R7 */
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    disk_fill(&cluster, 2, 2, 5); /* of a leader that died: entries 2..6 */
    cluster_start_all(&cluster);
    struct raft_message append = {.type = RAFT_APPEND,
        .from = 1,
        .to = 2,
        .term = 3,
        .log_index = 1,
        .log_term = 1,
        .commit = 4};
    cluster.is_quiet = true;
    struct raft_entry place = {.index = 1, .term = 1};
    disk_log_push(&cluster.committed, &place);
    cluster_step(&cluster, &append);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 2)), 1);
    struct raft_message heartbeat = {
        .type = RAFT_HEARTBEAT, .from = 1, .to = 2, .term = 3, .commit = 4, .round = 1};
    cluster_step(&cluster, &heartbeat);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 2)), 1);
    cluster_free(&cluster);
}

static void test_an_append_is_acknowledged_only_after_its_sync(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    node_of(&cluster, 2)->disk_is_held = node_of(&cluster, 3)->disk_is_held = true;
    raft_index index = cluster_propose(&cluster, 1, "a");
    cluster_propose(&cluster, 1, "b");
    cluster_settle(&cluster);
    assert_int_equal(raft_last_index(raft_of(&cluster, 2)), index + 1);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) < index);
    cluster_disk_step(&cluster, 2, 0);
    assert_int_equal(first_of(&cluster, RAFT_APPEND_ANSWER, 1)->match, index);
    cluster_settle(&cluster);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), index);
    cluster_free(&cluster);
}

static void test_nothing_of_a_new_term_leaves_before_the_term_is_saved(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    struct raft_message heartbeat = {
        .type = RAFT_HEARTBEAT, .from = 1, .to = 2, .term = 7, .round = 1};
    cluster_step(&cluster, &heartbeat);
    heartbeat.round = 2;
    cluster_step(&cluster, &heartbeat);
    struct raft_entry entry = {.index = 2, .term = 7, .kind = ENTRY_NOOP};
    struct raft_message append = {.type = RAFT_APPEND,
        .from = 1,
        .to = 2,
        .term = 7,
        .log_index = 1,
        .log_term = 1,
        .entries = &entry,
        .n_entries = 1};
    cluster_step(&cluster, &append);
    assert_int_equal(cluster.n_messages, 0);
    assert_int_equal(node_of(&cluster, 2)->work[1].type, DISK_APPEND);
    cluster_disk_step(&cluster, 2, 1); /* the entries are durable first */
    assert_int_equal(cluster.n_messages, 0);
    cluster_disk_step(&cluster, 2, 0);
    assert_int_equal(first_of(&cluster, RAFT_HEARTBEAT_ANSWER, 1)->round, 2); /* the latest */
    assert_int_equal(first_of(&cluster, RAFT_APPEND_ANSWER, 1)->match, 2);
    assert_int_equal(cluster.n_messages, 2);
    cluster_free(&cluster);
}

static void test_the_leader_counts_itself_only_after_its_own_sync(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    node_of(&cluster, 1)->disk_is_held = true;
    cluster_cut(&cluster, 3, true);
    raft_index index = cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster);
    assert_int_equal(raft_synced_index(raft_of(&cluster, 2)), index);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), index - 1);
    cluster_disk_step(&cluster, 1, 0);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), index);
    cluster_free(&cluster);
}

static void test_two_followers_commit_while_the_leaders_disk_stalls(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    node_of(&cluster, 1)->disk_is_held = true;
    raft_index index = cluster_propose(&cluster, 1, "x");
    cluster_run(&cluster, 2000); /* and the stall costs no election */
    assert_int_equal(raft_commit_index(raft_of(&cluster, 2)), index);
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    cluster_free(&cluster);
}

static void test_a_storage_answer_from_before_a_truncation_says_nothing(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    struct raft *raft = raft_of(&cluster, 2);
    struct raft_entry old[3], new[1] = {{.index = 2, .term = 3, .kind = ENTRY_NOOP}};
    for (raft_index i = 0; i < 3; i++)
        old[i] = (struct raft_entry){.index = 2 + i, .term = 2, .kind = ENTRY_NOOP};
    struct raft_message append = {.type = RAFT_APPEND,
        .from = 1,
        .to = 2,
        .term = 2,
        .log_index = 1,
        .log_term = 1,
        .entries = old,
        .n_entries = 3};
    cluster_step(&cluster, &append); /* work: save, append 2..4 */
    append.from = 3;
    append.term = 3;
    append.entries = new;
    append.n_entries = 1;
    cluster_step(&cluster, &append); /* work: save, append with truncation */
    assert_int_equal(raft_last_index(raft), 2);
    while (node_of(&cluster, 2)->work[0].truncate_from == 0) cluster_disk_step(&cluster, 2, 0);
    assert_int_equal(node_of(&cluster, 2)->disk.n, 4); /* it was true once */
    assert_int_equal(raft_synced_index(raft), 1);
    uint32_t at = 0;
    if (cluster_count(&cluster, RAFT_APPEND_ANSWER, 0, &at) > 0)
        assert_int_equal(cluster.messages[at].match, 1);
    cluster_settle(&cluster);
    assert_int_equal(raft_synced_index(raft), 2);
    assert_int_equal(node_of(&cluster, 2)->disk.n, 2);
    cluster_free(&cluster);
}

static void test_late_and_doubled_appends_truncate_nothing(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 3, true);
    cluster_propose(&cluster, 1, "a");
    struct raft_message early = cluster.messages[0];
    assert_true(early.type == RAFT_APPEND && early.to == 2 && early.n_entries == 1);
    struct raft_entry entry = early.entries[0];
    bytes_ref(entry.payload);
    early.entries = &entry;
    cluster_propose(&cluster, 1, "b");
    cluster_propose(&cluster, 1, "c");
    cluster_settle(&cluster);
    raft_index last = raft_last_index(raft_of(&cluster, 1));
    for (int i = 0; i < 3; i++) {
        cluster_step(&cluster, &early);
        assert_int_equal(raft_last_index(raft_of(&cluster, 2)), last);
    }
    assert_int_equal(first_of(&cluster, RAFT_APPEND_ANSWER, 1)->match, last);
    cluster_settle(&cluster);
    bytes_unref(entry.payload);
    cluster_free(&cluster);
}

static void test_lost_appends_and_answers_are_made_good(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    for (int lose_answer = 0; lose_answer < 2; lose_answer++) {
        raft_index index = cluster_propose(&cluster, 1, "x");
        if (lose_answer) {
            cluster_deliver(&cluster, 0);
            cluster_deliver(&cluster, 0);
            for (raft_id id = 2; id <= 3; id++) cluster_disk_step(&cluster, id, 0);
        }
        drop_all(&cluster);
        cluster_run(&cluster, 600);
        for (raft_id id = 1; id <= 3; id++)
            assert_int_equal(raft_commit_index(raft_of(&cluster, id)), index);
    }
    assert_int_equal(raft_current_term(raft_of(&cluster, 1)), 2);
    cluster_free(&cluster);
}

static void test_a_lost_link_is_probed_again_as_soon_as_it_is_back(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_propose(&cluster, 1, "x");
    drop_all(&cluster);
    raft_step_link_lost(raft_of(&cluster, 1), 2, cluster.now_us);
    cluster_collect(&cluster, 1);
    drop_all(&cluster);
    cluster_run(&cluster, 120); /* two heartbeats, well below an election timeout */
    struct raft_peer_status peer;
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &peer));
    assert_int_equal(peer.match, raft_last_index(raft_of(&cluster, 1)));
    assert_false(peer.probing);
    cluster_free(&cluster);
}

static void test_a_late_refusal_changes_nothing(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    struct raft_message refusal = {
        .type = RAFT_APPEND_ANSWER, .from = 2, .to = 1, .term = 2, .log_index = 2};
    cluster_step(&cluster, &refusal);
    struct raft_peer_status peer;
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &peer));
    assert_true(!peer.probing && peer.next == 3);
    cluster_free(&cluster);
}

static void test_windows_limit_what_is_in_flight(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.window_messages = 4;
    cluster.settings.batch_bytes = 300; /* two entries of 100 bytes and their overhead, not three */
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    char text[101] = {0};
    memset(text, 'x', 100);
    raft_index index;
    for (int i = 0; i < 100; i++)
        assert_int_equal(cluster_try_propose(&cluster, 1, text, &index), SF_OK);
    cluster_collect(&cluster, 1);
    assert_int_equal(cluster_count(&cluster, RAFT_APPEND, 2, NULL), 4);
    assert_int_equal(first_of(&cluster, RAFT_APPEND, 2)->n_entries, 1);
    struct raft_peer_status peer;
    assert_true(raft_peer(raft_of(&cluster, 1), 2, &peer));
    assert_int_equal(peer.in_flight, 4);
    cluster_settle(&cluster);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 3)), index);

    cluster.settings.window_messages = 100;
    cluster.settings.window_bytes = 500; /* three such entries, and no fourth */
    raft_set_settings(raft_of(&cluster, 1), &cluster.settings);
    for (int i = 0; i < 100; i++)
        assert_int_equal(cluster_try_propose(&cluster, 1, text, &index), SF_OK);
    cluster_collect(&cluster, 1);
    assert_int_equal(cluster_count(&cluster, RAFT_APPEND, 2, NULL), 3);
    cluster_settle(&cluster);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 3)), index);
    cluster_free(&cluster);
}

static void test_one_entry_larger_than_every_limit_still_goes(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.batch_bytes = cluster.settings.window_bytes = 10;
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    char text[1001] = {0};
    memset(text, 'x', 1000);
    raft_index index = 0;
    for (int i = 0; i < 5; i++) index = cluster_propose(&cluster, 1, text);
    cluster_settle(&cluster);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 3)), index);
    cluster_free(&cluster);
}

static void test_a_follower_far_behind_is_fed_from_storage(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster.settings.cache_bytes = 200;
    cluster.settings.batch_bytes = 500;
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_cut(&cluster, 3, true);
    raft_index index = 0;
    for (int i = 0; i < 300; i++) index = cluster_propose(&cluster, 1, "some payload");
    cluster_settle(&cluster);
    cluster_cut(&cluster, 3, false);
    uint32_t before = node_of(&cluster, 1)->n_fetches;
    cluster_run(&cluster, 1000);
    assert_int_equal(node_of(&cluster, 3)->applied, index);
    assert_true(node_of(&cluster, 1)->n_fetches > before);
    cluster_free(&cluster);
}

static void test_a_restarted_node_applies_from_storage(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 1, 1, 1, 1);
    cluster_start_all(&cluster);
    cluster_run(&cluster, 10);
    raft_index index = 0;
    for (int i = 0; i < 50; i++) index = cluster_propose(&cluster, 1, "some payload");
    cluster_settle(&cluster);
    cluster_crash(&cluster, 1);
    cluster_start(&cluster, 1);
    cluster_run(&cluster, 100);
    assert_int_equal(node_of(&cluster, 1)->applied, index + 1); /* and a no-op */
    assert_true(node_of(&cluster, 1)->n_fetches >= 1);
    cluster_free(&cluster);
}

static void test_a_failed_fetch_is_tried_again_later(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 1, 1, 1, 1);
    cluster_start_all(&cluster);
    cluster_tick(&cluster, 1);
    cluster_disk_step(&cluster, 1, 0);
    cluster_disk_step(&cluster, 1, 0); /* committed; entry 1 is fetched to be applied */
    struct cluster_node *node = node_of(&cluster, 1);
    assert_int_equal(node->n_work, 1);
    raft_step_fetched(node->raft, node->work[0].request, NULL, 0, cluster.now_us);
    node->n_work = 0;
    cluster_collect(&cluster, 1);
    cluster_apply(&cluster, node);
    cluster_collect(&cluster, 1);
    assert_int_equal(node->n_work, 0);
    cluster.now_us += 60000;
    cluster_tick(&cluster, 1);
    cluster_apply(&cluster, node);
    cluster_run(&cluster, 10);
    assert_int_equal(node->applied, 2);
    cluster_free(&cluster);
}

static void test_the_commit_index_is_told_at_once_and_once(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_run(&cluster, 100);
    uint64_t before = cluster.n_sent[RAFT_HEARTBEAT];
    uint64_t answers = cluster.n_sent[RAFT_HEARTBEAT_ANSWER];
    raft_index index = cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster); /* no time passes */
    for (raft_id id = 2; id <= 3; id++)
        assert_int_equal(raft_commit_index(raft_of(&cluster, id)), index);
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT] - before, 2);
    assert_int_equal(cluster.n_sent[RAFT_HEARTBEAT_ANSWER], answers);
    cluster_free(&cluster);
}

static void test_senseless_messages_are_dropped(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster);
    struct raft_entry gap = {.index = 9, .term = 2, .kind = ENTRY_NOOP};
    struct raft_entry future = {.index = 4, .term = 5, .kind = ENTRY_NOOP};
    struct raft_entry unreadable = {.index = 4, .term = 2, .kind = ENTRY_CONFIGURATION};
    struct raft_entry other_past = {.index = 2, .term = 1, .kind = ENTRY_NOOP};
    const struct raft_message bad[] = {
        {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 2,
            .log_index = 3,
            .log_term = 2,
            .entries = &gap,
            .n_entries = 1},
        {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 2,
            .log_index = 3,
            .log_term = 2,
            .entries = &future,
            .n_entries = 1},
        {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 2,
            .log_index = 3,
            .log_term = 2,
            .entries = &unreadable,
            .n_entries = 1},
        {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 2,
            .log_index = 1,
            .log_term = 1,
            .entries = &other_past,
            .n_entries = 1}, /* would overwrite what is committed */
        {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 2,
            .log_index = UINT64_MAX,
            .log_term = 2},
        {.type = RAFT_APPEND, .from = 3, .to = 2, .term = 2, .log_index = 3, .log_term = 2},
        {.type = RAFT_HEARTBEAT, .from = 2, .to = 2, .term = 9},
        {.type = RAFT_HEARTBEAT, .from = 1, .to = 3, .term = 2},
        {.type = RAFT_HEARTBEAT, .from = 1, .to = 2, .term = UINT64_MAX},
        {.type = RAFT_HEARTBEAT, .from = 0, .to = 2, .term = 9},
        {.type = RAFT_MESSAGE_TYPES, .from = 1, .to = 2, .term = 2},
        {.type = RAFT_VOTE, .from = 1, .to = 2, .term = 2, .log_index = 5, .log_term = 3},
        {.type = RAFT_TIMEOUT_NOW, .from = 3, .to = 2, .term = 2},
    };
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        raft_step_message(raft_of(&cluster, 2), &bad[i], cluster.now_us);
        struct raft_ready ready;
        assert_false(raft_ready(raft_of(&cluster, 2), &ready));
        assert_int_equal(raft_last_index(raft_of(&cluster, 2)), 3);
    }
    const struct raft_message answers[] = {
        {.type = RAFT_APPEND_ANSWER, .from = 2, .to = 1, .term = 2, .granted = true, .match = 99},
        {.type = RAFT_APPEND_ANSWER, .from = 9, .to = 1, .term = 2, .granted = true, .match = 3},
        {.type = RAFT_APPEND_ANSWER, .from = 2, .to = 1, .term = 2, .log_index = 0},
        {.type = RAFT_APPEND_ANSWER, .from = 2, .to = 1, .term = 2, .log_index = 77},
        {.type = RAFT_HEARTBEAT_ANSWER, .from = 2, .to = 1, .term = 2, .round = 1000},
        {.type = RAFT_HEARTBEAT_ANSWER, .from = 2, .to = 1, .term = 2, .match = 99},
        {.type = RAFT_APPEND, .from = 2, .to = 1, .term = 2, .log_index = 1, .log_term = 1},
        {.type = RAFT_VOTE_ANSWER, .from = 2, .to = 1, .term = 2, .granted = true},
    };
    for (size_t i = 0; i < SF_LENGTH(answers); i++) {
        raft_step_message(raft_of(&cluster, 1), &answers[i], cluster.now_us);
        struct raft_ready ready;
        assert_false(raft_ready(raft_of(&cluster, 1), &ready));
        assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    }
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leader_never_commits_an_older_term_by_counting),
        cmocka_unit_test(test_conflicts_are_skipped_a_term_at_a_time),
        cmocka_unit_test(test_follower_commits_only_what_the_message_proved),
        cmocka_unit_test(test_an_append_is_acknowledged_only_after_its_sync),
        cmocka_unit_test(test_nothing_of_a_new_term_leaves_before_the_term_is_saved),
        cmocka_unit_test(test_the_leader_counts_itself_only_after_its_own_sync),
        cmocka_unit_test(test_two_followers_commit_while_the_leaders_disk_stalls),
        cmocka_unit_test(test_a_storage_answer_from_before_a_truncation_says_nothing),
        cmocka_unit_test(test_late_and_doubled_appends_truncate_nothing),
        cmocka_unit_test(test_lost_appends_and_answers_are_made_good),
        cmocka_unit_test(test_a_lost_link_is_probed_again_as_soon_as_it_is_back),
        cmocka_unit_test(test_a_late_refusal_changes_nothing),
        cmocka_unit_test(test_windows_limit_what_is_in_flight),
        cmocka_unit_test(test_one_entry_larger_than_every_limit_still_goes),
        cmocka_unit_test(test_a_follower_far_behind_is_fed_from_storage),
        cmocka_unit_test(test_a_restarted_node_applies_from_storage),
        cmocka_unit_test(test_a_failed_fetch_is_tried_again_later),
        cmocka_unit_test(test_the_commit_index_is_told_at_once_and_once),
        cmocka_unit_test(test_senseless_messages_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
