/* Whole sets: all of them, some at a time, some at random. */
#include "keyspace/set.h"

#include "commands/functions.h"
#include "commands/pick.h"
#include "commands/scan.h"

static void reply_members(struct call *call, const struct collection *set) {
    struct set_iterator next = set_iterate(set);
    for (struct slice member; set_next(&next, &member);) {
        call_work(call, 1);
        reply_bulk(call->reply, member);
    }
}

void cmd_smembers(struct call *call) {
    struct object *object;
    if (!call_find_type(call, call->argv[1], OBJECT_SET, &object)) return;
    if (object == NULL) {
        reply_set(call->reply, 0);
        return;
    }
    struct collection set = db_collection(call->db, object);
    reply_set(call->reply, collection_size(&set));
    reply_members(call, &set);
}

/* -- SSCAN ----------------------------------------------------------------------------------- */

struct found_members {
    struct scan_options options;
    struct buf bytes;
    struct reply reply;
    uint64_t n;
};

static void scan_visit(void *context, struct slice member) {
    struct found_members *found = context;
    if (!scan_matches(&found->options, member)) return;
    reply_bulk(&found->reply, member);
    found->n++;
}

void cmd_sscan(struct call *call) {
    struct object *object;
    uint64_t cursor;
    struct found_members found = {0};
    if (!scan_begin(call, OBJECT_SET, &object, &cursor, &found.options)) return;
    found.reply = (struct reply){&found.bytes, call->reply->proto};
    struct collection set = db_collection(call->db, object);
    cursor = set_scan(&set, cursor, found.options.count, scan_visit, &found);
    scan_reply(call, cursor, &found.bytes, found.n);
}

/* -- random members -------------------------------------------------------------------------- */

static struct slice pick_one(
    struct call *call, const struct collection *set, char scratch[INT_TEXT_MAX]) {
    return set_at(set, random_below(&call->random, collection_size(set)), scratch);
}

static void pick_with_repeats(struct call *call, const struct collection *set, uint64_t n) {
    char scratch[INT_TEXT_MAX];
    size_t before = reply_bytes(call->reply);
    if (!call_count_fits(call, n)) return;
    struct flat flat = {0};
    struct set_iterator next = set_iterate(set);
    bool walks = set->encoding == ENCODING_LISTPACK;
    for (struct slice member; walks && set_next(&next, &member);) flat_add(&flat, member);
    reply_array(call->reply, n);
    for (uint64_t i = 0; i < n && call_reply_fits(call, before); i++) {
        reply_bulk(call->reply, walks ? flat_at(&flat, random_below(&call->random, flat.n))
                                      : pick_one(call, set, scratch));
    }
    flat_free(&flat);
}

/* Appends n different members to the reply. kept, when not NULL, gets a copy of each, as a string
 * (codec.h). */
static void pick_different(
    struct call *call, const struct collection *set, uint64_t n, struct buf *kept) {
    char scratch[INT_TEXT_MAX];
    bool walks = set->encoding == ENCODING_LISTPACK;
    uint64_t *ranks = pick_distinct(&call->random, collection_size(set), n), rank = 0;
    struct set_iterator next = set_iterate(set);
    struct slice member = {NULL, 0};
    for (uint64_t i = 0; i < n; i++) {
        if (walks) {
            for (; rank <= ranks[i]; rank++) set_next(&next, &member);
        } else {
            member = set_at(set, ranks[i], scratch);
        }
        reply_bulk(call->reply, member);
        if (kept != NULL) put_string(kept, member);
    }
    sf_free(ranks);
}

void cmd_srandmember(struct call *call) {
    struct object *object;
    int64_t count = 1;
    bool counts = call->argc > 2;
    if (call->argc > 3) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (counts && !call_range(call, call->argv[2], -INT64_MAX, INT64_MAX, NULL, &count)) return;
    if (!call_find_type(call, call->argv[1], OBJECT_SET, &object)) return;
    if (object == NULL || count == 0) {
        if (counts)
            reply_array(call->reply, 0);
        else
            reply_null(call->reply);
        return;
    }
    struct collection set = db_collection(call->db, object);
    uint64_t size = collection_size(&set);
    char scratch[INT_TEXT_MAX];
    if (!counts) {
        reply_bulk(call->reply, pick_one(call, &set, scratch));
    } else if (count < 0) {
        pick_with_repeats(call, &set, (uint64_t)-count);
    } else {
        uint64_t n = SF_MIN((uint64_t)count, size);
        reply_array(call->reply, n);
        pick_different(call, &set, n, NULL);
    }
}

/* -- SPOP ------------------------------------------------------------------------------------ */

static void pop_one(struct call *call, struct object *object) {
    struct collection set = db_collection(call->db, object);
    char scratch[INT_TEXT_MAX];
    struct buf member = {0}; /* what is removed must not lie within the set */
    buf_append_slice(&member, pick_one(call, &set, scratch));
    set_remove(&set, buf_slice(&member));
    bool is_there = db_collection_changed(call->db, object, &set);
    call_changed(call, OBJECT_SET, "spop", call->argv[1], is_there);
    reply_bulk(call->reply, buf_slice(&member));
    buf_free(&member);
}

static void pop_all(struct call *call, const struct collection *set) {
    reply_set(call->reply, collection_size(set));
    reply_members(call, set);
    db_delete(call->db, call->argv[1], call->now_ms);
    call_changed(call, OBJECT_SET, "spop", call->argv[1], false);
}

static void pop_some(struct call *call, struct object *object, uint64_t n) {
    struct collection set = db_collection(call->db, object);
    struct buf popped = {0};
    reply_set(call->reply, n);
    pick_different(call, &set, n, &popped);
    struct reader in = reader_of(buf_slice(&popped));
    for (uint64_t i = 0; i < n; i++) set_remove(&set, read_string(&in));
    buf_free(&popped);
    bool is_there = db_collection_changed(call->db, object, &set);
    call_changed(call, OBJECT_SET, "spop", call->argv[1], is_there);
}

void cmd_spop(struct call *call) {
    struct object *object;
    int64_t count = 1;
    bool counts = call->argc > 2;
    if (call->argc > 3) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (counts && !call_range(call, call->argv[2], 0, INT64_MAX, NULL, &count)) return;
    if (!call_find_type(call, call->argv[1], OBJECT_SET, &object)) return;
    if (object == NULL || count == 0) {
        if (counts)
            reply_set(call->reply, 0);
        else
            reply_null(call->reply);
        return;
    }
    struct collection set = db_collection(call->db, object);
    if (!counts)
        pop_one(call, object);
    else if ((uint64_t)count >= collection_size(&set))
        pop_all(call, &set);
    else
        pop_some(call, object, (uint64_t)count);
}
