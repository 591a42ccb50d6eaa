/* XREAD and XREADGROUP in three steps, so that who waits can repeat the last one.
 *
 *   stream_read_parse     the options; looks at no key
 *   stream_read_resolve   "$" becomes the stream's last id, groups must be there
 *   stream_read_try       replies with what there is, or does nothing at all
 *
 * Functions that return false have replied with the error, except stream_read_try. */
#ifndef SF_COMMANDS_STREAM_READ_H
#define SF_COMMANDS_STREAM_READ_H

#include "commands/stream.h"

struct stream_read {
    bool is_group, no_ack;
    struct slice group, consumer; /* is_group; borrowed from argv */
    uint64_t count;               /* entries of each stream at most; 0: no limit */
    bool blocks;                  /* BLOCK was given */
    int64_t block_ms;             /* then; 0: without end */
    uint32_t first_key;           /* in argv; as many ids stand behind as keys */
    uint32_t n_streams;
    struct stream_id *after; /* [n_streams], from stream_read_resolve: entries above these ... */
    bool *is_new;            /* ... except where XREADGROUP has ">": never given out before */
};

/* Frees what resolve made; what parse made needs none. */
void stream_read_free(struct stream_read *read);

bool stream_read_parse(struct call *call, struct stream_read *read);
bool stream_read_resolve(struct call *call, struct stream_read *read);
/* true: replied. false: no stream has anything; nothing was replied, and a group's consumer was
 * noted. May be called again in a later call with the same argv: a stream that is no more, or a
 * group, counts as one without anything. */
bool stream_read_try(struct call *call, const struct stream_read *read);

#endif
