/* The leader's side of replication: what is sent when, and what the answers say (section 3.5;
 * pipelining: section 10.2.2). */
#include "raft/internal.h"

/* -- sending --------------------------------------------------------------------------------- */

static void append_send(struct raft *raft, struct peer *peer, const struct raft_entry *entries,
    uint32_t n, uint64_t bytes) {
    SF_ASSERT(log_reaches(&raft->log, peer->next) && term_is_durable(raft));
    SF_ASSERT(n == 0 || entries[0].index == peer->next);
    raft_index proves = peer->next - 1 + n;
    struct raft_message message = {.type = RAFT_APPEND,
        .to = peer->id,
        .term = raft->term,
        .log_index = peer->next - 1,
        .log_term = log_term(&raft->log, peer->next - 1),
        .commit = raft->commit,
        .damage = raft_is_serving(raft) ? peer->damage : 0,
        .entries = (struct raft_entry *)entries,
        .n_entries = n};
    send_in_term(raft, &message);
    bool is_as_fast_as_a_notice =
        peer->mode == PEER_REPLICATE && peer->n_in_flight == 0 && bytes <= SMALL_APPEND_BYTES;
    if (is_as_fast_as_a_notice)
        peer->commit_told = SF_MAX(peer->commit_told, SF_MIN(raft->commit, proves));
}

static void probe_flush(struct raft *raft, struct peer *peer) {
    if (peer->probe_sent) return;
    SF_ASSERT(log_reaches(&raft->log, peer->next));
    const struct raft_entry *entries = NULL;
    uint32_t n = 0;
    uint64_t bytes = 0;
    if (peer->probe_carries && log_entry(&raft->log, peer->next) != NULL) {
        uint64_t most = SF_MIN(raft->settings.batch_bytes, raft->settings.window_bytes);
        entries = log_entries(&raft->log, peer->next, most, &n, &bytes);
    }
    append_send(raft, peer, entries, n, bytes);
    peer->probe_sent = true;
    peer->probe_is_empty = n == 0;
    peer->probe_round = raft->round;
    peer->probe_sent_us = raft->now_us;
}

/* The next batch for this peer, from memory or from what storage has given; none: NULL. */
static const struct raft_entry *next_batch(
    struct raft *raft, struct peer *peer, uint64_t room, uint32_t *n, uint64_t *bytes) {
    if (peer->n_fetched > 0 && !peer->fetched_is_sent && peer->fetched[0].index == peer->next) {
        *n = peer->n_fetched;
        *bytes = 0;
        for (uint32_t i = 0; i < peer->n_fetched; i++) *bytes += log_entry_bytes(&peer->fetched[i]);
        return peer->fetched;
    }
    if (log_entry(&raft->log, peer->next) == NULL) {
        fetch_for_peer(raft, peer);
        return NULL;
    }
    uint64_t most = SF_MIN(raft->settings.batch_bytes, room);
    return log_entries(&raft->log, peer->next, most, n, bytes);
}

/* More than the link carries in a round trip only waits in buffers: this node's, the peer's, and its
 * disk's, where it delays the syncs of whoever else writes there. A follower that catches up would
 * have all of the window waiting, all the time. */
static uint64_t window_bytes(const struct raft *raft, const struct peer *peer) {
    uint64_t carried = (uint64_t)peer->trip_us * WINDOW_BYTES_A_US;
    return SF_MIN(raft->settings.window_bytes, SF_MAX(carried, (uint64_t)WINDOW_BYTES_MIN));
}

static void replicate_flush(struct raft *raft, struct peer *peer) {
    uint64_t window = window_bytes(raft, peer);
    while (peer->next <= raft->log.last_index) {
        if (peer->n_in_flight >= raft->settings.window_messages)
            SF_MARK("raft: a follower's window is full");
        if (peer->n_in_flight >= raft->settings.window_messages) return;
        if (peer->in_flight_bytes >= window) return;
        uint64_t room = window - peer->in_flight_bytes, bytes;
        uint32_t n;
        const struct raft_entry *entries = next_batch(raft, peer, room, &n, &bytes);
        if (entries == NULL) return;
        if (bytes > room && peer->n_in_flight > 0) return;
        append_send(raft, peer, entries, n, bytes);
        if (entries == peer->fetched) SF_MARK("raft: a lagging follower is sent what storage gave");
        if (entries == peer->fetched) peer->fetched_is_sent = true;
        peer_in_flight_push(peer, peer->next + n - 1, bytes, raft->now_us);
        peer->next += n;
    }
}

static void heartbeat_send(struct raft *raft, struct peer *peer, uint64_t round) {
    raft_index commit = SF_MIN(raft->commit, peer->match);
    struct raft_message message = {.type = RAFT_HEARTBEAT,
        .to = peer->id,
        .term = raft->term,
        .commit = commit,
        .round = round};
    send_in_term(raft, &message);
    peer->commit_told = SF_MAX(peer->commit_told, commit);
}

