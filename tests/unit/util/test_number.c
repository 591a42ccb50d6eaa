#include "util/base.h"
#include "util/buf.h"
#include "util/number.h"
#include "util/random.h"

#include "unit/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void test_integers_read_strictly(void **state) {
    (void)state;
    static const struct slice bad[] = {SLICE(""), SLICE("-"), SLICE("+1"), SLICE("01"), SLICE("-0"),
        SLICE("-01"), SLICE(" 1"), SLICE("1 "), SLICE("1\0"), SLICE("0x1"), SLICE("1.0"),
        SLICE("9223372036854775808"), SLICE("-9223372036854775809"), SLICE("18446744073709551616"),
        SLICE("99999999999999999999999")};
    int64_t value = 77;
    for (size_t i = 0; i < SF_LENGTH(bad); i++) assert_false(int_parse(bad[i], &value));
    assert_int_equal(value, 77);
    assert_true(int_parse(SLICE("0"), &value) && value == 0);
    assert_true(int_parse(SLICE("-1"), &value) && value == -1);
    assert_true(int_parse(SLICE("9223372036854775807"), &value) && value == INT64_MAX);
    assert_true(int_parse(SLICE("-9223372036854775808"), &value) && value == INT64_MIN);
}

static void test_unsigned_integers_reach_their_whole_range(void **state) {
    (void)state;
    uint64_t value;
    assert_true(uint_parse(SLICE("18446744073709551615"), &value) && value == UINT64_MAX);
    assert_false(uint_parse(SLICE("18446744073709551616"), &value));
    assert_false(uint_parse(SLICE("99999999999999999999"), &value));
    assert_false(uint_parse(SLICE("-1"), &value) || uint_parse(SLICE(""), &value));
    assert_true(uint_parse(SLICE("0"), &value) && value == 0);
}

static void test_integers_print_as_they_read(void **state) {
    (void)state;
    struct random random = random_from(1);
    char text[INT_TEXT_MAX], expected[32];
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(random_next(&random) >> random_below(&random, 64));
        if (i % 2 == 0) value = -value;
        if (i == 0) value = INT64_MIN;
        size_t len = int_print(value, text);
        snprintf(expected, sizeof(expected), "%lld", (long long)value);
        assert_true(slice_equal(slice_of(text, len), slice_text(expected)));
        int64_t again;
        assert_true(int_parse(slice_of(text, len), &again) && again == value);
    }
}

static void assert_prints(double value, const char *expected) {
    char text[DOUBLE_TEXT_MAX];
    size_t len = double_print(value, text);
    if (!slice_equal(slice_of(text, len), slice_text(expected)))
        fail_msg("printed %.*s, expected %s", (int)len, text, expected);
}

