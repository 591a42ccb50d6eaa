#include "keyspace/stream_group.h"

#include "data/pool.h"
#include "data/size_class.h"
#include "keyspace/db.h"
#include "keyspace/walks.h"

/* -- orders ---------------------------------------------------------------------------------- */

static int compare_groups(const void *context, const void *a, const void *b) {
    (void)context;
    return slice_compare(stream_group_name(a), stream_group_name(b));
}

static int compare_group_name(const void *context, const void *name, const void *group) {
    (void)context;
    return slice_compare(*(const struct slice *)name, stream_group_name(group));
}

static int compare_consumers(const void *context, const void *a, const void *b) {
    (void)context;
    return slice_compare(stream_consumer_name(a), stream_consumer_name(b));
}

static int compare_consumer_name(const void *context, const void *name, const void *consumer) {
    (void)context;
    return slice_compare(*(const struct slice *)name, stream_consumer_name(consumer));
}

static int compare_pending(const void *context, const void *a, const void *b) {
    (void)context;
    const struct stream_pending *one = a, *other = b;
    return stream_id_compare(one->id, other->id);
}

static const struct btree_type groups_type = {compare_groups, NULL};
static const struct btree_type consumers_type = {compare_consumers, NULL};
static const struct btree_type pending_type = {compare_pending, NULL};

/* -- pending entries ------------------------------------------------------------------------- */

struct stream_pending *stream_pending_find(const struct stream_group *group, struct stream_id id) {
    struct stream_pending probe = {.id = id};
    return btree_find(&group->pending, &probe);
}

struct stream_pending *stream_pending_seek(
    const struct btree *pending, struct stream_id id, struct btree_cursor *cursor) {
    struct stream_pending probe = {.id = id};
    return btree_lower_bound(pending, NULL, &probe, cursor, NULL);
}

/* Walks may have to show the entry as it is now: pending or not. */
static void tell(
    const struct stream *stream, const struct stream_group *group, struct stream_id id) {
    const struct stream_watcher *watcher = stream->log.watcher;
    if (watcher != NULL) tracked_pending_changes(watcher->context, group, id);
}

static struct stream_pending *enter_pending(
    struct stream *stream, struct stream_group *group, const struct stream_pending *what) {
    struct stream_pending *pending = pool_take(stream->pool, sizeof *pending);
    *pending = *what;
    btree_insert(&group->pending, pending);
    btree_insert(&pending->consumer->pending, pending);
    stream->n_pending++;
    return pending;
}

struct stream_pending *stream_pending_add(struct stream *stream, struct stream_group *group,
    struct stream_consumer *consumer, struct stream_id id, int64_t now_ms) {
    struct stream_pending what = {id, consumer, now_ms, 1};
    tell(stream, group, id);
    return enter_pending(stream, group, &what);
}

void stream_pending_changes(
    struct stream *stream, const struct stream_group *group, const struct stream_pending *pending) {
    tell(stream, group, pending->id);
}

void stream_pending_give(struct stream_pending *pending, struct stream_consumer *consumer) {
    if (pending->consumer == consumer) return;
    btree_remove(&pending->consumer->pending, pending);
    btree_insert(&consumer->pending, pending);
    pending->consumer = consumer;
}

static void free_pending(void *context, void *item) {
    struct stream *stream = context;
    pool_give(stream->pool, item, sizeof(struct stream_pending));
    stream->n_pending--;
}

void stream_pending_remove(
    struct stream *stream, struct stream_group *group, struct stream_pending *pending) {
    tell(stream, group, pending->id);
    btree_remove(&group->pending, pending);
    btree_remove(&pending->consumer->pending, pending);
    free_pending(stream, pending);
}

/* -- consumers ------------------------------------------------------------------------------- */

static size_t consumer_bytes(const struct stream_consumer *consumer) {
    return size_class(sizeof *consumer + consumer->name_len);
}

