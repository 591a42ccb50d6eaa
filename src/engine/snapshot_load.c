/* A snapshot, read back into an engine as new. The bytes are not trusted: whatever they are, the
 * state that comes of them is one that an engine could hold, or they are refused. */
#include "engine/internal.h"
#include "engine/snapshot.h"
#include "engine/snapshot_format.h"

#include "data/listpack.h"
#include "keyspace/restore.h"
#include "rdb/reader.h"
#include "util/crc64.h"

enum { KEY_BYTES_MIN = 6 }; /* type, name, value, and what is said of it */

struct snapshot_loader {
    struct engine *engine;
    struct rdb_target target;
    struct rdb_reader *reader;
    bool has_head, has_state, has_failed;
    const char *why;
    raft_index index; /* that the head names */

    uint64_t n_keys;
    uint64_t keys_max; /* that such a file can hold */
    struct db *db;     /* that the fields speak of; NULL: none yet */
    struct db_restoring restoring;
    uint64_t n_keys_left; /* of it */
    uint64_t *seen;       /* a bit for each db that came */
    uint64_t revisions[RUN_KEYS];
    uint8_t forms[RUN_KEYS];
    uint32_t n_run, at_run;
    struct object *latest;   /* the key in front */
    struct listpack *packed; /* of the set, or hash, that follows */
    bool owes_dues;          /* of the fields of `latest` */
};

/* -- life ------------------------------------------------------------------------------------ */

static const struct thresholds no_thresholds = {0}; /* each value's form is told */

struct snapshot_loader *snapshot_loader_new(struct engine *engine, uint64_t file_bytes) {
    SF_ASSERT(!engine->open && engine->applied == 0);
    struct snapshot_loader *loader = sf_alloc_zero(1, sizeof *loader);
    loader->engine = engine;
    loader->keys_max = file_bytes / KEY_BYTES_MIN;
    loader->target =
        (struct rdb_target){.types = db_collection_types(keyspace_db(engine->keyspace, 0)),
            .thresholds = &no_thresholds,
            .string_bytes_max = UINT32_MAX};
    loader->reader = rdb_reader_new(&loader->target);
    loader->seen = sf_alloc_zero(engine->settings.n_dbs / 64 + 1, sizeof *loader->seen);
    return loader;
}

void snapshot_loader_free(struct snapshot_loader *loader) {
    if (loader == NULL) return;
    rdb_reader_free(loader->reader);
    listpack_free(loader->packed);
    sf_free(loader->seen);
    sf_free(loader);
}

const char *snapshot_load_why(const struct snapshot_loader *loader) {
    return loader->why == NULL ? "" : loader->why;
}

uint64_t snapshot_load_keys(const struct snapshot_loader *loader) {
    return loader->n_keys;
}

static bool refuse(struct snapshot_loader *loader, const char *why) {
    loader->why = why;
    return false;
}

/* -- fields ---------------------------------------------------------------------------------- */

/* The field alone: the file's front is for whoever keeps the file (raft/snapshot_head.h). */
static bool take_head(struct snapshot_loader *loader, struct slice text) {
    struct buf whole = {0};
    struct snapshot_head head;
    if (loader->has_head) return refuse(loader, "two heads");
    buf_printf(&whole, "REDIS0010%c%c" SNAPSHOT_FIELD "%c", 0xfa, 0x0a, 0x80);
    put_u32(&whole, __builtin_bswap32((uint32_t)text.len));
    buf_append_slice(&whole, text);
    enum sf_status status = snapshot_head_get(buf_slice(&whole), &head);
    buf_free(&whole);
    loader->has_head = status == SF_OK;
    loader->index = head.place.index;
    if (status == SF_ERR_INVALID) return refuse(loader, "a later version wrote it");
    return status == SF_OK || refuse(loader, "its head is damaged");
}

static bool take_state(struct snapshot_loader *loader, struct slice text) {
    struct engine *engine = loader->engine;
    struct reader in = reader_of(text);
    if (!loader->has_head || loader->has_state) return refuse(loader, "a state out of place");
    loader->has_state = true;
    bool is_good = keyspace_restore_revision(engine->keyspace, read_varint(&in)) &&
                   side_read(engine, &in) && !in.failed && in.rest.len == 0;
    if (!is_good) return refuse(loader, "what it says besides keys is damaged, or too new");
    return engine->applied == loader->index || refuse(loader, "a state of another entry");
}

