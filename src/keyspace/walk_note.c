/* What those who change the keyspace tell the open walks, before they do. */
#include "keyspace/db.h"

/* -- which walks care ------------------------------------------------------------------------ */

bool object_is_large(const struct walks *walks, const struct object *object) {
    enum object_encoding encoding = object_encoding(object);
    const void *value = object_value(object);
    if (value == NULL) return false;
    if (object_type(object) == OBJECT_STRING)
        return ((const struct block *)value)->len > walks->large_bytes;
    if (object_collection_bytes(object) > walks->large_bytes) return true;
    return collection_form(object_type(object), encoding)->size(value) > walks->large_elements &&
           !encoding_is_packed(encoding);
}

static bool has_passed(const struct walk *walk, uint32_t part, uint64_t hash, struct slice key) {
    if (part != walk->at_part) return part < walk->at_part;
    if (walk->stage != WALK_KEYS) return walk->stage > WALK_KEYS;
    if (!walk->has_last || hash != walk->last_hash) return walk->has_last && hash < walk->last_hash;
    return slice_compare(key, buf_slice(&walk->last_key)) <= 0;
}

/* Keeps the object for that walk. A packed value that changes is copied: whoever changes it moves
 * as many bytes. */
static void save(struct walk *walk, struct walk_part *part, uint64_t hash,
    const struct object *object, bool in_place) {
    bool is_packed = encoding_is_packed(object_encoding(object));
    void *item;
    if (object_is_large(&walk->keyspace->walks, object) && !(in_place && is_packed)) {
        item = (void *)((uintptr_t)undo_new(walk, object) | SAVED_UNDO);
    } else {
        item = object_copy(object, &walk->keyspace->collections);
        walk->bytes += object_bytes(item);
    }
    const void *replaced = table_put(&part->saved, hash, item);
    SF_ASSERT(replaced == NULL);
}

void walks_note(struct db *db, const struct object *object, bool in_place) {
    struct walks *walks = &db->keyspace->walks;
    struct slice key = object_key(object);
    uint64_t hash = 0;
    bool has_hash = false;
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        struct walk *walk = walks->open[slot];
        uint32_t at = db->walk_parts[slot] - 1;
        if (walk == NULL || db->walk_parts[slot] == 0) continue;
        if (object_revision(object) > walk->revision) continue;
        if (!has_hash) hash = table_hash(&db->keyspace->keys, key);
        has_hash = true;
        struct walk_part *part = &walk->parts[at];
        if (has_passed(walk, at, hash, key)) continue;
        if (table_find(&part->saved, hash, key) == NULL) save(walk, part, hash, object, in_place);
    }
    if (in_place && encoding_is_packed(object_encoding(object))) {
        struct tracked *tracked = tracked_find(db->keyspace, object_value(object));
        if (tracked != NULL) tracked_part_ways(tracked);
    }
}

/* -- values ---------------------------------------------------------------------------------- */

void walks_note_bytes(struct keyspace *keyspace, const void *value, size_t from, size_t end) {
    struct tracked *tracked = tracked_find(keyspace, value);
    if (tracked != NULL) tracked_bytes_change(tracked, from, end);
}

void walks_note_move(
    struct keyspace *keyspace, const void *from, void *to, enum object_encoding encoding) {
    struct tracked *tracked = from == to ? NULL : tracked_find(keyspace, from);
    if (tracked != NULL) tracked_move(tracked, to, encoding);
}

bool walks_take_over(struct keyspace *keyspace, const struct object *object) {
    struct tracked *tracked = tracked_find(keyspace, object_value(object));
    if (tracked == NULL) return false;
    tracked_detach(tracked);
    return true;
}

/* -- tables and cells ------------------------------------------------------------------------ */

bool walks_hold(struct db *db, struct garbage *garbage) {
    struct walks *walks = &db->keyspace->walks;
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        if (walks->open[slot] == NULL || db->walk_parts[slot] == 0) continue;
        struct walk_part *part = &walks->open[slot]->parts[db->walk_parts[slot] - 1];
        part->db = NULL;
        part->held = garbage;
        garbage->n_walks++;
    }
    return garbage->n_walks > 0;
}

static void follow(struct db *db) {
    struct walks *walks = &db->keyspace->walks;
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        if (walks->open[slot] != NULL && db->walk_parts[slot] != 0)
            walks->open[slot]->parts[db->walk_parts[slot] - 1].db = db;
    }
}

void walks_swapped(struct db *one, struct db *other) {
    follow(one);
    follow(other);
}

void walks_note_cells(struct db *db, size_t page_index, const struct cell_page *page) {
    struct walks *walks = &db->keyspace->walks;
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        struct walk *walk = walks->open[slot];
        if (walk == NULL || db->cell_parts[slot] == 0) continue;
        struct walk_part *part = &walk->parts[db->cell_parts[slot] - 1];
        if (part->cells == NULL) part->cells = sf_alloc_zero(CELL_PAGES, sizeof *part->cells);
        if (part->cells[page_index] != NULL) continue;
        bool is_here = part == &walk->parts[walk->at_part] && walk->stage == WALK_CELLS;
        if (is_here && page_index < walk->next_cell / CELLS_A_PAGE) continue;
        struct cell_page *saved = sf_alloc_zero(1, sizeof *saved);
        if (page != NULL) *saved = *page;
        part->cells[page_index] = saved;
        walk->bytes += sizeof *saved;
    }
}
