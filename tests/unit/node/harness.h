/* Several whole nodes in one process, each bound to fake ports: a disk that answers when the test
 * lets it, links that carry the encoded messages and can be cut, filtered or held, clients that
 * are buffers, and one clock that moves only when the test says so.
 *
 * world_settle lets everything happen that can happen now; world_run lets time pass too, from one
 * deadline of the nodes to the next: what no deadline covers never happens, as in production. */
#ifndef SF_TESTS_UNIT_NODE_HARNESS_H
#define SF_TESTS_UNIT_NODE_HARNESS_H

#include "node/internal.h"
#include "resp/parse.h"

#include "unit/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORLD_NODES_MAX = 5, WORLD_RULES_MAX = 16, WORLD_CLIENTS_MAX = 32 };
#define WORLD_WALL_MS INT64_C(1700000000000)
#define WORLD_CLUSTER "018bcfe568000123456789abcdef0123456789ab"

enum event_kind {
    EVENT_LINK_OPEN,
    EVENT_LINK_ACCEPTED,
    EVENT_LINK_BYTES,
    EVENT_LINK_CLOSED,
    EVENT_APPENDED,
    EVENT_HARD_STATE,
    EVENT_FETCHED,
    EVENT_IDENTITY,
};

struct event {
    struct list in_list;
    enum event_kind kind;
    int to;
    int from;
    uint64_t number; /* of the link or the request */
    raft_index last_index, first_index;
    raft_term last_term;
    uint64_t life;
    struct buf bytes;
};

struct wire {
    struct list in_world;
    int end[2];         /* dialler, acceptor */
    uint64_t number[2]; /* as each side calls it */
};

enum rule_effect { RULE_DROP, RULE_HOLD };
struct rule { /* messages from, to (-1: any) whose first word is name */
    int from, to;
    const char *name;
    enum rule_effect effect;
    uint32_t hits;
};

/* A connection of another kind that a node has begun; the test is the other side. */
struct world_out {
    int seat;
    uint64_t number;
    uint16_t port;
    struct buf sent;
    bool closed, paused;
};
#define WORLD_OUTS_MAX 16

struct seat;
struct world {
    struct world_out outs[WORLD_OUTS_MAX];
    uint32_t n_outs;
    int n;
    struct seat *seats[WORLD_NODES_MAX];
    struct list events, held;
    struct list wires;
    bool cut[WORLD_NODES_MAX][WORLD_NODES_MAX];
    struct rule rules[WORLD_RULES_MAX];
    int n_rules;
    int64_t now_us;
    uint64_t next_accepted, next_client;
    struct random random;
    struct client *clients[WORLD_CLIENTS_MAX];
    uint32_t n_clients;
};

struct seat { /* one node with its disk */
    struct world *world;
    int number;
    struct node *node; /* NULL: down */
    struct node_settings settings;
    struct node_identity identity;
    struct raft_hard_state hard_state;
    struct raft_entry *log; /* [n_log], from index 1 */
    uint64_t n_log, log_cap;
    uint64_t boot_counter, life;
    struct applying_note applying;
    struct entry_skip skip; /* --skip-entry at the next start; index 0: none */
    bool disk_held;         /* appends and hard states are not answered */
    int64_t wall_ahead_ms;
    size_t backlog; /* what link_backlog says */
    bool stopped;
    int stop_code;
    struct buf settings_seen; /* "name=value " of config_set */
};

struct client {
    struct world *world;
    int seat;
    uint64_t life, number;
    struct session *session;
    struct buf taken;
    bool closed;
};

/* -- events ---------------------------------------------------------------------------------- */

static inline struct event *event_add(struct world *world, enum event_kind kind, int from, int to) {
    struct event *event = sf_alloc_zero(1, sizeof *event);
    event->kind = kind;
    event->from = from;
    event->to = to;
    event->life = world->seats[to]->life;
    list_push_back(&world->events, &event->in_list);
    return event;
}

static inline void event_free(struct event *event) {
    list_remove(&event->in_list);
    buf_free(&event->bytes);
    sf_free(event);
}

