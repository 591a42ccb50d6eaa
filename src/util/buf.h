/* A growing byte buffer that is filled at its end and consumed from its front. */
#ifndef SF_UTIL_BUF_H
#define SF_UTIL_BUF_H

#include "util/base.h"
#include "util/slice.h"

/* data[start .. start+len) is the content. {0} is a valid empty buffer. */
struct buf {
    char *data;
    size_t start; /* bytes already consumed in front of the content */
    size_t len;   /* bytes of content */
    size_t cap;   /* bytes allocated */
};

void buf_free(struct buf *buf); /* leaves an empty, usable buffer */
void buf_clear(struct buf *buf);

/* Room for at least extra bytes behind the content; returns where to write them. The pointer (and
 * every slice of this buffer) is valid until the next call that grows it. */
char *buf_reserve(struct buf *buf, size_t extra);
void buf_commit(struct buf *buf, size_t written); /* written <= what was reserved */
void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_slice(struct buf *buf, struct slice slice);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) SF_PRINTF(2, 3);
void buf_consume(struct buf *buf, size_t len);  /* len <= buf->len */
void buf_truncate(struct buf *buf, size_t len); /* keeps the first len bytes */
void buf_shrink(
    struct buf *buf, size_t keep); /* gives memory back when empty and larger than keep */

static inline struct slice buf_slice(const struct buf *buf) {
    return slice_of(buf->data + buf->start, buf->len);
}

#endif
