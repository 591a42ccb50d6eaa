/* What the node needs from the world. Production binds these to libev, LevelDB and the system's
 * clocks (server/), the simulator to a virtual network, disk and clock (tests/sim): the node cannot
 * tell.
 *
 * Rules for whoever implements them: no call may block or call back into the node; whatever an
 * effect leads to comes as a later event (node.h). Slices are borrowed for the call. */
#ifndef SF_NODE_PORTS_H
#define SF_NODE_PORTS_H

#include "raft/raft.h"
#include "resp/reply.h"

/* What a data directory is: stored as one small synced file (storage/README.md). */
enum identity_state {
    IDENTITY_FRESH,   /* never bootstrapped, no cluster */
    IDENTITY_MEMBER,  /* of cluster_id; its log tells the rest */
    IDENTITY_JOINING, /* empty log; asks the join addresses to be let in; never bootstraps */
};
#define CLUSTER_ID_CHARS                                                                           \
    40 /* 12 hex digits of milliseconds since 1970, 28 random ones: sorts by age */
#define JOIN_ADDRESSES_MAX 16
#define SKIPS_MAX 8 /* entries that an operator told to skip, the latest ones (skip.c) */
struct entry_skip {
    raft_index index;
    uint32_t crc; /* raft_entry_crc */
};
struct node_identity {
    raft_id id;
    enum identity_state state;
    char cluster_id[CLUSTER_ID_CHARS + 1]; /* "" when FRESH */
    uint32_t databases; /* that its state was made with; 0: stored by a version that did not say */
    bool was_reset;     /* CLUSTER RESET: does not bootstrap by itself */
    uint32_t n_join;
    struct raft_address join[JOIN_ADDRESSES_MAX];
    uint32_t n_skips; /* it never runs these: ascending */
    struct entry_skip skips[SKIPS_MAX];
    raft_index fence_index; /* > 0: its state differed from the others' there (fence.c) */
    bool fence_leaves;      /* ... and it is to be removed, so as to begin anew */
};
void identity_encode(const struct node_identity *identity, struct buf *out);
SF_MUST_CHECK enum sf_status identity_decode(struct slice in, struct node_identity *out);

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING };

/* Figures about the process, for INFO. */
struct process_figures {
    uint64_t used_memory, used_memory_rss, used_memory_peak; /* bytes */
    uint64_t used_memory_startup;                            /* when the node was made */
    uint64_t allocator_active, allocator_resident;           /* in pages of the allocator's */
    double cpu_user_s, cpu_sys_s;
    uint64_t connections_received, connections_rejected;
    uint64_t net_input_bytes, net_output_bytes;
    uint64_t net_reads, net_writes; /* of sockets that had or took something */
    int64_t uptime_s;
    uint32_t process_id;
    uint64_t log_disk_bytes;
    uint64_t system_memory;               /* bytes of the machine's */
    const char *executable, *config_file; /* paths, owned by the process; NULL: none */
};

enum config_verdict {
    CONFIG_UNKNOWN,
    CONFIG_IMMUTABLE,
    CONFIG_INVALID,
    CONFIG_LOCAL,
    CONFIG_REPLICATED
};

/* What a snapshot's file says of itself; whoever gets one takes its own reference. */
struct node_snapshot {
    struct raft_snapshot place; /* index 0: none */
    raft_index configuration_index;
    struct bytes *configuration; /* as its entry's payload */
};
/* What stays of the log before a snapshot, for slow followers: about so much, whichever is reached
 * first, and everything from needed_from on. */
struct snapshot_keep {
    uint64_t bytes, entries;
    raft_index needed_from; /* UINT64_MAX: nothing else is needed */
};
/* A piece of a snapshot's file. Pieces come in order; offset 0 begins anew. */
struct snapshot_piece {
    uint64_t request;
    struct raft_snapshot place; /* bytes: with the last piece */
    uint64_t offset;
    struct bytes *data; /* borrowed */
    bool is_last;
    struct snapshot_keep keep; /* of the last piece */
};

struct node_ports {
    void *context;

    /* -- storage: answered by node_on_appended, _hard_state_saved, _fetched ... -- */
    void (*append)(
        void *context, const struct raft_append_request *request); /* takes its own references */
    void (*save_hard_state)(void *context, uint64_t request, const struct raft_hard_state *state);
    void (*fetch)(void *context, const struct raft_fetch_request *request);
    /* -- snapshots: answered by node_on_snapshot_written (a piece), _saved (the last), _chunk_read,
     * _chunk_written, _installed -- */
    void (*save_snapshot)(void *context, const struct snapshot_piece *piece);
    /* What was written of that one goes; not after its last piece. Nothing is answered. */
    void (*drop_snapshot)(void *context, const struct raft_snapshot *place);
    void (*read_chunk)(void *context, const struct raft_chunk_read *read);
    void (*write_chunk)(void *context, const struct raft_chunk_write *write);
    void (*install_snapshot)(void *context, uint64_t request, const struct raft_snapshot *place);