struct stream_consumer *stream_consumer_find(const struct stream_group *group, struct slice name) {
    struct btree_cursor cursor;
    struct stream_consumer *found =
        btree_lower_bound(&group->consumers, compare_consumer_name, &name, &cursor, NULL);
    return found != NULL && slice_equal(stream_consumer_name(found), name) ? found : NULL;
}

struct stream_consumer *stream_consumer_create(
    struct stream *stream, struct stream_group *group, struct slice name, int64_t now_ms) {
    SF_ASSERT(name.len <= UINT32_MAX);
    struct stream_consumer *consumer = sf_alloc(sizeof *consumer + name.len);
    consumer->seen_ms = now_ms;
    consumer->active_ms = -1;
    consumer->name_len = (uint32_t)name.len;
    if (name.len > 0) memcpy(consumer->name, name.data, name.len);
    btree_init(&consumer->pending, &pending_type);
    btree_insert(&group->consumers, consumer);
    stream->n_consumers++;
    stream->name_bytes += consumer_bytes(consumer);
    return consumer;
}

/* Without its pending entries, which are gone or dealt with. */
static void drop_consumer(
    struct stream *stream, struct stream_group *group, struct stream_consumer *consumer) {
    btree_remove(&group->consumers, consumer);
    stream->n_consumers--;
    stream->name_bytes -= consumer_bytes(consumer);
    sf_free(consumer);
}

void stream_consumer_destroy(
    struct stream *stream, struct stream_group *group, struct stream_consumer *consumer) {
    struct btree_cursor cursor;
    for (struct stream_pending *pending = btree_seek(&consumer->pending, 0, &cursor);
         pending != NULL; pending = btree_next(&cursor)) {
        tell(stream, group, pending->id);
        btree_remove(&group->pending, pending);
    }
    while (consumer->pending.n > 0)
        btree_drop_some(&consumer->pending, UINT64_MAX, free_pending, stream);
    drop_consumer(stream, group, consumer);
}

/* -- groups ---------------------------------------------------------------------------------- */

static size_t group_bytes(const struct stream_group *group) {
    return size_class(sizeof *group + group->name_len);
}

struct stream_group *stream_group_find(const struct stream *stream, struct slice name) {
    struct btree_cursor cursor;
    struct stream_group *found =
        btree_lower_bound(&stream->groups, compare_group_name, &name, &cursor, NULL);
    return found != NULL && slice_equal(stream_group_name(found), name) ? found : NULL;
}

struct stream_group *stream_group_first(const struct stream *stream, struct btree_cursor *cursor) {
    return btree_seek(&stream->groups, 0, cursor);
}

struct stream_group *stream_group_create(
    struct stream *stream, struct slice name, struct stream_id last, int64_t entries_read) {
    if (stream_group_find(stream, name) != NULL) return NULL;
    SF_ASSERT(name.len <= UINT32_MAX);
    struct stream_group *group = sf_alloc(sizeof *group + name.len);
    group->last = last;
    group->entries_read = entries_read;
    group->name_len = (uint32_t)name.len;
    if (name.len > 0) memcpy(group->name, name.data, name.len);
    btree_init(&group->pending, &pending_type);
    btree_init(&group->consumers, &consumers_type);
    btree_insert(&stream->groups, group);
    stream->name_bytes += group_bytes(group);
    return group;
}

/* true: the group is gone. Until then nothing else may be done with it. */
static bool free_group_some(struct stream *stream, struct stream_group *group, uint64_t *budget) {
    uint64_t freed = btree_drop_some(&group->pending, *budget, free_pending, stream);
    *budget -= SF_MIN(*budget, freed);
    if (group->pending.n > 0) return false;
    while (group->consumers.n > 0) {
        if (*budget == 0) return false;
        struct stream_consumer *consumer = btree_first(&group->consumers);
        freed = btree_drop_some(&consumer->pending, *budget, NULL, NULL) + 1;
        *budget -= SF_MIN(*budget, freed);
        if (consumer->pending.n > 0) return false;
        drop_consumer(stream, group, consumer);
    }
    btree_remove(&stream->groups, group);
    stream->name_bytes -= group_bytes(group);
    sf_free(group);
    return true;
}

