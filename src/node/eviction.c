/* maxmemory (DESIGN 7, "Eviction"): the leader decides who goes, by its own view of accesses, and
 * the log says so before the write that needs the room. What is on its way counts: commands that
 * are not applied yet as used, victims as freed. */
#include "node/internal.h"

#include "keyspace/eviction.h"

enum {
    VICTIMS_MIN = 1024,  /* of one entry: chosen in about a millisecond */
    VICTIMS_MAX = 16384, /* where a batch of that many small keys comes */
    BYTES_A_KEY = 32,    /* of a batch, about, for a small key */
    FLIGHTS_MAX = 32,    /* eviction entries on their way without a write behind them */
};

/* One entry's victims. */
struct flight {
    struct list in_evictions;
    raft_index index;
    size_t bytes;
    uint32_t n;
    uint64_t marks[];
};

struct evictions {
    struct evictor *evictor;
    struct list flights; /* by index */
    uint32_t n_flights;
    size_t freeing_bytes, growing_bytes; /* proposed, not applied */
    raft_index growing_from;             /* the first batch of this term; 0: none */
    int64_t over_since_us;               /* 0: within the limit */
    int64_t over_us;                     /* before that */
};

/* -- life ------------------------------------------------------------------------------------ */

void evictions_open(struct node *node) {
    node->evictions = sf_alloc_zero(1, sizeof *node->evictions);
    node->evictions->evictor = evictor_new();
    list_init(&node->evictions->flights);
}

static void flight_end(struct evictions *evictions, struct flight *flight) {
    for (uint32_t i = 0; i < flight->n; i++) evictor_settle(evictions->evictor, flight->marks[i]);
    evictions->freeing_bytes -= flight->bytes;
    evictions->n_flights--;
    list_remove(&flight->in_evictions);
    sf_free(flight);
}

void evictions_reset(struct node *node) {
    struct evictions *evictions = node->evictions;
    LIST_FOR_EACH(link, &evictions->flights) {
        flight_end(evictions, SF_CONTAINER(link, struct flight, in_evictions));
    }
    evictor_settle_all(evictions->evictor);
    SF_ASSERT(evictions->n_flights == 0 && evictions->freeing_bytes == 0);
    evictions->growing_bytes = 0;
    evictions->growing_from = 0;
}

void evictions_close(struct node *node) {
    evictions_reset(node);
    evictor_free(node->evictions->evictor);
    sf_free(node->evictions);
}

/* -- the sum --------------------------------------------------------------------------------- */

uint64_t evictions_used_bytes(const struct node *node) {
    const struct keyspace *keyspace = engine_keyspace(node->engine);
    /* not the bounded part that grows as keys go: the smallest limits would never be reached */
    size_t held = keyspace_used_bytes(keyspace) - keyspace_cell_bytes(keyspace);
    held -= SF_MIN(held, keyspace_garbage_bytes(keyspace)); /* gone, if not freed yet */
    return held + node->evictions->growing_bytes;
}

/* How many bytes too many there are, with so many more coming; not positive: it fits. */
static int64_t excess(const struct node *node, size_t coming) {
    int64_t limit = engine_memory_policy(node->engine)->maxmemory;
    /* what was flushed is freed faster than keys come: nobody has to go for it */
    if (keyspace_is_flushing(engine_keyspace(node->engine))) return 0;
    uint64_t used = evictions_used_bytes(node) + coming;
    return (int64_t)used - (int64_t)node->evictions->freeing_bytes - limit;
}

static void note_excess(struct node *node, bool is_over) {
    struct evictions *evictions = node->evictions;
    if (is_over && evictions->over_since_us == 0) evictions->over_since_us = node->now_us;
    if (is_over || evictions->over_since_us == 0) return;
    evictions->over_us += node->now_us - evictions->over_since_us;
    evictions->over_since_us = 0;
}

void evictions_exceeded_us(const struct node *node, int64_t *total, int64_t *current) {
    const struct evictions *evictions = node->evictions;
    *current = evictions->over_since_us == 0 ? 0 : node->now_us - evictions->over_since_us;
    *total = evictions->over_us + *current;
}

void evictions_reset_figures(struct node *node) {
    node->evictions->over_us = 0;
    if (node->evictions->over_since_us != 0) node->evictions->over_since_us = node->now_us;
}

/* -- victims --------------------------------------------------------------------------------- */

