/* A client's connection: requests in, replies out, in order (DESIGN 3).
 *
 * Requests whose reply is due stand in session->pending in the order of arrival. Only the head is
 * ever answered. Writes are answered by apply; reads once their round allows it, or just before the
 * session's own next write of an entry; local commands when their turn comes. */
#include "node/internal.h"
#include "node/migrate.h"
#include "node/session_parts.h"
#include "node/sync.h"

#include <stdio.h>

/* -- pending requests ------------------------------------------------------------------------ */

size_t argv_bytes(uint32_t argc, const struct slice *argv) {
    size_t bytes = argc * sizeof *argv;
    for (uint32_t i = 0; i < argc; i++) bytes += argv[i].len;
    return bytes;
}

/* Copies argv behind the struct (argc 0: keeps none). */
struct pending *pending_new(struct session *session, enum pending_kind kind,
    const struct command *command, uint32_t argc, const struct slice *argv) {
    size_t size = sizeof(struct pending) + argv_bytes(argc, argv);
    struct pending *pending = sf_alloc(size);
    *pending = (struct pending){
        .session = session,
        .kind = kind,
        .proto = session->proto,
        .mute = session->reply_off || session->reply_skip,
        .caching = session->caching,
        .command = command,
        .claim = session->claim,
        .stall_start_us = session->node->stall_us,
        .db = session->db,
        .bytes = size,
        .argc = argc,
        .argv = (struct slice *)(pending + 1),
    };
    char *at = (char *)(pending->argv + argc);
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len > 0) memcpy(at, argv[i].data, argv[i].len);
        pending->argv[i] = slice_of(at, argv[i].len);
        at += argv[i].len;
    }
    list_push_back(&session->pending, &pending->in_session);
    session->n_pending++;
    session->pending_bytes += size;
    return pending;
}

/* A message to subscribers, whose answer several of a pipeline may await at a time. */
static bool is_publish(const struct command *command) {
    return command != NULL && (command->id == COMMAND_PUBLISH || command->id == COMMAND_SPUBLISH);
}

void pending_free(struct pending *pending) {
    struct session *session = pending->session;
    if (pending->kind == PENDING_WRITE) stream_forget_waiter(pending);
    if (pending->kind == PENDING_BLOCKED) blocked_drop(pending);
    transaction_end_pending(pending);
    if (pending->waited != NULL) observe_forget(pending);
    if (pending->kind == PENDING_HELD && !pending->done) {
        meet_drop(session->node, pending);
        errand_drop(session->node, pending);
        waits_drop(session->node, pending);
        migrates_drop(session->node, pending);
        syncs_drop(session->node, pending);
        pubsub_drop(session->node, pending);
        everywhere_drop(session->node, pending);
        verifies_drop(session->node, pending);
    }
    if (is_publish(pending->command) && pending->kind != PENDING_AGAIN) {
        session->n_publish--;
        if (pending->kind == PENDING_HELD) session->n_publish_held--;
    }
    list_remove(&pending->in_session);
    session->n_pending--;
    session->pending_bytes -= pending->bytes;
    buf_free(&pending->reply);
    sf_free(pending);
}

struct pending *session_head(struct session *session) {
    struct list *first = list_first(&session->pending);
    return first == NULL ? NULL : SF_CONTAINER(first, struct pending, in_session);
}

struct reply session_reply_for(const struct pending *pending) {
    struct session *session = pending->session;
    bool silent = pending->mute || session->close_now;
    return (struct reply){silent ? NULL : &session->output, pending->proto};
}

void session_changed(struct session *session) {
    session->node->ports.client_changed(session->node->ports.context, session->client);
}

static void stop_parsing(struct session *session) {
    if (list_empty(&session->in_stopped)) {
        list_push_back(&session->node->stopped_sessions, &session->in_stopped);
        session_changed(session);
    }
}

