/* Members with scores, in the order of (score, member bytes): a table from member to element and a
 * counted B-tree of the same elements, so that score, rank, the member of a rank and the borders of
 * ranges are all cheap. For large sorted sets.
 *
 * What can be observed (order, ranks, the table's order of a scan) is a function of members, scores
 * and the secret alone (invariant S1). Scores are never NaN (asserted); -0 equals 0 in the
 * order and is kept as it is. */
#ifndef SF_DATA_SORTED_SET_H
#define SF_DATA_SORTED_SET_H

#include "data/btree.h"
#include "data/table.h"
#include "util/breath.h"

/* score 8, length 1 (4 more follow where it is 255), bytes */
struct sorted_element {
    double score;
    uint8_t rest[];
};

struct slice sorted_element_member(const struct sorted_element *element);

/* What the sorted sets of one kind share. Outlives them all; must not move. */
struct sorted_set_type {
    struct table_type by_member;
    struct btree_type by_score;
};
void sorted_set_type_init(struct sorted_set_type *type, const struct hash_secret *secret);

struct sorted_set {
    struct table members;
    struct btree order;
    size_t element_bytes; /* of the elements, as the allocator rounds */
};

struct sorted_set *sorted_set_new(const struct sorted_set_type *type);
void sorted_set_free(struct sorted_set *set);
struct sorted_set *sorted_set_copy(
    const struct sorted_set *set, struct breath *breath); /* or NULL */
/* Frees at least budget elements, and the set itself when none is left: true, it is gone. After
 * the first call only this function may be used on it. */
bool sorted_set_free_some(struct sorted_set *set, uint64_t *budget);

uint64_t sorted_set_size(const struct sorted_set *set);
size_t sorted_set_bytes(const struct sorted_set *set); /* an estimate */

/* NULL when absent. */
const struct sorted_element *sorted_set_find(const struct sorted_set *set, struct slice member);
/* The number of elements in front of one of the set. */
uint64_t sorted_set_rank(const struct sorted_set *set, const struct sorted_element *element);

/* member must be absent (asserted). */
void sorted_set_add(struct sorted_set *set, struct slice member, double score);
void sorted_set_rescore(struct sorted_set *set, const struct sorted_element *element, double score);
void sorted_set_remove(struct sorted_set *set, const struct sorted_element *element);

#endif
