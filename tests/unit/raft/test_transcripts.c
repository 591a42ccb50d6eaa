/* Whole conversations, as text: what a change of the core's behaviour shows first. */
#include "unit/raft/cluster.h"

static void test_first_election_and_one_entry(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster);
    assert_transcript(&cluster, "1 ticks\n"
                                "  1 is pre-candidate of term 1\n"
                                "  1>2 pre-vote term=2 last=1/1\n"
                                "  1>3 pre-vote term=2 last=1/1\n"
                                "deliver 1>2 pre-vote term=2 last=1/1\n"
                                "  2>1 pre-vote-answer term=2 yes\n"
                                "deliver 1>3 pre-vote term=2 last=1/1\n"
                                "  3>1 pre-vote-answer term=2 yes\n"
                                "deliver 2>1 pre-vote-answer term=2 yes\n"
                                "  1 is candidate of term 2\n"
                                "  1 saves term=2 vote=1\n"
                                "1 has saved term=2 vote=1\n"
                                "  1>2 vote term=2 last=1/1\n"
                                "  1>3 vote term=2 last=1/1\n"
                                "deliver 3>1 pre-vote-answer term=2 yes\n"
                                "deliver 1>2 vote term=2 last=1/1\n"
                                "  2 is follower of term 2\n"
                                "  2 saves term=2 vote=1\n"
                                "2 has saved term=2 vote=1\n"
                                "  2>1 vote-answer term=2 yes\n"
                                "deliver 1>3 vote term=2 last=1/1\n"
                                "  3 is follower of term 2\n"
                                "  3 saves term=2 vote=1\n"
                                "3 has saved term=2 vote=1\n"
                                "  3>1 vote-answer term=2 yes\n"
                                "deliver 2>1 vote-answer term=2 yes\n"
                                "  1 is leader of term 2\n"
                                "  1 stores 2..2\n"
                                "  1>2 heartbeat term=2 commit=0 round=1\n"
                                "  1>3 heartbeat term=2 commit=0 round=1\n"
                                "  1>2 append term=2 after=1/1 entries=2..2 commit=0\n"
                                "  1>3 append term=2 after=1/1 entries=2..2 commit=0\n"
                                "1 has stored ..2\n"
                                "deliver 3>1 vote-answer term=2 yes\n"
                                "deliver 1>2 heartbeat term=2 commit=0 round=1\n"
                                "  2>1 heartbeat-answer term=2 round=1 match=0 synced=1\n"
                                "deliver 1>3 heartbeat term=2 commit=0 round=1\n"
                                "  3>1 heartbeat-answer term=2 round=1 match=0 synced=1\n"
                                "deliver 1>2 append term=2 after=1/1 entries=2..2 commit=0\n"
                                "  2 stores 2..2\n"
                                "2 has stored ..2\n"
                                "  2>1 append-answer term=2 yes match=2\n"
                                "deliver 1>3 append term=2 after=1/1 entries=2..2 commit=0\n"
                                "  3 stores 2..2\n"
                                "3 has stored ..2\n"
                                "  3>1 append-answer term=2 yes match=2\n"
                                "deliver 2>1 heartbeat-answer term=2 round=1 match=0 synced=1\n"
                                "deliver 3>1 heartbeat-answer term=2 round=1 match=0 synced=1\n"
                                "deliver 2>1 append-answer term=2 yes match=2\n"
                                "  1 has committed 2\n"
                                "  1>2 heartbeat term=2 commit=2 round=0\n"
                                "  1 fetches 1..1\n"
                                "1 has fetched\n"
                                "deliver 3>1 append-answer term=2 yes match=2\n"
                                "  1>3 heartbeat term=2 commit=2 round=0\n"
                                "deliver 1>2 heartbeat term=2 commit=2 round=0\n"
                                "  2 has committed 2\n"
                                "  2 fetches 1..1\n"
                                "2 has fetched\n"
                                "deliver 1>3 heartbeat term=2 commit=2 round=0\n"
                                "  3 has committed 2\n"
                                "  3 fetches 1..1\n"
                                "3 has fetched\n"
                                "1 proposes x\n"
                                "  1 stores 3..3\n"
                                "  1>2 append term=2 after=2/2 entries=3..3 commit=2\n"
                                "  1>3 append term=2 after=2/2 entries=3..3 commit=2\n"
                                "1 has stored ..3\n"
                                "deliver 1>2 append term=2 after=2/2 entries=3..3 commit=2\n"
                                "  2 stores 3..3\n"
                                "2 has stored ..3\n"
                                "  2>1 append-answer term=2 yes match=3\n"
                                "deliver 1>3 append term=2 after=2/2 entries=3..3 commit=2\n"
                                "  3 stores 3..3\n"
                                "3 has stored ..3\n"
                                "  3>1 append-answer term=2 yes match=3\n"
                                "deliver 2>1 append-answer term=2 yes match=3\n"
                                "  1 has committed 3\n"
                                "  1>2 heartbeat term=2 commit=3 round=0\n"
                                "deliver 3>1 append-answer term=2 yes match=3\n"
                                "  1>3 heartbeat term=2 commit=3 round=0\n"
                                "deliver 1>2 heartbeat term=2 commit=3 round=0\n"
                                "  2 has committed 3\n"
                                "deliver 1>3 heartbeat term=2 commit=3 round=0\n"
                                "  3 has committed 3\n");
    cluster_free(&cluster);
}

