/* Unions, intersections and differences of sorted sets, and of sets, whose members count 1. */
#include "commands/functions.h"
#include "commands/sorted_set.h"
#include "keyspace/set.h"

#include <math.h>

enum operation { UNION, INTERSECTION, DIFFERENCE };
enum aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };

struct input {
    struct collection value; /* value.value NULL: no such key */
    uint64_t size;
    double weight;
};

struct combination {
    struct call *call;
    enum operation operation;
    bool stores, counts; /* ...STORE, ZINTERCARD */
    struct input *inputs;
    uint32_t n_inputs;
    enum aggregate aggregate;
    bool with_scores;
    uint64_t limit; /* 0: none */
};

/* -- inputs ---------------------------------------------------------------------------------- */

struct input_iterator {
    const struct input *input;
    struct set_iterator set;
    struct zset_cursor zset;
    bool more;
    char scratch[INT_TEXT_MAX];
};

static void input_begin(const struct input *input, struct input_iterator *iterator) {
    iterator->input = input;
    iterator->more = input->size > 0;
    if (!iterator->more) return;
    if (input->value.type == OBJECT_SET)
        iterator->set = set_iterate(&input->value);
    else
        zset_seek(&input->value, 0, &iterator->zset);
}

/* false at the end. The member is valid until the next call. */
static bool input_next(struct input_iterator *iterator, struct slice *member, double *score) {
    if (!iterator->more) return false;
    if (iterator->input->value.type == OBJECT_SET) {
        *score = 1;
        iterator->more = set_next(&iterator->set, member);
        return iterator->more;
    }
    struct slice held = zset_member(&iterator->zset, iterator->scratch);
    *member = held;
    *score = zset_score(&iterator->zset);
    iterator->more = zset_step(&iterator->zset, false);
    return true;
}

static bool input_find(const struct input *input, struct slice member, double *score) {
    if (input->size == 0) return false;
    *score = 1;
    if (input->value.type == OBJECT_SET) return set_contains(&input->value, member);
    return zset_find(&input->value, member, score);
}

/* From the smallest to the largest, equal ones in the order given: so scores are added in the
 * order in which Redis adds them. */
static void inputs_sort(struct input *inputs, uint32_t n) {
    struct input *other = sf_alloc(n * sizeof *other);
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t low = 0; low < n; low += 2 * width) {
            uint64_t middle = SF_MIN(low + width, n), high = SF_MIN(low + 2 * width, n);
            uint64_t left = low, right = middle;
            for (uint64_t at = low; at < high; at++) {
                bool takes_left =
                    right == high || (left < middle && inputs[left].size <= inputs[right].size);
                other[at] = inputs[takes_left ? left++ : right++];
            }
        }
        memcpy(inputs, other, n * sizeof *other);
    }
    sf_free(other);
}

/* -- scores ---------------------------------------------------------------------------------- */

static double weigh(double weight, double score) {
    double product = weight * score;
    return isnan(product) ? 0 : product;
}

static double join_scores(enum aggregate aggregate, double so_far, double score) {
    double sum;
    switch (aggregate) {
    case AGGREGATE_SUM:
        sum = so_far + score;
        return isnan(sum) ? 0 : sum; /* inf and -inf */
    case AGGREGATE_MIN:
        return score < so_far ? score : so_far;
    case AGGREGATE_MAX:
        return score > so_far ? score : so_far;
    }
    SF_ASSERT(false);
    return 0;
}

/* -- the three operations -------------------------------------------------------------------- */

static void unite(const struct combination *all, struct sorted_set *result) {
    struct slice member;
    double score;
    for (uint32_t i = 0; i < all->n_inputs; i++) {
        const struct input *input = &all->inputs[i];
        struct input_iterator iterator;
        for (input_begin(input, &iterator); input_next(&iterator, &member, &score);) {
            call_work(all->call, 1);
            score = weigh(input->weight, score);
            const struct sorted_element *held = sorted_set_find(result, member);
            if (held == NULL)
                sorted_set_add(result, member, score);
            else
                sorted_set_rescore(result, held, join_scores(all->aggregate, held->score, score));
        }
    }
}

/* Whether all inputs behind the first have the member; *score becomes what it is in all of them
 * together. */
static bool is_in_all(const struct combination *all, struct slice member, double *score) {
    double first = *score, value;
    *score = weigh(all->inputs[0].weight, first);
    for (uint32_t i = 1; i < all->n_inputs; i++) {
        if (!input_find(&all->inputs[i], member, &value)) return false;
        *score = join_scores(all->aggregate, *score, value * all->inputs[i].weight);
    }
    return true;
}

/* Returns the number found; result may be NULL. */
static uint64_t intersect(const struct combination *all, struct sorted_set *result) {
    struct input_iterator iterator;
    struct slice member;
    double score;
    uint64_t found = 0;
    for (input_begin(&all->inputs[0], &iterator); input_next(&iterator, &member, &score);) {
        call_work(all->call, all->n_inputs);
        if (!is_in_all(all, member, &score)) continue;
        if (result != NULL) sorted_set_add(result, member, score);
        if (++found == all->limit) break;
    }
    return found;
}

static void subtract(const struct combination *all, struct sorted_set *result) {
    struct input_iterator iterator;
    struct slice member;
    double score, other;
    for (input_begin(&all->inputs[0], &iterator); input_next(&iterator, &member, &score);) {
        bool only_here = true;
        call_work(all->call, all->n_inputs);
        for (uint32_t i = 1; only_here && i < all->n_inputs; i++)
            only_here = !input_find(&all->inputs[i], member, &other);
        if (only_here) sorted_set_add(result, member, score);
    }
}

/* -- arguments ------------------------------------------------------------------------------- */

