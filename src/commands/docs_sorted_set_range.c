/* COMMAND DOCS and key specifications of the commands about sorted sets, from zrandmember on. */
#include "commands/command_docs.h"

const struct command_docs docs_zrandmember = {
    .summary = "Returns members chosen by chance.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(M log(N)), M members returned, N present",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments =
        ARGUMENTS(KEY("key"), BLOCK("options", .flags = ARG_OPTIONAL,
                                  .arguments = ARGUMENTS(INTEGER("count"),
                                      TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)))),
};

const struct command_docs docs_zrange = {
    .summary = "Returns the members in a range of ranks, scores or names.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("start"), STRING("stop"),
        ONEOF("sortby", .since = "6.2.0", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("byscore", "BYSCORE"), TOKEN("bylex", "BYLEX"))),
        TOKEN("rev", "REV", .since = "6.2.0", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .since = "6.2.0", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zrangebylex = {
    .summary = "Returns the members between two others in byte order.",
    .since = "2.8.9",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `BYLEX` argument",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max"),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))),
};

const struct command_docs docs_zrangebyscore = {
    .summary = "Returns the members whose scores are in a range.",
    .since = "1.0.5",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `BYSCORE` argument",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max"),
        TOKEN("withscores", "WITHSCORES", .since = "2.0.0", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))),
};

const struct command_docs docs_zrangestore = {
    .summary = "Stores the members in a range of another sorted set.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M log(M)), M members stored, N present",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC(2, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("dst"), KEY("src", .key_spec = 1), STRING("min"), STRING("max"),
        ONEOF("sortby", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("byscore", "BYSCORE"), TOKEN("bylex", "BYLEX"))),
        TOKEN("rev", "REV", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))),
};

const struct command_docs docs_zrank = {
    .summary = "Tells the rank of a member, lowest score first.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member"),
        TOKEN("withscore", "WITHSCORE", .since = "7.2.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zrem = {
    .summary = "Removes members.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(M log(N)), M members removed, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_zremrangebylex = {
    .summary = "Removes the members between two others in byte order.",
    .since = "2.8.9",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members removed, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max")),
};

const struct command_docs docs_zremrangebyrank = {
    .summary = "Removes the members in a range of ranks.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members removed, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")),
};

const struct command_docs docs_zremrangebyscore = {
    .summary = "Removes the members whose scores are in a range.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members removed, N present",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max")),
};

const struct command_docs docs_zrevrange = {
    .summary = "Returns the members in a range of ranks, highest score first.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` argument",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop"),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zrevrangebylex = {
    .summary = "Returns the members between two others in reverse byte order.",
    .since = "2.8.9",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("max"), STRING("min"),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))),
};

const struct command_docs docs_zrevrangebyscore = {
    .summary = "Returns the members whose scores are in a range, highest first.",
    .since = "2.2.0",
    .group = "sorted-set",
    .complexity = "O(log(N) + M), M members returned, N present",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), DOUBLE("max"), DOUBLE("min"),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL),
        BLOCK("offset_count", .token = "LIMIT", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))),
};

const struct command_docs docs_zrevrank = {
    .summary = "Tells the rank of a member, highest score first.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(log(N)), N members",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member"),
        TOKEN("withscore", "WITHSCORE", .since = "7.2.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zscan = {
    .summary = "Goes through the members and scores step by step.",
    .since = "2.8.0",
    .group = "sorted-set",
    .complexity = "O(1) for each call, O(N) for a whole scan of N members",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
        PATTERN("pattern", .token = "MATCH", .flags = ARG_OPTIONAL),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zscore = {
    .summary = "Returns the score of a member.",
    .since = "1.2.0",
    .group = "sorted-set",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member")),
};

const struct command_docs docs_zunion = {
    .summary = "Returns the members that any of some sets has.",
    .since = "6.2.0",
    .group = "sorted-set",
    .complexity = "O(N) + O(M log(M)), N members in all, M in the result",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARG_MULTIPLE),
        INTEGER("weight", .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        ONEOF("aggregate", .token = "AGGREGATE", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX"))),
        TOKEN("withscores", "WITHSCORES", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_zunionstore = {
    .summary = "Stores the members that any of some sets has.",
    .since = "2.0.0",
    .group = "sorted-set",
    .complexity = "O(N) + O(M log(M)), N members in all, M in the result",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), INTEGER("numkeys"),
        KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE),
        INTEGER("weight", .token = "WEIGHTS", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        ONEOF("aggregate", .token = "AGGREGATE", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("sum", "SUM"), TOKEN("min", "MIN"), TOKEN("max", "MAX")))),
};
