#include "raft/types.h"

#include "util/buf.h"
#include "util/codec.h"
#include "util/hash.h"

uint32_t raft_entry_crc(const struct raft_entry *entry) {
    struct buf head = {0};
    for (int shift = 56; shift >= 0; shift -= 8) put_u8(&head, (uint8_t)(entry->index >> shift));
    put_u8(&head, RAFT_ENTRY_FORMAT);
    put_u8(&head, entry->kind);
    put_u64(&head, entry->term);
    uint32_t crc = crc32c_more(crc32c(buf_slice(&head)), bytes_slice(entry->payload));
    buf_free(&head);
    return crc;
}
