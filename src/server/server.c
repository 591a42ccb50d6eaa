#include "server/server.h"

#include "commands/acl.h"
#include "server/config_file.h"
#include "server/internal.h"
#include "server/options.h"
#include "server/process.h"
#include "server/settings.h"
#include "server/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define GENERATION_BYTES_MAX (64u * 1024 * 1024)
#define GENERATION_BYTES_MIN (256u * 1024)

static struct node_snapshot node_snapshot_of(const struct storage_snapshot *found) {
    return (struct node_snapshot){.place = found->place,
        .configuration_index = found->configuration_index,
        .configuration = found->configuration};
}

/* -- events ---------------------------------------------------------------------------------- */

static void on_chunk_written(struct node *node, const struct storage_event *event, int64_t now_us) {
    const struct storage_snapshot *found = event->snapshot;
    struct node_snapshot whole = {.configuration_index = 0};
    if (found != NULL) whole = node_snapshot_of(found);
    node_on_chunk_written(
        node, event->request, event->status, found == NULL ? NULL : &whole, now_us);
}

static void on_storage_event(void *context, const struct storage_event *event) {
    struct server *server = context;
    struct node *node = server->node;
    int64_t now_us = clock_boot_us();
    switch (event->type) {
    case STORAGE_APPENDED:
        node_on_appended(node, event->request, event->last_index, event->last_term, now_us);
        break;
    case STORAGE_HARD_STATE_SAVED:
        node_on_hard_state_saved(node, event->request, now_us);
        break;
    case STORAGE_FETCHED:
        node_on_fetched(node, event->request, event->entries, event->n, now_us);
        break;
    case STORAGE_IDENTITY_SAVED:
        node_on_identity_saved(node, event->request, now_us);
        break;
    case STORAGE_NOTE:
        logger_write(server->logger, LOG_WARNING, event->text);
        break;
    case STORAGE_SNAPSHOT_WRITTEN:
        node_on_snapshot_written(node, event->request, event->status, now_us);
        break;
    case STORAGE_SNAPSHOT_SAVED:
        node_on_snapshot_saved(
            node, event->request, event->status, &event->place, event->first_index, now_us);
        break;
    case STORAGE_SNAPSHOT_READ:
        node_on_chunk_read(node, event->request, event->data, now_us);
        break;
    case STORAGE_SNAPSHOT_RECEIVED:
        on_chunk_written(node, event, now_us);
        break;
    case STORAGE_SNAPSHOT_INSTALLED:
        node_on_snapshot_installed(node, event->request, now_us);
        break;
    case STORAGE_STATE:
        if (event->text[0] != '\0') logger_write(server->logger, LOG_WARNING, event->text);
        if (event->status == SF_ERR_STORAGE) {
            net_stop(server->net, 1);
        } else {
            node_on_storage_state(node, event->status, now_us);
        }
        break;
    }
}

static void on_storage_readable(void *context) {
    struct server *server = context;
    storage_poll(server->storage, on_storage_event, server);
}

static void on_signal(void *context) {
    struct server *server = context;
    struct signals_taken taken = signals_take();
    if (taken.stop) {
        logger_writef(server->logger, LOG_NOTICE, "Received %s, shutting down", taken.name);
        node_shutdown(server->node, clock_boot_us());
    }
    if (taken.out_of_time) {
        logger_write(server->logger, LOG_WARNING, "The clean stop takes too long: stopping now");
        net_stop(server->net, 1);
    }
}

static void before_pump(void *context, int64_t now_us) {
    (void)now_us;
    server_tell_settings(context);
}

static void on_net_log(void *context, enum log_level level, const char *line) {
    struct server *server = context;
    logger_write(server->logger, level, line);
}

/* -- starting -------------------------------------------------------------------------------- */

/* Said on standard error, which the one who starts it sees, and in the log where that is a file. */
static bool fail(struct server *server, const char *line) {
    fprintf(stderr, "shardforge-server: %s\n", line);
    if (server->logger != NULL && server->config->values.logfile[0] != '\0') {
        logger_write(server->logger, LOG_WARNING, line);
    }
    return false;
}

static bool open_logger(struct server *server) {
    const struct config_values *values = &server->config->values;
    server->logger = logger_open(values->logfile, (enum log_level)values->loglevel);
    if (server->logger == NULL) {
        char line[CONFIG_PATH_MAX + 100];
        snprintf(line, sizeof(line), "cannot open the log file %s: %s", values->logfile,
            strerror(errno));
        return fail(server, line);
    }
    signals_set_logger(server->logger);
    return true;
}

static bool check_directory(struct server *server) {
    const char *dir = server->config->values.dir;
    struct stat found;
    char line[CONFIG_PATH_MAX + 100];
    int error = stat(dir, &found) != 0 ? errno : S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
    if (error == 0) return true;
    snprintf(line, sizeof(line), "cannot use the data directory %s: %s", dir, strerror(error));
    return fail(server, line);
}

