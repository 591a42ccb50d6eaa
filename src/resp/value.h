/* Reading replies (RESP2 and RESP3) into a tree: for tests, the simulator's clients and tools. */
#ifndef SF_RESP_VALUE_H
#define SF_RESP_VALUE_H

#include "util/base.h"
#include "util/slice.h"
#include "util/status.h"

struct resp_value {
    char type;         /* the RESP type byte: + - : $ * _ # , % ~ > ( = ! | */
    bool is_null;      /* "_", "$-1", "*-1" */
    struct slice text; /* + - : $ , ( = ! : borrowed from the input; = with its "txt:" in front */
    int64_t integer;   /* : and # */
    uint32_t n;        /* elements (2n for maps and attributes) */
    struct resp_value *elements;
};

/* Parses one reply. *consumed 0 and SF_OK: incomplete, and *out is empty. SF_ERR_CORRUPT:
 * malformed, or deeper than 32 levels. The tree is the caller's: resp_value_free. Memory is in
 * proportion to the input, whatever lengths it claims. An attribute at the top is a value of its
 * own, the reply it belongs to follows; one within another value is left out of the tree. */
SF_MUST_CHECK enum sf_status resp_value_parse(
    struct slice in, size_t *consumed, struct resp_value *out);
void resp_value_free(struct resp_value *value); /* leaves an empty value; may be called twice */

#endif
