/* RESP replies, values to bytes, for both protocol versions. */
#ifndef SF_RESP_REPLY_H
#define SF_RESP_REPLY_H

#include "util/base.h"
#include "util/buf.h"
#include "util/slice.h"

/* Where replies go. out NULL: every call is a no-op (a replica applying for another node). */
struct reply {
    struct buf *out; /* borrowed; appended to */
    uint8_t proto;   /* 2 or 3 */
};

/* +OK and -ERR ...: CR and LF at the end of text are dropped, within it they become spaces. An
 * error begins with its code ("ERR ...", "WRONGTYPE ..."), without the "-". */
void reply_status(struct reply *reply, const char *text);
void reply_error(struct reply *reply, const char *text);
void reply_errorf(struct reply *reply, const char *format, ...) SF_PRINTF(2, 3);
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, struct slice bytes);
void reply_bulk_text(struct reply *reply, const char *text);
void reply_bulk_integer(struct reply *reply, int64_t value); /* the number as a bulk string */
void reply_null(struct reply *reply);                        /* $-1 or _ */
void reply_null_array(struct reply *reply);                  /* *-1 or _ */
void reply_bool(struct reply *reply, bool value);            /* :1 or #t */
void reply_double(struct reply *reply, double value);        /* bulk or ,1.5 (shortest form) */
void reply_digits(struct reply *reply, struct slice digits); /* the same, printed already */
void reply_verbatim(struct reply *reply, const char format[4], struct slice text); /* "txt" */
void reply_big_number(struct reply *reply, struct slice digits); /* a bulk in RESP2 */
void reply_array(struct reply *reply, uint64_t n);
void reply_map(struct reply *reply, uint64_t n_pairs); /* array of 2n in RESP2 */
void reply_set(struct reply *reply, uint64_t n);
void reply_push(struct reply *reply, uint64_t n); /* an array in RESP2 */
/* Nothing in RESP2, where the caller must leave out the pairs too. */
void reply_attribute(struct reply *reply, uint64_t n_pairs);

/* Arrays whose length is known only at the end; may be nested. out is not consumed in between. */
enum reply_aggregate { REPLY_ARRAY, REPLY_MAP, REPLY_SET };
struct reply_open {
    size_t at; /* offset of the content within out */
};
struct reply_open reply_begin(struct reply *reply);
/* Puts the header in front of what was written since: moves it once. n as for reply_array,
 * reply_map (pairs), reply_set. */
void reply_end(struct reply *reply, struct reply_open open, enum reply_aggregate kind, uint64_t n);

/* Appends one complete multibulk request (for messages between nodes and for tests). */
void resp_write_command(struct buf *out, uint32_t argc, const struct slice *argv);

#endif
