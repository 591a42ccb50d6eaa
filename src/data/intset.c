/* The layout, all little-endian:
 *
 *   u32 bytes of each integer: 2, 4 or 8 | u32 count | integers, ascending */
#include "data/intset.h"

#include "util/codec.h"

enum { HEADER_BYTES = 8 };

struct intset {
    uint8_t bytes[HEADER_BYTES];
};

static uint32_t width_of(const struct intset *intset) {
    return load_u32(intset);
}

static uint32_t count_of(const struct intset *intset) {
    return load_u32(intset->bytes + 4);
}

static void set_header(struct intset *intset, uint32_t width, uint32_t count) {
    store_u32(intset, width);
    store_u32(intset->bytes + 4, count);
}

static uint32_t width_for(int64_t value) {
    return value == (int16_t)value ? 2 : value == (int32_t)value ? 4 : 8;
}

static size_t bytes_for(uint32_t width, uint64_t count) {
    return HEADER_BYTES + width * count;
}

static uint8_t *place(const struct intset *intset, uint32_t width, uint64_t rank) {
    return (uint8_t *)(uintptr_t)intset + bytes_for(width, rank);
}

static int64_t read_at(const struct intset *intset, uint32_t width, uint64_t rank) {
    const uint8_t *at = place(intset, width, rank);
    if (width == 2) return (int16_t)(at[0] | (unsigned)at[1] << 8);
    return width == 4 ? (int32_t)load_u32(at) : (int64_t)load_u64(at);
}

static void write_at(struct intset *intset, uint32_t width, uint64_t rank, int64_t value) {
    uint8_t *at = place(intset, width, rank);
    for (uint32_t i = 0; i < width; i++) at[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

/* -- life ------------------------------------------------------------------------------------ */

struct intset *intset_new(void) {
    struct intset *intset = sf_alloc(sizeof *intset);
    set_header(intset, 2, 0);
    return intset;
}

size_t intset_bytes(const struct intset *intset) {
    return bytes_for(width_of(intset), count_of(intset));
}

struct slice intset_image(const struct intset *intset) {
    return slice_of(intset, intset_bytes(intset));
}

struct intset *intset_copy(const struct intset *intset) {
    size_t bytes = intset_bytes(intset);
    return memcpy(sf_alloc(bytes), intset, bytes);
}

void intset_free(struct intset *intset) {
    sf_free(intset);
}

struct intset *intset_load(struct slice bytes) {
    if (bytes.len < HEADER_BYTES) return NULL;
    uint32_t width = load_u32(bytes.data), count = load_u32(bytes.data + 4);
    if (width != 2 && width != 4 && width != 8) return NULL;
    if (bytes.len != bytes_for(width, count)) return NULL;
    struct intset *intset = memcpy(sf_alloc(bytes.len), bytes.data, bytes.len);
    for (uint32_t i = 1; i < count; i++) {
        if (read_at(intset, width, i - 1) < read_at(intset, width, i)) continue;
        sf_free(intset);
        return NULL;
    }
    return intset;
}

/* -- looking --------------------------------------------------------------------------------- */

uint64_t intset_count(const struct intset *intset) {
    return count_of(intset);
}

int64_t intset_at(const struct intset *intset, uint64_t rank) {
    SF_ASSERT(rank < count_of(intset));
    return read_at(intset, width_of(intset), rank);
}

/* How many integers are smaller than value. */
static uint64_t rank_of(const struct intset *intset, int64_t value) {
    uint32_t width = width_of(intset);
    uint64_t low = 0, high = count_of(intset);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (read_at(intset, width, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct intset *intset, uint64_t rank, int64_t value) {
    return rank < count_of(intset) && read_at(intset, width_of(intset), rank) == value;
}

bool intset_contains(const struct intset *intset, int64_t value) {
    return stands_at(intset, rank_of(intset, value), value);
}

/* -- changing -------------------------------------------------------------------------------- */

static void widen(struct intset **intset, uint32_t width) {
    uint32_t old_width = width_of(*intset), count = count_of(*intset);
    *intset = sf_realloc(*intset, bytes_for(width, count));
    for (uint32_t i = count; i-- > 0;) write_at(*intset, width, i, read_at(*intset, old_width, i));
    set_header(*intset, width, count);
}

bool intset_add(struct intset **intset, int64_t value) {
    if (width_for(value) > width_of(*intset)) widen(intset, width_for(value));
    uint64_t rank = rank_of(*intset, value);
    if (stands_at(*intset, rank, value)) return false;
    uint32_t width = width_of(*intset), count = count_of(*intset);
    SF_ASSERT(count < UINT32_MAX);
    *intset = sf_realloc(*intset, bytes_for(width, count + 1u));
    uint8_t *at = place(*intset, width, rank);
    memmove(at + width, at, width * (count - rank));
    write_at(*intset, width, rank, value);
    set_header(*intset, width, count + 1);
    return true;
}

bool intset_remove(struct intset **intset, int64_t value) {
    uint64_t rank = rank_of(*intset, value);
    if (!stands_at(*intset, rank, value)) return false;
    uint32_t width = width_of(*intset), count = count_of(*intset);
    uint8_t *at = place(*intset, width, rank);
    memmove(at, at + width, width * (count - rank - 1));
    set_header(*intset, width, count - 1);
    *intset = sf_realloc(*intset, bytes_for(width, count - 1));
    return true;
}
