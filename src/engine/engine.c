#include "engine/internal.h"

enum {
    /* Dead keys taken out after an entry: as many as a turn can bear where it holds commands, since
     * many entries come then; more than its commands can bring; and many where it holds none. */
    RECLAIM_AMONG = 128,
    RECLAIM_EACH = 2,
    RECLAIM_ALONE = 512,
    FREE_BUDGET = 512,    /* elements of removed values and flushed keys freed after each entry */
    KEEPING_TICK_MS = 50, /* DEBUG SET-ACTIVE-EXPIRE 0 */
    AHEAD_TABLE = 12,     /* commands: how early a key's place in the table is fetched ... */
    AHEAD_OBJECT = 6,     /* ... and its object */
};

/* -- life ------------------------------------------------------------------------------------ */

static void on_set_setting(void *context, struct slice name, struct slice value) {
    setting_change(context, name, value);
}

static int64_t on_publish(void *context, bool shard, struct slice name, struct slice message) {
    const struct engine *engine = context;
    if (engine->watcher.published == NULL) return 0;
    return engine->watcher.published(engine->watcher.context, shard, name, message);
}

struct engine *engine_new(
    const struct engine_settings *settings, const struct engine_watcher *watcher) {
    struct engine *engine = sf_alloc_zero(1, sizeof *engine);
    engine->settings = *settings;
    if (watcher != NULL) engine->watcher = *watcher;
    engine->port = (struct engine_port){.context = engine,
        .set_setting = on_set_setting,
        .run_transaction = transaction_run,
        .change_users = access_change,
        .publish = on_publish};
    engine->keyspace = keyspace_new(settings->n_dbs, &settings->secret);
    engine->breath = (struct breath){engine->watcher.breathe, engine->watcher.context, 0};
    keyspace_set_breath(engine->keyspace, &engine->breath);
    engine->scripts = scripts_new();
    engine->acl = acl_new();
    scripts_set_outside(engine->scripts, &(struct scripts_outside){engine->watcher.context,
                                             engine->watcher.breathe, engine->watcher.script_log});
    blocked_init(engine);
    watch_init(engine);
    source_init(engine);
    SF_ASSERT(settings->feature_level >= 1);
    engine->feature_level = 1;
    engine->thresholds = THRESHOLDS_DEFAULT;
    engine->memory = MEMORY_POLICY_DEFAULT;
    return engine;
}

void engine_free(struct engine *engine) {
    if (engine == NULL) return;
    for (uint32_t i = 0; i < engine->n_replicated; i++) {
        bytes_unref(engine->replicated[i].name);
        bytes_unref(engine->replicated[i].value);
    }
    command_reader_free(&engine->commands);
    blocked_free(engine);
    source_free(engine);
    buf_free(&engine->watching.misses);
    keyspace_free(engine->keyspace);
    scripts_free(engine->scripts);
    acl_free(engine->acl);
    sf_free(engine);
}

/* A master says itself when a key has expired: until then it may still be given more time. */
static bool keeps_dead(const struct engine *engine) {
    return engine->keeps_dead || engine->source.kind == SOURCE_REDIS;
}

void engine_retire(struct engine *engine) {
    keyspace_observe(engine->keyspace, NULL);
    keyspace_watch(engine->keyspace, NULL);
    for (uint32_t i = 0; i < engine->settings.n_dbs; i++)
        db_flush(keyspace_db(engine->keyspace, i));
}

bool engine_free_some(struct engine *engine, uint64_t budget) {
    return !keyspace_free_some(engine->keyspace, budget);
}

/* -- the cursor ------------------------------------------------------------------------------ */

static void apply_dissolve(struct engine *engine) {
    if (engine->source.kind != SOURCE_NONE) return; /* more is on its way */
    for (uint32_t i = 0; i < engine->settings.n_dbs; i++) {
        if (db_size(keyspace_db(engine->keyspace, i)) > 0) return; /* it holds keys: refused */
    }
    engine->dissolved = true;
}

/* Reads over one coming command and asks for its first key's place in the table. In most commands
 * that is the first argument; where it is not, the hint is wasted. */
