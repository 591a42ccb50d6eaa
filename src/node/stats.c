/* Commands, errors and time, counted: what INFO, SLOWLOG, LATENCY and MONITOR live on. */
#include "node/internal.h"

/* A waiting client's command, until it is answered. */
struct observe_wait {
    int64_t spent_ns;
    size_t answer_at; /* where in the session's output the answer begins */
    uint32_t argc;
    struct slice argv[];
};

/* -- life ------------------------------------------------------------------------------------ */

void observe_open(struct node *node) {
    struct observe *observe = sf_alloc_zero(1, sizeof *observe);
    list_init(&observe->monitors);
    list_init(&observe->slow);
    observe->rate_us = node->now_us;
    node->observe = observe;
}

static void commands_clear(struct observe *observe) {
    for (uint32_t i = 0; i < COMMANDS_TOTAL; i++) {
        sf_free(observe->commands[i].histogram);
        observe->commands[i] = (struct command_stats){0};
    }
}

void observe_close(struct node *node) {
    commands_clear(node->observe);
    slowlog_free(node);
    buf_free(&node->observe->feed);
    sf_free(node->observe);
    node->observe = NULL;
}

void observe_reset(struct node *node) {
    struct observe *observe = node->observe;
    commands_clear(observe);
    observe->n_calls = observe->n_errors = observe->errors_judged = 0;
    observe->n_turns = 0;
    observe->n_error_codes = 0;
    memset(observe->rates, 0, sizeof observe->rates);
    node->n_reads = node->n_writes = 0;
    node->lookups = (struct lookups){0};
    node->n_errors_uncertain = node->n_errors_unavailable = 0;
}

/* -- the clock ------------------------------------------------------------------------------- */

int64_t observe_clock_ns(const struct node *node) {
    return node->ports.clock_ns == NULL ? 0 : node->ports.clock_ns(node->ports.context);
}

void observe_begins(struct node *node) {
    struct observe *observe = node->observe;
    if (observe->lap_ns == 0) observe->lap_ns = observe_clock_ns(node);
    observe->top_ns = observe->lap_ns;
}

void observe_break(struct node *node) {
    node->observe->lap_ns = 0;
}

/* -- errors ---------------------------------------------------------------------------------- */

/* "-WRONGTYPE Operation ...": the word before the first space, as Redis takes it. */
static struct slice code_of(struct slice reply) {
    const char *space = memchr(reply.data, ' ', SF_MIN(reply.len, (size_t)ERROR_CODE_BYTES));
    if (space == NULL || space == reply.data + 1) return SLICE("ERR");
    return slice_of(reply.data + 1, (size_t)(space - reply.data - 1));
}

static void count_code(struct observe *observe, struct slice code) {
    uint32_t at = 0;
    while (at < observe->n_error_codes &&
           slice_compare(slice_text(observe->errors[at].code), code) < 0) {
        at++;
    }
    bool known =
        at < observe->n_error_codes && slice_equal(slice_text(observe->errors[at].code), code);
    if (!known) {
        if (observe->n_error_codes == ERROR_CODES_MAX) return; /* clients may invent more */
        memmove(&observe->errors[at + 1], &observe->errors[at],
            (observe->n_error_codes - at) * sizeof observe->errors[0]);
        observe->errors[at] = (struct error_stats){.n = 0};
        memcpy(observe->errors[at].code, code.data, code.len);
        observe->n_error_codes++;
    }
    observe->errors[at].n++;
}

void observe_error(struct node *node, struct slice reply) {
    if (reply.len == 0 || reply.data[0] != '-') return;
    node->observe->n_errors++;
    count_code(node->observe, code_of(reply));
}

/* Whether an error was said since the last command that asked: it was its own. */
static bool errors_moved(struct observe *observe) {
    bool moved = observe->n_errors > observe->errors_judged;
    observe->errors_judged = observe->n_errors;
    return moved;
}

void observe_rejected(struct node *node, const struct command *command, struct slice reply) {
    observe_error(node, reply);
    bool any = errors_moved(node->observe);
    if (any && command != NULL) node->observe->commands[command->id].rejected++;
}

void observe_held(struct node *node, const struct command *command, struct slice reply) {
    observe_error(node, reply);
    bool any = errors_moved(node->observe);
    if (any && command != NULL) node->observe->commands[command->id].failed++;
}

/* -- commands -------------------------------------------------------------------------------- */

