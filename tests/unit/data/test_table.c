#include "data/table.h"

#include "data/size_class.h"
#include "util/random.h"

#include "unit/check.h"
#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 6000 };

struct item {
    uint64_t hash;
    bool present;
    bool seen;
    char text[24];
};

static struct slice item_key(const void *item) {
    return slice_text(((const struct item *)item)->text);
}

/* Bad hashes: all equal; four values; the same top 40 bits; crowded at the end of the range. */
static uint64_t hash_equal(const struct hash_secret *secret, struct slice key) {
    (void)secret, (void)key;
    return 0xffffffffffffffffULL;
}
static uint64_t hash_of_four(const struct hash_secret *secret, struct slice key) {
    return hash_keyed(secret, key) & 0x8000000000008000ULL;
}
static uint64_t hash_deep(const struct hash_secret *secret, struct slice key) {
    return hash_keyed(secret, key) >> 40 | 0x1234567800000000ULL;
}
static uint64_t hash_at_the_end(const struct hash_secret *secret, struct slice key) {
    return ~(hash_keyed(secret, key) >> (hash_keyed(secret, key) & 31));
}
static uint64_t hash_with_few_prefixes(const struct hash_secret *secret, struct slice key) {
    return hash_keyed(secret, key) & 0xff1000000000ffffULL;
}

static const struct table_type kinds[] = {
    {{1, 2}, item_key, NULL},
    {{1, 2}, item_key, hash_equal},
    {{1, 2}, item_key, hash_of_four},
    {{1, 2}, item_key, hash_deep},
    {{1, 2}, item_key, hash_at_the_end},
    {{1, 2}, item_key, hash_with_few_prefixes},
};

/* -- the model: the items themselves, sorted ------------------------------------------------- */

static struct item *items_new(const struct table_type *type, uint32_t n) {
    struct item *items = sf_alloc_zero(n, sizeof *items);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(items[i].text, sizeof items[i].text, "key:%u", i);
        items[i].hash = table_hash(type, item_key(&items[i]));
    }
    return items;
}

static int compare_items(const void *a, const void *b) {
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return slice_compare(item_key(x), item_key(y));
}

static uint32_t sorted(struct item *items, uint32_t n, struct item **out) {
    uint32_t present = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].present) out[present++] = &items[i];
    }
    qsort(out, present, sizeof *out, compare_items);
    return present;
}

static void table_free(struct table *table) {
    while (table_drop_some(table, 1000, NULL, NULL) > 0) {
    }
    assert_int_equal(table_bytes(table), 0);
}

static void check_order_and_ranks(const struct table *table, struct item *items, uint32_t n) {
    struct item **model = sf_alloc((n + 1) * sizeof *model);
    uint32_t present = sorted(items, n, model);
    assert_int_equal(table_size(table), present);
    struct table_iterator iterator = table_seek(table, 0);
    for (uint32_t i = 0; i < present; i++) {
        assert_ptr_equal(table_next(&iterator), model[i]);
        assert_ptr_equal(table_at(table, i), model[i]);
    }
    assert_null(table_next(&iterator));
    for (uint32_t i = 0; i < present; i += 7) {
        uint32_t first = i;
        while (first > 0 && model[first - 1]->hash == model[i]->hash) first--;
        iterator = table_seek(table, model[i]->hash);
        assert_ptr_equal(table_next(&iterator), model[first]);
    }
    sf_free(model);
}

/* Adds or removes a random key, so that about share/100 of them are present. */
static void churn(
    struct table *table, struct item *items, uint32_t n, struct random *random, uint64_t share) {
    struct item *item = &items[random_below(random, n)];
    struct slice key = item_key(item);
    assert_ptr_equal(table_find(table, item->hash, key), item->present ? item : NULL);
    if (random_below(random, 100) < share) {
        assert_ptr_equal(table_put(table, item->hash, item), item->present ? item : NULL);
        item->present = true;
    } else {
        assert_ptr_equal(table_remove(table, item->hash, key), item->present ? item : NULL);
        item->present = false;
    }
    table_prefetch(table, item->hash);
    table_prefetch_item(table, item->hash);
}

