#include "util/buf.h"
#include "util/codec.h"
#include "util/hash.h"
#include "util/random.h"

#include "unit/check.h"

static void test_crc32c_matches_the_published_check_value(void **state) {
    (void)state;
    assert_int_equal(crc32c(SLICE("123456789")), 0xE3069283);
    assert_int_equal(crc32c_more(crc32c(SLICE("1234")), SLICE("56789")), 0xE3069283);
}

static void test_key_slot_follows_the_hash_tag(void **state) {
    (void)state;
    assert_int_equal(key_slot(SLICE("123456789")), 0x31C3 & 16383);
    assert_int_equal(key_slot(SLICE("foo")), 12182);
    assert_int_equal(key_slot(SLICE("a{foo}b")), 12182);
    assert_int_equal(key_slot(SLICE("{}foo")), key_slot(SLICE("{}foo")));
    assert_int_not_equal(key_slot(SLICE("{}foo")), 12182);
}

static void test_varints_read_back_and_short_input_fails(void **state) {
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < SF_LENGTH(values); i++) {
        struct buf buf = {0};
        put_varint(&buf, values[i]);
        struct reader in = reader_of(buf_slice(&buf));
        assert_true(read_varint(&in) == values[i]);
        assert_false(in.failed);
        for (size_t cut = 0; cut < buf.len; cut++) {
            struct reader cut_in = reader_of(slice_of(buf.data, cut));
            read_varint(&cut_in);
            assert_true(cut_in.failed);
        }
        buf_free(&buf);
    }
}

static void test_buf_keeps_its_content_through_growth_and_consumption(void **state) {
    (void)state;
    struct buf buf = {0};
    uint8_t next_in = 0, next_out = 0;
    struct random random = random_from(7);
    for (int round = 0; round < 2000; round++) {
        size_t in = random_below(&random, 90), out = random_below(&random, 90);
        for (size_t i = 0; i < in; i++) buf_append_char(&buf, (char)next_in++);
        if (out > buf.len) out = buf.len;
        for (size_t i = 0; i < out; i++)
            assert_int_equal((uint8_t)buf_slice(&buf).data[i], next_out++);
        buf_consume(&buf, out);
    }
    buf_free(&buf);
}

/* Whatever lies in it: what is moved stays below a small multiple of what passes through. */
static void test_buf_with_a_lasting_backlog_is_seldom_moved(void **state) {
    (void)state;
    for (size_t backlog = 1; backlog < 5000; backlog += 61) {
        struct buf buf = {0};
        for (size_t i = 0; i < backlog; i++) buf_append_char(&buf, 'b');
        size_t moved = 0;
        for (size_t i = 0; i < 20000; i++) {
            const char *at = buf_slice(&buf).data;
            buf_append_char(&buf, 'n');
            if (buf_slice(&buf).data != at) moved += buf.len;
            buf_consume(&buf, 1);
        }
        assert_true(moved <= 2 * (20000 + backlog));
        buf_free(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_matches_the_published_check_value),
        cmocka_unit_test(test_key_slot_follows_the_hash_tag),
        cmocka_unit_test(test_varints_read_back_and_short_input_fails),
        cmocka_unit_test(test_buf_keeps_its_content_through_growth_and_consumption),
        cmocka_unit_test(test_buf_with_a_lasting_backlog_is_seldom_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
