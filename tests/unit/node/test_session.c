/* Requests and replies of one connection: order, modes, limits, ends. */
#include "unit/node/harness.h"

static void client_send_bytes(struct client *client, const char *data, size_t len) {
    struct node *node = client->world->seats[client->seat]->node;
    buf_append(session_input(client->session), data, len);
    node_on_client_bytes(node, client->session, client->world->now_us);
}

static void set_large(struct client *client, size_t size) {
    struct buf request = {0};
    buf_printf(&request, "*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%zu\r\n", size);
    memset(buf_reserve(&request, size), 'x', size);
    buf_commit(&request, size);
    buf_append_text(&request, "\r\n");
    client_send_bytes(client, buf_slice(&request).data, request.len);
    buf_free(&request);
    world_settle(client->world);
    client_expect(client, "+OK\r\n");
}

/* -- order ----------------------------------------------------------------------------------- */

static void test_a_packet_of_write_read_write_answers_in_order(void **state) {
    (void)state;
    for (int follower = 0; follower < 2; follower++) {
        struct world *world = world_ready(3);
        int at = (world_leader(world) + follower) % 3;
        struct client *client = client_open(world, at);
        client_ask(client, "SET k 1\r\nGET k\r\nSET k 2\r\nGET k\r\nINCR k\r\n",
            "+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n:3\r\n");
        world_check_equal(world);
        world_free(world);
    }
}

static void test_local_commands_keep_their_place(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client,
        "PING\r\nSET k 1\r\nPING\r\nECHO a\r\nGET k\r\nCLIENT GETNAME\r\nNOSUCH\r\n"
        "CLIENT SETNAME me\r\nINCR k\r\nPING\r\n",
        "+PONG\r\n+OK\r\n+PONG\r\n$1\r\na\r\n$1\r\n1\r\n$-1\r\n"
        "-ERR unknown command 'NOSUCH', with args beginning with: \r\n+OK\r\n:2\r\n+PONG\r\n");
    world_free(world);
}

static void test_select_in_a_packet_holds_from_there_on(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_ask(client,
        "SET k zero\r\nSELECT 1\r\nGET k\r\nSET k one\r\nSELECT 0\r\nGET k\r\nSELECT 99\r\nGET "
        "k\r\n",
        "+OK\r\n+OK\r\n$-1\r\n+OK\r\n+OK\r\n$4\r\nzero\r\n-ERR DB index is out of "
        "range\r\n$4\r\nzero\r\n");
    world_free(world);
}

static void test_hello_in_a_packet_changes_only_what_follows(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_send(client, "GET none\r\nSET k 1\r\nHELLO 3\r\nGET none\r\nSET k 2 GET\r\nRESET\r\n"
                        "GET none\r\n");
    world_settle(world);
    const char *reply = client_take(client);
    assert_memory_equal(reply, "$-1\r\n+OK\r\n%7\r\n", 14);
    const char *tail = "_\r\n$1\r\n1\r\n+RESET\r\n$-1\r\n";
    assert_string_equal(reply + strlen(reply) - strlen(tail), tail);
    world_free(world);
}

static void test_a_packet_cut_anywhere_gives_the_same_replies(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    const char *packet = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nab\r\nGET k\r\n"
                         "*2\r\n$3\r\nGET\r\n$1\r\nk\r\nDEL k\r\nPING\r\n";
    for (size_t cut = 1; cut < strlen(packet); cut += 3) {
        struct client *client = client_open(world, 0);
        client_send_bytes(client, packet, cut);
        if (cut % 2 == 0) world_settle(world);
        client_send_bytes(client, packet + cut, strlen(packet) - cut);
        world_settle(world);
        client_expect(client, "+OK\r\n$2\r\nab\r\n$2\r\nab\r\n:1\r\n+PONG\r\n");
        client_close(client);
        client_forget(client);
    }
    world_free(world);
}

