/* The life of a walk, and its way over dbs and keys. */
#include "keyspace/db.h"

/* -- life ------------------------------------------------------------------------------------ */

static struct slice tracked_key(const void *item) {
    const struct tracked *tracked = item;
    return slice_of(&tracked->value, sizeof tracked->value);
}

static struct slice saved_key(const void *item) {
    return object_key(saved_object(item));
}

static struct slice element_item_key(const void *item) {
    return old_element_key(item);
}

void walks_init(struct walks *walks, const struct hash_secret *secret) {
    walks->tracked_type = (struct table_type){.secret = *secret, .key = tracked_key};
    walks->saved_type = (struct table_type){.secret = *secret, .key = saved_key};
    walks->element_type = (struct table_type){.secret = *secret, .key = element_item_key};
    table_init(&walks->tracked, &walks->tracked_type);
    walks->large_bytes = WALK_LARGE_BYTES;
    walks->large_elements = WALK_LARGE_ELEMENTS;
}

static bool has_something(const struct db *db) {
    uint32_t index = 0;
    return db_size(db) > 0 || db->floor > 0 || db_next_cell(db, &index) != 0;
}

static void begin_part(struct walk *walk, struct db *db) {
    struct walk_part *part = &walk->parts[walk->n_parts++];
    part->shown = (struct walk_db){db->number, db_size(db), db_expiring_size(db), db->floor};
    part->db = db;
    table_init(&part->saved, &walk->keyspace->walks.saved_type);
    db->walk_parts[walk->slot] = walk->n_parts;
    db->cell_parts[walk->slot] = walk->n_parts;
    walk->n_keys += db_size(db);
}

struct walk *keyspace_walk_begin(struct keyspace *keyspace) {
    struct walks *walks = &keyspace->walks;
    if (walks->n_open == WALKS_MAX) return NULL;
    uint32_t n_parts = 0, slot = 0;
    while (walks->open[slot] != NULL) slot++;
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) n_parts += has_something(&keyspace->dbs[i]);
    struct walk *walk = sf_alloc_zero(1, sizeof *walk + n_parts * sizeof *walk->parts);
    walk->keyspace = keyspace;
    walk->slot = slot;
    walk->revision = keyspace->revision;
    for (uint32_t i = 0; i < keyspace->n_dbs; i++) {
        if (has_something(&keyspace->dbs[i])) begin_part(walk, &keyspace->dbs[i]);
    }
    walks->open[slot] = walk;
    walks->n_open++;
    walks->n_active++;
    return walk;
}

static void free_if_done(struct walk *walk) {
    if (!walk->has_ended || walk->n_undos > 0) return;
    buf_free(&walk->last_key);
    sf_free(walk);
}

void saved_free(struct keyspace *keyspace, void *item) {
    struct undo *undo = saved_undo(item);
    if (undo != NULL) {
        struct walk *walk = undo->walk;
        undo_free(undo);
        free_if_done(walk);
        return;
    }
    struct object *object = item;
    void *value = object_type(object) == OBJECT_STRING ? NULL : object_value(object);
    if (value != NULL) collection_form(object_type(object), object_encoding(object))->free(value);
    object_free(keyspace->collections.pool, object);
}

static void drop_saved(void *keyspace, void *item) {
    saved_free(keyspace, item);
}

/* Nobody need keep keys of this part any more. */
static void leave_table(struct walk *walk, struct walk_part *part) {
    struct keyspace *keyspace = walk->keyspace;
    if (part->db != NULL) part->db->walk_parts[walk->slot] = 0;
    if (part->held != NULL && --part->held->n_walks == 0) {
        struct garbage **at = &keyspace->walks.held;
        while (*at != part->held) at = &(*at)->next;
        *at = part->held->next;
        part->held->next = keyspace->garbage;
        keyspace->garbage = part->held;
    }
    part->db = NULL;
    part->held = NULL;
}

static void leave_cells(struct walk *walk, struct walk_part *part) {
    struct db *db = keyspace_db(walk->keyspace, part->shown.number);
    if (db->cell_parts[walk->slot] == part - walk->parts + 1) db->cell_parts[walk->slot] = 0;
    for (size_t i = 0; part->cells != NULL && i < CELL_PAGES; i++) {
        if (part->cells[i] != NULL) walk->bytes -= sizeof *part->cells[i];
        sf_free(part->cells[i]);
    }
    sf_free(part->cells);
    part->cells = NULL;
}

