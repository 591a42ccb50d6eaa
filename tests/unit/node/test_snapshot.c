/* Snapshots at a client's word, and the start from one: what is answered meanwhile. */
#include "unit/node/bus.h"

#define FILL                                                                                       \
    "EVAL \"for i=1,3000 do redis.call('SET','key:'..i,string.rep('v',300)..i) end return 1\" 0"

static bool info_says(struct place *place, const char *text) {
    return strstr(call_node(place, "INFO persistence"), text) != NULL;
}

static struct place *filled(struct bus *bus) {
    struct place *place = bus_node(bus, BOOTSTRAP_YES);
    place->settings.debug_command = true;
    node_set_settings(place->node, &place->settings);
    bus_run(bus, 300 * MS);
    assert_string_equal(call_node(place, FILL), ":1\r\n");
    return place;
}

static void test_save_waits_for_the_disk_and_others_are_served_meanwhile(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    assert_true(info_says(place, "rdb_bgsave_in_progress:0"));
    assert_true(info_says(place, "rdb_saves:0"));
    struct client *saver = ask_node(place, "SAVE");
    bus_run(bus, 2 * MS);
    assert_string_equal(client_text(saver), "");
    assert_string_equal(call_node(place, "SET other 1"), "+OK\r\n");
    assert_true(info_says(place, "rdb_bgsave_in_progress:1"));
    assert_true(info_says(place, "current_save_keys_total:3000\r\n"));
    static const char in_progress[] = "-ERR Background save already in progress\r\n";
    assert_string_equal(call_node(place, "BGSAVE"), in_progress);
    assert_string_equal(call_node(place, "SAVE"), in_progress);
    bus_run(bus, 5 * SECONDS);
    assert_string_equal(client_text(saver), "+OK\r\n");
    assert_true(info_says(place, "rdb_saves:1"));
    assert_true(info_says(place, "rdb_last_bgsave_status:ok"));
    assert_true(info_says(place, "rdb_changes_since_last_save:1\r\n"));
    assert_true(twin_snapshot_index(place->twin) > 0);
    assert_string_equal(call_node(place, "BGSAVE SCHEDULE"), "+Background saving started\r\n");
    assert_string_equal(call_node(place, "BGSAVE NOW"), "-ERR syntax error\r\n");
    bus_run(bus, 5 * SECONDS);
    assert_true(info_says(place, "rdb_saves:2"));
    assert_string_equal(call_node(place, "SAVE"), "+OK\r\n"); /* nothing has changed since */
    bus_free(bus);
}

static void test_bgrewriteaof_takes_a_snapshot_and_is_told_apart_from_bgsave(void **state) {
    (void)state;
    static const char started[] = "+Background append only file rewriting started\r\n";
    static const char scheduled[] = "+Background append only file rewriting scheduled\r\n";
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    assert_true(info_says(place, "aof_rewrites:0\r\n"));
    assert_string_equal(call_node(place, "BGREWRITEAOF"), started);
    assert_true(info_says(place, "aof_rewrite_in_progress:1\r\n"));
    assert_true(info_says(place, "rdb_bgsave_in_progress:0\r\n"));
    assert_string_equal(call_node(place, "BGREWRITEAOF"),
        "-ERR Background append only file rewriting already in progress\r\n");
    assert_non_null(strstr(call_node(place, "BGSAVE"), "-ERR Another child process is active"));
    bus_run(bus, 5 * SECONDS);
    assert_true(info_says(place, "aof_rewrite_in_progress:0\r\n"));
    assert_true(info_says(place, "aof_last_bgrewrite_status:ok\r\naof_rewrites:1\r\n"));
    assert_true(twin_snapshot_index(place->twin) > 0);
    assert_string_equal(call_node(place, "SET k 1"), "+OK\r\n");
    assert_string_equal(call_node(place, "BGSAVE"), "+Background saving started\r\n");
    assert_string_equal(call_node(place, "BGREWRITEAOF"), scheduled);
    assert_true(info_says(place, "aof_rewrite_scheduled:1\r\n"));
    assert_string_equal(call_node(place, "SET k 2"), "+OK\r\n");
    bus_run(bus, 5 * SECONDS);
    assert_true(info_says(place, "aof_rewrite_scheduled:0\r\n"));
    assert_true(info_says(place, "aof_rewrites:2\r\n"));
    assert_true(info_says(place, "rdb_saves:3\r\n"));
    bus_free(bus);
}

