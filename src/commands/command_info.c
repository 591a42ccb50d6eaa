/* COMMAND, COMMAND INFO and COMMAND DOCS: rows of the table as replies. */
#include "commands/command_docs.h"
#include "commands/functions.h"

struct flag_name {
    uint32_t flag;
    const char *name;
};

/* In the order in which Redis prints them. */
static const struct flag_name command_flag_names[] = {{CMD_WRITE, "write"}, {CMD_READ, "readonly"},
    {CMD_GROWS, "denyoom"}, {CMD_ADMIN, "admin"}, {CMD_PUBSUB, "pubsub"},
    {CMD_NOSCRIPT, "noscript"}, {CMD_BLOCKING, "blocking"}, {CMD_LOADING, "loading"},
    {CMD_STALE, "stale"}, {CMD_SKIP_MONITOR, "skip_monitor"}, {CMD_SKIP_SLOWLOG, "skip_slowlog"},
    {CMD_FAST, "fast"}, {CMD_NO_AUTH, "no_auth"}, {CMD_NO_ASYNC_LOADING, "no_async_loading"},
    {CMD_NO_MULTI, "no_multi"}, {CMD_NO_MANDATORY_KEYS, "no_mandatory_keys"},
    {CMD_MOVABLE_KEYS, "movablekeys"}, {CMD_ALLOW_BUSY, "allow_busy"}, {0, NULL}};

static const struct flag_name key_flag_names[] = {{KEY_RO, "RO"}, {KEY_RW, "RW"}, {KEY_OW, "OW"},
    {KEY_RM, "RM"}, {KEY_ACCESS, "access"}, {KEY_UPDATE, "update"}, {KEY_INSERT, "insert"},
    {KEY_DELETE, "delete"}, {KEY_NOT_KEY, "not_key"}, {KEY_INCOMPLETE, "incomplete"},
    {KEY_VARIABLE_FLAGS, "variable_flags"}, {0, NULL}};

static const struct flag_name docs_flag_names[] = {
    {DOC_DEPRECATED, "deprecated"}, {DOC_SYSCMD, "syscmd"}, {0, NULL}};

static const struct flag_name argument_flag_names[] = {{ARG_OPTIONAL, "optional"},
    {ARG_MULTIPLE, "multiple"}, {ARG_MULTIPLE_TOKEN, "multiple_token"}, {0, NULL}};

static void reply_flags(struct reply *reply, uint32_t flags, const struct flag_name *names) {
    uint64_t n = 0;
    for (size_t i = 0; names[i].name != NULL; i++) n += (flags & names[i].flag) != 0;
    reply_set(reply, n);
    for (size_t i = 0; names[i].name != NULL; i++) {
        if ((flags & names[i].flag) != 0) reply_status(reply, names[i].name);
    }
}

void reply_key_flags(struct reply *reply, uint32_t flags) {
    reply_flags(reply, flags, key_flag_names);
}

static void reply_field(struct reply *reply, const char *name, const char *value) {
    reply_bulk_text(reply, name);
    reply_bulk_text(reply, value);
}

static void reply_number_field(struct reply *reply, const char *name, int64_t value) {
    reply_bulk_text(reply, name);
    reply_integer(reply, value);
}

/* -- COMMAND INFO ---------------------------------------------------------------------------- */

static void reply_categories(struct reply *reply, uint32_t categories) {
    reply_set(reply, (uint64_t)__builtin_popcount(categories));
    for (uint32_t bit = 1; command_category_name(bit) != NULL; bit <<= 1) {
        if ((categories & bit) == 0) continue;
        char text[32] = "@";
        strncat(text, command_category_name(bit), sizeof(text) - 2);
        reply_status(reply, text);
    }
}

static void reply_tips(struct reply *reply, const char *const *tips) {
    uint64_t n = 0;
    while (tips != NULL && tips[n] != NULL) n++;
    reply_set(reply, n);
    for (uint64_t i = 0; i < n; i++) reply_bulk_text(reply, tips[i]);
}

