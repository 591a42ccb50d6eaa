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
static void release_front(struct raft *raft, bool has_lease) {
    if (raft->n_reads == 0) return;
    uint64_t confirmed = rounds_confirmed(raft);
    uint32_t n = 0;
    while (n < raft->n_reads &&
           (raft->reads[n].round <= confirmed || (has_lease && raft->reads[n].lease_will_do)))
        read_answer(raft, &raft->reads[n++], false);
    raft->n_reads -= n;
    if (n > 0) memmove(raft->reads, raft->reads + n, raft->n_reads * sizeof *raft->reads);
}

void reads_release(struct raft *raft) {
    release_front(raft, false);
}

/* A read is waiting for a round that was not begun. */
bool reads_want_round(const struct raft *raft) {
    return raft->n_reads > 0 && raft->reads[raft->n_reads - 1].round > raft->round;
}

void reads_fail(struct raft *raft) {
    for (uint32_t i = 0; i < raft->n_reads; i++) read_answer(raft, &raft->reads[i], true);
    raft->n_reads = 0;
}

static enum sf_status read_ask(
    struct raft *raft, uint64_t ticket, bool lease_will_do, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role != RAFT_LEADER) return SF_ERR_NOT_LEADER;
    if (!raft_is_serving(raft)) return SF_ERR_BUSY;
    if (raft->n_reads == raft->cap_reads) {
        raft->cap_reads = raft->cap_reads == 0 ? 16 : raft->cap_reads * 2;
        raft->reads = sf_realloc(raft->reads, raft->cap_reads * sizeof *raft->reads);
    }
    /* A round that was begun before this call proves nothing for it: the next one does, for all
     * that are asked until raft_ready sends it. */
    raft->reads[raft->n_reads++] =
        (struct read_pending){ticket, raft->commit, raft->round + 1, lease_will_do};
    reads_release(raft);
    return SF_OK;
}

enum sf_status raft_read_index(struct raft *raft, uint64_t ticket, int64_t now_us) {
    return read_ask(raft, ticket, false, now_us);
}

enum sf_status raft_read_lease(struct raft *raft, uint64_t ticket, int64_t now_us) {
    return read_ask(raft, ticket, true, now_us);
}

void raft_judge_lease(struct raft *raft, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->n_reads > 0 && raft->now_us >= raft_lease_until_us(raft))
        SF_MARK("raft: reads wait since there is no lease");
    if (raft->n_reads > 0 && raft->now_us < raft_lease_until_us(raft)) release_front(raft, true);
}

/* -- the lease (section 6.4.1) --------------------------------------------------------------- */

static int64_t lease_span_us(uint32_t promise_ms) {
    int64_t span_us = (int64_t)promise_ms * 1000;
    return span_us - span_us / 20; /* clocks may drift apart by 5 % */
}

/* The promise of one who answered a round counts from when that round was sent: it was heard later
 * than that, whenever its answer arrives. */
void lease_extend(struct raft *raft, struct peer *peer, const struct raft_message *m) {
    if (m->round == 0 || raft->round - m->round >= ROUND_HISTORY) return;
    uint32_t promise_ms = SF_MIN(m->promise_ms, election_promise_ms(raft));
    int64_t until = raft->round_sent_us[m->round % ROUND_HISTORY] + lease_span_us(promise_ms);
    peer->lease_until_us = SF_MAX(peer->lease_until_us, until);
}

static uint64_t lease_of(void *context, raft_id id) {
    const struct raft *raft = context;
    if (id == raft->self) return INT64_MAX; /* it votes for nobody while it leads */
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        const struct peer *peer = &raft->peers[i];
        if (peer->id == id) return peer->damage != 0 ? 0 : (uint64_t)peer->lease_until_us;
    }
    return 0;
}

int64_t raft_lease_until_us(const struct raft *raft) {
    if (!raft_is_serving(raft) || raft->timeout_now_sent) return 0;
    int64_t until =
        (int64_t)configuration_quorum_value(raft_configuration(raft), lease_of, (void *)raft);
    if (until == INT64_MAX) SF_MARK("raft: a sole voter's lease");
    if (until == INT64_MAX) return raft->now_us + lease_span_us(election_promise_ms(raft));
    return until;
}
