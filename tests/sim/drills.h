/* Misfortunes arranged so that a certain mistake would show: what chance alone brings together too
 * seldom. */
#ifndef SF_SIM_DRILLS_H
#define SF_SIM_DRILLS_H

#include "sim/process.h"

/* One that suits this world's temper, or none. */
void drill_begin(struct world *world);
/* A leader has begun to change members: both majorities of a joint configuration count now. */
void drill_on_joint(struct world *world, const struct process *leader);
/* A node is about to cut the end of its log. */
void drill_on_truncation(struct world *world, const struct process *process);
/* A snapshot is about to take its log's place. */
void drill_on_install(struct world *world, const struct process *process);
/* A piece of a snapshot, not the last, is about to be written. */
void drill_on_chunk(struct world *world, const struct process *process);
/* A leader is about to tell another node to stand for election. */
void drill_on_timeout_now(struct world *world, const struct process *leader);
/* The faults are about to end; for how long they go on with what this began. */
int64_t drill_last(struct world *world);
/* A drill for reads is on: clients ask much, of one key. */
bool drill_is_hot(const struct world *world);
/* One for leases is: nobody writes. */
bool drill_is_quiet(const struct world *world);

#endif
