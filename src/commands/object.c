/* OBJECT: how a value is held. Nothing here is kept for the sake of these commands: there is no
 * access time (S3: reads change nothing), so that IDLETIME says 0 and FREQ what Redis says without
 * an LFU policy. */
#include "commands/call.h"
#include "commands/functions.h"

#include <limits.h>

#define SHARED_INTEGERS 10000 /* Redis holds 0 .. 9999 once for all keys */

/* The object of OBJECT's key; NULL when there is none, which was replied. */
static struct object *object_asked_for(struct call *call) {
    struct object *object = call_find_in(call, call->db, call->argv[2]); /* not told as a miss */
    if (object == NULL) reply_null(call->reply);
    return object;
}

static const char *encoding_name(enum object_encoding encoding) {
    switch (encoding) {
    case ENCODING_RAW:
        return "raw";
    case ENCODING_EMBSTR:
        return "embstr";
    case ENCODING_INT:
        return "int";
    case ENCODING_LISTPACK:
        return "listpack";
    case ENCODING_INTSET:
        return "intset";
    case ENCODING_HASHTABLE:
        return "hashtable";
    case ENCODING_QUICKLIST:
        return "quicklist";
    case ENCODING_SKIPLIST:
        return "skiplist";
    case ENCODING_STREAM:
        return "stream";
    }
    SF_ASSERT(false);
    return NULL;
}

void cmd_object_encoding(struct call *call) {
    const struct object *object = object_asked_for(call);
    if (object != NULL) reply_bulk_text(call->reply, encoding_name(object_encoding(object)));
}

void cmd_object_freq(struct call *call) {
    if (object_asked_for(call) == NULL) return;
    reply_error(call->reply,
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        "that when switching between policies at runtime LRU and LFU data will take some time to "
        "adjust.");
}

void cmd_object_idletime(struct call *call) {
    if (object_asked_for(call) != NULL) reply_integer(call->reply, 0);
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
        "    Tell for how many seconds the key was not used; 0 where that is not tracked.",
        "REFCOUNT <key>",
        "    Count the references to the value.",
        NULL,
    };
    reply_help(call->reply, "OBJECT", lines);
}
