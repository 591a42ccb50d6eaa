/* The files of one node id, made and opened. */
#include "storage/identity.h"
#include "storage/snapshot_file.h"
#include "storage/threads.h"
#include <inttypes.h>

enum sf_status node_files_create(const char *directory, raft_id node_id,
    const struct hard_state_record *record, struct buf *error) {
    char *path = node_directory_new(directory, node_id);
    directory_remove(path);
    enum sf_status status = directory_make(path, error);
    if (status == SF_OK) status = hard_state_create(path, node_id, record, error);
    if (status == SF_OK) status = log_create(path, error);
    if (status == SF_OK) status = directory_sync(path, error);
    sf_free(path);
    return status;
}

/* What the hard-state file is to say from this start on. */
static struct hard_state_record next_record(const struct hard_state_record *before,
    const struct log_contents *contents, bool slot_is_bad, bool accept_lost_tail) {
    struct hard_state_record record = *before;
    record.boot_counter++;
    if (contents->last_term > record.term) { /* an entry is as good as a promise */
        record.term = contents->last_term;
        record.vote = 0;
    }
    /* Opening made all that was found durable. */
    record.mark_index = contents->last_index;
    record.mark_term = contents->last_term;
    record.damaged = (record.damaged || contents->lost || slot_is_bad) && !accept_lost_tail;
    return record;
}

static void write_notice(struct storage_found *found, const char *directory,
    const struct hard_state_record *before, const struct log_contents *contents, bool slot_is_bad) {
    const char *place = contents->ends_in != NULL ? contents->ends_in : directory;
    const char *outcome = found->damaged
                              ? "this node does not vote until the others have made it whole again"
                              : "accepted, as asked for";
    struct buf line = {0};
    bool only_cut = !contents->lost && !slot_is_bad && !found->damaged;
    found->lost_nothing = found->notice.len == 0 && only_cut;
    if (contents->hole_at != 0)
        error_set(&line,
            "%s: entry %" PRIu64 " is missing or bad while later ones are whole: the log was cut "
            "there, and synced entries are lost: %s",
            place, contents->hole_at, outcome);
    else if (contents->lost)
        error_set(&line,
            "%s: synced entries are lost: the log ends at %" PRIu64 " (term %" PRIu64
            "), but was synced up to %" PRIu64 " (term %" PRIu64 "): %s",
            place, contents->last_index, contents->last_term, before->mark_index, before->mark_term,
            outcome);
    else if (slot_is_bad)
        error_set(&line,
            "%s/hard-state: one of its two slots is bad, it may have held a newer vote: %s",
            directory, outcome);
    else if (found->damaged)
        error_set(&line,
            "%s: an earlier loss of synced entries is not yet made up for: this node does not "
            "vote until the others have made it whole again",
            directory);
    else if (contents->cut_from != 0)
        error_set(&line, "%s: an unfinished write behind entry %" PRIu64 " was cut off", place,
            contents->last_index);
    if (line.len > 0 && found->notice.len > 0) buf_append_text(&found->notice, "; ");
    buf_append_slice(&found->notice, buf_slice(&line));
    buf_free(&line);
}

/* The snapshot's configuration takes its place among the log's latest two. */
static void merge_configuration(
    struct log_contents *contents, const struct storage_snapshot *snapshot) {
    if (snapshot->place.index == 0) return;
    raft_index index = snapshot->configuration_index;
    if (contents->begin_behind) {
        bytes_unref(contents->configuration);
        bytes_unref(contents->previous_configuration);
        contents->configuration = contents->previous_configuration = NULL;
        contents->configuration_index = contents->previous_configuration_index = 0;
    }
    if (index > contents->configuration_index) {
        bytes_unref(contents->previous_configuration);
        contents->previous_configuration = contents->configuration;
        contents->previous_configuration_index = contents->configuration_index;
        contents->configuration = bytes_ref(snapshot->configuration);
        contents->configuration_index = index;
    } else if (index < contents->configuration_index &&
               index > contents->previous_configuration_index) {
        bytes_unref(contents->previous_configuration);
        contents->previous_configuration = bytes_ref(snapshot->configuration);
        contents->previous_configuration_index = index;
    }
}

