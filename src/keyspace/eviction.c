/* Choosing victims: approximate LRU and LFU by samples, as Redis does, with a pool of the best
 * candidates that were met and not yet taken. */
#include "keyspace/eviction.h"

#include "keyspace/db.h"

enum {
    POOL_MAX = 16,
    TRIES_MAX = 16,       /* rounds of samples that find nobody */
    SAMPLES_MAX = 64,     /* of one db in one round */
    MARKS_MIN = 64,       /* places, a power of two */
    INDEX_SHARE = 10,     /* bytes beside the object: its place in the table ... */
    DUE_INDEX_SHARE = 10, /* ... and in the index of due times, about */
};

struct candidate {
    uint64_t score; /* higher: goes sooner */
    uint32_t db;
    uint64_t hash;
    struct buf key;
};

struct evictor {
    struct candidate pool[POOL_MAX];
    uint32_t n_pool;
    uint32_t next_db;   /* random policies take one db after the other */
    uint64_t *ttl_rank; /* [n_dbs]: of the first key by due time that may be free */
    uint32_t n_dbs;     /* places in ttl_rank */
    uint64_t *marks;    /* the doomed: open addressing, 0 is empty */
    uint64_t n_marks, n_places;
};

struct evictor *evictor_new(void) {
    return sf_alloc_zero(1, sizeof(struct evictor));
}

void evictor_free(struct evictor *evictor) {
    if (evictor == NULL) return;
    for (uint32_t i = 0; i < POOL_MAX; i++) buf_free(&evictor->pool[i].key);
    sf_free(evictor->ttl_rank);
    sf_free(evictor->marks);
    sf_free(evictor);
}

/* -- the doomed ------------------------------------------------------------------------------ */

/* Two keys with one mark (never, with 64 bits): one of them stays a little longer. */
static uint64_t mark_of(uint32_t db, uint64_t hash) {
    uint64_t mark = hash ^ hash_mix((uint64_t)db + 1);
    return mark == 0 ? 1 : mark;
}

/* Where it is, or the empty place where it would stand. */
static uint64_t mark_place(const struct evictor *evictor, uint64_t mark) {
    uint64_t at = hash_mix(mark) & (evictor->n_places - 1);
    while (evictor->marks[at] != 0 && evictor->marks[at] != mark)
        at = (at + 1) & (evictor->n_places - 1);
    return at;
}

static bool is_doomed(const struct evictor *evictor, uint64_t mark) {
    return evictor->n_places > 0 && evictor->marks[mark_place(evictor, mark)] != 0;
}

static void marks_resize(struct evictor *evictor, uint64_t n_places) {
    uint64_t *old = evictor->marks;
    uint64_t n_old = evictor->n_places;
    evictor->marks = sf_alloc_zero(n_places, sizeof *evictor->marks);
    evictor->n_places = n_places;
    for (uint64_t i = 0; i < n_old; i++) {
        if (old[i] != 0) evictor->marks[mark_place(evictor, old[i])] = old[i];
    }
    sf_free(old);
}

static void doom(struct evictor *evictor, uint64_t mark) {
    if (evictor->n_marks * 2 >= evictor->n_places)
        marks_resize(evictor, SF_MAX(evictor->n_places * 2, (uint64_t)MARKS_MIN));
    evictor->marks[mark_place(evictor, mark)] = mark;
    evictor->n_marks++;
}

void evictor_settle(struct evictor *evictor, uint64_t mark) {
    if (!is_doomed(evictor, mark)) return;
    uint64_t mask = evictor->n_places - 1, hole = mark_place(evictor, mark);
    evictor->n_marks--;
    for (uint64_t at = (hole + 1) & mask; evictor->marks[at] != 0; at = (at + 1) & mask) {
        uint64_t home = hash_mix(evictor->marks[at]) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue; /* would move before its home */
        evictor->marks[hole] = evictor->marks[at];
        hole = at;
    }
    evictor->marks[hole] = 0;
}

void evictor_settle_all(struct evictor *evictor) {
    sf_free(evictor->marks);
    evictor->marks = NULL;
    evictor->n_marks = evictor->n_places = 0;
}

uint64_t evictor_doomed(const struct evictor *evictor) {
    return evictor->n_marks;
}

/* -- the pool -------------------------------------------------------------------------------- */

static bool is_volatile(enum eviction_policy policy) {
    return policy <= POLICY_VOLATILE_TTL;
}

static uint64_t score_of(const struct db *db, const struct object *object) {
    if (db_notes_frequency(db)) return 255u - db_frequency(db, object);
    return (uint64_t)db_idle_s(db, object);
}

