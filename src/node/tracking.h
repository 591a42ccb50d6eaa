/* CLIENT TRACKING: who is told what (tracking.c), and the commands (cmd_tracking.c). */
#ifndef SF_NODE_TRACKING_H
#define SF_NODE_TRACKING_H

#include "node/tracked.h"
#include "util/buf.h"
#include "util/list.h"

struct node;
struct session;
struct command;

void tracking_open(struct node *node);
void tracking_close(struct node *node);
void tracking_follow_engine(struct node *node); /* node->engine is another one */
void tracking_drop_all(struct node *node);      /* contact or state were lost: so is every cache */
void tracking_pump(struct node *node);
void tracking_end(struct session *session);
void tracking_session_closes(struct session *session);
void tracking_on_changed(void *node, uint32_t db, struct slice key); /* engine_watcher's, too: */
void tracking_on_replaced(void *node, uint32_t db);
void tracking_on_read(
    void *node, const struct command *command, uint32_t argc, const struct slice *argv);
struct tracking_figures {
    uint32_t n_clients, n_prefixes;
    uint64_t n_keys, n_items;
};
struct tracking_figures tracking_figures(const struct node *node);
int64_t tracking_redirection(const struct session *session);      /* as CLIENT LIST shows it */
char *tracking_letters(const struct session *session, char *out); /* CLIENT LIST's flags */

/* -- what the two share ---------------------------------------------------------------------- */

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
