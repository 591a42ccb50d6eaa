/* Several cores under a test's hand: every message, every disk operation and the clock move only
 * when the test says so. What happens is written into a transcript, one line an event (what the
 * test or the network did) with its effects indented below; and the invariants of DESIGN 2 that can
 * be seen from outside are checked at each effect.
 *
 * A header of static functions, since each test is a program of its own. */
#ifndef SF_TESTS_UNIT_RAFT_CLUSTER_H
#define SF_TESTS_UNIT_RAFT_CLUSTER_H

#include "raft/raft.h"
#include "util/codec.h"

#include "unit/check.h"

#include <inttypes.h>
#include <stdio.h>

#define CLUSTER_NODES_MAX 7
#define CLUSTER_TERMS_MAX 4096

/* Durable, or asked to become so. Entries from index 1 on; what a snapshot made superfluous stays
 * here for the checkers, though nobody may read it (disk_first). */
struct disk_log {
    struct raft_entry *entries;
    uint32_t n, cap;
};

enum disk_work_type {
    DISK_APPEND,
    DISK_HARD_STATE,
    DISK_FETCH,
    DISK_CHUNK_READ,
    DISK_CHUNK_WRITE,
    DISK_INSTALL,
};

#define SNAPSHOT_TEST_BYTES 1000 /* of each snapshot: bytes that follow from its id */

struct disk_work {
    enum disk_work_type type;
    uint64_t request;
    raft_index truncate_from;
    struct disk_log entries; /* DISK_APPEND */
    struct raft_hard_state hard_state;
    struct raft_fetch_request fetch;
    struct raft_chunk_read read;
    struct raft_chunk_write write; /* its data: a reference */
    struct raft_snapshot snapshot; /* DISK_INSTALL */
};

struct cluster_node {
    raft_id id;
    struct raft *raft; /* NULL: down */
    struct disk_log disk;
    struct raft_hard_state hard_state;
    struct disk_work *work; /* in order of asking */
    uint32_t n_work, cap_work;
    bool disk_is_held; /* settle leaves its disk work alone */
    bool apply_is_held;
    bool is_damaged; /* so raft_start says */
    raft_index applied;
    enum raft_role role; /* as last seen, for the transcript */
    raft_term term;
    raft_index commit;
    uint32_t n_fetches; /* asked so far */
    uint64_t n_starts;
    raft_index disk_first;         /* the log's first entry */
    struct raft_snapshot snapshot; /* index 0: none */
    struct buf received;           /* lost by a crash */
    uint64_t received_id;
    bool chunks_fail; /* writes of chunks do */
    uint32_t n_installed;
    uint32_t n_gone; /* reads of an older snapshot than the one that is kept */
};

struct cluster_read {
    uint64_t ticket;
    raft_id node;
    raft_index committed_when_asked;
    uint64_t asked_in_start; /* of the node's starts */
    struct raft_read answer;
    bool is_answered;
};

struct cluster {
    uint32_t n;
    struct cluster_node nodes[CLUSTER_NODES_MAX]; /* of ids 1 .. n */
    int64_t now_us;
    uint64_t seed;
    struct raft_settings settings;
    struct raft_message *messages; /* on their way; own what they hold */
    uint32_t n_messages, cap_messages;
    bool is_cut[CLUSTER_NODES_MAX + 1][CLUSTER_NODES_MAX + 1]; /* [from][to] */
    uint64_t n_sent[RAFT_MESSAGE_TYPES];
    struct buf transcript;
    bool is_quiet, is_loud; /* no transcript; it goes to stderr too */

    /* What the checkers know. */
    raft_id leader_of_term[CLUSTER_TERMS_MAX];
    struct disk_log committed; /* what any node ever called committed */
    struct cluster_read *reads;
    uint32_t n_reads, cap_reads;
};

static void cluster_collect(struct cluster *cluster, raft_id id);

#define CLUSTER_GROW(array, n, cap)                                                                \
    do {                                                                                           \
        if ((n) < (cap)) break;                                                                    \
        (cap) = (cap) == 0 ? 16 : (cap)*2;                                                         \
        (array) = sf_realloc((array), (cap) * sizeof *(array));                                    \
    } while (0)

static inline void say(struct cluster *cluster, const char *format, ...) SF_PRINTF(2, 3);
static inline void say(struct cluster *cluster, const char *format, ...) {
    if (cluster->is_quiet) return;
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_append_text(&cluster->transcript, line);
    buf_append_char(&cluster->transcript, '\n');
    if (cluster->is_loud) fprintf(stderr, "%s\n", line);
}

