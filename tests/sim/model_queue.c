#include "sim/model_queue.h"

#include "sim/model_internal.h"

#define TIMED_OUT_BUDGET 512 /* after each entry */

static void *grown(void *array, uint32_t n, uint32_t *cap, size_t size) {
    if (n < *cap) return array;
    *cap = SF_MAX(16u, *cap * 2);
    return sf_realloc(array, *cap * size);
}

void queue_clear_answers(struct model_queue *queue) {
    for (uint32_t i = 0; i < queue->n_answers; i++) buf_free(&queue->answers[i].reply);
    queue->n_answers = 0;
}

void model_queue_free(struct model_queue *queue) {
    queue_clear_answers(queue);
    for (uint32_t i = 0; i < queue->n_ready; i++) bytes_unref(queue->ready[i].key);
    sf_free(queue->ready);
    sf_free(queue->answers);
    sf_free(queue->waiters);
    sf_free(queue->loose);
}

/* -- words ------------------------------------------------------------------------------------- */

static bool moves(const struct model_waiter *waiter) {
    return slice_is(waiter->argv[0], "BLMOVE");
}

static int type_of(const struct model_waiter *waiter) {
    return slice_is(waiter->argv[0], "BZPOPMIN") ? MODEL_ZSET : MODEL_LIST;
}

bool model_blocks(struct slice name) {
    return slice_is(name, "BLPOP") || slice_is(name, "BRPOP") || slice_is(name, "BLMOVE") ||
           slice_is(name, "BZPOPMIN");
}

/* Seconds with up to nine digits behind the point, the last word; rounded up to milliseconds. */
int64_t model_deadline(const struct model *model, uint32_t argc, const struct slice *argv) {
    struct slice text = argv[argc - 1];
    int64_t nanos = 0, digits = -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.') {
            digits = 0;
            continue;
        }
        nanos = nanos * 10 + (text.data[i] - '0');
        if (digits >= 0) digits++;
    }
    for (digits = SF_MAX(digits, (int64_t)0); digits < 9; digits++) nanos *= 10;
    if (nanos == 0) return MODEL_NEVER;
    return model->times[model->step] + (nanos + 999999) / 1000000;
}

static bool waits_for(const struct model_waiter *waiter, uint32_t db, int type, struct slice key) {
    if (waiter->db != db || type_of(waiter) != type) return false;
    uint32_t end = moves(waiter) ? 2 : waiter->argc - 1;
    for (uint32_t i = 1; i < end; i++)
        if (slice_equal(waiter->argv[i], key)) return true;
    return false;
}

static bool is_waited_for(
    const struct model_queue *queue, uint32_t db, int type, struct slice key) {
    for (uint32_t i = 0; i < queue->n; i++)
        if (waits_for(&queue->waiters[i], db, type, key)) return true;
    return false;
}

/* -- coming and going -------------------------------------------------------------------------- */

void model_wait(struct model *model, const struct model_waiter *waiter) {
    struct model_queue *queue = &model->queue;
    queue->waiters = grown(queue->waiters, queue->n, &queue->cap, sizeof *queue->waiters);
    queue->waiters[queue->n++] = *waiter;
}

/* A line that nobody stands in any more is ready no more. */
static void take_out(struct model_queue *queue, struct model_waiter *waiter) {
    uint32_t at = (uint32_t)(waiter - queue->waiters), kept = 0;
    memmove(waiter, waiter + 1, (--queue->n - at) * sizeof *waiter);
    for (uint32_t i = 0; i < queue->n_ready; i++) {
        struct model_line *line = &queue->ready[i];
        if (is_waited_for(queue, line->db, line->type, bytes_slice(line->key)))
            queue->ready[kept++] = *line;
        else
            bytes_unref(line->key);
    }
    queue->n_ready = kept;
}

static struct buf *answer(struct model_queue *queue, size_t id) {
    queue->answers =
        grown(queue->answers, queue->n_answers, &queue->answers_cap, sizeof *queue->answers);
    struct model_answer *given = &queue->answers[queue->n_answers++];
    *given = (struct model_answer){.id = id};
    return &given->reply;
}

void model_end_wait(struct model *model, struct model_waiter *waiter, const char *reply) {
    if (reply != NULL) buf_append_text(answer(&model->queue, waiter->id), reply);
    take_out(&model->queue, waiter);
}

struct model_waiter *model_waiter_at(struct model *model, const struct model_waiter *place) {
    struct model_queue *queue = &model->queue;
    for (uint32_t i = 0; i < queue->n; i++) {
        struct model_waiter *its = &queue->waiters[i];
        if (its->node == place->node && its->counter == place->counter &&
            its->nonce == place->nonce && its->sequence == place->sequence &&
            its->position == place->position)
            return its;
    }
    return NULL;
}

void model_remove_waiters(struct model *model, uint64_t node) {
    struct model_queue *queue = &model->queue;
    for (uint32_t i = 0; i < queue->n;) {
        if (queue->waiters[i].node != node) {
            i++;
            continue;
        }
        queue->loose = grown(queue->loose, queue->n_loose, &queue->loose_cap, sizeof *queue->loose);
        queue->loose[queue->n_loose++] = queue->waiters[i];
        take_out(queue, &queue->waiters[i]);
    }
}

