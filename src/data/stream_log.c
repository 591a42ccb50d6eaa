#include "data/stream_log.h"

static int compare_nodes(const void *context, const void *a, const void *b) {
    (void)context;
    const struct stream_node *one = a, *other = b;
    return stream_id_compare(one->master, other->master);
}

static const struct btree_type nodes_type = {compare_nodes, NULL};

/* -- life ------------------------------------------------------------------------------------ */

void stream_log_init(struct stream_log *log) {
    *log = (struct stream_log){.length = 0};
    btree_init(&log->nodes, &nodes_type);
}

static void enter(struct stream_log *log, struct stream_node *node) {
    btree_insert(&log->nodes, node);
    log->node_bytes += stream_node_bytes(node);
    log->length += stream_node_live(node);
}

static bool tell(
    const struct stream_log *log, struct stream_node *node, enum stream_node_change change) {
    const struct stream_watcher *watcher = log->watcher;
    return watcher != NULL && watcher->changes(watcher->context, node, change);
}

static void take_out(struct stream_log *log, struct stream_node *node) {
    log->node_bytes -= stream_node_bytes(node);
    log->length -= stream_node_live(node);
    btree_remove(&log->nodes, node);
    if (!tell(log, node, NODE_GOES)) stream_node_free(node);
}

void stream_log_copy(const struct stream_log *log, struct stream_log *out) {
    stream_log_init(out);
    struct btree_cursor cursor;
    for (const struct stream_node *node = btree_seek(&log->nodes, 0, &cursor); node != NULL;
         node = btree_next(&cursor))
        enter(out, stream_node_copy(node));
}

static void drop_node(void *context, void *item) {
    (void)context;
    stream_node_free(item);
}

bool stream_log_free_some(struct stream_log *log, uint64_t *budget) {
    uint64_t freed = btree_drop_some(&log->nodes, *budget, drop_node, NULL);
    *budget -= SF_MIN(*budget, freed);
    if (log->nodes.n > 0) return false;
    stream_log_init(log);
    return true;
}

size_t stream_log_bytes(const struct stream_log *log) {
    return log->node_bytes + btree_bytes(&log->nodes);
}

/* -- changing -------------------------------------------------------------------------------- */

static struct stream_node *last_node(const struct stream_log *log) {
    return log->nodes.n == 0 ? NULL : btree_at(&log->nodes, log->nodes.n - 1);
}

void stream_log_append(struct stream_log *log, const struct stream_node_limits *limits,
    struct stream_id id, uint64_t n_fields, const struct slice *pairs) {
    struct stream_node *node = last_node(log);
    uint64_t text_bytes = 0;
    for (uint64_t i = 0; i < 2 * n_fields; i++) text_bytes += pairs[i].len;
    if (node == NULL || !stream_node_takes(node, limits, text_bytes, n_fields)) {
        node = stream_node_new(id, n_fields, pairs);
        tell(log, node, NODE_COMES);
        enter(log, node);
    } else {
        tell(log, node, NODE_CHANGES);
    }
    log->node_bytes -= stream_node_bytes(node);
    stream_node_append(node, id, n_fields, pairs);
    log->node_bytes += stream_node_bytes(node);
    log->length++;
}

bool stream_log_remove(struct stream_log *log, struct stream_id id) {
    struct stream_cursor cursor;
    if (!stream_log_find(log, id, &cursor)) return false;
    struct stream_node *node = btree_find(&log->nodes, cursor.entry.node);
    if (stream_node_live(node) == 1) {
        take_out(log, node);
        return true;
    }
    tell(log, node, NODE_CHANGES);
    log->node_bytes -= stream_node_bytes(node);
    stream_node_delete(node, &cursor.entry);
    log->node_bytes += stream_node_bytes(node);
    log->length--;
    return true;
}

/* Whether nothing of the first node is to stay. By id that asks for the last entry, be it deleted
 * or not; so a node may stay that has no other left, as it does in Redis. */
