/* What the files of the core share. Nobody outside src/raft includes this.
 *
 * One writer for each invariant:
 *   term, vote        term_change, vote_give              (hard_state.c)
 *   role              become_*                            (role.c)
 *   commit            commit_advance                      (commit.c)
 *   log, truncation   log_append, log_truncate            (log.c), the latter from follower.c only
 *   configuration     configuration_adopt, _roll_back     (membership.c)
 *   proven, damage    follower.c, and snapshot_receive.c (an installed snapshot proves)
 *   log's beginning   snapshot_send.c (a saved one), snapshot_receive.c (an installed one) */
#ifndef SF_RAFT_INTERNAL_H
#define SF_RAFT_INTERNAL_H

#include "raft/log.h"
#include "raft/raft.h"

#include "util/mark.h"

/* Indexes, terms and rounds of messages stay below this, so that sums cannot overflow. */
#define RAFT_NUMBER_LIMIT (1ULL << 62)
/* A follower's timer after its leader's connection closed: the minimum plus up to this (DESIGN 5).
 */
#define LINK_LOST_JITTER_MS 30
/* Spreads those that were refused for the same leader's sake and retry at the same time. */
#define RETRY_JITTER_MS 10
/* Entries read ahead of applying, in payload bytes. */
#define READ_AHEAD_BYTES (4U << 20)
/* Send times of this many heartbeat rounds are remembered for the lease. */
#define ROUND_HISTORY 64
#define TRIP_RISE 16
#define WINDOW_BYTES_MIN (1U << 20)
#define WINDOW_BYTES_A_US 250 /* 2 Gbit/s */
/* An append up to this size is told to carry the commit index as fast as a heartbeat would. */
#define SMALL_APPEND_BYTES (16U << 10)
/* One chunk of a snapshot (batch_bytes, where that is less), and how many of them may be on their
 * way to a follower unacknowledged. */
#define SNAPSHOT_CHUNK_BYTES (256U << 10)
#define SNAPSHOT_WINDOW_CHUNKS 4
/* Chunks that a follower takes before they are written: above any sane leader's window. */
#define SNAPSHOT_UNWRITTEN_MAX 64
/* A transfer without a word from its receiver for so many election timeouts keeps no log back. */
#define SNAPSHOT_PATIENCE 20
#define RAFT_PEERS_MAX (2 * RAFT_MEMBERS_MAX) /* members, and those who are leaving */
#define RAFT_NEVER_US INT64_MIN

enum peer_mode {
    PEER_PROBE,     /* next is a guess: one append at a time */
    PEER_REPLICATE, /* the logs are known to agree up to next - 1 at the latest: pipelined */
    PEER_SNAPSHOT,  /* needs what the log no longer holds: gets a snapshot, and no appends */
};

/* A snapshot on its way to a follower. It is asked where to go on (`question`, repeated until it is
 * answered); from there chunks are streamed; any doubt leads back to a new question. */
struct transfer {
    struct raft_snapshot snapshot;
    uint64_t question; /* number of the latest one; answers to earlier ones say nothing */
    bool is_streaming; /* the question is answered */
    bool is_begun;     /* the receiver has written some of it, in this stream or an earlier one */
    int64_t ask_us;    /* when to ask (again) */
    uint64_t next;     /* to be sent next */
    uint64_t written;  /* the receiver has written so much */
    int64_t progress_us;
    uint64_t read_request; /* being read from storage, for `next`; 0: none */
    int64_t read_not_before_us;
    struct bytes *chunk; /* read, at `next` or, once sent, before it */
    bool chunk_is_sent;  /* a message borrows it until the next call */
};

/* A snapshot that is being received. */
struct receiving {
    struct raft_snapshot snapshot; /* id 0: none */
    uint64_t accepted;             /* bytes taken and given to storage */
    uint64_t written;              /* bytes that storage has written */
    uint64_t question;             /* the leader's latest */
    bool answer_owed;              /* once everything accepted is written */
    uint64_t first_request;        /* answers to earlier requests are of a former snapshot */
    bool install_wanted, is_installing;
};

struct chunk_pending {
    uint64_t request;
    uint64_t end; /* offset behind it */
};

struct in_flight {
    raft_index last;
    uint64_t bytes;
    int64_t sent_us;
};

