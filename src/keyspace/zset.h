/* Sorted sets: while they are small, a listpack of members, each with its score behind it, in the
 * order of (score, member); a table and a tree (data/sorted_set.h) when they are large.
 *
 * A listpack holds a score as text, the integers among them as numbers: so -0 becomes 0 there, as
 * it does in Redis. */
#ifndef SF_KEYSPACE_ZSET_H
#define SF_KEYSPACE_ZSET_H

#include "data/listpack.h"
#include "data/sorted_set.h"
#include "keyspace/collection.h"

/* A new, empty sorted set, in the form for n members of up to longest bytes. */
struct collection zset_new(const struct collection_types *types,
    const struct thresholds *thresholds, uint64_t n, size_t longest);

/* One that was put together by itself; *set is NULL afterwards. In the large form until
 * zset_compact makes it a listpack, if it is small enough. */
struct collection zset_of(const struct collection_types *types, struct sorted_set **set);
void zset_compact(struct collection *zset, const struct thresholds *thresholds);

/* A sorted set of ready-made members, each with its score behind it as text or number, in any
 * order; moved (NULL afterwards). The large form where they are more than the thresholds allow,
 * whatever their lengths. Its value is NULL where they are no sorted set. */
struct collection zset_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed);

static inline uint64_t zset_size(const struct collection *zset) {
    return collection_size(zset);
}

/* -- looking --------------------------------------------------------------------------------- */

/* score and rank may be NULL. */
bool zset_find(const struct collection *zset, struct slice member, double *score);
bool zset_rank(const struct collection *zset, struct slice member, uint64_t *rank, double *score);

/* At a member. Valid until the sorted set changes. */
struct zset_cursor {
    const struct listpack *packed; /* NULL: large */
    size_t at;                     /* of the member */
    const struct sorted_element *element;
    struct btree_cursor tree;
};
bool zset_seek(const struct collection *zset, uint64_t rank, struct zset_cursor *cursor);
bool zset_step(struct zset_cursor *cursor, bool backward); /* false: that was the last */
struct slice zset_member(const struct zset_cursor *cursor, char scratch[INT_TEXT_MAX]);
double zset_score(const struct zset_cursor *cursor);

/* -- ranges ---------------------------------------------------------------------------------- */

struct score_range {
    double min, max;
    bool min_open, max_open; /* without the border itself */
};
struct lex_border {
    enum { LEX_LOWEST, LEX_MEMBER, LEX_HIGHEST } at;
    struct slice member;
    bool open;
};
struct lex_range {
    struct lex_border min, max;
};
struct rank_range {
    uint64_t from, n;
};
struct rank_range zset_score_range(const struct collection *zset, const struct score_range *range);
/* Where all scores are equal: the members in the range. Otherwise, as in Redis, a listpack gives
 * the members from the first (backward: last) that satisfies the near border up to the next one
 * that does not satisfy the other; a large set those from (its lowest score, min) to (its highest,
 * max).
 */
struct rank_range zset_lex_range(
    const struct collection *zset, const struct lex_range *range, bool backward);

/* -- changing -------------------------------------------------------------------------------- */

/* member must be absent. Converts where the thresholds ask for it. */
void zset_add(struct collection *zset, const struct thresholds *thresholds, struct slice member,
    double score);
/* member must be present. */
void zset_set_score(struct collection *zset, struct slice member, double score);
bool zset_remove(struct collection *zset, struct slice member); /* false: absent */
void zset_remove_ranks(struct collection *zset, const struct rank_range *range);

#endif
