/* A preloaded library that stands between a process and its files below one directory: at a chosen
 * call it fails, shortens, delays, or ends the process, with or without what was not yet synced.
 *
 *   SF_SHIM_DIR=/absolute/path   only files below it are counted and touched
 *   SF_SHIM_CALLS=write,fsync    of: open write fsync rename truncate unlink mkdir (default: all)
 *   SF_SHIM_AT=k                 at the k-th such call, from 1 (0: only count)
 *   SF_SHIM_COUNT=n              and at the n-1 after it (default 1)
 *   SF_SHIM_ACTION=              fail:EIO fail:ENOSPC  the call does nothing and says so
 *                                short                 half of a write is done, and said
 *                                delay:ms
 *                                kill                  SIGKILL before the call
 *                                tear                  half of a write is done, then SIGKILL
 *                                lose                  files still open lose what they grew since
 *                                                      their last sync, then SIGKILL
 *   SF_SHIM_NO_DISK=1            a sync does nothing and says that it did: for processes that die on
 *                                a machine that does not (what was synced is known here)
 *   SF_SHIM_REPORT=path          the number of calls is written there at exit */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call {
    CALL_OPEN,
    CALL_WRITE,
    CALL_FSYNC,
    CALL_RENAME,
    CALL_TRUNCATE,
    CALL_UNLINK,
    CALL_MKDIR,
    N_CALLS
};
static const char *const call_names[N_CALLS] = {
    "open", "write", "fsync", "rename", "truncate", "unlink", "mkdir"};

enum action { ACT_NONE, ACT_FAIL, ACT_SHORT, ACT_DELAY, ACT_KILL, ACT_TEAR, ACT_LOSE };

enum { FDS = 4096 };

/* Set once before main; the rest is atomic. A preloaded library has nowhere else to keep it. */
static struct {
    const char *directory, *report;
    size_t directory_len;
    bool calls[N_CALLS], no_disk;
    long at, count;
    enum action action;
    int error;
    long delay_ms;
} shim;
static atomic_long calls_seen;
static atomic_bool watched[FDS];
static atomic_llong synced_size[FDS];
/* Held for reading by each watched call from its count to its end, for writing by "lose": nothing
 * is synced or renamed between the loss and the end of the process. */
static pthread_rwlock_t calls_under_way = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

#define REAL(result, name, ...)                                                                    \
    static result (*real)(__VA_ARGS__);                                                            \
    if (real == NULL) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

__attribute__((constructor)) static void shim_start(void) {
    shim.directory = getenv("SF_SHIM_DIR");
    if (shim.directory == NULL) return;
    shim.directory_len = strlen(shim.directory);
    const char *at = getenv("SF_SHIM_AT"), *count = getenv("SF_SHIM_COUNT");
    shim.at = at == NULL ? 0 : atol(at);
    shim.count = count == NULL ? 1 : atol(count);
    shim.report = getenv("SF_SHIM_REPORT");
    shim.no_disk = getenv("SF_SHIM_NO_DISK") != NULL;
    const char *calls = getenv("SF_SHIM_CALLS");
    for (int i = 0; i < N_CALLS; i++)
        shim.calls[i] = calls == NULL || strstr(calls, call_names[i]) != NULL;
    const char *action = getenv("SF_SHIM_ACTION");
    if (action == NULL) return;
    if (strcmp(action, "fail:EIO") == 0) shim.action = ACT_FAIL, shim.error = EIO;
    if (strcmp(action, "fail:ENOSPC") == 0) shim.action = ACT_FAIL, shim.error = ENOSPC;
    if (strcmp(action, "short") == 0) shim.action = ACT_SHORT;
    if (strncmp(action, "delay:", 6) == 0)
        shim.action = ACT_DELAY, shim.delay_ms = atol(action + 6);
    if (strcmp(action, "kill") == 0) shim.action = ACT_KILL;
    if (strcmp(action, "tear") == 0) shim.action = ACT_TEAR;
    if (strcmp(action, "lose") == 0) shim.action = ACT_LOSE;
}

__attribute__((destructor)) static void shim_end(void) {
    if (shim.directory == NULL || shim.report == NULL) return;
    FILE *out = fopen(shim.report, "w");
    if (out == NULL) return;
    fprintf(out, "%ld\n", atomic_load(&calls_seen));
    fclose(out);
}

static bool path_is_watched(const char *path) {
    return shim.directory != NULL && strncmp(path, shim.directory, shim.directory_len) == 0 &&
           (path[shim.directory_len] == '/' || path[shim.directory_len] == 0);
}

static bool fd_is_watched(int fd) {
    return fd >= 0 && fd < FDS && atomic_load(&watched[fd]);
}

static long long size_of(int fd) {
    struct stat stat;
    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) ? (long long)stat.st_size : 0;
}

