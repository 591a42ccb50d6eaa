/* Who the clients are and what they may do: access.c.
 *
 * A session has a user, and `is_free` where nothing needs to be asked of its requests. Until this
 * node has once been told how far the log goes (settled), its users may be old ones: requests for
 * data wait for a read round first. While the state has no users of its own, those of this node's
 * configuration file count. */
#ifndef SF_NODE_ACCESS_H
#define SF_NODE_ACCESS_H

#include "commands/acl.h"
#include "raft/types.h"
#include "util/list.h"

struct engine_watcher;
struct local_call;
struct node;
struct pending;
struct session;

/* A node's own part. */
struct access {
    struct acl *file;    /* by this node's configuration file */
    bool is_file;        /* it counts: the state has no users yet */
    bool settled;        /* the state is not older than this process */
    bool compared;       /* the file's users with the cluster's */
    struct list denials; /* acl_log.c; the latest first */
    uint64_t n_denials, next_denial;
    uint64_t denied[ACL_DENIED_CHANNEL + 1]; /* counts by verdict */
    struct list changes;                     /* everywhere.c: to be answered */
    uint64_t next_change;
    struct applied_ask {
        raft_id from;
        uint64_t nonce, id;
        raft_index index;
    } asks[64]; /* of members */
    uint32_t n_asks;
    struct pending *changed_by; /* the command that is being applied; its reply begins at */
    size_t changed_at;
};

void access_open(struct node *node);
void access_close(struct node *node);
void access_set_file(struct node *node); /* node->settings say other users */
void access_watch(struct engine_watcher *watcher);
void access_pump(struct node *node);           /* notices what changed but for the users */
void access_replica_closes(struct node *node); /* what it knew of users goes with it */
void access_engine_changed(struct node *node); /* another engine of the same cluster */

const struct acl *node_acl(const struct node *node);
bool access_is_open(const struct node *node); /* the default user needs no password */

void access_session_begins(struct session *session); /* also RESET */
/* AUTH; false: not with that password. Tells the log of denials; word: the command as it was
 * written. */
bool access_log_in(struct session *session, struct slice word, struct slice user,
    struct slice password, bool in_exec);
const struct acl_user *access_user(const struct session *session); /* NULL: he is gone */

/* Of a session that is not free: whether the request may go on. false: it was answered, or it waits
 * for a read round and comes again (session_take_again). */
bool access_admits(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv);
/* AUTH and HELLO: whether it would fail by users that may be old, and waits now or was answered, as
 * above. */
bool access_login_waits(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv);
/* false: the state does not know its user yet, who is one of this node's file. */
bool access_is_known(const struct session *session);
/* What was admitted at claim's revision runs only now, here; false: error says why not. */
bool access_still_admits(struct session *session, const struct acl_claim *claim, bool in_exec,
    const struct command *command, uint32_t argc, const struct slice *argv, struct buf *error);

/* session.c */
void session_wait_again(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv);
void session_answer_refused(
    struct session *session, const struct command *command, struct buf *error);
void session_end(struct session *session); /* its connection is closed: its user is gone */

/* cmd_acl.c */
void local_acl(struct local_call *call);
bool acl_wants_state(const struct command *command);
bool acl_rule_text(void *node, uint32_t rule, struct buf *out); /* engine_watcher's */
/* ACL SETUSER and DELUSER as a command of the log. The array is to be freed; it points into text
 * and argv. */
uint32_t acl_change_words(const struct command *command, uint32_t argc, const struct slice *argv,
    struct buf *text, struct slice **words);
void acl_seed(struct node *node); /* what the file says of users */

/* everywhere.c */
/* The command of a session changed the users; its reply, behind `before` in the output, waits until
 * every member has applied it. */
void everywhere_hold(struct node *node, struct pending *pending, size_t before);
void everywhere_drop(struct node *node, struct pending *held);
void everywhere_pump(struct node *node);
int64_t everywhere_deadline_us(const struct node *node);
bool everywhere_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool everywhere_on_applied(
    struct node *node, raft_id from, uint32_t argc, const struct slice *argv);

/* acl_log.c: ACL LOG, of this node's clients. */
void acl_log_add(struct session *session, enum acl_verdict verdict, const char *context,
    struct slice object, struct slice user);
void acl_log_close(struct node *node);
void local_acl_log(struct local_call *call);
void acl_log_figures(const struct node *node, uint64_t out[ACL_DENIED_CHANNEL + 1]);
void acl_log_reset_figures(struct node *node);

size_t session_bytes(const struct session *session); /* of memory, about */
void session_describe(const struct session *session, struct buf *out); /* cmd_connection.c */

#endif
