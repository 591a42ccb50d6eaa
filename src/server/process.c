#include "server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* jemalloc's; missing where a sanitizer brings its own allocator. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new_value, size_t new_len)
    __attribute__((weak));

/* Descriptors for listeners, links between nodes, LevelDB's files, logs and the loop itself. */
#define RESERVED_FILES 256

extern void malloc_stats_print(void (*write)(void *context, const char *text), void *context,
    const char *options) __attribute__((weak));

/* 0: the allocator does not tell. */
static uint64_t allocator_figure(const char *name) {
    if (mallctl == NULL) return 0;
    uint64_t epoch = 1;
    size_t figure = 0, len = sizeof(epoch);
    mallctl("epoch", &epoch, &len, &epoch, sizeof(epoch)); /* refreshes the figures */
    len = sizeof(figure);
    return mallctl(name, &figure, &len, NULL, 0) == 0 ? figure : 0;
}

uint64_t process_allocator_active(void) {
    return allocator_figure("stats.active");
}

uint64_t process_allocator_resident(void) {
    return allocator_figure("stats.resident");
}

void process_purge_memory(void) {
    /* 4096: jemalloc's MALLCTL_ARENAS_ALL */
    if (mallctl != NULL) mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
}

void process_purge_aside(void) {
    bool aside = true;
    if (mallctl != NULL) mallctl("background_thread", NULL, NULL, &aside, sizeof aside);
}

static void append_text(void *out, const char *text) {
    buf_append_text(out, text);
}

void process_report_memory(struct buf *out) {
    if (malloc_stats_print != NULL) malloc_stats_print(append_text, out, NULL);
}

uint64_t process_used_memory(void) {
    uint64_t allocated = allocator_figure("stats.allocated");
    if (allocated != 0) return allocated;
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}

uint64_t process_rss(void) {
    char text[128] = {0};
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    unsigned long long size, resident;
    if (n <= 0 || sscanf(text, "%llu %llu", &size, &resident) != 2) return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_system_memory(void) {
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_executable(char *out, size_t size) {
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    out[n < 0 ? 0 : n] = '\0';
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void process_cpu_seconds(double *user_s, double *sys_s) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *user_s = seconds_of(usage.ru_utime);
    *sys_s = seconds_of(usage.ru_stime);
}

void process_random_bytes(void *out, size_t len) {
    char *at = out;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) continue;
        SF_ASSERT(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

uint32_t process_fit_clients(uint32_t max_clients) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return max_clients;
    rlim_t wanted = (rlim_t)max_clients + RESERVED_FILES;
    if (limit.rlim_cur >= wanted) return max_clients;
    struct rlimit raised = {wanted, SF_MAX(limit.rlim_max, wanted)};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return max_clients;
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    if (limit.rlim_cur <= RESERVED_FILES) return 0;
    return (uint32_t)SF_MIN((rlim_t)max_clients, limit.rlim_cur - RESERVED_FILES);
}
