/* Commands as data: one table says everything that dispatch, COMMAND, routing, tests (and later
 * ACL) need to know; one function each does the work.
 *
 * Data commands run inside apply (writes) or as a query (reads) against a keyspace. Session and
 * server commands (PING, CLIENT, INFO, CLUSTER ...) are declared here with run == NULL and
 * implemented in node/. */
#ifndef SF_COMMANDS_COMMAND_H
#define SF_COMMANDS_COMMAND_H

#include "commands/events.h"
#include "keyspace/collection.h"
#include "resp/reply.h"
#include "util/breath.h"
#include "util/random.h"

/* Words of a client's request, at most. */
#define REQUEST_ARGS_MAX (1u << 20)

struct acl_user;
struct call;
struct command;
struct scripts;

/* Whose request it is (acl.h), and the revision of the users at which it was found allowed. id 0:
 * nobody's, or the unrestricted default user's: looked at only where that user is restricted. */
struct acl_claim {
    uint64_t id, revision;
};

/* Who waits: the place of his command in the stream of the node that he is connected to. */
struct waiter_place {
    uint64_t node, counter, nonce; /* the forwarding incarnation */
    uint64_t sequence;             /* of the sub-batch */
    uint32_t position;             /* within it */
};

/* What a command that found nothing waits for. */
struct wait_request {
    enum object_type type;    /* one of the keys comes to hold this; the command runs again then */
    uint32_t n_keys;          /* doubles count once */
    const struct slice *keys; /* in the call's db */
    int64_t deadline_ms;      /* in state time; NO_DUE: for ever */
    bool on_loss;             /* also when one of them holds it no more (XREADGROUP) */
};

enum unblock_how { UNBLOCK_TIMEOUT, UNBLOCK_ERROR, UNBLOCK_GONE };

/* What the replicated state machine offers to commands besides the keyspace. */
struct engine_port {
    void *context;
    void (*set_setting)(void *context, struct slice name, struct slice value);
    /* Queues the call, whose words are copied; it gives no reply now (call_wait). */
    void (*wait)(void *context, const struct call *call, const struct wait_request *request);
    /* Answers who waits there; GONE: takes him out without a word. false: nobody does. */
    bool (*unblock)(void *context, const struct waiter_place *place, enum unblock_how how);
    void (*run_transaction)(void *context, struct call *call); /* shardforge.exec */
    void (*follow)(void *context, struct call *call);          /* REPLICAOF */
    void (*source)(void *context, struct call *call);          /* shardforge.source */
    /* To the subscribers of every node, as each applies it; how many heard it at this one. */
    int64_t (*publish)(void *context, bool shard, struct slice name, struct slice message);
    void (*change_users)(void *context, struct call *call); /* shardforge.acl */
};

/* What others want to hear of a run; never part of its result. */
struct call_watcher {
    void *context;
    /* Something happened to a key, in the words of Redis's keyspace notifications. */
    void (*event)(
        void *context, enum event_class class, const char *name, uint32_t db, struct slice key);
    void (*read)(void *context, const struct call *call); /* a command that reads is about to run */
    /* A script called what its user may not (acl.h: enum acl_verdict). object: what was denied. */
    void (*denied_in_script)(
        void *context, const struct call *call, int verdict, struct slice object);
    /* A script calls a command; it has run, and its reply begins at before. Both or none. */
    void (*script_calls)(void *context, const struct call *script);
    void (*script_called)(void *context, const struct call *script, const struct command *command,
        uint32_t db, uint32_t argc, const struct slice *argv, struct slice reply);
};

/* Look-ups that only want to read, as Redis's keyspace_hits and keyspace_misses count them. */
struct lookups {
    uint64_t hits, misses;
};

/* What one execution of a command sees. Everything that may influence its result is here. */
struct call {
    const struct command *command; /* the leaf: a subcommand where there is one */
    uint32_t argc;
    const struct slice *argv;  /* argv[0] is the name as the client wrote it */
    struct keyspace *keyspace; /* NULL, like db, for local commands */
    struct db *db;
    uint32_t db_number;
    int64_t now_ms; /* writes: state time. Reads: see read_clock_ms */
    /* Reads: the leader's clock at the read index, >= now_ms. A key with now_ms < due <= clock
     * makes the call end with must_wait set; the caller throws the reply away and tries again when
     * state time has come that far (DESIGN 7). Writes and settled reads: equal to now_ms. */
    int64_t read_clock_ms;
    bool must_wait;
    bool refuses_writes; /* the cluster follows a master: what clients want to write is refused */
    /* What that master says. It alone decides when a key has expired: none is dead for it. */
    bool is_followed;
    bool oom;             /* the entry's out-of-memory bit: commands that grow answer -OOM */
    struct random random; /* seeded for this command alone */
    uint64_t proto_max_bulk_len;
    const struct thresholds *thresholds; /* of the packed forms; borrowed */
    bool notes_accesses; /* call_find counts as one (keyspace/eviction.h: no part of the state) */
    struct lookups *lookups; /* counted here; NULL: nowhere. For figures only */
    struct reply *reply;
    const struct engine_port *engine; /* replicated state outside the keyspace; NULL in reads */
    struct scripts *scripts; /* cache and libraries, and the sandbox, which alone a read may use */
    /* A client's own command, not one in a transaction or script: it may wait. */
    bool may_block;
    bool waits;          /* set by call_wait_for: nothing was replied */
    int64_t deadline_ms; /* until when; 0: as the command's words say */
    struct acl_claim claim;
    const struct acl_user *user; /* who is restricted; NULL: everything is allowed */
    uint32_t told;               /* bits of enum event_class: of these the watcher is told */
    const struct call_watcher *watcher;
    struct breath *breath; /* call_work; NULL: nobody needs it */
};

