#include "resp/reply.h"

#include "util/number.h"

#include <stdarg.h>
#include <stdio.h>

enum { HEADER_MAX = 1 + INT_TEXT_MAX + 2 }; /* type, number, CRLF */

static inline bool is_resp3(const struct reply *reply) {
    return reply->proto >= 3;
}

static inline char *put_crlf(char *at) {
    memcpy(at, "\r\n", 2);
    return at + 2;
}

/* Writes type, number, CRLF; at has room for HEADER_MAX bytes. Returns behind it. */
static inline char *put_header(char *at, char type, int64_t number) {
    *at++ = type;
    if (SF_LIKELY(number >= 0 && number <= 9)) {
        *at++ = (char)('0' + number);
    } else {
        at += int_print(number, at);
    }
    return put_crlf(at);
}

static inline void append_header(struct buf *out, char type, int64_t number) {
    char *start = buf_reserve(out, HEADER_MAX);
    buf_commit(out, (size_t)(put_header(start, type, number) - start));
}

/* A header whose number counts elements or pairs. */
static void append_count(struct reply *reply, char type, uint64_t n) {
    if (reply->out == NULL) return;
    SF_ASSERT(n <= INT64_MAX / 2);
    append_header(reply->out, type, (int64_t)n);
}

/* type, number, CRLF, prefix, bytes, CRLF; the number counts prefix and bytes. */
static void append_sized(struct buf *out, char type, struct slice prefix, struct slice bytes) {
    size_t len = prefix.len + bytes.len;
    char *start = buf_reserve(out, HEADER_MAX + len + 2);
    char *at = put_header(start, type, (int64_t)len);
    if (prefix.len > 0) memcpy(at, prefix.data, prefix.len);
    at += prefix.len;
    if (bytes.len > 0) memcpy(at, bytes.data, bytes.len);
    at = put_crlf(at + bytes.len);
    buf_commit(out, (size_t)(at - start));
}

/* type, text, CRLF. */
static void append_simple(struct buf *out, char type, struct slice text) {
    char *start = buf_reserve(out, text.len + 3);
    *start = type;
    if (text.len > 0) memcpy(start + 1, text.data, text.len);
    put_crlf(start + 1 + text.len);
    buf_commit(out, text.len + 3);
}

static void line_join(char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' || text[i] == '\n') text[i] = ' ';
    }
}

/* Makes an error of len bytes fit on a line; returns its length. Unlike a status it loses its last
 * line ends, as it does in Redis. */
static size_t line_clean(char *text, size_t len) {
    while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == '\n')) len--;
    line_join(text, len);
    return len;
}

static void append_line(struct buf *out, char type, const char *text) {
    size_t len = strlen(text);
    char *start = buf_reserve(out, len + 3);
    *start = type;
    memcpy(start + 1, text, len);
    if (type == '-')
        len = line_clean(start + 1, len);
    else
        line_join(start + 1, len);
    put_crlf(start + 1 + len);
    buf_commit(out, len + 3);
}

void reply_status(struct reply *reply, const char *text) {
    if (reply->out != NULL) append_line(reply->out, '+', text);
}

void reply_error(struct reply *reply, const char *text) {
    if (reply->out != NULL) append_line(reply->out, '-', text);
}

void reply_errorf(struct reply *reply, const char *format, ...) {
    if (reply->out == NULL) return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int wanted = vsnprintf(NULL, 0, format, args);
    va_end(args);
    SF_ASSERT(wanted >= 0);
    size_t len = (size_t)wanted;
    char *start = buf_reserve(reply->out, len + 3); /* type, text, CRLF; its zero byte in between */
    *start = '-';
    vsnprintf(start + 1, len + 1, format, again);
    va_end(again);
    len = line_clean(start + 1, len);
    put_crlf(start + 1 + len);
    buf_commit(reply->out, len + 3);
}

void reply_integer(struct reply *reply, int64_t value) {
    if (reply->out != NULL) append_header(reply->out, ':', value);
}

void reply_bulk(struct reply *reply, struct slice bytes) {
    if (reply->out != NULL) append_sized(reply->out, '$', slice_of(NULL, 0), bytes);
}

