/* SLOWLOG: the latest commands of this node's clients that took long to carry out. */
#include "node/internal.h"

enum { ARGC_MAX = 32, WORD_BYTES_MAX = 128, GET_DEFAULT = 10 }; /* what is kept of one */

struct slow_entry {
    struct list in_log;
    uint64_t id;
    int64_t at_s, took_us;
    uint32_t argc;
    struct buf words[ARGC_MAX];
    struct buf remote, name;
};

static void entry_free(struct slow_entry *entry) {
    for (uint32_t i = 0; i < entry->argc; i++) buf_free(&entry->words[i]);
    buf_free(&entry->remote);
    buf_free(&entry->name);
    list_remove(&entry->in_log);
    sf_free(entry);
}

static void log_trim(struct observe *observe, uint64_t max_len) {
    while (observe->n_slow > max_len) {
        entry_free(SF_CONTAINER(list_first(&observe->slow), struct slow_entry, in_log));
        observe->n_slow--;
    }
}

void slowlog_free(struct node *node) {
    log_trim(node->observe, 0);
}

static void keep_word(struct buf *out, struct slice word) {
    buf_append(out, word.data, SF_MIN(word.len, (size_t)WORD_BYTES_MAX));
    if (word.len > WORD_BYTES_MAX)
        buf_printf(out, "... (%zu more bytes)", word.len - WORD_BYTES_MAX);
}

static void keep_words(struct slow_entry *entry, uint32_t argc, const struct slice *argv) {
    entry->argc = SF_MIN(argc, (uint32_t)ARGC_MAX);
    for (uint32_t i = 0; i < entry->argc; i++) {
        if (argc > ARGC_MAX && i == ARGC_MAX - 1) {
            buf_printf(&entry->words[i], "... (%u more arguments)", argc - ARGC_MAX + 1);
        } else {
            keep_word(&entry->words[i], argv[i]);
        }
    }
}

void slowlog_add(struct node *node, const struct observed *ran, int64_t took_us) {
    struct observe *observe = node->observe;
    if ((ran->command->flags & CMD_SKIP_SLOWLOG) != 0) return;
    struct slow_entry *entry = sf_alloc_zero(1, sizeof *entry);
    entry->id = observe->next_slow_id++;
    entry->at_s = node->wall_ms / 1000;
    entry->took_us = took_us;
    struct slice *redacted = observe_redacted(ran->command, ran->argc, ran->argv);
    keep_words(entry, ran->argc, redacted == NULL ? ran->argv : redacted);
    sf_free(redacted);
    buf_append_text(&entry->remote, ran->in_script ? "?:0" : ran->session->remote);
    if (!ran->in_script) buf_append_slice(&entry->name, buf_slice(&ran->session->name));
    list_push_back(&observe->slow, &entry->in_log);
    observe->n_slow++;
    log_trim(observe, node->settings.observe.slowlog_max_len);
}

static void slowlog_get(struct local_call *call) {
    struct observe *observe = call->node->observe;
    int64_t count = GET_DEFAULT;
    if (call->argc > 3) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try SLOWLOG HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
        return;
    }
    if (call->argc == 3 && (!int_parse(call->argv[2], &count) || count < -1)) {
        reply_error(call->reply, "ERR count should be greater than or equal to -1");
        return;
    }
    uint64_t n = count < 0 ? observe->n_slow : SF_MIN((uint64_t)count, observe->n_slow);
    reply_array(call->reply, n);
    for (struct list *link = observe->slow.prev; n > 0; link = link->prev, n--) {
        const struct slow_entry *entry = SF_CONTAINER(link, struct slow_entry, in_log);
        reply_array(call->reply, 6);
        reply_integer(call->reply, (int64_t)entry->id);
        reply_integer(call->reply, entry->at_s);
        reply_integer(call->reply, entry->took_us);
        reply_array(call->reply, entry->argc);
        for (uint32_t i = 0; i < entry->argc; i++)
            reply_bulk(call->reply, buf_slice(&entry->words[i]));
        reply_bulk(call->reply, buf_slice(&entry->remote));
        reply_bulk(call->reply, buf_slice(&entry->name));
    }
}

static const char *const help[] = {"GET [<count>]",
    "    The latest <count> entries (10 without it, all with -1), the newest first. Each is",
    "    id, Unix time, microseconds, arguments, address and name of the client.", "LEN",
    "    How many entries there are.", "RESET", "    Drops them all.", NULL};

void local_slowlog(struct local_call *call) {
    switch (call->command->id) {
    case COMMAND_SLOWLOG_GET:
        slowlog_get(call);
        return;
    case COMMAND_SLOWLOG_LEN:
        reply_integer(call->reply, (int64_t)call->node->observe->n_slow);
        return;
    case COMMAND_SLOWLOG_RESET:
        slowlog_free(call->node);
        reply_status(call->reply, "OK");
        return;
    default:
        reply_help(call->reply, "SLOWLOG", help);
    }
}
