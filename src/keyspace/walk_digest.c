#include "keyspace/walk_digest.h"

#include "keyspace/db.h"
#include "keyspace/due_packed.h"
#include "keyspace/hash.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/stream.h"
#include "keyspace/zset.h"
#include "util/crc64.h"

enum { RANGE_SHIFT = 64 - 10, CELL_RANGE_SHIFT = 16 - 10 }; /* a cell has the top 16 bits */

enum domain {
    DOMAIN_KEY = 11,
    DOMAIN_CELL,
    DOMAIN_FLOOR,
    DOMAIN_TEXT,
    DOMAIN_ELEMENT,
    DOMAIN_VALUE
};

uint64_t digest_absorb(uint64_t digest, uint64_t number) {
    uint64_t mixed = hash_mix(number + 0x9e3779b97f4a7c15ULL);
    return hash_mix((digest ^ mixed) * 0xd6e8feb86659fd93ULL + 1);
}

uint64_t digest_absorb_bytes(uint64_t digest, struct slice bytes) {
    static const struct hash_secret fixed = {0x77616c6b20646967ULL, 0x6573742076312e30ULL};
    return digest_absorb(digest_absorb(digest, bytes.len), hash_keyed(&fixed, bytes));
}

/* -- values ---------------------------------------------------------------------------------- */

static uint64_t of_text(uint64_t n_bytes, uint64_t checksum) {
    return digest_absorb(digest_absorb(DOMAIN_TEXT, n_bytes), checksum);
}

static uint64_t of_element(struct slice element, struct slice value, double score) {
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    uint64_t digest = digest_absorb_bytes(DOMAIN_ELEMENT, element);
    return digest_absorb(digest_absorb_bytes(digest, value), bits);
}

/* Elements have no order of their own, blocks and nodes have. */
static uint64_t of_elements(uint64_t n, uint64_t sum) {
    return digest_absorb(digest_absorb(DOMAIN_VALUE, n), sum);
}

static uint64_t chain_block(uint64_t chain, struct slice listpack, bool is_plain) {
    return digest_absorb_bytes(digest_absorb(chain, is_plain), listpack);
}

static uint64_t chain_node(uint64_t chain, uint64_t ms, uint64_t seq, struct slice listpack) {
    return digest_absorb_bytes(digest_absorb(digest_absorb(chain, ms), seq), listpack);
}

static uint64_t chain_rest(uint64_t chain, const struct stream *stream) {
    struct buf rest = {0};
    stream_rest_put(stream, &rest);
    chain = digest_absorb_bytes(chain, buf_slice(&rest));
    buf_free(&rest);
    return chain;
}

static uint64_t of_set(const struct collection *set) {
    struct set_iterator at = set_iterate(set);
    uint64_t sum = 0;
    for (struct slice member; set_next(&at, &member);)
        sum += of_element(member, slice_of(NULL, 0), 0);
    return of_elements(collection_size(set), sum);
}

static uint64_t of_hash(const struct collection *hash) {
    struct hash_iterator at = hash_iterate(hash);
    struct hash_pair pair;
    uint64_t sum = 0;
    while (hash_next(&at, &pair))
        sum += of_element(pair.field, pair.value, pair.due_ms == NO_DUE ? 0 : (double)pair.due_ms);
    return of_elements(collection_size(hash), sum);
}

static uint64_t of_sorted_set(const struct collection *zset) {
    struct zset_cursor at;
    char scratch[INT_TEXT_MAX];
    uint64_t sum = 0;
    bool more = zset_seek(zset, 0, &at);
    for (; more; more = zset_step(&at, false))
        sum += of_element(zset_member(&at, scratch), slice_of(NULL, 0), zset_score(&at));
    return of_elements(collection_size(zset), sum);
}

static uint64_t of_blocks(const struct quicklist *list) {
    struct quicklist_place at = {0, 0};
    uint64_t chain = DOMAIN_VALUE;
    for (const struct listpack *packed; (packed = quicklist_next_block(list, &at)) != NULL;)
        chain = chain_block(chain, listpack_image(packed), false);
    return chain;
}

static uint64_t of_stream(const struct stream *stream) {
    struct btree_cursor cursor;
    uint64_t chain = DOMAIN_VALUE;
    for (const struct stream_node *node = btree_seek(&stream->log.nodes, 0, &cursor); node != NULL;
         node = btree_next(&cursor))
        chain = chain_node(chain, node->master.ms, node->master.seq, listpack_image(node->packed));
    return chain_rest(chain, stream);
}

