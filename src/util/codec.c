#include "util/codec.h"

#include <endian.h>

uint32_t load_u32(const void *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

uint64_t load_u64(const void *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

void store_u32(void *at, uint32_t value) {
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

void store_u64(void *at, uint64_t value) {
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

void put_u8(struct buf *out, uint8_t value) {
    buf_append(out, &value, 1);
}

void put_u32(struct buf *out, uint32_t value) {
    store_u32(buf_reserve(out, 4), value);
    buf_commit(out, 4);
}

void put_u64(struct buf *out, uint64_t value) {
    store_u64(buf_reserve(out, 8), value);
    buf_commit(out, 8);
}

void put_varint(struct buf *out, uint64_t value) {
    char *at = buf_reserve(out, 10);
    size_t len = 0;
    while (value >= 0x80) {
        at[len++] = (char)(value | 0x80);
        value >>= 7;
    }
    at[len++] = (char)value;
    buf_commit(out, len);
}

void put_string(struct buf *out, struct slice value) {
    put_varint(out, value.len);
    buf_append_slice(out, value);
}

struct slice read_bytes(struct reader *in, size_t len) {
    if (in->failed || in->rest.len < len) {
        in->failed = true;
        return slice_of(NULL, 0);
    }
    struct slice taken = slice_of(in->rest.data, len);
    in->rest.data += len;
    in->rest.len -= len;
    return taken;
}

uint8_t read_u8(struct reader *in) {
    struct slice taken = read_bytes(in, 1);
    return taken.len == 1 ? (uint8_t)taken.data[0] : 0;
}

uint32_t read_u32(struct reader *in) {
    struct slice taken = read_bytes(in, 4);
    return taken.len == 4 ? load_u32(taken.data) : 0;
}

uint64_t read_u64(struct reader *in) {
    struct slice taken = read_bytes(in, 8);
    return taken.len == 8 ? load_u64(taken.data) : 0;
}

uint64_t read_varint(struct reader *in) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_u8(in);
        if (in->failed) return 0;
        if (shift == 63 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return value;
    }
    in->failed = true;
    return 0;
}

struct slice read_string(struct reader *in) {
    uint64_t len = read_varint(in);
    if (!in->failed && len > in->rest.len) in->failed = true;
    if (in->failed) return slice_of(NULL, 0);
    return read_bytes(in, (size_t)len);
}
