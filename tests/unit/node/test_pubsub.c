/* Publish and subscribe over all nodes. */
#include "unit/node/harness.h"

static struct client *subscriber(struct world *world, int at, const char *request) {
    struct client *client = client_open(world, at);
    client_send(client, request);
    world_settle(world);
    (void)client_take(client);
    return client;
}

static void test_a_message_reaches_the_subscribers_of_all_nodes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *listeners[3];
    for (int i = 0; i < 3; i++) listeners[i] = subscriber(world, i, "SUBSCRIBE news\r\n");
    struct client *publisher = client_open(world, 1);
    client_ask(publisher, "PUBLISH news one\r\n", ":3\r\n");
    for (int i = 0; i < 3; i++) {
        client_expect(listeners[i], "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n");
    }
    world_free(world);
}

static void test_patterns_and_channels_of_one_client_both_hear(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = subscriber(world, 0, "HELLO 3\r\nSUBSCRIBE news\r\nPSUBSCRIBE n*\r\n");
    struct client *publisher = client_open(world, 2);
    client_ask(publisher, "PUBLISH news one\r\n", ":2\r\n");
    client_expect(client, ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n"
                          ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$3\r\none\r\n");
    world_free(world);
}

static void test_shard_channels_are_apart(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = subscriber(world, 0, "SSUBSCRIBE news\r\n");
    struct client *publisher = client_open(world, 2);
    client_ask(publisher, "PUBLISH news one\r\nSPUBLISH news two\r\n", ":0\r\n:1\r\n");
    client_expect(client, "*3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    world_free(world);
}

static void test_who_hears_a_message_sees_the_writes_before_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), other = (leader + 1) % 3;
    struct client *client = subscriber(world, other, "SUBSCRIBE news\r\n");
    struct client *stale = client_open(world, other);
    client_ask(stale, "READONLY\r\n", "+OK\r\n");
    world_rule(world, RULE_HOLD, leader, other, "append"); /* it applies later than the others */
    world_rule(world, RULE_HOLD, leader, other, "heartbeat");
    struct client *publisher = client_open(world, leader);
    client_ask(publisher, "SET k 1\r\nPUBLISH news one\r\n", "+OK\r\n:1\r\n");
    client_ask(stale, "GET k\r\n", "$-1\r\n");
    client_expect(client, ""); /* queued, not delivered */
    world_release(world);
    world_settle(world);
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n");
    client_ask(stale, "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

/* What waits for entries was published before: its publisher's answer did not count this one. */
static void test_who_subscribes_hears_nothing_that_was_answered_before(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), other = (leader + 1) % 3;
    struct client *early = subscriber(world, other, "SUBSCRIBE news\r\n");
    world_rule(world, RULE_HOLD, leader, other, "append"); /* it applies later than the others */
    world_rule(world, RULE_HOLD, leader, other, "heartbeat");
    struct client *publisher = client_open(world, leader);
    client_ask(publisher, "SET k 1\r\nPUBLISH news one\r\n", "+OK\r\n:1\r\n");
    struct client *late = subscriber(world, other, "SUBSCRIBE news\r\n");
    world_release(world);
    world_settle(world);
    client_expect(early, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n");
    client_expect(late, "");
    client_ask(publisher, "PUBLISH news two\r\n", ":2\r\n");
    client_expect(late, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    world_free(world);
}

/* The same session said both: the message of the entry comes when that is applied, the other one
 * has been waiting for it. */
static void test_a_message_comes_behind_those_of_its_sessions_scripts(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), other = (leader + 1) % 3;
    struct client *client = subscriber(world, other, "SUBSCRIBE news\r\n");
    world_rule(world, RULE_HOLD, leader, other, "append"); /* it applies later than the others */
    world_rule(world, RULE_HOLD, leader, other, "heartbeat");
    struct client *publisher = client_open(world, leader);
    client_ask(publisher,
        "EVAL \"return redis.call('publish','news','one')\" 0\r\nPUBLISH news two\r\n",
        ":0\r\n:1\r\n");
    world_release(world);
    world_settle(world);
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n"
                          "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    world_free(world);
}

static void test_a_pipeline_of_messages_keeps_its_order_and_place(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = subscriber(world, 1, "SUBSCRIBE c\r\n");
    struct client *publisher = client_open(world, 0);
    client_ask(publisher,
        "SET k 1\r\nPUBLISH c 1\r\nPUBLISH c 2\r\nPUBLISH d 3\r\nGET k\r\nSET k 2\r\nPUBLISH c "
        "4\r\n"
        "INCR k\r\n",
        "+OK\r\n:1\r\n:1\r\n:0\r\n$1\r\n1\r\n+OK\r\n:1\r\n:3\r\n");
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n"
                          "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n2\r\n"
                          "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n4\r\n");
    world_free(world);
}

static void test_a_silent_node_delays_one_answer_only(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    struct client *publisher = client_open(world, leader);
    (void)subscriber(world, away, "SUBSCRIBE c\r\n");
    world_rule(world, RULE_DROP, away, leader, "published");
    client_send(publisher, "PUBLISH c 1\r\n");
    world_settle(world);
    client_expect(publisher, "");
    world_run(world, 150);
    client_expect(publisher, ":0\r\n");
    client_ask(publisher, "PUBLISH c 2\r\n", ":0\r\n"); /* at once */
    world_release(world);
    client_ask(publisher, "PUBLISH c 3\r\n", ":0\r\n"); /* it answers: now it is waited for */
    client_ask(publisher, "PUBLISH c 4\r\n", ":1\r\n");
    world_free(world);
}

static void test_pubsub_asks_all_nodes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    (void)subscriber(world, 0, "SUBSCRIBE a b\r\n");
    (void)subscriber(world, 1, "SUBSCRIBE b\r\nPSUBSCRIBE x* y*\r\n");
    (void)subscriber(world, 2, "PSUBSCRIBE x*\r\n");
    struct client *client = client_open(world, 2);
    client_ask(client, "PUBSUB NUMSUB a b c\r\nPUBSUB NUMPAT\r\nPUBSUB CHANNELS a*\r\n",
        "*6\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n$1\r\nc\r\n:0\r\n:2\r\n*1\r\n$1\r\na\r\n");
    client_ask(client, "PUBSUB NUMSUB\r\n", "*0\r\n");
    world_free(world);
}

