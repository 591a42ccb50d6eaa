/* Which of the four a node is, and what begins and ends with it (dissertation, figure 3.3). */
#include "raft/internal.h"

static uint64_t is_self(void *context, raft_id id) {
    return id == ((const struct raft *)context)->self;
}

bool is_sole_voter(const struct raft *raft) {
    return configuration_quorum_value(raft_configuration(raft), is_self, (void *)raft) == 1;
}

static void leadership_end(struct raft *raft) {
    SF_ASSERT(raft->role == RAFT_LEADER);
    if (raft->n_reads > 0) SF_MARK("raft: reads fail as a leadership ends");
    peers_clear(raft);
    reads_fail(raft);
    raft->transfer_to = 0;
    raft->term_start = 0;
    raft->round_wanted = false;
}

static void role_set(struct raft *raft, enum raft_role role, raft_id leader) {
    if (raft->role == RAFT_LEADER && role != RAFT_LEADER) leadership_end(raft);
    if (raft->role != role || raft->leader != leader) raft->changed = true;
    raft->role = role;
    raft->leader = leader;
    if (role != RAFT_CANDIDATE && role != RAFT_PRE_CANDIDATE) raft->n_votes = 0;
}

/* The election timer goes on running where it did: a higher term alone is no word from a leader. */
void become_follower(struct raft *raft, raft_term term, raft_id leader) {
    SF_ASSERT(term >= raft->term && leader != raft->self);
    bool led = raft->role == RAFT_LEADER;
    role_set(raft, RAFT_FOLLOWER, leader);
    if (term > raft->term) term_change(raft, term, 0);
    if (led) election_arm(raft);
}

static void ask_voters(struct raft *raft, const struct raft_message *question, uint64_t waits_for) {
    const struct raft_configuration *configuration = raft_configuration(raft);
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (member->id == raft->self || !(member->voter_new || member->voter_old)) continue;
        struct raft_message message = *question;
        message.to = member->id;
        message.log_index = raft->log.last_index;
        message.log_term = log_last_term(&raft->log);
        send_when_saved(raft, &message, waits_for);
    }
}

/* Section 9.6. Nothing durable changes, so nothing waits. */
void become_pre_candidate(struct raft *raft) {
    SF_ASSERT(raft->role != RAFT_LEADER && may_campaign(raft));
    role_set(raft, RAFT_PRE_CANDIDATE, 0);
    raft->votes[0] = (struct vote_cast){raft->self, true};
    raft->n_votes = 1;
    election_arm(raft);
    struct raft_message question = {.type = RAFT_PRE_VOTE, .term = raft->term + 1};
    ask_voters(raft, &question, 0);
}

/* Its own vote is counted, and the others are asked, once term and vote are durable. */
void become_candidate(struct raft *raft, bool transfer) {
    SF_ASSERT(raft->role != RAFT_LEADER && may_campaign(raft));
    role_set(raft, RAFT_CANDIDATE, 0);
    raft->n_votes = 0;
    raft->candidacy_is_transfer = transfer;
    term_change(raft, raft->term + 1, raft->self);
    election_arm(raft);
    struct raft_message question = {.type = RAFT_VOTE, .term = raft->term, .transfer = transfer};
    ask_voters(raft, &question, raft->vote_request);
}

void become_leader(struct raft *raft) {
    SF_ASSERT(raft->role == RAFT_CANDIDATE && raft->vote == raft->self && raft->damage == 0);
    SF_ASSERT(raft->hard_state_saved >= raft->vote_request); /* R8: the term is durable */
    SF_ASSERT(raft->n_peers == 0 && raft->n_reads == 0);
    SF_ASSERT(!is_installing(raft));
    receiving_forget(raft);
    role_set(raft, RAFT_LEADER, raft->self);
    raft->transfer_to = 0;
    raft->timeout_now_sent = false;
    raft->heartbeat_due_us = raft->now_us;
    raft->round_wanted = true;
    for (uint32_t i = 0; i < raft->n_configurations; i++)
        peers_follow(raft, &raft->configurations[i]);
    raft->term_start = leader_append(raft, ENTRY_NOOP, NULL);
}
