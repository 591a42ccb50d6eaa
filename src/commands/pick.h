/* Random picks among n elements by their ranks: uniform, and a function of the seed and n alone, so
 * that every replica picks the same (S1). */
#ifndef SF_COMMANDS_PICK_H
#define SF_COMMANDS_PICK_H

#include "util/base.h"
#include "util/random.h"

/* k <= n different ranks below n, ascending; sf_free it. Every choice is equally likely. */
uint64_t *pick_distinct(struct random *random, uint64_t n, uint64_t k);

#endif
