/* The durable half of a node: the log in LevelDB generations, the hard state, the identity.
 *
 * One data directory:
 *   lock                     held while a process uses it
 *   identity                 node id and what node/ wants remembered; replaced atomically
 *   node-<16 hex digits>/    everything of that node id: a new id means a new, empty directory
 *     hard-state             two checksummed slots: term, vote, boot counter, mark
 *     generations            which log directories count, and from which index
 *     log-<number>/          a LevelDB of about 64 MiB
 *     snapshot-<index>       the state after that entry; the last two are kept
 *
 * Calls come from the main thread and return at once; the work is done on the sync threads, and its
 * outcome is handed back by storage_poll, which the shell calls when the wake-up descriptor is
 * readable. */
#ifndef SF_STORAGE_STORAGE_H
#define SF_STORAGE_STORAGE_H

#include "raft/types.h"
#include "storage/lives.h"
#include "util/buf.h"

struct storage;

struct storage_settings {
    const char *directory;
    uint64_t generation_bytes; /* about 64 MiB; small in tests */
    bool accept_lost_tail; /* --accept-lost-tail: start although entries below the mark are gone */
};

/* What a snapshot's file says of itself (raft/snapshot_head.h); the state is for others to read.
 * Holds its reference. */
struct storage_snapshot {
    struct raft_snapshot place; /* index 0: none */
    raft_index configuration_index;
    struct bytes *configuration; /* as its entry's payload */
};
void storage_snapshot_clear(struct storage_snapshot *snapshot);

/* What was found. Owned by the caller: storage_found_clear. */
struct storage_found {
    bool is_new; /* no identity yet: identity_blob is empty, node_id 0 */
    raft_id node_id;
    struct buf identity_blob;
    uint64_t boot_counter;              /* already raised and synced */
    struct raft_hard_state hard_state;  /* term is at least the last entry's */
    raft_index first_index, last_index; /* last < first: empty; first is 1 without snapshots */
    struct storage_snapshot snapshot;   /* place.index 0: none; else >= first - 1, <= last */
    struct raft_term_run *term_runs;
    uint32_t n_term_runs;
    /* The latest two configurations in log and snapshot (index 0: none). */
    raft_index configuration_index, previous_configuration_index;
    struct bytes *configuration, *previous_configuration;
    struct log_lives lives; /* of the whole log, what is not committed too */
    /* Entries at or below the mark were lost (DESIGN 9). Stays so over restarts until
     * storage_mark_repaired, or a start with accept_lost_tail. */
    bool damaged;
    struct buf notice; /* not empty: one line that the server's log should show as a warning */
    bool lost_nothing; /* the notice tells of no more than an unfinished write */
};
void storage_found_clear(struct storage_found *found);

/* Opens (creating what is missing; the directory's parent must exist), checks every CRC and
 * contiguity, cuts a torn tail beyond the mark, raises the boot counter. Blocks: start only. On
 * failure error gets one line that names the file and the way out (on success it is left empty):
 * SF_ERR_BUSY (locked by another process), SF_ERR_CORRUPT, SF_ERR_STORAGE. */
SF_MUST_CHECK enum sf_status storage_open(const struct storage_settings *settings,
    struct storage **storage, struct storage_found *found, struct buf *error);
/* Finishes what was asked (unless it waits for room), writes the mark, closes everything. */
void storage_close(struct storage *storage);

int storage_wakeup_fd(const struct storage *storage); /* readable when storage_poll has something */

/* Requests are queued without a limit of their own: the caller's windows bound them. Nothing but
 * storage_save_identity may be asked before the node has an id.
 *
 * Log: first deletes everything at or above truncate_from (0: nothing), then appends n consecutive
 * entries, as one synced batch (batches that wait are joined: group commit). Takes its own
 * references. The entries follow on what the log holds then (asserted). */
void storage_append(struct storage *storage, uint64_t request, raft_index truncate_from,
    const struct raft_entry *entries, uint32_t n);
void storage_save_hard_state(
    struct storage *storage, uint64_t request, const struct raft_hard_state *state);
/* Reads entries first..last, at least one, stopping before max_bytes of payload is exceeded.
 * Background thread. */
void storage_fetch(struct storage *storage, uint64_t request, raft_index first, raft_index last,
    uint64_t max_bytes);
