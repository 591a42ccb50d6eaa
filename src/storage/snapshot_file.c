#include "storage/snapshot_file.h"

#include "storage/file.h"
#include "util/codec.h"
#include "util/crc64.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTED_MAX = 64, CHECK_BYTES = 1 << 20 };

static const char name_start[] = "snapshot-", set_aside[] = "damaged-";

void storage_snapshot_clear(struct storage_snapshot *snapshot) {
    bytes_unref(snapshot->configuration);
    *snapshot = (struct storage_snapshot){.configuration_index = 0};
}

void snapshot_file_name(raft_index index, char out[SNAPSHOT_NAME_BYTES]) {
    snprintf(out, SNAPSHOT_NAME_BYTES, "%s%020" PRIu64, name_start, index);
}

/* -- the head -------------------------------------------------------------------------------- */

/* A snapshot's head at the front of bytes. */
static enum sf_status take_head(
    struct slice bytes, uint64_t file_bytes, struct storage_snapshot *out) {
    struct snapshot_head head;
    enum sf_status status = snapshot_head_get(bytes, &head);
    if (status != SF_OK) return status;
    bool is_sane = head.place.index > 0 && head.place.term > 0 && head.place.id > 0 &&
                   head.configuration_index > 0 && head.configuration_index <= head.place.index;
    if (!is_sane) return SF_ERR_CORRUPT;
    *out = (struct storage_snapshot){.place = head.place,
        .configuration_index = head.configuration_index,
        .configuration = bytes_new(head.configuration.data, head.configuration.len)};
    out->place.bytes = file_bytes;
    return SF_OK;
}

enum sf_status snapshot_decode(struct slice file, struct storage_snapshot *out) {
    *out = (struct storage_snapshot){.configuration_index = 0};
    if (file.len < SNAPSHOT_HEAD_BYTES + SNAPSHOT_CRC_BYTES) return SF_ERR_CORRUPT;
    return crc64_more(0, file) == 0 ? take_head(file, file.len, out) : SF_ERR_CORRUPT;
}

/* -- reading --------------------------------------------------------------------------------- */

