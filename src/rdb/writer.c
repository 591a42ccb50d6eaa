#include "rdb/writer.h"

#include "util/codec.h"

void rdb_write_begin(struct buf *out) {
    buf_printf(out, "REDIS%04d", RDB_VERSION_WRITTEN);
}

void rdb_write_aux(struct buf *out, struct slice name, struct slice text) {
    put_u8(out, RDB_OPCODE_AUX);
    rdb_put_text(out, name, false);
    rdb_put_text(out, text, false);
}

void rdb_write_function(struct buf *out, struct slice code) {
    put_u8(out, RDB_OPCODE_FUNCTION_2);
    rdb_put_string(out, code);
}

void rdb_write_db(struct buf *out, uint64_t number, uint64_t n_keys, uint64_t n_expiring) {
    put_u8(out, RDB_OPCODE_SELECT_DB);
    rdb_put_length(out, number);
    put_u8(out, RDB_OPCODE_RESIZE_DB);
    rdb_put_length(out, n_keys);
    rdb_put_length(out, n_expiring);
}

void rdb_write_key(struct buf *out, struct slice key, int64_t due_ms, enum rdb_type type) {
    if (due_ms != NO_DUE) {
        put_u8(out, RDB_OPCODE_EXPIRE_TIME_MS);
        put_u64(out, (uint64_t)due_ms);
    }
    put_u8(out, (uint8_t)type);
    rdb_put_text(out, key, false);
}

void rdb_write_end(struct buf *out) {
    put_u8(out, RDB_OPCODE_END);
}

void rdb_write_checksum(struct buf *out, uint64_t checksum) {
    put_u64(out, checksum);
}
