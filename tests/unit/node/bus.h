/* Whole nodes in one process, for tests of what they say to each other: fake ports, a fake clock,
 * links that carry encoded messages, and data directories (storage/twin.h) that outlive a node. The
 * test may be one side of a link itself, as a stranger or as a peer that holds the secret. */
#ifndef SF_TESTS_UNIT_NODE_BUS_H
#define SF_TESTS_UNIT_NODE_BUS_H

#include "unit/check.h"

#include "node/internal.h"
#include "resp/parse.h"
#include "storage/twin.h"

#include <stdio.h>
#include <stdlib.h>

#define MS INT64_C(1000)
#define SECONDS INT64_C(1000000)
#define BUS_PLACES_MAX 8
#define BUS_WIRES_MAX 1024
#define BUS_CLIENTS_MAX 256
#define BUS_SECRET "the secret of these tests"

struct place { /* an address at which a node lives, with its data directory */
    struct bus *bus;
    uint32_t number;
    struct node_settings settings;
    struct twin *twin;
    struct node *node; /* NULL: down */
    struct applying_note applying;
    char host[32];
    int64_t due_us; /* when its node wants to be pumped */
    bool cut;       /* packets to and from it are lost; nobody is told */
    int stop_code;
    bool stopped;
    size_t backlog; /* what link_backlog says */
    struct buf log;
};

struct wire_end {
    struct place *place; /* NULL: the test itself */
    uint64_t link;
    bool open, fin;
    struct resp_parser *parser;
    struct buf in; /* arrived, not yet read */
};

struct wire { /* a connection: ends[0] dialled, ends[1] accepted */
    bool used, opening, failing;
    char host[RAFT_HOST_MAX + 1];
    uint16_t bus_port;
    struct wire_end ends[2];
};

struct client {
    struct place *place;
    struct session *session;
    struct buf out;
};

struct bus {
    int64_t now_us;
    struct random random;
    struct place places[BUS_PLACES_MAX];
    uint32_t n_places;
    struct wire wires[BUS_WIRES_MAX];
    uint32_t n_wires; /* places of `wires` ever used */
    uint64_t next_accepted;
    struct client clients[BUS_CLIENTS_MAX];
    uint32_t n_clients;
    uint16_t listens; /* a port of 10.9.9.9 at which the test itself accepts; 0: none */
};

/* -- wires ----------------------------------------------------------------------------------- */

static inline struct wire *wire_new(struct bus *bus) {
    for (uint32_t i = 0; i < BUS_WIRES_MAX; i++) {
        if (bus->wires[i].used) continue;
        bus->n_wires = SF_MAX(bus->n_wires, i + 1);
        bus->wires[i] = (struct wire){.used = true};
        return &bus->wires[i];
    }
    fail_msg("too many wires");
    return NULL;
}

static inline struct wire *wire_find(struct place *place, uint64_t link, int *side) {
    for (uint32_t i = 0; i < place->bus->n_wires; i++) {
        struct wire *wire = &place->bus->wires[i];
        for (int k = 0; wire->used && k < 2; k++) {
            const struct wire_end *end = &wire->ends[k];
            if (!end->open || end->place != place || end->link != link) continue;
            *side = k;
            return wire;
        }
    }
    return NULL;
}

static inline void wire_free(struct wire *wire) {
    for (int k = 0; k < 2; k++) {
        resp_parser_free(wire->ends[k].parser);
        buf_free(&wire->ends[k].in);
    }
    *wire = (struct wire){.used = false};
}

static inline bool end_is_cut(const struct wire_end *end) {
    return end->place != NULL && end->place->cut;
}

static inline struct place *place_at(struct bus *bus, const char *host, uint16_t bus_port) {
    for (uint32_t i = 0; i < bus->n_places; i++) {
        struct place *place = &bus->places[i];
        if (place->node == NULL || place->settings.bus_port != bus_port) continue;
        if (strcmp(place->host, host) == 0) return place;
    }
    return NULL;
}

static inline void wire_close(struct wire *wire, int side) {
    wire->ends[side].open = false;
    wire->ends[1 - side].fin = true;
}

