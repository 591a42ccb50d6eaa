/* The replicated state machine's own state, shared by the files of this folder and nobody else. */
#ifndef SF_ENGINE_INTERNAL_H
#define SF_ENGINE_INTERNAL_H

#include "commands/acl.h"
#include "data/btree.h"
#include "data/table.h"
#include "engine/engine.h"
#include "engine/source.h"
#include "raft/configuration.h"
#include "script/store.h"
#include "util/list.h"
#include "util/mark.h"

enum {
    SETTINGS_MAX = 64,
    SKIPPED_MAX = 16, /* skipped entries that the state remembers */
    AHEAD_RING = 16,  /* a power of two above AHEAD_TABLE and AHEAD_OBJECT (engine.c) */
};

struct row {
    struct incarnation origin;
    uint64_t last_sequence;
};

struct setting {
    struct bytes *name, *value;
};

/* Who waits for keys (blocked.c). */
struct blocked {
    struct list all;        /* waiters, in the order of their arrival */
    uint64_t n, n_arrivals; /* arrivals: of this process, only their order counts */
    struct btree by_place;  /* of them */
    struct btree by_due;    /* of those that have a deadline */
    struct table lines;     /* a line for each (db, type, key) that somebody waits for */
    struct list ready;      /* lines whose key came to hold something, in that order */
    uint64_t n_lines_on_loss;
    struct table_type line_type;
    struct btree_type place_type, due_type;
    struct keyspace_observer observer; /* in use while anybody waits */
    struct waiter_place runs;          /* whose command runs */
    void *runs_for;                    /* his holder */
    bool serves;                       /* he waited, and is served */
};

/* What is told of what happens (watch.c); no part of the state but event_classes, a setting. */
struct watching {
    bool rehearses;         /* what happens is not told */
    uint32_t event_classes; /* as chosen */
    uint32_t told;          /* what commands have to tell: struct call */
    bool keys;              /* engine_watch_keys */
    bool runs_read;         /* its events wait in `misses`: it may have to run again */
    struct call_watcher calls;
    struct buf misses; /* u32 db, string key */
};

struct engine {
    struct breath breath;
    struct engine_settings settings;
    struct engine_watcher watcher;
    struct engine_port port;      /* what commands may change outside the keyspace */
    struct thresholds thresholds; /* from the replicated settings */
    struct memory_policy memory;  /* the same */
    struct keyspace *keyspace;
    struct scripts *scripts;
    struct acl *acl;
    bool guarded; /* the default user is restricted: commands without a claim are looked at */
    struct acl_claim reader; /* whose reads come next */
    struct blocked blocked;
    struct watching watching;

    raft_index applied;
    int64_t now_ms;
    bool dissolved;
    uint64_t feature_level;
    uint64_t n_expired;        /* reclaimed since the state began: INFO only */
    uint64_t n_evicted;        /* the same */
    uint64_t n_expired_fields; /* the same */
    int64_t access_now_s;
    struct source source;    /* whom the cluster follows (source.c) */
    bool keeps_dead;         /* from the replicated settings: nothing is reclaimed */
    bool quiet;              /* reads count as no accesses */
    struct lookups *lookups; /* where they are counted; NULL: nowhere */

    uint32_t n_members; /* of the last applied configuration, ascending */
    raft_id members[RAFT_MEMBERS_MAX];
    uint32_t n_rows; /* ascending by node; members only */
    struct row rows[RAFT_MEMBERS_MAX];
    uint32_t n_replicated; /* replicated settings, in the order of their names */
    struct setting replicated[SETTINGS_MAX];
    uint32_t n_skipped; /* the latest ones, ascending */
    raft_index skipped[SKIPPED_MAX];

    /* the cursor: between engine_begin and engine_end */
    bool open;
    raft_index index;
    struct entry_stamp stamp;
    struct reader rest; /* sub-batches not begun */
    struct sub_batch_header sub_batch;
    uint32_t sub_batch_number;
    bool sub_batch_void;
    struct command_reader commands;
    uint32_t position;
    uint64_t n_places; /* of commands in this entry so far, void ones too */
    bool has_command;
    const struct command *command; /* NULL: a void place, or of a stale sub-batch */
    bool broken;                   /* met what this build cannot decode (S4) */

    /* the look-ups of coming commands, begun early: hints to the processor, no influence */
    struct reader ahead; /* commands of this sub-batch not looked at yet */
    uint32_t ahead_left;
    uint32_t ahead_table;  /* commands whose place was asked for, of this sub-batch */
    uint32_t ahead_object; /* commands whose object was asked for */
    struct {
        struct db *db; /* NULL: no key */
        uint64_t hash;
    } ahead_ring[AHEAD_RING];
};

/* -- run.c: one command against the state ---------------------------------------------------- */

