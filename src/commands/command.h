/* Commands as data: one table says everything that dispatch, COMMAND, routing, tests (and later
 * ACL) need to know; one function each does the work.
 *
 * Data commands run inside apply (writes) or as a query (reads) against a keyspace. Session and
 * server commands (PING, CLIENT, INFO, CLUSTER ...) are declared here with run == NULL and
 * implemented in node/. */
#ifndef SF_COMMANDS_COMMAND_H
#define SF_COMMANDS_COMMAND_H

#include "keyspace/keyspace.h"
#include "resp/reply.h"
#include "util/random.h"

struct command;

/* What the replicated state machine offers to commands besides the keyspace. */
struct engine_port {
    void *context;
    void (*set_setting)(void *context, struct slice name, struct slice value);
};

/* What one execution of a command sees. Everything that may influence its result is here. */
struct call {
    const struct command *command; /* the leaf: a subcommand where there is one */
    uint32_t argc;
    const struct slice *argv; /* argv[0] is the name as the client wrote it */
    struct keyspace *keyspace;
    struct db *db;
    uint32_t db_number;
    int64_t now_ms; /* writes: state time. Reads: see read_clock_ms */
    /* Reads: the leader's clock at the read index, >= now_ms. A key with now_ms < due <= clock
     * makes the call end with must_wait set; the caller throws the reply away and tries again when
     * state time has come that far (DESIGN 7). Writes and settled reads: equal to now_ms. */
    int64_t read_clock_ms;
    bool must_wait;
    bool oom;             /* the entry's out-of-memory bit: commands that grow answer -OOM */
    struct random random; /* seeded for this command alone */
    uint64_t proto_max_bulk_len;
    struct reply *reply;
    const struct engine_port *engine; /* replicated state outside the keyspace; NULL in reads */
};

typedef void command_run(struct call *call);

enum command_flags {
    CMD_WRITE = 1 << 0,
    CMD_READ = 1 << 1,  /* "readonly" */
    CMD_GROWS = 1 << 2, /* "denyoom" */
    CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,
    CMD_NOSCRIPT = 1 << 5,
    CMD_BLOCKING = 1 << 6,
    CMD_LOADING = 1 << 7, /* allowed while the node has no data yet */
    CMD_STALE = 1 << 8,
    CMD_NO_AUTH = 1 << 9,
    CMD_FAST = 1 << 10,
    CMD_NO_MULTI = 1 << 11,
    CMD_MOVABLE_KEYS = 1 << 12,
    CMD_ALLOW_BUSY = 1 << 13,
    CMD_NO_ASYNC_LOADING = 1 << 14,
    CMD_SKIP_MONITOR = 1 << 15,
    CMD_SKIP_SLOWLOG = 1 << 16,
    CMD_LOCAL =
        1 << 17, /* ours: answered by the node at the session's turn, touches no replicated state */
    CMD_SENTINEL = 1 << 18,
};

/* How the node carries a command out. */
enum command_route { ROUTE_LOCAL, ROUTE_READ, ROUTE_WRITE };

struct command {
    const char *name; /* lower case; a subcommand's full name is "container|name" */
    command_run *run; /* NULL: implemented in node/ */
    int32_t arity;    /* as Redis counts: negative means at least */
    uint32_t flags;
    int32_t first_key, last_key, key_step; /* 0,0,0: none */
    const struct command *subcommands;     /* ends with name == NULL; NULL when none */
    /* ... the rest (categories, docs, key specifications) is command_table.c's own; see there. */
    uint32_t categories;
    uint32_t id; /* position, dense over the whole table: node/ indexes its functions by it */
    const struct command_docs *docs;
};

/* Finds the (sub)command of a request by its name(s), in any case. NULL when unknown. argc >= 1. */
const struct command *command_lookup(uint32_t argc, const struct slice *argv);
const struct command *command_by_name(const char *full_name);
/* A command of our own that only the node puts into the log ("shardforge.setting name value"):
 * never reachable for clients, invisible to COMMAND. NULL when the name is none. */
const struct command *command_internal(struct slice name);
/* Runs call->command, with what holds for all of them first (the out-of-memory bit). */
void call_run(struct call *call);
uint32_t command_count(void); /* ids are 0 .. count-1 */

/* Whether the request may run at all: known, arity. On failure appends Redis's error text to reply
 * ("ERR unknown command 'x', with args beginning with: ...", "ERR wrong number of arguments for
 * 'get' command", "ERR unknown subcommand ...") and returns NULL. */
const struct command *command_check(uint32_t argc, const struct slice *argv, struct reply *reply);

enum command_route command_route(const struct command *command);

/* COMMAND and its subcommands (COUNT, INFO, DOCS, LIST, GETKEYS): pure functions of the table. */
void cmd_command(struct call *call);

#endif
