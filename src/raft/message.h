/* Messages between the cores (dissertation, figures 2.1, 3.1, 4.1 and sections 4.2.3, 6.4, 9.6). */
#ifndef SF_RAFT_MESSAGE_H
#define SF_RAFT_MESSAGE_H

#include "raft/types.h"

enum raft_message_type {
    RAFT_PRE_VOTE,
    RAFT_PRE_VOTE_ANSWER,
    RAFT_VOTE,
    RAFT_VOTE_ANSWER,
    RAFT_APPEND,
    RAFT_APPEND_ANSWER,
    RAFT_HEARTBEAT,
    RAFT_HEARTBEAT_ANSWER,
    RAFT_TIMEOUT_NOW,
    RAFT_SNAPSHOT, /* a chunk (figure 5.3), or without data the question: from where on? */
    RAFT_SNAPSHOT_ANSWER,
    RAFT_MESSAGE_TYPES, /* how many */
};

/* One struct for all; a field that a type does not use is 0. */
struct raft_message {
    enum raft_message_type type;
    raft_id from, to;
    raft_term term; /* of the sender; pre-votes: the term it would stand in */

    /* PRE_VOTE, VOTE: the candidate's last entry. APPEND: the entry before entries[0]. SNAPSHOT,
     * its answer: the last entry that the snapshot covers. */
    raft_index log_index;
    raft_term log_term;

    /* APPEND, HEARTBEAT: the leader's commit index. A heartbeat's is min(commit, match): it never
     * exceeds what this follower has proven to hold. */
    raft_index commit;

    /* HEARTBEAT, its answer: the round that the answer confirms (read index, check-quorum).
     * 0: a mere commit notice, which is not answered. SNAPSHOT: the number of the leader's latest
     * question to this follower; its answer repeats it, so that late ones are known. */
    uint64_t round;
    /* TIMEOUT_NOW and the VOTE that follows it: stickiness does not apply (transfer). */
    bool transfer;

    /* answers */
    bool granted; /* votes: yes. APPEND_ANSWER: the entries matched. SNAPSHOT_ANSWER: written up to
                     offset; else: this chunk could not be taken, ask anew */
    /* APPEND_ANSWER granted, HEARTBEAT_ANSWER: synced up to here, within what this leader's appends
     * of this term proved. */
    raft_index match;
    /* APPEND_ANSWER refused: the highest place where the logs may still agree (the leader probes
     * there, having skipped by term on its side too) and the term of the follower's entry there
     * (section 3.5's conflict hint). Granted, and HEARTBEAT_ANSWER: proven up to here, though not
     * all of it synced (hint_term 0). A refusal repeats the refused log_index. */
    raft_index hint_index;
    raft_term hint_term;
    uint32_t retry_after_ms; /* vote refused for stickiness: how long it lasts at most, else 0 */
    int64_t wall_ms; /* HEARTBEAT_ANSWER: the answerer's wall clock, filled and read by the node */
    raft_index last_synced; /* HEARTBEAT_ANSWER: the answerer's last synced entry (for WAIT, lag) */
    /* HEARTBEAT_ANSWER: for so long after it heard the heartbeat the answerer gives nobody else its
     * vote, transfers aside; leases rest on it (R10). */
    uint32_t promise_ms;
    /* Answers to appends and heartbeats: the answerer's log is damaged, do not count it; a number
     * random to this start of its, so that nothing meant for an earlier one can mend it. 0: whole.
     * APPEND: the leader knows of that damage, and commit (in full, of its own term) is what the
     * follower must hold to be whole again. */
    uint64_t damage;

    /* APPEND; references are the message's. */
    struct raft_entry *entries;
    uint32_t n_entries;

    /* SNAPSHOT, its answer */
    uint64_t snapshot_id;
    uint64_t offset; /* of data in the file; answer: the receiver has everything before it */
    uint64_t snapshot_bytes; /* of the whole file */
    uint32_t crc;            /* CRC32C of data */
    struct bytes *data;      /* the message's reference; NULL: a question */
};

/* Gives back what the message holds (entries, data); the struct itself is the caller's. */
void raft_message_clear(struct raft_message *message);

/* The wire form: an array of bulk strings, decimal numbers in the order of raft/README.md; the
 * first is the type's name ("append", "heartbeat-answer" ...). */
struct buf;
void raft_message_encode(const struct raft_message *message, struct buf *out);
/* The same, but where the message ends in a payload of RAFT_LARGE_BYTES or more, that and the
 * closing
 * "\r\n" are left to the caller, so that many megabytes need not be copied: *body is borrowed. Else
 * *body is NULL and the message whole. */
#define RAFT_LARGE_BYTES (128u << 10)
void raft_message_encode_head(
    const struct raft_message *message, struct buf *out, struct bytes **body);
SF_MUST_CHECK enum sf_status raft_message_decode(
    uint32_t argc, const struct slice *argv, struct raft_message *out);
bool raft_message_is_name(struct slice name); /* whether the first argument names a Raft message */
const char *raft_message_name(enum raft_message_type type);

/* One line of text, for transcripts. */
void raft_message_describe(const struct raft_message *message, struct buf *out);

#endif
