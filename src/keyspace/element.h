/* What the tables of large sets and hashes hold: a member, or a field with its value, as one piece
 * of a pool; and those tables.
 *
 *   member   length 1 (5) | bytes
 *   field    [254 | due time 8] | length 1 (5) | bytes | length of the value 1 (5) | its bytes
 *
 * A length below 254 is one byte; otherwise 255 and four bytes. Only fields have due times, and
 * only in a due_table (due_table.h). */
#ifndef SF_KEYSPACE_ELEMENT_H
#define SF_KEYSPACE_ELEMENT_H

#include "data/pool.h"
#include "keyspace/forms.h"

struct element_table {
    struct table table;
    struct pool *pool;
    size_t element_bytes; /* of all elements, as the pool rounds */
    bool has_values;
};

struct slice element_key(const void *element); /* the member or field */
struct slice element_value(const void *element);
int64_t element_due_ms(const void *element); /* NO_DUE: none */
/* Only for an element that has a due time, and never NO_DUE. */
void element_set_due(void *element, int64_t due_ms);
/* A new element for that table, counted, and in no table; and its reverse. */
void *element_new(
    struct element_table *table, struct slice key, struct slice value, int64_t due_ms);
void element_drop(void *table, void *element);

struct element_table *element_table_new(const struct collection_types *types, bool has_values);
void *element_table_find(const struct element_table *table, struct slice key);
/* Adds the element, or overwrites the value of the one that is there; true: it was added. */
bool element_table_put(struct element_table *table, struct slice key, struct slice value);
bool element_table_remove(struct element_table *table, struct slice key);

/* For the forms whose value this is. */
uint64_t element_form_size(const void *value);
size_t element_form_bytes(const void *value);
void element_form_free(void *value);
bool element_form_free_some(void *value, uint64_t *budget);
void *element_form_copy(const struct collection_types *types, const void *value);
void element_form_put(const void *value, struct buf *out);
struct element_table *element_form_read(
    const struct collection_types *types, struct reader *in, bool has_values);

#endif
