/* Clients of this node that wait in the state's queue (DESIGN 7, "Blocked clients").
 *
 * The queue is the engine's; a client's request stands in its session as PENDING_BLOCKED, and the
 * engine holds it as the one to tell. Whatever ends the waiting comes through the log, in whose
 * order it is decided who gets what: a key, the deadline, CLIENT UNBLOCK, the client's end, the
 * silence of this node. */
#include "node/internal.h"

enum {
    SILENCE_US = 100000, /* of a member, then its waiters are taken out (DESIGN 7) */
    PAUSE_US = 15000, /* a turn later than the next heartbeat by that: this node stood still itself,
                         asked nobody, and cannot judge their silence */
};

/* -- our clients ----------------------------------------------------------------------------- */

static bool is_ours(const struct node *node, const struct waiter_place *place) {
    struct incarnation of = {place->node, place->counter, place->nonce};
    return incarnation_equal(of, node->incarnation);
}

static void words_to_end(
    const struct waiter_place *place, const char *how, struct unblock_words *out) {
    uint64_t numbers[5] = {
        place->node, place->counter, place->nonce, place->sequence, place->position};
    out->argv[0] = SLICE("shardforge.unblock");
    for (int i = 0; i < 5; i++)
        out->argv[i + 1] = slice_of(out->text[i], uint_print(numbers[i], out->text[i]));
    out->argv[6] = slice_text(how);
    out->argc = 7;
}

/* Puts the end of a wait into the log; pending: CLIENT UNBLOCK, which is told whether it was that.
 */
static void log_unblock(
    struct node *node, struct pending *pending, const struct waiter_place *place, const char *how) {
    struct unblock_words words;
    words_to_end(place, how, &words);
    stream_add(node, pending, 0, words.argc, words.argv);
    node_wake(node);
}

static void become_blocked(struct pending *pending, const struct waiter_place *place) {
    stream_forget_waiter(pending);
    pending->kind = PENDING_BLOCKED;
    pending->place = *place;
    pending->session->node->n_blocked++;
    session_changed(pending->session); /* its connection may have ended already */
}

static void blocked_ends(struct pending *pending, enum pending_kind kind) {
    SF_ASSERT(pending->kind == PENDING_BLOCKED);
    pending->kind = kind;
    pending->session->node->n_blocked--;
}

void blocked_begin(struct node *node, struct pending *pending, const struct engine_position *at) {
    struct waiter_place place = {
        at->origin.node, at->origin.counter, at->origin.nonce, at->sequence, at->position};
    if (pending == NULL) { /* its client has gone, or was told that the outcome is unknown */
        log_unblock(node, NULL, &place, "gone");
        return;
    }
    bool waits = engine_hold(node->engine, &place, pending);
    SF_ASSERT(waits);
    become_blocked(pending, &place);
}

/* What its session does from now on comes behind its end: a log that holds it may still let it
 * wait, but when a later call is answered it takes nothing any more (DESIGN 6). */
void blocked_give_up(struct pending *write) {
    struct node *node = write->session->node;
    SF_ASSERT(write->kind == PENDING_WRITE && write->batch->given);
    struct waiter_place place = {node->incarnation.node, node->incarnation.counter,
        node->incarnation.nonce, write->batch->sequence, write->position};
    log_unblock(node, NULL, &place, "gone");
    write->session->settle_sequence = node->next_sequence - 1; /* the batch that holds its end */
}

void blocked_drop(struct pending *pending) {
    struct node *node = pending->session->node;
    blocked_ends(pending, PENDING_REPLY);
    if (node->engine == NULL || !is_ours(node, &pending->place)) return;
    if (engine_hold(node->engine, &pending->place, NULL))
        log_unblock(node, NULL, &pending->place, "gone");
}

/* Its end must be seen, and nothing is owed to one that has ended: it waits for somebody else. */
bool session_is_blocked(const struct session *session) {
    const struct list *first = session->pending.next;
    return first != &session->pending &&
           SF_CONTAINER(first, struct pending, in_session)->kind == PENDING_BLOCKED;
}

/* -- what the engine tells ------------------------------------------------------------------- */

