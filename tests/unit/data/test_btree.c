#include "data/btree.h"

#include "util/random.h"

#include "unit/check.h"
#include <string.h>

enum { ITEMS = 5000 };

struct number {
    uint64_t value;
    uint64_t copy; /* tells equal numbers apart */
};

static int compare_numbers(const void *context, const void *a, const void *b) {
    (void)context;
    uint64_t x = ((const struct number *)a)->value, y = ((const struct number *)b)->value;
    return x < y ? -1 : x > y;
}

/* Only the hundreds: many items are equal to one probe. */
static int compare_hundreds(const void *context, const void *a, const void *b) {
    (void)context;
    uint64_t x = *(const uint64_t *)a, y = ((const struct number *)b)->value / 100;
    return x < y ? -1 : x > y;
}

static const struct btree_type type = {compare_numbers, NULL};

struct model {
    struct btree tree;
    struct number *numbers; /* [ITEMS], value == index */
    bool present[ITEMS];
};

static void model_init(struct model *model) {
    memset(model, 0, sizeof *model);
    btree_init(&model->tree, &type);
    model->numbers = sf_alloc(ITEMS * sizeof *model->numbers);
    for (uint64_t i = 0; i < ITEMS; i++) model->numbers[i] = (struct number){i, 0};
}

static void model_free(struct model *model) {
    while (btree_drop_some(&model->tree, 100, NULL, NULL) > 0) {
    }
    assert_null(model->tree.root);
    sf_free(model->numbers);
}

static void model_toggle(struct model *model, uint64_t value) {
    struct number *number = &model->numbers[value];
    if (model->present[value]) {
        assert_ptr_equal(btree_remove(&model->tree, &(struct number){value, 1}), number);
        assert_null(btree_remove(&model->tree, number));
    } else {
        assert_null(btree_find(&model->tree, number));
        btree_insert(&model->tree, number);
    }
    model->present[value] = !model->present[value];
}

static void model_check(struct model *model) {
    struct btree *tree = &model->tree;
    struct btree_cursor forward, backward, middle;
    uint64_t rank = 0;
    struct number *next = btree_seek(tree, 0, &forward);
    for (uint64_t i = 0; i < ITEMS; i++) {
        uint64_t below;
        struct number *bound = btree_lower_bound(tree, NULL, &model->numbers[i], &middle, &below);
        assert_int_equal(below, rank);
        assert_ptr_equal(bound, next);
        if (!model->present[i]) continue;
        assert_ptr_equal(next, &model->numbers[i]);
        assert_ptr_equal(btree_at(tree, rank), next);
        assert_ptr_equal(btree_find(tree, &(struct number){i, 9}), next);
        if (rank == 0) assert_ptr_equal(btree_first(tree), next);
        rank++;
        next = btree_next(&forward);
        assert_ptr_equal(btree_next(&middle), next);
    }
    assert_null(next);
    assert_int_equal(tree->n, rank);
    assert_null(btree_seek(tree, rank, &backward));
    assert_null(btree_prev(&backward));
    struct number *last = rank == 0 ? NULL : btree_seek(tree, rank - 1, &backward);
    for (uint64_t i = ITEMS; i-- > 0;) {
        if (!model->present[i]) continue;
        assert_ptr_equal(last, &model->numbers[i]);
        last = btree_prev(&backward);
    }
    assert_null(last);
}

static void test_order_and_ranks_equal_a_bitmap_s_through_random_changes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct model model;
        model_init(&model);
        struct random random = random_from(seed);
        model_check(&model);
        for (int phase = 0; phase < 14; phase++) {
            bool growing = phase % 4 < 2;
            for (int i = 0; i < ITEMS / 2; i++) {
                uint64_t value = random_below(&random, ITEMS);
                if (model.present[value] == growing && random_below(&random, 10) > 0) continue;
                model_toggle(&model, value);
            }
            model_check(&model);
        }
        model_free(&model);
    }
}

