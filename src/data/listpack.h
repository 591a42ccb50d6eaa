/* A list of strings in one allocation: Redis's listpack, byte for byte (the layout is drawn in
 * listpack.c), so that packed values go into dumps and come out of them as they are.
 *
 * A text that is a canonical 64-bit integer is held as a number. The bytes are a function of the
 * content (S1): each text has one encoding, and the header's count is always the best it can say.
 *
 * An entry is named by its offset, which is never 0; 0 means "none". Offsets stay valid until the
 * listpack changes before or at them. Functions that change it take the address of the pointer,
 * since it may move; texts given to them must not lie within it. Each is linear in the bytes. */
#ifndef SF_DATA_LISTPACK_H
#define SF_DATA_LISTPACK_H

#include "util/base.h"
#include "util/number.h"
#include "util/slice.h"

/* Never larger than this; who adds asks listpack_has_room first. */
#define LISTPACK_BYTES_MAX ((size_t)1 << 30)

struct listpack; /* one allocation of listpack_bytes */

struct listpack *listpack_new(void);
struct listpack *listpack_copy(const struct listpack *listpack);
/* A copy of received bytes; NULL unless they are well-formed throughout. */
struct listpack *listpack_load(struct slice bytes);
void listpack_free(struct listpack *listpack);

size_t listpack_bytes(const struct listpack *listpack);
struct slice listpack_image(const struct listpack *listpack); /* those bytes; borrowed */
/* The number of entries: at once up to 65,534, by walking beyond. */
uint64_t listpack_count(const struct listpack *listpack);
bool listpack_has_room(const struct listpack *listpack, size_t text_len);
/* What an entry for that text will take. */
size_t listpack_entry_bytes(struct slice text);

/* -- walking --------------------------------------------------------------------------------- */

size_t listpack_first(const struct listpack *listpack);
size_t listpack_last(const struct listpack *listpack);
size_t listpack_next(const struct listpack *listpack, size_t at);
size_t listpack_prev(const struct listpack *listpack, size_t at);
/* The entry of that index, from the end when negative; 0 when out of range. */
size_t listpack_seek(const struct listpack *listpack, int64_t index);

/* The entry's text; borrowed from the listpack, or from scratch where it is held as a number. */
struct slice listpack_text(const struct listpack *listpack, size_t at, char scratch[INT_TEXT_MAX]);
/* true and *out where the entry is held as a number. */
bool listpack_integer(const struct listpack *listpack, size_t at, int64_t *out);
bool listpack_equals(const struct listpack *listpack, size_t at, struct slice text);
/* The first entry equal to text among `from` and those behind it, skip entries left out after each
 * one compared (1: the fields of field-value pairs). from 0: none. */
size_t listpack_find(
    const struct listpack *listpack, size_t from, struct slice text, uint32_t skip);

/* -- changing -------------------------------------------------------------------------------- */

void listpack_append(struct listpack **listpack, struct slice text);
/* A text, or a number. */
struct listpack_item {
    struct slice text; /* unless is_integer */
    int64_t integer;
    bool is_integer;
};
/* Appends n entries and moves the listpack at most once. */
void listpack_append_items(struct listpack **listpack, const struct listpack_item *items, size_t n);
/* Puts text in front of the entry `at` (0: behind the last); returns the new entry. */
size_t listpack_insert(struct listpack **listpack, size_t at, struct slice text);
/* Puts text in the place of the entry, which keeps its offset. */
void listpack_replace(struct listpack **listpack, size_t at, struct slice text);
void listpack_replace_integer(struct listpack **listpack, size_t at, int64_t value);
/* Takes out n entries from `at` on, or as many as there are; returns the one that follows, or 0. */
size_t listpack_delete(struct listpack **listpack, size_t at, uint64_t n);

#endif
