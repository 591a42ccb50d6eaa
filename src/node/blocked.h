/* Clients that wait: for a key (blocked.c), for the end of a pause (pause.c). Included by
 * internal.h, where its types are known. */
#ifndef SF_NODE_BLOCKED_H
#define SF_NODE_BLOCKED_H

/* blocked.c */
void blocked_watch(struct node *node, struct engine_watcher *watcher);
void breath_watch(struct node *node, struct engine_watcher *watcher); /* breath.c */
/* A command of ours was applied and waits; pending NULL: its client has gone. */
void blocked_begin(struct node *node, struct pending *pending, const struct engine_position *at);
/* The new state of a snapshot has seen a write: it goes on waiting there; false: it does not. */
bool blocked_goes_on(struct pending *write);
void blocked_give_up(struct pending *write); /* it was given, and its client hears: unknown */
void blocked_after_snapshot(struct node *node);
void blocked_queue(struct pending *read);   /* it found nothing and may wait: into the log */
void blocked_drop(struct pending *pending); /* its client goes */
void blocked_lead(struct node *node);       /* leader: takes out the waiters of silent members */
int64_t blocked_deadline_us(const struct node *node);
void local_unblock(struct local_call *call);
/* CLIENT UNBLOCK in a transaction that is about to begin, as a command of its entry. false: there
 * is nobody to unblock, or its words are bad: it is answered at its place. */
enum { UNBLOCK_ARGC_MAX = 9 };
struct unblock_words {
    uint32_t argc;
    struct slice argv[UNBLOCK_ARGC_MAX];
    char text[5][INT_TEXT_MAX];
};
bool blocked_unblock_words(
    const struct node *node, uint32_t argc, const struct slice *argv, struct unblock_words *out);

/* pause.c */
/* A request that is complete has to wait for the end of the pause; it is parsed again then. */
bool pause_holds(struct session *session, uint32_t argc, const struct slice *argv);
bool pause_is_over(const struct session *session);
int64_t pause_deadline_us(const struct node *node);
void local_pause(struct local_call *call);
void local_unpause(struct local_call *call);

#endif
