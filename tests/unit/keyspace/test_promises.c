/* Single promises of keyspace.h, one scenario each. */
#include "keyspace/keyspace.h"

#include "util/codec.h"

#include "unit/check.h"
#include <stdio.h>
#include <stdlib.h>

static const struct hash_secret secret = {7, 11};

static struct keyspace *one_db(struct db **db) {
    struct keyspace *keyspace = keyspace_new(1, &secret);
    *db = keyspace_db(keyspace, 0);
    return keyspace;
}

static struct slice numbered(char text[32], uint32_t i) {
    return slice_of(text, (size_t)snprintf(text, 32, "key:%012u", i));
}

static void add_keys(struct db *db, uint32_t from, uint32_t to, int64_t due_ms) {
    char text[32];
    for (uint32_t i = from; i < to; i++) db_set_string(db, numbered(text, i), SLICE("v"), due_ms);
}

/* -- revisions -----------------------------------------------------------------------------------
 */

static void test_a_watcher_sees_a_key_come_change_and_go(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    struct slice key = SLICE("k");
    uint64_t absent = db_revision(db, key, 0);
    db_set_string(db, key, SLICE("1"), NO_DUE);
    uint64_t first = db_revision(db, key, 0);
    db_set_string(db, key, SLICE("1"), NO_DUE);
    uint64_t second = db_revision(db, key, 0);
    db_delete(db, key, 0);
    uint64_t gone = db_revision(db, key, 0);
    db_set_string(db, key, SLICE("1"), NO_DUE);
    db_delete(db, key, 0);
    uint64_t gone_again = db_revision(db, key, 0);
    uint64_t seen[] = {absent, first, second, gone, gone_again};
    for (size_t i = 0; i < SF_LENGTH(seen); i++) {
        for (size_t j = 0; j < i; j++) assert_true(seen[i] != seen[j]);
    }
    keyspace_free(keyspace);
}

static void test_a_watcher_of_a_living_key_sees_it_expire_whether_reclaimed_or_not(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    db_set_string(db, SLICE("k"), SLICE("1"), 100);
    uint64_t alive = db_revision(db, SLICE("k"), 99);
    uint64_t dead = db_revision(db, SLICE("k"), 100);
    assert_true(alive != dead);
    assert_int_equal(keyspace_reclaim(keyspace, 100, 10, NULL, NULL), 1);
    assert_true(db_revision(db, SLICE("k"), 100) == dead);
    assert_int_equal(keyspace_revision(keyspace), 1); /* reclaiming changes nothing anew */
    keyspace_free(keyspace);
}

/* Whether the dead key was reclaimed before the same name came back leaves no trace. */
static void test_setting_a_dead_key_s_name_equals_reclaiming_first(void **state) {
    (void)state;
    struct db *db[2];
    struct keyspace *keyspaces[2];
    for (int i = 0; i < 2; i++) {
        keyspaces[i] = one_db(&db[i]);
        db_set_string(db[i], SLICE("k"), SLICE("old"), 100);
        db_set_string(db[i], SLICE("m"), SLICE("old"), 100);
        db_set_string(db[i], SLICE("n"), SLICE("old"), 100);
        db_set_string(db[i], SLICE("alive"), SLICE("1"), NO_DUE);
        if (i == 0) assert_int_equal(keyspace_reclaim(keyspaces[i], 200, 10, NULL, NULL), 3);
        db_set_string(db[i], SLICE("k"), SLICE("new"), NO_DUE);
        db_move(db[i], SLICE("alive"), db[i], SLICE("m"));
        assert_false(db_delete(db[i], SLICE("n"), 200));
    }
    assert_true(keyspace_digest(keyspaces[0]) == keyspace_digest(keyspaces[1]));
    keyspace_free(keyspaces[0]);
    keyspace_free(keyspaces[1]);
}

