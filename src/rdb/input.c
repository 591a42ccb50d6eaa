#include "rdb/input.h"

#include "rdb/format.h"
#include "util/codec.h"

#include <liblzf/lzf.h>
#include <math.h>

#define LZF_EXPANSION_MAX 88  /* three bytes stand for at most 264 */
#define ROOM_KEPT (64u << 10) /* a larger room is given back */

void rdb_input_fail(struct rdb_input *in, enum sf_status status, const char *why) {
    if (!rdb_input_good(in)) return;
    in->status = status;
    in->why = why;
}

static struct slice get_bytes(struct rdb_input *in, uint64_t n) {
    if (!rdb_input_good(in)) return slice_of(NULL, 0);
    if (n > in->rest.len) {
        in->is_short = true;
        return slice_of(NULL, 0);
    }
    struct slice bytes = slice_of(in->rest.data, n);
    in->rest = slice_of(in->rest.data + n, in->rest.len - n);
    return bytes;
}

uint8_t rdb_get_u8(struct rdb_input *in) {
    struct slice bytes = get_bytes(in, 1);
    return bytes.len == 0 ? 0 : (uint8_t)bytes.data[0];
}

uint32_t rdb_get_u32(struct rdb_input *in) {
    struct slice bytes = get_bytes(in, 4);
    return bytes.len == 0 ? 0 : load_u32(bytes.data);
}

uint64_t rdb_get_u64(struct rdb_input *in) {
    struct slice bytes = get_bytes(in, 8);
    return bytes.len == 0 ? 0 : load_u64(bytes.data);
}

/* -- lengths --------------------------------------------------------------------------------- */

static uint64_t get_big_endian(struct rdb_input *in, uint64_t n) {
    struct slice bytes = get_bytes(in, n);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) value = value << 8 | (uint8_t)bytes.data[i];
    return value;
}

/* A length, or what is encoded in its place. */
static uint64_t get_length_or_encoding(struct rdb_input *in, bool *is_encoded) {
    uint8_t first = rdb_get_u8(in);
    *is_encoded = false;
    switch (first >> 6) {
    case RDB_LENGTH_6:
        return first & 63;
    case RDB_LENGTH_14:
        return (uint64_t)(first & 63) << 8 | rdb_get_u8(in);
    case RDB_LENGTH_ENCODED:
        *is_encoded = true;
        return first & 63;
    default:
        if (first == RDB_LENGTH_32) return get_big_endian(in, 4);
        if (first == RDB_LENGTH_64) return get_big_endian(in, 8);
        rdb_input_fail(in, SF_ERR_CORRUPT, "a length of unknown form");
        return 0;
    }
}

uint64_t rdb_get_length(struct rdb_input *in) {
    bool is_encoded;
    uint64_t length = get_length_or_encoding(in, &is_encoded);
    if (is_encoded) rdb_input_fail(in, SF_ERR_CORRUPT, "an encoding in the place of a length");
    return length;
}

/* -- scores ---------------------------------------------------------------------------------- */

double rdb_get_double(struct rdb_input *in) {
    uint64_t bits = rdb_get_u64(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (isnan(value)) rdb_input_fail(in, SF_ERR_CORRUPT, "a score that is no number");
    return value;
}

double rdb_get_decimal(struct rdb_input *in) {
    uint8_t len = rdb_get_u8(in);
    double value = 0;
    if (len == RDB_SCORE_INF) return INFINITY;
    if (len == RDB_SCORE_MINUS_INF) return -INFINITY;
    struct slice text = len == RDB_SCORE_NAN ? slice_of(NULL, 0) : get_bytes(in, len);
    if (rdb_input_good(in) && !double_parse(text, &value))
        rdb_input_fail(in, SF_ERR_CORRUPT, "a score that is no number");
    return value;
}

/* -- strings --------------------------------------------------------------------------------- */

void rdb_room_free(struct rdb_room *room) {
    buf_free(&room->unpacked);
}

static bool fits(struct rdb_input *in, uint64_t len) {
    if (len <= in->string_bytes_max) return true;
    rdb_input_fail(in, SF_ERR_TOO_LARGE, "a string larger than allowed");
    return false;
}

static struct slice get_integer(struct rdb_input *in, unsigned width, struct rdb_room *room) {
    struct slice bytes = get_bytes(in, width);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) value |= (uint64_t)(uint8_t)bytes.data[i] << (8 * i);
    unsigned unused = 64 - 8 * width;
    size_t len = int_print((int64_t)(value << unused) >> unused, room->number);
    return slice_of(room->number, len);
}

static struct slice get_compressed(struct rdb_input *in, struct rdb_room *room) {
    uint64_t packed_len = rdb_get_length(in), len = rdb_get_length(in);
    const struct slice nothing = {NULL, 0};
    if (!rdb_input_good(in) || !fits(in, packed_len) || !fits(in, len)) return nothing;
    if (len == 0 || len / LZF_EXPANSION_MAX > packed_len) {
        rdb_input_fail(in, SF_ERR_CORRUPT, "a compressed string that cannot be so long");
        return nothing;
    }
    struct slice packed = get_bytes(in, packed_len);
    if (!rdb_input_good(in)) return nothing;
    buf_clear(&room->unpacked);
    buf_shrink(&room->unpacked, ROOM_KEPT);
    char *out = buf_reserve(&room->unpacked, len);
    if (lzf_decompress(packed.data, (unsigned)packed.len, out, (unsigned)len) != len) {
        rdb_input_fail(in, SF_ERR_CORRUPT, "a compressed string that is damaged");
        return nothing;
    }
    buf_commit(&room->unpacked, len);
    return buf_slice(&room->unpacked);
}

struct slice rdb_get_string(struct rdb_input *in, struct rdb_room *room) {
    bool is_encoded;
    uint64_t length = get_length_or_encoding(in, &is_encoded);
    if (!is_encoded) return fits(in, length) ? get_bytes(in, length) : slice_of(NULL, 0);
    switch (length) {
    case RDB_ENCODED_INT8:
        return get_integer(in, 1, room);
    case RDB_ENCODED_INT16:
        return get_integer(in, 2, room);
    case RDB_ENCODED_INT32:
        return get_integer(in, 4, room);
    case RDB_ENCODED_LZF:
        return get_compressed(in, room);
    default:
        rdb_input_fail(in, SF_ERR_CORRUPT, "a string of unknown encoding");
        return slice_of(NULL, 0);
    }
}
