#include "storage/log.h"

#include "storage/file.h"
#include "util/codec.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
    TRUNCATE_DELETES_MAX = 10000, /* beyond that a new generation is cheaper than deletes */
    ENTRY_DISK_OVERHEAD = 32,     /* what LevelDB adds to an entry, about */
    CACHE_BYTES = 256 << 10,
};
static const uint64_t generation_bytes_max = (uint64_t)768
                                             << 20; /* LevelDB's buffer ends at 1 GiB */
static const char generations_magic[4] = "SFGN";

static void generations_grow(struct generation ***items, uint32_t n, uint32_t *capacity) {
    if (n < *capacity) return;
    *capacity = SF_MAX(8, *capacity * 2);
    *items = sf_realloc(*items, *capacity * sizeof **items);
}

static void list_append(struct log *log, struct generation *generation) {
    generations_grow(&log->generations, log->n, &log->capacity);
    log->generations[log->n++] = generation;
}

/* -- the list on disk ------------------------------------------------------------------------ */

/* Without the oldest `skip`: those that begin below first, and added (may be NULL). */
static enum sf_status list_store(const struct log *log, uint32_t skip, raft_index first,
    const struct generation *added, struct buf *error) {
    struct buf payload = {0};
    uint32_t kept = skip;
    while (kept < log->n && log->generations[kept]->first < first) kept++;
    put_u32(&payload, kept - skip + (added != NULL));
    for (uint32_t i = skip; i < kept; i++) {
        put_u64(&payload, log->generations[i]->number);
        put_u64(&payload, log->generations[i]->first);
    }
    if (added != NULL) {
        put_u64(&payload, added->number);
        put_u64(&payload, added->first);
    }
    enum sf_status status =
        sealed_write(log->directory, "generations", generations_magic, buf_slice(&payload), error);
    buf_free(&payload);
    return status;
}

static enum sf_status list_decode(struct log *log, struct slice payload, struct buf *error) {
    struct reader in = reader_of(payload);
    uint32_t n = read_u32(&in);
    for (uint32_t i = 0; i < n && !in.failed; i++) {
        uint64_t number = read_u64(&in);
        raft_index first = read_u64(&in);
        const struct generation *last = log->n > 0 ? log->generations[log->n - 1] : NULL;
        if (number == 0 || first == 0 || (last != NULL && first <= last->first)) in.failed = true;
        if (in.failed) break;
        list_append(log, generation_new(log, number, first));
        log->next_number = SF_MAX(log->next_number, number + 1);
    }
    if (!in.failed && in.rest.len == 0) return SF_OK;
    error_set(error, "%s/generations makes no sense: " WAY_OUT, log->directory);
    return SF_ERR_CORRUPT;
}

static void remove_if_unlisted(void *context, const char *name) {
    struct log *log = context;
    if (strncmp(name, "log-", 4) != 0) return;
    char *end;
    uint64_t number = strtoull(name + 4, &end, 10);
    bool listed = false;
    for (uint32_t i = 0; i < log->n; i++) listed = listed || log->generations[i]->number == number;
    if (listed || *end != 0) return;
    if (number < UINT64_MAX) log->next_number = SF_MAX(log->next_number, number + 1);
    char *path = path_join(log->directory, name);
    directory_remove(path);
    sf_free(path);
}

enum sf_status log_create(const char *directory, struct buf *error) {
    const struct log empty = {.directory = (char *)(uintptr_t)directory};
    return list_store(&empty, 0, 0, NULL, error);
}

enum sf_status log_open(const char *directory, uint64_t generation_bytes, atomic_ullong *disk_bytes,
    struct log **out, struct buf *error) {
    struct log *log = sf_alloc_zero(1, sizeof *log);
    log->directory = sf_strdup(directory);
    log->generation_bytes = SF_MIN(SF_MAX(generation_bytes, 1), generation_bytes_max);
    log->cache = leveldb_cache_create_lru(CACHE_BYTES);
    log->disk_bytes = disk_bytes;
    log->next_number = 1;
    pthread_mutex_init(&log->lock, NULL);
    struct buf payload = {0};
    enum sf_status status =
        sealed_read(directory, "generations", generations_magic, &payload, error);
    if (status == SF_ERR_NOT_FOUND) {
        error_set(error, "%s/generations is missing: " WAY_OUT, directory);
        status = SF_ERR_CORRUPT;
    }
    if (status == SF_OK) status = list_decode(log, buf_slice(&payload), error);
    if (status == SF_OK) status = directory_visit(directory, remove_if_unlisted, log, error);
    buf_free(&payload);
    if (status != SF_OK) {
        log_close(log);
        log = NULL;
    }
    *out = log;
    return status;
}

