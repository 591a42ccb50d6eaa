#include "engine/entry.h"

#include "commands/command.h"
#include "util/number.h"

enum {
    STAMP_OOM = 1,
    COMMAND_ARGS_MAX = REQUEST_ARGS_MAX + 2, /* shardforge.again puts two words in front */
    CLAIMED = 1 << 20,                       /* in a command's db: a claim follows */
};

void entry_put_stamp(struct buf *out, const struct entry_stamp *stamp) {
    SF_ASSERT(stamp->now_ms >= 0);
    put_varint(out, (uint64_t)stamp->now_ms);
    put_u64(out, stamp->seed);
    put_u8(out, stamp->oom ? STAMP_OOM : 0);
}

void entry_read_stamp(struct reader *in, struct entry_stamp *out) {
    uint64_t now_ms = read_varint(in);
    if (now_ms > INT64_MAX / 2) in->failed = true;
    out->now_ms = in->failed ? 0 : (int64_t)now_ms;
    out->seed = read_u64(in);
    uint8_t flags = read_u8(in);
    if (flags > STAMP_OOM) in->failed = true;
    out->oom = flags == STAMP_OOM;
}

void entry_put_command(struct buf *out, uint32_t db, uint32_t argc, const struct slice *argv) {
    SF_ASSERT(argc > 0 && argc <= COMMAND_ARGS_MAX); /* else nobody could read it any more */
    put_varint(out, db);
    put_varint(out, argc);
    for (uint32_t i = 0; i < argc; i++) put_string(out, argv[i]);
}

void entry_put_claimed_command(struct buf *out, const struct acl_claim *claim, uint32_t db,
    uint32_t argc, const struct slice *argv) {
    SF_ASSERT(claim->id > 0 && db < CLAIMED);
    SF_ASSERT(argc > 0 && argc <= COMMAND_ARGS_MAX);
    put_varint(out, db | CLAIMED);
    put_varint(out, claim->id);
    put_varint(out, claim->revision);
    put_varint(out, argc);
    for (uint32_t i = 0; i < argc; i++) put_string(out, argv[i]);
}

void entry_put_void_command(struct buf *out) {
    put_varint(out, 0);
    put_varint(out, 0);
}

void entry_put_incarnation(struct buf *out, const struct incarnation *incarnation) {
    put_u64(out, incarnation->node);
    put_varint(out, incarnation->counter);
    put_u64(out, incarnation->nonce);
}

void entry_read_incarnation(struct reader *in, struct incarnation *out) {
    out->node = read_u64(in);
    out->counter = read_varint(in);
    out->nonce = read_u64(in);
}

void entry_put_sub_batch_head(struct buf *out, const struct sub_batch_header *header) {
    entry_put_incarnation(out, &header->origin);
    put_varint(out, header->sequence);
    put_varint(out, header->n_commands);
    put_varint(out, header->commands.len);
}

void entry_put_sub_batch(struct buf *out, const struct sub_batch_header *header) {
    entry_put_sub_batch_head(out, header);
    buf_append_slice(out, header->commands);
}

bool entry_read_sub_batch(struct reader *in, struct sub_batch_header *out) {
    entry_read_incarnation(in, &out->origin);
    out->sequence = read_varint(in);
    uint64_t n = read_varint(in);
    out->commands = read_string(in);
    if (n == 0 || n > UINT32_MAX || out->sequence == 0) in->failed = true;
    out->n_commands = in->failed ? 0 : (uint32_t)n;
    return !in->failed;
}

void command_reader_begin(struct command_reader *reader, const struct sub_batch_header *header) {
    reader->in = reader_of(header->commands);
    reader->left = header->n_commands;
    reader->argc = 0;
}

static uint64_t read_claim(struct command_reader *reader, uint64_t db) {
    reader->claim.id = read_varint(&reader->in);
    reader->claim.revision = read_varint(&reader->in);
    db -= CLAIMED;
    if (db >= CLAIMED || reader->claim.id == 0) reader->in.failed = true;
    return db;
}

