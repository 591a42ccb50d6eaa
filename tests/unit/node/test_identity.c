#include "unit/node/bus.h"

static struct node_identity some_identity(void) {
    struct node_identity identity = {
        .id = 0x123456789abcdef, .state = IDENTITY_JOINING, .was_reset = true, .n_join = 2};
    memset(identity.cluster_id, 'a', CLUSTER_ID_CHARS);
    identity.join[0] = (struct raft_address){"10.0.0.1", 6379, 16379};
    memset(identity.join[1].host, 'h', RAFT_HOST_MAX);
    identity.join[1].bus_port = UINT16_MAX;
    return identity;
}

static void test_an_identity_survives_being_written_and_read(void **context) {
    (void)context;
    struct node_identity identity = some_identity(), again;
    struct buf bytes = {0};
    identity_encode(&identity, &bytes);
    assert_int_equal(identity_decode(buf_slice(&bytes), &again), SF_OK);
    assert_int_equal(again.id, identity.id);
    assert_int_equal(again.state, identity.state);
    assert_true(again.was_reset);
    assert_string_equal(again.cluster_id, identity.cluster_id);
    assert_int_equal(again.n_join, 2);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(&again.join[i], &identity.join[i], sizeof again.join[i]);
    buf_free(&bytes);
}

static void test_an_identity_that_is_cut_or_too_long_is_refused(void **context) {
    (void)context;
    struct node_identity identity = some_identity(), again;
    struct buf bytes = {0};
    identity_encode(&identity, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct slice cut = slice_of(buf_slice(&bytes).data, len);
        assert_int_equal(identity_decode(cut, &again), SF_ERR_CORRUPT);
    }
    buf_append_char(&bytes, 'x');
    assert_int_equal(identity_decode(buf_slice(&bytes), &again), SF_ERR_CORRUPT);
    buf_free(&bytes);
}

static void test_a_greeting_survives_being_written_and_read(void **context) {
    (void)context;
    struct greeting greeting = {.id = 7,
        .incarnation = {7, UINT64_MAX, 3},
        .state = IDENTITY_MEMBER,
        .empty = true,
        .n_members = RAFT_MEMBERS_MAX,
        .databases = 16,
        .address = {"", 1, 2},
        .leader = 9,
        .leader_address = {"::1", 3, 4},
        .last_index = UINT64_MAX};
    struct greeting again;
    memset(greeting.cluster_id, 'c', CLUSTER_ID_CHARS);
    struct buf bytes = {0};
    greeting_put(&greeting, &bytes);
    assert_int_equal(greeting_read(buf_slice(&bytes), &again), SF_OK);
    struct buf second = {0};
    greeting_put(&again, &second);
    assert_true(slice_equal(buf_slice(&bytes), buf_slice(&second)));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(
            greeting_read(slice_of(buf_slice(&bytes).data, len), &again), SF_ERR_CORRUPT);
    buf_append_char(&bytes, 'x');
    assert_int_equal(greeting_read(buf_slice(&bytes), &again), SF_ERR_CORRUPT);
    buf_free(&bytes);
    buf_free(&second);
}

static void test_a_greeting_of_node_zero_or_of_too_many_members_is_refused(void **context) {
    (void)context;
    struct greeting greeting = {.id = 0, .databases = 16}, again;
    struct buf bytes = {0};
    greeting_put(&greeting, &bytes);
    assert_int_equal(greeting_read(buf_slice(&bytes), &again), SF_ERR_CORRUPT);
    buf_clear(&bytes);
    greeting.id = 1;
    greeting.n_members = RAFT_MEMBERS_MAX + 1;
    greeting_put(&greeting, &bytes);
    assert_int_equal(greeting_read(buf_slice(&bytes), &again), SF_ERR_CORRUPT);
    buf_free(&bytes);
}

static void test_the_proofs_of_the_two_sides_and_of_other_words_differ(void **context) {
    (void)context;
    uint8_t one[16] = {1}, two[16] = {2}, a[32], b[32];
    struct slice none = slice_of(NULL, 0);
    proof_of_secret("s", 'A', one, two, none, a);
    proof_of_secret("s", 'D', one, two, none, b);
    assert_memory_not_equal(a, b, 32);
    proof_of_secret("s", 'A', two, one, none, b);
    assert_memory_not_equal(a, b, 32);
    proof_of_secret("t", 'A', one, two, none, b);
    assert_memory_not_equal(a, b, 32);
    proof_of_secret("s", 'A', one, two, SLICE("x"), b);
    assert_memory_not_equal(a, b, 32);
    proof_of_secret("s", 'A', one, two, none, b);
    assert_memory_equal(a, b, 32);
}

