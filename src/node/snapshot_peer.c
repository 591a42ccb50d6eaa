/* Snapshots between peers: chunks read for those that are behind; chunks received, written aside
 * and loaded into an engine of its own while the old state answers; and what follows when this
 * node's state was replaced by another node's (DESIGN 6, "After an installed snapshot"). */
#include "node/internal.h"

#include <stdio.h>

enum {
    CHUNK_BACKLOG_BYTES = 4 << 20, /* on a bulk link; chunks wait until less is unsent */
    LOAD_A_TURN = 64 << 10,        /* bytes of a received snapshot: below a millisecond */
    FORGOTTEN_US = 60000000,       /* a transfer of which nothing more is heard */
    CHUNKS_APART_US = 300000,      /* in a transfer that goes on */
};

/* -- sending --------------------------------------------------------------------------------- */

static bool link_is_behind(struct node *node, raft_id id) {
    struct peer *peer = peer_of(node, id);
    return peer != NULL && peer->bulk != 0 &&
           node->ports.link_backlog(node->ports.context, peer->bulk) > CHUNK_BACKLOG_BYTES;
}

static void read_or_hold(struct node *node, const struct raft_chunk_read *read) {
    struct snapshots *snapshots = &node->snapshots;
    uint32_t at = 0;
    if (fence_is_up(node)) { /* it may hold what made this node differ */
        raft_step_chunk_read(node->raft, read->request, NULL, node->now_us);
        return;
    }
    while (at < snapshots->n_held && snapshots->held[at].peer != read->peer) at++;
    if (!link_is_behind(node, read->peer)) {
        node->ports.read_chunk(node->ports.context, read);
    } else if (at < snapshots->n_held) {
        snapshots->held[at] = *read; /* the earlier one's transfer is over */
    } else if (at < SF_LENGTH(snapshots->held)) {
        snapshots->held[snapshots->n_held++] = *read;
    } else {
        raft_step_chunk_read(node->raft, read->request, NULL, node->now_us);
    }
}

void chunks_held_pump(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    for (uint32_t i = snapshots->n_held; i-- > 0;) {
        if (link_is_behind(node, snapshots->held[i].peer)) continue;
        node->ports.read_chunk(node->ports.context, &snapshots->held[i]);
        snapshots->held[i] = snapshots->held[--snapshots->n_held];
    }
}

void node_on_chunk_read(struct node *node, uint64_t request, struct bytes *data, int64_t now_us) {
    node->now_us = now_us;
    if (node->loading != NULL) {
        loading_on_read(node, data);
        return;
    }
    if (node->raft == NULL || node->identity_switching) return;
    raft_step_chunk_read(node->raft, request, data, now_us);
}

/* -- receiving ------------------------------------------------------------------------------- */

static void whole_clear(struct node_snapshot *whole) {
    bytes_unref(whole->configuration);
    *whole = (struct node_snapshot){.configuration_index = 0};
}

/* The state that was loaded so far. */
static void state_drop(struct node *node) {
    struct receiving *receiving = &node->snapshots.receiving;
    snapshot_loader_free(receiving->loader);
    snapshots_retire(node, receiving->engine);
    whole_clear(&receiving->from);
    receiving->loader = NULL;
    receiving->engine = NULL;
    receiving->is_loaded = receiving->is_refused = false;
    receiving->place = (struct raft_snapshot){.index = 0};
}

static void chunk_drop(struct receiving *receiving) {
    SF_ASSERT(receiving->n_chunks > 0);
    bytes_unref(receiving->chunks[0].data);
    whole_clear(&receiving->chunks[0].whole);
    receiving->n_chunks--;
    receiving->at = 0;
    memmove(
        receiving->chunks, receiving->chunks + 1, receiving->n_chunks * sizeof *receiving->chunks);
}

void receiving_drop(struct node *node) {
    struct receiving *receiving = &node->snapshots.receiving;
    while (receiving->n_chunks > 0) chunk_drop(receiving);
    state_drop(node);
}

static void chunk_keep(struct node *node, const struct raft_chunk_write *write) {
    struct receiving *receiving = &node->snapshots.receiving;
    if (write->offset == 0) { /* it begins anew: raft waits for no answer to those before */
        while (receiving->n_chunks > 0) chunk_drop(receiving);
    }
    SF_ASSERT(receiving->n_chunks < SF_LENGTH(receiving->chunks));
    receiving->chunks[receiving->n_chunks++] = (struct received_chunk){.request = write->request,
        .offset = write->offset,
        .place = write->snapshot,
        .data = bytes_ref(write->data),
        .is_last = write->is_last};
    receiving->heard_us = node->now_us;
}

