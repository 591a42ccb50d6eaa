#include "keyspace/list.h"

#include "keyspace/forms.h"

/* -- the forms ------------------------------------------------------------------------------- */

static uint64_t packed_size(const void *value) {
    return listpack_count(value);
}

static void packed_digest(const void *value, uint8_t digest[20]) {
    char scratch[INT_TEXT_MAX];
    for (size_t at = listpack_first(value); at != 0; at = listpack_next(value, at))
        redis_digest_mix(digest, listpack_text(value, at, scratch));
}

static void *packed_list_read(const struct collection_types *types, struct reader *in) {
    (void)types;
    return packed_read(in);
}

const struct collection_form list_listpack_form = {
    .size = packed_size,
    .bytes = packed_bytes,
    .free = packed_free,
    .copy = packed_copy,
    .put = packed_put,
    .read = packed_list_read,
    .redis_digest = packed_digest,
};

static uint64_t large_size(const void *value) {
    return quicklist_count(value);
}

static size_t large_bytes(const void *value) {
    return quicklist_bytes(value);
}

static void large_free(void *value) {
    quicklist_free(value);
}

static bool large_free_some(void *value, uint64_t *budget) {
    return quicklist_free_some(value, budget);
}

static void *large_copy(const struct collection_types *types, const void *value) {
    (void)types;
    return quicklist_copy(value);
}

static void large_put(const void *value, struct buf *out) {
    quicklist_put(value, out);
}

static void *large_read(const struct collection_types *types, struct reader *in) {
    (void)types;
    return quicklist_read(in);
}

static void large_digest(const void *value, uint8_t digest[20]) {
    struct quicklist_cursor cursor;
    char scratch[INT_TEXT_MAX];
    for (bool more = quicklist_seek(value, 0, &cursor); more; more = quicklist_next(&cursor))
        redis_digest_mix(digest, quicklist_text(&cursor, scratch));
}

const struct collection_form list_quicklist_form = {
    .size = large_size,
    .bytes = large_bytes,
    .free = large_free,
    .free_some = large_free_some,
    .copy = large_copy,
    .put = large_put,
    .read = large_read,
    .redis_digest = large_digest,
};

struct collection list_new(const struct collection_types *types) {
    return (struct collection){.types = types,
        .type = OBJECT_LIST,
        .encoding = ENCODING_LISTPACK,
        .value = listpack_new()};
}

static bool is_packed(const struct collection *list) {
    SF_ASSERT(list->type == OBJECT_LIST);
    return list->encoding == ENCODING_LISTPACK;
}

/* -- looking --------------------------------------------------------------------------------- */

bool list_seek(const struct collection *list, uint64_t index, struct list_cursor *cursor) {
    cursor->packed = NULL;
    if (!is_packed(list)) return quicklist_seek(list->value, index, &cursor->large);
    if (index > INT64_MAX) return false;
    cursor->packed = list->value;
    cursor->at = listpack_seek(cursor->packed, (int64_t)index);
    return cursor->at != 0;
}

bool list_step(struct list_cursor *cursor, bool backward) {
    if (cursor->packed == NULL)
        return backward ? quicklist_prev(&cursor->large) : quicklist_next(&cursor->large);
    cursor->at = backward ? listpack_prev(cursor->packed, cursor->at)
                          : listpack_next(cursor->packed, cursor->at);
    return cursor->at != 0;
}

struct slice list_text(const struct list_cursor *cursor, char scratch[INT_TEXT_MAX]) {
    return cursor->packed == NULL ? quicklist_text(&cursor->large, scratch)
                                  : listpack_text(cursor->packed, cursor->at, scratch);
}

bool list_equals(const struct list_cursor *cursor, struct slice text) {
    return cursor->packed == NULL ? quicklist_equals(&cursor->large, text)
                                  : listpack_equals(cursor->packed, cursor->at, text);
}

/* -- from one form to the other -------------------------------------------------------------- */

void list_grow(
    struct collection *list, const struct thresholds *thresholds, size_t text_bytes, uint64_t n) {
    if (!is_packed(list)) return;
    struct listpack *packed = list->value;
    struct block_limit limit = block_limit_of(thresholds->list_max_listpack_size);
    if (block_limit_allows(&limit, listpack_bytes(packed) + text_bytes, listpack_count(packed) + n))
        return;
    collection_changes(list);
    collection_own(list);
    packed = list->value;
    struct quicklist *large = quicklist_new();
    if (listpack_first(packed) != 0)
        quicklist_append_block(large, &packed);
    else
        listpack_free(packed);
    list->value = large;
    list->encoding = ENCODING_QUICKLIST;
}

