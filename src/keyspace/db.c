/* One db: look-up, order, and every change of a single key. */
#include "keyspace/db.h"

#include "keyspace/hash.h"

enum { RANDOM_TRIES = 128 };

static uint64_t db_hash(const struct db *db, struct slice key) {
    return table_hash(db->table.type, key);
}

/* -- looking --------------------------------------------------------------------------------- */

struct object *db_find_even_dead(struct db *db, struct slice key) {
    return table_find(&db->table, db_hash(db, key), key);
}

struct object *db_find(struct db *db, struct slice key, int64_t now_ms) {
    struct object *object = db_find_even_dead(db, key);
    return object == NULL || object_is_dead(object, now_ms) ? NULL : object;
}

uint64_t db_prefetch(const struct db *db, struct slice key) {
    uint64_t hash = db_hash(db, key);
    table_prefetch(&db->table, hash);
    return hash;
}

void db_prefetch_object(const struct db *db, uint64_t hash) {
    table_prefetch_item(&db->table, hash);
}

uint64_t db_size(const struct db *db) {
    return table_size(&db->table);
}

/* A db_visit with its context, behind the table's untyped visitor. */
struct visitor {
    db_visit *visit;
    void *context;
};

static bool visit_item(void *context, void *item) {
    const struct visitor *visitor = context;
    return visitor->visit(visitor->context, item);
}

uint64_t db_scan(struct db *db, uint64_t cursor, uint64_t count, db_visit *visit, void *context) {
    struct visitor visitor = {visit, context};
    return table_scan(&db->table, cursor, count, visit_item, &visitor);
}

void db_walk(struct db *db, db_visit *visit, void *context) {
    struct visitor visitor = {visit, context};
    table_walk(&db->table, visit_item, &visitor);
}

/* By its own due time, which the index goes by. */
static int compare_dead(const void *keyspace, const void *now_ms, const void *object) {
    (void)keyspace;
    return object_due_ms(object) <= *(const int64_t *)now_ms ? 1 : -1;
}

static uint64_t dead_size(const struct db *db, int64_t now_ms) {
    uint64_t dead;
    btree_lower_bound(&db->expiry, compare_dead, &now_ms, NULL, &dead);
    return dead;
}

struct object *db_random(struct db *db, int64_t now_ms, struct random *random) {
    uint64_t size = db_size(db);
    if (dead_size(db, now_ms) == size) return NULL;
    struct object *object = NULL;
    for (int i = 0; i < RANDOM_TRIES; i++) {
        object = table_at(&db->table, random_below(random, size));
        if (!object_is_dead(object, now_ms)) return object;
    }
    struct table_iterator next = table_seek(&db->table, db_hash(db, object_key(object)));
    for (uint64_t i = 0; i <= size; i++) { /* once around */
        object = table_next(&next);
        if (object == NULL) {
            next = table_seek(&db->table, 0);
        } else if (!object_is_dead(object, now_ms)) {
            return object;
        }
    }
    return NULL;
}

/* -- changing -------------------------------------------------------------------------------- */

void db_dispose(struct db *db, struct object *object) {
    keyspace_dispose(db->keyspace, object, object_bytes(object));
}

void db_announce(struct db *db, const struct object *object) {
    const struct keyspace_observer *observer = db->keyspace->observer;
    if (observer == NULL) return;
    observer->entered(observer->context, db->number, object_type(object), object_key(object));
}

static void tell_left(const struct db *db, const struct object *object) {
    const struct keyspace_observer *observer = db->keyspace->observer;
    if (observer == NULL) return;
    observer->left(observer->context, db->number, object_type(object), object_key(object));
}

void db_tell_changed(const struct db *db, struct slice key) {
    const struct keyspace_watcher *watcher = &db->keyspace->watcher;
    if (watcher->changed != NULL) watcher->changed(watcher->context, db->number, key);
}

void db_tell_expired(const struct db *db, const struct object *object) {
    const struct keyspace_watcher *watcher = &db->keyspace->watcher;
    if (object_end_ms(object) < object_due_ms(object)) { /* with its last field */
        if (watcher->field_expired != NULL)
            watcher->field_expired(watcher->context, db->number, object_key(object), false, true);
        return;
    }
    if (watcher->expired != NULL)
        watcher->expired(watcher->context, db->number, object_key(object));
}