static void test_a_swap_there_and_back_is_seen_by_watchers_of_present_keys(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(2, &secret);
    struct db *zero = keyspace_db(keyspace, 0), *one = keyspace_db(keyspace, 1);
    db_set_string(zero, SLICE("k"), SLICE("1"), NO_DUE);
    uint64_t before = db_revision(zero, SLICE("k"), 0);
    keyspace_swap(keyspace, 0, 1);
    assert_true(db_revision(zero, SLICE("k"), 0) != before);
    assert_non_null(db_find(one, SLICE("k"), 0));
    keyspace_swap(keyspace, 0, 1);
    assert_non_null(db_find(zero, SLICE("k"), 0));
    assert_true(db_revision(zero, SLICE("k"), 0) != before);
    keyspace_free(keyspace);
}

static void test_a_key_that_came_and_was_swapped_away_is_seen_by_who_watched_it_absent(
    void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(2, &secret);
    struct db *zero = keyspace_db(keyspace, 0);
    uint64_t before = db_revision(zero, SLICE("k"), 0);
    db_set_string(zero, SLICE("k"), SLICE("1"), NO_DUE);
    keyspace_swap(keyspace, 0, 1);
    assert_null(db_find(zero, SLICE("k"), 0));
    assert_true(db_revision(zero, SLICE("k"), 0) != before);
    keyspace_free(keyspace);
}

static void test_flushing_or_swapping_dbs_without_keys_changes_nothing(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(2, &secret);
    uint64_t digest = keyspace_digest(keyspace);
    db_flush(keyspace_db(keyspace, 0));
    keyspace_swap(keyspace, 0, 1);
    assert_true(keyspace_digest(keyspace) == digest);
    keyspace_free(keyspace);
}

/* -- values -------------------------------------------------------------------------------------
 */

static void test_encodings_are_redis_s(void **state) {
    (void)state;
    static const struct {
        const char *value;
        enum object_encoding encoding;
    } cases[] = {
        {"", ENCODING_EMBSTR},
        {"0", ENCODING_INT},
        {"-1", ENCODING_INT},
        {"01", ENCODING_EMBSTR},
        {"+1", ENCODING_EMBSTR},
        {"-0", ENCODING_EMBSTR},
        {" 1", ENCODING_EMBSTR},
        {"9223372036854775807", ENCODING_INT},
        {"-9223372036854775808", ENCODING_INT},
        {"9223372036854775808", ENCODING_EMBSTR},
        {"12345678901234567890123456789012345678901234", ENCODING_EMBSTR},
        {"123456789012345678901234567890123456789012345", ENCODING_RAW},
    };
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        char scratch[OBJECT_TEXT_MAX];
        struct slice value = slice_text(cases[i].value);
        struct object *object = db_set_string(db, SLICE("k"), value, NO_DUE);
        assert_int_equal(object_encoding(object), cases[i].encoding);
        assert_true(slice_equal(object_string(object, scratch), value));
    }
    keyspace_free(keyspace);
}

static void test_a_value_may_come_from_the_object_that_it_replaces(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    static const size_t lens[] = {30, 300, 5000};
    for (size_t i = 0; i < SF_LENGTH(lens); i++) {
        char bytes[5000], scratch[OBJECT_TEXT_MAX];
        for (size_t at = 0; at < lens[i]; at++) bytes[at] = (char)('a' + at % 26);
        struct object *object = db_set_string(db, SLICE("k"), slice_of(bytes, lens[i]), NO_DUE);
        struct slice tail = object_string(object, scratch);
        tail = slice_of(tail.data + 3, tail.len - 3);
        object = db_set_string(db, object_key(object), tail, NO_DUE);
        assert_true(slice_equal(object_string(object, scratch), slice_of(bytes + 3, lens[i] - 3)));
        tail = object_string(object, scratch);
        object = db_set_string(db, object_key(object), slice_of(tail.data + 1, 5), 99);
        assert_true(slice_equal(object_string(object, scratch), slice_of(bytes + 4, 5)));
    }
    keyspace_free(keyspace);
}

