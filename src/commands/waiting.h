/* What the commands share that wait where there is nothing to take. */
#ifndef SF_COMMANDS_WAITING_H
#define SF_COMMANDS_WAITING_H

#include "commands/call.h"

/* A time-out in seconds, as a moment of state time: NO_DUE for 0. Where the call has a deadline
 * already (it waited before), that one. */
bool call_timeout(struct call *call, struct slice text, int64_t *deadline_ms);

/* Nothing was found under the n_keys keys from argv[first] on. true: the call waits for them, and
 * must not reply. false: it may not (deadline_ms NULL: it never does); it replies that there is
 * nothing. */
bool call_wait(struct call *call, const int64_t *deadline_ms, enum object_type type, uint32_t first,
    uint32_t n_keys);

/* The same where more is to be said; request->keys are within call->argv. */
bool call_wait_for(struct call *call, const struct wait_request *request);

#endif
