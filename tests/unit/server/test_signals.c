/* A process that crashes ends, whatever state the rest of it is in. */
#include "server/signals.h"
#include "unit/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Standard output leads to somebody who never reads, and has no room left. */
static void stuff_stdout(void) {
    int ends[2];
    char bytes[4096] = {0};
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0) _exit(90);
    if (fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) != 0) _exit(91);
    while (write(STDOUT_FILENO, bytes, sizeof bytes) > 0) continue;
    while (write(STDOUT_FILENO, bytes, 1) > 0) continue;
    if (fcntl(STDOUT_FILENO, F_SETFL, 0) != 0) _exit(92);
}

static void crash_behind_a_full_pipe(void) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    stuff_stdout();
    if (signals_install() < 0) _exit(93);
    struct logger *logger = logger_open("", LOG_NOTICE);
    if (logger == NULL) _exit(94);
    signals_set_logger(logger);
    raise(SIGABRT);
    _exit(95);
}

static void test_a_crash_ends_although_nobody_reads_the_log(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) crash_behind_a_full_pipe();
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crash_ends_although_nobody_reads_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