void session_wait_for_turn(struct session *session) {
    if (list_empty(&session->in_waiters)) {
        list_push_back(&session->node->waiters, &session->in_waiters);
    }
}

static void judge_output(struct session *session) {
    const struct node *node = session->node;
    const struct output_limit *limit = session_is_subscriber(session)
                                           ? &node->settings.subscriber_output_limit
                                           : &node->settings.output_limit;
    if (session->output.len <= limit->soft_bytes) {
        session->soft_since_us = 0;
    } else if (session->soft_since_us == 0) {
        session->soft_since_us = node->now_us;
    }
    bool soft = session->soft_since_us > 0 && limit->soft_us > 0 &&
                node->now_us - session->soft_since_us > limit->soft_us;
    if (!soft && session->output.len <= limit->hard_bytes) return;
    session->close_now = true;
    session->no_more = true;
}

void session_output_added(struct session *session) {
    judge_output(session);
    session_changed(session);
}

void session_pushed(struct session *session) {
    session_output_added(session);
}

/* -- running --------------------------------------------------------------------------------- */

/* Whether its user lost the right to it while it waited for its turn: then it says so. */
static bool is_denied_now(struct pending *pending) {
    if (access_still_admits(pending->session, &pending->claim, false, pending->command,
            pending->argc, pending->argv, &pending->reply)) {
        return false;
    }
    observe_rejected(pending->session->node, pending->command, buf_slice(&pending->reply));
    pending->kind = PENDING_REPLY;
    return true;
}

static void run_local(struct pending *pending) {
    struct session *session = pending->session;
    bool at_once, holds;
    local_run *run = local_find(pending->command, &at_once, &holds);
    struct reply reply = session_reply_for(pending);
    size_t before = session->output.len;
    if (is_denied_now(pending)) return;
    observe_break(session->node);
    observe_begins(session->node);
    struct local_call call = {
        .node = session->node,
        .session = session,
        .command = pending->command,
        .argc = pending->argc,
        .argv = pending->argv,
        .reply = &reply,
        .pending = pending,
    };
    run(&call);
    /* else it goes on as a write or a read, or was refused, and is counted as such */
    bool begins_later = pending->kind == PENDING_HELD && pending->transaction != NULL;
    if ((pending->kind == PENDING_LOCAL || pending->kind == PENDING_HELD) && !begins_later)
        observe_pending_ran(pending, reply.out, before);
}

/* Before it is its turn, if there is nothing but PUBLISHes before it. */
static void publish_now(struct pending *pending) {
    run_local(pending);
    SF_ASSERT(pending->kind == PENDING_HELD || pending->kind == PENDING_REPLY);
}

static void send_kept(struct pending *pending) {
    struct reply reply = session_reply_for(pending);
    if (reply.out != NULL) buf_append_slice(reply.out, buf_slice(&pending->reply));
}

static bool run_read(struct pending *pending, bool settled, int64_t clock_ms) {
    struct session *session = pending->session;
    struct node *node = session->node;
    struct reply reply = session_reply_for(pending);
    enum engine_query_result result;
    size_t before = session->output.len;
    observe_begins(node);
    engine_note_accesses(node->engine, !session->no_touch);
    engine_count_lookups(node->engine, &node->lookups);
    engine_read_as(node->engine, &pending->claim);
    if (follow_refuses(node) && pending->command->id != COMMAND_DEBUG) {
        reply_error(&reply, TEXT_LOADING); /* half of a dump is no state to show */
        result = QUERY_DONE;
    } else if (transaction_is_read(pending)) {
        result = transaction_read_run(pending, clock_ms, settled, &reply);
    } else if (pending->command->run == NULL) { /* DEBUG DIGEST: local, but of a fresh state */
        run_local(pending);
        if (pending->kind == PENDING_REPLY) {
            send_kept(pending);
            return true;
        }
        return pending->kind == PENDING_READ; /* MIGRATE is answered later */
    } else {
        node->running = pending;
        result = engine_query(node->engine, pending->command, pending->db, pending->argc,
            pending->argv, clock_ms, settled, random_next(&node->random), &reply);
        node->running = NULL;
    }
    engine_count_lookups(node->engine, NULL);
    if (result == QUERY_MUST_WAIT) {
        SF_MARK("reads: a read waits for state time");
        pending->settle_clock_ms = clock_ms;
        pending->tried_ms = engine_now_ms(node->engine);
    }
    if (result == QUERY_DONE) observe_pending_ran(pending, reply.out, before);
    if (result == QUERY_BLOCKS) {
        observe_waits(pending, pending->argc, pending->argv);
        blocked_queue(pending);
    }
    return result == QUERY_DONE;
}

