/* Files: written by our writer, read in chunks of any size; every piece that may stand in one. */
#include "rdb/output.h"
#include "rdb/reader.h"
#include "rdb/writer.h"
#include "util/codec.h"
#include "util/crc64.h"

#include "unit/commands/world.h"

/* Runs a line in the world's db. */
static void run(struct world *world, const char *line) {
    assert_true(world_line(world, line)[0] != '-');
}

/* Values of every form in two databases. */
static void fill(struct world *world) {
    static const char *const lines[] = {"SET text hello PXAT 99999999999", "SET number 12345",
        "RPUSH list a b c 1 2 3", "SADD integers 1 2 3", "SADD members a b 3",
        "ZADD packed 1.5 a -3 b 1e9 c", "HSET pairs f v g 7", "SET '' ''"};
    char line[200];
    for (uint32_t db = 0; db < 4; db += 3) {
        world->db = db;
        for (size_t i = 0; i < SF_LENGTH(lines); i++) run(world, lines[i]);
        for (int i = 0; i < 600; i++) {
            snprintf(line, sizeof line, "HSET fields field-%d value-%d", i, i * i);
            run(world, line);
            snprintf(line, sizeof line, "ZADD skiplist %d.25 member-%d", i, i);
            run(world, line);
            snprintf(line, sizeof line, "SADD table member-%d", i);
            run(world, line);
            snprintf(line, sizeof line, "RPUSH long element-of-the-list-%d", i);
            run(world, line);
        }
    }
}

struct put {
    struct buf *out;
    struct db *db;
};

static bool put_key(void *context, struct object *object) {
    const struct put *put = context;
    char scratch[OBJECT_TEXT_MAX];
    struct rdb_value value = rdb_value_of(put->db, object, scratch);
    struct rdb_value_writer writer;
    rdb_write_key(put->out, object_key(object), object_due_ms(object), rdb_type_of(&value));
    rdb_value_writer_begin(&writer, &value, true);
    while (!rdb_value_write(&writer, put->out, 100)) {
    }
    return true;
}

static void write_world(struct world *world, struct buf *out) {
    rdb_write_begin(out);
    rdb_write_aux(out, SLICE("redis-bits"), SLICE("64"));
    rdb_write_function(out, SLICE("#!lua name=x\n"));
    for (uint32_t i = 0; i < 16; i++) {
        struct db *db = keyspace_db(world->keyspace, i);
        struct put put = {out, db};
        if (db_size(db) == 0) continue;
        rdb_write_db(out, i, db_size(db), db_expiring_size(db));
        db_walk(db, put_key, &put);
    }
    rdb_write_end(out);
    rdb_write_checksum(out, crc64_more(0, buf_slice(out)));
}

/* What a reader made of a file. */
struct found {
    struct world world;
    enum sf_status status;
    const char *why;
    bool ended;
    uint64_t n_keys, n_empty;
    struct buf log; /* every event, a line each; keys with their due times */
};

static void note(struct found *found, const struct rdb_event *event) {
    char scratch[INT_TEXT_MAX];
    switch (event->kind) {
    case RDB_EVENT_AUX:
        buf_printf(&found->log, "aux %.*s %.*s\n", (int)event->name.len, event->name.data,
            (int)event->text.len, event->text.data);
        break;
    case RDB_EVENT_FUNCTION:
        buf_printf(&found->log, "function %.*s\n", (int)event->text.len, event->text.data);
        break;
    case RDB_EVENT_DB:
        buf_printf(&found->log, "db %d\n", (int)event->db);
        break;
    case RDB_EVENT_SIZES:
        buf_printf(&found->log, "sizes %d %d\n", (int)event->n_keys, (int)event->n_expiring);
        break;
    case RDB_EVENT_KEY:
        found->n_keys++;
        buf_printf(&found->log, "key %.*s %.*s\n", (int)event->key.len, event->key.data,
            (int)int_print(event->due_ms, scratch), scratch);
        if (event->db < 16)
            rdb_value_enter(keyspace_db(found->world.keyspace, (uint32_t)event->db), event->key,
                event->due_ms, event->value);
        break;
    case RDB_EVENT_END:
        found->ended = true;
        break;
    case RDB_EVENT_MORE:
        break;
    }
}

