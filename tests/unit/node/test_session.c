/* Requests and replies of one connection: order, modes, limits, ends. */
#include "unit/node/harness.h"

static void test_a_packet_of_write_read_write_answers_in_order(void **state) {
    (void)state;
    for (int follower = 0; follower < 2; follower++) {
        struct world *world = world_ready(3);
        int at = (world_leader(world) + follower) % 3;
        struct client *client = client_open(world, at);
        client_ask(client, "SET k 1\r\nGET k\r\nSET k 2\r\nGET k\r\nINCR k\r\n",
            "+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n:3\r\n");
        world_check_equal(world);
        world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_of_write_read_write_answers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
