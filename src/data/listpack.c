/* The layout (Sanfilippo's listpack specification):
 *
 *   u32 bytes in all | u16 entries, 65535: count them | entry ... | 0xff
 *   entry     [ encoding and content: n bytes | backlen: n in 7-bit groups ]
 *
 *   0xxxxxxx                       number 0..127
 *   10llllll text                  text of up to 63 bytes
 *   110xxxxx x8                    number of 13 bits
 *   1110llll l8 text               text of up to 4,095 bytes
 *   0xf0 l32 text                  any text
 *   0xf1..0xf4 x16, x24, x32, x64  numbers
 *
 * Numbers are little-endian and in two's complement, except that those of 12 and 13 bits have their
 * high bits in the first byte. The backlen is read from its end towards the front: the last byte
 * holds the lowest group, and a set high bit says that another stands before it. */
#include "data/listpack.h"

#include "util/codec.h"

enum { HEADER_BYTES = 6, END = 0xff, COUNT_UNKNOWN = 65535, HEAD_MAX = 9 };

struct listpack {
    uint8_t bytes[HEADER_BYTES + 1];
};

/* -- the header ------------------------------------------------------------------------------ */

static inline uint8_t *byte_at(const struct listpack *listpack, size_t at) {
    return (uint8_t *)(uintptr_t)listpack + at;
}

static uint32_t header_count(const struct listpack *listpack) {
    return *byte_at(listpack, 4) | (uint32_t)*byte_at(listpack, 5) << 8;
}

static void set_count(struct listpack *listpack, uint64_t count) {
    uint64_t shown = SF_MIN(count, (uint64_t)COUNT_UNKNOWN);
    *byte_at(listpack, 4) = (uint8_t)shown;
    *byte_at(listpack, 5) = (uint8_t)(shown >> 8);
}

size_t listpack_bytes(const struct listpack *listpack) {
    return load_u32(listpack);
}

struct slice listpack_image(const struct listpack *listpack) {
    return slice_of(listpack, listpack_bytes(listpack));
}

/* -- one entry ------------------------------------------------------------------------------- */

struct entry {
    size_t head; /* bytes in front of the text, or all of a number */
    size_t len;  /* of the text */
    bool is_integer;
    int64_t integer;
};

static int64_t signed_bytes(const uint8_t *at, unsigned n) {
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++) value |= (uint64_t)at[i] << (8 * i);
    unsigned unused = 64 - 8 * n;
    return (int64_t)(value << unused) >> unused;
}

static bool entry_number(struct entry *out, size_t bytes, int64_t integer, size_t room) {
    *out = (struct entry){.head = bytes, .is_integer = true, .integer = integer};
    return bytes <= room;
}

static bool entry_text(struct entry *out, size_t head, size_t len, size_t room) {
    *out = (struct entry){.head = head, .len = len};
    return head <= room && len <= room - head;
}

/* Decodes what stands at `at`, of which room bytes may be read; false: not an entry, or longer. */
static bool entry_read(const uint8_t *at, size_t room, struct entry *out) {
    static const uint8_t widths[] = {2, 3, 4, 8};
    if (room == 0) return false;
    uint8_t first = at[0];
    if (first < 0x80) return entry_number(out, 1, first, room);
    if (first < 0xc0) return entry_text(out, 1, first & 63, room);
    if (first < 0xe0) {
        if (room < 2) return false;
        int64_t integer = (int64_t)((uint64_t)(first & 31) << 8 | at[1]);
        return entry_number(out, 2, integer >= 4096 ? integer - 8192 : integer, room);
    }
    if (first < 0xf0)
        return room >= 2 && entry_text(out, 2, (size_t)(first & 15) << 8 | at[1], room);
    if (first == 0xf0) return room >= 5 && entry_text(out, 5, load_u32(at + 1), room);
    if (first > 0xf4) return false;
    uint8_t width = widths[first - 0xf1];
    return room > width && entry_number(out, width + 1u, signed_bytes(at + 1, width), room);
}

/* The format's own limits, one below what 7-bit groups would hold. */
static size_t backlen_bytes(size_t len) {
    if (len <= 127) return 1;
    return len < 16383 ? 2 : len < 2097151 ? 3 : len < 268435455 ? 4 : 5;
}

static void backlen_write(uint8_t *at, size_t len) {
    size_t n = backlen_bytes(len);
    for (size_t i = n; i-- > 0; len >>= 7) at[i] = (uint8_t)((len & 127) | (i > 0 ? 128 : 0));
}