static void test_appending_moves_a_value_rarely(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    struct object *object = db_set_string(db, SLICE("k"), SLICE(""), NO_DUE);
    uint32_t moves = 0;
    const char *last = NULL;
    for (size_t len = 1; len <= 200000; len++) {
        char *bytes = db_string_writable(db, &object, len);
        bytes[len - 1] = (char)len;
        moves += bytes != last;
        last = bytes;
    }
    assert_true(moves < 100);
    char scratch[OBJECT_TEXT_MAX];
    struct slice value = object_string(object, scratch);
    for (size_t len = 1; len <= 200000; len++) assert_int_equal(value.data[len - 1], (char)len);
    db_string_writable(db, &object, 10);
    assert_true(keyspace_used_bytes(keyspace) < 2000);
    keyspace_free(keyspace);
}

static void test_a_key_costs_at_most_what_the_design_allows(void **state) {
    (void)state;
    static const struct {
        size_t value_len;
        double limit;
    } cases[] = {{8, 64}, {32, 88}, {100, 160}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct db *db;
        struct keyspace *keyspace = one_db(&db);
        char value[100], key[32];
        memset(value, 'v', sizeof value);
        double sum = 0;
        uint32_t n = 0;
        for (uint32_t k = 0; k < 40000; k++) {
            struct slice name = numbered(key, k);
            assert_int_equal(name.len, 16);
            db_set_string(db, name, slice_of(value, cases[i].value_len), NO_DUE);
            if (k < 20000) continue;
            sum += (double)keyspace_used_bytes(keyspace) / (k + 1);
            n++;
        }
        assert_true(sum / n <= cases[i].limit);
        keyspace_free(keyspace);
    }
}

/* -- order and chance ------------------------------------------------------------------------- */

struct seen {
    uint8_t *keys;
    uint32_t n;
};

static bool mark(void *context, struct object *object) {
    struct seen *seen = context;
    char text[32];
    struct slice key = object_key(object);
    memcpy(text, key.data, key.len);
    text[key.len] = 0;
    seen->keys[atoi(text + 4)] = 1;
    seen->n++;
    return true;
}

static void test_a_scan_over_growth_flush_of_others_and_reload_sees_all_that_stayed(void **state) {
    (void)state;
    enum { STAY = 3000, ALL = 12000 };
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    struct seen seen = {.keys = sf_alloc_zero(ALL, 1)};
    add_keys(db, 0, STAY, NO_DUE);
    uint64_t cursor = 0;
    uint32_t next = STAY, rounds = 0;
    char text[32];
    do {
        cursor = db_scan(db, cursor, 10, mark, &seen);
        assert_true(cursor < (uint64_t)1 << 48);
        if (next < ALL && rounds % 200 < 120) {
            add_keys(db, next, next + 50, NO_DUE);
            next += 50;
        } else if (next > STAY) {
            for (int i = 0; i < 100 && next > STAY; i++) db_delete(db, numbered(text, --next), 0);
        }
        if (++rounds % 97 != 0) continue;
        struct buf image = {0};
        keyspace_dump(keyspace, &image);
        assert_int_equal(keyspace_load(keyspace, buf_slice(&image)), SF_OK);
        buf_free(&image);
    } while (cursor != 0);
    for (uint32_t i = 0; i < STAY; i++) assert_int_equal(seen.keys[i], 1);
    sf_free(seen.keys);
    keyspace_free(keyspace);
}

