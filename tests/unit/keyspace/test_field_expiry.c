/* Hashes whose fields have due times: against a model, through every way in which a value comes to
 * another place, and as they are reclaimed. */
#include "keyspace/hash.h"
#include "util/number.h"

#include "unit/check.h"
#include "unit/keyspace/rebuild.h"

#include <stdio.h>
#include <string.h>

#define DBS 2
#define KEYS 5
#define FIELDS 40
#define START_MS 1000

struct field {
    bool present;
    int value;
    int64_t due_ms;
};

struct key {
    int64_t due_ms; /* of the key itself */
    struct field fields[FIELDS];
};

struct world {
    struct keyspace *keyspace;
    struct thresholds thresholds;
    struct random random;
    int64_t now_ms;
    struct key keys[DBS][KEYS];
    int64_t last_due_ms; /* of what was reclaimed */
    uint64_t n_told;     /* fields of which the watcher was told */
};

static struct slice key_name(int key, char room[16]) {
    return slice_of(room, (size_t)snprintf(room, 16, "key-%d", key));
}

/* Numbers, short and long names. */
static struct slice field_name(int field, char room[120]) {
    if (field % 3 == 0) return slice_of(room, (size_t)snprintf(room, 120, "%d", field));
    size_t len = field % 7 == 0 ? 254 % 100 : 4;
    memset(room, 'f', len);
    return slice_of(room, len + (size_t)snprintf(room + len, 120 - len, "%d", field));
}

static struct db *db_of(struct world *world, int db) {
    return keyspace_db(world->keyspace, (uint32_t)db);
}

static uint64_t chance(struct world *world, uint64_t n) {
    return random_below(&world->random, n);
}

static void on_field_expired(
    void *context, uint32_t db, struct slice key, bool was_told, bool is_last) {
    struct world *world = context;
    (void)db, (void)key, (void)was_told, (void)is_last;
    world->n_told++;
}

static void world_open(struct world *world, uint64_t seed, int64_t max_entries) {
    struct hash_secret secret = {3, 4};
    *world = (struct world){.keyspace = keyspace_new(4, &secret),
        .thresholds = THRESHOLDS_DEFAULT,
        .random = random_from(seed),
        .now_ms = START_MS};
    world->thresholds.hash_max_listpack_entries = max_entries;
    struct keyspace_watcher watcher = {.context = world, .field_expired = on_field_expired};
    keyspace_watch(world->keyspace, &watcher);
    for (int db = 0; db < DBS; db++) {
        for (int key = 0; key < KEYS; key++) world->keys[db][key].due_ms = NO_DUE;
    }
}

static void world_close(struct world *world) {
    keyspace_free(world->keyspace); /* asserts that every byte and every piece was given back */
}

static int n_fields(const struct key *key) {
    int n = 0;
    for (int i = 0; i < FIELDS; i++) n += key->fields[i].present;
    return n;
}

static void key_gone(struct key *key) {
    *key = (struct key){.due_ms = NO_DUE};
}

/* -- changes --------------------------------------------------------------------------------- */

static void change_field(struct world *world, int d, int k) {
    struct db *db = db_of(world, d);
    struct key *model = &world->keys[d][k];
    char room[16], field_room[120], text[24];
    struct slice name = key_name(k, room);
    struct object *object = db_find_even_dead(db, name);
    assert_int_equal(object == NULL, n_fields(model) == 0);
    struct collection hash =
        object != NULL ? db_collection(db, object) : hash_new(db_collection_types(db));
    int f = (int)chance(world, FIELDS), value = (int)chance(world, 100000);
    struct field *field = &model->fields[f];
    struct slice field_text = field_name(f, field_room);
    int64_t due_ms =
        chance(world, 3) == 0 ? NO_DUE : world->now_ms + 1 + (int64_t)chance(world, 60);
    uint64_t what = chance(world, 10);
    if (what < 5) {
        struct slice shown = slice_of(text, (size_t)snprintf(text, sizeof text, "%d", value));
        bool is_new = hash_put(&hash, &world->thresholds, field_text, shown, due_ms);
        assert_int_equal(is_new, !field->present);
        *field = (struct field){true, value, due_ms};
    } else if (what < 8) {
        assert_int_equal(hash_set_due(&hash, field_text, due_ms), field->present);
        if (field->present) field->due_ms = due_ms;
    } else {
        assert_int_equal(hash_remove(&hash, field_text), field->present);
        field->present = false;
    }
    if (object == NULL && collection_size(&hash) > 0)
        db_add_collection(db, name, &hash, NO_DUE);
    else if (object == NULL)
        collection_free(&hash);
    else if (!db_collection_changed(db, object, &hash))
        key_gone(model);
}

