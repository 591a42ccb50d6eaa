/* MULTI, EXEC, WATCH: what a session keeps, and what becomes of it when the cluster is in trouble.
 */
#include "unit/node/harness.h"

#define QUEUED "+QUEUED\r\n"
#define NOT_EXECUTED "-CLUSTERDOWN The cluster has no leader, not executed\r\n"
#define EXECABORT "-EXECABORT Transaction discarded because of previous errors.\r\n"

/* -- order ----------------------------------------------------------------------------------- */

static void test_a_packet_with_watch_and_exec_answers_in_order_at_every_node(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    for (int i = 0; i < 3; i++) {
        struct client *client = client_open(world, i);
        client_ask(client,
            "SET k 1\r\nWATCH k\r\nGET k\r\nMULTI\r\nSET k 2\r\nGET k\r\nEXEC\r\nGET k\r\nINCR "
            "k\r\n",
            "+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n" QUEUED QUEUED
            "*2\r\n+OK\r\n$1\r\n2\r\n$1\r\n2\r\n:3\r\n");
        client_ask(client, "WATCH k\r\nSET k 0\r\nMULTI\r\nSET k 9\r\nEXEC\r\nGET k\r\n",
            "+OK\r\n+OK\r\n+OK\r\n" QUEUED "*-1\r\n$1\r\n0\r\n");
    }
    world_check_equal(world);
    world_free(world);
}

static void test_a_transaction_without_watches_does_not_end_the_share_of_a_batch(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    raft_index before = engine_applied(world->seats[0]->node->engine);
    client_ask(client, "INCR n\r\nMULTI\r\nINCR n\r\nINCR n\r\nEXEC\r\nINCR n\r\nGET n\r\n",
        ":1\r\n+OK\r\n" QUEUED QUEUED "*2\r\n:2\r\n:3\r\n:4\r\n$1\r\n4\r\n");
    assert_int_equal(engine_applied(world->seats[0]->node->engine), before + 1);
    world_free(world);
}

static void test_reads_alone_write_nothing_to_the_log(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world);
    struct client *client = client_open(world, (leader + 1) % 3);
    client_ask(client, "MSET a 1 b 2\r\n", "+OK\r\n");
    raft_index before = raft_last_index(world->seats[leader]->node->raft);
    client_ask(client, "WATCH a\r\nMULTI\r\nGET a\r\nPING\r\nMGET a b\r\nEXEC\r\n",
        "+OK\r\n+OK\r\n" QUEUED QUEUED QUEUED
        "*3\r\n$1\r\n1\r\n+PONG\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    client_ask(client, "MULTI\r\nEXEC\r\nMULTI\r\nPING\r\nEXEC\r\nWATCH a\r\nMULTI\r\nEXEC\r\n",
        "+OK\r\n*0\r\n+OK\r\n" QUEUED "*1\r\n+PONG\r\n+OK\r\n+OK\r\n*0\r\n");
    assert_int_equal(raft_last_index(world->seats[leader]->node->raft), before);
    world_free(world);
}

static void test_what_changes_the_session_inside_holds_for_what_stands_behind(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client,
        "SET k zero\r\nMULTI\r\nSELECT 1\r\nSET k one\r\nCLIENT SETNAME me\r\nEXEC\r\nGET "
        "k\r\nCLIENT GETNAME\r\nMULTI\r\nSELECT 0\r\nGET k\r\nEXEC\r\nGET k\r\n",
        "+OK\r\n+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n+OK\r\n+OK\r\n+OK\r\n$3\r\none\r\n$2\r\nme\r\n"
        "+OK\r\n" QUEUED QUEUED "*2\r\n+OK\r\n$4\r\nzero\r\n$4\r\nzero\r\n");
    client_ask(client, "WATCH k\r\nSET k 2\r\nMULTI\r\nSELECT 1\r\nSET k 3\r\nEXEC\r\nGET k\r\n",
        "+OK\r\n+OK\r\n+OK\r\n" QUEUED QUEUED "*-1\r\n$1\r\n2\r\n"); /* it did not run: db 0 */
    world_check_equal(world);
    world_free(world);
}

