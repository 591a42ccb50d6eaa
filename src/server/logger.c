#include "server/logger.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct logger {
    int fd;
    enum log_level level; /* read and written by the main thread only */
    pthread_t thread;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    struct buf waiting;
    uint64_t n_dropped; /* since the last line that was taken */
    bool is_writing;    /* the thread has taken lines and not yet written them */
    bool is_closing;
};

static void write_out(int fd, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n <= 0) return; /* there is nowhere to complain */
        bytes = slice_of(bytes.data + n, bytes.len - (size_t)n);
    }
}

static void *logger_run(void *context) {
    struct logger *logger = context;
    struct buf taken = {0};
    pthread_mutex_lock(&logger->lock);
    for (;;) {
        while (logger->waiting.len == 0 && !logger->is_closing) {
            pthread_cond_wait(&logger->changed, &logger->lock);
        }
        if (logger->waiting.len == 0) break;
        struct buf swap = taken;
        taken = logger->waiting;
        logger->waiting = swap;
        logger->is_writing = true;
        pthread_mutex_unlock(&logger->lock);
        write_out(logger->fd, buf_slice(&taken));
        buf_clear(&taken);
        buf_shrink(&taken, LOGGER_LINE_BYTES_MAX);
        pthread_mutex_lock(&logger->lock);
        logger->is_writing = false;
        pthread_cond_broadcast(&logger->changed);
    }
    pthread_mutex_unlock(&logger->lock);
    buf_free(&taken);
    return NULL;
}

struct logger *logger_open(const char *path, enum log_level level) {
    int fd = path[0] == '\0' ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                             : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return NULL;
    struct logger *logger = sf_alloc_zero(1, sizeof(*logger));
    logger->fd = fd;
    logger->level = level;
    pthread_mutex_init(&logger->lock, NULL);
    pthread_cond_init(&logger->changed, NULL);
    sigset_t all, old;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failed = pthread_create(&logger->thread, NULL, logger_run, logger);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    SF_ASSERT(failed == 0);
    return logger;
}

void logger_close(struct logger *logger) {
    if (logger == NULL) return;
    pthread_mutex_lock(&logger->lock);
    logger->is_closing = true;
    pthread_cond_broadcast(&logger->changed);
    pthread_mutex_unlock(&logger->lock);
    pthread_join(logger->thread, NULL);
    pthread_cond_destroy(&logger->changed);
    pthread_mutex_destroy(&logger->lock);
    buf_free(&logger->waiting);
    close(logger->fd);
    sf_free(logger);
}

void logger_set_level(struct logger *logger, enum log_level level) {
    logger->level = level;
}

/* "4711:M 05 Jan 2031 13:14:15.016 * " */
static size_t print_head(char *out, size_t size, enum log_level level) {
    static const char marks[] = {'.', '-', '*', '#'}; /* by enum log_level, as in Redis */
    struct timeval now;
    struct tm local;
    char date[40];
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    strftime(date, sizeof(date), "%d %b %Y %H:%M:%S", &local);
    int len = snprintf(
        out, size, "%d:M %s.%03d %c ", (int)getpid(), date, (int)now.tv_usec / 1000, marks[level]);
    SF_ASSERT(len > 0 && (size_t)len < size);
    return (size_t)len;
}

void logger_write(struct logger *logger, enum log_level level, const char *line) {
    if (level < logger->level) return;
    char text[LOGGER_LINE_BYTES_MAX];
    size_t head = print_head(text, sizeof(text), level);
    size_t len = SF_MIN(strlen(line), sizeof(text) - head - 1);
    memcpy(text + head, line, len);
    for (size_t i = head; i < head + len; i++) {
        if (text[i] == '\n' || text[i] == '\r') text[i] = ' '; /* a line stays a line */
    }
    text[head + len] = '\n';
    pthread_mutex_lock(&logger->lock);
    if (logger->waiting.len + sizeof(text) > LOGGER_WAITING_BYTES_MAX) {
        logger->n_dropped++;
    } else {
        if (logger->n_dropped > 0) {
            buf_printf(&logger->waiting, "(%llu lines of the log were lost here)\n",
                (unsigned long long)logger->n_dropped);
            logger->n_dropped = 0;
        }
        buf_append(&logger->waiting, text, head + len + 1);
        pthread_cond_broadcast(&logger->changed);
    }
    pthread_mutex_unlock(&logger->lock);
}

void logger_writef(struct logger *logger, enum log_level level, const char *format, ...) {
    char line[LOGGER_LINE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    logger_write(logger, level, line);
}

void logger_flush(struct logger *logger) {
    pthread_mutex_lock(&logger->lock);
    while (logger->waiting.len > 0 || logger->is_writing) {
        pthread_cond_wait(&logger->changed, &logger->lock);
    }
    pthread_mutex_unlock(&logger->lock);
}

int logger_fd(const struct logger *logger) {
    return logger->fd;
}

void logger_flush_dying(struct logger *logger) {
    if (pthread_mutex_trylock(&logger->lock) != 0) return;
    write_out(logger->fd, buf_slice(&logger->waiting));
    buf_clear(&logger->waiting);
    pthread_mutex_unlock(&logger->lock);
}