static void test_a_subscriber_may_send_little_else_in_resp2(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "SUBSCRIBE a\r\nGET k\r\nPING\r\nPING x\r\nUNSUBSCRIBE\r\nGET k\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
        "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
        "are allowed in this context\r\n"
        "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n"
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n$-1\r\n");
    world_free(world);
}

static void test_subscribers_are_a_type_of_clients(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *listens = subscriber(world, 0, "SSUBSCRIBE a\r\n");
    struct client *client = client_open(world, 0), *normal = client_open(world, 0);
    client_send(client, "CLIENT LIST TYPE pubsub\r\n");
    world_settle(world);
    const char *list = client_take(client);
    assert_non_null(strstr(list, "flags=P"));
    assert_null(strstr(list, "flags=N"));
    client_send(client, "CLIENT LIST TYPE normal\r\n");
    world_settle(world);
    assert_null(strstr(client_take(client), "flags=P"));
    client_ask(client, "CLIENT KILL TYPE pubsub\r\n", ":1\r\n");
    assert_true(session_must_close_now(listens->session));
    client_ask(client, "CLIENT KILL TYPE normal\r\n", ":1\r\n");
    assert_true(session_must_close_now(normal->session));
    client_ask(client, "CLIENT KILL TYPE replica\r\nCLIENT KILL TYPE x\r\n",
        ":0\r\n-ERR Unknown client type 'x'\r\n");
    world_free(world);
}

