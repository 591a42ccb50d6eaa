/* MIGRATE: keys to another server, and away from here.
 *
 * The keys' values are read like any read, of a state that is as fresh as the request; RESTOREs go
 * to the target, and what it acknowledges is deleted by one command of the log (shardforge.moved),
 * each key only if it is still what was sent: while the target answers, others may write here,
 * which in Redis they cannot. Values are sent a few megabytes at a time. */
#include "node/migrate.h"

#include "node/internal.h"

enum {
    TIMEOUT_DEFAULT_MS = 1000,
    CHUNK_BYTES = 8 << 20, /* sent and not answered, one larger value excepted */
    LINE_BYTES_MAX = 64 << 10,
};

struct moved_key {
    struct slice name; /* in the request */
    uint64_t revision; /* as it was sent */
    bool sent, acknowledged;
};

struct migrate {
    struct list in_node;
    struct pending *held;
    uint64_t out;
    bool is_open;
    bool copy, replace;
    uint32_t db, target_db;
    uint32_t n_auth; /* words of AUTH behind it, 0: none */
    struct slice auth[2];
    int64_t timeout_us, deadline_us;
    uint32_t n_keys, next; /* next: to be sent */
    struct moved_key *keys;
    uint32_t answered;   /* keys up to here have their answer */
    uint32_t n_greeting; /* answers to AUTH and SELECT still to come */
    bool refused;        /* one of those was an error */
    bool any;            /* of the keys was there */
    struct buf error;    /* the target's first */
    struct buf in;
};

/* -- the request ----------------------------------------------------------------------------- */

static bool is_there(uint32_t at, uint32_t more, const struct local_call *call) {
    return at + more < call->argc;
}

static bool take_keys(struct migrate *migrate, const struct local_call *call, uint32_t at) {
    if (call->argv[3].len != 0) {
        reply_error(call->reply, "ERR When using MIGRATE KEYS option, the key argument must be set "
                                 "to the empty string");
        return false;
    }
    migrate->n_keys = call->argc - at;
    sf_free(migrate->keys);
    migrate->keys = sf_alloc_zero(SF_MAX(migrate->n_keys, 1u), sizeof *migrate->keys);
    for (uint32_t i = 0; i < migrate->n_keys; i++) migrate->keys[i].name = call->argv[at + i];
    return true;
}

static bool take_options(struct migrate *migrate, const struct local_call *call) {
    for (uint32_t i = 6; i < call->argc; i++) {
        struct slice word = call->argv[i];
        if (slice_is(word, "copy")) {
            migrate->copy = true;
        } else if (slice_is(word, "replace")) {
            migrate->replace = true;
        } else if (slice_is(word, "auth") && is_there(i, 1, call)) {
            migrate->n_auth = 1;
            migrate->auth[0] = call->argv[++i];
        } else if (slice_is(word, "auth2") && is_there(i, 2, call)) {
            migrate->n_auth = 2;
            migrate->auth[0] = call->argv[++i];
            migrate->auth[1] = call->argv[++i];
        } else if (slice_is(word, "keys")) {
            return take_keys(migrate, call, i + 1);
        } else {
            reply_error(call->reply, "ERR syntax error");
            return false;
        }
    }
    return true;
}

static void migrate_free(struct migrate *migrate) {
    list_remove(&migrate->in_node);
    buf_free(&migrate->error);
    buf_free(&migrate->in);
    sf_free(migrate->keys);
    sf_free(migrate);
}

static struct migrate *migrate_parse(const struct local_call *call) {
    struct migrate *migrate = sf_alloc_zero(1, sizeof *migrate);
    int64_t timeout_ms, target_db;
    list_init(&migrate->in_node);
    migrate->n_keys = 1;
    migrate->keys = sf_alloc_zero(1, sizeof *migrate->keys);
    migrate->keys[0].name = call->argv[3];
    migrate->db = call->pending->db;
    if (!take_options(migrate, call)) {
        migrate_free(migrate);
        return NULL;
    }
    if (!int_parse(call->argv[5], &timeout_ms) || !int_parse(call->argv[4], &target_db) ||
        target_db < 0 || target_db > UINT32_MAX) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        migrate_free(migrate);
        return NULL;
    }
    if (timeout_ms <= 0) timeout_ms = TIMEOUT_DEFAULT_MS;
    migrate->timeout_us = SF_MIN(timeout_ms, (int64_t)INT32_MAX) * 1000;
    migrate->target_db = (uint32_t)target_db;
    return migrate;
}

