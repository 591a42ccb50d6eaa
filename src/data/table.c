/* Extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979) over segments of ordered linear
 * probing (Amble and Knuth 1974).
 *
 *   hash   [ directory index: top `depth` bits | tag: the 16 bits below that | rest ]
 *
 *   directory refs[0 .. 2^D)     a segment of depth d <= D fills 2^(D-d) places in a row
 *             counts[0 .. 2^D)   its items, at the first of those places; 0 at the others
 *             sums[0 .. 2^D/64]  of 64 counts each
 *
 *   reference (64 bits)   [ step: 10 | depth: 6 | address: 48 ]
 *   slot      (64 bits)   [ tag: 16 | item's address: 48 ]   0: empty
 *
 *   segment   header (8 bytes) | n_slots slots | one occupancy bit for each slot
 *
 * A segment's slots are in the order of (hash, key). Slot i is home to the tags t with
 * t * homes >> 16 == i; an item stands at its home or right of it, with no empty slot between;
 * nothing wraps: behind the homes there is a tail, whose last slot stays empty so that every
 * probe ends. homes follows from the step, which the reference carries: a look-up does not
 * read the header. The order inside equal tags (a handful in a full segment) is kept by hashing
 * again. Tags are made anew when a segment splits; merging needs no hashing.
 *
 * A step is a size in 8-byte units, four to a doubling like jemalloc's size classes, so that a
 * segment fills its allocation exactly: from 96 bytes (10 slots) to 8 KiB (1,007 slots), each an
 * eighth to a quarter above the one before. Hence 3/4 to 7/8 of the homes are in use however
 * many keys there are. Full at 8 KiB it splits. Where many hashes share a prefix (which a secret
 * hash does not produce) the directory would have to double for one segment: it does so only while
 * it has 128 items a place on average; beyond that the segment itself grows. */
#include "data/table.h"

#include "data/size_class.h"

enum {
    FIRST_STEP = 6,  /* 12 units: 96 bytes */
    SPLIT_STEP = 32, /* 1024 units: 8 KiB; a full segment of this step splits */
    LAST_STEP = 56,  /* 65,536 units: more homes than tags would be of no use */
    MERGE_ITEMS = 480,
    ITEMS_A_PLACE = 128, /* on average, before the directory may double */
};

#define ADDRESS_MASK (((uint64_t)1 << 48) - 1)

struct segment {
    uint32_t n;
    uint32_t n_slots; /* with the tail and the last, always empty one */
    uint64_t slots[]; /* then the bitmap */
};

struct table_directory {
    uint64_t n; /* items */
    size_t segment_bytes;
    uint64_t end;       /* places in use: below 2^depth only while the table is dropped */
    uint64_t n_deepest; /* segments of the directory's own depth: at 0 it can halve */
    uint32_t depth;
    uint64_t *refs;
    uint64_t *sums;
    uint32_t *counts;
};

/* -- words ----------------------------------------------------------------------------------- */

static inline struct segment *ref_segment(uint64_t ref) {
    return (struct segment *)(uintptr_t)(ref & ADDRESS_MASK);
}

static inline uint32_t ref_depth(uint64_t ref) {
    return (uint32_t)(ref >> 48) & 63;
}

static inline uint32_t ref_step(uint64_t ref) {
    return (uint32_t)(ref >> 54);
}

static inline uint64_t ref_of(const struct segment *segment, uint32_t depth, uint32_t step) {
    uint64_t address = (uint64_t)(uintptr_t)segment;
    SF_ASSERT((address & ~ADDRESS_MASK) == 0);
    return address | (uint64_t)depth << 48 | (uint64_t)step << 54;
}

static inline void *slot_item(uint64_t slot) {
    return (void *)(uintptr_t)(slot & ADDRESS_MASK);
}

static inline uint32_t slot_tag(uint64_t slot) {
    return (uint32_t)(slot >> 48);
}

static inline uint64_t slot_of(uint32_t tag, const void *item) {
    uint64_t address = (uint64_t)(uintptr_t)item;
    SF_ASSERT(address != 0 && (address & ~ADDRESS_MASK) == 0);
    return (uint64_t)tag << 48 | address;
}

static inline uint32_t hash_tag(uint64_t hash, uint32_t depth) {
    return (uint32_t)((hash << depth) >> 48);
}

