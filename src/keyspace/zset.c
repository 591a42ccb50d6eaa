#include "keyspace/zset.h"

#include "keyspace/forms.h"

#include <math.h>
#include <stdio.h>

static bool is_packed(const struct collection *zset) {
    SF_ASSERT(zset->type == OBJECT_ZSET);
    return zset->encoding == ENCODING_LISTPACK;
}

/* -- packed: member, score, member, score ... ------------------------------------------------- */

static double packed_score(const struct listpack *packed, size_t member_at) {
    size_t at = listpack_next(packed, member_at);
    int64_t integer;
    if (listpack_integer(packed, at, &integer)) return (double)integer;
    char scratch[INT_TEXT_MAX];
    double score = 0;
    bool good = double_parse(listpack_text(packed, at, scratch), &score);
    SF_ASSERT(good);
    return score;
}

static size_t packed_next(const struct listpack *packed, size_t member_at) {
    return listpack_next(packed, listpack_next(packed, member_at));
}

static size_t packed_prev(const struct listpack *packed, size_t member_at) {
    size_t score_at = listpack_prev(packed, member_at);
    return score_at == 0 ? 0 : listpack_prev(packed, score_at);
}

static size_t packed_last(const struct listpack *packed) {
    size_t score_at = listpack_last(packed);
    return score_at == 0 ? 0 : listpack_prev(packed, score_at);
}

static uint64_t packed_count(const struct listpack *packed) {
    return listpack_count(packed) / 2;
}

static size_t packed_find(const struct listpack *packed, struct slice member) {
    return listpack_find(packed, listpack_first(packed), member, 1);
}

static int packed_compare(
    const struct listpack *packed, size_t at, double score, struct slice member) {
    double other = packed_score(packed, at);
    if (other != score) return other < score ? -1 : 1;
    char scratch[INT_TEXT_MAX];
    return slice_compare(listpack_text(packed, at, scratch), member);
}

/* The score as it stands behind a member: -0 as 0. */
static struct slice score_text(double score, char text[DOUBLE_TEXT_MAX]) {
    return slice_of(text, double_print(score == 0 ? 0 : score, text));
}

static void pair_append(struct listpack **packed, struct slice member, double score) {
    char text[DOUBLE_TEXT_MAX];
    listpack_append(packed, member);
    listpack_append(packed, score_text(score, text));
}

static void packed_add(struct listpack **packed, struct slice member, double score) {
    char text[DOUBLE_TEXT_MAX];
    struct slice shown = score_text(score, text);
    size_t at = listpack_first(*packed);
    while (at != 0 && packed_compare(*packed, at, score, member) < 0) at = packed_next(*packed, at);
    if (at == 0) {
        pair_append(packed, member, score);
    } else {
        listpack_insert(packed, listpack_insert(packed, at, shown), member);
    }
}

/* -- the forms ------------------------------------------------------------------------------- */

static uint64_t packed_size(const void *value) {
    return packed_count(value);
}

static void digest_element(uint8_t digest[20], struct slice member, double score) {
    uint8_t element[20] = {0};
    char text[40];
    int len = snprintf(text, sizeof text, "%.17g", score); /* what Redis writes there */
    redis_digest_mix(element, member);
    redis_digest_mix(element, slice_of(text, (size_t)len));
    redis_digest_add(digest, slice_of(element, sizeof element));
}

static void packed_digest(const void *value, uint8_t digest[20]) {
    char scratch[INT_TEXT_MAX];
    for (size_t at = listpack_first(value); at != 0; at = packed_next(value, at))
        digest_element(digest, listpack_text(value, at, scratch), packed_score(value, at));
}

/* Whether the entry is a score as packed_add writes it. */
static bool is_score(const struct listpack *packed, size_t at) {
    char scratch[INT_TEXT_MAX], text[DOUBLE_TEXT_MAX];
    double score;
    struct slice shown = listpack_text(packed, at, scratch);
    if (!double_parse(shown, &score) || (score == 0 && signbit(score))) return false;
    return slice_equal(shown, slice_of(text, double_print(score, text)));
}

/* Members with scores behind them, in order. Equal members may stand apart (packed_is_distinct). */
static bool is_in_order(const struct listpack *packed) {
    char scratch[INT_TEXT_MAX];
    size_t before = 0;
    for (size_t at = listpack_first(packed); at != 0; at = packed_next(packed, at)) {
        size_t score_at = listpack_next(packed, at);
        if (score_at == 0 || !is_score(packed, score_at)) return false;
        struct slice member = listpack_text(packed, at, scratch);
        if (before != 0 && packed_compare(packed, before, packed_score(packed, at), member) >= 0)
            return false;
        before = at;
    }
    return true;
}

