/* One command against the state: inside an entry, or as a read. */
#include "engine/internal.h"

const struct command *command_in_entry(uint32_t argc, const struct slice *argv) {
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL) command = command_internal(argv[0]);
    return command != NULL && command->run != NULL ? command : NULL;
}

bool run_in_entry(
    struct engine *engine, const struct command_words *words, uint64_t seed, struct reply *reply) {
    const struct command *command = words->command;
    if (command == NULL) command = command_in_entry(words->argc, words->argv);
    SF_ASSERT(command != NULL); /* whoever read the entry has checked (S4) */
    SF_ASSERT(words->db < engine->settings.n_dbs);
    const struct acl_user *user = NULL;
    if (SF_UNLIKELY(words->claim.id != ACL_NOBODY || engine->guarded) &&
        !claim_admits(engine, words, command, &user, reply)) {
        return true;
    }
    struct call call = {
        .command = command,
        .argc = words->argc,
        .argv = words->argv,
        .claim = words->claim,
        .user = user,
        .keyspace = engine->keyspace,
        .db = keyspace_db(engine->keyspace, words->db),
        .db_number = words->db,
        .now_ms = engine->now_ms,
        .read_clock_ms = engine->now_ms,
        .oom = engine->stamp.oom && !words->of_source,
        .is_followed = words->of_source,
        .refuses_writes = !words->of_source && source_refuses_writes(engine),
        .random = random_from(seed),
        .proto_max_bulk_len = engine->settings.proto_max_bulk_len,
        .thresholds = &engine->thresholds,
        .notes_accesses = true,
        .lookups = engine->lookups,
        .reply = reply,
        .engine = &engine->port,
        .scripts = engine->scripts,
        .may_block = words->may_block,
        .deadline_ms = words->deadline_ms,
        .told = engine->watching.told,
        .watcher = &engine->watching.calls,
        .breath = &engine->breath,
    };
    call_run(&call);
    return !call.waits;
}

void run_tell(struct engine *engine, const struct command_words *words, const struct reply *reply,
    size_t before, bool in_transaction, bool waits) {
    if (engine->watcher.ran == NULL) return;
    struct command_ran ran = {.db = words->db,
        .argc = words->argc,
        .argv = words->argv,
        .in_transaction = in_transaction,
        .waits = waits};
    if (reply->out != NULL) {
        struct slice all = buf_slice(reply->out);
        ran.reply = slice_of(all.data + before, all.len - before);
    }
    engine->watcher.ran(engine->watcher.context, &ran);
}

enum engine_query_result run_as_read(struct engine *engine, const struct command *command,
    const struct command_words *words, int64_t read_clock_ms, uint64_t seed, struct reply *reply) {
    SF_ASSERT(command->run != NULL && command_route(command) == ROUTE_READ);
    const struct acl_user *user = NULL;
    if (SF_UNLIKELY(words->claim.id != ACL_NOBODY || engine->guarded) &&
        !claim_admits(engine, words, command, &user, reply)) {
        return QUERY_DONE;
    }
    struct call call = {
        .command = command,
        .argc = words->argc,
        .argv = words->argv,
        .claim = words->claim,
        .user = user,
        .keyspace = engine->keyspace,
        .db = keyspace_db(engine->keyspace, words->db),
        .db_number = words->db,
        .now_ms = engine->now_ms,
        .read_clock_ms = read_clock_ms,
        .random = random_from(seed),
        .proto_max_bulk_len = engine->settings.proto_max_bulk_len,
        .thresholds = &engine->thresholds,
        .notes_accesses = !engine->quiet || command->id == COMMAND_TOUCH,
        .lookups = engine->lookups,
        .reply = reply,
        .engine = NULL, /* S3: a read has nothing to change */
        .scripts = engine->scripts,
        .may_block = words->may_block,
        .told = engine->watching.told,
        .watcher = &engine->watching.calls,
        .breath = &engine->breath,
    };
    call_run(&call);
    if (call.must_wait) return QUERY_MUST_WAIT;
    return call.waits ? QUERY_BLOCKS : QUERY_DONE;
}

enum engine_query_result engine_query(struct engine *engine, const struct command *command,
    uint32_t db, uint32_t argc, const struct slice *argv, int64_t clock_ms, bool settled,
    uint64_t seed, struct reply *reply) {
    size_t before = reply->out == NULL ? 0 : reply->out->len;
    struct command_words words = {
        .db = db, .argc = argc, .argv = argv, .claim = engine->reader, .may_block = true};
    int64_t read_clock_ms = settled ? engine->now_ms : SF_MAX(engine->now_ms, clock_ms);
    struct lookups before_it = {0};
    if (engine->lookups != NULL) before_it = *engine->lookups;
    watch_read_begin(engine);
    enum engine_query_result result =
        run_as_read(engine, command, &words, read_clock_ms, seed, reply);
    watch_read_end(engine, result == QUERY_DONE);
    if (result != QUERY_MUST_WAIT) return result;
    SF_MARK("engine: a read meets a key that is due");
    SF_ASSERT(!settled);
    if (reply->out != NULL) buf_truncate(reply->out, before);
    if (engine->lookups != NULL) *engine->lookups = before_it;
    return QUERY_MUST_WAIT;
}
