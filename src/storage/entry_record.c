#include "storage/entry_record.h"

#include "util/codec.h"
#include "util/hash.h"
#include <endian.h>

enum { ENTRY_VERSION = 2, ENTRY_HEADER_BYTES = 18 };

void entry_key(raft_index index, char out[ENTRY_KEY_BYTES]) {
    uint64_t big = htobe64(index);
    memcpy(out, &big, sizeof big);
}

bool entry_key_decode(struct slice key, raft_index *index) {
    if (key.len != ENTRY_KEY_BYTES) return false;
    uint64_t big;
    memcpy(&big, key.data, sizeof big);
    *index = be64toh(big);
    return *index > 0;
}

static uint32_t checksum(raft_index index, struct slice value) {
    char key[ENTRY_KEY_BYTES];
    entry_key(index, key);
    return crc32c_more(crc32c(slice_of(key, sizeof key)), value);
}

void entry_value_encode(const struct raft_entry *entry, raft_term previous_term, struct buf *out) {
    buf_clear(out);
    put_u8(out, ENTRY_VERSION);
    put_u8(out, entry->kind);
    put_u64(out, entry->term);
    put_u64(out, previous_term);
    buf_append_slice(out, bytes_slice(entry->payload));
    put_u32(out, checksum(entry->index, buf_slice(out)));
}

enum sf_status entry_value_decode(raft_index index, struct slice value, struct entry_view *out) {
    if (value.len < ENTRY_OVERHEAD_BYTES) return SF_ERR_CORRUPT;
    struct slice body = slice_of(value.data, value.len - 4);
    if (checksum(index, body) != load_u32(value.data + body.len)) return SF_ERR_CORRUPT;
    if ((uint8_t)value.data[0] != ENTRY_VERSION) return SF_ERR_INVALID;
    *out = (struct entry_view){.kind = (uint8_t)value.data[1],
        .term = load_u64(value.data + 2),
        .previous_term = load_u64(value.data + 10),
        .payload = slice_of(value.data + ENTRY_HEADER_BYTES, body.len - ENTRY_HEADER_BYTES)};
    return SF_OK;
}
