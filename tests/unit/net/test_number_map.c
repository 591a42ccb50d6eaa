#include "net/number_map.h"
#include "unit/check.h"
#include "util/random.h"

enum { NUMBERS = 700 };

static void test_a_map_answers_as_an_array_would(void **state) {
    (void)state;
    struct number_map map = {0};
    static int values[NUMBERS];
    bool is_in[NUMBERS] = {false};
    struct random random = random_from(7);
    size_t count = 0;
    assert_null(number_map_get(&map, 1));
    number_map_remove(&map, 1);
    for (int step = 0; step < 200000; step++) {
        uint64_t i = random_below(&random, NUMBERS);
        uint64_t number = i * 0x100000001ULL; /* far apart, as accepted links are */
        if (random_below(&random, 2) == 0) {
            number_map_put(&map, number, &values[i]);
            count += !is_in[i];
            is_in[i] = true;
        } else {
            number_map_remove(&map, number);
            count -= is_in[i];
            is_in[i] = false;
        }
        assert_int_equal(map.count, count);
        uint64_t j = random_below(&random, NUMBERS);
        assert_ptr_equal(
            number_map_get(&map, j * 0x100000001ULL), is_in[j] ? (void *)&values[j] : NULL);
    }
    number_map_free(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_map_answers_as_an_array_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
