/* The sync thread: appends, joined into one synced write (group commit), and the identity. */
#include "storage/identity.h"
#include "storage/threads.h"

#include <stdio.h>

enum {
    GROUP_BYTES_MAX = 8 << 20, /* of one joined write: memory, and how long an answer may wait */
    HANDLE_FAILURES_MAX = 2,   /* writes of one group that may fail for reasons other than room */
};

/* -- waiting for room ------------------------------------------------------------------------ */

bool storage_wait_for_room(struct storage *storage, uint64_t epoch, const struct buf *error) {
    pthread_mutex_lock(&storage->lock);
    bool had_reserve = storage->reserve_is_there;
    storage->reserve_is_there = false;
    if (had_reserve) {
        pthread_cond_signal(&storage->background_wake); /* to make it again some time */
        pthread_mutex_unlock(&storage->lock);
        reserve_free(storage->directory);
        return true;
    }
    storage_full_locked(storage, FULL_SYNC, true, error);
    if (!storage->sync_stops) storage_wait_locked(storage, &storage->sync_wake, ROOM_RETRY_MS);
    bool again = !storage->sync_stops && !storage->failed && epoch == storage->epoch;
    pthread_mutex_unlock(&storage->lock);
    return again;
}

void storage_no_longer_full(struct storage *storage) {
    pthread_mutex_lock(&storage->lock);
    storage_full_locked(storage, FULL_SYNC, false, NULL);
    pthread_mutex_unlock(&storage->lock);
}

static void fail(struct storage *storage, const struct buf *error) {
    pthread_mutex_lock(&storage->lock);
    storage_fail_locked(storage, error);
    pthread_mutex_unlock(&storage->lock);
}

static void note(struct storage *storage, const struct buf *error) {
    struct storage_event event = {.type = STORAGE_NOTE};
    snprintf(event.text, sizeof event.text, "%.*s; the log goes on in a new generation",
        (int)error->len, buf_slice(error).data);
    pthread_mutex_lock(&storage->lock);
    answer_push_locked(storage, storage->epoch, event);
    pthread_mutex_unlock(&storage->lock);
}

/* -- appends --------------------------------------------------------------------------------- */

static uint64_t payload_bytes(const struct request *request) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < request->n; i++) bytes += bytes_slice(request->entries[i].payload).len;
    return bytes;
}

/* Moves the first append and those that may be joined to it: no truncation, not too much. */
static void take_group(struct storage *storage, struct list *group) {
    uint64_t bytes = 0;
    LIST_FOR_EACH(link, &storage->sync_queue) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        if (request->type != REQUEST_APPEND) break;
        bool first = list_empty(group);
        if (!first && (request->truncate_from != 0 || bytes >= GROUP_BYTES_MAX)) break;
        bytes += payload_bytes(request);
        list_remove(link);
        list_push_back(group, link);
    }
}

static void drop_requests(struct list *requests) {
    LIST_FOR_EACH(link, requests) {
        list_remove(link);
        request_free(SF_CONTAINER(link, struct request, link));
    }
}

/* Notes in each request (first, last) what the log's end is after it. */
static void build_change(const struct log *log, struct list *group, struct log_change *change) {
    const struct request *head = SF_CONTAINER(group->next, struct request, link);
    log_change_begin(change, log, head->truncate_from);
    LIST_FOR_EACH(link, group) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        for (uint32_t i = 0; i < request->n; i++) log_change_add(change, &request->entries[i]);
        request->last = change->last_index;
        request->hard_state.term = change->last_term;
    }
}

/* False: given up, because the storage failed, stops, or the log is no longer wanted. */
static bool write_until_durable(
    struct storage *storage, const struct log_change *change, uint64_t epoch) {
    struct buf error = {0};
    bool written = false, again = true;
    for (int failures = 0; again && !written;) {
        switch (log_write(storage->log, change, &error)) {
        case SF_OK:
            written = true;
            break;
        case SF_ERR_NO_SPACE:
            again = storage_wait_for_room(storage, epoch, &error);
            break;
        case SF_ERR_NOT_EXECUTED:
            again = ++failures < HANDLE_FAILURES_MAX;
            if (again) {
                note(storage, &error);
            } else {
                fail(storage, &error);
            }
            break;
        default:
            fail(storage, &error);
            again = false;
        }
    }
    buf_free(&error);
    return written;
}

static void answer_group(struct storage *storage, struct list *group, struct log *log) {
    pthread_mutex_lock(&storage->lock);
    storage->synced_index = log->last_index;
    storage->synced_term = log_term_at(log, log->last_index);
    storage_full_locked(storage, FULL_SYNC, false, NULL);
    LIST_FOR_EACH(link, group) {
        const struct request *request = SF_CONTAINER(link, struct request, link);
        answer_push_locked(storage, request->epoch,
            (struct storage_event){.type = STORAGE_APPENDED,
                .request = request->number,
                .last_index = request->last,
                .last_term = request->hard_state.term});
    }
    pthread_mutex_unlock(&storage->lock);
}

static void tidy_later(struct storage *storage) {
    struct request *tidy = request_new(REQUEST_TIDY, 0, storage->installed, 0);
    pthread_mutex_lock(&storage->lock);
    background_push_locked(storage, tidy);
    pthread_mutex_unlock(&storage->lock);
}

