#include "data/quicklist.h"
#include "util/random.h"

#include "unit/check.h"

#include <stdio.h>

#define MODEL_MAX 4000

/* The same list as an array of texts. */
struct model {
    struct slice *texts;
    uint64_t n;
};

static struct slice text_copy(struct slice text) {
    char *data = sf_alloc(text.len + 1);
    if (text.len > 0) memcpy(data, text.data, text.len);
    return slice_of(data, text.len);
}

static void model_insert(struct model *model, uint64_t at, struct slice text) {
    memmove(model->texts + at + 1, model->texts + at, (model->n - at) * sizeof *model->texts);
    model->texts[at] = text_copy(text);
    model->n++;
}

static void model_remove(struct model *model, uint64_t at) {
    sf_free((void *)(uintptr_t)model->texts[at].data);
    model->n--;
    memmove(model->texts + at, model->texts + at + 1, (model->n - at) * sizeof *model->texts);
}

static uint64_t model_remove_equal(
    struct model *model, struct slice text, uint64_t max, bool backward) {
    uint64_t removed = 0;
    for (uint64_t i = 0, n = model->n; i < n && removed < max; i++) {
        uint64_t at = backward ? n - 1 - i : i - removed;
        if (!slice_equal(model->texts[at], text)) continue;
        model_remove(model, at);
        removed++;
    }
    return removed;
}

static void assert_text(const struct quicklist_cursor *cursor, struct slice expected) {
    char scratch[INT_TEXT_MAX];
    assert_true(slice_equal(quicklist_text(cursor, scratch), expected));
    assert_true(quicklist_equals(cursor, expected));
}

static void assert_same(const struct quicklist *list, const struct model *model) {
    struct quicklist_cursor cursor;
    assert_int_equal(quicklist_count(list), model->n);
    bool more = quicklist_seek(list, 0, &cursor);
    for (uint64_t i = 0; i < model->n; i++, more = quicklist_next(&cursor)) {
        assert_true(more);
        assert_text(&cursor, model->texts[i]);
    }
    assert_false(more);
    more = model->n > 0 && quicklist_seek(list, model->n - 1, &cursor);
    for (uint64_t i = model->n; i > 0; i--, more = quicklist_prev(&cursor)) {
        assert_true(more);
        assert_text(&cursor, model->texts[i - 1]);
    }
    assert_false(more);
}

static void assert_same_image(const struct quicklist *a, const struct quicklist *b) {
    struct buf left = {0}, right = {0};
    quicklist_put(a, &left);
    quicklist_put(b, &right);
    assert_true(slice_equal(buf_slice(&left), buf_slice(&right)));
    buf_free(&left);
    buf_free(&right);
}

static struct quicklist *reloaded(const struct quicklist *list) {
    struct buf image = {0};
    quicklist_put(list, &image);
    struct reader in = reader_of(buf_slice(&image));
    struct quicklist *copy = quicklist_read(&in);
    assert_non_null(copy);
    assert_int_equal(in.rest.len, 0);
    buf_free(&image);
    return copy;
}

static struct slice random_text(struct random *random, char *room) {
    uint64_t kind = random_below(random, 10);
    if (kind < 3) return slice_of(room, (size_t)sprintf(room, "%d", (int)random_below(random, 5)));
    size_t len = kind == 9 ? random_below(random, 3000) : random_below(random, 60);
    memset(room, (int)('a' + random_below(random, 3)), len);
    return slice_of(room, len);
}

static void change(struct quicklist *list, struct model *model, const struct block_limit *limit,
    struct random *random) {
    char room[3000];
    struct slice text = random_text(random, room);
    uint64_t kind = random_below(random, 20);
    uint64_t at = model->n == 0 ? 0 : random_below(random, model->n);
    if (model->n == 0 || kind < 8) {
        bool front = kind % 2 == 0;
        quicklist_push(list, limit, front, text);
        model_insert(model, front ? 0 : model->n, text);
    } else if (kind < 13) {
        bool behind = kind % 2 == 0;
        quicklist_insert(list, limit, at, behind, text);
        model_insert(model, at + behind, text);
    } else if (kind < 16) {
        quicklist_replace(list, at, text);
        model_remove(model, at);
        model_insert(model, at, text);
    } else if (kind < 19) {
        uint64_t wanted = random_below(random, kind == 18 ? 40 : 4);
        uint64_t n = SF_MIN(model->n - at, wanted);
        quicklist_remove(list, at, n);
        for (uint64_t i = 0; i < n; i++) model_remove(model, at);
    } else {
        uint64_t max = 1 + random_below(random, 20);
        bool backward = random_below(random, 2) == 0;
        struct slice equal = text_copy(model->texts[at]);
        uint64_t removed = model_remove_equal(model, equal, max, backward);
        assert_int_equal(quicklist_remove_equal(list, equal, max, backward), removed);
        sf_free((void *)(uintptr_t)equal.data);
    }
}

/* A copy that was loaded from an image takes part in each step: blocks split and join alike. */
static void run_against_model(int64_t size, uint64_t seed, int n_steps) {
    struct block_limit limit = block_limit_of(size);
    struct random random = random_from(seed);
    struct model model = {sf_alloc(sizeof(struct slice) * (MODEL_MAX + 2)), 0};
    struct quicklist *list = quicklist_new();
    for (int step = 0; step < n_steps; step++) {
        struct random again = random;
        uint64_t n = model.n;
        struct quicklist *twin = n > 0 && step % 97 == 0 ? reloaded(list) : NULL;
        struct model twin_model = {sf_alloc(sizeof(struct slice) * (n + 2)), n};
        for (uint64_t i = 0; i < n; i++) twin_model.texts[i] = text_copy(model.texts[i]);
        change(list, &model, &limit, &random);
        if (twin != NULL) {
            change(twin, &twin_model, &limit, &again);
            assert_same_image(list, twin);
            assert_same(twin, &twin_model);
            quicklist_free(twin);
        }
        while (twin_model.n > 0) model_remove(&twin_model, twin_model.n - 1);
        sf_free(twin_model.texts);
        if (step % 50 == 0) assert_same(list, &model);
    }
    assert_same(list, &model);
    while (model.n > 0) model_remove(&model, model.n - 1);
    sf_free(model.texts);
    quicklist_free(list);
}

