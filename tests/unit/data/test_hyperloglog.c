#include "data/hyperloglog.h"
#include "util/codec.h"
#include "util/random.h"

#include "unit/check.h"

enum { SPARSE_MAX = 3000 };

static struct hll_place place_of_number(uint64_t number) {
    return hll_place_of(slice_of(&number, sizeof number));
}

/* A fresh copy of exactly its length, so that sanitizers see every byte read beyond it. */
static struct slice exact(struct buf *bytes, void **memory) {
    *memory = sf_alloc(SF_MAX(bytes->len, (size_t)1));
    if (bytes->len > 0) memcpy(*memory, bytes->data + bytes->start, bytes->len);
    return slice_of(*memory, bytes->len);
}

static void test_sparse_and_dense_count_alike_and_near_the_truth(void **state) {
    (void)state;
    struct buf sparse = {0}, dense = {0};
    hll_new(&sparse);
    hll_new(&dense);
    assert_true(hll_make_dense(&dense));
    uint64_t counts[2];
    for (uint64_t n = 1; n <= 30000; n++) {
        enum hll_change a = hll_raise(&sparse, place_of_number(n), SPARSE_MAX);
        assert_int_equal(a, hll_raise(&dense, place_of_number(n), SPARSE_MAX));
        if (n % 997 != 0) continue;
        hll_forget_count(sparse.data + sparse.start);
        hll_forget_count(dense.data + dense.start);
        assert_true(hll_count(buf_slice(&sparse), &counts[0]));
        assert_true(hll_count(buf_slice(&dense), &counts[1]));
        assert_int_equal(counts[0], counts[1]);
        assert_true(counts[0] > n * 96 / 100 && counts[0] < n * 104 / 100);
    }
    assert_true(hll_is_dense(buf_slice(&sparse)));
    assert_true(slice_equal(buf_slice(&sparse), buf_slice(&dense)));
    buf_free(&sparse);
    buf_free(&dense);
}

static void test_no_register_falls_whatever_the_runs_become(void **state) {
    (void)state;
    struct random random = random_from(3);
    uint8_t model[HLL_REGISTERS] = {0}, registers[HLL_REGISTERS];
    struct buf hll = {0};
    hll_new(&hll);
    for (int step = 0; step < 4000; step++) {
        uint32_t at = (uint32_t)random_below(&random, 200) * (step % 3 == 0 ? 80 : 1);
        struct hll_place place = {at, (uint8_t)(1 + random_below(&random, 8))};
        enum hll_change change = hll_raise(&hll, place, 1 << 20);
        assert_int_equal(change, model[at] < place.count ? HLL_CHANGED : HLL_SAME);
        model[at] = SF_MAX(model[at], place.count);
        memset(registers, 0, sizeof registers);
        assert_true(hll_merge(buf_slice(&hll), registers));
        assert_memory_equal(registers, model, sizeof model);
    }
    assert_false(hll_is_dense(buf_slice(&hll)));
    assert_int_equal(hll_raise(&hll, (struct hll_place){5, 33}, 1 << 20), HLL_CHANGED);
    assert_true(hll_is_dense(buf_slice(&hll))); /* 33 fits into no run */
    buf_free(&hll);
}

/* What a client may have SET: a header that is one, and anything behind it. */
static void random_counter(struct random *random, struct buf *out) {
    buf_clear(out);
    hll_new(out);
    size_t kept = HLL_HEADER_BYTES, n = (size_t)random_below(random, 80);
    if (random_below(random, 3) == 0) { /* a good one with some damage */
        for (uint64_t i = random_below(random, 50); i > 0; i--)
            hll_raise(out, place_of_number(random_next(random)), SPARSE_MAX);
        kept = out->len - random_below(random, SF_MIN(out->len - HLL_HEADER_BYTES, 4) + 1);
        n = (size_t)random_below(random, 3);
    }
    buf_truncate(out, kept);
    for (; n > 0; n--) buf_append_char(out, (char)random_next(random));
    if (random_below(random, 4) > 0) hll_forget_count(out->data + out->start);
    if (random_below(random, 20) == 0) {
        for (size_t i = out->len; i < HLL_DENSE_BYTES; i++)
            buf_append_char(out, (char)random_next(random));
        out->data[out->start + 4] = 0;
    }
}

static void test_damaged_counters_are_told_and_never_harm(void **state) {
    (void)state;
    struct random random = random_from(11);
    struct buf bytes = {0}, other = {0};
    for (int round = 0; round < 30000; round++) {
        void *memory;
        uint8_t registers[HLL_REGISTERS] = {0};
        uint64_t count;
        random_counter(&random, &bytes);
        struct slice one = exact(&bytes, &memory);
        if (hll_is_one(one)) {
            bool is_good = hll_merge(one, registers);
            if (hll_count(one, &count) && !is_good) /* only a cached count hides the damage */
                assert_int_equal((uint8_t)one.data[15] & 0x80, 0);
            struct hll_run run;
            for (size_t at = HLL_HEADER_BYTES; hll_next_run(one, &at, &run);) {
            }
            buf_clear(&other);
            buf_append_slice(&other, one);
            enum hll_change change = HLL_SAME;
            for (int i = 0; i < 20 && change != HLL_CORRUPT; i++)
                change = hll_raise(&other, place_of_number(random_next(&random)), SPARSE_MAX);
            if (is_good) assert_int_not_equal(change, HLL_CORRUPT);
            assert_true(hll_is_one(buf_slice(&other)));
            buf_clear(&other);
            buf_append_slice(&other, one);
            assert_int_equal(hll_make_dense(&other), is_good);
        }
        sf_free(memory);
    }
    buf_free(&bytes);
    buf_free(&other);
}

static void test_registers_beyond_any_hash_still_give_a_number(void **state) {
    (void)state;
    uint8_t registers[HLL_REGISTERS];
    memset(registers, 63, sizeof registers);
    assert_true(hll_estimate(registers) == (uint64_t)1 << 63);
    memset(registers, 51, sizeof registers);
    hll_estimate(registers);
    memset(registers, 0, sizeof registers);
    assert_int_equal(hll_estimate(registers), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_and_dense_count_alike_and_near_the_truth),
        cmocka_unit_test(test_no_register_falls_whatever_the_runs_become),
        cmocka_unit_test(test_damaged_counters_are_told_and_never_harm),
        cmocka_unit_test(test_registers_beyond_any_hash_still_give_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