static void ahead_step(struct engine *engine) {
    uint64_t db = read_varint(&engine->ahead);
    if (SF_UNLIKELY(
            db >= engine->settings.n_dbs)) { /* a claim follows; no hint is worth reading it */
        engine->ahead_left = 0;
        return;
    }
    uint64_t argc = read_varint(&engine->ahead);
    uint32_t slot = engine->ahead_table++ % AHEAD_RING;
    engine->ahead_ring[slot].db = NULL;
    engine->ahead_left--;
    for (uint64_t i = 0; i < argc && !engine->ahead.failed; i++) {
        struct slice argument = read_string(&engine->ahead);
        if (i != 1 || db >= engine->settings.n_dbs || engine->ahead.failed) continue;
        engine->ahead_ring[slot].db = keyspace_db(engine->keyspace, (uint32_t)db);
        engine->ahead_ring[slot].hash = db_prefetch(engine->ahead_ring[slot].db, argument);
    }
    if (engine->ahead.failed) engine->ahead_left = 0;
}

static void ahead_go_on(struct engine *engine) {
    while (engine->ahead_left > 0 && engine->ahead_table < engine->position + AHEAD_TABLE) {
        ahead_step(engine);
    }
    while (engine->ahead_object < engine->ahead_table &&
           engine->ahead_object < engine->position + AHEAD_OBJECT) {
        uint32_t slot = engine->ahead_object++ % AHEAD_RING;
        if (engine->ahead_ring[slot].db == NULL) continue;
        db_prefetch_object(engine->ahead_ring[slot].db, engine->ahead_ring[slot].hash);
    }
}

static void ahead_begin(struct engine *engine) {
    bool worth = engine->sub_batch.n_commands > 2 && !engine->sub_batch_void;
    engine->ahead = reader_of(engine->sub_batch.commands);
    engine->ahead_left = worth ? engine->sub_batch.n_commands : 0;
    engine->ahead_table = engine->ahead_object = 0;
    ahead_go_on(engine);
}

/* Moves to the next sub-batch; false at the end of the entry. */
static bool sub_batch_open(struct engine *engine) {
    if (engine->rest.rest.len == 0) return false;
    bool good = entry_read_sub_batch(&engine->rest, &engine->sub_batch);
    SF_ASSERT(good); /* checked by engine_begin */
    engine->sub_batch_number++;
    engine->position = 0;
    command_reader_begin(&engine->commands, &engine->sub_batch);
    struct row *row = row_find(engine, engine->sub_batch.origin.node);
    engine->sub_batch_void =
        row == NULL || !incarnation_equal(row->origin, engine->sub_batch.origin);
    if (engine->sub_batch_void) SF_MARK("engine: a sub-batch is void (rare)");
    if (!engine->sub_batch_void) {
        /* exactly once, in order: the leader accepts nothing else */
        SF_ASSERT(engine->sub_batch.sequence == row->last_sequence + 1);
        row->last_sequence = engine->sub_batch.sequence;
    }
    ahead_begin(engine);
    return true;
}

/* Looks the command up; false: this build does not know it. */
static bool command_decode(struct engine *engine) {
    const struct command_reader *commands = &engine->commands;
    engine->command = NULL;
    if (commands->argc == 0 || engine->sub_batch_void) return true;
    engine->command = command_in_entry(commands->argc, commands->argv);
    return engine->command != NULL && commands->db < engine->settings.n_dbs;
}

static void command_advance(struct engine *engine) {
    engine->has_command = false;
    do {
        if (command_reader_next(&engine->commands)) {
            engine->has_command = command_decode(engine);
            engine->broken = !engine->has_command;
            return;
        }
        engine->broken = engine->commands.in.failed;
    } while (!engine->broken && sub_batch_open(engine));
}

static enum sf_status batch_check(struct reader in) {
    struct sub_batch_header header;
    while (in.rest.len > 0) {
        if (!entry_read_sub_batch(&in, &header)) return SF_ERR_CORRUPT;
    }
    return SF_OK;
}

static enum sf_status begin_batch(struct engine *engine, struct reader in) {
    if (batch_check(in) != SF_OK) return SF_ERR_CORRUPT;
    engine->rest = in;
    engine->sub_batch_number = 0;
    engine->commands.left = 0;
    engine->commands.in = reader_of(slice_of(NULL, 0));
    command_advance(engine);
    return SF_OK;
}