static inline void say_message(
    struct cluster *cluster, const char *what, const struct raft_message *message) {
    if (cluster->is_quiet) return;
    struct buf text = {0};
    raft_message_describe(message, &text);
    say(cluster, "%s %.*s", what, (int)text.len, buf_slice(&text).data);
    buf_free(&text);
}

/* -- logs */

static inline void disk_log_push(struct disk_log *log, const struct raft_entry *entry) {
    CLUSTER_GROW(log->entries, log->n, log->cap);
    log->entries[log->n] = *entry;
    bytes_ref(entry->payload);
    log->n++;
}

static inline void disk_log_cut(struct disk_log *log, raft_index from) {
    while (log->n > 0 && log->entries[log->n - 1].index >= from)
        bytes_unref(log->entries[--log->n].payload);
}

static inline void disk_log_free(struct disk_log *log) {
    disk_log_cut(log, 0);
    sf_free(log->entries);
    *log = (struct disk_log){0};
}

static inline bool entries_equal(const struct raft_entry *a, const struct raft_entry *b) {
    return a->index == b->index && a->term == b->term && a->kind == b->kind &&
           slice_equal(bytes_slice(a->payload), bytes_slice(b->payload));
}

/* -- nodes */

static inline struct cluster_node *node_of(struct cluster *cluster, raft_id id) {
    SF_ASSERT(id >= 1 && id <= cluster->n);
    return &cluster->nodes[id - 1];
}

static inline struct raft *raft_of(struct cluster *cluster, raft_id id) {
    return node_of(cluster, id)->raft;
}

static inline struct raft_configuration configuration_of(uint32_t n_voters, uint32_t n_members) {
    struct raft_configuration configuration = {0};
    for (uint32_t i = 0; i < n_members; i++) {
        struct raft_member *member = &configuration.members[configuration.n++];
        member->id = i + 1;
        member->voter_new = i < n_voters;
        member->address.port = (uint16_t)(7000 + i);
    }
    return configuration;
}

static inline struct bytes *payload_of_configuration(const struct raft_configuration *c) {
    struct buf encoded = {0};
    configuration_encode(c, &encoded);
    struct bytes *payload = bytes_new(buf_slice(&encoded).data, encoded.len);
    buf_free(&encoded);
    return payload;
}

static inline void disk_put(
    struct cluster *cluster, raft_id id, raft_term term, uint8_t kind, struct bytes *payload) {
    struct disk_log *disk = &node_of(cluster, id)->disk;
    struct raft_entry entry = {
        .index = disk->n + 1, .term = term, .kind = kind, .payload = payload};
    disk_log_push(disk, &entry);
    bytes_unref(payload);
    struct raft_hard_state *state = &node_of(cluster, id)->hard_state;
    if (state->term < term) *state = (struct raft_hard_state){term, 0};
}

/* Latest two configurations on disk, into the start. */
static inline void start_find_configurations(
    const struct disk_log *disk, struct raft_start *start) {
    for (uint32_t i = 0; i < disk->n; i++) {
        if (disk->entries[i].kind != ENTRY_CONFIGURATION) continue;
        start->previous_configuration = start->configuration;
        start->previous_configuration_index = start->configuration_index;
        enum sf_status status =
            configuration_decode(bytes_slice(disk->entries[i].payload), &start->configuration);
        SF_ASSERT(status == SF_OK);
        start->configuration_index = i + 1;
    }
}

/* As storage does: a log that ends below the snapshot begins anew behind it. */
static inline void disk_begin_behind(struct cluster *cluster, struct cluster_node *node) {
    if (node->disk.n >= node->snapshot.index) return;
    disk_log_cut(&node->disk, 1);
    for (uint32_t i = 0; i < node->snapshot.index; i++)
        disk_log_push(&node->disk, &cluster->committed.entries[i]);
    node->disk_first = node->snapshot.index + 1;
}

static inline void cluster_start(struct cluster *cluster, raft_id id) {
    struct cluster_node *node = node_of(cluster, id);
    SF_ASSERT(node->raft == NULL);
    disk_begin_behind(cluster, node);
    /* As storage does (DESIGN 9): entries of a term may become durable before the hard state. */
    raft_term last = node->disk.n == 0 ? 0 : node->disk.entries[node->disk.n - 1].term;
    if (node->hard_state.term < last) node->hard_state = (struct raft_hard_state){last, 0};
    struct raft_start start = {.self = id,
        .seed = cluster->seed * 1000000 + ++node->n_starts * 100 + id,
        .now_us = cluster->now_us,
        .settings = cluster->settings,
        .hard_state = node->hard_state,
        .first_index = node->disk_first,
        .last_index = node->disk.n,
        .snapshot = node->snapshot,
        .applied = node->snapshot.index,
        .damaged = node->is_damaged};
    struct raft_term_run *runs = sf_alloc((node->disk.n + 1) * sizeof *runs);
    for (uint32_t i = (uint32_t)node->disk_first - 1; i < node->disk.n; i++) {
        raft_term term = node->disk.entries[i].term;
        if (start.n_term_runs == 0 || runs[start.n_term_runs - 1].term != term)
            runs[start.n_term_runs++] = (struct raft_term_run){i + 1, term};
    }
    start.term_runs = runs;
    start_find_configurations(&node->disk, &start);
    node->raft = raft_new(&start);
    sf_free(runs);
    node->applied = node->commit = node->snapshot.index;
    node->role = RAFT_FOLLOWER;
    node->term = node->hard_state.term;
    cluster_collect(cluster, id);
}

