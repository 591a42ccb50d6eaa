/* Whole hashes: all of them, some at a time, some at random. */
#include "keyspace/hash.h"

#include "commands/functions.h"
#include "commands/pick.h"
#include "commands/scan.h"

enum { SHOW_FIELDS = 1, SHOW_VALUES = 2 };

static void reply_pair(struct reply *reply, const struct hash_pair *pair, unsigned shown) {
    if ((shown & SHOW_FIELDS) != 0) reply_bulk(reply, pair->field);
    if ((shown & SHOW_VALUES) != 0) reply_bulk(reply, pair->value);
}

static void reply_all(struct call *call, unsigned shown) {
    struct object *object;
    if (!call_find_type(call, call->argv[1], OBJECT_HASH, &object)) return;
    struct collection hash = {0};
    if (object != NULL) hash = db_collection(call->db, object);
    uint64_t n = object == NULL ? 0 : collection_size(&hash);
    if (shown == (SHOW_FIELDS | SHOW_VALUES))
        reply_map(call->reply, n);
    else
        reply_array(call->reply, n);
    if (object == NULL) return;
    struct hash_iterator next = hash_iterate(&hash);
    for (struct hash_pair pair; hash_next(&next, &pair);) {
        call_work(call, 1);
        reply_pair(call->reply, &pair, shown);
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
    struct scan_options options;
    struct buf bytes;
    struct reply reply;
    uint64_t n;
};

static void scan_visit(void *context, struct slice field, struct slice value) {
    struct found_pairs *found = context;
    if (!scan_matches(&found->options, field)) return;
    reply_bulk(&found->reply, field);
    reply_bulk(&found->reply, value);
    found->n += 2;
}

void cmd_hscan(struct call *call) {
    struct object *object;
    uint64_t cursor;
    struct found_pairs found = {0};
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

static void pick_with_repeats(
    struct call *call, const struct collection *hash, uint64_t n, unsigned shown) {
    struct hash_pair pair;
    size_t before = reply_bytes(call->reply);
    uint64_t size = collection_size(hash);
    if (!call_count_fits(call, n)) return;
    struct flat flat = {0}; /* field, value, field ... */
    struct hash_iterator next = hash_iterate(hash);
    bool walks = hash->encoding == ENCODING_LISTPACK;
    while (walks && hash_next(&next, &pair)) {
        flat_add(&flat, pair.field);
        flat_add(&flat, pair.value);
    }
    reply_header(call, n, shown);
    for (uint64_t i = 0; i < n && call_reply_fits(call, before); i++) {
        uint64_t rank = random_below(&call->random, size);
        if (walks) {
            pair.field = flat_at(&flat, rank * 2);
            pair.value = flat_at(&flat, rank * 2 + 1);
        } else {
            hash_at(hash, rank, &pair);
        }
        reply_picked(call, &pair, shown);
    }
    flat_free(&flat);
}

static void pick_different(
    struct call *call, const struct collection *hash, uint64_t n, unsigned shown) {
    struct hash_pair pair;
    bool is_table = hash->encoding == ENCODING_HASHTABLE;
    uint64_t *ranks = pick_distinct(&call->random, collection_size(hash), n), rank = 0;
    struct hash_iterator next = hash_iterate(hash);
    reply_header(call, n, shown);
    for (uint64_t i = 0; i < n; i++) {
        if (is_table) {
            hash_at(hash, ranks[i], &pair);
        } else { /* one walk past all of them */
            for (; rank <= ranks[i]; rank++) hash_next(&next, &pair);
        }
        reply_picked(call, &pair, shown);
    }
    sf_free(ranks);
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

void cmd_hrandfield(struct call *call) {
    struct object *object;
    int64_t count = 1;
    unsigned shown = SHOW_FIELDS;
    bool counts = call->argc > 2;
    if (counts && !randfield_options(call, &count, &shown)) return;
    if (!call_find_type(call, call->argv[1], OBJECT_HASH, &object)) return;
    if (object == NULL || count == 0) {
        if (counts)
            reply_array(call->reply, 0);
        else
            reply_null(call->reply);
        return;
    }
    struct collection hash = db_collection(call->db, object);
    uint64_t size = collection_size(&hash);
    if (!counts) {
        struct hash_pair pair;
        hash_at(&hash, random_below(&call->random, size), &pair);
        reply_bulk(call->reply, pair.field);
    } else if (count < 0) {
        pick_with_repeats(call, &hash, (uint64_t)-count, shown);
    } else {
        pick_different(call, &hash, SF_MIN((uint64_t)count, size), shown);
    }
}
