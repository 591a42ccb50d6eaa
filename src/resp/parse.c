/* A request is either a line (inline.h) or
 *
 *   *<arguments>CRLF  then for each  $<bytes>CRLF <bytes> CRLF
 *
 * As in Redis a count line ends with CR and any byte, and the two bytes behind an argument are not
 * looked at. Offsets, not pointers, are kept from call to call: the bytes may move in between. */
#include "resp/parse.h"

#include "resp/inline.h"
#include "util/number.h"

#include <limits.h>
#include <stdio.h>

enum {
    ARGV_KEEP = 1024,     /* arguments; a larger array is given back at the next request */
    SCRATCH_KEEP = 4096,  /* bytes, likewise */
    ARGUMENT_BYTES = 6,   /* the shortest argument: "$0" CRLF CRLF */
    INLINE_BYTES_MIN = 64 /* so that a short count line is never too long */
};

/* An argument found, while the request is not complete, and then as the caller sees it. */
union argument {
    struct {
        size_t at, len;
    } place;
    struct slice bytes;
};
_Static_assert(sizeof(union argument) == sizeof(struct slice), "argv is an array of slices");

struct resp_parser {
    union argument *argv;
    uint32_t argc, argv_cap;
    uint32_t
        remaining; /* arguments to come, the one of bulk_len included; 0: at a request's front */
    bool in_bulk;  /* bulk_len is read, its bytes have not all come */
    bool skipping; /* a request too large: skip_bytes, then the remaining arguments */
    uint64_t bulk_len;
    uint64_t skip_bytes;
    size_t at;       /* bytes of in that are understood */
    size_t searched; /* bytes behind at known to hold no line end */
    size_t seen;     /* bytes of in at the last call */
    char *scratch;   /* inline arguments without their quotes */
    size_t scratch_cap;
    const char *broken; /* the error after which nothing can be read */
    char text[48];      /* of an error that names a byte */
};

static const char too_large[] = "ERR request larger than max-request-bytes, not executed";

struct resp_parser *resp_parser_new(void) {
    return sf_alloc_zero(1, sizeof(struct resp_parser));
}

void resp_parser_free(struct resp_parser *parser) {
    if (parser == NULL) return;
    sf_free(parser->argv);
    sf_free(parser->scratch);
    sf_free(parser);
}

static enum resp_parsed broken(struct resp_parser *parser, const char *text, const char **error) {
    *error = parser->broken = text;
    return RESP_BROKEN;
}

/* The slot of the next argument. */
static inline union argument *argument_new(struct resp_parser *parser) {
    if (SF_UNLIKELY(parser->argc == parser->argv_cap)) {
        parser->argv_cap = parser->argv_cap == 0 ? 8 : parser->argv_cap * 2;
        parser->argv = sf_realloc(parser->argv, parser->argv_cap * sizeof(*parser->argv));
    }
    return &parser->argv[parser->argc++];
}

static const struct slice *arguments(const struct resp_parser *parser) {
    return parser->argv == NULL ? NULL : &parser->argv->bytes;
}

static void give_memory_back(struct resp_parser *parser) {
    if (parser->argv_cap > ARGV_KEEP) {
        sf_free(parser->argv);
        parser->argv = NULL;
        parser->argv_cap = 0;
    }
    if (parser->scratch_cap > SCRATCH_KEEP) {
        sf_free(parser->scratch);
        parser->scratch = NULL;
        parser->scratch_cap = 0;
    }
}

/* --- count lines --- */

/* Up to nine digits, CR and one byte: almost every count line there is. Returns behind it, or NULL:
 * read it the long way. */
static inline const char *count_quick(const char *digits, const char *end, int64_t *count) {
    if (SF_UNLIKELY(end - digits < 3)) return NULL;
    const char *stop = end - digits < 11 ? end - 2 : digits + 9; /* the last place for the CR */
    uint32_t value = (uint32_t)(unsigned char)*digits - '0';
    if (SF_UNLIKELY(value > 9)) return NULL;
    const char *at = digits + 1;
    for (; at < stop; at++) {
        uint32_t digit = (uint32_t)(unsigned char)*at - '0';
        if (digit > 9) break;
        value = value * 10 + digit;
    }
    if (SF_UNLIKELY(*at != '\r' || (*digits == '0' && at > digits + 1))) return NULL;
    *count = value;
    return at + 2;
}

