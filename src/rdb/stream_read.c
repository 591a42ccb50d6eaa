/* A stream (types 15, 19 and 21; from 19 on what is marked 2, from 21 on what is marked 3):
 *
 *   length n | n nodes | length entries | last id |
 *   [2: first id | highest deleted id | length entries ever added] | length n | n groups
 *
 *   id        length ms | length seq
 *   node      string: 16 bytes, the id of its first entry, big-endian | string: listpack
 *   group     string name | last id | [2: length entries read, 2^64 - 1: unknown] |
 *             length n | n pending | length n | n consumers
 *   pending   16 bytes id, big-endian | u64 delivered at, ms | length deliveries
 *   consumer  string name | u64 seen at, ms | [3: u64 active at, ms] | length n | n ids of 16
 *             bytes: those of the group's pending entries that are its own
 *
 * A pending entry is entered when its consumer claims it; until then it waits in `unclaimed`,
 * which is in the order of ids. */
#include "rdb/stream.h"

#include "util/codec.h"

enum { ID_BYTES = 16 };

struct unclaimed {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t n_deliveries;
    bool is_claimed;
};

struct rdb_stream_reader {
    enum rdb_type type;
    enum rdb_stream_stage stage;
    struct collection collection;
    struct stream_group *group;
    struct stream_consumer *consumer;
    uint64_t nodes_left, groups_left, pending_left, consumers_left, owned_left;
    struct unclaimed *unclaimed;
    uint64_t n_unclaimed, unclaimed_room, n_claimed;
    struct rdb_room name, packed;
};

static void corrupt(struct rdb_input *in, const char *why) {
    rdb_input_fail(in, SF_ERR_CORRUPT, why);
}

static struct stream *stream_of(const struct rdb_stream_reader *reader) {
    return reader->collection.value;
}

/* -- pieces of pieces ------------------------------------------------------------------------ */

static struct stream_id get_id(struct rdb_input *in) {
    uint64_t ms = rdb_get_length(in);
    return (struct stream_id){ms, rdb_get_length(in)};
}

static uint64_t big_endian(const char *at) {
    return __builtin_bswap64(load_u64(at));
}

static struct stream_id id_of_bytes(struct slice bytes) {
    return (struct stream_id){big_endian(bytes.data), big_endian(bytes.data + 8)};
}

static struct stream_id get_raw_id(struct rdb_input *in) {
    uint64_t ms = __builtin_bswap64(rdb_get_u64(in));
    return (struct stream_id){ms, __builtin_bswap64(rdb_get_u64(in))};
}

/* -- entries --------------------------------------------------------------------------------- */

static void read_node(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct slice id = rdb_get_string(in, &reader->name);
    struct slice packed = rdb_get_string(in, &reader->packed);
    if (!rdb_input_good(in)) return;
    struct stream_node *node =
        id.len == ID_BYTES ? stream_node_load(id_of_bytes(id), packed) : NULL;
    if (node == NULL || !stream_log_append_node(&stream_of(reader)->log, &node)) {
        if (node != NULL) stream_node_free(node);
        corrupt(in, "a damaged node of a stream");
        return;
    }
    reader->nodes_left--;
    if (reader->nodes_left == 0) reader->stage = RDB_STREAM_TAIL;
}

/* The first entry is looked for: what the file says of it is of no use. */
static void settle_first(struct stream *stream) {
    struct stream_cursor cursor;
    bool has_one = stream_log_seek(&stream->log, STREAM_ID_MIN, &cursor);
    stream->first = has_one ? cursor.entry.id : STREAM_ID_MIN;
}

static bool tail_is_good(const struct stream *stream, uint64_t length, uint64_t entries_added) {
    struct stream_id top;
    if (stream_top(stream, &top) && stream_id_compare(top, stream->last) > 0) return false;
    if (length > 0 && stream->log.nodes.n == 0) return false;
    return entries_added <= INT64_MAX;
}

static void read_tail(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct stream *stream = stream_of(reader);
    uint64_t length = rdb_get_length(in);
    struct stream_id last = get_id(in), max_deleted = STREAM_ID_MIN;
    uint64_t entries_added = stream_length(stream);
    if (reader->type >= RDB_STREAM_LISTPACKS_2) {
        get_id(in);
        max_deleted = get_id(in);
        entries_added = rdb_get_length(in);
    }
    uint64_t n_groups = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    stream->last = last;
    stream->max_deleted = max_deleted;
    stream->entries_added = entries_added;
    settle_first(stream);
    if (!tail_is_good(stream, length, entries_added)) corrupt(in, "a stream's ids are damaged");
    reader->groups_left = n_groups;
    reader->stage = n_groups == 0 ? RDB_STREAM_ENDED : RDB_STREAM_GROUP;
}

/* -- groups ---------------------------------------------------------------------------------- */

static void read_group(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct stream *stream = stream_of(reader);
    struct slice name = rdb_get_string(in, &reader->name);
    struct stream_id last = get_id(in);
    int64_t entries_read = reader->type >= RDB_STREAM_LISTPACKS_2
                               ? (int64_t)rdb_get_length(in)
                               : stream_entries_up_to(stream, last);
    uint64_t n_pending = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    reader->group = entries_read < ENTRIES_READ_UNKNOWN
                        ? NULL
                        : stream_group_create(stream, name, last, entries_read);
    if (reader->group == NULL) corrupt(in, "a stream with a group twice");
    reader->n_unclaimed = reader->n_claimed = 0;
    reader->pending_left = n_pending;
    reader->stage = n_pending == 0 ? RDB_STREAM_CONSUMERS : RDB_STREAM_PENDING;
}

