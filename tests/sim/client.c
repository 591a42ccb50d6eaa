#include "sim/client_internal.h"

#include "engine/engine.h"
#include "resp/reply.h"
#include "resp/value.h"
#include "sim/drills.h"
#include "sim/listening.h"
#include "sim/network.h"
#include "sim/rot.h"

#include <stdio.h>

enum { PIPELINE_MAX = 8 };

#define PATIENCE_US 10000000 /* then a client goes away */

struct parcel { /* bytes on their way between a client and a node */
    struct list in_clients;
    struct world *world;
    bool to_node;
    uint32_t node;
    uint64_t connection;
    bool fin;
    struct heard_at at; /* where the node was when it said this */
    struct buf bytes;
};

static struct client *client_of(struct world *world, uint64_t connection) {
    struct clients *clients = world->clients;
    for (uint32_t i = 0; i < clients->n; i++) {
        struct client *client = &clients->list[i];
        if (client->state == CLIENT_CONNECTED && client->connection == connection) return client;
    }
    return NULL;
}

static void client_act(void *context, uint64_t number, uint64_t ticket);

static void client_schedule(struct world *world, struct client *client, int64_t delay_us) {
    queue_put(&world->queue, world_now_us(world) + delay_us, client_act, world, client->number,
        ++client->ticket);
}

/* -- how calls end --------------------------------------------------------------------------- */

static bool reply_has(struct slice reply, const char *text) {
    return memmem(reply.data, reply.len, text, strlen(text)) != NULL;
}

static enum outcome outcome_of(struct slice reply) {
    if (reply.data[0] != '-') return OUTCOME_ANSWERED;
    if (reply_has(reply, "not executed") || reply_has(reply, "-EXECABORT")) return OUTCOME_REFUSED;
    if (reply.len > 9 && memcmp(reply.data, "-LOADING ", 9) == 0) return OUTCOME_REFUSED;
    if (reply.len > 10 && memcmp(reply.data, "-UNCERTAIN", 10) == 0) return OUTCOME_UNCERTAIN;
    return OUTCOME_ANSWERED;
}

static void call_end(struct world *world, size_t number, enum outcome outcome, struct slice reply) {
    static const enum sim_coverage covers[] = {
        COVER_UNKNOWN, COVER_ANSWERED, COVER_REFUSED, COVER_UNCERTAIN, COVER_UNKNOWN};
    struct client_call *call = &world->history->calls[number];
    call->outcome = outcome;
    if (reply.len > 0) {
        call->completed_us = world_now_us(world);
        call->reply = bytes_new(reply.data, reply.len);
    }
    if (call->kind != CALL_ADMIN) world->coverage[covers[outcome]]++;
    struct slice expected = call->is_queued ? SLICE("+QUEUED\r\n") : SLICE("+OK\r\n");
    if (outcome == OUTCOME_ANSWERED) bank_check(world, call);
    if (outcome == OUTCOME_ANSWERED) blocking_learn(world, call);
    bool aborts =
        call->is_queued && outcome == OUTCOME_REFUSED; /* a node that loads: so does EXEC */
    if (call->kind == CALL_SESSION && reply.len > 0 && !slice_equal(reply, expected) && !aborts)
        world_fail(world, "a connection's own command fails: %.*s", (int)reply.len, reply.data);
    if (!world->options.transcript) return;
    char text[400];
    call_describe(call, text, sizeof text);
    world_note(world, -1, "%s", text);
}

static void client_lost(struct world *world, struct client *client) {
    for (size_t i = client->answered; i < client->n; i++)
        call_end(world, client->first + i, OUTCOME_UNKNOWN, SLICE(""));
    client->n = client->answered = 0;
    client->state = CLIENT_AWAY;
    client->db = 0;
    client->stale = client->banks = false;
    buf_clear(&client->in);
    if (client->listener != NULL) listener_lost(world, client);
    if (client->is_worker) client_schedule(world, client, world_between(world, 5000, 250000));
}

static void post(
    struct world *world, struct client *client, struct slice bytes, bool fin, int64_t delay_us);

void client_hang_up(struct world *world, struct client *client) {
    post(world, client, SLICE(""), true, 0);
    client_lost(world, client);
}

/* -- what comes back ------------------------------------------------------------------------- */

