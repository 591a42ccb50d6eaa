/* Streams: there and back in every version's layout, with groups; damage. */
#include "rdb/output.h"
#include "rdb/payload.h"
#include "util/codec.h"

#include "unit/commands/world.h"

struct bench {
    struct world world;
    struct rdb_target target;
    struct rdb_value_reader reader;
    struct buf bytes;
};

/* A stream of several nodes with holes, one group that owes entries to two consumers, one that owes
 * none. */
static void bench_open(struct bench *bench) {
    *bench = (struct bench){.bytes = {0}};
    world_open(&bench->world);
    bench->world.thresholds.stream_node_max_entries = 10;
    bench->target =
        (struct rdb_target){.types = db_collection_types(keyspace_db(bench->world.keyspace, 0)),
            .thresholds = &bench->world.thresholds,
            .string_bytes_max = 1 << 20};
    bench->reader = (struct rdb_value_reader){.target = &bench->target};
    char line[128];
    for (int i = 0; i < 35; i++) {
        snprintf(line, sizeof line, "XADD s %d-%d %s %d g v", 1 + i / 3, i % 3 + 1,
            i % 4 == 0 ? "other" : "f", i);
        world_line(&bench->world, line);
    }
    static const char *const lines[] = {"XDEL s 3-1 12-2", "XGROUP CREATE s one 0",
        "XGROUP CREATE s two 5-1 ENTRIESREAD 13", "XREADGROUP GROUP one a COUNT 4 STREAMS s >",
        "XREADGROUP GROUP one b COUNT 3 STREAMS s >", "XACK s one 1-2",
        "XGROUP CREATECONSUMER s two idle"};
    for (size_t i = 0; i < SF_LENGTH(lines); i++) {
        const char *reply = world_line(&bench->world, lines[i]);
        if (reply[0] == '-') fail_msg("%s: %s", lines[i], reply);
    }
}

static void bench_close(struct bench *bench) {
    rdb_value_reader_free(&bench->reader);
    world_close(&bench->world);
    buf_free(&bench->bytes);
}

static struct rdb_value bench_value(struct bench *bench) {
    struct db *db = keyspace_db(bench->world.keyspace, 0);
    struct object *object = db_find_even_dead(db, SLICE("s"));
    assert_non_null(object);
    return rdb_value_of(db, object, NULL);
}

/* The image knows everything but when consumers were active, which is made equal. */
static void image_of(struct collection collection, struct buf *out) {
    struct collection copy = collection_copy(&collection);
    struct btree_cursor at_group, at_consumer;
    struct stream_group *group = stream_group_first(stream_in(&copy), &at_group);
    for (; group != NULL; group = btree_next(&at_group)) {
        struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at_consumer);
        for (; consumer != NULL; consumer = btree_next(&at_consumer))
            consumer->active_ms = consumer->seen_ms;
    }
    collection_form(OBJECT_STREAM, ENCODING_STREAM)->put(copy.value, out);
    collection_free(&copy);
}

static void assert_same_stream(struct collection a, struct collection b) {
    struct buf one = {0}, other = {0};
    image_of(a, &one);
    image_of(b, &other);
    assert_true(slice_equal(buf_slice(&one), buf_slice(&other)));
    buf_free(&one);
    buf_free(&other);
}

static void test_a_stream_comes_back_as_it_was(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = bench_value(&bench);
    rdb_payload_write(&value, &bench.bytes);
    assert_int_equal(bench.bytes.data[bench.bytes.start], RDB_STREAM_LISTPACKS_2);
    assert_true(rdb_payload_check(buf_slice(&bench.bytes)));
    assert_int_equal(rdb_payload_read(buf_slice(&bench.bytes), &bench.reader), SF_OK);
    assert_same_stream(value.collection, bench.reader.value.collection);
    bench_close(&bench);
}

static void test_an_empty_stream_is_a_value(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    world_line(&bench.world, "XTRIM s MAXLEN 0");
    struct rdb_value value = bench_value(&bench);
    rdb_payload_write(&value, &bench.bytes);
    assert_int_equal(rdb_payload_read(buf_slice(&bench.bytes), &bench.reader), SF_OK);
    assert_same_stream(value.collection, bench.reader.value.collection);
    bench_close(&bench);
}

/* -- other versions -------------------------------------------------------------------------- */

static void put_id(struct buf *out, struct stream_id id) {
    rdb_put_length(out, id.ms);
    rdb_put_length(out, id.seq);
}

static void put_raw_id(struct buf *out, struct stream_id id) {
    for (int i = 56; i >= 0; i -= 8) put_u8(out, (uint8_t)(id.ms >> i));
    for (int i = 56; i >= 0; i -= 8) put_u8(out, (uint8_t)(id.seq >> i));
}

