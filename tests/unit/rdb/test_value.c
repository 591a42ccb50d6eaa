/* Values: written and read again, old forms made by hand, damage. */
#include "rdb/output.h"
#include "rdb/payload.h"
#include "util/codec.h"
#include "util/crc64.h"

#include "unit/commands/world.h"

struct bench {
    struct world world;
    struct rdb_target target;
    struct rdb_value_reader reader;
    struct buf payload;
};

static void bench_open(struct bench *bench) {
    *bench = (struct bench){.payload = {0}};
    world_open(&bench->world);
    bench->target =
        (struct rdb_target){.types = db_collection_types(keyspace_db(bench->world.keyspace, 0)),
            .thresholds = &bench->world.thresholds,
            .string_bytes_max = (size_t)512 << 20};
    bench->reader = (struct rdb_value_reader){.target = &bench->target};
}

static void bench_close(struct bench *bench) {
    rdb_value_reader_free(&bench->reader);
    world_close(&bench->world);
    buf_free(&bench->payload);
}

static struct db *bench_db(struct bench *bench) {
    return keyspace_db(bench->world.keyspace, 0);
}

static void run(struct bench *bench, const char *line) {
    assert_true(world_line(&bench->world, line)[0] != '-');
}

/* command with n elements e0 e1 ..., each followed by tail when it is not NULL. */
static void fill(struct bench *bench, const char *command, int n, const char *format) {
    char line[256];
    for (int i = 0; i < n; i++) {
        size_t len = (size_t)snprintf(line, sizeof line, "%s ", command);
        snprintf(line + len, sizeof line - len, format, i, i);
        run(bench, line);
    }
}

/* -- there and back -------------------------------------------------------------------------- */

static void digest_of(const struct rdb_value *value, uint8_t digest[20]) {
    memset(digest, 0, 20);
    if (value->type == OBJECT_STRING)
        redis_digest_mix(digest, value->text);
    else
        collection_form(value->type, value->collection.encoding)
            ->redis_digest(value->collection.value, digest);
}

/* DUMP, then RESTORE: the same value in the same form. */
static void assert_back(struct bench *bench, const char *key, enum rdb_type type) {
    const struct object *object = db_find_even_dead(bench_db(bench), slice_text(key));
    assert_non_null(object);
    char scratch[OBJECT_TEXT_MAX];
    struct rdb_value value = rdb_value_of(bench_db(bench), object, scratch);
    assert_int_equal(rdb_type_of(&value), type);
    buf_clear(&bench->payload);
    rdb_payload_write(&value, &bench->payload);
    assert_true(rdb_payload_check(buf_slice(&bench->payload)));
    assert_int_equal(rdb_payload_read(buf_slice(&bench->payload), &bench->reader), SF_OK);
    const struct rdb_value *back = &bench->reader.value;
    assert_int_equal(back->type, value.type);
    if (value.type != OBJECT_STRING)
        assert_int_equal(back->collection.encoding, value.collection.encoding);
    uint8_t before[20], after[20];
    digest_of(&value, before);
    digest_of(back, after);
    assert_memory_equal(before, after, 20);
}

static void test_every_form_comes_back_as_it_was(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    run(&bench, "SET number -123456789012");
    run(&bench, "SET text abc");
    run(&bench, "SET empty ''");
    assert_back(&bench, "number", RDB_STRING);
    assert_back(&bench, "text", RDB_STRING);
    assert_back(&bench, "empty", RDB_STRING);
    fill(&bench, "RPUSH small", 10, "e%d");
    fill(&bench, "RPUSH large", 3000, "element-of-the-list-%d");
    assert_back(&bench, "small", RDB_LIST_QUICKLIST_2);
    assert_back(&bench, "large", RDB_LIST_QUICKLIST_2);
    fill(&bench, "SADD integers", 400, "9%d00");
    fill(&bench, "SADD members", 100, "m%d");
    fill(&bench, "SADD table", 200, "m%d");
    assert_back(&bench, "integers", RDB_SET_INTSET);
    assert_back(&bench, "members", RDB_SET);
    assert_back(&bench, "table", RDB_SET);
    fill(&bench, "ZADD packed", 100, "%d.25 m%d");
    fill(&bench, "ZADD skiplist", 300, "%d.1 m%d");
    assert_back(&bench, "packed", RDB_ZSET_LISTPACK);
    assert_back(&bench, "skiplist", RDB_ZSET_2);
    fill(&bench, "HSET pairs", 100, "f%d %d");
    fill(&bench, "HSET fields", 600, "f%d v%d");
    assert_back(&bench, "pairs", RDB_HASH_LISTPACK);
    assert_back(&bench, "fields", RDB_HASH);
    bench_close(&bench);
}