static inline uint32_t step_units(uint32_t step) {
    return (4 + (step & 3)) << (step >> 2);
}

static inline uint32_t step_homes(uint32_t step) {
    uint32_t units = step_units(step);
    return units - (units >> 4) - 5;
}

static inline uint32_t home_of(uint32_t tag, uint32_t homes) {
    return (uint32_t)(((uint64_t)tag * homes) >> 16);
}

/* The most items before it grows. */
static inline uint32_t step_limit(uint32_t step) {
    uint32_t homes = step_homes(step);
    return step == LAST_STEP ? UINT32_MAX - 1 : homes - homes / 8;
}

/* The smallest step in which n items leave a quarter of the homes free. */
static uint32_t step_for(uint64_t n) {
    uint32_t step = FIRST_STEP;
    while (step < LAST_STEP && (uint64_t)step_homes(step) * 3 / 4 < n) step++;
    return step;
}

static inline uint64_t item_hash(const struct table *table, const void *item) {
    return table_hash(table->type, table->type->key(item));
}

/* -- segments -------------------------------------------------------------------------------- */

static inline uint64_t *segment_bits(struct segment *segment) {
    return segment->slots + segment->n_slots;
}

static size_t segment_size(uint32_t n_slots) {
    return sizeof(struct segment) + 8 * ((size_t)n_slots + (n_slots + 63) / 64);
}

/* The slots that fill a step's allocation. */
static uint32_t step_slots(uint32_t step) {
    uint32_t words = step_units(step) - (uint32_t)sizeof(struct segment) / 8;
    uint32_t n_slots = words * 64 / 65;
    while (segment_size(n_slots) > (size_t)step_units(step) * 8) n_slots--;
    return n_slots;
}

static size_t segment_bytes(const struct segment *segment) {
    return size_class(segment_size(segment->n_slots));
}

static void segment_set(struct segment *segment, uint32_t at, uint64_t slot) {
    segment->slots[at] = slot;
    segment_bits(segment)[at / 64] |= (uint64_t)1 << (at % 64);
}

/* A segment that holds the slots items[0..n), given in order and with tags of its depth. Room for
 * one more is certain behind its last item, whatever the tags. */
static struct segment *segment_build(const uint64_t *items, uint32_t n, uint32_t step) {
    uint32_t homes = step_homes(step), n_slots = step_slots(step), end = 0;
    for (uint32_t i = 0; i < n; i++) end = SF_MAX(home_of(slot_tag(items[i]), homes), end) + 1;
    if (end + 2 > n_slots) n_slots = end + 2 + end / 8;
    struct segment *segment = sf_alloc_zero(1, segment_size(n_slots));
    segment->n = n;
    segment->n_slots = n_slots;
    uint32_t next = 0;
    for (uint32_t i = 0; i < n; i++) {
        next = SF_MAX(home_of(slot_tag(items[i]), homes), next);
        segment_set(segment, next++, items[i]);
    }
    return segment;
}

/* Appends the occupied slots to out, in order; returns how many. */
static uint32_t segment_gather(struct segment *segment, uint64_t *out) {
    uint32_t n = 0;
    for (uint32_t at = 0; at < segment->n_slots; at++) {
        if (segment->slots[at] != 0) out[n++] = segment->slots[at];
    }
    SF_ASSERT(n == segment->n);
    return n;
}

/* The first empty slot at or behind `at`; the segment's last slot is one. */
static uint32_t segment_next_empty(struct segment *segment, uint32_t at) {
    const uint64_t *bits = segment_bits(segment);
    uint32_t word = at / 64;
    uint64_t empty = ~bits[word] & (~(uint64_t)0 << (at % 64));
    while (empty == 0) empty = ~bits[++word];
    return word * 64 + (uint32_t)__builtin_ctzll(empty);
}

/* The first occupied slot at or behind `at`; n_slots when there is none. */
static uint32_t segment_next_used(struct segment *segment, uint32_t at) {
    const uint64_t *bits = segment_bits(segment);
    uint32_t n_words = (segment->n_slots + 63) / 64, word = at / 64;
    if (at >= segment->n_slots) return segment->n_slots;
    uint64_t used = bits[word] & (~(uint64_t)0 << (at % 64));
    while (used == 0) {
        if (++word == n_words) return segment->n_slots;
        used = bits[word];
    }
    return word * 64 + (uint32_t)__builtin_ctzll(used);
}

