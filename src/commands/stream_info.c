/* XINFO. Idle times count up to the later of state time and the reader's clock, like TTL. */
#include "commands/functions.h"
#include "commands/stream.h"

#define FULL_COUNT_DEFAULT 10

static void field(struct reply *reply, const char *name, uint64_t value) {
    reply_bulk_text(reply, name);
    reply_integer(reply, (int64_t)value);
}

static void id_field(struct reply *reply, const char *name, struct stream_id id) {
    reply_bulk_text(reply, name);
    reply_stream_id(reply, id);
}

static int64_t since(const struct call *call, int64_t then_ms) {
    /* a restored time may be any */
    return SF_MAX((int64_t)((uint64_t)call_clock_ms(call) - (uint64_t)then_ms), (int64_t)0);
}

/* The stream of argv[2], which must be there. */
static bool info_stream(struct call *call, const struct stream **stream) {
    if (!call_stream(call, call->argv[2], stream)) return false;
    if (*stream == NULL) reply_error(call->reply, TEXT_NO_KEY);
    return *stream != NULL;
}

static void reply_progress(
    struct reply *reply, const struct stream *stream, const struct stream_group *group) {
    int64_t lag;
    id_field(reply, "last-delivered-id", group->last);
    reply_bulk_text(reply, "entries-read");
    if (group->entries_read == ENTRIES_READ_UNKNOWN)
        reply_null(reply);
    else
        reply_integer(reply, group->entries_read);
    reply_bulk_text(reply, "lag");
    if (stream_group_lag(stream, group, &lag))
        reply_integer(reply, lag);
    else
        reply_null(reply);
}

/* -- CONSUMERS, GROUPS ----------------------------------------------------------------------- */

void cmd_xinfo_consumers(struct call *call) {
    const struct stream *stream;
    if (!info_stream(call, &stream)) return;
    const struct stream_group *group = stream_group_find(stream, call->argv[3]);
    if (group == NULL) {
        reply_errorf(call->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
            SHOWN(call->argv[3]), SHOWN(call->argv[2]));
        return;
    }
    struct btree_cursor at;
    reply_array(call->reply, group->consumers.n);
    for (const struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at);
         consumer != NULL; consumer = btree_next(&at)) {
        reply_map(call->reply, 4);
        reply_bulk_text(call->reply, "name");
        reply_bulk(call->reply, stream_consumer_name(consumer));
        field(call->reply, "pending", consumer->pending.n);
        field(call->reply, "idle", (uint64_t)since(call, consumer->seen_ms));
        bool was_active = consumer->active_ms != -1;
        reply_bulk_text(call->reply, "inactive");
        reply_integer(call->reply, was_active ? since(call, consumer->active_ms) : -1);
    }
}

void cmd_xinfo_groups(struct call *call) {
    const struct stream *stream;
    struct btree_cursor at;
    if (!info_stream(call, &stream)) return;
    reply_array(call->reply, stream->groups.n);
    for (const struct stream_group *group = stream_group_first(stream, &at); group != NULL;
         group = btree_next(&at)) {
        reply_map(call->reply, 6);
        reply_bulk_text(call->reply, "name");
        reply_bulk(call->reply, stream_group_name(group));
        field(call->reply, "consumers", group->consumers.n);
        field(call->reply, "pending", group->pending.n);
        reply_progress(call->reply, stream, group);
    }
}

/* -- STREAM ---------------------------------------------------------------------------------- */

static void reply_figures(struct reply *reply, const struct stream *stream) {
    field(reply, "length", stream_length(stream));
    field(reply, "radix-tree-keys", stream->log.nodes.n);
    field(reply, "radix-tree-nodes", stream_log_radix_nodes(&stream->log));
    id_field(reply, "last-generated-id", stream->last);
    id_field(reply, "max-deleted-entry-id", stream->max_deleted);
    field(reply, "entries-added", stream->entries_added);
    id_field(reply, "recorded-first-entry-id", stream->first);
}

static void reply_edge(struct reply *reply, bool is_there, const struct stream_cursor *cursor) {
    if (is_there)
        reply_stream_entry(reply, &cursor->entry);
    else
        reply_null(reply);
}

