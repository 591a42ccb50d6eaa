/* The replicated state machine: entry in, replies out. Deterministic in (state, entry).
 *
 * Apply has a cursor: (index, position). engine_begin opens an entry; engine_next carries out one
 * command at a time, so that the node can run a session's waiting reads just before that session's
 * next command (DESIGN 3); engine_end closes it. Between begin and end applied_index is the
 * entry's minus one. */
#ifndef SF_ENGINE_ENGINE_H
#define SF_ENGINE_ENGINE_H

#include "commands/command.h"
#include "engine/entry.h"
#include "keyspace/eviction.h"
#include "raft/types.h"

struct acl;
struct acl_user;
struct engine;
struct source;
struct source_ran;

/* What this build can apply. Every change that applying could show is gated by a level of its own:
 * a cluster acts at the level that all its members can apply, raised by a log entry. */
#define ENGINE_FEATURE_LEVEL 1

#define ENGINE_BULK_BYTES_DEFAULT (512u << 20) /* proto-max-bulk-len, where every state begins */

struct engine_settings {
    uint64_t feature_level; /* what this engine can apply; at least 1, where every state begins */
    uint32_t n_dbs;
    struct hash_secret secret;
    uint64_t proto_max_bulk_len;
};

/* A command that has run, for figures about it. */
struct command_ran {
    uint32_t db;
    uint32_t argc;
    const struct slice *argv; /* as in the log */
    struct slice reply;       /* empty where nobody listens */
    bool in_transaction;      /* at its place in one; the transaction itself follows */
    bool waits;               /* for a key: it has not replied */
    bool in_script;           /* called by the script that runs (script_calls) */
};

/* A command that was refused when it ran. */
struct command_denied {
    int verdict; /* enum acl_verdict */
    bool in_exec, in_script;
    struct slice object; /* the command's name, the key or the channel */
    struct slice user;   /* his name */
};

/* What the outside may learn from applying; all may be NULL. No influence on the state. */
struct engine_watcher {
    void *context;
    void (*expired)(void *context, uint32_t db, struct slice key);
    void (*evicted)(void *context, uint32_t db, struct slice key); /* it is gone already */
    void (*setting_changed)(void *context, struct slice name, struct slice value);
    /* A script runs for long: about every 10,000 instructions. May send and answer heartbeats,
     * nothing else; must not come back into this engine. */
    void (*breathe)(void *context);
    void (*script_log)(void *context, int level, struct slice text);
    /* A waiter with a holder (engine_hold) gets his answer: where it goes, and that it is there.
     * The first may come without the second: he waits on. */
    struct reply (*answer_begins)(void *context, void *holder);
    void (*answer_ends)(void *context, void *holder);
    /* He was taken out of the queue without an answer, since his node was not heard for a while: he
     * may queue again (shardforge.again deadline words). */
    void (*waiter_removed)(void *context, void *holder, uint32_t db, int64_t deadline_ms,
        uint32_t argc, const struct slice *argv);
    /* The node's own command at this place of the transaction that runs; where the reply goes,
     * which it may change for the places behind (CLIENT REPLY). */
    void (*own_place)(void *context, uint32_t place, struct reply *reply);
    /* Something of the master's or dump's was applied (source.h). */
    void (*source_ran)(void *context, const struct source_ran *ran);
    /* A transaction or script publishes; how many of this node's clients hear it. */
    int64_t (*published)(void *context, bool shard, struct slice name, struct slice message);
    /* Of each command of an entry, and of each in a transaction that is read; not of those that
     * waiters repeat. */
    void (*ran)(void *context, const struct command_ran *ran);
    /* A script, whose words these are, is about to call a command; `ran` follows. */
    void (*script_calls)(void *context, const struct command_ran *script);
    /* A keyspace notification that the cluster wants (notify-keyspace-events). Those of a read come
     * when it is done. */
    void (*event)(
        void *context, enum event_class class, const char *name, uint32_t db, struct slice key);
    /* While engine_watch_keys: a key changed or went, for whatever reason; a whole db did; a
     * command is about to read (its keys may be asked of it by command_key_positions). */
    void (*key_changed)(void *context, uint32_t db, struct slice key);
    void (*db_replaced)(void *context, uint32_t db);
    void (*read)(
        void *context, const struct command *command, uint32_t argc, const struct slice *argv);
    /* The users changed: one of them (before NULL: made; after NULL: deleted), or, both NULL, any.
     * Both are borrowed. */
    void (*users_changed)(
        void *context, const struct acl_user *before, const struct acl_user *after);
    /* A command was refused since its user may not run it. */
    void (*denied)(void *context, const struct command_denied *denied);
    /* The rule of that number as the client wrote it, whose ACL SETUSER runs just now: the log
     * holds no passwords. false: not known here. */
    bool (*rule_text)(void *context, uint32_t rule, struct buf *out);
};

