/* The packed forms of earlier versions, made by hand. */
#include "rdb/packed.h"
#include "util/codec.h"
#include "util/random.h"

#include "unit/check.h"

/* Every encoding of an entry, in the order of rows:
 *
 *   81 bytes | last entry at 75 | 14 entries
 *   before | encoding and content                       the entry
 *   00     | 05 hello                                   text of 6-bit length
 *   07     | 40 03 abc                                  14-bit length, though 6 would do
 *   06     | 80 00 00 00 02 xy                          32-bit length
 *   08     | f1                                         0
 *   02     | fd                                         12
 *   02     | fe 80                                      -128
 *   03     | c0 00 80                                   -32768
 *   04     | f0 ff ff 7f                                8388607
 *   05     | d0 00 00 00 80                             -2147483648
 *   06     | e0 ff ff ff ff ff ff ff 7f                 9223372036854775807
 *   0a     | 00                                         empty
 *   02     | fe 0c                                      12, wider than needed
 *   fe 03 00 00 00 | 01 z                               5 bytes say 3
 *   07     | 03 007                                     text that is no number */
static const char ziplist[] = "\x51\0\0\0\x4b\0\0\0\x0e\0"
                              "\x00\x05hello"
                              "\x07\x40\x03"
                              "abc"
                              "\x06\x80\0\0\0\x02xy"
                              "\x08\xf1"
                              "\x02\xfd"
                              "\x02\xfe\x80"
                              "\x03\xc0\x00\x80"
                              "\x04\xf0\xff\xff\x7f"
                              "\x05\xd0\0\0\0\x80"
                              "\x06\xe0\xff\xff\xff\xff\xff\xff\xff\x7f"
                              "\x0a\x00"
                              "\x02\xfe\x0c"
                              "\xfe\x03\0\0\0\x01z"
                              "\x07\x03"
                              "007\xff";
static const char *const ziplist_texts[] = {"hello", "abc", "xy", "0", "12", "-128", "-32768",
    "8388607", "-2147483648", "9223372036854775807", "", "12", "z", "007"};

/* Three fields; the second value has two free bytes behind it, the third is long:
 *
 *   03 | 03 foo | 03 00 bar | 01 a | 02 02 bc .. | 01 k | fe 00 01 00 00 00 v*256 | ff */
static struct slice zipmap(struct buf *out, uint8_t count) {
    put_u8(out, count);
    buf_append(out,
        "\x03"
        "foo\x03\x00"
        "bar\x01"
        "a\x02\x02"
        "bc..\x01k\xfe\x00\x01\x00\x00\x00",
        25);
    memset(buf_reserve(out, 256), 'v', 256);
    buf_commit(out, 256);
    put_u8(out, 0xff);
    return buf_slice(out);
}

static void assert_texts(
    const struct listpack *listpack, const char *const *texts, size_t n_expected) {
    assert_non_null(listpack);
    assert_int_equal(listpack_count(listpack), n_expected);
    size_t i = 0;
    for (size_t at = listpack_first(listpack); at != 0; at = listpack_next(listpack, at)) {
        char scratch[INT_TEXT_MAX];
        assert_true(slice_equal(listpack_text(listpack, at, scratch), slice_text(texts[i++])));
    }
}

static void test_every_entry_of_a_ziplist_is_read(void **state) {
    (void)state;
    struct listpack *listpack = rdb_listpack_of_ziplist(slice_of(ziplist, sizeof ziplist - 1));
    assert_texts(listpack, ziplist_texts, SF_LENGTH(ziplist_texts));
    listpack_free(listpack);
}

static void test_an_empty_ziplist_is_one(void **state) {
    (void)state;
    struct listpack *listpack = rdb_listpack_of_ziplist(SLICE("\x0b\0\0\0\x0a\0\0\0\0\0\xff"));
    assert_texts(listpack, NULL, 0);
    listpack_free(listpack);
}

static void test_a_ziplist_of_unknown_count_is_counted(void **state) {
    (void)state;
    char bytes[sizeof ziplist - 1];
    memcpy(bytes, ziplist, sizeof bytes);
    bytes[8] = bytes[9] = (char)0xff;
    struct listpack *listpack = rdb_listpack_of_ziplist(slice_of(bytes, sizeof bytes));
    assert_texts(listpack, ziplist_texts, SF_LENGTH(ziplist_texts));
    listpack_free(listpack);
}

