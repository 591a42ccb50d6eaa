#include "unit/node/bus.h"

static enum identity_state state_of(struct place *place) {
    return place->node->identity.state;
}

/* n single nodes, the first is the oldest. */
static struct bus *singles(int n, struct place **places) {
    struct bus *bus = bus_new();
    for (int i = 0; i < n; i++) {
        places[i] = bus_node(bus, BOOTSTRAP_YES);
        bus_run(bus, 300 * MS);
    }
    return bus;
}

/* In small steps until the condition holds; fails after a second. */
#define STEP_UNTIL(bus, condition)                                                                 \
    for (int step = 0; !(condition); step++) {                                                     \
        assert_true(step < 20000);                                                                 \
        (bus)->now_us += 50;                                                                       \
        bus_settle(bus);                                                                           \
    }

/* -- bootstrap ------------------------------------------------------------------------------- */

static void test_a_fresh_node_waits_two_seconds_before_it_bootstraps(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_AUTO);
    bus_run(bus, 1900 * MS);
    assert_int_equal(state_of(place), IDENTITY_FRESH);
    bus_run(bus, 400 * MS);
    assert_true(place_leads(place));
    bus_free(bus);
}

static void test_a_disk_that_is_slow_at_the_first_start_does_not_shorten_the_wait(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    place_kill(places[2]);
    place_wipe(places[2]);
    places[2]->settings.bootstrap = BOOTSTRAP_AUTO;
    place_start(places[2]);
    twin_stall(places[2]->twin, bus->now_us + 2500 * MS);
    bus_run(bus, 2600 * MS);
    assert_int_equal(state_of(places[2]), IDENTITY_FRESH);
    bus_run(bus, 3 * SECONDS);
    assert_true(places[2]->node->fenced);
    assert_int_equal(state_of(places[2]), IDENTITY_FRESH);
    bus_free(bus);
}

static void test_a_node_with_bootstrap_no_never_begins_a_cluster(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *places[2] = {bus_node(bus, BOOTSTRAP_NO), bus_node(bus, BOOTSTRAP_NO)};
    bus_run(bus, 3 * SECONDS);
    assert_int_equal(call_meet(places[0], places[1])[0], '-');
    bus_run(bus, 3 * SECONDS);
    assert_int_equal(state_of(places[0]), IDENTITY_FRESH);
    assert_int_equal(state_of(places[1]), IDENTITY_FRESH);
    bus_free(bus);
}

static void test_a_restarted_single_node_serves_at_once(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    assert_string_equal(call_node(place, "SET a 1"), "+OK\r\n");
    place_kill(place);
    place_start(place);
    bus_run(bus, 50 * MS);
    assert_string_equal(call_node(place, "GET a"), "$1\r\n1\r\n");
    bus_free(bus);
}

static void test_a_reset_node_does_not_bootstrap_even_after_a_restart(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    assert_string_equal(call_node(place, "CLUSTER RESET"), "+OK\r\n");
    bus_run(bus, 3 * SECONDS);
    place_kill(place);
    place_start(place);
    bus_run(bus, 3 * SECONDS);
    assert_int_equal(state_of(place), IDENTITY_FRESH);
    bus_free(bus);
}

/* -- a wiped node ---------------------------------------------------------------------------- */

static struct bus *with_wiped_node(struct place **places, enum bootstrap_mode bootstrap) {
    struct bus *bus = bus_cluster(3, places);
    assert_string_equal(call_node(places[0], "SET a 1"), "+OK\r\n");
    place_kill(places[2]);
    bus_run(bus, 2 * SECONDS);
    place_wipe(places[2]);
    places[2]->settings.bootstrap = bootstrap;
    place_start(places[2]);
    return bus;
}

