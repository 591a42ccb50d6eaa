/* A list is an array of pages, a page an array of blocks:
 *
 *   pages   [ page, elements below ] [ ... ]         one array, moved where a page comes or goes
 *   page    [ block ] [ block ] ...                  up to 128 of them
 *   block   listpack, elements
 *
 * With blocks of 8 KiB a page stands for a mebibyte. Pages and blocks may be shared with other
 * lists (quicklist_share): who changes one makes it its own first. */
#include "data/quicklist.h"

#include "data/size_class.h"

enum { PAGE_BLOCKS = 128, FIRST_ROOM = 4, FRAME_BYTES = 7, ENTRY_OVERHEAD = 8 };

/* A block that a replacement lets grow beyond this is taken apart. */
#define BLOCK_BYTES_MAX ((size_t)128 << 10)
/* Counted limits hold for small entries only. */
#define COUNTED_BLOCK_BYTES 8192

struct block {
    struct listpack *packed;
    uint64_t n;
    uint32_t n_owners; /* pages */
};

struct page {
    uint32_t n, room;
    uint32_t n_owners; /* lists */
    struct block *blocks[];
};

struct page_slot {
    struct page *page;
    uint64_t n; /* elements in its blocks */
};

struct quicklist {
    struct page_slot *pages;
    uint32_t n_pages, room;
    uint64_t n, n_blocks;
    size_t block_bytes; /* of the listpacks, as the allocator rounds */
};

/* The place of a block. */
struct place {
    uint32_t page, block;
};

/* -- limits ---------------------------------------------------------------------------------- */

struct block_limit block_limit_of(int64_t size) {
    if (size >= 0) return (struct block_limit){COUNTED_BLOCK_BYTES, size == 0 ? 1 : (uint64_t)size};
    return (struct block_limit){(size_t)4096 << (SF_MIN(-size, 5) - 1), UINT64_MAX};
}

bool block_limit_allows(const struct block_limit *limit, size_t bytes, uint64_t count) {
    return bytes <= limit->bytes && count <= limit->count;
}

/* -- blocks and pages ------------------------------------------------------------------------ */

static struct block *block_at(const struct quicklist *list, struct place place) {
    SF_ASSERT(place.page < list->n_pages && place.block < list->pages[place.page].page->n);
    return list->pages[place.page].page->blocks[place.block];
}

static size_t page_size(uint32_t room) {
    return sizeof(struct page) + (size_t)room * sizeof(struct block *);
}

static size_t block_bytes(const struct block *block) {
    return size_class(listpack_bytes(block->packed));
}

static void pages_open(struct quicklist *list, uint32_t at, struct page *page) {
    if (list->n_pages == list->room) {
        list->room = SF_MAX(list->room * 2, 1u);
        list->pages = sf_realloc(list->pages, (size_t)list->room * sizeof *list->pages);
    }
    memmove(
        list->pages + at + 1, list->pages + at, (size_t)(list->n_pages - at) * sizeof *list->pages);
    list->pages[at] = (struct page_slot){.page = page};
    list->n_pages++;
}

static struct page *page_new(uint32_t room) {
    struct page *page = sf_alloc(page_size(room));
    page->n = 0;
    page->room = room;
    page->n_owners = 1;
    return page;
}

static void block_release(struct block *block) {
    if (--block->n_owners > 0) return;
    listpack_free(block->packed);
    sf_free(block);
}

/* The page, shared with no other list: about to change which blocks it has. */
static struct page *page_own(struct quicklist *list, uint32_t at) {
    struct page *shared = list->pages[at].page;
    if (shared->n_owners == 1) return shared;
    struct page *own = page_new(shared->room);
    own->n = shared->n;
    for (uint32_t i = 0; i < own->n; i++) {
        own->blocks[i] = shared->blocks[i];
        own->blocks[i]->n_owners++;
    }
    shared->n_owners--;
    list->pages[at].page = own;
    return own;
}

/* The block, shared with nobody: its listpack is about to change. */
static struct block *block_own(struct quicklist *list, struct place place) {
    SF_ASSERT(place.page < list->n_pages);
    struct block **at = &page_own(list, place.page)->blocks[place.block];
    struct block *shared = *at;
    if (shared->n_owners == 1) return shared;
    *at = sf_alloc(sizeof **at);
    **at = (struct block){listpack_copy(shared->packed), shared->n, 1};
    shared->n_owners--;
    return *at;
}