/* Slices as small as can be give the same bytes as one. */
static void test_a_value_written_in_slices_is_the_same(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    fill(&bench, "RPUSH list", 3000, "element-of-the-list-%d");
    fill(&bench, "SADD set", 200, "m%d");
    fill(&bench, "ZADD zset", 300, "%d m%d");
    fill(&bench, "HSET hash", 600, "f%d v%d");
    static const char *const keys[] = {"list", "set", "zset", "hash"};
    for (size_t i = 0; i < SF_LENGTH(keys); i++) {
        struct object *object = db_find_even_dead(bench_db(&bench), slice_text(keys[i]));
        struct rdb_value value = rdb_value_of(bench_db(&bench), object, NULL);
        struct rdb_value_writer writer;
        struct buf whole = {0}, slices = {0};
        rdb_value_writer_begin(&writer, &value, true);
        assert_true(rdb_value_write(&writer, &whole, SIZE_MAX));
        rdb_value_writer_begin(&writer, &value, true);
        uint64_t n = 1;
        while (!rdb_value_write(&writer, &slices, 1)) n++;
        assert_true(n > 5 && slice_equal(buf_slice(&whole), buf_slice(&slices)));
        buf_free(&whole);
        buf_free(&slices);
    }
    bench_close(&bench);
}

/* -- reading by hand ------------------------------------------------------------------------- */

/* A value of that type from its bytes. */
static enum rdb_progress read_bytes_as(
    struct bench *bench, enum rdb_type type, struct slice bytes) {
    const char *why = NULL;
    struct rdb_input in = {.rest = bytes, .string_bytes_max = bench->target.string_bytes_max};
    if (rdb_value_reader_begin(&bench->reader, (uint8_t)type, &why) != SF_OK) return RDB_FAILED;
    enum rdb_progress progress = rdb_value_read(&bench->reader, &in);
    if (progress == RDB_FAILED) assert_non_null(in.why);
    return progress;
}

static void enter(struct bench *bench, enum rdb_type type, struct slice bytes) {
    assert_int_equal(read_bytes_as(bench, type, bytes), RDB_DONE);
    rdb_value_enter(bench_db(bench), SLICE("k"), NO_DUE, &bench->reader.value);
}

/* The same bytes as a value's one string. */
static void enter_packed(struct bench *bench, enum rdb_type type, struct slice bytes) {
    struct buf string = {0};
    rdb_put_string(&string, bytes);
    enter(bench, type, buf_slice(&string));
    buf_free(&string);
}

static enum rdb_progress read_packed_as(
    struct bench *bench, enum rdb_type type, struct slice bytes) {
    struct buf string = {0};
    rdb_put_string(&string, bytes);
    enum rdb_progress progress = read_bytes_as(bench, type, buf_slice(&string));
    buf_free(&string);
    return progress;
}

static void assert_says(struct bench *bench, const char *line, const char *reply) {
    assert_string_equal(world_line(&bench->world, line), reply);
}

/* 22 bytes | last at 18 | 4 entries | 00 01 a, 03 f2 (1), 02 01 b, 03 fe 64 (100) */
static const char pairs[] = "\x16\0\0\0\x12\0\0\0\x04\0"
                            "\x00\x01"
                            "a\x03\xf2\x02\x01"
                            "b\x03\xfe\x64\xff";

