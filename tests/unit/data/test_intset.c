#include "data/intset.h"
#include "util/random.h"

#include "unit/check.h"

/* What a Redis 7.0 puts into a dump for -3, 1 and 70000. */
static void test_the_bytes_are_redis_own(void **state) {
    (void)state;
    static const uint8_t expected[] = {
        4, 0, 0, 0, 3, 0, 0, 0, 0xfd, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0x70, 0x11, 1, 0};
    struct intset *intset = intset_new();
    assert_true(intset_add(&intset, 1));
    assert_true(intset_add(&intset, 70000));
    assert_true(intset_add(&intset, -3));
    struct slice image = intset_image(intset);
    assert_int_equal(image.len, sizeof expected);
    assert_memory_equal(image.data, expected, sizeof expected);
    intset_free(intset);
}

#define MODEL_MAX 300

struct model {
    uint32_t n;
    int64_t values[MODEL_MAX];
};

static uint32_t model_rank(const struct model *model, int64_t value) {
    uint32_t rank = 0;
    while (rank < model->n && model->values[rank] < value) rank++;
    return rank;
}

static bool model_toggle(struct model *model, int64_t value, bool add) {
    uint32_t rank = model_rank(model, value);
    bool found = rank < model->n && model->values[rank] == value;
    int64_t *at = model->values + rank;
    if (found == add) return false;
    if (add) {
        memmove(at + 1, at, (model->n++ - rank) * sizeof *at);
        *at = value;
    } else {
        memmove(at, at + 1, (--model->n - rank) * sizeof *at);
    }
    return true;
}

static void test_random_changes_match_a_model(void **state) {
    (void)state;
    struct random random = random_from(3);
    for (int round = 0; round < 20; round++) {
        struct model model = {0};
        struct intset *intset = intset_new();
        for (int step = 0; step < 1000; step++) {
            unsigned shift = round < 5 ? 56 : (unsigned)random_below(&random, 64);
            int64_t value = (int64_t)(random_next(&random) >> shift);
            if (random_below(&random, 2) == 0) value = -value - 1;
            bool add = model.n < MODEL_MAX && random_below(&random, 5) < 3;
            bool changed = add ? intset_add(&intset, value) : intset_remove(&intset, value);
            assert_int_equal(changed, model_toggle(&model, value, add));
            assert_int_equal(intset_contains(intset, value), add);
        }
        assert_int_equal(intset_count(intset), model.n);
        for (uint32_t i = 0; i < model.n; i++) assert_true(intset_at(intset, i) == model.values[i]);
        struct intset *loaded = intset_load(intset_image(intset));
        assert_true(slice_equal(intset_image(loaded), intset_image(intset)));
        intset_free(loaded);
        intset_free(intset);
    }
}

static void test_damaged_bytes_are_refused(void **state) {
    (void)state;
    struct intset *intset = intset_new();
    for (int64_t i = 0; i < 10; i++) intset_add(&intset, i * 3);
    struct slice image = intset_image(intset);
    char *damaged = sf_alloc(image.len + 2);
    for (size_t len = 0; len < image.len; len++) {
        memcpy(damaged, image.data, len);
        assert_null(intset_load(slice_of(damaged, len)));
    }
    memcpy(damaged, image.data, image.len);
    assert_null(intset_load(slice_of(damaged, image.len + 2)));
    damaged[0] = 3;
    assert_null(intset_load(slice_of(damaged, image.len)));
    damaged[0] = 2;
    damaged[10] = 0; /* the second integer becomes the first: not ascending */
    assert_null(intset_load(slice_of(damaged, image.len)));
    sf_free(damaged);
    intset_free(intset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_are_redis_own),
        cmocka_unit_test(test_random_changes_match_a_model),
        cmocka_unit_test(test_damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
