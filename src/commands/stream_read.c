#include "commands/stream_read.h"

#include "commands/functions.h"
#include "commands/waiting.h"

/* -- options --------------------------------------------------------------------------------- */

static bool refuse(struct call *call, const char *error) {
    reply_error(call->reply, error);
    return false;
}

static bool block_option(struct call *call, struct slice text, struct stream_read *read) {
    if (!int_parse(text, &read->block_ms))
        return refuse(call, "ERR timeout is not an integer or out of range");
    if (read->block_ms < 0) return refuse(call, "ERR timeout is negative");
    if (read->block_ms > INT64_MAX - call->now_ms)
        return refuse(call, "ERR timeout is out of range");
    read->blocks = true;
    return true;
}

static bool streams_option(struct call *call, uint32_t first_key, struct stream_read *read) {
    read->first_key = first_key;
    read->n_streams = (call->argc - first_key) / 2;
    if ((call->argc - first_key) % 2 == 0) return true;
    reply_errorf(call->reply,
        "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%c' must be specified.",
        call->command->name, read->is_group ? '>' : '$');
    return false;
}

static bool group_only(struct call *call, const struct stream_read *read, const char *name) {
    if (read->is_group) return true;
    reply_errorf(call->reply,
        "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.", name);
    return false;
}

/* One option at argv[*at], whose last word *at becomes. */
static bool read_option(
    struct call *call, uint32_t *at, struct stream_read *read, bool *has_group) {
    struct slice word = call->argv[*at];
    uint32_t more = call->argc - *at - 1;
    int64_t count;
    if (more > 0 && slice_is(word, "block")) return block_option(call, call->argv[++*at], read);
    if (more > 0 && slice_is(word, "count")) {
        if (!call_integer(call, call->argv[++*at], &count)) return false;
        read->count = (uint64_t)SF_MAX(count, (int64_t)0);
        return true;
    }
    if (more > 1 && slice_is(word, "group")) {
        if (!group_only(call, read, "GROUP")) return false;
        read->group = call->argv[++*at];
        read->consumer = call->argv[++*at];
        return *has_group = true;
    }
    if (slice_is(word, "noack")) return read->no_ack = group_only(call, read, "NOACK");
    return refuse(call, TEXT_SYNTAX);
}

bool stream_read_parse(struct call *call, struct stream_read *read) {
    *read = (struct stream_read){.is_group = call->command->id == COMMAND_XREADGROUP};
    bool has_group = false;
    for (uint32_t at = 1; at < call->argc && read->first_key == 0; at++) {
        if (at + 1 < call->argc && slice_is(call->argv[at], "streams")) {
            if (!streams_option(call, at + 1, read)) return false;
        } else if (!read_option(call, &at, read, &has_group)) {
            return false;
        }
    }
    if (read->first_key == 0) return refuse(call, TEXT_SYNTAX);
    if (read->is_group && !has_group)
        return refuse(call, "ERR Missing GROUP option for XREADGROUP");
    return true;
}

/* -- ids ------------------------------------------------------------------------------------- */

static bool resolve_id(
    struct call *call, struct stream_read *read, uint32_t i, const struct stream *stream) {
    struct slice text = call->argv[read->first_key + read->n_streams + i];
    if (slice_is(text, "$")) {
        if (read->is_group)
            return refuse(call,
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the "
                "history of this consumer by specifying a proper ID, or use the > ID to get new "
                "messages. The $ ID would just return an empty result set.");
        read->after[i] = stream == NULL ? STREAM_ID_MIN : stream->last;
        return true;
    }
    if (slice_is(text, ">")) {
        if (!read->is_group)
            return refuse(call, "ERR The > ID can be specified only when calling XREADGROUP using "
                                "the GROUP <group> <consumer> option.");
        return read->is_new[i] = true;
    }
    if (!call_stream_id(call, text, &read->after[i])) return false;
    /* Redis marks ">" by that id, so that it means the same */
    read->is_new[i] = read->is_group && stream_id_compare(read->after[i], STREAM_ID_MAX) == 0;
    return true;
}

