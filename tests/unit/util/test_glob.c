#include "util/base.h"
#include "util/buf.h"
#include "util/glob.h"
#include "util/random.h"

#include "unit/check.h"

static bool matches(const char *pattern, const char *text) {
    return glob_match(slice_text(pattern), slice_text(text), false);
}

static bool matches_nocase(const char *pattern, const char *text) {
    return glob_match(slice_text(pattern), slice_text(text), true);
}

static void test_stars_and_question_marks_match_as_usual(void **state) {
    (void)state;
    assert_true(matches("*", "a") && matches("**", "abc") && matches("a*", "a"));
    assert_true(matches("h?llo", "hello") && matches("*llo", "hello") && matches("h*o", "hello"));
    assert_true(matches("*a*b*c*", "xxaxxbxxcxx") && matches("a*b*b", "abab"
                                                                      "b"));
    assert_false(matches("h?llo", "hllo") || matches("a?", "a") || matches("a*b", "a"));
    assert_false(matches("*a*b*c", "xxaxxbxx") || matches("ab", "abc") || matches("abc", "ab"));
}

static void test_an_empty_text_matches_only_an_empty_pattern(void **state) {
    (void)state;
    assert_true(matches("", ""));
    assert_false(matches("*", "") || matches("", "a") || matches("?", ""));
}

static void test_classes_match_members_ranges_and_their_negation(void **state) {
    (void)state;
    assert_true(matches("[abc]x", "bx") && matches("[a-c]", "b") && matches("[c-a]", "b"));
    assert_true(matches("[^a-c]", "d") && matches("[a\\-c]", "-") && matches("[\\]]", "]"));
    assert_true(matches("[a-]", "_") && matches("[ab^]", "^"));
    assert_false(matches("[abc]", "d") || matches("[^a-c]", "b") || matches("[a\\-c]", "b"));
}

static void test_odd_patterns_match_as_in_redis(void **state) {
    (void)state;
    assert_true(matches("[ab", "a"));   /* a class without its end */
    assert_true(matches("[^", "x"));    /* nothing excluded */
    assert_true(matches("[^]", "x"));   /* closed at once */
    assert_false(matches("[", "["));    /* nothing included */
    assert_false(matches("[]a]", "a")); /* closed at once */
    assert_true(matches("a\\", "a\\")); /* a lone backslash */
    assert_true(matches("\\*", "*") && !matches("\\*", "a"));
    assert_true(matches("[a-\xff]", "A")); /* signed bytes: -1 to 97 */
    assert_false(matches("[a-\xff]", "b"));
}

static void test_nocase_folds_letters_but_not_escapes_within_classes(void **state) {
    (void)state;
    assert_true(matches_nocase("HeL*", "hElLo") && matches_nocase("[A-C]", "b"));
    assert_true(matches_nocase("[a-c]", "B") && matches_nocase("\\A", "a"));
    assert_false(matches_nocase("[\\A]", "a") || matches_nocase("[Z-a]", "z"));
    assert_false(matches("HELLO", "hello"));
}

/* The definition, without cleverness: exponential, for short texts. */
static bool matches_slowly(const char *p, size_t n_p, const char *t, size_t n_t) {
    if (n_p == 0) return n_t == 0;
    if (*p == '*') {
        for (size_t skip = 0; skip <= n_t; skip++) {
            if (matches_slowly(p + 1, n_p - 1, t + skip, n_t - skip)) return true;
        }
        return false;
    }
    return n_t > 0 && (*p == '?' || *p == *t) && matches_slowly(p + 1, n_p - 1, t + 1, n_t - 1);
}

static void test_random_patterns_match_as_defined(void **state) {
    (void)state;
    struct random random = random_from(5);
    int matched = 0;
    for (int round = 0; round < 50000; round++) {
        char pattern[9], text[9];
        size_t n_p = random_below(&random, 9), n_t = 1 + random_below(&random, 8);
        for (size_t i = 0; i < n_p; i++) pattern[i] = "ab?**"[random_below(&random, 5)];
        for (size_t i = 0; i < n_t; i++) text[i] = "ab"[random_below(&random, 2)];
        bool expected = matches_slowly(pattern, n_p, text, n_t);
        matched += expected;
        assert_int_equal(
            glob_match(slice_of(pattern, n_p), slice_of(text, n_t), round % 2 == 0), expected);
    }
    assert_in_range(matched, 1000, 49000);
}

/* Would not end within the age of the universe if stars were tried in every combination. */
static void test_many_stars_cost_no_more_than_the_product_of_the_lengths(void **state) {
    (void)state;
    struct buf pattern = {0}, text = {0};
    for (int i = 0; i < 2000; i++) buf_append_text(&pattern, "a*");
    buf_append_char(&pattern, 'b');
    for (int i = 0; i < 20000; i++) buf_append_char(&text, 'a');
    assert_false(glob_match(buf_slice(&pattern), buf_slice(&text), false));
    buf_append_char(&text, 'b');
    assert_true(glob_match(buf_slice(&pattern), buf_slice(&text), true));
    buf_free(&pattern);
    buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stars_and_question_marks_match_as_usual),
        cmocka_unit_test(test_an_empty_text_matches_only_an_empty_pattern),
        cmocka_unit_test(test_classes_match_members_ranges_and_their_negation),
        cmocka_unit_test(test_odd_patterns_match_as_in_redis),
        cmocka_unit_test(test_nocase_folds_letters_but_not_escapes_within_classes),
        cmocka_unit_test(test_random_patterns_match_as_defined),
        cmocka_unit_test(test_many_stars_cost_no_more_than_the_product_of_the_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
