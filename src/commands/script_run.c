/* A script at work: what its redis.call reaches, and under which conditions. */
#include "commands/acl.h"
#include "commands/script.h"

#define TEXT_OOM "OOM command not allowed when used memory > 'maxmemory'."

struct job_state {
    struct call *call;
    const struct script_job *job;
    struct db *db; /* SELECT within a script holds for the script */
    uint32_t db_number;
    bool read_only, wrote;
};

/* -- commands that the node answers for clients ------------------------------------------------ */

static void run_time(struct job_state *state, struct reply *reply) {
    int64_t now_ms = call_clock_ms(state->call);
    reply_array(reply, 2);
    reply_bulk_integer(reply, now_ms / 1000);
    reply_bulk_integer(reply, now_ms % 1000 * 1000);
}

static void run_select(struct job_state *state, struct slice word, struct reply *reply) {
    struct call judge = {.reply = reply};
    int number;
    if (!call_int(&judge, word, NULL, &number)) return;
    if (number < 0 || number >= (int)keyspace_n_dbs(state->call->keyspace)) {
        reply_error(reply, TEXT_DB_RANGE);
        return;
    }
    state->db_number = (uint32_t)number;
    state->db = keyspace_db(state->call->keyspace, state->db_number);
    reply_ok(reply);
}

static void run_publish(
    struct job_state *state, bool sharded, const struct slice *argv, struct reply *reply) {
    const struct engine_port *engine = state->call->engine; /* NULL in reads, which may not */
    if (engine != NULL && engine->publish != NULL)
        engine->publish(engine->context, sharded, argv[1], argv[2]);
    reply_integer(reply, 0); /* who hears it differs between nodes */
}

static void run_ping(uint32_t argc, const struct slice *argv, struct reply *reply) {
    if (argc > 2)
        reply_error(reply, "ERR wrong number of arguments for 'ping' command");
    else if (argc == 2)
        reply_bulk(reply, argv[1]);
    else
        reply_status(reply, "PONG");
}

/* Those that every replica can answer alike; false: not to be had in scripts (PUBSUB, LASTSAVE,
 * SLOWLOG and their like: each node would say something else, and the script go on differently). */
static bool run_local(struct job_state *state, const struct command *command, uint32_t argc,
    const struct slice *argv, struct reply *reply) {
    switch (command->id) {
    case COMMAND_PING:
        run_ping(argc, argv, reply);
        return true;
    case COMMAND_ECHO:
        reply_bulk(reply, argv[1]);
        return true;
    case COMMAND_TIME:
        run_time(state, reply);
        return true;
    case COMMAND_SELECT:
        run_select(state, argv[1], reply);
        return true;
    case COMMAND_PUBLISH:
    case COMMAND_SPUBLISH:
        run_publish(state, command->id == COMMAND_SPUBLISH, argv, reply);
        return true;
    case COMMAND_INFO: /* of what INFO tells, all nodes agree on this */
        reply_verbatim(reply, "txt", SLICE("# Server\r\nredis_version:7.2.4\r\n"));
        return true;
    case COMMAND_LOLWUT:
        reply_bulk_text(reply, "ShardForge\n");
        return true;
    default:
        return false;
    }
}

/* -- redis.call -------------------------------------------------------------------------------- */

static bool may_change(const struct command *command) {
    return (command->flags & (CMD_WRITE | CMD_LOGGED)) != 0 || command->id == COMMAND_PUBLISH ||
           command->id == COMMAND_SPUBLISH;
}

/* The text that refuses a command whoever calls it, or NULL. */
static const char *refusal(const struct command *command, uint32_t argc) {
    if (command == NULL) return "ERR Unknown Redis command called from script";
    if (!command_arity_fits(command, argc))
        return "ERR Wrong number of args calling Redis command from script";
    if ((command->flags & CMD_NOSCRIPT) != 0)
        return "ERR This Redis command is not allowed from script";
    return NULL;
}

/* The same of one that its user may run. */
static const char *refusal_now(const struct job_state *state, const struct command *command) {
    if (state->read_only && may_change(command))
        return "ERR Write commands are not allowed from read-only scripts.";
    if (state->call->refuses_writes && (command->flags & CMD_WRITE) != 0) return TEXT_READONLY;
    bool grows = (command->flags & CMD_GROWS) != 0;
    if (grows && state->call->oom && !state->wrote && (state->job->flags & SCRIPT_ALLOW_OOM) == 0)
        return TEXT_OOM;
    return NULL;
}

static bool user_may(struct job_state *state, const struct command *command, uint32_t argc,
    const struct slice *argv, struct reply *reply) {
    const struct call *call = state->call;
    uint32_t at;
    enum acl_verdict verdict = acl_check(call->user, command, argc, argv, &at);
    if (verdict == ACL_ALLOWED) return true;
    bool is_command = verdict == ACL_DENIED_COMMAND;
    struct slice object = is_command ? slice_text(command->name) : argv[at];
    if (call->watcher != NULL)
        call->watcher->denied_in_script(call->watcher->context, call, (int)verdict, object);
    struct buf text = {0};
    buf_append_text(&text, "ERR ACL failure in script: ");
    acl_denial_print(&text, verdict, call->user, command, object, false);
    reply_errorf(reply, "%.*s", (int)text.len, buf_slice(&text).data);
    buf_free(&text);
    return false;
}

static const struct command *find_command(uint32_t argc, const struct slice *argv) {
    const struct command *command = command_lookup(argc, argv);
    if (command != NULL || argc > 1) return command;
    return command_lookup(1, argv);
}

