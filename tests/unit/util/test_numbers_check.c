#include "util/numbers_check.h"

#include "unit/check.h"

#include <fenv.h>

static void test_this_platform_computes_as_the_replicas_do(void **state) {
    (void)state;
    const char *problem = numbers_check();
    if (problem != NULL) fail_msg("%s", problem);
}

static void test_another_rounding_is_noticed(void **state) {
    (void)state;
    assert_int_equal(fesetround(FE_UPWARD), 0);
    const char *problem = numbers_check();
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    assert_non_null(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_this_platform_computes_as_the_replicas_do),
        cmocka_unit_test(test_another_rounding_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
