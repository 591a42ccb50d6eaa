/* One pass over everything that the dbs hold, as it was when the walk began, while they go on
 * changing (DESIGN 8). For snapshots, digests and dumps sent to others; several may be open.
 *
 *   struct walk *walk = keyspace_walk_begin(keyspace);
 *   while (!walk_some(walk, &sink, budget)) ... the keyspace may change here ...
 *   walk_end(walk);
 *
 * Keys come db by db, each once, dead ones not yet reclaimed included; in the order of their table
 * unless asked otherwise.
 * A small value comes whole, a large one in pieces between large_begin and large_end, other keys
 * never in between. A walk that nobody advances costs memory with every change: end it. */
#ifndef SF_KEYSPACE_WALK_H
#define SF_KEYSPACE_WALK_H

#include "keyspace/collection.h"

#define WALKS_MAX 4 /* open at a time */

struct walk;

/* A db as it was. Its keys follow; one without keys comes too, where floor or cells are not a new
 * db's. */
struct walk_db {
    uint32_t number; /* when the walk began */
    uint64_t n_keys, n_expiring;
    uint64_t floor;
};

/* A key as it was; borrowed for the call. */
struct walk_key {
    uint32_t db;
    uint64_t hash; /* in the table */
    struct slice key;
    int64_t due_ms; /* NO_DUE: none */
    uint64_t revision;
    enum object_type type;
    enum object_encoding encoding;
};

/* Of a large stream: what its groups are, where they are shown piece by piece (large_stream). */
struct walk_group {
    struct slice name;
    uint64_t last_ms, last_seq;
    int64_t entries_read;
    uint64_t n_pending, n_consumers;
};
struct walk_consumer {
    struct slice name;
    int64_t seen_ms, active_ms;
    uint64_t n_pending;
};
struct walk_pending {
    uint64_t ms, seq;
    int64_t delivered_ms;
    uint64_t n_deliveries;
};

/* Called by walk_some; must change nothing in the keyspace. NULL where nobody asks. */
struct walk_sink {
    void *context;
    void (*db)(void *context, const struct walk_db *db);
    /* The db's cells of absent keys, ascending (revision.c); after its keys. */
    void (*cell)(void *context, uint32_t db, uint32_t index, uint64_t revision);
    /* Whole: text of a string, or the collection. */
    void (*value)(void *context, const struct walk_key *key, struct slice text,
        const struct collection *collection);
    /* In pieces: n elements (set, hash, sorted set), blocks (list), nodes (stream), or bytes
     * (string) follow. */
    void (*large_begin)(void *context, const struct walk_key *key, uint64_t n);
    void (*large_text)(void *context, struct slice part);
    /* member; field, value and, as a number, its due time in ms (0: none); member and score */
    void (*large_element)(void *context, struct slice element, struct slice value, double score);
    void (*large_block)(void *context, struct slice listpack, bool is_plain);
    void (*large_node)(void *context, uint64_t ms, uint64_t seq, struct slice listpack);
    /* For who wants the groups of a large stream in pieces too, behind its nodes: first what else
     * there is to it, as a stream without entries and groups; then n_groups groups, each followed
     * by its pending entries, then by its consumers, each followed by its share of these again. All
     * by name, and by id. NULL: they come at once, with large_end. */
    void (*large_stream)(void *context, const struct collection *stream, uint64_t n_groups);
    void (*large_group)(void *context, const struct walk_group *group);
    void (*large_consumer)(void *context, const struct walk_consumer *consumer);
    void (*large_pending)(void *context, const struct walk_pending *pending);
    /* stream: what stands behind its nodes, as a stream without entries; also without groups where
     * those came in pieces. Else NULL. */
    void (*large_end)(void *context, const struct walk_key *key, const struct collection *stream);
};

/* Now is what the walk will show. NULL: WALKS_MAX are open. */
struct walk *keyspace_walk_begin(struct keyspace *keyspace);
/* Before anything was shown: small keys that change meanwhile are shown soon, not in their place, so
 * that less has to be kept of them. */
void walk_in_any_order(struct walk *walk);
/* Goes on for about budget units, twice as many more in any order (a key, an element, 64 bytes); true: that was all. */
bool walk_some(struct walk *walk, const struct walk_sink *sink, uint64_t budget);
void walk_end(struct walk *walk); /* at any time */
/* The keyspace was reset or freed meanwhile: what was shown is not all, and nothing more will come
 * (walk_some says true). The walk is still to be ended. */
bool walk_is_cut(const struct walk *walk);

uint64_t walk_revision(const struct walk *walk); /* the keyspace's, when it began */
uint64_t walk_n_keys(const struct walk *walk);   /* in all dbs */
uint64_t walk_done_keys(const struct walk *walk);
/* What is kept for the walk alone: old images and values handed over. */
size_t walk_bytes(const struct walk *walk);

#endif
