/* The commit index: its one writer, and the leader's counting. */
#include "raft/internal.h"

/* proven is
 *   follower: min(leader's commit, what this message or this term's appends proved) (R7);
 *   leader:   the highest index a quorum has durably matched, of its own term (R6). */
void commit_advance(struct raft *raft, raft_index proven) {
    SF_ASSERT(proven <= raft->log.last_index);
    if (proven <= raft->commit) return;
    if (raft->role == RAFT_LEADER)
        SF_ASSERT(log_term(&raft->log, proven) == raft->term);
    else
        SF_ASSERT(proven <= raft->proven);
    raft->commit = proven;
    raft->changed = true;
    configuration_committed(raft);
}

static uint64_t match_of(void *context, raft_id id) {
    const struct raft *raft = context;
    if (id == raft->self) return raft->log.synced_index;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        const struct peer *peer = &raft->peers[i];
        if (peer->id == id) return peer->damage != 0 ? 0 : peer->match;
    }
    return 0;
}

/* Section 3.6.2: an entry of an earlier term is committed only by one of the leader's own on top of
 * it (figure 3.7). */
void commit_count(struct raft *raft) {
    SF_ASSERT(raft->role == RAFT_LEADER && term_is_durable(raft) && raft->damage == 0);
    raft_index reached = configuration_quorum_value(raft_configuration(raft), match_of, raft);
    if (reached <= raft->commit || log_term(&raft->log, reached) != raft->term) return;
    commit_advance(raft, reached);
}
