#include "data/sorted_set.h"

#include "data/size_class.h"
#include "util/codec.h"
#include <math.h>

enum { LONG_MEMBER = 255, LONG_HEADER = 5 };

struct slice sorted_element_member(const struct sorted_element *element) {
    if (element->rest[0] < LONG_MEMBER) return slice_of(element->rest + 1, element->rest[0]);
    return slice_of(element->rest + LONG_HEADER, load_u32(element->rest + 1));
}

static size_t element_size(size_t member_len) {
    return sizeof(struct sorted_element) + (member_len < LONG_MEMBER ? 1 : LONG_HEADER) +
           member_len;
}

static size_t element_bytes(const struct sorted_element *element) {
    return size_class(element_size(sorted_element_member(element).len));
}

static struct sorted_element *element_new(struct slice member, double score) {
    SF_ASSERT(!isnan(score) && member.len <= UINT32_MAX);
    struct sorted_element *element = sf_alloc(element_size(member.len));
    element->score = score;
    bool is_long = member.len >= LONG_MEMBER;
    element->rest[0] = is_long ? LONG_MEMBER : (uint8_t)member.len;
    if (is_long) store_u32(element->rest + 1, (uint32_t)member.len);
    if (member.len > 0)
        memcpy(element->rest + (is_long ? LONG_HEADER : 1), member.data, member.len);
    return element;
}

static struct slice element_key(const void *item) {
    return sorted_element_member(item);
}

static int element_compare(const void *context, const void *a, const void *b) {
    (void)context;
    const struct sorted_element *left = a, *right = b;
    if (left->score != right->score) return left->score < right->score ? -1 : 1;
    return a == b ? 0 : slice_compare(sorted_element_member(left), sorted_element_member(right));
}

void sorted_set_type_init(struct sorted_set_type *type, const struct hash_secret *secret) {
    *type = (struct sorted_set_type){.by_member = {.secret = *secret, .key = element_key},
        .by_score = {.compare = element_compare}};
}

struct sorted_set *sorted_set_new(const struct sorted_set_type *type) {
    struct sorted_set *set = sf_alloc(sizeof *set);
    table_init(&set->members, &type->by_member);
    btree_init(&set->order, &type->by_score);
    set->element_bytes = 0;
    return set;
}

static void element_drop(void *context, void *item) {
    (void)context;
    sf_free(item);
}

bool sorted_set_free_some(struct sorted_set *set, uint64_t *budget) {
    if (set->order.n > 0) {
        uint64_t gone = btree_drop_some(&set->order, *budget, NULL, NULL);
        *budget -= SF_MIN(gone, *budget);
        if (set->order.n > 0) return false;
    }
    uint64_t gone = table_drop_some(&set->members, *budget, element_drop, NULL);
    *budget -= SF_MIN(gone, *budget);
    if (table_size(&set->members) > 0) return false;
    sf_free(set);
    return true;
}

void sorted_set_free(struct sorted_set *set) {
    btree_drop_some(&set->order, UINT64_MAX, NULL, NULL);
    table_drop_some(&set->members, UINT64_MAX, element_drop, NULL);
    sf_free(set);
}

static uint64_t member_hash(const struct sorted_set *set, struct slice member) {
    return table_hash(set->members.type, member);
}

struct sorted_set *sorted_set_copy(const struct sorted_set *set, struct breath *breath) {
    struct sorted_set *copy = sf_alloc(sizeof *copy);
    table_init(&copy->members, set->members.type);
    btree_init(&copy->order, set->order.type);
    copy->element_bytes = 0;
    struct btree_cursor cursor;
    const struct sorted_element *element = btree_seek(&set->order, 0, &cursor);
    for (; element != NULL; element = btree_next(&cursor)) {
        breath_spend(breath, 1);
        sorted_set_add(copy, sorted_element_member(element), element->score);
    }
    return copy;
}

uint64_t sorted_set_size(const struct sorted_set *set) {
    return set->order.n;
}

size_t sorted_set_bytes(const struct sorted_set *set) {
    return size_class(sizeof *set) + set->element_bytes + table_bytes(&set->members) +
           btree_bytes(&set->order);
}

const struct sorted_element *sorted_set_find(const struct sorted_set *set, struct slice member) {
    return table_find(&set->members, member_hash(set, member), member);
}

uint64_t sorted_set_rank(const struct sorted_set *set, const struct sorted_element *element) {
    uint64_t rank;
    const void *found = btree_lower_bound(&set->order, NULL, element, NULL, &rank);
    SF_ASSERT(found == element);
    return rank;
}

void sorted_set_add(struct sorted_set *set, struct slice member, double score) {
    struct sorted_element *element = element_new(member, score);
    const void *replaced = table_put(&set->members, member_hash(set, member), element);
    SF_ASSERT(replaced == NULL);
    btree_insert(&set->order, element);
    set->element_bytes += element_bytes(element);
}

void sorted_set_rescore(
    struct sorted_set *set, const struct sorted_element *element, double score) {
    SF_ASSERT(!isnan(score));
    bool moves = element->score != score;
    struct sorted_element *own =
        moves ? btree_remove(&set->order, element) : btree_find(&set->order, element);
    SF_ASSERT(own == element);
    own->score = score; /* -0 in the place of 0 changes no order */
    if (moves) btree_insert(&set->order, own);
}

void sorted_set_remove(struct sorted_set *set, const struct sorted_element *element) {
    struct slice member = sorted_element_member(element);
    struct sorted_element *own = btree_remove(&set->order, element);
    SF_ASSERT(own == element);
    const void *removed = table_remove(&set->members, member_hash(set, member), member);
    SF_ASSERT(removed == own);
    set->element_bytes -= element_bytes(own);
    sf_free(own);
}
