/* The verdict's part about those who wait for keys: the log says who waits, the model who is
 * served, the engines what they answered; the three must agree, answer by answer. */
#include "sim/model_queue.h"
#include "sim/verdict.h"

static struct waiter_place place_of(const struct model_waiter *waiter) {
    return (struct waiter_place){
        waiter->node, waiter->counter, waiter->nonce, waiter->sequence, waiter->position};
}

static struct model_waiter waiter_here(const struct log_place *at) {
    return (struct model_waiter){
        .node = at->header->origin.node,
        .counter = at->header->origin.counter,
        .nonce = at->header->origin.nonce,
        .sequence = at->header->sequence,
        .position = at->position,
    };
}

void wait_begin(struct trial *trial, const struct log_place *at, struct client_call *call,
    int64_t deadline_ms) {
    struct model_waiter waiter = waiter_here(at);
    if (!at->waits) {
        call_fail(trial, call, "it should wait, and was answered", at->given, call->step);
        return;
    }
    waiter.id = (size_t)(call - trial->world->history->calls);
    waiter.deadline_ms = deadline_ms;
    waiter.db = call->db;
    waiter.argc = call->argc;
    waiter.argv = call->argv;
    call->waits = true;
    model_wait(trial->model, &waiter);
    struct waiter_place place = place_of(&waiter);
    replay_hold(trial->replay, &place, waiter.id);
    trial->world->coverage[COVER_WAITS]++;
}

/* shardforge.again deadline word ... */
void wait_again(struct trial *trial, const struct log_place *at, uint32_t db, uint32_t argc,
    const struct slice *argv) {
    struct model_waiter waiter;
    struct buf reply = {0};
    char deadline[24];
    int64_t most_ms;
    const struct incarnation *origin = &at->header->origin;
    if (!model_take_loose(
            trial->model, origin->node, origin->nonce, db, argc - 2, argv + 2, &waiter)) {
        world_fail(trial->world, "entry %llu queues a %.*s again that was not taken out",
            (unsigned long long)at->index, (int)argv[2].len, argv[2].data);
        return;
    }
    struct client_call *call = &trial->world->history->calls[waiter.id];
    snprintf(deadline, sizeof deadline, "%lld", (long long)waiter.deadline_ms);
    if (!slice_equal(argv[1], slice_text(deadline)))
        call_fail(trial, call, "queued again with another deadline", argv[1], call->step);
    struct model_question question = {
        trial->model->step, waiter.db, waiter.argc, waiter.argv, at->given};
    model_run(trial->model, &question, &reply, &most_ms);
    call->waits = false;
    if (trial->model->found_nothing)
        wait_begin(trial, at, call, waiter.deadline_ms);
    else
        call_answered(trial, at->index, call, at->given, buf_slice(&reply));
    buf_free(&reply);
    trial->world->coverage[COVER_WAITS_AGAIN]++;
}

static uint64_t number_of_word(struct slice word) {
    uint64_t value = 0;
    for (size_t i = 0; i < word.len; i++) value = value * 10 + (uint64_t)(word.data[i] - '0');
    return value;
}

/* shardforge.unblock node counter nonce sequence position timeout|error|gone */
void wait_unblock(struct trial *trial, const struct log_place *at, const struct slice *argv) {
    struct model_waiter place = {.node = number_of_word(argv[1]),
        .counter = number_of_word(argv[2]),
        .nonce = number_of_word(argv[3]),
        .sequence = number_of_word(argv[4]),
        .position = (uint32_t)number_of_word(argv[5])};
    struct model_waiter *waiter = model_waiter_at(trial->model, &place);
    bool gone = slice_is(argv[6], "gone"), error = slice_is(argv[6], "error");
    struct slice expected = waiter != NULL ? SLICE(":1\r\n") : SLICE(":0\r\n");
    if (!slice_equal(at->given, expected))
        world_fail(trial->world, "the unblocking in entry %llu answers %.*s",
            (unsigned long long)at->index, (int)at->given.len, at->given.data);
    if (waiter == NULL) return;
    struct client_call *call = &trial->world->history->calls[waiter->id];
    if (gone && call->outcome == OUTCOME_ANSWERED)
        call_fail(trial, call, "taken out as gone, but it was answered", SLICE(""), call->step);
    call->waits = call->waits && !gone;
    trial->world->coverage[gone ? COVER_WAITS_GONE : COVER_UNBLOCKED]++;
    model_end_wait(trial->model, waiter,
        gone    ? NULL
        : error ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
                : "*-1\r\n");
}

void wait_remove(struct trial *trial, uint64_t node) {
    uint32_t before = trial->model->queue.n;
    model_remove_waiters(trial->model, node);
    trial->world->coverage[COVER_WAITS_REMOVED] += before - trial->model->queue.n;
}

void wait_match(struct trial *trial, raft_index index) {
    struct model_queue *queue = &trial->model->queue;
    uint32_t n;
    const struct replay_answer *given = replay_answers(trial->replay, &n);
    if (given == NULL) return;
    for (uint32_t i = 0; i < SF_MAX(n, queue->n_answers) && !trial->world->failed; i++) {
        const struct model_answer *expected = i < queue->n_answers ? &queue->answers[i] : NULL;
        struct client_call *call =
            &trial->world->history->calls[expected != NULL ? expected->id : given[i].id];
        if (expected == NULL)
            call_fail(trial, call, "answered out of its turn", buf_slice(&given[i].reply),
                trial->model->step);
        else if (i >= n || given[i].id != expected->id)
            call_fail(trial, call, "its turn has come, but it is not served",
                buf_slice(&expected->reply), trial->model->step);
        else
            call_answered(
                trial, index, call, buf_slice(&given[i].reply), buf_slice(&expected->reply));
        call->waits = false;
        trial->world->coverage[COVER_SERVED]++;
    }
    queue_clear_answers(queue);
}

void wait_at_the_end(struct trial *trial) {
    const struct history *history = trial->world->history;
    for (size_t i = 0; i < history->n && !trial->world->failed; i++) {
        const struct client_call *call = &history->calls[i];
        bool pending = call->outcome == OUTCOME_PENDING && call->kind != CALL_ADMIN;
        if (pending && !call->waits)
            call_fail(trial, call, "a client waits for ever", SLICE(""), call->step);
        if (call->waits && call->outcome == OUTCOME_ANSWERED)
            call_fail(trial, call, "it is answered, and still waits", SLICE(""), call->step);
    }
}
