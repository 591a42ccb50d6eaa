/* Who the clients are and what they may do, over all nodes. */
#include "harness.h"

#define WRONGPASS "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
#define NOAUTH "-NOAUTH Authentication required.\r\n"
#define DENIED(user, command)                                                                      \
    "-NOPERM User " user " has no permissions to run the '" command "' command\r\n"

static void say(struct world *world, int number, const char *request, const char *replies) {
    struct client *client = client_open(world, number);
    client_ask(client, request, replies);
    client_close(client);
    client_forget(client);
}

/* What the leader tells one node, which falls behind. */
static void hold_back(struct world *world, int leader, int behind) {
    world_rule(world, RULE_HOLD, leader, behind, "append");
    world_rule(world, RULE_HOLD, leader, behind, "heartbeat");
}

static void test_a_user_just_made_logs_in_at_any_node(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    say(world, 0, "ACL SETUSER x on >p +@all ~* &*\r\n", "+OK\r\n");
    for (int i = 0; i < 3; i++) {
        struct client *client = client_open(world, i);
        client_ask(client, "AUTH x p\r\nACL WHOAMI\r\nSET k 1\r\nGET k\r\n",
            "+OK\r\n$1\r\nx\r\n+OK\r\n$1\r\n1\r\n");
        client_ask(
            client, "AUTH x q\r\nAUTH y p\r\nACL WHOAMI\r\n", WRONGPASS WRONGPASS "$1\r\nx\r\n");
        client_ask(client, "HELLO 2 AUTH x q\r\n", WRONGPASS);
    }
    world_check_equal(world);
    world_free(world);
}

