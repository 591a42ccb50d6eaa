/* The background thread: reads of old entries, removal of what no longer counts, the reserve. */
#include "storage/identity.h"
#include "storage/snapshot_file.h"
#include "storage/threads.h"

static void fetch(struct storage *storage, const struct request *request) {
    pthread_mutex_lock(&storage->lock);
    struct log *log = request->epoch == storage->installed ? storage->log : NULL;
    pthread_mutex_unlock(&storage->lock);
    struct log_entries entries = {0};
    struct buf error = {0};
    enum sf_status status = SF_OK;
    /* The log stays while it is read: only this thread discards one. */
    if (log != NULL)
        status = log_read(log, request->first, request->last, request->max_bytes, &entries, &error);
    pthread_mutex_lock(&storage->lock);
    if (status == SF_OK || status == SF_ERR_NO_SPACE)
        answer_push_locked(storage, request->epoch,
            (struct storage_event){.type = STORAGE_FETCHED,
                .request = request->number,
                .entries = entries.items,
                .n = entries.n});
    else
        storage_fail_locked(storage, &error);
    pthread_mutex_unlock(&storage->lock);
    buf_free(&error);
}

static void tidy(struct storage *storage, const struct request *request) {
    pthread_mutex_lock(&storage->lock);
    struct log *log = storage->log;
    pthread_mutex_unlock(&storage->lock);
    if (log == NULL) return;
    log_tidy(log);
    if (request->keep.needed_from != 0)
        snapshots_tidy(log->directory, request->keep.needed_from, &storage->snapshot_reads,
            storage_clock_ms());
}

static void discard(struct request *request) {
    char *path = sf_strdup(request->discarded->directory);
    atomic_ullong *disk_bytes = request->discarded->disk_bytes;
    for (uint32_t i = 0; i < request->discarded->n; i++)
        atomic_fetch_sub(disk_bytes, request->discarded->generations[i]->bytes);
    for (uint32_t i = 0; i < request->discarded->n_dropped; i++)
        atomic_fetch_sub(disk_bytes, request->discarded->dropped[i]->bytes);
    log_close(request->discarded);
    request->discarded = NULL;
    directory_remove(path);
    sf_free(path);
}

static void carry_out(struct storage *storage, struct request *request) {
    switch (request->type) {
    case REQUEST_FETCH:
        fetch(storage, request);
        break;
    case REQUEST_TIDY:
        tidy(storage, request);
        break;
    case REQUEST_DISCARD:
        discard(request);
        break;
    case REQUEST_SNAPSHOT_SAVE:
        snapshot_save(storage, request);
        break;
    case REQUEST_SNAPSHOT_DROP:
        snapshot_drop(storage, request);
        break;
    case REQUEST_SNAPSHOT_READ:
        snapshot_read(storage, request);
        break;
    case REQUEST_SNAPSHOT_RECEIVE:
        snapshot_receive(storage, request);
        break;
    case REQUEST_APPEND:
    case REQUEST_HARD_STATE:
    case REQUEST_IDENTITY:
    case REQUEST_SNAPSHOT_KEEP:
    case REQUEST_SNAPSHOT_INSTALL:
        SF_ASSERT(!"a request of another thread");
    }
}

/* Lock held before and after. */
static void make_reserve(struct storage *storage) {
    pthread_mutex_unlock(&storage->lock);
    bool made = reserve_make(storage->directory);
    pthread_mutex_lock(&storage->lock);
    storage->reserve_is_there = made;
}

/* Lock held. The first one whose identity is there by now, or was; NULL: none. */
static struct request *take_next(struct storage *storage) {
    LIST_FOR_EACH(link, &storage->background_queue) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        if (request->epoch > storage->installed) continue;
        list_remove(link);
        return request;
    }
    return NULL;
}

void *background_thread_main(void *context) {
    struct storage *storage = context;
    pthread_mutex_lock(&storage->lock);
    for (;;) {
        struct request *request = take_next(storage);
        if (request != NULL) {
            pthread_mutex_unlock(&storage->lock);
            carry_out(storage, request);
            request_free(request);
            pthread_mutex_lock(&storage->lock);
        } else if (storage->background_stops) {
            break;
        } else if (storage->reserve_is_there) {
            pthread_cond_wait(&storage->background_wake, &storage->lock);
        } else if (storage_wait_locked(storage, &storage->background_wake, RESERVE_RETRY_MS)) {
            if (storage->full == 0) make_reserve(storage);
        }
    }
    pthread_mutex_unlock(&storage->lock);
    return NULL;
}
