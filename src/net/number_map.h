/* From the numbers that the node knows clients and links by to what they are here. */
#ifndef SF_NET_NUMBER_MAP_H
#define SF_NET_NUMBER_MAP_H

#include "util/base.h"

/* Open addressing, at most half full; {0} is a valid empty map. */
struct number_map {
    struct number_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void number_map_free(struct number_map *map);
void number_map_put(struct number_map *map, uint64_t number, void *value); /* value not NULL */
void *number_map_get(const struct number_map *map, uint64_t number);       /* NULL when absent */
void number_map_remove(struct number_map *map, uint64_t number);

#endif
