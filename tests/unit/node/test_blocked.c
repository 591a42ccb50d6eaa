/* Clients that wait for keys: who is told what, when they, their nodes or the leader go. */
#include "harness.h"

static struct client *blocked(struct world *world, int number, const char *request) {
    struct client *client = client_open(world, number);
    client_ask(client, request, "");
    return client;
}

static void say(struct world *world, int number, const char *request, const char *replies) {
    struct client *client = client_open(world, number);
    client_ask(client, request, replies);
    client_close(client);
    client_forget(client);
}

static uint64_t n_waiters(struct world *world, int number) {
    struct waiting_figures figures;
    engine_waiting_figures(world->seats[number]->node->engine, &figures);
    return figures.n_waiters;
}

#define GOT(key, element) "*2\r\n$1\r\n" key "\r\n$1\r\n" element "\r\n"

static void test_clients_of_all_nodes_are_served_in_the_order_of_the_log(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *clients[6];
    for (int i = 0; i < 6; i++) clients[i] = blocked(world, i % 3, "BLPOP l 0\r\n");
    for (int i = 0; i < 6; i++) {
        char request[32], reply[64];
        snprintf(request, sizeof request, "RPUSH l %d\r\n", i);
        snprintf(reply, sizeof reply, GOT("l", "%d"), i);
        say(world, (i + 1) % 3, request, ":1\r\n");
        for (int k = 0; k < 6; k++) client_expect(clients[k], k == i ? reply : "");
    }
    world_check_equal(world);
    world_free(world);
}

static void test_requests_before_are_answered_and_those_behind_wait(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int node = 0; node < 3; node++) {
        struct client *client = client_open(world, node);
        client_ask(client,
            "SET a 1\r\nGET a\r\nBLPOP l 0\r\nSET a 2\r\nGET a\r\nBLPOP m 0\r\nPING\r\n",
            "+OK\r\n$1\r\n1\r\n");
        say(world, 0, "GET a\r\nRPUSH l x\r\n", "$1\r\n1\r\n:1\r\n");
        client_expect(client, GOT("l", "x") "+OK\r\n$1\r\n2\r\n");
        say(world, 1, "RPUSH m y\r\n", ":1\r\n");
        client_expect(client, GOT("m", "y") "+PONG\r\n");
    }
    world_check_equal(world);
    world_free(world);
}

static void test_a_deadline_ends_by_itself_in_each_protocol(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *old = blocked(world, 1, "BLPOP l 0.2\r\n");
    struct client *new = client_open(world, 2);
    client_send(new, "HELLO 3\r\n");
    world_settle(world);
    (void)client_take(new);
    client_ask(new, "BLMOVE l m LEFT LEFT 0.3\r\n", "");
    world_run(world, 190);
    client_expect(old, "");
    world_run(world, 30);
    client_expect(old, "*-1\r\n");
    client_expect(new, "");
    world_run(world, 100);
    client_expect(new, "_\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_nothing_is_given_to_a_client_that_has_gone(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *gone = blocked(world, 1, "BLPOP l 0\r\n");
    struct client *stays = blocked(world, 2, "BLPOP l 0\r\n");
    client_close(gone);
    world_settle(world);
    assert_int_equal(n_waiters(world, 0), 1);
    say(world, 0, "RPUSH l x\r\n", ":1\r\n");
    client_expect(stays, GOT("l", "x"));
    world_check_equal(world);
    world_free(world);
}

/* Its command is in the log already, and will wait there for nobody. */
static void test_a_client_that_goes_before_its_command_is_applied_waits_for_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *gone = client_open(world, leader);
    world_hold_commits(world, leader, true);
    client_ask(gone, "BLPOP l 0\r\n", "");
    client_close(gone);
    world_hold_commits(world, leader, false);
    world_run(world, 200);
    assert_int_equal(n_waiters(world, leader), 0);
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    say(world, leader, "LLEN l\r\n", ":1\r\n");
    world_free(world);
}