/* Opens or refuses what was dialled. */
static inline void wire_connect(struct bus *bus, struct wire *wire) {
    struct wire_end *from = &wire->ends[0], *to = &wire->ends[1];
    struct place *place = place_at(bus, wire->host, wire->bus_port);
    if (end_is_cut(from) || (place != NULL && place->cut)) return; /* lost */
    bool is_test = strcmp(wire->host, "10.9.9.9") == 0 && bus->listens == wire->bus_port;
    wire->opening = false;
    if (place == NULL && !is_test) {
        wire->failing = true;
        return;
    }
    to->open = true;
    to->place = place;
    to->link = (UINT64_C(1) << 63) + bus->next_accepted++;
    const char *from_host = from->place == NULL ? "10.9.9.9" : from->place->host;
    if (place != NULL)
        node_on_link_accepted(place->node, to->link, from_host, place->host, bus->now_us);
    if (from->place != NULL && from->open)
        node_on_link_open(from->place->node, from->link, bus->now_us);
}

/* Hands one message to the node; false: there is none. */
static inline bool end_read(struct bus *bus, struct wire *wire, struct wire_end *end) {
    if (end->in.len == 0 || end->place == NULL) return false;
    struct node *node = end->place->node;
    if (end->in.data[end->in.start] == '-') {
        char text[512];
        size_t len = 0;
        struct slice in = buf_slice(&end->in);
        while (len < in.len && in.data[len] != '\r') len++;
        snprintf(text, sizeof text, "%.*s", (int)len - 1, in.data + 1);
        buf_consume(&end->in, SF_MIN(len + 2, in.len));
        struct slice words[2] = {SLICE("error"), slice_text(text)};
        node_on_link_message(node, end->link, 2, words, bus->now_us);
        return true;
    }
    if (end->parser == NULL) end->parser = resp_parser_new();
    uint64_t limit = node_link_limit_bytes(node, end->link);
    struct resp_limits limits = {SF_MIN(limit, 65536), 1 << 20, limit, limit, true};
    size_t consumed = 0;
    uint32_t argc;
    const struct slice *argv;
    const char *error;
    enum resp_parsed parsed = resp_parse_command(
        end->parser, &limits, buf_slice(&end->in), &consumed, &argc, &argv, &error);
    if (parsed == RESP_COMMAND) node_on_link_message(node, end->link, argc, argv, bus->now_us);
    if (!wire->used) return false;
    buf_consume(&end->in, SF_MIN(consumed, end->in.len));
    if (parsed == RESP_BROKEN || parsed == RESP_TOO_LARGE) {
        int side = end == &wire->ends[1];
        if (!end->open) return false;
        wire_close(wire, side);
        node_on_link_closed(node, end->link, bus->now_us);
        return false;
    }
    return parsed == RESP_COMMAND || parsed == RESP_EMPTY;
}

static inline bool wire_step(struct bus *bus, struct wire *wire) {
    bool moved = false;
    if (wire->opening) wire_connect(bus, wire);
    if (wire->failing) {
        wire->failing = false;
        struct wire_end *from = &wire->ends[0];
        bool tell = from->open && from->place != NULL;
        from->open = false;
        if (tell) node_on_link_closed(from->place->node, from->link, bus->now_us);
        moved = true;
    }
    if (end_is_cut(&wire->ends[0]) || end_is_cut(&wire->ends[1])) return false;
    for (int k = 0; k < 2; k++) {
        struct wire_end *end = &wire->ends[k];
        while (end->open && end_read(bus, wire, end)) moved = true;
        if (!end->open || !end->fin || end->place == NULL) continue;
        end->open = false;
        node_on_link_closed(end->place->node, end->link, bus->now_us);
        moved = true;
    }
    if (!wire->opening && !wire->ends[0].open && !wire->ends[1].open) wire_free(wire);
    return moved;
}

/* -- ports ----------------------------------------------------------------------------------- */