static struct reply on_answer_begins(void *context, void *holder) {
    (void)context;
    struct pending *pending = holder;
    struct session *session = pending->session;
    bool silent = pending->mute || session->close_now;
    observe_answer_begins(pending, silent ? NULL : &session->output);
    return (struct reply){silent ? NULL : &session->output, pending->proto};
}

static void on_answer_ends(void *context, void *holder) {
    (void)context;
    struct pending *pending = holder;
    bool silent = pending->mute || pending->session->close_now;
    observe_answer_ends(pending, silent ? NULL : &pending->session->output);
    blocked_ends(pending, PENDING_REPLY);
    session_write_applied(pending->session, pending);
}

/* Queues it, as a new write; deadline_ms 0: as its words say. */
static void queue(struct pending *pending, uint32_t db, int64_t deadline_ms, uint32_t argc,
    const struct slice *argv) {
    struct node *node = pending->session->node;
    char text[INT_TEXT_MAX];
    struct slice *words = sf_alloc(((size_t)argc + 2) * sizeof *words);
    words[0] = SLICE("shardforge.again");
    words[1] = slice_of(text, int_print(deadline_ms, text));
    memcpy(words + 2, argv, argc * sizeof *argv);
    pending->kind = PENDING_WRITE;
    pending->stall_start_us = node->stall_us;
    stream_add(node, pending, db, argc + 2, words);
    sf_free(words);
    node_wake(node);
}

void blocked_queue(struct pending *read) {
    SF_ASSERT(read->kind == PENDING_READ);
    queue(read, read->db, 0, read->argc, read->argv);
}

/* It queues again, with what is left of its deadline. */
static void on_waiter_removed(void *context, void *holder, uint32_t db, int64_t deadline_ms,
    uint32_t argc, const struct slice *argv) {
    (void)context;
    blocked_ends(holder, PENDING_WRITE);
    queue(holder, db, deadline_ms, argc, argv);
}

void blocked_watch(struct node *node, struct engine_watcher *watcher) {
    SF_ASSERT(watcher->context == node);
    watcher->answer_begins = on_answer_begins;
    watcher->answer_ends = on_answer_ends;
    watcher->waiter_removed = on_waiter_removed;
}

/* -- after an installed snapshot ------------------------------------------------------------- */

bool blocked_goes_on(struct pending *write) {
    SF_ASSERT(write->kind == PENDING_WRITE);
    struct node *node = write->session->node;
    struct waiter_place place = {node->incarnation.node, node->incarnation.counter,
        node->incarnation.nonce, write->batch->sequence, write->position};
    if (!engine_hold(node->engine, &place, write)) return false;
    become_blocked(write, &place);
    return true;
}

/* Who waited and is not in the new state's queue was answered or taken out: nobody knows with what.
 */
void blocked_after_snapshot(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (!session_is_blocked(session)) continue;
        struct pending *pending =
            SF_CONTAINER(list_first(&session->pending), struct pending, in_session);
        if (engine_hold(node->engine, &pending->place, pending)) continue;
        struct reply reply = on_answer_begins(node, pending);
        node->n_errors_uncertain++;
        reply_error(&reply, "UNCERTAIN Outcome unknown: this node has caught up by a snapshot");
        on_answer_ends(node, pending);
        session->last_write_index = engine_applied(node->engine); /* no entry is being applied */
    }
}

/* -- the leader: members that are not heard -------------------------------------------------- */

/* When this member's waiters are to be taken out, as far as is known now. */
static int64_t silent_at_us(const struct node *node, const struct peer *peer) {
    int64_t limit =
        SF_MAX((int64_t)SILENCE_US, (int64_t)node->settings.raft.heartbeat_interval_ms * 2000);
    return SF_MAX(peer->last_heard_us, node->waiters_steady_us) + limit;
}

static bool is_lost(const struct node *node, const struct peer *peer, bool first) {
    if (first && peer->last_heard_us < node->campaign_us) return true;
    return node->now_us >= silent_at_us(node, peer);
}

