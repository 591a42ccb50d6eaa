/* A few MiB that are given up when the disk is full, so that what must be written still can be. */
#include "storage/threads.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { ROOM_FACTOR = 4 }; /* ample: this many times the reserve */

bool reserve_make(const char *directory) {
    struct statvfs room;
    if (statvfs(directory, &room) != 0) return false;
    if ((uint64_t)room.f_bavail * room.f_frsize < (uint64_t)RESERVE_BYTES * ROOM_FACTOR)
        return false;
    char *path = path_join(directory, "reserve");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool made = fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES) == 0;
    if (fd >= 0) close(fd);
    if (!made) unlink(path);
    sf_free(path);
    return made;
}

void reserve_free(const char *directory) {
    char *path = path_join(directory, "reserve");
    unlink(path);
    sf_free(path);
}