static void change_key(struct world *world, int d, int k) {
    char room[16], other_room[16];
    struct db *db = db_of(world, d);
    struct slice name = key_name(k, room);
    struct object *object = db_find_even_dead(db, name);
    int to_d = (int)chance(world, DBS), to_k = (int)chance(world, KEYS);
    struct slice to = key_name(to_k, other_room);
    if (object == NULL) return;
    switch (chance(world, 6)) {
    case 0: { /* far in front of the others, or none */
        int64_t due_ms = chance(world, 2) == 0 ? NO_DUE : world->now_ms + 1000000;
        db_set_due(db, &object, due_ms);
        world->keys[d][k].due_ms = due_ms;
        break;
    }
    case 1:
        assert_true(db_delete(db, name, world->now_ms));
        key_gone(&world->keys[d][k]);
        break;
    case 2:
        if (d == to_d && k == to_k) break;
        db_move(db, name, db_of(world, to_d), to);
        world->keys[to_d][to_k] = world->keys[d][k];
        key_gone(&world->keys[d][k]);
        break;
    case 3: {
        if (d == to_d && k == to_k) break;
        struct collection held = db_collection(db, object), copy = collection_copy(&held);
        db_add_collection(db_of(world, to_d), to, &copy, object_due_ms(object));
        world->keys[to_d][to_k] = world->keys[d][k];
        break;
    }
    case 4:
        if (chance(world, 30) != 0) break;
        db_flush(db);
        for (int i = 0; i < KEYS; i++) key_gone(&world->keys[d][i]);
        break;
    default: {
        if (chance(world, 20) != 0) break;
        struct key kept[KEYS];
        memcpy(kept, world->keys[0], sizeof kept);
        memcpy(world->keys[0], world->keys[1], sizeof kept);
        memcpy(world->keys[1], kept, sizeof kept);
        keyspace_swap(world->keyspace, 0, 1);
    }
    }
}

/* -- looking --------------------------------------------------------------------------------- */

static int64_t first_due(const struct world *world) {
    int64_t first_ms = NO_DUE;
    for (int d = 0; d < DBS; d++) {
        for (int k = 0; k < KEYS; k++) {
            const struct key *key = &world->keys[d][k];
            first_ms = SF_MIN(first_ms, key->due_ms);
            for (int f = 0; f < FIELDS; f++) {
                if (key->fields[f].present) first_ms = SF_MIN(first_ms, key->fields[f].due_ms);
            }
        }
    }
    return first_ms;
}

