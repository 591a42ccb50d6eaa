/* Reading old entries, on the background thread, while the sync thread writes. */
#include "storage/file.h"
#include "storage/log.h"
#include <inttypes.h>

enum { READ_HANDLES_MAX = 2 }; /* older generations kept open for the next read */

void log_entries_clear(struct log_entries *entries) {
    for (uint32_t i = 0; i < entries->n; i++) bytes_unref(entries->items[i].payload);
    sf_free(entries->items);
    *entries = (struct log_entries){0};
}

static void entries_add(
    struct log_entries *entries, raft_index index, const struct entry_view *view) {
    if (entries->n == entries->capacity) {
        entries->capacity = SF_MAX(16, entries->capacity * 2);
        entries->items = sf_realloc(entries->items, entries->capacity * sizeof *entries->items);
    }
    struct bytes *payload =
        view->payload.len == 0 ? NULL : bytes_new(view->payload.data, view->payload.len);
    entries->items[entries->n++] = (struct raft_entry){
        .index = index, .term = view->term, .kind = view->kind, .payload = payload};
}

/* -- handles --------------------------------------------------------------------------------- */

static struct generation *covering(const struct log *log, raft_index index) {
    for (uint32_t i = log->n; i > 0; i--)
        if (log->generations[i - 1]->first <= index) return log->generations[i - 1];
    return NULL;
}

static struct generation *least_recently_read(const struct log *log, uint32_t *open) {
    struct generation *oldest = NULL;
    *open = 0;
    for (uint32_t i = 0; i + 1 < log->n; i++) {
        struct generation *generation = log->generations[i];
        if (generation->db == NULL) continue;
        ++*open;
        if (oldest == NULL || generation->last_read < oldest->last_read) oldest = generation;
    }
    return oldest;
}

/* Closes handles of older generations until at most keep are open; those that were written hold a
 * memory table and go in any case. */
static void close_handles(struct log *log, uint32_t keep) {
    for (;;) {
        leveldb_t *closing = NULL;
        pthread_mutex_lock(&log->lock);
        for (uint32_t i = 0; i + 1 < log->n && closing == NULL; i++) {
            struct generation *generation = log->generations[i];
            if (generation->db == NULL || generation->for_reading) continue;
            closing = generation->db;
            generation->db = NULL;
        }
        uint32_t open;
        struct generation *oldest = least_recently_read(log, &open);
        if (closing == NULL && open > keep) {
            closing = oldest->db;
            oldest->db = NULL;
        }
        pthread_mutex_unlock(&log->lock);
        if (closing == NULL) return;
        leveldb_close(closing);
    }
}

void log_tidy(struct log *log) {
    pthread_mutex_lock(&log->lock);
    struct generation **dropped = log->dropped;
    uint32_t n = log->n_dropped;
    log->dropped = NULL;
    log->n_dropped = log->dropped_capacity = 0;
    pthread_mutex_unlock(&log->lock);
    for (uint32_t i = 0; i < n; i++) {
        char *path = sf_strdup(dropped[i]->path);
        atomic_fetch_sub_explicit(log->disk_bytes, dropped[i]->bytes, memory_order_relaxed);
        generation_free(dropped[i]);
        directory_remove(path);
        sf_free(path);
    }
    sf_free(dropped);
    close_handles(log, READ_HANDLES_MAX);
}

/* -- reading --------------------------------------------------------------------------------- */

struct reading {
    struct log *log;
    raft_index next, last;
    uint64_t bytes, max_bytes;
    struct log_entries *out;
    bool full; /* the answer may hold no more */
};

static bool has_room(struct reading *reading, size_t payload_bytes) {
    uint32_t n = reading->out->n;
    bool room = n == 0 || (n < LOG_READ_ENTRIES_MAX && payload_bytes <= reading->max_bytes &&
                              reading->bytes <= reading->max_bytes - payload_bytes);
    if (!room) reading->full = true;
    return room;
}

