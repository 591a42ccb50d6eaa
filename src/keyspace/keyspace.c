/* All databases: their life, and what concerns a whole db at once. */
#include "keyspace/db.h"

#include "keyspace/due_table.h"

/* Elements that are freed together with their value's key: no pause is felt. */
#define FREE_AT_ONCE 512

static struct slice item_key(const void *item) {
    return object_key(item);
}

static void db_empty(struct db *db) {
    table_init(&db->table, &db->keyspace->keys);
    btree_init(&db->expiry, &db->keyspace->by_due);
    btree_init(&db->field_expiry, &db->keyspace->by_field_due);
    db->due_sum_ms = 0;
    memset(db->walk_parts, 0, sizeof db->walk_parts);
}

struct keyspace *keyspace_new(uint32_t n_dbs, const struct hash_secret *secret) {
    SF_ASSERT(n_dbs >= 1 && n_dbs <= 65536);
    struct keyspace *keyspace = sf_alloc_zero(1, sizeof *keyspace);
    keyspace->keys = (struct table_type){.secret = *secret, .key = item_key};
    keyspace->by_due = (struct btree_type){.compare = object_compare_due, .context = keyspace};
    keyspace->by_field_due =
        (struct btree_type){.compare = object_compare_field_due, .context = keyspace};
    keyspace->collections.due_fields = (struct btree_type){.compare = element_compare_due};
    sorted_set_type_init(&keyspace->collections.sorted_sets, secret);
    keyspace->collections.elements = (struct table_type){.secret = *secret, .key = element_key};
    keyspace->collections.pool = pool_new();
    walks_init(&keyspace->walks, secret);
    keyspace->access.chance = random_from(secret->k0);
    keyspace->n_dbs = n_dbs;
    keyspace->dbs = sf_alloc_zero(n_dbs, sizeof *keyspace->dbs);
    keyspace->due_heap = sf_alloc_zero(n_dbs, sizeof *keyspace->due_heap);
    for (uint32_t i = 0; i < n_dbs; i++) {
        struct db *db = &keyspace->dbs[i];
        db->keyspace = keyspace;
        db->number = i;
        db->heap_at = NOT_IN_HEAP;
        db_empty(db);
    }
    return keyspace;
}

void keyspace_set_breath(struct keyspace *keyspace, struct breath *breath) {
    keyspace->collections.breath = breath;
}

void keyspace_free(struct keyspace *keyspace) {
    if (keyspace == NULL) return;
    keyspace_reset(keyspace);
    sf_free(keyspace->remembered);
    pool_free(keyspace->collections.pool);
    sf_free(keyspace->due_heap);
    sf_free(keyspace->dbs);
    sf_free(keyspace);
}

uint32_t keyspace_n_dbs(const struct keyspace *keyspace) {
    return keyspace->n_dbs;
}

void keyspace_observe(struct keyspace *keyspace, const struct keyspace_observer *observer) {
    keyspace->observer = observer;
}

void keyspace_watch(struct keyspace *keyspace, const struct keyspace_watcher *watcher) {
    keyspace->watcher = watcher == NULL ? (struct keyspace_watcher){0} : *watcher;
}

void keyspace_set_time(struct keyspace *keyspace, int64_t now_ms) {
    keyspace->now_ms = now_ms;
}

struct db *keyspace_db(struct keyspace *keyspace, uint32_t number) {
    SF_ASSERT(number < keyspace->n_dbs);
    return &keyspace->dbs[number];
}

/* -- flushing -------------------------------------------------------------------------------- */

static void dispose_item(void *keyspace, void *item) {
    keyspace_dispose(keyspace, item, object_bytes(item));
}

void keyspace_set_aside(struct keyspace *keyspace, struct garbage what) {
    struct garbage *garbage = sf_alloc(sizeof *garbage);
    *garbage = what;
    garbage->next = keyspace->garbage;
    keyspace->garbage = garbage;
}

