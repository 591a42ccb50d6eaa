#include "keyspace/element.h"

enum { DUE_MARK = 254, LONG_LENGTH = 255, DUE_BYTES = 9 };

/* -- elements -------------------------------------------------------------------------------- */

static size_t length_bytes(size_t len) {
    return len < DUE_MARK ? 1 : 5;
}

static char *text_write(char *at, struct slice text) {
    SF_ASSERT(text.len <= UINT32_MAX);
    *at = (char)(uint8_t)(text.len < DUE_MARK ? text.len : LONG_LENGTH);
    if (text.len >= DUE_MARK) store_u32(at + 1, (uint32_t)text.len);
    at += length_bytes(text.len);
    if (text.len > 0) memcpy(at, text.data, text.len);
    return at + text.len;
}

static struct slice text_read(const char *at) {
    uint8_t first = (uint8_t)*at;
    return first < LONG_LENGTH ? slice_of(at + 1, first) : slice_of(at + 5, load_u32(at + 1));
}

static bool has_due(const void *element) {
    return *(const uint8_t *)element == DUE_MARK;
}

struct slice element_key(const void *element) {
    return text_read((const char *)element + (has_due(element) ? DUE_BYTES : 0));
}

struct slice element_value(const void *element) {
    struct slice key = element_key(element);
    return text_read(key.data + key.len);
}

int64_t element_due_ms(const void *element) {
    return has_due(element) ? (int64_t)load_u64((const char *)element + 1) : NO_DUE;
}

void element_set_due(void *element, int64_t due_ms) {
    SF_ASSERT(has_due(element) && due_ms != NO_DUE);
    store_u64((char *)element + 1, (uint64_t)due_ms);
}

static size_t size_for(const struct element_table *table, size_t key_len, size_t value_len) {
    size_t size = length_bytes(key_len) + key_len;
    return table->has_values ? size + length_bytes(value_len) + value_len : size;
}

static size_t element_size(const struct element_table *table, const void *element) {
    size_t value_len = table->has_values ? element_value(element).len : 0;
    size_t size = size_for(table, element_key(element).len, value_len);
    return has_due(element) ? size + DUE_BYTES : size;
}

void *element_new(
    struct element_table *table, struct slice key, struct slice value, int64_t due_ms) {
    size_t size = size_for(table, key.len, value.len);
    if (due_ms != NO_DUE) size += DUE_BYTES;
    char *element = pool_take(table->pool, size), *at = element;
    if (due_ms != NO_DUE) {
        *at = (char)(uint8_t)DUE_MARK;
        store_u64(at + 1, (uint64_t)due_ms);
        at += DUE_BYTES;
    }
    at = text_write(at, key);
    if (table->has_values) text_write(at, value);
    table->element_bytes += pool_piece_bytes(size);
    return element;
}

void element_drop(void *context, void *element) {
    struct element_table *table = context;
    size_t size = element_size(table, element);
    table->element_bytes -= pool_piece_bytes(size);
    pool_give(table->pool, element, size);
}

/* -- tables ---------------------------------------------------------------------------------- */

struct element_table *element_table_new(const struct collection_types *types, bool has_values) {
    struct element_table *table = sf_alloc(sizeof *table);
    *table = (struct element_table){.pool = types->pool, .has_values = has_values};
    table_init(&table->table, &types->elements);
    return table;
}

void *element_table_find(const struct element_table *table, struct slice key) {
    return table_find(&table->table, table_hash(table->table.type, key), key);
}

bool element_table_put(struct element_table *table, struct slice key, struct slice value) {
    uint64_t hash = table_hash(table->table.type, key);
    void *old = table_find(&table->table, hash, key);
    if (old == NULL) {
        table_put(&table->table, hash, element_new(table, key, value, NO_DUE));
        return true;
    }
    if (!table->has_values) return false;
    struct slice held = element_value(old);
    if (held.len == value.len) {
        if (value.len > 0) memmove((char *)(uintptr_t)held.data, value.data, value.len);
        return false;
    }
    void *element = element_new(table, key, value, NO_DUE);
    table_replace(&table->table, hash, old, element);
    element_drop(table, old);
    return false;
}

bool element_table_remove(struct element_table *table, struct slice key) {
    void *element = table_remove(&table->table, table_hash(table->table.type, key), key);
    if (element == NULL) return false;
    element_drop(table, element);
    return true;
}

/* -- as a form ------------------------------------------------------------------------------- */

uint64_t element_form_size(const void *value) {
    return table_size(&((const struct element_table *)value)->table);
}

size_t element_form_bytes(const void *value) {
    const struct element_table *table = value;
    return size_class(sizeof *table) + table->element_bytes + table_bytes(&table->table);
}

bool element_form_free_some(void *value, uint64_t *budget) {
    struct element_table *table = value;
    uint64_t freed = table_drop_some(&table->table, *budget, element_drop, table);
    *budget -= SF_MIN(*budget, freed);
    if (table_size(&table->table) > 0) return false;
    SF_ASSERT(table->element_bytes == 0);
    sf_free(table);
    return true;
}

void element_form_free(void *value) {
    uint64_t budget = UINT64_MAX;
    bool all_gone = element_form_free_some(value, &budget);
    SF_ASSERT(all_gone);
}

void *element_form_copy(const struct collection_types *types, const void *value) {
    const struct element_table *table = value;
    struct element_table *copy = element_table_new(types, table->has_values);
    struct table_iterator next = table_seek(&table->table, 0);
    for (const void *element; (element = table_next(&next)) != NULL;) {
        struct slice held = table->has_values ? element_value(element) : slice_of(NULL, 0);
        breath_spend(types->breath, 1);
        element_table_put(copy, element_key(element), held);
    }
    return copy;
}

void element_form_put(const void *value, struct buf *out) {
    const struct element_table *table = value;
    put_varint(out, table_size(&table->table));
    struct table_iterator next = table_seek(&table->table, 0);
    for (const void *element; (element = table_next(&next)) != NULL;) {
        put_string(out, element_key(element));
        if (table->has_values) put_string(out, element_value(element));
    }
}

struct element_table *element_form_read(
    const struct collection_types *types, struct reader *in, bool has_values) {
    struct element_table *table = element_table_new(types, has_values);
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct slice key = read_string(in);
        struct slice value = has_values ? read_string(in) : slice_of(NULL, 0);
        if (key.len > UINT32_MAX || value.len > UINT32_MAX) in->failed = true;
        if (!in->failed && !element_table_put(table, key, value)) in->failed = true; /* twice */
    }
    if (n > 0 && !in->failed) return table;
    element_form_free(table);
    return NULL;
}
