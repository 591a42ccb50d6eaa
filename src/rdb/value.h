/* One value, as the keyspace holds it and as a dump carries it. */
#ifndef SF_RDB_VALUE_H
#define SF_RDB_VALUE_H

#include "data/quicklist.h"
#include "keyspace/collection.h"
#include "keyspace/hash.h"
#include "keyspace/set.h"
#include "keyspace/zset.h"
#include "rdb/format.h"
#include "rdb/input.h"
#include "rdb/stream.h"

/* -- a value --------------------------------------------------------------------------------- */

struct rdb_value {
    enum object_type type;
    struct slice text;            /* OBJECT_STRING; borrowed */
    struct collection collection; /* the others; its value is NULL once it was moved away */
};

/* What an object of that db holds; borrowed from it and from scratch. */
struct rdb_value rdb_value_of(
    const struct db *db, const struct object *object, char scratch[OBJECT_TEXT_MAX]);
/* Puts a value that was read under that key, in the place of whatever is there. Moved. due_ms may
 * be any. */
void rdb_value_enter(struct db *db, struct slice key, int64_t due_ms, struct rdb_value *value);

/* -- reading --------------------------------------------------------------------------------- */

/* What values are made with. Borrowed; outlives the reader. */
struct rdb_target {
    const struct collection_types *types; /* of the keyspace that they will enter */
    const struct thresholds *thresholds;
    size_t string_bytes_max; /* of one string; at most UINT32_MAX */
};

enum rdb_progress {
    RDB_SHORT,  /* more bytes are needed */
    RDB_DONE,   /* the value is there: whole and not empty */
    RDB_EMPTY,  /* done: a collection without elements, which no key may hold */
    RDB_FAILED, /* in->status and in->why say what is wrong */
};

struct rdb_value_kind;

/* A value that is being read, element by element, so that only its elements and never its dump
 * must be in memory. {.target = ...} is a reader at rest. */
struct rdb_value_reader {
    const struct rdb_target *target;
    const struct rdb_value_kind *kind;
    bool is_exact; /* it takes the form `wanted`, whatever the thresholds say, or is damaged */
    enum object_encoding wanted;
    bool has_begun;
    uint64_t left;             /* elements to come */
    uint64_t base_ms;          /* of a hash with due times: what these count from */
    struct rdb_value value;    /* what is there of it; RDB_DONE: all */
    struct sorted_set *sorted; /* a sorted set on its way */
    struct quicklist *blocks;  /* a list on its way */
    struct rdb_stream_reader *stream;
    struct rdb_room room, other; /* of a field and its value */
};

bool rdb_type_is_value(uint8_t type); /* whether such a byte begins a key at all */
/* A value of that type comes; SF_ERR_REFUSED with *why: one that cannot be read here. Then
 * is_exact and wanted (no string's) may be set. */
SF_MUST_CHECK enum sf_status rdb_value_reader_begin(
    struct rdb_value_reader *reader, uint8_t type, const char **why);
/* Reads on as far as the bytes reach; in->rest is what was not used. */
enum rdb_progress rdb_value_read(struct rdb_value_reader *reader, struct rdb_input *in);
/* Frees what is there of a value that nobody moved away; at rest again. */
void rdb_value_reader_clear(struct rdb_value_reader *reader);
void rdb_value_reader_free(struct rdb_value_reader *reader);

/* -- writing --------------------------------------------------------------------------------- */

/* Of version 10, in which a hash loses the due times of its fields. */
enum rdb_type rdb_type_of(const struct rdb_value *value);
/* Appends type and value of a hash whose form can say due times, as Redis 7.4 does. */
void rdb_put_due_hash(struct buf *out, const struct collection *hash);

/* A value that is being written, in slices. Neither it nor the value may move or change. */
struct rdb_value_writer {
    struct rdb_value value;
    bool compresses;
    bool has_begun;
    uint64_t left; /* elements, or blocks, to come */
    struct set_iterator members;
    struct hash_iterator pairs;
    struct zset_cursor scored;
    struct quicklist_place block;
    struct rdb_stream_writer stream;
};
void rdb_value_writer_begin(
    struct rdb_value_writer *writer, const struct rdb_value *value, bool compresses);
/* Appends at least one element more, and about bytes_wanted; true: that was all. */
bool rdb_value_write(struct rdb_value_writer *writer, struct buf *out, size_t bytes_wanted);

#endif
