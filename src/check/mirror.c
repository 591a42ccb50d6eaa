#include "check/check.h"
#include "storage/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, DEPTH_MAX = 3 };

struct mirroring {
    const char *from, *to;
    int depth;
    struct buf *error;
    bool is_ok;
};

static void make_tree(struct mirroring *mirroring);

static bool begins(const char *name, const char *start) {
    return strncmp(name, start, strlen(start)) == 0;
}

/* What a start looks at. All else stays out: the lock and the reserve, LevelDB's own logs, what a
 * crash left unfinished, and whatever somebody put there. */
static bool is_part(const char *name, int depth) {
    if (depth == 0)
        return strcmp(name, "identity") == 0 || begins(name, "node-") || begins(name, "new-");
    if (depth == 1)
        return strcmp(name, "hard-state") == 0 || strcmp(name, "generations") == 0 ||
               begins(name, "log-") || begins(name, "snapshot-");
    return !begins(name, "LOG") && strcmp(name, "LOCK") != 0;
}

/* Read, renamed over or unlinked by a start, never opened for writing. A link is not enough for any
 * other file: what a crash left (generations.new, a MANIFEST that nothing names) is opened and
 * emptied under the very name that it has. */
static bool may_be_a_link(const char *name) {
    return begins(name, "snapshot-");
}

/* How much was copied; < 0: failed. */
static ssize_t copy_some(int in, int out, char *bytes) {
    ssize_t got = read(in, bytes, PIECE_BYTES);
    for (ssize_t done = 0; done < got;) {
        ssize_t written = write(out, bytes + done, (size_t)(got - done));
        if (written <= 0) return -1;
        done += written;
    }
    return got;
}

static bool copy_file(const char *from, const char *to, struct buf *error) {
    char *bytes = sf_alloc(PIECE_BYTES);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_gone = in < 0 && errno == ENOENT; /* meanwhile: as if it had not been there */
    ssize_t got = out < 0 ? -1 : 1;
    while (got > 0) got = copy_some(in, out, bytes);
    bool is_ok = got == 0 || is_gone;
    if (!is_ok) (void)errno_report(error, from, "copy", errno);
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    sf_free(bytes);
    return is_ok;
}

static void mirror_one(void *context, const char *name) {
    struct mirroring *mirroring = context;
    if (!mirroring->is_ok || !is_part(name, mirroring->depth)) return;
    char *from = path_join(mirroring->from, name), *to = path_join(mirroring->to, name);
    struct stat stat_now;
    if (stat(from, &stat_now) != 0) {
        /* gone meanwhile, or a link to nowhere: as if it had not been there */
    } else if (S_ISDIR(stat_now.st_mode)) {
        struct mirroring inner = {
            .from = from, .to = to, .depth = mirroring->depth + 1, .error = mirroring->error};
        make_tree(&inner);
        mirroring->is_ok = inner.is_ok;
    } else if (!may_be_a_link(name)) {
        mirroring->is_ok = copy_file(from, to, mirroring->error);
    } else if (symlink(from, to) != 0) {
        (void)errno_report(mirroring->error, to, "make a symbolic link", errno);
        mirroring->is_ok = false;
    }
    sf_free(from);
    sf_free(to);
}

static void make_tree(struct mirroring *mirroring) {
    mirroring->is_ok = true;
    if (mirroring->depth > DEPTH_MAX) return; /* nothing of ours lies that deep */
    if (mirroring->depth > 0 && mkdir(mirroring->to, 0700) != 0) {
        (void)errno_report(mirroring->error, mirroring->to, "create the directory", errno);
        mirroring->is_ok = false;
        return;
    }
    if (directory_visit(mirroring->from, mirror_one, mirroring, mirroring->error) != SF_OK)
        mirroring->is_ok = false;
}

char *mirror_make(const char *scratch, const char *directory, struct buf *error) {
    char *whole = realpath(directory, NULL); /* the links must lead there from elsewhere */
    if (whole == NULL) {
        (void)errno_report(error, directory, "open the directory", errno);
        return NULL;
    }
    char *mirror = path_join(scratch, "shardforge-check-XXXXXX");
    struct mirroring mirroring = {.from = whole, .to = mirror, .error = error};
    if (mkdtemp(mirror) == NULL) {
        (void)errno_report(error, scratch, "make a directory for scratch files there", errno);
    } else {
        make_tree(&mirroring);
        if (!mirroring.is_ok) directory_remove(mirror);
    }
    free(whole);
    if (mirroring.is_ok) return mirror;
    sf_free(mirror);
    return NULL;
}

void mirror_remove(char *mirror) {
    if (mirror != NULL) directory_remove(mirror);
    sf_free(mirror);
}
