/* The node's own state, shared by the files of this folder and nobody else. Each part below has one
 * file that writes it; the others look. */
#ifndef SF_NODE_INTERNAL_H
#define SF_NODE_INTERNAL_H

#include "commands/acl.h"
#include "commands/command.h"
#include "engine/engine.h"
#include "engine/source.h"
#include "node/access.h"
#include "node/node.h"
#include "node/observe.h"
#include "node/snapshot.h"
#include "node/topics.h"
#include "node/tracking.h"
#include "util/codec.h"
#include "util/list.h"
#include "util/mark.h"
#include "util/number.h"

#define SESSION_PENDING_MAX 4096          /* requests of one client that wait for their reply */
#define SESSION_PENDING_BYTES (8u << 20)  /* their held bytes */
#define OUTBOX_BYTES_MAX (16u << 20)      /* unapplied commands of this node (DESIGN 6) */
#define STALL_CHECK_US 50000              /* how often time-outs are judged while nothing moves */
#define ASK_AGAIN_US 100000               /* an unanswered question to the leader is asked again */
#define LINK_IDLE_LIMIT_BYTES (64u << 10) /* of one message before the peer has proven itself */
#define LINK_LIMIT_BYTES (1u << 30)
#define LINK_BACKLOG_MAX (256u << 20) /* unsent bytes to one peer; beyond it the link is cut */
#define LINKS_MAX 128
#define ROUNDS_MAX 256
#define APPLY_WORK_PER_TURN 4000 /* commands: some 3 ms; then sockets get a turn */
#define APPLY_RECLAIM_WEIGHT 2   /* commands for a dead key */
#define VOTERS_MAX 7             /* DESIGN 1 */
#define NOBODY ((raft_id)0)

struct ask;

/* -- session.c: clients ---------------------------------------------------------------------- */

enum pending_kind {
    PENDING_WRITE,   /* in a batch: answered when applied */
    PENDING_READ,    /* waits for its read round */
    PENDING_LOCAL,   /* runs when its turn comes */
    PENDING_REPLY,   /* ran already (it changed the session); its reply waits for its turn */
    PENDING_HELD,    /* begun by a command that is answered later (MEET, FORGET, CONFIG SET ...) */
    PENDING_AGAIN,   /* its users may be old: taken anew after a read round (access.h) */
    PENDING_BLOCKED, /* was applied and waits in the state's queue (blocked.c); always the last */
};

/* A request whose reply is due, in the order of arrival. One allocation with its arguments behind.
 */
struct pending {
    struct list in_session;
    struct session *session;
    enum pending_kind kind;
    uint8_t proto;
    bool mute;    /* CLIENT REPLY OFF or SKIP: run, but say nothing */
    bool caching; /* CLIENT CACHING was said before it */
    bool stale;   /* READ: READONLY or read-mode stale: needs no round */
    const struct command *command;
    struct acl_claim claim; /* whose it is, and the revision of the users that it was admitted at */
    int64_t stall_start_us; /* node->stall_us when it arrived: time-outs count from there */
    uint32_t db;
    size_t bytes; /* of this allocation */

    struct out_batch *batch; /* WRITE: where it stands */
    uint32_t position;

    uint64_t round;          /* READ: the round that will answer it */
    int64_t settle_clock_ms; /* READ: > 0: ran with this clock and met a key due by then; */
    int64_t tried_ms;        /* runs again whenever state time has passed this */

    uint32_t argc; /* READ, LOCAL: own copies */
    struct slice *argv;

    struct waiter_place place;       /* BLOCKED: its name in the queue */
    struct transaction *transaction; /* EXEC: what it runs */
    struct watches *watches;         /* WATCH that has not run yet: where its keys go */
    struct observe_wait *waited;     /* it waits for a key, or did (stats.c) */

    struct buf reply; /* REPLY, HELD: what to send */
    bool done;        /* HELD: reply is complete */
};

