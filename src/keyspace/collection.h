/* The values of lists, sets, sorted sets and hashes. What can be done to any of them is here; what
 * each can do itself is in a header of its own (set.h, hash.h ...).
 *
 * A value has a form, named by its encoding: packed while it is small, linked nodes, tables or
 * trees when it is large. The form is content (DESIGN 7): copies, images and digests keep it. */
#ifndef SF_KEYSPACE_COLLECTION_H
#define SF_KEYSPACE_COLLECTION_H

#include "data/btree.h"
#include "data/sorted_set.h"
#include "data/table.h"
#include "keyspace/keyspace.h"
#include "util/codec.h"

struct pool;

/* When values change their form: the replicated settings of the same names. */
struct thresholds {
    int64_t hash_max_listpack_entries, hash_max_listpack_value;
    int64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    int64_t list_max_listpack_size, list_compress_depth;
    int64_t zset_max_listpack_entries, zset_max_listpack_value;
    int64_t stream_node_max_bytes, stream_node_max_entries;
    int64_t hll_sparse_max_bytes; /* beyond, a HyperLogLog is dense */
};
#define THRESHOLDS_DEFAULT                                                                         \
    (struct thresholds) {                                                                          \
        .hash_max_listpack_entries = 512, .hash_max_listpack_value = 64,                           \
        .set_max_intset_entries = 512, .set_max_listpack_entries = 128,                            \
        .set_max_listpack_value = 64, .list_max_listpack_size = -2, .list_compress_depth = 0,      \
        .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64,                           \
        .stream_node_max_bytes = 4096, .stream_node_max_entries = 100,                             \
        .hll_sparse_max_bytes = 3000                                                               \
    }
/* The name under which a replicated setting is kept: Redis has older ones for some. */
struct slice setting_name(struct slice name);
/* Sets the threshold of that name (in any case); false: the name or the text is none. */
bool thresholds_set(struct thresholds *thresholds, struct slice name, struct slice value);

/* What the large forms of one keyspace share. */
struct collection_types {
    struct table_type elements;   /* the tables of sets and hashes: element.h */
    struct pool *pool;            /* where those elements lie */
    struct btree_type due_fields; /* those of large hashes that have a due time: due_table.h */
    struct sorted_set_type sorted_sets;
    struct breath *breath; /* for copies and readings; NULL: nobody needs it */
};

/* A value, or the handle on one that a key holds: then whoever changes it hands the handle back
 * by db_collection_changed, since value and encoding may be others afterwards. */
struct collection {
    const struct collection_types *types;
    enum object_type type;
    enum object_encoding encoding;
    void *value;    /* never NULL; NULL in a handle whose value was moved away */
    bool is_inline; /* in a handle: it lies within the key's object (collection_own) */
    /* Only in a handle on a key's value, and while a walk is open: */
    struct db *db;
    const struct object *unchanged; /* until the first change through this handle */
};

/* What changes a value tells it first, by these: walks may have to show it as it is now. element:
 * of a set, hash or sorted set, where just one comes, changes or goes. */
void collection_note(struct collection *collection);
void collection_note_element(struct collection *collection, struct slice element);
/* The value went from that address into another form, at once, with all its elements: only such may
 * a large value become without being passed element by element. After collection_changes. */
void collection_moved(struct collection *collection, const void *from);
static inline void collection_changes(struct collection *collection) {
    if (SF_UNLIKELY(collection->unchanged != NULL)) collection_note(collection);
}
static inline void element_changes(struct collection *collection, struct slice element) {
    if (SF_UNLIKELY(collection->db != NULL)) collection_note_element(collection, element);
}

/* Before its bytes change: takes a copy out of the key's object where it lies there. What was taken
 * out must be handed back, so only where something does change. */
void collection_take_out(struct collection *collection);
static inline void collection_own(struct collection *collection) {
    if (collection->is_inline) collection_take_out(collection);
}

/* What a form must offer. One table of functions for each pair of type and encoding, listed in
 * collection.c. */
struct collection_form {
    uint64_t (*size)(const void *value); /* 0: the key goes; never so for a stream */
    size_t (*bytes)(const void *value);  /* as the allocator rounds; at once, not by walking */
    void (*free)(void *value);
    /* Frees about *budget elements and lowers it by what went; true: all is gone, and value too.
     * NULL: free is quick enough at any size. */
    bool (*free_some)(void *value, uint64_t *budget);
    void *(*copy)(const struct collection_types *types, const void *value);
    /* The image restores the form exactly; what two equal values write is equal. read: NULL when
     * the bytes are no such value (an empty one included). */
    void (*put)(const void *value, struct buf *out);
    void *(*read)(const struct collection_types *types, struct reader *in);
    /* Adds the elements as DEBUG DIGEST does (redis_digest_add, redis_digest_mix). */
    void (*redis_digest)(const void *value, uint8_t digest[20]);
};
/* NULL: there is no such form. */
const struct collection_form *collection_form(enum object_type type, enum object_encoding encoding);

/* As OBJECT ENCODING names it. */
const char *object_encoding_name(enum object_encoding encoding);
/* The value's part of DEBUG DIGEST, mixed into digest (20 bytes). */
void object_redis_digest(const struct object *object, uint8_t digest[20]);
uint64_t collection_size(const struct collection *collection);
struct collection collection_copy(const struct collection *collection);
void collection_free(struct collection *collection); /* value becomes NULL; NULL is allowed */

/* digest ^= SHA1(bytes), for what has no order; then digest = SHA1(digest), for what has. */
void redis_digest_add(uint8_t digest[20], struct slice bytes);
void redis_digest_mix(uint8_t digest[20], struct slice bytes);

/* -- in a db --------------------------------------------------------------------------------- */

/* The types for making a new value that will enter any db of this keyspace. */
const struct collection_types *db_collection_types(const struct db *db);
/* A handle on the value of an object that is no string. */
struct collection db_collection(const struct db *db, const struct object *object);
/* Enters a value, not empty, in the place of whatever the key holds. Moved: collection->value is
 * NULL afterwards. */
struct object *db_add_collection(
    struct db *db, struct slice key, struct collection *collection, int64_t due_ms);
/* The value of object was changed by way of this handle: takes over value and encoding, counts
 * its bytes, and gives the key the next revision, so once a command. object may be another from now
 * on, and what the handle gave out (texts, iterators) is gone; the handle itself may be read on. An
 * empty value is removed with its key: then false. */
bool db_collection_changed(struct db *db, struct object *object, struct collection *collection);
/* The same for what WATCH does not see (the groups of a stream): the key keeps its revision, and
 * object stays. The value must not have become empty, nor be one that may lie within an object. */
void db_collection_counted(struct db *db, struct object *object, struct collection *collection);

#endif