/* Moves the second half of a full page into a new one behind it, or begins one at an edge. */
static struct place page_split(struct quicklist *list, struct place place) {
    struct page *page = page_own(list, place.page);
    bool at_end = place.block == page->n && place.page + 1 == list->n_pages;
    bool at_front = place.block == 0 && place.page == 0;
    if (at_front || at_end) {
        uint32_t at = at_front ? 0 : place.page + 1;
        pages_open(list, at, page_new(FIRST_ROOM));
        return (struct place){at, 0};
    }
    uint32_t kept = page->n / 2;
    struct page *right = page_new(PAGE_BLOCKS);
    right->n = page->n - kept;
    page->n = kept;
    memcpy(right->blocks, page->blocks + kept, (size_t)right->n * sizeof(struct block *));
    pages_open(list, place.page + 1, right);
    for (uint32_t i = 0; i < right->n; i++) list->pages[place.page + 1].n += right->blocks[i]->n;
    list->pages[place.page].n -= list->pages[place.page + 1].n;
    if (place.block <= kept) return place;
    return (struct place){place.page + 1, place.block - kept};
}

/* Puts a block at that place; returns where it is. */
static struct place block_enter(
    struct quicklist *list, struct place place, struct listpack *packed) {
    if (list->n_pages == 0) pages_open(list, 0, page_new(FIRST_ROOM));
    if (list->pages[place.page].page->n == PAGE_BLOCKS) place = page_split(list, place);
    struct page_slot *slot = &list->pages[place.page];
    struct page *page = page_own(list, place.page);
    if (page->n == page->room) {
        page->room = SF_MIN(page->room * 2, (uint32_t)PAGE_BLOCKS);
        page = slot->page = sf_realloc(page, page_size(page->room));
    }
    struct block *block = sf_alloc(sizeof *block), **at = &page->blocks[place.block];
    *block = (struct block){packed, listpack_count(packed), 1};
    memmove(at + 1, at, (size_t)(page->n - place.block) * sizeof *at);
    *at = block;
    page->n++;
    slot->n += block->n;
    list->n += block->n;
    list->n_blocks++;
    list->block_bytes += block_bytes(block);
    return place;
}

/* Takes the block out. */
static void block_drop(struct quicklist *list, struct place place) {
    struct block *block = block_at(list, place);
    struct page_slot *slot = &list->pages[place.page];
    struct page *page = page_own(list, place.page);
    struct block **at = &page->blocks[place.block];
    list->block_bytes -= block_bytes(block);
    list->n -= block->n;
    slot->n -= block->n;
    list->n_blocks--;
    page->n--;
    memmove(at, at + 1, (size_t)(page->n - place.block) * sizeof *at);
    if (page->n == 0) {
        sf_free(page);
        list->n_pages--;
        memmove(slot, slot + 1, (size_t)(list->n_pages - place.page) * sizeof *slot);
    }
    block_release(block);
}

/* The block's listpack has changed: it was old_bytes, and has n entries now. None: it goes. */
static void block_changed(
    struct quicklist *list, struct place place, size_t old_bytes, uint64_t n) {
    struct block *block = block_at(list, place);
    list->block_bytes += block_bytes(block) - old_bytes;
    if (n == 0) {
        block_drop(list, place);
        return;
    }
    SF_ASSERT(block->n_owners == 1 && list->pages[place.page].page->n_owners == 1);
    list->pages[place.page].n += n - block->n;
    list->n += n - block->n;
    block->n = n;
}

static bool place_next(const struct quicklist *list, struct place *place) {
    if (place->block + 1 < list->pages[place->page].page->n) {
        place->block++;
        return true;
    }
    if (place->page + 1 == list->n_pages) return false;
    *place = (struct place){place->page + 1, 0};
    return true;
}

static bool place_prev(const struct quicklist *list, struct place *place) {
    if (place->block > 0) {
        place->block--;
        return true;
    }
    if (place->page == 0) return false;
    place->page--;
    place->block = list->pages[place->page].page->n - 1;
    return true;
}

