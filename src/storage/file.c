#include "storage/file.h"

#include "util/codec.h"
#include "util/hash.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SEALED_VERSION = 1,
    SEALED_HEADER_BYTES = 16,
    SEALED_CRC_BYTES = 4,
    SEALED_MAX_BYTES = 64 << 20, /* far above any real one: a bound for a file that lies */
    REMOVE_DEPTH_MAX = 8,
};

void error_set(struct buf *error, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c != 0; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    buf_clear(error);
    buf_append_text(error, text);
}

enum sf_status errno_status(int error_number) {
    bool no_room = error_number == ENOSPC || error_number == EDQUOT || error_number == EMFILE ||
                   error_number == ENFILE;
    return no_room ? SF_ERR_NO_SPACE : SF_ERR_STORAGE;
}

enum sf_status errno_report(
    struct buf *error, const char *path, const char *verb, int error_number) {
    char reason[128];
    error_set(
        error, "%s: cannot %s: %s", path, verb, strerror_r(error_number, reason, sizeof reason));
    return errno_status(error_number);
}

char *path_join(const char *directory, const char *name) {
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = sf_alloc(size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

bool path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

enum sf_status directory_sync(const char *path, struct buf *error) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno_report(error, path, "open the directory", errno);
    int failed = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return failed == 0 ? SF_OK : errno_report(error, path, "sync the directory", failed);
}

static enum sf_status parent_sync(const char *path, struct buf *error) {
    char *parent = sf_strdup(path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/') len--;
    while (len > 0 && parent[len - 1] != '/') len--;
    parent[len] = 0;
    enum sf_status status = directory_sync(len == 0 ? "." : parent, error);
    sf_free(parent);
    return status;
}

enum sf_status directory_make(const char *path, struct buf *error) {
    if (mkdir(path, 0700) == 0) return parent_sync(path, error);
    return errno == EEXIST ? SF_OK : errno_report(error, path, "create the directory", errno);
}

static void remove_at(int parent, const char *name, int depth) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT || depth == REMOVE_DEPTH_MAX) return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        if (fd >= 0) close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        remove_at(dirfd(directory), entry->d_name, depth + 1);
    }
    closedir(directory);
    unlinkat(parent, name, AT_REMOVEDIR);
}

void directory_remove(const char *path) {
    remove_at(AT_FDCWD, path, 0);
}

uint64_t directory_bytes(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) return 0;
    uint64_t bytes = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat stat;
        if (fstatat(dirfd(directory), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(stat.st_mode))
            bytes += (uint64_t)stat.st_size;
    }
    closedir(directory);
    return bytes;
}

enum sf_status directory_visit(const char *path, void (*visit)(void *context, const char *name),
    void *context, struct buf *error) {
    DIR *directory = opendir(path);
    if (directory == NULL) return errno_report(error, path, "list the directory", errno);
    int failed = 0;
    for (;;) { /* an end and a failure differ in errno only, which visit may set */
        errno = 0;
        const struct dirent *entry = readdir(directory);
        failed = entry == NULL ? errno : 0;
        if (entry == NULL) break;
        if (entry->d_name[0] != '.') visit(context, entry->d_name);
    }
    closedir(directory);
    return failed == 0 ? SF_OK : errno_report(error, path, "list the directory", failed);
}

enum sf_status file_write_at(
    int fd, const char *path, struct slice data, uint64_t offset, struct buf *error) {
    while (data.len > 0) {
        ssize_t written = pwrite(fd, data.data, data.len, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return errno_report(error, path, "write", written < 0 ? errno : ENOSPC);
        data.data += written;
        data.len -= (size_t)written;
        offset += (uint64_t)written;
    }
    return SF_OK;
}

static enum sf_status write_aside(const char *path, struct slice content, struct buf *error) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno_report(error, path, "create", errno);
    enum sf_status status = file_write_at(fd, path, content, 0, error);
    if (status == SF_OK && fsync(fd) != 0) status = errno_report(error, path, "sync", errno);
    if (close(fd) != 0 && status == SF_OK) status = errno_report(error, path, "close", errno);
    return status;
}

