/* How each type is read: `begin` takes what stands in front of the elements and says how many there
 * are; `element` takes one; `finish` makes the value of them. Each works on one piece of the input
 * that is there as a whole, or is called again when more has come: nothing is changed before
 * that is known. A type that is one string has begin alone.
 *
 * Which form a value takes is decided as Redis 7.2 does it when it loads: packed forms are kept
 * up to the number of elements that the thresholds allow, plain elements are packed while they are
 * few and short. */
#include "rdb/packed.h"
#include "rdb/value.h"

#include "data/intset.h"
#include "keyspace/list.h"

typedef void read_piece(struct rdb_value_reader *reader, struct rdb_input *in);

struct rdb_value_kind {
    enum object_type type;
    read_piece *begin, *element;
    void (*finish)(struct rdb_value_reader *reader);
};

#define INTSET_ENTRIES_MAX ((uint64_t)1 << 30)
#define ELEMENT_BYTES_MAX (LISTPACK_BYTES_MAX / 2) /* of a list */

static void corrupt(struct rdb_input *in, const char *why) {
    rdb_input_fail(in, SF_ERR_CORRUPT, why);
}

static void begin_counted(struct rdb_value_reader *reader, struct rdb_input *in) {
    reader->left = rdb_get_length(in);
}

/* A listpack of the next string, or NULL: then it is short, or failed. */
static struct listpack *get_listpack(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice bytes = rdb_get_string(in, &reader->room);
    struct listpack *packed = rdb_input_good(in) ? listpack_load(bytes) : NULL;
    if (packed == NULL) corrupt(in, "a damaged listpack");
    return packed;
}

static struct listpack *get_ziplist(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice bytes = rdb_get_string(in, &reader->room);
    struct listpack *packed = rdb_input_good(in) ? rdb_listpack_of_ziplist(bytes) : NULL;
    if (packed == NULL) corrupt(in, "a damaged ziplist");
    return packed;
}

/* -- strings --------------------------------------------------------------------------------- */

static void begin_string(struct rdb_value_reader *reader, struct rdb_input *in) {
    reader->value.text = rdb_get_string(in, &reader->room);
}

/* -- lists ----------------------------------------------------------------------------------- */

static void begin_list(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_counted(reader, in);
    if (rdb_input_good(in)) reader->blocks = quicklist_new();
}

static void push(struct rdb_value_reader *reader, struct rdb_input *in, struct slice text) {
    if (text.len > ELEMENT_BYTES_MAX)
        rdb_input_fail(in, SF_ERR_TOO_LARGE, "a list's element larger than allowed");
    if (!rdb_input_good(in)) return;
    struct block_limit limit = block_limit_of(reader->target->thresholds->list_max_listpack_size);
    quicklist_push(reader->blocks, &limit, false, text);
}

static void list_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    push(reader, in, rdb_get_string(in, &reader->room));
}

/* Empty blocks are passed over; what is missing then shows as an empty list. */
static void append_block(struct rdb_value_reader *reader, struct listpack *packed) {
    if (packed == NULL) return;
    if (listpack_first(packed) != 0)
        quicklist_append_block(reader->blocks, &packed);
    else
        listpack_free(packed);
}

static void ziplist_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    append_block(reader, get_ziplist(reader, in));
}

/* A node: a listpack, or one element for itself, for which a block is made. */
static void node_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    uint64_t container = rdb_get_length(in);
    if (container == RDB_CONTAINER_PACKED) {
        append_block(reader, get_listpack(reader, in));
        return;
    }
    if (container != RDB_CONTAINER_PLAIN) corrupt(in, "a list's node of unknown form");
    struct slice text = rdb_get_string(in, &reader->room);
    if (text.len == 0) corrupt(in, "an empty node of a list");
    if (text.len > ELEMENT_BYTES_MAX)
        rdb_input_fail(in, SF_ERR_TOO_LARGE, "a list's element larger than allowed");
    if (!rdb_input_good(in)) return;
    struct listpack *packed = listpack_new();
    listpack_append(&packed, text);
    append_block(reader, packed);
}

static void keep_blocks(struct rdb_value_reader *reader) {
    reader->value.collection = (struct collection){.types = reader->target->types,
        .type = OBJECT_LIST,
        .encoding = ENCODING_QUICKLIST,
        .value = reader->blocks};
    reader->blocks = NULL;
}

static void finish_list(struct rdb_value_reader *reader) {
    if (reader->is_exact && reader->wanted == ENCODING_QUICKLIST) {
        keep_blocks(reader);
        return;
    }
    reader->value.collection =
        list_of_blocks(reader->target->types, reader->target->thresholds, &reader->blocks);
}

