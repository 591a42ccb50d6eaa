/* The promises of storage.h kept in memory, single-threaded, under a virtual clock: one `struct
 * twin` is one data directory that outlives the process using it. For the simulator and tests.
 *
 * Requests complete later, at a time drawn from the twin's own random sequence; twin_poll hands out
 * what is complete by `now`. As in production the log, the hard state and reading are three lanes:
 * each does its requests in order, none waits for another, and log requests that wait are joined
 * into one sync. A crash loses what was not complete, except for a random prefix of the log batch
 * in progress (a torn tail) and, by chance, the hard state in progress. */
#ifndef SF_STORAGE_TWIN_H
#define SF_STORAGE_TWIN_H

#include "storage/storage.h"

struct twin;

struct twin_pace { /* microseconds */
    int64_t sync_min_us, sync_max_us;
    int64_t fetch_min_us, fetch_max_us;
};

struct twin *twin_new(uint64_t seed); /* an empty directory */
void twin_free(struct twin *twin);
/* Another directory with what is durable in this one now: a backup. */
struct twin *twin_copy(const struct twin *twin, uint64_t seed);
uint64_t twin_boot_counter(const struct twin *twin);

/* A process takes the directory / leaves it. Between open and close or crash requests are allowed.
 * twin_open: found as by storage_open; twin_found_clear gives it back. */
void twin_open(struct twin *twin, bool accept_lost_tail, struct storage_found *found);
void twin_close(struct twin *twin); /* clean: finishes everything, writes the mark */
/* At now_us: what was complete by then stays, answered or not. */
void twin_crash(struct twin *twin, int64_t now_us);
void twin_found_clear(struct storage_found *found);

void twin_append(struct twin *twin, uint64_t request, raft_index truncate_from,
    const struct raft_entry *entries, uint32_t n, int64_t now_us);
void twin_save_hard_state(
    struct twin *twin, uint64_t request, const struct raft_hard_state *state, int64_t now_us);
void twin_fetch(struct twin *twin, uint64_t request, raft_index first, raft_index last,
    uint64_t max_bytes, int64_t now_us);
void twin_save_identity(
    struct twin *twin, uint64_t request, raft_id node_id, struct slice blob, int64_t now_us);

void twin_save_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, struct bytes *data, bool is_last, const struct storage_keep *keep,
    int64_t now_us);
void twin_drop_snapshot(struct twin *twin, const struct raft_snapshot *place, int64_t now_us);
void twin_read_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, uint64_t max_bytes, int64_t now_us);
void twin_receive_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, struct bytes *data, bool is_last, int64_t now_us);
void twin_install_snapshot(
    struct twin *twin, uint64_t request, const struct raft_snapshot *place, int64_t now_us);

/* Answers everything complete by now_us, in order of completion. on_event may make requests. */
uint32_t twin_poll(struct twin *twin, int64_t now_us,
    void (*on_event)(void *context, const struct storage_event *event), void *context);
/* The node is whole again: forgets that its log was damaged. */
void twin_mark_repaired(struct twin *twin);
int64_t twin_next_due_us(const struct twin *twin); /* INT64_MAX: nothing under way */

/* -- faults ---------------------------------------------------------------------------------- */

void twin_set_pace(struct twin *twin, const struct twin_pace *pace);
/* No write completes before until_us (reads go on). */
void twin_stall(struct twin *twin, int64_t until_us);
/* SF_ERR_NO_SPACE: writes wait. SF_OK: they go on. SF_ERR_STORAGE: nothing is written until the
 * next open; the process is told that it must exit. */
void twin_set_state(struct twin *twin, enum sf_status state, int64_t now_us);
/* The next piece of a snapshot cannot be written. */
void twin_fail_snapshot(struct twin *twin);
/* A lying disk: durable entries above keep_last vanish. Only while nobody has it open. */
void twin_lose_tail(struct twin *twin, raft_index keep_last);

/* -- what is durable, for checkers ----------------------------------------------------------- */

bool twin_is_open(const struct twin *twin);
raft_id twin_node_id(const struct twin *twin); /* 0: no identity yet */
raft_index twin_first_index(const struct twin *twin);
raft_index twin_snapshot_index(const struct twin *twin); /* of the newest; 0: none */
raft_index twin_last_index(const struct twin *twin);
raft_index twin_mark_index(const struct twin *twin);
/* NULL beyond the end, and before the first. Valid until the twin changes. */
const struct raft_entry *twin_entry(const struct twin *twin, raft_index index);
struct raft_hard_state twin_hard_state(const struct twin *twin);

#endif
