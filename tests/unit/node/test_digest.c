/* Digests of the state, compared among the members; what befalls a node that differs (DESIGN 8). */
#include "unit/node/harness.h"

static struct world *world_fencing(int n) {
    struct world *world = world_new(n);
    for (int i = 0; i < n; i++) {
        struct seat *seat = world->seats[i];
        seat->settings.digest_fence = true;
        node_set_settings(seat->node, &seat->settings);
    }
    (void)world_leader(world);
    world_run(world, 500);
    return world;
}

static void write_one(struct world *world, const char *request) {
    struct client *client = client_open(world, world_leader(world));
    client_ask(client, request, "+OK\r\n");
    world_run(world, 200);
    client_close(client);
    client_forget(client);
}

/* A bit of the memory that holds the value of "victim" falls over. */
static void damage(struct seat *seat) {
    char scratch[OBJECT_TEXT_MAX];
    struct db *db = keyspace_db(engine_keyspace(seat->node->engine), 0);
    struct object *object = db_find_even_dead(db, SLICE("victim"));
    assert_non_null(object);
    struct slice text = object_string(object, scratch);
    assert_true(text.len > 20);
    *(char *)(uintptr_t)(text.data + 3) ^= 4;
}

static struct world *world_with_victim(int n) {
    struct world *world = world_fencing(n);
    write_one(world, "SET victim a-value-long-enough-to-be-bytes\r\n");
    write_one(world, "SET other 1\r\n");
    return world;
}

static const char *verify_at(struct world *world, int number, int64_t ms) {
    struct client *client = client_open(world, number);
    client_send(client, "CLUSTER VERIFY\r\n");
    world_run(world, ms);
    return client_take(client);
}

static void expect_in(const char *text, const char *part) {
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static bool is_fenced(const struct seat *seat) {
    return fence_is_up(seat->node);
}

static void expect_equal_in_the_end(struct world *world) {
    for (int i = 0; i < world->n; i++)
        expect_in(verify_at(world, i, 3000), "$7\r\nverdict\r\n$5\r\nequal");
}

/* -- CLUSTER VERIFY -------------------------------------------------------------------------- */

static void test_equal_nodes_are_called_equal_at_one_index(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    for (int i = 0; i < 3; i++) {
        const char *reply = verify_at(world, i, 300);
        expect_in(reply, "*8\r\n$5\r\nindex\r\n:");
        expect_in(reply, "$7\r\nverdict\r\n$5\r\nequal\r\n$6\r\ndigest\r\n$16\r\n");
        expect_in(reply, "$5\r\nnodes\r\n*6\r\n$40\r\n");
    }
    for (int i = 0; i < 3; i++) assert_false(is_fenced(world->seats[i]));
    world_free(world);
}

static void test_verify_speaks_maps_in_resp3(void **state) {
    (void)state;
    struct world *world = world_with_victim(1);
    struct client *client = client_open(world, 0);
    client_send(client, "HELLO 3\r\n");
    world_settle(world);
    (void)client_take(client);
    client_send(client, "CLUSTER VERIFY\r\nPING\r\n");
    world_run(world, 300);
    const char *reply = client_take(client);
    expect_in(reply, "%4\r\n$5\r\nindex\r\n:");
    expect_in(reply, "$5\r\nnodes\r\n%1\r\n$40\r\n");
    expect_in(reply, "\r\n$5\r\nequal\r\n+PONG\r\n"); /* what is behind it waits */
    world_free(world);
}

static void test_a_silent_node_is_waited_for_until_nothing_moves(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world);
    seat_kill(world->seats[(leader + 1) % 3]);
    world_run(world, 100);
    assert_string_equal(verify_at(world, leader, 2000), "");
    world_run(world, 4000);
    const char *reply = client_take(world->clients[world->n_clients - 1]);
    expect_in(reply, "$7\r\nverdict\r\n$10\r\nincomplete\r\n");
    expect_in(reply, "no answer");
    world_free(world);
}

static void test_without_a_leader_verify_is_not_executed(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    seat_kill(world->seats[0]);
    seat_kill(world->seats[1]);
    const char *reply = verify_at(world, 2, 8000);
    expect_in(reply, "-CLUSTERDOWN The cluster has no leader, not executed");
    world_free(world);
}

static void test_a_client_that_goes_leaves_its_question_behind(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    struct client *client = client_open(world, 1);
    client_send(client, "CLUSTER VERIFY\r\n");
    client_close(client);
    world_run(world, 6000);
    expect_in(verify_at(world, 1, 500), "$5\r\nequal\r\n");
    world_free(world);
}

