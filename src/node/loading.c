/* The start from a snapshot: its file is read in pieces and loaded in slices, while clients are
 * told so (-LOADING, INFO). Raft, and links to peers, begin when it is done. */
#include "node/internal.h"

#include <stdio.h>

enum {
    READ_BYTES = 1 << 20,
    LOAD_A_TURN = 512 << 10, /* bytes: a few milliseconds; nobody else is served */
    TELL_US = 1000000,       /* progress in the log */
};

/* -- beginning and end ----------------------------------------------------------------------- */

static void stop_for(struct node *node, const char *why) {
    const struct raft_snapshot *place = &node->loading->start.snapshot.place;
    node->stopped = true;
    node_log(node, LOG_WARNING,
        "the snapshot at %llu cannot be loaded: %s. Another version made it, `databases` was "
        "changed, or the disk lies: remove the data directory and let the node join again",
        (unsigned long long)place->index, why);
    node->ports.stop(node->ports.context, 1, "a snapshot that this version cannot load");
}

void loading_begin(struct node *node, const struct node_start *start) {
    struct loading *loading = node->loading = sf_alloc_zero(1, sizeof *loading);
    const struct raft_start *raft = &start->raft;
    loading->start = *start;
    bytes_ref(start->snapshot.configuration);
    struct raft_term_run *runs = sf_alloc((raft->n_term_runs + 1) * sizeof *runs);
    if (raft->n_term_runs > 0) memcpy(runs, raft->term_runs, raft->n_term_runs * sizeof *runs);
    loading->start.raft.term_runs = runs;
    loading->engine = node_engine_new(node);
    loading->loader = snapshot_loader_new(loading->engine, start->snapshot.place.bytes);
    loading->begun_ms = node->wall_ms;
    loading->begun_us = loading->told_us = node->now_us;
    node_log(node, LOG_NOTICE, "loads the snapshot of the state at %llu: %llu bytes",
        (unsigned long long)start->snapshot.place.index,
        (unsigned long long)start->snapshot.place.bytes);
    node_wake(node);
}

void loading_drop(struct node *node) {
    struct loading *loading = node->loading;
    if (loading == NULL) return;
    for (uint32_t i = 0; i < loading->n_pieces; i++) bytes_unref(loading->pieces[i]);
    snapshot_loader_free(loading->loader);
    engine_free(loading->engine);
    bytes_unref(loading->start.snapshot.configuration);
    sf_free((void *)(uintptr_t)loading->start.raft.term_runs);
    sf_free(loading);
    node->loading = NULL;
}

static void end(struct node *node) {
    struct loading *loading = node->loading;
    uint64_t keys = snapshot_load_keys(loading->loader);
    int64_t took_ms = (node->now_us - loading->begun_us) / 1000;
    struct engine *engine = loading->engine;
    loading->engine = NULL;
    node_log(node, LOG_NOTICE, "loaded %llu keys in %lld.%03lld s; the log goes on to %llu",
        (unsigned long long)keys, (long long)took_ms / 1000, (long long)took_ms % 1000,
        (unsigned long long)loading->start.raft.last_index);
    node->snapshots.keys_loaded = keys;
    node_replica_go_on(node, &loading->start, engine);
    loading_drop(node);
}

/* -- reading --------------------------------------------------------------------------------- */

static void ask(struct node *node) {
    struct loading *loading = node->loading;
    const struct raft_snapshot *place = &loading->start.snapshot.place;
    while (loading->n_pieces + loading->n_asked < LOAD_READS_MAX && loading->asked < place->bytes) {
        struct raft_chunk_read read = {.request = ++node->snapshots.request,
            .snapshot = *place,
            .offset = loading->asked,
            .max_bytes = SF_MIN(place->bytes - loading->asked, (uint64_t)READ_BYTES)};
        loading->asked += read.max_bytes;
        loading->n_asked++;
        node->ports.read_chunk(node->ports.context, &read);
    }
}

void loading_on_read(struct node *node, struct bytes *data) {
    struct loading *loading = node->loading;
    if (node->stopped) return;
    SF_ASSERT(loading->n_asked > 0);
    loading->n_asked--;
    if (data == NULL) {
        stop_for(node, "its file cannot be read");
        return;
    }
    loading->pieces[loading->n_pieces++] = bytes_ref(data);
    node_wake(node);
}