static void test_ascending_and_descending_runs_keep_order_and_empty_completely(void **state) {
    (void)state;
    struct model model;
    model_init(&model);
    for (int in = 0; in < 2; in++) {
        for (int out = 0; out < 3; out++) {
            for (uint64_t i = 0; i < ITEMS; i++) model_toggle(&model, in ? i : ITEMS - 1 - i);
            model_check(&model);
            for (uint64_t i = 0; i < ITEMS; i++) {
                uint64_t inner = i % 2 ? ITEMS / 2 + i / 2 : ITEMS / 2 - 1 - i / 2;
                model_toggle(&model, out == 0 ? i : out == 1 ? ITEMS - 1 - i : inner);
                if (i % 1000 == 999) model_check(&model);
            }
            assert_int_equal(model.tree.n, 0);
            assert_null(model.tree.root);
            assert_null(btree_first(&model.tree));
        }
    }
    model_free(&model);
}

/* As due times come and go: appended at the end, taken from the front, some from the middle. */
static void test_a_sliding_window_keeps_order(void **state) {
    (void)state;
    struct model model;
    model_init(&model);
    struct random random = random_from(1);
    for (uint64_t i = 0; i < ITEMS; i++) {
        if (!model.present[i]) model_toggle(&model, i);
        if (i < 700) continue;
        uint64_t near = i - random_below(&random, 600);
        if (model.present[near]) model_toggle(&model, near);
        if (model.present[i - 700]) model_toggle(&model, i - 700);
        if (i % 500 == 0) model_check(&model);
    }
    model_check(&model);
    model_free(&model);
}

static void test_a_range_s_probe_finds_its_first_item(void **state) {
    (void)state;
    struct model model;
    model_init(&model);
    for (uint64_t i = 0; i < ITEMS; i += 3) model_toggle(&model, i);
    for (uint64_t hundred = 0; hundred <= ITEMS / 100; hundred++) {
        uint64_t first = (hundred * 100 + 2) / 3 * 3, rank;
        struct number *found =
            btree_lower_bound(&model.tree, compare_hundreds, &hundred, NULL, &rank);
        assert_ptr_equal(found, first < ITEMS ? &model.numbers[first] : NULL);
        assert_int_equal(rank, first < ITEMS ? first / 3 : model.tree.n);
    }
    model_free(&model);
}

static void test_an_exchanged_item_keeps_its_place(void **state) {
    (void)state;
    struct model model;
    model_init(&model);
    struct number *others = sf_alloc(ITEMS * sizeof *others);
    for (uint64_t i = 0; i < ITEMS; i++) model_toggle(&model, i);
    for (uint64_t i = 0; i < ITEMS; i++) {
        others[i] = (struct number){i, 1};
        assert_ptr_equal(
            btree_replace(&model.tree, &model.numbers[i], &others[i]), &model.numbers[i]);
    }
    for (uint64_t i = 0; i < ITEMS; i++) assert_ptr_equal(btree_at(&model.tree, i), &others[i]);
    model_free(&model);
    sf_free(others);
}

static void count_drop(void *context, void *item) {
    ((struct number *)item)->copy++;
    (*(uint64_t *)context)++;
}

static void test_dropping_in_slices_meets_every_item_once(void **state) {
    (void)state;
    struct model model;
    model_init(&model);
    for (uint64_t i = 0; i < ITEMS; i++) model_toggle(&model, i * 7 % ITEMS);
    uint64_t dropped = 0;
    while (model.tree.n > 0) {
        uint64_t before = dropped, n = btree_drop_some(&model.tree, 100, count_drop, &dropped);
        assert_int_equal(n, dropped - before);
        assert_true(n >= 100 || model.tree.n == 0);
        assert_true(n < 200);
    }
    for (uint64_t i = 0; i < ITEMS; i++) assert_int_equal(model.numbers[i].copy, 1);
    model_free(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_ranks_equal_a_bitmap_s_through_random_changes),
        cmocka_unit_test(test_ascending_and_descending_runs_keep_order_and_empty_completely),
        cmocka_unit_test(test_a_sliding_window_keeps_order),
        cmocka_unit_test(test_a_range_s_probe_finds_its_first_item),
        cmocka_unit_test(test_an_exchanged_item_keeps_its_place),
        cmocka_unit_test(test_dropping_in_slices_meets_every_item_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