static void test_random_picks_are_even_and_never_dead(void **state) {
    (void)state;
    enum { ALIVE = 40, PICKS = 40000 };
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    add_keys(db, 0, ALIVE, NO_DUE);
    add_keys(db, ALIVE, 2 * ALIVE, 50);
    uint32_t counts[2 * ALIVE] = {0};
    struct random random = random_from(1);
    for (int i = 0; i < PICKS; i++) {
        struct object *object = db_random(db, 50, &random);
        uint8_t keys[2 * ALIVE] = {0};
        struct seen seen = {.keys = keys};
        mark(&seen, object);
        for (uint32_t k = 0; k < 2 * ALIVE; k++) counts[k] += keys[k];
    }
    for (uint32_t k = 0; k < 2 * ALIVE; k++) {
        if (k >= ALIVE) assert_int_equal(counts[k], 0);
        if (k < ALIVE) assert_in_range(counts[k], PICKS / ALIVE * 8 / 10, PICKS / ALIVE * 12 / 10);
    }
    keyspace_free(keyspace);
}

static void test_a_random_pick_finds_the_one_living_key_and_says_when_there_is_none(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    struct random random = random_from(1);
    assert_null(db_random(db, 0, &random));
    add_keys(db, 0, 5000, 10);
    assert_null(db_random(db, 10, &random));
    struct object *only = db_set_string(db, SLICE("living"), SLICE("1"), NO_DUE);
    for (int i = 0; i < 20; i++) assert_ptr_equal(db_random(db, 10, &random), only);
    assert_int_equal(db_size(db), 5001); /* S3: looking reclaims nothing */
    keyspace_free(keyspace);
}

/* -- expiry, flushing ------------------------------------------------------------------------- */

static void record_expiry(void *context, uint32_t db_number, struct slice key) {
    buf_printf(context, "%u %.*s ", db_number, (int)key.len, key.data);
}

static void test_keys_are_reclaimed_in_the_order_of_due_time_hash_db_within_the_budget(
    void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(3, &secret);
    for (uint32_t i = 0; i < 3; i++) {
        struct db *db = keyspace_db(keyspace, 2 - i);
        db_set_string(db, SLICE("b"), SLICE("1"), 20);
        db_set_string(db, SLICE("late"), SLICE("1"), 21 + i);
        db_set_string(db, SLICE("ever"), SLICE("1"), NO_DUE);
    }
    db_set_string(keyspace_db(keyspace, 2), SLICE("first"), SLICE("1"), -5);
    struct buf order = {0};
    assert_int_equal(keyspace_next_due(keyspace), -5);
    assert_int_equal(keyspace_reclaim(keyspace, 22, 3, record_expiry, &order), 3);
    assert_int_equal(keyspace_reclaim(keyspace, 22, 100, record_expiry, &order), 3);
    buf_append_char(&order, 0);
    assert_string_equal(order.data, "2 first 0 b 1 b 2 b 2 late 1 late ");
    assert_int_equal(keyspace_next_due(keyspace), 23);
    assert_int_equal(keyspace_reclaim(keyspace, NO_DUE, 100, NULL, NULL), 1);
    assert_int_equal(keyspace_next_due(keyspace), NO_DUE);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(db_size(keyspace_db(keyspace, i)), 1);
    buf_free(&order);
    keyspace_free(keyspace);
}

static void test_what_flushes_leave_goes_faster_than_new_keys_come(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    size_t most = 0;
    for (uint32_t round = 0; round < 20; round++) {
        add_keys(db, 0, 8000, round % 2 == 0 ? NO_DUE : 1000000 + round);
        most = SF_MAX(most, keyspace_used_bytes(keyspace));
        db_flush(db);
        assert_int_equal(db_size(db), 0);
        assert_int_equal(keyspace_next_due(keyspace), NO_DUE);
    }
    assert_true(most < 2 * 8000 * 100);
    uint64_t before = keyspace_revision(keyspace);
    for (int i = 0; i < 20; i++) keyspace_reclaim(keyspace, 0, 1, NULL, NULL);
    assert_int_equal(keyspace_used_bytes(keyspace), 0);
    assert_int_equal(keyspace_revision(keyspace), before);
    keyspace_free(keyspace);
}