/* The node is whole again (raft_is_damaged became false): forgets the damage, durably. */
void storage_mark_repaired(struct storage *storage);
/* Durable when answered. Another node id than the current one: the new id's empty log is opened
 * first, then the identity file switched (one atomic step), then the old id's directory removed;
 * requests on the old log are dropped unanswered. */
void storage_save_identity(
    struct storage *storage, uint64_t request, raft_id node_id, struct slice blob);

/* Snapshots (DESIGN 5, 9): files that begin with a head and end with their CRC-64. Written in
 * pieces, in order from offset 0, which begins anew; each is answered by STORAGE_SNAPSHOT_WRITTEN,
 * the last by STORAGE_SNAPSHOT_SAVED: it is durable then, and the oldest generations are dropped,
 * as far as the log goes on behind the snapshot and what stays before it is about keep_bytes or
 * keep_entries, and at or behind needed_from everything. The entries up to it were given to
 * storage_append before. One at a time. After a failure pieces are refused until offset 0.
 */
struct storage_keep {
    uint64_t bytes, entries;
    raft_index needed_from; /* UINT64_MAX: nothing else is needed */
};
/* place->bytes: of the whole, with the last piece. keep: with the last piece, else NULL. Takes a
 * reference of its own. */
void storage_save_snapshot(struct storage *storage, uint64_t request,
    const struct raft_snapshot *place, uint64_t offset, struct bytes *data, bool is_last,
    const struct storage_keep *keep);
/* What was written of one goes; nothing is answered. Not after its last piece. */
void storage_drop_snapshot(struct storage *storage, const struct raft_snapshot *place);
void storage_read_snapshot(struct storage *storage, uint64_t request,
    const struct raft_snapshot *place, uint64_t offset, uint64_t max_bytes);
/* Another node's snapshot, in order from offset 0, which begins anew. The answer to the last chunk:
 * the file is durable (though not yet the node's own), its checksum right. */
void storage_receive_snapshot(struct storage *storage, uint64_t request,
    const struct raft_snapshot *place, uint64_t offset, struct bytes *data, bool is_last);
/* The received one becomes the node's own, and the log begins anew behind it; in order with
 * appends. Until this is answered no chunk of another one may be given. */
void storage_install_snapshot(
    struct storage *storage, uint64_t request, const struct raft_snapshot *place);

/* Answers since the last poll, in order of completion. */
enum storage_event_type {
    STORAGE_APPENDED,         /* request, last_index, last_term: the log's end after that request */
    STORAGE_HARD_STATE_SAVED, /* request */
    STORAGE_FETCHED,          /* request, entries, n (0: failed or no longer there); an entry
                                 without payload has NULL there, as has one with an empty payload */
    STORAGE_IDENTITY_SAVED,   /* request */
    STORAGE_NOTE, /* text: a line for the server's log (a failed write that was overcome) */
    STORAGE_SNAPSHOT_WRITTEN,   /* request, status */
    STORAGE_SNAPSHOT_SAVED,     /* request, status; SF_OK: place, first_index of the log now */
    STORAGE_SNAPSHOT_READ,      /* request, data (NULL: it cannot be read, or is gone) */
    STORAGE_SNAPSHOT_RECEIVED,  /* request, status; the last chunk: snapshot */
    STORAGE_SNAPSHOT_INSTALLED, /* request, place */
    STORAGE_STATE, /* status: SF_ERR_NO_SPACE: writes wait for room (or a descriptor); SF_OK: they
                      go on again; SF_ERR_STORAGE: this process must exit, text says why */
};
struct storage_event {
    enum storage_event_type type;
    uint64_t request;
    raft_index last_index;
    raft_term last_term;
    struct raft_entry *entries; /* freed with the event */
    uint32_t n;
    enum sf_status status;
    struct raft_snapshot place;
    raft_index first_index;
    struct bytes *data;                /* freed with the event */
    struct storage_snapshot *snapshot; /* freed with the event */
    char text[256];
};
/* Calls on_event for each; returns how many. */
uint32_t storage_poll(struct storage *storage,
    void (*on_event)(void *context, const struct storage_event *event), void *context);

/* Approximate size of the log, for INFO. */
uint64_t storage_disk_bytes(const struct storage *storage);

/* storage/twin.h: the same promises in memory, single-threaded, with faults and crashes, for the
 * simulator. */

#endif
