/* Changes that would leave a cluster which cannot go on are refused, in words. */
#include "unit/node/bus.h"

static raft_id id_of(const struct place *place) {
    return place->node->identity.id;
}

/* Those that do not lead, in order. */
static void followers_of(struct place **places, uint32_t n, struct place **followers) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!place_leads(places[i])) followers[found++] = places[i];
}

static void test_a_living_node_is_not_removed_beside_a_dead_one(void **context) {
    (void)context;
    struct place *places[3], *followers[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *leader = bus_leader(bus);
    followers_of(places, 3, followers);
    place_kill(followers[1]);
    bus_run(bus, 1500 * MS);
    assert_string_equal(call_forget(leader, id_of(followers[0])),
        "-ERR of the 2 voting members that would be left only 1 answers: the cluster could not go "
        "on. "
        "Start or FORGET the silent ones first, not executed\r\n");
    place_start(followers[1]);
    bus_run(bus, 1000 * MS);
    assert_string_equal(call_forget(leader, id_of(followers[0])), "+OK\r\n");
    bus_free(bus);
}

static void test_a_follower_passes_the_refusal_on(void **context) {
    (void)context;
    struct place *places[5], *followers[4];
    struct bus *bus = bus_cluster(5, places);
    followers_of(places, 5, followers);
    raft_id dead = id_of(followers[3]);
    place_kill(followers[2]);
    place_kill(followers[3]);
    bus_run(bus, 1500 * MS);
    int64_t began_us = bus->now_us;
    assert_non_null(strstr(call_forget(followers[0], id_of(followers[1])),
        "-ERR of the 4 voting members that would be left only 2 answer:"));
    assert_true(bus->now_us - began_us < SECONDS);
    assert_string_equal(call_forget(followers[0], dead), "+OK\r\n"); /* that one may go */
    bus_free(bus);
}

static void test_a_leader_that_just_began_waits_to_hear_the_others(void **context) {
    (void)context;
    struct place *places[3], *followers[2];
    struct bus *bus = bus_cluster(3, places);
    struct place *old = bus_leader(bus);
    followers_of(places, 3, followers);
    raft_id gone = id_of(old);
    assert_string_equal(call_node(followers[0], "CLUSTER FAILOVER"), "+OK\r\n");
    while (!place_leads(followers[0])) bus_run(bus, MS);
    assert_string_equal(call_forget(followers[0], gone), "+OK\r\n");
    bus_free(bus);
}

static void test_the_last_voter_is_not_removed_from_beside_a_learner(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    places[0]->node->membership_again_us = bus->now_us + 100 * SECONDS; /* promotes nobody */
    assert_string_equal(call_meet(places[1], places[0]), "+OK\r\n");
    while (raft_configuration(places[0]->node->raft)->n < 2) bus_run(bus, 10 * MS);
    bus_run(bus, SECONDS);
    int64_t began_us = bus->now_us;
    assert_string_equal(call_forget(places[1], id_of(places[0])),
        "-ERR that is the only voting member: the cluster would end, not executed\r\n");
    assert_true(bus->now_us - began_us < SECONDS);
    assert_string_equal(call_forget(places[0], id_of(places[1])), "+OK\r\n");
    bus_free(bus);
}

static void test_an_eighth_node_is_refused_and_a_wiped_one_of_seven_is_not(void **context) {
    (void)context;
    struct place *places[8], *followers[6];
    struct bus *bus = bus_cluster(7, places);
    places[7] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    assert_non_null(strstr(call_meet(places[7], places[0]), "-ERR the cluster has seven members"));
    assert_non_null(strstr(call_meet(places[0], places[7]), "-ERR the cluster has seven members"));
    assert_int_equal(raft_configuration(bus_leader(bus)->node->raft)->n, 7);
    followers_of(places, 7, followers);
    struct place *wiped = followers[0], *other = followers[1];
    place_kill(wiped);
    place_wipe(wiped);
    place_start(wiped);
    bus_run(bus, 1500 * MS);
    assert_string_equal(call_meet(wiped, other), "+OK\r\n");
    assert_true(wait_cluster(bus, places, 7, 7, 10 * SECONDS));
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_living_node_is_not_removed_beside_a_dead_one),
        cmocka_unit_test(test_a_follower_passes_the_refusal_on),
        cmocka_unit_test(test_a_leader_that_just_began_waits_to_hear_the_others),
        cmocka_unit_test(test_the_last_voter_is_not_removed_from_beside_a_learner),
        cmocka_unit_test(test_an_eighth_node_is_refused_and_a_wiped_one_of_seven_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
