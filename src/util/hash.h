/* Hashes and checksums. */
#ifndef SF_UTIL_HASH_H
#define SF_UTIL_HASH_H

#include "util/slice.h"
#include <stdint.h>

/* The secret of a keyed hash: equal on all nodes of a cluster, unknown to clients. */
struct hash_secret {
    uint64_t k0, k1;
};

/* SipHash-1-3 (Aumasson and Bernstein), 64 bits: keyed, so that clients cannot choose collisions.
 */
uint64_t hash_keyed(const struct hash_secret *secret, struct slice bytes);

/* CRC-32C (Castagnoli), as in RFC 3720. extend continues an earlier checksum. */
uint32_t crc32c(struct slice bytes);
uint32_t crc32c_more(uint32_t crc, struct slice bytes);

/* A strong mixing of 64 bits (the finalizer of SplitMix64). */
static inline uint64_t hash_mix(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* CRC16-CCITT (XMODEM) over the key's hash tag, modulo 16384: the slot Redis Cluster would use. */
uint32_t key_slot(struct slice key);

#endif
