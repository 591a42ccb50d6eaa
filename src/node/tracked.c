#include "node/tracked.h"

enum { SEGMENT_LOG = 10, SEGMENT = 1 << SEGMENT_LOG }; /* buckets */

/* What stands in a chained table: the first member of it. */
struct chained {
    struct chained *next;
    uint64_t hash;
};

/* Linear hashing (Litwin): the table grows bucket by bucket, so that no insertion is slow. It does
 * not shrink; its directory is 8 bytes for each key there has ever been at a time. */
struct chains {
    struct chained ***segments;
    uint64_t n_segments, n_buckets, n;
    uint64_t base; /* the power of two at or below n_buckets */
};

struct item {
    struct chained chained;
    struct tracked_key *key;
    struct tracker *tracker;
    struct item *next_of_key;
};

struct tracked_key {
    struct chained chained;
    struct item *first, **last;
    uint32_t len;
    char name[];
};

struct tracked {
    struct hash_secret secret;
    struct chains keys, items;
    uint64_t hand; /* the bucket of keys at which tracked_take_any looks next */
};

/* -- chains ---------------------------------------------------------------------------------- */

static struct chained **bucket_at(const struct chains *chains, uint64_t at) {
    return &chains->segments[at >> SEGMENT_LOG][at & (SEGMENT - 1)];
}

static struct chained **bucket_of(const struct chains *chains, uint64_t hash) {
    uint64_t at = hash & (2 * chains->base - 1);
    return bucket_at(chains, at < chains->n_buckets ? at : at & (chains->base - 1));
}

static void segment_add(struct chains *chains) {
    uint64_t n = chains->n_segments;
    if ((n & (n - 1)) == 0) { /* a power of two, or none: the directory is full */
        size_t bytes = (n == 0 ? 1 : 2 * n) * sizeof *chains->segments;
        chains->segments = sf_realloc(chains->segments, bytes);
    }
    chains->segments[chains->n_segments++] = sf_alloc_zero(SEGMENT, sizeof(struct chained *));
}

/* One bucket more: what belongs there is taken out of the one that it is split from. */
static void chains_grow(struct chains *chains) {
    uint64_t to = chains->n_buckets;
    if (to == chains->n_segments * SEGMENT) segment_add(chains);
    if (to == 0) {
        chains->n_buckets = chains->base = 1;
        return;
    }
    if (to == 2 * chains->base) chains->base *= 2;
    chains->n_buckets++;
    struct chained **from = bucket_at(chains, to - chains->base), **into = bucket_at(chains, to);
    while (*from != NULL) {
        struct chained *chained = *from;
        if ((chained->hash & (2 * chains->base - 1)) != to) {
            from = &chained->next;
            continue;
        }
        *from = chained->next;
        chained->next = NULL;
        *into = chained;
        into = &chained->next;
    }
}

static void chains_add(struct chains *chains, struct chained *chained) {
    if (chains->n++ >= chains->n_buckets) chains_grow(chains);
    struct chained **bucket = bucket_of(chains, chained->hash);
    chained->next = *bucket;
    *bucket = chained;
}

static void chains_remove(struct chains *chains, struct chained *chained) {
    struct chained **place = bucket_of(chains, chained->hash);
    while (*place != chained) place = &(*place)->next;
    *place = chained->next;
    chains->n--;
}

static void chains_free(struct chains *chains) {
    SF_ASSERT(chains->n == 0);
    for (uint64_t i = 0; i < chains->n_segments; i++) sf_free(chains->segments[i]);
    sf_free(chains->segments);
}

/* -- keys and items -------------------------------------------------------------------------- */

static struct tracked_key *key_find(
    const struct tracked *tracked, uint64_t hash, struct slice name) {
    if (tracked->keys.n == 0) return NULL;
    for (struct chained *at = *bucket_of(&tracked->keys, hash); at != NULL; at = at->next) {
        struct tracked_key *key = SF_CONTAINER(at, struct tracked_key, chained);
        if (at->hash == hash && slice_equal(slice_of(key->name, key->len), name)) return key;
    }
    return NULL;
}

