#include "node/internal.h"
#include "node/migrate.h"
#include "node/notify.h"
#include "node/old_copy.h"
#include "node/sync.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    READY_ROUNDS_MAX = 64, /* of step and ready in one turn; the rest comes in the next */
    FREE_A_TURN = 2048,    /* elements of removed values, keys of flushed databases: 50 us or so */
};

void node_log(struct node *node, enum log_level level, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    node->ports.log(node->ports.context, level, line);
}

void node_wake(struct node *node) {
    node->more_to_do = true;
}

bool raft_leads(const struct node *node) {
    return node->raft != NULL && raft_role(node->raft) == RAFT_LEADER;
}

bool node_is_leader_serving(const struct node *node) {
    if (fence_is_up(node)) return false; /* what it would propose comes from its state */
    return raft_leads(node) && raft_is_serving(node->raft) && node->clock_running &&
           engine_applied(node->engine) >= raft_term_start_index(node->raft);
}

bool node_serves_data(const struct node *node) {
    return node->raft != NULL && !node->fenced && !fence_is_up(node) && !node->self_removed &&
           node->identity.state != IDENTITY_FRESH;
}

/* -- the replica ----------------------------------------------------------------------------- */

static void on_script_log(void *context, int level, struct slice text) {
    node_log(context, (enum log_level)level, "script: %.*s", (int)SF_MIN(text.len, (size_t)1024),
        text.data);
}

static void on_setting_changed(void *context, struct slice name, struct slice value) {
    struct node *node = context;
    struct buf error = {0};
    if (slice_is(name, SETTING_ACTIVE_EXPIRE)) return; /* no directive */
    if (!node->ports.config_set(node->ports.context, name, value, &error)) {
        node_log(node, LOG_WARNING, "the cluster's value of %.*s does not fit here: %.*s",
            (int)name.len, name.data, (int)error.len, buf_slice(&error).data);
    }
    buf_free(&error);
}

void node_engine_leaves(struct node *node) {
    if (node->engine != NULL) snapshots_leave_engine(node);
}

void node_engine_replace(struct node *node, struct engine *engine) {
    SF_ASSERT(engine_applied(engine) == engine_applied(node->engine));
    engine_keep_counts(engine, node->engine);
    digests_drop_walk(node);
    node_engine_leaves(node);
    engine_free(node->engine);
    node->engine = engine;
    access_engine_changed(node);
}

static void sole_configuration(const struct node *node, struct raft_configuration *out) {
    *out = (struct raft_configuration){.n = 1};
    out->members[0] = (struct raft_member){.id = node->identity.id, .voter_new = true};
    out->members[0].address = node->settings.announce;
    if (out->members[0].address.port == 0) out->members[0].address.port = node->settings.port;
    if (out->members[0].address.bus_port == 0) {
        out->members[0].address.bus_port = node->settings.bus_port;
    }
}

struct engine *node_engine_new(struct node *node) {
    struct engine_settings settings = {.feature_level = node->settings.feature_level,
        .n_dbs = node->settings.databases,
        /* not this node's file: SETRANGE answers by it, on every replica alike (S2) */
        .proto_max_bulk_len = ENGINE_BULK_BYTES_DEFAULT};
    secret_of_cluster(node->identity.cluster_id, &settings.secret);
    struct engine_watcher watcher = {.context = node,
        .setting_changed = on_setting_changed,
        .script_log = on_script_log,
        .own_place = transaction_own_place,
        .ran = observe_in_engine,
        .source_ran = follow_ran,
        .script_calls = observe_script_calls,
        .published = pubsub_publish,
        .event = notify_event,
        .key_changed = tracking_on_changed,
        .db_replaced = tracking_on_replaced,
        .read = tracking_on_read};
    access_watch(&watcher);
    blocked_watch(node, &watcher);
    breath_watch(node, &watcher);
    struct engine *engine = engine_new(&settings, &watcher);
    engine_set_access_clock(engine, node->now_us / 1000000);
    return engine;
}

/* Makes the Raft core and the state machine of this identity. start->raft says what storage holds.
 */
void node_replica_open(struct node *node, const struct node_start *start) {
    SF_ASSERT(node->raft == NULL && node->identity.cluster_id[0] != '\0');
    if (start->snapshot.place.index > 0)
        loading_begin(node, start);
    else
        node_replica_go_on(node, start, node_engine_new(node));
}

