#include "server/config.h"
#include "server/config_words.h"
#include "unit/check.h"
#include "util/number.h"

#include <stdio.h>

static bool apply(struct config *config, const char *line, struct buf *error) {
    struct config_words words;
    assert_true(config_words_split(slice_text(line), &words));
    bool is_ok = config_apply(config, words.n, words.words, "here", error);
    config_words_clear(&words);
    return is_ok;
}

static void assert_text(struct buf *actual, const char *expected) {
    buf_append_char(actual, '\0');
    assert_string_equal(actual->data + actual->start, expected);
    buf_clear(actual);
}

static void assert_shown(const struct config *config, const char *name, const char *expected) {
    struct buf text = {0};
    config_print(&config->values, config_directive_find(slice_text(name)), &text);
    assert_text(&text, expected);
    buf_free(&text);
}

static void test_every_bad_value_has_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"port abc", "argument couldn't be parsed into an integer"},
        {"port 0", "argument must be between 1 and 65535 inclusive"},
        {"port 1 2", "wrong number of arguments"},
        {"port", "wrong number of arguments"},
        {"timeout -1", "argument must be between 0 and 2147483647 inclusive"},
        {"loglevel loud",
            "argument(s) must be one of the following: debug, verbose, notice, warning"},
        {"protected-mode maybe", "argument must be 'yes' or 'no'"},
        {"max-request-bytes 1zb", "argument must be a memory value"},
        {"max-request-bytes -5", "argument must be a memory value"},
        {"max-request-bytes 1k", "argument must be between 1048576 and 134217728 inclusive"},
        {"client-output-buffer-limit normal 1 2",
            "Wrong number of arguments in buffer limit configuration."},
        {"client-output-buffer-limit", "Wrong number of arguments in buffer limit configuration."},
        {"client-output-buffer-limit foo 1 2 3",
            "Invalid client class specified in buffer limit configuration."},
        {"client-output-buffer-limit normal 1 2 x",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
        {"client-output-buffer-limit normal 1 2 9223372036854775807",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
        {"client-output-buffer-limit normal 9223372036854775807 1 -1",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
        {"bind", "wrong number of arguments"},
        {"bind \"\"", "an address must have 1 to 63 characters"},
        {"cluster-join somewhere:6379", "argument must be <ip>:<port>, or <ip> <port> [bus-port]"},
        {"cluster-join 10.0.0.1", "argument must be <ip>:<port>, or <ip> <port> [bus-port]"},
        {"cluster-join 10.0.0.1:60000", "the bus port must be between 1 and 65535"},
        {"save \"900\"", "Invalid save parameters"},
        {"save 0 1", "Invalid save parameters"},
        {"save 60 x", "Invalid save parameters"},
        {"appendonly no", "argument(s) must be one of the following: yes"},
        {"requirepass \"a\\x00b\"", "argument must not contain a zero byte"},
        {"daemonize yes", "not offered: let a service manager (or the shell's &) run it"},
        {"unixsocket /tmp/s", "not offered: clients connect by TCP"},
        {"no-such-thing 1", "unknown directive"},
    };
    struct config *config = config_new();
    struct config_values before = config->values;
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct buf error = {0};
        if (apply(config, cases[i].line, &error)) fail_msg("accepted: %s", cases[i].line);
        assert_text(&error, cases[i].reason);
        buf_free(&error);
    }
    assert_memory_equal(&before, &config->values, sizeof(before));
    config_free(config);
}

static void test_good_values_are_shown_as_redis_shows_them(void **state) {
    (void)state;
    static const struct {
        const char *line, *name, *shown;
    } cases[] = {
        {"PORT 7000", "port", "7000"},
        {"bind 127.0.0.1 -::1", "bind", "127.0.0.1 -::1"},
        {"max-request-bytes 2mb", "max-request-bytes", "2097152"},
        {"max-request-bytes 2m", "max-request-bytes", "2000000"},
        {"protected-mode NO", "protected-mode", "no"},
        {"loglevel Debug", "loglevel", "debug"},
        {"requirepass \"two words\"", "requirepass", "two words"},
        {"requirepass \"\"", "requirepass", ""},
        {"client-output-buffer-limit replica 1mb 1kb 5", "client-output-buffer-limit",
            "normal 1073741824 0 0 slave 1048576 1024 5 pubsub 33554432 8388608 60"},
        {"cluster-join 10.0.0.1:6379", "cluster-join", "10.0.0.1:6379"},
        {"cluster-join ::1 7001 20000", "cluster-join", "10.0.0.1:6379 ::1:7001"},
        {"save \"\"", "save", ""},
        {"save 3600 1 60 10000", "save", "3600 1 60 10000"},
        {"appendfsync always", "appendfsync", "always"},
    };
    struct config *config = config_new();
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct buf error = {0};
        if (!apply(config, cases[i].line, &error)) {
            fail_msg("%s: %.*s", cases[i].line, (int)error.len, error.data);
        }
        assert_shown(config, cases[i].name, cases[i].shown);
        buf_free(&error);
    }
    assert_int_equal(config->values.cluster_join.addresses[0].bus_port, 16379);
    assert_int_equal(config->values.cluster_join.addresses[1].bus_port, 20000);
    config_free(config);
}

