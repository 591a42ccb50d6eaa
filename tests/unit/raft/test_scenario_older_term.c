/* Figure 3.7: an entry of an older term is on a majority, and still not committed.
 *
 *          1     2     3     4     5
 *   (a)  [2]   [2]    .     .     .     1 led term 2, and wrote an entry to itself and 2
 *   (b)  [2]   [2]    .     .    [3]    5 led term 3 (votes of 3, 4), and wrote one to itself
 *   (c)  [2]   [2]   [2]    .    [3]    1 leads term 4, and brings its old entry to 3: a majority
 *   (d)  [2]    -    [3]   [3]   [3]    1 dies; 5 leads a later term and takes the place
 *   (e)  ...                            had an entry of term 4 been on 1, 2, 3, 5 could not win */
#include "unit/raft/cluster.h"

/* What would bring an entry of the leader's own term. */
static bool is_own_term(struct cluster *cluster, const struct raft_message *m) {
    return m->type == RAFT_APPEND && m->log_index == 2 &&
           raft_last_index(raft_of(cluster, m->to)) >= 2;
}

/* Everything but entries behind index 2. */
static void settle_up_to_index_2(struct cluster *cluster) {
    bool moved = true;
    while (moved) {
        moved = false;
        for (raft_id id = 1; id <= 5; id++) {
            for (; raft_of(cluster, id) != NULL && node_of(cluster, id)->n_work > 0; moved = true)
                cluster_disk_step(cluster, id, 0);
        }
        if (cluster->n_messages == 0) continue;
        moved = true;
        if (is_own_term(cluster, &cluster->messages[0])) {
            cluster_drop(cluster, 0);
        } else {
            cluster_deliver(cluster, 0);
        }
    }
}

static void until_c(struct cluster *cluster) {
    cluster_init(cluster, 5, 5, 5, 1);
    disk_put(cluster, 1, 2, ENTRY_BATCH, bytes_new("two", 3));
    disk_put(cluster, 2, 2, ENTRY_BATCH, bytes_new("two", 3));
    disk_put(cluster, 5, 3, ENTRY_BATCH, bytes_new("three", 5));
    for (raft_id id = 1; id <= 5; id++) node_of(cluster, id)->hard_state.term = 3;
    cluster->settings.batch_bytes = 1; /* one entry a message */
    cluster_start_all(cluster);
    cluster_cut(cluster, 4, true);
    cluster_cut(cluster, 5, true);
    cluster_time_out(cluster, 1);
}

static void test_it_may_be_replaced_as_long_as_only_older_terms_are_on_a_majority(void **state) {
    (void)state;
    struct cluster cluster;
    until_c(&cluster);
    settle_up_to_index_2(&cluster);
    assert_int_equal(raft_role(raft_of(&cluster, 1)), RAFT_LEADER);
    assert_int_equal(raft_term_at(raft_of(&cluster, 3), 2), 2);
    assert_int_equal(raft_commit_index(raft_of(&cluster, 1)), 0); /* (c): counted, not committed */
    cluster_crash(&cluster, 1);
    cluster_crash(&cluster, 2);
    cluster_cut(&cluster, 4, false);
    cluster_cut(&cluster, 5, false);
    cluster_time_out(&cluster, 5); /* its first question raises nobody's term: pre-vote */
    cluster_run(&cluster, 2000);
    assert_int_equal(cluster_leader(&cluster), 5);
    for (raft_id id = 3; id <= 5; id++) {
        assert_int_equal(raft_term_at(raft_of(&cluster, id), 2), 3); /* (d) */
        assert_true(raft_commit_index(raft_of(&cluster, id)) >= 3);
    }
    cluster_free(&cluster);
}

static void test_an_entry_of_its_own_term_on_top_settles_it(void **state) {
    (void)state;
    struct cluster cluster;
    until_c(&cluster);
    cluster_settle(&cluster);
    assert_true(raft_commit_index(raft_of(&cluster, 1)) >= 3);
    cluster_crash(&cluster, 1);
    cluster_cut(&cluster, 4, false);
    cluster_cut(&cluster, 5, false);
    cluster_run(&cluster, 3000);
    raft_id leader = cluster_leader(&cluster);
    assert_true(leader == 2 || leader == 3); /* (e) */
    assert_int_equal(raft_term_at(raft_of(&cluster, 5), 2), 2);
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_may_be_replaced_as_long_as_only_older_terms_are_on_a_majority),
        cmocka_unit_test(test_an_entry_of_its_own_term_on_top_settles_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
