/* Which keys which clients may hold in caches of their own. Knows no messages. Keys of different
 * databases with the same name are one, as in Redis.
 *
 * A client is a tracker, which outlives its connection: its places here are found out to be dead
 * when their key is taken out, so that who leaves costs nothing. */
#ifndef SF_NODE_TRACKED_H
#define SF_NODE_TRACKED_H

#include "util/base.h"
#include "util/hash.h"
#include "util/slice.h"

struct session;

struct tracker {
    uint32_t n_refs;
    struct session *session; /* NULL: it is told nothing any more */
};
void tracker_release(struct tracker *tracker);

struct tracked;
/* secret: nobody can choose names that collide. */
struct tracked *tracked_new(const struct hash_secret *secret);
void tracked_free(struct tracked *tracked);
uint64_t tracked_keys(const struct tracked *tracked);
uint64_t tracked_items(const struct tracked *tracked); /* pairs of a key and a tracker */

/* Takes a reference where the pair is new. */
void tracked_add(struct tracked *tracked, struct slice key, struct tracker *tracker);

typedef void tracked_visit(void *context, struct slice key, struct tracker *tracker);
/* Takes out the key: visits its trackers, in the order in which they came. */
void tracked_take(struct tracked *tracked, struct slice key, tracked_visit *visit, void *context);
/* The same with a key, any one; there must be one. */
void tracked_take_any(struct tracked *tracked, tracked_visit *visit, void *context);
/* Frees about so many keys of a table that nobody uses any more, tracked_free's work in slices.
 * true: all are gone, tracked too. */
bool tracked_free_some(struct tracked *tracked, uint64_t budget);

#endif
