/* What the log says of nodes' lives: payloads of its latest ENTRY_INCARNATIONs, which this folder
 * does not read. */
#ifndef SF_STORAGE_LIVES_H
#define SF_STORAGE_LIVES_H

#include "util/bytes.h"

#define LOG_LIVES_MAX 64

struct log_lives { /* {0} is empty; owns a reference to each */
    uint32_t n;
    struct bytes *payloads[LOG_LIVES_MAX]; /* in the log's order */
};

/* Takes the reference. Beyond LOG_LIVES_MAX the oldest goes. */
void log_lives_add(struct log_lives *lives, struct bytes *payload);
void log_lives_clear(struct log_lives *lives);

#endif
