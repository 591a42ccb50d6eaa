/* Ids as clients write them, and look-ups that the stream commands share. */
#include "commands/stream.h"

#include <ctype.h>
#include <stdio.h>

#define TEXT_BAD_ID "ERR Invalid stream ID specified as stream command argument"
#define ID_TEXT_MAX 127 /* longer ones are none */

/* -- parsing --------------------------------------------------------------------------------- */

/* An unsigned number as strtoull reads it in the C locale: space in front, a sign, leading zeros;
 * a minus wraps around, except that a plain negative number is refused. */
static bool number_parse(struct slice text, uint64_t *out) {
    int64_t plain;
    if (int_parse(text, &plain)) {
        *out = (uint64_t)plain;
        return plain >= 0;
    }
    size_t at = 0;
    while (
        at < text.len && (text.data[at] == ' ' || (text.data[at] >= '\t' && text.data[at] <= '\r')))
        at++;
    bool is_negative = at < text.len && text.data[at] == '-';
    if (at < text.len && (text.data[at] == '-' || text.data[at] == '+')) at++;
    if (at == text.len) return false;
    uint64_t value = 0;
    for (; at < text.len; at++) {
        uint64_t digit = (uint64_t)(unsigned char)text.data[at] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = is_negative ? 0 - value : value;
    return true;
}

bool stream_id_parse(
    struct slice text, bool strict, uint64_t missing_seq, struct stream_id *out, bool *any_seq) {
    if (any_seq != NULL) *any_seq = false;
    if (text.len > ID_TEXT_MAX) return false;
    text.len = (size_t)shown_bytes(text, text.len); /* what C's strings end at */
    bool is_min = slice_is(text, "-"), is_max = slice_is(text, "+");
    if (is_min || is_max) {
        *out = is_min ? STREAM_ID_MIN : STREAM_ID_MAX;
        return !strict;
    }
    const char *dash = text.len == 0 ? NULL : memchr(text.data, '-', text.len);
    size_t ms_len = dash == NULL ? text.len : (size_t)(dash - text.data);
    struct stream_id id = {.seq = missing_seq};
    if (!number_parse(slice_of(text.data, ms_len), &id.ms)) return false;
    if (dash != NULL) {
        struct slice seq = slice_of(dash + 1, text.len - ms_len - 1);
        bool is_any = any_seq != NULL && slice_is(seq, "*");
        if (is_any)
            *any_seq = true;
        else if (!number_parse(seq, &id.seq))
            return false;
    }
    *out = id;
    return true;
}

bool call_stream_id(struct call *call, struct slice text, struct stream_id *out) {
    if (stream_id_parse(text, true, 0, out, NULL)) return true;
    reply_error(call->reply, TEXT_BAD_ID);
    return false;
}

/* A border of an interval; *excludes: "(" stands in front. */
static bool border(struct call *call, struct slice text, uint64_t missing_seq,
    struct stream_id *out, bool *excludes) {
    *excludes = text.len > 1 && text.data[0] == '(';
    if (*excludes) text = slice_of(text.data + 1, text.len - 1);
    if (stream_id_parse(text, *excludes, missing_seq, out, NULL)) return true;
    reply_error(call->reply, TEXT_BAD_ID);
    return false;
}

bool call_stream_start(struct call *call, struct slice text, struct stream_id *out) {
    bool excludes;
    if (!border(call, text, 0, out, &excludes)) return false;
    if (!excludes || stream_id_increment(out)) return true;
    reply_error(call->reply, "ERR invalid start ID for the interval");
    return false;
}

bool call_stream_end(struct call *call, struct slice text, struct stream_id *out) {
    bool excludes;
    if (!border(call, text, UINT64_MAX, out, &excludes)) return false;
    if (!excludes || stream_id_decrement(out)) return true;
    reply_error(call->reply, "ERR invalid end ID for the interval");
    return false;
}

bool call_stream_ids(struct call *call, uint32_t at, uint32_t end, struct stream_id **out) {
    *out = sf_alloc((end - at) * sizeof **out);
    for (uint32_t i = at; i < end; i++) {
        if (call_stream_id(call, call->argv[i], &(*out)[i - at])) continue;
        sf_free(*out);
        *out = NULL;
        return false;
    }
    return true;
}

/* -- replies --------------------------------------------------------------------------------- */

size_t stream_id_print(struct stream_id id, char out[STREAM_ID_TEXT_MAX]) {
    size_t len = uint_print(id.ms, out);
    out[len++] = '-';
    return len + uint_print(id.seq, out + len);
}

void reply_stream_id(struct reply *reply, struct stream_id id) {
    char text[STREAM_ID_TEXT_MAX];
    reply_bulk(reply, slice_of(text, stream_id_print(id, text)));
}

void reply_stream_entry(struct reply *reply, const struct stream_entry *entry) {
    if (reply->out == NULL) return;
    struct stream_fields fields;
    struct slice name, value;
    reply_array(reply, 2);
    reply_stream_id(reply, entry->id);
    reply_array(reply, 2 * entry->n_fields);
    stream_fields_begin(&fields, entry);
    while (stream_fields_next(&fields, &name, &value)) {
        reply_bulk(reply, name);
        reply_bulk(reply, value);
    }
}

void reply_subcommand_error(struct call *call) {
    char upper[COMMAND_NAME_BYTES] = "";
    size_t len = (size_t)shown_bytes(call->argv[0], sizeof upper - 1);
    for (size_t i = 0; i < len; i++) upper[i] = (char)toupper((unsigned char)call->argv[0].data[i]);
    reply_errorf(call->reply,
        "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
        shown_bytes(call->argv[1], 128), call->argv[1].data, upper);
}

/* -- look-ups -------------------------------------------------------------------------------- */

bool call_stream(struct call *call, struct slice key, const struct stream **out) {
    struct collection value;
    *out = NULL;
    if (!call_value(call, key, OBJECT_STREAM, &value)) return false;
    if (value.value != NULL) *out = stream_in(&value);
    return true;
}

bool stream_edit_begin(
    struct call *call, struct slice key, struct slice group, struct stream_edit *edit) {
    *edit = (struct stream_edit){.object = NULL};
    if (!call_find_type(call, key, OBJECT_STREAM, &edit->object)) return false;
    if (edit->object == NULL) return true;
    edit->value = db_collection(call->db, edit->object);
    edit->stream = stream_groups_to_change(&edit->value);
    edit->group = stream_group_find(edit->stream, group);
    return true;
}

void stream_edit_end(struct call *call, struct stream_edit *edit) {
    db_collection_counted(call->db, edit->object, &edit->value);
}

struct stream_consumer *stream_edit_consumer(
    struct call *call, struct stream_edit *edit, struct slice name) {
    struct stream_consumer *consumer = stream_consumer_find(edit->group, name);
    if (consumer == NULL) {
        consumer = stream_consumer_create(edit->stream, edit->group, name, call->now_ms);
        call_event(call, EVENT_STREAM, "xgroup-createconsumer", object_key(edit->object));
    }
    consumer->seen_ms = call->now_ms;
    return consumer;
}
