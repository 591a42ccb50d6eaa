#include "resp/parse.h"
#include "resp/reply.h"

#include "util/random.h"

#include "unit/check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const struct resp_limits usual = {
    RESP_INLINE_BYTES, INT_MAX, 512 * 1024 * 1024, 64 * 1024 * 1024, true};

/* One connection that writes down what it is told:
 *   [SET|key|value]   a command         (empty)   nothing to answer
 *   large: ERR ...    to be skipped     broken: ERR ...   the end */
struct talk {
    struct resp_parser *parser;
    struct resp_limits limits;
    struct buf pending, told;
    bool broken;
};

static struct talk talk_with(const struct resp_limits *limits) {
    return (struct talk){.parser = resp_parser_new(), .limits = *limits};
}

static void talk_end(struct talk *talk) {
    resp_parser_free(talk->parser);
    buf_free(&talk->pending);
    buf_free(&talk->told);
}

static void tell_command(struct buf *told, uint32_t argc, const struct slice *argv) {
    for (uint32_t i = 0; i < argc; i++) {
        buf_append_char(told, i == 0 ? '[' : '|');
        buf_append_slice(told, argv[i]);
    }
    buf_append_char(told, ']');
}

/* Feeds bytes and parses until more are needed; each call sees memory of exactly the bytes' size.
 */
static void talk_feed(struct talk *talk, struct slice bytes) {
    buf_append_slice(&talk->pending, bytes);
    while (!talk->broken) {
        size_t consumed = 0, len = talk->pending.len;
        char *exact = sf_alloc(len);
        if (len > 0) memcpy(exact, buf_slice(&talk->pending).data, len);
        uint32_t argc = 0;
        const struct slice *argv = NULL;
        const char *error = NULL;
        enum resp_parsed outcome = resp_parse_command(
            talk->parser, &talk->limits, slice_of(exact, len), &consumed, &argc, &argv, &error);
        switch (outcome) {
        case RESP_COMMAND:
            tell_command(&talk->told, argc, argv);
            break;
        case RESP_EMPTY:
            buf_append_text(&talk->told, "(empty)");
            break;
        case RESP_TOO_LARGE:
            buf_printf(&talk->told, "large: %s", error);
            break;
        case RESP_BROKEN:
            buf_printf(&talk->told, "broken: %s", error);
            talk->broken = true;
            break;
        case RESP_INCOMPLETE:
            break;
        }
        sf_free(exact);
        buf_consume(&talk->pending, consumed);
        if (outcome == RESP_INCOMPLETE) return;
    }
}

static void assert_told(const struct talk *talk, struct slice expected) {
    struct slice told = buf_slice(&talk->told);
    if (slice_equal(told, expected)) return;
    fail_msg("told \"%.*s\", expected \"%.*s\"", (int)told.len, told.data, (int)expected.len,
        expected.data);
}

/* The same is told whole, cut in two at each byte, and byte by byte. */
static void check_cuts(
    const struct resp_limits *limits, struct slice bytes, struct slice expected) {
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct talk talk = talk_with(limits);
        talk_feed(&talk, slice_of(bytes.data, cut));
        talk_feed(&talk, slice_of(bytes.data + cut, bytes.len - cut));
        assert_told(&talk, expected);
        talk_end(&talk);
    }
    struct talk talk = talk_with(limits);
    for (size_t i = 0; i < bytes.len; i++) talk_feed(&talk, slice_of(bytes.data + i, 1));
    assert_told(&talk, expected);
    talk_end(&talk);
}

/* Whole only, for inputs too long to cut everywhere. */
static void check_whole(
    const struct resp_limits *limits, struct slice bytes, const char *expected) {
    struct talk talk = talk_with(limits);
    talk_feed(&talk, bytes);
    assert_told(&talk, slice_text(expected));
    talk_end(&talk);
}

struct example {
    struct slice bytes, told;
};

static void check_examples(
    const struct resp_limits *limits, const struct example *examples, size_t n) {
    for (size_t i = 0; i < n; i++) check_cuts(limits, examples[i].bytes, examples[i].told);
}

