/* Digests from a walk: a value in pieces counts as the whole does. */
#include "keyspace/walk_digest.h"

#include "keyspace/hash.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/stream.h"
#include "keyspace/zset.h"
#include "unit/check.h"

#include <stdio.h>

enum { N = 300 };

struct world {
    struct keyspace *keyspace;
    const struct collection_types *types;
    struct thresholds thresholds;
    struct walk_digest digest;
    struct walk_sink sink;
};

static void world_open(struct world *world) {
    struct hash_secret secret = {3, 4};
    *world = (struct world){.keyspace = keyspace_new(1, &secret), .thresholds = THRESHOLDS_DEFAULT};
    world->types = db_collection_types(keyspace_db(world->keyspace, 0));
    world->sink = walk_digest_sink(&world->digest);
}

static struct walk_key key_of(enum object_type type, enum object_encoding encoding) {
    return (struct walk_key){.hash = 5ULL << 54,
        .key = SLICE("key"),
        .due_ms = NO_DUE,
        .revision = 9,
        .type = type,
        .encoding = encoding};
}

static uint64_t taken(struct world *world) {
    uint64_t sum = world->digest.sums[5];
    assert_int_not_equal(sum, 0);
    for (uint32_t i = 0; i < DIGEST_RANGES; i++)
        if (i != 5) assert_int_equal(world->digest.sums[i], 0);
    memset(&world->digest, 0, sizeof world->digest);
    return sum;
}

static uint64_t whole(struct world *world, const struct collection *value) {
    struct walk_key key = key_of(value->type, value->encoding);
    world->sink.value(&world->digest, &key, slice_of(NULL, 0), value);
    return taken(world);
}

static struct slice name_of(int i, char room[32]) {
    return slice_of(room, (size_t)snprintf(room, 32, "a-name-%d", i));
}

static void test_a_text_counts_the_same_wherever_it_is_cut(void **state) {
    (void)state;
    struct world world;
    static char text[5000];
    world_open(&world);
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * i >> 3);
    struct walk_key key = key_of(OBJECT_STRING, ENCODING_RAW);
    world.sink.value(&world.digest, &key, slice_of(text, sizeof text), NULL);
    uint64_t expected = taken(&world);
    static const size_t cuts[] = {1, 7, 8, 64, 999, 4999, 5000};
    for (size_t k = 0; k < SF_LENGTH(cuts); k++) {
        world.sink.large_begin(&world.digest, &key, sizeof text);
        for (size_t at = 0; at < sizeof text; at += cuts[k])
            world.sink.large_text(
                &world.digest, slice_of(text + at, SF_MIN(cuts[k], sizeof text - at)));
        world.sink.large_end(&world.digest, &key, NULL);
        assert_true(taken(&world) == expected);
    }
    world.sink.value(&world.digest, &key, slice_of(text, sizeof text - 1), NULL);
    assert_false(taken(&world) == expected);
    keyspace_free(world.keyspace);
}

static void pieces_begin(struct world *world, const struct collection *value, uint64_t n) {
    struct walk_key key = key_of(value->type, value->encoding);
    world->sink.large_begin(&world->digest, &key, n);
}

static uint64_t pieces_end(
    struct world *world, const struct collection *value, const struct collection *rest) {
    struct walk_key key = key_of(value->type, value->encoding);
    world->sink.large_end(&world->digest, &key, rest);
    return taken(world);
}

/* In an order that is nobody's. */
static int shuffled(int i) {
    return i * 7 % N;
}

static void test_elements_of_sets_and_hashes_count_in_any_order(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct collection set = set_new_as(world.types, ENCODING_HASHTABLE);
    struct collection hash = hash_new_as(world.types, ENCODING_HASHTABLE);
    char room[32];
    for (int i = 0; i < N; i++) {
        struct slice name = name_of(i, room);
        set_add(&set, &world.thresholds, name);
        hash_set(&hash, &world.thresholds, name, slice_of(name.data, (size_t)i % 5));
    }
    uint64_t of_set = whole(&world, &set), of_hash = whole(&world, &hash);
    pieces_begin(&world, &set, N);
    for (int i = 0; i < N; i++)
        world.sink.large_element(&world.digest, name_of(shuffled(i), room), slice_of(NULL, 0), 0);
    assert_true(pieces_end(&world, &set, NULL) == of_set);
    pieces_begin(&world, &hash, N);
    for (int i = 0; i < N; i++) {
        struct slice name = name_of(shuffled(i), room);
        world.sink.large_element(
            &world.digest, name, slice_of(name.data, (size_t)shuffled(i) % 5), 0);
    }
    assert_true(pieces_end(&world, &hash, NULL) == of_hash);
    assert_false(of_set == of_hash);
    collection_free(&set);
    collection_free(&hash);
    keyspace_free(world.keyspace);
}

