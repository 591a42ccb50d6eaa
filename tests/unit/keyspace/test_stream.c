#include "keyspace/stream_group.h"

#include "unit/check.h"

#include <stdio.h>

#define NOW 1000
#define GROUPS 3
#define CONSUMERS 4
#define ENTRIES 400

/* Who has which entry, for each group: 0 nobody, else the consumer's number plus one. */
struct world {
    struct keyspace *keyspace;
    struct db *db;
    struct thresholds thresholds;
    struct random random;
    uint8_t owner[GROUPS][ENTRIES];
    uint64_t n_added;
};

static const struct slice key = {"stream", 6};

static void world_open(struct world *world, uint64_t seed) {
    struct hash_secret secret = {3, 4};
    *world = (struct world){.keyspace = keyspace_new(4, &secret),
        .thresholds = THRESHOLDS_DEFAULT,
        .random = random_from(seed)};
    world->db = keyspace_db(world->keyspace, 0);
    struct collection value = stream_new(db_collection_types(world->db));
    db_add_collection(world->db, key, &value, NO_DUE);
}

static void world_close(struct world *world) {
    keyspace_free(world->keyspace); /* asserts that every byte and every piece was given back */
}

static uint64_t below(struct world *world, uint64_t n) {
    return random_below(&world->random, n);
}

static struct slice name_of(uint64_t number, char room[24]) {
    return slice_of(room, (size_t)snprintf(room, 24, "name %llu", (unsigned long long)number));
}

static struct stream_id id_of(uint64_t entry) {
    return (struct stream_id){entry / 3 + 1, entry % 3};
}

static struct stream_group *group_of(struct stream *stream, uint64_t number) {
    char room[24];
    struct slice name = name_of(number, room);
    struct stream_group *group = stream_group_find(stream, name);
    if (group != NULL) return group;
    assert_non_null(stream_group_create(stream, name, STREAM_ID_MIN, ENTRIES_READ_UNKNOWN));
    assert_null(stream_group_create(stream, name, STREAM_ID_MIN, 0));
    return stream_group_find(stream, name);
}

static struct stream_consumer *consumer_of(
    struct stream *stream, struct stream_group *group, uint64_t number) {
    char room[24];
    struct slice name = name_of(number, room);
    struct stream_consumer *consumer = stream_consumer_find(group, name);
    return consumer != NULL ? consumer : stream_consumer_create(stream, group, name, NOW);
}

static void add_entry(struct world *world, struct stream *stream) {
    if (world->n_added == ENTRIES) return;
    struct slice pair[2] = {SLICE("field"), SLICE("value")};
    struct stream_node_limits limits = stream_limits(&world->thresholds);
    stream_append(stream, &limits, id_of(world->n_added++), 1, pair);
}

/* Gives an entry to a consumer, or takes it away. */
static void change_pending(struct world *world, struct stream *stream, uint64_t g) {
    struct stream_group *group = group_of(stream, g);
    uint64_t entry = below(world, ENTRIES), number = below(world, CONSUMERS);
    struct stream_pending *pending = stream_pending_find(group, id_of(entry));
    assert_int_equal(pending != NULL, world->owner[g][entry] != 0);
    if (pending != NULL && below(world, 2) == 0) {
        stream_pending_remove(stream, group, pending);
        world->owner[g][entry] = 0;
        return;
    }
    struct stream_consumer *consumer = consumer_of(stream, group, number);
    if (pending == NULL)
        stream_pending_add(stream, group, consumer, id_of(entry), NOW);
    else
        stream_pending_give(pending, consumer);
    world->owner[g][entry] = (uint8_t)(number + 1);
}

static void drop_consumer(struct world *world, struct stream *stream, uint64_t g) {
    struct stream_group *group = group_of(stream, g);
    uint64_t number = below(world, CONSUMERS);
    stream_consumer_discard(world->db, stream, group, consumer_of(stream, group, number));
    for (uint64_t i = 0; i < ENTRIES; i++) {
        if (world->owner[g][i] == number + 1) world->owner[g][i] = 0;
    }
}

static void drop_group(struct world *world, struct stream *stream, uint64_t g) {
    stream_group_discard(world->db, stream, group_of(stream, g));
    memset(world->owner[g], 0, ENTRIES);
}

static void assert_pending(
    const struct world *world, const struct btree *tree, const uint8_t *owner, uint64_t only) {
    struct btree_cursor cursor;
    char room[24];
    struct stream_pending *pending = stream_pending_seek(tree, STREAM_ID_MIN, &cursor);
    (void)world;
    for (uint64_t i = 0; i < ENTRIES; i++) {
        if (owner[i] == 0 || (only != 0 && owner[i] != only)) continue;
        assert_non_null(pending);
        assert_int_equal(stream_id_compare(pending->id, id_of(i)), 0);
        struct slice name = name_of(owner[i] - 1u, room);
        assert_true(slice_equal(stream_consumer_name(pending->consumer), name));
        pending = btree_next(&cursor);
    }
    assert_null(pending);
}

