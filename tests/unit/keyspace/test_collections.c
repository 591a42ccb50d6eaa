#include "keyspace/hash.h"
#include "keyspace/set_lookup.h"
#include "util/number.h"

#include "unit/check.h"

#include <stdio.h>
#include <string.h>

#define NOW 1000
#define NAMES 400 /* what the random changes choose from */

struct world {
    struct keyspace *keyspace;
    struct db *db;
    struct thresholds thresholds;
    struct random random;
    char values[NAMES][24]; /* the model of a hash; of a set: "" or not */
    bool present[NAMES];
    uint64_t n;
};

static void world_open(struct world *world, uint64_t seed) {
    struct hash_secret secret = {3, 4};
    *world = (struct world){.keyspace = keyspace_new(4, &secret),
        .thresholds = THRESHOLDS_DEFAULT,
        .random = random_from(seed)};
    world->db = keyspace_db(world->keyspace, 0);
}

static void world_close(struct world *world) {
    keyspace_free(world->keyspace); /* asserts that every byte and every piece was given back */
}

/* Integers, short and long texts. */
static struct slice name_of(uint64_t i, bool only_integers, char room[120]) {
    int64_t far = i % 3 == 0 ? (int64_t)1 << 40 : i % 5 == 0 ? 1 << 20 : 0;
    if (only_integers || i % 2 == 0) return slice_of(room, int_print((int64_t)i - 100 + far, room));
    size_t len = i % 31 == 0 ? 70 : 5 + i % 7;
    memset(room, 'n', len);
    return slice_of(room, len + int_print((int64_t)i, room + len));
}

/* -- against a model ------------------------------------------------------------------------- */

static void store(struct world *world, struct slice key, struct object *object,
    struct collection *value, bool *is_there) {
    if (object != NULL)
        *is_there = db_collection_changed(world->db, object, value);
    else if (collection_size(value) > 0)
        *is_there = db_add_collection(world->db, key, value, NO_DUE) != NULL;
    else
        collection_free(value);
}

static void change_set(struct world *world, uint64_t i, bool add, bool only_integers) {
    char room[120];
    struct slice name = name_of(i, only_integers, room), key = SLICE("set");
    struct object *object = db_find(world->db, key, NOW);
    struct collection set =
        object != NULL ? db_collection(world->db, object)
                       : set_new(db_collection_types(world->db), &world->thresholds, name, 1);
    assert_int_equal(set_contains(&set, name), world->present[i]);
    bool changed = add ? set_add(&set, &world->thresholds, name) : set_remove(&set, name);
    assert_int_equal(changed, world->present[i] != add);
    world->n += changed ? (add ? 1 : (uint64_t)-1) : 0;
    world->present[i] = add;
    bool is_there = false;
    store(world, key, object, &set, &is_there);
    assert_int_equal(is_there, world->n > 0);
}

static void check_set(struct world *world, bool only_integers) {
    struct object *object = db_find(world->db, SLICE("set"), NOW);
    assert_int_equal(object == NULL, world->n == 0);
    if (object == NULL) return;
    struct collection set = db_collection(world->db, object);
    assert_int_equal(collection_size(&set), world->n);
    struct set_iterator next = set_iterate(&set);
    uint64_t rank = 0;
    char scratch[INT_TEXT_MAX], room[120];
    for (struct slice member; set_next(&next, &member); rank++)
        assert_true(slice_equal(set_at(&set, rank, scratch), member));
    assert_int_equal(rank, world->n);
    struct set_lookup few, many;
    set_lookup_begin(&few, &set, 1);
    set_lookup_begin(&many, &set, NAMES);
    for (uint64_t i = 0; i < NAMES; i++) {
        struct slice name = name_of(i, only_integers, room);
        assert_int_equal(set_contains(&set, name), world->present[i]);
        assert_int_equal(set_lookup_has(&few, name), world->present[i]);
        assert_int_equal(set_lookup_has(&many, name), world->present[i]);
    }
    set_lookup_end(&few);
    set_lookup_end(&many);
}

