/* Requests that are judged once more: AUTH with a password that no user has here, a command that
 * this node's users forbid. These users may be old; after a read round they are not (DESIGN 7,
 * "Access"). */
#include "node/internal.h"

struct again {
    const struct command *command;
    bool mute, caching;
    uint32_t argc;
    struct slice argv[];
};

/* What is behind it waits with it: it may change who the client is. */
void session_wait_again(struct session *session, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    struct pending *pending = pending_new(session, PENDING_AGAIN, command, argc, argv);
    session->barrier = true;
    reads_add(session->node, pending);
    session_wait_for_turn(session);
    node_wake(session->node);
}

void again_keep(const struct pending *pending) {
    size_t bytes = argv_bytes(pending->argc, pending->argv);
    struct again *again = sf_alloc(sizeof *again + bytes);
    *again = (struct again){.command = pending->command,
        .mute = pending->mute,
        .caching = pending->caching,
        .argc = pending->argc};
    char *at = (char *)(again->argv + pending->argc);
    for (uint32_t i = 0; i < pending->argc; i++) {
        struct slice word = pending->argv[i];
        if (word.len > 0) memcpy(at, word.data, word.len);
        again->argv[i] = slice_of(at, word.len);
        at += word.len;
    }
    SF_ASSERT(pending->session->again == NULL);
    pending->session->again = again;
}

/* As if it had just been parsed. */
void again_take(struct session *session) {
    struct again *again = session->again;
    session->again = NULL;
    if (session->close_now || session->close) {
        sf_free(again);
        return;
    }
    SF_MARK("access: a request is judged once more");
    session->came_again = true;
    session->reply_skip = again->mute && !session->reply_off;
    session->caching = again->caching;
    session_take(session, again->command, again->argc, again->argv);
    session->came_again = false;
    sf_free(again);
    session_changed(session);
    node_wake(session->node);
}

/* It was to be part of a transaction, or was its EXEC. */
void again_give_up(const struct pending *pending) {
    if (pending->command->id == COMMAND_EXEC) {
        transaction_forget(pending->session);
    } else {
        transaction_refuse(pending->session, pending->command, NULL);
    }
}

void session_end(struct session *session) {
    const struct pending *running = session->node->running;
    session->no_more = true;
    if (running != NULL && running->session == session) {
        session->quitting = true; /* it hears the answer first */
        session_wait_for_turn(session);
    } else {
        session->close_now = true;
    }
    session_changed(session);
}