/* How much of all objects' bytes is the db's, if they are alike. */
static size_t bytes_share(const struct db *db) {
    const struct keyspace *keyspace = db->keyspace;
    uint64_t all = 0;
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) all += table_size(&keyspace->dbs[i].table);
    return (size_t)((double)keyspace->object_bytes * (double)db_size(db) / (double)all);
}

/* Hands the db's table and index over to the garbage, or to the walks that go over it. */
static void set_aside(struct db *db) {
    struct keyspace *keyspace = db->keyspace;
    keyspace_set_aside(keyspace, (struct garbage){.table = db->table,
                                     .index = db->expiry,
                                     .field_index = db->field_expiry,
                                     .drop = dispose_item});
    struct garbage *garbage = keyspace->garbage;
    if (keyspace->walks.n_open > 0 && walks_hold(db, garbage)) {
        garbage->bytes = bytes_share(db);
        keyspace->garbage = garbage->next;
        garbage->next = keyspace->walks.held;
        keyspace->walks.held = garbage;
    }
    db_empty(db);
    expiry_refresh(db);
}

void keyspace_discard(
    struct keyspace *keyspace, const struct collection_form *form, void *value, size_t bytes) {
    if (form->free_some == NULL || form->size(value) <= FREE_AT_ONCE) {
        form->free(value);
        return;
    }
    struct garbage_value *garbage = sf_alloc(sizeof *garbage);
    *garbage = (struct garbage_value){keyspace->garbage_values, form, value, bytes};
    keyspace->object_bytes += garbage->bytes;
    keyspace->garbage_value_bytes += garbage->bytes;
    keyspace->garbage_values = garbage;
}

void keyspace_dispose(struct keyspace *keyspace, struct object *object, size_t bytes) {
    keyspace->object_bytes -= bytes;
    if (SF_UNLIKELY(keyspace->walks.n_active > 0) && walks_take_over(keyspace, object))
        object_forget_value(object);
    void *value = object_type(object) == OBJECT_STRING ? NULL : object_value(object);
    if (value != NULL)
        keyspace_discard(keyspace, collection_form(object_type(object), object_encoding(object)),
            value, object_collection_bytes(object));
    object_free(keyspace->collections.pool, object);
}

static void free_values(struct keyspace *keyspace, uint64_t *budget) {
    while (keyspace->garbage_values != NULL && *budget > 0) {
        struct garbage_value *garbage = keyspace->garbage_values;
        if (!garbage->form->free_some(garbage->value, budget)) return;
        keyspace->object_bytes -= garbage->bytes;
        keyspace->garbage_value_bytes -= garbage->bytes;
        keyspace->garbage_values = garbage->next;
        sf_free(garbage);
    }
}

static void free_tables(struct keyspace *keyspace, uint64_t *budget) {
    while (keyspace->garbage != NULL && *budget > 0) {
        struct garbage *garbage = keyspace->garbage;
        keyspace->garbage = garbage->next; /* what is dropped may leave garbage of its own */
        uint64_t freed = btree_drop_some(&garbage->index, *budget, garbage->drop_indexed, keyspace);
        if (freed < *budget)
            freed += btree_drop_some(&garbage->field_index, *budget - freed, NULL, NULL);
        if (freed < *budget)
            freed += table_drop_some(&garbage->table, *budget - freed, garbage->drop, keyspace);
        *budget -= SF_MIN(*budget, freed);
        if (garbage->index.n > 0 || garbage->field_index.n > 0 || table_size(&garbage->table) > 0) {
            garbage->next = keyspace->garbage;
            keyspace->garbage = garbage;
            return;
        }
        sf_free(garbage);
        if (*budget > 0) --*budget;
    }
}

bool keyspace_free_some(struct keyspace *keyspace, uint64_t budget) {
    free_values(keyspace, &budget);
    free_tables(keyspace, &budget); /* their large values are left for the next time */
    return keyspace->garbage != NULL || keyspace->garbage_values != NULL;
}