static void assert_no_ziplist(struct slice bytes) {
    assert_null(rdb_listpack_of_ziplist(bytes));
}

static void test_a_ziplist_whose_words_disagree_is_refused(void **state) {
    (void)state;
    static const size_t at[] = {0 /* bytes */, 4 /* last entry */, 8 /* count */, 10 /* before */,
        17 /* before */, sizeof ziplist - 2 /* end */};
    for (size_t i = 0; i < SF_LENGTH(at); i++) {
        char bytes[sizeof ziplist - 1];
        memcpy(bytes, ziplist, sizeof bytes);
        bytes[at[i]] ^= 1;
        assert_no_ziplist(slice_of(bytes, sizeof bytes));
    }
}

/* In memory of exactly that length, so that a sanitizer sees a byte too far. */
static struct listpack *load_exactly(const char *bytes, size_t len, bool is_zipmap) {
    char *copy = sf_alloc(len);
    memcpy(copy, bytes, len);
    size_t longest;
    struct listpack *listpack = is_zipmap ? rdb_listpack_of_zipmap(slice_of(copy, len), &longest)
                                          : rdb_listpack_of_ziplist(slice_of(copy, len));
    sf_free(copy);
    return listpack;
}

/* With its own length in front, so that not only that is found to be wrong. */
static void test_every_cut_of_a_ziplist_is_refused(void **state) {
    (void)state;
    for (size_t len = 0; len < sizeof ziplist - 1; len++) {
        char bytes[sizeof ziplist];
        memcpy(bytes, ziplist, len);
        if (len >= 4) store_u32(bytes, (uint32_t)len);
        assert_null(load_exactly(bytes, len, false));
    }
}

static void test_changed_bytes_never_lead_outside(void **state) {
    (void)state;
    struct random random = random_from(3);
    struct buf out = {0};
    struct slice map = zipmap(&out, 3);
    for (int run = 0; run < 20000; run++) {
        bool is_zipmap = run % 2 == 0;
        struct slice from = is_zipmap ? map : slice_of(ziplist, sizeof ziplist - 1);
        char bytes[512];
        memcpy(bytes, from.data, from.len);
        for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--)
            bytes[random_below(&random, from.len)] = (char)random_next(&random);
        struct listpack *listpack = load_exactly(bytes, from.len, is_zipmap);
        if (listpack != NULL) listpack_free(listpack);
    }
    buf_free(&out);
}

static void test_the_fields_and_values_of_a_zipmap_are_read(void **state) {
    (void)state;
    char v[257] = {0};
    memset(v, 'v', 256);
    const char *texts[] = {"foo", "bar", "a", "bc", "k", v};
    static const uint8_t counts[] = {3, 254};
    for (size_t i = 0; i < SF_LENGTH(counts); i++) {
        struct buf out = {0};
        size_t longest;
        struct listpack *listpack = rdb_listpack_of_zipmap(zipmap(&out, counts[i]), &longest);
        assert_texts(listpack, texts, SF_LENGTH(texts));
        assert_int_equal(longest, 256);
        listpack_free(listpack);
        buf_free(&out);
    }
}

static void test_a_damaged_zipmap_is_refused(void **state) {
    (void)state;
    struct buf out = {0};
    struct slice map = zipmap(&out, 3);
    for (size_t len = 0; len < map.len; len++) assert_null(load_exactly(map.data, len, true));
    struct buf other = {0};
    size_t longest;
    assert_null(rdb_listpack_of_zipmap(zipmap(&other, 4), &longest));
    assert_null(rdb_listpack_of_zipmap(SLICE("\x01\x01k\xff"), &longest));
    buf_free(&other);
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_entry_of_a_ziplist_is_read),
        cmocka_unit_test(test_an_empty_ziplist_is_one),
        cmocka_unit_test(test_a_ziplist_of_unknown_count_is_counted),
        cmocka_unit_test(test_a_ziplist_whose_words_disagree_is_refused),
        cmocka_unit_test(test_every_cut_of_a_ziplist_is_refused),
        cmocka_unit_test(test_changed_bytes_never_lead_outside),
        cmocka_unit_test(test_the_fields_and_values_of_a_zipmap_are_read),
        cmocka_unit_test(test_a_damaged_zipmap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
