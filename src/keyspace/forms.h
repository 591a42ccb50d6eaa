/* The forms of all types, for collection.c; and what their files share. Nobody else includes it. */
#ifndef SF_KEYSPACE_FORMS_H
#define SF_KEYSPACE_FORMS_H

#include "data/listpack.h"
#include "data/size_class.h"
#include "keyspace/collection.h"

/* list.c, zset.c */
extern const struct collection_form list_listpack_form, list_quicklist_form;
extern const struct collection_form zset_listpack_form, zset_skiplist_form;
/* set.c, hash_form.c */
extern const struct collection_form set_intset_form, set_listpack_form, set_table_form;
extern const struct collection_form hash_listpack_form, hash_table_form;
extern const struct collection_form hash_due_listpack_form, hash_due_table_form;
/* stream.c */
extern const struct collection_form stream_form;

/* -- forms whose value is a listpack (collection.c) ------------------------------------------ */

static inline void packed_append(struct collection *collection, struct slice text) {
    collection_own(collection);
    struct listpack *listpack = collection->value;
    listpack_append(&listpack, text);
    collection->value = listpack;
}

static inline void packed_replace(struct collection *collection, size_t at, struct slice text) {
    collection_own(collection);
    struct listpack *listpack = collection->value;
    listpack_replace(&listpack, at, text);
    collection->value = listpack;
}

static inline void packed_delete(struct collection *collection, size_t at, uint64_t n) {
    collection_own(collection);
    struct listpack *listpack = collection->value;
    listpack_delete(&listpack, at, n);
    collection->value = listpack;
}

size_t packed_bytes(const void *value);
void packed_free(void *value);
void *packed_copy(const struct collection_types *types, const void *value);
void packed_put(const void *value, struct buf *out);
struct listpack *packed_read(struct reader *in); /* NULL: damaged or empty */
/* Whether each stride-th entry, from the first on, is there but once, and no stride is unfinished.
 */
bool packed_is_distinct(
    const struct collection_types *types, const struct listpack *listpack, uint32_t stride);

#endif
