/* The last word on a run: the committed log is carried out by the model, one command at a time, and
 * every call of every client must have a place in it.
 *
 * Let known(t) be the highest index that any node knew committed at time t. A call invoked at t0
 * and answered at t1 takes effect after all of known(t0) and within known(t1); since calls that
 * follow one another in real time then follow one another in the log, finding a place for each call
 * shows that the whole history is linearizable. Calls of one connection are, further, in their
 * order. A stale read has no lower bound but those calls: it shows some state of the past, and its
 * connection never goes back. */
#include "sim/verdict.h"

#include "sim/deadly.h"
#include "sim/exec.h"
#include "sim/listening.h"
#include "sim/model_queue.h"

void call_fail(struct trial *trial, const struct client_call *call, const char *why,
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
    for (uint32_t i = 0; i < trial->n_rows; i++)
        if (configuration_find(&configuration, trial->rows[i].id) == NULL)
            wait_remove(trial, trial->rows[i].id);
    memcpy(trial->rows, rows, sizeof rows);
    trial->n_rows = configuration.n;
}

static void run_incarnation(struct trial *trial, struct reader *in) {
    struct incarnation incarnation;
    entry_read_incarnation(in, &incarnation);
    struct member_row *row = row_of(trial, incarnation.node);
    if (in->failed || row == NULL) return;
    if (row->origin.node != 0 && incarnation.counter <= row->origin.counter) return;
    wait_remove(trial, incarnation.node); /* the former life's */
    row->origin = incarnation;
    row->last_sequence = 0;
}

/* What the log says of a call's time and outcome. */
static void judge_write(
    struct trial *trial, raft_index index, const struct client_call *call, struct slice reply) {
    struct world *world = trial->world;
    if (call->outcome == OUTCOME_REFUSED)
        call_fail(trial, call, "'not executed', but it was", reply, call->step);
    struct slice got = bytes_slice(call->reply);
    bool alike = is_exec(call->argv[0]) ? exec_alike(call->argc, call->argv, got, reply)
                                        : slice_equal(got, reply);
    if (call->outcome == OUTCOME_ANSWERED && !alike)
        call_fail(trial, call, "wrong reply", reply, call->step);
    if (index <= commit_known_at(trial->record, call->invoked_us))
        call_fail(trial, call, "took effect before it was asked for", SLICE(""), call->step);
    if (call->outcome == OUTCOME_ANSWERED &&
        index > commit_known_at(trial->record, call->completed_us))
        call_fail(trial, call, "answered before it was committed", SLICE(""), call->step);
    if (call->outcome == OUTCOME_UNKNOWN || call->outcome == OUTCOME_UNCERTAIN)
        world->coverage[COVER_UNKNOWN_RAN]++;
}

/* The call that a command of the log is; NULL: the run has failed. A step has begun for it. */
static struct client_call *call_begin(
    struct trial *trial, raft_index index, uint32_t db, uint32_t argc, const struct slice *argv) {
    struct world *world = trial->world;
    struct client_call *call = history_find(world->history, db, argc, argv);
    if (call == NULL) {
        world_fail(world, "entry %llu holds a %.*s that no client sent", (unsigned long long)index,
            (int)argv[0].len, argv[0].data);
        return NULL;
    }
    if (call->step != 0) call_fail(trial, call, "executed twice", SLICE(""), call->step);
    model_step(trial->model);
    call->step = trial->model->step;
    return call;
}

static void exec_words_of(const struct transaction_words *transaction, struct exec_words *words) {
    struct command_reader commands = {0};
    exec_begin(words);
    transaction_commands(transaction, &commands);
    while (command_reader_next(&commands)) {
        if (commands.argc == 0)
            exec_add_void(words);
        else
            exec_add(words, commands.db, commands.argc, commands.argv);
    }
    command_reader_free(&commands);
    exec_finish(words);
}

void call_answered(struct trial *trial, raft_index index, struct client_call *call,
    struct slice given, struct slice expected) {
    call->step = trial->model->step;
    if (!slice_equal(given, expected))
        call_fail(trial, call, "the engine answers something else", expected, call->step);
    judge_write(trial, index, call, expected);
}

