/* Consumer groups: each with the entries that were given out and not acknowledged yet ("pending"),
 * in the order of their ids, in one tree for the group and one for each consumer. */
#ifndef SF_KEYSPACE_STREAM_GROUP_H
#define SF_KEYSPACE_STREAM_GROUP_H

#include "keyspace/stream.h"

struct stream_consumer {
    struct btree pending; /* its stream_pending, owned by the group's tree */
    int64_t seen_ms;      /* its last command */
    int64_t active_ms;    /* the last that gave it entries; -1: none did */
    uint32_t name_len;
    char name[];
};

struct stream_pending {
    struct stream_id id;
    struct stream_consumer *consumer;
    int64_t delivered_ms;
    uint64_t n_deliveries;
};

struct stream_group {
    struct stream_id last; /* given out up to here */
    int64_t entries_read;  /* or ENTRIES_READ_UNKNOWN */
    struct btree pending;
    struct btree consumers; /* by name */
    uint32_t name_len;
    char name[];
};

static inline struct slice stream_group_name(const struct stream_group *group) {
    return slice_of(group->name, group->name_len);
}
static inline struct slice stream_consumer_name(const struct stream_consumer *consumer) {
    return slice_of(consumer->name, consumer->name_len);
}

/* -- groups ---------------------------------------------------------------------------------- */

struct stream_group *stream_group_find(
    const struct stream *stream, struct slice name); /* or NULL */
/* NULL: there is one of that name. */
struct stream_group *stream_group_create(
    struct stream *stream, struct slice name, struct stream_id last, int64_t entries_read);
void stream_group_destroy(struct stream *stream, struct stream_group *group);
/* The same, and what it held is left to the garbage, where it is much. Walks that have still to
 * show it are told of each pending entry first. */
void stream_group_discard(struct db *db, struct stream *stream, struct stream_group *group);

/* In the order of names; NULL at the end. Valid until a group comes or goes. */
struct stream_group *stream_group_first(const struct stream *stream, struct btree_cursor *cursor);

/* -- consumers ------------------------------------------------------------------------------- */

struct stream_consumer *stream_consumer_find(const struct stream_group *group, struct slice name);
/* name must be new (asserted). */
struct stream_consumer *stream_consumer_create(
    struct stream *stream, struct stream_group *group, struct slice name, int64_t now_ms);
/* With its pending entries. */
void stream_consumer_destroy(
    struct stream *stream, struct stream_group *group, struct stream_consumer *consumer);
/* The same, and its pending entries are left to the garbage where all of the group's are its own.
 * Else each is taken out of the group's tree, now. */
void stream_consumer_discard(struct db *db, struct stream *stream, struct stream_group *group,
    struct stream_consumer *consumer);

/* -- pending entries ------------------------------------------------------------------------- */

struct stream_pending *stream_pending_find(const struct stream_group *group, struct stream_id id);
/* id must not be pending (asserted); delivered once, now. */
struct stream_pending *stream_pending_add(struct stream *stream, struct stream_group *group,
    struct stream_consumer *consumer, struct stream_id id, int64_t now_ms);
/* Before its delivery, their number or its consumer change. */
void stream_pending_changes(
    struct stream *stream, const struct stream_group *group, const struct stream_pending *pending);
void stream_pending_give(struct stream_pending *pending, struct stream_consumer *consumer);
void stream_pending_remove(
    struct stream *stream, struct stream_group *group, struct stream_pending *pending);
/* The first from id on of a group's or consumer's; btree_next goes on. NULL: none. */
struct stream_pending *stream_pending_seek(
    const struct btree *pending, struct stream_id id, struct btree_cursor *cursor);

/* -- for stream.c ---------------------------------------------------------------------------- */

void stream_groups_init(struct stream *stream);
void stream_groups_copy(const struct stream *stream, struct stream *out);
/* As stream_log_free_some, for all groups. */
bool stream_groups_free_some(struct stream *stream, uint64_t *budget);
size_t stream_groups_bytes(const struct stream *stream);
/* varint n groups: string name, u64 ms, u64 seq, u64 entries read, varint n consumers;
 * each: string name, u64 seen, u64 active, varint n pending;
 * each: u64 ms, u64 seq, u64 delivered, varint deliveries */
void stream_groups_put(const struct stream *stream, struct buf *out);
bool stream_groups_read(struct stream *stream, struct reader *in); /* false: damaged */

#endif