/* A leader's view of another node. */
struct peer {
    raft_id id;
    enum peer_mode mode;
    raft_index match;     /* durable there and equal to our log */
    raft_index next;      /* to be sent next; > match */
    uint64_t match_round; /* heartbeat answers of later rounds were written after that match */

    bool probe_sent;      /* the probe awaits its answer */
    bool probe_is_empty;  /* costs nothing to repeat */
    bool probe_carries;   /* the next probe may carry entries */
    uint64_t probe_round; /* heartbeat answers of later rounds were written after the probe left */
    int64_t probe_sent_us;

    struct in_flight *in_flight; /* ring of cap_in_flight, oldest first; PEER_REPLICATE only */
    uint32_t in_flight_start, n_in_flight, cap_in_flight;
    uint64_t in_flight_bytes;

    int64_t trip_us; /* a heartbeat's way there and back: the least of late; 0: unknown */

    raft_index commit_told; /* the highest commit index sent */
    uint64_t round;         /* the latest heartbeat round answered */
    int64_t lease_until_us; /* it gives nobody else its vote before that, by our clock (R10) */
    int64_t last_contact_us;
    int64_t quorum_contact_us; /* as far as it is counted: from the start on, not while damaged */

    uint64_t damage;       /* as it names it; 0: whole */
    uint64_t damage_round; /* only an answer to a later round can say that it is whole again */

    raft_index leaves_at; /* the entry that removed it; 0: a member. It is told until it knows. */
    int64_t leaves_deadline_us;

    /* Entries from storage, for a peer that lags behind the window. */
    struct raft_entry *fetched;
    uint32_t n_fetched;
    bool fetched_is_sent; /* a message borrows them until the next call */
    int64_t fetch_not_before_us;

    struct transfer transfer; /* PEER_SNAPSHOT only */
};

struct fetch {
    struct raft_fetch_request request;
    raft_id peer; /* 0: for applying */
    bool is_handed;
};

struct configuration_record {
    raft_index index;
    struct raft_configuration configuration;
};

struct vote_cast {
    raft_id from;
    bool granted;
};

struct read_pending {
    uint64_t ticket;
    raft_index index;
    uint64_t round; /* confirmed once a quorum answered this round */
    bool lease_will_do;
};

struct outgoing {
    struct raft_message message;
    uint64_t waits_for; /* the hard-state request that must be durable first */
};

struct raft {
    raft_id self;
    struct raft_settings settings;
    struct random random;
    int64_t now_us; /* of the latest event; never goes back */
    bool changed;

    enum raft_role role;
    raft_term term;
    raft_id vote;
    raft_id leader;

    /* Hard-state requests by number: made, handed to storage, durable. Term and vote are monotone
     * within them, so a later one being durable makes all earlier ones so. */
    uint64_t hard_state_made, hard_state_handed, hard_state_saved;
    uint64_t term_request; /* the one that first held this term */
    uint64_t vote_request; /* the one that first held this vote */

    struct raft_log log;
    raft_index commit, applied;
    raft_index heard_commit; /* the latest that an append has named: it may be far ahead of ours */

    /* Configurations, oldest first: [0] is committed (or the beginning), the last one is in force.
     */
    struct configuration_record *configurations;
    uint32_t n_configurations, cap_configurations;

    /* Elections */
    int64_t election_deadline_us;
    int64_t sticky_until_us; /* promised to leaders: no vote before, its own included */
    /* What timers go by: the settings, or until timers_lower_us (0: no) what they were before. */
    uint32_t timer_min_ms, timer_max_ms;
    int64_t timers_lower_us;
    struct vote_cast votes[RAFT_MEMBERS_MAX];
    uint32_t n_votes;
    bool candidacy_is_transfer;

    /* Follower */
    raft_index proven; /* our log equals this term's leader's up to here; 0 in a new term */
    raft_index acknowledged;
    bool acknowledgement_owed;
    uint64_t damage; /* 0: none; else a number random to this start (message.h) */
    bool damage_mended;
    raft_index damage_target; /* what it must hold to be whole; 0: not yet named */

    struct raft_snapshot snapshot; /* the latest that is durable here */
    struct receiving receiving;
    struct chunk_pending unwritten[SNAPSHOT_UNWRITTEN_MAX]; /* oldest first */
    uint32_t n_unwritten;
    struct raft_chunk_write chunk_writes[SNAPSHOT_UNWRITTEN_MAX]; /* not handed out yet */
    uint32_t n_chunk_writes;
    uint64_t last_chunk_request;

