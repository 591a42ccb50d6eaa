/* One simulated world: virtual time, one sequence of chance, and everything in it. */
#ifndef SF_SIM_WORLD_H
#define SF_SIM_WORLD_H

#include "sim/queue.h"
#include "util/random.h"

enum { NODES_MAX = 7, SIM_DATABASES = 2 };

/* What a run may meet; printed with --coverage. */
#define SIM_COVERAGE(X)                                                                            \
    X(COVER_KILL, "process killed")                                                                \
    X(COVER_POWER, "power lost")                                                                   \
    X(COVER_MID_TURN, "crash between two effects of a turn")                                       \
    X(COVER_BLACKOUT, "power lost everywhere")                                                     \
    X(COVER_SHUTDOWN, "clean stop")                                                                \
    X(COVER_PAUSE, "process paused")                                                               \
    X(COVER_PARTITION, "partition in two halves")                                                  \
    X(COVER_ISOLATE, "one node cut off")                                                           \
    X(COVER_ONE_WAY, "one direction cut")                                                          \
    X(COVER_BRIDGE, "two halves joined by a bridge")                                               \
    X(COVER_FLAP, "flapping link")                                                                 \
    X(COVER_BREAK, "connections reset")                                                            \
    X(COVER_SLOW_LINK, "slow link")                                                                \
    X(COVER_NIGHTMARE, "messages doubled, late, out of order, lost")                               \
    X(COVER_SLOW_DISK, "slow disk")                                                                \
    X(COVER_STALL, "disk stall")                                                                   \
    X(COVER_FULL, "disk full")                                                                     \
    X(COVER_DISK_FAILED, "disk failed, process left")                                              \
    X(COVER_WALL_JUMP, "wall clock jumped")                                                        \
    X(COVER_TRANSFER, "leadership transfer asked for")                                             \
    X(COVER_WIPE, "disk replaced, node joins anew")                                                \
    X(COVER_FORGET, "member forgotten and met again")                                              \
    X(COVER_COPY, "copy of a directory taken, to be put back later")                               \
    X(COVER_LOST_TAIL, "disk lost synced entries")                                                 \
    X(COVER_ROT, "a bit of memory falls over")                                                     \
    X(COVER_DRILL_LEASE, "drill: leader unheard, late answers")                                    \
    X(COVER_DRILL_PROMISE, "drill: a follower dies with a promise")                                \
    X(COVER_DRILL_READS, "drill: leader away while many read")                                     \
    X(COVER_DRILL_STALL, "drill: leader cut off, its disk stands still")                           \
    X(COVER_DRILL_JOINT, "drill: a voter cut off while members change")                            \
    X(COVER_DRILL_CUT, "drill: crash as the log is cut or replaced")                               \
    X(COVER_DRILL_DEPOSED, "drill: a leader hears nothing of its successor while all ask it")      \
    X(COVER_DRILL_CHUNK, "drill: connection reset between two pieces of a snapshot")               \
    X(COVER_DRILL_RETELL, "drill: connection reset while a snapshot is installed")                 \
    X(COVER_DRILL_LAG, "drill: a node is far behind when the faults end")                          \
    X(COVER_COPY_BACK, "old copy put back")                                                        \
    X(COVER_COPY_DARK, "old copy put back while nobody is up")                                     \
    X(COVER_COPY_REFUSED, "old copy refused")                                                      \
    X(COVER_DEADLY, "process killed by an entry")                                                  \
    X(COVER_SKIPPED, "entry skipped that kills all")                                               \
    X(COVER_DEADLY_ONE, "disk replaced of the one that an entry kills")                            \
    X(COVER_STRANGER, "wiped node begins a cluster of its own at its address")                     \
    X(COVER_SNAPSHOT, "snapshot taken")                                                            \
    X(COVER_PREFIX, "log prefix dropped")                                                          \
    X(COVER_CHUNK, "chunk of a snapshot received")                                                 \
    X(COVER_INSTALLED, "state taken from a snapshot")                                              \
    X(COVER_LOADED, "restart from a snapshot")                                                     \
    X(COVER_FENCED, "a node that differs is fenced")                                               \
    X(COVER_REBUILT, "a fenced node begins anew")                                                  \
    X(COVER_ROT_SPREAD, "snapshot of a node that differs installed (rare)")                        \
    X(COVER_MARK, "digests of all nodes asked for")                                                \
    X(COVER_TORN_TAIL, "restart with part of an unanswered batch")                                 \
    X(COVER_ELECTION, "leader elected")                                                            \
    X(COVER_TRUNCATION, "log suffix truncated")                                                    \
    X(COVER_MESSAGE_DOUBLED, "message doubled")                                                    \
    X(COVER_MESSAGE_HOSTILE, "message late on a later connection")                                 \
    X(COVER_MESSAGE_FITTING, "old message just when its numbers fit")                              \
    X(COVER_MESSAGE_LATE, "message late")                                                          \
    X(COVER_ANSWERED, "call answered")                                                             \
    X(COVER_REFUSED, "call not executed")                                                          \
    X(COVER_UNCERTAIN, "call uncertain")                                                           \
    X(COVER_UNKNOWN, "call without an answer")                                                     \
    X(COVER_UNKNOWN_RAN, "call without an answer that had run")                                    \
    X(COVER_EXEC, "transaction run")                                                               \
    X(COVER_EXEC_VOID, "transaction void, since a watched key had changed")                        \
    X(COVER_EXEC_FALSE, "transaction void, a key watched as absent (rare)")                        \
    X(COVER_EXEC_READ, "transaction of reads alone")                                               \
    X(COVER_WAITS, "client waits for a key")                                                       \
    X(COVER_SERVED, "waiting client answered")                                                     \
    X(COVER_UNBLOCKED, "waiting client unblocked by another")                                      \
    X(COVER_WAITS_GONE, "waiting client taken out, since it had gone")                             \
    X(COVER_WAITS_REMOVED, "waiting client taken out with its node")                               \
    X(COVER_WAITS_AGAIN, "client queued again")                                                    \
    X(COVER_BANK, "balances asked for and written")                                                \
    X(COVER_PUBLISHED, "message published")                                                        \
    X(COVER_HEARD, "message heard by a subscriber")                                                \
    X(COVER_LOOKED_BEHIND, "subscriber looks for what was written before")                         \
    X(COVER_PUBLISHED_CALM, "message that all must hear")                                          \
    X(COVER_TOLD, "message published by the log")                                                  \
    X(COVER_TOLD_HEARD, "message of the log heard by a subscriber")                                \
    X(COVER_EVENT, "keyspace notification")                                                        \
    X(COVER_CACHE_HIT, "read from a client's cache")                                               \
    X(COVER_INVALIDATED, "cached keys invalidated")                                                \
    X(COVER_REDIRECTED, "read from the cache of a client that is told elsewhere")                  \
    X(COVER_USER_RAN, "command of a user with rights")                                             \
    X(COVER_USER_DENIED, "command of a user without the right")                                    \
    X(COVER_USER_DENIED_LATE, "command in the log of a user who lost the right")                   \
    X(COVER_USER_DELETED, "user deleted")                                                          \
    X(COVER_EVICTED, "key evicted")                                                                \
    X(COVER_SPARED, "key chosen to be evicted that had changed since")                             \
    X(COVER_OOM, "batch without memory (rare)")                                                    \
    X(COVER_EXPIRED, "key expired")                                                                \
    X(COVER_STALE_BATCH, "void sub-batch in the log (rare)")                                       \
    X(COVER_STALE_READ, "stale read that shows the past")                                          \
    X(COVER_QUESTIONED, "grown and loaded state questioned")                                       \
    X(COVER_RELOADED, "state loaded from an image in the verdict")                                 \
    X(COVER_DIGEST, "digests compared")                                                            \
    X(COVER_ENTRIES, "entries committed")