/* Leaves everything; what was saved becomes garbage. */
static void walk_leave(struct walk *walk) {
    struct keyspace *keyspace = walk->keyspace;
    walk->has_ended = true; /* its undos save nothing more */
    for (uint32_t i = 0; i < walk->n_parts; i++) {
        struct walk_part *part = &walk->parts[i];
        leave_table(walk, part);
        leave_cells(walk, part);
        if (table_size(&part->saved) > 0)
            keyspace_set_aside(
                keyspace, (struct garbage){.table = part->saved, .drop = drop_saved});
        table_init(&part->saved, part->saved.type);
    }
    if (walk->inside != NULL) undo_free(walk->inside);
    walk->inside = NULL;
    keyspace->walks.open[walk->slot] = NULL;
    keyspace->walks.n_open--;
    keyspace->walks.n_active--;
}

void walk_end(struct walk *walk) {
    if (walk->keyspace != NULL) walk_leave(walk);
    walk->has_ended = true;
    free_if_done(walk);
}

void walks_cut(struct keyspace *keyspace) {
    struct walk *cut[WALKS_MAX] = {NULL};
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        cut[slot] = keyspace->walks.open[slot];
        if (cut[slot] == NULL) continue;
        cut[slot]->n_undos++; /* it stays until its owner ends it */
        walk_leave(cut[slot]);
    }
    while (keyspace_free_some(keyspace, UINT64_MAX)) {
    }
    SF_ASSERT(keyspace->walks.n_active == 0 && keyspace->walks.held == NULL);
    for (uint32_t slot = 0; slot < WALKS_MAX; slot++) {
        if (cut[slot] == NULL) continue;
        SF_ASSERT(cut[slot]->n_undos == 1);
        cut[slot]->n_undos = 0;
        cut[slot]->keyspace = NULL;
    }
}

bool walk_is_cut(const struct walk *walk) {
    return walk->keyspace == NULL;
}

void walk_in_any_order(struct walk *walk) {
    walk->any_order = true;
}

uint64_t walk_revision(const struct walk *walk) {
    return walk->revision;
}

uint64_t walk_n_keys(const struct walk *walk) {
    return walk->n_keys;
}

uint64_t walk_done_keys(const struct walk *walk) {
    return walk->done_keys;
}

size_t walk_bytes(const struct walk *walk) {
    if (walk->keyspace == NULL) return 0;
    size_t bytes = sizeof *walk + walk->bytes + walk->keyspace->walks.detached_bytes;
    for (uint32_t i = 0; i < walk->n_parts; i++) {
        const struct walk_part *part = &walk->parts[i];
        bytes += sizeof *part + table_bytes(&part->saved);
        if (part->held != NULL) bytes += part->held->bytes + table_bytes(&part->held->table);
    }
    return bytes;
}

/* -- the way over the keys of a part --------------------------------------------------------- */

static int compare_place(uint64_t a_hash, struct slice a, uint64_t b_hash, struct slice b) {
    if (a_hash != b_hash) return a_hash < b_hash ? -1 : 1;
    return slice_compare(a, b);
}

#define KEYS_AHEAD 8 /* that are fetched into the cache before they are looked at */

/* The next key that is in the table. */
struct key_walk {
    struct walk *walk;
    struct walk_part *part;
    struct table_iterator next, ahead;
    struct object *live;
    uint64_t live_hash;
};

static void next_live(struct key_walk *at) {
    do {
        const void *item = table_next(&at->ahead);
        if (item != NULL) __builtin_prefetch(item);
        at->live = table_next(&at->next);
        if (at->live != NULL)
            at->live_hash = table_hash(&at->walk->keyspace->keys, object_key(at->live));
    } while (at->live != NULL && at->walk->has_last &&
             compare_place(at->live_hash, object_key(at->live), at->walk->last_hash,
                 buf_slice(&at->walk->last_key)) <= 0);
}

static struct key_walk keys_from(struct walk *walk, struct walk_part *part) {
    const struct table *table = part->held == NULL ? &part->db->table : &part->held->table;
    struct key_walk at = {.walk = walk, .part = part};
    at.next = table_seek(table, walk->has_last ? walk->last_hash : 0);
    at.ahead = at.next;
    for (uint32_t i = 0; i < KEYS_AHEAD; i++) table_next(&at.ahead);
    next_live(&at);
    return at;
}

