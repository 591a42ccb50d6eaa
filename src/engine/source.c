/* What comes from a live Redis or a dump file, into the state.
 *
 *   shardforge.source import   link generation import  new-import replid offset     empties all
 *   shardforge.source file     link generation import  new-import                   if all is empty
 *   shardforge.source keys     link generation import  step pieces
 *   shardforge.source imported link generation import  step db
 *   shardforge.source batch    link generation import  before after replid db n commands
 *
 *   piece      u8 kind, then
 *     whole    db due:u64 string(key) type:u8 string(value as in a dump)
 *     part     string(bytes)                       of a large value, in front of its last piece
 *     last     as whole: the value's rest
 *     function string(code)
 *   commands   as in a sub-batch (entry.h)
 *
 * All are void unless generation and import are the state's; keys and imported unless step is the
 * next; batch unless the state stands at `before`. */
#include "commands/call.h"
#include "engine/internal.h"
#include "rdb/value.h"

enum { VALUE_WINDOW_BYTES = 256 << 10 };

/* -- words ----------------------------------------------------------------------------------- */

void source_words_begin(struct source_words *words, const struct source_head *head) {
    words->argc = 0;
    source_words_text(words, SLICE("shardforge.source"));
    source_words_text(words, slice_text(head->verb));
    source_words_number(words, head->link);
    source_words_number(words, head->generation);
    source_words_number(words, head->import);
}

void source_words_text(struct source_words *words, struct slice text) {
    SF_ASSERT(words->argc < SOURCE_WORDS_MAX);
    words->argv[words->argc++] = text;
}

void source_words_number(struct source_words *words, uint64_t number) {
    SF_ASSERT(words->argc < SOURCE_WORDS_MAX);
    char *text = words->numbers[words->argc];
    source_words_text(words, slice_of(text, uint_print(number, text)));
}

static bool number_at(const struct call *call, uint32_t at, uint64_t *out) {
    return at < call->argc && uint_parse(call->argv[at], out);
}

/* -- running what comes ---------------------------------------------------------------------- */

struct outcome {
    struct engine *engine;
    struct buf replies; /* of the command that ran last */
    struct source_ran ran;
    struct buf error;
};

static void run_one(struct outcome *outcome, const struct command_words *words, uint64_t seed) {
    struct engine *engine = outcome->engine;
    struct reply reply = {&outcome->replies, 2};
    buf_clear(&outcome->replies);
    run_in_entry(engine, words, seed, &reply);
    struct slice text = buf_slice(&outcome->replies);
    if (text.len == 0 || text.data[0] != '-') return;
    SF_MARK("source: a command of the master's fails here (rare)");
    engine->source.n_errors++;
    outcome->ran.n_errors++;
    if (outcome->error.len == 0) {
        buf_append_slice(&outcome->error, slice_of(text.data + 1, SF_MIN(text.len - 1, 200)));
    }
}

static void run_words(struct outcome *outcome, uint32_t argc, const struct slice *argv) {
    struct command_words words = {.argc = argc, .argv = argv, .of_source = true};
    run_one(outcome, &words, outcome->engine->stamp.seed);
}

static void empty_all(struct outcome *outcome) {
    static const struct slice flush_keys[] = {{"flushall", 8}};
    static const struct slice flush_functions[] = {{"function", 8}, {"flush", 5}};
    run_words(outcome, 1, flush_keys);
    run_words(outcome, 2, flush_functions);
    buf_free(&outcome->engine->source.part);
}

/* -- imports --------------------------------------------------------------------------------- */

static bool all_is_empty(const struct engine *engine) {
    for (uint32_t i = 0; i < engine->settings.n_dbs; i++) {
        if (db_size(keyspace_db(engine->keyspace, i)) > 0) return false;
    }
    return true;
}

static bool import_begins(struct engine *engine, uint64_t import) {
    if (import == 0) return false;
    engine->source.phase = SOURCE_IMPORTING;
    engine->source.import = import;
    engine->source.step = 0;
    engine->source.n_keys = 0;
    engine->source.n_errors = 0;
    engine->source.db = 0;
    return true;
}