static void assert_groups(const struct world *world, const struct stream *stream) {
    struct btree_cursor at_group, at_consumer;
    char room[24];
    uint64_t n_pending = 0, n_consumers = 0;
    for (uint64_t g = 0; g < GROUPS; g++) {
        const struct stream_group *group = stream_group_find(stream, name_of(g, room));
        if (group == NULL) continue;
        assert_pending(world, &group->pending, world->owner[g], 0);
        for (uint64_t c = 0; c < CONSUMERS; c++) {
            struct stream_consumer *consumer = stream_consumer_find(group, name_of(c, room));
            if (consumer != NULL) assert_pending(world, &consumer->pending, world->owner[g], c + 1);
        }
        n_pending += group->pending.n;
        n_consumers += group->consumers.n;
    }
    assert_int_equal(stream->n_pending, n_pending);
    assert_int_equal(stream->n_consumers, n_consumers);
    struct slice before = {NULL, 0};
    for (struct stream_group *group = stream_group_first(stream, &at_group); group != NULL;
         group = btree_next(&at_group)) {
        assert_true(slice_compare(before, stream_group_name(group)) < 0);
        before = stream_group_name(group);
        assert_true(
            group->consumers.n == 0 || btree_seek(&group->consumers, 0, &at_consumer) != NULL);
    }
}

static struct stream *stream_of_key(struct keyspace *keyspace) {
    struct db *db = keyspace_db(keyspace, 0);
    struct collection value = db_collection(db, db_find(db, key, NOW));
    return stream_groups_to_change(&value);
}