static bool is_pooled(const struct evictor *evictor, uint32_t db, uint64_t hash) {
    for (uint32_t i = 0; i < evictor->n_pool; i++) {
        if (evictor->pool[i].hash == hash && evictor->pool[i].db == db) return true;
    }
    return false;
}

static struct candidate *pool_worst(struct evictor *evictor) {
    struct candidate *worst = &evictor->pool[0];
    for (uint32_t i = 1; i < evictor->n_pool; i++) {
        if (evictor->pool[i].score < worst->score) worst = &evictor->pool[i];
    }
    return worst;
}

/* Keeps it if there is room, or if it is better than the worst. */
static void pool_offer(struct evictor *evictor, const struct db *db, const struct object *object) {
    uint64_t score = score_of(db, object);
    bool is_full = evictor->n_pool == POOL_MAX;
    struct candidate *place = is_full ? pool_worst(evictor) : &evictor->pool[evictor->n_pool];
    if (is_full && score <= place->score) return;
    uint64_t hash = table_hash(db->table.type, object_key(object));
    if (is_doomed(evictor, mark_of(db->number, hash))) return;
    if (is_pooled(evictor, db->number, hash)) return;
    if (!is_full) evictor->n_pool++;
    place->score = score;
    place->db = db->number;
    place->hash = hash;
    buf_clear(&place->key);
    buf_append_slice(&place->key, object_key(object));
}

static void pool_drop(struct evictor *evictor, uint32_t at) {
    struct candidate dropped = evictor->pool[at];
    buf_shrink(&dropped.key, OBJECT_INLINE_MAX);
    evictor->pool[at] = evictor->pool[--evictor->n_pool];
    evictor->pool[evictor->n_pool] = dropped; /* its buffer is used again */
}

/* The best candidate that is still there and was not used since; NULL: none. */
static struct object *pool_take(
    struct evictor *evictor, struct keyspace *keyspace, bool only_volatile, uint32_t *db_number) {
    while (evictor->n_pool > 0) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < evictor->n_pool; i++) {
            if (evictor->pool[i].score > evictor->pool[best].score) best = i;
        }
        const struct candidate *candidate = &evictor->pool[best];
        struct object *object = NULL;
        *db_number = candidate->db;
        if (candidate->db < keyspace->n_dbs) {
            struct db *db = &keyspace->dbs[candidate->db];
            object = table_find(&db->table, candidate->hash, buf_slice(&candidate->key));
            bool fits = object != NULL && score_of(db, object) >= candidate->score &&
                        (!only_volatile || object_due_ms(object) != NO_DUE) &&
                        !is_doomed(evictor, mark_of(candidate->db, candidate->hash));
            if (!fits) object = NULL;
        }
        pool_drop(evictor, best);
        if (object != NULL) return object;
    }
    return NULL;
}

static uint64_t evictable(const struct db *db, bool only_volatile) {
    return only_volatile ? db->expiry.n : table_size(&db->table);
}

static struct object *random_key(const struct db *db, bool only_volatile, struct random *random) {
    uint64_t rank = random_below(random, evictable(db, only_volatile));
    return only_volatile ? btree_at(&db->expiry, rank) : table_at(&db->table, rank);
}

static struct object *next_by_score(struct evictor *evictor, struct keyspace *keyspace,
    const struct memory_policy *memory, struct random *random, uint32_t *db_number) {
    bool only_volatile = is_volatile(memory->policy);
    int64_t samples = SF_MIN(memory->samples, (int64_t)SAMPLES_MAX);
    for (int try = 0; try < TRIES_MAX; try++) {
        for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
            const struct db *db = &keyspace->dbs[i];
            if (evictable(db, only_volatile) == 0) continue;
            for (int64_t k = 0; k < samples; k++)
                pool_offer(evictor, db, random_key(db, only_volatile, random));
        }
        struct object *object = pool_take(evictor, keyspace, only_volatile, db_number);
        if (object != NULL) return object;
    }
    return NULL;
}

/* -- the other policies ---------------------------------------------------------------------- */

static struct object *next_by_chance(struct evictor *evictor, struct keyspace *keyspace,
    const struct memory_policy *memory, struct random *random, uint32_t *db_number) {
    bool only_volatile = is_volatile(memory->policy);
    for (uint32_t try = 0; try < keyspace->n_dbs + TRIES_MAX; try++) {
        const struct db *db = &keyspace->dbs[evictor->next_db++ % keyspace->n_dbs];
        for (int k = 0; k < TRIES_MAX && evictable(db, only_volatile) > 0; k++) {
            struct object *object = random_key(db, only_volatile, random);
            *db_number = db->number;
            uint64_t hash = table_hash(db->table.type, object_key(object));
            if (!is_doomed(evictor, mark_of(db->number, hash))) return object;
        }
    }
    return NULL;
}