static void test_ziplists_become_lists_hashes_and_sorted_sets(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct slice ziplist = slice_of(pairs, sizeof pairs - 1);
    enter_packed(&bench, RDB_LIST_ZIPLIST, ziplist);
    assert_says(&bench, "LRANGE k 0 -1", "['a' '1' 'b' '100']");
    assert_says(&bench, "OBJECT ENCODING k", "'quicklist'");
    enter_packed(&bench, RDB_HASH_ZIPLIST, ziplist);
    assert_says(&bench, "HGETALL k", "['a' '1' 'b' '100']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    enter_packed(&bench, RDB_ZSET_ZIPLIST, ziplist);
    assert_says(&bench, "ZRANGE k 0 -1 WITHSCORES", "['a' '1' 'b' '100']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    bench_close(&bench);
}

/* length 2 | the ziplist above | the same again */
static void test_a_quicklist_of_ziplists_is_read(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct buf bytes = {0};
    rdb_put_length(&bytes, 2);
    rdb_put_string(&bytes, slice_of(pairs, sizeof pairs - 1));
    rdb_put_string(&bytes, slice_of(pairs, sizeof pairs - 1));
    enter(&bench, RDB_LIST_QUICKLIST, buf_slice(&bytes));
    assert_says(&bench, "LRANGE k 0 -1", "['a' '1' 'b' '100' 'a' '1' 'b' '100']");
    assert_says(&bench, "OBJECT ENCODING k", "'quicklist'");
    buf_free(&bytes);
    bench_close(&bench);
}

/* length 3 | plain: 01 hello | packed: 02 listpack of x | packed: 02 an empty listpack, passed over
 */
static void test_a_quicklist_of_plain_and_packed_nodes_is_read(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    enter(&bench, RDB_LIST_QUICKLIST_2,
        SLICE("\x03\x01\x05hello\x02\x0a\x0a\0\0\0\x01\0\x81x\x02\xff\x02\x07\x07\0\0\0\0\0\xff"));
    assert_says(&bench, "LRANGE k 0 -1", "['hello' 'x']");
    assert_int_equal(
        read_bytes_as(&bench, RDB_LIST_QUICKLIST_2, SLICE("\x01\x03\x01x")), RDB_FAILED);
    assert_int_equal(
        read_bytes_as(&bench, RDB_LIST_QUICKLIST_2, SLICE("\x01\x01\x00")), RDB_FAILED);
    bench_close(&bench);
}

static void test_lists_and_sorted_sets_of_plain_elements_are_read(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    enter(&bench, RDB_LIST, SLICE("\x03\x01x\xc0\x07\x01z"));
    assert_says(&bench, "LRANGE k 0 -1", "['x' '7' 'z']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    enter(&bench, RDB_ZSET,
        SLICE("\x03\x01x\x03"
              "1.5\x01y\xff\x01z\xfe"));
    assert_says(&bench, "ZRANGE k 0 -1 WITHSCORES", "['y' '-inf' 'x' '1.5' 'z' 'inf']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    bench_close(&bench);
}

/* 02 | 01 a | 01 00 1 | 01 b | 02 01 22 . | ff */
static void test_a_zipmap_becomes_a_hash(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct slice map = SLICE("\x02\x01"
                             "a\x01\x00"
                             "1\x01"
                             "b\x02\x01"
                             "22.\xff");
    enter_packed(&bench, RDB_HASH_ZIPMAP, map);
    assert_says(&bench, "HGETALL k", "['a' '1' 'b' '22']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    bench.world.thresholds.hash_max_listpack_value = 1;
    enter_packed(&bench, RDB_HASH_ZIPMAP, map);
    assert_says(&bench, "OBJECT ENCODING k", "'hashtable'");
    bench_close(&bench);
}

/* An earlier Redis writes 0.1 with 17 digits; and what is out of order is put in order. */
static void test_packed_scores_are_spelled_anew_and_ordered(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct listpack *packed = listpack_new();
    static const char *const texts[] = {"b", "0.10000000000000001", "a", "-5", "c", "1e2"};
    for (size_t i = 0; i < SF_LENGTH(texts); i++) listpack_append(&packed, slice_text(texts[i]));
    enter_packed(&bench, RDB_ZSET_LISTPACK, listpack_image(packed));
    assert_says(&bench, "ZRANGE k 0 -1 WITHSCORES", "['a' '-5' 'b' '0.1' 'c' '100']");
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    listpack_free(packed);
    bench_close(&bench);
}

/* -- forms ----------------------------------------------------------------------------------- */

static struct listpack *listpack_of(int n) {
    struct listpack *packed = listpack_new();
    char text[20];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%d", i);
        listpack_append(&packed, slice_text(text));
    }
    return packed;
}

static void test_packed_forms_are_kept_up_to_the_thresholds(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const struct {
        enum rdb_type type;
        int n;
        const char *encoding;
    } cases[] = {{RDB_HASH_LISTPACK, 1024, "'listpack'"}, {RDB_HASH_LISTPACK, 1026, "'hashtable'"},
        {RDB_ZSET_LISTPACK, 256, "'listpack'"}, {RDB_ZSET_LISTPACK, 258, "'skiplist'"},
        {RDB_SET_LISTPACK, 128, "'listpack'"}, {RDB_SET_LISTPACK, 129, "'hashtable'"}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct listpack *packed = listpack_of(cases[i].n);
        enter_packed(&bench, cases[i].type, listpack_image(packed));
        assert_says(&bench, "OBJECT ENCODING k", cases[i].encoding);
        listpack_free(packed);
    }
    struct intset *intset = intset_new();
    for (int i = 0; i < 513; i++) {
        if (i == 512) enter_packed(&bench, RDB_SET_INTSET, intset_image(intset));
        if (i == 512) assert_says(&bench, "OBJECT ENCODING k", "'intset'");
        intset_add(&intset, i);
    }
    enter_packed(&bench, RDB_SET_INTSET, intset_image(intset));
    assert_says(&bench, "OBJECT ENCODING k", "'hashtable'");
    intset_free(intset);
    bench_close(&bench);
}

/* A long member in a packed form stays there, as in Redis; among plain elements it does not. */
static void test_lengths_count_for_plain_elements_only(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    char text[80];
    memset(text, 'x', sizeof text);
    struct listpack *packed = listpack_new();
    listpack_append(&packed, slice_of(text, sizeof text));
    listpack_append(&packed, SLICE("1"));
    enter_packed(&bench, RDB_HASH_LISTPACK, listpack_image(packed));
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    enter_packed(&bench, RDB_ZSET_LISTPACK, listpack_image(packed));
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    enter_packed(&bench, RDB_SET_LISTPACK, listpack_image(packed));
    assert_says(&bench, "OBJECT ENCODING k", "'listpack'");
    struct buf plain = {0};
    rdb_put_length(&plain, 1);
    rdb_put_string(&plain, slice_of(text, sizeof text));
    enter(&bench, RDB_SET, buf_slice(&plain));
    assert_says(&bench, "OBJECT ENCODING k", "'hashtable'");
    rdb_put_string(&plain, SLICE("1"));
    enter(&bench, RDB_HASH, buf_slice(&plain));
    assert_says(&bench, "OBJECT ENCODING k", "'hashtable'");
    buf_free(&plain);
    listpack_free(packed);
    bench_close(&bench);
}

/* -- what is refused ------------------------------------------------------------------------- */

static void test_an_element_that_stands_twice_is_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(read_bytes_as(&bench, RDB_SET, SLICE("\x02\x01x\x01x")), RDB_FAILED);
    assert_int_equal(read_bytes_as(&bench, RDB_SET,
                         SLICE("\x02\xc0\x01\x01"
                               "1")),
        RDB_FAILED);
    assert_int_equal(
        read_bytes_as(&bench, RDB_HASH, SLICE("\x02\x01x\x01y\x01x\x01z")), RDB_FAILED);
    assert_int_equal(read_bytes_as(&bench, RDB_ZSET, SLICE("\x02\x01x\xfe\x01x\xff")), RDB_FAILED);
    /* the same text as number and as text: 01 and 81 31 */
    struct slice set = SLICE("\x0c\0\0\0\x02\0\x01\x01\x81"
                             "1\x02\xff");
    assert_int_equal(read_packed_as(&bench, RDB_SET_LISTPACK, set), RDB_FAILED);
    static const enum rdb_type types[] = {RDB_HASH_LISTPACK, RDB_ZSET_LISTPACK, RDB_SET_LISTPACK};
    for (size_t i = 0; i < SF_LENGTH(types); i++) {
        for (int large = 0; large < 2; large++) {
            struct listpack *packed = listpack_of(large ? 1200 : 4);
            listpack_append(&packed, SLICE("0"));
            listpack_append(&packed, SLICE("7"));
            assert_int_equal(read_packed_as(&bench, types[i], listpack_image(packed)), RDB_FAILED);
            listpack_free(packed);
        }
    }
    bench_close(&bench);
}

static void test_a_field_without_value_is_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    for (int n = 3; n < 2000; n += 1500) {
        struct listpack *packed = listpack_of(n);
        assert_int_equal(
            read_packed_as(&bench, RDB_HASH_LISTPACK, listpack_image(packed)), RDB_FAILED);
        assert_int_equal(
            read_packed_as(&bench, RDB_ZSET_LISTPACK, listpack_image(packed)), RDB_FAILED);
        listpack_free(packed);
    }
    bench_close(&bench);
}

static void test_a_packed_score_that_is_no_number_is_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const char *const scores[] = {"nan", "", "x", "1x", " 1", "1e400"};
    for (size_t i = 0; i < SF_LENGTH(scores); i++) {
        struct listpack *packed = listpack_new();
        listpack_append(&packed, SLICE("m"));
        listpack_append(&packed, slice_text(scores[i]));
        assert_int_equal(
            read_packed_as(&bench, RDB_ZSET_LISTPACK, listpack_image(packed)), RDB_FAILED);
        listpack_free(packed);
    }
    bench_close(&bench);
}

