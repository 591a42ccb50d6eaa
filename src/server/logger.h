/* The server's log: lines in Redis' form, written by a thread of its own, so that a slow disk or
 * terminal never holds up the loop. What waits is bounded; lines that do not fit are counted, and
 * the count is written where they are missing. */
#ifndef SF_SERVER_LOGGER_H
#define SF_SERVER_LOGGER_H

#include "node/ports.h"

#define LOGGER_WAITING_BYTES_MAX (1024 * 1024)
#define LOGGER_LINE_BYTES_MAX 2048 /* longer lines are cut */

struct logger;

/* path "": standard output. NULL when the file cannot be opened (errno). */
struct logger *logger_open(const char *path, enum log_level level);
void logger_close(struct logger *logger); /* writes what waits; NULL is allowed */

void logger_set_level(struct logger *logger, enum log_level level); /* the main thread's */
void logger_write(struct logger *logger, enum log_level level, const char *line);
void logger_writef(struct logger *logger, enum log_level level, const char *format, ...)
    SF_PRINTF(3, 4);
void logger_flush(struct logger *logger); /* returns once everything so far is written */
int logger_fd(const struct logger *logger);
/* For a process that is about to die, from a signal handler: writes what waits, if it can be had.
 */
void logger_flush_dying(struct logger *logger);

#endif