static void test_an_ended_watch_hears_nothing_of_one_that_has_not_run_yet(void **state) {
    (void)state;
    static const char *const ends[] = {"UNWATCH\r\n", "MULTI\r\nDISCARD\r\n",
        "MULTI\r\nnonsense\r\nEXEC\r\n", "MULTI\r\nEXEC y\r\n"};
    static const char *const answers[] = {"+OK\r\n", "+OK\r\n+OK\r\n",
        "+OK\r\n-ERR unknown command 'nonsense', with args beginning with: \r\n" EXECABORT,
        "+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
        "command\r\n"};
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    for (size_t i = 0; i < SF_LENGTH(ends); i++) {
        char request[256], reply[512];
        snprintf(request, sizeof request, "WATCH k\r\n%sSET k 1\r\nMULTI\r\nSET k 2\r\nEXEC\r\n",
            ends[i]);
        snprintf(reply, sizeof reply, "+OK\r\n%s+OK\r\n+OK\r\n" QUEUED "*1\r\n+OK\r\n", answers[i]);
        client_ask(client, request, reply);
    }
    world_free(world);
}

static void test_client_list_tells_of_a_transaction(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0), *other = client_open(world, 0);
    client_ask(client, "MULTI\r\nSET k 1\r\n", "+OK\r\n" QUEUED);
    client_send(other, "CLIENT LIST\r\n");
    const char *reply = client_take(other);
    assert_non_null(strstr(reply, "flags=x "));
    assert_non_null(strstr(reply, "multi=1 "));
    client_send(client, "CLIENT INFO\r\nEXEC\r\n");
    world_settle(world);
    assert_non_null(strstr(client_take(client), "multi=2 "));
    client_send(other, "CLIENT LIST\r\n");
    assert_null(strstr(client_take(other), "multi=1 "));
    world_free(world);
}

/* -- refusals -------------------------------------------------------------------------------- */

static void test_what_is_answered_later_is_not_queued(void **state) {
    (void)state;
    static const char *const refused[] = {"CLUSTER FORGET x", "CLUSTER MEET 10.9.9.9 1",
        "CLUSTER RESET", "DEBUG SLEEP 1", "SHUTDOWN"};
    struct world *world = world_ready(1);
    struct client *client = client_open(world, 0);
    for (size_t i = 0; i < SF_LENGTH(refused); i++) {
        char request[128];
        snprintf(request, sizeof request, "MULTI\r\n%s\r\nSET k 1\r\nEXEC\r\n", refused[i]);
        client_ask(client, request,
            "+OK\r\n-ERR Command not allowed inside a transaction\r\n" QUEUED EXECABORT);
    }
    client_ask(client, "MULTI\r\nSET k 1\r\nWAIT 5 0\r\nEXEC\r\n",
        "+OK\r\n" QUEUED QUEUED "*2\r\n+OK\r\n:0\r\n");
    world_free(world);
}

static void test_a_setting_of_the_cluster_changes_with_its_transaction(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *client = client_open(world, (world_leader(world) + 1) % 3);
    client_ask(client,
        "MULTI\r\nSET k 1\r\nCONFIG SET shared-a 1\r\nCONFIG SET nonsense 1\r\nEXEC\r\n",
        "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n+OK\r\n+OK\r\n-ERR Unknown option or number of "
        "arguments for CONFIG SET - 'nonsense'\r\n");
    for (int i = 0; i < 3; i++) {
        struct slice value;
        assert_true(engine_setting(world->seats[i]->node->engine, SLICE("shared-a"), &value));
    }
    world_check_equal(world);
    world_free(world);
}

