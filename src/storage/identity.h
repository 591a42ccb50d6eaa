/* Whose data directory this is: the lock, the identity file, and the directory of each node id. */
#ifndef SF_STORAGE_IDENTITY_H
#define SF_STORAGE_IDENTITY_H

#include "raft/types.h"
#include "util/buf.h"

/* Holds the directory for this process until the descriptor is closed. SF_ERR_BUSY names the
 * process that has it. */
SF_MUST_CHECK enum sf_status directory_lock(const char *directory, int *fd, struct buf *error);

/* SF_ERR_NOT_FOUND: there is none. */
SF_MUST_CHECK enum sf_status identity_load(
    const char *directory, raft_id *node_id, struct buf *blob, struct buf *error);
SF_MUST_CHECK enum sf_status identity_store(
    const char *directory, raft_id node_id, struct slice blob, struct buf *error);

/* A node id's directory is built as new-<id>, becomes the node's when the identity file names it,
 * and only then node-<id>: so a node-<id> without an identity is never an unfinished start.
 * The callers free the paths. */
char *node_directory(const char *directory, raft_id node_id);
char *node_directory_new(const char *directory, raft_id node_id);
/* new-<id> to node-<id>, durable. */
SF_MUST_CHECK enum sf_status node_directory_settle(
    const char *directory, raft_id node_id, struct buf *error);
/* Removes what is left of other node ids. node_id 0 (no identity): SF_ERR_CORRUPT when a node's
 * directory is there all the same. */
SF_MUST_CHECK enum sf_status node_directories_clean(
    const char *directory, raft_id node_id, struct buf *error);

#endif