/* The block that has the element; *index becomes the element's within it. */
static struct place place_find(const struct quicklist *list, uint64_t *index) {
    SF_ASSERT(*index < list->n);
    struct place place = {0, 0};
    uint64_t behind = list->n - *index;
    if (behind < *index) { /* from the end: the counts in front sum up to the same */
        uint64_t below = list->n;
        for (place.page = list->n_pages; below > *index;) below -= list->pages[--place.page].n;
        *index -= below;
    } else {
        while (*index >= list->pages[place.page].n) *index -= list->pages[place.page++].n;
    }
    const struct page *page = list->pages[place.page].page;
    while (*index >= page->blocks[place.block]->n) *index -= page->blocks[place.block++]->n;
    return place;
}

/* -- as a whole ------------------------------------------------------------------------------ */

struct quicklist *quicklist_new(void) {
    return sf_alloc_zero(1, sizeof(struct quicklist));
}

bool quicklist_free_some(struct quicklist *list, uint64_t *budget) {
    while (list->n_pages > 0) {
        struct page *page = list->pages[list->n_pages - 1].page;
        if (page->n_owners > 1) {
            if (*budget == 0) return false;
            page->n_owners--;
            page = NULL;
            --*budget;
        }
        while (page != NULL && page->n > 0) {
            if (*budget == 0) return false;
            block_release(page->blocks[--page->n]);
            /* a block is two allocations, one of them large */
            *budget -= SF_MIN(*budget, (uint64_t)16);
        }
        sf_free(page);
        list->n_pages--;
    }
    sf_free(list->pages);
    sf_free(list);
    return true;
}

void quicklist_free(struct quicklist *list) {
    uint64_t budget = UINT64_MAX;
    while (!quicklist_free_some(list, &budget)) budget = UINT64_MAX;
}

struct quicklist *quicklist_share(const struct quicklist *list) {
    struct quicklist *copy = sf_alloc(sizeof *copy);
    *copy = *list;
    copy->room = list->n_pages;
    copy->pages = sf_alloc(copy->room * sizeof *copy->pages);
    for (uint32_t i = 0; i < list->n_pages; i++) {
        copy->pages[i] = list->pages[i];
        copy->pages[i].page->n_owners++;
    }
    return copy;
}

struct quicklist *quicklist_copy(const struct quicklist *list) {
    struct quicklist *copy = quicklist_new();
    for (uint32_t i = 0; i < list->n_pages; i++) {
        const struct page *page = list->pages[i].page;
        for (uint32_t j = 0; j < page->n; j++) {
            struct listpack *packed = listpack_copy(page->blocks[j]->packed);
            quicklist_append_block(copy, &packed);
        }
    }
    return copy;
}

uint64_t quicklist_count(const struct quicklist *list) {
    return list->n;
}

uint64_t quicklist_blocks(const struct quicklist *list) {
    return list->n_blocks;
}

size_t quicklist_bytes(const struct quicklist *list) {
    size_t pages = list->n_pages == 1 ? page_size(list->pages[0].page->room)
                                      : (size_t)list->n_pages * page_size(PAGE_BLOCKS);
    return size_class(sizeof *list) + list->block_bytes + pages +
           list->n_blocks * size_class(sizeof(struct block)) +
           (size_t)list->room * sizeof *list->pages;
}

void quicklist_append_block(struct quicklist *list, struct listpack **packed) {
    SF_ASSERT(listpack_first(*packed) != 0);
    struct place end = {0, 0};
    if (list->n_pages > 0)
        end = (struct place){list->n_pages - 1, list->pages[list->n_pages - 1].page->n};
    block_enter(list, end, *packed);
    *packed = NULL;
}

const struct listpack *quicklist_only_block(const struct quicklist *list) {
    return list->n_blocks == 1 ? list->pages[0].page->blocks[0]->packed : NULL;
}

/* -- looking --------------------------------------------------------------------------------- */

static const struct listpack *cursor_packed(const struct quicklist_cursor *cursor) {
    return block_at(cursor->list, (struct place){cursor->page, cursor->block})->packed;
}

