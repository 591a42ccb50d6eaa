/* MONITOR: every command of this node's clients, told to those who asked.
 *
 * A line is made once and gathered in observe->feed; the monitors get what was gathered at the end
 * of the turn, or earlier between two commands, never inside a reply. */
#include "node/internal.h"

enum { FEED_BYTES = 64 << 10 };

static void put_quoted(struct buf *out, struct slice word) {
    buf_append_char(out, '"');
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.data[i];
        const char *at = strchr("\n\r\t\a\b", c);
        if (c == '"' || c == '\\') {
            buf_append_char(out, '\\');
            buf_append_char(out, (char)c);
        } else if (c != '\0' && at != NULL) {
            static const char *const escapes[] = {"\\n", "\\r", "\\t", "\\a", "\\b"};
            buf_append_text(out, escapes[at - strchr("\n\r\t\a\b", '\n')]);
        } else if (c >= ' ' && c <= '~') {
            buf_append_char(out, (char)c);
        } else {
            buf_printf(out, "\\x%02x", c);
        }
    }
    buf_append_char(out, '"');
}

bool monitor_refuses(const struct command *command) {
    return (command->flags & (CMD_WRITE | CMD_READ)) != 0 || command->id == COMMAND_PUBLISH ||
           command->id == COMMAND_SPUBLISH;
}

void monitor_feed(struct node *node, const struct observed *ran) {
    bool is_hidden = (ran->command->flags & (CMD_SKIP_MONITOR | CMD_ADMIN)) != 0;
    if (is_hidden && !observe_is_script(ran->command)) return;
    struct buf *out = &node->observe->feed;
    buf_printf(out, "+%lld.%06lld [%u %s]", (long long)(node->wall_ms / 1000),
        (long long)(node->wall_ms % 1000 * 1000 + node->now_us % 1000), ran->db,
        ran->in_script ? "lua" : ran->session->remote);
    struct slice *redacted = observe_redacted(ran->command, ran->argc, ran->argv);
    const struct slice *words = redacted == NULL ? ran->argv : redacted;
    for (uint32_t i = 0; i < ran->argc; i++) {
        buf_append_char(out, ' ');
        put_quoted(out, words[i]);
    }
    sf_free(redacted);
    buf_append_text(out, "\r\n");
}

void monitor_flush(struct node *node) {
    struct observe *observe = node->observe;
    LIST_FOR_EACH(link, &observe->monitors) {
        struct session *session = SF_CONTAINER(link, struct session, in_monitors);
        if (session->close || session->close_now || session->reply_off) continue;
        buf_append_slice(&session->output, buf_slice(&observe->feed));
        session_pushed(session);
    }
    buf_clear(&observe->feed);
    buf_shrink(&observe->feed, FEED_BYTES);
}

void monitor_pace(struct node *node) {
    if (node->observe->feed.len > FEED_BYTES) monitor_flush(node);
}

void local_monitor(struct local_call *call) {
    struct session *session = call->session;
    if (call->node->running != NULL) { /* inside a transaction */
        reply_error(call->reply, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (!list_empty(&session->in_monitors)) return; /* Redis says nothing either */
    monitor_flush(call->node);
    list_push_back(&call->node->observe->monitors, &session->in_monitors);
    reply_status(call->reply, "OK");
}
