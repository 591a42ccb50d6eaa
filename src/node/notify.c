/* Keyspace notifications: what the engine tells while it applies, and reads that found nothing at
 * this node, to this node's subscribers. They wait in the queue of pub/sub (pubsub.c) for the end
 * of the entry: in order, and never in the middle of a reply. */
#include "node/notify.h"

#include "node/internal.h"

static void put_channel(struct buf *out, const char *kind, uint32_t db, struct slice name) {
    buf_clear(out);
    buf_printf(out, "__%s@%u__:", kind, (unsigned)db);
    buf_append_slice(out, name);
}

void notify_event(
    void *context, enum event_class class, const char *name, uint32_t db, struct slice key) {
    struct node *node = context;
    (void)class;
    uint32_t listeners[TOPIC_KINDS];
    pubsub_figures(node, listeners);
    if (listeners[TOPIC_CHANNEL] + listeners[TOPIC_PATTERN] == 0) return;
    uint32_t chosen = engine_event_classes(node->engine);
    struct buf channel = {0};
    if ((chosen & EVENT_KEYSPACE) != 0) {
        put_channel(&channel, "keyspace", db, key);
        pubsub_publish(node, false, buf_slice(&channel), slice_text(name));
    }
    if ((chosen & EVENT_KEYEVENT) != 0) {
        put_channel(&channel, "keyevent", db, slice_text(name));
        pubsub_publish(node, false, buf_slice(&channel), key);
    }
    buf_free(&channel);
}
