/* The terms of a log, one item for each run of equal ones: as long as the log has elections, not
 * entries. */
#ifndef SF_STORAGE_TERM_RUNS_H
#define SF_STORAGE_TERM_RUNS_H

#include "raft/types.h"

struct term_runs {
    struct raft_term_run *items; /* rising in first and in term; {0} is empty */
    uint32_t n, capacity;
};

void term_runs_free(struct term_runs *runs);
void term_runs_add(struct term_runs *runs, raft_index index, raft_term term);
void term_runs_truncate(struct term_runs *runs, raft_index from);
/* What ends before index. */
void term_runs_forget(struct term_runs *runs, raft_index index);
raft_term term_runs_at(const struct term_runs *runs, raft_index index); /* 0: before the first */

#endif
