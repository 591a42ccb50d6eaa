/* What users may do, when it comes to it (DESIGN 7, "Access").
 *
 * The node checked each request by the users that it knew, and says so: the claim names the user
 * and the revision. Where that is the revision now, nothing is left to ask; else the check is made
 * again, by the users of this place of the log, alike on every replica. */
#include "engine/internal.h"
#include "util/number.h"

/* -- checking -------------------------------------------------------------------------------- */

/* What a client asked for, where the log says it in words of its own. argc 0: nothing to check. */
struct subject {
    const struct command *command;
    uint32_t argc;
    const struct slice *argv;
    struct slice words[3];
};

static void subject_is(struct subject *out, uint32_t id) {
    out->command = command_by_id(id);
    out->words[0] = slice_text(out->command->name);
    out->argc = 1;
    out->argv = out->words;
}

static void subject_of(
    struct subject *out, const struct command *command, const struct command_words *words) {
    out->argc = 0;
    switch (command->id) {
    case COMMAND_SHARDFORGE_AGAIN:
        out->argc = words->argc - 2;
        out->argv = words->argv + 2;
        out->command = command_lookup(out->argc, out->argv);
        if (out->command == NULL) out->argc = 0; /* it refuses that itself */
        break;
    case COMMAND_SHARDFORGE_PUBLISH:
        subject_is(out, slice_is(words->argv[1], "shard") ? COMMAND_SPUBLISH : COMMAND_PUBLISH);
        out->words[1] = words->argv[2];
        out->words[2] = words->argv[3];
        out->argc = 3;
        break;
    case COMMAND_SHARDFORGE_SETTING:
        subject_is(out, COMMAND_CONFIG_SET);
        break;
    case COMMAND_SHARDFORGE_UNBLOCK:
        subject_is(out, COMMAND_CLIENT_UNBLOCK);
        break;
    case COMMAND_SHARDFORGE_ACL:
        subject_is(out, slice_is(words->argv[1], "del")   ? COMMAND_ACL_DELUSER
                        : slice_is(words->argv[1], "set") ? COMMAND_ACL_SETUSER
                                                          : COMMAND_ACL_LOAD);
        break;
    default:
        if ((command->flags & CMD_INTERNAL) != 0) break; /* a transaction asks for each place */
        out->command = command;
        out->argc = words->argc;
        out->argv = words->argv;
    }
}

/* Redis's words, where a transaction was queued under other rules. */
static const char *reason_in_exec(enum acl_verdict verdict) {
    switch (verdict) {
    case ACL_DENIED_COMMAND:
        return "no permission to execute the command or subcommand";
    case ACL_DENIED_KEY:
        return "no permission to touch the specified keys";
    case ACL_DENIED_CHANNEL:
        return "no permission to access one of the channels used as arguments to the command";
    case ACL_ALLOWED:
    case ACL_DENIED_AUTH:
        break;
    }
    return "no permission";
}

static void refuse(struct engine *engine, const struct acl_user *user,
    const struct subject *subject, enum acl_verdict verdict, uint32_t at, bool in_exec,
    struct reply *reply) {
    bool is_command = verdict == ACL_DENIED_COMMAND;
    struct slice object = is_command ? slice_text(subject->command->name) : subject->argv[at];
    struct command_denied denied = {
        .verdict = verdict, .in_exec = in_exec, .object = object, .user = acl_user_name(user)};
    if (engine->watcher.denied != NULL) engine->watcher.denied(engine->watcher.context, &denied);
    if (in_exec) {
        reply_errorf(reply,
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the "
            "EXEC call. This command is no longer allowed for the following reason: %s",
            reason_in_exec(verdict));
        return;
    }
    struct buf text = {0};
    buf_append_text(&text, "NOPERM ");
    acl_denial_print(&text, verdict, user, subject->command, object, false);
    reply_errorf(reply, "%.*s", (int)text.len, buf_slice(&text).data);
    buf_free(&text);
}

bool claim_admits(struct engine *engine, const struct command_words *words,
    const struct command *command, const struct acl_user **user, struct reply *reply) {
    uint64_t id = words->claim.id;
    bool is_claimed = id != ACL_NOBODY;
    *user = NULL;
    if (words->of_source) return true; /* nobody's: the cluster follows */
    if (!is_claimed && (command->flags & CMD_INTERNAL) != 0 &&
        command->id != COMMAND_SHARDFORGE_AGAIN && command->id != COMMAND_SHARDFORGE_PUBLISH) {
        return true; /* a node's own */
    }
    const struct acl_user *who = acl_restricted(engine->acl, is_claimed ? id : ACL_DEFAULT_ID);
    if (who == NULL) return true;
    *user = who;
    if (is_claimed && words->claim.revision == acl_revision(engine->acl)) return true;
    SF_MARK("access: a command is checked again");
    struct subject subject;
    uint32_t at;
    subject_of(&subject, command, words);
    if (subject.argc == 0) return true;
    enum acl_verdict verdict = acl_check(who, subject.command, subject.argc, subject.argv, &at);
    if (verdict == ACL_ALLOWED) return true;
    SF_MARK("access: a command is refused when it runs");
    refuse(engine, who, &subject, verdict, at, words->in_exec, reply);
    return false;
}

