#include "sim/network.h"

#include "node/internal.h"
#include "raft/message.h"
#include "resp/parse.h"
#include "sim/hostile.h"
#include "util/list.h"

#include <stdio.h>

#define ACCEPTED_LINKS_FROM (UINT64_C(1) << 63)
#define KERNEL_BUFFER_BYTES (256u * 1024)
#define HOSTILE_TICK_US 3000

struct chunk { /* bytes on their way; fin: the stream's end */
    struct chunk *next;
    int64_t at_us;
    bool fin;
    struct buf bytes;
};

struct stream { /* one direction */
    struct chunk *head, *tail;
    int64_t last_at_us;
    size_t n_bytes;
};

struct end {
    uint32_t process;
    uint64_t life; /* of the process that has this end */
    uint64_t link;
    bool open; /* the node knows it and was not told that it is closed */
    struct resp_parser *parser;
    struct buf in;
};

struct connection {
    uint64_t id; /* 0: free */
    bool accepted;
    struct end ends[2];       /* 0 dialled, 1 accepted */
    struct stream streams[2]; /* streams[i]: what ends[i] sent */
};

struct network {
    struct world *world;
    struct connection **connections;
    size_t n, cap;
    uint64_t next_id, next_accepted;
    bool cut[NODES_MAX][NODES_MAX]; /* from, to */
    int64_t delay_us[NODES_MAX][NODES_MAX];
    enum nightmare nightmare;
    struct hostile *hostile;
    struct list replays;
};

/* -- finding -------------------------------------------------------------------------------- */

static struct connection *connection_by_id(struct network *network, uint64_t id) {
    for (size_t i = 0; i < network->n; i++)
        if (network->connections[i]->id == id) return network->connections[i];
    return NULL;
}

static struct connection *connection_of(
    struct network *network, const struct process *process, uint64_t link, int *side) {
    for (size_t i = 0; i < network->n; i++) {
        struct connection *connection = network->connections[i];
        for (int k = 0; k < 2; k++) {
            const struct end *end = &connection->ends[k];
            if (!end->open || end->process != process->number || end->life != process->life ||
                end->link != link)
                continue;
            *side = k;
            return connection;
        }
    }
    return NULL;
}

bool network_knows(struct network *network, struct process *process, uint64_t link) {
    int side;
    return connection_of(network, process, link, &side) != NULL;
}

static struct process *end_process(struct network *network, const struct end *end) {
    struct process *process = network->world->processes[end->process];
    return process->up && process->life == end->life ? process : NULL;
}

/* -- streams -------------------------------------------------------------------------------- */

static void stream_drop(struct stream *stream) {
    while (stream->head != NULL) {
        struct chunk *chunk = stream->head;
        stream->head = chunk->next;
        buf_free(&chunk->bytes);
        sf_free(chunk);
    }
    stream->tail = NULL;
    stream->n_bytes = 0;
}

static void connection_drop(struct network *network, struct connection *connection) {
    for (int i = 0; i < 2; i++) {
        stream_drop(&connection->streams[i]);
        resp_parser_free(connection->ends[i].parser);
        buf_free(&connection->ends[i].in);
    }
    for (size_t i = 0; i < network->n; i++)
        if (network->connections[i] == connection)
            network->connections[i] = network->connections[--network->n];
    sf_free(connection);
}

static void connection_drop_if_unused(struct network *network, struct connection *connection) {
    if (!connection->ends[0].open && !connection->ends[1].open)
        connection_drop(network, connection);
}

/* The other side learns that the stream is over: after it nothing comes. */
static void end_tell_closed(struct network *network, struct end *end) {
    struct process *process = end_process(network, end);
    if (end->open && process != NULL)
        process_arrive(process, ARRIVE_LINK_CLOSED, end->link, SLICE(""));
    end->open = false;
}

static void stream_run(void *context, uint64_t id, uint64_t side);

static void stream_schedule(struct network *network, struct connection *connection, int side) {
    const struct stream *stream = &connection->streams[side];
    if (stream->head == NULL) return;
    queue_put(&network->world->queue, stream->head->at_us, stream_run, network, connection->id,
        (uint64_t)side);
}

