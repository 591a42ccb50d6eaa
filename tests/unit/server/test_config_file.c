#include "server/config_file.h"
#include "server/options.h"
#include "unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/config-test-XXXXXX";

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    const char *const names[] = {"main.conf", "other.conf", "loop.conf"};
    for (size_t i = 0; i < SF_LENGTH(names); i++) unlink(names[i]);
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void put_file(const char *name, const char *text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void assert_file(const char *name, const char *expected) {
    char text[4096];
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    assert_true(n >= 0);
    close(fd);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void assert_text(struct buf *actual, const char *expected) {
    buf_append_char(actual, '\0');
    assert_string_equal(actual->data, expected);
    buf_clear(actual);
}

static void test_a_wrong_line_is_named_with_file_number_and_reason(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"# fine\n\nport abc\n",
            "main.conf:3: \"port abc\": argument couldn't be parsed into an integer"},
        {"port 1\r\n  foo bar  \r\n", "main.conf:2: \"foo bar\": unknown directive"},
        {"port \"1", "main.conf:1: \"port \"1\": Unbalanced quotes in configuration line"},
        {"port 1 2", "main.conf:1: \"port 1 2\": wrong number of arguments"},
        {"include other.conf\n",
            "main.conf:1: \"include other.conf\": other.conf:2: \"timeout no\": argument couldn't "
            "be parsed into an integer"},
        {"include nowhere.conf\n",
            "main.conf:1: \"include nowhere.conf\": nowhere.conf: No such file or directory"},
    };
    put_file("other.conf", "\ntimeout no\n");
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct config *config = config_new();
        struct buf error = {0};
        put_file("main.conf", cases[i].text);
        assert_false(config_read_file(config, "main.conf", &error));
        assert_text(&error, cases[i].error);
        buf_free(&error);
        config_free(config);
    }
}

static void test_files_that_include_each_other_are_refused(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf error = {0};
    put_file("loop.conf", "include loop.conf\n");
    assert_false(config_read_file(config, "loop.conf", &error));
    buf_append_char(&error, '\0');
    assert_non_null(strstr(error.data, "files include each other too deeply"));
    buf_free(&error);
    config_free(config);
}

static enum options_outcome read_options(
    const char *const *args, struct config *config, struct buf *out) {
    char *argv[16] = {(char *)(uintptr_t) "shardforge-server"};
    int argc = 1;
    struct start_options options;
    for (; args[argc - 1] != NULL; argc++) argv[argc] = (char *)(uintptr_t)args[argc - 1];
    return options_read(argc, argv, config, &options, out);
}

static void test_entries_to_skip_are_named_by_index_and_checksum(void **state) {
    (void)state;
    struct config *config = config_new();
    struct start_options options;
    struct buf out = {0};
    char *good[] = {(char *)(uintptr_t) "s", (char *)(uintptr_t) "--skip-entry",
        (char *)(uintptr_t) "1234:5f3C0a11"};
    assert_int_equal(options_read(3, good, config, &options, &out), OPTIONS_RUN);
    assert_int_equal(options.n_skips, 1);
    assert_int_equal(options.skips[0].index, 1234);
    assert_int_equal(options.skips[0].crc, 0x5f3c0a11);
    const char *bad[] = {
        "", "1234", "1234:", "0:5f3c0a11", "x:5f3c0a11", "1:5f3c0a1", "1:5f3c0a1g"};
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        char *argv[] = {good[0], good[1], (char *)(uintptr_t)bad[i]};
        assert_int_equal(options_read(3, argv, config, &options, &out), OPTIONS_FAILED);
    }
    buf_free(&out);
    config_free(config);
}