static void test_order_rank_and_lookup_equal_a_sorted_array_s(void **state) {
    (void)state;
    for (size_t kind = 0; kind < SF_LENGTH(kinds); kind++) {
        struct table table;
        table_init(&table, &kinds[kind]);
        struct random random = random_from(kind);
        uint32_t n = kind == 1 ? KEYS / 4 : KEYS;
        struct item *items = items_new(&kinds[kind], n);
        for (int phase = 0; phase < 12; phase++) {
            static const uint64_t shares[] = {10, 95, 30, 100, 60, 2};
            for (uint32_t i = 0; i < 2 * n; i++)
                churn(&table, items, n, &random, shares[phase % (int)SF_LENGTH(shares)]);
            check_order_and_ranks(&table, items, n);
        }
        for (uint32_t i = 0; i < n; i++) {
            struct item *item = &items[i];
            table_remove(&table, item->hash, item_key(item));
            item->present = false;
            if (i % 500 == 0) check_order_and_ranks(&table, items, n);
        }
        assert_int_equal(table_size(&table), 0);
        assert_int_equal(table_bytes(&table), 0);
        sf_free(items);
    }
}

struct scan {
    uint64_t visited, last_prefix, last_hash;
    bool is_sorted;
};

static bool mark_seen(void *context, void *item) {
    struct scan *scan = context;
    struct item *seen = item;
    seen->seen = true;
    if (scan->visited++ > 0 && seen->hash < scan->last_hash) scan->is_sorted = false;
    scan->last_hash = seen->hash;
    return true;
}

static void test_a_scan_sees_all_that_stay_while_the_table_grows_and_shrinks(void **state) {
    (void)state;
    for (size_t kind = 0; kind < SF_LENGTH(kinds); kind++) {
        for (uint64_t share = 0; share <= 100; share += 50) {
            struct table table;
            table_init(&table, &kinds[kind]);
            struct random random = random_from(kind + share);
            uint32_t n = kind == 1 ? KEYS / 4 : KEYS, stay = n / 3;
            struct item *items = items_new(&kinds[kind], n);
            for (uint32_t i = 0; i < n; i++) {
                if (i >= stay && share == 100) continue;
                table_put(&table, items[i].hash, &items[i]);
                items[i].present = true;
            }
            uint64_t cursor = 0;
            do {
                struct scan scan = {.is_sorted = true};
                uint64_t next = table_scan(&table, cursor, 10, mark_seen, &scan);
                assert_true(scan.is_sorted);
                assert_true(next == 0 || (next > cursor && scan.visited >= 10));
                assert_true(next >> TABLE_CURSOR_BITS == 0);
                cursor = next;
                for (int i = 0; i < 100; i++) churn(&table, items + stay, n - stay, &random, share);
            } while (cursor != 0);
            for (uint32_t i = 0; i < stay; i++) assert_true(items[i].seen);
            table_free(&table);
            sf_free(items);
        }
    }
}

static bool enough(void *context, void *item) {
    mark_seen(context, item);
    return false;
}

static void test_equal_cursor_prefixes_come_together_even_when_the_visitor_has_enough(
    void **state) {
    (void)state;
    const struct table_type *type = &kinds[5];
    struct table table;
    table_init(&table, type);
    struct item *items = items_new(type, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) table_put(&table, items[i].hash, &items[i]);
    uint64_t cursor = 0, visited = 0;
    do {
        struct scan scan = {.is_sorted = true};
        cursor = table_scan(&table, cursor, 3, enough, &scan);
        visited += scan.visited;
        assert_true(cursor == 0 || cursor > scan.last_hash >> 16);
    } while (cursor != 0);
    assert_int_equal(visited, KEYS); /* nothing twice, nothing left out */
    struct scan none = {0};
    assert_int_equal(table_scan(&table, (uint64_t)1 << 48, 10, mark_seen, &none), 0);
    assert_int_equal(none.visited, 0);
    table_free(&table);
    sf_free(items);
}