static void test_a_long_packet_is_answered_whole_and_in_order(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    struct buf packet = {0}, replies = {0};
    for (int i = 1; i <= 20000; i++) { /* more than may be pending at once */
        buf_append_text(&packet, i % 3 == 0 ? "GET n\r\n" : "INCR n\r\n");
    }
    int n = 0;
    for (int i = 1; i <= 20000; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "%d", i % 3 == 0 ? n : ++n);
        if (i % 3 == 0) {
            buf_printf(&replies, "$%d\r\n%s\r\n", len, text);
        } else {
            buf_printf(&replies, ":%s\r\n", text);
        }
    }
    buf_append_char(&replies, '\0');
    client_send_bytes(client, buf_slice(&packet).data, packet.len);
    world_run(world, 200);
    assert_string_equal(client_take(client), buf_slice(&replies).data);
    buf_free(&packet);
    buf_free(&replies);
    world_free(world);
}

/* -- modes ----------------------------------------------------------------------------------- */

static void test_client_reply_off_and_skip_silence_what_they_cover(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_ask(client,
        "INCR n\r\nCLIENT REPLY SKIP\r\nINCR n\r\nINCR n\r\nCLIENT REPLY OFF\r\nINCR n\r\nGET "
        "n\r\nPING\r\nNOSUCH\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\nINCR n\r\n",
        ":1\r\n:3\r\n+OK\r\n:5\r\n");
    world_free(world);
}

static void test_client_reply_on_is_heard_even_when_skipped(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_ask(client, "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n");
    world_free(world);
}

static void test_reset_ends_the_silence_and_is_heard(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_ask(client, "CLIENT REPLY OFF\r\nRESET\r\nPING\r\n", "+RESET\r\n+PONG\r\n");
    client_ask(client, "CLIENT REPLY SKIP\r\nRESET\r\nPING\r\n", "+RESET\r\n+PONG\r\n");
    world_free(world);
}

static void test_reset_in_a_packet_leaves_earlier_writes_where_they_belong(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_ask(client, "SELECT 3\r\nSET k 3\r\nRESET\r\nGET k\r\nSELECT 3\r\nGET k\r\n",
        "+OK\r\n+OK\r\n+RESET\r\n$-1\r\n+OK\r\n$1\r\n3\r\n");
    world_free(world);
}

static void test_quit_answers_what_came_before_and_closes(void **state) {
    (void)state;
    for (int muted = 0; muted < 2; muted++) {
        struct world *world = world_ready(3);
        struct client *client = client_open(world, (world_leader(world) + 1) % 3);
        client_send(client, muted ? "CLIENT REPLY OFF\r\nSET k 1\r\nGET k\r\nQUIT\r\nSET k 2\r\n"
                                  : "SET k 1\r\nGET k\r\nQUIT\r\nSET k 2\r\nPING\r\n");
        assert_false(session_wants_close(client->session));
        world_settle(world);
        client_expect(client, muted ? "" : "+OK\r\n$1\r\n1\r\n+OK\r\n");
        assert_true(session_wants_close(client->session));
        struct client *other = client_open(world, 0);
        client_ask(other, "GET k\r\n", "$1\r\n1\r\n");
        world_free(world);
    }
}

static void test_a_broken_request_is_answered_after_what_came_before(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, world_leader(world));
    client_send(client, "SET k 1\r\n*1\r\n!oops\r\nPING\r\n");
    world_settle(world);
    client_expect(client, "+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    assert_true(session_wants_close(client->session));
    world_free(world);
}

static void test_a_request_too_large_is_refused_and_the_stream_goes_on(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct seat *seat = world->seats[0];
    seat->settings.max_request_bytes = 1000;
    node_set_settings(seat->node, &seat->settings);
    struct client *client = client_open(world, 0);
    char bytes[2200];
    int head = snprintf(bytes, sizeof bytes,
        "CLIENT REPLY SKIP\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000\r\n");
    memset(bytes + head, 'x', 2000);
    client_send_bytes(client, bytes, (size_t)head + 2000);
    client_send_bytes(client, "\r\nPING\r\n", 8);
    world_settle(world);
    const char *reply = client_take(client);
    assert_memory_equal(reply, "-ERR", 4);
    assert_non_null(strstr(reply, "max-request-bytes"));
    assert_string_equal(reply + strlen(reply) - 7, "+PONG\r\n");
    world_free(world);
}

/* -- what is held ---------------------------------------------------------------------------- */