static inline struct wire *wire_find(struct world *world, int seat, uint64_t number, int *side) {
    LIST_FOR_EACH(link, &world->wires) {
        struct wire *wire = SF_CONTAINER(link, struct wire, in_world);
        for (*side = 0; *side < 2; (*side)++) {
            if (wire->end[*side] == seat && wire->number[*side] == number) return wire;
        }
    }
    return NULL;
}

/* silent_side: who closed it itself, and hears nothing; what it sent before still arrives. -1: the
 * network breaks it, and what is on its way is lost. */
static inline void wire_break(struct world *world, struct wire *wire, int silent_side) {
    LIST_FOR_EACH(link, &world->events) {
        struct event *event = SF_CONTAINER(link, struct event, in_list);
        for (int side = 0; side < 2; side++) {
            bool lost = event->kind == EVENT_LINK_BYTES && event->to == wire->end[side] &&
                        event->number == wire->number[side];
            if (lost && silent_side == -1) {
                event_free(event);
                break;
            }
        }
    }
    for (int side = 0; side < 2; side++) {
        if (side == silent_side) continue;
        event_add(world, EVENT_LINK_CLOSED, wire->end[1 - side], wire->end[side])->number =
            wire->number[side];
    }
    list_remove(&wire->in_world);
    sf_free(wire);
}

/* -- ports ----------------------------------------------------------------------------------- */

static inline void port_append(void *context, const struct raft_append_request *request) {
    struct seat *seat = context;
    if (request->truncate_from > 0) {
        while (seat->n_log >= request->truncate_from) {
            struct bytes *payload = seat->log[--seat->n_log].payload;
            if (payload != NULL) bytes_unref(payload);
        }
    }
    for (uint32_t i = 0; i < request->n_entries; i++) {
        if (seat->n_log == seat->log_cap) {
            seat->log_cap = SF_MAX(seat->log_cap * 2, 64);
            seat->log = sf_realloc(seat->log, seat->log_cap * sizeof *seat->log);
        }
        SF_ASSERT(request->entries[i].index == seat->n_log + 1);
        seat->log[seat->n_log] = request->entries[i];
        if (request->entries[i].payload != NULL) bytes_ref(request->entries[i].payload);
        seat->n_log++;
    }
    struct event *event = event_add(seat->world, EVENT_APPENDED, seat->number, seat->number);
    event->number = request->request;
    event->last_index = seat->n_log;
    event->last_term = seat->n_log == 0 ? 0 : seat->log[seat->n_log - 1].term;
}

static inline void port_save_hard_state(
    void *context, uint64_t request, const struct raft_hard_state *state) {
    struct seat *seat = context;
    seat->hard_state = *state;
    event_add(seat->world, EVENT_HARD_STATE, seat->number, seat->number)->number = request;
}

static inline void port_fetch(void *context, const struct raft_fetch_request *request) {
    struct seat *seat = context;
    struct event *event = event_add(seat->world, EVENT_FETCHED, seat->number, seat->number);
    event->number = request->request;
    event->first_index = request->first;
    event->last_index = request->last;
}

/* These nodes' snapshots are never on disk. */
static inline void port_save_snapshot(void *context, const struct snapshot_piece *piece) {
    (void)context, (void)piece;
}

static inline void port_drop_snapshot(void *context, const struct raft_snapshot *place) {
    (void)context, (void)place;
}

static inline void port_save_identity(
    void *context, uint64_t request, const struct node_identity *identity) {
    struct seat *seat = context;
    if (identity->id != seat->identity.id) {
        while (seat->n_log > 0) {
            struct bytes *payload = seat->log[--seat->n_log].payload;
            if (payload != NULL) bytes_unref(payload);
        }
        seat->hard_state = (struct raft_hard_state){0};
        LIST_FOR_EACH(link, &seat->world->events) {
            struct event *event = SF_CONTAINER(link, struct event, in_list);
            if (event->to == seat->number && event->kind >= EVENT_APPENDED) event_free(event);
        }
    }
    seat->identity = *identity;
    event_add(seat->world, EVENT_IDENTITY, seat->number, seat->number)->number = request;
}