static void test_what_can_be_seen_does_not_depend_on_how_the_table_grew(void **state) {
    (void)state;
    struct table grown, fresh;
    table_init(&grown, &kinds[0]);
    table_init(&fresh, &kinds[0]);
    struct random random = random_from(3);
    struct item *items = items_new(&kinds[0], KEYS);
    for (uint32_t i = 0; i < KEYS * 6; i++)
        churn(&grown, items, KEYS, &random, i < KEYS * 4 ? 95 : 10);
    for (uint32_t i = KEYS; i-- > 0;) {
        if (items[i].present) table_put(&fresh, items[i].hash, &items[i]);
    }
    assert_int_equal(table_size(&grown), table_size(&fresh));
    for (uint64_t rank = 0; rank < table_size(&grown); rank++)
        assert_ptr_equal(table_at(&grown, rank), table_at(&fresh, rank));
    struct scan a = {0}, b = {0};
    uint64_t cursor = 0;
    do {
        uint64_t next = table_scan(&grown, cursor, 5, mark_seen, &a);
        assert_int_equal(table_scan(&fresh, cursor, 5, mark_seen, &b), next);
        assert_int_equal(a.visited, b.visited);
        cursor = next;
    } while (cursor != 0);
    table_free(&grown);
    table_free(&fresh);
    sf_free(items);
}

static void test_a_key_whose_item_moves_keeps_its_place(void **state) {
    (void)state;
    for (size_t kind = 0; kind < SF_LENGTH(kinds); kind++) {
        struct table table;
        table_init(&table, &kinds[kind]);
        uint32_t n = 500;
        struct item *items = items_new(&kinds[kind], n), *moved = items_new(&kinds[kind], n);
        for (uint32_t i = 0; i < n; i++) table_put(&table, items[i].hash, &items[i]);
        for (uint32_t i = 0; i < n; i++) {
            if (i % 2 == 0) {
                table_replace(&table, items[i].hash, &items[i], &moved[i]);
            } else {
                assert_ptr_equal(table_put(&table, items[i].hash, &moved[i]), &items[i]);
            }
            moved[i].present = true;
        }
        check_order_and_ranks(&table, moved, n);
        table_free(&table);
        sf_free(items);
        sf_free(moved);
    }
}

static void count_drop(void *context, void *item) {
    assert_false(((struct item *)item)->seen);
    ((struct item *)item)->seen = true;
    (*(uint64_t *)context)++;
}

static void test_dropping_in_slices_meets_every_item_once(void **state) {
    (void)state;
    for (size_t kind = 0; kind < SF_LENGTH(kinds); kind++) {
        struct table table;
        table_init(&table, &kinds[kind]);
        uint32_t n = kind == 1 ? 1200 : KEYS;
        struct item *items = items_new(&kinds[kind], n);
        for (uint32_t i = 0; i < n; i++) table_put(&table, items[i].hash, &items[i]);
        uint64_t dropped = 0;
        while (table_size(&table) > 0) {
            uint64_t before = dropped;
            table_drop_some(&table, 100, count_drop, &dropped);
            assert_int_equal(table_size(&table), n - dropped);
            assert_true(dropped > before || kind > 0);
        }
        assert_int_equal(dropped, n);
        table_free(&table);
        sf_free(items);
    }
}

static void test_a_table_of_any_size_costs_less_than_twelve_bytes_a_key(void **state) {
    (void)state;
    struct table table;
    table_init(&table, &kinds[0]);
    assert_int_equal(table_bytes(&table), 0);
    uint32_t n = 60000;
    struct item *items = items_new(&kinds[0], n);
    uint64_t sum = 0, samples = 0;
    for (uint32_t i = 0; i < n; i++) {
        table_put(&table, items[i].hash, &items[i]);
        if (i < 5000) continue;
        assert_true(table_bytes(&table) < 12 * (size_t)(i + 1));
        sum += table_bytes(&table) * 1000 / (i + 1);
        samples++;
    }
    assert_true(sum / samples < 11200);
    table_free(&table);
    sf_free(items);
}