struct session {
    struct node *node;
    struct list in_node;
    struct list in_waiters;  /* sessions whose head might move: node->waiters */
    struct list in_stopped;  /* sessions that parse no further for now: node->stopped */
    struct list in_monitors; /* MONITOR: node->observe->monitors */
    uint64_t client;         /* the shell's number */
    uint64_t id;             /* CLIENT ID */
    struct resp_parser *parser;
    struct buf input, output;
    struct list pending;
    uint32_t n_pending;
    size_t pending_bytes;
    uint64_t settle_sequence; /* reads wait until this sequence of our incarnation is settled: a
                                 command before was answered -UNCERTAIN */
    uint8_t proto;
    uint32_t db;
    uint64_t user;           /* id; access.c */
    bool authenticated;      /* by AUTH, or no password was needed when it came */
    bool is_admitted;        /* the same, or none is needed now */
    bool is_free;            /* none of its requests can be denied */
    bool came_again;         /* what is judged now was judged before a read round */
    struct acl_claim claim;  /* of requests that come now */
    struct again *again;     /* to be taken anew, once nothing stands before it */
    bool stale_reads;        /* READONLY */
    bool no_more;            /* QUIT or a protocol error: nothing more is parsed */
    bool quitting;           /* closes when everything before is answered */
    bool paused;             /* its next request waits for the end of CLIENT PAUSE */
    bool barrier;            /* a command that may be held ends what is parsed for now */
    uint32_t n_publish;      /* PUBLISHes in pending: behind one, only others are parsed */
    uint32_t n_publish_held; /* of those, sent and not yet answered by all nodes */
    struct subscriber subscriber;
    struct tracking_client *tracking; /* tracking.c; NULL: off */
    struct list redirected;           /* clients whose invalidations come here */
    bool caching;                     /* CLIENT CACHING: until the next request is done */
    bool drain_paused;                /* replies are due, but the client does not read */
    bool close;                       /* once the output is written */
    bool close_now;
    bool reply_off, reply_skip, reply_skip_next; /* CLIENT REPLY */
    bool no_evict, no_touch;
    bool takes_mark, is_replica; /* REPLCONF capa eof, listening-port */
    char remote[64], local[64];
    int fd;
    struct buf name, lib_name, lib_version;
    struct transaction *queue; /* between MULTI and EXEC, else NULL */
    struct watches *watches;   /* for the next EXEC; NULL: none */
    int64_t opened_us, last_us;
    int64_t soft_since_us; /* > 0: its output has been beyond the soft limit since */
    const struct command *last_command;
    raft_index last_write_index; /* the entry of the latest write that was answered; 0: none */
    uint64_t n_commands;
};

/* -- stream.c: commands on their way into the log -------------------------------------------- */

/* The commands of one loop turn of this node: one sub-batch, kept until it is applied here. */
struct out_batch {
    struct list in_outbox;
    uint64_t sequence;
    uint32_t n_commands, n_void;
    bool given;    /* handed to a leader or proposed: may be in somebody's log */
    bool has_void; /* a command was answered or its client left: encoded anew before it is sent
                      again */
    raft_term given_term;
    raft_index given_index; /* 0 where another node was the leader */
    bool applying;          /* its first command was applied: nothing in it becomes void any more */
    struct buf commands;
    struct pending **waiting; /* [n_commands]; NULL: nobody waits any more */
    bool *void_at;            /* [n_commands] */
    uint32_t waiting_cap;
};

/* Leader: what one member's incarnation has brought into this leader's log. */
struct in_stream {
    raft_id node;
    struct incarnation incarnation;
    uint64_t number;  /* frames of earlier ones are dropped */
    uint64_t highest; /* sequence in the log, proposed ones included */
    bool open;
    bool asked;             /* the node waits for stream-open */
    raft_index opens_at;    /* not before this is applied; 0: not known yet */
    raft_index proposed_at; /* its incarnation's entry is on its way there; 0: not proposed */
    bool refused;           /* said so in the log */
};

/* -- reads.c --------------------------------------------------------------------------------- */

struct read_round {
    uint64_t id;
    bool resolved;
    raft_index index;
    int64_t clock_ms;
};

struct read_ticket { /* leader: who asked */
    uint64_t ticket;
    raft_id node;   /* self: our own rounds */
    uint64_t nonce; /* of the asker's incarnation */
    uint64_t round;
    bool lease_will_do;
};

/* -- link.c ---------------------------------------------------------------------------------- */

enum link_purpose { LINK_CONTROL, LINK_BULK, LINK_GREET };
enum link_state {
    LINK_DIALING,
    LINK_HELLO,      /* dialler: hello sent. Acceptor: waits for it */
    LINK_CHALLENGED, /* dialler: proof sent. Acceptor: waits for it */
    LINK_READY,
};

/* Of each entry to skip that a node knows: it will never run it (or has skipped it), or ran it. */
struct skip_word {
    struct entry_skip skip;
    bool ran;
};
struct skip_words {
    uint32_t n;
    struct skip_word words[SKIPS_MAX];
};