static void pass(struct walk *walk, uint64_t hash, struct slice key) {
    walk->has_last = true;
    walk->last_hash = hash;
    buf_clear(&walk->last_key);
    buf_append_slice(&walk->last_key, key);
}

static struct walk_key key_of(const struct walk *walk, const struct object *object, uint64_t hash) {
    return (struct walk_key){.db = walk->parts[walk->at_part].shown.number,
        .hash = hash,
        .key = object_key(object),
        .due_ms = object_due_ms(object),
        .revision = object_revision(object),
        .type = object_type(object),
        .encoding = object_encoding(object)};
}

/* Begins a large value; its pieces follow (show_inside). */
static void enter_value(
    struct walk *walk, const struct walk_sink *sink, struct undo *undo, uint64_t hash) {
    struct walk_key key = key_of(walk, undo->shell, hash);
    walk->inside = undo;
    if (sink->large_begin != NULL) sink->large_begin(sink->context, &key, undo->n);
}

static void show_object(struct walk *walk, const struct walk_sink *sink, uint64_t hash,
    const struct object *object, void *value, uint64_t *budget) {
    struct walk_key key = key_of(walk, object, hash);
    show_whole(sink, walk->keyspace, &key, object, value, budget);
    walk->done_keys++;
}

static void *collection_value(const struct object *object) {
    return object_type(object) == OBJECT_STRING ? NULL : object_collection(object);
}

static void show_live(struct key_walk *at, const struct walk_sink *sink, uint64_t *budget) {
    struct walk *walk = at->walk;
    const struct object *object = at->live;
    pass(walk, at->live_hash, object_key(object));
    if (object_is_large(&walk->keyspace->walks, object) &&
        !encoding_is_packed(object_encoding(object)))
        enter_value(walk, sink, undo_new(walk, object), at->live_hash);
    else
        show_object(walk, sink, at->live_hash, object, collection_value(object), budget);
}

/* A small one. */
static void take_saved(struct walk *walk, struct walk_part *part, const struct walk_sink *sink,
    uint64_t hash, void *item, uint64_t *budget) {
    const struct object *object = item;
    table_remove(&part->saved, hash, object_key(object));
    walk->bytes -= object_bytes(object);
    show_object(walk, sink, hash, object, collection_value(object), budget);
    saved_free(walk->keyspace, item);
}

static void show_saved(struct walk *walk, struct walk_part *part, const struct walk_sink *sink,
    void *item, uint64_t *budget) {
    const struct object *object = saved_object(item);
    struct undo *undo = saved_undo(item);
    uint64_t hash = table_hash(&walk->keyspace->keys, object_key(object));
    pass(walk, hash, object_key(object));
    if (undo == NULL) {
        take_saved(walk, part, sink, hash, item, budget);
        return;
    }
    table_remove(&part->saved, hash, object_key(object));
    if (encoding_is_packed(object_encoding(object))) {
        show_object(walk, sink, hash, object, undo->tracked->value, budget);
        undo_free(undo);
    } else {
        enter_value(walk, sink, undo, hash);
    }
}

static bool show_inside(struct walk *walk, const struct walk_sink *sink, uint64_t *budget) {
    struct walk_key key = key_of(walk, walk->inside->shell, walk->last_hash);
    if (!show_some(sink, &key, walk->inside, budget)) return false;
    undo_free(walk->inside);
    walk->inside = NULL;
    walk->done_keys++;
    return true;
}

/* It was told of a change that did not come: the table still has it as it was. */
static bool is_as_it_was(const struct walk *walk, const struct walk_part *part, uint64_t hash,
    const struct object *saved) {
    const struct table *table = part->held == NULL ? &part->db->table : &part->held->table;
    const struct object *live = table_find(table, hash, object_key(saved));
    return live != NULL && object_revision(live) <= walk->revision;
}

/* Small values that have changed, wherever they are: the walk finds the new ones by their
 * revisions. Goes round, so that those that have to stay are looked at now and then. */
