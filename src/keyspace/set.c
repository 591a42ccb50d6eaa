#include "keyspace/set.h"

#include "data/intset.h"
#include "keyspace/element.h"

#define INTSET_ENTRIES_MAX ((int64_t)1 << 30) /* beyond this the format ends */

static const struct slice no_value = {NULL, 0};

static bool add_integer(struct collection *set, int64_t integer) {
    if (set->is_inline && intset_contains(set->value, integer)) return false;
    collection_own(set);
    struct intset *intset = set->value;
    bool is_new = intset_add(&intset, integer);
    set->value = intset;
    return is_new;
}

static bool remove_integer(struct collection *set, int64_t integer) {
    if (set->is_inline && !intset_contains(set->value, integer)) return false;
    collection_own(set);
    struct intset *intset = set->value;
    bool was_there = intset_remove(&intset, integer);
    set->value = intset;
    return was_there;
}

/* -- making and changing the form ------------------------------------------------------------ */

struct collection set_new_as(const struct collection_types *types, enum object_encoding encoding) {
    struct collection set = {.types = types, .type = OBJECT_SET, .encoding = encoding};
    set.value = encoding == ENCODING_INTSET     ? (void *)intset_new()
                : encoding == ENCODING_LISTPACK ? (void *)listpack_new()
                                                : (void *)element_table_new(types, false);
    return set;
}

static uint64_t intset_limit(const struct thresholds *thresholds) {
    return (uint64_t)SF_MIN(thresholds->set_max_intset_entries, INTSET_ENTRIES_MAX);
}

static uint64_t listpack_limit(const struct thresholds *thresholds) {
    return (uint64_t)thresholds->set_max_listpack_entries;
}

struct collection set_new(const struct collection_types *types, const struct thresholds *thresholds,
    struct slice first, uint64_t n_expected) {
    int64_t integer;
    if (int_parse(first, &integer) && n_expected <= intset_limit(thresholds))
        return set_new_as(types, ENCODING_INTSET);
    if (n_expected <= listpack_limit(thresholds)) return set_new_as(types, ENCODING_LISTPACK);
    return set_new_as(types, ENCODING_HASHTABLE);
}

/* Puts the members into a new value of another form; false: into a table, and one was there
 * twice. */
static bool set_convert(struct collection *set, enum object_encoding encoding) {
    collection_changes(set);
    struct collection converted = set_new_as(set->types, encoding);
    struct set_iterator next = set_iterate(set);
    bool is_distinct = true;
    for (struct slice member; set_next(&next, &member);) {
        int64_t integer = 0;
        if (encoding == ENCODING_HASHTABLE) {
            is_distinct &= element_table_put(converted.value, member, no_value);
        } else if (encoding == ENCODING_LISTPACK) {
            packed_append(&converted, member);
        } else {
            bool is_integer = int_parse(member, &integer);
            SF_ASSERT(is_integer);
            add_integer(&converted, integer);
        }
    }
    collection_free(set);
    *set = converted;
    return is_distinct;
}

struct collection set_of_packed(const struct collection_types *types,
    const struct thresholds *thresholds, struct listpack **packed) {
    struct collection set = {
        .types = types, .type = OBJECT_SET, .encoding = ENCODING_LISTPACK, .value = *packed};
    *packed = NULL;
    bool is_good = listpack_count(set.value) > listpack_limit(thresholds)
                       ? set_convert(&set, ENCODING_HASHTABLE)
                       : packed_is_distinct(types, set.value, 1);
    if (!is_good) collection_free(&set);
    return set;
}

struct collection set_of_intset(const struct collection_types *types,
    const struct thresholds *thresholds, struct intset **intset) {
    struct collection set = {
        .types = types, .type = OBJECT_SET, .encoding = ENCODING_INTSET, .value = *intset};
    *intset = NULL;
    if (intset_count(set.value) > intset_limit(thresholds)) set_convert(&set, ENCODING_HASHTABLE);
    return set;
}

void set_prepare(struct collection *set, const struct thresholds *thresholds, uint64_t n_expected) {
    uint64_t limit = set->encoding == ENCODING_LISTPACK ? listpack_limit(thresholds)
                     : set->encoding == ENCODING_INTSET ? intset_limit(thresholds)
                                                        : UINT64_MAX;
    if (n_expected > limit) set_convert(set, ENCODING_HASHTABLE);
}

