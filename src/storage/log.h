/* The log: generations of LevelDB directories and the file that says which of them count.
 *
 * `generations` (sealed, magic SFGN): n u32, then n times (number u64, first index u64), rising.
 * Entries at or beyond the next generation's first index are void, directories that are not listed
 * are trash. So one step, "a new generation from index i on", is the rollover, the way on after a
 * failed handle, and the truncation below the newest generation: each is one rewrite of the file.
 *
 * Two threads use a log. The writer (sync thread) owns the newest generation and everything in
 * log_*; the reader (background thread) alone opens and closes the handles of the older ones. What
 * both see is guarded by log->lock. */
#ifndef SF_STORAGE_LOG_H
#define SF_STORAGE_LOG_H

#include "raft/types.h"
#include "storage/entry_record.h"
#include "storage/storage.h"
#include "storage/term_runs.h"
#include "util/buf.h"
#include <leveldb/c.h>
#include <pthread.h>
#include <stdatomic.h>

struct generation {
    uint64_t number;
    raft_index first;
    char *path;
    leveldb_t *db;      /* NULL: closed; lock, except that the writer may use its newest one's */
    bool for_reading;   /* the handle was opened by the reader, so its memory is small */
    uint64_t last_read; /* reader: for closing the one not read for longest */
    uint64_t bytes;     /* about, on disk; writer, then whoever destroys it */
};

struct log {
    char *directory;
    uint64_t generation_bytes;
    leveldb_cache_t *cache;    /* one small one: old entries are read once, in order */
    atomic_ullong *disk_bytes; /* borrowed: sum of all generations' bytes */

    /* writer only */
    uint64_t next_number;
    raft_index last_index; /* of what is durable; 0: empty */
    struct term_runs terms;
    bool newest_ended; /* a write to the newest failed: LevelDB would lose what follows */

    uint64_t reads; /* reader only: a clock for last_read */

    pthread_mutex_t lock; /* everything below */
    struct generation **generations;
    uint32_t n, capacity;
    struct generation **dropped; /* no longer listed: the reader destroys them */
    uint32_t n_dropped, dropped_capacity;
    raft_index readable_last; /* lowered before a truncation, raised after a write */
    uint64_t truncations;
};

/* Makes the files of an empty log in directory: synced, except for the name of the directory. */
SF_MUST_CHECK enum sf_status log_create(const char *directory, struct buf *error);

/* Reads the list, removes trash. Then log_check before anything else.
 * SF_ERR_CORRUPT, SF_ERR_NO_SPACE, SF_ERR_STORAGE. */
SF_MUST_CHECK enum sf_status log_open(const char *directory, uint64_t generation_bytes,
    atomic_ullong *disk_bytes, struct log **log, struct buf *error);
void log_close(struct log *log); /* NULL is allowed; no thread may use it any more */

struct log_contents {
    raft_index last_index; /* 0: empty */
    raft_term last_term;
    raft_index configuration_index, previous_configuration_index; /* 0: none */
    struct bytes *configuration, *previous_configuration;         /* owned */
    struct log_lives lives;
    /* The log does not reach the snapshot, or holds something else at its place: it is to begin
     * anew behind it (log_begin_behind). last_index is the snapshot's then. */
    bool begin_behind;
    raft_index cut_from; /* not 0: something void lies at or behind it; log_cut before appending */
    bool lost;           /* the mark, or the list of generations, says that there was more */
    raft_index hole_at;  /* not 0: damage beyond the mark, since later entries are whole; lost */
    const char *ends_in; /* the generation in which it ends or breaks; NULL: none; borrowed */
};
void log_contents_clear(struct log_contents *contents);
/* snapshot: what the entries up to it were durable in (index 0: nothing); the log's first index is
 * at most one behind it (checked by snapshots_find). Reads every entry: checksum, contiguity,
 * terms, chain. An end that is missing is reported (lost says whether the mark covered it); a hole
 * at or below the mark with whole entries behind it is SF_ERR_CORRUPT; one beyond it is lost too:
 * the next write was only begun when the one in the hole was synced. */
