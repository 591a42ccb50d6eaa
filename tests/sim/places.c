/* Every call's place among the steps of the log: see verdict.c. */
#include "sim/exec.h"
#include "sim/listening.h"
#include "sim/rot.h"
#include "sim/verdict.h"

#include <stdio.h>

struct session_place {
    uint64_t last;       /* step of the session's latest placed call */
    uint64_t seen;       /* ... of those that were answered: stale reads wait for no others */
    uint64_t next_write; /* going backwards: step of its next write that ran */
    size_t exec;         /* ... the EXEC, plus 1, that a WATCH here guards; 0: none */
    size_t watch; /* going forwards: the latest WATCH, plus 1, since the last EXEC; 0: none */
};

/* What is known of a call's place besides its step. */
struct span {
    uint64_t limit;     /* its session's next write comes behind this */
    size_t exec;        /* WATCH: the EXEC that it guards, plus 1; 0: none */
    size_t watch;       /* WATCH: the one before it; EXEC: the latest; plus 1; 0: none */
    uint64_t low, high; /* WATCH: it ran within these */
    uint64_t told;      /* PUBLISH: what its message is behind */
};

struct places {
    struct trial *trial;
    const struct model *model;
    struct history *history;
    struct session_place *sessions;
    struct span *spans;
    struct buf expected;
};

static bool is_watch(const struct client_call *call) {
    return slice_is(call->argv[0], "WATCH");
}

/* -- transactions: what was watched ------------------------------------------------------------ */

/* The last step up to `step` that changed what the WATCH named. */
static uint64_t watched_change(
    const struct places *places, const struct client_call *watch, uint64_t step) {
    uint64_t last = 0;
    for (uint32_t i = 1; i < watch->argc; i++)
        last = SF_MAX(last, model_last_change(places->model, step, watch->db, watch->argv[i]));
    return last;
}

/* Whether an EXEC may have run at the step: nothing has changed since the WATCHes, which may have
 * run as late as they could. */
static bool watches_hold(const struct places *places, size_t exec, uint64_t step) {
    for (size_t i = places->spans[exec].watch; i != 0; i = places->spans[i - 1].watch) {
        const struct client_call *watch = &places->history->calls[i - 1];
        if (watched_change(places, watch, step) > places->spans[i - 1].high) return false;
    }
    return true;
}

/* The earliest step from which on an EXEC may be void: something was touched after a WATCH that ran
 * as early as it could. UINT64_MAX: none. */
static uint64_t touched_from(const struct places *places, size_t exec) {
    uint64_t from = UINT64_MAX;
    for (size_t i = places->spans[exec].watch; i != 0; i = places->spans[i - 1].watch) {
        const struct client_call *watch = &places->history->calls[i - 1];
        uint64_t next = model_next_change(
            places->model, places->spans[i - 1].low, watch->db, watch->argc, watch->argv);
        from = SF_MIN(from, next);
    }
    return from;
}

/* A key watched as absent shares its revision with others: it may count as touched at once. */
static bool was_absent(const struct places *places, size_t exec) {
    for (size_t i = places->spans[exec].watch; i != 0; i = places->spans[i - 1].watch) {
        const struct client_call *watch = &places->history->calls[i - 1];
        const struct span *span = &places->spans[i - 1];
        for (uint32_t k = 1; k < watch->argc; k++)
            if (model_is_absent(places->model, span->low, span->high, watch->db, watch->argv[k]))
                return true;
    }
    return false;
}

static bool same_watch(
    const struct client_call *a, uint32_t i, const struct client_call *b, uint32_t k) {
    return a->db == b->db && slice_equal(a->argv[i], b->argv[k]);
}

/* How many keys a session's WATCHes named, each counted once. */
static uint32_t watched_count(const struct places *places, size_t exec) {
    uint32_t n = 0;
    for (size_t i = places->spans[exec].watch; i != 0; i = places->spans[i - 1].watch) {
        const struct client_call *watch = &places->history->calls[i - 1];
        for (uint32_t k = 1; k < watch->argc; k++) {
            bool again = false;
            for (uint32_t m = 1; m < k; m++) again = again || same_watch(watch, m, watch, k);
            for (size_t j = places->spans[i - 1].watch; j != 0; j = places->spans[j - 1].watch)
                for (uint32_t m = 1; m < places->history->calls[j - 1].argc; m++)
                    again = again || same_watch(&places->history->calls[j - 1], m, watch, k);
            n += !again;
        }
    }
    return n;
}

/* A field died in the entry in which its key was watched: it is reclaimed at that entry's end,
 * which is a change too (keyspace/README.md). */
static bool field_died(const struct places *places, size_t exec) {
    for (size_t i = places->spans[exec].watch; i != 0; i = places->spans[i - 1].watch) {
        const struct client_call *watch = &places->history->calls[i - 1];
        for (uint32_t k = 1; k < watch->argc; k++)
            if (model_field_dies(
                    places->model, places->spans[i - 1].low, watch->db, watch->argv[k]))
                return true;
    }
    return false;
}

