#include "storage/storage.h"

#include "storage/identity.h"
#include "storage/snapshot_file.h"
#include "storage/threads.h"
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* -- requests and answers -------------------------------------------------------------------- */

struct request *request_new(enum request_type type, uint64_t number, uint64_t epoch, uint32_t n) {
    struct request *request = sf_alloc_zero(1, sizeof *request + n * sizeof(struct raft_entry));
    request->type = type;
    request->number = number;
    request->epoch = epoch;
    request->n = n;
    list_init(&request->link);
    return request;
}

void request_free(struct request *request) {
    for (uint32_t i = 0; i < request->n; i++) bytes_unref(request->entries[i].payload);
    bytes_unref(request->blob);
    bytes_unref(request->data);
    log_close(request->discarded);
    sf_free(request);
}

static void answer_free(struct answer *answer) {
    for (uint32_t i = 0; i < answer->event.n; i++) bytes_unref(answer->event.entries[i].payload);
    sf_free(answer->event.entries);
    bytes_unref(answer->event.data);
    if (answer->event.snapshot != NULL) storage_snapshot_clear(answer->event.snapshot);
    sf_free(answer->event.snapshot);
    sf_free(answer);
}

void answer_push_locked(struct storage *storage, uint64_t epoch, struct storage_event event) {
    struct answer *answer = sf_alloc(sizeof *answer);
    answer->epoch = epoch;
    answer->event = event;
    bool wake = list_empty(&storage->answers);
    list_push_back(&storage->answers, &answer->link);
    if (!wake) return;
    ssize_t written;
    do { /* the count never comes near the limit, at which it would block */
        written = write(storage->wakeup_fd, &(uint64_t){1}, sizeof(uint64_t));
    } while (written < 0 && errno == EINTR);
}

static void push_state(struct storage *storage, enum sf_status status, const struct buf *error) {
    struct storage_event event = {.type = STORAGE_STATE, .status = status};
    if (error != NULL) {
        struct slice text = buf_slice(error);
        snprintf(event.text, sizeof event.text, "%.*s", (int)SF_MIN(text.len, sizeof event.text),
            text.len > 0 ? text.data : "");
    }
    answer_push_locked(storage, storage->epoch, event);
}

void storage_fail_locked(struct storage *storage, const struct buf *error) {
    if (storage->failed) return;
    storage->failed = true;
    push_state(storage, SF_ERR_STORAGE, error);
    pthread_cond_broadcast(&storage->sync_wake);
    pthread_cond_broadcast(&storage->hard_wake);
    pthread_cond_broadcast(&storage->hard_done);
}

void storage_full_locked(
    struct storage *storage, unsigned who, bool full, const struct buf *error) {
    unsigned before = storage->full;
    storage->full = full ? before | who : before & ~who;
    if (before == 0 && storage->full != 0) push_state(storage, SF_ERR_NO_SPACE, error);
    if (before != 0 && storage->full == 0) push_state(storage, SF_OK, NULL);
}

int64_t storage_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool storage_wait_locked(struct storage *storage, pthread_cond_t *cond, unsigned ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(cond, &storage->lock, &until) == ETIMEDOUT;
}

void background_push_locked(struct storage *storage, struct request *request) {
    list_push_back(&storage->background_queue, &request->link);
    pthread_cond_signal(&storage->background_wake);
}

/* -- open and close -------------------------------------------------------------------------- */

void storage_found_clear(struct storage_found *found) {
    buf_free(&found->identity_blob);
    buf_free(&found->notice);
    sf_free(found->term_runs);
    bytes_unref(found->configuration);
    bytes_unref(found->previous_configuration);
    log_lives_clear(&found->lives);
    storage_snapshot_clear(&found->snapshot);
    *found = (struct storage_found){0};
}