/* What two nodes tell each other when they meet. */
struct greeting {
    raft_id id;
    struct incarnation incarnation; /* node == id */
    char cluster_id[CLUSTER_ID_CHARS + 1];
    enum identity_state state;
    bool empty;         /* holds no key */
    uint32_t n_members; /* 0: no configuration */
    uint32_t databases;
    struct raft_address address; /* host "" where the other side should look at the connection */
    raft_id leader;
    struct raft_address leader_address;
    raft_index last_index; /* synced */
    bool damaged;          /* it knows that its log has lost something */
    uint64_t feature_level;
    struct skip_words skips;
};

struct link {
    uint64_t number; /* 0: free place */
    bool dialled;
    enum link_purpose purpose;
    enum link_state state;
    raft_id peer;                /* expected or proven; 0 for a greeting to an address */
    struct raft_address address; /* dialled */
    char remote_host[RAFT_HOST_MAX + 1], local_host[RAFT_HOST_MAX + 1];
    uint8_t nonce_dialler[16], nonce_acceptor[16];
    raft_id challenger;     /* dialled: who answered the hello, proven once CHALLENGED */
    struct greeting theirs; /* once READY (dialler) or proven (acceptor) */
    int64_t since_us;
    struct ask *ask; /* GREET, dialled: what for */
    bool is_ours;    /* dialled: the other side says that it is this node itself */
    bool cut;        /* its peer does not read: closed at the next turn */
};

struct peer { /* what we dial, for each member but ourselves */
    raft_id id;
    struct raft_address address;
    uint64_t control, bulk;                   /* numbers of the links in use; 0: none */
    uint64_t control_dialling, bulk_dialling; /* being opened, or the above */
    int64_t leaves_us;                        /* > 0: no member any more; forgotten then */
    int64_t dial_again_us;
    uint32_t failures;
    int64_t last_heard_us;  /* anything over an accepted link */
    uint64_t feature_level; /* what it said that it can apply; 0: nothing yet */
    bool silent;            /* did not answer in time (pubsub.c): not waited for until it does */
    raft_index synced;      /* it holds that much of what is committed on its disk (wait.c) */
    int64_t synced_told_until_us; /* it asked for these figures */
    int64_t wall_offset_ms; /* its wall clock minus our boot-time clock; valid when wall_known */
    bool wall_known;
    struct skip_words skips; /* as it told last */
    struct incarnation seen; /* of its latest accepted greeting; node 0: none yet */
};

/* -- membership.c: joining, leaving ---------------------------------------------------------- */

enum ask_kind {
    ASK_MEET,   /* who are you? then decide who joins whom */
    ASK_CHECK,  /* would you let me in? (before dissolving) */
    ASK_INVITE, /* please join us */
    ASK_JOIN,   /* let me in */
};
struct ask {
    struct list in_node;
    enum ask_kind kind;
    struct raft_address address;
    uint64_t link;
    struct pending *held; /* the MEET to answer; NULL: none */
    int64_t deadline_us;
    int64_t again_us; /* link 0: when to dial again */
    uint32_t redirects;
    const char *why; /* static; what it waits for, told when the deadline comes. NULL: an answer */
};

enum errand_kind { ERRAND_FORGET, ERRAND_SLEEP };
struct errand { /* a command that is answered later: CLUSTER FORGET, DEBUG SLEEP */
    struct list in_node;
    enum errand_kind kind;
    raft_id id;
    struct pending *held;
    int64_t ask_again_us;
    int64_t deadline_us;
};

/* -- skip.c ---------------------------------------------------------------------------------- */

struct skips {
    struct applying_note note;
    uint32_t n; /* entries to skip, by an operator's word here or at another member; ascending */
    struct entry_skip known[SKIPS_MAX];
    struct skip_words said;
    int64_t tell_again_us;
    raft_index held_at; /* nothing is applied from here on; 0: not so */
    uint32_t held_crc;
    bool held_for_others; /* to be skipped once a majority knows; else it killed this node */
};
enum skip_verdict { SKIP_RUN, SKIP_PASS, SKIP_HOLD };

/* Resting while this node catches up (pace.c). */
struct pace {
    int64_t asked_us, looked_us;
    int64_t used_us, lost_us; /* since the last look */
    int64_t moved_us;         /* when `heard` last grew */
    raft_index heard, lag;
    bool others_wait;
    uint32_t factor;
};

