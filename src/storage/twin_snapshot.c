/* The twin's snapshots: real files (snapshot_file.h) kept in memory. Written aside in the reading
 * lane; what makes them count is done in the log's lane, as in production. */
#include "storage/snapshot_file.h"
#include "storage/twin_internal.h"

raft_term log_term_of(const struct twin *twin, raft_index index) {
    if (index >= twin->log_first && index <= log_last(twin)) return log_at(twin, index)->term;
    for (uint32_t i = 0; i < twin->n_snapshots; i++)
        if (twin->snapshots[i].place.index == index) return twin->snapshots[i].place.term;
    return 0;
}

raft_index twin_first_index(const struct twin *twin) {
    return twin->log_first;
}

raft_index twin_snapshot_index(const struct twin *twin) {
    return twin->n_snapshots == 0 ? 0 : twin->snapshots[0].place.index;
}

/* -- the durable ones ------------------------------------------------------------------------ */

static void snapshots_keep(struct twin *twin, uint32_t most, raft_index needed_from) {
    while (twin->n_snapshots > most) {
        struct twin_snapshot *oldest = &twin->snapshots[twin->n_snapshots - 1];
        bool needed = needed_from != UINT64_MAX && oldest->place.index + 1 >= needed_from;
        if (needed && twin->n_snapshots < TWIN_SNAPSHOTS_MAX) return;
        bytes_unref(oldest->file);
        twin->n_snapshots--;
    }
}

void snapshots_clear(struct twin *twin) {
    snapshots_keep(twin, 0, UINT64_MAX);
}

void snapshots_forget_unfinished(struct twin *twin) {
    buf_clear(&twin->received);
    buf_clear(&twin->saved);
    twin->receiving.id = twin->saving.id = 0;
    twin->saving_fails = false;
}

static void snapshot_put(
    struct twin *twin, const struct raft_snapshot *place, struct bytes *file, raft_index needed) {
    SF_ASSERT(place->index > twin_snapshot_index(twin));
    snapshots_keep(twin, TWIN_SNAPSHOTS_MAX - 1, UINT64_MAX);
    memmove(twin->snapshots + 1, twin->snapshots, twin->n_snapshots * sizeof *twin->snapshots);
    twin->snapshots[0] = (struct twin_snapshot){*place, bytes_ref(file)};
    twin->n_snapshots++;
    snapshots_keep(twin, SNAPSHOTS_KEPT, needed);
}

static void log_restart_behind(struct twin *twin, raft_index index) {
    while (twin->log_len > 0) bytes_unref(twin->log[--twin->log_len].payload);
    twin->log_first = index + 1;
}

/* Generations end anywhere, so what is dropped is drawn. */
static void forget_prefix(struct twin *twin, const struct work *work) {
    raft_index reach = SF_MIN(work->place.index + 1, work->keep.needed_from);
    raft_index last = log_last(twin);
    if (last > work->keep.entries) reach = SF_MIN(reach, last + 1 - work->keep.entries);
    if (last <= work->keep.entries || reach <= twin->log_first) return;
    raft_index gone = random_below(&twin->random, reach - twin->log_first + 1);
    for (raft_index i = 0; i < gone; i++) bytes_unref(twin->log[i].payload);
    twin->log_len -= (size_t)gone;
    twin->log_first += gone;
    memmove(twin->log, twin->log + gone, twin->log_len * sizeof *twin->log);
}

/* -- requests -------------------------------------------------------------------------------- */

static struct work *snapshot_work(
    enum storage_event_type type, uint64_t request, const struct raft_snapshot *place) {
    struct work *work = work_new(type, request);
    work->place = *place;
    return work;
}

void twin_save_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, struct bytes *data, bool is_last, const struct storage_keep *keep,
    int64_t now_us) {
    enum storage_event_type type = is_last ? STORAGE_SNAPSHOT_SAVED : STORAGE_SNAPSHOT_WRITTEN;
    struct work *work = snapshot_work(type, request, place);
    SF_ASSERT(is_last == (keep != NULL));
    work->offset = offset;
    work->file = bytes_ref(data);
    if (is_last) work->keep = *keep;
    lane_push(twin, LANE_READ, work, now_us);
}

void twin_drop_snapshot(struct twin *twin, const struct raft_snapshot *place, int64_t now_us) {
    struct work *work = snapshot_work(STORAGE_SNAPSHOT_WRITTEN, 0, place);
    work->is_dropped = true;
    lane_push(twin, LANE_READ, work, now_us);
}

void twin_fail_snapshot(struct twin *twin) {
    twin->saving_fails = true;
}

void twin_read_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, uint64_t max_bytes, int64_t now_us) {
    struct work *work = snapshot_work(STORAGE_SNAPSHOT_READ, request, place);
    work->offset = offset;
    work->max_bytes = max_bytes;
    lane_push(twin, LANE_READ, work, now_us);
}

void twin_receive_snapshot(struct twin *twin, uint64_t request, const struct raft_snapshot *place,
    uint64_t offset, struct bytes *data, bool is_last, int64_t now_us) {
    struct work *work = snapshot_work(STORAGE_SNAPSHOT_RECEIVED, request, place);
    work->offset = offset;
    work->file = bytes_ref(data);
    work->is_last = is_last;
    lane_push(twin, LANE_READ, work, now_us);
}

void twin_install_snapshot(
    struct twin *twin, uint64_t request, const struct raft_snapshot *place, int64_t now_us) {
    lane_push(twin, LANE_LOG, snapshot_work(STORAGE_SNAPSHOT_INSTALLED, request, place), now_us);
}

/* -- completion ------------------------------------------------------------------------------ */