static void *packed_zset_read(const struct collection_types *types, struct reader *in) {
    struct listpack *packed = packed_read(in);
    if (packed == NULL || (is_in_order(packed) && packed_is_distinct(types, packed, 2)))
        return packed;
    listpack_free(packed);
    return NULL;
}

const struct collection_form zset_listpack_form = {
    .size = packed_size,
    .bytes = packed_bytes,
    .free = packed_free,
    .copy = packed_copy,
    .put = packed_put,
    .read = packed_zset_read,
    .redis_digest = packed_digest,
};

static uint64_t large_size(const void *value) {
    return sorted_set_size(value);
}

static size_t large_bytes(const void *value) {
    return sorted_set_bytes(value);
}

static void large_free(void *value) {
    sorted_set_free(value);
}

static bool large_free_some(void *value, uint64_t *budget) {
    return sorted_set_free_some(value, budget);
}

static void *large_copy(const struct collection_types *types, const void *value) {
    return sorted_set_copy(value, types->breath);
}

static void large_digest(const void *value, uint8_t digest[20]) {
    const struct sorted_set *set = value;
    struct btree_cursor cursor;
    const struct sorted_element *element = btree_seek(&set->order, 0, &cursor);
    for (; element != NULL; element = btree_next(&cursor))
        digest_element(digest, sorted_element_member(element), element->score);
}

static void large_put(const void *value, struct buf *out) {
    const struct sorted_set *set = value;
    put_varint(out, sorted_set_size(set));
    struct btree_cursor cursor;
    const struct sorted_element *element = btree_seek(&set->order, 0, &cursor);
    for (; element != NULL; element = btree_next(&cursor)) {
        uint64_t bits;
        memcpy(&bits, &element->score, sizeof bits);
        put_u64(out, bits);
        put_string(out, sorted_element_member(element));
    }
}

static bool read_element(
    struct reader *in, struct sorted_set *set, double *last_score, struct slice *last_member) {
    uint64_t bits = read_u64(in);
    struct slice member = read_string(in);
    double score;
    memcpy(&score, &bits, sizeof score);
    if (in->failed || isnan(score) || member.len > UINT32_MAX) return false;
    if (sorted_set_size(set) > 0) {
        if (score < *last_score) return false;
        if (score == *last_score && slice_compare(*last_member, member) >= 0) return false;
        if (sorted_set_find(set, member) != NULL) return false;
    }
    sorted_set_add(set, member, score);
    *last_score = score;
    *last_member = member;
    return true;
}

static void *large_read(const struct collection_types *types, struct reader *in) {
    uint64_t n = read_varint(in);
    struct sorted_set *set = sorted_set_new(&types->sorted_sets);
    double score = 0;
    struct slice member = {NULL, 0};
    bool good = !in->failed && n > 0;
    for (uint64_t i = 0; good && i < n; i++) good = read_element(in, set, &score, &member);
    if (good) return set;
    sorted_set_free(set);
    return NULL;
}

const struct collection_form zset_skiplist_form = {
    .size = large_size,
    .bytes = large_bytes,
    .free = large_free,
    .free_some = large_free_some,
    .copy = large_copy,
    .put = large_put,
    .read = large_read,
    .redis_digest = large_digest,
};

static bool fits_packed(const struct thresholds *thresholds, uint64_t n, size_t longest) {
    return (int64_t)n <= thresholds->zset_max_listpack_entries &&
           (int64_t)longest <= thresholds->zset_max_listpack_value;
}

struct collection zset_new(const struct collection_types *types,
    const struct thresholds *thresholds, uint64_t n, size_t longest) {
    struct collection zset = {.types = types, .type = OBJECT_ZSET, .encoding = ENCODING_SKIPLIST};
    if (fits_packed(thresholds, n, longest)) {
        zset.encoding = ENCODING_LISTPACK;
        zset.value = listpack_new();
    } else {
        zset.value = sorted_set_new(&types->sorted_sets);
    }
    return zset;
}

struct collection zset_of(const struct collection_types *types, struct sorted_set **set) {
    struct collection zset = {
        .types = types, .type = OBJECT_ZSET, .encoding = ENCODING_SKIPLIST, .value = *set};
    *set = NULL;
    return zset;
}