void command_reader_put(const struct command_reader *reader, struct buf *out) {
    if (reader->claim.id != 0)
        entry_put_claimed_command(out, &reader->claim, reader->db, reader->argc, reader->argv);
    else
        entry_put_command(out, reader->db, reader->argc, reader->argv);
}

bool command_reader_next(struct command_reader *reader) {
    if (reader->left == 0 || reader->in.failed) return false;
    reader->left--;
    reader->claim = (struct acl_claim){0, 0};
    uint64_t db = read_varint(&reader->in);
    if (SF_UNLIKELY(db >= CLAIMED)) db = read_claim(reader, db);
    uint64_t argc = read_varint(&reader->in);
    /* every argument takes at least its length byte: a wild count cannot make us allocate */
    if (argc > COMMAND_ARGS_MAX || argc > reader->in.rest.len) {
        reader->in.failed = true;
    }
    if (reader->in.failed) return false;
    if (argc > reader->argv_cap) {
        reader->argv_cap = (uint32_t)argc + 8;
        reader->argv = sf_realloc(reader->argv, reader->argv_cap * sizeof *reader->argv);
    }
    reader->db = (uint32_t)db;
    reader->argc = (uint32_t)argc;
    for (uint32_t i = 0; i < reader->argc; i++) reader->argv[i] = read_string(&reader->in);
    return !reader->in.failed;
}

void command_reader_free(struct command_reader *reader) {
    sf_free(reader->argv);
    *reader = (struct command_reader){0};
}

/* -- digest marks ---------------------------------------------------------------------------- */

void entry_put_digest_mark(struct buf *out, const struct digest_mark *mark) {
    put_varint(out, mark->n);
    for (uint32_t i = 0; i < mark->n; i++) {
        put_u64(out, mark->askers[i].node);
        put_u64(out, mark->askers[i].nonce);
        put_varint(out, mark->askers[i].number);
    }
}

bool entry_read_digest_mark(struct reader *in, struct digest_mark *out) {
    uint64_t n = read_varint(in);
    *out = (struct digest_mark){.n = 0};
    if (n > DIGEST_ASKERS_MAX) return false;
    for (uint64_t i = 0; i < n; i++) {
        struct digest_asker *asker = &out->askers[i];
        asker->node = read_u64(in);
        asker->nonce = read_u64(in);
        asker->number = read_varint(in);
    }
    out->n = in->failed ? 0 : (uint32_t)n;
    return !in->failed && in->rest.len == 0;
}

/* -- transactions ---------------------------------------------------------------------------- */

void transaction_put(const struct transaction_words *transaction, struct buf *counts,
    struct slice argv[TRANSACTION_ARGC]) {
    buf_clear(counts);
    put_varint(counts, transaction->n_watches);
    put_varint(counts, transaction->n_commands);
    argv[0] = SLICE("shardforge.exec");
    argv[1] = buf_slice(counts);
    argv[2] = transaction->watches;
    argv[3] = transaction->commands;
}

bool transaction_read(uint32_t argc, const struct slice *argv, struct transaction_words *out) {
    if (argc != TRANSACTION_ARGC || !slice_is(argv[0], "shardforge.exec")) return false;
    struct reader counts = reader_of(argv[1]);
    uint64_t n_watches = read_varint(&counts), n_commands = read_varint(&counts);
    if (counts.failed || counts.rest.len > 0) return false;
    if (n_watches > UINT32_MAX || n_commands > TRANSACTION_COMMANDS_MAX) return false;
    *out = (struct transaction_words){(uint32_t)n_watches, (uint32_t)n_commands, argv[2], argv[3]};
    return true;
}

void watch_put(struct buf *out, const struct watch_words *watch) {
    put_varint(out, watch->db);
    put_string(out, watch->key);
    put_varint(out, watch->revision);
}

bool watch_read(struct reader *in, struct watch_words *out) {
    uint64_t db = read_varint(in);
    if (db > UINT32_MAX) in->failed = true;
    out->db = in->failed ? 0 : (uint32_t)db;
    out->key = read_string(in);
    out->revision = read_varint(in);
    return !in->failed;
}

