#include "data/hyperloglog.h"

#include "util/codec.h"

#include <math.h>

enum {
    PLACE_BITS = 14,
    HASH_BITS = 64 - PLACE_BITS,
    COUNT_MAX = HASH_BITS + 1,
    REGISTER_BITS = 6,
    ENCODING_AT = 4,
    COUNT_AT = 8,
    COUNT_STALE = 0x80, /* in the last byte of the cached count */
    DENSE = 0,
    SPARSE = 1,
    ZERO_RUN_MAX = 64,
    LONG_ZERO_RUN_MAX = 16384,
    VALUE_RUN_MAX = 4,
    VALUE_MAX = 32,
};

/* -- the header ------------------------------------------------------------------------------ */

bool hll_is_one(struct slice bytes) {
    if (bytes.len < HLL_HEADER_BYTES || memcmp(bytes.data, "HYLL", 4) != 0) return false;
    uint8_t encoding = (uint8_t)bytes.data[ENCODING_AT];
    return encoding == SPARSE || (encoding == DENSE && bytes.len == HLL_DENSE_BYTES);
}

bool hll_is_dense(struct slice bytes) {
    return bytes.data[ENCODING_AT] == DENSE;
}

void hll_forget_count(void *bytes) {
    ((uint8_t *)bytes)[COUNT_AT + 7] |= COUNT_STALE;
}

bool hll_count_is_stale(struct slice bytes) {
    return ((uint8_t)bytes.data[COUNT_AT + 7] & COUNT_STALE) != 0;
}

void hll_remember_count(void *bytes, uint64_t count) {
    store_u64((uint8_t *)bytes + COUNT_AT, count);
}

void hll_new(struct buf *out) {
    static const char bytes[HLL_HEADER_BYTES + 2] = {
        'H', 'Y', 'L', 'L', SPARSE, [HLL_HEADER_BYTES] = 0x7f, [HLL_HEADER_BYTES + 1] = (char)0xff};
    buf_append(out, bytes, sizeof bytes);
}

/* -- places ---------------------------------------------------------------------------------- */

/* MurmurHash64A, Austin Appleby's, of little-endian words. */
static uint64_t murmur(struct slice text) {
    const uint64_t m = 0xc6a4a7935bd1e995, seed = 0xadc83b19;
    uint64_t hash = seed ^ (text.len * m);
    size_t at = 0;
    for (; at + 8 <= text.len; at += 8) {
        uint64_t word = load_u64(text.data + at) * m;
        word ^= word >> 47;
        hash = (hash ^ word * m) * m;
    }
    if (at < text.len) {
        for (size_t i = at; i < text.len; i++)
            hash ^= (uint64_t)(uint8_t)text.data[i] << 8 * (i - at);
        hash *= m;
    }
    hash = (hash ^ hash >> 47) * m;
    return hash ^ hash >> 47;
}

struct hll_place hll_place_of(struct slice element) {
    uint64_t hash = murmur(element);
    uint64_t rest = hash >> PLACE_BITS | (uint64_t)1 << HASH_BITS;
    return (struct hll_place){
        (uint32_t)(hash & (HLL_REGISTERS - 1)), (uint8_t)(__builtin_ctzll(rest) + 1)};
}

/* -- dense ----------------------------------------------------------------------------------- */

/* Four registers are three bytes. */
static void dense_unpack(const uint8_t *packed, uint8_t registers[HLL_REGISTERS]) {
    for (size_t i = 0; i < HLL_REGISTERS; i += 4, packed += 3) {
        uint32_t word = packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16;
        for (size_t j = 0; j < 4; j++) registers[i + j] = word >> REGISTER_BITS * j & 63;
    }
}

static void dense_pack(const uint8_t registers[HLL_REGISTERS], uint8_t *packed) {
    for (size_t i = 0; i < HLL_REGISTERS; i += 4, packed += 3) {
        uint32_t word = 0;
        for (size_t j = 0; j < 4; j++) word |= (uint32_t)registers[i + j] << REGISTER_BITS * j;
        packed[0] = (uint8_t)word;
        packed[1] = (uint8_t)(word >> 8);
        packed[2] = (uint8_t)(word >> 16);
    }
}

bool hll_dense_holds(struct slice bytes, struct hll_place place) {
    const uint8_t *packed = (const uint8_t *)bytes.data + HLL_HEADER_BYTES + place.at / 4 * 3;
    uint32_t word = packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16;
    return (word >> place.at % 4 * REGISTER_BITS & 63) >= place.count;
}

bool hll_dense_raise(void *bytes, struct hll_place place) {
    uint8_t *packed = (uint8_t *)bytes + HLL_HEADER_BYTES + place.at / 4 * 3;
    unsigned shift = place.at % 4 * REGISTER_BITS;
    uint32_t word = packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16;
    if ((word >> shift & 63) >= place.count) return false;
    word = (word & ~((uint32_t)63 << shift)) | (uint32_t)place.count << shift;
    packed[0] = (uint8_t)word;
    packed[1] = (uint8_t)(word >> 8);
    packed[2] = (uint8_t)(word >> 16);
    return true;
}

