/* What DUMP replies and RESTORE takes: one value with version and checksum. */
#ifndef SF_RDB_PAYLOAD_H
#define SF_RDB_PAYLOAD_H

#include "rdb/value.h"

void rdb_payload_write(const struct rdb_value *value, struct buf *out);

/* Whether version and checksum are right; the rest may still be anything. */
bool rdb_payload_check(struct slice payload);
/* The value of a payload that passed that check, into reader->value; its text is borrowed from
 * payload and reader. What stands behind the value is ignored, as Redis does. Otherwise what
 * rdb_input says, SF_ERR_CORRUPT too where it is cut off or empty. */
SF_MUST_CHECK enum sf_status rdb_payload_read(
    struct slice payload, struct rdb_value_reader *reader);

#endif