/* The first entry of a leader, the no-op aside, and later ones when somebody falls silent. */
void blocked_lead(struct node *node) {
    int64_t longest_us = PAUSE_US + (int64_t)node->settings.raft.heartbeat_interval_ms * 1000;
    if (node->now_us - node->waiters_pumped_us > longest_us) node->waiters_steady_us = node->now_us;
    node->waiters_pumped_us = node->now_us;
    bool first = node->waiters_term != raft_current_term(node->raft);
    node->waiters_term = raft_current_term(node->raft);
    if (!first && node->waiters_removed_at > engine_applied(node->engine)) return; /* on its way */
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    size_t head = out.len;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        const struct peer *peer = &node->peers[i];
        if (engine_node_waits(node->engine, peer->id) && is_lost(node, peer, first))
            put_u64(&out, peer->id);
    }
    if (out.len > head) {
        struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
        raft_index index = 0;
        enum sf_status status =
            raft_propose(node->raft, ENTRY_WAITERS_REMOVED, payload, node->now_us, &index);
        SF_ASSERT(status == SF_OK); /* leader_pump looked: it leads and hands nothing over */
        node->waiters_removed_at = index;
        bytes_unref(payload);
    }
    buf_free(&out);
}

int64_t blocked_deadline_us(const struct node *node) {
    if (!node_is_leader_serving(node)) return INT64_MAX;
    int64_t deadline = INT64_MAX;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (!engine_node_waits(node->engine, node->peers[i].id)) continue;
        deadline = SF_MIN(deadline, silent_at_us(node, &node->peers[i]));
    }
    return SF_MAX(deadline, node->now_us + 1000);
}

/* -- CLIENT UNBLOCK -------------------------------------------------------------------------- */

/* Where it waits, or will wait once its command is applied; false: it does not. */
static bool waits_at(const struct session *session, struct waiter_place *place) {
    const struct node *node = session->node;
    const struct list *last = session->pending.prev;
    if (last == &session->pending) return false;
    const struct pending *pending = SF_CONTAINER(last, struct pending, in_session);
    if (pending->kind == PENDING_BLOCKED) {
        *place = pending->place;
        return true;
    }
    if (pending->kind != PENDING_WRITE || (pending->command->flags & CMD_BLOCKING) == 0)
        return false;
    if (!pending->batch->given) return false; /* its sequence may still be another */
    *place = (struct waiter_place){node->incarnation.node, node->incarnation.counter,
        node->incarnation.nonce, pending->batch->sequence, pending->position};
    return true;
}

struct unblock {
    uint64_t id;
    const char *how;
};

/* NULL: good; else the error. */
static const char *unblock_parse(uint32_t argc, const struct slice *argv, struct unblock *out) {
    int64_t id;
    bool error = argc == 4 && slice_is(argv[3], "error");
    if (argc == 4 && !error && !slice_is(argv[3], "timeout"))
        return "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
    if (!int_parse(argv[2], &id)) return "ERR value is not an integer or out of range";
    *out = (struct unblock){(uint64_t)id, error ? "error" : "timeout"};
    return NULL;
}

static bool find_waiting(const struct node *node, uint64_t id, struct waiter_place *place) {
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&node->sessions) {
        const struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (session->id == id) return waits_at(session, place);
    }
    return false;
}

bool blocked_unblock_words(
    const struct node *node, uint32_t argc, const struct slice *argv, struct unblock_words *out) {
    struct unblock unblock;
    struct waiter_place place;
    if (argc > 4 || unblock_parse(argc, argv, &unblock) != NULL) return false;
    if (!find_waiting(node, unblock.id, &place)) return false;
    words_to_end(&place, unblock.how, out);
    for (uint32_t i = 2; i < argc; i++) out->argv[out->argc++] = argv[i]; /* for who looks on */
    return true;
}

void local_unblock(struct local_call *call) {
    struct node *node = call->node;
    struct unblock unblock;
    struct waiter_place place;
    if (call->argc > 4) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
        return;
    }
    const char *error = unblock_parse(call->argc, call->argv, &unblock);
    if (error != NULL) {
        reply_error(call->reply, error);
    } else if (call->pending != NULL && find_waiting(node, unblock.id, &place)) {
        call->pending->kind = PENDING_WRITE;
        log_unblock(node, call->pending, &place, unblock.how);
    } else {
        reply_integer(call->reply, 0); /* nobody waited when its transaction began */
    }
}
