/* What a transaction holds that its node answers at its own place: PUBSUB, CLIENT UNBLOCK, PAUSE
 * and REPLY. */
#include "unit/node/harness.h"

#define QUEUED "+QUEUED\r\n"

static struct client *asked(struct world *world, int node, const char *request, const char *reply) {
    struct client *client = client_open(world, node);
    client_ask(client, request, reply);
    return client;
}

/* -- PUBSUB ---------------------------------------------------------------------------------- */

static void test_pubsub_inside_counts_the_subscribers_of_all_nodes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int i = 0; i < 3; i++) {
        struct client *subscriber = client_open(world, i);
        client_send(subscriber, "SUBSCRIBE a\r\nPSUBSCRIBE x*\r\n");
        world_settle(world);
        (void)client_take(subscriber);
    }
    for (int i = 0; i < 3; i++) {
        asked(world, i,
            "MULTI\r\nPUBSUB NUMSUB a b\r\nSET k 1\r\nSUBSCRIBE b\r\nPUBSUB NUMSUB b a\r\n"
            "PUBSUB CHANNELS a*\r\nPUBSUB NUMPAT\r\nPUBSUB NUMSUB\r\nUNSUBSCRIBE b\r\nEXEC\r\n"
            "GET k\r\n",
            "+OK\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
            "*8\r\n*4\r\n$1\r\na\r\n:3\r\n$1\r\nb\r\n:0\r\n+OK\r\n"
            "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:1\r\n"
            "*4\r\n$1\r\nb\r\n:1\r\n$1\r\na\r\n:3\r\n*1\r\n$1\r\na\r\n:1\r\n*0\r\n"
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n$1\r\n1\r\n");
    }
    world_check_equal(world);
    world_free(world);
}

static void test_pubsub_inside_runs_alone_and_behind_a_watch(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client,
        "SET k 1\r\nMULTI\r\nPUBSUB NUMPAT\r\nEXEC\r\nWATCH k\r\nMULTI\r\nGET k\r\nPUBSUB NUMPAT"
        "\r\nEXEC\r\nWATCH k\r\nSET k 2\r\nMULTI\r\nPUBSUB NUMPAT\r\nEXEC\r\nPING\r\n",
        "+OK\r\n+OK\r\n" QUEUED "*1\r\n:0\r\n+OK\r\n+OK\r\n" QUEUED QUEUED
        "*2\r\n$1\r\n1\r\n:0\r\n+OK\r\n+OK\r\n+OK\r\n" QUEUED "*-1\r\n+PONG\r\n");
    world_free(world);
}

static void test_a_silent_node_delays_a_transaction_that_asks_and_nothing_more(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    struct client *client = client_open(world, leader);
    world_rule(world, RULE_DROP, away, leader, "pubsub-answer");
    client_ask(client, "MULTI\r\nPUBSUB NUMPAT\r\nSET k 1\r\nPUBSUB NUMSUB a\r\nEXEC\r\nPING\r\n",
        "+OK\r\n" QUEUED QUEUED QUEUED);
    world_run(world, 150);
    client_expect(client, "*3\r\n:0\r\n+OK\r\n*2\r\n$1\r\na\r\n:0\r\n+PONG\r\n");
    world_free(world);
}

static void test_a_client_that_leaves_takes_the_questions_of_its_transaction_along(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    struct client *client = client_open(world, leader);
    world_rule(world, RULE_DROP, away, leader, "pubsub-answer");
    client_send(client, "MULTI\r\nPUBSUB NUMPAT\r\nSET k 1\r\nPUBSUB CHANNELS\r\nEXEC\r\n");
    world_settle(world);
    client_close(client);
    world_run(world, 150);
    asked(world, leader, "GET k\r\n", "$-1\r\n");
    world_free(world);
}

static void test_what_one_transaction_may_ask_is_bounded(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "MULTI\r\n", "+OK\r\n");
    for (int i = 0; i < 64; i++) client_ask(client, "PUBSUB NUMPAT\r\n", QUEUED);
    client_ask(client, "PUBSUB NUMPAT\r\nEXEC\r\n",
        "-ERR a transaction with more than 64 PUBSUB, not executed\r\n"
        "-EXECABORT Transaction discarded because of previous errors.\r\n");
    world_free(world);
}

/* -- CLIENT UNBLOCK, CLIENT PAUSE ------------------------------------------------------------ */

