/* DUMP and RESTORE: a key's value as bytes that Redis reads and writes too. */
#include "commands/call.h"
#include "commands/functions.h"
#include "rdb/payload.h"

void cmd_dump(struct call *call) {
    const struct object *object = call_find(call, call->argv[1]);
    if (object == NULL) {
        reply_null(call->reply);
        return;
    }
    char scratch[OBJECT_TEXT_MAX];
    struct rdb_value value = rdb_value_of(call->db, object, scratch);
    struct buf payload = {0};
    rdb_payload_write(&value, &payload);
    reply_bulk(call->reply, buf_slice(&payload));
    buf_free(&payload);
}

/* -- RESTORE --------------------------------------------------------------------------------- */

struct restore_options {
    bool replace, absolute;
    bool has_idle, has_freq; /* checked and not used: no access times are kept */
};

/* The number behind the option at *i, which moves on; false when an error was replied. */
static bool access_number(struct call *call, uint32_t *i, int64_t max, const char *error) {
    int64_t number;
    if (!call_integer(call, call->argv[++*i], &number)) return false;
    if (number >= 0 && number <= max) return true;
    reply_error(call->reply, error);
    return false;
}

static bool options_parse(struct call *call, struct restore_options *out) {
    *out = (struct restore_options){0};
    for (uint32_t i = 4; i < call->argc; i++) {
        struct slice word = call->argv[i];
        bool has_more = i + 1 < call->argc;
        if (slice_is(word, "replace")) {
            out->replace = true;
        } else if (slice_is(word, "absttl")) {
            out->absolute = true;
        } else if (slice_is(word, "idletime") && has_more && !out->has_freq) {
            out->has_idle = true;
            if (!access_number(call, &i, INT64_MAX, "ERR Invalid IDLETIME value, must be >= 0"))
                return false;
        } else if (slice_is(word, "freq") && has_more && !out->has_idle) {
            out->has_freq = true;
            if (!access_number(call, &i, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255"))
                return false;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

/* The due time of argv[2]; 0 means none. A time too far away is the farthest there is. */
static bool due_parse(struct call *call, bool absolute, int64_t *due_ms) {
    int64_t ttl;
    if (!call_integer(call, call->argv[2], &ttl)) return false;
    if (ttl < 0) {
        reply_error(call->reply, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    if (!absolute && ttl > 0 && __builtin_add_overflow(ttl, call->now_ms, &ttl)) ttl = INT64_MAX;
    *due_ms = ttl == 0 ? NO_DUE : due_clamp(ttl);
    return true;
}

/* The value of argv[3]; false when an error was replied. */
static bool value_read(struct call *call, struct rdb_value_reader *reader) {
    if (!rdb_payload_check(call->argv[3])) {
        reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    if (rdb_payload_read(call->argv[3], reader) == SF_OK) return true;
    reply_error(call->reply, "ERR Bad data format");
    return false;
}

/* What is there already goes first, so that the key counts as new. */
static void enter(struct call *call, struct slice key, int64_t due_ms, struct rdb_value *value) {
    bool was_there = db_delete(call->db, key, call->now_ms);
    if (!call_is_past(call, due_ms)) {
        rdb_value_enter(call->db, key, due_ms, value);
        call_event(call, EVENT_GENERIC, "restore", key);
    } else if (was_there) {
        call_event(call, EVENT_GENERIC, "del", key);
    }
}

void cmd_restore(struct call *call) {
    struct slice key = call->argv[1];
    struct restore_options options;
    int64_t due_ms;
    if (!options_parse(call, &options)) return;
    if (!options.replace && call_find(call, key) != NULL) {
        reply_error(call->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!due_parse(call, options.absolute, &due_ms)) return;
    const struct rdb_target target = {.types = db_collection_types(call->db),
        .thresholds = call->thresholds,
        .string_bytes_max = SF_MIN(call->proto_max_bulk_len, (uint64_t)UINT32_MAX)};
    struct rdb_value_reader reader = {.target = &target};
    if (value_read(call, &reader)) {
        enter(call, key, due_ms, &reader.value);
        reply_ok(call->reply);
    }
    rdb_value_reader_free(&reader);
}
