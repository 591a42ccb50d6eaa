#include "server/config_file.h"
#include "server/internal.h"
#include "server/process.h"
#include "server/settings.h"

#include <errno.h>
#include <unistd.h>

/* -- storage --------------------------------------------------------------------------------- */

static void port_append(void *context, const struct raft_append_request *request) {
    struct server *server = context;
    storage_append(server->storage, request->request, request->truncate_from, request->entries,
        request->n_entries);
}

static void port_save_hard_state(
    void *context, uint64_t request, const struct raft_hard_state *state) {
    struct server *server = context;
    storage_save_hard_state(server->storage, request, state);
}

static void port_fetch(void *context, const struct raft_fetch_request *request) {
    struct server *server = context;
    storage_fetch(
        server->storage, request->request, request->first, request->last, request->max_bytes);
}

static void port_save_snapshot(void *context, const struct snapshot_piece *piece) {
    struct server *server = context;
    struct storage_keep keep = {piece->keep.bytes, piece->keep.entries, piece->keep.needed_from};
    storage_save_snapshot(server->storage, piece->request, &piece->place, piece->offset,
        piece->data, piece->is_last, piece->is_last ? &keep : NULL);
}

static void port_drop_snapshot(void *context, const struct raft_snapshot *place) {
    struct server *server = context;
    storage_drop_snapshot(server->storage, place);
}

static void port_read_chunk(void *context, const struct raft_chunk_read *read) {
    struct server *server = context;
    storage_read_snapshot(
        server->storage, read->request, &read->snapshot, read->offset, read->max_bytes);
}

static void port_write_chunk(void *context, const struct raft_chunk_write *write) {
    struct server *server = context;
    storage_receive_snapshot(server->storage, write->request, &write->snapshot, write->offset,
        write->data, write->is_last);
}

static void port_install_snapshot(
    void *context, uint64_t request, const struct raft_snapshot *place) {
    struct server *server = context;
    storage_install_snapshot(server->storage, request, place);
}

static void port_save_identity(
    void *context, uint64_t request, const struct node_identity *identity) {
    struct server *server = context;
    struct buf blob = {0};
    identity_encode(identity, &blob);
    storage_save_identity(server->storage, request, identity->id, buf_slice(&blob));
    buf_free(&blob);
}

static void port_log_mended(void *context) {
    struct server *server = context;
    storage_mark_repaired(server->storage);
}

static void port_note_applying(void *context, const struct applying_note *note) {
    struct server *server = context;
    if (server->apply_page != NULL) apply_page_note(server->apply_page, note);
}

/* -- network --------------------------------------------------------------------------------- */

static void port_dial(void *context, uint64_t link, const char *host, uint16_t bus_port) {
    struct server *server = context;
    net_dial(server->net, link, host, bus_port);
}

static void port_link_send(void *context, uint64_t link, struct slice bytes) {
    struct server *server = context;
    net_link_send(server->net, link, bytes);
}

static void port_link_send_large(
    void *context, uint64_t link, struct slice head, struct bytes *body, struct slice tail) {
    struct server *server = context;
    net_link_send_large(server->net, link, head, body, tail);
}

static void port_link_close(void *context, uint64_t link) {
    struct server *server = context;
    net_link_close(server->net, link);
}

static size_t port_link_backlog(void *context, uint64_t link) {
    struct server *server = context;
    return net_link_backlog(server->net, link);
}

static void port_out_dial(void *context, uint64_t out, const char *host, uint16_t port) {
    struct server *server = context;
    net_out_dial(server->net, out, host, port);
}

static void port_out_open_file(void *context, uint64_t out, const char *path) {
    struct server *server = context;
    net_out_open_file(server->net, out, path);
}

static void port_out_send(void *context, uint64_t out, struct slice bytes) {
    struct server *server = context;
    net_out_send(server->net, out, bytes);
}

static void port_out_close(void *context, uint64_t out) {
    struct server *server = context;
    net_out_close(server->net, out);
}

static void port_out_pause(void *context, uint64_t out, bool pause) {
    struct server *server = context;
    net_out_pause(server->net, out, pause);
}

static void port_breathe(void *context) {
    struct server *server = context;
    net_breathe(server->net);
}

static void port_client_changed(void *context, uint64_t client) {
    struct server *server = context;
    net_client_changed(server->net, client);
}

/* -- configuration --------------------------------------------------------------------------- */

static void port_config_get(void *context, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor) {
    struct server *server = context;
    config_visit(server->config, n, patterns, visit, visitor);
}

static enum config_verdict port_config_check(
    void *context, struct slice name, struct slice value, struct buf *error) {
    struct server *server = context;
    return config_judge(server->config, name, value, error);
}

