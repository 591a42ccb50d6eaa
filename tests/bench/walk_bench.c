/* What a walk costs, and what changes cost while one is open: longest single steps in microseconds
 * of this thread's own time, so that a busy machine shows less.
 *
 *   walk_bench [keys, 1000000 unless told] */
#include "keyspace/hash.h"
#include "keyspace/keyspace.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/stream.h"
#include "keyspace/stream_group.h"
#include "keyspace/walk.h"
#include "keyspace/zset.h"
#include "util/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLICE_BUDGET 500

static double now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

struct timing {
    double longest, sum, began;
    uint64_t longest_at;
    uint64_t n;
};

static void timing_begin(struct timing *timing) {
    timing->began = now_us();
}

static void timing_end(struct timing *timing) {
    double took = now_us() - timing->began;
    timing->sum += took;
    timing->n++;
    if (took > timing->longest) timing->longest_at = timing->n;
    if (took > timing->longest) timing->longest = took;
}

static void timing_print(const char *name, const struct timing *timing) {
    printf("%-44s %9llu times, %9.2f us each, %9.1f longest (#%llu)\n", name,
        (unsigned long long)timing->n, timing->sum / (double)timing->n, timing->longest,
        (unsigned long long)timing->longest_at);
}

static const struct thresholds thresholds = THRESHOLDS_DEFAULT;

static struct slice numbered(char text[32], const char *prefix, uint64_t i) {
    return slice_of(text, (size_t)snprintf(text, 32, "%s%012llu", prefix, (unsigned long long)i));
}

static void add_keys(struct db *db, uint64_t n, int64_t due_ms) {
    char text[32], value[100] = "value";
    for (uint64_t i = 0; i < n; i++)
        db_set_string(db, numbered(text, "key:", i), slice_of(value, sizeof value), due_ms);
}

/* -- the sink: as much as a writer of snapshots does at least -------------------------------- */

static void on_value(void *context, const struct walk_key *key, struct slice text,
    const struct collection *collection) {
    struct buf *out = context;
    (void)collection;
    if (out->len > 1 << 20) buf_clear(out);
    buf_append_slice(out, key->key);
    buf_append_slice(out, text);
}

static void on_element(void *context, struct slice element, struct slice value, double score) {
    struct buf *out = context;
    (void)score;
    if (out->len > 1 << 20) buf_clear(out);
    buf_append_slice(out, element);
    buf_append_slice(out, value);
}

static void on_stream(void *context, const struct collection *stream, uint64_t n_groups) {
    (void)context, (void)stream, (void)n_groups;
}

static void on_pending(void *context, const struct walk_pending *pending) {
    struct buf *out = context;
    if (out->len > 1 << 20) buf_clear(out);
    buf_append(out, pending, sizeof *pending);
}

static bool slice_on(struct walk *walk, struct buf *out, struct timing *timing) {
    struct walk_sink sink = {.context = out,
        .value = on_value,
        .large_element = on_element,
        .large_stream = on_stream,
        .large_pending = on_pending};
    timing_begin(timing);
    bool is_all = walk_some(walk, &sink, SLICE_BUDGET);
    timing_end(timing);
    return is_all;
}

static void finish(struct walk *walk, struct buf *out) {
    struct timing unused = {0};
    while (!slice_on(walk, out, &unused)) {
    }
    walk_end(walk);
}

static struct walk *begin_timed(struct keyspace *keyspace) {
    struct timing timing = {0};
    timing_begin(&timing);
    struct walk *walk = keyspace_walk_begin(keyspace);
    timing_end(&timing);
    timing_print("  begin", &timing);
    return walk;
}

/* -- many keys ------------------------------------------------------------------------------- */

static void bench_quiet(struct keyspace *keyspace, struct buf *out) {
    struct timing slices = {0};
    struct walk *walk = begin_timed(keyspace);
    while (!slice_on(walk, out, &slices)) {
    }
    walk_end(walk);
    timing_print("  slices", &slices);
    printf("  %.0f ms in all\n", slices.sum / 1e3);
}

static void bench_writes(struct keyspace *keyspace, uint64_t n, struct buf *out, bool walks) {
    struct timing slices = {0}, writes = {0};
    struct db *db = keyspace_db(keyspace, 0);
    struct random random = random_from(5);
    struct walk *walk = walks ? keyspace_walk_begin(keyspace) : NULL;
    size_t bytes = 0;
    char text[32], value[100] = "other";
    for (uint64_t i = 0; i < n / 2; i++) {
        struct slice key = numbered(text, "key:", random_below(&random, n));
        timing_begin(&writes);
        db_set_string(db, key, slice_of(value, sizeof value), NO_DUE);
        timing_end(&writes);
        if (!walks || i % SLICE_BUDGET != 0) continue;
        if (slice_on(walk, out, &slices)) break;
        bytes = SF_MAX(bytes, walk_bytes(walk));
    }
    timing_print(walks ? "  SET beside a walk" : "  SET", &writes);
    if (!walks) return;
    timing_print("  slices beside them", &slices);
    printf("  %.1f MB kept at most, of %.1f\n", (double)bytes / 1e6,
        (double)keyspace_used_bytes(keyspace) / 1e6);
    walk_end(walk);
    while (keyspace_free_some(keyspace, 10000)) {
    }
}