static void test_a_wiped_node_at_its_old_address_serves_nothing(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = with_wiped_node(places, BOOTSTRAP_AUTO);
    for (int i = 0; i < 8; i++) {
        bus_run(bus, 500 * MS);
        struct client *client = ask_node(places[2], "GET a");
        bus_run(bus, 2 * MS);
        assert_true(client_text(client)[0] == '-' || client_text(client)[0] == '\0');
        client_close(client);
    }
    assert_true(places[2]->node->fenced);
    bus_free(bus);
}

static void test_a_wiped_node_that_meets_a_member_replaces_its_old_id(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = with_wiped_node(places, BOOTSTRAP_AUTO);
    bus_run(bus, 3 * SECONDS);
    assert_string_equal(call_meet(places[2], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 3, 3, 10 * SECONDS));
    assert_string_equal(call_node(places[2], "GET a"), "$1\r\n1\r\n");
    bus_free(bus);
}

static void publish_in_the_log(struct place *place, const char *message) {
    char words[40];
    struct client *client = ask_node(place, "MULTI");
    snprintf(words, sizeof words, "PUBLISH c %s", message);
    say_node(client, words);
    say_node(client, "EXEC");
    bus_run(place->bus, 300 * MS);
    assert_non_null(strstr(client_text(client), "*1\r\n:"));
    client_close(client);
}

static void test_a_node_that_joins_tells_nothing_of_before_it_was_a_member(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = with_wiped_node(places, BOOTSTRAP_AUTO);
    publish_in_the_log(places[0], "before");
    bus_run(bus, 3 * SECONDS);
    struct client *listener = ask_node(places[2], "SUBSCRIBE c");
    assert_string_equal(call_meet(places[2], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 3, 3, 10 * SECONDS));
    publish_in_the_log(places[0], "behind");
    assert_non_null(strstr(client_text(listener), "behind"));
    assert_null(strstr(client_text(listener), "before"));
    bus_free(bus);
}

static void test_a_fenced_single_node_serves_again_once_it_has_joined(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = with_wiped_node(places, BOOTSTRAP_YES);
    bus_run(bus, 3 * SECONDS);
    assert_int_equal(state_of(places[2]), IDENTITY_MEMBER);
    assert_true(places[2]->node->fenced);
    assert_string_equal(call_meet(places[2], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 3, 3, 10 * SECONDS));
    assert_string_equal(call_node(places[2], "GET a"), "$1\r\n1\r\n");
    bus_free(bus);
}

static void test_a_fenced_node_does_not_begin_a_cluster_by_meet(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = with_wiped_node(places, BOOTSTRAP_AUTO);
    struct place *fresh = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, SECONDS);
    assert_true(places[2]->node->fenced);
    assert_int_equal(call_meet(places[2], fresh)[0], '-');
    bus_run(bus, 2 * SECONDS);
    assert_int_equal(state_of(places[2]), IDENTITY_FRESH);
    bus_free(bus);
}

/* -- two nodes ------------------------------------------------------------------------------- */

static void check_pair(enum bootstrap_mode a, enum bootstrap_mode b, int64_t wait_us, int order) {
    struct bus *bus = bus_new();
    struct place *places[2] = {bus_node(bus, a), bus_node(bus, b)};
    bus_run(bus, wait_us);
    struct client *one = NULL, *two = NULL;
    if (order != 1) one = ask_meet(places[0], places[1]);
    if (order != 0) two = ask_meet(places[1], places[0]);
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    if (one != NULL) assert_string_equal(client_text(one), "+OK\r\n");
    if (two != NULL) assert_string_equal(client_text(two), "+OK\r\n");
    assert_string_equal(call_node(places[0], "SET a 1"), "+OK\r\n");
    assert_string_equal(call_node(places[1], "GET a"), "$1\r\n1\r\n");
    bus_free(bus);
}

