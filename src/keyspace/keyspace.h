/* The databases: keys, values, expiry, revisions. No commands, no clients, no clock.
 *
 * Two rules from the design shape this interface:
 *   S1  what a caller can see (order of scan, random picks, digests) is a function of the content
 * and the cluster's hash secret, never of the history or the size of a table; S3  functions taking
 * a const pointer change nothing at all.
 *
 * Expiry. A key is dead at time t when its due time is <= t. db_find takes that time. A dead key
 * stays in its table until keyspace_reclaim or a write to the same name takes it out: until then it
 * counts in db_size only. A field of a hash is dead in the same way, and so is the key with
 * the last of its fields. */
#ifndef SF_KEYSPACE_KEYSPACE_H
#define SF_KEYSPACE_KEYSPACE_H

#include "util/base.h"
#include "util/breath.h"
#include "util/buf.h"
#include "util/hash.h"
#include "util/random.h"
#include "util/slice.h"
#include "util/status.h"

#define NO_DUE INT64_MAX /* "never expires" */
#define OBJECT_TEXT_MAX 24

enum object_type {
    OBJECT_STRING,
    OBJECT_LIST,
    OBJECT_SET,
    OBJECT_ZSET,
    OBJECT_HASH,
    OBJECT_STREAM = 6, /* numbered as in Redis (its digest shows it), where modules are 5 */
};

enum object_encoding {
    ENCODING_RAW,
    ENCODING_EMBSTR,
    ENCODING_INT,
    ENCODING_LISTPACK,
    ENCODING_INTSET,
    ENCODING_HASHTABLE,
    ENCODING_QUICKLIST,
    ENCODING_SKIPLIST,
    ENCODING_STREAM,
    /* of hashes, some of whose fields have due times */
    ENCODING_LISTPACK_DUE,
    ENCODING_HASHTABLE_DUE,
};

struct keyspace; /* all databases, one revision counter */
struct db;       /* one numbered database */

/* A key with its value; one piece of memory as long as the value is small. Borrowed from its
 * db: valid until the next change of this key or of the whole db. */
struct object;

/* n_dbs 1..65536. secret is copied. */
struct keyspace *keyspace_new(uint32_t n_dbs, const struct hash_secret *secret);
void keyspace_free(struct keyspace *keyspace);
uint32_t keyspace_n_dbs(const struct keyspace *keyspace);
struct db *keyspace_db(struct keyspace *keyspace, uint32_t number); /* number < n_dbs */
uint64_t keyspace_revision(const struct keyspace *keyspace);        /* of the latest change */
/* Copies and readings of large values count there what they do; borrowed, NULL: nobody needs it. */
void keyspace_set_breath(struct keyspace *keyspace, struct breath *breath);
/* Empties every db and sets the counters back to a new keyspace's. */
void keyspace_reset(struct keyspace *keyspace);

/* -- looking, never changing ----------------------------------------------------------------- */

/* NULL when absent or dead at now_ms. */
struct object *db_find(struct db *db, struct slice key, int64_t now_ms);
/* The object even when dead. */
struct object *db_find_even_dead(struct db *db, struct slice key);
uint64_t db_size(const struct db *db);                          /* keys, dead ones included */
uint64_t db_expiring_size(const struct db *db);                 /* keys that have a due time */
int64_t db_average_ttl_ms(const struct db *db, int64_t now_ms); /* 0 when none; cheap estimate */
uint64_t db_field_expiring_size(const struct db *db); /* hashes some of whose fields have one */
/* Whether a key that is alive at now_ms, or a field of it, is not at clock_ms any more. */
bool db_expires_between(
    const struct db *db, const struct object *object, int64_t now_ms, int64_t clock_ms);
/* What WATCH remembers and EXEC compares for equality (only that): the object's own revision; for
 * an absent or dead key the latest deletion in its cell, its own revision if it is dead, or the
 * db's floor, with a bit that says "absent" (a key that expires leaves the revision it had). Of a
 * hash also how many of its fields are dead and not reclaimed. */
uint64_t db_revision(struct db *db, struct slice key, int64_t now_ms);