static void test_scores_count_with_their_members(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct sorted_set *elements = sorted_set_new(&world.types->sorted_sets);
    char room[32];
    for (int i = 0; i < N; i++) sorted_set_add(elements, name_of(i, room), i / 3.0);
    struct collection zset = zset_of(world.types, &elements);
    uint64_t expected = whole(&world, &zset);
    for (int wrong = 0; wrong < 2; wrong++) { /* two scores that changed places */
        pieces_begin(&world, &zset, N);
        for (int i = 0; i < N; i++) {
            int k = shuffled(i), score = wrong && k < 2 ? 1 - k : k;
            world.sink.large_element(
                &world.digest, name_of(k, room), slice_of(NULL, 0), score / 3.0);
        }
        assert_int_equal(pieces_end(&world, &zset, NULL) == expected, !wrong);
    }
    collection_free(&zset);
    keyspace_free(world.keyspace);
}

static void test_blocks_of_lists_count_in_their_order(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct quicklist *blocks = quicklist_new();
    struct block_limit limit = block_limit_of(20);
    char room[32];
    for (int i = 0; i < N; i++) quicklist_push(blocks, &limit, false, name_of(i, room));
    struct collection list = {.types = world.types,
        .type = OBJECT_LIST,
        .encoding = ENCODING_QUICKLIST,
        .value = blocks};
    uint64_t expected = whole(&world, &list);
    for (int wrong = 0; wrong < 2; wrong++) {
        struct quicklist_place at = {0, 0};
        struct slice first = listpack_image(quicklist_next_block(blocks, &at));
        const struct listpack *packed;
        pieces_begin(&world, &list, quicklist_blocks(blocks));
        if (!wrong) world.sink.large_block(&world.digest, first, false);
        while ((packed = quicklist_next_block(blocks, &at)) != NULL)
            world.sink.large_block(&world.digest, listpack_image(packed), false);
        if (wrong) world.sink.large_block(&world.digest, first, false);
        assert_int_equal(pieces_end(&world, &list, NULL) == expected, !wrong);
    }
    collection_free(&list);
    keyspace_free(world.keyspace);
}

static void test_nodes_of_streams_count_and_what_stands_behind_them(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct collection whole_stream = stream_new(world.types), rest = stream_new(world.types);
    struct stream *stream = whole_stream.value, *behind = rest.value;
    struct stream_node_limits limits = stream_limits(&world.thresholds);
    struct slice pair[2] = {SLICE("field"), SLICE("value")};
    for (uint64_t i = 1; i <= N; i++)
        stream_append(stream, &limits, (struct stream_id){i, 0}, 1, pair);
    behind->last = stream->last;
    behind->max_deleted = stream->max_deleted;
    behind->entries_added = stream->entries_added;
    uint64_t expected = whole(&world, &whole_stream);
    for (int wrong = 0; wrong < 2; wrong++) {
        struct btree_cursor cursor;
        pieces_begin(&world, &whole_stream, stream->log.nodes.n);
        for (const struct stream_node *node = btree_seek(&stream->log.nodes, 0, &cursor);
             node != NULL; node = btree_next(&cursor))
            world.sink.large_node(
                &world.digest, node->master.ms, node->master.seq, listpack_image(node->packed));
        behind->entries_added += (uint64_t)wrong;
        assert_int_equal(pieces_end(&world, &whole_stream, &rest) == expected, !wrong);
    }
    collection_free(&whole_stream);
    collection_free(&rest);
    keyspace_free(world.keyspace);
}

static void test_everything_about_a_key_counts(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct walk_key keys[7];
    uint64_t seen[7];
    for (int i = 0; i < 7; i++) keys[i] = key_of(OBJECT_STRING, ENCODING_EMBSTR);
    keys[1].db = 1;
    keys[2].key = SLICE("kez");
    keys[3].due_ms = 5;
    keys[4].revision++;
    keys[5].encoding = ENCODING_RAW;
    keys[6].due_ms = 0;
    for (int i = 0; i < 7; i++) {
        world.sink.value(&world.digest, &keys[i], SLICE("text"), NULL);
        seen[i] = taken(&world);
        for (int k = 0; k < i; k++) assert_false(seen[i] == seen[k]);
    }
    keyspace_free(world.keyspace);
}

static void test_cells_and_floors_count_by_their_db(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    uint64_t cells[3], floors[2];
    for (uint32_t i = 0; i < 3; i++) {
        world.sink.cell(&world.digest, i % 2, 5 << 6 | i / 2, 77);
        cells[i] = taken(&world);
        for (uint32_t k = 0; k < i; k++) assert_false(cells[i] == cells[k]);
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct walk_db db = {.number = i, .floor = 3};
        world.sink.db(&world.digest, &db);
        floors[i] = world.digest.floors;
        world.digest.floors = 0;
    }
    assert_false(floors[0] == floors[1]);
    struct walk_db db = {.number = 1, .n_keys = 4}; /* no floor: nothing to count */
    world.sink.db(&world.digest, &db);
    assert_int_equal(world.digest.floors, 0);
    keyspace_free(world.keyspace);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_counts_the_same_wherever_it_is_cut),
        cmocka_unit_test(test_elements_of_sets_and_hashes_count_in_any_order),
        cmocka_unit_test(test_scores_count_with_their_members),
        cmocka_unit_test(test_blocks_of_lists_count_in_their_order),
        cmocka_unit_test(test_nodes_of_streams_count_and_what_stands_behind_them),
        cmocka_unit_test(test_everything_about_a_key_counts),
        cmocka_unit_test(test_cells_and_floors_count_by_their_db),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
