/* OBJECT: how a value is held. IDLETIME and FREQ tell of this node's accesses alone. */
#include "commands/call.h"
#include "commands/functions.h"
#include "keyspace/collection.h"
#include "keyspace/eviction.h"

#include <limits.h>

#define SHARED_INTEGERS 10000 /* Redis holds 0 .. 9999 once for all keys */

/* The object of OBJECT's key; NULL when there is none, which was replied. */
static struct object *object_asked_for(struct call *call) {
    struct object *object = call_look_at(call, call->db, call->argv[2]);
    call_count_lookup(call, object != NULL);
    if (object == NULL) reply_null(call->reply);
    return object;
}

void cmd_object_encoding(struct call *call) {
    const struct object *object = object_asked_for(call);
    if (object != NULL) reply_bulk_text(call->reply, object_encoding_name(object_encoding(object)));
}

void cmd_object_freq(struct call *call) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    if (db_notes_frequency(call->db)) {
        reply_integer(call->reply, db_frequency(call->db, object));
        return;
    }
    reply_error(call->reply,
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        "that when switching between policies at runtime LRU and LFU data will take some time to "
        "adjust.");
}

void cmd_object_idletime(struct call *call) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    if (!db_notes_frequency(call->db)) {
        reply_integer(call->reply, db_idle_s(call->db, object));
        return;
    }
    reply_error(call->reply,
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.");
}

void cmd_object_refcount(struct call *call) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    int64_t value;
    bool is_shared = object_type(object) == OBJECT_STRING && object_integer(object, &value) &&
                     value >= 0 && value < SHARED_INTEGERS;
    reply_integer(call->reply, is_shared ? INT_MAX : 1);
}

void cmd_object_help(struct call *call) {
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Name the form in which the value is held.",
        "FREQ <key>",
        "    Tell how often the key is used; needs an LFU maxmemory policy.",
        "IDLETIME <key>",
        "    Tell for how many seconds this node saw no use of the key; no LFU policy.",
        "REFCOUNT <key>",
        "    Count the references to the value.",
        NULL,
    };
    reply_help(call->reply, "OBJECT", lines);
}