void node_on_chunk_written(struct node *node, uint64_t request, enum sf_status status,
    const struct node_snapshot *whole, int64_t now_us) {
    struct receiving *receiving = &node->snapshots.receiving;
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching || node->stopped) return;
    for (uint32_t i = 0; i < receiving->n_chunks; i++) {
        struct received_chunk *chunk = &receiving->chunks[i];
        if (chunk->request != request) continue;
        chunk->is_written = true;
        chunk->status = status;
        if (whole == NULL) continue;
        chunk->whole = *whole;
        bytes_ref(whole->configuration);
    }
    node_wake(node);
}

/* -- loading what is received ---------------------------------------------------------------- */

static void state_begin(struct node *node, const struct raft_snapshot *place) {
    struct receiving *receiving = &node->snapshots.receiving;
    state_drop(node);
    receiving->place = *place;
    receiving->loaded_bytes = 0;
    receiving->engine = node_engine_new(node);
    receiving->loader = snapshot_loader_new(receiving->engine, place->bytes);
}

/* Whether the chunk goes on where the loaded state ends. After a failure it may not: raft begins
 * anew. */
static bool chunk_follows(struct node *node, const struct received_chunk *chunk) {
    struct receiving *receiving = &node->snapshots.receiving;
    if (chunk->offset == 0 && receiving->at == 0) state_begin(node, &chunk->place);
    return receiving->place.id == chunk->place.id &&
           receiving->loaded_bytes == chunk->offset + receiving->at;
}

/* A slice of the first chunk; true: all of it is loaded. */
static bool chunk_load(struct node *node, const struct received_chunk *chunk, size_t most) {
    struct receiving *receiving = &node->snapshots.receiving;
    size_t n = SF_MIN(most, chunk->data->len - receiving->at);
    if (receiving->is_loaded) receiving->is_refused = true; /* bytes behind the end */
    if (!receiving->is_refused && n > 0) {
        struct slice bytes = slice_of(chunk->data->data + receiving->at, n);
        enum snapshot_loading loading = snapshot_load(receiving->loader, bytes);
        receiving->is_loaded = loading == SNAPSHOT_LOADED;
        receiving->is_refused = loading == SNAPSHOT_FAILED;
        if (receiving->is_refused)
            snprintf(
                receiving->why, sizeof receiving->why, "%s", snapshot_load_why(receiving->loader));
    }
    receiving->at += n;
    receiving->loaded_bytes += n;
    return receiving->at == chunk->data->len;
}

/* The last chunk is loaded, and its file is as it was announced. Loaded before it is installed:
 * what this version cannot load must not become the node's own. */
static bool state_ends(struct node *node, const struct received_chunk *chunk) {
    struct receiving *receiving = &node->snapshots.receiving;
    if (!receiving->is_loaded || receiving->is_refused) {
        node->stopped = true;
        node_log(node, LOG_WARNING,
            "the cluster's snapshot cannot be loaded by this version (%s): stopping",
            receiving->is_refused ? receiving->why : "it ends too early");
        node->ports.stop(node->ports.context, 1, "a snapshot that this version cannot load");
        return false;
    }
    snapshot_loader_free(receiving->loader);
    receiving->loader = NULL;
    SF_ASSERT(engine_applied(receiving->engine) == chunk->place.index);
    receiving->from = chunk->whole;
    bytes_ref(chunk->whole.configuration);
    return true;
}

static void chunk_done(struct node *node, enum sf_status status) {
    struct receiving *receiving = &node->snapshots.receiving;
    uint64_t request = receiving->chunks[0].request;
    bool is_last = receiving->chunks[0].is_last;
    chunk_drop(receiving);
    if (status != SF_OK) state_drop(node);
    raft_step_chunk_written(node->raft, request, status, node->now_us);
    follow_leadership(node);
    if (is_last && !raft_is_installing(node->raft)) state_drop(node); /* not needed any more */
    node_wake(node);
}

bool receiving_has_work(const struct node *node) {
    const struct receiving *receiving = &node->snapshots.receiving;
    return receiving->n_chunks > 0 && receiving->chunks[0].is_written;
}

bool receiving_goes_on(const struct node *node) {
    const struct receiving *receiving = &node->snapshots.receiving;
    if (receiving->n_chunks > 0 || raft_is_installing(node->raft)) return true;
    return receiving->engine != NULL && node->now_us - receiving->heard_us < CHUNKS_APART_US;
}

