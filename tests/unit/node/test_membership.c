#include "unit/node/bus.h"

static raft_id id_of(const struct place *place) {
    return place->node->identity.id;
}

static struct place *a_follower(struct place **places, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (places[i]->node != NULL && !place_leads(places[i])) return places[i];
    fail_msg("everybody leads");
    return NULL;
}

/* The others of three. */
static void others_of(struct place **places, const struct place *one, struct place **others) {
    uint32_t n = 0;
    for (int i = 0; i < 3; i++)
        if (places[i] != one) others[n++] = places[i];
}

/* -- forgetting ------------------------------------------------------------------------------ */

static void test_forget_answers_once_the_removal_is_committed(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    raft_id id = id_of(gone);
    assert_string_equal(call_forget(bus_leader(bus), id), "+OK\r\n");
    const struct raft_configuration *now = raft_configuration(bus_leader(bus)->node->raft);
    assert_false(now->joint);
    assert_null(configuration_find(now, id));
    assert_true(wait_cluster(bus, others, 2, 2, SECONDS));
    assert_string_equal(call_forget(others[0], id), "+OK\r\n"); /* again */
    assert_string_equal(call_forget(others[1], id), "+OK\r\n");
    bus_free(bus);
}

static void test_a_removed_node_learns_it_and_serves_nothing(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    assert_string_equal(call_forget(bus_leader(bus), id_of(gone)), "+OK\r\n");
    bus_run(bus, 300 * MS);
    assert_true(gone->node->self_removed);
    assert_string_equal(call_node(gone, "PING"), "+PONG\r\n");
    assert_int_equal(call_node(gone, "GET a")[0], '-');
    bus_free(bus);
}

static void test_the_leader_can_be_forgotten_at_a_follower(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *leader = bus_leader(bus);
    others_of(places, leader, others);
    assert_string_equal(call_forget(others[0], id_of(leader)), "+OK\r\n");
    assert_true(wait_cluster(bus, others, 2, 2, 3 * SECONDS));
    assert_true(leader->node->self_removed);
    bus_free(bus);
}

static void test_no_node_forgets_itself_or_a_stranger(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    assert_non_null(strstr(call_forget(places[0], id_of(places[0])), "forget myself"));
    assert_non_null(strstr(call_forget(places[0], 12345), "Unknown node"));
    assert_non_null(strstr(call_node(places[0], "CLUSTER FORGET abc"), "Unknown node"));
    bus_free(bus);
}

static void test_a_dead_member_can_be_forgotten(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *dead = a_follower(places, 3);
    others_of(places, dead, others);
    raft_id id = id_of(dead);
    place_kill(dead);
    assert_string_equal(call_forget(others[1], id), "+OK\r\n");
    assert_true(wait_cluster(bus, others, 2, 2, SECONDS));
    bus_free(bus);
}

static void test_forget_without_a_majority_ends_uncertain(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    raft_id id = id_of(places[1]);
    place_kill(places[1]);
    assert_non_null(strstr(call_forget(places[0], id), "UNCERTAIN"));
    bus_free(bus);
}

static void test_a_client_that_leaves_does_not_stop_its_forget(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    char words[100], name[41];
    cluster_node_name(id_of(gone), name);
    snprintf(words, sizeof words, "CLUSTER FORGET %s", name);
    client_close(ask_node(others[0], words));
    assert_true(wait_cluster(bus, others, 2, 2, SECONDS));
    bus_free(bus);
}

/* -- removed while away ---------------------------------------------------------------------- */

static void check_learns(struct bus *bus, struct place *gone, struct place **others) {
    bus_run(bus, 5 * SECONDS);
    assert_true(gone->node->self_removed);
    assert_true(is_one_cluster(others, 2, 2));
    raft_term term = raft_current_term(others[0]->node->raft);
    bus_run(bus, 5 * SECONDS);
    assert_int_equal(raft_current_term(others[0]->node->raft), term); /* it does not disturb */
}