void access_denied_in_script(
    void *context, const struct call *call, int verdict, struct slice object) {
    struct engine *engine = context;
    if (engine->watcher.denied == NULL) return;
    struct command_denied denied = {
        .verdict = verdict, .in_script = true, .object = object, .user = acl_user_name(call->user)};
    engine->watcher.denied(engine->watcher.context, &denied);
}

/* -- changing -------------------------------------------------------------------------------- */

void access_changed(
    struct engine *engine, const struct acl_user *before, const struct acl_user *after) {
    engine->guarded = acl_default_is_restricted(engine->acl);
    if (engine->watcher.users_changed != NULL)
        engine->watcher.users_changed(engine->watcher.context, before, after);
}

static void reply_rule_error(struct engine *engine, struct call *call, struct slice rule,
    uint32_t number, enum acl_error error) {
    struct buf text = {0};
    const struct engine_watcher *watcher = &engine->watcher;
    if (watcher->rule_text == NULL || !watcher->rule_text(watcher->context, number, &text))
        buf_append_slice(&text, rule);
    reply_errorf(call->reply, "ERR Error in ACL SETUSER modifier '%.*s': %s",
        (int)SF_MIN(text.len, (size_t)512), buf_slice(&text).data, acl_error_text(error));
    buf_free(&text);
}

/* shardforge.acl set name rule ... */
static void change_set(struct engine *engine, struct call *call) {
    struct slice name = call->argv[2];
    uint32_t failed = 0;
    if (!acl_name_is_valid(name)) {
        reply_error(call->reply, "ERR Usernames can't contain spaces or null characters");
        return;
    }
    const struct acl_user *user = acl_find(engine->acl, name);
    struct acl_user *before = user == NULL ? NULL : acl_user_copy(user);
    enum acl_error error = acl_set_user(engine->acl, name, call->argc - 3, call->argv + 3, &failed);
    if (error == ACL_OPEN_PARENTHESIS) {
        struct slice rule = call->argv[3 + failed];
        reply_errorf(call->reply, "ERR Unmatched parenthesis in acl selector starting at '%.*s'.",
            (int)SF_MIN(rule.len, (size_t)512), rule.data);
    } else if (error != ACL_OK) {
        reply_rule_error(engine, call, call->argv[3 + failed], failed, error);
    } else {
        access_changed(engine, before, acl_find(engine->acl, name));
        reply_status(call->reply, "OK");
    }
    acl_user_free(before);
}

/* shardforge.acl del name ... */
static void change_delete(struct engine *engine, struct call *call) {
    int64_t n = 0;
    for (uint32_t i = 2; i < call->argc; i++) {
        if (!slice_equal(call->argv[i], SLICE("default"))) continue;
        reply_error(call->reply, "ERR The 'default' user cannot be removed");
        return;
    }
    for (uint32_t i = 2; i < call->argc; i++) {
        const struct acl_user *user = acl_find(engine->acl, call->argv[i]);
        if (user == NULL) continue;
        struct acl_user *before = acl_user_copy(user);
        n += acl_delete_user(engine->acl, call->argv[i]);
        access_changed(engine, before, NULL);
        acl_user_free(before);
    }
    reply_integer(call->reply, n);
}

/* One user of a list; false: it is none. */
static bool take_listed(struct acl *users, const struct call *call, uint32_t *at) {
    int64_t n;
    uint32_t failed;
    struct slice name = call->argv[*at];
    if (call->argc - *at < 2 || !acl_name_is_valid(name)) return false;
    if (!int_parse(call->argv[*at + 1], &n) || n < 0 || n > call->argc - *at - 2) return false;
    const struct slice *rules = call->argv + *at + 2;
    *at += 2 + (uint32_t)n;
    return acl_set_user(users, name, (uint32_t)n, rules, &failed) == ACL_OK;
}

/* shardforge.acl load|seed {name, number of rules, rule ...}...: these and no other users. seed:
 * only where there were never any but the default user as he is at first. */
static void change_all(struct engine *engine, struct call *call) {
    if (slice_is(call->argv[1], "seed") && acl_revision(engine->acl) > 0) {
        reply_status(call->reply, "OK");
        return;
    }
    struct acl *users = acl_new();
    bool good = true;
    acl_set_channels_default(users, acl_channels_default(engine->acl));
    for (uint32_t at = 2; good && at < call->argc;) good = take_listed(users, call, &at);
    if (good) {
        acl_replace(engine->acl, users);
        access_changed(engine, NULL, NULL);
        reply_status(call->reply, "OK");
    } else {
        reply_error(call->reply, "ERR a list of users that cannot be read");
    }
    acl_free(users);
}

void access_change(void *context, struct call *call) {
    struct engine *engine = context;
    struct slice what = call->argv[1];
    if (slice_is(what, "set") && call->argc >= 3) {
        change_set(engine, call);
    } else if (slice_is(what, "del")) {
        change_delete(engine, call);
    } else if (slice_is(what, "load") || slice_is(what, "seed")) {
        change_all(engine, call);
    } else { /* a peer built it: not ours to assert */
        reply_error(call->reply, "ERR syntax error");
    }
}

/* -- asking ---------------------------------------------------------------------------------- */

void engine_read_as(struct engine *engine, const struct acl_claim *claim) {
    engine->reader = *claim;
}

const struct acl *engine_acl(const struct engine *engine) {
    return engine->acl;
}
