/* The stream of commands of a Redis that is followed, into the log: in batches, each of whole
 * commands and transactions, that say where in the stream they begin and end. */
#include "node/follow.h"

#include "node/internal.h"
#include "resp/parse.h"

#include <stdio.h>

enum {
    BATCH_BYTES = 256 << 10,
    BATCH_COMMANDS = 4096,
    ACK_EVERY_US = 1000000,
};

void follow_stream_begin(struct node *node, uint64_t offset, uint32_t db) {
    struct follow *follow = node->follow;
    follow->parser = resp_parser_new();
    follow->offset = follow->put_offset = follow->ready_offset = offset;
    follow->db = follow->ready_db = db;
    follow->acked = 0;
    follow->ack_us = 0;
    follow->why[0] = '\0';
    follow->state = FOLLOW_STREAM;
}

/* -- batches --------------------------------------------------------------------------------- */

static void log_ready(struct node *node) {
    struct follow *follow = node->follow;
    if (follow->n_ready == 0) return;
    struct source_words words;
    follow_head(node, "batch", follow->import, &words);
    source_words_number(&words, follow->put_offset);
    source_words_number(&words, follow->ready_offset);
    source_words_text(&words, slice_text(follow->replid));
    source_words_number(&words, follow->ready_db);
    source_words_number(&words, follow->n_ready);
    source_words_text(&words, slice_of(buf_slice(&follow->commands).data, follow->ready_bytes));
    follow_log(node, &words, follow->ready_bytes);
    follow->put_offset = follow->ready_offset;
    buf_consume(&follow->commands, follow->ready_bytes);
    follow->n_commands -= follow->n_ready;
    follow->n_ready = 0;
    follow->ready_bytes = 0;
    buf_shrink(&follow->commands, 2 * BATCH_BYTES);
}

/* Everything so far may be logged: no transaction is open. */
static void is_ready(struct follow *follow) {
    if (follow->in_multi) return;
    follow->n_ready = follow->n_commands;
    follow->ready_bytes = follow->commands.len;
    follow->ready_offset = follow->offset;
    follow->ready_db = follow->db;
}

static void put(struct follow *follow, uint32_t argc, const struct slice *argv) {
    entry_put_command(&follow->commands, follow->db, argc, argv);
    follow->n_commands++;
}

/* -- commands -------------------------------------------------------------------------------- */

/* What came before it counts, and is not asked for again. */
static bool refuse(struct node *node, struct slice name, const char *why) {
    const struct follow *follow = node->follow;
    log_ready(node);
    follow_fail(node, true, "stopped at offset %llu: the master's command '%.*s' %s",
        (unsigned long long)follow->offset, (int)SF_MIN(name.len, 64), name.data, why);
    return false;
}

static bool on_select(struct node *node, uint32_t argc, const struct slice *argv) {
    uint64_t db;
    if (argc != 2 || !uint_parse(argv[1], &db) || db >= node->settings.databases)
        return refuse(node, argv[0], "names a database that does not exist here");
    node->follow->db = (uint32_t)db;
    return true;
}

static void on_publish(struct follow *follow, bool shard, const struct slice *argv) {
    struct slice words[4] = {
        SLICE("shardforge.publish"), shard ? SLICE("shard") : SLICE("channel"), argv[1], argv[2]};
    put(follow, 4, words);
}

static bool on_data(
    struct node *node, const struct command *command, uint32_t argc, const struct slice *argv) {
    if (command->run == NULL || command_route(command) == ROUTE_LOCAL ||
        (command->flags & (CMD_ADMIN | CMD_INTERNAL)) != 0) {
        return refuse(node, argv[0], "cannot be followed");
    }
    if (command_route(command) == ROUTE_READ && command->id != COMMAND_PFCOUNT) return true;
    put(node->follow, argc, argv);
    return true;
}

