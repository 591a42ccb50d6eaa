/* MULTI, EXEC, DISCARD, WATCH, UNWATCH: what a session keeps until EXEC, and how EXEC runs.
 *
 * MULTI and what follows is queued here, encoded as it will stand in the log, and answered at once:
 * no trouble of the cluster shows before EXEC. WATCH is a read that remembers revisions. EXEC with
 * a write is one command of the session's share of the batch (engine/entry.h); of reads alone, or
 * of nothing but with watches, one read; else a local command. The queue's local commands (SELECT,
 * PING ...) stay here, and run at their places when the engine comes to them. */
#include "node/internal.h"

enum { ASKS_MAX = 64 }; /* PUBSUB in one transaction: each asks all nodes, and its answer is kept */

#define TEXT_EXECABORT "EXECABORT Transaction discarded because of previous errors."

struct watch {
    uint64_t hash, revision;
    uint32_t db;
    uint32_t key_len;
    char key[];
};

/* The keys of one session's next EXEC. Shared by the session and by its WATCHes that have not run
 * yet: after UNWATCH those fill a set that nobody will look at. */
struct watches {
    uint32_t n_refs;
    uint32_t n_open; /* WATCHes that have not run yet */
    bool failed;     /* one of them was answered with an error: EXEC must not run unguarded */
    bool lost;       /* the state that it was about is gone: everything counts as changed */
    struct hash_secret secret;
    struct watch **slots; /* open addressing; cap is a power of two, or 0 */
    uint32_t cap, n;
    size_t bytes;
};

struct transaction {
    bool failed; /* a command was refused: EXEC will be */
    bool started;
    bool writes, reads; /* has commands of that kind */
    uint32_t n_commands, n_local;
    uint32_t n_asks; /* local ones that have to hear the other nodes first (PUBSUB) */
    bool asked;
    bool unblocks;     /* CLIENT UNBLOCK is among the local ones: see resolve_unblocks */
    uint64_t revision; /* of the users, when it began: what was queued was admitted then or later */
    uint32_t db;       /* where the next queued command runs: SELECT is followed */
    struct buf commands; /* as in an entry; local ones void */
    struct buf local;    /* the local ones, with their places where the db would stand */
    struct watches *watches;
    struct buf watch_words; /* once started: as in an entry */
    struct command_reader places;
};

/* -- watched keys ---------------------------------------------------------------------------- */

static struct watches *watches_new(struct node *node) {
    struct watches *watches = sf_alloc_zero(1, sizeof *watches);
    watches->n_refs = 1;
    watches->secret = (struct hash_secret){random_next(&node->random), random_next(&node->random)};
    return watches;
}

static void watches_release(struct watches **reference) {
    struct watches *watches = *reference;
    *reference = NULL;
    if (watches == NULL || --watches->n_refs > 0) return;
    for (uint32_t i = 0; i < watches->cap; i++) sf_free(watches->slots[i]);
    sf_free(watches->slots);
    sf_free(watches);
}

static bool watch_is(const struct watch *watch, uint64_t hash, uint32_t db, struct slice key) {
    return watch->hash == hash && watch->db == db &&
           slice_equal(slice_of(watch->key, watch->key_len), key);
}

static uint32_t watches_place(
    const struct watches *watches, uint64_t hash, uint32_t db, struct slice key) {
    uint32_t at = (uint32_t)hash & (watches->cap - 1);
    while (watches->slots[at] != NULL && !watch_is(watches->slots[at], hash, db, key)) {
        at = (at + 1) & (watches->cap - 1);
    }
    return at;
}

static void watches_grow(struct watches *watches) {
    struct watches old = *watches;
    watches->cap = old.cap == 0 ? 8 : old.cap * 2;
    watches->slots = sf_alloc_zero(watches->cap, sizeof(struct watch *));
    for (uint32_t i = 0; i < old.cap; i++) {
        struct watch *watch = old.slots[i];
        if (watch == NULL) continue;
        struct slice key = slice_of(watch->key, watch->key_len);
        watches->slots[watches_place(watches, watch->hash, watch->db, key)] = watch;
    }
    sf_free(old.slots);
}