/* An EXEC in the log, which ran or was void at its step. */
static void judge_exec(struct places *places, size_t number) {
    const struct client_call *call = &places->history->calls[number];
    struct world *world = places->trial->world;
    if (call->n_watched != watched_count(places, number))
        call_fail(
            places->trial, call, "it carries other keys than were watched", SLICE(""), call->step);
    if (!call->is_void) {
        if (!watches_hold(places, number, call->step - 1))
            call_fail(places->trial, call, "it ran, though a watched key had changed", SLICE(""),
                call->step);
        return;
    }
    if (touched_from(places, number) <= call->step) return; /* in its own step by time alone */
    if (!was_absent(places, number) && !field_died(places, number))
        call_fail(places->trial, call, "it was void, though no watched key had changed", SLICE(""),
            call->step);
    world->coverage[COVER_EXEC_FALSE]++;
}

/* -- reads ------------------------------------------------------------------------------------- */

/* Where a node has begun anew its watches mean nothing any more: EXEC is void without the log. */
static bool is_void_at_once(const struct places *places, const struct client_call *call) {
    return is_exec(call->argv[0]) && slice_equal(bytes_slice(call->reply), SLICE("*-1\r\n")) &&
           rot_has_rebuilt(places->trial->world, call->node);
}

static bool exec_fits(struct places *places, size_t number, uint64_t step) {
    const struct client_call *call = &places->history->calls[number];
    struct slice got = bytes_slice(call->reply);
    if (slice_equal(got, SLICE("*-1\r\n")))
        return touched_from(places, number) <= step || was_absent(places, number) ||
               field_died(places, number) || is_void_at_once(places, call);
    struct model_question question = {step, 0, call->argc, call->argv, got};
    return model_exec(places->trial->model, &question, true, &places->expected) &&
           watches_hold(places, number, step);
}

bool user_fits(
    const struct trial *trial, const struct client_call *call, uint64_t step, bool denied) {
    const struct model *model = trial->model;
    uint32_t user = call->user - 1;
    bool may = model_may(model, user, step, call->argv);
    bool gone = model_was_deleted(model, user, trial->last_step[call->let_in_applied], step);
    bool perhaps = model_was_deleted(model, user, trial->last_step[call->let_in_before], step);
    return denied ? !may || perhaps : may && !gone;
}

static bool login_fits(const struct places *places, const struct client_call *call, uint64_t step) {
    struct model_rights rights = model_rights_at(places->model, call->user - 1, step);
    return slice_equal(bytes_slice(call->reply), SLICE("+OK\r\n")) == (rights.exists && rights.on);
}

static bool read_fits(struct places *places, size_t number, uint64_t step) {
    const struct client_call *call = &places->history->calls[number];
    if (call_is_login(call)) return login_fits(places, call, step);
    if (call->user != 0 && !user_fits(places->trial, call, step, call_is_denied(call)))
        return false;
    if (call_is_denied(call)) return true;
    struct buf *expected = &places->expected;
    int64_t most_ms;
    struct slice got = bytes_slice(call->reply);
    struct model_question question = {step, call->db, call->argc, call->argv, got};
    buf_clear(expected);
    if (is_watch(call)) return slice_equal(got, SLICE("+OK\r\n"));
    if (is_exec(call->argv[0])) return exec_fits(places, number, step);
    model_run(places->trial->model, &question, expected, &most_ms);
    if (most_ms >= 0) {
        long long ms;
        buf_printf(expected, "at most %lld", (long long)most_ms);
        return got.data[0] == ':' && sscanf(got.data + 1, "%lld", &ms) == 1 && ms >= 0 &&
               ms <= most_ms;
    }
    return model_is_alike(call->argv[0], got, buf_slice(expected));
}

static uint64_t next_change(
    const struct places *places, const struct client_call *call, uint64_t step) {
    /* What is left of a life shrinks as time goes on, although nothing changes. */
    if (slice_is(call->argv[0], "PTTL")) return step + 1;
    if (call->user != 0)
        return SF_MIN(model_next_rights(places->model, call->user - 1, step),
            model_next_change(places->model, step, call->db, call->argc, call->argv));
    if (!is_exec(call->argv[0]))
        return model_next_change(places->model, step, call->db, call->argc, call->argv);
    if (slice_equal(bytes_slice(call->reply), SLICE("*-1\r\n"))) return step + 1;
    return exec_next_change(places->model, step, call->argc, call->argv);
}

/* The first step in [low, high] at which the read may have run; 0: none. */
static void place_read(struct places *places, size_t number, uint64_t low, uint64_t high) {
    struct client_call *call = &places->history->calls[number];
    for (uint64_t step = low; step <= high; step = next_change(places, call, step)) {
        if (!read_fits(places, number, step)) continue;
        call->step = step;
        return;
    }
    char why[120];
    snprintf(why, sizeof why, "a read fits no place in steps %llu..%llu", (unsigned long long)low,
        (unsigned long long)high);
    call_fail(places->trial, call, why, buf_slice(&places->expected), high);
}

