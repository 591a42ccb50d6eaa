/* When a leader gives its leadership away by itself (DESIGN 5): its disk lags behind the others',
 * is full or fails, or the process is to stop; and what a stopping node still finishes. */
#include "node/internal.h"

enum {
    LAG_LIMIT_US = 1000000, /* the others had it synced that much earlier */
    TRY_AGAIN_US = 100000,
    HELD_AGAIN_US = 10000000, /* the others may be no better: not in a circle */
    STOP_LIMIT_US = 2000000,
    STOP_LOOK_US = 5000,
};

static void hand_over(struct node *node, const char *why) {
    if (raft_transferring(node->raft) || node->now_us < node->handover_again_us) return;
    node->handover_again_us = node->now_us + TRY_AGAIN_US;
    if (raft_transfer(node->raft, fence_successor(node), node->now_us) != SF_OK)
        return; /* nobody can take it */
    SF_MARK("handover: a leader gives its leadership away");
    node_log(node, LOG_NOTICE, "hands the leadership over: %s", why);
    node_wake(node); /* its messages leave in the next turn */
}

/* What is committed and not on our own disk was on a majority's before: remembers the first such
 * place, and looks when our disk gets there. */
static bool disk_lags(struct node *node) {
    raft_index synced = raft_synced_index(node->raft), commit = raft_commit_index(node->raft);
    if (node->lag_index == 0 || synced >= node->lag_index) {
        node->lag_index = commit > synced ? commit : 0;
        node->lag_since_us = node->now_us;
    }
    return node->lag_index != 0 && node->now_us - node->lag_since_us >= LAG_LIMIT_US;
}

/* Somebody waits for an answer that does not depend on somebody else's doing. */
static bool is_busy(struct node *node) {
    if (!list_empty(&node->outbox) || node->open_batch != NULL) return true;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        struct list *first = list_first(&session->pending);
        if (first == NULL) continue;
        enum pending_kind kind = SF_CONTAINER(first, struct pending, in_session)->kind;
        if (kind != PENDING_HELD && kind != PENDING_BLOCKED) return true;
    }
    return false;
}

static void stop_when_done(struct node *node) {
    bool late = node->now_us >= node->shutdown_deadline_us;
    bool leads_others =
        raft_leads(node) && configuration_n_voters(raft_configuration(node->raft)) > 1;
    if (!late && leads_others) hand_over(node, "this node is asked to stop");
    if (!late && (leads_others || is_busy(node))) return;
    node->stopped = true;
    node->ports.stop(node->ports.context, 0, "asked to stop");
}

void handover_pump(struct node *node) {
    if (node->stopped) return;
    if (node->shutting_down) {
        stop_when_done(node);
    } else if (!raft_leads(node) || node->identity_switching) {
        node->lag_index = 0;
    } else if (node->storage_state != SF_OK) {
        hand_over(node, "its log cannot be written");
    } else if (node->skips.held_at != 0) {
        hand_over(node, "it applies nothing");
        if (raft_transferring(node->raft)) node->handover_again_us = node->now_us + HELD_AGAIN_US;
    } else if (fence_is_up(node)) {
        hand_over(node, "its state differs from the others'");
    } else if (disk_lags(node)) {
        hand_over(node, "its disk lags behind the others'");
    }
}

int64_t handover_deadline_us(const struct node *node) {
    if (node->shutting_down) return node->now_us + STOP_LOOK_US;
    if (!raft_leads(node)) return INT64_MAX;
    if (node->storage_state != SF_OK || node->skips.held_at != 0 || fence_is_up(node))
        return SF_MAX(node->handover_again_us, node->now_us + 1000);
    if (node->lag_index == 0) return INT64_MAX;
    return SF_MAX(node->lag_since_us + LAG_LIMIT_US, node->now_us + STOP_LOOK_US);
}

/* New requests are read no more; what was read is answered, then the connections close. */
void node_shutdown(struct node *node, int64_t now_us) {
    node->now_us = now_us;
    if (node->shutting_down) return;
    node->shutting_down = true;
    node->shutdown_deadline_us = now_us + STOP_LIMIT_US;
    node->handover_again_us = now_us;
    LIST_FOR_EACH(link, &node->sessions) {
        session_changed(SF_CONTAINER(link, struct session, in_node));
    }
    node_log(node, LOG_NOTICE, "stopping: hands over what it leads, finishes what is in flight");
    node_wake(node);
}
