/* The consensus core: one node's Raft, without I/O, clock or chance of its own.
 *
 * Events go in (raft_step_*, each with the boot-time clock in microseconds), effects come out
 * (raft_ready). What must wait for the disk waits in here: a message that depends on unsynced bytes
 * is not handed out before the storage answer that covers it was stepped in (invariant R8). So the
 * shell sends whatever it is given, at once, and may lose, double or delay any of it.
 *
 * now_us of a message is read from the clock after the message was read from its socket: promises
 * to leaders count from it (R10).
 *
 * The shell's turn:  step*, ..., raft_ready, carry out all of it, repeat while there is some. */
#ifndef SF_RAFT_RAFT_H
#define SF_RAFT_RAFT_H

#include "raft/configuration.h"
#include "raft/message.h"
#include "raft/types.h"
#include "util/random.h"

/* No promise, and so no lease, is longer, whatever the election timeouts are (README). */
#define RAFT_LEASE_MAX_MS 150

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

struct raft_settings { /* all may change while running: raft_set_settings */
    uint32_t election_timeout_min_ms;
    uint32_t election_timeout_max_ms;
    uint32_t heartbeat_interval_ms;
    bool pre_vote;
    uint64_t batch_bytes;     /* of one append message; one larger entry still goes alone */
    uint32_t window_messages; /* appends in flight to one follower */
    uint64_t window_bytes;    /* bytes in flight to one follower */
    uint64_t cache_bytes; /* entries kept in memory beyond what must be (applied and synced ones) */
};

struct raft_start {
    raft_id self;
    uint64_t seed; /* for election timeouts */
    int64_t now_us;
    struct raft_settings settings;
    struct raft_hard_state hard_state;
    /* The log as storage holds it: [first_index, last_index], empty when last < first. The entry
     * before first_index is covered by the snapshot (index 0: there is none, and first_index is 1).
     * terms: the term of each run of entries. */
    raft_index first_index, last_index;
    struct raft_snapshot snapshot; /* the latest one; its index <= last_index */
    const struct raft_term_run *term_runs;
    uint32_t n_term_runs;
    /* The latest configuration in log or snapshot and the one before it (for truncation), with
     * their indexes. n == 0: this node belongs to no cluster yet: it never campaigns, and learns
     * its configuration from appends. */
    struct raft_configuration configuration, previous_configuration;
    raft_index configuration_index, previous_configuration_index;
    raft_index applied; /* what the state machine holds already (snapshot) */
    /* Set when the log is known damaged (DESIGN 9): neither votes nor is counted until it holds
     * everything up to a commit index that a leader named after committing in its own term. */
    bool damaged;
};

struct raft;

struct raft *raft_new(const struct raft_start *start);
void raft_free(struct raft *raft);
void raft_set_settings(struct raft *raft, const struct raft_settings *settings);

/* -- events ---------------------------------------------------------------------------------- */

void raft_step_tick(struct raft *raft, int64_t now_us);
/* Borrowed; takes its own references to entries. Dropped: what is not for self, what makes no
 * sense, answers from strangers. Requests from strangers to the configuration are heard, since this
 * node's configuration may be the older one (section 4.2.3: stickiness keeps removed nodes from
 * harm). */
void raft_step_message(struct raft *raft, const struct raft_message *message, int64_t now_us);
/* Connections: appends in flight to a peer whose bulk link was lost are forgotten and probed anew;
 * a lost leader shortens the election timer to the minimum plus 0 to 30 ms (DESIGN 5). */
void raft_step_link_lost(struct raft *raft, raft_id peer, int64_t now_us);

/* Proposes one entry. SF_OK: *index is its place (it may still be lost with the leadership).
 * SF_ERR_NOT_LEADER (also while a transfer is under way). payload: a reference is taken. */
SF_MUST_CHECK enum sf_status raft_propose(
    struct raft *raft, uint8_t kind, struct bytes *payload, int64_t now_us, raft_index *index);

/* Changes the members; at most one change at a time, begun only after a commit in the leader's own
 * term (R9). A change of voters goes through a joint configuration, left by the core itself;
 * learners are added and removed in one step.
 * target: the complete new list (voter_new, address; voter_old and joint ignored).
 * SF_ERR_NOT_LEADER (also while a transfer is under way), SF_ERR_BUSY (one in flight, or no
 * own-term commit yet), SF_ERR_INVALID (no voter left, or ids not ascending), SF_ERR_TOO_LARGE (old
 * and new together are more than RAFT_MEMBERS_MAX). */
SF_MUST_CHECK enum sf_status raft_propose_configuration(
    struct raft *raft, const struct raft_configuration *target, int64_t now_us);

