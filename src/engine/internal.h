/* The replicated state machine's own state, shared by the files of this folder and nobody else. */
#ifndef SF_ENGINE_INTERNAL_H
#define SF_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "raft/configuration.h"
#include "script/store.h"

enum {
    SETTINGS_MAX = 64,
    AHEAD_RING = 16, /* a power of two above AHEAD_TABLE and AHEAD_OBJECT (engine.c) */
};

struct row {
    struct incarnation origin;
    uint64_t last_sequence;
};

struct setting {
    struct bytes *name, *value;
};

struct engine {
    struct engine_settings settings;
    struct engine_watcher watcher;
    struct engine_port port;      /* what commands may change outside the keyspace */
    struct thresholds thresholds; /* from the replicated settings */
    struct keyspace *keyspace;
    struct scripts *scripts;

    raft_index applied;
    int64_t now_ms;
    bool dissolved;
    uint64_t feature_level;
    uint64_t n_expired; /* reclaimed since the state began: INFO only */

    uint32_t n_members; /* of the last applied configuration, ascending */
    raft_id members[RAFT_MEMBERS_MAX];
    uint32_t n_rows; /* ascending by node; members only */
    struct row rows[RAFT_MEMBERS_MAX];
    uint32_t n_replicated; /* replicated settings, in the order of their names */
    struct setting replicated[SETTINGS_MAX];

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
    bool has_command;

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
};

/* Inside an entry: runs a command that the leader has checked, at state time. seed: for it alone.
 */
void run_in_entry(
    struct engine *engine, const struct command_words *words, uint64_t seed, struct reply *reply);

/* -- side.c: what the state holds besides keys ----------------------------------------------- */

struct row *row_find(const struct engine *engine, raft_id node);
void apply_configuration(struct engine *engine, const struct raft_configuration *configuration);
void apply_incarnation(struct engine *engine, struct incarnation incarnation);
void setting_change(struct engine *engine, struct slice name, struct slice value);

#endif
