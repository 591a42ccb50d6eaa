/* The entries of a stream in the order of their ids: nodes (stream_node.h) in a counted B-tree.
 * Entries come behind the last and go anywhere. The rules by which nodes begin and go are Redis's.
 *
 * Every operation touches one path of the tree and one node; trimming, as many nodes as it frees
 * and one more. */
#ifndef SF_DATA_STREAM_LOG_H
#define SF_DATA_STREAM_LOG_H

#include "data/btree.h"
#include "data/stream_node.h"
#include "util/codec.h"

/* Who must see a node before it changes, or has come, or goes; true of one that goes: the watcher
 * has taken it. */
enum stream_node_change { NODE_COMES, NODE_CHANGES, NODE_GOES };
struct stream_watcher {
    void *context;
    bool (*changes)(void *context, struct stream_node *node, enum stream_node_change change);
};

struct stream_log {
    struct btree nodes;
    uint64_t length;                      /* entries not deleted */
    size_t node_bytes;                    /* of all nodes, as the allocator rounds */
    const struct stream_watcher *watcher; /* borrowed; NULL: nobody */
};

void stream_log_init(struct stream_log *log);
void stream_log_copy(const struct stream_log *log, struct stream_log *out);
/* Frees about *budget nodes and lowers it by what went; true: the log is as new. After the first
 * call only this function may be used until then. */
bool stream_log_free_some(struct stream_log *log, uint64_t *budget);
size_t stream_log_bytes(const struct stream_log *log);

/* id must be above every one that was ever in. pairs: n_fields times a field and a value, which
 * must not lie in the log. */
void stream_log_append(struct stream_log *log, const struct stream_node_limits *limits,
    struct stream_id id, uint64_t n_fields, const struct slice *pairs);
bool stream_log_remove(struct stream_log *log, struct stream_id id); /* false: it was not there */

/* Down to max_length entries, or to those from min_id on: whichever is given. */
struct stream_trim {
    bool by_id;
    bool whole_nodes; /* approximately: only nodes that go as a whole */
    uint64_t max_length;
    struct stream_id min_id;
    uint64_t limit; /* stop before more than so many entries went; 0: none */
};
uint64_t stream_log_trim(struct stream_log *log, const struct stream_trim *trim);

/* -- walking: entries that are not deleted --------------------------------------------------- */

/* Valid until the log changes. */
struct stream_cursor {
    struct btree_cursor nodes;
    struct stream_entry entry;
};

/* The first entry from id on, or the last up to it; false: there is none. */
bool stream_log_seek(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor);
bool stream_log_seek_back(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor);
bool stream_cursor_next(struct stream_cursor *cursor);
bool stream_cursor_prev(struct stream_cursor *cursor);
/* The first node whose first id is id or more, deleted entries or not; btree_next goes on. */
const struct stream_node *stream_log_node_from(
    const struct stream_log *log, struct stream_id id, struct btree_cursor *cursor);
/* At that very entry. */
bool stream_log_find(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor);

/* How many nodes a radix tree over the nodes' ids has, as Redis would build it (XINFO). Linear in
 * the log's nodes. */
uint64_t stream_log_radix_nodes(const struct stream_log *log);

/* -- images ---------------------------------------------------------------------------------- */

/* varint n, n times u64 ms, u64 seq, string listpack. */
void stream_log_put(const struct stream_log *log, struct buf *out);
/* Into a new log. false: damaged; the log is then to be freed all the same. */
bool stream_log_read(struct stream_log *log, struct reader *in);
/* Puts a node behind the last, if all its ids are above; then *node is NULL. */
bool stream_log_append_node(struct stream_log *log, struct stream_node **node);

#endif