/* A key that is watched already keeps the revision that it had first. */
static void watches_add(struct watches *watches, uint32_t db, struct slice key, uint64_t revision) {
    if (4 * (watches->n + 1) > 3 * watches->cap) watches_grow(watches);
    uint64_t hash = hash_keyed(&watches->secret, key) + db;
    uint32_t at = watches_place(watches, hash, db, key);
    if (watches->slots[at] != NULL) return;
    struct watch *watch = sf_alloc(sizeof *watch + key.len);
    *watch = (struct watch){hash, revision, db, (uint32_t)key.len};
    if (key.len > 0) memcpy(watch->key, key.data, key.len);
    watches->slots[at] = watch;
    watches->n++;
    watches->bytes += sizeof *watch + key.len;
}

static void watches_encode(const struct watches *watches, struct buf *out) {
    for (uint32_t i = 0; i < watches->cap; i++) {
        const struct watch *watch = watches->slots[i];
        if (watch == NULL) continue;
        struct watch_words words = {
            watch->db, slice_of(watch->key, watch->key_len), watch->revision};
        watch_put(out, &words);
    }
}

static void on_watch(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    char refusal[REFUSAL_BYTES];
    if (session->watches == NULL) session->watches = watches_new(session->node);
    if (node_refuses(session->node, false, false, refusal)) {
        session->watches->failed = true;
        session_answer_error(session, refusal);
        observe_rejected(session->node, command, SLICE(""));
        return;
    }
    struct pending *pending = pending_new(session, PENDING_READ, command, argc, argv);
    pending->watches = session->watches;
    pending->watches->n_refs++;
    pending->watches->n_open++;
    reads_add(session->node, pending);
    session_drain(session);
}

static enum engine_query_result watch_run(
    struct pending *pending, int64_t clock_ms, bool settled, struct reply *reply) {
    struct node *node = pending->session->node;
    struct watches *watches = pending->watches;
    for (uint32_t i = 1; i < pending->argc; i++) {
        uint64_t revision;
        struct slice key = pending->argv[i];
        if (engine_revision(node->engine, pending->db, key, clock_ms, settled, &revision) ==
            QUERY_MUST_WAIT) {
            return QUERY_MUST_WAIT; /* those before stay: an earlier revision guards as well */
        }
        if (watches->bytes + key.len > node->settings.max_request_bytes) {
            reply_error(reply, "ERR more keys are watched than fit into max-request-bytes");
            return QUERY_DONE; /* counts as failed */
        }
        watches_add(watches, pending->db, key, revision);
    }
    reply_status(reply, "OK");
    watches->n_open--;
    watches_release(&pending->watches);
    return QUERY_DONE;
}

void local_unwatch(struct local_call *call) {
    watches_release(&call->session->watches);
    reply_status(call->reply, "OK");
}

/* -- the queue ------------------------------------------------------------------------------- */

static struct transaction *transaction_new(const struct session *session) {
    struct transaction *transaction = sf_alloc_zero(1, sizeof *transaction);
    transaction->db = session->db;
    transaction->revision = session->claim.revision;
    return transaction;
}

static void transaction_free(struct transaction *transaction) {
    if (transaction == NULL) return;
    watches_release(&transaction->watches);
    command_reader_free(&transaction->places);
    buf_free(&transaction->commands);
    buf_free(&transaction->local);
    buf_free(&transaction->watch_words);
    sf_free(transaction);
}

static size_t queue_bytes(const struct transaction *transaction) {
    return transaction->commands.len + transaction->local.len;
}

static void queue_refuse(struct session *session, const char *error) {
    session->queue->failed = true;
    session_answer_error(session, error);
    observe_rejected(session->node, session->last_command, SLICE(""));
}

/* What an own place may hold: nothing that is answered later. */
static bool may_be_queued(const struct command *command) {
    bool at_once, holds;
    if ((command->flags & CMD_NO_MULTI) != 0) return false;
    if (command_route(command) != ROUTE_LOCAL) return true;
    local_run *run = local_find(command, &at_once, &holds);
    if (run == NULL) return false;
    switch (command->id) {
    case COMMAND_ACL_DELUSER:
    case COMMAND_ACL_SETUSER:
    case COMMAND_CLIENT_PAUSE:
    case COMMAND_CLIENT_UNBLOCK:
    case COMMAND_CONFIG_SET:
    case COMMAND_PUBLISH:
    case COMMAND_PUBSUB_CHANNELS:
    case COMMAND_PUBSUB_NUMPAT:
    case COMMAND_PUBSUB_NUMSUB:
    case COMMAND_PUBSUB_SHARDCHANNELS:
    case COMMAND_PUBSUB_SHARDNUMSUB:
    case COMMAND_SPUBLISH:
    case COMMAND_SUBSCRIBE:
    case COMMAND_PSUBSCRIBE:
    case COMMAND_SSUBSCRIBE:
    case COMMAND_UNSUBSCRIBE:
    case COMMAND_PUNSUBSCRIBE:
    case COMMAND_SUNSUBSCRIBE:
    case COMMAND_WAIT:
    case COMMAND_WAITAOF:
        return true; /* these have a form that is answered at once */
    default:
        return !holds;
    }
}

