/* Clients come, send bytes, and go. */
#include "node/internal.h"

#include <stdio.h>

enum { BLOCKED_INPUT_BYTES = 64 << 10 }; /* read ahead of a blocked client, to see it go */

static void refuse_connection(struct session *session, const char *error) {
    struct reply reply = {&session->output, 2};
    reply_error(&reply, error);
    session->no_more = session->close = true;
    session_changed(session);
}

struct session *session_new(
    struct node *node, uint64_t client, const struct client_origin *origin) {
    struct session *session = sf_alloc_zero(1, sizeof *session);
    session->node = node;
    session->client = client;
    session->id = node->next_session_id++;
    session->parser = resp_parser_new();
    session->proto = 2;
    session->fd = origin->fd;
    session->opened_us = session->last_us = node->now_us;
    snprintf(session->remote, sizeof session->remote, "%s", origin->remote);
    snprintf(session->local, sizeof session->local, "%s", origin->local);
    list_init(&session->pending);
    list_init(&session->in_waiters);
    list_init(&session->in_stopped);
    list_init(&session->in_monitors);
    subscriber_init(&session->subscriber);
    access_session_begins(session);
    list_init(&session->redirected);
    list_push_back(&node->sessions, &session->in_node);
    node->n_sessions++;
    return session;
}

void session_free(struct session *session) {
    LIST_FOR_EACH(link, &session->pending) {
        pending_free(SF_CONTAINER(link, struct pending, in_session));
    }
    session_unsubscribe(session);
    tracking_session_closes(session);
    list_remove(&session->in_node);
    list_remove(&session->in_waiters);
    list_remove(&session->in_stopped);
    list_remove(&session->in_monitors);
    transaction_forget(session);
    session->node->n_sessions--;
    resp_parser_free(session->parser);
    sf_free(session->again);
    buf_free(&session->input);
    buf_free(&session->output);
    buf_free(&session->name);
    buf_free(&session->lib_name);
    buf_free(&session->lib_version);
    sf_free(session);
}

struct session *node_on_client_open(
    struct node *node, uint64_t client, const struct client_origin *origin, int64_t now_us) {
    node->now_us = now_us;
    bool full = node->n_sessions >= node->settings.max_clients;
    struct session *session = session_new(node, client, origin);
    if (full) {
        refuse_connection(session, "ERR max number of clients reached");
    } else if (node->settings.protected_mode && !origin->loopback && access_is_open(node)) {
        refuse_connection(session,
            "DENIED ShardForge is running in protected mode because protected mode is enabled and "
            "no password is set for the default user. Connect from the same machine, or set "
            "requirepass, or turn protected-mode off.");
    }
    return session;
}

void node_on_client_bytes(struct node *node, struct session *session, int64_t now_us) {
    node->now_us = now_us;
    if (session->close_now) return;
    if (list_empty(&session->in_stopped)) session_parse(session); /* else sessions_resume does */
    if (session->input.len > node->settings.query_buffer_limit) {
        node_log(node, LOG_WARNING, "client %s goes beyond client-query-buffer-limit: closed",
            session->remote);
        session->no_more = session->close_now = true;
        session_changed(session);
    }
}

void node_on_client_closed(struct node *node, struct session *session, int64_t now_us) {
    node->now_us = now_us;
    session_free(session);
}

struct buf *session_input(struct session *session) {
    return &session->input;
}
size_t session_wants_bytes(const struct session *session) {
    return resp_parser_wants(session->parser);
}
struct buf *session_output(struct session *session) {
    return &session->output;
}

bool session_wants_read(const struct session *session) {
    bool parses = list_empty(&session->in_stopped) ||
                  (session_is_blocked(session) && session->input.len < BLOCKED_INPUT_BYTES);
    return !session->no_more && !session->close && parses && !session->node->shutting_down;
}

bool session_is_waiting(const struct session *session) {
    if (session_is_blocked(session)) return false;
    return !list_empty(&session->pending) || !list_empty(&session->in_stopped);
}

bool session_wants_close(const struct session *session) {
    return session->close;
}
bool session_must_close_now(const struct session *session) {
    return session->close_now;
}
