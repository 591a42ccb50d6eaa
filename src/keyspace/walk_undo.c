/* Large values that change while walks have still to show them: what changes is kept as it was. */
#include "keyspace/db.h"
#include "keyspace/element.h"
#include "keyspace/forms.h"
#include "keyspace/stream.h"

/* -- tracked values -------------------------------------------------------------------------- */

static struct slice address_of(void *const *value) {
    return slice_of(value, sizeof *value);
}

struct tracked *tracked_find(const struct keyspace *keyspace, const void *value) {
    const struct table *table = &keyspace->walks.tracked;
    void *address = (void *)(uintptr_t)value;
    if (table_size(table) == 0) return NULL;
    struct slice key = address_of(&address);
    return table_find(table, table_hash(table->type, key), key);
}

static void enter(struct tracked *tracked) {
    struct table *table = &tracked->keyspace->walks.tracked;
    const void *replaced =
        table_put(table, table_hash(table->type, address_of(&tracked->value)), tracked);
    SF_ASSERT(replaced == NULL);
}

static void take_out(struct tracked *tracked) {
    struct table *table = &tracked->keyspace->walks.tracked;
    struct slice key = address_of(&tracked->value);
    const void *removed = table_remove(table, table_hash(table->type, key), key);
    SF_ASSERT(removed == tracked);
}

static bool node_changes(void *context, struct stream_node *node, enum stream_node_change change);

static struct tracked *tracked_for(struct keyspace *keyspace, const struct object *object) {
    struct tracked *tracked = tracked_find(keyspace, object_value(object));
    if (tracked != NULL) return tracked;
    tracked = sf_alloc_zero(1, sizeof *tracked);
    *tracked = (struct tracked){.value = object_value(object),
        .type = object_type(object),
        .encoding = object_encoding(object),
        .keyspace = keyspace,
        .watcher = {tracked, node_changes}};
    if (tracked->type == OBJECT_STREAM)
        ((struct stream *)tracked->value)->log.watcher = &tracked->watcher;
    enter(tracked);
    keyspace->walks.n_active++;
    return tracked;
}

static size_t value_bytes(const struct tracked *tracked) {
    if (tracked->type == OBJECT_STRING)
        return sizeof(struct block) + ((struct block *)tracked->value)->cap;
    return collection_form(tracked->type, tracked->encoding)->bytes(tracked->value);
}

void tracked_detach(struct tracked *tracked) {
    SF_ASSERT(!tracked->is_detached);
    tracked->is_detached = true;
    tracked->bytes = value_bytes(tracked);
    tracked->keyspace->walks.detached_bytes += tracked->bytes;
}

void tracked_move(struct tracked *tracked, void *value, enum object_encoding encoding) {
    take_out(tracked);
    tracked->value = value;
    tracked->encoding = encoding;
    enter(tracked);
}

void tracked_part_ways(struct tracked *tracked) {
    const struct collection_form *form = collection_form(tracked->type, tracked->encoding);
    SF_ASSERT(!tracked->is_detached && encoding_is_packed(tracked->encoding));
    void *copy = form->copy(&tracked->keyspace->collections, tracked->value);
    tracked_move(tracked, copy, tracked->encoding);
    tracked_detach(tracked);
}

static void tracked_free(struct tracked *tracked) {
    struct keyspace *keyspace = tracked->keyspace;
    take_out(tracked);
    keyspace->walks.n_active--;
    if (tracked->type == OBJECT_STREAM) ((struct stream *)tracked->value)->log.watcher = NULL;
    if (tracked->is_detached) {
        keyspace->walks.detached_bytes -= tracked->bytes;
        if (tracked->type == OBJECT_STRING)
            sf_free(tracked->value);
        else
            keyspace_discard(keyspace, collection_form(tracked->type, tracked->encoding),
                tracked->value, tracked->bytes);
    }
    sf_free(tracked);
}

/* -- undos ----------------------------------------------------------------------------------- */

#define PAGE_BYTES ((size_t)64 << 10)

static size_t n_pages(const struct undo *undo) {
    return undo->n / PAGE_BYTES + (undo->n % PAGE_BYTES != 0);
}

static int compare_nodes(const void *context, const void *a, const void *b) {
    (void)context;
    const struct stream_node *one = a, *other = b;
    return stream_id_compare(one->master, other->master);
}

static const struct btree_type nodes_type = {compare_nodes, NULL};

