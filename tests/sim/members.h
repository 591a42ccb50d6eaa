/* Changes of members and lost disks, one at a time: each begins only when the cluster is whole (all
 * nodes voters, none damaged) and is over when it is whole again, so that what was acknowledged
 * stays on a majority of the disks that count.
 *
 *   a disk is replaced: the node comes back empty, under a new id, and is met at its old address
 *   a member is forgotten; then its disk is wiped and it is met again
 *   an old copy of a directory is put back, and must be refused: after another start of the node,
 *   which all members know of, its number gives it away
 *   a disk loses the end of its log below what it had said was synced (DESIGN 9: damage) */
#ifndef SF_SIM_MEMBERS_H
#define SF_SIM_MEMBERS_H

#include "sim/process.h"

struct members;

struct members *members_new(struct world *world);
void members_free(struct members *members);
/* COVER_WIPE, COVER_FORGET or COVER_LOST_TAIL; false: not now. */
bool members_strike(struct world *world, enum sim_coverage kind);
/* Replaces that node's disk; false: not now. */
bool members_replace(struct world *world, uint32_t number);
/* Before a process is started again: an old copy that nobody has refused yet is given up. */
void members_before_start(struct process *process);
bool members_rest(struct world *world);  /* ... and nothing is under way */
void members_start(struct world *world); /* looks after what is under way from then on */
bool members_are_whole(struct world *world);
/* ... and whether each has all its links to the others. */
bool members_are_linked(struct world *world);

/* CLUSTER MEET, sent to node `asked` by that client, unless its last one is not answered yet. */
void members_ask_to_meet(struct world *world, uint32_t admin, uint32_t asked, uint32_t other);

/* An entry that was durable on that disk once, though a strike took it since; NULL: none. */
const struct raft_entry *members_remember(
    const struct world *world, raft_id id, raft_index index, raft_term term);

/* A node stores another id, with an empty log. */
void members_on_new_id(struct process *process);

/* Whether that node's disk was struck: what else it held is not known any more. */
bool members_remember_id(const struct world *world, raft_id id);

#endif