/* The backlen whose last byte is at[-1]; room bytes may be read before `at`. */
static bool backlen_read(const uint8_t *at, size_t room, size_t *len) {
    *len = 0;
    for (size_t i = 0; i < 5 && i < room; i++) {
        uint8_t byte = *--at;
        *len |= (size_t)(byte & 127) << (7 * i);
        if ((byte & 128) == 0) return true;
    }
    return false;
}

static inline struct entry entry_at(const struct listpack *listpack, size_t at) {
    struct entry entry;
    bool good = entry_read(byte_at(listpack, at), listpack_bytes(listpack) - at, &entry);
    SF_ASSERT(good);
    return entry;
}

static size_t entry_end(const struct listpack *listpack, size_t at) {
    struct entry entry = entry_at(listpack, at);
    return at + entry.head + entry.len + backlen_bytes(entry.head + entry.len);
}

/* -- encoding -------------------------------------------------------------------------------- */

struct encoded {
    uint8_t head[HEAD_MAX];
    size_t head_len;
    struct slice text; /* what follows the head */
};

static void encode_integer(int64_t value, struct encoded *out) {
    uint8_t *head = out->head;
    if (value >= 0 && value <= 127) {
        head[0] = (uint8_t)value;
        out->head_len = 1;
        return;
    }
    if (value >= -4096 && value <= 4095) {
        head[0] = (uint8_t)(0xc0 | (((uint64_t)value >> 8) & 31));
        head[1] = (uint8_t)value;
        out->head_len = 2;
        return;
    }
    bool fits_16 = value == (int16_t)value, fits_32 = value == (int32_t)value;
    bool fits_24 = value >= -(1 << 23) && value < 1 << 23;
    unsigned width = fits_16 ? 2 : fits_24 ? 3 : fits_32 ? 4 : 8;
    head[0] = (uint8_t)(0xf1 + (width == 8 ? 3 : width - 2));
    for (unsigned i = 0; i < width; i++) head[1 + i] = (uint8_t)((uint64_t)value >> (8 * i));
    out->head_len = width + 1;
}

static void encode(struct slice text, struct encoded *out) {
    int64_t integer;
    out->text = slice_of(NULL, 0);
    if (text.len < INT_TEXT_MAX && int_parse(text, &integer)) {
        encode_integer(integer, out);
        return;
    }
    out->text = text;
    if (text.len < 64) {
        out->head[0] = (uint8_t)(0x80 | text.len);
        out->head_len = 1;
    } else if (text.len < 4096) {
        out->head[0] = (uint8_t)(0xe0 | text.len >> 8);
        out->head[1] = (uint8_t)text.len;
        out->head_len = 2;
    } else {
        out->head[0] = 0xf0;
        SF_ASSERT(text.len <= UINT32_MAX);
        store_u32(out->head + 1, (uint32_t)text.len);
        out->head_len = 5;
    }
}

static size_t encoded_bytes(const struct encoded *encoded) {
    size_t len = encoded->head_len + encoded->text.len;
    return len + backlen_bytes(len);
}

static void encoded_write(const struct encoded *encoded, uint8_t *at) {
    size_t len = encoded->head_len + encoded->text.len;
    memcpy(at, encoded->head, encoded->head_len);
    if (encoded->text.len > 0)
        memcpy(at + encoded->head_len, encoded->text.data, encoded->text.len);
    backlen_write(at + len, len);
}

size_t listpack_entry_bytes(struct slice text) {
    struct encoded encoded;
    encode(text, &encoded);
    return encoded_bytes(&encoded);
}

/* -- life ------------------------------------------------------------------------------------ */

struct listpack *listpack_new(void) {
    struct listpack *listpack = sf_alloc(sizeof *listpack);
    store_u32(listpack, sizeof *listpack);
    set_count(listpack, 0);
    *byte_at(listpack, HEADER_BYTES) = END;
    return listpack;
}

struct listpack *listpack_copy(const struct listpack *listpack) {
    size_t bytes = listpack_bytes(listpack);
    return memcpy(sf_alloc(bytes), listpack, bytes);
}

void listpack_free(struct listpack *listpack) {
    sf_free(listpack);
}