static enum sf_status begin_other(struct engine *engine, uint8_t kind, struct reader *in) {
    switch ((enum raft_entry_kind)kind) {
    case ENTRY_TICK:
        return in->rest.len == 0 ? SF_OK : SF_ERR_CORRUPT;
    case ENTRY_INCARNATION: {
        struct incarnation incarnation;
        entry_read_incarnation(in, &incarnation);
        if (in->failed) return SF_ERR_CORRUPT;
        apply_incarnation(engine, incarnation);
        return SF_OK;
    }
    case ENTRY_DISSOLVE:
        apply_dissolve(engine);
        return SF_OK;
    case ENTRY_FEATURE_LEVEL: {
        uint64_t level = read_varint(in);
        if (in->failed || level > engine->settings.feature_level) return SF_ERR_CORRUPT;
        engine->feature_level = SF_MAX(engine->feature_level, level);
        return SF_OK;
    }
    case ENTRY_EVICTION:
        return apply_eviction(engine, in);
    case ENTRY_DIGEST_MARK: { /* says when to look; changes nothing */
        struct digest_mark mark;
        return entry_read_digest_mark(in, &mark) ? SF_OK : SF_ERR_CORRUPT;
    }
    case ENTRY_WAITERS_REMOVED:
        if (in->rest.len % 8 != 0) return SF_ERR_CORRUPT;
        while (in->rest.len > 0) engine_remove_waiters(engine, read_u64(in));
        return SF_OK;
    case ENTRY_NOOP:
    case ENTRY_CONFIGURATION:
    case ENTRY_BATCH:
    case ENTRY_SETTING:
        break;
    }
    return SF_ERR_CORRUPT; /* S4: never skipped */
}

static bool has_stamp(uint8_t kind) {
    return kind != ENTRY_NOOP && kind != ENTRY_CONFIGURATION;
}

enum sf_status engine_begin(
    struct engine *engine, raft_index index, uint8_t kind, struct slice payload) {
    SF_ASSERT(!engine->open);
    SF_ASSERT(index == engine->applied + 1);
    struct reader in = reader_of(payload);
    struct entry_stamp stamp = {.now_ms = engine->now_ms};
    if (has_stamp(kind)) entry_read_stamp(&in, &stamp);
    if (in.failed) return SF_ERR_CORRUPT;
    engine->index = index;
    engine->n_places = 0;
    engine->stamp = stamp;
    engine->has_command = engine->broken = false;
    /* time never goes back (DESIGN 7) */
    engine->now_ms = SF_MAX(engine->now_ms, stamp.now_ms);
    keyspace_set_time(engine->keyspace, engine->now_ms);
    enum sf_status status = SF_OK;
    engine->open = true; /* what is told from here on is of this entry */
    if (kind == ENTRY_BATCH) {
        status = begin_batch(engine, in);
    } else if (kind == ENTRY_CONFIGURATION) {
        struct raft_configuration configuration;
        status = configuration_decode(payload, &configuration);
        if (status == SF_OK) apply_configuration(engine, &configuration);
    } else if (kind != ENTRY_NOOP) {
        status = begin_other(engine, kind, &in);
    }
    engine->open = status == SF_OK;
    return status;
}

bool engine_peek(struct engine *engine, struct engine_position *out) {
    SF_ASSERT(engine->open);
    if (!engine->has_command) return false;
    *out = (struct engine_position){
        .origin = engine->sub_batch.origin,
        .sequence = engine->sub_batch.sequence,
        .position = engine->position,
        .n_commands = engine->sub_batch.n_commands,
        .is_void = engine->commands.argc == 0,
        .stale = engine->sub_batch_void,
    };
    return true;
}

static struct waiter_place here(const struct engine *engine) {
    const struct sub_batch_header *sub_batch = &engine->sub_batch;
    return (struct waiter_place){sub_batch->origin.node, sub_batch->origin.counter,
        sub_batch->origin.nonce, sub_batch->sequence, engine->position};
}

static uint64_t command_seed(const struct engine *engine) {
    uint64_t seed = hash_mix(engine->stamp.seed + engine->sub_batch_number);
    return hash_mix(seed + engine->position);
}

bool engine_next(struct engine *engine, struct reply *reply) {
    SF_ASSERT(engine->open && engine->has_command);
    const struct command_reader *commands = &engine->commands;
    bool replied = true;
    if (engine->command != NULL) {
        struct command_words words = {.db = commands->db,
            .argc = commands->argc,
            .argv = commands->argv,
            .command = engine->command,
            .claim = commands->claim,
            .may_block = true};
        engine->blocked.runs = here(engine);
        engine->blocked.runs_for = NULL;
        size_t before = reply->out == NULL ? 0 : reply->out->len;
        replied = run_in_entry(engine, &words, command_seed(engine), reply);
        run_tell(engine, &words, reply, before, false, !replied);
        if (!list_empty(&engine->blocked.ready)) blocked_serve(engine);
    }
    engine->position++;
    engine->n_places++;
    if (engine->ahead_object < engine->ahead_table || engine->ahead_left > 0) ahead_go_on(engine);
    command_advance(engine);
    return replied;
}