/* n nodes, the first n_voters of them voters, the next n_members - n_voters learners, the others
 * empty; all with the configuration as entry 1 of term 1. Not started. */
static inline void cluster_init(
    struct cluster *cluster, uint32_t n, uint32_t n_voters, uint32_t n_members, uint64_t seed) {
    SF_ASSERT(n <= CLUSTER_NODES_MAX);
    *cluster = (struct cluster){.n = n,
        .seed = seed,
        .now_us = 1000000,
        .settings = {.election_timeout_min_ms = 150,
            .election_timeout_max_ms = 300,
            .heartbeat_interval_ms = 50,
            .pre_vote = true,
            .batch_bytes = 1 << 20,
            .window_messages = 64,
            .window_bytes = 8 << 20,
            .cache_bytes = 1 << 20}};
    struct raft_configuration configuration = configuration_of(n_voters, n_members);
    for (raft_id id = 1; id <= n; id++) {
        node_of(cluster, id)->id = id;
        node_of(cluster, id)->disk_first = 1;
        if (id <= n_members)
            disk_put(cluster, id, 1, ENTRY_CONFIGURATION, payload_of_configuration(&configuration));
    }
}

static inline void cluster_start_all(struct cluster *cluster) {
    for (raft_id id = 1; id <= cluster->n; id++) cluster_start(cluster, id);
}

static inline void disk_work_free(struct disk_work *work) {
    disk_log_free(&work->entries);
    bytes_unref(work->write.data);
}

static inline void disk_work_drop(struct cluster_node *node) {
    for (uint32_t i = 0; i < node->n_work; i++) disk_work_free(&node->work[i]);
    buf_free(&node->received);
    node->received_id = 0;
    node->n_work = 0;
}

/* Loses what was not yet durable. */
static inline void cluster_crash(struct cluster *cluster, raft_id id) {
    struct cluster_node *node = node_of(cluster, id);
    say(cluster, "%" PRIu64 " crashes", id);
    raft_free(node->raft);
    node->raft = NULL;
    disk_work_drop(node);
}

static inline void cluster_free(struct cluster *cluster) {
    for (raft_id id = 1; id <= cluster->n; id++) {
        struct cluster_node *node = node_of(cluster, id);
        raft_free(node->raft);
        disk_work_drop(node);
        sf_free(node->work);
        disk_log_free(&node->disk);
    }
    for (uint32_t i = 0; i < cluster->n_messages; i++) raft_message_clear(&cluster->messages[i]);
    sf_free(cluster->messages);
    sf_free(cluster->reads);
    disk_log_free(&cluster->committed);
    buf_free(&cluster->transcript);
}

/* -- checks from outside */

static inline void check_leader(struct cluster *cluster, struct cluster_node *node) {
    raft_term term = raft_current_term(node->raft);
    SF_ASSERT(term < CLUSTER_TERMS_MAX);
    SF_ASSERT(cluster->leader_of_term[term] == 0 || cluster->leader_of_term[term] == node->id);
    cluster->leader_of_term[term] = node->id;           /* R1 */
    for (uint32_t i = 0; i < cluster->committed.n; i++) /* R4 */
        if (i + 1 >= raft_first_index(node->raft))
            SF_ASSERT(raft_term_at(node->raft, i + 1) == cluster->committed.entries[i].term);
    for (raft_id id = 1; id <= cluster->n; id++) { /* R10 */
        const struct raft *other = raft_of(cluster, id);
        if (other == NULL || id == node->id || raft_current_term(other) >= term) continue;
        SF_ASSERT(raft_lease_until_us(other) <= cluster->now_us);
    }
}

static inline uint32_t count_durable(struct cluster *cluster, const struct raft_configuration *c,
    bool old, raft_index i, raft_term t) {
    uint32_t n = 0;
    for (uint32_t m = 0; m < c->n; m++) {
        if (!(old ? c->members[m].voter_old : c->members[m].voter_new)) continue;
        const struct cluster_node *node = node_of(cluster, c->members[m].id);
        bool holds = node->disk.n >= i && node->disk.entries[i - 1].term == t;
        n += holds || node->is_damaged; /* it did, when it said so */
    }
    return n;
}

