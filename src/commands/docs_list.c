/* COMMAND DOCS and key specifications of the commands about lists. */
#include "commands/command_docs.h"

const struct command_docs docs_lindex = {
    .summary = "Returns the element at a position.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements in front of it within its block",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("index")),
};

const struct command_docs docs_linsert = {
    .summary = "Puts an element in front of another or behind it.",
    .since = "2.2.0",
    .group = "list",
    .complexity = "O(N), N elements up to that one",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("where", .arguments = ARGUMENTS(TOKEN("before", "BEFORE"), TOKEN("after", "AFTER"))),
        STRING("pivot"), STRING("element")),
};

const struct command_docs docs_llen = {
    .summary = "Tells how many elements a list has.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_lmove = {
    .summary = "Takes an element from one end of a list and puts it at an end of another.",
    .since = "6.2.0",
    .group = "list",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC(2, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
        ONEOF("wherefrom", .arguments = ARGUMENTS(TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
        ONEOF("whereto", .arguments = ARGUMENTS(TOKEN("left", "LEFT"), TOKEN("right", "RIGHT")))),
};

const struct command_docs docs_lmpop = {
    .summary = "Takes elements from the first of some lists that is not empty.",
    .since = "7.0.0",
    .group = "list",
    .complexity = "O(N + M), N keys and M elements taken",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        ONEOF("where", .arguments = ARGUMENTS(TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_lpop = {
    .summary = "Takes the first elements out.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements taken",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .since = "6.2.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_lpos = {
    .summary = "Finds the positions of an element.",
    .since = "6.0.6",
    .group = "list",
    .complexity = "O(N), N elements looked at",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element"),
        INTEGER("rank", .token = "RANK", .flags = ARG_OPTIONAL),
        INTEGER("num-matches", .token = "COUNT", .flags = ARG_OPTIONAL),
        INTEGER("len", .token = "MAXLEN", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_lpush = {
    .summary = "Puts elements in front of a list, which is made when needed.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements added",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_lpushx = {
    .summary = "Puts elements in front of a list that exists.",
    .since = "2.2.0",
    .group = "list",
    .complexity = "O(N), N elements added",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_lrange = {
    .summary = "Returns the elements between two positions.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements returned",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")),
};

const struct command_docs docs_lrem = {
    .summary = "Removes elements equal to a value.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements looked at",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count"), STRING("element")),
};

const struct command_docs docs_lset = {
    .summary = "Replaces the element at a position.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements in front of it within its block",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("index"), STRING("element")),
};

const struct command_docs docs_ltrim = {
    .summary = "Keeps only the elements between two positions.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements removed",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")),
};

const struct command_docs docs_rpop = {
    .summary = "Takes the last elements out.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements taken",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .since = "6.2.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_rpoplpush = {
    .summary = "Takes the last element of a list and puts it in front of another.",
    .since = "1.2.0",
    .group = "list",
    .complexity = "O(1)",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC(2, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1)),
};

const struct command_docs docs_rpush = {
    .summary = "Puts elements behind a list, which is made when needed.",
    .since = "1.0.0",
    .group = "list",
    .complexity = "O(N), N elements added",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_rpushx = {
    .summary = "Puts elements behind a list that exists.",
    .since = "2.2.0",
    .group = "list",
    .complexity = "O(N), N elements added",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARG_MULTIPLE)),
};
