/* Strings as sequences of bytes: their length, their parts, what is put behind or over them. */
#include "commands/call.h"
#include "commands/functions.h"

void cmd_strlen(struct call *call) {
    struct object *object;
    if (!call_find_string(call, call->argv[1], &object)) return;
    char scratch[OBJECT_TEXT_MAX];
    size_t len = object == NULL ? 0 : object_string(object, scratch).len;
    reply_integer(call->reply, (int64_t)len);
}

/* Redis's rule for two indexes, each counted from the end when negative; an empty slice when they
 * enclose nothing. */
static struct slice range_of(struct slice text, int64_t start, int64_t end) {
    const struct slice nothing = {"", 0};
    int64_t len = (int64_t)text.len;
    if (start < 0 && end < 0 && start > end) return nothing;
    if (start < 0) start = SF_MAX(start + len, 0);
    if (end < 0) end = SF_MAX(end + len, 0);
    if (end >= len) end = len - 1;
    if (start > end || len == 0) return nothing;
    return slice_of(text.data + start, (size_t)(end - start + 1));
}

void cmd_getrange(struct call *call) {
    int64_t start, end;
    if (!call_integer(call, call->argv[2], &start)) return;
    if (!call_integer(call, call->argv[3], &end)) return;
    struct object *object;
    if (!call_find_string(call, call->argv[1], &object)) return;
    char scratch[OBJECT_TEXT_MAX];
    struct slice text = object == NULL ? SLICE("") : object_string(object, scratch);
    reply_bulk(call->reply, range_of(text, start, end));
}

void cmd_append(struct call *call) {
    struct slice key = call->argv[1], more = call->argv[2];
    struct object *object;
    if (!call_find_string(call, key, &object)) return;
    if (object == NULL) {
        db_set_string(call->db, key, more, NO_DUE);
        call_event(call, EVENT_STRING, "append", key);
        reply_integer(call->reply, (int64_t)more.len);
        return;
    }
    char scratch[OBJECT_TEXT_MAX];
    size_t len = object_string(object, scratch).len;
    if (!call_string_fits(call, len, more.len)) return;
    char *bytes = db_string_part_writable(call->db, &object, len + more.len, len, len + more.len);
    if (more.len > 0) memcpy(bytes + len, more.data, more.len);
    call_event(call, EVENT_STRING, "append", key);
    reply_integer(call->reply, (int64_t)(len + more.len));
}

void cmd_setrange(struct call *call) {
    struct slice key = call->argv[1], patch = call->argv[3];
    int64_t offset;
    if (!call_integer(call, call->argv[2], &offset)) return;
    if (offset < 0) {
        reply_error(call->reply, "ERR offset is out of range");
        return;
    }
    struct object *object;
    if (!call_find_string(call, key, &object)) return;
    char scratch[OBJECT_TEXT_MAX];
    size_t len = object == NULL ? 0 : object_string(object, scratch).len;
    if (patch.len == 0) {
        reply_integer(call->reply, (int64_t)len);
        return;
    }
    if (!call_string_fits(call, (uint64_t)offset, patch.len)) return;
    if (object == NULL) object = db_set_string(call->db, key, SLICE(""), NO_DUE);
    size_t new_len = SF_MAX(len, (size_t)offset + patch.len);
    char *bytes = db_string_part_writable(
        call->db, &object, new_len, (size_t)offset, (size_t)offset + patch.len);
    memcpy(bytes + offset, patch.data, patch.len);
    call_event(call, EVENT_STRING, "setrange", key);
    reply_integer(call->reply, (int64_t)new_len);
}