/* Each chunk lies in memory of exactly its length. */
static void read_file(struct found *found, struct slice file, size_t chunk_bytes) {
    *found = (struct found){.status = SF_OK};
    world_open(&found->world);
    const struct rdb_target target = {
        .types = db_collection_types(keyspace_db(found->world.keyspace, 0)),
        .thresholds = &found->world.thresholds,
        .string_bytes_max = 1 << 20};
    struct rdb_reader *reader = rdb_reader_new(&target);
    for (size_t at = 0; at < file.len && found->status == SF_OK && !found->ended;) {
        size_t n = SF_MIN(chunk_bytes, file.len - at);
        char *chunk = sf_alloc(n);
        memcpy(chunk, file.data + at, n);
        rdb_reader_feed(reader, slice_of(chunk, n));
        sf_free(chunk);
        at += n;
        for (;;) {
            struct rdb_event event;
            found->status = rdb_reader_next(reader, &event);
            if (found->status != SF_OK || event.kind == RDB_EVENT_MORE) break;
            note(found, &event);
            if (found->ended) break;
        }
    }
    found->why = rdb_reader_why(reader);
    found->n_empty = rdb_reader_empty_keys(reader);
    assert_true((found->why[0] == '\0') == (found->status == SF_OK));
    rdb_reader_free(reader);
}

static void found_close(struct found *found) {
    world_close(&found->world);
    buf_free(&found->log);
}

static void assert_log(struct found *found, const char *log) {
    buf_append_char(&found->log, '\0');
    assert_string_equal(buf_slice(&found->log).data, log);
}

/* -- our own files --------------------------------------------------------------------------- */

static void test_what_was_written_is_read_in_chunks_of_any_size(void **state) {
    (void)state;
    struct world world;
    struct buf file = {0};
    world_open(&world);
    fill(&world);
    write_world(&world, &file);
    uint8_t before[20], after[20];
    keyspace_redis_digest(world.keyspace, 0, before);
    static const size_t chunks[] = {1, 2, 3, 7, 100, 4096, 1 << 20};
    for (size_t i = 0; i < SF_LENGTH(chunks); i++) {
        struct found found;
        read_file(&found, buf_slice(&file), chunks[i]);
        assert_int_equal(found.status, SF_OK);
        assert_true(found.ended && found.n_keys == 24 && found.n_empty == 0);
        keyspace_redis_digest(found.world.keyspace, 0, after);
        assert_memory_equal(before, after, 20);
        found_close(&found);
    }
    buf_free(&file);
    world_close(&world);
}

static void test_every_cut_of_a_file_only_asks_for_more(void **state) {
    (void)state;
    struct world world;
    struct buf file = {0};
    world_open(&world);
    static const char *const lines[] = {"SET text hello PXAT 99999999999", "RPUSH list a b c 1 2 3",
        "SADD integers 1 2 3", "SADD members a b 3", "ZADD packed 1.5 a -3 b",
        "HSET pairs f v g 7"};
    for (size_t i = 0; i < SF_LENGTH(lines); i++) run(&world, lines[i]);
    write_world(&world, &file);
    for (size_t len = 0; len <= file.len; len++) {
        struct found found;
        read_file(&found, slice_of(buf_slice(&file).data, len), 50);
        assert_int_equal(found.status, SF_OK);
        assert_true(found.ended == (len == file.len));
        found_close(&found);
    }
    buf_free(&file);
    world_close(&world);
}

/* The checksum finds it at the end, if nothing else does before. */
static void test_a_changed_bit_is_found(void **state) {
    (void)state;
    struct world world;
    struct buf file = {0};
    world_open(&world);
    fill(&world);
    write_world(&world, &file);
    struct random random = random_from(11);
    for (int i = 0; i < 300; i++) {
        size_t at = 9 + random_below(&random, file.len - 9);
        char bit = (char)(1 << random_below(&random, 8));
        file.data[file.start + at] ^= bit;
        struct found found;
        read_file(&found, buf_slice(&file), 10000);
        assert_true(found.status != SF_OK || !found.ended);
        found_close(&found);
        file.data[file.start + at] ^= bit;
    }
    buf_free(&file);
    world_close(&world);
}

/* -- files by hand --------------------------------------------------------------------------- */

static void read_text(struct found *found, struct slice pieces, bool has_checksum) {
    struct buf file = {0};
    buf_append_slice(&file, pieces);
    if (has_checksum) put_u64(&file, crc64_more(0, buf_slice(&file)));
    read_file(found, buf_slice(&file), 5);
    buf_free(&file);
}

static void test_every_piece_between_keys_is_read(void **state) {
    (void)state;
    struct found found;
    read_text(&found,
        SLICE("REDIS0011"
              "\xfa\x01x\xc0\x07" /* aux x 7 */
              "\xf5\x04"
              "code"             /* function */
              "\xfe\x02"         /* db 2 */
              "\xfb\x05\x01"     /* sizes */
              "\xf4\x01\x02\x03" /* slot info */
              "\xfd\x10\0\0\0\0\x01"
              "a\x01v" /* due at 16 s */
              "\xfc\xff\0\0\0\0\0\0\0\xf8\x05\x00\x01"
              "b\x01v" /* due at 255 ms, idle */
              "\xf9\x05\x00\x01"
              "c\x01v" /* frequency */
              "\xfc\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x01"
              "d\x01v" /* due at the end of time */
              "\xfd\xff\xff\xff\xff\x00\x01"
              "e\x01v" /* due before its beginning */
              "\xff"),
        true);
    assert_int_equal(found.status, SF_OK);
    assert_log(&found, "aux x 7\nfunction code\ndb 2\nsizes 5 1\nkey a 16000\nkey b 255\n"
                       "key c 9223372036854775807\nkey d 9223372036854775806\nkey e -1000\n");
    assert_true(found.ended);
    found_close(&found);
}