static void fill_found(struct storage_found *found, const struct log *log,
    struct log_contents *contents, const struct hard_state_record *record) {
    found->boot_counter = record->boot_counter;
    found->hard_state = (struct raft_hard_state){.term = record->term, .vote = record->vote};
    found->first_index = log_first_index(log);
    found->last_index = contents->last_index;
    found->n_term_runs = log->terms.n;
    found->term_runs = sf_alloc(log->terms.n * sizeof *found->term_runs);
    if (log->terms.n > 0)
        memcpy(found->term_runs, log->terms.items, log->terms.n * sizeof *found->term_runs);
    found->configuration_index = contents->configuration_index;
    found->previous_configuration_index = contents->previous_configuration_index;
    found->configuration = contents->configuration;
    found->previous_configuration = contents->previous_configuration;
    contents->configuration = contents->previous_configuration = NULL;
    found->lives = contents->lives;
    contents->lives = (struct log_lives){0};
    found->damaged = record->damaged;
}

static void start_with(
    struct storage *storage, const struct hard_state_record *record, struct log *log) {
    storage->log = log;
    storage->hard = *record;
    storage->boot_counter = record->boot_counter;
    storage->damaged = record->damaged;
    storage->synced_index = record->mark_index;
    storage->synced_term = record->mark_term;
}

static enum sf_status begin_behind(
    struct log *log, const struct raft_snapshot *place, struct buf *error) {
    enum sf_status status = log_begin_behind(log, place->index, place->term, error);
    if (status == SF_OK) log_tidy(log);
    return status == SF_ERR_NOT_EXECUTED ? SF_ERR_STORAGE : status;
}

static enum sf_status open_in(struct storage *storage, const char *path, raft_id node_id,
    bool accept_lost_tail, struct storage_found *found, struct buf *error) {
    struct hard_state_record before;
    struct log *log = NULL;
    struct log_contents contents = {0};
    atomic_store(&storage->disk_bytes, 0);
    enum sf_status status = hard_state_open(path, node_id, &storage->hard_file, &before, error);
    if (status == SF_OK)
        status = log_open(path, storage->generation_bytes, &storage->disk_bytes, &log, error);
    if (status == SF_OK)
        status =
            snapshots_find(path, log_first_index(log), &found->snapshot, &found->notice, error);
    const struct raft_snapshot *place = &found->snapshot.place;
    if (status == SF_OK)
        status = log_check(log, place, before.mark_index, before.mark_term, &contents, error);
    struct hard_state_record record = {0};
    bool slot_is_bad = storage->hard_file.slot_is_bad;
    if (status == SF_OK) {
        record = next_record(&before, &contents, slot_is_bad, accept_lost_tail);
        /* Before the cut: the mark is never above what the log holds. */
        status = hard_state_write(&storage->hard_file, &record, error);
    }
    if (status == SF_OK && contents.begin_behind)
        status = begin_behind(log, place, error);
    else if (status == SF_OK && contents.cut_from != 0)
        status = log_cut(log, contents.cut_from, error);
    if (status == SF_OK) {
        merge_configuration(&contents, &found->snapshot);
        fill_found(found, log, &contents, &record);
        storage->snapshot_index = place->index;
        snapshots_set_aside(path, place->index);
        write_notice(found, path, &before, &contents, slot_is_bad);
        start_with(storage, &record, log);
    } else {
        hard_state_close(&storage->hard_file);
        log_close(log);
    }
    log_contents_clear(&contents);
    return status;
}

enum sf_status node_files_open(struct storage *storage, raft_id node_id, bool accept_lost_tail,
    struct storage_found *found, struct buf *error) {
    char *path = node_directory(storage->directory, node_id);
    char *unsettled = node_directory_new(storage->directory, node_id);
    enum sf_status status = SF_OK;
    if (!path_exists(path) && path_exists(unsettled))
        status = node_directory_settle(storage->directory, node_id, error);
    if (status == SF_OK) status = node_directories_clean(storage->directory, node_id, error);
    if (status == SF_OK) status = open_in(storage, path, node_id, accept_lost_tail, found, error);
    sf_free(path);
    sf_free(unsettled);
    return status;
}