bool quicklist_seek(const struct quicklist *list, uint64_t index, struct quicklist_cursor *cursor) {
    if (index >= list->n) return false;
    struct place place = place_find(list, &index);
    const struct block *block = block_at(list, place);
    bool from_end = index > block->n / 2;
    int64_t wanted = from_end ? (int64_t)index - (int64_t)block->n : (int64_t)index;
    *cursor = (struct quicklist_cursor){
        list, place.page, place.block, listpack_seek(block->packed, wanted)};
    SF_ASSERT(cursor->at != 0);
    return true;
}

bool quicklist_next(struct quicklist_cursor *cursor) {
    cursor->at = listpack_next(cursor_packed(cursor), cursor->at);
    if (cursor->at != 0) return true;
    struct place place = {cursor->page, cursor->block};
    if (!place_next(cursor->list, &place)) return false;
    cursor->page = place.page;
    cursor->block = place.block;
    cursor->at = listpack_first(cursor_packed(cursor));
    return true;
}

bool quicklist_prev(struct quicklist_cursor *cursor) {
    cursor->at = listpack_prev(cursor_packed(cursor), cursor->at);
    if (cursor->at != 0) return true;
    struct place place = {cursor->page, cursor->block};
    if (!place_prev(cursor->list, &place)) return false;
    cursor->page = place.page;
    cursor->block = place.block;
    cursor->at = listpack_last(cursor_packed(cursor));
    return true;
}

struct slice quicklist_text(const struct quicklist_cursor *cursor, char scratch[INT_TEXT_MAX]) {
    return listpack_text(cursor_packed(cursor), cursor->at, scratch);
}

bool quicklist_equals(const struct quicklist_cursor *cursor, struct slice text) {
    return listpack_equals(cursor_packed(cursor), cursor->at, text);
}

/* -- adding ---------------------------------------------------------------------------------- */

/* Whether an entry more may come into the block. */
static bool block_has_room(
    const struct block *block, const struct block_limit *limit, struct slice text) {
    size_t bytes = listpack_bytes(block->packed) + text.len + ENTRY_OVERHEAD;
    return block_limit_allows(limit, bytes, block->n + 1) &&
           listpack_has_room(block->packed, text.len);
}

/* Puts text in front of the block's entry at that offset; 0: behind its last. */
static void block_insert(struct quicklist *list, struct place place, size_t at, struct slice text) {
    struct block *block = block_own(list, place);
    size_t old_bytes = block_bytes(block);
    listpack_insert(&block->packed, at, text);
    block_changed(list, place, old_bytes, block->n + 1);
}

static struct place block_enter_single(
    struct quicklist *list, struct place place, struct slice text) {
    struct listpack *packed = listpack_new();
    listpack_append(&packed, text);
    return block_enter(list, place, packed);
}

void quicklist_push(
    struct quicklist *list, const struct block_limit *limit, bool front, struct slice text) {
    struct place edge = {0, 0};
    if (list->n_pages == 0) {
        block_enter_single(list, edge, text);
        return;
    }
    if (!front) {
        edge.page = list->n_pages - 1;
        edge.block = list->pages[edge.page].page->n - 1;
    }
    const struct block *block = block_at(list, edge);
    if (block_has_room(block, limit, text)) {
        block_insert(list, edge, front ? listpack_first(block->packed) : 0, text);
    } else {
        if (!front) edge.block++;
        block_enter_single(list, edge, text);
    }
}

/* Cuts the block's entries from `index` on off into a block of their own behind it, whose place is
 * returned. */
static struct place block_cut(struct quicklist *list, struct place place, uint64_t index) {
    struct block *block = block_own(list, place);
    SF_ASSERT(index > 0 && index < block->n);
    size_t old_bytes = block_bytes(block);
    struct listpack *right = listpack_copy(block->packed);
    listpack_delete(&right, listpack_first(right), index);
    listpack_delete(&block->packed, listpack_seek(block->packed, (int64_t)index), UINT64_MAX);
    block_changed(list, place, old_bytes, index);
    return block_enter(list, (struct place){place.page, place.block + 1}, right);
}

