/* Effects: what is gathered while events are stepped in, and handed out by raft_ready. */
#include "raft/internal.h"

/* A message that waits for the disk replaces an earlier one of its kind to the same node: any may
 * be lost, so the latest is enough, and a stalled disk gathers no heap. */
static struct outgoing *outgoing_place(
    struct raft *raft, const struct raft_message *message, bool waits) {
    for (uint32_t i = 0; waits && i < raft->n_outbox; i++) {
        struct outgoing *other = &raft->outbox[i];
        if (other->waits_for > raft->hard_state_saved && other->message.to == message->to &&
            other->message.type == message->type) {
            SF_MARK("raft: a waiting message gives way to a later one");
            return other;
        }
    }
    if (raft->n_outbox == raft->cap_outbox) {
        raft->cap_outbox = raft->cap_outbox == 0 ? 16 : raft->cap_outbox * 2;
        raft->outbox = sf_realloc(raft->outbox, raft->cap_outbox * sizeof *raft->outbox);
    }
    return &raft->outbox[raft->n_outbox++];
}

void send_when_saved(struct raft *raft, struct raft_message *message, uint64_t waits_for) {
    SF_ASSERT(message->to != 0 && message->to != raft->self);
    SF_ASSERT(waits_for <= raft->hard_state_made);
    message->from = raft->self;
    bool waits = waits_for > raft->hard_state_saved;
    *outgoing_place(raft, message, waits) = (struct outgoing){*message, waits_for};
}

void send_in_term(struct raft *raft, struct raft_message *message) {
    SF_ASSERT(message->term == raft->term);
    send_when_saved(raft, message, raft->term_request);
}

void outbox_drop_waiting(struct raft *raft) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < raft->n_outbox; i++)
        if (raft->outbox[i].waits_for <= raft->hard_state_saved)
            raft->outbox[kept++] = raft->outbox[i];
    raft->n_outbox = kept;
}

static void hand_out_messages(struct raft *raft, struct raft_ready *ready) {
    raft->out.n_messages = 0;
    if (raft->n_outbox > raft->out.cap_messages) {
        raft->out.cap_messages = raft->cap_outbox;
        raft->out.messages =
            sf_realloc(raft->out.messages, raft->out.cap_messages * sizeof *raft->out.messages);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < raft->n_outbox; i++) {
        const struct outgoing *outgoing = &raft->outbox[i];
        if (outgoing->waits_for > raft->hard_state_saved) {
            /* They are borrowed for this call only. */
            SF_ASSERT(outgoing->message.n_entries == 0 && outgoing->message.data == NULL);
            raft->outbox[kept++] = *outgoing;
        } else {
            raft->out.messages[raft->out.n_messages++] = outgoing->message;
        }
    }
    raft->n_outbox = kept;
    ready->messages = raft->out.messages;
    ready->n_messages = raft->out.n_messages;
}

/* The two arrays change places, so that what was handed out stays until the next time. */
static void hand_out_reads(struct raft *raft, struct raft_ready *ready) {
    ready->reads = raft->reads_out;
    ready->n_reads = raft->n_reads_out;
    struct raft_read *spare = raft->out.reads;
    uint32_t cap = raft->out.cap_reads;
    raft->out.reads = raft->reads_out;
    raft->out.cap_reads = raft->cap_reads_out;
    raft->reads_out = spare;
    raft->cap_reads_out = cap;
    raft->n_reads_out = 0;
}

static void hand_out_hard_state(struct raft *raft, struct raft_ready *ready) {
    if (raft->hard_state_handed == raft->hard_state_made) return;
    raft->hard_state_handed = raft->hard_state_made;
    ready->has_hard_state = true;
    ready->hard_state_request = raft->hard_state_made;
    ready->hard_state = (struct raft_hard_state){raft->term, raft->vote};
}

bool raft_ready(struct raft *raft, struct raft_ready *ready) {
    *ready = (struct raft_ready){.changed = raft->changed, .damage_mended = raft->damage_mended};
    raft->changed = raft->damage_mended = false;
    raft->out.n_chunk_reads = 0;
    if (raft->role == RAFT_LEADER) leader_flush(raft);
    hand_out_hard_state(raft, ready);
    if (log_hand_out(&raft->log, &raft->out.append)) {
        ready->appends = &raft->out.append;
        ready->n_appends = 1;
    }
    ready->n_fetches = fetches_hand_out(raft, raft->out.fetches);
    ready->fetches = raft->out.fetches;
    receiving_hand_out(raft, ready);
    ready->chunk_reads = raft->out.chunk_reads;
    ready->n_chunk_reads = raft->out.n_chunk_reads;
    hand_out_messages(raft, ready);
    hand_out_reads(raft, ready);
    return ready->changed || ready->damage_mended || ready->has_hard_state ||
           ready->n_appends > 0 || ready->n_fetches > 0 || ready->n_messages > 0 ||
           ready->n_chunk_reads > 0 || ready->n_chunk_writes > 0 || ready->install ||
           ready->n_reads > 0;
}

bool raft_message_is_bulk(enum raft_message_type type) {
    return type == RAFT_APPEND || type == RAFT_APPEND_ANSWER || type == RAFT_SNAPSHOT ||
           type == RAFT_SNAPSHOT_ANSWER;
}
