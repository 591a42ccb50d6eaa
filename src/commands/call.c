#include "commands/call.h"

#include "keyspace/eviction.h"

#include <limits.h>
#include <stdio.h>

bool call_lives(struct call *call, int64_t due_ms) {
    if (call->is_followed) return true;
    if (due_ms <= call->now_ms) return false;
    if (due_ms > call->read_clock_ms || due_ms == NO_DUE) return true;
    call->must_wait = true;
    return false;
}

bool call_is_alive(struct call *call, const struct object *object) {
    return call_lives(call, object_end_ms(object));
}

bool call_is_past(const struct call *call, int64_t due_ms) {
    return due_ms <= call->now_ms && !call->is_followed;
}

struct object *call_find_in(struct call *call, struct db *db, struct slice key) {
    struct object *object = call_look_at(call, db, key);
    if (object != NULL && call->notes_accesses) db_note_access(db, object);
    return object;
}

struct object *call_look_at(struct call *call, struct db *db, struct slice key) {
    call_work(call, 1);
    struct object *object = db_find_even_dead(db, key);
    return object != NULL && call_is_alive(call, object) ? object : NULL;
}

void call_count_lookup(struct call *call, bool found) {
    if (call->lookups == NULL) return;
    call->lookups->hits += found;
    call->lookups->misses += !found;
}

/* Of reads; those that write say so themselves (call_looked_up). */
static void tell_of_read(struct call *call, struct slice key, bool found) {
    if ((call->command->flags & CMD_READ) == 0) return;
    call_count_lookup(call, found);
    if (!found) call_event(call, EVENT_MISS, "keymiss", key);
}

struct object *call_find(struct call *call, struct slice key) {
    struct object *object = call_find_in(call, call->db, key);
    tell_of_read(call, key, object != NULL);
    return object;
}

struct object *call_find_untouched(struct call *call, struct slice key) {
    struct object *object = call_look_at(call, call->db, key);
    tell_of_read(call, key, object != NULL);
    return object;
}

void call_looked_up(struct call *call, struct slice key, bool found) {
    if ((call->command->flags & CMD_READ) != 0) return;
    call_count_lookup(call, found);
    if (!found) call_event(call, EVENT_MISS, "keymiss", key);
}

bool call_read_type(
    struct call *call, struct slice key, enum object_type type, struct object **out) {
    bool good = call_find_type(call, key, type, out);
    call_looked_up(call, key, *out != NULL);
    return good;
}

/* -- telling --------------------------------------------------------------------------------- */

void call_event_in(
    struct call *call, uint32_t db, enum event_class class, const char *name, struct slice key) {
    if ((call->told & class) == 0) return;
    call->watcher->event(call->watcher->context, class, name, db, key);
}

enum event_class event_class_of(enum object_type type) {
    switch (type) {
    case OBJECT_STRING:
        return EVENT_STRING;
    case OBJECT_LIST:
        return EVENT_LIST;
    case OBJECT_SET:
        return EVENT_SET;
    case OBJECT_ZSET:
        return EVENT_ZSET;
    case OBJECT_HASH:
        return EVENT_HASH;
    case OBJECT_STREAM:
        return EVENT_STREAM;
    }
    SF_ASSERT(false);
    return EVENT_GENERIC;
}

void call_changed(struct call *call, enum object_type type, const char *name, struct slice key,
    bool is_still_there) {
    if (call->told == 0) return;
    call_event(call, event_class_of(type), name, key);
    if (!is_still_there) call_event(call, EVENT_GENERIC, "del", key);
}

bool call_find_type(
    struct call *call, struct slice key, enum object_type type, struct object **out) {
    *out = call_find(call, key);
    if (*out == NULL || object_type(*out) == type) return true;
    reply_error(call->reply, TEXT_WRONG_TYPE);
    return false;
}

bool call_find_string(struct call *call, struct slice key, struct object **out) {
    return call_find_type(call, key, OBJECT_STRING, out);
}

int64_t call_clock_ms(const struct call *call) {
    return SF_MAX(call->now_ms, call->read_clock_ms);
}

