/* Term and vote: the only two writers, and what is known of their durability. */
#include "raft/internal.h"

void term_change(struct raft *raft, raft_term term, raft_id vote) {
    SF_ASSERT(term > raft->term && term < RAFT_NUMBER_LIMIT);
    SF_ASSERT(term > log_last_term(&raft->log));
    raft->term = term;
    raft->vote = vote;
    raft->term_request = raft->vote_request = ++raft->hard_state_made;
    raft->proven = raft->acknowledged = raft->damage_target = 0;
    raft->acknowledgement_owed = false;
    raft->changed = true;
    outbox_drop_waiting(raft); /* of a term that has passed */
}

void vote_give(struct raft *raft, raft_id to) {
    SF_ASSERT(to != 0 && raft->damage == 0);
    SF_ASSERT(raft->vote == 0 || raft->vote == to);
    if (raft->vote == to) return;
    raft->vote = to;
    raft->vote_request = ++raft->hard_state_made;
}

bool term_is_durable(const struct raft *raft) {
    return raft->hard_state_saved >= raft->term_request;
}

void raft_step_hard_state_saved(struct raft *raft, uint64_t request, int64_t now_us) {
    clock_advance(raft, now_us);
    SF_ASSERT(request > 0 && request <= raft->hard_state_handed);
    if (request <= raft->hard_state_saved) return;
    raft->hard_state_saved = request;
    if (!term_is_durable(raft)) return;
    election_count_own_vote(raft);
    follower_acknowledge(raft);
}
