/* MIGRATE: keys to another server. */
#ifndef SF_NODE_MIGRATE_H
#define SF_NODE_MIGRATE_H

#include "node/node.h"

struct pending;

void migrates_free(struct node *node);
void migrates_pump(struct node *node);
int64_t migrates_deadline_us(const struct node *node);
void migrates_drop(struct node *node, struct pending *held); /* its client has gone */
/* The state is another cluster's from now on, or is not to be trusted: what a target acknowledged
 * is nothing to delete by. */
void migrates_leave_state(struct node *node);

bool migrate_on_open(struct node *node, uint64_t out); /* false: not one of these */
bool migrate_on_bytes(struct node *node, uint64_t out, struct slice bytes);
bool migrate_on_closed(struct node *node, uint64_t out, const char *why);

#endif
