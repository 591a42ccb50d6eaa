#include "storage/snapshot_file.h"

#include "storage/file.h"
#include "util/codec.h"
#include "util/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT_VERSION = 1, CONFIGURATION_BYTES_MAX = 64 << 10, LISTED_MAX = 64 };

static const char magic[4] = "SFSN";
static const char name_start[] = "snapshot-", set_aside[] = "damaged-";

void storage_snapshot_clear(struct storage_snapshot *snapshot) {
    bytes_unref(snapshot->configuration);
    bytes_unref(snapshot->image);
    *snapshot = (struct storage_snapshot){.configuration_index = 0};
}

/* -- the format ------------------------------------------------------------------------------ */

uint64_t snapshot_file_bytes(const struct storage_snapshot *snapshot) {
    return SNAPSHOT_HEADER_BYTES + bytes_slice(snapshot->configuration).len +
           bytes_slice(snapshot->image).len + SNAPSHOT_CRC_BYTES;
}

void snapshot_file_name(raft_index index, char out[SNAPSHOT_NAME_BYTES]) {
    snprintf(out, SNAPSHOT_NAME_BYTES, "%s%020" PRIu64, name_start, index);
}

void snapshot_put_head(const struct storage_snapshot *snapshot, struct buf *out) {
    struct slice configuration = bytes_slice(snapshot->configuration);
    SF_ASSERT(out->len == 0 && configuration.len <= CONFIGURATION_BYTES_MAX);
    buf_append(out, magic, sizeof magic);
    put_u32(out, FORMAT_VERSION);
    put_u64(out, snapshot->place.id);
    put_u64(out, snapshot->place.index);
    put_u64(out, snapshot->place.term);
    put_u64(out, snapshot->configuration_index);
    put_u32(out, (uint32_t)configuration.len);
    put_u32(out, 0);
    put_u64(out, bytes_slice(snapshot->image).len);
    put_u32(out, crc32c(buf_slice(out)));
    SF_ASSERT(out->len == SNAPSHOT_HEADER_BYTES);
    buf_append_slice(out, configuration);
}

void snapshot_encode(const struct storage_snapshot *snapshot, struct buf *out) {
    snapshot_put_head(snapshot, out);
    buf_append_slice(out, bytes_slice(snapshot->image));
    put_u32(out, crc32c(buf_slice(out)));
}

struct header {
    struct raft_snapshot place;
    raft_index configuration_index;
    uint32_t configuration_bytes;
    uint64_t image_bytes;
};

/* file_bytes: of the whole file. */
static enum sf_status header_decode(struct slice in, uint64_t file_bytes, struct header *out) {
    if (in.len < SNAPSHOT_HEADER_BYTES || memcmp(in.data, magic, sizeof magic) != 0)
        return SF_ERR_CORRUPT;
    if (crc32c(slice_of(in.data, 56)) != load_u32(in.data + 56)) return SF_ERR_CORRUPT;
    if (load_u32(in.data + 4) != FORMAT_VERSION) return SF_ERR_INVALID;
    *out = (struct header){.place = {.index = load_u64(in.data + 16),
                               .term = load_u64(in.data + 24),
                               .id = load_u64(in.data + 8),
                               .bytes = file_bytes},
        .configuration_index = load_u64(in.data + 32),
        .configuration_bytes = load_u32(in.data + 40),
        .image_bytes = load_u64(in.data + 48)};
    uint64_t rest = file_bytes - SNAPSHOT_HEADER_BYTES;
    bool fits = out->configuration_bytes <= CONFIGURATION_BYTES_MAX &&
                rest >= out->configuration_bytes + (uint64_t)SNAPSHOT_CRC_BYTES &&
                rest - out->configuration_bytes - SNAPSHOT_CRC_BYTES == out->image_bytes;
    bool sane = out->place.index > 0 && out->place.term > 0 && out->place.id > 0 &&
                out->configuration_index > 0 && out->configuration_index <= out->place.index;
    return fits && sane ? SF_OK : SF_ERR_CORRUPT;
}

