/* The hard-state file: two slots, written in turn, the newer one counts. Each slot holds its record
 * twice, in sectors of their own, so that one bad byte or sector never brings an older vote back.
 */
#ifndef SF_STORAGE_HARD_STATE_H
#define SF_STORAGE_HARD_STATE_H

#include "raft/types.h"
#include "util/buf.h"

struct hard_state_record {
    raft_term term;
    raft_id vote;
    uint64_t boot_counter;
    raft_index mark_index; /* everything up to here was synced; 0: nothing known */
    raft_term mark_term;
    bool damaged; /* entries at or below a mark were lost, and the node is not yet whole again */
};

struct hard_state_file {
    int fd;     /* -1: closed */
    char *path; /* owned */
    raft_id node_id;
    uint64_t sequence; /* of the newest slot */
    unsigned slot;     /* the newest one: the other is written next */
    bool slot_is_bad;  /* one slot held no whole record: what is found may be old */
};

/* Makes the file with both slots holding record, synced; its name is durable once the caller has
 * synced the directory. */
SF_MUST_CHECK enum sf_status hard_state_create(const char *directory, raft_id node_id,
    const struct hard_state_record *record, struct buf *error);
/* SF_ERR_CORRUPT: missing, or no record is whole. SF_ERR_STORAGE: a slot cannot be read. */
SF_MUST_CHECK enum sf_status hard_state_open(const char *directory, raft_id node_id,
    struct hard_state_file *file, struct hard_state_record *record, struct buf *error);
/* Durable on SF_OK. Blocks for a sync. SF_ERR_NO_SPACE: may be tried again; the older slot stands.
 */
SF_MUST_CHECK enum sf_status hard_state_write(
    struct hard_state_file *file, const struct hard_state_record *record, struct buf *error);
void hard_state_close(struct hard_state_file *file);

/* Everything that the file holds, without opening it for writing. */
enum { HARD_STATE_COPIES = 4, HARD_STATE_COPY_DISTANCE = 2048 };
struct hard_state_view {
    struct {
        bool is_whole;
        uint64_t sequence;
        struct hard_state_record record;
    } copies[HARD_STATE_COPIES]; /* two of slot 0, two of slot 1 */
    uint32_t newest;             /* the one that counts; 0 when none is whole */
};
/* SF_ERR_CORRUPT: missing. SF_ERR_STORAGE: it cannot be read. */
SF_MUST_CHECK enum sf_status hard_state_look(
    const char *directory, raft_id node_id, struct hard_state_view *view, struct buf *error);

#endif