static void check_reload(struct world *world) {
    struct hash_secret secret = {3, 4};
    struct keyspace *loaded = keyspace_new(4, &secret);
    struct buf image = {0}, again = {0};
    keyspace_dump(world->keyspace, &image);
    assert_int_equal(keyspace_load(loaded, buf_slice(&image)), SF_OK);
    keyspace_dump(loaded, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_true(keyspace_digest(world->keyspace) == keyspace_digest(loaded));
    uint8_t ours[20], theirs[20];
    keyspace_redis_digest(world->keyspace, NOW, ours);
    keyspace_redis_digest(loaded, NOW, theirs);
    assert_memory_equal(ours, theirs, 20);
    buf_free(&image);
    buf_free(&again);
    keyspace_free(loaded);
}

static void test_sets_match_a_model_and_reload_as_they_are(void **state) {
    (void)state;
    static const int64_t entries[] = {2, 8, 50, 128, 500};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct world world;
        world_open(&world, seed);
        bool only_integers = seed % 3 == 0;
        world.thresholds.set_max_intset_entries = entries[seed % 5];
        world.thresholds.set_max_listpack_entries = entries[(seed + 2) % 5];
        uint64_t n_names = seed % 4 == 0 ? NAMES : 60;
        for (int step = 0; step < 3000; step++) {
            /* up and down again, to empty and back */
            bool add = random_below(&world.random, 100) < (step / 500 % 2 == 0 ? 70u : 25u);
            change_set(&world, random_below(&world.random, n_names), add, only_integers);
            if (step % 300 == 0) check_set(&world, only_integers);
            if (step % 300 == 0) check_reload(&world);
        }
        world_close(&world);
    }
}

static void change_hash(struct world *world, uint64_t i, bool add) {
    char room[120], scratch[INT_TEXT_MAX];
    struct slice name = name_of(i, false, room), held = {NULL, 0}, key = SLICE("hash");
    struct object *object = db_find(world->db, key, NOW);
    struct collection hash = object != NULL ? db_collection(world->db, object)
                                            : hash_new(db_collection_types(world->db));
    assert_int_equal(hash_get(&hash, name, scratch, &held), world->present[i]);
    if (world->present[i]) assert_true(slice_equal(held, slice_text(world->values[i])));
    bool changed = world->present[i] != add;
    if (add) {
        size_t len = uint_print(random_next(&world->random), world->values[i]);
        len = random_below(&world->random, len + 1);
        world->values[i][len] = '\0';
        struct slice value = slice_of(world->values[i], len);
        assert_int_equal(hash_set(&hash, &world->thresholds, name, value), changed);
    } else {
        assert_int_equal(hash_remove(&hash, name), changed);
    }
    world->n += changed ? (add ? 1 : (uint64_t)-1) : 0;
    world->present[i] = add;
    bool is_there = false;
    store(world, key, object, &hash, &is_there);
    assert_int_equal(is_there, world->n > 0);
}

static void check_hash(struct world *world) {
    struct object *object = db_find(world->db, SLICE("hash"), NOW);
    if (object == NULL) return;
    struct collection hash = db_collection(world->db, object);
    struct hash_iterator next = hash_iterate(&hash);
    uint64_t rank = 0;
    struct hash_pair at;
    for (struct hash_pair pair; hash_next(&next, &pair); rank++) {
        hash_at(&hash, rank, &at);
        assert_true(slice_equal(at.field, pair.field) && slice_equal(at.value, pair.value));
    }
    assert_int_equal(rank, world->n);
    assert_int_equal(collection_size(&hash), world->n);
}

