#include "server/logger.h"
#include "unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_path(char path[40]) {
    strcpy(path, "/tmp/logger-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void read_file(const char *path, struct buf *out) {
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        assert_true(n >= 0);
        if (n == 0) break;
        buf_commit(out, (size_t)n);
    }
    close(fd);
    buf_append_char(out, '\0');
}

static void test_lines_have_redis_form_and_levels_are_kept(void **state) {
    (void)state;
    char path[40], month[8], mark;
    int pid, day, year, hour, minute, second, ms, taken = 0;
    make_path(path);
    struct logger *logger = logger_open(path, LOG_NOTICE);
    logger_write(logger, LOG_VERBOSE, "not this");
    logger_write(logger, LOG_NOTICE, "this\nin one line");
    logger_flush(logger);
    logger_set_level(logger, LOG_DEBUG);
    logger_writef(logger, LOG_DEBUG, "number %d", 5);
    logger_close(logger); /* writes what waits */
    struct buf text = {0};
    read_file(path, &text);
    assert_int_equal(sscanf(text.data, "%d:M %d %7s %d %d:%d:%d.%d %c this in one line\n%n", &pid,
                         &day, month, &year, &hour, &minute, &second, &ms, &mark, &taken),
        9);
    assert_int_equal(pid, getpid());
    assert_int_equal(mark, '*');
    assert_non_null(strstr(text.data + taken, " . number 5\n"));
    assert_null(strstr(text.data, "not this"));
    buf_free(&text);
    unlink(path);
}

static void test_a_stuck_reader_costs_lines_that_are_counted(void **state) {
    (void)state;
    char path[40];
    make_path(path);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    struct logger *logger = logger_open(path, LOG_DEBUG);
    char line[1000];
    memset(line, 'l', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    enum { LINES = 5000 }; /* 5 MB: more than may wait */
    for (int i = 0; i < LINES; i++) logger_write(logger, LOG_NOTICE, line);

    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    struct buf text = {0};
    /* With the next line that fits, the loss is told. */
    unsigned long lost = 0;
    size_t written = 0;
    while (lost == 0) {
        ssize_t n = read(fd, buf_reserve(&text, 65536), 65536);
        assert_true(n > 0);
        buf_commit(&text, (size_t)n);
        logger_write(logger, LOG_NOTICE, "last");
        const char *said = memmem(buf_slice(&text).data, text.len, "lines of the log", 16);
        if (said == NULL) continue;
        while (*said != '(') said--;
        lost = strtoul(said + 1, NULL, 10);
    }
    for (size_t i = 0; i < text.len; i++) written += text.data[text.start + i] == '\n';
    assert_in_range(lost, 1, LINES + written);
    assert_true(written < LINES);
    /* Unread, the rest would hold up the end. */
    close(fd);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    logger_close(logger);
    buf_free(&text);
    unlink(path);
}

static void test_a_file_that_cannot_be_opened_is_no_logger(void **state) {
    (void)state;
    assert_null(logger_open("/nonexistent/directory/log", LOG_NOTICE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_have_redis_form_and_levels_are_kept),
        cmocka_unit_test(test_a_stuck_reader_costs_lines_that_are_counted),
        cmocka_unit_test(test_a_file_that_cannot_be_opened_is_no_logger),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
