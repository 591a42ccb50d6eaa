/* Small pieces of memory, rounded to 8 bytes where the general allocator rounds to 16 or more:
 * keys, and elements of large sets and hashes, are too many for that. Pieces of one size lie
 * together in pages, of 4 KiB or, for pieces above 96 bytes, of 16 KiB; a page without pieces goes
 * back. Where a piece lies shows nowhere (S2). */
#ifndef SF_DATA_POOL_H
#define SF_DATA_POOL_H

#include "util/base.h"

#define POOL_PIECE_MAX 256 /* larger ones come from the general allocator */

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *pool); /* all pieces have been given back (asserted) */

void *pool_take(struct pool *pool, size_t size);
/* size: as it was taken. */
void pool_give(struct pool *pool, void *piece, size_t size);
/* What a piece of that size occupies. */
size_t pool_piece_bytes(size_t size);

#endif
