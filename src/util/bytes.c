#include "util/bytes.h"

struct bytes *bytes_new_empty(size_t len) {
    struct bytes *bytes = sf_alloc(sizeof *bytes + len);
    atomic_init(&bytes->references, 1);
    bytes->len = len;
    return bytes;
}

struct bytes *bytes_new(const void *data, size_t len) {
    struct bytes *bytes = bytes_new_empty(len);
    if (len > 0) memcpy(bytes->data, data, len);
    return bytes;
}

struct bytes *bytes_ref(struct bytes *bytes) {
    if (bytes != NULL) atomic_fetch_add_explicit(&bytes->references, 1, memory_order_relaxed);
    return bytes;
}

void bytes_unref(struct bytes *bytes) {
    if (bytes == NULL) return;
    unsigned before = atomic_fetch_sub_explicit(&bytes->references, 1, memory_order_acq_rel);
    SF_ASSERT(before > 0);
    if (before == 1) sf_free(bytes);
}