struct node {
    struct node_ports ports;
    struct node_settings settings;
    struct access access; /* access.c, acl_log.c, everywhere.c */
    bool settings_seeded; /* seed.c had its turn */
    bool garbage_left;    /* of removed values and flushed databases */
    struct node_identity identity;
    struct incarnation incarnation;
    struct random random; /* seeds and jitter */
    int64_t now_us, wall_ms;
    int64_t started_us;

    /* the replica: made anew when the identity changes */
    struct raft *raft;
    struct engine *engine;
    struct raft_settings start_raft_settings;
    uint64_t identity_request, identity_saved;
    struct node_identity identity_next; /* being saved */
    bool identity_switching; /* a new id is being stored: no event of the old log counts */
    raft_index state_saved_member;

    struct snapshots snapshots;
    struct loading *loading; /* NULL: nothing is being loaded */
    raft_index replay_from;  /* where the log found at the start begins: to replays_until */
    int64_t replay_us, replay_ms;
    raft_index replay_told; /* how far, when it was said last (replay.c) */
    int64_t replay_told_us;
    bool replay_is_told;         /* its end was */
    struct evictions *evictions; /* eviction.c */
    struct digests *digests;     /* digest.h */
    struct skips skips;

    /* progress, for time-outs and deadlines */
    int64_t stall_us; /* grows only while neither commit nor apply moves */
    int64_t pumped_us;
    raft_index pumped_commit, pumped_applied;
    uint64_t applied_commands;
    int64_t stall_judged_us;
    int64_t idle_judged_us;
    bool more_to_do;   /* a bounded loop left something: come again at once */
    bool apply_paused; /* inside an entry */
    bool stopped;

    /* sessions */
    struct list sessions, waiters, stopped_sessions;
    uint32_t n_sessions;
    uint64_t next_session_id;
    struct list errands;
    int64_t pause_until_us; /* CLIENT PAUSE (pause.c) */
    bool pause_all;         /* else only what writes */
    uint32_t n_blocked;     /* clients that wait in the state's queue (blocked.c) */
    int64_t campaign_us;    /* when the latest election that this node stood in began */
    raft_term waiters_term; /* the term in which it judged the members' waiters as a leader */
    raft_index waiters_removed_at;                /* its latest entry about them */
    int64_t waiters_pumped_us, waiters_steady_us; /* silence counts from its own latest pause on */
    struct list waits;                            /* wait.c */
    struct pubsub *pubsub;                        /* pubsub.c */
    struct tracking *tracking;                    /* tracking.c */
    struct follow *follow;                        /* follow.c */
    struct list migrates;                         /* migrate.c */
    struct list syncs;                            /* sync.c */
    uint64_t next_out;                            /* number of a connection of another kind */
    raft_index synced_sum;                        /* changes when any figure of the members does */
    raft_id synced_asked;
    int64_t synced_ask_us;
    struct pending *running;  /* whose data command runs just now */
    raft_index replays_until; /* the log's end when this process began, or joined this cluster */
    struct observe *observe;  /* stats.c */
    uint64_t n_reads, n_writes;
    struct lookups lookups; /* of reads here, and of this node's clients' writes */
    uint64_t n_errors_uncertain, n_errors_unavailable;

    /* our stream */
    struct list outbox;
    struct out_batch *open_batch; /* gathers this turn's commands; not in outbox yet */
    uint64_t next_sequence;
    size_t outbox_bytes;
    bool outbox_has_void; /* since the last stream_trim */
    struct out_batch *free_batch;
    raft_id stream_leader; /* who opened our stream; 0: closed */
    raft_term stream_term;
    uint64_t stream_number;
    uint64_t stream_next;      /* sequence to send next */
    int64_t stream_ask_us;     /* when to ask (again) */
    int64_t stream_check_us;   /* when to look whether the oldest batch is stuck */
    uint64_t stream_checked;   /* the oldest one at the last look */
    uint64_t settled_sequence; /* of our incarnation: applied */

    /* leader: members' streams and this turn's sub-batches */
    struct in_stream streams[RAFT_MEMBERS_MAX];
    uint32_t n_streams;
    uint64_t next_stream_number;
    struct buf gathered; /* encoded sub-batches to propose */
    uint32_t gathered_commands;
    raft_term streams_term;

