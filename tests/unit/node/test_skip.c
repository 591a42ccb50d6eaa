/* The entry that kills the node: named, stopped at, skipped by an operator (DESIGN 7). */
#include "unit/node/harness.h"

static bool info_says(struct client *client, const char *text) {
    client_send(client, "INFO raft\r\n");
    world_settle(client->world);
    return strstr(client_take(client), text) != NULL;
}

/* The entry of the latest write that this node holds. */
static struct entry_skip last_batch(const struct seat *seat) {
    for (uint64_t i = seat->n_log; i-- > 0;) {
        if (seat->log[i].kind != ENTRY_BATCH) continue;
        return (struct entry_skip){seat->log[i].index, raft_entry_crc(&seat->log[i])};
    }
    fail_msg("no batch");
    return (struct entry_skip){0};
}

/* As if the process had died while it applied that entry for the n-th time. */
static void die_at(struct seat *seat, raft_index index, uint64_t n) {
    seat_kill(seat);
    seat->applying = (struct applying_note){
        .node = seat->identity.id, .index = index, .died_at = index, .deaths = n - 1};
}

static struct entry_skip all_die(struct world *world) {
    struct entry_skip entry = last_batch(world->seats[world_leader(world)]);
    for (int i = 0; i < world->n; i++) die_at(world->seats[i], entry.index, 3);
    return entry;
}

static void start_all(struct world *world) {
    for (int i = 0; i < world->n; i++) {
        if (world->seats[i]->node == NULL) seat_start(world->seats[i]);
    }
    world_run(world, 2000);
}

static void write_all(struct world *world, const char *request, const char *reply) {
    client_ask(client_open(world, world_leader(world)), request, reply);
    world_run(world, 300);
}

static void test_what_is_being_applied_is_noted_and_cleared(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    struct seat *seat = world->seats[0];
    assert_int_equal(seat->applying.index, 0);
    assert_int_equal(seat->applying.node, seat->identity.id);
    world_free(world);
}

