/* Sorted sets: ranges of ranks, scores and members; all of them end up as ranges of ranks. */
#include "commands/functions.h"
#include "commands/sorted_set.h"

enum range_kind { BY_RANK, BY_SCORE, BY_LEX };

/* A range as it was asked for. */
struct asked_range {
    enum range_kind kind;
    bool backward;
    int64_t start, stop;
    struct score_range scores;
    struct lex_range members;
};

/* -- borders --------------------------------------------------------------------------------- */

/* As C's strtod reads a border, which is what clients are used to: white space in front is
 * skipped, nothing at all is 0, what is too large is infinite, what is too small is 0; a zero byte
 * ends it. */
static bool border_parse(struct slice text, double *out) {
    const char *zero = text.len == 0 ? NULL : memchr(text.data, '\0', text.len);
    if (zero != NULL) text.len = (size_t)(zero - text.data);
    *out = 0;
    if (text.len == 0) return true;
    while (text.len > 0 && strchr(" \t\n\v\f\r", text.data[0]) != NULL) {
        text.data++;
        text.len--;
    }
    return double_parse_loose(text, out);
}

static bool score_border(struct slice text, double *score, bool *open) {
    *open = text.len > 0 && text.data[0] == '(';
    return border_parse(*open ? slice_of(text.data + 1, text.len - 1) : text, score);
}

static bool parse_scores(
    struct call *call, struct slice min, struct slice max, struct score_range *range) {
    if (score_border(min, &range->min, &range->min_open) &&
        score_border(max, &range->max, &range->max_open))
        return true;
    reply_error(call->reply, "ERR min or max is not a float");
    return false;
}

static bool lex_border(struct slice text, struct lex_border *border) {
    if (text.len == 0) return false;
    char c = text.data[0];
    *border = (struct lex_border){
        .at = LEX_MEMBER, .member = slice_of(text.data + 1, text.len - 1), .open = c == '('};
    if (c == '(' || c == '[') return true;
    border->at = c == '-' ? LEX_LOWEST : LEX_HIGHEST;
    return (c == '-' || c == '+') && (text.len == 1 || text.data[1] == '\0');
}

static bool parse_members(
    struct call *call, struct slice min, struct slice max, struct lex_range *range) {
    if (lex_border(min, &range->min) && lex_border(max, &range->max)) return true;
    reply_error(call->reply, "ERR min or max not valid string range item");
    return false;
}

/* The two borders from argv[at] on; where scores and members are asked for backward, the higher
 * one is first. */
static bool parse_range(struct call *call, uint32_t at, struct asked_range *range) {
    struct slice first = call->argv[at], second = call->argv[at + 1];
    struct slice min = range->backward ? second : first, max = range->backward ? first : second;
    switch (range->kind) {
    case BY_RANK:
        return call_integer(call, first, &range->start) && call_integer(call, second, &range->stop);
    case BY_SCORE:
        return parse_scores(call, min, max, &range->scores);
    case BY_LEX:
        return parse_members(call, min, max, &range->members);
    }
    SF_ASSERT(false);
    return false;
}

/* The ranks, counted from the lowest score. */
static struct rank_range resolve(const struct collection *zset, const struct asked_range *range) {
    uint64_t size = zset_size(zset);
    int64_t start = range->start, stop = range->stop;
    switch (range->kind) {
    case BY_SCORE:
        return zset_score_range(zset, &range->scores);
    case BY_LEX:
        return zset_lex_range(zset, &range->members, range->backward);
    case BY_RANK:
        if (!range_clip(&start, &stop, size)) return (struct rank_range){0, 0};
        uint64_t n = (uint64_t)(stop - start) + 1;
        return (struct rank_range){
            range->backward ? size - (uint64_t)start - n : (uint64_t)start, n};
    }
    SF_ASSERT(false);
    return (struct rank_range){0, 0};
}

/* -- counting and removing ------------------------------------------------------------------- */

static void count(struct call *call, enum range_kind kind) {
    struct asked_range range = {.kind = kind};
    struct collection zset;
    if (!parse_range(call, 2, &range)) return;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_integer(call->reply, zset.value == NULL ? 0 : (int64_t)resolve(&zset, &range).n);
}

void cmd_zcount(struct call *call) {
    count(call, BY_SCORE);
}

void cmd_zlexcount(struct call *call) {
    count(call, BY_LEX);
}

static const char *removal_event(enum range_kind kind) {
    if (kind == BY_RANK) return "zremrangebyrank";
    return kind == BY_SCORE ? "zremrangebyscore" : "zremrangebylex";
}

static void remove_range(struct call *call, enum range_kind kind) {
    struct asked_range range = {.kind = kind};
    struct edit edit;
    struct rank_range ranks = {0, 0};
    if (!parse_range(call, 2, &range)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_ZSET, &edit)) return;
    if (edit.object != NULL) ranks = resolve(&edit.value, &range);
    if (ranks.n > 0) {
        zset_remove_ranks(&edit.value, &ranks);
        edit_end(call, &edit, removal_event(kind));
    }
    reply_integer(call->reply, (int64_t)ranks.n);
}

void cmd_zremrangebyrank(struct call *call) {
    remove_range(call, BY_RANK);
}

void cmd_zremrangebyscore(struct call *call) {
    remove_range(call, BY_SCORE);
}

void cmd_zremrangebylex(struct call *call) {
    remove_range(call, BY_LEX);
}