static bool goes_as_whole(const struct stream_log *log, const struct stream_trim *trim,
    const struct stream_node *node, uint64_t live) {
    if (!trim->by_id) return log->length - live >= trim->max_length;
    struct stream_entry last;
    return stream_node_last(node, &last) && stream_id_compare(last.id, trim->min_id) < 0;
}

static uint64_t trim_within(
    struct stream_log *log, const struct stream_trim *trim, struct stream_node *node) {
    struct stream_id end = trim->by_id ? trim->min_id : STREAM_ID_MAX;
    uint64_t max = trim->by_id ? UINT64_MAX : log->length - trim->max_length;
    tell(log, node, NODE_CHANGES);
    log->node_bytes -= stream_node_bytes(node);
    uint64_t gone = stream_node_delete_front(node, end, max);
    log->node_bytes += stream_node_bytes(node);
    log->length -= gone;
    return gone;
}

uint64_t stream_log_trim(struct stream_log *log, const struct stream_trim *trim) {
    uint64_t gone = 0;
    for (struct stream_node *node; (node = btree_first(&log->nodes)) != NULL;) {
        if (!trim->by_id && log->length <= trim->max_length) break;
        uint64_t live = stream_node_live(node);
        if (trim->limit != 0 && gone + live > trim->limit) break;
        if (!goes_as_whole(log, trim, node, live)) {
            if (!trim->whole_nodes) gone += trim_within(log, trim, node);
            break;
        }
        take_out(log, node);
        gone += live;
    }
    return gone;
}

/* -- walking --------------------------------------------------------------------------------- */

static int compare_up_to(const void *context, const void *probe, const void *item) {
    (void)context;
    const struct stream_id *id = probe;
    const struct stream_node *node = item;
    return stream_id_compare(node->master, *id) <= 0 ? 1 : -1;
}

const struct stream_node *stream_log_node_from(
    const struct stream_log *log, struct stream_id id, struct btree_cursor *cursor) {
    struct stream_node probe = {.master = id};
    return btree_lower_bound(&log->nodes, NULL, &probe, cursor, NULL);
}

/* The last node that begins at id or before; NULL: none does. */
static const struct stream_node *seek_node(
    const struct stream_log *log, struct stream_id id, struct btree_cursor *cursor) {
    uint64_t n_up_to;
    btree_lower_bound(&log->nodes, compare_up_to, &id, NULL, &n_up_to);
    return n_up_to == 0 ? NULL : btree_seek(&log->nodes, n_up_to - 1, cursor);
}

/* The first entry that counts, from the one in the cursor on if there is one. */
static bool settle(struct stream_cursor *cursor, bool has_entry, bool backward) {
    for (;;) {
        while (!has_entry) {
            const struct stream_node *node =
                backward ? btree_prev(&cursor->nodes) : btree_next(&cursor->nodes);
            if (node == NULL) return false;
            has_entry = backward ? stream_node_last(node, &cursor->entry)
                                 : stream_node_first(node, &cursor->entry);
        }
        if (!cursor->entry.is_deleted) return true;
        has_entry =
            backward ? stream_entry_prev(&cursor->entry) : stream_entry_next(&cursor->entry);
    }
}

bool stream_log_seek(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor) {
    const struct stream_node *node = seek_node(log, id, &cursor->nodes);
    if (node == NULL) node = btree_seek(&log->nodes, 0, &cursor->nodes);
    if (node == NULL) return false;
    bool has_entry = stream_node_first(node, &cursor->entry);
    while (has_entry && stream_id_compare(cursor->entry.id, id) < 0)
        has_entry = stream_entry_next(&cursor->entry);
    return settle(cursor, has_entry, false);
}

