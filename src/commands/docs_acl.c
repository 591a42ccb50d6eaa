/* COMMAND DOCS of ACL. */
#include "commands/command_docs.h"

const struct command_docs docs_acl = {
    .summary = "Commands about users and what they may do.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_acl_cat = {
    .summary = "Lists the categories of commands, or the commands of one.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(STRING("categoryname", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_acl_genpass = {
    .summary = "Makes a random password.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(INTEGER("bits", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_acl_getuser = {
    .summary = "Shows the rules of a user.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N rules",
    .arguments = ARGUMENTS(STRING("username")),
};

const struct command_docs docs_acl_help = {
    .summary = "Lists these subcommands.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_acl_list = {
    .summary = "Shows the rules of all users as lines of a configuration file.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N users",
};

const struct command_docs docs_acl_users = {
    .summary = "Names the users.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N users",
};

const struct command_docs docs_acl_whoami = {
    .summary = "Names the user of this connection.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(1)",
};

#define ALL_NODES_TIPS TIPS("request_policy:all_nodes", "response_policy:all_succeeded")

const struct command_docs docs_acl_deluser = {
    .summary = "Removes users; their connections end.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N connections",
    .tips = ALL_NODES_TIPS,
    .arguments = ARGUMENTS(STRING("username", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_acl_dryrun = {
    .summary = "Tells whether a user may run a command, without running it.",
    .since = "7.0.0",
    .group = "server",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(
        STRING("username"), STRING("command"), STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_acl_load = {
    .summary = "Replaces all users by those of the aclfile.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N users",
};

const struct command_docs docs_acl_log = {
    .summary = "Shows what was denied of late at this node.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N entries",
    .arguments = ARGUMENTS(ONEOF("operation", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(INTEGER("count"), TOKEN("reset", "RESET")))),
};

const struct command_docs docs_acl_save = {
    .summary = "Writes the users into the aclfile.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N users",
    .tips = ALL_NODES_TIPS,
};

const struct command_docs docs_acl_setuser = {
    .summary = "Makes or changes a user.",
    .since = "6.0.0",
    .group = "server",
    .complexity = "O(N), N rules",
    .tips = ALL_NODES_TIPS,
    .arguments =
        ARGUMENTS(STRING("username"), STRING("rule", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};
