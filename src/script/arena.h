/* All memory of one Lua state, at an address whose lower 32 bits are zero, so that the order of
 * Lua's tables, which hash addresses by those bits, is the same in every process. */
#ifndef SF_SCRIPT_ARENA_H
#define SF_SCRIPT_ARENA_H

#include "util/base.h"

#define ARENA_SMALL_CLASSES 65 /* 16 bytes apart, up to 1,024; class 0 is not used */
#define ARENA_CLASSES (ARENA_SMALL_CLASSES + 4 * 20)

/* At the arena's address. Offsets instead of pointers: 0 means none. */
struct arena {
    uint32_t top;      /* bytes in use and freed, this head included */
    uint32_t limit;    /* what top may come to */
    int64_t work_left; /* the budget; allocation and comparison draw on it too */
    uint32_t free[ARENA_CLASSES];
};

/* A part of an arena from its beginning, to be put back later. */
struct arena_image {
    size_t len;
    char *bytes; /* NULL: none */
};

struct arena *arena_new(uint32_t limit);
void arena_free(struct arena *arena);
/* As lua_Alloc: NULL where the limit or the budget does not allow it; shrinking always succeeds. */
void *arena_resize(struct arena *arena, void *block, size_t old_size, size_t size);
void arena_save(const struct arena *arena, struct arena_image *image);
void arena_restore(struct arena *arena, const struct arena_image *image);
/* Gives pages beyond what an image needs back to the system. */
void arena_trim(struct arena *arena);
void arena_image_free(struct arena_image *image);

/* The Makefile makes Lua's own string comparisons call these: they draw on the arena's budget,
 * which they find by the address of b. */
int arena_memcmp(const void *a, const void *b, size_t len);
int arena_strcoll(const char *a, const char *b);

#endif