static bool key_ends(struct snapshot_loader *loader) {
    return !loader->owes_dues || refuse(loader, "due times of fields are missing");
}

static bool db_ends(struct snapshot_loader *loader) {
    if (!key_ends(loader)) return false;
    if (loader->db != NULL && loader->n_keys_left > 0) return refuse(loader, "keys are missing");
    if (loader->at_run < loader->n_run) return refuse(loader, "keys of a run are missing");
    loader->latest = NULL;
    return true;
}

static bool take_db(struct snapshot_loader *loader, struct slice text) {
    struct reader in = reader_of(text);
    uint64_t number = read_varint(&in), floor = read_varint(&in), n_keys = read_varint(&in);
    if (in.failed || in.rest.len > 0) return refuse(loader, "a damaged database");
    if (number >= loader->engine->settings.n_dbs)
        return refuse(loader, "more databases than `databases` allows");
    if (!db_ends(loader)) return false;
    uint64_t bit = UINT64_C(1) << number % 64, *word = &loader->seen[number / 64];
    if ((*word & bit) != 0) return refuse(loader, "a database twice");
    *word |= bit;
    loader->db = keyspace_db(loader->engine->keyspace, (uint32_t)number);
    loader->n_keys_left = n_keys;
    uint64_t expected = SF_MIN(n_keys, loader->keys_max);
    return db_restore_begin(&loader->restoring, loader->db, floor, expected) ||
           refuse(loader, "a damaged database");
}

/* As what its bytes in a dump are read: due times come from elsewhere. */
static uint8_t form_in_dump(uint8_t form) {
    bool has_dues = form == ENCODING_LISTPACK_DUE || form == ENCODING_HASHTABLE_DUE;
    return has_dues ? ENCODING_HASHTABLE : form;
}

static bool take_run(struct snapshot_loader *loader, struct slice text) {
    struct reader in = reader_of(text);
    uint8_t forms[RUN_KEYS];
    uint64_t n = read_varint(&in);
    if (loader->db == NULL || n == 0 || n > RUN_KEYS || loader->at_run < loader->n_run)
        return refuse(loader, "a damaged run of keys");
    for (uint64_t i = 0; i < n; i++) {
        loader->forms[i] = read_u8(&in);
        forms[i] = form_in_dump(loader->forms[i]);
        loader->revisions[i] = read_varint(&in);
    }
    if (in.failed || in.rest.len > 0) return refuse(loader, "a damaged run of keys");
    loader->n_run = (uint32_t)n;
    loader->at_run = 0;
    rdb_reader_expect(loader->reader, forms, (uint32_t)n);
    return true;
}

static bool take_cells(struct snapshot_loader *loader, struct slice text) {
    struct reader in = reader_of(text);
    uint64_t number = read_varint(&in), n = read_varint(&in), next = 0;
    if (loader->db == NULL || number >= loader->engine->settings.n_dbs)
        return refuse(loader, "damaged cells");
    struct db *db = keyspace_db(loader->engine->keyspace, (uint32_t)number);
    if (db != loader->db) return refuse(loader, "cells of another database");
    for (uint64_t i = 0; i < n && !in.failed; i++) {
        uint64_t index = next + read_varint(&in), revision = read_varint(&in);
        if (in.failed || index < next || index > UINT32_MAX ||
            !db_restore_cell(db, (uint32_t)index, revision))
            return refuse(loader, "damaged cells");
        next = index + 1;
    }
    return (!in.failed && in.rest.len == 0) || refuse(loader, "damaged cells");
}

/* In the order in which put_active wrote them. */
static bool take_active(struct snapshot_loader *loader, struct reader *in) {
    if (loader->latest == NULL || object_type(loader->latest) != OBJECT_STREAM)
        return refuse(loader, "a stream's times without a stream");
    struct collection collection = db_collection(loader->db, loader->latest);
    struct btree_cursor at_group, at_consumer;
    for (struct stream_group *group = stream_group_first(stream_in(&collection), &at_group);
         group != NULL; group = btree_next(&at_group)) {
        for (struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at_consumer);
             consumer != NULL; consumer = btree_next(&at_consumer))
            consumer->active_ms = (int64_t)read_u64(in);
    }
    return (!in->failed && in->rest.len == 0) || refuse(loader, "a stream's times are damaged");
}