static void test_unsorted_intsets_are_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_int_equal(
        read_packed_as(&bench, RDB_SET_INTSET, SLICE("\x02\0\0\0\x02\0\0\0\x02\0\x01\0")),
        RDB_FAILED);
    assert_int_equal(
        read_packed_as(&bench, RDB_SET_INTSET, SLICE("\x02\0\0\0\x02\0\0\0\x01\0\x01\0")),
        RDB_FAILED);
    assert_int_equal(
        read_packed_as(&bench, RDB_SET_INTSET, SLICE("\x03\0\0\0\x01\0\0\0\x01\0\0")), RDB_FAILED);
    bench_close(&bench);
}

static void test_collections_without_elements_are_told(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const enum rdb_type plain[] = {RDB_LIST, RDB_SET, RDB_ZSET, RDB_HASH, RDB_ZSET_2,
        RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2};
    for (size_t i = 0; i < SF_LENGTH(plain); i++)
        assert_int_equal(read_bytes_as(&bench, plain[i], SLICE("\x00")), RDB_EMPTY);
    static const enum rdb_type packed[] = {RDB_HASH_LISTPACK, RDB_ZSET_LISTPACK, RDB_SET_LISTPACK};
    for (size_t i = 0; i < SF_LENGTH(packed); i++)
        assert_int_equal(read_packed_as(&bench, packed[i], SLICE("\x07\0\0\0\0\0\xff")), RDB_EMPTY);
    static const enum rdb_type ziplists[] = {RDB_LIST_ZIPLIST, RDB_HASH_ZIPLIST, RDB_ZSET_ZIPLIST};
    for (size_t i = 0; i < SF_LENGTH(ziplists); i++)
        assert_int_equal(
            read_packed_as(&bench, ziplists[i], SLICE("\x0b\0\0\0\x0a\0\0\0\0\0\xff")), RDB_EMPTY);
    assert_int_equal(
        read_packed_as(&bench, RDB_SET_INTSET, SLICE("\x02\0\0\0\0\0\0\0")), RDB_EMPTY);
    assert_int_equal(read_packed_as(&bench, RDB_HASH_ZIPMAP, SLICE("\x00\xff")), RDB_EMPTY);
    bench_close(&bench);
}