static void check_hash(struct world *world, int d, int k) {
    char room[16], field_room[120], scratch[INT_TEXT_MAX];
    const struct key *model = &world->keys[d][k];
    struct object *object = db_find_even_dead(db_of(world, d), key_name(k, room));
    assert_int_equal(object == NULL, n_fields(model) == 0);
    if (object == NULL) return;
    assert_true(object_due_ms(object) == model->due_ms);
    struct collection hash = db_collection(db_of(world, d), object);
    assert_int_equal(collection_size(&hash), n_fields(model));
    uint64_t n_dead = 0;
    int64_t first_ms = NO_DUE, next_ms = world->now_ms + 20;
    for (int f = 0; f < FIELDS; f++) {
        struct slice value;
        int64_t due_ms;
        const struct field *field = &model->fields[f];
        bool found = hash_get_due(&hash, field_name(f, field_room), scratch, &value, &due_ms);
        assert_int_equal(found, field->present);
        if (!found) continue;
        int64_t number;
        assert_true(int_parse(value, &number) && number == field->value);
        assert_true(due_ms == field->due_ms);
        first_ms = SF_MIN(first_ms, due_ms);
        n_dead += due_ms <= next_ms;
    }
    assert_true(hash_first_due(&hash) == first_ms);
    assert_int_equal(hash_n_dead(&hash, next_ms), n_dead);
    if (object_encoding(object) == ENCODING_HASHTABLE_DUE) assert_true(first_ms != NO_DUE);
    struct hash_pair at;
    struct hash_iterator next = hash_iterate(&hash);
    uint64_t rank = 0;
    for (struct hash_pair pair; hash_next(&next, &pair); rank++) {
        hash_at(&hash, rank, &at);
        assert_true(slice_equal(at.field, pair.field) && slice_equal(at.value, pair.value));
        assert_true(at.due_ms == pair.due_ms);
    }
    assert_int_equal(rank, collection_size(&hash));
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
    assert_true(keyspace_next_due(world->keyspace) == keyspace_next_due(loaded));
    /* and both go on alike */
    int64_t later_ms = world->now_ms + 30;
    uint64_t n = keyspace_reclaim(loaded, later_ms, UINT64_MAX, NULL, NULL);
    if (n > 0) assert_true(keyspace_digest(world->keyspace) != keyspace_digest(loaded));
    buf_free(&image);
    buf_free(&again);
    keyspace_free(loaded);
}

static void check(struct world *world) {
    for (int d = 0; d < DBS; d++) {
        for (int k = 0; k < KEYS; k++) check_hash(world, d, k);
    }
    assert_true(keyspace_next_due(world->keyspace) == first_due(world));
    check_reload(world);
}

/* Takes out what the model says is due; the keyspace within a budget, in the order of time. */
static void reclaim(struct world *world) {
    uint64_t n = 0, told = world->n_told;
    for (int d = 0; d < DBS; d++) {
        for (int k = 0; k < KEYS; k++) {
            struct key *key = &world->keys[d][k];
            for (int f = 0; f < FIELDS; f++) {
                struct field *field = &key->fields[f];
                if (!field->present || field->due_ms > world->now_ms) continue;
                field->present = false;
                n++;
            }
            if (n_fields(key) == 0) key_gone(key);
        }
    }
    uint64_t gone = 0;
    for (;;) {
        int64_t due_ms = keyspace_next_due(world->keyspace);
        uint64_t some = keyspace_reclaim(world->keyspace, world->now_ms, 1, NULL, NULL);
        if (some == 0) break;
        assert_true(due_ms <= world->now_ms);
        assert_true(keyspace_next_due(world->keyspace) >= due_ms);
        gone += some;
    }
    assert_int_equal(gone, n);
    assert_int_equal(world->n_told - told, n);
}

static void test_fields_match_a_model_and_go_in_their_time(void **state) {
    (void)state;
    static const int64_t entries[] = {512, 3, 12, 0};
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct world world;
        world_open(&world, seed, entries[seed % 4]);
        for (int step = 0; step < 3000; step++) {
            int d = (int)chance(&world, DBS), k = (int)chance(&world, KEYS);
            if (chance(&world, 12) == 0)
                change_key(&world, d, k);
            else
                change_field(&world, d, k);
            if (chance(&world, 4) == 0) {
                world.now_ms += (int64_t)chance(&world, 6);
                reclaim(&world);
            }
            if (step % 200 == 0) check(&world);
        }
        world.now_ms += 100;
        reclaim(&world);
        check(&world);
        world_close(&world);
    }
}

/* -- forms ----------------------------------------------------------------------------------- */

static struct collection hash_of(struct world *world, int n, int64_t due_ms) {
    struct collection hash = hash_new(db_collection_types(db_of(world, 0)));
    char text[32];
    for (int i = 0; i < n; i++) {
        struct slice field = slice_of(text, (size_t)snprintf(text, sizeof text, "field-%06d", i));
        hash_put(&hash, &world->thresholds, field, field, due_ms);
    }
    return hash;
}