static void queue_data(struct transaction *transaction, enum command_route route, uint32_t db,
    uint32_t argc, const struct slice *argv) {
    entry_put_command(&transaction->commands, db, argc, argv);
    if (route == ROUTE_WRITE) {
        transaction->writes = true;
    } else {
        transaction->reads = true;
    }
}

static void queue_local(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct transaction *transaction = session->queue;
    if (pubsub_asks(command, argc, argv)) transaction->n_asks++;
    if (command->id == COMMAND_CLIENT_UNBLOCK) transaction->unblocks = true;
    entry_put_void_command(&transaction->commands);
    entry_put_command(&transaction->local, transaction->n_commands, argc, argv);
    transaction->n_local++;
}

static bool queue_setting(struct session *session, uint32_t argc, const struct slice *argv) {
    struct slice *words;
    struct buf names = {0};
    uint32_t n;
    if (!config_set_as_entry(session->node, argc, argv, &n, &words, &names)) return false;
    queue_data(session->queue, ROUTE_WRITE, 0, n, words);
    buf_free(&names);
    sf_free(words);
    return true;
}

static void queue_users(struct transaction *transaction, const struct command *command,
    uint32_t argc, const struct slice *argv) {
    struct slice *words;
    struct buf text = {0};
    uint32_t n = acl_change_words(command, argc, argv, &text, &words);
    queue_data(transaction, ROUTE_WRITE, 0, n, words);
    buf_free(&text);
    sf_free(words);
}

/* A message inside a transaction goes out with it, at every node (DESIGN 7). */
static void queue_publish(struct transaction *transaction, bool shard, const struct slice *argv) {
    struct slice words[4] = {
        SLICE("shardforge.publish"), shard ? SLICE("shard") : SLICE("channel"), argv[1], argv[2]};
    queue_data(transaction, ROUTE_WRITE, transaction->db, 4, words);
}

static void follow_select(struct session *session, struct slice number) {
    int64_t db;
    if (int_parse(number, &db) && db >= 0 && db < session->node->settings.databases) {
        session->queue->db = (uint32_t)db;
    }
}

static void queue_command(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct transaction *transaction = session->queue;
    if (!may_be_queued(command)) {
        queue_refuse(session, "ERR Command not allowed inside a transaction");
        return;
    }
    if (transaction->failed) { /* it will not run: nothing is kept for it */
        session_answer_status(session, "QUEUED");
        return;
    }
    enum command_route route = command_route(command);
    if (route != ROUTE_LOCAL) {
        queue_data(transaction, route, transaction->db, argc, argv);
    } else if (command->id == COMMAND_PUBLISH || command->id == COMMAND_SPUBLISH) {
        queue_publish(transaction, command->id == COMMAND_SPUBLISH, argv);
    } else if (command->id == COMMAND_ACL_SETUSER || command->id == COMMAND_ACL_DELUSER) {
        queue_users(transaction, command, argc, argv);
    } else if (command->id != COMMAND_CONFIG_SET || !queue_setting(session, argc, argv)) {
        queue_local(session, command, argc, argv);
    }
    if (command->id == COMMAND_SELECT) follow_select(session, argv[1]);
    transaction->n_commands++;
    if (transaction->n_asks > ASKS_MAX) {
        queue_refuse(session, "ERR a transaction with more than 64 PUBSUB, not executed");
        return;
    }
    if (queue_bytes(transaction) > session->node->settings.max_request_bytes ||
        transaction->n_commands > TRANSACTION_COMMANDS_MAX) {
        buf_free(&transaction->commands);
        buf_free(&transaction->local);
        queue_refuse(session, "ERR transaction larger than max-request-bytes, not executed");
        return;
    }
    session_answer_status(session, "QUEUED");
}

/* -- EXEC ------------------------------------------------------------------------------------ */

