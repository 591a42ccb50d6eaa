/* stall_probe: what the machine does by itself. Wakes every millisecond and notes how late, until
 * SIGTERM; then writes "late_us_p999 N" and "late_us_max N". */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { PERIOD_NS = 1000000, LATE_MAX_US = 1 << 20 };

static volatile sig_atomic_t stop_asked;
static uint32_t counts[LATE_MAX_US];

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
}

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(void) {
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    uint64_t n = 0;
    int64_t longest_us = 0;
    while (!stop_asked) {
        const struct timespec pause = {.tv_nsec = PERIOD_NS};
        int64_t before = clock_ns();
        nanosleep(&pause, NULL);
        int64_t late_us = (clock_ns() - before - PERIOD_NS) / 1000;
        if (late_us < 0 || stop_asked) continue;
        if (late_us > longest_us) longest_us = late_us;
        counts[late_us < LATE_MAX_US ? late_us : LATE_MAX_US - 1]++;
        n++;
    }
    uint64_t seen = 0;
    uint32_t p999 = 0;
    while (p999 + 1 < LATE_MAX_US && (seen += counts[p999]) * 1000 < n * 999) p999++;
    printf("late_us_p999 %u\nlate_us_max %lld\n", p999, (long long)longest_us);
    return 0;
}
