/* Log entries for people (engine/README.md has the bytes). */
#include "check/check.h"
#include "engine/entry.h"
#include <ctype.h>
#include <inttypes.h>
#include <time.h>

enum { WORD_BYTES_SHOWN = 64, WORDS_SHOWN = 20, COMMANDS_SHOWN = 1000 };

struct shown {
    FILE *out;
    size_t word_bytes; /* 0: no limit */
    uint32_t words, commands;
};

static const char *kind_name(uint8_t kind) {
    switch ((enum raft_entry_kind)kind) {
    case ENTRY_NOOP:
        return "no-op";
    case ENTRY_CONFIGURATION:
        return "configuration";
    case ENTRY_BATCH:
        return "batch";
    case ENTRY_TICK:
        return "tick";
    case ENTRY_EVICTION:
        return "eviction";
    case ENTRY_SETTING:
        return "setting";
    case ENTRY_WAITERS_REMOVED:
        return "waiters removed";
    case ENTRY_INCARNATION:
        return "incarnation";
    case ENTRY_DISSOLVE:
        return "dissolve";
    case ENTRY_DIGEST_MARK:
        return "digest mark";
    case ENTRY_FEATURE_LEVEL:
        return "feature level";
    }
    return "unknown kind";
}

void show_word(FILE *out, struct slice word, size_t max) {
    size_t n = max == 0 ? word.len : SF_MIN(word.len, max);
    fputc('"', out);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)word.data[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (isprint(c))
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
    fputc('"', out);
    if (n < word.len) fprintf(out, "... (%zu bytes)", word.len);
}

static void show_stamp(FILE *out, struct reader *in) {
    struct entry_stamp stamp;
    entry_read_stamp(in, &stamp);
    if (in->failed) return;
    time_t seconds = (time_t)(stamp.now_ms / 1000);
    struct tm utc;
    char text[40] = "?";
    if (gmtime_r(&seconds, &utc) != NULL) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(out, "  at %s.%03dZ, seed %016" PRIx64 "%s\n", text, (int)(stamp.now_ms % 1000),
        stamp.seed, stamp.oom ? ", out of memory" : "");
}

static void show_incarnation(FILE *out, const struct incarnation *incarnation) {
    fprintf(out, "node %016" PRIx64 " start %" PRIu64 " (%016" PRIx64 ")", incarnation->node,
        incarnation->counter, incarnation->nonce);
}

/* -- commands -------------------------------------------------------------------------------- */

static void show_commands(
    const struct shown *shown, struct command_reader *reader, const char *indent, bool nested);

static void show_transaction(
    const struct shown *shown, const struct transaction_words *transaction, const char *indent) {
    char deeper[32];
    snprintf(deeper, sizeof deeper, "%s  ", indent);
    fprintf(shown->out, "transaction of %" PRIu32 "\n", transaction->n_commands);
    struct reader watches = reader_of(transaction->watches);
    struct watch_words watch;
    for (uint32_t i = 0; i < transaction->n_watches && watch_read(&watches, &watch); i++) {
        fprintf(shown->out, "%swatches db %" PRIu32 " ", deeper, watch.db);
        show_word(shown->out, watch.key, shown->word_bytes);
        fprintf(shown->out, " at revision %" PRIu64 "\n", watch.revision);
    }
    struct command_reader reader = {0};
    transaction_commands(transaction, &reader);
    show_commands(shown, &reader, deeper, true);
    command_reader_free(&reader);
}

static void show_command(const struct shown *shown, const struct command_reader *reader,
    const char *indent, bool nested) {
    struct transaction_words transaction;
    fprintf(shown->out, "%s", indent);
    if (reader->argc == 0) {
        fprintf(shown->out, "(void)\n");
        return;
    }
    fprintf(shown->out, "db %" PRIu32 ": ", reader->db);
    if (!nested && transaction_read(reader->argc, reader->argv, &transaction)) {
        show_transaction(shown, &transaction, indent);
        return;
    }
    for (uint32_t i = 0; i < reader->argc && i < shown->words; i++) {
        if (i > 0) fputc(' ', shown->out);
        show_word(shown->out, reader->argv[i], shown->word_bytes);
    }
    if (reader->argc > shown->words) fprintf(shown->out, " ... (%" PRIu32 " words)", reader->argc);
    fputc('\n', shown->out);
}

