#include "util/random.h"

#include "util/base.h"
#include "util/hash.h"

struct random random_from(uint64_t seed) {
    struct random random;
    for (int i = 0; i < 4; i++) random.state[i] = hash_mix(seed += 0x9e3779b97f4a7c15ULL);
    return random;
}

static inline uint64_t rotate(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

uint64_t random_next(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound) {
    SF_ASSERT(bound > 0);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound; /* a multiple of bound */
    uint64_t drawn;
    do {
        drawn = random_next(random);
    } while (drawn >= limit);
    return drawn % bound;
}