static void test_a_start_from_a_snapshot_says_loading_until_it_is_loaded(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    assert_string_equal(call_node(place, "SAVE"), "+OK\r\n");
    assert_string_equal(call_node(place, "SET behind it"), "+OK\r\n");
    char digest[100];
    snprintf(digest, sizeof digest, "%s", call_node(place, "DEBUG DIGEST"));
    place_kill(place);
    place_start(place);
    struct client *client = ask_node(place, "GET behind");
    assert_string_equal(client_text(client), "-LOADING Redis is loading the dataset in memory\r\n");
    struct client *user = ask_node(place, "AUTH anybody x"); /* may be in the state */
    assert_string_equal(client_text(user), "-LOADING Redis is loading the dataset in memory\r\n");
    struct client *lister = ask_node(place, "CLIENT GETNAME");
    assert_string_equal(client_text(lister), "$-1\r\n");
    struct client *info = ask_node(place, "INFO persistence");
    assert_non_null(strstr(client_text(info), "loading:1\r\n"));
    assert_non_null(strstr(client_text(info), "loading_loaded_perc:0.00\r\n"));
    struct client *multi = ask_node(place, "MULTI");
    say_node(multi, "SET in-multi 1"); /* queued all the same: EXEC waits (DESIGN 11) */
    say_node(multi, "EXEC");
    bus_run(bus, SECONDS);
    assert_string_equal(client_text(multi), "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    assert_true(logged(place, "loaded 3000 keys"));
    assert_string_equal(call_node(place, "GET behind"), "$2\r\nit\r\n");
    assert_string_equal(call_node(place, "DEL in-multi"), ":1\r\n");
    assert_string_equal(call_node(place, "DEBUG DIGEST"), digest);
    assert_true(info_says(place, "loading:0\r\n"));
    assert_true(info_says(place, "rdb_last_load_keys_loaded:3000\r\n"));
    bus_free(bus);
}

static void test_a_snapshot_that_cannot_be_written_is_told_and_the_next_one_counts(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    struct client *saver = ask_node(place, "SAVE");
    bus_run(bus, 2 * MS);
    twin_fail_snapshot(place->twin);
    bus_run(bus, 3 * SECONDS);
    assert_string_equal(client_text(saver), "-ERR the snapshot failed\r\n");
    assert_true(info_says(place, "rdb_last_bgsave_status:err"));
    assert_int_equal(twin_snapshot_index(place->twin), 0);
    assert_string_equal(call_node(place, "SAVE"), "+OK\r\n");
    assert_true(info_says(place, "rdb_last_bgsave_status:ok"));
    bus_free(bus);
}

static void install_nothing(void *context, uint64_t request, const struct raft_snapshot *place) {
    (void)context, (void)request, (void)place;
}

/* All of it is handed over when another node's state is about to take the place of this one's. */
static void test_save_is_answered_where_a_snapshot_is_installed_meanwhile(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    struct node *node = place->node;
    struct client *saver = ask_node(place, "SAVE");
    for (int i = 0; i < 100000 && (!node->snapshots.saving || node->snapshots.writer != NULL); i++)
        bus_run(bus, MS / 10);
    assert_true(node->snapshots.saving);
    assert_null(node->snapshots.writer);
    void (*install)(void *context, uint64_t request, const struct raft_snapshot *place) =
        node->ports.install_snapshot;
    node->ports.install_snapshot = install_nothing;
    node->snapshots.receiving.is_loaded = true;
    const struct raft_ready ready = {.install = true};
    snapshots_carry_out(node, &ready);
    node->ports.install_snapshot = install;
    node->snapshots.receiving.is_loaded = false;
    node->snapshots.index = engine_applied(node->engine); /* as if that one were installed */
    bus_run(bus, 5 * SECONDS);
    assert_string_equal(client_text(saver), "+OK\r\n");
    bus_free(bus);
}

static void test_shutdown_save_stops_when_the_snapshot_is_there(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    assert_string_equal(call_node(place, "SHUTDOWN SAVE NOSAVE"), "-ERR syntax error\r\n");
    assert_string_equal(call_node(place, "SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    (void)ask_node(place, "SHUTDOWN SAVE");
    bus_run(bus, 2 * MS);
    assert_false(place->stopped);
    for (int i = 0; i < 1000 && !place->stopped; i++) bus_run(bus, 10 * MS);
    assert_true(place->stopped);
    assert_true(twin_snapshot_index(place->twin) > 0);
    bus_free(bus);
}

static void test_shutdown_without_a_word_saves_where_save_points_ask_for_it(void **state) {
    (void)state;
    for (uint32_t points = 0; points < 2; points++) {
        struct bus *bus = bus_new();
        struct place *place = filled(bus);
        place->settings.n_save_points = points;
        place->settings.save_points[0] = (struct save_point){1000000, 1};
        node_set_settings(place->node, &place->settings);
        (void)ask_node(place, "SHUTDOWN");
        for (int i = 0; i < 1000 && !place->stopped; i++) bus_run(bus, 10 * MS);
        assert_true(place->stopped);
        assert_true((twin_snapshot_index(place->twin) > 0) == (points > 0));
        bus_free(bus);
    }
}

static void test_a_save_point_that_is_reached_saves(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    place->settings.n_save_points = 1;
    place->settings.save_points[0] = (struct save_point){10, 3};
    node_set_settings(place->node, &place->settings);
    assert_string_equal(call_node(place, "SAVE"), "+OK\r\n");
    raft_index first = twin_snapshot_index(place->twin);
    for (int i = 0; i < 2; i++) assert_string_equal(call_node(place, "SET k v"), "+OK\r\n");
    bus_run(bus, 15 * SECONDS);
    assert_int_equal(twin_snapshot_index(place->twin), first); /* too few changes */
    assert_string_equal(call_node(place, "SET k v"), "+OK\r\n");
    bus_run(bus, 5 * SECONDS);
    assert_true(twin_snapshot_index(place->twin) > first);
    bus_free(bus);
}

/* The engine that it is written of goes: another one is begun, and who waits hears of that. */
static void test_a_reload_in_its_midst_begins_another_one(void **state) {
    (void)state;
    struct bus *bus = bus_new();
    struct place *place = filled(bus);
    struct client *saver = ask_node(place, "SAVE");
    bus_run(bus, 2 * MS);
    assert_string_equal(call_node(place, "DEBUG RELOAD"), "+OK\r\n");
    bus_run(bus, 8 * SECONDS);
    assert_string_equal(client_text(saver), "+OK\r\n");
    assert_true(twin_snapshot_index(place->twin) > 0);
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save_waits_for_the_disk_and_others_are_served_meanwhile),
        cmocka_unit_test(test_bgrewriteaof_takes_a_snapshot_and_is_told_apart_from_bgsave),
        cmocka_unit_test(test_a_start_from_a_snapshot_says_loading_until_it_is_loaded),
        cmocka_unit_test(test_a_snapshot_that_cannot_be_written_is_told_and_the_next_one_counts),
        cmocka_unit_test(test_save_is_answered_where_a_snapshot_is_installed_meanwhile),
        cmocka_unit_test(test_shutdown_save_stops_when_the_snapshot_is_there),
        cmocka_unit_test(test_shutdown_without_a_word_saves_where_save_points_ask_for_it),
        cmocka_unit_test(test_a_save_point_that_is_reached_saves),
        cmocka_unit_test(test_a_reload_in_its_midst_begins_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