/* -- sending --------------------------------------------------------------------------------- */

static void send_words(
    struct node *node, const struct migrate *migrate, uint32_t argc, const struct slice *argv) {
    struct buf out = {0};
    resp_write_command(&out, argc, argv);
    node->ports.out_send(node->ports.context, migrate->out, buf_slice(&out));
    buf_free(&out);
}

/* The key's payload as DUMP replies it, in `reply`; false: there is no such key (any more). */
static bool read_payload(struct node *node, const struct migrate *migrate, struct moved_key *key,
    struct buf *reply, struct slice *payload) {
    static const struct slice name = {"dump", 4};
    struct slice argv[2] = {name, key->name};
    struct reply out = {reply, 2};
    struct engine *engine = node->engine;
    /* MIGRATE was allowed; whose read came before it has nothing to do with it */
    struct acl_claim allowed = {ACL_DEFAULT_ID, acl_revision(engine_acl(engine))};
    engine_read_as(engine, &allowed);
    enum engine_query_result result = engine_query(engine, command_lookup(2, argv), migrate->db, 2,
        argv, engine_now_ms(engine), true, 0, &out);
    SF_ASSERT(result == QUERY_DONE);
    struct slice text = buf_slice(reply);
    const char *end = memchr(text.data, '\n', text.len);
    SF_ASSERT(end != NULL && text.data[0] == '$');
    if (text.data[1] == '-') return false; /* "$-1" */
    size_t head = (size_t)(end - text.data) + 1;
    *payload = slice_of(text.data + head, text.len - head - 2);
    result = engine_revision(
        engine, migrate->db, key->name, engine_now_ms(engine), true, &key->revision);
    SF_ASSERT(result == QUERY_DONE);
    return true;
}

/* 0: for ever; false: its time is over. */
static bool time_to_live(
    struct node *node, const struct migrate *migrate, struct slice key, int64_t *ttl_ms) {
    struct db *db = keyspace_db(engine_keyspace(node->engine), migrate->db);
    const struct object *object = db_find(db, key, engine_now_ms(node->engine));
    int64_t now_ms = SF_MAX(engine_now_ms(node->engine), node->runnable_clock_ms);
    *ttl_ms = 0;
    if (object == NULL) return false;
    if (object_due_ms(object) == NO_DUE) return true;
    *ttl_ms = object_due_ms(object) - now_ms;
    return *ttl_ms > 0;
}

static size_t send_key(struct node *node, struct migrate *migrate, struct moved_key *key) {
    struct buf reply = {0};
    struct slice payload;
    int64_t ttl_ms;
    size_t sent = 0;
    if (time_to_live(node, migrate, key->name, &ttl_ms) &&
        read_payload(node, migrate, key, &reply, &payload)) {
        char ttl[INT_TEXT_MAX];
        struct slice argv[5] = {SLICE("RESTORE"), key->name,
            slice_of(ttl, uint_print((uint64_t)ttl_ms, ttl)), payload, SLICE("REPLACE")};
        send_words(node, migrate, migrate->replace ? 5 : 4, argv);
        key->sent = true;
        sent = payload.len;
    }
    buf_free(&reply);
    return sent;
}

static void send_chunk(struct node *node, struct migrate *migrate) {
    for (size_t bytes = 0; migrate->next < migrate->n_keys && bytes < CHUNK_BYTES;)
        bytes += send_key(node, migrate, &migrate->keys[migrate->next++]);
    migrate->deadline_us = node->now_us + migrate->timeout_us;
}

static struct migrate *migrate_of(struct node *node, uint64_t out) {
    LIST_FOR_EACH(link, &node->migrates) {
        struct migrate *migrate = SF_CONTAINER(link, struct migrate, in_node);
        if (migrate->out == out) return migrate;
    }
    return NULL;
}

bool migrate_on_open(struct node *node, uint64_t out) {
    struct migrate *migrate = migrate_of(node, out);
    if (migrate == NULL) return false;
    struct slice argv[3] = {SLICE("AUTH"), migrate->auth[0], migrate->auth[1]};
    if (migrate->n_auth > 0) send_words(node, migrate, 1 + migrate->n_auth, argv);
    char db[INT_TEXT_MAX];
    struct slice select[2] = {SLICE("SELECT"), slice_of(db, uint_print(migrate->target_db, db))};
    send_words(node, migrate, 2, select);
    migrate->n_greeting = migrate->n_auth > 0 ? 2 : 1;
    migrate->is_open = true;
    migrate->deadline_us = node->now_us + migrate->timeout_us;
    return true;
}

