/* Who the clients are and what they may do (DESIGN 7, "Access"). */
#include "node/internal.h"

/* -- whose users count ----------------------------------------------------------------------- */

const struct acl *node_acl(const struct node *node) {
    return node->access.is_file ? node->access.file : engine_acl(node->engine);
}

static const struct acl_user *default_user(const struct node *node) {
    return acl_find_id(node_acl(node), ACL_DEFAULT_ID);
}

bool access_is_open(const struct node *node) {
    const struct acl_user *user = default_user(node);
    return acl_user_is_on(user) && !acl_user_needs_password(user);
}

const struct acl_user *access_user(const struct session *session) {
    return acl_find_id(node_acl(session->node), session->user);
}

void access_set_file(struct node *node) {
    struct acl *acl = acl_new();
    struct buf errors = {0};
    struct slice password = slice_text(node->settings.requirepass);
    if (password.len > 0) acl_set_default_password(acl, password);
    if (!acl_text_read(acl, node->settings.users, "users", &errors))
        node_log(node, LOG_WARNING, "%.*s", (int)errors.len, buf_slice(&errors).data);
    buf_free(&errors);
    acl_free(node->access.file);
    node->access.file = acl;
}

static void session_judge(struct session *session) {
    const struct node *node = session->node;
    const struct acl_user *user = access_user(session);
    bool unrestricted = user != NULL && acl_user_is_unrestricted(user);
    bool is_default = session->user == ACL_DEFAULT_ID;
    bool is_known = !node->access.is_file || is_default; /* to the state, by this id */
    session->is_admitted = session->authenticated || access_is_open(node);
    session->is_free = session->is_admitted && unrestricted && node->access.settled && is_known;
    session->claim = (struct acl_claim){
        is_default && unrestricted ? ACL_NOBODY : session->user, acl_revision(node_acl(node))};
}

void access_session_begins(struct session *session) {
    session->user = ACL_DEFAULT_ID;
    session->authenticated = session->node->access.settled && access_is_open(session->node);
    session_judge(session);
}

static void judge_all(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (access_user(session) == NULL) session_end(session);
        session_judge(session);
    }
}

/* The sessions keep their users by name; who has none any more is closed. */
static void switch_to(struct node *node, bool file) {
    const struct acl *before = node_acl(node);
    node->access.is_file = file;
    const struct acl *after = node_acl(node);
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        const struct acl_user *user = acl_find_id(before, session->user);
        if (user != NULL) user = acl_find(after, acl_user_name(user));
        session->user = user == NULL ? ACL_NOBODY : acl_user_id(user);
    }
    judge_all(node);
}

static bool file_counts(const struct node *node) {
    if (node->engine == NULL) return true;
    if (acl_revision(engine_acl(node->engine)) > 0) return false;
    bool plain = acl_revision(node->access.file) == 0;
    bool seeds = node->raft == NULL || raft_configuration(node->raft)->n <= 1;
    return !plain && (seeds || !node->access.settled);
}

/* A member's file seeds nothing: it only tells what this node's operator may believe. */
static void warn_of_difference(struct node *node) {
    bool plain = acl_revision(node->access.file) == 0;
    if (plain || node->access.is_file || node->access.compared) return;
    node->access.compared = true;
    if (acl_same_users(node->access.file, engine_acl(node->engine))) return;
    node_log(node, LOG_WARNING,
        "the users of the cluster are not those of this node's configuration file (user, "
        "requirepass, aclfile): the cluster's count");
}

static void follow_source(struct node *node) {
    bool file = file_counts(node);
    if (file != node->access.is_file) switch_to(node, file);
}

void access_pump(struct node *node) {
    follow_source(node);
    if (node->access.settled || node->engine == NULL) return;
    if (!node_is_leader_serving(node) && node->runnable_round == 0) {
        if (node->rounds_n == 0 && node_serves_data(node)) node->round_wanted = true;
        return;
    }
    node->access.settled = true;
    follow_source(node);
    bool open = access_is_open(node);
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (open) session->authenticated = true; /* as if it came now */
    }
    judge_all(node);
    warn_of_difference(node);
}

/* -- changes --------------------------------------------------------------------------------- */

