#include "engine/digest.h"

#include "engine/internal.h"

struct digest_walk {
    raft_index index;
    uint64_t rest;
    struct walk *walk;
    struct walk_digest digest;
};

uint64_t state_digest_total(const struct state_digest *digest) {
    uint64_t total =
        digest_absorb(digest_absorb(STATE_DIGEST_VERSION, digest->index), digest->rest);
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) total = digest_absorb(total, digest->ranges[i]);
    return total;
}

struct digest_walk *digest_walk_begin(struct engine *engine) {
    SF_ASSERT(!engine->open);
    struct walk *keys = keyspace_walk_begin(engine->keyspace);
    if (keys == NULL) return NULL;
    struct digest_walk *walk = sf_alloc_zero(1, sizeof *walk);
    struct buf side = {0};
    side_put(engine, &side);
    put_varint(&side, walk_revision(keys));
    walk->index = engine->applied;
    walk->rest = digest_absorb_bytes(0, buf_slice(&side));
    walk->walk = keys;
    buf_free(&side);
    return walk;
}

bool digest_walk_some(struct digest_walk *walk, uint64_t budget, struct state_digest *out) {
    struct walk_sink sink = walk_digest_sink(&walk->digest);
    if (!walk_some(walk->walk, &sink, budget)) return false;
    out->index = walk->index;
    out->rest = digest_absorb(walk->rest, walk->digest.floors);
    memcpy(out->ranges, walk->digest.sums, sizeof out->ranges);
    return true;
}

void digest_walk_end(struct digest_walk *walk) {
    if (walk == NULL) return;
    walk_end(walk->walk);
    sf_free(walk);
}

raft_index digest_walk_index(const struct digest_walk *walk) {
    return walk->index;
}

void digest_walk_progress(const struct digest_walk *walk, uint64_t *done, uint64_t *n_keys) {
    *done = walk_done_keys(walk->walk);
    *n_keys = walk_n_keys(walk->walk);
}