static void test_two_nodes_meet_whatever_their_age_and_whoever_asks(void **context) {
    (void)context;
    const int64_t waits[] = {0, 5 * MS, 500 * MS, 1990 * MS, 2001 * MS, 3 * SECONDS};
    const enum bootstrap_mode modes[][2] = {{BOOTSTRAP_AUTO, BOOTSTRAP_AUTO},
        {BOOTSTRAP_YES, BOOTSTRAP_AUTO}, {BOOTSTRAP_YES, BOOTSTRAP_YES},
        {BOOTSTRAP_YES, BOOTSTRAP_NO}, {BOOTSTRAP_NO, BOOTSTRAP_YES}};
    for (size_t m = 0; m < SF_LENGTH(modes); m++)
        for (size_t w = 0; w < SF_LENGTH(waits); w++)
            for (int order = 0; order < 3; order++)
                check_pair(modes[m][0], modes[m][1], waits[w], order);
}

static void test_meet_of_the_same_pair_twice_is_ok_and_changes_nothing(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    assert_string_equal(call_meet(places[0], places[1]), "+OK\r\n");
    assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
    bus_run(bus, SECONDS);
    assert_true(is_one_cluster(places, 2, 2));
    bus_free(bus);
}

static void test_meet_of_oneself_is_an_error_that_says_so(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    const char *reply = call_meet(place, place);
    assert_non_null(strstr(reply, "this is the node that asks"));
    assert_null(strstr(reply, "ERR ERR"));
    assert_true(place_leads(place));
    bus_free(bus);
}

static void test_meet_of_nobody_is_an_error(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    assert_int_equal(call_node(place, "CLUSTER MEET 10.0.0.77 6379")[0], '-');
    bus_free(bus);
}

static void test_the_node_with_keys_keeps_them_and_the_empty_one_joins(void **context) {
    (void)context;
    for (int with_keys = 0; with_keys < 2; with_keys++)
        for (int asks = 0; asks < 2; asks++) {
            struct bus *bus = bus_new();
            struct place *places[2] = {bus_node(bus, BOOTSTRAP_YES), bus_node(bus, BOOTSTRAP_YES)};
            bus_run(bus, 300 * MS);
            assert_string_equal(call_node(places[with_keys], "SET a 1"), "+OK\r\n");
            assert_string_equal(call_meet(places[asks], places[1 - asks]), "+OK\r\n");
            assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
            assert_string_equal(call_node(places[1 - with_keys], "GET a"), "$1\r\n1\r\n");
            bus_free(bus);
        }
}

static void test_two_nodes_with_keys_refuse_and_keep_them(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = singles(2, places);
    call_node(places[0], "SET a 1");
    call_node(places[1], "SET a 2");
    assert_non_null(strstr(call_meet(places[0], places[1]), "FLUSHALL"));
    bus_run(bus, SECONDS);
    assert_string_equal(call_node(places[0], "GET a"), "$1\r\n1\r\n");
    assert_string_equal(call_node(places[1], "GET a"), "$1\r\n2\r\n");
    bus_free(bus);
}

static void test_a_client_that_leaves_does_not_stop_its_meet(void **context) {
    (void)context;
    for (int64_t after = 0; after < 12; after++) {
        struct place *places[2];
        struct bus *bus = singles(2, places);
        struct client *one = ask_meet(places[0], places[1]), *two = ask_meet(places[1], places[0]);
        bus_run(bus, after * MS);
        client_close(one);
        client_close(two);
        assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
        bus_free(bus);
    }
}

/* -- three nodes ----------------------------------------------------------------------------- */

struct introduction {
    int asks, of;
};

