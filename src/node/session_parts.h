/* What session.c and session_lost.c share. */
#ifndef SF_NODE_SESSION_PARTS_H
#define SF_NODE_SESSION_PARTS_H

#include "node/internal.h"

struct pending *session_head(struct session *session); /* whose turn it is; NULL: nobody waits */
/* Where the request's reply goes; its out is NULL where the client wants none. */
struct reply session_reply_for(const struct pending *pending);
/* Something was appended to the output: judges its limits, tells the shell. */
void session_output_added(struct session *session);
/* Answers the head if it may be answered now (before_write: just before a write of the session's).
 * false: it waits. */
bool session_answer_head(struct pending *head, bool before_write);

#endif