bool stream_read_resolve(struct call *call, struct stream_read *read) {
    read->after = sf_alloc_zero(read->n_streams, sizeof *read->after);
    read->is_new = sf_alloc_zero(read->n_streams, sizeof *read->is_new);
    for (uint32_t i = 0; i < read->n_streams; i++) {
        struct slice key = call->argv[read->first_key + i];
        const struct stream *stream;
        bool is_stream = call_stream(call, key, &stream);
        call_looked_up(call, key, !is_stream || stream != NULL);
        if (!is_stream) return false;
        if (read->is_group && (stream == NULL || stream_group_find(stream, read->group) == NULL)) {
            reply_errorf(call->reply,
                "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP "
                "option",
                SHOWN(key), SHOWN(read->group));
            return false;
        }
        if (!resolve_id(call, read, i, stream)) return false;
    }
    return true;
}

void stream_read_free(struct stream_read *read) {
    sf_free(read->after);
    sf_free(read->is_new);
    read->after = NULL;
    read->is_new = NULL;
}

/* -- what there is --------------------------------------------------------------------------- */

/* The reply to all streams, begun by the first that has something. */
struct answer {
    struct reply_open open;
    uint64_t n;
};

static void answer_stream(struct call *call, struct answer *answer, struct slice key) {
    if (answer->n++ == 0) answer->open = reply_begin(call->reply);
    if (call->reply->proto == 2) reply_array(call->reply, 2);
    reply_bulk(call->reply, key);
}

static bool is_above(const struct stream *stream, struct stream_id id) {
    struct stream_id top;
    return stream_top(stream, &top) && stream_id_compare(top, id) > 0;
}

/* XREADGROUP: the entry belongs to the consumer now, whoever had it. */
static void give(struct call *call, struct stream_edit *edit, struct stream_consumer *consumer,
    struct stream_id id) {
    struct stream_pending *pending = stream_pending_find(edit->group, id);
    if (pending == NULL) {
        stream_pending_add(edit->stream, edit->group, consumer, id, call->now_ms);
    } else {
        stream_pending_changes(edit->stream, edit->group, pending);
        stream_pending_give(pending, consumer);
        pending->delivered_ms = call->now_ms;
        pending->n_deliveries = 1;
    }
    consumer->active_ms = call->now_ms;
}