/* Joins the block with the one behind it, where both fit into one. */
static bool block_join_next(
    struct quicklist *list, struct place place, const struct block_limit *limit) {
    struct place next = place;
    if (!place_next(list, &next)) return false;
    struct block *left = block_at(list, place);
    const struct block *right = block_at(list, next);
    size_t bytes = listpack_bytes(left->packed) + listpack_bytes(right->packed) - FRAME_BYTES;
    if (!block_limit_allows(limit, bytes, left->n + right->n)) return false;
    left = block_own(list, place);
    size_t old_bytes = block_bytes(left);
    char scratch[INT_TEXT_MAX];
    for (size_t at = listpack_first(right->packed); at != 0; at = listpack_next(right->packed, at))
        listpack_append(&left->packed, listpack_text(right->packed, at, scratch));
    uint64_t n = left->n + right->n;
    block_drop(list, next);
    block_changed(list, place, old_bytes, n);
    return true;
}

/* After a split around `center`: the two in front, the two behind, then those beside it. */
static void blocks_join_around(
    struct quicklist *list, struct place center, const struct block_limit *limit) {
    struct place prev = center, first;
    bool has_prev = place_prev(list, &prev);
    first = prev;
    if (has_prev && place_prev(list, &first) && block_join_next(list, first, limit)) {
        prev = first; /* joined into the earlier place: center moved up by one */
        center = prev;
        place_next(list, &center);
    }
    struct place next = center;
    if (place_next(list, &next)) block_join_next(list, next, limit);
    if (has_prev && block_join_next(list, prev, limit)) center = prev;
    block_join_next(list, center, limit);
}

/* Between the halves of a full block; the one that keeps the neighbour is what others join. */
static void insert_by_cutting(struct quicklist *list, const struct block_limit *limit,
    struct place place, uint64_t index, bool behind, struct slice text) {
    struct place right = block_cut(list, place, behind ? index + 1 : index), left = right;
    place_prev(list, &left);
    if (behind) {
        block_insert(list, right, listpack_first(block_at(list, right)->packed), text);
    } else {
        block_insert(list, left, 0, text);
    }
    blocks_join_around(list, behind ? left : right, limit);
}

/* At the edge of a full block: into its neighbour, or between the two. */
static void insert_beside(struct quicklist *list, const struct block_limit *limit,
    struct place place, bool behind, struct slice text) {
    struct place beside = place;
    bool has_beside = behind ? place_next(list, &beside) : place_prev(list, &beside);
    if (has_beside && block_has_room(block_at(list, beside), limit, text)) {
        size_t at = behind ? listpack_first(block_at(list, beside)->packed) : 0;
        block_insert(list, beside, at, text);
    } else {
        if (behind) place.block++;
        block_enter_single(list, place, text);
    }
}

void quicklist_insert(struct quicklist *list, const struct block_limit *limit, uint64_t index,
    bool behind, struct slice text) {
    struct place place = place_find(list, &index);
    const struct block *block = block_at(list, place);
    if (!block_has_room(block, limit, text)) {
        if (behind ? index + 1 == block->n : index == 0) {
            insert_beside(list, limit, place, behind, text);
        } else {
            insert_by_cutting(list, limit, place, index, behind, text);
        }
        return;
    }
    size_t at = listpack_seek(block->packed, (int64_t)index);
    if (behind) at = listpack_next(block->packed, at);
    block_insert(list, place, at, text);
}

/* -- replacing and removing ------------------------------------------------------------------ */

/* A block of its own for an element; returns the place. */
static struct place block_isolate(struct quicklist *list, struct place place, uint64_t index) {
    if (index > 0) place = block_cut(list, place, index);
    if (block_at(list, place)->n > 1) {
        place = block_cut(list, place, 1);
        place_prev(list, &place);
    }
    return place;
}

void quicklist_replace(struct quicklist *list, uint64_t index, struct slice text) {
    struct place place = place_find(list, &index);
    struct block *block = block_at(list, place);
    if (block->n > 1 && listpack_bytes(block->packed) + text.len > BLOCK_BYTES_MAX) {
        place = block_isolate(list, place, index);
        index = 0;
    }
    block = block_own(list, place);
    size_t old_bytes = block_bytes(block);
    listpack_replace(&block->packed, listpack_seek(block->packed, (int64_t)index), text);
    block_changed(list, place, old_bytes, block->n);
}