static inline void port_log_mended(void *context) {
    (void)context;
}

static inline void port_note_applying(void *context, const struct applying_note *note) {
    ((struct seat *)context)->applying = *note;
}

static inline void port_dial(void *context, uint64_t link, const char *host, uint16_t bus_port) {
    struct seat *seat = context;
    struct world *world = seat->world;
    (void)host;
    int to = bus_port - 17000;
    bool reached =
        to >= 0 && to < world->n && world->seats[to]->node != NULL && !world->cut[seat->number][to];
    if (!reached) {
        event_add(world, EVENT_LINK_CLOSED, seat->number, seat->number)->number = link;
        return;
    }
    struct wire *wire = sf_alloc_zero(1, sizeof *wire);
    *wire = (struct wire){
        .end = {seat->number, to}, .number = {link, (UINT64_C(1) << 63) + world->next_accepted++}};
    list_push_back(&world->wires, &wire->in_world);
    event_add(world, EVENT_LINK_ACCEPTED, seat->number, to)->number = wire->number[1];
    event_add(world, EVENT_LINK_OPEN, to, seat->number)->number = link;
}

static inline bool rule_matches(const struct rule *rule, int from, int to, struct slice bytes) {
    if ((rule->from != -1 && rule->from != from) || (rule->to != -1 && rule->to != to)) {
        return false;
    }
    char head[80];
    int len = snprintf(head, sizeof head, "\r\n$%zu\r\n%s\r\n", strlen(rule->name), rule->name);
    const char *at = memchr(bytes.data, '\r', bytes.len);
    size_t left = at == NULL ? 0 : bytes.len - (size_t)(at - bytes.data);
    return left >= (size_t)len && memcmp(at, head, (size_t)len) == 0;
}

static inline void port_link_send(void *context, uint64_t link, struct slice bytes) {
    struct seat *seat = context;
    struct world *world = seat->world;
    int side;
    struct wire *wire = wire_find(world, seat->number, link, &side);
    if (wire == NULL) return;
    int to = wire->end[1 - side];
    struct rule *rule = NULL;
    for (int i = 0; i < world->n_rules && rule == NULL; i++) {
        if (rule_matches(&world->rules[i], seat->number, to, bytes)) rule = &world->rules[i];
    }
    if (rule != NULL) rule->hits++;
    if (rule != NULL && rule->effect == RULE_DROP) return;
    struct event *event = event_add(world, EVENT_LINK_BYTES, seat->number, to);
    event->number = wire->number[1 - side];
    buf_append_slice(&event->bytes, bytes);
    if (rule != NULL) {
        list_remove(&event->in_list);
        list_push_back(&world->held, &event->in_list);
    }
}

static inline void port_link_close(void *context, uint64_t link) {
    struct seat *seat = context;
    int side;
    struct wire *wire = wire_find(seat->world, seat->number, link, &side);
    if (wire != NULL) wire_break(seat->world, wire, side);
}

static inline size_t port_link_backlog(void *context, uint64_t link) {
    (void)link;
    return ((struct seat *)context)->backlog;
}

static inline struct world_out *world_out(struct world *world, int seat, uint64_t number) {
    for (uint32_t i = 0; i < world->n_outs; i++) {
        if (world->outs[i].seat == seat && world->outs[i].number == number) return &world->outs[i];
    }
    return NULL;
}

static inline void port_out_dial(void *context, uint64_t out, const char *host, uint16_t port) {
    struct seat *seat = context;
    (void)host;
    SF_ASSERT(seat->world->n_outs < WORLD_OUTS_MAX);
    seat->world->outs[seat->world->n_outs++] =
        (struct world_out){.seat = seat->number, .number = out, .port = port};
}

static inline void port_out_send(void *context, uint64_t out, struct slice bytes) {
    struct seat *seat = context;
    struct world_out *found = world_out(seat->world, seat->number, out);
    if (found != NULL && !found->closed) buf_append_slice(&found->sent, bytes);
}

