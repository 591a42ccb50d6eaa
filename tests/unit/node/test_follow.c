/* Following a Redis, which the test plays; and MIGRATE to one. */
#include "unit/node/harness.h"

#define REPLID "0123456789abcdef0123456789abcdef01234567"

/* The newest connection, open or just dialled. */
static struct world_out *latest(struct world *world) {
    assert_true(world->n_outs > 0);
    return &world->outs[world->n_outs - 1];
}

static void opens(struct world *world) {
    struct world_out *out = latest(world);
    node_on_out_open(world->seats[out->seat]->node, out->number, world->now_us);
    world_settle(world);
}

/* Redis says that; what the node does about it happens. */
static void says_bytes(struct world *world, struct slice bytes) {
    struct world_out *out = latest(world);
    assert_false(out->closed);
    node_on_out_bytes(world->seats[out->seat]->node, out->number, bytes, world->now_us);
    world_settle(world);
}

static void says(struct world *world, const char *text) {
    says_bytes(world, slice_text(text));
}

/* The node has said exactly that since the last look. */
static void hears(struct world *world, const char *text) {
    struct world_out *out = latest(world);
    buf_append_char(&out->sent, '\0');
    assert_string_equal(buf_slice(&out->sent).data, text);
    buf_clear(&out->sent);
}

static void hears_nothing_more(struct world *world) {
    buf_clear(&latest(world)->sent);
}

#define DUMP_OF_A_1                                                                                \
    "REDIS0009\xfe\x00\x00\x01"                                                                    \
    "a\x01"                                                                                        \
    "1\xff"

static void greet(struct world *world) {
    opens(world);
    hears(world, "*1\r\n$4\r\nPING\r\n");
    says(world, "+PONG\r\n");
    hears(world, "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n7000\r\n");
    says(world, "+OK\r\n");
    hears(
        world, "*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n");
    says(world, "+OK\r\n");
}

/* A dump that holds a = 1 at offset 100, and the link is up. */
static void send_dump(struct world *world) {
    char dump[64] = DUMP_OF_A_1; /* 17 bytes with its zero, then a checksum that is none */
    size_t len = sizeof DUMP_OF_A_1 - 1 + 8;
    char head[40];
    says(world, "+FULLRESYNC " REPLID " 100\r\n");
    says(world, "\n");
    snprintf(head, sizeof head, "$%zu\r\n", len);
    says(world, head);
    says_bytes(world, slice_of(dump, 5));
    says_bytes(world, slice_of(dump + 5, len - 5));
}

