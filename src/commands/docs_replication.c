/* What COMMAND DOCS tells about following, dumping and moving. */
#include "commands/command_docs.h"

#define FOLLOW_ARGUMENTS                                                                           \
    ARGUMENTS(ONEOF("args",                                                                        \
        .arguments =                                                                               \
            ARGUMENTS(BLOCK("host-port", .arguments = ARGUMENTS(STRING("host"), INTEGER("port"))), \
                BLOCK("no-one", .arguments = ARGUMENTS(TOKEN("no", "NO"), TOKEN("one", "ONE"))))))

const struct command_docs docs_replicaof = {
    .summary = "Lets the cluster follow a Redis, or ends that.",
    .since = "5.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = FOLLOW_ARGUMENTS,
};

const struct command_docs docs_slaveof = {
    .summary = "Lets the cluster follow a Redis, or ends that.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "5.0.0",
    .replaced_by = "`REPLICAOF`",
    .arguments = FOLLOW_ARGUMENTS,
};

const struct command_docs docs_sync = {
    .summary = "Sends a dump of everything.",
    .since = "1.0.0",
    .group = "server",
};

const struct command_docs docs_psync = {
    .summary = "Sends a dump of everything.",
    .since = "2.8.0",
    .group = "server",
    .arguments = ARGUMENTS(STRING("replicationid"), INTEGER("offset")),
};

const struct command_docs docs_replconf = {
    .summary = "Says what the one who asks for a dump can read.",
    .since = "3.0.0",
    .group = "server",
    .complexity = "O(1)",
    .flags = DOC_SYSCMD,
};

const struct command_docs docs_migrate = {
    .summary = "Moves keys to another server.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(N), N bytes of the values, on both sides and between them",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(3, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC_KEYWORD("KEYS", -2, KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE)),
    .arguments = ARGUMENTS(STRING("host"), INTEGER("port"),
        ONEOF("key_or_empty_string",
            .arguments = ARGUMENTS(KEY("key"), TOKEN("empty_string", "\"\""))),
        INTEGER("destination-db"), INTEGER("timeout"),
        TOKEN("copy", "COPY", .since = "3.0.0", .flags = ARG_OPTIONAL),
        TOKEN("replace", "REPLACE", .since = "3.0.0", .flags = ARG_OPTIONAL),
        ONEOF("authentication", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(STRING("password", .token = "AUTH", .since = "4.0.7"),
                BLOCK("username_password", .token = "AUTH2", .since = "6.0.0",
                    .arguments = ARGUMENTS(STRING("username"), STRING("password"))))),
        KEY("key", .key_spec = 1, .token = "KEYS", .since = "3.0.6",
            .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};