enum line { LINE_COUNT, LINE_PARTIAL, LINE_TOO_LONG, LINE_NOT_A_COUNT };

/* The count line at parser->at, which is moved behind it on LINE_COUNT. */
static enum line count_line(
    struct resp_parser *parser, const struct resp_limits *limits, struct slice in, int64_t *count) {
    const char *line = in.data + parser->at;
    const char *behind =
        in.len > parser->at ? count_quick(line + 1, in.data + in.len, count) : NULL;
    if (SF_LIKELY(behind != NULL)) {
        parser->at = (size_t)(behind - in.data);
        parser->searched = 0;
        return LINE_COUNT;
    }
    size_t left = in.len - parser->at;
    const char *end = left == parser->searched
                          ? NULL
                          : memchr(line + parser->searched, '\r', left - parser->searched);
    size_t len = end == NULL ? left : (size_t)(end - line);
    parser->searched = len;
    if (len > limits->inline_bytes) return LINE_TOO_LONG;
    if (end == NULL || left < len + 2) return LINE_PARTIAL;
    if (len < 2 || !int_parse(slice_of(line + 1, len - 1), count)) return LINE_NOT_A_COUNT;
    parser->at += len + 2;
    parser->searched = 0;
    return LINE_COUNT;
}

static const char *not_a_bulk(struct resp_parser *parser, char got) {
    if (got == '\r' || got == '\n' || got == 0) got = ' ';
    snprintf(parser->text, sizeof(parser->text), "ERR Protocol error: expected '$', got '%c'", got);
    return parser->text;
}

/* The length line of the next argument into parser->bulk_len. RESP_COMMAND: read. */
static enum resp_parsed bulk_line(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, const char **error) {
    int64_t len = 0;
    size_t at = parser->at;
    enum line line = count_line(parser, limits, in, &len);
    if (line == LINE_PARTIAL) return RESP_INCOMPLETE;
    if (line == LINE_TOO_LONG)
        return broken(parser, "ERR Protocol error: too big bulk count string", error);
    if (in.data[at] != '$') return broken(parser, not_a_bulk(parser, in.data[at]), error);
    if (line == LINE_NOT_A_COUNT || len < 0)
        return broken(parser, "ERR Protocol error: invalid bulk length", error);
    if ((uint64_t)len > limits->bulk_bytes) {
        bool early = !limits->authenticated && len <= 512 * 1024 * 1024;
        return broken(parser,
            early ? "ERR Protocol error: unauthenticated bulk length"
                  : "ERR Protocol error: invalid bulk length",
            error);
    }
    parser->bulk_len = (uint64_t)len;
    return RESP_COMMAND;
}

/* --- requests beyond request_bytes --- */

/* The bytes up to parser->at are consumed; skip_bytes and the remaining arguments will be. */
static enum resp_parsed skip_begin(
    struct resp_parser *parser, uint64_t skip_bytes, size_t *consumed, const char **error) {
    parser->skipping = true;
    parser->skip_bytes = skip_bytes;
    *consumed = parser->at;
    parser->at = 0;
    parser->argc = 0;
    *error = too_large;
    return RESP_TOO_LARGE;
}

static enum resp_parsed skip_more(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, size_t *consumed, const char **error) {
    enum resp_parsed outcome = RESP_COMMAND;
    while (outcome == RESP_COMMAND) {
        uint64_t take = SF_MIN(parser->skip_bytes, (uint64_t)(in.len - parser->at));
        parser->at += take;
        parser->skip_bytes -= take;
        if (parser->skip_bytes > 0) {
            outcome = RESP_INCOMPLETE;
        } else if (parser->remaining == 0) {
            parser->skipping = false;
            outcome = RESP_EMPTY;
        } else {
            outcome = bulk_line(parser, limits, in, error);
            if (outcome == RESP_COMMAND) {
                parser->skip_bytes = parser->bulk_len + 2;
                parser->remaining--;
            }
        }
    }
    *consumed = parser->at;
    parser->at = 0;
    return outcome;
}

