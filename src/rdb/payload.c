/*   u8 type | value, as in a file | u16 version | u64 checksum of all before it */
#include "rdb/payload.h"

#include "util/codec.h"
#include "util/crc64.h"

enum { FOOTER_BYTES = 10 };

static void put_value(const struct rdb_value *value, struct buf *out) {
    struct rdb_value_writer writer;
    rdb_value_writer_begin(&writer, value, true);
    put_u8(out, (uint8_t)rdb_type_of(value));
    bool is_whole = rdb_value_write(&writer, out, SIZE_MAX);
    SF_ASSERT(is_whole);
}

void rdb_payload_write(const struct rdb_value *value, struct buf *out) {
    size_t before = out->len;
    bool has_dues = value->type == OBJECT_HASH && hash_has_dues(&value->collection);
    if (has_dues)
        rdb_put_due_hash(out, &value->collection);
    else
        put_value(value, out);
    put_u8(out, has_dues ? RDB_VERSION_DUE_FIELDS : RDB_VERSION_WRITTEN);
    put_u8(out, 0);
    struct slice all = buf_slice(out);
    put_u64(out, crc64_more(0, slice_of(all.data + before, all.len - before)));
}

bool rdb_payload_check(struct slice payload) {
    if (payload.len < FOOTER_BYTES) return false;
    const uint8_t *footer = (const uint8_t *)payload.data + payload.len - FOOTER_BYTES;
    unsigned version = footer[0] | (unsigned)footer[1] << 8;
    if (version > RDB_VERSION_READ_MAX) return false;
    struct slice summed = slice_of(payload.data, payload.len - RDB_CHECKSUM_BYTES);
    return crc64_more(0, summed) == load_u64(footer + 2);
}

enum sf_status rdb_payload_read(struct slice payload, struct rdb_value_reader *reader) {
    SF_ASSERT(payload.len >= FOOTER_BYTES);
    struct rdb_input in = {.rest = slice_of(payload.data, payload.len - FOOTER_BYTES),
        .string_bytes_max = reader->target->string_bytes_max};
    uint8_t type = rdb_get_u8(&in);
    const char *why;
    if (in.is_short || !rdb_type_is_value(type)) return SF_ERR_CORRUPT;
    enum sf_status status = rdb_value_reader_begin(reader, type, &why);
    if (status != SF_OK) return status;
    switch (rdb_value_read(reader, &in)) {
    case RDB_DONE:
        return SF_OK;
    case RDB_SHORT:
    case RDB_EMPTY:
        return SF_ERR_CORRUPT;
    case RDB_FAILED:
        return in.status;
    }
    SF_ASSERT(false);
    return SF_ERR_CORRUPT;
}
