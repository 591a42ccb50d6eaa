/* Open walks as those see them who change something: what must be kept, and for whom. Only
 * keyspace/ includes it. How it fits together is told in README.md. */
#ifndef SF_KEYSPACE_WALKS_H
#define SF_KEYSPACE_WALKS_H

#include "data/btree.h"
#include "data/quicklist.h"
#include "data/stream_log.h"
#include "data/table.h"
#include "keyspace/collection.h"
#include "keyspace/walk.h"

#define WALK_LARGE_BYTES ((size_t)64 << 10)
#define WALK_LARGE_ELEMENTS 128

struct cell_page;
struct db;
struct garbage;
struct old_groups;
struct stream;
struct stream_group;
struct walks;

/* A db as it was: which table it had, and what in it is no more as it was. */
struct walk_part {
    struct walk_db shown;
    struct db *db;        /* where its table is now; NULL: it was flushed, or is passed */
    struct garbage *held; /* there, then */
    struct table saved;   /* keys not passed yet, as they were: struct object *, or struct undo *
                             with its lowest bit set */
    struct cell_page **cells; /* [CELL_PAGES] as they were, where they changed; NULL: none did */
};

enum walk_stage { WALK_DB, WALK_KEYS, WALK_CELLS };

struct walk {
    struct keyspace *keyspace; /* NULL: cut off */
    uint32_t slot;             /* in walks.open */
    uint64_t revision;
    uint64_t n_keys, done_keys;
    size_t bytes; /* of what was saved */
    uint64_t n_undos;
    bool has_ended; /* its undos are not gone yet */

    /* Where it is: up to and with (last_hash, last_key) everything was shown. */
    uint32_t at_part;
    enum walk_stage stage;
    bool has_last;
    uint64_t last_hash;
    struct buf last_key;
    struct undo *inside; /* the large value that is being shown */
    bool any_order;
    uint64_t next_changed; /* where in `saved` to look next for what can be shown already */
    uint32_t next_cell;

    uint32_t n_parts;
    struct walk_part parts[];
};

/* A large value that changes in place while walks have still to show it. By its address. */
struct tracked {
    void *value; /* of a string: its block */
    enum object_type type;
    enum object_encoding encoding;
    struct keyspace *keyspace;
    struct undo *undos; /* one for each of these walks */
    bool is_detached;   /* no key holds it any more: it goes with the last undo */
    size_t bytes;       /* then: as it was counted */
    struct stream_watcher watcher;
};

/* What one walk needs to show a large value as it was: the value, less what changed, and that as it
 * was. A list's blocks are shared instead, at once. */
struct undo {
    struct undo *next_of_value;
    struct tracked *tracked; /* NULL: a list */
    struct walk *walk;
    struct object *shell; /* the key as it was, without value */
    uint64_t n;           /* parts that will be shown */
    size_t bytes;
    bool has_begun, all_passed, in_groups;

    uint64_t next;         /* elements: up to this hash all were shown; text: bytes shown */
    struct table elements; /* struct old_element */
    char **pages;          /* text: pages as they were, NULL where they still are so */
    struct quicklist *blocks;
    struct quicklist_place at_block;
    struct stream_id next_id; /* nodes: up to this one */
    struct btree nodes;
    struct stream *rest;       /* of a stream, without its nodes and groups */
    struct old_groups *groups; /* NULL: they are as they were */
};

struct old_element {
    uint32_t key_len, value_len;
    double number; /* element_number */
    bool was_there;
    char bytes[]; /* key, value */
};

struct walks {
    uint64_t n_active; /* open walks and tracked values; 0: nobody need tell of changes */
    uint32_t n_open;
    struct walk *open[WALKS_MAX];
    struct garbage *held; /* tables that were flushed, and some walk still goes over */
    struct table tracked;
    size_t detached_bytes;
    struct table_type tracked_type, saved_type, element_type;
    size_t large_bytes, large_elements; /* what is more is not copied as a whole */
};

/* In which there is nothing to go on in: they are shown, and copied, as a whole. */
static inline bool encoding_is_packed(enum object_encoding encoding) {
    return encoding == ENCODING_LISTPACK || encoding == ENCODING_LISTPACK_DUE ||
           encoding == ENCODING_INTSET;
}
/* Too large to be copied when it changes, or to be shown at once. */
bool object_is_large(const struct walks *walks, const struct object *object);

