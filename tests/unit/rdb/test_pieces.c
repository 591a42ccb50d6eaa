/* Lengths, strings, scores, the checksum. */
#include "rdb/format.h"
#include "rdb/input.h"
#include "rdb/output.h"
#include "util/crc64.h"
#include "util/random.h"

#include "unit/check.h"

#include <math.h>

static struct rdb_input input_of(struct slice bytes) {
    return (struct rdb_input){.rest = bytes, .string_bytes_max = UINT32_MAX};
}

/* -- the checksum ---------------------------------------------------------------------------- */

/* The check value of CRC-64/REDIS, and the checksum of a dump of "1" that a Redis 7.0 made. */
static void test_the_checksum_is_redis_own(void **state) {
    (void)state;
    assert_true(crc64_more(0, SLICE("123456789")) == 0xe9c6d914c4b8d9caULL);
    assert_true(crc64_more(0, slice_of(NULL, 0)) == 0);
}

static void test_a_checksum_goes_on_from_any_cut(void **state) {
    (void)state;
    struct slice text = SLICE("the quick brown fox jumps over the lazy dog");
    uint64_t whole = crc64_more(0, text);
    for (size_t cut = 0; cut <= text.len; cut++) {
        uint64_t first = crc64_more(0, slice_of(text.data, cut));
        assert_true(crc64_more(first, slice_of(text.data + cut, text.len - cut)) == whole);
    }
}

/* -- lengths --------------------------------------------------------------------------------- */

static void test_every_width_of_length_is_written_and_read(void **state) {
    (void)state;
    static const struct {
        uint64_t length;
        struct slice bytes;
    } cases[] = {{0, {"\x00", 1}}, {63, {"\x3f", 1}}, {64, {"\x40\x40", 2}},
        {16383, {"\x7f\xff", 2}}, {16384, {"\x80\0\0\x40\0", 5}},
        {UINT32_MAX, {"\x80\xff\xff\xff\xff", 5}},
        {(uint64_t)UINT32_MAX + 1, {"\x81\0\0\0\1\0\0\0\0", 9}},
        {UINT64_MAX, {"\x81\xff\xff\xff\xff\xff\xff\xff\xff", 9}}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct buf out = {0};
        rdb_put_length(&out, cases[i].length);
        assert_true(slice_equal(buf_slice(&out), cases[i].bytes));
        struct rdb_input in = input_of(cases[i].bytes);
        assert_true(rdb_get_length(&in) == cases[i].length);
        assert_true(rdb_input_good(&in) && in.rest.len == 0);
        for (size_t cut = 0; cut < cases[i].bytes.len; cut++) {
            in = input_of(slice_of(cases[i].bytes.data, cut));
            rdb_get_length(&in);
            assert_true(in.is_short && in.status == SF_OK);
        }
        buf_free(&out);
    }
}

static void test_a_length_of_unknown_form_is_corrupt(void **state) {
    (void)state;
    struct rdb_input in = input_of(SLICE("\x82xxxxxxxxxx"));
    rdb_get_length(&in);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
    in = input_of(SLICE("\xc0\x01"));
    rdb_get_length(&in);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
}

/* -- strings --------------------------------------------------------------------------------- */

static void assert_writes(struct slice text, struct slice bytes) {
    struct buf out = {0};
    rdb_put_string(&out, text);
    assert_int_equal(out.len, bytes.len);
    assert_memory_equal(buf_slice(&out).data, bytes.data, bytes.len);
    buf_free(&out);
}

static void test_short_numbers_are_written_in_binary(void **state) {
    (void)state;
    assert_writes(SLICE("0"), SLICE("\xc0\x00"));
    assert_writes(SLICE("-128"), SLICE("\xc0\x80"));
    assert_writes(SLICE("128"), SLICE("\xc1\x80\x00"));
    assert_writes(SLICE("-32769"), SLICE("\xc2\xff\x7f\xff\xff"));
    assert_writes(SLICE("2147483647"), SLICE("\xc2\xff\xff\xff\x7f"));
    assert_writes(SLICE("2147483648"), SLICE("\x0a"
                                             "2147483648"));
    assert_writes(SLICE("007"), SLICE("\x03"
                                      "007"));
    assert_writes(SLICE(""), SLICE("\x00"));
}

