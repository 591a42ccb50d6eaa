/* The leader's list of the others: who is on it, and the state of each one's replication. */
#include "raft/internal.h"

struct peer *peer_find(struct raft *raft, raft_id id) {
    for (uint32_t i = 0; i < raft->n_peers; i++)
        if (raft->peers[i].id == id) return &raft->peers[i];
    return NULL;
}

static void peer_add(struct raft *raft, raft_id id) {
    SF_ASSERT(raft->n_peers < RAFT_PEERS_MAX && id != raft->self);
    struct peer *peer = &raft->peers[raft->n_peers++];
    *peer = (struct peer){
        .id = id, .next = raft->log.last_index + 1, .quorum_contact_us = raft->now_us};
    peer_probe(raft, peer, peer->next, true);
}

static void peer_drop(struct raft *raft, struct peer *peer) {
    fetches_drop_peer(raft, peer->id);
    peer_release_fetched(peer);
    transfer_end(peer);
    sf_free(peer->in_flight);
    *peer = raft->peers[--raft->n_peers];
    raft->peers[raft->n_peers] = (struct peer){0};
}

/* A departing peer that has waited longest makes room where the list is full. */
static void make_room(struct raft *raft) {
    if (raft->n_peers < RAFT_PEERS_MAX) return;
    struct peer *oldest = NULL;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (peer->leaves_at == 0) continue;
        if (oldest == NULL || peer->leaves_at < oldest->leaves_at) oldest = peer;
    }
    SF_ASSERT(oldest != NULL);
    peer_drop(raft, oldest);
}

void peers_follow(struct raft *raft, const struct configuration_record *record) {
    const struct raft_configuration *configuration = &record->configuration;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (configuration_find(configuration, peer->id) != NULL)
            peer->leaves_at = 0;
        else if (peer->leaves_at == 0)
            peer->leaves_at = record->index;
        peer->leaves_deadline_us = 0;
    }
    for (uint32_t i = 0; i < configuration->n; i++) {
        raft_id id = configuration->members[i].id;
        if (id == raft->self || peer_find(raft, id) != NULL) continue;
        make_room(raft);
        peer_add(raft, id);
    }
}

void peers_clear(struct raft *raft) {
    while (raft->n_peers > 0) peer_drop(raft, &raft->peers[raft->n_peers - 1]);
}

/* A removed node is sent its removal and that it is committed; then, or after an election timeout,
 * it is left alone. */
void peers_drop_departed(struct raft *raft) {
    for (uint32_t i = raft->n_peers; i-- > 0;) {
        struct peer *peer = &raft->peers[i];
        if (peer->leaves_at == 0 || raft->commit < peer->leaves_at) continue;
        if (peer->leaves_deadline_us == 0)
            peer->leaves_deadline_us =
                after_ms(raft->now_us, raft->settings.election_timeout_max_ms);
        bool knows = peer->match >= peer->leaves_at && peer->commit_told >= peer->leaves_at;
        if (knows) SF_MARK("raft: a removed node has learnt its removal");
        if (!knows && raft->now_us >= peer->leaves_deadline_us)
            SF_MARK("raft: a removed node is left alone");
        if (knows || raft->now_us >= peer->leaves_deadline_us) peer_drop(raft, peer);
    }
}

static void in_flight_clear(struct peer *peer) {
    peer->in_flight_start = peer->n_in_flight = 0;
    peer->in_flight_bytes = 0;
}

void peer_probe(struct raft *raft, struct peer *peer, raft_index next, bool carries) {
    SF_ASSERT(next > peer->match && next <= raft->log.last_index + 1);
    fetches_drop_peer(raft, peer->id);
    peer_release_fetched(peer);
    in_flight_clear(peer);
    transfer_end(peer);
    peer->mode = PEER_PROBE;
    peer->next = next;
    peer->probe_sent = false;
    peer->probe_carries = carries;
}

void peer_replicate(struct peer *peer, raft_index next) {
    SF_ASSERT(peer->mode != PEER_REPLICATE && next > peer->match);
    SF_ASSERT(peer->n_in_flight == 0);
    transfer_end(peer);
    peer->mode = PEER_REPLICATE;
    peer->next = next;
}

void peer_in_flight_push(struct peer *peer, raft_index last, uint64_t bytes, int64_t now_us) {
    SF_ASSERT(peer->mode == PEER_REPLICATE && last >= peer->next);
    if (peer->n_in_flight == peer->cap_in_flight) {
        uint32_t cap = peer->cap_in_flight == 0 ? 8 : peer->cap_in_flight * 2;
        struct in_flight *ring = sf_alloc(cap * sizeof *ring);
        for (uint32_t i = 0; i < peer->n_in_flight; i++)
            ring[i] = peer->in_flight[(peer->in_flight_start + i) % peer->cap_in_flight];
        sf_free(peer->in_flight);
        peer->in_flight = ring;
        peer->cap_in_flight = cap;
        peer->in_flight_start = 0;
    }
    uint32_t at = (peer->in_flight_start + peer->n_in_flight++) % peer->cap_in_flight;
    peer->in_flight[at] = (struct in_flight){last, bytes, now_us};
    peer->in_flight_bytes += bytes;
}

void peer_in_flight_pop(struct peer *peer) {
    while (peer->n_in_flight > 0) {
        const struct in_flight *oldest = &peer->in_flight[peer->in_flight_start];
        if (oldest->last > peer->match) return;
        peer->in_flight_bytes -= oldest->bytes;
        peer->in_flight_start = (peer->in_flight_start + 1) % peer->cap_in_flight;
        peer->n_in_flight--;
    }
    SF_ASSERT(peer->in_flight_bytes == 0);
}

void peer_release_fetched(struct peer *peer) {
    for (uint32_t i = 0; i < peer->n_fetched; i++) bytes_unref(peer->fetched[i].payload);
    sf_free(peer->fetched);
    peer->fetched = NULL;
    peer->n_fetched = 0;
    peer->fetched_is_sent = false;
}
