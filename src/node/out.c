/* Connections of other kinds: whose each of them is. */
#include "node/internal.h"
#include "node/migrate.h"

void node_on_out_open(struct node *node, uint64_t out, int64_t now_us) {
    node->now_us = now_us;
    if (!follow_on_open(node, out)) (void)migrate_on_open(node, out);
    node_wake(node);
}

void node_on_out_bytes(struct node *node, uint64_t out, struct slice bytes, int64_t now_us) {
    node->now_us = now_us;
    if (!follow_on_bytes(node, out, bytes)) (void)migrate_on_bytes(node, out, bytes);
    node_wake(node);
}

void node_on_out_closed(struct node *node, uint64_t out, const char *why, int64_t now_us) {
    node->now_us = now_us;
    if (!follow_on_closed(node, out, why)) (void)migrate_on_closed(node, out, why);
    node_wake(node);
}
