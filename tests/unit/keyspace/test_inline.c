/* Small packed values, which lie within their objects: out and in again, and nobody can tell. */
#include "data/intset.h"
#include "data/listpack.h"
#include "data/pool.h"
#include "keyspace/restore.h"
#include "unit/keyspace/changes.h"
#include "unit/keyspace/rebuild.h"

static struct keyspace *new_keyspace(void) {
    static const struct hash_secret secret = {7, 11}; /* as in changes.h */
    return keyspace_new(4, &secret);
}

/* -- what must hold of every object ---------------------------------------------------------- */

struct sums {
    size_t all, packed;
    uint64_t n_inline, n_apart;
};

/* By the layout in object.h. */
static bool belongs_inside(const struct object *object) {
    enum object_encoding encoding = object_encoding(object);
    if (encoding != ENCODING_LISTPACK && encoding != ENCODING_INTSET) return false;
    const void *value = object_collection(object);
    size_t key_len = object_key(object).len;
    size_t size = object_due_ms(object) == NO_DUE ? 10 : 18;
    size += key_len > 255 ? 4 : 1;
    size += encoding == ENCODING_INTSET ? intset_bytes(value) : listpack_bytes(value);
    return size + key_len <= POOL_PIECE_MAX;
}

static bool check_object(void *context, struct object *object) {
    struct sums *sums = context;
    bool is_inline = object_is_inline(object);
    sums->all += object_bytes(object);
    if (object_type(object) == OBJECT_STRING) return true;
    assert_true(is_inline == belongs_inside(object));
    if (encoding_is_packed(object_encoding(object))) sums->packed += object_bytes(object);
    if (is_inline)
        sums->n_inline++;
    else
        sums->n_apart++;
    return true;
}

static struct sums check_keyspace(struct keyspace *keyspace) {
    struct sums sums = {0};
    while (keyspace_free_some(keyspace, UINT64_MAX)) {
    }
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++)
        db_walk(keyspace_db(keyspace, i), check_object, &sums);
    assert_int_equal(sums.all, keyspace->object_bytes);
    return sums;
}

/* S1: which values lie inside, and what all that takes, is told by the content alone. */
static void check_reloaded(struct keyspace *keyspace, const struct sums *sums) {
    struct keyspace *other = new_keyspace();
    struct buf image = {0}, again = {0};
    keyspace_dump(keyspace, &image);
    assert_int_equal(keyspace_load(other, buf_slice(&image)), SF_OK);
    struct sums others = check_keyspace(other);
    assert_true(others.packed == sums->packed && others.n_inline == sums->n_inline);
    keyspace_dump(other, &again);
    assert_int_equal(image.len, again.len);
    assert_memory_equal(image.data + image.start, again.data + again.start, image.len);
    buf_free(&image);
    buf_free(&again);
    keyspace_free(other);
}

static void test_where_a_value_lies_is_told_by_the_content(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct changes changes;
        struct sums sums = {0};
        changes_begin(&changes, seed, 4);
        changes.n_elements = 4 * (uint32_t)seed;
        changes.thresholds.hash_max_listpack_entries = 8;
        changes.thresholds.set_max_intset_entries = 2 * (int64_t)seed;
        for (uint32_t i = 0; i < 3000; i++) {
            changes_one(&changes);
            if (i % 50 != 0) continue;
            sums = check_keyspace(changes.keyspace);
            check_reloaded(changes.keyspace, &sums);
        }
        assert_true(sums.n_inline > 5 && sums.n_apart > 5);
        changes_end(&changes);
    }
}

/* -- out and in, type by type ---------------------------------------------------------------- */

struct growth {
    enum object_type type;
    bool is_number; /* its elements */
    struct thresholds thresholds;
    struct keyspace *keyspace;
    struct collection twin; /* the same, in no db */
    uint64_t n_inline, n_apart;
};

static struct collection new_value(const struct growth *growth) {
    const struct collection_types *types = db_collection_types(keyspace_db(growth->keyspace, 0));
    if (growth->type == OBJECT_LIST) return list_new(types);
    if (growth->type == OBJECT_HASH) return hash_new(types);
    if (growth->type == OBJECT_ZSET) return zset_new(types, &growth->thresholds, 1, 1);
    return set_new(types, &growth->thresholds, growth->is_number ? SLICE("1") : SLICE("a"), 1);
}