typedef void command_run(struct call *call);

/* Runs call->command (run != NULL, arity checked), with what holds for all of them first: a command
 * that grows answers -OOM where the out-of-memory bit is set. */
void call_run(struct call *call);

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
    CMD_INTERNAL = 1 << 19, /* ours: only the node puts it into entries; no client sees it */
    CMD_LOGGED = 1 << 20,   /* ours: runs in entries although it is not flagged "write" */
    CMD_NO_MANDATORY_KEYS = 1 << 21,
};

/* ACL categories (the table's own and those that follow from the flags). */
enum command_category {
    CAT_KEYSPACE = 1 << 0,
    CAT_READ = 1 << 1,
    CAT_WRITE = 1 << 2,
    CAT_SET = 1 << 3,
    CAT_SORTEDSET = 1 << 4,
    CAT_LIST = 1 << 5,
    CAT_HASH = 1 << 6,
    CAT_STRING = 1 << 7,
    CAT_BITMAP = 1 << 8,
    CAT_HYPERLOGLOG = 1 << 9,
    CAT_GEO = 1 << 10,
    CAT_STREAM = 1 << 11,
    CAT_PUBSUB = 1 << 12,
    CAT_ADMIN = 1 << 13,
    CAT_FAST = 1 << 14,
    CAT_SLOW = 1 << 15,
    CAT_BLOCKING = 1 << 16,
    CAT_DANGEROUS = 1 << 17,
    CAT_CONNECTION = 1 << 18,
    CAT_TRANSACTION = 1 << 19,
    CAT_SCRIPTING = 1 << 20,
};

/* COMMAND_GET, COMMAND_CLIENT, COMMAND_CLIENT_SETNAME ...: the dense ids, in the order of names. */
enum command_id {
#define COMMAND(id, ...) COMMAND_##id,
#define CONTAINER(id, ...) COMMAND_##id,
#include "commands/command_list.h"
#undef COMMAND
#undef CONTAINER
    COMMANDS_TOTAL
};

/* How the node carries a command out. */
enum command_route { ROUTE_LOCAL, ROUTE_READ, ROUTE_WRITE };

#define COMMAND_NAME_BYTES 32

struct command {
    /* Lower case, filled up with zero bytes; a subcommand's full name is "container|name". */
    char name[COMMAND_NAME_BYTES];
    uint8_t name_len;
    uint8_t n_subcommands;
    uint16_t id;      /* an enum command_id: node/ indexes its functions by it */
    command_run *run; /* NULL: implemented in node/ */
    int32_t arity;    /* as Redis counts: negative means at least */
    uint32_t flags;
    int32_t first_key, last_key, key_step; /* 0,0,0: none */
    uint32_t categories;                   /* see command_categories */
    const struct command *subcommands;     /* n_subcommands of them, NULL when none */
    const struct command_docs *docs;       /* command_docs.h; NULL when internal */
};

/* Finds the (sub)command of a request by its name(s), in any case. NULL when unknown. argc >= 1.
 * A container without argv[1] is found as itself. Internal commands are not found. */
const struct command *command_lookup(uint32_t argc, const struct slice *argv);
/* A command of our own that only the node puts into the log ("shardforge.setting name value"):
 * never reachable for clients, invisible to COMMAND. NULL when the name is none. */
const struct command *command_internal(struct slice name);
/* By full name in lower case, "client|id"; NULL when unknown. */
const struct command *command_by_name(const char *full_name);
/* The same for a name that a client wrote, in any case; internal commands are not found. */
const struct command *command_by_full_name(struct slice full_name);
bool command_is_subcommand(const struct command *command);
const struct command *command_by_id(uint32_t id); /* id < command_count() */
uint32_t command_count(void);                     /* ids are 0 .. count-1 */

/* Whether a client's request may run at all: known, not internal, arity. On failure appends Redis's
 * error text to reply ("ERR unknown command 'x', with args beginning with: ...", "ERR wrong number
 * of arguments for 'get' command", "ERR unknown subcommand ...") and returns NULL. */
const struct command *command_check(uint32_t argc, const struct slice *argv, struct reply *reply);

bool command_arity_fits(const struct command *command, uint32_t argc);

enum command_route command_route(const struct command *command);

/* All categories of a command, bits of enum command_category: its own, and those that follow from
 * its flags. command_category_name: "keyspace" for CAT_KEYSPACE; NULL beyond the last bit. */
uint32_t command_categories(const struct command *command);
const char *command_category_name(uint32_t bit);

/* Writes the positions in argv of the request's keys to out (room for max) and returns how many
 * there are. The request must have passed the arity check; a count of keys that is none means no
 * keys there. */
uint32_t command_key_positions(const struct command *command, uint32_t argc,
    const struct slice *argv, uint32_t *out, uint32_t max);

/* The reply to a container's HELP ("CLIENT"): Redis's frame around lines, which end with NULL. */
void reply_help(struct reply *reply, const char *container, const char *const *lines);

#endif