/* A list of one ziplist, up to Redis 3.0; it stays a quicklist, as in Redis. */
static void begin_old_list(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct listpack *packed = get_ziplist(reader, in);
    if (packed == NULL) return;
    char scratch[INT_TEXT_MAX];
    reader->blocks = quicklist_new();
    for (size_t at = listpack_first(packed); at != 0; at = listpack_next(packed, at))
        push(reader, in, listpack_text(packed, at, scratch));
    listpack_free(packed);
    if (rdb_input_good(in)) keep_blocks(reader);
}

/* -- sets ------------------------------------------------------------------------------------ */

/* An intset until a member is no integer; set_add sees to the rest. */
static void begin_set(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_counted(reader, in);
    if (!rdb_input_good(in)) return;
    bool is_small = reader->left <= INTSET_ENTRIES_MAX &&
                    (int64_t)reader->left <= reader->target->thresholds->set_max_intset_entries;
    enum object_encoding form = is_small ? ENCODING_INTSET : ENCODING_HASHTABLE;
    if (reader->is_exact) form = reader->wanted;
    reader->value.collection = set_new_as(reader->target->types, form);
}

static void set_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice member = rdb_get_string(in, &reader->room);
    if (!rdb_input_good(in)) return;
    if (!set_add(&reader->value.collection, reader->target->thresholds, member))
        corrupt(in, "a set with a member twice");
}

static void begin_intset(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice bytes = rdb_get_string(in, &reader->room);
    struct intset *intset = rdb_input_good(in) ? intset_load(bytes) : NULL;
    if (intset == NULL)
        corrupt(in, "a damaged intset");
    else
        reader->value.collection =
            set_of_intset(reader->target->types, reader->target->thresholds, &intset);
}

/* A packed form as value; NULL: already failed. */
typedef struct collection make_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed);

static void take_packed(struct rdb_value_reader *reader, struct rdb_input *in,
    struct listpack *packed, make_packed *make, const char *why) {
    if (packed == NULL) return;
    reader->value.collection = make(reader->target->types, reader->target->thresholds, &packed);
    if (reader->value.collection.value == NULL) corrupt(in, why);
}

static void begin_packed_set(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_listpack(reader, in), set_of_packed, "a set with a member twice");
}

/* -- sorted sets ----------------------------------------------------------------------------- */

static const char bad_zset[] = "a sorted set with a member twice or a score that is no number";

static void begin_packed_zset(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_listpack(reader, in), zset_of_packed, bad_zset);
}

static void begin_ziplist_zset(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_ziplist(reader, in), zset_of_packed, bad_zset);
}

static void begin_zset(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_counted(reader, in);
    if (rdb_input_good(in)) reader->sorted = sorted_set_new(&reader->target->types->sorted_sets);
}

static void add_scored(
    struct rdb_value_reader *reader, struct rdb_input *in, struct slice member, double score) {
    if (!rdb_input_good(in)) return;
    if (sorted_set_find(reader->sorted, member) != NULL)
        corrupt(in, bad_zset);
    else
        sorted_set_add(reader->sorted, member, score);
}

static void zset_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice member = rdb_get_string(in, &reader->room);
    add_scored(reader, in, member, rdb_get_double(in));
}

static void old_zset_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice member = rdb_get_string(in, &reader->room);
    add_scored(reader, in, member, rdb_get_decimal(in));
}

static void finish_zset(struct rdb_value_reader *reader) {
    reader->value.collection = zset_of(reader->target->types, &reader->sorted);
    zset_compact(&reader->value.collection, reader->target->thresholds);
}

/* -- hashes ---------------------------------------------------------------------------------- */

static const char bad_hash[] = "a hash with a field twice or without value";

static void begin_packed_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_listpack(reader, in), hash_of_packed, bad_hash);
}

static void begin_ziplist_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_ziplist(reader, in), hash_of_packed, bad_hash);
}

static void begin_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_counted(reader, in);
    if (!rdb_input_good(in)) return;
    bool is_small = reader->left <= (uint64_t)reader->target->thresholds->hash_max_listpack_entries;
    enum object_encoding form = is_small ? ENCODING_LISTPACK : ENCODING_HASHTABLE;
    if (reader->is_exact) form = reader->wanted;
    reader->value.collection = hash_new_as(reader->target->types, form);
}

static void hash_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice field = rdb_get_string(in, &reader->room);
    struct slice value = rdb_get_string(in, &reader->other);
    if (!rdb_input_good(in)) return;
    if (!hash_set(&reader->value.collection, reader->target->thresholds, field, value))
        corrupt(in, bad_hash);
}

/* -- hashes whose fields have due times (Redis 7.4) ------------------------------------------ */

