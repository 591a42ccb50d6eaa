/* One log entry as LevelDB holds it.
 *
 *   key    index, 8 bytes, big-endian (so that LevelDB's byte order is the log's)
 *   value  0  format version u8 (2)
 *          1  kind u8
 *          2  term u64, little-endian
 *         10  term u64 of the entry before (0: none)
 *         18  payload
 *        end  CRC32C u32, little-endian, of the key and all of the value before it
 *
 * The term before chains the entries: where a write that replaced entries is lost and a later one
 * is there, indexes and terms alone would look right (an entry is (index, term): dissertation,
 * figure 3.2, "Log Matching"). */
#ifndef SF_STORAGE_ENTRY_RECORD_H
#define SF_STORAGE_ENTRY_RECORD_H

#include "raft/types.h"
#include "util/buf.h"

enum { ENTRY_KEY_BYTES = 8, ENTRY_OVERHEAD_BYTES = 22 };

void entry_key(raft_index index, char out[ENTRY_KEY_BYTES]);
bool entry_key_decode(struct slice key, raft_index *index);

/* Replaces the content of out. */
void entry_value_encode(const struct raft_entry *entry, raft_term previous_term, struct buf *out);

struct entry_view {
    raft_term term, previous_term;
    uint8_t kind;
    struct slice payload; /* borrowed from the value */
};
/* SF_ERR_CORRUPT: too short or a wrong checksum. SF_ERR_INVALID: whole, of an unknown format. */
SF_MUST_CHECK enum sf_status entry_value_decode(
    raft_index index, struct slice value, struct entry_view *out);

#endif
