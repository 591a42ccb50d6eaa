#include "storage/term_runs.h"

void term_runs_free(struct term_runs *runs) {
    sf_free(runs->items);
    *runs = (struct term_runs){0};
}

void term_runs_add(struct term_runs *runs, raft_index index, raft_term term) {
    if (runs->n > 0) {
        const struct raft_term_run *last = &runs->items[runs->n - 1];
        SF_ASSERT(index >= last->first && term >= last->term);
        if (last->term == term) return;
    }
    if (runs->n == runs->capacity) {
        runs->capacity = SF_MAX(8, runs->capacity * 2);
        runs->items = sf_realloc(runs->items, runs->capacity * sizeof *runs->items);
    }
    runs->items[runs->n++] = (struct raft_term_run){.first = index, .term = term};
}

void term_runs_truncate(struct term_runs *runs, raft_index from) {
    while (runs->n > 0 && runs->items[runs->n - 1].first >= from) runs->n--;
}

void term_runs_forget(struct term_runs *runs, raft_index index) {
    uint32_t gone = 0;
    while (gone + 1 < runs->n && runs->items[gone + 1].first <= index) gone++;
    runs->n -= gone;
    if (gone > 0) memmove(runs->items, runs->items + gone, runs->n * sizeof *runs->items);
}

raft_term term_runs_at(const struct term_runs *runs, raft_index index) {
    uint32_t low = 0, high = runs->n; /* the first item beyond index is in [low, high] */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (runs->items[middle].first <= index)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : runs->items[low - 1].term;
}
