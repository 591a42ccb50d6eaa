#include "storage/twin_internal.h"

/* -- the durable log ------------------------------------------------------------------------- */

static void log_truncate(struct twin *twin, raft_index from) {
    /* The mark is lowered and synced before any truncation. */
    SF_ASSERT(from >= twin->log_first);
    if (twin->mark_index >= from) {
        SF_MARK("storage: the mark is lowered before a truncation");
        twin->mark_index = from - 1;
        twin->mark_term = log_term_of(twin, from - 1);
    }
    while (log_last(twin) >= from) bytes_unref(twin->log[--twin->log_len].payload);
}

static void log_put(struct twin *twin, const struct raft_entry *entry) {
    SF_ASSERT(entry->index == log_last(twin) + 1);
    if (twin->log_len == twin->log_cap) {
        twin->log_cap = SF_MAX(64, twin->log_cap * 2);
        twin->log = sf_realloc(twin->log, twin->log_cap * sizeof *twin->log);
    }
    twin->log[twin->log_len] = *entry;
    /* As read back from a disk: no payload and an empty one are the same. */
    bool empty = bytes_slice(entry->payload).len == 0;
    twin->log[twin->log_len++].payload = empty ? NULL : bytes_ref(entry->payload);
}

static void log_clear(struct twin *twin) {
    while (twin->log_len > 0) bytes_unref(twin->log[--twin->log_len].payload);
    twin->log_first = 1;
    snapshots_clear(twin);
    twin->mark_index = 0;
    twin->mark_term = 0;
    twin->damaged = false;
}

static void mark_refresh(struct twin *twin) {
    if (twin->damaged && log_last(twin) < twin->mark_index) return;
    twin->mark_index = log_last(twin);
    twin->mark_term = log_term_of(twin, log_last(twin));
}

/* -- work and lanes -------------------------------------------------------------------------- */

static void work_free(struct work *work) {
    for (uint32_t i = 0; i < work->n; i++) bytes_unref(work->entries[i].payload);
    sf_free(work->entries);
    buf_free(&work->blob);
    bytes_unref(work->file);
    if (work->whole != NULL) storage_snapshot_clear(work->whole);
    sf_free(work->whole);
    sf_free(work);
}

static struct work *lane_pop(struct lane *lane) {
    struct work *work = lane->head;
    lane->head = work->next;
    if (lane->head == NULL) lane->tail = NULL;
    work->next = NULL;
    return work;
}

static void lane_drop(struct lane *lane) {
    while (lane->head != NULL) work_free(lane_pop(lane));
    lane->in_progress = 0;
}

static uint32_t lane_batch(const struct twin *twin, enum lane_name name) {
    const struct lane *lane = &twin->lanes[name];
    uint32_t n = 0;
    if (name != LANE_LOG) return lane->head != NULL;
    /* One sync for the appends that wait; a snapshot is a matter of its own. */
    for (const struct work *work = lane->head; work != NULL; work = work->next, n++)
        if (work->type != STORAGE_APPENDED) break;
    return SF_MAX(n, lane->head != NULL ? 1u : 0u);
}

static void lane_start(struct twin *twin, enum lane_name name, int64_t now_us) {
    struct lane *lane = &twin->lanes[name];
    if (lane->in_progress > 0 || lane->head == NULL) return;
    if (name != LANE_READ && twin->state != SF_OK) return;
    if (name == LANE_LOG && twin->switching) return;
    int64_t low = name == LANE_READ ? twin->pace.fetch_min_us : twin->pace.sync_min_us;
    int64_t high = name == LANE_READ ? twin->pace.fetch_max_us : twin->pace.sync_max_us;
    int64_t latency = low + (int64_t)random_below(&twin->random, (uint64_t)(high - low) + 1);
    if (name != LANE_READ) now_us = SF_MAX(now_us, twin->stalled_until_us);
    lane->in_progress = lane_batch(twin, name);
    lane->done_at_us = now_us + latency;
}

