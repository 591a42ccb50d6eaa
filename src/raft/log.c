#include "raft/log.h"

#include "util/mark.h"

void log_init(struct raft_log *log, const struct raft_start *start) {
    SF_ASSERT(start->first_index > 0);
    raft_index base = start->first_index - 1;
    *log = (struct raft_log){.base_index = base, .last_index = base};
    if (start->snapshot.index == base) log->base_term = start->snapshot.term;
    if (start->last_index >= start->first_index) {
        log->last_index = start->last_index;
        SF_ASSERT(start->n_term_runs > 0 && start->term_runs[0].first <= start->first_index);
        log->cap_runs = log->n_runs = start->n_term_runs;
        log->runs = sf_alloc(log->n_runs * sizeof *log->runs);
        for (uint32_t i = 0; i < log->n_runs; i++) {
            log->runs[i] = start->term_runs[i];
            SF_ASSERT(i == 0 || (log->runs[i].first > log->runs[i - 1].first &&
                                    log->runs[i].term > log->runs[i - 1].term));
        }
        SF_ASSERT(log->runs[log->n_runs - 1].first <= log->last_index);
    }
    log->handed_index = log->synced_index = log->last_index;
    log->window_first = log->last_index + 1;
}

static size_t window_count(const struct raft_log *log) {
    return (size_t)(log->last_index + 1 - log->window_first);
}

static struct raft_entry *slot(const struct raft_log *log, raft_index index) {
    SF_ASSERT(index >= log->window_first && index <= log->last_index);
    return &log->slots[log->start + (size_t)(index - log->window_first)];
}

void log_free(struct raft_log *log) {
    for (raft_index i = log->window_first; i <= log->last_index; i++)
        bytes_unref(slot(log, i)->payload);
    sf_free(log->slots);
    sf_free(log->runs);
    *log = (struct raft_log){0};
}

