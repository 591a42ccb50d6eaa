/* The forms of all types, for collection.c; and what their files share. Nobody else includes it. */
#ifndef SF_KEYSPACE_FORMS_H
#define SF_KEYSPACE_FORMS_H

#include "data/listpack.h"
#include "data/size_class.h"
#include "keyspace/collection.h"

/* list.c, zset.c */
extern const struct collection_form list_listpack_form, list_quicklist_form;
extern const struct collection_form zset_listpack_form, zset_skiplist_form;

/* -- forms whose value is a listpack (collection.c) ------------------------------------------ */

size_t packed_bytes(const void *value);
void packed_free(void *value);
void *packed_copy(const struct collection_types *types, const void *value);
void packed_put(const void *value, struct buf *out);
struct listpack *packed_read(struct reader *in); /* NULL: damaged or empty */

#endif
