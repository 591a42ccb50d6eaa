/* A dump file, appended to a buffer piece by piece. The caller may take the bytes away between two
 * calls. First begin, at last end; in between fields, functions, and dbs each with their keys. A
 * key's value is written in slices:
 *
 *   rdb_write_key(&writer, out, key, due_ms, &value);
 *   while (!rdb_write_some(&writer, out, 64 << 10)) send(out); */
#ifndef SF_RDB_WRITER_H
#define SF_RDB_WRITER_H

#include "rdb/value.h"

/* Must not move while a value is being written. */
struct rdb_writer {
    uint64_t checksum; /* of all that was written */
    struct rdb_value_writer value;
};

void rdb_write_begin(struct rdb_writer *writer, struct buf *out);
void rdb_write_aux(
    struct rdb_writer *writer, struct buf *out, struct slice name, struct slice text);
/* The source of a library of functions. */
void rdb_write_function(struct rdb_writer *writer, struct buf *out, struct slice code);
/* The keys that follow are that db's: so many in all, and so many that have a due time. */
void rdb_write_db(struct rdb_writer *writer, struct buf *out, uint64_t number, uint64_t n_keys,
    uint64_t n_expiring);
/* value is borrowed until the last rdb_write_some; due_ms NO_DUE: none. */
void rdb_write_key(struct rdb_writer *writer, struct buf *out, struct slice key, int64_t due_ms,
    const struct rdb_value *value);
bool rdb_write_some(struct rdb_writer *writer, struct buf *out, size_t bytes_wanted);
void rdb_write_end(struct rdb_writer *writer, struct buf *out);

#endif
