/* Sets: an intset while all members are integers, a listpack in the order of their coming while
 * they are few and short, then a table. The thresholds decide, as in Redis; a set that became large
 * stays it. The functions take a handle: who changed the set of a key hands it back
 * (db_collection_changed). Members given to them must not lie within the set. */
#ifndef SF_KEYSPACE_SET_H
#define SF_KEYSPACE_SET_H

#include "data/intset.h"
#include "data/listpack.h"
#include "keyspace/collection.h"
#include "util/number.h"

/* An empty set in the form that suits a first member and the number of members to come. */
struct collection set_new(const struct collection_types *types, const struct thresholds *thresholds,
    struct slice first, uint64_t n_expected);
/* An empty set in that form. */
struct collection set_new_as(const struct collection_types *types, enum object_encoding encoding);
/* A set of ready-made members, moved (NULL afterwards); a table where they are more than the
 * thresholds allow, whatever their lengths. Its value is NULL where a member is there twice. */
struct collection set_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed);
struct collection set_of_intset(const struct collection_types *types,
    const struct thresholds *thresholds, struct intset **intset);
/* Makes it a table at once where n_expected more members would not fit the packed form. */
void set_prepare(struct collection *set, const struct thresholds *thresholds, uint64_t n_expected);
/* An intset, if it is not too large; all members are integers (asserted). */
void set_become_intset(struct collection *set, const struct thresholds *thresholds);

bool set_contains(const struct collection *set, struct slice member);
/* false: it was there, or was not. */
bool set_add(struct collection *set, const struct thresholds *thresholds, struct slice member);
bool set_remove(struct collection *set, struct slice member);

/* -- order: as packed, else the table's ------------------------------------------------------ */

/* Valid until the set changes. */
struct set_iterator {
    const struct collection *set;
    size_t at; /* packed: of the next entry; an intset: its rank */
    struct table_iterator elements;
    char scratch[INT_TEXT_MAX];
};
struct set_iterator set_iterate(const struct collection *set);
/* false at the end. *member is valid until the next call. */
bool set_next(struct set_iterator *iterator, struct slice *member);
/* The member of that rank (< size); borrowed from the set or from scratch. */
struct slice set_at(const struct collection *set, uint64_t rank, char scratch[INT_TEXT_MAX]);

/* SSCAN: as table_scan; packed forms are passed at once, whatever the cursor. */
typedef void set_visit(void *context, struct slice member);
uint64_t set_scan(
    const struct collection *set, uint64_t cursor, uint64_t count, set_visit *visit, void *context);

#endif
