/* Due times: an index in each db, a heap over the dbs, and the step that reclaims. */
#include "keyspace/db.h"

#include "keyspace/due_packed.h"
#include "keyspace/due_table.h"

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_due(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* By (hash, key). */
static int compare_place(const struct keyspace *keyspace, const void *a, const void *b) {
    struct slice a_key = object_key(a), b_key = object_key(b);
    int order = compare_u64(table_hash(&keyspace->keys, a_key), table_hash(&keyspace->keys, b_key));
    return order != 0 ? order : slice_compare(a_key, b_key);
}

int object_compare_due(const void *keyspace, const void *a, const void *b) {
    if (a == b) return 0;
    int order = compare_due(object_due_ms(a), object_due_ms(b));
    return order != 0 ? order : compare_place(keyspace, a, b);
}

/* Where a hash with due times keeps what the index knows of it; NULL: another value. */
static int64_t *indexed_at(const struct object *object) {
    if (object_type(object) != OBJECT_HASH) return NULL;
    void *value = object_collection(object);
    if (value == NULL) return NULL; /* it went over to another object */
    if (object_encoding(object) == ENCODING_LISTPACK_DUE)
        return &((struct due_packed *)value)->indexed_ms;
    if (object_encoding(object) == ENCODING_HASHTABLE_DUE)
        return &((struct due_table *)value)->indexed_ms;
    return NULL;
}

int64_t object_end_ms(const struct object *object) {
    int64_t due_ms = object_due_ms(object);
    enum object_encoding encoding = object_encoding(object);
    if (encoding != ENCODING_LISTPACK_DUE && encoding != ENCODING_HASHTABLE_DUE) return due_ms;
    struct collection hash = {
        .type = OBJECT_HASH, .encoding = encoding, .value = object_collection(object)};
    int64_t last_ms = hash_last_due(&hash);
    return SF_MIN(due_ms, last_ms);
}

int object_compare_field_due(const void *keyspace, const void *a, const void *b) {
    if (a == b) return 0;
    int order = compare_due(*indexed_at(a), *indexed_at(b));
    return order != 0 ? order : compare_place(keyspace, a, b);
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

/* Whose turn it is in a db: a key, or the first due field of a hash. */
struct first_due {
    struct object *object; /* NULL: nobody's */
    int64_t due_ms;
    uint64_t hash;
    bool is_field;
};

static struct first_due first_of(
    const struct db *db, struct object *object, int64_t due_ms, bool is_field) {
    uint64_t hash = table_hash(&db->keyspace->keys, object_key(object));
    return (struct first_due){object, due_ms, hash, is_field};
}

/* Of a key and a field that are due at once, of the same hash, the key goes first. */
static struct first_due find_first(const struct db *db) {
    struct object *key = btree_first(&db->expiry), *holder = btree_first(&db->field_expiry);
    struct first_due by_key = {0}, by_field = {0};
    if (key != NULL) by_key = first_of(db, key, object_due_ms(key), false);
    if (holder == NULL) return by_key;
    by_field = first_of(db, holder, *indexed_at(holder), true);
    if (key == NULL) return by_field;
    int order = compare_due(by_key.due_ms, by_field.due_ms);
    if (order == 0) order = compare_u64(by_key.hash, by_field.hash);
    return order <= 0 ? by_key : by_field;
}

void expiry_refresh(struct db *db) {
    struct keyspace *keyspace = db->keyspace;
    struct first_due first = find_first(db);
    if (first.object == NULL) {
        heap_remove(keyspace, db);
        return;
    }
    int64_t due_ms = first.due_ms;
    uint64_t hash = first.hash;
    if (db->heap_at == NOT_IN_HEAP) {
        db->heap_at = keyspace->n_due_heap++;
    } else if (db->first_due_ms == due_ms && db->first_hash == hash) {
        return;
    }
    db->first_due_ms = due_ms;
    db->first_hash = hash;
    heap_sift(keyspace, db);
}

/* -- the index of keys ----------------------------------------------------------------------- */

static void enter_key(struct db *db, struct object *object) {
    int64_t due_ms = object_due_ms(object);
    if (due_ms == NO_DUE) return;
    btree_insert(&db->expiry, object);
    db->due_sum_ms += due_ms;
    if (db->heap_at == NOT_IN_HEAP || due_ms <= db->first_due_ms) expiry_refresh(db);
}

static void take_out_key(struct db *db, struct object *object) {
    int64_t due_ms = object_due_ms(object);
    if (due_ms == NO_DUE) return;
    void *removed = btree_remove(&db->expiry, object);
    SF_ASSERT(removed == object);
    db->due_sum_ms -= due_ms;
    if (due_ms <= db->first_due_ms) expiry_refresh(db);
}

/* -- the index of fields --------------------------------------------------------------------- */

/* The place of its first due time in the index; NO_DUE: in none. */
static void place_fields(struct db *db, struct object *object, int64_t due_ms) {
    int64_t *indexed = indexed_at(object), before = *indexed;
    if (before == due_ms) return;
    if (before != NO_DUE) {
        void *removed = btree_remove(&db->field_expiry, object);
        SF_ASSERT(removed == object);
    }
    *indexed = due_ms;
    if (due_ms != NO_DUE) btree_insert(&db->field_expiry, object);
    if (db->heap_at == NOT_IN_HEAP || SF_MIN(before, due_ms) <= db->first_due_ms)
        expiry_refresh(db);
}

static void enter_fields(struct db *db, struct object *object) {
    const int64_t *indexed = indexed_at(object);
    if (indexed == NULL) return;
    SF_ASSERT(*indexed == NO_DUE);
    struct collection hash = db_collection(db, object);
    place_fields(db, object, hash_first_due(&hash));
}

void expiry_forget_fields(struct db *db, struct object *object) {
    if (indexed_at(object) != NULL) place_fields(db, object, NO_DUE);
}

void expiry_settle_fields(struct db *db, struct object *object, struct collection *hash) {
    object_set_collection(object, hash, object_collection_bytes(object));
    if (!hash_has_dues(hash)) return;
    place_fields(db, object, hash_first_due(hash));
    hash_simplify(hash);
}

/* -- both ------------------------------------------------------------------------------------ */

void expiry_enter(struct db *db, struct object *object) {
    enter_key(db, object);
    enter_fields(db, object);
}

void expiry_take_out(struct db *db, struct object *object) {
    take_out_key(db, object);
    expiry_forget_fields(db, object);
}

void expiry_exchange(struct db *db, struct object *old, struct object *object) {
    expiry_forget_fields(db, old);
    if (object_due_ms(old) == object_due_ms(object) && object_due_ms(old) != NO_DUE) {
        void *replaced = btree_replace(&db->expiry, old, object);
        SF_ASSERT(replaced == old);
    } else {
        take_out_key(db, old);
        enter_key(db, object);
    }
    enter_fields(db, object);
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

uint64_t db_field_expiring_size(const struct db *db) {
    return db->field_expiry.n;
}

static bool is_within(int64_t due_ms, int64_t now_ms, int64_t clock_ms) {
    return due_ms > now_ms && due_ms <= clock_ms && due_ms != NO_DUE;
}

bool db_expires_between(
    const struct db *db, const struct object *object, int64_t now_ms, int64_t clock_ms) {
    if (is_within(object_due_ms(object), now_ms, clock_ms)) return true;
    if (indexed_at(object) == NULL) return false;
    struct collection hash = db_collection(db, object);
    return hash_n_dead(&hash, now_ms) != hash_n_dead(&hash, clock_ms);
}

int64_t keyspace_next_due(const struct keyspace *keyspace) {
    return keyspace->n_due_heap == 0 ? NO_DUE : keyspace->due_heap[0]->first_due_ms;
}

static void remove_dead(struct db *db, uint64_t hash, struct object *object) {
    db_take_out(db, hash, object);
    db_raise_cell(db, hash, object_revision(object));
    db_tell_changed(db, object_key(object));
    db_dispose(db, object);
}

static void tell_field(
    const struct db *db, const struct object *object, bool was_told, bool is_last) {
    const struct keyspace_watcher *watcher = &db->keyspace->watcher;
    if (watcher->field_expired != NULL)
        watcher->field_expired(watcher->context, db->number, object_key(object), was_told, is_last);
}

/* One field; the hash with its last one. Where others live on, the key takes a revision: no watcher
 * of it can tell by the time alone which of its fields went. Returns object, or NULL when it is
 * gone. */
static const struct object *reclaim_field(
    struct db *db, const struct first_due *first, int64_t now_ms, bool was_told) {
    struct object *object = first->object;
    bool is_dead = object_is_dead(object, now_ms);
    struct collection hash = db_collection(db, object);
    hash_remove_first_due(&hash);
    bool is_last = collection_size(&hash) == 0;
    tell_field(db, object, was_told, is_last);
    if (is_last)
        remove_dead(db, first->hash, object);
    else if (is_dead)
        db_collection_counted(db, object, &hash);
    else
        db_collection_changed(db, object, &hash);
    return is_last ? NULL : object;
}

uint64_t keyspace_reclaim(struct keyspace *keyspace, int64_t now_ms, uint64_t budget,
    keyspace_expired *on_expired, void *context) {
    uint64_t n = 0;
    const struct object *told = NULL; /* of whose fields it was said just now that some expired */
    for (; n < budget && keyspace_next_due(keyspace) <= now_ms; n++) {
        if (keyspace->n_due_heap == 0) break; /* now_ms may be NO_DUE itself */
        struct db *db = keyspace->due_heap[0];
        struct first_due first = find_first(db);
        if (first.is_field) {
            told = reclaim_field(db, &first, now_ms, first.object == told);
            continue;
        }
        told = NULL;
        if (on_expired != NULL) on_expired(context, db->number, object_key(first.object));
        db_tell_expired(db, first.object);
        remove_dead(db, first.hash, first.object);
    }
    keyspace_free_some(keyspace, KEYSPACE_FREE_SLICE);
    return n;
}
