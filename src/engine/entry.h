/* The payloads of log entries: what is said in engine/README.md, encoded and decoded.
 *
 * batch:      stamp, then sub-batches
 * stamp:      varint now_ms, u64 seed, u8 flags (1: out of memory)
 * sub-batch:  u64 node, varint counter, u64 nonce (the incarnation), varint sequence,
 *             varint n_commands, varint length of what follows, commands
 * command:    varint db, varint argc (0: void, takes its place and does nothing), argc strings;
 *             db + 2^20: varint user id, varint revision of the users stand behind it (a claim:
 *             whose command it is, where it is not the unrestricted default user's)
 * transaction: a command of our own, shardforge.exec counts watches commands; see below
 * tick:       stamp
 * incarnation: stamp, u64 node, varint counter, u64 nonce
 * eviction:   stamp, then victims: varint db, string key, varint revision
 * digest mark: stamp, varint n, n times: u64 node, u64 nonce (of its incarnation), varint number
 * dissolve:   stamp, string cluster id, string address host, varint bus port */
#ifndef SF_ENGINE_ENTRY_H
#define SF_ENGINE_ENTRY_H

#include "commands/command.h"
#include "util/codec.h"
#include "util/status.h"

#define ENTRY_BATCH_TARGET_BYTES (1u << 20) /* a batch is closed beyond this */

struct entry_stamp {
    int64_t now_ms; /* the leader's clock */
    uint64_t seed;
    bool oom;
};

struct incarnation {
    uint64_t node;    /* raft_id */
    uint64_t counter; /* the boot counter */
    uint64_t nonce;
};

static inline bool incarnation_equal(struct incarnation a, struct incarnation b) {
    return a.node == b.node && a.counter == b.counter && a.nonce == b.nonce;
}

struct sub_batch_header {
    struct incarnation origin;
    uint64_t sequence; /* 1, 2, 3 ... within the incarnation */
    uint32_t n_commands;
    struct slice commands; /* encoded commands, borrowed */
};

void entry_put_stamp(struct buf *out, const struct entry_stamp *stamp);
void entry_read_stamp(struct reader *in, struct entry_stamp *out);
/* Appends one command to a sub-batch's command bytes. */
void entry_put_command(struct buf *out, uint32_t db, uint32_t argc, const struct slice *argv);
/* The same for one that is not the unrestricted default user's. claim->id > 0. */
void entry_put_claimed_command(struct buf *out, const struct acl_claim *claim, uint32_t db,
    uint32_t argc, const struct slice *argv);
void entry_put_void_command(struct buf *out);
void entry_put_sub_batch(struct buf *out, const struct sub_batch_header *header);
void entry_put_sub_batch_head(
    struct buf *out, const struct sub_batch_header *header); /* the commands have to follow */
bool entry_read_sub_batch(struct reader *in, struct sub_batch_header *out); /* false: malformed */
void entry_put_incarnation(struct buf *out, const struct incarnation *incarnation);
void entry_read_incarnation(struct reader *in, struct incarnation *out);

/* A key that the leader chose to evict, void where its revision is another by then. */
struct entry_victim {
    uint32_t db;
    struct slice key; /* borrowed */
    uint64_t revision;
};
void entry_put_victim(struct buf *out, const struct entry_victim *victim);
bool entry_read_victim(struct reader *in, struct entry_victim *out); /* false: malformed */

/* Every node makes a digest of its state as of this entry. Who asked for it: the latest question
 * of each node; nobody where it was due. */
#define DIGEST_ASKERS_MAX 16
struct digest_mark {
    uint32_t n;
    struct digest_asker {
        uint64_t node, nonce; /* of its incarnation */
        uint64_t number;      /* of its question, and of all before */
    } askers[DIGEST_ASKERS_MAX];
};
void entry_put_digest_mark(struct buf *out, const struct digest_mark *mark);
bool entry_read_digest_mark(struct reader *in, struct digest_mark *out); /* false: malformed */

/* Commands of a sub-batch, one after another. argv's slices borrow from the entry; the array
 * belongs to the iterator. */
struct command_reader {
    struct reader in;
    uint32_t left;
    uint32_t db;
    uint32_t argc;
    struct slice *argv;
    uint32_t argv_cap;
    struct acl_claim claim; /* id 0: none */
};
void command_reader_begin(struct command_reader *reader, const struct sub_batch_header *header);
void command_reader_put(const struct command_reader *reader, struct buf *out); /* as it was read */
bool command_reader_next(
    struct command_reader *reader); /* false: none left or malformed (in.failed) */
void command_reader_free(struct command_reader *reader);

/* A transaction stands in a sub-batch as one command: the words
 *
 *   shardforge.exec
 *   varint n_watches, varint n_commands
 *   watches   { varint db, string key, varint revision }*
 *   commands  as in a sub-batch; a void one is a command that the session's own node answers
 *             when the transaction is applied there
 *
 * It runs if every watched key still has its revision, all of it or nothing. */
#define TRANSACTION_ARGC 4
#define TRANSACTION_COMMANDS_MAX (1u << 20)

struct transaction_words {
    uint32_t n_watches, n_commands;
    struct slice watches, commands; /* borrowed */
};

struct watch_words {
    uint32_t db;
    struct slice key;
    uint64_t revision; /* db_revision when it was watched */
};

/* The words of such a command; counts is filled for the first of them. */
void transaction_put(const struct transaction_words *transaction, struct buf *counts,
    struct slice argv[TRANSACTION_ARGC]);
/* Whether a command read from a sub-batch is a transaction; what is in it, not yet checked. */
bool transaction_read(uint32_t argc, const struct slice *argv, struct transaction_words *out);
void watch_put(struct buf *out, const struct watch_words *watch);
bool watch_read(struct reader *in, struct watch_words *out); /* false: malformed */
/* Its commands, one after another. */
void transaction_commands(
    const struct transaction_words *transaction, struct command_reader *reader);

/* Whether a received sub-batch is well-formed throughout (a leader checks before it proposes). */
SF_MUST_CHECK enum sf_status sub_batch_check(const struct sub_batch_header *header, uint32_t n_dbs);

#endif