/* A read's clock stays the one it first ran with (S3: a key that it saw due is waited for). Where
 * state time has come to that clock there is nothing left to wait for; stale reads never wait. */
static bool run_read_in_round(struct pending *pending) {
    struct node *node = pending->session->node;
    int64_t clock_ms =
        pending->settle_clock_ms > 0 ? pending->settle_clock_ms : node->runnable_clock_ms;
    bool settled = pending->stale || engine_now_ms(node->engine) >= clock_ms;
    return run_read(pending, settled, clock_ms);
}

/* Answers the head if it may be answered now; false: it has to wait. before_write: the session's
 * next command of the entry being applied comes right after, which settles every read before it. */
bool session_answer_head(struct pending *head, bool before_write) {
    struct session *session = head->session;
    struct node *node = session->node;
    switch (head->kind) {
    case PENDING_WRITE:
    case PENDING_BLOCKED:
        return false;
    case PENDING_READ:
        if (before_write) {
            bool done = run_read(head, true, 0);
            SF_ASSERT(done);
            return true;
        }
        if (!reads_may_run(node, session, head)) return false;
        return run_read_in_round(head);
    case PENDING_LOCAL:
        run_local(head);
        /* it may have become a held one or, for CONFIG SET of the cluster's settings, a write */
        if (head->kind == PENDING_HELD)
            return head->done && session_answer_head(head, before_write);
        if (head->kind == PENDING_REPLY) send_kept(head);
        return head->kind == PENDING_LOCAL || head->kind == PENDING_REPLY;
    case PENDING_REPLY:
        send_kept(head);
        return true;
    case PENDING_AGAIN:
        if (before_write || !reads_may_run(node, session, head)) return false;
        if (!access_is_known(session)) return false;
        again_keep(head);
        return true;
    case PENDING_HELD:
        if (!head->done) return false;
        if (head->transaction != NULL) { /* what it has to know beforehand is there */
            head->kind = PENDING_LOCAL;
            head->done = false;
            return session_answer_head(head, before_write);
        }
        observe_held(node, head->command, buf_slice(&head->reply));
        send_kept(head);
        return true;
    }
    return false;
}

/* PUBLISHes behind one that waits for its answer are sent too. */
static void publish_ahead(struct session *session) {
    LIST_FOR_EACH(link, &session->pending) {
        struct pending *pending = SF_CONTAINER(link, struct pending, in_session);
        if (session->n_publish_held == session->n_publish || !is_publish(pending->command)) return;
        if (pending->kind == PENDING_LOCAL) publish_now(pending);
    }
}

void session_drain(struct session *session) {
    bool any = false;
    session->drain_paused = false;
    observe_break(session->node);
    for (;;) {
        struct pending *head = session_head(session);
        if (head == NULL || head->kind == PENDING_WRITE || head->kind == PENDING_BLOCKED) {
            list_remove(&session->in_waiters);
            break;
        }
        if (session->output.len > SESSION_PENDING_BYTES && !session->close_now) {
            session->drain_paused = true; /* what the client does not read is not made ahead */
            stop_parsing(session);
            session_wait_for_turn(session);
            break;
        }
        if (!session_answer_head(head, false)) {
            if (head->kind == PENDING_HELD) publish_ahead(session);
            session_wait_for_turn(session);
            break;
        }
        pending_free(head);
        judge_output(session);
        any = true;
    }
    if (session_head(session) == NULL && session->barrier) session->barrier = false;
    if (session->again != NULL) again_take(session);
    if (session->quitting && session_head(session) == NULL) session->close = true;
    if (any || session->close) session_output_added(session);
}