static void change(const struct growth *growth, struct collection *value, uint32_t i, bool comes) {
    char text[40];
    const char *shape = growth->is_number ? "%u" : "an element %u";
    struct slice element = slice_of(text, (size_t)snprintf(text, sizeof text, shape, i * 997));
    if (growth->type == OBJECT_LIST && comes) {
        list_grow(value, &growth->thresholds, element.len, 1);
        list_push(value, &growth->thresholds, i % 2 == 0, element);
    } else if (growth->type == OBJECT_LIST) {
        list_remove(value, i % list_length(value), 1);
        list_shrink(value, &growth->thresholds);
    } else if (growth->type == OBJECT_HASH && comes) {
        hash_set(value, &growth->thresholds, element, SLICE("some value"));
    } else if (growth->type == OBJECT_HASH) {
        assert_true(hash_remove(value, element));
    } else if (growth->type == OBJECT_ZSET && comes) {
        zset_add(value, &growth->thresholds, element, 1.5 * (i % 7));
    } else if (growth->type == OBJECT_ZSET) {
        assert_true(zset_remove(value, element));
    } else if (comes) {
        assert_true(set_add(value, &growth->thresholds, element));
    } else {
        assert_true(set_remove(value, element));
    }
}

static void assert_same(const struct collection *one, const struct collection *other) {
    struct buf a = {0}, b = {0};
    assert_int_equal(one->encoding, other->encoding);
    const struct collection_form *form = collection_form(one->type, one->encoding);
    form->put(one->value, &a);
    form->put(other->value, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data + a.start, b.data + b.start, a.len);
    buf_free(&a);
    buf_free(&b);
}

static void change_in_db(struct growth *growth, uint32_t i, bool comes) {
    struct db *db = keyspace_db(growth->keyspace, 0);
    struct object *object = db_find(db, SLICE("key"), 0);
    struct collection held = object == NULL ? new_value(growth) : db_collection(db, object);
    change(growth, &held, i, comes);
    change(growth, &growth->twin, i, comes);
    if (object == NULL)
        db_add_collection(db, SLICE("key"), &held, NO_DUE);
    else if (!db_collection_changed(db, object, &held))
        return;
    else
        assert_same(&held, &growth->twin); /* it may be read on */
    object = db_find(db, SLICE("key"), 0);
    held = db_collection(db, object);
    assert_same(&held, &growth->twin);
}

/* One change, beside a walk that must not see it. */
static void step(struct growth *growth, uint32_t i, bool comes) {
    struct rebuild rebuild;
    struct buf before = {0};
    keyspace_dump(growth->keyspace, &before);
    rebuild_begin(&rebuild, growth->keyspace);
    struct walk *walk = keyspace_walk_begin(growth->keyspace);
    change_in_db(growth, i, comes);
    while (!walk_some(walk, &rebuild.sink, 1 + i)) {
    }
    rebuild_check(&rebuild, walk, &before);
    walk_end(walk);
    buf_free(&before);
    struct sums sums = check_keyspace(growth->keyspace);
    check_reloaded(growth->keyspace, &sums);
    growth->n_inline += sums.n_inline;
    growth->n_apart += sums.n_apart;
}

static void grow_and_shrink(enum object_type type, bool is_number) {
    enum { N = 70 };
    struct growth growth = {.type = type,
        .is_number = is_number,
        .thresholds = THRESHOLDS_DEFAULT,
        .keyspace = new_keyspace()};
    growth.thresholds.list_max_listpack_size = 60;
    growth.thresholds.set_max_intset_entries = 40; /* 60 in one more step: a table */
    growth.thresholds.set_max_listpack_entries = growth.thresholds.hash_max_listpack_entries = 50;
    growth.thresholds.zset_max_listpack_entries = 50;
    growth.twin = new_value(&growth);
    for (uint32_t i = 1; i <= N; i++) step(&growth, i, true);
    for (uint32_t i = N; i > 1; i--) step(&growth, i, false);
    assert_true(growth.n_inline > 3 && growth.n_apart > 3);
    for (uint32_t i = 2; i < 20; i++) step(&growth, i, true);
    for (uint32_t i = 1; i < 20; i++) step(&growth, i, false);
    assert_int_equal(db_size(keyspace_db(growth.keyspace, 0)), 0);
    collection_free(&growth.twin);
    keyspace_free(growth.keyspace);
}

static void test_values_of_each_type_grow_out_of_their_objects_and_back(void **state) {
    (void)state;
    static const enum object_type types[] = {OBJECT_LIST, OBJECT_SET, OBJECT_HASH, OBJECT_ZSET};
    for (size_t i = 0; i < SF_LENGTH(types); i++) {
        grow_and_shrink(types[i], false);
        grow_and_shrink(types[i], true);
    }
}

