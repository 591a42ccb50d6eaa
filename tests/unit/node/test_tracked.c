/* The table of tracked keys. */
#include "node/tracked.h"

#include "unit/check.h"

#include <stdio.h>

static struct tracker *tracker_new(void) {
    struct tracker *tracker = sf_alloc_zero(1, sizeof *tracker);
    tracker->n_refs = 1;
    return tracker;
}

static struct slice key_of(char text[32], int number) {
    return slice_of(text, (size_t)snprintf(text, 32, "key:%d", number));
}

struct seen {
    uint64_t n;
    struct tracker *first, *last;
};

static void see(void *context, struct slice key, struct tracker *tracker) {
    struct seen *seen = context;
    assert_true(key.len >= 5);
    if (seen->n++ == 0) seen->first = tracker;
    seen->last = tracker;
}

static void test_each_pair_counts_once_and_is_taken_once(void **state) {
    (void)state;
    enum { KEYS = 20000 };
    const struct hash_secret secret = {1, 2};
    struct tracked *tracked = tracked_new(&secret);
    struct tracker *a = tracker_new(), *b = tracker_new();
    char text[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            tracked_add(tracked, key_of(text, i), a);
            if (i % 2 == 0) tracked_add(tracked, key_of(text, i), b);
        }
    }
    assert_int_equal(tracked_keys(tracked), KEYS);
    assert_int_equal(tracked_items(tracked), KEYS + KEYS / 2);
    assert_int_equal(a->n_refs, KEYS + 1);
    for (int i = 0; i < KEYS; i++) {
        struct seen seen = {0};
        tracked_take(tracked, key_of(text, i), see, &seen);
        assert_int_equal(seen.n, i % 2 == 0 ? 2 : 1);
        assert_ptr_equal(seen.first, a); /* in the order of their coming */
        tracked_take(tracked, key_of(text, i), see, &seen);
        assert_int_equal(seen.n, i % 2 == 0 ? 2 : 1);
    }
    assert_int_equal(tracked_keys(tracked) + tracked_items(tracked), 0);
    assert_int_equal(a->n_refs + b->n_refs, 2);
    tracker_release(a);
    tracker_release(b);
    tracked_free(tracked);
}

static void test_any_key_is_taken_until_none_is_left(void **state) {
    (void)state;
    const struct hash_secret secret = {3, 4};
    struct tracked *tracked = tracked_new(&secret);
    struct tracker *a = tracker_new();
    char text[32];
    for (int i = 0; i < 5000; i++) tracked_add(tracked, key_of(text, i), a);
    tracker_release(a); /* its places keep it */
    struct seen seen = {0};
    while (tracked_keys(tracked) > 100) tracked_take_any(tracked, see, &seen);
    assert_int_equal(seen.n, 4900);
    assert_false(tracked_free_some(tracked, 50));
    assert_int_equal(tracked_keys(tracked), 50);
    assert_true(tracked_free_some(tracked, 1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_pair_counts_once_and_is_taken_once),
        cmocka_unit_test(test_any_key_is_taken_until_none_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
