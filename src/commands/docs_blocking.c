/* Documentation of the commands that wait where there is nothing to take. */
#include "commands/command_docs.h"

#define TAKES KEY_RW | KEY_ACCESS | KEY_DELETE
#define LEFT_OR_RIGHT ARGUMENTS(TOKEN("left", "LEFT"), TOKEN("right", "RIGHT"))

const struct command_docs docs_blmove = {
    .summary = "Moves an element from one list to another, and waits while there is none.",
    .since = "6.2.0",
    .group = "list",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, TAKES), KEY_SPEC(2, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
        ONEOF("wherefrom", .arguments = LEFT_OR_RIGHT),
        ONEOF("whereto", .arguments = LEFT_OR_RIGHT), DOUBLE("timeout")),
};

const struct command_docs docs_blmpop = {
    .summary =
        "Takes elements from the first list that is not empty, and waits while there is none.",
    .since = "7.0.0",
    .group = "list",
    .complexity = "O(N + M), N keys and M elements taken",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, TAKES)),
    .arguments = ARGUMENTS(DOUBLE("timeout"), INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        ONEOF("where", .arguments = LEFT_OR_RIGHT),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_blpop = {
    .summary = "Takes the first element of a list, and waits while there is none.",
    .since = "2.0.0",
    .group = "list",
    .complexity = "O(N), N keys",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -2, 1, TAKES)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), DOUBLE("timeout")),
};

const struct command_docs docs_brpop = {
    .summary = "Takes the last element of a list, and waits while there is none.",
    .since = "2.0.0",
    .group = "list",
    .complexity = "O(N), N keys",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -2, 1, TAKES)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), DOUBLE("timeout")),
};

const struct command_docs docs_brpoplpush = {
    .summary =
        "Moves the last element of a list in front of another, and waits while there is none.",
    .since = "2.2.0",
    .group = "list",
    .complexity = "O(1)",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, TAKES), KEY_SPEC(2, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1), DOUBLE("timeout")),
};

const struct command_docs docs_bzmpop = {
    .summary = "Takes the members of lowest or highest score from the first set that is not empty, "
               "and waits while there is none.",
    .since = "7.0.0",
    .group = "sorted-set",
    .complexity = "O(K) + O(M log(N)), K keys, M members taken, N present",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, TAKES)),
    .arguments = ARGUMENTS(DOUBLE("timeout"), INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        ONEOF("where", .arguments = ARGUMENTS(TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_bzpopmax = {
    .summary = "Takes the member of highest score, and waits while there is none.",
    .since = "5.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -2, 1, TAKES)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), DOUBLE("timeout")),
};

const struct command_docs docs_bzpopmin = {
    .summary = "Takes the member of lowest score, and waits while there is none.",
    .since = "5.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -2, 1, TAKES)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), DOUBLE("timeout")),
};

const struct command_docs docs_client_unblock = {
    .summary = "Ends the waiting of another connection.",
    .since = "5.0.0",
    .group = "connection",
    .complexity = "O(N), N connections",
    .arguments = ARGUMENTS(INTEGER("client-id"),
        ONEOF("timeout_error", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("timeout", "TIMEOUT"), TOKEN("error", "ERROR")))),
};

const struct command_docs docs_client_pause = {
    .summary = "Lets the clients of this node wait for a time.",
    .since = "2.9.50",
    .group = "connection",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(INTEGER("timeout"),
        ONEOF("mode", .since = "6.2.0", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("write", "WRITE"), TOKEN("all", "ALL")))),
};

const struct command_docs docs_client_unpause = {
    .summary = "Lets paused clients go on.",
    .since = "6.2.0",
    .group = "connection",
    .complexity = "O(N), N connections",
};