static void bench_flush(struct keyspace *keyspace, struct buf *out) {
    struct timing flush = {0}, slices = {0}, frees = {0};
    struct walk *walk = keyspace_walk_begin(keyspace);
    for (int i = 0; i < 200; i++) slice_on(walk, out, &slices);
    timing_begin(&flush);
    db_flush(keyspace_db(keyspace, 0));
    timing_end(&flush);
    while (!slice_on(walk, out, &slices)) {
    }
    walk_end(walk);
    for (bool more = true; more;) {
        timing_begin(&frees);
        more = keyspace_free_some(keyspace, 2048);
        timing_end(&frees);
    }
    timing_print("  FLUSHDB", &flush);
    timing_print("  slices behind it", &slices);
    timing_print("  slices that free it", &frees);
}

static void bench_expiry(struct keyspace *keyspace, uint64_t n, struct buf *out) {
    struct timing reclaims = {0}, slices = {0};
    add_keys(keyspace_db(keyspace, 0), n, 1000);
    struct walk *walk = keyspace_walk_begin(keyspace);
    for (bool more = true; more;) {
        timing_begin(&reclaims);
        more = keyspace_reclaim(keyspace, 2000, 500, NULL, NULL) > 0;
        timing_end(&reclaims);
        slice_on(walk, out, &slices);
    }
    finish(walk, out);
    timing_print("  reclaiming 500 keys beside a walk", &reclaims);
    timing_print("  slices", &slices);
    while (keyspace_free_some(keyspace, 10000)) {
    }
}

/* -- large values ---------------------------------------------------------------------------- */

static void change_hash(struct db *db, uint64_t field, struct timing *timing) {
    char text[32];
    struct slice name = numbered(text, "field:", field);
    timing_begin(timing);
    struct object *object = db_find(db, SLICE("hash"), 0);
    struct collection hash = db_collection(db, object);
    hash_set(&hash, &thresholds, name, SLICE("changed"));
    db_collection_changed(db, object, &hash);
    timing_end(timing);
}

static void bench_hash(struct keyspace *keyspace, uint64_t n, struct buf *out) {
    struct db *db = keyspace_db(keyspace, 1);
    struct collection hash = hash_new(db_collection_types(db));
    struct random random = random_from(9);
    struct timing quiet = {0}, beside = {0}, slices = {0}, removal = {0};
    char text[32];
    for (uint64_t i = 0; i < n; i++)
        hash_set(&hash, &thresholds, numbered(text, "field:", i), SLICE("sixteen bytes ..."));
    db_add_collection(db, SLICE("hash"), &hash, NO_DUE);
    for (uint64_t i = 0; i < n / 4; i++) change_hash(db, random_below(&random, n), &quiet);
    struct walk *walk = keyspace_walk_begin(keyspace);
    for (uint64_t i = 0; i < n / 4; i++) {
        change_hash(db, random_below(&random, 2 * n), &beside);
        if (i % 300 == 0) slice_on(walk, out, &slices);
    }
    printf("  %.1f MB kept\n", (double)walk_bytes(walk) / 1e6);
    timing_begin(&removal);
    db_delete(db, SLICE("hash"), 0);
    timing_end(&removal);
    finish(walk, out);
    timing_print("  HSET", &quiet);
    timing_print("  HSET beside a walk", &beside);
    timing_print("  slices", &slices);
    timing_print("  DEL of it beside the walk", &removal);
}

static void bench_list(struct keyspace *keyspace, uint64_t n, struct buf *out) {
    struct db *db = keyspace_db(keyspace, 1);
    struct collection list = list_new(db_collection_types(db));
    struct random random = random_from(9);
    struct timing quiet = {0}, beside = {0}, slices = {0};
    char text[100] = "element";
    for (uint64_t i = 0; i < n; i++) {
        list_grow(&list, &thresholds, sizeof text, 1);
        list_push(&list, &thresholds, false, slice_of(text, sizeof text));
    }
    db_add_collection(db, SLICE("list"), &list, NO_DUE);
    struct walk *walk = NULL;
    for (uint64_t i = 0; i < 20000; i++) {
        struct timing *timing = i < 10000 ? &quiet : &beside;
        if (i == 10000) walk = keyspace_walk_begin(keyspace);
        timing_begin(timing);
        struct object *object = db_find(db, SLICE("list"), 0);
        struct collection held = db_collection(db, object);
        list_replace(&held, random_below(&random, n), SLICE("other"));
        db_collection_changed(db, object, &held);
        timing_end(timing);
        if (walk != NULL && i % 100 == 0) slice_on(walk, out, &slices);
    }
    finish(walk, out);
    timing_print("  LSET", &quiet);
    timing_print("  LSET beside a walk", &beside);
    timing_print("  slices", &slices);
}