/* The first of the db's keys by due time that is free. The doomed stand in front of it: what was
 * passed since evictor_begin is not looked at again. */
static struct object *first_due(struct evictor *evictor, const struct db *db) {
    uint64_t *rank = &evictor->ttl_rank[db->number];
    struct btree_cursor cursor;
    struct object *object = *rank < db->expiry.n ? btree_seek(&db->expiry, *rank, &cursor) : NULL;
    for (; object != NULL; object = btree_next(&cursor)) {
        uint64_t hash = table_hash(db->table.type, object_key(object));
        if (!is_doomed(evictor, mark_of(db->number, hash))) return object;
        ++*rank;
    }
    return NULL;
}

/* Redis samples here too; the index of due times tells exactly. */
static struct object *next_by_due(
    struct evictor *evictor, struct keyspace *keyspace, uint32_t *db_number) {
    struct object *best = NULL;
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        struct object *object = first_due(evictor, &keyspace->dbs[i]);
        if (object == NULL) continue;
        if (best != NULL && object_due_ms(best) <= object_due_ms(object)) continue;
        best = object;
        *db_number = i;
    }
    return best;
}

/* -- figures --------------------------------------------------------------------------------- */

size_t object_memory_bytes(const struct object *object) {
    size_t bytes = object_bytes(object) + INDEX_SHARE;
    return object_due_ms(object) == NO_DUE ? bytes : bytes + DUE_INDEX_SHARE;
}

size_t keyspace_cell_bytes(const struct keyspace *keyspace) {
    return keyspace->n_cell_pages * sizeof(struct cell_page);
}

size_t keyspace_garbage_bytes(const struct keyspace *keyspace) {
    return keyspace->garbage_value_bytes;
}

bool keyspace_is_flushing(const struct keyspace *keyspace) {
    return keyspace->garbage != NULL;
}

size_t db_table_bytes(const struct db *db) {
    return table_bytes(&db->table);
}

size_t db_due_index_bytes(const struct db *db) {
    return btree_bytes(&db->expiry);
}

/* -- the interface --------------------------------------------------------------------------- */

void evictor_begin(struct evictor *evictor, struct keyspace *keyspace) {
    if (evictor->n_dbs != keyspace->n_dbs) {
        evictor->n_dbs = keyspace->n_dbs;
        evictor->ttl_rank =
            sf_realloc(evictor->ttl_rank, keyspace->n_dbs * sizeof *evictor->ttl_rank);
    }
    memset(evictor->ttl_rank, 0, evictor->n_dbs * sizeof *evictor->ttl_rank);
}

static struct object *choose(struct evictor *evictor, struct keyspace *keyspace,
    const struct memory_policy *memory, struct random *random, uint32_t *db_number) {
    switch (memory->policy) {
    case POLICY_NOEVICTION:
        return NULL;
    case POLICY_VOLATILE_TTL:
        return next_by_due(evictor, keyspace, db_number);
    case POLICY_VOLATILE_RANDOM:
    case POLICY_ALLKEYS_RANDOM:
        return next_by_chance(evictor, keyspace, memory, random, db_number);
    case POLICY_VOLATILE_LRU:
    case POLICY_VOLATILE_LFU:
    case POLICY_ALLKEYS_LRU:
    case POLICY_ALLKEYS_LFU:
        return next_by_score(evictor, keyspace, memory, random, db_number);
    }
    SF_ASSERT(false);
    return NULL;
}

bool evictor_next(struct evictor *evictor, struct keyspace *keyspace,
    const struct memory_policy *memory, struct random *random, struct victim *out) {
    SF_ASSERT(evictor->n_dbs == keyspace->n_dbs); /* evictor_begin */
    uint32_t number = 0;
    struct object *object = choose(evictor, keyspace, memory, random, &number);
    if (object == NULL) return false;
    const struct db *db = &keyspace->dbs[number];
    uint64_t mark = mark_of(number, table_hash(db->table.type, object_key(object)));
    doom(evictor, mark);
    *out = (struct victim){
        .db = number, .mark = mark, .object = object, .bytes = object_memory_bytes(object)};
    return true;
}

bool db_evict(struct db *db, struct slice key, uint64_t revision) {
    uint64_t hash = table_hash(db->table.type, key);
    struct object *object = table_find(&db->table, hash, key);
    if (object == NULL || object_revision(object) != revision) return false;
    db_take_out(db, hash, object);
    db_raise_cell(db, hash, keyspace_next_revision(db->keyspace));
    db_tell_changed(db, object_key(object));
    db_dispose(db, object);
    return true;
}
