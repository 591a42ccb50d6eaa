/* Memory: the settings that limit it, evictions, and what one key takes. */
#include "engine/internal.h"

bool entry_read_victim(struct reader *in, struct entry_victim *out) {
    uint64_t db = read_varint(in);
    out->key = read_string(in);
    out->revision = read_varint(in);
    if (db > UINT32_MAX) in->failed = true;
    out->db = in->failed ? 0 : (uint32_t)db;
    return !in->failed;
}

void entry_put_victim(struct buf *out, const struct entry_victim *victim) {
    put_varint(out, victim->db);
    put_string(out, victim->key);
    put_varint(out, victim->revision);
}

static void evict(struct engine *engine, const struct entry_victim *victim) {
    /* one that was changed since the leader chose it stays (DESIGN 7) */
    if (!db_evict(keyspace_db(engine->keyspace, victim->db), victim->key, victim->revision)) return;
    engine->n_evicted++;
    watch_tell(engine, EVENT_EVICTED, "evicted", victim->db, victim->key);
    if (engine->watcher.evicted != NULL)
        engine->watcher.evicted(engine->watcher.context, victim->db, victim->key);
}

enum sf_status apply_eviction(struct engine *engine, struct reader *in) {
    struct entry_victim victim;
    struct reader trial = *in;
    while (trial.rest.len > 0) {
        if (!entry_read_victim(&trial, &victim) || victim.db >= engine->settings.n_dbs)
            return SF_ERR_CORRUPT; /* all of it or nothing */
    }
    while (in->rest.len > 0) {
        bool good = entry_read_victim(in, &victim);
        SF_ASSERT(good);
        evict(engine, &victim);
    }
    return SF_OK;
}

const struct memory_policy *engine_memory_policy(const struct engine *engine) {
    return &engine->memory;
}

uint64_t engine_evicted_count(const struct engine *engine) {
    return engine->n_evicted;
}

void engine_set_access_clock(struct engine *engine, int64_t now_s) {
    engine->access_now_s = now_s;
    keyspace_set_access(engine->keyspace, &engine->memory, now_s);
}

void engine_count_lookups(struct engine *engine, struct lookups *into) {
    engine->lookups = into;
}

void engine_note_accesses(struct engine *engine, bool noted) {
    engine->quiet = !noted;
}

void engine_keep_counts(struct engine *engine, const struct engine *from) {
    engine->n_expired = from->n_expired;
    engine->n_expired_fields = from->n_expired_fields;
    engine->n_evicted = from->n_evicted;
}

void engine_reset_counts(struct engine *engine) {
    engine->n_expired = engine->n_evicted = engine->n_expired_fields = 0;
}