static struct storage *storage_new(const struct storage_settings *settings) {
    struct storage *storage = sf_alloc_zero(1, sizeof *storage);
    storage->directory = sf_strdup(settings->directory);
    storage->generation_bytes = settings->generation_bytes;
    storage->lock_fd = storage->wakeup_fd = -1;
    storage->hard_file.fd = storage->saving.fd = storage->receiving.fd = -1;
    pthread_mutex_init(&storage->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&storage->sync_wake, &monotonic);
    pthread_cond_init(&storage->hard_wake, &monotonic);
    pthread_cond_init(&storage->hard_done, &monotonic);
    pthread_cond_init(&storage->background_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&storage->sync_queue);
    list_init(&storage->hard_queue);
    list_init(&storage->background_queue);
    list_init(&storage->answers);
    return storage;
}

static void free_requests(struct list *queue) {
    LIST_FOR_EACH(link, queue) {
        list_remove(link);
        request_free(SF_CONTAINER(link, struct request, link));
    }
}

static void storage_free(struct storage *storage) {
    free_requests(&storage->sync_queue);
    free_requests(&storage->hard_queue);
    free_requests(&storage->background_queue);
    LIST_FOR_EACH(link, &storage->answers) answer_free(SF_CONTAINER(link, struct answer, link));
    log_close(storage->log);
    hard_state_close(&storage->hard_file);
    if (storage->saving.fd >= 0) close(storage->saving.fd);
    if (storage->receiving.fd >= 0) close(storage->receiving.fd);
    if (storage->wakeup_fd >= 0) close(storage->wakeup_fd);
    if (storage->lock_fd >= 0) close(storage->lock_fd);
    pthread_cond_destroy(&storage->sync_wake);
    pthread_cond_destroy(&storage->hard_wake);
    pthread_cond_destroy(&storage->hard_done);
    pthread_cond_destroy(&storage->background_wake);
    pthread_mutex_destroy(&storage->lock);
    sf_free(storage->directory);
    sf_free(storage);
}

static enum sf_status open_files(struct storage *storage, bool accept_lost_tail,
    struct storage_found *found, struct buf *error) {
    enum sf_status status =
        identity_load(storage->directory, &found->node_id, &found->identity_blob, error);
    if (status == SF_ERR_NOT_FOUND) {
        found->is_new = true;
        found->first_index = 1;
        found->boot_counter = storage->boot_counter = 1;
        return node_directories_clean(storage->directory, 0, error);
    }
    if (status != SF_OK) return status;
    storage->node_id = storage->requested_id = found->node_id;
    return node_files_open(storage, found->node_id, accept_lost_tail, found, error);
}

static enum sf_status open_directory(struct storage *storage, bool accept_lost_tail,
    struct storage_found *found, struct buf *error) {
    enum sf_status status = directory_make(storage->directory, error);
    if (status == SF_OK) status = directory_lock(storage->directory, &storage->lock_fd, error);
    if (status != SF_OK) return status == SF_ERR_NO_SPACE ? SF_ERR_STORAGE : status;
    status = open_files(storage, accept_lost_tail, found, error);
    if (status == SF_ERR_NO_SPACE) { /* LevelDB writes when it opens: give it the reserve */
        reserve_free(storage->directory);
        storage_found_clear(found);
        status = open_files(storage, accept_lost_tail, found, error);
    }
    if (status == SF_OK) storage->reserve_is_there = reserve_make(storage->directory);
    return status == SF_ERR_NO_SPACE ? SF_ERR_STORAGE : status;
}

static void start_threads(struct storage *storage) {
    SF_ASSERT(pthread_create(&storage->sync_thread, NULL, sync_thread_main, storage) == 0);
    SF_ASSERT(pthread_create(&storage->hard_thread, NULL, hard_thread_main, storage) == 0);
    SF_ASSERT(
        pthread_create(&storage->background_thread, NULL, background_thread_main, storage) == 0);
}

enum sf_status storage_open(const struct storage_settings *settings, struct storage **out,
    struct storage_found *found, struct buf *error) {
    *found = (struct storage_found){0};
    struct storage *storage = storage_new(settings);
    enum sf_status status = open_directory(storage, settings->accept_lost_tail, found, error);
    if (status == SF_OK) {
        storage->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (storage->wakeup_fd < 0)
            status = errno_report(error, settings->directory, "make an event descriptor", errno);
    }
    if (status != SF_OK) {
        storage_free(storage);
        storage_found_clear(found);
        *out = NULL;
        return status;
    }
    buf_free(error); /* a missing identity, say, is no error */
    start_threads(storage);
    *out = storage;
    return SF_OK;
}