void session_drain_before(struct session *session, struct pending *write) {
    for (struct pending *head = session_head(session); head != write;
         head = session_head(session)) {
        bool answered = session_answer_head(head, true);
        SF_ASSERT(answered); /* nothing that can be held stands before a write: the barrier */
        pending_free(head);
        judge_output(session);
    }
}

/* The reply is in the output: takes the write out of the line. */
void session_write_applied(struct session *session, struct pending *write) {
    session->last_write_index = engine_applied(session->node->engine) + 1; /* inside the entry */
    pending_free(write);
    session_wait_for_turn(session); /* what stands behind it, and the flush */
    session_output_added(session);
}

void session_write_lost(struct pending *write) {
    SF_ASSERT(write->kind == PENDING_WRITE);
    struct session *session = write->session;
    stream_forget_waiter(write);
    write->kind = PENDING_REPLY;
    struct reply reply = {&write->reply, write->proto};
    reply_error(&reply, "UNCERTAIN Write outcome unknown (this node left the cluster that had it)");
    session->node->n_errors_uncertain++;
    observe_held(session->node, NULL, buf_slice(&write->reply));
    session_wait_for_turn(session);
}

struct reply held_reply(struct pending *held) {
    SF_ASSERT(held->kind == PENDING_HELD && !held->done);
    return (struct reply){&held->reply, held->proto};
}

void held_done(struct pending *held) {
    held->done = true;
    session_wait_for_turn(held->session);
    node_wake(held->session->node);
}

/* -- requests -------------------------------------------------------------------------------- */

/* Where something that is known at once goes: the output when nothing waits before it. */
static struct reply tail_begin(struct session *session, struct pending **pending) {
    *pending = NULL;
    if (session->reply_off || session->reply_skip) return (struct reply){NULL, session->proto};
    if (list_empty(&session->pending)) return (struct reply){&session->output, session->proto};
    *pending = pending_new(session, PENDING_REPLY, NULL, 0, NULL);
    return (struct reply){&(*pending)->reply, session->proto};
}

static void tail_end(struct session *session, struct pending *pending) {
    if (pending == NULL) {
        session_output_added(session);
    } else {
        session_wait_for_turn(session);
    }
}

static void answer_error(struct session *session, const char *text) {
    struct pending *pending;
    struct reply reply = tail_begin(session, &pending);
    size_t before = reply.out == NULL ? 0 : reply.out->len;
    reply_error(&reply, text);
    if (reply.out != NULL)
        observe_error(
            session->node, slice_of(buf_slice(reply.out).data + before, reply.out->len - before));
    tail_end(session, pending);
}

void session_answer_error(struct session *session, const char *text) {
    answer_error(session, text);
}

void session_answer_status(struct session *session, const char *text) {
    struct pending *pending;
    struct reply reply = tail_begin(session, &pending);
    reply_status(&reply, text);
    tail_end(session, pending);
}

static void on_publish(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct pending *pending = pending_new(session, PENDING_LOCAL, command, argc, argv);
    session->n_publish++;
    bool ahead = session->n_pending > 1 && session->n_publish_held + 1 == session->n_pending;
    if (ahead) publish_now(pending);
    if (session_head(session)->kind != PENDING_HELD || session_head(session)->done)
        session_drain(session);
}