/* base_ms: what the due times of the fields count from. */
static void begin_due_fields(
    struct rdb_value_reader *reader, struct rdb_input *in, uint64_t base_ms) {
    reader->base_ms = base_ms;
    begin_counted(reader, in);
    if (!rdb_input_good(in)) return;
    bool is_small = reader->left <= (uint64_t)reader->target->thresholds->hash_max_listpack_entries;
    reader->value.collection = hash_new_as(
        reader->target->types, is_small ? ENCODING_LISTPACK_DUE : ENCODING_HASHTABLE_DUE);
}

static void begin_due_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    uint64_t first_ms = rdb_get_u64(in);
    begin_due_fields(reader, in, first_ms);
}

/* Before the release due times were absolute: as if counted from 1, since 1 stands for that. */
static void begin_early_due_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_due_fields(reader, in, 1);
}

static void due_hash_element(struct rdb_value_reader *reader, struct rdb_input *in) {
    uint64_t ttl = rdb_get_length(in);
    struct slice field = rdb_get_string(in, &reader->room);
    struct slice value = rdb_get_string(in, &reader->other);
    if (!rdb_input_good(in)) return;
    int64_t due_ms = NO_DUE;
    if (ttl > 0) { /* one more than what it stands for */
        const uint64_t most = (uint64_t)FIELD_DUE_MAX;
        if (ttl > most || reader->base_ms > most || ttl - 1 + reader->base_ms > most ||
            ttl - 1 + reader->base_ms == 0) {
            corrupt(in, "a field's due time that is none");
            return;
        }
        due_ms = (int64_t)(ttl - 1 + reader->base_ms);
    }
    if (!hash_put(&reader->value.collection, reader->target->thresholds, field, value, due_ms))
        corrupt(in, bad_hash);
}

static void begin_early_packed_due_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    take_packed(reader, in, get_listpack(reader, in), hash_of_due_packed, bad_hash);
}

static void begin_packed_due_hash(struct rdb_value_reader *reader, struct rdb_input *in) {
    rdb_get_u64(in); /* the first due time: it stands in the listpack too */
    begin_early_packed_due_hash(reader, in);
}

static bool zipmap_is_small(
    const struct listpack *packed, size_t longest, const struct thresholds *thresholds) {
    return listpack_count(packed) / 2 <= (uint64_t)thresholds->hash_max_listpack_entries &&
           longest <= (uint64_t)thresholds->hash_max_listpack_value;
}

/* Here the lengths of fields and values count too. */
static void begin_zipmap(struct rdb_value_reader *reader, struct rdb_input *in) {
    struct slice bytes = rdb_get_string(in, &reader->room);
    size_t longest;
    struct listpack *packed = rdb_input_good(in) ? rdb_listpack_of_zipmap(bytes, &longest) : NULL;
    if (packed == NULL) {
        corrupt(in, "a damaged zipmap");
        return;
    }
    struct thresholds thresholds = *reader->target->thresholds;
    if (!zipmap_is_small(packed, longest, &thresholds)) thresholds.hash_max_listpack_entries = 0;
    reader->value.collection = hash_of_packed(reader->target->types, &thresholds, &packed);
    if (reader->value.collection.value == NULL) corrupt(in, bad_hash);
}

/* -- streams --------------------------------------------------------------------------------- */

static void begin_stream_as(
    struct rdb_value_reader *reader, struct rdb_input *in, enum rdb_type type) {
    uint64_t n_nodes = rdb_get_length(in);
    if (!rdb_input_good(in)) return;
    reader->stream = rdb_stream_reader_new(reader->target->types, type, n_nodes);
    reader->left = 1;
}

static void begin_stream(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_stream_as(reader, in, RDB_STREAM_LISTPACKS);
}

static void begin_stream_2(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_stream_as(reader, in, RDB_STREAM_LISTPACKS_2);
}

static void begin_stream_3(struct rdb_value_reader *reader, struct rdb_input *in) {
    begin_stream_as(reader, in, RDB_STREAM_LISTPACKS_3);
}

/* How many pieces there are shows only when the last was read. */
static void stream_piece(struct rdb_value_reader *reader, struct rdb_input *in) {
    reader->left = rdb_stream_read(reader->stream, in) ? 1 : 2;
}

static void finish_stream(struct rdb_value_reader *reader) {
    reader->value.collection = rdb_stream_take(reader->stream);
}

/* -- all types ------------------------------------------------------------------------------- */