/* The slot of the item of that rank within the segment. */
static uint32_t segment_select(struct segment *segment, uint32_t rank) {
    const uint64_t *bits = segment_bits(segment);
    for (uint32_t word = 0;; word++) {
        uint32_t here = (uint32_t)__builtin_popcountll(bits[word]);
        if (rank >= here) {
            rank -= here;
            continue;
        }
        uint64_t left = bits[word];
        while (rank-- > 0) left &= left - 1;
        return word * 64 + (uint32_t)__builtin_ctzll(left);
    }
}

/* Shifts what stands at `at` and directly behind to the right by one and puts slot there; false
 * when only the last slot is free. */
static bool segment_insert(struct segment *segment, uint32_t at, uint64_t slot) {
    uint32_t hole = segment_next_empty(segment, at);
    if (hole + 1 >= segment->n_slots) return false;
    memmove(segment->slots + at + 1, segment->slots + at, (size_t)(hole - at) * 8);
    segment->slots[at] = slot;
    segment_bits(segment)[hole / 64] |= (uint64_t)1 << (hole % 64);
    segment->n++;
    return true;
}

/* Takes the slot out and moves its followers back as far as their homes allow. */
static void segment_delete(struct segment *segment, uint32_t at, uint32_t homes) {
    uint32_t end = at + 1;
    while (segment->slots[end] != 0 && home_of(slot_tag(segment->slots[end]), homes) < end) end++;
    memmove(segment->slots + at, segment->slots + at + 1, (size_t)(end - at - 1) * 8);
    segment->slots[end - 1] = 0;
    segment_bits(segment)[(end - 1) / 64] &= ~((uint64_t)1 << ((end - 1) % 64));
    segment->n--;
}

/* -- the directory --------------------------------------------------------------------------- */

static size_t directory_size(uint32_t depth) {
    size_t places = (size_t)1 << depth;
    return sizeof(struct table_directory) + places * 12 + (places + 63) / 64 * 8;
}

static struct table_directory *directory_new(uint32_t depth) {
    size_t places = (size_t)1 << depth, n_sums = (places + 63) / 64;
    struct table_directory *directory = sf_alloc_zero(1, directory_size(depth));
    directory->depth = depth;
    directory->end = places;
    directory->refs = (uint64_t *)(directory + 1);
    directory->sums = directory->refs + places;
    directory->counts = (uint32_t *)(directory->sums + n_sums);
    return directory;
}

static inline uint64_t directory_index(const struct table_directory *directory, uint64_t hash) {
    return directory->depth == 0 ? 0 : hash >> (64 - directory->depth);
}

static inline uint64_t directory_span(const struct table_directory *directory, uint64_t ref) {
    return (uint64_t)1 << (directory->depth - ref_depth(ref));
}

static void directory_count(struct table_directory *directory, uint64_t first, uint32_t n) {
    directory->sums[first / 64] += (uint64_t)n - directory->counts[first];
    directory->counts[first] = n;
}

/* Enters a segment at the places that it covers. */
static void directory_enter(struct table_directory *directory, uint64_t first, uint64_t ref) {
    uint64_t span = directory_span(directory, ref);
    for (uint64_t i = first; i < first + span; i++) {
        directory_count(directory, i, 0);
        directory->refs[i] = ref;
    }
    directory_count(directory, first, ref_segment(ref)->n);
}

/* Moves every segment to a directory of another depth. */
static void directory_resize(struct table *table, uint32_t depth) {
    struct table_directory *old = table->directory, *resized = directory_new(depth);
    resized->n = old->n;
    resized->segment_bytes = old->segment_bytes;
    for (uint64_t i = 0; i < old->end; i += directory_span(old, old->refs[i])) {
        uint64_t ref = old->refs[i];
        uint64_t first = depth > old->depth ? i << (depth - old->depth) : i >> (old->depth - depth);
        directory_enter(resized, first, ref);
        resized->n_deepest += ref_depth(ref) == depth;
    }
    sf_free(old);
    table->directory = resized;
}

/* -- places: a segment as the table refers to it --------------------------------------------- */

struct place {
    uint64_t ref;
    uint64_t first; /* in the directory */
};

static inline uint64_t table_ref(const struct table *table, uint64_t hash) {
    const struct table_directory *directory = table->directory;
    return directory == NULL ? table->root : directory->refs[directory_index(directory, hash)];
}

