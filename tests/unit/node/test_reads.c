/* Linearizable reads, their clock, and what wakes them. */
#include "unit/node/harness.h"

static void test_every_node_reads_what_was_acknowledged_anywhere(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) clients[i] = client_open(world, i);
    for (int i = 0; i < 9; i++) {
        char request[32], reply[32];
        snprintf(request, sizeof request, "SET k %d\r\n", i);
        snprintf(reply, sizeof reply, "$1\r\n%d\r\n", i);
        client_ask(clients[i % 3], request, "+OK\r\n");
        for (int k = 0; k < 3; k++) client_ask(clients[k], "GET k\r\n", reply);
    }
    world_free(world);
}

static void test_a_leader_cut_off_answers_no_read(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    client_ask(client, "SET k old\r\n", "+OK\r\n");
    world_isolate(world, leader);
    client_send(client, "GET k\r\n");
    world_run(world, 100);
    client_expect(client, "");
    world_run(world, 500);
    int next = -1;
    for (int i = 0; i < 3; i++) {
        if (i != leader && raft_leads(world->seats[i]->node)) next = i;
    }
    assert_int_not_equal(next, -1);
    struct client *other = client_open(world, next);
    client_ask(other, "SET k new\r\n", "+OK\r\n");
    client_expect(client, "");
    world_heal(world);
    world_run(world, 600);
    client_expect(client, "$3\r\nnew\r\n");
    world_free(world);
}

static void test_a_follower_that_lags_waits_before_it_answers(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, leader), *reader = client_open(world, follower);
    world_rule(world, RULE_HOLD, leader, follower, "append");
    world_rule(world, RULE_HOLD, leader, follower, "heartbeat");
    client_ask(client, "SET k 1\r\n", "+OK\r\n");
    client_send(reader, "GET k\r\n");
    world_run(world, 100);
    client_expect(reader, "");
    world_release(world);
    world_run(world, 100);
    client_expect(reader, "$1\r\n1\r\n");
    world_free(world);
}

static void test_a_lost_question_is_asked_again(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *reader = client_open(world, follower);
    world_rule(world, RULE_DROP, follower, leader, "read-ask");
    client_send(reader, "GET k\r\n");
    world_run(world, 50);
    world_release(world);
    world_run(world, 150);
    client_expect(reader, "$-1\r\n");
    world_rule(world, RULE_DROP, leader, follower, "read-answer");
    client_send(reader, "GET k\r\n");
    world_run(world, 50);
    world_release(world);
    world_run(world, 150);
    client_expect(reader, "$-1\r\n");
    world_free(world);
}

static void test_a_late_answer_does_not_serve_later_reads(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *reader = client_open(world, follower), *writer = client_open(world, leader);
    world_rule(world, RULE_HOLD, leader, follower, "read-answer");
    client_send(reader, "GET k\r\n");
    world_run(world, 20);
    world_rule(world, RULE_HOLD, leader, follower, "append");
    world_rule(world, RULE_HOLD, leader, follower, "heartbeat");
    client_ask(writer, "SET k 1\r\n", "+OK\r\n");
    client_send(reader, "GET k\r\n");
    world_run(world, 20);
    LIST_FOR_EACH(link, &world->held) { /* the first answer alone arrives, late */
        list_remove(link);
        list_push_back(&world->events, link);
        break;
    }
    world_settle(world);
    client_expect(reader, "$-1\r\n"); /* the first: it began before the write */
    world_release(world);
    world_run(world, 300);
    client_expect(reader, "$1\r\n1\r\n");
    world_free(world);
}

static void test_reads_go_on_over_a_leaders_death(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *reader = client_open(world, (leader + 1) % 3);
    client_ask(reader, "SET k 1\r\n", "+OK\r\n");
    seat_kill(world->seats[leader]);
    client_send(reader, "GET k\r\n");
    world_run(world, 1200);
    client_expect(reader, "$1\r\n1\r\n");
    world_free(world);
}

static void test_stale_reads_need_nobody(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "SET k 1\r\nREADONLY\r\n", "+OK\r\n+OK\r\n");
    world_isolate(world, follower);
    world_run(world, 500);
    client_ask(client, "GET k\r\n", "$1\r\n1\r\n");
    client_ask(client, "READWRITE\r\n", "+OK\r\n");
    client_send(client, "GET k\r\n");
    world_run(world, 100);
    client_expect(client, "");
    world_free(world);
}

/* The tick that makes the key dead is older than the read's clock, and nothing is due after it: no
 * later entry brings state time to that clock. */
static void test_a_read_that_waits_for_expiry_is_answered_when_the_key_is_gone(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    for (int at = 0; at < 3; at++) {
        struct client *client = client_open(world, at);
        client_ask(client, "SET k 1 PX 100\r\n", "+OK\r\n");
        world_run(world, 50);
        world_hold_commits(world, leader, true);
        world_run(world, 70); /* the tick is proposed in here */
        client_send(client, "GET k\r\n");
        world_run(world, 30);
        client_expect(client, "");
        world_hold_commits(world, leader, false);
        world_run(world, 60);
        client_expect(client, "$-1\r\n");
    }
    world_free(world);
}

