#include "keyspace/stream.h"

#include "data/size_class.h"
#include "keyspace/db.h"
#include "keyspace/forms.h"
#include "keyspace/stream_group.h"

#include <stdio.h>

/* -- life ------------------------------------------------------------------------------------ */

static struct stream *new_stream(const struct collection_types *types) {
    struct stream *stream = sf_alloc_zero(1, sizeof *stream);
    stream->pool = types->pool;
    stream_log_init(&stream->log);
    stream_groups_init(stream);
    return stream;
}

struct collection stream_new(const struct collection_types *types) {
    return (struct collection){.types = types,
        .type = OBJECT_STREAM,
        .encoding = ENCODING_STREAM,
        .value = new_stream(types)};
}

struct stream *stream_groups_to_change(struct collection *collection) {
    struct stream *stream = stream_to_change(collection);
    if (stream->log.watcher != NULL) tracked_groups_change(stream->log.watcher->context);
    return stream;
}

static uint64_t form_size(const void *value) {
    const struct stream *stream = value;
    return 1 + stream->log.nodes.n + stream->groups.n + stream->n_consumers + stream->n_pending;
}

static size_t form_bytes(const void *value) {
    const struct stream *stream = value;
    return size_class(sizeof *stream) + stream_log_bytes(&stream->log) +
           stream_groups_bytes(stream);
}

static bool form_free_some(void *value, uint64_t *budget) {
    struct stream *stream = value;
    if (!stream_log_free_some(&stream->log, budget)) return false;
    if (!stream_groups_free_some(stream, budget)) return false;
    sf_free(stream);
    return true;
}

static void form_free(void *value) {
    uint64_t budget = UINT64_MAX;
    while (!form_free_some(value, &budget)) {
    }
}

static void *form_copy(const struct collection_types *types, const void *value) {
    const struct stream *stream = value;
    struct stream *copy = new_stream(types);
    copy->first = stream->first;
    copy->last = stream->last;
    copy->max_deleted = stream->max_deleted;
    copy->entries_added = stream->entries_added;
    stream_log_copy(&stream->log, &copy->log);
    stream_groups_copy(stream, copy);
    return copy;
}

/* -- images, digest -------------------------------------------------------------------------- */

static void put_id(struct buf *out, struct stream_id id) {
    put_u64(out, id.ms);
    put_u64(out, id.seq);
}

static struct stream_id read_id(struct reader *in) {
    uint64_t ms = read_u64(in);
    return (struct stream_id){ms, read_u64(in)};
}

void stream_rest_put(const struct stream *stream, struct buf *out) {
    put_id(out, stream->last);
    put_id(out, stream->max_deleted);
    put_varint(out, stream->entries_added);
    stream_groups_put(stream, out);
}

static void form_put(const void *value, struct buf *out) {
    const struct stream *stream = value;
    stream_log_put(&stream->log, out);
    stream_rest_put(stream, out);
}

/* Finds the first entry anew. */
static void settle_first(struct stream *stream) {
    struct stream_cursor cursor;
    bool has_one = stream_log_seek(&stream->log, STREAM_ID_MIN, &cursor);
    stream->first = has_one ? cursor.entry.id : STREAM_ID_MIN;
}

static bool read_stream(struct stream *stream, struct reader *in) {
    if (!stream_log_read(&stream->log, in)) return false;
    stream->last = read_id(in);
    stream->max_deleted = read_id(in);
    stream->entries_added = read_varint(in);
    struct stream_id top;
    if (in->failed) return false;
    if (stream_top(stream, &top) && stream_id_compare(top, stream->last) > 0) return false;
    settle_first(stream);
    return stream_groups_read(stream, in);
}

static void *form_read(const struct collection_types *types, struct reader *in) {
    struct stream *stream = new_stream(types);
    if (read_stream(stream, in)) return stream;
    form_free(stream);
    return NULL;
}

static void form_digest(const void *value, uint8_t digest[20]) {
    const struct stream *stream = value;
    struct stream_cursor cursor;
    bool more = stream_log_seek(&stream->log, STREAM_ID_MIN, &cursor);
    for (; more; more = stream_cursor_next(&cursor)) {
        char id[2 * INT_TEXT_MAX + 2];
        int len = snprintf(id, sizeof id, "%llu.%llu", (unsigned long long)cursor.entry.id.ms,
            (unsigned long long)cursor.entry.id.seq);
        redis_digest_mix(digest, slice_of(id, (size_t)len));
        struct stream_fields fields;
        struct slice name, text;
        stream_fields_begin(&fields, &cursor.entry);
        while (stream_fields_next(&fields, &name, &text)) {
            redis_digest_mix(digest, name);
            redis_digest_mix(digest, text);
        }
    }
}

