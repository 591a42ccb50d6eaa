/* State time: whence it comes, that it never goes back, and that what is due happens. */
#include "unit/node/harness.h"

static int64_t state_ms(struct world *world, int number) {
    return engine_now_ms(world->seats[number]->node->engine);
}

static void test_one_leaders_wrong_clock_does_not_enter_the_state(void **state) {
    (void)state;
    struct world *probe = world_ready(3);
    int leader = world_leader(probe);
    world_free(probe);
    struct world *world = world_new(3);
    world->seats[leader]->wall_ahead_ms = INT64_C(86400000) * 365;
    assert_int_equal(world_leader(world), leader);
    world_run(world, 500);
    struct client *client = client_open(world, leader);
    client_ask(client, "SET k 1\r\n", "+OK\r\n");
    assert_true(state_ms(world, leader) < WORLD_WALL_MS + 86400000);
    world_free(world);
}

static void test_a_step_of_a_wall_clock_does_not_enter_the_state(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    client_ask(client, "SET k 1 EX 100\r\n", "+OK\r\n");
    world->seats[leader]->wall_ahead_ms = INT64_C(86400000);
    world_run(world, 3000);
    client_ask(client, "TTL k\r\n", ":97\r\n");
    client_ask(client, "EXISTS k\r\n", ":1\r\n");
    world_free(world);
}

static void test_state_time_never_goes_back_with_a_new_leader(void **state) {
    (void)state;
    struct world *world = world_new(3);
    int64_t before = 0;
    for (int i = 0; i < 3; i++) world->seats[i]->wall_ahead_ms = i * 500;
    for (int round = 0; round < 4; round++) {
        int leader = world_leader(world);
        world_run(world, 600);
        struct client *client = client_open(world, leader);
        client_ask(client, "SET k 1\r\n", "+OK\r\n");
        assert_true(state_ms(world, leader) >= before);
        before = state_ms(world, leader);
        client_close(client);
        seat_kill(world->seats[leader]);
        world_run(world, 700);
        seat_start(world->seats[leader]);
        world_run(world, 700);
    }
    world_check_equal(world);
    world_free(world);
}

static void test_what_is_due_goes_without_any_traffic(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    char request[80], reply[16];
    for (int i = 0; i < 2000; i++) { /* more than one entry reclaims */
        snprintf(request, sizeof request, "SET key:%d 1 PX %d\r\n", i, 100 + i % 3);
        client_send(client, request);
    }
    world_settle(world);
    client_take(client);
    world_run(world, 300);
    for (int i = 0; i < 3; i++) {
        struct keyspace *keyspace = engine_keyspace(world->seats[i]->node->engine);
        assert_int_equal(db_size(keyspace_db(keyspace, 0)), 0);
    }
    snprintf(reply, sizeof reply, ":0\r\n");
    client_ask(client, "DBSIZE\r\n", reply);
    world_check_equal(world);
    world_free(world);
}

static void test_ticks_go_on_after_one_was_lost_with_a_leader(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    client_ask(client, "SET a 1 PX 50\r\nSET b 1 PX 900\r\n", "+OK\r\n+OK\r\n");
    world_isolate(world, leader);
    world_run(world, 120); /* its tick goes nowhere */
    assert_true(world->seats[leader]->node->tick_in_flight);
    world_run(world, 500);
    world_heal(world);
    world_run(world, 600);
    for (int i = 0; i < 3; i++) {
        assert_false(world->seats[i]->node->tick_in_flight);
        struct keyspace *keyspace = engine_keyspace(world->seats[i]->node->engine);
        assert_int_equal(db_size(keyspace_db(keyspace, 0)), 0);
    }
    world_check_equal(world);
    world_free(world);
}

static void test_ticks_go_on_after_a_failed_transfer(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, leader), *admin = client_open(world, follower);
    world_rule(world, RULE_DROP, leader, follower, "timeout-now");
    client_ask(client, "SET a 1 PX 50\r\n", "+OK\r\n");
    client_send(admin, "CLUSTER FAILOVER\r\n");
    world_run(world, 1000);
    struct keyspace *keyspace = engine_keyspace(world->seats[leader]->node->engine);
    assert_int_equal(db_size(keyspace_db(keyspace, 0)), 0);
    world_free(world);
}

static void test_a_ttl_counts_down_without_writes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    client_ask(client, "SET k 1 EX 10\r\n", "+OK\r\n");
    world_run(world, 4000);
    client_ask(client, "TTL k\r\n", ":6\r\n");
    world_run(world, 6100);
    client_ask(client, "TTL k\r\nEXISTS k\r\n", ":-2\r\n:0\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_leaders_wrong_clock_does_not_enter_the_state),
        cmocka_unit_test(test_a_step_of_a_wall_clock_does_not_enter_the_state),
        cmocka_unit_test(test_state_time_never_goes_back_with_a_new_leader),
        cmocka_unit_test(test_what_is_due_goes_without_any_traffic),
        cmocka_unit_test(test_ticks_go_on_after_one_was_lost_with_a_leader),
        cmocka_unit_test(test_ticks_go_on_after_a_failed_transfer),
        cmocka_unit_test(test_a_ttl_counts_down_without_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