enum sim_coverage {
#define X(name, text) name,
    SIM_COVERAGE(X)
#undef X
        COVER_KINDS
};

struct process;
struct network;
struct history;
struct judge;
struct clients;
struct faults;
struct listening;
struct deadly;
struct members;
struct rot;

struct world_options {
    uint64_t seed;
    uint32_t n_nodes;    /* 0: by chance, mostly 3 */
    bool transcript;     /* print what happens */
    bool messages;       /* ... each message of Raft too */
    int64_t duration_us; /* of the phase with faults, at least */
};

struct world {
    struct world_options options;
    struct queue queue;
    struct random random; /* every choice outside the nodes */
    struct random other;  /* what came later: draws of it leave the others as they were */
    uint32_t n_nodes;
    bool tight;     /* elections as soon as promises end, clocks as uneven as leases allow (R10) */
    bool large;     /* collections grow beyond what is packed */
    bool hostile;   /* the network is at its worst most of the time, and processes die often */
    bool reads;     /* drills that would show stale reads */
    bool stalls;    /* drills with a leader whose disk stands still */
    bool deadlier;  /* an entry kills whoever applies it, or one of them */
    bool evicts;    /* there is a limit of memory, and keys go before it is passed */
    bool notifies;  /* keyspace notifications are on */
    bool rests;     /* when the faults have ended clients go on for a while */
    bool chunks;    /* snapshots go over in small pieces, and connections break meanwhile */
    bool churn;     /* members change often, and somebody is cut off while they do */
    bool tells;     /* transactions and scripts publish */
    bool redirects; /* caches whose invalidations come on another connection */
    bool retells;   /* leaders are made to tell again of a snapshot that is being installed */
    bool guarded;   /* users whose rights change */
    uint32_t index_percent;               /* of the nodes ask a quorum for each read */
    int64_t hot_until_us, quiet_until_us; /* drills.h */
    uint32_t last_resets;                 /* ... left when the faults have ended */
    int64_t think_us;                     /* of a client between two pipelines, at most */
    bool upgrades;                        /* nodes are restarted with newer builds */
    struct process *processes[NODES_MAX];
    struct network *network;
    struct history *history;
    struct judge *judge;
    struct clients *clients;
    struct faults *faults;
    struct listening *listening;
    struct deadly *deadly;
    struct members *members;
    struct rot *rot;
    bool failed;
    char failure[600];
    uint64_t coverage[COVER_KINDS];
};

/* Builds a cluster, plays, heals, judges. The outcome is in failed, failure and coverage. */
void world_run(struct world *world, const struct world_options *options);
void world_clear(struct world *world);

int64_t world_now_us(const struct world *world);
int64_t world_wall_ms(const struct world *world); /* of a perfect clock */
uint64_t world_below(struct world *world, uint64_t bound);
int64_t world_between(struct world *world, int64_t low, int64_t high); /* both inclusive */
bool world_chance(struct world *world, uint32_t percent);
bool world_other_chance(struct world *world, uint32_t percent);
/* The first failure is kept; the run ends after the event that found it. */
void world_fail(struct world *world, const char *format, ...) SF_PRINTF(2, 3);
/* A line of the transcript about node `number` (-1: none). */
void world_note(struct world *world, int number, const char *format, ...) SF_PRINTF(3, 4);

const char *coverage_text(enum sim_coverage kind);

#endif
