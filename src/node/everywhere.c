/* A change of the users is answered once every member that answers has applied it: whoever hears OK
 * knows that the removed password, the taken right and the deleted user are worth nothing at any
 * node from now on. (Requests for data are exact without this: they are checked again where they
 * run. What a node answers by itself is checked by the users that it has applied.)
 *
 *   node -> every member (control)  applied-ask  nonce id index
 *   member -> node       (control)  applied      nonce id, once it has applied that far
 *
 * A member that does not answer within the time is not waited for. */
#include "node/internal.h"

enum { ANSWER_US = 100000 };

struct everywhere {
    struct list in_node;
    uint64_t id;
    struct pending *held;
    int64_t deadline_us;
    raft_id awaited[RAFT_MEMBERS_MAX];
    uint32_t n_awaited;
};

static void everywhere_free(struct everywhere *everywhere) {
    list_remove(&everywhere->in_node);
    sf_free(everywhere);
}

static void finish(struct everywhere *everywhere) {
    held_done(everywhere->held);
    everywhere_free(everywhere);
}

static void ask_members(struct node *node, struct everywhere *everywhere) {
    char text[3][INT_TEXT_MAX];
    uint64_t numbers[3] = {
        node->incarnation.nonce, everywhere->id, engine_applied(node->engine) + 1};
    struct slice words[4] = {SLICE("applied-ask")};
    for (int i = 0; i < 3; i++) words[i + 1] = slice_of(text[i], uint_print(numbers[i], text[i]));
    for (uint32_t i = 0; i < node->n_peers; i++) {
        struct peer *peer = &node->peers[i];
        bool sent = peer_send(node, peer->id, false, SF_LENGTH(words), words);
        if (sent && !peer->silent) everywhere->awaited[everywhere->n_awaited++] = peer->id;
    }
}

void everywhere_hold(struct node *node, struct pending *pending, size_t before) {
    struct session *session = pending->session;
    SF_ASSERT(pending->kind == PENDING_WRITE);
    stream_forget_waiter(pending);
    if (session->output.len > before) {
        struct slice all = buf_slice(&session->output);
        buf_append(&pending->reply, all.data + before, all.len - before);
        buf_truncate(&session->output, before);
    }
    pending->kind = PENDING_HELD;
    session->last_write_index = engine_applied(node->engine) + 1; /* inside the entry */
    struct everywhere *everywhere = sf_alloc_zero(1, sizeof *everywhere);
    everywhere->id = ++node->access.next_change;
    everywhere->held = pending;
    everywhere->deadline_us = node->now_us + ANSWER_US;
    list_init(&everywhere->in_node);
    list_push_back(&node->access.changes, &everywhere->in_node);
    ask_members(node, everywhere);
    if (everywhere->n_awaited == 0) finish(everywhere);
}

void everywhere_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->access.changes) {
        struct everywhere *everywhere = SF_CONTAINER(link, struct everywhere, in_node);
        if (everywhere->held == held) everywhere_free(everywhere);
    }
}

void everywhere_pump(struct node *node) {
    LIST_FOR_EACH(link, &node->access.changes) {
        struct everywhere *everywhere = SF_CONTAINER(link, struct everywhere, in_node);
        if (everywhere->deadline_us <= node->now_us) finish(everywhere);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->access.n_asks; i++) {
        const struct applied_ask *ask = &node->access.asks[i];
        if (node->engine == NULL || engine_applied(node->engine) < ask->index) {
            node->access.asks[kept++] = *ask;
            continue;
        }
        char text[2][INT_TEXT_MAX];
        struct slice words[3] = {SLICE("applied"),
            slice_of(text[0], uint_print(ask->nonce, text[0])),
            slice_of(text[1], uint_print(ask->id, text[1]))};
        peer_send(node, ask->from, false, SF_LENGTH(words), words);
    }
    node->access.n_asks = kept;
}

int64_t everywhere_deadline_us(const struct node *node) {
    if (list_empty(&node->access.changes)) return INT64_MAX;
    return SF_CONTAINER(node->access.changes.next, struct everywhere, in_node)->deadline_us;
}

/* Where too many ask the oldest goes unanswered, and does not wait for long. */
bool everywhere_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    struct applied_ask ask = {.from = from};
    if (argc != 4 || !uint_parse(argv[1], &ask.nonce) || !uint_parse(argv[2], &ask.id) ||
        !uint_parse(argv[3], &ask.index)) {
        return false;
    }
    if (node->access.n_asks == SF_LENGTH(node->access.asks)) {
        node->access.n_asks--;
        memmove(node->access.asks, node->access.asks + 1, node->access.n_asks * sizeof ask);
    }
    node->access.asks[node->access.n_asks++] = ask;
    node_wake(node);
    return true;
}

bool everywhere_on_applied(
    struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t nonce, id;
    if (argc != 3 || !uint_parse(argv[1], &nonce) || !uint_parse(argv[2], &id)) return false;
    if (nonce != node->incarnation.nonce) return true;
    LIST_FOR_EACH(link, &node->access.changes) {
        struct everywhere *everywhere = SF_CONTAINER(link, struct everywhere, in_node);
        for (uint32_t i = 0; everywhere->id == id && i < everywhere->n_awaited; i++) {
            if (everywhere->awaited[i] != from) continue;
            everywhere->awaited[i] = everywhere->awaited[--everywhere->n_awaited];
            if (everywhere->n_awaited == 0) finish(everywhere);
            return true;
        }
    }
    return true;
}
