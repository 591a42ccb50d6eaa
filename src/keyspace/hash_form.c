/* The forms of hashes: what collections must offer, for those with due times and without. */
#include "keyspace/due_packed.h"
#include "keyspace/due_table.h"

/* -- what is the same for all ---------------------------------------------------------------- */

/* Field, then value, matter in that order; the pairs have none. */
static void digest_pairs(enum object_encoding encoding, const void *value, uint8_t digest[20]) {
    struct collection hash = {
        .type = OBJECT_HASH, .encoding = encoding, .value = (void *)(uintptr_t)value};
    struct hash_iterator next = hash_iterate(&hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        uint8_t one[20] = {0};
        redis_digest_mix(one, pair.field);
        redis_digest_mix(one, pair.value);
        if (pair.due_ms != NO_DUE) redis_digest_add(one, SLICE("!!hexpire!!"));
        redis_digest_add(digest, slice_of(one, sizeof one));
    }
}

/* -- packed ---------------------------------------------------------------------------------- */

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

/* -- packed, with due times ------------------------------------------------------------------ */

static const struct listpack *entries_of(const void *value) {
    return ((const struct due_packed *)value)->listpack;
}

static uint64_t due_packed_form_size(const void *value) {
    return due_packed_size(value);
}

static size_t due_packed_bytes(const void *value) {
    return size_class(sizeof(struct due_packed)) + packed_bytes(entries_of(value));
}

static void due_packed_form_free(void *value) {
    due_packed_free(value);
}

static void *due_packed_copy(const struct collection_types *types, const void *value) {
    (void)types;
    return due_packed_with(listpack_copy(entries_of(value)));
}

static void due_packed_put_image(const void *value, struct buf *out) {
    packed_put(entries_of(value), out);
}

static void *read_due_packed(const struct collection_types *types, struct reader *in) {
    struct listpack *listpack = packed_read(in);
    if (listpack == NULL) return NULL;
    if (due_packed_is_good(listpack) && packed_is_distinct(types, listpack, 3))
        return due_packed_with(listpack);
    listpack_free(listpack);
    return NULL;
}

static void digest_due_packed(const void *value, uint8_t digest[20]) {
    digest_pairs(ENCODING_LISTPACK_DUE, value, digest);
}

const struct collection_form hash_due_listpack_form = {.size = due_packed_form_size,
    .bytes = due_packed_bytes,
    .free = due_packed_form_free,
    .copy = due_packed_copy,
    .put = due_packed_put_image,
    .read = read_due_packed,
    .redis_digest = digest_due_packed};

/* -- tables ---------------------------------------------------------------------------------- */

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

/* -- tables, with due times ------------------------------------------------------------------ */

static size_t due_table_bytes(const void *value) {
    const struct due_table *table = value;
    size_t more = size_class(sizeof *table) - size_class(sizeof table->elements);
    return element_form_bytes(value) + more + btree_bytes(&table->dues);
}

static bool due_table_free_some(void *value, uint64_t *budget) {
    struct due_table *table = value;
    uint64_t freed = btree_drop_some(&table->dues, *budget, NULL, NULL);
    *budget -= SF_MIN(*budget, freed);
    if (table->dues.n > 0) return false;
    return element_form_free_some(value, budget);
}

static void due_table_free(void *value) {
    uint64_t budget = UINT64_MAX;
    bool all_gone = due_table_free_some(value, &budget);
    SF_ASSERT(all_gone);
}

static struct table_iterator elements_of(const void *value) {
    return table_seek(&((const struct due_table *)value)->elements.table, 0);
}

static void *due_table_copy(const struct collection_types *types, const void *value) {
    struct due_table *copy = due_table_new(types);
    struct table_iterator next = elements_of(value);
    for (const void *element; (element = table_next(&next)) != NULL;) {
        breath_spend(types->breath, 1);
        due_table_put(copy, element_key(element), element_value(element), element_due_ms(element));
    }
    return copy;
}

static void due_table_put_image(const void *value, struct buf *out) {
    put_varint(out, element_form_size(value));
    struct table_iterator next = elements_of(value);
    for (const void *element; (element = table_next(&next)) != NULL;) {
        int64_t due_ms = element_due_ms(element);
        put_string(out, element_key(element));
        put_string(out, element_value(element));
        put_varint(out, due_ms == NO_DUE ? 0 : (uint64_t)due_ms);
    }
}

static void *read_due_table(const struct collection_types *types, struct reader *in) {
    struct due_table *table = due_table_new(types);
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct slice field = read_string(in), value = read_string(in);
        uint64_t due_ms = read_varint(in);
        if (field.len > UINT32_MAX || value.len > UINT32_MAX) in->failed = true;
        if (due_ms > (uint64_t)FIELD_DUE_MAX) in->failed = true;
        if (in->failed) break;
        if (!due_table_put(table, field, value, due_ms == 0 ? NO_DUE : (int64_t)due_ms))
            in->failed = true; /* twice */
    }
    if (!in->failed && table->dues.n > 0) return table;
    due_table_free(table);
    return NULL;
}

static void digest_due_table(const void *value, uint8_t digest[20]) {
    digest_pairs(ENCODING_HASHTABLE_DUE, value, digest);
}

const struct collection_form hash_due_table_form = {.size = element_form_size,
    .bytes = due_table_bytes,
    .free = due_table_free,
    .free_some = due_table_free_some,
    .copy = due_table_copy,
    .put = due_table_put_image,
    .read = read_due_table,
    .redis_digest = digest_due_table};
