#include "script/arena.h"

#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT ((size_t)1 << 32)
#define SMALL_MAX ((ARENA_SMALL_CLASSES - 1) * 16)
#define KEPT_BYTES (1u << 20) /* stays with the process between runs */

enum {
    ALLOCATION_UNITS = 30, /* work for each allocation and its collection, */
    BYTES_A_UNIT = 8,      /* and one unit for so many bytes */
    COMPARED_A_UNIT = 4,
    LONG_BYTES = 4096,
};

struct arena *arena_new(uint32_t limit) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *space = mmap(NULL, ALIGNMENT + limit, PROT_NONE, flags, -1, 0);
    SF_ASSERT(space != MAP_FAILED);
    size_t skip = (ALIGNMENT - (uintptr_t)space % ALIGNMENT) % ALIGNMENT;
    if (skip > 0) munmap(space, skip);
    char *base = space + skip;
    if (ALIGNMENT > skip) munmap(base + limit, ALIGNMENT - skip);
    int failed = mprotect(base, limit, PROT_READ | PROT_WRITE);
    SF_ASSERT(failed == 0);
    struct arena *arena = (struct arena *)(void *)base;
    arena->top = (sizeof *arena + 15) / 16 * 16;
    arena->limit = limit;
    return arena;
}

void arena_free(struct arena *arena) {
    if (arena != NULL) munmap(arena, arena->limit);
}

/* Sizes up to 1,024 are rounded to 16; beyond, each doubling has four classes. */
static uint32_t class_of(size_t size) {
    if (size <= SMALL_MAX) return (uint32_t)((size + 15) / 16);
    uint32_t shift = 63 - (uint32_t)__builtin_clzll((unsigned long long)size - 1);
    return ARENA_SMALL_CLASSES + (shift - 10) * 4 + (uint32_t)(((size - 1) >> (shift - 2)) & 3);
}

static size_t class_bytes(uint32_t class) {
    if (class < ARENA_SMALL_CLASSES) return (size_t) class * 16;
    uint32_t large = class - ARENA_SMALL_CLASSES;
    return (size_t)(5 + large % 4) << (large / 4 + 8);
}

static uint32_t offset_of(const struct arena *arena, const void *block) {
    return (uint32_t)((const char *)block - (const char *)arena);
}

static void *block_at(struct arena *arena, uint32_t offset) {
    return (char *)arena + offset;
}

/* A free block of the class, or of one somewhat larger where blocks are large. */
static void *take_free(struct arena *arena, uint32_t class) {
    uint32_t last = class < ARENA_SMALL_CLASSES ? class : class + 3;
    for (; class <= last && class < ARENA_CLASSES; class ++) {
        uint32_t offset = arena->free[class];
        if (offset == 0) continue;
        memcpy(&arena->free[class], block_at(arena, offset), sizeof(uint32_t));
        return block_at(arena, offset);
    }
    return NULL;
}

static void *allocate(struct arena *arena, size_t size) {
    if (size > arena->limit) return NULL;
    arena->work_left -= ALLOCATION_UNITS + (int64_t)(size / BYTES_A_UNIT);
    if (arena->work_left < 0) return NULL;
    uint32_t class = class_of(size);
    void *block = take_free(arena, class);
    if (block != NULL) return block;
    size_t bytes = class_bytes(class);
    if (bytes > arena->limit - arena->top) return NULL;
    block = block_at(arena, arena->top);
    arena->top += (uint32_t)bytes;
    return block;
}

static void release(struct arena *arena, void *block, size_t size) {
    uint32_t class = class_of(size);
    memcpy(block, &arena->free[class], sizeof(uint32_t));
    arena->free[class] = offset_of(arena, block);
}

void *arena_resize(struct arena *arena, void *block, size_t old_size, size_t size) {
    if (block == NULL) return size == 0 ? NULL : allocate(arena, size);
    if (size == 0) {
        if (old_size > 0) release(arena, block, old_size);
        return NULL;
    }
    if (class_of(old_size) == class_of(size)) return block;
    void *moved = allocate(arena, size);
    if (moved == NULL) return size <= old_size ? block : NULL;
    memcpy(moved, block, SF_MIN(old_size, size));
    release(arena, block, old_size);
    return moved;
}

void arena_save(const struct arena *arena, struct arena_image *image) {
    SF_ASSERT(image->bytes == NULL);
    image->len = arena->top;
    image->bytes = sf_alloc(image->len);
    memcpy(image->bytes, arena, image->len);
}

void arena_restore(struct arena *arena, const struct arena_image *image) {
    memcpy(arena, image->bytes, image->len);
}

void arena_trim(struct arena *arena) {
    if (arena->top <= KEPT_BYTES) return;
    madvise((char *)arena + KEPT_BYTES, arena->limit - KEPT_BYTES, MADV_DONTNEED);
}

void arena_image_free(struct arena_image *image) {
    sf_free(image->bytes);
    *image = (struct arena_image){0};
}

/* -- what Lua calls -------------------------------------------------------------------------- */

/* false: the budget is spent. The script ends at the next instruction that looks; until then
 * nothing is worth comparing. */
static bool charge_compare(const void *in_arena, size_t len) {
    uintptr_t base = (uintptr_t)in_arena / ALIGNMENT * ALIGNMENT;
    struct arena *arena = (struct arena *)base;
    arena->work_left -= 1 + (int64_t)(len / COMPARED_A_UNIT);
    return arena->work_left >= 0;
}

/* Two strings of which the second is one of Lua's. Long ones are unequal when the budget is spent:
 * making a new string fails then. Lua's own messages must be found in any case. */
int arena_memcmp(const void *a, const void *b, size_t len) {
    return charge_compare(b, len) || len < LONG_BYTES ? memcmp(a, b, len) : 1;
}

/* Bytes, in every locale. */
int arena_strcoll(const char *a, const char *b) {
    if (!charge_compare(b, 0)) return 0;
    int order = strcmp(a, b);
    charge_compare(b, strlen(b));
    return order;
}