static inline void bus_append(void *context, const struct raft_append_request *request) {
    struct place *place = context;
    twin_append(place->twin, request->request, request->truncate_from, request->entries,
        request->n_entries, place->bus->now_us);
}
static inline void bus_save_hard_state(
    void *context, uint64_t request, const struct raft_hard_state *state) {
    struct place *place = context;
    twin_save_hard_state(place->twin, request, state, place->bus->now_us);
}
static inline void bus_fetch(void *context, const struct raft_fetch_request *request) {
    struct place *place = context;
    twin_fetch(place->twin, request->request, request->first, request->last, request->max_bytes,
        place->bus->now_us);
}
static inline void bus_save_snapshot(void *context, const struct snapshot_piece *piece) {
    struct place *place = context;
    const struct storage_keep keep = {
        piece->keep.bytes, piece->keep.entries, piece->keep.needed_from};
    twin_save_snapshot(place->twin, piece->request, &piece->place, piece->offset, piece->data,
        piece->is_last, piece->is_last ? &keep : NULL, place->bus->now_us);
}
static inline void bus_drop_snapshot(void *context, const struct raft_snapshot *snapshot) {
    struct place *place = context;
    twin_drop_snapshot(place->twin, snapshot, place->bus->now_us);
}
static inline void bus_read_chunk(void *context, const struct raft_chunk_read *read) {
    struct place *place = context;
    twin_read_snapshot(place->twin, read->request, &read->snapshot, read->offset, read->max_bytes,
        place->bus->now_us);
}
static inline void bus_write_chunk(void *context, const struct raft_chunk_write *write) {
    struct place *place = context;
    twin_receive_snapshot(place->twin, write->request, &write->snapshot, write->offset, write->data,
        write->is_last, place->bus->now_us);
}
static inline void bus_install_snapshot(
    void *context, uint64_t request, const struct raft_snapshot *snapshot) {
    struct place *place = context;
    twin_install_snapshot(place->twin, request, snapshot, place->bus->now_us);
}
static inline void bus_save_identity(
    void *context, uint64_t request, const struct node_identity *identity) {
    struct place *place = context;
    struct buf blob = {0};
    identity_encode(identity, &blob);
    twin_save_identity(place->twin, request, identity->id, buf_slice(&blob), place->bus->now_us);
    buf_free(&blob);
}
static inline void bus_log_mended(void *context) {
    twin_mark_repaired(((struct place *)context)->twin);
}
static inline void bus_note_applying(void *context, const struct applying_note *note) {
    ((struct place *)context)->applying = *note;
}
static inline void bus_dial(void *context, uint64_t link, const char *host, uint16_t bus_port) {
    struct place *place = context;
    struct wire *wire = wire_new(place->bus);
    wire->opening = true;
    snprintf(wire->host, sizeof wire->host, "%s", host);
    wire->bus_port = bus_port;
    wire->ends[0] = (struct wire_end){.place = place, .link = link, .open = true};
}
static inline void bus_link_send(void *context, uint64_t link, struct slice bytes) {
    int side;
    struct wire *wire = wire_find(context, link, &side);
    if (wire == NULL || wire->opening) return;
    if (wire->ends[1 - side].open) buf_append_slice(&wire->ends[1 - side].in, bytes);
}
static inline void bus_link_close(void *context, uint64_t link) {
    int side;
    struct wire *wire = wire_find(context, link, &side);
    if (wire == NULL) return;
    wire->opening = false;
    wire_close(wire, side);
}
static inline size_t bus_link_backlog(void *context, uint64_t link) {
    (void)link;
    return ((struct place *)context)->backlog;
}
static inline void bus_client_changed(void *context, uint64_t number) {
    (void)context, (void)number;
}
static inline void bus_config_get(void *context, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor) {
    (void)context, (void)n, (void)patterns, (void)visit, (void)visitor;
}
static inline enum config_verdict bus_config_check(
    void *context, struct slice name, struct slice value, struct buf *error) {
    (void)context, (void)name, (void)value, (void)error;
    return CONFIG_UNKNOWN;
}
static inline bool bus_config_set(
    void *context, struct slice name, struct slice value, struct buf *error) {
    (void)context, (void)name, (void)value, (void)error;
    return true;
}
static inline bool bus_config_rewrite(void *context, struct buf *error) {
    (void)context, (void)error;
    return true;
}
static inline void bus_figures(void *context, struct process_figures *out) {
    (void)context;
    *out = (struct process_figures){.process_id = 1};
}
static inline void bus_random_bytes(void *context, void *out, size_t len) {
    struct random *random = &((struct place *)context)->bus->random;
    for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = (uint8_t)random_next(random);
}
static inline void bus_note(void *context, enum log_level level, const char *line) {
    struct place *place = context;
    (void)level;
    buf_printf(&place->log, "%s\n", line);
    if (getenv("BUS_LOG") != NULL)
        printf("%9.3f n%u %s\n", (double)place->bus->now_us / 1e6, place->number, line);
}
static inline void bus_stop(void *context, int exit_code, const char *reason) {
    struct place *place = context;
    place->stopped = true;
    place->stop_code = exit_code;
    bus_note(context, LOG_WARNING, reason);
}