void set_become_intset(struct collection *set, const struct thresholds *thresholds) {
    if (set->encoding == ENCODING_INTSET) return;
    if (collection_size(set) <= intset_limit(thresholds)) set_convert(set, ENCODING_INTSET);
}

/* -- members --------------------------------------------------------------------------------- */

static size_t packed_find(const struct listpack *listpack, struct slice member) {
    return listpack_find(listpack, listpack_first(listpack), member, 0);
}

bool set_contains(const struct collection *set, struct slice member) {
    int64_t integer;
    if (set->encoding == ENCODING_HASHTABLE) return element_table_find(set->value, member) != NULL;
    if (set->encoding == ENCODING_LISTPACK) return packed_find(set->value, member) != 0;
    return int_parse(member, &integer) && intset_contains(set->value, integer);
}

/* Whether a listpack of so many members may take one more. */
static bool fits_listpack(
    const struct thresholds *thresholds, uint64_t n_members, struct slice member) {
    return n_members < listpack_limit(thresholds) &&
           member.len <= (uint64_t)thresholds->set_max_listpack_value;
}

static bool add_to_table(struct collection *set, struct slice member) {
    return element_table_put(set->value, member, no_value);
}

static bool add_to_listpack(
    struct collection *set, const struct thresholds *thresholds, struct slice member) {
    if (packed_find(set->value, member) != 0) return false;
    if (fits_listpack(thresholds, listpack_count(set->value), member) &&
        listpack_has_room(set->value, member.len)) {
        packed_append(set, member);
        return true;
    }
    set_convert(set, ENCODING_HASHTABLE);
    return add_to_table(set, member);
}

/* Whether the integers of an intset may become texts of a listpack: the outermost are the longest.
 */
static bool integers_fit_listpack(
    const struct intset *intset, const struct thresholds *thresholds) {
    uint64_t n = intset_count(intset);
    if (n == 0) return true;
    char text[INT_TEXT_MAX];
    size_t longest = int_print(intset_at(intset, 0), text);
    longest = SF_MAX(longest, int_print(intset_at(intset, n - 1), text));
    return longest <= (uint64_t)thresholds->set_max_listpack_value &&
           n * INT_TEXT_MAX <= LISTPACK_BYTES_MAX / 2;
}

static bool add_to_intset(
    struct collection *set, const struct thresholds *thresholds, struct slice member) {
    int64_t integer;
    if (int_parse(member, &integer)) {
        if (!add_integer(set, integer)) return false;
        if (intset_count(set->value) > intset_limit(thresholds))
            set_convert(set, ENCODING_HASHTABLE);
        return true;
    }
    if (fits_listpack(thresholds, intset_count(set->value), member) &&
        integers_fit_listpack(set->value, thresholds)) {
        set_convert(set, ENCODING_LISTPACK);
        packed_append(set, member);
        return true;
    }
    set_convert(set, ENCODING_HASHTABLE);
    return add_to_table(set, member);
}

bool set_add(struct collection *set, const struct thresholds *thresholds, struct slice member) {
    element_changes(set, member);
    if (set->encoding == ENCODING_HASHTABLE) return add_to_table(set, member);
    if (set->encoding == ENCODING_LISTPACK) return add_to_listpack(set, thresholds, member);
    return add_to_intset(set, thresholds, member);
}

bool set_remove(struct collection *set, struct slice member) {
    int64_t integer;
    element_changes(set, member);
    if (set->encoding == ENCODING_HASHTABLE) return element_table_remove(set->value, member);
    if (set->encoding == ENCODING_INTSET)
        return int_parse(member, &integer) && remove_integer(set, integer);
    size_t at = packed_find(set->value, member);
    if (at != 0) packed_delete(set, at, 1);
    return at != 0;
}

/* -- order ----------------------------------------------------------------------------------- */

struct set_iterator set_iterate(const struct collection *set) {
    struct set_iterator iterator = {.set = set};
    if (set->encoding == ENCODING_LISTPACK) iterator.at = listpack_first(set->value);
    if (set->encoding == ENCODING_HASHTABLE)
        iterator.elements = table_seek(&((struct element_table *)set->value)->table, 0);
    return iterator;
}

