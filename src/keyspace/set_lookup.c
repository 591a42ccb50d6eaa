#include "keyspace/set_lookup.h"

#include "util/hash.h"

enum {
    MEMBERS_MIN = 16, /* fewer are soon compared */
    QUESTIONS_MIN = 8,
};

static uint32_t first_place(const struct set_lookup *lookup, struct slice member) {
    return crc32c(member) & lookup->mask;
}

void set_lookup_begin(
    struct set_lookup *lookup, const struct collection *set, uint64_t n_questions) {
    *lookup = (struct set_lookup){.set = set};
    if (set->value == NULL || set->encoding != ENCODING_LISTPACK) return;
    const struct listpack *listpack = set->value;
    uint64_t n = listpack_count(listpack);
    if (n < MEMBERS_MIN || n_questions < QUESTIONS_MIN) return;
    uint32_t size = 2 * MEMBERS_MIN;
    while (size < 2 * n) size *= 2;
    lookup->places = sf_alloc_zero(size, sizeof *lookup->places);
    lookup->mask = size - 1;
    for (size_t at = listpack_first(listpack); at != 0; at = listpack_next(listpack, at)) {
        char scratch[INT_TEXT_MAX];
        uint32_t place = first_place(lookup, listpack_text(listpack, at, scratch));
        while (lookup->places[place] != 0) place = (place + 1) & lookup->mask;
        lookup->places[place] = (uint32_t)at;
    }
}

void set_lookup_end(struct set_lookup *lookup) {
    sf_free(lookup->places);
    lookup->places = NULL;
}

bool set_lookup_has(const struct set_lookup *lookup, struct slice member) {
    if (lookup->places == NULL)
        return lookup->set->value != NULL && set_contains(lookup->set, member);
    uint32_t place = first_place(lookup, member);
    for (; lookup->places[place] != 0; place = (place + 1) & lookup->mask) {
        if (listpack_equals(lookup->set->value, lookup->places[place], member)) return true;
    }
    return false;
}