static inline void port_out_close(void *context, uint64_t out) {
    struct seat *seat = context;
    struct world_out *found = world_out(seat->world, seat->number, out);
    if (found != NULL) found->closed = true;
}

static inline void port_out_pause(void *context, uint64_t out, bool pause) {
    struct seat *seat = context;
    struct world_out *found = world_out(seat->world, seat->number, out);
    if (found != NULL) found->paused = pause;
}

static inline void port_client_changed(void *context, uint64_t client) {
    (void)context, (void)client;
}

static inline void port_config_get(void *context, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor) {
    (void)context, (void)n, (void)patterns, (void)visit, (void)visitor;
}

/* "shared-*" belongs to the cluster, "local-*" to this node. */
static inline enum config_verdict port_config_check(
    void *context, struct slice name, struct slice value, struct buf *error) {
    (void)context, (void)value, (void)error;
    if (name.len > 7 && memcmp(name.data, "shared-", 7) == 0) return CONFIG_REPLICATED;
    if (name.len > 6 && memcmp(name.data, "local-", 6) == 0) return CONFIG_LOCAL;
    return CONFIG_UNKNOWN;
}

static inline bool port_config_set(
    void *context, struct slice name, struct slice value, struct buf *error) {
    struct seat *seat = context;
    (void)error;
    buf_printf(
        &seat->settings_seen, "%.*s=%.*s ", (int)name.len, name.data, (int)value.len, value.data);
    return true;
}

static inline bool port_config_rewrite(void *context, struct buf *error) {
    (void)context, (void)error;
    return true;
}

static inline void port_figures(void *context, struct process_figures *out) {
    (void)context;
    *out = (struct process_figures){.process_id = 1};
}

static inline void port_random_bytes(void *context, void *out, size_t len) {
    struct seat *seat = context;
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)out)[i] = (uint8_t)random_next(&seat->world->random);
    }
}

static inline void port_log(void *context, enum log_level level, const char *line) {
    struct seat *seat = context;
    if (getenv("NODE_TEST_LOG") == NULL) return;
    fprintf(stderr, "%9lld n%d %d %s\n", (long long)seat->world->now_us / 1000, seat->number, level,
        line);
}

static inline void port_stop(void *context, int exit_code, const char *reason) {
    struct seat *seat = context;
    (void)reason;
    seat->stopped = true;
    seat->stop_code = exit_code;
}

/* -- life ------------------------------------------------------------------------------------ */

static inline raft_id seat_id(int number) {
    return (raft_id)(0x10 * (number + 1));
}

static inline struct raft_member world_member(int number) {
    struct raft_member member = {.id = seat_id(number), .voter_new = true};
    snprintf(member.address.host, sizeof member.address.host, "10.0.0.%d", number + 1);
    member.address.port = (uint16_t)(7000 + number);
    member.address.bus_port = (uint16_t)(17000 + number);
    return member;
}

