/* COMMAND DOCS and key specifications of the commands about due times of fields. */
#include "commands/command_docs.h"

#define EACH_FIELD "O(N) in the number of fields given"
#define FIELDS                                                                                     \
    BLOCK("fields", .token = "FIELDS",                                                             \
        .arguments = ARGUMENTS(INTEGER("numfields"), STRING("field", .flags = ARG_MULTIPLE)))
#define CONDITION                                                                                  \
    ONEOF("condition", .flags = ARG_OPTIONAL,                                                      \
        .arguments =                                                                               \
            ARGUMENTS(TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"), TOKEN("lt", "LT")))
#define DUE_TIMES                                                                                  \
    INTEGER("seconds", .token = "EX"), INTEGER("milliseconds", .token = "PX"),                     \
        UNIX_TIME("unix-time-seconds", .token = "EXAT"),                                           \
        UNIX_TIME("unix-time-milliseconds", .token = "PXAT")

const struct command_docs docs_hexpire = {
    .summary = "Lets fields die after so many seconds.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"), CONDITION, FIELDS),
};

const struct command_docs docs_hexpireat = {
    .summary = "Lets fields die at a Unix time in seconds.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-seconds"), CONDITION, FIELDS),
};

const struct command_docs docs_hexpiretime = {
    .summary = "Returns the Unix times in seconds at which fields die.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};

const struct command_docs docs_hgetdel = {
    .summary = "Returns the values of fields and removes these.",
    .since = "8.0.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};

const struct command_docs docs_hgetex = {
    .summary = "Returns the values of fields, and sets or removes when they die.",
    .since = "8.0.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
        .notes = "RW and UPDATE because it changes the TTL")),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("expiration", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(DUE_TIMES, TOKEN("persist", "PERSIST"))),
        FIELDS),
};

const struct command_docs docs_hpersist = {
    .summary = "Takes their due times from fields.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};

const struct command_docs docs_hpexpire = {
    .summary = "Lets fields die after so many milliseconds.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"), CONDITION, FIELDS),
};

const struct command_docs docs_hpexpireat = {
    .summary = "Lets fields die at a Unix time in milliseconds.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"), CONDITION, FIELDS),
};

const struct command_docs docs_hpexpiretime = {
    .summary = "Returns the Unix times in milliseconds at which fields die.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};

const struct command_docs docs_hpttl = {
    .summary = "Returns how many milliseconds fields have to live.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};

const struct command_docs docs_hsetex = {
    .summary = "Sets fields, and when they die.",
    .since = "8.0.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("condition", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("fnx", "FNX"), TOKEN("fxx", "FXX"))),
        ONEOF("expiration", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(DUE_TIMES, TOKEN("keepttl", "KEEPTTL"))),
        BLOCK("fields", .token = "FIELDS",
            .arguments = ARGUMENTS(INTEGER("numfields"),
                BLOCK("data", .flags = ARG_MULTIPLE,
                    .arguments = ARGUMENTS(STRING("field"), STRING("value")))))),
};

const struct command_docs docs_httl = {
    .summary = "Returns how many seconds fields have to live.",
    .since = "7.4.0",
    .group = "hash",
    .complexity = EACH_FIELD,
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), FIELDS),
};
