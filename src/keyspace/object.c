#include "keyspace/object.h"

#include "data/intset.h"
#include "data/listpack.h"
#include "data/pool.h"
#include "data/size_class.h"
#include "util/number.h"

#define TYPE_SHIFT 48
#define ENCODING_SHIFT 52
#define OBJECT_HAS_DUE ((uint64_t)1 << 56)
#define OBJECT_IS_APART ((uint64_t)1 << 57)
#define OBJECT_LONG_KEY ((uint64_t)1 << 58)
#define OBJECT_LONG_VALUE ((uint64_t)1 << 59)
/* bits 20 to 16 of the access information; the others stand behind the head */
#define ACCESS_TOP_SHIFT 60
#define ACCESS_TOP ((uint64_t)15 << ACCESS_TOP_SHIFT)
#define ACCESS_LAST ((uint64_t)1 << 51)

enum {
    INT_CHARACTERS_MAX = 20,
    ACCESS_AT = 8,
    ACCESS_BYTES = 2,
    DUE_AT = ACCESS_AT + ACCESS_BYTES
};

/* -- where things are ------------------------------------------------------------------------ */

static inline bool head_has(const struct object *object, uint64_t flag) {
    return (object->head & flag) != 0;
}

static inline bool is_collection(const struct object *object) {
    return (object->head >> TYPE_SHIFT & 7) != OBJECT_STRING;
}

static inline bool is_integer(const struct object *object) {
    return (object->head >> ENCODING_SHIFT & 15) == ENCODING_INT;
}

static inline bool has_word(const struct object *object) {
    return is_integer(object) | head_has(object, OBJECT_IS_APART);
}

static inline size_t word_at(const struct object *object) {
    return DUE_AT + 8 * (size_t)head_has(object, OBJECT_HAS_DUE);
}

static inline size_t lengths_at(const struct object *object) {
    size_t is_counted = is_collection(object) & head_has(object, OBJECT_IS_APART);
    return word_at(object) + 8 * (size_t)has_word(object) + 4 * is_counted;
}

static inline size_t key_length_bytes(const struct object *object) {
    return head_has(object, OBJECT_LONG_KEY) ? 4 : 1;
}

static inline size_t value_length_bytes(const struct object *object) {
    if (has_word(object) || is_collection(object)) return 0;
    return head_has(object, OBJECT_LONG_VALUE) ? 2 : 1;
}

static inline char *object_at(const struct object *object, size_t at) {
    return (char *)(uintptr_t)object + at;
}

static inline size_t key_at(const struct object *object) {
    return lengths_at(object) + key_length_bytes(object) + value_length_bytes(object);
}

static inline size_t number_read(const char *at, size_t width) {
    uint8_t byte;
    uint16_t two;
    uint32_t four;
    if (width == 1) return memcpy(&byte, at, 1), byte;
    if (width == 2) return memcpy(&two, at, 2), two;
    return memcpy(&four, at, 4), four;
}

static void number_write(char *at, size_t width, size_t value) {
    uint8_t byte = (uint8_t)value;
    uint16_t two = (uint16_t)value;
    uint32_t four = (uint32_t)value;
    memcpy(at, width == 1 ? (void *)&byte : width == 2 ? (void *)&two : (void *)&four, width);
}

static uint64_t word_read(const struct object *object, size_t at) {
    uint64_t word;
    memcpy(&word, object_at(object, at), sizeof word);
    return word;
}

static void word_write(struct object *object, size_t at, uint64_t word) {
    memcpy(object_at(object, at), &word, sizeof word);
}

static struct block *object_block(const struct object *object) {
    return (struct block *)(uintptr_t)word_read(object, word_at(object));
}

static struct slice inline_value(const struct object *object) {
    size_t lengths = lengths_at(object), key_width = key_length_bytes(object);
    size_t key_len = number_read(object_at(object, lengths), key_width);
    size_t width = value_length_bytes(object);
    size_t len = number_read(object_at(object, lengths + key_width), width);
    return slice_of(object_at(object, lengths + key_width + width + key_len), len);
}

static size_t packed_value_bytes(enum object_encoding encoding, const void *value) {
    return encoding == ENCODING_INTSET ? intset_bytes(value) : listpack_bytes(value);
}