static void test_values_are_judged_together(void **state) {
    (void)state;
    static const struct {
        const char *lines[3];
        const char *reason;
    } cases[] = {
        {{"heartbeat-interval 51"}, "here: must be at most a third of election-timeout-min (150)"},
        {{"election-timeout-min 300"},
            "election-timeout-max: must be greater than election-timeout-min (300)"},
        {{"port 60000"}, "here: cluster-port must be set for ports above 55535"},
        {{"port 7000", "cluster-port 7000"}, "here: must differ from port"},
        {{"replication-batch-bytes 2mb", "replication-window-bytes 1mb"},
            "here: must not exceed replication-window-bytes"},
        {{"cluster-bootstrap yes", "cluster-join 10.0.0.1:6379"},
            "here: yes contradicts cluster-join"},
    };
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct config *config = config_new();
        struct buf error = {0};
        assert_true(config_validate(config, &error)); /* the defaults fit */
        for (size_t j = 0; j < 3 && cases[i].lines[j] != NULL; j++) {
            assert_true(apply(config, cases[i].lines[j], &error));
        }
        assert_false(config_validate(config, &error));
        assert_text(&error, cases[i].reason);
        buf_free(&error);
        config_free(config);
    }
}

static void test_config_set_is_judged_without_changing(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        enum config_verdict verdict;
        const char *error;
    } cases[] = {
        {"nosuch", "1", CONFIG_UNKNOWN, ""},
        {"port", "7000", CONFIG_IMMUTABLE, ""},
        {"databases", "3", CONFIG_IMMUTABLE, ""},
        {"cluster-secret", "x", CONFIG_IMMUTABLE, ""},
        {"Timeout", "10", CONFIG_LOCAL, ""},
        {"loglevel", "debug", CONFIG_LOCAL, ""},
        {"save", "", CONFIG_LOCAL, ""},
        {"client-output-buffer-limit", "normal 0 0 0 pubsub 1 1 1", CONFIG_LOCAL, ""},
        {"requirepass", "two words", CONFIG_REPLICATED, ""},
        {"proto-max-bulk-len", "2mb", CONFIG_REPLICATED, ""},
        {"heartbeat-interval", "20", CONFIG_REPLICATED, ""},
        {"cluster-announce-ip", "::1", CONFIG_LOCAL, ""},
        {"cluster-announce-ip", "", CONFIG_LOCAL, ""},
        {"cluster-announce-ip", "db-1.example", CONFIG_INVALID, "must be an IP address"},
        {"cluster-announce-ip", "10.0.0.1\n10.0.0.2", CONFIG_INVALID, "must be an IP address"},
        {"timeout", "x", CONFIG_INVALID, "argument couldn't be parsed into an integer"},
        {"heartbeat-interval", "100", CONFIG_INVALID,
            "must be at most a third of election-timeout-min (150)"},
        {"election-timeout-min", "60", CONFIG_INVALID,
            "heartbeat-interval must be at most a third of election-timeout-min (60)"},
    };
    struct config *config = config_new();
    struct config_values before = config->values;
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct buf error = {0};
        assert_int_equal(
            config_judge(config, slice_text(cases[i].name), slice_text(cases[i].value), &error),
            cases[i].verdict);
        assert_text(&error, cases[i].error);
        buf_free(&error);
    }
    assert_memory_equal(&before, &config->values, sizeof(before));
    config_free(config);
}

static void test_a_cluster_wide_value_holds_whatever_the_file_says(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf error = {0};
    assert_true(config_change(config, SLICE("heartbeat-interval"), SLICE("100"), &error));
    assert_shown(config, "heartbeat-interval", "100");
    assert_true(config_change(config, SLICE("databases"), SLICE("4"), &error));
    assert_shown(config, "databases", "4");
    assert_false(config_change(config, SLICE("databases"), SLICE("many"), &error));
    buf_free(&error);
    config_free(config);
}

static void count(void *visitor, const char *name, const char *value) {
    (void)value;
    buf_printf(visitor, "%s ", name);
}

