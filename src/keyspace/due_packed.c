#include "keyspace/due_packed.h"

enum { DUE_TEXT_BYTES = 24 }; /* more than an entry of any due time takes */

struct due_packed *due_packed_with(struct listpack *listpack) {
    struct due_packed *packed = sf_alloc(sizeof *packed);
    *packed = (struct due_packed){listpack, NO_DUE};
    return packed;
}

struct due_packed *due_packed_new(void) {
    return due_packed_with(listpack_new());
}

void due_packed_free(struct due_packed *packed) {
    listpack_free(packed->listpack);
    sf_free(packed);
}

bool due_packed_has_room(const struct due_packed *packed, size_t text_len) {
    return listpack_has_room(packed->listpack, text_len + DUE_TEXT_BYTES);
}

uint64_t due_packed_size(const struct due_packed *packed) {
    return listpack_count(packed->listpack) / 3;
}

size_t due_packed_find(const struct due_packed *packed, struct slice field) {
    return listpack_find(packed->listpack, listpack_first(packed->listpack), field, 2);
}

/* -- due times ------------------------------------------------------------------------------- */

static size_t due_at(const struct listpack *listpack, size_t field_at) {
    return listpack_next(listpack, listpack_next(listpack, field_at));
}

static int64_t due_of(const struct listpack *listpack, size_t field_at) {
    int64_t due_ms;
    bool is_number = listpack_integer(listpack, due_at(listpack, field_at), &due_ms);
    SF_ASSERT(is_number); /* no form holds anything else there */
    return due_ms == 0 ? NO_DUE : due_ms;
}

static size_t next_field(const struct listpack *listpack, size_t field_at) {
    return listpack_next(listpack, due_at(listpack, field_at));
}

int64_t due_packed_due(const struct due_packed *packed, size_t at) {
    return due_of(packed->listpack, at);
}

int64_t due_packed_first_due(const struct due_packed *packed) {
    size_t at = listpack_first(packed->listpack);
    return at == 0 ? NO_DUE : due_of(packed->listpack, at);
}

int64_t due_packed_last_due(const struct due_packed *packed) {
    size_t at = listpack_last(packed->listpack);
    int64_t due_ms;
    if (at == 0) return NO_DUE;
    bool is_number = listpack_integer(packed->listpack, at, &due_ms);
    SF_ASSERT(is_number);
    return due_ms == 0 ? NO_DUE : due_ms;
}

uint64_t due_packed_n_dead(const struct due_packed *packed, int64_t now_ms) {
    const struct listpack *listpack = packed->listpack;
    uint64_t n = 0;
    for (size_t at = listpack_first(listpack); at != 0; at = next_field(listpack, at), n++) {
        int64_t due_ms = due_of(listpack, at);
        if (due_ms > now_ms || due_ms == NO_DUE) break;
    }
    return n;
}

bool due_packed_is_good(const struct listpack *listpack) {
    int64_t before = 0;
    for (size_t at = listpack_first(listpack); at != 0;) {
        size_t value_at = listpack_next(listpack, at);
        size_t last = value_at == 0 ? 0 : listpack_next(listpack, value_at);
        int64_t due_ms;
        if (last == 0 || !listpack_integer(listpack, last, &due_ms)) return false;
        if (due_ms < 0 || due_ms > FIELD_DUE_MAX) return false;
        if (due_ms == 0) due_ms = NO_DUE;
        if (due_ms < before) return false;
        before = due_ms;
        at = listpack_next(listpack, last);
    }
    return true;
}

/* -- changing -------------------------------------------------------------------------------- */

/* Where a field with that due time belongs: in front of the first that is due later; 0: at the
 * end. */
static size_t place_for(const struct listpack *listpack, int64_t due_ms) {
    if (due_ms == NO_DUE) return 0;
    size_t at = listpack_first(listpack);
    while (at != 0 && due_of(listpack, at) <= due_ms) at = next_field(listpack, at);
    return at;
}

static void insert(
    struct due_packed *packed, struct slice field, struct slice value, int64_t due_ms) {
    char scratch[INT_TEXT_MAX];
    int64_t held = due_ms == NO_DUE ? 0 : due_ms;
    SF_ASSERT(held >= 0 && held <= FIELD_DUE_MAX);
    struct slice due = slice_of(scratch, int_print(held, scratch));
    size_t at = place_for(packed->listpack, due_ms);
    if (at == 0) {
        listpack_append(&packed->listpack, field);
        listpack_append(&packed->listpack, value);
        listpack_append(&packed->listpack, due);
        return;
    }
    at = listpack_insert(&packed->listpack, at, due); /* from the last to the first of the three */
    at = listpack_insert(&packed->listpack, at, value);
    listpack_insert(&packed->listpack, at, field);
}

bool due_packed_put(
    struct due_packed *packed, struct slice field, struct slice value, int64_t due_ms) {
    size_t at = due_packed_find(packed, field);
    if (at != 0 && due_of(packed->listpack, at) == due_ms) {
        listpack_replace(&packed->listpack, listpack_next(packed->listpack, at), value);
        return false;
    }
    if (at != 0) listpack_delete(&packed->listpack, at, 3);
    insert(packed, field, value, due_ms);
    return at == 0;
}

bool due_packed_remove(struct due_packed *packed, struct slice field) {
    size_t at = due_packed_find(packed, field);
    if (at != 0) listpack_delete(&packed->listpack, at, 3);
    return at != 0;
}

bool due_packed_set_due(struct due_packed *packed, struct slice field, int64_t due_ms) {
    size_t at = due_packed_find(packed, field);
    if (at == 0) return false;
    if (due_of(packed->listpack, at) == due_ms) return true;
    char scratch[INT_TEXT_MAX];
    struct buf value = {0}; /* it moves with its field */
    size_t value_at = listpack_next(packed->listpack, at);
    buf_append_slice(&value, listpack_text(packed->listpack, value_at, scratch));
    listpack_delete(&packed->listpack, at, 3);
    insert(packed, field, buf_slice(&value), due_ms);
    buf_free(&value);
    return true;
}

void due_packed_remove_first(struct due_packed *packed) {
    size_t at = listpack_first(packed->listpack);
    SF_ASSERT(at != 0 && due_of(packed->listpack, at) != NO_DUE);
    listpack_delete(&packed->listpack, at, 3);
}
