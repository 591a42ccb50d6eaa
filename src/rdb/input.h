/* The pieces of a dump, taken from the front of bytes that may not all be there yet.
 *
 * The first piece that is damaged, or that reaches behind the bytes, sticks: every later one is
 * empty or 0, and the caller looks once, at the end (rdb_input_good). Whoever meets missing bytes
 * tries again from where it began when more have come; nothing is allocated before the bytes
 * that it is for are there. */
#ifndef SF_RDB_INPUT_H
#define SF_RDB_INPUT_H

#include "util/buf.h"
#include "util/number.h"
#include "util/slice.h"
#include "util/status.h"

struct rdb_input {
    struct slice rest;
    size_t string_bytes_max; /* of one string, unpacked; at most UINT32_MAX */
    bool is_short;           /* bytes are missing */
    enum sf_status status;   /* SF_OK, or what is wrong; */
    const char *why;         /* in words, NULL while nothing is */
};

static inline bool rdb_input_good(const struct rdb_input *in) {
    return in->status == SF_OK && !in->is_short;
}
void rdb_input_fail(struct rdb_input *in, enum sf_status status, const char *why);

uint8_t rdb_get_u8(struct rdb_input *in);
uint32_t rdb_get_u32(struct rdb_input *in); /* little-endian */
uint64_t rdb_get_u64(struct rdb_input *in);
uint64_t rdb_get_length(struct rdb_input *in);
double rdb_get_double(struct rdb_input *in);
double rdb_get_decimal(struct rdb_input *in); /* a score of RDB_ZSET */

/* Where a string lies that does not stand in the input as it is. */
struct rdb_room {
    struct buf unpacked;
    char number[INT_TEXT_MAX];
};
void rdb_room_free(struct rdb_room *room);
/* Borrowed from the input or from room. */
struct slice rdb_get_string(struct rdb_input *in, struct rdb_room *room);

#endif
