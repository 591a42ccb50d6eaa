#include "engine/entry.h"

#include "commands/command.h"

enum { STAMP_OOM = 1, COMMAND_ARGS_MAX = 1 << 20 };

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
    SF_ASSERT(argc > 0);
    put_varint(out, db);
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

bool command_reader_next(struct command_reader *reader) {
    if (reader->left == 0 || reader->in.failed) return false;
    reader->left--;
    uint64_t db = read_varint(&reader->in);
    uint64_t argc = read_varint(&reader->in);
    /* every argument takes at least its length byte: a wild count cannot make us allocate */
    if (db > UINT32_MAX || argc > COMMAND_ARGS_MAX || argc > reader->in.rest.len) {
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

static bool may_be_logged(const struct command_reader *reader, uint32_t n_dbs) {
    if (reader->argc == 0) return true;
    if (reader->db >= n_dbs) return false;
    const struct command *command = command_lookup(reader->argc, reader->argv);
    if (command == NULL) command = command_internal(reader->argv[0]);
    if (command == NULL || command->run == NULL) return false;
    if (command_route(command) != ROUTE_WRITE) return false;
    int64_t argc = reader->argc;
    return command->arity >= 0 ? argc == command->arity : argc >= -command->arity;
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