void lane_push(struct twin *twin, enum lane_name name, struct work *work, int64_t now_us) {
    SF_ASSERT(twin->is_open);
    struct lane *lane = &twin->lanes[name];
    if (lane->tail != NULL)
        lane->tail->next = work;
    else
        lane->head = work;
    lane->tail = work;
    twin->now_us = SF_MAX(twin->now_us, now_us);
    lane_start(twin, name, now_us);
}

/* -- requests -------------------------------------------------------------------------------- */

struct work *work_new(enum storage_event_type type, uint64_t request) {
    struct work *work = sf_alloc_zero(1, sizeof *work);
    work->type = type;
    work->request = request;
    return work;
}

void twin_append(struct twin *twin, uint64_t request, raft_index truncate_from,
    const struct raft_entry *entries, uint32_t n, int64_t now_us) {
    struct work *work = work_new(STORAGE_APPENDED, request);
    work->truncate_from = truncate_from;
    work->n = n;
    work->entries = sf_alloc_zero(SF_MAX(n, 1u), sizeof *entries);
    for (uint32_t i = 0; i < n; i++) {
        SF_ASSERT(i == 0 || entries[i].index == entries[i - 1].index + 1);
        work->entries[i] = entries[i];
        bytes_ref(entries[i].payload);
    }
    lane_push(twin, LANE_LOG, work, now_us);
}

void twin_save_hard_state(
    struct twin *twin, uint64_t request, const struct raft_hard_state *state, int64_t now_us) {
    struct work *work = work_new(STORAGE_HARD_STATE_SAVED, request);
    work->hard_state = *state;
    lane_push(twin, LANE_STATE, work, now_us);
}

void twin_fetch(struct twin *twin, uint64_t request, raft_index first, raft_index last,
    uint64_t max_bytes, int64_t now_us) {
    struct work *work = work_new(STORAGE_FETCHED, request);
    work->first = first;
    work->last = last;
    work->max_bytes = max_bytes;
    lane_push(twin, LANE_READ, work, now_us);
}

static void torn_log(struct twin *twin);
static void torn_hard_state(struct twin *twin);

void twin_save_identity(
    struct twin *twin, uint64_t request, raft_id node_id, struct slice blob, int64_t now_us) {
    SF_ASSERT(node_id != 0);
    struct work *work = work_new(STORAGE_IDENTITY_SAVED, request);
    work->node_id = node_id;
    buf_append_slice(&work->blob, blob);
    if (node_id != twin->node_id && !twin->switching) {
        /* What was asked of the old log is never answered; it may or may not get there. */
        torn_log(twin);
        torn_hard_state(twin);
        for (int i = 0; i < LANES; i++) lane_drop(&twin->lanes[i]);
        twin->switching = true;
    }
    lane_push(twin, LANE_STATE, work, now_us);
}

/* -- completion ------------------------------------------------------------------------------ */

static void finish_append(struct twin *twin, struct work *work, struct storage_event *event) {
    if (work->truncate_from > 0) log_truncate(twin, work->truncate_from);
    for (uint32_t i = 0; i < work->n; i++) log_put(twin, &work->entries[i]);
    event->last_index = log_last(twin);
    event->last_term = log_term_of(twin, log_last(twin));
}

static void finish_fetch(const struct twin *twin, struct work *work, struct storage_event *event) {
    if (work->first < twin->log_first || work->first > log_last(twin)) return;
    raft_index last = SF_MIN(work->last, log_last(twin));
    uint64_t bytes = 0;
    for (raft_index i = work->first; i <= last; i++) {
        bytes += bytes_slice(log_at(twin, i)->payload).len;
        if (event->n > 0 && bytes > work->max_bytes) break;
        event->n++;
    }
    event->entries = log_at(twin, work->first);
}