static void test_unblock_ends_the_waiting_and_says_whether_it_did(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int node = 0; node < 3; node++) {
        struct client *client = blocked(world, node, "BLPOP l 0\r\n");
        char request[64];
        unsigned long long id = (unsigned long long)client->session->id;
        snprintf(request, sizeof request, "CLIENT UNBLOCK %llu\r\nPING\r\n", id);
        say(world, node, request, ":1\r\n+PONG\r\n");
        client_expect(client, "*-1\r\n");
        say(world, node, request, ":0\r\n+PONG\r\n");
        client_ask(client, "BRPOP l 0\r\n", "");
        snprintf(request, sizeof request, "CLIENT UNBLOCK %llu ERROR\r\n", id);
        say(world, node, request, ":1\r\n");
        client_expect(client, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
        client_close(client);
    }
    say(world, 0, "CLIENT UNBLOCK 4711\r\n", ":0\r\n");
    world_check_equal(world);
    world_free(world);
}

/* The push stands in the log first: then the client has the element, and UNBLOCK says so. */
static void test_who_comes_first_in_the_log_ends_the_waiting(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = blocked(world, leader, "BLPOP l 0\r\n");
    struct client *pusher = client_open(world, leader), *other = client_open(world, leader);
    char request[64];
    snprintf(request, sizeof request, "CLIENT UNBLOCK %llu\r\n",
        (unsigned long long)client->session->id);
    world_hold_commits(world, leader, true);
    client_ask(pusher, "RPUSH l x\r\n", "");
    client_ask(other, request, "");
    world_hold_commits(world, leader, false);
    world_run(world, 200);
    client_expect(pusher, ":1\r\n");
    client_expect(other, ":0\r\n");
    client_expect(client, GOT("l", "x"));
    world_free(world);
}

static void test_a_blocked_client_is_counted_and_listed(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = blocked(world, 0, "BLPOP k l 0\r\n"), *asks = client_open(world, 0);
    client_send(asks, "INFO clients\r\nCLIENT LIST\r\n");
    world_settle(world);
    const char *text = client_take(asks);
    assert_non_null(strstr(text, "blocked_clients:1\r\n"));
    assert_non_null(strstr(text, "total_blocking_keys:2\r\n"));
    assert_non_null(strstr(text, " flags=b "));
    assert_false(session_is_waiting(client->session)); /* nothing is owed to it when it ends */
    assert_true(session_wants_read(client->session));
    client_close(client);
    world_settle(world);
    client_send(asks, "INFO clients\r\n");
    world_settle(world);
    assert_non_null(strstr(client_take(asks), "blocked_clients:0\r\n"));
    world_free(world);
}

static void test_no_time_out_ends_a_waiting(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = blocked(world, 0, "BLPOP l 0\r\n");
    world_isolate(world, 0);
    world_isolate(world, 1); /* nobody can lead */
    world_run(world, 5000);
    client_expect(client, "");
    world_heal(world);
    world_run(world, 2000);
    int leader = world_leader(world);
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    client_expect(client, GOT("l", "x"));
    world_check_equal(world);
    world_free(world);
}

static void test_a_dead_leaders_clients_are_passed_over_and_the_others_keep_their_turn(
    void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), one = (leader + 1) % 3, other = (leader + 2) % 3;
    (void)blocked(world, leader, "BLPOP l 0\r\n");
    struct client *first = blocked(world, one, "BLPOP l 0\r\n");
    (void)blocked(world, leader, "BLPOP l 0\r\n");
    struct client *second = blocked(world, other, "BLPOP l 0\r\n");
    seat_kill(world->seats[leader]);
    int next = world_leader(world);
    say(world, next, "RPUSH l x\r\n", ":1\r\n");
    client_expect(first, GOT("l", "x"));
    say(world, next, "RPUSH l y\r\n", ":1\r\n");
    client_expect(second, GOT("l", "y"));
    assert_int_equal(n_waiters(world, next), 0);
    world_check_equal(world);
    world_free(world);
}

