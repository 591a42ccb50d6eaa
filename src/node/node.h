/* One whole node: consensus, state machine, sessions, forwarding, membership; no I/O.
 *
 * A loop turn of the shell:
 *   1  every event that is there: node_on_* (each may call ports); now_us of a link's message: read
 *      after the message was (promises to leaders count from it)
 *   2  node_pump(now): once, after the last socket was read; proposes, replicates, applies, answers
 *   3  flush: for each client and link named by the ports, write what is there
 *   4  sleep until an event or node_next_deadline_us
 * All times are boot-time microseconds (they go on during suspend), walls in Unix milliseconds. */
#ifndef SF_NODE_NODE_H
#define SF_NODE_NODE_H

#include "node/ports.h"
#include "raft/raft.h"
#include "resp/parse.h"

enum read_mode { READ_LEASE, READ_INDEX, READ_STALE };
#define SAVE_POINTS_MAX 16
#define PERCENTILES_MAX 32 /* of latency-tracking-info-percentiles */

enum bootstrap_mode { BOOTSTRAP_AUTO, BOOTSTRAP_YES, BOOTSTRAP_NO };

struct node_settings {
    struct raft_settings raft;
    enum read_mode read_mode;
    enum bootstrap_mode bootstrap;
    int64_t request_timeout_ms;
    uint64_t max_request_bytes;
    uint64_t proto_max_bulk_len;
    /* of one client: beyond hard at once, beyond soft for so long, it is closed; subscribers apart
     */
    struct output_limit {
        uint64_t hard_bytes, soft_bytes; /* UINT64_MAX: none */
        int64_t soft_us;
    } output_limit, subscriber_output_limit;
    uint64_t query_buffer_limit;
    uint32_t databases;
    uint32_t max_clients;
    int64_t client_timeout_s;    /* 0: never */
    uint64_t tracking_max_keys;  /* tracking-table-max-keys; 0: no limit */
    uint64_t snapshot_log_bytes; /* a snapshot is taken after so much log, or so many entries */
    uint64_t snapshot_log_entries;
    int64_t digest_interval_ms;  /* between two digests of the state; 0: none is due by itself */
    uint64_t digest_slice_units; /* of a walk for one; 0: the usual */
    bool digest_fence;           /* a node that differs is fenced and rebuilt; else an alarm only */
    uint64_t snapshot_log_percent; /* the former is at least that part of the latest snapshot */
    uint32_t n_save_points;        /* or after so many changes in so many seconds */
    struct save_point {
        int64_t seconds;
        uint64_t changes;
    } save_points[SAVE_POINTS_MAX];
    bool rdb_compression;
    size_t snapshot_piece_bytes; /* as handed to storage */
    uint64_t snapshot_slice;     /* units of work for a snapshot in an idle turn */
    bool protected_mode, bound_to_all;
    bool debug_command; /* enable-debug-command */
    struct observe_settings {
        int64_t slowlog_slower_than_us; /* < 0: none is logged */
        uint64_t slowlog_max_len;       /* 0: none either */
        int64_t latency_threshold_ms;   /* 0: nothing is watched */
        bool latency_tracking;          /* a histogram for each command */
        uint32_t n_percentiles;         /* that INFO shows of them */
        double percentiles[PERCENTILES_MAX];
    } observe;
    uint64_t feature_level; /* what this build can apply (engine.h) */
    char requirepass[512];
    struct slice users;       /* lines as in an aclfile; borrowed as long as the node lives */
    uint64_t acl_log_max_len; /* acllog-max-len */
    char cluster_secret[512];
    char masteruser[512], masterauth[512]; /* what a Redis that is followed is told */
    char import_rdb[1024];                 /* a dump that an empty cluster begins with; "": none */
    struct raft_address announce; /* host "" and ports 0 where not configured */
    uint16_t port, bus_port;      /* where this process really listens */
    uint32_t n_join;
    struct raft_address join[JOIN_ADDRESSES_MAX]; /* cluster-join */
};

/* What storage found at start. */
struct node_start {
    struct node_settings settings;
    struct node_identity identity;
    uint64_t boot_counter; /* raised and synced before this call */
    /* Everything of raft_start that comes from storage; self, seed, settings and now_us are filled
     * in by the node, as are applied and snapshot. */
    struct raft_start raft;
    struct node_snapshot snapshot; /* borrowed */
    /* Payloads of ENTRY_INCARNATIONs in the log, in order; borrowed. */
    struct bytes *const *lives;
    uint32_t n_lives;
    struct applying_note applying; /* of the process before; zeros: nothing is known */
    uint32_t n_skips;              /* --skip-entry */
    struct entry_skip skips[SKIPS_MAX];
    int64_t now_us, wall_ms;
};

struct node;
struct session; /* a client's connection as the node sees it */

struct node *node_new(const struct node_start *start, const struct node_ports *ports);
void node_free(struct node *node);
void node_set_settings(struct node *node, const struct node_settings *settings);

/* -- clients. `client` is the shell's number, echoed in ports->client_changed ---------------- */
struct client_origin {
    const char *remote; /* "127.0.0.1:51234" */
    const char *local;  /* "127.0.0.1:6379" */
    int fd;             /* shown by CLIENT LIST only */
    bool loopback;      /* protected-mode */
};
/* Always gives a session; a refused one (max clients, protected mode) has its error as output and
 * wants to close. */
