/* One key with its value, as one piece of a pool while the value is small. Only keyspace/ sees
 * inside.
 *
 *   head        8    [ access: 4 | flags: 4 | encoding: 4 | access: 1 | type: 3 | revision: 48 ]
 *   access      2    with the 5 bits of the head: when, or how often, this node used the key
 *   due         8    only with OBJECT_HAS_DUE: the due time in ms
 *   word        8    encoding INT: the number; OBJECT_IS_APART: the address of the value (of a
 *                    string: of its block); else absent
 *   counted     4    only with OBJECT_IS_APART and a type that is no string: the value's bytes, in
 *                    units of 16, as they were last counted into the keyspace's sum
 *   key length  1    4 with OBJECT_LONG_KEY
 *   value length 1   only of strings: 2 with OBJECT_LONG_VALUE; absent where there is a word
 *   key bytes
 *   value bytes      where there is no word
 *
 * So a key of 16 bytes with a value of 8, 32 or 100 takes 36, 60 or 128 bytes. Strings beyond
 * OBJECT_INLINE_MAX, and those that were written in place (APPEND, SETRANGE), have a block of
 * their own, with room to grow. A listpack or intset lies inside while all of the object is no more
 * than a piece of the pool; who changes it takes a copy out first (collection_own). */
#ifndef SF_KEYSPACE_OBJECT_H
#define SF_KEYSPACE_OBJECT_H

#include "keyspace/collection.h"

#include "keyspace/keyspace.h"

#define OBJECT_INLINE_MAX 1024
#define EMBSTR_MAX 44 /* OBJECT ENCODING says raw beyond this, as Redis does */
#define REVISION_MAX (((uint64_t)1 << 48) - 1)

struct object {
    uint64_t head;
};

/* The bytes of a large or growing string. */
struct block {
    size_t len;
    size_t cap;
    char data[];
};

/* A string to be put into an object. */
struct string_value {
    enum object_encoding encoding;
    int64_t integer;    /* INT */
    struct slice bytes; /* the others; borrowed */
};

/* How Redis would hold these bytes. */
struct string_value string_value_of_text(struct slice bytes); /* never INT */
struct string_value string_value_of(struct slice bytes);
struct string_value string_value_of_integer(int64_t integer);

/* pool: where objects lie; all calls of one object are given the same. */
/* Copies everything. The revision is 0 until object_set_revision. */
struct object *object_new(
    struct pool *pool, struct slice key, const struct string_value *value, int64_t due_ms);
/* A copy with another key and due time. Where the value has a block, or is a collection, the copy
 * takes it over, and object may only be freed (object_free). */
struct object *object_reshape(
    struct pool *pool, struct object *object, struct slice key, int64_t due_ms);
/* The value of a type that is no string; object takes it over, or a copy where it is small, and
 * frees it. bytes: as its form counts them. */
struct object *object_new_collection(struct pool *pool, struct slice key,
    const struct collection *collection, size_t bytes, int64_t due_ms);
void *object_collection(const struct object *object);
/* Whether it lies within the object; and whether that one would, in this object's place. */
bool object_is_inline(const struct object *object);
bool object_takes_inline(const struct object *object, const struct collection *collection);
/* Puts it over the one that lies there, and frees it; false: it needs more or less room. */
bool object_overwrite_inline(struct object *object, struct collection *collection);
/* For a value that does not lie within. */
void object_set_collection(
    struct object *object, const struct collection *collection, size_t bytes);
/* Counted bytes of the value, as object_bytes contains them; 0 for strings. */
size_t object_collection_bytes(const struct object *object);
/* Not the value of a collection: that is whoever took it. */
void object_free(struct pool *pool, struct object *object);
size_t object_bytes(const struct object *object); /* as the allocator rounds, block included */

void object_set_revision(struct object *object, uint64_t revision);
/* What eviction.h keeps here: 21 bits of this node's own, no part of the state (S1). A reshaped
 * object and one with a block keep them; a new one has 0. */
#define OBJECT_ACCESS_BITS 21
uint32_t object_access(const struct object *object);
void object_set_access(struct object *object, uint32_t access);
/* Only for an object that has a due time, and never NO_DUE. */
void object_set_due(struct object *object, int64_t due_ms);
/* Overwrites the value where the new one takes the same form and the same room; false: it does
 * not fit, nothing happened. value may point into the object. */
bool object_overwrite(struct object *object, const struct string_value *value);
/* A copy whose value is a block of encoding RAW; the old one is left alone. */
struct object *object_with_block(struct pool *pool, const struct object *object, size_t cap);
bool object_has_block(const struct object *object);
/* What lies apart, and object_free leaves or frees: a block or a collection's value; NULL: none. */
void *object_value(const struct object *object);
void object_forget_value(struct object *object); /* that is another's now */
/* Copies: all of it; and without its value (object_value), the address becomes NULL. */
struct object *object_copy(const struct object *object, const struct collection_types *types);
struct object *object_shell(struct pool *pool, const struct object *object);
/* Makes the block's content exactly len bytes, new ones zero; encoding RAW. */
char *object_resize_block(struct object *object, size_t len);

#endif