static void stream_run(void *context, uint64_t id, uint64_t side) {
    struct network *network = context;
    struct connection *connection = connection_by_id(network, id);
    if (connection == NULL) return;
    struct stream *stream = &connection->streams[side];
    struct end *to = &connection->ends[1 - side];
    bool moved = false;
    while (stream->head != NULL && stream->head->at_us <= world_now_us(network->world)) {
        if (network->cut[connection->ends[side].process][to->process]) return;
        struct chunk *chunk = stream->head;
        stream->head = chunk->next;
        if (stream->head == NULL) stream->tail = NULL;
        stream->n_bytes -= chunk->bytes.len;
        struct process *process = end_process(network, to);
        if (chunk->fin)
            end_tell_closed(network, to);
        else if (to->open && process != NULL)
            process_arrive(process, ARRIVE_LINK_BYTES, to->link, buf_slice(&chunk->bytes));
        buf_free(&chunk->bytes);
        sf_free(chunk);
        moved = true;
    }
    if (moved) stream_schedule(network, connection, (int)side);
    if (stream->head == NULL) connection_drop_if_unused(network, connection);
}

static int64_t latency_us(struct network *network, uint32_t from, uint32_t to) {
    int64_t usual = world_between(network->world, 40, 250);
    if (world_below(network->world, 200) == 0) usual += world_between(network->world, 500, 8000);
    return usual + network->delay_us[from][to];
}

static void stream_put(struct network *network, struct connection *connection, int side,
    struct slice bytes, bool fin) {
    struct stream *stream = &connection->streams[side];
    struct chunk *chunk = sf_alloc_zero(1, sizeof *chunk);
    int64_t at_us =
        world_now_us(network->world) +
        latency_us(network, connection->ends[side].process, connection->ends[1 - side].process);
    chunk->at_us = SF_MAX(at_us, stream->last_at_us);
    chunk->fin = fin;
    buf_append_slice(&chunk->bytes, bytes);
    stream->last_at_us = chunk->at_us;
    stream->n_bytes += bytes.len;
    bool was_empty = stream->head == NULL;
    if (was_empty)
        stream->head = chunk;
    else
        stream->tail->next = chunk;
    stream->tail = chunk;
    if (was_empty) stream_schedule(network, connection, side);
}

/* -- dialling ------------------------------------------------------------------------------- */

static void dial_fail(void *context, uint64_t id, uint64_t b) {
    (void)b;
    struct network *network = context;
    struct connection *connection = connection_by_id(network, id);
    if (connection == NULL || connection->accepted) return;
    end_tell_closed(network, &connection->ends[0]);
    connection_drop(network, connection);
}

static void dial_opened(void *context, uint64_t id, uint64_t b) {
    (void)b;
    struct network *network = context;
    struct connection *connection = connection_by_id(network, id);
    if (connection == NULL) return;
    struct process *dialler = end_process(network, &connection->ends[0]);
    if (dialler != NULL && connection->ends[0].open)
        process_arrive(dialler, ARRIVE_LINK_OPEN, connection->ends[0].link, SLICE(""));
}

static void dial_arrive(void *context, uint64_t id, uint64_t b) {
    (void)b;
    struct network *network = context;
    struct world *world = network->world;
    struct connection *connection = connection_by_id(network, id);
    if (connection == NULL) return;
    uint32_t from = connection->ends[0].process, to = connection->ends[1].process;
    struct process *dialler = end_process(network, &connection->ends[0]);
    struct process *acceptor = world->processes[to];
    int64_t now_us = world_now_us(world), back_us = now_us + latency_us(network, to, from);
    if (dialler == NULL || !connection->ends[0].open) {
        connection_drop(network, connection);
    } else if (network->cut[from][to] || network->cut[to][from] || acceptor->machine_down) {
        int64_t gives_up_us = now_us + world_between(world, 500000, 2000000);
        queue_put(&world->queue, gives_up_us, dial_fail, network, id, 0);
    } else if (!acceptor->up) {
        queue_put(&world->queue, back_us, dial_fail, network, id, 0);
    } else {
        connection->accepted = true;
        connection->ends[1].open = true;
        connection->ends[1].life = acceptor->life;
        connection->ends[1].link = ACCEPTED_LINKS_FROM + network->next_accepted++;
        connection->streams[1].last_at_us = back_us;
        process_arrive(
            acceptor, ARRIVE_LINK_ACCEPTED, connection->ends[1].link, slice_text(dialler->host));
        queue_put(&world->queue, back_us, dial_opened, network, id, 0);
    }
}