void log_close(struct log *log) {
    if (log == NULL) return;
    for (uint32_t i = 0; i < log->n; i++) generation_free(log->generations[i]);
    for (uint32_t i = 0; i < log->n_dropped; i++) generation_free(log->dropped[i]);
    sf_free(log->generations);
    sf_free(log->dropped);
    leveldb_cache_destroy(log->cache);
    term_runs_free(&log->terms);
    pthread_mutex_destroy(&log->lock);
    sf_free(log->directory);
    sf_free(log);
}

/* -- a change -------------------------------------------------------------------------------- */

void log_change_begin(struct log_change *change, const struct log *log, raft_index truncate_from) {
    bool truncates = truncate_from != 0 && truncate_from <= log->last_index;
    *change = (struct log_change){.truncate_from = truncates ? truncate_from : 0,
        .last_index = truncates ? truncate_from - 1 : log->last_index,
        .puts = leveldb_writebatch_create()};
    change->last_term = log_term_at(log, change->last_index);
}

void log_change_add(struct log_change *change, const struct raft_entry *entry) {
    SF_ASSERT(entry->index == change->last_index + 1);
    char key[ENTRY_KEY_BYTES];
    entry_key(entry->index, key);
    entry_value_encode(entry, change->last_term, &change->scratch);
    struct slice value = buf_slice(&change->scratch);
    leveldb_writebatch_put(change->puts, key, sizeof key, value.data, value.len);
    change->bytes += sizeof key + value.len + ENTRY_DISK_OVERHEAD;
    change->last_index = entry->index;
    change->last_term = entry->term;
    term_runs_add(&change->terms, entry->index, entry->term);
}

void log_change_clear(struct log_change *change) {
    leveldb_writebatch_destroy(change->puts);
    term_runs_free(&change->terms);
    buf_free(&change->scratch);
}

raft_term log_term_at(const struct log *log, raft_index index) {
    return index == 0 ? 0 : term_runs_at(&log->terms, index);
}

static enum sf_status write_synced(
    struct generation *generation, leveldb_writebatch_t *batch, struct buf *error) {
    leveldb_writeoptions_t *options = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(options, 1);
    char *text = NULL;
    leveldb_write(generation->db, options, batch, &text);
    leveldb_writeoptions_destroy(options);
    if (text == NULL) return SF_OK;
    enum sf_status status = leveldb_report(generation->path, text, error);
    return status == SF_ERR_NO_SPACE ? SF_ERR_NO_SPACE : SF_ERR_NOT_EXECUTED;
}

/* Deletes and new entries in one batch. */
static enum sf_status write_to_newest(
    struct log *log, const struct log_change *change, struct buf *error) {
    struct generation *newest = log->generations[log->n - 1];
    enum sf_status status;
    if (change->truncate_from == 0) {
        status = write_synced(newest, change->puts, error);
    } else {
        leveldb_writebatch_t *batch = leveldb_writebatch_create();
        for (raft_index i = change->truncate_from; i <= log->last_index; i++) {
            char key[ENTRY_KEY_BYTES];
            entry_key(i, key);
            leveldb_writebatch_delete(batch, key, sizeof key);
        }
        leveldb_writebatch_append(batch, change->puts);
        status = write_synced(newest, batch, error);
        leveldb_writebatch_destroy(batch);
    }
    if (status == SF_OK)
        newest->bytes += change->bytes;
    else
        log->newest_ended = true;
    return status;
}

/* Lock held. The reader destroys it. */
static void drop_generation(struct log *log, struct generation *generation) {
    generations_grow(&log->dropped, log->n_dropped, &log->dropped_capacity);
    log->dropped[log->n_dropped++] = generation;
}

/* The oldest `skip` and those from added on are replaced by it. */
static void list_replace_end(struct log *log, uint32_t skip, struct generation *added) {
    pthread_mutex_lock(&log->lock);
    while (log->n > 0 && (log->n <= skip || log->generations[log->n - 1]->first >= added->first))
        drop_generation(log, log->generations[--log->n]);
    list_append(log, added);
    pthread_mutex_unlock(&log->lock);
    log->newest_ended = false;
}

static enum sf_status generation_fill(
    struct log *log, struct generation *generation, leveldb_writebatch_t *puts, struct buf *error) {
    enum sf_status status = generation_open(log, generation, true, &generation->db, error);
    if (status == SF_OK) status = directory_sync(log->directory, error);
    if (status == SF_OK && puts != NULL) status = write_synced(generation, puts, error);
    return status == SF_OK || status == SF_ERR_NO_SPACE ? status : SF_ERR_NOT_EXECUTED;
}

/* From first on the log is what puts holds (NULL: nothing); the oldest `skip` generations, all or
 * none, count no more. */
static enum sf_status begin_generation(struct log *log, uint32_t skip, raft_index first,
    leveldb_writebatch_t *puts, uint64_t bytes, struct buf *error) {
    struct generation *added = generation_new(log, log->next_number++, first);
    added->bytes = bytes;
    enum sf_status status = generation_fill(log, added, puts, error);
    if (status == SF_OK) status = list_store(log, skip, first, added, error);
    if (status == SF_OK) {
        list_replace_end(log, skip, added);
        return SF_OK;
    }
    char *path = sf_strdup(added->path);
    generation_free(added);
    /* After SF_ERR_STORAGE the list on disk may name it already. */
    if (status != SF_ERR_STORAGE) directory_remove(path);
    sf_free(path);
    return status;
}

