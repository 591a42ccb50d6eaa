/* Snapshots as the threads carry them out: the background thread writes files aside, piece by
 * piece; the sync thread, in order with the appends, makes them count and changes the log
 * accordingly. */
#include "storage/identity.h"
#include "storage/snapshot_file.h"
#include "storage/threads.h"
#include "util/codec.h"
#include "util/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, INSTALL_FAILURES_MAX = 2 };

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
        .place = request->snapshot.place,
        .fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    enum sf_status status = writing->fd >= 0 ? SF_OK : errno_report(error, path, "create", errno);
    sf_free(path);
    return status;
}

static enum sf_status writing_add(
    struct snapshot_writing *writing, struct slice data, struct buf *error) {
    enum sf_status status = file_write_at(writing->fd, "a snapshot", data, writing->written, error);
    writing->crc = crc32c_more(writing->crc, data);
    writing->written += data.len;
    return status;
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

/* What belongs at offset: head, image, checksum; empty: all is written. */
static struct slice next_piece(const struct request *request, uint64_t offset, struct buf *head) {
    struct slice image = bytes_slice(request->snapshot.image);
    if (offset == 0) {
        snapshot_put_head(&request->snapshot, head);
        return buf_slice(head);
    }
    uint64_t image_start = snapshot_file_bytes(&request->snapshot) - SNAPSHOT_CRC_BYTES - image.len;
    uint64_t done = offset - image_start;
    if (done >= image.len) return slice_of(NULL, 0);
    return slice_of(image.data + done, (size_t)SF_MIN(image.len - done, (uint64_t)PIECE_BYTES));
}

static void keep_later(struct storage *storage, struct request *save) {
    struct request *keep = request_new(REQUEST_SNAPSHOT_KEEP, save->number, save->epoch, 0);
    keep->snapshot.place = save->snapshot.place;
    keep->keep = save->keep;
    pthread_mutex_lock(&storage->lock);
    list_push_back(&storage->sync_queue, &keep->link);
    pthread_cond_signal(&storage->sync_wake);
    pthread_mutex_unlock(&storage->lock);
}

static void saving_failed(
    struct storage *storage, const struct request *request, enum sf_status status) {
    answer_with(
        storage, request, (struct storage_event){.type = STORAGE_SNAPSHOT_SAVED, .status = status});
}

/* A failure is no harm: the log still holds everything. */
bool snapshot_save_piece(struct storage *storage, struct request *request) {
    struct snapshot_writing *saving = &storage->saving;
    char *directory = directory_of(storage, request);
    if (directory == NULL) { /* another identity: its directory is trash */
        if (saving->fd >= 0) close(saving->fd);
        saving->fd = -1;
        return false;
    }
    if (request->offset > 0 && saving->place.id != request->snapshot.place.id) {
        saving_failed(storage, request, SF_ERR_NOT_EXECUTED); /* a newer one was begun */
        sf_free(directory);
        return false;
    }
    struct buf error = {0}, head = {0};
    enum sf_status status = SF_OK;
    if (request->offset == 0)
        status = writing_begin(saving, directory, SNAPSHOT_NEW, request, &error);
    struct slice piece = next_piece(request, request->offset, &head);
    bool more = piece.len > 0;
    if (status == SF_OK && more) status = writing_add(saving, piece, &error);
    request->offset += piece.len;
    if (status == SF_OK && !more) {
        char crc[SNAPSHOT_CRC_BYTES];
        store_u32(crc, saving->crc);
        status = writing_add(saving, slice_of(crc, sizeof crc), &error);
    }
    if (status != SF_OK || !more) {
        status = writing_end(saving, directory, SNAPSHOT_NEW, status, &error);
        if (status == SF_OK)
            keep_later(storage, request);
        else
            saving_failed(storage, request, status);
        more = false;
    }
    buf_free(&error);
    buf_free(&head);
    sf_free(directory);
    return more;
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
    struct raft_snapshot *place = &request->snapshot.place;
    if (place->index <= storage->snapshot_index) { /* a newer one was installed meanwhile */
        saving_failed(storage, request, SF_ERR_NOT_EXECUTED);
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
    snapshot_reads_note(
        &storage->snapshot_reads, request->snapshot.place.index, storage_clock_ms());
    struct bytes *piece = directory == NULL
                              ? NULL
                              : snapshot_file_piece(directory, &request->snapshot.place,
                                    request->offset, request->max_bytes);
    answer_with(
        storage, request, (struct storage_event){.type = STORAGE_SNAPSHOT_READ, .data = piece});
    sf_free(directory);
}

/* The received file, read back and compared with what was announced. */
static enum sf_status received_check(const char *directory, const struct raft_snapshot *place,
    struct storage_snapshot **out, struct buf *error) {
    struct storage_snapshot *snapshot = sf_alloc_zero(1, sizeof *snapshot);
    enum sf_status status = snapshot_file_read(directory, SNAPSHOT_RECEIVED, snapshot, error);
    const struct raft_snapshot *found = &snapshot->place;
    bool same = found->index == place->index && found->term == place->term &&
                found->id == place->id && found->bytes == place->bytes;
    if (status == SF_OK && !same) status = SF_ERR_CORRUPT;
    if (status == SF_OK) {
        *out = snapshot;
        return SF_OK;
    }
    storage_snapshot_clear(snapshot);
    sf_free(snapshot);
    return status;
}

void snapshot_receive(struct storage *storage, const struct request *request) {
    char *directory = directory_of(storage, request);
    if (directory == NULL) return;
    struct snapshot_writing *receiving = &storage->receiving;
    struct storage_event event = {.type = STORAGE_SNAPSHOT_RECEIVED};
    struct buf error = {0};
    enum sf_status status = SF_OK;
    if (request->offset == 0)
        status = writing_begin(receiving, directory, SNAPSHOT_RECEIVED, request, &error);
    bool follows = receiving->fd >= 0 && receiving->epoch == request->epoch &&
                   receiving->place.id == request->snapshot.place.id &&
                   receiving->written == request->offset;
    if (status == SF_OK && !follows) status = SF_ERR_SNAPSHOT; /* behind a failure */
    if (status == SF_OK) status = writing_add(receiving, bytes_slice(request->data), &error);
    if (status != SF_OK || request->is_last)
        status = writing_end(receiving, directory, SNAPSHOT_RECEIVED, status, &error);
    if (status == SF_OK && request->is_last)
        status = received_check(directory, &request->snapshot.place, &event.snapshot, &error);
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
    const struct raft_snapshot *place = &request->snapshot.place;
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
    const struct raft_snapshot *place = &request->snapshot.place;
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
