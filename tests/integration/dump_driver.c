/* Reads dump files with src/rdb and writes them again.
 *
 *   dump_driver read FILE CHUNK    its digest, as DEBUG DIGEST says it, and counts
 *   dump_driver copy FILE TO       the same keys, functions and fields, written by our writer
 *
 * Exit codes: 0 done, 1 the file is no dump that can be read here (and why), 2 misuse. */
#include "rdb/reader.h"
#include "rdb/writer.h"
#include "util/crc64.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DBS = 16, SLICE_BYTES = 1000 };

struct driver {
    struct keyspace *keyspace;
    struct thresholds thresholds;
    uint64_t n_keys, n_functions, n_aux;
    struct buf out; /* copy: what is not keys goes straight on */
    bool copies;
};

static bool take(struct driver *driver, const struct rdb_event *event) {
    switch (event->kind) {
    case RDB_EVENT_AUX:
        driver->n_aux++;
        break;
    case RDB_EVENT_FUNCTION:
        driver->n_functions++;
        if (driver->copies) rdb_write_function(&driver->out, event->text);
        break;
    case RDB_EVENT_KEY:
        driver->n_keys++;
        SF_ASSERT(event->db < DBS);
        rdb_value_enter(keyspace_db(driver->keyspace, (uint32_t)event->db), event->key,
            event->due_ms, event->value);
        break;
    case RDB_EVENT_MORE:
    case RDB_EVENT_DB:
    case RDB_EVENT_SIZES:
    case RDB_EVENT_END:
        break;
    }
    return event->kind != RDB_EVENT_END;
}

static int read_file(struct driver *driver, const char *path, size_t chunk_bytes) {
    const struct rdb_target target = {
        .types = db_collection_types(keyspace_db(driver->keyspace, 0)),
        .thresholds = &driver->thresholds,
        .string_bytes_max = (size_t)512 << 20};
    struct rdb_reader *reader = rdb_reader_new(&target);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 2;
    char *chunk = sf_alloc(chunk_bytes);
    enum sf_status status = SF_OK;
    for (bool more = true; more;) {
        size_t n = fread(chunk, 1, chunk_bytes, file);
        if (n == 0) status = SF_ERR_CORRUPT; /* cut off */
        rdb_reader_feed(reader, slice_of(chunk, n));
        struct rdb_event event = {.kind = RDB_EVENT_MORE};
        while (status == SF_OK && more) {
            status = rdb_reader_next(reader, &event);
            if (status != SF_OK || event.kind == RDB_EVENT_MORE) break;
            more = take(driver, &event);
        }
        if (status != SF_OK) break;
    }
    if (status != SF_OK) printf("%s: %s\n", sf_status_text(status), rdb_reader_why(reader));
    printf("version %" PRIu32 "\nempty %" PRIu64 "\n", rdb_reader_version(reader),
        rdb_reader_empty_keys(reader));
    fclose(file);
    sf_free(chunk);
    rdb_reader_free(reader);
    return status == SF_OK ? 0 : 1;
}

struct put {
    struct driver *driver;
    struct db *db;
};

static bool put_key(void *context, struct object *object) {
    const struct put *put = context;
    struct driver *driver = put->driver;
    char scratch[OBJECT_TEXT_MAX];
    struct rdb_value value = rdb_value_of(put->db, object, scratch);
    struct rdb_value_writer writer;
    rdb_write_key(&driver->out, object_key(object), object_due_ms(object), rdb_type_of(&value));
    rdb_value_writer_begin(&writer, &value, true);
    while (!rdb_value_write(&writer, &driver->out, SLICE_BYTES)) {
    }
    return true;
}

static int write_file(struct driver *driver, const char *path) {
    for (uint32_t i = 0; i < DBS; i++) {
        struct db *db = keyspace_db(driver->keyspace, i);
        struct put put = {driver, db};
        if (db_size(db) == 0) continue;
        rdb_write_db(&driver->out, i, db_size(db), db_expiring_size(db));
        db_walk(db, put_key, &put);
    }
    rdb_write_end(&driver->out);
    rdb_write_checksum(&driver->out, crc64_more(0, buf_slice(&driver->out)));
    FILE *file = fopen(path, "wb");
    if (file == NULL) return 2;
    bool is_written = fwrite(buf_slice(&driver->out).data, 1, driver->out.len, file) > 0;
    return fclose(file) == 0 && is_written ? 0 : 2;
}

static void print_digest(struct driver *driver) {
    uint8_t digest[20];
    keyspace_redis_digest(driver->keyspace, INT64_MIN, digest);
    printf("digest ");
    for (size_t i = 0; i < sizeof digest; i++) printf("%02x", digest[i]);
    printf("\nkeys %" PRIu64 "\nfunctions %" PRIu64 "\naux %" PRIu64 "\n", driver->n_keys,
        driver->n_functions, driver->n_aux);
}

int main(int argc, char **argv) {
    struct driver driver = {.thresholds = THRESHOLDS_DEFAULT};
    struct hash_secret secret = {1, 2};
    if (argc != 4) return 2;
    driver.keyspace = keyspace_new(DBS, &secret);
    driver.copies = strcmp(argv[1], "copy") == 0;
    size_t chunk_bytes = driver.copies ? 65536 : strtoul(argv[3], NULL, 10);
    if (driver.copies) {
        rdb_write_begin(&driver.out);
        rdb_write_aux(&driver.out, SLICE("redis-ver"), SLICE("7.0.0"));
    }
    int result = chunk_bytes == 0 ? 2 : read_file(&driver, argv[2], chunk_bytes);
    if (result == 0 && driver.copies) result = write_file(&driver, argv[3]);
    if (result == 0) print_digest(&driver);
    keyspace_free(driver.keyspace);
    buf_free(&driver.out);
    return result;
}
