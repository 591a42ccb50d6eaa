/* maxmemory over whole nodes: the leader decides, all nodes do the same. */
#include "unit/node/harness.h"

static void set(struct world *world, int seat, const char *name, const char *value) {
    struct slice words[3] = {SLICE("shardforge.setting"), slice_text(name), slice_text(value)};
    stream_add(world->seats[seat]->node, NULL, 0, 3, words);
    world_run(world, 100);
}

static size_t used(struct world *world, int seat) {
    const struct keyspace *keyspace = engine_keyspace(world->seats[seat]->node->engine);
    return keyspace_used_bytes(keyspace) - keyspace_cell_bytes(keyspace);
}

static void write_keys(struct world *world, struct client *client, int first, int n) {
    for (int i = first; i < first + n; i++) {
        char text[200];
        snprintf(text, sizeof text, "SET key:%d %0100d\r\n", i, i);
        client_send(client, text);
        if (i % 50 == 49) world_run(world, 5);
    }
    world_run(world, 100);
}

static uint32_t count(const char *text, const char *word) {
    uint32_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) n++;
    return n;
}

static void test_writes_go_on_at_the_limit_and_replicas_stay_equal(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    set(world, leader, "maxmemory", "100kb");
    set(world, leader, "maxmemory-policy", "allkeys-lru");
    struct client *client = client_open(world, (leader + 1) % 3);
    write_keys(world, client, 0, 2000);
    assert_int_equal(count(client_take(client), "+OK"), 2000);
    for (int i = 0; i < 3; i++) assert_in_range(used(world, i), 80 << 10, 105 << 10);
    assert_true(engine_evicted_count(world->seats[leader]->node->engine) > 1000);
    client_ask(client, "EXISTS key:0 key:1999\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_new_leader_goes_on_evicting(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    set(world, leader, "maxmemory", "100kb");
    set(world, leader, "maxmemory-policy", "allkeys-random");
    struct client *client = client_open(world, (leader + 1) % 3);
    write_keys(world, client, 0, 1000);
    seat_kill(world->seats[leader]);
    world_run(world, 1500);
    write_keys(world, client, 1000, 1000);
    seat_start(world->seats[leader]);
    world_run(world, 1500);
    for (int i = 0; i < 3; i++) assert_in_range(used(world, i), 80 << 10, 110 << 10);
    world_check_equal(world);
    world_free(world);
}

static void test_noeviction_refuses_what_grows_and_nothing_else(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    write_keys(world, client, 0, 100);
    client_take(client);
    set(world, leader, "maxmemory", "1kb");
    client_ask(
        client, "SET more 1\r\n", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    client_ask(client, "GET key:7\r\n",
        "$100\r\n000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000007\r\n");
    client_ask(client, "DEL key:7\r\n", ":1\r\n");
    set(world, leader, "maxmemory", "0");
    client_ask(client, "SET more 1\r\n", "+OK\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_lowered_limit_holds_without_writes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    write_keys(world, client, 0, 3000);
    set(world, leader, "maxmemory-policy", "allkeys-lru");
    set(world, leader, "maxmemory", "50kb");
    world_run(world, 1000);
    for (int i = 0; i < 3; i++) assert_in_range(used(world, i), 35 << 10, 51 << 10);
    world_check_equal(world);
    world_free(world);
}

static void test_a_large_value_on_its_way_out_takes_nobody_with_it(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    for (int i = 0; i < 20000; i++) {
        char text[80];
        snprintf(text, sizeof text, "SADD large member:%d\r\n", i);
        client_send(client, text);
        if (i % 500 == 499) world_run(world, 2);
    }
    write_keys(world, client, 0, 100);
    client_take(client);
    set(world, 0, "maxmemory-policy", "allkeys-lru");
    struct slice words[3] = {SLICE("shardforge.setting"), SLICE("maxmemory"), SLICE("100kb")};
    client_send(client, "DEL large\r\n"); /* its half megabyte is freed over some turns */
    stream_add(world->seats[0]->node, NULL, 0, 3, words);
    client_send(client, "SET more 1\r\n");
    world_run(world, 100);
    assert_string_equal(client_take(client), ":1\r\n+OK\r\n");
    client_ask(client, "DBSIZE\r\n", ":101\r\n");
    client_ask(client, "FLUSHALL\r\n", "+OK\r\n");
    client_ask(client, "SET more 1\r\n", "+OK\r\n");
    client_ask(client, "DBSIZE\r\n", ":1\r\n");
    world_free(world);
}

static void test_volatile_policies_end_in_oom_when_nothing_volatile_is_left(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "SET soon 1 EX 100\r\n", "+OK\r\n");
    write_keys(world, client, 0, 100);
    client_take(client);
    set(world, 0, "maxmemory-policy", "volatile-ttl");
    set(world, 0, "maxmemory", "1kb");
    world_run(world, 100);
    client_ask(client, "EXISTS soon key:1\r\n", ":1\r\n");
    client_ask(
        client, "SET more 1\r\n", "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_go_on_at_the_limit_and_replicas_stay_equal),
        cmocka_unit_test(test_a_new_leader_goes_on_evicting),
        cmocka_unit_test(test_noeviction_refuses_what_grows_and_nothing_else),
        cmocka_unit_test(test_a_lowered_limit_holds_without_writes),
        cmocka_unit_test(test_a_large_value_on_its_way_out_takes_nobody_with_it),
        cmocka_unit_test(test_volatile_policies_end_in_oom_when_nothing_volatile_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
