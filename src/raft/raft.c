/* The core's life, the dispatch of events, and what may be asked of it. Start here. */
#include "raft/internal.h"

int64_t after_ms(int64_t from_us, uint64_t ms) {
    int64_t sum;
    if (ms > INT64_MAX / 1000 || __builtin_add_overflow(from_us, (int64_t)ms * 1000, &sum))
        return INT64_MAX;
    return sum;
}

static void timers_follow_settings(struct raft *raft) {
    raft->timer_min_ms = raft->settings.election_timeout_min_ms;
    raft->timer_max_ms = raft->settings.election_timeout_max_ms;
    raft->timers_lower_us = 0;
}

void clock_advance(struct raft *raft, int64_t now_us) {
    raft->now_us = SF_MAX(raft->now_us, now_us);
    if (raft->timers_lower_us != 0 && raft->now_us >= raft->timers_lower_us)
        timers_follow_settings(raft);
}

/* Timers rise at once and sink one old maximum later (README, "Election timing"). */
static void timers_adapt(struct raft *raft) {
    uint32_t least = raft->settings.election_timeout_min_ms;
    uint32_t most = raft->settings.election_timeout_max_ms;
    uint32_t old_max_ms = raft->timer_max_ms;
    bool sinks = least < raft->timer_min_ms || most < raft->timer_max_ms;
    raft->timer_min_ms = SF_MAX(raft->timer_min_ms, least);
    raft->timer_max_ms = SF_MAX(raft->timer_max_ms, most);
    raft->timers_lower_us = sinks ? after_ms(raft->now_us, old_max_ms) : 0;
}

void raft_set_settings(struct raft *raft, const struct raft_settings *settings) {
    struct raft_settings *own = &raft->settings;
    const struct raft_settings before = *own;
    *own = *settings;
    own->election_timeout_min_ms = SF_MAX(own->election_timeout_min_ms, 1);
    own->election_timeout_max_ms =
        SF_MAX(own->election_timeout_max_ms, own->election_timeout_min_ms);
    own->heartbeat_interval_ms = SF_MAX(own->heartbeat_interval_ms, 1);
    own->batch_bytes = SF_MAX(own->batch_bytes, 1);
    own->window_bytes = SF_MAX(own->window_bytes, 1);
    own->window_messages = SF_MIN(SF_MAX(own->window_messages, 1), 4096);
    if (own->election_timeout_min_ms != before.election_timeout_min_ms ||
        own->election_timeout_max_ms != before.election_timeout_max_ms)
        timers_adapt(raft);
}

static void configurations_start(struct raft *raft, const struct raft_start *start) {
    raft->cap_configurations = 4;
    raft->configurations = sf_alloc(raft->cap_configurations * sizeof *raft->configurations);
    if (start->configuration_index > 0) {
        SF_ASSERT(start->previous_configuration_index < start->configuration_index);
        raft->configurations[raft->n_configurations++] = (struct configuration_record){
            start->previous_configuration_index, start->previous_configuration};
    }
    raft->configurations[raft->n_configurations++] =
        (struct configuration_record){start->configuration_index, start->configuration};
}

static bool was_sole_voter(const struct raft *raft) {
    const struct raft_configuration *before = &raft->configurations[0].configuration;
    for (uint32_t i = 0; i < before->n; i++) {
        const struct raft_member *member = &before->members[i];
        if (member->id != raft->self && (member->voter_new || member->voter_old)) return false;
    }
    return is_sole_voter(raft);
}

struct raft *raft_new(const struct raft_start *start) {
    SF_ASSERT(start->self != 0);
    struct raft *raft = sf_alloc_zero(1, sizeof *raft);
    raft->self = start->self;
    raft->random = random_from(start->seed);
    raft->now_us = SF_MAX(start->now_us, 0);
    raft_set_settings(raft, &start->settings);
    timers_follow_settings(raft);
    raft->term = start->hard_state.term;
    raft->vote = start->hard_state.vote;
    if (start->damaged) raft->damage = 1 + random_below(&raft->random, UINT32_MAX);
    log_init(&raft->log, start);
    SF_ASSERT(raft->term >= log_last_term(&raft->log) && raft->term < RAFT_NUMBER_LIMIT);
    SF_ASSERT(start->configuration_index <= raft->log.last_index);
    raft->snapshot = start->snapshot;
    SF_ASSERT(raft->snapshot.index >= raft->log.base_index);
    raft->commit = SF_MAX(start->applied, raft->log.base_index);
    raft->applied = start->applied;
    SF_ASSERT(raft->commit <= raft->log.last_index);
    configurations_start(raft, start);
    configuration_committed(raft);
    /* A restarted node counts its start as a word from a leader: it may have been told one just
     * before, and a lease may rest on it (R10). A sole voter can only have been its own, unless
     * the others were removed so lately that one of them may still lead. */
    if (was_sole_voter(raft)) {
        raft->sticky_until_us = RAFT_NEVER_US;
        raft->election_deadline_us = raft->now_us;
    } else {
        /* At least as long as any life of it may have promised: its settings were perhaps others,
         * and the log that tells them is not applied yet. */
        uint32_t least_ms = SF_MAX(raft->timer_min_ms, (uint32_t)RAFT_LEASE_MAX_MS);
        raft->sticky_until_us = after_ms(raft->now_us, least_ms);
        election_arm(raft);
    }
    raft->changed = true;
    return raft;
}

