/* fuzz_packed RUNS [SEED]: mutated listpacks, intsets, stream nodes and images of collections.
 *
 * Held: nothing crashes; what loads can be walked both ways, changed, and loads again from its own
 * bytes; a value that reads writes an image that reads as the same. */
#include "data/intset.h"
#include "data/listpack.h"
#include "data/stream_log.h"
#include "keyspace/collection.h"

#include "fuzz/fuzz.h"

static void listpack_input(struct random *random, struct slice input) {
    struct listpack *listpack = listpack_load(input);
    if (listpack == NULL) return;
    char scratch[INT_TEXT_MAX];
    uint64_t n = listpack_count(listpack);
    for (size_t at = listpack_first(listpack); at != 0; at = listpack_next(listpack, at))
        listpack_text(listpack, at, scratch);
    for (size_t at = listpack_last(listpack); at != 0; at = listpack_prev(listpack, at)) n--;
    SF_ASSERT(n == 0);
    for (int i = 0; i < 4; i++) {
        n = listpack_count(listpack);
        size_t at = n == 0 ? 0 : listpack_seek(listpack, (int64_t)random_below(random, n));
        uint64_t choice = random_below(random, 3);
        if (choice == 0)
            listpack_insert(&listpack, at, SLICE("12345"));
        else if (choice == 1 && at != 0)
            listpack_replace(&listpack, at, SLICE("some text"));
        else if (at != 0)
            listpack_delete(&listpack, at, 1 + random_below(random, 3));
    }
    struct listpack *again = listpack_load(listpack_image(listpack));
    SF_ASSERT(again != NULL && listpack_count(again) == listpack_count(listpack));
    listpack_free(again);
    listpack_free(listpack);
}

static void intset_input(struct random *random, struct slice input) {
    struct intset *intset = intset_load(input);
    if (intset == NULL) return;
    int64_t value = (int64_t)random_next(random);
    intset_add(&intset, value);
    SF_ASSERT(intset_contains(intset, value));
    intset_remove(&intset, value);
    struct intset *again = intset_load(intset_image(intset));
    SF_ASSERT(again != NULL);
    intset_free(again);
    intset_free(intset);
}

/* A node that loads can be walked both ways, trimmed and appended to. */
static void node_input(struct random *random, struct slice input) {
    struct stream_id master = {random_below(random, 3), random_below(random, 3)};
    struct stream_node *node = stream_node_load(master, input);
    if (node == NULL) return;
    struct stream_log log;
    struct stream_cursor cursor;
    uint64_t n = stream_node_live(node);
    stream_log_init(&log);
    SF_ASSERT(stream_log_append_node(&log, &node) && log.length == n);
    bool more = stream_log_seek(&log, STREAM_ID_MIN, &cursor);
    for (uint64_t left = n; left > 0; left--) {
        SF_ASSERT(more);
        more = stream_cursor_next(&cursor);
    }
    SF_ASSERT(!more);
    if (stream_log_seek_back(&log, STREAM_ID_MAX, &cursor)) {
        struct stream_id last = cursor.entry.id;
        SF_ASSERT(stream_log_remove(&log, last));
    }
    struct stream_trim trim = {.max_length = n / 2};
    stream_log_trim(&log, &trim);
    struct slice pair[2] = {SLICE("name"), SLICE("value")};
    struct stream_node_limits limits = {4096, 100};
    stream_log_append(&log, &limits, STREAM_ID_MAX, 1, pair);
    uint64_t budget = UINT64_MAX;
    while (!stream_log_free_some(&log, &budget)) {
    }
}

static void value_input(
    const struct collection_types *types, const struct collection_form *form, struct slice input) {
    struct reader in = reader_of(input);
    void *value = form->read(types, &in);
    if (value == NULL) return;
    struct buf image = {0}, second = {0};
    form->put(value, &image);
    in = reader_of(buf_slice(&image));
    void *again = form->read(types, &in);
    SF_ASSERT(again != NULL && form->size(again) == form->size(value) && in.rest.len == 0);
    form->put(again, &second);
    SF_ASSERT(slice_equal(buf_slice(&image), buf_slice(&second)));
    uint8_t digest[20] = {0};
    form->redis_digest(value, digest);
    form->free(value);
    form->free(again);
    buf_free(&image);
    buf_free(&second);
}

int main(int argc, char **argv) {
    static const struct slice seeds[] = {
        {"\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x06\x01\xff", 15},
        {"\x1f\0\0\0\x05\0\x85hello\x06\xc0\x80\x02\xf1\0\x10\x03\xf2\0\x80\0\x04\x83"
         "007\x04\xff",
            31},
        {"\x0f\x0f\0\0\0\x04\0\x05\x01\x06\x01\x07\x01\x06\x01\xff", 16},
        {"\x02\0\0\0\x03\0\0\0\x01\0\x05\0\x09\0", 14},
        {"\x0e\x02\0\0\0\x03\0\0\0\x01\0\x05\0\x09\0", 15},
        {"\x02\x01"
         "a\x01"
         "b",
            5},
        {"\x02\x01"
         "a\x01"
         "1\x01"
         "b\x01"
         "2",
            9},
    };
    struct hash_secret secret = {1, 2};
    struct keyspace *keyspace = keyspace_new(1, &secret);
    const struct collection_types *types = db_collection_types(keyspace_db(keyspace, 0));
    struct fuzz fuzz = fuzz_begin(argc, argv, "packed", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        listpack_input(&fuzz.random, fuzz.input);
        intset_input(&fuzz.random, fuzz.input);
        node_input(&fuzz.random, fuzz.input);
        for (int type = OBJECT_LIST; type <= OBJECT_STREAM; type++) {
            for (int encoding = ENCODING_LISTPACK; encoding <= ENCODING_STREAM; encoding++) {
                const struct collection_form *form =
                    collection_form((enum object_type)type, (enum object_encoding)encoding);
                if (form != NULL) value_input(types, form, fuzz.input);
            }
        }
    }
    keyspace_free(keyspace);
    return fuzz_end(&fuzz);
}
