#include "data/pool.h"

#include "data/size_class.h"
#include "util/list.h"

enum {
    SMALL_PAGE_BYTES = 4096,
    LARGE_PAGE_BYTES = 16384,
    SMALL_PIECE_MAX = 96, /* in small pages: less than a piece is left over in each */
    UNIT = 8,
    N_SIZES = POOL_PIECE_MAX / UNIT,
    NO_PIECE = 0
};

/* A page stands at a multiple of its size, so that a piece's address tells it. The first n_fresh
 * places were used at least once; of those the free ones are linked by their offsets. */
struct page {
    struct list link; /* among the pages of its size that have a free place */
    uint16_t n_used, n_fresh, n_places;
    uint16_t first_free; /* offset in units; NO_PIECE: none */
};

struct pool {
    uint64_t n_pages;
    struct list with_room[N_SIZES];
};

struct pool *pool_new(void) {
    struct pool *pool = sf_alloc(sizeof *pool);
    pool->n_pages = 0;
    for (size_t i = 0; i < N_SIZES; i++) list_init(&pool->with_room[i]);
    return pool;
}

void pool_free(struct pool *pool) {
    if (pool == NULL) return;
    SF_ASSERT(pool->n_pages == 0);
    sf_free(pool);
}

static size_t units_of(size_t size) {
    return size == 0 ? 1 : (size + UNIT - 1) / UNIT;
}

size_t pool_piece_bytes(size_t size) {
    return size > POOL_PIECE_MAX ? size_class(size) : units_of(size) * UNIT;
}

static size_t page_bytes(size_t units) {
    return units * UNIT > SMALL_PIECE_MAX ? LARGE_PAGE_BYTES : SMALL_PAGE_BYTES;
}

static struct page *page_new(struct pool *pool, size_t units) {
    size_t bytes = page_bytes(units);
    struct page *page = sf_alloc_aligned(bytes, bytes);
    *page = (struct page){.n_places = (uint16_t)((bytes - sizeof *page) / (units * UNIT))};
    list_push_back(&pool->with_room[units - 1], &page->link);
    pool->n_pages++;
    return page;
}

static uint16_t *unit_at(struct page *page, size_t unit) {
    return (uint16_t *)(void *)((char *)page + unit * UNIT);
}

void *pool_take(struct pool *pool, size_t size) {
    if (size > POOL_PIECE_MAX) return sf_alloc(size);
    size_t units = units_of(size), at;
    struct list *link = list_first(&pool->with_room[units - 1]);
    struct page *page =
        link == NULL ? page_new(pool, units) : SF_CONTAINER(link, struct page, link);
    if (page->first_free != NO_PIECE) {
        at = page->first_free;
        page->first_free = *unit_at(page, at);
    } else {
        at = sizeof *page / UNIT + units * page->n_fresh++;
    }
    if (++page->n_used == page->n_places) list_remove(&page->link);
    return unit_at(page, at);
}

void pool_give(struct pool *pool, void *piece, size_t size) {
    if (size > POOL_PIECE_MAX) {
        sf_free(piece);
        return;
    }
    size_t units = units_of(size);
    struct page *page = (struct page *)((uintptr_t)piece & ~(uintptr_t)(page_bytes(units) - 1));
    if (page->n_used == page->n_places) list_push_back(&pool->with_room[units - 1], &page->link);
    SF_ASSERT(page->n_used > 0);
    if (--page->n_used == 0) {
        list_remove(&page->link);
        pool->n_pages--;
        sf_free(page);
        return;
    }
    size_t unit = (size_t)((char *)piece - (char *)page) / UNIT;
    *unit_at(page, unit) = page->first_free;
    page->first_free = (uint16_t)unit;
}