void receiving_pump(struct node *node) {
    struct receiving *receiving = &node->snapshots.receiving;
    size_t left = LOAD_A_TURN;
    while (receiving_has_work(node) && left > 0 && !node->stopped) {
        struct received_chunk *chunk = &receiving->chunks[0];
        size_t before = receiving->at;
        if (chunk->status != SF_OK) {
            chunk_done(node, chunk->status);
        } else if (!chunk_follows(node, chunk)) {
            SF_MARK("snapshot: a chunk of which the beginning is not loaded (rare)");
            chunk_done(node, SF_ERR_SNAPSHOT);
        } else if (!chunk_load(node, chunk, left)) {
            return;
        } else {
            left -= SF_MIN(left, receiving->at - before);
            if (chunk->is_last && !state_ends(node, chunk)) return;
            chunk_done(node, SF_OK);
        }
    }
    bool is_idle = receiving->engine != NULL && receiving->n_chunks == 0;
    if (is_idle && !raft_is_installing(node->raft) &&
        node->now_us - receiving->heard_us >= FORGOTTEN_US)
        state_drop(node);
}

void snapshots_carry_out(struct node *node, const struct raft_ready *ready) {
    struct snapshots *snapshots = &node->snapshots;
    for (uint32_t i = 0; i < ready->n_chunk_writes; i++) {
        chunk_keep(node, &ready->chunk_writes[i]);
        node->ports.write_chunk(node->ports.context, &ready->chunk_writes[i]);
    }
    if (ready->install) {
        SF_ASSERT(snapshots->receiving.is_loaded &&
                  snapshots->receiving.from.place.id == ready->install_snapshot.id);
        snapshots_leave_engine(node);
        if (snapshots->saving && !list_empty(&snapshots->waiting))
            snapshots->wanted = true; /* who waits for it waits for the next one */
        snapshots->saving = false;    /* of an older state: its answer says nothing */
        node->ports.install_snapshot(
            node->ports.context, ++snapshots->request, &ready->install_snapshot);
    }
    for (uint32_t i = 0; i < ready->n_chunk_reads; i++) read_or_hold(node, &ready->chunk_reads[i]);
}

/* -- after an installed snapshot ------------------------------------------------------------- */

/* Our own commands that the new state has seen: their replies will never be known. */
void snapshots_settle_own_stream(struct node *node) {
    blocked_after_snapshot(node);
    struct incarnation row;
    uint64_t through;
    if (!engine_row(node->engine, node->incarnation.node, &row, &through)) return;
    if (!incarnation_equal(row, node->incarnation)) return;
    LIST_FOR_EACH(link, &node->sessions) {
        session_answer_lost(SF_CONTAINER(link, struct session, in_node), through);
    }
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        if (batch->sequence <= through) stream_applied(node, batch);
    }
    SF_ASSERT(through < node->next_sequence);
    node->settled_sequence = SF_MAX(node->settled_sequence, through);
}

/* The loaded state takes the place of the one that was. */
static void state_take(struct node *node) {
    struct receiving *receiving = &node->snapshots.receiving;
    struct engine *old = node->engine;
    node_engine_leaves(node);
    digests_state_replaced(node);
    node->engine = receiving->engine;
    receiving->engine = NULL;
    access_engine_changed(node);
    tracking_follow_engine(node);
    tracking_drop_all(node);
    snapshots_retire(node, old);
}

void node_on_snapshot_installed(struct node *node, uint64_t request, int64_t now_us) {
    struct snapshots *snapshots = &node->snapshots;
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    SF_ASSERT(request == snapshots->request && snapshots->receiving.is_loaded);
    struct node_snapshot *from = &snapshots->receiving.from;
    SF_ASSERT(from->place.index > engine_applied(node->engine)); /* applied never goes back */
    struct raft_configuration configuration;
    enum sf_status status = configuration_decode(bytes_slice(from->configuration), &configuration);
    SF_ASSERT(status == SF_OK);           /* its checksum was right */
    SF_ASSERT(snapshots->writer == NULL); /* since the installation was asked for */
    state_take(node);
    snapshots_saved_index(node, &from->place);
    snapshots->log_bytes = 0;
    snapshots->covered_commands = node->applied_commands;
    snapshots->n_installed++;
    raft_step_snapshot_installed(node->raft, &configuration, from->configuration_index, now_us);
    node_log(node, LOG_NOTICE, "the state at %llu was taken from a snapshot of the leader's",
        (unsigned long long)from->place.index);
    state_drop(node);
    follow_leadership(node);
    snapshots_settle_own_stream(node);
    peers_follow_configuration(node);
    membership_applied(node);
    reads_advance(node);
    node_wake(node);
}