static void test_a_table_without_due_times_is_one_that_never_had_any(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1, 4);
    struct db *db = db_of(&world, 0);
    struct collection hash = hash_of(&world, 100, NO_DUE);
    assert_int_equal(hash.encoding, ENCODING_HASHTABLE);
    struct object *object = db_add_collection(db, SLICE("h"), &hash, NO_DUE);
    size_t bytes = keyspace_used_bytes(world.keyspace);
    hash = db_collection(db, object);
    hash_set_due(&hash, SLICE("field-000007"), 5000);
    db_collection_changed(db, object, &hash);
    assert_int_equal(object_encoding(object), ENCODING_HASHTABLE_DUE);
    assert_true(keyspace_next_due(world.keyspace) == 5000);
    assert_true(keyspace_used_bytes(world.keyspace) > bytes);
    hash_set_due(&hash, SLICE("field-000007"), NO_DUE);
    db_collection_changed(db, object, &hash);
    assert_int_equal(object_encoding(object), ENCODING_HASHTABLE);
    assert_true(keyspace_next_due(world.keyspace) == NO_DUE);
    assert_int_equal(keyspace_used_bytes(world.keyspace), bytes);
    world_close(&world);
}

static void test_packed_fields_stand_in_the_order_of_their_time(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1, 512);
    struct collection hash = hash_new(db_collection_types(db_of(&world, 0)));
    static const struct {
        const char *field;
        int64_t due_ms;
    } puts[] = {{"a", NO_DUE}, {"b", 30}, {"c", 10}, {"d", NO_DUE}, {"e", 30}, {"f", 20}};
    for (size_t i = 0; i < SF_LENGTH(puts); i++)
        hash_put(&hash, &world.thresholds, slice_text(puts[i].field), SLICE("v"), puts[i].due_ms);
    struct hash_iterator next = hash_iterate(&hash);
    char order[8] = {0};
    size_t n = 0;
    for (struct hash_pair pair; hash_next(&next, &pair);) order[n++] = pair.field.data[0];
    assert_string_equal(order, "cfbead");
    assert_int_equal(hash.encoding, ENCODING_LISTPACK_DUE);
    collection_free(&hash);
    world_close(&world);
}

static void test_large_hashes_with_due_times_are_freed_in_slices(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1, 512);
    struct db *db = db_of(&world, 0);
    struct collection hash = hash_of(&world, 20000, 5000);
    db_add_collection(db, SLICE("h"), &hash, NO_DUE);
    assert_int_equal(db_field_expiring_size(db), 1);
    assert_true(db_delete(db, SLICE("h"), START_MS));
    assert_true(keyspace_next_due(world.keyspace) == NO_DUE);
    int slices = 0;
    while (keyspace_free_some(world.keyspace, 1000)) slices++;
    assert_in_range(slices, 30, 60); /* the index, then the fields */
    world_close(&world);
}

static void test_a_due_time_takes_little_memory(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1, 512);
    enum { N = 20000 };
    struct collection plain = hash_of(&world, N, NO_DUE), due = hash_of(&world, N, 5000);
    const struct collection_form *form = collection_form(OBJECT_HASH, due.encoding);
    size_t bytes = form->bytes(due.value);
    size_t without = collection_form(OBJECT_HASH, plain.encoding)->bytes(plain.value);
    assert_in_range(bytes - without, N * 8, N * 30);
    collection_free(&plain);
    collection_free(&due);
    world_close(&world);
}

/* -- revisions ------------------------------------------------------------------------------- */

static void test_a_watcher_sees_that_fields_die(void **state) {
    (void)state;
    for (int64_t entries = 0; entries <= 512; entries += 512) {
        struct world world;
        world_open(&world, 1, entries);
        struct db *db = db_of(&world, 0);
        struct collection hash = hash_of(&world, 3, 2000);
        hash_set_due(&hash, SLICE("field-000001"), 3000);
        hash_set_due(&hash, SLICE("field-000002"), NO_DUE);
        struct object *object = db_add_collection(db, SLICE("h"), &hash, NO_DUE);
        uint64_t before = db_revision(db, SLICE("h"), 1999),
                 one = db_revision(db, SLICE("h"), 2000);
        assert_true(before != one);
        assert_true(one != db_revision(db, SLICE("h"), 3000));
        assert_true(db_expires_between(db, object, 1999, 2000));
        assert_false(db_expires_between(db, object, 2000, 2999));
        keyspace_reclaim(world.keyspace, 2500, 100, NULL, NULL);
        assert_true(db_revision(db, SLICE("h"), 2500) != before);
        world_close(&world);
    }
}