/* --- multibulk --- */

/* RESP_COMMAND: parser->remaining is set. */
static enum resp_parsed multibulk_begin(struct resp_parser *parser,
    const struct resp_limits *limits, struct slice in, size_t *consumed, const char **error) {
    int64_t count = 0;
    switch (count_line(parser, limits, in, &count)) {
    case LINE_COUNT:
        break;
    case LINE_PARTIAL:
        return RESP_INCOMPLETE;
    case LINE_TOO_LONG:
        return broken(parser, "ERR Protocol error: too big mbulk count string", error);
    case LINE_NOT_A_COUNT:
        return broken(parser, "ERR Protocol error: invalid multibulk length", error);
    }
    if (count <= 0) {
        *consumed = parser->at;
        parser->at = 0;
        return RESP_EMPTY;
    }
    if (count > INT_MAX || (uint64_t)count > limits->multibulk_args) {
        bool early = !limits->authenticated && count <= INT_MAX;
        return broken(parser,
            early ? "ERR Protocol error: unauthenticated multibulk length"
                  : "ERR Protocol error: invalid multibulk length",
            error);
    }
    parser->remaining = (uint32_t)count;
    if (parser->at + (uint64_t)count * ARGUMENT_BYTES > limits->request_bytes)
        return skip_begin(parser, 0, consumed, error);
    return RESP_COMMAND;
}

static enum resp_parsed multibulk_finish(
    struct resp_parser *parser, struct slice in, size_t *consumed, uint32_t *argc) {
    for (uint32_t i = 0; i < parser->argc; i++) {
        union argument *argument = &parser->argv[i];
        argument->bytes = slice_of(in.data + argument->place.at, argument->place.len);
    }
    *argc = parser->argc;
    *consumed = parser->at;
    parser->at = 0;
    return RESP_COMMAND;
}

/* Takes the arguments that are here whole and need no second look; multibulk_more decides about the
 * others. Only speed: it may stop anywhere between two arguments. */
static void multibulk_quick(
    struct resp_parser *parser, const struct resp_limits *limits, struct slice in) {
    const char *at = in.data + parser->at, *end = in.data + in.len;
    uint32_t argc = parser->argc, remaining = parser->remaining;
    while (remaining > 0 && argc < parser->argv_cap && at < end && *at == '$') {
        int64_t len;
        const char *bytes = count_quick(at + 1, end, &len);
        if (bytes == NULL || (uint64_t)len > limits->bulk_bytes || end - bytes < len + 2) break;
        uint64_t others = (uint64_t)(remaining - 1) * ARGUMENT_BYTES;
        if ((uint64_t)(bytes - in.data + len + 2) + others > limits->request_bytes) break;
        parser->argv[argc].place.at = (size_t)(bytes - in.data);
        parser->argv[argc++].place.len = (size_t)len;
        at = bytes + len + 2;
        remaining--;
    }
    parser->at = (size_t)(at - in.data);
    parser->argc = argc;
    parser->remaining = remaining;
}

static enum resp_parsed multibulk_more(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, size_t *consumed, uint32_t *argc, const char **error) {
    while (parser->remaining > 0) {
        if (!parser->in_bulk) {
            if (parser->searched == 0) multibulk_quick(parser, limits, in);
            if (parser->remaining == 0) break;
            enum resp_parsed outcome = bulk_line(parser, limits, in, error);
            if (outcome != RESP_COMMAND) return outcome;
            uint64_t others = (uint64_t)(parser->remaining - 1) * ARGUMENT_BYTES;
            uint64_t known = parser->at + parser->bulk_len + 2 + others; /* < 2^64: len < 2^63 */
            if (SF_UNLIKELY(known > limits->request_bytes)) {
                parser->remaining--;
                return skip_begin(parser, parser->bulk_len + 2, consumed, error);
            }
            parser->in_bulk = true;
        }
        if (in.len - parser->at < parser->bulk_len + 2) return RESP_INCOMPLETE;
        union argument *argument = argument_new(parser);
        argument->place.at = parser->at;
        argument->place.len = (size_t)parser->bulk_len;
        parser->at += (size_t)parser->bulk_len + 2;
        parser->in_bulk = false;
        parser->remaining--;
    }
    return multibulk_finish(parser, in, consumed, argc);
}

