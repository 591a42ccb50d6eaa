/* Random changes of a keyspace: every type and form, keys that move, expire and go, whole dbs. */
#ifndef SF_TESTS_UNIT_KEYSPACE_CHANGES_H
#define SF_TESTS_UNIT_KEYSPACE_CHANGES_H

#include "keyspace/hash.h"
#include "keyspace/keyspace.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"
#include "keyspace/zset.h"
#include "util/random.h"
#include <stdio.h>
#include <stdlib.h>

struct changes {
    struct keyspace *keyspace;
    struct thresholds thresholds;
    struct random random;
    int64_t now_ms;
    uint32_t n_keys;     /* names in use, in each db */
    uint32_t n_elements; /* names in use, in each large value */
    char *filler;        /* of a large text */
};

#define CHANGES_FILLER ((size_t)300 << 10)

static inline uint64_t changes_below(struct changes *changes, uint64_t n) {
    return random_below(&changes->random, n);
}

static inline void changes_begin(struct changes *changes, uint64_t seed, uint32_t n_dbs) {
    static const struct hash_secret secret = {7, 11};
    *changes = (struct changes){.keyspace = keyspace_new(n_dbs, &secret),
        .thresholds = THRESHOLDS_DEFAULT,
        .random = random_from(seed),
        .now_ms = 1000,
        .n_keys = 40,
        .n_elements = 1500,
        .filler = malloc(CHANGES_FILLER)};
    for (size_t i = 0; i < CHANGES_FILLER; i++)
        changes->filler[i] = (char)changes_below(changes, 256);
}

static inline void changes_end(struct changes *changes) {
    keyspace_free(changes->keyspace);
    free(changes->filler);
}

/* -- names and texts ------------------------------------------------------------------------- */

static inline struct slice changes_key(struct changes *changes, char text[32]) {
    uint32_t i = (uint32_t)changes_below(changes, changes->n_keys);
    return slice_of(text, (size_t)snprintf(text, 32, "key:%u", i));
}

static inline struct slice changes_element(struct changes *changes, char text[64]) {
    uint32_t i = (uint32_t)changes_below(changes, changes->n_elements);
    return slice_of(text, (size_t)snprintf(text, 64, i % 3 == 0 ? "%u" : "element:%u", i));
}

static inline struct slice changes_text(struct changes *changes) {
    size_t len = changes_below(changes, 20) == 0 ? changes_below(changes, CHANGES_FILLER)
                                                 : changes_below(changes, 60);
    return slice_of(changes->filler + changes_below(changes, CHANGES_FILLER - len), len);
}

static inline struct slice changes_value(struct changes *changes) {
    size_t len = changes_below(changes, 200) == 0 ? 9000 : changes_below(changes, 40);
    return slice_of(changes->filler + changes_below(changes, 1000), len);
}

static inline int64_t changes_due(struct changes *changes) {
    if (changes_below(changes, 3) > 0) return NO_DUE;
    return changes->now_ms + (int64_t)changes_below(changes, 300);
}

/* How many elements: few, around the thresholds, or many. */
static inline uint32_t changes_size(struct changes *changes) {
    static const uint32_t sizes[] = {1, 10, 127, 129, 140, 600, 2000};
    uint32_t at = (uint32_t)changes_below(changes, SF_LENGTH(sizes));
    return 1 + (uint32_t)changes_below(changes, sizes[at]);
}

/* -- elements -------------------------------------------------------------------------------- */

static inline void changes_of_hash(struct changes *changes, struct collection *hash) {
    char text[64];
    struct slice field = changes_element(changes, text);
    uint64_t due = changes_below(changes, 400);
    if (due < 20)
        hash_set_due(hash, field, due < 3 ? NO_DUE : changes->now_ms + 1 + (int64_t)due);
    else if (changes_below(changes, 3) == 0)
        hash_remove(hash, field);
    else
        hash_set(hash, &changes->thresholds, field, changes_value(changes));
}

static inline void changes_of_set(struct changes *changes, struct collection *set) {
    char text[64];
    struct slice member = changes_element(changes, text);
    if (changes_below(changes, 3) == 0)
        set_remove(set, member);
    else
        set_add(set, &changes->thresholds, member);
}

static inline void changes_of_zset(struct changes *changes, struct collection *zset) {
    char text[64];
    struct slice member = changes_element(changes, text);
    double score = (double)changes_below(changes, 1000), held;
    uint64_t size = zset_size(zset);
    if (changes_below(changes, 20) == 0 && size > 0) {
        struct rank_range range = {changes_below(changes, size), 0};
        range.n = changes_below(changes, SF_MIN(size - range.from, (uint64_t)10));
        zset_remove_ranks(zset, &range);
    } else if (changes_below(changes, 3) == 0) {
        zset_remove(zset, member);
    } else if (zset_find(zset, member, &held)) {
        zset_set_score(zset, member, score);
    } else {
        zset_add(zset, &changes->thresholds, member, score);
    }
}