/* Starts the node on what its disk holds. */
static inline void seat_start(struct seat *seat) {
    struct world *world = seat->world;
    static const struct node_ports ports = {
        .append = port_append,
        .save_hard_state = port_save_hard_state,
        .fetch = port_fetch,
        .save_snapshot = port_save_snapshot,
        .drop_snapshot = port_drop_snapshot,
        .save_identity = port_save_identity,
        .log_mended = port_log_mended,
        .note_applying = port_note_applying,
        .dial = port_dial,
        .link_send = port_link_send,
        .link_close = port_link_close,
        .link_backlog = port_link_backlog,
        .out_dial = port_out_dial,
        .out_send = port_out_send,
        .out_close = port_out_close,
        .out_pause = port_out_pause,
        .client_changed = port_client_changed,
        .config_get = port_config_get,
        .config_check = port_config_check,
        .config_set = port_config_set,
        .config_rewrite = port_config_rewrite,
        .figures = port_figures,
        .random_bytes = port_random_bytes,
        .log = port_log,
        .stop = port_stop,
    };
    struct node_start *start = sf_alloc_zero(1, sizeof *start);
    start->settings = seat->settings;
    start->identity = seat->identity;
    start->boot_counter = ++seat->boot_counter;
    start->applying = seat->applying;
    start->n_skips = seat->skip.index != 0;
    start->skips[0] = seat->skip;
    start->now_us = world->now_us;
    start->wall_ms = WORLD_WALL_MS + world->now_us / 1000 + seat->wall_ahead_ms;
    struct raft_start *raft = &start->raft;
    raft->hard_state = seat->hard_state;
    raft->first_index = 1;
    raft->last_index = seat->n_log;
    struct raft_term_run *runs = sf_alloc_zero(seat->n_log + 1, sizeof *runs);
    struct bytes **lives = sf_alloc_zero(seat->n_log + 1, sizeof *lives);
    start->lives = lives;
    for (uint64_t i = 0; i < seat->n_log; i++) {
        const struct raft_entry *entry = &seat->log[i];
        if (raft->n_term_runs == 0 || runs[raft->n_term_runs - 1].term != entry->term) {
            runs[raft->n_term_runs++] = (struct raft_term_run){entry->index, entry->term};
        }
        if (entry->kind == ENTRY_INCARNATION) lives[start->n_lives++] = entry->payload;
        if (entry->kind != ENTRY_CONFIGURATION) continue;
        raft->previous_configuration = raft->configuration;
        raft->previous_configuration_index = raft->configuration_index;
        SF_ASSERT(configuration_decode(bytes_slice(entry->payload), &raft->configuration) == SF_OK);
        raft->configuration_index = entry->index;
    }
    raft->term_runs = runs;
    if (raft->configuration_index == 0 && seat->identity.state == IDENTITY_MEMBER) {
        raft->configuration.n = (uint32_t)world->n;
        for (int i = 0; i < world->n; i++) raft->configuration.members[i] = world_member(i);
    }
    struct node_ports own = ports;
    own.context = seat;
    seat->life++;
    seat->stopped = false;
    seat->node = node_new(start, &own);
    sf_free(runs);
    sf_free(lives);
    sf_free(start);
}

/* kill -9: what was not synced is kept here all the same, and answers are lost. */
static inline void seat_kill(struct seat *seat) {
    struct world *world = seat->world;
    for (uint32_t i = 0; i < world->n_clients; i++) {
        if (world->clients[i]->seat == seat->number) world->clients[i]->closed = true;
    }
    node_free(seat->node);
    seat->node = NULL;
    seat->life++;
    LIST_FOR_EACH(link, &world->wires) {
        struct wire *wire = SF_CONTAINER(link, struct wire, in_world);
        int side = wire->end[0] == seat->number ? 0 : wire->end[1] == seat->number ? 1 : -1;
        if (side >= 0) wire_break(world, wire, side);
    }
}

static inline struct world *world_new(int n) {
    struct world *world = sf_alloc_zero(1, sizeof *world);
    world->n = n;
    world->now_us = 1000000000;
    world->random = random_from(42);
    list_init(&world->events);
    list_init(&world->held);
    list_init(&world->wires);
    for (int i = 0; i < n; i++) {
        struct seat *seat = world->seats[i] = sf_alloc_zero(1, sizeof *seat);
        seat->world = world;
        seat->number = i;
        seat->identity = (struct node_identity){.id = seat_id(i), .state = IDENTITY_MEMBER};
        memcpy(seat->identity.cluster_id, WORLD_CLUSTER, CLUSTER_ID_CHARS);
        seat->settings = (struct node_settings){
            .raft = {.election_timeout_min_ms = 150,
                .election_timeout_max_ms = 300,
                .heartbeat_interval_ms = 50,
                .pre_vote = true,
                .batch_bytes = 256 * 1024,
                .window_messages = 64,
                .window_bytes = 4 << 20,
                .cache_bytes = 8 << 20},
            .read_mode = READ_INDEX,
            .bootstrap = BOOTSTRAP_NO,
            .request_timeout_ms = 1500,
            .max_request_bytes = 64 << 20,
            .proto_max_bulk_len = 512 << 20,
            .output_limit = {64 << 20, UINT64_MAX, 0},
            .subscriber_output_limit = {32 << 20, 8 << 20, 60000000},
            .query_buffer_limit = 64 << 20,
            .databases = 16,
            .snapshot_log_bytes = UINT64_MAX, /* never */
            .snapshot_log_entries = UINT64_MAX,
            .snapshot_piece_bytes = 64 << 10,
            .snapshot_slice = 100,
            .feature_level = 1,
            .max_clients = 1000,
            .acl_log_max_len = 128,
            .debug_command = true,
            .cluster_secret = "secret",
            .announce = world_member(i).address,
            .port = (uint16_t)(7000 + i),
            .bus_port = (uint16_t)(17000 + i),
        };
    }
    for (int i = 0; i < n; i++) seat_start(world->seats[i]);
    return world;
}