static void test_a_node_removed_while_it_was_down_learns_it(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    raft_id id = id_of(gone);
    place_kill(gone);
    assert_string_equal(call_forget(others[0], id), "+OK\r\n");
    bus_run(bus, 5 * SECONDS);
    place_start(gone);
    check_learns(bus, gone, others);
    bus_free(bus);
}

static void test_it_learns_it_even_where_all_others_were_restarted_since(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    raft_id id = id_of(gone);
    place_kill(gone);
    assert_string_equal(call_forget(others[0], id), "+OK\r\n");
    bus_run(bus, SECONDS);
    for (int i = 0; i < 2; i++) place_kill(others[i]);
    for (int i = 0; i < 2; i++) place_start(others[i]);
    bus_run(bus, 2 * SECONDS);
    place_start(gone);
    check_learns(bus, gone, others);
    bus_free(bus);
}

static void test_a_node_removed_while_it_was_cut_off_learns_it_without_a_new_connection(
    void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    gone->cut = true;
    assert_string_equal(call_forget(others[0], id_of(gone)), "+OK\r\n");
    bus_run(bus, 10 * SECONDS);
    gone->cut = false;
    check_learns(bus, gone, others);
    bus_free(bus);
}

static void test_a_node_removed_while_its_disk_stood_still_learns_it(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    twin_stall(gone->twin, bus->now_us + 8 * SECONDS);
    assert_string_equal(call_forget(others[0], id_of(gone)), "+OK\r\n");
    bus_run(bus, 9 * SECONDS);
    check_learns(bus, gone, others);
    bus_free(bus);
}

static void test_a_removed_node_stays_removed_after_its_restart(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    others_of(places, gone, others);
    assert_string_equal(call_forget(others[0], id_of(gone)), "+OK\r\n");
    bus_run(bus, 300 * MS);
    place_kill(gone);
    place_start(gone);
    check_learns(bus, gone, others);
    bus_free(bus);
}

/* -- and back -------------------------------------------------------------------------------- */

static void test_forget_then_reset_then_meet_brings_a_node_back(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    for (int round = 0; round < 4; round++) {
        struct place *gone = a_follower(places, 3), *leader = bus_leader(bus);
        raft_id before = id_of(gone);
        assert_string_equal(call_forget(leader, before), "+OK\r\n");
        bus_run(bus, 300 * MS);
        assert_string_equal(call_node(gone, "CLUSTER RESET HARD"), "+OK\r\n");
        assert_string_equal(call_meet(gone, leader), "+OK\r\n");
        assert_true(wait_cluster(bus, places, 3, 3, 8 * SECONDS));
        assert_true(id_of(gone) != before);
    }
    bus_free(bus);
}

static void test_a_node_reset_right_after_its_removal_is_not_fenced(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    struct place *gone = a_follower(places, 3);
    assert_string_equal(call_forget(bus_leader(bus), id_of(gone)), "+OK\r\n");
    bus_run(bus, 60 * MS);
    assert_string_equal(call_node(gone, "CLUSTER RESET"), "+OK\r\n");
    bus_run(bus, 4 * SECONDS);
    assert_false(gone->node->fenced);
    bus_free(bus);
}

static void test_forget_of_a_joining_node_is_final(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(2, places);
    places[2] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    struct client *client = ask_meet(places[2], bus_leader(bus));
    while (places[2]->node->identity.state != IDENTITY_JOINING) bus_run(bus, 2 * MS);
    places[2]->cut = true; /* the leader lists it, it does not know */
    bus_run(bus, 20 * MS);
    (void)client;
    raft_id id = id_of(places[2]);
    struct place *leader = bus_leader(bus);
    if (configuration_find(raft_configuration(leader->node->raft), id) != NULL) {
        assert_string_equal(call_forget(leader, id), "+OK\r\n");
        bus_run(bus, 5 * SECONDS);
        places[2]->cut = false;
        bus_run(bus, 8 * SECONDS);
        assert_null(configuration_find(raft_configuration(leader->node->raft), id));
        assert_string_equal(membership_join_state(places[2]->node), "removed");
        assert_string_equal(call_node(places[2], "CLUSTER RESET"), "+OK\r\n");
    }
    bus_free(bus);
}

