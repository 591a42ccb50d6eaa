/* keyspace_hits and keyspace_misses: counted once, at the node that answers. */
#include "unit/node/harness.h"

static void expect(struct world *world, int seat, uint64_t hits, uint64_t misses) {
    assert_int_equal(world->seats[seat]->node->lookups.hits, hits);
    assert_int_equal(world->seats[seat]->node->lookups.misses, misses);
}

static void test_a_look_up_counts_where_its_client_is_and_nowhere_else(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), other = (leader + 1) % 3, third = (leader + 2) % 3;
    struct client *client = client_open(world, other);
    client_ask(client, "SET k 1\r\nGET k\r\nGET x\r\nINCR k\r\nSET k 5 GET\r\nGETDEL x\r\n",
        "+OK\r\n$1\r\n1\r\n$-1\r\n:2\r\n$1\r\n2\r\n$-1\r\n");
    expect(world, other, 2, 2);
    expect(world, leader, 0, 0);
    expect(world, third, 0, 0);
    client_ask(client, "MULTI\r\nGET k\r\nSET y 1\r\nEXEC\r\nMULTI\r\nGET x\r\nEXEC\r\n",
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n5\r\n+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    expect(world, other, 3, 3);
    client_ask(client, "CONFIG RESETSTAT\r\n", "+OK\r\n");
    expect(world, other, 0, 0);
    world_free(world);
}

static void test_a_read_that_had_to_wait_for_state_time_counts_once(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client, "SET k 1 PX 50\r\n", "+OK\r\n");
    world_run(world, 60);
    client_ask(client, "CONFIG RESETSTAT\r\n", "+OK\r\n");
    client_send(client, "MGET x k\r\n");
    world_run(world, 100);
    client_expect(client, "*2\r\n$-1\r\n$-1\r\n");
    expect(world, client->seat, 0, 2);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_look_up_counts_where_its_client_is_and_nowhere_else),
        cmocka_unit_test(test_a_read_that_had_to_wait_for_state_time_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