void quicklist_remove(struct quicklist *list, uint64_t index, uint64_t n) {
    SF_ASSERT(index <= list->n && n <= list->n - index);
    while (n > 0) {
        uint64_t at = index;
        struct place place = place_find(list, &at);
        struct block *block = block_at(list, place);
        uint64_t here = SF_MIN(n, block->n - at);
        size_t old_bytes = block_bytes(block);
        if (here < block->n) {
            block = block_own(list, place);
            listpack_delete(&block->packed, listpack_seek(block->packed, (int64_t)at), here);
        }
        block_changed(list, place, old_bytes, block->n - here);
        n -= here;
    }
}

/* In one block; its entries are 0 afterwards when all went, and the listpack is as it was then. */
static uint64_t block_remove_equal(
    struct block *block, struct slice text, uint64_t max, bool backward) {
    uint64_t removed = 0;
    size_t at = backward ? listpack_last(block->packed) : listpack_first(block->packed);
    while (at != 0 && removed < max) {
        bool equal = listpack_equals(block->packed, at, text);
        if (equal && ++removed == block->n) return removed; /* the whole block goes */
        size_t here = at;
        if (backward) at = listpack_prev(block->packed, at);
        size_t behind = equal ? listpack_delete(&block->packed, here, 1) : 0;
        if (!backward) at = equal ? behind : listpack_next(block->packed, here);
    }
    return removed;
}

static bool block_has_equal(const struct block *block, struct slice text) {
    return listpack_find(block->packed, listpack_first(block->packed), text, 0) != 0;
}

uint64_t quicklist_remove_equal(
    struct quicklist *list, struct slice text, uint64_t max, bool backward) {
    uint64_t removed = 0;
    if (list->n == 0) return 0;
    struct place place = {0, 0};
    if (backward)
        place = (struct place){list->n_pages - 1, list->pages[list->n_pages - 1].page->n - 1};
    for (bool more = true; more && removed < max;) {
        struct place here = place;
        struct block *block = block_at(list, here);
        size_t old_bytes = block_bytes(block);
        if (block->n_owners > 1 || list->pages[here.page].page->n_owners > 1) {
            if (!block_has_equal(block, text)) {
                more = backward ? place_prev(list, &place) : place_next(list, &place);
                continue;
            }
            block = block_own(list, here);
        }
        uint64_t gone = block_remove_equal(block, text, max - removed, backward);
        uint64_t left = block->n - gone;
        uint32_t page_blocks = list->pages[here.page].page->n;
        if (backward) more = place_prev(list, &place);
        if (gone > 0) block_changed(list, here, old_bytes, left);
        removed += gone;
        if (backward) continue;
        if (left > 0) {
            more = place_next(list, &place);
        } else if (here.block + 1 == page_blocks) { /* what follows is on the next page */
            place = (struct place){here.page + (page_blocks > 1), 0};
            more = place.page < list->n_pages;
        }
    }
    return removed;
}

/* -- blocks ---------------------------------------------------------------------------------- */

const struct listpack *quicklist_next_block(
    const struct quicklist *list, struct quicklist_place *at) {
    if (at->page < list->n_pages && at->block == list->pages[at->page].page->n)
        *at = (struct quicklist_place){at->page + 1, 0};
    if (at->page >= list->n_pages) return NULL;
    return list->pages[at->page].page->blocks[at->block++]->packed;
}

/* -- images ---------------------------------------------------------------------------------- */

void quicklist_put(const struct quicklist *list, struct buf *out) {
    put_varint(out, list->n_blocks);
    for (uint32_t i = 0; i < list->n_pages; i++) {
        const struct page *page = list->pages[i].page;
        for (uint32_t j = 0; j < page->n; j++)
            put_string(out, listpack_image(page->blocks[j]->packed));
    }
}

struct quicklist *quicklist_read(struct reader *in) {
    uint64_t n = read_varint(in);
    struct quicklist *list = quicklist_new();
    bool good = !in->failed && n > 0;
    for (uint64_t i = 0; good && i < n; i++) {
        struct slice bytes = read_string(in);
        struct listpack *packed = in->failed ? NULL : listpack_load(bytes);
        good = packed != NULL && listpack_first(packed) != 0;
        if (good)
            quicklist_append_block(list, &packed);
        else
            listpack_free(packed);
    }
    if (good) return list;
    quicklist_free(list);
    return NULL;
}