static void on_local(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    if ((command->flags & CMD_NO_AUTH) != 0 && access_login_waits(session, command, argc, argv)) {
        return;
    }
    if (is_publish(command)) {
        on_publish(session, command, argc, argv);
        return;
    }
    bool at_once, holds;
    local_run *run = local_find(command, &at_once, &holds);
    if (run == NULL) {
        answer_error(session, "ERR this command is not offered");
        observe_rejected(session->node, command, SLICE(""));
        return;
    }
    if (!at_once && (holds || !list_empty(&session->pending))) {
        pending_new(session, PENDING_LOCAL, command, argc, argv);
        if (holds) session->barrier = true;
        session_drain(session);
        return;
    }
    bool speaks = command->id == COMMAND_RESET ||
                  (command->id == COMMAND_CLIENT_REPLY && slice_is(argv[2], "on"));
    if (speaks) session->reply_off = session->reply_skip = false; /* its own reply is seen */
    struct pending *pending;
    struct reply reply = tail_begin(session, &pending);
    struct local_call call = {.node = session->node,
        .session = session,
        .command = command,
        .argc = argc,
        .argv = argv,
        .reply = &reply};
    size_t before = reply.out == NULL ? 0 : reply.out->len;
    observe_break(session->node);
    observe_begins(session->node);
    run(&call);
    observe_local_ran(&call, before);
    if (pending != NULL) pending->proto = session->proto;
    tail_end(session, pending);
    if (session->quitting && list_empty(&session->pending)) session->close = true;
}

/* XREAD waits only where it says so. */
static bool may_wait(const struct command *command, uint32_t argc, const struct slice *argv) {
    bool waits = (command->flags & CMD_BLOCKING) != 0 && command_route(command) == ROUTE_WRITE;
    if ((command->flags & CMD_BLOCKING) == 0) return false;
    for (uint32_t i = 1; !waits && i < argc; i++) waits = slice_is(argv[i], "block");
    return waits;
}

static void on_data(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct node *node = session->node;
    bool write = command_route(command) == ROUTE_WRITE;
    char refusal[REFUSAL_BYTES];
    bool stale = !write && session_reads_stale(session);
    bool ends_import = command->id == COMMAND_REPLICAOF || command->id == COMMAND_SLAVEOF;
    if (node_refuses(node, write, stale, refusal) && !(ends_import && follow_refuses(node))) {
        answer_error(session, refusal);
        observe_rejected(node, command, SLICE(""));
        return;
    }
    /* what it sends behind is not parsed before the answer is known */
    if (may_wait(command, argc, argv)) session->barrier = true;
    if (write) {
        struct pending *pending = pending_new(session, PENDING_WRITE, command, 0, NULL);
        stream_add(node, pending, session->db, argc, argv);
        node->n_writes++;
        return;
    }
    struct pending *pending = pending_new(session, PENDING_READ, command, argc, argv);
    node->n_reads++;
    if (stale && node->engine != NULL) {
        pending->stale = true;
        session_drain(session);
    } else {
        reads_add(node, pending);
        session_wait_for_turn(session);
    }
}

/* What a browser would send (cross-protocol scripting): Redis closes such a connection too. */
static bool is_http(struct slice word) {
    return (word.len == 4 && slice_is(word, "post")) || (word.len == 5 && slice_is(word, "host:"));
}

static void request_begins(struct session *session) {
    session->n_commands++;
    session->last_us = session->node->now_us;
    session->reply_skip = session->reply_skip_next;
    session->reply_skip_next = false;
}

/* Refused as a request: no part of a transaction either. */
void session_answer_refused(
    struct session *session, const struct command *command, struct buf *error) {
    observe_rejected(session->node, command, buf_slice(error));
    transaction_refuse(session, command, error);
    struct pending *pending;
    struct reply reply = tail_begin(session, &pending);
    if (reply.out != NULL) buf_append_slice(reply.out, buf_slice(error));
    buf_free(error);
    tail_end(session, pending);
}