/* Whether all between header and end byte is a row of entries, as we would have laid them out. */
static bool entries_are_good(const uint8_t *bytes, size_t end, uint64_t *count) {
    *count = 0;
    for (size_t at = HEADER_BYTES; at < end; ++*count) {
        struct entry entry;
        if (!entry_read(bytes + at, end - at, &entry)) return false;
        size_t len = entry.head + entry.len, width = backlen_bytes(len), back;
        if (width > end - at - len) return false;
        at += len + width;
        if (!backlen_read(bytes + at, width, &back) || back != len) return false;
    }
    return true;
}

struct listpack *listpack_load(struct slice bytes) {
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint64_t count;
    if (bytes.len <= HEADER_BYTES || bytes.len > LISTPACK_BYTES_MAX) return NULL;
    if (load_u32(data) != bytes.len || data[bytes.len - 1] != END) return NULL;
    if (!entries_are_good(data, bytes.len - 1, &count)) return NULL;
    uint32_t shown = data[4] | (uint32_t)data[5] << 8;
    if (shown != COUNT_UNKNOWN && shown != count) return NULL;
    struct listpack *listpack = memcpy(sf_alloc(bytes.len), bytes.data, bytes.len);
    set_count(listpack, count); /* what others left unknown becomes known */
    return listpack;
}

static uint64_t count_by_walking(const struct listpack *listpack) {
    uint64_t count = 0;
    for (size_t at = listpack_first(listpack); at != 0; at = listpack_next(listpack, at)) count++;
    return count;
}

uint64_t listpack_count(const struct listpack *listpack) {
    uint32_t count = header_count(listpack);
    return count == COUNT_UNKNOWN ? count_by_walking(listpack) : count;
}

bool listpack_has_room(const struct listpack *listpack, size_t text_len) {
    size_t bytes = listpack_bytes(listpack);
    return bytes <= LISTPACK_BYTES_MAX && text_len <= LISTPACK_BYTES_MAX - bytes;
}

/* -- walking --------------------------------------------------------------------------------- */

static size_t at_or_end(const struct listpack *listpack, size_t at) {
    return *byte_at(listpack, at) == END ? 0 : at;
}

size_t listpack_first(const struct listpack *listpack) {
    return at_or_end(listpack, HEADER_BYTES);
}

size_t listpack_last(const struct listpack *listpack) {
    return listpack_prev(listpack, listpack_bytes(listpack) - 1);
}

size_t listpack_next(const struct listpack *listpack, size_t at) {
    return at_or_end(listpack, entry_end(listpack, at));
}

size_t listpack_prev(const struct listpack *listpack, size_t at) {
    if (at <= HEADER_BYTES) return 0;
    size_t len;
    bool good = backlen_read(byte_at(listpack, at), at - HEADER_BYTES, &len);
    SF_ASSERT(good && len + backlen_bytes(len) <= at - HEADER_BYTES);
    return at - len - backlen_bytes(len);
}

size_t listpack_seek(const struct listpack *listpack, int64_t index) {
    int64_t count = header_count(listpack);
    if (count != COUNT_UNKNOWN) {
        if (index >= count || index < -count) return 0;
        if (index > count / 2) index -= count; /* the nearer end */
        if (index < -count / 2 - 1) index += count;
    }
    size_t at = index >= 0 ? listpack_first(listpack) : listpack_last(listpack);
    for (; at != 0 && index > 0; index--) at = listpack_next(listpack, at);
    for (; at != 0 && index < -1; index++) at = listpack_prev(listpack, at);
    return at;
}

struct slice listpack_text(const struct listpack *listpack, size_t at, char scratch[INT_TEXT_MAX]) {
    struct entry entry = entry_at(listpack, at);
    if (entry.is_integer) return slice_of(scratch, int_print(entry.integer, scratch));
    return slice_of(byte_at(listpack, at + entry.head), entry.len);
}

bool listpack_integer(const struct listpack *listpack, size_t at, int64_t *out) {
    struct entry entry = entry_at(listpack, at);
    if (entry.is_integer) *out = entry.integer;
    return entry.is_integer;
}

/* What is looked for, its number read once. */
struct sought {
    struct slice text;
    bool is_integer;
    int64_t integer;
};

static struct sought sought_of(struct slice text) {
    struct sought sought = {.text = text};
    sought.is_integer = text.len < INT_TEXT_MAX && int_parse(text, &sought.integer);
    return sought;
}

static bool entry_is(
    const struct listpack *listpack, size_t at, struct entry entry, const struct sought *sought) {
    if (entry.is_integer) return sought->is_integer && entry.integer == sought->integer;
    return slice_equal(slice_of(byte_at(listpack, at + entry.head), entry.len), sought->text);
}