static const struct rdb_value_kind kinds[RDB_TYPES] = {
    [RDB_STRING] = {OBJECT_STRING, begin_string, NULL, NULL},
    [RDB_LIST] = {OBJECT_LIST, begin_list, list_element, finish_list},
    [RDB_SET] = {OBJECT_SET, begin_set, set_element, NULL},
    [RDB_ZSET] = {OBJECT_ZSET, begin_zset, old_zset_element, finish_zset},
    [RDB_HASH] = {OBJECT_HASH, begin_hash, hash_element, NULL},
    [RDB_ZSET_2] = {OBJECT_ZSET, begin_zset, zset_element, finish_zset},
    [RDB_HASH_ZIPMAP] = {OBJECT_HASH, begin_zipmap, NULL, NULL},
    [RDB_LIST_ZIPLIST] = {OBJECT_LIST, begin_old_list, NULL, NULL},
    [RDB_SET_INTSET] = {OBJECT_SET, begin_intset, NULL, NULL},
    [RDB_ZSET_ZIPLIST] = {OBJECT_ZSET, begin_ziplist_zset, NULL, NULL},
    [RDB_HASH_ZIPLIST] = {OBJECT_HASH, begin_ziplist_hash, NULL, NULL},
    [RDB_LIST_QUICKLIST] = {OBJECT_LIST, begin_list, ziplist_element, finish_list},
    [RDB_HASH_LISTPACK] = {OBJECT_HASH, begin_packed_hash, NULL, NULL},
    [RDB_ZSET_LISTPACK] = {OBJECT_ZSET, begin_packed_zset, NULL, NULL},
    [RDB_LIST_QUICKLIST_2] = {OBJECT_LIST, begin_list, node_element, finish_list},
    [RDB_STREAM_LISTPACKS] = {OBJECT_STREAM, begin_stream, stream_piece, finish_stream},
    [RDB_STREAM_LISTPACKS_2] = {OBJECT_STREAM, begin_stream_2, stream_piece, finish_stream},
    [RDB_STREAM_LISTPACKS_3] = {OBJECT_STREAM, begin_stream_3, stream_piece, finish_stream},
    [RDB_SET_LISTPACK] = {OBJECT_SET, begin_packed_set, NULL, NULL},
    [RDB_HASH_METADATA_PRE_RELEASE] = {OBJECT_HASH, begin_early_due_hash, due_hash_element, NULL},
    [RDB_HASH_LISTPACK_EX_PRE_RELEASE] = {OBJECT_HASH, begin_early_packed_due_hash, NULL, NULL},
    [RDB_HASH_METADATA] = {OBJECT_HASH, begin_due_hash, due_hash_element, NULL},
    [RDB_HASH_LISTPACK_EX] = {OBJECT_HASH, begin_packed_due_hash, NULL, NULL},
};

bool rdb_type_is_value(uint8_t type) {
    return type < RDB_TYPES && type != 8;
}

enum sf_status rdb_value_reader_begin(
    struct rdb_value_reader *reader, uint8_t type, const char **why) {
    SF_ASSERT(rdb_type_is_value(type) && reader->target->string_bytes_max <= UINT32_MAX);
    rdb_value_reader_clear(reader);
    reader->kind = &kinds[type];
    reader->value.type = kinds[type].type;
    if (kinds[type].begin != NULL) return SF_OK;
    *why = "a value of a module's type";
    return SF_ERR_REFUSED;
}

static bool is_empty(const struct rdb_value *value) {
    return value->type != OBJECT_STRING && collection_size(&value->collection) == 0;
}

enum rdb_progress rdb_value_read(struct rdb_value_reader *reader, struct rdb_input *in) {
    do {
        struct rdb_input piece = *in;
        read_piece *take = reader->has_begun ? reader->kind->element : reader->kind->begin;
        take(reader, &piece);
        if (piece.status != SF_OK) *in = piece;
        if (in->status != SF_OK) return RDB_FAILED;
        if (piece.is_short) return RDB_SHORT;
        *in = piece;
        if (reader->has_begun) reader->left--;
        breath_spend(reader->target->types->breath, 1);
        reader->has_begun = true;
    } while (reader->left > 0);
    if (reader->kind->finish != NULL) reader->kind->finish(reader);
    return is_empty(&reader->value) ? RDB_EMPTY : RDB_DONE;
}

void rdb_value_reader_clear(struct rdb_value_reader *reader) {
    collection_free(&reader->value.collection);
    if (reader->sorted != NULL) sorted_set_free(reader->sorted);
    if (reader->blocks != NULL) quicklist_free(reader->blocks);
    if (reader->stream != NULL) rdb_stream_reader_free(reader->stream);
    reader->sorted = NULL;
    reader->blocks = NULL;
    reader->stream = NULL;
    reader->value = (struct rdb_value){0};
    reader->is_exact = false;
    reader->has_begun = false;
    reader->left = 0;
}

void rdb_value_reader_free(struct rdb_value_reader *reader) {
    rdb_value_reader_clear(reader);
    rdb_room_free(&reader->room);
    rdb_room_free(&reader->other);
}

void rdb_value_enter(struct db *db, struct slice key, int64_t due_ms, struct rdb_value *value) {
    if (value->type == OBJECT_STRING)
        db_set_string(db, key, value->text, due_ms);
    else
        db_add_collection(db, key, &value->collection, due_ms);
}
