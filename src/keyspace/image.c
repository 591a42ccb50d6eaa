/* A complete image of a keyspace; the layout is drawn in README.md. A function of the content: two
 * equal keyspaces give equal bytes. */
#include "keyspace/db.h"

#include "util/codec.h"

enum {
    IMAGE_VERSION = 2,
    IMAGE_HAS_DUE = 0x80,
    IMAGE_TYPE_SHIFT = 4, /* three bits; then four of the encoding */
    N_CELLS = CELL_PAGES * CELLS_A_PAGE
};

/* -- writing --------------------------------------------------------------------------------- */

static bool put_key(void *context, struct object *object) {
    struct buf *out = context;
    int64_t due_ms = object_due_ms(object), integer;
    char scratch[OBJECT_TEXT_MAX];
    unsigned form = (unsigned)object_encoding(object);
    form |= (unsigned)object_type(object) << IMAGE_TYPE_SHIFT;
    put_string(out, object_key(object));
    put_u8(out, (uint8_t)(form | (due_ms != NO_DUE ? IMAGE_HAS_DUE : 0)));
    put_varint(out, object_revision(object));
    if (due_ms != NO_DUE) put_u64(out, (uint64_t)due_ms);
    if (object_type(object) != OBJECT_STRING) {
        collection_form(object_type(object), object_encoding(object))
            ->put(object_collection(object), out);
    } else if (object_integer(object, &integer)) {
        put_u64(out, (uint64_t)integer);
    } else {
        put_string(out, object_string(object, scratch));
    }
    return true;
}

static void put_cells(struct buf *out, const struct db *db) {
    uint64_t revision, n = 0;
    for (uint32_t index = 0; db_next_cell(db, &index) != 0; index++) n++;
    put_varint(out, n);
    for (uint32_t index = 0; (revision = db_next_cell(db, &index)) != 0; index++) {
        put_varint(out, index);
        put_varint(out, revision);
    }
}

static bool is_new(struct db *db) {
    uint32_t index = 0;
    return db_size(db) == 0 && db->floor == 0 && db_next_cell(db, &index) == 0;
}

void keyspace_dump(struct keyspace *keyspace, struct buf *out) {
    put_u8(out, IMAGE_VERSION);
    put_varint(out, keyspace->revision);
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        struct db *db = &keyspace->dbs[i];
        if (is_new(db)) continue;
        put_varint(out, i + 1);
        put_varint(out, db->floor);
        put_varint(out, db_size(db));
        db_walk(db, put_key, out);
        put_cells(out, db);
    }
    put_varint(out, 0);
}

/* -- reading --------------------------------------------------------------------------------- */

/* The string behind a key's header; false: not one that a keyspace could hold. */
static bool read_text(struct reader *in, unsigned encoding, struct string_value *out) {
    *out = (struct string_value){.encoding = (enum object_encoding)encoding};
    switch (encoding) {
    case ENCODING_INT:
        out->integer = (int64_t)read_u64(in);
        return !in->failed;
    case ENCODING_EMBSTR:
        out->bytes = read_string(in);
        return !in->failed && out->bytes.len <= EMBSTR_MAX;
    case ENCODING_RAW:
        out->bytes = read_string(in);
        return !in->failed;
    default:
        return false;
    }
}

/* The object of a key, with the value that stands there; NULL: not one that a keyspace could hold.
 */
static struct object *read_object(
    struct reader *in, struct db *db, struct slice key, unsigned form, int64_t due_ms) {
    unsigned type = form >> IMAGE_TYPE_SHIFT & 7, encoding = form & 15;
    if (in->failed || key.len > UINT32_MAX) return NULL;
    if (type == OBJECT_STRING) {
        struct string_value value;
        return read_text(in, encoding, &value) ? object_new(db_pool(db), key, &value, due_ms)
                                               : NULL;
    }
    struct collection collection = {.types = &db->keyspace->collections,
        .type = (enum object_type)type,
        .encoding = (enum object_encoding)encoding};
    const struct collection_form *its = collection_form(collection.type, collection.encoding);
    if (its == NULL) return NULL;
    collection.value = its->read(collection.types, in);
    if (collection.value == NULL) return NULL;
    return object_new_collection(
        db_pool(db), key, &collection, its->bytes(collection.value), due_ms);
}

static bool read_key(struct reader *in, struct db *db) {
    struct slice key = read_string(in);
    uint8_t form = read_u8(in);
    uint64_t revision = read_varint(in);
    int64_t due_ms = (form & IMAGE_HAS_DUE) != 0 ? (int64_t)read_u64(in) : NO_DUE;
    if (revision == 0 || revision > db->keyspace->revision) return false;
    if ((form & IMAGE_HAS_DUE) != 0 && due_ms == NO_DUE) return false;
    uint64_t hash = table_hash(db->table.type, key);
    if (table_find(&db->table, hash, key) != NULL) return false;
    struct object *object = read_object(in, db, key, form, due_ms);
    if (object == NULL) return false;
    object_set_revision(object, revision);
    access_begin(db->keyspace, object); /* as if used now: images say nothing of accesses */
    db_enter(db, hash, object);
    return true;
}

static bool read_cells(struct reader *in, struct db *db) {
    uint64_t n = read_varint(in), next = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t index = read_varint(in), revision = read_varint(in);
        if (in->failed || index < next || index >= N_CELLS) return false;
        if (revision <= db->floor || revision > db->keyspace->revision) return false;
        db_raise_cell(db, index << 48, revision);
        next = index + 1;
    }
    return !in->failed;
}

static bool read_db(struct reader *in, struct db *db) {
    db->floor = read_varint(in);
    if (in->failed || db->floor > db->keyspace->revision) return false;
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; i < n; i++) {
        if (!read_key(in, db)) return false;
    }
    return !in->failed && read_cells(in, db);
}

static bool read_image(struct reader *in, struct keyspace *keyspace) {
    if (read_u8(in) != IMAGE_VERSION) return false;
    keyspace->revision = read_varint(in);
    if (in->failed || keyspace->revision > REVISION_MAX) return false;
    uint64_t next = 1;
    for (;;) {
        uint64_t number = read_varint(in);
        if (in->failed) return false;
        if (number == 0) return in->rest.len == 0;
        if (number < next || number > keyspace->n_dbs) return false;
        if (!read_db(in, &keyspace->dbs[number - 1])) return false;
        next = number + 1;
    }
}

enum sf_status keyspace_load(struct keyspace *keyspace, struct slice image) {
    keyspace_reset(keyspace);
    struct reader in = reader_of(image);
    if (read_image(&in, keyspace)) return SF_OK;
    keyspace_reset(keyspace);
    return SF_ERR_CORRUPT;
}
