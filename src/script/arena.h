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
    int64_t work_left; /* the budget; allocation, comparison and tables draw on it too */
    int64_t jumps;     /* that were compiled, see inside_work.c */
    uint32_t free[ARENA_CLASSES];
    /* called in the midst of long copies; belongs to the process, and is the same in every image */
    void (*breathe)(void *context);
    void *context;
};

/* A part of an arena from its beginning, to be put back later. */
struct arena_image {
    size_t len;
    char *bytes; /* NULL: none */
};

/* In the midst of what takes milliseconds. */
static inline void arena_breathe(const struct arena *arena) {
    if (arena->breathe != NULL) arena->breathe(arena->context);
}

/* Draws on the budget where no one looks at it for a while. */
static inline void arena_draw(struct arena *arena, int64_t units) {
    int64_t before = arena->work_left;
    arena->work_left -= units;
    if ((before ^ arena->work_left) >> 16 != 0) arena_breathe(arena); /* every 65,536 units */
}

/* Reserves address space: 4 GiB and limit for a moment, limit for good. NULL: the system does not
 * allow that (RLIMIT_AS, overcommit). */
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
/* Breathes between parts of a long copy into the arena. */
void *arena_memcpy(void *to, const void *from, size_t len);

#endif
