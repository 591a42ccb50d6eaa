/* COMMAND DOCS and key specifications of the commands about sorting. */
#include "commands/command_docs.h"

const struct command_docs docs_sort = {
    .summary = "Sorts the elements of a list, a set or a sorted set.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(N + M log(M)), N elements, M returned",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS),
        UNKNOWN_KEY_SPEC(KEY_RO | KEY_ACCESS,
            .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key "
                     "names derive from the content of the key we sort"),
        UNKNOWN_KEY_SPEC(KEY_OW | KEY_UPDATE,
            .notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword "
                     "can appear anywhere in the argument array")),
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
        UNKNOWN_KEY_SPEC(KEY_RO | KEY_ACCESS,
            .notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key "
                     "names derive from the content of the key we sort")),
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
