#include "keyspace/hash.h"

#include "keyspace/due_packed.h"
#include "keyspace/due_table.h"

static void *empty_value(const struct collection_types *types, enum object_encoding encoding) {
    switch (encoding) {
    case ENCODING_LISTPACK:
        return listpack_new();
    case ENCODING_LISTPACK_DUE:
        return due_packed_new();
    case ENCODING_HASHTABLE_DUE:
        return due_table_new(types);
    default:
        SF_ASSERT(encoding == ENCODING_HASHTABLE);
        return element_table_new(types, true);
    }
}

struct collection hash_new_as(const struct collection_types *types, enum object_encoding encoding) {
    return (struct collection){.types = types,
        .type = OBJECT_HASH,
        .encoding = encoding,
        .value = empty_value(types, encoding)};
}

struct collection hash_new(const struct collection_types *types) {
    return hash_new_as(types, ENCODING_LISTPACK);
}

/* -- from form to form ----------------------------------------------------------------------- */

/* As the db's index knows it: goes with the fields from form to form. */
static int64_t *indexed_at(const struct collection *hash) {
    return hash->encoding == ENCODING_HASHTABLE_DUE
               ? &((struct due_table *)hash->value)->indexed_ms
               : &((struct due_packed *)hash->value)->indexed_ms;
}

/* Puts all fields into a new hash of that form. */
static void become(struct collection *hash, enum object_encoding encoding) {
    collection_changes(hash);
    struct collection other = hash_new_as(hash->types, encoding);
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        if (encoding == ENCODING_HASHTABLE)
            element_table_put(other.value, pair.field, pair.value);
        else if (encoding == ENCODING_HASHTABLE_DUE)
            due_table_put(other.value, pair.field, pair.value, pair.due_ms);
        else
            due_packed_put(other.value, pair.field, pair.value, pair.due_ms);
    }
    if (hash_has_dues(hash)) *indexed_at(&other) = *indexed_at(hash);
    collection_free(hash);
    *hash = other;
}

static void become_table(struct collection *hash) {
    become(hash, hash_has_dues(hash) ? ENCODING_HASHTABLE_DUE : ENCODING_HASHTABLE);
}

/* A form that can say due times. */
static void take_dues(struct collection *hash) {
    if (hash->encoding == ENCODING_LISTPACK) {
        become(hash, ENCODING_LISTPACK_DUE);
    } else if (hash->encoding == ENCODING_HASHTABLE) {
        struct element_table *plain = hash->value;
        const void *from = plain;
        collection_changes(hash);
        hash->value = due_table_of(hash->types, &plain);
        hash->encoding = ENCODING_HASHTABLE_DUE;
        collection_moved(hash, from);
    }
}

void hash_simplify(struct collection *hash) {
    if (hash->encoding != ENCODING_HASHTABLE_DUE) return;
    struct due_table *table = hash->value;
    if (table->dues.n > 0) return;
    const void *from = table;
    collection_changes(hash);
    hash->value = due_table_to_plain(&table);
    hash->encoding = ENCODING_HASHTABLE;
    collection_moved(hash, from);
}

static bool is_long(const struct thresholds *thresholds, struct slice text) {
    return text.len > (uint64_t)thresholds->hash_max_listpack_value;
}

static bool are_many(const struct thresholds *thresholds, uint64_t n_fields) {
    return n_fields > (uint64_t)thresholds->hash_max_listpack_entries;
}

static bool has_room(const struct collection *hash, size_t text_len) {
    return hash->encoding == ENCODING_LISTPACK_DUE ? due_packed_has_room(hash->value, text_len)
                                                   : listpack_has_room(hash->value, text_len);
}

void hash_prepare(struct collection *hash, const struct thresholds *thresholds, uint32_t n,
    const struct slice *fields_and_values) {
    if (!hash_is_packed(hash)) return;
    collection_changes(hash);
    bool fits = !are_many(thresholds, n / 2);
    size_t bytes = 0;
    for (uint32_t i = 0; i < n && fits; i++) {
        fits = !is_long(thresholds, fields_and_values[i]);
        bytes += fields_and_values[i].len;
    }
    if (!fits || !has_room(hash, bytes)) become_table(hash);
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

struct collection hash_of_due_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed) {
    struct collection hash = hash_new_as(types, ENCODING_LISTPACK_DUE);
    char field_scratch[INT_TEXT_MAX], value_scratch[INT_TEXT_MAX];
    bool is_good = true;
    for (size_t at = listpack_first(*packed); at != 0 && is_good;) {
        size_t value_at = listpack_next(*packed, at);
        size_t due_at = value_at == 0 ? 0 : listpack_next(*packed, value_at);
        int64_t due_ms;
        is_good = due_at != 0 && listpack_integer(*packed, due_at, &due_ms) && due_ms >= 0 &&
                  due_ms <= FIELD_DUE_MAX;
        if (!is_good) break;
        struct slice field = listpack_text(*packed, at, field_scratch);
        struct slice value = listpack_text(*packed, value_at, value_scratch);
        is_good = hash_put(&hash, thresholds, field, value, due_ms == 0 ? NO_DUE : due_ms);
        at = listpack_next(*packed, due_at);
    }
    listpack_free(*packed);
    *packed = NULL;
    if (!is_good) collection_free(&hash);
    return hash;
}