static inline struct node_ports bus_ports(struct place *place) {
    return (struct node_ports){.context = place,
        .append = bus_append,
        .save_hard_state = bus_save_hard_state,
        .fetch = bus_fetch,
        .save_snapshot = bus_save_snapshot,
        .drop_snapshot = bus_drop_snapshot,
        .read_chunk = bus_read_chunk,
        .write_chunk = bus_write_chunk,
        .install_snapshot = bus_install_snapshot,
        .save_identity = bus_save_identity,
        .log_mended = bus_log_mended,
        .note_applying = bus_note_applying,
        .dial = bus_dial,
        .link_send = bus_link_send,
        .link_close = bus_link_close,
        .link_backlog = bus_link_backlog,
        .client_changed = bus_client_changed,
        .config_get = bus_config_get,
        .config_check = bus_config_check,
        .config_set = bus_config_set,
        .config_rewrite = bus_config_rewrite,
        .figures = bus_figures,
        .random_bytes = bus_random_bytes,
        .log = bus_note,
        .stop = bus_stop};
}

/* -- time ------------------------------------------------------------------------------------ */

static inline struct node_snapshot bus_snapshot_of(const struct storage_snapshot *found) {
    return (struct node_snapshot){found->place, found->configuration_index, found->configuration};
}

static inline void bus_on_received(
    struct place *place, const struct storage_event *event, int64_t now_us) {
    struct node_snapshot whole = {.configuration_index = 0};
    if (event->snapshot != NULL) whole = bus_snapshot_of(event->snapshot);
    node_on_chunk_written(place->node, event->request, event->status,
        event->snapshot == NULL ? NULL : &whole, now_us);
}

static inline void bus_on_storage(void *context, const struct storage_event *event) {
    struct place *place = context;
    int64_t now_us = place->bus->now_us;
    switch (event->type) {
    case STORAGE_APPENDED:
        node_on_appended(place->node, event->request, event->last_index, event->last_term, now_us);
        break;
    case STORAGE_HARD_STATE_SAVED:
        node_on_hard_state_saved(place->node, event->request, now_us);
        break;
    case STORAGE_FETCHED:
        node_on_fetched(place->node, event->request, event->entries, event->n, now_us);
        break;
    case STORAGE_IDENTITY_SAVED:
        node_on_identity_saved(place->node, event->request, now_us);
        break;
    case STORAGE_SNAPSHOT_WRITTEN:
        node_on_snapshot_written(place->node, event->request, event->status, now_us);
        break;
    case STORAGE_SNAPSHOT_SAVED:
        node_on_snapshot_saved(
            place->node, event->request, event->status, &event->place, event->first_index, now_us);
        break;
    case STORAGE_SNAPSHOT_READ:
        node_on_chunk_read(place->node, event->request, event->data, now_us);
        break;
    case STORAGE_SNAPSHOT_RECEIVED:
        bus_on_received(place, event, now_us);
        break;
    case STORAGE_SNAPSHOT_INSTALLED:
        node_on_snapshot_installed(place->node, event->request, now_us);
        break;
    case STORAGE_NOTE:
        break;
    case STORAGE_STATE:
        node_on_storage_state(place->node, event->status, now_us);
        break;
    }
}

static inline void bus_collect(struct bus *bus) {
    for (uint32_t i = 0; i < bus->n_clients; i++) {
        struct client *client = &bus->clients[i];
        if (client->session == NULL) continue;
        struct buf *output = session_output(client->session);
        buf_append_slice(&client->out, buf_slice(output));
        buf_clear(output);
    }
}

