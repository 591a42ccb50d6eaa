/* The largest and oddest requests that the protocol lets through: what nodes make of them on the
 * way must still fit wherever they read it. */
#include "harness.h"

enum { WORDS_MAX = 1 << 20 };

/* A request of `words` words: `head`, then `tail` again and again. */
static void send_long(
    struct client *client, uint32_t n_head, const char *head, const char *tail, uint32_t n_tail) {
    struct buf out = {0};
    buf_printf(&out, "*%u\r\n", n_head + n_tail);
    for (const char *at = head; *at != '\0';) {
        size_t len = strcspn(at, " ");
        buf_printf(&out, "$%zu\r\n%.*s\r\n", len, (int)len, at);
        at += len + (at[len] == ' ');
    }
    for (uint32_t i = 0; i < n_tail; i++) buf_printf(&out, "$%zu\r\n%s\r\n", strlen(tail), tail);
    buf_append_char(&out, '\0');
    client_send(client, buf_slice(&out).data);
    buf_free(&out);
}

static void check_all_serve(struct world *world) {
    for (int i = 0; i < world->n; i++) {
        assert_false(world->seats[i]->stopped);
        struct client *client = client_open(world, i);
        client_send(client, "SET k v\r\n");
        world_run(world, 200);
        client_expect(client, "+OK\r\n");
        client_close(client);
    }
    world_check_equal(world);
}

/* It queues as a write of two words more than the client may send. */
static void test_a_read_of_as_many_words_as_there_may_be_can_wait(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct world *world = world_ready(3);
        struct client *client = client_open(world, (world_leader(world) + k) % 3);
        send_long(client, 4, "XREAD BLOCK 10 STREAMS", "0", WORDS_MAX - 4);
        world_run(world, 300);
        client_expect(client, "*-1\r\n");
        check_all_serve(world);
        world_free(world);
    }
}

static void test_who_waits_for_as_many_keys_as_there_may_be_queues_again(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), node = (leader + 1) % 3;
    struct client *client = client_open(world, node);
    send_long(client, 1, "BLPOP", "0", WORDS_MAX - 1);
    world_run(world, 100);
    world_isolate(world, node); /* silent: its waiters are taken out */
    world_run(world, 300);
    world_heal(world);
    world_run(world, 2000);
    client_expect(client, "");
    check_all_serve(world);
    struct client *pusher = client_open(world, leader);
    client_ask(pusher, "RPUSH 0 x\r\n", ":1\r\n");
    world_run(world, 100);
    client_expect(client, "*2\r\n$1\r\n0\r\n$1\r\nx\r\n");
    world_free(world);
}

/* A question to the other nodes with all names of the request, and some words more. */
static void test_subscribers_of_as_many_channels_as_there_may_be_are_counted(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), node = (leader + 1) % 3;
    struct client *listens = client_open(world, leader), *client = client_open(world, node);
    client_send(listens, "SUBSCRIBE c\r\n");
    send_long(client, 2, "PUBSUB NUMSUB", "c", WORDS_MAX - 2);
    world_run(world, 300);
    const char *told = client_take(client);
    assert_memory_equal(told, "*2097148\r\n$1\r\nc\r\n:1\r\n", 21);
    assert_int_equal(world_leader(world), leader);
    check_all_serve(world);
    world_free(world);
}

/* Messages are not kept for a node that does not take them: its link would be cut for their bytes,
 * with the entries and batches on it. */
static void test_a_flood_of_messages_spares_the_link_to_a_slow_node(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *listens = client_open(world, 1), *client = client_open(world, 0);
    client_ask(listens, "SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    world->seats[0]->backlog = (size_t)33 << 20;
    client_ask(client, "PUBLISH c 1\r\n", ":0\r\n");
    world->seats[0]->backlog = 0;
    client_ask(client, "PUBLISH c 2\r\n", ":1\r\n");
    client_expect(listens, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n2\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_of_as_many_words_as_there_may_be_can_wait),
        cmocka_unit_test(test_who_waits_for_as_many_keys_as_there_may_be_queues_again),
        cmocka_unit_test(test_subscribers_of_as_many_channels_as_there_may_be_are_counted),
        cmocka_unit_test(test_a_flood_of_messages_spares_the_link_to_a_slow_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