static void stop_thread(struct storage *storage, bool *stops, pthread_t thread) {
    pthread_mutex_lock(&storage->lock);
    *stops = true;
    pthread_cond_broadcast(&storage->sync_wake);
    pthread_cond_broadcast(&storage->hard_wake);
    pthread_cond_broadcast(&storage->hard_done);
    pthread_cond_broadcast(&storage->background_wake);
    pthread_mutex_unlock(&storage->lock);
    pthread_join(thread, NULL);
}

void storage_close(struct storage *storage) {
    if (storage == NULL) return;
    /* In this order: the last mark is written when nothing more is appended. */
    stop_thread(storage, &storage->sync_stops, storage->sync_thread);
    stop_thread(storage, &storage->hard_stops, storage->hard_thread);
    stop_thread(storage, &storage->background_stops, storage->background_thread);
    storage_free(storage);
}

int storage_wakeup_fd(const struct storage *storage) {
    return storage->wakeup_fd;
}

uint64_t storage_disk_bytes(const struct storage *storage) {
    return atomic_load_explicit(&storage->disk_bytes, memory_order_relaxed);
}

/* -- the main thread's calls ----------------------------------------------------------------- */

static void queue(
    struct storage *storage, struct list *queue, pthread_cond_t *wake, struct request *request) {
    pthread_mutex_lock(&storage->lock);
    list_push_back(queue, &request->link);
    pthread_cond_signal(wake);
    pthread_mutex_unlock(&storage->lock);
}

void storage_append(struct storage *storage, uint64_t number, raft_index truncate_from,
    const struct raft_entry *entries, uint32_t n) {
    SF_ASSERT(storage->requested_id != 0);
    struct request *request = request_new(REQUEST_APPEND, number, storage->epoch, n);
    request->truncate_from = truncate_from;
    for (uint32_t i = 0; i < n; i++) {
        request->entries[i] = entries[i];
        bytes_ref(entries[i].payload);
    }
    queue(storage, &storage->sync_queue, &storage->sync_wake, request);
}

void storage_save_hard_state(
    struct storage *storage, uint64_t number, const struct raft_hard_state *state) {
    SF_ASSERT(storage->requested_id != 0);
    struct request *request = request_new(REQUEST_HARD_STATE, number, storage->epoch, 0);
    request->hard_state = *state;
    queue(storage, &storage->hard_queue, &storage->hard_wake, request);
}

void storage_fetch(struct storage *storage, uint64_t number, raft_index first, raft_index last,
    uint64_t max_bytes) {
    SF_ASSERT(storage->requested_id != 0 && first > 0 && first <= last);
    struct request *request = request_new(REQUEST_FETCH, number, storage->epoch, 0);
    request->first = first;
    request->last = last;
    request->max_bytes = max_bytes;
    queue(storage, &storage->background_queue, &storage->background_wake, request);
}

static struct request *snapshot_request(struct storage *storage, enum request_type type,
    uint64_t number, const struct raft_snapshot *place) {
    SF_ASSERT(storage->requested_id != 0 && place->index > 0);
    struct request *request = request_new(type, number, storage->epoch, 0);
    request->place = *place;
    return request;
}

void storage_save_snapshot(struct storage *storage, uint64_t number,
    const struct raft_snapshot *place, uint64_t offset, struct bytes *data, bool is_last,
    const struct storage_keep *keep) {
    SF_ASSERT(is_last == (keep != NULL));
    struct request *request = snapshot_request(storage, REQUEST_SNAPSHOT_SAVE, number, place);
    request->offset = offset;
    request->data = bytes_ref(data);
    request->is_last = is_last;
    if (is_last) request->keep = *keep;
    queue(storage, &storage->background_queue, &storage->background_wake, request);
}

void storage_drop_snapshot(struct storage *storage, const struct raft_snapshot *place) {
    struct request *request = snapshot_request(storage, REQUEST_SNAPSHOT_DROP, 0, place);
    queue(storage, &storage->background_queue, &storage->background_wake, request);
}

