/* What the storage asks of a file system: files replaced whole or not at all, directories whose
 * names are durable, and one sealed format for the small files. */
#ifndef SF_STORAGE_FILE_H
#define SF_STORAGE_FILE_H

#include "util/buf.h"
#include "util/status.h"

/* Ends each message about files that cannot be made good here. */
#define WAY_OUT "remove the data directory and let the node join again"

/* Replaces the text of error by one line. */
void error_set(struct buf *error, const char *format, ...) SF_PRINTF(2, 3);

/* SF_ERR_NO_SPACE when the number says that there is no room now, on the disk or for one more
 * descriptor; otherwise SF_ERR_STORAGE. */
enum sf_status errno_status(int error_number);
/* Sets error to "<path>: cannot <verb>: <reason>" and returns errno_status. */
enum sf_status errno_report(
    struct buf *error, const char *path, const char *verb, int error_number);

char *path_join(const char *directory, const char *name); /* the caller frees */

/* Durable when it was not there before. */
SF_MUST_CHECK enum sf_status directory_make(const char *path, struct buf *error);
SF_MUST_CHECK enum sf_status directory_sync(const char *path, struct buf *error);
/* Removes the tree at path as far as it can be; what stays is found again at the next start. */
void directory_remove(const char *path);
uint64_t directory_bytes(const char *path); /* of the files directly in it; 0 when unreadable */
/* Calls visit for each name in the directory. */
SF_MUST_CHECK enum sf_status directory_visit(const char *path,
    void (*visit)(void *context, const char *name), void *context, struct buf *error);
bool path_exists(const char *path);

/* All of data at offset, however often the system takes only a part. */
SF_MUST_CHECK enum sf_status file_write_at(
    int fd, const char *path, struct slice data, uint64_t offset, struct buf *error);

/* Renames within the directory, durably. SF_ERR_NO_SPACE: nothing happened. SF_ERR_STORAGE:
 * unknown. */
SF_MUST_CHECK enum sf_status file_rename_durable(
    const char *directory, const char *from, const char *to, struct buf *error);

/* A sealed file: magic (4), version u32, length u64, payload, CRC32C u32 over all before it.
 * Replaced atomically: written aside, synced, renamed, directory synced.
 * SF_ERR_NO_SPACE: the old content stands. SF_ERR_STORAGE: unknown which one does. */
SF_MUST_CHECK enum sf_status sealed_write(const char *directory, const char *name,
    const char magic[4], struct slice payload, struct buf *error);
/* SF_ERR_NOT_FOUND, SF_ERR_CORRUPT, SF_ERR_STORAGE. */
SF_MUST_CHECK enum sf_status sealed_read(const char *directory, const char *name,
    const char magic[4], struct buf *payload, struct buf *error);

#endif