/* What the log holds behind the snapshot is run again. */
static void note_replay(struct node *node, const struct raft_start *raft) {
    node->replays_until = raft->last_index;
    node->replay_from = engine_applied(node->engine);
    node->replay_us = node->now_us;
    node->replay_ms = node->wall_ms;
    node->replay_told = 0;
    node->replay_told_us = 0;
    node->replay_is_told = false;
}

void node_replica_go_on(struct node *node, const struct node_start *start, struct engine *engine) {
    struct raft_start raft = start->raft;
    node->engine = engine;
    raft.snapshot = start->snapshot.place;
    raft.applied = engine_applied(engine);
    SF_ASSERT(raft.applied == raft.snapshot.index);
    if (raft.applied > 0) {
        node->snapshots.index = raft.applied;
        node->snapshots.file_bytes = raft.snapshot.bytes;
        node->snapshots.saved_ms = engine_now_ms(engine); /* about when it was taken */
    }
    note_replay(node, &raft);
    raft.self = node->identity.id;
    raft.seed = random_next(&node->random);
    raft.now_us = node->now_us;
    raft.settings = node->settings.raft;
    if (raft.configuration.n == 0 && node->identity.state == IDENTITY_MEMBER) {
        sole_configuration(node, &raft.configuration); /* bootstrapped, its entry not yet written */
    }
    node->raft = raft_new(&raft);
    access_engine_changed(node);
    tracking_follow_engine(node);
    node->peers_of_configuration = 0;
    peers_follow_configuration(node);
    node_wake(node);
}

static void replica_close(struct node *node) {
    follow_drop(node);
    migrates_leave_state(node);
    access_replica_closes(node);
    tracking_drop_all(node);
    digests_reset(node);
    loading_drop(node);
    node_engine_leaves(node);
    snapshots_reset(node);
    evictions_reset(node);
    if (node->raft != NULL) raft_free(node->raft);
    engine_free(node->engine);
    node->raft = NULL;
    node->engine = NULL;
    node->clock_running = false;
    node->clock_said_ms = 0;
    node->tick_in_flight = false;
    node->n_streams = 0;
    node->self_removed = false;
    node->seen_configuration.n = 0;
    node->let_in_at = 0;
    node->dissolve_index = 0;
    old_copy_close(node);
    node->level_proposed = 0;
}

/* -- identity -------------------------------------------------------------------------------- */

void identity_save(struct node *node, const struct node_identity *next) {
    if (node->identity_switching) return;
    node->identity_next = *next;
    node->identity_next.databases = node->settings.databases;
    node->identity_request++;
    if (next->id != node->identity.id) node->identity_switching = true;
    node->ports.save_identity(node->ports.context, node->identity_request, &node->identity_next);
}

void node_on_identity_saved(struct node *node, uint64_t request, int64_t now_us) {
    node->now_us = now_us;
    if (request != node->identity_request) return; /* a later one is on its way */
    node->identity_saved = request;
    const struct node_identity next = node->identity_next;
    bool first_id = node->identity.id == 0;
    bool other_id = next.id != node->identity.id;
    bool alone =
        node->raft == NULL || (!node->self_removed && raft_configuration(node->raft)->n <= 1);
    bool other_cluster = strcmp(next.cluster_id, node->identity.cluster_id) != 0;
    node->identity = next;
    node->identity_switching = false;
    /* A member that looked for the address' old node while this was being stored fenced it again.
     */
    if (next.state == IDENTITY_JOINING) node->fenced = false;
    if (other_id) {
        skips_other_log(node);
        links_close_all(node);
        /* who waits in the old cluster's queue waits in the new one's */
        if (node->engine != NULL) engine_remove_waiters(node->engine, node->incarnation.node);
        fence_remember_past(node, other_cluster);
        replica_close(node);
        node->incarnation.node = next.id;
        node->ports.random_bytes(
            node->ports.context, &node->incarnation.nonce, sizeof node->incarnation.nonce);
        if (!first_id) node->bootstrap_done = true;
        stream_reset(node, alone);
        apply_drop_waiting(node);
        pubsub_reset(node);
    }
    if (node->raft == NULL && next.cluster_id[0] != '\0' && (other_id || other_cluster)) {
        struct node_start start = {.settings = node->settings};
        start.raft.first_index = 1;
        node_replica_open(node, &start);
    }
    if (node->identity_held != NULL) {
        struct pending *held = node->identity_held;
        struct reply reply = held_reply(held);
        node->identity_held = NULL;
        reply_status(&reply, "OK");
        held_done(held);
    }
    node_wake(node);
}

/* -- life ------------------------------------------------------------------------------------ */

