/* Digests: Redis's, for comparison with Redis, and our own, for comparison among replicas. */
#include "keyspace/db.h"

#include "util/codec.h"
#include "util/sha1.h"
#include <arpa/inet.h>

/* -- Redis's DEBUG DIGEST -------------------------------------------------------------------- */

/* add: digest ^= SHA1(bytes), where order does not matter; mix: add, then digest = SHA1(digest),
 * where it does. */
void redis_digest_add(uint8_t digest[SHA1_BYTES], struct slice bytes) {
    uint8_t hash[SHA1_BYTES];
    sha1(bytes, hash);
    for (size_t i = 0; i < SHA1_BYTES; i++) digest[i] ^= hash[i];
}

void redis_digest_mix(uint8_t digest[SHA1_BYTES], struct slice bytes) {
    uint8_t hash[SHA1_BYTES];
    redis_digest_add(digest, bytes);
    sha1(slice_of(digest, SHA1_BYTES), hash);
    memcpy(digest, hash, SHA1_BYTES);
}

static void digest_mix_number(uint8_t digest[SHA1_BYTES], uint32_t number) {
    uint32_t big_endian = htonl(number);
    redis_digest_mix(digest, slice_of(&big_endian, sizeof big_endian));
}

void object_redis_digest(const struct object *object, uint8_t digest[SHA1_BYTES]) {
    char scratch[OBJECT_TEXT_MAX];
    digest_mix_number(digest, object_type(object)); /* types are numbered as there */
    if (object_type(object) == OBJECT_STRING) {
        redis_digest_mix(digest, object_string(object, scratch));
    } else {
        collection_form(object_type(object), object_encoding(object))
            ->redis_digest(object_collection(object), digest);
    }
    if (object_due_ms(object) != NO_DUE) redis_digest_add(digest, SLICE("!!expire!!"));
}

struct redis_digest {
    uint8_t *out;
    uint32_t db_number;
    int64_t now_ms;
    bool begun; /* the db's number is in: not for a db without keys */
};

static bool add_redis_key(void *context, struct object *object) {
    struct redis_digest *digest = context;
    if (object_is_dead(object, digest->now_ms)) return true;
    if (!digest->begun) digest_mix_number(digest->out, digest->db_number);
    digest->begun = true;

    uint8_t key_digest[SHA1_BYTES] = {0};
    redis_digest_mix(key_digest, object_key(object));
    object_redis_digest(object, key_digest);
    redis_digest_add(digest->out, slice_of(key_digest, SHA1_BYTES));
    return true;
}

void keyspace_redis_digest(struct keyspace *keyspace, int64_t now_ms, uint8_t out[SHA1_BYTES]) {
    memset(out, 0, SHA1_BYTES);
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        struct redis_digest digest = {.out = out, .db_number = i, .now_ms = now_ms};
        db_walk(&keyspace->dbs[i], add_redis_key, &digest);
    }
}

/* -- our own --------------------------------------------------------------------------------- */

/* The sum of a number for each key, each cell and each db, whatever their order. */
struct digest {
    uint64_t sum;
    uint32_t db_number;
};

static uint64_t absorb(uint64_t hash, uint64_t number) {
    return hash_mix((hash ^ hash_mix(number + 0x9e3779b97f4a7c15ULL)) * 0xd6e8feb86659fd93ULL + 1);
}

static uint64_t absorb_bytes(uint64_t hash, struct slice bytes) {
    static const struct hash_secret fixed = {0x6b65797370616365ULL, 0x6469676573742031ULL};
    return absorb(absorb(hash, bytes.len), hash_keyed(&fixed, bytes));
}

/* A number for the value: of a collection its image, which has the form in it too. */
static uint64_t absorb_value(uint64_t hash, const struct object *object) {
    char scratch[OBJECT_TEXT_MAX];
    if (object_type(object) == OBJECT_STRING)
        return absorb_bytes(hash, object_string(object, scratch));
    struct buf image = {0};
    collection_form(object_type(object), object_encoding(object))
        ->put(object_collection(object), &image);
    hash = absorb_bytes(hash, buf_slice(&image));
    buf_free(&image);
    return hash;
}

static bool add_key(void *context, struct object *object) {
    struct digest *digest = context;
    uint64_t hash = absorb_bytes(absorb(1, digest->db_number), object_key(object));
    hash = absorb(hash, object_type(object));
    hash = absorb(hash, object_encoding(object));
    hash = absorb(hash, object_revision(object));
    hash = absorb(hash, (uint64_t)object_due_ms(object));
    digest->sum += absorb_value(hash, object);
    return true;
}

static void add_cells(struct digest *digest, const struct db *db) {
    uint64_t revision;
    for (uint32_t index = 0; (revision = db_next_cell(db, &index)) != 0; index++)
        digest->sum += absorb(absorb(absorb(2, db->number), index), revision);
}

uint64_t keyspace_digest(struct keyspace *keyspace) {
    struct digest digest = {.sum = absorb(3, keyspace->revision)};
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        struct db *db = &keyspace->dbs[i];
        digest.db_number = i;
        digest.sum += absorb(absorb(4, i), db->floor);
        add_cells(&digest, db);
        db_walk(db, add_key, &digest);
    }
    return digest.sum;
}
