/* CPU nanoseconds and bytes a key: the table alone, and the keyspace on it.
 * usage: table_bench [keys, default 1000000] */
#include "data/table.h"
#include "keyspace/keyspace.h"

#include "util/random.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t resident_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
    if (file != NULL) fclose(file);
    return resident * 4096;
}

static void report(const char *what, double since, uint64_t n) {
    printf("%-34s %7.1f ns\n", what, (now_s() - since) * 1e9 / (double)n);
}

static struct slice text_key(const void *item) {
    return slice_of(item, 16);
}

/* The i-th key, at random places of the hash order. */
static struct slice key_of(char text[32], uint64_t i) {
    snprintf(text, 32, "key:%012llu", (unsigned long long)(i % 1000000000000ULL));
    return slice_of(text, 16);
}

static uint64_t shuffled(uint64_t i, uint64_t n) {
    return (i * 2654435761ULL + 12345) % n;
}

static void bench_table(uint64_t n) {
    struct table_type type = {.secret = {1, 2}, .key = text_key};
    struct table table;
    table_init(&table, &type);
    char *keys = sf_alloc(n * 16), text[32];
    double worst = 0;
    for (uint64_t i = 0; i < n; i++) memcpy(keys + 16 * i, key_of(text, i).data, 16);
    double start = now_s();
    for (uint64_t i = 0; i < n; i++) {
        char *item = keys + 16 * shuffled(i, n);
        double before = i % 16 == 0 ? now_s() : 0;
        table_put(&table, table_hash(&type, text_key(item)), item);
        if (i % 16 == 0 && now_s() - before > worst) worst = now_s() - before;
    }
    report("table: insert", start, n);
    printf("%-34s %7.1f us (of every 16th)\n", "table: slowest insert", worst * 1e6);
    printf("%-34s %7.2f bytes a key, %llu keys\n", "table: memory",
        (double)table_bytes(&table) / (double)table_size(&table),
        (unsigned long long)table_size(&table));
    char *wanted = sf_alloc(n * 16); /* as requests come: in memory that is read in order */
    for (uint64_t i = 0; i < n; i++) memcpy(wanted + 16 * i, keys + 16 * shuffled(i, n), 16);
    start = now_s();
    for (uint64_t i = 0; i < n; i++) {
        struct slice key = text_key(wanted + 16 * i);
        if (table_find(&table, table_hash(&type, key), key) == NULL) abort();
    }
    report("table: find", start, n);
    start = now_s();
    for (uint64_t i = 0; i + 16 <= n; i += 16) {
        uint64_t hashes[16];
        const char *at[16];
        for (uint64_t j = 0; j < 16; j++) {
            at[j] = wanted + 16 * (i + j);
            hashes[j] = table_hash(&type, text_key(at[j]));
            table_prefetch(&table, hashes[j]);
        }
        for (uint64_t j = 0; j < 16; j++) table_prefetch_item(&table, hashes[j]);
        for (uint64_t j = 0; j < 16; j++) {
            if (table_find(&table, hashes[j], text_key(at[j])) == NULL) abort();
        }
    }
    report("table: find, 16 prefetched", start, n);
    start = now_s();
    for (uint64_t i = 0; i < n; i++) {
        struct slice key = key_of(text, i + n);
        if (table_find(&table, table_hash(&type, key), key) != NULL) abort();
    }
    report("table: find an absent key (+print)", start, n);
    struct random random = random_from(1);
    start = now_s();
    for (uint64_t i = 0; i < n; i++) table_at(&table, random_below(&random, n));
    report("table: item of a random rank", start, n);
    start = now_s();
    struct table_iterator walk = table_seek(&table, 0);
    while (table_next(&walk) != NULL) {
    }
    report("table: walk", start, n);
    start = now_s();
    for (uint64_t i = 0; i < n; i++) {
        struct slice key = text_key(wanted + 16 * i);
        if (table_remove(&table, table_hash(&type, key), key) == NULL) abort();
    }
    report("table: remove", start, n);
    sf_free(wanted);
    sf_free(keys);
}

static void bench_keyspace(uint64_t n, size_t value_len, bool expiring) {
    struct hash_secret secret = {1, 2};
    size_t before = resident_bytes();
    struct keyspace *keyspace = keyspace_new(16, &secret);
    struct db *db = keyspace_db(keyspace, 0);
    char value[128], text[32];
    memset(value, 'v', sizeof value);
    double start = now_s();
    for (uint64_t i = 0; i < n; i++)
        db_set_string(db, key_of(text, shuffled(i, n)), slice_of(value, value_len),
            expiring ? (int64_t)(1000000 + shuffled(i, n)) : NO_DUE);
    report(expiring ? "keyspace: set with expiry (+print)" : "keyspace: set (+print)", start, n);
    printf("%-34s %7.1f bytes a key counted, %.1f resident (value of %zu)\n", "keyspace: memory",
        (double)keyspace_used_bytes(keyspace) / (double)n,
        (double)(resident_bytes() - before) / (double)n, value_len);
    start = now_s();
    for (uint64_t i = 0; i < n; i++)
        db_set_string(db, key_of(text, shuffled(i, n)), slice_of(value, value_len),
            expiring ? (int64_t)(1000000 + shuffled(i, n)) : NO_DUE);
    report("keyspace: overwrite (+print)", start, n);
    start = now_s();
    for (uint64_t i = 0; i < n; i++) {
        if (db_find(db, key_of(text, shuffled(i, n)), 0) == NULL) abort();
    }
    report("keyspace: find (+print)", start, n);
    start = now_s();
    if (expiring) {
        while (keyspace_reclaim(keyspace, NO_DUE, 1000, NULL, NULL) > 0) {
        }
        report("keyspace: reclaim", start, n);
    } else {
        for (uint64_t i = 0; i < n; i++) db_delete(db, key_of(text, shuffled(i, n)), 0);
        report("keyspace: delete (+print)", start, n);
    }
    keyspace_free(keyspace);
}

int main(int argc, char **argv) {
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char text[32];
    double start = now_s();
    for (uint64_t i = 0; i < n; i++) key_of(text, i);
    report("(printing a key)", start, n);
    static const size_t lens[] = {0, 8, 32, 100, 8};
    for (size_t i = 0; i < SF_LENGTH(lens); i++) {
        fflush(stdout);
        if (fork() == 0) { /* a process of its own: resident memory is then its own */
            if (i == 0) bench_table(n);
            if (i > 0) bench_keyspace(n, lens[i], i == 4);
            return 0;
        }
        wait(NULL);
    }
    return 0;
}
