/* Keys of any type: removing, counting, renaming, copying, moving. */
#include "commands/call.h"
#include "commands/functions.h"

void cmd_del(struct call *call) {
    int64_t removed = 0;
    for (uint32_t i = 1; i < call->argc; i++) {
        if (!db_delete(call->db, call->argv[i], call->now_ms)) continue;
        call_event(call, EVENT_GENERIC, "del", call->argv[i]);
        removed++;
    }
    reply_integer(call->reply, removed);
}

void cmd_exists(struct call *call) {
    int64_t found = 0;
    for (uint32_t i = 1; i < call->argc; i++) {
        struct slice key = call->argv[i];
        bool touches = call->command->id == COMMAND_TOUCH;
        found += (touches ? call_find(call, key) : call_find_untouched(call, key)) != NULL;
    }
    reply_integer(call->reply, found);
}

void cmd_type(struct call *call) {
    const struct object *object = call_find_untouched(call, call->argv[1]);
    reply_status(call->reply, object == NULL ? "none" : object_type_name(object_type(object)));
}

/* -- renaming -------------------------------------------------------------------------------- */

/* Whether argv[1] exists; otherwise the error was replied. */
static bool source_exists(struct call *call) {
    if (call_find(call, call->argv[1]) != NULL) return true;
    reply_error(call->reply, TEXT_NO_KEY);
    return false;
}

static void rename_key(struct call *call, struct slice from, struct slice to) {
    db_move(call->db, from, call->db, to);
    call_event(call, EVENT_GENERIC, "rename_from", from);
    call_event(call, EVENT_GENERIC, "rename_to", to);
}

void cmd_rename(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    if (!source_exists(call)) return;
    if (!slice_equal(from, to)) rename_key(call, from, to);
    reply_ok(call->reply);
}

void cmd_renamenx(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    if (!source_exists(call)) return;
    bool is_free = !slice_equal(from, to) && call_find(call, to) == NULL;
    if (is_free) rename_key(call, from, to);
    reply_integer(call->reply, is_free);
}

/* -- to another place ------------------------------------------------------------------------ */

/* The database that text names; false when an error was replied. */
static bool call_db(struct call *call, struct slice text, uint32_t *out) {
    int number;
    if (!call_int(call, text, NULL, &number)) return false;
    if (number < 0 || (uint32_t)number >= keyspace_n_dbs(call->keyspace)) {
        reply_error(call->reply, TEXT_DB_RANGE);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

void cmd_move(struct call *call) {
    struct slice key = call->argv[1];
    uint32_t number;
    if (!call_db(call, call->argv[2], &number)) return;
    struct db *to = keyspace_db(call->keyspace, number);
    if (to == call->db) {
        reply_error(call->reply, TEXT_SAME_OBJECT);
        return;
    }
    bool moves = call_find(call, key) != NULL && call_find_in(call, to, key) == NULL;
    if (moves) {
        db_move(call->db, key, to, key);
        call_event(call, EVENT_GENERIC, "move_from", key);
        call_event_in(call, number, EVENT_GENERIC, "move_to", key);
    }
    reply_integer(call->reply, moves);
}

static void copy_collection(
    struct call *call, const struct object *source, struct db *db, struct slice key) {
    struct collection held = db_collection(call->db, source), copy = collection_copy(&held);
    db_add_collection(db, key, &copy, object_due_ms(source));
}

/* The copy has its source's encoding too, which db_set_string alone would choose anew. */
static void copy_string(
    const struct object *source, struct db *db, struct slice key, int64_t due_ms) {
    char scratch[OBJECT_TEXT_MAX];
    struct slice text = object_string(source, scratch);
    struct object *copy = db_set_string(db, key, text, due_ms);
    if (object_encoding(source) != ENCODING_RAW || object_encoding(copy) == ENCODING_RAW) return;
    char *bytes = db_string_writable(db, &copy, text.len);
    if (text.len > 0) memcpy(bytes, text.data, text.len);
}

static bool copy_options(struct call *call, uint32_t *to, bool *replace) {
    *to = call->db_number;
    *replace = false;
    for (uint32_t i = 3; i < call->argc; i++) {
        if (slice_is(call->argv[i], "replace")) {
            *replace = true;
        } else if (slice_is(call->argv[i], "db") && i + 1 < call->argc) {
            if (!call_db(call, call->argv[++i], to)) return false;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

void cmd_copy(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    uint32_t number;
    bool replace;
    if (!copy_options(call, &number, &replace)) return;
    struct db *to_db = keyspace_db(call->keyspace, number);
    if (to_db == call->db && slice_equal(from, to)) {
        reply_error(call->reply, TEXT_SAME_OBJECT);
        return;
    }
    const struct object *source = call_find(call, from);
    call_looked_up(call, from, source != NULL);
    bool copies = source != NULL && (replace || call_find_in(call, to_db, to) == NULL);
    if (copies && replace) db_delete(to_db, to, call->now_ms);
    if (copies && object_type(source) == OBJECT_STRING)
        copy_string(source, to_db, to, object_due_ms(source));
    else if (copies)
        copy_collection(call, source, to_db, to);
    if (copies) call_event_in(call, number, EVENT_GENERIC, "copy_to", to);
    reply_integer(call->reply, copies);
}