static inline void changes_of_list(struct changes *changes, struct collection *list) {
    char text[64];
    struct slice element = changes_element(changes, text);
    uint64_t n = list_length(list), what = changes_below(changes, 10);
    uint64_t index = n == 0 ? 0 : changes_below(changes, n);
    if (what < 4 || n == 0) {
        list_grow(list, &changes->thresholds, element.len, 1);
        list_push(list, &changes->thresholds, what % 2 == 0, element);
    } else if (what < 5) {
        struct slice value = changes_value(changes);
        list_grow(list, &changes->thresholds, value.len, 1);
        list_insert(list, &changes->thresholds, index, changes_below(changes, 2) == 0, value);
    } else if (what < 7) {
        list_replace(list, index, element);
    } else if (what < 9) {
        list_remove(list, index, changes_below(changes, SF_MIN(n - index, (uint64_t)4) + 1));
        list_shrink(list, &changes->thresholds);
    } else {
        list_remove_equal(list, element, 1 + changes_below(changes, 3), index % 2 == 0);
        list_shrink(list, &changes->thresholds);
    }
}

static inline void changes_of_entries(struct changes *changes, struct collection *handle) {
    struct stream *stream = stream_to_change(handle);
    struct stream_node_limits limits = stream_limits(&changes->thresholds);
    uint64_t what = changes_below(changes, 1000);
    struct stream_id id = stream->last, top;
    if (what < 900) {
        char text[64];
        struct slice pair[2] = {changes_element(changes, text), changes_value(changes)};
        id.ms += changes_below(changes, 2);
        id.seq = id.ms == stream->last.ms ? id.seq + 1 : 0;
        stream_append(stream, &limits, id, 1, pair);
    } else if (what < 985) {
        id.ms = changes_below(changes, id.ms + 1);
        id.seq = changes_below(changes, 3);
        stream_remove(stream, id);
    } else if (what < 990) {
        struct stream_trim trim = {.whole_nodes = changes_below(changes, 2) == 0};
        trim.max_length =
            stream_length(stream) - changes_below(changes, stream_length(stream) + 1) / 3;
        stream_cut(stream, &trim);
    } else { /* XSETID: ids below earlier ones may come */
        if (!stream_top(stream, &top)) top = STREAM_ID_MIN;
        stream->last = stream_id_compare(top, stream->max_deleted) < 0 ? stream->max_deleted : top;
    }
}

static inline void changes_of_group(
    struct changes *changes, struct stream *stream, struct stream_group *group) {
    char text[32];
    struct slice name =
        slice_of(text, (size_t)snprintf(text, 32, "c%u", (unsigned)changes_below(changes, 3)));
    struct stream_consumer *consumer = stream_consumer_find(group, name);
    if (consumer == NULL) consumer = stream_consumer_create(stream, group, name, changes->now_ms);
    struct stream_id id = {changes_below(changes, stream->last.ms + 1), changes_below(changes, 2)};
    struct stream_pending *pending = stream_pending_find(group, id);
    uint64_t what = changes_below(changes, 400);
    consumer->seen_ms = changes->now_ms;
    if (what == 0) {
        stream_consumer_discard(keyspace_db(changes->keyspace, 0), stream, group, consumer);
    } else if (what == 1) {
        group->last = id;
        group->entries_read = ENTRIES_READ_UNKNOWN;
    } else if (pending == NULL) {
        stream_pending_add(stream, group, consumer, id, changes->now_ms);
        consumer->active_ms = changes->now_ms;
    } else if (what < 150) {
        stream_pending_remove(stream, group, pending);
    } else {
        stream_pending_changes(stream, group, pending);
        stream_pending_give(pending, consumer);
        pending->delivered_ms = changes->now_ms;
        pending->n_deliveries++;
    }
}

static inline void changes_of_groups(struct changes *changes, struct collection *handle) {
    struct stream *stream = stream_groups_to_change(handle);
    char text[32];
    struct slice name =
        slice_of(text, (size_t)snprintf(text, 32, "g%u", (unsigned)changes_below(changes, 3)));
    struct stream_group *group = stream_group_find(stream, name);
    if (group == NULL)
        stream_group_create(stream, name, stream->last, 0);
    else if (changes_below(changes, 1000) == 0)
        stream_group_discard(keyspace_db(changes->keyspace, 0), stream, group);
    else
        changes_of_group(changes, stream, group);
}

static inline void changes_of_element(struct changes *changes, struct collection *handle) {
    if (handle->type == OBJECT_HASH) changes_of_hash(changes, handle);
    if (handle->type == OBJECT_SET) changes_of_set(changes, handle);
    if (handle->type == OBJECT_ZSET) changes_of_zset(changes, handle);
    if (handle->type == OBJECT_LIST) changes_of_list(changes, handle);
    if (handle->type == OBJECT_STREAM) changes_of_entries(changes, handle);
}

/* -- values ---------------------------------------------------------------------------------- */

