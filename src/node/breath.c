/* Heartbeats while an entry or a read runs for long: what the shell read from the control links
 * meanwhile (ports->breathe). Everything else waits for its turn, in order. */
#include "node/internal.h"

static void send(struct node *node, struct raft_message *message, int64_t wall_ms) {
    if (message->type == RAFT_HEARTBEAT_ANSWER) message->wall_ms = wall_ms;
    struct buf head = {0};
    struct bytes *body;
    raft_message_encode_head(message, &head, &body);
    SF_ASSERT(body == NULL);
    peer_send_bytes(node, message->to, false, buf_slice(&head));
    buf_free(&head);
}

static bool may_breathe(const struct node *node) {
    return node->raft != NULL && !node->identity_switching && !node->stopped;
}

bool node_link_breathes(const struct node *node, uint64_t number) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &node->links[i];
        if (link->number != number) continue;
        return may_breathe(node) && !link->dialled && !link->cut && link->state == LINK_READY &&
               link->purpose == LINK_CONTROL;
    }
    return false;
}

bool node_on_breath(struct node *node, uint64_t number, uint32_t argc, const struct slice *argv,
    int64_t now_us, int64_t wall_ms) {
    struct link *link = link_find(node, number);
    if (link == NULL || argc == 0 || !node_link_breathes(node, number)) return false;
    bool is_heartbeat = slice_is(argv[0], "heartbeat") || slice_is(argv[0], "heartbeat-answer");
    struct raft_message message, answer = {.to = NOBODY};
    if (!is_heartbeat || raft_message_decode(argc, argv, &message) != SF_OK) return false;
    bool taken = message.from == link->peer && message.to == node->identity.id &&
                 raft_breathe_message(node->raft, &message, now_us, &answer);
    raft_message_clear(&message);
    struct peer *peer = peer_of(node, link->peer);
    if (taken && peer != NULL) peer->last_heard_us = now_us;
    if (taken && answer.to != NOBODY) send(node, &answer, wall_ms);
    return taken;
}

void node_breathe(struct node *node, int64_t now_us) {
    struct raft_message messages[2 * RAFT_MEMBERS_MAX];
    if (!may_breathe(node)) return;
    uint32_t n = raft_breathe(node->raft, now_us, messages, SF_LENGTH(messages));
    for (uint32_t i = 0; i < n; i++) send(node, &messages[i], 0);
}

static void take(void *context) {
    struct node *node = context;
    node->ports.breathe(node->ports.context);
}

void breath_watch(struct node *node, struct engine_watcher *watcher) {
    if (node->ports.breathe != NULL) watcher->breathe = take;
}
