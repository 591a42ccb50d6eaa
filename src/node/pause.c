/* CLIENT PAUSE: requests of this node's clients wait, all of them or those that write. */
#include "node/internal.h"

static bool is_on(const struct node *node) {
    return node->now_us < node->pause_until_us;
}

static bool may_write(const struct session *session, const struct command *command) {
    if (command->id == COMMAND_EXEC) return transaction_writes(session);
    return (command->flags & CMD_WRITE) != 0 || command->id == COMMAND_PUBLISH ||
           command->id == COMMAND_SPUBLISH;
}

bool pause_holds(struct session *session, uint32_t argc, const struct slice *argv) {
    const struct node *node = session->node;
    session->paused = false;
    if (!is_on(node)) return false;
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL || !command_arity_fits(command, argc)) return false; /* only an error */
    session->paused = node->pause_all || may_write(session, command);
    return session->paused;
}

bool pause_is_over(const struct session *session) {
    return !session->paused || !is_on(session->node);
}

int64_t pause_deadline_us(const struct node *node) {
    return is_on(node) ? node->pause_until_us : INT64_MAX;
}

void local_pause(struct local_call *call) {
    struct node *node = call->node;
    int64_t timeout_ms;
    bool write = call->argc == 4 && slice_is(call->argv[3], "write");
    if (call->argc > 4) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
    } else if (call->argc == 4 && !write && !slice_is(call->argv[3], "all")) {
        reply_error(call->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    } else if (!int_parse(call->argv[2], &timeout_ms)) {
        reply_error(call->reply, "ERR timeout is not an integer or out of range");
    } else if (timeout_ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
    } else {
        /* two pauses at once: the later end, and all where one says so */
        node->pause_all = !write || (is_on(node) && node->pause_all);
        bool endless = timeout_ms > INT64_MAX / 2000 - node->now_us / 1000;
        int64_t until_us = endless ? INT64_MAX : node->now_us + timeout_ms * 1000;
        node->pause_until_us = SF_MAX(node->pause_until_us, until_us);
        reply_status(call->reply, "OK");
    }
}

void local_unpause(struct local_call *call) {
    call->node->pause_until_us = 0;
    node_wake(call->node); /* who waited goes on */
    reply_status(call->reply, "OK");
}