/* Its waiters are taken out after 100 ms; it queues them again, behind those who came meanwhile. */
static void test_a_silent_members_clients_lose_their_turn_and_nothing_else(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), silent = (leader + 1) % 3;
    struct client *cut_off = blocked(world, silent, "BLPOP l 0\r\n");
    struct client *limited = blocked(world, silent, "BLPOP m 3\r\n");
    struct client *near = blocked(world, leader, "BLPOP l 0\r\n");
    world_cut(world, silent, leader);
    world_cut(world, silent, (leader + 2) % 3);
    world_run(world, 130);
    assert_int_equal(n_waiters(world, leader), 1);
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    client_expect(near, GOT("l", "x"));
    client_expect(cut_off, "");
    world_heal(world);
    world_run(world, 1500);
    leader = world_leader(world);
    assert_int_equal(n_waiters(world, leader), 2);
    say(world, leader, "RPUSH l y\r\n", ":1\r\n");
    client_expect(cut_off, GOT("l", "y"));
    client_expect(limited, "");
    world_run(world, 1500); /* what was left of its three seconds */
    client_expect(limited, "*-1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_waiting_command_that_was_on_its_way_to_a_dead_leader_waits_once(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    world_hold_commits(world, leader, true);
    struct client *client = client_open(world, follower);
    client_ask(client, "BLPOP l 0\r\n", "");
    seat_kill(world->seats[leader]);
    world_hold_commits(world, leader, false);
    int next = world_leader(world);
    world_run(world, 500);
    assert_int_equal(n_waiters(world, next), 1);
    say(world, next, "RPUSH l x y\r\n", ":2\r\n");
    client_expect(client, GOT("l", "x"));
    say(world, next, "LLEN l\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_that_starts_anew_leaves_nobody_waiting(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    (void)blocked(world, follower, "BLPOP l 0\r\n");
    seat_kill(world->seats[follower]);
    seat_start(world->seats[follower]);
    world_run(world, 1000);
    assert_int_equal(n_waiters(world, leader), 0);
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    say(world, leader, "LLEN l\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

/* What installing a snapshot does to who waits here, with the state of another node. */
static void take_state(struct world *world, int from, int to) {
    struct node *node = world->seats[to]->node;
    struct buf image = {0};
    engine_dump(world->seats[from]->node->engine, &image);
    engine_free(node->engine);
    node->engine = node_engine_new(node);
    assert_int_equal(engine_load(node->engine, buf_slice(&image)), SF_OK);
    buf_free(&image);
    blocked_after_snapshot(node);
}

static void test_who_still_stands_in_a_snapshots_queue_goes_on_waiting(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = blocked(world, follower, "BLPOP l 0\r\n");
    take_state(world, leader, follower);
    world_settle(world);
    client_expect(client, "");
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    client_expect(client, GOT("l", "x"));
    world_check_equal(world);
    world_free(world);
}

static void test_who_stands_no_more_in_a_snapshots_queue_hears_that_nobody_knows(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "BLPOP l 0\r\nPING\r\n", "");
    world_isolate(world, follower);
    say(world, leader, "RPUSH l x\r\n", ":1\r\n");
    take_state(world, leader, follower);
    seat_pump(world->seats[follower]);
    client_expect(
        client, "-UNCERTAIN Outcome unknown: this node has caught up by a snapshot\r\n+PONG\r\n");
    /* what it now waits for (WAIT), or sends behind its writes (PUBLISH), is not of the future */
    raft_index applied = engine_applied(world->seats[follower]->node->engine);
    assert_true(client->session->last_write_index <= applied);
    world_free(world);
}

static void test_a_command_that_a_snapshot_shows_waiting_was_not_lost(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3, third = (leader + 2) % 3;
    struct client *client = client_open(world, follower);
    world_rule(world, RULE_HOLD, leader, follower, "append"); /* it hears nothing of the commit */
    world->seats[follower]->disk_held = true;
    client_ask(client, "BLPOP l 0\r\n", "");
    struct node *node = world->seats[follower]->node;
    uint64_t through = node->next_sequence - 1;
    if (n_waiters(world, third) == 1 && n_waiters(world, follower) == 0) {
        take_state(world, third, follower);
        session_answer_lost(client->session, through);
        assert_true(session_is_blocked(client->session));
        client_expect(client, "");
    } else {
        fail_msg("the leader has not got the command");
    }
    world_free(world);
}

static void test_a_pause_holds_back_what_writes_or_everything_until_its_end(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0), *other = client_open(world, 0);
    client_ask(client, "CLIENT PAUSE 200 WRITE\r\nGET a\r\nSET a 1\r\nGET a\r\n", "+OK\r\n$-1\r\n");
    client_ask(other, "PING\r\n", "+PONG\r\n");
    world_run(world, 150);
    client_expect(client, "");
    world_run(world, 100);
    client_expect(client, "+OK\r\n$1\r\n1\r\n");
    client_ask(client, "CLIENT PAUSE 100\r\n", "+OK\r\n");
    client_ask(other, "PING\r\n", "");
    world_run(world, 110);
    client_expect(other, "+PONG\r\n");
    client_ask(client, "CLIENT PAUSE 100000 WRITE\r\n", "+OK\r\n");
    client_ask(other, "SET a 2\r\nPING\r\n", "");
    client_ask(client, "CLIENT UNPAUSE\r\n", "+OK\r\n");
    client_expect(other, "+OK\r\n+PONG\r\n");
    world_free(world);
}

static void test_a_pause_of_writes_holds_back_exec_where_it_writes(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0), *writes = client_open(world, 0);
    struct client *reads = client_open(world, 0);
    client_ask(writes, "MULTI\r\nSET a 1\r\n", "+OK\r\n+QUEUED\r\n");
    client_ask(client, "CLIENT PAUSE 100000 WRITE\r\n", "+OK\r\n");
    client_ask(writes, "EXEC\r\n", "");
    client_ask(reads, "MULTI\r\nGET a\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    client_ask(client, "CLIENT UNPAUSE\r\n", "+OK\r\n");
    client_expect(writes, "*1\r\n+OK\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_of_all_nodes_are_served_in_the_order_of_the_log),
        cmocka_unit_test(test_requests_before_are_answered_and_those_behind_wait),
        cmocka_unit_test(test_a_deadline_ends_by_itself_in_each_protocol),
        cmocka_unit_test(test_nothing_is_given_to_a_client_that_has_gone),
        cmocka_unit_test(test_a_client_that_goes_before_its_command_is_applied_waits_for_nothing),
        cmocka_unit_test(test_unblock_ends_the_waiting_and_says_whether_it_did),
        cmocka_unit_test(test_who_comes_first_in_the_log_ends_the_waiting),
        cmocka_unit_test(test_a_blocked_client_is_counted_and_listed),
        cmocka_unit_test(test_no_time_out_ends_a_waiting),
        cmocka_unit_test(
            test_a_dead_leaders_clients_are_passed_over_and_the_others_keep_their_turn),
        cmocka_unit_test(test_a_silent_members_clients_lose_their_turn_and_nothing_else),
        cmocka_unit_test(test_a_waiting_command_that_was_on_its_way_to_a_dead_leader_waits_once),
        cmocka_unit_test(test_a_node_that_starts_anew_leaves_nobody_waiting),
        cmocka_unit_test(test_who_still_stands_in_a_snapshots_queue_goes_on_waiting),
        cmocka_unit_test(test_who_stands_no_more_in_a_snapshots_queue_hears_that_nobody_knows),
        cmocka_unit_test(test_a_command_that_a_snapshot_shows_waiting_was_not_lost),
        cmocka_unit_test(test_a_pause_holds_back_what_writes_or_everything_until_its_end),
        cmocka_unit_test(test_a_pause_of_writes_holds_back_exec_where_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