static void test_config_get_visits_each_match_once_and_hides_the_secret(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf names = {0};
    struct slice patterns[] = {
        SLICE("cluster-announce-*p*"), SLICE("CLUSTER-*-PORT"), SLICE("save"), SLICE("HZ")};
    config_visit(config, 4, patterns, count, &names);
    assert_text(&names, "cluster-announce-ip cluster-announce-port cluster-announce-bus-port save "
                        "HZ cluster-announce-tls-port ");
    struct slice all[] = {SLICE("*")};
    config_visit(config, 1, all, count, &names);
    buf_append_char(&names, '\0');
    assert_null(strstr(names.data, "cluster-secret"));
    assert_non_null(strstr(names.data, "appendonly"));
    buf_free(&names);
    config_free(config);
}

static void test_what_changes_nothing_is_read_and_what_would_promise_is_refused(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf error = {0};
    assert_true(apply(config, "hz 50", &error));
    assert_true(apply(config, "latency-tracking-info-percentiles 50 99", &error));
    assert_true(apply(config, "daemonize no", &error));
    assert_true(apply(config, "min-replicas-to-write 0", &error));
    assert_false(apply(config, "min-replicas-to-write 1", &error));
    assert_text(&error, "not offered here: only \"0\" is accepted");
    buf_clear(&error);
    assert_false(apply(config, "hz often", &error));
    assert_int_equal(
        config_judge(config, SLICE("daemonize"), SLICE("no"), &error), CONFIG_IMMUTABLE);
    assert_int_equal(config_judge(config, SLICE("Hz"), SLICE("7"), &error), CONFIG_LOCAL);
    assert_int_equal(config_judge(config, SLICE("tls-port"), SLICE("7"), &error), CONFIG_INVALID);
    assert_true(config_change(config, SLICE("hz"), SLICE("70"), &error));
    assert_string_equal(config->inert[config_inert_find(SLICE("hz"))], "70");
    assert_true(config_change(config, SLICE("hz"), SLICE("10"), &error));
    assert_null(config->inert[config_inert_find(SLICE("hz"))]);
    buf_free(&error);
    config_free(config);
}

static void test_lines_split_as_in_redis_conf(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *words; /* joined by | */
    } cases[] = {
        {"a  b\tc ", "a|b|c"},
        {"\"a b\" 'c d'", "a b|c d"},
        {"\"\\x41\\n\\\"\\\\\"", "A\n\"\\"},
        {"'it\\'s' \"\"", "it's|"},
        {"\"a\"b", NULL},
        {"\"open", NULL},
        {"'open", NULL},
        {"\"ends with \\", NULL},
    };
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct config_words words;
        bool is_ok = config_words_split(slice_text(cases[i].line), &words);
        assert_int_equal(is_ok, cases[i].words != NULL);
        struct buf joined = {0};
        for (uint32_t j = 0; is_ok && j < words.n; j++) {
            if (j > 0) buf_append_char(&joined, '|');
            buf_append_slice(&joined, words.words[j]);
        }
        if (is_ok) assert_text(&joined, cases[i].words);
        buf_free(&joined);
        config_words_clear(&words);
    }
}

static void test_any_word_survives_being_printed_and_split(void **state) {
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        for (size_t len = 0; len <= 3; len++) {
            struct buf line = {0};
            struct config_words words;
            config_word_print(slice_of(text, len), &line);
            assert_true(config_words_split(buf_slice(&line), &words));
            assert_int_equal(words.n, 1);
            assert_true(slice_equal(words.words[0], slice_of(text, len)));
            config_words_clear(&words);
            buf_free(&line);
        }
    }
}

static void test_memory_units_are_redis_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {{"0", 0}, {"17b", 17}, {"1k", 1000}, {"1KB", 1024}, {"1m", 1000000},
        {"1Mb", 1 << 20}, {"2g", 2000000000}, {"1gb", 1 << 30}, {"", -1}, {"k", -1}, {"1 k", -1},
        {"-1", -1}, {"1.5k", -1}, {"9223372036854775807", INT64_MAX}, {"9223372036854775808", -1},
        {"9223372036854775807k", -1}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        int64_t bytes;
        bool is_ok = memory_parse(slice_text(cases[i].text), &bytes);
        if (is_ok != (cases[i].bytes >= 0)) fail_msg("%s", cases[i].text);
        if (is_ok) assert_int_equal(bytes, cases[i].bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bad_value_has_its_reason),
        cmocka_unit_test(test_good_values_are_shown_as_redis_shows_them),
        cmocka_unit_test(test_values_are_judged_together),
        cmocka_unit_test(test_config_set_is_judged_without_changing),
        cmocka_unit_test(test_a_cluster_wide_value_holds_whatever_the_file_says),
        cmocka_unit_test(test_config_get_visits_each_match_once_and_hides_the_secret),
        cmocka_unit_test(test_what_changes_nothing_is_read_and_what_would_promise_is_refused),
        cmocka_unit_test(test_lines_split_as_in_redis_conf),
        cmocka_unit_test(test_any_word_survives_being_printed_and_split),
        cmocka_unit_test(test_memory_units_are_redis_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