static void begin(struct world *world, struct client *client) {
    for (int i = 0; i < world->n; i++) world->seats[i]->node->settings.port = 7000;
    client_ask(client, "REPLICAOF 10.0.0.9 6379\r\n", "+OK\r\n");
    world_run(world, 5);
    assert_int_equal(latest(world)->port, 6379);
    greet(world);
    hears(world, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    send_dump(world);
}

static void test_a_dump_and_what_follows_arrive_at_every_node(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    client_ask(client, "SET old 1\r\n", "+OK\r\n");
    begin(world, client);
    world_run(world, 100);
    client_ask(client, "GET a\r\nGET old\r\n", "$1\r\n1\r\n$-1\r\n");
    says(world,
        "*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    world_run(world, 100);
    client_ask(client, "GET a\r\nSET a 9\r\n",
        "$1\r\n2\r\n-READONLY You can't write against a read only replica.\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_transaction_of_the_masters_is_applied_whole(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    begin(world, client);
    says(world,
        "*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    world_run(world, 50);
    client_ask(client, "GET b\r\nGET a\r\n", "$1\r\n1\r\n$1\r\n1\r\n");
    says(world, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$4\r\nEX");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n1\r\n");
    says(world, "EC\r\n");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n3\r\n");
    world_free(world);
}

static void test_a_new_leader_goes_on_at_what_is_applied(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    begin(world, client);
    says(world, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"); /* 21 bytes: up to 121 */
    world_run(world, 50);
    says(world, "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");
    world_run(world, 10);
    hears_nothing_more(world);
    seat_kill(world->seats[leader]);
    uint32_t before = world->n_outs;
    (void)world_leader(world);
    world_run(world, 50);
    assert_int_equal(world->n_outs, before + 1);
    greet(world);
    hears(world, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" REPLID "\r\n$3\r\n122\r\n");
    says(world, "+CONTINUE\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n3\r\n");
    world_free(world);
}

static void test_what_is_applied_is_acknowledged_at_once_where_it_is_asked_for(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    begin(world, client_open(world, 0));
    world_run(world, 2000);
    hears_nothing_more(world);
    says(world,
        "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");
    world_run(world, 20);
    hears(world, "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n158\r\n");
    world_free(world);
}

static void test_half_of_a_dump_is_not_shown_and_begun_again_when_the_link_breaks(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "REPLICAOF 10.0.0.9 6379\r\n", "+OK\r\n");
    world->seats[0]->node->settings.port = 7000;
    world_run(world, 5);
    greet(world);
    says(world, "+FULLRESYNC " REPLID " 100\r\n$100\r\nREDIS0009");
    world_run(world, 20);
    client_ask(client, "GET a\r\n", "-LOADING Redis is loading the dataset in memory\r\n");
    node_on_out_closed(
        world->seats[0]->node, latest(world)->number, "closed by the other side", world->now_us);
    world_run(world, 2000);
    assert_int_equal(world->n_outs, 2);
    greet(world);
    hears(world, "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n");
    send_dump(world);
    world_run(world, 20);
    client_ask(client, "GET a\r\n", "$1\r\n1\r\n");
    world_free(world);
}

static void test_an_unknown_command_ends_the_link_and_nothing_behind_it_counts(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    begin(world, client);
    says(world,
        "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$7\r\nNOTHING\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    assert_true(latest(world)->closed);
    world_run(world, 50);
    client_send(client, "GET a\r\nINFO replication\r\n");
    world_settle(world);
    assert_non_null(strstr(client_take(client), "'NOTHING' is unknown here"));
    world_free(world);
}

static void test_a_log_that_does_not_move_pauses_the_master(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    begin(world, client_open(world, leader));
    world_run(world, 50);
    world_hold_commits(world, leader, true);
    struct buf set = {0};
    buf_printf(&set, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1000000\r\n");
    memset(buf_reserve(&set, 1000000), 'v', 1000000);
    buf_commit(&set, 1000000);
    buf_append_text(&set, "\r\n");
    for (int i = 0; i < 6 && !latest(world)->paused; i++) says_bytes(world, buf_slice(&set));
    assert_true(latest(world)->paused);
    world_hold_commits(world, leader, false);
    world_run(world, 200);
    assert_false(latest(world)->paused);
    buf_free(&set);
    world_check_equal(world);
    world_free(world);
}

static void test_no_one_ends_it_and_the_data_is_ours(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, 0);
    begin(world, client);
    world_run(world, 50);
    client_ask(client, "REPLICAOF NO ONE\r\n", "+OK\r\n");
    world_run(world, 20);
    assert_true(latest(world)->closed);
    client_ask(client, "INCR a\r\n", ":2\r\n");
    world_check_equal(world);
    world_free(world);
}

/* Redis goes on from what it was asked for, whatever was applied here while it answered. */
static void test_what_is_applied_while_the_master_answers_is_not_run_again(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, leader);
    begin(world, client);
    world_run(world, 50);
    world_hold_commits(world, leader, true);
    says(world, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"); /* 100 to 121 */
    node_on_out_closed(
        world->seats[leader]->node, latest(world)->number, "lost on its way", world->now_us);
    world_run(world, 1100);
    greet(world);
    hears(world, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" REPLID "\r\n$3\r\n101\r\n");
    world_hold_commits(world, leader, false);
    world_run(world, 50); /* what was in the log is applied */
    says(world, "+CONTINUE\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n2\r\n");
    world_run(world, 50); /* and it begins again from the state */
    greet(world);
    hears(world, "*3\r\n$5\r\nPSYNC\r\n$40\r\n" REPLID "\r\n$3\r\n122\r\n");
    says(world, "+CONTINUE\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n3\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_dump_that_does_not_end_with_its_length_is_refused(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    client_ask(client_open(world, 0), "REPLICAOF 10.0.0.9 6379\r\n", "+OK\r\n");
    world->seats[0]->node->settings.port = 7000;
    world_run(world, 5);
    greet(world);
    says(world, "+FULLRESYNC " REPLID " 100\r\n$9\r\nREDIS0009");
    world_run(world, 50);
    assert_true(latest(world)->closed);
    world_free(world);
}

static void test_a_replication_id_that_is_none_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "+FULLRESYNC 0123456789abcdef0123456789abcdef0123456\r 100\r\n",
        "+FULLRESYNC 0123456789abcdef0123456789abcdef0123 567 100\r\n"};
    for (size_t i = 0; i < SF_LENGTH(lines); i++) {
        struct world *world = world_ready(1);
        client_ask(client_open(world, 0), "REPLICAOF 10.0.0.9 6379\r\n", "+OK\r\n");
        world->seats[0]->node->settings.port = 7000;
        world_run(world, 5);
        greet(world);
        says(world, lines[i]);
        world_run(world, 50);
        assert_true(latest(world)->closed);
        assert_int_equal(world->n_outs, 1); /* a second passes before the next one */
        world_free(world);
    }
}

static void test_what_the_master_says_makes_no_lines_of_info(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    begin(world, client);
    says(world, "*1\r\n$13\r\nBAD\r\nforged:1\r\n");
    world_run(world, 50);
    client_send(client, "INFO replication\r\n");
    world_settle(world);
    assert_null(strstr(client_take(client), "\nforged:1"));
    world_free(world);
}

static void test_what_came_before_an_unknown_command_is_applied(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    begin(world, client);
    says(world, "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$7\r\nNOTHING\r\n");
    world_run(world, 50);
    client_ask(client, "GET a\r\n", "$1\r\n2\r\n");
    world_free(world);
}

/* -- MIGRATE --------------------------------------------------------------------------------- */

static void test_migrate_deletes_what_was_acknowledged_alone(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, 1);
    client_ask(client, "MSET a 1 b 2\r\n", "+OK\r\n");
    client_send(client, "MIGRATE 10.0.0.9 6379 \"\" 3 1000 AUTH pw KEYS a b none\r\nDBSIZE\r\n");
    world_run(world, 20);
    opens(world);
    hears(world, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n");
    says(world, "+OK\r\n+OK\r\n");
    assert_int_equal(
        memcmp(buf_slice(&latest(world)->sent).data, "*4\r\n$7\r\nRESTORE\r\n", 17), 0);
    says(world, "+OK\r\n-BUSY");
    says(world, "KEY Target key name already exists.\r\n");
    world_run(world, 50);
    client_expect(client, "-ERR Target instance replied with error: BUSYKEY Target key name "
                          "already exists.\r\n:1\r\n");
    client_ask(client, "MGET a b\r\n", "*2\r\n$-1\r\n$1\r\n2\r\n");
    assert_true(latest(world)->closed);
    world_free(world);
}

static void test_migrate_gives_up_in_its_time(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "SET a 1\r\n", "+OK\r\n");
    client_send(client, "MIGRATE 10.0.0.9 6379 a 0 300\r\n");
    world_run(world, 200);
    opens(world);
    world_run(world, 250);
    client_expect(client, "");
    world_run(world, 100);
    client_expect(client, "-IOERR error or timeout reading from target instance\r\n");
    client_ask(client, "GET a\r\n", "$1\r\n1\r\n");
    client_send(client, "MIGRATE 10.0.0.9 6379 a 0 300\r\n");
    world_run(world, 20);
    client_close(client); /* nobody waits any more */
    assert_true(latest(world)->closed);
    world_free(world);
}

static void test_migrate_reads_as_nobody_whoever_read_before(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "SET a 1\r\nACL SETUSER admin on nopass ~* &* +@all\r\n", "+OK\r\n+OK\r\n");
    client_ask(
        client, "AUTH admin x\r\nACL SETUSER default -@all +ping +get\r\n", "+OK\r\n+OK\r\n");
    client_send(client, "MIGRATE 10.0.0.9 6379 a 0 1000\r\n");
    world_run(world, 20);
    engine_read_as(world->seats[0]->node->engine, &(struct acl_claim){0, 0}); /* anybody's read */
    opens(world);
    hears(world, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
    says(world, "+OK\r\n");
    static const char restore[] = "*4\r\n$7\r\nRESTORE\r\n$1\r\na\r\n$1\r\n0\r\n$13\r\n";
    assert_true(latest(world)->sent.len > sizeof restore);
    assert_memory_equal(buf_slice(&latest(world)->sent).data, restore, sizeof restore - 1);
    says(world, "+OK\r\n");
    world_run(world, 20);
    client_expect(client, "+OK\r\n");
    client_ask(client, "EXISTS a\r\n", ":0\r\n");
    world_free(world);
}

/* The target has them. */
static void test_migrate_that_cannot_delete_is_not_called_unexecuted(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = (world_leader(world) + 1) % 3;
    struct client *client = client_open(world, follower);
    client_ask(client, "SET a 1\r\n", "+OK\r\n");
    client_send(client, "MIGRATE 10.0.0.9 6379 a 0 1000\r\n");
    world_run(world, 20);
    opens(world);
    says(world, "+OK\r\n");
    world_isolate(world, follower);
    world_run(world, 500);
    says(world, "+OK\r\n");
    world_run(world, 4000);
    assert_int_equal(memcmp(client_take(client), "-UNCERTAIN ", 11), 0);
    world_free(world);
}

static void test_what_speaks_no_redis_acknowledges_nothing(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "SET a 1\r\n", "+OK\r\n");
    client_send(client, "MIGRATE 10.0.0.9 80 a 0 1000\r\n");
    world_run(world, 20);
    opens(world);
    says(world, "HTTP/1.1 400 Bad Request\r\nServer: x\r\nConnection: close\r\n");
    world_run(world, 2000);
    assert_int_equal(memcmp(client_take(client), "-ERR Target", 11), 0);
    client_ask(client, "GET a\r\n", "$1\r\n1\r\n");
    world_free(world);
}

/* -- SYNC ------------------------------------------------------------------------------------ */

static void test_sync_sends_a_dump_between_two_marks_and_closes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, 2);
    client_ask(client, "SET a 1\r\n", "+OK\r\n");
    client_ask(client, "REPLCONF capa eof\r\nREPLCONF rdb-only 1\r\n", "+OK\r\n+OK\r\n");
    client_send(client, "SYNC\r\nSET a 2\r\n");
    world_run(world, 100);
    struct buf *out = session_output(client->session);
    struct slice all = buf_slice(out);
    assert_true(all.len > 47 + 40);
    assert_int_equal(memcmp(all.data, "$EOF:", 5), 0);
    assert_int_equal(memcmp(all.data + 45, "\r\nREDIS0010", 11), 0);
    assert_int_equal(memcmp(all.data + all.len - 40, all.data + 5, 40), 0);
    assert_true(session_wants_close(client->session)); /* what it said behind is not heard */
    world_free(world);
}

static void test_a_client_that_takes_nothing_of_its_dump_is_dropped(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    struct buf set = {0};
    for (int i = 0; i < 30000; i++) {
        buf_printf(&set, "*3\r\n$3\r\nSET\r\n$5\r\n%05d\r\n$100\r\n", i);
        for (int k = 0; k < 100; k++)
            buf_append_char(&set, (char)('0' + random_next(&world->random) % 64));
        buf_append_text(&set, "\r\n");
        if (i % 1000 < 999) continue;
        buf_append_char(&set, '\0');
        client_send(client, buf_slice(&set).data);
        world_settle(world);
        (void)client_take(client);
        buf_clear(&set);
    }
    client_ask(client, "REPLCONF capa eof\r\n", "+OK\r\n");
    world->seats[0]->node->settings.output_limit.hard_bytes = UINT64_MAX;
    client_send(client, "SYNC\r\n");
    world_run(world, 30000);
    size_t held = session_output(client->session)->len;
    assert_true(held < (3u << 20));
    assert_false(session_must_close_now(client->session));
    world_run(world, 40000);
    assert_true(session_must_close_now(client->session));
    buf_free(&set);
    world_free(world);
}

static void test_who_wants_to_be_a_replica_gets_no_dump(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    client_ask(client, "REPLCONF listening-port 7 capa eof\r\n", "+OK\r\n");
    client_ask(client, "PSYNC ? -1\r\n",
        "-ERR ShardForge has no Redis replicas: let redis-cli --rdb take a dump, or CLUSTER MEET "
        "another ShardForge node\r\n");
    client_ask(client, "PING\r\n", "+PONG\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dump_and_what_follows_arrive_at_every_node),
        cmocka_unit_test(test_a_transaction_of_the_masters_is_applied_whole),
        cmocka_unit_test(test_a_new_leader_goes_on_at_what_is_applied),
        cmocka_unit_test(test_what_is_applied_is_acknowledged_at_once_where_it_is_asked_for),
        cmocka_unit_test(test_half_of_a_dump_is_not_shown_and_begun_again_when_the_link_breaks),
        cmocka_unit_test(test_an_unknown_command_ends_the_link_and_nothing_behind_it_counts),
        cmocka_unit_test(test_a_log_that_does_not_move_pauses_the_master),
        cmocka_unit_test(test_no_one_ends_it_and_the_data_is_ours),
        cmocka_unit_test(test_what_is_applied_while_the_master_answers_is_not_run_again),
        cmocka_unit_test(test_a_dump_that_does_not_end_with_its_length_is_refused),
        cmocka_unit_test(test_a_replication_id_that_is_none_is_refused),
        cmocka_unit_test(test_what_the_master_says_makes_no_lines_of_info),
        cmocka_unit_test(test_what_came_before_an_unknown_command_is_applied),
        cmocka_unit_test(test_migrate_deletes_what_was_acknowledged_alone),
        cmocka_unit_test(test_migrate_gives_up_in_its_time),
        cmocka_unit_test(test_migrate_reads_as_nobody_whoever_read_before),
        cmocka_unit_test(test_migrate_that_cannot_delete_is_not_called_unexecuted),
        cmocka_unit_test(test_what_speaks_no_redis_acknowledges_nothing),
        cmocka_unit_test(test_sync_sends_a_dump_between_two_marks_and_closes),
        cmocka_unit_test(test_a_client_that_takes_nothing_of_its_dump_is_dropped),
        cmocka_unit_test(test_who_wants_to_be_a_replica_gets_no_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