struct session *node_on_client_open(
    struct node *node, uint64_t client, const struct client_origin *origin, int64_t now_us);
/* Where the shell puts what it reads (buf_reserve, read, buf_commit), then tells the node. */
struct buf *session_input(struct session *session);
/* Bytes that an unfinished large argument still needs: room worth making at once. */
size_t session_wants_bytes(const struct session *session);
void node_on_client_bytes(struct node *node, struct session *session, int64_t now_us);
/* The connection is gone; the session must not be used again. */
void node_on_client_closed(struct node *node, struct session *session, int64_t now_us);
struct buf *session_output(struct session *session);    /* the shell writes it out and consumes */
bool session_wants_read(const struct session *session); /* false: back-pressure */
/* Replies are due without the client's doing: one that has shut its sending side gets them before
 * it is closed. (Not for blocked ones: they leave with their client.) */
bool session_is_waiting(const struct session *session);
bool session_wants_close(const struct session *session);    /* close once the output is written */
bool session_must_close_now(const struct session *session); /* output limit, CLIENT KILL */

/* Words of one message between nodes, at most: what asks about the names of a client's request
 * has a few more than that. */
#define NODE_LINK_ARGS_MAX (2u << 20)

/* -- links to peers -------------------------------------------------------------------------- */
void node_on_link_open(struct node *node, uint64_t link, int64_t now_us); /* a dial succeeded */
void node_on_link_accepted(struct node *node, uint64_t link, const char *remote_host,
    const char *local_host, int64_t now_us);
/* One RESP array of bulk strings (an error reply "-X ..." comes as argc 2: "error", text). */
void node_on_link_message(
    struct node *node, uint64_t link, uint32_t argc, const struct slice *argv, int64_t now_us);
void node_on_link_closed(struct node *node, uint64_t link, int64_t now_us);
/* The largest array the shell should accept on this link: small until the peer has proven itself.
 */
uint64_t node_link_limit_bytes(const struct node *node, uint64_t link);

/* -- connections of other kinds (ports->out_dial) ---------------------------------------------- */
void node_on_out_open(struct node *node, uint64_t out, int64_t now_us);
void node_on_out_bytes(struct node *node, uint64_t out, struct slice bytes, int64_t now_us);
/* why: in words; "" at the end of a file. */
void node_on_out_closed(struct node *node, uint64_t out, const char *why, int64_t now_us);

/* -- in the midst of a long entry (ports->breathe): heartbeats alone --------------------------- */
bool node_link_breathes(const struct node *node, uint64_t link);
/* false: not a heartbeat, or not one for now: node_on_link_message gets it after the turn. */
bool node_on_breath(struct node *node, uint64_t link, uint32_t argc, const struct slice *argv,
    int64_t now_us, int64_t wall_ms);
void node_breathe(struct node *node, int64_t now_us);

/* -- storage answers ------------------------------------------------------------------------- */
void node_on_appended(struct node *node, uint64_t request, raft_index last_index,
    raft_term last_term, int64_t now_us);
void node_on_hard_state_saved(struct node *node, uint64_t request, int64_t now_us);
void node_on_fetched(struct node *node, uint64_t request, const struct raft_entry *entries,
    uint32_t n, int64_t now_us);
void node_on_snapshot_written(
    struct node *node, uint64_t request, enum sf_status status, int64_t now_us);
/* place and first_index (of the log now) where status is SF_OK. */
void node_on_snapshot_saved(struct node *node, uint64_t request, enum sf_status status,
    const struct raft_snapshot *place, raft_index first_index, int64_t now_us);
void node_on_chunk_read(struct node *node, uint64_t request, struct bytes *data, int64_t now_us);
/* whole: after the last chunk, what the file says of itself; else NULL. */
void node_on_chunk_written(struct node *node, uint64_t request, enum sf_status status,
    const struct node_snapshot *whole, int64_t now_us);
void node_on_snapshot_installed(struct node *node, uint64_t request, int64_t now_us);
void node_on_identity_saved(struct node *node, uint64_t request, int64_t now_us);
/* The log could not be written and will not recover: leadership is given away, writes are refused
 * (MISCONF). SF_OK takes that back. */
void node_on_storage_state(struct node *node, enum sf_status state, int64_t now_us);

/* -- the turn -------------------------------------------------------------------------------- */
void node_pump(struct node *node, int64_t now_us, int64_t wall_ms);
int64_t node_next_deadline_us(const struct node *node);
/* Whether it is a follower far behind a living leader, or is being sent a snapshot. */
bool node_catches_up(const struct node *node);
/* Then, after a turn that used so much of the processor and lost so much waiting for it: how long
 * the loop is to rest, at most some milliseconds; 0 where nobody else wants the processor. */
int64_t node_rest_us(struct node *node, int64_t used_us, int64_t lost_us);
/* Begins a clean stop (SIGTERM): hands leadership over, finishes what is in flight; then
 * ports->stop. */
void node_shutdown(struct node *node, int64_t now_us);

/* -- looking in, for tests and the shell's log ----------------------------------------------- */
struct raft *node_raft(struct node *node);     /* NULL: no cluster yet, or it is loading */
struct engine *node_engine(struct node *node); /* the same */
const struct node_identity *node_identity(const struct node *node);

#endif
