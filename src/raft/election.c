/* Elections: timers, pre-vote (section 9.6), stickiness (section 4.2.3), counting of votes. */
#include "raft/internal.h"

static int64_t random_us(struct raft *raft, uint64_t bound_ms) {
    return (int64_t)random_below(&raft->random, bound_ms * 1000 + 1);
}

void election_arm(struct raft *raft) {
    uint32_t spread_ms = raft->timer_max_ms - raft->timer_min_ms;
    int64_t deadline = after_ms(raft->now_us, raft->timer_min_ms) + random_us(raft, spread_ms);
    raft->election_deadline_us = SF_MAX(deadline, raft->sticky_until_us);
}

/* What an answer to a heartbeat promises. Never more than a node that has just started keeps
 * without knowing what its former life's settings were. */
uint32_t election_promise_ms(const struct raft *raft) {
    return SF_MIN(raft->settings.election_timeout_min_ms, (uint32_t)RAFT_LEASE_MAX_MS);
}

void election_hear_leader(struct raft *raft, raft_id leader) {
    SF_ASSERT(raft->role == RAFT_FOLLOWER && leader != raft->self);
    if (raft->leader != leader) raft->changed = true;
    raft->leader = leader;
    int64_t sticky = after_ms(raft->now_us, SF_MAX(raft->timer_min_ms, election_promise_ms(raft)));
    raft->sticky_until_us = SF_MAX(raft->sticky_until_us, sticky);
    election_arm(raft);
}

void election_link_lost(struct raft *raft) {
    if (raft->sticky_until_us == RAFT_NEVER_US) return;
    int64_t early = raft->sticky_until_us + random_us(raft, LINK_LOST_JITTER_MS);
    SF_MARK("raft: the leader's connection is lost");
    raft->election_deadline_us = SF_MIN(raft->election_deadline_us, early);
}

/* A voter of the configuration in force, or of one that it is to replace but has not yet for
 * certain: such a node may hold the only log that can win (section 4.2.2). It counts itself only
 * where it is a voter. */
bool may_campaign(const struct raft *raft) {
    if (raft->damage != 0 || is_installing(raft)) return false;
    for (uint32_t i = 0; i < raft->n_configurations; i++)
        if (configuration_is_voter(&raft->configurations[i].configuration, raft->self)) return true;
    return false;
}

void election_tick(struct raft *raft) {
    SF_ASSERT(raft->role != RAFT_LEADER);
    if (raft->now_us < raft->election_deadline_us) return;
    bool waits_for_disk =
        raft->role == RAFT_CANDIDATE && raft->hard_state_saved < raft->vote_request;
    if (waits_for_disk) {
        SF_MARK("raft: a candidacy waits for the disk");
        /* A stalled disk must not pile up candidacies of which none was ever asked for. */
        election_arm(raft);
    } else if (!may_campaign(raft)) {
        SF_MARK("raft: one that may not stand waits on");
        become_follower(raft, raft->term, 0);
        election_arm(raft);
    } else if (raft->settings.pre_vote && !is_sole_voter(raft)) {
        become_pre_candidate(raft);
    } else {
        become_candidate(raft, false);
    }
}

/* How long this node still refuses other candidates: since the last word from a leader (or from a
 * quorum, for the leader itself) less than the minimum election timeout has passed. */
static int64_t stickiness_left_us(const struct raft *raft) {
    int64_t until = raft->sticky_until_us;
    if (raft->role == RAFT_LEADER)
        until = after_ms(leader_quorum_contact_us(raft), raft->timer_min_ms);
    return until > raft->now_us ? until - raft->now_us : 0;
}

static void refuse(struct raft *raft, const struct raft_message *m, enum raft_message_type type,
    int64_t sticky_us) {
    struct raft_message answer = {.type = type,
        .to = m->from,
        .term = raft->term,
        .retry_after_ms = (uint32_t)((sticky_us + 999) / 1000)};
    send_in_term(raft, &answer);
}

/* Section 3.6.1. */
static bool is_up_to_date(const struct raft *raft, const struct raft_message *m) {
    raft_term own = log_last_term(&raft->log);
    return m->log_term > own || (m->log_term == own && m->log_index >= raft->log.last_index);
}

