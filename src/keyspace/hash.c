#include "keyspace/hash.h"

#include "keyspace/element.h"

struct collection hash_new_as(const struct collection_types *types, enum object_encoding encoding) {
    struct collection hash = {.types = types, .type = OBJECT_HASH, .encoding = encoding};
    hash.value = encoding == ENCODING_LISTPACK ? (void *)listpack_new()
                                               : (void *)element_table_new(types, true);
    return hash;
}

struct collection hash_new(const struct collection_types *types) {
    return hash_new_as(types, ENCODING_LISTPACK);
}

static void become_table(struct collection *hash) {
    struct element_table *table = element_table_new(hash->types, true);
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);)
        element_table_put(table, pair.field, pair.value);
    collection_free(hash);
    hash->encoding = ENCODING_HASHTABLE;
    hash->value = table;
}

static bool is_long(const struct thresholds *thresholds, struct slice text) {
    return text.len > (uint64_t)thresholds->hash_max_listpack_value;
}

static bool are_many(const struct thresholds *thresholds, uint64_t n_fields) {
    return n_fields > (uint64_t)thresholds->hash_max_listpack_entries;
}

void hash_prepare(struct collection *hash, const struct thresholds *thresholds, uint32_t n,
    const struct slice *fields_and_values) {
    if (hash->encoding != ENCODING_LISTPACK) return;
    collection_changes(hash);
    bool fits = !are_many(thresholds, n / 2);
    size_t bytes = 0;
    for (uint32_t i = 0; i < n && fits; i++) {
        fits = !is_long(thresholds, fields_and_values[i]);
        bytes += fields_and_values[i].len;
    }
    if (!fits || !listpack_has_room(hash->value, bytes)) become_table(hash);
}

/* Puts the pairs into a new table; false: a field stands there twice. */
static bool become_distinct_table(struct collection *hash) {
    struct collection table = hash_new_as(hash->types, ENCODING_HASHTABLE);
    struct hash_iterator next = hash_iterate(hash);
    bool is_good = true;
    for (struct hash_pair pair; is_good && hash_next(&next, &pair);)
        is_good = element_table_put(table.value, pair.field, pair.value);
    collection_free(hash);
    *hash = table;
    return is_good;
}

struct collection hash_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed) {
    struct collection hash = {
        .types = types, .type = OBJECT_HASH, .encoding = ENCODING_LISTPACK, .value = *packed};
    *packed = NULL;
    uint64_t n = listpack_count(hash.value);
    bool is_good = n % 2 == 0;
    if (is_good)
        is_good = are_many(thresholds, n / 2) ? become_distinct_table(&hash)
                                              : packed_is_distinct(types, hash.value, 2);
    if (!is_good) collection_free(&hash);
    return hash;
}

/* -- fields ---------------------------------------------------------------------------------- */

static size_t packed_find(const struct listpack *listpack, struct slice field) {
    return listpack_find(listpack, listpack_first(listpack), field, 1);
}

bool hash_get(const struct collection *hash, struct slice field, char scratch[INT_TEXT_MAX],
    struct slice *value) {
    if (hash->encoding == ENCODING_HASHTABLE) {
        const void *element = element_table_find(hash->value, field);
        if (element != NULL) *value = element_value(element);
        return element != NULL;
    }
    size_t at = packed_find(hash->value, field);
    if (at != 0) *value = listpack_text(hash->value, listpack_next(hash->value, at), scratch);
    return at != 0;
}

static bool set_packed(struct collection *hash, struct slice field, struct slice value) {
    size_t at = packed_find(hash->value, field);
    if (at != 0) {
        packed_replace(hash, listpack_next(hash->value, at), value);
        return false;
    }
    packed_append(hash, field);
    packed_append(hash, value);
    return true;
}

bool hash_set(struct collection *hash, const struct thresholds *thresholds, struct slice field,
    struct slice value) {
    element_changes(hash, field);
    if (hash->encoding == ENCODING_LISTPACK &&
        (is_long(thresholds, field) || is_long(thresholds, value) ||
            !listpack_has_room(hash->value, field.len + value.len)))
        become_table(hash);
    if (hash->encoding == ENCODING_HASHTABLE) return element_table_put(hash->value, field, value);
    bool is_new = set_packed(hash, field, value);
    if (are_many(thresholds, collection_size(hash))) become_table(hash);
    return is_new;
}