/* -- the end --------------------------------------------------------------------------------- */

/* What the target holds now goes here, and with that the answer. */
static void log_moved(struct node *node, struct migrate *migrate, uint32_t n_moved) {
    struct pending *held = migrate->held;
    uint32_t argc = 2 + 2 * n_moved;
    struct slice *argv = sf_alloc_zero(argc, sizeof *argv);
    char(*numbers)[INT_TEXT_MAX] = sf_alloc(SF_MAX(n_moved, 1u) * sizeof *numbers);
    argv[0] = SLICE("shardforge.moved");
    argv[1] = buf_slice(&migrate->error);
    uint32_t at = 2;
    for (uint32_t i = 0; i < migrate->n_keys; i++) {
        const struct moved_key *key = &migrate->keys[i];
        if (!key->acknowledged) continue;
        char *text = numbers[(at - 2) / 2];
        argv[at++] = key->name;
        argv[at++] = slice_of(text, uint_print(key->revision, text));
    }
    held->kind = PENDING_WRITE;
    held->stall_start_us = node->stall_us;
    stream_add(node, held, migrate->db, argc, argv);
    sf_free(argv);
    sf_free(numbers);
    node_wake(node);
}

/* error: ours, or NULL: the target's, if there was any. */
static void migrate_ends(struct node *node, struct migrate *migrate, const char *error) {
    uint32_t n_moved = 0;
    if (migrate->out != 0) node->ports.out_close(node->ports.context, migrate->out);
    for (uint32_t i = 0; i < migrate->n_keys; i++) n_moved += migrate->keys[i].acknowledged;
    if (error != NULL && migrate->error.len == 0) buf_append_text(&migrate->error, error);
    if (n_moved > 0 && !migrate->copy) {
        log_moved(node, migrate, n_moved);
    } else {
        struct reply reply = held_reply(migrate->held);
        if (migrate->error.len > 0) {
            reply_errorf(&reply, "%.*s", (int)migrate->error.len, buf_slice(&migrate->error).data);
        } else {
            reply_status(&reply, migrate->any ? "OK" : "NOKEY");
        }
        held_done(migrate->held);
    }
    migrate_free(migrate);
}

/* -- answers --------------------------------------------------------------------------------- */

static void note_error(struct migrate *migrate, struct slice line) {
    if (migrate->error.len > 0) return;
    if (line.len > 0 && line.data[0] == '-') line = slice_of(line.data + 1, line.len - 1);
    buf_printf(&migrate->error, "ERR Target instance replied with error: %.*s",
        (int)SF_MIN(line.len, (size_t)1024), line.data);
}

/* What is no status acknowledges nothing: it may not even be a Redis that speaks there. */
static void on_line(struct migrate *migrate, struct slice line) {
    bool good = line.len > 0 && line.data[0] == '+';
    if (!good) note_error(migrate, line);
    if (migrate->n_greeting > 0) {
        migrate->n_greeting--;
        migrate->refused |= !good;
        return;
    }
    while (migrate->answered < migrate->next && !migrate->keys[migrate->answered].sent)
        migrate->answered++;
    if (migrate->answered == migrate->next) return;
    migrate->keys[migrate->answered++].acknowledged = good;
}

static bool all_is_answered(const struct migrate *migrate) {
    if (migrate->n_greeting > 0) return false;
    for (uint32_t i = migrate->answered; i < migrate->next; i++) {
        if (migrate->keys[i].sent) return false;
    }
    return true;
}

static void go_on(struct node *node, struct migrate *migrate) {
    if (!all_is_answered(migrate)) return;
    if (migrate->refused) {
        migrate_ends(node, migrate, NULL);
        return;
    }
    while (all_is_answered(migrate) && migrate->next < migrate->n_keys) send_chunk(node, migrate);
    if (all_is_answered(migrate)) migrate_ends(node, migrate, NULL);
}