static bool fit_clients(struct server *server) {
    struct config_values *values = &server->config->values;
    uint32_t fit = process_fit_clients((uint32_t)values->maxclients);
    if (fit == 0) {
        return fail(server, "the limit of open files (ulimit -n) is too low for any client");
    }
    if (fit < values->maxclients) {
        logger_writef(server->logger, LOG_WARNING,
            "maxclients is %u instead of %lld: the system allows no more open files (ulimit -n)",
            fit, (long long)values->maxclients);
        values->maxclients = fit;
    }
    return true;
}

static bool open_net(struct server *server) {
    struct net_settings settings;
    struct net_hooks hooks = {.context = server, .before_pump = before_pump, .log = on_net_log};
    settings_for_net(&server->config->values, &settings);
    server->net = net_new(&settings, &hooks);
    struct buf error = {0};
    bool is_ok = net_listen(server->net, &error);
    buf_append_char(&error, '\0');
    if (!is_ok) fail(server, error.data);
    buf_free(&error);
    return is_ok;
}

/* A prefix is dropped in whole generations: a few of them make up what is kept. */
static uint64_t generation_bytes(const struct config_values *values) {
    uint64_t quarter = (uint64_t)values->snapshot_log_bytes / 4;
    return SF_MAX(SF_MIN(quarter, GENERATION_BYTES_MAX), GENERATION_BYTES_MIN);
}

static bool open_storage(
    struct server *server, bool accept_lost_tail, struct storage_found *found) {
    struct storage_settings settings = {.directory = server->config->values.dir,
        .generation_bytes = generation_bytes(&server->config->values),
        .accept_lost_tail = accept_lost_tail};
    struct buf error = {0};
    enum sf_status status = storage_open(&settings, &server->storage, found, &error);
    buf_append_char(&error, '\0');
    if (status != SF_OK) fail(server, error.len > 1 ? error.data : sf_status_text(status));
    if (status == SF_ERR_CORRUPT)
        fail(server, "shardforge-check --verify says more of what is bad in a data directory");
    buf_free(&error);
    return status == SF_OK;
}

static bool decode_configuration(
    struct server *server, const struct bytes *payload, struct raft_configuration *out) {
    if (payload == NULL) return true;
    if (configuration_decode(bytes_slice(payload), out) == SF_OK) return true;
    return fail(server, "a configuration entry in the log cannot be read: wipe the data directory "
                        "and let the node join again");
}

/* The aclfile takes the place of directives `user`: both would contradict each other. */
static bool load_users(struct server *server) {
    struct config *config = server->config;
    const char *path = config->values.aclfile;
    if (path[0] == '\0') return true;
    if (config->users.len > 0) {
        return fail(server, "an aclfile and directives `user` are configured: one of them decides "
                            "who the users are, not both");
    }
    struct buf error = {0};
    struct acl *trial = acl_new();
    bool is_ok = config_load_text(path, &config->users, &error) &&
                 acl_text_read(trial, buf_slice(&config->users), path, &error);
    buf_append_char(&error, '\0');
    if (!is_ok) fail(server, error.data);
    config->values.users = buf_slice(&config->users);
    acl_free(trial);
    buf_free(&error);
    return is_ok;
}

/* What the node starts from, out of what storage found. */
static bool fill_start(
    struct server *server, const struct storage_found *found, struct node_start *start) {
    settings_for_node(&server->config->values, server->net, &start->settings);
    start->now_us =
        clock_boot_us(); /* the directory is ours: no former life hears anything any more */
    start->wall_ms = clock_wall_ms();
    start->boot_counter = found->boot_counter;
    struct raft_start *raft = &start->raft;
    raft->hard_state = found->hard_state;
    raft->first_index = found->is_new ? 1 : found->first_index;
    raft->last_index = found->last_index;
    raft->term_runs = found->term_runs;
    raft->n_term_runs = found->n_term_runs;
    raft->configuration_index = found->configuration_index;
    raft->previous_configuration_index = found->previous_configuration_index;
    raft->damaged = found->damaged;
    start->snapshot = node_snapshot_of(&found->snapshot);
    start->lives = found->lives.payloads;
    start->n_lives = found->lives.n;
    if (!found->is_new &&
        identity_decode(buf_slice(&found->identity_blob), &start->identity) != SF_OK) {
        return fail(server, "the identity file cannot be read: wipe the data directory and let the "
                            "node join again");
    }
    uint32_t made_with = start->identity.databases;
    if (made_with != 0 && made_with != start->settings.databases) {
        char line[200];
        snprintf(line, sizeof line,
            "the data directory was made with `databases %u`, which cannot change to %u: start "
            "with "
            "the old value, or with an empty directory",
            made_with, start->settings.databases);
        return fail(server, line);
    }
    return decode_configuration(server, found->configuration, &raft->configuration) &&
           decode_configuration(
               server, found->previous_configuration, &raft->previous_configuration);
}

