/* Who holds the data directory: asked of the kernel, since taking the lock for a moment could make
 * a server that starts in that moment refuse. */
#include "check/check.h"
#include "storage/file.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* "1: FLOCK  ADVISORY  WRITE 4711 fe:01:131079 0 EOF" */
static long holder_in(FILE *locks, const struct stat *lock) {
    char line[256], type[16];
    while (fgets(line, sizeof line, locks) != NULL) {
        long pid;
        unsigned major_number, minor_number;
        unsigned long long inode;
        int n = sscanf(line, "%*s %15s %*s %*s %ld %x:%x:%llu", type, &pid, &major_number,
            &minor_number, &inode);
        if (n != 5 || strcmp(type, "FLOCK") != 0 || inode != lock->st_ino) continue;
        if (major_number == major(lock->st_dev) && minor_number == minor(lock->st_dev)) return pid;
    }
    return 0;
}

long owner_of(const char *directory) {
    char *path = path_join(directory, "lock");
    struct stat lock;
    bool is_there = stat(path, &lock) == 0;
    sf_free(path);
    if (!is_there) return 0;
    FILE *locks = fopen("/proc/locks", "re");
    if (locks == NULL) return -1;
    long pid = holder_in(locks, &lock);
    fclose(locks);
    return pid;
}
