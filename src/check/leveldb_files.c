/* LevelDB's files as far as their checksums (its doc/log_format.md and doc/table_format.md), so
 * that damage can be named by its offset. What is in them is read through LevelDB itself.
 *
 * Log (write-ahead logs, MANIFEST): blocks of 32 KiB; in each, records of
 *   CRC32C u32, masked, of type and data; length u16; type u8; data
 * and zeros where fewer than 7 bytes are left.
 *
 * Table: blocks, each followed by type u8 and CRC32C u32, masked, of block and type; at the end 48
 * bytes: handles (offset, size; varints) of the meta-index and the index block, zeros, magic u64.
 * The index block's values are handles of the data blocks. */
#include "check/check.h"
#include "util/codec.h"
#include "util/hash.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_BLOCK_BYTES = 32768,
    LOG_HEADER_BYTES = 7,
    LOG_TYPE_LAST = 4,
    TABLE_FOOTER_BYTES = 48,
    TABLE_TRAILER_BYTES = 5,
};
static const uint64_t table_magic = UINT64_C(0xdb4775248b80fb57);

static uint32_t masked(uint32_t crc) {
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static bool is_zero(struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] != 0) return false;
    return true;
}

/* -- logs ------------------------------------------------------------------------------------ */

/* Of the record at `at`; its bytes with header in *len. */
static const char *record_flaw(struct slice file, size_t at, size_t *len, bool *is_tail) {
    size_t block_end = SF_MIN(at - at % LOG_BLOCK_BYTES + LOG_BLOCK_BYTES, file.len);
    size_t room = block_end - at;
    bool is_last_block = block_end == file.len;
    *len = room;
    *is_tail = is_last_block;
    if (room < LOG_HEADER_BYTES) /* of a whole block: its trailer */
        return block_end % LOG_BLOCK_BYTES == 0 && is_zero(slice_of(file.data + at, room))
                   ? NULL
                   : "it ends within a record";
    const char *head = file.data + at;
    size_t size = (size_t)(uint8_t)head[4] | (size_t)(uint8_t)head[5] << 8;
    uint8_t type = (uint8_t)head[6];
    if (LOG_HEADER_BYTES + size > room) return "a record does not end where its block or file does";
    *len = LOG_HEADER_BYTES + size;
    *is_tail = is_last_block && at + *len == file.len;
    if (type == 0 || type > LOG_TYPE_LAST) return "a record of no known type";
    if (masked(crc32c(slice_of(head + 6, 1 + size))) != load_u32(head))
        return "a record with a wrong checksum";
    return NULL;
}

static const char *log_flaw(struct slice file, uint64_t *offset, bool *is_tail) {
    for (size_t at = 0, len = 0; at < file.len; at += len) {
        const char *flaw = record_flaw(file, at, &len, is_tail);
        *offset = at;
        if (flaw != NULL) return flaw;
    }
    return NULL;
}

/* -- tables ---------------------------------------------------------------------------------- */

struct handle {
    uint64_t offset, size;
};

static struct handle read_handle(struct reader *in) {
    struct handle handle = {.offset = read_varint(in)};
    handle.size = read_varint(in);
    return handle;
}

static const char *block_flaw(struct slice file, struct handle handle, uint64_t *offset) {
    *offset = handle.offset;
    if (file.len < TABLE_TRAILER_BYTES || handle.offset > file.len ||
        handle.size > file.len - TABLE_TRAILER_BYTES ||
        handle.offset > file.len - TABLE_TRAILER_BYTES - handle.size)
        return "a block beyond the end of the file";
    const char *block = file.data + handle.offset;
    size_t len = (size_t)handle.size;
    if (masked(crc32c(slice_of(block, len + 1))) != load_u32(block + len + 1))
        return "a block with a wrong checksum";
    return NULL;
}

/* The data blocks that a whole index block names. */
static const char *indexed_flaw(struct slice file, struct handle index, uint64_t *offset) {
    struct slice block = slice_of(file.data + index.offset, (size_t)index.size);
    if (file.data[index.offset + index.size] != 0) return NULL; /* compressed: none of ours */
    uint64_t restarts = block.len < 4 ? 0 : load_u32(block.data + block.len - 4);
    if (block.len < 4 || restarts > (block.len - 4) / 4)
        return "an index block that makes no sense";
    struct reader in = reader_of(slice_of(block.data, block.len - 4 - 4 * (size_t)restarts));
    while (in.rest.len > 0 && !in.failed) {
        (void)read_varint(&in); /* bytes shared with the key before */
        size_t key = (size_t)read_varint(&in), value = (size_t)read_varint(&in);
        (void)read_bytes(&in, key);
        struct reader handle = reader_of(read_bytes(&in, value));
        struct handle data = read_handle(&handle);
        if (handle.failed || in.failed) break;
        const char *flaw = block_flaw(file, data, offset);
        if (flaw != NULL) return flaw;
    }
    *offset = index.offset;
    return in.failed ? "an index block that makes no sense" : NULL;
}

static const char *table_flaw(struct slice file, uint64_t *offset) {
    *offset = 0;
    if (file.len < TABLE_FOOTER_BYTES) return "it is too short for a table";
    *offset = file.len - TABLE_FOOTER_BYTES;
    struct reader in = reader_of(slice_of(file.data + *offset, TABLE_FOOTER_BYTES));
    struct handle meta = read_handle(&in), index = read_handle(&in);
    if (in.failed || load_u64(file.data + file.len - 8) != table_magic) return "a bad footer";
    const char *flaw = block_flaw(file, meta, offset);
    if (flaw == NULL) flaw = block_flaw(file, index, offset);
    return flaw != NULL ? flaw : indexed_flaw(file, index, offset);
}

/* -------------------------------------------------------------------------------------------- */

static bool ends_with(const char *path, const char *ending) {
    size_t len = strlen(path), n = strlen(ending);
    return len >= n && strcmp(path + len - n, ending) == 0;
}

const char *leveldb_file_flaw(const char *path, uint64_t *offset, bool *is_tail) {
    *offset = 0;
    *is_tail = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat_now;
    if (fd < 0 || fstat(fd, &stat_now) != 0) {
        if (fd >= 0) close(fd);
        return "it cannot be opened";
    }
    struct slice file = slice_of(NULL, (size_t)stat_now.st_size);
    if (file.len > 0) file.data = mmap(NULL, file.len, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (file.len == 0) return ends_with(path, ".log") ? NULL : "it is empty";
    if (file.data == MAP_FAILED) return "it cannot be read";
    bool is_table = ends_with(path, ".ldb") || ends_with(path, ".sst");
    const char *flaw = is_table ? table_flaw(file, offset) : log_flaw(file, offset, is_tail);
    munmap((void *)(uintptr_t)file.data, file.len);
    return flaw;
}
