/* A snapshot, written from a walk over the keyspace. Keys are gathered in runs, since what a dump
 * cannot say of them stands in front; what the state holds besides keys is put down at the
 * beginning. */
#include "engine/internal.h"
#include "engine/snapshot.h"
#include "engine/snapshot_format.h"

#include "keyspace/due_packed.h"
#include "keyspace/walk.h"
#include "rdb/writer.h"
#include "util/crc64.h"
#include "util/number.h"

struct snapshot_writer {
    struct walk *walk;
    bool is_own; /* else a dump for others */
    bool compresses, has_ended;
    struct buf front; /* what comes before all keys */
    struct buf *out;  /* during a call */
    uint64_t checksum, bytes;

    uint32_t n_run; /* keys in the run */
    struct buf run; /* what is said of them */
    struct buf keys;

    enum object_type large_type; /* of the value that comes in pieces */
    uint64_t large_length;       /* entries in the nodes of a stream so far */
    bool has_dues;               /* it is a hash whose fields have due times: */
    struct buf dues;
    struct buf cells; /* not written yet */
    uint32_t cells_db, n_cells, next_cell;
    struct buf scratch;
};

/* -- fields ---------------------------------------------------------------------------------- */

static void put_field(struct buf *out, const char *name, const struct buf *text) {
    rdb_write_aux(out, slice_text(name), buf_slice(text));
}

/* A run's keys go behind what is said of them. */
static void run_end(struct snapshot_writer *writer) {
    if (writer->n_run == 0) return;
    buf_clear(&writer->scratch);
    put_varint(&writer->scratch, writer->n_run);
    buf_append_slice(&writer->scratch, buf_slice(&writer->run));
    put_field(writer->out, FIELD_KEYS, &writer->scratch);
    buf_append_slice(writer->out, buf_slice(&writer->keys));
    buf_clear(&writer->run);
    buf_clear(&writer->keys);
    buf_shrink(&writer->keys, 4 * (size_t)RUN_BYTES);
    writer->n_run = 0;
}

static void cells_end(struct snapshot_writer *writer) {
    if (writer->n_cells == 0) return;
    buf_clear(&writer->scratch);
    put_varint(&writer->scratch, writer->cells_db);
    put_varint(&writer->scratch, writer->n_cells);
    buf_append_slice(&writer->scratch, buf_slice(&writer->cells));
    put_field(writer->out, FIELD_CELLS, &writer->scratch);
    buf_clear(&writer->cells);
    writer->n_cells = 0;
}

/* -- dbs ------------------------------------------------------------------------------------- */

static void on_db(void *context, const struct walk_db *db) {
    struct snapshot_writer *writer = context;
    run_end(writer);
    cells_end(writer);
    if (writer->is_own) {
        buf_clear(&writer->scratch);
        put_varint(&writer->scratch, db->number);
        put_varint(&writer->scratch, db->floor);
        put_varint(&writer->scratch, db->n_keys);
        put_field(writer->out, FIELD_DB, &writer->scratch);
    }
    if (db->n_keys > 0) rdb_write_db(writer->out, db->number, db->n_keys, db->n_expiring);
}

static void on_cell(void *context, uint32_t db, uint32_t index, uint64_t revision) {
    struct snapshot_writer *writer = context;
    if (!writer->is_own) return;
    run_end(writer);
    if (writer->n_cells == CELLS_A_FIELD || writer->cells_db != db) cells_end(writer);
    if (writer->n_cells == 0) writer->next_cell = 0;
    writer->cells_db = db;
    put_varint(&writer->cells, index - writer->next_cell);
    put_varint(&writer->cells, revision);
    writer->next_cell = index + 1;
    writer->n_cells++;
}

/* -- what stands beside a key ---------------------------------------------------------------- */

static void put_part(
    struct snapshot_writer *writer, struct buf *out, enum value_part part, const struct buf *text) {
    buf_clear(&writer->scratch);
    put_u8(&writer->scratch, (uint8_t)part);
    buf_append_slice(&writer->scratch, buf_slice(text));
    put_field(out, FIELD_VALUE, &writer->scratch);
}

/* Only where one differs from when he was seen, which is what a Redis makes of it. */
static void put_active(
    struct snapshot_writer *writer, struct buf *out, const struct stream *stream) {
    struct buf times = {0};
    bool differs = false;
    struct btree_cursor at_group, at_consumer;
    for (struct stream_group *group = stream_group_first(stream, &at_group); group != NULL;
         group = btree_next(&at_group)) {
        for (struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at_consumer);
             consumer != NULL; consumer = btree_next(&at_consumer)) {
            put_u64(&times, (uint64_t)consumer->active_ms);
            differs |= consumer->active_ms != consumer->seen_ms;
        }
    }
    if (differs) put_part(writer, out, VALUE_ACTIVE, &times);
    buf_free(&times);
}