static void judge_time(struct node *node, const struct observed *ran, int64_t ns) {
    const struct observe_settings *settings = &node->settings.observe;
    if (settings->slowlog_slower_than_us >= 0 && settings->slowlog_max_len > 0 &&
        ns / 1000 >= settings->slowlog_slower_than_us) {
        slowlog_add(node, ran, ns / 1000);
    }
    if (latency_is_watched(settings->latency_threshold_ms)) {
        bool fast = (ran->command->flags & CMD_FAST) != 0;
        latency_add(node, fast ? LATENCY_FAST_COMMAND : LATENCY_COMMAND, ns / 1000000);
    }
}

bool observe_is_script(const struct command *command) {
    return command->id == COMMAND_EVAL || command->id == COMMAND_EVALSHA ||
           command->id == COMMAND_EVAL_RO || command->id == COMMAND_EVALSHA_RO ||
           command->id == COMMAND_FCALL || command->id == COMMAND_FCALL_RO;
}

/* Whether the command failed. What a script passes on of a command of its was counted there. */
static bool count_error(struct node *node, const struct observed *ran, bool is_script) {
    struct observe *observe = node->observe;
    bool is_error = ran->reply.len > 0 && ran->reply.data[0] == '-';
    bool is_passed_on = is_error && is_script && observe->script_heard_error;
    if (is_error && !is_passed_on) observe_error(node, ran->reply);
    return errors_moved(observe) || is_passed_on;
}

static void count_command(
    struct node *node, const struct command *command, int64_t ns, bool failed) {
    struct command_stats *stats = &node->observe->commands[command->id];
    stats->calls++;
    stats->ns += (uint64_t)ns;
    if (failed) stats->failed++;
    if (node->settings.observe.latency_tracking) {
        if (stats->histogram == NULL) stats->histogram = sf_alloc_zero(1, sizeof(struct histogram));
        histogram_add(stats->histogram, ns);
    }
    node->observe->n_calls++;
}

void observe_ran(struct node *node, const struct observed *ran) {
    struct observe *observe = node->observe;
    int64_t now_ns = observe_clock_ns(node);
    int64_t ns = now_ns - (ran->in_exec ? observe->lap_ns : observe->top_ns) + ran->spent_ns;
    observe->lap_ns = now_ns;
    bool is_script = observe_is_script(ran->command);
    bool failed = count_error(node, ran, is_script);
    count_command(node, ran->command, ns, failed);
    judge_time(node, ran, ns);
    if (!list_empty(&observe->monitors)) {
        if (!ran->was_shown && !(is_script && observe->script_is_shown)) monitor_feed(node, ran);
        if (!ran->in_exec) monitor_pace(node);
    }
    if (is_script) observe->script_is_shown = observe->script_heard_error = false;
}

static struct observed observed_of(
    const struct pending *pending, uint32_t argc, const struct slice *argv) {
    struct observed ran = {.session = pending->session,
        .command = pending->command,
        .db = pending->transaction != NULL ? pending->session->db : pending->db,
        .argc = argc,
        .argv = argv};
    if (pending->argc > 0) { /* as the client wrote it, whatever the log says */
        ran.argc = pending->argc;
        ran.argv = pending->argv;
    }
    if (pending->waited != NULL) {
        ran.argc = pending->waited->argc;
        ran.argv = pending->waited->argv;
        ran.was_shown = true;
        ran.spent_ns = pending->waited->spent_ns;
    }
    return ran;
}

static struct slice behind(const struct buf *out, size_t before) {
    if (out == NULL || out->len <= before) return slice_of(NULL, 0);
    return slice_of(buf_slice(out).data + before, out->len - before);
}

void observe_pending_ran(struct pending *pending, const struct buf *out, size_t before) {
    struct observed ran = observed_of(pending, 0, NULL);
    ran.reply = behind(out, before);
    observe_ran(pending->session->node, &ran);
}

void observe_local_ran(const struct local_call *call, size_t before) {
    struct observed ran = {.session = call->session,
        .command = call->command,
        .db = call->session->db,
        .argc = call->argc,
        .argv = call->argv,
        .reply = behind(call->reply->out, before),
        .in_exec = call->node->running != NULL};
    observe_ran(call->node, &ran);
}

void observe_lost(struct pending *pending, size_t before, bool unknown) {
    struct session *session = pending->session;
    struct slice reply = behind(&session->output, before);
    if (unknown) {
        observe_held(session->node, NULL, reply);
    } else {
        observe_rejected(session->node, pending->command, reply);
    }
}

/* -- who waits for a key --------------------------------------------------------------------- */