static void assert_round_trip(struct slice text) {
    struct buf out = {0};
    struct rdb_room room = {0};
    rdb_put_string(&out, text);
    for (size_t cut = 0; cut < out.len; cut += 1 + out.len / 100) {
        struct rdb_input in = input_of(slice_of(buf_slice(&out).data, cut));
        rdb_get_string(&in, &room);
        assert_true(in.is_short && in.status == SF_OK);
    }
    struct rdb_input in = input_of(buf_slice(&out));
    struct slice back = rdb_get_string(&in, &room);
    assert_true(rdb_input_good(&in) && in.rest.len == 0 && slice_equal(back, text));
    rdb_room_free(&room);
    buf_free(&out);
}

static void test_strings_of_every_kind_are_read_as_they_were(void **state) {
    (void)state;
    struct random random = random_from(1);
    static const char *const texts[] = {"", "a", "12", "-1", "99999999999", "aaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < SF_LENGTH(texts); i++) assert_round_trip(slice_text(texts[i]));
    for (size_t len = 1; len < 300000; len = len * 3 + 1) {
        for (unsigned letters = 1; letters <= 256; letters *= 4) {
            char *text = sf_alloc(len);
            for (size_t i = 0; i < len; i++) text[i] = (char)random_below(&random, letters);
            assert_round_trip(slice_of(text, len));
            sf_free(text);
        }
    }
}

static void test_a_long_text_that_repeats_is_compressed(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text);
    struct buf out = {0};
    rdb_put_string(&out, slice_of(text, sizeof text));
    assert_true(out.len < 200 && (uint8_t)buf_slice(&out).data[0] == 0xc3);
    buf_free(&out);
}

/* A few bytes that claim to be gigabytes: refused before anything is allocated for them. */
static void test_a_compressed_string_that_cannot_be_so_long_is_corrupt(void **state) {
    (void)state;
    struct rdb_room room = {0};
    struct rdb_input in = input_of(SLICE("\xc3\x03\x80\xff\xff\xff\xff"
                                         "abc"));
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
    assert_null(room.unpacked.data);
    in = input_of(SLICE("\xc3\x03\x00"
                        "abc"));
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
    in = input_of(SLICE("\xc3\x03\x14\x20\x20\x20")); /* points in front of its beginning */
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
    rdb_room_free(&room);
}

static void test_a_string_larger_than_allowed_is_refused_at_once(void **state) {
    (void)state;
    struct rdb_room room = {0};
    struct rdb_input in = {.rest = SLICE("\x05hello"), .string_bytes_max = 4};
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_TOO_LARGE);
    in = (struct rdb_input){.rest = SLICE("\x05"), .string_bytes_max = 4};
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_TOO_LARGE);
    in = (struct rdb_input){.rest = SLICE("\xc3\x04\x40\x50"), .string_bytes_max = 40};
    rdb_get_string(&in, &room);
    assert_int_equal(in.status, SF_ERR_TOO_LARGE);
    rdb_room_free(&room);
}

/* -- scores ---------------------------------------------------------------------------------- */

static void test_decimal_scores_are_read(void **state) {
    (void)state;
    struct rdb_input in = input_of(SLICE("\x03"
                                         "1.5\xfe\xff\x05-1e-3"));
    assert_true(rdb_get_decimal(&in) == 1.5);
    assert_true(isinf(rdb_get_decimal(&in)));
    assert_true(rdb_get_decimal(&in) == -INFINITY);
    assert_true(rdb_get_decimal(&in) == -0.001);
    assert_true(rdb_input_good(&in) && in.rest.len == 0);
    in = input_of(SLICE("\xfd"));
    rdb_get_decimal(&in);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
    in = input_of(SLICE("\x02x1"));
    rdb_get_decimal(&in);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
}

static void test_a_score_that_is_no_number_is_corrupt(void **state) {
    (void)state;
    struct rdb_input in = input_of(SLICE("\0\0\0\0\0\0\xf8\x7f"));
    rdb_get_double(&in);
    assert_int_equal(in.status, SF_ERR_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_checksum_is_redis_own),
        cmocka_unit_test(test_a_checksum_goes_on_from_any_cut),
        cmocka_unit_test(test_every_width_of_length_is_written_and_read),
        cmocka_unit_test(test_a_length_of_unknown_form_is_corrupt),
        cmocka_unit_test(test_short_numbers_are_written_in_binary),
        cmocka_unit_test(test_strings_of_every_kind_are_read_as_they_were),
        cmocka_unit_test(test_a_long_text_that_repeats_is_compressed),
        cmocka_unit_test(test_a_compressed_string_that_cannot_be_so_long_is_corrupt),
        cmocka_unit_test(test_a_string_larger_than_allowed_is_refused_at_once),
        cmocka_unit_test(test_decimal_scores_are_read),
        cmocka_unit_test(test_a_score_that_is_no_number_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