static void test_what_does_not_exist_here_is_refused_in_words(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const uint8_t types[] = {6, 7};
    for (size_t i = 0; i < SF_LENGTH(types); i++) {
        const char *why = NULL;
        assert_int_equal(rdb_value_reader_begin(&bench.reader, types[i], &why), SF_ERR_REFUSED);
        assert_non_null(why);
    }
    assert_false(rdb_type_is_value(8) || rdb_type_is_value(26) || rdb_type_is_value(255));
    bench_close(&bench);
}

/* A length of 2^60 elements costs nothing before they come. */
static void test_a_length_alone_allocates_nothing_for_its_elements(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const enum rdb_type plain[] = {RDB_LIST, RDB_SET, RDB_ZSET, RDB_HASH, RDB_ZSET_2,
        RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2};
    for (size_t i = 0; i < SF_LENGTH(plain); i++)
        assert_int_equal(
            read_bytes_as(&bench, plain[i], SLICE("\x81\x10\0\0\0\0\0\0\0")), RDB_SHORT);
    bench_close(&bench);
}

/* -- payloads -------------------------------------------------------------------------------- */

static void seal(struct buf *payload, uint8_t version) {
    put_u8(payload, version);
    put_u8(payload, 0);
    put_u64(payload, crc64_more(0, buf_slice(payload)));
}