/* What a leader calls committed is durable on a majority. */
static inline void check_majority(struct cluster *cluster, struct cluster_node *node) {
    const struct raft_configuration *c = raft_configuration(node->raft);
    raft_index commit = raft_commit_index(node->raft);
    raft_term term = raft_term_at(node->raft, commit);
    SF_ASSERT(count_durable(cluster, c, false, commit, term) * 2 > configuration_n_voters(c));
}

static inline void check_commit(struct cluster *cluster, struct cluster_node *node) {
    raft_index commit = raft_commit_index(node->raft);
    if (raft_role(node->raft) == RAFT_LEADER && commit > cluster->committed.n)
        check_majority(cluster, node);
    for (raft_index i = node->commit + 1; i <= commit; i++) {
        if (i < raft_first_index(node->raft)) continue; /* from a snapshot */
        raft_term term = raft_term_at(node->raft, i);
        if (i <= cluster->committed.n) {
            SF_ASSERT(cluster->committed.entries[i - 1].term == term);
        } else {
            struct raft_entry place = {.index = i, .term = term};
            disk_log_push(&cluster->committed, &place);
        }
    }
}

/* R8, seen on the wire: what a message claims is on its sender's disk. */
static inline void check_message(struct cluster *cluster, const struct raft_message *m) {
    const struct cluster_node *node = node_of(cluster, m->from);
    bool is_question = m->type == RAFT_PRE_VOTE || (m->type == RAFT_PRE_VOTE_ANSWER && m->granted);
    if (!is_question) SF_ASSERT(node->hard_state.term >= m->term);
    if (m->type == RAFT_VOTE && node->hard_state.term == m->term)
        SF_ASSERT(node->hard_state.vote == m->from);
    if (m->type == RAFT_VOTE_ANSWER && m->granted && node->hard_state.term == m->term)
        SF_ASSERT(node->hard_state.vote == m->to);
    if (m->type == RAFT_APPEND_ANSWER && m->granted) {
        SF_ASSERT(node->disk.n >= m->match);
        if (m->match >= raft_first_index(node->raft))
            SF_ASSERT(node->disk.entries[m->match - 1].term == raft_term_at(node->raft, m->match));
    }
}

/* R5, and R3 for what is applied. */
static inline void cluster_apply(struct cluster *cluster, struct cluster_node *node) {
    while (!node->apply_is_held && node->applied < raft_commit_index(node->raft)) {
        const struct raft_entry *entry = raft_committed_entry(node->raft, node->applied + 1);
        if (entry == NULL) break;
        node->applied++;
        struct raft_entry *known = &cluster->committed.entries[node->applied - 1];
        if (known->kind == 0) {
            *known = *entry;
            bytes_ref(known->payload);
        }
        SF_ASSERT(entries_equal(known, entry));
        raft_step_applied(node->raft, node->applied);
    }
}

/* -- effects */

static inline struct disk_work *disk_ask(struct cluster_node *node, enum disk_work_type type) {
    CLUSTER_GROW(node->work, node->n_work, node->cap_work);
    struct disk_work *work = &node->work[node->n_work++];
    *work = (struct disk_work){.type = type};
    return work;
}

static inline void collect_disk(
    struct cluster *cluster, struct cluster_node *node, const struct raft_ready *ready) {
    if (ready->has_hard_state) {
        say(cluster, "  %" PRIu64 " saves term=%" PRIu64 " vote=%" PRIu64, node->id,
            ready->hard_state.term, ready->hard_state.vote);
        struct disk_work *work = disk_ask(node, DISK_HARD_STATE);
        work->request = ready->hard_state_request;
        work->hard_state = ready->hard_state;
    }
    for (uint32_t i = 0; i < ready->n_appends; i++) {
        const struct raft_append_request *append = &ready->appends[i];
        if (append->truncate_from > 0)
            say(cluster, "  %" PRIu64 " truncates from %" PRIu64, node->id, append->truncate_from);
        if (append->n_entries > 0)
            say(cluster, "  %" PRIu64 " stores %" PRIu64 "..%" PRIu64, node->id,
                append->entries[0].index, append->entries[append->n_entries - 1].index);
        struct disk_work *work = disk_ask(node, DISK_APPEND);
        work->request = append->request;
        work->truncate_from = append->truncate_from;
        for (uint32_t k = 0; k < append->n_entries; k++)
            disk_log_push(&work->entries, &append->entries[k]);
    }
    for (uint32_t i = 0; i < ready->n_fetches; i++) {
        say(cluster, "  %" PRIu64 " fetches %" PRIu64 "..%" PRIu64, node->id,
            ready->fetches[i].first, ready->fetches[i].last);
        struct disk_work *work = disk_ask(node, DISK_FETCH);
        work->request = ready->fetches[i].request;
        work->fetch = ready->fetches[i];
        node->n_fetches++;
    }
    for (uint32_t i = 0; i < ready->n_chunk_writes; i++) {
        struct disk_work *work = disk_ask(node, DISK_CHUNK_WRITE);
        work->write = ready->chunk_writes[i];
        bytes_ref(work->write.data);
    }
    if (ready->install) {
        say(cluster, "  %" PRIu64 " installs %" PRIu64, node->id, ready->install_snapshot.index);
        disk_ask(node, DISK_INSTALL)->snapshot = ready->install_snapshot;
    }
    for (uint32_t i = 0; i < ready->n_chunk_reads; i++)
        disk_ask(node, DISK_CHUNK_READ)->read = ready->chunk_reads[i];
}