/* -- walks ----------------------------------------------------------------------------------- */

static void set_due(struct world *world, int field, int64_t due_ms) {
    struct db *db = db_of(world, 0);
    struct object *object = db_find_even_dead(db, SLICE("h"));
    struct collection hash = db_collection(db, object);
    char text[32];
    int len = snprintf(text, sizeof text, "field-%06d", field);
    assert_true(hash_set_due(&hash, slice_of(text, (size_t)len), due_ms));
    assert_true(db_collection_changed(db, object, &hash));
}

/* What is there and what was there, whichever form it takes in between. */
static void test_a_walk_shows_due_times_as_they_were_while_the_form_changes(void **state) {
    (void)state;
    for (int begin_with = 0; begin_with < 3; begin_with++) {
        struct world world;
        world_open(&world, 1, 512);
        struct db *db = db_of(&world, 0);
        struct collection hash = hash_of(&world, 3000, NO_DUE);
        db_add_collection(db, SLICE("h"), &hash, NO_DUE);
        for (int i = 0; i < begin_with; i++) set_due(&world, 1000 + i, 5000);
        struct buf before = {0};
        keyspace_dump(world.keyspace, &before);
        struct rebuild rebuild;
        rebuild_begin(&rebuild, world.keyspace);
        struct walk *walk = keyspace_walk_begin(world.keyspace);
        int step = 0;
        while (!walk_some(walk, &rebuild.sink, 100)) {
            step++;
            if (step % 3 == 0)
                keyspace_reclaim(world.keyspace, 6000, UINT64_MAX, NULL, NULL);
            else
                set_due(&world, 2000 + step, 6000);
        }
        assert_true(step > 20);
        rebuild_check(&rebuild, walk, &before);
        walk_end(walk);
        buf_free(&before);
        world_close(&world);
    }
}

static void test_damaged_images_are_refused_or_harmless(void **state) {
    (void)state;
    for (int64_t entries = 0; entries <= 512; entries += 512) {
        struct world world;
        world_open(&world, 1, entries);
        struct collection hash = hash_of(&world, 12, 300);
        hash_set_due(&hash, SLICE("field-000001"), NO_DUE);
        hash_set_due(&hash, SLICE("field-000002"), 7);
        db_add_collection(db_of(&world, 0), SLICE("h"), &hash, NO_DUE);
        struct buf image = {0};
        keyspace_dump(world.keyspace, &image);
        struct hash_secret secret = {3, 4};
        struct keyspace *loaded = keyspace_new(4, &secret);
        for (size_t len = 0; len < image.len; len++)
            assert_int_equal(
                keyspace_load(loaded, slice_of(buf_slice(&image).data, len)), SF_ERR_CORRUPT);
        char *damaged = sf_alloc(image.len);
        for (size_t i = 0; i < image.len * 8; i++) {
            memcpy(damaged, buf_slice(&image).data, image.len);
            damaged[i / 8] = (char)(damaged[i / 8] ^ 1 << (i % 8));
            if (keyspace_load(loaded, slice_of(damaged, image.len)) == SF_OK)
                keyspace_reclaim(loaded, NO_DUE - 1, UINT64_MAX, NULL, NULL);
        }
        sf_free(damaged);
        buf_free(&image);
        keyspace_free(loaded);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_match_a_model_and_go_in_their_time),
        cmocka_unit_test(test_a_table_without_due_times_is_one_that_never_had_any),
        cmocka_unit_test(test_packed_fields_stand_in_the_order_of_their_time),
        cmocka_unit_test(test_large_hashes_with_due_times_are_freed_in_slices),
        cmocka_unit_test(test_a_due_time_takes_little_memory),
        cmocka_unit_test(test_a_watcher_sees_that_fields_die),
        cmocka_unit_test(test_a_walk_shows_due_times_as_they_were_while_the_form_changes),
        cmocka_unit_test(test_damaged_images_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
