/* Reading replies (RESP2 and RESP3) into a tree: for tests, the simulator's clients and tools. */
#ifndef SF_RESP_VALUE_H
#define SF_RESP_VALUE_H

#include "util/base.h"
#include "util/slice.h"
#include "util/status.h"

struct resp_value {
    char type; /* the RESP type byte: + - : $ * _ # , % ~ > ( = | ; a null bulk/array has is_null */
    bool is_null;
    struct slice text; /* + - $ , ( = : borrowed from the input */
    int64_t integer;   /* : and # */
    uint32_t n;        /* elements (2n for maps) */
    struct resp_value *elements;
};

/* Parses one reply. *consumed 0 and SF_OK: incomplete. SF_ERR_CORRUPT: malformed, or deeper than
 * 32 levels. The tree is the caller's: resp_value_free. */
SF_MUST_CHECK enum sf_status resp_value_parse(
    struct slice in, size_t *consumed, struct resp_value *out);
void resp_value_free(struct resp_value *value);

#endif
