/* A dump file, appended to a buffer piece by piece. First begin, at last end; in between fields,
 * functions, and dbs each with their keys. A key's value follows it, written in slices:
 *
 *   rdb_write_key(out, key, due_ms, rdb_type_of(&value));
 *   rdb_value_writer_begin(&writer, &value, compresses);
 *   while (!rdb_value_write(&writer, out, 64 << 10)) ... out may be taken away here ...
 *
 * The checksum is over all that was written; whoever takes the bytes away sums them up. */
#ifndef SF_RDB_WRITER_H
#define SF_RDB_WRITER_H

#include "rdb/output.h"
#include "rdb/value.h"

void rdb_write_begin(struct buf *out);
void rdb_write_aux(struct buf *out, struct slice name, struct slice text);
/* The source of a library of functions. */
void rdb_write_function(struct buf *out, struct slice code);
/* The keys that follow are that db's: so many in all, and so many that have a due time. */
void rdb_write_db(struct buf *out, uint64_t number, uint64_t n_keys, uint64_t n_expiring);
/* due_ms NO_DUE: none. */
void rdb_write_key(struct buf *out, struct slice key, int64_t due_ms, enum rdb_type type);
void rdb_write_end(struct buf *out); /* then crc64_more of all, and: */
void rdb_write_checksum(struct buf *out, uint64_t checksum);

#endif
