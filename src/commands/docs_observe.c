/* COMMAND DOCS of the commands that tell operators what a server does: LATENCY, MONITOR, SLOWLOG.
 */
#include "commands/command_docs.h"

const struct command_docs docs_latency = {
    .summary = "Commands about what was slow.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_latency_doctor = {
    .summary = "Reports what was slow in words, with advice.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
};

const struct command_docs docs_latency_graph = {
    .summary = "Draws the samples of an event.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
    .arguments = ARGUMENTS(STRING("event")),
};

const struct command_docs docs_latency_help = {
    .summary = "Lists these subcommands.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_latency_histogram = {
    .summary = "Shows how the times of commands are distributed.",
    .since = "7.0.0",
    .group = "server",
    .complexity = "O(N), N commands that have run",
    .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
    .arguments = ARGUMENTS(STRING("command", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_latency_history = {
    .summary = "Shows the samples of an event.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
    .arguments = ARGUMENTS(STRING("event")),
};

const struct command_docs docs_latency_latest = {
    .summary = "Shows the latest sample of each event.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
};

const struct command_docs docs_latency_reset = {
    .summary = "Drops the samples of some events, or of all.",
    .since = "2.8.13",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:agg_sum"),
    .arguments = ARGUMENTS(STRING("event", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_monitor = {
    .summary = "Shows every command that this node carries out for its clients.",
    .since = "1.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_slowlog = {
    .summary = "Commands about the log of slow commands.",
    .since = "2.2.12",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_slowlog_get = {
    .summary = "Shows the latest slow commands.",
    .since = "2.2.12",
    .group = "server",
    .complexity = "O(N), N entries",
    .tips = TIPS("request_policy:all_nodes", "nondeterministic_output"),
    .arguments = ARGUMENTS(INTEGER("count", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_slowlog_help = {
    .summary = "Lists these subcommands.",
    .since = "6.2.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_slowlog_len = {
    .summary = "Counts the slow commands that are kept.",
    .since = "2.2.12",
    .group = "server",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
};

const struct command_docs docs_slowlog_reset = {
    .summary = "Drops the slow commands that are kept.",
    .since = "2.2.12",
    .group = "server",
    .complexity = "O(N), N entries",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
};
