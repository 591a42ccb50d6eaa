/* The leader's side of InstallSnapshot (figure 5.3, made resumable): a follower that needs what the
 * log no longer holds is asked where to go on, and sent the file from there in chunks, a bounded
 * number of bytes ahead of what it has written. */
#include "raft/internal.h"

#include "util/hash.h"

/* After a chunk that could not be read. */
#define CHUNK_RETRY_MS 50

void transfer_end(struct peer *peer) {
    bytes_unref(peer->transfer.chunk);
    peer->transfer = (struct transfer){0};
}

void transfer_ask(struct raft *raft, struct peer *peer, int64_t at_us) {
    SF_ASSERT(peer->mode == PEER_SNAPSHOT);
    struct raft_snapshot snapshot = peer->transfer.snapshot;
    bool is_begun = peer->transfer.is_begun;
    transfer_end(peer);
    peer->transfer = (struct transfer){.snapshot = snapshot,
        .is_begun = is_begun,
        .question = ++raft->last_question,
        .ask_us = at_us,
        .progress_us = raft->now_us};
}

void transfer_begin(struct raft *raft, struct peer *peer) {
    SF_ASSERT(raft->snapshot.index > 0 && raft->snapshot.index >= raft->log.base_index);
    SF_ASSERT(peer->mode == PEER_PROBE);
    peer->mode = PEER_SNAPSHOT;
    peer->transfer.snapshot = raft->snapshot;
    transfer_ask(raft, peer, raft->now_us);
}

bool transfer_is_done(const struct peer *peer, raft_index proven) {
    return peer->mode == PEER_SNAPSHOT && proven >= peer->transfer.snapshot.index;
}

static void chunk_send(struct raft *raft, struct peer *peer, struct bytes *data) {
    const struct transfer *transfer = &peer->transfer;
    struct raft_message message = {.type = RAFT_SNAPSHOT,
        .to = peer->id,
        .term = raft->term,
        .log_index = transfer->snapshot.index,
        .log_term = transfer->snapshot.term,
        .round = transfer->question,
        .snapshot_id = transfer->snapshot.id,
        .snapshot_bytes = transfer->snapshot.bytes,
        .offset = transfer->next,
        .crc = crc32c(bytes_slice(data)),
        .data = data};
    SF_ASSERT(term_is_durable(raft)); /* the data is lent to this call's messages only */
    send_in_term(raft, &message);
}

static void transfer_take_newest(struct raft *raft, struct peer *peer) {
    peer->transfer.snapshot = raft->snapshot;
    peer->transfer.is_begun = false;
    transfer_ask(raft, peer, raft->now_us);
}

/* What is sent is of use only while the log still goes on behind it; a file that is gone (only the
 * newest are kept) is not. One of which the receiver has nothing yet, since nobody answered at its
 * address, only makes the log behind it longer than that behind the newest. */
static void transfer_keep_useful(struct raft *raft, struct peer *peer) {
    const struct transfer *transfer = &peer->transfer;
    bool is_touched = transfer->is_streaming || transfer->is_begun;
    if (!log_reaches(&raft->log, transfer->snapshot.index + 1)) {
        SF_MARK("raft: a snapshot in transfer gives way to a newer one");
        transfer_take_newest(raft, peer);
    } else if (!is_touched && transfer->snapshot.id != raft->snapshot.id) {
        SF_MARK("raft: a snapshot that nobody has begun to take gives way to a newer one");
        transfer_take_newest(raft, peer);
    }
}

static uint64_t chunk_bytes(const struct raft *raft) {
    return SF_MIN(raft->settings.batch_bytes, SNAPSHOT_CHUNK_BYTES);
}

static void chunk_read_ask(struct raft *raft, struct peer *peer) {
    struct transfer *transfer = &peer->transfer;
    transfer->read_request = ++raft->last_chunk_request;
    SF_ASSERT(raft->out.n_chunk_reads < SF_LENGTH(raft->out.chunk_reads));
    raft->out.chunk_reads[raft->out.n_chunk_reads++] =
        (struct raft_chunk_read){.request = transfer->read_request,
            .peer = peer->id,
            .snapshot = transfer->snapshot,
            .offset = transfer->next,
            .max_bytes = chunk_bytes(raft)};
}

void transfer_flush(struct raft *raft, struct peer *peer) {
    struct transfer *transfer = &peer->transfer;
    int64_t patience_us = (int64_t)raft->settings.election_timeout_max_ms * 1000;
    transfer_keep_useful(raft, peer);
    if (transfer->chunk_is_sent) {
        bytes_unref(transfer->chunk);
        transfer->chunk = NULL;
        transfer->chunk_is_sent = false;
    }
    bool is_waiting = transfer->is_streaming && transfer->next > transfer->written;
    bool has_all = transfer->is_streaming && transfer->next == transfer->snapshot.bytes;
    if ((is_waiting || has_all) && raft->now_us - transfer->progress_us >= patience_us)
        transfer_ask(raft, peer, raft->now_us); /* lost, or a slow disk */
    if (!transfer->is_streaming) {
        if (raft->now_us < transfer->ask_us) return;
        transfer->ask_us = after_ms(raft->now_us, raft->settings.heartbeat_interval_ms);
        chunk_send(raft, peer, NULL);
        return;
    }
    if (transfer->chunk != NULL) {
        chunk_send(raft, peer, transfer->chunk);
        transfer->next += transfer->chunk->len;
        transfer->chunk_is_sent = true;
        transfer->progress_us = raft->now_us;
    }
    bool has_room = transfer->next - transfer->written < SNAPSHOT_WINDOW_CHUNKS * chunk_bytes(raft);
    if (transfer->read_request == 0 && transfer->next < transfer->snapshot.bytes && has_room &&
        raft->now_us >= transfer->read_not_before_us)
        chunk_read_ask(raft, peer);
}

