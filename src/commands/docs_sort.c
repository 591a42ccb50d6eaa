/* COMMAND DOCS and key specifications of the commands about sorting. */
#include "commands/command_docs.h"

const struct command_docs docs_sort = {
    .summary = "Sorts the elements of a list, a set or a sorted set.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(N + M log(M)), N elements, M returned",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS),
        KEY_SPEC_UNKNOWN(
            KEY_RO | KEY_ACCESS, .notes = "of BY and GET: their names depend on the elements"),
        KEY_SPEC_UNKNOWN(
            KEY_OW | KEY_UPDATE, .behind = "store", .notes = "of STORE, wherever it stands")),
    .arguments = ARGUMENTS(KEY("key"),
        PATTERN("pattern", .key_spec = 1, .token = "BY", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
        PATTERN("pattern", .key_spec = 1, .token = "GET",
            .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN),
        ONEOF("order", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC"))),
        TOKEN("sorting", "ALPHA", .flags = ARG_OPTIONAL),
        KEY("destination", .key_spec = 2, .token = "STORE", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_sort_ro = {
    .summary = "Sorts the elements of a list, a set or a sorted set, and never stores.",
    .since = "7.0.0",
    .group = "generic",
    .complexity = "O(N + M log(M)), N elements, M returned",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS),
        KEY_SPEC_UNKNOWN(
            KEY_RO | KEY_ACCESS, .notes = "of BY and GET: their names depend on the elements")),
    .arguments = ARGUMENTS(KEY("key"),
        PATTERN("pattern", .key_spec = 1, .token = "BY", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
        PATTERN("pattern", .key_spec = 1, .token = "GET",
            .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN),
        ONEOF("order", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC"))),
        TOKEN("sorting", "ALPHA", .flags = ARG_OPTIONAL)),
};
