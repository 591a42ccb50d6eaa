/* Which function carries out which session or server command, and when. */
#include "node/internal.h"

struct local_row {
    const char *name; /* of the command, or of the container of its subcommands */
    local_run *run;
};

static const struct local_row rows[] = {
    {"ping", local_ping},
    {"select", local_select},
    {"hello", local_hello},
    {"auth", local_auth},
    {"client", local_client},
    {"echo", local_echo},
    {"time", local_time},
    {"info", local_info},
    {"command", local_command},
    {"config", local_config},
    {"cluster", local_cluster},
    {"quit", local_quit},
    {"reset", local_reset},
    {"readonly", local_readonly},
    {"readwrite", local_readwrite},
    {"role", local_role},
    {"debug", local_debug},
    {"lolwut", local_lolwut},
    {"shutdown", local_shutdown},
};

/* They change how later requests of the session are read or answered: run while parsing. */
static const char *const at_once_names[] = {"select", "hello", "auth", "reset", "quit", "readonly",
    "readwrite", "client|setname", "client|setinfo", "client|reply", "client|no-evict",
    "client|no-touch"};

/* They may be answered later; what the session sends behind them waits. */
static const char *const holding_names[] = {
    "cluster|meet", "cluster|forget", "cluster|reset", "config|set", "debug"};

static bool is_among(const char *name, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

local_run *local_find(const struct command *command, bool *at_once, bool *holds) {
    size_t len = strcspn(command->name, "|");
    *at_once = is_among(command->name, at_once_names, SF_LENGTH(at_once_names));
    *holds = is_among(command->name, holding_names, SF_LENGTH(holding_names));
    for (size_t i = 0; i < SF_LENGTH(rows); i++) {
        if (strncmp(rows[i].name, command->name, len) == 0 && rows[i].name[len] == '\0') {
            return rows[i].run;
        }
    }
    return NULL;
}

/* Turns the request into one that is answered by held_done. */
struct pending *local_hold(struct local_call *call) {
    SF_ASSERT(call->pending != NULL && call->pending->kind == PENDING_LOCAL);
    call->pending->kind = PENDING_HELD;
    return call->pending;
}

bool local_is(const struct local_call *call, const char *full_name) {
    return strcmp(call->command->name, full_name) == 0;
}

void local_help(struct local_call *call, const char *container, const char *const *lines) {
    uint64_t n = 0;
    while (lines[n] != NULL) n++;
    reply_array(call->reply, n + 3);
    struct buf head = {0};
    buf_printf(&head, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container);
    buf_append_char(&head, '\0');
    reply_status(call->reply, buf_slice(&head).data);
    buf_free(&head);
    for (uint64_t i = 0; i < n; i++) reply_status(call->reply, lines[i]);
    reply_status(call->reply, "HELP");
    reply_status(call->reply, "    Print this help.");
}