enum sf_status snapshot_decode(struct slice file, struct storage_snapshot *out) {
    struct header header;
    *out = (struct storage_snapshot){.configuration_index = 0};
    enum sf_status status = header_decode(file, file.len, &header);
    if (status != SF_OK) return status;
    size_t before = file.len - SNAPSHOT_CRC_BYTES;
    if (crc32c(slice_of(file.data, before)) != load_u32(file.data + before)) return SF_ERR_CORRUPT;
    const char *at = file.data + SNAPSHOT_HEADER_BYTES;
    *out = (struct storage_snapshot){.place = header.place,
        .configuration_index = header.configuration_index,
        .configuration = bytes_new(at, header.configuration_bytes),
        .image = bytes_new(at + header.configuration_bytes, (size_t)header.image_bytes)};
    return SF_OK;
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

static enum sf_status read_body(int fd, const char *path, const struct header *header, uint32_t crc,
    struct storage_snapshot *out, struct buf *error) {
    char stored[SNAPSHOT_CRC_BYTES];
    uint64_t at = SNAPSHOT_HEADER_BYTES;
    *out = (struct storage_snapshot){.place = header->place,
        .configuration_index = header->configuration_index,
        .configuration = bytes_new_empty(header->configuration_bytes),
        .image = bytes_new_empty((size_t)header->image_bytes)};
    struct bytes *parts[] = {out->configuration, out->image};
    for (size_t i = 0; i < SF_LENGTH(parts); i++) {
        enum sf_status status = read_at(fd, path, parts[i]->data, parts[i]->len, at, error);
        if (status != SF_OK) return status;
        crc = crc32c_more(crc, bytes_slice(parts[i]));
        at += parts[i]->len;
    }
    enum sf_status status = read_at(fd, path, stored, sizeof stored, at, error);
    if (status == SF_OK && load_u32(stored) != crc) status = SF_ERR_CORRUPT;
    return status;
}

static enum sf_status read_open_file(
    int fd, const char *path, struct storage_snapshot *out, struct buf *error) {
    char bytes[SNAPSHOT_HEADER_BYTES];
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        (void)errno_report(error, path, "look at", errno);
        return SF_ERR_STORAGE;
    }
    if (stat.st_size < SNAPSHOT_HEADER_BYTES + SNAPSHOT_CRC_BYTES) return SF_ERR_CORRUPT;
    enum sf_status status = read_at(fd, path, bytes, sizeof bytes, 0, error);
    struct header header;
    struct slice head = slice_of(bytes, sizeof bytes);
    if (status == SF_OK) status = header_decode(head, (uint64_t)stat.st_size, &header);
    if (status == SF_OK) status = read_body(fd, path, &header, crc32c(head), out, error);
    return status;
}

enum sf_status snapshot_file_read(
    const char *directory, const char *name, struct storage_snapshot *out, struct buf *error) {
    *out = (struct storage_snapshot){.configuration_index = 0};
    char *path = path_join(directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum sf_status status = SF_OK;
    if (fd < 0) {
        status = errno == ENOENT ? SF_ERR_NOT_FOUND : SF_ERR_STORAGE;
        (void)errno_report(error, path, "open", errno);
    } else {
        status = read_open_file(fd, path, out, error);
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
    char head[SNAPSHOT_HEADER_BYTES];
    struct header header;
    struct buf error = {0};
    struct bytes *piece = NULL;
    bool good = read_at(fd, path, head, sizeof head, 0, &error) == SF_OK &&
                header_decode(slice_of(head, sizeof head), place->bytes, &header) == SF_OK &&
                header.place.id == place->id && offset < place->bytes;
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
        status = snapshot_file_read(directory, name, out, &why);
        if (status == SF_OK && out->place.index == listing.indexes[i]) {
            if (i > 0) buf_append_slice(notice, buf_slice(&why));
            if (i > 0) buf_append_text(notice, ": an older snapshot is used");
            buf_free(&why);
            return SF_OK;
        }
        storage_snapshot_clear(out);
        if (status == SF_ERR_STORAGE || status == SF_ERR_INVALID) break;
    }
    bool is_replayed = log_first == 1 && status == SF_ERR_CORRUPT; /* it holds everything anew */
    bool needed = log_first > 1 || (status != SF_OK && !is_replayed);
    if (needed) {
        buf_append_char(&why, 0);
        error_set(error,
            "%s: the log begins at entry %" PRIu64
            " and no whole snapshot reaches it (%s): " WAY_OUT,
            directory, log_first, why.len > 1 ? buf_slice(&why).data : "none is there");
        if (status != SF_ERR_STORAGE) status = SF_ERR_CORRUPT;
    } else if (is_replayed) {
        buf_append_slice(notice, buf_slice(&why));
        buf_append_text(notice, ": the log is replayed from its first entry instead");
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