/* Three nodes; all six introductions exist, two or three of them connect all. */
static void check_three(const struct introduction *order, int n, int64_t gap_us, int64_t wait_us,
    enum bootstrap_mode mode) {
    struct bus *bus = bus_new();
    struct place *places[3];
    for (int i = 0; i < 3; i++) places[i] = bus_node(bus, mode);
    bus_run(bus, wait_us);
    struct client *clients[6];
    for (int i = 0; i < n; i++) {
        clients[i] = ask_meet(places[order[i].asks], places[order[i].of]);
        bus_run(bus, gap_us);
    }
    bool done = wait_cluster(bus, places, 3, 3, 12 * SECONDS);
    if (!done) {
        for (int i = 0; i < n; i++)
            print_message("%d meets %d: %s", order[i].asks, order[i].of, client_text(clients[i]));
        for (int i = 0; i < 3; i++)
            print_message("node %d: %s, %s\n", i, membership_join_state(places[i]->node),
                places[i]->node->join_error);
        fail_msg("not one cluster (gap %d us, wait %d us, mode %d)", (int)gap_us, (int)wait_us,
            (int)mode);
    }
    bus_free(bus);
}

static void check_orders(int64_t gap_us, int64_t wait_us, enum bootstrap_mode mode) {
    static const struct introduction all[6] = {{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++) {
            if (i / 2 == k / 2) continue; /* the same pair: the third is not introduced */
            struct introduction order[2] = {all[i], all[k]};
            check_three(order, 2, gap_us, wait_us, mode);
        }
}

static void test_three_single_nodes_become_one_cluster_in_any_order_of_meets(void **context) {
    (void)context;
    check_orders(0, 3 * SECONDS, BOOTSTRAP_AUTO);
    check_orders(2 * MS, 3 * SECONDS, BOOTSTRAP_AUTO);
    check_orders(50 * MS, 500 * MS, BOOTSTRAP_YES);
    check_orders(600 * MS, 500 * MS, BOOTSTRAP_YES);
}

static void test_three_fresh_nodes_become_one_cluster_in_any_order_of_meets(void **context) {
    (void)context;
    check_orders(0, 0, BOOTSTRAP_AUTO);
    check_orders(0, 500 * MS, BOOTSTRAP_AUTO);
    check_orders(10 * MS, 500 * MS, BOOTSTRAP_AUTO);
    check_orders(200 * MS, 1900 * MS, BOOTSTRAP_AUTO);
}

static void test_all_meets_at_once_lead_to_one_cluster(void **context) {
    (void)context;
    static const struct introduction all[6] = {{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}};
    check_three(all, 6, 0, 3 * SECONDS, BOOTSTRAP_AUTO);
    check_three(all, 6, 0, 500 * MS, BOOTSTRAP_AUTO);
    check_three(all, 6, 1 * MS, 500 * MS, BOOTSTRAP_YES);
}

/* -- crashes --------------------------------------------------------------------------------- */

/* Node 1, a single one, is killed at every moment of joining node 0, and comes back. */
static void test_a_joining_node_killed_at_any_moment_is_in_after_its_restart(void **context) {
    (void)context;
    for (int64_t at_us = 0; at_us < 40 * MS; at_us += 300) {
        struct place *places[2];
        struct bus *bus = singles(2, places);
        struct client *client = ask_meet(places[1], places[0]);
        bus->now_us += 100;
        bus_settle(bus);
        int64_t end_us = bus->now_us + at_us;
        while (bus->now_us < end_us) {
            bus->now_us += 100;
            bus_settle(bus);
        }
        bool began = strcmp(client_text(client), "+OK\r\n") == 0;
        place_kill(places[1]);
        bus_run(bus, 100 * MS);
        place_start(places[1]);
        bus_run(bus, 500 * MS);
        if (!began && !is_one_cluster(places, 2, 2) && state_of(places[1]) == IDENTITY_MEMBER)
            assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
        assert_true(wait_cluster(bus, places, 2, 2, 10 * SECONDS));
        bus_free(bus);
    }
}

static void test_a_fresh_node_that_said_ok_to_meet_joins_even_if_killed_then(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_node(bus, BOOTSTRAP_AUTO);
    bus_run(bus, 100 * MS);
    twin_set_pace(places[1]->twin, &(struct twin_pace){5000, 9000, 100, 300});
    struct client *client = ask_meet(places[1], places[0]);
    STEP_UNTIL(bus, client->out.len > 0);
    assert_string_equal(client_text(client), "+OK\r\n");
    place_kill(places[1]);
    place_start(places[1]);
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    bus_free(bus);
}

static void test_a_dissolve_entry_in_the_log_is_found_again_by_replay(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = singles(2, places);
    raft_id before = places[1]->node->identity.id;
    struct client *client = ask_meet(places[1], places[0]);
    STEP_UNTIL(bus, engine_is_dissolved(places[1]->node->engine));
    assert_true(places[1]->node->identity_switching); /* and not yet durable */
    assert_int_equal(twin_node_id(places[1]->twin), before);
    (void)client;
    place_kill(places[1]);
    place_start(places[1]);
    assert_int_equal(places[1]->node->identity.id, before);
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    assert_true(places[1]->node->identity.id != before);
    bus_free(bus);
}

static void test_writes_behind_the_dissolve_entry_go_to_the_joined_cluster(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = singles(2, places);
    struct client *meet = ask_meet(places[1], places[0]), *set = NULL;
    STEP_UNTIL(bus, places[1]->node->dissolve_index != 0);
    set = ask_node(places[1], "SET late 1");
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    (void)meet;
    assert_true(set->out.len > 0);
    if (strcmp(client_text(set), "+OK\r\n") == 0)
        assert_string_equal(call_node(places[0], "GET late"), "$1\r\n1\r\n");
    bus_free(bus);
}

/* Their revisions are those of a state that is gone, and might be some of the new one's too. */
static void test_watches_do_not_outlive_their_cluster(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = singles(2, places);
    struct client *early = ask_node(places[1], "WATCH k"), *late = ask_node(places[1], "WATCH k");
    bus_run(bus, 100 * MS);
    struct client *meet = ask_meet(places[1], places[0]);
    STEP_UNTIL(bus, places[1]->node->dissolve_index != 0);
    say_node(early, "MULTI\r\nINCR n\r\nEXEC");
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    say_node(late, "MULTI\r\nINCR n\r\nEXEC");
    say_node(late, "MULTI\r\nINCR n\r\nEXEC");
    bus_run(bus, 500 * MS);
    (void)meet;
    assert_string_equal(client_text(early), "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n");
    assert_string_equal(
        client_text(late), "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
    bus_free(bus);
}

static void test_a_reset_in_the_middle_of_a_meet_answers_both(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = singles(2, places);
    struct client *meet = ask_meet(places[1], places[0]);
    twin_stall(places[1]->twin, bus->now_us + 300 * MS);
    STEP_UNTIL(bus, places[1]->node->dissolve_held != NULL);
    struct client *reset = ask_node(places[1], "CLUSTER RESET");
    bus_run(bus, 5 * SECONDS);
    assert_true(reset->out.len > 0);
    assert_true(meet->out.len > 0);
    bus_free(bus);
}

static void test_a_node_whose_target_joined_another_cluster_follows_it(void **context) {
    (void)context;
    /* 2 asked 1 and was told yes; before it was let in, 1 itself gave itself up for 0. */
    struct place *places[3];
    struct bus *bus = singles(3, places);
    struct client *client = ask_meet(places[2], places[1]);
    STEP_UNTIL(bus, places[2]->node->identity_switching);
    (void)client;
    places[2]->cut = true;
    STEP_UNTIL(bus, !places[2]->node->identity_switching);
    place_kill(places[2]);
    places[2]->cut = false;
    assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    place_start(places[2]);
    assert_true(wait_cluster(bus, places, 3, 3, 8 * SECONDS));
    bus_free(bus);
}

/* -- joining, slowly or in vain -------------------------------------------------------------- */

static void test_a_slow_disk_does_not_keep_a_configured_node_from_joining(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_place(bus, BOOTSTRAP_AUTO);
    places[1]->settings.n_join = 1;
    places[1]->settings.join[0] = (struct raft_address){.port = 6379, .bus_port = 16379};
    snprintf(places[1]->settings.join[0].host, 32, "%s", places[0]->host);
    twin_set_pace(places[1]->twin, &(struct twin_pace){450000, 500000, 100, 300});
    place_start(places[1]);
    bus_run(bus, 8 * SECONDS);
    assert_non_null(places[1]->node->raft);
    twin_set_pace(places[1]->twin, &(struct twin_pace){100, 300, 100, 300});
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    bus_free(bus);
}

static void test_a_configured_node_joins_through_a_follower(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(2, places);
    struct place *follower = bus_leader(bus) == places[0] ? places[1] : places[0];
    places[2] = bus_place(bus, BOOTSTRAP_AUTO);
    places[2]->settings.n_join = 1;
    places[2]->settings.join[0] = (struct raft_address){.port = 6379, .bus_port = 16379};
    snprintf(places[2]->settings.join[0].host, 32, "%s", follower->host);
    place_start(places[2]);
    assert_true(wait_cluster(bus, places, 3, 3, 8 * SECONDS));
    bus_free(bus);
}

static void test_a_joining_node_that_meets_another_member_uses_it_when_its_target_is_dead(
    void **context) {
    (void)context;
    struct place *places[4];
    struct bus *bus = bus_cluster(3, places);
    places[3] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 300 * MS);
    struct place *leader = bus_leader(bus);
    struct client *client = ask_meet(places[3], leader);
    STEP_UNTIL(bus, state_of(places[3]) == IDENTITY_JOINING);
    assert_string_equal(client_text(client), "+OK\r\n");
    place_kill(leader);
    bus_run(bus, 3 * SECONDS);
    struct place *others[3];
    int n = 0;
    for (int i = 0; i < 4; i++)
        if (places[i] != leader) others[n++] = places[i];
    if (!is_one_cluster(others, 3, 4)) {
        assert_string_equal(call_meet(places[3], others[0]), "+OK\r\n");
        assert_true(wait_cluster(bus, others, 3, 4, 8 * SECONDS));
    }
    bus_free(bus);
}

static void test_a_node_is_not_let_in_while_its_host_gives_itself_up(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = singles(3, places);
    struct client *meet = ask_meet(places[1], places[0]);
    twin_stall(places[1]->twin, bus->now_us + 400 * MS);
    STEP_UNTIL(bus, places[1]->node->dissolve_held != NULL);
    struct client *other = ask_meet(places[2], places[1]);
    bus_run(bus, 200 * MS);
    assert_int_equal(raft_configuration(places[1]->node->raft)->n, 1);
    assert_true(wait_cluster(bus, places, 3, 3, 10 * SECONDS));
    assert_string_equal(client_text(meet), "+OK\r\n");
    assert_string_equal(client_text(other), "+OK\r\n");
    bus_free(bus);
}

static void test_a_single_node_whose_port_changed_lets_others_in(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *places[2] = {bus_node(bus, BOOTSTRAP_YES), NULL};
    bus_run(bus, 300 * MS);
    assert_string_equal(call_node(places[0], "SET a 1"), "+OK\r\n");
    place_kill(places[0]);
    places[0]->settings.port = 7000;
    places[0]->settings.bus_port = 17000;
    place_start(places[0]);
    places[1] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 300 * MS);
    assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    bus_free(bus);
}