static void test_a_node_that_is_behind_asks_before_it_refuses(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), behind = (leader + 1) % 3;
    struct client *admin = client_open(world, leader), *client = client_open(world, behind);
    hold_back(world, leader, behind);
    client_send(admin, "ACL SETUSER x on >p +get +multi +exec ~*\r\n");
    world_run(world, 20);
    client_expect(admin, ""); /* the member that is behind may still answer */
    world_run(world, 100);
    client_expect(admin, "+OK\r\n");
    client_send(client, "AUTH x p\r\nGET k\r\nSET k 1\r\n");
    world_run(world, 10);
    client_expect(client, "");
    world_release(world);
    world_run(world, 100);
    client_expect(client, "+OK\r\n$-1\r\n" DENIED("x", "set"));
    hold_back(world, leader, behind);
    client_send(admin, "ACL SETUSER x +set\r\n");
    world_run(world, 120);
    client_expect(admin, "+OK\r\n");
    client_send(client, "SET k 1\r\nMULTI\r\nSET k 2\r\nEXEC\r\n");
    world_run(world, 10);
    client_expect(client, "");
    world_release(world);
    world_run(world, 100);
    client_expect(client, "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_what_a_node_lets_pass_by_old_rules_is_refused_where_it_runs(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), behind = (leader + 1) % 3;
    say(world, leader, "ACL SETUSER x on >p +@all ~*\r\n", "+OK\r\n");
    struct client *admin = client_open(world, leader), *client = client_open(world, behind);
    client_ask(client, "AUTH x p\r\nSET k 1\r\n", "+OK\r\n+OK\r\n");
    hold_back(world, leader, behind);
    client_send(admin, "ACL SETUSER x -set -get\r\n");
    world_run(world, 120);
    client_expect(admin, "+OK\r\n");
    client_send(client, "SET k 2\r\nGET k\r\nMULTI\r\nSET k 3\r\nPING\r\nEXEC\r\n");
    world_run(world, 10);
    world_release(world);
    world_run(world, 100);
    client_expect(client, DENIED("x", "set") DENIED(
                              "x", "get") "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-NOPERM ACLs rules "
                                          "changed between the moment the transaction was "
                                          "accumulated and the EXEC call. This "
                                          "command is no longer allowed for the following reason: "
                                          "no permission to execute the "
                                          "command or subcommand\r\n+PONG\r\n");
    client_ask(admin, "GET k\r\n", "$1\r\n1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_removed_password_opens_no_node_once_that_was_answered(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    say(world, 0, "ACL SETUSER x on >p\r\n", "+OK\r\n");
    for (int i = 0; i < 3; i++) {
        say(world, i, "ACL SETUSER x resetpass\r\n", "+OK\r\n");
        for (int k = 0; k < 3; k++) say(world, k, "AUTH x p\r\n", WRONGPASS);
        say(world, i, "ACL SETUSER x >p\r\n", "+OK\r\n");
    }
    world_free(world);
}

static void test_deleting_a_user_closes_his_connections_everywhere(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    say(world, 0, "ACL SETUSER x on >p +@all ~* &*\r\nACL SETUSER y on >p +@all ~* &*\r\n",
        "+OK\r\n+OK\r\n");
    struct client *gone[3], *stay[3];
    for (int i = 0; i < 3; i++) {
        gone[i] = client_open(world, i);
        stay[i] = client_open(world, i);
        client_ask(gone[i], "AUTH x p\r\nBLPOP k 0\r\n", "+OK\r\n");
        client_ask(stay[i], "AUTH y p\r\n", "+OK\r\n");
    }
    say(world, 1, "ACL DELUSER x\r\n", ":1\r\n");
    for (int i = 0; i < 3; i++) {
        assert_true(session_must_close_now(gone[i]->session));
        assert_false(session_must_close_now(stay[i]->session));
        client_close(gone[i]);
        client_ask(stay[i], "PING\r\n", "+PONG\r\n");
    }
    world_run(world, 100);
    client_ask(stay[0], "RPUSH k v\r\nLLEN k\r\n", ":1\r\n:1\r\n");
    struct client *self = client_open(world, 2);
    client_ask(self, "AUTH y p\r\nACL DELUSER y\r\n", "+OK\r\n:1\r\n"); /* hears it, then goes */
    assert_true(session_wants_close(self->session));
    world_check_equal(world);
    world_free(world);
}

static void test_who_listens_to_what_is_taken_is_closed(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    say(world, 0, "ACL SETUSER x on >p +@all &a* &b\r\n", "+OK\r\n");
    struct client *a = client_open(world, 1), *b = client_open(world, 2),
                  *none = client_open(world, 2);
    client_ask(none, "AUTH x p\r\n", "+OK\r\n");
    client_ask(
        a, "AUTH x p\r\nSUBSCRIBE a1\r\n", "+OK\r\n*3\r\n$9\r\nsubscribe\r\n$2\r\na1\r\n:1\r\n");
    client_ask(
        b, "AUTH x p\r\nPSUBSCRIBE b\r\n", "+OK\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\nb\r\n:1\r\n");
    say(world, 0, "ACL SETUSER x &c\r\n", "+OK\r\n");
    assert_false(session_must_close_now(a->session) || session_must_close_now(b->session));
    say(world, 0, "ACL SETUSER x resetchannels &a*\r\n", "+OK\r\n");
    assert_false(session_must_close_now(a->session));
    assert_true(session_must_close_now(b->session));
    assert_false(session_must_close_now(none->session));
    world_free(world);
}

static void test_a_password_asks_those_who_come_later(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *before = client_open(world, 1);
    client_ask(before, "PING\r\n", "+PONG\r\n");
    say(world, 0, "ACL SETUSER default resetpass >p\r\n", "+OK\r\n");
    for (int i = 0; i < 3; i++)
        say(world, i, "GET k\r\nHELLO 3\r\nAUTH p\r\nGET k\r\nRESET\r\nPING\r\n",
            NOAUTH "-NOAUTH HELLO must be called with the client already authenticated, otherwise "
                   "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                   "client and select the RESP protocol version at the same time\r\n+OK\r\n$-1\r\n"
                   "+RESET\r\n" NOAUTH);
    client_ask(before, "GET k\r\nAUTH q\r\n", "$-1\r\n" WRONGPASS);
    client_ask(before, "ACL SETUSER default off\r\n", "+OK\r\n");
    say(world, 2, "AUTH p\r\nPING\r\n", WRONGPASS NOAUTH);
    client_ask(before, "ACL SETUSER default on nopass\r\n", "+OK\r\n");
    say(world, 2, "PING\r\nAUTH x\r\n",
        "+PONG\r\n-ERR AUTH <password> called without any password configured for the default "
        "user. Are you sure your configuration is correct?\r\n");
    world_free(world);
}

static void test_the_restricted_default_user_is_restricted_at_all_nodes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *clients[3];
    for (int i = 0; i < 3; i++) clients[i] = client_open(world, i);
    client_ask(clients[0], "ACL SETUSER default -incr\r\n", "+OK\r\n");
    for (int i = 0; i < 3; i++)
        client_ask(clients[i], "SET k 1\r\nINCR k\r\nMULTI\r\nINCR k\r\nEXEC\r\n",
            "+OK\r\n" DENIED("default", "incr") "+OK\r\n" DENIED("default",
                "incr") "-EXECABORT Transaction discarded because of previous errors.\r\n");
    client_ask(clients[1], "ACL SETUSER default +incr\r\n", "+OK\r\n");
    for (int i = 0; i < 3; i++) client_ask(clients[i], "SET k 1\r\nINCR k\r\n", "+OK\r\n:2\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_users_outlive_leaders_and_restarts(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    say(world, (leader + 1) % 3,
        "ACL SETUSER default resetpass >p\r\nACL SETUSER x on >p +get ~*\r\n", "+OK\r\n+OK\r\n");
    seat_kill(world->seats[leader]);
    world_run(world, 1000);
    say(world, (leader + 1) % 3, "AUTH x p\r\nGET k\r\nSET k 1\r\n",
        "+OK\r\n$-1\r\n" DENIED("x", "set"));
    seat_start(world->seats[leader]); /* it knows of no users before it has caught up */
    struct client *early = client_open(world, leader);
    client_send(early, "SET k 1\r\n");
    world_run(world, 1000);
    client_expect(early, NOAUTH);
    say(world, leader, "PING\r\nAUTH p\r\nSET k 1\r\n", NOAUTH "+OK\r\n+OK\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_without_a_leader_auth_says_what_is_certain(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), alone = (leader + 1) % 3;
    say(world, 0, "ACL SETUSER x on >p +ping\r\n", "+OK\r\n");
    struct client *client = client_open(world, alone);
    world_isolate(world, alone);
    world_run(world, 500);
    client_ask(client, "AUTH x p\r\nPING\r\n", "+OK\r\n+PONG\r\n"); /* known here */
    client_send(client, "AUTH x q\r\nPING\r\n");
    world_run(world, 1000);
    client_expect(client, "");
    world_run(world, 1000);
    client_expect(client, "-CLUSTERDOWN The cluster has no leader, not executed\r\n+PONG\r\n");
    client_send(client, "MULTI\r\n"); /* not among what x may run */
    world_run(world, 2000);
    client_expect(client, "-CLUSTERDOWN The cluster has no leader, not executed\r\n");
    world_free(world);
}

static void test_denials_are_kept_where_the_client_is(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    say(world, 0, "ACL SETUSER x on >p +get ~a +multi +exec\r\n", "+OK\r\n");
    struct client *client = client_open(world, 1);
    client_ask(client,
        "AUTH x q\r\nAUTH x p\r\nSET a 1\r\nSET a 1\r\nGET b\r\nMULTI\r\nGET b\r\nEXEC\r\n",
        WRONGPASS "+OK\r\n" DENIED("x", "set") DENIED(
            "x", "set") "-NOPERM No permissions to access a key\r\n+OK\r\n-NOPERM No permissions "
                        "to access a "
                        "key\r\n-EXECABORT Transaction discarded because of previous errors.\r\n");
    struct client *admin = client_open(world, 1);
    client_send(admin, "ACL LOG\r\n");
    world_settle(world);
    const char *log = client_take(admin);
    assert_memory_equal(log, "*4\r\n*20\r\n$5\r\ncount\r\n:1\r\n$6\r\nreason\r\n$3\r\nkey\r\n", 40);
    assert_non_null(strstr(log, "$5\r\nmulti\r\n"));
    assert_non_null(strstr(log, ":2\r\n$6\r\nreason\r\n$7\r\ncommand\r\n"));
    assert_non_null(strstr(log, "$6\r\nreason\r\n$4\r\nauth\r\n"));
    client_ask(admin, "ACL LOG RESET\r\nACL LOG\r\n", "+OK\r\n*0\r\n");
    say(world, 0, "ACL LOG\r\n", "*0\r\n");
    world_free(world);
}

static void test_the_files_users_count_until_the_state_has_its_own(void **state) {
    (void)state;
    struct world *world = world_new(1);
    struct seat *seat = world->seats[0];
    seat_kill(seat);
    seat->settings.users =
        SLICE("user default off\nuser root on >p +@all ~* &*\nuser low on >q +get ~*\n");
    seat_start(seat);
    struct client *early = client_open(world, 0);
    client_send(early, "PING\r\nAUTH root p\r\nSET k 1\r\nACL SETUSER x on >p\r\nACL WHOAMI\r\n");
    world_run(world, 1000);
    client_expect(early, NOAUTH "+OK\r\n+OK\r\n+OK\r\n$4\r\nroot\r\n");
    assert_int_equal(acl_count(engine_acl(seat->node->engine)), 4);
    struct client *low = client_open(world, 0);
    client_ask(
        low, "AUTH low q\r\nGET k\r\nSET k 2\r\n", "+OK\r\n$1\r\n1\r\n" DENIED("low", "set"));
    client_ask(early, "ACL DELUSER low\r\n", ":1\r\n");
    assert_true(session_must_close_now(low->session));
    seat_kill(seat); /* another file counts no more */
    seat->settings.users = SLICE("user default on nopass +@all\n");
    seat_start(seat);
    world_run(world, 1000);
    say(world, 0, "PING\r\nAUTH root p\r\nGET k\r\n", NOAUTH "+OK\r\n$1\r\n1\r\n");
    world_free(world);
}

static void test_requests_behind_an_auth_that_waits_are_the_new_users(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), behind = (leader + 1) % 3;
    struct client *admin = client_open(world, leader), *client = client_open(world, behind);
    hold_back(world, leader, behind);
    client_send(admin, "ACL SETUSER x on >p +get ~*\r\n");
    world_run(world, 120);
    client_expect(admin, "+OK\r\n");
    client_send(client, "SET k 1\r\nCLIENT REPLY SKIP\r\nAUTH x p\r\nSET k 2\r\nGET k\r\n");
    world_run(world, 50);
    world_release(world);
    world_run(world, 200);
    client_expect(client, "+OK\r\n" DENIED("x", "set") "$1\r\n1\r\n");
    world_free(world);
}

