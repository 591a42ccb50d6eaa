#include "keyspace/walk.h"

#include "data/quicklist.h"
#include "keyspace/db.h"
#include "keyspace/element.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"

#define LARGE_BYTES ((size_t)64 << 10)
#define LARGE_ELEMENTS 512

struct walk {
    struct keyspace *copy; /* of everything, as it was */
    uint64_t n_keys, done_keys;
    uint32_t db;
    bool is_in_db;
    struct table_iterator next;
};

struct walk *keyspace_walk_begin(struct keyspace *keyspace) {
    struct walk *walk = sf_alloc_zero(1, sizeof *walk);
    struct buf image = {0};
    keyspace_dump(keyspace, &image);
    walk->copy = keyspace_new(keyspace->n_dbs, &keyspace->keys.secret);
    enum sf_status status = keyspace_load(walk->copy, buf_slice(&image));
    SF_ASSERT(status == SF_OK);
    buf_free(&image);
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) walk->n_keys += db_size(&walk->copy->dbs[i]);
    return walk;
}

void walk_end(struct walk *walk) {
    keyspace_free(walk->copy);
    sf_free(walk);
}

uint64_t walk_revision(const struct walk *walk) {
    return walk->copy->revision;
}

uint64_t walk_n_keys(const struct walk *walk) {
    return walk->n_keys;
}

uint64_t walk_done_keys(const struct walk *walk) {
    return walk->done_keys;
}

size_t walk_bytes(const struct walk *walk) {
    return keyspace_used_bytes(walk->copy);
}

/* -- large values ---------------------------------------------------------------------------- */

static void show_text(const struct walk_sink *sink, struct slice text) {
    for (size_t at = 0; at < text.len; at += LARGE_BYTES) {
        struct slice part = slice_of(text.data + at, SF_MIN(LARGE_BYTES, text.len - at));
        if (sink->large_text != NULL) sink->large_text(sink->context, part);
    }
}

static void show_element(
    const struct walk_sink *sink, struct slice element, struct slice value, double score) {
    if (sink->large_element != NULL) sink->large_element(sink->context, element, value, score);
}

static void show_elements(const struct walk_sink *sink, const struct element_table *elements) {
    struct table_iterator next = table_seek(&elements->table, 0);
    for (const void *item; (item = table_next(&next)) != NULL;) {
        int64_t due_ms = element_due_ms(item);
        show_element(sink, element_key(item),
            elements->has_values ? element_value(item) : slice_of(NULL, 0),
            due_ms == NO_DUE ? 0 : (double)due_ms);
    }
}

static void show_sorted(const struct walk_sink *sink, const struct sorted_set *set) {
    struct table_iterator next = table_seek(&set->members, 0);
    for (const struct sorted_element *item; (item = table_next(&next)) != NULL;)
        show_element(sink, sorted_element_member(item), slice_of(NULL, 0), item->score);
}

static void show_blocks(const struct walk_sink *sink, const struct quicklist *list) {
    struct quicklist_place at = {0, 0};
    for (const struct listpack *packed; (packed = quicklist_next_block(list, &at)) != NULL;) {
        if (sink->large_block != NULL)
            sink->large_block(sink->context, listpack_image(packed), false);
    }
}

static struct collection show_nodes(const struct walk_sink *sink, const struct stream *stream,
    const struct collection_types *types) {
    struct btree_cursor cursor;
    for (const struct stream_node *node = btree_seek(&stream->log.nodes, 0, &cursor); node != NULL;
         node = btree_next(&cursor)) {
        if (sink->large_node != NULL)
            sink->large_node(
                sink->context, node->master.ms, node->master.seq, listpack_image(node->packed));
    }
    struct collection behind = stream_new(types);
    struct stream *rest = behind.value;
    rest->first = stream->first;
    rest->last = stream->last;
    rest->max_deleted = stream->max_deleted;
    rest->entries_added = stream->entries_added;
    stream_groups_copy(stream, rest);
    return behind;
}

static uint64_t large_parts(const struct object *object) {
    char scratch[OBJECT_TEXT_MAX];
    if (object_type(object) == OBJECT_STRING) return object_string(object, scratch).len;
    void *value = object_collection(object);
    if (object_type(object) == OBJECT_LIST) return quicklist_blocks(value);
    if (object_type(object) == OBJECT_STREAM) return ((struct stream *)value)->log.nodes.n;
    return collection_form(object_type(object), object_encoding(object))->size(value);
}

