/* The layout, as elements of a listpack (those of Redis's streams):
 *
 *   master    [ live | deleted | n fields | field ... | 0 ]
 *   entry     [ flags | ms | seq | value ... | count ]                        shares the fields
 *             [ flags | ms | seq | n fields | field | value ... | count ]     has its own
 *
 * ms and seq are differences to the master's id. flags: 1 deleted, 2 shares the master's fields.
 * count is the number of elements from flags on, itself left out, and leads from an entry's end to
 * its begin. Deleted entries stay where they are until their whole node goes. */
#include "data/stream_node.h"

#include "data/size_class.h"

enum { DELETED = 1, SHARES_FIELDS = 2, FIXED_ELEMENTS = 3, ITEMS_ON_STACK = 64 };

/* -- the master's part ----------------------------------------------------------------------- */

static int64_t integer_at(const struct listpack *packed, size_t at) {
    int64_t value = 0;
    bool is_good = at != 0 && listpack_integer(packed, at, &value);
    SF_ASSERT(is_good);
    return value;
}

static size_t skip(const struct listpack *packed, size_t at, uint64_t n) {
    for (; n > 0; n--) at = listpack_next(packed, at);
    return at;
}

struct master {
    uint64_t live, deleted, n_fields;
    size_t live_at, deleted_at, fields_at;
};

static struct master master_of(const struct stream_node *node) {
    struct master master;
    master.live_at = listpack_first(node->packed);
    master.live = (uint64_t)integer_at(node->packed, master.live_at);
    master.deleted_at = listpack_next(node->packed, master.live_at);
    master.deleted = (uint64_t)integer_at(node->packed, master.deleted_at);
    size_t at = listpack_next(node->packed, master.deleted_at);
    master.n_fields = (uint64_t)integer_at(node->packed, at);
    master.fields_at = listpack_next(node->packed, at);
    return master;
}

uint64_t stream_node_live(const struct stream_node *node) {
    return master_of(node).live;
}

uint64_t stream_node_entries(const struct stream_node *node) {
    struct master master = master_of(node);
    return master.live + master.deleted;
}

static void count_deleted(struct stream_node *node, uint64_t n) {
    struct master master = master_of(node);
    SF_ASSERT(n <= master.live);
    /* the farther one first: the nearer's element may change its length */
    listpack_replace_integer(&node->packed, master.deleted_at, (int64_t)(master.deleted + n));
    listpack_replace_integer(&node->packed, master.live_at, (int64_t)(master.live - n));
}

/* -- life ------------------------------------------------------------------------------------ */

static struct listpack_item integer_item(int64_t value) {
    return (struct listpack_item){.is_integer = true, .integer = value};
}

static struct listpack_item text_item(struct slice text) {
    return (struct listpack_item){.text = text};
}

/* Room for n items: on the caller's stack if they are few. */
static struct listpack_item *items_room(struct listpack_item *on_stack, uint64_t n) {
    return n <= ITEMS_ON_STACK ? on_stack : sf_alloc(n * sizeof *on_stack);
}

static struct stream_node *node_of(struct stream_id master, struct listpack *packed) {
    struct stream_node *node = sf_alloc(sizeof *node);
    *node = (struct stream_node){master, packed};
    return node;
}

struct stream_node *stream_node_new(
    struct stream_id master, uint64_t n_fields, const struct slice *pairs) {
    struct listpack_item on_stack[ITEMS_ON_STACK];
    struct listpack_item *items = items_room(on_stack, n_fields + 4);
    uint64_t n = 0;
    items[n++] = integer_item(0);
    items[n++] = integer_item(0);
    items[n++] = integer_item((int64_t)n_fields);
    for (uint64_t i = 0; i < n_fields; i++) items[n++] = text_item(pairs[2 * i]);
    items[n++] = integer_item(0);
    struct stream_node *node = node_of(master, listpack_new());
    listpack_append_items(&node->packed, items, n);
    if (items != on_stack) sf_free(items);
    return node;
}

struct stream_node *stream_node_copy(const struct stream_node *node) {
    return node_of(node->master, listpack_copy(node->packed));
}

void stream_node_free(struct stream_node *node) {
    listpack_free(node->packed);
    sf_free(node);
}

size_t stream_node_bytes(const struct stream_node *node) {
    return size_class(sizeof *node) + size_class(listpack_bytes(node->packed));
}

/* -- received bytes -------------------------------------------------------------------------- */

/* Goes over elements that may be anything; once failed, it stays so. */
struct walk {
    const struct listpack *packed;
    size_t at; /* 0: behind the last */
    bool failed;
};

static uint64_t walk_integer(struct walk *walk) {
    int64_t value = 0;
    if (walk->at == 0 || !listpack_integer(walk->packed, walk->at, &value)) walk->failed = true;
    if (walk->failed) return 0;
    walk->at = listpack_next(walk->packed, walk->at);
    return (uint64_t)value;
}

