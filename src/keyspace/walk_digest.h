/* Digests of what a walk shows: a sum for each of 1,024 ranges of hashes (DESIGN 8), over
 * everything that later behaviour reads: value and form, due time, revision, absent keys' cells,
 * floors.
 *
 * Equal states give equal sums, however they came about: whatever order keys and elements come in,
 * whether a value comes whole or in pieces, and wherever a text is cut. */
#ifndef SF_KEYSPACE_WALK_DIGEST_H
#define SF_KEYSPACE_WALK_DIGEST_H

#include "keyspace/walk.h"

#define DIGEST_RANGES 1024 /* by the top 10 bits of a key's hash */

struct walk_digest {
    uint64_t sums[DIGEST_RANGES];
    uint64_t floors; /* a sum over the dbs */
    struct {         /* the large value that comes in pieces just now */
        uint64_t n, sum, chain, text_bytes, text_checksum;
    } large;
};

/* Feeds digest, which began as zeros and is borrowed. */
struct walk_sink walk_digest_sink(struct walk_digest *digest);

/* Two numbers into one; not commutative. */
uint64_t digest_absorb(uint64_t digest, uint64_t number);
uint64_t digest_absorb_bytes(uint64_t digest, struct slice bytes);

#endif