static bool take_import(struct outcome *outcome, struct call *call) {
    struct source *source = &outcome->engine->source;
    uint64_t import, offset;
    if (source->kind != SOURCE_REDIS || call->argc != SOURCE_HEAD_ARGC + 3) return false;
    struct slice replid = call->argv[SOURCE_HEAD_ARGC + 1];
    if (!number_at(call, SOURCE_HEAD_ARGC, &import) || replid.len != SOURCE_REPLID_CHARS ||
        !number_at(call, SOURCE_HEAD_ARGC + 2, &offset) || import == 0) {
        return false;
    }
    empty_all(outcome);
    memcpy(source->replid, replid.data, replid.len);
    source->offset = offset;
    return import_begins(outcome->engine, import);
}

/* Only where nothing is, or half of an import. */
static bool take_file(struct outcome *outcome, struct call *call) {
    struct source *source = &outcome->engine->source;
    uint64_t import;
    if (call->argc != SOURCE_HEAD_ARGC + 1 || !number_at(call, SOURCE_HEAD_ARGC, &import))
        return false;
    bool again = source->kind == SOURCE_FILE;
    bool first = source->kind == SOURCE_NONE && !source->imported && all_is_empty(outcome->engine);
    if (import == 0 || (!again && !first)) return false;
    empty_all(outcome);
    source->kind = SOURCE_FILE;
    source->generation++;
    return import_begins(outcome->engine, import);
}

/* Reads a value that came whole, in windows, so that heartbeats go on while it is large. */
static bool value_read(
    struct engine *engine, struct rdb_value_reader *reader, uint8_t type, struct slice bytes) {
    const char *why;
    if (!rdb_type_is_value(type) || rdb_value_reader_begin(reader, type, &why) != SF_OK)
        return false;
    size_t at = 0, window = VALUE_WINDOW_BYTES;
    for (;;) {
        size_t size = SF_MIN(window, bytes.len - at);
        struct rdb_input in = {.rest = slice_of(bytes.data + at, size),
            .string_bytes_max = reader->target->string_bytes_max};
        enum rdb_progress progress = rdb_value_read(reader, &in);
        if (progress == RDB_DONE) return true;
        if (progress != RDB_SHORT || at + size == bytes.len) return false;
        size_t used = size - in.rest.len;
        at += used;
        window = used == 0 ? window * 2 : VALUE_WINDOW_BYTES;
        if (engine->watcher.breathe != NULL) engine->watcher.breathe(engine->watcher.context);
    }
}

static bool take_key(struct engine *engine, struct reader *in, bool is_last) {
    uint64_t number = read_varint(in);
    int64_t due_ms = (int64_t)read_u64(in);
    struct slice key = read_string(in);
    uint8_t type = read_u8(in);
    struct slice value = read_string(in);
    if (in->failed || number >= engine->settings.n_dbs) return false;
    struct buf *part = &engine->source.part;
    if (is_last) {
        buf_append_slice(part, value);
        value = buf_slice(part);
    }
    struct db *db = keyspace_db(engine->keyspace, (uint32_t)number);
    const struct rdb_target target = {.types = db_collection_types(db),
        .thresholds = &engine->thresholds,
        .string_bytes_max = UINT32_MAX};
    struct rdb_value_reader reader = {.target = &target};
    bool good = value_read(engine, &reader, type, value);
    if (good) {
        rdb_value_enter(db, key, due_ms, &reader.value);
        engine->source.n_keys++;
    }
    rdb_value_reader_free(&reader);
    if (is_last) buf_free(part);
    return good;
}

static bool take_piece(struct outcome *outcome, struct reader *in) {
    struct engine *engine = outcome->engine;
    switch (read_u8(in)) {
    case PIECE_WHOLE:
        return take_key(engine, in, false);
    case PIECE_LAST:
        return take_key(engine, in, true);
    case PIECE_PART:
        buf_append_slice(&engine->source.part, read_string(in));
        return !in->failed;
    case PIECE_FUNCTION: {
        struct slice words[4] = {SLICE("function"), SLICE("load"), SLICE("replace")};
        words[3] = read_string(in);
        if (!in->failed) run_words(outcome, 4, words);
        return !in->failed;
    }
    default:
        return false;
    }
}

static bool is_next_step(const struct engine *engine, const struct call *call) {
    uint64_t step;
    return engine->source.phase == SOURCE_IMPORTING && call->argc == SOURCE_HEAD_ARGC + 2 &&
           number_at(call, SOURCE_HEAD_ARGC, &step) && step == engine->source.step + 1;
}

