/* XGROUP, XACK. */
#include "commands/functions.h"
#include "commands/stream.h"

/* -- XGROUP: what its subcommands share ------------------------------------------------------ */

struct group_options {
    bool make_stream;
    int64_t entries_read;
};

/* CREATE and SETID, from argv[5] on. */
static bool group_options(struct call *call, bool takes_mkstream, struct group_options *out) {
    *out = (struct group_options){.entries_read = ENTRIES_READ_UNKNOWN};
    for (uint32_t i = 5; i < call->argc; i++) {
        if (takes_mkstream && slice_is(call->argv[i], "mkstream")) {
            out->make_stream = true;
        } else if (i + 1 < call->argc && slice_is(call->argv[i], "entriesread")) {
            if (!call_integer(call, call->argv[++i], &out->entries_read)) return false;
            if (out->entries_read >= ENTRIES_READ_UNKNOWN) continue;
            reply_error(call->reply, "ERR value for ENTRIESREAD must be positive or -1");
            return false;
        } else {
            reply_subcommand_error(call);
            return false;
        }
    }
    return true;
}

static bool key_is_there(struct call *call, const struct stream_edit *edit) {
    if (edit->object != NULL) return true;
    reply_error(call->reply,
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to "
        "use the MKSTREAM option to create an empty stream automatically.");
    return false;
}

/* The stream of argv[2] with the group of argv[3], which must be there. */
static bool group_begin(struct call *call, struct stream_edit *edit) {
    if (!stream_edit_begin(call, call->argv[2], call->argv[3], edit)) return false;
    if (!key_is_there(call, edit)) return false;
    if (edit->group != NULL) return true;
    reply_errorf(call->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
        SHOWN(call->argv[3]), SHOWN(call->argv[2]));
    return false;
}

/* -- XGROUP ---------------------------------------------------------------------------------- */

static void add_stream_with_group(
    struct call *call, struct stream_id last, const struct group_options *options) {
    struct collection value = stream_new(db_collection_types(call->db));
    stream_group_create(
        stream_groups_to_change(&value), call->argv[3], last, options->entries_read);
    db_add_collection(call->db, call->argv[2], &value, NO_DUE);
    call_event(call, EVENT_STREAM, "xgroup-create", call->argv[2]);
    reply_ok(call->reply);
}

void cmd_xgroup_create(struct call *call) {
    struct group_options options;
    struct stream_edit edit;
    struct stream_id last = STREAM_ID_MIN;
    if (!group_options(call, true, &options)) return;
    if (!stream_edit_begin(call, call->argv[2], call->argv[3], &edit)) return;
    if (!options.make_stream && !key_is_there(call, &edit)) return;
    if (call->argc > 8) {
        reply_subcommand_error(call);
        return;
    }
    if (!slice_is(call->argv[4], "$")) {
        if (!call_stream_id(call, call->argv[4], &last)) return;
    } else if (edit.stream != NULL) {
        last = edit.stream->last;
    }
    if (edit.object == NULL) {
        add_stream_with_group(call, last, &options);
    } else if (edit.group != NULL) {
        reply_error(call->reply, "BUSYGROUP Consumer Group name already exists");
    } else {
        stream_group_create(edit.stream, call->argv[3], last, options.entries_read);
        stream_edit_end(call, &edit);
        call_event(call, EVENT_STREAM, "xgroup-create", call->argv[2]);
        reply_ok(call->reply);
    }
}

void cmd_xgroup_setid(struct call *call) {
    struct group_options options;
    struct stream_edit edit;
    struct stream_id last;
    if (!group_options(call, false, &options)) return;
    if (!group_begin(call, &edit)) return;
    if (call->argc > 7) {
        reply_subcommand_error(call);
        return;
    }
    if (slice_is(call->argv[4], "$")) {
        last = edit.stream->last;
    } else if (!stream_id_parse(call->argv[4], false, 0, &last, NULL)) {
        call_stream_id(call, call->argv[4], &last); /* for its error */
        return;
    }
    edit.group->last = last;
    edit.group->entries_read = options.entries_read;
    stream_edit_end(call, &edit);
    call_event(call, EVENT_STREAM, "xgroup-setid", call->argv[2]);
    reply_ok(call->reply);
}

void cmd_xgroup_destroy(struct call *call) {
    struct stream_edit edit;
    if (!stream_edit_begin(call, call->argv[2], call->argv[3], &edit)) return;
    if (!key_is_there(call, &edit)) return;
    reply_integer(call->reply, edit.group != NULL);
    if (edit.group == NULL) return;
    stream_group_discard(call->db, edit.stream, edit.group);
    stream_edit_end(call, &edit);
    call_event(call, EVENT_STREAM, "xgroup-destroy", call->argv[2]);
    db_announce(call->db, edit.object); /* who waits for this group hears that there is none */
}

void cmd_xgroup_createconsumer(struct call *call) {
    struct stream_edit edit;
    if (!group_begin(call, &edit)) return;
    bool is_there = stream_consumer_find(edit.group, call->argv[4]) != NULL;
    reply_integer(call->reply, !is_there);
    if (is_there) return;
    stream_consumer_create(edit.stream, edit.group, call->argv[4], call->now_ms);
    stream_edit_end(call, &edit);
    call_event(call, EVENT_STREAM, "xgroup-createconsumer", call->argv[2]);
}

void cmd_xgroup_delconsumer(struct call *call) {
    struct stream_edit edit;
    if (!group_begin(call, &edit)) return;
    struct stream_consumer *consumer = stream_consumer_find(edit.group, call->argv[4]);
    reply_integer(call->reply, consumer == NULL ? 0 : (int64_t)consumer->pending.n);
    if (consumer == NULL) return;
    stream_consumer_discard(call->db, edit.stream, edit.group, consumer);
    stream_edit_end(call, &edit);
    call_event(call, EVENT_STREAM, "xgroup-delconsumer", call->argv[2]);
}

void cmd_xgroup_help(struct call *call) {
    static const char *const lines[] = {
        "CREATE <key> <groupname> <id|$> [option]",
        "    Make a group that has been given everything up to the id; $ is the last. Options:",
        "    * MKSTREAM",
        "      Make the stream too, if there is none.",
        "    * ENTRIESREAD entries_read",
        "      How many entries that were, if somebody knows.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Make a consumer of a group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove a consumer with its pending entries.",
        "DESTROY <key> <groupname>",
        "    Remove a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
        "    Say up to where the group has been given everything.",
        NULL,
    };
    reply_help(call->reply, "XGROUP", lines);
}

/* -- XACK ------------------------------------------------------------------------------------ */

void cmd_xack(struct call *call) {
    struct stream_edit edit;
    struct stream_id *ids;
    if (!stream_edit_begin(call, call->argv[1], call->argv[2], &edit)) return;
    call_looked_up(call, call->argv[1], edit.object != NULL);
    if (edit.group == NULL) {
        reply_integer(call->reply, 0);
        return;
    }
    if (!call_stream_ids(call, 3, call->argc, &ids)) return;
    int64_t gone = 0;
    for (uint32_t i = 0; i < call->argc - 3; i++) {
        struct stream_pending *pending = stream_pending_find(edit.group, ids[i]);
        if (pending == NULL) continue;
        stream_pending_remove(edit.stream, edit.group, pending);
        gone++;
    }
    sf_free(ids);
    if (gone > 0) stream_edit_end(call, &edit);
    reply_integer(call->reply, gone);
}
