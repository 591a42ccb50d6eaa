/* Caches of clients: what invalidates them, and when everything has to go. */
#include "unit/node/harness.h"

#define INVALIDATE(n, key) ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" #n "\r\n" key "\r\n"
#define DROP_ALL ">2\r\n$10\r\ninvalidate\r\n_\r\n"

static struct client *reader(struct world *world, int at, const char *options) {
    struct client *client = client_open(world, at);
    char request[200];
    snprintf(request, sizeof request, "HELLO 3\r\nCLIENT TRACKING ON %s\r\n", options);
    client_send(client, request);
    world_settle(world);
    (void)client_take(client);
    return client;
}

static void test_a_write_at_another_node_invalidates_once(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int at = 0; at < 3; at++) {
        struct client *client = reader(world, at, ""), *writer = client_open(world, (at + 1) % 3);
        client_ask(writer, "SET k 1\r\n", "+OK\r\n");
        client_ask(client, "GET k\r\n", "$1\r\n1\r\n");
        client_ask(writer, "SET k 2\r\nSET k 3\r\nSET other 1\r\n", "+OK\r\n+OK\r\n+OK\r\n");
        client_expect(client, INVALIDATE(1, "k"));
    }
    world_free(world);
}

static void test_the_answer_comes_before_what_invalidates_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = reader(world, 1, "");
    client_ask(client, "SET k 1\r\nGET k\r\nSET k 2\r\nGET k\r\n",
        "+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n" INVALIDATE(1, "k"));
    client_ask(client, "SET k 3\r\n", "+OK\r\n" INVALIDATE(1, "k")); /* the second GET counts */
    world_free(world);
}