static void client_on_bytes(struct world *world, struct client *client) {
    while (client->answered < client->n) {
        struct resp_value value;
        size_t consumed = 0;
        if (resp_value_parse(buf_slice(&client->in), &consumed, &value) != SF_OK) {
            world_fail(world, "client %u: the reply is malformed", client->number);
            return;
        }
        if (consumed == 0) return;
        resp_value_free(&value);
        struct slice reply = slice_of(buf_slice(&client->in).data, consumed);
        call_end(world, client->first + client->answered++, outcome_of(reply), reply);
        buf_consume(&client->in, consumed);
    }
    if (client->in.len > 0) {
        world_fail(world, "client %u: a reply to nothing: %.*s", client->number,
            (int)SF_MIN(client->in.len, (size_t)100), buf_slice(&client->in).data);
        return;
    }
    size_t n = client->n;
    client->n = client->answered = 0;
    if (!client->is_worker || bank_goes_on(world, client, n)) return;
    if (world_chance(world, 3))
        client_hang_up(world, client);
    else
        client_schedule(
            world, client, world_between(world, 100, drill_is_hot(world) ? 8000 : world->think_us));
}

static void parcel_free(struct parcel *parcel) {
    list_remove(&parcel->in_clients);
    buf_free(&parcel->bytes);
    sf_free(parcel);
}

static void parcel_run(void *context, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    struct parcel *parcel = context;
    struct world *world = parcel->world;
    struct client *client = client_of(world, parcel->connection);
    if (parcel->to_node) {
        process_arrive(world->processes[parcel->node],
            parcel->fin ? ARRIVE_CLIENT_CLOSED : ARRIVE_CLIENT_BYTES, parcel->connection,
            buf_slice(&parcel->bytes));
    } else if (client != NULL && parcel->fin) {
        client_lost(world, client);
    } else if (client != NULL) {
        buf_append_slice(&client->in, buf_slice(&parcel->bytes));
        if (client->listener != NULL)
            listener_on_bytes(world, client, &parcel->at);
        else
            client_on_bytes(world, client);
    }
    parcel_free(parcel);
}

static void parcel_send(struct world *world, uint64_t connection, struct slice bytes, bool fin) {
    struct client *client = client_of(world, connection);
    if (client == NULL) return;
    struct parcel *parcel = sf_alloc_zero(1, sizeof *parcel);
    *parcel = (struct parcel){.world = world, .connection = connection, .fin = fin};
    const struct process *process = world->processes[client->node];
    struct engine *engine = fin ? NULL : node_engine(process->node);
    parcel->at.before = process->seen_applied;
    /* what this process, or one before it, has told already is not told again */
    parcel->at.found = SF_MAX(process->log_at_start, rot_told_before(process));
    parcel->at.applied = engine == NULL ? 0 : engine_applied(engine);
    list_push_back(&world->clients->parcels, &parcel->in_clients);
    buf_append_slice(&parcel->bytes, bytes);
    int64_t at_us = world_now_us(world) + world_between(world, 20, 300);
    client->last_in_us = SF_MAX(client->last_in_us, at_us);
    queue_put(&world->queue, client->last_in_us, parcel_run, parcel, 0, 0);
}

static void post(
    struct world *world, struct client *client, struct slice bytes, bool fin, int64_t delay_us) {
    struct parcel *parcel = sf_alloc_zero(1, sizeof *parcel);
    *parcel = (struct parcel){.world = world,
        .to_node = true,
        .node = client->node,
        .connection = client->connection,
        .fin = fin};
    list_push_back(&world->clients->parcels, &parcel->in_clients);
    buf_append_slice(&parcel->bytes, bytes);
    int64_t at_us = world_now_us(world) + delay_us + world_between(world, 20, 300);
    client->last_out_us = SF_MAX(client->last_out_us, at_us);
    queue_put(&world->queue, client->last_out_us, parcel_run, parcel, 0, 0);
}

void client_send(struct world *world, uint64_t connection, struct slice bytes) {
    parcel_send(world, connection, bytes, false);
}

void client_close(struct world *world, uint64_t connection) {
    parcel_send(world, connection, SLICE(""), true);
}

void clients_of_process_gone(struct world *world, uint32_t number) {
    struct clients *clients = world->clients;
    for (uint32_t i = 0; clients != NULL && i < clients->n; i++) {
        struct client *client = &clients->list[i];
        if (client->state == CLIENT_CONNECTED && client->node == number)
            client_close(world, client->connection);
    }
}

/* -- what they do ---------------------------------------------------------------------------- */