/* Asks for a linearizable read point; answered through ready.reads with the same ticket, in order
 * of asking, once a quorum confirmed that this node led when asked (section 6.4).
 * SF_ERR_NOT_LEADER, or SF_ERR_BUSY before the first commit in its own term. Tickets unanswered at
 * a step-down are answered with failed set. */
SF_MUST_CHECK enum sf_status raft_read_index(struct raft *raft, uint64_t ticket, int64_t now_us);

/* The same, but this node's lease is enough (section 6.4.1), if it has one when raft_judge_lease is
 * called: now_us was then read from the clock after the last event of the turn was, since an event
 * may lie in a socket while the process stands still. Without a lease the round decides. */
SF_MUST_CHECK enum sf_status raft_read_lease(struct raft *raft, uint64_t ticket, int64_t now_us);
void raft_judge_lease(struct raft *raft, int64_t now_us);

/* Leadership transfer (section 3.10): stops proposals, brings `to` up to date, sends TimeoutNow.
 * Given up after an election timeout. to 0: the most up-to-date voter.
 * SF_ERR_NOT_LEADER, SF_ERR_INVALID (no such other voter, or it is damaged), SF_ERR_BUSY. */
SF_MUST_CHECK enum sf_status raft_transfer(struct raft *raft, raft_id to, int64_t now_us);

/* Storage answers, numbered (DESIGN 5). */
void raft_step_appended(struct raft *raft, uint64_t request, raft_index last_index,
    raft_term last_term, int64_t now_us);
void raft_step_hard_state_saved(struct raft *raft, uint64_t request, int64_t now_us);
/* Entries asked for by ready.fetches; n may be less than asked (at least 1 unless it failed, then
 * 0). References are taken. */
void raft_step_fetched(struct raft *raft, uint64_t request, const struct raft_entry *entries,
    uint32_t n, int64_t now_us);
/* The state machine has carried out everything up to index. */
void raft_step_applied(struct raft *raft, raft_index index);

/* -- snapshots (chapter 5) -- */

/* The configuration at index, for a snapshot of the state there; false: not known just now (a later
 * one is committed already): ask again when more is applied. */
SF_MUST_CHECK bool raft_snapshot_configuration(const struct raft *raft, raft_index index,
    struct raft_configuration *configuration, raft_index *configuration_index);
/* Followers that are receiving a snapshot now will need the log from here on; UINT64_MAX: none. */
raft_index raft_log_needed_from(const struct raft *raft);
/* A snapshot is durable here, and the log before first_index is gone. */
void raft_step_snapshot_saved(struct raft *raft, const struct raft_snapshot *snapshot,
    raft_index first_index, int64_t now_us);
/* Answers to ready.chunk_reads: NULL: it could not be read. A reference is taken. */
void raft_step_chunk_read(struct raft *raft, uint64_t request, struct bytes *data, int64_t now_us);
/* Answers to ready.chunk_writes, in their order. SF_OK for the last chunk says more: the file is
 * whole and durable, its checksum right, and the state machine can load it. */
void raft_step_chunk_written(
    struct raft *raft, uint64_t request, enum sf_status status, int64_t now_us);
/* The snapshot of ready.install is this node's own now, its log begins anew behind it, and the
 * state machine holds the state: applied and commit index are its index. */
void raft_step_snapshot_installed(struct raft *raft, const struct raft_configuration *configuration,
    raft_index configuration_index, int64_t now_us);

/* -- effects --------------------------------------------------------------------------------- */

struct raft_append_request {
    uint64_t request;         /* echoed in raft_step_appended */
    raft_index truncate_from; /* first delete everything at or above this index; 0: nothing */
    const struct raft_entry *entries;
    uint32_t n_entries; /* may be 0 with a truncation */
};

struct raft_fetch_request {
    uint64_t request;
    raft_index first, last; /* inclusive */
    uint64_t max_bytes;     /* stop after this many payload bytes, but give at least one entry */
};

struct raft_chunk_read { /* of a snapshot's file, for a follower */
    uint64_t request;
    raft_id peer;
    struct raft_snapshot snapshot;
    uint64_t offset, max_bytes;
};

struct raft_chunk_write { /* into the file being received */
    uint64_t request;
    struct raft_snapshot snapshot;
    uint64_t offset; /* 0: whatever was received before is void */
    struct bytes *data;
    bool is_last;
};

struct raft_read {
    uint64_t ticket;
    raft_index index; /* read once applied has come this far */
    bool failed;      /* leadership was lost first */
};

/* All that is to be done now. Arrays belong to the core and are valid until the next call on it;
 * messages' entries and data are borrowed likewise (take a reference to keep one).
 *
 * Durability contract: hard_state and appends go to storage in this order, request numbers rising;
 * messages may go out before, after or during that: nothing in them depends on it. */