void leader_tell_commit(struct raft *raft) {
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (SF_MIN(raft->commit, peer->match) > peer->commit_told) heartbeat_send(raft, peer, 0);
    }
}

void leader_note_round(struct raft *raft) {
    raft->round++;
    raft->round_sent_us[raft->round % ROUND_HISTORY] = raft->now_us;
    raft->heartbeat_due_us = after_ms(raft->now_us, raft->settings.heartbeat_interval_ms);
}

static void round_begin(struct raft *raft) {
    raft->round_wanted = false;
    if (raft->n_peers == 0) return;
    leader_note_round(raft);
    for (uint32_t i = 0; i < raft->n_peers; i++) heartbeat_send(raft, &raft->peers[i], raft->round);
}

void leader_flush(struct raft *raft) {
    SF_ASSERT(raft->role == RAFT_LEADER);
    if (raft->round_wanted || reads_want_round(raft)) round_begin(raft);
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (peer->fetched_is_sent) peer_release_fetched(peer);
        bool needs_snapshot = peer->mode == PEER_PROBE && !log_reaches(&raft->log, peer->next);
        if (needs_snapshot) transfer_begin(raft, peer);
        switch (peer->mode) {
        case PEER_PROBE:
            probe_flush(raft, peer);
            break;
        case PEER_REPLICATE:
            replicate_flush(raft, peer);
            break;
        case PEER_SNAPSHOT:
            transfer_flush(raft, peer);
            break;
        }
    }
    leader_tell_commit(raft);
}

/* -- answers --------------------------------------------------------------------------------- */

/* Notes that a peer was heard. False: it is damaged, and this message does not say so: it is from
 * before the damage was known, and nothing in it can be believed. */
bool peer_hear(struct raft *raft, struct peer *peer, const struct raft_message *m) {
    peer->last_contact_us = raft->now_us;
    if (m->damage != 0) {
        if (peer->damage != m->damage) {
            SF_MARK("raft: a leader hears that a follower is damaged");
            peer->damage = m->damage;
            peer->match = 0;
            peer_probe(raft, peer, raft->log.last_index + 1, false);
        }
        peer->damage_round = raft->round;
        return true;
    }
    if (peer->damage != 0) {
        if (m->type != RAFT_HEARTBEAT_ANSWER || m->round <= peer->damage_round) return false;
        SF_MARK("raft: a leader hears that a follower is whole");
        peer->damage = 0;
        peer->match = m->match;
        peer_probe(raft, peer, peer->match + 1, false);
    }
    peer->quorum_contact_us = raft->now_us;
    return true;
}

void match_advance(struct raft *raft, struct peer *peer, raft_index match) {
    if (match <= peer->match) return;
    peer->match = match;
    peer->match_round = raft->round;
    peer->next = SF_MAX(peer->next, match + 1);
    peer_in_flight_pop(peer);
}

/* The logs agree as far as proven; where ours has lost what follows, the next flush finds that. */
static void go_on_behind(struct raft *raft, struct peer *peer, raft_index proven) {
    if (log_reaches(&raft->log, proven + 1))
        peer_replicate(peer, proven + 1);
    else
        peer_probe(raft, peer, proven + 1, false);
}

static void append_granted(struct raft *raft, struct peer *peer, const struct raft_message *m) {
    match_advance(raft, peer, m->match);
    raft_index proven = SF_MAX(peer->match, m->hint_index);
    if (peer->mode == PEER_PROBE || transfer_is_done(peer, proven))
        go_on_behind(raft, peer, proven);
    commit_count(raft); /* may end the leadership, and peer with it */
    transfer_continue(raft);
}

/* Both sides skip whole terms: the follower named its last entry of a term that could still agree,
 * and our log is searched for the last one of at most that term. */
static void append_refused(struct raft *raft, struct peer *peer, const struct raft_message *m) {
    if (m->log_index <= peer->match) return; /* late: it has agreed there since */
    if (peer->mode == PEER_SNAPSHOT) return; /* late */
    if (peer->mode == PEER_PROBE && (!peer->probe_sent || m->log_index != peer->next - 1)) return;
    raft_index at = SF_MIN(m->hint_index, m->log_index - 1);
    if (at > raft->log.base_index) at = log_find_by_term(&raft->log, at, m->hint_term);
    if (at + 1 < m->log_index) SF_MARK("raft: a conflict hint skips entries");
    peer_probe(raft, peer, SF_MAX(at, peer->match) + 1, true);
}

void leader_on_append_answer(struct raft *raft, const struct raft_message *m) {
    struct peer *peer = peer_find(raft, m->from);
    if (raft->role != RAFT_LEADER || peer == NULL) return;
    raft_index last = raft->log.last_index;
    if (m->granted ? m->match > last || m->hint_index > last
                   : m->log_index == 0 || m->log_index > last)
        return; /* nothing that we could have sent leads to this answer */
    if (!peer_hear(raft, peer, m)) return;
    if (m->granted)
        append_granted(raft, peer, m);
    else
        append_refused(raft, peer, m);
}