/* -- loading --------------------------------------------------------------------------------- */

static uint64_t percent_of(const struct loading *loading) {
    uint64_t bytes = SF_MAX(loading->start.snapshot.place.bytes, (uint64_t)1);
    return loading->loaded * 100 / bytes;
}

static int64_t eta_s(const struct node *node) {
    const struct loading *loading = node->loading;
    int64_t passed_us = node->now_us - loading->begun_us;
    if (loading->loaded == 0) return 1;
    double left = (double)(loading->start.snapshot.place.bytes - loading->loaded);
    return (int64_t)((double)passed_us * left / (double)loading->loaded / 1e6);
}

static void tell(struct node *node) {
    struct loading *loading = node->loading;
    if (node->now_us - loading->told_us < TELL_US) return;
    loading->told_us = node->now_us;
    node_log(node, LOG_NOTICE, "loading: %llu %%, %llu keys, about %lld s to go",
        (unsigned long long)percent_of(loading),
        (unsigned long long)snapshot_load_keys(loading->loader), (long long)eta_s(node));
}

static void piece_drop(struct loading *loading) {
    bytes_unref(loading->pieces[0]);
    loading->n_pieces--;
    loading->at = 0;
    memmove(loading->pieces, loading->pieces + 1, loading->n_pieces * sizeof *loading->pieces);
}

void loading_pump(struct node *node) {
    struct loading *loading = node->loading;
    if (node->stopped) return;
    ask(node);
    tell(node);
    for (size_t left = LOAD_A_TURN; left > 0 && loading->n_pieces > 0;) {
        const struct bytes *piece = loading->pieces[0];
        size_t n = SF_MIN(left, piece->len - loading->at);
        enum snapshot_loading state =
            snapshot_load(loading->loader, slice_of(piece->data + loading->at, n));
        left -= n;
        loading->at += n;
        loading->loaded += n;
        if (loading->at == piece->len) piece_drop(loading);
        bool is_all = loading->loaded == loading->start.snapshot.place.bytes;
        if (state == SNAPSHOT_FAILED) {
            stop_for(node, snapshot_load_why(loading->loader));
            return;
        }
        if (is_all != (state == SNAPSHOT_LOADED)) {
            stop_for(node, is_all ? "it ends too early" : "bytes behind its end");
            return;
        }
        if (is_all) {
            end(node);
            return;
        }
    }
    ask(node);
    if (loading->n_pieces > 0) node_wake(node);
}

/* -- figures --------------------------------------------------------------------------------- */

bool loading_replays(const struct node *node) {
    if (node->raft == NULL) return false;
    raft_index applied = engine_applied(node->engine);
    /* the end of that log may never be committed */
    return applied < node->replays_until && applied < raft_commit_index(node->raft);
}

static void put_progress(const struct node *node, struct buf *out, int64_t begun_ms, uint64_t total,
    uint64_t done, int64_t eta) {
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    double percent = total == 0 ? 0 : (double)done * 100 / (double)total;
    buf_printf(out,
        "loading_start_time:%lld\r\nloading_total_bytes:%llu\r\nloading_rdb_used_mem:%llu\r\n"
        "loading_loaded_bytes:%llu\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%lld\r\n",
        (long long)begun_ms / 1000, (unsigned long long)total,
        (unsigned long long)figures.used_memory, (unsigned long long)done, percent, (long long)eta);
}

void loading_info(const struct node *node, struct buf *out) {
    const struct loading *loading = node->loading;
    if (loading != NULL) {
        put_progress(node, out, loading->begun_ms, loading->start.snapshot.place.bytes,
            loading->loaded, eta_s(node));
    } else if (loading_replays(node)) {
        uint64_t total = node->replays_until - node->replay_from;
        uint64_t done = engine_applied(node->engine) - node->replay_from;
        double rate = (double)done / (double)SF_MAX(node->now_us - node->replay_us, (int64_t)1);
        int64_t eta = done == 0 ? 1 : (int64_t)((double)(total - done) / rate / 1e6);
        buf_printf(out, "loading_log_entries:%llu\r\nloading_log_entries_done:%llu\r\n",
            (unsigned long long)total, (unsigned long long)done);
        put_progress(node, out, node->replay_ms, total, done, eta);
    }
}