static struct place table_place(const struct table *table, uint64_t hash) {
    const struct table_directory *directory = table->directory;
    if (directory == NULL) return (struct place){table->root, 0};
    uint64_t index = directory_index(directory, hash), ref = directory->refs[index];
    return (struct place){ref, index & ~(directory_span(directory, ref) - 1)};
}

/* Puts a newly built segment in the place of another of the same depth. */
static void place_rebuild(struct table *table, struct place place, uint32_t step) {
    struct segment *old = ref_segment(place.ref);
    uint64_t *items = sf_alloc((size_t)old->n * 8);
    struct segment *segment = segment_build(items, segment_gather(old, items), step);
    uint64_t ref = ref_of(segment, ref_depth(place.ref), step);
    if (table->directory == NULL) {
        table->root = ref;
    } else {
        table->directory->segment_bytes += segment_bytes(segment) - segment_bytes(old);
        directory_enter(table->directory, place.first, ref);
    }
    sf_free(items);
    sf_free(old);
}

static void place_counted(struct table *table, struct place place) {
    struct table_directory *directory = table->directory;
    if (directory == NULL) return;
    uint32_t n = ref_segment(place.ref)->n;
    directory->n += (uint64_t)n - directory->counts[place.first];
    directory_count(directory, place.first, n);
}

/* -- growing --------------------------------------------------------------------------------- */

/* Whether the segment may be halved: the directory has a bit for it, or may get one. */
static bool may_split(const struct table *table, uint32_t depth) {
    const struct table_directory *directory = table->directory;
    if (directory == NULL) return true;
    if (depth < directory->depth) return true;
    return directory->n >> (directory->depth + 1) >= ITEMS_A_PLACE;
}

static void directory_begin(struct table *table) {
    struct segment *segment = ref_segment(table->root);
    struct table_directory *directory = directory_new(0);
    directory->n = segment->n;
    directory->segment_bytes = segment_bytes(segment);
    directory->n_deepest = 1;
    table->directory = directory;
    directory_enter(directory, 0, table->root);
    table->root = 0;
}

/* Gives the slots the tags of the next depth; returns how many belong to the lower half. */
static uint32_t retag(const struct table *table, uint64_t *items, uint32_t n, uint32_t depth) {
    enum { AHEAD = 12 };
    uint32_t n_low = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(slot_item(items[i + AHEAD]));
        void *item = slot_item(items[i]);
        uint64_t hash = item_hash(table, item);
        if ((hash >> (63 - depth) & 1) == 0) n_low = i + 1;
        items[i] = slot_of(hash_tag(hash, depth + 1), item);
    }
    return n_low;
}

static void place_split(struct table *table, struct place place) {
    if (table->directory == NULL) directory_begin(table);
    struct segment *old = ref_segment(place.ref);
    uint32_t depth = ref_depth(place.ref);
    if (depth == table->directory->depth) {
        directory_resize(table, depth + 1);
        place.first *= 2;
    }
    struct table_directory *directory = table->directory;
    uint64_t *items = sf_alloc((size_t)old->n * 8);
    uint32_t n = segment_gather(old, items), n_low = retag(table, items, n, depth);
    uint32_t low_step = step_for(n_low), high_step = step_for(n - n_low);
    struct segment *low = segment_build(items, n_low, low_step);
    struct segment *high = segment_build(items + n_low, n - n_low, high_step);
    uint64_t half = directory_span(directory, place.ref) / 2;
    directory_enter(directory, place.first, ref_of(low, depth + 1, low_step));
    directory_enter(directory, place.first + half, ref_of(high, depth + 1, high_step));
    if (depth + 1 == directory->depth) directory->n_deepest += 2;
    directory->segment_bytes += segment_bytes(low) + segment_bytes(high) - segment_bytes(old);
    sf_free(items);
    sf_free(old);
}

/* After some of these the segment of the place has room for one more. */
static void place_grow(struct table *table, struct place place) {
    uint32_t n = ref_segment(place.ref)->n, step = ref_step(place.ref);
    bool crowded = n + 1 > step_limit(step) || n > step_homes(step) / 2;
    if (step >= SPLIT_STEP && may_split(table, ref_depth(place.ref))) {
        place_split(table, place);
    } else if (crowded && step < LAST_STEP) {
        place_rebuild(table, place, step + 1);
    } else {
        place_rebuild(table, place, step); /* a cluster at the end: a longer tail */
    }
}