static bool listens_to_forbidden(const struct session *session, const struct acl_user *user) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++) {
        const struct list *all = &session->subscriber.subscriptions[kind];
        for (const struct list *link = all->next; link != all; link = link->next) {
            const struct subscription *one =
                SF_CONTAINER((struct list *)(uintptr_t)link, struct subscription, in_subscriber);
            if (!acl_may_listen(user, one->topic->name, kind == TOPIC_PATTERN)) return true;
        }
    }
    return false;
}

static void end_forbidden_listeners(
    struct node *node, const struct acl_user *before, const struct acl_user *after) {
    if (acl_channels_grew(before, after)) return;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (session->user != acl_user_id(after) || !session_is_subscriber(session)) continue;
        if (listens_to_forbidden(session, after)) session_end(session);
    }
}

static void on_users_changed(
    void *context, const struct acl_user *before, const struct acl_user *after) {
    struct node *node = context;
    follow_source(node);
    if (node->access.is_file) return; /* an engine that is being loaded */
    if (before != NULL && after != NULL) end_forbidden_listeners(node, before, after);
    judge_all(node);
    struct pending *by = node->running;
    if (by == NULL || by->kind != PENDING_WRITE || by->transaction != NULL) return;
    if (node->access.changed_by == NULL) node->access.changed_at = by->session->output.len;
    node->access.changed_by = by;
}

void access_engine_changed(struct node *node) {
    follow_source(node);
    judge_all(node);
}

void access_replica_closes(struct node *node) {
    if (node->engine == NULL) return;
    if (!node->access.is_file) switch_to(node, true);
    node->access.settled = node->access.compared = false;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        session_judge(session);
        LIST_FOR_EACH(other, &session->pending) { /* ids of this cluster mean nothing elsewhere */
            struct pending *pending = SF_CONTAINER(other, struct pending, in_session);
            if (pending->claim.id <= ACL_DEFAULT_ID) continue;
            if (pending->kind == PENDING_WRITE) session_write_lost(pending);
            pending->claim = (struct acl_claim){UINT64_MAX, UINT64_MAX}; /* of who is nowhere */
        }
    }
}

static void on_denied(void *context, const struct command_denied *denied) {
    struct node *node = context;
    if (node->running == NULL) return; /* its client is another node's, or has gone */
    acl_log_add(node->running->session, (enum acl_verdict)denied->verdict,
        denied->in_script ? "lua"
        : denied->in_exec ? "multi"
                          : "toplevel",
        denied->object, denied->user);
}

void access_watch(struct engine_watcher *watcher) {
    watcher->users_changed = on_users_changed;
    watcher->denied = on_denied;
    watcher->rule_text = acl_rule_text;
}

/* -- requests -------------------------------------------------------------------------------- */

/* Whether a read round can still tell that the users here are old. */
static bool may_ask(const struct session *session) {
    const struct node *node = session->node;
    char refusal[REFUSAL_BYTES];
    return !session->came_again && node->running == NULL && node->loading == NULL &&
           !node_refuses(node, false, false, refusal);
}

/* Whether the users here may be old, and it cannot be asked now: what they forbid is not refused
 * for good. A node that was never of a cluster has its file's users alone. */
static bool cannot_know(const struct session *session, struct buf *error) {
    const struct node *node = session->node;
    char refusal[REFUSAL_BYTES] = TEXT_LOADING;
    if (session->came_again || node->running != NULL) return false;
    if (node->loading == NULL &&
        (node->identity.state == IDENTITY_FRESH || !node_refuses(node, false, false, refusal)))
        return false;
    buf_printf(error, "-%s\r\n", refusal);
    return true;
}

static enum acl_verdict check(const struct session *session, const struct command *command,
    uint32_t argc, const struct slice *argv, uint32_t *at) {
    const struct acl_user *user = acl_restricted(node_acl(session->node), session->user);
    return acl_check(user, command, argc, argv, at);
}

/* The reply, and the log of denials. */
static void denial_print(struct session *session, enum acl_verdict verdict, const char *context,
    const struct command *command, struct slice object, struct buf *out) {
    const struct acl_user *user = acl_restricted(node_acl(session->node), session->user);
    acl_log_add(session, verdict, context, object, acl_user_name(user));
    struct buf text = {0};
    struct reply reply = {out, session->proto};
    buf_append_text(&text, "NOPERM ");
    acl_denial_print(&text, verdict, user, command, object, false);
    reply_errorf(&reply, "%.*s", (int)text.len, buf_slice(&text).data);
    buf_free(&text);
}