/* The same as a listpack; NULL where a member is longer, or all are too long. */
static struct listpack *packed_of(const struct sorted_set *set, size_t longest) {
    struct listpack *packed = listpack_new();
    struct btree_cursor cursor;
    const struct sorted_element *element = btree_seek(&set->order, 0, &cursor);
    for (; element != NULL; element = btree_next(&cursor)) {
        struct slice member = sorted_element_member(element);
        if (member.len > longest || !listpack_has_room(packed, member.len + DOUBLE_TEXT_MAX)) {
            listpack_free(packed);
            return NULL;
        }
        pair_append(&packed, member, element->score);
    }
    return packed;
}

static void become_packed(struct collection *zset, size_t longest) {
    struct listpack *packed = packed_of(zset->value, longest);
    if (packed == NULL) return;
    sorted_set_free(zset->value);
    zset->value = packed;
    zset->encoding = ENCODING_LISTPACK;
}

void zset_compact(struct collection *zset, const struct thresholds *thresholds) {
    if (is_packed(zset) || !fits_packed(thresholds, zset_size(zset), 0)) return;
    become_packed(zset, (size_t)SF_MAX(thresholds->zset_max_listpack_value, 0));
}

static struct sorted_set *sorted_set_of(
    const struct collection_types *types, const struct listpack *packed) {
    struct sorted_set *set = sorted_set_new(&types->sorted_sets);
    char member_scratch[INT_TEXT_MAX], score_scratch[INT_TEXT_MAX];
    for (size_t at = listpack_first(packed); at != 0; at = packed_next(packed, at)) {
        size_t score_at = listpack_next(packed, at);
        struct slice member = listpack_text(packed, at, member_scratch);
        double score;
        if (score_at == 0 ||
            !double_parse(listpack_text(packed, score_at, score_scratch), &score) ||
            sorted_set_find(set, member) != NULL) {
            sorted_set_free(set);
            return NULL;
        }
        sorted_set_add(set, member, score);
    }
    return set;
}

struct collection zset_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed) {
    struct collection zset = {
        .types = types, .type = OBJECT_ZSET, .encoding = ENCODING_LISTPACK, .value = *packed};
    *packed = NULL;
    bool is_small = fits_packed(thresholds, packed_count(zset.value), 0);
    if (is_small && is_in_order(zset.value) && packed_is_distinct(types, zset.value, 2))
        return zset;
    /* Scores of earlier Redis versions have 17 digits: they are spelled anew. */
    struct sorted_set *set = sorted_set_of(types, zset.value);
    collection_free(&zset);
    if (set == NULL) return zset;
    zset = zset_of(types, &set);
    if (is_small) become_packed(&zset, SIZE_MAX);
    return zset;
}

/* -- looking --------------------------------------------------------------------------------- */

bool zset_find(const struct collection *zset, struct slice member, double *score) {
    if (is_packed(zset)) {
        size_t at = packed_find(zset->value, member);
        if (at != 0 && score != NULL) *score = packed_score(zset->value, at);
        return at != 0;
    }
    const struct sorted_element *element = sorted_set_find(zset->value, member);
    if (element != NULL && score != NULL) *score = element->score;
    return element != NULL;
}

bool zset_rank(const struct collection *zset, struct slice member, uint64_t *rank, double *score) {
    if (!is_packed(zset)) {
        const struct sorted_element *element = sorted_set_find(zset->value, member);
        if (element == NULL) return false;
        *rank = sorted_set_rank(zset->value, element);
        if (score != NULL) *score = element->score;
        return true;
    }
    const struct listpack *packed = zset->value;
    uint64_t before = 0;
    for (size_t at = listpack_first(packed); at != 0; at = packed_next(packed, at), before++) {
        if (!listpack_equals(packed, at, member)) continue;
        *rank = before;
        if (score != NULL) *score = packed_score(packed, at);
        return true;
    }
    return false;
}

bool zset_seek(const struct collection *zset, uint64_t rank, struct zset_cursor *cursor) {
    *cursor = (struct zset_cursor){.packed = NULL};
    if (rank >= zset_size(zset)) return false;
    if (is_packed(zset)) {
        cursor->packed = zset->value;
        cursor->at = listpack_seek(cursor->packed, (int64_t)(2 * rank));
    } else {
        const struct sorted_set *set = zset->value;
        cursor->element = btree_seek(&set->order, rank, &cursor->tree);
    }
    return true;
}

bool zset_step(struct zset_cursor *cursor, bool backward) {
    if (cursor->packed != NULL) {
        cursor->at = backward ? packed_prev(cursor->packed, cursor->at)
                              : packed_next(cursor->packed, cursor->at);
        return cursor->at != 0;
    }
    cursor->element = backward ? btree_prev(&cursor->tree) : btree_next(&cursor->tree);
    return cursor->element != NULL;
}

