/* Memory that changes by itself: a bit of a value falls over in one node's state, of a key that no
 * client reads. The next digest must find it, the node must be fenced and rebuilt, and nobody may
 * ever be fenced who has not been struck.
 *
 * From the strike on that node's state may differ; so may what is loaded from a snapshot that it
 * made then. */
#ifndef SF_SIM_ROT_H
#define SF_SIM_ROT_H

#include "sim/process.h"

struct rot;

struct rot *rot_new(struct world *world);
void rot_free(struct rot *rot);
void rot_start(struct world *world);

/* What processes tell. */
void rot_on_start(struct process *process, uint64_t snapshot_id); /* 0: from the log alone */
void rot_on_snapshot(struct process *process, uint64_t id);       /* it makes one */
void rot_on_installed(struct process *process, uint64_t id);
void rot_on_rebuilding(struct process *process); /* it stores another id, with an empty log */
void rot_on_turn(struct process *process);

/* All states are what they should be, or as equal as they can become. */
bool rot_is_over(struct world *world);
raft_index rot_told_before(const struct process *process); /* by it, before it was rebuilt */
bool rot_has_rebuilt(const struct world *world, uint32_t number); /* that node has begun anew */
/* Nobody is struck or fenced: another change of members may begin. */
bool rot_is_quiet(const struct world *world);
/* Its state may differ from the others'. */
bool rot_has(const struct process *process);

#endif
