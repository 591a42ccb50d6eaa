/* Requests that are answered without having run, or without anybody's knowing whether they did. */
#include "node/internal.h"
#include "node/session_parts.h"

/* -- time-outs ------------------------------------------------------------------------------- */

/* DESIGN 11: what was never given to a leader has not run; what was may have. */
void session_time_out_head(struct session *session) {
    struct node *node = session->node;
    struct pending *head = session_head(session);
    struct reply reply = session_reply_for(head);
    size_t before = session->output.len;
    bool given = head->kind == PENDING_WRITE && head->batch->given;
    if (head->kind == PENDING_WRITE && head->command->id == COMMAND_MIGRATE)
        given = true; /* the target has keys */
    if (given) {
        node->n_errors_uncertain++;
        session->settle_sequence = SF_MAX(session->settle_sequence, head->batch->sequence);
        if ((head->command->flags & CMD_BLOCKING) != 0) blocked_give_up(head);
        reply_errorf(&reply, "UNCERTAIN Write outcome unknown (term %llu index %llu)",
            (unsigned long long)head->batch->given_term,
            (unsigned long long)head->batch->given_index);
    } else {
        char text[320] = "CLUSTERDOWN The cluster has no leader, not executed";
        if (node->skips.held_at != 0) skips_error(node, text, sizeof text);
        if (fence_is_up(node)) fence_error(node, text, sizeof text);
        node->n_errors_unavailable++;
        reply_error(&reply, text);
    }
    observe_lost(head, before, given);
    if (head->kind == PENDING_AGAIN) again_give_up(head);
    pending_free(head);
    session_output_added(session);
}

static void answer_lost_head(struct session *session, struct pending *head) {
    struct node *node = session->node;
    struct reply reply = session_reply_for(head);
    size_t before = session->output.len;
    if (head->kind == PENDING_WRITE) {
        node->n_errors_uncertain++;
        reply_errorf(&reply, "UNCERTAIN Write outcome unknown (term %llu index %llu)",
            (unsigned long long)head->batch->given_term,
            (unsigned long long)head->batch->given_index);
        observe_lost(head, before, true);
    } else if (head->kind == PENDING_READ) {
        node->n_errors_unavailable++;
        reply_error(&reply, "CLUSTERDOWN This node's state moved past its place, not executed");
        observe_lost(head, before, false);
    } else {
        bool answered = session_answer_head(head, true);
        SF_ASSERT(answered); /* nothing that can be held stands before a write: the barrier */
    }
    pending_free(head);
}

void session_answer_lost(struct session *session, uint64_t through) {
    struct pending *last = NULL;
    LIST_FOR_EACH(link, &session->pending) {
        struct pending *pending = SF_CONTAINER(link, struct pending, in_session);
        if (pending->kind != PENDING_WRITE) continue;
        if (pending->batch->sequence <= through) last = pending;
    }
    if (last == NULL) return;
    for (bool done = false; !done;) {
        struct pending *head = session_head(session);
        done = head == last;
        if (done && blocked_goes_on(head)) break;
        answer_lost_head(session, head);
    }
    session_wait_for_turn(session); /* what stands behind */
    session_output_added(session);
}

static void answer_blocked_head(struct session *session, struct pending *head) {
    struct reply reply = session_reply_for(head);
    size_t before = session->output.len;
    session->node->n_errors_uncertain++;
    reply_error(&reply, "UNCERTAIN Write outcome unknown (this node's state differs)");
    observe_lost(head, before, true);
    pending_free(head);
    session_output_added(session);
}

/* This node's state cannot be trusted: what it would make of their commands is told to nobody. */
void sessions_answer_fenced(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        for (struct pending *head; (head = session_head(session)) != NULL;) {
            if (head->kind == PENDING_HELD) break; /* has nothing to do with it */
            if (head->kind == PENDING_BLOCKED) {
                answer_blocked_head(session, head);
            } else if (head->kind == PENDING_WRITE || head->kind == PENDING_READ ||
                       head->kind == PENDING_AGAIN) {
                session_time_out_head(session);
            } else {
                bool answered = session_answer_head(head, true);
                if (!answered) break; /* it is held now, or goes into the log */
                pending_free(head);
            }
        }
        session_wait_for_turn(session);
        session_output_added(session);
    }
}

void sessions_time_out(struct node *node) {
    if (node->stall_us < node->stall_judged_us + STALL_CHECK_US) return;
    node->stall_judged_us = node->stall_us;
    int64_t limit = node->settings.request_timeout_ms * 1000;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        for (struct pending *head = session_head(session); head != NULL;
             head = session_head(session)) {
            if (head->kind == PENDING_HELD || head->kind == PENDING_BLOCKED)
                break;                        /* these have deadlines of their own */
            if (session->drain_paused) break; /* its own client is what it waits for */
            if (node->stall_us - head->stall_start_us < limit) break;
            session_time_out_head(session);
            session_drain(session);
        }
    }
}

void sessions_close_idle(struct node *node) {
    int64_t limit_us = node->settings.client_timeout_s * 1000000;
    if (limit_us <= 0 || node->now_us - node->idle_judged_us < 1000000) return;
    node->idle_judged_us = node->now_us;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (session->n_pending > 0 || node->now_us - session->last_us <= limit_us) continue;
        if (session_is_subscriber(session)) continue; /* it is here to listen */
        session->no_more = session->close_now = true;
        session_changed(session);
    }
}
