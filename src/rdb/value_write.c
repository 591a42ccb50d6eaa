#include "rdb/output.h"
#include "rdb/value.h"

#include "data/intset.h"
#include "data/quicklist.h"

struct rdb_value rdb_value_of(
    const struct db *db, const struct object *object, char scratch[OBJECT_TEXT_MAX]) {
    struct rdb_value value = {.type = object_type(object)};
    if (value.type == OBJECT_STRING)
        value.text = object_string(object, scratch);
    else
        value.collection = db_collection(db, object);
    return value;
}

/* Sets of texts go as plain members: their listpack came with version 11. */
enum rdb_type rdb_type_of(const struct rdb_value *value) {
    enum object_encoding encoding = value->collection.encoding;
    switch (value->type) {
    case OBJECT_STRING:
        return RDB_STRING;
    case OBJECT_LIST:
        return RDB_LIST_QUICKLIST_2;
    case OBJECT_SET:
        return encoding == ENCODING_INTSET ? RDB_SET_INTSET : RDB_SET;
    case OBJECT_ZSET:
        return encoding == ENCODING_LISTPACK ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
    case OBJECT_HASH:
        return encoding == ENCODING_LISTPACK ? RDB_HASH_LISTPACK : RDB_HASH;
    case OBJECT_STREAM:
        return RDB_STREAM_LISTPACKS_2;
    }
    SF_ASSERT(false);
    return RDB_STRING;
}

/* -- whole: what is one string --------------------------------------------------------------- */

static bool is_one_string(const struct rdb_value *value) {
    enum rdb_type type = rdb_type_of(value);
    return type == RDB_STRING || type == RDB_SET_INTSET || type == RDB_ZSET_LISTPACK ||
           type == RDB_HASH_LISTPACK;
}

static struct slice one_string(const struct rdb_value *value) {
    if (value->type == OBJECT_STRING) return value->text;
    return value->collection.encoding == ENCODING_INTSET ? intset_image(value->collection.value)
                                                         : listpack_image(value->collection.value);
}

/* -- by elements ----------------------------------------------------------------------------- */

static void put_block(struct buf *out, const struct listpack *packed, bool compresses) {
    rdb_put_length(out, RDB_CONTAINER_PACKED);
    rdb_put_text(out, listpack_image(packed), compresses);
}

static void begin_elements(struct rdb_value_writer *writer, struct buf *out) {
    const struct collection *collection = &writer->value.collection;
    writer->has_begun = true;
    if (writer->value.type == OBJECT_STREAM) {
        writer->left = 1;
        writer->stream.compresses = writer->compresses;
        rdb_stream_writer_begin(&writer->stream, stream_in(collection), out);
        return;
    }
    writer->left = collection_size(collection);
    if (writer->value.type == OBJECT_LIST)
        writer->left =
            collection->encoding == ENCODING_LISTPACK ? 1 : quicklist_blocks(collection->value);
    if (writer->value.type == OBJECT_SET) writer->members = set_iterate(collection);
    if (writer->value.type == OBJECT_HASH) writer->pairs = hash_iterate(collection);
    /* from the highest score down, so that a skip list is filled at its head */
    if (writer->value.type == OBJECT_ZSET) zset_seek(collection, writer->left - 1, &writer->scored);
    rdb_put_length(out, writer->left);
}

static void put_list_block(struct rdb_value_writer *writer, struct buf *out) {
    const struct collection *list = &writer->value.collection;
    bool is_packed = list->encoding == ENCODING_LISTPACK;
    put_block(out, is_packed ? list->value : quicklist_next_block(list->value, &writer->block),
        writer->compresses);
}

static void put_element(struct rdb_value_writer *writer, struct buf *out) {
    char scratch[INT_TEXT_MAX];
    struct slice member = {NULL, 0};
    struct hash_pair pair;
    switch (writer->value.type) {
    case OBJECT_LIST:
        put_list_block(writer, out);
        break;
    case OBJECT_SET:
        set_next(&writer->members, &member);
        rdb_put_text(out, member, writer->compresses);
        break;
    case OBJECT_HASH:
        hash_next(&writer->pairs, &pair);
        rdb_put_text(out, pair.field, writer->compresses);
        rdb_put_text(out, pair.value, writer->compresses);
        break;
    case OBJECT_ZSET:
        rdb_put_text(out, zset_member(&writer->scored, scratch), writer->compresses);
        rdb_put_double(out, zset_score(&writer->scored));
        zset_step(&writer->scored, true);
        break;
    case OBJECT_STREAM:
        writer->left = rdb_stream_write(&writer->stream, out) ? 1 : 2; /* pieces are not counted */
        break;
    case OBJECT_STRING:
        SF_ASSERT(false);
    }
}

void rdb_value_writer_begin(
    struct rdb_value_writer *writer, const struct rdb_value *value, bool compresses) {
    *writer = (struct rdb_value_writer){.value = *value, .compresses = compresses};
}

bool rdb_value_write(struct rdb_value_writer *writer, struct buf *out, size_t bytes_wanted) {
    size_t before = out->len;
    if (is_one_string(&writer->value)) {
        rdb_put_text(out, one_string(&writer->value), writer->compresses);
        return true;
    }
    if (!writer->has_begun) begin_elements(writer, out);
    SF_ASSERT(writer->left > 0);
    do {
        put_element(writer, out);
        writer->left--;
    } while (writer->left > 0 && out->len - before < bytes_wanted);
    return writer->left == 0;
}