static void test_digests_come_by_themselves_at_their_interval(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    assert_null(digest_round_latest(world->seats[0]->node)); /* 0: never */
    for (int i = 0; i < 3; i++) {
        world->seats[i]->settings.digest_interval_ms = 2000;
        node_set_settings(world->seats[i]->node, &world->seats[i]->settings);
    }
    world_run(world, 10000);
    uint64_t n_marks = 0;
    for (uint64_t i = 0; i < world->seats[0]->n_log; i++)
        n_marks += world->seats[0]->log[i].kind == ENTRY_DIGEST_MARK;
    assert_in_range(n_marks, 4, 6);
    for (int i = 0; i < 3; i++)
        assert_int_equal(digest_round_latest(world->seats[i]->node)->verdict, DIGEST_EQUAL);
    world_free(world);
}

static void test_a_walk_in_many_slices_sees_the_state_at_the_mark(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    for (int i = 0; i < 3; i++) {
        world->seats[i]->settings.digest_slice_units = 1 + (uint64_t)i;
        node_set_settings(world->seats[i]->node, &world->seats[i]->settings);
    }
    struct client *busy = client_open(world, 0), *client = client_open(world, 1);
    for (int i = 0; i < 60; i++) {
        char text[40];
        snprintf(text, sizeof text, "SET key%d %d\r\n", i, i);
        client_send(busy, text);
    }
    world_run(world, 300);
    client_send(client, "CLUSTER VERIFY\r\n");
    for (int i = 0; i < 200; i++) {
        client_send(busy, "INCR n\r\nDEL key7\r\nSET key8 x\r\n");
        world_run(world, 1);
    }
    world_run(world, 300);
    expect_in(client_take(client), "$7\r\nverdict\r\n$5\r\nequal\r\n");
    world_free(world);
}

/* -- a node that differs --------------------------------------------------------------------- */

