#include "rdb/writer.h"

#include "rdb/checksum.h"
#include "rdb/output.h"
#include "util/codec.h"

/* Takes what was written since out had `before` bytes into the checksum. */
static void sum(struct rdb_writer *writer, const struct buf *out, size_t before) {
    struct slice all = buf_slice(out);
    writer->checksum =
        rdb_checksum(writer->checksum, slice_of(all.data + before, all.len - before));
}

void rdb_write_begin(struct rdb_writer *writer, struct buf *out) {
    size_t before = out->len;
    *writer = (struct rdb_writer){0};
    buf_printf(out, "REDIS%04d", RDB_VERSION_WRITTEN);
    sum(writer, out, before);
}

void rdb_write_aux(
    struct rdb_writer *writer, struct buf *out, struct slice name, struct slice text) {
    size_t before = out->len;
    put_u8(out, RDB_OPCODE_AUX);
    rdb_put_string(out, name);
    rdb_put_string(out, text);
    sum(writer, out, before);
}

void rdb_write_function(struct rdb_writer *writer, struct buf *out, struct slice code) {
    size_t before = out->len;
    put_u8(out, RDB_OPCODE_FUNCTION_2);
    rdb_put_string(out, code);
    sum(writer, out, before);
}

void rdb_write_db(struct rdb_writer *writer, struct buf *out, uint64_t number, uint64_t n_keys,
    uint64_t n_expiring) {
    size_t before = out->len;
    put_u8(out, RDB_OPCODE_SELECT_DB);
    rdb_put_length(out, number);
    put_u8(out, RDB_OPCODE_RESIZE_DB);
    rdb_put_length(out, n_keys);
    rdb_put_length(out, n_expiring);
    sum(writer, out, before);
}

void rdb_write_key(struct rdb_writer *writer, struct buf *out, struct slice key, int64_t due_ms,
    const struct rdb_value *value) {
    size_t before = out->len;
    if (due_ms != NO_DUE) {
        put_u8(out, RDB_OPCODE_EXPIRE_TIME_MS);
        put_u64(out, (uint64_t)due_ms);
    }
    put_u8(out, (uint8_t)rdb_type_of(value));
    rdb_put_string(out, key);
    rdb_value_writer_begin(&writer->value, value);
    sum(writer, out, before);
}

bool rdb_write_some(struct rdb_writer *writer, struct buf *out, size_t bytes_wanted) {
    size_t before = out->len;
    bool is_whole = rdb_value_write(&writer->value, out, bytes_wanted);
    sum(writer, out, before);
    return is_whole;
}

void rdb_write_end(struct rdb_writer *writer, struct buf *out) {
    size_t before = out->len;
    put_u8(out, RDB_OPCODE_END);
    sum(writer, out, before);
    put_u64(out, writer->checksum);
}
