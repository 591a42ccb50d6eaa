/* The last word on a run: the committed log is carried out by the model, one command at a time, and
 * every call of every client must have a place in it.
 *
 * Let known(t) be the highest index that any node knew committed at time t. A call invoked at t0
 * and answered at t1 takes effect after all of known(t0) and within known(t1); since calls that
 * follow one another in real time then follow one another in the log, finding a place for each call
 * shows that the whole history is linearizable. Calls of one connection are, further, in their
 * order. A stale read has no lower bound but those calls: it shows some state of the past, and its
 * connection never goes back. */
#include "engine/entry.h"
#include "sim/history.h"
#include "sim/judge.h"
#include "sim/model.h"
#include "sim/replay.h"

#include <stdio.h>

struct member_row {
    raft_id id;
    struct incarnation origin; /* node 0: none yet */
    uint64_t last_sequence;
};

struct trial {
    struct world *world;
    const struct cluster_record *record;
    struct model *model;
    struct replay *replay;
    uint64_t *last_step; /* last_step[i]: of entry i; [0] is the empty state */
    struct member_row rows[RAFT_MEMBERS_MAX];
    uint32_t n_rows;
};

static void call_fail(struct trial *trial, const struct client_call *call, const char *why,
    struct slice expected, uint64_t at) {
    char text[300];
    call_describe(call, text, sizeof text);
    world_fail(trial->world, "%s: %s (step %llu; expected %.*s)", why, text, (unsigned long long)at,
        (int)SF_MIN(expected.len, (size_t)120), expected.data);
}

/* -- carrying out the log ---------------------------------------------------------------------- */

static struct member_row *row_of(struct trial *trial, raft_id id) {
    for (uint32_t i = 0; i < trial->n_rows; i++)
        if (trial->rows[i].id == id) return &trial->rows[i];
    return NULL;
}

static void run_configuration(struct trial *trial, struct slice payload) {
    struct raft_configuration configuration;
    struct member_row rows[RAFT_MEMBERS_MAX] = {{0}};
    if (configuration_decode(payload, &configuration) != SF_OK) {
        world_fail(trial->world, "a committed configuration is malformed");
        return;
    }
    for (uint32_t i = 0; i < configuration.n; i++) {
        const struct member_row *row = row_of(trial, configuration.members[i].id);
        if (row != NULL) rows[i] = *row;
        rows[i].id = configuration.members[i].id;
    }
    memcpy(trial->rows, rows, sizeof rows);
    trial->n_rows = configuration.n;
}

static void run_incarnation(struct trial *trial, struct reader *in) {
    struct incarnation incarnation;
    entry_read_incarnation(in, &incarnation);
    struct member_row *row = row_of(trial, incarnation.node);
    if (in->failed || row == NULL) return;
    if (row->origin.node != 0 && incarnation.counter <= row->origin.counter) return;
    row->origin = incarnation;
    row->last_sequence = 0;
}

/* What the log says of a call's time and outcome. */
static void judge_write(
    struct trial *trial, raft_index index, const struct client_call *call, struct slice reply) {
    struct world *world = trial->world;
    if (call->outcome == OUTCOME_REFUSED)
        call_fail(trial, call, "'not executed', but it was", reply, call->step);
    if (call->outcome == OUTCOME_ANSWERED && !slice_equal(bytes_slice(call->reply), reply))
        call_fail(trial, call, "wrong reply", reply, call->step);
    if (index <= commit_known_at(trial->record, call->invoked_us))
        call_fail(trial, call, "took effect before it was asked for", SLICE(""), call->step);
    if (call->outcome == OUTCOME_ANSWERED &&
        index > commit_known_at(trial->record, call->completed_us))
        call_fail(trial, call, "answered before it was committed", SLICE(""), call->step);
    if (call->outcome == OUTCOME_UNKNOWN || call->outcome == OUTCOME_UNCERTAIN)
        world->coverage[COVER_UNKNOWN_RAN]++;
}