/* -- sparse ---------------------------------------------------------------------------------- */

bool hll_next_run(struct slice bytes, size_t *at, struct hll_run *run) {
    if (*at >= bytes.len) return false;
    uint8_t byte = (uint8_t)bytes.data[*at];
    if (byte >= 0x80) {
        *run = (struct hll_run){(byte & 3u) + 1, (uint8_t)((byte >> 2 & 31) + 1), 1};
    } else if (byte < 0x40) {
        *run = (struct hll_run){byte + 1u, 0, 1};
    } else {
        if (bytes.len - *at < 2) return false;
        uint32_t n = (byte & 63u) << 8 | (uint8_t)bytes.data[*at + 1];
        *run = (struct hll_run){n + 1, 0, 2};
    }
    *at += run->bytes;
    return true;
}

/* Raises registers by the runs; false: they are not the runs of all the registers. */
static bool sparse_merge(struct slice bytes, uint8_t registers[HLL_REGISTERS]) {
    size_t at = HLL_HEADER_BYTES, n = 0;
    struct hll_run run;
    while (hll_next_run(bytes, &at, &run)) {
        if (run.len > HLL_REGISTERS - n) return false;
        for (size_t end = n + run.len; run.count > 0 && n < end; n++)
            registers[n] = SF_MAX(registers[n], run.count);
        if (run.count == 0) n += run.len;
    }
    return n == HLL_REGISTERS && at == bytes.len;
}

bool hll_make_dense(struct buf *hll) {
    if (hll_is_dense(buf_slice(hll))) return true;
    uint8_t registers[HLL_REGISTERS] = {0};
    if (!sparse_merge(buf_slice(hll), registers)) return false;
    if (hll->len < HLL_DENSE_BYTES) buf_reserve(hll, HLL_DENSE_BYTES - hll->len);
    uint8_t *bytes = (uint8_t *)hll->data + hll->start;
    if (hll->len < HLL_DENSE_BYTES)
        buf_commit(hll, HLL_DENSE_BYTES - hll->len);
    else
        buf_truncate(hll, HLL_DENSE_BYTES);
    bytes[ENCODING_AT] = DENSE;
    dense_pack(registers, bytes + HLL_HEADER_BYTES);
    return true;
}

/* Runs that take the place of one. */
struct new_runs {
    uint8_t bytes[5];
    size_t len;
};

static void add_zeros(struct new_runs *runs, uint32_t n) {
    if (n == 0) return;
    if (n > ZERO_RUN_MAX) runs->bytes[runs->len++] = (uint8_t)(0x40 | (n - 1) >> 8);
    runs->bytes[runs->len++] = (uint8_t)(n - 1);
}

static uint8_t value_run(uint8_t count, uint32_t n) {
    return (uint8_t)(0x80u | (count - 1u) << 2 | (n - 1));
}

static void add_values(struct new_runs *runs, uint8_t count, uint32_t n) {
    if (n > 0) runs->bytes[runs->len++] = value_run(count, n);
}

/* Joins neighbours of equal count that fit into one run: among the five runs from `at` on, as
 * Redis does, since the bytes shall be the same. */
static void sparse_join(struct buf *hll, size_t at) {
    uint8_t *bytes = (uint8_t *)hll->data + hll->start;
    for (int looks = 5; looks > 0 && at < hll->len; looks--) {
        if (bytes[at] < 0x80) {
            at += bytes[at] < 0x40 ? 1 : 2;
            continue;
        }
        if (at + 1 < hll->len && bytes[at + 1] >= 0x80 && bytes[at] >> 2 == bytes[at + 1] >> 2) {
            uint32_t n = (bytes[at] & 3u) + (bytes[at + 1] & 3u) + 2;
            if (n <= VALUE_RUN_MAX) {
                bytes[at + 1] = (uint8_t)((bytes[at] & 0xfc) | (n - 1));
                memmove(bytes + at, bytes + at + 1, hll->len - at - 1);
                buf_truncate(hll, hll->len - 1);
                continue;
            }
        }
        at++;
    }
}

/* Puts runs where old_len bytes are. */
static void sparse_splice(struct buf *hll, size_t at, size_t old_len, const struct new_runs *runs) {
    size_t behind = hll->len - at - old_len;
    if (runs->len > old_len) {
        buf_reserve(hll, runs->len - old_len);
        buf_commit(hll, runs->len - old_len);
    }
    uint8_t *bytes = (uint8_t *)hll->data + hll->start;
    memmove(bytes + at + runs->len, bytes + at + old_len, behind);
    memcpy(bytes + at, runs->bytes, runs->len);
    buf_truncate(hll, at + runs->len + behind);
}

