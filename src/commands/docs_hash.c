/* COMMAND DOCS and key specifications of the commands about hashes. */
#include "commands/command_docs.h"

const struct command_docs docs_hdel = {
    .summary = "Removes fields, and the hash with its last one.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_hexists = {
    .summary = "Tells whether a hash has a field.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field")),
};

const struct command_docs docs_hget = {
    .summary = "Returns the value of a field.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field")),
};

const struct command_docs docs_hgetall = {
    .summary = "Returns all fields of a hash with their values.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_hincrby = {
    .summary = "Adds to the integer in a field, which begins at 0 where it is new.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field"), INTEGER("increment")),
};

const struct command_docs docs_hincrbyfloat = {
    .summary = "Adds to the floating point number in a field, which begins at 0 where it is new.",
    .since = "2.6.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field"), DOUBLE("increment")),
};

const struct command_docs docs_hkeys = {
    .summary = "Returns all fields of a hash.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_hlen = {
    .summary = "Counts the fields of a hash.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_hmget = {
    .summary = "Returns the values of several fields.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_hmset = {
    .summary = "Sets fields of a hash.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields given",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "4.0.0",
    .replaced_by = "`HSET` with multiple field-value pairs",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments =
        ARGUMENTS(KEY("key"), BLOCK("field_value", .flags = ARG_MULTIPLE,
                                  .arguments = ARGUMENTS(STRING("field"), STRING("value")))),
};

const struct command_docs docs_hrandfield = {
    .summary = "Picks fields of a hash at random.",
    .since = "6.2.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields returned",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments =
        ARGUMENTS(KEY("key"), BLOCK("options", .flags = ARG_OPTIONAL,
                                  .arguments = ARGUMENTS(INTEGER("count"),
                                      TOKEN("withvalues", "WITHVALUES", .flags = ARG_OPTIONAL)))),
};

const struct command_docs docs_hscan = {
    .summary = "Goes through the fields and values of a hash, some at a time.",
    .since = "2.8.0",
    .group = "hash",
    .complexity = "O(1) a call, O(N) for all",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
        PATTERN("pattern", .token = "MATCH", .flags = ARG_OPTIONAL),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_hset = {
    .summary = "Sets fields of a hash; the hash is made where there is none.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments =
        ARGUMENTS(KEY("key"), BLOCK("field_value", .flags = ARG_MULTIPLE,
                                  .arguments = ARGUMENTS(STRING("field"), STRING("value")))),
};

const struct command_docs docs_hsetnx = {
    .summary = "Sets a field of a hash unless the field exists.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field"), STRING("value")),
};

const struct command_docs docs_hstrlen = {
    .summary = "Tells how long the value of a field is.",
    .since = "3.2.0",
    .group = "hash",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key"), STRING("field")),
};

const struct command_docs docs_hvals = {
    .summary = "Returns all values of a hash.",
    .since = "2.0.0",
    .group = "hash",
    .complexity = "O(N) in the number of fields",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};
