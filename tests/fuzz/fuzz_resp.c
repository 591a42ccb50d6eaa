/* Bytes into the request parser, the reply reader and the readers of numbers. Held:
 * - however the bytes are cut and wherever they lie, the outcomes of the parser are the same;
 * - every outcome but "incomplete" and "broken" makes progress;
 * - a request that is written again reads as the same arguments;
 * - no beginning of a good reply is malformed, none is complete;
 * - a double that was read prints as text that reads the same. */
#include "fuzz/fuzz.h"

#include "resp/parse.h"
#include "resp/reply.h"
#include "resp/value.h"
#include "util/number.h"

#include <math.h>

static const struct slice seeds[] = {
    SLICE("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"),
    SLICE("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"),
    SLICE("*1\r\n$4\r\nPING\r\n"),
    SLICE("*0\r\n"),
    SLICE("*-1\r\n"),
    SLICE("\r\n"),
    SLICE("PING\r\n"),
    SLICE("SET \"a\\x41 \\n\" 'b\\'c'\n"),
    SLICE("*2\r\n$4\r\nECHO\r\n$120\r\n"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
    SLICE("*12\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"
          "$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"),
    SLICE("+OK\r\n-ERR no\r\n:-12\r\n$-1\r\n$3\r\nabc\r\n*-1\r\n"),
    SLICE("%1\r\n+a\r\n~2\r\n#t\r\n_\r\n"),
    SLICE("|1\r\n+k\r\n:1\r\n*2\r\n|1\r\n+x\r\n_\r\n,1.5\r\n(123456789012345678901\r\n"),
    SLICE(">2\r\n=7\r\ntxt:abc\r\n!3\r\nERR\r\n"),
    SLICE("0.1"),
    SLICE("-1.5e-300"),
    SLICE("0x1.8p-3"),
};

static struct resp_limits some_limits(struct random *random) {
    struct resp_limits limits = {RESP_INLINE_BYTES, INT32_MAX, 512 << 20, 64 << 20, true};
    if (random_below(random, 2) == 0) limits.inline_bytes = 64 + random_below(random, 64);
    if (random_below(random, 2) == 0) limits.request_bytes = random_below(random, 200);
    if (random_below(random, 3) == 0) {
        limits.authenticated = false;
        limits.multibulk_args = RESP_ARGS_UNAUTHENTICATED;
        limits.bulk_bytes = 100;
    }
    return limits;
}

static void note_command(struct buf *transcript, uint32_t argc, const struct slice *argv) {
    SF_ASSERT(argc > 0);
    resp_write_command(transcript, argc, argv);
}

/* Calls the parser until it wants more; what is left of pending stays. False: broken. */
static bool drain(struct resp_parser *parser, const struct resp_limits *limits, struct buf *pending,
    struct buf *transcript, uint64_t *total) {
    for (;;) {
        /* fresh memory of exactly this size: an old pointer or a byte too far is found */
        char *copy = malloc(pending->len + 1);
        SF_ASSERT(copy != NULL);
        char *bytes = pending->len == 0 ? copy : copy + 1;
        memcpy(bytes, buf_slice(pending).data == NULL ? "" : buf_slice(pending).data, pending->len);
        size_t consumed;
        uint32_t argc = 0;
        const struct slice *argv = NULL;
        const char *error = NULL;
        enum resp_parsed outcome = resp_parse_command(
            parser, limits, slice_of(bytes, pending->len), &consumed, &argc, &argv, &error);
        SF_ASSERT(consumed <= pending->len);
        if (outcome != RESP_INCOMPLETE) buf_printf(transcript, "%d ", (int)outcome);
        if (outcome == RESP_COMMAND) note_command(transcript, argc, argv);
        if (error != NULL) buf_append_text(transcript, error);
        SF_ASSERT((error != NULL) == (outcome == RESP_TOO_LARGE || outcome == RESP_BROKEN));
        free(copy);
        buf_consume(pending, consumed);
        *total += consumed;
        if (outcome == RESP_BROKEN) return false;
        if (outcome == RESP_INCOMPLETE) {
            SF_ASSERT(resp_parser_wants(parser) <= limits->request_bytes);
            return true;
        }
        SF_ASSERT(consumed > 0);
    }
}

/* most: the largest piece; 0: all at once. */
static void feed(struct random *random, const struct resp_limits *limits, struct slice input,
    size_t most, struct buf *transcript) {
    struct resp_parser *parser = resp_parser_new();
    struct buf pending = {0};
    uint64_t total = 0;
    bool alive = true;
    for (size_t at = 0; alive && at < input.len;) {
        size_t piece = most == 0 ? input.len : 1 + random_below(random, most);
        piece = SF_MIN(piece, input.len - at);
        buf_append(&pending, input.data + at, piece);
        at += piece;
        alive = drain(parser, limits, &pending, transcript, &total);
    }
    buf_printf(transcript, "end %d", alive);
    if (alive) buf_printf(transcript, " %llu", (unsigned long long)total);
    buf_free(&pending);
    resp_parser_free(parser);
}

static void check_parser(struct random *random, struct slice input) {
    struct resp_limits limits = some_limits(random);
    struct buf whole = {0};
    feed(random, &limits, input, 0, &whole);
    static const size_t pieces[] = {1, 3, 40};
    for (size_t i = 0; i < SF_LENGTH(pieces); i++) {
        struct buf cut = {0};
        feed(random, &limits, input, pieces[i], &cut);
        SF_ASSERT(slice_equal(buf_slice(&whole), buf_slice(&cut)));
        buf_free(&cut);
    }
    buf_free(&whole);
}

/* The arguments of the first request survive being written and read again. */
static void check_rewriting(struct slice input) {
    struct resp_limits limits = {RESP_INLINE_BYTES, INT32_MAX, 512 << 20, 64 << 20, true};
    struct resp_parser *parser = resp_parser_new();
    size_t consumed;
    uint32_t argc;
    const struct slice *argv;
    const char *error;
    if (resp_parse_command(parser, &limits, input, &consumed, &argc, &argv, &error) ==
        RESP_COMMAND) {
        struct buf written = {0}, again = {0};
        resp_write_command(&written, argc, argv);
        enum resp_parsed outcome = resp_parse_command(
            parser, &limits, buf_slice(&written), &consumed, &argc, &argv, &error);
        SF_ASSERT(outcome == RESP_COMMAND && consumed == written.len);
        resp_write_command(&again, argc, argv);
        SF_ASSERT(slice_equal(buf_slice(&written), buf_slice(&again)));
        buf_free(&written);
        buf_free(&again);
    }
    resp_parser_free(parser);
}

static void check_replies(struct random *random, struct slice input) {
    while (input.len > 0) {
        struct resp_value value;
        size_t consumed;
        if (resp_value_parse(input, &consumed, &value) != SF_OK || consumed == 0) return;
        resp_value_free(&value);
        size_t cut = random_below(random, consumed), none;
        SF_ASSERT(resp_value_parse(slice_of(input.data, cut), &none, &value) == SF_OK);
        SF_ASSERT(none == 0 && value.elements == NULL);
        input = slice_of(input.data + consumed, input.len - consumed);
    }
}

static void check_numbers(struct slice input) {
    int64_t integer;
    double number, again;
    long double longer;
    char text[DOUBLE_TEXT_MAX], integer_text[INT_TEXT_MAX], human[LONG_DOUBLE_TEXT_MAX];
    if (int_parse(input, &integer)) {
        struct slice printed = slice_of(integer_text, int_print(integer, integer_text));
        SF_ASSERT(slice_equal(printed, input));
    }
    if (double_parse(input, &number)) {
        SF_ASSERT(!isnan(number));
        SF_ASSERT(double_parse(slice_of(text, double_print(number, text)), &again));
        SF_ASSERT(memcmp(&number, &again, sizeof(number)) == 0);
    }
    if (long_double_parse(input, &longer))
        SF_ASSERT(long_double_print_human(longer, human) < LONG_DOUBLE_TEXT_MAX);
}

int main(int argc, char **argv) {
    struct fuzz fuzz = fuzz_begin(argc, argv, "resp", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        struct slice input = fuzz.input;
        check_parser(&fuzz.random, input);
        check_rewriting(input);
        check_replies(&fuzz.random, input);
        check_numbers(input);
        size_t cut = random_below(&fuzz.random, input.len + 1);
        glob_match(slice_of(input.data, cut), slice_of(input.data + cut, input.len - cut),
            random_below(&fuzz.random, 2) == 0);
    }
    return fuzz_end(&fuzz);
}