/* One command of the log, which the engines answered with `given`. */
static void run_command(struct trial *trial, raft_index index, const struct command_reader *command,
    struct slice given) {
    struct world *world = trial->world;
    int64_t most_ms;
    if (!model_is_write(command->argv[0])) return; /* of the node's own: settings */
    struct client_call *call =
        history_find(world->history, command->db, command->argc, command->argv);
    if (call == NULL) {
        world_fail(world, "entry %llu holds a %.*s that no client sent", (unsigned long long)index,
            (int)command->argv[0].len, command->argv[0].data);
        return;
    }
    if (call->step != 0) call_fail(trial, call, "executed twice", SLICE(""), call->step);
    struct buf reply = {0};
    model_step(trial->model);
    struct model_question question = {
        trial->model->step, command->db, command->argc, command->argv, given};
    model_run(trial->model, &question, &reply, &most_ms);
    call->step = trial->model->step;
    if (!slice_equal(given, buf_slice(&reply)))
        call_fail(trial, call, "the engine answers something else", buf_slice(&reply), call->step);
    judge_write(trial, index, call, buf_slice(&reply));
    buf_free(&reply);
}

/* Whether a sub-batch counts: of the row's incarnation, and next in its order. */
static bool sub_batch_counts(
    struct trial *trial, raft_index index, const struct sub_batch_header *header) {
    struct member_row *row = row_of(trial, header->origin.node);
    if (row == NULL || !incarnation_equal(row->origin, header->origin)) {
        trial->world->coverage[COVER_STALE_BATCH]++;
        return false;
    }
    if (header->sequence != row->last_sequence + 1)
        world_fail(trial->world, "entry %llu: sequence %llu follows %llu",
            (unsigned long long)index, (unsigned long long)header->sequence,
            (unsigned long long)row->last_sequence);
    row->last_sequence = header->sequence;
    return true;
}

static void run_sub_batch(
    struct trial *trial, raft_index index, const struct sub_batch_header *header) {
    bool counts = sub_batch_counts(trial, index, header);
    struct command_reader commands = {0};
    struct buf given = {0};
    command_reader_begin(&commands, header);
    while (!trial->world->failed && command_reader_next(&commands)) {
        buf_clear(&given);
        if (!replay_next(trial->replay, &given)) break;
        if (counts && commands.argc > 0)
            run_command(trial, index, &commands, buf_slice(&given));
        else if (given.len > 0)
            world_fail(trial->world, "entry %llu: a void place answers", (unsigned long long)index);
    }
    command_reader_free(&commands);
    buf_free(&given);
}

static void run_stamped(struct trial *trial, raft_index index, const struct committed *entry) {
    struct reader in = reader_of(bytes_slice(entry->payload));
    struct entry_stamp stamp;
    struct sub_batch_header header;
    entry_read_stamp(&in, &stamp);
    model_advance(trial->model, stamp.now_ms);
    if (entry->kind == ENTRY_INCARNATION) run_incarnation(trial, &in);
    if (entry->kind != ENTRY_BATCH) return;
    while (in.rest.len > 0 && !trial->world->failed) {
        if (!entry_read_sub_batch(&in, &header)) {
            world_fail(trial->world, "entry %llu is malformed", (unsigned long long)index);
            return;
        }
        run_sub_batch(trial, index, &header);
    }
}

static void run_entry(struct trial *trial, raft_index index) {
    const struct committed *entry = &trial->record->log[index - 1];
    if (!replay_begin(trial->replay, index)) return;
    if (entry->kind == ENTRY_CONFIGURATION)
        run_configuration(trial, bytes_slice(entry->payload));
    else if (entry->kind != ENTRY_NOOP)
        run_stamped(trial, index, entry);
    if (!trial->world->failed) (void)replay_end(trial->replay);
}

/* -- calls ---------------------------------------------------------------------------------------
 */

static bool read_fits(
    struct trial *trial, const struct client_call *call, uint64_t step, struct buf *expected) {
    int64_t most_ms;
    struct slice got = bytes_slice(call->reply);
    struct model_question question = {step, call->db, call->argc, call->argv, got};
    buf_clear(expected);
    model_run(trial->model, &question, expected, &most_ms);
    if (most_ms >= 0) {
        long long ms;
        buf_printf(expected, "at most %lld", (long long)most_ms);
        return got.data[0] == ':' && sscanf(got.data + 1, "%lld", &ms) == 1 && ms >= 0 &&
               ms <= most_ms;
    }
    if (slice_equal(got, buf_slice(expected))) return true;
    if (got.len != expected->len) return false;
    struct buf sorted = {0};
    buf_append_slice(&sorted, got);
    model_sort_reply(call->argv[0], &sorted);
    model_sort_reply(call->argv[0], expected);
    bool fits = slice_equal(buf_slice(&sorted), buf_slice(expected));
    buf_free(&sorted);
    return fits;
}

