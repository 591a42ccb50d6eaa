/* XRANGE, XREVRANGE. */
#include "commands/functions.h"
#include "commands/stream.h"

/* COUNT from argv[4] on; -1: none was given. */
static bool count_option(struct call *call, int64_t *count) {
    *count = -1;
    for (uint32_t i = 4; i < call->argc; i += 2) {
        if (i + 1 >= call->argc || !slice_is(call->argv[i], "count")) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
        if (!call_integer(call, call->argv[i + 1], count)) return false;
        *count = SF_MAX(*count, (int64_t)0);
    }
    return true;
}

static bool is_within(const struct stream_cursor *cursor, struct stream_id end, bool backward) {
    int order = stream_id_compare(cursor->entry.id, end);
    return backward ? order >= 0 : order <= 0;
}

static void reply_range(struct call *call, const struct stream *stream, struct stream_id from,
    struct stream_id to, bool backward, uint64_t max) {
    struct stream_cursor cursor;
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    bool more = backward ? stream_log_seek_back(&stream->log, from, &cursor)
                         : stream_log_seek(&stream->log, from, &cursor);
    while (more && n < max && is_within(&cursor, to, backward)) {
        call_work(call, 1);
        reply_stream_entry(call->reply, &cursor.entry);
        n++;
        more = backward ? stream_cursor_prev(&cursor) : stream_cursor_next(&cursor);
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

static void range(struct call *call, bool backward) {
    struct stream_id start, end;
    const struct stream *stream;
    int64_t count;
    if (!call_stream_start(call, call->argv[backward ? 3 : 2], &start)) return;
    if (!call_stream_end(call, call->argv[backward ? 2 : 3], &end)) return;
    if (!count_option(call, &count)) return;
    if (!call_stream(call, call->argv[1], &stream)) return;
    if (stream == NULL) {
        reply_array(call->reply, 0);
    } else if (count == 0) {
        reply_null_array(call->reply);
    } else {
        uint64_t max = count < 0 ? UINT64_MAX : (uint64_t)count;
        reply_range(call, stream, backward ? end : start, backward ? start : end, backward, max);
    }
}

void cmd_xrange(struct call *call) {
    range(call, false);
}

void cmd_xrevrange(struct call *call) {
    range(call, true);
}