/* An intset within the object becomes a listpack there, or a table beside it. */
static void test_a_set_changes_its_form_within_the_object(void **state) {
    (void)state;
    struct growth growth = {
        .type = OBJECT_SET, .thresholds = THRESHOLDS_DEFAULT, .keyspace = new_keyspace()};
    struct db *db = keyspace_db(growth.keyspace, 0);
    growth.is_number = true;
    growth.twin = new_value(&growth);
    for (uint32_t i = 1; i < 4; i++) step(&growth, i, true);
    assert_int_equal(object_encoding(db_find(db, SLICE("key"), 0)), ENCODING_INTSET);
    growth.is_number = false;
    step(&growth, 4, true);
    struct object *object = db_find(db, SLICE("key"), 0);
    assert_true(object_is_inline(object) && object_encoding(object) == ENCODING_LISTPACK);
    growth.thresholds.set_max_listpack_value = 5;
    step(&growth, 5, true);
    object = db_find(db, SLICE("key"), 0);
    assert_true(!object_is_inline(object) && object_encoding(object) == ENCODING_HASHTABLE);
    collection_free(&growth.twin);
    keyspace_free(growth.keyspace);
}

/* -- keys and fields that expire ------------------------------------------------------------- */

static struct object *add_hash(struct db *db, struct slice key, uint32_t n_fields) {
    struct thresholds thresholds = THRESHOLDS_DEFAULT;
    struct collection hash = hash_new(db_collection_types(db));
    char text[16];
    for (uint32_t i = 0; i < n_fields; i++)
        hash_set(&hash, &thresholds,
            slice_of(text, (size_t)snprintf(text, sizeof text, "field:%u", i)), SLICE("01234567"));
    return db_add_collection(db, key, &hash, NO_DUE);
}

static uint64_t n_fields_of(struct db *db, const struct object *object) {
    struct collection hash = db_collection(db, object);
    return collection_size(&hash);
}

/* A due time or a longer name takes the room that the value had. */
static void test_a_value_leaves_when_its_key_takes_the_room(void **state) {
    (void)state;
    struct keyspace *keyspace = new_keyspace();
    struct db *db = keyspace_db(keyspace, 0), *other = keyspace_db(keyspace, 1);
    char name[300];
    memset(name, 'k', sizeof name);
    struct object *object = add_hash(db, SLICE("h"), 5);
    size_t len = listpack_bytes(object_collection(object));
    struct slice fitting = slice_of(name, POOL_PIECE_MAX - 11 - len);
    for (int i = 0; i < 3; i++) {
        db_move(db, SLICE("h"), db, fitting);
        object = db_find(db, fitting, 0);
        assert_true(object_is_inline(object));
        db_set_due(db, &object, 5000);
        assert_false(object_is_inline(object));
        check_keyspace(keyspace);
        db_set_due(db, &object, NO_DUE);
        assert_true(object_is_inline(object));
        db_move(db, fitting, other, slice_of(name, fitting.len + 1));
        object = db_find(other, slice_of(name, fitting.len + 1), 0);
        assert_true(!object_is_inline(object) && n_fields_of(other, object) == 5);
        check_keyspace(keyspace);
        db_move(other, slice_of(name, fitting.len + 1), other, slice_of(name, sizeof name));
        keyspace_swap(keyspace, 0, 1);
        db_move(db, slice_of(name, sizeof name), db, SLICE("h"));
        struct sums sums = check_keyspace(keyspace);
        assert_true(sums.n_inline == 1 && n_fields_of(db, db_find(db, SLICE("h"), 0)) == 5);
    }
    keyspace_free(keyspace);
}

static void set_due(struct db *db, struct slice key, int64_t due_ms, uint32_t n_more) {
    struct thresholds thresholds = THRESHOLDS_DEFAULT;
    struct object *object = db_find(db, key, 0);
    struct collection hash = db_collection(db, object);
    char text[16];
    if (due_ms != 0) assert_true(hash_set_due(&hash, SLICE("field:1"), due_ms));
    for (uint32_t i = 10; i < 10 + n_more; i++)
        hash_set(&hash, &thresholds,
            slice_of(text, (size_t)snprintf(text, sizeof text, "field:%u", i)), SLICE("01234567"));
    assert_true(db_collection_changed(db, object, &hash));
}