static void *inline_collection(const struct object *object) {
    size_t lengths = lengths_at(object), width = key_length_bytes(object);
    return object_at(
        object, lengths + width + number_read(object_at(object, lengths), width)); /* no other */
}

static size_t object_size(const struct object *object) {
    size_t size = key_at(object) + object_key(object).len;
    if (has_word(object)) return size;
    if (!is_collection(object)) return size + inline_value(object).len;
    return size + packed_value_bytes(object_encoding(object), inline_collection(object));
}

/* What an object of that size occupies; all of it may be used (object_overwrite). */
static size_t room_of(size_t size) {
    return pool_piece_bytes(size);
}

/* -- looking --------------------------------------------------------------------------------- */

struct slice object_key(const struct object *object) {
    size_t lengths = lengths_at(object), width = key_length_bytes(object);
    size_t len = number_read(object_at(object, lengths), width);
    return slice_of(object_at(object, lengths + width + value_length_bytes(object)), len);
}

enum object_type object_type(const struct object *object) {
    return (enum object_type)(object->head >> TYPE_SHIFT & 7);
}

enum object_encoding object_encoding(const struct object *object) {
    return (enum object_encoding)(object->head >> ENCODING_SHIFT & 15);
}

int64_t object_due_ms(const struct object *object) {
    return head_has(object, OBJECT_HAS_DUE) ? (int64_t)word_read(object, DUE_AT) : NO_DUE;
}

uint64_t object_revision(const struct object *object) {
    return object->head & REVISION_MAX;
}

bool object_integer(const struct object *object, int64_t *out) {
    if (!is_integer(object)) return false;
    *out = (int64_t)word_read(object, word_at(object));
    return true;
}

struct slice object_string(const struct object *object, char scratch[OBJECT_TEXT_MAX]) {
    SF_ASSERT(object_type(object) == OBJECT_STRING);
    int64_t integer;
    if (object_integer(object, &integer)) return slice_of(scratch, int_print(integer, scratch));
    if (!head_has(object, OBJECT_IS_APART)) return inline_value(object);
    const struct block *block = object_block(object);
    return slice_of(block->data, block->len);
}

bool object_has_block(const struct object *object) {
    return head_has(object, OBJECT_IS_APART);
}

size_t object_bytes(const struct object *object) {
    size_t bytes = room_of(object_size(object));
    if (is_collection(object)) return bytes + object_collection_bytes(object);
    if (!object_has_block(object) || object_block(object) == NULL) return bytes;
    return bytes + size_class(sizeof(struct block) + object_block(object)->cap);
}

/* -- values ---------------------------------------------------------------------------------- */

struct string_value string_value_of_text(struct slice bytes) {
    bool is_short = bytes.len <= EMBSTR_MAX;
    return (struct string_value){
        .bytes = bytes, .encoding = is_short ? ENCODING_EMBSTR : ENCODING_RAW};
}

struct string_value string_value_of(struct slice bytes) {
    struct string_value value = string_value_of_text(bytes);
    if (bytes.len <= INT_CHARACTERS_MAX && int_parse(bytes, &value.integer)) {
        value.encoding = ENCODING_INT;
    }
    return value;
}

struct string_value string_value_of_integer(int64_t integer) {
    return (struct string_value){.encoding = ENCODING_INT, .integer = integer};
}

static struct block *block_new(struct slice bytes, size_t cap) {
    struct block *block = sf_alloc(sizeof *block + cap);
    block->len = bytes.len;
    block->cap = cap;
    if (bytes.len > 0) memcpy(block->data, bytes.data, bytes.len);
    return block;
}

/* -- access ---------------------------------------------------------------------------------- */

uint32_t object_access(const struct object *object) {
    uint32_t low = (uint32_t)number_read(object_at(object, ACCESS_AT), ACCESS_BYTES);
    uint32_t top = (uint32_t)(object->head >> ACCESS_TOP_SHIFT);
    return low | top << 16 | (head_has(object, ACCESS_LAST) ? 1u << 20 : 0);
}

