/* The table itself, and finding a command in it. */
#include "commands/command_docs.h"
#include "commands/functions.h"
#include "util/codec.h"

#define COMMAND(id, name, run, its_docs, ...) extern const struct command_docs its_docs;
#define CONTAINER(id, last, name, run, its_docs, ...) extern const struct command_docs its_docs;
#include "commands/command_list.h"
#undef COMMAND
#undef CONTAINER

const struct command_docs docs_internal = {
    .summary = "Of the nodes' own.", .since = "7.2.0", .group = "internal"};

extern const struct command command_table[COMMANDS_TOTAL];

#define KEYS(first, last, step) .first_key = first, .last_key = last, .key_step = step
#define NO_KEYS KEYS(0, 0, 0)
#define ROW(its_id, its_name, its_run, its_docs, its_arity, its_flags, its_categories, ...)        \
    .name = its_name, .name_len = sizeof(its_name) - 1, .id = COMMAND_##its_id, .run = its_run,    \
    .docs = &its_docs, .arity = its_arity, .flags = its_flags, .categories = its_categories,       \
    __VA_ARGS__
#define COMMAND(its_id, name, run, docs, arity, flags, keys, categories)                           \
    [COMMAND_##its_id] = {ROW(its_id, name, run, docs, arity, flags, categories, keys)},
#define CONTAINER(its_id, its_last, name, run, docs, arity, flags, keys, categories)               \
    [COMMAND_##its_id] = {ROW(its_id, name, run, docs, arity, flags, categories, keys),            \
        .subcommands = &command_table[COMMAND_##its_id + 1],                                       \
        .n_subcommands = COMMAND_##its_last - COMMAND_##its_id},

const struct command command_table[COMMANDS_TOTAL] = {
#include "commands/command_list.h"
};

uint32_t command_count(void) {
    return COMMANDS_TOTAL;
}

const struct command *command_by_id(uint32_t id) {
    SF_ASSERT(id < COMMANDS_TOTAL);
    return &command_table[id];
}

/* -- finding: names as big-endian words, so that a comparison is one of numbers --------------- */

#define NAME_WORDS (COMMAND_NAME_BYTES / 8)

struct folded_name {
    uint64_t words[NAME_WORDS]; /* lower case, filled up with zero bytes */
    size_t len;
};

/* ASCII capitals among the eight bytes become small letters. */
static uint64_t word_fold(uint64_t word) {
    const uint64_t each = 0x0101010101010101u;
    uint64_t low_bits = word & (each * 0x7f);
    uint64_t from_a = low_bits + each * (0x80 - 'A');  /* bit 7: >= 'A' */
    uint64_t above_z = low_bits + each * (0x7f - 'Z'); /* bit 7: > 'Z' */
    uint64_t capital = (from_a ^ above_z) & ~word & (each * 0x80);
    return word | capital >> 2; /* 0x80 >> 2 is what makes a letter small */
}

/* The first len bytes, up to eight, without reading beyond them. */
static uint64_t word_load(const char *text, size_t len) {
    if (len >= 8) return load_u64(text);
    if (len >= 4) return load_u32(text) | (uint64_t)load_u32(text + len - 4) << (8 * (len - 4));
    if (len == 0) return 0;
    return (uint8_t)text[0] | (uint64_t)(uint8_t)text[len / 2] << (8 * (len / 2)) |
           (uint64_t)(uint8_t)text[len - 1] << (8 * (len - 1));
}

/* false when no name is as long. */
static inline bool name_fold(struct folded_name *name, struct slice text) {
    if (text.len >= COMMAND_NAME_BYTES) return false;
    name->len = text.len;
    for (size_t i = 0; i < NAME_WORDS; i++) {
        size_t at = 8 * i;
        uint64_t word = text.len > at ? word_load(text.data + at, text.len - at) : 0;
        name->words[i] = __builtin_bswap64(word_fold(word)); /* load_u64 is little-endian */
    }
    return true;
}

static inline uint64_t name_word(const struct command *command, size_t word) {
    return __builtin_bswap64(load_u64(command->name + 8 * word));
}

static bool name_matches(const struct folded_name *name, const struct command *command) {
    if (command->name_len != name->len)
        return false; /* a zero byte of the client's is no filling */
    for (size_t i = 0; i < NAME_WORDS; i++) {
        if (name->words[i] != name_word(command, i)) return false;
    }
    return true;
}

/* Binary search by the first word, without branches to mispredict, then the few rows that share
 * it. n_rows > 0. */
static const struct command *name_find(
    const struct folded_name *name, const struct command *rows, size_t n_rows) {
    const struct command *row = rows, *end = rows + n_rows;
    for (size_t left = n_rows; left > 1; left -= left / 2) {
        const struct command *middle = row + left / 2;
        row = name_word(middle - 1, 0) < name->words[0] ? middle : row;
    }
    if (name_word(row, 0) < name->words[0]) row++;
    for (; row < end && name_word(row, 0) == name->words[0]; row++) {
        if (name_matches(name, row)) return row;
    }
    return NULL;
}

/* Where the names with each first letter begin, up to where the next letter's do: most searches are
 * over two to ten rows then. A test fails where a new row is missed. */
/* clang-format off */
static const uint16_t letter_begins['z' - 'a' + 2] = {
    COMMAND_ACL,       COMMAND_BGREWRITEAOF,   COMMAND_CLIENT,     COMMAND_DBSIZE,
    COMMAND_ECHO,      COMMAND_FCALL,          COMMAND_GEOADD,     COMMAND_HDEL,
    COMMAND_INCR,      COMMAND_KEYS,   /* j */ COMMAND_KEYS,       COMMAND_LASTSAVE,
    COMMAND_MEMORY,    COMMAND_OBJECT, /* n */ COMMAND_OBJECT,     COMMAND_PERSIST,
    COMMAND_QUIT,      COMMAND_RANDOMKEY,      COMMAND_SADD,       COMMAND_TIME,
    COMMAND_UNLINK, /* v */ COMMAND_WAIT, /* w */ COMMAND_WAIT, COMMAND_XACK,
    /* y */ COMMAND_ZADD,  COMMAND_ZADD,       COMMANDS_TOTAL};
/* clang-format on */

static const struct command *find_in_table(struct slice full_name) {
    struct folded_name name;
    if (!name_fold(&name, full_name)) return NULL;
    uint64_t letter = (name.words[0] >> 56) - 'a'; /* wraps where it is none */
    if (letter > 'z' - 'a') return NULL;
    size_t first = letter_begins[letter], n_rows = letter_begins[letter + 1] - first;
    return n_rows == 0 ? NULL : name_find(&name, &command_table[first], n_rows);
}

static const struct command *find_subcommand(const struct command *container, struct slice word) {
    char text[COMMAND_NAME_BYTES];
    size_t at = container->name_len;
    if (word.len >= COMMAND_NAME_BYTES - at - 1) return NULL;
    memcpy(text, container->name, at);
    text[at] = '|';
    if (word.len > 0) memcpy(text + at + 1, word.data, word.len);
    struct folded_name name;
    if (!name_fold(&name, slice_of(text, at + 1 + word.len))) return NULL;
    return name_find(&name, container->subcommands, container->n_subcommands);
}

static const struct command *find_top_level(struct slice name) {
    const struct command *command = find_in_table(name);
    if (command == NULL || (command->flags & CMD_INTERNAL) != 0) return NULL;
    return command_is_subcommand(command) ? NULL : command;
}

const struct command *command_lookup(uint32_t argc, const struct slice *argv) {
    const struct command *command = find_top_level(argv[0]);
    if (command == NULL || argc == 1 || command->n_subcommands == 0) return command;
    return find_subcommand(command, argv[1]);
}

const struct command *command_internal(struct slice name) {
    const struct command *command = find_in_table(name);
    return command != NULL && (command->flags & CMD_INTERNAL) != 0 ? command : NULL;
}

const struct command *command_by_name(const char *full_name) {
    return find_in_table(slice_text(full_name));
}

const struct command *command_by_full_name(struct slice full_name) {
    const struct command *command = find_in_table(full_name);
    return command != NULL && (command->flags & CMD_INTERNAL) == 0 ? command : NULL;
}

bool command_is_subcommand(const struct command *command) {
    return memchr(command->name, '|', command->name_len) != NULL;
}