/* -- a node's identity over its life --------------------------------------------------------- */

static void test_a_nodes_id_is_never_zero_and_outlives_restarts(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_AUTO);
    bus_run(bus, 50 * MS);
    raft_id id = place->node->identity.id;
    assert_true(id != 0);
    for (int i = 0; i < 3; i++) {
        place_kill(place);
        place_start(place);
        bus_run(bus, 50 * MS);
        assert_int_equal(place->node->identity.id, id);
    }
    bus_free(bus);
}

static void test_two_resets_one_after_the_other_give_two_new_ids(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    raft_id first = place->node->identity.id;
    twin_stall(place->twin, bus->now_us + 200 * MS);
    struct client *one = ask_node(place, "CLUSTER RESET"), *two = ask_node(place, "CLUSTER RESET");
    bus_run(bus, 500 * MS);
    assert_string_equal(client_text(one), "+OK\r\n");
    assert_true(client_text(two)[0] == '-' || client_text(two)[0] == '+');
    raft_id second = place->node->identity.id;
    assert_true(second != first && second == twin_node_id(place->twin));
    assert_string_equal(call_node(place, "CLUSTER RESET"), "+OK\r\n");
    assert_true(place->node->identity.id != second);
    bus_free(bus);
}

static void test_a_reset_while_the_bootstrap_is_being_stored_wins(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_AUTO);
    bus_run(bus, 1990 * MS);
    twin_stall(place->twin, bus->now_us + 300 * MS);
    bus_run(bus, 100 * MS); /* the bootstrap is under way */
    assert_int_equal(place->node->identity.state, IDENTITY_FRESH);
    assert_true(place->node->identity_saved != place->node->identity_request);
    struct client *client = ask_node(place, "CLUSTER RESET");
    bus_run(bus, SECONDS);
    assert_string_equal(client_text(client), "+OK\r\n");
    assert_int_equal(place->node->identity.state, IDENTITY_FRESH);
    raft_id id = place->node->identity.id;
    place_kill(place);
    place_start(place);
    assert_int_equal(place->node->identity.id, id);
    assert_int_equal(place->node->identity.state, IDENTITY_FRESH);
    bus_free(bus);
}

static void test_a_client_that_leaves_does_not_stop_its_reset(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    raft_id id = place->node->identity.id;
    client_close(ask_node(place, "CLUSTER RESET"));
    bus_run(bus, 100 * MS);
    assert_true(place->node->identity.id != id);
    bus_free(bus);
}

static void test_a_member_whose_state_was_not_stored_in_time_is_one_after_its_restart(
    void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(1, places);
    places[1] = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    ask_meet(places[1], places[0]);
    for (int i = 0; i < 20000; i++) { /* until JOINING is to become MEMBER */
        bus->now_us += 50;
        bus_settle(bus);
        struct node *node = places[1]->node;
        if (node->identity.state == IDENTITY_JOINING &&
            node->identity_next.state == IDENTITY_MEMBER)
            break;
    }
    assert_int_equal(places[1]->node->identity.state, IDENTITY_JOINING);
    place_kill(places[1]);
    place_start(places[1]);
    assert_int_equal(places[1]->node->identity.state, IDENTITY_JOINING);
    assert_true(wait_cluster(bus, places, 2, 2, 5 * SECONDS));
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_identity_survives_being_written_and_read),
        cmocka_unit_test(test_an_identity_that_is_cut_or_too_long_is_refused),
        cmocka_unit_test(test_a_greeting_survives_being_written_and_read),
        cmocka_unit_test(test_a_greeting_of_node_zero_or_of_too_many_members_is_refused),
        cmocka_unit_test(test_the_proofs_of_the_two_sides_and_of_other_words_differ),
        cmocka_unit_test(test_a_nodes_id_is_never_zero_and_outlives_restarts),
        cmocka_unit_test(test_two_resets_one_after_the_other_give_two_new_ids),
        cmocka_unit_test(test_a_reset_while_the_bootstrap_is_being_stored_wins),
        cmocka_unit_test(test_a_client_that_leaves_does_not_stop_its_reset),
        cmocka_unit_test(test_a_member_whose_state_was_not_stored_in_time_is_one_after_its_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