static void test_hashes_match_a_model_and_reload_as_they_are(void **state) {
    (void)state;
    static const int64_t entries[] = {2, 20, 128, 500};
    for (uint64_t seed = 0; seed < 16; seed++) {
        struct world world;
        world_open(&world, seed);
        world.thresholds.hash_max_listpack_entries = entries[seed % 4];
        uint64_t n_names = seed % 3 == 0 ? NAMES : 60;
        for (int step = 0; step < 3000; step++) {
            bool add = random_below(&world.random, 100) < (step / 500 % 2 == 0 ? 70u : 25u);
            change_hash(&world, random_below(&world.random, n_names), add);
            if (step % 300 == 0) check_hash(&world);
            if (step % 300 == 0) check_reload(&world);
        }
        world_close(&world);
    }
}

/* -- in a db --------------------------------------------------------------------------------- */

static struct collection many_members(struct world *world, uint64_t n) {
    struct collection set = set_new_as(db_collection_types(world->db), ENCODING_HASHTABLE);
    char room[32];
    for (uint64_t i = 0; i < n; i++) {
        int len = snprintf(room, sizeof room, "member-%012llu", (unsigned long long)i);
        set_add(&set, &world->thresholds, slice_of(room, (size_t)len));
    }
    return set;
}

static size_t bytes_of(const struct collection *collection) {
    return collection_form(collection->type, collection->encoding)->bytes(collection->value);
}

/* The goals of the design: 19-byte members in 36 bytes, 18-byte fields with 16-byte values in 66.
 */
static void test_elements_of_large_values_take_little_memory(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    enum { N = 100000 };
    struct collection set = many_members(&world, N);
    assert_in_range(bytes_of(&set), N * 30, N * 36);
    struct collection hash = hash_new(db_collection_types(world.db));
    char field[32], value[32];
    for (uint64_t i = 0; i < N; i++) {
        int len = snprintf(field, sizeof field, "field-%012llu", (unsigned long long)i);
        int value_len = snprintf(value, sizeof value, "value-%010llu", (unsigned long long)i);
        hash_set(&hash, &world.thresholds, slice_of(field, (size_t)len),
            slice_of(value, (size_t)value_len));
    }
    assert_in_range(bytes_of(&hash), N * 44, N * 66);
    collection_free(&set);
    collection_free(&hash);
    world_close(&world);
}

static void test_large_values_are_freed_in_slices(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    size_t before = keyspace_used_bytes(world.keyspace);
    struct collection set = many_members(&world, 20000), other = many_members(&world, 20000);
    db_add_collection(world.db, SLICE("a"), &set, NO_DUE);
    db_add_collection(world.db, SLICE("b"), &other, NO_DUE);
    assert_null(set.value);
    size_t full = keyspace_used_bytes(world.keyspace);
    assert_true(full > 2 * 20000 * 30);
    assert_true(db_delete(world.db, SLICE("a"), NOW));
    db_set_string(world.db, SLICE("b"), SLICE("x"), NO_DUE); /* overwritten */
    assert_true(keyspace_used_bytes(world.keyspace) > full - 1000);
    int slices = 0;
    while (keyspace_free_some(world.keyspace, 1000)) slices++;
    assert_in_range(slices, 20, 60);
    db_delete(world.db, SLICE("b"), NOW);
    assert_true(keyspace_used_bytes(world.keyspace) < before + 5000); /* cells of absent keys */
    world_close(&world);
}

static void test_a_flush_frees_values_within_the_table(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    for (int i = 0; i < 10; i++) {
        char key = (char)('a' + i);
        struct collection set = many_members(&world, i % 2 == 0 ? 5000 : 10);
        db_add_collection(world.db, slice_of(&key, 1), &set, NO_DUE);
    }
    db_flush(world.db);
    int slices = 0;
    while (keyspace_free_some(world.keyspace, 500)) slices++;
    assert_in_range(slices, 20, 200);
    world_close(&world);
}

