/* COMMAND DOCS and key specifications of MEMORY. */
#include "commands/command_docs.h"

#define FIGURES_TIPS                                                                               \
    TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special")

const struct command_docs docs_memory = {
    .summary = "Commands about memory.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_memory_doctor = {
    .summary = "Judges how memory is used.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_help = {
    .summary = "Lists these subcommands.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_memory_malloc_stats = {
    .summary = "Shows the allocator's own report.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_purge = {
    .summary = "Gives what the allocator holds unused back to the system.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(N), N bytes held",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
};

const struct command_docs docs_memory_stats = {
    .summary = "Shows figures of memory.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(N), N databases",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_usage = {
    .summary = "Tells how many bytes a key and its value take.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .token = "SAMPLES", .flags = ARG_OPTIONAL)),
};