/* Everything that happens at this moment. */
static inline void bus_settle(struct bus *bus) {
    bool moved = true;
    for (int round = 0; moved && round < 50; round++) {
        moved = false;
        for (uint32_t i = 0; i < bus->n_wires; i++)
            if (bus->wires[i].used && wire_step(bus, &bus->wires[i])) moved = true;
        for (uint32_t i = 0; i < bus->n_places; i++) {
            struct place *place = &bus->places[i];
            if (place->node == NULL) continue;
            if (twin_poll(place->twin, bus->now_us, bus_on_storage, place) > 0) moved = true;
            if (!moved && place->due_us > bus->now_us) continue;
            node_pump(place->node, bus->now_us, 1700000000000 + bus->now_us / 1000);
            place->due_us = node_next_deadline_us(place->node);
        }
    }
    bus_collect(bus);
}

static inline void bus_run(struct bus *bus, int64_t us) {
    int64_t end_us = bus->now_us + us;
    bus_settle(bus);
    while (bus->now_us < end_us) {
        bus->now_us += SF_MIN(2 * MS, end_us - bus->now_us);
        bus_settle(bus);
    }
}

/* -- places ---------------------------------------------------------------------------------- */

static inline struct bus *bus_new(void) {
    struct bus *bus = sf_alloc_zero(1, sizeof *bus);
    bus->now_us = 100 * SECONDS;
    bus->random = random_from(7);
    return bus;
}

/* A place with an empty directory; nobody lives there yet. */
static inline struct place *bus_place(struct bus *bus, enum bootstrap_mode bootstrap) {
    struct place *place = &bus->places[bus->n_places];
    place->bus = bus;
    place->number = ++bus->n_places;
    place->twin = twin_new(place->number);
    twin_set_pace(place->twin, &(struct twin_pace){100, 300, 100, 300});
    snprintf(place->host, sizeof place->host, "10.0.0.%u", place->number);
    place->settings = (struct node_settings){.bootstrap = bootstrap,
        .request_timeout_ms = 1500,
        .max_request_bytes = 64 << 20,
        .proto_max_bulk_len = 512 << 20,
        .output_limit = {UINT64_MAX, UINT64_MAX, 0},
        .subscriber_output_limit = {UINT64_MAX, UINT64_MAX, 0},
        .query_buffer_limit = 1 << 30,
        .databases = 16,
        .snapshot_log_bytes = UINT64_MAX, /* never */
        .snapshot_log_entries = UINT64_MAX,
        .snapshot_piece_bytes = 2000,
        .snapshot_slice = 20,
        .feature_level = 1,
        .max_clients = 1000,
        .cluster_secret = BUS_SECRET,
        .port = 6379,
        .bus_port = 16379,
        .raft = {150, 300, 50, true, 1 << 20, 64, 8 << 20, 32 << 20}};
    return place;
}

static inline void place_start(struct place *place) {
    assert_null(place->node);
    struct storage_found found;
    twin_open(place->twin, false, &found);
    struct node_start start = {.settings = place->settings,
        .boot_counter = found.boot_counter,
        .applying = place->applying,
        .now_us = place->bus->now_us,
        .wall_ms = 1700000000000 + place->bus->now_us / 1000};
    if (!found.is_new)
        assert_int_equal(identity_decode(buf_slice(&found.identity_blob), &start.identity), SF_OK);
    struct raft_start *raft = &start.raft;
    raft->hard_state = found.hard_state;
    raft->first_index = found.is_new ? 1 : found.first_index;
    raft->last_index = found.last_index;
    raft->term_runs = found.term_runs;
    raft->n_term_runs = found.n_term_runs;
    raft->damaged = found.damaged;
    start.snapshot = bus_snapshot_of(&found.snapshot);
    raft->configuration_index = found.configuration_index;
    raft->previous_configuration_index = found.previous_configuration_index;
    if (found.configuration != NULL)
        assert_int_equal(
            configuration_decode(bytes_slice(found.configuration), &raft->configuration), SF_OK);
    if (found.previous_configuration != NULL)
        assert_int_equal(configuration_decode(bytes_slice(found.previous_configuration),
                             &raft->previous_configuration),
            SF_OK);
    struct node_ports ports = bus_ports(place);
    place->stopped = false;
    place->node = node_new(&start, &ports);
    place->due_us = 0;
    twin_found_clear(&found);
}

