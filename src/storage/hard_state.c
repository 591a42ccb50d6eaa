/* Slots at offset 0 and at 4096 (a physical sector each, so that one torn write cannot take both);
 * in each, at its offset 0 and again at 2048, one record, little-endian:
 *
 *   0  "SFHS"             24  vote u64           56  flags u32 (1: damaged)
 *   4  version u32        32  boot counter u64   60  zero u32
 *   8  sequence u64       40  mark index u64     64  node id u64
 *  16  term u64           48  mark term u64      72  CRC32C of the 72 bytes before it u32 */
#include "storage/hard_state.h"

#include "storage/file.h"
#include "util/codec.h"
#include "util/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    RECORD_BYTES = 76,
    COPY_DISTANCE = HARD_STATE_COPY_DISTANCE,
    COPIES = 2,
    SLOT_BYTES = COPIES * COPY_DISTANCE,
    SLOTS = 2,
    RECORD_VERSION = 2,
    FLAG_DAMAGED = 1,
};
_Static_assert(SLOTS *COPIES == HARD_STATE_COPIES, "what is looked at is all there is");
_Static_assert(RECORD_BYTES <= 512, "a record fits a sector");

static void record_encode(
    char out[RECORD_BYTES], raft_id node_id, uint64_t sequence, const struct hard_state_record *r) {
    memcpy(out, "SFHS", 4);
    store_u32(out + 4, RECORD_VERSION);
    store_u64(out + 8, sequence);
    store_u64(out + 16, r->term);
    store_u64(out + 24, r->vote);
    store_u64(out + 32, r->boot_counter);
    store_u64(out + 40, r->mark_index);
    store_u64(out + 48, r->mark_term);
    store_u32(out + 56, r->damaged ? FLAG_DAMAGED : 0);
    store_u32(out + 60, 0);
    store_u64(out + 64, node_id);
    store_u32(out + 72, crc32c(slice_of(out, 72)));
}

static void slot_encode(
    char out[SLOT_BYTES], raft_id node_id, uint64_t sequence, const struct hard_state_record *r) {
    memset(out, 0, SLOT_BYTES);
    for (unsigned copy = 0; copy < COPIES; copy++)
        record_encode(out + copy * COPY_DISTANCE, node_id, sequence, r);
}

/* *owner: whose it is, where it is whole. */
static bool record_decode(
    const char in[RECORD_BYTES], raft_id *owner, uint64_t *sequence, struct hard_state_record *r) {
    if (memcmp(in, "SFHS", 4) != 0 || load_u32(in + 72) != crc32c(slice_of(in, 72))) return false;
    if (load_u32(in + 4) != RECORD_VERSION) return false;
    *owner = load_u64(in + 64);
    *sequence = load_u64(in + 8);
    *r = (struct hard_state_record){.term = load_u64(in + 16),
        .vote = load_u64(in + 24),
        .boot_counter = load_u64(in + 32),
        .mark_index = load_u64(in + 40),
        .mark_term = load_u64(in + 48),
        .damaged = (load_u32(in + 56) & FLAG_DAMAGED) != 0};
    return true;
}

enum sf_status hard_state_create(const char *directory, raft_id node_id,
    const struct hard_state_record *record, struct buf *error) {
    char *path = path_join(directory, "hard-state");
    enum sf_status status = SF_OK;
    char content[SLOTS * SLOT_BYTES];
    for (unsigned slot = 0; slot < SLOTS; slot++)
        slot_encode(content + slot * SLOT_BYTES, node_id, slot + 1, record);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        status = errno_report(error, path, "create", errno);
    } else {
        status = file_write_at(fd, path, slice_of(content, sizeof content), 0, error);
        if (status == SF_OK && fsync(fd) != 0) status = errno_report(error, path, "sync", errno);
        close(fd);
    }
    sf_free(path);
    return status;
}

