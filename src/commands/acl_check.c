/* Whether a user may run a request. */
#include "commands/acl_internal.h"
#include "commands/command_docs.h"
#include "util/glob.h"

enum { KEYS_AT_ONCE = 64 };

static bool first_arg_is_allowed(const struct acl_selector *selector, const struct command *command,
    uint32_t argc, const struct slice *argv) {
    size_t name_len = command->name_len;
    for (uint32_t i = 0; argc > 1 && i < selector->first_args.n; i++) {
        struct slice allowed = texts_at(&selector->first_args, i);
        if (allowed.len != name_len + 1 + argv[1].len || allowed.data[name_len] != '|') continue;
        if (memcmp(allowed.data, command->name, name_len) != 0) continue;
        if (strncasecmp(allowed.data + name_len + 1, argv[1].data, argv[1].len) == 0) return true;
    }
    return false;
}

static bool command_is_allowed(const struct acl_selector *selector, const struct command *command,
    uint32_t argc, const struct slice *argv) {
    return (command->flags & CMD_NO_AUTH) != 0 || selector_has(selector, command->id) ||
           first_arg_is_allowed(selector, command, argc, argv);
}

/* -- keys ------------------------------------------------------------------------------------ */

static char access_of(uint32_t key_flags) {
    char access = 0;
    if ((key_flags & KEY_ACCESS) != 0) access |= ACL_MAY_READ;
    if ((key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE)) != 0) access |= ACL_MAY_WRITE;
    return access;
}

static bool key_is_allowed(const struct acl_selector *selector, struct slice key, char access) {
    for (uint32_t i = 0; i < selector->patterns.n; i++) {
        struct slice pattern = texts_at(&selector->patterns, i);
        if ((pattern.data[0] & access) != access) continue;
        if (glob_match(slice_of(pattern.data + 1, pattern.len - 1), key, false)) return true;
    }
    return false;
}

/* false: *at is the first key that is denied. */
static bool keys_of_spec_are_allowed(const struct acl_selector *selector,
    const struct key_spec *spec, char access, uint32_t argc, const struct slice *argv,
    uint32_t *at) {
    uint32_t few[KEYS_AT_ONCE], *positions = few;
    uint32_t n = key_spec_positions(spec, argc, argv, few, KEYS_AT_ONCE);
    if (n > KEYS_AT_ONCE) {
        positions = sf_alloc(n * sizeof *positions);
        key_spec_positions(spec, argc, argv, positions, n);
    }
    bool good = true;
    for (uint32_t i = 0; good && i < n; i++) {
        *at = positions[i];
        good = key_is_allowed(selector, argv[positions[i]], access);
    }
    if (positions != few) sf_free(positions);
    return good;
}

static bool keys_are_allowed(const struct acl_selector *selector, const struct command *command,
    uint32_t argc, const struct slice *argv, uint32_t *at) {
    const struct key_spec *spec = command->docs->key_specs;
    if (selector->all_keys || spec == NULL) return true;
    for (; spec->begin_index != 0; spec++) {
        if ((spec->flags & KEY_NOT_KEY) != 0) continue;
        char access = access_of(command_key_flags(command, spec, argc, argv));
        if (!keys_of_spec_are_allowed(selector, spec, access, argc, argv, at)) return false;
    }
    return true;
}

/* -- channels -------------------------------------------------------------------------------- */

/* A pattern is allowed only where it stands in the list itself. */
static bool channel_is_listed(
    const struct acl_selector *selector, struct slice name, bool is_pattern) {
    if (is_pattern) return texts_find(&selector->channels, name) < selector->channels.n;
    for (uint32_t i = 0; i < selector->channels.n; i++) {
        if (glob_match(texts_at(&selector->channels, i), name, false)) return true;
    }
    return false;
}

static bool channels_are_allowed(const struct acl_selector *selector, const struct command *command,
    uint32_t argc, const struct slice *argv, uint32_t *at) {
    if (selector->all_channels) return true;
    uint32_t n = 0;
    switch (command->id) {
    case COMMAND_PUBLISH:
    case COMMAND_SPUBLISH:
        n = 1;
        break;
    case COMMAND_SUBSCRIBE:
    case COMMAND_SSUBSCRIBE:
    case COMMAND_PSUBSCRIBE:
        n = argc - 1;
        break;
    default:
        break;
    }
    for (*at = 1; *at <= n; (*at)++) {
        if (!channel_is_listed(selector, argv[*at], command->id == COMMAND_PSUBSCRIBE))
            return false;
    }
    return true;
}