#define ERROR(text) SLICE("broken: ERR Protocol error: " text)

static void test_multibulk_requests_read_the_same_however_they_are_cut(void **state) {
    (void)state;
    static const struct example examples[] = {
        {SLICE("*1\r\n$4\r\nPING\r\n"), SLICE("[PING]")},
        {SLICE("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
            SLICE("[SET|k|][GET|k]")},
        {SLICE("*2\r\n$4\r\nECHO\r\n$8\r\n\r\n$1\r\n\0*\r\n"), SLICE("[ECHO|\r\n$1\r\n\0*]")},
        {SLICE("*2\r\n$12\r\nabcdefghijkl\r\n$3\r\nxyz\r\n"), SLICE("[abcdefghijkl|xyz]")},
        {SLICE("*10\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n"
               "$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n"),
            SLICE("[0|1|2|3|4|5|6|7|8|9]")},
    };
    check_examples(&usual, examples, SF_LENGTH(examples));
}

static void test_the_byte_behind_cr_and_the_two_behind_an_argument_are_not_looked_at(void **state) {
    (void)state;
    check_cuts(&usual, SLICE("*1\rx$4\rxPINGxx*1\r\n$1\r\na\r\n"), SLICE("[PING][a]"));
}

static void test_empty_requests_have_no_answer(void **state) {
    (void)state;
    check_cuts(&usual, SLICE("*0\r\n*-1\r\n\r\n\n \t \r\n*-2147483649\r\nPING\r\n"),
        SLICE("(empty)(empty)(empty)(empty)(empty)(empty)[PING]"));
}

static void test_malformed_counts_break_with_the_texts_of_redis(void **state) {
    (void)state;
    static const struct example examples[] = {
        {SLICE("*x\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*01\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*+1\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*1 \r\n"), ERROR("invalid multibulk length")},
        {SLICE("*\0\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*2147483648\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*99999999999999999999\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*1\r\n$x\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$-1\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$-0\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$04\r\nPING\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$536870913\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n$9223372036854775808\r\n"), ERROR("invalid bulk length")},
        {SLICE("*1\r\n+PING\r\n"), ERROR("expected '$', got '+'")},
        {SLICE("*1\r\n3\r\n"), ERROR("expected '$', got '3'")},
        {SLICE("*1\r\n\r\n"), ERROR("expected '$', got ' '")},
        {SLICE("*1\r\n\n\r\n"), ERROR("expected '$', got ' '")},
        {SLICE("*1\r\n\0\r\n"), ERROR("expected '$', got ' '")},
        {SLICE("*2\r\n$3\r\nSET\r\n*1\r\n"), ERROR("expected '$', got '*'")},
        {SLICE("PING\r\n*1\r\nfooz\r\n"), SLICE("[PING]broken: ERR Protocol error: expected '$', "
                                                "got 'f'")},
    };
    check_examples(&usual, examples, SF_LENGTH(examples));
}

static void test_a_broken_stream_stays_broken(void **state) {
    (void)state;
    struct resp_parser *parser = resp_parser_new();
    size_t consumed;
    uint32_t argc;
    const struct slice *argv;
    const char *error = NULL;
    struct slice bytes = SLICE("*x\r\n"), good = SLICE("*1\r\n$4\r\nPING\r\n");
    assert_int_equal(
        resp_parse_command(parser, &usual, bytes, &consumed, &argc, &argv, &error), RESP_BROKEN);
    error = NULL;
    assert_int_equal(
        resp_parse_command(parser, &usual, good, &consumed, &argc, &argv, &error), RESP_BROKEN);
    assert_string_equal(error, "ERR Protocol error: invalid multibulk length");
    assert_int_equal(resp_parser_wants(parser), 0);
    resp_parser_free(parser);
}

static void test_limits_before_authentication_have_errors_of_their_own(void **state) {
    (void)state;
    struct resp_limits limits = usual;
    limits.authenticated = false;
    limits.multibulk_args = RESP_ARGS_UNAUTHENTICATED;
    limits.bulk_bytes = RESP_BULK_BYTES_UNAUTHENTICATED;
    static const struct example examples[] = {
        {SLICE("*10\r\n"), SLICE("")},
        {SLICE("*11\r\n"), ERROR("unauthenticated multibulk length")},
        {SLICE("*2147483648\r\n"), ERROR("invalid multibulk length")},
        {SLICE("*1\r\n$16384\r\n"), SLICE("")},
        {SLICE("*1\r\n$16385\r\n"), ERROR("unauthenticated bulk length")},
        {SLICE("*1\r\n$536870913\r\n"), ERROR("invalid bulk length")},
    };
    check_examples(&limits, examples, SF_LENGTH(examples));
}

static void test_argument_and_bulk_limits_hold_at_their_edges(void **state) {
    (void)state;
    struct resp_limits limits = usual;
    limits.multibulk_args = 3;
    limits.bulk_bytes = 5;
    check_cuts(&limits, SLICE("*3\r\n$1\r\na\r\n$1\r\nb\r\n$5\r\nccccc\r\n"), SLICE("[a|b|ccccc]"));
    check_cuts(&limits, SLICE("*4\r\n"), ERROR("invalid multibulk length"));
    check_cuts(&limits, SLICE("*1\r\n$6\r\n"), ERROR("invalid bulk length"));
}

/* prefix, then n bytes, then suffix, as one piece and as prefix + n bytes alone. */
static void check_long_line(const char *prefix, size_t n, const char *suffix, const char *told) {
    struct buf bytes = {0};
    buf_append_text(&bytes, prefix);
    for (size_t i = 0; i < n; i++) buf_append_char(&bytes, '1');
    buf_append_text(&bytes, suffix);
    check_whole(&usual, buf_slice(&bytes), told);
    buf_free(&bytes);
}

static void test_lines_without_end_are_too_big_beyond_64_kib(void **state) {
    (void)state;
    const char *mbulk = "broken: ERR Protocol error: too big mbulk count string";
    const char *bulk = "broken: ERR Protocol error: too big bulk count string";
    const char *line = "broken: ERR Protocol error: too big inline request";
    check_long_line("*", 65535, "", "");
    check_long_line("*", 65536, "", mbulk);
    check_long_line("*", 65536, "\r\n", mbulk);
    check_long_line("*", 65535, "\r\n", "broken: ERR Protocol error: invalid multibulk length");
    check_long_line("*1\r\n$", 65535, "", "");
    check_long_line("*1\r\n$", 65536, "", bulk);
    check_long_line("*1\r\n$", 65535, "\r\n", "broken: ERR Protocol error: invalid bulk length");
    check_long_line("*1\r\n", 65537, "", bulk);
    check_long_line("a", 65535, "", "");
    check_long_line("a", 65536, "", line);
    check_long_line("a", 65536, "\n", line);
    struct talk longest = talk_with(&usual);
    struct buf bytes = {0};
    for (size_t i = 0; i < 65536; i++) buf_append_char(&bytes, 'a');
    buf_append_char(&bytes, '\n');
    talk_feed(&longest, buf_slice(&bytes));
    assert_int_equal(longest.told.len, 65536 + 2);
    assert_false(longest.broken);
    buf_free(&bytes);
    talk_end(&longest);
}

static void test_inline_requests_split_as_in_redis(void **state) {
    (void)state;
    static const struct example examples[] = {
        {SLICE("PING\r\nPING\n"), SLICE("[PING][PING]")},
        {SLICE("  SET\tk   v \r\n"), SLICE("[SET|k|v]")},
        {SLICE("PING\rPING\r\n"), SLICE("[PING|PING]")},
        {SLICE("ECHO \"\\x41\\n\\q\\xzz\\\"\"\n"), SLICE("[ECHO|A\nqxzz\"]")},
        {SLICE("ECHO \"\\r\\t\\b\\a\\\\\"\n"), SLICE("[ECHO|\r\t\b\a\\]")},
        {SLICE("ECHO 'a\\'b\\n\"'\r\n"), SLICE("[ECHO|a'b\\n\"]")},
        {SLICE("ECHO a\"b c\" d\r\n"), SLICE("[ECHO|ab c|d]")},
        {SLICE("ECHO a\\nb\r\n"), SLICE("[ECHO|a\\nb]")},
        {SLICE("\"\"\r\n"), SLICE("[]")},
        {SLICE("A '' \"\"\r\n"), SLICE("[A||]")},
        {SLICE("ECHO a\vb\v\r\n"), SLICE("[ECHO|a\vb\v]")},
        {SLICE("\vECHO \"a\"\v\r\n"), SLICE("[ECHO|a]")},
        {SLICE("$1\r\n"), SLICE("[$1]")},
        {SLICE("a\0b\r\n"), SLICE("[a\0b]")},
        {SLICE("ECHO \"a\r\nPING\r\n"), ERROR("unbalanced quotes in request")},
        {SLICE("ECHO \"a\"b\r\n"), ERROR("unbalanced quotes in request")},
        {SLICE("ECHO 'a'\"b\"\r\n"), ERROR("unbalanced quotes in request")},
        {SLICE("ECHO 'a\r\n"), ERROR("unbalanced quotes in request")},
        {SLICE("ECHO \"a\\\r\n"), ERROR("unbalanced quotes in request")},
    };
    check_examples(&usual, examples, SF_LENGTH(examples));
}

static const char large_told[] =
    "large: ERR request larger than max-request-bytes, not executed(empty)[PING]";

static void test_a_request_beyond_max_request_bytes_is_skipped_and_the_stream_goes_on(
    void **state) {
    (void)state;
    struct resp_limits limits = usual;
    struct slice request =
        SLICE("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*1\r\n$4\r\nPING\r\n");
    limits.request_bytes = 31;
    check_cuts(&limits, request, SLICE("[SET|k|value][PING]"));
    for (limits.request_bytes = 14; limits.request_bytes < 31; limits.request_bytes++)
        check_cuts(&limits, request, slice_text(large_told));
    struct slice first =
        SLICE("*2\r\n$40\r\n0123456789012345678901234567890123456789\r\n$1\r\nk\r\n"
              "PING\r\n");
    limits.request_bytes = 30;
    check_cuts(&limits, first, slice_text(large_told));
}

static void test_an_inline_request_beyond_max_request_bytes_is_skipped(void **state) {
    (void)state;
    struct resp_limits limits = usual;
    limits.request_bytes = 6;
    check_cuts(&limits, SLICE("PING\r\nPING1\r\nPING\r\n"),
        SLICE("[PING]large: ERR request larger than max-request-bytes, not executed[PING]"));
}

static void test_a_skipped_request_that_is_malformed_breaks(void **state) {
    (void)state;
    struct resp_limits limits = usual;
    limits.request_bytes = 20;
    check_cuts(&limits, SLICE("*3\r\n$3\r\nSET\r\n$30\r\n012345678901234567890123456789\r\n$x\r\n"),
        SLICE("large: ERR request larger than max-request-bytes, not executed"
              "broken: ERR Protocol error: invalid bulk length"));
}

static void test_many_claimed_arguments_cost_no_memory_before_they_come(void **state) {
    (void)state;
    struct resp_limits limits = usual;
    limits.request_bytes = 1000;
    check_cuts(&limits, SLICE("*2147483647\r\n$1\r\na\r\n"),
        SLICE("large: ERR request larger than max-request-bytes, not executed"));
    limits.request_bytes = UINT64_MAX;
    check_cuts(&limits, SLICE("*2147483647\r\n$1\r\na\r\n"), SLICE(""));
}

static size_t wants_after(const char *bytes) {
    struct talk talk = talk_with(&usual);
    talk_feed(&talk, slice_text(bytes));
    size_t wants = resp_parser_wants(talk.parser);
    talk_end(&talk);
    return wants;
}

static void test_wants_names_the_bytes_that_are_certain_to_come(void **state) {
    (void)state;
    assert_int_equal(wants_after(""), 0);
    assert_int_equal(wants_after("*1"), 0);
    assert_int_equal(wants_after("PIN"), 0);
    assert_int_equal(wants_after("*2\r\n"), 12);
    assert_int_equal(wants_after("*2\r\n$1000\r\n"), 1002 + 6);
    assert_int_equal(wants_after("*2\r\n$1000\r\nabc"), 999 + 6);
    assert_int_equal(wants_after("*1\r\n$4\r\nPING\r"), 1);
    assert_int_equal(wants_after("*1\r\n$4\r\nPING\r\n"), 0);
}

static void test_requests_of_few_arguments_share_one_array(void **state) {
    (void)state;
    struct resp_parser *parser = resp_parser_new();
    const struct slice *first = NULL;
    struct slice bytes = SLICE("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n");
    for (int i = 0; i < 100; i++) {
        size_t consumed;
        uint32_t argc;
        const struct slice *argv;
        const char *error;
        assert_int_equal(resp_parse_command(parser, &usual, bytes, &consumed, &argc, &argv, &error),
            RESP_COMMAND);
        assert_int_equal(consumed, bytes.len);
        assert_int_equal(argc, 3);
        if (i == 0) first = argv;
        assert_ptr_equal(argv, first);
        assert_ptr_equal(argv[0].data, bytes.data + 8);
    }
    resp_parser_free(parser);
}

static void test_random_commands_survive_writing_and_reading_in_random_pieces(void **state) {
    (void)state;
    struct random random = random_from(3);
    for (int round = 0; round < 200; round++) {
        struct buf bytes = {0}, expected = {0};
        for (int n = 0; n < 20; n++) {
            struct slice argv[40];
            static const char text[3000] = {'x', '\r', '\n', '$'};
            uint32_t argc = 1 + (uint32_t)random_below(&random, SF_LENGTH(argv));
            uint64_t most = random_below(&random, 10) == 0 ? sizeof(text) : 20;
            for (uint32_t i = 0; i < argc; i++)
                argv[i] = slice_of(text, random_below(&random, most));
            resp_write_command(&bytes, argc, argv);
            tell_command(&expected, argc, argv);
        }
        struct talk talk = talk_with(&usual);
        for (size_t at = 0; at < bytes.len;) {
            size_t piece = 1 + random_below(&random, 5000);
            piece = SF_MIN(piece, bytes.len - at);
            talk_feed(&talk, slice_of(buf_slice(&bytes).data + at, piece));
            at += piece;
        }
        assert_true(slice_equal(buf_slice(&talk.told), buf_slice(&expected)));
        assert_int_equal(talk.pending.len, 0);
        talk_end(&talk);
        buf_free(&bytes);
        buf_free(&expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multibulk_requests_read_the_same_however_they_are_cut),
        cmocka_unit_test(test_the_byte_behind_cr_and_the_two_behind_an_argument_are_not_looked_at),
        cmocka_unit_test(test_empty_requests_have_no_answer),
        cmocka_unit_test(test_malformed_counts_break_with_the_texts_of_redis),
        cmocka_unit_test(test_a_broken_stream_stays_broken),
        cmocka_unit_test(test_limits_before_authentication_have_errors_of_their_own),
        cmocka_unit_test(test_argument_and_bulk_limits_hold_at_their_edges),
        cmocka_unit_test(test_lines_without_end_are_too_big_beyond_64_kib),
        cmocka_unit_test(test_inline_requests_split_as_in_redis),
        cmocka_unit_test(test_a_request_beyond_max_request_bytes_is_skipped_and_the_stream_goes_on),
        cmocka_unit_test(test_an_inline_request_beyond_max_request_bytes_is_skipped),
        cmocka_unit_test(test_a_skipped_request_that_is_malformed_breaks),
        cmocka_unit_test(test_many_claimed_arguments_cost_no_memory_before_they_come),
        cmocka_unit_test(test_wants_names_the_bytes_that_are_certain_to_come),
        cmocka_unit_test(test_requests_of_few_arguments_share_one_array),
        cmocka_unit_test(test_random_commands_survive_writing_and_reading_in_random_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
