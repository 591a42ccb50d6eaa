/* Puts a keyspace together from what a walk shows. */
#ifndef SF_TESTS_UNIT_KEYSPACE_REBUILD_H
#define SF_TESTS_UNIT_KEYSPACE_REBUILD_H

#include "data/quicklist.h"
#include "data/stream_node.h"
#include "keyspace/db.h"
#include "keyspace/due_table.h"
#include "keyspace/element.h"
#include "keyspace/hash.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"
#include "keyspace/walk.h"

#include "unit/check.h"

struct rebuild {
    struct keyspace *keyspace;
    struct walk_sink sink;
    struct collection large;
    struct buf text;
    uint64_t n_expected, n_seen; /* of the large value's parts */
    uint64_t n_large, n_keys;
    bool is_inside;
    struct stream_group *group; /* in pieces */
    struct stream_consumer *consumer;
    uint64_t n_groups, n_consumers, n_pending, n_own; /* still to come */
    bool had_db;                                      /* each key belongs to the db shown last */
    uint32_t db;
};

static inline void rebuild_enter(
    struct rebuild *rebuild, const struct walk_key *key, struct object *object) {
    struct db *db = keyspace_db(rebuild->keyspace, key->db);
    assert_true(rebuild->had_db && rebuild->db == key->db);
    assert_true(key->hash == table_hash(&rebuild->keyspace->keys, key->key));
    assert_null(db_find_even_dead(db, key->key));
    object_set_revision(object, key->revision);
    db_enter(db, key->hash, object);
    rebuild->n_keys++;
}

static inline void rebuild_enter_text(
    struct rebuild *rebuild, const struct walk_key *key, struct slice text) {
    struct string_value value = {.encoding = key->encoding, .bytes = text};
    if (key->encoding == ENCODING_INT) value = string_value_of(text);
    assert_int_equal(value.encoding, key->encoding);
    rebuild_enter(rebuild, key,
        object_new(rebuild->keyspace->collections.pool, key->key, &value, key->due_ms));
}

static inline void rebuild_enter_collection(
    struct rebuild *rebuild, const struct walk_key *key, struct collection *collection) {
    const struct collection_form *form = collection_form(key->type, key->encoding);
    struct object *object = object_new_collection(rebuild->keyspace->collections.pool, key->key,
        collection, form->bytes(collection->value), key->due_ms);
    rebuild_enter(rebuild, key, object);
}

static inline void rebuild_db(void *context, const struct walk_db *db) {
    struct rebuild *rebuild = context;
    assert_false(rebuild->is_inside);
    assert_true(!rebuild->had_db || db->number > rebuild->db);
    rebuild->had_db = true;
    rebuild->db = db->number;
    keyspace_db(rebuild->keyspace, db->number)->floor = db->floor;
}

static inline void rebuild_cell(void *context, uint32_t db, uint32_t index, uint64_t revision) {
    struct rebuild *rebuild = context;
    assert_true(rebuild->had_db && rebuild->db == db && !rebuild->is_inside);
    db_raise_cell(keyspace_db(rebuild->keyspace, db), (uint64_t)index << 48, revision);
}

static inline void rebuild_value(void *context, const struct walk_key *key, struct slice text,
    const struct collection *collection) {
    struct rebuild *rebuild = context;
    assert_false(rebuild->is_inside);
    if (collection == NULL) {
        rebuild_enter_text(rebuild, key, text);
        return;
    }
    struct buf image = {0};
    const struct collection_form *form = collection_form(key->type, key->encoding);
    form->put(collection->value, &image);
    struct reader in = reader_of(buf_slice(&image));
    struct collection copy = {.types = &rebuild->keyspace->collections,
        .type = key->type,
        .encoding = key->encoding,
        .value = form->read(&rebuild->keyspace->collections, &in)};
    if (copy.value == NULL) fail_msg("type %d encoding %d", (int)key->type, (int)key->encoding);
    rebuild_enter_collection(rebuild, key, &copy);
    buf_free(&image);
}

