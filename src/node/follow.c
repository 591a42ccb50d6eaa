/* Who follows, when, and what it has in flight. See follow.h. */
#include "node/follow.h"

#include "node/internal.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    AGAIN_US = 1000000,
    PATIENCE_US = 30000000, /* after a fault that will be met again */
    SILENCE_US = 60000000,  /* of the master (repl-timeout) */
    IN_FLIGHT_BYTES = 4 << 20,
};

void follow_open(struct node *node) {
    node->follow = sf_alloc_zero(1, sizeof *node->follow);
}

/* Forgets the connection and all that came by it. */
static void follow_clear(struct node *node) {
    struct follow *follow = node->follow;
    importer_free(follow->importer);
    resp_parser_free(follow->parser);
    buf_free(&follow->in);
    buf_free(&follow->piece);
    buf_free(&follow->commands);
    char why[sizeof follow->why];
    memcpy(why, follow->why, sizeof why);
    int64_t again_us = follow->again_us;
    *follow = (struct follow){.again_us = again_us};
    memcpy(follow->why, why, sizeof why);
}

void follow_close(struct node *node) {
    follow_clear(node);
    sf_free(node->follow);
    node->follow = NULL;
}

void follow_drop(struct node *node) {
    struct follow *follow = node->follow;
    if (follow == NULL) return;
    if (follow->out != 0) node->ports.out_close(node->ports.context, follow->out);
    follow_clear(node);
}

void follow_fail(struct node *node, bool patience, const char *format, ...) {
    struct follow *follow = node->follow;
    char line[sizeof follow->why];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (char *at = line; *at != '\0'; at++) { /* the master's bytes are no lines of a log */
        if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
    }
    if (patience || strcmp(line, follow->why) != 0)
        node_log(node, LOG_WARNING, "%s%s: %s", follow->is_file ? "import-rdb " : "replicaof",
            follow->is_file ? node->settings.import_rdb : "", line);
    memcpy(follow->why, line, sizeof line);
    bool is_file = follow->is_file;
    follow_drop(node);
    follow->again_us = node->now_us + (patience ? PATIENCE_US : AGAIN_US);
    if (is_file) {
        node->stopped = true;
        node->ports.stop(node->ports.context, 1, "the dump of import-rdb cannot be imported");
    }
}

/* -- the connection -------------------------------------------------------------------------- */

void follow_send(struct node *node, uint32_t argc, const char *const *words) {
    struct buf out = {0};
    buf_printf(&out, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++)
        buf_printf(&out, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    node->ports.out_send(node->ports.context, node->follow->out, buf_slice(&out));
    buf_free(&out);
}

static bool all_is_empty(const struct node *node) {
    struct keyspace *keyspace = engine_keyspace(node->engine);
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++) {
        if (db_size(keyspace_db(keyspace, i)) > 0) return false;
    }
    return true;
}

/* Into an empty state that never followed anybody, or where half of an import is. */
static bool wants_file(const struct node *node) {
    const struct source *source = engine_source(node->engine);
    if (node->settings.import_rdb[0] == '\0' || source->imported) return false;
    if (source->kind == SOURCE_FILE) return true;
    return source->kind == SOURCE_NONE && source->generation == 0 && all_is_empty(node);
}

static void follow_begin(struct node *node) {
    struct follow *follow = node->follow;
    const struct source *source = engine_source(node->engine);
    bool is_file = wants_file(node);
    follow_clear(node);
    follow->is_file = is_file;
    follow->generation = source->generation;
    follow->out = node->next_out++;
    follow->link = random_next(&node->random) >> 1;
    follow->state = FOLLOW_DIALING;
    follow->heard_us = node->now_us;
    if (is_file) {
        node->ports.out_open_file(node->ports.context, follow->out, node->settings.import_rdb);
    } else {
        node->ports.out_dial(node->ports.context, follow->out, source->host, source->port);
    }
}

bool follow_on_bytes(struct node *node, uint64_t out, struct slice bytes) {
    struct follow *follow = node->follow;
    if (follow->out != out) return false;
    follow->heard_us = node->now_us;
    buf_append_slice(&follow->in, bytes);
    return true;
}

/* -- what is in the log and not applied ------------------------------------------------------ */

bool follow_has_room(const struct node *node) {
    const struct follow *follow = node->follow;
    return follow->n_in_flight < FOLLOW_IN_FLIGHT_MAX &&
           follow->in_flight_bytes < IN_FLIGHT_BYTES && !stream_is_full(node);
}

void follow_head(
    const struct node *node, const char *verb, uint64_t import, struct source_words *words) {
    const struct follow *follow = node->follow;
    struct source_head head = {verb, follow->link, follow->generation, import};
    source_words_begin(words, &head);
}

void follow_log(struct node *node, const struct source_words *words, size_t bytes) {
    struct follow *follow = node->follow;
    SF_ASSERT(follow->n_in_flight < FOLLOW_IN_FLIGHT_MAX);
    uint32_t at = (follow->in_flight_first + follow->n_in_flight++) % FOLLOW_IN_FLIGHT_MAX;
    follow->in_flight[at] = bytes;
    follow->in_flight_bytes += bytes;
    stream_add(node, NULL, 0, words->argc, words->argv);
    node_wake(node);
}

