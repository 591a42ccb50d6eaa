/* Entries into the state machine: all nodes alike, whatever way they took. */
#include "unit/node/harness.h"

static void load(struct world *world, struct client *client, uint64_t seed, int n) {
    static const char *const forms[] = {"SET k%d v%d\r\n", "SET k%d v%d PX 40\r\n",
        "INCRBY n%d %d\r\n", "APPEND k%d %d\r\n", "DEL k%d k%d\r\n", "PEXPIRE k%d %d\r\n",
        "GETSET k%d v%d\r\n", "SETRANGE k%d %d x\r\n"};
    struct random random = random_from(seed);
    for (int i = 0; i < n; i++) {
        char request[64];
        snprintf(request, sizeof request, forms[random_below(&random, SF_LENGTH(forms))],
            (int)random_below(&random, 20), (int)random_below(&random, 90));
        client_send(client, request);
        if (random_below(&random, 3) == 0) world_run(world, (int64_t)random_below(&random, 10));
    }
    world_run(world, 300);
}

static void test_nodes_that_applied_the_same_log_are_equal(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int i = 0; i < 3; i++) load(world, client_open(world, i), (uint64_t)i + 1, 300);
    world_check_equal(world);
    world_free(world);
}

static void test_a_restarted_node_replays_to_the_same_state(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    load(world, client_open(world, leader), 7, 500);
    int follower = (leader + 1) % 3;
    seat_kill(world->seats[follower]);
    seat_start(world->seats[follower]);
    world_run(world, 1000);
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_that_was_away_catches_up_to_the_same_state(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    world_isolate(world, follower);
    load(world, client_open(world, leader), 8, 300);
    world_heal(world);
    world_run(world, 1000);
    world_check_equal(world);
    world_free(world);
}

/* Everybody dies at once, again and again, in the middle of writing. */
static void test_nothing_acknowledged_is_lost_when_all_are_killed(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    long acknowledged = 0, begun = 0;
    for (int round = 0; round < 5; round++) {
        int at = round % 3;
        struct client *client = client_open(world, at);
        for (int i = 0; i < 20; i++) {
            client_send(client, "INCR n\r\n");
            begun++;
            world_turn(world);
            world_turn(world);
        }
        const char *replies = client_take(client);
        for (const char *c = replies; *c != '\0'; c++) acknowledged += *c == ':';
        for (int i = 0; i < 3; i++) seat_kill(world->seats[i]);
        world->now_us += 100000;
        for (int i = 0; i < 3; i++) seat_start(world->seats[i]);
        (void)world_leader(world);
        world_run(world, 600);
    }
    struct client *client = client_open(world, 0);
    client_send(client, "GET n\r\n");
    world_settle(world);
    const char *reply = client_take(client);
    long n = strtol(strchr(reply, '\n') + 1, NULL, 10);
    assert_true(acknowledged > 0);
    assert_in_range(n, acknowledged, begun);
    world_check_equal(world);
    world_free(world);
}

static void test_every_increment_counts_once_under_changing_leaders(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *clients[3];
    char replies[3][4096] = {{0}};
    for (int i = 0; i < 3; i++) clients[i] = client_open(world, i);
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 3; i++) client_send(clients[i], "INCR n\r\nINCR n\r\n");
        world_turn(world);
        if (round % 3 == 0) world_isolate(world, world_leader(world));
        world_run(world, 450);
        world_heal(world);
        world_run(world, 450);
        for (int i = 0; i < 3; i++) strcat(replies[i], client_take(clients[i]));
    }
    world_run(world, 1000);
    bool seen[80] = {0};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        strcat(replies[i], client_take(clients[i]));
        long last = 0;
        for (char *at = replies[i]; *at != '\0'; n++) {
            assert_int_equal(*at, ':'); /* no error, ever */
            long value = strtol(at + 1, &at, 10);
            assert_in_range(value, last + 1, 72);
            assert_false(seen[value]);
            seen[value] = true;
            last = value;
            at += 2;
        }
    }
    assert_int_equal(n, 72);
    world_check_equal(world);
    world_free(world);
}

static void test_a_follower_stopped_by_an_unknown_entry_says_so(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct buf payload = {0};
    struct entry_stamp stamp = {WORLD_WALL_MS, 1, false};
    entry_put_stamp(&payload, &stamp);
    put_varint(&payload, 4000); /* a feature level from the future */
    struct bytes *bytes = bytes_new(buf_slice(&payload).data, payload.len);
    raft_index index;
    assert_int_equal(raft_propose(world->seats[leader]->node->raft, ENTRY_FEATURE_LEVEL, bytes,
                         world->now_us, &index),
        SF_OK);
    bytes_unref(bytes);
    buf_free(&payload);
    world_run(world, 100);
    for (int i = 0; i < 3; i++) {
        assert_true(world->seats[i]->stopped);
        assert_int_equal(world->seats[i]->stop_code, 1);
    }
    world_free(world);
}

/* S4, inside a batch: what a newer version's leader let in. */
static void test_a_node_stopped_by_an_unknown_command_says_so(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct node *node = world->seats[leader]->node;
    struct incarnation row;
    uint64_t last;
    assert_true(engine_row(node->engine, node->identity.id, &row, &last));
    struct buf payload = {0}, commands = {0};
    struct entry_stamp stamp = {WORLD_WALL_MS, 1, false};
    struct slice words[1] = {SLICE("command-of-the-future")};
    entry_put_command(&commands, 0, 1, words);
    struct sub_batch_header header = {row, last + 1, 1, buf_slice(&commands)};
    entry_put_stamp(&payload, &stamp);
    entry_put_sub_batch(&payload, &header);
    struct bytes *bytes = bytes_new(buf_slice(&payload).data, payload.len);
    raft_index index;
    assert_int_equal(raft_propose(node->raft, ENTRY_BATCH, bytes, world->now_us, &index), SF_OK);
    bytes_unref(bytes);
    buf_free(&payload), buf_free(&commands);
    world_run(world, 100);
    for (int i = 0; i < 3; i++) {
        assert_true(world->seats[i]->stopped);
        assert_int_equal(world->seats[i]->stop_code, 1);
    }
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_that_applied_the_same_log_are_equal),
        cmocka_unit_test(test_a_restarted_node_replays_to_the_same_state),
        cmocka_unit_test(test_a_node_that_was_away_catches_up_to_the_same_state),
        cmocka_unit_test(test_nothing_acknowledged_is_lost_when_all_are_killed),
        cmocka_unit_test(test_every_increment_counts_once_under_changing_leaders),
        cmocka_unit_test(test_a_follower_stopped_by_an_unknown_entry_says_so),
        cmocka_unit_test(test_a_node_stopped_by_an_unknown_command_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
