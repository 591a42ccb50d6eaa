/* The bytes of a dump as pieces for the log (source.c). Its values are read here, once, and written
 * anew piece by piece: what is malformed is found before anything of it is in the log, and no piece
 * is larger than an entry should be. */
#include "engine/internal.h"
#include "keyspace/db.h"
#include "rdb/reader.h"

#include <stdio.h>

struct importer {
    struct keyspace *keyspace; /* that takes over what is large, to free it in slices */
    struct rdb_target target;
    struct rdb_reader *reader;
    uint32_t n_dbs, stream_db;
    uint64_t n_keys;
    const char *why;
    char text[160];

    /* the key that is being written */
    bool in_key;
    bool is_written; /* all of its value is in `value`, */
    bool has_parts;  /* or went out in parts before */
    uint32_t db;
    int64_t due_ms;
    struct buf key;
    struct rdb_value moved; /* its value, ours */
    struct buf string;      /* the text of a string */
    uint8_t type;
    struct rdb_value_writer writer;
    struct buf value; /* bytes of the value that no piece has yet */
};

struct importer *importer_new(struct engine *engine) {
    struct importer *importer = sf_alloc_zero(1, sizeof *importer);
    importer->keyspace = engine->keyspace;
    importer->target =
        (struct rdb_target){.types = db_collection_types(keyspace_db(engine->keyspace, 0)),
            .thresholds = &engine->thresholds,
            .string_bytes_max = UINT32_MAX};
    importer->reader = rdb_reader_new(&importer->target);
    importer->n_dbs = engine->settings.n_dbs;
    return importer;
}

static void value_drop(struct importer *importer) {
    struct collection *collection = &importer->moved.collection;
    if (importer->moved.type != OBJECT_STRING && collection->value != NULL)
        keyspace_discard(importer->keyspace,
            collection_form(collection->type, collection->encoding), collection->value, 0);
    importer->moved = (struct rdb_value){0};
    importer->in_key = false;
}

void importer_free(struct importer *importer) {
    if (importer == NULL) return;
    value_drop(importer);
    rdb_reader_free(importer->reader);
    buf_free(&importer->key);
    buf_free(&importer->string);
    buf_free(&importer->value);
    sf_free(importer);
}

void importer_feed(struct importer *importer, struct slice bytes) {
    rdb_reader_feed(importer->reader, bytes);
}

/* -- a key as pieces ------------------------------------------------------------------------- */

static bool key_begins(struct importer *importer, const struct rdb_event *event) {
    if (event->db >= importer->n_dbs) {
        snprintf(importer->text, sizeof importer->text,
            "it has keys in database %llu, and `databases` is %u here",
            (unsigned long long)event->db, importer->n_dbs);
        importer->why = importer->text;
        return false;
    }
    importer->in_key = true;
    importer->is_written = importer->has_parts = false;
    importer->db = (uint32_t)event->db;
    importer->due_ms = event->due_ms;
    buf_clear(&importer->key);
    buf_append_slice(&importer->key, event->key);
    importer->moved = *event->value;
    if (event->value->type == OBJECT_STRING) { /* the event's bytes go with the next one */
        buf_clear(&importer->string);
        buf_append_slice(&importer->string, event->value->text);
        importer->moved.text = buf_slice(&importer->string);
    } else {
        event->value->collection.value = NULL;
    }
    importer->type = (uint8_t)rdb_type_of(&importer->moved);
    rdb_value_writer_begin(&importer->writer, &importer->moved, false);
    buf_clear(&importer->value);
    return true;
}

static void put_part(struct importer *importer, struct buf *out) {
    struct slice bytes = buf_slice(&importer->value);
    bytes.len = SF_MIN(bytes.len, (size_t)SOURCE_PIECE_BYTES);
    put_u8(out, PIECE_PART);
    put_string(out, bytes);
    importer->has_parts = true;
    buf_consume(&importer->value, bytes.len);
}

/* Writes what is left of the key's value, or a part of it. */
static void key_goes_on(struct importer *importer, struct buf *out) {
    if (!importer->is_written && importer->value.len < SOURCE_PIECE_BYTES)
        importer->is_written =
            rdb_value_write(&importer->writer, &importer->value, SOURCE_PIECE_BYTES);
    if (!importer->is_written || importer->value.len > SOURCE_PIECE_BYTES) {
        if (importer->value.len > 0) put_part(importer, out);
        return;
    }
    put_u8(out, importer->has_parts ? PIECE_LAST : PIECE_WHOLE);
    put_varint(out, importer->db);
    put_u64(out, (uint64_t)importer->due_ms);
    put_string(out, buf_slice(&importer->key));
    put_u8(out, importer->type);
    put_string(out, buf_slice(&importer->value));
    importer->n_keys++;
    value_drop(importer);
    buf_shrink(&importer->value, 2 * SOURCE_PIECE_BYTES);
    buf_clear(&importer->value);
}

/* -- a dump ---------------------------------------------------------------------------------- */

static enum importer_step take_event(
    struct importer *importer, const struct rdb_event *event, struct buf *out) {
    uint64_t db;
    switch (event->kind) {
    case RDB_EVENT_AUX: /* the database that a master, itself a replica, has selected */
        if (slice_is(event->name, "repl-stream-db") && uint_parse(event->text, &db) &&
            db < importer->n_dbs) {
            importer->stream_db = (uint32_t)db;
        }
        return IMPORTER_PIECE;
    case RDB_EVENT_FUNCTION:
        put_u8(out, PIECE_FUNCTION);
        put_string(out, event->text);
        return IMPORTER_PIECE;
    case RDB_EVENT_KEY:
        return key_begins(importer, event) ? IMPORTER_PIECE : IMPORTER_FAILED;
    case RDB_EVENT_DB:
    case RDB_EVENT_SIZES:
        return IMPORTER_PIECE;
    case RDB_EVENT_MORE:
        return IMPORTER_MORE;
    case RDB_EVENT_END:
        return IMPORTER_END;
    }
    SF_ASSERT(false);
    return IMPORTER_FAILED;
}

enum importer_step importer_next(struct importer *importer, struct buf *out) {
    while (out->len < SOURCE_PIECE_BYTES) {
        if (importer->in_key) {
            key_goes_on(importer, out);
            continue;
        }
        struct rdb_event event;
        if (rdb_reader_next(importer->reader, &event) != SF_OK) {
            importer->why = rdb_reader_why(importer->reader);
            return IMPORTER_FAILED;
        }
        enum importer_step step = take_event(importer, &event, out);
        if (step != IMPORTER_PIECE) return step;
    }
    return IMPORTER_PIECE;
}

const char *importer_why(const struct importer *importer) {
    return importer->why == NULL ? "" : importer->why;
}
struct slice importer_rest(const struct importer *importer) {
    return rdb_reader_rest(importer->reader);
}
uint32_t importer_stream_db(const struct importer *importer) {
    return importer->stream_db;
}
uint64_t importer_n_keys(const struct importer *importer) {
    return importer->n_keys;
}