int64_t due_clamp(int64_t due_ms) {
    return due_ms == NO_DUE ? NO_DUE - 1 : due_ms;
}

bool call_integer(struct call *call, struct slice text, int64_t *out) {
    if (int_parse(text, out)) return true;
    reply_error(call->reply, TEXT_NOT_INTEGER);
    return false;
}

bool call_int(struct call *call, struct slice text, const char *error, int *out) {
    int64_t value = 0;
    if (!int_parse(text, &value)) {
        reply_error(call->reply, error != NULL ? error : TEXT_NOT_INTEGER);
        return false;
    }
    if (value < INT_MIN || value > INT_MAX) {
        if (error != NULL)
            reply_error(call->reply, error);
        else
            reply_errorf(call->reply, "ERR value is out of range, value must between %d and %d",
                INT_MIN, INT_MAX);
        return false;
    }
    *out = (int)value;
    return true;
}

bool call_range(struct call *call, struct slice text, int64_t min, int64_t max, const char *error,
    int64_t *out) {
    int64_t value = 0;
    bool is_integer = int_parse(text, &value);
    *out = value;
    if (is_integer && value >= min && value <= max) return true;
    if (error != NULL)
        reply_error(call->reply, error);
    else if (min == 0 && max == INT64_MAX) /* whatever is wrong with it */
        reply_error(call->reply, "ERR value is out of range, must be positive");
    else if (!is_integer)
        reply_error(call->reply, TEXT_NOT_INTEGER);
    else
        reply_errorf(call->reply, "ERR value is out of range, value must between %lld and %lld",
            (long long)min, (long long)max);
    return false;
}

#define REPLY_BYTES_MAX ((size_t)512 << 20)
#define REPLY_ELEMENTS_MAX 10000000

size_t reply_bytes(const struct reply *reply) {
    return reply->out == NULL ? 0 : reply->out->len;
}

bool call_count_fits(struct call *call, uint64_t n) {
    if (n <= REPLY_ELEMENTS_MAX) return true;
    reply_errorf(call->reply, "ERR more than %d elements asked for at once", REPLY_ELEMENTS_MAX);
    return false;
}

bool call_reply_fits(struct call *call, size_t before) {
    if (reply_bytes(call->reply) - before <= REPLY_BYTES_MAX) return true;
    buf_truncate(call->reply->out, before);
    reply_error(call->reply, "ERR the reply would be larger than 512 MiB");
    return false;
}

bool call_string_fits(struct call *call, uint64_t len, uint64_t more) {
    uint64_t limit = call->proto_max_bulk_len;
    if (len <= limit && more <= limit - len) return true;
    reply_error(call->reply, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return false;
}

const char *object_type_name(enum object_type type) {
    switch (type) {
    case OBJECT_STRING:
        return "string";
    case OBJECT_LIST:
        return "list";
    case OBJECT_SET:
        return "set";
    case OBJECT_ZSET:
        return "zset";
    case OBJECT_HASH:
        return "hash";
    case OBJECT_STREAM:
        return "stream";
    }
    SF_ASSERT(false);
    return NULL;
}

void reply_help(struct reply *reply, const char *container, const char *const *lines) {
    uint64_t n = 0;
    while (lines[n] != NULL) n++;
    reply_array(reply, n + 3);
    char head[96];
    snprintf(head, sizeof(head),
        "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container);
    reply_status(reply, head);
    for (uint64_t i = 0; i < n; i++) reply_status(reply, lines[i]);
    reply_status(reply, "HELP");
    reply_status(reply, "    Print this help.");
}

void reply_ok(struct reply *reply) {
    reply_status(reply, "OK");
}

void reply_object_string(struct reply *reply, const struct object *object) {
    char scratch[OBJECT_TEXT_MAX];
    reply_bulk(reply, object_string(object, scratch));
}

void reply_arity_error(struct call *call) {
    reply_errorf(
        call->reply, "ERR wrong number of arguments for '%s' command", call->command->name);
}

void reply_expire_error(struct call *call) {
    reply_errorf(call->reply, "ERR invalid expire time in '%s' command", call->command->name);
}
