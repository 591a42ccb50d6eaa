/* COMMAND DOCS and key specifications of the commands about sorted sets. */
#include "commands/command_docs.h"

const struct command_docs docs_zadd = {
    .summary = "Adds members with their scores, or changes scores.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N)) for each member, N members present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("condition", .since = "3.0.2", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("nx", "NX"), TOKEN("xx", "XX"))),
        ONEOF("comparison", .since = "6.2.0", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("gt", "GT"), TOKEN("lt", "LT"))),
        TOKEN("change", "CH", .since = "3.0.2", .flags = ARG_OPTIONAL),
        TOKEN("increment", "INCR", .since = "3.0.2", .flags = ARG_OPTIONAL),
        BLOCK("score_member", .flags = ARG_MULTIPLE,
            .arguments = ARGUMENTS(DOUBLE("score"), STRING("member")))),
};

const struct command_docs docs_zcard = {
    .summary = "Tells how many members a sorted set has.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_zcount = {
    .summary = "Counts the members whose scores are in a range.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max")),
};

const struct command_docs docs_zdiff = {
    .summary = "Returns the members of the first set that no other has.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(L + (N - K) log(N)), L members in all, N in the first, K in the result",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zdiffstore = {
    .summary = "Stores the members of the first set that no other has.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(L + (N - K) log(N)), L members in all, N in the first, K in the result",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(
        KEY("destination"), INTEGER("numkeys"), KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_zincrby = {
    .summary = "Adds to a member's score.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("increment"), STRING("member")),
};

const struct command_docs docs_zinter = {
    .summary = "Returns the members that all sets have.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(N K) + O(M log(M)), N members in the smallest of K sets, M in the result",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        INTEGER("weight", .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        ONEOF("aggregate", .token = "AGGREGATE", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zintercard = {
    .summary = "Counts the members that all sets have.",
    .since = "7.0.0",
    .group = "sorted-set",
    .complexity = "O(N K), N members in the smallest of K sets",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        INTEGER("limit", .token = "LIMIT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zinterstore = {
    .summary = "Stores the members that all sets have.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(N K) + O(M log(M)), N members in the smallest of K sets, M in the result",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), INTEGER("numkeys"),
        KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE),
        INTEGER("weight", .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        ONEOF("aggregate", .token = "AGGREGATE", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")))),
};

const struct command_docs docs_zlexcount = {
    .summary = "Counts the members between two others in byte order.",
    .since = "2.8.9",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max")),
};

const struct command_docs docs_zmpop = {
    .summary = "Takes the members of lowest or highest score from the first of some sets that is "
               "not empty.",
    .since = "7.0.0",
    .group = "sorted-set",
    .complexity = "O(K) + O(M log(N)), K keys, M members taken, N present",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        ONEOF("where", .arguments = ARGUMENTS(TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zmscore = {
    .summary = "Returns the scores of members.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(N), N members asked for",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_zpopmax = {
    .summary = "Takes out the members of highest score.",
    .since = "5.0.0",
    .group = "sorted-set",
    .complexity = "O(M log(N)), M members taken, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zpopmin = {
    .summary = "Takes out the members of lowest score.",
    .since = "5.0.0",
    .group = "sorted-set",
    .complexity = "O(M log(N)), M members taken, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .flags = ARG_OPTIONAL)),
};
