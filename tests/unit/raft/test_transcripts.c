/* Whole conversations, as text. */
#include "unit/raft/cluster.h"

#include <stdio.h>

static void test_first_election_and_one_entry(void **state) {
    (void)state;
    struct cluster cluster;
    cluster_init(&cluster, 3, 3, 3, 1);
    cluster_start_all(&cluster);
    cluster_elect(&cluster, 1);
    cluster_propose(&cluster, 1, "x");
    cluster_settle(&cluster);
    assert_transcript(&cluster, "");
    cluster_free(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_election_and_one_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