/* A WATCH runs after the last change that an EXEC, which ran, must have seen. */
static uint64_t watch_low(const struct places *places, size_t number, uint64_t low) {
    const struct client_call *watch = &places->history->calls[number];
    if (places->spans[number].exec == 0) return low;
    const struct client_call *exec = &places->history->calls[places->spans[number].exec - 1];
    if (exec->kind != CALL_WRITE || exec->step == 0 || exec->is_void) return low;
    return SF_MAX(low, watched_change(places, watch, exec->step - 1));
}

/* -- all of them ------------------------------------------------------------------------------- */

/* What only those know who come from behind. */
static void look_back(struct places *places) {
    for (size_t i = places->history->n; i-- > 0;) {
        const struct client_call *call = &places->history->calls[i];
        struct session_place *session = &places->sessions[call->connection];
        struct slice name = call->argv[0];
        struct span *span = &places->spans[i];
        span->limit = session->next_write == 0 ? UINT64_MAX : session->next_write - 1;
        if (call->kind == CALL_WRITE && call->step != 0)
            session->next_write = call->asked_step != 0 ? call->asked_step : call->step;
        if (is_exec(name))
            session->exec = i + 1;
        else if (slice_is(name, "DISCARD") || slice_is(name, "UNWATCH"))
            session->exec = 0;
        else if (is_watch(call))
            span->exec = session->exec;
    }
}

static void place_one(struct places *places, size_t number) {
    struct client_call *call = &places->history->calls[number];
    struct session_place *session = &places->sessions[call->connection];
    const struct cluster_record *record = places->trial->record;
    const uint64_t *last_step = places->trial->last_step;
    uint64_t fresh = last_step[commit_known_at(record, call->invoked_us)];
    uint64_t high = last_step[commit_known_at(record, call->completed_us)];
    struct span *span = &places->spans[number];
    span->low = SF_MAX(fresh, session->last);
    span->high = SF_MIN(high, span->limit);
    bool denied = call_is_denied(call) && call->step == 0;
    if ((call->kind != CALL_READ && !denied) || call->outcome != OUTCOME_ANSWERED) return;
    /* A node that is cut off lets in whom it knows: only what he does there is exact. */
    bool let_in = call_is_login(call) && bytes_slice(call->reply).data[0] == '+';
    uint64_t low = call->stale || let_in ? session->seen : span->low;
    if (call->after != 0) low = SF_MAX(low, places->spans[call->after - 1].told);
    if (is_watch(call)) low = watch_low(places, number, low);
    place_read(places, number, low, span->high);
    places->trial->world->coverage[COVER_STALE_READ] += call->step < fresh;
    places->trial->world->coverage[COVER_EXEC_READ] += is_exec(call->argv[0]);
}

static void follow_watches(struct places *places, size_t number) {
    const struct client_call *call = &places->history->calls[number];
    struct session_place *session = &places->sessions[call->connection];
    struct slice name = call->argv[0];
    places->spans[number].watch = session->watch;
    if (is_watch(call))
        session->watch = number + 1;
    else if (is_exec(name) || slice_is(name, "DISCARD") || slice_is(name, "UNWATCH"))
        session->watch = 0;
}

static void judge_call(struct places *places, size_t number) {
    struct client_call *call = &places->history->calls[number];
    struct session_place *session = &places->sessions[call->connection];
    if (call->kind == CALL_WRITE && call->outcome == OUTCOME_ANSWERED && call->step == 0 &&
        !call_is_denied(call) && !is_void_at_once(places, call))
        call_fail(places->trial, call, "an acknowledged write is lost", SLICE(""), 0);
    uint64_t asked = call->asked_step != 0 ? call->asked_step : call->step;
    if (call->kind == CALL_WRITE && asked != 0 && asked <= session->last)
        call_fail(
            places->trial, call, "a connection's calls ran out of order", SLICE(""), call->step);
    follow_watches(places, number);
    if (is_exec(call->argv[0]) && call->kind == CALL_WRITE && call->step != 0)
        judge_exec(places, number);
    if (call->kind == CALL_PUBLISH) places->spans[number].told = session->seen;
    if (call->kind == CALL_WRITE) places->spans[number].told = call->step; /* it may publish */
    place_one(places, number);
    session->last = SF_MAX(session->last, call->step);
    if (call->outcome == OUTCOME_ANSWERED) session->seen = SF_MAX(session->seen, call->step);
}

void place_calls(struct trial *trial) {
    struct places places = {
        .trial = trial, .model = trial->model, .history = trial->world->history};
    uint64_t n_connections = 0;
    for (size_t i = 0; i < places.history->n; i++)
        n_connections = SF_MAX(n_connections, places.history->calls[i].connection + 1);
    places.sessions = sf_alloc_zero(n_connections, sizeof *places.sessions);
    places.spans = sf_alloc_zero(places.history->n + 1, sizeof *places.spans);
    look_back(&places);
    for (size_t i = 0; i < places.history->n && !trial->world->failed; i++) judge_call(&places, i);
    buf_free(&places.expected);
    sf_free(places.sessions);
    sf_free(places.spans);
}