struct raft_ready {
    bool has_hard_state;
    uint64_t hard_state_request;
    struct raft_hard_state hard_state;
    const struct raft_append_request *appends;
    uint32_t n_appends;
    const struct raft_fetch_request *fetches;
    uint32_t n_fetches;
    const struct raft_chunk_read *chunk_reads;
    uint32_t n_chunk_reads;
    const struct raft_chunk_write *chunk_writes; /* in this order */
    uint32_t n_chunk_writes;
    bool install; /* behind the appends: make the received snapshot the node's own */
    struct raft_snapshot install_snapshot;
    const struct raft_message *messages; /* type says the link: see raft_message_is_bulk */
    uint32_t n_messages;
    const struct raft_read *reads;
    uint32_t n_reads;
    bool changed;       /* role, term, leader, commit or configuration moved since the last ready */
    bool damage_mended; /* the log is whole again: storage may rewrite its mark */
};

/* Gives out everything pending and forgets it; false when there is nothing. */
bool raft_ready(struct raft *raft, struct raft_ready *ready);

/* Appends and snapshot chunks, with their answers, go over the bulk link, everything else over the
 * control link.
 */
bool raft_message_is_bulk(enum raft_message_type type);

/* The committed entry at index, for applying. NULL: beyond the commit index, or not in memory: the
 * next raft_ready asks storage for it (and for some of what follows), and one after the answer says
 * changed. Borrowed until the next call. */
const struct raft_entry *raft_committed_entry(struct raft *raft, raft_index index);

/* -- in the midst of applying -----------------------------------------------------------------
 * While the state machine runs one entry for long, these two alone may be called: they answer and
 * send heartbeats of the present term. Nothing that raft_ready gave out moves, nor do role, term,
 * commit index and log. */

/* true: the message was one of those; answer->to is 0 where none is due, else it is to be sent. */
SF_MUST_CHECK bool raft_breathe_message(struct raft *raft, const struct raft_message *message,
    int64_t now_us, struct raft_message *answer);
/* A leader's heartbeats, where they are due: at most max messages, to be sent at once. */
uint32_t raft_breathe(
    struct raft *raft, int64_t now_us, struct raft_message *messages, uint32_t max);

/* -- state ----------------------------------------------------------------------------------- */

struct raft_peer_status {
    raft_id id;
    raft_index match, next;
    int64_t last_contact_us; /* 0: never */
    uint32_t in_flight;
    bool probing;
    bool receives_snapshot;
    uint64_t snapshot_bytes, snapshot_sent; /* then: of how many; acknowledged */
};

raft_id raft_self(const struct raft *raft);
enum raft_role raft_role(const struct raft *raft);
raft_term raft_current_term(const struct raft *raft);
raft_id raft_leader(const struct raft *raft); /* 0: unknown */
raft_index raft_commit_index(const struct raft *raft);
/* The latest commit index that a leader's append has named to this follower, whose log may end far
 * below it; heartbeats name no later one than the follower is known to hold. */
raft_index raft_heard_commit_index(const struct raft *raft);
raft_index raft_first_index(const struct raft *raft); /* of the log; last + 1: it is empty */
raft_index raft_last_index(const struct raft *raft);
bool raft_is_installing(const struct raft *raft); /* a received snapshot: until it is answered */
raft_index raft_snapshot_index(const struct raft *raft); /* of the latest one here; 0: none */
raft_index raft_synced_index(const struct raft *raft);   /* last own entry known durable */
raft_term raft_term_at(const struct raft *raft, raft_index index); /* 0: unknown */
/* Leader whose no-op is committed: proposals of clients and reads make sense. */
bool raft_is_serving(const struct raft *raft);
raft_index raft_term_start_index(const struct raft *raft); /* leader: the index of its no-op */
const struct raft_configuration *raft_configuration(
    const struct raft *raft); /* latest, maybe uncommitted */
raft_index raft_configuration_index(const struct raft *raft);
bool raft_is_damaged(const struct raft *raft);
bool raft_transferring(const struct raft *raft);
bool raft_peer(const struct raft *raft, raft_id id, struct raft_peer_status *out); /* leader only */
int64_t raft_next_deadline_us(const struct raft *raft); /* when raft_step_tick is due */
/* Until when no other leader can have been elected (R10): a quorum's answers to heartbeats each
 * promise no vote for a time, counted from when the heartbeat was sent, less 5 % for clocks that
 * drift. 0: no lease (not serving, or TimeoutNow was sent in this term). */
int64_t raft_lease_until_us(const struct raft *raft);

#endif