static void walk_skip(struct walk *walk, uint64_t n) {
    for (; n > 0 && walk->at != 0; n--) walk->at = listpack_next(walk->packed, walk->at);
    if (n > 0) walk->failed = true;
}

/* One entry; its id is written to *id if it is above the one there. */
static bool walk_entry(struct walk *walk, struct stream_id master, uint64_t master_fields,
    bool is_first, struct stream_id *id) {
    uint64_t flags = walk_integer(walk);
    uint64_t ms = walk_integer(walk), seq = walk_integer(walk);
    if (walk->failed || flags > (DELETED | SHARES_FIELDS)) return false;
    struct stream_id here = {master.ms + ms, master.seq + seq};
    int order = stream_id_compare(here, *id);
    if (is_first ? order < 0 : order <= 0) return false;
    *id = here;
    uint64_t elements = master_fields;
    if ((flags & SHARES_FIELDS) == 0) {
        uint64_t n_fields = walk_integer(walk);
        if (n_fields > UINT32_MAX) return false;
        elements = 1 + 2 * n_fields;
        walk_skip(walk, elements - 1);
    } else {
        walk_skip(walk, elements);
    }
    return walk_integer(walk) == elements + FIXED_ELEMENTS && !walk->failed;
}

static bool is_marked(const struct listpack *packed, size_t at) {
    return (integer_at(packed, at) & DELETED) != 0;
}

bool stream_node_check(const struct listpack *packed, struct stream_id master) {
    struct walk walk = {packed, listpack_first(packed), false};
    uint64_t live = walk_integer(&walk), deleted = walk_integer(&walk);
    uint64_t n_fields = walk_integer(&walk), n = 0, marked = 0;
    if (walk.failed || live > UINT32_MAX || deleted > UINT32_MAX || n_fields > UINT32_MAX)
        return false;
    walk_skip(&walk, n_fields);
    if (walk_integer(&walk) != 0 || walk.failed) return false;
    struct stream_id last = master;
    for (; walk.at != 0; n++) {
        size_t at = walk.at;
        if (!walk_entry(&walk, master, n_fields, n == 0, &last)) return false;
        marked += is_marked(packed, at);
    }
    return n > 0 && n == live + deleted && marked == deleted;
}

struct stream_node *stream_node_load(struct stream_id master, struct slice packed) {
    struct listpack *listpack = listpack_load(packed);
    if (listpack == NULL) return NULL;
    if (stream_node_check(listpack, master)) return node_of(master, listpack);
    listpack_free(listpack);
    return NULL;
}

/* -- appending ------------------------------------------------------------------------------- */

bool stream_node_takes(const struct stream_node *node, const struct stream_node_limits *limits,
    uint64_t text_bytes, uint64_t n_fields) {
    uint64_t bytes = listpack_bytes(node->packed), max_bytes = limits->bytes;
    if (max_bytes == 0 || max_bytes > LISTPACK_BYTES_MAX) max_bytes = LISTPACK_BYTES_MAX;
    if (bytes + text_bytes >= max_bytes) return false;
    /* each element takes at most ten bytes beside its text */
    if (!listpack_has_room(node->packed, text_bytes + 10 * (2 * n_fields + 5))) return false;
    return limits->entries == 0 || stream_node_entries(node) < limits->entries;
}

static bool shares_fields(const struct stream_node *node, const struct master *master,
    uint64_t n_fields, const struct slice *pairs) {
    if (n_fields != master->n_fields) return false;
    size_t at = master->fields_at;
    for (uint64_t i = 0; i < n_fields; i++, at = listpack_next(node->packed, at)) {
        if (!listpack_equals(node->packed, at, pairs[2 * i])) return false;
    }
    return true;
}

void stream_node_append(
    struct stream_node *node, struct stream_id id, uint64_t n_fields, const struct slice *pairs) {
    SF_ASSERT(stream_id_compare(id, node->master) >= 0);
    struct master master = master_of(node);
    bool shares = shares_fields(node, &master, n_fields, pairs);
    uint64_t elements = (shares ? n_fields : 2 * n_fields + 1) + FIXED_ELEMENTS, n = 0;
    struct listpack_item on_stack[ITEMS_ON_STACK];
    struct listpack_item *items = items_room(on_stack, elements + 1);
    items[n++] = integer_item(shares ? SHARES_FIELDS : 0);
    items[n++] = integer_item((int64_t)(id.ms - node->master.ms));
    items[n++] = integer_item((int64_t)(id.seq - node->master.seq));
    if (!shares) items[n++] = integer_item((int64_t)n_fields);
    for (uint64_t i = 0; i < n_fields; i++) {
        if (!shares) items[n++] = text_item(pairs[2 * i]);
        items[n++] = text_item(pairs[2 * i + 1]);
    }
    items[n++] = integer_item((int64_t)elements);
    listpack_append_items(&node->packed, items, n);
    listpack_replace_integer(&node->packed, master.live_at, (int64_t)(master.live + 1));
    if (items != on_stack) sf_free(items);
}