static void tell_all(const struct stream *stream, const struct stream_group *group) {
    struct btree_cursor cursor;
    const struct stream_pending *pending =
        stream->log.watcher == NULL ? NULL : btree_seek(&group->pending, 0, &cursor);
    for (; pending != NULL; pending = btree_next(&cursor)) tell(stream, group, pending->id);
}

void stream_group_destroy(struct stream *stream, struct stream_group *group) {
    uint64_t budget = UINT64_MAX;
    tell_all(stream, group);
    while (!free_group_some(stream, group, &budget)) {
    }
}

/* -- what is left to the garbage ------------------------------------------------------------- */

/* A stream for the garbage alone: it frees in slices what it is given. */
static void discard(struct db *db, struct collection *rest) {
    const struct collection_form *form = collection_form(OBJECT_STREAM, ENCODING_STREAM);
    keyspace_discard(db->keyspace, form, rest->value, form->bytes(rest->value));
}

static void move_counts(struct stream *from, struct stream *to, const struct stream_group *group) {
    struct btree_cursor cursor;
    size_t bytes = 0;
    for (const struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &cursor);
         consumer != NULL; consumer = btree_next(&cursor))
        bytes += consumer_bytes(consumer);
    from->name_bytes -= bytes;
    to->name_bytes += bytes;
    from->n_consumers -= group->consumers.n;
    to->n_consumers += group->consumers.n;
    from->n_pending -= group->pending.n;
    to->n_pending += group->pending.n;
}

void stream_group_discard(struct db *db, struct stream *stream, struct stream_group *group) {
    struct collection rest = stream_new(db_collection_types(db));
    struct stream *to = rest.value;
    tell_all(stream, group);
    btree_remove(&stream->groups, group);
    stream->name_bytes -= group_bytes(group);
    move_counts(stream, to, group);
    btree_insert(&to->groups, group);
    to->name_bytes += group_bytes(group);
    discard(db, &rest);
}

void stream_consumer_discard(struct db *db, struct stream *stream, struct stream_group *group,
    struct stream_consumer *consumer) {
    if (consumer->pending.n == 0 || consumer->pending.n < group->pending.n) {
        stream_consumer_destroy(stream, group, consumer);
        return;
    }
    struct collection rest = stream_new(db_collection_types(db));
    struct stream *to = rest.value;
    struct stream_group *dead =
        stream_group_create(to, stream_group_name(group), group->last, group->entries_read);
    tell_all(stream, group);
    btree_remove(&group->consumers, consumer);
    btree_insert(&dead->consumers, consumer);
    dead->pending = group->pending;
    btree_init(&group->pending, &pending_type);
    move_counts(stream, to, dead);
    discard(db, &rest);
}

/* -- all groups ------------------------------------------------------------------------------ */

void stream_groups_init(struct stream *stream) {
    btree_init(&stream->groups, &groups_type);
    stream->n_consumers = stream->n_pending = 0;
    stream->name_bytes = 0;
}

static void copy_consumer(
    struct stream *out, struct stream_group *group, const struct stream_consumer *consumer) {
    struct stream_consumer *copy =
        stream_consumer_create(out, group, stream_consumer_name(consumer), consumer->seen_ms);
    copy->active_ms = consumer->active_ms;
    struct btree_cursor cursor;
    for (const struct stream_pending *pending = btree_seek(&consumer->pending, 0, &cursor);
         pending != NULL; pending = btree_next(&cursor)) {
        struct stream_pending what = *pending;
        what.consumer = copy;
        enter_pending(out, group, &what);
    }
}

void stream_groups_copy(const struct stream *stream, struct stream *out) {
    struct btree_cursor at_group, at_consumer;
    for (const struct stream_group *group = stream_group_first(stream, &at_group); group != NULL;
         group = btree_next(&at_group)) {
        struct stream_group *copy =
            stream_group_create(out, stream_group_name(group), group->last, group->entries_read);
        for (const struct stream_consumer *consumer =
                 btree_seek(&group->consumers, 0, &at_consumer);
             consumer != NULL; consumer = btree_next(&at_consumer))
            copy_consumer(out, copy, consumer);
    }
}