/* A size counts where the setting is one of bytes, the number of entries where it is one of those:
 * so a list of few large entries becomes a listpack under the latter, as it does in Redis. */
static void pack_within(
    struct collection *list, const struct thresholds *thresholds, uint64_t divisor) {
    if (is_packed(list)) return;
    const struct listpack *packed = quicklist_only_block(list->value);
    if (packed == NULL) return;
    struct block_limit limit = block_limit_of(thresholds->list_max_listpack_size);
    bool counts = thresholds->list_max_listpack_size >= 0;
    if (counts ? quicklist_count(list->value) > limit.count / divisor
               : listpack_bytes(packed) > limit.bytes / divisor)
        return;
    collection_changes(list);
    struct listpack *copy = listpack_copy(packed);
    quicklist_free(list->value);
    list->value = copy;
    list->encoding = ENCODING_LISTPACK;
}

void list_shrink(struct collection *list, const struct thresholds *thresholds) {
    pack_within(list, thresholds, 2);
}

void list_settle(struct collection *list, const struct thresholds *thresholds) {
    pack_within(list, thresholds, 1);
}

struct collection list_of_blocks(const struct collection_types *types,
    const struct thresholds *thresholds, struct quicklist **blocks) {
    struct collection list = {
        .types = types, .type = OBJECT_LIST, .encoding = ENCODING_QUICKLIST, .value = *blocks};
    *blocks = NULL;
    list_settle(&list, thresholds);
    return list;
}

/* -- changing -------------------------------------------------------------------------------- */

void list_push(
    struct collection *list, const struct thresholds *thresholds, bool front, struct slice text) {
    collection_changes(list);
    if (is_packed(list)) {
        collection_own(list);
        struct listpack *packed = list->value;
        listpack_insert(&packed, front ? listpack_first(packed) : 0, text);
        list->value = packed;
        return;
    }
    struct block_limit limit = block_limit_of(thresholds->list_max_listpack_size);
    quicklist_push(list->value, &limit, front, text);
}

void list_insert(struct collection *list, const struct thresholds *thresholds, uint64_t index,
    bool behind, struct slice text) {
    collection_changes(list);
    if (is_packed(list)) {
        collection_own(list);
        struct listpack *packed = list->value;
        size_t at = listpack_seek(packed, (int64_t)index);
        SF_ASSERT(at != 0);
        listpack_insert(&packed, behind ? listpack_next(packed, at) : at, text);
        list->value = packed;
        return;
    }
    struct block_limit limit = block_limit_of(thresholds->list_max_listpack_size);
    quicklist_insert(list->value, &limit, index, behind, text);
}

void list_replace(struct collection *list, uint64_t index, struct slice text) {
    collection_changes(list);
    if (!is_packed(list)) {
        quicklist_replace(list->value, index, text);
        return;
    }
    collection_own(list);
    struct listpack *packed = list->value;
    size_t at = listpack_seek(packed, (int64_t)index);
    SF_ASSERT(at != 0);
    listpack_replace(&packed, at, text);
    list->value = packed;
}

void list_remove(struct collection *list, uint64_t index, uint64_t n) {
    if (n == 0) return;
    collection_changes(list);
    if (!is_packed(list)) {
        quicklist_remove(list->value, index, n);
        return;
    }
    collection_own(list);
    struct listpack *packed = list->value;
    SF_ASSERT(index + n <= listpack_count(packed));
    listpack_delete(&packed, listpack_seek(packed, (int64_t)index), n);
    list->value = packed;
}

uint64_t list_remove_equal(
    struct collection *list, struct slice text, uint64_t max, bool backward) {
    collection_changes(list);
    if (!is_packed(list)) return quicklist_remove_equal(list->value, text, max, backward);
    if (listpack_find(list->value, listpack_first(list->value), text, 0) == 0) return 0;
    collection_own(list);
    struct listpack *packed = list->value;
    uint64_t removed = 0;
    size_t at = backward ? listpack_last(packed) : listpack_first(packed);
    while (at != 0 && removed < max) {
        size_t here = at;
        bool equal = listpack_equals(packed, here, text);
        if (backward) at = listpack_prev(packed, here);
        size_t behind = equal ? listpack_delete(&packed, here, 1) : 0;
        if (!backward) at = equal ? behind : listpack_next(packed, here);
        removed += equal;
    }
    list->value = packed;
    return removed;
}
