#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_free(struct buf *buf) {
    sf_free(buf->data);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf) {
    buf->start = buf->len = 0;
}

char *buf_reserve(struct buf *buf, size_t extra) {
    size_t end = buf->start + buf->len;
    if (buf->cap - end >= extra && buf->data != NULL) return buf->data + end;
    if (buf->start > 0 && buf->cap - buf->len >= extra && buf->start >= buf->len) {
        memmove(buf->data, buf->data + buf->start, buf->len);
        buf->start = 0;
        return buf->data + buf->len;
    }
    size_t need = buf->len + extra;
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    if (buf->start > 0 && buf->len > cap / 2) cap += cap; /* else it is soon moved again */
    while (cap < need) cap += cap;
    char *data = sf_alloc(cap);
    if (buf->len > 0) memcpy(data, buf->data + buf->start, buf->len);
    sf_free(buf->data);
    *buf = (struct buf){.data = data, .len = buf->len, .cap = cap};
    return data + buf->len;
}

void buf_commit(struct buf *buf, size_t written) {
    SF_ASSERT(buf->start + buf->len + written <= buf->cap);
    buf->len += written;
}

void buf_append(struct buf *buf, const void *data, size_t len) {
    if (len == 0) return;
    memcpy(buf_reserve(buf, len), data, len);
    buf->len += len;
}

void buf_append_slice(struct buf *buf, struct slice slice) {
    buf_append(buf, slice.data, slice.len);
}

void buf_append_text(struct buf *buf, const char *text) {
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c) {
    buf_append(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    SF_ASSERT(len >= 0);
    char *at = buf_reserve(buf, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len) {
    SF_ASSERT(len <= buf->len);
    buf->start += len;
    buf->len -= len;
    if (buf->len == 0) buf->start = 0;
}

void buf_truncate(struct buf *buf, size_t len) {
    SF_ASSERT(len <= buf->len);
    buf->len = len;
}

void buf_shrink(struct buf *buf, size_t keep) {
    if (buf->len == 0 && buf->cap > keep) buf_free(buf);
}