bool engine_is_broken(const struct engine *engine) {
    return engine->broken;
}

void engine_end(struct engine *engine) {
    SF_ASSERT(engine->open && !engine->has_command && !engine->broken);
    if (keyspace_next_due(engine->keyspace) <= engine->now_ms && !keeps_dead(engine)) {
        uint64_t budget = RECLAIM_AMONG + RECLAIM_EACH * engine->n_places;
        if (engine->n_places == 0) budget = RECLAIM_ALONE;
        keyspace_reclaim(engine->keyspace, engine->now_ms, budget, NULL, NULL);
    } else {
        keyspace_free_some(engine->keyspace, FREE_BUDGET); /* nobody sees when memory goes */
    }
    blocked_end(engine);
    engine->applied = engine->index;
    engine->open = false;
}

/* -- skipping -------------------------------------------------------------------------------- */

static void skip_batch(struct engine *engine, struct reader *in) {
    struct sub_batch_header header;
    while (in->rest.len > 0 && entry_read_sub_batch(in, &header)) {
        struct row *row = row_find(engine, header.origin.node);
        if (row == NULL || !incarnation_equal(row->origin, header.origin)) continue;
        if (header.sequence == row->last_sequence + 1) row->last_sequence = header.sequence;
    }
}

/* What other entries build on: time, sequences, members and their incarnations. */
static void skip_keeping(struct engine *engine, uint8_t kind, struct slice payload) {
    struct raft_configuration configuration;
    if (kind == ENTRY_CONFIGURATION) {
        if (configuration_decode(payload, &configuration) == SF_OK) {
            apply_configuration(engine, &configuration);
        }
        return;
    }
    if (kind != ENTRY_BATCH && kind != ENTRY_TICK && kind != ENTRY_INCARNATION) return;
    struct reader in = reader_of(payload);
    struct entry_stamp stamp;
    entry_read_stamp(&in, &stamp);
    if (in.failed) return;
    engine->now_ms = SF_MAX(engine->now_ms, stamp.now_ms);
    if (kind == ENTRY_BATCH) skip_batch(engine, &in);
    struct reader at = in; /* begin_other reads on where it is well-formed */
    if (kind == ENTRY_INCARNATION) (void)(begin_other(engine, kind, &at) == SF_OK);
}

void engine_skip(struct engine *engine, raft_index index, uint8_t kind, struct slice payload) {
    SF_ASSERT(!engine->open);
    SF_ASSERT(index == engine->applied + 1);
    skip_keeping(engine, kind, payload);
    if (engine->n_skipped == SKIPPED_MAX) {
        engine->n_skipped--;
        memmove(engine->skipped, engine->skipped + 1, engine->n_skipped * sizeof(raft_index));
    }
    engine->skipped[engine->n_skipped++] = index;
    engine->applied = index;
}

bool engine_has_skipped(const struct engine *engine, raft_index index) {
    for (uint32_t i = 0; i < engine->n_skipped; i++) {
        if (engine->skipped[i] == index) return true;
    }
    return false;
}

/* -- looking in ------------------------------------------------------------------------------ */

raft_index engine_applied(const struct engine *engine) {
    return engine->applied;
}
bool engine_is_applying(const struct engine *engine) {
    return engine->open;
}
int64_t engine_now_ms(const struct engine *engine) {
    return engine->now_ms;
}
struct keyspace *engine_keyspace(struct engine *engine) {
    return engine->keyspace;
}
uint64_t engine_feature_level(const struct engine *engine) {
    return engine->feature_level;
}

bool engine_is_dissolved(const struct engine *engine) {
    return engine->dissolved;
}
uint64_t engine_expired_count(const struct engine *engine) {
    return engine->n_expired;
}
uint64_t engine_expired_fields_count(const struct engine *engine) {
    return engine->n_expired_fields;
}
uint64_t engine_proto_max_bulk_len(const struct engine *engine) {
    return engine->settings.proto_max_bulk_len;
}

int64_t engine_next_due(const struct engine *engine) {
    int64_t due_ms = keyspace_next_due(engine->keyspace);
    /* the dead stay in front: then time must go on all the same, for reads that wait for it */
    if (keeps_dead(engine) && due_ms <= engine->now_ms) due_ms = engine->now_ms + KEEPING_TICK_MS;
    return SF_MIN(due_ms, blocked_next_due(engine));
}
