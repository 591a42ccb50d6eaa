/* The worst that a network could do with what it has seen: an old frame is given to the same
 * receiver just when its numbers fit, though it is of an earlier stream or of a sender's earlier
 * life. Nothing of it may count. */
#ifndef SF_SIM_HOSTILE_H
#define SF_SIM_HOSTILE_H

#include "sim/process.h"

struct hostile;

struct hostile *hostile_new(void);
void hostile_free(struct hostile *hostile);
/* A message as it arrives. */
void hostile_note(struct hostile *hostile, const struct process *to, raft_id from, uint32_t argc,
    const struct slice *argv, struct slice bytes);
/* Looks for old frames that fit now, and lets them arrive. */
void hostile_act(struct world *world, struct hostile *hostile);

#endif