static void test_doubles_print_shortest_in_redis_layout(void **state) {
    (void)state;
    assert_prints(0, "0");
    assert_prints(-0.0, "-0");
    assert_prints(3, "3");
    assert_prints(-1.5, "-1.5");
    assert_prints(0.1, "0.1");
    assert_prints(0.1 + 0.2, "0.30000000000000004");
    assert_prints(1e-6, "0.000001");
    assert_prints(1e-7, "1e-7");
    assert_prints(-1.5e-7, "-1.5e-7");
    assert_prints(0.0012345678, "0.0012345678");
    assert_prints(0.00012345678, "1.2345678e-4");
    assert_prints(1234.5678901234, "1234.5678901234");
    assert_prints(12345.678901234, "1.2345678901234e+4");
    assert_prints(12345.678901, "12345.678901");
    assert_prints(1693526400.123456, "1693526400.123456");
    assert_prints(4503599627370495.5, "4503599627370495.5");
    assert_prints(1e15, "1000000000000000");
    assert_prints(1e18, "1000000000000000000");
    assert_prints(4611686018427387904.0, "4611686018427387904");
    assert_prints(9223372036854775807.0, "9223372036854776000");
    assert_prints(-9223372036854775808.0, "-9223372036854776000");
    assert_prints(1e19, "1e+19");
    assert_prints(1e20, "1e+20");
    assert_prints(123456789012345678901.0, "123456789012345680000");
    assert_prints(1.5e300, "1.5e+300");
    assert_prints(1e100, "1e+100");
    assert_prints(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_prints(2.2250738585072014e-308, "2.2250738585072014e-308");
    assert_prints(5e-324, "5e-324");
    assert_prints(0x1p-44, "5.684341886080802e-14"); /* its nearest 16 digits read as another */
    assert_prints((double)INFINITY, "inf");
    assert_prints(-(double)INFINITY, "-inf");
    assert_prints((double)NAN, "nan");
    assert_prints(-(double)NAN, "nan");
}

static double double_of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Every kind of double: any bits, short decimals, near integers, powers of two. */
static double any_double(struct random *random) {
    uint64_t bits = random_next(random);
    switch (random_below(random, 5)) {
    case 0:
        return double_of_bits(bits);
    case 1:
        return (double)(int64_t)(bits >> random_below(random, 64)) / 1000.0;
    case 2:
        return (double)(bits % 100000) * pow(10, (double)random_below(random, 40) - 20);
    case 3:
        return double_of_bits(bits & 0xfff0000000000000);
    default:
        return double_of_bits(bits >> (12 + random_below(random, 50)));
    }
}

static void test_random_doubles_read_back_the_same(void **state) {
    (void)state;
    struct random random = random_from(2);
    for (int i = 0; i < 50000; i++) {
        double value = any_double(&random), again;
        if (isnan(value)) continue;
        char text[DOUBLE_TEXT_MAX];
        size_t len = double_print(value, text);
        assert_in_range(len, 1, DOUBLE_TEXT_MAX);
        assert_true(double_parse(slice_of(text, len), &again));
        assert_memory_equal(&value, &again, sizeof(value));
    }
}

static size_t digits_in(const char *text, size_t len) {
    size_t n = 0, zeros = 0;
    for (size_t i = 0; i < len && text[i] != 'e'; i++) {
        if (text[i] == '0') zeros += n > 0;
        if (text[i] >= '1' && text[i] <= '9') n += zeros + 1, zeros = 0;
    }
    return n;
}

static void test_no_shorter_text_reads_back_the_same(void **state) {
    (void)state;
    struct random random = random_from(4);
    for (int i = 0; i < 10000; i++) {
        double value = any_double(&random);
        if (!isfinite(value) || (fabs(value) <= 0x1p62 && value == floor(value))) continue;
        char text[DOUBLE_TEXT_MAX], other[40];
        size_t digits = digits_in(text, double_print(value, text));
        assert_in_range(digits, 1, 17);
        if (digits == 1) continue;
        snprintf(other, sizeof(other), "%.*e", (int)digits - 2, value);
        assert_true(strtod(other, NULL) != value);
    }
}

/* digits bytes of text repeated, for numbers longer than any buffer. */
static double parse_long(const char *front, char middle, size_t n, const char *back, bool *ok) {
    struct buf text = {0};
    double value = 0;
    buf_append_text(&text, front);
    for (size_t i = 0; i < n; i++) buf_append_char(&text, middle);
    buf_append_text(&text, back);
    *ok = double_parse(buf_slice(&text), &value);
    buf_free(&text);
    return value;
}

static void test_doubles_read_what_redis_accepts(void **state) {
    (void)state;
    static const struct {
        struct slice text;
        double value;
    } good[] = {{SLICE("0"), 0}, {SLICE("1."), 1}, {SLICE(".5"), 0.5}, {SLICE("+1"), 1},
        {SLICE("-1.50"), -1.5}, {SLICE("1e3"), 1000}, {SLICE("1E+3"), 1000}, {SLICE("1e-7"), 1e-7},
        {SLICE("0x10"), 16}, {SLICE("0X1.8p1"), 3}, {SLICE("0x.8"), 0.5},
        {SLICE("-0x1p-3"), -0.125}, {SLICE("0x10000000000000000000000001p-96"), 0x1p4},
        {SLICE("007"), 7}, {SLICE("inf"), (double)INFINITY}, {SLICE("+INF"), (double)INFINITY},
        {SLICE("-Infinity"), -(double)INFINITY}, {SLICE("1e-310"), 1e-310},
        {SLICE("0e99999999999999999999"), 0}, {SLICE("0x0p99999999999999999999"), 0},
        {SLICE("9007199254740993"), 9007199254740992.0},
        {SLICE("9007199254740993.0000000000000000000000000001"), 9007199254740994.0},
        {SLICE("1.7976931348623157e308"), 1.7976931348623157e308}};
    for (size_t i = 0; i < SF_LENGTH(good); i++) {
        double value = 99;
        assert_true(double_parse(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    double value;
    assert_true(double_parse(SLICE("-0"), &value) && signbit(value));
}

static void test_doubles_refuse_what_redis_refuses(void **state) {
    (void)state;
    static const struct slice bad[] = {SLICE(""), SLICE(" 1"), SLICE("1 "), SLICE("\t1"),
        SLICE("1\0"), SLICE("\0"), SLICE("nan"), SLICE("-NaN"), SLICE("nan(1)"), SLICE("infinit"),
        SLICE("in"), SLICE("."), SLICE("+"), SLICE("-"), SLICE("+-1"), SLICE("--1"), SLICE("1e"),
        SLICE("1e+"), SLICE("e1"), SLICE("1e1.5"), SLICE("1.2.3"), SLICE("0x"), SLICE("0xp1"),
        SLICE("0x."), SLICE("0x1p"), SLICE("0x1e+1"), SLICE("1,5"), SLICE("1e400"), SLICE("-1e400"),
        SLICE("1e-400"), SLICE("0x1p5000"), SLICE("0x1p-2000"), SLICE("1e99999999999999999999"),
        SLICE("1e-99999999999999999999"), SLICE("1p3"), SLICE("abc")};
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        double value;
        long double longer;
        if (double_parse(bad[i], &value)) fail_msg("accepted %s", bad[i].data);
        bool only_double =
            memchr(bad[i].data, 'e', bad[i].len) || memchr(bad[i].data, 'p', bad[i].len);
        if (!only_double) assert_false(long_double_parse(bad[i], &longer));
    }
}

static void test_a_double_of_any_length_reads_exactly(void **state) {
    (void)state;
    bool ok;
    assert_true(parse_long("", '0', 100000, "1", &ok) == 1 && ok);
    assert_true(parse_long("0.", '0', 100000, "1e100001", &ok) == 1 && ok);
    assert_true(parse_long("1", '0', 100000, "e-100000", &ok) == 1 && ok);
    /* half way between two doubles but for the last digit, far behind */
    assert_true(parse_long("9007199254740993.", '0', 20000, "", &ok) == 9007199254740992.0 && ok);
    assert_true(parse_long("9007199254740993.", '0', 20000, "1", &ok) == 9007199254740994.0 && ok);
    assert_true(parse_long("0x20000000000001", '0', 20000, "1p-80004", &ok) == 0x1p53 + 2 && ok);
    assert_true(parse_long("0x20000000000001", '0', 20000, "0p-80004", &ok) == 0x1p53 && ok);
    parse_long("1", '0', 400, "", &ok);
    assert_false(ok);
}

static void test_random_decimals_read_as_in_the_c_library(void **state) {
    (void)state;
    struct random random = random_from(6);
    for (int i = 0; i < 50000; i++) {
        char text[64];
        unsigned long long whole = random_next(&random) >> random_below(&random, 64);
        unsigned long long part = random_next(&random) >> random_below(&random, 64);
        int exponent = (int)random_below(&random, 600) - 300;
        if (i % 3 == 0) exponent = (int)random_below(&random, 40) - 20;
        const char *form = i % 2 == 0 ? "%llu.%llue%d" : "0x%llx.%llxp%d";
        snprintf(text, sizeof(text), form, whole, part, exponent);
        double value, expected = strtod(text, NULL);
        bool accepted = double_parse(slice_text(text), &value);
        assert_int_equal(accepted, !isinf(expected));
        if (accepted) assert_memory_equal(&value, &expected, sizeof(value));
    }
}

static void assert_human(struct slice text, const char *expected) {
    long double value;
    char out[LONG_DOUBLE_TEXT_MAX];
    assert_true(long_double_parse(text, &value));
    size_t len = long_double_print_human(value, out);
    if (!slice_equal(slice_of(out, len), slice_text(expected)))
        fail_msg("printed %.*s, expected %s", (int)len, out, expected);
}

static void test_long_doubles_print_for_people(void **state) {
    (void)state;
    assert_human(SLICE("0.1"), "0.1");
    assert_human(SLICE("3.0e3"), "3000");
    assert_human(SLICE("5.1e-18"), "0.00000000000000001");
    assert_human(SLICE("1e-18"), "0");
    assert_human(SLICE("-1e-18"), "0");
    assert_human(SLICE("-0.0"), "0");
    assert_human(SLICE("-0.5"), "-0.5");
    assert_human(SLICE("10"), "10");
    assert_human(SLICE("100"), "100");
    assert_human(SLICE("1e17"), "100000000000000000");
    assert_human(SLICE("0.30000000000000004"), "0.30000000000000004");
    assert_human(SLICE("1.23456789012345678901"), "1.23456789012345679");
    assert_human(SLICE("inf"), "inf");
    assert_human(SLICE("-inf"), "-inf");
    assert_human(SLICE("0x10"), "16");
}

static void test_long_doubles_end_where_redis_ends_them(void **state) {
    (void)state;
    long double value;
    char text[LONG_DOUBLE_TEXT_MAX + 1], out[LONG_DOUBLE_TEXT_MAX];
    memset(text, '0', sizeof(text));
    text[LONG_DOUBLE_TEXT_MAX - 2] = '1';
    assert_true(long_double_parse(slice_of(text, LONG_DOUBLE_TEXT_MAX - 1), &value) && value == 1);
    assert_false(long_double_parse(slice_of(text, LONG_DOUBLE_TEXT_MAX), &value));
    assert_true(long_double_parse(SLICE("1e4932"), &value));
    assert_int_equal(long_double_print_human(value, out), 4933);
    assert_false(long_double_parse(SLICE("1e5000"), &value));
    assert_false(long_double_parse(SLICE("1e-5000"), &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_read_strictly),
        cmocka_unit_test(test_unsigned_integers_reach_their_whole_range),
        cmocka_unit_test(test_integers_print_as_they_read),
        cmocka_unit_test(test_doubles_print_shortest_in_redis_layout),
        cmocka_unit_test(test_random_doubles_read_back_the_same),
        cmocka_unit_test(test_no_shorter_text_reads_back_the_same),
        cmocka_unit_test(test_doubles_read_what_redis_accepts),
        cmocka_unit_test(test_doubles_refuse_what_redis_refuses),
        cmocka_unit_test(test_a_double_of_any_length_reads_exactly),
        cmocka_unit_test(test_random_decimals_read_as_in_the_c_library),
        cmocka_unit_test(test_long_doubles_print_for_people),
        cmocka_unit_test(test_long_doubles_end_where_redis_ends_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