static void reply_brief(struct reply *reply, const struct stream *stream) {
    struct stream_cursor cursor;
    reply_map(reply, 10);
    reply_figures(reply, stream);
    field(reply, "groups", stream->groups.n);
    reply_bulk_text(reply, "first-entry");
    reply_edge(reply, stream_log_seek(&stream->log, STREAM_ID_MIN, &cursor), &cursor);
    reply_bulk_text(reply, "last-entry");
    reply_edge(reply, stream_log_seek_back(&stream->log, STREAM_ID_MAX, &cursor), &cursor);
}

/* At most max of a group's or a consumer's (then without its name). */
static void reply_pending_list(
    struct reply *reply, const struct btree *tree, uint64_t max, bool with_consumer) {
    struct btree_cursor at;
    const struct stream_pending *pending = btree_seek(tree, 0, &at);
    reply_array(reply, SF_MIN(tree->n, max));
    for (uint64_t n = 0; n < max && pending != NULL; n++, pending = btree_next(&at)) {
        reply_array(reply, with_consumer ? 4 : 3);
        reply_stream_id(reply, pending->id);
        if (with_consumer) reply_bulk(reply, stream_consumer_name(pending->consumer));
        reply_integer(reply, pending->delivered_ms);
        reply_integer(reply, (int64_t)pending->n_deliveries);
    }
}

static void reply_full_group(struct reply *reply, const struct stream *stream,
    const struct stream_group *group, uint64_t max) {
    struct btree_cursor at;
    reply_map(reply, 7);
    reply_bulk_text(reply, "name");
    reply_bulk(reply, stream_group_name(group));
    reply_progress(reply, stream, group);
    field(reply, "pel-count", group->pending.n);
    reply_bulk_text(reply, "pending");
    reply_pending_list(reply, &group->pending, max, true);
    reply_bulk_text(reply, "consumers");
    reply_array(reply, group->consumers.n);
    for (const struct stream_consumer *consumer = btree_seek(&group->consumers, 0, &at);
         consumer != NULL; consumer = btree_next(&at)) {
        reply_map(reply, 5);
        reply_bulk_text(reply, "name");
        reply_bulk(reply, stream_consumer_name(consumer));
        field(reply, "seen-time", (uint64_t)consumer->seen_ms);
        field(reply, "active-time", (uint64_t)consumer->active_ms);
        field(reply, "pel-count", consumer->pending.n);
        reply_bulk_text(reply, "pending");
        reply_pending_list(reply, &consumer->pending, max, false);
    }
}

static void reply_full(struct reply *reply, const struct stream *stream, uint64_t max) {
    struct stream_cursor cursor;
    struct btree_cursor at;
    reply_map(reply, 9);
    reply_figures(reply, stream);
    reply_bulk_text(reply, "entries");
    reply_array(reply, SF_MIN(stream_length(stream), max));
    bool more = stream_log_seek(&stream->log, STREAM_ID_MIN, &cursor);
    for (uint64_t n = 0; n < max && more; n++, more = stream_cursor_next(&cursor))
        reply_stream_entry(reply, &cursor.entry);
    reply_bulk_text(reply, "groups");
    reply_array(reply, stream->groups.n);
    for (const struct stream_group *group = stream_group_first(stream, &at); group != NULL;
         group = btree_next(&at))
        reply_full_group(reply, stream, group, max);
}

void cmd_xinfo_stream(struct call *call) {
    const struct stream *stream;
    int64_t count = FULL_COUNT_DEFAULT;
    if (!info_stream(call, &stream)) return;
    if (call->argc == 3) {
        reply_brief(call->reply, stream);
        return;
    }
    bool good = (call->argc == 4 || call->argc == 6) && slice_is(call->argv[3], "full") &&
                (call->argc == 4 || slice_is(call->argv[4], "count"));
    if (!good) {
        reply_subcommand_error(call);
        return;
    }
    if (call->argc == 6 && !call_integer(call, call->argv[5], &count)) return;
    if (count < 0) count = FULL_COUNT_DEFAULT;
    reply_full(call->reply, stream, count == 0 ? UINT64_MAX : (uint64_t)count);
}

void cmd_xinfo_help(struct call *call) {
    static const char *const lines[] = {
        "CONSUMERS <key> <groupname>",
        "    Describe the consumers of a group.",
        "GROUPS <key>",
        "    Describe the groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Describe a stream; FULL: with entries, groups and what is pending.",
        NULL,
    };
    reply_help(call->reply, "XINFO", lines);
}