void network_dial(struct network *network, struct process *from, uint64_t link, const char *host,
    uint16_t bus_port) {
    struct world *world = network->world;
    struct connection *connection = sf_alloc_zero(1, sizeof *connection);
    if (network->n == network->cap) {
        network->cap = SF_MAX((size_t)32, network->cap * 2);
        network->connections =
            sf_realloc(network->connections, network->cap * sizeof(struct connection *));
    }
    network->connections[network->n++] = connection;
    connection->id = ++network->next_id;
    connection->ends[0] =
        (struct end){.process = from->number, .life = from->life, .link = link, .open = true};
    struct process *to = NULL;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        if (strcmp(process->host, host) == 0 && process->settings.bus_port == bus_port)
            to = process;
    }
    int64_t at_us = world_now_us(world) +
                    latency_us(network, from->number, to == NULL ? from->number : to->number);
    if (to != NULL) connection->ends[1].process = to->number;
    queue_put(
        &world->queue, at_us, to == NULL ? dial_fail : dial_arrive, network, connection->id, 0);
}

/* -- sending, closing ------------------------------------------------------------------------- */

void network_send(
    struct network *network, struct process *from, uint64_t link, struct slice bytes) {
    int side;
    struct connection *connection = connection_of(network, from, link, &side);
    if (connection == NULL || !connection->accepted) return;
    if (!connection->ends[1 - side].open) return; /* into the void; the end was or will be told */
    stream_put(network, connection, side, bytes, false);
}

static void drop_later(void *context, uint64_t id, uint64_t b) {
    (void)b;
    struct connection *connection = connection_by_id(context, id);
    if (connection != NULL) connection_drop_if_unused(context, connection);
}

void network_close(struct network *network, struct process *from, uint64_t link) {
    int side;
    struct connection *connection = connection_of(network, from, link, &side);
    if (connection == NULL) return;
    connection->ends[side].open = false;
    if (connection->accepted && connection->ends[1 - side].open)
        stream_put(network, connection, side, SLICE(""), true);
    else if (connection->accepted) /* not now: the node may be reading one of its messages */
        queue_put(&network->world->queue, 0, drop_later, network, connection->id, 0);
}

size_t network_backlog(struct network *network, struct process *from, uint64_t link) {
    int side;
    struct connection *connection = connection_of(network, from, link, &side);
    if (connection == NULL) return 0;
    size_t n_bytes = connection->streams[side].n_bytes;
    return n_bytes > KERNEL_BUFFER_BYTES ? n_bytes - KERNEL_BUFFER_BYTES : 0;
}

static void peer_learns(void *context, uint64_t id, uint64_t side) {
    struct network *network = context;
    struct connection *connection = connection_by_id(network, id);
    if (connection == NULL) return;
    end_tell_closed(network, &connection->ends[side]);
    connection_drop_if_unused(network, connection);
}

void network_process_gone(struct network *network, struct process *process, enum crash_kind kind) {
    struct world *world = network->world;
    for (size_t i = network->n; i-- > 0;) {
        struct connection *connection = network->connections[i];
        for (int side = 0; side < 2; side++) {
            struct end *end = &connection->ends[side];
            if (!end->open || end->process != process->number || end->life != process->life)
                continue;
            end->open = false;
            stream_drop(&connection->streams[1 - side]);
            if (!connection->accepted) continue; /* dial_arrive drops it */
            if (kind == CRASH_KILL) {
                if (connection->ends[1 - side].open)
                    stream_put(network, connection, side, SLICE(""), true);
                continue;
            }
            /* What is on the wire may still come; then silence, until the peer's own time-out. */
            if (world_chance(world, 50)) stream_drop(&connection->streams[side]);
            int64_t at_us = world_now_us(world) + world_between(world, 300000, 6000000);
            queue_put(
                &world->queue, at_us, peer_learns, network, connection->id, (uint64_t)(1 - side));
        }
    }
    for (size_t i = network->n; i-- > 0;) {
        struct connection *connection = network->connections[i];
        if (connection->accepted && connection->streams[0].head == NULL &&
            connection->streams[1].head == NULL)
            connection_drop_if_unused(network, connection);
    }
}

