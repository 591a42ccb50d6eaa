/* Users and what they may do (Redis's ACL). Part of the replicated state: the engine holds one and
 * changes it by the log; a node asks it before it takes a request (DESIGN 7, "Access").
 *
 * A user has flags, passwords (as SHA-256 alone) and selectors. The first selector, the root, is
 * made by plain rules, each other one by a rule in parentheses; a request is allowed where one of
 * them allows all of it: the command, its keys, its channels. */
#ifndef SF_COMMANDS_ACL_H
#define SF_COMMANDS_ACL_H

#include "commands/command.h"
#include "util/codec.h"

struct acl;
struct acl_user;

#define ACL_NOBODY ((uint64_t)0)
#define ACL_DEFAULT_ID ((uint64_t)1) /* of the user `default`, who is always there */

struct acl *acl_new(void);      /* the default user alone, who may do anything without a password */
void acl_free(struct acl *acl); /* NULL is allowed */

/* Grows with every change; 0: nothing was ever changed. */
uint64_t acl_revision(const struct acl *acl);
/* Whether the default user is restricted (or must not act at all). */
bool acl_default_is_restricted(const struct acl *acl);

/* -- users ----------------------------------------------------------------------------------- */

const struct acl_user *acl_find(const struct acl *acl, struct slice name); /* or NULL */
const struct acl_user *acl_find_id(const struct acl *acl, uint64_t id);    /* or NULL */
uint32_t acl_count(const struct acl *acl);
const struct acl_user *acl_at(const struct acl *acl, uint32_t i); /* in the order of names */
/* Whose permissions hold for an id: NULL where nothing is forbidden; somebody who may do nothing
 * where the user is gone. */
const struct acl_user *acl_restricted(const struct acl *acl, uint64_t id);

uint64_t acl_user_id(const struct acl_user *user);
struct slice acl_user_name(const struct acl_user *user);
bool acl_user_is_on(const struct acl_user *user);
bool acl_user_needs_password(const struct acl_user *user);
bool acl_user_is_unrestricted(const struct acl_user *user); /* all commands, keys and channels */
/* Whether the user is on, and the password one of his. */
bool acl_user_accepts(const struct acl_user *user, struct slice password);
bool acl_same_users(const struct acl *a, const struct acl *b); /* names, rules; not ids */

/* -- changes --------------------------------------------------------------------------------- */

enum acl_error {
    ACL_OK,
    ACL_SYNTAX,
    ACL_UNKNOWN_COMMAND,
    ACL_AFTER_ALL_KEYS,
    ACL_AFTER_ALL_CHANNELS,
    ACL_NO_SUCH_PASSWORD,
    ACL_BAD_HASH,
    ACL_FIRST_ARG_OF_SUBCOMMAND,
    ACL_OPEN_PARENTHESIS,
};
const char *acl_error_text(enum acl_error error); /* Redis's words */

/* Makes or changes a user by rules as ACL SETUSER takes them; all of them or none. *failed: the
 * rule that does not fit (where parentheses are spread over several, the first of those). */
SF_MUST_CHECK enum acl_error acl_set_user(
    struct acl *acl, struct slice name, uint32_t n, const struct slice *rules, uint32_t *failed);
/* false: there is none. Not for the default user (asserted). */
bool acl_delete_user(struct acl *acl, struct slice name);
/* All users are others from now on; what `users` holds moves here and gets new ids, the default
 * user's aside. */
void acl_replace(struct acl *acl, struct acl *users);
/* requirepass: the default user's only password; empty: none is needed. */
void acl_set_default_password(struct acl *acl, struct slice password);
/* acl-pubsub-default: what new users and `reset` begin with. */
void acl_set_channels_default(struct acl *acl, bool all_channels);
bool acl_channels_default(const struct acl *acl);
bool acl_name_is_valid(struct slice name);

struct acl_user *acl_user_copy(const struct acl_user *user);
void acl_user_free(struct acl_user *user); /* a copy */

/* A rule as it goes into the log: a password is only its hash there. Appends to out. */
void acl_rule_conceal(struct slice rule, struct buf *out);

/* Rules whose parentheses are spread over several words, joined. */
struct acl_rules {
    uint32_t n;
    struct slice *items;
    struct buf joined; /* what items may point into */
};
/* false: *failed is never closed. To be freed either way. */
bool acl_rules_join(struct acl_rules *out, uint32_t n, const struct slice *rules, uint32_t *failed);
void acl_rules_free(struct acl_rules *rules);

/* -- what is allowed (acl_check.c) ------------------------------------------------------------- */

enum acl_verdict {
    ACL_ALLOWED,
    ACL_DENIED_COMMAND,
    ACL_DENIED_KEY,
    ACL_DENIED_AUTH, /* ACL LOG only */
    ACL_DENIED_CHANNEL,
};

/* user NULL: anything is. *at: the argument that is denied, KEY and CHANNEL only. The request must
 * have passed the arity check. */
enum acl_verdict acl_check(const struct acl_user *user, const struct command *command,
    uint32_t argc, const struct slice *argv, uint32_t *at);
/* Whether a selector that allows the command allows to read every key (SORT's BY and GET). */
bool acl_reads_all_keys(const struct acl_user *user, const struct command *command, uint32_t argc,
    const struct slice *argv);
/* Whether all that could be listened to before still may be, and whether this may. */
bool acl_channels_grew(const struct acl_user *before, const struct acl_user *after);
bool acl_may_listen(const struct acl_user *user, struct slice name, bool is_pattern);

/* "User x has no permissions to run the 'get' command". verbose: names the key or channel. */
void acl_denial_print(struct buf *out, enum acl_verdict verdict, const struct acl_user *user,
    const struct command *command, struct slice object, bool verbose);

/* -- shown and stored -------------------------------------------------------------------------- */

void acl_user_print(const struct acl_user *user, struct buf *out);     /* as ACL LIST, name aside */
void acl_user_reply(const struct acl_user *user, struct reply *reply); /* ACL GETUSER */
/* Lines "user name rule ...", which change a new acl; false: errors tells all that is wrong. */
bool acl_text_read(struct acl *acl, struct slice text, const char *file, struct buf *errors);
bool acl_text_names_default(struct slice text); /* some line is the default user's */
void acl_text_print(const struct acl *acl, struct buf *out);
/* The command that puts all users into the log, what: "load" or "seed". Returns how many words;
 * they point into text and acl, the array is to be freed. */
uint32_t acl_words(const struct acl *acl, const char *what, struct buf *text, struct slice **words);
void acl_put(const struct acl *acl, struct buf *out);
/* Its reverse, into a new one; sets in->failed. */
void acl_read(struct acl *acl, struct reader *in);

#endif