void client_post(struct world *world, struct client *client, struct slice bytes) {
    post(world, client, bytes, false, 0);
}

void client_answer(struct world *world, size_t call, struct slice reply) {
    call_end(world, call, outcome_of(reply), reply);
}

void client_unanswered(struct world *world, size_t call) {
    call_end(world, call, OUTCOME_UNKNOWN, SLICE(""));
}

bool client_connect(struct world *world, struct client *client, uint32_t node) {
    if (!world->processes[node]->up) return false;
    client->node = node;
    client->state = CLIENT_CONNECTED;
    client->connection = ++world->clients->next_connection;
    client->last_in_us = client->last_out_us = 0;
    client->db = 0;
    client->id = 0;
    process_arrive(world->processes[node], ARRIVE_CLIENT_OPEN, client->connection, SLICE(""));
    return true;
}

void client_put(
    struct world *world, struct client *client, struct client_call *call, struct buf *packet) {
    call->client = client->number;
    call->node = client->node;
    call->connection = client->connection;
    bool is_exec = call->n_sent > 0; /* its words hold the databases */
    call->db = is_exec ? 0 : client->db;
    call->stale = client->stale && call->kind == CALL_READ && !slice_is(call->argv[0], "WATCH");
    call->invoked_us = world_now_us(world);
    call->completed_us = INT64_MAX;
    resp_write_command(packet, call->n_sent > 0 ? call->n_sent : call->argc, call->argv);
    client->last = history_add(world->history, call);
    client->has_last = true;
    if (client->n++ == 0) client->first = client->last;
}

static void client_patience(void *context, uint64_t number, uint64_t ticket) {
    struct world *world = context;
    struct client *client = &world->clients->list[number];
    if (client->ticket != ticket || client->state != CLIENT_CONNECTED || client->n == 0) return;
    world_note(world, -1, "client %u loses patience", client->number);
    client_hang_up(world, client);
}

void client_dispatch(struct world *world, struct client *client, struct buf *packet) {
    /* In one piece, or cut anywhere and then read in two turns. */
    size_t cut = world_chance(world, 15) ? world_below(world, packet->len) : packet->len;
    struct slice bytes = buf_slice(packet);
    if (cut > 0) post(world, client, slice_of(bytes.data, cut), false, 0);
    if (cut < bytes.len)
        post(world, client, slice_of(bytes.data + cut, bytes.len - cut), false,
            world_between(world, 0, 30000));
    queue_put(&world->queue, world_now_us(world) + PATIENCE_US, client_patience, world,
        client->number, ++client->ticket);
}

void client_say(struct world *world, struct client *client, struct buf *packet, uint32_t argc,
    const struct slice *argv) {
    struct client_call call = {.kind = CALL_SESSION};
    call_set_words(&call, argc, argv);
    client_put(world, client, &call, packet);
}

/* To another database, or to reads of the other kind. */
static void client_turn(struct world *world, struct client *client, struct buf *packet) {
    if (world_chance(world, 60)) {
        uint32_t db = (uint32_t)world_below(world, SIM_DATABASES);
        struct slice argv[] = {SLICE("SELECT"), db == 0 ? SLICE("0") : SLICE("1")};
        client_say(world, client, packet, 2, argv);
        client->db = db;
    } else {
        struct slice argv[] = {client->stale ? SLICE("READWRITE") : SLICE("READONLY")};
        client_say(world, client, packet, 1, argv);
        client->stale = !client->stale;
    }
}

static void client_leave_in(struct world *world, struct client *client, int64_t most_us) {
    queue_put(&world->queue, world_now_us(world) + world_between(world, 0, most_us),
        client_patience, world, client->number, client->ticket);
}

static void client_pipeline(struct world *world, struct client *client) {
    struct buf packet = {0};
    uint64_t n = world_chance(world, 60) ? 1 : 1 + world_below(world, PIPELINE_MAX);
    if (bank_begin(world, client, &packet) || blocking_unblock(world, client, &packet)) n = 0;
    bool blocks = n > 0 && world_chance(world, 8);
    for (uint64_t i = 0; i < n; i++) {
        if (world_chance(world, 3)) client_turn(world, client, &packet);
        if (world_chance(world, 4)) {
            publish_say(world, client, &packet);
            continue;
        }
        if (world->tells && !world->evicts && !drill_is_quiet(world) && world_chance(world, 4)) {
            told_say_script(world, client, &packet);
            continue;
        }
        if (world_chance(world, world->tells ? 20 : 12)) {
            transaction_say(world, client, &packet);
            continue;
        }
        struct client_call call = {.db = client->db};
        workload_fill(world, ++world->clients->next_unique, &call);
        client_put(world, client, &call, &packet);
    }
    if (blocks) blocking_say(world, client, &packet);
    client_dispatch(world, client, &packet);
    buf_free(&packet);
    if (blocks && world_chance(world, 15)) client_leave_in(world, client, 500000);
    if (world_chance(world, 2)) client_hang_up(world, client);
}

