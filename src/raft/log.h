/* The log as the core sees it: which entries there are, of which terms, how far the disk has come,
 * and a window of them in memory. Storage holds the rest.
 *
 *      base                window_first        synced     handed      last
 *       |  in storage only  |  in memory ......  |  ......  |  .......  |
 *
 * handed: given to storage; synced: storage said that it is durable. Entries above synced are
 * always in memory. */
#ifndef SF_RAFT_LOG_H
#define SF_RAFT_LOG_H

#include "raft/raft.h"

/* What an entry is counted as, beside its payload. */
#define LOG_ENTRY_OVERHEAD_BYTES 64
/* Entries that are synced but not yet applied may use this much beyond cache_bytes before they are
 * dropped (and fetched again to be applied). */
#define LOG_UNAPPLIED_BYTES (16U << 20)

struct raft_log {
    raft_index base_index; /* the entry before the first one there is */
    raft_term base_term;   /* 0: unknown, or base_index is 0 */
    raft_index last_index; /* base_index when empty */
    raft_index handed_index;
    raft_index synced_index;

    raft_index truncate_from; /* a deletion that storage has not been told of yet; 0: none */
    uint64_t last_request;    /* the number of the latest append request */
    uint64_t void_through;    /* answers up to this number say nothing: a truncation came after */

    struct raft_term_run *runs; /* of all entries above base_index, ascending */
    uint32_t n_runs, cap_runs;

    raft_index window_first;  /* entries window_first .. last_index are in memory */
    struct raft_entry *slots; /* slots[start] is window_first's; contiguous */
    size_t start, cap;
    uint64_t window_bytes;
};

void log_init(struct raft_log *log, const struct raft_start *start);
void log_free(struct raft_log *log);

/* 0 where it is not known: beyond the end, below the base, index 0. */
raft_term log_term(const struct raft_log *log, raft_index index);
raft_term log_last_term(const struct raft_log *log);
/* Whether an append can say what precedes index (section 3.5's consistency check). */
bool log_reaches(const struct raft_log *log, raft_index index);
/* The highest index at or below `index` whose term is at most `term`; base_index if none. */
raft_index log_find_by_term(const struct raft_log *log, raft_index index, raft_term term);

/* The entry in memory, or NULL. */
const struct raft_entry *log_entry(const struct raft_log *log, raft_index index);
/* Consecutive entries in memory from first on, at least one (first is in memory: asserted),
 * stopping before max_bytes are passed. *bytes: what they are counted as. */
const struct raft_entry *log_entries(
    const struct raft_log *log, raft_index first, uint64_t max_bytes, uint32_t *n, uint64_t *bytes);
uint64_t log_entry_bytes(const struct raft_entry *entry);

/* Takes a reference to the payload. entry->index is last_index + 1, its term not below the last. */
void log_append(struct raft_log *log, const struct raft_entry *entry);
/* Deletes everything at or above from (base < from <= last). The caller has made sure that nothing
 * committed goes. */
void log_truncate(struct raft_log *log, raft_index from);
/* Everything below first is gone from storage too (first <= last_index + 1, durable and applied).
 */
void log_drop_prefix(struct raft_log *log, raft_index first);
/* The log is empty and begins behind a snapshot that is durable. */
void log_restart(struct raft_log *log, raft_index index, raft_term term);
/* Drops from memory what is durable and old. */
void log_evict(struct raft_log *log, raft_index applied, uint64_t cache_bytes);

/* What storage must be told; false: nothing. The entries are borrowed until the log changes. */
bool log_hand_out(struct raft_log *log, struct raft_append_request *out);
/* Storage's answer; whether synced_index moved. Answers from before a truncation are ignored. */
bool log_appended(struct raft_log *log, uint64_t request, raft_index index, raft_term term);

#endif