/* -- shrinking ------------------------------------------------------------------------------- */

static void directory_shrink(struct table *table) {
    while (table->directory->n_deepest == 0 && table->directory->depth > 0)
        directory_resize(table, table->directory->depth - 1);
    if (table->directory->depth > 0) return;
    table->root = table->directory->refs[0];
    sf_free(table->directory);
    table->directory = NULL;
}

/* Gathers a segment's slots with the tags of one depth less. */
static uint32_t gather_up(struct segment *segment, uint32_t bit, uint64_t *out) {
    uint32_t n = segment_gather(segment, out);
    for (uint32_t i = 0; i < n; i++)
        out[i] = slot_of(bit << 15 | slot_tag(out[i]) >> 1, slot_item(out[i]));
    return n;
}

/* Joins the place with its other half when both are small; false when they cannot. */
static bool place_merge(struct table *table, struct place *place) {
    struct table_directory *directory = table->directory;
    uint32_t depth = ref_depth(place->ref);
    if (directory == NULL || depth == 0) return false;
    uint64_t span = directory_span(directory, place->ref);
    uint64_t low_first = place->first & ~span, high_first = place->first | span;
    uint64_t low_ref = directory->refs[low_first], high_ref = directory->refs[high_first];
    if (ref_depth(low_ref) != depth || ref_depth(high_ref) != depth) return false;
    struct segment *low = ref_segment(low_ref), *high = ref_segment(high_ref);
    if (low->n + high->n > MERGE_ITEMS) return false;

    uint64_t items[MERGE_ITEMS];
    uint32_t n_low = gather_up(low, 0, items);
    uint32_t n = n_low + gather_up(high, 1, items + n_low), step = step_for(n);
    struct segment *joined = segment_build(items, n, step);
    *place = (struct place){ref_of(joined, depth - 1, step), low_first};
    directory->segment_bytes += segment_bytes(joined) - segment_bytes(low) - segment_bytes(high);
    directory_enter(directory, low_first, place->ref);
    if (depth == directory->depth) directory->n_deepest -= 2;
    sf_free(low);
    sf_free(high);
    return true;
}

static void place_shrink(struct table *table, struct place place) {
    struct segment *segment = ref_segment(place.ref);
    uint32_t step = ref_step(place.ref);
    if (table->directory == NULL && segment->n == 0) {
        sf_free(segment);
        table->root = 0;
    } else if (segment->n < step_homes(step) / 2) {
        bool merged = false;
        while (place_merge(table, &place)) merged = true;
        if (merged) {
            directory_shrink(table);
        } else if (step_for(segment->n) < step) {
            place_rebuild(table, place, step_for(segment->n));
        }
    }
}

/* -- the interface --------------------------------------------------------------------------- */

void table_init(struct table *table, const struct table_type *type) {
    *table = (struct table){.type = type};
}

uint64_t table_size(const struct table *table) {
    if (table->directory != NULL) return table->directory->n;
    return table->root == 0 ? 0 : ref_segment(table->root)->n;
}

size_t table_bytes(const struct table *table) {
    const struct table_directory *directory = table->directory;
    if (directory != NULL)
        return directory->segment_bytes + size_class(directory_size(directory->depth));
    return table->root == 0 ? 0 : segment_bytes(ref_segment(table->root));
}

/* Where the hash's tag would stand if nothing were in its way. */
static inline uint64_t *ref_home(uint64_t ref, uint64_t hash) {
    uint32_t tag = hash_tag(hash, ref_depth(ref));
    return ref_segment(ref)->slots + home_of(tag, step_homes(ref_step(ref)));
}

void table_prefetch(const struct table *table, uint64_t hash) {
    uint64_t ref = table_ref(table, hash);
    if (ref != 0) __builtin_prefetch(ref_home(ref, hash));
}

void table_prefetch_item(const struct table *table, uint64_t hash) {
    uint64_t ref = table_ref(table, hash);
    if (ref == 0) return;
    uint32_t tag = hash_tag(hash, ref_depth(ref));
    const uint64_t *slot = ref_home(ref, hash);
    while (*slot != 0 && slot_tag(*slot) < tag) slot++;
    if (*slot != 0) __builtin_prefetch(slot_item(*slot));
}

