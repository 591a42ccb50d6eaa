#include "storage/identity.h"

#include "storage/file.h"
#include "util/codec.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static const char identity_magic[4] = "SFID";

static void report_busy(int fd, const char *directory, struct buf *error) {
    char pid[24] = "";
    ssize_t got = pread(fd, pid, sizeof pid - 1, 0);
    pid[got > 0 ? got : 0] = 0;
    pid[strspn(pid, "0123456789")] = 0;
    error_set(error, "%s: in use by process %s: stop it, or name another directory", directory,
        pid[0] != 0 ? pid : "(unknown)");
}

enum sf_status directory_lock(const char *directory, int *fd, struct buf *error) {
    char *path = path_join(directory, "lock");
    enum sf_status status = SF_OK;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        status = errno_report(error, path, "open", errno);
    } else if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        report_busy(*fd, directory, error);
        status = SF_ERR_BUSY;
    } else {
        /* The number only helps a person: a full disk must not keep the node from starting. */
        char pid[24];
        int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
        if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)len, 0) != len) (void)0;
    }
    if (status != SF_OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    sf_free(path);
    return status;
}

enum sf_status identity_load(
    const char *directory, raft_id *node_id, struct buf *blob, struct buf *error) {
    struct buf payload = {0};
    enum sf_status status = sealed_read(directory, "identity", identity_magic, &payload, error);
    if (status == SF_OK) {
        struct reader in = reader_of(buf_slice(&payload));
        *node_id = read_u64(&in);
        buf_clear(blob);
        buf_append_slice(blob, in.rest);
        if (in.failed || *node_id == 0) {
            error_set(error, "%s/identity names no node: " WAY_OUT, directory);
            status = SF_ERR_CORRUPT;
        }
    }
    buf_free(&payload);
    return status;
}

enum sf_status identity_store(
    const char *directory, raft_id node_id, struct slice blob, struct buf *error) {
    struct buf payload = {0};
    put_u64(&payload, node_id);
    buf_append_slice(&payload, blob);
    enum sf_status status =
        sealed_write(directory, "identity", identity_magic, buf_slice(&payload), error);
    buf_free(&payload);
    return status;
}

static char *directory_of(const char *directory, const char *prefix, raft_id node_id) {
    char name[32];
    snprintf(name, sizeof name, "%s%016" PRIx64, prefix, node_id);
    return path_join(directory, name);
}

char *node_directory(const char *directory, raft_id node_id) {
    return directory_of(directory, "node-", node_id);
}

char *node_directory_new(const char *directory, raft_id node_id) {
    return directory_of(directory, "new-", node_id);
}

enum sf_status node_directory_settle(const char *directory, raft_id node_id, struct buf *error) {
    char *from = node_directory_new(directory, node_id), *to = node_directory(directory, node_id);
    enum sf_status status = SF_OK;
    if (rename(from, to) != 0) status = errno_report(error, from, "rename", errno);
    if (status == SF_OK) status = directory_sync(directory, error);
    sf_free(from);
    sf_free(to);
    return status;
}

struct cleaning {
    const char *directory;
    char keep[32];
    bool stray_node; /* a node's directory although there is no identity */
};

static void clean_one(void *context, const char *name) {
    struct cleaning *cleaning = context;
    bool is_node = strncmp(name, "node-", 5) == 0;
    if ((!is_node && strncmp(name, "new-", 4) != 0) || strcmp(name, cleaning->keep) == 0) return;
    if (is_node && cleaning->keep[0] == 0) {
        cleaning->stray_node = true;
        return;
    }
    char *path = path_join(cleaning->directory, name);
    directory_remove(path);
    sf_free(path);
}

enum sf_status node_directories_clean(const char *directory, raft_id node_id, struct buf *error) {
    struct cleaning cleaning = {.directory = directory};
    if (node_id != 0) snprintf(cleaning.keep, sizeof cleaning.keep, "node-%016" PRIx64, node_id);
    enum sf_status status = directory_visit(directory, clean_one, &cleaning, error);
    if (status != SF_OK || !cleaning.stray_node) return status;
    error_set(error,
        "%s/identity is missing, but a node's log is there: restore the file, or " WAY_OUT,
        directory);
    return SF_ERR_CORRUPT;
}