static inline struct place *bus_node(struct bus *bus, enum bootstrap_mode bootstrap) {
    struct place *place = bus_place(bus, bootstrap);
    place_start(place);
    return place;
}

static inline void client_close(struct client *client) {
    if (client->session != NULL)
        node_on_client_closed(client->place->node, client->session, client->place->bus->now_us);
    client->session = NULL;
}

/* The process ends at this moment; what was not yet durable is lost. */
static inline void place_kill(struct place *place) {
    struct bus *bus = place->bus;
    for (uint32_t i = 0; i < bus->n_clients; i++)
        if (bus->clients[i].place == place) client_close(&bus->clients[i]);
    node_free(place->node);
    place->node = NULL;
    twin_crash(place->twin, bus->now_us);
    for (uint32_t i = 0; i < BUS_WIRES_MAX; i++) {
        struct wire *wire = &bus->wires[i];
        for (int k = 0; wire->used && k < 2; k++) {
            if (!wire->ends[k].open || wire->ends[k].place != place) continue;
            wire->opening = false;
            wire_close(wire, k);
        }
    }
}

/* A new disk. */
static inline void place_wipe(struct place *place) {
    assert_null(place->node);
    twin_free(place->twin);
    place->twin = twin_new(place->number + 100);
    twin_set_pace(place->twin, &(struct twin_pace){100, 300, 100, 300});
}

static inline void bus_free(struct bus *bus) {
    for (uint32_t i = 0; i < bus->n_places; i++) {
        struct place *place = &bus->places[i];
        if (place->node != NULL) place_kill(place);
        twin_free(place->twin);
        buf_free(&place->log);
    }
    for (uint32_t i = 0; i < BUS_WIRES_MAX; i++)
        if (bus->wires[i].used) wire_free(&bus->wires[i]);
    for (uint32_t i = 0; i < bus->n_clients; i++) buf_free(&bus->clients[i].out);
    sf_free(bus);
}

/* -- clients --------------------------------------------------------------------------------- */

/* Another request of the same client. */
static inline void say_node(struct client *client, const char *words) {
    struct place *place = client->place;
    struct buf *input = session_input(client->session);
    buf_append_text(input, words);
    buf_append_text(input, "\r\n");
    node_on_client_bytes(place->node, client->session, place->bus->now_us);
    place->due_us = 0;
}

/* A new client, and its first request: words separated by blanks. */
static inline struct client *ask_node(struct place *place, const char *words) {
    struct bus *bus = place->bus;
    assert_true(bus->n_clients < BUS_CLIENTS_MAX);
    struct client *client = &bus->clients[bus->n_clients++];
    struct client_origin origin = {"127.0.0.1:5000", "127.0.0.1:6379", 3, true};
    client->place = place;
    client->session = node_on_client_open(place->node, bus->n_clients, &origin, bus->now_us);
    say_node(client, words);
    return client;
}

/* The reply so far; "" while there is none. Valid until the bus runs. */
static inline const char *client_text(struct client *client) {
    bus_collect(client->place->bus);
    buf_append_char(&client->out, '\0');
    buf_truncate(&client->out, client->out.len - 1);
    return client->out.data + client->out.start;
}

/* The whole reply, waited for up to 12 s. */
static inline const char *call_node(struct place *place, const char *words) {
    struct client *client = ask_node(place, words);
    for (int i = 0; i < 1200 && client->out.len == 0; i++) bus_run(place->bus, 10 * MS);
    client_close(client);
    return client_text(client);
}

static inline struct client *ask_meet(struct place *place, const struct place *other) {
    char words[100];
    snprintf(words, sizeof words, "CLUSTER MEET %s %u %u", other->host, other->settings.port,
        other->settings.bus_port);
    return ask_node(place, words);
}

static inline const char *call_meet(struct place *place, const struct place *other) {
    struct client *client = ask_meet(place, other);
    for (int i = 0; i < 1200 && client->out.len == 0; i++) bus_run(place->bus, 10 * MS);
    client_close(client);
    return client_text(client);
}