    /* Leader */
    struct peer peers[RAFT_PEERS_MAX];
    uint32_t n_peers;
    raft_index term_start; /* its no-op */
    int64_t heartbeat_due_us;
    uint64_t round;
    bool round_wanted;
    int64_t round_sent_us[ROUND_HISTORY];
    raft_id transfer_to;
    int64_t transfer_deadline_us;
    bool timeout_now_sent; /* in this term: no lease any more (R10) */
    struct read_pending *reads;
    uint32_t n_reads, cap_reads;

    uint64_t last_question;

    struct fetch fetches[RAFT_PEERS_MAX + 1];
    uint32_t n_fetches;
    uint64_t last_fetch_request;
    struct raft_entry *ahead; /* entries read ahead of applying: ahead[ahead_start ...) */
    uint32_t ahead_start, n_ahead, cap_ahead;
    int64_t ahead_not_before_us; /* after a failed fetch; 0: none failed */

    /* Effects not handed out yet, and what the last raft_ready handed out. */
    struct outgoing *outbox;
    uint32_t n_outbox, cap_outbox;
    struct raft_read *reads_out;
    uint32_t n_reads_out, cap_reads_out;
    struct {
        struct raft_message *messages;
        uint32_t n_messages, cap_messages;
        struct raft_read *reads;
        uint32_t cap_reads;
        struct raft_fetch_request fetches[RAFT_PEERS_MAX + 1];
        struct raft_append_request append;
        struct raft_chunk_read chunk_reads[RAFT_PEERS_MAX];
        uint32_t n_chunk_reads;
        struct raft_chunk_write chunk_writes[SNAPSHOT_UNWRITTEN_MAX];
        uint32_t n_chunk_writes;
    } out;
};

/* -- raft.c ---------------------------------------------------------------------------------- */
void clock_advance(struct raft *raft, int64_t now_us);
int64_t after_ms(int64_t from_us, uint64_t ms); /* saturates */

/* -- hard_state.c ---------------------------------------------------------------------------- */
void term_change(struct raft *raft, raft_term term, raft_id vote);
void vote_give(struct raft *raft, raft_id to);
bool term_is_durable(const struct raft *raft);

/* -- role.c ---------------------------------------------------------------------------------- */
void become_follower(struct raft *raft, raft_term term, raft_id leader);
void become_pre_candidate(struct raft *raft);
void become_candidate(struct raft *raft, bool transfer);
void become_leader(struct raft *raft);
bool is_sole_voter(const struct raft *raft);

/* -- election.c ------------------------------------------------------------------------------ */
void election_arm(struct raft *raft);
bool may_campaign(const struct raft *raft);
uint32_t election_promise_ms(const struct raft *raft);
void election_hear_leader(struct raft *raft, raft_id leader);
void election_tick(struct raft *raft);
void election_count_own_vote(struct raft *raft);
void election_on_pre_vote(struct raft *raft, const struct raft_message *m);
void election_on_vote(struct raft *raft, const struct raft_message *m);
void election_on_answer(struct raft *raft, const struct raft_message *m);
void election_link_lost(struct raft *raft);

/* -- follower.c ------------------------------------------------------------------------------ */
void follower_on_append(struct raft *raft, const struct raft_message *m);
void follower_on_heartbeat(struct raft *raft, const struct raft_message *m);
void follower_on_timeout_now(struct raft *raft, const struct raft_message *m);
bool follower_accepts(struct raft *raft, const struct raft_message *m); /* follows its sender */
/* The log equals the leader's up to index, which is committed: says so. */
void follower_proved_committed(struct raft *raft, raft_index index);
void follower_acknowledge(struct raft *raft); /* something became durable */
void follower_check_damage(struct raft *raft);

/* -- peers.c: the leader's list -------------------------------------------------------------- */
struct peer *peer_find(struct raft *raft, raft_id id);
void peers_follow(struct raft *raft, const struct configuration_record *record);
void peers_clear(struct raft *raft);
void peers_drop_departed(struct raft *raft);
void peer_probe(struct raft *raft, struct peer *peer, raft_index next, bool carries);
void peer_replicate(struct peer *peer, raft_index next);
void peer_in_flight_push(struct peer *peer, raft_index last, uint64_t bytes, int64_t now_us);
void peer_in_flight_pop(struct peer *peer);
void peer_release_fetched(struct peer *peer);