void election_on_pre_vote(struct raft *raft, const struct raft_message *m) {
    int64_t sticky_us = stickiness_left_us(raft);
    if (sticky_us > 0) SF_MARK("raft: a pre-vote is refused for a leader's sake");
    bool could_vote = m->term > raft->term ||
                      (m->term == raft->term && (raft->vote == 0 || raft->vote == m->from));
    if (sticky_us > 0 || !could_vote || raft->damage != 0 || !is_up_to_date(raft, m)) {
        refuse(raft, m, RAFT_PRE_VOTE_ANSWER, sticky_us);
        return;
    }
    struct raft_message answer = {
        .type = RAFT_PRE_VOTE_ANSWER, .to = m->from, .term = m->term, .granted = true};
    send_when_saved(raft, &answer, 0);
}

void election_on_vote(struct raft *raft, const struct raft_message *m) {
    int64_t sticky_us = m->transfer ? 0 : stickiness_left_us(raft);
    if (sticky_us > 0) SF_MARK("raft: a vote is refused for a leader's sake");
    if (sticky_us > 0 || m->term < raft->term) {
        refuse(raft, m, RAFT_VOTE_ANSWER, sticky_us); /* the candidate's term is not even adopted */
        return;
    }
    if (m->term > raft->term) become_follower(raft, m->term, 0);
    bool is_free = raft->vote == 0 || raft->vote == m->from;
    if (!is_free || raft->damage != 0 || !is_up_to_date(raft, m)) {
        SF_MARK("raft: a vote is refused in its term");
        refuse(raft, m, RAFT_VOTE_ANSWER, 0);
        return;
    }
    become_follower(raft, raft->term, raft->leader);
    vote_give(raft, m->from);
    election_arm(raft);
    struct raft_message answer = {
        .type = RAFT_VOTE_ANSWER, .to = m->from, .term = raft->term, .granted = true};
    send_when_saved(raft, &answer, raft->vote_request);
}

static uint64_t vote_of(void *context, raft_id id) {
    const struct raft *raft = context;
    for (uint32_t i = 0; i < raft->n_votes; i++)
        if (raft->votes[i].from == id) return raft->votes[i].granted;
    return 0;
}

static void vote_record(struct raft *raft, raft_id from, bool granted) {
    if (!configuration_is_voter(raft_configuration(raft), from)) return;
    for (uint32_t i = 0; i < raft->n_votes; i++)
        if (raft->votes[i].from == from) return; /* a doubled message */
    SF_ASSERT(raft->n_votes < RAFT_MEMBERS_MAX);
    raft->votes[raft->n_votes++] = (struct vote_cast){from, granted};
    if (configuration_quorum_value(raft_configuration(raft), vote_of, raft) == 0) return;
    if (raft->role == RAFT_PRE_CANDIDATE)
        become_candidate(raft, false);
    else
        become_leader(raft);
}

void election_count_own_vote(struct raft *raft) {
    if (raft->role != RAFT_CANDIDATE || raft->hard_state_saved < raft->vote_request) return;
    election_arm(raft); /* the others are asked only now */
    vote_record(raft, raft->self, true);
}

/* The refusing node will listen to candidates in a moment: be there then, instead of an election
 * timeout later. */
static void retry_when_told(struct raft *raft, uint32_t retry_after_ms) {
    SF_MARK("raft: a refused candidate comes back when it was told");
    uint32_t ms = SF_MIN(retry_after_ms, raft->timer_max_ms);
    int64_t retry = after_ms(raft->now_us, ms) + random_us(raft, RETRY_JITTER_MS);
    retry = SF_MAX(retry, raft->sticky_until_us);
    raft->election_deadline_us = SF_MIN(raft->election_deadline_us, retry);
}

void election_on_answer(struct raft *raft, const struct raft_message *m) {
    bool is_pre = m->type == RAFT_PRE_VOTE_ANSWER;
    if (raft->role != (is_pre ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE)) return;
    if (!is_pre && raft->hard_state_saved < raft->vote_request) return; /* nobody was asked yet */
    if (m->granted) {
        if (m->term == (is_pre ? raft->term + 1 : raft->term)) vote_record(raft, m->from, true);
        return;
    }
    if (m->retry_after_ms > 0)
        retry_when_told(raft, m->retry_after_ms);
    else if (!is_pre && m->term == raft->term)
        vote_record(raft, m->from, false);
}
