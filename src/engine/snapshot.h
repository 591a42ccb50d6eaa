/* Snapshots of the state: files that a Redis loads as they are, from which an engine is made that
 * has the same digest. Written and read in slices; the bytes are drawn in README.md. */
#ifndef SF_ENGINE_SNAPSHOT_H
#define SF_ENGINE_SNAPSHOT_H

#include "engine/engine.h"
#include "raft/snapshot_head.h"

/* -- writing --------------------------------------------------------------------------------- */

struct snapshot_writer;

/* Of the state at engine_applied, between two entries. The engine may go on; it must not be freed
 * before the writer.
 * head       whose state it is, copied; place.index is engine_applied (asserted). NULL: nobody's,
 *            just a dump for others: keys and functions, no word of our own.
 * Returns    NULL: too many walks are open; later, then. */
struct snapshot_writer *snapshot_writer_new(
    struct engine *engine, const struct snapshot_head *head, bool compresses);
void snapshot_writer_free(struct snapshot_writer *writer); /* at any time */
/* Appends what comes next, about budget units of work (a key, an element, 64 bytes); true: that
 * was all. The bytes may be taken away between two calls. */
bool snapshot_write_some(struct snapshot_writer *writer, struct buf *out, uint64_t budget);

struct snapshot_writing {
    uint64_t bytes;                 /* written so far */
    uint64_t keys_done, keys_total; /* of all dbs */
    size_t kept_bytes;              /* what the state keeps for this writer alone */
};
void snapshot_writer_figures(const struct snapshot_writer *writer, struct snapshot_writing *out);

/* -- loading --------------------------------------------------------------------------------- */

struct snapshot_loader;

/* Into an engine as new, which must not be used before SNAPSHOT_LOADED. file_bytes: of the file,
 * about (a limit to what is believed of it). */
struct snapshot_loader *snapshot_loader_new(struct engine *engine, uint64_t file_bytes);
void snapshot_loader_free(struct snapshot_loader *loader); /* the engine stays the caller's */

enum snapshot_loading {
    SNAPSHOT_GOES_ON, /* the next bytes, please */
    SNAPSHOT_LOADED,
    SNAPSHOT_FAILED, /* these bytes are no snapshot that this build can load; the engine is of no
                        use any more */
};
/* Takes the next bytes of the file: as much work as there are bytes. After another word than
 * SNAPSHOT_GOES_ON it must not be called again. */
SF_MUST_CHECK enum snapshot_loading snapshot_load(
    struct snapshot_loader *loader, struct slice bytes);
const char *snapshot_load_why(const struct snapshot_loader *loader); /* of a failure, in words */
uint64_t snapshot_load_keys(const struct snapshot_loader *loader);   /* loaded so far */

#endif
