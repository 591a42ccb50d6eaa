/* The log's generations and entries, read through LevelDB in the mirror. */
#include "check/check.h"
#include "storage/file.h"
#include "storage/identity.h"
#include <inttypes.h>
#include <stdatomic.h>

struct walk {
    struct check *check;
    struct log *log;
    atomic_ullong disk_bytes;
};

static bool walk_begin(struct walk *walk, struct check *check) {
    *walk = (struct walk){.check = check};
    struct buf error = {0};
    char *path = node_directory(check->mirror, check->node_id);
    if (!path_exists(path)) {
        sf_free(path);
        path = node_directory_new(check->mirror, check->node_id);
    }
    bool is_ok = log_open(path, 64 << 20, &walk->disk_bytes, &walk->log, &error) == SF_OK;
    if (!is_ok) check_error(check, VERDICT_UNUSABLE, &error);
    sf_free(path);
    buf_free(&error);
    return is_ok;
}

/* The generation's open handle, or NULL (a problem was told). */
static leveldb_t *open_generation(struct walk *walk, uint32_t i) {
    leveldb_t *db;
    struct buf error = {0};
    enum sf_status status =
        generation_open(walk->log, walk->log->generations[i], false, &db, &error);
    if (status != SF_OK) {
        db = NULL;
        check_error(walk->check, VERDICT_UNUSABLE, &error);
    }
    buf_free(&error);
    return db;
}

static raft_index limit_of(const struct log *log, uint32_t i) {
    return i + 1 < log->n ? log->generations[i + 1]->first : UINT64_MAX;
}

/* -- ranges ---------------------------------------------------------------------------------- */

/* 0: it holds no entry that counts. */
static raft_index last_index_of(leveldb_t *db, raft_index limit) {
    leveldb_iterator_t *iterator = generation_iterate(db, limit);
    raft_index index = 0;
    if (leveldb_iter_valid(iterator))
        leveldb_iter_prev(iterator);
    else
        leveldb_iter_seek_to_last(iterator);
    if (leveldb_iter_valid(iterator) && !iterator_key(iterator, &index)) index = 0;
    leveldb_iter_destroy(iterator);
    return index;
}

void show_log(struct check *check) {
    struct walk walk;
    fprintf(check->out, "log\n");
    if (!walk_begin(&walk, check)) return;
    struct log *log = walk.log;
    if (log->n == 0) fprintf(check->out, "  empty\n");
    for (uint32_t i = 0; i < log->n; i++) {
        const struct generation *generation = log->generations[i];
        char name[32];
        snprintf(name, sizeof name, "log-%" PRIu64, generation->number);
        char *original = path_join(check->node_path, name);
        fprintf(check->out, "  %-12s from entry %" PRIu64 ", %" PRIu64 " KiB", name,
            generation->first, directory_bytes(original) / 1024);
        sf_free(original);
        leveldb_t *db = open_generation(&walk, i);
        raft_index last = db == NULL ? 0 : last_index_of(db, limit_of(log, i));
        if (db == NULL)
            fprintf(check->out, ", cannot be opened\n");
        else if (last < generation->first)
            fprintf(check->out, ", no entries\n");
        else
            fprintf(check->out, ", to entry %" PRIu64 "\n", last);
        if (db != NULL) leveldb_close(db);
    }
    log_close(log);
}

/* -- entries --------------------------------------------------------------------------------- */

static void show_bad(const struct walk *walk, uint32_t i, raft_index index, const char *what) {
    check_problem(walk->check, VERDICT_DAMAGED, "%s/log-%" PRIu64 ": entry %" PRIu64 " %s",
        walk->check->node_path, walk->log->generations[i]->number, index, what);
}

/* Entries *next to bound of one generation; *next is then the first that was not seen. */
static void show_of_generation(struct walk *walk, uint32_t i, raft_index *next, raft_index bound) {
    leveldb_t *db = open_generation(walk, i);
    if (db == NULL) return;
    leveldb_iterator_t *iterator = generation_iterate(db, *next);
    for (; leveldb_iter_valid(iterator); leveldb_iter_next(iterator)) {
        raft_index index;
        struct entry_view view;
        if (!iterator_key(iterator, &index) || index > bound) break;
        if (index > *next) show_bad(walk, i, *next, "is missing");
        *next = index + 1;
        if (entry_value_decode(index, iterator_value(iterator), &view) == SF_OK)
            show_entry(walk->check, index, &view);
        else
            show_bad(walk, i, index, "is bad");
    }
    leveldb_iter_destroy(iterator);
    leveldb_close(db);
}

void show_entries(struct check *check) {
    struct walk walk;
    fprintf(check->out, "entries\n");
    if (!walk_begin(&walk, check)) return;
    const struct log *log = walk.log;
    raft_index next = SF_MAX(check->options->first, log_first_index(log));
    for (uint32_t i = 0; i < log->n && next <= check->options->last; i++) {
        raft_index limit = limit_of(log, i);
        if (limit > next)
            show_of_generation(&walk, i, &next, SF_MIN(check->options->last, limit - 1));
    }
    log_close(walk.log);
}