static void client_act(void *context, uint64_t number, uint64_t ticket) {
    struct world *world = context;
    struct client *client = &world->clients->list[number];
    if (client->ticket != ticket || client->n > 0 || !world->clients->working) return;
    if (client->state == CLIENT_AWAY) {
        uint32_t node =
            world_chance(world, 70) ? client->home : (uint32_t)world_below(world, world->n_nodes);
        if (world->processes[node]->is_stranger || !client_connect(world, client, node)) {
            client_schedule(world, client, world_between(world, 20000, 200000));
            return;
        }
    }
    client_pipeline(world, client);
}

/* -- outside the workload -------------------------------------------------------------------- */

uint32_t client_add(struct world *world) {
    struct clients *clients = world->clients;
    SF_ASSERT(clients->n < CLIENTS_MAX);
    clients->list[clients->n].number = clients->n;
    return clients->n++;
}

bool client_ask(struct world *world, uint32_t number, uint32_t node, enum call_kind kind,
    uint32_t argc, const char *const *args) {
    struct client *client = &world->clients->list[number];
    if (client->n > 0) return false;
    if (kind != CALL_ADMIN && world->processes[node]->is_stranger) return false;
    if (client->state == CLIENT_CONNECTED && client->node != node) client_hang_up(world, client);
    if (client->state == CLIENT_AWAY && !client_connect(world, client, node)) return false;
    struct buf packet = {0};
    struct client_call call = {.kind = kind};
    struct slice argv[8];
    SF_ASSERT(argc <= SF_LENGTH(argv));
    for (uint32_t i = 0; i < argc; i++) argv[i] = slice_text(args[i]);
    call_set_words(&call, argc, argv);
    client_put(world, client, &call, &packet);
    client_dispatch(world, client, &packet);
    buf_free(&packet);
    return true;
}

const struct client_call *client_last(struct world *world, uint32_t number) {
    const struct client *client = &world->clients->list[number];
    return client->has_last ? &world->history->calls[client->last] : NULL;
}

/* -- life ------------------------------------------------------------------------------------- */

struct clients *clients_new(struct world *world, uint32_t n_workers) {
    struct clients *clients = sf_alloc_zero(1, sizeof *clients);
    SF_ASSERT(n_workers <= CLIENTS_MAX / 2);
    list_init(&clients->parcels);
    for (uint32_t i = 0; i < n_workers; i++) {
        clients->list[i].number = i;
        clients->list[i].is_worker = true;
        clients->list[i].home = i % world->n_nodes;
    }
    clients->n = n_workers;
    return clients;
}

void clients_free(struct clients *clients) {
    if (clients == NULL) return;
    for (uint32_t i = 0; i < clients->n; i++) {
        buf_free(&clients->list[i].in);
        listener_free(&clients->list[i]);
    }
    LIST_FOR_EACH(link, &clients->parcels)
    parcel_free(SF_CONTAINER(link, struct parcel, in_clients));
    sf_free(clients);
}

void clients_start(struct world *world) {
    struct clients *clients = world->clients;
    clients->working = true;
    for (uint32_t i = 0; i < clients->n; i++)
        if (clients->list[i].is_worker)
            client_schedule(world, &clients->list[i], world_between(world, 0, 100000));
}

void clients_stop(struct world *world) {
    world->clients->working = false;
}

bool clients_only_wait(struct world *world, uint64_t *n_blocked) {
    const struct clients *clients = world->clients;
    *n_blocked = 0;
    for (uint32_t i = 0; i < clients->n; i++) {
        const struct client *client = &clients->list[i];
        if (client->listener != NULL && !listener_is_idle(client)) return false;
        if (client->state == CLIENT_AWAY || client->n == 0) continue;
        const struct client_call *first = &world->history->calls[client->first + client->answered];
        if (!first->blocks) return false;
        ++*n_blocked;
    }
    return true;
}
