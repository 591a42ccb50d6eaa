/* Entries that memory no longer holds: asked from storage for followers that lag, and for applying.
 * A fetch is for entries that are durable; one that a truncation overlaps is forgotten, so its late
 * answer finds nobody. */
#include "raft/internal.h"

/* After a failed fetch. */
#define FETCH_RETRY_MS 50

static struct fetch *fetch_find(struct raft *raft, uint64_t request) {
    for (uint32_t i = 0; i < raft->n_fetches; i++)
        if (raft->fetches[i].request.request == request) return &raft->fetches[i];
    return NULL;
}

static void fetch_forget(struct raft *raft, struct fetch *fetch) {
    *fetch = raft->fetches[--raft->n_fetches];
}

static bool is_fetching(const struct raft *raft, raft_id peer) {
    for (uint32_t i = 0; i < raft->n_fetches; i++)
        if (raft->fetches[i].peer == peer) return true;
    return false;
}

/* Everything below the window, up to `through`. */
static void fetch_ask(
    struct raft *raft, raft_id peer, raft_index first, raft_index through, uint64_t max_bytes) {
    raft_index last = SF_MIN(raft->log.window_first - 1, through);
    SF_ASSERT(first > raft->log.base_index && first <= last && last <= raft->log.synced_index);
    SF_ASSERT(raft->n_fetches < SF_LENGTH(raft->fetches));
    raft->fetches[raft->n_fetches++] = (struct fetch){.peer = peer,
        .request = {.request = ++raft->last_fetch_request,
            .first = first,
            .last = last,
            .max_bytes = max_bytes}};
}

void fetch_for_peer(struct raft *raft, struct peer *peer) {
    if (is_fetching(raft, peer->id) || raft->now_us < peer->fetch_not_before_us) return;
    if (peer->next >= raft->log.window_first) return;
    fetch_ask(raft, peer->id, peer->next, raft->log.last_index, raft->settings.batch_bytes);
}

void fetches_drop_peer(struct raft *raft, raft_id peer) {
    for (uint32_t i = raft->n_fetches; i-- > 0;)
        if (raft->fetches[i].peer == peer) fetch_forget(raft, &raft->fetches[i]);
}

void fetches_drop_from(struct raft *raft, raft_index from) {
    for (uint32_t i = raft->n_fetches; i-- > 0;)
        if (raft->fetches[i].request.last >= from) fetch_forget(raft, &raft->fetches[i]);
}

void fetches_drop_before(struct raft *raft, raft_index first) {
    for (uint32_t i = raft->n_fetches; i-- > 0;)
        if (raft->fetches[i].request.first < first) fetch_forget(raft, &raft->fetches[i]);
}

uint32_t fetches_hand_out(struct raft *raft, struct raft_fetch_request *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < raft->n_fetches; i++) {
        struct fetch *fetch = &raft->fetches[i];
        if (fetch->is_handed) continue;
        fetch->is_handed = true;
        out[n++] = fetch->request;
    }
    return n;
}

/* A disk may lie: what does not fit the log as it is known counts as a failed read. */
static uint32_t count_credible(const struct raft *raft, const struct raft_fetch_request *request,
    const struct raft_entry *entries, uint32_t n) {
    uint32_t good = 0;
    while (good < n) {
        const struct raft_entry *entry = &entries[good];
        if (entry->index != request->first + good || entry->index > request->last) break;
        if (entry->term != log_term(&raft->log, entry->index)) break;
        good++;
    }
    return good;
}

static void copy_entries(struct raft_entry *to, const struct raft_entry *from, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        to[i] = from[i];
        bytes_ref(to[i].payload);
    }
}

static void peer_take_fetched(
    struct raft *raft, struct peer *peer, const struct raft_entry *entries, uint32_t n) {
    if (n == 0) {
        SF_MARK("raft: a fetch for a follower finds nothing (rare)");
        peer->fetch_not_before_us = after_ms(raft->now_us, FETCH_RETRY_MS);
        return;
    }
    if (entries[0].index != peer->next) return;
    peer_release_fetched(peer);
    peer->fetched = sf_alloc(n * sizeof *peer->fetched);
    peer->n_fetched = n;
    copy_entries(peer->fetched, entries, n);
}

