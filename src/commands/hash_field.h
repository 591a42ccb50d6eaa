/* What the commands about hashes share: the hash at argv[1] as a command sees it, without the
 * fields that are dead. A command that writes takes out the dead fields that it meets by name; the
 * rest is left to keyspace_reclaim. */
#ifndef SF_COMMANDS_HASH_FIELD_H
#define SF_COMMANDS_HASH_FIELD_H

#include "commands/call.h"
#include "keyspace/hash.h"

struct call_hash {
    struct object *object;  /* NULL: there is no such key */
    struct collection hash; /* undefined then, unless it was opened for writing: empty */
    bool has_expired;       /* dead fields were taken out; close it */
};

struct field_value {
    struct slice text;
    int64_t due_ms; /* NO_DUE: none */
    char scratch[INT_TEXT_MAX];
};

/* For reading. false: WRONGTYPE was replied. */
bool call_hash_find(struct call *call, struct call_hash *out);
/* What was found is to be changed: a new, empty hash where there is none. */
void call_hash_make(struct call *call, struct call_hash *hash);
bool call_hash_open(struct call *call, struct call_hash *out); /* both */
/* After a change: hands the hash back, and tells of it by the names of up to two events (NULL:
 * none), behind "hexpired" and in front of "del" where these happened. A new hash that is empty is
 * told of too, as if it had been there, and freed. */
void call_hash_close(
    struct call *call, struct call_hash *hash, const char *event, const char *second);
/* Nothing was changed, unless dead fields were taken out. */
void call_hash_leave(struct call *call, struct call_hash *hash);

/* The living field; false: none. The value is valid until the hash changes. */
bool call_hash_get(
    struct call *call, const struct call_hash *hash, struct slice field, struct field_value *out);
/* The same in a hash that was opened for writing, where a dead field goes. */
bool call_hash_take(
    struct call *call, struct call_hash *hash, struct slice field, struct field_value *out);
uint64_t call_hash_size(struct call *call, const struct collection *hash); /* living fields */

#endif