static inline void message_push(struct cluster *cluster, const struct raft_message *message) {
    CLUSTER_GROW(cluster->messages, cluster->n_messages, cluster->cap_messages);
    struct raft_message *copy = &cluster->messages[cluster->n_messages++];
    *copy = *message;
    bytes_ref(copy->data);
    if (message->n_entries == 0) {
        copy->entries = NULL;
        return;
    }
    copy->entries = sf_alloc(copy->n_entries * sizeof *copy->entries);
    for (uint32_t i = 0; i < copy->n_entries; i++) {
        copy->entries[i] = message->entries[i];
        bytes_ref(copy->entries[i].payload);
    }
}

static inline void collect_messages(
    struct cluster *cluster, struct cluster_node *node, const struct raft_ready *ready) {
    for (uint32_t i = 0; i < ready->n_messages; i++) {
        const struct raft_message *message = &ready->messages[i];
        SF_ASSERT(message->from == node->id);
        check_message(cluster, message);
        cluster->n_sent[message->type]++;
        say_message(cluster, " ", message);
        message_push(cluster, message);
    }
}

static inline void collect_reads(
    struct cluster *cluster, struct cluster_node *node, const struct raft_ready *ready) {
    for (uint32_t i = 0; i < ready->n_reads; i++) {
        const struct raft_read *answer = &ready->reads[i];
        say(cluster, "  %" PRIu64 " read %" PRIu64 " %s at %" PRIu64, node->id, answer->ticket,
            answer->failed ? "fails" : "is good", answer->index);
        struct cluster_read *read = &cluster->reads[answer->ticket];
        SF_ASSERT(!read->is_answered && read->node == node->id);
        read->is_answered = true;
        read->answer = *answer;
        if (!answer->failed) SF_ASSERT(answer->index >= read->committed_when_asked);
    }
}

static inline const char *role_name(enum raft_role role) {
    static const char *const names[] = {"follower", "pre-candidate", "candidate", "leader"};
    return names[role];
}

static inline void collect_changes(struct cluster *cluster, struct cluster_node *node) {
    if (node->role != raft_role(node->raft) || node->term != raft_current_term(node->raft)) {
        node->role = raft_role(node->raft);
        node->term = raft_current_term(node->raft);
        say(cluster, "  %" PRIu64 " is %s of term %" PRIu64, node->id, role_name(node->role),
            node->term);
        if (node->role == RAFT_LEADER) check_leader(cluster, node);
    }
    if (node->commit != raft_commit_index(node->raft)) {
        check_commit(cluster, node);
        node->commit = raft_commit_index(node->raft);
        say(cluster, "  %" PRIu64 " has committed %" PRIu64, node->id, node->commit);
    }
}

static void cluster_collect(struct cluster *cluster, raft_id id) {
    struct cluster_node *node = node_of(cluster, id);
    struct raft_ready ready;
    while (raft_ready(node->raft, &ready)) {
        collect_changes(cluster, node);
        if (ready.damage_mended) node->is_damaged = false;
        collect_disk(cluster, node, &ready);
        collect_messages(cluster, node, &ready);
        collect_reads(cluster, node, &ready);
        cluster_apply(cluster, node);
    }
}

/* -- events */

static inline void cluster_tick(struct cluster *cluster, raft_id id) {
    say(cluster, "%" PRIu64 " ticks", id);
    raft_step_tick(raft_of(cluster, id), cluster->now_us);
    cluster_collect(cluster, id);
}

