/* A ziplist (the packed form up to Redis 6.2), little-endian but for three lengths:
 *
 *   u32 bytes in all | u32 offset of the last entry | u16 entries, 65535: count them | entry ... |
 *   0xff
 *   entry   [ bytes of the entry before | encoding | content ]
 *
 *   before: one byte, or 0xfe and u32
 *
 *   00llllll text               text of up to 63 bytes
 *   01llllll l8 text            text of up to 16,383 bytes, big-endian
 *   0x80 l32 text               any text, big-endian
 *   0xc0, 0xd0, 0xe0            numbers of 16, 32 and 64 bits
 *   0xf0, 0xfe                  numbers of 24 and 8 bits
 *   0xf1 .. 0xfd                numbers 0 .. 12
 *
 * A zipmap (hashes up to Redis 2.4):
 *
 *   u8 fields, 254: count them | entry ... | 0xff
 *   entry   [ length | field | length | u8 free | value | free bytes ]
 *
 *   length: one byte, or 0xfe and u32 */
#include "rdb/packed.h"

#include "util/codec.h"

enum {
    ZIPLIST_HEADER = 10,
    COUNT_UNKNOWN = 65535,
    LONG_BEFORE = 254,
    LONG_LENGTH = 254,
    ZIPMAP_MANY = 254,
    END = 255,
};

/* -- ziplists -------------------------------------------------------------------------------- */

struct entry {
    uint64_t before; /* bytes of the one in front, as it says */
    size_t bytes;    /* of the whole */
    bool is_integer;
    int64_t integer;
    struct slice text;
};

static int64_t signed_bytes(const uint8_t *at, unsigned n) {
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++) value |= (uint64_t)at[i] << (8 * i);
    unsigned unused = 64 - 8 * n;
    return (int64_t)(value << unused) >> unused;
}

/* The content at `at`, of which room bytes may be read; returns its bytes with the encoding's, 0:
 * it is none, or longer. */
static size_t text_read(const uint8_t *at, size_t room, struct entry *out) {
    size_t head = at[0] < 0x40 ? 1 : at[0] < 0x80 ? 2 : 5;
    if (room < head || at[0] > 0x80) return 0;
    size_t len = at[0] & 63;
    if (head == 2) len = len << 8 | at[1];
    if (head == 5) len = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
    if (len > room - head) return 0;
    out->text = slice_of(at + head, len);
    return head + len;
}

static size_t integer_read(const uint8_t *at, size_t room, struct entry *out) {
    unsigned width = 0;
    out->is_integer = true;
    if (at[0] > 0xf0 && at[0] < 0xfe) {
        out->integer = at[0] - 0xf1;
        return 1;
    }
    if (at[0] == 0xc0) width = 2;
    if (at[0] == 0xd0) width = 4;
    if (at[0] == 0xe0) width = 8;
    if (at[0] == 0xf0) width = 3;
    if (at[0] == 0xfe) width = 1;
    if (width == 0 || room <= width) return 0;
    out->integer = signed_bytes(at + 1, width);
    return width + 1;
}

static bool entry_read(const uint8_t *at, size_t room, struct entry *out) {
    *out = (struct entry){.before = at[0]};
    size_t head = at[0] < LONG_BEFORE ? 1 : 5;
    if (room <= head || at[0] == END) return false;
    if (head == 5) out->before = load_u32(at + 1);
    at += head;
    size_t bytes =
        at[0] < 0xc0 ? text_read(at, room - head, out) : integer_read(at, room - head, out);
    out->bytes = head + bytes;
    return bytes > 0;
}

static bool append(struct listpack **listpack, const struct entry *entry) {
    char scratch[INT_TEXT_MAX];
    struct slice text = entry->text;
    if (entry->is_integer) text = slice_of(scratch, int_print(entry->integer, scratch));
    if (!listpack_has_room(*listpack, text.len)) return false;
    listpack_append(listpack, text);
    return true;
}

static bool ziplist_read(struct slice bytes, struct listpack **out) {
    const uint8_t *data = (const uint8_t *)bytes.data;
    if (bytes.len <= ZIPLIST_HEADER || load_u32(data) != bytes.len) return false;
    size_t end = bytes.len - 1, at = ZIPLIST_HEADER, last = ZIPLIST_HEADER, before = 0;
    uint64_t count = 0, shown = data[8] | (unsigned)data[9] << 8;
    if (data[end] != END) return false;
    for (; at < end; count++) {
        struct entry entry;
        if (!entry_read(data + at, end - at, &entry) || entry.before != before) return false;
        if (!append(out, &entry)) return false;
        last = at;
        before = entry.bytes;
        at += entry.bytes;
    }
    return load_u32(data + 4) == last && (shown == COUNT_UNKNOWN || shown == count);
}

struct listpack *rdb_listpack_of_ziplist(struct slice bytes) {
    struct listpack *listpack = listpack_new();
    if (ziplist_read(bytes, &listpack)) return listpack;
    listpack_free(listpack);
    return NULL;
}

/* -- zipmaps --------------------------------------------------------------------------------- */

/* The text that begins with its length at *at, which moves behind it; spare: a byte between the
 * two says how many behind it are unused. */
static bool zipmap_text(struct slice bytes, size_t *at, bool spare, struct slice *out) {
    const uint8_t *data = (const uint8_t *)bytes.data;
    size_t end = bytes.len - 1, len = data[*at], head = len < LONG_LENGTH ? 1 : 5;
    if (len == END || end - *at < head + spare) return false;
    if (head == 5) len = load_u32(data + *at + 1);
    size_t unused = spare ? data[*at + head] : 0;
    *at += head + spare;
    if (len > end - *at || unused > end - *at - len) return false;
    *out = slice_of(data + *at, len);
    *at += len + unused;
    return true;
}

static bool zipmap_read(struct slice bytes, struct listpack **out, size_t *longest) {
    const uint8_t *data = (const uint8_t *)bytes.data;
    if (bytes.len < 2 || data[bytes.len - 1] != END) return false;
    size_t at = 1;
    uint64_t count = 0;
    for (; at < bytes.len - 1; count++) {
        struct slice field, value;
        if (!zipmap_text(bytes, &at, false, &field) || at == bytes.len - 1) return false;
        if (!zipmap_text(bytes, &at, true, &value)) return false;
        if (!listpack_has_room(*out, field.len + value.len)) return false;
        listpack_append(out, field);
        listpack_append(out, value);
        *longest = SF_MAX(*longest, SF_MAX(field.len, value.len));
    }
    return data[0] >= ZIPMAP_MANY || data[0] == count;
}

struct listpack *rdb_listpack_of_zipmap(struct slice bytes, size_t *longest) {
    struct listpack *listpack = listpack_new();
    *longest = 0;
    if (zipmap_read(bytes, &listpack, longest)) return listpack;
    listpack_free(listpack);
    return NULL;
}