static void test_a_key_seen_expired_never_comes_back(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) clients[i] = client_open(world, i);
    client_ask(clients[0], "SET k 1 PX 100\r\n", "+OK\r\n");
    bool gone = false;
    for (int i = 0; i < 60; i++) {
        struct client *client = clients[i % 3];
        if (i == 25) world_heal(world);
        if (i > 15 && i < 25 && i % 3 == (leader + 1) % 3) continue; /* it hears no leader */
        client_send(client, "GET k\r\n");
        const char *reply = "";
        for (int tries = 0; tries < 300 && reply[0] == '\0'; tries++) {
            world_run(world, 5);
            reply = client_take(client);
        }
        if (strcmp(reply, "$-1\r\n") == 0) gone = true;
        assert_true(gone ? strcmp(reply, "$-1\r\n") == 0 : strcmp(reply, "$1\r\n1\r\n") == 0);
        if (i == 15) world_cut(world, leader, (leader + 1) % 3);
    }
    assert_true(gone);
    world_free(world);
}

static void test_a_stale_read_waits_for_no_expiry(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader), *stale = client_open(world, leader);
    client_ask(stale, "READONLY\r\nSET k 1 PX 100\r\n", "+OK\r\n+OK\r\n");
    world_hold_commits(world, leader, true);
    world_run(world, 120);
    client_ask(client, "GET other\r\n", "$-1\r\n"); /* the node knows a later clock now */
    client_ask(stale, "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_a_read_before_its_own_write_sees_the_place_before_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int at = 0; at < 3; at++) {
        struct client *client = client_open(world, at);
        client_ask(client, "DEL k\r\nGET k\r\nEXISTS k\r\nINCR k\r\nGET k\r\nINCR k\r\nGET k\r\n",
            at == 0 ? ":0\r\n$-1\r\n:0\r\n:1\r\n$1\r\n1\r\n:2\r\n$1\r\n2\r\n"
                    : ":1\r\n$-1\r\n:0\r\n:1\r\n$1\r\n1\r\n:2\r\n$1\r\n2\r\n");
    }
    world_free(world);
}

static void test_a_digest_is_never_taken_inside_an_entry(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader), *other = client_open(world, leader);
    client_send(client, "DEBUG STATE-DIGEST\r\n");
    world_settle(world);
    char before[80];
    snprintf(before, sizeof before, "%s", client_take(client));
    client_send(client, "SET a 1\r\nDEBUG STATE-DIGEST\r\nSET b 2\r\n");
    client_send(other, "SET c 3\r\n");
    world_settle(world);
    const char *reply = client_take(client);
    assert_memory_equal(reply, "+OK\r\n-ERR ", 10);
    assert_string_equal(reply + strlen(reply) - 5, "+OK\r\n");
    unsigned long long digest[2], index[2];
    assert_int_equal(sscanf(before, "-ERR %llx at %llu", &digest[0], &index[0]), 2);
    assert_int_equal(sscanf(reply + 5, "-ERR %llx at %llu", &digest[1], &index[1]), 2);
    assert_true(index[1] > index[0]);
    assert_true(digest[1] != digest[0]);
    world_free(world);
}

static void test_more_rounds_than_the_ring_holds_are_all_answered(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    world_rule(world, RULE_DROP, -1, leader, "heartbeat-answer");
    for (int i = 0; i < 1200; i++) {
        client_send(client, "EXISTS k\r\n");
        world->now_us += 50;
        world_turn(world);
    }
    client_expect(client, "");
    world_release(world);
    world_run(world, 1000);
    assert_int_equal(strlen(client_take(client)), 1200 * 4);
    world_free(world);
}

static void test_waiting_for_a_round_is_no_busy_loop(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *writer = client_open(world, leader), *reader = client_open(world, follower);
    world_rule(world, RULE_HOLD, leader, follower, "append");
    world_rule(world, RULE_HOLD, leader, follower, "heartbeat");
    client_ask(writer, "SET k 1\r\n", "+OK\r\n");
    client_send(reader, "GET k\r\n");
    world_settle(world);
    world->now_us += 120000;
    seat_pump(world->seats[follower]);
    struct node *node = world->seats[follower]->node;
    assert_true(reads_deadline_us(node) > world->now_us + 10000);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_node_reads_what_was_acknowledged_anywhere),
        cmocka_unit_test(test_a_leader_cut_off_answers_no_read),
        cmocka_unit_test(test_a_follower_that_lags_waits_before_it_answers),
        cmocka_unit_test(test_a_lost_question_is_asked_again),
        cmocka_unit_test(test_a_late_answer_does_not_serve_later_reads),
        cmocka_unit_test(test_reads_go_on_over_a_leaders_death),
        cmocka_unit_test(test_stale_reads_need_nobody),
        cmocka_unit_test(test_a_read_that_waits_for_expiry_is_answered_when_the_key_is_gone),
        cmocka_unit_test(test_a_key_seen_expired_never_comes_back),
        cmocka_unit_test(test_a_stale_read_waits_for_no_expiry),
        cmocka_unit_test(test_a_read_before_its_own_write_sees_the_place_before_it),
        cmocka_unit_test(test_a_digest_is_never_taken_inside_an_entry),
        cmocka_unit_test(test_more_rounds_than_the_ring_holds_are_all_answered),
        cmocka_unit_test(test_waiting_for_a_round_is_no_busy_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