static void test_payloads_up_to_version_12_are_taken(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    for (uint8_t version = 0; version < 20; version++) {
        buf_clear(&bench.payload);
        buf_append(&bench.payload, "\x00\x01x", 3);
        seal(&bench.payload, version);
        assert_int_equal(rdb_payload_check(buf_slice(&bench.payload)), version <= 12);
    }
    bench_close(&bench);
}

/* What a Redis 7.0 gave for SET k hello. */
static void test_a_payload_is_redis_own(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct rdb_value value = {.type = OBJECT_STRING, .text = SLICE("hello")};
    rdb_payload_write(&value, &bench.payload);
    struct slice expected = SLICE("\x00\x05hello\x0a\x00\x63\x72\xdf\x76\x65\x34\x20\x0a");
    assert_true(slice_equal(buf_slice(&bench.payload), expected));
    bench_close(&bench);
}

static void test_damaged_payloads_fail_and_nothing_else(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    fill(&bench, "RPUSH list", 300, "element-of-the-list-%d");
    fill(&bench, "SADD integers", 50, "9%d00");
    fill(&bench, "SADD members", 50, "m%d");
    fill(&bench, "ZADD packed", 50, "%d.25 m%d");
    fill(&bench, "ZADD skiplist", 200, "%d.1 m%d");
    fill(&bench, "HSET pairs", 50, "f%d %d");
    fill(&bench, "HSET fields", 600, "f%d v%d");
    static const char *const keys[] = {
        "list", "integers", "members", "packed", "skiplist", "pairs", "fields"};
    struct random random = random_from(5);
    for (int i = 0; i < 7 * 600; i++) {
        const char *key = keys[i % 7];
        struct object *object = db_find_even_dead(bench_db(&bench), slice_text(key));
        struct rdb_value value = rdb_value_of(bench_db(&bench), object, NULL);
        buf_clear(&bench.payload);
        rdb_payload_write(&value, &bench.payload);
        buf_truncate(&bench.payload, bench.payload.len - 10);
        char *bytes = bench.payload.data + bench.payload.start;
        if (random_below(&random, 4) == 0)
            buf_truncate(&bench.payload, 1 + random_below(&random, bench.payload.len - 1));
        else
            for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--)
                bytes[random_below(&random, bench.payload.len)] ^=
                    (char)(1 << random_below(&random, 8));
        seal(&bench.payload, 10);
        char *copy = sf_alloc(bench.payload.len); /* of exactly that length */
        memcpy(copy, bytes, bench.payload.len);
        struct slice payload = slice_of(copy, bench.payload.len);
        assert_true(rdb_payload_check(payload));
        if (rdb_payload_read(payload, &bench.reader) == SF_OK)
            rdb_value_enter(bench_db(&bench), SLICE("k"), NO_DUE, &bench.reader.value);
        rdb_value_reader_clear(&bench.reader);
        sf_free(copy);
    }
    bench_close(&bench);
}