static void answer_only_subscribed(struct session *session, const struct command *command) {
    struct buf error = {0};
    struct reply reply = {&error, session->proto};
    reply_errorf(&reply,
        "ERR Can't execute '%.*s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
        "are allowed in this context",
        command->name_len, command->name);
    session_answer_refused(session, command, &error);
}

/* Not answered at once, and about a state as fresh as the request. */
static void on_fresh(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    char refusal[REFUSAL_BYTES];
    bool write = (command->flags & CMD_WRITE) != 0;
    if (node_refuses(session->node, write, false, refusal)) {
        answer_error(session, refusal);
        observe_rejected(session->node, command, SLICE(""));
        return;
    }
    reads_add(session->node, pending_new(session, PENDING_READ, command, argc, argv));
    session->barrier = true;
    session_wait_for_turn(session);
}

static void take(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    char refusal[REFUSAL_BYTES];
    bool shows = command->id == COMMAND_DEBUG && debug_wants_state(session->node, argc, argv);
    bool asks = shows || (acl_wants_state(command) && session->node->engine != NULL);
    if (shows && fence_is_up(session->node)) {
        (void)node_refuses(session->node, false, false, refusal);
        answer_error(session, refusal);
        return;
    }
    if (asks) {
        /* of the end of an entry: no write of this session may stand behind it */
        reads_add(session->node, pending_new(session, PENDING_READ, command, argc, argv));
        session->barrier = true;
        session_wait_for_turn(session);
    } else if (command->id == COMMAND_MIGRATE || command->id == COMMAND_SYNC ||
               command->id == COMMAND_PSYNC) {
        on_fresh(session, command, argc, argv);
    } else if (command_route(command) == ROUTE_LOCAL) {
        on_local(session, command, argc, argv);
    } else {
        on_data(session, command, argc, argv);
    }
}

/* CLIENT CACHING is about the next request that is not another CLIENT, or the next transaction. */
static void caching_passes(struct session *session, const struct command *command) {
    if (!session->caching || session->queue != NULL) return;
    if (strncmp(command->name, "client|", 7) != 0) session->caching = false;
}

static void take_admitted(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    if (!session->is_free && !access_admits(session, command, argc, argv)) return;
    if (!session_may_run_subscribed(session, command)) {
        answer_only_subscribed(session, command);
        return;
    }
    if (!list_empty(&session->in_monitors) && monitor_refuses(command)) {
        struct buf error = {0};
        buf_append_text(&error, "-ERR Replica can't interact with the keyspace\r\n");
        session_answer_refused(session, command, &error);
        return;
    }
    /* inside MULTI nothing fails for such a reason: EXEC waits (DESIGN 11) */
    bool loads = session->node->loading != NULL && session->queue == NULL;
    if (loads && (command->flags & CMD_LOADING) == 0) {
        struct buf error = {0};
        buf_append_text(&error, "-LOADING Redis is loading the dataset in memory\r\n");
        session_answer_refused(session, command, &error);
        return;
    }
    if (!transaction_takes(session, command, argc, argv)) take(session, command, argc, argv);
}

/* A request whose name and number of words are right. */
void session_take(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    take_admitted(session, command, argc, argv);
    caching_passes(session, command); /* whatever became of it: one judged again has kept it */
}

static void session_on_command(struct session *session, uint32_t argc, const struct slice *argv) {
    struct node *node = session->node;
    request_begins(session);
    if (is_http(argv[0])) {
        node_log(node, LOG_WARNING,
            "possible attack: a POST or Host: line from %s, perhaps a browser that somebody else's "
            "page made speak to this port; the connection is closed",
            session->remote);
        session->no_more = session->close_now = true;
        session_changed(session);
        return;
    }
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL ||
        !command_arity_fits(command, argc)) { /* the exact check, with its texts */
        struct buf error = {0};
        struct reply judge = {&error, session->proto};
        const struct command *named = command;
        command = command_check(argc, argv, &judge);
        if (command == NULL) {
            session_answer_refused(session, named, &error);
            return;
        }
        buf_free(&error);
    }
    session->last_command = command;
    session_take(session, command, argc, argv);
}

