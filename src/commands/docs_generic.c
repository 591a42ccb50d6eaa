/* COMMAND DOCS and key specifications of the commands about keys of any type. */
#include "commands/command_docs.h"

const struct command_docs docs_copy = {
    .summary = "Copies a value to another key.",
    .since = "6.2.0",
    .group = "generic",
    .complexity = "O(1) for strings, else O(N), N elements",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS), KEY_SPEC(2, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
        INTEGER("destination-db", .token = "DB", .flags = ARG_OPTIONAL),
        TOKEN("replace", "REPLACE", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_del = {
    .summary = "Removes keys.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RM | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_dump = {
    .summary = "Returns a key's value in the form that RESTORE takes.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(N), N bytes of the value",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_exists = {
    .summary = "Counts how many of the named keys exist.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_expire = {
    .summary = "Lets a key expire after some seconds.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"), EXPIRE_CONDITION),
};

const struct command_docs docs_expireat = {
    .summary = "Lets a key expire at a Unix time in seconds.",
    .since = "1.2.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-seconds"), EXPIRE_CONDITION),
};

const struct command_docs docs_expiretime = {
    .summary = "Tells at which Unix second a key expires.",
    .since = "7.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_keys = {
    .summary = "Returns every key that matches a pattern.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(N), N keys of the database",
    .tips = TIPS("request_policy:all_shards", "nondeterministic_output_order"),
    .arguments = ARGUMENTS(PATTERN("pattern")),
};

const struct command_docs docs_move = {
    .summary = "Takes a key to another database.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("db")),
};

const struct command_docs docs_object = {
    .summary = "Commands about how values are held.",
    .since = "2.2.3",
    .group = "generic",
    .complexity = "as its subcommands",
};

const struct command_docs docs_object_encoding = {
    .summary = "Names the form in which a value is held.",
    .since = "2.2.3",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_object_freq = {
    .summary = "Tells how often a value is used, on a logarithmic scale.",
    .since = "4.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_object_help = {
    .summary = "Lists these subcommands.",
    .since = "6.2.0",
    .group = "generic",
    .complexity = "O(1)",
};

const struct command_docs docs_object_idletime = {
    .summary = "Tells how long a value has not been used.",
    .since = "2.2.3",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_object_refcount = {
    .summary = "Counts the references to a value.",
    .since = "2.2.3",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_persist = {
    .summary = "Takes the expiry away from a key.",
    .since = "2.2.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_pexpire = {
    .summary = "Lets a key expire after some milliseconds.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"), EXPIRE_CONDITION),
};

const struct command_docs docs_pexpireat = {
    .summary = "Lets a key expire at a Unix time in milliseconds.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"), EXPIRE_CONDITION),
};

const struct command_docs docs_pexpiretime = {
    .summary = "Tells at which Unix millisecond a key expires.",
    .since = "7.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_pttl = {
    .summary = "Tells for how many milliseconds a key still lives.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_randomkey = {
    .summary = "Returns some key of the database.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:special", "nondeterministic_output"),
};

const struct command_docs docs_rename = {
    .summary = "Gives a key another name, replacing what has it.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC(2, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), KEY("newkey", .key_spec = 1)),
};

const struct command_docs docs_renamenx = {
    .summary = "Gives a key another name if that one is free.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_DELETE),
        KEY_SPEC(2, 0, 1, KEY_OW | KEY_INSERT)),
    .arguments = ARGUMENTS(KEY("key"), KEY("newkey", .key_spec = 1)),
};

const struct command_docs docs_restore = {
    .summary = "Makes a key of what DUMP returned.",
    .since = "2.6.0",
    .group = "generic",
    .complexity = "O(N), N bytes of the value; for large sorted sets O(N*log(N))",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("ttl"), STRING("serialized-value"),
        TOKEN("replace", "REPLACE", .since = "3.0.0", .flags = ARG_OPTIONAL),
        TOKEN("absttl", "ABSTTL", .since = "5.0.0", .flags = ARG_OPTIONAL),
        INTEGER("seconds", .token = "IDLETIME", .since = "5.0.0", .flags = ARG_OPTIONAL),
        INTEGER("frequency", .token = "FREQ", .since = "5.0.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_restore_asking = {
    .summary = "RESTORE, as a Redis Cluster sends it while a slot moves.",
    .since = "3.0.0",
    .group = "server",
    .complexity = "O(N), N bytes of the value; for large sorted sets O(N*log(N))",
    .flags = DOC_SYSCMD,
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("ttl"), STRING("serialized-value"),
        TOKEN("replace", "REPLACE", .since = "3.0.0", .flags = ARG_OPTIONAL),
        TOKEN("absttl", "ABSTTL", .since = "5.0.0", .flags = ARG_OPTIONAL),
        INTEGER("seconds", .token = "IDLETIME", .since = "5.0.0", .flags = ARG_OPTIONAL),
        INTEGER("frequency", .token = "FREQ", .since = "5.0.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_scan = {
    .summary = "Goes through the keys a few at a time.",
    .since = "2.8.0",
    .group = "generic",
    .complexity = "O(1) a call, O(N) in all, N keys",
    .tips = TIPS("nondeterministic_output", "request_policy:special", "response_policy:special"),
    .arguments =
        ARGUMENTS(INTEGER("cursor"), PATTERN("pattern", .token = "MATCH", .flags = ARG_OPTIONAL),
            INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL),
            STRING("type", .token = "TYPE", .since = "6.0.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_touch = {
    .summary = "Marks keys as used and counts those that exist.",
    .since = "3.2.1",
    .group = "generic",
    .complexity = "O(N), N keys",
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_ttl = {
    .summary = "Tells for how many seconds a key still lives.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_type = {
    .summary = "Names the type of the value at a key.",
    .since = "1.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO)),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_unlink = {
    .summary = "Removes keys and frees their memory later.",
    .since = "4.0.0",
    .group = "generic",
    .complexity = "O(1) a key",
    .tips = TIPS("request_policy:multi_shard", "response_policy:agg_sum"),
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_RM | KEY_DELETE)),
    .arguments = ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_wait = {
    .summary = "Waits until other nodes have synced what this connection wrote.",
    .since = "3.0.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
    .arguments = ARGUMENTS(INTEGER("numreplicas"), INTEGER("timeout")),
};

const struct command_docs docs_waitaof = {
    .summary = "Waits until this node and others have synced what this connection wrote.",
    .since = "7.2.0",
    .group = "generic",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:agg_min"),
    .arguments = ARGUMENTS(INTEGER("numlocal"), INTEGER("numreplicas"), INTEGER("timeout")),
};