static enum hll_change promote(struct buf *hll, struct hll_place place) {
    if (!hll_make_dense(hll)) return HLL_CORRUPT;
    return hll_dense_raise(hll->data + hll->start, place) ? HLL_CHANGED : HLL_SAME;
}

static enum hll_change sparse_raise(struct buf *hll, struct hll_place place, uint64_t sparse_max) {
    if (place.count > VALUE_MAX) return promote(hll, place);
    struct slice bytes = buf_slice(hll);
    size_t at = HLL_HEADER_BYTES, before = at, here = at;
    uint32_t first = 0;
    struct hll_run run = {0};
    do {
        first += run.len;
        before = here;
        here = at;
        if (!hll_next_run(bytes, &at, &run)) return HLL_CORRUPT;
    } while (place.at - first >= run.len);
    if (run.count >= place.count) return HLL_SAME;

    struct new_runs runs = {.len = 0};
    uint32_t left = place.at - first, right = run.len - left - 1;
    if (run.count == 0) {
        add_zeros(&runs, left);
        add_values(&runs, place.count, 1);
        add_zeros(&runs, right);
    } else {
        add_values(&runs, run.count, left);
        add_values(&runs, place.count, 1);
        add_values(&runs, run.count, right);
    }
    if (runs.len > run.bytes && bytes.len + (runs.len - run.bytes) > sparse_max)
        return promote(hll, place);
    sparse_splice(hll, here, run.bytes, &runs);
    sparse_join(hll, before);
    hll_forget_count(hll->data + hll->start);
    return HLL_CHANGED;
}

enum hll_change hll_raise(struct buf *hll, struct hll_place place, uint64_t sparse_max) {
    SF_ASSERT(place.at < HLL_REGISTERS && place.count > 0 && place.count <= 63);
    if (!hll_is_dense(buf_slice(hll))) return sparse_raise(hll, place, sparse_max);
    return hll_dense_raise(hll->data + hll->start, place) ? HLL_CHANGED : HLL_SAME;
}

/* -- counting -------------------------------------------------------------------------------- */

bool hll_merge(struct slice bytes, uint8_t registers[HLL_REGISTERS]) {
    if (!hll_is_dense(bytes)) return sparse_merge(bytes, registers);
    uint8_t own[HLL_REGISTERS];
    dense_unpack((const uint8_t *)bytes.data + HLL_HEADER_BYTES, own);
    for (size_t i = 0; i < HLL_REGISTERS; i++) registers[i] = SF_MAX(registers[i], own[i]);
    return true;
}

/* Both sums are added up until they no longer change (Ertl, algorithm 6). */
static double sigma(double x) {
    if (x == 1) return INFINITY;
    double sum = x, old, factor = 1;
    do {
        x *= x;
        old = sum;
        sum += x * factor;
        factor += factor;
    } while (sum != old);
    return sum;
}

static double tau(double x) {
    if (x == 0 || x == 1) return 0;
    double sum = 1 - x, old, factor = 1;
    do {
        x = sqrt(x);
        old = sum;
        factor *= 0.5;
        sum -= (1 - x) * (1 - x) * factor;
    } while (sum != old);
    return sum / 3;
}

uint64_t hll_estimate(const uint8_t registers[HLL_REGISTERS]) {
    const double m = HLL_REGISTERS, alpha = 0.721347520444481703680; /* 1 / (2 ln 2) */
    /* Registers of each count, in turns, so that no sum waits for the one before it. */
    uint32_t have[256] = {0}, turns[3][256] = {{0}};
    for (size_t i = 0; i < HLL_REGISTERS; i += 4) {
        have[registers[i]]++;
        for (size_t j = 0; j < 3; j++) turns[j][registers[i + 1 + j]]++;
    }
    for (size_t i = 0; i < 256; i++) have[i] += turns[0][i] + turns[1][i] + turns[2][i];
    double z = m * tau((m - have[COUNT_MAX]) / m);
    for (int k = HASH_BITS; k >= 1; k--) z = (z + have[k]) * 0.5;
    z += m * sigma(have[0] / m);
    double estimate = alpha * m * m / z;
    /* No registers but damaged ones: the number that converting such a double gives on x86-64. */
    if (!(estimate < 9.2e18)) return (uint64_t)1 << 63;
    return (uint64_t)llround(estimate);
}

bool hll_count(struct slice bytes, uint64_t *out) {
    if (!hll_count_is_stale(bytes)) {
        *out = load_u64(bytes.data + COUNT_AT);
        return true;
    }
    uint8_t registers[HLL_REGISTERS] = {0};
    if (!hll_merge(bytes, registers)) return false;
    *out = hll_estimate(registers);
    return true;
}
