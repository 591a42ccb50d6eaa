/* A node's process and machine: its twin of a disk, its clocks, its inbox; the ports by which the
 * node reaches the simulated world; crashes, pauses, restarts. */
#ifndef SF_SIM_PROCESS_H
#define SF_SIM_PROCESS_H

#include "node/node.h"
#include "sim/world.h"
#include "storage/twin.h"

enum arrival_type {
    ARRIVE_LINK_OPEN,
    ARRIVE_LINK_ACCEPTED, /* bytes: the remote host */
    ARRIVE_LINK_BYTES,
    ARRIVE_LINK_REPLAY, /* one whole message that the network gives a second time or late */
    ARRIVE_LINK_CLOSED,
    ARRIVE_CLIENT_OPEN,
    ARRIVE_CLIENT_BYTES,
    ARRIVE_CLIENT_CLOSED,
};

struct arrival {
    enum arrival_type type;
    uint64_t id; /* link, or client connection */
    struct buf bytes;
};

/* A client's connection as the shell sees it. */
struct seat {
    uint64_t connection;
    struct session *session;
    struct buf unread; /* held back while the session does not want to read */
    bool changed;
    bool closed; /* by the client */
};

/* What was asked of the log, whether durable or not: Raft's view, entry by entry. */
struct shadow_entry {
    raft_term term;
    uint64_t hash; /* of kind and payload */
    uint8_t kind;
};

/* Builds that the simulator plays: later ones can apply more. */
enum { SIM_LEVEL_MAX = 3 };

enum crash_kind { CRASH_KILL, CRASH_POWER };

struct process {
    struct world *world;
    uint32_t number;
    char host[32];
    bool up;
    bool may_be_damaged;     /* its disk has lost synced entries that it was not given again */
    uint64_t copy_life;      /* ... with which it was started then; 0: it was not yet */
    bool is_old_copy;        /* its disk holds an old copy of its directory */
    bool is_stranger;        /* wiped, and not a member again yet: clients keep away */
    bool machine_down;       /* power lost: nobody answers, not even to refuse */
    raft_index log_at_start; /* its log's end then */
    uint64_t life;           /* raised at each start; events of an earlier life are void */
    struct node *node;
    struct twin *twin;
    struct applying_note applying; /* a mapped page: it outlives the node */
    struct node_settings settings;

    /* clocks */
    int64_t started_at_us, boot_offset_us, drift_ppm, wall_offset_ms;

    /* the loop */
    struct arrival *inbox;
    size_t n_inbox, inbox_cap;
    int64_t turn_at_us; /* INT64_MAX: none scheduled */
    uint64_t turn_ticket;
    int64_t busy_until_us, paused_until_us;
    bool
        mid_turn; /* events were taken in, then it was paused: the turn goes on with another time */
    bool pause_mid_turn;
    int32_t crash_after_calls; /* port calls left before it crashes; -1: does not */
    bool doomed;               /* it is dead, only the call that killed it has not returned */
    bool stop_asked;
    int stop_code;
    char stop_reason[256];
    bool shutdown_wanted, shutting_down;
    uint64_t n_turns;

    struct seat *seats;
    size_t n_seats, seats_cap;

    /* what judge.c watches */
    struct shadow_entry *shadow;
    size_t n_shadow, shadow_cap; /* shadow[i] has index i + 1 */
    raft_index shadow_base;   /* nothing is known of entries up to here: a snapshot covers them */
    size_t shadow_registered; /* so many were compared with what others hold */
    bool shadow_cut;          /* in this turn */
    raft_id shadow_id;
    enum raft_role seen_role;
    raft_term seen_term;
    raft_term seen_led_term; /* it led this term when the turn began and when it ended; else 0 */
    raft_index seen_commit, seen_applied;
    int64_t leaderless_us; /* since when it knows no leader; INT64_MAX / 2: it knows one */
    bool digest_wanted;    /* its state was loaded, not grown */
    bool is_from_outside;  /* this process holds nothing of its cluster, or began with nothing */
    bool rot_begins;       /* it has just started: a fence that is up was there before */
    struct raft_configuration seen_configuration, previous_configuration;
};

struct process *process_new(struct world *world, uint32_t number);
void process_free(struct process *process);
void process_start(struct process *process);
void process_crash(struct process *process, enum crash_kind kind);
void process_pause(struct process *process, int64_t until_us);
void process_shutdown(struct process *process); /* clean stop, as by SIGTERM */
void process_wake(struct process *process, int64_t at_us);
/* Bytes are copied. Ignored by a process that is down. */
void process_arrive(
    struct process *process, enum arrival_type type, uint64_t id, struct slice bytes);
int64_t process_local_us(const struct process *process);
int64_t process_wall_ms(const struct process *process);

#endif
