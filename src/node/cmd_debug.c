/* DEBUG: tools for those who test the server. */
#include "node/internal.h"

#include "keyspace/collection.h"
#include "keyspace/eviction.h"
#include "util/sha1.h"
#include <stdio.h>

static struct db *db_of(struct local_call *call) {
    return keyspace_db(engine_keyspace(call->node->engine),
        call->pending != NULL ? call->pending->db : call->session->db);
}

static struct object *find(struct local_call *call, struct slice key) {
    return db_find(db_of(call), key, engine_now_ms(call->node->engine));
}

/* The object of argv[2]; NULL when there is none, which was replied. */
static struct object *object_asked_for(struct local_call *call) {
    struct object *object = find(call, call->argv[2]);
    if (object == NULL) reply_error(call->reply, "ERR no such key");
    return object;
}

static void refuse(struct local_call *call) {
    reply_errorf(call->reply,
        "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
        shown_bytes(call->argv[1], 128), call->argv[1].data);
}

/* -- digests --------------------------------------------------------------------------------- */

static void hex(const uint8_t digest[SHA1_BYTES], char out[2 * SHA1_BYTES + 1]) {
    for (int i = 0; i < SHA1_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void debug_digest(struct local_call *call) {
    uint8_t digest[SHA1_BYTES];
    char text[2 * SHA1_BYTES + 1];
    struct engine *engine = call->node->engine;
    keyspace_redis_digest(engine_keyspace(engine), engine_now_ms(engine), digest);
    hex(digest, text);
    reply_status(call->reply, text);
}

static void debug_digest_value(struct local_call *call) {
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        uint8_t digest[SHA1_BYTES] = {0};
        char text[2 * SHA1_BYTES + 1];
        const struct object *object = find(call, call->argv[i]);
        if (object != NULL) object_redis_digest(object, digest);
        hex(digest, text);
        reply_status(call->reply, text);
    }
}

static void debug_state_digest(struct local_call *call) {
    reply_errorf(call->reply, "ERR %016llx at %llu",
        (unsigned long long)engine_digest(call->node->engine),
        (unsigned long long)engine_applied(call->node->engine));
}

/* -- looking --------------------------------------------------------------------------------- */

static void debug_object(struct local_call *call) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    const struct db *db = db_of(call);
    bool frequency = db_notes_frequency(db);
    char line[256];
    /* no address: it would say nothing, and help only attackers */
    snprintf(line, sizeof line,
        "Value at:0x0 refcount:1 encoding:%s serializedlength:%zu lru:%lld lru_seconds_idle:%lld",
        object_encoding_name(object_encoding(object)), object_memory_bytes(object),
        (long long)(call->node->now_us / 1000000 - (frequency ? 0 : db_idle_s(db, object))),
        (long long)(frequency ? 0 : db_idle_s(db, object)));
    reply_status(call->reply, line);
}

static void debug_sdslen(struct local_call *call) {
    const struct object *object = object_asked_for(call);
    char scratch[OBJECT_TEXT_MAX];
    int64_t integer;
    if (object == NULL) return;
    if (object_type(object) != OBJECT_STRING || object_integer(object, &integer)) {
        reply_error(call->reply, "ERR Not an sds encoded string.");
        return;
    }
    char line[200];
    snprintf(line, sizeof line,
        "key_sds_len:%zu, key_sds_avail:0, key_zmalloc: %zu, val_sds_len:%zu, val_sds_avail:0, "
        "val_zmalloc: 0",
        object_key(object).len, object_memory_bytes(object), object_string(object, scratch).len);
    reply_status(call->reply, line);
}

/* LISTPACK, QUICKLIST: the structure goes to the log, as there it goes to standard output. */
static void debug_packed(struct local_call *call, enum object_encoding wanted, const char *name) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    bool is_due = wanted == ENCODING_LISTPACK && object_encoding(object) == ENCODING_LISTPACK_DUE;
    if (object_encoding(object) != wanted && !is_due) {
        bool quick = wanted == ENCODING_QUICKLIST;
        reply_errorf(call->reply, "ERR Not a %s encoded object.", quick ? "quicklist" : "listpack");
        return;
    }
    struct collection held = db_collection(db_of(call), object);
    node_log(call->node, LOG_WARNING, "%s: %llu elements in %zu bytes", name,
        (unsigned long long)collection_size(&held), object_memory_bytes(object));
    char line[64];
    snprintf(line, sizeof line, "%s structure printed on stdout", name);
    reply_status(call->reply, line);
}