    /* reads */
    struct read_round rounds[ROUNDS_MAX]; /* a ring: first .. first + n */
    uint32_t rounds_first, rounds_n;
    uint64_t next_round;     /* the id that new reads get */
    bool round_wanted;       /* a read waits for next_round */
    uint64_t runnable_round; /* every read of a round up to this one may run */
    int64_t runnable_clock_ms;
    raft_id round_asked_leader;
    uint64_t round_asked;
    int64_t round_ask_us;
    struct read_ticket tickets[1024]; /* a ring */
    uint32_t tickets_first, tickets_n;
    uint64_t next_ticket;
    struct read_ticket early_asks[RAFT_MEMBERS_MAX]; /* members' latest, while not yet serving */
    uint32_t early_asks_n;

    /* the leader's clock (clock.c) */
    bool clock_running; /* leads, and has heard the wall clocks of a quorum */
    int64_t clock_base_ms, clock_base_us, clock_slewed_us;
    int64_t clock_said_ms; /* the latest that was given out: it never goes back */
    bool tick_in_flight;
    raft_index tick_index;

    /* links and peers */
    struct link links[LINKS_MAX];
    uint64_t next_link;
    struct peer peers[RAFT_MEMBERS_MAX];
    uint32_t n_peers;
    raft_index peers_of_configuration;

    /* membership */
    struct list asks;
    char old_copy_text[256];
    struct logged_lives *lives; /* NULL: of nobody */
    const char *refused_why;    /* the last refusal that was logged, and when */
    int64_t refused_us;
    int64_t bootstrap_at_us;
    bool bootstrap_done;
    bool fenced; /* a cluster says that this address is one of its members': serve nothing */
    char fenced_by[CLUSTER_ID_CHARS + 1];
    int64_t join_again_us;
    uint32_t join_turn;
    struct raft_address join_redirect;
    char join_error[128];
    struct raft_address dissolve_into;
    struct pending *dissolve_held;
    struct pending *identity_held; /* CLUSTER RESET: answered when the new identity is stored */
    char dissolve_cluster[CLUSTER_ID_CHARS + 1];
    raft_index dissolve_index;
    raft_id removed[64]; /* ids that left, newest last */
    uint32_t n_removed;
    struct raft_configuration seen_configuration;
    struct pace pace;
    raft_index let_in_at; /* in this process, by the configuration there; 0: before */
    bool self_removed;
    int64_t membership_again_us;
    uint64_t level_proposed; /* the feature level last proposed by this node as a leader */
    raft_term level_proposed_term;

    enum sf_status storage_state;
    bool shutting_down;
    int64_t shutdown_deadline_us;
    raft_index lag_index; /* committed by others' disks, not yet on ours; 0: none */
    int64_t lag_since_us, handover_again_us;

    int64_t leads_us;     /* since when, if it leads */
    raft_id last_leader;  /* the latest that was known */
    raft_id known_leader; /* as of the last look */
    raft_term known_term;
    enum raft_role known_role;
    struct buf scratch;
};

static inline bool session_reads_stale(const struct session *session) {
    return session->stale_reads || session->node->settings.read_mode == READ_STALE;
}

/* node.c */
void node_log(struct node *node, enum log_level level, const char *format, ...) SF_PRINTF(3, 4);
void node_replica_open(struct node *node, const struct node_start *start);
/* The state of its snapshot is there, in engine (moved); that of a new node too. */
void node_replica_go_on(struct node *node, const struct node_start *start, struct engine *engine);
bool node_is_leader_serving(const struct node *node); /* commands may be proposed and reads asked */
struct engine *node_engine_new(struct node *node);
/* The present engine goes: whoever walks over its state gives that up now. */
void node_engine_leaves(struct node *node);
/* An equal state takes the place of this node's; between entries. */
void node_engine_replace(struct node *node, struct engine *engine);
void node_wake(struct node *node); /* something is left to do: the next deadline is now */
bool raft_leads(const struct node *node);
/* Notices what the core's last step changed in term, role and leader. */
void follow_leadership(struct node *node);