static void show_large(struct walk *walk, const struct walk_sink *sink, const struct walk_key *key,
    const struct object *object) {
    char scratch[OBJECT_TEXT_MAX];
    struct collection behind = {.value = NULL};
    if (sink->large_begin != NULL) sink->large_begin(sink->context, key, large_parts(object));
    if (key->type == OBJECT_STRING) show_text(sink, object_string(object, scratch));
    if (key->type == OBJECT_SET || key->type == OBJECT_HASH)
        show_elements(sink, object_collection(object));
    if (key->type == OBJECT_ZSET) show_sorted(sink, object_collection(object));
    if (key->type == OBJECT_LIST) show_blocks(sink, object_collection(object));
    if (key->type == OBJECT_STREAM)
        behind = show_nodes(sink, object_collection(object), &walk->copy->collections);
    if (sink->large_end != NULL)
        sink->large_end(sink->context, key, behind.value == NULL ? NULL : &behind);
    collection_free(&behind);
}

static bool is_large(const struct object *object) {
    enum object_encoding encoding = object_encoding(object);
    char scratch[OBJECT_TEXT_MAX];
    if (object_type(object) == OBJECT_STRING)
        return object_string(object, scratch).len > LARGE_BYTES;
    if (encoding == ENCODING_LISTPACK || encoding == ENCODING_LISTPACK_DUE) return false;
    if (encoding == ENCODING_INTSET) return false;
    return object_collection_bytes(object) > LARGE_BYTES ||
           collection_form(object_type(object), encoding)->size(object_collection(object)) >
               LARGE_ELEMENTS;
}

/* -- keys ------------------------------------------------------------------------------------ */

static void show_key(struct walk *walk, const struct walk_sink *sink, const struct object *object) {
    struct slice name = object_key(object);
    struct walk_key key = {.db = walk->db,
        .hash = table_hash(&walk->copy->keys, name),
        .key = name,
        .due_ms = object_due_ms(object),
        .revision = object_revision(object),
        .type = object_type(object),
        .encoding = object_encoding(object)};
    char scratch[OBJECT_TEXT_MAX];
    if (is_large(object)) {
        show_large(walk, sink, &key, object);
    } else if (sink->value != NULL && key.type == OBJECT_STRING) {
        sink->value(sink->context, &key, object_string(object, scratch), NULL);
    } else if (sink->value != NULL) {
        struct collection held = db_collection(&walk->copy->dbs[walk->db], object);
        sink->value(sink->context, &key, slice_of(NULL, 0), &held);
    }
    walk->done_keys++;
}

static bool begin_db(struct walk *walk, const struct walk_sink *sink) {
    struct db *db = &walk->copy->dbs[walk->db];
    uint32_t index = 0;
    if (db_size(db) == 0 && db->floor == 0 && db_next_cell(db, &index) == 0) return false;
    struct walk_db shown = {walk->db, db_size(db), db_expiring_size(db), db->floor};
    if (sink->db != NULL) sink->db(sink->context, &shown);
    walk->next = table_seek(&db->table, 0);
    return true;
}

static void end_db(struct walk *walk, const struct walk_sink *sink) {
    const struct db *db = &walk->copy->dbs[walk->db];
    uint64_t revision;
    for (uint32_t index = 0; (revision = db_next_cell(db, &index)) != 0; index++) {
        if (sink->cell != NULL) sink->cell(sink->context, walk->db, index, revision);
    }
}

bool walk_some(struct walk *walk, const struct walk_sink *sink, uint64_t budget) {
    while (walk->db < walk->copy->n_dbs) {
        if (!walk->is_in_db) walk->is_in_db = begin_db(walk, sink);
        for (const struct object *object; walk->is_in_db;) {
            if (budget == 0) return false;
            budget--;
            if ((object = table_next(&walk->next)) == NULL) break;
            show_key(walk, sink, object);
        }
        if (walk->is_in_db) end_db(walk, sink);
        walk->is_in_db = false;
        walk->db++;
    }
    return true;
}