static bool take_keys(struct outcome *outcome, struct call *call) {
    struct engine *engine = outcome->engine;
    if (!is_next_step(engine, call)) return false;
    engine->source.step++;
    struct reader in = reader_of(call->argv[SOURCE_HEAD_ARGC + 1]);
    while (in.rest.len > 0) {
        if (take_piece(outcome, &in)) continue;
        engine->source.n_errors++; /* a peer built it: not ours to assert */
        outcome->ran.n_errors++;
        buf_clear(&outcome->error);
        buf_append_text(&outcome->error, "a value of the dump cannot be read");
        break;
    }
    return true;
}

static bool take_imported(struct outcome *outcome, struct call *call) {
    struct source *source = &outcome->engine->source;
    uint64_t db;
    if (!is_next_step(outcome->engine, call)) return false;
    if (!number_at(call, SOURCE_HEAD_ARGC + 1, &db) || db >= outcome->engine->settings.n_dbs)
        return false;
    source->step++;
    source->db = (uint32_t)db;
    buf_free(&source->part);
    if (source->kind == SOURCE_FILE) {
        source->kind = SOURCE_NONE;
        source->phase = SOURCE_WAITING;
        source->imported = true;
    } else {
        source->phase = SOURCE_STREAMING;
    }
    return true;
}

/* -- the stream ------------------------------------------------------------------------------ */

static void run_commands(
    struct outcome *outcome, uint32_t n, struct slice commands, struct random *random) {
    struct sub_batch_header header = {.n_commands = n, .commands = commands};
    struct command_reader reader = {0};
    command_reader_begin(&reader, &header);
    while (command_reader_next(&reader)) {
        struct command_words words = {
            .db = reader.db, .argc = reader.argc, .argv = reader.argv, .of_source = true};
        run_one(outcome, &words, random_next(random));
    }
    SF_ASSERT(!reader.in.failed); /* the leader, or this node, checked it */
    command_reader_free(&reader);
}

static bool take_batch(struct outcome *outcome, struct call *call) {
    struct source *source = &outcome->engine->source;
    uint64_t numbers[4];
    if (call->argc != SOURCE_HEAD_ARGC + 6) return false;
    static const uint32_t places[4] = {0, 1, 3, 4};
    for (int i = 0; i < 4; i++) {
        if (!number_at(call, SOURCE_HEAD_ARGC + places[i], &numbers[i])) return false;
    }
    struct slice replid = call->argv[SOURCE_HEAD_ARGC + 2];
    if (source->kind != SOURCE_REDIS || source->phase != SOURCE_STREAMING ||
        numbers[0] != source->offset || replid.len != SOURCE_REPLID_CHARS ||
        numbers[2] >= outcome->engine->settings.n_dbs) {
        return false;
    }
    run_commands(outcome, (uint32_t)numbers[3], call->argv[SOURCE_HEAD_ARGC + 5], &call->random);
    source->offset = numbers[1];
    source->db = (uint32_t)numbers[2];
    memcpy(source->replid, replid.data, replid.len);
    return true;
}

static bool take(struct outcome *outcome, struct call *call) {
    static const struct {
        const char *verb;
        bool (*take)(struct outcome *outcome, struct call *call);
    } verbs[] = {{"import", take_import}, {"file", take_file}, {"keys", take_keys},
        {"imported", take_imported}, {"batch", take_batch}};
    const struct source *source = &outcome->engine->source;
    uint64_t generation, import;
    if (!number_at(call, 2, &outcome->ran.link) || !number_at(call, 3, &generation) ||
        !number_at(call, 4, &import)) {
        return false;
    }
    if (generation != source->generation || import != source->import) return false;
    for (size_t i = 0; i < SF_LENGTH(verbs); i++) {
        if (slice_is(call->argv[1], verbs[i].verb)) return verbs[i].take(outcome, call);
    }
    return false;
}

static void on_source(void *context, struct call *call) {
    struct engine *engine = context;
    struct outcome outcome = {.engine = engine};
    outcome.ran.taken = take(&outcome, call);
    if (!outcome.ran.taken) SF_MARK("source: what does not follow is void (rare)");
    outcome.ran.error = buf_slice(&outcome.error);
    if (engine->watcher.source_ran != NULL)
        engine->watcher.source_ran(engine->watcher.context, &outcome.ran);
    buf_free(&outcome.replies);
    buf_free(&outcome.error);
    reply_ok(call->reply);
}

/* -- REPLICAOF ------------------------------------------------------------------------------- */

