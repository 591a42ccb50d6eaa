/* A leader that should not lead gives the leadership away by itself (DESIGN 5). */
#include "unit/node/harness.h"

/* Writes come in all the time; time passes. Until another node leads, or the time is over. */
static int run_under_load(struct world *world, int leader, int writer, int64_t ms) {
    struct client *client = client_open(world, writer);
    for (int64_t passed = 0; passed < ms; passed += 10) {
        client_send(client, "INCR n\r\n");
        world_run(world, 10);
        assert_null(strstr(client_take(client), "-")); /* nobody hears an error */
        for (int i = 0; i < world->n; i++) {
            if (i != leader && node_is_leader_serving(world->seats[i]->node)) return i;
        }
    }
    return leader;
}

static void test_a_leader_whose_disk_lags_for_a_second_hands_over(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    world->seats[leader]->disk_held = true;
    int64_t began_us = world->now_us;
    int next = run_under_load(world, leader, (leader + 1) % 3, 3000);
    assert_true(next != leader);
    assert_in_range(world->now_us - began_us, 1000000, 1500000);
    assert_int_equal(
        run_under_load(world, next, (leader + 2) % 3, 3000), next); /* and stays there */
    world->seats[leader]->disk_held = false;
    world_check_equal(world);
    world_free(world);
}

/* A stall now and then is no reason. */
static void test_a_disk_that_catches_up_within_a_second_changes_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    for (int round = 0; round < 5; round++) {
        world->seats[leader]->disk_held = true;
        assert_int_equal(run_under_load(world, leader, (leader + 1) % 3, 900), leader);
        world->seats[leader]->disk_held = false;
        assert_int_equal(run_under_load(world, leader, (leader + 1) % 3, 100), leader);
    }
    world_check_equal(world);
    world_free(world);
}

/* All disks alike: nothing is committed beyond them, and another leader would be no better. */
static void test_slow_disks_everywhere_change_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    for (int i = 0; i < 3; i++) world->seats[i]->disk_held = true;
    struct client *client = client_open(world, leader);
    client_send(client, "INCR n\r\n");
    world_run(world, 1400);
    assert_true(raft_leads(world->seats[leader]->node));
    for (int i = 0; i < 3; i++) world->seats[i]->disk_held = false;
    world_settle(world);
    client_expect(client, ":1\r\n");
    world_free(world);
}

static void test_a_sole_voter_with_a_slow_disk_goes_on(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    world->seats[0]->disk_held = true;
    client_send(client, "INCR n\r\n");
    world_run(world, 1400);
    world->seats[0]->disk_held = false;
    world_run(world, 10);
    client_expect(client, ":1\r\n");
    world_free(world);
}

static void test_a_leader_whose_log_cannot_be_written_hands_over(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    node_on_storage_state(world->seats[leader]->node, SF_ERR_NO_SPACE, world->now_us);
    client_ask(client_open(world, leader), "SET k 1\r\n",
        "-MISCONF The log cannot be written: no space left, not executed\r\n");
    world_run(world, 500);
    assert_true(world_leader(world) != leader);
    client_ask(client_open(world, leader), "SET k 1\r\n", "+OK\r\n"); /* by the new one */
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_leader_whose_disk_lags_for_a_second_hands_over),
        cmocka_unit_test(test_a_disk_that_catches_up_within_a_second_changes_nothing),
        cmocka_unit_test(test_slow_disks_everywhere_change_nothing),
        cmocka_unit_test(test_a_sole_voter_with_a_slow_disk_goes_on),
        cmocka_unit_test(test_a_leader_whose_log_cannot_be_written_hands_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
