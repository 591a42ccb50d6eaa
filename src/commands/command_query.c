/* COMMAND COUNT, LIST, GETKEYS, GETKEYSANDFLAGS, HELP. */
#include "commands/call.h"
#include "commands/command_docs.h"
#include "commands/functions.h"

void cmd_command_count(struct call *call) {
    int64_t n = 0;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        n += !command_is_subcommand(command) && (command->flags & CMD_INTERNAL) == 0;
    }
    reply_integer(call->reply, n);
}

void cmd_command_help(struct call *call) {
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe every command.",
        "COUNT",
        "    Count the commands.",
        "LIST [FILTERBY MODULE <name>|ACLCAT <category>|PATTERN <pattern>]",
        "    Name the commands.",
        "INFO [<command-name> ...]",
        "    Describe the named commands, or all.",
        "DOCS [<command-name> ...]",
        "    Document the named commands, or all.",
        "GETKEYS <full-command>",
        "    Pick the keys out of a whole command.",
        "GETKEYSANDFLAGS <full-command>",
        "    The same, with what the command does to each key.",
        NULL,
    };
    reply_help(call->reply, "COMMAND", lines);
}

/* -- LIST ------------------------------------------------------------------------------------ */

enum list_filter { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static bool list_options(struct call *call, enum list_filter *filter, struct slice *wanted) {
    *filter = LIST_ALL;
    bool good = call->argc == 2;
    if (call->argc == 5 && slice_is(call->argv[2], "filterby")) {
        if (slice_is(call->argv[3], "module"))
            *filter = LIST_MODULE;
        else if (slice_is(call->argv[3], "aclcat"))
            *filter = LIST_CATEGORY;
        else if (slice_is(call->argv[3], "pattern"))
            *filter = LIST_PATTERN;
        *wanted = call->argv[4];
        good = *filter != LIST_ALL;
    }
    if (!good) reply_error(call->reply, TEXT_SYNTAX);
    return good;
}

static bool list_accepts(
    const struct command *command, enum list_filter filter, struct slice wanted) {
    switch (filter) {
    case LIST_ALL:
        return true;
    case LIST_MODULE:
        return false; /* there are none */
    case LIST_PATTERN:
        return glob_match(wanted, slice_text(command->name), true);
    case LIST_CATEGORY:
        for (uint32_t bit = 1; command_category_name(bit) != NULL; bit <<= 1) {
            if (slice_is(wanted, command_category_name(bit)))
                return (command_categories(command) & bit) != 0;
        }
        return false;
    }
    SF_ASSERT(false);
    return false;
}

void cmd_command_list(struct call *call) {
    enum list_filter filter;
    struct slice wanted = {NULL, 0};
    if (!list_options(call, &filter, &wanted)) return;
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        if ((command->flags & CMD_INTERNAL) != 0 || !list_accepts(command, filter, wanted))
            continue;
        reply_bulk_text(call->reply, command->name);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

/* -- GETKEYS --------------------------------------------------------------------------------- */

/* Keys at a fixed place, or counted, must be there (PFMERGE with a destination alone has none
 * behind it); those behind a word need not. */
static bool keys_are_there(const struct command *command, uint32_t argc, const struct slice *argv) {
    if ((command->flags & CMD_NO_MANDATORY_KEYS) != 0) return true;
    for (const struct key_spec *spec = command->docs->key_specs; spec->begin_index != 0; spec++) {
        bool fixed = spec->keyword == NULL && spec->begin_index != KEY_ANYWHERE;
        if ((fixed || spec->counted) && key_spec_positions(spec, argc, argv, NULL, 0) == 0)
            return false;
    }
    return command_key_positions(command, argc, argv, NULL, 0) > 0;
}

static const struct key_spec *counted_spec(const struct command *command) {
    const struct key_spec *spec = command->docs->key_specs;
    while (spec->begin_index != 0 && !spec->counted) spec++;
    return spec->begin_index == 0 ? NULL : spec;
}

/* How many keys a count means that is no number: Redis then takes what it begins with (as C's atoi
 * does). 0: it is a number, or there are not so many arguments. */
static uint32_t loosely_counted(
    const struct command *command, uint32_t argc, const struct slice *argv) {
    const struct key_spec *spec = counted_spec(command);
    int64_t number;
    if (spec == NULL || (uint32_t)spec->begin_index >= argc) return 0;
    uint32_t place = (uint32_t)spec->begin_index;
    struct slice text = argv[place];
    if (int_parse(text, &number)) return 0;
    size_t at = 0;
    while (at < text.len && strchr(" \t\n\v\f\r", text.data[at]) != NULL && text.data[at] != 0)
        at++;
    if (at < text.len && text.data[at] == '+') at++;
    uint32_t n = 0;
    for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9' && n < argc; at++)
        n = n * 10 + (uint32_t)(text.data[at] - '0');
    return n < argc - place ? n : 0;
}

/* Such keys, without flags, and behind them what stands at a fixed place. */
static void reply_loose_keys(
    struct call *call, const struct command *command, uint32_t n_counted, bool with_flags) {
    const struct slice *argv = call->argv + 2;
    const struct key_spec *counted = counted_spec(command), *spec = command->docs->key_specs;
    struct reply_open open = reply_begin(call->reply);
    uint32_t n = 0, place = 0;
    for (uint32_t i = 0; i < n_counted; i++, n++) {
        if (with_flags) reply_array(call->reply, 2);
        reply_bulk(call->reply, argv[(uint32_t)counted->begin_index + 1 + i]);
        if (with_flags) reply_set(call->reply, 0);
    }
    for (; spec->begin_index != 0; spec++) {
        if (spec == counted || key_spec_positions(spec, call->argc - 2, argv, &place, 1) == 0)
            continue;
        if (with_flags) reply_array(call->reply, 2);
        reply_bulk(call->reply, argv[place]);
        if (with_flags) reply_set(call->reply, 0);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

/* The command that the arguments from argv[2] on make up, if its keys can be told; otherwise the
 * error was replied. */
static const struct command *command_asked_for(struct call *call) {
    const struct command *command = command_lookup(call->argc - 2, call->argv + 2);
    const char *error = NULL;
    if (command == NULL)
        error = "ERR Invalid command specified";
    else if (command->docs->key_specs == NULL)
        error = "ERR The command has no key arguments";
    else if (!command_arity_fits(command, call->argc - 2))
        error = "ERR Invalid number of arguments specified for command";
    else if (!keys_are_there(command, call->argc - 2, call->argv + 2) &&
             loosely_counted(command, call->argc - 2, call->argv + 2) == 0)
        error = "ERR Invalid arguments specified for command";
    if (error == NULL) return command;
    reply_error(call->reply, error);
    return NULL;
}

/* SET reads the old value only where GET stands among its options; BITFIELD writes only where it is
 * asked for more than GET. */
uint32_t command_key_flags(const struct command *command, const struct key_spec *spec,
    uint32_t argc, const struct slice *argv) {
    if ((spec->flags & KEY_VARIABLE_FLAGS) == 0) return spec->flags;
    if (command->id == COMMAND_BITFIELD) {
        bool reads = true;
        for (uint32_t i = 2; i < argc && reads;) {
            bool is_overflow = slice_is(argv[i], "overflow") && argc - i > 1;
            reads = is_overflow || (slice_is(argv[i], "get") && argc - i > 2);
            i += is_overflow ? 2 : 3;
        }
        return reads ? KEY_RO | KEY_ACCESS : KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    for (uint32_t i = 3; i < argc; i++) {
        if (slice_is(argv[i], "get")) return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_OW | KEY_UPDATE;
}

static void reply_keys(struct call *call, bool with_flags) {
    const struct command *command = command_asked_for(call);
    if (command == NULL) return;
    uint32_t argc = call->argc - 2;
    const struct slice *argv = call->argv + 2;
    uint32_t n_loose = loosely_counted(command, argc, argv);
    if (n_loose > 0) {
        reply_loose_keys(call, command, n_loose, with_flags);
        return;
    }
    uint32_t *positions = sf_alloc(argc * sizeof(*positions));
    reply_array(call->reply, command_key_positions(command, argc, argv, NULL, 0));
    for (const struct key_spec *spec = command->docs->key_specs; spec->begin_index != 0; spec++) {
        uint32_t n = key_spec_positions(spec, argc, argv, positions, argc);
        for (uint32_t i = 0; i < n; i++) {
            if (with_flags) reply_array(call->reply, 2);
            reply_bulk(call->reply, argv[positions[i]]);
            if (with_flags)
                reply_key_flags(call->reply, command_key_flags(command, spec, argc, argv));
        }
    }
    sf_free(positions);
}

void cmd_command_getkeys(struct call *call) {
    reply_keys(call, false);
}

void cmd_command_getkeysandflags(struct call *call) {
    reply_keys(call, true);
}