static void test_two_deaths_are_not_enough_and_living_on_forgets_them(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    die_at(world->seats[0], last_batch(world->seats[0]).index, 2);
    start_all(world);
    assert_int_equal(world->seats[0]->applying.deaths, 0);
    client_ask(client_open(world, 0), "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_deaths_in_another_log_do_not_count(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    die_at(world->seats[0], last_batch(world->seats[0]).index, 3);
    world->seats[0]->applying.node++;
    start_all(world);
    client_ask(client_open(world, 0), "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_the_third_death_is_named_and_the_node_votes_and_stores(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), victim = (leader + 1) % 3, other = (leader + 2) % 3;
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    struct entry_skip entry = last_batch(world->seats[leader]);
    die_at(world->seats[victim], entry.index, 3);
    seat_start(world->seats[victim]);
    world_run(world, 500);
    seat_kill(world->seats[other]); /* so that the victim is needed */
    write_all(world, "SET k 2\r\n", "+OK\r\n");
    struct client *client = client_open(world, victim);
    char named[80];
    snprintf(named, sizeof named, "raft_held_entry:%llu:%08x,deaths=3\r\n",
        (unsigned long long)entry.index, entry.crc);
    assert_true(info_says(client, named));
    client_send(client, "GET k\r\nSET k 3\r\nREADONLY\r\nGET k\r\n");
    world_settle(world);
    const char *replies = client_take(client);
    snprintf(named, sizeof named,
        "-CLUSTERDOWN Entry %llu:%08x of the log has killed this node 3 times",
        (unsigned long long)entry.index, entry.crc);
    assert_ptr_equal(strstr(replies, named), replies);
    assert_non_null(strstr(replies + 1, named));
    assert_non_null(strstr(replies, "+OK\r\n$-1\r\n")); /* stale, by the client's wish */
    world_free(world);
}

/* A request that came before the node knew that it would apply nothing. */
static void test_requests_that_wait_are_answered_although_others_commit(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), victim = (leader + 1) % 3;
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    die_at(world->seats[victim], last_batch(world->seats[leader]).index, 3);
    seat_start(world->seats[victim]);
    struct client *client = client_open(world, victim), *busy = client_open(world, leader);
    client_send(client, "GET k\r\n");
    for (int i = 0; i < 40; i++) {
        client_send(busy, "INCR n\r\n");
        world_run(world, 50);
    }
    const char *reply = client_take(client);
    assert_non_null(strstr(reply, "has killed this node"));
    world_free(world);
}

static void test_a_leader_that_applies_nothing_hands_over(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    struct entry_skip entry = last_batch(world->seats[0]);
    for (int i = 0; i < 3; i++) seat_kill(world->seats[i]);
    world->seats[0]->applying = (struct applying_note){seat_id(0), entry.index, entry.index, 2};
    seat_start(world->seats[0]);
    seat_start(world->seats[1]);
    for (int i = 0; i < 400 && !raft_leads(world->seats[0]->node); i++) {
        if (raft_leads(world->seats[1]->node)) { /* the other one won: again */
            seat_kill(world->seats[1]);
            world_run(world, 1);
            seat_start(world->seats[1]);
        }
        world_run(world, 10);
    }
    world_run(world, 2000);
    assert_int_equal(world_leader(world), 1);
    client_ask(client_open(world, 1), "GET k\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_one_operators_word_gets_all_past_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    write_all(world, "SET k deadly\r\n", "+OK\r\n");
    struct entry_skip entry = all_die(world);
    start_all(world);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world->seats[i]->node->skips.held_at, entry.index);
        assert_false(world->seats[i]->stopped);
    }
    seat_kill(world->seats[1]);
    world->seats[1]->skip = entry;
    seat_start(world->seats[1]);
    world_run(world, 3000);
    for (int i = 0; i < 3; i++) {
        client_ask(client_open(world, i), "GET k\r\n", "$1\r\n1\r\n");
        client_ask(client_open(world, i), "INCR n\r\n",
            i == 0   ? ":1\r\n"
            : i == 1 ? ":2\r\n"
                     : ":3\r\n");
    }
    world_check_equal(world);
    for (int i = 0; i < 3; i++) { /* and again without the operator, from the log */
        seat_kill(world->seats[i]);
        world->seats[i]->skip.index = 0;
    }
    start_all(world);
    client_ask(client_open(world, 2), "GET k\r\n", "$1\r\n1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_single_node_skips_at_once(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    write_all(world, "SET k deadly\r\n", "+OK\r\n");
    struct entry_skip entry = all_die(world);
    world->seats[0]->skip = entry;
    start_all(world);
    client_ask(client_open(world, 0), "GET k\r\n", "$-1\r\n");
    client_ask(client_open(world, 0), "SET k 2\r\n", "+OK\r\n");
    world_free(world);
}

static void test_a_skip_of_another_checksum_does_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    struct entry_skip entry = last_batch(world->seats[0]);
    entry.crc++;
    seat_kill(world->seats[0]);
    world->seats[0]->skip = entry;
    start_all(world);
    client_ask(client_open(world, 0), "GET k\r\n", "$1\r\n1\r\n");
    assert_int_equal(world->seats[0]->identity.n_skips, 0);
    world_free(world);
}