void keyspace_free_for_new(struct keyspace *keyspace) {
    if (keyspace->garbage == NULL && keyspace->garbage_values == NULL) return;
    keyspace->garbage_debt += 4; /* a key and its entry in the index, twice as fast as they come */
    if (keyspace->garbage_debt < KEYSPACE_FREE_SLICE) return;
    keyspace->garbage_debt = 0;
    keyspace_free_some(keyspace, KEYSPACE_FREE_SLICE);
}

static void tell_replaced(const struct db *db) {
    const struct keyspace_observer *observer = db->keyspace->observer;
    if (observer != NULL) observer->replaced(observer->context, db->number);
}

/* A db without keys too: as Redis does. */
static void tell_watcher_replaced(const struct db *db) {
    const struct keyspace_watcher *watcher = &db->keyspace->watcher;
    if (watcher->replaced != NULL) watcher->replaced(watcher->context, db->number);
}

void db_flush(struct db *db) {
    tell_watcher_replaced(db);
    if (db_size(db) == 0) return;
    set_aside(db);
    db_raise_floor(db);
    tell_replaced(db);
}

void keyspace_reset(struct keyspace *keyspace) {
    walks_cut(keyspace);
    sf_free(keyspace->remembered); /* revisions begin anew */
    keyspace->remembered = NULL;
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        struct db *db = &keyspace->dbs[i];
        if (db_size(db) > 0) set_aside(db);
        db_forget_cells(db);
        db->floor = 0;
    }
    while (keyspace_free_some(keyspace, UINT64_MAX)) {
    }
    keyspace->revision = 0;
    keyspace->garbage_debt = 0;
    SF_ASSERT(keyspace->object_bytes == 0 && keyspace->n_due_heap == 0);
}

void keyspace_swap(struct keyspace *keyspace, uint32_t a, uint32_t b) {
    struct db *one = keyspace_db(keyspace, a), *other = keyspace_db(keyspace, b);
    if (a == b || (db_size(one) == 0 && db_size(other) == 0)) return;
    struct db was = *one;
    one->table = other->table;
    one->expiry = other->expiry;
    one->field_expiry = other->field_expiry;
    one->due_sum_ms = other->due_sum_ms;
    other->table = was.table;
    other->expiry = was.expiry;
    other->field_expiry = was.field_expiry;
    other->due_sum_ms = was.due_sum_ms;
    memcpy(one->walk_parts, other->walk_parts, sizeof one->walk_parts);
    memcpy(other->walk_parts, was.walk_parts, sizeof other->walk_parts);
    walks_swapped(one, other);
    expiry_refresh(one);
    expiry_refresh(other);
    db_raise_floor(one);
    db_raise_floor(other);
    tell_watcher_replaced(one);
    tell_replaced(one);
    tell_replaced(other);
}

/* -- memory ---------------------------------------------------------------------------------- */

static size_t garbage_bytes(const struct garbage *garbage) {
    return table_bytes(&garbage->table) + btree_bytes(&garbage->index) +
           btree_bytes(&garbage->field_index);
}

size_t keyspace_used_bytes(const struct keyspace *keyspace) {
    size_t bytes = keyspace->object_bytes + keyspace_cell_bytes(keyspace);
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        const struct db *db = &keyspace->dbs[i];
        bytes += table_bytes(&db->table) + btree_bytes(&db->expiry);
        bytes += btree_bytes(&db->field_expiry);
    }
    for (const struct garbage *garbage = keyspace->garbage; garbage != NULL;
         garbage = garbage->next)
        bytes += garbage_bytes(garbage);
    for (const struct garbage *garbage = keyspace->walks.held; garbage != NULL;
         garbage = garbage->next)
        bytes += garbage_bytes(garbage);
    return bytes;
}