static void read_pending(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct unclaimed pending = {.id = get_raw_id(in)};
    pending.delivered_ms = (int64_t)rdb_get_u64(in);
    pending.n_deliveries = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    uint64_t n = reader->n_unclaimed;
    if (n > 0 && stream_id_compare(reader->unclaimed[n - 1].id, pending.id) >= 0) {
        corrupt(in, "a group's pending entries out of order");
        return;
    }
    if (n == reader->unclaimed_room) {
        reader->unclaimed_room = SF_MAX(2 * n, (uint64_t)16);
        reader->unclaimed =
            sf_realloc(reader->unclaimed, reader->unclaimed_room * sizeof *reader->unclaimed);
    }
    reader->unclaimed[n] = pending;
    reader->n_unclaimed++;
    reader->pending_left--;
    if (reader->pending_left == 0) reader->stage = RDB_STREAM_CONSUMERS;
}

/* -- consumers ------------------------------------------------------------------------------- */

/* A group is done when all its consumers are. */
static void next_consumer(struct rdb_stream_reader *reader, struct rdb_input *in) {
    reader->stage = RDB_STREAM_CONSUMER;
    if (reader->consumers_left > 0) return;
    if (reader->n_claimed < reader->n_unclaimed) corrupt(in, "a pending entry without consumer");
    reader->groups_left--;
    reader->stage = reader->groups_left == 0 ? RDB_STREAM_ENDED : RDB_STREAM_GROUP;
}

static void read_consumers(struct rdb_stream_reader *reader, struct rdb_input *in) {
    uint64_t n = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    reader->consumers_left = n;
    next_consumer(reader, in);
}

static void read_consumer(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct slice name = rdb_get_string(in, &reader->name);
    int64_t seen_ms = (int64_t)rdb_get_u64(in), active_ms = seen_ms;
    if (reader->type >= RDB_STREAM_LISTPACKS_3) active_ms = (int64_t)rdb_get_u64(in);
    uint64_t n_owned = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    if (stream_consumer_find(reader->group, name) != NULL) {
        corrupt(in, "a group with a consumer twice");
        return;
    }
    reader->consumer = stream_consumer_create(stream_of(reader), reader->group, name, seen_ms);
    reader->consumer->active_ms = active_ms;
    reader->owned_left = n_owned;
    reader->consumers_left--;
    reader->stage = RDB_STREAM_OWNED;
    if (n_owned == 0) next_consumer(reader, in);
}

static struct unclaimed *find_unclaimed(struct rdb_stream_reader *reader, struct stream_id id) {
    uint64_t low = 0, high = reader->n_unclaimed;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (stream_id_compare(reader->unclaimed[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == reader->n_unclaimed) return NULL;
    struct unclaimed *found = &reader->unclaimed[low];
    return stream_id_compare(found->id, id) == 0 && !found->is_claimed ? found : NULL;
}

static void read_owned(struct rdb_stream_reader *reader, struct rdb_input *in) {
    struct stream_id id = get_raw_id(in);
    if (!rdb_input_good(in)) return;
    struct unclaimed *found = find_unclaimed(reader, id);
    if (found == NULL) {
        corrupt(in, "a consumer's entry that is not pending, or another's");
        return;
    }
    struct stream_pending *pending = stream_pending_add(
        stream_of(reader), reader->group, reader->consumer, id, found->delivered_ms);
    pending->n_deliveries = found->n_deliveries;
    found->is_claimed = true;
    reader->n_claimed++;
    reader->owned_left--;
    if (reader->owned_left == 0) next_consumer(reader, in);
}

/* -- all --------------------------------------------------------------------------------------*/

struct rdb_stream_reader *rdb_stream_reader_new(
    const struct collection_types *types, enum rdb_type type, uint64_t n_nodes) {
    struct rdb_stream_reader *reader = sf_alloc_zero(1, sizeof *reader);
    reader->type = type;
    reader->collection = stream_new(types);
    reader->nodes_left = n_nodes;
    reader->stage = n_nodes == 0 ? RDB_STREAM_TAIL : RDB_STREAM_NODES;
    return reader;
}

void rdb_stream_reader_free(struct rdb_stream_reader *reader) {
    collection_free(&reader->collection);
    rdb_room_free(&reader->name);
    rdb_room_free(&reader->packed);
    sf_free(reader->unclaimed);
    sf_free(reader);
}

bool rdb_stream_read(struct rdb_stream_reader *reader, struct rdb_input *in) {
    switch (reader->stage) {
    case RDB_STREAM_NODES:
        read_node(reader, in);
        break;
    case RDB_STREAM_TAIL:
        read_tail(reader, in);
        break;
    case RDB_STREAM_GROUP:
        read_group(reader, in);
        break;
    case RDB_STREAM_PENDING:
        read_pending(reader, in);
        break;
    case RDB_STREAM_CONSUMERS:
        read_consumers(reader, in);
        break;
    case RDB_STREAM_CONSUMER:
        read_consumer(reader, in);
        break;
    case RDB_STREAM_OWNED:
        read_owned(reader, in);
        break;
    case RDB_STREAM_ENDED:
        SF_ASSERT(false);
    }
    return reader->stage == RDB_STREAM_ENDED;
}

struct collection rdb_stream_take(struct rdb_stream_reader *reader) {
    struct collection taken = reader->collection;
    reader->collection.value = NULL;
    return taken;
}
