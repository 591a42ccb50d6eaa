/* Little-endian numbers, variable-length numbers (LEB128) and length-prefixed strings: written into
 * a buf, read from a slice with one error flag that sticks. */
#ifndef SF_UTIL_CODEC_H
#define SF_UTIL_CODEC_H

#include "util/buf.h"

void put_u8(struct buf *out, uint8_t value);
void put_u32(struct buf *out, uint32_t value);        /* 4 bytes, little-endian */
void put_u64(struct buf *out, uint64_t value);        /* 8 bytes, little-endian */
void put_varint(struct buf *out, uint64_t value);     /* 1 to 10 bytes */
void put_string(struct buf *out, struct slice value); /* varint length, then the bytes */

/* Reads from the front. After the first short or malformed read failed is set, and every later read
 * returns 0 or an empty slice: check once, at the end. */
struct reader {
    struct slice rest;
    bool failed;
};

static inline struct reader reader_of(struct slice bytes) {
    return (struct reader){bytes, false};
}
uint8_t read_u8(struct reader *in);
uint32_t read_u32(struct reader *in);
uint64_t read_u64(struct reader *in);
uint64_t read_varint(struct reader *in);
struct slice read_string(struct reader *in); /* borrowed from the input */
struct slice read_bytes(struct reader *in, size_t len);

/* Unaligned access for fixed layouts. */
uint32_t load_u32(const void *at);
uint64_t load_u64(const void *at);
void store_u32(void *at, uint32_t value);
void store_u64(void *at, uint64_t value);

#endif
