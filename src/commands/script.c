/* EVAL and its kin, SCRIPT: texts and the cache. What runs is in script_run.c. */
#include "commands/script.h"
#include "commands/functions.h"

#define TEXT_NO_SCRIPT "NOSCRIPT No matching script. Please use EVAL."

bool script_keys(struct call *call, const char *not_a_number, uint32_t *n_keys) {
    int64_t n;
    if (!int_parse(call->argv[2], &n)) {
        reply_error(call->reply, not_a_number);
        return false;
    }
    if (n > (int64_t)call->argc - 3) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return false;
    }
    if (n < 0) {
        reply_error(call->reply, "ERR Number of keys can't be negative");
        return false;
    }
    *n_keys = (uint32_t)n;
    return true;
}

static void reply_buffer_error(struct call *call, const struct buf *error) {
    reply_errorf(call->reply, "%.*s", (int)error->len, error->data + error->start);
}

/* The flags and the part to be compiled; false: replied. */
static bool script_open(
    struct call *call, struct slice source, uint32_t *flags, struct slice *body) {
    struct buf error = {0};
    bool good = script_shebang(source, flags, body, &error);
    if (!good) reply_buffer_error(call, &error);
    buf_free(&error);
    return good;
}

static bool script_compiles(struct call *call, struct slice source, struct slice body) {
    struct buf error = {0};
    bool good = sandbox_check(scripts_sandbox(call->scripts), source, body, &error);
    if (!good) reply_buffer_error(call, &error);
    buf_free(&error);
    return good;
}

static bool is_read_only(const struct call *call) {
    return (call->command->flags & CMD_READ) != 0;
}

/* A text that compiles is remembered, whatever it answers; by reads nothing is (S3). */
void cmd_eval(struct call *call) {
    struct script_job job = {.read_only = is_read_only(call)};
    struct slice source = call->argv[1];
    if (!script_keys(call, TEXT_NOT_INTEGER, &job.n_keys)) return;
    if (!script_open(call, source, &job.flags, &job.body)) return;
    char sha[SCRIPT_SHA_BYTES + 1];
    script_sha(source, sha);
    job.name = slice_of(sha, SCRIPT_SHA_BYTES);
    const struct cached_script *cached = scripts_find(call->scripts, job.name);
    if (cached == NULL && !script_compiles(call, source, job.body)) return;
    if (!job.read_only) scripts_add(call->scripts, source);
    script_start(call, &job);
}

void cmd_evalsha(struct call *call) {
    struct script_job job = {.read_only = is_read_only(call)};
    if (!script_keys(call, TEXT_NOT_INTEGER, &job.n_keys)) return;
    const struct cached_script *cached = scripts_find(call->scripts, call->argv[1]);
    if (cached == NULL) {
        reply_error(call->reply, TEXT_NO_SCRIPT);
        return;
    }
    if (!job.read_only) scripts_touch(call->scripts, cached);
    if (!script_open(call, bytes_slice(cached->source), &job.flags, &job.body)) return;
    job.name = slice_of(cached->sha, SCRIPT_SHA_BYTES);
    script_start(call, &job);
}

void cmd_script_load(struct call *call) {
    uint32_t flags;
    struct slice source = call->argv[2], body;
    if (!script_open(call, source, &flags, &body)) return;
    char sha[SCRIPT_SHA_BYTES + 1];
    script_sha(source, sha);
    bool known = scripts_find(call->scripts, slice_of(sha, SCRIPT_SHA_BYTES)) != NULL;
    if (!known && !script_compiles(call, source, body)) return;
    scripts_add(call->scripts, source);
    reply_bulk_text(call->reply, sha);
}

void cmd_script_exists(struct call *call) {
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        reply_integer(call->reply, scripts_find(call->scripts, call->argv[i]) != NULL);
}

void cmd_script_flush(struct call *call) {
    bool good =
        call->argc == 2 ||
        (call->argc == 3 && (slice_is(call->argv[2], "sync") || slice_is(call->argv[2], "async")));
    if (!good) {
        reply_error(call->reply, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    scripts_flush(call->scripts);
    reply_ok(call->reply);
}

/* Nothing else is looked at while a script runs, and it ends by its budget. */
void cmd_script_kill(struct call *call) {
    reply_error(call->reply, "NOTBUSY No scripts in execution right now.");
}

void cmd_script_debug(struct call *call) {
    struct slice mode = call->argv[2];
    if (slice_is(mode, "no"))
        reply_ok(call->reply);
    else if (slice_is(mode, "yes") || slice_is(mode, "sync"))
        reply_error(call->reply, "ERR The Lua debugger is not supported: scripts run on all nodes");
    else
        reply_error(call->reply, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

void cmd_script_help(struct call *call) {
    static const char *const lines[] = {"DEBUG (YES|SYNC|NO)",
        "    Refused, except for NO: scripts run on all nodes.", "EXISTS <sha1> [<sha1> ...]",
        "    For each hash, whether the script cache holds its text.", "FLUSH [ASYNC|SYNC]",
        "    Empty the script cache, on all nodes.", "KILL",
        "    Never needed: a script ends when its budget of work (script-budget) is spent.",
        "LOAD <script>", "    Put a text into the script cache without running it.", NULL};
    reply_help(call->reply, "SCRIPT", lines);
}
