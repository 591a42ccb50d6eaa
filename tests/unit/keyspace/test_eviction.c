/* Who goes when memory is short, and that nobody else can tell who was used. */
#include "keyspace/eviction.h"

#include "unit/check.h"
#include <stdio.h>

static const struct hash_secret secret = {11, 22};

struct world {
    struct keyspace *keyspace;
    struct evictor *evictor;
    struct memory_policy memory;
    struct random random;
};

static struct world world_new(enum eviction_policy policy) {
    struct world world = {.keyspace = keyspace_new(4, &secret),
        .evictor = evictor_new(),
        .memory = MEMORY_POLICY_DEFAULT,
        .random = random_from(7)};
    world.memory.policy = policy;
    keyspace_set_access(world.keyspace, &world.memory, 1000);
    return world;
}

static void world_free(struct world *world) {
    evictor_free(world->evictor);
    keyspace_free(world->keyspace);
}

static void at_second(struct world *world, int64_t now_s) {
    keyspace_set_access(world->keyspace, &world->memory, now_s);
}

static struct object *add(struct world *world, uint32_t db, int number, int64_t due_ms) {
    char name[32];
    snprintf(name, sizeof name, "key:%d", number);
    return db_set_string(
        keyspace_db(world->keyspace, db), slice_text(name), SLICE("value"), due_ms);
}

static struct object *find(struct world *world, uint32_t db, int number) {
    char name[32];
    snprintf(name, sizeof name, "key:%d", number);
    return db_find_even_dead(keyspace_db(world->keyspace, db), slice_text(name));
}

static bool next(struct world *world, struct victim *victim) {
    return evictor_next(world->evictor, world->keyspace, &world->memory, &world->random, victim);
}

static int number_of(const struct victim *victim) {
    struct slice key = object_key(victim->object);
    char text[32] = {0};
    memcpy(text, key.data, key.len);
    int number = -1;
    sscanf(text, "key:%d", &number);
    return number;
}

static void test_lru_prefers_what_was_not_used_for_long(void **state) {
    (void)state;
    struct world world = world_new(POLICY_ALLKEYS_LRU);
    for (int i = 0; i < 1000; i++) {
        at_second(&world, 1000 + i);
        add(&world, 0, i, NO_DUE);
    }
    at_second(&world, 5000);
    for (int i = 0; i < 500; i++) /* the oldest half was read meanwhile */
        db_note_access(keyspace_db(world.keyspace, 0), find(&world, 0, i));
    evictor_begin(world.evictor, world.keyspace);
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
        struct victim victim;
        assert_true(next(&world, &victim));
        wrong += number_of(&victim) < 500;
        assert_true(victim.bytes > 20);
    }
    assert_true(wrong < 10);
    world_free(&world);
}

static void test_lfu_prefers_what_was_used_seldom(void **state) {
    (void)state;
    struct world world = world_new(POLICY_ALLKEYS_LFU);
    struct db *db = keyspace_db(world.keyspace, 0);
    for (int i = 0; i < 400; i++) add(&world, 0, i, NO_DUE);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 200; k++) db_note_access(db, find(&world, 0, i));
    }
    assert_true(db_frequency(db, find(&world, 0, 0)) > 10);
    assert_int_equal(db_frequency(db, find(&world, 0, 399)), 5);
    evictor_begin(world.evictor, world.keyspace);
    for (int i = 0; i < 100; i++) {
        struct victim victim;
        assert_true(next(&world, &victim));
        assert_true(number_of(&victim) >= 200);
    }
    world_free(&world);
}

static void test_a_frequency_falls_with_time_and_idle_time_wraps(void **state) {
    (void)state;
    struct world world = world_new(POLICY_ALLKEYS_LFU);
    struct db *db = keyspace_db(world.keyspace, 0);
    add(&world, 0, 1, NO_DUE);
    at_second(&world, 1000 + 3 * 60);
    assert_in_range(db_frequency(db, find(&world, 0, 1)), 1, 3);
    at_second(&world, 1000 + 3600);
    assert_int_equal(db_frequency(db, find(&world, 0, 1)), 0);
    world.memory.policy = POLICY_ALLKEYS_LRU;
    at_second(&world, (1 << 21) - 5);
    add(&world, 0, 2, NO_DUE);
    at_second(&world, (1 << 21) + 7);
    assert_int_equal(db_idle_s(db, find(&world, 0, 2)), 12);
    world_free(&world);
}

static void test_ttl_takes_the_keys_in_order_of_their_due_times_over_all_dbs(void **state) {
    (void)state;
    struct world world = world_new(POLICY_VOLATILE_TTL);
    for (int i = 0; i < 300; i++) add(&world, (uint32_t)i % 3, i, 10000 + i * 7919 % 300);
    add(&world, 1, 1000, NO_DUE);
    int64_t last = 0;
    for (int i = 0; i < 300; i++) {
        struct victim victim;
        if (i % 50 == 0) evictor_begin(world.evictor, world.keyspace);
        assert_true(next(&world, &victim));
        assert_true(object_due_ms(victim.object) >= last);
        last = object_due_ms(victim.object);
    }
    struct victim none;
    assert_false(next(&world, &none));
    world_free(&world);
}

static void test_volatile_policies_leave_keys_without_due_time(void **state) {
    (void)state;
    static const enum eviction_policy policies[] = {
        POLICY_VOLATILE_LRU, POLICY_VOLATILE_LFU, POLICY_VOLATILE_RANDOM, POLICY_VOLATILE_TTL};
    for (size_t p = 0; p < SF_LENGTH(policies); p++) {
        struct world world = world_new(policies[p]);
        struct victim victim;
        for (int i = 0; i < 100; i++) add(&world, 0, i, NO_DUE);
        evictor_begin(world.evictor, world.keyspace);
        assert_false(next(&world, &victim));
        for (int i = 50; i < 60; i++) add(&world, 0, i, 5000);
        evictor_begin(world.evictor, world.keyspace);
        for (int i = 0; i < 5; i++) {
            assert_true(next(&world, &victim));
            assert_in_range(number_of(&victim), 50, 59);
        }
        world_free(&world);
    }
}