struct engine *engine_new(
    const struct engine_settings *settings, const struct engine_watcher *watcher);
void engine_free(struct engine *engine);
/* It is not used any more, and may be freed in slices: engine_free_some until true, then
 * engine_free. */
void engine_retire(struct engine *engine);
bool engine_free_some(struct engine *engine, uint64_t budget);

/* -- applying -------------------------------------------------------------------------------- */

/* Opens entry `index` (= applied + 1, asserted). SF_ERR_CORRUPT: this build cannot decode it: the
 * node must stop (S4); so where engine_is_broken says it later. The payload is borrowed until
 * engine_end. */
SF_MUST_CHECK enum sf_status engine_begin(
    struct engine *engine, raft_index index, uint8_t kind, struct slice payload);

/* The command that engine_next would run; false: none left. is_void: a place without effect. */
struct engine_position {
    struct incarnation origin;
    uint64_t sequence; /* of the sub-batch */
    uint32_t position; /* 0-based within it */
    uint32_t n_commands;
    bool is_void;
    bool stale; /* its incarnation is not the row's: the sub-batch does nothing */
};
bool engine_peek(struct engine *engine, struct engine_position *out);
/* Runs it; the reply goes to `reply` (reply->out NULL: nobody waits here). false: it waits for a
 * key, and nothing was replied: the watcher's answer_begins and answer_ends will. */
bool engine_next(struct engine *engine, struct reply *reply);
/* engine_peek said that none is left since the next one is none that this build knows: the node
 * must stop (S4). What ran before it in the entry ran as on every other node. */
bool engine_is_broken(const struct engine *engine);
/* Closes the entry (all commands must have run): reclaims due keys within the budget, moves
 * applied. */
void engine_end(struct engine *engine);

/* Gets past entry `index` (= applied + 1, asserted) without running it, by an operator's word
 * (DESIGN 7): time, sequences, members and incarnations advance, nothing else. Also where
 * engine_begin would fail. The state remembers the latest 16 such entries. */
void engine_skip(struct engine *engine, raft_index index, uint8_t kind, struct slice payload);
bool engine_has_skipped(const struct engine *engine, raft_index index);

raft_index engine_applied(const struct engine *engine);
bool engine_is_applying(const struct engine *engine); /* inside an entry, engine_applied's next */
int64_t engine_now_ms(const struct engine *engine);   /* state time */

/* -- watching (watch.c) ------------------------------------------------------------------------ */

void engine_watch_keys(struct engine *engine, bool on);
uint32_t engine_event_classes(const struct engine *engine); /* notify-keyspace-events */
/* Whether somebody's command that waited runs just now, and his holder (NULL: not of this node). */
bool engine_serves_waiter(const struct engine *engine, void **holder);

/* -- waiters (blocked.c) ----------------------------------------------------------------------- */

/* Whom the watcher is told of when this waiter is answered; NULL: nobody any more. false: nobody
 * waits at that place. No influence on the state. */
bool engine_hold(struct engine *engine, const struct waiter_place *place, void *holder);
bool engine_node_waits(const struct engine *engine, uint64_t node); /* has it any waiters? */
/* Takes a node's waiters out, as its silence does (watcher.waiter_removed). Inside applying, or
 * where this state is about to be left. */
void engine_remove_waiters(struct engine *engine, uint64_t node);
struct waiting_figures {
    uint64_t n_waiters, n_keys, n_keys_on_loss;
};
void engine_waiting_figures(const struct engine *engine, struct waiting_figures *out);
struct script_figures {
    uint64_t n_cached, cached_bytes, n_libraries, n_functions, library_bytes;
};
void engine_script_figures(const struct engine *engine, struct script_figures *out);

