/* Streams: entries (data/stream_log.h), what the stream remembers of those that went, and consumer
 * groups (stream_group.h).
 *
 * Unlike other values an empty stream stays: it remembers ids and has groups. So the handle's size
 * (collection_size), which says how much there is to free, is never 0. Functions that change a
 * stream take what stream_to_change or stream_groups_to_change give; hand the handle back
 * afterwards (db_collection_changed; where only groups changed db_collection_counted: WATCH does
 * not look at those). */
#ifndef SF_KEYSPACE_STREAM_H
#define SF_KEYSPACE_STREAM_H

#include "data/stream_log.h"
#include "keyspace/collection.h"

struct stream {
    struct stream_log log;
    struct stream_id first;       /* of the first entry; 0-0 without one */
    struct stream_id last;        /* the highest that was ever given */
    struct stream_id max_deleted; /* the highest that XDEL took */
    uint64_t entries_added;       /* ever */

    struct btree groups;             /* by name */
    struct pool *pool;               /* where pending entries lie */
    uint64_t n_consumers, n_pending; /* of all groups */
    size_t name_bytes;               /* groups and consumers, as the allocator rounds */
};

struct collection stream_new(const struct collection_types *types);

static inline const struct stream *stream_in(const struct collection *collection) {
    SF_ASSERT(collection->type == OBJECT_STREAM);
    return collection->value;
}
/* Before entries, or what the stream remembers of them, change. */
static inline struct stream *stream_to_change(struct collection *collection) {
    SF_ASSERT(collection->type == OBJECT_STREAM);
    collection_changes(collection);
    return collection->value;
}
/* Before anything of its groups changes. */
struct stream *stream_groups_to_change(struct collection *collection);

static inline uint64_t stream_length(const struct stream *stream) {
    return stream->log.length;
}
/* What the image holds behind the nodes: ids, counts, groups. */
void stream_rest_put(const struct stream *stream, struct buf *out);
struct stream_node_limits stream_limits(const struct thresholds *thresholds);

/* id must be above stream->last (asserted). */
void stream_append(struct stream *stream, const struct stream_node_limits *limits,
    struct stream_id id, uint64_t n_fields, const struct slice *pairs);
/* XDEL's removal; false: it was not there. */
bool stream_remove(struct stream *stream, struct stream_id id);
uint64_t stream_cut(struct stream *stream, const struct stream_trim *trim);
/* The id of the last entry that is there; false: none is. */
bool stream_top(const struct stream *stream, struct stream_id *id);

/* -- how far a group has come ---------------------------------------------------------------- */

#define ENTRIES_READ_UNKNOWN ((int64_t)-1)

struct stream_group;

/* How many of all entries ever added stand up to id, where that can be told. */
int64_t stream_entries_up_to(const struct stream *stream, struct stream_id id);
/* The group is given an entry: moves its last id and the count of entries read. */
void stream_group_advance(
    const struct stream *stream, struct stream_group *group, struct stream_id id);
/* Entries that the group has still to read; false: cannot be told. */
bool stream_group_lag(const struct stream *stream, const struct stream_group *group, int64_t *lag);

#endif