void object_set_access(struct object *object, uint32_t access) {
    number_write(object_at(object, ACCESS_AT), ACCESS_BYTES, access & UINT16_MAX);
    object->head &= ~(ACCESS_TOP | ACCESS_LAST);
    object->head |= (uint64_t)(access >> 16 & 15) << ACCESS_TOP_SHIFT;
    if ((access >> 20 & 1) != 0) object->head |= ACCESS_LAST;
}

/* -- making ---------------------------------------------------------------------------------- */

static uint64_t head_for(
    struct slice key, int64_t due_ms, enum object_type type, enum object_encoding encoding) {
    uint64_t head = (uint64_t)type << TYPE_SHIFT | (uint64_t)encoding << ENCODING_SHIFT;
    if (due_ms != NO_DUE) head |= OBJECT_HAS_DUE;
    if (key.len > UINT8_MAX) head |= OBJECT_LONG_KEY;
    return head;
}

/* Allocates by what the head says and fills in key and due time. inline_len: where there is no
 * word. */
static struct object *object_begin(
    struct pool *pool, uint64_t head, struct slice key, int64_t due_ms, size_t inline_len) {
    SF_ASSERT(key.len <= UINT32_MAX);
    struct object shape = {head};
    size_t at = key_at(&shape), size = at + key.len + (has_word(&shape) ? 0 : inline_len);
    struct object *object = pool_take(pool, room_of(size));
    object->head = head;
    object_set_access(object, 0);
    if (due_ms != NO_DUE) word_write(object, DUE_AT, (uint64_t)due_ms);
    char *lengths = object_at(object, lengths_at(object));
    number_write(lengths, key_length_bytes(object), key.len);
    if (value_length_bytes(object) > 0)
        number_write(lengths + key_length_bytes(object), value_length_bytes(object), inline_len);
    if (key.len > 0) memcpy(object_at(object, at), key.data, key.len);
    return object;
}

static struct object *object_new_word(
    struct pool *pool, uint64_t head, struct slice key, int64_t due_ms, uint64_t word) {
    struct object *object = object_begin(pool, head, key, due_ms, 0);
    word_write(object, word_at(object), word);
    return object;
}

struct object *object_new(
    struct pool *pool, struct slice key, const struct string_value *value, int64_t due_ms) {
    uint64_t head = head_for(key, due_ms, OBJECT_STRING, value->encoding);
    if (value->encoding == ENCODING_INT)
        return object_new_word(pool, head, key, due_ms, (uint64_t)value->integer);
    size_t len = value->bytes.len;
    if (len > OBJECT_INLINE_MAX) {
        struct block *block = block_new(value->bytes, len);
        return object_new_word(
            pool, head | OBJECT_IS_APART, key, due_ms, (uint64_t)(uintptr_t)block);
    }
    if (len > UINT8_MAX) head |= OBJECT_LONG_VALUE;
    struct object *object = object_begin(pool, head, key, due_ms, len);
    if (len > 0) memcpy(object_at(object, key_at(object) + key.len), value->bytes.data, len);
    return object;
}

/* -- collections ----------------------------------------------------------------------------- */

#define COUNTED_UNIT 16

static char *counted_at(const struct object *object) {
    SF_ASSERT(is_collection(object) && head_has(object, OBJECT_IS_APART));
    return object_at(object, word_at(object) + 8);
}

static void set_counted(struct object *object, size_t bytes) {
    size_t units = bytes / COUNTED_UNIT + (bytes % COUNTED_UNIT != 0);
    number_write(counted_at(object), 4, SF_MIN(units, (size_t)UINT32_MAX));
}

size_t object_collection_bytes(const struct object *object) {
    if (!is_collection(object) || object_is_inline(object)) return 0;
    return number_read(counted_at(object), 4) * COUNTED_UNIT;
}

bool object_is_inline(const struct object *object) {
    return is_collection(object) && !head_has(object, OBJECT_IS_APART);
}

/* How large an object with that head would be with the value inside; 0: it may not be there. */
static size_t size_inline(
    uint64_t head, struct slice key, enum object_encoding encoding, const void *value) {
    struct object shape = {head & ~OBJECT_IS_APART};
    if (encoding != ENCODING_LISTPACK && encoding != ENCODING_INTSET) return 0;
    size_t size = key_at(&shape) + key.len + packed_value_bytes(encoding, value);
    return size <= POOL_PIECE_MAX ? size : 0;
}