static void follow_nobody(struct engine *engine) {
    struct source *source = &engine->source;
    if (source->kind == SOURCE_NONE) return;
    if (source->phase == SOURCE_IMPORTING) { /* half of a dump is nothing */
        struct outcome outcome = {.engine = engine};
        empty_all(&outcome);
        buf_free(&outcome.replies);
        buf_free(&outcome.error);
    }
    source->kind = SOURCE_NONE;
    source->phase = SOURCE_WAITING;
    source->generation++;
    source->replid[0] = source->host[0] = '\0';
    source->port = 0;
    source->offset = source->n_errors = 0;
}

static void follow(struct engine *engine, struct slice host, uint16_t port) {
    struct source *source = &engine->source;
    bool goes_on = source->kind == SOURCE_REDIS && source->phase == SOURCE_STREAMING;
    if (source->kind == SOURCE_NONE) blocked_end_all(engine);
    source->kind = SOURCE_REDIS;
    source->generation++;
    memcpy(source->host, host.data, host.len);
    source->host[host.len] = '\0';
    source->port = port;
    if (goes_on) return; /* the other one may know where we are */
    if (source->phase != SOURCE_IMPORTING) source->phase = SOURCE_WAITING; /* half stays half */
    source->replid[0] = '\0';
    source->offset = 0;
}

static void on_follow(void *context, struct call *call) {
    struct engine *engine = context;
    struct slice host = call->argv[1];
    int64_t port;
    if (slice_is(host, "no") && slice_is(call->argv[2], "one")) {
        follow_nobody(engine);
        reply_ok(call->reply);
        return;
    }
    if (!int_parse(call->argv[2], &port) || port < 0 || port > UINT16_MAX) {
        reply_error(call->reply, "ERR Invalid master port");
        return;
    }
    if (host.len == 0 || host.len > SOURCE_HOST_MAX || memchr(host.data, '\0', host.len) != NULL) {
        reply_error(call->reply, "ERR Invalid master host");
        return;
    }
    const struct source *source = &engine->source;
    if (source->kind == SOURCE_REDIS && slice_is(host, source->host) && source->port == port) {
        reply_status(call->reply, "OK Already connected to specified master");
        return;
    }
    follow(engine, host, (uint16_t)port);
    reply_ok(call->reply);
}

void source_init(struct engine *engine) {
    engine->port.follow = on_follow;
    engine->port.source = on_source;
}

void source_free(struct engine *engine) {
    buf_free(&engine->source.part);
}

bool source_refuses_writes(const struct engine *engine) {
    return engine->source.kind != SOURCE_NONE;
}

const struct source *engine_source(const struct engine *engine) {
    return &engine->source;
}

/* -- the image ------------------------------------------------------------------------------- */

void source_put(const struct engine *engine, struct buf *out) {
    const struct source *source = &engine->source;
    put_u8(out, (uint8_t)source->kind);
    put_u8(out, (uint8_t)source->phase);
    put_varint(out, source->generation);
    put_string(out, slice_text(source->host));
    put_varint(out, source->port);
    put_u64(out, source->import);
    put_varint(out, source->step);
    put_string(out, slice_text(source->replid));
    put_varint(out, source->offset);
    put_varint(out, source->db);
    put_u8(out, source->imported);
    put_varint(out, source->n_keys);
    put_varint(out, source->n_errors);
    put_string(out, buf_slice(&source->part));
}

static void read_text(struct reader *in, char *out, size_t max) {
    struct slice text = read_string(in);
    if (text.len > max) in->failed = true;
    if (in->failed) return;
    if (text.len > 0) memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

void source_read(struct engine *engine, struct reader *in) {
    struct source *source = &engine->source;
    uint8_t kind = read_u8(in), phase = read_u8(in);
    if (kind > SOURCE_FILE || phase > SOURCE_STREAMING) in->failed = true;
    source->generation = read_varint(in);
    read_text(in, source->host, SOURCE_HOST_MAX);
    source->port = (uint16_t)read_varint(in);
    source->import = read_u64(in);
    source->step = read_varint(in);
    read_text(in, source->replid, SOURCE_REPLID_CHARS);
    source->offset = read_varint(in);
    uint64_t db = read_varint(in);
    if (db >= engine->settings.n_dbs) in->failed = true;
    source->db = (uint32_t)db;
    source->imported = read_u8(in) != 0;
    source->n_keys = read_varint(in);
    source->n_errors = read_varint(in);
    struct slice part = read_string(in);
    if (in->failed) return;
    source->kind = (enum source_kind)kind;
    source->phase = (enum source_phase)phase;
    buf_append_slice(&source->part, part);
}
