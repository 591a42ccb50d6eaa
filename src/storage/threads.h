/* What the storage's threads share. Not for other folders.
 *
 *   main        queues requests, takes answers (storage.c)
 *   sync        the log's appends and the identity (sync_thread.c)
 *   hard        the hard-state file (hard_thread.c)
 *   background  reads of old entries, removal, the reserve file (background_thread.c)
 *
 * Epochs: storage_save_identity with another node id begins one. Requests and answers carry the
 * epoch in which they were made; those of an earlier one are dropped, those of a later one wait
 * until the sync thread has installed it. */
#ifndef SF_STORAGE_THREADS_H
#define SF_STORAGE_THREADS_H

#include "storage/file.h"
#include "storage/hard_state.h"
#include "storage/log.h"
#include "storage/snapshot_file.h"
#include "storage/storage.h"
#include "util/list.h"

enum {
    ROOM_RETRY_MS = 200,     /* how often a write that found no room is tried again */
    MARK_REFRESH_MS = 1000,  /* DESIGN 9 */
    RESERVE_RETRY_MS = 5000, /* how often the reserve file is made again */
    RESERVE_BYTES = 4 << 20,
};

enum request_type {
    REQUEST_APPEND,
    REQUEST_HARD_STATE,
    REQUEST_IDENTITY,
    REQUEST_FETCH,
    REQUEST_TIDY,
    REQUEST_DISCARD,
    REQUEST_SNAPSHOT_SAVE, /* background */
    REQUEST_SNAPSHOT_DROP, /* background */
    REQUEST_SNAPSHOT_KEEP, /* sync: what was saved becomes a snapshot, the log loses its prefix */
    REQUEST_SNAPSHOT_READ, /* background */
    REQUEST_SNAPSHOT_RECEIVE, /* background */
    REQUEST_SNAPSHOT_INSTALL, /* sync */
};

struct request {
    struct list link;
    enum request_type type;
    uint64_t number, epoch;
    raft_index truncate_from;          /* append */
    struct raft_hard_state hard_state; /* hard state */
    raft_id node_id;                   /* identity */
    struct bytes *blob;                /* identity; owned */
    raft_index first, last;            /* fetch */
    uint64_t max_bytes;                /* fetch */
    struct raft_snapshot place;        /* snapshots */
    struct storage_keep keep;          /* snapshot save and keep, tidy */
    uint64_t offset;                   /* snapshot save, read, receive */
    struct bytes *data;                /* snapshot save, receive; owned */
    bool is_last;                      /* the same */
    struct log *discarded;             /* discard: this log and its directory; owned */
    uint32_t n;
    struct raft_entry entries[]; /* append; owned references */
};

struct answer {
    struct list link;
    uint64_t epoch;
    struct storage_event event;
};

/* The two files being written; background thread only. */
struct snapshot_writing {
    int fd; /* -1: none */
    uint64_t epoch;
    struct raft_snapshot place;
    uint64_t written, pushed; /* pushed: the kernel was told to write so much */
    uint64_t checksum;        /* of what is written */
};

enum { FULL_SYNC = 1, FULL_HARD = 2 }; /* who waits for room */

struct storage {
    char *directory;
    uint64_t generation_bytes;
    int lock_fd, wakeup_fd;
    raft_id requested_id; /* main thread: as of the last storage_save_identity; 0: none yet */
    atomic_ullong disk_bytes;
    pthread_t sync_thread, hard_thread, background_thread;

    struct snapshot_writing saving, receiving; /* background thread */
    struct snapshot_reads snapshot_reads;      /* background thread */
    raft_index snapshot_index;                 /* sync thread: the latest durable one's */

    pthread_mutex_t lock; /* everything below, unless it says otherwise */
    pthread_cond_t sync_wake, hard_wake, hard_done, background_wake;
    struct list sync_queue, hard_queue, background_queue; /* struct request */
    struct list answers;                                  /* struct answer */
    bool sync_stops, hard_stops, background_stops;
    bool failed;           /* STORAGE_STATE SF_ERR_STORAGE was said: nothing is written any more */
    unsigned full;         /* FULL_* */
    uint64_t epoch;        /* begun by the main thread */
    uint64_t installed;    /* the epoch of log and hard_file */
    raft_id node_id;       /* sync thread: the identity on disk; 0: none */
    uint64_t boot_counter; /* constant */
    bool reserve_is_there;
    struct log *log; /* replaced by the sync thread only; NULL before the first identity */

    struct hard_state_file hard_file; /* hard thread while hard_busy, else guarded by lock */
    struct hard_state_record hard;    /* what the newest slot holds */
    bool hard_busy;                   /* the hard thread is writing */
    bool hard_settled;                /* both slots hold this term and vote */
    bool damaged;
    raft_index synced_index; /* what the mark may say */
    raft_term synced_term;
    uint64_t flush_wanted, flush_done; /* storage_mark_flush: writes asked for and carried out */
};

/* -- storage.c: for the threads, lock held where the name says so ---------------------------- */

void request_free(struct request *request);
void answer_push_locked(struct storage *storage, uint64_t epoch, struct storage_event event);
/* The first failure only: the process must end. */
void storage_fail_locked(struct storage *storage, const struct buf *error);
/* Says NO_SPACE when the first thread waits for room, OK when the last one no longer does. */
void storage_full_locked(struct storage *storage, unsigned who, bool full, const struct buf *error);
/* Waits for cond or ms; true: the time is over. */
bool storage_wait_locked(struct storage *storage, pthread_cond_t *cond, unsigned ms);
int64_t storage_clock_ms(void); /* never goes back */
void background_push_locked(struct storage *storage, struct request *request);
struct request *request_new(enum request_type type, uint64_t number, uint64_t epoch, uint32_t n);

/* -- node_files.c: everything of one node id ------------------------------------------------- */

/* Makes new-<id> with an empty log and a first hard state, all synced. */
SF_MUST_CHECK enum sf_status node_files_create(const char *directory, raft_id node_id,
    const struct hard_state_record *record, struct buf *error);
/* Opens, checks and cuts the log of node_id, raises the boot counter, saves what is to be saved;
 * fills in storage and found. Start only. */
SF_MUST_CHECK enum sf_status node_files_open(struct storage *storage, raft_id node_id,
    bool accept_lost_tail, struct storage_found *found, struct buf *error);

/* -- reserve.c ------------------------------------------------------------------------------- */

bool reserve_make(const char *directory); /* when there is ample room; true: it is there */
void reserve_free(const char *directory);

/* -- snapshot_thread.c ----------------------------------------------------------------------- */

/* Background thread. */
void snapshot_save(struct storage *storage, const struct request *request);
void snapshot_drop(struct storage *storage, const struct request *request);
void snapshot_read(struct storage *storage, const struct request *request);
void snapshot_receive(struct storage *storage, const struct request *request);
/* Sync thread. */
void snapshot_keep(struct storage *storage, struct request *request);
void snapshot_install(struct storage *storage, const struct request *request);

/* -- the threads ----------------------------------------------------------------------------- */

void *sync_thread_main(void *storage);
void *hard_thread_main(void *storage);
void *background_thread_main(void *storage);
/* Sync thread, after SF_ERR_NO_SPACE: true when it is worth another try. */
bool storage_wait_for_room(struct storage *storage, uint64_t epoch, const struct buf *error);
void storage_no_longer_full(struct storage *storage);
/* Sync thread: the mark is lowered to index and durable when this returns true; false: the storage
 * failed, or stops while there is no room. */
bool storage_mark_lower(struct storage *storage, raft_index index, raft_term term);

#endif