void walks_init(struct walks *walks, const struct hash_secret *secret);
/* Before everything goes: all walks end here; their owners have still to end them. */
void walks_cut(struct keyspace *keyspace);

/* -- for db.c, keyspace.c, revision.c -------------------------------------------------------- */

/* The object is about to change (in_place: its value) or to leave its table. Call it by way of
 * db_changes and db_value_changes. */
void walks_note(struct db *db, const struct object *object, bool in_place);
/* The db's table has moved into garbage; true: a walk holds it there. */
bool walks_hold(struct db *db, struct garbage *garbage);
void walks_swapped(struct db *one, struct db *other);
/* Of a string's block: bytes are about to change; it has moved. */
void walks_note_bytes(struct keyspace *keyspace, const void *value, size_t from, size_t end);
void walks_note_move(
    struct keyspace *keyspace, const void *from, void *to, enum object_encoding encoding);
/* A page of the db's cells is about to change; page NULL: there was none yet. */
void walks_note_cells(struct db *db, size_t page_index, const struct cell_page *page);
/* The object is to be freed; true: its value has been taken over. */
bool walks_take_over(struct keyspace *keyspace, const struct object *object);

/* -- walk_undo.c ----------------------------------------------------------------------------- */

struct undo *undo_new(struct walk *walk, const struct object *object);
void undo_free(struct undo *undo); /* what may be large becomes garbage */
struct tracked *tracked_find(const struct keyspace *keyspace, const void *value); /* or NULL */
/* To another address, maybe as another form that holds the same parts. */
void tracked_move(struct tracked *tracked, void *value, enum object_encoding encoding);
void tracked_detach(struct tracked *tracked); /* no key has it any more */
/* Before part of the value changes. */
void tracked_element_changes(struct tracked *tracked, struct slice key);
void tracked_bytes_change(struct tracked *tracked, size_t from, size_t end);
/* Groups or consumers; and an entry that is pending in that group, or will be. */
void tracked_groups_change(struct tracked *tracked);
void tracked_pending_changes(
    struct tracked *tracked, const struct stream_group *group, struct stream_id id);
/* The live value changes from now on, as a whole: a copy takes its place here. */
void tracked_part_ways(struct tracked *tracked);

/* The score of a member; the due time of a field, 0 where it has none; else 0. */
double element_number(const struct tracked *tracked, const void *element);
static inline struct slice old_element_key(const struct old_element *element) {
    return slice_of(element->bytes, element->key_len);
}
static inline struct slice old_element_value(const struct old_element *element) {
    return slice_of(element->bytes + element->key_len, element->value_len);
}

/* -- walk_groups.c --------------------------------------------------------------------------- */

struct old_groups *old_groups_new(const struct stream *stream);
void old_groups_free(struct keyspace *keyspace, struct old_groups *groups);
/* Before it changes; returns the bytes that this took. */
size_t old_groups_save(
    struct old_groups *groups, const struct stream_group *live, struct stream_id id);
uint64_t old_groups_count(const struct old_groups *groups);
/* Goes on; those that are passed are freed. true: that was all. */
bool old_groups_show(struct keyspace *keyspace, const struct walk_sink *sink,
    struct old_groups *groups, const struct stream *stream, uint64_t *budget);

/* -- walk_show.c ----------------------------------------------------------------------------- */

/* A value that is shown as a whole: the object's, or, for a collection, what `value` says. */
void show_whole(const struct walk_sink *sink, const struct keyspace *keyspace,
    const struct walk_key *key, const struct object *object, void *value, uint64_t *budget);
/* Goes on with a large one; true: that was all. */
bool show_some(
    const struct walk_sink *sink, const struct walk_key *key, struct undo *undo, uint64_t *budget);

/* -- for the saved tables -------------------------------------------------------------------- */

#define SAVED_UNDO ((uintptr_t)1)

static inline struct undo *saved_undo(const void *item) {
    uintptr_t address = (uintptr_t)item;
    return (address & SAVED_UNDO) == 0 ? NULL : (struct undo *)(address & ~SAVED_UNDO);
}
static inline const struct object *saved_object(const void *item) {
    const struct undo *undo = saved_undo(item);
    return undo == NULL ? item : undo->shell;
}
void saved_free(struct keyspace *keyspace, void *item);

#endif