static void test_the_command_line_is_stronger_than_the_file(void **state) {
    (void)state;
    const char *const args[] = {"main.conf", "--port", "7001", "--bind", "127.0.0.1", "-::1",
        "--requirepass", "", "--save", "", NULL};
    struct config *config = config_new();
    struct buf out = {0};
    put_file("main.conf", "port 7000\nrequirepass secret\nmaxclients 5\n");
    assert_int_equal(read_options(args, config, &out), OPTIONS_RUN);
    assert_int_equal(config->values.port, 7001);
    assert_int_equal(config->values.maxclients, 5);
    assert_int_equal(config->values.bind.n, 2);
    assert_string_equal(config->values.requirepass, "");
    buf_free(&out);
    config_free(config);
}

static void test_errors_of_the_command_line_are_one_line(void **state) {
    (void)state;
    static const struct {
        const char *args[4];
        const char *error;
    } cases[] = {
        {{"--port", "abc"},
            "command line: \"--port abc\": argument couldn't be parsed into an integer"},
        {{"--nope"}, "command line: \"--nope\": unknown directive"},
        {{"--port"}, "command line: \"--port\": wrong number of arguments"},
        {{"missing.conf"}, "missing.conf: No such file or directory"},
        {{"main.conf", "stray"}, "command line: \"stray\": expected --directive"},
        {{"main.conf", "--heartbeat-interval", "90"},
            "command line: \"--heartbeat-interval 90\": must be at most a third of "
            "election-timeout-min (150)"},
    };
    put_file("main.conf", "port 7000\n");
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct config *config = config_new();
        struct buf out = {0};
        assert_int_equal(read_options(cases[i].args, config, &out), OPTIONS_FAILED);
        assert_text(&out, cases[i].error);
        buf_free(&out);
        config_free(config);
    }
}

static void change(struct config *config, const char *name, const char *value) {
    struct buf error = {0};
    assert_true(config_change(config, slice_text(name), slice_text(value), &error));
    buf_free(&error);
}

static void test_rewrite_keeps_comments_and_order_and_changes_lines_in_place(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf error = {0};
    put_file("main.conf", "# the port\nport   7000\n\ntimeout 5\n# twice\nloglevel notice\n"
                          "loglevel debug\ncluster-join 10.0.0.1:6379\nmaxclients 77");
    assert_int_equal(chmod("main.conf", 0640), 0);
    assert_true(config_read_file(config, "main.conf", &error));
    change(config, "timeout", "9");
    change(config, "requirepass", "with \"quotes\" and spaces");
    change(config, "client-output-buffer-limit", "normal 1mb 0 0");
    assert_true(config_rewrite(config, &error));
    assert_file("main.conf",
        "# the port\nport   7000\n\ntimeout 9\n# twice\nloglevel debug\n"
        "cluster-join 10.0.0.1:6379\nmaxclients 77\n# Added by CONFIG REWRITE\n"
        "requirepass \"with \\\"quotes\\\" and spaces\"\n"
        "client-output-buffer-limit normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 "
        "8388608 60\n");
    struct stat info;
    assert_int_equal(stat("main.conf", &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);

    struct config *again = config_new();
    assert_true(config_read_file(again, "main.conf", &error));
    assert_memory_equal(&again->values, &config->values, sizeof(config->values));
    /* And a second time changes nothing. */
    assert_true(config_rewrite(again, &error));
    assert_true(config_rewrite(config, &error));
    config_free(again);
    config_free(config);
    buf_free(&error);
}

static void test_rewrite_without_a_file_says_so(void **state) {
    (void)state;
    struct config *config = config_new();
    struct buf error = {0};
    assert_false(config_rewrite(config, &error));
    assert_text(&error, "The server is running without a config file");
    buf_free(&error);
    config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_line_is_named_with_file_number_and_reason),
        cmocka_unit_test(test_files_that_include_each_other_are_refused),
        cmocka_unit_test(test_entries_to_skip_are_named_by_index_and_checksum),
        cmocka_unit_test(test_the_command_line_is_stronger_than_the_file),
        cmocka_unit_test(test_errors_of_the_command_line_are_one_line),
        cmocka_unit_test(test_rewrite_keeps_comments_and_order_and_changes_lines_in_place),
        cmocka_unit_test(test_rewrite_without_a_file_says_so),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