static void reply_unknown_search(struct reply *reply, const char *step) {
    reply_bulk_text(reply, step);
    reply_map(reply, 2);
    reply_field(reply, "type", "unknown");
    reply_bulk_text(reply, "spec");
    reply_map(reply, 0);
}

static void reply_key_spec(struct reply *reply, const struct key_spec *spec) {
    reply_map(reply, spec->notes == NULL ? 3 : 4);
    if (spec->notes != NULL) reply_field(reply, "notes", spec->notes);
    reply_bulk_text(reply, "flags");
    reply_key_flags(reply, spec->flags);
    if (spec->begin_index == KEY_ANYWHERE) {
        reply_unknown_search(reply, "begin_search");
        reply_unknown_search(reply, "find_keys");
        return;
    }
    reply_bulk_text(reply, "begin_search");
    reply_map(reply, 2);
    reply_field(reply, "type", spec->keyword != NULL ? "keyword" : "index");
    reply_bulk_text(reply, "spec");
    reply_map(reply, spec->keyword != NULL ? 2 : 1);
    if (spec->keyword != NULL) reply_field(reply, "keyword", spec->keyword);
    reply_number_field(reply, spec->keyword != NULL ? "startfrom" : "index", spec->begin_index);
    reply_bulk_text(reply, "find_keys");
    reply_map(reply, 2);
    reply_field(reply, "type", spec->counted ? "keynum" : "range");
    reply_bulk_text(reply, "spec");
    reply_map(reply, 3);
    if (spec->counted) { /* relative to the begin: the number, the first key */
        reply_number_field(reply, "keynumidx", 0);
        reply_number_field(reply, "firstkey", 1);
        reply_number_field(reply, "keystep", spec->step);
        return;
    }
    reply_number_field(reply, "lastkey", spec->last);
    reply_number_field(reply, "keystep", spec->step);
    reply_number_field(reply, "limit",
        spec->keyword != NULL && spec->last < 0 ? 2 : 0); /* half of what is there */
}

static void reply_key_specs(struct reply *reply, const struct key_spec *specs) {
    uint64_t n = 0;
    while (specs != NULL && specs[n].begin_index != 0) n++;
    reply_set(reply, n);
    for (uint64_t i = 0; i < n; i++) reply_key_spec(reply, &specs[i]);
}

/* Subcommands have none of their own: the recursion is one level deep. */
static void reply_info(struct reply *reply, const struct command *command) {
    reply_array(reply, 10);
    reply_bulk(reply, slice_of(command->name, command->name_len));
    reply_integer(reply, command->arity);
    reply_flags(reply, command->flags, command_flag_names);
    reply_integer(reply, command->first_key);
    reply_integer(reply, command->last_key);
    reply_integer(reply, command->key_step);
    reply_categories(reply, command_categories(command));
    reply_tips(reply, command->docs->tips);
    reply_key_specs(reply, command->docs->key_specs);
    if (command->n_subcommands == 0) {
        reply_set(reply, 0);
        return;
    }
    reply_array(reply, command->n_subcommands);
    for (uint32_t i = 0; i < command->n_subcommands; i++)
        reply_info(reply, &command->subcommands[i]);
}

static bool is_shown_at_top(const struct command *command) {
    return !command_is_subcommand(command) && (command->flags & CMD_INTERNAL) == 0;
}

void cmd_command(struct call *call) {
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t id = 0; id < command_count(); id++) {
        if (!is_shown_at_top(command_by_id(id))) continue;
        reply_info(call->reply, command_by_id(id));
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

void cmd_command_info(struct call *call) {
    if (call->argc == 2) {
        cmd_command(call);
        return;
    }
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        const struct command *command = command_by_full_name(call->argv[i]);
        if (command == NULL)
            reply_null(call->reply);
        else
            reply_info(call->reply, command);
    }
}

/* -- COMMAND DOCS ---------------------------------------------------------------------------- */