static void show_commands(
    const struct shown *shown, struct command_reader *reader, const char *indent, bool nested) {
    uint32_t n = 0;
    for (; command_reader_next(reader); n++)
        if (n < shown->commands) show_command(shown, reader, indent, nested);
    if (n > shown->commands) fprintf(shown->out, "%s... (%" PRIu32 " commands)\n", indent, n);
    if (reader->in.failed || reader->left > 0) fprintf(shown->out, "%s(malformed)\n", indent);
}

static void show_batch(const struct shown *shown, struct reader *in) {
    while (in->rest.len > 0) {
        struct sub_batch_header header;
        if (!entry_read_sub_batch(in, &header)) return;
        fprintf(shown->out, "  ");
        show_incarnation(shown->out, &header.origin);
        fprintf(shown->out, ", sequence %" PRIu64 ", %" PRIu32 " commands\n", header.sequence,
            header.n_commands);
        struct command_reader reader = {0};
        command_reader_begin(&reader, &header);
        show_commands(shown, &reader, "    ", false);
        command_reader_free(&reader);
    }
}

/* -- the other kinds ------------------------------------------------------------------------- */

static void show_victims(const struct shown *shown, struct reader *in) {
    struct entry_victim victim;
    while (in->rest.len > 0 && entry_read_victim(in, &victim)) {
        fprintf(shown->out, "  evicts db %" PRIu32 " ", victim.db);
        show_word(shown->out, victim.key, shown->word_bytes);
        fprintf(shown->out, " of revision %" PRIu64 "\n", victim.revision);
    }
}

static void show_payload(const struct shown *shown, uint8_t kind, struct reader *in) {
    FILE *out = shown->out;
    struct incarnation incarnation;
    switch ((enum raft_entry_kind)kind) {
    case ENTRY_BATCH:
        show_batch(shown, in);
        break;
    case ENTRY_EVICTION:
        show_victims(shown, in);
        break;
    case ENTRY_WAITERS_REMOVED:
        while (in->rest.len >= 8) fprintf(out, "  waiters of node %016" PRIx64 "\n", read_u64(in));
        break;
    case ENTRY_INCARNATION:
        entry_read_incarnation(in, &incarnation);
        fprintf(out, "  ");
        show_incarnation(out, &incarnation);
        fputc('\n', out);
        break;
    case ENTRY_DISSOLVE:
        fprintf(out, "  into cluster ");
        show_word(out, read_string(in), 0);
        fprintf(out, " at ");
        show_word(out, read_string(in), 0);
        fprintf(out, " bus port %" PRIu64 "\n", read_varint(in));
        break;
    case ENTRY_FEATURE_LEVEL:
        fprintf(out, "  level %" PRIu64 "\n", read_varint(in));
        break;
    case ENTRY_NOOP:
    case ENTRY_CONFIGURATION:
    case ENTRY_TICK:
    case ENTRY_SETTING:
    case ENTRY_DIGEST_MARK:
        break;
    }
    if (!in->failed && in->rest.len > 0)
        fprintf(out, "  %zu more bytes that this build cannot read\n", in->rest.len);
}

void show_entry(const struct check *check, raft_index index, const struct entry_view *view) {
    struct shown shown = {.out = check->out,
        .word_bytes = WORD_BYTES_SHOWN,
        .words = WORDS_SHOWN,
        .commands = COMMANDS_SHOWN};
    if (check->options->whole_words)
        shown = (struct shown){.out = check->out, .words = UINT32_MAX, .commands = UINT32_MAX};
    struct bytes *payload = bytes_new(view->payload.data, view->payload.len);
    const struct raft_entry entry = {
        .index = index, .term = view->term, .kind = view->kind, .payload = payload};
    fprintf(check->out, "%" PRIu64 ":%08" PRIx32 " term %" PRIu64 " %s, %zu bytes\n", index,
        raft_entry_crc(&entry), view->term, kind_name(view->kind), view->payload.len);
    bytes_unref(payload);
    if (view->kind == ENTRY_NOOP) return;
    if (view->kind == ENTRY_CONFIGURATION) {
        show_configuration(check->out, "  ", view->payload);
        return;
    }
    struct reader in = reader_of(view->payload);
    show_stamp(check->out, &in);
    if (!in.failed) show_payload(&shown, view->kind, &in);
    if (in.failed) fprintf(check->out, "  (malformed)\n");
}
