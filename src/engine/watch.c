/* What is told of what happens: keyspace notifications, and changes of keys for the caches of
 * clients. Nothing here influences the state, and nothing is done where nobody wants to hear. */
#include "engine/internal.h"

/* -- events ---------------------------------------------------------------------------------- */

void watch_tell(struct engine *engine, enum event_class class, const char *name, uint32_t db,
    struct slice key) {
    const struct engine_watcher *watcher = &engine->watcher;
    if ((engine->watching.told & class) == 0 || watcher->event == NULL) return;
    watcher->event(watcher->context, class, name, db, key);
}

static void on_event(
    void *context, enum event_class class, const char *name, uint32_t db, struct slice key) {
    struct engine *engine = context;
    if (!engine->watching.runs_read) {
        watch_tell(engine, class, name, db, key);
        return;
    }
    SF_ASSERT(class == EVENT_MISS); /* a read has nothing else to tell (S3) */
    put_varint(&engine->watching.misses, db);
    put_string(&engine->watching.misses, key);
}

void watch_read_begin(struct engine *engine) {
    engine->watching.runs_read = true;
}

void watch_read_end(struct engine *engine, bool done) {
    struct watching *watching = &engine->watching;
    watching->runs_read = false;
    if (watching->misses.len == 0) return;
    struct reader in = reader_of(buf_slice(&watching->misses));
    while (done && in.rest.len > 0) {
        uint32_t db = (uint32_t)read_varint(&in);
        watch_tell(engine, EVENT_MISS, "keymiss", db, read_string(&in));
    }
    buf_clear(&watching->misses);
    buf_shrink(&watching->misses, 4096);
}

static void on_added(void *context, uint32_t db, struct slice key) {
    watch_tell(context, EVENT_NEW, "new", db, key);
}

static void on_expired(void *context, uint32_t db, struct slice key) {
    struct engine *engine = context;
    engine->n_expired++;
    watch_tell(engine, EVENT_EXPIRED, "expired", db, key);
    if (engine->watcher.expired != NULL) engine->watcher.expired(engine->watcher.context, db, key);
}

static void on_field_expired(
    void *context, uint32_t db, struct slice key, bool was_told, bool is_last) {
    struct engine *engine = context;
    engine->n_expired_fields++;
    if (!was_told) watch_tell(engine, EVENT_HASH, "hexpired", db, key);
    if (is_last) watch_tell(engine, EVENT_GENERIC, "del", db, key);
}

/* -- keys ------------------------------------------------------------------------------------ */

static void on_changed(void *context, uint32_t db, struct slice key) {
    const struct engine_watcher *watcher = &((struct engine *)context)->watcher;
    if (watcher->key_changed != NULL) watcher->key_changed(watcher->context, db, key);
}

static void on_replaced(void *context, uint32_t db) {
    const struct engine_watcher *watcher = &((struct engine *)context)->watcher;
    if (watcher->db_replaced != NULL) watcher->db_replaced(watcher->context, db);
}

static void on_read(void *context, const struct call *call) {
    const struct engine_watcher *watcher = &((struct engine *)context)->watcher;
    if (watcher->read != NULL)
        watcher->read(watcher->context, call->command, call->argc, call->argv);
}

/* -- scripts --------------------------------------------------------------------------------- */

static void on_script_calls(void *context, const struct call *script) {
    const struct engine *engine = context;
    if (engine->watching.rehearses || engine->watcher.script_calls == NULL) return;
    struct command_ran ran = {
        .db = script->db_number, .argc = script->argc, .argv = script->argv, .in_script = false};
    engine->watcher.script_calls(engine->watcher.context, &ran);
}

static void on_script_called(void *context, const struct call *script,
    const struct command *command, uint32_t db, uint32_t argc, const struct slice *argv,
    struct slice reply) {
    const struct engine *engine = context;
    (void)script;
    (void)command;
    if (engine->watching.rehearses || engine->watcher.ran == NULL) return;
    struct command_ran ran = {
        .db = db, .argc = argc, .argv = argv, .reply = reply, .in_script = true};
    engine->watcher.ran(engine->watcher.context, &ran);
}

/* -- what is wanted -------------------------------------------------------------------------- */

static void settle(struct engine *engine) {
    struct watching *watching = &engine->watching;
    watching->told = event_classes_told(watching->event_classes);
    if (watching->keys) watching->told |= EVENT_READS;
    struct keyspace_watcher keys = {
        .context = engine,
        .changed = watching->keys ? on_changed : NULL,
        .added = (watching->told & EVENT_NEW) != 0 ? on_added : NULL,
        .expired = on_expired,
        .field_expired = on_field_expired,
        .replaced = watching->keys ? on_replaced : NULL,
    };
    keyspace_watch(engine->keyspace, &keys);
}

void watch_init(struct engine *engine) {
    engine->watching.calls = (struct call_watcher){.context = engine,
        .event = on_event,
        .read = on_read,
        .script_calls = on_script_calls,
        .script_called = on_script_called,
        .denied_in_script = access_denied_in_script};
    settle(engine);
}

void watch_set_events(struct engine *engine, struct slice classes) {
    if (event_classes_parse(classes, &engine->watching.event_classes)) settle(engine);
}

void engine_watch_keys(struct engine *engine, bool on) {
    if (engine->watching.keys == on) return;
    engine->watching.keys = on;
    settle(engine);
}

uint32_t engine_event_classes(const struct engine *engine) {
    return engine->watching.event_classes;
}

bool engine_serves_waiter(const struct engine *engine, void **holder) {
    *holder = engine->blocked.serves ? engine->blocked.runs_for : NULL;
    return engine->blocked.serves;
}
