/* ACL: users are part of the state, so that changes go through the log and what shows them is a
 * read. */
#include "node/internal.h"
#include "util/number.h"

#include <stdio.h>

enum { GENPASS_BITS = 256, GENPASS_BITS_MAX = 4096 };

static const char no_file[] =
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
    "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
    "configuration file set) in order to store users in the Redis configuration.";

static void acl_genpass(struct local_call *call) {
    int64_t bits = GENPASS_BITS;
    if (call->argc == 3 && !int_parse(call->argv[2], &bits)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return;
    }
    if (call->argc > 3) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
        return;
    }
    if (bits <= 0 || bits > GENPASS_BITS_MAX) {
        reply_errorf(call->reply,
            "ERR ACL GENPASS argument must be the number of bits for the output password, a "
            "positive number up to %d",
            GENPASS_BITS_MAX);
        return;
    }
    uint8_t random[GENPASS_BITS_MAX / 8];
    char text[GENPASS_BITS_MAX / 4 + 1];
    call->node->ports.random_bytes(call->node->ports.context, random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) snprintf(text + 2 * i, 3, "%02x", random[i]);
    reply_bulk(call->reply, slice_of(text, (size_t)(bits + 3) / 4));
}

/* -- shown ----------------------------------------------------------------------------------- */

bool acl_wants_state(const struct command *command) {
    switch (command->id) {
    case COMMAND_ACL_DRYRUN:
    case COMMAND_ACL_GETUSER:
    case COMMAND_ACL_LIST:
    case COMMAND_ACL_SAVE:
    case COMMAND_ACL_USERS:
        return true;
    default:
        return false;
    }
}

static void acl_list(struct local_call *call, bool with_rules) {
    const struct acl *acl = node_acl(call->node);
    reply_array(call->reply, acl_count(acl));
    struct buf line = {0};
    for (uint32_t i = 0; i < acl_count(acl); i++) {
        const struct acl_user *user = acl_at(acl, i);
        buf_clear(&line);
        if (with_rules) buf_append_text(&line, "user ");
        buf_append_slice(&line, acl_user_name(user));
        if (with_rules) buf_append_char(&line, ' ');
        if (with_rules) acl_user_print(user, &line);
        reply_bulk(call->reply, buf_slice(&line));
    }
    buf_free(&line);
}

static void acl_getuser(struct local_call *call) {
    const struct acl_user *user = acl_find(node_acl(call->node), call->argv[2]);
    if (user == NULL)
        reply_null(call->reply);
    else
        acl_user_reply(user, call->reply);
}

static void acl_dryrun(struct local_call *call) {
    const struct acl *acl = node_acl(call->node);
    const struct acl_user *user = acl_find(acl, call->argv[2]);
    uint32_t argc = call->argc - 3, at;
    const struct slice *argv = call->argv + 3;
    if (user == NULL) {
        reply_errorf(call->reply, "ERR User '%.*s' not found", shown_bytes(call->argv[2], INT_MAX),
            call->argv[2].data);
        return;
    }
    const struct command *command = command_lookup(argc, argv);
    if (command == NULL) {
        reply_errorf(call->reply, "ERR Command '%.*s' not found", shown_bytes(argv[0], INT_MAX),
            argv[0].data);
        return;
    }
    if (!command_arity_fits(command, argc)) {
        reply_errorf(call->reply, "ERR wrong number of arguments for '%s' command", command->name);
        return;
    }
    enum acl_verdict verdict = acl_check(user, command, argc, argv, &at);
    if (verdict == ACL_ALLOWED) {
        reply_status(call->reply, "OK");
        return;
    }
    struct buf text = {0};
    struct slice object = verdict == ACL_DENIED_COMMAND ? argv[0] : argv[at];
    acl_denial_print(&text, verdict, user, command, object, true);
    reply_bulk(call->reply, buf_slice(&text));
    buf_free(&text);
}

static void acl_whoami(struct local_call *call) {
    const struct acl_user *user = access_user(call->session);
    if (user == NULL)
        reply_null(call->reply);
    else
        reply_bulk(call->reply, acl_user_name(user));
}

/* -- changed --------------------------------------------------------------------------------- */

bool acl_rule_text(void *context, uint32_t rule, struct buf *out) {
    const struct node *node = context;
    const struct pending *pending = node->running;
    if (pending == NULL || pending->command->id != COMMAND_ACL_SETUSER) return false;
    struct acl_rules rules;
    uint32_t failed;
    bool found =
        acl_rules_join(&rules, pending->argc - 3, pending->argv + 3, &failed) && rule < rules.n;
    if (found) buf_append_slice(out, rules.items[rule]);
    acl_rules_free(&rules);
    return found;
}

uint32_t acl_change_words(const struct command *command, uint32_t argc, const struct slice *argv,
    struct buf *text, struct slice **words) {
    bool sets = command->id == COMMAND_ACL_SETUSER;
    struct slice *out = sf_alloc((argc + 1) * sizeof *out);
    size_t *ends = sf_alloc(argc * sizeof *ends);
    for (uint32_t i = 3; sets && i < argc; i++) {
        acl_rule_conceal(argv[i], text);
        ends[i] = text->len;
    }
    out[0] = SLICE("shardforge.acl");
    out[1] = sets ? SLICE("set") : SLICE("del");
    size_t begin = 0;
    for (uint32_t i = 2; i < argc; i++) {
        out[i] = argv[i];
        if (!sets || i == 2) continue;
        out[i] = slice_of(buf_slice(text).data + begin, ends[i] - begin);
        begin = ends[i];
    }
    sf_free(ends);
    *words = out;
    return argc;
}