static void test_the_average_ttl_is_that_of_the_expiring_keys(void **state) {
    (void)state;
    struct db *db;
    struct keyspace *keyspace = one_db(&db);
    assert_int_equal(db_average_ttl_ms(db, 0), 0);
    db_set_string(db, SLICE("a"), SLICE("1"), 1000);
    db_set_string(db, SLICE("b"), SLICE("1"), 3000);
    db_set_string(db, SLICE("c"), SLICE("1"), NO_DUE);
    assert_int_equal(db_average_ttl_ms(db, 500), 1500);
    assert_int_equal(db_average_ttl_ms(db, 5000), 0);
    for (int i = 0; i < 100; i++) {
        char text[32];
        db_set_string(db, numbered(text, (uint32_t)i), SLICE("1"), INT64_MAX - 1);
    }
    assert_true(db_average_ttl_ms(db, 0) > INT64_MAX / 2);
    keyspace_free(keyspace);
}

/* -- digests and images ---------------------------------------------------------------------- */

static void check_redis_digest(struct keyspace *keyspace, int64_t now_ms, const char *expected) {
    uint8_t digest[20];
    char text[41];
    keyspace_redis_digest(keyspace, now_ms, digest);
    for (size_t i = 0; i < 20; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, expected);
}

/* The expected texts are what a redis-server 7.0.15 answers for the same keys. */
static void test_the_redis_digest_is_redis_s(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(16, &secret);
    struct db *zero = keyspace_db(keyspace, 0), *three = keyspace_db(keyspace, 3);
    check_redis_digest(keyspace, 0, "0000000000000000000000000000000000000000");
    db_set_string(zero, SLICE("foo"), SLICE("bar"), NO_DUE);
    db_set_string(zero, SLICE("n"), SLICE("12345"), NO_DUE);
    check_redis_digest(keyspace, 0, "cd5a02343543db03481294f2a80f5609dd27c72b");
    db_set_string(zero, SLICE("exp"), SLICE(""), 100000);
    struct object *object = db_set_string(zero, SLICE("app"), SLICE("12"), NO_DUE);
    db_string_writable(zero, &object, 3)[2] = '3';
    check_redis_digest(keyspace, 0, "1d41ed36f13fa44e8d2ecc3c5c1f97f5a80ce4e9");
    char xs[3000];
    memset(xs, 'x', sizeof xs);
    db_set_string(three, SLICE("foo"), SLICE("bar"), NO_DUE);
    db_set_string(three, SLICE("long"), slice_of(xs, sizeof xs), NO_DUE);
    db_set_integer(three, SLICE("neg"), -7, NO_DUE);
    db_set_string(three, SLICE("dead"), SLICE("1"), 50);
    db_set_string(keyspace_db(keyspace, 4), SLICE("dead"), SLICE("1"), 50);
    check_redis_digest(keyspace, 99, "4a677cb66c6eae57440d5a8a3da6f449ce497dfe");
    keyspace_free(keyspace);
}

static void test_the_digest_moves_with_all_that_later_behaviour_reads(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(2, &secret);
    struct db *db = keyspace_db(keyspace, 0);
    uint64_t digests[10], n = 0;
    digests[n++] = keyspace_digest(keyspace);
    db_set_string(db, SLICE("k"), SLICE("1"), NO_DUE);
    digests[n++] = keyspace_digest(keyspace);
    db_set_string(db, SLICE("k"), SLICE("1"), NO_DUE); /* the revision only */
    digests[n++] = keyspace_digest(keyspace);
    struct object *object = db_find(db, SLICE("k"), 0);
    db_set_due(db, &object, 10);
    digests[n++] = keyspace_digest(keyspace);
    db_string_writable(db, &object, 1); /* the encoding */
    digests[n++] = keyspace_digest(keyspace);
    keyspace_swap(keyspace, 0, 1);
    digests[n++] = keyspace_digest(keyspace);
    db_delete(keyspace_db(keyspace, 1), SLICE("k"), 0); /* a cell */
    digests[n++] = keyspace_digest(keyspace);
    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t j = 0; j < i; j++) assert_true(digests[i] != digests[j]);
    }
    keyspace_free(keyspace);
}