void storage_read_snapshot(struct storage *storage, uint64_t number,
    const struct raft_snapshot *place, uint64_t offset, uint64_t max_bytes) {
    struct request *request = snapshot_request(storage, REQUEST_SNAPSHOT_READ, number, place);
    request->offset = offset;
    request->max_bytes = max_bytes;
    queue(storage, &storage->background_queue, &storage->background_wake, request);
}

void storage_receive_snapshot(struct storage *storage, uint64_t number,
    const struct raft_snapshot *place, uint64_t offset, struct bytes *data, bool is_last) {
    struct request *request = snapshot_request(storage, REQUEST_SNAPSHOT_RECEIVE, number, place);
    request->offset = offset;
    request->data = bytes_ref(data);
    request->is_last = is_last;
    queue(storage, &storage->background_queue, &storage->background_wake, request);
}

void storage_install_snapshot(
    struct storage *storage, uint64_t number, const struct raft_snapshot *place) {
    struct request *request = snapshot_request(storage, REQUEST_SNAPSHOT_INSTALL, number, place);
    queue(storage, &storage->sync_queue, &storage->sync_wake, request);
}

void storage_mark_repaired(struct storage *storage) {
    pthread_mutex_lock(&storage->lock);
    if (storage->damaged) {
        storage->damaged = false;
        storage->flush_wanted++;
        pthread_cond_signal(&storage->hard_wake);
    }
    pthread_mutex_unlock(&storage->lock);
}

void storage_save_identity(
    struct storage *storage, uint64_t number, raft_id node_id, struct slice blob) {
    SF_ASSERT(node_id != 0);
    pthread_mutex_lock(&storage->lock);
    if (node_id != storage->requested_id) {
        storage->epoch++;
        pthread_cond_broadcast(&storage->hard_done); /* whoever waits for the old log's files */
    }
    struct request *request = request_new(REQUEST_IDENTITY, number, storage->epoch, 0);
    request->node_id = storage->requested_id = node_id;
    request->blob = bytes_new(blob.data, blob.len);
    list_push_back(&storage->sync_queue, &request->link);
    pthread_cond_signal(&storage->sync_wake);
    pthread_mutex_unlock(&storage->lock);
}

static bool is_wanted(const struct answer *answer, uint64_t epoch) {
    switch (answer->event.type) {
    case STORAGE_APPENDED:
    case STORAGE_HARD_STATE_SAVED:
    case STORAGE_FETCHED:
    case STORAGE_SNAPSHOT_WRITTEN:
    case STORAGE_SNAPSHOT_SAVED:
    case STORAGE_SNAPSHOT_READ:
    case STORAGE_SNAPSHOT_RECEIVED:
    case STORAGE_SNAPSHOT_INSTALLED:
        return answer->epoch == epoch;
    case STORAGE_IDENTITY_SAVED:
    case STORAGE_NOTE:
    case STORAGE_STATE:
        break;
    }
    return true;
}

/* Takes one answer; NULL when there is none (the wake-up is then reset). */
static struct answer *answer_take(struct storage *storage) {
    pthread_mutex_lock(&storage->lock);
    struct list *first = list_first(&storage->answers);
    if (first != NULL) {
        list_remove(first);
    } else {
        uint64_t count;
        if (read(storage->wakeup_fd, &count, sizeof count) < 0) SF_ASSERT(errno != EBADF);
    }
    pthread_mutex_unlock(&storage->lock);
    return first == NULL ? NULL : SF_CONTAINER(first, struct answer, link);
}

uint32_t storage_poll(struct storage *storage,
    void (*on_event)(void *context, const struct storage_event *event), void *context) {
    uint32_t handled = 0;
    for (struct answer *answer; (answer = answer_take(storage)) != NULL;) {
        /* Judged now: a handler may just have begun a new epoch. */
        if (is_wanted(answer, storage->epoch)) {
            on_event(context, &answer->event);
            handled++;
        }
        answer_free(answer);
    }
    return handled;
}