static void assert_reloads(struct world *world) {
    struct hash_secret secret = {3, 4};
    struct keyspace *loaded = keyspace_new(4, &secret);
    struct buf image = {0}, again = {0};
    keyspace_dump(world->keyspace, &image);
    assert_int_equal(keyspace_load(loaded, buf_slice(&image)), SF_OK);
    keyspace_dump(loaded, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_true(keyspace_digest(world->keyspace) == keyspace_digest(loaded));
    assert_int_equal(keyspace_used_bytes(loaded), keyspace_used_bytes(world->keyspace));
    assert_groups(world, stream_of_key(loaded));
    const struct stream *ours = stream_of_key(world->keyspace), *theirs = stream_of_key(loaded);
    assert_int_equal(stream_id_compare(ours->first, theirs->first), 0);
    buf_free(&image);
    buf_free(&again);
    keyspace_free(loaded);
}

static void assert_copies(struct world *world) {
    struct object *object = db_find(world->db, key, NOW);
    struct collection value = db_collection(world->db, object);
    struct collection copy = collection_copy(&value);
    struct buf image = {0}, again = {0};
    const struct collection_form *form = collection_form(copy.type, copy.encoding);
    form->put(value.value, &image);
    form->put(copy.value, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_int_equal(form->bytes(value.value), form->bytes(copy.value));
    assert_groups(world, stream_to_change(&copy));
    collection_free(&copy);
    buf_free(&image);
    buf_free(&again);
}

static void change(struct world *world) {
    struct object *object = db_find(world->db, key, NOW);
    struct collection value = db_collection(world->db, object);
    struct stream *stream = stream_groups_to_change(&value);
    uint64_t chance = below(world, 1000), g = below(world, GROUPS);
    if (chance < 100)
        add_entry(world, stream);
    else if (chance < 150)
        stream_remove(stream, id_of(below(world, ENTRIES)));
    else if (chance < 990)
        change_pending(world, stream, g);
    else if (chance < 997)
        drop_consumer(world, stream, g);
    else
        drop_group(world, stream, g);
    db_collection_counted(world->db, object, &value);
}

static void test_groups_match_a_model_and_reload_as_they_are(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct world world;
        world_open(&world, seed);
        world.thresholds.stream_node_max_entries = seed % 2 == 0 ? 5 : 100;
        for (int step = 0; step < 4000; step++) {
            change(&world);
            if (step % 200 != 0) continue;
            assert_groups(&world, stream_of_key(world.keyspace));
            assert_reloads(&world);
            assert_copies(&world);
        }
        world_close(&world);
    }
}

static void test_a_large_stream_is_freed_in_slices(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    for (int step = 0; step < 3000; step++)
        change_pending(&world, stream_of_key(world.keyspace), below(&world, GROUPS));
    uint64_t slices = 0;
    struct object *object = db_find(world.db, key, NOW);
    struct collection value = db_collection(world.db, object);
    assert_true(collection_size(&value) > 513);
    db_delete(world.db, key, NOW);
    assert_true(keyspace_used_bytes(world.keyspace) > 0);
    while (keyspace_free_some(world.keyspace, 100)) slices++;
    assert_true(slices > 5);
    world_close(&world);
}

/* one: all of the group's entries are of one consumer, and that goes; else the group. */
static uint64_t slices_of_a_group_that_goes(bool one, struct world *world) {
    struct object *object = db_find(world->db, key, NOW);
    struct collection value = db_collection(world->db, object);
    struct stream *stream = stream_groups_to_change(&value);
    struct stream_group *group =
        stream_group_create(stream, SLICE("large"), STREAM_ID_MIN, ENTRIES_READ_UNKNOWN);
    struct stream_consumer *first = stream_consumer_create(stream, group, SLICE("a"), NOW);
    struct stream_consumer *other = stream_consumer_create(stream, group, SLICE("b"), NOW);
    uint64_t slices = 0, n_pending = stream->n_pending;
    for (uint64_t i = 1; i <= 5000; i++)
        stream_pending_add(
            stream, group, one || i % 2 == 0 ? first : other, (struct stream_id){i, 0}, NOW);
    db_collection_counted(world->db, object, &value);
    size_t bytes = keyspace_used_bytes(world->keyspace);
    if (one)
        stream_consumer_discard(world->db, stream, group, first);
    else
        stream_group_discard(world->db, stream, group);
    db_collection_counted(world->db, object, &value);
    assert_int_equal(stream->n_pending, n_pending);
    assert_true(one == (stream_group_find(stream, SLICE("large")) != NULL));
    if (one) assert_int_equal(group->pending.n, 0);
    if (one) stream_group_destroy(stream, group);
    db_collection_counted(world->db, object, &value);
    assert_true(keyspace_used_bytes(world->keyspace) > bytes / 2); /* it is garbage still */
    while (keyspace_free_some(world->keyspace, 100)) slices++;
    assert_true(keyspace_used_bytes(world->keyspace) < bytes / 2);
    return slices;
}

static void test_what_a_group_or_a_consumer_held_is_freed_in_slices(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    assert_true(slices_of_a_group_that_goes(false, &world) >= 50);
    assert_true(slices_of_a_group_that_goes(true, &world) >= 50);
    world_close(&world);
}

static void test_an_empty_stream_stays_with_its_key(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    struct object *object = db_find(world.db, key, NOW);
    assert_non_null(object);
    struct collection value = db_collection(world.db, object);
    add_entry(&world, stream_to_change(&value));
    assert_true(stream_remove(stream_to_change(&value), id_of(0)));
    assert_true(db_collection_changed(world.db, object, &value));
    assert_int_equal(stream_length(stream_of_key(world.keyspace)), 0);
    assert_reloads(&world);
    world_close(&world);
}

static void test_changes_of_groups_leave_the_revision_alone(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    struct object *object = db_find(world.db, key, NOW);
    struct collection value = db_collection(world.db, object);
    uint64_t before = db_revision(world.db, key, NOW);
    group_of(stream_groups_to_change(&value), 0);
    db_collection_counted(world.db, object, &value);
    assert_true(db_revision(world.db, key, NOW) == before);
    assert_true(db_collection_changed(world.db, object, &value));
    assert_true(db_revision(world.db, key, NOW) != before);
    world_close(&world);
}

/* Every prefix, and many with a byte changed: refused, or a stream that can be put again. */
static void test_damaged_images_are_refused_or_harmless(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 2);
    for (int step = 0; step < 60; step++) change(&world);
    struct object *object = db_find(world.db, key, NOW);
    struct collection value = db_collection(world.db, object);
    const struct collection_form *form = collection_form(value.type, value.encoding);
    struct buf image = {0}, again = {0};
    form->put(value.value, &image);
    struct slice good = buf_slice(&image);
    char *bytes = sf_alloc(good.len);
    for (size_t i = 0; i < good.len + 3000; i++) {
        size_t len = i < good.len ? i : good.len;
        memcpy(bytes, good.data, good.len);
        if (i >= good.len) bytes[below(&world, len)] = (char)random_next(&world.random);
        struct reader in = reader_of(slice_of(bytes, len));
        void *loaded = form->read(value.types, &in);
        if (i < good.len) assert_null(loaded);
        if (loaded == NULL) continue;
        buf_clear(&again);
        form->put(loaded, &again);
        form->free(loaded);
    }
    buf_free(&image);
    buf_free(&again);
    sf_free(bytes);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_match_a_model_and_reload_as_they_are),
        cmocka_unit_test(test_a_large_stream_is_freed_in_slices),
        cmocka_unit_test(test_what_a_group_or_a_consumer_held_is_freed_in_slices),
        cmocka_unit_test(test_an_empty_stream_stays_with_its_key),
        cmocka_unit_test(test_changes_of_groups_leave_the_revision_alone),
        cmocka_unit_test(test_damaged_images_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