/* -- hashes whose fields have due times ------------------------------------------------------- */

static void assert_restored(struct bench *bench, const char *from, const char *type) {
    const struct object *object = db_find_even_dead(bench_db(bench), slice_text(from));
    char scratch[OBJECT_TEXT_MAX];
    struct rdb_value value = rdb_value_of(bench_db(bench), object, scratch);
    buf_clear(&bench->payload);
    rdb_payload_write(&value, &bench->payload);
    const uint8_t *bytes = (const uint8_t *)buf_slice(&bench->payload).data;
    assert_int_equal(bytes[0], type[0]);
    assert_int_equal(bytes[bench->payload.len - 10], 12);
    assert_true(rdb_payload_check(buf_slice(&bench->payload)));
    assert_int_equal(rdb_payload_read(buf_slice(&bench->payload), &bench->reader), SF_OK);
    const struct collection *back = &bench->reader.value.collection;
    assert_int_equal(back->encoding, object_encoding(object));
    uint8_t before[20], after[20];
    digest_of(&value, before);
    digest_of(&bench->reader.value, after);
    assert_memory_equal(before, after, 20);
}

static void test_due_times_of_fields_come_back(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    fill(&bench, "HSET h", 10, "f%d %d");
    run(&bench, "HPEXPIRE h 500 FIELDS 2 f3 f4");
    run(&bench, "HPEXPIRE h 100 FIELDS 1 f7");
    assert_restored(&bench, "h", "\x19");
    run(&bench, "HPERSIST h FIELDS 3 f3 f4 f7");
    assert_restored(&bench, "h", "\x19"); /* none has one any more */
    fill(&bench, "HSET large", 600, "f%d v%d");
    run(&bench, "HPEXPIRE large 500 FIELDS 2 f3 f4");
    run(&bench, "HPEXPIRE large 100 FIELDS 1 f7");
    assert_restored(&bench, "large", "\x18");
    bench_close(&bench);
}

/* A listpack of 6 entries: a 1 5000, b 2 0. */
static const char due_triples[] = "\x17\0\0\0\x06\0"
                                  "\x81"
                                  "a\x02\x01\x01\xf1\x88\x13\x03"
                                  "\x81"
                                  "b\x02\x02\x01\x00\x01\xff";

