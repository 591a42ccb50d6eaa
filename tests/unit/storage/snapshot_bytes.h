/* A snapshot's file around any bytes. */
#ifndef SF_TESTS_UNIT_STORAGE_SNAPSHOT_BYTES_H
#define SF_TESTS_UNIT_STORAGE_SNAPSHOT_BYTES_H

#include "storage/snapshot_file.h"
#include "util/codec.h"
#include "util/crc64.h"

struct snapshot_content {
    struct raft_snapshot place; /* bytes: of the file, once it was made */
    struct buf file;
};

static inline struct snapshot_content snapshot_content_of(
    raft_index index, raft_term term, uint64_t id, struct slice state) {
    struct snapshot_content content = {.place = {.index = index, .term = term, .id = id}};
    const struct snapshot_head head = {
        .place = content.place, .configuration_index = 1, .configuration = SLICE("members")};
    snapshot_head_put(&head, &content.file);
    buf_append_slice(&content.file, state);
    put_u64(&content.file, crc64_more(0, buf_slice(&content.file)));
    content.place.bytes = content.file.len;
    return content;
}

/* The state in a file so made. */
static inline struct slice snapshot_content_state(struct slice file) {
    size_t head = SNAPSHOT_HEAD_BYTES + 7;
    return slice_of(file.data + head, file.len - head - SNAPSHOT_CRC_BYTES);
}

#endif