static void test_a_client_may_leave_while_its_request_is_judged(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), behind = (leader + 1) % 3;
    static const char *const requests[] = {"AUTH x p\r\nPING\r\n", "MULTI\r\nSET k 1\r\nEXEC\r\n",
        "ACL SETUSER y on\r\n", "ACL DELUSER x y\r\n", "ACL LIST\r\n"};
    hold_back(world, leader, behind);
    for (size_t i = 0; i < SF_LENGTH(requests); i++) {
        struct client *client = client_open(world, behind);
        client_send(client, requests[i]);
        world_run(world, 3);
        client_close(client);
    }
    world_release(world);
    world_run(world, 300);
    say(world, behind, "PING\r\n", "+PONG\r\n");
    world_check_equal(world);
    world_free(world);
}

/* A number of a user, or of the users' revision, may be another's there. */
static void test_a_read_that_waits_is_nobodys_in_another_cluster(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = (world_leader(world) + 1) % 3;
    struct client *client = client_open(world, follower);
    struct node *node = world->seats[follower]->node;
    client_ask(client, "ACL SETUSER bob on nopass ~* &* +@all\r\nSET k v\r\n", "+OK\r\n+OK\r\n");
    client_ask(client, "AUTH bob x\r\n", "+OK\r\n");
    world_isolate(world, follower);
    client_send(client, "GET k\r\n");
    world_settle(world);
    access_replica_closes(node);
    engine_read_as(node->engine,
        &SF_CONTAINER(list_first(&client->session->pending), struct pending, in_session)->claim);
    static const struct slice words[2] = {{"get", 3}, {"k", 1}};
    struct buf text = {0};
    struct reply reply = {&text, 2};
    (void)engine_query(node->engine, command_lookup(2, words), 0, 2, words, 0, true, 0, &reply);
    assert_memory_equal(buf_slice(&text).data, "-NOPERM", 7);
    buf_free(&text);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_that_waits_is_nobodys_in_another_cluster),
        cmocka_unit_test(test_a_user_just_made_logs_in_at_any_node),
        cmocka_unit_test(test_a_node_that_is_behind_asks_before_it_refuses),
        cmocka_unit_test(test_what_a_node_lets_pass_by_old_rules_is_refused_where_it_runs),
        cmocka_unit_test(test_a_removed_password_opens_no_node_once_that_was_answered),
        cmocka_unit_test(test_deleting_a_user_closes_his_connections_everywhere),
        cmocka_unit_test(test_who_listens_to_what_is_taken_is_closed),
        cmocka_unit_test(test_a_password_asks_those_who_come_later),
        cmocka_unit_test(test_the_restricted_default_user_is_restricted_at_all_nodes),
        cmocka_unit_test(test_users_outlive_leaders_and_restarts),
        cmocka_unit_test(test_without_a_leader_auth_says_what_is_certain),
        cmocka_unit_test(test_denials_are_kept_where_the_client_is),
        cmocka_unit_test(test_the_files_users_count_until_the_state_has_its_own),
        cmocka_unit_test(test_requests_behind_an_auth_that_waits_are_the_new_users),
        cmocka_unit_test(test_a_client_may_leave_while_its_request_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
