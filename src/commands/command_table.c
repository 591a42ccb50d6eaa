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
    .summary = "Sets a replicated setting.", .since = "7.2.0", .group = "internal"};

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

/* -- finding: names as four big-endian words, so that a comparison is one of numbers --------- */

#define NAME_WORDS (COMMAND_NAME_BYTES / 8)

struct folded_name {
    char text[COMMAND_NAME_BYTES]; /* lower case, filled up with zero bytes */
    size_t len;
};

/* Appends bytes in lower case; false when they cannot be part of a name. */
static bool name_fold(struct folded_name *name, struct slice bytes) {
    if (bytes.len >= COMMAND_NAME_BYTES - name->len) return false;
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];
        if (c == '\0') return false; /* would look like the filling */
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        name->text[name->len++] = c;
    }
    return true;
}

static uint64_t name_word(const char *text, size_t word) {
    return __builtin_bswap64(load_u64(text + 8 * word)); /* load_u64 is little-endian */
}

static int name_order(const uint64_t wanted[NAME_WORDS], const struct command *command) {
    for (size_t i = 0; i < NAME_WORDS; i++) {
        uint64_t word = name_word(command->name, i);
        if (wanted[i] != word) return wanted[i] < word ? -1 : 1;
    }
    return 0;
}

static const struct command *name_find(
    const struct folded_name *name, const struct command *rows, size_t n_rows) {
    uint64_t wanted[NAME_WORDS];
    for (size_t i = 0; i < NAME_WORDS; i++) wanted[i] = name_word(name->text, i);
    size_t low = 0, high = n_rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = name_order(wanted, &rows[middle]);
        if (order == 0) return &rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const struct command *find_in_table(struct slice full_name) {
    struct folded_name name = {0};
    if (!name_fold(&name, full_name)) return NULL;
    return name_find(&name, command_table, COMMANDS_TOTAL);
}

static const struct command *find_subcommand(const struct command *container, struct slice word) {
    struct folded_name name = {0};
    if (!name_fold(&name, slice_of(container->name, container->name_len))) return NULL;
    if (!name_fold(&name, SLICE("|")) || !name_fold(&name, word)) return NULL;
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