/* --- inline --- */

static enum resp_parsed inline_words(
    struct resp_parser *parser, struct slice line, uint32_t *argc, const char **error) {
    if (parser->scratch_cap < line.len) {
        sf_free(parser->scratch);
        parser->scratch = sf_alloc(line.len);
        parser->scratch_cap = line.len;
    }
    char *scratch = parser->scratch;
    struct slice word;
    enum inline_split split;
    while ((split = inline_next(&line, &scratch, &word)) == INLINE_WORD)
        argument_new(parser)->bytes = word;
    if (split == INLINE_UNBALANCED)
        return broken(parser, "ERR Protocol error: unbalanced quotes in request", error);
    *argc = parser->argc;
    return parser->argc == 0 ? RESP_EMPTY : RESP_COMMAND;
}

static enum resp_parsed inline_request(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, size_t *consumed, uint32_t *argc, const char **error) {
    const char *end = in.len == parser->searched
                          ? NULL
                          : memchr(in.data + parser->searched, '\n', in.len - parser->searched);
    size_t len = end == NULL ? in.len : (size_t)(end - in.data);
    parser->searched = len;
    if (len > limits->inline_bytes)
        return broken(parser, "ERR Protocol error: too big inline request", error);
    if (end == NULL) return RESP_INCOMPLETE;
    parser->searched = 0;
    *consumed = len + 1;
    if (*consumed > limits->request_bytes) {
        *error = too_large;
        return RESP_TOO_LARGE;
    }
    if (len > 0 && in.data[len - 1] == '\r') len--;
    return inline_words(parser, slice_of(in.data, len), argc, error);
}

/* --- both --- */

enum resp_parsed resp_parse_command(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, size_t *consumed, uint32_t *argc, const struct slice **argv,
    const char **error) {
    SF_ASSERT(limits->inline_bytes >= INLINE_BYTES_MIN);
    SF_ASSERT(in.len >= parser->at + parser->searched); /* the same bytes as before, or more */
    *consumed = 0;
    parser->seen = in.len;
    if (SF_UNLIKELY(parser->broken != NULL)) return broken(parser, parser->broken, error);
    if (SF_UNLIKELY(parser->skipping)) return skip_more(parser, limits, in, consumed, error);

    enum resp_parsed outcome;
    if (parser->remaining == 0) {
        if (in.len == 0) return RESP_INCOMPLETE;
        parser->argc = 0;
        if (SF_UNLIKELY(parser->argv_cap > ARGV_KEEP || parser->scratch_cap > SCRATCH_KEEP))
            give_memory_back(parser);
        if (in.data[0] != '*') {
            outcome = inline_request(parser, limits, in, consumed, argc, error);
            *argv = arguments(parser);
            return outcome;
        }
        outcome = multibulk_begin(parser, limits, in, consumed, error);
        if (SF_UNLIKELY(outcome != RESP_COMMAND)) return outcome;
    }
    outcome = multibulk_more(parser, limits, in, consumed, argc, error);
    *argv = arguments(parser);
    return outcome;
}

size_t resp_parser_wants(const struct resp_parser *parser) {
    if (parser->remaining == 0 || parser->skipping || parser->broken != NULL) return 0;
    uint64_t end = parser->at + (uint64_t)parser->remaining * ARGUMENT_BYTES;
    if (parser->in_bulk) end += parser->bulk_len + 2 - ARGUMENT_BYTES;
    return end > parser->seen ? (size_t)(end - parser->seen) : 1;
}
