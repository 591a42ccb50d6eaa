/* Linearizable reads without a log entry (section 6.4), and the lease that rests on the same rounds
 * of heartbeats (section 6.4.1). */
#include "raft/internal.h"

static uint64_t round_of(void *context, raft_id id) {
    const struct raft *raft = context;
    if (id == raft->self) return UINT64_MAX;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        const struct peer *peer = &raft->peers[i];
        if (peer->id == id) return peer->damage != 0 ? 0 : peer->round;
    }
    return 0;
}

/* The latest round that a quorum has answered; UINT64_MAX when this node is one by itself. */
static uint64_t rounds_confirmed(const struct raft *raft) {
    SF_ASSERT(raft->role == RAFT_LEADER);
    return configuration_quorum_value(raft_configuration(raft), round_of, (void *)raft);
}

static void read_answer(struct raft *raft, const struct read_pending *read, bool failed) {
    if (raft->n_reads_out == raft->cap_reads_out) {
        raft->cap_reads_out = raft->cap_reads_out == 0 ? 16 : raft->cap_reads_out * 2;
        raft->reads_out =
            sf_realloc(raft->reads_out, raft->cap_reads_out * sizeof *raft->reads_out);
    }
    raft->reads_out[raft->n_reads_out++] = (struct raft_read){read->ticket, read->index, failed};
}

/* Rounds rise along the queue, so what is confirmed is its front. */
void reads_release(struct raft *raft) {
    if (raft->n_reads == 0) return;
    uint64_t confirmed = rounds_confirmed(raft);
    uint32_t n = 0;
    while (n < raft->n_reads && raft->reads[n].round <= confirmed)
        read_answer(raft, &raft->reads[n++], false);
    raft->n_reads -= n;
    if (n > 0) memmove(raft->reads, raft->reads + n, raft->n_reads * sizeof *raft->reads);
}

void reads_fail(struct raft *raft) {
    for (uint32_t i = 0; i < raft->n_reads; i++) read_answer(raft, &raft->reads[i], true);
    raft->n_reads = 0;
}

enum sf_status raft_read_index(struct raft *raft, uint64_t ticket, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role != RAFT_LEADER) return SF_ERR_NOT_LEADER;
    if (!raft_is_serving(raft)) return SF_ERR_BUSY;
    if (raft->n_reads == raft->cap_reads) {
        raft->cap_reads = raft->cap_reads == 0 ? 16 : raft->cap_reads * 2;
        raft->reads = sf_realloc(raft->reads, raft->cap_reads * sizeof *raft->reads);
    }
    /* A round that was begun before this call proves nothing for it: the next one does, for all
     * that are asked until raft_ready sends it. */
    raft->reads[raft->n_reads++] = (struct read_pending){ticket, raft->commit, raft->round + 1};
    reads_release(raft);
    if (raft->n_reads > 0) raft->round_wanted = true;
    return SF_OK;
}

int64_t raft_lease_until_us(const struct raft *raft) {
    if (!raft_is_serving(raft) || raft->timeout_now_sent) return 0;
    uint64_t round = rounds_confirmed(raft);
    int64_t sent_us;
    if (round == UINT64_MAX)
        sent_us = raft->now_us;
    else if (round > 0 && raft->round - round < ROUND_HISTORY)
        sent_us = raft->round_sent_us[round % ROUND_HISTORY];
    else
        return 0;
    int64_t span_us = (int64_t)raft->settings.election_timeout_min_ms * 1000;
    return sent_us + span_us - span_us / 20;
}
