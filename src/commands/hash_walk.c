/* Whole hashes: all of them, some at a time, some at random. */
#include "commands/functions.h"
#include "commands/hash_field.h"
#include "commands/pick.h"
#include "commands/scan.h"

enum { SHOW_FIELDS = 1, SHOW_VALUES = 2 };

static void reply_pair(struct reply *reply, const struct hash_pair *pair, unsigned shown) {
    if ((shown & SHOW_FIELDS) != 0) reply_bulk(reply, pair->field);
    if ((shown & SHOW_VALUES) != 0) reply_bulk(reply, pair->value);
}

static bool pair_lives(struct call *call, const struct hash_pair *pair) {
    return pair->due_ms == NO_DUE || call_lives(call, pair->due_ms);
}

static void reply_all(struct call *call, unsigned shown) {
    struct call_hash hash;
    if (!call_hash_find(call, &hash)) return;
    uint64_t n = hash.object == NULL ? 0 : call_hash_size(call, &hash.hash);
    if (shown == (SHOW_FIELDS | SHOW_VALUES))
        reply_map(call->reply, n);
    else
        reply_array(call->reply, n);
    if (hash.object == NULL) return;
    struct hash_iterator next = hash_iterate(&hash.hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        call_work(call, 1);
        if (pair_lives(call, &pair)) reply_pair(call->reply, &pair, shown);
    }
}

void cmd_hgetall(struct call *call) {
    reply_all(call, SHOW_FIELDS | SHOW_VALUES);
}

void cmd_hkeys(struct call *call) {
    reply_all(call, SHOW_FIELDS);
}

void cmd_hvals(struct call *call) {
    reply_all(call, SHOW_VALUES);
}

/* -- HSCAN ----------------------------------------------------------------------------------- */

struct found_pairs {
    struct call *call;
    struct scan_options options;
    struct buf bytes;
    struct reply reply;
    uint64_t n;
};

static void scan_visit(void *context, struct slice field, struct slice value, int64_t due_ms) {
    struct found_pairs *found = context;
    if (due_ms != NO_DUE && !call_lives(found->call, due_ms)) return;
    if (!scan_matches(&found->options, field)) return;
    reply_bulk(&found->reply, field);
    reply_bulk(&found->reply, value);
    found->n += 2;
}

void cmd_hscan(struct call *call) {
    struct object *object;
    uint64_t cursor;
    struct found_pairs found = {.call = call};
    if (!scan_begin(call, OBJECT_HASH, &object, &cursor, &found.options)) return;
    found.reply = (struct reply){&found.bytes, call->reply->proto};
    struct collection hash = db_collection(call->db, object);
    cursor = hash_scan(&hash, cursor, found.options.count, scan_visit, &found);
    scan_reply(call, cursor, &found.bytes, found.n);
}

/* -- HRANDFIELD ------------------------------------------------------------------------------ */

/* With values each pair is an array of its own in RESP3, and two elements in RESP2. */
static void reply_picked(struct call *call, const struct hash_pair *pair, unsigned shown) {
    if ((shown & SHOW_VALUES) != 0 && call->reply->proto > 2) reply_array(call->reply, 2);
    reply_pair(call->reply, pair, shown);
}

static void reply_header(struct call *call, uint64_t n, unsigned shown) {
    bool is_flat = (shown & SHOW_VALUES) != 0 && call->reply->proto == 2;
    reply_array(call->reply, is_flat ? n * 2 : n);
}

/* What chance picks among. */
struct choice {
    const struct collection *hash;
    uint64_t n;       /* living fields */
    uint64_t *living; /* their ranks, ascending; NULL while there are no others */
};

/* Where dead fields are left, all are gone through; that is so until they are reclaimed. */
static struct choice choice_of(struct call *call, const struct collection *hash) {
    struct choice choice = {hash, call_hash_size(call, hash), NULL};
    if (choice.n == collection_size(hash)) return choice;
    choice.living = sf_alloc(SF_MAX(choice.n, (uint64_t)1) * sizeof *choice.living);
    struct hash_iterator next = hash_iterate(hash);
    uint64_t n = 0, rank = 0;
    for (struct hash_pair pair; hash_next(&next, &pair); rank++) {
        call_work(call, 1);
        if (pair.due_ms > call->now_ms) choice.living[n++] = rank;
    }
    SF_ASSERT(n == choice.n);
    return choice;
}