static void test_reset_of_a_living_member_is_refused(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    assert_int_equal(call_node(places[0], "CLUSTER RESET")[0], '-');
    assert_int_equal(call_node(places[1], "CLUSTER RESET HARD")[0], '-');
    bus_run(bus, 100 * MS);
    assert_true(is_one_cluster(places, 2, 2));
    bus_free(bus);
}

static void test_reset_of_a_single_node_with_keys_is_refused(void **context) {
    (void)context;
    struct place *places[1];
    struct bus *bus = bus_cluster(1, places);
    assert_string_equal(call_node(places[0], "SET a 1"), "+OK\r\n");
    assert_non_null(strstr(call_node(places[0], "CLUSTER RESET"), "containing keys"));
    bus_free(bus);
}

/* -- promotion ------------------------------------------------------------------------------- */

static void test_a_learner_that_died_is_not_promoted(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    ask_meet(places[1], places[0]);
    struct raft_peer_status status = {0};
    for (int i = 0; i < 20000 && status.match == 0; i++) {
        bus->now_us += 50;
        bus_settle(bus);
        if (places[1]->node->identity_switching) continue;
        raft_peer(places[0]->node->raft, id_of(places[1]), &status);
    }
    assert_true(status.match > 0);
    assert_int_equal(configuration_n_voters(raft_configuration(places[0]->node->raft)), 1);
    place_kill(places[1]); /* caught up, and dead before the leader looked at it */
    places[0]->node->membership_again_us = bus->now_us + SECONDS;
    bus_run(bus, 5 * SECONDS);
    assert_int_equal(configuration_n_voters(raft_configuration(places[0]->node->raft)), 1);
    assert_string_equal(call_node(places[0], "SET a 1"), "+OK\r\n");
    place_start(places[1]);
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    bus_free(bus);
}

static void test_a_learner_far_behind_is_promoted_only_when_it_has_caught_up(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    for (int i = 0; i < 200; i++) {
        char words[60];
        snprintf(words, sizeof words, "SET key:%d %d", i, i);
        assert_string_equal(call_node(places[0], words), "+OK\r\n");
        if (bus->n_clients > BUS_CLIENTS_MAX - 10) {
            for (uint32_t k = 0; k < bus->n_clients; k++) buf_free(&bus->clients[k].out);
            bus->n_clients = 0;
        }
    }
    places[1] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 2, 2, 8 * SECONDS));
    assert_string_equal(call_node(places[1], "GET key:199"), "$3\r\n199\r\n");
    bus_free(bus);
}

/* -- former selves --------------------------------------------------------------------------- */

