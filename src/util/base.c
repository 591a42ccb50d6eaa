#include "util/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sf_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}

static void *checked(void *memory, size_t size) {
    if (memory == NULL && size > 0) {
        fprintf(stderr, "out of memory (%zu bytes asked)\n", size);
        abort();
    }
    return memory;
}

void *sf_alloc(size_t size) {
    return checked(malloc(size), size);
}

void *sf_alloc_zero(size_t count, size_t size) {
    return checked(calloc(count, size), count > 0 ? size : 0);
}

void *sf_alloc_aligned(size_t alignment, size_t size) {
    return checked(aligned_alloc(alignment, size), size);
}

void *sf_realloc(void *memory, size_t size) {
    if (size == 0) size = 1; /* realloc(p, 0) frees: keep one meaning */
    return checked(realloc(memory, size), size);
}

void sf_free(void *memory) {
    free(memory);
}

char *sf_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(sf_alloc(size), text, size);
}
