#include "resp/value.h"

#include "util/buf.h"

#include "unit/check.h"

static struct resp_value parse_whole(struct slice bytes) {
    struct resp_value value;
    size_t consumed;
    assert_int_equal(resp_value_parse(bytes, &consumed, &value), SF_OK);
    assert_int_equal(consumed, bytes.len);
    return value;
}

static void test_each_type_reads_as_what_it_says(void **state) {
    (void)state;
    struct resp_value value = parse_whole(SLICE(
        "*13\r\n+OK\r\n-ERR x\r\n:-7\r\n$2\r\n\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,-inf\r\n"
        "(-12345678901234567890\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n"));
    const struct resp_value *e = value.elements;
    assert_int_equal(value.n, 13);
    assert_true(e[0].type == '+' && slice_equal(e[0].text, SLICE("OK")));
    assert_true(e[1].type == '-' && slice_equal(e[1].text, SLICE("ERR x")));
    assert_true(e[2].type == ':' && e[2].integer == -7);
    assert_true(e[3].type == '$' && !e[3].is_null && slice_equal(e[3].text, SLICE("\r\n")));
    assert_true(e[4].type == '$' && e[4].is_null);
    assert_true(e[5].type == '*' && e[5].is_null);
    assert_true(e[6].type == '_' && e[6].is_null);
    assert_true(e[7].type == '#' && e[7].integer == 1);
    assert_true(e[8].type == '#' && e[8].integer == 0);
    assert_true(e[9].type == ',' && slice_equal(e[9].text, SLICE("-inf")));
    assert_true(e[10].type == '(' && e[10].text.len == 21);
    assert_true(e[11].type == '=' && slice_equal(e[11].text, SLICE("txt:a")));
    assert_true(e[12].type == '!' && slice_equal(e[12].text, SLICE("ERR")));
    resp_value_free(&value);
}

static void test_maps_and_attributes_have_two_elements_a_pair(void **state) {
    (void)state;
    struct resp_value value = parse_whole(SLICE("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n"));
    assert_int_equal(value.n, 4);
    assert_int_equal(value.elements[3].n, 1);
    resp_value_free(&value);
    value = parse_whole(SLICE("|1\r\n+a\r\n:1\r\n"));
    assert_true(value.type == '|' && value.n == 2);
    resp_value_free(&value);
}

static void test_attributes_within_a_value_are_left_out(void **state) {
    (void)state;
    struct resp_value value = parse_whole(
        SLICE(">2\r\n|1\r\n+a\r\n*1\r\n:9\r\n|0\r\n:1\r\n|1\r\n+x\r\n|0\r\n_\r\n:2\r\n"));
    assert_int_equal(value.n, 2);
    assert_int_equal(value.elements[0].integer, 1);
    assert_int_equal(value.elements[1].integer, 2);
    resp_value_free(&value);
}

static void test_every_beginning_of_a_reply_is_incomplete(void **state) {
    (void)state;
    struct slice bytes = SLICE("*4\r\n%1\r\n+a\r\n$3\r\nabc\r\n|1\r\n_\r\n#t\r\n,1.5\r\n=4\r\ntxt:"
                               "\r\n(1\r\n");
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct resp_value value;
        size_t consumed = 99;
        assert_int_equal(resp_value_parse(slice_of(bytes.data, cut), &consumed, &value), SF_OK);
        assert_int_equal(consumed, 0);
        assert_null(value.elements);
    }
    struct resp_value value = parse_whole(bytes);
    resp_value_free(&value);
    resp_value_free(&value);
}

static void test_malformed_replies_are_corrupt(void **state) {
    (void)state;
    static const struct slice bad[] = {SLICE("x\r\n"), SLICE("\0\r\n"), SLICE(":1x\r\n"),
        SLICE(":\r\n"), SLICE("$-2\r\n"), SLICE("$x\r\n"), SLICE("$1\r\nabc"), SLICE("+a\rb"),
        SLICE("+a\nb\r\n"), SLICE("*-2\r\n"), SLICE("*2147483648\r\n"), SLICE("%-1\r\n"),
        SLICE("#x\r\n"), SLICE("#\r\n"), SLICE("_x\r\n"), SLICE(",abc\r\n"), SLICE("(1.5\r\n"),
        SLICE("(-\r\n"), SLICE("=3\r\ntxt\r\n"), SLICE("=4\r\ntxtx\r\n"), SLICE("!-1\r\n"),
        SLICE("*1\r\n:x\r\n"), SLICE("*2\r\n:1\r\nx\r\n")};
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        struct resp_value value;
        size_t consumed;
        assert_int_equal(resp_value_parse(bad[i], &consumed, &value), SF_ERR_CORRUPT);
        assert_int_equal(consumed, 0);
        assert_null(value.elements);
    }
}

static enum sf_status parse_nested(int depth) {
    struct buf bytes = {0};
    for (int i = 0; i < depth; i++) buf_append_text(&bytes, "*1\r\n");
    buf_append_text(&bytes, ":1\r\n");
    struct resp_value value;
    size_t consumed;
    enum sf_status status = resp_value_parse(buf_slice(&bytes), &consumed, &value);
    resp_value_free(&value);
    buf_free(&bytes);
    return status;
}

static void test_depth_ends_at_32_levels(void **state) {
    (void)state;
    assert_int_equal(parse_nested(32), SF_OK);
    assert_int_equal(parse_nested(33), SF_ERR_CORRUPT);
    assert_int_equal(parse_nested(100000), SF_ERR_CORRUPT);
}

static void test_a_claimed_length_allocates_nothing(void **state) {
    (void)state;
    struct resp_value value;
    size_t consumed;
    assert_int_equal(resp_value_parse(SLICE("*2147483647\r\n:1\r\n"), &consumed, &value), SF_OK);
    assert_int_equal(consumed, 0);
    assert_int_equal(
        resp_value_parse(SLICE("$9223372036854775807\r\nabc\r\n"), &consumed, &value), SF_OK);
    assert_int_equal(consumed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_reads_as_what_it_says),
        cmocka_unit_test(test_maps_and_attributes_have_two_elements_a_pair),
        cmocka_unit_test(test_attributes_within_a_value_are_left_out),
        cmocka_unit_test(test_every_beginning_of_a_reply_is_incomplete),
        cmocka_unit_test(test_malformed_replies_are_corrupt),
        cmocka_unit_test(test_depth_ends_at_32_levels),
        cmocka_unit_test(test_a_claimed_length_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