static inline void world_free(struct world *world) {
    for (int i = 0; i < world->n; i++) {
        struct seat *seat = world->seats[i];
        if (seat->node != NULL) seat_kill(seat);
    }
    for (uint32_t i = 0; i < world->n_clients; i++) {
        buf_free(&world->clients[i]->taken);
        sf_free(world->clients[i]);
    }
    struct list *lists[2] = {&world->events, &world->held};
    for (int k = 0; k < 2; k++) {
        LIST_FOR_EACH(link, lists[k]) {
            event_free(SF_CONTAINER(link, struct event, in_list));
        }
    }
    for (int i = 0; i < world->n; i++) {
        struct seat *seat = world->seats[i];
        for (uint64_t k = 0; k < seat->n_log; k++) {
            if (seat->log[k].payload != NULL) bytes_unref(seat->log[k].payload);
        }
        sf_free(seat->log);
        buf_free(&seat->settings_seen);
        sf_free(seat);
    }
    for (uint32_t i = 0; i < world->n_outs; i++) buf_free(&world->outs[i].sent);
    sf_free(world);
}

/* -- the loop -------------------------------------------------------------------------------- */

static inline void deliver_bytes(struct seat *seat, struct event *event) {
    struct slice rest = buf_slice(&event->bytes);
    int64_t now = seat->world->now_us;
    if (rest.data[0] == '-') {
        struct slice words[2] = {SLICE("error"), slice_of(rest.data + 1, rest.len - 3)};
        node_on_link_message(seat->node, event->number, 2, words, now);
        return;
    }
    struct resp_parser *parser = resp_parser_new();
    struct resp_limits limits = {1 << 16, NODE_LINK_ARGS_MAX, 1 << 30, 1 << 30, true};
    while (rest.len > 0) {
        size_t consumed = 0;
        uint32_t argc;
        const struct slice *argv;
        const char *error;
        enum resp_parsed parsed =
            resp_parse_command(parser, &limits, rest, &consumed, &argc, &argv, &error);
        assert_int_equal(parsed, RESP_COMMAND);
        node_on_link_message(seat->node, event->number, argc, argv, now);
        rest = slice_of(rest.data + consumed, rest.len - consumed);
    }
    resp_parser_free(parser);
}

static inline void deliver_fetched(struct seat *seat, const struct event *event) {
    uint64_t last = SF_MIN(event->last_index, seat->n_log);
    uint32_t n = event->first_index > last ? 0 : (uint32_t)(last - event->first_index + 1);
    const struct raft_entry *first = n == 0 ? NULL : &seat->log[event->first_index - 1];
    node_on_fetched(seat->node, event->number, first, n, seat->world->now_us);
}

static inline void deliver(struct world *world, struct event *event) {
    struct seat *seat = world->seats[event->to];
    struct node *node = seat->node;
    int64_t now = world->now_us;
    int side;
    if (node == NULL || event->life != seat->life) return;
    switch (event->kind) {
    case EVENT_LINK_OPEN:
        if (wire_find(world, event->to, event->number, &side) != NULL) {
            node_on_link_open(node, event->number, now);
        }
        break;
    case EVENT_LINK_ACCEPTED:
        node_on_link_accepted(node, event->number, world_member(event->from).address.host,
            world_member(event->to).address.host, now);
        break;
    case EVENT_LINK_BYTES:
        deliver_bytes(seat, event);
        break;
    case EVENT_LINK_CLOSED:
        node_on_link_closed(node, event->number, now);
        break;
    case EVENT_APPENDED:
        node_on_appended(node, event->number, event->last_index, event->last_term, now);
        break;
    case EVENT_HARD_STATE:
        node_on_hard_state_saved(node, event->number, now);
        break;
    case EVENT_FETCHED:
        deliver_fetched(seat, event);
        break;
    case EVENT_IDENTITY:
        node_on_identity_saved(node, event->number, now);
        break;
    }
}