static void show_changed(
    struct walk *walk, struct walk_part *part, const struct walk_sink *sink, uint64_t budget) {
    struct table_iterator at = table_seek(&part->saved, walk->next_changed);
    for (uint64_t n = SF_MIN(budget, table_size(&part->saved)); n > 0; n--) {
        void *item = table_next(&at);
        if (item == NULL) {
            at = table_seek(&part->saved, walk->next_changed = 0);
            item = table_next(&at);
        }
        if (item == NULL) return;
        const struct object *object = saved_object(item);
        uint64_t hash = table_hash(part->saved.type, object_key(object));
        walk->next_changed = hash;
        if (saved_undo(item) != NULL || is_as_it_was(walk, part, hash, object)) continue;
        take_saved(walk, part, sink, hash, item, &budget);
        at = table_seek(&part->saved, hash);
    }
}

/* true: that were all keys of the part. */
static bool show_keys(
    struct walk *walk, struct walk_part *part, const struct walk_sink *sink, uint64_t *budget) {
    if (walk->inside != NULL && !show_inside(walk, sink, budget)) return false;
    if (walk->any_order) show_changed(walk, part, sink, 2 * *budget);
    struct key_walk at = keys_from(walk, part);
    struct table_iterator first;
    while (*budget > 0) {
        --*budget;
        void *saved = NULL;
        if (table_size(&part->saved) > 0) {
            first = table_seek(&part->saved, 0); /* what was shown is no more in it */
            saved = table_next(&first);
        }
        if (saved == NULL && at.live == NULL) return true;
        int order = saved == NULL ? -1 : 1;
        if (saved != NULL && at.live != NULL) {
            struct slice key = object_key(saved_object(saved));
            order = compare_place(
                at.live_hash, object_key(at.live), table_hash(part->saved.type, key), key);
        }
        if (order >= 0)
            show_saved(walk, part, sink, saved, budget);
        else if (object_revision(at.live) <= walk->revision)
            show_live(&at, sink, budget);
        else
            pass(walk, at.live_hash, object_key(at.live)); /* born since */
        if (order <= 0) next_live(&at);
        if (walk->inside != NULL && !show_inside(walk, sink, budget)) return false;
    }
    return false;
}

/* -- dbs and cells --------------------------------------------------------------------------- */

static const struct cell_page *cells_of(
    const struct walk *walk, const struct walk_part *part, uint32_t page) {
    const struct db *db = keyspace_db(walk->keyspace, part->shown.number);
    if (part->cells != NULL && part->cells[page] != NULL) return part->cells[page];
    return db->cells == NULL ? NULL : db->cells[page];
}

static bool show_cells(struct walk *walk, const struct walk_part *part,
    const struct walk_sink *sink, uint64_t *budget) {
    for (; walk->next_cell < CELL_PAGES * CELLS_A_PAGE; walk->next_cell++) {
        const struct cell_page *page = cells_of(walk, part, walk->next_cell / CELLS_A_PAGE);
        if (*budget == 0) return false;
        if (page == NULL) {
            walk->next_cell |= CELLS_A_PAGE - 1;
            continue;
        }
        uint64_t revision = page->revisions[walk->next_cell % CELLS_A_PAGE];
        if (revision == 0) continue;
        if (sink->cell != NULL)
            sink->cell(sink->context, part->shown.number, walk->next_cell, revision);
        --*budget;
    }
    return true;
}

static void begin_keys(
    struct walk *walk, const struct walk_part *part, const struct walk_sink *sink) {
    if (sink->db != NULL) sink->db(sink->context, &part->shown);
    walk->stage = WALK_KEYS;
    walk->has_last = false;
    walk->next_changed = 0;
}

bool walk_some(struct walk *walk, const struct walk_sink *sink, uint64_t budget) {
    while (walk->keyspace != NULL && walk->at_part < walk->n_parts) {
        struct walk_part *part = &walk->parts[walk->at_part];
        if (budget == 0) return false;
        if (walk->stage == WALK_DB) begin_keys(walk, part, sink);
        if (walk->stage == WALK_KEYS) {
            if (!show_keys(walk, part, sink, &budget)) return false;
            leave_table(walk, part);
            walk->stage = WALK_CELLS;
            walk->next_cell = 0;
        }
        if (!show_cells(walk, part, sink, &budget)) return false;
        leave_cells(walk, part);
        walk->at_part++;
        walk->stage = WALK_DB;
    }
    return true;
}
