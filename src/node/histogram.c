#include "node/histogram.h"

#include "util/base.h"

enum { EXACT = 256, HALF = 128, HALF_BITS = 7 };
#define VALUE_MAX 1000000000

static uint32_t bucket_of(uint64_t value) {
    if (value < EXACT) return (uint32_t)value;
    uint32_t bits = 63 - (uint32_t)__builtin_clzll(value); /* 8 .. 29 */
    uint32_t within = (uint32_t)(value >> (bits - HALF_BITS)) - HALF;
    return EXACT + (bits - HALF_BITS - 1) * HALF + within;
}

/* The greatest value that counts in this bucket. */
static int64_t bucket_top(uint32_t bucket) {
    if (bucket < EXACT) return bucket;
    uint32_t shift = (bucket - EXACT) / HALF + 1, within = (bucket - EXACT) % HALF;
    return ((int64_t)(HALF + within + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t ns) {
    int64_t value = SF_MIN(SF_MAX(ns, 1), VALUE_MAX);
    histogram->buckets[bucket_of((uint64_t)value)]++;
    histogram->n++;
}

int64_t histogram_percentile(const struct histogram *histogram, double percentile) {
    if (histogram->n == 0) return 0;
    uint64_t wanted = (uint64_t)(percentile / 100 * (double)histogram->n + 0.5);
    wanted = SF_MIN(SF_MAX(wanted, 1), histogram->n);
    uint64_t seen = 0;
    uint32_t bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS && (seen += histogram->buckets[bucket]) < wanted) bucket++;
    SF_ASSERT(bucket < HISTOGRAM_BUCKETS);
    return bucket_top(bucket);
}

void histogram_steps(
    const struct histogram *histogram, struct histogram_step out[HISTOGRAM_STEPS]) {
    uint64_t n = 0;
    uint32_t bucket = 0;
    for (int i = 0; i < HISTOGRAM_STEPS; i++) {
        /* the bucket in which 1024 << i falls, and all below; behind the last one nothing counts */
        uint32_t last =
            i + 1 == HISTOGRAM_STEPS ? HISTOGRAM_BUCKETS - 1 : bucket_of(UINT64_C(1024) << i);
        for (; bucket <= last; bucket++) n += histogram->buckets[bucket];
        out[i] = (struct histogram_step){bucket_top(last), n};
    }
}
