#include "commands/hash_field.h"

bool call_hash_find(struct call *call, struct call_hash *out) {
    out->has_expired = false;
    if (!call_find_type(call, call->argv[1], OBJECT_HASH, &out->object)) return false;
    if (out->object != NULL) out->hash = db_collection(call->db, out->object);
    return true;
}

void call_hash_make(struct call *call, struct call_hash *hash) {
    if (hash->object == NULL) hash->hash = hash_new(db_collection_types(call->db));
}

bool call_hash_open(struct call *call, struct call_hash *out) {
    if (!call_hash_find(call, out)) return false;
    call_hash_make(call, out);
    return true;
}

void call_hash_close(
    struct call *call, struct call_hash *hash, const char *event, const char *second) {
    struct slice key = call->argv[1];
    bool is_there = collection_size(&hash->hash) > 0;
    if (hash->object != NULL)
        db_collection_changed(call->db, hash->object, &hash->hash);
    else if (is_there)
        db_add_collection(call->db, key, &hash->hash, NO_DUE);
    else
        collection_free(&hash->hash);
    if (hash->has_expired) call_event(call, EVENT_HASH, "hexpired", key);
    if (event != NULL) call_event(call, EVENT_HASH, event, key);
    if (second != NULL) call_event(call, EVENT_HASH, second, key);
    if (!is_there) call_event(call, EVENT_GENERIC, "del", key);
}

void call_hash_leave(struct call *call, struct call_hash *hash) {
    if (hash->has_expired)
        call_hash_close(call, hash, NULL, NULL);
    else if (hash->object == NULL)
        collection_free(&hash->hash);
}

/* -- fields ---------------------------------------------------------------------------------- */

bool call_hash_get(
    struct call *call, const struct call_hash *hash, struct slice field, struct field_value *out) {
    return hash->object != NULL &&
           hash_get_due(&hash->hash, field, out->scratch, &out->text, &out->due_ms) &&
           (out->due_ms == NO_DUE || call_lives(call, out->due_ms));
}

bool call_hash_take(
    struct call *call, struct call_hash *hash, struct slice field, struct field_value *out) {
    if (!hash_get_due(&hash->hash, field, out->scratch, &out->text, &out->due_ms)) return false;
    if (out->due_ms == NO_DUE || call_lives(call, out->due_ms)) return true;
    hash_remove(&hash->hash, field);
    hash->has_expired = true;
    return false;
}

uint64_t call_hash_size(struct call *call, const struct collection *hash) {
    if (call->is_followed) return collection_size(hash);
    uint64_t n_dead = hash_n_dead(hash, call->now_ms);
    if (call->read_clock_ms > call->now_ms && hash_n_dead(hash, call->read_clock_ms) != n_dead)
        call->must_wait = true;
    return collection_size(hash) - n_dead;
}