/* False: the disk did not say what it holds. What lies behind the end of the file is bad. */
static bool slot_read(const struct hard_state_file *file, unsigned slot, char out[SLOT_BYTES]) {
    ssize_t got;
    do {
        got = pread(file->fd, out, SLOT_BYTES, (off_t)slot * SLOT_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) memset(out + got, 0, (size_t)(SLOT_BYTES - got));
    return got >= 0;
}

/* A slot that cannot be read may be the newer one, and hold a vote that was given: the other one
 * must not take its place as it would that of a torn write. *foreign: another node's record is
 * there. */
static enum sf_status choose_record(struct hard_state_file *file, struct hard_state_record *record,
    raft_id *foreign, struct buf *error) {
    bool found = false;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        char bytes[SLOT_BYTES];
        bool whole = false;
        if (!slot_read(file, slot, bytes)) return errno_report(error, file->path, "read", errno);
        for (unsigned copy = 0; copy < COPIES; copy++) {
            raft_id owner;
            uint64_t sequence;
            struct hard_state_record read;
            if (!record_decode(bytes + copy * COPY_DISTANCE, &owner, &sequence, &read)) continue;
            if (owner != file->node_id) *foreign = owner;
            if (owner != file->node_id) continue;
            whole = true;
            if (found && sequence < file->sequence) continue;
            found = true;
            file->slot = slot;
            file->sequence = sequence;
            *record = read;
        }
        if (!whole) file->slot_is_bad = true;
    }
    return found ? SF_OK : SF_ERR_CORRUPT;
}

static void report_bad(const struct hard_state_file *file, raft_id foreign, struct buf *error) {
    if (foreign != 0)
        error_set(error,
            "%s belongs to node %016" PRIx64 ", not to %016" PRIx64
            ": put this node's own file back, or " WAY_OUT,
            file->path, foreign, file->node_id);
    else
        error_set(error,
            "%s is missing or both of its slots are bad, so this node may have voted in a term it "
            "no longer knows: " WAY_OUT,
            file->path);
}

enum sf_status hard_state_open(const char *directory, raft_id node_id, struct hard_state_file *file,
    struct hard_state_record *record, struct buf *error) {
    *file =
        (struct hard_state_file){.node_id = node_id, .path = path_join(directory, "hard-state")};
    file->fd = open(file->path, O_RDWR | O_CLOEXEC);
    enum sf_status status = SF_OK;
    raft_id foreign = 0;
    if (file->fd < 0) {
        bool missing = errno == ENOENT;
        status = errno_report(error, file->path, "open", errno);
        if (missing) status = SF_ERR_CORRUPT;
    } else {
        status = choose_record(file, record, &foreign, error);
    }
    if (status == SF_ERR_CORRUPT) report_bad(file, foreign, error);
    if (status != SF_OK) hard_state_close(file);
    return status;
}

enum sf_status hard_state_write(
    struct hard_state_file *file, const struct hard_state_record *record, struct buf *error) {
    char bytes[SLOT_BYTES];
    unsigned slot = (file->slot + 1) % SLOTS;
    slot_encode(bytes, file->node_id, file->sequence + 1, record);
    enum sf_status status = file_write_at(
        file->fd, file->path, slice_of(bytes, sizeof bytes), (uint64_t)slot * SLOT_BYTES, error);
    if (status == SF_OK && fdatasync(file->fd) != 0)
        status = errno_report(error, file->path, "sync", errno);
    if (status != SF_OK) return status;
    file->slot = slot;
    file->sequence++;
    return SF_OK;
}

enum sf_status hard_state_look(
    const char *directory, raft_id node_id, struct hard_state_view *view, struct buf *error) {
    *view = (struct hard_state_view){.newest = 0};
    struct hard_state_file file = {.path = path_join(directory, "hard-state")};
    file.fd = open(file.path, O_RDONLY | O_CLOEXEC);
    enum sf_status status = SF_OK;
    if (file.fd < 0) {
        bool missing = errno == ENOENT;
        status = errno_report(error, file.path, "open", errno);
        if (missing) error_set(error, "%s is missing: " WAY_OUT, file.path);
        if (missing) status = SF_ERR_CORRUPT;
    }
    for (unsigned slot = 0; slot < SLOTS && status == SF_OK; slot++) {
        char bytes[SLOT_BYTES];
        if (!slot_read(&file, slot, bytes)) status = errno_report(error, file.path, "read", errno);
        for (unsigned copy = 0; copy < COPIES && status == SF_OK; copy++) {
            unsigned at = slot * COPIES + copy;
            raft_id owner;
            bool is_whole = record_decode(bytes + copy * COPY_DISTANCE, &owner,
                &view->copies[at].sequence, &view->copies[at].record);
            view->copies[at].is_whole = is_whole && owner == node_id;
            if (view->copies[at].is_whole &&
                view->copies[at].sequence > view->copies[view->newest].sequence)
                view->newest = at;
        }
    }
    hard_state_close(&file);
    return status;
}

void hard_state_close(struct hard_state_file *file) {
    if (file->path != NULL && file->fd >= 0) close(file->fd);
    sf_free(file->path);
    *file = (struct hard_state_file){.fd = -1};
}