void network_process_back(struct network *network, const struct process *process) {
    struct world *world = network->world;
    for (size_t i = 0; i < network->n; i++) {
        const struct connection *connection = network->connections[i];
        for (int side = 0; side < 2; side++) {
            const struct end *gone = &connection->ends[side], *other = &connection->ends[1 - side];
            if (!connection->accepted || gone->process != process->number || !other->open) continue;
            if (gone->life >= process->life) continue;
            int64_t at_us = world_now_us(world) + world_between(world, 500, 100000);
            queue_put(
                &world->queue, at_us, peer_learns, network, connection->id, (uint64_t)(1 - side));
        }
    }
}

void network_reset_between(struct network *network, uint32_t a, uint32_t b) {
    for (size_t i = network->n; i-- > 0;) {
        struct connection *connection = network->connections[i];
        uint32_t from = connection->ends[0].process, to = connection->ends[1].process;
        if (!connection->accepted || !((from == a && to == b) || (from == b && to == a))) continue;
        end_tell_closed(network, &connection->ends[0]);
        end_tell_closed(network, &connection->ends[1]);
        connection_drop(network, connection);
    }
}

/* -- what arrives ----------------------------------------------------------------------------- */

struct replay {
    struct list in_network;
    struct network *network;
    uint32_t process;
    uint64_t life, link;
    bool hostile; /* on whatever link there is from that peer, in any life */
    raft_id peer;
    enum link_purpose purpose;
    struct buf bytes;
};

static void replay_free(struct replay *replay) {
    list_remove(&replay->in_network);
    buf_free(&replay->bytes);
    sf_free(replay);
}

/* The link by which that peer speaks to the process now; 0: none. */
static uint64_t link_from(struct process *process, const struct replay *replay) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &process->node->links[i];
        if (link->number != 0 && !link->dialled && link->state == LINK_READY &&
            link->peer == replay->peer && link->purpose == replay->purpose)
            return link->number;
    }
    return 0;
}

static void replay_run(void *context, uint64_t a, uint64_t b) {
    (void)a;
    (void)b;
    struct replay *replay = context;
    struct world *world = replay->network->world;
    struct process *process = world->processes[replay->process];
    uint64_t link = replay->link;
    if (process->up && replay->hostile) {
        link = link_from(process, replay);
        world->coverage[COVER_MESSAGE_HOSTILE] += link != 0 && link != replay->link;
    }
    if (process->up && (replay->hostile ? link != 0 : process->life == replay->life))
        process_arrive(process, ARRIVE_LINK_REPLAY, link, buf_slice(&replay->bytes));
    replay_free(replay);
}

static void replay_later(
    struct network *network, struct process *to, uint64_t link, struct slice bytes) {
    struct world *world = network->world;
    struct replay *replay = sf_alloc_zero(1, sizeof *replay);
    *replay =
        (struct replay){.network = network, .process = to->number, .life = to->life, .link = link};
    list_push_back(&network->replays, &replay->in_network);
    buf_append_slice(&replay->bytes, bytes);
    int64_t late_us = world_chance(world, 10) ? world_between(world, 100000, 2000000)
                                              : world_between(world, 100, 40000);
    const struct link *its = link_find(to->node, link);
    if (network->nightmare == NIGHTMARE_HOSTILE && its != NULL && world_chance(world, 50)) {
        replay->hostile = true;
        replay->peer = its->peer;
        replay->purpose = its->purpose;
        late_us = world_between(world, 1000, 6000000);
    }
    queue_put(&world->queue, world_now_us(world) + late_us, replay_run, replay, 0, 0);
}