bool set_next(struct set_iterator *iterator, struct slice *member) {
    const void *value = iterator->set->value;
    if (iterator->set->encoding == ENCODING_HASHTABLE) {
        const void *element = table_next(&iterator->elements);
        if (element != NULL) *member = element_key(element);
        return element != NULL;
    }
    if (iterator->set->encoding == ENCODING_LISTPACK) {
        if (iterator->at == 0) return false;
        *member = listpack_text(value, iterator->at, iterator->scratch);
        iterator->at = listpack_next(value, iterator->at);
        return true;
    }
    if (iterator->at == intset_count(value)) return false;
    size_t len = int_print(intset_at(value, iterator->at++), iterator->scratch);
    *member = slice_of(iterator->scratch, len);
    return true;
}

struct slice set_at(const struct collection *set, uint64_t rank, char scratch[INT_TEXT_MAX]) {
    if (set->encoding == ENCODING_HASHTABLE)
        return element_key(table_at(&((struct element_table *)set->value)->table, rank));
    if (set->encoding == ENCODING_LISTPACK)
        return listpack_text(set->value, listpack_seek(set->value, (int64_t)rank), scratch);
    return slice_of(scratch, int_print(intset_at(set->value, rank), scratch));
}

struct visitor {
    set_visit *visit;
    void *context;
};

static bool visit_element(void *context, void *element) {
    const struct visitor *visitor = context;
    visitor->visit(visitor->context, element_key(element));
    return true;
}

uint64_t set_scan(const struct collection *set, uint64_t cursor, uint64_t count, set_visit *visit,
    void *context) {
    if (set->encoding == ENCODING_HASHTABLE) {
        struct visitor visitor = {visit, context};
        const struct element_table *table = set->value;
        return table_scan(&table->table, cursor, count, visit_element, &visitor);
    }
    struct set_iterator next = set_iterate(set);
    for (struct slice member; set_next(&next, &member);) visit(context, member);
    return 0;
}

/* -- forms ----------------------------------------------------------------------------------- */

/* Each member for itself: they have no order. */
static void digest_members(enum object_encoding encoding, const void *value, uint8_t digest[20]) {
    struct collection set = {
        .type = OBJECT_SET, .encoding = encoding, .value = (void *)(uintptr_t)value};
    struct set_iterator next = set_iterate(&set);
    for (struct slice member; set_next(&next, &member);) redis_digest_add(digest, member);
}

static size_t intset_form_bytes(const void *value) {
    return size_class(intset_bytes(value));
}

static void intset_form_free(void *value) {
    intset_free(value);
}

static uint64_t intset_form_size(const void *value) {
    return intset_count(value);
}

static void *intset_form_copy(const struct collection_types *types, const void *value) {
    (void)types;
    return intset_copy(value);
}

static void intset_form_put(const void *value, struct buf *out) {
    put_string(out, intset_image(value));
}

static void *intset_form_read(const struct collection_types *types, struct reader *in) {
    (void)types;
    struct slice bytes = read_string(in);
    struct intset *intset = in->failed ? NULL : intset_load(bytes);
    if (intset == NULL || intset_count(intset) > 0) return intset;
    intset_free(intset);
    return NULL;
}

static void intset_form_digest(const void *value, uint8_t digest[20]) {
    digest_members(ENCODING_INTSET, value, digest);
}

const struct collection_form set_intset_form = {.size = intset_form_size,
    .bytes = intset_form_bytes,
    .free = intset_form_free,
    .copy = intset_form_copy,
    .put = intset_form_put,
    .read = intset_form_read,
    .redis_digest = intset_form_digest};

static uint64_t packed_size(const void *value) {
    return listpack_count(value);
}

static void *read_packed(const struct collection_types *types, struct reader *in) {
    struct listpack *listpack = packed_read(in);
    if (listpack == NULL || packed_is_distinct(types, listpack, 1)) return listpack;
    listpack_free(listpack);
    return NULL;
}

static void digest_packed(const void *value, uint8_t digest[20]) {
    digest_members(ENCODING_LISTPACK, value, digest);
}

const struct collection_form set_listpack_form = {.size = packed_size,
    .bytes = packed_bytes,
    .free = packed_free,
    .copy = packed_copy,
    .put = packed_put,
    .read = read_packed,
    .redis_digest = digest_packed};

static void *read_table(const struct collection_types *types, struct reader *in) {
    return element_form_read(types, in, false);
}

static void digest_table(const void *value, uint8_t digest[20]) {
    digest_members(ENCODING_HASHTABLE, value, digest);
}

const struct collection_form set_table_form = {.size = element_form_size,
    .bytes = element_form_bytes,
    .free = element_form_free,
    .free_some = element_form_free_some,
    .copy = element_form_copy,
    .put = element_form_put,
    .read = read_table,
    .redis_digest = digest_table};
