/* How a walk shows a value: a small one at once, a large one piece by piece. */
#include "keyspace/db.h"
#include "keyspace/element.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"

#define BYTES_A_UNIT 64
#define TEXT_PIECE ((uint64_t)16 << 10)

static void spend(uint64_t *budget, uint64_t bytes) {
    uint64_t cost = 1 + bytes / BYTES_A_UNIT;
    *budget -= SF_MIN(*budget, cost);
}

void show_whole(const struct walk_sink *sink, const struct keyspace *keyspace,
    const struct walk_key *key, const struct object *object, void *value, uint64_t *budget) {
    char scratch[OBJECT_TEXT_MAX];
    if (key->type == OBJECT_STRING) {
        struct slice text = object_string(object, scratch);
        if (sink->value != NULL) sink->value(sink->context, key, text, NULL);
        spend(budget, key->key.len + text.len);
        return;
    }
    struct collection held = {.types = &keyspace->collections,
        .type = key->type,
        .encoding = key->encoding,
        .value = value};
    if (sink->value != NULL) sink->value(sink->context, key, slice_of(NULL, 0), &held);
    spend(budget, object_bytes(object));
}

/* -- text ------------------------------------------------------------------------------------ */

static bool show_text(const struct walk_sink *sink, struct undo *undo, uint64_t *budget) {
    enum { PAGE_BYTES = 64 << 10 };
    const struct block *block = undo->tracked->value;
    while (undo->next < undo->n) {
        if (*budget == 0) return false;
        uint64_t in_page = undo->next % PAGE_BYTES;
        const char *page = undo->pages[undo->next / PAGE_BYTES];
        uint64_t len = SF_MIN(PAGE_BYTES - in_page, undo->n - undo->next);
        len = SF_MIN(len, TEXT_PIECE);
        const char *from = page == NULL ? block->data + undo->next : page + in_page;
        if (sink->large_text != NULL) sink->large_text(sink->context, slice_of(from, len));
        undo->next += len;
        spend(budget, len);
    }
    return true;
}

/* -- elements -------------------------------------------------------------------------------- */

/* Where the walk is in a set, hash or sorted set: the next element that is there now, and the next
 * one that was there or came since. */
struct element_walk {
    struct undo *undo;
    struct table_iterator live, old;
    const void *live_item;
    const struct old_element *old_item;
    uint64_t live_hash, old_hash;
};

static struct slice live_key(const struct element_walk *at) {
    return at->undo->tracked->type == OBJECT_ZSET ? sorted_element_member(at->live_item)
                                                  : element_key(at->live_item);
}

static void next_live(struct element_walk *at) {
    at->live_item = table_next(&at->live);
    if (at->live_item != NULL) at->live_hash = table_hash(at->undo->elements.type, live_key(at));
}

static void next_old(struct element_walk *at) {
    at->old_item = table_next(&at->old);
    if (at->old_item != NULL)
        at->old_hash = table_hash(at->undo->elements.type, old_element_key(at->old_item));
}

static struct element_walk elements_from(struct undo *undo) {
    const void *value = undo->tracked->value;
    const struct table *live = undo->tracked->type == OBJECT_ZSET
                                   ? &((const struct sorted_set *)value)->members
                                   : &((const struct element_table *)value)->table;
    uint64_t from = undo->has_begun ? undo->next + 1 : 0;
    struct element_walk at = {
        .undo = undo, .live = table_seek(live, from), .old = table_seek(&undo->elements, from)};
    next_live(&at);
    next_old(&at);
    return at;
}

static void show_live(const struct walk_sink *sink, const struct element_walk *at) {
    enum object_type type = at->undo->tracked->type;
    struct slice key = live_key(at), value = {NULL, 0};
    double number = element_number(at->undo->tracked, at->live_item);
    if (type == OBJECT_HASH) value = element_value(at->live_item);
    if (sink->large_element != NULL) sink->large_element(sink->context, key, value, number);
}

static void show_old(const struct walk_sink *sink, const struct old_element *old) {
    if (!old->was_there || sink->large_element == NULL) return;
    sink->large_element(sink->context, old_element_key(old), old_element_value(old), old->number);
}

/* All elements of the next hash: nearly always one. */
static uint64_t show_hash(const struct walk_sink *sink, struct element_walk *at, uint64_t hash) {
    uint64_t bytes = 0;
    while (at->old_item != NULL && at->old_hash == hash) {
        show_old(sink, at->old_item);
        bytes += at->old_item->key_len + at->old_item->value_len;
        next_old(at);
    }
    while (at->live_item != NULL && at->live_hash == hash) {
        struct slice key = live_key(at);
        bytes += key.len;
        if (table_size(&at->undo->elements) == 0 ||
            table_find(&at->undo->elements, hash, key) == NULL)
            show_live(sink, at);
        next_live(at);
    }
    return bytes;
}

static bool show_elements(const struct walk_sink *sink, struct undo *undo, uint64_t *budget) {
    struct element_walk at = elements_from(undo);
    while (at.live_item != NULL || at.old_item != NULL) {
        if (*budget == 0) return false;
        uint64_t hash = at.live_item == NULL ? at.old_hash : at.live_hash;
        if (at.old_item != NULL) hash = SF_MIN(hash, at.old_hash);
        spend(budget, show_hash(sink, &at, hash));
        undo->next = hash;
        undo->has_begun = true;
        if (hash == UINT64_MAX) break;
    }
    undo->all_passed = true;
    return true;
}

/* -- lists ----------------------------------------------------------------------------------- */

