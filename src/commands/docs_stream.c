/* COMMAND DOCS and key specifications of the stream commands. */
#include "commands/command_docs.h"

#define KEY_OF(at, ...) KEY_SPECS(KEY_SPEC(at, 0, 1, __VA_ARGS__))

#define TRIM_ARGUMENTS                                                                             \
    ARGUMENTS(ONEOF("strategy", .arguments = ARGUMENTS(TOKEN("maxlen", "MAXLEN"),                  \
                                    TOKEN("minid", "MINID", .since = "6.2.0"))),                   \
        ONEOF("operator", .flags = ARG_OPTIONAL,                                                   \
            .arguments = ARGUMENTS(TOKEN("equal", "="), TOKEN("approximately", "~"))),             \
        STRING("threshold"),                                                                       \
        INTEGER("count", .token = "LIMIT", .since = "6.2.0", .flags = ARG_OPTIONAL))

#define ID_OR_LAST ONEOF("id", .arguments = ARGUMENTS(STRING("id"), TOKEN("new_id", "$")))

const struct command_docs docs_xack = {
    .summary = "Acknowledges entries: a group's pending ones go.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N) for each id, N entries pending",
    .key_specs = KEY_OF(1, KEY_RW | KEY_UPDATE),
    .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("id", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_xadd = {
    .summary = "Appends an entry to a stream, which it makes if there is none.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N), N entries; trimming O(M), M entries that go",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_SPECS(KEY_SPEC(
        1, 0, 1, KEY_RW | KEY_UPDATE, .notes = "not INSERT, since old entries may be trimmed")),
    .arguments = ARGUMENTS(KEY("key"),
        TOKEN("nomkstream", "NOMKSTREAM", .since = "6.2.0", .flags = ARG_OPTIONAL),
        BLOCK("trim", .flags = ARG_OPTIONAL, .arguments = TRIM_ARGUMENTS),
        ONEOF("id_or_auto", .arguments = ARGUMENTS(TOKEN("auto_id", "*"), STRING("id"))),
        BLOCK("field_value", .flags = ARG_MULTIPLE,
            .arguments = ARGUMENTS(STRING("field"), STRING("value")))),
};

const struct command_docs docs_xautoclaim = {
    .summary = "Goes through a group's pending entries and gives idle ones to a consumer.",
    .since = "6.2.0",
    .group = "stream",
    .complexity = "O(1) for a small COUNT",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_OF(1, KEY_RW | KEY_DELETE),
    .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("consumer"), STRING("min-idle-time"),
        STRING("start"), INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL),
        TOKEN("justid", "JUSTID", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xclaim = {
    .summary = "Gives pending entries to another consumer of their group.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N) for each id, N entries pending",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_OF(1, KEY_RW | KEY_UPDATE),
    .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("consumer"), STRING("min-idle-time"),
        STRING("id", .flags = ARG_MULTIPLE), INTEGER("ms", .token = "IDLE", .flags = ARG_OPTIONAL),
        UNIX_TIME("unix-time-milliseconds", .token = "TIME", .flags = ARG_OPTIONAL),
        INTEGER("count", .token = "RETRYCOUNT", .flags = ARG_OPTIONAL),
        TOKEN("force", "FORCE", .flags = ARG_OPTIONAL),
        TOKEN("justid", "JUSTID", .flags = ARG_OPTIONAL),
        STRING("id", .token = "LASTID", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xdel = {
    .summary = "Removes entries of a stream by their ids.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N) for each id, N entries",
    .key_specs = KEY_OF(1, KEY_RW | KEY_DELETE),
    .arguments = ARGUMENTS(KEY("key"), STRING("id", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_xgroup = {
    .summary = "Commands about consumer groups.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "as its subcommands",
};

const struct command_docs docs_xgroup_create = {
    .summary = "Makes a consumer group.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
    .key_specs = KEY_OF(2, KEY_RW | KEY_INSERT),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), ID_OR_LAST,
        TOKEN("mkstream", "MKSTREAM", .flags = ARG_OPTIONAL),
        INTEGER("entries_read", .token = "ENTRIESREAD", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xgroup_createconsumer = {
    .summary = "Makes a consumer of a group.",
    .since = "6.2.0",
    .group = "stream",
    .complexity = "O(1)",
    .key_specs = KEY_OF(2, KEY_RW | KEY_INSERT),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), STRING("consumername")),
};

const struct command_docs docs_xgroup_delconsumer = {
    .summary = "Removes a consumer with what is pending for it.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N log N), N entries pending for it",
    .key_specs = KEY_OF(2, KEY_RW | KEY_DELETE),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), STRING("consumername")),
};

const struct command_docs docs_xgroup_destroy = {
    .summary = "Removes a consumer group.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N entries pending",
    .key_specs = KEY_OF(2, KEY_RW | KEY_DELETE),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname")),
};

const struct command_docs docs_xgroup_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
};

const struct command_docs docs_xgroup_setid = {
    .summary = "Sets up to where a group was given the entries.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
    .key_specs = KEY_OF(2, KEY_RW | KEY_UPDATE),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), ID_OR_LAST,
        INTEGER("entries_read", .token = "ENTRIESREAD", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xinfo = {
    .summary = "Commands that describe streams, groups and consumers.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "as its subcommands",
};

const struct command_docs docs_xinfo_consumers = {
    .summary = "Describes the consumers of a group.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N consumers",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_OF(2, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key"), STRING("groupname")),
};

const struct command_docs docs_xinfo_groups = {
    .summary = "Describes the groups of a stream.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N groups",
    .key_specs = KEY_OF(2, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_xinfo_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
};

const struct command_docs docs_xinfo_stream = {
    .summary = "Describes a stream.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N nodes of entries",
    .key_specs = KEY_OF(2, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key"),
        BLOCK("full", .token = "FULL", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)))),
};

const struct command_docs docs_xlen = {
    .summary = "Counts the entries of a stream.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
    .key_specs = KEY_OF(1, KEY_RO),
    .arguments = ARGUMENTS(KEY("key")),
};

const struct command_docs docs_xpending = {
    .summary = "Tells which entries of a group are pending.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N entries or, with IDLE, entries looked at; the summary O(M), M consumers",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_OF(1, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key"), STRING("group"),
        BLOCK("filters", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(
                INTEGER("min-idle-time", .token = "IDLE", .since = "6.2.0", .flags = ARG_OPTIONAL),
                STRING("start"), STRING("end"), INTEGER("count"),
                STRING("consumer", .flags = ARG_OPTIONAL)))),
};

const struct command_docs docs_xrange = {
    .summary = "Returns the entries of a range of ids.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N + M), N entries of which M are returned",
    .key_specs = KEY_OF(1, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key"), STRING("start"), STRING("end"),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xread = {
    .summary = "Returns entries of several streams above given ids, or waits for some.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N + M) for each stream, N entries of which M are returned",
    .key_specs = KEY_SPECS(KEY_SPEC_HALF("STREAMS", 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL),
        INTEGER("milliseconds", .token = "BLOCK", .flags = ARG_OPTIONAL),
        BLOCK("streams", .token = "STREAMS",
            .arguments =
                ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), STRING("id", .flags = ARG_MULTIPLE)))),
};

const struct command_docs docs_xreadgroup = {
    .summary = "Gives entries of several streams to a group's consumer, or waits for some.",
    .since = "5.0.0",
    .group = "stream",
    .complexity =
        "O(log N + M log P) for each stream, N entries of which M are returned, P pending",
    .key_specs = KEY_SPECS(KEY_SPEC_HALF("STREAMS", 4, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(BLOCK("group_consumer", .token = "GROUP",
                               .arguments = ARGUMENTS(STRING("group"), STRING("consumer"))),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL),
        INTEGER("milliseconds", .token = "BLOCK", .flags = ARG_OPTIONAL),
        TOKEN("noack", "NOACK", .flags = ARG_OPTIONAL),
        BLOCK("streams", .token = "STREAMS",
            .arguments =
                ARGUMENTS(KEY("key", .flags = ARG_MULTIPLE), STRING("id", .flags = ARG_MULTIPLE)))),
};

const struct command_docs docs_xrevrange = {
    .summary = "Returns the entries of a range of ids, the last first.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(log N + M), N entries of which M are returned",
    .key_specs = KEY_OF(1, KEY_RO | KEY_ACCESS),
    .arguments = ARGUMENTS(KEY("key"), STRING("end"), STRING("start"),
        INTEGER("count", .token = "COUNT", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xsetid = {
    .summary = "Sets the ids and the count that a stream remembers.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(1)",
    .key_specs = KEY_OF(1, KEY_RW | KEY_UPDATE),
    .arguments = ARGUMENTS(KEY("key"), STRING("last-id"),
        INTEGER("entries_added", .token = "ENTRIESADDED", .since = "7.0.0", .flags = ARG_OPTIONAL),
        STRING("max_deleted_entry_id", .token = "MAXDELETEDID", .since = "7.0.0",
            .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_xtrim = {
    .summary = "Removes a stream's oldest entries.",
    .since = "5.0.0",
    .group = "stream",
    .complexity = "O(N), N entries that go; whole nodes at once",
    .tips = TIPS("nondeterministic_output"),
    .key_specs = KEY_OF(1, KEY_RW | KEY_DELETE),
    .arguments = ARGUMENTS(KEY("key"), BLOCK("trim", .arguments = TRIM_ARGUMENTS)),
};