/* session.c */
struct session *session_new(struct node *node, uint64_t client, const struct client_origin *origin);
void session_free(struct session *session);
void session_parse(struct session *session); /* as far as limits allow */
/* Answers whatever is at the head and may be answered. */
void session_drain(struct session *session);
void session_drain_before(struct session *session, struct pending *write);
void session_write_applied(struct session *session, struct pending *write);
void session_write_lost(struct pending *write); /* its outcome will never be known here */
void session_changed(struct session *session);
void session_wait_for_turn(struct session *session); /* its head may be answered */
/* A request whose name and number of words are right. */
void session_take(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv);
size_t argv_bytes(uint32_t argc, const struct slice *argv);
/* again.c: a request that waits, then stands nowhere, then is taken. */
void again_keep(const struct pending *pending);
void again_take(struct session *session);
void again_give_up(const struct pending *pending); /* it was answered: not executed */
bool session_is_blocked(const struct session *session);
void session_pushed(struct session *session); /* something was added to its output out of turn */
/* A snapshot took the place of what this node waited to apply: of its commands those up to sequence
 * `through` have run, their replies are lost; reads before them can no longer run in their place.
 */
void session_answer_lost(struct session *session, uint64_t through);
void session_time_out_head(struct session *session);
void sessions_answer_fenced(struct node *node); /* whatever waits for this node's state */
void sessions_time_out(struct node *node);
void sessions_resume(struct node *node);
void sessions_close_idle(struct node *node); /* the directive timeout */
bool sessions_want_turn(const struct node *node);
struct pending *pending_new(struct session *session, enum pending_kind kind,
    const struct command *command, uint32_t argc, const struct slice *argv);
void pending_free(struct pending *pending);
void held_done(struct pending *held); /* its reply is complete: send it at its turn */
struct reply held_reply(struct pending *held);

/* local.c: session and server commands. `at_once`: run while parsing, since they change how later
 * requests are read; the others run at their turn. */
struct local_call {
    struct node *node;
    struct session *session;
    const struct command *command;
    uint32_t argc;
    const struct slice *argv;
    struct reply *reply;
    struct pending *pending; /* NULL when it runs while parsing; see local_hold */
    uint32_t place;          /* in the transaction that runs (node->running) */
};
typedef void local_run(struct local_call *call);
local_run *local_find(const struct command *command, bool *at_once, bool *holds);
/* Turns the request into one that is answered by held_done. */
struct pending *local_hold(struct local_call *call);
bool client_name_is_valid(struct slice name);
void cluster_node_name(raft_id id, char out[41]);
void cluster_shard_name(const char *cluster_id, char out[41]);

/* The commands, by file */
void local_ping(struct local_call *call);
void local_echo(struct local_call *call);
void local_time(struct local_call *call);
void local_quit(struct local_call *call);
void local_reset(struct local_call *call);
void local_hello(struct local_call *call);
void local_auth(struct local_call *call);
void local_select(struct local_call *call);
void local_tracking(struct local_call *call);
void local_readonly(struct local_call *call);
void local_readwrite(struct local_call *call);
void local_client(struct local_call *call);
void local_config(struct local_call *call);
void local_info(struct local_call *call);
void local_debug(struct local_call *call);
bool debug_wants_state(const struct node *node, uint32_t argc, const struct slice *argv);
void local_memory(struct local_call *call);
void local_lolwut(struct local_call *call);
void local_shutdown(struct local_call *call);
void local_save(struct local_call *call);
void local_role(struct local_call *call);
void local_migrate(struct local_call *call); /* these run as reads, of a fresh state */
void local_sync(struct local_call *call);
void local_replconf(struct local_call *call);
void local_cluster(struct local_call *call);
void session_reset_state(struct session *session);

/* session.c, for transaction.c: replies to what was just parsed, in their turn */
void session_answer_error(struct session *session, const char *text);
void session_answer_status(struct session *session, const char *text);

/* transaction.c */
/* Takes what concerns transactions: MULTI, EXEC, WATCH ..., and everything while one is queued.
 * false: an ordinary request. */
bool transaction_takes(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv);
/* A request is refused before it is looked at more closely: so is the transaction that it was to be
 * part of. error: as it is to be sent; an EXEC has another. */
void transaction_refuse(struct session *session, const struct command *command, struct buf *error);
/* WATCH, and EXEC of reads, as reads. */
bool transaction_is_read(const struct pending *pending);
enum engine_query_result transaction_read_run(
    struct pending *pending, int64_t clock_ms, bool settled, struct reply *reply);