static void finish_identity(struct twin *twin, struct work *work) {
    if (work->node_id != twin->node_id) {
        log_clear(twin);
        snapshots_forget_unfinished(twin);
        twin->hard_state = (struct raft_hard_state){0, 0};
        twin->node_id = work->node_id;
        twin->switching = false;
    }
    buf_clear(&twin->identity);
    buf_append_slice(&twin->identity, buf_slice(&work->blob));
}

/* True: the work is not over and was put into another lane, or nobody waits for its end. */
static bool finish(struct twin *twin, struct work *work, struct storage_event *event) {
    event->type = work->type;
    event->request = work->request;
    switch (work->type) {
    case STORAGE_APPENDED:
        finish_append(twin, work, event);
        break;
    case STORAGE_HARD_STATE_SAVED:
        twin->hard_state = work->hard_state;
        break;
    case STORAGE_FETCHED:
        finish_fetch(twin, work, event);
        break;
    case STORAGE_IDENTITY_SAVED:
        finish_identity(twin, work);
        break;
    case STORAGE_NOTE:
        break;
    case STORAGE_SNAPSHOT_WRITTEN:
        finish_piece(twin, work, event);
        if (!work->is_dropped) break;
        work_free(work); /* nobody is answered */
        return true;
    case STORAGE_SNAPSHOT_SAVED:
        return finish_save(twin, work, event);
    case STORAGE_SNAPSHOT_READ:
        finish_read(twin, work, event);
        break;
    case STORAGE_SNAPSHOT_RECEIVED:
        finish_receive(twin, work, event);
        break;
    case STORAGE_SNAPSHOT_INSTALLED:
        finish_install(twin, work, event);
        break;
    case STORAGE_STATE:
        break;
    }
    return false;
}

/* The lane that completes first by now_us; LANES when none does. */
static enum lane_name next_done(const struct twin *twin, int64_t now_us) {
    enum lane_name best = LANES;
    for (int i = 0; i < LANES; i++) {
        const struct lane *lane = &twin->lanes[i];
        if (lane->in_progress == 0 || lane->done_at_us > now_us) continue;
        if (best == LANES || lane->done_at_us < twin->lanes[best].done_at_us)
            best = (enum lane_name)i;
    }
    return best;
}

static uint32_t complete(struct twin *twin, enum lane_name name,
    void (*on_event)(void *context, const struct storage_event *event), void *context) {
    struct lane *lane = &twin->lanes[name];
    int64_t at_us = lane->done_at_us;
    uint32_t n = lane->in_progress, done = 0;
    /* One sync made all of them durable before the first is answered. */
    struct storage_event *events = sf_alloc_zero(n, sizeof *events);
    struct work **works = sf_alloc_zero(n, sizeof *works);
    for (uint32_t i = 0; i < n; i++) {
        works[i] = lane_pop(lane);
        if (finish(twin, works[i], &events[i])) works[i] = NULL;
    }
    lane->in_progress = 0;
    if (name == LANE_LOG && at_us - twin->marked_at_us >= MARK_INTERVAL_US) {
        mark_refresh(twin);
        twin->marked_at_us = at_us;
    }
    for (int i = 0; i < LANES; i++) lane_start(twin, (enum lane_name)i, at_us);
    for (uint32_t i = 0; i < n; i++) {
        if (works[i] == NULL) continue;
        if (on_event != NULL) on_event(context, &events[i]);
        bytes_unref(events[i].data);
        work_free(works[i]);
        done++;
    }
    sf_free(events);
    sf_free(works);
    return done;
}

uint32_t twin_poll(struct twin *twin, int64_t now_us,
    void (*on_event)(void *context, const struct storage_event *event), void *context) {
    SF_ASSERT(twin->is_open);
    uint32_t n = 0;
    twin->now_us = SF_MAX(twin->now_us, now_us);
    if (twin->state_changed) {
        struct storage_event event = {.type = STORAGE_STATE, .status = twin->state};
        memcpy(event.text, "simulated", sizeof "simulated");
        twin->state_changed = false;
        on_event(context, &event);
        n++;
    }
    for (enum lane_name name; (name = next_done(twin, now_us)) != LANES;)
        n += complete(twin, name, on_event, context);
    return n;
}