/* false: the connection has ended. */
static bool on_command(struct node *node, uint32_t argc, const struct slice *argv) {
    struct follow *follow = node->follow;
    if (argc == 3 && slice_is(argv[0], "replconf") && slice_is(argv[1], "getack")) {
        follow->ack_wanted = follow->offset;
        return true;
    }
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL) return refuse(node, argv[0], "is unknown here");
    if (!command_arity_fits(command, argc)) return refuse(node, argv[0], "has too few words");
    switch (command->id) {
    case COMMAND_PING:
    case COMMAND_REPLCONF:
        return true;
    case COMMAND_SELECT:
        return on_select(node, argc, argv);
    case COMMAND_MULTI:
        follow->in_multi = true;
        return true;
    case COMMAND_EXEC:
        follow->in_multi = false;
        return true;
    case COMMAND_PUBLISH:
    case COMMAND_SPUBLISH:
        on_publish(follow, command->id == COMMAND_SPUBLISH, argv);
        return true;
    default:
        return on_data(node, command, argc, argv);
    }
}

/* -- bytes ----------------------------------------------------------------------------------- */

static bool take_one(struct node *node) {
    struct follow *follow = node->follow;
    struct resp_limits limits = {
        .inline_bytes = RESP_INLINE_BYTES,
        .multibulk_args = REQUEST_ARGS_MAX,
        .bulk_bytes = engine_proto_max_bulk_len(node->engine),
        .request_bytes = node->settings.max_request_bytes,
        .authenticated = true,
    };
    size_t consumed = 0;
    uint32_t argc;
    const struct slice *argv;
    const char *error = NULL;
    enum resp_parsed parsed = resp_parse_command(
        follow->parser, &limits, buf_slice(&follow->in), &consumed, &argc, &argv, &error);
    if (parsed == RESP_TOO_LARGE || parsed == RESP_BROKEN) {
        log_ready(node);
        follow_fail(node, true, "stopped at offset %llu: %s (max-request-bytes counts here too)",
            (unsigned long long)follow->offset, error);
        return false;
    }
    if (parsed == RESP_INCOMPLETE) return false;
    if (parsed == RESP_COMMAND && !on_command(node, argc, argv)) return false;
    follow->offset += consumed;
    buf_consume(&follow->in, consumed);
    is_ready(follow);
    if (follow->commands.len <= node->settings.max_request_bytes) return true;
    if (follow->n_ready == 0) {
        follow_fail(node, true,
            "stopped at offset %llu: a transaction is larger than max-request-bytes",
            (unsigned long long)follow->offset);
    }
    return follow->n_ready > 0;
}

void follow_stream_consume(struct node *node) {
    struct follow *follow = node->follow;
    while (follow->in.len > 0 && follow_has_room(node) && take_one(node)) {
        if (follow->ready_bytes >= BATCH_BYTES || follow->n_ready >= BATCH_COMMANDS)
            log_ready(node);
    }
    if (follow->state != FOLLOW_STREAM) return; /* it was ended */
    if (follow_has_room(node)) log_ready(node);
    buf_shrink(&follow->in, BATCH_BYTES);
}

/* What is applied counts; what asks for no entry (PING) counts once all before it is applied. */
void follow_stream_ack(struct node *node, bool at_once) {
    struct follow *follow = node->follow;
    if (follow->out == 0 || follow->state != FOLLOW_STREAM) return;
    bool settled = follow->n_in_flight == 0 && follow->n_commands == 0;
    uint64_t offset = settled ? follow->offset : engine_source(node->engine)->offset;
    bool wanted = follow->ack_wanted > 0 && offset >= follow->ack_wanted;
    if (!at_once && !wanted && node->now_us < follow->ack_us) return;
    if (wanted) follow->ack_wanted = 0;
    follow->acked = offset;
    follow->ack_us = node->now_us + ACK_EVERY_US;
    char text[INT_TEXT_MAX + 1];
    text[uint_print(offset, text)] = '\0';
    follow_send(node, 3, (const char *const[]){"REPLCONF", "ACK", text});
}