/* One command as it stands in an entry, its words borrowed. */
struct command_words {
    uint32_t db; /* < n_dbs, asserted */
    uint32_t argc;
    const struct slice *argv;
    const struct command *command; /* NULL: not looked up yet */
    struct acl_claim claim;        /* whose it is */
    bool in_exec;                  /* at its place in a transaction */
    bool may_block;                /* a client's own command; blocked.runs says whose */
    bool of_source;                /* what the master or dump says that the cluster follows */
    int64_t deadline_ms;           /* of one that waited before; else 0 */
};

/* What may stand in an entry; NULL: this build does not know it. */
const struct command *command_in_entry(uint32_t argc, const struct slice *argv);

/* Inside an entry: runs a command that the leader has checked, at state time. seed: for it alone.
 * false: it waits. */
bool run_in_entry(
    struct engine *engine, const struct command_words *words, uint64_t seed, struct reply *reply);

/* -- access.c: what users may do -------------------------------------------------------------- */

/* Whether whose command it is may run it now. *user: who is restricted meanwhile, or NULL. false:
 * it was refused, with a reply. Asked only where there is a claim, or the engine is guarded. */
bool claim_admits(struct engine *engine, const struct command_words *words,
    const struct command *command, const struct acl_user **user, struct reply *reply);
void access_change(void *engine, struct call *call); /* engine_port's */
/* The users are others: after (NULL: gone) instead of before (NULL: new); both NULL: any. */
void access_changed(
    struct engine *engine, const struct acl_user *before, const struct acl_user *after);
void access_denied_in_script(
    void *engine, const struct call *call, int verdict, struct slice object);

/* -- evict.c --------------------------------------------------------------------------------- */

enum sf_status apply_eviction(struct engine *engine, struct reader *in);

/* As a read at read_clock_ms. MUST_WAIT: what it replied is to be thrown away. */
enum engine_query_result run_as_read(struct engine *engine, const struct command *command,
    const struct command_words *words, int64_t read_clock_ms, uint64_t seed, struct reply *reply);

/* Tells the watcher of a command that has run; its reply is what out has behind before. */
void run_tell(struct engine *engine, const struct command_words *words, const struct reply *reply,
    size_t before, bool in_transaction, bool waits);

/* -- blocked.c: who waits for keys ----------------------------------------------------------- */

void blocked_init(struct engine *engine); /* keyspace and port are there */
void blocked_free(struct engine *engine);
/* Runs the commands of those whose keys became ready, and of whom that makes ready. */
void blocked_serve(struct engine *engine);
/* The end of an entry: what keys reclaimed made ready, and deadlines, within a budget. */
void blocked_end(struct engine *engine);
int64_t blocked_next_due(const struct engine *engine);
void blocked_put(const struct engine *engine, struct buf *out); /* the image of the queue */
/* Its reverse, into an empty queue; sets in->failed. Nobody is ready yet: blocked_load_end. */
void blocked_load(struct engine *engine, struct reader *in);
void blocked_load_end(struct engine *engine);

/* Everybody's waiting ends with an error: this cluster follows another from now on. */
void blocked_end_all(struct engine *engine);

/* -- source.c -------------------------------------------------------------------------------- */

void source_init(struct engine *engine);
void source_free(struct engine *engine);
bool source_refuses_writes(const struct engine *engine);       /* clients' */
void source_put(const struct engine *engine, struct buf *out); /* the image */
void source_read(struct engine *engine, struct reader *in);    /* sets in->failed */
enum piece { PIECE_WHOLE = 1, PIECE_PART = 2, PIECE_LAST = 3, PIECE_FUNCTION = 4 };

/* -- watch.c --------------------------------------------------------------------------------- */

void watch_init(struct engine *engine);
void watch_set_events(struct engine *engine, struct slice classes);
/* A keyspace notification of the engine's own (evicted), if it is wanted. */
void watch_tell(
    struct engine *engine, enum event_class class, const char *name, uint32_t db, struct slice key);
void watch_read_begin(struct engine *engine);
void watch_read_end(struct engine *engine, bool done); /* false: what it told is void */

/* -- transaction.c --------------------------------------------------------------------------- */

void transaction_run(void *engine, struct call *call); /* engine_port's */

/* -- side.c: what the state holds besides keys ----------------------------------------------- */

void side_put(const struct engine *engine, struct buf *out);
/* Its reverse, into a new engine; blocked_load_end follows when the keys are there. false: damaged,
 * or of a feature level that this build does not know. */
bool side_read(struct engine *engine, struct reader *in);
struct row *row_find(const struct engine *engine, raft_id node);
void apply_configuration(struct engine *engine, const struct raft_configuration *configuration);
void apply_incarnation(struct engine *engine, struct incarnation incarnation);
void setting_change(struct engine *engine, struct slice name, struct slice value);

#endif