bool stream_log_seek_back(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor) {
    const struct stream_node *node = seek_node(log, id, &cursor->nodes);
    if (node == NULL) return false;
    bool has_entry = stream_node_last(node, &cursor->entry);
    while (has_entry && stream_id_compare(cursor->entry.id, id) > 0)
        has_entry = stream_entry_prev(&cursor->entry);
    return settle(cursor, has_entry, true);
}

bool stream_cursor_next(struct stream_cursor *cursor) {
    return settle(cursor, stream_entry_next(&cursor->entry), false);
}

bool stream_cursor_prev(struct stream_cursor *cursor) {
    return settle(cursor, stream_entry_prev(&cursor->entry), true);
}

bool stream_log_find(
    const struct stream_log *log, struct stream_id id, struct stream_cursor *cursor) {
    return stream_log_seek(log, id, cursor) && stream_id_compare(cursor->entry.id, id) == 0;
}

/* -- the shape of Redis's index -------------------------------------------------------------- */

enum { KEY_BYTES = 16 };

/* How many bytes two ids have in common as big-endian keys. */
static uint32_t shared_bytes(struct stream_id a, struct stream_id b) {
    if (a.ms != b.ms) return (uint32_t)__builtin_clzll(a.ms ^ b.ms) / 8;
    return a.seq == b.seq ? KEY_BYTES : 8 + (uint32_t)__builtin_clzll(a.seq ^ b.seq) / 8;
}

/* Such a tree branches at each depth at which neighbouring keys part. A key's end is a node, and
 * so is a branch; what lies between two of them, if it is more than the edge itself, is one more.
 * The branches above the current key form a stack of ascending depths. */
uint64_t stream_log_radix_nodes(const struct stream_log *log) {
    if (log->nodes.n == 0) return 1;
    if (log->nodes.n == 1) return 2;
    int32_t stack[KEY_BYTES + 1] = {-1}; /* depths; in front what is above the root */
    uint32_t top = 0;
    uint64_t count = 0;
    struct btree_cursor cursor;
    const struct stream_node *node = btree_seek(&log->nodes, 0, &cursor);
    int32_t left = -1; /* where the key parted from the one before */
    for (const struct stream_node *next; node != NULL; node = next) {
        next = btree_next(&cursor);
        int32_t right = next == NULL ? -1 : (int32_t)shared_bytes(node->master, next->master);
        count += SF_MAX(left, right) + 1 < KEY_BYTES ? 2 : 1;
        /* branches below the next parting are complete: each hangs on the one above it */
        while (top > 0 && stack[top] > right) {
            int32_t above = SF_MAX(stack[top - 1], right);
            count += stack[top] > above + 1 ? 2 : 1;
            top--;
        }
        if (right > stack[top]) stack[++top] = right;
        left = right;
    }
    return count;
}

/* -- images ---------------------------------------------------------------------------------- */

void stream_log_put(const struct stream_log *log, struct buf *out) {
    put_varint(out, log->nodes.n);
    struct btree_cursor cursor;
    for (const struct stream_node *node = btree_seek(&log->nodes, 0, &cursor); node != NULL;
         node = btree_next(&cursor)) {
        put_u64(out, node->master.ms);
        put_u64(out, node->master.seq);
        put_string(out, listpack_image(node->packed));
    }
}

bool stream_log_append_node(struct stream_log *log, struct stream_node **node) {
    const struct stream_node *before = last_node(log);
    struct stream_entry last;
    if (before != NULL && stream_node_last(before, &last) &&
        stream_id_compare((*node)->master, last.id) <= 0)
        return false;
    enter(log, *node);
    *node = NULL;
    return true;
}

bool stream_log_read(struct stream_log *log, struct reader *in) {
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct stream_id master = {read_u64(in), 0};
        master.seq = read_u64(in);
        struct slice packed = read_string(in);
        struct stream_node *node = in->failed ? NULL : stream_node_load(master, packed);
        if (node == NULL) return false;
        if (!stream_log_append_node(log, &node)) {
            stream_node_free(node);
            return false;
        }
    }
    return !in->failed;
}