struct slice object_key(const struct object *object);
enum object_type object_type(const struct object *object);
enum object_encoding object_encoding(const struct object *object);
int64_t object_due_ms(const struct object *object); /* NO_DUE when it never expires */
/* When the key is dead: at its due time, or, where every field of a hash has one, at the last of
 * these, whichever is first. */
int64_t object_end_ms(const struct object *object);
uint64_t object_revision(const struct object *object);
/* The bytes of a string. scratch is used where the value is held as a number; the slice is valid as
 * long as both object and scratch are. */
struct slice object_string(const struct object *object, char scratch[OBJECT_TEXT_MAX]);
/* true and *out when the string is held as a number. */
bool object_integer(const struct object *object, int64_t *out);

/* Hints for a batch of look-ups: db_prefetch for all keys, then db_prefetch_object for all hashes
 * that it returned; the look-ups then find their cache lines there. */
uint64_t db_prefetch(const struct db *db, struct slice key);
void db_prefetch_object(const struct db *db, uint64_t hash);

/* A callback that sees keys in table order. Returning false ends the walk. */
typedef bool db_visit(void *context, struct object *object);

/* SCAN. cursor 0 begins; visits at least max(count, 1) keys (dead ones included: the visitor
 * judges) unless the end comes first; returns the next cursor, 0 at the end. The cursor is the top
 * 48 bits of a hash, so it survives growth, failover and restart; keys with equal prefixes come
 * together (also where the visitor says false in between); a key present during the whole scan is
 * seen at least once. A cursor of more than 48 bits is behind the end. */
uint64_t db_scan(struct db *db, uint64_t cursor, uint64_t count, db_visit *visit, void *context);
/* Every key in table order. visit must not change the db. */
void db_walk(struct db *db, db_visit *visit, void *context);
/* Uniform among the keys alive at now_ms by rejection from the rank order; NULL when none. After
 * 128 dead picks in a row it takes the next living key in table order. */
struct object *db_random(struct db *db, int64_t now_ms, struct random *random);

/* -- changing: each changed key gets the next revision --------------------------------------- */

/* Sets a string value, replacing whatever was there (dead or alive). due_ms NO_DUE clears an
 * expiry. The encoding follows Redis: a number of at most 20 characters in canonical form is INT,
 * up to 44 bytes EMBSTR, else RAW. */
struct object *db_set_string(struct db *db, struct slice key, struct slice value, int64_t due_ms);
/* The same, but never as a number: what INCRBYFLOAT leaves stays EMBSTR or RAW. */
struct object *db_set_text(struct db *db, struct slice key, struct slice value, int64_t due_ms);
/* The same with a number (encoding INT). */
struct object *db_set_integer(struct db *db, struct slice key, int64_t value, int64_t due_ms);
/* Makes the value exactly new_len bytes (zero-filled where it grows), encoding RAW, and returns
 * where its bytes may be written before the next call. The key must exist as a string; keeps its
 * due time; *object is updated. Growth is amortised (APPEND costs what it appends). */
char *db_string_writable(struct db *db, struct object **object, size_t new_len);
/* The same where only the bytes from `from` up to `end` will be written, and those that come. */
char *db_string_part_writable(
    struct db *db, struct object **object, size_t new_len, size_t from, size_t end);
/* So will these, after db_string_part_writable. */
void db_string_part_changes(struct db *db, const struct object *object, size_t from, size_t end);
/* due_ms NO_DUE: persist. */
void db_set_due(struct db *db, struct object **object, int64_t due_ms);
/* true when a living key was removed; a dead one is reclaimed and counts as absent. */
bool db_delete(struct db *db, struct slice key, int64_t now_ms);
/* Moves the object of `from` (alive) to `to`, in dst (the same db or another), with its due time.
 * What was at `to` is replaced. */
void db_move(struct db *src, struct slice from, struct db *dst, struct slice to);
/* Removes every key by setting the whole table aside, and raises the floor of the absent keys'
 * revisions. Nothing happens to a db without keys. What was set aside is freed in slices, by
 * keyspace_reclaim and by the adding of keys. */
void db_flush(struct db *db);
/* One such slice: frees at least budget keys and values, if there are so many. false: no more. */
bool keyspace_free_some(struct keyspace *keyspace, uint64_t budget);
/* Exchanges contents, unless both are empty, and raises the floor of both: every key watched as
 * present before has changed (DESIGN 7), and so may keys watched as absent. */
