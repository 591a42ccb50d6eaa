#include "server/signals.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int wakeup_fd = -1;
static struct logger *crash_logger;
static struct apply_page *crash_page;
static char crash_stack[64 * 1024]; /* the one in use may have overflowed */
static volatile sig_atomic_t stop_signal, alarm_rang, stop_taken;

static void wake_up(void) {
    uint64_t one = 1;
    ssize_t ignored = write(wakeup_fd, &one, sizeof(one));
    (void)ignored;
}

static void on_stop(int number) {
    if (stop_signal != 0) _exit(1); /* asked twice: at once */
    stop_signal = number;
    alarm(SIGNALS_STOP_LIMIT_S);
    wake_up();
}

static void on_alarm(int number) {
    (void)number;
    if (alarm_rang) _exit(1); /* not even the loop turns any more */
    alarm_rang = 1;
    alarm(2);
    wake_up();
}

static void write_text(int fd, const char *text) {
    ssize_t ignored = write(fd, text, strlen(text));
    (void)ignored;
}

/* Not every call here is promised to be safe in a handler; the process dies in any case. */
static void on_crash(int number, siginfo_t *info, void *context) {
    (void)context;
    apply_page_last_words(crash_page);
    int fd = STDERR_FILENO;
    if (crash_logger != NULL) {
        logger_flush_dying(crash_logger);
        fd = logger_fd(crash_logger);
    }
    char line[160];
    snprintf(line, sizeof(line), "%d: crashed by signal %d (%s) at address %p; backtrace:\n",
        (int)getpid(), number, strsignal(number), info->si_addr);
    void *frames[64];
    int n = backtrace(frames, 64);
    write_text(fd, line);
    backtrace_symbols_fd(frames, n, fd);
    /* SA_RESETHAND is set: on return the fault, or this, ends the process the default way. */
    raise(number);
}

static bool handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) == 0;
}

static bool handle_crashes(void) {
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    if (sigaltstack(&stack, NULL) != 0) return false;
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_crash,
        .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK)};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SF_LENGTH(fatal); i++) {
        if (sigaction(fatal[i], &action, NULL) != 0) return false;
    }
    void *frames[1];
    backtrace(frames, 1); /* loads what it needs now, not inside a handler */
    return true;
}

int signals_install(void) {
    wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wakeup_fd < 0) return -1;
    bool is_ok = handle(SIGPIPE, SIG_IGN) && handle(SIGHUP, SIG_IGN) && handle(SIGTERM, on_stop) &&
                 handle(SIGINT, on_stop) && handle(SIGALRM, on_alarm) && handle_crashes();
    return is_ok ? wakeup_fd : -1;
}

void signals_set_logger(struct logger *logger) {
    crash_logger = logger;
}

void signals_set_apply_page(struct apply_page *page) {
    crash_page = page;
}

struct signals_taken signals_take(void) {
    uint64_t count;
    ssize_t ignored = read(wakeup_fd, &count, sizeof(count));
    (void)ignored;
    struct signals_taken taken = {.stop = stop_signal != 0 && !stop_taken,
        .out_of_time = alarm_rang != 0,
        .name = stop_signal == SIGINT ? "SIGINT" : "SIGTERM"};
    if (taken.stop) stop_taken = 1;
    return taken;
}