/* What heartbeat answers show of appends that got lost, or of a follower that began anew. */
static void look_for_loss(struct raft *raft, struct peer *peer, const struct raft_message *m) {
    int64_t patience_us = (int64_t)raft->settings.election_timeout_max_ms * 1000;
    if (peer->mode == PEER_SNAPSHOT) {
        if (transfer_is_done(peer, m->hint_index))
            go_on_behind(raft, peer, SF_MAX(peer->match, m->hint_index));
        return;
    }
    if (peer->mode == PEER_PROBE) {
        if (!peer->probe_sent || m->round <= peer->probe_round) return;
        if (!peer->probe_is_empty && raft->now_us - peer->probe_sent_us < patience_us) return;
        SF_MARK("raft: a probe is repeated");
        peer_probe(raft, peer, peer->next, false);
        return;
    }
    bool has_lost = false;
    if (peer->n_in_flight > 0) {
        const struct in_flight *oldest = &peer->in_flight[peer->in_flight_start];
        has_lost = raft->now_us - oldest->sent_us >= patience_us && m->hint_index < oldest->last;
    } else if (m->round > peer->match_round) {
        has_lost = m->hint_index < peer->match;
        /* A damaged one that holds everything may still have to be told so. */
        if (peer->damage != 0 && peer->next > raft->log.last_index) has_lost = true;
    }
    if (has_lost) SF_MARK("raft: a lost append shows in a heartbeat's answer");
    if (has_lost) peer_probe(raft, peer, peer->match + 1, false);
}

/* The least, since a busy loop on either side only adds to it; it rises slowly, so that a link that
 * has become longer is noticed. */
static void measure_trip(struct raft *raft, struct peer *peer, uint64_t round) {
    if (round == 0 || round <= peer->round || raft->round - round >= ROUND_HISTORY) return;
    int64_t took_us = SF_MAX(raft->now_us - raft->round_sent_us[round % ROUND_HISTORY], 1);
    if (peer->trip_us == 0 || took_us < peer->trip_us)
        peer->trip_us = took_us;
    else
        peer->trip_us += (took_us - peer->trip_us) / TRIP_RISE;
}

void leader_on_heartbeat_answer(struct raft *raft, const struct raft_message *m) {
    struct peer *peer = peer_find(raft, m->from);
    if (raft->role != RAFT_LEADER || peer == NULL) return;
    if (m->round > raft->round || m->match > m->hint_index) return;
    if (m->hint_index > raft->log.last_index || !peer_hear(raft, peer, m)) return;
    measure_trip(raft, peer, m->round);
    peer->round = SF_MAX(peer->round, m->round);
    lease_extend(raft, peer, m);
    match_advance(raft, peer, m->match); /* an append's answer may have been lost */
    look_for_loss(raft, peer, m);
    reads_release(raft);
    commit_count(raft);
    transfer_continue(raft);
}

/* -- timers ---------------------------------------------------------------------------------- */

static uint64_t contact_of(void *context, raft_id id) {
    const struct raft *raft = context;
    if (id == raft->self) return (uint64_t)raft->now_us;
    for (uint32_t i = 0; i < raft->n_peers; i++)
        if (raft->peers[i].id == id) return (uint64_t)raft->peers[i].quorum_contact_us;
    return 0;
}

int64_t leader_quorum_contact_us(const struct raft *raft) {
    return (int64_t)configuration_quorum_value(raft_configuration(raft), contact_of, (void *)raft);
}

void leader_tick(struct raft *raft) {
    int64_t stale = after_ms(leader_quorum_contact_us(raft), raft->timer_max_ms);
    if (raft->now_us >= stale) { /* check-quorum, section 6.2 */
        SF_MARK("raft: a leader that hears no quorum steps down");
        become_follower(raft, raft->term, 0);
        return;
    }
    if (raft->now_us >= raft->heartbeat_due_us) {
        raft->heartbeat_due_us = after_ms(raft->now_us, raft->settings.heartbeat_interval_ms);
        raft->round_wanted = true;
        transfer_continue(raft);
    }
    transfer_tick(raft);
    peers_drop_departed(raft);
}

int64_t leader_next_deadline_us(const struct raft *raft) {
    int64_t next = raft->transfer_to != 0 ? raft->transfer_deadline_us : INT64_MAX;
    if (raft->n_peers == 0) return next;
    next = SF_MIN(next, raft->heartbeat_due_us);
    if (is_sole_voter(raft)) return next;
    int64_t stale = after_ms(leader_quorum_contact_us(raft), raft->timer_max_ms);
    return SF_MIN(next, stale);
}