static enum script_call_result run_data(struct job_state *state, const struct command *command,
    uint32_t argc, const struct slice *argv, struct reply *reply) {
    struct call inner = *state->call;
    inner.command = command;
    inner.argc = argc;
    inner.argv = argv;
    inner.reply = reply;
    inner.must_wait = false;
    inner.may_block = false;
    inner.waits = false;
    inner.deadline_ms = 0;
    inner.oom = false; /* judged above */
    inner.db = state->db;
    inner.db_number = state->db_number;
    inner.random = random_from(random_next(&state->call->random));
    if (may_change(command)) state->wrote = true;
    command->run(&inner);
    if (!inner.must_wait) return SCRIPT_CALL_DONE;
    state->call->must_wait = true;
    return SCRIPT_CALL_STOP;
}

/* Those who count commands hear of each. */
static void tell_calls(struct job_state *state) {
    const struct call_watcher *watcher = state->call->watcher;
    if (watcher != NULL && watcher->script_calls != NULL)
        watcher->script_calls(watcher->context, state->call);
}

static void tell_called(struct job_state *state, const struct command *command, uint32_t db,
    uint32_t argc, const struct slice *argv, const struct reply *reply, size_t before) {
    const struct call_watcher *watcher = state->call->watcher;
    if (watcher == NULL || watcher->script_called == NULL) return;
    struct slice said = slice_of(NULL, 0);
    if (reply->out != NULL)
        said = slice_of(buf_slice(reply->out).data + before, reply->out->len - before);
    watcher->script_called(watcher->context, state->call, command, db, argc, argv, said);
}

static enum script_call_result on_call(
    void *context, uint32_t argc, const struct slice *argv, struct reply *reply, uint64_t *units) {
    struct job_state *state = context;
    const struct command *command = find_command(argc, argv);
    const char *why = refusal(command, argc);
    if (why == NULL && state->call->user != NULL && !user_may(state, command, argc, argv, reply))
        return SCRIPT_CALL_DONE;
    if (why == NULL) why = refusal_now(state, command);
    if (why != NULL) {
        reply_error(reply, why);
        return SCRIPT_CALL_DONE;
    }
    bool is_data = command->run != NULL;
    if (is_data && state->db != state->call->db) {
        struct call there = *state->call;
        there.db = state->db;
        *units = script_cost(&there, command, argc, argv);
    } else if (is_data) {
        *units = script_cost(state->call, command, argc, argv);
    }
    uint32_t db = state->db_number;
    size_t before = reply_bytes(reply);
    tell_calls(state);
    enum script_call_result result = SCRIPT_CALL_DONE;
    if (is_data)
        result = run_data(state, command, argc, argv, reply);
    else if (!run_local(state, command, argc, argv, reply))
        reply_error(reply, "ERR This Redis command is not allowed from script");
    if (result == SCRIPT_CALL_DONE) tell_called(state, command, db, argc, argv, reply, before);
    return result;
}

static bool on_allowed(void *context, uint32_t argc, const struct slice *argv, bool *exists) {
    const struct job_state *state = context;
    const struct command *command = find_command(argc, argv);
    uint32_t at;
    *exists = command != NULL && command_arity_fits(command, argc);
    return *exists && acl_check(state->call->user, command, argc, argv, &at) == ACL_ALLOWED;
}

static void on_log(void *context, int level, struct slice text) {
    struct job_state *state = context;
    const struct scripts_outside *outside = scripts_outside(state->call->scripts);
    if (outside->log != NULL) outside->log(outside->context, level, text);
}

static void on_breathe(void *context) {
    struct job_state *state = context;
    const struct scripts_outside *outside = scripts_outside(state->call->scripts);
    if (outside->breathe != NULL) outside->breathe(outside->context);
}

/* -- start ------------------------------------------------------------------------------------- */

static const char *start_refusal(const struct call *call, const struct script_job *job) {
    if ((job->flags & SCRIPT_COMPAT) != 0) return NULL;
    if (job->read_only && (job->flags & SCRIPT_NO_WRITES) == 0)
        return "ERR Can not execute a script with write flag using *_ro command.";
    if (call->refuses_writes && (job->flags & SCRIPT_NO_WRITES) == 0)
        return "READONLY Can not run script with write flag on readonly replica.";
    if (call->oom && (job->flags & (SCRIPT_ALLOW_OOM | SCRIPT_NO_WRITES)) == 0)
        return "OOM allow-oom flag is not set on the script, can not run it when used memory > "
               "'maxmemory'";
    return NULL;
}

void script_start(struct call *call, const struct script_job *job) {
    const char *why = start_refusal(call, job);
    if (why != NULL) {
        reply_error(call->reply, why);
        return;
    }
    struct job_state state = {.call = call,
        .job = job,
        .db = call->db,
        .db_number = call->db_number,
        .read_only = job->read_only || (job->flags & SCRIPT_NO_WRITES) != 0};
    struct script_host host = {&state, on_call, on_allowed, on_log, on_breathe};
    struct script_run run = {
        .host = &host,
        .name = job->name,
        .seed = random_next(&call->random),
        .budget = scripts_budget(call->scripts),
        .n_keys = job->n_keys,
        .n_args = call->argc - 3 - job->n_keys,
        .words = call->argv + 3,
        .reply = call->reply,
    };
    struct sandbox *sandbox = scripts_sandbox(call->scripts);
    if (job->is_function)
        sandbox_call(sandbox, job->body, &run);
    else
        sandbox_eval(sandbox, job->body, job->body, &run);
}
