/* What a dialled peer answers, read by hiredis: arrays of bulk strings, or an error reply. */
#ifndef SF_NET_LINK_READER_H
#define SF_NET_LINK_READER_H

#include "util/base.h"
#include "util/slice.h"
#include "util/status.h"

struct link_reader;

struct link_reader *link_reader_new(void);
void link_reader_free(struct link_reader *reader);

/* Gives bytes; then link_reader_next until it says that it needs more. limit_bytes bounds the
 * message under way: its text and the room for its arguments. */
void link_reader_feed(struct link_reader *reader, struct slice bytes, uint64_t limit_bytes);

/* The next message. SF_OK with argc > 0: argv is borrowed until the next call; an error reply comes
 * as "error", text. SF_OK with argc 0: more bytes are needed. SF_ERR_TOO_LARGE, SF_ERR_CORRUPT: the
 * stream cannot be read on. */
SF_MUST_CHECK enum sf_status link_reader_next(
    struct link_reader *reader, uint32_t *argc, const struct slice **argv);

#endif