static enum sf_status replace(const char *directory, const char *aside, const char *path,
    struct slice content, struct buf *error) {
    enum sf_status status = write_aside(aside, content, error);
    if (status == SF_OK && rename(aside, path) != 0)
        status = errno_report(error, path, "rename over it", errno);
    if (status != SF_OK) {
        unlink(aside);
        return status;
    }
    /* From here on nobody knows which content a crash would leave: never "no space". */
    return directory_sync(directory, error) == SF_OK ? SF_OK : SF_ERR_STORAGE;
}

enum sf_status file_rename_durable(
    const char *directory, const char *from, const char *to, struct buf *error) {
    char *source = path_join(directory, from), *target = path_join(directory, to);
    enum sf_status status = SF_OK;
    if (rename(source, target) != 0) status = errno_report(error, target, "rename to it", errno);
    if (status == SF_OK && directory_sync(directory, error) != SF_OK) status = SF_ERR_STORAGE;
    sf_free(source);
    sf_free(target);
    return status;
}

enum sf_status sealed_write(const char *directory, const char *name, const char magic[4],
    struct slice payload, struct buf *error) {
    struct buf content = {0};
    buf_append(&content, magic, 4);
    put_u32(&content, SEALED_VERSION);
    put_u64(&content, payload.len);
    buf_append_slice(&content, payload);
    put_u32(&content, crc32c(buf_slice(&content)));
    char aside_name[64];
    snprintf(aside_name, sizeof aside_name, "%s.new", name);
    char *path = path_join(directory, name), *aside = path_join(directory, aside_name);
    enum sf_status status = replace(directory, aside, path, buf_slice(&content), error);
    sf_free(path);
    sf_free(aside);
    buf_free(&content);
    return status;
}

static enum sf_status read_whole(const char *path, struct buf *out, struct buf *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int number = errno;
        enum sf_status status = errno_report(error, path, "open", number);
        return number == ENOENT ? SF_ERR_NOT_FOUND : status;
    }
    enum sf_status status = SF_OK;
    while (status == SF_OK && out->len <= SEALED_MAX_BYTES) {
        ssize_t got = read(fd, buf_reserve(out, 4096), 4096);
        if (got == 0) break;
        if (got > 0)
            buf_commit(out, (size_t)got);
        else if (errno != EINTR)
            status = errno_report(error, path, "read", errno);
    }
    close(fd);
    return status;
}

static enum sf_status unseal(
    const char *path, const char magic[4], struct slice content, struct buf *error) {
    const char *flaw = NULL;
    if (content.len < SEALED_HEADER_BYTES + SEALED_CRC_BYTES || memcmp(content.data, magic, 4) != 0)
        flaw = "is not such a file";
    else if (crc32c(slice_of(content.data, content.len - SEALED_CRC_BYTES)) !=
             load_u32(content.data + content.len - SEALED_CRC_BYTES))
        flaw = "has a wrong checksum";
    else if (load_u32(content.data + 4) != SEALED_VERSION)
        flaw = "was written by a newer version";
    else if (load_u64(content.data + 8) != content.len - SEALED_HEADER_BYTES - SEALED_CRC_BYTES)
        flaw = "has a wrong length";
    if (flaw == NULL) return SF_OK;
    error_set(error, "%s %s: " WAY_OUT, path, flaw);
    return SF_ERR_CORRUPT;
}

enum sf_status sealed_read(const char *directory, const char *name, const char magic[4],
    struct buf *payload, struct buf *error) {
    char *path = path_join(directory, name);
    struct buf content = {0};
    enum sf_status status = read_whole(path, &content, error);
    if (status == SF_OK) status = unseal(path, magic, buf_slice(&content), error);
    buf_clear(payload);
    if (status == SF_OK)
        buf_append(payload, buf_slice(&content).data + SEALED_HEADER_BYTES,
            content.len - SEALED_HEADER_BYTES - SEALED_CRC_BYTES);
    buf_free(&content);
    sf_free(path);
    return status;
}