static void write_group(struct storage *storage, struct list *group) {
    struct log *log = storage->log;
    SF_ASSERT(log != NULL);
    uint64_t generation = log->next_number;
    uint64_t epoch = SF_CONTAINER(group->next, struct request, link)->epoch;
    struct log_change change;
    build_change(log, group, &change);
    bool written = true;
    if (change.truncate_from != 0)
        written = storage_mark_lower(
            storage, change.truncate_from - 1, log_term_at(log, change.truncate_from - 1));
    if (written && (change.truncate_from != 0 || change.last_index > log->last_index))
        written = write_until_durable(storage, &change, epoch);
    log_change_clear(&change);
    if (written) answer_group(storage, group, log);
    if (log->next_number != generation) tidy_later(storage);
    drop_requests(group);
}

/* -- the identity ---------------------------------------------------------------------------- */

/* From here on the new id's files are the storage's; the old ones go to the background thread. */
static void install(struct storage *storage, const struct request *request, struct log *log,
    struct hard_state_file file, const struct hard_state_record *record) {
    pthread_mutex_lock(&storage->lock);
    while (storage->hard_busy) pthread_cond_wait(&storage->hard_done, &storage->lock);
    struct log *old_log = storage->log;
    struct hard_state_file old_file = storage->hard_file;
    storage->log = log;
    storage->hard_file = file;
    storage->hard = *record;
    storage->hard_settled = false;
    storage->damaged = false;
    storage->synced_index = 0;
    storage->synced_term = 0;
    storage->snapshot_index = 0;
    storage->installed = request->epoch;
    storage->node_id = request->node_id;
    if (old_log != NULL) {
        struct request *discard = request_new(REQUEST_DISCARD, 0, request->epoch, 0);
        discard->discarded = old_log;
        background_push_locked(storage, discard);
    }
    pthread_cond_signal(&storage->hard_wake);
    pthread_cond_signal(&storage->background_wake); /* what was asked of the new id's files */
    pthread_mutex_unlock(&storage->lock);
    hard_state_close(&old_file);
}

/* The identity file is the one atomic step: before it the old id stands, after it the new one. */
static enum sf_status switch_identity(
    struct storage *storage, const struct request *request, struct buf *error) {
    struct hard_state_record record = {.boot_counter = storage->boot_counter};
    enum sf_status status = node_files_create(storage->directory, request->node_id, &record, error);
    if (status != SF_OK) return status;
    status =
        identity_store(storage->directory, request->node_id, bytes_slice(request->blob), error);
    if (status != SF_OK) return status;
    /* The switch has happened: what fails now ends the process, and the next start goes on here. */
    status = node_directory_settle(storage->directory, request->node_id, error);
    struct hard_state_file file = {.fd = -1};
    struct log *log = NULL;
    char *path = node_directory(storage->directory, request->node_id);
    if (status == SF_OK) status = hard_state_open(path, request->node_id, &file, &record, error);
    if (status == SF_OK)
        status = log_open(path, storage->generation_bytes, &storage->disk_bytes, &log, error);
    sf_free(path);
    if (status != SF_OK) {
        hard_state_close(&file);
        return SF_ERR_STORAGE;
    }
    install(storage, request, log, file, &record);
    return SF_OK;
}

static enum sf_status try_identity(
    struct storage *storage, const struct request *request, struct buf *error) {
    if (request->node_id != storage->node_id) return switch_identity(storage, request, error);
    return identity_store(storage->directory, request->node_id, bytes_slice(request->blob), error);
}

static void save_identity(struct storage *storage, const struct request *request) {
    struct buf error = {0};
    enum sf_status status;
    do {
        status = try_identity(storage, request, &error);
    } while (status == SF_ERR_NO_SPACE && storage_wait_for_room(storage, request->epoch, &error));
    if (status == SF_OK) {
        storage_no_longer_full(storage);
        pthread_mutex_lock(&storage->lock);
        answer_push_locked(storage, request->epoch,
            (struct storage_event){.type = STORAGE_IDENTITY_SAVED, .request = request->number});
        pthread_mutex_unlock(&storage->lock);
    } else if (status != SF_ERR_NO_SPACE) {
        fail(storage, &error);
    }
    buf_free(&error);
}

/* -- the thread ------------------------------------------------------------------------------ */

/* Lock held. Requests on a log that is no longer wanted, or after a failure: dropped. An identity
 * whose id has already been followed by another one is still carried out. */
static void drop_stale(struct storage *storage) {
    LIST_FOR_EACH(link, &storage->sync_queue) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        bool stale = request->type != REQUEST_IDENTITY && request->epoch < storage->epoch;
        if (!stale && !storage->failed) continue;
        list_remove(link);
        request_free(request);
    }
}

static void carry_out_alone(struct storage *storage, struct request *request) {
    if (request->type == REQUEST_IDENTITY)
        save_identity(storage, request);
    else if (request->type == REQUEST_SNAPSHOT_KEEP)
        snapshot_keep(storage, request);
    else
        snapshot_install(storage, request);
    request_free(request);
}

void *sync_thread_main(void *context) {
    struct storage *storage = context;
    pthread_mutex_lock(&storage->lock);
    for (;;) {
        drop_stale(storage);
        struct list *first = list_first(&storage->sync_queue);
        if (first == NULL && storage->sync_stops) break;
        if (first == NULL) {
            pthread_cond_wait(&storage->sync_wake, &storage->lock);
            continue;
        }
        struct request *request = SF_CONTAINER(first, struct request, link);
        struct list group;
        list_init(&group);
        bool is_append = request->type == REQUEST_APPEND;
        if (is_append)
            take_group(storage, &group);
        else
            list_remove(first);
        pthread_mutex_unlock(&storage->lock);
        if (is_append)
            write_group(storage, &group);
        else
            carry_out_alone(storage, request);
        pthread_mutex_lock(&storage->lock);
    }
    pthread_mutex_unlock(&storage->lock);
    return NULL;
}