static void test_copies_are_independent_and_of_the_same_form(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    const struct collection_types *types = db_collection_types(world.db);
    static const enum object_encoding encodings[] = {
        ENCODING_INTSET, ENCODING_LISTPACK, ENCODING_HASHTABLE};
    for (size_t i = 0; i < SF_LENGTH(encodings); i++) {
        struct collection set = set_new_as(types, encodings[i]);
        set_add(&set, &world.thresholds, SLICE("1"));
        struct collection copy = collection_copy(&set);
        set_add(&set, &world.thresholds, SLICE("2"));
        assert_int_equal(copy.encoding, encodings[i]);
        assert_int_equal(collection_size(&copy), 1);
        assert_int_equal(collection_size(&set), 2);
        collection_free(&set);
        collection_free(&copy);
    }
    world_close(&world);
}

static void test_a_change_takes_one_revision(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    struct collection hash = hash_new(db_collection_types(world.db));
    hash_set(&hash, &world.thresholds, SLICE("a"), SLICE("1"));
    hash_set(&hash, &world.thresholds, SLICE("b"), SLICE("1"));
    struct object *object = db_add_collection(world.db, SLICE("h"), &hash, NO_DUE);
    uint64_t revision = object_revision(object);
    assert_int_equal(keyspace_revision(world.keyspace), revision);
    hash = db_collection(world.db, object);
    hash_remove(&hash, SLICE("a"));
    assert_true(db_collection_changed(world.db, object, &hash));
    assert_int_equal(db_revision(world.db, SLICE("h"), NOW), revision + 1);
    object = db_find(world.db, SLICE("h"), NOW);
    hash = db_collection(world.db, object);
    hash_remove(&hash, SLICE("b"));
    assert_false(db_collection_changed(world.db, object, &hash));
    assert_null(db_find_even_dead(world.db, SLICE("h")));
    assert_int_equal(keyspace_revision(world.keyspace), revision + 2);
    world_close(&world);
}

/* -- damage ---------------------------------------------------------------------------------- */

static void test_damaged_images_are_refused_or_harmless(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 7);
    for (int i = 0; i < 200; i++) {
        change_hash(&world, random_below(&world.random, 30), true);
    }
    memset(world.present, 0, sizeof world.present);
    world.n = 0;
    for (int i = 0; i < 200; i++) change_set(&world, random_below(&world.random, 30), true, false);
    struct collection table = many_members(&world, 20);
    db_add_collection(world.db, SLICE("table"), &table, NO_DUE);
    struct collection integers = set_new_as(db_collection_types(world.db), ENCODING_INTSET);
    set_add(&integers, &world.thresholds, SLICE("5"));
    set_add(&integers, &world.thresholds, SLICE("6"));
    db_add_collection(world.db, SLICE("integers"), &integers, NO_DUE);
    struct buf image = {0};
    keyspace_dump(world.keyspace, &image);
    struct hash_secret secret = {3, 4};
    struct keyspace *loaded = keyspace_new(4, &secret);
    for (size_t len = 0; len < image.len; len++)
        assert_int_equal(
            keyspace_load(loaded, slice_of(buf_slice(&image).data, len)), SF_ERR_CORRUPT);
    char *damaged = sf_alloc(image.len);
    for (int i = 0; i < 20000; i++) {
        memcpy(damaged, buf_slice(&image).data, image.len);
        damaged[random_below(&world.random, image.len)] = (char)random_next(&world.random);
        if (keyspace_load(loaded, slice_of(damaged, image.len)) == SF_OK) keyspace_digest(loaded);
    }
    sf_free(damaged);
    buf_free(&image);
    keyspace_free(loaded);
    world_close(&world);
}

static bool reads(enum object_type type, enum object_encoding encoding, struct slice image) {
    struct world world;
    world_open(&world, 1);
    struct reader in = reader_of(image);
    struct collection collection = {
        .types = db_collection_types(world.db), .type = type, .encoding = encoding};
    collection.value = collection_form(type, encoding)->read(collection.types, &in);
    bool good = collection.value != NULL;
    collection_free(&collection);
    world_close(&world);
    return good;
}

