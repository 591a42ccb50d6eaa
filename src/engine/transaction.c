/* MULTI ... EXEC: several commands as one, if nobody has changed the watched keys.
 *
 * With a write in it a transaction is one command of an entry (entry.h); of reads alone it is one
 * read. Commands that touch no replicated state (PING, SELECT, CLIENT ...) are void places here:
 * the node whose session waits answers there, through engine_watcher's own_place; everywhere else
 * they do nothing, so that the state never depends on them. */
#include "commands/call.h"
#include "engine/internal.h"

#define REPLY_BYTES_MAX ((size_t)512 << 20)

/* Runs one command at its place; false: stop here (a read that must wait). */
typedef bool run_place(struct engine *engine, const struct command_words *words,
    int64_t read_clock_ms, uint64_t seed, struct reply *reply);

static bool place_in_entry(struct engine *engine, const struct command_words *words,
    int64_t read_clock_ms, uint64_t seed, struct reply *reply) {
    (void)read_clock_ms;
    run_in_entry(engine, words, seed, reply);
    return true;
}

static bool place_in_read(struct engine *engine, const struct command_words *words,
    int64_t read_clock_ms, uint64_t seed, struct reply *reply) {
    const struct command *command = command_lookup(words->argc, words->argv);
    SF_ASSERT(command != NULL); /* the node queued it */
    return run_as_read(engine, command, words, read_clock_ms, seed, reply) != QUERY_MUST_WAIT;
}

static void own_place(const struct engine *engine, uint32_t place, struct reply *reply) {
    if (engine->watcher.own_place != NULL)
        engine->watcher.own_place(engine->watcher.context, place, reply);
}

struct run {
    const struct transaction_words *transaction;
    run_place *place;
    int64_t read_clock_ms;
    uint64_t seed;
    struct acl_claim claim;
    bool rehearsal; /* whether a read must wait: own places are left out, they may act once only */
};

/* All places into reply, as one array. false: one of them must wait. */
static bool run_places(struct engine *engine, const struct run *run, struct reply *reply) {
    struct command_reader reader = {0};
    size_t before = reply_bytes(reply);
    bool good = true;
    reply_array(reply, run->transaction->n_commands);
    transaction_commands(run->transaction, &reader);
    for (uint32_t place = 0; good && command_reader_next(&reader); place++) {
        struct command_words words = {.db = reader.db,
            .argc = reader.argc,
            .argv = reader.argv,
            .claim = run->claim,
            .in_exec = true};
        uint64_t seed = hash_mix(run->seed + place);
        if (reader.argc > 0) {
            size_t place_before = reply_bytes(reply);
            good = run->place(engine, &words, run->read_clock_ms, seed, reply);
            if (!run->rehearsal) run_tell(engine, &words, reply, place_before, true, false);
        } else if (!run->rehearsal) {
            const struct buf *out = reply->out;
            own_place(engine, place, reply);
            if (reply->out != out) before = reply_bytes(reply);
        }
        if (reply_bytes(reply) - before > REPLY_BYTES_MAX) { /* it goes on, unheard */
            buf_truncate(reply->out, before);
            reply_error(reply, "ERR the transaction has run, but its reply is larger than 512 MiB");
            reply->out = NULL;
            before = 0;
        }
    }
    SF_ASSERT(!reader.in.failed); /* the leader, or this node, checked it */
    command_reader_free(&reader);
    return good;
}

/* -- watched keys ---------------------------------------------------------------------------- */

static bool watches_hold(struct engine *engine, const struct transaction_words *transaction) {
    struct reader in = reader_of(transaction->watches);
    struct watch_words watch;
    for (uint32_t i = 0; i < transaction->n_watches; i++) {
        bool good = watch_read(&in, &watch);
        SF_ASSERT(good && watch.db < engine->settings.n_dbs);
        struct db *db = keyspace_db(engine->keyspace, watch.db);
        if (db_revision(db, watch.key, engine->now_ms) != watch.revision) return false;
    }
    return true;
}

/* Whether a key, or a field of it, that state time still holds alive is dead by the reader's clock.
 */