/* The slot of the key, or NULL. */
static inline uint64_t *find_slot(
    const struct table *table, uint64_t ref, uint64_t hash, struct slice key) {
    if (ref == 0) return NULL;
    uint32_t tag = hash_tag(hash, ref_depth(ref));
    uint64_t *slot = ref_home(ref, hash);
    while (*slot != 0 && slot_tag(*slot) < tag) slot++;
    for (; *slot != 0 && slot_tag(*slot) == tag; slot++) {
        if (slice_equal(table->type->key(slot_item(*slot)), key)) return slot;
    }
    return NULL;
}

/* Where a new key belongs: behind all that are smaller by (hash, key). With no key: before all
 * items of that hash. */
static uint32_t lower_bound(
    const struct table *table, uint64_t ref, uint64_t hash, const struct slice *key) {
    uint32_t tag = hash_tag(hash, ref_depth(ref));
    const uint64_t *slot = ref_home(ref, hash);
    while (*slot != 0 && slot_tag(*slot) < tag) slot++;
    for (; *slot != 0 && slot_tag(*slot) == tag; slot++) {
        const void *item = slot_item(*slot);
        uint64_t other = item_hash(table, item);
        if (other > hash) break;
        if (other < hash) continue;
        if (key == NULL || slice_compare(table->type->key(item), *key) > 0) break;
    }
    return (uint32_t)(slot - ref_segment(ref)->slots);
}

void *table_find(const struct table *table, uint64_t hash, struct slice key) {
    const uint64_t *slot = find_slot(table, table_ref(table, hash), hash, key);
    return slot == NULL ? NULL : slot_item(*slot);
}

static void table_begin(struct table *table) {
    table->root = ref_of(segment_build(NULL, 0, FIRST_STEP), 0, FIRST_STEP);
}

void *table_put(struct table *table, uint64_t hash, void *item) {
    struct slice key = table->type->key(item);
    uint64_t *slot = find_slot(table, table_ref(table, hash), hash, key);
    if (slot != NULL) {
        void *old = slot_item(*slot);
        *slot = slot_of(slot_tag(*slot), item);
        return old;
    }
    if (table->root == 0 && table->directory == NULL) table_begin(table);
    for (;;) {
        struct place place = table_place(table, hash);
        struct segment *segment = ref_segment(place.ref);
        uint64_t added = slot_of(hash_tag(hash, ref_depth(place.ref)), item);
        if (segment->n < step_limit(ref_step(place.ref)) &&
            segment_insert(segment, lower_bound(table, place.ref, hash, &key), added)) {
            place_counted(table, place);
            return NULL;
        }
        place_grow(table, place);
    }
}

/* Halves until a segment has between a third and two thirds of what it can hold. */
uint32_t table_depth_for(uint64_t n_items) {
    uint32_t depth = 0;
    while (n_items >> depth > step_limit(SPLIT_STEP) * 2 / 3) depth++;
    return depth;
}

void table_prepare(struct table *table, uint64_t hash, uint32_t depth, uint64_t n_items) {
    if (table->root == 0 && table->directory == NULL) table_begin(table);
    struct place place = table_place(table, hash);
    while (ref_segment(place.ref)->n == 0 && ref_depth(place.ref) < depth) {
        place_split(table, place);
        place = table_place(table, hash);
    }
    uint32_t step = step_for((n_items >> depth) + 16); /* some have a few more than others */
    if (ref_segment(place.ref)->n == 0 && ref_step(place.ref) < step)
        place_rebuild(table, place, step);
}

void table_replace(struct table *table, uint64_t hash, const void *old, void *item) {
    uint64_t ref = table_ref(table, hash);
    SF_ASSERT(ref != 0);
    uint64_t wanted = slot_of(hash_tag(hash, ref_depth(ref)), old);
    uint64_t *slot = ref_home(ref, hash);
    while (*slot != wanted) {
        SF_ASSERT(*slot != 0);
        slot++;
    }
    *slot = slot_of(slot_tag(wanted), item);
}

void *table_remove(struct table *table, uint64_t hash, struct slice key) {
    struct place place = table_place(table, hash);
    const uint64_t *slot = find_slot(table, place.ref, hash, key);
    if (slot == NULL) return NULL;
    void *item = slot_item(*slot);
    struct segment *segment = ref_segment(place.ref);
    segment_delete(segment, (uint32_t)(slot - segment->slots), step_homes(ref_step(place.ref)));
    place_counted(table, place);
    place_shrink(table, place);
    return item;
}