static void test_a_node_that_differs_is_found_fenced_and_rebuilt(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3, other = (leader + 2) % 3;
    raft_id old_id = world->seats[victim]->identity.id;
    struct client *busy = client_open(world, other), *client = client_open(world, victim);
    damage(world->seats[victim]);
    const char *reply = verify_at(world, leader, 400);
    expect_in(reply, "$7\r\nverdict\r\n$7\r\ndiffers\r\n");
    expect_in(reply, "differs in 1 of 1024 ranges: ");
    for (int i = 0; i < 100; i++) { /* nobody else notices */
        char reply_text[32];
        snprintf(reply_text, sizeof reply_text, ":%d\r\n", i + 1);
        client_ask(busy, "INCR n\r\n", reply_text);
        world_run(world, 50);
    }
    assert_int_not_equal(world->seats[victim]->identity.id, old_id);
    assert_int_equal(world->seats[victim]->identity.state, IDENTITY_MEMBER);
    assert_false(is_fenced(world->seats[victim]));
    client_ask(client, "GET victim\r\n", "$31\r\na-value-long-enough-to-be-bytes\r\n");
    assert_int_equal(
        configuration_n_voters(raft_configuration(world->seats[leader]->node->raft)), 3);
    expect_equal_in_the_end(world);
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_that_is_rebuilt_tells_nothing_twice(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    raft_id old_id = world->seats[victim]->identity.id;
    struct client *listener = client_open(world, victim), *writer = client_open(world, leader);
    client_send(listener, "SUBSCRIBE c\r\n");
    world_run(world, 50);
    (void)client_take(listener);
    client_send(writer, "MULTI\r\nPUBLISH c before\r\nEXEC\r\n");
    world_run(world, 200);
    expect_in(client_take(listener), "before");
    damage(world->seats[victim]);
    (void)verify_at(world, leader, 400);
    world_run(world, 5000);
    assert_int_not_equal(world->seats[victim]->identity.id, old_id);
    client_send(writer, "MULTI\r\nPUBLISH c behind\r\nEXEC\r\n");
    world_run(world, 200);
    const char *heard = client_take(listener);
    expect_in(heard, "behind");
    assert_null(strstr(heard, "before"));
    world_free(world);
}

static void test_a_node_that_is_rebuilt_tells_what_came_before_it_was_let_in_again(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    raft_id old_id = world->seats[victim]->identity.id;
    struct client *listener = client_open(world, victim), *writer = client_open(world, leader);
    client_send(listener, "SUBSCRIBE c\r\n");
    world_run(world, 50);
    (void)client_take(listener);
    damage(world->seats[victim]);
    (void)verify_at(world, leader, 400);
    for (int i = 0; i < 5000 && world->seats[victim]->identity.id == old_id; i++)
        world_run(world, 1);
    assert_int_equal(world->seats[victim]->identity.state, IDENTITY_JOINING);
    client_send(writer, "MULTI\r\nPUBLISH c between\r\nEXEC\r\n");
    world_run(world, 5000);
    assert_int_equal(world->seats[victim]->identity.state, IDENTITY_MEMBER);
    expect_in(client_take(listener), "between");
    world_free(world);
}

static void test_a_fenced_node_answers_nobody_and_stays_fenced_through_a_restart(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3, other = (leader + 2) % 3;
    struct client *client = client_open(world, victim);
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    damage(world->seats[victim]);
    (void)verify_at(world, leader, 400);
    assert_true(is_fenced(world->seats[victim]));
    client_send(client, "GET other\r\nSET other 2\r\nREADONLY\r\nGET other\r\nPING\r\n");
    world_run(world, 300);
    const char *reply = client_take(client);
    expect_in(reply, "-CLUSTERDOWN This node's state differs");
    expect_in(reply, "+PONG");
    assert_null(strstr(reply, "$1\r\n1"));
    client_ask(client_open(world, other), "GET other\r\n", "$1\r\n1\r\n");
    seat_kill(world->seats[victim]);
    seat_start(world->seats[victim]);
    world_run(world, 1000);
    assert_true(is_fenced(world->seats[victim]));
    /* its memory was made anew from the log, so the next digest clears it */
    (void)verify_at(world, leader, 600);
    assert_false(is_fenced(world->seats[victim]));
    assert_int_equal(world->seats[victim]->identity.fence_index, 0);
    client_ask(client_open(world, victim), "GET other\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_who_waits_at_a_node_that_is_fenced_hears_at_once(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    struct client *waits = client_open(world, victim), *client = client_open(world, leader);
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    client_send(waits, "BLPOP queue 0\r\n");
    world_run(world, 300);
    damage(world->seats[victim]);
    (void)verify_at(world, leader, 400);
    expect_in(client_take(waits), "-UNCERTAIN ");
    world_run(world, 500);
    client_ask(client, "RPUSH queue x\r\n", ":1\r\n"); /* and takes nothing any more */
    client_ask(client, "LLEN queue\r\n", ":1\r\n");
    world_free(world);
}

/* What it sent may be what made it differ: the others' value stays. */
static void test_a_node_that_is_fenced_moves_no_keys_away(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    struct client *moves = client_open(world, victim);
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    damage(world->seats[victim]);
    client_send(moves, "MIGRATE 10.0.0.9 6379 victim 0 60000\r\n");
    world_run(world, 50);
    struct world_out *out = &world->outs[0];
    struct node *node = world->seats[victim]->node;
    node_on_out_open(node, out->number, world->now_us);
    node_on_out_bytes(node, out->number, SLICE("+OK\r\n"), world->now_us);
    world_run(world, 50);
    assert_false(out->closed);
    (void)verify_at(world, leader, 400);
    assert_true(is_fenced(world->seats[victim]));
    assert_true(out->closed);
    node_on_out_bytes(node, out->number, SLICE("+OK\r\n"), world->now_us);
    world_run(world, 300);
    expect_in(client_take(moves), "-UNCERTAIN MIGRATE");
    client_ask(client_open(world, leader), "EXISTS victim\r\n", ":1\r\n");
    world_free(world);
}

static void test_a_leader_that_differs_gives_up_leading_and_is_rebuilt(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int victim = world_leader(world);
    raft_id old_id = world->seats[victim]->identity.id;
    damage(world->seats[victim]);
    (void)verify_at(world, (victim + 1) % 3, 500);
    assert_int_not_equal(world_leader(world), victim);
    world_run(world, 8000);
    assert_int_not_equal(world->seats[victim]->identity.id, old_id);
    expect_equal_in_the_end(world);
    world_check_equal(world);
    world_free(world);
}

static void test_without_an_equal_majority_there_is_an_alarm_only(void **state) {
    (void)state;
    struct world *world = world_with_victim(2);
    damage(world->seats[0]);
    const char *reply = verify_at(world, 0, 1000);
    expect_in(reply, "differs, and no majority agrees");
    world_run(world, 10000);
    for (int i = 0; i < 2; i++) {
        assert_false(is_fenced(world->seats[i]));
        assert_int_equal(digest_round_latest(world->seats[i]->node)->verdict, DIGEST_SPLIT);
        assert_int_equal(world->seats[i]->identity.id, seat_id(i));
    }
    world_free(world);
}

static void test_alarm_leaves_a_node_that_differs_as_it_is(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    for (int i = 0; i < 3; i++) {
        world->seats[i]->settings.digest_fence = false;
        node_set_settings(world->seats[i]->node, &world->seats[i]->settings);
    }
    damage(world->seats[victim]);
    expect_in(verify_at(world, victim, 1000), "$7\r\nverdict\r\n$7\r\ndiffers\r\n");
    world_run(world, 5000);
    assert_false(is_fenced(world->seats[victim]));
    assert_int_equal(world->seats[victim]->identity.id, seat_id(victim));
    struct client *client = client_open(world, victim);
    client_send(client, "INFO raft\r\n");
    world_settle(world);
    expect_in(client_take(client), "digest_state:differs\r\n");
    world_free(world);
}

/* Two of five differ: never both are away, and a majority of the well ones stays. */
static void test_two_nodes_that_differ_are_rebuilt_one_after_the_other(void **state) {
    (void)state;
    struct world *world = world_with_victim(5);
    int leader = world_leader(world), one = (leader + 1) % 5, two = (leader + 2) % 5;
    raft_id ids[2] = {world->seats[one]->identity.id, world->seats[two]->identity.id};
    damage(world->seats[one]);
    damage(world->seats[two]);
    struct client *client = client_open(world, leader);
    client_send(client, "CLUSTER VERIFY\r\n");
    uint32_t fewest = 5;
    for (int i = 0; i < 3000; i++) {
        world_run(world, 10);
        const struct raft_configuration *now =
            raft_configuration(world->seats[world_leader(world)]->node->raft);
        fewest = SF_MIN(fewest, configuration_n_voters(now));
    }
    assert_int_equal(fewest, 4);
    assert_int_not_equal(world->seats[one]->identity.id, ids[0]);
    assert_int_not_equal(world->seats[two]->identity.id, ids[1]);
    expect_in(verify_at(world, one, 3000), "$7\r\nverdict\r\n$5\r\nequal");
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_is_not_removed_while_another_one_is_needed(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3, other = (leader + 2) % 3;
    damage(world->seats[victim]);
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    (void)verify_at(world, leader, 400);
    assert_true(is_fenced(world->seats[victim]));
    seat_kill(world->seats[other]); /* now the fenced one's log and vote are needed */
    world->n_rules = 0;
    client_ask(client_open(world, leader), "SET other 2\r\n", "+OK\r\n");
    world_run(world, 10000);
    assert_int_equal(world->seats[victim]->identity.id, seat_id(victim));
    assert_true(is_fenced(world->seats[victim]));
    client_ask(client_open(world, leader), "SET other 3\r\n", "+OK\r\n");
    seat_start(world->seats[other]);
    world_run(world, 15000);
    assert_int_not_equal(world->seats[victim]->identity.id, seat_id(victim));
    expect_equal_in_the_end(world);
    world_free(world);
}

/* Each mark is written as soon as the one before is compared: between, there is no time. */
static void test_a_node_that_differs_is_rebuilt_though_one_mark_follows_another(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    struct client *writer = client_open(world, leader);
    for (int i = 0; i < 400; i++) {
        char text[40];
        snprintf(text, sizeof text, "SET key%d %d\r\n", i, i);
        client_ask(writer, text, "+OK\r\n");
    }
    for (int i = 0; i < 3; i++) {
        world->seats[i]->settings.digest_interval_ms = 1;
        world->seats[i]->settings.digest_slice_units = i == victim ? 1 : 1000000;
        node_set_settings(world->seats[i]->node, &world->seats[i]->settings);
    }
    damage(world->seats[victim]);
    world_run(world, 20000);
    assert_int_not_equal(world->seats[victim]->identity.id, seat_id(victim));
    expect_equal_in_the_end(world);
    world_free(world);
}

static bool is_joint(const struct seat *seat) {
    return raft_configuration(seat->node->raft)->joint;
}

/* What differed is overwritten while the removal is on its way: a mark finds the states equal. */
static void test_a_fenced_node_that_is_being_removed_is_rebuilt_even_if_it_is_equal_by_then(
    void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    damage(world->seats[victim]);
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    (void)verify_at(world, leader, 400);
    assert_true(is_fenced(world->seats[victim]));
    world_run(world, 3000);
    world_heal(world);
    world->n_rules = 0;
    world_hold_commits(world, leader, true);
    for (int i = 0; i < 2000 && !is_joint(world->seats[victim]); i++) world_run(world, 1);
    assert_true(is_joint(world->seats[victim]) && is_fenced(world->seats[victim]));
    struct client *writer = client_open(world, leader), *asker = client_open(world, leader);
    client_send(writer, "SET victim again-a-value-long-enough\r\n");
    client_send(asker, "CLUSTER VERIFY\r\n");
    world_run(world, 20);
    world_hold_commits(world, leader, false);
    world_run(world, 10000);
    expect_in(client_take(writer), "+OK");
    assert_int_not_equal(world->seats[victim]->identity.id, seat_id(victim));
    assert_int_equal(world->seats[victim]->identity.state, IDENTITY_MEMBER);
    assert_false(is_fenced(world->seats[victim]));
    expect_equal_in_the_end(world);
    world_free(world);
}

static void test_a_fenced_node_that_an_operator_forgets_stays_away(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    char name[41], request[80];
    world_rule(world, RULE_DROP, victim, -1, "rebuild");
    damage(world->seats[victim]);
    (void)verify_at(world, leader, 400);
    cluster_node_name(world->seats[victim]->identity.id, name);
    snprintf(request, sizeof request, "CLUSTER FORGET %s\r\n", name);
    client_send(client_open(world, leader), request);
    world_run(world, 500);
    world->n_rules = 0;
    world_run(world, 10000);
    assert_int_equal(world->seats[victim]->identity.id, seat_id(victim));
    assert_int_equal(
        configuration_n_voters(raft_configuration(world->seats[leader]->node->raft)), 2);
    world_free(world);
}

/* -- hostile bytes --------------------------------------------------------------------------- */

typedef bool on_message(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);

static bool may(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    (void)from;
    return fence_on_may(node, argc, argv);
}

static void test_malformed_messages_are_refused(void **state) {
    (void)state;
    static const struct {
        on_message *take;
        const char *words[8];
    } bad[] = {{digest_on_word, {"digest"}},
        {digest_on_word, {"digest", "32", "1", "2", "3", "4", "5"}},
        {digest_on_word, {"digest", "32", "1", "9", "3", "4", "5", "x"}},
        {digest_on_word, {"digest", "32", "1", "9", "5", "0", "0", "0"}}, /* nothing to say */
        {digest_on_word, {"digest", "32", "1", "9", "-1", "0", "0", "0"}},
        {digest_on_ranges_ask, {"digest-ranges-ask"}},
        {digest_on_ranges_ask, {"digest-ranges-ask", "x"}},
        {digest_on_ranges, {"digest-ranges", "1", "2", "short"}},
        {digest_on_ranges, {"digest-ranges", "1"}}, {digest_on_verify, {"verify", "1"}},
        {digest_on_verify, {"verify", "1", "99999999999999999999"}},
        {fence_on_rebuild, {"rebuild", "1", "1"}}, {fence_on_rebuild, {"rebuild", "32", "", "0"}},
        {may, {"rebuild-may", "1"}}, {may, {"rebuild-may", "1", "2", "3"}}};
    struct world *world = world_with_victim(3);
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        struct slice argv[8];
        uint32_t argc = 0;
        for (; argc < 8 && bad[i].words[argc] != NULL; argc++)
            argv[argc] = slice_text(bad[i].words[argc]);
        assert_false(bad[i].take(world->seats[0]->node, seat_id(1), argc, argv));
    }
    world_free(world);
}

static void test_words_about_what_is_not_known_change_nothing(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    struct node *node = world->seats[world_leader(world)]->node;
    static const char zeros[DIGEST_RANGES * 8];
    struct slice word[8] = {SLICE("digest"), SLICE("99"), SLICE("1"), SLICE("18446744073709551615"),
        SLICE("3"), SLICE("0"), SLICE("77"), SLICE("1")};
    struct slice ranges[4] = {
        SLICE("digest-ranges"), SLICE("5"), SLICE("6"), slice_of(zeros, sizeof zeros)};
    int other = (world_leader(world) + 1) % 3;
    char id[INT_TEXT_MAX];
    struct slice its_id = slice_of(id, uint_print(seat_id(other), id));
    struct slice rebuild[4] = {SLICE("rebuild"), its_id, SLICE("1"), SLICE("1")};
    struct slice agreed[3] = {SLICE("rebuild-may"), its_id, SLICE("1")};
    for (int i = 0; i < 3; i++) {
        assert_true(digest_on_word(node, 99, 8, word));
        assert_true(digest_on_ranges(node, seat_id(1), 4, ranges));
        assert_true(fence_on_rebuild(node, seat_id(other), 4, rebuild));
        assert_true(fence_on_may(world->seats[other]->node, 3, agreed));
        world_run(world, 1000);
    }
    /* ranges that are not what was said before */
    (void)verify_at(world, 0, 300);
    char index[INT_TEXT_MAX];
    ranges[1] = slice_of(index, uint_print(digest_round_latest(node)->index, index));
    assert_true(digest_on_ranges(node, seat_id(other), 4, ranges));
    for (int i = 0; i < 3; i++) assert_false(is_fenced(world->seats[i]));
    assert_int_equal(configuration_n_voters(raft_configuration(node->raft)), 3);
    expect_equal_in_the_end(world);
    world_free(world);
}

static void test_a_word_of_another_version_is_not_compared(void **state) {
    (void)state;
    struct world *world = world_with_victim(3);
    int leader = world_leader(world), other = (leader + 1) % 3;
    struct node *node = world->seats[leader]->node;
    world_rule(world, RULE_DROP, other, leader, "digest");
    struct client *client = client_open(world, leader);
    client_send(client, "CLUSTER VERIFY\r\n");
    world_run(world, 200);
    char index[INT_TEXT_MAX], id[INT_TEXT_MAX];
    struct slice word[8] = {SLICE("digest"),
        slice_of(id, uint_print(world->seats[other]->identity.id, id)), SLICE("2"),
        slice_of(index, uint_print(digest_round_latest(node)->index, index)), SLICE("3"),
        SLICE("0"), SLICE("77"), SLICE("0")};
    assert_true(digest_on_word(node, world->seats[other]->identity.id, 8, word));
    world_run(world, 200);
    expect_in(client_take(client), "$7\r\nverdict\r\n$10\r\nincomplete\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_nodes_are_called_equal_at_one_index),
        cmocka_unit_test(test_verify_speaks_maps_in_resp3),
        cmocka_unit_test(test_a_silent_node_is_waited_for_until_nothing_moves),
        cmocka_unit_test(test_without_a_leader_verify_is_not_executed),
        cmocka_unit_test(test_a_client_that_goes_leaves_its_question_behind),
        cmocka_unit_test(test_digests_come_by_themselves_at_their_interval),
        cmocka_unit_test(test_a_walk_in_many_slices_sees_the_state_at_the_mark),
        cmocka_unit_test(test_a_node_that_differs_is_found_fenced_and_rebuilt),
        cmocka_unit_test(test_a_node_that_is_rebuilt_tells_nothing_twice),
        cmocka_unit_test(test_a_node_that_is_rebuilt_tells_what_came_before_it_was_let_in_again),
        cmocka_unit_test(test_a_fenced_node_answers_nobody_and_stays_fenced_through_a_restart),
        cmocka_unit_test(test_who_waits_at_a_node_that_is_fenced_hears_at_once),
        cmocka_unit_test(test_a_node_that_is_fenced_moves_no_keys_away),
        cmocka_unit_test(test_a_leader_that_differs_gives_up_leading_and_is_rebuilt),
        cmocka_unit_test(test_without_an_equal_majority_there_is_an_alarm_only),
        cmocka_unit_test(test_alarm_leaves_a_node_that_differs_as_it_is),
        cmocka_unit_test(test_two_nodes_that_differ_are_rebuilt_one_after_the_other),
        cmocka_unit_test(test_a_node_is_not_removed_while_another_one_is_needed),
        cmocka_unit_test(test_a_node_that_differs_is_rebuilt_though_one_mark_follows_another),
        cmocka_unit_test(
            test_a_fenced_node_that_is_being_removed_is_rebuilt_even_if_it_is_equal_by_then),
        cmocka_unit_test(test_a_fenced_node_that_an_operator_forgets_stays_away),
        cmocka_unit_test(test_malformed_messages_are_refused),
        cmocka_unit_test(test_words_about_what_is_not_known_change_nothing),
        cmocka_unit_test(test_a_word_of_another_version_is_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
