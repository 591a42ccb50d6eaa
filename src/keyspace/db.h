/* What the files of keyspace/ share; nobody else includes it. */
#ifndef SF_KEYSPACE_DB_H
#define SF_KEYSPACE_DB_H

#include "data/btree.h"
#include "data/table.h"
#include "keyspace/collection.h"
#include "keyspace/eviction.h"
#include "keyspace/keyspace.h"
#include "keyspace/object.h"
#include "keyspace/walks.h"

#define CELL_PAGES 256
#define CELLS_A_PAGE 256
#define NOT_IN_HEAP UINT32_MAX
#define KEYSPACE_FREE_SLICE 2048 /* keys and index entries freed at a time */

struct cell_page {
    uint64_t revisions[CELLS_A_PAGE];
};

struct db {
    struct keyspace *keyspace;
    uint32_t number;
    uint32_t heap_at; /* in the keyspace's due_heap, or NOT_IN_HEAP */
    struct table table;
    struct btree expiry;       /* the keys that have a due time, by (due, hash, key) */
    __int128 due_sum_ms;       /* of those keys */
    struct btree field_expiry; /* the hashes that have fields with due times, by (the first of
                                  these, hash, key) */
    int64_t first_due_ms;      /* of the first key or field: what due_heap is ordered by */
    uint64_t first_hash;
    uint64_t floor;           /* no revision of this db, present or absent, counts as less */
    struct cell_page **cells; /* [CELL_PAGES] or NULL; of absent keys, above floor */
    /* Of each open walk: its part that goes over this table, and the one that shows these cells.
     * Counted from 1; 0: none, or passed. */
    uint32_t walk_parts[WALKS_MAX], cell_parts[WALKS_MAX];
};

/* Items that nobody will look at again, but walks; until they are freed. */
struct garbage {
    struct garbage *next;
    struct table table;
    struct btree index, field_index;
    void (*drop)(void *keyspace, void *item);         /* of the table */
    void (*drop_indexed)(void *keyspace, void *item); /* NULL: they are the table's */
    uint32_t n_walks;                                 /* that go over it; then in walks.held */
    size_t bytes;                                     /* of a flushed table's objects: estimated */
};

/* A large value that was removed or overwritten, until it is freed. */
struct garbage_value {
    struct garbage_value *next;
    const struct collection_form *form;
    void *value;
    size_t bytes; /* as counted in object_bytes */
};

/* How accesses are noted here: this node's own, no part of the state. */
struct access {
    bool is_lfu;
    int64_t log_factor, decay_minutes;
    int64_t now_s;
    struct random chance;
};

/* Counts that were dear, by the revision of the value: HyperLogLogs. No part of the state. */
#define REMEMBERED_COUNTS 1024
struct remembered_count {
    uint64_t revision, count; /* revision 0: none */
};

struct keyspace {
    struct table_type keys; /* db.table */
    struct collection_types collections;
    struct btree_type by_due;       /* db.expiry; its context is the keyspace */
    struct btree_type by_field_due; /* db.field_expiry; the same */
    uint64_t revision;              /* of the latest change */
    uint32_t n_dbs;
    uint32_t n_due_heap;
    struct db *dbs;
    struct db **due_heap; /* the dbs with expiring keys; the one with the earliest in front */
    size_t object_bytes;  /* of all objects, garbage included */
    struct garbage *garbage;
    struct garbage_value *garbage_values;
    uint64_t garbage_debt; /* objects to free before the next slice is due */
    uint64_t n_cell_pages;
    size_t garbage_value_bytes; /* of garbage_values */
    struct access access;
    struct remembered_count *remembered;      /* [REMEMBERED_COUNTS], or NULL */
    const struct keyspace_observer *observer; /* NULL: nobody wants to know */
    struct keyspace_watcher watcher;
    int64_t now_ms; /* for the watcher alone */
    struct walks walks;
};

/* Dead at now_ms: it counts as absent although nobody has reclaimed it yet. */
static inline bool object_is_dead(const struct object *object, int64_t now_ms) {
    int64_t end_ms = object_end_ms(object);
    return end_ms <= now_ms && end_ms != NO_DUE;
}

/* -- keyspace.c ------------------------------------------------------------------------------ */

/* A key has been added: while garbage is left, somewhat more of it goes than comes. */
void keyspace_free_for_new(struct keyspace *keyspace);
/* Frees an object that is in no table any more; a large value becomes garbage. bytes: as the
 * object was counted. */
void keyspace_dispose(struct keyspace *keyspace, struct object *object, size_t bytes);
/* Frees a value that no object holds, or sets it aside when it is large. */
void keyspace_discard(
    struct keyspace *keyspace, const struct collection_form *form, void *value, size_t bytes);
/* What lies there is freed in slices. */
void keyspace_set_aside(struct keyspace *keyspace, struct garbage garbage);

/* -- db.c ------------------------------------------------------------------------------------ */

/* Before an object changes, or goes: walks may have to show it as it is now. */
static inline void db_changes(struct db *db, const struct object *object) {
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0)) walks_note(db, object, false);
}
/* The same where its value changes in place. */
static inline void db_value_changes(struct db *db, const struct object *object) {
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0)) walks_note(db, object, true);
}

static inline struct pool *db_pool(const struct db *db) {
    return db->keyspace->collections.pool;
}

/* Frees an object that is in no table any more. */
void db_dispose(struct db *db, struct object *object);
/* Takes a present object out of table and index, without freeing it. */
void db_take_out(struct db *db, uint64_t hash, struct object *object);
/* Enters a new object whose key is not in the table. */
void db_enter(struct db *db, uint64_t hash, struct object *object);

/* Tells the watcher. */
void db_tell_changed(const struct db *db, struct slice key);
void db_tell_expired(const struct db *db, const struct object *object);

/* -- access.c -------------------------------------------------------------------------------- */

void access_begin(struct keyspace *keyspace, struct object *object); /* of a new key */
void access_inherit(struct keyspace *keyspace, const struct object *old, struct object *object);

/* -- revision.c ------------------------------------------------------------------------------ */

uint64_t keyspace_next_revision(struct keyspace *keyspace);
/* An absent key of this hash was last present, or was deleted, at that revision. */
void db_raise_cell(struct db *db, uint64_t hash, uint64_t revision);
uint64_t db_cell(const struct db *db, uint64_t hash); /* never below the floor */
/* Raises the floor to a new revision; the cells fall below it. */
void db_raise_floor(struct db *db);
void db_forget_cells(struct db *db);
/* The first cell at or behind *index that counts (is above the floor): its revision, and *index
 * becomes its number; 0: there is none. */
uint64_t db_next_cell(const struct db *db, uint32_t *index);

/* -- expiry.c -------------------------------------------------------------------------------- */

int object_compare_due(const void *keyspace, const void *a, const void *b);
int object_compare_field_due(const void *keyspace, const void *a, const void *b);
/* Enter, take out, exchange, the object itself and its fields: nothing where neither has a due
 * time. In expiry_exchange old may have lost its value to object, but then expiry_forget_fields
 * was called before. */
void expiry_enter(struct db *db, struct object *object);
void expiry_take_out(struct db *db, struct object *object);
void expiry_exchange(struct db *db, struct object *old, struct object *object);
void expiry_forget_fields(struct db *db, struct object *object);
/* The fields of a hash were changed by way of this handle: object takes it over, and a table whose
 * last due time is gone becomes a plain one. Bytes are not counted. */
void expiry_settle_fields(struct db *db, struct object *object, struct collection *hash);
/* The db's first due key may be another now: puts the db where it belongs in the heap. */
void expiry_refresh(struct db *db);

#endif
