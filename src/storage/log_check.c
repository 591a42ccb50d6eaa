/* Reading the whole log at start: what is there, and whether that is all there was. */
#include "storage/file.h"
#include "storage/log.h"
#include <inttypes.h>

struct scan {
    struct log *log;
    struct log_contents *contents;
    raft_index next;             /* the entry that must come next */
    raft_index broken_at;        /* 0: no break so far */
    const char *broken_in;       /* the generation's path */
    bool something_behind;       /* keys at or behind the break, whole or not */
    bool whole_behind;           /* whole entries behind the break */
    const struct generation *of; /* where the scan is */
};

void log_contents_clear(struct log_contents *contents) {
    bytes_unref(contents->configuration);
    bytes_unref(contents->previous_configuration);
    log_lives_clear(&contents->lives);
    *contents = (struct log_contents){0};
}

static void scan_break(struct scan *scan) {
    if (scan->broken_at != 0) return;
    scan->broken_at = scan->next;
    scan->broken_in = scan->of->path;
}

static void scan_accept(struct scan *scan, const struct entry_view *entry) {
    struct log_contents *contents = scan->contents;
    term_runs_add(&scan->log->terms, scan->next, entry->term);
    if (entry->kind == ENTRY_CONFIGURATION) {
        bytes_unref(contents->previous_configuration);
        contents->previous_configuration = contents->configuration;
        contents->previous_configuration_index = contents->configuration_index;
        contents->configuration = bytes_new(entry->payload.data, entry->payload.len);
        contents->configuration_index = scan->next;
    }
    if (entry->kind == ENTRY_INCARNATION)
        log_lives_add(&contents->lives, bytes_new(entry->payload.data, entry->payload.len));
    contents->last_index = scan->next++;
    contents->last_term = entry->term;
}

/* What is before the first entry of a log that lost its beginning may be unknown. */
static bool follows(const struct scan *scan, const struct entry_view *entry) {
    const struct log_contents *contents = scan->contents;
    if (entry->term < contents->last_term) return false;
    bool known = contents->last_index == 0 || contents->last_term != 0;
    return !known || entry->previous_term == contents->last_term;
}

static enum sf_status scan_item(
    struct scan *scan, const leveldb_iterator_t *iterator, raft_index index, struct buf *error) {
    struct entry_view entry;
    enum sf_status status = entry_value_decode(index, iterator_value(iterator), &entry);
    if (status == SF_ERR_INVALID) {
        error_set(error, "%s: entry %" PRIu64 " was written by a newer version: start that version",
            scan->of->path, index);
        return SF_ERR_CORRUPT;
    }
    bool whole = status == SF_OK;
    if (scan->broken_at == 0 && index == scan->next && whole && follows(scan, &entry)) {
        scan_accept(scan, &entry);
        return SF_OK;
    }
    scan_break(scan);
    scan->something_behind = true;
    if (whole) scan->whole_behind = true;
    return SF_OK;
}

/* limit: the next generation's first index, or 0 for the newest. */
static enum sf_status scan_generation(
    struct scan *scan, leveldb_t *db, raft_index limit, struct buf *error) {
    enum sf_status status = SF_OK;
    if (scan->next != scan->of->first) scan_break(scan);
    leveldb_iterator_t *iterator = generation_iterate(db, scan->of->first);
    for (; leveldb_iter_valid(iterator) && status == SF_OK; leveldb_iter_next(iterator)) {
        raft_index index;
        if (!iterator_key(iterator, &index)) {
            scan_break(scan);
            scan->something_behind = true;
            continue;
        }
        if (limit != 0 && index >= limit) break;
        if (scan->whole_behind) break; /* enough is known */
        status = scan_item(scan, iterator, index, error);
    }
    char *text = NULL;
    leveldb_iter_get_error(iterator, &text);
    leveldb_iter_destroy(iterator);
    if (text != NULL) { /* LevelDB could not read a block: bad bytes are judged like a bad entry */
        enum sf_status failure = leveldb_report(scan->of->path, text, error);
        if (failure != SF_ERR_CORRUPT) return failure;
        scan_break(scan);
        scan->something_behind = true;
    }
    if (status == SF_OK && limit != 0 && scan->next < limit) scan_break(scan);
    return status;
}