/* The inputs behind argv[at], which counts them. */
static bool find_inputs(struct combination *all, uint32_t at) {
    struct call *call = all->call;
    int64_t n;
    if (!call_integer(call, call->argv[at], &n)) return false;
    if (n < 1) {
        reply_errorf(call->reply, "ERR at least 1 input key is needed for '%s' command",
            call->command->name);
        return false;
    }
    if (n > (int64_t)call->argc - at - 1) {
        reply_error(call->reply, TEXT_SYNTAX);
        return false;
    }
    all->n_inputs = (uint32_t)n;
    all->inputs = sf_alloc_zero(all->n_inputs, sizeof *all->inputs);
    for (uint32_t i = 0; i < all->n_inputs; i++) {
        struct input *input = &all->inputs[i];
        const struct object *object = call_find(call, call->argv[at + 1 + i]);
        input->weight = 1;
        call_looked_up(call, call->argv[at + 1 + i], object != NULL);
        if (object == NULL) continue;
        if (object_type(object) != OBJECT_SET && object_type(object) != OBJECT_ZSET) {
            reply_error(call->reply, TEXT_WRONG_TYPE);
            return false;
        }
        input->value = db_collection(call->db, object);
        input->size = collection_size(&input->value);
    }
    return true;
}

static bool parse_weights(struct combination *all, uint32_t at) {
    for (uint32_t i = 0; i < all->n_inputs; i++) {
        if (double_parse(all->call->argv[at + i], &all->inputs[i].weight)) continue;
        reply_error(all->call->reply, "ERR weight value is not a float");
        return false;
    }
    return true;
}

static bool parse_aggregate(struct combination *all, struct slice word) {
    if (slice_is(word, "sum"))
        all->aggregate = AGGREGATE_SUM;
    else if (slice_is(word, "min"))
        all->aggregate = AGGREGATE_MIN;
    else if (slice_is(word, "max"))
        all->aggregate = AGGREGATE_MAX;
    else {
        reply_error(all->call->reply, TEXT_SYNTAX);
        return false;
    }
    return true;
}

static bool parse_limit(struct combination *all, struct slice text) {
    int64_t limit;
    if (!call_range(all->call, text, 0, INT64_MAX, "ERR LIMIT can't be negative", &limit))
        return false;
    all->limit = (uint64_t)limit;
    return true;
}

static bool parse_options(struct combination *all, uint32_t at) {
    struct call *call = all->call;
    bool joins = all->operation != DIFFERENCE && !all->counts, good = true;
    while (good && at < call->argc) {
        struct slice word = call->argv[at++];
        uint32_t left = call->argc - at;
        if (joins && left >= all->n_inputs && slice_is(word, "weights")) {
            good = parse_weights(all, at);
            at += all->n_inputs;
        } else if (joins && left >= 1 && slice_is(word, "aggregate")) {
            good = parse_aggregate(all, call->argv[at++]);
        } else if (!all->stores && !all->counts && slice_is(word, "withscores")) {
            all->with_scores = true;
        } else if (all->counts && left >= 1 && slice_is(word, "limit")) {
            good = parse_limit(all, call->argv[at++]);
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            good = false;
        }
    }
    return good;
}

/* -- replies --------------------------------------------------------------------------------- */

static void combination_reply(const struct combination *all, const struct collection *result) {
    struct zset_cursor cursor;
    reply_members_begin(all->call, zset_size(result), all->with_scores);
    for (bool more = zset_seek(result, 0, &cursor); more; more = zset_step(&cursor, false)) {
        call_work(all->call, 1);
        reply_member(all->call, &cursor, all->with_scores);
    }
}

static void combination_run(const struct combination *all) {
    struct call *call = all->call;
    if (all->operation != DIFFERENCE) inputs_sort(all->inputs, all->n_inputs);
    if (all->counts) {
        reply_integer(call->reply, (int64_t)intersect(all, NULL));
        return;
    }
    const struct collection_types *types = db_collection_types(call->db);
    struct sorted_set *set = sorted_set_new(&types->sorted_sets);
    if (all->operation == UNION)
        unite(all, set);
    else if (all->operation == INTERSECTION)
        intersect(all, set);
    else
        subtract(all, set);
    struct collection result = zset_of(types, &set);
    if (!all->stores) {
        combination_reply(all, &result);
        collection_free(&result);
        return;
    }
    zset_compact(&result, call->thresholds);
    reply_integer(call->reply, (int64_t)zset_size(&result));
    const char *event = all->operation == UNION          ? "zunionstore"
                        : all->operation == INTERSECTION ? "zinterstore"
                                                         : "zdiffstore";
    call_store(call, call->argv[1], &result, event);
}

static void combine(struct call *call, enum operation operation, bool stores, bool counts) {
    struct combination all = {
        .call = call, .operation = operation, .stores = stores, .counts = counts};
    uint32_t at = stores ? 2 : 1;
    if (find_inputs(&all, at) && parse_options(&all, at + 1 + all.n_inputs)) combination_run(&all);
    sf_free(all.inputs);
}

void cmd_zunion(struct call *call) {
    combine(call, UNION, false, false);
}

void cmd_zunionstore(struct call *call) {
    combine(call, UNION, true, false);
}

void cmd_zinter(struct call *call) {
    combine(call, INTERSECTION, false, false);
}

void cmd_zinterstore(struct call *call) {
    combine(call, INTERSECTION, true, false);
}

void cmd_zintercard(struct call *call) {
    combine(call, INTERSECTION, false, true);
}

void cmd_zdiff(struct call *call) {
    combine(call, DIFFERENCE, false, false);
}

void cmd_zdiffstore(struct call *call) {
    combine(call, DIFFERENCE, true, false);
}
