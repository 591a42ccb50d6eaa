/* A storage in a scratch directory, driven as the shell drives it: ask, wait, look at the answers.
 */
#ifndef SF_TESTS_UNIT_STORAGE_CHECK_H
#define SF_TESTS_UNIT_STORAGE_CHECK_H

#include "storage/hard_state.h"
#include "storage/identity.h"
#include "storage/storage.h"

#include "unit/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODE_A 0xAull
#define NODE_B 0xBull

struct fixture {
    char directory[256]; /* the data directory */
    uint64_t generation_bytes;
    bool accept_lost_tail;
    struct storage *storage;
    struct storage_found found;
    struct buf error;
    uint64_t next_request;
    struct storage_event *events; /* all answers since the last forget_events, oldest first */
    uint32_t n_events;
};

__attribute__((unused)) static char *fixture_path(const struct fixture *f, const char *name) {
    char *path = malloc(1024);
    snprintf(path, 1024, "%s/%s", f->directory, name);
    return path;
}

__attribute__((unused)) static void run(const char *format, const char *a, const char *b) {
    char command[1200];
    if (b != NULL)
        snprintf(command, sizeof command, "%s '%s' '%s'", format, a, b);
    else
        snprintf(command, sizeof command, "%s '%s'", format, a);
    assert_int_equal(system(command), 0);
}

__attribute__((unused)) static int fixture_setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    const char *root = getenv("TMPDIR");
    snprintf(f->directory, sizeof f->directory, "%s/sf-storage-XXXXXX", root ? root : "/tmp");
    assert_non_null(mkdtemp(f->directory));
    f->generation_bytes = 64 << 20;
    *state = f;
    return 0;
}

__attribute__((unused)) static void forget_events(struct fixture *f) {
    for (uint32_t i = 0; i < f->n_events; i++) {
        for (uint32_t k = 0; k < f->events[i].n; k++) bytes_unref(f->events[i].entries[k].payload);
        free(f->events[i].entries);
        bytes_unref(f->events[i].data);
    }
    free(f->events);
    f->events = NULL;
    f->n_events = 0;
}

__attribute__((unused)) static void close_storage(struct fixture *f) {
    if (f->storage != NULL) storage_close(f->storage);
    f->storage = NULL;
    storage_found_clear(&f->found);
    buf_free(&f->error);
    forget_events(f);
}

__attribute__((unused)) static int fixture_teardown(void **state) {
    struct fixture *f = *state;
    close_storage(f);
    run("rm -rf", f->directory, NULL);
    free(f);
    return 0;
}

__attribute__((unused)) static enum sf_status try_open(struct fixture *f) {
    close_storage(f);
    const struct storage_settings settings = {.directory = f->directory,
        .generation_bytes = f->generation_bytes,
        .accept_lost_tail = f->accept_lost_tail};
    enum sf_status status = storage_open(&settings, &f->storage, &f->found, &f->error);
    if (status != SF_OK) {
        assert_null(f->storage);
        assert_true(f->error.len > 0);
        assert_null(memchr(buf_slice(&f->error).data, '\n', f->error.len));
    }
    return status;
}

__attribute__((unused)) static bool error_mentions(const struct fixture *f, const char *text) {
    return memmem(buf_slice(&f->error).data, f->error.len, text, strlen(text)) != NULL;
}

__attribute__((unused)) static bool notice_mentions(const struct fixture *f, const char *text) {
    const struct buf *notice = &f->found.notice;
    return memmem(buf_slice(notice).data, notice->len, text, strlen(text)) != NULL;
}

__attribute__((unused)) static void keep_event(void *context, const struct storage_event *event) {
    struct fixture *f = context;
    f->events = realloc(f->events, (f->n_events + 1) * sizeof *f->events);
    struct storage_event *kept = &f->events[f->n_events++];
    *kept = *event;
    bytes_ref(kept->data);
    kept->snapshot = NULL; /* freed with the event */
    kept->entries = event->n == 0 ? NULL : malloc(event->n * sizeof *event->entries);
    for (uint32_t i = 0; i < event->n; i++) {
        kept->entries[i] = event->entries[i];
        bytes_ref(event->entries[i].payload);
    }
}

/* Waits for the answer to request (or a STATE, for request 0). */
__attribute__((unused)) static const struct storage_event *wait_for(
    struct fixture *f, uint64_t request) {
    for (uint32_t seen = 0;;) {
        for (; seen < f->n_events; seen++) {
            bool is_state = f->events[seen].type == STORAGE_STATE;
            if (is_state ? request == 0 : f->events[seen].request == request)
                return &f->events[seen];
        }
        struct pollfd poll_for = {.fd = storage_wakeup_fd(f->storage), .events = POLLIN};
        poll(&poll_for, 1, -1);
        storage_poll(f->storage, keep_event, f);
    }
}

__attribute__((unused)) static void save_identity(
    struct fixture *f, raft_id node_id, const char *blob) {
    uint64_t request = ++f->next_request;
    storage_save_identity(f->storage, request, node_id, slice_text(blob));
    assert_int_equal(wait_for(f, request)->type, STORAGE_IDENTITY_SAVED);
}

__attribute__((unused)) static void open_storage(struct fixture *f) {
    enum sf_status status = try_open(f);
    if (status != SF_OK) fail_msg("open: %.*s", (int)f->error.len, buf_slice(&f->error).data);
    if (f->found.is_new) save_identity(f, NODE_A, "blob");
}

/* The payload of an entry follows from index, term and size: so it can be judged later. */
__attribute__((unused)) static struct bytes *payload_of(
    raft_index index, raft_term term, size_t size) {
    struct bytes *payload = bytes_new_empty(size);
    for (size_t i = 0; i < size; i++)
        payload->data[i] = (char)(index * 131 + term * 31 + i * 7 + size);
    return payload;
}

