/* Noting accesses, and the settings that say how. */
#include "keyspace/db.h"
#include "util/number.h"

#define LRU_MASK ((1u << OBJECT_ACCESS_BITS) - 1)
#define LFU_COUNTER_BITS 8
#define LFU_MINUTES_MASK (LRU_MASK >> LFU_COUNTER_BITS)

enum { LFU_COUNTER_NEW = 5, LFU_COUNTER_MAX = 255 };

/* -- settings -------------------------------------------------------------------------------- */

const char *const eviction_policy_names[] = {"volatile-lru", "volatile-lfu", "volatile-random",
    "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction", NULL};

bool policy_is_lfu(enum eviction_policy policy) {
    return policy == POLICY_ALLKEYS_LFU || policy == POLICY_VOLATILE_LFU;
}

static bool policy_set(struct memory_policy *memory, struct slice value) {
    for (uint32_t i = 0; eviction_policy_names[i] != NULL; i++) {
        if (!slice_is(value, eviction_policy_names[i])) continue;
        memory->policy = (enum eviction_policy)i;
        return true;
    }
    return false;
}

bool memory_policy_set(struct memory_policy *memory, struct slice name, struct slice value) {
    const struct {
        const char *name;
        int64_t *at, min;
    } all[] = {
        {"maxmemory", &memory->maxmemory, 0},
        {"maxmemory-samples", &memory->samples, 1},
        {"maxmemory-eviction-tenacity", &memory->tenacity, 0},
        {"lfu-log-factor", &memory->lfu_log_factor, 0},
        {"lfu-decay-time", &memory->lfu_decay_time, 0},
    };
    if (slice_is(name, "maxmemory-policy")) return policy_set(memory, value);
    for (size_t i = 0; i < SF_LENGTH(all); i++) {
        int64_t number;
        if (!slice_is(name, all[i].name)) continue;
        if (!int_parse(value, &number) && !memory_parse(value, &number)) return false;
        if (number < all[i].min) return false;
        *all[i].at = number;
        return true;
    }
    return false;
}

/* -- the bits -------------------------------------------------------------------------------- */

void keyspace_set_access(
    struct keyspace *keyspace, const struct memory_policy *memory, int64_t now_s) {
    struct access *access = &keyspace->access;
    access->is_lfu = policy_is_lfu(memory->policy);
    access->log_factor = memory->lfu_log_factor;
    access->decay_minutes = memory->lfu_decay_time;
    access->now_s = now_s;
}

static uint32_t lfu_minutes(const struct access *access) {
    return (uint32_t)(access->now_s / 60) & LFU_MINUTES_MASK;
}

static uint32_t lfu_pack(const struct access *access, uint32_t counter) {
    return lfu_minutes(access) << LFU_COUNTER_BITS | counter;
}

/* One off for each period of lfu-decay-time without an access. */
static uint32_t lfu_decayed(const struct access *access, uint32_t bits) {
    uint32_t counter = bits & LFU_COUNTER_MAX;
    uint32_t idle = (lfu_minutes(access) - (bits >> LFU_COUNTER_BITS)) & LFU_MINUTES_MASK;
    if (access->decay_minutes == 0) return counter;
    int64_t periods = idle / access->decay_minutes;
    return periods >= counter ? 0 : counter - (uint32_t)periods;
}

/* Less likely to grow the larger it is: 1 / (counter above a new key's * lfu-log-factor + 1). */
static uint32_t lfu_raised(struct access *access, uint32_t counter) {
    if (counter == LFU_COUNTER_MAX) return counter;
    uint64_t above = counter > LFU_COUNTER_NEW ? counter - LFU_COUNTER_NEW : 0;
    uint64_t factor = SF_MIN((uint64_t)access->log_factor, (uint64_t)UINT32_MAX);
    return counter + (random_below(&access->chance, above * factor + 1) == 0);
}

void access_begin(struct keyspace *keyspace, struct object *object) {
    const struct access *access = &keyspace->access;
    object_set_access(object,
        access->is_lfu ? lfu_pack(access, LFU_COUNTER_NEW) : (uint32_t)access->now_s & LRU_MASK);
}

/* A new value in the place of an old one keeps how often the key was used. */
void access_inherit(struct keyspace *keyspace, const struct object *old, struct object *object) {
    object_set_access(object, object_access(old));
    if (!keyspace->access.is_lfu) access_begin(keyspace, object);
}

void db_note_access(const struct db *db, struct object *object) {
    struct access *access = &db->keyspace->access;
    uint32_t bits = (uint32_t)access->now_s & LRU_MASK;
    if (access->is_lfu)
        bits = lfu_pack(access, lfu_raised(access, lfu_decayed(access, object_access(object))));
    /* most keys are read many times a second: their cache line stays clean */
    if (bits != object_access(object)) object_set_access(object, bits);
}

int64_t db_idle_s(const struct db *db, const struct object *object) {
    return ((uint32_t)db->keyspace->access.now_s - object_access(object)) & LRU_MASK;
}

uint8_t db_frequency(const struct db *db, const struct object *object) {
    return (uint8_t)lfu_decayed(&db->keyspace->access, object_access(object));
}

bool db_notes_frequency(const struct db *db) {
    return db->keyspace->access.is_lfu;
}

/* -- remembered counts ----------------------------------------------------------------------- */

bool keyspace_recall_count(const struct keyspace *keyspace, uint64_t revision, uint64_t *count) {
    if (keyspace->remembered == NULL || revision == 0) return false;
    const struct remembered_count *held = &keyspace->remembered[revision % REMEMBERED_COUNTS];
    *count = held->count;
    return held->revision == revision;
}

void keyspace_remember_count(struct keyspace *keyspace, uint64_t revision, uint64_t count) {
    if (keyspace->remembered == NULL) {
        keyspace->remembered = sf_alloc_zero(REMEMBERED_COUNTS, sizeof(struct remembered_count));
    }
    keyspace->remembered[revision % REMEMBERED_COUNTS] = (struct remembered_count){revision, count};
}