bool listpack_equals(const struct listpack *listpack, size_t at, struct slice text) {
    struct sought sought = sought_of(text);
    return entry_is(listpack, at, entry_at(listpack, at), &sought);
}

size_t listpack_find(
    const struct listpack *listpack, size_t from, struct slice text, uint32_t skip) {
    struct sought sought = sought_of(text);
    uint32_t left = 0; /* entries to leave out before the next comparison */
    for (size_t at = from; at != 0;) {
        struct entry entry = entry_at(listpack, at);
        if (left == 0 && entry_is(listpack, at, entry, &sought)) return at;
        left = left == 0 ? skip : left - 1;
        size_t len = entry.head + entry.len;
        at = at_or_end(listpack, at + len + backlen_bytes(len));
    }
    return 0;
}

/* -- changing -------------------------------------------------------------------------------- */

/* Makes the old_len bytes at `at` new_len bytes, whose content is left to the caller. */
static void resize_at(struct listpack **listpack, size_t at, size_t old_len, size_t new_len) {
    size_t before = listpack_bytes(*listpack), bytes = before - old_len + new_len;
    SF_ASSERT(bytes <= UINT32_MAX);
    if (new_len == old_len) return;
    if (new_len > old_len) *listpack = sf_realloc(*listpack, bytes);
    memmove(
        byte_at(*listpack, at + new_len), byte_at(*listpack, at + old_len), before - at - old_len);
    if (new_len < old_len) *listpack = sf_realloc(*listpack, bytes);
    store_u32(*listpack, (uint32_t)bytes);
}

size_t listpack_insert(struct listpack **listpack, size_t at, struct slice text) {
    struct encoded encoded;
    encode(text, &encoded);
    if (at == 0) at = listpack_bytes(*listpack) - 1;
    uint64_t count = header_count(*listpack);
    resize_at(listpack, at, 0, encoded_bytes(&encoded));
    encoded_write(&encoded, byte_at(*listpack, at));
    set_count(*listpack, count + 1);
    return at;
}

void listpack_append(struct listpack **listpack, struct slice text) {
    listpack_insert(listpack, 0, text);
}

static void encode_item(const struct listpack_item *item, struct encoded *out) {
    out->text = slice_of(NULL, 0);
    if (item->is_integer)
        encode_integer(item->integer, out);
    else
        encode(item->text, out);
}

void listpack_append_items(
    struct listpack **listpack, const struct listpack_item *items, size_t n) {
    struct encoded encoded;
    size_t at = listpack_bytes(*listpack) - 1, bytes = 0;
    uint64_t count = header_count(*listpack);
    for (size_t i = 0; i < n; i++) {
        encode_item(&items[i], &encoded);
        bytes += encoded_bytes(&encoded);
    }
    resize_at(listpack, at, 0, bytes);
    for (size_t i = 0; i < n; i++) {
        encode_item(&items[i], &encoded);
        encoded_write(&encoded, byte_at(*listpack, at));
        at += encoded_bytes(&encoded);
    }
    set_count(*listpack, count + n);
}

static void replace_with(struct listpack **listpack, size_t at, const struct encoded *encoded) {
    resize_at(listpack, at, entry_end(*listpack, at) - at, encoded_bytes(encoded));
    encoded_write(encoded, byte_at(*listpack, at));
}

void listpack_replace_integer(struct listpack **listpack, size_t at, int64_t value) {
    struct encoded encoded = {.text = {NULL, 0}};
    encode_integer(value, &encoded);
    replace_with(listpack, at, &encoded);
}

void listpack_replace(struct listpack **listpack, size_t at, struct slice text) {
    struct encoded encoded;
    encode(text, &encoded);
    replace_with(listpack, at, &encoded);
}

size_t listpack_delete(struct listpack **listpack, size_t at, uint64_t n) {
    size_t end = at, last = listpack_bytes(*listpack) - 1;
    uint64_t gone = 0, count = header_count(*listpack);
    for (; gone < n && end < last; gone++) end = entry_end(*listpack, end);
    resize_at(listpack, at, end - at, 0);
    /* where the header did not know the count it may know it now */
    set_count(*listpack, count == COUNT_UNKNOWN ? count_by_walking(*listpack) : count - gone);
    return at_or_end(*listpack, at);
}
