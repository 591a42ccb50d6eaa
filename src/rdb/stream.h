/* Streams, piece by piece; for value_read.c and value_write.c. The layout is drawn in
 * stream_read.c. */
#ifndef SF_RDB_STREAM_H
#define SF_RDB_STREAM_H

#include "keyspace/stream_group.h"
#include "rdb/format.h"
#include "rdb/input.h"

/* -- reading --------------------------------------------------------------------------------- */

struct rdb_stream_reader;

/* n_nodes stands in front of all. */
struct rdb_stream_reader *rdb_stream_reader_new(
    const struct collection_types *types, enum rdb_type type, uint64_t n_nodes);
void rdb_stream_reader_free(struct rdb_stream_reader *reader);
/* Takes the next piece, if it is there as a whole; true: it was the last. */
bool rdb_stream_read(struct rdb_stream_reader *reader, struct rdb_input *in);
/* The stream, after the last piece; moved. */
struct collection rdb_stream_take(struct rdb_stream_reader *reader);

/* -- writing --------------------------------------------------------------------------------- */

enum rdb_stream_stage {
    RDB_STREAM_NODES,
    RDB_STREAM_TAIL,
    RDB_STREAM_GROUP,
    RDB_STREAM_PENDING,
    RDB_STREAM_CONSUMERS,
    RDB_STREAM_CONSUMER,
    RDB_STREAM_OWNED,
    RDB_STREAM_ENDED,
};

/* What comes next; NULL: no more of its kind. Valid while the stream stays as it is. */
struct rdb_stream_writer {
    const struct stream *stream;
    bool compresses;
    enum rdb_stream_stage stage;
    struct btree_cursor at_node, at_group, at_pending, at_consumer, at_owned;
    const struct stream_node *node;
    const struct stream_group *group;
    const struct stream_pending *pending, *owned;
    const struct stream_consumer *consumer;
};
void rdb_stream_writer_begin(
    struct rdb_stream_writer *writer, const struct stream *stream, struct buf *out);
bool rdb_stream_write(struct rdb_stream_writer *writer, struct buf *out); /* true: the last piece */

/* The same by hand, for a stream whose nodes come from elsewhere: rdb_put_length of their number,
 * each of them, and what stands behind them. length: entries in those nodes. */
void rdb_stream_put_node(
    struct buf *out, struct stream_id master, struct slice listpack, bool compresses);
void rdb_stream_put_rest(struct buf *out, const struct stream *stream, uint64_t length);

#endif