/* The position of the run that holds index, which is in the log. */
static uint32_t run_of(const struct raft_log *log, raft_index index) {
    SF_ASSERT(log->n_runs > 0 && log->runs[0].first <= index);
    uint32_t low = 0, high = log->n_runs; /* runs[low].first <= index < runs[high].first */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (log->runs[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

raft_term log_term(const struct raft_log *log, raft_index index) {
    if (index == log->base_index) return log->base_term;
    if (index < log->base_index || index > log->last_index) return 0;
    return log->runs[run_of(log, index)].term;
}

raft_term log_last_term(const struct raft_log *log) {
    return log_term(log, log->last_index);
}

bool log_reaches(const struct raft_log *log, raft_index index) {
    if (index <= log->base_index) return false;
    return index - 1 == 0 || log_term(log, index - 1) > 0;
}

raft_index log_find_by_term(const struct raft_log *log, raft_index index, raft_term term) {
    index = SF_MIN(index, log->last_index);
    if (index <= log->base_index) return log->base_index;
    uint32_t at = run_of(log, index);
    if (log->runs[at].term <= term) return index;
    while (at > 0 && log->runs[at].term > term) at--;
    if (log->runs[at].term > term) return log->base_index;
    return log->runs[at + 1].first - 1;
}

const struct raft_entry *log_entry(const struct raft_log *log, raft_index index) {
    if (index < log->window_first || index > log->last_index) return NULL;
    return slot(log, index);
}

uint64_t log_entry_bytes(const struct raft_entry *entry) {
    return LOG_ENTRY_OVERHEAD_BYTES + (entry->payload == NULL ? 0 : entry->payload->len);
}

const struct raft_entry *log_entries(const struct raft_log *log, raft_index first,
    uint64_t max_bytes, uint32_t *n, uint64_t *bytes) {
    const struct raft_entry *entries = slot(log, first);
    size_t available = (size_t)(log->last_index + 1 - first);
    *n = 1;
    *bytes = log_entry_bytes(&entries[0]);
    while (*n < available && *n < UINT32_MAX) {
        uint64_t more = log_entry_bytes(&entries[*n]);
        if (*bytes >= max_bytes || more > max_bytes - *bytes) break;
        *bytes += more;
        ++*n;
    }
    return entries;
}

static void runs_note(struct raft_log *log, raft_index index, raft_term term) {
    if (log->n_runs > 0 && log->runs[log->n_runs - 1].term == term) return;
    SF_ASSERT(log->n_runs == 0 || log->runs[log->n_runs - 1].term < term);
    if (log->n_runs == log->cap_runs) {
        log->cap_runs = log->cap_runs == 0 ? 8 : log->cap_runs * 2;
        log->runs = sf_realloc(log->runs, log->cap_runs * sizeof *log->runs);
    }
    log->runs[log->n_runs++] = (struct raft_term_run){index, term};
}

#define SLOTS_MIN 64

/* One more slot behind the window. What was dropped in front is used again before more is
 * allocated, and given back where a burst has passed. */
static void window_grow(struct raft_log *log) {
    size_t count = window_count(log);
    if (log->start + count < log->cap) return;
    bool is_sparse = count < log->cap / 8 && log->cap > SLOTS_MIN;
    if (log->start > log->cap / 2 && !is_sparse) {
        memmove(log->slots, log->slots + log->start, count * sizeof *log->slots);
    } else {
        log->cap = SF_MAX(count * 2, SLOTS_MIN);
        struct raft_entry *slots = sf_alloc(log->cap * sizeof *slots);
        if (count > 0) memcpy(slots, log->slots + log->start, count * sizeof *slots);
        sf_free(log->slots);
        log->slots = slots;
    }
    log->start = 0;
}

void log_append(struct raft_log *log, const struct raft_entry *entry) {
    SF_ASSERT(entry->index == log->last_index + 1);
    SF_ASSERT(entry->term > 0 && entry->term >= log_last_term(log));
    window_grow(log);
    log->slots[log->start + window_count(log)] = *entry;
    bytes_ref(entry->payload);
    log->last_index++;
    log->window_bytes += log_entry_bytes(entry);
    runs_note(log, entry->index, entry->term);
    SF_ASSERT(log_term(log, entry->index) == entry->term);
}

void log_truncate(struct raft_log *log, raft_index from) {
    SF_ASSERT(from > log->base_index && from <= log->last_index);
    while (log->last_index >= from && log->last_index >= log->window_first) {
        struct raft_entry *entry = slot(log, log->last_index);
        log->window_bytes -= log_entry_bytes(entry);
        bytes_unref(entry->payload);
        log->last_index--;
    }
    if (from < log->window_first) {
        SF_MARK("raft: a truncation reaches below the window");
        log->window_first = from;
        log->last_index = from - 1;
        log->start = 0;
    }
    while (log->n_runs > 0 && log->runs[log->n_runs - 1].first >= from) log->n_runs--;
    if (from <= log->handed_index) {
        log->handed_index = from - 1;
        log->truncate_from = log->truncate_from == 0 ? from : SF_MIN(log->truncate_from, from);
        log->void_through = log->last_request;
    }
    log->synced_index = SF_MIN(log->synced_index, from - 1);
    SF_ASSERT(log->last_index == from - 1 && log->handed_index <= log->last_index);
    SF_ASSERT(log->synced_index <= log->handed_index);
}

static void window_drop_first(struct raft_log *log) {
    struct raft_entry *entry = slot(log, log->window_first);
    log->window_bytes -= log_entry_bytes(entry);
    bytes_unref(entry->payload);
    log->window_first++;
    log->start++;
}

void log_evict(struct raft_log *log, raft_index applied, uint64_t cache_bytes) {
    while (log->window_first <= log->synced_index && log->window_bytes > cache_bytes) {
        if (log->window_first > applied && log->window_bytes - cache_bytes <= LOG_UNAPPLIED_BYTES)
            break;
        window_drop_first(log);
    }
}

void log_drop_prefix(struct raft_log *log, raft_index first) {
    SF_ASSERT(first > 0 && first <= log->synced_index + 1);
    if (first - 1 <= log->base_index) return;
    raft_term base_term = log_term(log, first - 1);
    while (log->window_first < first && log->window_first <= log->last_index)
        window_drop_first(log);
    log->window_first = SF_MAX(log->window_first, first);
    uint32_t gone = 0; /* runs that end below first */
    while (gone + 1 < log->n_runs && log->runs[gone + 1].first <= first) gone++;
    if (first > log->last_index) gone = log->n_runs;
    log->n_runs -= gone;
    if (gone > 0) memmove(log->runs, log->runs + gone, log->n_runs * sizeof *log->runs);
    log->base_index = first - 1;
    log->base_term = base_term;
}

void log_restart(struct raft_log *log, raft_index index, raft_term term) {
    while (log->window_first <= log->last_index) window_drop_first(log);
    log->n_runs = 0;
    log->start = 0;
    log->base_index = log->last_index = log->handed_index = log->synced_index = index;
    log->base_term = term;
    log->window_first = index + 1;
    log->truncate_from = 0;
    log->void_through = log->last_request;
}

bool log_hand_out(struct raft_log *log, struct raft_append_request *out) {
    uint64_t n = log->last_index - log->handed_index;
    if (n == 0 && log->truncate_from == 0) return false;
    SF_ASSERT(n <= UINT32_MAX);
    *out = (struct raft_append_request){.request = ++log->last_request,
        .truncate_from = log->truncate_from,
        .entries = n == 0 ? NULL : slot(log, log->handed_index + 1),
        .n_entries = (uint32_t)n};
    log->handed_index = log->last_index;
    log->truncate_from = 0;
    return true;
}

bool log_appended(struct raft_log *log, uint64_t request, raft_index index, raft_term term) {
    SF_ASSERT(request > 0 && request <= log->last_request);
    if (request <= log->void_through) SF_MARK("raft: a storage answer from before a truncation");
    if (request <= log->void_through) return false;
    SF_ASSERT(index <= log->handed_index);
    SF_ASSERT(index <= log->base_index || log_term(log, index) == term);
    if (index <= log->synced_index) return false;
    log->synced_index = index;
    return true;
}
