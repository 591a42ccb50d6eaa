/* A hash table of void pointers that is ordered by (hash, key bytes) and grows without a pause.
 *
 * Everything that a caller can observe (order of walks, scan cursors, the element of a rank) is a
 * function of the keys and the secret alone, never of the table's history, capacity or depth
 * (invariant S1). The layout is drawn in table.c.
 *
 * Cost: find, put and remove touch one directory word, one or two cache lines of a segment and the
 * items met. Growing splits one segment of at most about a thousand slots. table_at is a scan of
 * sums of 64 segments' counts.
 *
 * Every call takes the key's hash, so that a caller who has it computes it once (table_hash). */
#ifndef SF_DATA_TABLE_H
#define SF_DATA_TABLE_H

#include "util/base.h"
#include "util/hash.h"
#include "util/slice.h"

/* What the tables of one kind share. Outlives them all. */
struct table_type {
    struct hash_secret secret;
    struct slice (*key)(const void *item); /* borrowed from the item; constant while it is in */
    /* NULL: hash_keyed with the secret. Otherwise used in its place (tests put bad ones here). */
    uint64_t (*hash)(const struct hash_secret *secret, struct slice key);
};

struct table_directory;

/* 24 bytes and no allocation while empty. The items belong to the caller. */
struct table {
    const struct table_type *type;
    uint64_t root;                     /* a reference to the only segment; 0: none */
    struct table_directory *directory; /* from the second segment on; then root is 0 */
};

/* Returning false ends the walk. The table must not be changed meanwhile. */
typedef bool table_visit(void *context, void *item);

void table_init(struct table *table, const struct table_type *type);
uint64_t table_size(const struct table *table);
size_t table_bytes(const struct table *table); /* of the table itself, as the allocator rounds */

static inline uint64_t table_hash(const struct table_type *type, struct slice key) {
    return type->hash == NULL ? hash_keyed(&type->secret, key) : type->hash(&type->secret, key);
}

/* Hints for a batch of look-ups: first touch the segments of all, then the items of all. */
void table_prefetch(const struct table *table, uint64_t hash);
void table_prefetch_item(const struct table *table, uint64_t hash);

/* NULL when absent. */
void *table_find(const struct table *table, uint64_t hash, struct slice key);
/* Inserts item (not NULL), or puts it in the place of the one with an equal key, which is
 * returned. */
void *table_put(struct table *table, uint64_t hash, void *item);
/* Where items come in the order of their hashes the segments would grow at one end, and split again
 * and again. So whoever knows how many there will be asks for this whenever an item's first `depth`
 * bits are others than the one's before (table_depth_for): makes room for such a share of them.
 * Nothing happens where items are there already. */
uint32_t table_depth_for(uint64_t n_items);
void table_prepare(struct table *table, uint64_t hash, uint32_t depth, uint64_t n_items);
/* The same key has moved in memory: only the pointer changes. old must be in the table (asserted)
 * and is not dereferenced. */
void table_replace(struct table *table, uint64_t hash, const void *old, void *item);
/* Takes the item out and returns it; NULL when absent. */
void *table_remove(struct table *table, uint64_t hash, struct slice key);

/* -- order ----------------------------------------------------------------------------------- */

/* A place between two items. Valid until the table changes. */
struct table_iterator {
    const struct table *table;
    uint64_t index; /* of the segment's first place in the directory */
    uint64_t at;    /* reference to the segment; 0: at the end */
    uint32_t slot;
};
/* Before the first item whose hash is >= hash; 0: before the first of all. */
struct table_iterator table_seek(const struct table *table, uint64_t hash);
void *table_next(struct table_iterator *iterator); /* NULL at the end */

void table_walk(const struct table *table, table_visit *visit, void *context);

#define TABLE_CURSOR_BITS 48

/* Visits the items from cursor on (the top 48 bits of a hash; 0: the first): at least max(count, 1)
 * of them unless the end comes, and always all that share the last one's 48 bits. Returns the
 * cursor of what comes next, 0 at the end. An item present from a scan's begin to its end is
 * seen. A visitor's false means "enough": the scan ends behind the current group. */
uint64_t table_scan(
    const struct table *table, uint64_t cursor, uint64_t count, table_visit *visit, void *context);

/* The item of rank r (0 .. size-1) in table order. */
void *table_at(const struct table *table, uint64_t rank);

/* -- the end --------------------------------------------------------------------------------- */

/* Takes out items, whole segments at a time, until at least budget went or the table is empty;
 * drop (may be NULL) then owns each. Returns how many went, each segment counting as one more; 0
 * when there was nothing. After the first call that did not
 * empty the table, only this function may be used on it. */
uint64_t table_drop_some(
    struct table *table, uint64_t budget, void (*drop)(void *context, void *item), void *context);

#endif