bool object_takes_inline(const struct object *object, const struct collection *collection) {
    return size_inline(object->head, object_key(object), collection->encoding, collection->value) >
           0;
}

struct object *object_new_collection(struct pool *pool, struct slice key,
    const struct collection *collection, size_t bytes, int64_t due_ms) {
    uint64_t head = head_for(key, due_ms, collection->type, collection->encoding);
    struct object *object;
    if (size_inline(head, key, collection->encoding, collection->value) > 0) {
        size_t len = packed_value_bytes(collection->encoding, collection->value);
        object = object_begin(pool, head, key, due_ms, len);
        memcpy(inline_collection(object), collection->value, len);
        collection_form(collection->type, collection->encoding)->free(collection->value);
        return object;
    }
    object = object_new_word(
        pool, head | OBJECT_IS_APART, key, due_ms, (uint64_t)(uintptr_t)collection->value);
    set_counted(object, bytes);
    return object;
}

void *object_collection(const struct object *object) {
    SF_ASSERT(is_collection(object));
    if (object_is_inline(object)) return inline_collection(object);
    return (void *)(uintptr_t)word_read(object, word_at(object));
}

static void set_encoding(struct object *object, enum object_encoding encoding) {
    object->head &= ~((uint64_t)15 << ENCODING_SHIFT);
    object->head |= (uint64_t)encoding << ENCODING_SHIFT;
}

void object_set_collection(
    struct object *object, const struct collection *collection, size_t bytes) {
    SF_ASSERT(object_type(object) == collection->type && !object_is_inline(object));
    set_encoding(object, collection->encoding);
    word_write(object, word_at(object), (uint64_t)(uintptr_t)collection->value);
    set_counted(object, bytes);
}

bool object_overwrite_inline(struct object *object, struct collection *collection) {
    SF_ASSERT(object_is_inline(object) && !collection->is_inline);
    size_t len = packed_value_bytes(collection->encoding, collection->value);
    size_t size = key_at(object) + object_key(object).len + len;
    if (room_of(size) != room_of(object_size(object))) return false;
    set_encoding(object, collection->encoding);
    memcpy(inline_collection(object), collection->value, len);
    collection_free(collection);
    return true;
}

/* -------------------------------------------------------------------------------------------- */

/* The same value in an object of another key or due time: by these too it lies inside or apart. */
static struct object *reshape_collection(
    struct pool *pool, struct object *object, struct slice key, int64_t due_ms) {
    struct collection value = {.type = object_type(object),
        .encoding = object_encoding(object),
        .value = object_collection(object)};
    const struct collection_form *form = collection_form(value.type, value.encoding);
    size_t bytes = object_collection_bytes(object);
    if (object_is_inline(object)) {
        value.value = form->copy(NULL, value.value);
        bytes = form->bytes(value.value);
    } else {
        object_forget_value(object);
    }
    return object_new_collection(pool, key, &value, bytes, due_ms);
}

struct object *object_reshape(
    struct pool *pool, struct object *object, struct slice key, int64_t due_ms) {
    struct object *copy;
    uint64_t head = head_for(key, due_ms, object_type(object), object_encoding(object));
    if (is_collection(object)) {
        copy = reshape_collection(pool, object, key, due_ms);
    } else if (object_has_block(object)) {
        head |= OBJECT_IS_APART;
        copy = object_new_word(pool, head, key, due_ms, word_read(object, word_at(object)));
        word_write(object, word_at(object), 0);
    } else {
        struct string_value value = {.encoding = object_encoding(object)};
        if (!object_integer(object, &value.integer)) value.bytes = inline_value(object);
        copy = object_new(pool, key, &value, due_ms);
    }
    object_set_revision(copy, object_revision(object));
    object_set_access(copy, object_access(object));
    return copy;
}

void *object_value(const struct object *object) {
    if (!head_has(object, OBJECT_IS_APART)) return NULL;
    return (void *)(uintptr_t)word_read(object, word_at(object));
}

void object_forget_value(struct object *object) {
    word_write(object, word_at(object), 0);
}

