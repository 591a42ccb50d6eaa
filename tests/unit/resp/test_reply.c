#include "resp/reply.h"
#include "resp/value.h"

#include "util/random.h"

#include "unit/check.h"

#include <math.h>

/* Both protocols, side by side. */
struct both {
    struct buf out2, out3;
    struct reply two, three;
};

static void both_begin(struct both *both) {
    *both = (struct both){0};
    both->two = (struct reply){&both->out2, 2};
    both->three = (struct reply){&both->out3, 3};
}

static void assert_wrote(struct buf *out, const char *expected) {
    struct slice wrote = buf_slice(out);
    if (!slice_equal(wrote, slice_text(expected)))
        fail_msg("wrote \"%.*s\", expected \"%s\"", (int)wrote.len, wrote.data, expected);
    buf_free(out);
}

#define CHECK_BOTH(call, expected2, expected3)                                                     \
    do {                                                                                           \
        struct both both;                                                                          \
        both_begin(&both);                                                                         \
        struct reply *r = &both.two;                                                               \
        call;                                                                                      \
        assert_wrote(&both.out2, expected2);                                                       \
        r = &both.three;                                                                           \
        call;                                                                                      \
        assert_wrote(&both.out3, expected3);                                                       \
        struct reply none = {NULL, 3};                                                             \
        r = &none;                                                                                 \
        call;                                                                                      \
    } while (0)

