/* EVAL and EVALSHA of the workload's scripts. */
#include "sim/model_internal.h"
#include "sim/scripts.h"

#include <inttypes.h>
#include <stdio.h>

enum { SCRIPT_IS_MOVE, SCRIPT_IS_LIMIT, SCRIPT_IS_TELL, SCRIPTS };

static int64_t amount_of(const struct run *run, uint32_t arg) {
    const struct model_value *value = version_of(run, run->argv[arg])->value;
    int64_t amount = 0;
    bool good = value == NULL || number_of(bytes_slice(value->elements[0].name), &amount);
    SF_ASSERT(good); /* nothing else writes these keys */
    return amount;
}

static void set_amount(const struct run *run, uint32_t arg, int64_t amount, int64_t due_ms) {
    char text[32];
    struct model_value *value = value_new(MODEL_STRING);
    snprintf(text, sizeof text, "%" PRId64, amount);
    (void)value_insert(value, 0, slice_text(text));
    store(run, run->argv[arg], value, due_ms);
}

/* EVAL script 2 from to amount unique */
static void run_move(const struct run *run) {
    int64_t from = amount_of(run, 3), amount = number_at(run, 5);
    if (from < -500) {
        say_integer(run, -1);
        return;
    }
    set_amount(run, 3, from - amount, MODEL_NEVER);
    int64_t to = amount_of(run, 4) + amount;
    set_amount(run, 4, to, MODEL_NEVER);
    say_integer(run, to);
}

/* EVAL script 1 key milliseconds unique */
static void run_limit(const struct run *run) {
    int64_t n = amount_of(run, 3) + 1;
    int64_t due_ms =
        n == 1 ? run->now_ms + number_at(run, 4) : version_of(run, run->argv[3])->due_ms;
    set_amount(run, 3, n, due_ms);
    say_integer(run, n > 3 ? 0 : n);
}

/* EVAL script 1 key channel message */
static void run_tell(const struct run *run) {
    int64_t n = amount_of(run, 3) + 1;
    set_amount(run, 3, n, MODEL_NEVER);
    say_integer(run, n);
}

/* shardforge.publish channel|shard name message: who hears it differs between nodes. */
static void run_publish(const struct run *run) {
    struct slice given = run->question->given;
    if (given.len > 1 && given.data[0] == ':' && given.data[1] != '-')
        buf_append_slice(run->reply, given);
    else
        say_integer(run, 0);
}

static void run_eval(const struct run *run) {
    static const char *const texts[] = {SCRIPT_MOVE, SCRIPT_LIMIT, SCRIPT_TELL};
    static const char *const shas[] = {SCRIPT_MOVE_SHA, SCRIPT_LIMIT_SHA, SCRIPT_TELL_SHA};
    bool by_sha = is_command(run, "EVALSHA");
    int script = 0;
    while (!slice_equal(run->argv[1], slice_text((by_sha ? shas : texts)[script]))) {
        script++;
        SF_ASSERT(script < SCRIPTS);
    }
    if (by_sha && !run->model->has_script[script]) {
        say_line(run, "-NOSCRIPT No matching script. Please use EVAL.");
        return;
    }
    run->model->has_script[script] = true;
    if (script == SCRIPT_IS_MOVE)
        run_move(run);
    else if (script == SCRIPT_IS_TELL)
        run_tell(run);
    else
        run_limit(run);
}

const struct model_command model_script_commands[] = {
    {"EVAL", run_eval, MODEL_WRITES},
    {"EVALSHA", run_eval, MODEL_WRITES},
    {"SHARDFORGE.PUBLISH", run_publish, MODEL_READS},
    {NULL, NULL, 0},
};