static struct observe_wait *wait_new(uint32_t argc, const struct slice *argv) {
    size_t bytes = argc * sizeof *argv;
    for (uint32_t i = 0; i < argc; i++) bytes += argv[i].len;
    struct observe_wait *wait = sf_alloc(sizeof *wait + bytes);
    *wait = (struct observe_wait){.argc = argc};
    char *at = (char *)(wait->argv + argc);
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len > 0) memcpy(at, argv[i].data, argv[i].len);
        wait->argv[i] = slice_of(at, argv[i].len);
        at += argv[i].len;
    }
    return wait;
}

void observe_waits(struct pending *pending, uint32_t argc, const struct slice *argv) {
    struct node *node = pending->session->node;
    struct observe *observe = node->observe;
    int64_t now_ns = observe_clock_ns(node);
    if (pending->waited == NULL) {
        struct observed ran = observed_of(pending, argc, argv);
        if (!list_empty(&observe->monitors)) {
            monitor_feed(node, &ran);
            monitor_pace(node);
        }
        pending->waited = wait_new(ran.argc, ran.argv);
    }
    pending->waited->spent_ns += now_ns - observe->top_ns;
    observe->lap_ns = now_ns;
}

void observe_answer_begins(struct pending *pending, const struct buf *out) {
    observe_break(pending->session->node);
    observe_begins(pending->session->node);
    if (pending->waited != NULL) pending->waited->answer_at = out == NULL ? 0 : out->len;
}

void observe_answer_ends(struct pending *pending, const struct buf *out) {
    observe_pending_ran(pending, out, pending->waited == NULL ? 0 : pending->waited->answer_at);
}

void observe_forget(struct pending *pending) {
    sf_free(pending->waited);
    pending->waited = NULL;
}

/* -- what scripts call ----------------------------------------------------------------------- */

void observe_script_calls(void *context, const struct command_ran *script) {
    struct node *node = context;
    struct observe *observe = node->observe;
    struct pending *pending = node->running;
    if (pending == NULL) return;
    if (!list_empty(&observe->monitors) && !observe->script_is_shown) {
        struct observed ran = observed_of(pending, script->argc, script->argv);
        if (pending->transaction != NULL) {
            ran.command = command_lookup(script->argc, script->argv);
            ran.argc = script->argc;
            ran.argv = script->argv;
        }
        ran.db = script->db;
        if (ran.command != NULL && !ran.was_shown) monitor_feed(node, &ran);
    }
    observe->script_is_shown = true;
    observe->script_call_ns = observe_clock_ns(node);
}

static void script_called(struct pending *pending, const struct command_ran *in) {
    struct node *node = pending->session->node;
    struct observe *observe = node->observe;
    struct observed ran = {.session = pending->session,
        .command = command_lookup(in->argc, in->argv),
        .db = in->db,
        .argc = in->argc,
        .argv = in->argv,
        .in_script = true};
    if (ran.command == NULL) return;
    int64_t ns = observe_clock_ns(node) - observe->script_call_ns;
    observe_error(node, in->reply);
    bool failed = errors_moved(observe);
    observe->script_heard_error = observe->script_heard_error || failed;
    count_command(node, ran.command, ns, failed);
    judge_time(node, &ran, ns);
    if (!list_empty(&observe->monitors)) monitor_feed(node, &ran);
}

/* -- what the engine ran ---------------------------------------------------------------------- */

/* At its place in a transaction. Some stand there under a name that only the log knows. */
static void place_ran(struct pending *pending, const struct command_ran *in) {
    struct node *node = pending->session->node;
    struct observed ran = {.session = pending->session,
        .command = command_lookup(in->argc, in->argv),
        .db = in->db,
        .argc = in->argc,
        .argv = in->argv,
        .reply = in->reply,
        .in_exec = true};
    if (ran.command != NULL) {
        observe_ran(node, &ran);
    } else if (slice_is(in->argv[0], "shardforge.publish") && in->argc == 4) {
        bool shard = slice_is(in->argv[1], "shard");
        struct slice words[3] = {
            shard ? SLICE("spublish") : SLICE("publish"), in->argv[2], in->argv[3]};
        ran.command = command_by_id(shard ? COMMAND_SPUBLISH : COMMAND_PUBLISH);
        ran.argc = 3;
        ran.argv = words;
        observe_ran(node, &ran);
    } else if (slice_is(in->argv[0], "shardforge.acl")) {
        ran.command =
            command_by_id(slice_is(in->argv[1], "set") ? COMMAND_ACL_SETUSER : COMMAND_ACL_DELUSER);
        observe_ran(node, &ran); /* its words are never shown */
    } else if (slice_is(in->argv[0], "shardforge.unblock")) {
        struct slice words[UNBLOCK_ARGC_MAX] = {SLICE("client"), SLICE("unblock")};
        ran.command = command_by_id(COMMAND_CLIENT_UNBLOCK);
        ran.argc = SF_MIN(in->argc - 5, (uint32_t)UNBLOCK_ARGC_MAX);
        for (uint32_t i = 2; i < ran.argc; i++) words[i] = in->argv[5 + i];
        ran.argv = words;
        observe_ran(node, &ran);
    } else if (slice_is(in->argv[0], "shardforge.setting")) {
        struct slice *words = sf_alloc((in->argc + 1) * sizeof *words);
        words[0] = SLICE("config");
        words[1] = SLICE("set");
        memcpy(words + 2, in->argv + 1, (in->argc - 1) * sizeof *words);
        ran.command = command_by_id(COMMAND_CONFIG_SET);
        ran.argc = in->argc + 1;
        ran.argv = words;
        observe_ran(node, &ran);
        sf_free(words);
    }
}