static void test_a_reply_that_is_being_made_is_not_broken_into(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = reader(world, 1, "");
    client_ask(client, "MULTI\r\nGET k\r\nSET k 1\r\nGET k\r\nEXEC\r\n",
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n_\r\n+OK\r\n$1\r\n1\r\n" INVALIDATE(1, "k"));
    world_free(world);
}

static void test_expiry_invalidates(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = reader(world, 2, ""), *writer = client_open(world, 0);
    client_ask(writer, "SET k 1 PX 500\r\n", "+OK\r\n");
    client_ask(client, "GET k\r\n", "$1\r\n1\r\n");
    world_run(world, 1000);
    client_expect(client, INVALIDATE(1, "k"));
    world_free(world);
}

static void test_flush_and_swap_drop_everything(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = reader(world, 2, ""), *writer = client_open(world, 0);
    client_ask(writer, "SET k 1\r\n", "+OK\r\n");
    client_ask(client, "GET k\r\n", "$1\r\n1\r\n");
    client_ask(writer, "FLUSHALL\r\n", "+OK\r\n");
    client_expect(client, DROP_ALL);
    client_ask(client, "GET k\r\n", "_\r\n");
    client_ask(writer, "SELECT 1\r\nSET k 1\r\n", "+OK\r\n+OK\r\n");
    client_expect(client, INVALIDATE(1, "k"));
    client_ask(client, "GET k\r\n", "_\r\n");
    client_ask(writer, "SWAPDB 0 1\r\n", "+OK\r\n");
    client_expect(client, DROP_ALL);
    client_ask(client, "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_a_node_without_leader_has_everything_dropped(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    struct client *client = reader(world, away, ""), *broadcast = reader(world, away, "BCAST");
    struct client *fine = reader(world, leader, "");
    client_ask(client, "GET k\r\n", "_\r\n");
    client_ask(fine, "GET k\r\n", "_\r\n");
    world_isolate(world, away);
    world_run(world, 2000);
    client_expect(client, DROP_ALL);
    client_expect(broadcast, DROP_ALL);
    client_expect(fine, "");
    world_free(world);
}

/* The read that CLIENT CACHING NO was about is not answered; the next one is remembered. */
static void test_caching_is_about_one_request_whatever_becomes_of_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    seat_kill(world->seats[away]); /* it comes back, and must ask whether its users are old */
    world_isolate(world, away);
    seat_start(world->seats[away]);
    world_run(world, 500);
    struct client *client = reader(world, away, "OPTOUT");
    client_send(client, "CLIENT CACHING NO\r\nGET k\r\n");
    world_run(world, 4000);
    client_expect(client, "+OK\r\n-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    world_heal(world);
    world_run(world, 2000);
    (void)client_take(client);
    client_ask(client, "GET k\r\n", "_\r\n");
    client_ask(client_open(world, (away + 1) % 3), "SET k 1\r\n", "+OK\r\n");
    client_expect(client, INVALIDATE(1, "k"));
    world_free(world);
}

static void test_a_leader_without_followers_has_everything_dropped(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = reader(world, leader, "");
    client_ask(client, "GET k\r\n", "_\r\n");
    world_isolate(world, leader);
    world_run(world, 2000);
    client_expect(client, DROP_ALL);
    world_free(world);
}

static void test_the_full_table_lets_go_by_invalidating(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct node_settings settings = world->seats[0]->node->settings;
    settings.tracking_max_keys = 3;
    node_set_settings(world->seats[0]->node, &settings);
    struct client *client = reader(world, 0, "");
    client_ask(client, "MGET a b c\r\n", "*3\r\n_\r\n_\r\n_\r\n");
    client_expect(client, "");
    client_send(client, "GET d\r\n");
    world_settle(world);
    const char *heard = client_take(client), *told = "_\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\n";
    assert_int_equal(strlen(heard), strlen(told) + strlen("a\r\n"));
    assert_memory_equal(heard, told, strlen(told));
    assert_int_equal(tracking_figures(world->seats[0]->node).n_keys, 3);
    assert_int_equal(tracking_figures(world->seats[0]->node).n_items, 3);
    world_free(world);
}

static void test_noloop_leaves_out_own_writes_only(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = reader(world, 1, "NOLOOP"), *writer = client_open(world, 1);
    client_ask(client, "GET k\r\nSET k 1\r\nGET k\r\n", "_\r\n+OK\r\n$1\r\n1\r\n");
    client_ask(writer, "SET k 2\r\n", "+OK\r\n");
    client_expect(client, INVALIDATE(1, "k"));
    world_free(world);
}

static void test_broadcast_with_noloop_tells_of_a_key_that_another_wrote_too(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = reader(world, 0, "BCAST NOLOOP"), *writer = client_open(world, 0);
    client_ask(client, "SET k 1\r\n", "+OK\r\n");
    client_send(client, "SET k 2\r\n");
    client_send(writer, "SET k 3\r\n"); /* in one turn */
    world_settle(world);
    client_expect(client, "+OK\r\n" INVALIDATE(1, "k"));
    world_free(world);
}

static void test_a_redirection_goes_to_a_subscriber_and_breaks_loudly(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *listener = client_open(world, 1), *writer = client_open(world, 0);
    client_send(listener, "CLIENT ID\r\n");
    world_settle(world);
    long id = strtol(client_take(listener) + 1, NULL, 10);
    client_send(listener, "SUBSCRIBE __redis__:invalidate\r\n");
    world_settle(world);
    (void)client_take(listener);
    char options[64];
    snprintf(options, sizeof options, "REDIRECT %ld", id);
    struct client *client = reader(world, 1, options);
    client_ask(client, "GET k\r\n", "_\r\n");
    client_ask(writer, "SET k 1\r\n", "+OK\r\n");
    client_expect(
        listener, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n");
    client_ask(writer, "FLUSHALL\r\n", "+OK\r\n");
    client_expect(listener, "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
    client_ask(client, "GET k\r\n", "_\r\n");
    client_close(listener);
    client_expect(client, "");
    client_ask(writer, "SET k 2\r\n", "+OK\r\n");
    char broken[80];
    snprintf(broken, sizeof broken, ">2\r\n$21\r\ntracking-redir-broken\r\n:%ld\r\n", id);
    client_expect(client, broken);
    world_free(world);
}

static void test_who_leaves_is_told_nothing_and_counts_no_more(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *gone = reader(world, 0, ""), *writer = client_open(world, 0);
    struct client *stays = reader(world, 0, "");
    client_ask(gone, "GET k\r\n", "_\r\n");
    client_ask(stays, "GET k\r\n", "_\r\n");
    client_ask(stays, "CLIENT TRACKING OFF\r\nCLIENT TRACKING ON\r\n", "+OK\r\n+OK\r\n");
    client_close(gone);
    assert_int_equal(tracking_figures(world->seats[0]->node).n_clients, 1);
    client_ask(writer, "SET k 1\r\n", "+OK\r\n");
    client_expect(stays, ""); /* what it read before OFF is forgotten */
    assert_int_equal(tracking_figures(world->seats[0]->node).n_keys, 0);
    world_free(world);
}

static void test_an_invalidation_waits_for_no_one_who_was_served(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *blocked = reader(world, 1, "NOLOOP"), *other = reader(world, 1, "NOLOOP");
    struct client *writer = client_open(world, 2);
    client_ask(blocked, "LLEN l\r\n", ":0\r\n");
    client_ask(other, "LLEN l\r\n", ":0\r\n");
    client_send(blocked, "BLPOP l 0\r\n");
    world_settle(world);
    client_ask(writer, "RPUSH l x\r\n", ":1\r\n");
    client_expect(
        blocked, INVALIDATE(1, "l") "*2\r\n$1\r\nl\r\n$1\r\nx\r\n"); /* the push was another's */
    client_expect(other, INVALIDATE(1, "l"));
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_write_at_another_node_invalidates_once),
        cmocka_unit_test(test_the_answer_comes_before_what_invalidates_it),
        cmocka_unit_test(test_a_reply_that_is_being_made_is_not_broken_into),
        cmocka_unit_test(test_expiry_invalidates),
        cmocka_unit_test(test_flush_and_swap_drop_everything),
        cmocka_unit_test(test_a_node_without_leader_has_everything_dropped),
        cmocka_unit_test(test_caching_is_about_one_request_whatever_becomes_of_it),
        cmocka_unit_test(test_a_leader_without_followers_has_everything_dropped),
        cmocka_unit_test(test_the_full_table_lets_go_by_invalidating),
        cmocka_unit_test(test_noloop_leaves_out_own_writes_only),
        cmocka_unit_test(test_broadcast_with_noloop_tells_of_a_key_that_another_wrote_too),
        cmocka_unit_test(test_a_redirection_goes_to_a_subscriber_and_breaks_loudly),
        cmocka_unit_test(test_who_leaves_is_told_nothing_and_counts_no_more),
        cmocka_unit_test(test_an_invalidation_waits_for_no_one_who_was_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