/* Appends a piece to what is written aside. */
static enum sf_status write_piece(struct twin *twin, const struct work *work) {
    if (twin->state != SF_OK || twin->saving_fails) {
        if (twin->saving_fails) SF_MARK("storage: a piece of a snapshot cannot be written");
        twin->saving.id = 0;
        enum sf_status status = twin->saving_fails ? SF_ERR_NO_SPACE : twin->state;
        twin->saving_fails = false;
        return status;
    }
    if (work->offset == 0) {
        buf_clear(&twin->saved);
        twin->saving = work->place;
    }
    if (twin->saving.id != work->place.id || twin->saved.len != work->offset)
        return SF_ERR_SNAPSHOT;
    buf_append_slice(&twin->saved, bytes_slice(work->file));
    return SF_OK;
}

void finish_piece(struct twin *twin, const struct work *work, struct storage_event *event) {
    if (!work->is_dropped)
        event->status = write_piece(twin, work);
    else if (twin->saving.id == work->place.id)
        twin->saving.id = 0;
}

/* All is written: aside, until the log's lane comes to it. */
static enum sf_status finish_writing(struct twin *twin, struct work *work) {
    enum sf_status status = write_piece(twin, work);
    if (status != SF_OK) return status;
    struct storage_snapshot whole;
    status = snapshot_decode(buf_slice(&twin->saved), &whole);
    SF_ASSERT(status == SF_OK && whole.place.index == work->place.index);
    SF_ASSERT(whole.place.id == work->place.id && whole.place.bytes == work->place.bytes);
    storage_snapshot_clear(&whole);
    bytes_unref(work->file);
    work->file = bytes_new(buf_slice(&twin->saved).data, twin->saved.len);
    work->is_written = true;
    twin->saving.id = 0;
    return SF_OK;
}

bool finish_save(struct twin *twin, struct work *work, struct storage_event *event) {
    if (!work->is_written) {
        event->status = finish_writing(twin, work);
        if (event->status != SF_OK) return false;
        lane_push(twin, LANE_LOG, work, twin->now_us);
        return true;
    }
    event->status = SF_ERR_NOT_EXECUTED;
    if (work->place.index <= twin_snapshot_index(twin)) return false;
    SF_ASSERT(work->place.index <= log_last(twin));
    SF_ASSERT(log_term_of(twin, work->place.index) == work->place.term);
    snapshot_put(twin, &work->place, work->file, work->keep.needed_from);
    forget_prefix(twin, work);
    event->status = SF_OK;
    event->place = work->place;
    event->first_index = twin->log_first;
    return false;
}

void finish_read(const struct twin *twin, struct work *work, struct storage_event *event) {
    for (uint32_t i = 0; i < twin->n_snapshots; i++) {
        const struct twin_snapshot *snapshot = &twin->snapshots[i];
        if (snapshot->place.id != work->place.id || work->offset >= snapshot->file->len) continue;
        size_t left = snapshot->file->len - (size_t)work->offset;
        event->data = bytes_new(
            snapshot->file->data + work->offset, (size_t)SF_MIN(work->max_bytes, (uint64_t)left));
    }
}

void finish_receive(struct twin *twin, struct work *work, struct storage_event *event) {
    event->status = twin->state;
    if (event->status == SF_OK && work->offset == 0) {
        buf_clear(&twin->received);
        twin->receiving = work->place;
    }
    if (twin->receiving.id != work->place.id || twin->received.len != work->offset)
        event->status = SF_ERR_SNAPSHOT;
    if (event->status != SF_OK) {
        SF_MARK("storage: a chunk that does not follow");
        twin->receiving.id = 0;
        return;
    }
    buf_append_slice(&twin->received, bytes_slice(work->file));
    if (!work->is_last) return;
    work->whole = sf_alloc_zero(1, sizeof *work->whole);
    event->status = snapshot_decode(buf_slice(&twin->received), work->whole);
    if (event->status == SF_OK) event->snapshot = work->whole;
}

static void install_file(struct twin *twin, const struct work *work) {
    SF_ASSERT(twin->receiving.id == work->place.id);
    SF_ASSERT(twin->received.len == work->place.bytes);
    raft_index index = work->place.index;
    if (twin->mark_index >= index) { /* lowered before */
        twin->mark_term = log_term_of(twin, index - 1);
        twin->mark_index = index - 1;
    }
    struct bytes *file = bytes_new(buf_slice(&twin->received).data, twin->received.len);
    snapshot_put(twin, &work->place, file, UINT64_MAX);
    bytes_unref(file);
}

void finish_install(struct twin *twin, struct work *work, struct storage_event *event) {
    install_file(twin, work);
    log_restart_behind(twin, work->place.index);
    event->place = work->place;
}

void torn_install(struct twin *twin, const struct work *work, uint64_t steps) {
    if (steps == 1) SF_MARK("storage: a crash between the steps of an installation");
    if (steps > 0) install_file(twin, work);
    if (steps > 1) log_restart_behind(twin, work->place.index);
}

/* -- at a start ------------------------------------------------------------------------------ */

void found_snapshot(struct twin *twin, struct storage_found *found) {
    if (twin->n_snapshots == 0) {
        SF_ASSERT(twin->log_first == 1);
        return;
    }
    const struct twin_snapshot *newest = &twin->snapshots[0];
    raft_index index = newest->place.index;
    SF_ASSERT(twin->log_first <= index + 1);
    SF_ASSERT(snapshot_decode(bytes_slice(newest->file), &found->snapshot) == SF_OK);
    bool differs = index >= twin->log_first && index <= log_last(twin) &&
                   log_at(twin, index)->term != newest->place.term;
    if (differs || log_last(twin) < index)
        SF_MARK("storage: a start finds a log that its snapshot replaces");
    if (differs || log_last(twin) < index) log_restart_behind(twin, index);
}