SF_MUST_CHECK enum sf_status log_check(struct log *log, const struct raft_snapshot *snapshot,
    raft_index mark_index, raft_term mark_term, struct log_contents *contents, struct buf *error);
raft_index log_first_index(const struct log *log); /* writer; of the oldest generation, or 1 */
SF_MUST_CHECK enum sf_status log_cut(struct log *log, raft_index from, struct buf *error);

/* -- writer ---------------------------------------------------------------------------------- */

/* One atomic change: a truncation (0: none), then entries. */
struct log_change {
    raft_index truncate_from;
    raft_index last_index; /* after it */
    raft_term last_term;
    leveldb_writebatch_t *puts;
    uint64_t bytes;
    struct term_runs terms; /* of the entries */
    struct buf scratch;
};
/* The change begins where the log ends, or where truncate_from leaves it. */
void log_change_begin(struct log_change *change, const struct log *log, raft_index truncate_from);
void log_change_add(struct log_change *change, const struct raft_entry *entry); /* the next one */
void log_change_clear(struct log_change *change);

/* Durable on SF_OK. On failure nothing of the change counts and the newest handle is ended:
 *   SF_ERR_NO_SPACE      may be tried again, in a new generation, when there is room
 *   SF_ERR_NOT_EXECUTED  may be tried again, in a new generation
 *   SF_ERR_STORAGE       the list of generations could not be written: the process must end */
SF_MUST_CHECK enum sf_status log_write(
    struct log *log, const struct log_change *change, struct buf *error);
/* Drops the oldest generations: see storage_save_snapshot. On failure (SF_ERR_NO_SPACE,
 * SF_ERR_STORAGE) nothing was dropped. What comes next begins a new generation, so that the next
 * snapshot can drop the ones before. */
SF_MUST_CHECK enum sf_status log_forget_prefix(
    struct log *log, raft_index snapshot_index, const struct storage_keep *keep, struct buf *error);
/* The log is empty and begins behind a snapshot. Fails as log_write does. */
SF_MUST_CHECK enum sf_status log_begin_behind(
    struct log *log, raft_index index, raft_term term, struct buf *error);
raft_term log_term_at(const struct log *log, raft_index index); /* 0 for index 0 */

/* -- reader ---------------------------------------------------------------------------------- */

struct log_entries {
    struct raft_entry *items; /* holds one reference to each payload */
    uint32_t n, capacity;
};
void log_entries_clear(struct log_entries *entries);
/* Entries first..last as far as they are there, at least one of those, stopping before max_bytes
 * of payload is exceeded (and at LOG_READ_ENTRIES_MAX). SF_ERR_CORRUPT, SF_ERR_STORAGE,
 * SF_ERR_NO_SPACE (opening a generation may need some). */
enum { LOG_READ_ENTRIES_MAX = 65536 };
SF_MUST_CHECK enum sf_status log_read(struct log *log, raft_index first, raft_index last,
    uint64_t max_bytes, struct log_entries *out, struct buf *error);
/* Closes handles that are no longer written, removes dropped generations. */
void log_tidy(struct log *log);

/* -- within log*.c ------------------------------------------------------------------------ */

struct generation *generation_new(struct log *log, uint64_t number, raft_index first);
void generation_free(struct generation *generation); /* closes it */
/* SF_ERR_CORRUPT, SF_ERR_NO_SPACE, SF_ERR_STORAGE. create: it must not exist yet. */
SF_MUST_CHECK enum sf_status generation_open(struct log *log, const struct generation *generation,
    bool create, leveldb_t **db, struct buf *error);
/* Turns LevelDB's text into a status and a line that begins with path; frees text. */
enum sf_status leveldb_report(const char *path, char *text, struct buf *error);
leveldb_iterator_t *generation_iterate(leveldb_t *db, raft_index from);
/* What the iterator stands on; false when the key is none of ours. */
bool iterator_key(const leveldb_iterator_t *iterator, raft_index *index);
struct slice iterator_value(const leveldb_iterator_t *iterator);

#endif