static void test_simple_replies_have_redis_forms_in_both_protocols(void **state) {
    (void)state;
    CHECK_BOTH(reply_status(r, "OK"), "+OK\r\n", "+OK\r\n");
    CHECK_BOTH(reply_error(r, "ERR no"), "-ERR no\r\n", "-ERR no\r\n");
    CHECK_BOTH(reply_integer(r, 0), ":0\r\n", ":0\r\n");
    CHECK_BOTH(reply_integer(r, 10), ":10\r\n", ":10\r\n");
    CHECK_BOTH(
        reply_integer(r, INT64_MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
    CHECK_BOTH(reply_bulk(r, SLICE("a\r\nb")), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n");
    CHECK_BOTH(reply_bulk(r, slice_of(NULL, 0)), "$0\r\n\r\n", "$0\r\n\r\n");
    CHECK_BOTH(reply_bulk_text(r, "0123456789"), "$10\r\n0123456789\r\n", "$10\r\n0123456789\r\n");
    CHECK_BOTH(reply_bulk_integer(r, -42), "$3\r\n-42\r\n", "$3\r\n-42\r\n");
    CHECK_BOTH(reply_null(r), "$-1\r\n", "_\r\n");
    CHECK_BOTH(reply_null_array(r), "*-1\r\n", "_\r\n");
    CHECK_BOTH(reply_bool(r, true), ":1\r\n", "#t\r\n");
    CHECK_BOTH(reply_bool(r, false), ":0\r\n", "#f\r\n");
    CHECK_BOTH(reply_verbatim(r, "txt", SLICE("abc")), "$3\r\nabc\r\n", "=7\r\ntxt:abc\r\n");
    CHECK_BOTH(reply_big_number(r, SLICE("123")), "$3\r\n123\r\n", "(123\r\n");
}

static void test_doubles_are_bulks_in_resp2_and_of_their_own_type_in_resp3(void **state) {
    (void)state;
    CHECK_BOTH(reply_double(r, 0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    CHECK_BOTH(reply_double(r, 3), "$1\r\n3\r\n", ",3\r\n");
    CHECK_BOTH(reply_double(r, (double)INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    CHECK_BOTH(reply_double(r, -(double)INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    CHECK_BOTH(reply_double(r, (double)NAN), "$3\r\nnan\r\n", ",nan\r\n");
}

static void test_aggregates_are_flat_arrays_in_resp2(void **state) {
    (void)state;
    CHECK_BOTH(reply_array(r, 0), "*0\r\n", "*0\r\n");
    CHECK_BOTH(reply_array(r, 1000), "*1000\r\n", "*1000\r\n");
    CHECK_BOTH(reply_map(r, 7), "*14\r\n", "%7\r\n");
    CHECK_BOTH(reply_set(r, 2), "*2\r\n", "~2\r\n");
    CHECK_BOTH(reply_push(r, 3), "*3\r\n", ">3\r\n");
    CHECK_BOTH(reply_attribute(r, 1), "", "|1\r\n");
}

static void test_an_error_stays_on_its_line(void **state) {
    (void)state;
    CHECK_BOTH(reply_error(r, "ERR a\r\nb\n"), "-ERR a  b\r\n", "-ERR a  b\r\n");
    CHECK_BOTH(
        reply_errorf(r, "ERR '%s' %d", "x\ny\r\n", 7), "-ERR 'x y  ' 7\r\n", "-ERR 'x y  ' 7\r\n");
    CHECK_BOTH(reply_status(r, "A\nB"), "+A B\r\n", "+A B\r\n");
}

static void test_an_error_may_be_longer_than_any_buffer(void **state) {
    (void)state;
    char text[5001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    struct buf out = {0};
    struct reply reply = {&out, 2};
    reply_errorf(&reply, "ERR %s", text);
    assert_int_equal(out.len, 1 + 4 + 5000 + 2);
    assert_memory_equal(buf_slice(&out).data + out.len - 3, "x\r\n", 3);
    buf_free(&out);
}

/* Two levels, counted at the end; in front of it stands what was written before. */
static void write_deferred(struct reply *reply) {
    reply_integer(reply, 1);
    struct reply_open outer = reply_begin(reply);
    reply_bulk_text(reply, "k");
    struct reply_open inner = reply_begin(reply);
    for (int i = 0; i < 12; i++) reply_integer(reply, 5);
    reply_end(reply, inner, REPLY_SET, 12);
    reply_end(reply, outer, REPLY_MAP, 1);
    struct reply_open empty = reply_begin(reply);
    reply_end(reply, empty, REPLY_ARRAY, 0);
}

static void test_lengths_known_at_the_end_stand_in_front(void **state) {
    (void)state;
    CHECK_BOTH(write_deferred(r),
        ":1\r\n*2\r\n$1\r\nk\r\n*12\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n"
        ":5\r\n:5\r\n:5\r\n*0\r\n",
        ":1\r\n%1\r\n$1\r\nk\r\n~12\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n:5\r\n"
        ":5\r\n:5\r\n:5\r\n*0\r\n");
}

static void test_deferred_lengths_hold_in_a_buffer_already_consumed_in_front(void **state) {
    (void)state;
    struct buf out = {0};
    struct reply reply = {&out, 3};
    reply_status(&reply, "gone");
    reply_status(&reply, "here");
    buf_consume(&out, 7);
    struct reply_open open = reply_begin(&reply);
    reply_integer(&reply, 1);
    reply_end(&reply, open, REPLY_ARRAY, 1);
    assert_wrote(&out, "+here\r\n*1\r\n:1\r\n");
}

static void test_a_request_is_written_as_an_array_of_bulks(void **state) {
    (void)state;
    struct buf out = {0};
    struct slice argv[] = {SLICE("SET"), SLICE("k"), SLICE("")};
    resp_write_command(&out, 3, argv);
    assert_wrote(&out, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

static void write_random(struct reply *reply, struct random *random, int depth) {
    uint64_t kind = random_below(random, depth < 6 ? 14 : 10), n = random_below(random, 5);
    switch (kind) {
    case 0:
        reply_status(reply, "OK");
        break;
    case 1:
        reply_error(reply, "ERR");
        break;
    case 2:
        reply_integer(reply, (int64_t)random_next(random));
        break;
    case 3:
        reply_bulk(reply, SLICE("\r\n\0"));
        break;
    case 4:
        reply_null(reply);
        break;
    case 5:
        reply_null_array(reply);
        break;
    case 6:
        reply_bool(reply, true);
        break;
    case 7:
        reply_double(reply, (double)random_next(random) / 1e25);
        break;
    case 8:
        reply_verbatim(reply, "mkd", SLICE("x"));
        break;
    case 9:
        reply_big_number(reply, SLICE("-99999999999999999999"));
        break;
    default: {
        struct reply_open open = reply_begin(reply);
        for (uint64_t i = 0; i < n * 2; i++) write_random(reply, random, depth + 1);
        bool map = kind == 10;
        reply_end(reply, open,
            map          ? REPLY_MAP
            : kind == 11 ? REPLY_SET
                         : REPLY_ARRAY,
            map ? n : n * 2);
    }
    }
}

static void test_whatever_is_written_is_one_well_formed_reply(void **state) {
    (void)state;
    struct random random = random_from(11);
    for (int i = 0; i < 2000; i++) {
        struct buf out = {0};
        struct reply reply = {&out, (uint8_t)(2 + i % 2)};
        write_random(&reply, &random, 0);
        struct resp_value value;
        size_t consumed;
        assert_int_equal(resp_value_parse(buf_slice(&out), &consumed, &value), SF_OK);
        assert_int_equal(consumed, out.len);
        resp_value_free(&value);
        buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_replies_have_redis_forms_in_both_protocols),
        cmocka_unit_test(test_doubles_are_bulks_in_resp2_and_of_their_own_type_in_resp3),
        cmocka_unit_test(test_aggregates_are_flat_arrays_in_resp2),
        cmocka_unit_test(test_an_error_stays_on_its_line),
        cmocka_unit_test(test_an_error_may_be_longer_than_any_buffer),
        cmocka_unit_test(test_lengths_known_at_the_end_stand_in_front),
        cmocka_unit_test(test_deferred_lengths_hold_in_a_buffer_already_consumed_in_front),
        cmocka_unit_test(test_a_request_is_written_as_an_array_of_bulks),
        cmocka_unit_test(test_whatever_is_written_is_one_well_formed_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