/* Without it the node still runs: it only would not notice that an entry kills it. */
static void open_apply_page(struct server *server, struct applying_note *found) {
    struct buf error = {0};
    server->apply_page = apply_page_open(server->config->values.dir, found, &error);
    if (server->apply_page == NULL) {
        logger_writef(server->logger, LOG_WARNING, "%.*s", (int)error.len, buf_slice(&error).data);
    }
    signals_set_apply_page(server->apply_page);
    buf_free(&error);
}

static bool open_node(struct server *server, const struct start_options *options) {
    struct storage_found found = {0};
    struct node_start start = {.n_skips = options->n_skips};
    memcpy(start.skips, options->skips, sizeof start.skips);
    if (!open_storage(server, options->accept_lost_tail, &found)) return false;
    open_apply_page(server, &start.applying);
    if (found.notice.len > 0) {
        logger_writef(server->logger, LOG_WARNING, "%.*s", (int)found.notice.len,
            buf_slice(&found.notice).data);
    }
    bool is_ok = fill_start(server, &found, &start);
    if (is_ok) {
        struct node_ports ports;
        server_ports(server, &ports);
        server->used_memory_startup = process_used_memory();
        server->node = node_new(&start, &ports);
    }
    storage_found_clear(&found);
    return is_ok;
}

static void write_pidfile(struct server *server) {
    const char *path = server->config->values.pidfile;
    if (path[0] == '\0') return;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        logger_writef(
            server->logger, LOG_WARNING, "Cannot write the pid file %s: %s", path, strerror(errno));
    } else {
        snprintf(server->pidfile, sizeof(server->pidfile), "%s", path);
    }
    if (fd >= 0) close(fd);
}

/* What a file from a Redis asks for, and nothing here follows from. */
static void say_what_changes_nothing(struct server *server) {
    struct buf names = {0};
    for (uint32_t i = 0; i < config_inert_count(); i++) {
        if (server->config->inert[i] == NULL) continue;
        buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", config_inert_at(i)->name);
    }
    if (names.len > 0) {
        logger_writef(server->logger, LOG_NOTICE, "These directives change nothing here: %.*s",
            (int)SF_MIN(names.len, (size_t)800), buf_slice(&names).data);
    }
    buf_free(&names);
}

static void say_hello(struct server *server) {
    const struct config_values *values = &server->config->values;
    logger_writef(server->logger, LOG_NOTICE, "ShardForge " SHARDFORGE_VERSION " started, pid=%d",
        (int)getpid());
    say_what_changes_nothing(server);
    if (values->cluster_secret[0] == '\0') {
        logger_writef(server->logger, LOG_NOTICE,
            "No cluster-secret: the cluster bus (port %u) listens on loopback only",
            (unsigned)net_bus_port(server->net));
    }
    logger_writef(server->logger, LOG_NOTICE,
        "Ready to accept connections on port %u (cluster bus: %u)", (unsigned)net_port(server->net),
        (unsigned)net_bus_port(server->net));
}

/* The ports are bound before the data directory is touched: a second process started by mistake
 * leaves no trace in it. */
static bool start(struct server *server, const struct start_options *options) {
    int signal_fd = signals_install();
    if (signal_fd < 0) return fail(server, "cannot install signal handlers");
    if (!open_logger(server) || !check_directory(server) || !fit_clients(server)) return false;
    if (!load_users(server) || !open_net(server) || !open_node(server, options)) return false;
    net_watch(server->net, signal_fd, on_signal, server);
    net_watch(server->net, storage_wakeup_fd(server->storage), on_storage_readable, server);
    write_pidfile(server);
    say_hello(server);
    return true;
}

static void stop(struct server *server, int code) {
    signals_limit_stop(); /* nobody may have asked for it: the disk failed, say, and hangs now */
    if (server->node != NULL) node_free(server->node);
    net_free(server->net);
    signals_set_apply_page(NULL);
    apply_page_close(server->apply_page);
    if (server->storage != NULL) storage_close(server->storage);
    if (server->pidfile[0] != '\0') unlink(server->pidfile);
    if (server->logger == NULL) return;
    if (server->node != NULL) {
        logger_writef(server->logger, LOG_NOTICE, "ShardForge is now ready to exit, code %d", code);
    }
    signals_set_logger(NULL);
    logger_close(server->logger);
}

int server_run(struct config *config, const struct start_options *options) {
    struct server server = {.config = config, .started_us = clock_boot_us()};
    process_executable(server.executable, sizeof server.executable);
    int code = 1;
    process_purge_aside();
    if (start(&server, options)) code = net_run(server.net, server.node);
    stop(&server, code);
    return code;
}