/* Entries above `after`, as many as asked for; a consumer (NULL: XREAD, as edit is) takes them. */
static void reply_entries(struct call *call, const struct stream_read *read,
    const struct stream *stream, struct stream_edit *edit, struct stream_consumer *consumer,
    struct stream_id after) {
    struct stream_cursor cursor;
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    bool more = stream_id_increment(&after) && stream_log_seek(&stream->log, after, &cursor);
    for (; more && (read->count == 0 || n < read->count); more = stream_cursor_next(&cursor)) {
        struct stream_id id = cursor.entry.id;
        reply_stream_entry(call->reply, &cursor.entry);
        n++;
        if (consumer == NULL) continue;
        stream_group_advance(edit->stream, edit->group, id);
        if (!read->no_ack) give(call, edit, consumer, id);
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

/* What the consumer was given above `after` and has not acknowledged; an entry that is no more
 * shows as its id alone. */
static void reply_history(struct call *call, const struct stream_read *read,
    const struct stream_edit *edit, struct stream_consumer *consumer, struct stream_id after) {
    struct btree_cursor at;
    struct stream_cursor cursor;
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    stream_id_increment(&after);
    for (struct stream_pending *pending = stream_pending_seek(&consumer->pending, after, &at);
         pending != NULL && (read->count == 0 || n < read->count); pending = btree_next(&at)) {
        n++;
        if (!stream_log_find(&edit->stream->log, pending->id, &cursor)) {
            reply_array(call->reply, 2);
            reply_stream_id(call->reply, pending->id);
            reply_null_array(call->reply);
            continue;
        }
        reply_stream_entry(call->reply, &cursor.entry);
        stream_pending_changes(edit->stream, edit->group, pending);
        pending->delivered_ms = call->now_ms;
        pending->n_deliveries++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

static void try_group(
    struct call *call, const struct stream_read *read, uint32_t i, struct answer *answer) {
    struct slice key = call->argv[read->first_key + i];
    struct stream_edit edit = {.object = call_find(call, key)};
    call_looked_up(call, key, edit.object != NULL);
    if (edit.object == NULL || object_type(edit.object) != OBJECT_STREAM) return;
    edit.value = db_collection(call->db, edit.object);
    if (stream_group_find(stream_in(&edit.value), read->group) == NULL) return;
    edit.stream = stream_groups_to_change(&edit.value);
    edit.group = stream_group_find(edit.stream, read->group);
    struct stream_consumer *consumer = stream_edit_consumer(call, &edit, read->consumer);
    if (!read->is_new[i]) {
        answer_stream(call, answer, key);
        reply_history(call, read, &edit, consumer, read->after[i]);
    } else if (is_above(edit.stream, edit.group->last)) {
        answer_stream(call, answer, key);
        reply_entries(call, read, edit.stream, &edit, consumer, edit.group->last);
    }
    stream_edit_end(call, &edit);
}

static void try_plain(
    struct call *call, const struct stream_read *read, uint32_t i, struct answer *answer) {
    struct slice key = call->argv[read->first_key + i];
    struct object *object = call_find(call, key);
    if (object == NULL || object_type(object) != OBJECT_STREAM) return;
    struct collection value = db_collection(call->db, object);
    const struct stream *stream = stream_in(&value);
    if (!is_above(stream, read->after[i])) return;
    answer_stream(call, answer, key);
    reply_entries(call, read, stream, NULL, NULL, read->after[i]);
}

bool stream_read_try(struct call *call, const struct stream_read *read) {
    struct answer answer = {.n = 0};
    struct reply *const reply = call->reply, mute = {NULL, reply->proto};
    size_t before = reply_bytes(reply);
    for (uint32_t i = 0; i < read->n_streams; i++) {
        if (read->is_group)
            try_group(call, read, i, &answer);
        else
            try_plain(call, read, i, &answer);
        /* A key named a thousand times: what happens must not depend on who hears the reply. */
        if (call->reply == reply && !call_reply_fits(call, before)) call->reply = &mute;
    }
    bool is_too_large = call->reply != reply;
    call->reply = reply;
    if (is_too_large) return true;
    if (answer.n == 0) return false;
    enum reply_aggregate kind = call->reply->proto == 2 ? REPLY_ARRAY : REPLY_MAP;
    reply_end(call->reply, answer.open, kind, answer.n);
    return true;
}

/* -- waiting for more ------------------------------------------------------------------------ */

/* Waits with "$" replaced by the id that it means now: the command runs again when a stream has
 * grown, or, for groups, has gone. */
static bool wait_for_more(struct call *call, const struct stream_read *read) {
    if (!read->blocks || !call->may_block) return false;
    uint32_t first_id = read->first_key + read->n_streams;
    struct slice *words = sf_alloc(call->argc * sizeof *words);
    char *texts = sf_alloc((size_t)read->n_streams * STREAM_ID_TEXT_MAX);
    memcpy(words, call->argv, call->argc * sizeof *words);
    for (uint32_t i = 0; i < read->n_streams; i++) {
        if (!slice_is(words[first_id + i], "$")) continue;
        char *text = texts + (size_t)i * STREAM_ID_TEXT_MAX;
        words[first_id + i] = slice_of(text, stream_id_print(read->after[i], text));
    }
    int64_t deadline_ms = read->block_ms == 0 ? NO_DUE : due_clamp(call->now_ms + read->block_ms);
    struct call resolved = *call;
    resolved.argv = words;
    struct wait_request request = {.type = OBJECT_STREAM,
        .n_keys = read->n_streams,
        .keys = words + read->first_key,
        .deadline_ms = call->deadline_ms != 0 ? call->deadline_ms : deadline_ms,
        .on_loss = read->is_group};
    call->waits = call_wait_for(&resolved, &request);
    sf_free(texts);
    sf_free(words);
    return call->waits;
}

/* -- the commands ---------------------------------------------------------------------------- */

static void read_or_wait(struct call *call) {
    struct stream_read read;
    if (!stream_read_parse(call, &read)) return;
    if (stream_read_resolve(call, &read) && !stream_read_try(call, &read) &&
        !wait_for_more(call, &read)) {
        reply_null_array(call->reply);
    }
    stream_read_free(&read);
}

void cmd_xread(struct call *call) {
    read_or_wait(call);
}

void cmd_xreadgroup(struct call *call) {
    read_or_wait(call);
}