/* -- walking --------------------------------------------------------------------------------- */

/* The entry whose flags stand at `at`. */
static void entry_read(const struct stream_node *node, const struct master *master, size_t at,
    struct stream_entry *out) {
    const struct listpack *packed = node->packed;
    int64_t flags = integer_at(packed, at);
    size_t ms_at = listpack_next(packed, at), seq_at = listpack_next(packed, ms_at);
    *out = (struct stream_entry){.node = node,
        .id = {node->master.ms + (uint64_t)integer_at(packed, ms_at),
            node->master.seq + (uint64_t)integer_at(packed, seq_at)},
        .is_deleted = (flags & DELETED) != 0,
        .at = at};
    size_t next = listpack_next(packed, seq_at);
    if ((flags & SHARES_FIELDS) != 0) {
        out->n_fields = master->n_fields;
        out->names = master->fields_at;
        out->values = next;
    } else {
        out->n_fields = (uint64_t)integer_at(packed, next);
        out->names = listpack_next(packed, next);
    }
}

/* Where the next entry begins; 0: nowhere. */
static size_t entry_behind(const struct stream_entry *entry) {
    uint64_t texts = entry->values != 0 ? entry->n_fields : 2 * entry->n_fields;
    return skip(entry->node->packed, entry->values != 0 ? entry->values : entry->names, texts + 1);
}

static size_t first_at(const struct stream_node *node, const struct master *master) {
    return skip(node->packed, master->fields_at, master->n_fields + 1);
}

bool stream_node_first(const struct stream_node *node, struct stream_entry *out) {
    struct master master = master_of(node);
    size_t at = first_at(node, &master);
    if (at != 0) entry_read(node, &master, at, out);
    return at != 0;
}

/* The entry whose count stands at `at`, or false where that is the master's end. */
static bool entry_ending(const struct stream_node *node, size_t at, struct stream_entry *out) {
    int64_t elements = integer_at(node->packed, at);
    if (elements == 0) return false;
    for (; elements > 0; elements--) at = listpack_prev(node->packed, at);
    struct master master = master_of(node);
    entry_read(node, &master, at, out);
    return true;
}

bool stream_node_last(const struct stream_node *node, struct stream_entry *out) {
    return entry_ending(node, listpack_last(node->packed), out);
}

bool stream_entry_next(struct stream_entry *entry) {
    size_t at = entry_behind(entry);
    if (at == 0) return false;
    struct master master = master_of(entry->node);
    entry_read(entry->node, &master, at, entry);
    return true;
}

bool stream_entry_prev(struct stream_entry *entry) {
    return entry_ending(entry->node, listpack_prev(entry->node->packed, entry->at), entry);
}

void stream_fields_begin(struct stream_fields *fields, const struct stream_entry *entry) {
    fields->packed = entry->node->packed;
    fields->left = entry->n_fields;
    fields->name = entry->names;
    fields->value = entry->values;
}

bool stream_fields_next(struct stream_fields *fields, struct slice *name, struct slice *value) {
    if (fields->left == 0) return false;
    fields->left--;
    bool shares = fields->value != 0;
    size_t value_at = shares ? fields->value : listpack_next(fields->packed, fields->name);
    *name = listpack_text(fields->packed, fields->name, fields->name_scratch);
    *value = listpack_text(fields->packed, value_at, fields->value_scratch);
    if (shares) fields->value = listpack_next(fields->packed, value_at);
    fields->name = listpack_next(fields->packed, shares ? fields->name : value_at);
    return true;
}

/* -- deleting -------------------------------------------------------------------------------- */

static void mark(struct stream_node *node, size_t at) {
    listpack_replace_integer(&node->packed, at, integer_at(node->packed, at) | DELETED);
}

void stream_node_delete(struct stream_node *node, const struct stream_entry *entry) {
    SF_ASSERT(entry->node == node && !entry->is_deleted);
    mark(node, entry->at);
    count_deleted(node, 1);
}

uint64_t stream_node_delete_front(struct stream_node *node, struct stream_id end, uint64_t max) {
    struct master master = master_of(node);
    struct stream_entry entry;
    uint64_t marked = 0;
    for (size_t at = first_at(node, &master); at != 0 && marked < max; at = entry_behind(&entry)) {
        entry_read(node, &master, at, &entry);
        if (stream_id_compare(entry.id, end) >= 0) break;
        if (entry.is_deleted) continue;
        mark(node, at);
        entry_read(node, &master, at, &entry);
        marked++;
    }
    if (marked > 0) count_deleted(node, marked);
    return marked;
}