/* What members say to each other besides Raft's messages. They count on order within a link, but
 * have numbers of their own that make doubled and late ones harmless. */
static bool is_between_members(struct slice name) {
    static const char *const names[] = {
        "batch", "read-ask", "read-answer", "stream-ask", "stream-open"};
    for (size_t i = 0; i < SF_LENGTH(names); i++)
        if (slice_is(name, names[i])) return true;
    return false;
}

/* Whether the message is to be delivered now. The core must survive a network that doubles, delays
 * and reorders its messages, whatever carries them. */
static bool nightmare_lets(struct network *network, struct process *to, uint64_t link,
    struct slice name, struct slice bytes) {
    if (network->nightmare == NIGHTMARE_OFF) return true;
    if (!raft_message_is_name(name) &&
        !(network->nightmare >= NIGHTMARE_ALL && is_between_members(name)))
        return true;
    uint64_t draw = world_below(network->world, 100);
    if (draw < 8) {
        network->world->coverage[COVER_MESSAGE_DOUBLED]++;
        replay_later(network, to, link, bytes);
        return true;
    }
    if (draw < 20) {
        network->world->coverage[COVER_MESSAGE_LATE]++;
        replay_later(network, to, link, bytes);
        return false;
    }
    return draw >= 22; /* and a few are lost */
}

/* An error reply, which is a line of its own: "error", text. */
static bool deliver_error(struct process *to, uint64_t link, struct buf *in) {
    const char *newline = memchr(buf_slice(in).data, '\n', in->len);
    if (newline == NULL) return false;
    size_t len = (size_t)(newline - buf_slice(in).data) + 1;
    struct slice argv[2] = {
        SLICE("error"), slice_of(buf_slice(in).data + 1, len < 3 ? 0 : len - 3)};
    node_on_link_message(to->node, link, 2, argv, process_local_us(to));
    buf_consume(in, len);
    return true;
}

static void link_fail(struct network *network, struct process *to, uint64_t link) {
    network_close(network, to, link);
    node_on_link_closed(to->node, link, process_local_us(to));
}

static void note_message(struct network *network, const struct process *to, uint32_t argc,
    const struct slice *argv, const char *how) {
    struct world *world = network->world;
    if (!world->options.messages) return;
    struct raft_message message;
    struct buf line = {0};
    if (raft_message_is_name(argv[0]) && raft_message_decode(argc, argv, &message) == SF_OK) {
        raft_message_describe(&message, &line);
        raft_message_clear(&message);
    } else {
        buf_append_slice(&line, argv[0]);
    }
    world_note(world, (int)to->number, "  <- %s%.*s", how, (int)line.len, buf_slice(&line).data);
    buf_free(&line);
}

/* One message at the front of in; false: more bytes are needed or the link is gone. */
static bool deliver_next(
    struct network *network, struct process *to, uint64_t link, bool is_replay) {
    int side;
    struct connection *connection = connection_of(network, to, link, &side);
    if (connection == NULL || to->doomed) return false;
    struct end *end = &connection->ends[side];
    if (end->in.len == 0) return false;
    if (buf_slice(&end->in).data[0] == '-') return deliver_error(to, link, &end->in);
    uint64_t limit = node_link_limit_bytes(to->node, link);
    struct resp_limits limits = {64 * 1024, limit, limit, limit, true};
    size_t consumed = 0;
    uint32_t argc = 0;
    const struct slice *argv = NULL;
    const char *error = NULL;
    switch (resp_parse_command(
        end->parser, &limits, buf_slice(&end->in), &consumed, &argc, &argv, &error)) {
    case RESP_INCOMPLETE:
        buf_consume(&end->in, consumed);
        return false;
    case RESP_EMPTY:
        buf_consume(&end->in, consumed);
        return true;
    case RESP_TOO_LARGE:
    case RESP_BROKEN:
        world_note(network->world, (int)to->number, "link %llu: %s", (unsigned long long)link,
            error == NULL ? "broken" : error);
        link_fail(network, to, link);
        return false;
    case RESP_COMMAND:
        break;
    }
    struct slice whole = slice_of(buf_slice(&end->in).data, consumed);
    const struct link *its = link_find(to->node, link);
    if (its != NULL && !is_replay && network->nightmare != NIGHTMARE_OFF)
        hostile_note(network->hostile, to, its->peer, argc, argv, whole);
    if (is_replay || nightmare_lets(network, to, link, argv[0], whole)) {
        note_message(network, to, argc, argv, is_replay ? "(again) " : "");
        node_on_link_message(to->node, link, argc, argv, process_local_us(to));
    }
    /* The node may have closed the link meanwhile. */
    connection = connection_of(network, to, link, &side);
    if (connection == NULL) return false;
    buf_consume(&connection->ends[side].in, consumed);
    return true;
}

