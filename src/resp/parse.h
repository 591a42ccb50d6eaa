/* RESP requests, bytes to arguments: multibulk and inline, as Redis 7.2 reads them.
 *
 * Incremental: may be called again with more bytes behind the same ones, and never looks at a byte
 * twice in the long run (a request that comes byte by byte costs O(n)). However the bytes were cut,
 * the outcomes are the same. */
#ifndef SF_RESP_PARSE_H
#define SF_RESP_PARSE_H

#include "util/base.h"
#include "util/buf.h"
#include "util/slice.h"

struct resp_limits {
    uint64_t inline_bytes;   /* 64 KiB in Redis, for count lines too: "too big inline request" */
    uint64_t multibulk_args; /* INT_MAX in Redis 7 (10 before authentication) */
    uint64_t bulk_bytes;     /* proto-max-bulk-len (16 KiB before authentication) */
    uint64_t request_bytes;  /* max-request-bytes: the whole request */
    bool authenticated;      /* the limits' error texts differ before AUTH */
};

#define RESP_INLINE_BYTES (64u * 1024)
#define RESP_ARGS_UNAUTHENTICATED 10
#define RESP_BULK_BYTES_UNAUTHENTICATED 16384

enum resp_parsed {
    RESP_COMMAND,    /* argc, argv are set; consumed says how many bytes it took */
    RESP_EMPTY,      /* an empty request (*0, blank line), or the end of one that was skipped:
                        consumed bytes, no reply */
    RESP_INCOMPLETE, /* more bytes are needed (consumed is above 0 only while skipping) */
    RESP_TOO_LARGE,  /* a request beyond request_bytes is being skipped: reply `error`, call again;
                        the stream stays in step (returned once, as soon as it is known) */
    RESP_BROKEN,     /* reply `error` (without "-" and CRLF), then close; stays so */
};

struct resp_parser; /* one a connection */

struct resp_parser *resp_parser_new(void);
void resp_parser_free(struct resp_parser *parser); /* NULL is allowed */

/* Parses the next request at the front of in.
 * limits   inline_bytes at least 64 (asserted); a change holds from the next count line on.
 * in       all unconsumed bytes of the connection; the same bytes and more at each call until
 *          consumed (they may have moved). The caller drops *consumed bytes after each call,
 *          whatever the outcome, and calls again until RESP_INCOMPLETE or RESP_BROKEN.
 * argv     set on RESP_COMMAND, argc is at least 1; slices borrow from in (or from the parser for
 *          quoted inline arguments), valid until the next call.
 * error    set on RESP_BROKEN and RESP_TOO_LARGE: Redis's text, "ERR Protocol error: ..." . Valid
 *          until the next call. */
enum resp_parsed resp_parse_command(struct resp_parser *parser, const struct resp_limits *limits,
    struct slice in, size_t *consumed, uint32_t *argc, const struct slice **argv,
    const char **error);

/* Bytes that the pending request still needs at least, 0 when unknown (a line without its end, a
 * request being skipped): how much to read next. Below request_bytes, but only claimed by the
 * client: grow the buffer as they come. */
size_t resp_parser_wants(const struct resp_parser *parser);

#endif
