/* Random picks among n elements by their ranks: uniform, and a function of the seed and n alone, so
 * that every replica picks the same (S1). */
#ifndef SF_COMMANDS_PICK_H
#define SF_COMMANDS_PICK_H

#include "util/buf.h"
#include "util/random.h"

/* k <= n different ranks below n, ascending; sf_free it. Every choice is equally likely. */
uint64_t *pick_distinct(struct random *random, uint64_t n, uint64_t k);

/* The elements of a packed value, copied to where each is found at once: a listpack would be walked
 * anew for each of many picks. {0} is a valid empty one. */
struct flat {
    struct buf text;
    size_t *ends; /* of the n elements, within the text */
    uint64_t n, room;
};
void flat_add(struct flat *flat, struct slice element);
struct slice flat_at(const struct flat *flat, uint64_t rank); /* rank < n */
void flat_free(struct flat *flat);

#endif
