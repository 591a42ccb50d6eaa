/* COMMAND DOCS and key specifications of MEMORY and of what there is of ACL. */
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

#define FIGURES_TIPS                                                                               \
    TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special")

const struct command_docs docs_memory = {
    .summary = "Commands about memory.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "as its subcommands",
};

const struct command_docs docs_memory_doctor = {
    .summary = "Judges how memory is used.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_help = {
    .summary = "Lists these subcommands.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
};

const struct command_docs docs_memory_malloc_stats = {
    .summary = "Shows the allocator's own report.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_purge = {
    .summary = "Gives what the allocator holds unused back to the system.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(N), N bytes held",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
};

const struct command_docs docs_memory_stats = {
    .summary = "Shows figures of memory.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(N), N databases",
    .tips = FIGURES_TIPS,
};

const struct command_docs docs_memory_usage = {
    .summary = "Tells how many bytes a key and its value take.",
    .since = "4.0.0",
    .group = "server",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .token = "SAMPLES", .flags = ARG_OPTIONAL)),
};
