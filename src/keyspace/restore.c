#include "keyspace/restore.h"

#include "keyspace/db.h"
#include "util/number.h"

bool keyspace_restore_revision(struct keyspace *keyspace, uint64_t revision) {
    SF_ASSERT(keyspace->revision == 0);
    if (revision > REVISION_MAX) return false;
    keyspace->revision = revision;
    return true;
}

bool db_restore_begin(
    struct db_restoring *restoring, struct db *db, uint64_t floor, uint64_t n_keys) {
    *restoring = (struct db_restoring){
        .db = db, .n_keys = n_keys, .depth = table_depth_for(n_keys), .prepared = UINT64_MAX};
    if (floor > db->keyspace->revision) return false;
    db->floor = floor;
    return true;
}

bool db_restore_cell(struct db *db, uint32_t index, uint64_t revision) {
    if (index >= CELL_PAGES * CELLS_A_PAGE) return false;
    if (revision <= db->floor || revision > db->keyspace->revision) return false;
    db_raise_cell(db, (uint64_t)index << 48, revision);
    return true;
}

/* The string in the form in which it was held. */
static bool text_as(enum object_encoding encoding, struct slice text, struct string_value *out) {
    *out = (struct string_value){.encoding = encoding, .bytes = text};
    if (encoding == ENCODING_INT) return int_parse(text, &out->integer);
    return encoding == ENCODING_RAW || (encoding == ENCODING_EMBSTR && text.len <= EMBSTR_MAX);
}

static struct object *object_of(struct pool *pool, const struct restored_key *key,
    struct slice text, struct collection *collection) {
    if (collection == NULL) {
        struct string_value value;
        if (!text_as(key->encoding, text, &value)) return NULL;
        return object_new(pool, key->key, &value, key->due_ms);
    }
    const struct collection_form *form = collection_form(collection->type, collection->encoding);
    SF_ASSERT(form != NULL && form->size(collection->value) > 0);
    size_t bytes = form->bytes(collection->value);
    struct object *object = object_new_collection(pool, key->key, collection, bytes, key->due_ms);
    collection->value = NULL;
    return object;
}

/* Enters the object, whose key is not there; false: it is, and nothing has changed. */
static bool enter(struct db_restoring *restoring, uint64_t hash, struct object *object) {
    struct table *table = &restoring->db->table;
    uint64_t part = restoring->depth == 0 ? 0 : hash >> (64 - restoring->depth);
    if (part != restoring->prepared)
        table_prepare(table, hash, restoring->depth, restoring->n_keys);
    restoring->prepared = part;
    void *there = table_put(table, hash, object);
    if (there != NULL) {
        table_put(table, hash, there);
        return false;
    }
    restoring->db->keyspace->object_bytes += object_bytes(object);
    expiry_enter(restoring->db, object);
    return true;
}

struct object *db_restore(struct db_restoring *restoring, const struct restored_key *key,
    struct slice text, struct collection *collection) {
    struct db *db = restoring->db;
    if (key->revision == 0 || key->revision > db->keyspace->revision) return NULL;
    if (key->key.len > UINT32_MAX) return NULL;
    struct object *object = object_of(db_pool(db), key, text, collection);
    if (object == NULL) return NULL;
    object_set_revision(object, key->revision);
    access_begin(db->keyspace, object); /* as if used now: nothing is told of accesses */
    if (enter(restoring, table_hash(db->table.type, key->key), object)) return object;
    if (collection != NULL) {
        collection->value = object_collection(object);
        if (object_is_inline(object)) collection_take_out(collection);
    }
    object_free(db_pool(db), object);
    return NULL;
}