static void bench_text(struct keyspace *keyspace, struct buf *out) {
    struct db *db = keyspace_db(keyspace, 1);
    struct random random = random_from(9);
    struct timing writes = {0}, slices = {0};
    const size_t len = (size_t)256 << 20;
    struct object *object = db_set_text(db, SLICE("text"), SLICE(""), NO_DUE);
    memset(db_string_writable(db, &object, len), 'x', len);
    struct walk *walk = keyspace_walk_begin(keyspace);
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t at = random_below(&random, len);
        timing_begin(&writes);
        char *bytes = db_string_part_writable(db, &object, len, at, at + 1);
        bytes[at] = 'y';
        timing_end(&writes);
        if (i % 10 == 0) slice_on(walk, out, &slices);
    }
    finish(walk, out);
    timing_print("  a byte of 256 MiB beside a walk", &writes);
    timing_print("  slices", &slices);
}

static void bench_stream(struct keyspace *keyspace, uint64_t n, struct buf *out) {
    struct db *db = keyspace_db(keyspace, 1);
    struct collection value = stream_new(db_collection_types(db));
    struct stream *stream = stream_to_change(&value);
    struct stream_node_limits limits = stream_limits(&thresholds);
    struct stream_group *group = stream_group_create(stream, SLICE("g"), STREAM_ID_MIN, 0);
    struct stream_consumer *consumer = stream_consumer_create(stream, group, SLICE("c"), 1);
    struct slice pair[2] = {SLICE("field"), SLICE("value")};
    for (uint64_t i = 1; i <= n; i++) {
        stream_append(stream, &limits, (struct stream_id){i, 0}, 1, pair);
        stream_pending_add(stream, group, consumer, (struct stream_id){i, 0}, 1);
    }
    db_add_collection(db, SLICE("stream"), &value, NO_DUE);
    struct timing adds = {0}, acks = {0}, slices = {0};
    struct walk *walk = keyspace_walk_begin(keyspace);
    for (uint64_t i = 1; i <= 5000; i++) {
        struct object *object = db_find(db, SLICE("stream"), 0);
        timing_begin(&adds);
        struct collection held = db_collection(db, object);
        stream_append(stream_to_change(&held), &limits, (struct stream_id){n + i, 0}, 1, pair);
        db_collection_changed(db, object, &held);
        timing_end(&adds);
        timing_begin(&acks);
        held = db_collection(db, object);
        stream = stream_groups_to_change(&held);
        group = stream_group_find(stream, SLICE("g"));
        stream_pending_remove(
            stream, group, stream_pending_find(group, (struct stream_id){i * 7, 0}));
        db_collection_counted(db, object, &held);
        timing_end(&acks);
        if (i % 10 == 0) slice_on(walk, out, &slices);
    }
    while (!slice_on(walk, out, &slices)) {
    }
    walk_end(walk);
    timing_print("  XADD beside a walk", &adds);
    timing_print("  XACK beside a walk", &acks);
    timing_print("  slices", &slices);
}

static void clear(struct keyspace *keyspace) {
    db_flush(keyspace_db(keyspace, 0));
    db_flush(keyspace_db(keyspace, 1));
    while (keyspace_free_some(keyspace, 10000)) {
    }
}

int main(int argc, char **argv) {
    static const struct hash_secret secret = {7, 11};
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct keyspace *keyspace = keyspace_new(16, &secret);
    struct buf out = {0};
    add_keys(keyspace_db(keyspace, 0), n, NO_DUE);
    printf("%llu keys\n", (unsigned long long)n);
    bench_quiet(keyspace, &out);
    bench_writes(keyspace, n, &out, false);
    bench_writes(keyspace, n, &out, true);
    bench_flush(keyspace, &out);
    printf("%llu keys that expire\n", (unsigned long long)n);
    bench_expiry(keyspace, n, &out);
    clear(keyspace);
    printf("a hash of %llu fields\n", (unsigned long long)n);
    bench_hash(keyspace, n, &out);
    clear(keyspace);
    printf("a list of %llu elements\n", (unsigned long long)n);
    bench_list(keyspace, n, &out);
    clear(keyspace);
    printf("a text of 256 MiB\n");
    bench_text(keyspace, &out);
    clear(keyspace);
    printf("a stream of %llu entries, all pending\n", (unsigned long long)n);
    bench_stream(keyspace, n, &out);
    buf_free(&out);
    keyspace_free(keyspace);
    return 0;
}