/* A packed set goes as plain members. Where packing those again gives other bytes (a RESTOREd one
 * may spell a number as a text), its own are told too. No spelling is shorter than ours. */
static void put_packed_set(
    struct snapshot_writer *writer, struct buf *out, const struct collection *set) {
    enum { EMPTY_BYTES = 7 }; /* of a listpack */
    size_t bytes = EMPTY_BYTES;
    struct set_iterator members = set_iterate(set);
    for (struct slice member; set_next(&members, &member);) bytes += listpack_entry_bytes(member);
    if (bytes == listpack_bytes(set->value)) return;
    struct buf image = {0};
    buf_append_slice(&image, listpack_image(set->value));
    put_part(writer, out, VALUE_PACKED, &image);
    buf_free(&image);
}

/* What a hash without due times cannot say. */
static void put_due_packed(
    struct snapshot_writer *writer, struct buf *out, const struct collection *hash) {
    struct buf image = {0};
    buf_append_slice(&image, listpack_image(((const struct due_packed *)hash->value)->listpack));
    put_part(writer, out, VALUE_PACKED, &image);
    buf_free(&image);
}

static void put_dues(
    struct snapshot_writer *writer, struct buf *out, const struct collection *hash) {
    struct buf dues = {0};
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);)
        put_varint(&dues, pair.due_ms == NO_DUE ? 0 : (uint64_t)pair.due_ms);
    put_part(writer, out, VALUE_DUES, &dues);
    buf_free(&dues);
}

/* -- keys ------------------------------------------------------------------------------------ */

static void run_add(struct snapshot_writer *writer, const struct walk_key *key) {
    put_u8(&writer->run, (uint8_t)key->encoding);
    put_varint(&writer->run, key->revision);
    writer->n_run++;
}

static void on_value(void *context, const struct walk_key *key, struct slice text,
    const struct collection *collection) {
    struct snapshot_writer *writer = context;
    struct buf *out = writer->is_own ? &writer->keys : writer->out;
    struct rdb_value value = {.type = key->type, .text = text};
    if (collection != NULL) value.collection = *collection;
    struct rdb_value_writer values;
    if (writer->is_own) run_add(writer, key);
    if (writer->is_own && key->type == OBJECT_SET && key->encoding == ENCODING_LISTPACK)
        put_packed_set(writer, out, collection);
    if (writer->is_own && key->encoding == ENCODING_LISTPACK_DUE)
        put_due_packed(writer, out, collection);
    rdb_write_key(out, key->key, key->due_ms, rdb_type_of(&value));
    rdb_value_writer_begin(&values, &value, writer->compresses);
    while (!rdb_value_write(&values, out, SIZE_MAX)) {
    }
    if (!writer->is_own) return;
    if (key->type == OBJECT_STREAM) put_active(writer, out, stream_in(collection));
    if (key->encoding == ENCODING_HASHTABLE_DUE) put_dues(writer, out, collection);
    if (writer->n_run == RUN_KEYS || writer->keys.len >= RUN_BYTES) run_end(writer);
}

/* -- large values, in pieces ----------------------------------------------------------------- */

static void on_large_begin(void *context, const struct walk_key *key, uint64_t n) {
    struct snapshot_writer *writer = context;
    if (writer->is_own) {
        run_end(writer);
        run_add(writer, key);
        run_end(writer);
    }
    struct rdb_value value = {.type = key->type, .collection.encoding = key->encoding};
    rdb_write_key(writer->out, key->key, key->due_ms, rdb_type_of(&value));
    rdb_put_length(writer->out, n);
    writer->large_type = key->type;
    writer->large_length = 0;
    writer->has_dues = writer->is_own && key->encoding == ENCODING_HASHTABLE_DUE;
}

static void on_large_text(void *context, struct slice part) {
    struct snapshot_writer *writer = context;
    buf_append_slice(writer->out, part);
}

static void on_large_element(
    void *context, struct slice element, struct slice value, double score) {
    struct snapshot_writer *writer = context;
    rdb_put_text(writer->out, element, writer->compresses);
    if (writer->large_type == OBJECT_HASH) rdb_put_text(writer->out, value, writer->compresses);
    if (writer->large_type == OBJECT_ZSET) rdb_put_double(writer->out, score);
    if (writer->has_dues) put_varint(&writer->dues, (uint64_t)score);
}

static void on_large_block(void *context, struct slice bytes, bool is_plain) {
    struct snapshot_writer *writer = context;
    rdb_put_length(writer->out, is_plain ? RDB_CONTAINER_PLAIN : RDB_CONTAINER_PACKED);
    rdb_put_text(writer->out, bytes, writer->compresses);
}