int64_t twin_next_due_us(const struct twin *twin) {
    int64_t due = twin->state_changed ? twin->now_us : INT64_MAX;
    for (int i = 0; i < LANES; i++)
        if (twin->lanes[i].in_progress > 0) due = SF_MIN(due, twin->lanes[i].done_at_us);
    return due;
}

/* -- opening, closing, crashing -------------------------------------------------------------- */

struct twin *twin_new(uint64_t seed) {
    struct twin *twin = sf_alloc_zero(1, sizeof *twin);
    twin->random = random_from(seed);
    twin->pace = (struct twin_pace){150, 600, 50, 300};
    twin->log_first = 1;
    return twin;
}

void twin_free(struct twin *twin) {
    if (twin == NULL) return;
    for (int i = 0; i < LANES; i++) lane_drop(&twin->lanes[i]);
    log_clear(twin);
    sf_free(twin->log);
    buf_free(&twin->identity);
    buf_free(&twin->received);
    buf_free(&twin->saved);
    sf_free(twin);
}

struct twin *twin_copy(const struct twin *twin, uint64_t seed) {
    struct twin *copy = twin_new(seed);
    copy->node_id = twin->node_id;
    buf_append_slice(&copy->identity, buf_slice(&twin->identity));
    copy->boot_counter = twin->boot_counter;
    copy->hard_state = twin->hard_state;
    copy->log_first = twin->log_first;
    for (raft_index i = twin->log_first; i <= log_last(twin); i++) log_put(copy, log_at(twin, i));
    copy->n_snapshots = twin->n_snapshots;
    for (uint32_t i = 0; i < twin->n_snapshots; i++) {
        copy->snapshots[i] = twin->snapshots[i];
        bytes_ref(copy->snapshots[i].file);
    }
    copy->mark_index = twin->mark_index;
    copy->mark_term = twin->mark_term;
    copy->damaged = twin->damaged;
    copy->marked_at_us = twin->marked_at_us;
    return copy;
}

uint64_t twin_boot_counter(const struct twin *twin) {
    return twin->boot_counter;
}

static void found_configurations(const struct twin *twin, struct storage_found *found) {
    for (raft_index i = log_last(twin); i >= twin->log_first; i--) {
        const struct raft_entry *entry = log_at(twin, i);
        if (entry->kind != ENTRY_CONFIGURATION) continue;
        if (found->configuration_index == 0) {
            found->configuration_index = i;
            found->configuration = bytes_ref(entry->payload);
            continue;
        }
        found->previous_configuration_index = i;
        found->previous_configuration = bytes_ref(entry->payload);
        return;
    }
}

static void found_lives(const struct twin *twin, struct storage_found *found) {
    for (raft_index i = twin->log_first; i <= log_last(twin); i++) {
        const struct raft_entry *entry = log_at(twin, i);
        if (entry->kind == ENTRY_INCARNATION)
            log_lives_add(&found->lives, bytes_ref(entry->payload));
    }
}

static void found_term_runs(const struct twin *twin, struct storage_found *found) {
    uint32_t cap = 0;
    for (raft_index i = twin->log_first; i <= log_last(twin); i++) {
        raft_term term = log_at(twin, i)->term;
        if (found->n_term_runs > 0 && found->term_runs[found->n_term_runs - 1].term == term)
            continue;
        if (found->n_term_runs == cap) {
            cap = SF_MAX(8u, cap * 2);
            found->term_runs = sf_realloc(found->term_runs, cap * sizeof *found->term_runs);
        }
        found->term_runs[found->n_term_runs++] = (struct raft_term_run){i, term};
    }
}

