/* Snapshots as files; the same bytes on every node that received one. A head
 * (raft/snapshot_head.h), the state (engine/README.md), CRC-64 of all before: read here are the
 * first and the last.
 *
 * Names in a node's directory: snapshot-<index, 20 digits>; snapshot.new while it is written,
 * snapshot.received while it is received: these two are trash at a start. */
#ifndef SF_STORAGE_SNAPSHOT_FILE_H
#define SF_STORAGE_SNAPSHOT_FILE_H

#include "raft/snapshot_head.h"
#include "storage/storage.h"

enum {
    SNAPSHOT_CRC_BYTES = 8,
    SNAPSHOT_NAME_BYTES = 40,
    SNAPSHOTS_KEPT = 2,
};
#define SNAPSHOT_NEW "snapshot.new"
#define SNAPSHOT_RECEIVED "snapshot.received"

void snapshot_file_name(raft_index index, char out[SNAPSHOT_NAME_BYTES]);

/* The whole file in memory (for the twin). Takes new references. SF_ERR_CORRUPT; SF_ERR_INVALID:
 * whole, of an unknown format. */
SF_MUST_CHECK enum sf_status snapshot_decode(struct slice file, struct storage_snapshot *out);

/* Its head, from the open file. The same. */
SF_MUST_CHECK enum sf_status snapshot_file_head(
    int fd, const char *path, struct storage_snapshot *out, struct buf *error);
/* Its head, after every byte was looked at. SF_ERR_CORRUPT, SF_ERR_INVALID, SF_ERR_NOT_FOUND,
 * SF_ERR_STORAGE. */
SF_MUST_CHECK enum sf_status snapshot_file_check(
    const char *directory, const char *name, struct storage_snapshot *out, struct buf *error);
/* A piece of it; NULL: it is gone, or not this one. */
struct bytes *snapshot_file_piece(
    const char *directory, const struct raft_snapshot *place, uint64_t offset, uint64_t max_bytes);

/* The newest whole snapshot behind which a log that begins at log_first goes on; place.index 0:
 * there is none and none is needed, since the log begins at entry 1. Removes unfinished files.
 * notice: a newer one had to be left out. SF_ERR_CORRUPT: none fits. */
SF_MUST_CHECK enum sf_status snapshots_find(const char *directory, raft_index log_first,
    struct storage_snapshot *out, struct buf *notice, struct buf *error);
/* Those newer than index are damaged: they are called damaged-... from now on, and none of the two
 * that are kept; the next snapshots_tidy removes them. */
void snapshots_set_aside(const char *directory, raft_index index);

/* Which snapshots were read lately: being sent, most likely. {0}: none. */
enum { SNAPSHOT_READS_MAX = 16, SNAPSHOT_READ_LATELY_MS = 60000 };
struct snapshot_reads {
    struct {
        raft_index index;
        int64_t at_ms;
    } items[SNAPSHOT_READS_MAX];
};
void snapshot_reads_note(struct snapshot_reads *reads, raft_index index, int64_t now_ms);

/* Removes all but the newest two, the oldest behind which needed_from lies, and those read lately.
 */
void snapshots_tidy(const char *directory, raft_index needed_from,
    const struct snapshot_reads *reads, int64_t now_ms);

#endif