const struct collection_form stream_form = {
    .size = form_size,
    .bytes = form_bytes,
    .free = form_free,
    .free_some = form_free_some,
    .copy = form_copy,
    .put = form_put,
    .read = form_read,
    .redis_digest = form_digest,
};

/* -- entries --------------------------------------------------------------------------------- */

struct stream_node_limits stream_limits(const struct thresholds *thresholds) {
    return (struct stream_node_limits){
        (uint64_t)thresholds->stream_node_max_bytes, (uint64_t)thresholds->stream_node_max_entries};
}

void stream_append(struct stream *stream, const struct stream_node_limits *limits,
    struct stream_id id, uint64_t n_fields, const struct slice *pairs) {
    SF_ASSERT(stream_id_compare(id, stream->last) > 0);
    stream_log_append(&stream->log, limits, id, n_fields, pairs);
    stream->entries_added++;
    stream->last = id;
    if (stream->log.length == 1) stream->first = id;
}

bool stream_remove(struct stream *stream, struct stream_id id) {
    if (!stream_log_remove(&stream->log, id)) return false;
    if (stream_id_compare(id, stream->max_deleted) > 0) stream->max_deleted = id;
    if (stream_id_compare(id, stream->first) == 0) settle_first(stream);
    return true;
}

uint64_t stream_cut(struct stream *stream, const struct stream_trim *trim) {
    uint64_t gone = stream_log_trim(&stream->log, trim);
    if (gone > 0) settle_first(stream);
    return gone;
}

bool stream_top(const struct stream *stream, struct stream_id *id) {
    struct stream_cursor cursor;
    if (!stream_log_seek_back(&stream->log, STREAM_ID_MAX, &cursor)) return false;
    *id = cursor.entry.id;
    return true;
}

/* -- how far a group has come ---------------------------------------------------------------- */

/* Whether XDEL made holes behind id, among the entries that are there. */
static bool has_holes_from(const struct stream *stream, struct stream_id id) {
    if (stream->log.length == 0) return false;
    if (stream_id_compare(stream->max_deleted, STREAM_ID_MIN) == 0) return false;
    if (stream_id_compare(stream->first, stream->max_deleted) > 0) return false;
    return stream_id_compare(id, stream->max_deleted) <= 0;
}

int64_t stream_entries_up_to(const struct stream *stream, struct stream_id id) {
    int64_t added = (int64_t)stream->entries_added;
    if (added == 0) return 0;
    int to_last = stream_id_compare(id, stream->last);
    if (stream->log.length == 0 && to_last <= 0) return added;
    if (to_last == 0) return added;
    if (to_last > 0) return ENTRIES_READ_UNKNOWN;
    bool is_whole = stream_id_compare(stream->max_deleted, STREAM_ID_MIN) == 0 ||
                    stream_id_compare(stream->max_deleted, stream->first) < 0;
    int to_first = stream_id_compare(id, stream->first);
    if (!is_whole || to_first > 0) return ENTRIES_READ_UNKNOWN;
    return (int64_t)(stream->entries_added - stream->log.length + (to_first == 0));
}

void stream_group_advance(
    const struct stream *stream, struct stream_group *group, struct stream_id id) {
    if (stream_id_compare(id, group->last) <= 0) return;
    if (group->entries_read != ENTRIES_READ_UNKNOWN && !has_holes_from(stream, id))
        group->entries_read = (int64_t)((uint64_t)group->entries_read + 1);
    else if (stream->entries_added != 0)
        group->entries_read = stream_entries_up_to(stream, id);
    group->last = id;
}

bool stream_group_lag(const struct stream *stream, const struct stream_group *group, int64_t *lag) {
    *lag = 0;
    if (stream->entries_added == 0) return true;
    int64_t read = group->entries_read;
    if (read == ENTRIES_READ_UNKNOWN || has_holes_from(stream, group->last))
        read = stream_entries_up_to(stream, group->last);
    if (read == ENTRIES_READ_UNKNOWN) return false;
    *lag = (int64_t)(stream->entries_added - (uint64_t)read);
    return true;
}