struct node *node_new(const struct node_start *start, const struct node_ports *ports) {
    struct node *node = sf_alloc_zero(1, sizeof *node);
    node->ports = *ports;
    node->settings = start->settings;
    node->identity = start->identity;
    node->now_us = node->started_us = node->pumped_us = start->now_us;
    node->wall_ms = start->wall_ms;
    uint64_t seed;
    ports->random_bytes(ports->context, &seed, sizeof seed);
    node->random = random_from(seed);
    /* not from 1: a frame meant for a former life of this node must never fit */
    node->next_stream_number = random_next(&node->random) >> 16;
    list_init(&node->sessions);
    list_init(&node->waiters);
    list_init(&node->stopped_sessions);
    list_init(&node->errands);
    list_init(&node->migrates);
    list_init(&node->syncs);
    list_init(&node->waits);
    list_init(&node->outbox);
    list_init(&node->asks);
    node->next_session_id = node->next_link = node->next_ticket = node->next_round = 1;
    node->next_out = 1;
    node->next_sequence = 1;
    node->bootstrap_at_us = start->now_us + 2000000;
    snapshots_open(node);
    node->incarnation.counter = start->boot_counter;
    skips_begin(node, start);
    ports->random_bytes(ports->context, &node->incarnation.nonce, sizeof node->incarnation.nonce);
    pubsub_open(node);
    observe_open(node);
    list_init(&node->access.denials);
    list_init(&node->access.changes);
    access_open(node);
    tracking_open(node);
    evictions_open(node);
    follow_open(node);
    digests_open(node);
    old_copy_open(node, start);
    if (node->identity.id == 0) {
        struct node_identity fresh = {.state = IDENTITY_FRESH};
        while (fresh.id == 0) ports->random_bytes(ports->context, &fresh.id, sizeof fresh.id);
        identity_save(node, &fresh);
    } else {
        node->incarnation.node = node->identity.id;
        if (node->identity.cluster_id[0] != '\0') node_replica_open(node, start);
    }
    node_wake(node);
    return node;
}

void node_free(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        session_free(SF_CONTAINER(link, struct session, in_node));
    }
    LIST_FOR_EACH(link, &node->errands) {
        sf_free(SF_CONTAINER(link, struct errand, in_node));
    }
    LIST_FOR_EACH(link, &node->asks) {
        sf_free(SF_CONTAINER(link, struct ask, in_node));
    }
    waits_free(node);
    migrates_free(node);
    syncs_free(node);
    saves_free(node);
    pubsub_close(node);
    replica_close(node);
    tracking_close(node);
    evictions_close(node);
    follow_close(node);
    digests_close(node);
    stream_free(node);
    observe_close(node);
    access_close(node);
    old_copy_close(node);
    buf_free(&node->gathered);
    buf_free(&node->scratch);
    sf_free(node);
}

void node_set_settings(struct node *node, const struct node_settings *settings) {
    bool other_password = strcmp(node->settings.requirepass, settings->requirepass) != 0;
    node->settings = *settings;
    if (other_password) access_set_file(node);
    if (node->raft != NULL) raft_set_settings(node->raft, &settings->raft);
}

/* -- storage answers ------------------------------------------------------------------------- */

void node_on_appended(struct node *node, uint64_t request, raft_index last_index,
    raft_term last_term, int64_t now_us) {
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    latency_append_ends(node, request);
    raft_step_appended(node->raft, request, last_index, last_term, now_us);
}

void node_on_hard_state_saved(struct node *node, uint64_t request, int64_t now_us) {
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    raft_step_hard_state_saved(node->raft, request, now_us);
}

void node_on_fetched(struct node *node, uint64_t request, const struct raft_entry *entries,
    uint32_t n, int64_t now_us) {
    node->now_us = now_us;
    if (node->raft == NULL || node->identity_switching) return;
    raft_step_fetched(node->raft, request, entries, n, now_us);
}

void node_on_storage_state(struct node *node, enum sf_status state, int64_t now_us) {
    node->now_us = now_us;
    if (state == node->storage_state) return;
    node->storage_state = state;
    if (state == SF_OK) {
        node_log(node, LOG_NOTICE, "the log can be written again");
        return;
    }
    node_log(node, LOG_WARNING, "the log cannot be written: %s", sf_status_text(state));
    node_wake(node); /* a leader hands over: handover.c */
}

/* -- Raft's effects -------------------------------------------------------------------------- */