static inline void disk_fetch(
    struct cluster *cluster, struct cluster_node *node, const struct disk_work *work) {
    raft_index first = work->fetch.first, last = SF_MIN(work->fetch.last, node->disk.n);
    if (first < node->disk_first) last = 0; /* it is gone */
    uint32_t n = 0;
    uint64_t bytes = 0;
    while (first + n <= last) {
        const struct bytes *payload = node->disk.entries[first + n - 1].payload;
        bytes += payload == NULL ? 0 : payload->len;
        if (n > 0 && bytes > work->fetch.max_bytes) break;
        n++;
    }
    raft_step_fetched(
        node->raft, work->request, &node->disk.entries[first - 1], n, cluster->now_us);
}

/* -- snapshots */

static inline char snapshot_byte(uint64_t id, uint64_t at) {
    return (char)(id * 31 + at * 7);
}

static inline struct raft_configuration configuration_at(
    const struct disk_log *log, raft_index index, raft_index *at) {
    struct raft_configuration configuration = {0};
    for (*at = index; *at > 0; --*at) {
        const struct raft_entry *entry = &log->entries[*at - 1];
        if (entry->kind != ENTRY_CONFIGURATION) continue;
        enum sf_status status = configuration_decode(bytes_slice(entry->payload), &configuration);
        SF_ASSERT(status == SF_OK);
        break;
    }
    return configuration;
}

/* Takes a snapshot of what is applied; `keep` entries before it stay in the log. False: not now. */
static inline bool cluster_snapshot(struct cluster *cluster, raft_id id, raft_index keep) {
    struct cluster_node *node = node_of(cluster, id);
    struct raft_configuration configuration, logged;
    raft_index configuration_index, logged_index, index = node->applied;
    if (index <= node->snapshot.index || index > node->disk.n) return false;
    if (!raft_snapshot_configuration(node->raft, index, &configuration, &configuration_index))
        return false;
    logged = configuration_at(&node->disk, index, &logged_index);
    SF_ASSERT(logged_index == configuration_index && logged.n == configuration.n);
    SF_ASSERT(
        memcmp(logged.members, configuration.members, logged.n * sizeof *logged.members) == 0);
    node->snapshot = (struct raft_snapshot){.index = index,
        .term = raft_term_at(node->raft, index),
        .id = index * 100 + id,
        .bytes = SNAPSHOT_TEST_BYTES};
    raft_index reach = SF_MIN(index + 1, raft_log_needed_from(node->raft));
    if (reach > keep) node->disk_first = SF_MAX(node->disk_first, reach - keep);
    say(cluster, "%" PRIu64 " has a snapshot at %" PRIu64 ", its log begins at %" PRIu64, id, index,
        node->disk_first);
    raft_step_snapshot_saved(node->raft, &node->snapshot, node->disk_first, cluster->now_us);
    cluster_collect(cluster, id);
    return true;
}

static inline void disk_chunk_read(
    struct cluster *cluster, struct cluster_node *node, const struct raft_chunk_read *read) {
    struct bytes *data = NULL;
    if (read->snapshot.id == node->snapshot.id) { /* older ones are gone */
        uint64_t len = SF_MIN(read->max_bytes, read->snapshot.bytes - read->offset);
        data = bytes_new_empty(len);
        for (uint64_t i = 0; i < len; i++)
            data->data[i] = snapshot_byte(read->snapshot.id, read->offset + i);
    } else {
        node->n_gone++;
    }
    say(cluster, "%" PRIu64 " has read bytes %" PRIu64 "+%zu", node->id, read->offset,
        bytes_slice(data).len);
    raft_step_chunk_read(node->raft, read->request, data, cluster->now_us);
    bytes_unref(data);
}

static inline void disk_chunk_write(
    struct cluster *cluster, struct cluster_node *node, const struct raft_chunk_write *write) {
    if (write->offset == 0) {
        buf_clear(&node->received);
        node->received_id = write->snapshot.id;
    }
    enum sf_status status = SF_OK;
    if (node->chunks_fail) node->received_id = 0;
    if (node->received_id != write->snapshot.id) status = SF_ERR_NO_SPACE;
    if (status == SF_OK) {
        SF_ASSERT(node->received.len == write->offset);
        buf_append_slice(&node->received, bytes_slice(write->data));
        SF_ASSERT(write->is_last == (node->received.len == write->snapshot.bytes));
        for (size_t i = 0; i < node->received.len; i++)
            SF_ASSERT(buf_slice(&node->received).data[i] == snapshot_byte(write->snapshot.id, i));
    }
    say(cluster, "%" PRIu64 " has written %zu bytes", node->id, node->received.len);
    raft_step_chunk_written(node->raft, write->request, status, cluster->now_us);
}

