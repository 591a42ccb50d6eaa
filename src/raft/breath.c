/* Heartbeats in the midst of applying a long entry (DESIGN 3): they keep the peace among leader and
 * followers, and move nothing else. What is not understood here is left for afterwards. */
#include "raft/internal.h"

static bool can_breathe(const struct raft *raft) {
    return raft->damage == 0 && !is_installing(raft) && term_is_durable(raft);
}

/* As follower_on_heartbeat without the commit index: the next heartbeat names it again. */
static bool breathe_as_follower(
    struct raft *raft, const struct raft_message *m, struct raft_message *answer) {
    if (raft->role != RAFT_FOLLOWER || raft->leader != m->from || m->round == 0) return false;
    SF_MARK("raft: a heartbeat is answered while an entry runs (not simulated)");
    election_hear_leader(raft, m->from);
    *answer = (struct raft_message){.type = RAFT_HEARTBEAT_ANSWER,
        .from = raft->self,
        .to = m->from,
        .term = raft->term,
        .round = m->round,
        .match = SF_MIN(raft->proven, raft->log.synced_index),
        .hint_index = raft->proven,
        .last_synced = raft->log.synced_index,
        .promise_ms = election_promise_ms(raft)};
    return true;
}

/* As leader_on_heartbeat_answer without what follows for commit, reads and losses: later answers
 * say all of it again. */
static bool breathe_as_leader(struct raft *raft, const struct raft_message *m) {
    struct peer *peer = peer_find(raft, m->from);
    if (raft->role != RAFT_LEADER || peer == NULL || peer->damage != 0 || m->damage != 0)
        return false;
    if (m->round > raft->round || m->match > m->hint_index) return false;
    if (m->hint_index > raft->log.last_index) return false;
    peer->last_contact_us = peer->quorum_contact_us = raft->now_us;
    peer->round = SF_MAX(peer->round, m->round);
    lease_extend(raft, peer, m);
    match_advance(raft, peer, m->match); /* so that it is told what is committed, and begins */
    return true;
}

bool raft_breathe_message(struct raft *raft, const struct raft_message *message, int64_t now_us,
    struct raft_message *answer) {
    answer->to = 0;
    clock_advance(raft, now_us);
    if (!can_breathe(raft) || message->term != raft->term) return false;
    if (message->from == raft->self || message->to != raft->self) return false;
    switch (message->type) {
    case RAFT_HEARTBEAT:
        return breathe_as_follower(raft, message, answer);
    case RAFT_HEARTBEAT_ANSWER:
        return breathe_as_leader(raft, message);
    default:
        return false;
    }
}

uint32_t raft_breathe(
    struct raft *raft, int64_t now_us, struct raft_message *messages, uint32_t max) {
    clock_advance(raft, now_us);
    if (raft->role != RAFT_LEADER || !can_breathe(raft) || raft->n_peers == 0) return 0;
    if (raft->now_us < raft->heartbeat_due_us) return 0;
    SF_MARK("raft: a leader's heartbeats go out while an entry runs (not simulated)");
    leader_note_round(raft);
    uint32_t n = SF_MIN(raft->n_peers, max);
    for (uint32_t i = 0; i < n; i++) {
        messages[i] = (struct raft_message){.type = RAFT_HEARTBEAT,
            .from = raft->self,
            .to = raft->peers[i].id,
            .term = raft->term,
            .commit = SF_MIN(raft->commit, raft->peers[i].match),
            .round = raft->round};
    }
    return n;
}
