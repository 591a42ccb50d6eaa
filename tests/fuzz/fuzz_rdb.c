/* fuzz_rdb RUNS [SEED]: mutated dump files and values of every type.
 *
 * Held: nothing crashes; a file gives the same keys whatever the chunks; a value that reads is
 * written, reads again as the same, and writes the same bytes. */
#include "rdb/payload.h"
#include "rdb/reader.h"

#include "fuzz/fuzz.h"

#include "util/crc64.h"

static struct keyspace *load(
    struct slice input, size_t chunk_bytes, enum sf_status *status, uint64_t *n_events) {
    struct hash_secret secret = {1, 2};
    struct keyspace *keyspace = keyspace_new(4, &secret);
    const struct thresholds thresholds = THRESHOLDS_DEFAULT;
    const struct rdb_target target = {.types = db_collection_types(keyspace_db(keyspace, 0)),
        .thresholds = &thresholds,
        .string_bytes_max = 1 << 20};
    struct rdb_reader *reader = rdb_reader_new(&target);
    struct rdb_event event = {.kind = RDB_EVENT_MORE};
    *status = SF_OK;
    *n_events = 0;
    for (size_t at = 0; at < input.len && *status == SF_OK && event.kind != RDB_EVENT_END;) {
        size_t n = SF_MIN(chunk_bytes, input.len - at);
        rdb_reader_feed(reader, slice_of(input.data + at, n));
        at += n;
        do {
            *status = rdb_reader_next(reader, &event);
            if (*status != SF_OK) break;
            *n_events += event.kind != RDB_EVENT_MORE;
            if (event.kind == RDB_EVENT_KEY)
                rdb_value_enter(keyspace_db(keyspace, (uint32_t)event.db % 4), event.key,
                    event.due_ms, event.value);
        } while (event.kind != RDB_EVENT_MORE && event.kind != RDB_EVENT_END);
    }
    rdb_reader_free(reader);
    return keyspace;
}

static void file_input(struct random *random, struct slice input) {
    enum sf_status status[2];
    uint64_t n[2];
    struct keyspace *whole = load(input, input.len, &status[0], &n[0]);
    struct keyspace *chunks = load(input, 1 + random_below(random, 20), &status[1], &n[1]);
    SF_ASSERT(status[0] == status[1] && n[0] == n[1]);
    SF_ASSERT(keyspace_digest(whole) == keyspace_digest(chunks));
    keyspace_free(whole);
    keyspace_free(chunks);
}

/* The input as a payload with a footer that is right. */
static void value_input(const struct rdb_target *target, struct slice input) {
    struct buf payload = {0}, written = {0}, again = {0};
    buf_append_slice(&payload, input);
    buf_append(&payload, "\x0a\x00", 2);
    uint64_t checksum = crc64_more(0, buf_slice(&payload));
    buf_append(&payload, &checksum, sizeof checksum);
    struct rdb_value_reader first = {.target = target}, second = {.target = target};
    SF_ASSERT(rdb_payload_check(buf_slice(&payload)));
    if (rdb_payload_read(buf_slice(&payload), &first) == SF_OK) {
        rdb_payload_write(&first.value, &written);
        SF_ASSERT(rdb_payload_check(buf_slice(&written)));
        enum sf_status status = rdb_payload_read(buf_slice(&written), &second);
        SF_ASSERT(status == SF_OK && second.value.type == first.value.type);
        SF_ASSERT(
            first.value.type == OBJECT_STRING ||
            collection_size(&second.value.collection) == collection_size(&first.value.collection));
        rdb_payload_write(&second.value, &again);
        /* a set's listpack is written as members: those that are numbers may come in order */
        bool is_listpack_set =
            first.value.type == OBJECT_SET && first.value.collection.encoding == ENCODING_LISTPACK;
        SF_ASSERT(is_listpack_set || slice_equal(buf_slice(&written), buf_slice(&again)));
    }
    rdb_value_reader_free(&first);
    rdb_value_reader_free(&second);
    buf_free(&payload);
    buf_free(&written);
    buf_free(&again);
}

int main(int argc, char **argv) {
    static const struct slice seeds[] = {
        {"REDIS0011", 9},
        {"\xfa\x01x\xc0\x07\xfe\x02\xfb\x05\x01\xfc\xff\0\0\0\0\0\0\0", 20},
        {"\x00\x01"
         "a\x05hello",
            9},
        {"\x00\x01z\xc3\x06\x40\x78\x01xx\xe0\x6d\x00\x01xx", 14},
        {"\x01\x01l\x03\x01x\xc0\x07\x01z", 10},
        {"\x02\x01s\x03\x01x\xc0\x07\x01z", 10},
        {"\x03\x01o\x03\x01x\x03"
         "1.5\x01y\xff\x01z\xfe",
            16},
        {"\x04\x01h\x02\x01x\x01y\x01z\xc0\x05", 11},
        {"\x05\x01Z\x02\x01x\0\0\0\0\0\0\xf0\x3f\x01y\0\0\0\0\0\0\0\0", 24},
        {"\x09\x01m\x0f\x02\x01"
         "a\x01\x00"
         "1\x01"
         "b\x02\x01"
         "22.\xff",
            19},
        {"\x0d\x01p\x16\x16\0\0\0\x12\0\0\0\x04\0\x00\x01"
         "a\x03\xf2\x02\x01"
         "b\x03\xfe\x64\xff",
            26},
        {"\x0a\x01q\x16\x16\0\0\0\x12\0\0\0\x04\0\x00\x01"
         "a\x03\xf2\x02\x01"
         "b\x03\xfe\x64\xff",
            26},
        {"\x0b\x01i\x0e\x02\0\0\0\x03\0\0\0\x01\0\x05\0\x09\0", 18},
        {"\x10\x01H\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x06\x01\xff", 19},
        {"\x11\x01O\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x06\x01\xff", 19},
        {"\x12\x01L\x02\x01\x05hello\x02\x0a\x0a\0\0\0\x01\0\x81x\x02\xff", 22},
        {"\x14\x01S\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x08\x01\xff", 19},
        {"\xff\0\0\0\0\0\0\0\0", 9},
    };
    struct hash_secret secret = {1, 2};
    struct keyspace *keyspace = keyspace_new(1, &secret);
    const struct thresholds thresholds = THRESHOLDS_DEFAULT;
    const struct rdb_target target = {.types = db_collection_types(keyspace_db(keyspace, 0)),
        .thresholds = &thresholds,
        .string_bytes_max = 1 << 20};
    struct fuzz fuzz = fuzz_begin(argc, argv, "rdb", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        struct buf file = {0};
        buf_append(&file, "REDIS0011", 9);
        buf_append_slice(&file, fuzz.input);
        file_input(&fuzz.random, buf_slice(&file));
        buf_free(&file);
        if (fuzz.input.len == 0) continue;
        value_input(&target, fuzz.input);
        /* the same without a key, if it has one of one byte */
        if (fuzz.input.len > 3) {
            buf_append(&file, fuzz.input.data, 1);
            buf_append(&file, fuzz.input.data + 3, fuzz.input.len - 3);
            value_input(&target, buf_slice(&file));
            buf_free(&file);
        }
    }
    keyspace_free(keyspace);
    return fuzz_end(&fuzz);
}
