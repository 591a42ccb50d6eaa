#include "unit/node/bus.h"

static uint32_t count_of(const char *text, const char *what) {
    uint32_t n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) n++;
    return n;
}

static void test_all_nodes_agree_who_is_master_and_who_replicates(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    char master[41];
    cluster_node_name(bus_leader(bus)->node->identity.id, master);
    for (int i = 0; i < 3; i++) {
        const char *nodes = call_node(places[i], "CLUSTER NODES");
        assert_int_equal(count_of(nodes, "master - "), 1);
        assert_int_equal(count_of(nodes, " connected 0-16383"), 1);
        assert_int_equal(count_of(nodes, "myself"), 1);
        assert_int_equal(count_of(nodes, master), 3); /* its own line, and two that name it */
    }
    bus_free(bus);
}

static void test_a_fresh_node_claims_no_slots(void **context) {
    (void)context;
    struct bus *bus = bus_new();
    struct place *place = bus_node(bus, BOOTSTRAP_NO);
    bus_run(bus, 100 * MS);
    assert_string_equal(call_node(place, "CLUSTER SLOTS"), "*0\r\n");
    assert_null(strstr(call_node(place, "CLUSTER NODES"), "16383"));
    assert_non_null(strstr(call_node(place, "CLUSTER INFO"), "cluster_slots_assigned:0\r\n"));
    assert_non_null(strstr(call_node(place, "CLUSTER INFO"), "cluster_state:fail\r\n"));
    assert_null(strstr(call_node(place, "CLUSTER SHARDS"), ":16383"));
    bus_free(bus);
}

static void test_a_single_node_owns_all_slots(void **context) {
    (void)context;
    struct place *places[1];
    struct bus *bus = bus_cluster(1, places);
    assert_non_null(
        strstr(call_node(places[0], "CLUSTER SLOTS"), "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n"));
    assert_non_null(strstr(call_node(places[0], "CLUSTER INFO"), "cluster_state:ok\r\n"));
    assert_non_null(strstr(call_node(places[0], "CLUSTER INFO"), "cluster_known_nodes:1\r\n"));
    bus_free(bus);
}

static void test_slots_name_the_leader_first_and_then_its_replicas(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    char master[41];
    cluster_node_name(bus_leader(bus)->node->identity.id, master);
    for (int i = 0; i < 3; i++) {
        const char *slots = call_node(places[i], "CLUSTER SLOTS");
        assert_non_null(strstr(slots, "*1\r\n*5\r\n:0\r\n:16383\r\n"));
        const char *first = strstr(slots, "$40\r\n");
        assert_memory_equal(first + 5, master, 40);
    }
    bus_free(bus);
}

static void test_replicas_and_myid_and_myshardid_agree_between_nodes(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    char master[41], words[100], shard[80];
    cluster_node_name(bus_leader(bus)->node->identity.id, master);
    snprintf(words, sizeof words, "CLUSTER REPLICAS %s", master);
    snprintf(shard, sizeof shard, "%s", call_node(places[0], "CLUSTER MYSHARDID"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count_of(call_node(places[i], words), "slave"), 2);
        assert_string_equal(call_node(places[i], "CLUSTER MYSHARDID"), shard);
        assert_non_null(strstr(call_node(places[i], "CLUSTER MYID"), "$40\r\n"));
    }
    bus_free(bus);
}

static void test_errors_are_worded_as_redis_words_them(void **context) {
    (void)context;
    static const char *const cases[][2] = {
        {"CLUSTER MEET 127.0.0.1 99999",
            "-ERR Invalid node address specified: 127.0.0.1:99999\r\n"},
        {"CLUSTER MEET 127.0.0.1 60000",
            "-ERR Invalid node address specified: 127.0.0.1:60000\r\n"},
        {"CLUSTER MEET 127.0.0.1 0", "-ERR Invalid node address specified: 127.0.0.1:0\r\n"},
        {"CLUSTER MEET 127.0.0.1 x", "-ERR Invalid base port specified: x\r\n"},
        {"CLUSTER MEET 127.0.0.1 1 x", "-ERR Invalid bus port specified: x\r\n"},
        {"CLUSTER FORGET abc", "-ERR Unknown node abc\r\n"},
        {"CLUSTER REPLICAS abc", "-ERR Unknown node abc\r\n"},
        {"CLUSTER KEYSLOT {a}b", ":15495\r\n"},
        {"CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot\r\n"},
        {"CLUSTER COUNTKEYSINSLOT x", "-ERR value is not an integer or out of range\r\n"},
        {"CLUSTER GETKEYSINSLOT 1 -1", "-ERR Invalid slot or number of keys\r\n"},
        {"CLUSTER FAILOVER", "-ERR You should send CLUSTER FAILOVER to a replica\r\n"},
        {"CLUSTER FAILOVER x", "-ERR syntax error\r\n"},
        {"CLUSTER RESET x", "-ERR syntax error\r\n"},
    };
    struct place *places[1];
    struct bus *bus = bus_cluster(1, places);
    for (size_t i = 0; i < SF_LENGTH(cases); i++)
        assert_string_equal(call_node(places[0], cases[i][0]), cases[i][1]);
    bus_free(bus);
}

static void test_keys_of_a_slot_are_counted_and_named(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    assert_string_equal(call_node(places[0], "MSET {a}1 x {a}2 x b y"), "+OK\r\n");
    bus_run(bus, 100 * MS);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(call_node(places[i], "CLUSTER COUNTKEYSINSLOT 15495"), ":2\r\n");
        assert_non_null(strstr(call_node(places[i], "CLUSTER GETKEYSINSLOT 15495 1"), "*1\r\n$4"));
    }
    bus_free(bus);
}

static void test_failover_at_a_follower_makes_it_the_leader(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    struct place *follower = bus_leader(bus) == places[1] ? places[2] : places[1];
    assert_string_equal(call_node(follower, "CLUSTER FAILOVER"), "+OK\r\n");
    bus_run(bus, 500 * MS);
    assert_ptr_equal(bus_leader(bus), follower);
    assert_int_equal(call_node(places[0], "CLUSTER FAILOVER TAKEOVER")[0], '-');
    bus_free(bus);
}

static void test_a_dead_member_is_shown_as_such(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    struct place *dead = bus_leader(bus) == places[1] ? places[2] : places[1];
    place_kill(dead);
    bus_run(bus, 5 * SECONDS);
    const char *nodes = call_node(places[0], "CLUSTER NODES");
    assert_int_equal(count_of(nodes, "fail?"), 1);
    assert_int_equal(count_of(nodes, "disconnected"), 1);
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_nodes_agree_who_is_master_and_who_replicates),
        cmocka_unit_test(test_a_fresh_node_claims_no_slots),
        cmocka_unit_test(test_a_single_node_owns_all_slots),
        cmocka_unit_test(test_slots_name_the_leader_first_and_then_its_replicas),
        cmocka_unit_test(test_replicas_and_myid_and_myshardid_agree_between_nodes),
        cmocka_unit_test(test_errors_are_worded_as_redis_words_them),
        cmocka_unit_test(test_keys_of_a_slot_are_counted_and_named),
        cmocka_unit_test(test_failover_at_a_follower_makes_it_the_leader),
        cmocka_unit_test(test_a_dead_member_is_shown_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
