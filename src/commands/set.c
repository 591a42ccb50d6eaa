/* Sets, member by member. */
#include "keyspace/set.h"

#include "commands/call.h"
#include "commands/functions.h"

/* The set at a key; *object NULL: there is none. false: WRONGTYPE. */
static bool find_set(
    struct call *call, struct slice key, struct object **object, struct collection *set) {
    if (!call_find_type(call, key, OBJECT_SET, object)) return false;
    if (*object != NULL) *set = db_collection(call->db, *object);
    return true;
}

void cmd_sadd(struct call *call) {
    struct object *object;
    struct collection set;
    uint32_t n = call->argc - 2;
    if (!find_set(call, call->argv[1], &object, &set)) return;
    if (object == NULL)
        set = set_new(db_collection_types(call->db), call->thresholds, call->argv[2], n);
    else
        set_prepare(&set, call->thresholds, n);
    enum object_encoding before = object == NULL ? set.encoding : object_encoding(object);
    int64_t n_new = 0;
    for (uint32_t i = 2; i < call->argc; i++)
        n_new += set_add(&set, call->thresholds, call->argv[i]);
    if (object == NULL)
        db_add_collection(call->db, call->argv[1], &set, NO_DUE);
    else if (n_new > 0 || set.encoding != before)
        db_collection_changed(call->db, object, &set);
    if (n_new > 0) call_event(call, EVENT_SET, "sadd", call->argv[1]);
    reply_integer(call->reply, n_new);
}

void cmd_srem(struct call *call) {
    struct object *object;
    struct collection set;
    if (!find_set(call, call->argv[1], &object, &set)) return;
    int64_t n_gone = 0;
    for (uint32_t i = 2; i < call->argc && object != NULL; i++) {
        n_gone += set_remove(&set, call->argv[i]);
        if (collection_size(&set) == 0) break;
    }
    if (n_gone > 0) {
        bool is_there = db_collection_changed(call->db, object, &set);
        call_changed(call, OBJECT_SET, "srem", call->argv[1], is_there);
    }
    reply_integer(call->reply, n_gone);
}

void cmd_sismember(struct call *call) {
    struct object *object;
    struct collection set;
    if (!find_set(call, call->argv[1], &object, &set)) return;
    reply_integer(call->reply, object != NULL && set_contains(&set, call->argv[2]));
}

void cmd_smismember(struct call *call) {
    struct object *object;
    struct collection set;
    if (!find_set(call, call->argv[1], &object, &set)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++)
        reply_integer(call->reply, object != NULL && set_contains(&set, call->argv[i]));
}

void cmd_scard(struct call *call) {
    struct object *object;
    struct collection set;
    if (!find_set(call, call->argv[1], &object, &set)) return;
    reply_integer(call->reply, object == NULL ? 0 : (int64_t)collection_size(&set));
}

void cmd_smove(struct call *call) {
    struct object *from_object, *to_object = NULL;
    struct collection from, to;
    struct slice member = call->argv[3];
    if (!call_find_type(call, call->argv[1], OBJECT_SET, &from_object)) return;
    if (from_object == NULL) {
        reply_integer(call->reply, 0);
        return;
    }
    if (!find_set(call, call->argv[2], &to_object, &to)) return;
    from = db_collection(call->db, from_object);
    if (from_object == to_object) {
        reply_integer(call->reply, set_contains(&from, member));
        return;
    }
    if (!set_remove(&from, member)) {
        reply_integer(call->reply, 0);
        return;
    }
    bool is_there = db_collection_changed(call->db, from_object, &from);
    call_changed(call, OBJECT_SET, "srem", call->argv[1], is_there);
    bool is_new = to_object == NULL;
    if (is_new) {
        to = set_new(db_collection_types(call->db), call->thresholds, member, 1);
        set_add(&to, call->thresholds, member);
        db_add_collection(call->db, call->argv[2], &to, NO_DUE);
    } else {
        is_new = set_add(&to, call->thresholds, member);
        if (is_new) db_collection_changed(call->db, to_object, &to);
    }
    if (is_new) call_event(call, EVENT_SET, "sadd", call->argv[2]);
    reply_integer(call->reply, 1);
}
