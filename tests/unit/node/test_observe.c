/* MONITOR, SLOWLOG, LATENCY and INFO's figures: what the node of the client says. */
#include "unit/node/harness.h"

static int64_t ticking_clock_ns(void *context) {
    (void)context;
    static _Thread_local int64_t now_ns = 0;
    return now_ns += 2000000; /* every command takes 2 ms */
}

static struct node *node_at(struct world *world, int at) {
    return world->seats[at]->node;
}

/* A world whose nodes have a clock and log everything. */
static struct world *observed_world(int n) {
    struct world *world = world_ready(n);
    for (int i = 0; i < n; i++) {
        node_at(world, i)->ports.clock_ns = ticking_clock_ns;
        node_at(world, i)->settings.observe =
            (struct observe_settings){.slowlog_slower_than_us = 1000,
                .slowlog_max_len = 4,
                .latency_threshold_ms = 1,
                .latency_tracking = true};
    }
    return world;
}

static const char *ask(struct client *client, const char *request) {
    (void)client_take(client);
    client_send(client, request);
    world_settle(client->world);
    return client_take(client);
}

static void expect_text(const char *text, const char *wanted) {
    if (strstr(text, wanted) == NULL) fail_msg("no \"%s\" in:\n%s", wanted, text);
}

static void expect_no_text(const char *text, const char *unwanted) {
    if (strstr(text, unwanted) != NULL) fail_msg("\"%s\" in:\n%s", unwanted, text);
}

static void test_a_monitor_sees_its_nodes_clients_only(void **state) {
    (void)state;
    struct world *world = observed_world(3);
    int follower = (world_leader(world) + 1) % 3;
    struct client *monitor = client_open(world, follower);
    struct client *here = client_open(world, follower),
                  *there = client_open(world, (follower + 1) % 3);
    client_ask(monitor, "MONITOR\r\n", "+OK\r\n");
    client_ask(there, "SET elsewhere 1\r\n", "+OK\r\n");
    client_ask(here, "SET k 1\r\nGET k\r\n", "+OK\r\n$1\r\n1\r\n");
    const char *seen = client_take(monitor);
    expect_text(seen, "\"SET\" \"k\" \"1\"\r\n");
    expect_text(seen, "\"GET\" \"k\"\r\n");
    expect_no_text(seen, "elsewhere");
    world_free(world);
}

