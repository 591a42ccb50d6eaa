/* What SCAN, HSCAN, SSCAN and ZSCAN share: cursor and options. */
#ifndef SF_COMMANDS_SCAN_H
#define SF_COMMANDS_SCAN_H

#include "commands/call.h"

struct scan_options {
    uint64_t count;
    struct slice pattern; /* data NULL: any */
    struct slice type;    /* data NULL: any; SCAN only */
};

/* false: the error was replied. */
bool scan_cursor(struct call *call, struct slice text, uint64_t *cursor);
/* The options from argv[first] on. */
bool scan_options(struct call *call, uint32_t first, bool takes_type, struct scan_options *options);
bool scan_matches(const struct scan_options *options, struct slice text);

/* HSCAN, SSCAN, ZSCAN: the cursor is argv[2], the key argv[1]; *object is the collection to scan.
 * false: everything was replied. */
bool scan_begin(struct call *call, enum object_type type, struct object **object, uint64_t *cursor,
    struct scan_options *options);
/* The reply: the cursor, then an array of the n replies in found, which it frees. */
void scan_reply(struct call *call, uint64_t cursor, struct buf *found, uint64_t n);

#endif