static void test_databases_that_differ_are_refused_with_the_reason(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_place(bus, BOOTSTRAP_NO);
    places[1]->settings.databases = 4;
    place_start(places[1]);
    bus_run(bus, 300 * MS);
    assert_non_null(strstr(call_meet(places[1], places[0]), "databases"));
    bus_free(bus);
}

static void test_a_loopback_address_is_refused_beside_others(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(2, places);
    places[2] = bus_place(bus, BOOTSTRAP_NO);
    snprintf(places[2]->settings.announce.host, 32, "127.0.0.1");
    place_start(places[2]);
    bus_run(bus, 300 * MS);
    assert_non_null(strstr(call_meet(places[2], places[0]), "loopback"));
    bus_free(bus);
}

static void test_a_single_node_reached_by_loopback_takes_in_no_other_address(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *places[2] = {bus_place(bus, BOOTSTRAP_YES), bus_place(bus, BOOTSTRAP_NO)};
    snprintf(places[0]->host, sizeof places[0]->host, "127.0.0.1");
    place_start(places[0]);
    place_start(places[1]);
    bus_run(bus, 300 * MS);
    assert_non_null(strstr(call_meet(places[1], places[0]), "loopback"));
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_node_waits_two_seconds_before_it_bootstraps),
        cmocka_unit_test(test_a_disk_that_is_slow_at_the_first_start_does_not_shorten_the_wait),
        cmocka_unit_test(test_a_node_with_bootstrap_no_never_begins_a_cluster),
        cmocka_unit_test(test_a_restarted_single_node_serves_at_once),
        cmocka_unit_test(test_a_reset_node_does_not_bootstrap_even_after_a_restart),
        cmocka_unit_test(test_a_wiped_node_at_its_old_address_serves_nothing),
        cmocka_unit_test(test_a_wiped_node_that_meets_a_member_replaces_its_old_id),
        cmocka_unit_test(test_a_node_that_joins_tells_nothing_of_before_it_was_a_member),
        cmocka_unit_test(test_a_fenced_single_node_serves_again_once_it_has_joined),
        cmocka_unit_test(test_a_fenced_node_does_not_begin_a_cluster_by_meet),
        cmocka_unit_test(test_two_nodes_meet_whatever_their_age_and_whoever_asks),
        cmocka_unit_test(test_meet_of_the_same_pair_twice_is_ok_and_changes_nothing),
        cmocka_unit_test(test_meet_of_oneself_is_an_error_that_says_so),
        cmocka_unit_test(test_meet_of_nobody_is_an_error),
        cmocka_unit_test(test_the_node_with_keys_keeps_them_and_the_empty_one_joins),
        cmocka_unit_test(test_two_nodes_with_keys_refuse_and_keep_them),
        cmocka_unit_test(test_a_client_that_leaves_does_not_stop_its_meet),
        cmocka_unit_test(test_three_single_nodes_become_one_cluster_in_any_order_of_meets),
        cmocka_unit_test(test_three_fresh_nodes_become_one_cluster_in_any_order_of_meets),
        cmocka_unit_test(test_all_meets_at_once_lead_to_one_cluster),
        cmocka_unit_test(test_a_joining_node_killed_at_any_moment_is_in_after_its_restart),
        cmocka_unit_test(test_a_fresh_node_that_said_ok_to_meet_joins_even_if_killed_then),
        cmocka_unit_test(test_a_dissolve_entry_in_the_log_is_found_again_by_replay),
        cmocka_unit_test(test_writes_behind_the_dissolve_entry_go_to_the_joined_cluster),
        cmocka_unit_test(test_watches_do_not_outlive_their_cluster),
        cmocka_unit_test(test_a_reset_in_the_middle_of_a_meet_answers_both),
        cmocka_unit_test(test_a_node_whose_target_joined_another_cluster_follows_it),
        cmocka_unit_test(test_a_slow_disk_does_not_keep_a_configured_node_from_joining),
        cmocka_unit_test(test_a_configured_node_joins_through_a_follower),
        cmocka_unit_test(
            test_a_joining_node_that_meets_another_member_uses_it_when_its_target_is_dead),
        cmocka_unit_test(test_a_node_is_not_let_in_while_its_host_gives_itself_up),
        cmocka_unit_test(test_a_single_node_whose_port_changed_lets_others_in),
        cmocka_unit_test(test_databases_that_differ_are_refused_with_the_reason),
        cmocka_unit_test(test_a_loopback_address_is_refused_beside_others),
        cmocka_unit_test(test_a_single_node_reached_by_loopback_takes_in_no_other_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
