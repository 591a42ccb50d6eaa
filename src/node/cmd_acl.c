/* What there is of ACL: one user, `default`, whose password is requirepass. */
#include "node/internal.h"

#include <openssl/sha.h>
#include <stdio.h>

enum { GENPASS_BITS = 256, GENPASS_BITS_MAX = 4096, DIGEST_TEXT = 2 * SHA256_DIGEST_LENGTH + 1 };

static void acl_genpass(struct local_call *call) {
    int64_t bits = GENPASS_BITS;
    if (call->argc == 3 && !int_parse(call->argv[2], &bits)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return;
    }
    if (call->argc > 3) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
            (int)call->argv[1].len, call->argv[1].data);
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

/* false: it has none. */
static bool password_digest(const struct node *node, char out[DIGEST_TEXT]) {
    struct slice password = node_requirepass(node);
    uint8_t digest[SHA256_DIGEST_LENGTH];
    if (password.len == 0) return false;
    SHA256((const unsigned char *)password.data, password.len, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

static void acl_list(struct local_call *call) {
    char digest[DIGEST_TEXT], line[DIGEST_TEXT + 80];
    bool has_password = password_digest(call->node, digest);
    snprintf(line, sizeof line, "user default on %s%s sanitize-payload ~* &* +@all",
        has_password ? "#" : "nopass", has_password ? digest : "");
    reply_array(call->reply, 1);
    reply_bulk_text(call->reply, line);
}

static void acl_getuser(struct local_call *call) {
    struct reply *reply = call->reply;
    if (!slice_equal(call->argv[2], SLICE("default"))) {
        reply_null(reply);
        return;
    }
    char digest[DIGEST_TEXT];
    bool has_password = password_digest(call->node, digest);
    reply_map(reply, 6);
    reply_bulk_text(reply, "flags");
    reply_set(reply, has_password ? 2 : 3);
    reply_bulk_text(reply, "on");
    if (!has_password) reply_bulk_text(reply, "nopass");
    reply_bulk_text(reply, "sanitize-payload");
    reply_bulk_text(reply, "passwords");
    reply_array(reply, has_password);
    if (has_password) reply_bulk_text(reply, digest);
    reply_bulk_text(reply, "commands");
    reply_bulk_text(reply, "+@all");
    reply_bulk_text(reply, "keys");
    reply_bulk_text(reply, "~*");
    reply_bulk_text(reply, "channels");
    reply_bulk_text(reply, "&*");
    reply_bulk_text(reply, "selectors");
    reply_array(reply, 0);
}

void local_acl(struct local_call *call) {
    static const char *const help[] = {"CAT [<category>]",
        "    List the categories of commands, or the commands of one.", "GENPASS [<bits>]",
        "    Make a random password, of 256 bits unless told.", "GETUSER <username>",
        "    Show the rules of a user.", "LIST",
        "    Show the rules of all users as lines of a configuration file.", "USERS",
        "    Name the users.", "WHOAMI", "    Name the user of this connection.", NULL};
    if (call->command->id == COMMAND_ACL_WHOAMI) {
        reply_bulk_text(call->reply, "default");
    } else if (call->command->id == COMMAND_ACL_USERS) {
        reply_array(call->reply, 1);
        reply_bulk_text(call->reply, "default");
    } else if (call->command->id == COMMAND_ACL_LIST) {
        acl_list(call);
    } else if (call->command->id == COMMAND_ACL_GETUSER) {
        acl_getuser(call);
    } else if (call->command->id == COMMAND_ACL_GENPASS) {
        acl_genpass(call);
    } else {
        reply_help(call->reply, "ACL", help);
    }
}
