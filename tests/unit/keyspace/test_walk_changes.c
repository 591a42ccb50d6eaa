/* Walks beside random changes: each shows what was there when it began. */
#include "unit/keyspace/changes.h"
#include "unit/keyspace/rebuild.h"

struct open_walk {
    struct walk *walk;
    struct rebuild rebuild;
    struct buf image;
};

struct world {
    struct changes changes;
    struct random random; /* of the walks */
    struct open_walk walks[WALKS_MAX];
    uint64_t n_whole, n_large;
};

static void begin(struct world *world, struct open_walk *open) {
    keyspace_dump(world->changes.keyspace, &open->image);
    open->walk = keyspace_walk_begin(world->changes.keyspace);
    assert_non_null(open->walk);
    if (random_below(&world->random, 2) == 0) walk_in_any_order(open->walk);
    rebuild_begin(&open->rebuild, world->changes.keyspace);
    if (random_below(&world->random, 3) > 0) rebuild_groups(&open->rebuild);
}

static void end(struct open_walk *open) {
    walk_end(open->walk);
    buf_free(&open->image);
    open->walk = NULL;
}

static void drop(struct open_walk *open) {
    end(open);
    rebuild_drop(&open->rebuild);
}

static void go_on(struct world *world, struct open_walk *open) {
    static const uint64_t budgets[] = {1, 2, 5, 20, 100, 1000, 10000};
    uint64_t budget = budgets[random_below(&world->random, SF_LENGTH(budgets))];
    assert_true(walk_done_keys(open->walk) <= walk_n_keys(open->walk));
    if (!walk_some(open->walk, &open->rebuild.sink, budget)) return;
    world->n_whole++;
    world->n_large += open->rebuild.n_large;
    rebuild_check(&open->rebuild, open->walk, &open->image);
    end(open);
}

static void step(struct world *world) {
    struct open_walk *open = &world->walks[random_below(&world->random, WALKS_MAX)];
    if (open->walk != NULL && random_below(&world->random, 500) == 0)
        drop(open);
    else if (open->walk != NULL)
        go_on(world, open);
    else if (random_below(&world->random, 30) == 0)
        begin(world, open);
}

static void world_begin(struct world *world, uint64_t seed) {
    *world = (struct world){.random = random_from(seed + 1000)};
    changes_begin(&world->changes, seed, 4);
    if (seed % 3 == 0) /* small values are kept as large ones are */
        world->changes.keyspace->walks.large_elements = seed % 2;
}

static void world_end(struct world *world) {
    for (uint32_t i = 0; i < WALKS_MAX; i++) {
        if (world->walks[i].walk != NULL) drop(&world->walks[i]);
    }
    changes_end(&world->changes);
}

static void test_walks_beside_random_changes_show_what_was_there_when_they_began(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world world;
        world_begin(&world, seed);
        for (uint32_t i = 0; i < 4000; i++) {
            changes_one(&world.changes);
            step(&world);
        }
        assert_true(world.n_whole > 10 && world.n_large > 20);
        world_end(&world);
    }
}

/* Few changes of few keys for each slice: walks that go through large values while those change. */
static void test_walks_inside_large_values_see_none_of_their_changes(void **state) {
    (void)state;
    for (uint64_t seed = 100; seed < 103; seed++) {
        struct world world;
        world_begin(&world, seed);
        world.changes.n_keys = 4;
        for (uint32_t i = 0; i < 4000; i++) {
            changes_one(&world.changes);
            for (uint32_t k = 0; k < 4; k++) step(&world);
        }
        assert_true(world.n_large > 20);
        world_end(&world);
    }
}

/* Values that go out of their objects and in again. */
static void test_walks_beside_small_values_show_what_was_there_when_they_began(void **state) {
    (void)state;
    for (uint64_t seed = 300; seed < 304; seed++) {
        struct world world;
        world_begin(&world, seed);
        world.changes.n_elements = 8;
        for (uint32_t i = 0; i < 4000; i++) {
            changes_one(&world.changes);
            step(&world);
        }
        assert_true(world.n_whole > 10);
        world_end(&world);
    }
}

/* S1: neither state nor order of anything tells whether there were walks. */
static void test_walks_leave_no_trace(void **state) {
    (void)state;
    struct world world;
    struct changes alone;
    world_begin(&world, 77);
    changes_begin(&alone, 77, 4);
    for (uint32_t i = 0; i < 4000; i++) {
        changes_one(&world.changes);
        changes_one(&alone);
        step(&world);
    }
    struct buf beside = {0}, without = {0};
    keyspace_dump(world.changes.keyspace, &beside);
    keyspace_dump(alone.keyspace, &without);
    assert_int_equal(beside.len, without.len);
    assert_memory_equal(beside.data, without.data, beside.len);
    assert_true(keyspace_digest(world.changes.keyspace) == keyspace_digest(alone.keyspace));
    buf_free(&beside);
    buf_free(&without);
    world_end(&world);
    changes_end(&alone);
}

static void test_a_keyspace_that_is_reset_or_freed_cuts_its_walks_off(void **state) {
    (void)state;
    struct world world;
    for (uint64_t seed = 200; seed < 204; seed++) {
        world_begin(&world, seed);
        for (uint32_t i = 0; i < 1500; i++) {
            changes_one(&world.changes);
            step(&world);
        }
        for (uint32_t i = 0; i < WALKS_MAX; i++) {
            if (world.walks[i].walk == NULL) begin(&world, &world.walks[i]);
        }
        for (uint32_t i = 0; i < 100; i++) changes_one(&world.changes);
        if (seed % 2 == 0) keyspace_reset(world.changes.keyspace);
        if (seed % 2 == 0)
            for (uint32_t i = 0; i < 500; i++) changes_one(&world.changes);
        changes_end(&world.changes);
        for (uint32_t i = 0; i < WALKS_MAX; i++) {
            assert_true(walk_is_cut(world.walks[i].walk));
            assert_true(walk_some(world.walks[i].walk, &world.walks[i].rebuild.sink, 100));
            drop(&world.walks[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks_beside_random_changes_show_what_was_there_when_they_began),
        cmocka_unit_test(test_walks_inside_large_values_see_none_of_their_changes),
        cmocka_unit_test(test_walks_beside_small_values_show_what_was_there_when_they_began),
        cmocka_unit_test(test_walks_leave_no_trace),
        cmocka_unit_test(test_a_keyspace_that_is_reset_or_freed_cuts_its_walks_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