static void test_unblock_inside_ends_the_waiting_with_its_transaction(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int node = 0; node < 3; node++) {
        struct client *waits = asked(world, node, "BLPOP l 0\r\n", "");
        struct client *other = client_open(world, node);
        char request[256];
        unsigned long long id = (unsigned long long)waits->session->id;
        snprintf(request, sizeof request,
            "MULTI\r\nCLIENT UNBLOCK %llu ERROR\r\nSET k 1\r\nCLIENT UNBLOCK %llu\r\nPING\r\n"
            "CLIENT UNBLOCK 4711\r\nCLIENT UNBLOCK x\r\nLPUSH l 1\r\nLPOP l\r\nEXEC\r\n",
            id, id);
        client_ask(other, request,
            "+OK\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
            "*8\r\n:1\r\n+OK\r\n:0\r\n+PONG\r\n:0\r\n"
            "-ERR value is not an integer or out of range\r\n:1\r\n$1\r\n1\r\n");
        client_expect(waits, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
        client_ask(other, request,
            "+OK\r\n" QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED QUEUED
            "*8\r\n:0\r\n+OK\r\n:0\r\n+PONG\r\n:0\r\n"
            "-ERR value is not an integer or out of range\r\n:1\r\n$1\r\n1\r\n");
        client_close(waits);
        client_close(other);
    }
    world_check_equal(world);
    world_free(world);
}

static void test_unblock_inside_does_nothing_where_the_watch_is_broken(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *waits = asked(world, 0, "BLPOP l 0\r\n", "");
    struct client *other = client_open(world, 0);
    char request[128];
    snprintf(request, sizeof request,
        "WATCH k\r\nSET k 1\r\nMULTI\r\nCLIENT UNBLOCK %llu\r\nEXEC\r\n",
        (unsigned long long)waits->session->id);
    client_ask(other, request, "+OK\r\n+OK\r\n+OK\r\n" QUEUED "*-1\r\n");
    client_expect(waits, "");
    client_ask(other, "RPUSH l 1\r\n", ":1\r\n");
    client_expect(waits, "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    world_free(world);
}

static void test_a_pause_inside_begins_with_its_transaction(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0), *other = client_open(world, 0);
    client_ask(
        client, "MULTI\r\nCLIENT PAUSE 100000 WRITE\r\nSET k 1\r\n", "+OK\r\n" QUEUED QUEUED);
    client_ask(other, "SET k 2\r\n", "+OK\r\n");
    client_ask(client, "EXEC\r\nGET k\r\nSET k 4\r\n", "*2\r\n+OK\r\n+OK\r\n$1\r\n1\r\n");
    client_ask(other, "MULTI\r\nCLIENT UNPAUSE\r\nGET k\r\nEXEC\r\n",
        "+OK\r\n" QUEUED QUEUED "*2\r\n+OK\r\n$1\r\n1\r\n");
    client_expect(client, "+OK\r\n");
    world_free(world);
}

/* -- CLIENT REPLY ---------------------------------------------------------------------------- */

static void test_client_reply_inside_silences_the_places_behind_as_in_redis(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    static const char *const exchanges[][2] = {
        {"MULTI\r\nSET a 1\r\nCLIENT REPLY OFF\r\nSET b 2\r\nEXEC\r\nPING\r\nCLIENT REPLY ON\r\n",
            "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n+OK\r\n+OK\r\n"},
        {"MULTI\r\nGET a\r\nCLIENT REPLY SKIP\r\nGET b\r\nEXEC\r\nPING\r\nECHO x\r\n",
            "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\nx\r\n"},
        {"CLIENT REPLY OFF\r\nMULTI\r\nSET a 1\r\nCLIENT REPLY ON\r\nSET b 2\r\nEXEC\r\nPING\r\n",
            "+OK\r\n+OK\r\n+PONG\r\n"},
        {"MULTI\r\nCLIENT REPLY OFF\r\nCLIENT REPLY ON\r\nPING\r\nEXEC\r\nPING\r\nECHO x\r\n",
            "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n+OK\r\n+PONG\r\n+PONG\r\n$1\r\nx\r\n"},
        {"MULTI\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nEXEC\r\nPING\r\nECHO x\r\n",
            "+OK\r\n" QUEUED QUEUED "*2\r\n+OK\r\n$1\r\nx\r\n"},
    };
    for (int node = 0; node < 3; node++) {
        struct client *client = client_open(world, node);
        for (size_t i = 0; i < SF_LENGTH(exchanges); i++)
            client_ask(client, exchanges[i][0], exchanges[i][1]);
    }
    world_check_equal(world);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pubsub_inside_counts_the_subscribers_of_all_nodes),
        cmocka_unit_test(test_pubsub_inside_runs_alone_and_behind_a_watch),
        cmocka_unit_test(test_a_silent_node_delays_a_transaction_that_asks_and_nothing_more),
        cmocka_unit_test(test_a_client_that_leaves_takes_the_questions_of_its_transaction_along),
        cmocka_unit_test(test_what_one_transaction_may_ask_is_bounded),
        cmocka_unit_test(test_unblock_inside_ends_the_waiting_with_its_transaction),
        cmocka_unit_test(test_unblock_inside_does_nothing_where_the_watch_is_broken),
        cmocka_unit_test(test_a_pause_inside_begins_with_its_transaction),
        cmocka_unit_test(test_client_reply_inside_silences_the_places_behind_as_in_redis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
