/* A small hash, some of whose fields have due times: Redis's form of it, so that it goes into dumps
 * as it is. A listpack of (field, value, due time), the due time 0 where there is none. The order
 * is that of the due times, those without one at the end; equal ones in the order of their coming.
 */
#ifndef SF_KEYSPACE_DUE_PACKED_H
#define SF_KEYSPACE_DUE_PACKED_H

#include "data/listpack.h"
#include "keyspace/hash.h"

struct due_packed {
    struct listpack *listpack;
    int64_t indexed_ms; /* as in a due_table */
};

struct due_packed *due_packed_new(void);
void due_packed_free(struct due_packed *packed);
bool due_packed_has_room(const struct due_packed *packed, size_t text_len);
uint64_t due_packed_size(const struct due_packed *packed);

/* Where the field stands; 0: no such field. */
size_t due_packed_find(const struct due_packed *packed, struct slice field);
int64_t due_packed_due(const struct due_packed *packed, size_t at); /* NO_DUE: none */
/* As those of a due_table; has_room was asked. */
bool due_packed_put(
    struct due_packed *packed, struct slice field, struct slice value, int64_t due_ms);
bool due_packed_remove(struct due_packed *packed, struct slice field);
bool due_packed_set_due(struct due_packed *packed, struct slice field, int64_t due_ms);
int64_t due_packed_first_due(const struct due_packed *packed);
int64_t due_packed_last_due(const struct due_packed *packed);
void due_packed_remove_first(struct due_packed *packed);
uint64_t due_packed_n_dead(const struct due_packed *packed, int64_t now_ms);
/* Takes over a listpack that is good, with fields that are different. */
struct due_packed *due_packed_with(struct listpack *listpack);
/* Whether each entry is what it should be, in order. Not whether fields are there but once. */
bool due_packed_is_good(const struct listpack *listpack);

#endif
