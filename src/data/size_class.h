/* What an allocation of a given size really takes: jemalloc's size classes (four to each doubling
 * from 64 bytes on, multiples of 16 below). For sizing containers so that nothing is wasted, and
 * for estimates of memory; nothing that a command can see may depend on it (S2). */
#ifndef SF_DATA_SIZE_CLASS_H
#define SF_DATA_SIZE_CLASS_H

#include <stddef.h>

static inline size_t size_class(size_t size) {
    if (size <= 8) return 8;
    if (size <= 128) return (size + 15) & ~(size_t)15;
    unsigned top = 63 - (unsigned)__builtin_clzll((unsigned long long)(size - 1));
    size_t spacing = (size_t)1 << (top - 2);
    return (size + spacing - 1) & ~(spacing - 1);
}

#endif