/* -- order ----------------------------------------------------------------------------------- */

struct table_iterator table_seek(const struct table *table, uint64_t hash) {
    struct place place = table_place(table, hash);
    struct table_iterator iterator = {.table = table, .index = place.first, .at = place.ref};
    if (place.ref != 0) iterator.slot = lower_bound(table, place.ref, hash, NULL);
    return iterator;
}

static void iterator_next_segment(struct table_iterator *iterator) {
    const struct table_directory *directory = iterator->table->directory;
    iterator->slot = 0;
    if (directory != NULL) iterator->index += directory_span(directory, iterator->at);
    iterator->at = directory == NULL || iterator->index == directory->end
                       ? 0
                       : directory->refs[iterator->index];
}

void *table_next(struct table_iterator *iterator) {
    while (iterator->at != 0) {
        struct segment *segment = ref_segment(iterator->at);
        uint32_t slot = segment_next_used(segment, iterator->slot);
        if (slot < segment->n_slots) {
            iterator->slot = slot + 1;
            return slot_item(segment->slots[slot]);
        }
        iterator_next_segment(iterator);
    }
    return NULL;
}

void table_walk(const struct table *table, table_visit *visit, void *context) {
    struct table_iterator iterator = table_seek(table, 0);
    for (void *item; (item = table_next(&iterator)) != NULL;) {
        if (!visit(context, item)) return;
    }
}

uint64_t table_scan(
    const struct table *table, uint64_t cursor, uint64_t count, table_visit *visit, void *context) {
    enum { SHIFT = 64 - TABLE_CURSOR_BITS };
    if (cursor >> TABLE_CURSOR_BITS != 0) return 0; /* behind every hash */
    struct table_iterator iterator = table_seek(table, cursor << SHIFT);
    uint64_t seen = 0, group = 0;
    bool enough = false;
    for (void *item; (item = table_next(&iterator)) != NULL; seen++) {
        uint64_t prefix = item_hash(table, item) >> SHIFT;
        if (seen > 0 && prefix != group && (enough || seen >= count)) return prefix;
        group = prefix;
        if (!visit(context, item)) enough = true;
    }
    return 0;
}

void *table_at(const struct table *table, uint64_t rank) {
    SF_ASSERT(rank < table_size(table));
    const struct table_directory *directory = table->directory;
    uint64_t ref = table->root;
    if (directory != NULL) {
        uint64_t index = 0;
        for (; rank >= directory->sums[index]; index++) rank -= directory->sums[index];
        for (index *= 64; rank >= directory->counts[index]; index++)
            rank -= directory->counts[index];
        ref = directory->refs[index];
    }
    struct segment *segment = ref_segment(ref);
    return slot_item(segment->slots[segment_select(segment, (uint32_t)rank)]);
}

/* -- the end --------------------------------------------------------------------------------- */

static uint64_t segment_drop(
    struct segment *segment, void (*drop)(void *context, void *item), void *context) {
    enum { AHEAD = 8 };
    uint64_t n = segment->n;
    for (uint32_t at = 0; drop != NULL && at < segment->n_slots; at++) {
        if (at + AHEAD < segment->n_slots)
            __builtin_prefetch(slot_item(segment->slots[at + AHEAD]));
        if (segment->slots[at] != 0) drop(context, slot_item(segment->slots[at]));
    }
    sf_free(segment);
    return n;
}

uint64_t table_drop_some(
    struct table *table, uint64_t budget, void (*drop)(void *context, void *item), void *context) {
    struct table_directory *directory = table->directory;
    uint64_t dropped = 0;
    if (table->root != 0) {
        dropped = segment_drop(ref_segment(table->root), drop, context);
        table->root = 0;
    }
    while (directory != NULL && directory->end > 0 && dropped < budget) {
        uint64_t ref = directory->refs[directory->end - 1];
        struct segment *segment = ref_segment(ref);
        directory->segment_bytes -= segment_bytes(segment);
        directory->n -= segment->n;
        directory->end -= directory_span(directory, ref);
        dropped += 1 + segment_drop(segment, drop, context);
    }
    if (directory != NULL && directory->end == 0) {
        sf_free(directory);
        table->directory = NULL;
    }
    return dropped;
}
