#include "net/link_reader.h"
#include "unit/check.h"

#include <stdio.h>

static void feed(struct link_reader *reader, const char *text) {
    link_reader_feed(reader, slice_text(text), 1000);
}

static enum sf_status status_of(const char *text, uint64_t limit_bytes) {
    struct link_reader *reader = link_reader_new();
    uint32_t argc;
    const struct slice *argv;
    link_reader_feed(reader, slice_text(text), limit_bytes);
    enum sf_status status = link_reader_next(reader, &argc, &argv);
    if (status != SF_OK) { /* and it stays so */
        assert_int_not_equal(link_reader_next(reader, &argc, &argv), SF_OK);
    }
    link_reader_free(reader);
    return status;
}

static void assert_argument(struct slice slice, const char *text) {
    assert_int_equal(slice.len, strlen(text));
    assert_memory_equal(slice.data, text, slice.len);
}

static void test_messages_cut_anywhere_come_whole_and_in_order(void **state) {
    (void)state;
    const char *text = "*2\r\n$3\r\none\r\n$0\r\n\r\n-BAD thing\r\n*1\r\n$4\r\n\r\n\r\n\r\n";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct link_reader *reader = link_reader_new();
        uint32_t argc, n_messages = 0;
        const struct slice *argv;
        for (size_t at = 0; at < strlen(text); at++) {
            size_t piece = at == 0 && cut > 0 ? cut : 1;
            link_reader_feed(reader, slice_of(text + at, piece), 1000);
            at += piece - 1;
            for (;;) {
                assert_int_equal(link_reader_next(reader, &argc, &argv), SF_OK);
                if (argc == 0) break;
                n_messages++;
                if (n_messages == 1) {
                    assert_int_equal(argc, 2);
                    assert_argument(argv[0], "one");
                    assert_argument(argv[1], "");
                } else if (n_messages == 2) {
                    assert_int_equal(argc, 2);
                    assert_argument(argv[0], "error");
                    assert_argument(argv[1], "BAD thing");
                } else {
                    assert_int_equal(argc, 1);
                    assert_argument(argv[0], "\r\n\r\n");
                }
            }
        }
        assert_int_equal(n_messages, 3);
        link_reader_free(reader);
    }
}

static void test_whatever_is_not_a_message_is_refused(void **state) {
    (void)state;
    const char *const bad[] = {"+OK\r\n", ":1\r\n", "$2\r\nhi\r\n", "*0\r\n", "*-1\r\n",
        "*1\r\n*1\r\n$1\r\na\r\n", "*1\r\n:1\r\n", "*1\r\n+a\r\n", "*1\r\n-a\r\n", "*1\r\n$-1\r\n",
        "*1\r\n$-2\r\n", "*x\r\n", "hello\r\n", "*9223372036854775808\r\n", "*-2\r\n",
        "*1\r\n$9223372036854775808\r\n", "$-1\r\n"};
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        if (status_of(bad[i], 1000) == SF_OK) fail_msg("accepted: %s", bad[i]);
    }
}

static void test_nothing_grows_beyond_the_limit(void **state) {
    (void)state;
    assert_int_equal(status_of("*1000000000\r\n", 1000), SF_ERR_TOO_LARGE);
    assert_int_equal(status_of("*4294967296\r\n$1\r\na\r\n", 1000), SF_ERR_CORRUPT);
    assert_int_equal(status_of("*2\r\n$6\r\n123456\r\n$6\r\n123456\r\n", 11), SF_ERR_TOO_LARGE);
    assert_int_equal(status_of("*2\r\n$6\r\n123456\r\n$6\r\n123456\r\n", 12), SF_OK);
    struct link_reader *reader = link_reader_new();
    uint32_t argc;
    const struct slice *argv;
    enum sf_status status = SF_OK;
    feed(reader, "*1\r\n$1000000000\r\n");
    for (int i = 0; i < 1000 && status == SF_OK; i++) {
        feed(reader, "0123456789");
        status = link_reader_next(reader, &argc, &argv);
        assert_int_equal(argc, 0);
    }
    assert_int_equal(status, SF_ERR_TOO_LARGE);
    link_reader_free(reader);
}

static void test_many_messages_do_not_add_up_to_the_limit(void **state) {
    (void)state;
    struct link_reader *reader = link_reader_new();
    uint32_t argc;
    const struct slice *argv;
    for (int i = 0; i < 10000; i++) {
        feed(reader, "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n*1\r\n$1\r\nd\r\n");
        assert_int_equal(link_reader_next(reader, &argc, &argv), SF_OK);
        assert_int_equal(argc, 3);
        assert_int_equal(link_reader_next(reader, &argc, &argv), SF_OK);
        assert_int_equal(argc, 1);
        assert_int_equal(link_reader_next(reader, &argc, &argv), SF_OK);
        assert_int_equal(argc, 0);
    }
    link_reader_free(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_cut_anywhere_come_whole_and_in_order),
        cmocka_unit_test(test_whatever_is_not_a_message_is_refused),
        cmocka_unit_test(test_nothing_grows_beyond_the_limit),
        cmocka_unit_test(test_many_messages_do_not_add_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
