/* What the twin's two files share. */
#ifndef SF_STORAGE_TWIN_INTERNAL_H
#define SF_STORAGE_TWIN_INTERNAL_H

#include "storage/twin.h"
#include "util/mark.h"
#include "util/random.h"

#define MARK_INTERVAL_US 1000000 /* DESIGN 9: the mark is refreshed each second */
#define TWIN_SNAPSHOTS_MAX 8

enum lane_name { LANE_LOG, LANE_STATE, LANE_READ, LANES };

struct work {
    struct work *next;
    enum storage_event_type type;
    uint64_t request;
    raft_index truncate_from;   /* APPENDED */
    struct raft_entry *entries; /* APPENDED: references held */
    uint32_t n;
    struct raft_hard_state hard_state; /* HARD_STATE_SAVED */
    raft_index first, last;            /* FETCHED */
    uint64_t max_bytes;
    raft_id node_id; /* IDENTITY_SAVED */
    struct buf blob;
    struct raft_snapshot place; /* SNAPSHOT_* */
    struct bytes *file; /* SNAPSHOT_WRITTEN, RECEIVED: a piece; SAVED: it, then the whole; held */
    struct storage_keep keep; /* SNAPSHOT_SAVED */
    bool is_written;          /* SNAPSHOT_SAVED: aside; in the log's lane it becomes a snapshot */
    bool is_dropped;          /* SNAPSHOT_WRITTEN: nothing is, and nothing is answered */
    uint64_t offset;          /* SNAPSHOT_WRITTEN, SAVED, READ, RECEIVED */
    bool is_last;             /* RECEIVED */
    struct storage_snapshot *whole; /* RECEIVED: for the answer; held */
};

struct twin_snapshot {
    struct raft_snapshot place;
    struct bytes *file; /* as snapshot_file.h has it */
};

struct lane {
    struct work *head, *tail;
    uint32_t in_progress; /* works at the head that the running sync covers; 0: idle */
    int64_t done_at_us;
};

struct twin {
    struct random random;
    struct twin_pace pace;
    bool is_open;
    bool switching; /* a new node id is being made: its log cannot be written yet */
    enum sf_status state;
    bool state_changed; /* an answer about it is owed */
    int64_t stalled_until_us;
    int64_t now_us; /* the latest heard of */
    struct lane lanes[LANES];

    /* durable */
    raft_id node_id;
    struct buf identity;
    uint64_t boot_counter; /* survives a change of id: incarnations must not go back */
    struct raft_hard_state hard_state;
    raft_index log_first;
    struct raft_entry *log; /* log[i] has index log_first + i */
    size_t log_len, log_cap;
    struct twin_snapshot snapshots[TWIN_SNAPSHOTS_MAX]; /* newest first */
    uint32_t n_snapshots;
    raft_index mark_index;
    raft_term mark_term;
    bool damaged; /* entries at or below the mark were missing; until twin_mark_repaired */
    int64_t marked_at_us;

    /* lost by a crash */
    struct raft_snapshot receiving, saving; /* id 0: none */
    struct buf received, saved;
    bool saving_fails; /* twin_fail_snapshot */
};

static inline raft_index log_last(const struct twin *twin) {
    return twin->log_first - 1 + twin->log_len;
}
static inline struct raft_entry *log_at(const struct twin *twin, raft_index index) {
    SF_ASSERT(index >= twin->log_first && index <= log_last(twin));
    return &twin->log[index - twin->log_first];
}
/* 0: unknown. */
raft_term log_term_of(const struct twin *twin, raft_index index);

struct work *work_new(enum storage_event_type type, uint64_t request);
void lane_push(struct twin *twin, enum lane_name name, struct work *work, int64_t now_us);

/* -- twin_snapshot.c -- */
void snapshots_clear(struct twin *twin);
void snapshots_forget_unfinished(struct twin *twin);
/* True: the work goes on in the log's lane, unanswered. */
bool finish_save(struct twin *twin, struct work *work, struct storage_event *event);
void finish_piece(struct twin *twin, const struct work *work, struct storage_event *event);
void finish_read(const struct twin *twin, struct work *work, struct storage_event *event);
void finish_receive(struct twin *twin, struct work *work, struct storage_event *event);
void finish_install(struct twin *twin, struct work *work, struct storage_event *event);
/* A crash within: 0 to 2 of its steps (the file counts; the log begins behind it) are done. */
void torn_install(struct twin *twin, const struct work *work, uint64_t steps);
/* At a start: what a crash between those left, and configurations. */
void found_snapshot(struct twin *twin, struct storage_found *found);

#endif
