/* An entry that kills every process that applies it, or one of them (DESIGN 7): after three deaths
 * a node names it and applies nothing, until an operator says that it is to be skipped, or, where
 * only one dies of it, gives that one an empty disk. */
#ifndef SF_SIM_DEADLY_H
#define SF_SIM_DEADLY_H

#include "sim/process.h"

struct deadly;

struct deadly *deadly_new(struct world *world);
void deadly_free(struct deadly *deadly);
void deadly_start(struct world *world); /* perhaps one, some time */
/* Whether the process dies of what it is about to apply. */
bool deadly_strikes(struct process *process, raft_index index);
/* What an operator wrote on the process' command line. */
void deadly_options(const struct process *process, struct node_start *start);
/* The entry that the cluster does not run; 0: none. */
raft_index deadly_skipped(const struct world *world);

#endif
