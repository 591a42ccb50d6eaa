#include "commands/pick.h"

#include "util/hash.h"
#include <stdlib.h>

/* The ranks chosen so far, by open addressing; each is held as itself + 1. */
struct chosen {
    uint64_t *slots;
    uint64_t mask;
};

static struct chosen chosen_new(uint64_t k) {
    uint64_t n_slots = 4;
    while (n_slots < k * 2) n_slots *= 2;
    return (struct chosen){sf_alloc_zero(n_slots, sizeof(uint64_t)), n_slots - 1};
}

/* false: it was chosen before. */
static bool chosen_add(struct chosen *chosen, uint64_t rank) {
    uint64_t at = hash_mix(rank) & chosen->mask;
    while (chosen->slots[at] != 0) {
        if (chosen->slots[at] == rank + 1) return false;
        at = (at + 1) & chosen->mask;
    }
    chosen->slots[at] = rank + 1;
    return true;
}

static int compare_ranks(const void *a, const void *b) {
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

/* Floyd's algorithm (Bentley, Programming Pearls 1987): a rank that was chosen before stands for
 * the newest one. */
uint64_t *pick_distinct(struct random *random, uint64_t n, uint64_t k) {
    SF_ASSERT(k <= n);
    uint64_t *ranks = sf_alloc(k * sizeof *ranks);
    struct chosen chosen = chosen_new(k);
    for (uint64_t i = 0; i < k; i++) {
        uint64_t newest = n - k + i, rank = random_below(random, newest + 1);
        if (!chosen_add(&chosen, rank)) {
            rank = newest;
            chosen_add(&chosen, rank);
        }
        ranks[i] = rank;
    }
    sf_free(chosen.slots);
    if (k > 1) qsort(ranks, k, sizeof *ranks, compare_ranks);
    return ranks;
}

void flat_add(struct flat *flat, struct slice element) {
    if (flat->n == flat->room) {
        flat->room = SF_MAX(flat->room * 2, (uint64_t)64);
        flat->ends = sf_realloc(flat->ends, flat->room * sizeof *flat->ends);
    }
    buf_append_slice(&flat->text, element);
    flat->ends[flat->n++] = flat->text.len;
}

struct slice flat_at(const struct flat *flat, uint64_t rank) {
    SF_ASSERT(rank < flat->n);
    size_t begin = rank == 0 ? 0 : flat->ends[rank - 1];
    const char *text = buf_slice(&flat->text).data;
    return slice_of(text == NULL ? NULL : text + begin, flat->ends[rank] - begin);
}

void flat_free(struct flat *flat) {
    buf_free(&flat->text);
    sf_free(flat->ends);
    *flat = (struct flat){0};
}