static bool newest_can_take(const struct log *log, const struct log_change *change) {
    if (log->n == 0 || log->newest_ended) return false;
    const struct generation *newest = log->generations[log->n - 1];
    if (newest->bytes >= log->generation_bytes) return false;
    if (change->truncate_from == 0) return true;
    return change->truncate_from >= newest->first &&
           log->last_index - change->truncate_from < TRUNCATE_DELETES_MAX;
}

enum sf_status log_write(struct log *log, const struct log_change *change, struct buf *error) {
    raft_index from = change->truncate_from != 0 ? change->truncate_from : log->last_index + 1;
    if (change->truncate_from != 0) {
        pthread_mutex_lock(&log->lock);
        log->readable_last = SF_MIN(log->readable_last, from - 1);
        log->truncations++;
        pthread_mutex_unlock(&log->lock);
    }
    enum sf_status status = newest_can_take(log, change) ? write_to_newest(log, change, error)
                                                         : begin_generation(log, 0, from,
                                                               change->puts, change->bytes, error);
    if (status != SF_OK) {
        log->newest_ended = true;
        return status;
    }
    atomic_fetch_add_explicit(log->disk_bytes, change->bytes, memory_order_relaxed);
    if (change->truncate_from != 0) term_runs_truncate(&log->terms, from);
    for (uint32_t i = 0; i < change->terms.n; i++)
        term_runs_add(&log->terms, change->terms.items[i].first, change->terms.items[i].term);
    log->last_index = change->last_index;
    pthread_mutex_lock(&log->lock);
    log->readable_last = log->last_index;
    pthread_mutex_unlock(&log->lock);
    return SF_OK;
}

enum sf_status log_cut(struct log *log, raft_index from, struct buf *error) {
    SF_ASSERT(from == log->last_index + 1);
    enum sf_status status = begin_generation(log, 0, from, NULL, 0, error);
    if (status == SF_OK) log_tidy(log);
    return status == SF_ERR_NOT_EXECUTED ? SF_ERR_STORAGE : status;
}

/* -- behind a snapshot ----------------------------------------------------------------------- */

raft_index log_first_index(const struct log *log) {
    return log->n == 0 ? 1 : log->generations[0]->first;
}

/* How many of the oldest generations are of no more use. */
static uint32_t count_forgettable(
    const struct log *log, raft_index snapshot_index, const struct storage_keep *keep) {
    raft_index reach = SF_MIN(snapshot_index + 1, keep->needed_from);
    uint64_t bytes = 0; /* of the generations from i on */
    for (uint32_t i = 0; i < log->n; i++) bytes += log->generations[i]->bytes;
    uint32_t n = 0;
    for (uint32_t i = 1; i < log->n; i++) {
        raft_index first = log->generations[i]->first;
        bytes -= log->generations[i - 1]->bytes;
        bool is_enough = bytes >= keep->bytes || log->last_index + 1 - first >= keep->entries;
        if (first > reach || !is_enough) break;
        n = i;
    }
    return n;
}

enum sf_status log_forget_prefix(struct log *log, raft_index snapshot_index,
    const struct storage_keep *keep, struct buf *error) {
    uint32_t skip = count_forgettable(log, snapshot_index, keep);
    bool newest_is_empty = log->n > 0 && log->generations[log->n - 1]->first > log->last_index;
    if (!newest_is_empty) log->newest_ended = true;
    if (skip == 0) return SF_OK;
    enum sf_status status = list_store(log, skip, UINT64_MAX, NULL, error);
    if (status != SF_OK) return status;
    pthread_mutex_lock(&log->lock);
    for (uint32_t i = 0; i < skip; i++) drop_generation(log, log->generations[i]);
    log->n -= skip;
    memmove(log->generations, log->generations + skip, log->n * sizeof(struct generation *));
    pthread_mutex_unlock(&log->lock);
    term_runs_forget(&log->terms, log_first_index(log) - 1);
    return SF_OK;
}

enum sf_status log_begin_behind(
    struct log *log, raft_index index, raft_term term, struct buf *error) {
    pthread_mutex_lock(&log->lock);
    log->readable_last = SF_MIN(log->readable_last, index);
    log->truncations++;
    pthread_mutex_unlock(&log->lock);
    enum sf_status status = begin_generation(log, log->n, index + 1, NULL, 0, error);
    if (status != SF_OK) {
        log->newest_ended = true;
        return status;
    }
    term_runs_free(&log->terms);
    term_runs_add(&log->terms, index, term);
    log->last_index = index;
    pthread_mutex_lock(&log->lock);
    log->readable_last = index;
    pthread_mutex_unlock(&log->lock);
    return SF_OK;
}
