/* Sorted sets: members with their scores, one by one. */
#include "commands/sorted_set.h"
#include "commands/functions.h"

#include <math.h>

/* -- adding ---------------------------------------------------------------------------------- */

enum add_outcome { ADD_NOTHING, ADD_ADDED, ADD_CHANGED, ADD_SAME, ADD_NAN };

/* The options from argv[2] on; returns the index of the first score, 0 where they do not fit. */
static uint32_t parse_add_options(struct call *call, struct add_options *options) {
    uint32_t at = 2;
    for (; at < call->argc; at++) {
        struct slice word = call->argv[at];
        if (slice_is(word, "nx"))
            options->nx = true;
        else if (slice_is(word, "xx"))
            options->xx = true;
        else if (slice_is(word, "gt"))
            options->gt = true;
        else if (slice_is(word, "lt"))
            options->lt = true;
        else if (slice_is(word, "ch"))
            options->ch = true;
        else if (slice_is(word, "incr"))
            options->incr = true;
        else
            break;
    }
    const char *error = NULL;
    uint32_t left = call->argc - at;
    if (left == 0 || left % 2 != 0)
        error = TEXT_SYNTAX;
    else if (options->nx && options->xx)
        error = "ERR XX and NX options at the same time are not compatible";
    else if (options->gt + options->lt + options->nx > 1)
        error = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if (options->incr && left > 2)
        error = "ERR INCR option supports a single increment-element pair";
    if (error == NULL) return at;
    reply_error(call->reply, error);
    return 0;
}

/* *score becomes what the member has afterwards. */
static enum add_outcome add_one(struct call *call, struct collection *zset,
    const struct add_options *options, struct slice member, double *score) {
    double old;
    if (!zset_find(zset, member, &old)) {
        if (options->xx) return ADD_NOTHING;
        zset_add(zset, call->thresholds, member, *score);
        return ADD_ADDED;
    }
    if (options->nx) return ADD_NOTHING;
    if (options->incr) *score += old;
    if (isnan(*score)) return ADD_NAN;
    if ((options->gt && *score <= old) || (options->lt && *score >= old)) return ADD_NOTHING;
    if (*score == old) return ADD_SAME;
    zset_set_score(zset, member, *score);
    return ADD_CHANGED;
}

static bool parse_scores(struct call *call, uint32_t first, double *scores) {
    for (uint32_t i = first; i < call->argc; i += 2) {
        if (!double_parse(call->argv[i], &scores[(i - first) / 2])) {
            reply_error(call->reply, TEXT_NOT_FLOAT);
            return false;
        }
    }
    return true;
}

/* A new one's form follows the number of members and the first of them, as Redis's does: a packed
 * form stores -0 as 0, so it shows. */
void add_scored(struct call *call, const struct add_options *options, const struct scored *scored) {
    struct edit edit;
    int64_t added = 0, changed = 0;
    uint32_t n = scored->n;
    enum add_outcome outcome = ADD_NOTHING;
    if (!edit_begin(call, call->argv[1], OBJECT_ZSET, &edit)) return;
    if (edit.object == NULL && !options->xx)
        edit.value =
            zset_new(edit.value.types, call->thresholds, n, call->argv[scored->members].len);
    for (uint32_t i = 0; edit.value.value != NULL && i < n && outcome != ADD_NAN; i++) {
        struct slice member = call->argv[scored->members + scored->step * i];
        outcome = add_one(call, &edit.value, options, member, &scored->scores[i]);
        added += outcome == ADD_ADDED;
        changed += outcome == ADD_CHANGED;
    }
    if (outcome == ADD_NAN)
        reply_error(call->reply, "ERR resulting score is not a number (NaN)");
    else if (!options->incr)
        reply_integer(call->reply, options->ch ? added + changed : added);
    else if (outcome == ADD_NOTHING)
        reply_null(call->reply);
    else
        reply_double(call->reply, scored->scores[0]);
    if (added + changed > 0) edit_end(call, &edit, options->incr ? "zincr" : "zadd");
}

static void add(struct call *call, bool incr) {
    struct add_options options = {.incr = incr};
    uint32_t first = parse_add_options(call, &options);
    if (first == 0) return;
    uint32_t n = (call->argc - first) / 2;
    double *scores = sf_alloc(n * sizeof *scores);
    struct scored scored = {.scores = scores, .n = n, .members = first + 1, .step = 2};
    if (parse_scores(call, first, scores)) add_scored(call, &options, &scored);
    sf_free(scores);
}

void cmd_zadd(struct call *call) {
    add(call, false);
}

void cmd_zincrby(struct call *call) {
    add(call, true);
}

/* -- removing -------------------------------------------------------------------------------- */

void cmd_zrem(struct call *call) {
    struct edit edit;
    int64_t removed = 0;
    if (!edit_begin(call, call->argv[1], OBJECT_ZSET, &edit)) return;
    for (uint32_t i = 2; edit.object != NULL && i < call->argc; i++)
        removed += zset_remove(&edit.value, call->argv[i]);
    if (removed > 0) edit_end(call, &edit, "zrem");
    reply_integer(call->reply, removed);
}

/* -- looking --------------------------------------------------------------------------------- */

void cmd_zcard(struct call *call) {
    struct collection zset;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_integer(call->reply, zset.value == NULL ? 0 : (int64_t)zset_size(&zset));
}

static void reply_score_of(struct call *call, const struct collection *zset, struct slice member) {
    double score;
    if (zset->value != NULL && zset_find(zset, member, &score))
        reply_double(call->reply, score);
    else
        reply_null(call->reply);
}

void cmd_zscore(struct call *call) {
    struct collection zset;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_score_of(call, &zset, call->argv[2]);
}

void cmd_zmscore(struct call *call) {
    struct collection zset;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) reply_score_of(call, &zset, call->argv[i]);
}

static void rank(struct call *call, bool backward) {
    struct collection zset;
    bool with_score = call->argc == 4;
    if (call->argc > 4) {
        reply_arity_error(call);
        return;
    }
    if (with_score && !slice_is(call->argv[3], "withscore")) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    uint64_t before;
    double score;
    if (zset.value == NULL || !zset_rank(&zset, call->argv[2], &before, &score)) {
        if (with_score)
            reply_null_array(call->reply);
        else
            reply_null(call->reply);
        return;
    }
    if (with_score) reply_array(call->reply, 2);
    reply_integer(call->reply, (int64_t)(backward ? zset_size(&zset) - 1 - before : before));
    if (with_score) reply_double(call->reply, score);
}

void cmd_zrank(struct call *call) {
    rank(call, false);
}

void cmd_zrevrank(struct call *call) {
    rank(call, true);
}

/* -- replies --------------------------------------------------------------------------------- */

bool nests_scores(const struct call *call) {
    return call->reply->proto > 2;
}

void reply_members_begin(struct call *call, uint64_t n, bool with_scores) {
    reply_array(call->reply, with_scores && !nests_scores(call) ? 2 * n : n);
}

void reply_member(struct call *call, const struct zset_cursor *cursor, bool with_score) {
    char scratch[INT_TEXT_MAX];
    if (with_score && nests_scores(call)) reply_array(call->reply, 2);
    reply_bulk(call->reply, zset_member(cursor, scratch));
    if (with_score) reply_double(call->reply, zset_score(cursor));
}
