/* The groups of a large stream as they were: groups and consumers are few and are copied when the
 * first of them changes; pending entries may be many, and are kept one by one as they change. */
#include "keyspace/db.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"

struct old_consumer {
    struct btree pending; /* of the group's, those that were its own */
    int64_t seen_ms, active_ms;
    uint64_t n_pending; /* as it was; most are still in the stream */
    uint32_t name_len;
    char name[];
};

struct old_pending {
    struct stream_id id;
    struct old_consumer *consumer; /* NULL: it was not pending */
    int64_t delivered_ms;
    uint64_t n_deliveries;
};

struct old_group {
    struct btree pending; /* struct old_pending: what has changed */
    struct btree consumers;
    struct stream_id last;
    int64_t entries_read;
    uint64_t n_pending;
    uint32_t name_len;
    char name[];
};

/* With the place of the walk in them. */
struct old_groups {
    struct btree all; /* not passed yet */
    enum { BEFORE_GROUP, IN_GROUP, IN_CONSUMER } place;
    uint64_t consumer; /* its rank */
    bool has_last;
    struct stream_id last; /* shown up to here */
};

static struct slice group_name(const struct old_group *group) {
    return slice_of(group->name, group->name_len);
}

static struct slice consumer_name(const struct old_consumer *consumer) {
    return slice_of(consumer->name, consumer->name_len);
}

static int compare_groups(const void *context, const void *a, const void *b) {
    (void)context;
    return slice_compare(group_name(a), group_name(b));
}

static int compare_group_name(const void *context, const void *name, const void *group) {
    (void)context;
    return slice_compare(*(const struct slice *)name, group_name(group));
}

static int compare_consumers(const void *context, const void *a, const void *b) {
    (void)context;
    return slice_compare(consumer_name(a), consumer_name(b));
}

static int compare_consumer_name(const void *context, const void *name, const void *consumer) {
    (void)context;
    return slice_compare(*(const struct slice *)name, consumer_name(consumer));
}

static int compare_pending(const void *context, const void *a, const void *b) {
    (void)context;
    const struct old_pending *one = a, *other = b;
    return stream_id_compare(one->id, other->id);
}

static const struct btree_type groups_type = {compare_groups, NULL};
static const struct btree_type consumers_type = {compare_consumers, NULL};
static const struct btree_type pending_type = {compare_pending, NULL};

/* -- making and freeing ---------------------------------------------------------------------- */

static struct old_group *old_group(const struct stream_group *live) {
    struct old_group *group = sf_alloc(sizeof *group + live->name_len);
    *group = (struct old_group){.last = live->last,
        .entries_read = live->entries_read,
        .n_pending = live->pending.n,
        .name_len = live->name_len};
    memcpy(group->name, live->name, live->name_len);
    btree_init(&group->pending, &pending_type);
    btree_init(&group->consumers, &consumers_type);
    struct btree_cursor cursor;
    for (const struct stream_consumer *of = btree_seek(&live->consumers, 0, &cursor); of != NULL;
         of = btree_next(&cursor)) {
        struct old_consumer *consumer = sf_alloc(sizeof *consumer + of->name_len);
        *consumer = (struct old_consumer){.seen_ms = of->seen_ms,
            .active_ms = of->active_ms,
            .n_pending = of->pending.n,
            .name_len = of->name_len};
        memcpy(consumer->name, of->name, of->name_len);
        btree_init(&consumer->pending, &pending_type);
        btree_insert(&group->consumers, consumer);
    }
    return group;
}

struct old_groups *old_groups_new(const struct stream *stream) {
    struct old_groups *groups = sf_alloc_zero(1, sizeof *groups);
    struct btree_cursor cursor;
    btree_init(&groups->all, &groups_type);
    for (const struct stream_group *live = stream_group_first(stream, &cursor); live != NULL;
         live = btree_next(&cursor))
        btree_insert(&groups->all, old_group(live));
    return groups;
}

static void drop_item(void *keyspace, void *item) {
    (void)keyspace;
    sf_free(item);
}

/* What may be many is left to the garbage. */
static void group_free(struct keyspace *keyspace, struct old_group *group) {
    struct old_consumer *consumer;
    while ((consumer = btree_first(&group->consumers)) != NULL) {
        if (consumer->pending.n > 0)
            keyspace_set_aside(keyspace, (struct garbage){.index = consumer->pending});
        btree_remove(&group->consumers, consumer);
        sf_free(consumer);
    }
    if (group->pending.n > 0)
        keyspace_set_aside(
            keyspace, (struct garbage){.index = group->pending, .drop_indexed = drop_item});
    sf_free(group);
}

static void pass_group(struct keyspace *keyspace, struct old_groups *groups) {
    struct old_group *group = btree_first(&groups->all);
    btree_remove(&groups->all, group);
    group_free(keyspace, group);
    groups->place = BEFORE_GROUP;
}

void old_groups_free(struct keyspace *keyspace, struct old_groups *groups) {
    while (groups->all.n > 0) pass_group(keyspace, groups);
    sf_free(groups);
}

/* -- before something changes ---------------------------------------------------------------- */

static struct old_group *find_group(const struct old_groups *groups, struct slice name) {
    struct old_group *found =
        btree_lower_bound(&groups->all, compare_group_name, &name, NULL, NULL);
    return found != NULL && slice_equal(group_name(found), name) ? found : NULL;
}

