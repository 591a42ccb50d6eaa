/* SYNC: a dump of everything for `redis-cli --rdb`. */
#ifndef SF_NODE_SYNC_H
#define SF_NODE_SYNC_H

#include "node/node.h"

struct pending;

void syncs_pump(struct node *node);
int64_t syncs_deadline_us(const struct node *node);
void syncs_leave_engine(struct node *node);               /* the state that is being dumped goes */
void syncs_drop(struct node *node, struct pending *held); /* its client has gone */
void syncs_free(struct node *node);

#endif
