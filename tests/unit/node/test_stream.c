/* Writes on their way into the log: exactly once, in order, and errors that tell the truth. */
#include "unit/node/harness.h"

static int other_than(int a, int b) {
    for (int i = 0; i < 3; i++) {
        if (i != a && i != b) return i;
    }
    return -1;
}

static struct node *leader_node(struct world *world) {
    return world->seats[world_leader(world)]->node;
}

static void test_a_follower_forwards_and_answers_its_own_client(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    client_ask(client, "INCR n\r\nINCR n\r\n", ":2\r\n:3\r\n");
    struct client *other = client_open(world, leader);
    client_ask(other, "GET n\r\n", "$1\r\n3\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_lost_frames_are_sent_again(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    world_rule(world, RULE_DROP, -1, leader, "batch");
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    world_release(world);
    client_send(client, "INCR n\r\n");
    world_run(world, 1200);
    client_expect(client, ":1\r\n:2\r\n:3\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_frames_of_an_earlier_stream_are_dropped(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world_rule(world, RULE_HOLD, follower, leader, "batch");
    client_send(client, "INCR n\r\n");
    world_run(world, 700); /* stuck: the stream is opened anew, and the frame sent again and held */
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    world_release(world);
    world_run(world, 1000);
    client_expect(client, ":1\r\n:2\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_leader_that_dies_costs_the_others_no_error(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    world_rule(world, RULE_DROP, leader, -1, "append"); /* it takes them, and nobody else does */
    client_send(client, "INCR n\r\nGET n\r\nINCR n\r\n");
    world_turn(world);
    world_turn(world);
    seat_kill(world->seats[leader]);
    world_release(world);
    client_send(client, "INCR n\r\n");
    world_run(world, 1400);
    client_expect(client, ":2\r\n$1\r\n2\r\n:3\r\n:4\r\n");
    seat_start(world->seats[leader]);
    world_check_equal(world);
    world_free(world);
}

static void test_a_leader_that_dies_after_replicating_runs_nothing_twice(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    world_rule(world, RULE_DROP, -1, leader, "append-answer");
    world_rule(world, RULE_DROP, -1, leader, "heartbeat-answer");
    client_send(client, "INCR n\r\nINCR n\r\n");
    world_settle(world);
    seat_kill(world->seats[leader]);
    world_release(world);
    world_run(world, 1400);
    client_expect(client, ":1\r\n:2\r\n");
    client_ask(client, "GET n\r\n", "$1\r\n2\r\n");
    world_free(world);
}

static void test_a_leaders_own_clients_wait_for_the_next_leader(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    world_isolate(world, leader);
    client_send(client, "INCR n\r\n");
    world_run(world, 700); /* the others have another leader by now */
    world_heal(world);
    world_run(world, 700);
    client_expect(client, ":2\r\n");
    world_check_equal(world);
    world_free(world);
}

/* The transfer fails, the leader stays, and what it had proposed before is still uncommitted. */
static void test_a_failed_transfer_lets_nothing_in_twice(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *here = client_open(world, leader), *there = client_open(world, follower);
    struct client *admin = client_open(world, follower);
    world_hold_commits(world, leader, true);
    client_send(here, "INCR n\r\n");
    client_send(there, "INCR n\r\n");
    world_run(world, 20);
    client_send(there, "INCR n\r\n");
    seat_pump(world->seats[follower]); /* the batch is on its way before the question */
    client_send(admin, "CLUSTER FAILOVER\r\n");
    client_send(here, "INCR n\r\n");
    world_turn(world);
    assert_true(raft_transferring(world->seats[leader]->node->raft));
    world_run(world, 400);
    assert_false(raft_transferring(world->seats[leader]->node->raft));
    client_send(here, "INCR n\r\n");
    client_send(there, "INCR n\r\n");
    world_run(world, 400);
    assert_int_equal(world_leader(world), leader);
    world_hold_commits(world, leader, false);
    world_run(world, 1500);
    client_take(here), client_take(there);
    client_ask(here, "GET n\r\n", "$1\r\n6\r\n");
    world_check_equal(world);
    world_free(world);
}

/* A copy of a member's directory: the same boot counter, another nonce. */
static void test_a_copys_question_does_not_disturb_the_member(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    world_hold_commits(world, leader, true);
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    char counter[INT_TEXT_MAX];
    uint64_t boot = world->seats[follower]->node->incarnation.counter;
    struct slice words[3] = {
        SLICE("stream-ask"), slice_of(counter, uint_print(boot, counter)), SLICE("4711")};
    stream_on_ask(leader_node(world), seat_id(follower), 3, words);
    world_run(world, 1200);
    world_hold_commits(world, leader, false);
    world_run(world, 1000);
    client_expect(client, ":2\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_streams_of_nodes_that_left_make_room_for_members(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3,
        third = other_than(leader, follower);
    struct node *node = world->seats[leader]->node;
    struct client *client = client_open(world, follower), *late = client_open(world, third);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    client_ask(late, "INCR n\r\n", ":2\r\n");
    world_hold_commits(world, leader, true);
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    for (uint32_t i = 0; i < node->n_streams; i++) { /* the third has not asked yet */
        if (node->streams[i].node == seat_id(third)) node->streams[i].node = 1000;
    }
    while (node->n_streams < RAFT_MEMBERS_MAX) {
        node->streams[node->n_streams] = (struct in_stream){.node = 2000 + node->n_streams};
        node->n_streams++;
    }
    client_send(late, "INCR n\r\n");
    world_run(world, 1200);
    world_hold_commits(world, leader, false);
    world_run(world, 1500);
    client_expect(client, ":3\r\n");
    client_expect(late, ":4\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_removed_nodes_question_fills_no_log(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, leader);
    char name[41], request[80];
    cluster_node_name(seat_id(follower), name);
    snprintf(request, sizeof request, "CLUSTER FORGET %s\r\n", name);
    client_send(client, request);
    world_run(world, 500);
    client_expect(client, "+OK\r\n");
    struct slice words[3] = {SLICE("stream-ask"), SLICE("99"), SLICE("4711")};
    stream_on_ask(world->seats[leader]->node, seat_id(follower), 3, words);
    raft_index before = raft_last_index(world->seats[leader]->node->raft);
    for (int i = 0; i < 200; i++) {
        world_turn(world);
        world->now_us += 1000;
    }
    assert_in_range(raft_last_index(world->seats[leader]->node->raft) - before, 0, 3);
    world_free(world);
}

static void test_a_restarted_node_begins_a_new_sequence(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "INCR n\r\nINCR n\r\n", ":1\r\n:2\r\n");
    seat_kill(world->seats[follower]);
    seat_start(world->seats[follower]);
    world_run(world, 600);
    client = client_open(world, follower);
    client_ask(client, "INCR n\r\n", ":3\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_an_old_copy_of_a_directory_writes_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct seat *seat = world->seats[follower];
    seat_kill(seat);
    seat_start(seat);
    world_run(world, 600);
    struct client *client = client_open(world, follower);
    client_ask(client, "INCR n\r\n", ":1\r\n");
    seat_kill(seat);
    seat->boot_counter--; /* restored from a backup: the same counter once more */
    seat_start(seat);
    world_run(world, 600);
    client = client_open(world, follower);
    client_send(client, "INCR n\r\n");
    world_run(world, 3000);
    client_expect(client, "-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    client = client_open(world, leader);
    client_ask(client, "GET n\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_a_new_identity_hears_any_first_stream(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct node *node = world->seats[follower]->node;
    node->stream_number = UINT64_MAX / 2; /* a leader of another cluster, of the same term */
    node->incarnation.counter += 7;
    node->incarnation.nonce++;
    stream_reset(node, true);
    struct client *client = client_open(world, follower);
    client_send(client, "INCR n\r\n");
    world_run(world, 1000);
    client_expect(client, ":1\r\n");
    world_free(world);
}

static void test_a_node_made_new_does_not_repeat_what_others_may_have_run(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct seat *seat = world->seats[follower];
    seat->settings.request_timeout_ms = 1000000;
    node_set_settings(seat->node, &seat->settings);
    struct client *client = client_open(world, follower), *admin = client_open(world, leader);
    struct client *reset = client_open(world, follower);
    world_rule(world, RULE_DROP, leader, follower, "append");
    world_rule(world, RULE_DROP, leader, follower, "heartbeat");
    client_send(client, "INCR n\r\n");
    world_run(world, 20);
    client_ask(admin, "GET n\r\n", "$1\r\n1\r\n"); /* it ran, and the node does not know */
    char name[41], request[80];
    cluster_node_name(seat_id(follower), name);
    snprintf(request, sizeof request, "CLUSTER FORGET %s\r\n", name);
    client_send(admin, request);
    world_run(world, 5000);
    client_expect(admin, "+OK\r\n");
    world_cut(world, leader, follower); /* the link is made anew: it hears that it was removed */
    world_heal(world);
    world_run(world, 3000);
    assert_true(seat->node->self_removed);
    client_send(reset, "CLUSTER RESET\r\n");
    world_run(world, 200);
    client_expect(reset, "+OK\r\n");
    assert_memory_equal(client_take(client), "-UNCERTAIN", 10);
    assert_true(list_empty(&seat->node->outbox) || seat->node->outbox_bytes < 16);
    world_free(world);
}

/* -- errors ---------------------------------------------------------------------------------- */

static void test_what_was_never_given_is_not_executed(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world_isolate(world, follower);
    world_run(world, 500);
    client_send(client, "INCR n\r\nGET n\r\n");
    world_run(world, 2000);
    client_expect(client, "-CLUSTERDOWN The cluster has no leader, not executed\r\n"
                          "-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    world_heal(world);
    world_run(world, 1000);
    client_ask(client, "GET n\r\n", "$-1\r\n");
    client_ask(client, "INCR n\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_what_was_proposed_is_uncertain_and_later_reads_wait_for_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    client_ask(client, "SET n 0\r\n", "+OK\r\n");
    world_isolate(world, leader);
    client_send(client, "INCR n\r\n");
    world_run(world, 2500);
    assert_memory_equal(client_take(client), "-UNCERTAIN Write outcome unknown (term ", 39);
    client_send(client, "GET n\r\n");
    world_run(world, 200);
    client_expect(client, "");
    world_heal(world);
    world_run(world, 1000);
    client_expect(client, "$1\r\n0\r\n"); /* the other leader has it as a void place */
    client_ask(client, "INCR n\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_an_uncertain_write_in_somebodys_log_runs_once(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world_hold_commits(world, leader, true);
    client_send(client, "INCR n\r\nINCR n\r\n");
    world_run(world, 2500);
    assert_memory_equal(client_take(client), "-UNCERTAIN", 10);
    client_send(client, "GET n\r\n");
    world_hold_commits(world, leader, false);
    world_run(world, 1000);
    client_expect(client, "$1\r\n2\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_client_that_left_writes_nothing_that_was_not_given(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower), *stays = client_open(world, follower);
    world_isolate(world, follower);
    world_run(world, 300);
    client_send(client, "SET gone 1\r\n");
    client_send(stays, "SET here 1\r\n");
    world_run(world, 20);
    client_close(client);
    world_heal(world);
    world_run(world, 1000);
    client_expect(stays, "+OK\r\n");
    client_ask(stays, "EXISTS gone here\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_commands_given_up_do_not_fill_the_outbox(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct seat *seat = world->seats[follower];
    struct client *client = client_open(world, follower), *other = client_open(world, follower);
    world_isolate(world, follower);
    world_run(world, 400);
    size_t size = 6 << 20;
    char *request = sf_alloc(size + 64);
    for (int i = 0; i < 4; i++) {
        int head = snprintf(request, 64, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%zu\r\n", size);
        memset(request + head, 'x', size);
        memcpy(request + (size_t)head + size, "\r\n", 3);
        client_send(client, request);
        world_run(world, 5);
    }
    sf_free(request);
    assert_true(stream_is_full(seat->node));
    world_run(world, 4000);
    client_ask(other, "PING\r\n", "+PONG\r\n");
    assert_in_range(seat->node->outbox_bytes, 0, 1000);
    for (int i = 0; i < 50; i++) { /* an outage however long leaves nothing behind */
        client_send(other, "INCR n\r\n");
        world_run(world, 2000);
        client_expect(other, "-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    }
    assert_true(list_empty(&seat->node->outbox));
    world_heal(world);
    world_run(world, 1000);
    client_ask(other, "INCR n\r\n", ":1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_settings_set_together_are_not_executed_together(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "CONFIG SET shared-a 1 shared-b 2\r\nGET x\r\n", "+OK\r\n$-1\r\n");
    assert_string_equal((buf_append_char(&world->seats[leader]->settings_seen, '\0'),
                            buf_slice(&world->seats[leader]->settings_seen).data),
        "shared-a=1 shared-b=2 ");
    world_isolate(world, follower);
    world_run(world, 300);
    client_send(client, "CONFIG SET shared-a 3 shared-b 4\r\n");
    world_run(world, 2000);
    client_expect(client, "-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    world_heal(world);
    world_run(world, 1000);
    struct slice value;
    for (int i = 0; i < 3; i++) {
        assert_true(engine_setting(world->seats[i]->node->engine, SLICE("shared-a"), &value));
        assert_true(slice_equal(value, SLICE("1")));
    }
    world_free(world);
}

/* Others' writes commit all the time, ours cannot get to the leader: it ends all the same. */
static void test_a_write_that_cannot_reach_the_leader_ends_while_others_go_on(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower), *busy = client_open(world, leader);
    world_rule(world, RULE_DROP, follower, leader, "batch");
    client_send(client, "INCR n\r\n");
    for (int i = 0; i < 2000; i++) {
        client_send(busy, "INCR m\r\n");
        world_run(world, 20);
    }
    assert_memory_equal(client_take(client), "-UNCERTAIN", 10);
    world_free(world);
}

/* A pause of this whole process is no standstill of the cluster. */
static void test_a_request_after_a_long_pause_has_its_whole_time(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world->now_us += 30000000; /* all were stopped, and go on */
    client_send(client, "INCR n\r\n");
    world_run(world, 1400);
    client_expect(client, ":1\r\n");
    (void)leader;
    world_free(world);
}

static void test_a_leader_that_cannot_write_tries_until_somebody_takes_over(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *here = client_open(world, leader), *there = client_open(world, follower);
    client_ask(there, "INCR n\r\n", ":1\r\n");
    world_rule(world, RULE_DROP, leader, -1, "timeout-now");
    node_on_storage_state(world->seats[leader]->node, SF_ERR_NO_SPACE, world->now_us);
    world_run(world, 1000);
    client_ask(
        here, "INCR n\r\n", "-MISCONF The log cannot be written: no space left, not executed\r\n");
    world_release(world);
    world_run(world, 800);
    assert_int_not_equal(world_leader(world), leader);
    client_ask(there, "INCR n\r\n", ":2\r\n");
    client_ask(here, "INCR n\r\n", ":3\r\n");
    world_free(world);
}

static void test_a_transfer_costs_no_client_an_error(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) clients[i] = client_open(world, i);
    int expected = 0;
    for (int round = 0; round < 6; round++) {
        int leader = world_leader(world), next = (leader + 1) % 3;
        struct client *admin = client_open(world, next);
        for (int i = 0; i < 3; i++) client_send(clients[i], "INCR n\r\nGET n\r\n");
        client_send(admin, "CLUSTER FAILOVER\r\n");
        for (int i = 0; i < 3; i++) client_send(clients[i], "INCR n\r\n");
        world_run(world, 500);
        client_expect(admin, "+OK\r\n");
        client_close(admin);
        client_forget(admin);
        assert_int_equal(world_leader(world), next);
        for (int i = 0; i < 3; i++) assert_null(strchr(client_take(clients[i]), '-'));
        expected += 6;
    }
    char reply[32];
    int len = snprintf(reply, sizeof reply, "%d", expected);
    snprintf(reply, sizeof reply, "$%d\r\n%d\r\n", len, expected);
    client_ask(clients[0], "GET n\r\n", reply);
    world_check_equal(world);
    world_free(world);
}

/* -- ends ------------------------------------------------------------------------------------ */

static void test_a_leader_that_stops_hands_over_and_loses_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader),
                  *other = client_open(world, (leader + 1) % 3);
    client_send(client, "INCR n\r\nINCR n\r\n");
    client_send(other, "INCR n\r\n");
    node_shutdown(world->seats[leader]->node, world->now_us);
    world_run(world, 1900);
    assert_true(world->seats[leader]->stopped);
    assert_int_equal(world->seats[leader]->stop_code, 0);
    assert_int_equal(strlen(client_take(client)), 8);
    assert_int_equal(strlen(client_take(other)), 4);
    client_ask(other, "GET n\r\n", "$1\r\n3\r\n");
    world_free(world);
}

static void test_a_stop_without_a_majority_ends_in_time(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    world_isolate(world, leader);
    client_send(client, "INCR n\r\n");
    world_turn(world);
    node_shutdown(world->seats[leader]->node, world->now_us);
    world_run(world, 2100);
    assert_true(world->seats[leader]->stopped);
    assert_int_equal(world->seats[leader]->stop_code, 0);
    world_free(world);
}

/* Numbers that began anew with each life of a leader let a late frame of the former life fit. */
static void test_stream_numbers_of_two_lives_never_meet(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    uint64_t before = world->seats[leader]->node->next_stream_number;
    seat_kill(world->seats[leader]);
    seat_start(world->seats[leader]);
    uint64_t after = world->seats[leader]->node->next_stream_number;
    assert_true(before > 1000 && after > 1000);
    assert_true((before > after ? before - after : after - before) > 1000);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_follower_forwards_and_answers_its_own_client),
        cmocka_unit_test(test_lost_frames_are_sent_again),
        cmocka_unit_test(test_frames_of_an_earlier_stream_are_dropped),
        cmocka_unit_test(test_a_leader_that_dies_costs_the_others_no_error),
        cmocka_unit_test(test_a_leader_that_dies_after_replicating_runs_nothing_twice),
        cmocka_unit_test(test_a_leaders_own_clients_wait_for_the_next_leader),
        cmocka_unit_test(test_a_failed_transfer_lets_nothing_in_twice),
        cmocka_unit_test(test_a_copys_question_does_not_disturb_the_member),
        cmocka_unit_test(test_streams_of_nodes_that_left_make_room_for_members),
        cmocka_unit_test(test_a_removed_nodes_question_fills_no_log),
        cmocka_unit_test(test_a_restarted_node_begins_a_new_sequence),
        cmocka_unit_test(test_an_old_copy_of_a_directory_writes_nothing),
        cmocka_unit_test(test_a_new_identity_hears_any_first_stream),
        cmocka_unit_test(test_a_node_made_new_does_not_repeat_what_others_may_have_run),
        cmocka_unit_test(test_what_was_never_given_is_not_executed),
        cmocka_unit_test(test_what_was_proposed_is_uncertain_and_later_reads_wait_for_it),
        cmocka_unit_test(test_an_uncertain_write_in_somebodys_log_runs_once),
        cmocka_unit_test(test_a_client_that_left_writes_nothing_that_was_not_given),
        cmocka_unit_test(test_commands_given_up_do_not_fill_the_outbox),
        cmocka_unit_test(test_settings_set_together_are_not_executed_together),
        cmocka_unit_test(test_a_write_that_cannot_reach_the_leader_ends_while_others_go_on),
        cmocka_unit_test(test_a_request_after_a_long_pause_has_its_whole_time),
        cmocka_unit_test(test_a_leader_that_cannot_write_tries_until_somebody_takes_over),
        cmocka_unit_test(test_a_transfer_costs_no_client_an_error),
        cmocka_unit_test(test_a_leader_that_stops_hands_over_and_loses_nothing),
        cmocka_unit_test(test_stream_numbers_of_two_lives_never_meet),
        cmocka_unit_test(test_a_stop_without_a_majority_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