struct slice zset_member(const struct zset_cursor *cursor, char scratch[INT_TEXT_MAX]) {
    return cursor->packed != NULL ? listpack_text(cursor->packed, cursor->at, scratch)
                                  : sorted_element_member(cursor->element);
}

double zset_score(const struct zset_cursor *cursor) {
    return cursor->packed != NULL ? packed_score(cursor->packed, cursor->at)
                                  : cursor->element->score;
}

/* -- ranges of scores ------------------------------------------------------------------------ */

/* A border between elements: those with a score below it, or with that score where inclusive, are
 * in front. */
struct score_border {
    double score;
    bool inclusive;
};

static bool is_before(double score, const struct score_border *border) {
    return score < border->score || (border->inclusive && score == border->score);
}

static int compare_border(const void *context, const void *border, const void *element) {
    (void)context;
    return is_before(((const struct sorted_element *)element)->score, border) ? 1 : -1;
}

static uint64_t rank_of_border(const struct collection *zset, double score, bool inclusive) {
    struct score_border border = {score, inclusive};
    uint64_t rank = 0;
    if (!is_packed(zset)) {
        const struct sorted_set *set = zset->value;
        btree_lower_bound(&set->order, compare_border, &border, NULL, &rank);
        return rank;
    }
    size_t at = listpack_first(zset->value);
    for (; at != 0 && is_before(packed_score(zset->value, at), &border); rank++)
        at = packed_next(zset->value, at);
    return rank;
}

static struct rank_range range_between(uint64_t from, uint64_t end) {
    return (struct rank_range){from, end > from ? end - from : 0};
}

struct rank_range zset_score_range(const struct collection *zset, const struct score_range *range) {
    if (range->min > range->max) return (struct rank_range){0, 0};
    return range_between(rank_of_border(zset, range->min, range->min_open),
        rank_of_border(zset, range->max, !range->max_open));
}

/* -- ranges of members ----------------------------------------------------------------------- */

static bool is_above_min(const struct lex_border *min, struct slice member) {
    if (min->at != LEX_MEMBER) return min->at == LEX_LOWEST;
    int order = slice_compare(member, min->member);
    return min->open ? order > 0 : order >= 0;
}

static bool is_below_max(const struct lex_border *max, struct slice member) {
    if (max->at != LEX_MEMBER) return max->at == LEX_HIGHEST;
    int order = slice_compare(member, max->member);
    return max->open ? order < 0 : order <= 0;
}

/* No member can be in it, whatever the set. */
static bool is_empty_range(const struct lex_range *range) {
    const struct lex_border *min = &range->min, *max = &range->max;
    if (min->at != LEX_MEMBER || max->at != LEX_MEMBER)
        return min->at == LEX_HIGHEST || max->at == LEX_LOWEST;
    int order = slice_compare(min->member, max->member);
    return order > 0 || (order == 0 && (min->open || max->open));
}

static struct slice packed_member(
    const struct listpack *packed, size_t at, char scratch[INT_TEXT_MAX]) {
    return listpack_text(packed, at, scratch);
}

static struct rank_range packed_lex_range(
    const struct listpack *packed, const struct lex_range *range, bool backward) {
    struct rank_range none = {0, 0};
    char scratch[INT_TEXT_MAX];
    size_t first = listpack_first(packed), last = packed_last(packed);
    if (!is_above_min(&range->min, packed_member(packed, last, scratch))) return none;
    if (!is_below_max(&range->max, packed_member(packed, first, scratch))) return none;
    uint64_t n = packed_count(packed), skipped = 0, taken = 0;
    for (size_t at = backward ? last : first; at != 0;
         at = backward ? packed_prev(packed, at) : packed_next(packed, at)) {
        struct slice member = packed_member(packed, at, scratch);
        bool near =
            backward ? is_below_max(&range->max, member) : is_above_min(&range->min, member);
        bool far = backward ? is_above_min(&range->min, member) : is_below_max(&range->max, member);
        if (taken == 0 && !near) {
            skipped++;
            continue;
        }
        if (!far) break;
        taken++;
    }
    return (struct rank_range){backward ? n - skipped - taken : skipped, taken};
}

/* In front of a place in the order of (score, member). */
struct lex_place {
    double score;
    struct slice member;
    bool inclusive; /* an equal one is in front */
};

static int compare_place(const void *context, const void *probe, const void *item) {
    (void)context;
    const struct lex_place *place = probe;
    const struct sorted_element *element = item;
    if (element->score != place->score) return element->score < place->score ? 1 : -1;
    int order = slice_compare(sorted_element_member(element), place->member);
    return order < 0 || (order == 0 && place->inclusive) ? 1 : -1;
}

