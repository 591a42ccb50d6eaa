/* The checkers that watch from outside the nodes, each cluster's record apart (a node that has not
 * joined yet is a cluster of its own).
 *
 *   R1      one leader a term, elected by a majority        role and term after each turn; votes on
 *           of disks                                        disks
 *   R2      a leader never cuts its log                     truncations asked of storage
 *   R3      same (index, term): same entry and same prefix  every entry asked of storage
 *   R4      a leader has all entries committed earlier      at each election
 *   R5, R7  committed and applied entries are equal         each step of a commit index
 *   R6, R8  a commit stands on a majority of *disks*; nothing of a term leaves before the term is
 *           durable; acknowledgements name durable entries  commit steps; messages sent
 *   R9      one change of members at a time                 a leader's uncommitted entries
 *   R10     no lease outlasts an election              each leader's, when another is elected
 *   S1      equal state at equal index                      digests; engines grown and reloaded */
#ifndef SF_SIM_JUDGE_H
#define SF_SIM_JUDGE_H

#include "sim/process.h"

struct committed {
    raft_term term;
    raft_term committed_in; /* at most: the term of the first node that was seen to know it */
    uint8_t kind;
    struct bytes *payload;
    uint64_t digest; /* of the state after it, as the first node had it; 0: nobody looked */
};

struct commit_time { /* from then on that much was known committed */
    int64_t at_us;
    raft_index index;
};

struct cluster_record {
    char id[CLUSTER_ID_CHARS + 1];
    struct committed *log; /* log[i] has index i + 1 */
    size_t n, cap;
    struct commit_time *times;
    size_t n_times, times_cap;
    raft_id *leaders; /* by term; 0: none seen */
    size_t n_leaders;
    struct seen_entry *seen; /* open addressing by (index, term) */
    size_t n_seen, seen_size;
};

struct judge;

struct judge *judge_new(struct world *world);
void judge_free(struct judge *judge);

/* What processes tell, from their ports and after each turn. */
void judge_on_start(struct process *process, raft_id id);
/* other_cluster: than this process was in until now; false where it was in none. */
void judge_on_identity(struct process *process, raft_id id, bool other_cluster);
void judge_on_append(struct process *process, const struct raft_append_request *request);
/* A snapshot is saved, or was received whole: its configuration is the committed log's. */
void judge_on_snapshot(struct process *process, const struct node_snapshot *snapshot);
void judge_on_installed(struct process *process, const struct raft_snapshot *place);
void judge_on_send(struct process *process, struct slice message);
void judge_turn(struct process *process);

/* quorum.c: majorities counted apart from src, of both halves of a joint configuration. */
bool quorum_holds(const struct raft_configuration *configuration,
    bool (*holds)(void *context, raft_id id), void *context);

/* The record of a cluster, NULL when unknown. */
struct cluster_record *judge_cluster(struct judge *judge, const char *id);
raft_index commit_known_at(const struct cluster_record *record, int64_t at_us);
/* verdict.c, places.c: every call against the model of the committed log. */
void verdict(struct world *world, const struct cluster_record *record);

#endif