/* -- returning and storing ------------------------------------------------------------------- */

/* Which options a command takes, and what they said. */
struct range_options {
    bool may_choose; /* ZRANGE, ZRANGESTORE: BYSCORE, BYLEX, REV */
    bool store;
    bool with_scores;
    int64_t offset, limit; /* limit < 0: all */
};

static bool range_options(
    struct call *call, uint32_t at, struct asked_range *range, struct range_options *options) {
    bool chosen = !options->may_choose;
    options->limit = -1;
    for (; at < call->argc; at++) {
        struct slice word = call->argv[at];
        if (!options->store && slice_is(word, "withscores")) {
            options->with_scores = true;
        } else if (slice_is(word, "limit") && call->argc - at > 2) {
            if (!call_integer(call, call->argv[at + 1], &options->offset)) return false;
            if (!call_integer(call, call->argv[at + 2], &options->limit)) return false;
            at += 2;
        } else if (options->may_choose && !range->backward && slice_is(word, "rev")) {
            range->backward = true;
        } else if (!chosen && slice_is(word, "bylex")) {
            range->kind = BY_LEX;
            chosen = true;
        } else if (!chosen && slice_is(word, "byscore")) {
            range->kind = BY_SCORE;
            chosen = true;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    const char *error = NULL;
    if (options->limit != -1 && range->kind == BY_RANK)
        error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                "BYLEX";
    else if (options->with_scores && range->kind == BY_LEX)
        error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    if (error != NULL) reply_error(call->reply, error);
    if (range->kind == BY_RANK) options->offset = 0; /* LIMIT x -1 is let pass, and says nothing */
    return error == NULL;
}

/* What LIMIT leaves of a range; a negative offset skips everything. */
static struct rank_range limited(
    struct rank_range ranks, const struct range_options *options, bool backward) {
    if (options->offset < 0 || (uint64_t)options->offset >= ranks.n)
        return (struct rank_range){0, 0};
    uint64_t skipped = (uint64_t)options->offset, n = ranks.n - skipped;
    if (options->limit >= 0) n = SF_MIN(n, (uint64_t)options->limit);
    uint64_t from = backward ? ranks.from + ranks.n - skipped - n : ranks.from + skipped;
    return (struct rank_range){from, n};
}

static void reply_ranks(struct call *call, const struct collection *zset, struct rank_range ranks,
    bool backward, bool with_scores) {
    struct zset_cursor cursor;
    reply_members_begin(call, ranks.n, with_scores);
    uint64_t from = backward ? ranks.from + ranks.n - 1 : ranks.from;
    bool more = ranks.n > 0 && zset_seek(zset, from, &cursor);
    for (uint64_t i = 0; i < ranks.n; i++) {
        SF_ASSERT(more);
        call_work(call, 1);
        reply_member(call, &cursor, with_scores);
        more = zset_step(&cursor, backward);
    }
}

static void store_ranks(struct call *call, const struct collection *zset, struct rank_range ranks) {
    struct zset_cursor cursor;
    char scratch[INT_TEXT_MAX];
    struct collection result =
        zset_new(db_collection_types(call->db), call->thresholds, ranks.n, 0);
    bool more = ranks.n > 0 && zset_seek(zset, ranks.from, &cursor);
    for (uint64_t i = 0; i < ranks.n; i++) {
        SF_ASSERT(more);
        call_work(call, 1);
        zset_add(&result, call->thresholds, zset_member(&cursor, scratch), zset_score(&cursor));
        more = zset_step(&cursor, false);
    }
    call_store(call, call->argv[1], &result, "zrangestore");
    reply_integer(call->reply, (int64_t)ranks.n);
}

static void range(struct call *call, struct asked_range asked, struct range_options options) {
    uint32_t source = options.store ? 2 : 1;
    struct collection zset;
    struct rank_range ranks = {0, 0};
    if (!range_options(call, source + 3, &asked, &options)) return;
    if (!parse_range(call, source + 1, &asked)) return;
    if (!call_read_value(call, call->argv[source], OBJECT_ZSET, &zset)) return;
    if (zset.value != NULL) ranks = limited(resolve(&zset, &asked), &options, asked.backward);
    if (options.store)
        store_ranks(call, &zset, ranks);
    else
        reply_ranks(call, &zset, ranks, asked.backward, options.with_scores);
}

void cmd_zrange(struct call *call) {
    range(call, (struct asked_range){.kind = BY_RANK}, (struct range_options){.may_choose = true});
}

void cmd_zrangestore(struct call *call) {
    range(call, (struct asked_range){.kind = BY_RANK},
        (struct range_options){.may_choose = true, .store = true});
}

void cmd_zrevrange(struct call *call) {
    range(call, (struct asked_range){.kind = BY_RANK, .backward = true},
        (struct range_options){.may_choose = false});
}

void cmd_zrangebyscore(struct call *call) {
    range(call, (struct asked_range){.kind = BY_SCORE}, (struct range_options){.store = false});
}

void cmd_zrevrangebyscore(struct call *call) {
    range(call, (struct asked_range){.kind = BY_SCORE, .backward = true},
        (struct range_options){.store = false});
}

void cmd_zrangebylex(struct call *call) {
    range(call, (struct asked_range){.kind = BY_LEX}, (struct range_options){.store = false});
}

void cmd_zrevrangebylex(struct call *call) {
    range(call, (struct asked_range){.kind = BY_LEX, .backward = true},
        (struct range_options){.store = false});
}
