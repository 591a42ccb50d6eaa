#include "rdb/output.h"

#include "rdb/format.h"
#include "util/codec.h"
#include "util/number.h"

#include <liblzf/lzf.h>

enum {
    INTEGER_TEXT_MAX = 11, /* "-2147483648" */
    COMPRESSED_FROM = 21,  /* bytes; below, compression does not pay */
    COMPRESSED_GAIN = 4,   /* bytes that it must save at least */
    LENGTH_BYTES_MAX = 9,
};

static void put_big_endian(struct buf *out, uint64_t value, unsigned n) {
    for (unsigned i = n; i-- > 0;) put_u8(out, (uint8_t)(value >> (8 * i)));
}

void rdb_put_length(struct buf *out, uint64_t length) {
    if (length < 1 << 6) {
        put_u8(out, (uint8_t)length);
    } else if (length < 1 << 14) {
        put_big_endian(out, length | RDB_LENGTH_14 << 14, 2);
    } else if (length <= UINT32_MAX) {
        put_u8(out, RDB_LENGTH_32);
        put_big_endian(out, length, 4);
    } else {
        put_u8(out, RDB_LENGTH_64);
        put_big_endian(out, length, 8);
    }
}

static void put_encoding(struct buf *out, enum rdb_string_encoding encoding) {
    put_u8(out, (uint8_t)(RDB_LENGTH_ENCODED << 6 | encoding));
}

static bool put_integer(struct buf *out, struct slice text) {
    int64_t value;
    if (text.len > INTEGER_TEXT_MAX || !int_parse(text, &value)) return false;
    if (value != (int32_t)value) return false;
    bool fits_8 = value == (int8_t)value, fits_16 = value == (int16_t)value;
    put_encoding(out, fits_8 ? RDB_ENCODED_INT8 : fits_16 ? RDB_ENCODED_INT16 : RDB_ENCODED_INT32);
    unsigned width = fits_8 ? 1 : fits_16 ? 2 : 4;
    for (unsigned i = 0; i < width; i++) put_u8(out, (uint8_t)((uint64_t)value >> (8 * i)));
    return true;
}

/* [ encoding | length compressed | length | bytes ]: the lengths' width is known only afterwards,
 * so the bytes are written behind the widest and moved. */
static bool put_compressed(struct buf *out, struct slice text) {
    if (text.len < COMPRESSED_FROM || text.len > UINT32_MAX) return false;
    enum { HEAD_MAX = 1 + 2 * LENGTH_BYTES_MAX };
    size_t before = out->len, room = text.len - COMPRESSED_GAIN;
    char *head = buf_reserve(out, HEAD_MAX + room + 1);
    unsigned len = lzf_compress(text.data, (unsigned)text.len, head + HEAD_MAX, (unsigned)room);
    if (len == 0) return false;
    put_encoding(out, RDB_ENCODED_LZF);
    rdb_put_length(out, len);
    rdb_put_length(out, text.len);
    memmove(head + (out->len - before), head + HEAD_MAX, len);
    buf_commit(out, len);
    return true;
}

void rdb_put_text(struct buf *out, struct slice text, bool compresses) {
    if (put_integer(out, text) || (compresses && put_compressed(out, text))) return;
    rdb_put_length(out, text.len);
    buf_append_slice(out, text);
}

void rdb_put_string(struct buf *out, struct slice text) {
    rdb_put_text(out, text, true);
}

void rdb_put_double(struct buf *out, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(out, bits);
}
