#include "util/hash.h"

#include "util/codec.h"
#include <isa-l/crc.h>

static inline uint64_t rotate(uint64_t x, unsigned bits) {
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t hash_keyed(const struct hash_secret *secret, struct slice bytes) {
    uint64_t v[4] = {secret->k0 ^ 0x736f6d6570736575ULL, secret->k1 ^ 0x646f72616e646f6dULL,
        secret->k0 ^ 0x6c7967656e657261ULL, secret->k1 ^ 0x7465646279746573ULL};
    const char *at = bytes.data;
    size_t left = bytes.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word = load_u64(at);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)bytes.len << 56;
    for (size_t i = 0; i < left; i++) last |= (uint64_t)(uint8_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t crc32c(struct slice bytes) {
    return crc32c_more(0, bytes);
}

uint32_t crc32c_more(uint32_t crc, struct slice bytes) {
    const char *at = bytes.data;
    size_t left = bytes.len;
    crc = ~crc;
    while (left > 0) {
        int step = (int)SF_MIN(left, (size_t)1 << 30);
        crc = crc32_iscsi((unsigned char *)(uintptr_t)at, step, crc);
        at += step;
        left -= (size_t)step;
    }
    return ~crc;
}

static uint32_t crc16(struct slice bytes) {
    uint32_t crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (uint32_t)(uint8_t)bytes.data[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
        }
        crc &= 0xffff;
    }
    return crc;
}

uint32_t key_slot(struct slice key) {
    const char *open = key.len > 0 ? memchr(key.data, '{', key.len) : NULL;
    if (open != NULL) {
        size_t rest = key.len - (size_t)(open + 1 - key.data);
        const char *close = memchr(open + 1, '}', rest);
        if (close != NULL && close > open + 1) key = slice_of(open + 1, (size_t)(close - open - 1));
    }
    return crc16(key) & 16383;
}
