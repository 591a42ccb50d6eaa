/* Revisions of keys that are absent (DESIGN 7): a key's own revision goes with it, so each range
 * of hashes keeps the latest revision that a key had when it went. */
#include "keyspace/db.h"

#include "keyspace/hash.h"

/* Tells "absent since r" from "present since r": a key that expires leaves its own revision. */
#define ABSENT ((uint64_t)1 << 48)
/* Above it, how many fields of a hash are dead: that changes with the time alone. */
#define DEAD_FIELDS_SHIFT 49

uint64_t keyspace_revision(const struct keyspace *keyspace) {
    return keyspace->revision;
}

uint64_t keyspace_next_revision(struct keyspace *keyspace) {
    SF_ASSERT(keyspace->revision < REVISION_MAX);
    return ++keyspace->revision;
}

void db_raise_cell(struct db *db, uint64_t hash, uint64_t revision) {
    if (revision <= db->floor) return;
    if (db->cells == NULL) db->cells = sf_alloc_zero(CELL_PAGES, sizeof *db->cells);
    struct cell_page **page = &db->cells[hash >> 56];
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0)) walks_note_cells(db, hash >> 56, *page);
    if (*page == NULL) {
        *page = sf_alloc_zero(1, sizeof **page);
        db->keyspace->n_cell_pages++;
    }
    uint64_t *cell = &(*page)->revisions[hash >> 48 & (CELLS_A_PAGE - 1)];
    *cell = SF_MAX(*cell, revision);
}

uint64_t db_cell(const struct db *db, uint64_t hash) {
    if (db->cells == NULL || db->cells[hash >> 56] == NULL) return db->floor;
    uint64_t cell = db->cells[hash >> 56]->revisions[hash >> 48 & (CELLS_A_PAGE - 1)];
    return SF_MAX(cell, db->floor);
}

void db_forget_cells(struct db *db) {
    for (size_t i = 0; db->cells != NULL && i < CELL_PAGES; i++) {
        if (db->keyspace->walks.n_active > 0) walks_note_cells(db, i, db->cells[i]);
        db->keyspace->n_cell_pages -= db->cells[i] != NULL;
        sf_free(db->cells[i]);
    }
    sf_free(db->cells);
    db->cells = NULL;
}

uint64_t db_next_cell(const struct db *db, uint32_t *index) {
    for (uint32_t i = *index; db->cells != NULL && i < CELL_PAGES * CELLS_A_PAGE; i++) {
        const struct cell_page *page = db->cells[i / CELLS_A_PAGE];
        if (page == NULL) {
            i |= CELLS_A_PAGE - 1;
        } else if (page->revisions[i % CELLS_A_PAGE] > 0) {
            *index = i;
            return page->revisions[i % CELLS_A_PAGE];
        }
    }
    return 0;
}

void db_raise_floor(struct db *db) {
    db->floor = keyspace_next_revision(db->keyspace);
    db_forget_cells(db);
}

static uint64_t dead_fields(const struct db *db, const struct object *object, int64_t now_ms) {
    if (object_type(object) != OBJECT_HASH) return 0;
    struct collection hash = db_collection(db, object);
    return hash_n_dead(&hash, now_ms);
}

uint64_t db_revision(struct db *db, struct slice key, int64_t now_ms) {
    uint64_t hash = table_hash(db->table.type, key);
    const struct object *object = table_find(&db->table, hash, key);
    if (object == NULL) return db_cell(db, hash) | ABSENT;
    uint64_t own = object_revision(object);
    /* a dead key counts as reclaimed: so reclaiming it changes nothing that a watcher sees */
    if (object_is_dead(object, now_ms)) return SF_MAX(own, db_cell(db, hash)) | ABSENT;
    return SF_MAX(own, db->floor) | dead_fields(db, object, now_ms) << DEAD_FIELDS_SHIFT;
}
