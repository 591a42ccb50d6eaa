/* What the state holds besides keys: replicated settings, members and their rows; its image. */
#include "engine/internal.h"
#include "util/number.h"

enum { IMAGE_VERSION = 3 };

/* -- replicated settings --------------------------------------------------------------------- */

static uint32_t setting_place(const struct engine *engine, struct slice name) {
    uint32_t at = 0;
    while (at < engine->n_replicated &&
           slice_compare(bytes_slice(engine->replicated[at].name), name) < 0) {
        at++;
    }
    return at;
}

static void setting_store(struct engine *engine, struct slice name, struct slice value) {
    uint32_t at = setting_place(engine, name);
    struct setting *setting = &engine->replicated[at];
    if (at < engine->n_replicated && slice_equal(bytes_slice(setting->name), name)) {
        bytes_unref(setting->value);
        setting->value = bytes_new(value.data, value.len);
        return;
    }
    if (engine->n_replicated == SETTINGS_MAX)
        return; /* the leader checks names: cannot be reached */
    memmove(setting + 1, setting, (engine->n_replicated - at) * sizeof *setting);
    engine->n_replicated++;
    *setting = (struct setting){bytes_new(name.data, name.len), bytes_new(value.data, value.len)};
}

static void setting_act(struct engine *engine, struct slice name, struct slice value) {
    int64_t number;
    if (slice_is(name, "proto-max-bulk-len") && memory_parse(value, &number) && number > 0) {
        engine->settings.proto_max_bulk_len = (uint64_t)number;
    } else if (slice_is(name, "notify-keyspace-events")) {
        watch_set_events(engine, value);
    } else if (slice_is(name, "requirepass")) {
        acl_set_default_password(engine->acl, value);
        access_changed(engine, NULL, NULL);
    } else if (slice_is(name, "acl-pubsub-default")) {
        acl_set_channels_default(engine->acl, slice_is(value, "allchannels"));
    } else if (slice_is(name, SETTING_ACTIVE_EXPIRE)) {
        engine->keeps_dead = slice_is(value, "0");
    } else if (memory_policy_set(&engine->memory, name, value)) {
        keyspace_set_access(engine->keyspace, &engine->memory, engine->access_now_s);
    } else if (slice_is(name, "script-budget") && int_parse(value, &number) && number > 0) {
        scripts_set_budget(engine->scripts, (uint64_t)number);
    } else {
        thresholds_set(&engine->thresholds, name, value);
    }
}

void setting_change(struct engine *engine, struct slice name, struct slice value) {
    name = setting_name(name);
    setting_store(engine, name, value);
    setting_act(engine, name, value);
    if (engine->watcher.setting_changed != NULL) {
        engine->watcher.setting_changed(engine->watcher.context, name, value);
    }
}

bool engine_setting(const struct engine *engine, struct slice name, struct slice *value) {
    uint32_t at = setting_place(engine, name);
    if (at == engine->n_replicated) return false;
    if (!slice_equal(bytes_slice(engine->replicated[at].name), name)) return false;
    *value = bytes_slice(engine->replicated[at].value);
    return true;
}

/* -- rows and members ------------------------------------------------------------------------ */

struct row *row_find(const struct engine *engine, raft_id node) {
    for (uint32_t i = 0; i < engine->n_rows; i++) {
        if (engine->rows[i].origin.node == node) return (struct row *)(uintptr_t)&engine->rows[i];
    }
    return NULL;
}

static bool is_member(const struct engine *engine, raft_id node) {
    for (uint32_t i = 0; i < engine->n_members; i++) {
        if (engine->members[i] == node) return true;
    }
    return false;
}

void apply_configuration(struct engine *engine, const struct raft_configuration *configuration) {
    engine->n_members = configuration->n;
    for (uint32_t i = 0; i < configuration->n; i++) {
        engine->members[i] = configuration->members[i].id;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < engine->n_rows; i++) {
        if (is_member(engine, engine->rows[i].origin.node)) {
            engine->rows[kept++] = engine->rows[i];
        } else {
            engine_remove_waiters(engine, engine->rows[i].origin.node);
        }
    }
    if (kept < engine->n_rows) SF_MARK("engine: a member's row goes with it");
    engine->n_rows = kept;
}

/* DESIGN 6: an incarnation whose counter is not above the row's is void. */
void apply_incarnation(struct engine *engine, struct incarnation incarnation) {
    if (!is_member(engine, incarnation.node)) return;
    struct row *row = row_find(engine, incarnation.node);
    if (row != NULL) {
        if (incarnation.counter <= row->origin.counter) {
            SF_MARK("engine: an incarnation that is not newer is void (rare)");
            return;
        }
        *row = (struct row){incarnation, 0};
        engine_remove_waiters(engine, incarnation.node); /* the former life's */
        return;
    }
    SF_ASSERT(engine->n_rows < RAFT_MEMBERS_MAX);
    uint32_t at = engine->n_rows++;
    while (at > 0 && engine->rows[at - 1].origin.node > incarnation.node) {
        engine->rows[at] = engine->rows[at - 1];
        at--;
    }
    engine->rows[at] = (struct row){incarnation, 0};
}