static void test_a_due_time_is_the_next_keys_alone(void **state) {
    (void)state;
    struct found found;
    read_text(&found,
        SLICE("REDIS0010\xfc\xff\0\0\0\0\0\0\0\x02\x01"
              "a\x00" /* an empty set: left out with its due time */
              "\x00\x01"
              "b\x01v\xff"),
        true);
    assert_int_equal(found.status, SF_OK);
    assert_int_equal(found.n_empty, 1);
    assert_log(&found, "key b 9223372036854775807\n");
    found_close(&found);
}

static void test_a_file_without_checksum_is_read(void **state) {
    (void)state;
    struct found found;
    read_text(&found,
        SLICE("REDIS0010\x00\x01"
              "b\x01v\xff\0\0\0\0\0\0\0\0"),
        false);
    assert_true(found.status == SF_OK && found.ended);
    found_close(&found);
    read_text(&found,
        SLICE("REDIS0003\x00\x01"
              "b\x01v\xff"),
        false); /* before version 5 there was none */
    assert_true(found.status == SF_OK && found.ended);
    found_close(&found);
    read_text(&found,
        SLICE("REDIS0010\x00\x01"
              "b\x01v\xff\1\0\0\0\0\0\0\0"),
        false);
    assert_int_equal(found.status, SF_ERR_CORRUPT);
    found_close(&found);
}

static void test_what_cannot_be_read_is_refused_in_words(void **state) {
    (void)state;
    static const struct {
        struct slice file;
        enum sf_status status;
    } cases[] = {{SLICE("REDIS0013\xff"), SF_ERR_REFUSED}, {SLICE("REDIS0000\xff"), SF_ERR_CORRUPT},
        {SLICE("REDIS00x1\xff"), SF_ERR_CORRUPT}, {SLICE("SIDER0010\xff"), SF_ERR_CORRUPT},
        {SLICE("REDIS0010\xf7\x05"), SF_ERR_REFUSED}, {SLICE("REDIS0010\xf6\x05"), SF_ERR_REFUSED},
        {SLICE("REDIS0010\x07\x01k\x00"), SF_ERR_REFUSED},
        {SLICE("REDIS0010\x08\x01k\x00"), SF_ERR_CORRUPT},
        {SLICE("REDIS0010\x64\x01k\x00"), SF_ERR_CORRUPT},
        {SLICE("REDIS0010\xfe\x81\1\0\0\0\0\0\0\0"), SF_ERR_CORRUPT},
        {SLICE("REDIS0010\xfe\xc0\x01"), SF_ERR_CORRUPT},
        {SLICE("REDIS0010\x00\x80\x7f\xff\xff\xff"), SF_ERR_TOO_LARGE}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct found found;
        read_text(&found, cases[i].file, true);
        assert_int_equal(found.status, cases[i].status);
        found_close(&found);
    }
}

static void test_what_stands_behind_the_end_is_kept(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    const struct rdb_target target = {.types = db_collection_types(keyspace_db(world.keyspace, 0)),
        .thresholds = &world.thresholds,
        .string_bytes_max = 1000};
    struct rdb_reader *reader = rdb_reader_new(&target);
    struct rdb_event event;
    rdb_reader_feed(reader, SLICE("REDIS0010\xff\0\0\0\0\0\0\0\0"
                                  "the stream goes on"));
    assert_int_equal(rdb_reader_next(reader, &event), SF_OK);
    assert_int_equal(event.kind, RDB_EVENT_END);
    assert_true(slice_equal(rdb_reader_rest(reader), SLICE("the stream goes on")));
    assert_int_equal(rdb_reader_version(reader), 10);
    rdb_reader_free(reader);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read_in_chunks_of_any_size),
        cmocka_unit_test(test_every_cut_of_a_file_only_asks_for_more),
        cmocka_unit_test(test_a_changed_bit_is_found),
        cmocka_unit_test(test_every_piece_between_keys_is_read),
        cmocka_unit_test(test_a_due_time_is_the_next_keys_alone),
        cmocka_unit_test(test_a_file_without_checksum_is_read),
        cmocka_unit_test(test_what_cannot_be_read_is_refused_in_words),
        cmocka_unit_test(test_what_stands_behind_the_end_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