/* -- replication.c --------------------------------------------------------------------------- */
/* Notes that a peer was heard; false: its message is from before its damage was known. */
bool peer_hear(struct raft *raft, struct peer *peer, const struct raft_message *m);
void leader_flush(struct raft *raft);
void match_advance(struct raft *raft, struct peer *peer, raft_index match);
void leader_note_round(struct raft *raft); /* a round of heartbeats is sent now */ /* queues what peers are to be sent now */
void leader_tick(struct raft *raft);
void leader_tell_commit(struct raft *raft); /* to whom it has moved for, at once */
void leader_on_append_answer(struct raft *raft, const struct raft_message *m);
void leader_on_heartbeat_answer(struct raft *raft, const struct raft_message *m);
int64_t leader_quorum_contact_us(const struct raft *raft);
int64_t leader_next_deadline_us(const struct raft *raft);

/* -- snapshot_send.c ------------------------------------------------------------------------- */
void transfer_begin(struct raft *raft, struct peer *peer);
void transfer_ask(struct raft *raft, struct peer *peer, int64_t at_us); /* where to go on? */
void transfer_flush(struct raft *raft, struct peer *peer);
void transfer_end(struct peer *peer);
/* proven: as far as the follower said that the logs agree. */
bool transfer_is_done(const struct peer *peer, raft_index proven);
void leader_on_snapshot_answer(struct raft *raft, const struct raft_message *m);

/* -- snapshot_receive.c ---------------------------------------------------------------------- */
void follower_on_snapshot(struct raft *raft, const struct raft_message *m);
void receiving_forget(struct raft *raft);
bool is_installing(const struct raft *raft);
void receiving_hand_out(struct raft *raft, struct raft_ready *ready);
void receiving_release(struct raft *raft); /* what was handed out last time */

/* -- commit.c -------------------------------------------------------------------------------- */
void commit_advance(struct raft *raft, raft_index proven);
void commit_count(struct raft *raft);

/* -- membership.c ---------------------------------------------------------------------------- */
const struct configuration_record *configuration_in_force(const struct raft *raft);
void configuration_adopt(
    struct raft *raft, raft_index index, const struct raft_configuration *configuration);
/* Whether everything from `from` on may go: the configuration before it is known. */
/* A snapshot's: it is in force, and nothing is known of what was before. */
void configuration_install(
    struct raft *raft, raft_index index, const struct raft_configuration *configuration);
bool configuration_can_roll_back(const struct raft *raft, raft_index from);
void configuration_roll_back(struct raft *raft, raft_index from);
void configuration_committed(struct raft *raft);
/* Appends an entry of its own term to the leader's log. */
raft_index leader_append(struct raft *raft, uint8_t kind, struct bytes *payload);

/* -- read_index.c ---------------------------------------------------------------------------- */
void reads_release(struct raft *raft);
bool reads_want_round(const struct raft *raft);
void lease_extend(struct raft *raft, struct peer *peer, const struct raft_message *m);
void reads_fail(struct raft *raft);

/* -- transfer.c ------------------------------------------------------------------------------ */
void transfer_continue(struct raft *raft);
void transfer_tick(struct raft *raft);
/* Hands over without waiting: to a voter that holds everything, if there is one. */
void transfer_at_once(struct raft *raft);

/* -- fetch.c --------------------------------------------------------------------------------- */
void fetch_for_peer(struct raft *raft, struct peer *peer);
void fetches_drop_peer(struct raft *raft, raft_id peer);
void fetches_drop_from(struct raft *raft, raft_index from);
void fetches_drop_before(struct raft *raft, raft_index first);
void read_ahead_tick(struct raft *raft);
void read_ahead_release(struct raft *raft, raft_index through);
uint32_t fetches_hand_out(struct raft *raft, struct raft_fetch_request *out);

/* -- ready.c --------------------------------------------------------------------------------- */
void send_when_saved(struct raft *raft, struct raft_message *message, uint64_t waits_for);
void send_in_term(struct raft *raft, struct raft_message *message); /* once the term is durable */
void outbox_drop_waiting(struct raft *raft);

/* -- message_check.c ------------------------------------------------------------------------- */
bool message_makes_sense(const struct raft *raft, const struct raft_message *m);

#endif
