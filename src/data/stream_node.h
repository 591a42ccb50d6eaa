/* A node of a stream: some entries in one listpack, in Redis's layout byte for byte (drawn in
 * stream_node.c), so that nodes go into dumps and come out of them as they are.
 *
 * Which entries share a node, and which deleted ones still lie in it, follows from the stream's
 * history and is content: approximate trimming, XINFO and dumps show it, and images keep it. */
#ifndef SF_DATA_STREAM_NODE_H
#define SF_DATA_STREAM_NODE_H

#include "data/listpack.h"

struct stream_id {
    uint64_t ms, seq;
};

#define STREAM_ID_MIN ((struct stream_id){0, 0})
#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})

static inline int stream_id_compare(struct stream_id a, struct stream_id b) {
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

/* false: there is none; then id is left alone. */
static inline bool stream_id_increment(struct stream_id *id) {
    if (stream_id_compare(*id, STREAM_ID_MAX) == 0) return false;
    if (++id->seq == 0) id->ms++;
    return true;
}

static inline bool stream_id_decrement(struct stream_id *id) {
    if (stream_id_compare(*id, STREAM_ID_MIN) == 0) return false;
    if (id->seq-- == 0) id->ms--;
    return true;
}

struct stream_node {
    struct stream_id master; /* of the first entry; the others are told as differences to it */
    struct listpack *packed;
};

/* An entry, deleted ones included. Valid until its node changes. */
struct stream_entry {
    const struct stream_node *node;
    struct stream_id id;
    uint64_t n_fields;
    bool is_deleted;
    size_t at;     /* of its flags */
    size_t names;  /* of its first field: its own, or the master's, which it shares */
    size_t values; /* of its first value where the names are the master's; otherwise 0 */
};

/* Without an entry yet; pairs are n_fields times a field and a value, of which the fields become
 * the master's. */
struct stream_node *stream_node_new(
    struct stream_id master, uint64_t n_fields, const struct slice *pairs);
struct stream_node *stream_node_copy(const struct stream_node *node);
/* A copy of received bytes; NULL unless they are a node throughout: counts, fields, and ids that
 * ascend from the master's. */
struct stream_node *stream_node_load(struct stream_id master, struct slice packed);
void stream_node_free(struct stream_node *node);
size_t stream_node_bytes(const struct stream_node *node); /* as the allocator rounds */

/* What stream_node_load asks of a listpack that is well-formed as such. */
bool stream_node_check(const struct listpack *packed, struct stream_id master);

uint64_t stream_node_live(const struct stream_node *node);    /* entries not deleted */
uint64_t stream_node_entries(const struct stream_node *node); /* all */

/* Whether these fields still fit in: text_bytes of fields and values together. A limit of 0 is
 * none. */
struct stream_node_limits {
    uint64_t bytes, entries;
};
bool stream_node_takes(const struct stream_node *node, const struct stream_node_limits *limits,
    uint64_t text_bytes, uint64_t n_fields);
/* id must be above the last (asserted where it shows). */
void stream_node_append(
    struct stream_node *node, struct stream_id id, uint64_t n_fields, const struct slice *pairs);
/* Marks an entry that is not deleted; entry and all others of the node are void afterwards. */
void stream_node_delete(struct stream_node *node, const struct stream_entry *entry);
/* Marks entries from the first on as deleted, up to the one of id end, or until max were marked;
 * returns how many. */
uint64_t stream_node_delete_front(struct stream_node *node, struct stream_id end, uint64_t max);

/* -- walking: false: there is none ------------------------------------------------------------ */

bool stream_node_first(const struct stream_node *node, struct stream_entry *out);
bool stream_node_last(const struct stream_node *node, struct stream_entry *out);
bool stream_entry_next(struct stream_entry *entry);
bool stream_entry_prev(struct stream_entry *entry);

/* The fields of an entry one by one; texts are borrowed from the node or the scratches. */
struct stream_fields {
    const struct listpack *packed;
    uint64_t left;
    size_t name, value; /* value 0: it stands behind the name */
    char name_scratch[INT_TEXT_MAX], value_scratch[INT_TEXT_MAX];
};
void stream_fields_begin(struct stream_fields *fields, const struct stream_entry *entry);
bool stream_fields_next(struct stream_fields *fields, struct slice *name, struct slice *value);

#endif