__attribute__((unused)) static uint64_t ask_append(struct fixture *f, raft_index truncate_from,
    raft_index first, uint32_t n, raft_term term, size_t size) {
    struct raft_entry *entries = calloc(n + 1, sizeof *entries);
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (struct raft_entry){.index = first + i,
            .term = term,
            .kind = ENTRY_BATCH,
            .payload = payload_of(first + i, term, size)};
    storage_append(f->storage, ++f->next_request, truncate_from, entries, n);
    for (uint32_t i = 0; i < n; i++) bytes_unref(entries[i].payload);
    free(entries);
    return f->next_request;
}

__attribute__((unused)) static void append(struct fixture *f, raft_index truncate_from,
    raft_index first, uint32_t n, raft_term term, size_t size) {
    const struct storage_event *event =
        wait_for(f, ask_append(f, truncate_from, first, n, term, size));
    assert_int_equal(event->type, STORAGE_APPENDED);
    assert_int_equal(event->last_index, first + n - 1);
    if (n > 0) assert_int_equal(event->last_term, term);
}

__attribute__((unused)) static const struct storage_event *fetch(
    struct fixture *f, raft_index first, raft_index last, uint64_t max_bytes) {
    storage_fetch(f->storage, ++f->next_request, first, last, max_bytes);
    const struct storage_event *event = wait_for(f, f->next_request);
    assert_int_equal(event->type, STORAGE_FETCHED);
    return event;
}

/* Entries first..last are there, of this term, with the payload that was written. */
__attribute__((unused)) static void expect_entries(
    struct fixture *f, raft_index first, raft_index last, raft_term term, size_t size) {
    while (first <= last) {
        const struct storage_event *event = fetch(f, first, last, UINT64_MAX);
        assert_true(event->n > 0);
        for (uint32_t i = 0; i < event->n; i++, first++) {
            const struct raft_entry *entry = &event->entries[i];
            assert_int_equal(entry->index, first);
            assert_int_equal(entry->term, term);
            assert_int_equal(entry->kind, ENTRY_BATCH);
            struct bytes *expected = payload_of(first, term, size);
            assert_true(slice_equal(bytes_slice(entry->payload), bytes_slice(expected)));
            bytes_unref(expected);
        }
    }
}

__attribute__((unused)) static void save_hard_state(
    struct fixture *f, raft_term term, raft_id vote) {
    storage_save_hard_state(
        f->storage, ++f->next_request, &(struct raft_hard_state){.term = term, .vote = vote});
    assert_int_equal(wait_for(f, f->next_request)->type, STORAGE_HARD_STATE_SAVED);
}

/* What a crash right now would leave (bytes not yet synced included). */
__attribute__((unused)) static void become_copy_after_crash(struct fixture *f) {
    char copy[300];
    snprintf(copy, sizeof copy, "%s.copy", f->directory);
    /* What the background thread removes meanwhile may be missing: it is trash. */
    char command[700];
    snprintf(command, sizeof command, "cp -r '%s' '%s' 2>/dev/null || true", f->directory, copy);
    assert_int_equal(system(command), 0);
    close_storage(f);
    run("rm -rf", f->directory, NULL);
    run("mv", copy, f->directory);
}

/* -- the files ---------------------------------------------------------------------------- */

__attribute__((unused)) static char *node_path(const struct fixture *f, const char *name) {
    char *node = node_directory(f->directory, NODE_A);
    char *path = malloc(1024);
    snprintf(path, 1024, "%s/%s", node, name);
    sf_free(node);
    return path;
}

/* The largest file of a generation whose name ends so; the caller frees. */
__attribute__((unused)) static char *file_of_generation(
    const struct fixture *f, unsigned number, const char *ending) {
    char name[32];
    snprintf(name, sizeof name, "log-%u", number);
    char *directory = node_path(f, name);
    char *found = NULL;
    off_t size = -1;
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len < strlen(ending) || strcmp(entry->d_name + len - strlen(ending), ending) != 0)
            continue;
        char path[2048];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        struct stat stat_now;
        assert_int_equal(stat(path, &stat_now), 0);
        if (stat_now.st_size <= size) continue;
        size = stat_now.st_size;
        free(found);
        found = strdup(path);
    }
    closedir(listing);
    free(directory);
    assert_non_null(found);
    return found;
}

__attribute__((unused)) static off_t file_size(const char *path) {
    struct stat stat_now;
    assert_int_equal(stat(path, &stat_now), 0);
    return stat_now.st_size;
}

__attribute__((unused)) static void flip_byte(const char *path, off_t at) {
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 0x5a);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

__attribute__((unused)) static struct hard_state_record read_hard_state(const struct fixture *f) {
    char *node = node_directory(f->directory, NODE_A);
    struct hard_state_file file;
    struct hard_state_record record;
    struct buf error = {0};
    assert_int_equal(hard_state_open(node, NODE_A, &file, &record, &error), SF_OK);
    hard_state_close(&file);
    buf_free(&error);
    sf_free(node);
    return record;
}

/* As if the last seconds' refreshes of the mark had not happened. */
__attribute__((unused)) static void set_mark(
    const struct fixture *f, raft_index index, raft_term term) {
    char *node = node_directory(f->directory, NODE_A);
    struct hard_state_file file;
    struct hard_state_record record;
    struct buf error = {0};
    assert_int_equal(hard_state_open(node, NODE_A, &file, &record, &error), SF_OK);
    record.mark_index = index;
    record.mark_term = term;
    assert_int_equal(hard_state_write(&file, &record, &error), SF_OK);
    hard_state_close(&file);
    buf_free(&error);
    sf_free(node);
}

#define STORAGE_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

#endif