/* All of it; SF_ERR_CORRUPT: the file ends before. */
static enum sf_status read_at(
    int fd, const char *path, char *out, size_t len, uint64_t offset, struct buf *error) {
    while (len > 0) {
        ssize_t got = pread(fd, out, len, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            (void)errno_report(error, path, "read", errno);
            return SF_ERR_STORAGE;
        }
        if (got == 0) return SF_ERR_CORRUPT;
        out += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return SF_OK;
}

enum sf_status snapshot_file_head(
    int fd, const char *path, struct storage_snapshot *out, struct buf *error) {
    struct stat stat;
    *out = (struct storage_snapshot){.configuration_index = 0};
    if (fstat(fd, &stat) != 0) {
        (void)errno_report(error, path, "look at", errno);
        return SF_ERR_STORAGE;
    }
    char fixed[SNAPSHOT_HEAD_BYTES];
    enum sf_status status = read_at(fd, path, fixed, sizeof fixed, 0, error);
    size_t len = status == SF_OK ? snapshot_head_bytes(slice_of(fixed, sizeof fixed)) : 0;
    if (status == SF_OK && len == 0) status = SF_ERR_CORRUPT;
    if (status != SF_OK) return status;
    char *head = sf_alloc(len);
    status = read_at(fd, path, head, len, 0, error);
    if (status == SF_OK) status = take_head(slice_of(head, len), (uint64_t)stat.st_size, out);
    sf_free(head);
    return status;
}

/* Whether the file has its checksum: read through, a piece at a time. */
static enum sf_status check_sum(int fd, const char *path, uint64_t bytes, struct buf *error) {
    char *piece = sf_alloc(CHECK_BYTES);
    uint64_t checksum = 0, at = 0;
    enum sf_status status = SF_OK;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    while (status == SF_OK && at < bytes) {
        size_t n = (size_t)SF_MIN(bytes - at, (uint64_t)CHECK_BYTES);
        status = read_at(fd, path, piece, n, at, error);
        if (status == SF_OK) checksum = crc64_more(checksum, slice_of(piece, n));
        at += n;
    }
    sf_free(piece);
    return status == SF_OK && checksum != 0 ? SF_ERR_CORRUPT : status;
}

enum sf_status snapshot_file_check(
    const char *directory, const char *name, struct storage_snapshot *out, struct buf *error) {
    *out = (struct storage_snapshot){.configuration_index = 0};
    char *path = path_join(directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum sf_status status = SF_OK;
    if (fd < 0) {
        status = errno == ENOENT ? SF_ERR_NOT_FOUND : SF_ERR_STORAGE;
        (void)errno_report(error, path, "open", errno);
    } else {
        status = snapshot_file_head(fd, path, out, error);
        if (status == SF_OK) status = check_sum(fd, path, out->place.bytes, error);
        close(fd);
    }
    if (status == SF_ERR_CORRUPT || status == SF_ERR_INVALID)
        error_set(error, "%s %s", path,
            status == SF_ERR_CORRUPT ? "is damaged" : "was written by a newer version");
    if (status != SF_OK) storage_snapshot_clear(out);
    sf_free(path);
    return status;
}

static struct bytes *piece_of(
    int fd, const char *path, const struct raft_snapshot *place, uint64_t offset, uint64_t max) {
    struct storage_snapshot found;
    struct buf error = {0};
    struct bytes *piece = NULL;
    bool good = snapshot_file_head(fd, path, &found, &error) == SF_OK &&
                found.place.id == place->id && offset < place->bytes;
    storage_snapshot_clear(&found);
    if (good) {
        piece = bytes_new_empty((size_t)SF_MIN(max, place->bytes - offset));
        good = read_at(fd, path, piece->data, piece->len, offset, &error) == SF_OK;
    }
    if (!good) {
        bytes_unref(piece);
        piece = NULL;
    }
    buf_free(&error);
    return piece;
}

struct bytes *snapshot_file_piece(
    const char *directory, const struct raft_snapshot *place, uint64_t offset, uint64_t max_bytes) {
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(place->index, name);
    char *path = path_join(directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct bytes *piece = fd < 0 ? NULL : piece_of(fd, path, place, offset, max_bytes);
    if (fd >= 0) close(fd);
    sf_free(path);
    return piece;
}

/* -- what lies there ------------------------------------------------------------------------- */

struct listing {
    raft_index indexes[LISTED_MAX]; /* falling */
    uint32_t n;
};

static void list_one(void *context, const char *name) {
    struct listing *listing = context;
    if (strncmp(name, name_start, sizeof name_start - 1) != 0) return;
    char *end;
    raft_index index = strtoull(name + sizeof name_start - 1, &end, 10);
    char expected[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(index, expected);
    if (*end != 0 || strcmp(name, expected) != 0) return;
    if (listing->n == LISTED_MAX) { /* the oldest makes room */
        if (index < listing->indexes[LISTED_MAX - 1]) return;
        listing->n--;
    }
    uint32_t at = listing->n++;
    for (; at > 0 && listing->indexes[at - 1] < index; at--)
        listing->indexes[at] = listing->indexes[at - 1];
    listing->indexes[at] = index;
}

static void remove_named(const char *directory, const char *name) {
    char *path = path_join(directory, name);
    unlink(path);
    sf_free(path);
}

enum sf_status snapshots_find(const char *directory, raft_index log_first,
    struct storage_snapshot *out, struct buf *notice, struct buf *error) {
    struct listing listing = {.n = 0};
    *out = (struct storage_snapshot){.configuration_index = 0};
    remove_named(directory, SNAPSHOT_NEW);
    remove_named(directory, SNAPSHOT_RECEIVED);
    enum sf_status status = directory_visit(directory, list_one, &listing, error);
    if (status != SF_OK) return status;
    struct buf why = {0};
    for (uint32_t i = 0; i < listing.n; i++) {
        char name[SNAPSHOT_NAME_BYTES];
        if (listing.indexes[i] + 1 < log_first) break;
        snapshot_file_name(listing.indexes[i], name);
        status = snapshot_file_check(directory, name, out, &why);
        if (status == SF_OK && out->place.index == listing.indexes[i]) {
            if (i > 0) buf_append_slice(notice, buf_slice(&why));
            if (i > 0) buf_append_text(notice, ": an older snapshot is used");
            buf_free(&why);
            return SF_OK;
        }
        storage_snapshot_clear(out);
        if (status == SF_ERR_STORAGE || status == SF_ERR_INVALID) break;
    }
    /* a log from the beginning on needs none, unless it may be of a later version as well */
    bool needed = log_first > 1 || (status != SF_OK && status != SF_ERR_CORRUPT);
    if (!needed && status == SF_ERR_CORRUPT) {
        buf_append_slice(notice, buf_slice(&why));
        buf_append_text(notice, ": the log is run from its beginning");
    }
    if (needed) {
        buf_append_char(&why, 0);
        error_set(error,
            "%s: the log begins at entry %" PRIu64
            " and no whole snapshot reaches it (%s): " WAY_OUT,
            directory, log_first, why.len > 1 ? buf_slice(&why).data : "none is there");
        if (status != SF_ERR_STORAGE) status = SF_ERR_CORRUPT;
    }
    buf_free(&why);
    return needed ? status : SF_OK;
}

void snapshots_set_aside(const char *directory, raft_index index) {
    struct listing listing = {.n = 0};
    struct buf error = {0};
    if (directory_visit(directory, list_one, &listing, &error) != SF_OK) listing.n = 0;
    for (uint32_t i = 0; i < listing.n && listing.indexes[i] > index; i++) {
        char name[SNAPSHOT_NAME_BYTES], aside[SNAPSHOT_NAME_BYTES + sizeof set_aside];
        snapshot_file_name(listing.indexes[i], name);
        snprintf(aside, sizeof aside, "%s%s", set_aside, name);
        char *from = path_join(directory, name), *to = path_join(directory, aside);
        if (rename(from, to) != 0) unlink(from);
        sf_free(from);
        sf_free(to);
    }
    buf_free(&error);
}

void snapshot_reads_note(struct snapshot_reads *reads, raft_index index, int64_t now_ms) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < SNAPSHOT_READS_MAX; i++) {
        if (reads->items[i].index == index) {
            at = i;
            break;
        }
        if (reads->items[i].at_ms < reads->items[at].at_ms) at = i;
    }
    reads->items[at].index = index;
    reads->items[at].at_ms = now_ms;
}

static bool was_read_lately(const struct snapshot_reads *reads, raft_index index, int64_t now_ms) {
    for (uint32_t i = 0; i < SNAPSHOT_READS_MAX; i++)
        if (reads->items[i].index == index)
            return now_ms - reads->items[i].at_ms < SNAPSHOT_READ_LATELY_MS;
    return false;
}

static void remove_set_aside(void *context, const char *name) {
    if (strncmp(name, set_aside, sizeof set_aside - 1) == 0) remove_named(context, name);
}

void snapshots_tidy(const char *directory, raft_index needed_from,
    const struct snapshot_reads *reads, int64_t now_ms) {
    struct listing listing = {.n = 0};
    struct buf error = {0};
    if (directory_visit(directory, list_one, &listing, &error) != SF_OK) listing.n = 0;
    /* The one that is being sent: the oldest behind which needed_from lies. Those between it and
     * the newest may be many, each as large as the state. */
    uint32_t sent = listing.n;
    for (uint32_t i = 0; i < listing.n && needed_from != UINT64_MAX; i++) {
        if (listing.indexes[i] + 1 >= needed_from) sent = i;
    }
    for (uint32_t i = SNAPSHOTS_KEPT; i < listing.n; i++) {
        char name[SNAPSHOT_NAME_BYTES];
        if (i == sent || was_read_lately(reads, listing.indexes[i], now_ms)) continue;
        snapshot_file_name(listing.indexes[i], name);
        remove_named(directory, name);
    }
    enum sf_status status =
        directory_visit(directory, remove_set_aside, (void *)(uintptr_t)directory, &error);
    (void)status; /* what stays is tried again with the next snapshot */
    buf_free(&error);
}