static void test_a_transaction_is_bounded_like_a_request(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct seat *seat = world->seats[0];
    seat->settings.max_request_bytes = 4000;
    node_set_settings(seat->node, &seat->settings);
    struct client *client = client_open(world, 0);
    client_ask(client, "MULTI\r\n", "+OK\r\n");
    char request[1100];
    snprintf(request, sizeof request, "SET k %01000d\r\n", 1);
    for (int i = 0; i < 3; i++) client_ask(client, request, QUEUED);
    client_ask(client, request, "-ERR transaction larger than max-request-bytes, not executed\r\n");
    assert_int_equal(transaction_bytes(client->session), 0);
    for (int i = 0; i < 3; i++) client_ask(client, request, QUEUED);
    assert_int_equal(transaction_bytes(client->session), 0); /* nothing is kept for nothing */
    client_ask(client, "EXEC\r\nEXISTS k\r\n", EXECABORT ":0\r\n");
    snprintf(request, sizeof request, "WATCH %01000d %01d\r\n", 1, 1);
    client_ask(client, request, "+OK\r\n");
    client_ask(client, request, "+OK\r\n"); /* the same keys take no more room */
    for (int i = 2; i < 4; i++) {
        snprintf(request, sizeof request, "WATCH %01000d\r\n", i);
        client_ask(client, request, "+OK\r\n");
    }
    snprintf(request, sizeof request, "WATCH %01000d\r\n", 4);
    client_ask(client, request, "-ERR more keys are watched than fit into max-request-bytes\r\n");
    client_ask(
        client, "MULTI\r\nSET k 1\r\nEXEC\r\nEXISTS k\r\n", "+OK\r\n" QUEUED EXECABORT ":0\r\n");
    world_free(world);
}