static void send_messages(struct node *node, const struct raft_ready *ready) {
    for (uint32_t i = 0; i < ready->n_messages; i++) {
        struct raft_message message = ready->messages[i];
        if (message.type == RAFT_HEARTBEAT_ANSWER) message.wall_ms = node->wall_ms;
        buf_clear(&node->scratch);
        struct bytes *body;
        bool bulk = raft_message_is_bulk(message.type);
        raft_message_encode_head(&message, &node->scratch, &body);
        if (body == NULL) {
            peer_send_bytes(node, message.to, bulk, buf_slice(&node->scratch));
        } else {
            peer_send_large(node, message.to, bulk, buf_slice(&node->scratch), body);
        }
    }
    buf_shrink(&node->scratch, 1 << 20);
}

void follow_leadership(struct node *node) {
    struct raft *raft = node->raft;
    raft_id leader = raft_leader(raft);
    raft_term term = raft_current_term(raft);
    enum raft_role role = raft_role(raft);
    if (leader == node->known_leader && term == node->known_term && role == node->known_role) {
        return;
    }
    bool led = node->known_role == RAFT_LEADER;
    if (node->known_role == RAFT_FOLLOWER && role != RAFT_FOLLOWER)
        node->campaign_us = node->now_us;
    bool begins = role == RAFT_LEADER && (!led || term != node->known_term);
    if (begins) {
        node_log(node, LOG_NOTICE, "this node leads in term %llu", (unsigned long long)term);
    } else if (led && role != RAFT_LEADER) {
        node_log(node, LOG_NOTICE, "this node leads no more (term %llu)", (unsigned long long)term);
    } else if (leader != node->known_leader && leader != NOBODY) {
        node_log(node, LOG_NOTICE, "node %016llx leads in term %llu", (unsigned long long)leader,
            (unsigned long long)term);
    }
    if (role != RAFT_LEADER || term != node->known_term) {
        /* what was gathered for an earlier term is as if its frames had been lost */
        node->n_streams = 0;
        buf_clear(&node->gathered);
        node->gathered_commands = 0;
        node->tick_in_flight = false;
        evictions_reset(node);
        node->tickets_n = node->early_asks_n = 0;
    }
    if (role != RAFT_LEADER) node->clock_running = false;
    node->stream_leader = NOBODY; /* whoever leads now tells what it has of our stream */
    node->stream_ask_us = 0;
    node->round_asked_leader = NOBODY;
    if (leader == NOBODY && node->known_leader != NOBODY) tracking_drop_all(node);
    node->known_leader = leader;
    if (leader != NOBODY) node->last_leader = leader;
    latency_follow_leader(node, leader != NOBODY);
    node->known_term = term;
    node->known_role = role;
    if (begins) node->leads_us = node->now_us;
    if (begins) clock_begin(node);
}

static bool carry_out(struct node *node) {
    struct raft_ready ready;
    if (!raft_ready(node->raft, &ready)) return false;
    if (ready.has_hard_state) {
        node->ports.save_hard_state(
            node->ports.context, ready.hard_state_request, &ready.hard_state);
    }
    for (uint32_t i = 0; i < ready.n_appends; i++) {
        latency_append_begins(node, ready.appends[i].request);
        node->ports.append(node->ports.context, &ready.appends[i]);
    }
    snapshots_carry_out(node, &ready);
    for (uint32_t i = 0; i < ready.n_fetches; i++) {
        node->ports.fetch(node->ports.context, &ready.fetches[i]);
    }
    if (ready.damage_mended) node->ports.log_mended(node->ports.context);
    send_messages(node, &ready);
    follow_leadership(node);
    reads_on_raft(node, ready.reads, ready.n_reads);
    if (node->peers_of_configuration != raft_configuration_index(node->raft)) {
        peers_follow_configuration(node);
    }
    return true;
}

/* -- the turn -------------------------------------------------------------------------------- */

static void count_stall(struct node *node) {
    raft_index commit = node->raft == NULL ? 0 : raft_commit_index(node->raft);
    raft_index applied = node->engine == NULL ? 0 : engine_applied(node->engine);
    bool moved = commit != node->pumped_commit || applied != node->pumped_applied;
    if (node->skips.held_at != 0) moved = false; /* whatever others commit: nothing is applied */
    /* a turn comes at least every STALL_CHECK_US while somebody waits: a longer time was this
     * process' own pause, and no standstill of the cluster */
    int64_t passed_us = SF_MAX(node->now_us - node->pumped_us, 0);
    if (!moved) node->stall_us += SF_MIN(passed_us, (int64_t)2 * STALL_CHECK_US);
    node->pumped_us = node->now_us;
    node->pumped_commit = commit;
    node->pumped_applied = applied;
}