void keyspace_swap(struct keyspace *keyspace, uint32_t a, uint32_t b);

/* Who wants to know which keys come to hold something, and cease to: told in the middle of the
 * change, must change nothing here. `replaced`: all of a db (flushed, swapped). */
struct keyspace_observer {
    void *context;
    void (*entered)(void *context, uint32_t db, enum object_type type, struct slice key);
    void (*left)(void *context, uint32_t db, enum object_type type, struct slice key);
    void (*replaced)(void *context, uint32_t db);
};
void keyspace_observe(
    struct keyspace *keyspace, const struct keyspace_observer *observer); /* borrowed; NULL: none */
/* Tells the observer that this key has entered, though it was there: a stream has more entries. */
void db_announce(struct db *db, const struct object *object);

/* What changes, for caches and for who wants to hear of it; told in the middle of the change, must
 * change nothing here. Every function may be NULL. `changed`: the value, the due time or a stream's
 * groups, or the key came or went, for whatever reason. `added`: a key where there was none.
 * `expired`: a key that was dead goes, reclaimed or overwritten. `field_expired`: a dead field of a
 * hash is reclaimed, or overwritten with its key; was_told: the one before it was of the same hash;
 * is_last: the key goes with it. `replaced`: a whole db was flushed or swapped. */
struct keyspace_watcher {
    void *context;
    void (*changed)(void *context, uint32_t db, struct slice key);
    void (*added)(void *context, uint32_t db, struct slice key);
    void (*expired)(void *context, uint32_t db, struct slice key);
    void (*field_expired)(
        void *context, uint32_t db, struct slice key, bool was_told, bool is_last);
    void (*replaced)(void *context, uint32_t db);
};
void keyspace_watch(
    struct keyspace *keyspace, const struct keyspace_watcher *watcher); /* copied; NULL: none */
/* The time of the changes that follow; the watcher is told by it whether what is overwritten was
 * dead. No part of the state. */
void keyspace_set_time(struct keyspace *keyspace, int64_t now_ms);

/* What was counted once in the value of that revision, if it is still remembered: a cache of this
 * node's own, so that a read may fill it (S3). */
bool keyspace_recall_count(const struct keyspace *keyspace, uint64_t revision, uint64_t *count);
void keyspace_remember_count(struct keyspace *keyspace, uint64_t revision, uint64_t count);

/* -- expiry ---------------------------------------------------------------------------------- */

/* The earliest due time of a key or a field over all dbs, NO_DUE when none. */
int64_t keyspace_next_due(const struct keyspace *keyspace);
/* Takes out up to budget dead keys and fields, in the order (due time, hash of the key, db, field).
 * on_expired may be NULL; it sees each such key just before it goes. Returns how many went.
 * Deterministic in (content, now, budget). Also frees a slice of what flushes left. */
typedef void keyspace_expired(void *context, uint32_t db_number, struct slice key);
uint64_t keyspace_reclaim(struct keyspace *keyspace, int64_t now_ms, uint64_t budget,
    keyspace_expired *on_expired, void *context);

/* -- digests, memory ------------------------------------------------------------------------- */

/* DEBUG DIGEST: Redis's own algorithm (SHA-1 of each key and value, XORed), 20 bytes. Keys dead at
 * now_ms are left out. */
void keyspace_redis_digest(struct keyspace *keyspace, int64_t now_ms, uint8_t out[20]);
/* A digest over everything that later behaviour reads (values, encodings, due times, revisions,
 * absent keys' cells), independent of history: equal on equal replicas. */
uint64_t keyspace_digest(struct keyspace *keyspace);
/* Bytes held by keys and values, as the allocator counts them (estimate, for INFO only). */
size_t keyspace_used_bytes(const struct keyspace *keyspace);

/* A complete image and its reverse, for tests of "grown = reloaded" and the first snapshots:
 * appended to out; loads into an empty keyspace. SF_ERR_CORRUPT leaves it empty. */
void keyspace_dump(struct keyspace *keyspace, struct buf *out);
SF_MUST_CHECK enum sf_status keyspace_load(struct keyspace *keyspace, struct slice image);

#endif
