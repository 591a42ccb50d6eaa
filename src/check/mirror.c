#include "check/check.h"
#include "storage/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_MAX_BYTES = 1 << 20, DEPTH_MAX = 3 };

struct mirroring {
    const char *from, *to;
    int depth;
    struct buf *error;
    bool is_ok;
};

static void make_tree(struct mirroring *mirroring);

/* What is written while it is open: the server's own files and what LevelDB makes anew. */
static bool is_left_out(const char *name) {
    static const char *const names[] = {"lock", "LOCK", "LOG", "LOG.old", "reserve", "applying"};
    for (size_t i = 0; i < SF_LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

/* Only these are written into where they are; everything else is replaced or removed by name. */
static bool must_be_copied(const char *name) {
    return strcmp(name, "hard-state") == 0;
}

static bool copy_small(const char *from, const char *to, struct buf *error) {
    char *bytes = sf_alloc(COPY_MAX_BYTES);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t got = out < 0 ? -1 : read(in, bytes, COPY_MAX_BYTES);
    bool is_ok = got >= 0 && write(out, bytes, (size_t)got) == got;
    if (!is_ok) (void)errno_report(error, from, "copy", errno);
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    sf_free(bytes);
    return is_ok;
}

static void mirror_one(void *context, const char *name) {
    struct mirroring *mirroring = context;
    if (!mirroring->is_ok || is_left_out(name)) return;
    char *from = path_join(mirroring->from, name), *to = path_join(mirroring->to, name);
    struct stat stat_now;
    if (stat(from, &stat_now) != 0) {
        /* gone meanwhile, or a link to nowhere: as if it had not been there */
    } else if (S_ISDIR(stat_now.st_mode)) {
        struct mirroring inner = {
            .from = from, .to = to, .depth = mirroring->depth + 1, .error = mirroring->error};
        make_tree(&inner);
        mirroring->is_ok = inner.is_ok;
    } else if (must_be_copied(name)) {
        mirroring->is_ok = copy_small(from, to, mirroring->error);
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
