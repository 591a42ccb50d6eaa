/* COMMAND DOCS and key specifications of the commands about sets. */
#include "commands/command_docs.h"

const struct command_docs docs_sadd = {
    .summary = "Adds members to a set; the set is made where there is none.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_scard = {
    .summary = "Counts the members of a set.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_sdiff = {
    .summary = "Returns the members that only the first of the sets has.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N*M): members of the first set, number of sets",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sdiffstore = {
    .summary = "Stores the members that only the first of the sets has.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N*M): members of the first set, number of sets",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC(2, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sinter = {
    .summary = "Returns the members that all of the sets have.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N*M): members of the smallest set, number of sets",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sintercard = {
    .summary = "Counts the members that all of the sets have.",
    .since = "7.0.0",
    .group = "set",
    .complexity = "O(N*M): members of the smallest set, number of sets",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        INTEGER("limit", .token = "LIMIT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_sinterstore = {
    .summary = "Stores the members that all of the sets have.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N*M): members of the smallest set, number of sets",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE), KEY_SPEC(2, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sismember = {
    .summary = "Tells whether a set has a member.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member")),
};

const struct command_docs docs_smembers = {
    .summary = "Returns all members of a set.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_smismember = {
    .summary = "Tells for each of several members whether a set has it.",
    .since = "6.2.0",
    .group = "set",
    .complexity = "O(N) in the number of members given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_smove = {
    .summary = "Takes a member out of one set and puts it into another.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC(2, 0, 1, KEY_RW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1), STRING("member")),
};

const struct command_docs docs_spop = {
    .summary = "Takes members, picked at random, out of a set.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members taken",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .since = "3.2.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_srandmember = {
    .summary = "Picks members of a set at random.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members returned",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .since = "2.6.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_srem = {
    .summary = "Removes members, and the set with its last one.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members given",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sscan = {
    .summary = "Goes through the members of a set, some at a time.",
    .since = "2.8.0",
    .group = "set",
    .complexity = "O(1) a call, O(N) for all",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
        PATTERN("pattern", .token = "MATCH", .flags = ARG_OPTIONAL),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_sunion = {
    .summary = "Returns the members that any of the sets has.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members of all sets",
    .tips = TIPS("nondeterministic_output_order"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sunionstore = {
    .summary = "Stores the members that any of the sets has.",
    .since = "1.0.0",
    .group = "set",
    .complexity = "O(N) in the number of members of all sets",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC(2, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE)),
};