static bool take_packed(struct snapshot_loader *loader, struct reader *in) {
    if (loader->packed != NULL) return refuse(loader, "a packed value twice");
    loader->packed = listpack_load(in->rest);
    return loader->packed != NULL || refuse(loader, "a damaged packed value");
}

/* In the order of the fields. */
static bool take_dues(struct snapshot_loader *loader, struct reader *in) {
    if (!loader->owes_dues) return refuse(loader, "due times without a hash");
    struct collection hash = db_collection(loader->db, loader->latest);
    if (hash_is_packed(&hash)) return refuse(loader, "due times for a hash of another form");
    uint64_t n = collection_size(&hash);
    bool is_good = true;
    struct hash_pair pair;
    for (uint64_t i = 0; i < n && is_good; i++) {
        uint64_t due_ms = read_varint(in);
        is_good = !in->failed && due_ms <= (uint64_t)FIELD_DUE_MAX;
        if (!is_good || due_ms == 0) continue;
        hash_at(&hash, i, &pair);
        hash_set_due(&hash, pair.field, (int64_t)due_ms);
        loader->owes_dues = false;
    }
    db_collection_counted(loader->db, loader->latest, &hash);
    return (is_good && in->rest.len == 0) || refuse(loader, "due times of fields are damaged");
}

static bool take_part(struct snapshot_loader *loader, struct slice text) {
    struct reader in = reader_of(text);
    uint8_t part = read_u8(&in);
    if (part == VALUE_ACTIVE) return take_active(loader, &in);
    if (part == VALUE_PACKED) return take_packed(loader, &in);
    if (part == VALUE_DUES) return take_dues(loader, &in);
    return refuse(loader, "a part of a value that this version does not know");
}

static bool is_named(const struct rdb_event *event, const char *name) {
    return slice_equal(event->name, slice_text(name));
}

static bool take_field(struct snapshot_loader *loader, const struct rdb_event *event) {
    if (is_named(event, FIELD_KEYS)) return take_run(loader, event->text);
    if (is_named(event, FIELD_VALUE)) return take_part(loader, event->text);
    if (is_named(event, FIELD_CELLS)) return take_cells(loader, event->text);
    if (is_named(event, FIELD_DB)) return take_db(loader, event->text);
    if (is_named(event, FIELD_STATE)) return take_state(loader, event->text);
    if (is_named(event, SNAPSHOT_FIELD)) return take_head(loader, event->text);
    return true; /* for a Redis that loads it */
}

/* -- keys ------------------------------------------------------------------------------------ */

static bool same_members(const struct collection *set, struct listpack *packed) {
    struct set_iterator members = set_iterate(set);
    size_t at = listpack_first(packed);
    for (struct slice member; set_next(&members, &member);) {
        if (at == 0 || !listpack_equals(packed, at, member)) return false;
        at = listpack_next(packed, at);
    }
    return at == 0;
}

/* The set's own bytes take the place of what its members were packed into; those of a packed hash,
 * with its due times, that of a table. */
static bool repack(struct snapshot_loader *loader, struct collection *set) {
    if (loader->forms[loader->at_run] == ENCODING_LISTPACK_DUE && set->type == OBJECT_HASH)
        return hash_take_due_packed(set, &loader->packed) || refuse(loader, "a damaged hash");
    if (set->type != OBJECT_SET || set->encoding != ENCODING_LISTPACK ||
        !same_members(set, loader->packed))
        return refuse(loader, "a damaged set");
    collection_free(set);
    set->value = loader->packed;
    loader->packed = NULL;
    return true;
}

static bool is_expected(const struct snapshot_loader *loader, const struct rdb_event *event) {
    return loader->db != NULL && loader->n_keys_left > 0 && loader->at_run < loader->n_run &&
           event->db < loader->engine->settings.n_dbs &&
           keyspace_db(loader->engine->keyspace, (uint32_t)event->db) == loader->db;
}

