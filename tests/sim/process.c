#include "sim/process.h"

#include "raft/snapshot_head.h"
#include "sim/client.h"
#include "sim/deadly.h"
#include "sim/drills.h"
#include "sim/judge.h"
#include "sim/members.h"
#include "sim/network.h"
#include "sim/rot.h"

#include <stdio.h>

#define CLIENT_PORT 6379
#define BUS_PORT 16379

/* -- clocks ---------------------------------------------------------------------------------- */

int64_t process_local_us(const struct process *process) {
    int64_t passed_us = world_now_us(process->world) - process->started_at_us;
    return process->boot_offset_us + passed_us + passed_us * process->drift_ppm / 1000000;
}

int64_t process_wall_ms(const struct process *process) {
    int64_t passed_us = world_now_us(process->world) - process->started_at_us;
    return world_wall_ms(process->world) + process->wall_offset_ms +
           passed_us * process->drift_ppm / 1000000 / 1000;
}

/* When this process' clock shows local_us: never too early. */
static int64_t world_time_of(const struct process *process, int64_t local_us) {
    int64_t left_us = local_us - process_local_us(process);
    if (left_us <= 0) return world_now_us(process->world);
    if (left_us > INT64_C(1) << 40) return INT64_MAX;
    return world_now_us(process->world) + left_us - left_us * process->drift_ppm / 1000000 + 2;
}

/* -- ports ----------------------------------------------------------------------------------- */

/* A crash falls between two effects: the call that has no credit left and all later ones of the
 * turn never happened. */
static bool port_begins(struct process *process) {
    if (process->doomed) return false;
    if (process->crash_after_calls < 0) return true;
    if (process->crash_after_calls-- > 0) return true;
    process->doomed = true;
    return false;
}

static void port_append(void *context, const struct raft_append_request *request) {
    struct process *process = context;
    if (!port_begins(process)) return;
    judge_on_append(process, request);
    twin_append(process->twin, request->request, request->truncate_from, request->entries,
        request->n_entries, world_now_us(process->world));
}

static void port_save_hard_state(
    void *context, uint64_t request, const struct raft_hard_state *state) {
    struct process *process = context;
    if (!port_begins(process)) return;
    twin_save_hard_state(process->twin, request, state, world_now_us(process->world));
}

static void port_fetch(void *context, const struct raft_fetch_request *request) {
    struct process *process = context;
    if (!port_begins(process)) return;
    twin_fetch(process->twin, request->request, request->first, request->last, request->max_bytes,
        world_now_us(process->world));
}

static struct node_snapshot node_snapshot_of(const struct storage_snapshot *found) {
    return (struct node_snapshot){.place = found->place,
        .configuration_index = found->configuration_index,
        .configuration = found->configuration};
}

/* What its head says is judged as soon as the head is whole, which it is in the first piece. */
static void judge_piece(struct process *process, const struct snapshot_piece *piece) {
    struct snapshot_head head;
    if (piece->offset > 0) return;
    SF_ASSERT(snapshot_head_get(bytes_slice(piece->data), &head) == SF_OK);
    struct node_snapshot snapshot = {.place = head.place,
        .configuration_index = head.configuration_index,
        .configuration = bytes_new(head.configuration.data, head.configuration.len)};
    judge_on_snapshot(process, &snapshot);
    bytes_unref(snapshot.configuration);
}

static void port_save_snapshot(void *context, const struct snapshot_piece *piece) {
    struct process *process = context;
    if (!port_begins(process)) return;
    struct storage_keep keep = {piece->keep.bytes, piece->keep.entries, piece->keep.needed_from};
    judge_piece(process, piece);
    if (piece->offset == 0) rot_on_snapshot(process, piece->place.id);
    if (world_chance(process->world, 1)) twin_fail_snapshot(process->twin);
    twin_save_snapshot(process->twin, piece->request, &piece->place, piece->offset, piece->data,
        piece->is_last, piece->is_last ? &keep : NULL, world_now_us(process->world));
}

static void port_drop_snapshot(void *context, const struct raft_snapshot *place) {
    struct process *process = context;
    if (!port_begins(process)) return;
    twin_drop_snapshot(process->twin, place, world_now_us(process->world));
}