/* As node_files.c does: the snapshot's configuration among the log's latest two. */
static void found_merge_configuration(struct storage_found *found) {
    raft_index index = found->snapshot.configuration_index;
    if (found->snapshot.place.index == 0 || index == found->configuration_index) return;
    if (index < found->configuration_index && index <= found->previous_configuration_index) return;
    bytes_unref(found->previous_configuration);
    if (index < found->configuration_index) {
        found->previous_configuration = bytes_ref(found->snapshot.configuration);
        found->previous_configuration_index = index;
        return;
    }
    found->previous_configuration = found->configuration;
    found->previous_configuration_index = found->configuration_index;
    found->configuration = bytes_ref(found->snapshot.configuration);
    found->configuration_index = index;
}

static void check_mark(struct twin *twin, bool accept_lost_tail) {
    if (!accept_lost_tail || !twin->damaged) return;
    twin->damaged = false;
    mark_refresh(twin);
}

void twin_mark_repaired(struct twin *twin) {
    twin->damaged = false;
    mark_refresh(twin);
}

void twin_open(struct twin *twin, bool accept_lost_tail, struct storage_found *found) {
    SF_ASSERT(!twin->is_open);
    *found = (struct storage_found){0};
    twin->is_open = true;
    twin->state = SF_OK;
    twin->boot_counter++;
    if (twin->mark_index > log_last(twin)) SF_MARK("storage: a log is found damaged");
    if (twin->mark_index > log_last(twin)) twin->damaged = true;
    found_snapshot(twin, found);
    raft_term last_term = log_term_of(twin, log_last(twin));
    /* The log's thread may have been ahead of the hard state's. */
    if (last_term > twin->hard_state.term) SF_MARK("storage: the log was ahead of the hard state");
    if (last_term > twin->hard_state.term)
        twin->hard_state = (struct raft_hard_state){last_term, 0};
    check_mark(twin, accept_lost_tail);
    found->is_new = twin->node_id == 0;
    found->node_id = twin->node_id;
    buf_append_slice(&found->identity_blob, buf_slice(&twin->identity));
    found->boot_counter = twin->boot_counter;
    found->hard_state = twin->hard_state;
    found->first_index = twin->log_first;
    found->last_index = log_last(twin);
    found->damaged = twin->damaged;
    found_configurations(twin, found);
    found_merge_configuration(found);
    found_term_runs(twin, found);
    found_lives(twin, found);
}

void twin_found_clear(struct storage_found *found) {
    buf_free(&found->identity_blob);
    sf_free(found->term_runs);
    bytes_unref(found->configuration);
    bytes_unref(found->previous_configuration);
    log_lives_clear(&found->lives);
    storage_snapshot_clear(&found->snapshot);
    *found = (struct storage_found){0};
}

void twin_close(struct twin *twin) {
    SF_ASSERT(twin->is_open);
    twin->stalled_until_us = 0;
    if (twin->state == SF_OK) {
        for (enum lane_name name; (name = next_done(twin, INT64_MAX)) != LANES;)
            (void)complete(twin, name, NULL, NULL);
        mark_refresh(twin);
    }
    for (int i = 0; i < LANES; i++) lane_drop(&twin->lanes[i]);
    twin->switching = false;
    twin->state_changed = false;
    twin->is_open = false;
    snapshots_forget_unfinished(twin);
}

/* A random prefix of the batch in progress is there: deletions and entries count one each. */
static void torn_log(struct twin *twin) {
    struct lane *lane = &twin->lanes[LANE_LOG];
    if (twin->state != SF_OK || twin->now_us < twin->stalled_until_us) return;
    uint64_t steps = 0;
    const struct work *work = lane->head;
    for (uint32_t i = 0; i < lane->in_progress; i++, work = work->next)
        steps += work->n + (work->truncate_from > 0);
    uint64_t kept = random_below(&twin->random, steps + 1);
    work = lane->head;
    if (lane->in_progress > 0 && work->type == STORAGE_SNAPSHOT_INSTALLED)
        torn_install(twin, work, random_below(&twin->random, 3));
    for (uint32_t i = 0; i < lane->in_progress && kept > 0; i++, work = work->next) {
        if (work->truncate_from > 0) {
            log_truncate(twin, work->truncate_from);
            kept--;
        }
        for (uint32_t k = 0; k < work->n && kept > 0; k++, kept--) log_put(twin, &work->entries[k]);
    }
}