static uint64_t rank_of(const struct choice *choice, uint64_t place) {
    return choice->living == NULL ? place : choice->living[place];
}

static void pick_with_repeats(
    struct call *call, const struct choice *choice, uint64_t n, unsigned shown) {
    struct hash_pair pair;
    size_t before = reply_bytes(call->reply);
    if (!call_count_fits(call, n)) return;
    struct flat flat = {0}; /* field, value, field ... */
    struct hash_iterator next = hash_iterate(choice->hash);
    bool walks = hash_is_packed(choice->hash);
    while (walks && hash_next(&next, &pair)) {
        flat_add(&flat, pair.field);
        flat_add(&flat, pair.value);
    }
    reply_header(call, n, shown);
    for (uint64_t i = 0; i < n && call_reply_fits(call, before); i++) {
        uint64_t rank = rank_of(choice, random_below(&call->random, choice->n));
        if (walks) {
            pair.field = flat_at(&flat, rank * 2);
            pair.value = flat_at(&flat, rank * 2 + 1);
        } else {
            hash_at(choice->hash, rank, &pair);
        }
        reply_picked(call, &pair, shown);
    }
    flat_free(&flat);
}

static void pick_different(
    struct call *call, const struct choice *choice, uint64_t n, unsigned shown) {
    struct hash_pair pair;
    uint64_t *places = pick_distinct(&call->random, choice->n, n), walked = 0;
    struct hash_iterator next = hash_iterate(choice->hash);
    reply_header(call, n, shown);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t rank = rank_of(choice, places[i]);
        if (!hash_is_packed(choice->hash)) {
            hash_at(choice->hash, rank, &pair);
        } else { /* one walk past all of them */
            for (; walked <= rank; walked++) hash_next(&next, &pair);
        }
        reply_picked(call, &pair, shown);
    }
    sf_free(places);
}

/* argv[2] and argv[3]; false: the error was replied. */
static bool randfield_options(struct call *call, int64_t *count, unsigned *shown) {
    if (!call_range(call, call->argv[2], -INT64_MAX, INT64_MAX, NULL, count)) return false;
    if (call->argc > 4 || (call->argc == 4 && !slice_is(call->argv[3], "withvalues"))) {
        reply_error(call->reply, TEXT_SYNTAX);
        return false;
    }
    if (call->argc == 3) return true;
    *shown = SHOW_FIELDS | SHOW_VALUES;
    if (*count >= -INT64_MAX / 2 && *count <= INT64_MAX / 2) return true;
    reply_error(call->reply, TEXT_OUT_OF_RANGE);
    return false;
}

static void pick(
    struct call *call, const struct choice *choice, bool counts, int64_t count, unsigned shown) {
    if (choice->n == 0 || count == 0) {
        if (counts)
            reply_array(call->reply, 0);
        else
            reply_null(call->reply);
    } else if (!counts) {
        struct hash_pair pair;
        hash_at(choice->hash, rank_of(choice, random_below(&call->random, choice->n)), &pair);
        reply_bulk(call->reply, pair.field);
    } else if (count < 0) {
        pick_with_repeats(call, choice, (uint64_t)-count, shown);
    } else {
        pick_different(call, choice, SF_MIN((uint64_t)count, choice->n), shown);
    }
}

void cmd_hrandfield(struct call *call) {
    struct call_hash hash;
    int64_t count = 1;
    unsigned shown = SHOW_FIELDS;
    bool counts = call->argc > 2;
    if (counts && !randfield_options(call, &count, &shown)) return;
    if (!call_hash_find(call, &hash)) return;
    struct choice choice = {0};
    if (hash.object != NULL) choice = choice_of(call, &hash.hash);
    pick(call, &choice, counts, count, shown);
    sf_free(choice.living);
}
