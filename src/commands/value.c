#include "commands/value.h"

#include "data/listpack.h"

bool call_value(
    struct call *call, struct slice key, enum object_type type, struct collection *out) {
    struct object *object;
    *out = (struct collection){.types = db_collection_types(call->db), .type = type};
    if (!call_find_type(call, key, type, &object)) return false;
    if (object != NULL) *out = db_collection(call->db, object);
    return true;
}

bool call_read_value(
    struct call *call, struct slice key, enum object_type type, struct collection *out) {
    bool good = call_value(call, key, type, out);
    call_looked_up(call, key, !good || out->value != NULL); /* of another type: it is there */
    return good;
}

bool edit_begin(struct call *call, struct slice key, enum object_type type, struct edit *edit) {
    edit->key = key;
    edit->object = call_find(call, key);
    return call_value(call, key, type, &edit->value);
}

void edit_end(struct call *call, struct edit *edit, const char *event) {
    bool is_there = true;
    if (edit->object != NULL)
        is_there = db_collection_changed(call->db, edit->object, &edit->value);
    else if (edit->value.value != NULL && collection_size(&edit->value) > 0)
        db_add_collection(call->db, edit->key, &edit->value, NO_DUE);
    else
        collection_free(&edit->value);
    call_changed(call, edit->value.type, event, edit->key, is_there);
}

void call_store(struct call *call, struct slice key, struct collection *value, const char *event) {
    if (collection_size(value) > 0) {
        db_add_collection(call->db, key, value, NO_DUE);
        call_event(call, event_class_of(value->type), event, key);
    } else {
        if (db_delete(call->db, key, call->now_ms)) call_event(call, EVENT_GENERIC, "del", key);
        collection_free(value);
    }
}

bool call_element_fits(struct call *call, struct slice text) {
    if (text.len <= LISTPACK_BYTES_MAX / 2) return true;
    return call_string_fits(call, call->proto_max_bulk_len, text.len);
}

bool range_clip(int64_t *start, int64_t *stop, uint64_t n) {
    int64_t size = (int64_t)n;
    if (*start < 0) *start = SF_MAX(*start + size, (int64_t)0);
    if (*stop < 0) *stop += size;
    if (*start > *stop || *start >= size) return false;
    *stop = SF_MIN(*stop, size - 1);
    return true;
}