/* A transaction. That it was void is believed here, and judged when all changes are known. */
static void run_transaction(
    struct trial *trial, const struct log_place *at, const struct transaction_words *transaction) {
    struct exec_words words;
    struct buf reply = {0};
    exec_words_of(transaction, &words);
    struct client_call *call = call_begin(trial, at->index, 0, words.argc, words.argv);
    if (call != NULL) {
        struct model_question question = {call->step, 0, words.argc, words.argv, at->given};
        call->n_watched = transaction->n_watches;
        if (trial->model->oom && memmem(at->given.data, at->given.len, "EXECABORT", 9) != NULL) {
            call->step = 0; /* no memory: it has not run */
            exec_free(&words);
            return;
        }
        call->is_void = slice_equal(at->given, SLICE("*-1\r\n"));
        if (call->is_void)
            buf_append_slice(&reply, at->given);
        else if (!model_exec(trial->model, &question, false, &reply))
            call_fail(
                trial, call, "the engine answers something else", buf_slice(&reply), call->step);
        judge_write(trial, at->index, call, buf_slice(&reply));
        trial->world->coverage[call->is_void ? COVER_EXEC_VOID : COVER_EXEC]++;
    }
    exec_free(&words);
    buf_free(&reply);
}

/* A user's command, checked where it stands; true: it did not run. */
static bool was_denied(struct trial *trial, const struct log_place *at, struct client_call *call) {
    struct slice given = at->given;
    bool denied = given.len > 7 && memcmp(given.data, "-NOPERM", 7) == 0;
    if (!user_fits(trial, call, call->step, denied))
        call_fail(trial, call,
            denied ? "denied in the log, though he may" : "ran, though he may not", given,
            call->step);
    if (denied) judge_write(trial, at->index, call, given);
    trial->world->coverage[COVER_USER_DENIED_LATE] += denied;
    return denied;
}

static void run_write(
    struct trial *trial, const struct log_place *at, const struct command_reader *command) {
    struct client_call *call =
        call_begin(trial, at->index, command->db, command->argc, command->argv);
    if (call == NULL) return;
    struct buf reply = {0};
    int64_t most_ms;
    struct model_question question = {
        call->step, command->db, command->argc, command->argv, at->given};
    if (call->user != 0 && was_denied(trial, at, call)) return;
    model_run(trial->model, &question, &reply, &most_ms);
    call->asked_step = call->step;
    call->is_void = reply.len > 9 && memcmp(buf_slice(&reply).data, "-NOSCRIPT", 9) == 0;
    if (trial->model->found_nothing)
        wait_begin(trial, at, call, model_deadline(trial->model, command->argc, command->argv));
    else
        call_answered(trial, at->index, call, at->given, buf_slice(&reply));
    buf_free(&reply);
}

/* One command of the log. */
static void run_command(
    struct trial *trial, const struct log_place *at, const struct command_reader *command) {
    struct transaction_words transaction;
    struct slice name = command->argv[0];
    if (transaction_read(command->argc, command->argv, &transaction)) {
        run_transaction(trial, at, &transaction);
    } else if (slice_is(name, "shardforge.again")) {
        model_step(trial->model);
        wait_again(trial, at, command->db, command->argc, command->argv);
    } else if (slice_is(name, "shardforge.unblock")) {
        model_step(trial->model);
        wait_unblock(trial, at, command->argv);
    } else if (model_is_write(name)) {
        run_write(trial, at, command);
    } /* else of the node's own: settings */
    model_serve(trial->model);
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
    struct log_place at = {.index = index, .header = header};
    for (; !trial->world->failed && command_reader_next(&commands); at.position++) {
        buf_clear(&given);
        if (!replay_next(trial->replay, &given, &at.waits)) break;
        at.given = buf_slice(&given);
        if (counts && commands.argc > 0)
            run_command(trial, &at, &commands);
        else if (given.len > 0)
            world_fail(trial->world, "entry %llu: a void place answers", (unsigned long long)index);
        if (!trial->world->failed) wait_match(trial, index);
    }
    command_reader_free(&commands);
    buf_free(&given);
}

