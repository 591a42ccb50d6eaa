/* Keyspace notifications (notify.c). */
#ifndef SF_NODE_NOTIFY_H
#define SF_NODE_NOTIFY_H

#include "commands/events.h"

/* engine_watcher's event; context: the node. */
void notify_event(
    void *context, enum event_class class, const char *name, uint32_t db, struct slice key);

#endif