static inline void disk_install(
    struct cluster *cluster, struct cluster_node *node, const struct raft_snapshot *snapshot) {
    SF_ASSERT(node->received.len == snapshot->bytes && node->received_id == snapshot->id);
    SF_ASSERT(snapshot->index <= cluster->committed.n && snapshot->index > node->applied);
    disk_log_cut(&node->disk, 1);
    for (uint32_t i = 0; i < snapshot->index; i++) {
        SF_ASSERT(cluster->committed.entries[i].kind != 0);
        disk_log_push(&node->disk, &cluster->committed.entries[i]);
    }
    SF_ASSERT(node->disk.entries[snapshot->index - 1].term == snapshot->term);
    raft_index at;
    struct raft_configuration configuration = configuration_at(&node->disk, snapshot->index, &at);
    node->disk_first = snapshot->index + 1;
    node->snapshot = *snapshot;
    node->applied = node->commit = snapshot->index;
    node->n_installed++;
    say(cluster, "%" PRIu64 " has installed %" PRIu64, node->id, snapshot->index);
    raft_step_snapshot_installed(node->raft, &configuration, at, cluster->now_us);
}

/* Carries out and answers the disk's work at this place in its queue (0 but for fetches, which may
 * overtake). */
static inline void cluster_disk_step(struct cluster *cluster, raft_id id, uint32_t at) {
    struct cluster_node *node = node_of(cluster, id);
    SF_ASSERT(at < node->n_work);
    struct disk_work work = node->work[at];
    node->n_work--;
    memmove(&node->work[at], &node->work[at + 1], (node->n_work - at) * sizeof work);
    switch (work.type) {
    case DISK_APPEND:
        if (work.truncate_from > 0) disk_log_cut(&node->disk, work.truncate_from);
        for (uint32_t i = 0; i < work.entries.n; i++) {
            SF_ASSERT(work.entries.entries[i].index == node->disk.n + 1);
            disk_log_push(&node->disk, &work.entries.entries[i]);
        }
        say(cluster, "%" PRIu64 " has stored ..%" PRIu32, id, node->disk.n);
        raft_term last = node->disk.n == 0 ? 0 : node->disk.entries[node->disk.n - 1].term;
        raft_step_appended(node->raft, work.request, node->disk.n, last, cluster->now_us);
        break;
    case DISK_HARD_STATE:
        SF_ASSERT(work.hard_state.term >= node->hard_state.term);
        node->hard_state = work.hard_state;
        say(cluster, "%" PRIu64 " has saved term=%" PRIu64 " vote=%" PRIu64, id,
            work.hard_state.term, work.hard_state.vote);
        raft_step_hard_state_saved(node->raft, work.request, cluster->now_us);
        break;
    case DISK_FETCH:
        say(cluster, "%" PRIu64 " has fetched", id);
        disk_fetch(cluster, node, &work);
        break;
    case DISK_CHUNK_READ:
        disk_chunk_read(cluster, node, &work.read);
        break;
    case DISK_CHUNK_WRITE:
        disk_chunk_write(cluster, node, &work.write);
        break;
    case DISK_INSTALL:
        disk_install(cluster, node, &work.snapshot);
        break;
    }
    disk_work_free(&work);
    cluster_collect(cluster, id);
}

static inline struct raft_message message_take(struct cluster *cluster, uint32_t at) {
    SF_ASSERT(at < cluster->n_messages);
    struct raft_message message = cluster->messages[at];
    cluster->n_messages--;
    memmove(&cluster->messages[at], &cluster->messages[at + 1],
        (cluster->n_messages - at) * sizeof message);
    return message;
}

static inline void cluster_drop(struct cluster *cluster, uint32_t at) {
    struct raft_message message = message_take(cluster, at);
    raft_message_clear(&message);
}

static inline void cluster_step(struct cluster *cluster, const struct raft_message *message) {
    say_message(cluster, "deliver", message);
    raft_step_message(raft_of(cluster, message->to), message, cluster->now_us);
    cluster_collect(cluster, message->to);
}

/* Delivers the message at this place, or loses it where the link is cut or the node down. */
static inline void cluster_deliver(struct cluster *cluster, uint32_t at) {
    struct raft_message message = message_take(cluster, at);
    if (!cluster->is_cut[message.from][message.to] && raft_of(cluster, message.to) != NULL)
        cluster_step(cluster, &message);
    raft_message_clear(&message);
}

/* Until nothing moves any more: disks first, then messages in order. */
static inline void cluster_settle(struct cluster *cluster) {
    bool moved = true;
    for (uint32_t steps = 0; moved; steps++) {
        SF_ASSERT(steps < 100000);
        moved = false;
        for (raft_id id = 1; id <= cluster->n; id++) {
            struct cluster_node *node = node_of(cluster, id);
            while (node->raft != NULL && node->n_work > 0 && !node->disk_is_held) {
                cluster_disk_step(cluster, id, 0);
                moved = true;
            }
        }
        if (cluster->n_messages > 0) {
            cluster_deliver(cluster, 0);
            moved = true;
        }
    }
}