struct object *object_shell(struct pool *pool, const struct object *object) {
    size_t size = object_size(object);
    struct object *copy = pool_take(pool, room_of(size));
    memcpy(copy, object, size);
    if (object_value(object) != NULL) object_forget_value(copy);
    return copy;
}

struct object *object_copy(const struct object *object, const struct collection_types *types) {
    struct object *copy = object_shell(types->pool, object);
    void *value = object_value(object);
    if (value == NULL) return copy;
    if (is_collection(object)) {
        value = collection_form(object_type(object), object_encoding(object))->copy(types, value);
    } else {
        const struct block *block = value;
        value = block_new(slice_of(block->data, block->len), block->len);
    }
    word_write(copy, word_at(copy), (uint64_t)(uintptr_t)value);
    return copy;
}

void object_free(struct pool *pool, struct object *object) {
    size_t room = room_of(object_size(object));
    if (!is_collection(object) && object_has_block(object)) sf_free(object_block(object));
    pool_give(pool, object, room);
}

void object_set_revision(struct object *object, uint64_t revision) {
    SF_ASSERT(revision <= REVISION_MAX);
    object->head = (object->head & ~REVISION_MAX) | revision;
}

void object_set_due(struct object *object, int64_t due_ms) {
    SF_ASSERT(head_has(object, OBJECT_HAS_DUE) && due_ms != NO_DUE);
    word_write(object, DUE_AT, (uint64_t)due_ms);
}

bool object_overwrite(struct object *object, const struct string_value *value) {
    if (is_collection(object)) return false;
    if (is_integer(object) != (value->encoding == ENCODING_INT)) return false;
    if (is_integer(object)) {
        word_write(object, word_at(object), (uint64_t)value->integer);
        return true;
    }
    if (object_has_block(object)) return false;
    struct slice old = inline_value(object);
    size_t len = value->bytes.len, width = value_length_bytes(object);
    if (len > OBJECT_INLINE_MAX || (len > UINT8_MAX) != (width == 2)) return false;
    size_t before = object_size(object);
    if (room_of(before - old.len + len) != room_of(before)) return false;
    if (len > 0) memmove((char *)(uintptr_t)old.data, value->bytes.data, len);
    char *lengths = object_at(object, lengths_at(object) + key_length_bytes(object));
    number_write(lengths, width, len);
    set_encoding(object, value->encoding);
    return true;
}

/* -- blocks ---------------------------------------------------------------------------------- */

struct object *object_with_block(struct pool *pool, const struct object *object, size_t cap) {
    SF_ASSERT(!object_has_block(object));
    char scratch[OBJECT_TEXT_MAX];
    struct slice bytes = object_string(object, scratch), key = object_key(object);
    int64_t due_ms = object_due_ms(object);
    struct block *block = block_new(bytes, SF_MAX(bytes.len, cap));
    uint64_t head = head_for(key, due_ms, OBJECT_STRING, ENCODING_RAW) | OBJECT_IS_APART;
    struct object *copy = object_new_word(pool, head, key, due_ms, (uint64_t)(uintptr_t)block);
    object_set_revision(copy, object_revision(object));
    object_set_access(copy, object_access(object));
    return copy;
}

/* The room to give to a block that must hold len bytes: a quarter more when it grows, so that
 * appending costs what is appended; just what is needed when most would lie idle. */
static size_t block_room(const struct block *block, size_t len) {
    if (len <= block->cap && block->cap / 2 <= len + OBJECT_INLINE_MAX) return block->cap;
    if (len <= block->cap) return len;
    size_t room = sizeof *block + len + SF_MAX(len / 4, (size_t)32);
    return size_class(room) - sizeof *block;
}

char *object_resize_block(struct object *object, size_t len) {
    struct block *block = object_block(object);
    size_t room = block_room(block, len);
    if (room != block->cap) {
        block = sf_realloc(block, sizeof *block + room);
        block->cap = room;
        word_write(object, word_at(object), (uint64_t)(uintptr_t)block);
    }
    if (len > block->len) memset(block->data + block->len, 0, len - block->len);
    block->len = len;
    set_encoding(object, ENCODING_RAW);
    return block->data;
}