bool stream_groups_free_some(struct stream *stream, uint64_t *budget) {
    while (stream->groups.n > 0) {
        if (*budget == 0) return false;
        if (!free_group_some(stream, btree_first(&stream->groups), budget)) return false;
        if (*budget > 0) --*budget;
    }
    return true;
}

size_t stream_groups_bytes(const struct stream *stream) {
    /* a pending entry is in two trees */
    size_t pending = pool_piece_bytes(sizeof(struct stream_pending)) + 2 * 12;
    return stream->name_bytes + stream->n_pending * pending + stream->n_consumers * 12 +
           btree_bytes(&stream->groups);
}

/* -- images ---------------------------------------------------------------------------------- */

static void put_id(struct buf *out, struct stream_id id) {
    put_u64(out, id.ms);
    put_u64(out, id.seq);
}

static void put_consumer(const struct stream_consumer *consumer, struct buf *out) {
    put_string(out, stream_consumer_name(consumer));
    put_u64(out, (uint64_t)consumer->seen_ms);
    put_u64(out, (uint64_t)consumer->active_ms);
    put_varint(out, consumer->pending.n);
    struct btree_cursor cursor;
    for (const struct stream_pending *pending = btree_seek(&consumer->pending, 0, &cursor);
         pending != NULL; pending = btree_next(&cursor)) {
        put_id(out, pending->id);
        put_u64(out, (uint64_t)pending->delivered_ms);
        put_varint(out, pending->n_deliveries);
    }
}

void stream_groups_put(const struct stream *stream, struct buf *out) {
    struct btree_cursor at_group, at_consumer;
    put_varint(out, stream->groups.n);
    for (const struct stream_group *group = stream_group_first(stream, &at_group); group != NULL;
         group = btree_next(&at_group)) {
        put_string(out, stream_group_name(group));
        put_id(out, group->last);
        put_u64(out, (uint64_t)group->entries_read);
        put_varint(out, group->consumers.n);
        for (const struct stream_consumer *consumer =
                 btree_seek(&group->consumers, 0, &at_consumer);
             consumer != NULL; consumer = btree_next(&at_consumer))
            put_consumer(consumer, out);
    }
}

static struct stream_id read_id(struct reader *in) {
    uint64_t ms = read_u64(in);
    return (struct stream_id){ms, read_u64(in)};
}

static bool read_consumer(struct stream *stream, struct stream_group *group, struct reader *in) {
    struct slice name = read_string(in);
    int64_t seen_ms = (int64_t)read_u64(in), active_ms = (int64_t)read_u64(in);
    if (in->failed || name.len > UINT32_MAX || stream_consumer_find(group, name) != NULL)
        return false;
    struct stream_consumer *consumer = stream_consumer_create(stream, group, name, seen_ms);
    consumer->active_ms = active_ms;
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; i < n; i++) {
        struct stream_pending what = {.id = read_id(in), .consumer = consumer};
        what.delivered_ms = (int64_t)read_u64(in);
        what.n_deliveries = read_varint(in);
        if (in->failed || stream_pending_find(group, what.id) != NULL) return false;
        enter_pending(stream, group, &what);
    }
    return !in->failed;
}

bool stream_groups_read(struct stream *stream, struct reader *in) {
    uint64_t n_groups = read_varint(in);
    for (uint64_t i = 0; i < n_groups; i++) {
        struct slice name = read_string(in);
        struct stream_id last = read_id(in);
        int64_t entries_read = (int64_t)read_u64(in);
        uint64_t n_consumers = read_varint(in);
        if (in->failed || name.len > UINT32_MAX) return false;
        struct stream_group *group = stream_group_create(stream, name, last, entries_read);
        if (group == NULL) return false;
        for (uint64_t k = 0; k < n_consumers; k++) {
            if (!read_consumer(stream, group, in)) return false;
        }
    }
    return !in->failed;
}
