/* COMMAND DOCS and key specifications of the commands about transactions. */
#include "commands/command_docs.h"

const struct command_docs docs_discard = {
    .summary = "Ends a transaction without running it.",
    .since = "2.0.0",
    .group = "transactions",
    .complexity = "O(N), N queued commands",
};

const struct command_docs docs_exec = {
    .summary = "Runs the queued commands as one.",
    .since = "1.2.0",
    .group = "transactions",
    .complexity = "that of the queued commands",
};

const struct command_docs docs_multi = {
    .summary = "Begins a transaction: what follows is queued.",
    .since = "1.2.0",
    .group = "transactions",
    .complexity = "O(1)",
};

const struct command_docs docs_unwatch = {
    .summary = "Forgets the watched keys.",
    .since = "2.2.0",
    .group = "transactions",
    .complexity = "O(1)",
};

const struct command_docs docs_watch = {
    .summary = "Lets the next transaction run only if these keys have not changed until then.",
    .since = "2.2.0",
    .group = "transactions",
    .complexity = "O(1) for each key",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};
