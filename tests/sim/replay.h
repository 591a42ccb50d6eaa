/* S1 at the end of a run: the committed log once more, by two engines side by side. One has grown
 * with the log and shrunk with it; the other is made from an image of the first one now and then,
 * and so never saw what is gone. Command by command their replies must be equal, and so must their
 * digests, those that the nodes had, and what they answer to every kind of question. */
#ifndef SF_SIM_REPLAY_H
#define SF_SIM_REPLAY_H

#include "sim/judge.h"

struct replay;

struct replay *replay_new(struct world *world, const struct cluster_record *record);
void replay_free(struct replay *replay);
/* False: the world has failed. */
bool replay_begin(struct replay *replay, raft_index index);
/* The entry's next place: a command, or a void one. The reply in RESP2 is appended. */
bool replay_next(struct replay *replay, struct buf *reply);
bool replay_end(struct replay *replay);

#endif