/* Empty ones, halves of pairs, the same element twice. */
static void test_values_that_cannot_be_are_refused(void **state) {
    (void)state;
    static const struct {
        enum object_type type;
        struct slice image;
        bool good;
    } packed[] = {
        {OBJECT_SET, {"\x07\x07\0\0\0\0\0\xff", 8}, false},
        {OBJECT_SET, {"\x09\x09\0\0\0\x01\0\x05\x01\xff", 10}, true},
        {OBJECT_SET, {"\x0b\x0b\0\0\0\x02\0\x05\x01\x05\x01\xff", 12}, false},
        {OBJECT_SET, {"\x0b\x0b\0\0\0\x02\0\x05\x01\x06\x01\xff", 12}, true},
        {OBJECT_HASH, {"\x09\x09\0\0\0\x01\0\x05\x01\xff", 10}, false},
        {OBJECT_HASH, {"\x0b\x0b\0\0\0\x02\0\x05\x01\x05\x01\xff", 12}, true},
        {OBJECT_HASH, {"\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x05\x01\x06\x01\xff", 16}, false},
        {OBJECT_HASH, {"\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x06\x01\xff", 16}, true},
    };
    for (size_t i = 0; i < SF_LENGTH(packed); i++)
        assert_int_equal(reads(packed[i].type, ENCODING_LISTPACK, packed[i].image), packed[i].good);
    assert_false(reads(OBJECT_SET, ENCODING_HASHTABLE, slice_of("\0", 1)));
    assert_false(reads(OBJECT_SET, ENCODING_HASHTABLE,
        slice_of("\x02\x01"
                 "a\x01"
                 "a",
            5)));
    assert_true(reads(OBJECT_SET, ENCODING_HASHTABLE,
        slice_of("\x02\x01"
                 "a\x01"
                 "b",
            5)));
    assert_null(collection_form(OBJECT_HASH, ENCODING_INTSET));
    assert_null(collection_form(OBJECT_STRING, ENCODING_RAW));
    assert_null(collection_form(OBJECT_STREAM, ENCODING_LISTPACK));
}

/* -- thresholds ------------------------------------------------------------------------------ */

static void test_thresholds_are_set_by_name(void **state) {
    (void)state;
    struct thresholds thresholds = THRESHOLDS_DEFAULT;
    assert_true(thresholds_set(&thresholds, SLICE("hash-max-listpack-entries"), SLICE("7")));
    assert_int_equal(thresholds.hash_max_listpack_entries, 7);
    assert_true(thresholds_set(&thresholds, SLICE("HASH-max-listpack-value"), SLICE("1kb")));
    assert_int_equal(thresholds.hash_max_listpack_value, 1024);
    assert_true(thresholds_set(&thresholds, SLICE("list-max-listpack-size"), SLICE("-5")));
    assert_int_equal(thresholds.list_max_listpack_size, -5);
    assert_false(thresholds_set(&thresholds, SLICE("set-max-intset-entries"), SLICE("x")));
    assert_false(thresholds_set(&thresholds, SLICE("timeout"), SLICE("1")));
    assert_true(slice_equal(
        setting_name(SLICE("zset-max-ziplist-value")), SLICE("zset-max-listpack-value")));
    assert_true(slice_equal(setting_name(SLICE("timeout")), SLICE("timeout")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_match_a_model_and_reload_as_they_are),
        cmocka_unit_test(test_hashes_match_a_model_and_reload_as_they_are),
        cmocka_unit_test(test_elements_of_large_values_take_little_memory),
        cmocka_unit_test(test_large_values_are_freed_in_slices),
        cmocka_unit_test(test_a_flush_frees_values_within_the_table),
        cmocka_unit_test(test_copies_are_independent_and_of_the_same_form),
        cmocka_unit_test(test_a_change_takes_one_revision),
        cmocka_unit_test(test_damaged_images_are_refused_or_harmless),
        cmocka_unit_test(test_values_that_cannot_be_are_refused),
        cmocka_unit_test(test_thresholds_are_set_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