static void answer_instead(struct pending *pending, const char *error) {
    pending->kind = PENDING_REPLY;
    struct reply reply = {&pending->reply, pending->proto};
    observe_break(pending->session->node);
    observe_begins(pending->session->node);
    if (error == NULL) {
        reply_null_array(&reply);
    } else {
        reply_error(&reply, error);
    }
    observe_pending_ran(pending, &pending->reply, 0);
}

static struct transaction_words words_of(const struct transaction *transaction) {
    return (struct transaction_words){
        .n_watches = transaction->watches == NULL ? 0 : transaction->watches->n,
        .n_commands = transaction->n_commands,
        .watches = buf_slice(&transaction->watch_words),
        .commands = buf_slice(&transaction->commands),
    };
}

static void start_write(struct pending *pending) {
    struct node *node = pending->session->node;
    struct transaction *transaction = pending->transaction;
    struct transaction_words words = words_of(transaction);
    struct slice argv[TRANSACTION_ARGC];
    struct buf counts = {0};
    transaction_put(&words, &counts, argv);
    pending->kind = PENDING_WRITE;
    stream_add(node, pending, 0, TRANSACTION_ARGC, argv);
    node->n_writes++;
    buf_free(&counts);
    buf_free(&transaction->commands); /* the batch has them */
}

static void start_read(struct pending *pending) {
    struct session *session = pending->session;
    struct node *node = session->node;
    pending->kind = PENDING_READ;
    pending->stale = session_reads_stale(session) && node->engine != NULL;
    if (!pending->stale) reads_add(node, pending);
    node->n_reads++;
}

static struct sub_batch_header local_places(const struct transaction *transaction) {
    return (struct sub_batch_header){
        .n_commands = transaction->n_local, .commands = buf_slice(&transaction->local)};
}

/* CLIENT UNBLOCK of somebody who waits is a command of the log, so it stands in the entry; only now
 * it can be told where he waits. Of anybody else it is answered at its own place. */
static void resolve_unblocks(const struct node *node, struct transaction *transaction) {
    struct command_reader all = {0}, own = {0};
    struct buf commands = {0}, local = {0};
    struct unblock_words words;
    struct transaction_words whole = {
        .n_commands = transaction->n_commands, .commands = buf_slice(&transaction->commands)};
    struct sub_batch_header places = local_places(transaction);
    transaction_commands(&whole, &all);
    command_reader_begin(&own, &places);
    while (command_reader_next(&all)) {
        if (all.argc > 0) {
            entry_put_command(&commands, all.db, all.argc, all.argv);
            continue;
        }
        bool more = command_reader_next(&own);
        SF_ASSERT(more);
        if (command_lookup(own.argc, own.argv)->id == COMMAND_CLIENT_UNBLOCK &&
            blocked_unblock_words(node, own.argc, own.argv, &words)) {
            entry_put_command(&commands, 0, words.argc, words.argv);
            transaction->writes = true;
            transaction->n_local--;
        } else {
            entry_put_void_command(&commands);
            entry_put_command(&local, own.db, own.argc, own.argv);
        }
    }
    command_reader_free(&all);
    command_reader_free(&own);
    buf_free(&transaction->commands);
    buf_free(&transaction->local);
    transaction->commands = commands;
    transaction->local = local;
}

/* Every WATCH before it has been answered: decides how it runs. */
static void transaction_start(struct pending *pending) {
    const struct session *session = pending->session;
    struct transaction *transaction = pending->transaction;
    struct watches *watches = transaction->watches;
    char refusal[REFUSAL_BYTES];
    transaction->started = true;
    if (watches != NULL) watches_encode(watches, &transaction->watch_words);
    if (transaction->unblocks) resolve_unblocks(session->node, transaction);
    bool needs_state =
        transaction->writes || transaction->reads || transaction->watch_words.len > 0;
    if (watches != NULL && watches->failed) {
        answer_instead(pending, TEXT_EXECABORT);
    } else if (watches != NULL && watches->lost) {
        answer_instead(pending, NULL);
    } else if (needs_state && node_refuses(session->node, transaction->writes,
                                  !transaction->writes && session_reads_stale(session), refusal)) {
        answer_instead(pending, refusal);
    } else if (transaction->writes) {
        start_write(pending);
    } else if (needs_state) {
        start_read(pending);
    }
}