static void test_a_damaged_image_is_refused_or_still_an_image_and_never_crashes(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(3, &secret), *loaded = keyspace_new(3, &secret);
    struct db *db = keyspace_db(keyspace, 1);
    add_keys(db, 0, 20, 500);
    add_keys(db, 5, 9, NO_DUE);
    db_set_integer(db, SLICE("int"), -1, NO_DUE);
    db_flush(keyspace_db(keyspace, 2));
    char text[32];
    for (uint32_t i = 0; i < 5; i++) db_delete(db, numbered(text, i), 0);
    struct buf image = {0};
    keyspace_dump(keyspace, &image);
    for (size_t cut = 0; cut < image.len; cut++) {
        assert_int_equal(keyspace_load(loaded, slice_of(image.data, cut)), SF_ERR_CORRUPT);
        assert_int_equal(keyspace_used_bytes(loaded), 0);
        assert_int_equal(keyspace_revision(loaded), 0);
    }
    struct random random = random_from(5);
    for (int i = 0; i < 20000; i++) {
        size_t at = random_below(&random, image.len);
        char was = image.data[at];
        image.data[at] = (char)random_next(&random);
        if (keyspace_load(loaded, buf_slice(&image)) == SF_OK) {
            struct buf again = {0};
            keyspace_dump(loaded, &again);
            buf_free(&again);
        } else {
            assert_int_equal(keyspace_used_bytes(loaded), 0);
        }
        image.data[at] = was;
    }
    assert_int_equal(keyspace_load(loaded, buf_slice(&image)), SF_OK);
    assert_true(keyspace_digest(loaded) == keyspace_digest(keyspace));
    buf_append_char(&image, 0);
    assert_int_equal(keyspace_load(loaded, buf_slice(&image)), SF_ERR_CORRUPT);
    buf_free(&image);
    keyspace_free(keyspace);
    keyspace_free(loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_watcher_sees_a_key_come_change_and_go),
        cmocka_unit_test(test_a_watcher_of_a_living_key_sees_it_expire_whether_reclaimed_or_not),
        cmocka_unit_test(test_setting_a_dead_key_s_name_equals_reclaiming_first),
        cmocka_unit_test(test_a_swap_there_and_back_is_seen_by_watchers_of_present_keys),
        cmocka_unit_test(
            test_a_key_that_came_and_was_swapped_away_is_seen_by_who_watched_it_absent),
        cmocka_unit_test(test_flushing_or_swapping_dbs_without_keys_changes_nothing),
        cmocka_unit_test(test_encodings_are_redis_s),
        cmocka_unit_test(test_a_value_may_come_from_the_object_that_it_replaces),
        cmocka_unit_test(test_appending_moves_a_value_rarely),
        cmocka_unit_test(test_a_key_costs_at_most_what_the_design_allows),
        cmocka_unit_test(test_a_scan_over_growth_flush_of_others_and_reload_sees_all_that_stayed),
        cmocka_unit_test(test_random_picks_are_even_and_never_dead),
        cmocka_unit_test(test_a_random_pick_finds_the_one_living_key_and_says_when_there_is_none),
        cmocka_unit_test(
            test_keys_are_reclaimed_in_the_order_of_due_time_hash_db_within_the_budget),
        cmocka_unit_test(test_what_flushes_leave_goes_faster_than_new_keys_come),
        cmocka_unit_test(test_the_average_ttl_is_that_of_the_expiring_keys),
        cmocka_unit_test(test_the_redis_digest_is_redis_s),
        cmocka_unit_test(test_the_digest_moves_with_all_that_later_behaviour_reads),
        cmocka_unit_test(test_a_damaged_image_is_refused_or_still_an_image_and_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