static void replica_pump(struct node *node) {
    if (raft_next_deadline_us(node->raft) <= node->now_us) {
        raft_step_tick(node->raft, node->now_us);
        follow_leadership(node);
    }
    node->garbage_left = keyspace_free_some(engine_keyspace(node->engine), FREE_A_TURN);
    engine_set_access_clock(node->engine, node->now_us / 1000000);
    seed_settings(node);
    follow_pump(node);
    stream_pump(node);
    evictions_pump(node);
    reads_pump(node);
    clock_pump(node);
    for (int round = 0; round < READY_ROUNDS_MAX; round++) {
        bool any = carry_out(node);
        raft_index before = engine_applied(node->engine);
        apply_pump(node);
        replay_tell(node);
        if (engine_applied(node->engine) != before) {
            membership_applied(node);
            stream_pump(node); /* an incarnation or the term's no-op may have opened streams */
            reads_pump(node);
        } else if (!any) {
            return;
        }
        if (node->identity_switching || node->more_to_do) return;
    }
    node_wake(node);
}

static void drain_waiters(struct node *node) {
    LIST_FOR_EACH(link, &node->waiters) {
        struct session *session = SF_CONTAINER(link, struct session, in_waiters);
        session_drain(session);
    }
}

void node_pump(struct node *node, int64_t now_us, int64_t wall_ms) {
    node->now_us = now_us;
    node->wall_ms = wall_ms;
    node->more_to_do = false;
    count_stall(node);
    links_pump(node);
    if (node->loading != NULL) {
        loading_pump(node);
    } else {
        skips_pump(node);
        membership_pump(node);
        join_pump(node);
    }
    stream_trim(node);
    sessions_resume(node);
    if (node->raft != NULL && !node->identity_switching) replica_pump(node);
    if (node->raft != NULL && !node->identity_switching) snapshots_pump(node);
    access_pump(node);
    everywhere_pump(node);
    digests_pump(node);
    waits_pump(node);
    migrates_pump(node);
    syncs_pump(node);
    pubsub_pump(node);
    drain_waiters(node);
    pubsub_pump(node); /* what was published just now */
    tracking_pump(node);
    sessions_time_out(node);
    sessions_close_idle(node);
    stream_trim(node);
    sessions_resume(node);
    handover_pump(node);
    observe_pump(node);
}

int64_t node_next_deadline_us(const struct node *node) {
    if (node->more_to_do || sessions_want_turn(node)) return node->now_us;
    int64_t deadline = node->now_us + 1000000;
    if (node->n_sessions > 0) deadline = node->now_us + 100000;
    if (!list_empty(&node->waiters) || !list_empty(&node->outbox)) {
        deadline = SF_MIN(deadline, node->now_us + STALL_CHECK_US);
    }
    deadline = SF_MIN(deadline, links_deadline_us(node));
    deadline = SF_MIN(deadline, membership_deadline_us(node));
    deadline = SF_MIN(deadline, waits_deadline_us(node));
    deadline = SF_MIN(deadline, migrates_deadline_us(node));
    deadline = SF_MIN(deadline, syncs_deadline_us(node));
    deadline = SF_MIN(deadline, pubsub_deadline_us(node));
    deadline = SF_MIN(deadline, everywhere_deadline_us(node));
    if (node->raft != NULL && !node->identity_switching) {
        /* begun after this turn's batch was closed: CONFIG SET at its turn */
        if (node->open_batch != NULL) return node->now_us;
        deadline = SF_MIN(deadline, raft_next_deadline_us(node->raft));
        deadline = SF_MIN(deadline, stream_deadline_us(node));
        deadline = SF_MIN(deadline, reads_deadline_us(node));
        deadline = SF_MIN(deadline, clock_deadline_us(node));
        deadline = SF_MIN(deadline, blocked_deadline_us(node));
        deadline = SF_MIN(deadline, follow_deadline_us(node));
        deadline = SF_MIN(deadline, digests_deadline_us(node));
        deadline = SF_MIN(deadline, snapshots_deadline_us(node));
    }
    deadline = SF_MIN(deadline, pause_deadline_us(node));
    if (node->garbage_left) deadline = SF_MIN(deadline, node->now_us + 1000);
    return SF_MIN(deadline, handover_deadline_us(node));
}

struct raft *node_raft(struct node *node) {
    return node->raft;
}
struct engine *node_engine(struct node *node) {
    return node->engine;
}
const struct node_identity *node_identity(const struct node *node) {
    return &node->identity;
}
