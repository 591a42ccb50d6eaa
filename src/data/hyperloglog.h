/* HyperLogLog counters in the bytes that Redis keeps them in, so that GET and SET move them about.
 *
 *   header  16   "HYLL" | encoding 1 (0 dense, 1 sparse) | unused 3 | cached count 8,
 * little-endian, its highest bit set while it is stale dense        16384 registers of 6 bits, each
 * beginning in the lowest free bit sparse       runs:  00nnnnnn           n + 1 registers of 0
 *                       01nnnnnn nnnnnnnn  the same, n of 14 bits
 *                       1vvvvvnn           n + 1 registers of v + 1
 *
 * The estimate is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).
 * Its floating-point numbers meet nothing but sums, products, quotients and square roots, all
 * exactly rounded; and it is told, not stored (S3): whoever changes a register leaves the cached
 * count stale. (Only a PFCOUNT that a followed master has run is repeated in full.)
 *
 * Bytes may come from anywhere: every function that reads them says when they are no counter. */
#ifndef SF_DATA_HYPERLOGLOG_H
#define SF_DATA_HYPERLOGLOG_H

#include "util/buf.h"

#include <stdint.h>

enum {
    HLL_REGISTERS = 16384,
    HLL_HEADER_BYTES = 16,
    HLL_DENSE_BYTES = HLL_HEADER_BYTES + HLL_REGISTERS * 6 / 8,
    /* No more than a long run for each register. */
    HLL_SPARSE_BYTES_MAX = HLL_HEADER_BYTES + 2 * HLL_REGISTERS,
};

enum hll_change { HLL_SAME, HLL_CHANGED, HLL_CORRUPT };

/* Whether the header is one; what follows it may still be corrupt. The functions below take such
 * bytes only. */
bool hll_is_one(struct slice bytes);
bool hll_is_dense(struct slice bytes);

/* An empty counter, sparse, its cached count valid. */
void hll_new(struct buf *out);
void hll_forget_count(void *bytes);
bool hll_count_is_stale(struct slice bytes);
void hll_remember_count(void *bytes, uint64_t count);

/* Where an element goes: its register, and the least that this holds afterwards. */
struct hll_place {
    uint32_t at;
    uint8_t count; /* 1..51 */
};
struct hll_place hll_place_of(struct slice element);

/* Raises a register to count. A dense counter's bytes are changed in place. One in a buf becomes
 * dense when a count is above 32, or the runs no longer fit into sparse_max bytes. Neither touches
 * the cached count, but the second makes it stale where it changes a sparse one. */
bool hll_dense_holds(struct slice bytes, struct hll_place place); /* nothing to raise */
bool hll_dense_raise(void *bytes, struct hll_place place);        /* whether it was lower */
enum hll_change hll_raise(struct buf *hll, struct hll_place place, uint64_t sparse_max);
/* false: corrupt, and unchanged. A dense one stays as it is. */
bool hll_make_dense(struct buf *hll);

/* registers[i] = max(registers[i], the counter's); false: corrupt. */
bool hll_merge(struct slice bytes, uint8_t registers[HLL_REGISTERS]);
/* The cached count where it is valid, else the estimate; false: corrupt. */
bool hll_count(struct slice bytes, uint64_t *out);
uint64_t hll_estimate(const uint8_t registers[HLL_REGISTERS]);

/* One run of a sparse counter; *at begins at HLL_HEADER_BYTES. false: no more, or cut short. */
struct hll_run {
    uint32_t len;
    uint8_t count;
    uint8_t bytes; /* of the run itself */
};
bool hll_next_run(struct slice bytes, size_t *at, struct hll_run *run);

#endif
