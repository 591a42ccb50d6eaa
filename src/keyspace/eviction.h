/* Which key should go when memory is short, by what this node saw of the keys' use.
 *
 * Accesses are no state: they are kept in 21 bits of each object, stand in no image and no digest,
 * and two replicas need not agree on them. So noting one is allowed where S3 forbids every change.
 * Under an LFU policy the bits are [ minute of the last decrement: 13 | logarithmic counter: 8 ],
 * else the second of the last access; both wrap around, after 5.7 and 24 days. */
#ifndef SF_KEYSPACE_EVICTION_H
#define SF_KEYSPACE_EVICTION_H

#include "keyspace/keyspace.h"

enum eviction_policy {
    POLICY_VOLATILE_LRU,
    POLICY_VOLATILE_LFU,
    POLICY_VOLATILE_RANDOM,
    POLICY_VOLATILE_TTL,
    POLICY_ALLKEYS_LRU,
    POLICY_ALLKEYS_LFU,
    POLICY_ALLKEYS_RANDOM,
    POLICY_NOEVICTION,
};

/* The replicated settings of the same names: maxmemory, maxmemory-policy ... */
struct memory_policy {
    int64_t maxmemory; /* bytes; 0: no limit */
    enum eviction_policy policy;
    int64_t samples, tenacity;
    int64_t lfu_log_factor, lfu_decay_time;
};
#define MEMORY_POLICY_DEFAULT                                                                      \
    (struct memory_policy) {                                                                       \
        .policy = POLICY_NOEVICTION, .samples = 5, .tenacity = 10, .lfu_log_factor = 10,           \
        .lfu_decay_time = 1                                                                        \
    }
extern const char *const eviction_policy_names[]; /* by enum eviction_policy; ends with NULL */
/* Sets the part of that name (in any case); false: the name or the text is none. */
bool memory_policy_set(struct memory_policy *memory, struct slice name, struct slice value);
bool policy_is_lfu(enum eviction_policy policy);

/* -- accesses -------------------------------------------------------------------------------- */

/* By which clock and in which way accesses are noted from now on. now_s: any clock of this node
 * that never goes back. Keys that are there already keep what their bits say. */
void keyspace_set_access(
    struct keyspace *keyspace, const struct memory_policy *memory, int64_t now_s);
void db_note_access(const struct db *db, struct object *object);
/* Of a key as it is noted: seconds since its last access, and the counter, decreased by now. */
int64_t db_idle_s(const struct db *db, const struct object *object);
uint8_t db_frequency(const struct db *db, const struct object *object);
bool db_notes_frequency(const struct db *db);

/* -- choosing -------------------------------------------------------------------------------- */

/* Chooses victims one after another. Those that were chosen and are not gone yet (they are on their
 * way through the log) are not chosen again: they are doomed until they are settled. */
struct evictor;
struct evictor *evictor_new(void);
void evictor_free(struct evictor *evictor);
uint64_t evictor_doomed(const struct evictor *evictor); /* how many */

struct victim {
    uint32_t db;
    uint64_t mark;         /* for evictor_settle */
    struct object *object; /* borrowed */
    size_t bytes;          /* about as much memory comes back */
};
/* The keyspace has changed since the last choice. */
void evictor_begin(struct evictor *evictor, struct keyspace *keyspace);
/* The next victim by the policy, which is then doomed; false: nothing (more) can go. */
bool evictor_next(struct evictor *evictor, struct keyspace *keyspace,
    const struct memory_policy *memory, struct random *random, struct victim *out);
void evictor_settle(struct evictor *evictor, uint64_t mark);
void evictor_settle_all(struct evictor *evictor);

/* About what a key takes, its places in the indexes included; and what the indexes of a db take. */
size_t object_memory_bytes(const struct object *object);
/* Of the absent keys' revisions: part of keyspace_used_bytes that no eviction gives back; at most
 * half a megabyte a db. */
size_t keyspace_cell_bytes(const struct keyspace *keyspace);
/* Of removed large values that are being freed: another part of it, which comes back by itself. */
size_t keyspace_garbage_bytes(const struct keyspace *keyspace);
/* Flushed databases are being freed: nobody knows how much of the used bytes that will give. */
bool keyspace_is_flushing(const struct keyspace *keyspace);
size_t db_table_bytes(const struct db *db);
size_t db_due_index_bytes(const struct db *db);

/* Deletes the key if it still has that revision. true: it is gone, and the deletion took the next
 * revision. */
bool db_evict(struct db *db, struct slice key, uint64_t revision);

#endif