static void on_large_node(void *context, uint64_t ms, uint64_t seq, struct slice bytes) {
    struct snapshot_writer *writer = context;
    struct stream_node node = {{ms, seq}, (struct listpack *)(uintptr_t)bytes.data};
    writer->large_length += stream_node_live(&node);
    rdb_stream_put_node(writer->out, node.master, bytes, writer->compresses);
}

static void on_large_end(
    void *context, const struct walk_key *key, const struct collection *stream) {
    struct snapshot_writer *writer = context;
    if (writer->has_dues) {
        put_part(writer, writer->out, VALUE_DUES, &writer->dues);
        buf_free(&writer->dues);
    }
    if (key->type != OBJECT_STREAM) return;
    rdb_stream_put_rest(writer->out, stream_in(stream), writer->large_length);
    if (writer->is_own) put_active(writer, writer->out, stream_in(stream));
}

/* -- all ------------------------------------------------------------------------------------- */

static void put_functions(const struct engine *engine, struct buf *out) {
    const struct library *library;
    for (uint32_t i = 0; (library = library_at(engine->scripts, i)) != NULL; i++)
        rdb_write_function(out, bytes_slice(library->code));
}

/* Fields that a Redis shows when it loads. */
static void put_common_fields(const struct engine *engine, struct buf *out) {
    char seconds[INT_TEXT_MAX];
    rdb_write_aux(out, SLICE("redis-ver"), SLICE(SNAPSHOT_REDIS_VERSION));
    rdb_write_aux(out, SLICE("redis-bits"), SLICE("64"));
    size_t len = int_print(engine->now_ms / 1000, seconds);
    rdb_write_aux(out, SLICE("ctime"), slice_of(seconds, len));
}

static void put_own_fields(const struct engine *engine, struct buf *out) {
    struct buf state = {0};
    put_varint(&state, keyspace_revision(engine->keyspace));
    side_put(engine, &state);
    put_field(out, FIELD_STATE, &state);
    buf_free(&state);
}

struct snapshot_writer *snapshot_writer_new(
    struct engine *engine, const struct snapshot_head *head, bool compresses) {
    SF_ASSERT(!engine->open);
    SF_ASSERT(head == NULL || head->place.index == engine->applied);
    struct walk *walk = keyspace_walk_begin(engine->keyspace);
    if (walk == NULL) return NULL;
    walk_in_any_order(walk);
    struct snapshot_writer *writer = sf_alloc_zero(1, sizeof *writer);
    writer->walk = walk;
    writer->is_own = head != NULL;
    writer->compresses = compresses;
    if (head != NULL)
        snapshot_head_put(head, &writer->front);
    else
        rdb_write_begin(&writer->front);
    put_common_fields(engine, &writer->front);
    if (head != NULL) put_own_fields(engine, &writer->front);
    put_functions(engine, &writer->front);
    return writer;
}

void snapshot_writer_free(struct snapshot_writer *writer) {
    if (writer == NULL) return;
    walk_end(writer->walk);
    buf_free(&writer->front);
    buf_free(&writer->run);
    buf_free(&writer->keys);
    buf_free(&writer->cells);
    buf_free(&writer->dues);
    buf_free(&writer->scratch);
    sf_free(writer);
}

static void put_end(struct snapshot_writer *writer) {
    run_end(writer);
    cells_end(writer);
    rdb_write_end(writer->out);
}

bool snapshot_write_some(struct snapshot_writer *writer, struct buf *out, uint64_t budget) {
    static const struct walk_sink functions = {.db = on_db,
        .cell = on_cell,
        .value = on_value,
        .large_begin = on_large_begin,
        .large_text = on_large_text,
        .large_element = on_large_element,
        .large_block = on_large_block,
        .large_node = on_large_node,
        .large_end = on_large_end};
    SF_ASSERT(!writer->has_ended);
    struct walk_sink sink = functions;
    sink.context = writer;
    size_t before = out->len;
    writer->out = out;
    buf_append_slice(out, buf_slice(&writer->front));
    buf_free(&writer->front);
    writer->has_ended = walk_some(writer->walk, &sink, budget);
    if (writer->has_ended) put_end(writer);
    struct slice all = buf_slice(out);
    struct slice added = slice_of(all.data + before, all.len - before);
    writer->checksum = crc64_more(writer->checksum, added);
    if (writer->has_ended) rdb_write_checksum(out, writer->checksum);
    writer->bytes += out->len - before;
    writer->out = NULL;
    return writer->has_ended;
}

void snapshot_writer_figures(const struct snapshot_writer *writer, struct snapshot_writing *out) {
    *out = (struct snapshot_writing){.bytes = writer->bytes,
        .keys_done = walk_done_keys(writer->walk),
        .keys_total = walk_n_keys(writer->walk),
        .kept_bytes = walk_bytes(writer->walk)};
}
