#include "raft/snapshot_head.h"

#include "util/codec.h"
#include "util/hash.h"

enum { VERSION_AT = 26, LENGTH_AT = 22, CONFIGURATION_AT = 62, CRC_AT = 66 };

static const char start[22] = "REDIS0010\xfa\x0a" SNAPSHOT_FIELD "\x80";

static uint32_t head_crc(const char *fixed, struct slice configuration) {
    return crc32c_more(crc32c(slice_of(fixed, CRC_AT)), configuration);
}

void snapshot_head_put(const struct snapshot_head *head, struct buf *out) {
    SF_ASSERT(head->configuration.len <= SNAPSHOT_CONFIGURATION_BYTES_MAX);
    size_t before = out->len;
    buf_append(out, start, sizeof start);
    size_t rest = SNAPSHOT_HEAD_BYTES - VERSION_AT + head->configuration.len;
    put_u32(out, __builtin_bswap32((uint32_t)rest));
    put_u32(out, SNAPSHOT_FORMAT);
    put_u64(out, head->place.id);
    put_u64(out, head->place.index);
    put_u64(out, head->place.term);
    put_u64(out, head->configuration_index);
    put_u32(out, (uint32_t)head->configuration.len);
    put_u32(out, head_crc(buf_slice(out).data + before, head->configuration));
    SF_ASSERT(out->len - before == SNAPSHOT_HEAD_BYTES);
    buf_append_slice(out, head->configuration);
}

size_t snapshot_head_bytes(struct slice fixed) {
    if (fixed.len < SNAPSHOT_HEAD_BYTES || memcmp(fixed.data, start, sizeof start) != 0) return 0;
    uint32_t configuration = load_u32(fixed.data + CONFIGURATION_AT);
    if (configuration > SNAPSHOT_CONFIGURATION_BYTES_MAX) return 0;
    size_t bytes = SNAPSHOT_HEAD_BYTES + (size_t)configuration;
    uint32_t field = __builtin_bswap32(load_u32(fixed.data + LENGTH_AT));
    return field == bytes - VERSION_AT ? bytes : 0;
}

enum sf_status snapshot_head_get(struct slice bytes, struct snapshot_head *out) {
    size_t len = snapshot_head_bytes(bytes);
    if (len == 0 || bytes.len < len) return SF_ERR_CORRUPT;
    const char *at = bytes.data;
    *out = (struct snapshot_head){
        .place = {.index = load_u64(at + 38), .term = load_u64(at + 46), .id = load_u64(at + 30)},
        .configuration_index = load_u64(at + 54),
        .configuration = slice_of(at + SNAPSHOT_HEAD_BYTES, len - SNAPSHOT_HEAD_BYTES)};
    if (load_u32(at + CRC_AT) != head_crc(at, out->configuration)) return SF_ERR_CORRUPT;
    return load_u32(at + VERSION_AT) == SNAPSHOT_FORMAT ? SF_OK : SF_ERR_INVALID;
}
