/* Borrowed bytes: a pointer and a length. Never owns, never ends in a zero byte by promise. */
#ifndef SF_UTIL_SLICE_H
#define SF_UTIL_SLICE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *data; /* may be NULL when len is 0 */
    size_t len;       /* bytes */
};

static inline struct slice slice_of(const void *data, size_t len) {
    return (struct slice){(const char *)data, len};
}

static inline struct slice slice_text(const char *text) {
    return slice_of(text, strlen(text));
}

/* A slice of a string literal, without strlen. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ASCII letters compare equal in either case; b is zero-terminated. */
static inline bool slice_is(struct slice a, const char *b) {
    return strlen(b) == a.len && strncasecmp(a.data, b, a.len) == 0;
}

/* Byte order, shorter first where one is the other's prefix: < 0, 0, > 0. */
static inline int slice_compare(struct slice a, struct slice b) {
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* How much of an argument an error text shows: up to the first zero byte, at most limit (<=
 * INT_MAX) bytes. */
static inline int shown_bytes(struct slice text, size_t limit) {
    size_t len = text.len < limit ? text.len : limit;
    const char *zero = len == 0 ? NULL : (const char *)memchr(text.data, '\0', len);
    return zero == NULL ? (int)len : (int)(zero - text.data);
}

#endif
