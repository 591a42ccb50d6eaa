/* A digest of the whole replicated state as of one index, made in slices while the state moves on
 * (DESIGN 8). Nodes that applied the same log have equal ones. No influence on the state. */
#ifndef SF_ENGINE_DIGEST_H
#define SF_ENGINE_DIGEST_H

#include "engine/engine.h"
#include "keyspace/walk_digest.h"

/* Digests of builds that count differently are not compared. */
#define STATE_DIGEST_VERSION 1

struct state_digest {
    raft_index index;
    uint64_t rest; /* what the state holds besides keys: rows, settings, scripts, waiters ... */
    uint64_t ranges[DIGEST_RANGES];
};
uint64_t state_digest_total(const struct state_digest *digest);

struct digest_walk;

/* Of the state at engine_applied; between entries. NULL: too many walks are open. To be ended
 * before the engine is freed. */
struct digest_walk *digest_walk_begin(struct engine *engine);
/* Goes on for about budget units (walk.h). true: *out is the digest. */
bool digest_walk_some(struct digest_walk *walk, uint64_t budget, struct state_digest *out);
void digest_walk_end(struct digest_walk *walk); /* at any time; NULL is allowed */
raft_index digest_walk_index(const struct digest_walk *walk);
void digest_walk_progress(const struct digest_walk *walk, uint64_t *done, uint64_t *n_keys);

#endif