/* -- reading ahead of applying --------------------------------------------------------------- */

static void ahead_take(struct raft *raft, const struct raft_entry *entries, uint32_t n) {
    if (n == 0) {
        raft->ahead_not_before_us = after_ms(raft->now_us, FETCH_RETRY_MS);
        return;
    }
    raft->ahead_not_before_us = 0;
    uint32_t held = raft->n_ahead - raft->ahead_start;
    if (held > 0 && raft->ahead[raft->n_ahead - 1].index + 1 != entries[0].index) return;
    SF_MARK("raft: entries are read ahead of applying");
    if (raft->ahead_start > 0) {
        memmove(raft->ahead, raft->ahead + raft->ahead_start, held * sizeof *raft->ahead);
        raft->ahead_start = 0;
        raft->n_ahead = held;
    }
    if (held + n > raft->cap_ahead) {
        raft->cap_ahead = held + n;
        raft->ahead = sf_realloc(raft->ahead, raft->cap_ahead * sizeof *raft->ahead);
    }
    copy_entries(raft->ahead + held, entries, n);
    raft->n_ahead += n;
    raft->changed = true; /* applying may go on */
}

void read_ahead_tick(struct raft *raft) {
    if (raft->ahead_not_before_us == 0 || raft->now_us < raft->ahead_not_before_us) return;
    raft->ahead_not_before_us = 0;
    raft->changed = true; /* whoever applies asks again */
}

void read_ahead_release(struct raft *raft, raft_index through) {
    while (raft->ahead_start < raft->n_ahead && raft->ahead[raft->ahead_start].index <= through)
        bytes_unref(raft->ahead[raft->ahead_start++].payload);
    if (raft->ahead_start < raft->n_ahead) return;
    raft->ahead_start = raft->n_ahead = 0;
    if (raft->cap_ahead == 0) return;
    sf_free(raft->ahead);
    raft->ahead = NULL;
    raft->cap_ahead = 0;
}

static void ahead_ask(struct raft *raft, raft_index first) {
    if (first > raft->commit || first >= raft->log.window_first) return;
    if (is_fetching(raft, 0) || raft->now_us < raft->ahead_not_before_us) return;
    fetch_ask(raft, 0, first, raft->commit, READ_AHEAD_BYTES);
}

const struct raft_entry *raft_committed_entry(struct raft *raft, raft_index index) {
    if (index > raft->commit || index <= raft->log.base_index) return NULL;
    const struct raft_entry *entry = log_entry(&raft->log, index);
    if (entry != NULL) return entry;
    uint32_t held = raft->n_ahead - raft->ahead_start;
    if (held > 0) {
        const struct raft_entry *first = &raft->ahead[raft->ahead_start];
        if (index >= first->index && index - first->index < held) {
            bool is_half_used = index - first->index >= held / 2;
            if (is_half_used) ahead_ask(raft, first->index + held);
            return &first[index - first->index];
        }
        read_ahead_release(raft, UINT64_MAX); /* read somewhere else */
        fetches_drop_peer(raft, 0);
    }
    ahead_ask(raft, index);
    return NULL;
}

void raft_step_fetched(struct raft *raft, uint64_t request, const struct raft_entry *entries,
    uint32_t n, int64_t now_us) {
    clock_advance(raft, now_us);
    struct fetch *found = fetch_find(raft, request);
    if (found == NULL) SF_MARK("raft: a fetch answered too late");
    if (found == NULL || !found->is_handed) return;
    struct fetch fetch = *found;
    fetch_forget(raft, found);
    n = count_credible(raft, &fetch.request, entries, n);
    struct peer *peer = fetch.peer == 0 ? NULL : peer_find(raft, fetch.peer);
    if (fetch.peer == 0)
        ahead_take(raft, entries, n);
    else if (peer != NULL)
        peer_take_fetched(raft, peer, entries, n);
}