/* false: it was answered at once. */
static bool on_exec(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct transaction *transaction = session->queue;
    if (transaction == NULL) {
        session_answer_error(session, "ERR EXEC without MULTI");
        return false;
    }
    session->queue = NULL;
    transaction->watches = session->watches;
    session->watches = NULL;
    if (transaction->failed) {
        transaction_free(transaction);
        session_answer_error(session, TEXT_EXECABORT);
        return false;
    }
    struct pending *pending = pending_new(session, PENDING_LOCAL, command, argc, argv);
    pending->transaction = transaction;
    pending->claim.revision = transaction->revision;
    pending->bytes += queue_bytes(transaction);
    session->pending_bytes += queue_bytes(transaction);
    bool open = transaction->watches != NULL && transaction->watches->n_open > 0;
    /* what follows may not be put into the batch before it, nor read otherwise than it leaves it */
    if (open || transaction->n_local > 0) session->barrier = true;
    if (!open && transaction->n_asks == 0) transaction_start(pending);
    session_drain(session);
    return true;
}

/* At its turn: it had to wait for a WATCH, asks other nodes before it begins, or there is nothing
 * in it but local commands. */
void local_exec(struct local_call *call) {
    struct pending *pending = call->pending;
    struct transaction *transaction = pending->transaction;
    if (transaction->n_asks > 0 && !transaction->asked) {
        struct sub_batch_header places = local_places(transaction);
        transaction->asked = true;
        pubsub_ask_for_places(call->node, local_hold(call), &places);
        return;
    }
    if (!transaction->started) transaction_start(pending);
    if (pending->kind != PENDING_LOCAL) {
        node_wake(call->node); /* the round or batch of this turn may be closed already */
        return;
    }
    call->node->running = pending;
    reply_array(call->reply, transaction->n_commands);
    for (uint32_t place = 0; place < transaction->n_commands; place++) {
        transaction_own_place(call->node, place, call->reply);
    }
    call->node->running = NULL;
}

/* -- running --------------------------------------------------------------------------------- */

bool transaction_is_read(const struct pending *pending) {
    return pending->transaction != NULL || pending->watches != NULL;
}

enum engine_query_result transaction_read_run(
    struct pending *pending, int64_t clock_ms, bool settled, struct reply *reply) {
    struct node *node = pending->session->node;
    if (pending->watches != NULL) return watch_run(pending, clock_ms, settled, reply);
    if (pending->transaction->watches != NULL && pending->transaction->watches->lost) {
        reply_null_array(reply);
        return QUERY_DONE;
    }
    struct transaction_words words = words_of(pending->transaction);
    uint64_t seed = random_next(&node->random);
    node->running = pending;
    enum engine_query_result result =
        engine_query_transaction(node->engine, &words, clock_ms, settled, seed, reply);
    node->running = NULL;
    return result;
}

/* The users may have changed since it was queued. */
static bool may_run_place(struct pending *pending, struct local_call *call) {
    struct buf error = {0};
    bool admitted = access_still_admits(
        pending->session, &pending->claim, true, call->command, call->argc, call->argv, &error);
    if (!admitted)
        reply_error(call->reply,
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the "
            "EXEC call. This command is no longer allowed for the following reason: no permission "
            "to execute the command or subcommand");
    buf_free(&error);
    return admitted;
}

/* The engine, or local_exec, comes to a void place: in ascending order, each once. */
void transaction_own_place(void *context, uint32_t place, struct reply *reply) {
    struct node *node = context;
    struct pending *pending = node->running;
    if (pending == NULL) return; /* another node's, or nobody waits any more */
    struct transaction *transaction = pending->transaction;
    SF_ASSERT(transaction != NULL);
    struct command_reader *places = &transaction->places;
    if (places->argc == 0) { /* the first one */
        struct sub_batch_header local = local_places(transaction);
        command_reader_begin(places, &local);
    }
    bool more = command_reader_next(places);
    SF_ASSERT(more && places->db == place);
    const struct command *command = command_lookup(places->argc, places->argv);
    bool at_once, holds;
    struct local_call call = {
        .node = node,
        .session = pending->session,
        .command = command,
        .argc = places->argc,
        .argv = places->argv,
        .reply = reply,
        .place = place,
    };
    size_t before = pending->session->output.len; /* it goes there, or nowhere */
    if (may_run_place(pending, &call)) local_find(command, &at_once, &holds)(&call);
    observe_local_ran(&call, before);
}

/* -- requests -------------------------------------------------------------------------------- */