static bool is_due(struct engine *engine, uint32_t number, struct slice key, int64_t clock_ms) {
    struct db *db = keyspace_db(engine->keyspace, number);
    const struct object *object = db_find_even_dead(db, key);
    return object != NULL && db_expires_between(db, object, engine->now_ms, clock_ms);
}

static bool watches_must_wait(
    struct engine *engine, const struct transaction_words *transaction, int64_t clock_ms) {
    struct reader in = reader_of(transaction->watches);
    struct watch_words watch;
    for (uint32_t i = 0; i < transaction->n_watches; i++) {
        if (watch_read(&in, &watch) && is_due(engine, watch.db, watch.key, clock_ms)) return true;
    }
    return false;
}

enum engine_query_result engine_revision(struct engine *engine, uint32_t db, struct slice key,
    int64_t clock_ms, bool settled, uint64_t *revision) {
    if (!settled && is_due(engine, db, key, clock_ms)) return QUERY_MUST_WAIT;
    *revision = db_revision(keyspace_db(engine->keyspace, db), key, engine->now_ms);
    return QUERY_DONE;
}

/* -- in an entry, as a read ------------------------------------------------------------------ */

/* Whether one of its commands has that flag. */
static bool has_flag(const struct transaction_words *transaction, uint32_t flag) {
    struct command_reader reader = {0};
    bool has = false;
    transaction_commands(transaction, &reader);
    while (!has && command_reader_next(&reader)) {
        const struct command *command =
            reader.argc == 0 ? NULL : command_lookup(reader.argc, reader.argv);
        has = command != NULL && (command->flags & flag) != 0;
    }
    command_reader_free(&reader);
    return has;
}

void transaction_run(void *context, struct call *call) {
    struct engine *engine = context;
    struct transaction_words transaction;
    bool good = transaction_read(call->argc, call->argv, &transaction);
    SF_ASSERT(good); /* the leader checked it */
    if (call->refuses_writes && has_flag(&transaction, CMD_WRITE)) {
        reply_error(call->reply, "EXECABORT Transaction discarded because of: " TEXT_READONLY);
    } else if (call->oom && has_flag(&transaction, CMD_GROWS)) {
        reply_error(call->reply, "EXECABORT Transaction discarded because of: OOM command not "
                                 "allowed when used memory > 'maxmemory'.");
    } else if (!watches_hold(engine, &transaction)) {
        reply_null_array(call->reply);
    } else {
        struct run run = {.transaction = &transaction,
            .place = place_in_entry,
            .seed = random_next(&call->random),
            .claim = call->claim};
        struct reply reply = *call->reply;
        run_places(engine, &run, &reply);
    }
}

/* Whether a read of it at clock_ms would meet a key that is due between state time and there. */
static bool must_wait(struct engine *engine, struct run run, int64_t clock_ms) {
    if (keyspace_next_due(engine->keyspace) > clock_ms) return false; /* the usual case */
    if (watches_must_wait(engine, run.transaction, clock_ms)) return true;
    struct reply nowhere = {NULL, 2};
    struct lookups *lookups = engine->lookups;
    engine->lookups = NULL;
    run.rehearsal = engine->watching.rehearses = true;
    watch_read_begin(engine);
    bool done = run_places(engine, &run, &nowhere);
    engine->watching.rehearses = false;
    engine->lookups = lookups;
    watch_read_end(engine, false);
    return !done;
}

enum engine_query_result engine_query_transaction(struct engine *engine,
    const struct transaction_words *transaction, int64_t clock_ms, bool settled, uint64_t seed,
    struct reply *reply) {
    int64_t read_clock_ms = settled ? engine->now_ms : SF_MAX(engine->now_ms, clock_ms);
    struct run run = {.transaction = transaction,
        .place = place_in_read,
        .read_clock_ms = read_clock_ms,
        .seed = seed,
        .claim = engine->reader};
    if (!settled && must_wait(engine, run, read_clock_ms)) return QUERY_MUST_WAIT;
    if (!watches_hold(engine, transaction)) {
        reply_null_array(reply);
        return QUERY_DONE;
    }
    struct reply copy = *reply;
    watch_read_begin(engine);
    bool done = run_places(engine, &run, &copy);
    watch_read_end(engine, true);
    SF_ASSERT(done);
    return QUERY_DONE;
}