static void deliver_replay(
    struct network *network, struct process *to, uint64_t link, struct slice bytes) {
    struct resp_parser *parser = resp_parser_new();
    struct resp_limits limits = {64 * 1024, UINT32_MAX, UINT32_MAX, UINT32_MAX, true};
    size_t consumed;
    uint32_t argc;
    const struct slice *argv;
    const char *error;
    if (network_knows(network, to, link) && resp_parse_command(parser, &limits, bytes, &consumed,
                                                &argc, &argv, &error) == RESP_COMMAND) {
        note_message(network, to, argc, argv, "(again) ");
        node_on_link_message(to->node, link, argc, argv, process_local_us(to));
    }
    resp_parser_free(parser);
}

void network_deliver(struct network *network, struct process *to, uint64_t link, struct slice bytes,
    bool is_replay) {
    int side;
    if (is_replay) {
        deliver_replay(network, to, link, bytes);
        return;
    }
    struct connection *connection = connection_of(network, to, link, &side);
    if (connection == NULL) return;
    struct end *end = &connection->ends[side];
    if (end->parser == NULL) end->parser = resp_parser_new();
    buf_append_slice(&end->in, bytes);
    while (deliver_next(network, to, link, false)) {
    }
}

/* -- faults ------------------------------------------------------------------------------------ */

static void network_kick(struct network *network) {
    for (size_t i = 0; i < network->n; i++)
        for (int side = 0; side < 2; side++)
            stream_schedule(network, network->connections[i], side);
}

void network_cut(struct network *network, uint32_t from, uint32_t to, bool cut) {
    if (from == to) return;
    network->cut[from][to] = cut;
    if (!cut) network_kick(network);
}

bool network_is_cut(const struct network *network, uint32_t from, uint32_t to) {
    return network->cut[from][to];
}

void network_set_delay(struct network *network, uint32_t from, uint32_t to, int64_t extra_us) {
    network->delay_us[from][to] = extra_us;
}

static void hostile_tick(void *context, uint64_t a, uint64_t b) {
    struct network *network = context;
    (void)a;
    (void)b;
    if (network->nightmare != NIGHTMARE_HOSTILE) return;
    hostile_act(network->world, network->hostile);
    queue_put(&network->world->queue, world_now_us(network->world) + HOSTILE_TICK_US, hostile_tick,
        network, 0, 0);
}

void network_set_nightmare(struct network *network, enum nightmare nightmare) {
    bool begins = nightmare == NIGHTMARE_HOSTILE && network->nightmare != NIGHTMARE_HOSTILE;
    network->nightmare = nightmare;
    if (begins) hostile_tick(network, 0, 0);
}

void network_heal(struct network *network) {
    memset(network->cut, 0, sizeof network->cut);
    memset(network->delay_us, 0, sizeof network->delay_us);
    network->nightmare = NIGHTMARE_OFF;
    network_kick(network);
}

struct network *network_new(struct world *world) {
    struct network *network = sf_alloc_zero(1, sizeof *network);
    network->world = world;
    network->hostile = hostile_new();
    list_init(&network->replays);
    return network;
}

void network_free(struct network *network) {
    if (network == NULL) return;
    while (network->n > 0) connection_drop(network, network->connections[network->n - 1]);
    LIST_FOR_EACH(link, &network->replays)
    replay_free(SF_CONTAINER(link, struct replay, in_network));
    hostile_free(network->hostile);
    sf_free(network->connections);
    sf_free(network);
}