static bool is_full(const struct session *session) {
    return session->n_pending >= SESSION_PENDING_MAX ||
           session->pending_bytes >= SESSION_PENDING_BYTES || session->barrier ||
           session->output.len > SESSION_PENDING_BYTES || stream_is_full(session->node) ||
           session->node->shutting_down;
}

static void protocol_error(struct session *session, const char *error, bool broken) {
    request_begins(session);
    answer_error(session, error);
    transaction_refuse(session, NULL, NULL);
    if (!broken) return;
    session->no_more = true;
    session->quitting = true;
    buf_clear(&session->input);
    if (list_empty(&session->pending)) session->close = true;
    session_changed(session);
}

/* Nothing held may stand before a write that is being applied: behind a PUBLISH that waits for its
 * answer, only others are taken. */
static bool waits_for_publish(
    const struct session *session, uint32_t argc, const struct slice *argv) {
    return session->n_publish > 0 && !is_publish(command_lookup(argc, argv));
}

void session_parse(struct session *session) {
    struct node *node = session->node;
    while (session->input.len > 0 && !session->no_more) {
        if (is_full(session)) {
            stop_parsing(session);
            return;
        }
        bool known = session->is_admitted;
        struct resp_limits limits = {
            .inline_bytes = 64 * 1024,
            .multibulk_args = known ? REQUEST_ARGS_MAX : 10,
            .bulk_bytes = known ? node->settings.proto_max_bulk_len : 16384,
            .request_bytes = node->settings.max_request_bytes,
            .authenticated = known,
        };
        size_t consumed = 0;
        uint32_t argc;
        const struct slice *argv;
        const char *error = NULL;
        enum resp_parsed parsed = resp_parse_command(
            session->parser, &limits, buf_slice(&session->input), &consumed, &argc, &argv, &error);
        if (parsed == RESP_COMMAND && waits_for_publish(session, argc, argv)) {
            session->barrier = true; /* parsed again when the answers are there */
            stop_parsing(session);
            return;
        }
        if (parsed == RESP_COMMAND && pause_holds(session, argc, argv)) {
            stop_parsing(session);
            return;
        }
        if (parsed == RESP_COMMAND) session_on_command(session, argc, argv);
        if (parsed == RESP_TOO_LARGE) protocol_error(session, error, false);
        if (parsed == RESP_BROKEN) {
            protocol_error(session, error, true);
            return;
        }
        if (session->input.len > 0) buf_consume(&session->input, consumed);
        if (parsed == RESP_INCOMPLETE) break;
    }
    if (session->no_more) buf_clear(&session->input);
    buf_shrink(&session->input, 64 * 1024);
}

static bool may_resume(const struct session *session) {
    return !session->barrier && !session->drain_paused && pause_is_over(session) &&
           session->n_pending <= SESSION_PENDING_MAX / 2 &&
           session->pending_bytes <= SESSION_PENDING_BYTES / 2 && !is_full(session);
}

/* Whether the shell's writing has made room since the turn: nothing else would wake these. */
bool sessions_want_turn(const struct node *node) {
    LIST_FOR_EACH(link, &node->stopped_sessions) {
        const struct session *session = SF_CONTAINER(link, struct session, in_stopped);
        bool has_room = session->output.len <= SESSION_PENDING_BYTES;
        if (may_resume(session) || (session->drain_paused && has_room)) return true;
    }
    return false;
}

/* Sessions that had to stop parsing go on where there is room again. */
void sessions_resume(struct node *node) {
    LIST_FOR_EACH(link, &node->stopped_sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_stopped);
        if (!may_resume(session)) continue;
        list_remove(&session->in_stopped);
        session_changed(session);
        session_parse(session);
        node_wake(node);
    }
}