static void test_who_leaves_hears_nothing_and_counts_no_more(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *gone = subscriber(world, 0, "SUBSCRIBE a\r\nPSUBSCRIBE a*\r\n");
    struct client *reset = subscriber(world, 1, "SUBSCRIBE a\r\nRESET\r\n");
    client_close(gone);
    struct client *publisher = client_open(world, 2);
    client_ask(publisher, "PUBLISH a 1\r\nPUBSUB CHANNELS\r\n", ":0\r\n*0\r\n");
    client_expect(reset, "");
    world_free(world);
}

static void test_a_publisher_that_leaves_takes_its_question_along(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *listener = subscriber(world, 1, "SUBSCRIBE a\r\n");
    struct client *publisher = client_open(world, 0);
    client_send(publisher, "PUBLISH a 1\r\nPUBLISH a 2\r\n");
    client_close(publisher);
    world_run(world, 200);
    const char *heard = client_take(listener);
    assert_non_null(strstr(heard, "$1\r\n1\r\n"));
    world_free(world);
}

static void test_a_slow_subscriber_is_closed_beyond_its_own_limit(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    world->seats[0]->settings.subscriber_output_limit.hard_bytes = 4096;
    node_set_settings(world->seats[0]->node, &world->seats[0]->settings);
    struct client *slow = subscriber(world, 0, "SUBSCRIBE a\r\n");
    struct client *publisher = client_open(world, 0);
    for (int i = 0; i < 40 && !session_must_close_now(slow->session); i++) {
        client_send(publisher,
            "PUBLISH a 0123456789012345678901234567890123456789012345678901234567890123456789012345"
            "678901234567890123456789012345678901234567890123456789\r\n");
        world_settle(world);
    }
    assert_true(session_must_close_now(slow->session));
    assert_false(session_must_close_now(publisher->session));
    world_free(world);
}

static void test_a_node_that_starts_again_does_not_repeat_what_it_told(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), other = (leader + 1) % 3;
    struct client *publisher = client_open(world, leader);
    client_ask(publisher, "SET k 1\r\nEVAL \"return redis.call('publish','news','old')\" 0\r\n",
        "+OK\r\n:0\r\n");
    world_run(world, 300);
    seat_kill(world->seats[other]);
    seat_start(world->seats[other]);
    struct client *client = client_open(world, other);
    client_send(client, "PSUBSCRIBE *\r\n");
    seat_pump(world->seats[other]);
    assert_string_equal(client_take(client), "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n");
    world_run(world, 300);
    client_expect(client, "");
    client_ask(publisher, "EVAL \"return redis.call('publish','news','new')\" 0\r\n", ":0\r\n");
    world_run(world, 300);
    client_expect(client, "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$4\r\nnews\r\n$3\r\nnew\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_node_that_starts_again_does_not_repeat_what_it_told),
        cmocka_unit_test(test_a_message_reaches_the_subscribers_of_all_nodes),
        cmocka_unit_test(test_patterns_and_channels_of_one_client_both_hear),
        cmocka_unit_test(test_shard_channels_are_apart),
        cmocka_unit_test(test_who_hears_a_message_sees_the_writes_before_it),
        cmocka_unit_test(test_who_subscribes_hears_nothing_that_was_answered_before),
        cmocka_unit_test(test_a_message_comes_behind_those_of_its_sessions_scripts),
        cmocka_unit_test(test_a_pipeline_of_messages_keeps_its_order_and_place),
        cmocka_unit_test(test_a_silent_node_delays_one_answer_only),
        cmocka_unit_test(test_pubsub_asks_all_nodes),
        cmocka_unit_test(test_a_subscriber_may_send_little_else_in_resp2),
        cmocka_unit_test(test_subscribers_are_a_type_of_clients),
        cmocka_unit_test(test_who_leaves_hears_nothing_and_counts_no_more),
        cmocka_unit_test(test_a_publisher_that_leaves_takes_its_question_along),
        cmocka_unit_test(test_a_slow_subscriber_is_closed_beyond_its_own_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
