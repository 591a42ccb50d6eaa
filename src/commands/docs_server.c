/* COMMAND DOCS and key specifications of the commands about the server. */
#include "commands/command_docs.h"

const struct command_docs docs_command = {
    .summary = "Describes every command.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(N), N commands",
    .tips = TIPS("nondeterministic_output_order"),
};

const struct command_docs docs_command_count = {
    .summary = "Counts the commands.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_command_docs = {
    .summary = "Documents commands.",
    .since = "7.0.0",
    .group = "server",
    .complexity = "O(N), N commands asked for",
    .tips = TIPS("nondeterministic_output_order"),
    .arguments = ARGUMENTS(STRING("command-name", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_command_getkeys = {
    .summary = "Picks the keys out of a whole command.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(N), N arguments",
};

const struct command_docs docs_command_getkeysandflags = {
    .summary = "Picks the keys out of a whole command and tells what is done to each.",
    .since = "7.0.0",
    .group = "server",
    .complexity = "O(N), N arguments",
};

const struct command_docs docs_command_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_command_info = {
    .summary = "Describes the named commands.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(N), N commands asked for",
    .tips = TIPS("nondeterministic_output_order"),
    .arguments = ARGUMENTS(STRING("command-name", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_command_list = {
    .summary = "Names the commands.",
    .since = "7.0.0",
    .group = "server",
    .complexity = "O(N), N commands",
    .tips = TIPS("nondeterministic_output_order"),
    .arguments = ARGUMENTS(ONEOF("filterby", .token = "FILTERBY", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(STRING("module-name", .token = "MODULE"),
            STRING("category", .token = "ACLCAT"), PATTERN("pattern", .token = "PATTERN")))),
};

const struct command_docs docs_config = {
    .summary = "Commands about the configuration.",
    .since = "2.0.0",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_config_get = {
    .summary = "Shows the parameters whose names match.",
    .since = "2.0.0",
    .group = "server",
    .complexity = "O(N), N patterns",
    .arguments = ARGUMENTS(
        BLOCK("parameter", .flags = ARG_MULTIPLE, .arguments = ARGUMENTS(STRING("parameter")))),
};

const struct command_docs docs_config_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_config_resetstat = {
    .summary = "Sets the counters of INFO back to zero.",
    .since = "2.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

const struct command_docs docs_config_rewrite = {
    .summary = "Writes the parameters in force to the configuration file.",
    .since = "2.8.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};

const struct command_docs docs_config_set = {
    .summary = "Changes parameters, all or none.",
    .since = "2.0.0",
    .group = "server",
    .complexity = "O(N), N parameters",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(BLOCK("parameter_value", .flags = ARG_MULTIPLE,
        .arguments = ARGUMENTS(STRING("parameter"), STRING("value")))),
};

const struct command_docs docs_dbsize = {
    .summary = "Counts the keys of the database.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_sum"),
};

const struct command_docs docs_debug = {
    .summary = "Tools for those who test the server.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "as its subcommands",
    .flags = DOC_SYSCMD,
};

const struct command_docs docs_flushall = {
    .summary = "Empties all databases.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(ONEOF("async", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(
            TOKEN("async", "ASYNC", .since = "4.0.0"), TOKEN("sync", "SYNC", .since = "6.2.0")))),
};

const struct command_docs docs_flushdb = {
    .summary = "Empties the selected database.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(ONEOF("async", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(
            TOKEN("async", "ASYNC", .since = "4.0.0"), TOKEN("sync", "SYNC", .since = "6.2.0")))),
};

const struct command_docs docs_info = {
    .summary = "Shows figures about the server.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
    .arguments = ARGUMENTS(STRING("section", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_bgrewriteaof = {
    .summary = "Writes a snapshot of the state in the background, so that the log becomes short.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_bgsave = {
    .summary = "Writes a snapshot of the state in the background.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(TOKEN("schedule", "SCHEDULE", .since = "3.2.2", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_save = {
    .summary = "Writes a snapshot of the state and waits until it is on disk.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(N), N keys",
};

const struct command_docs docs_lastsave = {
    .summary = "Tells when the latest snapshot was written, in Unix seconds.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_lolwut = {
    .summary = "Shows the version and a small picture.",
    .since = "5.0.0",
    .group = "server",
    .arguments = ARGUMENTS(INTEGER("version", .token = "VERSION", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_role = {
    .summary = "Tells this node's part in replication.",
    .since = "2.8.12",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_shutdown = {
    .summary = "Stops the server.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments =
        ARGUMENTS(ONEOF("nosave_save", .flags = ARG_OPTIONAL,
                      .arguments = ARGUMENTS(TOKEN("nosave", "NOSAVE"), TOKEN("save", "SAVE"))),
            TOKEN("now", "NOW", .since = "7.0.0", .flags = ARG_OPTIONAL),
            TOKEN("force", "FORCE", .since = "7.0.0", .flags = ARG_OPTIONAL),
            TOKEN("abort", "ABORT", .since = "7.0.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_swapdb = {
    .summary = "Exchanges two databases.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(INTEGER("index1"), INTEGER("index2")),
};

const struct command_docs docs_time = {
    .summary = "Tells the server's time.",
    .since = "2.6.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};
