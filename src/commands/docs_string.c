/* COMMAND DOCS and key specifications of the commands about strings. */
#include "commands/command_docs.h"

const struct command_docs docs_append = {
    .summary = "Adds bytes to the end of a string, which begins empty where the key is new.",
    .since = "2.0.0",
    .group = "string",
    .complexity = "O(1) amortized",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("value")),
};

const struct command_docs docs_decr = {
    .summary = "Subtracts one from the integer at a key.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_decrby = {
    .summary = "Subtracts from the integer at a key.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("decrement")),
};

const struct command_docs docs_get = {
    .summary = "Returns the string at a key.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_getdel = {
    .summary = "Returns the string at a key and removes the key.",
    .since = "6.2.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_getex = {
    .summary = "Returns the string at a key and may change when it expires.",
    .since = "6.2.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
        .notes = "writes because the expiry may change")),
    .arguments = ARGUMENTS(KEY("key"), ONEOF("expiration", .flags = ARG_OPTIONAL,
                                           .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX"),
                                               INTEGER("milliseconds", .token = "PX"),
                                               UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                                               UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                                               TOKEN("persist", "PERSIST")))),
};

const struct command_docs docs_getrange = {
    .summary = "Returns a part of the string at a key.",
    .since = "2.4.0",
    .group = "string",
    .complexity = "O(N), N bytes returned",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("end")),
};

const struct command_docs docs_getset = {
    .summary = "Sets a string and returns the one that was there.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`SET` with `GET`",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("value")),
};

const struct command_docs docs_incr = {
    .summary = "Adds one to the integer at a key.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_incrby = {
    .summary = "Adds to the integer at a key.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("increment")),
};

const struct command_docs docs_incrbyfloat = {
    .summary = "Adds to the floating-point number at a key.",
    .since = "2.6.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), DOUBLE("increment")),
};

const struct command_docs docs_lcs = {
    .summary = "Finds the longest common subsequence of two strings.",
    .since = "7.0.0",
    .group = "string",
    .complexity = "O(N*M), N and M bytes long",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key1"), KEY("key2"), TOKEN("len", "LEN", .flags = ARG_OPTIONAL),
        TOKEN("idx", "IDX", .flags = ARG_OPTIONAL),
        INTEGER("len", .token = "MINMATCHLEN", .flags = ARG_OPTIONAL),
        TOKEN("withmatchlen", "WITHMATCHLEN", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_mget = {
    .summary = "Returns the strings at several keys.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:multi_shard"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_mset = {
    .summary = "Sets several strings at once.",
    .since = "1.0.1",
    .group = "string",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:multi_shard", "response_policy:all_succeeded"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 2, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(BLOCK(
        "key_value", .flags = ARG_MULTIPLE, .arguments = ARGUMENTS(KEY("key"), STRING("value")))),
};

const struct command_docs docs_msetnx = {
    .summary = "Sets several strings at once if none of the keys exists.",
    .since = "1.0.1",
    .group = "string",
    .complexity = "O(N), N keys",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 2, KEY_OW | KEY_INSERT)),
    .arguments = ARGUMENTS(BLOCK(
        "key_value", .flags = ARG_MULTIPLE, .arguments = ARGUMENTS(KEY("key"), STRING("value")))),
};

const struct command_docs docs_psetex = {
    .summary = "Sets a string that expires after some milliseconds.",
    .since = "2.6.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"), STRING("value")),
};

const struct command_docs docs_set = {
    .summary = "Sets the string at a key, whatever was there.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
        .notes = "reads as well where `GET` is given")),
    .arguments = ARGUMENTS(KEY("key"), STRING("value"),
        ONEOF("condition", .since = "2.6.12", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("nx", "NX"), TOKEN("xx", "XX"))),
        TOKEN("get", "GET", .since = "6.2.0", .flags = ARG_OPTIONAL),
        ONEOF("expiration", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX", .since = "2.6.12"),
                INTEGER("milliseconds", .token = "PX", .since = "2.6.12"),
                UNIX_TIME("unix-time-seconds", .token = "EXAT", .since = "6.2.0"),
                UNIX_TIME("unix-time-milliseconds", .token = "PXAT", .since = "6.2.0"),
                TOKEN("keepttl", "KEEPTTL", .since = "6.0.0")))),
};

const struct command_docs docs_setex = {
    .summary = "Sets a string that expires after some seconds.",
    .since = "2.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"), STRING("value")),
};

const struct command_docs docs_setnx = {
    .summary = "Sets a string if the key does not exist.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("value")),
};

const struct command_docs docs_setrange = {
    .summary = "Writes over a part of a string, lengthening it where needed.",
    .since = "2.2.0",
    .group = "string",
    .complexity = "O(N), N bytes written",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("offset"), STRING("value")),
};

const struct command_docs docs_strlen = {
    .summary = "Tells the length of the string at a key.",
    .since = "2.2.0",
    .group = "string",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_substr = {
    .summary = "Returns a part of the string at a key, by its old name.",
    .since = "1.0.0",
    .group = "string",
    .complexity = "O(N), N bytes returned",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "2.0.0",
    .replaced_by = "`GETRANGE`",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("end")),
};