static bool port_config_set(
    void *context, struct slice name, struct slice value, struct buf *error) {
    struct server *server = context;
    struct config_values *values = &server->config->values;
    struct config_values old = *values;
    if (!config_change(server->config, name, value, error)) return false;
    if (values->maxclients > old.maxclients) {
        uint32_t fit = process_fit_clients((uint32_t)values->maxclients);
        if (fit < values->maxclients) {
            *values = old;
            buf_printf(error,
                "The operating system is not able to handle the specified number of clients, try "
                "with %u",
                fit);
            return false;
        }
    }
    logger_set_level(server->logger, (enum log_level)values->loglevel);
    net_set_keepalive(server->net, (int)values->tcp_keepalive);
    server->settings_changed = true;
    net_wake(server->net);
    return true;
}

static bool port_config_rewrite(void *context, struct buf *error) {
    struct server *server = context;
    return config_rewrite(server->config, error);
}

/* Returns the file's name, NULL where none is configured. */
static const char *port_acl_file_read(void *context, struct buf *out, struct buf *error) {
    struct server *server = context;
    const char *path = server->config->values.aclfile;
    if (path[0] == '\0') return NULL;
    (void)config_load_text(path, out, error);
    return path;
}

static bool port_acl_file_write(void *context, struct slice text, struct buf *error) {
    struct server *server = context;
    const char *path = server->config->values.aclfile;
    if (path[0] == '\0') return false;
    if (!config_replace_file(path, text))
        buf_printf(error, "writing '%s': %s", path, strerror(errno));
    return true;
}

void server_tell_settings(struct server *server) {
    if (!server->settings_changed) return;
    server->settings_changed = false;
    struct node_settings settings;
    settings_for_node(&server->config->values, server->net, &settings);
    node_set_settings(server->node, &settings);
}

/* -- the process ----------------------------------------------------------------------------- */

static void port_figures(void *context, struct process_figures *out) {
    struct server *server = context;
    struct net_figures net = net_figures(server->net);
    *out = (struct process_figures){
        .used_memory = process_used_memory(),
        .used_memory_rss = process_rss(),
        .used_memory_startup = server->used_memory_startup,
        .allocator_active = process_allocator_active(),
        .allocator_resident = process_allocator_resident(),
        .connections_received = net.connections_received,
        .connections_rejected = net.connections_rejected,
        .net_input_bytes = net.input_bytes,
        .net_output_bytes = net.output_bytes,
        .net_reads = net.reads,
        .net_writes = net.writes,
        .uptime_s = (clock_boot_us() - server->started_us) / 1000000,
        .process_id = (uint32_t)getpid(),
        .log_disk_bytes = storage_disk_bytes(server->storage),
        .system_memory = process_system_memory(),
        .executable = server->executable,
        .config_file = server->config->file,
    };
    process_cpu_seconds(&out->cpu_user_s, &out->cpu_sys_s);
    server->used_memory_peak = SF_MAX(server->used_memory_peak, out->used_memory);
    out->used_memory_peak = server->used_memory_peak;
}

static int64_t port_clock_ns(void *context) {
    (void)context;
    return clock_run_ns();
}

static void port_net_bytes(void *context, uint64_t *in, uint64_t *out) {
    struct server *server = context;
    struct net_figures net = net_figures(server->net);
    *in = net.input_bytes;
    *out = net.output_bytes;
}

static void port_memory_purge(void *context) {
    (void)context;
    process_purge_memory();
}

static void port_memory_report(void *context, struct buf *out) {
    (void)context;
    process_report_memory(out);
}

static void port_random_bytes(void *context, void *out, size_t len) {
    (void)context;
    process_random_bytes(out, len);
}

static void port_log(void *context, enum log_level level, const char *line) {
    struct server *server = context;
    logger_write(server->logger, level, line);
}

static void port_stop(void *context, int exit_code, const char *reason) {
    struct server *server = context;
    logger_writef(
        server->logger, exit_code == 0 ? LOG_NOTICE : LOG_WARNING, "Stopping: %s", reason);
    net_stop(server->net, exit_code);
}

void server_ports(struct server *server, struct node_ports *out) {
    *out = (struct node_ports){
        .context = server,
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
        .link_send_large = port_link_send_large,
        .link_close = port_link_close,
        .link_backlog = port_link_backlog,
        .out_dial = port_out_dial,
        .out_open_file = port_out_open_file,
        .out_send = port_out_send,
        .out_close = port_out_close,
        .out_pause = port_out_pause,
        .breathe = port_breathe,
        .client_changed = port_client_changed,
        .config_get = port_config_get,
        .config_check = port_config_check,
        .config_set = port_config_set,
        .config_rewrite = port_config_rewrite,
        .acl_file_read = port_acl_file_read,
        .acl_file_write = port_acl_file_write,
        .figures = port_figures,
        .clock_ns = port_clock_ns,
        .net_bytes = port_net_bytes,
        .memory_purge = port_memory_purge,
        .memory_report = port_memory_report,
        .random_bytes = port_random_bytes,
        .log = port_log,
        .stop = port_stop,
    };
}
