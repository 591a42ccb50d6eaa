/* COMMAND DOCS and key specifications of the commands about connections. */
#include "commands/command_docs.h"

const struct command_docs docs_auth = {
    .summary = "Logs the connection in.",
    .since = "1.0.0",
    .group = "connection",
    .complexity = "O(N), N passwords of the user",
    .arguments =
        ARGUMENTS(STRING("username", .since = "6.0.0", .flags = ARG_OPTIONAL), STRING("password")),
};

const struct command_docs docs_client = {
    .summary = "Commands about client connections.",
    .since = "2.4.0",
    .group = "connection",
    .complexity = "as its subcommands",
};

const struct command_docs docs_client_getname = {
    .summary = "Tells the connection's name.",
    .since = "2.6.9",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_client_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_client_id = {
    .summary = "Tells the connection's number.",
    .since = "5.0.0",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_client_info = {
    .summary = "Describes this connection in one line.",
    .since = "6.2.0",
    .group = "connection",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_client_kill = {
    .summary = "Closes the connections that match.",
    .since = "2.4.0",
    .group = "connection",
    .complexity = "O(N), N connections",
    .arguments = ARGUMENTS(ONEOF("filter",
        .arguments = ARGUMENTS(STRING("ip:port", .deprecated_since = "2.8.12"),
            ONEOF("new-format", .flags = ARG_MULTIPLE,
                .arguments = ARGUMENTS(
                    INTEGER("client-id", .token = "ID", .since = "2.8.12", .flags = ARG_OPTIONAL),
                    ONEOF("normal_master_slave_pubsub", .token = "TYPE", .since = "2.8.12",
                        .flags = ARG_OPTIONAL,
                        .arguments = ARGUMENTS(TOKEN("normal", "NORMAL"),
                            TOKEN("master", "MASTER", .since = "3.2.0"), TOKEN("slave", "SLAVE"),
                            TOKEN("replica", "REPLICA", .since = "5.0.0"),
                            TOKEN("pubsub", "PUBSUB"))),
                    STRING("username", .token = "USER", .flags = ARG_OPTIONAL),
                    STRING("ip:port", .token = "ADDR", .flags = ARG_OPTIONAL),
                    STRING("ip:port", .token = "LADDR", .since = "6.2.0", .flags = ARG_OPTIONAL),
                    STRING("yes/no", .token = "SKIPME", .flags = ARG_OPTIONAL)))))),
};

const struct command_docs docs_client_list = {
    .summary = "Describes all connections, one a line.",
    .since = "2.4.0",
    .group = "connection",
    .complexity = "O(N), N connections",
    .tips = TIPS("nondeterministic_output"),
    .arguments =
        ARGUMENTS(ONEOF("normal_master_replica_pubsub", .token = "TYPE", .since = "5.0.0",
                      .flags = ARG_OPTIONAL,
                      .arguments = ARGUMENTS(TOKEN("normal", "NORMAL"), TOKEN("master", "MASTER"),
                          TOKEN("replica", "REPLICA"), TOKEN("pubsub", "PUBSUB"))),
            BLOCK("id", .token = "ID", .since = "6.2.0", .flags = ARG_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("client-id", .flags = ARG_MULTIPLE)))),
};

const struct command_docs docs_client_no_evict = {
    .summary = "Exempts this connection from eviction of clients.",
    .since = "7.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments =
        ARGUMENTS(ONEOF("enabled", .arguments = ARGUMENTS(TOKEN("on", "ON"), TOKEN("off", "OFF")))),
};

const struct command_docs docs_client_no_touch = {
    .summary = "Lets this connection read without renewing access times.",
    .since = "7.2.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments =
        ARGUMENTS(ONEOF("enabled", .arguments = ARGUMENTS(TOKEN("on", "ON"), TOKEN("off", "OFF")))),
};

const struct command_docs docs_client_reply = {
    .summary = "Turns replies to this connection on or off.",
    .since = "3.2.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ONEOF("on_off_skip",
        .arguments = ARGUMENTS(TOKEN("on", "ON"), TOKEN("off", "OFF"), TOKEN("skip", "SKIP")))),
};

const struct command_docs docs_client_setinfo = {
    .summary = "Records which client library speaks here.",
    .since = "7.2.0",
    .group = "connection",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .arguments =
        ARGUMENTS(ONEOF("attr", .arguments = ARGUMENTS(STRING("libname", .token = "LIB-NAME"),
                                    STRING("libver", .token = "LIB-VER")))),
};

const struct command_docs docs_client_setname = {
    .summary = "Names this connection.",
    .since = "2.6.9",
    .group = "connection",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(STRING("connection-name")),
};

const struct command_docs docs_echo = {
    .summary = "Returns its argument.",
    .since = "1.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(STRING("message")),
};

const struct command_docs docs_hello = {
    .summary = "Agrees on the protocol version, with login and name if wanted.",
    .since = "6.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(BLOCK("arguments", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(INTEGER("protover"),
            BLOCK("username_password", .token = "AUTH", .flags = ARG_OPTIONAL,
                .arguments = ARGUMENTS(STRING("username"), STRING("password"))),
            STRING("clientname", .token = "SETNAME", .flags = ARG_OPTIONAL)))),
};

const struct command_docs docs_ping = {
    .summary = "Answers PONG, or its argument.",
    .since = "1.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded"),
    .arguments = ARGUMENTS(STRING("message", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_quit = {
    .summary = "Ends the connection.",
    .since = "1.0.0",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_reset = {
    .summary = "Makes the connection like a new one.",
    .since = "6.2.0",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_select = {
    .summary = "Chooses the connection's database.",
    .since = "1.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(INTEGER("index")),
};