/* Only id's clock strikes; the others are past their stickiness. */
static inline void cluster_time_out(struct cluster *cluster, raft_id id) {
    cluster->now_us += (int64_t)cluster->settings.election_timeout_max_ms * 1000;
    cluster_tick(cluster, id);
}

static inline void cluster_elect(struct cluster *cluster, raft_id id) {
    cluster_time_out(cluster, id);
    cluster_settle(cluster);
    assert_int_equal(raft_role(raft_of(cluster, id)), RAFT_LEADER);
}

/* Time passes, each node's timer is judged when due, everything settles in between. */
static inline void cluster_run(struct cluster *cluster, int64_t ms) {
    int64_t end = cluster->now_us + ms * 1000;
    cluster_settle(cluster);
    while (cluster->now_us < end) {
        int64_t next = SF_MIN(end, cluster->now_us + 10000);
        for (raft_id id = 1; id <= cluster->n; id++)
            if (raft_of(cluster, id) != NULL)
                next = SF_MIN(next, raft_next_deadline_us(raft_of(cluster, id)));
        cluster->now_us = SF_MAX(next, cluster->now_us + 100);
        for (raft_id id = 1; id <= cluster->n; id++) {
            struct raft *raft = raft_of(cluster, id);
            if (raft != NULL && raft_next_deadline_us(raft) <= cluster->now_us)
                cluster_tick(cluster, id);
            if (raft != NULL) cluster_collect(cluster, id);
        }
        cluster_settle(cluster);
    }
}

static inline enum sf_status cluster_try_propose(
    struct cluster *cluster, raft_id id, const char *text, raft_index *index) {
    struct bytes *payload = bytes_new(text, strlen(text));
    enum sf_status status =
        raft_propose(raft_of(cluster, id), ENTRY_BATCH, payload, cluster->now_us, index);
    bytes_unref(payload);
    return status;
}

/* Proposes without settling. */
static inline raft_index cluster_propose(struct cluster *cluster, raft_id id, const char *text) {
    raft_index index = 0;
    say(cluster, "%" PRIu64 " proposes %s", id, text);
    assert_int_equal(cluster_try_propose(cluster, id, text, &index), SF_OK);
    cluster_collect(cluster, id);
    return index;
}

/* Asks for a read point; the ticket says where cluster->reads has its answer. */
static inline enum sf_status cluster_read(struct cluster *cluster, raft_id id, uint64_t *ticket) {
    CLUSTER_GROW(cluster->reads, cluster->n_reads, cluster->cap_reads);
    *ticket = cluster->n_reads;
    cluster->reads[*ticket] = (struct cluster_read){.ticket = *ticket,
        .node = id,
        .committed_when_asked = cluster->committed.n,
        .asked_in_start = node_of(cluster, id)->n_starts};
    enum sf_status status = raft_read_index(raft_of(cluster, id), *ticket, cluster->now_us);
    if (status == SF_OK) cluster->n_reads++;
    return status;
}

static inline void cluster_cut(struct cluster *cluster, raft_id id, bool cut) {
    for (raft_id other = 1; other <= cluster->n; other++)
        if (other != id) cluster->is_cut[id][other] = cluster->is_cut[other][id] = cut;
}

static inline raft_id cluster_leader(struct cluster *cluster) {
    raft_id leader = 0;
    raft_term term = 0;
    for (raft_id id = 1; id <= cluster->n; id++) {
        const struct raft *raft = raft_of(cluster, id);
        if (raft == NULL || raft_role(raft) != RAFT_LEADER || raft_current_term(raft) < term)
            continue;
        leader = id;
        term = raft_current_term(raft);
    }
    return leader;
}

/* Messages on their way of a type to a node (0: any); at: where the first one is. */
static inline uint32_t cluster_count(
    const struct cluster *cluster, enum raft_message_type type, raft_id to, uint32_t *at) {
    uint32_t n = 0;
    for (uint32_t i = cluster->n_messages; i-- > 0;) {
        if (cluster->messages[i].type != type) continue;
        if (to != 0 && cluster->messages[i].to != to) continue;
        n++;
        if (at != NULL) *at = i;
    }
    return n;
}

static inline void assert_transcript(struct cluster *cluster, const char *expected) {
    buf_append_char(&cluster->transcript, 0);
    assert_string_equal(buf_slice(&cluster->transcript).data, expected);
    buf_truncate(&cluster->transcript, cluster->transcript.len - 1);
}

#endif
