/* The hard-state thread: saves term and vote, refreshes the mark each second. */
#include "storage/threads.h"

static bool is_open(const struct storage *storage) {
    return storage->log != NULL && storage->installed == storage->epoch;
}

static void drop_stale(struct storage *storage) {
    LIST_FOR_EACH(link, &storage->hard_queue) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        if (request->epoch >= storage->epoch && !storage->failed) continue;
        list_remove(link);
        request_free(request);
    }
}

/* What would be written now, requests aside. */
static struct hard_state_record current(const struct storage *storage) {
    struct hard_state_record record = storage->hard;
    record.mark_index = storage->synced_index;
    record.mark_term = storage->synced_term;
    record.damaged = storage->damaged;
    return record;
}

static bool refresh_changes_something(const struct storage *storage) {
    return storage->hard.mark_index != storage->synced_index ||
           storage->hard.mark_term != storage->synced_term ||
           storage->hard.damaged != storage->damaged || !storage->hard_settled;
}

static void answer_saved(struct storage *storage, struct list *saved) {
    LIST_FOR_EACH(link, saved) {
        struct request *request = SF_CONTAINER(link, struct request, link);
        answer_push_locked(storage, request->epoch,
            (struct storage_event){.type = STORAGE_HARD_STATE_SAVED, .request = request->number});
        list_remove(link);
        request_free(request);
    }
}

/* One write, lock held before and after: all that waits, the latest counts. */
static enum sf_status write_once(
    struct storage *storage, const struct hard_state_record *record, struct buf *error) {
    storage->hard_busy = true;
    pthread_mutex_unlock(&storage->lock);
    enum sf_status status = hard_state_write(&storage->hard_file, record, error);
    pthread_mutex_lock(&storage->lock);
    storage->hard_busy = false;
    pthread_cond_broadcast(&storage->hard_done);
    return status;
}

static void save(struct storage *storage) {
    struct hard_state_record record = current(storage);
    struct list taken;
    list_init(&taken);
    LIST_FOR_EACH(link, &storage->hard_queue) {
        const struct request *request = SF_CONTAINER(link, struct request, link);
        SF_ASSERT(request->epoch == storage->installed);
        SF_ASSERT(request->hard_state.term >= record.term);
        record.term = request->hard_state.term;
        record.vote = request->hard_state.vote;
        list_remove(link);
        list_push_back(&taken, link);
    }
    uint64_t flush = storage->flush_wanted;
    struct buf error = {0};
    enum sf_status status = write_once(storage, &record, &error);
    if (status == SF_OK) {
        storage->hard_settled =
            record.term == storage->hard.term && record.vote == storage->hard.vote;
        storage->hard = record;
        storage->flush_done = flush;
        storage_full_locked(storage, FULL_HARD, false, NULL);
        pthread_cond_broadcast(&storage->hard_done);
        answer_saved(storage, &taken);
    } else {
        while (!list_empty(&taken)) { /* back, in order, in front of what came meanwhile */
            struct list *link = taken.prev;
            list_remove(link);
            list_push_back(storage->hard_queue.next, link);
        }
        if (status == SF_ERR_NO_SPACE) {
            storage_full_locked(storage, FULL_HARD, true, &error);
            if (!storage->hard_stops)
                storage_wait_locked(storage, &storage->hard_done, ROOM_RETRY_MS);
        } else {
            storage_fail_locked(storage, &error);
        }
    }
    buf_free(&error);
}

void *hard_thread_main(void *context) {
    struct storage *storage = context;
    bool refresh = false;
    pthread_mutex_lock(&storage->lock);
    for (;;) {
        drop_stale(storage);
        bool usable = !storage->failed && is_open(storage);
        bool asked =
            !list_empty(&storage->hard_queue) || storage->flush_wanted != storage->flush_done;
        if (usable && (asked || (refresh && refresh_changes_something(storage)))) {
            bool last_try = storage->hard_stops;
            save(storage);
            if ((storage->full & FULL_HARD) == 0) refresh = false;
            if (last_try) break;
            continue;
        }
        if (storage->hard_stops) {
            if (refresh || !usable) break;
            refresh = true; /* a clean stop leaves the mark at the very end */
            continue;
        }
        refresh = storage_wait_locked(storage, &storage->hard_wake, MARK_REFRESH_MS);
    }
    pthread_mutex_unlock(&storage->lock);
    return NULL;
}

bool storage_mark_lower(struct storage *storage, raft_index index, raft_term term) {
    pthread_mutex_lock(&storage->lock);
    storage->synced_index = index;
    storage->synced_term = term;
    /* A restart reads the newest slot, or what a write under way is making the newest. */
    if (storage->hard.mark_index > index || storage->hard_busy) {
        uint64_t wanted = ++storage->flush_wanted;
        pthread_cond_signal(&storage->hard_wake);
        while (storage->flush_done < wanted && !storage->failed && is_open(storage) &&
               !(storage->sync_stops && storage->full != 0))
            pthread_cond_wait(&storage->hard_done, &storage->lock);
    }
    bool lowered = !storage->failed && storage->hard.mark_index <= index;
    pthread_mutex_unlock(&storage->lock);
    return lowered;
}