static uint64_t rank_of_place(const struct sorted_set *set, const struct sorted_element *of,
    struct slice member, bool inclusive) {
    struct lex_place place = {of->score, member, inclusive};
    uint64_t rank;
    btree_lower_bound(&set->order, compare_place, &place, NULL, &rank);
    return rank;
}

struct rank_range zset_lex_range(
    const struct collection *zset, const struct lex_range *range, bool backward) {
    if (is_empty_range(range)) return (struct rank_range){0, 0};
    if (is_packed(zset)) return packed_lex_range(zset->value, range, backward);
    const struct sorted_set *set = zset->value;
    uint64_t from = 0, end = sorted_set_size(set);
    const struct sorted_element *first = btree_first(&set->order);
    const struct sorted_element *last = btree_at(&set->order, end - 1);
    if (!is_above_min(&range->min, sorted_element_member(last)) ||
        !is_below_max(&range->max, sorted_element_member(first)))
        return (struct rank_range){0, 0}; /* here too Redis looks at these two first */
    if (range->min.at == LEX_MEMBER)
        from = rank_of_place(set, first, range->min.member, range->min.open);
    if (range->max.at == LEX_MEMBER)
        end =
            rank_of_place(set, btree_at(&set->order, end - 1), range->max.member, !range->max.open);
    return range_between(from, end);
}

/* -- changing -------------------------------------------------------------------------------- */

static void unpack(struct collection *zset) {
    struct listpack *packed = zset->value;
    struct sorted_set *set = sorted_set_new(&zset->types->sorted_sets);
    char scratch[INT_TEXT_MAX];
    for (size_t at = listpack_first(packed); at != 0; at = packed_next(packed, at))
        sorted_set_add(set, listpack_text(packed, at, scratch), packed_score(packed, at));
    collection_free(zset);
    zset->value = set;
    zset->encoding = ENCODING_SKIPLIST;
}

void zset_add(struct collection *zset, const struct thresholds *thresholds, struct slice member,
    double score) {
    element_changes(zset, member);
    if (is_packed(zset) && (!fits_packed(thresholds, packed_count(zset->value) + 1, member.len) ||
                               !listpack_has_room(zset->value, member.len + DOUBLE_TEXT_MAX)))
        unpack(zset);
    if (is_packed(zset)) {
        collection_own(zset);
        struct listpack *packed = zset->value;
        packed_add(&packed, member, score);
        zset->value = packed;
    } else {
        sorted_set_add(zset->value, member, score);
    }
}

void zset_set_score(struct collection *zset, struct slice member, double score) {
    element_changes(zset, member);
    if (!is_packed(zset)) {
        const struct sorted_element *element = sorted_set_find(zset->value, member);
        SF_ASSERT(element != NULL);
        sorted_set_rescore(zset->value, element, score);
        return;
    }
    struct listpack *packed = zset->value;
    size_t at = packed_find(packed, member);
    SF_ASSERT(at != 0);
    if (packed_score(packed, at) == score) return;
    collection_own(zset);
    packed = zset->value;
    listpack_delete(&packed, at, 2);
    packed_add(&packed, member, score);
    zset->value = packed;
}

bool zset_remove(struct collection *zset, struct slice member) {
    element_changes(zset, member);
    if (!is_packed(zset)) {
        const struct sorted_element *element = sorted_set_find(zset->value, member);
        if (element != NULL) sorted_set_remove(zset->value, element);
        return element != NULL;
    }
    struct listpack *packed = zset->value;
    size_t at = packed_find(packed, member);
    if (at == 0) return false;
    collection_own(zset);
    packed = zset->value;
    listpack_delete(&packed, at, 2);
    zset->value = packed;
    return true;
}

void zset_remove_ranks(struct collection *zset, const struct rank_range *range) {
    SF_ASSERT(range->from + range->n <= zset_size(zset));
    if (range->n == 0) return;
    collection_changes(zset);
    if (is_packed(zset)) {
        collection_own(zset);
        struct listpack *packed = zset->value;
        listpack_delete(&packed, listpack_seek(packed, (int64_t)(2 * range->from)), 2 * range->n);
        zset->value = packed;
        return;
    }
    struct sorted_set *set = zset->value;
    for (uint64_t i = 0; i < range->n; i++) {
        const struct sorted_element *element = btree_at(&set->order, range->from);
        element_changes(zset, sorted_element_member(element));
        sorted_set_remove(set, element);
    }
}