/* The first step in [low, high] at which the read may have run; 0: none. */
static void place_read(struct trial *trial, struct client_call *call, uint64_t low, uint64_t high) {
    struct buf expected = {0};
    for (uint64_t step = low; step <= high;) {
        if (read_fits(trial, call, step, &expected)) {
            call->step = step;
            buf_free(&expected);
            return;
        }
        uint64_t next = model_next_change(trial->model, step, call->db, call->argc, call->argv);
        /* What is left of a life shrinks as time goes on, although nothing changes. */
        step = slice_is(call->argv[0], "PTTL") ? step + 1 : next;
    }
    char why[120];
    snprintf(why, sizeof why, "a read fits no place in steps %llu..%llu", (unsigned long long)low,
        (unsigned long long)high);
    call_fail(trial, call, why, buf_slice(&expected), high);
    buf_free(&expected);
}

struct session_place {
    uint64_t last;       /* step of the session's latest placed call */
    uint64_t seen;       /* ... of those that were answered: stale reads wait for no others */
    uint64_t next_write; /* going backwards: step of its next write that ran */
};

static void place_calls(struct trial *trial) {
    struct history *history = trial->world->history;
    uint64_t n_connections = 0;
    for (size_t i = 0; i < history->n; i++)
        n_connections = SF_MAX(n_connections, history->calls[i].connection + 1);
    struct session_place *sessions = sf_alloc_zero(n_connections, sizeof *sessions);
    uint64_t *limits = sf_alloc_zero(history->n + 1, sizeof *limits);
    for (size_t i = history->n; i-- > 0;) {
        struct session_place *session = &sessions[history->calls[i].connection];
        limits[i] = session->next_write == 0 ? UINT64_MAX : session->next_write - 1;
        if (history->calls[i].kind == CALL_WRITE && history->calls[i].step != 0)
            session->next_write = history->calls[i].step;
    }
    for (size_t i = 0; i < history->n && !trial->world->failed; i++) {
        struct client_call *call = &history->calls[i];
        struct session_place *session = &sessions[call->connection];
        if (call->kind == CALL_WRITE && call->outcome == OUTCOME_ANSWERED && call->step == 0)
            call_fail(trial, call, "an acknowledged write is lost", SLICE(""), 0);
        if (call->kind == CALL_WRITE && call->step != 0 && call->step <= session->last)
            call_fail(trial, call, "a connection's calls ran out of order", SLICE(""), call->step);
        if (call->kind == CALL_READ && call->outcome == OUTCOME_ANSWERED) {
            uint64_t fresh = trial->last_step[commit_known_at(trial->record, call->invoked_us)];
            uint64_t high = trial->last_step[commit_known_at(trial->record, call->completed_us)];
            uint64_t low = call->stale ? session->seen : SF_MAX(fresh, session->last);
            place_read(trial, call, low, SF_MIN(high, limits[i]));
            trial->world->coverage[COVER_STALE_READ] += call->step < fresh;
        }
        session->last = SF_MAX(session->last, call->step);
        if (call->outcome == OUTCOME_ANSWERED) session->seen = SF_MAX(session->seen, call->step);
    }
    sf_free(sessions);
    sf_free(limits);
}

void verdict(struct world *world, const struct cluster_record *record) {
    struct trial *trial = sf_alloc_zero(1, sizeof *trial);
    trial->world = world;
    trial->record = record;
    trial->model = model_new();
    trial->replay = replay_new(world, record);
    trial->last_step = sf_alloc_zero(record->n + 1, sizeof *trial->last_step);
    for (raft_index i = 1; i <= record->n && !world->failed; i++) {
        run_entry(trial, i);
        trial->last_step[i] = trial->model->step;
    }
    if (!world->failed) place_calls(trial);
    world->coverage[COVER_EXPIRED] += trial->model->n_expired;
    model_free(trial->model);
    replay_free(trial->replay);
    sf_free(trial->last_step);
    sf_free(trial);
}
