/* Hashes: a listpack of fields, each followed by its value, in the order of their coming, while
 * they are few and short; then a table. The thresholds decide, as in Redis; a hash that became
 * large stays it. The functions take a handle: who changed the hash of a key hands it back
 * (db_collection_changed). Texts given to them must not lie within the hash.
 *
 * Each field may have a due time; the first that has one makes the hash take a form that can say
 * it (due_packed.h, due_table.h), which costs the others nothing. Nothing here knows the time: a
 * field that is due is there until it is removed, by keyspace_reclaim at the latest, and who reads
 * judges by its due time. */
#ifndef SF_KEYSPACE_HASH_H
#define SF_KEYSPACE_HASH_H

#include "data/listpack.h"
#include "keyspace/collection.h"
#include "util/number.h"

struct collection hash_new(const struct collection_types *types);
/* An empty hash in that form. */
struct collection hash_new_as(const struct collection_types *types, enum object_encoding encoding);
/* A hash of ready-made pairs, moved (NULL afterwards); a table where they are more than the
 * thresholds allow, whatever their lengths. Its value is NULL where they are no hash. */
struct collection hash_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed);
/* The same of triples, as due_packed.h draws them: put one by one, where they are out of order. */
struct collection hash_of_due_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed);
/* Makes it a table at once where these fields and values (n of both together) ask for it. */
void hash_prepare(struct collection *hash, const struct thresholds *thresholds, uint32_t n,
    const struct slice *fields_and_values);

/* false: no such field. *value is borrowed from the hash or from scratch. */
bool hash_get(const struct collection *hash, struct slice field, char scratch[INT_TEXT_MAX],
    struct slice *value);
/* The same with its due time, NO_DUE where it has none. */
bool hash_get_due(const struct collection *hash, struct slice field, char scratch[INT_TEXT_MAX],
    struct slice *value, int64_t *due_ms);
/* Puts value and due time (NO_DUE, or 1 .. FIELD_DUE_MAX); true: the field is new. */
bool hash_put(struct collection *hash, const struct thresholds *thresholds, struct slice field,
    struct slice value, int64_t due_ms);
/* The same without a due time: the field loses the one it had. */
bool hash_set(struct collection *hash, const struct thresholds *thresholds, struct slice field,
    struct slice value);
bool hash_remove(struct collection *hash, struct slice field); /* false: it was not there */

/* -- due times ------------------------------------------------------------------------------- */

#define FIELD_DUE_MAX                                                                              \
    ((INT64_C(1) << 48) - 1) /* so that it is one in Redis too (48 bits there)                     \
                              */

/* false: no field can have one, as the form says. */
static inline bool hash_has_dues(const struct collection *hash) {
    return hash->encoding == ENCODING_LISTPACK_DUE || hash->encoding == ENCODING_HASHTABLE_DUE;
}
static inline bool hash_is_packed(const struct collection *hash) {
    return hash->encoding == ENCODING_LISTPACK || hash->encoding == ENCODING_LISTPACK_DUE;
}
/* NO_DUE: it has none any more. false: no such field. */
bool hash_set_due(struct collection *hash, struct slice field, int64_t due_ms);
int64_t hash_first_due(const struct collection *hash); /* NO_DUE: no field has one */
/* When the last field is due; NO_DUE: one has no due time, and the hash stays. */
int64_t hash_last_due(const struct collection *hash);
/* Takes out the field that is due first, by (due time, place in a packed hash or name). */
void hash_remove_first_due(struct collection *hash);
uint64_t hash_n_dead(const struct collection *hash, int64_t now_ms); /* due <= now_ms */
/* Puts these triples (due_packed.h) in the place of a table, moved, if they hold the same fields
 * and values; false: they do not, or are damaged, and the table may have lost some of it. */
SF_MUST_CHECK bool hash_take_due_packed(struct collection *hash, struct listpack **packed);
/* A table without due times takes the form of one that never had any. */
void hash_simplify(struct collection *hash);

/* -- order: as packed, else the table's ------------------------------------------------------ */

struct hash_pair {
    struct slice field, value; /* borrowed from the hash, or from the scratches */
    int64_t due_ms;            /* NO_DUE: none */
    char field_scratch[INT_TEXT_MAX], value_scratch[INT_TEXT_MAX];
};

/* Valid until the hash changes. */
struct hash_iterator {
    const struct collection *hash;
    size_t at; /* packed: of the next field */
    struct table_iterator elements;
};
struct hash_iterator hash_iterate(const struct collection *hash);
bool hash_next(struct hash_iterator *iterator, struct hash_pair *pair); /* false at the end */
void hash_at(const struct collection *hash, uint64_t rank, struct hash_pair *pair); /* < size */

/* HSCAN: as table_scan; the packed form is passed at once, whatever the cursor. */
typedef void hash_visit(void *context, struct slice field, struct slice value, int64_t due_ms);
uint64_t hash_scan(const struct collection *hash, uint64_t cursor, uint64_t count,
    hash_visit *visit, void *context);

#endif