static void port_read_chunk(void *context, const struct raft_chunk_read *read) {
    struct process *process = context;
    if (!port_begins(process)) return;
    twin_read_snapshot(process->twin, read->request, &read->snapshot, read->offset, read->max_bytes,
        world_now_us(process->world));
}

static void port_write_chunk(void *context, const struct raft_chunk_write *write) {
    struct process *process = context;
    if (!port_begins(process)) return;
    process->world->coverage[COVER_CHUNK]++;
    if (!write->is_last) drill_on_chunk(process->world, process);
    twin_receive_snapshot(process->twin, write->request, &write->snapshot, write->offset,
        write->data, write->is_last, world_now_us(process->world));
}

static void port_install_snapshot(
    void *context, uint64_t request, const struct raft_snapshot *place) {
    struct process *process = context;
    if (!port_begins(process)) return;
    drill_on_install(process->world, process);
    twin_install_snapshot(process->twin, request, place, world_now_us(process->world));
}

static void port_save_identity(
    void *context, uint64_t request, const struct node_identity *identity) {
    struct process *process = context;
    if (!port_begins(process)) return;
    struct buf blob = {0};
    identity_encode(identity, &blob);
    if (identity->id != process->shadow_id && process->shadow_id != 0) members_on_new_id(process);
    const struct node_identity *was = process->node == NULL ? NULL : node_identity(process->node);
    bool other_cluster = was != NULL && strcmp(was->cluster_id, identity->cluster_id) != 0;
    judge_on_identity(process, identity->id, other_cluster);
    twin_save_identity(
        process->twin, request, identity->id, buf_slice(&blob), world_now_us(process->world));
    buf_free(&blob);
}

static void port_log_mended(void *context) {
    struct process *process = context;
    if (!port_begins(process)) return;
    world_note(process->world, (int)process->number, "its log is whole again");
    process->may_be_damaged = false;
    twin_mark_repaired(process->twin);
}

static void port_note_applying(void *context, const struct applying_note *note) {
    struct process *process = context;
    if (process->doomed) return;
    process->applying = *note;
    if (deadly_strikes(process, note->index)) process->doomed = true;
}

static void port_dial(void *context, uint64_t link, const char *host, uint16_t bus_port) {
    struct process *process = context;
    if (!port_begins(process)) return;
    network_dial(process->world->network, process, link, host, bus_port);
}

static void port_link_send(void *context, uint64_t link, struct slice bytes) {
    struct process *process = context;
    if (!port_begins(process)) return;
    judge_on_send(process, bytes);
    network_send(process->world->network, process, link, bytes);
}

static void port_link_close(void *context, uint64_t link) {
    struct process *process = context;
    if (!port_begins(process)) return;
    network_close(process->world->network, process, link);
}

static size_t port_link_backlog(void *context, uint64_t link) {
    struct process *process = context;
    return network_backlog(process->world->network, process, link);
}

static struct seat *seat_find(struct process *process, uint64_t connection) {
    for (size_t i = 0; i < process->n_seats; i++)
        if (process->seats[i].connection == connection) return &process->seats[i];
    return NULL;
}

static void port_client_changed(void *context, uint64_t client) {
    struct process *process = context;
    struct seat *seat = seat_find(process, client);
    if (seat != NULL) seat->changed = true;
}

static void port_config_get(void *context, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor) {
    (void)context;
    (void)n;
    (void)patterns;
    (void)visit;
    (void)visitor;
}

static enum config_verdict port_config_check(
    void *context, struct slice name, struct slice value, struct buf *error) {
    (void)context;
    (void)value;
    (void)error;
    bool known = slice_is(name, "NOTIFY-KEYSPACE-EVENTS") || slice_is(name, "MAXMEMORY") ||
                 slice_is(name, "MAXMEMORY-POLICY");
    return known ? CONFIG_REPLICATED : CONFIG_UNKNOWN;
}

static bool port_config_set(
    void *context, struct slice name, struct slice value, struct buf *error) {
    (void)context;
    (void)name;
    (void)value;
    (void)error;
    return true; /* the cluster's own are the engine's matter */
}