static inline struct collection changes_new_value(struct changes *changes, struct db *db) {
    const struct collection_types *types = db_collection_types(db);
    uint32_t n = changes_size(changes);
    struct collection value;
    switch (changes_below(changes, 5)) {
    case 0:
        value = hash_new(types);
        break;
    case 1:
        value = set_new(types, &changes->thresholds, SLICE("1"), 1);
        break;
    case 2:
        value = zset_new(types, &changes->thresholds, 1, 1);
        break;
    case 3:
        value = list_new(types);
        break;
    default:
        value = stream_new(types);
    }
    for (uint32_t i = 0; i < n || collection_size(&value) == 0; i++) {
        changes_of_element(changes, &value);
        if (value.type == OBJECT_STREAM) changes_of_groups(changes, &value);
    }
    return value;
}

/* A few elements of the value, or all of them. */
static inline void changes_of_value(struct changes *changes, struct db *db, struct object *object) {
    struct collection handle = db_collection(db, object);
    bool is_stream = handle.type == OBJECT_STREAM;
    if (is_stream && changes_below(changes, 2) == 0) {
        for (uint64_t i = changes_below(changes, 40); i > 0; i--)
            changes_of_groups(changes, &handle);
        db_collection_counted(db, object, &handle);
        return;
    }
    uint64_t n = 1 + changes_below(changes, changes_below(changes, 10) == 0 ? 100 : 5);
    bool drains = changes_below(changes, 40) == 0 && handle.type == OBJECT_LIST;
    if (drains) list_remove(&handle, 0, list_length(&handle));
    for (uint64_t i = 0; i < n && !drains && collection_size(&handle) > 0; i++)
        changes_of_element(changes, &handle);
    db_collection_changed(db, object, &handle);
}

static inline void changes_of_text(struct changes *changes, struct db *db, struct object *object) {
    char scratch[OBJECT_TEXT_MAX];
    size_t len = object_string(object, scratch).len, from = changes_below(changes, len + 1);
    struct slice patch = changes_text(changes);
    size_t new_len = SF_MAX(len, from + patch.len);
    if (changes_below(changes, 4) == 0) {
        new_len = from;
        patch.len = 0;
    }
    bool later = changes_below(changes, 2) == 0;
    char *bytes =
        db_string_part_writable(db, &object, new_len, from, later ? from : from + patch.len);
    if (later) db_string_part_changes(db, object, from, from + patch.len);
    if (patch.len > 0) memcpy(bytes + from, patch.data, patch.len);
}

/* -- keys and dbs ---------------------------------------------------------------------------- */

static inline void changes_of_db(struct changes *changes) {
    uint32_t n = keyspace_n_dbs(changes->keyspace), what = (uint32_t)changes_below(changes, 8);
    uint32_t a = (uint32_t)changes_below(changes, n), b = (uint32_t)changes_below(changes, n);
    if (what == 0) {
        for (uint32_t i = 0; i < n; i++) db_flush(keyspace_db(changes->keyspace, i));
    } else if (what < 3) {
        db_flush(keyspace_db(changes->keyspace, a));
    } else {
        keyspace_swap(changes->keyspace, a, b);
    }
}

static inline void changes_of_key(
    struct changes *changes, struct db *db, struct slice key, struct object *object) {
    uint32_t n = keyspace_n_dbs(changes->keyspace);
    struct db *other = keyspace_db(changes->keyspace, (uint32_t)changes_below(changes, n));
    char text[32];
    struct slice to = changes_key(changes, text);
    switch (changes_below(changes, 4)) {
    case 0:
        db_delete(db, key, changes->now_ms);
        break;
    case 1:
        db_move(db, key, other, to);
        break;
    case 2:
        db_set_due(db, &object, changes_due(changes));
        break;
    default:
        if (object_type(object) != OBJECT_STRING) {
            struct collection held = db_collection(db, object), copy = collection_copy(&held);
            if (other != db || !slice_equal(key, to))
                db_add_collection(other, to, &copy, changes_due(changes));
            else
                collection_free(&copy);
        }
    }
}

/* One change. */
static inline void changes_one(struct changes *changes) {
    struct db *db = keyspace_db(
        changes->keyspace, (uint32_t)changes_below(changes, keyspace_n_dbs(changes->keyspace)));
    char text[32];
    struct slice key = changes_key(changes, text);
    struct object *object = db_find(db, key, changes->now_ms);
    uint64_t what = changes_below(changes, 1000);
    changes->now_ms++;
    if (what < 3) {
        changes_of_db(changes);
    } else if (what < 100) {
        keyspace_reclaim(changes->keyspace, changes->now_ms, 3, NULL, NULL);
    } else if (what < 250) {
        db_set_string(db, key, changes_text(changes), changes_due(changes));
    } else if (what < 290 || object == NULL) {
        struct collection value = changes_new_value(changes, db);
        db_add_collection(db, key, &value, changes_due(changes));
    } else if (what < 400) {
        changes_of_key(changes, db, key, object);
    } else if (object_type(object) == OBJECT_STRING) {
        changes_of_text(changes, db, object);
    } else {
        changes_of_value(changes, db, object);
    }
}

#endif
