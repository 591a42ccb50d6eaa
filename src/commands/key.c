/* Keys of any type: removing, counting, renaming, copying, moving. */
#include "commands/call.h"
#include "commands/functions.h"

void cmd_del(struct call *call) {
    int64_t removed = 0;
    for (uint32_t i = 1; i < call->argc; i++)
        removed += db_delete(call->db, call->argv[i], call->now_ms);
    reply_integer(call->reply, removed);
}

void cmd_exists(struct call *call) {
    int64_t found = 0;
    for (uint32_t i = 1; i < call->argc; i++) {
        struct slice key = call->argv[i];
        bool touches = call->command->id == COMMAND_TOUCH;
        found += (touches ? call_find(call, key) : call_look_at(call, call->db, key)) != NULL;
    }
    reply_integer(call->reply, found);
}

void cmd_type(struct call *call) {
    const struct object *object = call_look_at(call, call->db, call->argv[1]);
    reply_status(call->reply, object == NULL ? "none" : object_type_name(object_type(object)));
}

/* -- renaming -------------------------------------------------------------------------------- */

/* Whether argv[1] exists; otherwise the error was replied. */
static bool source_exists(struct call *call) {
    if (call_find(call, call->argv[1]) != NULL) return true;
    reply_error(call->reply, TEXT_NO_KEY);
    return false;
}

void cmd_rename(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    if (!source_exists(call)) return;
    if (!slice_equal(from, to)) db_move(call->db, from, call->db, to);
    reply_ok(call->reply);
}

void cmd_renamenx(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    if (!source_exists(call)) return;
    bool is_free = !slice_equal(from, to) && call_find(call, to) == NULL;
    if (is_free) db_move(call->db, from, call->db, to);
    reply_integer(call->reply, is_free);
}

/* -- to another place ------------------------------------------------------------------------ */

/* The database that text names; NULL when an error was replied. */
static struct db *call_db(struct call *call, struct slice text) {
    int number;
    if (!call_int(call, text, NULL, &number)) return NULL;
    if (number < 0 || (uint32_t)number >= keyspace_n_dbs(call->keyspace)) {
        reply_error(call->reply, TEXT_DB_RANGE);
        return NULL;
    }
    return keyspace_db(call->keyspace, (uint32_t)number);
}

void cmd_move(struct call *call) {
    struct slice key = call->argv[1];
    struct db *to = call_db(call, call->argv[2]);
    if (to == NULL) return;
    if (to == call->db) {
        reply_error(call->reply, TEXT_SAME_OBJECT);
        return;
    }
    bool moves = call_find(call, key) != NULL && call_find_in(call, to, key) == NULL;
    if (moves) db_move(call->db, key, to, key);
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

static bool copy_options(struct call *call, struct db **to, bool *replace) {
    *to = call->db;
    *replace = false;
    for (uint32_t i = 3; i < call->argc; i++) {
        if (slice_is(call->argv[i], "replace")) {
            *replace = true;
        } else if (slice_is(call->argv[i], "db") && i + 1 < call->argc) {
            *to = call_db(call, call->argv[++i]);
            if (*to == NULL) return false;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

void cmd_copy(struct call *call) {
    struct slice from = call->argv[1], to = call->argv[2];
    struct db *to_db;
    bool replace;
    if (!copy_options(call, &to_db, &replace)) return;
    if (to_db == call->db && slice_equal(from, to)) {
        reply_error(call->reply, TEXT_SAME_OBJECT);
        return;
    }
    const struct object *source = call_find(call, from);
    bool copies = source != NULL && (replace || call_find_in(call, to_db, to) == NULL);
    if (copies && object_type(source) == OBJECT_STRING)
        copy_string(source, to_db, to, object_due_ms(source));
    else if (copies)
        copy_collection(call, source, to_db, to);
    reply_integer(call->reply, copies);
}