static void acl_change(struct local_call *call) {
    struct slice *words;
    struct buf text = {0};
    uint32_t n = acl_change_words(call->command, call->argc, call->argv, &text, &words);
    call->pending->kind = PENDING_WRITE;
    stream_add(call->node, call->pending, 0, n, words);
    buf_free(&text);
    sf_free(words);
}

/* -- the aclfile ----------------------------------------------------------------------------- */

static void acl_load(struct local_call *call) {
    struct node *node = call->node;
    struct buf text = {0}, errors = {0};
    const struct node_ports *ports = &node->ports;
    const char *path =
        ports->acl_file_read == NULL ? NULL : ports->acl_file_read(ports->context, &text, &errors);
    struct acl *users = acl_new();
    acl_set_channels_default(users, acl_channels_default(node_acl(node)));
    if (path == NULL) {
        reply_error(call->reply, no_file);
    } else if (errors.len > 0) {
        reply_errorf(
            call->reply, "ERR Error loading ACLs, %.*s", (int)errors.len, buf_slice(&errors).data);
    } else if (!acl_text_read(users, buf_slice(&text), path, &errors)) {
        reply_errorf(call->reply,
            "ERR %.*sWARNING: ACL errors detected, no change to the previously active ACL rules "
            "was performed",
            (int)errors.len, buf_slice(&errors).data);
    } else {
        struct slice *words;
        struct buf rules = {0};
        uint32_t n = acl_words(users, "load", &rules, &words);
        call->pending->kind = PENDING_WRITE;
        stream_add(node, call->pending, 0, n, words);
        buf_free(&rules);
        sf_free(words);
    }
    acl_free(users);
    buf_free(&text);
    buf_free(&errors);
}

static void acl_save(struct local_call *call) {
    struct buf text = {0}, error = {0};
    const struct node_ports *ports = &call->node->ports;
    acl_text_print(node_acl(call->node), &text);
    bool configured = ports->acl_file_write != NULL &&
                      ports->acl_file_write(ports->context, buf_slice(&text), &error);
    if (!configured) {
        reply_error(call->reply, no_file);
    } else if (error.len > 0) {
        node_log(call->node, LOG_WARNING, "ACL SAVE: %.*s", (int)error.len, buf_slice(&error).data);
        reply_error(call->reply, "ERR There was an error trying to save the ACLs. Please check the "
                                 "server logs for more information");
    } else {
        reply_status(call->reply, "OK");
    }
    buf_free(&text);
    buf_free(&error);
}

void acl_seed(struct node *node) {
    if (acl_revision(node->access.file) == 0) return;
    struct slice *words;
    struct buf text = {0};
    uint32_t n = acl_words(node->access.file, "seed", &text, &words);
    stream_add(node, NULL, 0, n, words);
    buf_free(&text);
    sf_free(words);
}

/* -------------------------------------------------------------------------------------------- */

static const char *const acl_help[] = {"CAT [<category>]",
    "    List the categories of commands, or the commands of one.",
    "DELUSER <username> [<username> ...]", "    Remove users; their connections end.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Tell whether a user may run a command, without running it.", "GENPASS [<bits>]",
    "    Make a random password, of 256 bits unless told.", "GETUSER <username>",
    "    Show the rules of a user.", "LIST",
    "    Show the rules of all users as lines of a configuration file.", "LOAD",
    "    Replace all users by those of the aclfile of this node.", "LOG [<count> | RESET]",
    "    Show what was denied of late to clients of this node.", "SAVE",
    "    Write the users into the aclfile of this node.",
    "SETUSER <username> <attribute> [<attribute> ...]", "    Make or change a user.", "USERS",
    "    Name the users.", "WHOAMI", "    Name the user of this connection.", NULL};

void local_acl(struct local_call *call) {
    switch (call->command->id) {
    case COMMAND_ACL_DELUSER:
    case COMMAND_ACL_SETUSER:
        acl_change(call);
        break;
    case COMMAND_ACL_DRYRUN:
        acl_dryrun(call);
        break;
    case COMMAND_ACL_GENPASS:
        acl_genpass(call);
        break;
    case COMMAND_ACL_GETUSER:
        acl_getuser(call);
        break;
    case COMMAND_ACL_LIST:
    case COMMAND_ACL_USERS:
        acl_list(call, call->command->id == COMMAND_ACL_LIST);
        break;
    case COMMAND_ACL_LOAD:
        acl_load(call);
        break;
    case COMMAND_ACL_LOG:
        local_acl_log(call);
        break;
    case COMMAND_ACL_SAVE:
        acl_save(call);
        break;
    case COMMAND_ACL_WHOAMI:
        acl_whoami(call);
        break;
    default:
        reply_help(call->reply, "ACL", acl_help);
    }
}
