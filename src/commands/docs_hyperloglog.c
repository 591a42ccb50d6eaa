/* COMMAND DOCS and key specifications of the commands about HyperLogLogs. */
#include "commands/command_docs.h"

const struct command_docs docs_pfadd = {
    .summary = "Counts elements in a HyperLogLog, which begins empty where the key is new.",
    .since = "2.8.9",
    .group = "hyperloglog",
    .complexity = "O(1) for each element",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_pfcount = {
    .summary = "Estimates how many different elements HyperLogLogs have counted.",
    .since = "2.8.9",
    .group = "hyperloglog",
    .complexity = "O(N), N keys, with a large constant",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RW | KEY_ACCESS,
        .notes = "only reads here; the flag is for clients that know it so")),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_pfdebug = {
    .summary = "Looks into a HyperLogLog.",
    .since = "2.8.9",
    .group = "hyperloglog",
    .complexity = "N/A",
    .flags = DOC_SYSCMD,
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RW | KEY_ACCESS)),
    .arguments = ARGUMENTS(STRING("subcommand"), KEY("key")),
};

const struct command_docs docs_pfmerge = {
    .summary = "Joins HyperLogLogs into one.",
    .since = "2.8.9",
    .group = "hyperloglog",
    .complexity = "O(N), N keys, with a large constant",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_INSERT),
        KEY_SPEC(2, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destkey"), KEY("sourcekey", .key_spec = 1, .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_pfselftest = {
    .summary = "Checks that HyperLogLogs count well.",
    .since = "2.8.9",
    .group = "hyperloglog",
    .complexity = "N/A",
    .flags = DOC_SYSCMD,
};
