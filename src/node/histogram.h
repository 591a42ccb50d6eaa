/* How long something took, counted by size: buckets of 1/128 of a power of two from 1 ns to 1 s, so
 * that every figure read back is within 1 % (the layout of an HDR histogram of two digits, whose
 * figures Redis shows). */
#ifndef SF_NODE_HISTOGRAM_H
#define SF_NODE_HISTOGRAM_H

#include <stdint.h>

/*  bucket    0 .. 255       values 0 .. 255, one each
 *  bucket  256 + 128 k + i  values (128 + i) << (k + 1), and as many as that shift skips */
#define HISTOGRAM_BUCKETS (256 + 22 * 128)

struct histogram {
    uint64_t n;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t ns); /* taken into 1 ns .. 1 s */
/* The value that so much of a hundred is at or below; 0 when it is empty. */
int64_t histogram_percentile(const struct histogram *histogram, double percentile);

/* Powers of two for LATENCY HISTOGRAM: at and below bound_ns stand n of them. */
#define HISTOGRAM_STEPS 21
struct histogram_step {
    int64_t bound_ns;
    uint64_t n;
};
void histogram_steps(const struct histogram *histogram, struct histogram_step out[HISTOGRAM_STEPS]);

#endif
