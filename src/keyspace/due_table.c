#include "keyspace/due_table.h"

static int compare_due(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

int element_compare_due(const void *context, const void *a, const void *b) {
    (void)context;
    if (a == b) return 0;
    int order = compare_due(element_due_ms(a), element_due_ms(b));
    return order != 0 ? order : slice_compare(element_key(a), element_key(b));
}

struct due_table *due_table_new(const struct collection_types *types) {
    struct element_table *plain = element_table_new(types, true);
    return due_table_of(types, &plain);
}

struct due_table *due_table_of(const struct collection_types *types, struct element_table **plain) {
    struct due_table *table = sf_alloc(sizeof *table);
    *table = (struct due_table){.elements = **plain, .indexed_ms = NO_DUE};
    btree_init(&table->dues, &types->due_fields);
    sf_free(*plain);
    *plain = NULL;
    return table;
}

struct element_table *due_table_to_plain(struct due_table **table) {
    SF_ASSERT((*table)->dues.n == 0);
    struct element_table *plain = sf_alloc(sizeof *plain);
    *plain = (*table)->elements;
    sf_free(*table);
    *table = NULL;
    return plain;
}

/* -- fields ---------------------------------------------------------------------------------- */

static void enter(struct due_table *table, void *element) {
    if (element_due_ms(element) != NO_DUE) btree_insert(&table->dues, element);
}

static void leave(struct due_table *table, void *element) {
    if (element_due_ms(element) == NO_DUE) return;
    void *removed = btree_remove(&table->dues, element);
    SF_ASSERT(removed == element);
}

/* Whether the element can hold these in its own place. */
static bool fits(const void *element, size_t value_len, int64_t due_ms) {
    return element_value(element).len == value_len &&
           (element_due_ms(element) == NO_DUE) == (due_ms == NO_DUE);
}

/* Gives the element that is there another value and due time. */
static void change(struct due_table *table, uint64_t hash, void *element, struct slice field,
    struct slice value, int64_t due_ms) {
    leave(table, element);
    if (fits(element, value.len, due_ms)) {
        struct slice held = element_value(element);
        if (value.len > 0) memmove((char *)(uintptr_t)held.data, value.data, value.len);
        if (due_ms != NO_DUE) element_set_due(element, due_ms);
        enter(table, element);
        return;
    }
    void *other = element_new(&table->elements, field, value, due_ms);
    table_replace(&table->elements.table, hash, element, other);
    element_drop(&table->elements, element);
    enter(table, other);
}

static uint64_t hash_of(const struct due_table *table, struct slice field) {
    return table_hash(table->elements.table.type, field);
}

bool due_table_put(
    struct due_table *table, struct slice field, struct slice value, int64_t due_ms) {
    uint64_t hash = hash_of(table, field);
    void *old = table_find(&table->elements.table, hash, field);
    if (old != NULL) {
        change(table, hash, old, field, value, due_ms);
        return false;
    }
    void *element = element_new(&table->elements, field, value, due_ms);
    table_put(&table->elements.table, hash, element);
    enter(table, element);
    return true;
}

bool due_table_remove(struct due_table *table, struct slice field) {
    uint64_t hash = hash_of(table, field);
    void *element = table_remove(&table->elements.table, hash, field);
    if (element == NULL) return false;
    leave(table, element);
    element_drop(&table->elements, element);
    return true;
}

bool due_table_set_due(struct due_table *table, struct slice field, int64_t due_ms) {
    uint64_t hash = hash_of(table, field);
    void *element = table_find(&table->elements.table, hash, field);
    if (element == NULL) return false;
    if (element_due_ms(element) != due_ms)
        change(table, hash, element, element_key(element), element_value(element), due_ms);
    return true;
}

int64_t due_table_first_due(const struct due_table *table) {
    const void *first = btree_first(&table->dues);
    return first == NULL ? NO_DUE : element_due_ms(first);
}

int64_t due_table_last_due(const struct due_table *table) {
    uint64_t n = table->dues.n;
    if (n == 0 || n < table_size(&table->elements.table)) return NO_DUE;
    return element_due_ms(btree_at(&table->dues, n - 1));
}

struct slice due_table_first_field(const struct due_table *table) {
    return element_key(btree_first(&table->dues));
}

void due_table_remove_first(struct due_table *table) {
    void *first = btree_first(&table->dues);
    SF_ASSERT(first != NULL);
    leave(table, first);
    struct slice field = element_key(first);
    void *removed = table_remove(&table->elements.table, hash_of(table, field), field);
    SF_ASSERT(removed == first);
    element_drop(&table->elements, first);
}

static int compare_dead(const void *context, const void *now_ms, const void *element) {
    (void)context;
    return element_due_ms(element) <= *(const int64_t *)now_ms ? 1 : -1;
}

uint64_t due_table_n_dead(const struct due_table *table, int64_t now_ms) {
    uint64_t n;
    btree_lower_bound(&table->dues, compare_dead, &now_ms, NULL, &n);
    return n;
}
