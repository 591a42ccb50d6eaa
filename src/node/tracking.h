/* CLIENT TRACKING: what tracking.c (who is told what) and cmd_tracking.c (the commands) share. */
#ifndef SF_NODE_TRACKING_H
#define SF_NODE_TRACKING_H

#include "node/internal.h"
#include "node/tracked.h"

enum tracking_flags {
    TRACKING_BCAST = 1 << 0,
    TRACKING_OPTIN = 1 << 1,
    TRACKING_OPTOUT = 1 << 2,
    TRACKING_NOLOOP = 1 << 3,
    TRACKING_BROKEN = 1 << 4, /* its redirection's target has gone */
};

/* What a session's tracking is; NULL in the session: off. */
struct tracking_client {
    struct session *session;
    struct list in_tracking;
    struct tracker *tracker; /* its places among the tracked keys */
    uint32_t flags;
    uint64_t redirect;           /* id of who is told instead; 0: nobody */
    struct session *redirect_to; /* NULL: it has gone */
    struct list in_redirected;   /* session->redirected of that one */
    struct list prefixes;        /* struct membership.in_client: BCAST */
};

/* BCAST: keys of that beginning, and who is told of them. */
struct prefix {
    struct list in_tracking;
    struct list members;
    struct buf changed; /* since the last time they were told: u64 writer's id, string key */
    uint64_t n_changed;
    size_t len;
    char text[];
};

struct membership {
    struct list in_prefix, in_client;
    struct prefix *prefix;
    struct tracking_client *client;
};

struct tracking_client *tracking_begin(struct session *session);            /* or what there is */
void tracking_redirect(struct tracking_client *client, struct session *to); /* NULL: to nobody */
void tracking_add_prefix(struct tracking_client *client, struct slice text);

#endif
