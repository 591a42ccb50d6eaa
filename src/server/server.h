/* One process: configuration, storage, node and network wired together. */
#ifndef SF_SERVER_SERVER_H
#define SF_SERVER_SERVER_H

#include "node/ports.h"
#include "server/config.h"

/* What the command line says for this start only. */
struct start_options {
    bool accept_lost_tail; /* --accept-lost-tail */
    uint32_t n_skips;      /* --skip-entry index:crc */
    struct entry_skip skips[SKIPS_MAX];
};

/* Runs until told to stop; returns the exit code. The configuration was judged; it stays the
 * caller's. A start that fails says why in one line on standard error (and in the log). */
int server_run(struct config *config, const struct start_options *options);

#endif