static void keep_stream(struct undo *undo, const struct stream *stream) {
    struct collection rest = stream_new(&undo->walk->keyspace->collections);
    undo->n = stream->log.nodes.n;
    undo->rest = rest.value;
    undo->rest->first = stream->first;
    undo->rest->last = stream->last;
    undo->rest->max_deleted = stream->max_deleted;
    undo->rest->entries_added = stream->entries_added;
}

struct undo *undo_new(struct walk *walk, const struct object *object) {
    struct undo *undo = sf_alloc_zero(1, sizeof *undo);
    enum object_encoding encoding = object_encoding(object);
    void *value = object_value(object);
    undo->walk = walk;
    undo->shell = object_shell(walk->keyspace->collections.pool, object);
    undo->bytes = sizeof *undo;
    walk->n_undos++;
    walk->bytes += undo->bytes;
    table_init(&undo->elements, &walk->keyspace->walks.element_type);
    btree_init(&undo->nodes, &nodes_type);
    if (encoding == ENCODING_QUICKLIST) {
        undo->blocks = quicklist_share(value);
        undo->n = quicklist_blocks(value);
        return undo;
    }
    undo->tracked = tracked_for(walk->keyspace, object);
    undo->next_of_value = undo->tracked->undos;
    undo->tracked->undos = undo;
    if (object_type(object) == OBJECT_STREAM) {
        keep_stream(undo, value);
    } else if (object_type(object) == OBJECT_STRING) {
        undo->n = ((const struct block *)value)->len;
        undo->pages = sf_alloc_zero(n_pages(undo), sizeof *undo->pages);
    } else {
        undo->n = collection_form(object_type(object), encoding)->size(value);
    }
    return undo;
}

static void drop_element(void *keyspace, void *element) {
    (void)keyspace;
    sf_free(element);
}

static void drop_node(void *keyspace, void *node) {
    (void)keyspace;
    const struct stream_node *kept = node;
    if (kept->packed == NULL)
        sf_free(node);
    else
        stream_node_free(node);
}

static void leave_tracked(struct undo *undo) {
    struct tracked *tracked = undo->tracked;
    struct undo **at = &tracked->undos;
    while (*at != undo) at = &(*at)->next_of_value;
    *at = undo->next_of_value;
    if (tracked->undos == NULL) tracked_free(tracked);
}

void undo_free(struct undo *undo) {
    struct walk *walk = undo->walk;
    struct keyspace *keyspace = walk->keyspace;
    if (undo->tracked != NULL) leave_tracked(undo);
    if (table_size(&undo->elements) > 0 || undo->nodes.n > 0)
        keyspace_set_aside(keyspace, (struct garbage){.table = undo->elements,
                                         .index = undo->nodes,
                                         .drop = drop_element,
                                         .drop_indexed = drop_node});
    for (size_t i = 0; undo->pages != NULL && i < n_pages(undo); i++) sf_free(undo->pages[i]);
    if (undo->blocks != NULL) keyspace_discard(keyspace, &list_quicklist_form, undo->blocks, 0);
    if (undo->groups != NULL) old_groups_free(keyspace, undo->groups);
    if (undo->rest != NULL) stream_form.free(undo->rest);
    sf_free(undo->pages);
    object_free(keyspace->collections.pool, undo->shell);
    walk->bytes -= undo->bytes;
    walk->n_undos--;
    sf_free(undo);
}

static void note_bytes(struct undo *undo, size_t bytes) {
    undo->bytes += bytes;
    undo->walk->bytes += bytes;
}

/* -- elements -------------------------------------------------------------------------------- */

/* What the value has under that key; NULL: nothing. */
static const void *element_find(const struct tracked *tracked, uint64_t hash, struct slice key) {
    if (tracked->type == OBJECT_ZSET)
        return table_find(&((struct sorted_set *)tracked->value)->members, hash, key);
    return table_find(&((struct element_table *)tracked->value)->table, hash, key);
}

double element_number(const struct tracked *tracked, const void *element) {
    if (tracked->type == OBJECT_ZSET) return ((const struct sorted_element *)element)->score;
    int64_t due_ms = tracked->type == OBJECT_HASH ? element_due_ms(element) : NO_DUE;
    return due_ms == NO_DUE ? 0 : (double)due_ms;
}