static void test_a_held_command_holds_only_its_own_connection(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, 0), *other = client_open(world, 0);
    client_send(client, "INCR n\r\nDEBUG SLEEP 0.5\r\nINCR n\r\nGET n\r\n");
    world_run(world, 300);
    client_expect(client, ":1\r\n");
    client_ask(other, "INCR n\r\n", ":2\r\n");
    world_run(world, 300);
    client_expect(client, "+OK\r\n:3\r\n$1\r\n3\r\n");
    world_free(world);
}

static void test_config_set_in_a_packet_keeps_its_place(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client,
        "SET k 1\r\nGET k\r\nCONFIG SET shared-a 1\r\nGET k\r\nCONFIG SET local-b 2\r\n"
        "CONFIG SET none 3\r\nINCR k\r\n",
        "+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n1\r\n+OK\r\n"
        "-ERR Unknown option or number of arguments for CONFIG SET - 'none'\r\n:2\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_client_may_leave_in_any_state(void **state) {
    (void)state;
    static const char *const packets[] = {
        "SET k 1\r\n",
        "GET k\r\n",
        "SET k 1\r\nGET k\r\nPING\r\nCLIENT ID\r\n",
        "DEBUG SLEEP 0.2\r\nSET k 1\r\n",
        "SET k 1\r\nDEBUG SLEEP 0.2\r\n",
        "CONFIG SET shared-a 1 shared-b 2\r\nGET k\r\n",
        "SET k 1\r\nCONFIG SET shared-a 1\r\n",
        "DEBUG STATE-DIGEST\r\nSET k 1\r\n",
        "CLUSTER MEET 10.0.0.9 1\r\nPING\r\n",
        "CLUSTER FORGET 0000000000000000000000000000000000000000\r\n",
        "SET k 1\r\nQUIT\r\n",
        "CLIENT KILL SKIPME no ID 1\r\nGET k\r\n",
    };
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    for (size_t i = 0; i < SF_LENGTH(packets); i++) {
        for (int turns = 0; turns < 5; turns++) {
            struct client *client = client_open(world, (leader + (int)(i % 2)) % 3);
            client_send(client, packets[i]);
            for (int k = 0; k < turns; k++) world_turn(world);
            client_close(client);
            world_turn(world);
            client_forget(client);
        }
    }
    world_run(world, 3000);
    struct client *client = client_open(world, leader);
    client_ask(client, "PING\r\nSET k 1\r\n", "+PONG\r\n+OK\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_may_end_with_requests_in_any_state(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *a = client_open(world, leader), *b = client_open(world, leader);
    client_send(a, "SET k 1\r\nGET k\r\nDEBUG SLEEP 5\r\nPING\r\n");
    client_send(b, "DEBUG SLEEP 5\r\nSET k 1\r\n");
    world_turn(world);
    seat_kill(world->seats[leader]);
    world_run(world, 500);
    world_free(world);
}

static void test_a_killed_client_is_gone_and_the_killer_goes_on(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *victim = client_open(world, 0), *killer = client_open(world, 0);
    client_send(victim, "SET k 1\r\nGET k\r\n");
    char request[64];
    snprintf(request, sizeof request, "SET k 2\r\nCLIENT KILL ID %llu\r\nGET k\r\n",
        (unsigned long long)victim->session->id);
    client_send(killer, request);
    world_settle(world);
    client_expect(killer, "+OK\r\n:1\r\n$1\r\n2\r\n");
    assert_true(session_must_close_now(victim->session));
    client_close(victim);
    snprintf(request, sizeof request, "CLIENT KILL ID %llu SKIPME no\r\nPING\r\n",
        (unsigned long long)killer->session->id);
    client_ask(killer, request, ":1\r\n");
    assert_true(session_wants_close(killer->session));
    world_free(world);
}

/* -- limits ---------------------------------------------------------------------------------- */

static void test_one_more_client_than_allowed_is_told_so(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct seat *seat = world->seats[0];
    seat->settings.max_clients = 1;
    node_set_settings(seat->node, &seat->settings);
    struct client *first = client_open(world, 0), *second = client_open(world, 0);
    client_expect(second, "-ERR max number of clients reached\r\n");
    assert_true(session_wants_close(second->session));
    client_ask(first, "PING\r\n", "+PONG\r\n");
    world_free(world);
}

static void test_a_client_that_does_not_read_is_not_read_from(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    set_large(client, 1 << 20);
    for (int i = 0; i < 20; i++) client_send(client, "GET big\r\n");
    world_settle(world);
    client_send(client, "PING\r\n");
    world_settle(world);
    assert_false(session_wants_read(client->session));
    /* what is made ahead is bounded, however much was asked for */
    assert_in_range(session_output(client->session)->len, 8 << 20, 10 << 20);
    for (int i = 0; i < 4; i++) { /* it reads: everything comes, without any other event */
        buf_clear(session_output(client->session));
        assert_true(node_next_deadline_us(world->seats[0]->node) <= world->now_us);
        world_settle(world);
        if (strcmp(client_take(client) + client->taken.len - 8, "+PONG\r\n") == 0) {
            assert_true(session_wants_read(client->session));
            world_free(world);
            return;
        }
    }
    fail_msg("the last reply never came");
}

static void test_a_client_beyond_its_output_limit_is_closed_and_makes_no_more(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct seat *seat = world->seats[0];
    seat->settings.output_limit.hard_bytes = 3 << 20;
    node_set_settings(seat->node, &seat->settings);
    struct client *client = client_open(world, 0);
    set_large(client, 1 << 20);
    struct buf packet = {0}; /* the write in the end settles all reads at once */
    for (int i = 0; i < 100; i++) buf_append_text(&packet, "GET big\r\n");
    buf_append_text(&packet, "SET k 1\r\n");
    client_send_bytes(client, buf_slice(&packet).data, packet.len);
    buf_free(&packet);
    world_settle(world);
    assert_true(session_must_close_now(client->session));
    assert_in_range(session_output(client->session)->len, 0, 5 << 20);
    world_free(world);
}

static void test_nothing_is_served_without_the_password(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *first = client_open(world, 0);
    client_ask(first, "ACL SETUSER default resetpass >secret\r\nGET k\r\n", "+OK\r\n$-1\r\n");
    struct client *client = client_open(world, 0);
    client_ask(client,
        "GET k\r\nAUTH wrong\r\nSET k 1\r\nAUTH secret\r\nSET k 1\r\nRESET\r\nGET k\r\n",
        "-NOAUTH Authentication required.\r\n"
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        "-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n+RESET\r\n"
        "-NOAUTH Authentication required.\r\n");
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_of_write_read_write_answers_in_order),
        cmocka_unit_test(test_local_commands_keep_their_place),
        cmocka_unit_test(test_select_in_a_packet_holds_from_there_on),
        cmocka_unit_test(test_hello_in_a_packet_changes_only_what_follows),
        cmocka_unit_test(test_a_packet_cut_anywhere_gives_the_same_replies),
        cmocka_unit_test(test_a_long_packet_is_answered_whole_and_in_order),
        cmocka_unit_test(test_client_reply_off_and_skip_silence_what_they_cover),
        cmocka_unit_test(test_client_reply_on_is_heard_even_when_skipped),
        cmocka_unit_test(test_reset_ends_the_silence_and_is_heard),
        cmocka_unit_test(test_reset_in_a_packet_leaves_earlier_writes_where_they_belong),
        cmocka_unit_test(test_quit_answers_what_came_before_and_closes),
        cmocka_unit_test(test_a_broken_request_is_answered_after_what_came_before),
        cmocka_unit_test(test_a_request_too_large_is_refused_and_the_stream_goes_on),
        cmocka_unit_test(test_a_held_command_holds_only_its_own_connection),
        cmocka_unit_test(test_config_set_in_a_packet_keeps_its_place),
        cmocka_unit_test(test_a_client_may_leave_in_any_state),
        cmocka_unit_test(test_a_node_may_end_with_requests_in_any_state),
        cmocka_unit_test(test_a_killed_client_is_gone_and_the_killer_goes_on),
        cmocka_unit_test(test_one_more_client_than_allowed_is_told_so),
        cmocka_unit_test(test_a_client_that_does_not_read_is_not_read_from),
        cmocka_unit_test(test_a_client_beyond_its_output_limit_is_closed_and_makes_no_more),
        cmocka_unit_test(test_nothing_is_served_without_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