/* A hash goes out for the first due time of a field, whatever form that makes it. */
static void test_fields_with_due_times_are_indexed_though_the_object_is_another(void **state) {
    (void)state;
    static const struct {
        uint32_t n_more;
        bool clears; /* within the same change */
        enum object_encoding encoding;
    } cases[] = {{0, false, ENCODING_LISTPACK_DUE}, {3, false, ENCODING_LISTPACK_DUE},
        {600, false, ENCODING_HASHTABLE_DUE}, {600, true, ENCODING_HASHTABLE}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct keyspace *keyspace = new_keyspace();
        struct db *db = keyspace_db(keyspace, 0);
        struct rebuild rebuild;
        struct buf before = {0};
        assert_true(object_is_inline(add_hash(db, SLICE("h"), 3)));
        keyspace_dump(keyspace, &before);
        rebuild_begin(&rebuild, keyspace);
        struct walk *walk = keyspace_walk_begin(keyspace);
        if (cases[i].clears) {
            struct thresholds thresholds = THRESHOLDS_DEFAULT;
            struct object *object = db_find(db, SLICE("h"), 0);
            struct collection hash = db_collection(db, object);
            assert_true(hash_set_due(&hash, SLICE("field:1"), 700));
            thresholds.hash_max_listpack_entries = 3;
            hash_set(&hash, &thresholds, SLICE("field:9"), SLICE("1"));
            assert_true(hash_set_due(&hash, SLICE("field:1"), NO_DUE));
            assert_true(db_collection_changed(db, object, &hash));
        } else {
            set_due(db, SLICE("h"), 700, cases[i].n_more);
        }
        struct object *object = db_find(db, SLICE("h"), 0);
        assert_int_equal(object_encoding(object), cases[i].encoding);
        assert_int_equal(db_field_expiring_size(db), !cases[i].clears);
        assert_int_equal(keyspace_next_due(keyspace), cases[i].clears ? NO_DUE : 700);
        uint64_t n = n_fields_of(db, object);
        assert_int_equal(keyspace_reclaim(keyspace, 700, 10, NULL, NULL), !cases[i].clears);
        assert_int_equal(n_fields_of(db, db_find(db, SLICE("h"), 0)), n - !cases[i].clears);
        while (!walk_some(walk, &rebuild.sink, 1)) {
        }
        rebuild_check(&rebuild, walk, &before);
        walk_end(walk);
        check_keyspace(keyspace);
        buf_free(&before);
        keyspace_free(keyspace);
    }
}

/* -------------------------------------------------------------------------------------------- */

static void test_a_small_value_that_is_refused_is_still_its_owners(void **state) {
    (void)state;
    struct keyspace *keyspace = new_keyspace();
    struct db *db = keyspace_db(keyspace, 0);
    struct thresholds thresholds = THRESHOLDS_DEFAULT;
    struct db_restoring restoring;
    struct restored_key key = {.key = SLICE("h"), .due_ms = NO_DUE, .revision = 1};
    assert_true(keyspace_restore_revision(keyspace, 1));
    assert_true(db_restore_begin(&restoring, db, 0, 1));
    for (int i = 0; i < 2; i++) {
        struct collection hash = hash_new(db_collection_types(db));
        hash_set(&hash, &thresholds, SLICE("a"), SLICE("b"));
        struct object *object = db_restore(&restoring, &key, slice_of(NULL, 0), &hash);
        assert_true((object == NULL) == (i == 1));
        assert_true((hash.value != NULL) == (i == 1));
        if (i == 1) assert_int_equal(collection_size(&hash), 1);
        collection_free(&hash);
    }
    assert_int_equal(check_keyspace(keyspace).n_inline, 1);
    keyspace_free(keyspace);
}

/* Nothing is lost where a handle changed nothing. */
static void test_what_changes_nothing_takes_nothing_out(void **state) {
    (void)state;
    struct keyspace *keyspace = new_keyspace();
    struct db *db = keyspace_db(keyspace, 0);
    struct thresholds thresholds = THRESHOLDS_DEFAULT;
    struct object *object = add_hash(db, SLICE("h"), 3);
    struct collection held = db_collection(db, object);
    assert_false(hash_remove(&held, SLICE("none")));
    assert_false(hash_set_due(&held, SLICE("none"), NO_DUE));
    assert_true(held.is_inline);
    struct collection set = set_new(db_collection_types(db), &thresholds, SLICE("1"), 1);
    set_add(&set, &thresholds, SLICE("1"));
    held = db_collection(db, db_add_collection(db, SLICE("s"), &set, NO_DUE));
    assert_false(set_add(&held, &thresholds, SLICE("1")));
    assert_false(set_remove(&held, SLICE("2")));
    assert_true(held.is_inline);
    struct collection zset = zset_new(db_collection_types(db), &thresholds, 1, 1);
    zset_add(&zset, &thresholds, SLICE("a"), 1);
    held = db_collection(db, db_add_collection(db, SLICE("z"), &zset, NO_DUE));
    zset_set_score(&held, SLICE("a"), 1);
    assert_false(zset_remove(&held, SLICE("b")));
    assert_true(held.is_inline);
    assert_int_equal(check_keyspace(keyspace).n_inline, 3);
    keyspace_free(keyspace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_value_lies_is_told_by_the_content),
        cmocka_unit_test(test_values_of_each_type_grow_out_of_their_objects_and_back),
        cmocka_unit_test(test_a_set_changes_its_form_within_the_object),
        cmocka_unit_test(test_a_value_leaves_when_its_key_takes_the_room),
        cmocka_unit_test(test_fields_with_due_times_are_indexed_though_the_object_is_another),
        cmocka_unit_test(test_a_small_value_that_is_refused_is_still_its_owners),
        cmocka_unit_test(test_what_changes_nothing_takes_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
