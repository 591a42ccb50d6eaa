/* The pieces of a dump, appended. */
#ifndef SF_RDB_OUTPUT_H
#define SF_RDB_OUTPUT_H

#include "util/buf.h"

void rdb_put_length(struct buf *out, uint64_t length);
/* As Redis writes it with rdbcompression: a number of up to 32 bits in binary, a longer text
 * compressed where that makes it shorter. */
void rdb_put_string(struct buf *out, struct slice text);
/* The same, and compressed only where that is wanted: it costs more than writing the bytes does. */
void rdb_put_text(struct buf *out, struct slice text, bool compresses);
void rdb_put_double(struct buf *out, double value);

#endif