static void tell_added(const struct db *db, const struct object *object) {
    const struct keyspace_watcher *watcher = &db->keyspace->watcher;
    if (watcher->added != NULL) watcher->added(watcher->context, db->number, object_key(object));
}

/* What is overwritten was perhaps dead and not reclaimed yet; true: it was. */
static bool tell_if_dead(const struct db *db, const struct object *old) {
    bool is_dead = object_is_dead(old, db->keyspace->now_ms);
    if (is_dead) db_tell_expired(db, old);
    return is_dead;
}

void db_take_out(struct db *db, uint64_t hash, struct object *object) {
    db_changes(db, object);
    tell_left(db, object);
    expiry_take_out(db, object);
    void *removed = table_remove(&db->table, hash, object_key(object));
    SF_ASSERT(removed == object);
}

void db_enter(struct db *db, uint64_t hash, struct object *object) {
    db->keyspace->object_bytes += object_bytes(object);
    void *replaced = table_put(&db->table, hash, object);
    SF_ASSERT(replaced == NULL);
    expiry_enter(db, object);
    db_announce(db, object);
}

/* Puts object, which has the same key, in the place of old. old_bytes: before object took over
 * old's block, if it did. */
static void db_exchange(
    struct db *db, uint64_t hash, struct object *old, size_t old_bytes, struct object *object) {
    table_replace(&db->table, hash, old, object);
    expiry_exchange(db, old, object);
    db->keyspace->object_bytes += object_bytes(object);
    keyspace_dispose(db->keyspace, old, old_bytes);
}

static void db_touch(struct db *db, struct object *object) {
    object_set_revision(object, keyspace_next_revision(db->keyspace));
    db_tell_changed(db, object_key(object));
}

/* Enters a new object in the place of old, which may be NULL. */
static struct object *db_put(
    struct db *db, uint64_t hash, struct object *old, struct object *object) {
    db_touch(db, object);
    if (old == NULL) {
        access_begin(db->keyspace, object);
        db_enter(db, hash, object);
        tell_added(db, object);
        keyspace_free_for_new(db->keyspace);
    } else {
        db_changes(db, old);
        if (tell_if_dead(db, old)) tell_added(db, object);
        access_inherit(db->keyspace, old, object);
        tell_left(db, old);
        db_exchange(db, hash, old, object_bytes(old), object);
        db_announce(db, object);
    }
    return object;
}

/* What is about to be overwritten may be dead: then it must leave what reclaiming it would have
 * left. (For a living one that is one more revision to be above, which harms nobody.) */
static void leave_revision(struct db *db, uint64_t hash, const struct object *old) {
    if (object_due_ms(old) != NO_DUE) db_raise_cell(db, hash, object_revision(old));
}

static struct object *db_set(
    struct db *db, struct slice key, const struct string_value *value, int64_t due_ms) {
    uint64_t hash = db_hash(db, key);
    struct object *old = table_find(&db->table, hash, key);
    if (old != NULL) {
        leave_revision(db, hash, old);
        db_changes(db, old);
        if (object_due_ms(old) == due_ms && object_overwrite(old, value)) {
            db_touch(db, old);
            db_note_access(db, old);
            return old;
        }
    }
    return db_put(db, hash, old, object_new(db_pool(db), key, value, due_ms));
}

struct object *db_set_string(struct db *db, struct slice key, struct slice value, int64_t due_ms) {
    struct string_value held = string_value_of(value);
    return db_set(db, key, &held, due_ms);
}

struct object *db_set_text(struct db *db, struct slice key, struct slice value, int64_t due_ms) {
    struct string_value held = string_value_of_text(value);
    return db_set(db, key, &held, due_ms);
}

struct object *db_set_integer(struct db *db, struct slice key, int64_t value, int64_t due_ms) {
    struct string_value held = string_value_of_integer(value);
    return db_set(db, key, &held, due_ms);
}

char *db_string_writable(struct db *db, struct object **object, size_t new_len) {
    return db_string_part_writable(db, object, new_len, 0, SIZE_MAX);
}

