/* XCLAIM, XAUTOCLAIM: pending entries go to another consumer. */
#include "commands/functions.h"
#include "commands/stream.h"

/* What both do with an entry that they take. */
struct claim {
    struct stream_edit edit;
    struct stream_consumer *consumer;
    int64_t min_idle_ms;
    int64_t delivered_ms;
    int64_t n_deliveries; /* -1: one more, unless only_ids */
    bool only_ids, force;
};

static bool claim_begin(struct call *call, struct claim *claim) {
    if (!stream_edit_begin(call, call->argv[1], call->argv[2], &claim->edit)) return false;
    call_looked_up(call, call->argv[1], claim->edit.object != NULL);
    if (claim->edit.group != NULL) return true;
    reply_errorf(call->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
        SHOWN(call->argv[1]), SHOWN(call->argv[2]));
    return false;
}

static bool integer_or(struct call *call, struct slice text, const char *error, int64_t *out) {
    if (int_parse(text, out)) return true;
    reply_error(call->reply, error);
    return false;
}

static bool is_idle(
    const struct call *call, const struct claim *claim, const struct stream_pending *pending) {
    int64_t idle_ms = (int64_t)((uint64_t)call->now_ms - (uint64_t)pending->delivered_ms);
    return claim->min_idle_ms == 0 || idle_ms >= claim->min_idle_ms;
}

static void take(struct call *call, const struct claim *claim, struct stream_pending *pending,
    const struct stream_entry *entry, struct reply *reply) {
    stream_pending_changes(claim->edit.stream, claim->edit.group, pending);
    stream_pending_give(pending, claim->consumer);
    pending->delivered_ms = claim->delivered_ms;
    if (claim->n_deliveries >= 0)
        pending->n_deliveries = (uint64_t)claim->n_deliveries;
    else if (!claim->only_ids)
        pending->n_deliveries++;
    claim->consumer->active_ms = call->now_ms;
    if (claim->only_ids)
        reply_stream_id(reply, entry->id);
    else
        reply_stream_entry(reply, entry);
}

/* -- XCLAIM ---------------------------------------------------------------------------------- */

/* The number behind a word of XCLAIM's options. */
static bool claim_number(struct call *call, uint32_t *at, const char *error, int64_t *out) {
    return integer_or(call, call->argv[++*at], error, out);
}

/* The options from argv[at] on, behind the ids. */
static bool claim_options(
    struct call *call, uint32_t at, struct claim *claim, struct stream_id *last) {
    int64_t time_ms = -1;
    *last = STREAM_ID_MIN;
    for (; at < call->argc; at++) {
        struct slice word = call->argv[at];
        bool has_value = at + 1 < call->argc, good = true;
        if (slice_is(word, "force")) {
            claim->force = true;
        } else if (slice_is(word, "justid")) {
            claim->only_ids = true;
        } else if (has_value && slice_is(word, "idle")) {
            good = claim_number(call, &at, "ERR Invalid IDLE option argument for XCLAIM", &time_ms);
            time_ms = (int64_t)((uint64_t)call->now_ms - (uint64_t)time_ms);
        } else if (has_value && slice_is(word, "time")) {
            good = claim_number(call, &at, "ERR Invalid TIME option argument for XCLAIM", &time_ms);
        } else if (has_value && slice_is(word, "retrycount")) {
            good = claim_number(call, &at, "ERR Invalid RETRYCOUNT option argument for XCLAIM",
                &claim->n_deliveries);
        } else if (has_value && slice_is(word, "lastid")) {
            good = call_stream_id(call, call->argv[++at], last);
        } else {
            reply_errorf(call->reply, "ERR Unrecognized XCLAIM option '%.*s'", SHOWN(word));
            good = false;
        }
        if (!good) return false;
    }
    /* a time that cannot be counts as now: clients may be in front of us */
    bool is_past = time_ms >= 0 && time_ms <= call->now_ms;
    claim->delivered_ms = is_past ? time_ms : call->now_ms;
    return true;
}

/* One id; true: it was claimed, and replied. */
static bool claim_one(struct call *call, struct claim *claim, struct stream_id id) {
    struct stream_edit *edit = &claim->edit;
    struct stream_pending *pending = stream_pending_find(edit->group, id);
    struct stream_cursor cursor;
    if (!stream_log_find(&edit->stream->log, id, &cursor)) {
        if (pending != NULL) stream_pending_remove(edit->stream, edit->group, pending);
        return false;
    }
    if (pending == NULL) {
        if (!claim->force) return false;
        pending = stream_pending_add(edit->stream, edit->group, claim->consumer, id, call->now_ms);
    } else if (!is_idle(call, claim, pending)) {
        return false;
    }
    take(call, claim, pending, &cursor.entry, call->reply);
    return true;
}

