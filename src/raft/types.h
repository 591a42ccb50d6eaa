/* The words that consensus and storage share. */
#ifndef SF_RAFT_TYPES_H
#define SF_RAFT_TYPES_H

#include "util/base.h"
#include "util/bytes.h"
#include "util/status.h"

typedef uint64_t raft_index; /* 1 is the first entry; 0 is "before the log" */
typedef uint64_t raft_term;  /* 0 only before the first election */
typedef uint64_t raft_id;    /* a node: random, never 0, never reused */

#define RAFT_MEMBERS_MAX 16 /* voters and learners, old and new, together */

/* The closed list of entries. Raft itself reads only the configuration's payload. The numbers are
 * on disk: never reuse one. */
#define RAFT_ENTRY_KINDS(X)                                                                        \
    X(ENTRY_NOOP, 1)          /* the first of each leader's term */                                \
    X(ENTRY_CONFIGURATION, 2) /* members (raft/configuration.h) */                                 \
    X(ENTRY_BATCH, 3)         /* commands of one loop turn (engine/entry.h) */                     \
    X(ENTRY_TICK, 4)          /* time only */                                                      \
    X(ENTRY_EVICTION, 5)                                                                           \
    X(ENTRY_SETTING, 6)                                                                            \
    X(ENTRY_WAITERS_REMOVED, 7)                                                                    \
    X(ENTRY_INCARNATION, 8) /* a node's forwarding incarnation begins */                           \
    X(ENTRY_DISSOLVE, 9)    /* this one-node cluster gives itself up for another */                \
    X(ENTRY_DIGEST_MARK, 10)                                                                       \
    X(ENTRY_FEATURE_LEVEL, 11)

enum raft_entry_kind {
#define X(name, number) name = number,
    RAFT_ENTRY_KINDS(X)
#undef X
};

struct raft_entry {
    raft_index index;
    raft_term term;
    uint8_t kind;          /* enum raft_entry_kind; unknown ones are carried, not judged, here */
    struct bytes *payload; /* one reference is held by whoever holds the entry; may be NULL */
};

/* Names an entry by its content, for an operator: equal on all nodes that hold it
 * (shardforge-check --entries shows it). */
#define RAFT_ENTRY_FORMAT 1
uint32_t raft_entry_crc(const struct raft_entry *entry);

/* What outlives the process (DESIGN 7, "An entry that kills the node"). */
struct applying_note {
    raft_id node;       /* whose log */
    raft_index index;   /* being applied; 0: none */
    raft_index died_at; /* the process died while applying this one ... */
    uint64_t deaths;    /* ... so many times in a row */
};

/* Consecutive entries of one term: from first up to the next run's first. */
struct raft_term_run {
    raft_index first;
    raft_term term;
};

/* One snapshot: the state after entry `index`, as a file that storage keeps. */
struct raft_snapshot {
    raft_index index; /* 0: none */
    raft_term term;   /* of that entry */
    uint64_t id;      /* random, below 2^62: equal id, equal bytes, on whatever node */
    uint64_t bytes;   /* of the whole file */
};

/* What must be durable before anything of a term leaves the node. */
struct raft_hard_state {
    raft_term term;
    raft_id vote; /* 0: none in this term */
};

#endif
