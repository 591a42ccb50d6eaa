/* Old copies of data directories that come back: see old_copy.c. */
#ifndef SF_NODE_OLD_COPY_H
#define SF_NODE_OLD_COPY_H

#include "node/internal.h"

/* What this node's own log says of the others' lives, before it is known to be committed. */
void old_copy_open(struct node *node, const struct node_start *start);
void old_copy_close(struct node *node);

const char *old_copy_judge(struct node *node, const struct greeting *theirs); /* NULL: welcome */
void old_copy_found(struct node *node, raft_id id); /* the state says that this member is one */
void old_copy_told(struct node *node, struct slice text);

#endif