static inline const char *call_forget(struct place *place, raft_id id) {
    char words[100], name[41];
    cluster_node_name(id, name);
    snprintf(words, sizeof words, "CLUSTER FORGET %s", name);
    return call_node(place, words);
}

/* -- looking --------------------------------------------------------------------------------- */

static inline bool logged(struct place *place, const char *text) {
    buf_append_char(&place->log, '\0');
    buf_truncate(&place->log, place->log.len - 1);
    return strstr(place->log.data + place->log.start, text) != NULL;
}

static inline bool place_leads(struct place *place) {
    return place->node != NULL && node_is_leader_serving(place->node);
}

static inline struct place *bus_leader(struct bus *bus) {
    for (uint32_t i = 0; i < bus->n_places; i++)
        if (place_leads(&bus->places[i])) return &bus->places[i];
    return NULL;
}

/* All the given nodes are voting members of one cluster of exactly n. */
static inline bool is_one_cluster(struct place *const *places, uint32_t n, uint32_t n_members) {
    for (uint32_t i = 0; i < n; i++) {
        struct node *node = places[i]->node;
        if (node == NULL || node->raft == NULL || node->identity_switching) return false;
        if (node->identity.state != IDENTITY_MEMBER || !node_serves_data(node)) return false;
        const struct raft_configuration *members = raft_configuration(node->raft);
        if (members->joint || members->n != n_members) return false;
        if (configuration_n_voters(members) != n_members) return false;
        if (!configuration_is_voter(members, node->identity.id)) return false;
        if (raft_leader(node->raft) == NOBODY) return false;
        if (raft_configuration_index(node->raft) > engine_applied(node->engine)) return false;
        if (strcmp(node->identity.cluster_id, places[0]->node->identity.cluster_id) != 0)
            return false;
    }
    return true;
}

static inline bool wait_cluster(
    struct bus *bus, struct place *const *places, uint32_t n, uint32_t n_members, int64_t us) {
    int64_t end_us = bus->now_us + us;
    while (bus->now_us < end_us) {
        if (is_one_cluster(places, n, n_members)) return true;
        bus_run(bus, 20 * MS);
    }
    return is_one_cluster(places, n, n_members);
}

/* n nodes that are one cluster; places[0] began it. */
static inline struct bus *bus_cluster(uint32_t n, struct place **places) {
    struct bus *bus = bus_new();
    for (uint32_t i = 0; i < n; i++)
        places[i] = bus_node(bus, i == 0 ? BOOTSTRAP_YES : BOOTSTRAP_NO);
    bus_run(bus, 500 * MS);
    for (uint32_t i = 1; i < n; i++) {
        assert_string_equal(call_meet(places[i], places[0]), "+OK\r\n");
        assert_true(wait_cluster(bus, places, i + 1, i + 1, 5 * SECONDS));
    }
    return bus;
}

/* -- the test as a peer ---------------------------------------------------------------------- */

/* A connection from the test to a node. */
static inline struct wire *stranger_dial(struct place *place) {
    struct wire *wire = wire_new(place->bus);
    wire->opening = true;
    snprintf(wire->host, sizeof wire->host, "%s", place->host);
    wire->bus_port = place->settings.bus_port;
    wire->ends[0].open = true;
    wire_connect(place->bus, wire);
    return wire;
}

/* The connection that a node has dialled to the test (10.9.9.9:bus->listens); NULL: none. */
static inline struct wire *stranger_accepted(struct bus *bus) {
    for (uint32_t i = 0; i < BUS_WIRES_MAX; i++) {
        struct wire *wire = &bus->wires[i];
        if (wire->used && wire->ends[1].open && wire->ends[1].place == NULL &&
            wire->ends[0].place != NULL)
            return wire;
    }
    return NULL;
}

static inline int test_side(const struct wire *wire) {
    return wire->ends[0].place == NULL ? 0 : 1;
}

static inline void wire_say(struct wire *wire, uint32_t argc, const struct slice *argv) {
    struct wire_end *to = &wire->ends[1 - test_side(wire)];
    if (to->open) resp_write_command(&to->in, argc, argv);
}

