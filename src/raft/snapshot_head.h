/* What stands at the front of a snapshot's file: whose state it is. The rest of the file is the
 * state machine's (engine/README.md); the whole is a dump that a Redis loads, and this is its
 * header and its first AUX field.
 *
 *    0  "REDIS0010"
 *    9  0xfa, 0x0a "shardforge", 0x80, u32 big-endian: bytes from here to the field's end
 *   26  format version u32 (1)
 *   30  id u64
 *   38  index u64, 46 term u64      of the last entry that it covers
 *   54  configuration index u64
 *   62  configuration length u32
 *   66  CRC32C u32 of what is before it and of the configuration
 *   70  configuration (an entry's payload)
 *
 * Little-endian but where it says otherwise. The file ends with a CRC-64 of all before it
 * (util/crc64.h). */
#ifndef SF_RAFT_SNAPSHOT_HEAD_H
#define SF_RAFT_SNAPSHOT_HEAD_H

#include "raft/types.h"
#include "util/buf.h"

#define SNAPSHOT_HEAD_BYTES 70                       /* without the configuration */
#define SNAPSHOT_CONFIGURATION_BYTES_MAX (64u << 10) /* more than any has */
#define SNAPSHOT_FIELD "shardforge"
#define SNAPSHOT_FIELD_AT 26 /* where the field's text begins */
#define SNAPSHOT_FORMAT 1

struct snapshot_head {
    struct raft_snapshot place; /* bytes: not in the head */
    raft_index configuration_index;
    struct slice configuration; /* borrowed */
};

void snapshot_head_put(const struct snapshot_head *head, struct buf *out);
/* How long the whole head is, by the first SNAPSHOT_HEAD_BYTES of a file; 0: it is none. */
size_t snapshot_head_bytes(struct slice fixed);
/* From the front of bytes. SF_ERR_CORRUPT: damaged, or no snapshot; SF_ERR_INVALID: of an unknown
 * format. */
SF_MUST_CHECK enum sf_status snapshot_head_get(struct slice bytes, struct snapshot_head *out);

#endif
