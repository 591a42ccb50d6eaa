/* A state put back as it was, key by key, into a keyspace as new (snapshots). What is given is not
 * trusted: false, or NULL, where no keyspace could hold it, and then nothing was entered. */
#ifndef SF_KEYSPACE_RESTORE_H
#define SF_KEYSPACE_RESTORE_H

#include "keyspace/collection.h"

/* First of all. */
SF_MUST_CHECK bool keyspace_restore_revision(struct keyspace *keyspace, uint64_t revision);

/* A db on its way back; its keys come best in the order of their hashes. */
struct db_restoring {
    struct db *db;
    uint64_t n_keys; /* about so many will come: room is made for them bit by bit */
    uint32_t depth;
    uint64_t prepared; /* the part of the table that the latest key went to */
};
/* false: the floor cannot be. */
SF_MUST_CHECK bool db_restore_begin(
    struct db_restoring *restoring, struct db *db, uint64_t floor, uint64_t n_keys);

struct restored_key {
    struct slice key;
    int64_t due_ms; /* NO_DUE: none */
    uint64_t revision;
    enum object_encoding encoding; /* of a string */
};
/* Of text: a string; else of *collection, whose value is moved unless it is refused. The key must
 * not be there. */
SF_MUST_CHECK struct object *db_restore(struct db_restoring *restoring,
    const struct restored_key *key, struct slice text, struct collection *collection);
SF_MUST_CHECK bool db_restore_cell(struct db *db, uint32_t index, uint64_t revision);

#endif