static struct old_element *old_element(
    const struct tracked *tracked, struct slice key, const void *held) {
    struct slice value = {NULL, 0};
    if (held != NULL && tracked->type == OBJECT_HASH) value = element_value(held);
    struct old_element *old = sf_alloc(sizeof *old + key.len + value.len);
    *old = (struct old_element){
        .key_len = (uint32_t)key.len, .value_len = (uint32_t)value.len, .was_there = held != NULL};
    if (held != NULL) old->number = element_number(tracked, held);
    if (key.len > 0) memcpy(old->bytes, key.data, key.len);
    if (value.len > 0) memcpy(old->bytes + key.len, value.data, value.len);
    return old;
}

void tracked_element_changes(struct tracked *tracked, struct slice key) {
    if (encoding_is_packed(tracked->encoding)) return;
    uint64_t hash = table_hash(&tracked->keyspace->walks.element_type, key);
    for (struct undo *undo = tracked->undos; undo != NULL; undo = undo->next_of_value) {
        if (undo->walk->has_ended || undo->all_passed) continue;
        if (undo->has_begun && hash <= undo->next) continue;
        if (table_find(&undo->elements, hash, key) != NULL) continue;
        struct old_element *old = old_element(tracked, key, element_find(tracked, hash, key));
        table_put(&undo->elements, hash, old);
        note_bytes(undo, sizeof *old + old->key_len + old->value_len);
    }
}

/* -- text ------------------------------------------------------------------------------------ */

void tracked_bytes_change(struct tracked *tracked, size_t from, size_t end) {
    const struct block *block = tracked->value;
    for (struct undo *undo = tracked->undos; undo != NULL; undo = undo->next_of_value) {
        size_t first = SF_MAX(from, (size_t)undo->next) / PAGE_BYTES;
        if (undo->walk->has_ended) continue;
        for (size_t page = first; page * PAGE_BYTES < SF_MIN(end, undo->n); page++) {
            if (undo->pages[page] != NULL) continue;
            size_t len = SF_MIN(PAGE_BYTES, undo->n - page * PAGE_BYTES);
            undo->pages[page] = sf_alloc(len);
            memcpy(undo->pages[page], block->data + page * PAGE_BYTES, len);
            note_bytes(undo, len);
        }
    }
}

/* -- nodes and groups of streams ------------------------------------------------------------- */

static bool wants_node(const struct undo *undo, const struct stream_node *node) {
    if (undo->walk->has_ended || undo->all_passed) return false;
    if (undo->has_begun && stream_id_compare(node->master, undo->next_id) <= 0) return false;
    return btree_find(&undo->nodes, node) == NULL;
}

/* In the place of a node that was not there. */
static struct stream_node *no_node(struct stream_id master) {
    struct stream_node *node = sf_alloc(sizeof *node);
    *node = (struct stream_node){master, NULL};
    return node;
}

/* A node that goes is handed over to the first who wants it. */
static bool node_changes(void *context, struct stream_node *node, enum stream_node_change change) {
    const struct tracked *tracked = context;
    bool is_given = false;
    for (struct undo *undo = tracked->undos; undo != NULL; undo = undo->next_of_value) {
        if (!wants_node(undo, node)) continue;
        struct stream_node *kept = node;
        if (change == NODE_COMES)
            kept = no_node(node->master);
        else if (change == NODE_CHANGES || is_given)
            kept = stream_node_copy(node);
        is_given |= kept == node;
        btree_insert(&undo->nodes, kept);
        note_bytes(undo, change == NODE_COMES ? sizeof *kept : stream_node_bytes(node));
    }
    return is_given;
}

void tracked_groups_change(struct tracked *tracked) {
    const struct stream *stream = tracked->value;
    for (struct undo *undo = tracked->undos; undo != NULL; undo = undo->next_of_value) {
        if (undo->walk->has_ended || undo->groups != NULL) continue;
        undo->groups = old_groups_new(stream);
        note_bytes(undo, stream->name_bytes);
    }
}

void tracked_pending_changes(
    struct tracked *tracked, const struct stream_group *group, struct stream_id id) {
    for (struct undo *undo = tracked->undos; undo != NULL; undo = undo->next_of_value) {
        if (undo->walk->has_ended) continue;
        SF_ASSERT(undo->groups != NULL); /* stream_groups_to_change came first */
        note_bytes(undo, old_groups_save(undo->groups, group, id));
    }
}