static enum sf_status scan_all(struct scan *scan, struct buf *error) {
    struct log *log = scan->log;
    for (uint32_t i = 0; i < log->n; i++) {
        struct generation *generation = log->generations[i];
        bool newest = i + 1 == log->n;
        scan->of = generation;
        leveldb_t *db;
        enum sf_status status = generation_open(log, generation, false, &db, error);
        if (status != SF_OK) return status;
        status = scan_generation(scan, db, newest ? 0 : log->generations[i + 1]->first, error);
        generation->bytes = directory_bytes(generation->path);
        atomic_fetch_add_explicit(log->disk_bytes, generation->bytes, memory_order_relaxed);
        if (newest)
            generation->db = db;
        else
            leveldb_close(db);
        if (status != SF_OK) return status;
    }
    return SF_OK;
}

/* Whether the log's own end counts for nothing beside the snapshot. */
static bool snapshot_replaces(const struct log *log, const struct raft_snapshot *snapshot,
    const struct log_contents *contents, bool *differs) {
    *differs = snapshot->index >= log_first_index(log) && snapshot->index <= contents->last_index &&
               term_runs_at(&log->terms, snapshot->index) != snapshot->term;
    return *differs || contents->last_index < snapshot->index;
}

static void begin_at(struct log *log, const struct raft_snapshot *snapshot,
    struct log_contents *contents, struct scan *scan) {
    raft_index first = log_first_index(log);
    SF_ASSERT(first <= snapshot->index + 1);
    *contents = (struct log_contents){.last_index = first - 1};
    *scan = (struct scan){.log = log, .contents = contents, .next = first};
    if (snapshot->index == 0 || snapshot->index != first - 1) return;
    contents->last_term = snapshot->term;
    term_runs_add(&log->terms, snapshot->index, snapshot->term);
}

enum sf_status log_check(struct log *log, const struct raft_snapshot *snapshot,
    raft_index mark_index, raft_term mark_term, struct log_contents *contents, struct buf *error) {
    struct scan scan;
    begin_at(log, snapshot, contents, &scan);
    enum sf_status status = scan_all(&scan, error);
    if (status != SF_OK) {
        log_contents_clear(contents);
        return status;
    }
    /* A generation is listed only once everything before it is synced. */
    raft_index synced = log->n == 0 ? 0 : log->generations[log->n - 1]->first - 1;
    bool differs;
    contents->begin_behind = snapshot_replaces(log, snapshot, contents, &differs);
    if (differs) synced = 0; /* a crash fell between an installed snapshot and the new log */
    synced = SF_MAX(synced, mark_index);
    if (scan.whole_behind && scan.broken_at <= synced) {
        error_set(error,
            "%s: entry %" PRIu64 " is missing or bad while later ones are whole: " WAY_OUT,
            scan.broken_in, scan.broken_at);
        log_contents_clear(contents);
        return SF_ERR_CORRUPT;
    }
    log->last_index = log->readable_last = contents->last_index;
    bool mark_is_there = mark_index >= log_first_index(log) && mark_index <= contents->last_index;
    bool mark_differs = mark_is_there && term_runs_at(&log->terms, mark_index) != mark_term;
    if (contents->begin_behind) {
        /* A snapshot makes up for what is missing below it, not for what was behind. */
        contents->lost = SF_MIN(contents->last_index, snapshot->index) < synced;
        contents->last_index = snapshot->index;
        contents->last_term = snapshot->term;
        return SF_OK;
    }
    contents->ends_in = scan.broken_at != 0 ? scan.broken_in
                        : log->n == 0       ? NULL
                                            : log->generations[log->n - 1]->path;
    if (scan.whole_behind) contents->hole_at = scan.broken_at;
    contents->lost = contents->last_index < synced || mark_differs || scan.whole_behind;
    bool newest_beyond = log->n > 0 && log->generations[log->n - 1]->first > scan.next;
    if (scan.something_behind || newest_beyond) contents->cut_from = scan.next;
    return SF_OK;
}