static inline void rebuild_large_begin(void *context, const struct walk_key *key, uint64_t n) {
    struct rebuild *rebuild = context;
    const struct collection_types *types = &rebuild->keyspace->collections;
    assert_false(rebuild->is_inside);
    rebuild->is_inside = true;
    rebuild->n_expected = n;
    rebuild->n_seen = 0;
    rebuild->n_large++;
    struct collection *large = &rebuild->large;
    *large = (struct collection){.types = types, .type = key->type, .encoding = key->encoding};
    if (key->type == OBJECT_SET) large->value = element_table_new(types, false);
    if (key->type == OBJECT_HASH) *large = hash_new_as(types, key->encoding);
    if (key->type == OBJECT_ZSET) large->value = sorted_set_new(&types->sorted_sets);
    if (key->type == OBJECT_LIST) large->value = quicklist_new();
    if (key->type == OBJECT_STREAM) *large = stream_new(types);
}

static inline void rebuild_large_text(void *context, struct slice part) {
    struct rebuild *rebuild = context;
    rebuild->n_seen += part.len;
    buf_append_slice(&rebuild->text, part);
}

static inline void rebuild_large_element(
    void *context, struct slice element, struct slice value, double score) {
    struct rebuild *rebuild = context;
    rebuild->n_seen++;
    if (rebuild->large.type == OBJECT_ZSET)
        sorted_set_add(rebuild->large.value, element, score);
    else if (rebuild->large.encoding == ENCODING_HASHTABLE_DUE)
        assert_true(due_table_put(
            rebuild->large.value, element, value, score == 0 ? NO_DUE : (int64_t)score));
    else
        assert_true(element_table_put(rebuild->large.value, element, value));
}

static inline void rebuild_large_block(void *context, struct slice image, bool is_plain) {
    struct rebuild *rebuild = context;
    assert_false(is_plain);
    rebuild->n_seen++;
    struct listpack *packed = listpack_load(image);
    assert_non_null(packed);
    quicklist_append_block(rebuild->large.value, &packed);
}

static inline void rebuild_large_node(
    void *context, uint64_t ms, uint64_t seq, struct slice image) {
    struct rebuild *rebuild = context;
    rebuild->n_seen++;
    struct stream_node *node = stream_node_load((struct stream_id){ms, seq}, image);
    assert_non_null(node);
    assert_true(stream_log_append_node(&stream_to_change(&rebuild->large)->log, &node));
}

static inline void rebuild_take_rest(struct rebuild *rebuild, const struct collection *behind) {
    struct stream *stream = stream_to_change(&rebuild->large);
    const struct stream *rest = stream_in(behind);
    assert_int_equal(rest->log.nodes.n, 0);
    stream->first = rest->first;
    stream->last = rest->last;
    stream->max_deleted = rest->max_deleted;
    stream->entries_added = rest->entries_added;
}

static inline void rebuild_large_stream(
    void *context, const struct collection *stream, uint64_t n_groups) {
    struct rebuild *rebuild = context;
    assert_int_equal(stream_in(stream)->groups.n, 0);
    rebuild_take_rest(rebuild, stream);
    rebuild->n_groups = n_groups;
}

static inline void rebuild_large_group(void *context, const struct walk_group *group) {
    struct rebuild *rebuild = context;
    assert_true(rebuild->n_groups > 0 && rebuild->n_consumers == 0);
    assert_true(rebuild->n_pending == 0 && rebuild->n_own == 0);
    rebuild->group = stream_group_create(stream_to_change(&rebuild->large), group->name,
        (struct stream_id){group->last_ms, group->last_seq}, group->entries_read);
    assert_non_null(rebuild->group);
    rebuild->consumer = NULL;
    rebuild->n_groups--;
    rebuild->n_consumers = group->n_consumers;
    rebuild->n_pending = group->n_pending;
}