char *db_string_part_writable(
    struct db *db, struct object **object, size_t new_len, size_t from, size_t end) {
    SF_ASSERT(object_type(*object) == OBJECT_STRING);
    db_value_changes(db, *object);
    const void *old_value = object_value(*object);
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0)) {
        walks_note_bytes(db->keyspace, old_value, from, end);
        walks_note_bytes(db->keyspace, old_value, new_len, SIZE_MAX);
    }
    if (!object_has_block(*object)) {
        struct object *old = *object;
        *object = object_with_block(db_pool(db), old, new_len);
        db_exchange(db, db_hash(db, object_key(old)), old, object_bytes(old), *object);
    }
    db->keyspace->object_bytes -= object_bytes(*object);
    char *bytes = object_resize_block(*object, new_len);
    db->keyspace->object_bytes += object_bytes(*object);
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0))
        walks_note_move(db->keyspace, old_value, object_value(*object), ENCODING_RAW);
    db_touch(db, *object);
    return bytes;
}

void db_string_part_changes(struct db *db, const struct object *object, size_t from, size_t end) {
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0))
        walks_note_bytes(db->keyspace, object_value(object), from, end);
}

void db_set_due(struct db *db, struct object **object, int64_t due_ms) {
    struct object *old = *object;
    int64_t old_due_ms = object_due_ms(old);
    db_changes(db, old);
    if (old_due_ms != due_ms && old_due_ms != NO_DUE && due_ms != NO_DUE) {
        expiry_take_out(db, old);
        object_set_due(old, due_ms);
        expiry_enter(db, old);
    } else if (old_due_ms != due_ms) {
        size_t old_bytes = object_bytes(old);
        expiry_forget_fields(db, old);
        *object = object_reshape(db_pool(db), old, object_key(old), due_ms);
        db_exchange(db, db_hash(db, object_key(old)), old, old_bytes, *object);
    }
    db_touch(db, *object);
}

bool db_delete(struct db *db, struct slice key, int64_t now_ms) {
    uint64_t hash = db_hash(db, key);
    struct object *object = table_find(&db->table, hash, key);
    if (object == NULL) return false;
    bool alive = !object_is_dead(object, now_ms);
    if (!alive) db_tell_expired(db, object);
    db_take_out(db, hash, object);
    db_raise_cell(db, hash, alive ? keyspace_next_revision(db->keyspace) : object_revision(object));
    db_tell_changed(db, object_key(object));
    db_dispose(db, object);
    return alive;
}

void db_move(struct db *src, struct slice from, struct db *dst, struct slice to) {
    if (src == dst && slice_equal(from, to)) return;
    uint64_t from_hash = db_hash(src, from), to_hash = db_hash(dst, to);
    struct object *old = table_find(&src->table, from_hash, from);
    SF_ASSERT(old != NULL);
    struct object *target = table_find(&dst->table, to_hash, to);
    size_t old_bytes = object_bytes(old);
    db_take_out(src, from_hash, old);
    struct object *moved = object_reshape(db_pool(src), old, to, object_due_ms(old));
    keyspace_dispose(src->keyspace, old, old_bytes); /* a shell: moved has its block or value */
    db_raise_cell(src, from_hash, keyspace_next_revision(src->keyspace));
    db_tell_changed(src, from);
    if (target != NULL) {
        tell_if_dead(dst, target);
        leave_revision(dst, to_hash, target);
        db_take_out(dst, to_hash, target);
        db_dispose(dst, target);
    }
    db_touch(dst, moved);
    db_enter(dst, to_hash, moved);
    tell_added(dst, moved);
}

/* -- collections ----------------------------------------------------------------------------- */

const struct collection_types *db_collection_types(const struct db *db) {
    return &db->keyspace->collections;
}

struct collection db_collection(const struct db *db, const struct object *object) {
    struct collection handle = {.types = &db->keyspace->collections,
        .type = object_type(object),
        .encoding = object_encoding(object),
        .value = object_collection(object),
        .is_inline = object_is_inline(object)};
    if (SF_UNLIKELY(db->keyspace->walks.n_active > 0)) {
        handle.db = (struct db *)(uintptr_t)db;
        handle.unchanged = object;
    }
    return handle;
}

void collection_note(struct collection *collection) {
    walks_note(collection->db, collection->unchanged, true);
    collection->unchanged = NULL;
}

void collection_moved(struct collection *collection, const void *from) {
    if (collection->db != NULL)
        walks_note_move(collection->db->keyspace, from, collection->value, collection->encoding);
}

void collection_note_element(struct collection *collection, struct slice element) {
    collection_changes(collection);
    struct tracked *tracked = tracked_find(collection->db->keyspace, collection->value);
    if (tracked != NULL) tracked_element_changes(tracked, element);
}

static size_t collection_bytes(const struct collection *collection) {
    return collection_form(collection->type, collection->encoding)->bytes(collection->value);
}

