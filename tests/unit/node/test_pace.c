/* Resting while a node catches up (src/node/pace.c). What the leader names is said by hand, so that
 * the lag stays what a test makes of it. */
#include "node/internal.h"
#include "unit/node/bus.h"

#define TURN_US 1000

struct follower {
    struct bus *bus;
    struct place *place;
    raft_index commit; /* as its leader names it */
};

static void follower_hear(struct follower *follower, raft_index more) {
    struct raft *raft = node_raft(follower->place->node);
    follower->commit += more;
    struct raft_message append = {.type = RAFT_APPEND,
        .from = raft_leader(raft),
        .to = raft_self(raft),
        .term = raft_current_term(raft),
        .log_index = follower->commit, /* far behind its end: it refuses, and has heard */
        .log_term = raft_current_term(raft),
        .commit = follower->commit};
    raft_step_message(raft, &append, follower->bus->now_us);
}

/* Of a cluster of three, told that it is `lag` entries behind. */
static struct follower follower_behind(raft_index lag) {
    struct follower follower = {0};
    struct place *places[3];
    follower.bus = bus_cluster(3, places);
    for (int i = 0; i < 3; i++)
        if (!place_leads(places[i])) follower.place = places[i];
    follower.commit = raft_commit_index(node_raft(follower.place->node));
    assert_false(node_catches_up(follower.place->node));
    if (lag > 0) follower_hear(&follower, lag);
    return follower;
}

/* For so many milliseconds, each with a turn, and with what the others commit meanwhile. The latest
 * rest. */
static int64_t follower_run(
    struct follower *follower, int ms, raft_index commits, int64_t used_us, int64_t lost_us) {
    int64_t rest_us = -1;
    for (int i = 0; i < ms; i++) {
        if (commits > 0) follower_hear(follower, commits);
        follower->bus->now_us += TURN_US;
        follower->place->node->now_us = follower->bus->now_us;
        rest_us = node_rest_us(follower->place->node, used_us, lost_us);
    }
    return rest_us;
}

static void test_a_follower_at_the_end_of_the_log_does_not_catch_up(void **state) {
    (void)state;
    struct follower follower = follower_behind(0);
    follower_hear(&follower, 20);
    assert_false(node_catches_up(follower.place->node));
    follower_hear(&follower, 100000);
    assert_true(node_catches_up(follower.place->node));
    bus_free(follower.bus);
}

/* What is left of a transfer that another leader does not go on with is no reason to rest. */
static void test_a_snapshot_of_which_nothing_comes_is_no_catching_up(void **state) {
    (void)state;
    struct follower follower = follower_behind(0);
    struct node *node = follower.place->node;
    struct receiving *receiving = &node->snapshots.receiving;
    receiving->engine = node_engine_new(node); /* as after a chunk that was loaded just now */
    receiving->heard_us = node->now_us;
    assert_true(node_catches_up(node));
    bus_run(follower.bus, 400 * MS);
    assert_non_null(receiving->engine);
    assert_false(node_catches_up(node));
    bus_free(follower.bus);
}

static void test_it_rests_a_multiple_of_its_turn_while_others_wait(void **state) {
    (void)state;
    struct follower follower = follower_behind(100000);
    int64_t rest_us = follower_run(&follower, 60, 1, 300, 100);
    assert_true(rest_us > 300 && rest_us % 300 == 0);
    assert_int_equal(follower_run(&follower, 1, 1, 60000, 0), 5000); /* clients wait so long */
    bus_free(follower.bus);
}

static void test_it_does_not_rest_where_nobody_waits_for_the_processor(void **state) {
    (void)state;
    struct follower follower = follower_behind(100000);
    struct node *node = follower.place->node;
    (void)follower_run(&follower, 120, 1, 300, 0);
    node->pace.factor = 6; /* so that it is not the lag that decides */
    assert_int_equal(follower_run(&follower, 1, 1, 300, 0), 0);
    (void)follower_run(&follower, 60, 1, 300, 200);
    node->pace.factor = 6;
    assert_int_equal(follower_run(&follower, 1, 1, 300, 200), 1800);
    bus_free(follower.bus);
}

static void test_it_rests_less_and_less_while_its_lag_does_not_shrink(void **state) {
    (void)state;
    struct follower follower = follower_behind(100000);
    int64_t before_us = follower_run(&follower, 40, 50, 300, 200);
    int64_t after_us = follower_run(&follower, 60, 50, 300, 200);
    assert_true(after_us < before_us);
    assert_int_equal(follower_run(&follower, 200, 50, 300, 200), 0);
    bus_free(follower.bus);
}

static void test_it_does_not_rest_where_the_others_commit_nothing(void **state) {
    (void)state;
    struct follower follower = follower_behind(100000);
    struct node *node = follower.place->node;
    assert_true(follower_run(&follower, 40, 1, 300, 200) > 0);
    (void)follower_run(&follower, 300, 0, 300, 200);
    /* its lag shrinks fast, so only the standstill can say so */
    node->pace.factor = 6;
    assert_int_equal(follower_run(&follower, 1, 0, 300, 200), 0);
    bus_free(follower.bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_follower_at_the_end_of_the_log_does_not_catch_up),
        cmocka_unit_test(test_a_snapshot_of_which_nothing_comes_is_no_catching_up),
        cmocka_unit_test(test_it_rests_a_multiple_of_its_turn_while_others_wait),
        cmocka_unit_test(test_it_does_not_rest_where_nobody_waits_for_the_processor),
        cmocka_unit_test(test_it_rests_less_and_less_while_its_lag_does_not_shrink),
        cmocka_unit_test(test_it_does_not_rest_where_the_others_commit_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