static inline void rebuild_large_consumer(void *context, const struct walk_consumer *consumer) {
    struct rebuild *rebuild = context;
    assert_true(rebuild->n_consumers > 0 && rebuild->n_pending == 0 && rebuild->n_own == 0);
    rebuild->consumer = stream_consumer_create(
        stream_to_change(&rebuild->large), rebuild->group, consumer->name, consumer->seen_ms);
    rebuild->consumer->active_ms = consumer->active_ms;
    rebuild->n_consumers--;
    rebuild->n_own = consumer->n_pending;
}

static inline void rebuild_large_pending(void *context, const struct walk_pending *pending) {
    struct rebuild *rebuild = context;
    struct stream_id id = {pending->ms, pending->seq};
    if (rebuild->consumer == NULL) {
        assert_true(rebuild->n_pending > 0);
        rebuild->n_pending--;
        return;
    }
    assert_true(rebuild->n_own > 0);
    rebuild->n_own--;
    stream_pending_add(stream_to_change(&rebuild->large), rebuild->group, rebuild->consumer, id,
        pending->delivered_ms)
        ->n_deliveries = pending->n_deliveries;
}

static inline void rebuild_large_end(
    void *context, const struct walk_key *key, const struct collection *behind) {
    struct rebuild *rebuild = context;
    assert_true(rebuild->is_inside);
    rebuild->is_inside = false;
    assert_true(rebuild->n_seen == rebuild->n_expected);
    if (key->type == OBJECT_STRING) {
        rebuild_enter_text(rebuild, key, buf_slice(&rebuild->text));
        buf_clear(&rebuild->text);
        return;
    }
    if (key->type == OBJECT_STREAM) {
        rebuild_take_rest(rebuild, behind);
        assert_true(rebuild->n_groups == 0 && rebuild->n_consumers == 0 && rebuild->n_own == 0);
        if (rebuild->sink.large_stream == NULL)
            stream_groups_copy(stream_in(behind), stream_to_change(&rebuild->large));
    }
    rebuild_enter_collection(rebuild, key, &rebuild->large);
}

static inline void rebuild_begin(struct rebuild *rebuild, const struct keyspace *of) {
    *rebuild = (struct rebuild){.keyspace = keyspace_new(of->n_dbs, &of->keys.secret)};
    rebuild->sink = (struct walk_sink){.context = rebuild,
        .db = rebuild_db,
        .cell = rebuild_cell,
        .value = rebuild_value,
        .large_begin = rebuild_large_begin,
        .large_text = rebuild_large_text,
        .large_element = rebuild_large_element,
        .large_block = rebuild_large_block,
        .large_node = rebuild_large_node,
        .large_end = rebuild_large_end};
}

/* Takes the groups of large streams in pieces too. */
static inline void rebuild_groups(struct rebuild *rebuild) {
    rebuild->sink.large_stream = rebuild_large_stream;
    rebuild->sink.large_group = rebuild_large_group;
    rebuild->sink.large_consumer = rebuild_large_consumer;
    rebuild->sink.large_pending = rebuild_large_pending;
}

static inline void rebuild_drop(struct rebuild *rebuild) {
    if (rebuild->is_inside) collection_free(&rebuild->large);
    buf_free(&rebuild->text);
    keyspace_free(rebuild->keyspace);
}

/* Whether what was shown is that image. Ends the rebuilding. */
static inline void rebuild_check(
    struct rebuild *rebuild, const struct walk *walk, const struct buf *image) {
    struct buf shown = {0};
    assert_false(rebuild->is_inside);
    assert_true(rebuild->n_keys == walk_n_keys(walk) && rebuild->n_keys == walk_done_keys(walk));
    rebuild->keyspace->revision = walk_revision(walk);
    keyspace_dump(rebuild->keyspace, &shown);
    assert_int_equal(shown.len, image->len);
    assert_memory_equal(shown.data + shown.start, image->data + image->start, image->len);
    buf_free(&shown);
    rebuild_drop(rebuild);
}

#endif