static void test_every_form_of_such_a_hash_is_read(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    bench.world.now_ms = 1000;
    /* 2 fields: a, due at 5000, and b without due time */
    enter(&bench, RDB_HASH_METADATA_PRE_RELEASE,
        SLICE("\x02\x53\x88\x01"
              "a\x01"
              "1\x00\x01"
              "b\x01"
              "2"));
    assert_says(&bench, "HPEXPIRETIME k FIELDS 2 a b", "[5000 -1]");
    enter(&bench, RDB_HASH_METADATA,
        SLICE("\x00\x10\0\0\0\0\0\0\x02\x43\x89\x01"
              "a\x01"
              "1\x00\x01"
              "b\x01"
              "2"));
    assert_says(&bench, "HPEXPIRETIME k FIELDS 2 a b", "[5000 -1]");
    assert_says(&bench, "OBJECT ENCODING k", "'listpackex'");
    struct slice triples = slice_of(due_triples, sizeof due_triples - 1);
    struct buf bytes = {0};
    enter_packed(&bench, RDB_HASH_LISTPACK_EX_PRE_RELEASE, triples);
    assert_says(&bench, "HGETALL k", "['a' '1' 'b' '2']");
    assert_says(&bench, "HPEXPIRETIME k FIELDS 2 a b", "[5000 -1]");
    put_u64(&bytes, 5000);
    rdb_put_string(&bytes, triples);
    enter(&bench, RDB_HASH_LISTPACK_EX, buf_slice(&bytes));
    assert_says(&bench, "HPEXPIRETIME k FIELDS 2 a b", "[5000 -1]");
    buf_free(&bytes);
    bench_close(&bench);
}

static void test_damaged_due_times_are_refused(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const struct slice tables[] = {
        SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x01"
              "a\x01"
              "1"), /* counted from never */
        SLICE("\x00\x10\0\0\0\0\0\0\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01"
              "a\x01"
              "1"),
        SLICE("\x00\x10\0\0\0\0\0\0\x02\x00\x01"
              "a\x01"
              "1\x00\x01"
              "a\x01"
              "1"), /* twice */
    };
    for (size_t i = 0; i < SF_LENGTH(tables); i++)
        assert_int_equal(read_bytes_as(&bench, RDB_HASH_METADATA, tables[i]), RDB_FAILED);
    char triples[sizeof due_triples];
    for (size_t i = 0; i < (sizeof due_triples - 1) * 8; i++) { /* bad or harmless */
        memcpy(triples, due_triples, sizeof triples);
        triples[i / 8] = (char)(triples[i / 8] ^ 1 << (i % 8));
        (void)read_packed_as(
            &bench, RDB_HASH_LISTPACK_EX_PRE_RELEASE, slice_of(triples, sizeof triples - 1));
    }
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_comes_back_as_it_was),
        cmocka_unit_test(test_a_value_written_in_slices_is_the_same),
        cmocka_unit_test(test_ziplists_become_lists_hashes_and_sorted_sets),
        cmocka_unit_test(test_a_quicklist_of_ziplists_is_read),
        cmocka_unit_test(test_a_quicklist_of_plain_and_packed_nodes_is_read),
        cmocka_unit_test(test_lists_and_sorted_sets_of_plain_elements_are_read),
        cmocka_unit_test(test_a_zipmap_becomes_a_hash),
        cmocka_unit_test(test_packed_scores_are_spelled_anew_and_ordered),
        cmocka_unit_test(test_packed_forms_are_kept_up_to_the_thresholds),
        cmocka_unit_test(test_lengths_count_for_plain_elements_only),
        cmocka_unit_test(test_an_element_that_stands_twice_is_refused),
        cmocka_unit_test(test_a_field_without_value_is_refused),
        cmocka_unit_test(test_a_packed_score_that_is_no_number_is_refused),
        cmocka_unit_test(test_unsorted_intsets_are_refused),
        cmocka_unit_test(test_collections_without_elements_are_told),
        cmocka_unit_test(test_what_does_not_exist_here_is_refused_in_words),
        cmocka_unit_test(test_a_length_alone_allocates_nothing_for_its_elements),
        cmocka_unit_test(test_payloads_up_to_version_12_are_taken),
        cmocka_unit_test(test_a_payload_is_redis_own),
        cmocka_unit_test(test_damaged_payloads_fail_and_nothing_else),
        cmocka_unit_test(test_due_times_of_fields_come_back),
        cmocka_unit_test(test_every_form_of_such_a_hash_is_read),
        cmocka_unit_test(test_damaged_due_times_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