static struct slice object_of(enum acl_verdict verdict, const struct command *command,
    const struct slice *argv, uint32_t at) {
    return verdict == ACL_DENIED_COMMAND ? slice_of(command->name, command->name_len) : argv[at];
}

bool access_is_known(const struct session *session) {
    return !session->node->access.is_file || session->user <= ACL_DEFAULT_ID;
}

/* Local commands that become one of the log. */
static bool is_logged(const struct command *command) {
    return command->id == COMMAND_ACL_SETUSER || command->id == COMMAND_ACL_DELUSER ||
           command->id == COMMAND_ACL_LOAD || command->id == COMMAND_CONFIG_SET;
}

bool access_admits(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    const struct node *node = session->node;
    struct buf error = {0};
    uint32_t at;
    if (!session->is_admitted && (command->flags & CMD_NO_AUTH) == 0) {
        buf_append_text(&error, "-NOAUTH Authentication required.\r\n");
        session_answer_refused(session, command, &error);
        return false;
    }
    enum command_route route = command_route(command);
    bool queued = session->queue != NULL; /* waits for nothing before EXEC (DESIGN 11) */
    bool of_state = (route != ROUTE_LOCAL && !queued) || command->id == COMMAND_EXEC;
    bool stale = route == ROUTE_READ && session_reads_stale(session) && node->engine != NULL;
    bool unknown = !access_is_known(session);
    bool asks = !stale && ((of_state && !node->access.settled) ||
                              (unknown && (of_state || is_logged(command))));
    enum acl_verdict verdict = check(session, command, argc, argv, &at);
    if ((verdict != ACL_ALLOWED || asks) && may_ask(session)) {
        session_wait_again(session, command, argc, argv);
        return false;
    }
    if (verdict == ACL_ALLOWED) return true;
    if (!cannot_know(session, &error))
        denial_print(session, verdict, session->queue != NULL ? "multi" : "toplevel", command,
            object_of(verdict, command, argv, at), &error);
    session_answer_refused(session, command, &error);
    return false;
}

bool access_still_admits(struct session *session, const struct acl_claim *claim, bool in_exec,
    const struct command *command, uint32_t argc, const struct slice *argv, struct buf *error) {
    uint32_t at;
    if (SF_LIKELY(claim->revision == session->claim.revision)) return true;
    enum acl_verdict verdict = check(session, command, argc, argv, &at);
    if (verdict == ACL_ALLOWED) return true;
    denial_print(session, verdict, in_exec ? "multi" : "toplevel", command,
        object_of(verdict, command, argv, at), error);
    return false;
}

/* -- AUTH ------------------------------------------------------------------------------------ */

static const struct acl_user *who_logs_in(
    const struct session *session, struct slice name, struct slice password) {
    const struct acl_user *user = acl_find(node_acl(session->node), name);
    return user != NULL && acl_user_accepts(user, password) ? user : NULL;
}

bool access_log_in(struct session *session, struct slice word, struct slice name,
    struct slice password, bool in_exec) {
    const struct acl_user *user = who_logs_in(session, name, password);
    if (user == NULL) {
        acl_log_add(session, ACL_DENIED_AUTH, in_exec ? "multi" : "toplevel", word, name);
        return false;
    }
    session->user = acl_user_id(user);
    session->authenticated = true;
    session_judge(session);
    return true;
}

bool access_login_waits(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct slice name = SLICE("default"), password;
    bool found = false;
    struct buf error = {0};
    if (session->queue != NULL) return false;
    if (command->id == COMMAND_AUTH && argc <= 3) {
        if (argc == 3) name = argv[1];
        password = argv[argc - 1];
        found = argc == 3 || acl_user_needs_password(default_user(session->node));
    }
    for (uint32_t i = 2; command->id == COMMAND_HELLO && !found && i + 2 < argc; i++) {
        found = slice_is(argv[i], "auth");
        name = argv[i + 1];
        password = argv[i + 2];
    }
    if (!found || who_logs_in(session, name, password) != NULL) return false;
    if (may_ask(session)) {
        session_wait_again(session, command, argc, argv);
        return true;
    }
    if (!cannot_know(session, &error)) return false;
    session_answer_refused(session, command, &error);
    return true;
}

/* -- life ------------------------------------------------------------------------------------ */

void access_open(struct node *node) {
    node->access.is_file = true;
    access_set_file(node);
}

void access_close(struct node *node) {
    acl_log_close(node);
    acl_free(node->access.file);
}