static void torn_hard_state(struct twin *twin) {
    const struct lane *lane = &twin->lanes[LANE_STATE];
    if (twin->state != SF_OK || lane->in_progress == 0) return;
    if (lane->head->type != STORAGE_HARD_STATE_SAVED) return;
    /* Two slots, each with its checksum: the old one or the new one, nothing between. */
    if (random_below(&twin->random, 2) == 0) twin->hard_state = lane->head->hard_state;
}

void twin_crash(struct twin *twin, int64_t now_us) {
    SF_ASSERT(twin->is_open);
    twin->now_us = SF_MAX(twin->now_us, now_us);
    for (enum lane_name name; (name = next_done(twin, now_us)) != LANES;)
        (void)complete(twin, name, NULL, NULL);
    torn_log(twin);
    torn_hard_state(twin);
    for (int i = 0; i < LANES; i++) lane_drop(&twin->lanes[i]);
    twin->switching = false;
    twin->state_changed = false;
    twin->is_open = false;
    snapshots_forget_unfinished(twin);
}

/* -- faults and looking in ------------------------------------------------------------------- */

void twin_set_pace(struct twin *twin, const struct twin_pace *pace) {
    SF_ASSERT(pace->sync_min_us <= pace->sync_max_us && pace->fetch_min_us <= pace->fetch_max_us);
    twin->pace = *pace;
}

void twin_stall(struct twin *twin, int64_t until_us) {
    twin->stalled_until_us = SF_MAX(twin->stalled_until_us, until_us);
    for (int i = LANE_LOG; i <= LANE_STATE; i++)
        if (twin->lanes[i].in_progress > 0)
            twin->lanes[i].done_at_us = SF_MAX(twin->lanes[i].done_at_us, until_us);
}

void twin_set_state(struct twin *twin, enum sf_status state, int64_t now_us) {
    if (!twin->is_open || twin->state == state || twin->state == SF_ERR_STORAGE) return;
    twin->state = state;
    twin->state_changed = true;
    twin->now_us = SF_MAX(twin->now_us, now_us);
    /* A failed sync has done nothing that may be relied on: begin the batch again later. */
    if (state != SF_OK && twin->lanes[LANE_LOG].in_progress > 0)
        SF_MARK("storage: a write fails and begins again");
    if (state != SF_OK) twin->lanes[LANE_LOG].in_progress = twin->lanes[LANE_STATE].in_progress = 0;
    for (int i = 0; i < LANES; i++) lane_start(twin, (enum lane_name)i, now_us);
}

void twin_lose_tail(struct twin *twin, raft_index keep_last) {
    SF_ASSERT(!twin->is_open);
    while (twin->log_len > 0 && log_last(twin) > keep_last)
        bytes_unref(twin->log[--twin->log_len].payload);
}

bool twin_is_open(const struct twin *twin) {
    return twin->is_open;
}

raft_id twin_node_id(const struct twin *twin) {
    return twin->node_id;
}

raft_index twin_last_index(const struct twin *twin) {
    return log_last(twin);
}

raft_index twin_mark_index(const struct twin *twin) {
    return twin->mark_index;
}

const struct raft_entry *twin_entry(const struct twin *twin, raft_index index) {
    return index < twin->log_first || index > log_last(twin) ? NULL : log_at(twin, index);
}

struct raft_hard_state twin_hard_state(const struct twin *twin) {
    return twin->hard_state;
}