void reply_bulk_text(struct reply *reply, const char *text) {
    if (reply->out != NULL) reply_bulk(reply, slice_text(text));
}

void reply_bulk_integer(struct reply *reply, int64_t value) {
    if (reply->out == NULL) return;
    char text[INT_TEXT_MAX];
    reply_bulk(reply, slice_of(text, int_print(value, text)));
}

void reply_null(struct reply *reply) {
    if (reply->out == NULL) return;
    buf_append_slice(reply->out, is_resp3(reply) ? SLICE("_\r\n") : SLICE("$-1\r\n"));
}

void reply_null_array(struct reply *reply) {
    if (reply->out == NULL) return;
    buf_append_slice(reply->out, is_resp3(reply) ? SLICE("_\r\n") : SLICE("*-1\r\n"));
}

void reply_bool(struct reply *reply, bool value) {
    if (reply->out == NULL) return;
    if (is_resp3(reply)) {
        buf_append_slice(reply->out, value ? SLICE("#t\r\n") : SLICE("#f\r\n"));
    } else {
        reply_integer(reply, value);
    }
}

void reply_double(struct reply *reply, double value) {
    if (reply->out == NULL) return;
    char text[DOUBLE_TEXT_MAX];
    reply_digits(reply, slice_of(text, double_print(value, text)));
}

void reply_digits(struct reply *reply, struct slice digits) {
    if (reply->out == NULL) return;
    if (is_resp3(reply)) {
        append_simple(reply->out, ',', digits);
    } else {
        reply_bulk(reply, digits);
    }
}

void reply_verbatim(struct reply *reply, const char format[4], struct slice text) {
    if (reply->out == NULL) return;
    if (!is_resp3(reply)) {
        reply_bulk(reply, text);
        return;
    }
    char prefix[4] = {format[0], format[1], format[2], ':'};
    append_sized(reply->out, '=', slice_of(prefix, sizeof(prefix)), text);
}

void reply_big_number(struct reply *reply, struct slice digits) {
    if (reply->out == NULL) return;
    if (is_resp3(reply)) {
        append_simple(reply->out, '(', digits);
    } else {
        reply_bulk(reply, digits);
    }
}

void reply_array(struct reply *reply, uint64_t n) {
    append_count(reply, '*', n);
}

void reply_map(struct reply *reply, uint64_t n_pairs) {
    append_count(reply, is_resp3(reply) ? '%' : '*', is_resp3(reply) ? n_pairs : n_pairs * 2);
}

void reply_set(struct reply *reply, uint64_t n) {
    append_count(reply, is_resp3(reply) ? '~' : '*', n);
}

void reply_push(struct reply *reply, uint64_t n) {
    append_count(reply, is_resp3(reply) ? '>' : '*', n);
}

void reply_attribute(struct reply *reply, uint64_t n_pairs) {
    if (is_resp3(reply)) append_count(reply, '|', n_pairs);
}

struct reply_open reply_begin(struct reply *reply) {
    return (struct reply_open){reply->out == NULL ? 0 : reply->out->len};
}

void reply_end(struct reply *reply, struct reply_open open, enum reply_aggregate kind, uint64_t n) {
    if (reply->out == NULL) return;
    struct buf *out = reply->out;
    SF_ASSERT(open.at <= out->len);
    size_t content = out->len - open.at, before = out->len;
    switch (kind) {
    case REPLY_ARRAY:
        reply_array(reply, n);
        break;
    case REPLY_MAP:
        reply_map(reply, n);
        break;
    case REPLY_SET:
        reply_set(reply, n);
        break;
    }
    if (content == 0) return;
    char header[HEADER_MAX];
    size_t len = out->len - before;
    char *start = out->data + out->start + open.at;
    memcpy(header, start + content, len);
    memmove(start + len, start, content);
    memcpy(start, header, len);
}

void resp_write_command(struct buf *out, uint32_t argc, const struct slice *argv) {
    size_t bytes = HEADER_MAX;
    for (uint32_t i = 0; i < argc; i++) bytes += HEADER_MAX + argv[i].len + 2;
    buf_reserve(out, bytes);
    append_header(out, '*', argc);
    for (uint32_t i = 0; i < argc; i++) append_sized(out, '$', slice_of(NULL, 0), argv[i]);
}
