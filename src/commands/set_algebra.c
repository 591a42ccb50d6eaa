/* Several sets: what all have, what any has, what only the first has. The form of a stored result
 * follows Redis's ways of building it. */
#include "keyspace/set_lookup.h"

#include "commands/call.h"
#include "commands/functions.h"
#include "commands/value.h"

#include <stdlib.h>

enum { LOOKUPS_MAX = 16 }; /* operands that are indexed: later ones are rarely asked */

/* A set that takes part; value NULL: no such key, which is an empty set. */
struct operand {
    struct collection set;
    struct set_lookup lookup; /* while the others are asked for the members of one */
    uint64_t size;
    uint32_t place; /* among the arguments */
};

struct operands {
    uint32_t n, n_absent;
    struct operand *each;
};

/* The sets of n keys; false: one is no set, which was replied. */
static bool operands_find(
    struct call *call, uint32_t n, const struct slice *keys, struct operands *out) {
    *out = (struct operands){.n = n, .each = sf_alloc_zero(n, sizeof(struct operand))};
    for (uint32_t i = 0; i < n; i++) {
        struct object *object;
        if (!call_read_type(call, keys[i], OBJECT_SET, &object)) {
            sf_free(out->each);
            return false;
        }
        out->each[i].place = i;
        out->n_absent += object == NULL;
        if (object == NULL) continue;
        out->each[i].set = db_collection(call->db, object);
        out->each[i].size = collection_size(&out->each[i].set);
    }
    return true;
}

/* The first set's members are asked of all the others. */
static void lookups_begin(struct operands *operands) {
    struct operand *each = operands->each;
    for (uint32_t i = 1; i < operands->n; i++)
        set_lookup_begin(&each[i].lookup, &each[i].set, i < LOOKUPS_MAX ? each[0].size : 0);
}

static void lookups_end(struct operands *operands) {
    for (uint32_t i = 1; i < operands->n; i++) set_lookup_end(&operands->each[i].lookup);
}

/* Puts the result, which is moved, in the place of the key; an empty one removes it. */
static void store_result(struct call *call, struct collection *result, const char *event) {
    uint64_t size = collection_size(result);
    call_store(call, call->argv[1], result, event);
    reply_integer(call->reply, (int64_t)size);
}

static void reply_result(struct call *call, struct collection *result) {
    struct set_iterator next = set_iterate(result);
    reply_set(call->reply, collection_size(result));
    for (struct slice member; set_next(&next, &member);) {
        call_work(call, 1);
        reply_bulk(call->reply, member);
    }
    collection_free(result);
}

/* -- what all have --------------------------------------------------------------------------- */

static int compare_sizes(const void *a, const void *b) {
    const struct operand *one = a, *other = b;
    if (one->size != other->size) return one->size < other->size ? -1 : 1;
    return one->place < other->place ? -1 : 1;
}

/* Goes through the smallest set; each member that all the others have is given to visit, until
 * that says false. */
static void visit_common(struct call *call, const struct operands *operands,
    bool (*visit)(void *context, struct slice member), void *context) {
    const struct operand *each = operands->each;
    struct set_iterator next = set_iterate(&each[0].set);
    for (struct slice member; set_next(&next, &member);) {
        uint32_t i = 1;
        call_work(call, operands->n);
        while (i < operands->n &&
               (each[i].set.value == each[0].set.value || set_lookup_has(&each[i].lookup, member)))
            i++;
        if (i == operands->n && !visit(context, member)) return;
    }
}

static void intersect(struct call *call, struct operands *operands,
    bool (*visit)(void *context, struct slice member), void *context) {
    if (operands->n_absent > 0) return;
    qsort(operands->each, operands->n, sizeof *operands->each, compare_sizes);
    lookups_begin(operands);
    visit_common(call, operands, visit, context);
    lookups_end(operands);
}

struct found {
    struct call *call;
    uint64_t n, limit; /* limit 0: none */
    struct collection result;
    bool only_integers;
};

static bool found_reply(void *context, struct slice member) {
    struct found *found = context;
    found->n++;
    reply_bulk(found->call->reply, member);
    return true;
}

void cmd_sinter(struct call *call) {
    struct operands operands;
    struct found found = {.call = call};
    if (!operands_find(call, call->argc - 1, call->argv + 1, &operands)) return;
    struct reply_open open = reply_begin(call->reply);
    intersect(call, &operands, found_reply, &found);
    reply_end(call->reply, open, REPLY_SET, found.n);
    sf_free(operands.each);
}

static bool found_count(void *context, struct slice member) {
    struct found *found = context;
    (void)member;
    return ++found->n != found->limit;
}

static bool sintercard_options(struct call *call, int64_t *n_keys, int64_t *limit) {
    *limit = 0;
    if (!call_range(
            call, call->argv[1], 1, INT64_MAX, "ERR numkeys should be greater than 0", n_keys))
        return false;
    if (*n_keys > call->argc - 2) {
        reply_error(call->reply, "ERR Number of keys can't be greater than number of args");
        return false;
    }
    for (uint32_t i = 2 + (uint32_t)*n_keys; i < call->argc; i += 2) {
        if (!slice_is(call->argv[i], "limit") || i + 1 == call->argc) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
        if (!call_range(
                call, call->argv[i + 1], 0, INT64_MAX, "ERR LIMIT can't be negative", limit))
            return false;
    }
    return true;
}