bool acl_may_listen(const struct acl_user *user, struct slice name, bool is_pattern) {
    for (uint32_t i = 0; i < user->n_selectors; i++) {
        const struct acl_selector *selector = &user->selectors[i];
        if (selector->all_channels || channel_is_listed(selector, name, is_pattern)) return true;
    }
    return false;
}

static bool has_all_channels(const struct acl_user *user) {
    for (uint32_t i = 0; i < user->n_selectors; i++) {
        if (user->selectors[i].all_channels) return true;
    }
    return false;
}

bool acl_channels_grew(const struct acl_user *before, const struct acl_user *after) {
    if (has_all_channels(after)) return true;
    if (has_all_channels(before)) return false;
    for (uint32_t i = 0; i < before->n_selectors; i++) {
        const struct acl_texts *channels = &before->selectors[i].channels;
        for (uint32_t k = 0; k < channels->n; k++) {
            if (!acl_may_listen(after, texts_at(channels, k), true)) return false;
        }
    }
    return true;
}

/* -- all together ---------------------------------------------------------------------------- */

static enum acl_verdict selector_check(const struct acl_selector *selector,
    const struct command *command, uint32_t argc, const struct slice *argv, uint32_t *at) {
    if (!command_is_allowed(selector, command, argc, argv)) return ACL_DENIED_COMMAND;
    if (!keys_are_allowed(selector, command, argc, argv, at)) return ACL_DENIED_KEY;
    if (!channels_are_allowed(selector, command, argc, argv, at)) return ACL_DENIED_CHANNEL;
    return ACL_ALLOWED;
}

/* Of what several selectors deny, the one that came furthest is told: as Redis chooses. */
enum acl_verdict acl_check(const struct acl_user *user, const struct command *command,
    uint32_t argc, const struct slice *argv, uint32_t *at) {
    enum acl_verdict worst = ACL_DENIED_COMMAND;
    uint32_t here = 0;
    *at = 0;
    if (user == NULL) return ACL_ALLOWED;
    for (uint32_t i = 0; i < user->n_selectors; i++) {
        enum acl_verdict verdict = selector_check(&user->selectors[i], command, argc, argv, &here);
        if (verdict == ACL_ALLOWED) return ACL_ALLOWED;
        if (verdict > worst || (verdict == worst && verdict != ACL_DENIED_COMMAND && here > *at)) {
            worst = verdict;
            *at = here;
        }
    }
    return worst;
}

bool acl_reads_all_keys(const struct acl_user *user, const struct command *command, uint32_t argc,
    const struct slice *argv) {
    uint32_t at;
    if (user == NULL) return true;
    for (uint32_t i = 0; i < user->n_selectors; i++) {
        const struct acl_selector *selector = &user->selectors[i];
        if (selector_check(selector, command, argc, argv, &at) != ACL_ALLOWED) continue;
        if (selector->all_keys) return true;
        for (uint32_t k = 0; k < selector->patterns.n; k++) {
            struct slice pattern = texts_at(&selector->patterns, k);
            if ((pattern.data[0] & ACL_MAY_READ) != 0 && pattern.len == 2 && pattern.data[1] == '*')
                return true;
        }
    }
    return false;
}

void acl_denial_print(struct buf *out, enum acl_verdict verdict, const struct acl_user *user,
    const struct command *command, struct slice object, bool verbose) {
    struct slice name = acl_user_name(user);
    bool is_key = verdict == ACL_DENIED_KEY;
    if (verdict == ACL_DENIED_COMMAND) {
        buf_append_text(out, "User ");
        buf_append_slice(out, name);
        buf_printf(out, " has no permissions to run the '%s' command", command->name);
    } else if (!verbose) {
        buf_append_text(
            out, is_key ? "No permissions to access a key" : "No permissions to access a channel");
    } else {
        buf_append_text(out, "User ");
        buf_append_slice(out, name);
        buf_append_text(out, " has no permissions to access the '");
        buf_append_slice(out, object);
        buf_append_text(out, is_key ? "' key" : "' channel");
    }
}