void transaction_own_place(void *node, uint32_t place, struct reply *reply); /* engine_watcher's */
void transaction_end_pending(struct pending *pending); /* it is about to be freed */
void transaction_forget(struct session *session);      /* RESET, or the client has gone */
void transactions_change_state(struct node *node);     /* revisions of before mean nothing now */
int64_t transaction_queued(const struct session *session); /* commands; -1: no MULTI */
bool transaction_writes(const struct session *session);    /* EXEC would now */
size_t transaction_bytes(const struct session *session);
bool session_watches(const struct session *session);
local_run local_exec, local_unwatch;
/* cmd_server.c: CONFIG SET inside a transaction, as a command of the entry. false: it is none. */
bool config_set_as_entry(struct node *node, uint32_t argc, const struct slice *argv,
    uint32_t *words_argc, struct slice **words, struct buf *names);

/* stream.c */
/* Puts a write into this turn's batch. */
void stream_add(struct node *node, struct pending *pending, uint32_t db, uint32_t argc,
    const struct slice *argv);
void stream_forget_waiter(
    struct pending *pending);        /* answered or gone: void where it is sent again */
void stream_pump(struct node *node); /* close the turn's batch; forward or propose */
void stream_applied(struct node *node, struct out_batch *batch);
struct out_batch *stream_batch(struct node *node, uint64_t sequence);
bool stream_is_full(const struct node *node);
void stream_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void stream_on_open(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void stream_on_batch(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void stream_link_lost(struct node *node, raft_id peer);
void stream_free(struct node *node);
void stream_reset(struct node *node, bool alone);
void stream_trim(struct node *node); /* lets go of what was given up */
int64_t stream_deadline_us(const struct node *node);

/* eviction.c */
void evictions_open(struct node *node);
void evictions_close(struct node *node);
void evictions_reset(struct node *node); /* this node leads no more, or in another term */
bool evictions_make_room(struct node *node, size_t coming); /* true: out of memory */
void evictions_proposed(struct node *node, raft_index index, size_t bytes);
void evictions_applied(struct node *node, raft_index index, uint8_t kind, size_t bytes);
void evictions_pump(struct node *node);
uint64_t evictions_used_bytes(const struct node *node); /* what maxmemory is compared with */
void evictions_exceeded_us(const struct node *node, int64_t *total, int64_t *current);
void evictions_reset_figures(struct node *node);

#include "node/follow.h"

/* feature.c */
void feature_pump(struct node *node); /* leader: raises the level that all can apply */
uint64_t feature_level_needed(const struct node *node); /* of who wants to join */

/* wait.c */
void local_wait(struct local_call *call);
void waits_pump(struct node *node);
void waits_on_ask(struct node *node, raft_id from);
void waits_on_synced(struct node *node, uint32_t argc, const struct slice *argv);
void waits_drop(struct node *node, struct pending *held);
void waits_free(struct node *node);
int64_t waits_deadline_us(const struct node *node);

#include "node/blocked.h"
#include "node/digest.h"
#include "node/pubsub.h"

/* handover.c */
void handover_pump(struct node *node);
int64_t handover_deadline_us(const struct node *node);

/* skip.c */
void skips_begin(struct node *node, const struct node_start *start);
void skips_other_log(struct node *node); /* another identity, with its own promises */
void skips_pump(struct node *node);
/* Whether the next entry may be run; asked of every one, so it looks at the entry only if it must.
 */
enum skip_verdict skips_judge(struct node *node, raft_index index, const struct raft_entry *entry);
bool skips_hold(struct node *node, raft_index index); /* still; without looking at the entry */
void skips_note(struct node *node, raft_index index); /* being applied; 0: nothing any more */
void skips_passed(struct node *node, raft_index index);
void skips_words(const struct node *node, struct skip_words *out);
void skips_put(const struct skip_words *words, struct buf *out);
void skips_read(struct reader *in, struct skip_words *out); /* in->failed: malformed */
/* A proven member says so: in its greeting, or since. */
void skips_heard(struct node *node, raft_id from, const struct skip_words *words);
void skips_on_message(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void skips_tell(struct node *node, raft_id to);
/* The error for what would need applying. */
void skips_error(const struct node *node, char *out, size_t size);

/* apply.c */
void replay_tell(struct node *node); /* replay.c: progress of a start, in the log */
void apply_pump(struct node *node);
void apply_drop_waiting(struct node *node);

/* reads.c */
void reads_add(struct node *node, struct pending *pending);
void reads_pump(struct node *node); /* node->now_us: read after all sockets were */
void reads_on_raft(struct node *node, const struct raft_read *reads, uint32_t n);
void reads_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void reads_on_answer(struct node *node, uint32_t argc, const struct slice *argv);
void reads_advance(struct node *node); /* after applying */
bool reads_may_run(struct node *node, struct session *session, struct pending *pending);
int64_t reads_deadline_us(const struct node *node);

/* clock.c */
void clock_begin(struct node *node);     /* this node leads: its clock starts once a quorum spoke */
int64_t clock_now_ms(struct node *node); /* the leader's clock */
void clock_heard(struct node *node, raft_id peer, int64_t wall_ms);
void clock_pump(struct node *node); /* ticks */
int64_t clock_deadline_us(const struct node *node);

/* link.c */
struct link *link_find(struct node *node, uint64_t number);
struct link *link_dial(
    struct node *node, enum link_purpose purpose, raft_id peer, const struct raft_address *address);
/* Where the other side of a link that it dialled can be dialled itself. */
struct raft_address link_peer_address(const struct link *link);
void link_close(struct node *node, struct link *link); /* ours: no event follows */
void links_pump(struct node *node);
void links_close_all(struct node *node);
int64_t links_deadline_us(const struct node *node);
void link_send_words(struct node *node, uint64_t number, uint32_t argc, const struct slice *argv);
void peers_follow_configuration(struct node *node);
void greeting_of(struct node *node, struct greeting *out);
void greeting_put(const struct greeting *greeting, struct buf *out);
SF_MUST_CHECK enum sf_status greeting_read(struct slice in, struct greeting *out);

/* peer.c */
struct peer *peer_of(struct node *node, raft_id id);
/* To a member over our control or bulk link; false: there is none now. */
bool peer_send(struct node *node, raft_id id, bool bulk, uint32_t argc, const struct slice *argv);
bool peer_send_bytes(struct node *node, raft_id id, bool bulk, struct slice bytes);
/* A message that ends in body and "\r\n"; body is not copied. */
bool peer_send_large(
    struct node *node, raft_id id, bool bulk, struct slice head, struct bytes *body);

/* proof.c */
void proof_of_secret(const char *secret, char role, const uint8_t nonce_dialler[16],
    const uint8_t nonce_acceptor[16], struct slice more, uint8_t out[32]);
void secret_of_cluster(const char *cluster_id, struct hash_secret *out);

/* membership.c */
void membership_pump(struct node *node);
int64_t membership_deadline_us(const struct node *node);
void membership_applied(struct node *node); /* after entries were applied */
void membership_on_forget(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
void membership_on_forget_refused(struct node *node, uint32_t argc, const struct slice *argv);
void membership_on_take_over(struct node *node, raft_id from); /* CLUSTER FAILOVER there */
void membership_follow(struct node *node);                     /* the configuration moved */
/* deadline_us 0: the kind's own. */
void errand_begin(struct node *node, enum errand_kind kind, raft_id id, struct pending *held,
    int64_t deadline_us);
void errand_drop(struct node *node, struct pending *held); /* its client has gone */
bool membership_was_removed(const struct node *node, raft_id id);
/* Whether that node was a member once and is certain to be none now, although it may not know. */
bool membership_has_removed(const struct node *node, const struct greeting *theirs);
void membership_on_removed(struct node *node); /* a proven member says so of this node */
const char *membership_join_state(const struct node *node);
bool node_serves_data(const struct node *node);
/* Whether data commands are refused at once; text: why. */
#define REFUSAL_BYTES 320
bool node_refuses(const struct node *node, bool write, bool stale, char text[REFUSAL_BYTES]);
bool membership_remove(struct node *node, raft_id id); /* leader: begins to; false: it may not */
void node_reset_identity(struct node *node);
void identity_save(struct node *node, const struct node_identity *next);
bool address_is_loopback(const struct raft_address *address);
bool address_equal(const struct raft_address *a, const struct raft_address *b);
/* join.c */
void join_pump(struct node *node);
void join_on_ready(struct node *node, struct link *link); /* a greeting we dialled was welcomed */
void join_on_failed(struct node *node, struct link *link, const char *why);
void join_on_answer(struct node *node, struct link *link, uint32_t argc, const struct slice *argv);
/* The other side's question on an accepted greeting link. */
void join_on_question(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv);
void meet_begin(struct node *node, const struct raft_address *address, struct pending *held);
void meet_drop(struct node *node, struct pending *held);
void bootstrap_now(struct node *node);
bool is_dissolving(const struct node *node); /* gives itself up for another cluster just now */

/* -- seed.c ---------------------------------------------------------------------------------- */

/* Does something at most once, as soon as this node leads. */
void seed_settings(struct node *node);

#endif