bool migrate_on_bytes(struct node *node, uint64_t out, struct slice bytes) {
    struct migrate *migrate = migrate_of(node, out);
    if (migrate == NULL) return false;
    migrate->deadline_us = node->now_us + migrate->timeout_us;
    buf_append_slice(&migrate->in, bytes);
    for (;;) {
        struct slice all = buf_slice(&migrate->in);
        const char *end = all.len == 0 ? NULL : memchr(all.data, '\n', all.len);
        if (end == NULL) break;
        size_t len = (size_t)(end - all.data);
        on_line(migrate, slice_of(all.data, len > 0 && all.data[len - 1] == '\r' ? len - 1 : len));
        buf_consume(&migrate->in, len + 1);
    }
    if (migrate->in.len > LINE_BYTES_MAX) {
        migrate_ends(node, migrate, "IOERR error or timeout reading from target instance");
        return true;
    }
    if (node->engine != NULL) go_on(node, migrate);
    return true;
}

static const char *io_error(const struct migrate *migrate, bool found) {
    if (migrate->is_open) return "IOERR error or timeout reading from target instance";
    return found ? "IOERR error or timeout writing to target instance"
                 : "IOERR error or timeout connecting to the client";
}

bool migrate_on_closed(struct node *node, uint64_t out, const char *why) {
    struct migrate *migrate = migrate_of(node, out);
    if (migrate == NULL) return false;
    migrate->out = 0;
    migrate_ends(node, migrate, io_error(migrate, strncmp(why, "the name", 8) != 0));
    return true;
}

/* -- the command ----------------------------------------------------------------------------- */

/* Its turn as a read has come: the state is as fresh as the request. */
void local_migrate(struct local_call *call) {
    struct node *node = call->node;
    int64_t port;
    struct migrate *migrate = migrate_parse(call);
    if (migrate == NULL) return;
    if (engine_source(node->engine)->kind != SOURCE_NONE) {
        reply_error(call->reply, "READONLY You can't write against a read only replica.");
        migrate_free(migrate);
        return;
    }
    for (uint32_t i = 0; i < migrate->n_keys && !migrate->any; i++) {
        int64_t ttl_ms;
        migrate->any = time_to_live(node, migrate, migrate->keys[i].name, &ttl_ms);
    }
    bool dials = int_parse(call->argv[2], &port) && port > 0 && port <= UINT16_MAX &&
                 call->argv[1].len <= SOURCE_HOST_MAX && node->ports.out_dial != NULL;
    if (!migrate->any) {
        reply_status(call->reply, "NOKEY");
    } else if (!dials) {
        reply_error(call->reply, "IOERR error or timeout writing to target instance");
    }
    if (!migrate->any || !dials) {
        migrate_free(migrate);
        return;
    }
    char host[SOURCE_HOST_MAX + 1] = "";
    memcpy(host, call->argv[1].data, call->argv[1].len);
    call->pending->kind = PENDING_HELD;
    migrate->held = call->pending;
    migrate->deadline_us = node->now_us + migrate->timeout_us;
    migrate->out = node->next_out++;
    list_push_back(&node->migrates, &migrate->in_node);
    node->ports.out_dial(node->ports.context, migrate->out, host, (uint16_t)port);
}

void migrates_pump(struct node *node) {
    LIST_FOR_EACH(link, &node->migrates) {
        struct migrate *migrate = SF_CONTAINER(link, struct migrate, in_node);
        if (node->now_us >= migrate->deadline_us)
            migrate_ends(node, migrate, io_error(migrate, migrate->is_open));
    }
}

int64_t migrates_deadline_us(const struct node *node) {
    int64_t deadline_us = INT64_MAX;
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&node->migrates) {
        deadline_us = SF_MIN(deadline_us, SF_CONTAINER(link, struct migrate, in_node)->deadline_us);
    }
    return deadline_us;
}

void migrates_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->migrates) {
        struct migrate *migrate = SF_CONTAINER(link, struct migrate, in_node);
        if (migrate->held != held) continue;
        if (migrate->out != 0) node->ports.out_close(node->ports.context, migrate->out);
        migrate_free(migrate);
    }
}

void migrates_leave_state(struct node *node) {
    LIST_FOR_EACH(link, &node->migrates) {
        struct migrate *migrate = SF_CONTAINER(link, struct migrate, in_node);
        for (uint32_t i = 0; i < migrate->n_keys; i++) migrate->keys[i].acknowledged = false;
        buf_clear(&migrate->error);
        migrate_ends(node, migrate,
            "UNCERTAIN MIGRATE was given up, since the state that it read is left: keys may be in "
            "both places");
    }
}

void migrates_free(struct node *node) {
    LIST_FOR_EACH(link, &node->migrates) {
        migrate_free(SF_CONTAINER(link, struct migrate, in_node));
    }
}