static bool port_config_rewrite(void *context, struct buf *error) {
    (void)context;
    buf_append_text(error, "not in the simulator");
    return false;
}

static void port_figures(void *context, struct process_figures *out) {
    (void)context;
    *out = (struct process_figures){.used_memory = 1000000, .process_id = 1};
}

static void port_random_bytes(void *context, void *out, size_t len) {
    struct process *process = context;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)random_next(&process->world->random);
}

static void port_log(void *context, enum log_level level, const char *line) {
    struct process *process = context;
    if (process->doomed) return;
    world_note(process->world, (int)process->number, "log%s: %s",
        level == LOG_WARNING ? " warning" : "", line);
}

static void port_stop(void *context, int exit_code, const char *reason) {
    struct process *process = context;
    if (!port_begins(process)) return;
    process->stop_asked = true;
    process->stop_code = exit_code;
    snprintf(process->stop_reason, sizeof process->stop_reason, "%s", reason);
}

static struct node_ports ports_of(struct process *process) {
    return (struct node_ports){
        .context = process,
        .append = port_append,
        .save_hard_state = port_save_hard_state,
        .fetch = port_fetch,
        .save_snapshot = port_save_snapshot,
        .drop_snapshot = port_drop_snapshot,
        .read_chunk = port_read_chunk,
        .write_chunk = port_write_chunk,
        .install_snapshot = port_install_snapshot,
        .save_identity = port_save_identity,
        .log_mended = port_log_mended,
        .note_applying = port_note_applying,
        .dial = port_dial,
        .link_send = port_link_send,
        .link_close = port_link_close,
        .link_backlog = port_link_backlog,
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
}

/* -- the loop ---------------------------------------------------------------------------------- */

static void on_chunk_written(struct process *process, const struct storage_event *event) {
    struct node_snapshot whole = {.configuration_index = 0};
    if (event->snapshot != NULL) {
        whole = node_snapshot_of(event->snapshot);
        judge_on_snapshot(process, &whole);
    }
    node_on_chunk_written(process->node, event->request, event->status,
        event->snapshot == NULL ? NULL : &whole, process_local_us(process));
}

static void on_snapshot_saved(struct process *process, const struct storage_event *event) {
    if (event->status == SF_OK) process->world->coverage[COVER_SNAPSHOT]++;
    raft_index before =
        node_raft(process->node) == NULL ? 0 : raft_first_index(node_raft(process->node));
    if (event->first_index > before) process->world->coverage[COVER_PREFIX]++;
    node_on_snapshot_saved(process->node, event->request, event->status, &event->place,
        event->first_index, process_local_us(process));
}

static void on_storage(void *context, const struct storage_event *event) {
    struct process *process = context;
    int64_t now_us = process_local_us(process);
    if (process->doomed) return;
    switch (event->type) {
    case STORAGE_APPENDED:
        node_on_appended(
            process->node, event->request, event->last_index, event->last_term, now_us);
        break;
    case STORAGE_HARD_STATE_SAVED:
        node_on_hard_state_saved(process->node, event->request, now_us);
        break;
    case STORAGE_FETCHED:
        node_on_fetched(process->node, event->request, event->entries, event->n, now_us);
        break;
    case STORAGE_IDENTITY_SAVED:
        node_on_identity_saved(process->node, event->request, now_us);
        break;
    case STORAGE_NOTE:
        break;
    case STORAGE_SNAPSHOT_WRITTEN:
        node_on_snapshot_written(process->node, event->request, event->status, now_us);
        break;
    case STORAGE_SNAPSHOT_SAVED:
        on_snapshot_saved(process, event);
        break;
    case STORAGE_SNAPSHOT_READ:
        node_on_chunk_read(process->node, event->request, event->data, now_us);
        break;
    case STORAGE_SNAPSHOT_RECEIVED:
        on_chunk_written(process, event);
        break;
    case STORAGE_SNAPSHOT_INSTALLED:
        judge_on_installed(process, &event->place);
        rot_on_installed(process, event->place.id);
        node_on_snapshot_installed(process->node, event->request, now_us);
        break;
    case STORAGE_STATE:
        if (event->status == SF_ERR_STORAGE)
            process->doomed = true; /* the server exits */
        else
            node_on_storage_state(process->node, event->status, now_us);
        break;
    }
}

static void seat_open(struct process *process, uint64_t connection) {
    struct client_origin origin = {"10.1.0.1:50000", "10.0.0.1:6379", 9, false};
    if (process->n_seats == process->seats_cap) {
        process->seats_cap = SF_MAX((size_t)16, process->seats_cap * 2);
        process->seats = sf_realloc(process->seats, process->seats_cap * sizeof *process->seats);
    }
    process->seats[process->n_seats++] = (struct seat){.connection = connection, .changed = true};
    struct session *session =
        node_on_client_open(process->node, connection, &origin, process_local_us(process));
    seat_find(process, connection)->session = session;
}

static void seat_feed(struct process *process, struct seat *seat) {
    if (seat->unread.len == 0 || !session_wants_read(seat->session)) return;
    struct buf *input = session_input(seat->session);
    memcpy(buf_reserve(input, seat->unread.len), buf_slice(&seat->unread).data, seat->unread.len);
    buf_commit(input, seat->unread.len);
    buf_clear(&seat->unread);
    node_on_client_bytes(process->node, seat->session, process_local_us(process));
}

static void seat_drop(struct process *process, struct seat *seat) {
    node_on_client_closed(process->node, seat->session, process_local_us(process));
    buf_free(&seat->unread);
    *seat = process->seats[--process->n_seats];
}

static void deliver(struct process *process, struct arrival *arrival) {
    struct network *network = process->world->network;
    int64_t now_us = process_local_us(process);
    struct seat *seat;
    switch (arrival->type) {
    case ARRIVE_LINK_OPEN:
        if (network_knows(network, process, arrival->id))
            node_on_link_open(process->node, arrival->id, now_us);
        break;
    case ARRIVE_LINK_ACCEPTED: {
        char remote[32];
        snprintf(remote, sizeof remote, "%.*s", (int)arrival->bytes.len,
            buf_slice(&arrival->bytes).data);
        node_on_link_accepted(process->node, arrival->id, remote, process->host, now_us);
        break;
    }
    case ARRIVE_LINK_BYTES:
    case ARRIVE_LINK_REPLAY:
        network_deliver(network, process, arrival->id, buf_slice(&arrival->bytes),
            arrival->type == ARRIVE_LINK_REPLAY);
        break;
    case ARRIVE_LINK_CLOSED:
        node_on_link_closed(process->node, arrival->id, now_us);
        break;
    case ARRIVE_CLIENT_OPEN:
        seat_open(process, arrival->id);
        break;
    case ARRIVE_CLIENT_BYTES:
        seat = seat_find(process, arrival->id);
        if (seat == NULL) break;
        buf_append_slice(&seat->unread, buf_slice(&arrival->bytes));
        seat_feed(process, seat);
        break;
    case ARRIVE_CLIENT_CLOSED:
        seat = seat_find(process, arrival->id);
        if (seat != NULL) seat_drop(process, seat);
        break;
    }
}

static void inbox_clear(struct process *process) {
    for (size_t i = 0; i < process->n_inbox; i++) buf_free(&process->inbox[i].bytes);
    process->n_inbox = 0;
}

static void deliver_inbox(struct process *process) {
    for (size_t i = 0; i < process->n_inbox && !process->doomed; i++)
        deliver(process, &process->inbox[i]);
    inbox_clear(process);
    for (size_t i = 0; i < process->n_seats && !process->doomed; i++)
        seat_feed(process, &process->seats[i]);
}

/* Writes out what the ports named, closes what wants to close; true when a session was freed, which
 * is an event for the node and needs a turn. */
static bool flush(struct process *process) {
    bool any = false;
    for (size_t i = process->n_seats; i-- > 0;) {
        struct seat *seat = &process->seats[i];
        if (!seat->changed) continue;
        seat->changed = false;
        struct buf *output = session_output(seat->session);
        bool at_once = session_must_close_now(seat->session);
        if (output->len > 0 && !at_once) {
            client_send(process->world, seat->connection, buf_slice(output));
            buf_consume(output, output->len);
        }
        if (at_once || session_wants_close(seat->session)) {
            client_close(process->world, seat->connection);
            seat_drop(process, seat);
            any = true;
        } else if (seat->unread.len > 0 && session_wants_read(seat->session)) {
            any = true;
        }
    }
    return any;
}

static void leave(struct process *process) {
    struct world *world = process->world;
    world_note(world, (int)process->number, "stops by itself, code %d: %s", process->stop_code,
        process->stop_reason);
    world->coverage[COVER_COPY_REFUSED] += process->is_old_copy;
    if (process->stop_code != 0 && !process->shutting_down && !process->is_old_copy) {
        world_fail(world, "node %u stopped with code %d: %s", process->number, process->stop_code,
            process->stop_reason);
    }
    twin_close(process->twin);
    process_crash(process, CRASH_KILL);
}

static void take_events(struct process *process) {
    struct world *world = process->world;
    int64_t now_us = world_now_us(world);
    bool storage_first = world_chance(world, 50);
    process->n_turns++;
    process->shadow_cut = false;
    if (storage_first) (void)twin_poll(process->twin, now_us, on_storage, process);
    deliver_inbox(process);
    if (!storage_first && !process->doomed)
        (void)twin_poll(process->twin, now_us, on_storage, process);
}

static void process_turn(void *context, uint64_t life, uint64_t ticket) {
    struct process *process = context;
    struct world *world = process->world;
    if (!process->up || life != process->life || ticket != process->turn_ticket) return;
    process->turn_at_us = INT64_MAX;
    int64_t now_us = world_now_us(world);
    if (now_us < process->paused_until_us) {
        process_wake(process, process->paused_until_us);
        return;
    }
    if (!process->mid_turn) take_events(process);
    process->mid_turn = false;
    if (process->pause_mid_turn && !process->doomed) {
        process->pause_mid_turn = false;
        process->mid_turn = true;
        process_pause(process, now_us + world_between(world, 1000, 600000));
        process_wake(process, process->paused_until_us);
        return;
    }
    if (process->shutdown_wanted && !process->doomed) {
        process->shutdown_wanted = false;
        process->shutting_down = true;
        node_shutdown(process->node, process_local_us(process));
    }
    if (!process->doomed)
        node_pump(process->node, process_local_us(process), process_wall_ms(process));
    if (process->doomed) {
        world_note(world, (int)process->number, "dies within its turn");
        process_crash(process, CRASH_KILL);
        return;
    }
    bool again = flush(process);
    rot_on_turn(process);
    judge_turn(process);
    bool led = node_raft(process->node) != NULL && raft_leader(node_raft(process->node)) != 0;
    process->leaderless_us = led ? INT64_MAX / 2 : SF_MIN(process->leaderless_us, now_us);
    process->busy_until_us = now_us + world_between(world, 5, 60);
    if (process->stop_asked) {
        leave(process);
        return;
    }
    if (again) process_wake(process, now_us);
    process_wake(process, world_time_of(process, node_next_deadline_us(process->node)));
    process_wake(process, twin_next_due_us(process->twin));
}

void process_wake(struct process *process, int64_t at_us) {
    if (!process->up || at_us == INT64_MAX) return;
    at_us = SF_MAX(at_us, world_now_us(process->world));
    at_us = SF_MAX(at_us, process->busy_until_us);
    at_us = SF_MAX(at_us, process->paused_until_us);
    if (process->turn_at_us <= at_us) return;
    process->turn_at_us = at_us;
    queue_put(&process->world->queue, at_us, process_turn, process, process->life,
        ++process->turn_ticket);
}

void process_arrive(
    struct process *process, enum arrival_type type, uint64_t id, struct slice bytes) {
    if (!process->up) return;
    if (process->n_inbox == process->inbox_cap) {
        process->inbox_cap = SF_MAX((size_t)64, process->inbox_cap * 2);
        process->inbox = sf_realloc(process->inbox, process->inbox_cap * sizeof *process->inbox);
    }
    struct arrival *arrival = &process->inbox[process->n_inbox++];
    *arrival = (struct arrival){.type = type, .id = id};
    buf_append_slice(&arrival->bytes, bytes);
    process_wake(process, world_now_us(process->world));
}

/* -- life ----------------------------------------------------------------------------------------
 */

static struct node_settings settings_of(struct world *world) {
    struct node_settings settings = {
        .raft =
            {
                .election_timeout_min_ms = 150,
                .election_timeout_max_ms = world->tight ? 154 : 300,
                .heartbeat_interval_ms = 50,
                .pre_vote = true,
                .batch_bytes = world->chunks || world_chance(world, 25) ? 200 : 256 * 1024,
                .window_messages = (uint32_t)world_between(world, 1, 64),
                .window_bytes = 4 << 20,
                .cache_bytes = world_chance(world, 30) ? 500 : 8 << 20,
            },
        .read_mode = world_chance(world, world->index_percent) ? READ_INDEX : READ_LEASE,
        .bootstrap = BOOTSTRAP_AUTO,
        .request_timeout_ms = 1500,
        .max_request_bytes = 64 << 20,
        .proto_max_bulk_len = 512 << 20,
        .output_limit = {64 << 20, UINT64_MAX, 0},
        .subscriber_output_limit = {64 << 20, UINT64_MAX, 0},
        .query_buffer_limit = 64 << 20,
        .databases = SIM_DATABASES,
        .snapshot_log_bytes =
            world_chance(world, 30) ? (uint64_t)world_between(world, 2000, 50000) : 1 << 30,
        .snapshot_log_entries =
            world_chance(world, 80) ? (uint64_t)world_between(world, 5, 200) : 1 << 30,
        .digest_interval_ms = world_between(world, 200, 4000),
        .digest_slice_units = (uint64_t)world_between(world, 1, 300),
        .digest_fence = true,
        .snapshot_log_percent = world_chance(world, 50) ? 100 : 0,
        .rdb_compression = world_chance(world, 30),
        .snapshot_piece_bytes = (size_t)world_between(world, 1000, 5000),
        .snapshot_slice = (uint64_t)world_between(world, 1, 40),
        .max_clients = 1000,
        .feature_level = world->upgrades ? 1 : SIM_LEVEL_MAX,
        .port = CLIENT_PORT,
        .bus_port = BUS_PORT,
    };
    return settings;
}

struct process *process_new(struct world *world, uint32_t number) {
    struct process *process = sf_alloc_zero(1, sizeof *process);
    process->world = world;
    process->number = number;
    snprintf(process->host, sizeof process->host, "10.0.0.%u", number + 1);
    process->twin = twin_new(random_next(&world->random));
    process->settings = settings_of(world);
    process->settings.announce.port = CLIENT_PORT;
    process->settings.announce.bus_port = BUS_PORT;
    snprintf(process->settings.announce.host, sizeof process->settings.announce.host, "%s",
        process->host);
    process->turn_at_us = INT64_MAX;
    process->wall_offset_ms = world_between(world, -200, 200);
    return process;
}

void process_free(struct process *process) {
    if (process == NULL) return;
    if (process->up) process_crash(process, CRASH_KILL);
    twin_free(process->twin);
    sf_free(process->inbox);
    sf_free(process->seats);
    sf_free(process->shadow);
    sf_free(process);
}

static void start_from(
    struct process *process, const struct storage_found *found, struct node_start *start) {
    *start = (struct node_start){
        .settings = process->settings,
        .boot_counter = found->boot_counter,
        .applying = process->applying,
        .now_us = process_local_us(process),
        .wall_ms = process_wall_ms(process),
    };
    if (!found->is_new) /* else the node makes itself an id */
        SF_ASSERT(identity_decode(buf_slice(&found->identity_blob), &start->identity) == SF_OK);
    deadly_options(process, start);
    struct raft_start *raft = &start->raft;
    raft->hard_state = found->hard_state;
    raft->first_index = found->first_index;
    raft->last_index = found->last_index;
    raft->term_runs = found->term_runs;
    raft->n_term_runs = found->n_term_runs;
    raft->damaged = found->damaged;
    start->snapshot = node_snapshot_of(&found->snapshot);
    start->lives = found->lives.payloads;
    start->n_lives = found->lives.n;
    if (found->snapshot.place.index > 0) process->world->coverage[COVER_LOADED]++;
    raft->configuration_index = found->configuration_index;
    raft->previous_configuration_index = found->previous_configuration_index;
    if (found->configuration_index > 0)
        SF_ASSERT(
            configuration_decode(bytes_slice(found->configuration), &raft->configuration) == SF_OK);
    if (found->previous_configuration_index > 0)
        SF_ASSERT(configuration_decode(bytes_slice(found->previous_configuration),
                      &raft->previous_configuration) == SF_OK);
}

void process_start(struct process *process) {
    struct world *world = process->world;
    SF_ASSERT(!process->up);
    struct storage_found found;
    struct node_start *start = sf_alloc_zero(1, sizeof *start);
    process->up = true;
    process->machine_down = false;
    process->life++;
    process->started_at_us = world_now_us(world);
    process->boot_offset_us = world_between(world, 1000000, 900000000);
    /* Leases allow for 5 % between two clocks (R10). */
    int64_t drift_max = world_chance(world, 20) ? 20000 : 200;
    process->drift_ppm = world_between(world, -drift_max, drift_max);
    if (world->tight) process->drift_ppm = process->number == 0 ? -24000 : 24000;
    process->busy_until_us = process->paused_until_us = 0;
    process->turn_at_us = INT64_MAX;
    process->crash_after_calls = -1;
    process->doomed = process->stop_asked = false;
    process->leaderless_us = INT64_MAX / 2;
    process->mid_turn = process->pause_mid_turn = false;
    process->shutdown_wanted = process->shutting_down = false;
    uint64_t *level = &process->settings.feature_level; /* a newer build, now and then */
    if (world->upgrades && process->life > 1 && *level < SIM_LEVEL_MAX && world_chance(world, 40))
        (*level)++;
    twin_open(process->twin, false, &found);
    start_from(process, &found, start);
    process->log_at_start = found.last_index;
    if (found.damaged && !process->may_be_damaged)
        world_fail(world, "node %u calls its log damaged, which has lost nothing", process->number);
    judge_on_start(process, start->identity.id);
    rot_on_start(process, found.snapshot.place.index > 0 ? found.snapshot.place.id : 0);
    world_note(world, (int)process->number, "starts: boot %llu, term %llu, log %llu to %llu%s",
        (unsigned long long)found.boot_counter, (unsigned long long)found.hard_state.term,
        (unsigned long long)found.first_index, (unsigned long long)found.last_index,
        found.damaged ? ", damaged" : "");
    struct node_ports ports = ports_of(process);
    process->node = node_new(start, &ports);
    twin_found_clear(&found);
    sf_free(start);
    network_process_back(world->network, process);
    process_wake(process, world_now_us(world));
}

void process_crash(struct process *process, enum crash_kind kind) {
    struct world *world = process->world;
    if (!process->up) return;
    process->doomed = true; /* what freeing says is not said */
    for (size_t i = 0; i < process->n_seats; i++) buf_free(&process->seats[i].unread);
    process->n_seats = 0;
    clients_of_process_gone(world, process->number);
    node_free(process->node);
    process->node = NULL;
    inbox_clear(process);
    raft_index before = twin_last_index(process->twin);
    if (twin_is_open(process->twin)) twin_crash(process->twin, world_now_us(world));
    if (twin_last_index(process->twin) != before) world->coverage[COVER_TORN_TAIL]++;
    if (world->network != NULL) network_process_gone(world->network, process, kind);
    process->up = false;
    process->machine_down = kind == CRASH_POWER;
}

void process_pause(struct process *process, int64_t until_us) {
    process->paused_until_us = SF_MAX(process->paused_until_us, until_us);
}

void process_shutdown(struct process *process) {
    process->shutdown_wanted = true;
    process_wake(process, world_now_us(process->world));
}