/* In the order of their hashes, with room asked for; the guess of how many come may be wrong. */
static void test_a_table_whose_room_was_prepared_is_like_any_other(void **state) {
    (void)state;
    for (size_t kind = 0; kind < SF_LENGTH(kinds); kind++) {
        for (uint32_t guess = 1; guess <= 4 * KEYS; guess += 3 * KEYS / 2) {
            struct table table;
            table_init(&table, &kinds[kind]);
            uint32_t n = kind == 1 ? KEYS / 8 : KEYS, depth = table_depth_for(guess);
            struct item *items = items_new(&kinds[kind], n);
            struct item **order = sf_alloc(n * sizeof *order);
            for (uint32_t i = 0; i < n; i++) items[i].present = true;
            sorted(items, n, order);
            uint64_t part = UINT64_MAX;
            for (uint32_t i = 0; i < n; i++) {
                uint64_t its = depth == 0 ? 0 : order[i]->hash >> (64 - depth);
                if (its != part) table_prepare(&table, order[i]->hash, depth, guess);
                part = its;
                assert_null(table_put(&table, order[i]->hash, order[i]));
            }
            check_order_and_ranks(&table, items, n);
            struct random random = random_from(kind);
            for (uint32_t i = 0; i < n; i++) churn(&table, items, n, &random, 50);
            check_order_and_ranks(&table, items, n);
            for (uint32_t i = 0; i < n; i++)
                table_remove(&table, items[i].hash, item_key(&items[i]));
            assert_int_equal(table_bytes(&table), 0);
            sf_free(order);
            sf_free(items);
        }
    }
}

/* As many as were expected: no more room than a table takes that grew by itself. */
static void test_prepared_room_is_no_waste(void **state) {
    (void)state;
    for (uint32_t n = 100; n <= 60000; n = n * 5 / 3) {
        struct table table;
        table_init(&table, &kinds[0]);
        struct item *items = items_new(&kinds[0], n);
        struct item **order = sf_alloc(n * sizeof *order);
        for (uint32_t i = 0; i < n; i++) items[i].present = true;
        sorted(items, n, order);
        uint32_t depth = table_depth_for(n);
        for (uint32_t i = 0; i < n; i++) {
            if (i % 50 == 0) table_prepare(&table, order[i]->hash, depth, n);
            table_put(&table, order[i]->hash, order[i]);
        }
        if (n > 1000) assert_true(table_bytes(&table) < 13 * (size_t)n);
        table_free(&table);
        sf_free(order);
        sf_free(items);
    }
}

static void test_size_classes_are_jemalloc_s(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 8}, {9, 16}, {34, 48}, {58, 64}, {126, 128}, {128, 128},
        {129, 160}, {161, 192}, {256, 256}, {257, 320}, {4097, 5120}, {8192, 8192}, {8193, 10240}};
    for (size_t i = 0; i < SF_LENGTH(sizes); i++)
        assert_int_equal(size_class(sizes[i][0]), sizes[i][1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_rank_and_lookup_equal_a_sorted_array_s),
        cmocka_unit_test(test_a_scan_sees_all_that_stay_while_the_table_grows_and_shrinks),
        cmocka_unit_test(test_equal_cursor_prefixes_come_together_even_when_the_visitor_has_enough),
        cmocka_unit_test(test_what_can_be_seen_does_not_depend_on_how_the_table_grew),
        cmocka_unit_test(test_a_key_whose_item_moves_keeps_its_place),
        cmocka_unit_test(test_dropping_in_slices_meets_every_item_once),
        cmocka_unit_test(test_a_table_of_any_size_costs_less_than_twelve_bytes_a_key),
        cmocka_unit_test(test_a_table_whose_room_was_prepared_is_like_any_other),
        cmocka_unit_test(test_prepared_room_is_no_waste),
        cmocka_unit_test(test_size_classes_are_jemalloc_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