static void test_nobody_is_chosen_twice_until_settled(void **state) {
    (void)state;
    static const enum eviction_policy policies[] = {
        POLICY_ALLKEYS_LRU, POLICY_ALLKEYS_LFU, POLICY_ALLKEYS_RANDOM};
    for (size_t p = 0; p < SF_LENGTH(policies); p++) {
        struct world world = world_new(policies[p]);
        bool chosen[200] = {false};
        uint64_t marks[200];
        uint32_t n = 0;
        struct victim victim;
        for (int i = 0; i < 200; i++) add(&world, (uint32_t)i % 4, i, NO_DUE);
        evictor_begin(world.evictor, world.keyspace);
        while (n < 150 && next(&world, &victim)) {
            assert_false(chosen[number_of(&victim)]);
            chosen[number_of(&victim)] = true;
            marks[n++] = victim.mark;
        }
        assert_int_equal(n, 150);
        assert_int_equal(evictor_doomed(world.evictor), 150);
        for (uint32_t i = 0; i < n; i++) evictor_settle(world.evictor, marks[i]);
        assert_int_equal(evictor_doomed(world.evictor), 0);
        assert_true(next(&world, &victim));
        world_free(&world);
    }
}

static void test_an_eviction_is_void_where_the_key_was_changed(void **state) {
    (void)state;
    struct world world = world_new(POLICY_ALLKEYS_LRU);
    struct db *db = keyspace_db(world.keyspace, 0);
    uint64_t seen = object_revision(add(&world, 0, 1, NO_DUE));
    add(&world, 0, 1, NO_DUE);
    assert_false(db_evict(db, SLICE("key:1"), seen));
    assert_false(db_evict(db, SLICE("nobody"), 1));
    uint64_t watched = db_revision(db, SLICE("key:1"), 0);
    assert_true(db_evict(db, SLICE("key:1"), object_revision(find(&world, 0, 1))));
    assert_null(find(&world, 0, 1));
    assert_true(db_revision(db, SLICE("key:1"), 0) != watched);
    world_free(&world);
}

static void test_accesses_stand_in_no_digest_and_no_image(void **state) {
    (void)state;
    struct world world = world_new(POLICY_ALLKEYS_LRU);
    struct db *db = keyspace_db(world.keyspace, 0);
    for (int i = 0; i < 50; i++) add(&world, 0, i, i % 2 == 0 ? NO_DUE : 100000 + i);
    uint64_t digest = keyspace_digest(world.keyspace);
    size_t bytes = keyspace_used_bytes(world.keyspace);
    struct buf before = {0}, after = {0};
    keyspace_dump(world.keyspace, &before);
    at_second(&world, 1999999);
    for (int i = 0; i < 50; i++) {
        uint64_t revision = object_revision(find(&world, 0, i));
        int64_t due_ms = object_due_ms(find(&world, 0, i));
        db_note_access(db, find(&world, 0, i));
        assert_int_equal(object_revision(find(&world, 0, i)), revision);
        assert_int_equal(object_due_ms(find(&world, 0, i)), due_ms);
        assert_int_equal(object_type(find(&world, 0, i)), OBJECT_STRING);
        assert_int_equal(db_idle_s(db, find(&world, 0, i)), 0);
    }
    keyspace_dump(world.keyspace, &after);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    assert_int_equal(keyspace_digest(world.keyspace), digest);
    assert_int_equal(keyspace_used_bytes(world.keyspace), bytes);
    buf_free(&before);
    buf_free(&after);
    world_free(&world);
}

static void test_settings_are_read_as_the_configuration_writes_them(void **state) {
    (void)state;
    struct memory_policy memory = MEMORY_POLICY_DEFAULT;
    assert_true(memory_policy_set(&memory, SLICE("MaxMemory"), SLICE("100mb")));
    assert_int_equal(memory.maxmemory, 100 << 20);
    assert_true(memory_policy_set(&memory, SLICE("maxmemory-policy"), SLICE("Volatile-TTL")));
    assert_int_equal(memory.policy, POLICY_VOLATILE_TTL);
    assert_false(memory_policy_set(&memory, SLICE("maxmemory-policy"), SLICE("sometimes")));
    assert_false(memory_policy_set(&memory, SLICE("maxmemory-samples"), SLICE("0")));
    assert_false(memory_policy_set(&memory, SLICE("lfu-decay-time"), SLICE("-1")));
    assert_false(memory_policy_set(&memory, SLICE("hz"), SLICE("10")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_prefers_what_was_not_used_for_long),
        cmocka_unit_test(test_lfu_prefers_what_was_used_seldom),
        cmocka_unit_test(test_a_frequency_falls_with_time_and_idle_time_wraps),
        cmocka_unit_test(test_ttl_takes_the_keys_in_order_of_their_due_times_over_all_dbs),
        cmocka_unit_test(test_volatile_policies_leave_keys_without_due_time),
        cmocka_unit_test(test_nobody_is_chosen_twice_until_settled),
        cmocka_unit_test(test_an_eviction_is_void_where_the_key_was_changed),
        cmocka_unit_test(test_accesses_stand_in_no_digest_and_no_image),
        cmocka_unit_test(test_settings_are_read_as_the_configuration_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