/* -- reading --------------------------------------------------------------------------------- */

enum engine_query_result {
    QUERY_DONE,      /* the reply was appended */
    QUERY_MUST_WAIT, /* a key is due between state time and clock_ms: run again, with settled, once
                        state time >= clock_ms; nothing was appended */
    QUERY_BLOCKS,    /* it waits for a key, and nothing was replied: let the log queue it
                        (shardforge.again 0 words) */
};
/* Runs a read command. clock_ms: the leader's clock at the read index (S3: changes nothing).
 * settled: state time has come to clock_ms; ask no more. */
enum engine_query_result engine_query(struct engine *engine, const struct command *command,
    uint32_t db, uint32_t argc, const struct slice *argv, int64_t clock_ms, bool settled,
    uint64_t seed, struct reply *reply);

/* Whose reads the following ones are; nobody's at first. */
void engine_read_as(struct engine *engine, const struct acl_claim *claim);
const struct acl *engine_acl(const struct engine *engine);

/* The same for a transaction of reads: all of it at one point, its watches checked there. */
enum engine_query_result engine_query_transaction(struct engine *engine,
    const struct transaction_words *transaction, int64_t clock_ms, bool settled, uint64_t seed,
    struct reply *reply);
/* What WATCH remembers of a key. */
enum engine_query_result engine_revision(struct engine *engine, uint32_t db, struct slice key,
    int64_t clock_ms, bool settled, uint64_t *revision);

/* -- rows of forwarding members -------------------------------------------------------------- */

/* The row of a node; false when it has none. */
bool engine_row(const struct engine *engine, uint64_t node, struct incarnation *incarnation,
    uint64_t *last_sequence);
/* Rows of nodes that are no longer members are dropped when their removal is applied. */

/* The earliest due time in the state; the leader proposes a tick when its clock has passed it. */
int64_t engine_next_due(const struct engine *engine);

/* The replicated limit on one argument (the parser's limit too). */
uint64_t engine_proto_max_bulk_len(const struct engine *engine);
struct keyspace *engine_keyspace(struct engine *engine);
/* Everything that later behaviour reads, as one number, at engine_applied (invariant S1). */
uint64_t engine_digest(struct engine *engine);
uint64_t engine_feature_level(const struct engine *engine); /* of the state */
bool engine_is_dissolved(const struct engine *engine);      /* a dissolve entry was applied */
/* Counts that are no part of the state, of one that is replaced by its own image. */
void engine_keep_counts(struct engine *engine, const struct engine *from);
void engine_reset_counts(struct engine *engine);
/* A replicated setting that is no directive: "0" where dead keys are not to be reclaimed. */
#define SETTING_ACTIVE_EXPIRE "debug-active-expire"
const struct source *engine_source(const struct engine *engine); /* whom the cluster follows */
uint64_t engine_expired_count(const struct engine *engine);
uint64_t engine_expired_fields_count(const struct engine *engine); /* reclaimed, of hashes */
uint64_t engine_evicted_count(const struct engine *engine);
/* maxmemory and its policy, as the replicated settings say. */
const struct memory_policy *engine_memory_policy(const struct engine *engine);
/* -- accesses: this node's own, no part of the state (keyspace/eviction.h) */
/* now_s: a clock that never goes back. Before the first key comes, and about once a second. */
void engine_set_access_clock(struct engine *engine, int64_t now_s);
/* Whether the reads that follow count as accesses (CLIENT NO-TOUCH); they do from the start. */
void engine_note_accesses(struct engine *engine, bool noted);
/* Where look-ups that read are counted from now on, of reads and of entries; NULL: nowhere, as at
 * first. What is thrown away (QUERY_MUST_WAIT) is not counted. */
void engine_count_lookups(struct engine *engine, struct lookups *into);
/* A replicated setting's value; false when never set. */
bool engine_setting(const struct engine *engine, struct slice name, struct slice *value);

/* A snapshot in one piece (engine/snapshot.h), and its reverse into a new engine, whose watcher is
 * told of the replicated settings in it. For "grown = reloaded". false: too many walks are open. */
bool engine_dump(struct engine *engine, struct buf *out);
SF_MUST_CHECK enum sf_status engine_load(struct engine *engine, struct slice image);

#endif