/* The order within a packed form is content: its bytes count. Such a value always comes whole. */
static uint64_t of_collection(const struct collection *value) {
    if (value->encoding == ENCODING_LISTPACK)
        return digest_absorb_bytes(DOMAIN_VALUE, listpack_image(value->value));
    if (value->encoding == ENCODING_INTSET)
        return digest_absorb_bytes(DOMAIN_VALUE, intset_image(value->value));
    if (value->encoding == ENCODING_LISTPACK_DUE)
        return digest_absorb_bytes(
            DOMAIN_VALUE, listpack_image(((const struct due_packed *)value->value)->listpack));
    switch (value->type) {
    case OBJECT_SET:
        return of_set(value);
    case OBJECT_HASH:
        return of_hash(value);
    case OBJECT_ZSET:
        return of_sorted_set(value);
    case OBJECT_LIST:
        return of_blocks(value->value);
    case OBJECT_STREAM:
        return of_stream(value->value);
    case OBJECT_STRING:
        break;
    }
    SF_ASSERT(false);
    return 0;
}

/* -- keys ------------------------------------------------------------------------------------ */

static void add_key(struct walk_digest *digest, const struct walk_key *key, uint64_t value) {
    uint64_t of_key = digest_absorb_bytes(digest_absorb(DOMAIN_KEY, key->db), key->key);
    of_key = digest_absorb(of_key, (uint64_t)key->type << 8 | key->encoding);
    of_key = digest_absorb(of_key, key->revision);
    of_key = digest_absorb(of_key, (uint64_t)key->due_ms);
    digest->sums[key->hash >> RANGE_SHIFT] += digest_absorb(of_key, value);
}

static void on_db(void *context, const struct walk_db *db) {
    struct walk_digest *digest = context;
    if (db->floor == 0) return; /* as in a db that is not mentioned */
    digest->floors += digest_absorb(digest_absorb(DOMAIN_FLOOR, db->number), db->floor);
}

static void on_cell(void *context, uint32_t db, uint32_t index, uint64_t revision) {
    struct walk_digest *digest = context;
    uint64_t of_cell = digest_absorb(digest_absorb(DOMAIN_CELL, db), index);
    digest->sums[index >> CELL_RANGE_SHIFT] += digest_absorb(of_cell, revision);
}

static void on_value(void *context, const struct walk_key *key, struct slice text,
    const struct collection *collection) {
    uint64_t value = key->type == OBJECT_STRING ? of_text(text.len, crc64_more(0, text))
                                                : of_collection(collection);
    add_key(context, key, value);
}

/* -- in pieces ------------------------------------------------------------------------------- */

static void on_large_begin(void *context, const struct walk_key *key, uint64_t n) {
    struct walk_digest *digest = context;
    (void)key;
    memset(&digest->large, 0, sizeof digest->large);
    digest->large.n = n;
    digest->large.chain = DOMAIN_VALUE;
}

static void on_large_text(void *context, struct slice part) {
    struct walk_digest *digest = context;
    digest->large.text_bytes += part.len;
    digest->large.text_checksum = crc64_more(digest->large.text_checksum, part);
}

static void on_large_element(
    void *context, struct slice element, struct slice value, double score) {
    struct walk_digest *digest = context;
    digest->large.sum += of_element(element, value, score);
}

static void on_large_block(void *context, struct slice listpack, bool is_plain) {
    struct walk_digest *digest = context;
    digest->large.chain = chain_block(digest->large.chain, listpack, is_plain);
}

static void on_large_node(void *context, uint64_t ms, uint64_t seq, struct slice listpack) {
    struct walk_digest *digest = context;
    digest->large.chain = chain_node(digest->large.chain, ms, seq, listpack);
}

static void on_large_end(
    void *context, const struct walk_key *key, const struct collection *stream) {
    struct walk_digest *digest = context;
    uint64_t value = 0;
    switch (key->type) {
    case OBJECT_STRING:
        value = of_text(digest->large.text_bytes, digest->large.text_checksum);
        break;
    case OBJECT_SET:
    case OBJECT_HASH:
    case OBJECT_ZSET:
        value = of_elements(digest->large.n, digest->large.sum);
        break;
    case OBJECT_LIST:
        value = digest->large.chain;
        break;
    case OBJECT_STREAM:
        value = chain_rest(digest->large.chain, stream_in(stream));
        break;
    }
    add_key(digest, key, value);
}

struct walk_sink walk_digest_sink(struct walk_digest *digest) {
    return (struct walk_sink){.context = digest,
        .db = on_db,
        .cell = on_cell,
        .value = on_value,
        .large_begin = on_large_begin,
        .large_text = on_large_text,
        .large_element = on_large_element,
        .large_block = on_large_block,
        .large_node = on_large_node,
        .large_end = on_large_end};
}
