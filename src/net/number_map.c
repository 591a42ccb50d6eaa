#include "net/number_map.h"

#include "util/hash.h"

struct number_slot {
    uint64_t number;
    void *value; /* NULL: free */
};

void number_map_free(struct number_map *map) {
    sf_free(map->slots);
    *map = (struct number_map){0};
}

/* Where number is, or the free slot where it would go. */
static size_t find(const struct number_map *map, uint64_t number) {
    size_t mask = map->capacity - 1;
    size_t at = hash_mix(number) & mask;
    while (map->slots[at].value != NULL && map->slots[at].number != number) at = (at + 1) & mask;
    return at;
}

static void grow(struct number_map *map) {
    struct number_map larger = {.capacity = map->capacity == 0 ? 64 : map->capacity * 2};
    larger.slots = sf_alloc_zero(larger.capacity, sizeof(*larger.slots));
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value == NULL) continue;
        larger.slots[find(&larger, map->slots[i].number)] = map->slots[i];
        larger.count++;
    }
    number_map_free(map);
    *map = larger;
}

void number_map_put(struct number_map *map, uint64_t number, void *value) {
    SF_ASSERT(value != NULL);
    if (map->count * 2 >= map->capacity) grow(map);
    struct number_slot *slot = &map->slots[find(map, number)];
    if (slot->value == NULL) map->count++;
    *slot = (struct number_slot){number, value};
}

void *number_map_get(const struct number_map *map, uint64_t number) {
    return map->capacity == 0 ? NULL : map->slots[find(map, number)].value;
}

void number_map_remove(struct number_map *map, uint64_t number) {
    if (map->capacity == 0) return;
    size_t mask = map->capacity - 1;
    size_t hole = find(map, number);
    if (map->slots[hole].value == NULL) return;
    map->count--;
    /* Linear probing without tombstones: whatever could not be found past the hole moves into it.
     */
    for (size_t at = (hole + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t home = hash_mix(map->slots[at].number) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole].value = NULL;
}