void raft_free(struct raft *raft) {
    if (raft == NULL) return;
    peers_clear(raft);
    raft->receiving.is_installing = false;
    receiving_forget(raft);
    receiving_release(raft);
    read_ahead_release(raft, UINT64_MAX);
    log_free(&raft->log);
    sf_free(raft->configurations);
    sf_free(raft->ahead);
    sf_free(raft->reads);
    sf_free(raft->reads_out);
    sf_free(raft->outbox);
    sf_free(raft->out.messages);
    sf_free(raft->out.reads);
    sf_free(raft);
}

/* -- events ---------------------------------------------------------------------------------- */

void raft_step_tick(struct raft *raft, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role == RAFT_LEADER)
        leader_tick(raft);
    else
        election_tick(raft);
    read_ahead_tick(raft);
}

static bool is_of_leader(enum raft_message_type type) {
    return type == RAFT_APPEND || type == RAFT_HEARTBEAT || type == RAFT_SNAPSHOT;
}

/* A higher term ends whatever this node was (section 3.3), except that it only was a question
 * (pre-vote), or that this node may not care for the asker yet (vote: stickiness is judged first).
 */
static void adopt_term(struct raft *raft, const struct raft_message *m) {
    if (m->term <= raft->term) return;
    if (m->type == RAFT_PRE_VOTE || m->type == RAFT_VOTE) return;
    if (m->type == RAFT_PRE_VOTE_ANSWER && m->granted) return;
    if (is_of_leader(m->type)) return; /* with its leader, below */
    become_follower(raft, m->term, 0);
}

/* Tells a leader of an earlier term that it is one. */
static void answer_lower_term(struct raft *raft, const struct raft_message *m) {
    SF_ASSERT(m->term < raft->term);
    if (!is_of_leader(m->type)) return;
    SF_MARK("raft: a leader of an earlier term is told");
    struct raft_message answer = {
        .type = m->type == RAFT_APPEND ? RAFT_APPEND_ANSWER : RAFT_HEARTBEAT_ANSWER,
        .to = m->from,
        .term = raft->term,
        .log_index = m->type == RAFT_APPEND ? m->log_index : 0};
    send_in_term(raft, &answer);
}

static bool is_election_message(enum raft_message_type type) {
    return type == RAFT_PRE_VOTE || type == RAFT_VOTE || type == RAFT_PRE_VOTE_ANSWER ||
           type == RAFT_VOTE_ANSWER;
}

static bool is_answer(enum raft_message_type type) {
    return type == RAFT_PRE_VOTE_ANSWER || type == RAFT_VOTE_ANSWER || type == RAFT_APPEND_ANSWER ||
           type == RAFT_HEARTBEAT_ANSWER || type == RAFT_SNAPSHOT_ANSWER;
}

static bool is_stranger(struct raft *raft, raft_id id) {
    return configuration_find(raft_configuration(raft), id) == NULL && peer_find(raft, id) == NULL;
}

static void dispatch(struct raft *raft, const struct raft_message *m) {
    switch (m->type) {
    case RAFT_PRE_VOTE:
        election_on_pre_vote(raft, m);
        break;
    case RAFT_VOTE:
        election_on_vote(raft, m);
        break;
    case RAFT_PRE_VOTE_ANSWER:
    case RAFT_VOTE_ANSWER:
        election_on_answer(raft, m);
        break;
    case RAFT_APPEND:
        follower_on_append(raft, m);
        break;
    case RAFT_HEARTBEAT:
        follower_on_heartbeat(raft, m);
        break;
    case RAFT_TIMEOUT_NOW:
        follower_on_timeout_now(raft, m);
        break;
    case RAFT_APPEND_ANSWER:
        leader_on_append_answer(raft, m);
        break;
    case RAFT_HEARTBEAT_ANSWER:
        leader_on_heartbeat_answer(raft, m);
        break;
    case RAFT_SNAPSHOT:
        follower_on_snapshot(raft, m);
        break;
    case RAFT_SNAPSHOT_ANSWER:
        leader_on_snapshot_answer(raft, m);
        break;
    case RAFT_MESSAGE_TYPES:
        break;
    }
}