static inline void wire_say_text(struct wire *wire, const char *bytes) {
    struct wire_end *to = &wire->ends[1 - test_side(wire)];
    if (to->open) buf_append_text(&to->in, bytes);
}

/* Whether the node has closed it. */
static inline bool wire_is_closed(const struct wire *wire) {
    return !wire->used || wire->ends[test_side(wire)].fin;
}

/* What the node said and was not yet taken. */
static inline bool wire_heard(struct wire *wire, const char *text) {
    struct buf *in = &wire->ends[test_side(wire)].in;
    buf_append_char(in, '\0');
    buf_truncate(in, in->len - 1);
    return strstr(in->data + in->start, text) != NULL;
}

/* Takes the next message; the words are valid until the next call with the same parser. */
static inline bool wire_take(struct wire *wire, struct resp_parser *parser, uint32_t *argc,
    const struct slice **argv, struct buf *keep) {
    struct buf *in = &wire->ends[test_side(wire)].in;
    struct resp_limits limits = {65536, 1 << 20, 1 << 30, 1 << 30, true};
    buf_clear(keep);
    buf_append_slice(keep, buf_slice(in));
    size_t consumed = 0;
    const char *error;
    if (keep->len == 0) return false;
    enum resp_parsed parsed =
        resp_parse_command(parser, &limits, buf_slice(keep), &consumed, argc, argv, &error);
    buf_consume(in, consumed);
    return parsed == RESP_COMMAND;
}

static inline void to_hex(const uint8_t *bytes, size_t n, char *out) {
    for (size_t i = 0; i < n; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static inline void from_hex(struct slice text, uint8_t *out) {
    for (size_t i = 0; i < text.len / 2; i++) {
        char digits[3] = {text.data[2 * i], text.data[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

struct handshake { /* as the dialler */
    const char *secret, *purpose;
    raft_id wanted;
    struct greeting greeting;
};

/* Dials and proves the secret; the answer (welcome, or an error) is waiting when it returns. */
static inline struct wire *peer_dial(struct place *place, const struct handshake *how) {
    static const uint8_t ours[16] = {1, 2, 3, 4};
    struct wire *wire = stranger_dial(place);
    char nonce[33];
    to_hex(ours, 16, nonce);
    struct slice hello[3] = {SLICE("hello"), SLICE("1"), slice_text(nonce)};
    wire_say(wire, 3, hello);
    bus_settle(place->bus);
    struct resp_parser *parser = resp_parser_new();
    struct buf keep = {0};
    uint32_t argc;
    const struct slice *argv;
    assert_true(wire_take(wire, parser, &argc, &argv, &keep));
    assert_int_equal(argc, 4);
    uint8_t theirs[16], digest[32];
    from_hex(argv[1], theirs);
    struct buf greeting = {0}, more = {0};
    greeting_put(&how->greeting, &greeting);
    char wanted[INT_TEXT_MAX], proof[65];
    struct slice wanted_text = slice_of(wanted, uint_print(how->wanted, wanted));
    put_string(&more, slice_text(how->purpose));
    put_string(&more, wanted_text);
    put_string(&more, buf_slice(&greeting));
    proof_of_secret(how->secret, 'D', ours, theirs, buf_slice(&more), digest);
    to_hex(digest, 32, proof);
    struct slice words[5] = {SLICE("prove"), slice_text(proof), slice_text(how->purpose),
        wanted_text, buf_slice(&greeting)};
    wire_say(wire, 5, words);
    bus_settle(place->bus);
    buf_free(&greeting);
    buf_free(&more);
    buf_free(&keep);
    resp_parser_free(parser);
    return wire;
}

/* What a member with this id would say of itself to that node. */
static inline struct greeting greeting_like(const struct place *place, raft_id id) {
    struct greeting greeting = {.id = id,
        .incarnation = {.node = id, .counter = 1, .nonce = 5},
        .state = IDENTITY_MEMBER,
        .empty = true,
        .n_members = 3,
        .databases = place->settings.databases,
        .feature_level = 1,
        .address = {.host = "10.9.9.9", .port = 6379, .bus_port = 7777}};
    memcpy(greeting.cluster_id, place->node->identity.cluster_id, sizeof greeting.cluster_id);
    return greeting;
}

#endif