static void test_a_request_that_was_too_large_refuses_its_transaction(void **state) {
    (void)state;
    struct world *world = world_ready(1);
    struct seat *seat = world->seats[0];
    seat->settings.max_request_bytes = 400;
    node_set_settings(seat->node, &seat->settings);
    struct client *client = client_open(world, 0);
    client_ask(client, "MULTI\r\n", "+OK\r\n");
    char request[700];
    snprintf(request, sizeof request,
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500\r\n%0500d\r\nSET l 1\r\nEXEC\r\n", 1);
    client_ask(client, request,
        "-ERR request larger than max-request-bytes, not executed\r\n" QUEUED EXECABORT);
    world_free(world);
}

static void test_a_message_goes_out_with_its_transaction_at_every_node(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct client *listeners[3], *client = client_open(world, 0), *self = client_open(world, 1);
    const char *heard = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n";
    for (int i = 0; i < 3; i++) {
        listeners[i] = client_open(world, i);
        client_ask(listeners[i], "SUBSCRIBE c\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    }
    client_ask(
        client, "WATCH k\r\nMULTI\r\nPUBLISH c m\r\nSET k 1\r\n", "+OK\r\n+OK\r\n" QUEUED QUEUED);
    for (int i = 0; i < 3; i++) client_expect(listeners[i], "");
    client_ask(client, "EXEC\r\n", "*2\r\n:1\r\n+OK\r\n");
    for (int i = 0; i < 3; i++) client_expect(listeners[i], heard);
    client_ask(client, "WATCH k\r\nSET k 2\r\nMULTI\r\nPUBLISH c m\r\nEXEC\r\n",
        "+OK\r\n+OK\r\n+OK\r\n" QUEUED "*-1\r\n");
    for (int i = 0; i < 3; i++) client_expect(listeners[i], "");
    client_send(self, "HELLO 3\r\nSUBSCRIBE c\r\n"); /* its own message follows the reply */
    world_settle(world);
    (void)client_take(self);
    client_ask(self, "MULTI\r\nPUBLISH c m\r\nPING\r\nEXEC\r\n",
        "+OK\r\n" QUEUED QUEUED
        "*2\r\n:2\r\n+PONG\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n");
    world_check_equal(world);
    world_free(world);
}

/* -- trouble --------------------------------------------------------------------------------- */

static void test_multi_and_queued_need_no_cluster_and_exec_says_not_executed(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world_isolate(world, follower);
    world_run(world, 500);
    client_ask(client, "MULTI\r\nSELECT 1\r\nINCR n\r\n", "+OK\r\n" QUEUED QUEUED);
    client_ask(client, "EXEC\r\n", "");
    world_run(world, 2000);
    client_expect(client, NOT_EXECUTED);
    client_ask(client, "MULTI\r\nGET n\r\nEXEC\r\n", "+OK\r\n" QUEUED);
    world_run(world, 2000);
    client_expect(client, NOT_EXECUTED);
    world_heal(world);
    world_run(world, 1000);
    client_ask(client, "EXEC\r\nGET n\r\nSELECT 1\r\nGET n\r\n",
        "-ERR EXEC without MULTI\r\n$-1\r\n+OK\r\n$-1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_watch_that_failed_lets_no_transaction_run_unguarded(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower), *late = client_open(world, follower);
    world_isolate(world, follower);
    world_run(world, 500);
    client_send(client, "WATCH k\r\nMULTI\r\nSET k 1\r\nEXEC\r\nPING\r\n");
    client_send(late, "WATCH k\r\n");
    world_run(world, 2000);
    client_expect(client, NOT_EXECUTED "+OK\r\n" QUEUED EXECABORT "+PONG\r\n");
    client_expect(late, NOT_EXECUTED);
    world_heal(world);
    world_run(world, 1000);
    client_ask(late, "MULTI\r\nSET k 1\r\nEXEC\r\n", "+OK\r\n" QUEUED EXECABORT);
    client_ask(
        late, "WATCH k\r\nMULTI\r\nSET k 1\r\nEXEC\r\n", "+OK\r\n+OK\r\n" QUEUED "*1\r\n+OK\r\n");
    client_ask(client, "MULTI\r\nGET k\r\nEXEC\r\n", "+OK\r\n" QUEUED "*1\r\n$1\r\n1\r\n");
    world_free(world);
}

static void test_a_full_disk_refuses_exec_alone(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct seat *seat = world->seats[world_leader(world)];
    struct client *client = client_open(world, seat->number);
    node_on_storage_state(seat->node, SF_ERR_NO_SPACE, world->now_us);
    client_send(client, "MULTI\r\nSET k 1\r\nEXEC\r\n");
    client_expect(client,
        "+OK\r\n" QUEUED "-MISCONF The log cannot be written: no space left, not executed\r\n");
    client_ask(client, "MULTI\r\nGET k\r\nPING\r\nEXEC\r\n",
        "+OK\r\n" QUEUED QUEUED "*2\r\n$-1\r\n+PONG\r\n");
    world_free(world);
}

static void test_an_uncertain_transaction_runs_as_a_whole_or_not_at_all(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *client = client_open(world, follower);
    world_hold_commits(world, leader, true);
    client_send(client, "MULTI\r\nINCR n\r\nSELECT 1\r\nINCR n\r\nEXEC\r\n");
    world_run(world, 2500);
    const char *replies = client_take(client);
    assert_memory_equal(replies, "+OK\r\n" QUEUED QUEUED QUEUED "-UNCERTAIN", 5 + 27 + 10);
    client_send(client, "GET n\r\nSELECT 1\r\nGET n\r\n"); /* nobody selected db 1 */
    world_run(world, 100);
    client_expect(client, "");
    world_hold_commits(world, leader, false);
    world_run(world, 1000);
    client_expect(client, "$1\r\n1\r\n+OK\r\n$1\r\n1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_a_client_that_leaves_takes_its_transaction_with_it(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *other = client_open(world, leader);
    static const char *const requests[] = {"MULTI\r\nINCR n\r\n", "WATCH a\r\nMULTI\r\nINCR n\r\n",
        "WATCH a\r\nMULTI\r\nINCR n\r\nEXEC\r\nPING\r\n", "WATCH a\r\n",
        "MULTI\r\nINCR n\r\nPING\r\nEXEC\r\n", "WATCH a\r\nUNWATCH\r\nWATCH b\r\n"};
    world_isolate(world, follower);
    for (size_t i = 0; i < SF_LENGTH(requests); i++) {
        struct client *client = client_open(world, follower);
        client_send(client, requests[i]);
        world_turn(world);
        client_close(client);
    }
    world_heal(world);
    world_run(world, 2000);
    client_ask(other, "GET n\r\n", "$-1\r\n");
    world_check_equal(world);
    world_free(world);
}

static void test_watches_hold_when_the_leader_changes(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = (leader + 1) % 3;
    struct client *holds = client_open(world, follower), *broken = client_open(world, follower);
    client_ask(holds, "SET a 1\r\nWATCH a\r\nMULTI\r\nINCR a\r\n", "+OK\r\n+OK\r\n+OK\r\n" QUEUED);
    client_ask(broken, "WATCH b\r\nMULTI\r\nINCR b\r\n", "+OK\r\n+OK\r\n" QUEUED);
    seat_kill(world->seats[leader]);
    (void)world_leader(world);
    struct client *other = client_open(world, (leader + 2) % 3);
    client_send(other, "SET b 7\r\n");
    world_run(world, 600);
    client_expect(other, "+OK\r\n");
    client_ask(holds, "EXEC\r\n", "*1\r\n:2\r\n");
    client_ask(broken, "EXEC\r\n", "*-1\r\n");
    seat_start(world->seats[leader]);
    world_run(world, 1000);
    world_check_equal(world);
    world_free(world);
}

static void test_a_transaction_lost_with_its_leader_is_sent_again_and_runs_once(void **state) {
    (void)state;
    for (int committed = 0; committed < 2; committed++) {
        struct world *world = world_ready(3);
        int leader = world_leader(world), follower = (leader + 1) % 3;
        struct client *client = client_open(world, follower);
        client_ask(client, "SET n 5\r\nWATCH n\r\n", "+OK\r\n+OK\r\n");
        /* the old leader has it, alone; or the followers do not hear that it is committed */
        world_rule(world, RULE_DROP, leader, -1, committed ? "heartbeat" : "append");
        client_send(client, "MULTI\r\nINCR n\r\nPING\r\nINCR n\r\nEXEC\r\n");
        world_run(world, 5);
        world_isolate(world, leader);
        world_release(world);
        world_run(world, 2000);
        client_expect(client, "+OK\r\n" QUEUED QUEUED QUEUED "*3\r\n:6\r\n+PONG\r\n:7\r\n");
        world_heal(world);
        world_run(world, 1000);
        client_ask(client, "GET n\r\n", "$1\r\n7\r\n");
        world_check_equal(world);
        world_free(world);
    }
}

/* -- many of them ---------------------------------------------------------------------------- */

enum { ACCOUNTS = 6, TELLERS = 6, MONEY = 100 };

/* One step of a transfer that watches both accounts; the balances are read in between. */
struct teller {
    struct client *client;
    int from, to, step;
};

static void teller_step(struct teller *teller, struct random *random, int *done) {
    char request[256];
    const char *reply = client_take(teller->client);
    int a = 0, b = 0;
    switch (teller->step) {
    case 0:
        teller->from = (int)random_below(random, ACCOUNTS);
        teller->to = (teller->from + 1 + (int)random_below(random, ACCOUNTS - 1)) % ACCOUNTS;
        snprintf(request, sizeof request, "WATCH %d %d\r\nGET %d\r\nGET %d\r\n", teller->from,
            teller->to, teller->from, teller->to);
        break;
    case 1:
        if (sscanf(reply, "+OK\r\n$%*d\r\n%d\r\n$%*d\r\n%d", &a, &b) != 2) { /* not yet, or no */
            if (reply[0] == '\0') return;
            teller->step = 0;
            client_send(teller->client, "UNWATCH\r\n");
            return;
        }
        snprintf(request, sizeof request,
            "MULTI\r\nSET %d %d\r\nPING\r\nSET %d %d\r\nINCR transfers\r\nEXEC\r\n", teller->from,
            a - 1, teller->to, b + 1);
        break;
    default:
        if (reply[0] == '\0') return;
        *done += strstr(reply, "*4\r\n") != NULL;
        teller->step = 0;
        return;
    }
    client_send(teller->client, request);
    teller->step++;
}

static int total(struct world *world, struct client *client) {
    client_send(client, "MULTI\r\n");
    for (int i = 0; i < ACCOUNTS; i++) {
        char request[32];
        snprintf(request, sizeof request, "GET %d\r\n", i);
        client_send(client, request);
    }
    client_send(client, "EXEC\r\n");
    world_run(world, 3000);
    const char *at = strstr(client_take(client), "*6\r\n");
    if (at == NULL) return -1;
    int sum = 0;
    for (at += 4; *at == '$'; at = strchr(strchr(at, '\n') + 1, '\n') + 1) {
        sum += (int)strtol(strchr(at, '\n') + 1, NULL, 10);
    }
    return sum;
}

static void test_transfers_from_all_nodes_keep_the_total_while_leaders_fall(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    struct random random = random_from(5);
    struct teller tellers[TELLERS] = {{0}};
    struct client *auditors[3];
    int done = 0;
    for (int i = 0; i < TELLERS; i++) tellers[i].client = client_open(world, i % 3);
    for (int i = 0; i < 3; i++) auditors[i] = client_open(world, i);
    for (int i = 0; i < ACCOUNTS; i++) {
        char request[32];
        snprintf(request, sizeof request, "SET %d %d\r\n", i, MONEY);
        client_ask(auditors[0], request, "+OK\r\n");
    }
    for (int round = 0; round < 600; round++) {
        for (int i = 0; i < TELLERS; i++) teller_step(&tellers[i], &random, &done);
        world_run(world, (int64_t)random_below(&random, 8));
        if (round % 120 == 60) world_isolate(world, world_leader(world));
        if (round % 120 == 100) {
            world_heal(world);
            world_run(world, 800);
            assert_int_equal(total(world, auditors[round / 120 % 3]), ACCOUNTS * MONEY);
        }
    }
    world_heal(world);
    world_run(world, 3000);
    assert_true(done > 50);
    for (int i = 0; i < 3; i++) assert_int_equal(total(world, auditors[i]), ACCOUNTS * MONEY);
    world_check_equal(world);
    int restarted = (world_leader(world) + 1) % 3; /* and replaying them gives the same state */
    seat_kill(world->seats[restarted]);
    seat_start(world->seats[restarted]);
    world_run(world, 1500);
    world_check_equal(world);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_with_watch_and_exec_answers_in_order_at_every_node),
        cmocka_unit_test(test_a_transaction_without_watches_does_not_end_the_share_of_a_batch),
        cmocka_unit_test(test_reads_alone_write_nothing_to_the_log),
        cmocka_unit_test(test_what_changes_the_session_inside_holds_for_what_stands_behind),
        cmocka_unit_test(test_an_ended_watch_hears_nothing_of_one_that_has_not_run_yet),
        cmocka_unit_test(test_client_list_tells_of_a_transaction),
        cmocka_unit_test(test_what_is_answered_later_is_not_queued),
        cmocka_unit_test(test_a_setting_of_the_cluster_changes_with_its_transaction),
        cmocka_unit_test(test_a_transaction_is_bounded_like_a_request),
        cmocka_unit_test(test_a_request_that_was_too_large_refuses_its_transaction),
        cmocka_unit_test(test_a_message_goes_out_with_its_transaction_at_every_node),
        cmocka_unit_test(test_multi_and_queued_need_no_cluster_and_exec_says_not_executed),
        cmocka_unit_test(test_a_watch_that_failed_lets_no_transaction_run_unguarded),
        cmocka_unit_test(test_a_full_disk_refuses_exec_alone),
        cmocka_unit_test(test_an_uncertain_transaction_runs_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_a_client_that_leaves_takes_its_transaction_with_it),
        cmocka_unit_test(test_watches_hold_when_the_leader_changes),
        cmocka_unit_test(test_a_transaction_lost_with_its_leader_is_sent_again_and_runs_once),
        cmocka_unit_test(test_transfers_from_all_nodes_keep_the_total_while_leaders_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
