/* Due times: an index in each db, a heap over the dbs, and the step that reclaims. */
#include "keyspace/db.h"

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_due(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

int object_compare_due(const void *keyspace, const void *a, const void *b) {
    if (a == b) return 0;
    int order = compare_due(object_due_ms(a), object_due_ms(b));
    if (order != 0) return order;
    const struct table_type *type = &((const struct keyspace *)keyspace)->keys;
    struct slice a_key = object_key(a), b_key = object_key(b);
    order = compare_u64(table_hash(type, a_key), table_hash(type, b_key));
    return order != 0 ? order : slice_compare(a_key, b_key);
}

/* -- the heap of dbs ------------------------------------------------------------------------- */

static bool db_is_due_before(const struct db *a, const struct db *b) {
    int order = compare_due(a->first_due_ms, b->first_due_ms);
    if (order == 0) order = compare_u64(a->first_hash, b->first_hash);
    return order != 0 ? order < 0 : a->number < b->number;
}

static void heap_put(struct keyspace *keyspace, uint32_t at, struct db *db) {
    keyspace->due_heap[at] = db;
    db->heap_at = at;
}

static void heap_sift(struct keyspace *keyspace, struct db *db) {
    uint32_t at = db->heap_at;
    for (; at > 0; at = (at - 1) / 2) {
        struct db *parent = keyspace->due_heap[(at - 1) / 2];
        if (!db_is_due_before(db, parent)) break;
        heap_put(keyspace, at, parent);
    }
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= keyspace->n_due_heap) break;
        struct db **heap = keyspace->due_heap;
        if (child + 1 < keyspace->n_due_heap && db_is_due_before(heap[child + 1], heap[child]))
            child++;
        if (!db_is_due_before(heap[child], db)) break;
        heap_put(keyspace, at, heap[child]);
        at = child;
    }
    heap_put(keyspace, at, db);
}

static void heap_remove(struct keyspace *keyspace, struct db *db) {
    uint32_t at = db->heap_at;
    if (at == NOT_IN_HEAP) return;
    db->heap_at = NOT_IN_HEAP;
    struct db *last = keyspace->due_heap[--keyspace->n_due_heap];
    if (last == db) return;
    heap_put(keyspace, at, last);
    heap_sift(keyspace, last);
}

void expiry_refresh(struct db *db) {
    struct keyspace *keyspace = db->keyspace;
    const struct object *first = btree_first(&db->expiry);
    if (first == NULL) {
        heap_remove(keyspace, db);
        return;
    }
    int64_t due_ms = object_due_ms(first);
    uint64_t hash = table_hash(&keyspace->keys, object_key(first));
    if (db->heap_at == NOT_IN_HEAP) {
        db->heap_at = keyspace->n_due_heap++;
    } else if (db->first_due_ms == due_ms && db->first_hash == hash) {
        return;
    }
    db->first_due_ms = due_ms;
    db->first_hash = hash;
    heap_sift(keyspace, db);
}

/* -- the index ------------------------------------------------------------------------------- */

void expiry_enter(struct db *db, struct object *object) {
    int64_t due_ms = object_due_ms(object);
    if (due_ms == NO_DUE) return;
    btree_insert(&db->expiry, object);
    db->due_sum_ms += due_ms;
    if (db->heap_at == NOT_IN_HEAP || due_ms <= db->first_due_ms) expiry_refresh(db);
}

void expiry_take_out(struct db *db, struct object *object) {
    int64_t due_ms = object_due_ms(object);
    if (due_ms == NO_DUE) return;
    void *removed = btree_remove(&db->expiry, object);
    SF_ASSERT(removed == object);
    db->due_sum_ms -= due_ms;
    if (due_ms <= db->first_due_ms) expiry_refresh(db);
}

void expiry_exchange(struct db *db, struct object *old, struct object *object) {
    if (object_due_ms(old) == object_due_ms(object) && object_due_ms(old) != NO_DUE) {
        void *replaced = btree_replace(&db->expiry, old, object);
        SF_ASSERT(replaced == old);
        return;
    }
    expiry_take_out(db, old);
    expiry_enter(db, object);
}

/* -- the interface --------------------------------------------------------------------------- */

uint64_t db_expiring_size(const struct db *db) {
    return db->expiry.n;
}

int64_t db_average_ttl_ms(const struct db *db, int64_t now_ms) {
    if (db->expiry.n == 0) return 0;
    int64_t average = (int64_t)(db->due_sum_ms / (__int128)db->expiry.n);
    return average > now_ms ? average - now_ms : 0;
}

int64_t keyspace_next_due(const struct keyspace *keyspace) {
    return keyspace->n_due_heap == 0 ? NO_DUE : keyspace->due_heap[0]->first_due_ms;
}

uint64_t keyspace_reclaim(struct keyspace *keyspace, int64_t now_ms, uint64_t budget,
    keyspace_expired *on_expired, void *context) {
    uint64_t n = 0;
    for (; n < budget && keyspace_next_due(keyspace) <= now_ms; n++) {
        if (keyspace->n_due_heap == 0) break; /* now_ms may be NO_DUE itself */
        struct db *db = keyspace->due_heap[0];
        struct object *object = btree_first(&db->expiry);
        uint64_t hash = db->first_hash;
        if (on_expired != NULL) on_expired(context, db->number, object_key(object));
        db_tell_expired(db, object);
        db_take_out(db, hash, object);
        db_raise_cell(db, hash, object_revision(object));
        db_tell_changed(db, object_key(object));
        db_dispose(db, object);
    }
    keyspace_free_some(keyspace, KEYSPACE_FREE_SLICE);
    return n;
}
