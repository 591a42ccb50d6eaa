/* Lists: a listpack while they are small, a quicklist when they are large. */
#ifndef SF_KEYSPACE_LIST_H
#define SF_KEYSPACE_LIST_H

#include "data/quicklist.h"
#include "keyspace/collection.h"

/* A new, empty list; it must have an element before a key can hold it. */
struct collection list_new(const struct collection_types *types);

static inline uint64_t list_length(const struct collection *list) {
    return collection_size(list);
}

/* A list of ready-made blocks, moved (NULL afterwards): a listpack where it is small enough. */
struct collection list_of_blocks(const struct collection_types *types,
    const struct thresholds *thresholds, struct quicklist **blocks);

/* -- looking --------------------------------------------------------------------------------- */

/* At an element. Valid until the list changes. */
struct list_cursor {
    const struct listpack *packed; /* NULL: large */
    size_t at;
    struct quicklist_cursor large;
};

bool list_seek(const struct collection *list, uint64_t index, struct list_cursor *cursor);
bool list_step(struct list_cursor *cursor, bool backward); /* false: that was the last */
struct slice list_text(const struct list_cursor *cursor, char scratch[INT_TEXT_MAX]);
bool list_equals(const struct list_cursor *cursor, struct slice text);

/* -- changing -------------------------------------------------------------------------------- */

/* Before elements of so many bytes come: a listpack that would be too large becomes a quicklist. */
void list_grow(
    struct collection *list, const struct thresholds *thresholds, size_t text_bytes, uint64_t n);
/* After elements went or shrank: a quicklist of one block, at most half as large as a list may be
 * before it is converted, becomes a listpack. */
void list_shrink(struct collection *list, const struct thresholds *thresholds);
/* The same without the halving, for a list that was just built. */
void list_settle(struct collection *list, const struct thresholds *thresholds);

/* After list_grow for what they add. */
void list_push(
    struct collection *list, const struct thresholds *thresholds, bool front, struct slice text);
void list_insert(struct collection *list, const struct thresholds *thresholds, uint64_t index,
    bool behind, struct slice text);
void list_replace(struct collection *list, uint64_t index, struct slice text);
/* Elements from index on; they must be there (asserted). */
void list_remove(struct collection *list, uint64_t index, uint64_t n);
/* At most max elements equal to text, from the end where backward; returns how many went. */
uint64_t list_remove_equal(struct collection *list, struct slice text, uint64_t max, bool backward);

#endif