/* It lives at an address under which the cluster lists an id that it had before. */
static void test_a_node_does_not_keep_dialling_its_former_self(void **context) {
    (void)context;
    struct place *places[3], *others[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *wiped = a_follower(places, 3);
    others_of(places, wiped, others);
    place_kill(wiped);
    place_wipe(wiped);
    place_start(wiped);
    bus_run(bus, 1500 * MS);
    for (int i = 0; i < 2; i++) others[i]->node->membership_again_us = bus->now_us + 100 * SECONDS;
    assert_string_equal(call_meet(wiped, others[0]), "+OK\r\n");
    bus_run(bus, 3 * SECONDS); /* listed beside its former self, and not promoted */
    assert_int_equal(raft_configuration(wiped->node->raft)->n, 4);
    uint64_t before = wiped->node->next_link;
    bus_run(bus, 10 * SECONDS);
    assert_in_range(wiped->node->next_link - before, 0, 4);
    for (int i = 0; i < 2; i++) others[i]->node->membership_again_us = bus->now_us;
    assert_true(wait_cluster(bus, places, 3, 3, 8 * SECONDS));
    bus_free(bus);
}

/* Removed ids are remembered in memory alone. A node that never learned of its removal may come
 * back with the same id in the same life: its row begins anew, and nothing of its stream was
 * applied before (only a node that has applied its membership sees its own commands). */
static void test_a_joining_node_that_comes_back_with_its_id_can_write(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(2, places);
    places[2] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    ask_meet(places[2], bus_leader(bus));
    while (places[2]->node->identity.state != IDENTITY_JOINING) bus_run(bus, 2 * MS);
    raft_id id = id_of(places[2]);
    struct place *leader = bus_leader(bus);
    leader->node->membership_again_us = bus->now_us + 100 * SECONDS;
    for (int i = 0; i < 5000; i++) {
        if (configuration_find(raft_configuration(leader->node->raft), id) != NULL) break;
        bus->now_us += 100;
        bus_settle(bus);
    }
    places[2]->cut = true; /* listed, and has not applied it */
    assert_non_null(configuration_find(raft_configuration(leader->node->raft), id));
    assert_string_equal(call_forget(leader, id), "+OK\r\n");
    for (int i = 0; i < 2; i++) place_kill(places[i]); /* whoever remembered */
    for (int i = 0; i < 2; i++) place_start(places[i]);
    places[2]->cut = false;
    assert_true(wait_cluster(bus, places, 3, 3, 10 * SECONDS));
    assert_int_equal(id_of(places[2]), id);
    assert_string_equal(call_node(places[2], "SET a 1"), "+OK\r\n");
    assert_string_equal(call_node(places[2], "INCR a"), ":2\r\n");
    bus_free(bus);
}

/* -- copies ---------------------------------------------------------------------------------- */

static void test_a_copied_directory_at_another_address_does_no_harm(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    struct handshake how = {.secret = BUS_SECRET,
        .purpose = "control",
        .wanted = id_of(places[0]),
        .greeting = greeting_like(places[0], id_of(places[2]))};
    struct wire *wire = peer_dial(places[0], &how); /* the copy: same id, another address */
    assert_true(wire_heard(wire, "welcome"));
    bus_run(bus, 2 * SECONDS);
    assert_true(is_one_cluster(places, 3, 3));
    how.greeting = greeting_like(places[0], id_of(places[0]));
    wire = peer_dial(places[0], &how); /* and one of the asked node itself */
    assert_true(wire_heard(wire, "copy of its directory"));
    bus_run(bus, SECONDS);
    assert_true(is_one_cluster(places, 3, 3));
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forget_answers_once_the_removal_is_committed),
        cmocka_unit_test(test_a_removed_node_learns_it_and_serves_nothing),
        cmocka_unit_test(test_the_leader_can_be_forgotten_at_a_follower),
        cmocka_unit_test(test_no_node_forgets_itself_or_a_stranger),
        cmocka_unit_test(test_a_dead_member_can_be_forgotten),
        cmocka_unit_test(test_forget_without_a_majority_ends_uncertain),
        cmocka_unit_test(test_a_client_that_leaves_does_not_stop_its_forget),
        cmocka_unit_test(test_a_node_removed_while_it_was_down_learns_it),
        cmocka_unit_test(test_it_learns_it_even_where_all_others_were_restarted_since),
        cmocka_unit_test(
            test_a_node_removed_while_it_was_cut_off_learns_it_without_a_new_connection),
        cmocka_unit_test(test_a_node_removed_while_its_disk_stood_still_learns_it),
        cmocka_unit_test(test_a_removed_node_stays_removed_after_its_restart),
        cmocka_unit_test(test_forget_then_reset_then_meet_brings_a_node_back),
        cmocka_unit_test(test_a_node_reset_right_after_its_removal_is_not_fenced),
        cmocka_unit_test(test_forget_of_a_joining_node_is_final),
        cmocka_unit_test(test_reset_of_a_living_member_is_refused),
        cmocka_unit_test(test_reset_of_a_single_node_with_keys_is_refused),
        cmocka_unit_test(test_a_learner_that_died_is_not_promoted),
        cmocka_unit_test(test_a_learner_far_behind_is_promoted_only_when_it_has_caught_up),
        cmocka_unit_test(test_a_node_does_not_keep_dialling_its_former_self),
        cmocka_unit_test(test_a_joining_node_that_comes_back_with_its_id_can_write),
        cmocka_unit_test(test_a_copied_directory_at_another_address_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