void observe_in_engine(void *context, const struct command_ran *in) {
    struct node *node = context;
    struct pending *pending = node->running;
    if (pending == NULL) return; /* another node's, or its client has gone */
    if (in->in_script) {
        script_called(pending, in);
        return;
    }
    if (in->in_transaction) {
        place_ran(pending, in);
        return;
    }
    if (in->waits) {
        observe_waits(pending, in->argc, in->argv);
        return;
    }
    struct observed ran = observed_of(pending, in->argc, in->argv);
    ran.reply = in->reply;
    observe_ran(node, &ran);
}

/* -- rates ------------------------------------------------------------------------------------ */

static void sample(struct observe *observe, enum rate_kind kind, uint64_t now, int64_t passed_us) {
    struct rate *rate = &observe->rates[kind];
    uint64_t more = now >= rate->last ? now - rate->last : 0; /* CONFIG RESETSTAT */
    rate->samples[observe->rate_at] = (double)more * 1e6 / (double)passed_us;
    rate->last = now;
}

void observe_pump(struct node *node) {
    struct observe *observe = node->observe;
    observe->n_turns++;
    if (observe->feed.len > 0) monitor_flush(node);
    int64_t passed_us = node->now_us - observe->rate_us;
    if (passed_us < 100000) return;
    uint64_t in = 0, out = 0;
    if (node->ports.net_bytes != NULL) node->ports.net_bytes(node->ports.context, &in, &out);
    sample(observe, RATE_COMMANDS, observe->n_calls, passed_us);
    sample(observe, RATE_INPUT, in, passed_us);
    sample(observe, RATE_OUTPUT, out, passed_us);
    sample(observe, RATE_TURNS, observe->n_turns, passed_us);
    observe->rate_at = (observe->rate_at + 1) % RATE_SAMPLES;
    observe->rate_us = node->now_us;
}

/* -- passwords --------------------------------------------------------------------------------- */

static bool is_secret(struct slice directive) {
    return slice_is(directive, "requirepass") || slice_is(directive, "masterauth") ||
           slice_is(directive, "masteruser") || slice_is(directive, "cluster-secret") ||
           slice_is(directive, "tls-key-file-pass") ||
           slice_is(directive, "tls-client-key-file-pass");
}

/* Rules hold passwords, and names tell whom to try. */
static bool is_about_users(const struct command *command) {
    return command->id == COMMAND_ACL_SETUSER || command->id == COMMAND_ACL_DELUSER ||
           command->id == COMMAND_ACL_GETUSER;
}

static bool word_is_secret(
    const struct command *command, uint32_t at, uint32_t argc, const struct slice *argv) {
    if (at == 0) return false;
    if (command->id == COMMAND_AUTH) return true;
    if (is_about_users(command)) return at >= 2;
    if (command->id == COMMAND_CONFIG_SET) return at >= 3 && is_secret(argv[at - 1]);
    for (uint32_t i = 2; command->id == COMMAND_HELLO && i < at;) {
        bool auth = slice_is(argv[i], "auth") && i + 2 < argc;
        if (auth && at <= i + 2) return true;
        i += auth ? 3 : slice_is(argv[i], "setname") ? 2 : 1;
    }
    return false;
}

struct slice *observe_redacted(
    const struct command *command, uint32_t argc, const struct slice *argv) {
    uint16_t id = command->id;
    if (id != COMMAND_AUTH && id != COMMAND_HELLO && id != COMMAND_CONFIG_SET &&
        !is_about_users(command)) {
        return NULL;
    }
    struct slice *words = sf_alloc(argc * sizeof *words);
    for (uint32_t i = 0; i < argc; i++) {
        words[i] = word_is_secret(command, i, argc, argv) ? SLICE("(redacted)") : argv[i];
    }
    return words;
}