/* Who goes is the leader's choice; that one stays which has changed since is the engines' word. */
static void run_eviction(struct trial *trial, raft_index index, struct reader *in) {
    struct entry_victim victim;
    uint32_t n, gone = 0, named = 0;
    const struct replay_evicted *evicted = replay_evicted(trial->replay, &n);
    for (; in->rest.len > 0 && entry_read_victim(in, &victim); named++) {
        bool goes = gone < n && evicted[gone].db == victim.db &&
                    slice_equal(buf_slice(&evicted[gone].key), victim.key);
        if (!goes) continue;
        gone++;
        if (!model_evict(trial->model, victim.db, victim.key))
            world_fail(trial->world, "entry %llu evicts %.*s, which is not there",
                (unsigned long long)index, (int)victim.key.len, victim.key.data);
    }
    if (gone < n)
        world_fail(trial->world, "entry %llu evicts a key that it does not name",
            (unsigned long long)index);
    trial->world->coverage[COVER_EVICTED] += gone;
    trial->world->coverage[COVER_SPARED] += named - gone;
}

static void run_stamped(struct trial *trial, raft_index index, const struct committed *entry) {
    struct reader in = reader_of(bytes_slice(entry->payload));
    struct entry_stamp stamp;
    struct sub_batch_header header;
    entry_read_stamp(&in, &stamp);
    model_advance(trial->model, stamp.now_ms);
    trial->model->oom = stamp.oom;
    trial->world->coverage[COVER_OOM] += stamp.oom;
    if (entry->kind == ENTRY_EVICTION) run_eviction(trial, index, &in);
    if (entry->kind == ENTRY_INCARNATION) run_incarnation(trial, &in);
    if (entry->kind == ENTRY_WAITERS_REMOVED)
        while (in.rest.len > 0 && !in.failed) wait_remove(trial, read_u64(&in));
    if (entry->kind != ENTRY_BATCH) return;
    while (in.rest.len > 0 && !trial->world->failed) {
        if (!entry_read_sub_batch(&in, &header)) {
            world_fail(trial->world, "entry %llu is malformed", (unsigned long long)index);
            return;
        }
        run_sub_batch(trial, index, &header);
    }
}

/* Nothing of it runs; time and sequences go on. */
static void skip_entry(struct trial *trial, raft_index index) {
    struct reader in = reader_of(bytes_slice(trial->record->log[index - 1].payload));
    struct entry_stamp stamp;
    struct sub_batch_header header;
    if (!replay_skip(trial->replay, index)) return;
    entry_read_stamp(&in, &stamp);
    model_advance(trial->model, stamp.now_ms);
    while (in.rest.len > 0 && entry_read_sub_batch(&in, &header))
        (void)sub_batch_counts(trial, index, &header);
}

static void run_entry(struct trial *trial, raft_index index) {
    const struct committed *entry = &trial->record->log[index - 1];
    if (index == deadly_skipped(trial->world)) {
        skip_entry(trial, index);
        return;
    }
    if (!replay_begin(trial->replay, index)) return;
    if (entry->kind == ENTRY_CONFIGURATION)
        run_configuration(trial, bytes_slice(entry->payload));
    else if (entry->kind != ENTRY_NOOP)
        run_stamped(trial, index, entry);
    if (trial->world->failed || !replay_end(trial->replay)) return;
    model_time_out(trial->model);
    wait_match(trial, index);
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
    if (!world->failed) wait_at_the_end(trial);
    if (!world->failed) events_judge(world, record->n);
    if (!world->failed) listening_judge(world);
    if (!world->failed) told_judge(world, trial->last_step, record->n);
    if (!world->failed) users_judge(world, trial->model, trial->last_step);
    if (!world->failed) place_calls(trial);
    world->coverage[COVER_EXPIRED] += trial->model->n_expired;
    model_free(trial->model);
    replay_free(trial->replay);
    sf_free(trial->last_step);
    sf_free(trial);
}
