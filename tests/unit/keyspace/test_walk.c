/* A walk shows what was there when it began, whatever happens meanwhile. */
#include "keyspace/walk.h"

#include "keyspace/hash.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/zset.h"
#include "unit/keyspace/rebuild.h"
#include <stdio.h>

static const struct hash_secret secret = {7, 11};

static struct slice numbered(char text[32], const char *prefix, uint32_t i) {
    return slice_of(text, (size_t)snprintf(text, 32, "%s%u", prefix, i));
}

/* One value of each type, of n elements. */
static void add_values(struct db *db, uint32_t n) {
    const struct thresholds thresholds = THRESHOLDS_DEFAULT;
    const struct collection_types *types = db_collection_types(db);
    struct collection hash = hash_new(types), list = list_new(types), stream = stream_new(types);
    struct collection set = set_new(types, &thresholds, SLICE("a"), 1);
    struct collection zset = zset_new(types, &thresholds, 1, 1);
    struct stream_node_limits limits = stream_limits(&thresholds);
    struct buf long_text = {0};
    char text[32], key[32];
    for (uint32_t i = 0; i < n; i++) {
        struct slice element = numbered(text, "element:", i);
        buf_append_slice(&long_text, element);
        hash_set(&hash, &thresholds, element, element);
        set_add(&set, &thresholds, element);
        zset_add(&zset, &thresholds, element, i);
        list_grow(&list, &thresholds, element.len, 1);
        list_push(&list, &thresholds, false, element);
        struct slice pair[2] = {element, element};
        stream_append(stream_to_change(&stream), &limits, (struct stream_id){i + 1, 0}, 1, pair);
    }
    struct stream_group *group =
        stream_group_create(stream_to_change(&stream), SLICE("g"), STREAM_ID_MIN, 0);
    struct stream_consumer *consumer =
        stream_consumer_create(stream_to_change(&stream), group, SLICE("c"), 5);
    for (uint32_t i = 0; i < n; i += 2)
        stream_pending_add(
            stream_to_change(&stream), group, consumer, (struct stream_id){i + 1, 0}, 9);
    db_add_collection(db, numbered(key, "hash:", n), &hash, NO_DUE);
    db_add_collection(db, numbered(key, "set:", n), &set, 99);
    db_add_collection(db, numbered(key, "zset:", n), &zset, NO_DUE);
    db_add_collection(db, numbered(key, "list:", n), &list, NO_DUE);
    db_add_collection(db, numbered(key, "stream:", n), &stream, NO_DUE);
    db_set_string(db, numbered(key, "string:", n), buf_slice(&long_text), 1000);
    db_set_integer(db, numbered(key, "integer:", n), n, NO_DUE);
    buf_free(&long_text);
}

static void test_a_walk_shows_every_form_as_it_is(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(4, &secret);
    for (uint32_t n = 1; n <= 10000; n *= 10) add_values(keyspace_db(keyspace, n % 3), n);
    db_delete(keyspace_db(keyspace, 1), SLICE("hash:1"), 0);
    db_set_string(keyspace_db(keyspace, 3), SLICE("k"), SLICE("v"), NO_DUE);
    db_flush(keyspace_db(keyspace, 3));
    for (uint64_t budget = 1; budget < 1000000; budget *= 6) {
        struct buf image = {0};
        struct rebuild rebuild;
        keyspace_dump(keyspace, &image);
        struct walk *walk = keyspace_walk_begin(keyspace);
        rebuild_begin(&rebuild, keyspace);
        if (budget % 2 == 0) rebuild_groups(&rebuild);
        while (!walk_some(walk, &rebuild.sink, budget)) {
        }
        assert_true(rebuild.n_large >= 6);
        rebuild_check(&rebuild, walk, &image);
        walk_end(walk);
        buf_free(&image);
    }
    keyspace_free(keyspace);
}

/* The most that is kept while as many keys change as are walked over. */
static size_t kept_beside_changes(bool in_any_order) {
    enum { KEYS = 20000, SLICE = 200 };
    struct keyspace *keyspace = keyspace_new(1, &secret);
    struct db *db = keyspace_db(keyspace, 0);
    char key[32];
    for (uint32_t i = 0; i < KEYS; i++)
        db_set_string(db, numbered(key, "key:", i), SLICE("before"), NO_DUE);
    struct buf image = {0};
    struct rebuild rebuild;
    keyspace_dump(keyspace, &image);
    struct walk *walk = keyspace_walk_begin(keyspace);
    if (in_any_order) walk_in_any_order(walk);
    rebuild_begin(&rebuild, keyspace);
    struct random random = random_from(5);
    size_t most = 0;
    while (!walk_some(walk, &rebuild.sink, SLICE)) {
        for (uint32_t i = 0; i < SLICE; i++) {
            struct slice name = numbered(key, "key:", (uint32_t)random_below(&random, KEYS));
            db_set_string(db, name, SLICE("after"), NO_DUE);
        }
        most = SF_MAX(most, walk_bytes(walk));
    }
    rebuild_check(&rebuild, walk, &image);
    walk_end(walk);
    buf_free(&image);
    keyspace_free(keyspace);
    return most;
}

static void test_a_walk_in_any_order_keeps_no_more_than_changes_between_two_slices(void **state) {
    (void)state;
    size_t in_order = kept_beside_changes(false), in_any_order = kept_beside_changes(true);
    assert_true(in_any_order * 8 < in_order);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_walk_shows_every_form_as_it_is),
        cmocka_unit_test(test_a_walk_in_any_order_keeps_no_more_than_changes_between_two_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
