/* COMMAND DOCS of the commands about clients' own caches. */
#include "commands/command_docs.h"

const struct command_docs docs_client_caching = {
    .summary = "Says whether the keys of the next request are tracked.",
    .since = "6.0.0",
    .group = "connection",
    .complexity = "O(1)",
    .arguments =
        ARGUMENTS(ONEOF("mode", .arguments = ARGUMENTS(TOKEN("yes", "YES"), TOKEN("no", "NO")))),
};

const struct command_docs docs_client_getredir = {
    .summary = "Tells which connection hears this one's invalidations.",
    .since = "6.0.0",
    .group = "connection",
    .complexity = "O(1)",
};

const struct command_docs docs_client_tracking = {
    .summary = "Turns on or off that a client's own cache is told of changes.",
    .since = "6.0.0",
    .group = "connection",
    .complexity = "O(1), and more with some options",
    .arguments =
        ARGUMENTS(ONEOF("status", .arguments = ARGUMENTS(TOKEN("on", "ON"), TOKEN("off", "OFF"))),
            INTEGER("client-id", .token = "REDIRECT", .flags = ARG_OPTIONAL),
            STRING("prefix", .token = "PREFIX",
                .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN),
            TOKEN("bcast", "BCAST", .flags = ARG_OPTIONAL),
            TOKEN("optin", "OPTIN", .flags = ARG_OPTIONAL),
            TOKEN("optout", "OPTOUT", .flags = ARG_OPTIONAL),
            TOKEN("noloop", "NOLOOP", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_client_trackinginfo = {
    .summary = "Tells how this connection is tracked.",
    .since = "6.2.0",
    .group = "connection",
    .complexity = "O(1)",
};