static bool show_blocks(const struct walk_sink *sink, struct undo *undo, uint64_t *budget) {
    for (;;) {
        if (*budget == 0) return false;
        const struct listpack *packed = quicklist_next_block(undo->blocks, &undo->at_block);
        if (packed == NULL) return true;
        struct slice image = listpack_image(packed);
        if (sink->large_block != NULL) sink->large_block(sink->context, image, false);
        spend(budget, image.len);
    }
}

/* -- streams --------------------------------------------------------------------------------- */

static void show_node(const struct walk_sink *sink, const struct stream_node *node) {
    struct slice image = listpack_image(node->packed);
    if (sink->large_node != NULL)
        sink->large_node(sink->context, node->master.ms, node->master.seq, image);
}

static void pass_node(
    const struct walk_sink *sink, struct undo *undo, const struct stream_node *node) {
    if (node->packed != NULL) show_node(sink, node);
    undo->next_id = node->master;
    undo->has_begun = true;
}

static bool show_nodes(const struct walk_sink *sink, struct undo *undo, uint64_t *budget) {
    const struct stream *stream = undo->tracked->value;
    struct btree_cursor at_live, at_old;
    struct stream_id from = undo->next_id;
    if (undo->has_begun) stream_id_increment(&from); /* no node begins at the last id twice */
    struct stream_node probe = {.master = from};
    const struct stream_node *live = stream_log_node_from(&stream->log, from, &at_live);
    const struct stream_node *old = btree_lower_bound(&undo->nodes, NULL, &probe, &at_old, NULL);
    while (!undo->all_passed) {
        if (*budget == 0) return false;
        if (live == NULL && old == NULL) break;
        int order = old == NULL ? -1 : 1;
        if (live != NULL && old != NULL) order = stream_id_compare(live->master, old->master);
        const struct stream_node *next = order < 0 ? live : old;
        spend(budget, next->packed == NULL ? 0 : listpack_bytes(next->packed));
        pass_node(sink, undo, next);
        if (order <= 0) live = btree_next(&at_live);
        if (order >= 0) old = btree_next(&at_old);
    }
    undo->all_passed = true;
    return true;
}

static struct collection rest_of(const struct undo *undo) {
    return (struct collection){.types = &undo->walk->keyspace->collections,
        .type = OBJECT_STREAM,
        .encoding = ENCODING_STREAM,
        .value = undo->rest};
}

/* A sink that puts the groups into a stream, for who wants them there. */
struct group_builder {
    struct stream *stream;
    struct stream_group *group;
    struct stream_consumer *consumer; /* NULL: the group's entries, which come again */
};

static void build_group(void *context, const struct walk_group *group) {
    struct group_builder *builder = context;
    struct stream_id last = {group->last_ms, group->last_seq};
    builder->group = stream_group_create(builder->stream, group->name, last, group->entries_read);
    builder->consumer = NULL;
}

static void build_consumer(void *context, const struct walk_consumer *consumer) {
    struct group_builder *builder = context;
    builder->consumer =
        stream_consumer_create(builder->stream, builder->group, consumer->name, consumer->seen_ms);
    builder->consumer->active_ms = consumer->active_ms;
}

static void build_pending(void *context, const struct walk_pending *pending) {
    struct group_builder *builder = context;
    struct stream_id id = {pending->ms, pending->seq};
    if (builder->consumer == NULL) return;
    stream_pending_add(
        builder->stream, builder->group, builder->consumer, id, pending->delivered_ms)
        ->n_deliveries = pending->n_deliveries;
}

static void begin_rest(const struct walk_sink *sink, struct undo *undo) {
    if (undo->groups == NULL) undo->groups = old_groups_new(undo->tracked->value);
    struct collection rest = rest_of(undo);
    if (sink->large_stream != NULL)
        sink->large_stream(sink->context, &rest, old_groups_count(undo->groups));
    undo->in_groups = true;
}

/* What stands behind the nodes. */
static bool show_rest(
    const struct walk_sink *sink, const struct walk_key *key, struct undo *undo, uint64_t *budget) {
    struct keyspace *keyspace = undo->walk->keyspace;
    const struct stream *stream = undo->tracked->value;
    struct collection rest = rest_of(undo);
    struct group_builder builder = {.stream = undo->rest};
    struct walk_sink builds = {&builder, .large_group = build_group,
        .large_consumer = build_consumer, .large_pending = build_pending};
    uint64_t unlimited = UINT64_MAX;
    if (!undo->in_groups) begin_rest(sink, undo);
    if (sink->large_stream == NULL)
        old_groups_show(keyspace, &builds, undo->groups, stream, &unlimited);
    else if (!old_groups_show(keyspace, sink, undo->groups, stream, budget))
        return false;
    if (sink->large_end != NULL) sink->large_end(sink->context, key, &rest);
    return true;
}

/* -------------------------------------------------------------------------------------------- */

bool show_some(
    const struct walk_sink *sink, const struct walk_key *key, struct undo *undo, uint64_t *budget) {
    bool is_all = key->type == OBJECT_STRING   ? show_text(sink, undo, budget)
                  : key->type == OBJECT_LIST   ? show_blocks(sink, undo, budget)
                  : key->type == OBJECT_STREAM ? show_nodes(sink, undo, budget)
                                               : show_elements(sink, undo, budget);
    if (!is_all) return false;
    if (key->type == OBJECT_STREAM) return show_rest(sink, key, undo, budget);
    if (sink->large_end != NULL) sink->large_end(sink->context, key, NULL);
    return true;
}