/* -- fields ---------------------------------------------------------------------------------- */

static size_t packed_find(const struct listpack *listpack, struct slice field) {
    return listpack_find(listpack, listpack_first(listpack), field, 1);
}

static bool is_table(const struct collection *hash) {
    return !hash_is_packed(hash);
}

/* Of a table with or without due times. */
static const struct element_table *table_in(const struct collection *hash) {
    return hash->value;
}

static bool get_packed_due(const struct due_packed *packed, struct slice field,
    char scratch[INT_TEXT_MAX], struct slice *value, int64_t *due_ms) {
    size_t at = due_packed_find(packed, field);
    if (at == 0) return false;
    *value = listpack_text(packed->listpack, listpack_next(packed->listpack, at), scratch);
    *due_ms = due_packed_due(packed, at);
    return true;
}

bool hash_get_due(const struct collection *hash, struct slice field, char scratch[INT_TEXT_MAX],
    struct slice *value, int64_t *due_ms) {
    if (is_table(hash)) {
        const void *element = element_table_find(table_in(hash), field);
        if (element == NULL) return false;
        *value = element_value(element);
        *due_ms = element_due_ms(element);
        return true;
    }
    if (hash->encoding == ENCODING_LISTPACK_DUE)
        return get_packed_due(hash->value, field, scratch, value, due_ms);
    size_t at = packed_find(hash->value, field);
    if (at != 0) *value = listpack_text(hash->value, listpack_next(hash->value, at), scratch);
    *due_ms = NO_DUE;
    return at != 0;
}