bool engine_row(const struct engine *engine, uint64_t node, struct incarnation *incarnation,
    uint64_t *last_sequence) {
    const struct row *row = row_find(engine, node);
    if (row == NULL) return false;
    *incarnation = row->origin;
    *last_sequence = row->last_sequence;
    return true;
}

/* -- images ---------------------------------------------------------------------------------- */

void side_put(const struct engine *engine, struct buf *out) {
    put_u8(out, IMAGE_VERSION);
    put_varint(out, engine->applied);
    put_varint(out, (uint64_t)engine->now_ms);
    put_u8(out, engine->dissolved);
    put_varint(out, engine->feature_level);
    put_varint(out, engine->n_members);
    for (uint32_t i = 0; i < engine->n_members; i++) put_u64(out, engine->members[i]);
    put_varint(out, engine->n_rows);
    for (uint32_t i = 0; i < engine->n_rows; i++) {
        entry_put_incarnation(out, &engine->rows[i].origin);
        put_varint(out, engine->rows[i].last_sequence);
    }
    put_varint(out, engine->n_replicated);
    for (uint32_t i = 0; i < engine->n_replicated; i++) {
        put_string(out, bytes_slice(engine->replicated[i].name));
        put_string(out, bytes_slice(engine->replicated[i].value));
    }
    scripts_put(engine->scripts, out);
    acl_put(engine->acl, out);
    blocked_put(engine, out);
    put_varint(out, engine->n_skipped);
    for (uint32_t i = 0; i < engine->n_skipped; i++) put_varint(out, engine->skipped[i]);
    source_put(engine, out);
}

uint64_t engine_digest(struct engine *engine) {
    static const struct hash_secret fixed = {0x736861726466, 0x6f7267650a};
    struct buf side = {0};
    side_put(engine, &side);
    put_u64(&side, keyspace_digest(engine->keyspace));
    uint64_t digest = hash_keyed(&fixed, buf_slice(&side));
    buf_free(&side);
    return digest;
}

static void read_rows(struct engine *engine, struct reader *in) {
    uint64_t n_members = read_varint(in);
    if (n_members > RAFT_MEMBERS_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n_members; i++) engine->members[i] = read_u64(in);
    engine->n_members = in->failed ? 0 : (uint32_t)n_members;
    uint64_t n_rows = read_varint(in);
    if (n_rows > RAFT_MEMBERS_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n_rows; i++) {
        entry_read_incarnation(in, &engine->rows[i].origin);
        engine->rows[i].last_sequence = read_varint(in);
    }
    engine->n_rows = in->failed ? 0 : (uint32_t)n_rows;
}

static void read_settings(struct engine *engine, struct reader *in) {
    uint64_t n = read_varint(in);
    if (n > SETTINGS_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n; i++) {
        struct slice name = read_string(in), value = read_string(in);
        if (!in->failed) setting_change(engine, name, value);
    }
}

bool side_read(struct engine *engine, struct reader *in) {
    if (read_u8(in) != IMAGE_VERSION) return false;
    engine->applied = read_varint(in);
    engine->now_ms = (int64_t)(read_varint(in) & INT64_MAX);
    engine->dissolved = read_u8(in) != 0;
    engine->feature_level = read_varint(in);
    read_rows(engine, in);
    read_settings(engine, in);
    if (!in->failed) scripts_read(engine->scripts, in);
    if (!in->failed) acl_read(engine->acl, in); /* behind the settings, which acted on it */
    if (!in->failed) access_changed(engine, NULL, NULL);
    blocked_load(engine, in);
    uint64_t n_skipped = read_varint(in);
    if (n_skipped > SKIPPED_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n_skipped; i++) engine->skipped[i] = read_varint(in);
    engine->n_skipped = in->failed ? 0 : (uint32_t)n_skipped;
    source_read(engine, in);
    return !in->failed && engine->feature_level <= engine->settings.feature_level;
}

void engine_script_figures(const struct engine *engine, struct script_figures *out) {
    const struct library *library;
    *out = (struct script_figures){
        .n_cached = scripts_count(engine->scripts), .cached_bytes = scripts_bytes(engine->scripts)};
    for (; (library = library_at(engine->scripts, (uint32_t)out->n_libraries)) != NULL;
         out->n_libraries++) {
        out->n_functions += library->n_functions;
        out->library_bytes += bytes_slice(library->code).len;
    }
}
