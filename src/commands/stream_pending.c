/* XPENDING. Idle times count up to the later of state time and the reader's clock, like TTL. */
#include "commands/functions.h"
#include "commands/stream.h"

struct pending_options {
    int64_t min_idle_ms;
    struct stream_id start, end;
    uint64_t count;
    struct slice consumer; /* data NULL: of any */
};

/* [IDLE ms] start end count [consumer], from argv[3] on. */
static bool pending_options(struct call *call, struct pending_options *out) {
    uint32_t at = 3;
    int64_t count;
    *out = (struct pending_options){.min_idle_ms = 0};
    if (slice_is(call->argv[3], "idle")) {
        if (!call_integer(call, call->argv[4], &out->min_idle_ms)) return false;
        at = 5;
        if (call->argc < 8) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    if (!call_integer(call, call->argv[at + 2], &count)) return false;
    out->count = (uint64_t)SF_MAX(count, (int64_t)0);
    if (at + 3 < call->argc) out->consumer = call->argv[at + 3];
    return call_stream_start(call, call->argv[at], &out->start) &&
           call_stream_end(call, call->argv[at + 1], &out->end);
}

static bool group_for_reading(struct call *call, struct stream_group **group) {
    const struct stream *stream;
    if (!call_stream(call, call->argv[1], &stream)) return false;
    *group = stream == NULL ? NULL : stream_group_find(stream, call->argv[2]);
    if (*group != NULL) return true;
    reply_errorf(call->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
        SHOWN(call->argv[1]), SHOWN(call->argv[2]));
    return false;
}

static void reply_summary(struct call *call, const struct stream_group *group) {
    reply_array(call->reply, 4);
    reply_integer(call->reply, (int64_t)group->pending.n);
    if (group->pending.n == 0) {
        reply_null(call->reply);
        reply_null(call->reply);
        reply_null_array(call->reply);
        return;
    }
    const struct stream_pending *first = btree_first(&group->pending);
    const struct stream_pending *last = btree_at(&group->pending, group->pending.n - 1);
    reply_stream_id(call->reply, first->id);
    reply_stream_id(call->reply, last->id);
    struct reply_open open = reply_begin(call->reply);
    struct btree_cursor at;
    uint64_t n = 0;
    for (const struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at);
         consumer != NULL; consumer = btree_next(&at)) {
        if (consumer->pending.n == 0) continue;
        reply_array(call->reply, 2);
        reply_bulk(call->reply, stream_consumer_name(consumer));
        reply_bulk_integer(call->reply, (int64_t)consumer->pending.n);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

static void reply_pending(
    struct call *call, const struct btree *tree, const struct pending_options *options) {
    struct reply_open open = reply_begin(call->reply);
    struct btree_cursor at;
    int64_t clock_ms = call_clock_ms(call);
    uint64_t n = 0;
    const struct stream_pending *pending = stream_pending_seek(tree, options->start, &at);
    for (; pending != NULL && n < options->count; pending = btree_next(&at)) {
        if (stream_id_compare(pending->id, options->end) > 0) break;
        int64_t idle_ms = (int64_t)((uint64_t)clock_ms - (uint64_t)pending->delivered_ms);
        if (options->min_idle_ms != 0 && idle_ms < options->min_idle_ms) continue;
        reply_array(call->reply, 4);
        reply_stream_id(call->reply, pending->id);
        reply_bulk(call->reply, stream_consumer_name(pending->consumer));
        reply_integer(call->reply, SF_MAX(idle_ms, (int64_t)0));
        reply_integer(call->reply, (int64_t)pending->n_deliveries);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

void cmd_xpending(struct call *call) {
    struct pending_options options;
    struct stream_group *group;
    if (call->argc == 3) {
        if (group_for_reading(call, &group)) reply_summary(call, group);
        return;
    }
    if (call->argc < 6 || call->argc > 9) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (!pending_options(call, &options)) return;
    if (!group_for_reading(call, &group)) return;
    const struct btree *tree = &group->pending;
    if (options.consumer.data != NULL) {
        const struct stream_consumer *consumer = stream_consumer_find(group, options.consumer);
        if (consumer == NULL) {
            reply_array(call->reply, 0);
            return;
        }
        tree = &consumer->pending;
    }
    reply_pending(call, tree, &options);
}