void cmd_sintercard(struct call *call) {
    int64_t n_keys, limit;
    struct operands operands;
    if (!sintercard_options(call, &n_keys, &limit)) return;
    if (!operands_find(call, (uint32_t)n_keys, call->argv + 2, &operands)) return;
    struct found found = {.call = call, .limit = (uint64_t)limit};
    intersect(call, &operands, found_count, &found);
    reply_integer(call->reply, (int64_t)found.n);
    sf_free(operands.each);
}

static bool found_add(void *context, struct slice member) {
    struct found *found = context;
    int64_t integer;
    found->only_integers = found->only_integers && int_parse(member, &integer);
    set_add(&found->result, found->call->thresholds, member);
    return true;
}

void cmd_sinterstore(struct call *call) {
    struct operands operands;
    if (!operands_find(call, call->argc - 2, call->argv + 2, &operands)) return;
    qsort(operands.each, operands.n, sizeof *operands.each, compare_sizes);
    bool of_integers = operands.n_absent == 0 && operands.each[0].set.encoding == ENCODING_INTSET;
    struct found found = {.call = call,
        .only_integers = true,
        .result = set_new_as(
            db_collection_types(call->db), of_integers ? ENCODING_INTSET : ENCODING_LISTPACK)};
    intersect(call, &operands, found_add, &found);
    if (found.only_integers) set_become_intset(&found.result, call->thresholds);
    store_result(call, &found.result, "sinterstore");
    sf_free(operands.each);
}

/* -- what any has ---------------------------------------------------------------------------- */

static struct collection new_result(struct call *call) {
    return set_new_as(db_collection_types(call->db), ENCODING_INTSET);
}

static void add_all(struct call *call, struct collection *result, const struct operand *operand) {
    if (operand->set.value == NULL) return;
    struct set_iterator next = set_iterate(&operand->set);
    for (struct slice member; set_next(&next, &member);) {
        call_work(call, 1);
        set_add(result, call->thresholds, member);
    }
}

static bool unite(
    struct call *call, uint32_t n, const struct slice *keys, struct collection *result) {
    struct operands operands;
    if (!operands_find(call, n, keys, &operands)) return false;
    *result = new_result(call);
    for (uint32_t i = 0; i < n; i++) add_all(call, result, &operands.each[i]);
    sf_free(operands.each);
    return true;
}

void cmd_sunion(struct call *call) {
    struct collection result;
    if (unite(call, call->argc - 1, call->argv + 1, &result)) reply_result(call, &result);
}

void cmd_sunionstore(struct call *call) {
    struct collection result;
    if (unite(call, call->argc - 2, call->argv + 2, &result))
        store_result(call, &result, "sunionstore");
}

/* -- what only the first has ----------------------------------------------------------------- */

/* Whether asking every other set for each member of the first costs more than taking the members of
 * the others out of a copy of the first. */
static bool removing_is_cheaper(const struct operands *operands) {
    uint64_t asking = 0, removing = 0;
    for (uint32_t i = 0; i < operands->n; i++) {
        if (operands->each[i].set.value == NULL) continue;
        asking += operands->each[0].size;
        removing += operands->each[i].size;
    }
    return asking / 2 > removing;
}

static void subtract_by_removing(
    struct call *call, const struct operands *operands, struct collection *result) {
    add_all(call, result, &operands->each[0]);
    for (uint32_t i = 1; i < operands->n && collection_size(result) > 0; i++) {
        if (operands->each[i].set.value == NULL) continue;
        struct set_iterator next = set_iterate(&operands->each[i].set);
        for (struct slice member; set_next(&next, &member);) {
            call_work(call, 1);
            set_remove(result, member);
        }
    }
}

static bool any_other_has(const struct operands *operands, struct slice member) {
    for (uint32_t i = 1; i < operands->n; i++) {
        if (set_lookup_has(&operands->each[i].lookup, member)) return true;
    }
    return false;
}

static void subtract_by_asking(
    struct call *call, struct operands *operands, struct collection *result) {
    lookups_begin(operands);
    struct set_iterator next = set_iterate(&operands->each[0].set);
    for (struct slice member; set_next(&next, &member);) {
        call_work(call, operands->n);
        if (!any_other_has(operands, member)) set_add(result, call->thresholds, member);
    }
    lookups_end(operands);
}

static bool subtract(
    struct call *call, uint32_t n, const struct slice *keys, struct collection *result) {
    struct operands operands;
    if (!operands_find(call, n, keys, &operands)) return false;
    *result = new_result(call);
    const void *first = operands.each[0].set.value;
    bool is_empty = first == NULL;
    for (uint32_t i = 1; i < n; i++) is_empty = is_empty || operands.each[i].set.value == first;
    if (!is_empty && removing_is_cheaper(&operands))
        subtract_by_removing(call, &operands, result);
    else if (!is_empty)
        subtract_by_asking(call, &operands, result);
    sf_free(operands.each);
    return true;
}

void cmd_sdiff(struct call *call) {
    struct collection result;
    if (subtract(call, call->argc - 1, call->argv + 1, &result)) reply_result(call, &result);
}

void cmd_sdiffstore(struct call *call) {
    struct collection result;
    if (subtract(call, call->argc - 2, call->argv + 2, &result))
        store_result(call, &result, "sdiffstore");
}