bool hash_get(const struct collection *hash, struct slice field, char scratch[INT_TEXT_MAX],
    struct slice *value) {
    int64_t due_ms;
    return hash_get_due(hash, field, scratch, value, &due_ms);
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

/* In the form that it has, which can hold it. */
static bool put(struct collection *hash, struct slice field, struct slice value, int64_t due_ms) {
    switch (hash->encoding) {
    case ENCODING_HASHTABLE:
        return element_table_put(hash->value, field, value);
    case ENCODING_HASHTABLE_DUE:
        return due_table_put(hash->value, field, value, due_ms);
    case ENCODING_LISTPACK_DUE:
        return due_packed_put(hash->value, field, value, due_ms);
    default:
        return set_packed(hash, field, value);
    }
}

bool hash_put(struct collection *hash, const struct thresholds *thresholds, struct slice field,
    struct slice value, int64_t due_ms) {
    SF_ASSERT(due_ms == NO_DUE || (due_ms > 0 && due_ms <= FIELD_DUE_MAX));
    element_changes(hash, field);
    if (due_ms != NO_DUE) take_dues(hash);
    if (hash_is_packed(hash) && (is_long(thresholds, field) || is_long(thresholds, value) ||
                                    !has_room(hash, field.len + value.len)))
        become_table(hash);
    bool is_new = put(hash, field, value, due_ms);
    if (hash_is_packed(hash) && are_many(thresholds, collection_size(hash))) become_table(hash);
    return is_new;
}

bool hash_set(struct collection *hash, const struct thresholds *thresholds, struct slice field,
    struct slice value) {
    return hash_put(hash, thresholds, field, value, NO_DUE);
}

bool hash_remove(struct collection *hash, struct slice field) {
    element_changes(hash, field);
    switch (hash->encoding) {
    case ENCODING_HASHTABLE:
        return element_table_remove(hash->value, field);
    case ENCODING_HASHTABLE_DUE:
        return due_table_remove(hash->value, field);
    case ENCODING_LISTPACK_DUE:
        return due_packed_remove(hash->value, field);
    default:
        break;
    }
    size_t at = packed_find(hash->value, field);
    if (at != 0) packed_delete(hash, at, 2);
    return at != 0;
}

/* -- due times ------------------------------------------------------------------------------- */

bool hash_set_due(struct collection *hash, struct slice field, int64_t due_ms) {
    SF_ASSERT(due_ms == NO_DUE || (due_ms > 0 && due_ms <= FIELD_DUE_MAX));
    element_changes(hash, field);
    if (due_ms != NO_DUE) take_dues(hash);
    if (hash->encoding == ENCODING_HASHTABLE_DUE)
        return due_table_set_due(hash->value, field, due_ms);
    if (hash->encoding == ENCODING_LISTPACK_DUE)
        return due_packed_set_due(hash->value, field, due_ms);
    char scratch[INT_TEXT_MAX];
    struct slice value;
    return hash_get(hash, field, scratch, &value);
}

/* Each field that is found goes, so that none counts twice. */
static bool take_triple(struct collection *hash, const struct listpack *packed, size_t at) {
    char field_scratch[INT_TEXT_MAX], scratch[INT_TEXT_MAX];
    struct slice field = listpack_text(packed, at, field_scratch), value;
    if (!hash_get(hash, field, scratch, &value)) return false;
    if (!listpack_equals(packed, listpack_next(packed, at), value)) return false;
    return hash_remove(hash, field);
}

bool hash_take_due_packed(struct collection *hash, struct listpack **packed) {
    SF_ASSERT(hash->encoding == ENCODING_HASHTABLE);
    if (!due_packed_is_good(*packed)) return false;
    for (size_t at = listpack_first(*packed); at != 0;) {
        if (!take_triple(hash, *packed, at)) return false;
        for (int i = 0; i < 3; i++) at = listpack_next(*packed, at);
    }
    if (collection_size(hash) > 0) return false;
    collection_free(hash);
    hash->encoding = ENCODING_LISTPACK_DUE;
    hash->value = due_packed_with(*packed);
    *packed = NULL;
    return true;
}

int64_t hash_first_due(const struct collection *hash) {
    if (hash->encoding == ENCODING_HASHTABLE_DUE) return due_table_first_due(hash->value);
    if (hash->encoding == ENCODING_LISTPACK_DUE) return due_packed_first_due(hash->value);
    return NO_DUE;
}

int64_t hash_last_due(const struct collection *hash) {
    if (hash->encoding == ENCODING_HASHTABLE_DUE) return due_table_last_due(hash->value);
    if (hash->encoding == ENCODING_LISTPACK_DUE) return due_packed_last_due(hash->value);
    return NO_DUE;
}

void hash_remove_first_due(struct collection *hash) {
    collection_changes(hash);
    if (hash->encoding == ENCODING_HASHTABLE_DUE) {
        element_changes(hash, due_table_first_field(hash->value));
        due_table_remove_first(hash->value);
    } else {
        due_packed_remove_first(hash->value);
    }
}

uint64_t hash_n_dead(const struct collection *hash, int64_t now_ms) {
    if (hash->encoding == ENCODING_HASHTABLE_DUE) return due_table_n_dead(hash->value, now_ms);
    if (hash->encoding == ENCODING_LISTPACK_DUE) return due_packed_n_dead(hash->value, now_ms);
    return 0;
}

/* -- order ----------------------------------------------------------------------------------- */

/* The entries of a packed hash, and how many a field has. */
static const struct listpack *entries_in(const struct collection *hash) {
    return hash->encoding == ENCODING_LISTPACK_DUE
               ? ((const struct due_packed *)hash->value)->listpack
               : hash->value;
}

struct hash_iterator hash_iterate(const struct collection *hash) {
    struct hash_iterator iterator = {.hash = hash};
    if (is_table(hash))
        iterator.elements = table_seek(&table_in(hash)->table, 0);
    else
        iterator.at = listpack_first(entries_in(hash));
    return iterator;
}

static void element_pair(const void *element, struct hash_pair *pair) {
    pair->field = element_key(element);
    pair->value = element_value(element);
    pair->due_ms = element_due_ms(element);
}

/* The pair whose field stands at `at`; returns where the next field stands. */
static size_t packed_pair(const struct collection *hash, size_t at, struct hash_pair *pair) {
    const struct listpack *listpack = entries_in(hash);
    pair->due_ms = NO_DUE;
    if (hash->encoding == ENCODING_LISTPACK_DUE) pair->due_ms = due_packed_due(hash->value, at);
    pair->field = listpack_text(listpack, at, pair->field_scratch);
    at = listpack_next(listpack, at);
    pair->value = listpack_text(listpack, at, pair->value_scratch);
    at = listpack_next(listpack, at);
    return hash->encoding == ENCODING_LISTPACK_DUE ? listpack_next(listpack, at) : at;
}

bool hash_next(struct hash_iterator *iterator, struct hash_pair *pair) {
    if (is_table(iterator->hash)) {
        const void *element = table_next(&iterator->elements);
        if (element != NULL) element_pair(element, pair);
        return element != NULL;
    }
    if (iterator->at == 0) return false;
    iterator->at = packed_pair(iterator->hash, iterator->at, pair);
    return true;
}

void hash_at(const struct collection *hash, uint64_t rank, struct hash_pair *pair) {
    if (is_table(hash)) {
        element_pair(table_at(&table_in(hash)->table, rank), pair);
        return;
    }
    int64_t stride = hash->encoding == ENCODING_LISTPACK_DUE ? 3 : 2;
    packed_pair(hash, listpack_seek(entries_in(hash), (int64_t)rank * stride), pair);
}

struct visitor {
    hash_visit *visit;
    void *context;
};

static bool visit_element(void *context, void *element) {
    const struct visitor *visitor = context;
    visitor->visit(
        visitor->context, element_key(element), element_value(element), element_due_ms(element));
    return true;
}

uint64_t hash_scan(const struct collection *hash, uint64_t cursor, uint64_t count,
    hash_visit *visit, void *context) {
    if (is_table(hash)) {
        struct visitor visitor = {visit, context};
        return table_scan(&table_in(hash)->table, cursor, count, visit_element, &visitor);
    }
    struct hash_iterator next = hash_iterate(hash);
    for (struct hash_pair pair; hash_next(&next, &pair);)
        visit(context, pair.field, pair.value, pair.due_ms);
    return 0;
}
