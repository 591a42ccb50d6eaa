/* Misfortunes arranged so that a certain mistake would show: what chance alone brings together too
 * seldom. */
#ifndef SF_SIM_DRILLS_H
#define SF_SIM_DRILLS_H

#include "sim/process.h"

/* One that suits this world's temper, or none. */
void drill_begin(struct world *world);
/* A leader has begun to change members: both majorities of a joint configuration count now. */
void drill_on_joint(struct world *world, const struct process *leader);
/* A drill for reads is on: clients ask much, of one key. */
bool drill_is_hot(const struct world *world);

#endif
