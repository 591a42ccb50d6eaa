/* Sending to members, over the links that link.c opens. */
#include "node/internal.h"

struct peer *peer_of(struct node *node, raft_id id) {
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (node->peers[i].id == id) return &node->peers[i];
    }
    return NULL;
}

/* The link in use; 0: there is none now. */
static uint64_t peer_link(struct node *node, raft_id id, bool bulk) {
    struct peer *peer = peer_of(node, id);
    uint64_t number = peer == NULL ? 0 : bulk ? peer->bulk : peer->control;
    if (number == 0) return 0;
    if (node->ports.link_backlog(node->ports.context, number) <= LINK_BACKLOG_MAX) return number;
    /* Closed at the next turn: the core's messages, of which this is one, may refer to what it
     * frees when a link is lost. */
    struct link *link = link_find(node, number);
    node_log(
        node, LOG_WARNING, "node %016llx does not read: its link is cut", (unsigned long long)id);
    if (link != NULL) link->cut = true;
    *(bulk ? &peer->bulk : &peer->control) = 0;
    node_wake(node);
    return 0;
}

bool peer_send_bytes(struct node *node, raft_id id, bool bulk, struct slice bytes) {
    uint64_t number = peer_link(node, id, bulk);
    if (number == 0) return false;
    node->ports.link_send(node->ports.context, number, bytes);
    return true;
}

bool peer_send(struct node *node, raft_id id, bool bulk, uint32_t argc, const struct slice *argv) {
    struct buf out = {0};
    resp_write_command(&out, argc, argv);
    bool sent = peer_send_bytes(node, id, bulk, buf_slice(&out));
    buf_free(&out);
    return sent;
}

bool peer_send_large(
    struct node *node, raft_id id, bool bulk, struct slice head, struct bytes *body) {
    uint64_t number = peer_link(node, id, bulk);
    if (number == 0) return false;
    if (node->ports.link_send_large != NULL) {
        node->ports.link_send_large(node->ports.context, number, head, body, SLICE("\r\n"));
        return true;
    }
    struct buf whole = {0};
    buf_append_slice(&whole, head);
    buf_append_slice(&whole, bytes_slice(body));
    buf_append_text(&whole, "\r\n");
    node->ports.link_send(node->ports.context, number, buf_slice(&whole));
    buf_free(&whole);
    return true;
}