static bool take_key(struct snapshot_loader *loader, const struct rdb_event *event) {
    if (!is_expected(loader, event)) return refuse(loader, "a key of which nothing is said");
    struct rdb_value *value = event->value;
    uint8_t form = loader->forms[loader->at_run];
    bool has_dues = form == ENCODING_LISTPACK_DUE || form == ENCODING_HASHTABLE_DUE;
    if (!key_ends(loader)) return false;
    if (has_dues && value->type != OBJECT_HASH) return refuse(loader, "due times without a hash");
    if (form == ENCODING_LISTPACK_DUE && loader->packed == NULL)
        return refuse(loader, "due times of fields are missing");
    if (loader->packed != NULL && !repack(loader, &value->collection)) return false;
    const struct restored_key key = {.key = event->key,
        .due_ms = event->due_ms,
        .revision = loader->revisions[loader->at_run],
        .encoding = (enum object_encoding)form};
    struct collection *collection = value->type == OBJECT_STRING ? NULL : &value->collection;
    loader->latest = db_restore(&loader->restoring, &key, value->text, collection);
    if (loader->latest == NULL) return refuse(loader, "a key twice, or one that cannot be");
    loader->owes_dues = form == ENCODING_HASHTABLE_DUE;
    loader->at_run++;
    loader->n_keys_left--;
    loader->n_keys++;
    return true;
}

/* -- all ------------------------------------------------------------------------------------- */

static bool take_end(struct snapshot_loader *loader) {
    if (!loader->has_state) return refuse(loader, "a dump without a state");
    if (!db_ends(loader)) return false;
    if (loader->packed != NULL || rdb_reader_empty_keys(loader->reader) > 0)
        return refuse(loader, "a value is missing");
    if (!rdb_reader_is_summed(loader->reader)) return refuse(loader, "its checksum is missing");
    if (rdb_reader_rest(loader->reader).len > 0) return refuse(loader, "bytes behind the end");
    blocked_load_end(loader->engine);
    return true;
}

static bool take(struct snapshot_loader *loader, const struct rdb_event *event) {
    switch (event->kind) {
    case RDB_EVENT_AUX:
        return take_field(loader, event);
    case RDB_EVENT_KEY:
        return take_key(loader, event);
    case RDB_EVENT_END:
        return take_end(loader);
    case RDB_EVENT_MORE:
    case RDB_EVENT_FUNCTION: /* the state has it */
    case RDB_EVENT_DB:
    case RDB_EVENT_SIZES:
        break;
    }
    return true;
}

enum snapshot_loading snapshot_load(struct snapshot_loader *loader, struct slice bytes) {
    SF_ASSERT(!loader->has_failed);
    rdb_reader_feed(loader->reader, bytes);
    for (;;) {
        struct rdb_event event;
        bool is_good = rdb_reader_next(loader->reader, &event) == SF_OK;
        if (!is_good) loader->why = rdb_reader_why(loader->reader);
        if (is_good && event.kind == RDB_EVENT_MORE) return SNAPSHOT_GOES_ON;
        is_good = is_good && take(loader, &event);
        loader->has_failed = !is_good;
        if (!is_good) return SNAPSHOT_FAILED;
        if (event.kind == RDB_EVENT_END) return SNAPSHOT_LOADED;
    }
}

/* -- in one piece ---------------------------------------------------------------------------- */

bool engine_dump(struct engine *engine, struct buf *out) {
    const struct snapshot_head head = {.place = {.index = engine->applied}};
    struct snapshot_writer *writer = snapshot_writer_new(engine, &head, false);
    if (writer == NULL) return false;
    while (!snapshot_write_some(writer, out, UINT64_MAX)) {
    }
    snapshot_writer_free(writer);
    return true;
}

enum sf_status engine_load(struct engine *engine, struct slice image) {
    struct snapshot_loader *loader = snapshot_loader_new(engine, image.len);
    enum snapshot_loading loading = snapshot_load(loader, image);
    snapshot_loader_free(loader);
    return loading == SNAPSHOT_LOADED ? SF_OK : SF_ERR_CORRUPT;
}
