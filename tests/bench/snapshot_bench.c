/* snapshot_bench [KEYS] [FILE]: what writing a snapshot of so many small keys costs, and loading
 * it. CPU time of this process for each key; FILE: where the snapshot is left, for a redis-server
 * to load. */
#include "engine/snapshot.h"
#include "keyspace/collection.h"
#include "raft/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const struct engine_settings settings = {1, 16, {1, 2}, 512 << 20};

static double cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
           (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
}

static void fill(struct engine *engine, uint64_t n) {
    struct db *db = keyspace_db(engine_keyspace(engine), 0);
    for (uint64_t i = 0; i < n; i++) {
        char key[40], value[64];
        int key_len = snprintf(key, sizeof key, "key:%012llu", (unsigned long long)i);
        int len = snprintf(value, sizeof value, "%032llu", (unsigned long long)(i * 7919));
        value[0] = 'v';
        db_set_string(db, slice_of(key, (size_t)key_len), slice_of(value, (size_t)len), NO_DUE);
    }
}

/* Into out; the longest slice shows what a turn of the node's loop would wait. */
static void write_all(struct engine *engine, bool compresses, struct buf *out, uint64_t n) {
    const struct snapshot_head head = {.place = {.index = engine_applied(engine)}};
    double began = cpu_us(), longest = 0;
    struct snapshot_writer *writer = snapshot_writer_new(engine, &head, compresses);
    double begun = cpu_us() - began;
    struct buf piece = {0};
    double spent = 0;
    for (bool is_end = false; !is_end;) {
        double before = cpu_us();
        is_end = snapshot_write_some(writer, &piece, 1024);
        double took = cpu_us() - before;
        spent += took;
        if (took > longest) longest = took;
        buf_append_slice(out, buf_slice(&piece));
        buf_clear(&piece);
    }
    buf_free(&piece);
    snapshot_writer_free(writer);
    printf("write%s: %.3f us a key, %.1f bytes a key; begin %.0f us, longest slice %.0f us\n",
        compresses ? ", compressed" : "", spent / (double)n, (double)out->len / (double)n, begun,
        longest);
}

static void load_all(struct slice bytes, uint64_t n) {
    struct engine *engine = engine_new(&settings, NULL);
    double began = cpu_us();
    struct snapshot_loader *loader = snapshot_loader_new(engine, bytes.len);
    enum snapshot_loading loading = SNAPSHOT_GOES_ON;
    for (size_t at = 0; at < bytes.len; at += 1 << 16) {
        size_t len = SF_MIN(bytes.len - at, (size_t)1 << 16);
        loading = snapshot_load(loader, slice_of(bytes.data + at, len));
    }
    SF_ASSERT(loading == SNAPSHOT_LOADED);
    snapshot_loader_free(loader);
    printf("load: %.3f us a key\n", (cpu_us() - began) / (double)n);
    engine_free(engine);
}

int main(int argc, char **argv) {
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct engine *engine = engine_new(&settings, NULL);
    fill(engine, n);
    for (int compresses = 1; compresses >= 0; compresses--) {
        struct buf out = {0};
        write_all(engine, compresses == 1, &out, n);
        if (compresses == 0 && argc > 2) {
            FILE *file = fopen(argv[2], "wb");
            if (file == NULL || fwrite(buf_slice(&out).data, 1, out.len, file) != out.len) return 1;
            fclose(file);
        }
        load_all(buf_slice(&out), n);
        buf_free(&out);
    }
    engine_free(engine);
    return 0;
}
