/* Immutable bytes with a reference count, shared between threads: the payload of a log entry lives
 * once in memory while the log, the sync thread, peers' queues and apply hold it. */
#ifndef SF_UTIL_BYTES_H
#define SF_UTIL_BYTES_H

#include "util/base.h"
#include "util/slice.h"
#include <stdatomic.h>

struct bytes {
    atomic_uint references;
    size_t len;
    char data[];
};

struct bytes *bytes_new(const void *data, size_t len); /* copies; the caller holds one reference */
struct bytes *bytes_new_empty(size_t len);             /* to be filled before it is shared */
struct bytes *bytes_ref(struct bytes *bytes);          /* NULL stays NULL */
void bytes_unref(struct bytes *bytes);                 /* the last one frees; NULL is allowed */

static inline struct slice bytes_slice(const struct bytes *bytes) {
    return bytes == NULL ? slice_of(NULL, 0) : slice_of(bytes->data, bytes->len);
}

#endif
