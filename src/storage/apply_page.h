/* What a node was doing when it died: one mapped page in the data directory (DESIGN 7, "An entry
 * that kills the node").
 *
 *   file "applying", 4096 bytes, numbers of this machine's byte order:
 *      0  magic u64         16  index u64        32  deaths u64
 *      8  node u64          24  died_at u64      (struct applying_note)
 *     40  check u64: a mix of the four; a note that it does not fit is none
 *
 * The thread that applies never touches the page: a store into a mapped page that is on its way to
 * the disk may wait for that disk. It leaves its note in memory; a thread of the page's own copies
 * it when an entry takes long (which also covers SIGKILL), and whoever handles a fatal signal
 * copies it then. */
#ifndef SF_STORAGE_APPLY_PAGE_H
#define SF_STORAGE_APPLY_PAGE_H

#include "raft/types.h"
#include "util/buf.h"

struct apply_page;

/* The directory must exist and be this process' own (storage_open). found: the note of the process
 * before, zeros where there is none. NULL: error has a line; the node can go on without. */
struct apply_page *apply_page_open(
    const char *directory, struct applying_note *found, struct buf *error);
void apply_page_close(struct apply_page *page); /* NULL is allowed */

/* Atomic stores, no more. */
void apply_page_note(struct apply_page *page, const struct applying_note *note);
/* Copies the latest note into the page: may be called in a signal handler. NULL is allowed. */
void apply_page_last_words(struct apply_page *page);

#endif
