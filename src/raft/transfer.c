/* Leadership transfer (section 3.10). */
#include "raft/internal.h"

static bool can_lead(const struct raft *raft, const struct peer *peer) {
    return peer->damage == 0 && configuration_is_voter(raft_configuration(raft), peer->id);
}

static struct peer *best_successor(struct raft *raft) {
    struct peer *best = NULL;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (!can_lead(raft, peer)) continue;
        if (best == NULL || peer->match > best->match ||
            (peer->match == best->match && peer->last_contact_us > best->last_contact_us))
            best = peer;
    }
    return best;
}

static void timeout_now_send(struct raft *raft, raft_id to) {
    SF_MARK("raft: TimeoutNow is sent");
    raft->timeout_now_sent = true;
    struct raft_message message = {
        .type = RAFT_TIMEOUT_NOW, .to = to, .term = raft->term, .transfer = true};
    send_in_term(raft, &message);
}

enum sf_status raft_transfer(struct raft *raft, raft_id to, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role != RAFT_LEADER) return SF_ERR_NOT_LEADER;
    if (raft->transfer_to != 0) return to == 0 || raft->transfer_to == to ? SF_OK : SF_ERR_BUSY;
    struct peer *peer = to == 0 ? best_successor(raft) : peer_find(raft, to);
    if (peer == NULL || !can_lead(raft, peer)) return SF_ERR_INVALID;
    raft->transfer_to = peer->id;
    raft->transfer_deadline_us = after_ms(raft->now_us, raft->settings.election_timeout_max_ms);
    raft->changed = true;
    transfer_continue(raft);
    return SF_OK;
}

static void transfer_give_up(struct raft *raft) {
    SF_MARK("raft: a transfer is given up");
    raft->transfer_to = 0;
    raft->changed = true;
    configuration_committed(raft); /* what waited for it goes on */
}

/* Doubling TimeoutNow does no harm: the second one is of an earlier term than its receiver's. */
void transfer_continue(struct raft *raft) {
    if (raft->role != RAFT_LEADER || raft->transfer_to == 0) return;
    struct peer *peer = peer_find(raft, raft->transfer_to);
    if (peer == NULL || !can_lead(raft, peer))
        transfer_give_up(raft);
    else if (peer->match == raft->log.last_index)
        timeout_now_send(raft, peer->id);
}

void transfer_tick(struct raft *raft) {
    if (raft->role != RAFT_LEADER || raft->transfer_to == 0) return;
    if (raft->now_us >= raft->transfer_deadline_us) transfer_give_up(raft);
}

void transfer_at_once(struct raft *raft) {
    struct peer *peer = best_successor(raft);
    if (peer != NULL && peer->match == raft->log.last_index) timeout_now_send(raft, peer->id);
}
