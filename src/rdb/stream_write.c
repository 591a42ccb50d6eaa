/* As type 19, which version 10 knows: when a consumer was active is not told. */
#include "rdb/output.h"
#include "rdb/stream.h"

#include "util/codec.h"

static void put_id(struct buf *out, struct stream_id id) {
    rdb_put_length(out, id.ms);
    rdb_put_length(out, id.seq);
}

static void put_raw_id(struct buf *out, struct stream_id id) {
    put_u64(out, __builtin_bswap64(id.ms));
    put_u64(out, __builtin_bswap64(id.seq));
}

void rdb_stream_put_node(
    struct buf *out, struct stream_id master, struct slice listpack, bool compresses) {
    rdb_put_length(out, 2 * sizeof(uint64_t));
    put_raw_id(out, master);
    rdb_put_text(out, listpack, compresses);
}

static void put_tail(struct buf *out, const struct stream *stream, uint64_t length) {
    rdb_put_length(out, length);
    put_id(out, stream->last);
    put_id(out, stream->first);
    put_id(out, stream->max_deleted);
    rdb_put_length(out, stream->entries_added);
    rdb_put_length(out, stream->groups.n);
}

static void put_pending(struct buf *out, const struct stream_pending *pending) {
    put_raw_id(out, pending->id);
    put_u64(out, (uint64_t)pending->delivered_ms);
    rdb_put_length(out, pending->n_deliveries);
}

static void enter_group(struct rdb_stream_writer *writer, struct buf *out) {
    const struct stream_group *group = writer->group;
    rdb_put_string(out, stream_group_name(group));
    put_id(out, group->last);
    rdb_put_length(out, (uint64_t)group->entries_read);
    rdb_put_length(out, group->pending.n);
    writer->pending = btree_seek(&group->pending, 0, &writer->at_pending);
    writer->stage = RDB_STREAM_PENDING;
}

static void enter_consumer(struct rdb_stream_writer *writer, struct buf *out) {
    const struct stream_consumer *consumer = writer->consumer;
    rdb_put_string(out, stream_consumer_name(consumer));
    put_u64(out, (uint64_t)consumer->seen_ms);
    rdb_put_length(out, consumer->pending.n);
    writer->owned = btree_seek(&consumer->pending, 0, &writer->at_owned);
    writer->stage = RDB_STREAM_OWNED;
}

void rdb_stream_writer_begin(
    struct rdb_stream_writer *writer, const struct stream *stream, struct buf *out) {
    writer->stream = stream;
    writer->stage = RDB_STREAM_NODES;
    writer->node = btree_seek(&stream->log.nodes, 0, &writer->at_node);
    rdb_put_length(out, stream->log.nodes.n);
}

bool rdb_stream_write(struct rdb_stream_writer *writer, struct buf *out) {
    switch (writer->stage) {
    case RDB_STREAM_NODES:
        if (writer->node != NULL) {
            rdb_stream_put_node(out, writer->node->master, listpack_image(writer->node->packed),
                writer->compresses);
            writer->node = btree_next(&writer->at_node);
        } else {
            writer->stage = RDB_STREAM_TAIL;
        }
        break;
    case RDB_STREAM_TAIL:
        put_tail(out, writer->stream, stream_length(writer->stream));
        writer->group = stream_group_first(writer->stream, &writer->at_group);
        writer->stage = RDB_STREAM_GROUP;
        break;
    case RDB_STREAM_GROUP:
        if (writer->group != NULL)
            enter_group(writer, out);
        else
            writer->stage = RDB_STREAM_ENDED;
        break;
    case RDB_STREAM_PENDING:
        if (writer->pending != NULL) {
            put_pending(out, writer->pending);
            writer->pending = btree_next(&writer->at_pending);
        } else {
            writer->stage = RDB_STREAM_CONSUMERS;
        }
        break;
    case RDB_STREAM_CONSUMERS:
        rdb_put_length(out, writer->group->consumers.n);
        writer->consumer = btree_seek(&writer->group->consumers, 0, &writer->at_consumer);
        writer->stage = RDB_STREAM_CONSUMER;
        break;
    case RDB_STREAM_CONSUMER:
        if (writer->consumer != NULL) {
            enter_consumer(writer, out);
        } else {
            writer->group = btree_next(&writer->at_group);
            writer->stage = RDB_STREAM_GROUP;
        }
        break;
    case RDB_STREAM_OWNED:
        if (writer->owned != NULL) {
            put_raw_id(out, writer->owned->id);
            writer->owned = btree_next(&writer->at_owned);
        } else {
            writer->consumer = btree_next(&writer->at_consumer);
            writer->stage = RDB_STREAM_CONSUMER;
        }
        break;
    case RDB_STREAM_ENDED:
        break;
    }
    return writer->stage == RDB_STREAM_ENDED;
}

void rdb_stream_put_rest(struct buf *out, const struct stream *stream, uint64_t length) {
    struct rdb_stream_writer writer = {.stream = stream, .stage = RDB_STREAM_GROUP};
    put_tail(out, stream, length);
    writer.group = stream_group_first(stream, &writer.at_group);
    while (!rdb_stream_write(&writer, out)) {
    }
}