/* Two skip it; the third, which waits for the same entry, learns of it and runs it neither. */
static void test_a_client_whose_command_is_skipped_hears_uncertain(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), away = (leader + 1) % 3;
    struct client *client = client_open(world, away);
    world_rule(world, RULE_DROP, -1, away, "append");
    client_send(client, "SET k deadly\r\nGET other\r\n");
    world_run(world, 100);
    struct entry_skip entry = last_batch(world->seats[leader]);
    for (int i = 0; i < 3; i++) {
        if (i == away) continue;
        die_at(world->seats[i], entry.index, 3);
        world->seats[i]->skip = entry;
    }
    world->n_rules = 0;
    start_all(world);
    const char *replies = client_take(client);
    assert_ptr_equal(strstr(replies, "-UNCERTAIN "), replies);
    client_ask(client_open(world, away), "GET k\r\n", "$-1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_that_ran_what_the_majority_skips_is_rebuilt(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), ran = (leader + 1) % 3;
    write_all(world, "SET k deadly\r\n", "+OK\r\n");
    client_ask(client_open(world, ran), "GET k\r\n", "$6\r\ndeadly\r\n");
    struct entry_skip entry = last_batch(world->seats[leader]);
    raft_id before = world->seats[ran]->identity.id;
    for (int i = 0; i < 3; i++) {
        if (i == ran) continue;
        die_at(world->seats[i], entry.index, 3);
        world->seats[i]->skip = entry;
    }
    start_all(world);
    world_run(world, 8000);
    assert_true(world->seats[ran]->identity.id != before);
    assert_int_equal(world->seats[ran]->identity.state, IDENTITY_MEMBER);
    client_ask(client_open(world, ran), "GET k\r\n", "$-1\r\n");
    const struct raft_configuration *members =
        raft_configuration(world->seats[world_leader(world)]->node->raft);
    assert_int_equal(members->n, 3);
    assert_null(configuration_find(members, before));
    world_check_equal(world);
    world_free(world);
}

static void test_a_skip_is_dropped_where_the_majority_ran_the_entry(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), late = (leader + 1) % 3;
    write_all(world, "SET k 1\r\n", "+OK\r\n");
    seat_kill(world->seats[late]);
    world->seats[late]->skip = last_batch(world->seats[leader]);
    start_all(world);
    client_ask(client_open(world, late), "GET k\r\n", "$1\r\n1\r\n");
    assert_int_equal(world->seats[late]->identity.n_skips, 0);
    world_check_equal(world);
    world_free(world);
}

/* Alone it skips nothing: the others might run it. Words that are lost are said again. */
static void test_a_node_waits_until_a_majority_has_promised(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    write_all(world, "SET k deadly\r\n", "+OK\r\n");
    struct entry_skip entry = last_batch(world->seats[0]);
    for (int i = 0; i < 3; i++) seat_kill(world->seats[i]);
    world->seats[0]->skip = entry;
    world_rule(world, RULE_DROP, 1, 0, "skips");
    seat_start(world->seats[0]);
    seat_start(world->seats[1]);
    world_run(world, 700);
    struct node *node = world->seats[0]->node;
    assert_int_equal(node->skips.held_at, entry.index);
    assert_true(node->skips.held_for_others);
    assert_int_equal(engine_applied(node->engine), entry.index - 1);
    world->n_rules = 0;
    world_run(world, 3000);
    assert_true(engine_has_skipped(node->engine, entry.index));
    world_check_equal(world);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_being_applied_is_noted_and_cleared),
        cmocka_unit_test(test_two_deaths_are_not_enough_and_living_on_forgets_them),
        cmocka_unit_test(test_deaths_in_another_log_do_not_count),
        cmocka_unit_test(test_the_third_death_is_named_and_the_node_votes_and_stores),
        cmocka_unit_test(test_requests_that_wait_are_answered_although_others_commit),
        cmocka_unit_test(test_a_leader_that_applies_nothing_hands_over),
        cmocka_unit_test(test_one_operators_word_gets_all_past_it),
        cmocka_unit_test(test_a_single_node_skips_at_once),
        cmocka_unit_test(test_a_skip_of_another_checksum_does_nothing),
        cmocka_unit_test(test_a_client_whose_command_is_skipped_hears_uncertain),
        cmocka_unit_test(test_a_node_that_ran_what_the_majority_skips_is_rebuilt),
        cmocka_unit_test(test_a_skip_is_dropped_where_the_majority_ran_the_entry),
        cmocka_unit_test(test_a_node_waits_until_a_majority_has_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