static void test_passwords_are_not_shown(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *monitor = client_open(world, 0), *client = client_open(world, 0);
    client_ask(monitor, "MONITOR\r\n", "+OK\r\n");
    (void)ask(client, "AUTH open-sesame\r\nAUTH u open-sesame\r\nHELLO 3 AUTH u open-sesame\r\n");
    const char *seen = client_take(monitor);
    expect_text(seen, "\"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
    expect_text(seen, "\"HELLO\" \"3\" \"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
    expect_no_text(seen, "sesame");
    expect_no_text(ask(client, "SLOWLOG GET\r\n"), "sesame");
    world_free(world);
}

static void test_a_transactions_commands_are_shown_when_they_run(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *monitor = client_open(world, 0), *client = client_open(world, 0);
    client_ask(monitor, "MONITOR\r\n", "+OK\r\n");
    (void)ask(client, "MULTI\r\nSET k 1\r\nPING\r\n");
    expect_no_text(client_take(monitor), "SET");
    (void)ask(client, "EXEC\r\n");
    const char *seen = client_take(monitor);
    const char *set = strstr(seen, "\"SET\""), *ping = strstr(seen, "\"PING\""),
               *exec = strstr(seen, "\"EXEC\"");
    assert_true(set != NULL && ping != NULL && exec != NULL && set < ping && ping < exec);
    world_free(world);
}

static void test_the_slowlog_keeps_the_latest(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *client = client_open(world, 0);
    (void)ask(client, "SET a 1\r\nSET b 1\r\nSET c 1\r\nSET d 1\r\nSET e 1\r\n");
    const char *log = ask(client, "SLOWLOG GET -1\r\n");
    expect_text(log, "*4\r\n*6\r\n:4\r\n");
    expect_no_text(log, "$1\r\na\r\n");
    expect_text(ask(client, "SLOWLOG RESET\r\n"), "+OK\r\n");
    expect_text(ask(client, "SLOWLOG LEN\r\n"), ":1\r\n"); /* RESET itself */
    world_free(world);
}

static void test_calls_failures_and_refusals_are_counted_apart(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *client = client_open(world, 0);
    (void)ask(client, "SET k v\r\nINCR k\r\nGET\r\nMULTI\r\nLPUSH k 1\r\nEXEC\r\nNONSENSE\r\n");
    const char *info = ask(client, "INFO everything\r\n");
    expect_text(info,
        "cmdstat_set:calls=1,usec=2000,usec_per_call=2000.00,rejected_calls=0,failed_calls=0");
    expect_text(info,
        "cmdstat_incr:calls=1,usec=2000,usec_per_call=2000.00,rejected_calls=0,failed_calls=1");
    expect_text(
        info, "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
    expect_text(info, "rejected_calls=0,failed_calls=1\r\n");
    expect_text(info, "errorstat_ERR:count=3\r\n");
    expect_text(info, "errorstat_WRONGTYPE:count=1\r\n");
    (void)ask(client, "CONFIG RESETSTAT\r\n");
    expect_no_text(ask(client, "INFO errorstats commandstats\r\n"), "cmdstat_set");
    world_free(world);
}

static void test_who_waits_for_a_key_is_counted_when_answered(void **state) {
    (void)state;
    struct world *world = observed_world(3);
    struct client *waiter = client_open(world, 0), *pusher = client_open(world, 1);
    struct client *monitor = client_open(world, 0);
    client_ask(monitor, "MONITOR\r\n", "+OK\r\n");
    client_ask(waiter, "BLPOP k 0\r\n", "");
    expect_text(client_take(monitor), "\"BLPOP\" \"k\" \"0\"");
    struct client *asker = client_open(world, 0);
    expect_no_text(ask(asker, "INFO commandstats\r\n"), "cmdstat_blpop");
    client_ask(pusher, "RPUSH k v\r\n", ":1\r\n");
    client_expect(waiter, "*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
    expect_text(ask(asker, "INFO commandstats\r\n"), "cmdstat_blpop:calls=1,");
    expect_no_text(client_take(monitor), "BLPOP");
    world_free(world);
}

static void test_a_monitor_sees_a_script_before_the_commands_it_calls(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *monitor = client_open(world, 0), *client = client_open(world, 0);
    client_ask(monitor, "MONITOR\r\n", "+OK\r\n");
    (void)ask(client, "EVAL \"redis.call('set','k','v') return redis.call('get','k')\" 0\r\n");
    (void)ask(client, "EVAL_RO \"return redis.call('exists','k')\" 0\r\n");
    (void)ask(client, "MULTI\r\nEVAL \"return redis.call('incr','n')\" 0\r\nEXEC\r\n");
    static const char *const lines[] = {"] \"EVAL\" ", " lua] \"set\" \"k\" \"v\"",
        " lua] \"get\" \"k\"", "] \"EVAL_RO\" ", " lua] \"exists\" \"k\"", "] \"MULTI\"",
        "] \"EVAL\" ", " lua] \"incr\" \"n\"", "] \"EXEC\""};
    const char *seen = client_take(monitor);
    for (size_t i = 0; i < SF_LENGTH(lines); i++) {
        const char *at = strstr(seen, lines[i]);
        if (at == NULL) fail_msg("no \"%s\" in:\n%s", lines[i], seen);
        seen = at + strlen(lines[i]);
    }
    assert_null(strstr(seen, "+")); /* and nothing twice */
    world_free(world);
}

static void test_latency_keeps_a_sample_a_second(void **state) {
    (void)state;
    struct world *world = observed_world(1);
    struct client *client = client_open(world, 0);
    (void)ask(client, "SET a 1\r\nSET b 1\r\n");
    expect_text(ask(client, "LATENCY HISTORY command\r\n"), "*1\r\n*2\r\n");
    expect_text(ask(client, "LATENCY GRAPH command\r\n"), "command - high 2 ms, low 2 ms");
    expect_text(ask(client, "LATENCY DOCTOR\r\n"), "command: 1 seconds with a spike");
    expect_text(
        ask(client, "LATENCY HISTOGRAM set\r\n"), "histogram_usec\r\n*2\r\n:2113\r\n:2\r\n");
    expect_text(ask(client, "LATENCY RESET command nonsense\r\n"), ":1\r\n");
    world_free(world);
}

static void test_percentiles_are_within_one_percent(void **state) {
    (void)state;
    struct histogram *histogram = sf_alloc_zero(1, sizeof *histogram);
    for (int64_t i = 1; i <= 100000; i++) histogram_add(histogram, i * 1000);
    for (int p = 1; p <= 100; p++) {
        int64_t exact = p * INT64_C(1000000), got = histogram_percentile(histogram, p);
        assert_true(got >= exact && got <= exact + exact / 100 + 1);
    }
    histogram_add(histogram, INT64_MAX);
    histogram_add(histogram, -5);
    struct histogram_step steps[HISTOGRAM_STEPS];
    histogram_steps(histogram, steps);
    assert_int_equal(steps[HISTOGRAM_STEPS - 1].n, 100002);
    for (int i = 1; i < HISTOGRAM_STEPS; i++) assert_true(steps[i].n >= steps[i - 1].n);
    sf_free(histogram);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_monitor_sees_its_nodes_clients_only),
        cmocka_unit_test(test_passwords_are_not_shown),
        cmocka_unit_test(test_a_transactions_commands_are_shown_when_they_run),
        cmocka_unit_test(test_the_slowlog_keeps_the_latest),
        cmocka_unit_test(test_calls_failures_and_refusals_are_counted_apart),
        cmocka_unit_test(test_who_waits_for_a_key_is_counted_when_answered),
        cmocka_unit_test(test_a_monitor_sees_a_script_before_the_commands_it_calls),
        cmocka_unit_test(test_latency_keeps_a_sample_a_second),
        cmocka_unit_test(test_percentiles_are_within_one_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
