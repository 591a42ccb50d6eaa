/* Snapshots as the threads carry them out: the background thread writes files aside, piece by
 * piece; the sync thread, in order with the appends, makes them count and changes the log
 * accordingly. */
#include "storage/identity.h"
#include "storage/snapshot_file.h"
#include "storage/threads.h"
#include "util/crc64.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { PUSH_BYTES = 4 << 20, INSTALL_FAILURES_MAX = 2 };

static void answer_with(
    struct storage *storage, const struct request *request, struct storage_event event) {
    event.request = request->number;
    pthread_mutex_lock(&storage->lock);
    answer_push_locked(storage, request->epoch, event);
    pthread_mutex_unlock(&storage->lock);
}

static void fail(struct storage *storage, const struct buf *error) {
    pthread_mutex_lock(&storage->lock);
    storage_fail_locked(storage, error);
    pthread_mutex_unlock(&storage->lock);
}

/* The node directory of the request's epoch, or NULL: that one is not there (any more, or yet). The
 * directory stays: only this thread discards one. The caller frees. */
static char *directory_of(struct storage *storage, const struct request *request) {
    pthread_mutex_lock(&storage->lock);
    bool is_there = request->epoch == storage->installed && storage->log != NULL;
    char *directory = is_there ? sf_strdup(storage->log->directory) : NULL;
    pthread_mutex_unlock(&storage->lock);
    return directory;
}

/* -- files being written --------------------------------------------------------------------- */