bool hash_remove(struct collection *hash, struct slice field) {
    element_changes(hash, field);
    if (hash->encoding == ENCODING_HASHTABLE) return element_table_remove(hash->value, field);
    size_t at = packed_find(hash->value, field);
    if (at != 0) packed_delete(hash, at, 2);
    return at != 0;
}

/* -- order ----------------------------------------------------------------------------------- */

struct hash_iterator hash_iterate(const struct collection *hash) {
    struct hash_iterator iterator = {.hash = hash};
    if (hash->encoding == ENCODING_LISTPACK)
        iterator.at = listpack_first(hash->value);
    else
        iterator.elements = table_seek(&((struct element_table *)hash->value)->table, 0);
    return iterator;
}

static void element_pair(const void *element, struct hash_pair *pair) {
    pair->field = element_key(element);
    pair->value = element_value(element);
}

/* The pair whose field stands at `at`; returns where the next field stands. */
static size_t packed_pair(const struct listpack *listpack, size_t at, struct hash_pair *pair) {
    pair->field = listpack_text(listpack, at, pair->field_scratch);
    at = listpack_next(listpack, at);
    pair->value = listpack_text(listpack, at, pair->value_scratch);
    return listpack_next(listpack, at);
}

bool hash_next(struct hash_iterator *iterator, struct hash_pair *pair) {
    if (iterator->hash->encoding == ENCODING_HASHTABLE) {
        const void *element = table_next(&iterator->elements);
        if (element != NULL) element_pair(element, pair);
        return element != NULL;
    }
    if (iterator->at == 0) return false;
    iterator->at = packed_pair(iterator->hash->value, iterator->at, pair);
    return true;
}

void hash_at(const struct collection *hash, uint64_t rank, struct hash_pair *pair) {
    if (hash->encoding == ENCODING_HASHTABLE)
        element_pair(table_at(&((struct element_table *)hash->value)->table, rank), pair);
    else
        packed_pair(hash->value, listpack_seek(hash->value, (int64_t)rank * 2), pair);
}

struct visitor {
    hash_visit *visit;
    void *context;
};

static bool visit_element(void *context, void *element) {
    const struct visitor *visitor = context;
    visitor->visit(visitor->context, element_key(element), element_value(element));
    return true;
}

uint64_t hash_scan(const struct collection *hash, uint64_t cursor, uint64_t count,
    hash_visit *visit, void *context) {
    if (hash->encoding == ENCODING_HASHTABLE) {
        struct visitor visitor = {visit, context};
        const struct element_table *table = hash->value;
        return table_scan(&table->table, cursor, count, visit_element, &visitor);
    }
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) visit(context, pair.field, pair.value);
    return 0;
}

/* -- forms ----------------------------------------------------------------------------------- */

/* Field, then value, matter in that order; the pairs have none. */
static void digest_pairs(enum object_encoding encoding, const void *value, uint8_t digest[20]) {
    struct collection hash = {
        .type = OBJECT_HASH, .encoding = encoding, .value = (void *)(uintptr_t)value};
    struct hash_iterator next = hash_iterate(&hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        uint8_t one[20] = {0};
        redis_digest_mix(one, pair.field);
        redis_digest_mix(one, pair.value);
        redis_digest_add(digest, slice_of(one, sizeof one));
    }
}

static uint64_t packed_size(const void *value) {
    return listpack_count(value) / 2;
}

static void *read_packed(const struct collection_types *types, struct reader *in) {
    struct listpack *listpack = packed_read(in);
    if (listpack == NULL || packed_is_distinct(types, listpack, 2)) return listpack;
    listpack_free(listpack);
    return NULL;
}

static void digest_packed(const void *value, uint8_t digest[20]) {
    digest_pairs(ENCODING_LISTPACK, value, digest);
}

const struct collection_form hash_listpack_form = {.size = packed_size,
    .bytes = packed_bytes,
    .free = packed_free,
    .copy = packed_copy,
    .put = packed_put,
    .read = read_packed,
    .redis_digest = digest_packed};

static void *read_table(const struct collection_types *types, struct reader *in) {
    return element_form_read(types, in, true);
}

static void digest_table(const void *value, uint8_t digest[20]) {
    digest_pairs(ENCODING_HASHTABLE, value, digest);
}

const struct collection_form hash_table_form = {.size = element_form_size,
    .bytes = element_form_bytes,
    .free = element_form_free,
    .free_some = element_form_free_some,
    .copy = element_form_copy,
    .put = element_form_put,
    .read = read_table,
    .redis_digest = digest_table};