void raft_step_chunk_read(struct raft *raft, uint64_t request, struct bytes *data, int64_t now_us) {
    clock_advance(raft, now_us);
    struct peer *peer = NULL;
    for (uint32_t i = 0; i < raft->n_peers && request != 0; i++)
        if (raft->peers[i].transfer.read_request == request) peer = &raft->peers[i];
    if (peer == NULL || peer->mode != PEER_SNAPSHOT) return; /* of a transfer that is over */
    struct transfer *transfer = &peer->transfer;
    SF_ASSERT(transfer->is_streaming && (transfer->chunk == NULL || transfer->chunk_is_sent));
    transfer->read_request = 0;
    size_t len = bytes_slice(data).len;
    if (len > 0 && len <= transfer->snapshot.bytes - transfer->next) {
        bytes_unref(transfer->chunk);
        transfer->chunk = bytes_ref(data);
        transfer->chunk_is_sent = false;
        return;
    }
    SF_MARK("raft: a chunk cannot be read");
    transfer->read_not_before_us = after_ms(raft->now_us, CHUNK_RETRY_MS);
    if (transfer->snapshot.id != raft->snapshot.id) transfer_take_newest(raft, peer);
}

void leader_on_snapshot_answer(struct raft *raft, const struct raft_message *m) {
    struct peer *peer = peer_find(raft, m->from);
    if (raft->role != RAFT_LEADER || peer == NULL) return;
    if (!peer_hear(raft, peer, m) || peer->mode != PEER_SNAPSHOT) return;
    struct transfer *transfer = &peer->transfer;
    if (m->round != transfer->question || m->snapshot_id != transfer->snapshot.id) return;
    if (m->offset > transfer->snapshot.bytes) return;
    if (!m->granted) {
        transfer->is_begun = m->offset > 0;
        transfer_ask(raft, peer, after_ms(raft->now_us, raft->settings.heartbeat_interval_ms));
    } else if (!transfer->is_streaming) {
        if (m->offset > 0) SF_MARK("raft: a transfer goes on where an earlier one ended");
        transfer->is_streaming = true;
        transfer->is_begun = m->offset > 0;
        transfer->next = transfer->written = m->offset;
        transfer->progress_us = raft->now_us;
    } else if (m->offset > transfer->written && m->offset <= transfer->next) {
        transfer->written = m->offset;
        transfer->is_begun = true;
        transfer->progress_us = raft->now_us;
    }
}

/* -- this node's own snapshots --------------------------------------------------------------- */

bool raft_snapshot_configuration(const struct raft *raft, raft_index index,
    struct raft_configuration *configuration, raft_index *configuration_index) {
    for (uint32_t i = raft->n_configurations; i-- > 0;) {
        const struct configuration_record *record = &raft->configurations[i];
        if (record->index == 0 || record->index > index) continue;
        *configuration = record->configuration;
        *configuration_index = record->index;
        return true;
    }
    return false;
}

raft_index raft_log_needed_from(const struct raft *raft) {
    raft_index from = UINT64_MAX;
    int64_t patience_us = (int64_t)raft->settings.election_timeout_max_ms * 1000;
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        const struct peer *peer = &raft->peers[i];
        if (peer->mode != PEER_SNAPSHOT) continue;
        if (raft->now_us - peer->last_contact_us > SNAPSHOT_PATIENCE * patience_us) continue;
        from = SF_MIN(from, peer->transfer.snapshot.index + 1);
    }
    return from;
}

void raft_step_snapshot_saved(struct raft *raft, const struct raft_snapshot *snapshot,
    raft_index first_index, int64_t now_us) {
    clock_advance(raft, now_us);
    if (snapshot->index <= raft->snapshot.index) return; /* a newer one was installed meanwhile */
    SF_ASSERT(snapshot->index <= raft->applied);
    SF_ASSERT(snapshot->index < raft->log.base_index + 1 ||
              log_term(&raft->log, snapshot->index) == snapshot->term);
    SF_ASSERT(first_index <= snapshot->index + 1);
    raft->snapshot = *snapshot;
    raft->changed = true;
    if (first_index - 1 <= raft->log.base_index) return;
    fetches_drop_before(raft, first_index);
    log_drop_prefix(&raft->log, SF_MIN(first_index, raft->log.synced_index + 1));
    for (uint32_t i = 0; i < raft->n_peers; i++) {
        struct peer *peer = &raft->peers[i];
        if (peer->mode == PEER_SNAPSHOT || log_reaches(&raft->log, peer->next)) continue;
        peer_probe(raft, peer, peer->next, false); /* the next flush begins a snapshot */
    }
}