static enum sf_status writing_begin(struct snapshot_writing *writing, const char *directory,
    const char *name, const struct request *request, struct buf *error) {
    if (writing->fd >= 0) close(writing->fd);
    char *path = path_join(directory, name);
    *writing = (struct snapshot_writing){.epoch = request->epoch,
        .place = request->place,
        .fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    enum sf_status status = writing->fd >= 0 ? SF_OK : errno_report(error, path, "create", errno);
    sf_free(path);
    return status;
}

/* The disk takes it bit by bit: all at once, in the end, would hold up the log's writes. An error
 * that is met here is not told again by fsync. */
static enum sf_status push(struct snapshot_writing *writing, struct buf *error) {
    if (writing->written - writing->pushed < PUSH_BYTES) return SF_OK;
    uint64_t before = writing->pushed < PUSH_BYTES ? 0 : writing->pushed - PUSH_BYTES;
    unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    bool is_good = sync_file_range(writing->fd, (off_t)writing->pushed,
                       (off_t)(writing->written - writing->pushed), SYNC_FILE_RANGE_WRITE) == 0 &&
                   (writing->pushed == 0 || sync_file_range(writing->fd, (off_t)before,
                                                (off_t)(writing->pushed - before), all) == 0);
    writing->pushed = writing->written;
    bool is_known = errno != ENOSYS && errno != ESPIPE && errno != EINVAL;
    return is_good || !is_known ? SF_OK : errno_report(error, "a snapshot", "write", errno);
}

static enum sf_status writing_add(
    struct snapshot_writing *writing, struct slice data, struct buf *error) {
    enum sf_status status = file_write_at(writing->fd, "a snapshot", data, writing->written, error);
    writing->checksum = crc64_more(writing->checksum, data);
    writing->written += data.len;
    return status == SF_OK ? push(writing, error) : status;
}

/* One piece, which begins the file or goes on where it ended. */
static enum sf_status writing_take(struct snapshot_writing *writing, const char *directory,
    const char *name, const struct request *request, struct buf *error) {
    enum sf_status status = SF_OK;
    if (request->offset == 0) status = writing_begin(writing, directory, name, request, error);
    bool follows = writing->fd >= 0 && writing->epoch == request->epoch &&
                   writing->place.id == request->place.id && writing->written == request->offset;
    if (status == SF_OK && !follows) return SF_ERR_SNAPSHOT; /* behind a failure */
    return status == SF_OK ? writing_add(writing, bytes_slice(request->data), error) : status;
}

/* What was written is a snapshot, and the one that was announced. */
static enum sf_status writing_check(struct snapshot_writing *writing, const struct request *request,
    struct storage_snapshot *out, struct buf *error) {
    const struct raft_snapshot *place = &request->place, *found = &out->place;
    if (writing->checksum != 0 || writing->written != place->bytes) return SF_ERR_CORRUPT;
    enum sf_status status = snapshot_file_head(writing->fd, "a snapshot", out, error);
    bool same = found->index == place->index && found->term == place->term &&
                found->id == place->id && found->bytes == place->bytes;
    return status == SF_OK && !same ? SF_ERR_CORRUPT : status;
}

/* Durable on SF_OK; a failure leaves nothing. */
static enum sf_status writing_end(struct snapshot_writing *writing, const char *directory,
    const char *name, enum sf_status status, struct buf *error) {
    char *path = path_join(directory, name);
    if (status == SF_OK && fsync(writing->fd) != 0)
        status = errno_report(error, path, "sync", errno);
    if (writing->fd >= 0) close(writing->fd);
    writing->fd = -1;
    if (status != SF_OK) unlink(path);
    sf_free(path);
    return status;
}

/* -- saving ---------------------------------------------------------------------------------- */

static void keep_later(struct storage *storage, const struct request *save) {
    struct request *keep = request_new(REQUEST_SNAPSHOT_KEEP, save->number, save->epoch, 0);
    keep->place = save->place;
    keep->keep = save->keep;
    pthread_mutex_lock(&storage->lock);
    list_push_back(&storage->sync_queue, &keep->link);
    pthread_cond_signal(&storage->sync_wake);
    pthread_mutex_unlock(&storage->lock);
}

static void saving_ends(
    struct storage *storage, const struct request *request, enum sf_status status) {
    answer_with(storage, request,
        (struct storage_event){
            .type = request->is_last ? STORAGE_SNAPSHOT_SAVED : STORAGE_SNAPSHOT_WRITTEN,
            .status = status});
}

static void saving_forget(struct snapshot_writing *saving) {
    if (saving->fd >= 0) close(saving->fd);
    saving->fd = -1;
}

/* A failure is no harm: the log still holds everything. */
void snapshot_save(struct storage *storage, const struct request *request) {
    struct snapshot_writing *saving = &storage->saving;
    char *directory = directory_of(storage, request);
    if (directory == NULL) { /* another identity: its directory is trash */
        saving_forget(saving);
        return;
    }
    struct storage_snapshot whole = {.configuration_index = 0};
    struct buf error = {0};
    enum sf_status status = writing_take(saving, directory, SNAPSHOT_NEW, request, &error);
    if (status == SF_OK && request->is_last)
        status = writing_check(saving, request, &whole, &error);
    if ((status != SF_OK && status != SF_ERR_SNAPSHOT) || (status == SF_OK && request->is_last))
        status = writing_end(saving, directory, SNAPSHOT_NEW, status, &error);
    if (status == SF_OK && request->is_last)
        keep_later(storage, request);
    else
        saving_ends(storage, request, status);
    storage_snapshot_clear(&whole);
    buf_free(&error);
    sf_free(directory);
}

void snapshot_drop(struct storage *storage, const struct request *request) {
    struct snapshot_writing *saving = &storage->saving;
    char *directory = directory_of(storage, request);
    if (directory != NULL && saving->fd >= 0 && saving->place.id == request->place.id) {
        struct buf error = {0};
        (void)writing_end(saving, directory, SNAPSHOT_NEW, SF_ERR_NOT_EXECUTED, &error);
        buf_free(&error);
    }
    sf_free(directory);
}

static void tidy_later(struct storage *storage, raft_index needed_from) {
    struct request *tidy = request_new(REQUEST_TIDY, 0, storage->installed, 0);
    tidy->keep.needed_from = needed_from;
    pthread_mutex_lock(&storage->lock);
    background_push_locked(storage, tidy);
    pthread_mutex_unlock(&storage->lock);
}

void snapshot_keep(struct storage *storage, struct request *request) {
    struct log *log = storage->log;
    struct raft_snapshot *place = &request->place;
    if (place->index <= storage->snapshot_index) { /* a newer one was installed meanwhile */
        answer_with(storage, request,
            (struct storage_event){.type = STORAGE_SNAPSHOT_SAVED, .status = SF_ERR_NOT_EXECUTED});
        return;
    }
    SF_ASSERT(place->index <= log->last_index);
    SF_ASSERT(place->index < log_first_index(log) || log_term_at(log, place->index) == place->term);
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(place->index, name);
    struct buf error = {0};
    enum sf_status status = file_rename_durable(log->directory, SNAPSHOT_NEW, name, &error);
    if (status == SF_OK) {
        storage->snapshot_index = place->index;
        status = log_forget_prefix(log, place->index, &request->keep, &error);
        if (status == SF_ERR_NO_SPACE) status = SF_OK; /* with the next snapshot, then */
    }
    if (status == SF_ERR_STORAGE) {
        fail(storage, &error);
    } else {
        answer_with(storage, request,
            (struct storage_event){.type = STORAGE_SNAPSHOT_SAVED,
                .status = status,
                .place = *place,
                .first_index = log_first_index(log)});
        tidy_later(storage, request->keep.needed_from);
    }
    buf_free(&error);
}

/* -- sending and receiving ------------------------------------------------------------------- */

void snapshot_read(struct storage *storage, const struct request *request) {
    char *directory = directory_of(storage, request);
    snapshot_reads_note(&storage->snapshot_reads, request->place.index, storage_clock_ms());
    struct bytes *piece = directory == NULL ? NULL
                                            : snapshot_file_piece(directory, &request->place,
                                                  request->offset, request->max_bytes);
    answer_with(
        storage, request, (struct storage_event){.type = STORAGE_SNAPSHOT_READ, .data = piece});
    sf_free(directory);
}

void snapshot_receive(struct storage *storage, const struct request *request) {
    char *directory = directory_of(storage, request);
    if (directory == NULL) return;
    struct snapshot_writing *receiving = &storage->receiving;
    struct storage_event event = {.type = STORAGE_SNAPSHOT_RECEIVED};
    struct storage_snapshot whole = {.configuration_index = 0};
    struct buf error = {0};
    enum sf_status status = writing_take(receiving, directory, SNAPSHOT_RECEIVED, request, &error);
    if (status == SF_OK && request->is_last)
        status = writing_check(receiving, request, &whole, &error);
    if (status != SF_OK || request->is_last)
        status = writing_end(receiving, directory, SNAPSHOT_RECEIVED, status, &error);
    if (status == SF_OK && request->is_last) {
        event.snapshot = sf_alloc_zero(1, sizeof *event.snapshot);
        *event.snapshot = whole;
    } else {
        storage_snapshot_clear(&whole);
    }
    event.status = status;
    answer_with(storage, request, event);
    buf_free(&error);
    sf_free(directory);
}

/* -- installing ------------------------------------------------------------------------------ */

/* The mark never says more than a crash at any moment leaves: the old log, or the snapshot. */
static bool mark_make_way(struct storage *storage, raft_index index) {
    pthread_mutex_lock(&storage->lock);
    raft_index synced = storage->synced_index;
    pthread_mutex_unlock(&storage->lock);
    if (synced < index) return true;
    return storage_mark_lower(storage, index - 1, log_term_at(storage->log, index - 1));
}

static bool log_begin_until_durable(
    struct storage *storage, const struct request *request, struct buf *error) {
    const struct raft_snapshot *place = &request->place;
    for (int failures = 0;;) {
        switch (log_begin_behind(storage->log, place->index, place->term, error)) {
        case SF_OK:
            return true;
        case SF_ERR_NO_SPACE:
            if (!storage_wait_for_room(storage, request->epoch, error)) return false;
            break;
        case SF_ERR_NOT_EXECUTED:
            if (++failures < INSTALL_FAILURES_MAX) break;
            fail(storage, error);
            return false;
        default:
            fail(storage, error);
            return false;
        }
    }
}

void snapshot_install(struct storage *storage, const struct request *request) {
    const struct raft_snapshot *place = &request->place;
    struct log *log = storage->log;
    SF_ASSERT(log != NULL && place->index > storage->snapshot_index);
    if (!mark_make_way(storage, place->index)) return;
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(place->index, name);
    struct buf error = {0};
    enum sf_status status;
    do {
        status = file_rename_durable(log->directory, SNAPSHOT_RECEIVED, name, &error);
    } while (status == SF_ERR_NO_SPACE && storage_wait_for_room(storage, request->epoch, &error));
    if (status != SF_OK) {
        if (status != SF_ERR_NO_SPACE) fail(storage, &error);
    } else if (log_begin_until_durable(storage, request, &error)) {
        storage_no_longer_full(storage);
        storage->snapshot_index = place->index;
        pthread_mutex_lock(&storage->lock);
        storage->synced_index = place->index;
        storage->synced_term = place->term;
        pthread_mutex_unlock(&storage->lock);
        answer_with(storage, request,
            (struct storage_event){.type = STORAGE_SNAPSHOT_INSTALLED, .place = *place});
        tidy_later(storage, UINT64_MAX);
    }
    buf_free(&error);
}