static struct tracked_key *key_add(struct tracked *tracked, uint64_t hash, struct slice name) {
    struct tracked_key *key = sf_alloc(sizeof *key + name.len);
    *key = (struct tracked_key){.chained.hash = hash, .len = (uint32_t)name.len};
    key->last = &key->first;
    if (name.len > 0) memcpy(key->name, name.data, name.len);
    chains_add(&tracked->keys, &key->chained);
    return key;
}

static uint64_t item_hash(const struct tracked_key *key, const struct tracker *tracker) {
    return hash_mix((uint64_t)(uintptr_t)key + hash_mix((uint64_t)(uintptr_t)tracker));
}

static bool has_item(
    const struct tracked *tracked, const struct tracked_key *key, const struct tracker *tracker) {
    if (tracked->items.n == 0) return false;
    uint64_t hash = item_hash(key, tracker);
    for (struct chained *at = *bucket_of(&tracked->items, hash); at != NULL; at = at->next) {
        const struct item *item = SF_CONTAINER(at, struct item, chained);
        if (item->key == key && item->tracker == tracker) return true;
    }
    return false;
}

void tracked_add(struct tracked *tracked, struct slice name, struct tracker *tracker) {
    uint64_t hash = hash_keyed(&tracked->secret, name);
    struct tracked_key *key = key_find(tracked, hash, name);
    if (key == NULL) key = key_add(tracked, hash, name);
    if (has_item(tracked, key, tracker)) return;
    struct item *item = sf_alloc(sizeof *item);
    *item = (struct item){.chained.hash = item_hash(key, tracker), .key = key, .tracker = tracker};
    tracker->n_refs++;
    *key->last = item;
    key->last = &item->next_of_key;
    chains_add(&tracked->items, &item->chained);
}

static void key_take(
    struct tracked *tracked, struct tracked_key *key, tracked_visit *visit, void *context) {
    chains_remove(&tracked->keys, &key->chained);
    for (struct item *item = key->first, *next; item != NULL; item = next) {
        next = item->next_of_key;
        chains_remove(&tracked->items, &item->chained);
        if (visit != NULL) visit(context, slice_of(key->name, key->len), item->tracker);
        tracker_release(item->tracker);
        sf_free(item);
    }
    sf_free(key);
}

void tracked_take(struct tracked *tracked, struct slice name, tracked_visit *visit, void *context) {
    if (tracked->keys.n == 0) return;
    struct tracked_key *key = key_find(tracked, hash_keyed(&tracked->secret, name), name);
    if (key != NULL) key_take(tracked, key, visit, context);
}

void tracked_take_any(struct tracked *tracked, tracked_visit *visit, void *context) {
    SF_ASSERT(tracked->keys.n > 0);
    struct chained *first = NULL;
    while (first == NULL) {
        if (tracked->hand >= tracked->keys.n_buckets) tracked->hand = 0;
        first = *bucket_at(&tracked->keys, tracked->hand);
        if (first == NULL) tracked->hand++;
    }
    key_take(tracked, SF_CONTAINER(first, struct tracked_key, chained), visit, context);
    tracked->hand++; /* the rest of the bucket stays: whoever is next in it is no likelier victim */
}

/* -- life ------------------------------------------------------------------------------------ */

void tracker_release(struct tracker *tracker) {
    if (--tracker->n_refs == 0) sf_free(tracker);
}

struct tracked *tracked_new(const struct hash_secret *secret) {
    struct tracked *tracked = sf_alloc_zero(1, sizeof *tracked);
    tracked->secret = *secret;
    return tracked;
}

bool tracked_free_some(struct tracked *tracked, uint64_t budget) {
    while (tracked->keys.n > 0 && budget-- > 0) tracked_take_any(tracked, NULL, NULL);
    if (tracked->keys.n > 0) return false;
    chains_free(&tracked->keys);
    chains_free(&tracked->items);
    sf_free(tracked);
    return true;
}

void tracked_free(struct tracked *tracked) {
    bool gone = tracked_free_some(tracked, UINT64_MAX);
    SF_ASSERT(gone);
}

uint64_t tracked_keys(const struct tracked *tracked) {
    return tracked->keys.n;
}

uint64_t tracked_items(const struct tracked *tracked) {
    return tracked->items.n;
}