    /* Durable before it is answered. An id other than the stored one also means: a new, empty log
     * (and hard state); requests on the old one not yet answered are never answered. */
    void (*save_identity)(void *context, uint64_t request, const struct node_identity *identity);

    /* The log is whole again after damage: the mark may be rewritten (DESIGN 9). */
    void (*log_mended)(void *context);

    /* What is being applied, kept where it outlives this process, and back in node_start.applying.
     * Called twice for each entry: no file may be waited for. */
    void (*note_applying)(void *context, const struct applying_note *note);

    /* -- links to peers: streams of RESP arrays --------------------------------------------------
     */
    /* Begins a connection; answered by node_on_link_open or node_on_link_closed. The node chooses
     * the number (below 2^63; accepted ones are numbered by the other side from 2^63). */
    void (*dial)(void *context, uint64_t link, const char *host, uint16_t bus_port);
    void (*link_send)(void *context, uint64_t link, struct slice bytes); /* whole messages */
    /* The same for a message of many bytes that need not be copied: body's own reference is taken.
     * NULL: link_send is called with the whole. */
    void (*link_send_large)(
        void *context, uint64_t link, struct slice head, struct bytes *body, struct slice tail);
    void (*link_close)(void *context, uint64_t link); /* after what was sent; no event follows */
    size_t (*link_backlog)(
        void *context, uint64_t link); /* bytes sent and not yet taken by the kernel */
    /* An entry runs for long (about every 10,000 units of work): where some milliseconds have
     * passed, reads the links that node_link_breathes without blocking, gives each message to
     * node_on_breath, keeps those that it does not take for afterwards, in order, then calls
     * node_breathe and sends. The one port that calls back into the node; it does nothing else.
     * NULL: not here. */
    void (*breathe)(void *context);

    /* -- connections of other kinds: to a Redis that is followed, to a target of MIGRATE; all four
     *    may be NULL: there is nobody out there ---------------------------------------------------
     */
    /* Begins one, by a number that the node chooses; answered by node_on_out_open and
     * node_on_out_bytes, at its end by node_on_out_closed. */
    void (*out_dial)(void *context, uint64_t out, const char *host, uint16_t port);
    /* The same for the bytes of a file: closed without a reason at its end. */
    void (*out_open_file)(void *context, uint64_t out, const char *path);
    void (*out_send)(void *context, uint64_t out, struct slice bytes);
    void (*out_close)(void *context, uint64_t out);             /* no event follows */
    void (*out_pause)(void *context, uint64_t out, bool pause); /* read no more for now */

    /* -- clients ---------------------------------------------------------------------------------
     */
    /* The session has new output, or its wants_read / wants_close changed. */
    void (*client_changed)(void *context, uint64_t client);

    /* -- configuration (server/config.h keeps the table) -----------------------------------------
     */
    /* Visits every directive whose name matches one of the glob patterns, once each. */
    void (*config_get)(void *context, uint32_t n, const struct slice *patterns,
        void (*visit)(void *visitor, const char *name, const char *value), void *visitor);
    /* Judges without changing; error (Redis's text behind "ERR CONFIG SET failed (possibly related
     * to argument 'x') - ") is appended where it is INVALID. */
    enum config_verdict (*config_check)(
        void *context, struct slice name, struct slice value, struct buf *error);
    /* Sets a value that was checked; leads to node_set_settings. Nothing may be left half done:
     * error is appended and false returned when the system refused (a port in use). */
    bool (*config_set)(void *context, struct slice name, struct slice value, struct buf *error);
    bool (*config_rewrite)(void *context, struct buf *error);
    /* The aclfile; both may be NULL: none is configured. Reading returns its name, NULL where none
     * is configured; writing, false then. What fails otherwise is appended to error. */
    const char *(*acl_file_read)(void *context, struct buf *out, struct buf *error);
    bool (*acl_file_write)(void *context, struct slice text, struct buf *error);

    void (*figures)(void *context, struct process_figures *out);
    /* Both may be NULL. A clock that runs inside a turn, for how long commands take: nothing but
     * figures for operators may depend on it, and the simulator has none (0 for ever). The bytes of
     * process_figures alone, which are asked for ten times a second. */
    int64_t (*clock_ns)(void *context);
    void (*net_bytes)(void *context, uint64_t *in, uint64_t *out);
    /* The allocator: gives unused pages back; appends its own report. Both may be NULL. */
    void (*memory_purge)(void *context);
    void (*memory_report)(void *context, struct buf *out);
    void (*random_bytes)(void *context, void *out, size_t len); /* unpredictable */
    void (*log)(void *context, enum log_level level, const char *line);
    /* The node cannot go on (or SHUTDOWN was asked): stop the process with this code after the
     * turn. */
    void (*stop)(void *context, int exit_code, const char *reason);
};

#endif