/* Inside applying: only notes. */
void follow_ran(void *context, const struct source_ran *ran) {
    struct node *node = context;
    struct follow *follow = node->follow;
    if (ran->n_errors > 0 && raft_leads(node)) {
        node_log(node, LOG_WARNING,
            "replicaof: %llu commands of the master's failed here, which it had run: this state is "
            "not its equal any more (%.*s)",
            (unsigned long long)ran->n_errors, (int)ran->error.len, ran->error.data);
    }
    if (follow == NULL || follow->link != ran->link || follow->n_in_flight == 0) return;
    follow->in_flight_bytes -= follow->in_flight[follow->in_flight_first];
    follow->in_flight_first = (follow->in_flight_first + 1) % FOLLOW_IN_FLIGHT_MAX;
    follow->n_in_flight--;
    if (!ran->taken) follow->broken = true;
    node_wake(node);
}

/* -- the turn -------------------------------------------------------------------------------- */

static bool is_to_follow(const struct node *node) {
    if (!node_is_leader_serving(node) || raft_transferring(node->raft) || node->shutting_down ||
        node->stopped || node->ports.out_dial == NULL) {
        return false;
    }
    return engine_source(node->engine)->kind == SOURCE_REDIS || wants_file(node);
}

static bool is_void(const struct node *node) {
    const struct follow *follow = node->follow;
    const struct source *source = engine_source(node->engine);
    if (follow->broken) return true;
    return !follow->is_file && follow->generation != source->generation;
}

static void follow_pause(struct node *node) {
    struct follow *follow = node->follow;
    bool pause = !follow_has_room(node);
    if (follow->out == 0 || pause == follow->paused) return;
    follow->paused = pause;
    if (!pause) follow->heard_us = node->now_us;
    node->ports.out_pause(node->ports.context, follow->out, pause);
}

void follow_pump(struct node *node) {
    struct follow *follow = node->follow;
    if (!is_to_follow(node)) {
        follow_drop(node);
        follow->again_us = 0;
        follow->why[0] = '\0';
        return;
    }
    if (follow->out != 0 && is_void(node)) {
        SF_MARK("follow: begins again from the state (not simulated)");
        follow_drop(node);
        follow->again_us = node->now_us;
    }
    if (follow->out == 0 && node->now_us >= follow->again_us) follow_begin(node);
    if (follow->out == 0) return;
    if (follow->state < FOLLOW_STREAM) follow_link_consume(node);
    if (follow->state == FOLLOW_STREAM) {
        follow_stream_consume(node);
        follow_stream_ack(node, false);
    }
    if (follow->out != 0 && !follow->paused && !follow->is_file &&
        node->now_us - follow->heard_us > SILENCE_US) {
        follow_fail(node, false, "the master has not been heard for a minute");
    }
    follow_pause(node);
}

int64_t follow_deadline_us(const struct node *node) {
    const struct follow *follow = node->follow;
    if (!is_to_follow(node)) return INT64_MAX;
    if (follow->out == 0) return SF_MAX(follow->again_us, node->now_us + 1000);
    return follow->state == FOLLOW_STREAM ? follow->ack_us : node->now_us + 100000;
}

bool follow_refuses(const struct node *node) {
    if (node->engine == NULL) return node->settings.import_rdb[0] != '\0';
    const struct source *source = engine_source(node->engine);
    if (source->kind != SOURCE_NONE && source->phase == SOURCE_IMPORTING) return true;
    return raft_leads(node) && wants_file(node);
}

/* -- what operators see ---------------------------------------------------------------------- */

/* Another node than the leader sees no connection: then a state that follows counts as one. */
bool follow_is_up(const struct node *node) {
    if (raft_leads(node)) return node->follow->state == FOLLOW_STREAM;
    return engine_source(node->engine)->phase == SOURCE_STREAMING;
}

void follow_info(struct node *node, struct buf *out) {
    const struct follow *follow = node->follow;
    const struct source *source = engine_source(node->engine);
    bool up = follow_is_up(node), importing = source->phase == SOURCE_IMPORTING;
    int64_t silent_s = follow->out == 0 ? -1 : (node->now_us - follow->heard_us) / 1000000;
    buf_printf(out,
        "role:slave\r\nmaster_host:%s\r\nmaster_port:%u\r\nmaster_link_status:%s\r\n"
        "master_last_io_seconds_ago:%lld\r\nmaster_sync_in_progress:%d\r\n"
        "slave_read_repl_offset:%llu\r\nslave_repl_offset:%llu\r\n",
        source->host, source->port, up ? "up" : "down", (long long)(up ? silent_s : -1), importing,
        (unsigned long long)(follow->state == FOLLOW_STREAM ? follow->offset : source->offset),
        (unsigned long long)source->offset);
    if (importing) {
        buf_printf(out,
            "master_sync_total_bytes:%llu\r\nmaster_sync_read_bytes:%llu\r\n"
            "master_sync_left_bytes:%llu\r\nmaster_sync_keys:%llu\r\n",
            (unsigned long long)(follow->by_mark ? 0 : follow->dump_bytes + follow->dump_left),
            (unsigned long long)follow->dump_bytes,
            (unsigned long long)(follow->by_mark ? 0 : follow->dump_left),
            (unsigned long long)source->n_keys);
    }
    if (!up && follow->why[0] != '\0') buf_printf(out, "master_link_error:%s\r\n", follow->why);
    buf_printf(out,
        "master_command_errors:%llu\r\nslave_priority:100\r\nslave_read_only:1\r\n"
        "replica_announced:1\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
        "master_replid:%s\r\nmaster_repl_offset:%llu\r\n",
        (unsigned long long)source->n_errors, source->replid, (unsigned long long)source->offset);
}
