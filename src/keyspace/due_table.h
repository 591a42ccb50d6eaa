/* The table of a large hash, some of whose fields have due times: the elements of element.h, with
 * an index of those that have one. It is made of the table without due times, and becomes it
 * again, at once, whatever its size. */
#ifndef SF_KEYSPACE_DUE_TABLE_H
#define SF_KEYSPACE_DUE_TABLE_H

#include "keyspace/element.h"

struct due_table {
    struct element_table elements; /* in front: who knows nothing of due times sees only this */
    struct btree dues;             /* of the elements that have a due time, by (due, field) */
    int64_t indexed_ms; /* the first due time as the db's index knows it (expiry.c); NO_DUE: it is
                           not there. No part of the content */
};

int element_compare_due(const void *context, const void *a, const void *b); /* a btree_compare */

struct due_table *due_table_new(const struct collection_types *types);
/* Takes over the elements, without a due time yet; *plain becomes NULL. */
struct due_table *due_table_of(const struct collection_types *types, struct element_table **plain);
/* The reverse, where no field has a due time any more. */
struct element_table *due_table_to_plain(struct due_table **table);

/* Puts the field with its value and due time (NO_DUE: none) in the place of what it held; true: it
 * is new. The texts must not lie within the table. */
bool due_table_put(struct due_table *table, struct slice field, struct slice value, int64_t due_ms);
bool due_table_remove(struct due_table *table, struct slice field); /* false: it was not there */
/* false: no such field. */
bool due_table_set_due(struct due_table *table, struct slice field, int64_t due_ms);
int64_t due_table_first_due(const struct due_table *table);        /* NO_DUE: there is none */
int64_t due_table_last_due(const struct due_table *table);         /* NO_DUE: a field has none */
struct slice due_table_first_field(const struct due_table *table); /* there is one */
void due_table_remove_first(struct due_table *table);              /* likewise */
/* Fields whose due time is <= now_ms. */
uint64_t due_table_n_dead(const struct due_table *table, int64_t now_ms);

#endif