void transaction_commands(
    const struct transaction_words *transaction, struct command_reader *reader) {
    struct sub_batch_header commands = {
        .n_commands = transaction->n_commands, .commands = transaction->commands};
    command_reader_begin(reader, &commands);
}

/* -- what a peer may bring into the log ------------------------------------------------------ */

static const struct command *command_of(const struct command_reader *reader, uint32_t n_dbs) {
    if (reader->db >= n_dbs) return NULL;
    const struct command *command = command_lookup(reader->argc, reader->argv);
    if (command == NULL) command = command_internal(reader->argv[0]);
    if (command == NULL || command->run == NULL) return NULL;
    return command_arity_fits(command, reader->argc) ? command : NULL;
}

/* Data commands, reads among them, and what has a form of its own; no transaction in a transaction.
 */
static bool may_stand_inside(const struct command_reader *reader, uint32_t n_dbs) {
    if (reader->claim.id != 0) return false; /* the transaction's own holds for all of it */
    if (reader->argc == 0) return true;
    const struct command *command = command_of(reader, n_dbs);
    if (command == NULL || command_route(command) == ROUTE_LOCAL) return false;
    if ((command->flags & CMD_NO_MULTI) != 0) return false;
    return (command->flags & CMD_INTERNAL) == 0 || command->id == COMMAND_SHARDFORGE_PUBLISH ||
           command->id == COMMAND_SHARDFORGE_SETTING || command->id == COMMAND_SHARDFORGE_ACL ||
           command->id == COMMAND_SHARDFORGE_UNBLOCK;
}

static bool transaction_is_good(const struct command_reader *outer, uint32_t n_dbs) {
    struct transaction_words transaction;
    if (!transaction_read(outer->argc, outer->argv, &transaction)) return false;
    struct reader watches = reader_of(transaction.watches);
    struct watch_words watch;
    for (uint32_t i = 0; i < transaction.n_watches; i++) {
        if (!watch_read(&watches, &watch) || watch.db >= n_dbs) return false;
    }
    if (watches.rest.len > 0) return false;
    struct command_reader reader = {0};
    transaction_commands(&transaction, &reader);
    bool good = true;
    while (good && command_reader_next(&reader)) good = may_stand_inside(&reader, n_dbs);
    good = good && !reader.in.failed && reader.left == 0 && reader.in.rest.len == 0;
    command_reader_free(&reader);
    return good;
}

/* What the followed master wrote (source.c): as inside a transaction. */
static bool source_is_good(const struct command_reader *outer, uint32_t n_dbs) {
    uint64_t n;
    if (!slice_is(outer->argv[1], "batch")) return true; /* judged when it is applied */
    if (outer->argc != 11 || !uint_parse(outer->argv[9], &n) || n > UINT32_MAX) return false;
    struct sub_batch_header header = {.n_commands = (uint32_t)n, .commands = outer->argv[10]};
    struct command_reader reader = {0};
    command_reader_begin(&reader, &header);
    bool good = true;
    while (good && command_reader_next(&reader))
        good = reader.argc > 0 && may_stand_inside(&reader, n_dbs);
    good = good && !reader.in.failed && reader.left == 0 && reader.in.rest.len == 0;
    command_reader_free(&reader);
    return good;
}

static bool may_be_logged(const struct command_reader *reader, uint32_t n_dbs) {
    if (reader->argc == 0) return reader->claim.id == 0;
    const struct command *command = command_of(reader, n_dbs);
    if (command == NULL || command_route(command) != ROUTE_WRITE) return false;
    if (command->id == COMMAND_SHARDFORGE_SOURCE) return source_is_good(reader, n_dbs);
    return command->id != COMMAND_SHARDFORGE_EXEC || transaction_is_good(reader, n_dbs);
}

enum sf_status sub_batch_check(const struct sub_batch_header *header, uint32_t n_dbs) {
    struct command_reader reader = {0};
    command_reader_begin(&reader, header);
    bool good = true;
    while (good && command_reader_next(&reader)) good = may_be_logged(&reader, n_dbs);
    good = good && !reader.in.failed && reader.left == 0 && reader.in.rest.len == 0;
    command_reader_free(&reader);
    return good ? SF_OK : SF_ERR_CORRUPT;
}
