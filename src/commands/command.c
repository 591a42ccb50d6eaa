/* What is asked of any command before and around its run. */
#include "commands/call.h"
#include "commands/command_docs.h"

#define ERROR_SHOWN_BYTES 128 /* of what the client sent, in an error text */

enum command_route command_route(const struct command *command) {
    if ((command->flags & CMD_LOCAL) != 0) return ROUTE_LOCAL;
    return (command->flags & (CMD_WRITE | CMD_LOGGED)) != 0 ? ROUTE_WRITE : ROUTE_READ;
}

void call_run(struct call *call) {
    const uint32_t writes = call->command->flags & (CMD_WRITE | CMD_INTERNAL);
    if (call->refuses_writes && writes == CMD_WRITE) {
        reply_error(call->reply, TEXT_READONLY);
        return;
    }
    if (call->oom && (call->command->flags & CMD_GROWS) != 0) {
        reply_error(call->reply, "OOM command not allowed when used memory > 'maxmemory'.");
        return;
    }
    bool reads = (call->told & EVENT_READS) != 0 && (call->command->flags & CMD_READ) != 0;
    if (reads) call->watcher->read(call->watcher->context, call);
    call->command->run(call);
}

static void refuse_unknown(uint32_t argc, const struct slice *argv, struct reply *reply) {
    struct buf shown = {0};
    for (uint32_t i = 1; i < argc && shown.len < ERROR_SHOWN_BYTES; i++) {
        int len = shown_bytes(argv[i], ERROR_SHOWN_BYTES - shown.len);
        buf_append_char(&shown, '\'');
        if (len > 0) buf_append(&shown, argv[i].data, (size_t)len);
        buf_append_text(&shown, "' ");
    }
    struct slice arguments = buf_slice(&shown);
    reply_errorf(reply, "ERR unknown command '%.*s', with args beginning with: %.*s",
        shown_bytes(argv[0], ERROR_SHOWN_BYTES), argv[0].data, (int)arguments.len,
        arguments.len == 0 ? "" : arguments.data);
    buf_free(&shown);
}

static void refuse_unknown_subcommand(
    const struct command *container, const struct slice *argv, struct reply *reply) {
    char upper[COMMAND_NAME_BYTES];
    for (size_t i = 0; i < sizeof(upper); i++) {
        char c = container->name[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    }
    reply_errorf(reply, "ERR unknown subcommand '%.*s'. Try %s HELP.",
        shown_bytes(argv[1], ERROR_SHOWN_BYTES), argv[1].data, upper);
}

bool command_arity_fits(const struct command *command, uint32_t argc) {
    int64_t arity = command->arity;
    return arity >= 0 ? argc == arity : argc >= -arity;
}

const struct command *command_check(uint32_t argc, const struct slice *argv, struct reply *reply) {
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL) {
        const struct command *container = command_lookup(1, argv);
        if (container == NULL)
            refuse_unknown(argc, argv, reply);
        else
            refuse_unknown_subcommand(container, argv, reply);
        return NULL;
    }
    if (!command_arity_fits(command, argc)) {
        reply_errorf(reply, "ERR wrong number of arguments for '%s' command", command->name);
        return NULL;
    }
    return command;
}

uint32_t command_categories(const struct command *command) {
    uint32_t flags = command->flags, categories = command->categories;
    categories |= (flags & CMD_FAST) != 0 ? CAT_FAST : CAT_SLOW;
    if ((flags & CMD_WRITE) != 0) categories |= CAT_WRITE;
    /* what EVAL_RO may run is more than reading */
    if ((flags & CMD_READ) != 0 && (categories & CAT_SCRIPTING) == 0) categories |= CAT_READ;
    if ((flags & CMD_ADMIN) != 0) categories |= CAT_ADMIN | CAT_DANGEROUS;
    if ((flags & CMD_PUBSUB) != 0) categories |= CAT_PUBSUB;
    if ((flags & CMD_BLOCKING) != 0) categories |= CAT_BLOCKING;
    return categories;
}

const char *command_category_name(uint32_t bit) {
    static const char *const names[] = {"keyspace", "read", "write", "set", "sortedset", "list",
        "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub", "admin", "fast",
        "slow", "blocking", "dangerous", "connection", "transaction", "scripting"};
    for (uint32_t i = 0; i < SF_LENGTH(names); i++) {
        if (bit == 1u << i) return names[i];
    }
    return NULL;
}

/* The last of the counted keys, where the count is one and there are so many arguments. */
static int64_t last_counted(const struct key_spec *spec, uint32_t argc, const struct slice *argv) {
    int64_t at = spec->begin_index, n = 0;
    bool is_good = at < argc && int_parse(argv[at], &n) && n > 0 && n < argc - at;
    return is_good ? at + n : at;
}

/* Where the key behind the last such option stands; 0: nowhere. Words that are arguments of other
 * options are no options. */
static uint32_t key_behind(const char *word, uint32_t argc, const struct slice *argv) {
    uint32_t found = 0;
    for (uint32_t i = 2; i + 1 < argc; i++) {
        if (slice_is(argv[i], "limit"))
            i += 2;
        else if (slice_is(argv[i], "get") || slice_is(argv[i], "by"))
            i++;
        else if (slice_is(argv[i], word))
            found = i + 1;
    }
    return found;
}

/* The keys behind the first such word: one, or of XREAD's STREAMS the first half of what is there.
 */
static uint32_t keys_by_word(const struct key_spec *spec, uint32_t argc, const struct slice *argv,
    uint32_t *out, uint32_t max) {
    bool from_end = spec->begin_index < 0; /* MIGRATE's: all that is there are keys */
    uint32_t at = from_end ? 1 : (uint32_t)spec->begin_index;
    while (at < argc && !slice_is(argv[at], spec->keyword)) at++;
    uint32_t there = at < argc ? argc - at - 1 : 0;
    uint32_t n = from_end ? there : spec->last < 0 ? there / 2 : there > 0;
    for (uint32_t i = 0; i < n && i < max; i++) out[i] = at + 1 + i;
    return n;
}

uint32_t key_spec_positions(const struct key_spec *spec, uint32_t argc, const struct slice *argv,
    uint32_t *out, uint32_t max) {
    if (spec->begin_index == KEY_ANYWHERE) {
        uint32_t at = spec->behind == NULL ? 0 : key_behind(spec->behind, argc, argv);
        if (at != 0 && max > 0) out[0] = at;
        return at != 0;
    }
    if (spec->keyword != NULL) return keys_by_word(spec, argc, argv, out, max);
    int64_t first = spec->begin_index;
    int64_t last = spec->last >= 0 ? first + spec->last : (int64_t)argc + spec->last;
    if (spec->counted) last = last_counted(spec, argc, argv);
    first += spec->counted;
    uint32_t count = 0;
    for (int64_t at = first; at <= last && at < argc; at += spec->step) {
        if (count < max) out[count] = (uint32_t)at;
        count++;
    }
    return count;
}

uint32_t command_key_positions(const struct command *command, uint32_t argc,
    const struct slice *argv, uint32_t *out, uint32_t max) {
    uint32_t count = 0;
    const struct key_spec *spec = command->docs->key_specs;
    for (; spec != NULL && spec->begin_index != 0; spec++) {
        uint32_t skip = SF_MIN(count, max);
        count += key_spec_positions(spec, argc, argv, out == NULL ? NULL : out + skip, max - skip);
    }
    return count;
}
