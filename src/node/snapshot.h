/* Snapshots as the node sees them: written from its state (snapshot.c), sent to and received from
 * peers (snapshot_peer.c), loaded at a start (loading.c), asked for by clients (cmd_save.c). */
#ifndef SF_NODE_SNAPSHOT_H
#define SF_NODE_SNAPSHOT_H

#include "engine/snapshot.h"
#include "node/node.h"
#include "util/list.h"

#define CHUNKS_HELD_MAX 64 /* of a snapshot being received; raft asks for fewer */

/* A chunk that storage was given, until it is written and loaded: then raft is told. */
struct received_chunk {
    uint64_t request, offset;
    struct raft_snapshot place;
    struct bytes *data;
    bool is_last, is_written;
    enum sf_status status;
    struct node_snapshot whole; /* the last: what the file says; its reference is held */
};

/* A received snapshot on its way into an engine of its own. */
struct receiving {
    struct received_chunk chunks[CHUNKS_HELD_MAX]; /* in order */
    uint32_t n_chunks;
    size_t at; /* of the first chunk, loaded */
    struct raft_snapshot place;
    uint64_t loaded_bytes;
    struct snapshot_loader *loader; /* NULL: none, or it is loaded */
    struct engine *engine;          /* NULL: none */
    bool is_loaded, is_refused;     /* refused: this version cannot load it, or it is damaged */
    char why[120];                  /* then */
    int64_t heard_us;               /* the latest chunk */
    struct node_snapshot from;      /* loaded: its reference held */
};

/* SAVE, and SHUTDOWN SAVE: answered when it is on disk. */
struct save_wait {
    struct list in_node;
    struct pending *held;
    bool stops, by_force;
};

struct snapshots {
    uint64_t request; /* the latest of pieces and installing */

    /* being written */
    bool saving;                    /* until storage has said what became of it */
    struct snapshot_writer *writer; /* NULL: all is handed over */
    struct raft_snapshot place;
    struct buf piece; /* not handed over yet */
    uint64_t handed;  /* bytes given to storage */
    uint64_t first_request;
    uint32_t n_unwritten; /* pieces */
    int64_t begun_us, slice_us;
    uint64_t seen_commands;  /* as of the latest slice: whether clients keep the node busy */
    bool wanted;             /* by BGSAVE, SAVE, SHUTDOWN: begun as soon as may be */
    struct list waiting;     /* save_wait */
    bool rewriting;          /* BGREWRITEAOF: the one that is wanted or being written is for it */
    bool rewrite_scheduled;  /* another one is, once that has ended */
    bool rewrite_failed;     /* the latest */
    int64_t rewrite_took_us; /* the latest; -1: none yet */
    uint64_t n_rewrites, n_rewrites_failed; /* failed: in a row */

    uint64_t log_bytes;                        /* applied since the latest one was begun */
    uint64_t begun_bytes;                      /* of those, what the one being saved covers */
    uint64_t begun_commands, covered_commands; /* node->applied_commands at the latest ones */
    raft_index index;                          /* of the latest durable or found */
    uint64_t file_bytes;                       /* of that one; 0: not known */
    int64_t not_before_us;                     /* after a failure */
    int64_t saved_ms, saved_us;                /* wall and boot clock of the latest */
    bool failed;                               /* the latest try */
    int64_t took_us;                           /* the latest; -1: none yet */
    size_t kept_bytes, kept_bytes_max;         /* memory for its sake: now, and the peak */
    uint64_t n_saved, n_installed, keys_loaded;

    struct receiving receiving;
    struct raft_chunk_read held[RAFT_MEMBERS_MAX]; /* reads for links that are behind */
    uint32_t n_held;
    struct engine *retired; /* an engine that was replaced, freed bit by bit */
};

/* The state that storage has a snapshot of, being loaded at a start; nothing else of the replica
 * is there meanwhile. */
#define LOAD_READS_MAX 4
struct loading {
    struct node_start start; /* its references held */
    struct engine *engine;
    struct snapshot_loader *loader;
    uint64_t asked, loaded;               /* bytes */
    struct bytes *pieces[LOAD_READS_MAX]; /* answered, in order */
    uint32_t n_pieces, n_asked;           /* asked for and not answered */
    size_t at;                            /* of the first piece */
    int64_t begun_ms, begun_us, told_us;
};

/* -- snapshot.c -- */
void snapshots_open(struct node *node);
void snapshots_note_applied(struct node *node, size_t payload_bytes);
void snapshots_pump(struct node *node);
int64_t snapshots_deadline_us(const struct node *node);
void snapshots_reset(struct node *node); /* the replica closes */
/* What is being written of the present engine is given up: that engine goes. */
void snapshots_leave_engine(struct node *node);
/* One that nobody needs any more; freed in slices by snapshots_pump. */
void snapshots_retire(struct node *node, struct engine *engine);
void snapshots_saved_index(struct node *node, const struct raft_snapshot *place);

/* -- snapshot_peer.c -- */
void snapshots_carry_out(struct node *node, const struct raft_ready *ready);
bool receiving_goes_on(const struct node *node); /* a chunk came just now, or is being installed */
void receiving_pump(struct node *node);
bool receiving_has_work(const struct node *node);
void receiving_drop(struct node *node);
void chunks_held_pump(struct node *node);
/* Own commands that the state has seen without this node's running them: answered -UNCERTAIN. */
void snapshots_settle_own_stream(struct node *node);

/* -- loading.c -- */
void loading_begin(struct node *node, const struct node_start *start);
void loading_pump(struct node *node);
void loading_on_read(struct node *node, struct bytes *data);
void loading_drop(struct node *node);
/* Whether the log behind the snapshot is still being run again, and how far that is. */
bool loading_replays(const struct node *node);
void loading_info(const struct node *node, struct buf *out);

/* -- cmd_save.c -- */
void snapshots_info(const struct node *node, struct buf *out);
void saves_end(struct node *node, enum sf_status status);
void saves_free(struct node *node);
void rewrite_ends(struct node *node, bool failed); /* if one was under way */
void rewrite_info(const struct node *node, struct buf *out);

#endif