static void table_line(struct buf *out, const char *name, uint64_t n, size_t bytes) {
    buf_printf(
        out, "[%s]\nnumber of elements: %llu\nbytes: %zu\n", name, (unsigned long long)n, bytes);
}

static void debug_htstats(struct local_call *call) {
    struct keyspace *keyspace = engine_keyspace(call->node->engine);
    int64_t number;
    if (!int_parse(call->argv[2], &number)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return;
    }
    if (number < 0 || number >= keyspace_n_dbs(keyspace)) {
        reply_error(call->reply, "ERR Out of range database");
        return;
    }
    const struct db *db = keyspace_db(keyspace, (uint32_t)number);
    struct buf out = {0};
    table_line(&out, "Dictionary HT", db_size(db), db_table_bytes(db));
    table_line(&out, "Expires HT", db_expiring_size(db), db_due_index_bytes(db));
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

static void debug_htstats_key(struct local_call *call) {
    const struct object *object = object_asked_for(call);
    if (object == NULL) return;
    enum object_encoding encoding = object_encoding(object);
    if (encoding != ENCODING_HASHTABLE && encoding != ENCODING_HASHTABLE_DUE &&
        encoding != ENCODING_SKIPLIST) {
        reply_error(call->reply,
            "ERR The value stored at the specified key is not represented using an hash table");
        return;
    }
    struct collection held = db_collection(db_of(call), object);
    struct buf out = {0};
    table_line(&out, "Value HT", collection_size(&held), object_memory_bytes(object));
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

/* -- changing -------------------------------------------------------------------------------- */

static void debug_sleep(struct local_call *call) {
    double seconds = 0;
    if (!double_parse(call->argv[2], &seconds) || !(seconds >= 0 && seconds < 1e6)) {
        reply_error(call->reply, "ERR value is not a valid float");
        return;
    }
    errand_begin(call->node, ERRAND_SLEEP, NOBODY, local_hold(call),
        call->node->now_us + (int64_t)(seconds * 1e6));
}

/* Reclaiming is part of applying: on all nodes or on none. */
static void debug_set_active_expire(struct local_call *call) {
    int64_t number = 0;
    bool is_on = int_parse(call->argv[2], &number) && number != 0;
    struct slice words[3] = {
        SLICE("shardforge.setting"), SLICE(SETTING_ACTIVE_EXPIRE), is_on ? SLICE("1") : SLICE("0")};
    call->pending->kind = PENDING_WRITE;
    stream_add(call->node, call->pending, 0, 3, words);
}

/* An entry that ends the process where it is applied, for tests of what follows. */
static void debug_abort_when_applied(struct local_call *call) {
    struct slice words[1] = {SLICE("shardforge.abort")};
    call->pending->kind = PENDING_WRITE;
    stream_add(call->node, call->pending, 0, 1, words);
}

static void debug_packed_threshold(struct local_call *call) {
    int64_t bytes;
    if (!memory_parse(call->argv[2], &bytes) || bytes > (INT64_C(1) << 32)) {
        reply_error(
            call->reply, "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
        return;
    }
    reply_status(call->reply, "OK"); /* how blocks are filled here shows nowhere */
}

/* The state through its image and back: what a snapshot would make of it takes its place. */
static void debug_reload(struct local_call *call) {
    struct node *node = call->node;
    if (call->argc > 2) {
        reply_error(call->reply,
            "ERR DEBUG RELOAD takes no options here: the image of the state is "
            "made and loaded as a whole");
        return;
    }
    struct buf image = {0};
    struct engine *loaded = node_engine_new(node);
    bool is_dumped = engine_dump(node->engine, &image);
    enum sf_status status = is_dumped ? engine_load(loaded, buf_slice(&image)) : SF_ERR_BUSY;
    buf_free(&image);
    if (status != SF_OK || engine_digest(loaded) != engine_digest(node->engine)) {
        engine_free(loaded);
        reply_error(call->reply, "ERR Error trying to load the image of the state");
        return;
    }
    node_engine_replace(node, loaded);
    reply_status(call->reply, "OK");
}

#ifdef SF_TEST_HOOKS
/* Flips a bit of this node's memory, which no log knows of: for tests of the digests. */
static void debug_damage(struct local_call *call) {
    char scratch[OBJECT_TEXT_MAX];
    const struct object *object = object_asked_for(call);
    int64_t integer;
    if (object == NULL) return;
    if (object_type(object) != OBJECT_STRING || object_integer(object, &integer) ||
        object_string(object, scratch).len == 0) {
        reply_error(call->reply, "ERR only strings that are held as bytes can be damaged");
        return;
    }
    *(char *)(uintptr_t)object_string(object, scratch).data ^= 1;
    reply_status(call->reply, "OK");
}
#endif

/* -- PROTOCOL -------------------------------------------------------------------------------- */

static void three(struct reply *reply) {
    for (int i = 0; i < 3; i++) reply_integer(reply, i);
}

static void protocol_push(struct reply *reply) {
    if (reply->proto < 3) {
        reply_error(reply, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(reply, 2);
    reply_bulk_text(reply, "server-cpu-usage");
    reply_integer(reply, 42);
    reply_bulk_text(reply, "Some real reply following the push reply");
}

static void protocol_attribute(struct reply *reply) {
    if (reply->proto >= 3) {
        reply_attribute(reply, 1);
        reply_bulk_text(reply, "key-popularity");
        reply_array(reply, 2);
        reply_bulk_text(reply, "key:123");
        reply_integer(reply, 90);
    }
    reply_bulk_text(reply, "Some real reply following the attribute");
}

static void debug_protocol(struct local_call *call) {
    struct reply *reply = call->reply;
    struct slice type = call->argv[2];
    if (slice_is(type, "string")) {
        reply_bulk_text(reply, "Hello World");
    } else if (slice_is(type, "integer")) {
        reply_integer(reply, 12345);
    } else if (slice_is(type, "double")) {
        reply_double(reply, 3.141);
    } else if (slice_is(type, "null")) {
        reply_null(reply);
    } else if (slice_is(type, "array")) {
        reply_array(reply, 3);
        three(reply);
    } else if (slice_is(type, "set")) {
        reply_set(reply, 3);
        three(reply);
    } else if (slice_is(type, "map")) {
        reply_map(reply, 3);
        for (int i = 0; i < 3; i++) {
            reply_integer(reply, i);
            reply_bool(reply, i == 1);
        }
    } else if (slice_is(type, "attrib")) {
        protocol_attribute(reply);
    } else if (slice_is(type, "push")) {
        protocol_push(reply);
    } else if (slice_is(type, "true") || slice_is(type, "false")) {
        reply_bool(reply, slice_is(type, "true"));
    } else if (slice_is(type, "verbatim")) {
        reply_verbatim(reply, "txt", SLICE("This is a verbatim\nstring"));
    } else if (slice_is(type, "bignum")) {
        reply_big_number(reply, SLICE("1234567999999999999999999999999999999"));
    } else {
        reply_error(reply,
            "ERR Wrong protocol type name. Please use one of the following: "
            "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
    }
}

/* -- the rest -------------------------------------------------------------------------------- */

static void debug_error(struct local_call *call) {
    reply_errorf(call->reply, "%.*s", (int)SF_MIN(call->argv[2].len, (size_t)4096),
        call->argv[2].data == NULL ? "" : call->argv[2].data);
}

static void debug_log(struct local_call *call) {
    node_log(call->node, LOG_WARNING, "DEBUG LOG: %.*s",
        (int)SF_MIN(call->argv[2].len, (size_t)400), call->argv[2].data);
    reply_status(call->reply, "OK");
}

static void debug_listpack(struct local_call *call) {
    debug_packed(call, ENCODING_LISTPACK, "Listpack");
}

static void debug_quicklist(struct local_call *call) {
    debug_packed(call, ENCODING_QUICKLIST, "Quicklist");
}

static void debug_nothing(struct local_call *call) {
    reply_status(call->reply, "OK"); /* there is no such job here, or no such check */
}

static void debug_help(struct local_call *call) {
    static const char *const lines[] = {"DIGEST", "    The digest of all keys, as Redis makes it.",
        "DIGEST-VALUE <key> [<key> ...]", "    The digests of values.", "ERROR <string>",
        "    Reply with that error.", "HTSTATS <dbid>", "    Sizes of a database's indexes.",
        "HTSTATS-KEY <key>", "    Sizes of a large value's table.", "LISTPACK <key>",
        "    Write figures of a packed value to the log.", "LOG <message>",
        "    Write a line to the log.", "OBJECT <key>", "    How a value is held.",
        "PROTOCOL <type>", "    Reply with a value of that type of the protocol.",
        "QUICKLIST <key> [<0|1>]", "    Write figures of a long list to the log.",
        "QUICKLIST-PACKED-THRESHOLD <size>", "    Accepted; it shows nowhere here.", "RELOAD",
        "    Make the image of this node's state and go on with what is loaded from it.",
        "SDSLEN <key>", "    Lengths of a key and its string.", "SET-ACTIVE-EXPIRE <0|1>",
        "    Whether expired keys are reclaimed, on all nodes.", "SLEEP <seconds>",
        "    Answer this connection later; the node goes on.", "STATE-DIGEST",
        "    An error with the digest of the replicated state and its index.", NULL};
    reply_help(call->reply, "DEBUG", lines);
}

static const struct debug_row {
    const char *name;
    uint32_t argc_min, argc_max;
    bool fresh; /* wants the state of now, at the end of an entry */
    bool alone; /* not in a transaction */
    local_run *run;
} rows[] = {
    {"abort-when-applied", 2, 2, false, true, debug_abort_when_applied},
#ifdef SF_TEST_HOOKS
    {"damage", 3, 3, true, true, debug_damage},
#endif
    {"digest", 2, 2, true, false, debug_digest},
    {"digest-value", 2, UINT32_MAX, true, false, debug_digest_value},
    {"error", 3, 3, false, false, debug_error},
    {"help", 2, 2, false, false, debug_help},
    {"htstats", 3, 4, true, false, debug_htstats},
    {"htstats-key", 3, 4, true, false, debug_htstats_key},
    {"listpack", 3, 3, true, false, debug_listpack},
    {"log", 3, 3, false, false, debug_log},
    {"object", 3, 4, true, false, debug_object},
    {"pause-cron", 3, 3, false, false, debug_nothing},
    {"protocol", 3, 3, false, false, debug_protocol},
    {"quicklist", 3, 4, true, false, debug_quicklist},
    {"quicklist-packed-threshold", 3, 3, false, false, debug_packed_threshold},
    {"reload", 2, UINT32_MAX, true, true, debug_reload},
    {"sdslen", 3, 3, true, false, debug_sdslen},
    {"set-active-expire", 3, 3, false, true, debug_set_active_expire},
    {"set-skip-checksum-validation", 3, 3, false, false, debug_nothing},
    {"sleep", 3, 3, false, true, debug_sleep},
    {"state-digest", 2, 2, true, false, debug_state_digest},
};

static const struct debug_row *row_of(uint32_t argc, const struct slice *argv) {
    for (size_t i = 0; i < SF_LENGTH(rows); i++) {
        if (!slice_is(argv[1], rows[i].name)) continue;
        return argc >= rows[i].argc_min && argc <= rows[i].argc_max ? &rows[i] : NULL;
    }
    return NULL;
}

bool debug_wants_state(const struct node *node, uint32_t argc, const struct slice *argv) {
    if (!node->settings.debug_command) return false;
    const struct debug_row *row = row_of(argc, argv);
    return row != NULL && row->fresh;
}

void local_debug(struct local_call *call) {
    if (!call->node->settings.debug_command) {
        reply_error(call->reply,
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
            "\"local\", you can run it from a local connection, otherwise you need to set this "
            "option in the configuration file, and then restart the server.");
        return;
    }
    const struct debug_row *row = row_of(call->argc, call->argv);
    if (row == NULL)
        refuse(call);
    else if (row->alone && call->pending == NULL)
        reply_error(call->reply, "ERR not offered in a transaction");
    else
        row->run(call);
}
