/* A deterministic random sequence (xoshiro256**, Blackman and Vigna): chance as an argument. */
#ifndef SF_UTIL_RANDOM_H
#define SF_UTIL_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

struct random random_from(uint64_t seed);
uint64_t random_next(struct random *random);
/* Uniform in [0, bound), without bias; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

#endif