static void lose_unsynced(void) {
    REAL(int, "ftruncate", int, off_t);
    for (int fd = 0; fd < FDS; fd++) {
        if (!atomic_load(&watched[fd])) continue;
        long long synced = atomic_load(&synced_size[fd]);
        if (size_of(fd) > synced && real(fd, (off_t)synced) != 0) continue;
    }
}

/* Counts the call; says what is to happen at it. Pairs with leave. */
static enum action judge(enum call call) {
    pthread_rwlock_rdlock(&calls_under_way);
    if (!shim.calls[call]) return ACT_NONE;
    long k = atomic_fetch_add(&calls_seen, 1) + 1;
    if (shim.at == 0 || k < shim.at || k >= shim.at + shim.count) return ACT_NONE;
    if (shim.action == ACT_DELAY) {
        struct timespec delay = {shim.delay_ms / 1000, shim.delay_ms % 1000 * 1000000};
        nanosleep(&delay, NULL);
        return ACT_NONE;
    }
    if (shim.action == ACT_LOSE) {
        pthread_rwlock_unlock(&calls_under_way);
        pthread_rwlock_wrlock(&calls_under_way);
        lose_unsynced();
    }
    if (shim.action == ACT_LOSE || shim.action == ACT_KILL ||
        (shim.action == ACT_TEAR && call != CALL_WRITE))
        kill(getpid(), SIGKILL);
    return shim.action;
}

static void leave(void) {
    pthread_rwlock_unlock(&calls_under_way);
}

static bool fails(enum call call) {
    if (judge(call) != ACT_FAIL) return false;
    leave();
    errno = shim.error;
    return true;
}

static int opened(int fd) {
    if (fd >= 0 && fd < FDS) {
        atomic_store(&synced_size[fd], size_of(fd));
        atomic_store(&watched[fd], true);
    }
    leave();
    return fd;
}

/* -- opening ------------------------------------------------------------------------------ */

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    if (!path_is_watched(path)) return real(path, flags, mode);
    if (fails(CALL_OPEN)) return -1;
    return opened(real(path, flags, mode));
}

#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags & O_CREAT) != 0) {                                                                  \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return open_with("open64", path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    MODE(flags)
    REAL(int, "openat", int, const char *, int, ...);
    if (!path_is_watched(path)) return real(directory, path, flags, mode);
    if (fails(CALL_OPEN)) return -1;
    return opened(real(directory, path, flags, mode));
}

int close(int fd) {
    REAL(int, "close", int);
    if (fd >= 0 && fd < FDS) atomic_store(&watched[fd], false);
    return real(fd);
}

/* For calls that return 0 or -1. */
#define COUNTED(condition, call, result)                                                           \
    if (!(condition)) return result;                                                               \
    if (fails(call)) return -1;                                                                    \
    int outcome = result;                                                                          \
    leave();                                                                                       \
    return outcome

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    COUNTED(path_is_watched(path), CALL_MKDIR, real(path, mode));
}

/* -- writing ------------------------------------------------------------------------------ */

static size_t shortened(enum action action, size_t len) {
    return (action == ACT_SHORT || action == ACT_TEAR) && len > 1 ? len / 2 : len;
}

static ssize_t written(enum action action, ssize_t result) {
    if (action == ACT_TEAR) kill(getpid(), SIGKILL);
    leave();
    return result;
}

static ssize_t refused(void) {
    leave();
    errno = shim.error;
    return -1;
}

ssize_t write(int fd, const void *data, size_t len) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!fd_is_watched(fd)) return real(fd, data, len);
    enum action action = judge(CALL_WRITE);
    if (action == ACT_FAIL) return refused();
    return written(action, real(fd, data, shortened(action, len)));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    if (!fd_is_watched(fd)) return real(fd, data, len, offset);
    enum action action = judge(CALL_WRITE);
    if (action == ACT_FAIL) return refused();
    return written(action, real(fd, data, shortened(action, len), offset));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) {
    return pwrite(fd, data, len, (off_t)offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (!fd_is_watched(fd)) return real(fd, parts, n);
    enum action action = judge(CALL_WRITE);
    if (action == ACT_FAIL) return refused();
    return written(action, real(fd, parts, action == ACT_NONE || n == 1 ? n : 1));
}

int ftruncate(int fd, off_t size) {
    REAL(int, "ftruncate", int, off_t);
    COUNTED(fd_is_watched(fd), CALL_TRUNCATE, real(fd, size));
}

/* -- syncing and naming ------------------------------------------------------------------- */

static int sync_with(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!fd_is_watched(fd)) return real(fd);
    if (fails(CALL_FSYNC)) return -1;
    long long size = size_of(fd);
    int result = shim.no_disk ? 0 : real(fd);
    if (result == 0) atomic_store(&synced_size[fd], size);
    leave();
    return result;
}

int fsync(int fd) {
    return sync_with("fsync", fd);
}

int fdatasync(int fd) {
    return sync_with("fdatasync", fd);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    COUNTED(path_is_watched(to), CALL_RENAME, real(from, to));
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    COUNTED(path_is_watched(path), CALL_UNLINK, real(path));
}