/* From one generation as far as bound. SF_ERR_NOT_FOUND: an entry is missing. */
static enum sf_status read_generation(
    struct reading *reading, const char *path, leveldb_t *db, raft_index bound, struct buf *error) {
    enum sf_status status = SF_OK;
    leveldb_iterator_t *iterator = generation_iterate(db, reading->next);
    while (status == SF_OK && !reading->full && reading->next <= bound) {
        raft_index index = 0;
        struct entry_view view;
        if (!leveldb_iter_valid(iterator) || !iterator_key(iterator, &index) ||
            index != reading->next) {
            status = SF_ERR_NOT_FOUND;
        } else if (entry_value_decode(index, iterator_value(iterator), &view) != SF_OK) {
            error_set(error, "%s: entry %" PRIu64 " has a wrong checksum: " WAY_OUT, path, index);
            status = SF_ERR_CORRUPT;
        } else if (has_room(reading, view.payload.len)) {
            entries_add(reading->out, index, &view);
            reading->bytes += view.payload.len;
            reading->next++;
            leveldb_iter_next(iterator);
        }
    }
    char *text = NULL;
    leveldb_iter_get_error(iterator, &text);
    if (text != NULL && status == SF_ERR_NOT_FOUND)
        status = leveldb_report(path, text, error);
    else
        leveldb_free(text);
    leveldb_iter_destroy(iterator);
    return status;
}

static enum sf_status open_for_reading(
    struct log *log, struct generation *generation, struct buf *error) {
    close_handles(log, READ_HANDLES_MAX - 1);
    leveldb_t *db;
    enum sf_status status = generation_open(log, generation, false, &db, error);
    if (status != SF_OK) return status;
    pthread_mutex_lock(&log->lock);
    generation->db = db;
    generation->for_reading = true;
    pthread_mutex_unlock(&log->lock);
    return SF_OK;
}

static bool truncated_since(struct log *log, uint64_t truncations) {
    pthread_mutex_lock(&log->lock);
    bool changed = log->truncations != truncations;
    pthread_mutex_unlock(&log->lock);
    return changed;
}

/* One generation's share; *done when there is no more to be had. */
static enum sf_status read_share(struct reading *reading, bool *done, struct buf *error) {
    struct log *log = reading->log;
    pthread_mutex_lock(&log->lock);
    struct generation *generation = covering(log, reading->next);
    raft_index bound = SF_MIN(reading->last, log->readable_last);
    for (uint32_t i = 0; i < log->n; i++)
        if (log->generations[i]->first > reading->next) {
            bound = SF_MIN(bound, log->generations[i]->first - 1);
            break;
        }
    uint64_t truncations = log->truncations;
    leveldb_t *db = generation == NULL ? NULL : generation->db;
    pthread_mutex_unlock(&log->lock);

    *done = generation == NULL || bound < reading->next;
    if (*done) return SF_OK;
    /* The generation stays: only this thread destroys dropped ones. */
    if (db == NULL) return open_for_reading(log, generation, error);
    generation->last_read = ++log->reads;
    enum sf_status status = read_generation(reading, generation->path, db, bound, error);
    if (status != SF_ERR_NOT_FOUND) return status;
    *done = true;
    if (truncated_since(log, truncations)) return SF_OK; /* it was there when asked for */
    error_set(error, "%s: entry %" PRIu64 " is missing: " WAY_OUT, generation->path, reading->next);
    return SF_ERR_CORRUPT;
}

enum sf_status log_read(struct log *log, raft_index first, raft_index last, uint64_t max_bytes,
    struct log_entries *out, struct buf *error) {
    struct reading reading = {
        .log = log, .next = first, .last = last, .max_bytes = max_bytes, .out = out};
    enum sf_status status = SF_OK;
    for (bool done = false; !done && status == SF_OK && !reading.full && reading.next <= last;)
        status = read_share(&reading, &done, error);
    if (status != SF_OK) log_entries_clear(out);
    return status;
}