static void on_multi(struct session *session) {
    if (session->queue != NULL) {
        session_answer_error(session, "ERR MULTI calls can not be nested");
        return;
    }
    session->queue = transaction_new(session);
    session_answer_status(session, "OK");
}

static void on_discard(struct session *session) {
    if (session->queue == NULL) {
        session_answer_error(session, "ERR DISCARD without MULTI");
        return;
    }
    transaction_forget(session);
    session_answer_status(session, "OK");
}

bool transaction_takes(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    bool ran = false; /* else it is queued, or is counted when it runs */
    bool about = command->id == COMMAND_MULTI || command->id == COMMAND_EXEC ||
                 command->id == COMMAND_DISCARD || command->id == COMMAND_WATCH;
    if (about) {
        observe_break(session->node);
        observe_begins(session->node);
    }
    if (command->id == COMMAND_MULTI) {
        on_multi(session);
        ran = true;
    } else if (command->id == COMMAND_EXEC) {
        ran = !on_exec(session, command, argc, argv);
    } else if (command->id == COMMAND_DISCARD) {
        on_discard(session);
        ran = true;
    } else if (command->id == COMMAND_WATCH) {
        ran = session->queue != NULL;
        if (ran) {
            session_answer_error(session, "ERR WATCH inside MULTI is not allowed");
        } else {
            on_watch(session, command, argc, argv);
        }
    } else if (session->queue != NULL && command->id != COMMAND_QUIT &&
               command->id != COMMAND_RESET) {
        queue_command(session, command, argc, argv);
    } else {
        return false;
    }
    struct reply unknown = {NULL, session->proto};
    struct local_call call = {.node = session->node,
        .session = session,
        .command = command,
        .argc = argc,
        .argv = argv,
        .reply = &unknown};
    if (ran) observe_local_ran(&call, 0);
    return true;
}

void transaction_refuse(struct session *session, const struct command *command, struct buf *error) {
    if (command == NULL || command->id != COMMAND_EXEC) {
        if (session->queue != NULL) session->queue->failed = true;
        return;
    }
    transaction_forget(session);
    struct slice why = buf_slice(error);
    SF_ASSERT(why.len > 3); /* -...\r\n */
    size_t skipped = why.len > 5 && memcmp(why.data, "-ERR ", 5) == 0 ? 5 : 1;
    struct buf text = {0};
    buf_printf(&text, "-EXECABORT Transaction discarded because of: %.*s", (int)(why.len - skipped),
        why.data + skipped);
    buf_free(error);
    *error = text;
}

void transaction_forget(struct session *session) {
    transaction_free(session->queue);
    session->queue = NULL;
    watches_release(&session->watches);
}

void transaction_end_pending(struct pending *pending) {
    if (pending->watches != NULL) { /* answered with an error: it watches nothing */
        pending->watches->n_open--;
        pending->watches->failed = true;
        watches_release(&pending->watches);
    }
    if (pending->transaction != NULL && pending->transaction->asked)
        pubsub_drop(pending->session->node, pending);
    transaction_free(pending->transaction);
    pending->transaction = NULL;
}

/* The node belongs to another cluster now. What is still to be sent there must not run by
 * revisions of the old one. */
void transactions_change_state(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (session->watches != NULL) session->watches->lost = true;
        LIST_FOR_EACH(other, &session->pending) {
            struct pending *pending = SF_CONTAINER(other, struct pending, in_session);
            if (pending->watches != NULL) pending->watches->lost = true;
            if (pending->transaction == NULL || pending->transaction->watches == NULL) continue;
            pending->transaction->watches->lost = true;
            if (pending->kind != PENDING_WRITE) continue;
            stream_forget_waiter(pending);
            answer_instead(pending, NULL);
        }
        session_drain(session);
    }
}

int64_t transaction_queued(const struct session *session) {
    const struct pending *running = session->node->running;
    if (running != NULL && running->session == session && running->transaction != NULL)
        return running->transaction->n_commands;
    return session->queue == NULL ? -1 : (int64_t)session->queue->n_commands;
}

bool transaction_writes(const struct session *session) {
    return session->queue != NULL && session->queue->writes && !session->queue->failed;
}

bool session_watches(const struct session *session) {
    return session->watches != NULL && (session->watches->n > 0 || session->watches->n_open > 0);
}

size_t transaction_bytes(const struct session *session) {
    return (session->queue == NULL ? 0 : queue_bytes(session->queue)) +
           (session->watches == NULL ? 0 : session->watches->bytes);
}
