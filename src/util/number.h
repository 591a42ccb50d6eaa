/* Numbers to text and back, exactly as Redis reads and prints them; no locale. */
#ifndef SF_UTIL_NUMBER_H
#define SF_UTIL_NUMBER_H

#include "util/glob.h"
#include "util/slice.h"
#include <stdint.h>

#define INT_TEXT_MAX 21    /* bytes of the longest int64 with its zero byte */
#define DOUBLE_TEXT_MAX 32 /* bytes that double_print may need */
#define LONG_DOUBLE_TEXT_MAX 5120

/* Strict: optional minus, no plus, no leading zeros, no "-0", no spaces, no overflow. out is left
 * alone when false. */
bool int_parse(struct slice text, int64_t *out);
bool uint_parse(struct slice text, uint64_t *out);
/* "100", "1k" (1000), "2KB" (2048), "3mb", "4g": bytes. False when malformed, negative or beyond
 * 2^63-1. */
bool memory_parse(struct slice text, int64_t *out);
size_t uint_print(uint64_t value, char out[INT_TEXT_MAX]);
size_t int_print(int64_t value, char out[INT_TEXT_MAX]); /* returns the length, no zero byte */

/* What Redis accepts as a double argument: decimal or hex float, inf, infinity in any case, with a
 * sign or without; not NaN, no surrounding space, not empty, neither overflow (1e400) nor underflow
 * to zero (1e-400). Linear in the text, no limit on its length. */
bool double_parse(struct slice text, double *out);
/* The same, but what is too large is infinite and what is too small is 0, as in C. */
bool double_parse_loose(struct slice text, double *out);
/* The shortest text that reads back the same: 0.1, 1e-7, 3, -0, inf, -inf, nan, in Redis 7.2's
 * layout. Returns the length, no zero byte. */
size_t double_print(double value, char out[DOUBLE_TEXT_MAX]);

/* INCRBYFLOAT's numbers. parse: as double_parse, at most LONG_DOUBLE_TEXT_MAX - 1 bytes.
 * print_human: up to 17 digits behind the point, trailing zeros removed, never -0. */
bool long_double_parse(struct slice text, long double *out);
size_t long_double_print_human(long double value, char out[LONG_DOUBLE_TEXT_MAX]);

#endif
