/* COMMAND DOCS and key specifications of the commands of scripts and functions. */
#include "commands/command_docs.h"

const struct command_docs docs_eval = {
    .summary = "Runs a script.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE,
        .notes = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")),
    .arguments = ARGUMENTS(STRING("script"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_evalsha = {
    .summary = "Runs a script of the cache by its hash.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(STRING("sha1"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_evalsha_ro = {
    .summary = "Runs a script of the cache that only reads.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(STRING("sha1"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_eval_ro = {
    .summary = "Runs a script that only reads.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS,
        .notes = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")),
    .arguments = ARGUMENTS(STRING("script"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_fcall = {
    .summary = "Calls a function.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE,
        .notes = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")),
    .arguments = ARGUMENTS(STRING("function"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_fcall_ro = {
    .summary = "Calls a function that only reads.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "as the script",
    .key_specs = KEY_SPECS(KEY_SPEC_COUNTED(2, KEY_RO | KEY_ACCESS,
        .notes = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")),
    .arguments = ARGUMENTS(STRING("function"), INTEGER("numkeys"),
        KEY("key", .flags = ARG_OPTIONAL | ARG_MULTIPLE),
        STRING("arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_function = {
    .summary = "Commands about functions.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "as its subcommands",
};

const struct command_docs docs_function_delete = {
    .summary = "Removes a library with its functions.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(STRING("library-name")),
};

const struct command_docs docs_function_dump = {
    .summary = "Gives all libraries as one payload.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(N), N bytes of libraries",
};

const struct command_docs docs_function_flush = {
    .summary = "Removes all libraries.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(N), N functions",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(ONEOF("flush-type", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(TOKEN("async", "ASYNC"), TOKEN("sync", "SYNC")))),
};

const struct command_docs docs_function_help = {
    .summary = "Lists these subcommands.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(1)",
};

const struct command_docs docs_function_kill = {
    .summary = "Ends a function that is running.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:one_succeeded"),
};

const struct command_docs docs_function_list = {
    .summary = "Describes libraries and their functions.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(N), N functions",
    .tips = TIPS("nondeterministic_output_order"),
    .arguments =
        ARGUMENTS(STRING("library-name-pattern", .token = "LIBRARYNAME", .flags = ARG_OPTIONAL),
            TOKEN("withcode", "WITHCODE", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_function_load = {
    .summary = "Adds a library.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(1), apart from compiling",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments =
        ARGUMENTS(TOKEN("replace", "REPLACE", .flags = ARG_OPTIONAL), STRING("function-code")),
};

const struct command_docs docs_function_restore = {
    .summary = "Adds the libraries of a payload.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(N), N functions",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(STRING("serialized-value"),
        ONEOF("policy", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(
                TOKEN("flush", "FLUSH"), TOKEN("append", "APPEND"), TOKEN("replace", "REPLACE")))),
};

const struct command_docs docs_function_stats = {
    .summary = "Counts libraries and functions.",
    .since = "7.0.0",
    .group = "scripting",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
};

const struct command_docs docs_script = {
    .summary = "Commands about scripts.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "as its subcommands",
};

const struct command_docs docs_script_debug = {
    .summary = "Chooses how scripts of the connection are debugged.",
    .since = "3.2.0",
    .group = "scripting",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ONEOF("mode",
        .arguments = ARGUMENTS(TOKEN("yes", "YES"), TOKEN("sync", "SYNC"), TOKEN("no", "NO")))),
};

const struct command_docs docs_script_exists = {
    .summary = "Tells which scripts are in the cache.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "O(N), N hashes",
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_logical_and"),
    .arguments = ARGUMENTS(STRING("sha1", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_script_flush = {
    .summary = "Empties the script cache.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "O(N), N scripts",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(ONEOF("flush-type", .since = "6.2.0", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(TOKEN("async", "ASYNC"), TOKEN("sync", "SYNC")))),
};

const struct command_docs docs_script_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "scripting",
    .complexity = "O(1)",
};

const struct command_docs docs_script_kill = {
    .summary = "Ends a script that is running.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:one_succeeded"),
};

const struct command_docs docs_script_load = {
    .summary = "Puts a script into the cache.",
    .since = "2.6.0",
    .group = "scripting",
    .complexity = "O(N), N bytes of script",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(STRING("script")),
};