static void test_behaves_as_an_array_of_texts(void **state) {
    (void)state;
    run_against_model(-2, 1, 2000);
    run_against_model(-1, 2, 2000);
    run_against_model(3, 3, 1500);
    run_against_model(1, 4, 1000);
    run_against_model(0, 5, 500);
}

/* Three lists that share what they have in common; changed in turn, none sees the others'. */
static void test_lists_that_share_blocks_do_not_see_each_other_s_changes(void **state) {
    (void)state;
    struct block_limit limit = block_limit_of(4);
    struct random random = random_from(11);
    struct quicklist *lists[3] = {quicklist_new()}, *twins[3];
    for (int i = 0; i < 4000; i++)
        quicklist_push(lists[0], &limit, i % 2 == 0, i % 3 == 0 ? SLICE("7") : SLICE("other"));
    for (int i = 1; i < 3; i++) lists[i] = quicklist_share(lists[0]);
    for (int i = 0; i < 3; i++) twins[i] = reloaded(lists[0]);
    for (int step = 0; step < 600; step++) {
        struct quicklist *pair[2] = {lists[step % 3], twins[step % 3]};
        uint64_t at = random_below(&random, quicklist_count(pair[0]) - 20);
        uint64_t what = random_below(&random, 6), n = random_below(&random, 20);
        for (int i = 0; i < 2; i++) {
            if (what == 0) quicklist_push(pair[i], &limit, n % 2 == 0, SLICE("pushed"));
            if (what < 3) quicklist_insert(pair[i], &limit, at, n % 2 == 0, SLICE("inserted"));
            if (what == 3) quicklist_replace(pair[i], at, SLICE("a longer one that replaces"));
            if (what == 4) quicklist_remove(pair[i], at, n);
            if (what == 5) quicklist_remove_equal(pair[i], SLICE("7"), n, at % 2 == 0);
        }
        if (step % 50 != 0) continue;
        for (int i = 0; i < 3; i++) assert_same_image(lists[i], twins[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_same_image(lists[i], twins[i]);
        quicklist_free(lists[i]);
        quicklist_free(twins[i]);
    }
}

static void test_any_index_of_a_long_list_is_found(void **state) {
    (void)state;
    struct block_limit limit = block_limit_of(4);
    struct quicklist *list = quicklist_new();
    char text[INT_TEXT_MAX], scratch[INT_TEXT_MAX];
    enum { N = 50000 };
    for (int64_t i = 0; i < N; i++)
        quicklist_push(list, &limit, false, slice_of(text, int_print(i, text)));
    struct random random = random_from(1);
    for (int i = 0; i < 2000; i++) {
        uint64_t index = random_below(&random, N);
        struct quicklist_cursor cursor;
        assert_true(quicklist_seek(list, index, &cursor));
        size_t len = int_print((int64_t)index, text);
        assert_true(slice_equal(quicklist_text(&cursor, scratch), slice_of(text, len)));
    }
    struct quicklist_cursor cursor;
    assert_false(quicklist_seek(list, N, &cursor));
    struct quicklist *copy = quicklist_copy(list);
    assert_same_image(list, copy);
    uint64_t budget = 1000;
    assert_false(quicklist_free_some(copy, &budget));
    int rounds = 1;
    do {
        budget = 1000;
        rounds++;
    } while (!quicklist_free_some(copy, &budget));
    assert_true(rounds > 10);
    quicklist_free(list);
}

static void test_a_block_never_outgrows_its_bound_by_replacements(void **state) {
    (void)state;
    struct block_limit limit = block_limit_of(-5);
    struct quicklist *list = quicklist_new();
    for (int i = 0; i < 100; i++) quicklist_push(list, &limit, false, SLICE("x"));
    assert_int_equal(quicklist_blocks(list), 1);
    char *large = sf_alloc_zero(1, 50000);
    for (uint64_t i = 0; i < 100; i += 2) quicklist_replace(list, i, slice_of(large, 50000));
    assert_int_equal(quicklist_count(list), 100);
    assert_true(quicklist_blocks(list) > 20);
    sf_free(large);
    quicklist_free(list);
}

static void test_damaged_images_are_refused(void **state) {
    (void)state;
    struct block_limit limit = block_limit_of(2);
    struct quicklist *list = quicklist_new();
    for (int i = 0; i < 7; i++) quicklist_push(list, &limit, false, SLICE("text"));
    struct buf image = {0};
    quicklist_put(list, &image);
    for (size_t len = 0; len < image.len; len++) {
        struct reader in = reader_of(slice_of(image.data + image.start, len));
        assert_null(quicklist_read(&in));
    }
    struct buf none = {0};
    put_varint(&none, 0);
    struct reader in = reader_of(buf_slice(&none));
    assert_null(quicklist_read(&in));
    buf_free(&none);
    buf_free(&image);
    quicklist_free(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behaves_as_an_array_of_texts),
        cmocka_unit_test(test_lists_that_share_blocks_do_not_see_each_other_s_changes),
        cmocka_unit_test(test_any_index_of_a_long_list_is_found),
        cmocka_unit_test(test_a_block_never_outgrows_its_bound_by_replacements),
        cmocka_unit_test(test_damaged_images_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