static inline bool event_is_held(struct world *world, const struct event *event) {
    bool disk = event->kind == EVENT_APPENDED || event->kind == EVENT_HARD_STATE;
    return disk && world->seats[event->to]->disk_held;
}

static inline bool world_has_events(struct world *world) {
    LIST_FOR_EACH(link, &world->events) {
        if (!event_is_held(world, SF_CONTAINER(link, struct event, in_list))) return true;
    }
    return false;
}

/* Every event that is there now, in order; those of held disks stay. */
static inline void world_deliver(struct world *world) {
    struct list batch;
    list_init(&batch);
    LIST_FOR_EACH(link, &world->events) {
        if (event_is_held(world, SF_CONTAINER(link, struct event, in_list))) continue;
        list_remove(link);
        list_push_back(&batch, link);
    }
    while (!list_empty(&batch)) {
        struct event *event = SF_CONTAINER(list_first(&batch), struct event, in_list);
        deliver(world, event);
        event_free(event);
    }
}

static inline void seat_pump(struct seat *seat) {
    int64_t wall = WORLD_WALL_MS + seat->world->now_us / 1000 + seat->wall_ahead_ms;
    if (seat->node != NULL && !seat->stopped) node_pump(seat->node, seat->world->now_us, wall);
}

/* One turn of every node; false: nothing more would happen now. */
static inline bool world_turn(struct world *world) {
    world_deliver(world);
    bool any = false;
    for (int i = 0; i < world->n; i++) {
        struct seat *seat = world->seats[i];
        seat_pump(seat);
        if (seat->node != NULL && !seat->stopped) {
            any = any || node_next_deadline_us(seat->node) <= world->now_us;
        }
    }
    return any || world_has_events(world);
}

static inline void world_settle(struct world *world) {
    for (int turns = 0; world_turn(world); turns++) {
        if (turns > 20000) fail_msg("the nodes never come to rest");
    }
}

static inline void world_run(struct world *world, int64_t ms) {
    int64_t end = world->now_us + ms * 1000;
    for (;;) {
        world_settle(world);
        int64_t next = end;
        for (int i = 0; i < world->n; i++) {
            struct seat *seat = world->seats[i];
            if (seat->node == NULL || seat->stopped) continue;
            next = SF_MIN(next, node_next_deadline_us(seat->node));
        }
        if (world->now_us >= end) return;
        world->now_us = SF_MIN(SF_MAX(next, world->now_us + 1), end);
    }
}

/* The number of the node that leads and serves; waits for one. */
static inline int world_leader(struct world *world) {
    for (int tries = 0; tries < 1000; tries++) {
        int found = -1;
        for (int i = 0; i < world->n; i++) {
            struct node *node = world->seats[i]->node;
            if (node == NULL || world->seats[i]->stopped) continue;
            if (node_is_leader_serving(node) && raft_configuration_index(node->raft) > 0 &&
                (found < 0 || raft_current_term(world->seats[found]->node->raft) <
                                  raft_current_term(node->raft))) {
                found = i;
            }
        }
        if (found >= 0) return found;
        world_run(world, 10);
    }
    fail_msg("nobody leads");
    return -1;
}

/* A world in which somebody leads and every stream is open. */
static inline struct world *world_ready(int n) {
    struct world *world = world_new(n);
    (void)world_leader(world);
    world_run(world, 500);
    return world;
}

/* -- the network ----------------------------------------------------------------------------- */

static inline struct rule *world_rule(
    struct world *world, enum rule_effect effect, int from, int to, const char *name) {
    SF_ASSERT(world->n_rules < WORLD_RULES_MAX);
    struct rule *rule = &world->rules[world->n_rules++];
    *rule = (struct rule){from, to, name, effect, 0};
    return rule;
}