bool model_take_loose(struct model *model, uint64_t node, uint64_t nonce, uint32_t db,
    uint32_t argc, const struct slice *argv, struct model_waiter *out) {
    struct model_queue *queue = &model->queue;
    for (uint32_t i = 0; i < queue->n_loose; i++) {
        struct model_waiter *its = &queue->loose[i];
        bool same = its->node == node && its->nonce == nonce && its->db == db && its->argc == argc;
        for (uint32_t k = 0; same && k < argc; k++) same = slice_equal(its->argv[k], argv[k]);
        if (!same) continue;
        *out = *its;
        *its = queue->loose[--queue->n_loose];
        return true;
    }
    return false;
}

/* -- who gets what ------------------------------------------------------------------------------
 */

void model_became(struct model *model, uint32_t db, struct bytes *key, int type) {
    struct model_queue *queue = &model->queue;
    if (!is_waited_for(queue, db, type, bytes_slice(key))) return;
    for (uint32_t i = 0; i < queue->n_ready; i++) {
        const struct model_line *line = &queue->ready[i];
        if (line->db == db && line->type == type &&
            slice_equal(bytes_slice(line->key), bytes_slice(key)))
            return;
    }
    queue->ready = grown(queue->ready, queue->n_ready, &queue->ready_cap, sizeof *queue->ready);
    queue->ready[queue->n_ready++] = (struct model_line){db, type, bytes_ref(key)};
}

/* His command runs again; he may have to wait once more, as the last. */
static void run_again(struct model *model, struct model_waiter *waiter) {
    struct model_waiter his = *waiter;
    struct buf reply = {0};
    int64_t most_ms;
    struct model_question question = {model->step, his.db, his.argc, his.argv, slice_of(NULL, 0)};
    take_out(&model->queue, waiter);
    model_run(model, &question, &reply, &most_ms);
    if (model->found_nothing)
        model_wait(model, &his);
    else
        buf_append_slice(answer(&model->queue, his.id), buf_slice(&reply));
    buf_free(&reply);
}

/* Each who stands in the line now once, as long as there is something. */
static void serve_line(struct model *model, const struct model_line *line) {
    struct model_queue *queue = &model->queue;
    uint32_t n = 0;
    size_t *ids = sf_alloc_zero(queue->n + 1, sizeof *ids);
    for (uint32_t i = 0; i < queue->n; i++)
        if (waits_for(&queue->waiters[i], line->db, line->type, bytes_slice(line->key)))
            ids[n++] = queue->waiters[i].id;
    for (uint32_t i = 0; i < n; i++) {
        if (!model_holds(model, line->db, bytes_slice(line->key), line->type)) break;
        uint32_t at = 0;
        while (queue->waiters[at].id != ids[i]) at++;
        run_again(model, &queue->waiters[at]);
    }
    sf_free(ids);
}

void model_serve(struct model *model) {
    struct model_queue *queue = &model->queue;
    while (queue->n_ready > 0) {
        struct model_line first = queue->ready[0];
        memmove(queue->ready, queue->ready + 1, --queue->n_ready * sizeof first);
        serve_line(model, &first);
        bytes_unref(first.key);
    }
}

void model_time_out(struct model *model) {
    struct model_queue *queue = &model->queue;
    for (int left = TIMED_OUT_BUDGET; left > 0; left--) {
        struct model_waiter *first = NULL;
        for (uint32_t i = 0; i < queue->n; i++) {
            struct model_waiter *its = &queue->waiters[i];
            if (its->deadline_ms > model->times[model->step]) continue;
            if (first == NULL || its->deadline_ms < first->deadline_ms) first = its;
        }
        if (first == NULL) return;
        model_end_wait(model, first, "*-1\r\n");
    }
}

/* -- the commands -------------------------------------------------------------------------------
 */

static void found_nothing(const struct run *run, const char *reply) {
    run->model->found_nothing = true;
    say_line(run, reply);
}

static void run_pop(const struct run *run) {
    bool zset = is_command(run, "BZPOPMIN");
    for (uint32_t i = 1; i + 1 < run->argc; i++) {
        const struct model_value *old;
        if (!value_open(run, i, zset ? MODEL_ZSET : MODEL_LIST, &old)) return;
        if (old == NULL) continue;
        struct model_value *value = zset ? value_ranked(old) : value_edit(old, MODEL_LIST);
        uint32_t at = is_command(run, "BRPOP") ? value->n - 1 : 0;
        say_array(run, zset ? 3 : 2);
        say_bulk(run, run->argv[i]);
        say_bulk(run, bytes_slice(value->elements[at].name));
        if (zset) say_score(run, value->elements[at].score);
        value_remove(value, at);
        store_edit(run, i, value);
        return;
    }
    found_nothing(run, "*-1");
}

static void run_blmove(const struct run *run) { /* BLMOVE from to LEFT|RIGHT LEFT|RIGHT seconds */
    const struct model_value *from;
    if (!value_open(run, 1, MODEL_LIST, &from)) return;
    if (from == NULL)
        found_nothing(run, "$-1");
    else
        run_lmove(run);
}

const struct model_command model_blocking_commands[] = {
    {"BLPOP", run_pop, MODEL_WRITES},
    {"BRPOP", run_pop, MODEL_WRITES},
    {"BLMOVE", run_blmove, MODEL_WRITES},
    {"BZPOPMIN", run_pop, MODEL_WRITES},
    {NULL, NULL, 0},
};