static void flight_begin(struct node *node, struct flight **flight, struct buf *entry) {
    struct evictions *evictions = node->evictions;
    struct bytes *payload = bytes_new(buf_slice(entry).data, entry->len);
    enum sf_status status =
        raft_propose(node->raft, ENTRY_EVICTION, payload, node->now_us, &(*flight)->index);
    bytes_unref(payload);
    evictions->freeing_bytes += (*flight)->bytes;
    evictions->n_flights++;
    list_push_back(&evictions->flights, &(*flight)->in_evictions);
    if (status != SF_OK) flight_end(evictions, *flight); /* handing over: the next leader does it */
    *flight = NULL;
}

/* Chooses up to max victims, until `wanted` bytes would come back, and proposes that they go.
 * Returns how many. *exhausted: there are no more that could go. */
static uint32_t evict(struct node *node, int64_t wanted, uint32_t max, bool *exhausted) {
    struct evictions *evictions = node->evictions;
    struct keyspace *keyspace = engine_keyspace(node->engine);
    const struct memory_policy *memory = engine_memory_policy(node->engine);
    struct flight *flight = sf_alloc(sizeof *flight + max * sizeof flight->marks[0]);
    flight->n = 0;
    flight->bytes = 0;
    list_init(&flight->in_evictions);
    struct buf entry = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&entry, &stamp);
    struct victim victim;
    evictor_begin(evictions->evictor, keyspace);
    *exhausted = false;
    while (flight->n < max && (int64_t)flight->bytes < wanted &&
           entry.len < ENTRY_BATCH_TARGET_BYTES) {
        *exhausted = !evictor_next(evictions->evictor, keyspace, memory, &node->random, &victim);
        if (*exhausted) break;
        struct entry_victim named = {
            victim.db, object_key(victim.object), object_revision(victim.object)};
        entry_put_victim(&entry, &named);
        flight->marks[flight->n++] = victim.mark;
        flight->bytes += victim.bytes;
    }
    uint32_t n = flight->n;
    if (n > 0)
        flight_begin(node, &flight, &entry);
    else
        sf_free(flight);
    buf_free(&entry);
    return n;
}

/* Before a batch of `coming` bytes is proposed. true: nothing can go, and there is no room: its
 * stamp says so. */
bool evictions_make_room(struct node *node, size_t coming) {
    const struct memory_policy *memory = engine_memory_policy(node->engine);
    if (memory->maxmemory == 0) return false;
    if (engine_source(node->engine)->kind != SOURCE_NONE) return false; /* it says who goes */
    int64_t wanted = excess(node, coming);
    bool exhausted = memory->policy == POLICY_NOEVICTION;
    if (wanted > 0 && memory->policy != POLICY_NOEVICTION) {
        size_t max = SF_MIN(SF_MAX(coming / BYTES_A_KEY, (size_t)VICTIMS_MIN), (size_t)VICTIMS_MAX);
        evict(node, wanted, (uint32_t)max, &exhausted);
    }
    /* what comes may take the last room there is, as in Redis, but not more than there ever is */
    bool is_over = excess(node, 0) > 0 || (uint64_t)memory->maxmemory < coming;
    note_excess(node, is_over);
    return is_over && exhausted; /* else enough is on its way out, or more goes next turn */
}

void evictions_proposed(struct node *node, raft_index index, size_t bytes) {
    struct evictions *evictions = node->evictions;
    if (evictions->growing_from == 0) evictions->growing_from = index;
    evictions->growing_bytes += bytes;
}

void evictions_applied(struct node *node, raft_index index, uint8_t kind, size_t bytes) {
    struct evictions *evictions = node->evictions;
    if (kind == ENTRY_BATCH && evictions->growing_from != 0 && index >= evictions->growing_from)
        evictions->growing_bytes -= SF_MIN(evictions->growing_bytes, bytes);
    LIST_FOR_EACH(link, &evictions->flights) {
        struct flight *flight = SF_CONTAINER(link, struct flight, in_evictions);
        if (flight->index > index) break; /* one that was skipped is over too */
        flight_end(evictions, flight);
    }
}

/* -- the turn -------------------------------------------------------------------------------- */

static bool may_evict(const struct node *node) {
    const struct memory_policy *memory = engine_memory_policy(node->engine);
    return memory->maxmemory > 0 && node_is_leader_serving(node) && !raft_transferring(node->raft);
}

/* Where the limit was lowered, and nobody writes. */
void evictions_pump(struct node *node) {
    if (!may_evict(node)) {
        note_excess(node, false);
        return;
    }
    int64_t wanted = excess(node, 0);
    note_excess(node, wanted > 0);
    if (wanted <= 0 || node->evictions->n_flights >= FLIGHTS_MAX) return;
    if (engine_memory_policy(node->engine)->policy == POLICY_NOEVICTION) return;
    bool exhausted;
    if (evict(node, wanted, VICTIMS_MIN, &exhausted) > 0) node_wake(node);
}
