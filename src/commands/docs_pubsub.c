/* COMMAND DOCS and key specifications of the commands about messages. */
#include "commands/command_docs.h"

const struct command_docs docs_psubscribe = {
    .summary = "Listens to all channels whose names match.",
    .since = "2.0.0",
    .group = "pubsub",
    .complexity = "O(N), N patterns",
    .arguments = ARGUMENTS(
        BLOCK("pattern", .flags = ARG_MULTIPLE, .arguments = ARGUMENTS(PATTERN("pattern")))),
};

const struct command_docs docs_publish = {
    .summary = "Sends a message to a channel's subscribers, at all nodes.",
    .since = "2.0.0",
    .group = "pubsub",
    .complexity = "O(N+M), N subscribers and M patterns",
    .arguments = ARGUMENTS(STRING("channel"), STRING("message")),
};

const struct command_docs docs_pubsub = {
    .summary = "Commands about channels and their subscribers.",
    .since = "2.8.0",
    .group = "pubsub",
    .complexity = "as its subcommands",
};

const struct command_docs docs_pubsub_channels = {
    .summary = "Lists the channels that have subscribers.",
    .since = "2.8.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_pubsub_help = {
    .summary = "Lists these subcommands.",
    .since = "6.2.0",
    .group = "pubsub",
    .complexity = "O(1)",
};

const struct command_docs docs_pubsub_numpat = {
    .summary = "Counts the patterns that are subscribed to.",
    .since = "2.8.0",
    .group = "pubsub",
    .complexity = "O(N), N patterns",
};

const struct command_docs docs_pubsub_numsub = {
    .summary = "Counts the subscribers of channels.",
    .since = "2.8.0",
    .group = "pubsub",
    .complexity = "O(N), N channels asked for",
    .arguments = ARGUMENTS(STRING("channel", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_pubsub_shardchannels = {
    .summary = "Lists the shard channels that have subscribers.",
    .since = "7.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_pubsub_shardnumsub = {
    .summary = "Counts the subscribers of shard channels.",
    .since = "7.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels asked for",
    .arguments = ARGUMENTS(STRING("shardchannel", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_punsubscribe = {
    .summary = "Listens to patterns no longer.",
    .since = "2.0.0",
    .group = "pubsub",
    .complexity = "O(N), N patterns",
    .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_spublish = {
    .summary = "Sends a message to a shard channel's subscribers, at all nodes.",
    .since = "7.0.0",
    .group = "pubsub",
    .complexity = "O(N), N subscribers",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_NOT_KEY)),
    .arguments = ARGUMENTS(STRING("shardchannel"), STRING("message")),
};

const struct command_docs docs_ssubscribe = {
    .summary = "Listens to shard channels.",
    .since = "7.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_NOT_KEY)),
    .arguments = ARGUMENTS(STRING("shardchannel", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_subscribe = {
    .summary = "Listens to channels.",
    .since = "2.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .arguments = ARGUMENTS(STRING("channel", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_sunsubscribe = {
    .summary = "Listens to shard channels no longer.",
    .since = "7.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .key_specs = KEY_SPECS(KEY_SPEC(1, -1, 1, KEY_NOT_KEY)),
    .arguments = ARGUMENTS(STRING("shardchannel", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};

const struct command_docs docs_unsubscribe = {
    .summary = "Listens to channels no longer.",
    .since = "2.0.0",
    .group = "pubsub",
    .complexity = "O(N), N channels",
    .arguments = ARGUMENTS(STRING("channel", .flags = ARG_OPTIONAL | ARG_MULTIPLE)),
};
