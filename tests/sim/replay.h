/* S1 at the end of a run: the committed log once more, by two engines side by side. One has grown
 * with the log and shrunk with it; the other is made from an image of the first one now and then,
 * and so never saw what is gone. Command by command their replies must be equal, and so must their
 * digests, those that the nodes had, and what they answer to every kind of question. */
#ifndef SF_SIM_REPLAY_H
#define SF_SIM_REPLAY_H

#include "engine/engine.h"
#include "sim/judge.h"

struct replay;

struct replay *replay_new(struct world *world, const struct cluster_record *record);
void replay_free(struct replay *replay);
/* False: the world has failed. */
bool replay_begin(struct replay *replay, raft_index index);
/* The entry's next place: a command, or a void one. The reply in RESP2 is appended. waits: it has
 * none yet, and must be held. */
bool replay_next(struct replay *replay, struct buf *reply, bool *waits);
/* From now on the answer of who waits there is kept, under that number. */
void replay_hold(struct replay *replay, const struct waiter_place *place, size_t id);

struct replay_answer {
    size_t id;
    struct buf reply;
    bool ended; /* always, where it is given */
};
/* The answers that waiters got since this was last asked, in their order; owned by the replay.
 * NULL: the world has failed. */
const struct replay_answer *replay_answers(struct replay *replay, uint32_t *n);
/* The keys that went as the entry began which was begun last: db and name. */
struct replay_evicted {
    uint32_t db;
    struct buf key;
};
const struct replay_evicted *replay_evicted(const struct replay *replay, uint32_t *n);
/* The cluster does not run the entry. False: the world has failed. */
bool replay_skip(struct replay *replay, raft_index index);
bool replay_end(struct replay *replay);

#endif
