/* A dump file, read from chunks of any size, one event after the other:
 *
 *   rdb_reader_feed(reader, bytes);
 *   while ((status = rdb_reader_next(reader, &event)) == SF_OK && event.kind != RDB_EVENT_MORE) ...
 *
 * Held in memory: the value being read, the largest string, and what was fed and not used. The
 * bytes are not trusted. */
#ifndef SF_RDB_READER_H
#define SF_RDB_READER_H

#include "rdb/value.h"

enum rdb_event_kind {
    RDB_EVENT_MORE,     /* feed the next bytes */
    RDB_EVENT_AUX,      /* name, text */
    RDB_EVENT_FUNCTION, /* text: the source of a library */
    RDB_EVENT_DB,       /* db: of the keys that follow */
    RDB_EVENT_SIZES,    /* n_keys, n_expiring: a hint, of that db */
    RDB_EVENT_KEY,      /* db, key, due_ms, value: whole and valid */
    RDB_EVENT_END,      /* the checksum was right, if there was one */
};

/* Slices, and a value that is not moved away, are valid until the next call. */
struct rdb_event {
    enum rdb_event_kind kind;
    struct slice name, text;
    uint64_t db, n_keys, n_expiring;
    struct slice key;
    int64_t due_ms; /* NO_DUE: none. May have passed; may be negative */
    struct rdb_value *value;
};

struct rdb_reader;

struct rdb_reader *rdb_reader_new(const struct rdb_target *target);
void rdb_reader_free(struct rdb_reader *reader);

void rdb_reader_feed(struct rdb_reader *reader, struct slice bytes); /* copied */
/* The next keys' values take these forms (enum object_encoding), one each, whatever the thresholds
 * say; one that cannot is SF_ERR_CORRUPT. At most RDB_FORMS_MAX; those before must be used up. */
#define RDB_FORMS_MAX 256
void rdb_reader_expect(struct rdb_reader *reader, const uint8_t *encodings, uint32_t n);
uint32_t rdb_reader_expected(const struct rdb_reader *reader); /* still to come */
/* After an error only why, version and free may be called, after the end also rest.
 *   SF_ERR_CORRUPT     not a dump, or damaged
 *   SF_ERR_TOO_LARGE   a string larger than the target allows
 *   SF_ERR_REFUSED     it holds what does not exist here (modules' data ...), or is too new */
SF_MUST_CHECK enum sf_status rdb_reader_next(struct rdb_reader *reader, struct rdb_event *event);
const char *rdb_reader_why(const struct rdb_reader *reader);  /* the error in words */
uint32_t rdb_reader_version(const struct rdb_reader *reader); /* 0 before it was read */
/* Keys left out because their collections had no elements, as Redis does. */
uint64_t rdb_reader_empty_keys(const struct rdb_reader *reader);
bool rdb_reader_is_summed(const struct rdb_reader *reader); /* at the end: there was a checksum */
/* What was fed behind the end; borrowed. */
struct slice rdb_reader_rest(const struct rdb_reader *reader);

#endif