void cmd_xclaim(struct call *call) {
    struct claim claim = {.n_deliveries = -1};
    struct stream_id last, id, *ids;
    if (!claim_begin(call, &claim)) return;
    if (!integer_or(call, call->argv[4], "ERR Invalid min-idle-time argument for XCLAIM",
            &claim.min_idle_ms))
        return;
    claim.min_idle_ms = SF_MAX(claim.min_idle_ms, (int64_t)0);
    uint32_t end = 5;
    while (end < call->argc && stream_id_parse(call->argv[end], true, 0, &id, NULL)) end++;
    if (!claim_options(call, end, &claim, &last)) return;
    if (!call_stream_ids(call, 5, end, &ids)) return;
    if (stream_id_compare(last, claim.edit.group->last) > 0) claim.edit.group->last = last;
    claim.consumer = stream_edit_consumer(call, &claim.edit, call->argv[3]);
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t i = 0; i < end - 5; i++) n += claim_one(call, &claim, ids[i]);
    reply_end(call->reply, open, REPLY_ARRAY, n);
    sf_free(ids);
    stream_edit_end(call, &claim.edit);
}

/* -- XAUTOCLAIM ------------------------------------------------------------------------------ */

enum { ATTEMPTS_FACTOR = 10, COUNT_DEFAULT = 100 };
#define COUNT_MAX (INT64_MAX / 16)

struct scan {
    struct stream_id start;
    uint64_t count;
};

static bool scan_begins(struct call *call, struct claim *claim, struct scan *scan) {
    int64_t count = COUNT_DEFAULT;
    if (!integer_or(call, call->argv[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM",
            &claim->min_idle_ms))
        return false;
    claim->min_idle_ms = SF_MAX(claim->min_idle_ms, (int64_t)0);
    if (!call_stream_start(call, call->argv[5], &scan->start)) return false;
    for (uint32_t i = 6; i < call->argc; i++) {
        if (i + 1 < call->argc && slice_is(call->argv[i], "count")) {
            if (!call_range(call, call->argv[++i], 1, COUNT_MAX, "ERR COUNT must be > 0", &count))
                return false;
        } else if (slice_is(call->argv[i], "justid")) {
            claim->only_ids = true;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    scan->count = (uint64_t)count;
    claim->delivered_ms = call->now_ms;
    return claim_begin(call, claim);
}

/* Parts of the reply, which comes in another order than it is found. */
struct parts {
    struct buf claimed, deleted;
    uint64_t n_claimed, n_deleted;
};

/* Looks at the pending entry; true: it counts. */
static bool scan_one(struct call *call, const struct claim *claim, struct stream_pending *pending,
    struct parts *parts) {
    const struct stream_edit *edit = &claim->edit;
    bool is_heard = call->reply->out != NULL;
    struct reply claimed = {is_heard ? &parts->claimed : NULL, call->reply->proto};
    struct reply deleted = {is_heard ? &parts->deleted : NULL, call->reply->proto};
    struct stream_cursor cursor;
    if (!stream_log_find(&edit->stream->log, pending->id, &cursor)) {
        reply_stream_id(&deleted, pending->id);
        parts->n_deleted++;
        stream_pending_remove(edit->stream, edit->group, pending);
        return true;
    }
    if (!is_idle(call, claim, pending)) return false;
    take(call, claim, pending, &cursor.entry, &claimed);
    parts->n_claimed++;
    return true;
}

static void reply_parts(struct call *call, struct stream_id next, struct parts *parts) {
    struct reply *reply = call->reply;
    reply_array(reply, 3);
    reply_stream_id(reply, next);
    reply_array(reply, parts->n_claimed);
    if (reply->out != NULL) buf_append_slice(reply->out, buf_slice(&parts->claimed));
    reply_array(reply, parts->n_deleted);
    if (reply->out != NULL) buf_append_slice(reply->out, buf_slice(&parts->deleted));
    buf_free(&parts->claimed);
    buf_free(&parts->deleted);
}

void cmd_xautoclaim(struct call *call) {
    struct claim claim = {.n_deliveries = -1};
    struct scan scan;
    struct parts parts = {.n_claimed = 0};
    if (!scan_begins(call, &claim, &scan)) return;
    claim.consumer = stream_edit_consumer(call, &claim.edit, call->argv[3]);
    const struct btree *tree = &claim.edit.group->pending;
    struct btree_cursor at;
    struct stream_pending *pending = stream_pending_seek(tree, scan.start, &at);
    uint64_t attempts = scan.count * ATTEMPTS_FACTOR;
    while (pending != NULL && attempts-- > 0 && scan.count > 0) {
        struct stream_id id = pending->id;
        uint64_t n_pending = tree->n;
        scan.count -= scan_one(call, &claim, pending, &parts);
        /* a cursor ends with a change of its tree */
        pending = tree->n == n_pending ? btree_next(&at) : stream_pending_seek(tree, id, &at);
    }
    reply_parts(call, pending == NULL ? STREAM_ID_MIN : pending->id, &parts);
    stream_edit_end(call, &claim.edit);
}
