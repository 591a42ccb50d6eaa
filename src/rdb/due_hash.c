/* Hashes whose fields have due times, as Redis 7.4 writes them (version 12):
 *
 *   24  table    u64 first due time | length | (length: 0, or due time - first + 1; field; value)
 * ... 25  packed   u64 first due time | string: listpack of (field, value, due time or 0)
 */
#include "rdb/output.h"
#include "rdb/value.h"

#include "keyspace/due_packed.h"
#include "util/codec.h"

void rdb_put_due_hash(struct buf *out, const struct collection *hash) {
    int64_t first_ms = hash_first_due(hash);
    bool is_packed = hash_is_packed(hash);
    put_u8(out, is_packed ? RDB_HASH_LISTPACK_EX : RDB_HASH_METADATA);
    put_u64(out, first_ms == NO_DUE ? 0 : (uint64_t)first_ms);
    if (is_packed) {
        rdb_put_string(out, listpack_image(((const struct due_packed *)hash->value)->listpack));
        return;
    }
    rdb_put_length(out, collection_size(hash));
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        rdb_put_length(out, pair.due_ms == NO_DUE ? 0 : (uint64_t)(pair.due_ms - first_ms) + 1);
        rdb_put_string(out, pair.field);
        rdb_put_string(out, pair.value);
    }
}