static void put_consumers(struct buf *out, const struct stream_group *group, enum rdb_type type) {
    struct btree_cursor at_consumer, at_pending;
    rdb_put_length(out, group->consumers.n);
    const struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at_consumer);
    for (; consumer != NULL; consumer = btree_next(&at_consumer)) {
        rdb_put_string(out, stream_consumer_name(consumer));
        put_u64(out, (uint64_t)consumer->seen_ms);
        if (type == RDB_STREAM_LISTPACKS_3) put_u64(out, (uint64_t)consumer->active_ms);
        rdb_put_length(out, consumer->pending.n);
        const struct stream_pending *pending = btree_seek(&consumer->pending, 0, &at_pending);
        for (; pending != NULL; pending = btree_next(&at_pending)) put_raw_id(out, pending->id);
    }
}

/* The stream in the layout of that type, as stream_read.c draws it. */
static void put_as(struct buf *out, const struct stream *stream, enum rdb_type type) {
    struct btree_cursor at_node, at_group, at_pending;
    rdb_put_length(out, stream->log.nodes.n);
    const struct stream_node *node = btree_seek(&stream->log.nodes, 0, &at_node);
    for (; node != NULL; node = btree_next(&at_node)) {
        put_u8(out, 16);
        put_raw_id(out, node->master);
        rdb_put_string(out, listpack_image(node->packed));
    }
    rdb_put_length(out, stream_length(stream));
    put_id(out, stream->last);
    if (type != RDB_STREAM_LISTPACKS) {
        put_id(out, stream->first);
        put_id(out, stream->max_deleted);
        rdb_put_length(out, stream->entries_added);
    }
    rdb_put_length(out, stream->groups.n);
    const struct stream_group *group = stream_group_first(stream, &at_group);
    for (; group != NULL; group = btree_next(&at_group)) {
        rdb_put_string(out, stream_group_name(group));
        put_id(out, group->last);
        if (type != RDB_STREAM_LISTPACKS) rdb_put_length(out, (uint64_t)group->entries_read);
        rdb_put_length(out, group->pending.n);
        const struct stream_pending *pending = btree_seek(&group->pending, 0, &at_pending);
        for (; pending != NULL; pending = btree_next(&at_pending)) {
            put_raw_id(out, pending->id);
            put_u64(out, (uint64_t)pending->delivered_ms);
            rdb_put_length(out, pending->n_deliveries);
        }
        put_consumers(out, group, type);
    }
}

static enum rdb_progress read_bytes_as(
    struct bench *bench, enum rdb_type type, struct slice bytes) {
    const char *why;
    struct rdb_input in = {.rest = bytes, .string_bytes_max = bench->target.string_bytes_max};
    assert_int_equal(rdb_value_reader_begin(&bench->reader, (uint8_t)type, &why), SF_OK);
    enum rdb_progress progress = rdb_value_read(&bench->reader, &in);
    assert_true((progress == RDB_FAILED) == (in.why != NULL));
    return progress;
}

static void test_version_3_tells_when_consumers_were_active(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = bench_value(&bench);
    struct stream *stream = stream_to_change(&value.collection);
    put_as(&bench.bytes, stream, RDB_STREAM_LISTPACKS_3);
    assert_int_equal(
        read_bytes_as(&bench, RDB_STREAM_LISTPACKS_3, buf_slice(&bench.bytes)), RDB_DONE);
    struct buf before = {0}, after = {0};
    const struct collection_form *form = collection_form(OBJECT_STREAM, ENCODING_STREAM);
    form->put(value.collection.value, &before);
    form->put(bench.reader.value.collection.value, &after);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    buf_free(&before);
    buf_free(&after);
    bench_close(&bench);
}

/* What was not told is taken to be: nothing was ever deleted or trimmed. */
static void test_version_1_knows_entries_and_groups(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = bench_value(&bench);
    struct stream *stream = stream_to_change(&value.collection);
    put_as(&bench.bytes, stream, RDB_STREAM_LISTPACKS);
    assert_int_equal(
        read_bytes_as(&bench, RDB_STREAM_LISTPACKS, buf_slice(&bench.bytes)), RDB_DONE);
    struct stream *back = stream_to_change(&bench.reader.value.collection);
    assert_int_equal(stream_length(back), 33);
    assert_int_equal(back->entries_added, 33);
    assert_int_equal(back->max_deleted.ms, 0);
    assert_int_equal(stream_id_compare(back->last, stream->last), 0);
    assert_int_equal(stream_id_compare(back->first, stream->first), 0);
    struct stream_group *group = stream_group_find(back, SLICE("one"));
    assert_true(group != NULL && group->pending.n == 6 && group->consumers.n == 2);
    bench_close(&bench);
}