size_t old_groups_save(
    struct old_groups *groups, const struct stream_group *live, struct stream_id id) {
    struct old_group *group = find_group(groups, stream_group_name(live));
    struct old_pending probe = {.id = id};
    if (group == NULL || btree_find(&group->pending, &probe) != NULL) return 0;
    const struct stream_pending *now = stream_pending_find(live, id);
    struct old_pending *old = sf_alloc(sizeof *old);
    *old = probe;
    if (now != NULL) {
        struct slice name = stream_consumer_name(now->consumer);
        old->delivered_ms = now->delivered_ms;
        old->n_deliveries = now->n_deliveries;
        old->consumer =
            btree_lower_bound(&group->consumers, compare_consumer_name, &name, NULL, NULL);
        SF_ASSERT(old->consumer != NULL && slice_equal(consumer_name(old->consumer), name));
        btree_insert(&old->consumer->pending, old);
    }
    btree_insert(&group->pending, old);
    return sizeof *old;
}

/* -- showing --------------------------------------------------------------------------------- */

static void show_pending(const struct walk_sink *sink, struct stream_id id, int64_t delivered_ms,
    uint64_t n_deliveries) {
    struct walk_pending shown = {id.ms, id.seq, delivered_ms, n_deliveries};
    if (sink->large_pending != NULL) sink->large_pending(sink->context, &shown);
}

/* Goes on in a tree of live entries (NULL: there is none any more) and in the old ones that belong
 * there; changed: of all that are not as they were. true: that was all. */
static bool show_tree(const struct walk_sink *sink, struct old_groups *groups,
    const struct btree *live_tree, const struct btree *old_tree, const struct btree *changed,
    uint64_t *budget) {
    struct btree_cursor at_live, at_old;
    struct stream_id from = groups->last;
    if (groups->has_last && !stream_id_increment(&from)) return true;
    if (!groups->has_last) from = STREAM_ID_MIN;
    struct old_pending probe = {.id = from};
    const struct stream_pending *live =
        live_tree == NULL ? NULL : stream_pending_seek(live_tree, from, &at_live);
    const struct old_pending *old = btree_lower_bound(old_tree, NULL, &probe, &at_old, NULL);
    while (live != NULL || old != NULL) {
        if (*budget == 0) return false;
        --*budget;
        bool is_old = live == NULL || (old != NULL && stream_id_compare(old->id, live->id) <= 0);
        groups->has_last = true;
        groups->last = is_old ? old->id : live->id;
        if (is_old) {
            if (old->consumer != NULL)
                show_pending(sink, old->id, old->delivered_ms, old->n_deliveries);
            old = btree_next(&at_old);
            continue;
        }
        probe.id = live->id;
        if (changed->n == 0 || btree_find(changed, &probe) == NULL)
            show_pending(sink, live->id, live->delivered_ms, live->n_deliveries);
        live = btree_next(&at_live);
    }
    return true;
}

static void begin_group(
    const struct walk_sink *sink, struct old_groups *groups, const struct old_group *group) {
    struct walk_group shown = {group_name(group), group->last.ms, group->last.seq,
        group->entries_read, group->n_pending, group->consumers.n};
    if (sink->large_group != NULL) sink->large_group(sink->context, &shown);
    groups->place = IN_GROUP;
    groups->consumer = 0;
    groups->has_last = false;
}

static void begin_consumer(
    const struct walk_sink *sink, struct old_groups *groups, const struct old_group *group) {
    const struct old_consumer *consumer = btree_at(&group->consumers, groups->consumer);
    struct walk_consumer shown = {
        consumer_name(consumer), consumer->seen_ms, consumer->active_ms, consumer->n_pending};
    if (sink->large_consumer != NULL) sink->large_consumer(sink->context, &shown);
    groups->place = IN_CONSUMER;
    groups->has_last = false;
}

/* The pending entries of the group, or of the consumer, in which the walk is. */
static bool show_place(const struct walk_sink *sink, struct old_groups *groups,
    const struct old_group *group, const struct stream_group *live, uint64_t *budget) {
    if (groups->place == IN_GROUP)
        return show_tree(sink, groups, live == NULL ? NULL : &live->pending, &group->pending,
            &group->pending, budget);
    const struct old_consumer *consumer = btree_at(&group->consumers, groups->consumer);
    const struct stream_consumer *now =
        live == NULL ? NULL : stream_consumer_find(live, consumer_name(consumer));
    return show_tree(sink, groups, now == NULL ? NULL : &now->pending, &consumer->pending,
        &group->pending, budget);
}

uint64_t old_groups_count(const struct old_groups *groups) {
    return groups->all.n;
}

bool old_groups_show(struct keyspace *keyspace, const struct walk_sink *sink,
    struct old_groups *groups, const struct stream *stream, uint64_t *budget) {
    const struct old_group *group;
    while ((group = btree_first(&groups->all)) != NULL) {
        if (*budget == 0) return false;
        --*budget;
        const struct stream_group *live = stream_group_find(stream, group_name(group));
        if (groups->place == BEFORE_GROUP) begin_group(sink, groups, group);
        if (!show_place(sink, groups, group, live, budget)) return false;
        if (groups->place == IN_CONSUMER) groups->consumer++;
        if (groups->consumer < group->consumers.n)
            begin_consumer(sink, groups, group);
        else
            pass_group(keyspace, groups);
    }
    return true;
}
