/* XADD, XDEL, XLEN, XSETID, XTRIM: entries come and go. */
#include "commands/stream.h"

#include "commands/functions.h"

/* -- options of XADD and XTRIM --------------------------------------------------------------- */

struct stream_add_options {
    bool trims, no_create;
    struct stream_trim trim;
    bool has_id;  /* otherwise "*" */
    bool any_seq; /* "ms-*" */
    struct stream_id id;
};

/* MAXLEN|MINID [=|~] threshold, from argv[*at] on; *at becomes that of the threshold. */
static bool trim_option(struct call *call, uint32_t *at, struct stream_add_options *options) {
    struct stream_trim *trim = &options->trim;
    if (options->trims) {
        reply_error(call->reply,
            "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
        return false;
    }
    options->trims = true;
    trim->by_id = slice_is(call->argv[(*at)++], "minid");
    bool has_more = *at + 1 < call->argc;
    trim->whole_nodes = has_more && slice_is(call->argv[*at], "~");
    if (trim->whole_nodes || (has_more && slice_is(call->argv[*at], "="))) ++*at;
    if (trim->by_id) return call_stream_id(call, call->argv[*at], &trim->min_id);
    int64_t length;
    if (!call_integer(call, call->argv[*at], &length)) return false;
    if (length >= 0) {
        trim->max_length = (uint64_t)length;
        return true;
    }
    reply_error(call->reply, "ERR The MAXLEN argument must be >= 0.");
    return false;
}

static bool limit_option(struct call *call, struct slice text, uint64_t *limit) {
    int64_t value;
    if (!call_integer(call, text, &value)) return false;
    *limit = (uint64_t)value;
    if (value < 0) reply_error(call->reply, "ERR The LIMIT argument must be >= 0.");
    return value >= 0;
}

/* How much approximate trimming does when nobody says: a hundred nodes' entries. */
static uint64_t default_limit(const struct call *call) {
    uint64_t entries = (uint64_t)call->thresholds->stream_node_max_entries;
    if (entries > 10000) return 1000000;
    return entries == 0 ? 10000 : 100 * entries;
}

/* What the options say together. */
static bool check_limit(
    struct call *call, struct stream_add_options *options, bool is_add, bool has_limit) {
    const char *error = NULL;
    if (options->trim.limit != 0 && !options->trims)
        error = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
    else if (!is_add && !options->trims)
        error = "ERR syntax error, XTRIM must be called with a trimming strategy";
    else if (has_limit && !options->trim.whole_nodes)
        error = "ERR syntax error, LIMIT cannot be used without the special ~ option";
    if (error != NULL) reply_error(call->reply, error);
    if (!has_limit && options->trim.whole_nodes) options->trim.limit = default_limit(call);
    return error == NULL;
}

static bool id_option(struct call *call, struct slice text, struct stream_add_options *options) {
    options->has_id = true;
    if (stream_id_parse(text, true, 0, &options->id, &options->any_seq)) return true;
    return call_stream_id(call, SLICE(""), &options->id); /* for its error */
}

/* From argv[2] on; *at becomes the id's place, or argc. */
static bool add_options(
    struct call *call, bool is_add, struct stream_add_options *options, uint32_t *at) {
    *options = (struct stream_add_options){.trims = false};
    bool has_limit = false;
    for (*at = 2; *at < call->argc; ++*at) {
        struct slice word = call->argv[*at];
        bool has_value = *at + 1 < call->argc;
        if (is_add && slice_is(word, "*")) break;
        if (has_value && (slice_is(word, "maxlen") || slice_is(word, "minid"))) {
            if (!trim_option(call, at, options)) return false;
        } else if (has_value && slice_is(word, "limit")) {
            if (!limit_option(call, call->argv[++*at], &options->trim.limit)) return false;
            has_limit = true;
        } else if (is_add && slice_is(word, "nomkstream")) {
            options->no_create = true;
        } else if (is_add) {
            if (!id_option(call, word, options)) return false;
            break;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return check_limit(call, options, is_add, has_limit);
}

/* -- XADD ------------------------------------------------------------------------------------ */

#define TEXT_NOT_ABOVE                                                                             \
    "ERR The ID specified in XADD is equal or smaller than the target stream top item"

/* The id of the new entry, above last; false: there is none, or not as asked for. */
static bool new_id(const struct call *call, const struct stream_add_options *options,
    struct stream_id last, struct stream_id *out) {
    if (!options->has_id) {
        uint64_t now_ms = (uint64_t)call->now_ms;
        *out = last;
        if (now_ms <= last.ms) return stream_id_increment(out);
        *out = (struct stream_id){now_ms, 0};
        return true;
    }
    *out = options->id;
    if (options->any_seq && options->id.ms == last.ms) {
        if (last.seq == UINT64_MAX) return false;
        out->seq = last.seq + 1;
    }
    return stream_id_compare(*out, last) > 0;
}

static bool fields_fit(struct call *call, const struct slice *fields, uint32_t n) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += fields[i].len;
    if (bytes + 10 * (uint64_t)n <= LISTPACK_BYTES_MAX / 2) return true;
    reply_error(call->reply, "ERR Elements are too large to be stored");
    return false;
}

/* Whether the stream, which may be NULL, takes the entry; *id is its id. */
static bool entry_is_good(struct call *call, const struct stream *stream,
    const struct stream_add_options *options, uint32_t first_field, struct stream_id *id) {
    struct stream_id last = stream == NULL ? STREAM_ID_MIN : stream->last;
    if (stream_id_compare(last, STREAM_ID_MAX) == 0) {
        reply_error(call->reply,
            "ERR The stream has exhausted the last possible ID, unable to add more items");
        return false;
    }
    if (!new_id(call, options, last, id)) {
        reply_error(call->reply, TEXT_NOT_ABOVE);
        return false;
    }
    return fields_fit(call, call->argv + first_field, call->argc - first_field);
}

void cmd_xadd(struct call *call) {
    struct stream_add_options options;
    struct stream_id id;
    struct edit edit;
    uint32_t at;
    if (!add_options(call, true, &options, &at)) return;
    uint32_t n_texts = at + 1 < call->argc ? call->argc - at - 1 : 0;
    if (n_texts < 2 || n_texts % 2 == 1) {
        reply_arity_error(call);
        return;
    }
    if (options.has_id && !options.any_seq && stream_id_compare(options.id, STREAM_ID_MIN) == 0) {
        reply_error(call->reply, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    if (!edit_begin(call, call->argv[1], OBJECT_STREAM, &edit)) return;
    if (edit.object == NULL && options.no_create) {
        reply_null(call->reply);
        return;
    }
    const struct stream *held = edit.object == NULL ? NULL : stream_in(&edit.value);
    if (!entry_is_good(call, held, &options, at + 1, &id)) return;
    if (edit.object == NULL) edit.value = stream_new(db_collection_types(call->db));
    struct stream *stream = stream_to_change(&edit.value);
    struct stream_node_limits limits = stream_limits(call->thresholds);
    stream_append(stream, &limits, id, n_texts / 2, call->argv + at + 1);
    uint64_t gone = options.trims ? stream_cut(stream, &options.trim) : 0;
    edit_end(call, &edit, "xadd");
    if (gone > 0) call_event(call, EVENT_STREAM, "xtrim", call->argv[1]);
    if (edit.object != NULL) db_announce(call->db, edit.object); /* whoever waits for more */
    reply_stream_id(call->reply, id);
}

/* -- the others ------------------------------------------------------------------------------ */

void cmd_xtrim(struct call *call) {
    struct stream_add_options options;
    struct edit edit;
    uint32_t at;
    if (!add_options(call, false, &options, &at)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_STREAM, &edit)) return;
    uint64_t gone =
        edit.object == NULL ? 0 : stream_cut(stream_to_change(&edit.value), &options.trim);
    if (gone > 0) edit_end(call, &edit, "xtrim");
    reply_integer(call->reply, (int64_t)gone);
}

void cmd_xlen(struct call *call) {
    const struct stream *stream;
    if (!call_stream(call, call->argv[1], &stream)) return;
    reply_integer(call->reply, stream == NULL ? 0 : (int64_t)stream_length(stream));
}

void cmd_xdel(struct call *call) {
    struct edit edit;
    struct stream_id *ids;
    if (!edit_begin(call, call->argv[1], OBJECT_STREAM, &edit)) return;
    if (edit.object == NULL) {
        reply_integer(call->reply, 0);
        return;
    }
    if (!call_stream_ids(call, 2, call->argc, &ids)) return;
    int64_t gone = 0;
    for (uint32_t i = 0; i < call->argc - 2; i++)
        gone += stream_remove(stream_to_change(&edit.value), ids[i]);
    sf_free(ids);
    if (gone > 0) edit_end(call, &edit, "xdel");
    reply_integer(call->reply, gone);
}

/* -- XSETID ---------------------------------------------------------------------------------- */

struct set_id {
    struct stream_id last, max_deleted;
    int64_t entries_added; /* -1: as it is */
};

static bool set_id_options(struct call *call, struct set_id *out) {
    *out = (struct set_id){.entries_added = -1};
    if (!call_stream_id(call, call->argv[2], &out->last)) return false;
    for (uint32_t i = 3; i < call->argc; i += 2) {
        struct slice word = call->argv[i];
        const char *error = NULL;
        if (i + 1 < call->argc && slice_is(word, "entriesadded")) {
            if (!call_integer(call, call->argv[i + 1], &out->entries_added)) return false;
            if (out->entries_added < 0) error = "ERR entries_added must be positive";
        } else if (i + 1 < call->argc && slice_is(word, "maxdeletedid")) {
            if (!call_stream_id(call, call->argv[i + 1], &out->max_deleted)) return false;
            if (stream_id_compare(out->last, out->max_deleted) < 0)
                error = "ERR The ID specified in XSETID is smaller than the provided "
                        "max_deleted_entry_id";
        } else {
            error = TEXT_SYNTAX;
        }
        if (error == NULL) continue;
        reply_error(call->reply, error);
        return false;
    }
    return true;
}

/* What is wrong with it for this stream, or NULL. */
static const char *set_id_error(const struct stream *stream, const struct set_id *new) {
    struct stream_id top;
    if (stream_id_compare(new->last, stream->max_deleted) < 0)
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    if (!stream_top(stream, &top)) return NULL;
    if (stream_id_compare(new->last, top) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (new->entries_added != -1 && (uint64_t) new->entries_added < stream_length(stream))
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

void cmd_xsetid(struct call *call) {
    struct set_id new;
    struct edit edit;
    if (!set_id_options(call, &new)) return;
    if (!edit_begin(call, call->argv[1], OBJECT_STREAM, &edit)) return;
    const char *error =
        edit.object == NULL ? TEXT_NO_KEY : set_id_error(stream_in(&edit.value), &new);
    if (error != NULL) {
        reply_error(call->reply, error);
        return;
    }
    struct stream *stream = stream_to_change(&edit.value);
    stream->last = new.last;
    if (new.entries_added != -1) stream->entries_added = (uint64_t) new.entries_added;
    if (stream_id_compare(new.max_deleted, STREAM_ID_MIN) != 0)
        stream->max_deleted = new.max_deleted;
    edit_end(call, &edit, "xsetid");
    reply_ok(call->reply);
}