static const char *argument_type_name(enum argument_type type) {
    switch (type) {
    case ARG_STRING:
        return "string";
    case ARG_INTEGER:
        return "integer";
    case ARG_DOUBLE:
        return "double";
    case ARG_KEY:
        return "key";
    case ARG_PATTERN:
        return "pattern";
    case ARG_UNIX_TIME:
        return "unix-time";
    case ARG_TOKEN:
        return "pure-token";
    case ARG_ONEOF:
        return "oneof";
    case ARG_BLOCK:
        return "block";
    }
    SF_ASSERT(false);
    return NULL;
}

static void reply_arguments(struct reply *reply, const struct argument *arguments);

static void reply_argument(struct reply *reply, const struct argument *argument) {
    bool nests = argument->arguments != NULL;
    bool is_key = argument->type == ARG_KEY || argument->key_spec > 0; /* or makes keys: SORT */
    reply_map(reply, 3u + is_key + (argument->token != NULL) + (argument->since != NULL) +
                         (argument->deprecated_since != NULL) + (argument->flags != 0));
    reply_field(reply, "name", argument->name);
    reply_field(reply, "type", argument_type_name(argument->type));
    if (!nests) reply_field(reply, "display_text", argument->name);
    if (is_key) reply_number_field(reply, "key_spec_index", argument->key_spec);
    if (argument->token != NULL) reply_field(reply, "token", argument->token);
    if (argument->since != NULL) reply_field(reply, "since", argument->since);
    if (argument->deprecated_since != NULL)
        reply_field(reply, "deprecated_since", argument->deprecated_since);
    if (argument->flags != 0) {
        reply_bulk_text(reply, "flags");
        reply_flags(reply, argument->flags, argument_flag_names);
    }
    if (nests) {
        reply_bulk_text(reply, "arguments");
        reply_arguments(reply, argument->arguments);
    }
}

/* As deep as the constants in docs_*.c nest. */
static void reply_arguments(struct reply *reply, const struct argument *arguments) {
    uint64_t n = 0;
    while (arguments[n].name != NULL) n++;
    reply_array(reply, n);
    for (uint64_t i = 0; i < n; i++) reply_argument(reply, &arguments[i]);
}

static void reply_docs(struct reply *reply, const struct command *command) {
    const struct command_docs *docs = command->docs;
    struct reply_open open = reply_begin(reply);
    uint64_t n = 3;
    reply_field(reply, "summary", docs->summary);
    reply_field(reply, "since", docs->since);
    reply_field(reply, "group", docs->group);
    const struct {
        const char *name, *value;
    } texts[] = {{"complexity", docs->complexity}, {"deprecated_since", docs->deprecated_since},
        {"replaced_by", docs->replaced_by}};
    for (size_t i = 0; i < SF_LENGTH(texts); i++) {
        if (i == 1 && docs->flags != 0) { /* Redis's order */
            reply_bulk_text(reply, "doc_flags");
            reply_flags(reply, docs->flags, docs_flag_names);
            n++;
        }
        if (texts[i].value == NULL) continue;
        reply_field(reply, texts[i].name, texts[i].value);
        n++;
    }
    if (docs->arguments != NULL) {
        reply_bulk_text(reply, "arguments");
        reply_arguments(reply, docs->arguments);
        n++;
    }
    if (command->n_subcommands > 0) {
        reply_bulk_text(reply, "subcommands");
        reply_map(reply, command->n_subcommands);
        for (uint32_t i = 0; i < command->n_subcommands; i++) {
            reply_bulk_text(reply, command->subcommands[i].name);
            reply_docs(reply, &command->subcommands[i]);
        }
        n++;
    }
    reply_end(reply, open, REPLY_MAP, n);
}

void cmd_command_docs(struct call *call) {
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    bool all = call->argc == 2;
    uint32_t n_asked = all ? command_count() : call->argc - 2;
    for (uint32_t i = 0; i < n_asked; i++) {
        const struct command *command =
            all ? command_by_id(i) : command_by_full_name(call->argv[i + 2]);
        if (command == NULL || (all && !is_shown_at_top(command))) continue;
        reply_bulk_text(call->reply, command->name);
        reply_docs(call->reply, command);
        n++;
    }
    reply_end(call->reply, open, REPLY_MAP, n);
}