/* -- damage ---------------------------------------------------------------------------------- */

static void test_every_cut_of_a_stream_is_short(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = bench_value(&bench);
    put_as(&bench.bytes, stream_in(&value.collection), RDB_STREAM_LISTPACKS_3);
    for (size_t len = 0; len < bench.bytes.len; len++) {
        struct slice cut = slice_of(buf_slice(&bench.bytes).data, len);
        assert_int_equal(read_bytes_as(&bench, RDB_STREAM_LISTPACKS_3, cut), RDB_SHORT);
    }
    bench_close(&bench);
}

static void test_changed_bytes_of_a_stream_never_lead_outside(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = bench_value(&bench);
    put_as(&bench.bytes, stream_in(&value.collection), RDB_STREAM_LISTPACKS_2);
    struct random random = random_from(9);
    for (int run = 0; run < 5000; run++) {
        char *copy = sf_alloc(bench.bytes.len); /* of exactly that length */
        memcpy(copy, buf_slice(&bench.bytes).data, bench.bytes.len);
        for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--)
            copy[random_below(&random, bench.bytes.len)] ^= (char)(1 << random_below(&random, 8));
        struct slice bytes = slice_of(copy, bench.bytes.len);
        if (read_bytes_as(&bench, RDB_STREAM_LISTPACKS_2, bytes) == RDB_DONE) {
            struct buf again = {0};
            rdb_payload_write(&bench.reader.value, &again);
            assert_int_equal(rdb_payload_read(buf_slice(&again), &bench.reader), SF_OK);
            buf_free(&again);
        }
        sf_free(copy);
    }
    bench_close(&bench);
}

/* An empty stream with last id 5-0 and one group "g"; what follows is the group's. */
#define EMPTY_WITH_GROUP "\x00\x00\x05\x00\x01\x01g\x03\x00"
#define ID_1 "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01"
#define ID_2 "\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01"
#define TIME "\0\0\0\0\0\0\0\0"
#define CONSUMER(name) "\x01" name TIME

static void test_pending_entries_belong_to_one_consumer_each(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const struct {
        struct slice bytes;
        enum rdb_progress progress;
    } cases[] = {
        {SLICE(EMPTY_WITH_GROUP "\x02" ID_1 TIME "\x01" ID_2 TIME
                                "\x01\x02" CONSUMER("a") "\x01" ID_2 CONSUMER("b") "\x01" ID_1),
            RDB_DONE},
        {SLICE(EMPTY_WITH_GROUP "\x01" ID_1 TIME "\x01\x00"), RDB_FAILED}, /* nobody's */
        {SLICE(EMPTY_WITH_GROUP "\x00\x01" CONSUMER("a") "\x01" ID_1),
            RDB_FAILED}, /* not pending */
        {SLICE(EMPTY_WITH_GROUP "\x01" ID_1 TIME "\x01\x01" CONSUMER("a") "\x02" ID_1 ID_1),
            RDB_FAILED}, /* twice */
        {SLICE(EMPTY_WITH_GROUP "\x02" ID_2 TIME "\x01" ID_1 TIME "\x01\x00"),
            RDB_FAILED}, /* order */
        {SLICE(EMPTY_WITH_GROUP "\x00\x02" CONSUMER("a") "\x00" CONSUMER("a") "\x00"),
            RDB_FAILED}, /* two of one name */
        {SLICE("\x00\x00\x05\x00\x02\x01g\x03\x00\x00\x00\x01g\x03\x00\x00\x00"),
            RDB_FAILED},                             /* groups too */
        {SLICE("\x00\x03\x05\x00\x00"), RDB_FAILED}, /* entries, but no nodes */
    };
    for (size_t i = 0; i < SF_LENGTH(cases); i++)
        assert_int_equal(
            read_bytes_as(&bench, RDB_STREAM_LISTPACKS, cases[i].bytes), cases[i].progress);
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_comes_back_as_it_was),
        cmocka_unit_test(test_an_empty_stream_is_a_value),
        cmocka_unit_test(test_version_3_tells_when_consumers_were_active),
        cmocka_unit_test(test_version_1_knows_entries_and_groups),
        cmocka_unit_test(test_every_cut_of_a_stream_is_short),
        cmocka_unit_test(test_changed_bytes_of_a_stream_never_lead_outside),
        cmocka_unit_test(test_pending_entries_belong_to_one_consumer_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