void raft_step_message(struct raft *raft, const struct raft_message *message, int64_t now_us) {
    clock_advance(raft, now_us);
    if (!message_makes_sense(raft, message)) return;
    if (is_answer(message->type) && is_stranger(raft, message->from))
        SF_MARK("raft: an answer of a stranger");
    if (is_answer(message->type) && is_stranger(raft, message->from)) return;
    adopt_term(raft, message);
    if (message->term < raft->term && !is_election_message(message->type)) {
        answer_lower_term(raft, message);
        return;
    }
    dispatch(raft, message);
    SF_ASSERT(raft->commit <= raft->log.last_index && raft->applied <= raft->commit);
    SF_ASSERT(raft->term >= log_last_term(&raft->log));
}

void raft_step_link_lost(struct raft *raft, raft_id peer_id, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role == RAFT_LEADER) {
        struct peer *peer = peer_find(raft, peer_id);
        if (peer == NULL) return;
        peer->commit_told = 0;
        if (peer->mode == PEER_SNAPSHOT)
            transfer_ask(raft, peer, raft->now_us);
        else
            peer_probe(
                raft, peer, peer->mode == PEER_REPLICATE ? peer->match + 1 : peer->next, false);
    } else if (raft->leader == peer_id && peer_id != 0) {
        election_link_lost(raft);
    }
}

enum sf_status raft_propose(
    struct raft *raft, uint8_t kind, struct bytes *payload, int64_t now_us, raft_index *index) {
    clock_advance(raft, now_us);
    SF_ASSERT(kind != ENTRY_CONFIGURATION);
    if (raft->role != RAFT_LEADER || raft->transfer_to != 0) return SF_ERR_NOT_LEADER;
    *index = leader_append(raft, kind, payload);
    return SF_OK;
}

void raft_step_appended(struct raft *raft, uint64_t request, raft_index last_index,
    raft_term last_term, int64_t now_us) {
    clock_advance(raft, now_us);
    if (!log_appended(&raft->log, request, last_index, last_term)) return;
    if (raft->role == RAFT_LEADER)
        commit_count(raft);
    else
        follower_acknowledge(raft);
    follower_check_damage(raft);
    log_evict(&raft->log, raft->applied, raft->settings.cache_bytes);
}

void raft_step_applied(struct raft *raft, raft_index index) {
    SF_ASSERT(index >= raft->applied && index <= raft->commit);
    raft->applied = index;
    read_ahead_release(raft, index);
    log_evict(&raft->log, raft->applied, raft->settings.cache_bytes);
}

/* -- state ----------------------------------------------------------------------------------- */

raft_id raft_self(const struct raft *raft) {
    return raft->self;
}

enum raft_role raft_role(const struct raft *raft) {
    return raft->role;
}

raft_term raft_current_term(const struct raft *raft) {
    return raft->term;
}

raft_id raft_leader(const struct raft *raft) {
    return raft->leader;
}

raft_index raft_commit_index(const struct raft *raft) {
    return raft->commit;
}

raft_index raft_heard_commit_index(const struct raft *raft) {
    return raft->heard_commit;
}

raft_index raft_first_index(const struct raft *raft) {
    return raft->log.base_index + 1;
}

bool raft_is_installing(const struct raft *raft) {
    return is_installing(raft);
}

raft_index raft_snapshot_index(const struct raft *raft) {
    return raft->snapshot.index;
}

raft_index raft_last_index(const struct raft *raft) {
    return raft->log.last_index;
}

raft_index raft_synced_index(const struct raft *raft) {
    return raft->log.synced_index;
}

raft_term raft_term_at(const struct raft *raft, raft_index index) {
    return log_term(&raft->log, index);
}

bool raft_is_serving(const struct raft *raft) {
    return raft->role == RAFT_LEADER && raft->commit >= raft->term_start;
}

raft_index raft_term_start_index(const struct raft *raft) {
    return raft->term_start;
}

const struct raft_configuration *raft_configuration(const struct raft *raft) {
    return &configuration_in_force(raft)->configuration;
}

raft_index raft_configuration_index(const struct raft *raft) {
    return configuration_in_force(raft)->index;
}

bool raft_is_damaged(const struct raft *raft) {
    return raft->damage != 0;
}

bool raft_transferring(const struct raft *raft) {
    return raft->transfer_to != 0;
}

bool raft_peer(const struct raft *raft, raft_id id, struct raft_peer_status *out) {
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        const struct peer *peer = &raft->peers[i];
        if (peer->id != id) continue;
        *out = (struct raft_peer_status){.id = id,
            .match = peer->match,
            .next = peer->next,
            .last_contact_us = peer->last_contact_us,
            .in_flight = peer->n_in_flight,
            .probing = peer->mode == PEER_PROBE,
            .receives_snapshot = peer->mode == PEER_SNAPSHOT,
            .snapshot_bytes = peer->transfer.snapshot.bytes,
            .snapshot_sent = peer->transfer.written};
        return true;
    }
    return false;
}

int64_t raft_next_deadline_us(const struct raft *raft) {
    int64_t next =
        raft->role == RAFT_LEADER ? leader_next_deadline_us(raft) : raft->election_deadline_us;
    return raft->ahead_not_before_us == 0 ? next : SF_MIN(next, raft->ahead_not_before_us);
}