/* 2 followed a leader of term 2 that nobody else heard; 1 has entries of term 3 instead. */
static void test_a_conflicting_log_is_replaced(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    for (int i = 0; i < 2; i++) disk_put(&cluster, 1, 3, ENTRY_BATCH, bytes_new("new", 3));
    for (int i = 0; i < 5; i++) disk_put(&cluster, 2, 2, ENTRY_BATCH, bytes_new("old", 3));
    cluster_start(&cluster, 1);
    cluster_start(&cluster, 2);
    cluster_elect(&cluster, 1);
    assert_transcript(&cluster, "1 ticks\n"
                                "  1 is pre-candidate of term 3\n"
                                "  1>2 pre-vote term=4 last=3/3\n"
                                "  1>3 pre-vote term=4 last=3/3\n"
                                "deliver 1>2 pre-vote term=4 last=3/3\n"
                                "  2>1 pre-vote-answer term=4 yes\n"
                                "deliver 2>1 pre-vote-answer term=4 yes\n"
                                "  1 is candidate of term 4\n"
                                "  1 saves term=4 vote=1\n"
                                "1 has saved term=4 vote=1\n"
                                "  1>2 vote term=4 last=3/3\n"
                                "  1>3 vote term=4 last=3/3\n"
                                "deliver 1>2 vote term=4 last=3/3\n"
                                "  2 is follower of term 4\n"
                                "  2 saves term=4 vote=1\n"
                                "2 has saved term=4 vote=1\n"
                                "  2>1 vote-answer term=4 yes\n"
                                "deliver 2>1 vote-answer term=4 yes\n"
                                "  1 is leader of term 4\n"
                                "  1 stores 4..4\n"
                                "  1>2 heartbeat term=4 commit=0 round=1\n"
                                "  1>3 heartbeat term=4 commit=0 round=1\n"
                                "  1>2 append term=4 after=3/3 entries=4..4 commit=0\n"
                                "  1>3 append term=4 after=3/3 entries=4..4 commit=0\n"
                                "1 has stored ..4\n"
                                "deliver 1>2 heartbeat term=4 commit=0 round=1\n"
                                "  2>1 heartbeat-answer term=4 round=1 match=0 synced=6\n"
                                "deliver 1>2 append term=4 after=3/3 entries=4..4 commit=0\n"
                                "  2>1 append-answer term=4 no after=3 hint=2/2\n"
                                "deliver 2>1 heartbeat-answer term=4 round=1 match=0 synced=6\n"
                                "deliver 2>1 append-answer term=4 no after=3 hint=2/2\n"
                                "  1>2 append term=4 after=1/1 commit=0\n"
                                "deliver 1>2 append term=4 after=1/1 commit=0\n"
                                "  2>1 append-answer term=4 yes match=1\n"
                                "deliver 2>1 append-answer term=4 yes match=1\n"
                                "  1 fetches 2..3\n"
                                "1 has fetched\n"
                                "  1>2 append term=4 after=1/1 entries=2..3 commit=0\n"
                                "  1>2 append term=4 after=3/3 entries=4..4 commit=0\n"
                                "deliver 1>2 append term=4 after=1/1 entries=2..3 commit=0\n"
                                "  2 truncates from 2\n"
                                "  2 stores 2..3\n"
                                "2 has stored ..3\n"
                                "  2>1 append-answer term=4 yes match=3\n"
                                "deliver 1>2 append term=4 after=3/3 entries=4..4 commit=0\n"
                                "  2 stores 4..4\n"
                                "2 has stored ..4\n"
                                "  2>1 append-answer term=4 yes match=4\n"
                                "deliver 2>1 append-answer term=4 yes match=3\n"
                                "deliver 2>1 append-answer term=4 yes match=4\n"
                                "  1 has committed 4\n"
                                "  1>2 heartbeat term=4 commit=4 round=0\n"
                                "  1 fetches 1..3\n"
                                "1 has fetched\n"
                                "deliver 1>2 heartbeat term=4 commit=4 round=0\n"
                                "  2 has committed 4\n"
                                "  2 fetches 1..1\n"
                                "2 has fetched\n");
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_election_and_one_entry),
        cmocka_unit_test(test_a_conflicting_log_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
