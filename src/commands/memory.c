/* MEMORY USAGE, ACL CAT: what can be told from the state or the table alone. */
#include "commands/call.h"
#include "commands/functions.h"
#include "keyspace/eviction.h"

/* Redis estimates large values by samples; ours are counted, so that SAMPLES is only checked. */
static bool samples_are_good(struct call *call) {
    for (uint32_t i = 3; i < call->argc; i += 2) {
        int64_t samples;
        bool is_option = slice_is(call->argv[i], "samples") && i + 1 < call->argc;
        if (is_option && !call_integer(call, call->argv[i + 1], &samples)) return false;
        if (!is_option || samples < 0) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

void cmd_memory_usage(struct call *call) {
    if (!samples_are_good(call)) return;
    const struct object *object = call_look_at(call, call->db, call->argv[2]);
    if (object == NULL)
        reply_null(call->reply);
    else
        reply_integer(call->reply, (int64_t)object_memory_bytes(object));
}

/* -- ACL CAT --------------------------------------------------------------------------------- */

static uint32_t category_of(struct slice name) {
    for (uint32_t bit = 1; command_category_name(bit) != NULL; bit <<= 1) {
        if (slice_is(name, command_category_name(bit))) return bit;
    }
    return 0;
}

static void reply_commands_of(struct call *call, uint32_t category) {
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        if ((command->flags & CMD_INTERNAL) != 0 || command->n_subcommands > 0) continue;
        if ((command_categories(command) & category) == 0) continue;
        reply_bulk_text(call->reply, command->name);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

void cmd_acl_cat(struct call *call) {
    uint32_t n = 0;
    if (call->argc > 3) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
        return;
    }
    if (call->argc == 3) {
        uint32_t category = category_of(call->argv[2]);
        if (category != 0)
            reply_commands_of(call, category);
        else
            reply_errorf(call->reply, "ERR Unknown category '%.*s'",
                shown_bytes(call->argv[2], 128), call->argv[2].data);
        return;
    }
    while (command_category_name(1u << n) != NULL) n++;
    reply_array(call->reply, n);
    for (uint32_t i = 0; i < n; i++) reply_bulk_text(call->reply, command_category_name(1u << i));
}
