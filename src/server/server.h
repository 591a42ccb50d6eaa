/* One process: configuration, storage, node and network wired together. */
#ifndef SF_SERVER_SERVER_H
#define SF_SERVER_SERVER_H

#include "server/config.h"

/* Runs until told to stop; returns the exit code. The configuration was judged; it stays the
 * caller's. A start that fails says why in one line on standard error (and in the log). */
int server_run(struct config *config, bool accept_lost_tail);

#endif