/* No rules any more; what they held goes on. */
static inline void world_release(struct world *world) {
    world->n_rules = 0;
    LIST_FOR_EACH(link, &world->held) {
        list_remove(link);
        list_push_back(&world->events, link);
    }
}

static inline void world_cut(struct world *world, int a, int b) {
    world->cut[a][b] = world->cut[b][a] = true;
    LIST_FOR_EACH(link, &world->wires) {
        struct wire *wire = SF_CONTAINER(link, struct wire, in_world);
        if ((wire->end[0] == a && wire->end[1] == b) || (wire->end[0] == b && wire->end[1] == a)) {
            wire_break(world, wire, -1);
        }
    }
}

static inline void world_isolate(struct world *world, int number) {
    for (int i = 0; i < world->n; i++) {
        if (i != number) world_cut(world, i, number);
    }
}

/* The followers' disks stand still: nothing commits, and the leader goes on leading. */
static inline void world_hold_commits(struct world *world, int leader, bool held) {
    for (int i = 0; i < world->n; i++) world->seats[i]->disk_held = held && i != leader;
}

static inline void world_heal(struct world *world) {
    memset(world->cut, 0, sizeof world->cut);
}

/* -- clients --------------------------------------------------------------------------------- */

static inline struct client *client_open(struct world *world, int number) {
    SF_ASSERT(world->n_clients < WORLD_CLIENTS_MAX);
    struct client *client = sf_alloc_zero(1, sizeof *client);
    struct seat *seat = world->seats[number];
    world->clients[world->n_clients++] = client;
    struct client_origin origin = {"127.0.0.1:50000", "127.0.0.1:6379", 9, true};
    *client = (struct client){.world = world, .seat = number, .number = ++world->next_client};
    client->session = node_on_client_open(seat->node, client->number, &origin, world->now_us);
    return client;
}

/* Lines of inline commands, or RESP: as one packet. */
static inline void client_send(struct client *client, const char *text) {
    struct node *node = client->world->seats[client->seat]->node;
    SF_ASSERT(!client->closed);
    struct buf *input = session_input(client->session);
    buf_append_text(input, text);
    node_on_client_bytes(node, client->session, client->world->now_us);
}

static inline void client_close(struct client *client) {
    struct node *node = client->world->seats[client->seat]->node;
    node_on_client_closed(node, client->session, client->world->now_us);
    client->closed = true;
}

/* The newest one, already closed: makes room for another. */
static inline void client_forget(struct client *client) {
    struct world *world = client->world;
    SF_ASSERT(client->closed && world->clients[world->n_clients - 1] == client);
    world->n_clients--;
    buf_free(&client->taken);
    sf_free(client);
}

/* What the server has sent since the last look, as text. */
static inline const char *client_take(struct client *client) {
    buf_clear(&client->taken);
    if (!client->closed) {
        struct buf *output = session_output(client->session);
        buf_append_slice(&client->taken, buf_slice(output));
        buf_clear(output);
    }
    buf_append_char(&client->taken, '\0');
    return buf_slice(&client->taken).data;
}

static inline void client_expect(struct client *client, const char *replies) {
    assert_string_equal(client_take(client), replies);
}

/* Sends, lets everything happen, expects. */
static inline void client_ask(struct client *client, const char *request, const char *replies) {
    client_send(client, request);
    world_settle(client->world);
    client_expect(client, replies);
}

/* All nodes that are up hold the same state at the same index. */
static inline void world_check_equal(struct world *world) {
    world_run(world, 300);
    struct engine *first = NULL;
    for (int i = 0; i < world->n; i++) {
        struct node *node = world->seats[i]->node;
        if (node == NULL || world->seats[i]->stopped || node->engine == NULL) continue;
        if (first == NULL) first = node->engine;
        assert_int_equal(engine_applied(first), engine_applied(node->engine));
        assert_true(engine_digest(first) == engine_digest(node->engine));
    }
}

#endif
