/* A long list of strings: blocks, each a listpack, in pages that know how many elements are below
 * them, so that any place is found by looking at one count a page, one a block and the entries of
 * one block.
 *
 * Which elements share a block follows from the list's history and is content: it decides about
 * later splits, joins and conversions, and images restore it exactly. Pages are not content. The
 * rules by which blocks come, split and join are Redis's. */
#ifndef SF_DATA_QUICKLIST_H
#define SF_DATA_QUICKLIST_H

#include "data/listpack.h"
#include "util/codec.h"

/* What a block may hold: list-max-listpack-size. */
struct block_limit {
    size_t bytes;
    uint64_t count;
};
/* A positive size is a number of entries, -1 to -5 are 4 to 64 KiB. */
struct block_limit block_limit_of(int64_t size);
bool block_limit_allows(const struct block_limit *limit, size_t bytes, uint64_t count);

struct quicklist;

/* At an element. Valid until the list changes. */
struct quicklist_cursor {
    const struct quicklist *list;
    uint32_t page, block;
    size_t at;
};

struct quicklist *quicklist_new(void);
void quicklist_free(struct quicklist *list);
/* Frees about *budget elements and lowers it by what went; true: all is gone. After the first call
 * only this function may be used. */
bool quicklist_free_some(struct quicklist *list, uint64_t *budget);
struct quicklist *quicklist_copy(const struct quicklist *list);
/* A copy that costs a word for each mebibyte: both share their blocks until one of them changes
 * them, one page of pointers and one block at a time. */
struct quicklist *quicklist_share(const struct quicklist *list);

uint64_t quicklist_count(const struct quicklist *list);
uint64_t quicklist_blocks(const struct quicklist *list);
size_t quicklist_bytes(const struct quicklist *list); /* as the allocator rounds */

/* -- the way from and to a list of one listpack ----------------------------------------------- */

/* Puts a block behind the last; not an empty one (asserted). *packed is NULL afterwards. */
void quicklist_append_block(struct quicklist *list, struct listpack **packed);
const struct listpack *quicklist_only_block(const struct quicklist *list); /* NULL: not just one */

/* The listpack of the block at *at, which moves to the next; {0, 0} is the first. NULL: no more. */
struct quicklist_place {
    uint32_t page, block;
};
const struct listpack *quicklist_next_block(
    const struct quicklist *list, struct quicklist_place *at);

/* -- looking --------------------------------------------------------------------------------- */

bool quicklist_seek(const struct quicklist *list, uint64_t index, struct quicklist_cursor *cursor);
bool quicklist_next(struct quicklist_cursor *cursor); /* false: that was the last; it has ended */
bool quicklist_prev(struct quicklist_cursor *cursor);
struct slice quicklist_text(const struct quicklist_cursor *cursor, char scratch[INT_TEXT_MAX]);
bool quicklist_equals(const struct quicklist_cursor *cursor, struct slice text);

/* -- changing: texts must not lie in the list ------------------------------------------------- */

void quicklist_push(
    struct quicklist *list, const struct block_limit *limit, bool front, struct slice text);
/* Puts text in front of the element of that index, or behind it. index < count (asserted). */
void quicklist_insert(struct quicklist *list, const struct block_limit *limit, uint64_t index,
    bool behind, struct slice text);
void quicklist_replace(struct quicklist *list, uint64_t index, struct slice text);
void quicklist_remove(
    struct quicklist *list, uint64_t index, uint64_t n); /* asserted to be there */
/* Takes out at most max elements equal to text, from the end where backward; returns how many. */
uint64_t quicklist_remove_equal(
    struct quicklist *list, struct slice text, uint64_t max, bool backward);

/* -- images ---------------------------------------------------------------------------------- */

void quicklist_put(const struct quicklist *list, struct buf *out);
struct quicklist *quicklist_read(struct reader *in); /* NULL: damaged or empty */

#endif