struct object *db_add_collection(
    struct db *db, struct slice key, struct collection *collection, int64_t due_ms) {
    SF_ASSERT(collection_size(collection) > 0 && collection->types == &db->keyspace->collections);
    SF_ASSERT(!collection->is_inline);
    uint64_t hash = db_hash(db, key);
    struct object *old = table_find(&db->table, hash, key);
    if (old != NULL) leave_revision(db, hash, old);
    if (collection->type == OBJECT_HASH) hash_simplify(collection);
    struct object *object =
        object_new_collection(db_pool(db), key, collection, collection_bytes(collection), due_ms);
    collection->value = NULL;
    return db_put(db, hash, old, object);
}

/* Whether the value is, as far as its bytes tell, what it was when they were counted. */
static bool is_as_counted(
    const struct db *db, const struct object *object, const struct collection *collection) {
    if (object_is_inline(object)) return collection->is_inline;
    struct object *shell = object_shell(db_pool(db), object);
    object_set_collection(shell, collection, collection_bytes(collection));
    bool is_same = object_encoding(shell) == object_encoding(object) &&
                   object_collection(shell) == object_collection(object) &&
                   object_collection_bytes(shell) == object_collection_bytes(object);
    object_free(db_pool(db), shell);
    return is_same;
}

/* The key itself changes, where its value did not. */
static void collection_note_key(
    const struct db *db, const struct object *object, struct collection *collection) {
    if (SF_UNLIKELY(collection->unchanged != NULL)) {
        SF_ASSERT(is_as_counted(db, object, collection)); /* or somebody has told no walk */
        collection_note(collection);
    }
}

static void collection_count(struct db *db, struct object *object, struct collection *collection) {
    size_t before = object_bytes(object);
    object_set_collection(object, collection, collection_bytes(collection));
    db->keyspace->object_bytes += object_bytes(object) - before;
}

/* Puts the value into a new object in the place of one that it does not fit any more. */
static struct object *collection_resettle(
    struct db *db, struct object *object, struct collection *collection) {
    size_t old_bytes = object_bytes(object);
    struct slice key = object_key(object);
    if (collection->type == OBJECT_HASH) hash_simplify(collection);
    struct object *next = object_new_collection(
        db_pool(db), key, collection, collection_bytes(collection), object_due_ms(object));
    object_set_revision(next, object_revision(object));
    object_set_access(next, object_access(object));
    if (!object_is_inline(object)) object_forget_value(object);
    db_exchange(db, db_hash(db, key), object, old_bytes, next);
    return next;
}

/* Puts what became of the value into the object, or into one in its place. Whether it lies inside
 * depends on what is there now alone (S1: MEMORY USAGE shows it). */
static struct object *collection_settle(
    struct db *db, struct object *object, struct collection *collection) {
    bool is_inline = object_is_inline(object), fits = object_takes_inline(object, collection);
    if (collection->is_inline) return object; /* nothing was taken out */
    if (is_inline && fits && object_overwrite_inline(object, collection)) return object;
    if (is_inline || fits) return collection_resettle(db, object, collection);
    collection_count(db, object, collection);
    return object;
}

void db_collection_counted(struct db *db, struct object *object, struct collection *collection) {
    SF_ASSERT(!object_is_inline(object)); /* object stays where it is */
    collection_note_key(db, object, collection);
    if (collection->type == OBJECT_HASH) expiry_settle_fields(db, object, collection);
    collection_count(db, object, collection);
    keyspace_free_for_new(db->keyspace);
    db_tell_changed(db, object_key(object));
}

bool db_collection_changed(struct db *db, struct object *object, struct collection *collection) {
    bool is_inline = object_is_inline(object);
    collection_note_key(db, object, collection);
    keyspace_free_for_new(db->keyspace);
    if (collection->type == OBJECT_HASH && !is_inline) expiry_settle_fields(db, object, collection);
    if (collection_size(collection) > 0) {
        object = collection_settle(db, object, collection);
        *collection = db_collection(db, object); /* it may still be read by */
        db_touch(db, object);
        return true;
    }
    if (is_inline)
        collection_free(collection);
    else
        collection_count(db, object, collection);
    uint64_t hash = db_hash(db, object_key(object));
    db_take_out(db, hash, object);
    db_raise_cell(db, hash, keyspace_next_revision(db->keyspace));
    db_tell_changed(db, object_key(object));
    db_dispose(db, object);
    collection->value = NULL;
    return false;
}
