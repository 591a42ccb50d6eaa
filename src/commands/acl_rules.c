/* The rules of ACL SETUSER: what each of them does to a user. */
#include "commands/acl_internal.h"
#include "util/sha256.h"

/* -- texts ----------------------------------------------------------------------------------- */

void texts_add(struct acl_texts *texts, struct slice text) {
    if ((texts->n & (texts->n - 1)) == 0) { /* full at each power of two */
        size_t room = texts->n == 0 ? 1 : (size_t)texts->n * 2;
        texts->items = sf_realloc(texts->items, room * sizeof(struct bytes *));
    }
    texts->items[texts->n++] = bytes_new(text.data, text.len);
}

void texts_remove(struct acl_texts *texts, uint32_t at) {
    bytes_unref(texts->items[at]);
    texts->n--;
    memmove(texts->items + at, texts->items + at + 1, (texts->n - at) * sizeof(struct bytes *));
    if (texts->n > 0 && (texts->n & (texts->n - 1)) == 0) /* as texts_add wants it */
        texts->items = sf_realloc(texts->items, (size_t)texts->n * sizeof(struct bytes *));
    if (texts->n == 0) texts_clear(texts);
}

void texts_clear(struct acl_texts *texts) {
    for (uint32_t i = 0; i < texts->n; i++) bytes_unref(texts->items[i]);
    sf_free(texts->items);
    *texts = (struct acl_texts){0};
}

void texts_copy(struct acl_texts *out, const struct acl_texts *texts) {
    *out = (struct acl_texts){0};
    for (uint32_t i = 0; i < texts->n; i++) texts_add(out, texts_at(texts, i));
}

uint32_t texts_find(const struct acl_texts *texts, struct slice text) {
    uint32_t at = 0;
    while (at < texts->n && !slice_equal(texts_at(texts, at), text)) at++;
    return at;
}

static void texts_add_new(struct acl_texts *texts, struct slice text) {
    if (texts_find(texts, text) == texts->n) texts_add(texts, text);
}

/* -- selectors ------------------------------------------------------------------------------- */

void selector_init(struct acl_selector *selector, bool all_channels) {
    *selector = (struct acl_selector){.all_channels = all_channels};
}

void selector_clear(struct acl_selector *selector) {
    texts_clear(&selector->rules);
    texts_clear(&selector->first_args);
    texts_clear(&selector->patterns);
    texts_clear(&selector->channels);
}

bool selector_has_all(const struct acl_selector *selector) {
    for (uint32_t id = 0; id < command_count(); id++) {
        if ((command_by_id(id)->flags & CMD_INTERNAL) == 0 && !selector_has(selector, id))
            return false;
    }
    return true;
}

static bool has_spaces(struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == ' ' || (c >= '\t' && c <= '\r') || c == '\0') return true;
    }
    return false;
}

bool acl_name_is_valid(struct slice name) {
    return !has_spaces(name);
}

static struct slice tail(struct slice text, size_t from) {
    return slice_of(text.data + from, text.len - from);
}

/* Whether name is the whole of text or text goes on with '|' behind it. */
static bool is_at_or_under(struct slice text, struct slice name) {
    if (text.len < name.len || !slice_equal(slice_of(text.data, name.len), name)) return false;
    return text.len == name.len || text.data[name.len] == '|';
}

/* Remembers a rule, in lower case, instead of those that it overrides. */
static void rule_remember(struct acl_selector *selector, bool allow, struct slice name) {
    struct buf rule = {0};
    buf_append_char(&rule, allow ? '+' : '-');
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        buf_append_char(&rule, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    struct slice whole = buf_slice(&rule);
    for (uint32_t i = selector->rules.n; i-- > 0;) {
        if (is_at_or_under(tail(texts_at(&selector->rules, i), 1), tail(whole, 1)))
            texts_remove(&selector->rules, i);
    }
    texts_add(&selector->rules, whole);
    buf_free(&rule);
}

static void bit_set(struct acl_selector *selector, uint32_t id, bool allow) {
    uint64_t bit = (uint64_t)1 << (id % 64);
    if (allow)
        selector->commands[id / 64] |= bit;
    else
        selector->commands[id / 64] &= ~bit;
}

/* A command with all its subcommands. */
static void command_set(struct acl_selector *selector, const struct command *command, bool allow) {
    struct slice name = slice_text(command->name);
    bit_set(selector, command->id, allow);
    for (uint32_t i = 0; i < command->n_subcommands; i++)
        bit_set(selector, command->subcommands[i].id, allow);
    for (uint32_t i = selector->first_args.n; i-- > 0;) {
        if (is_at_or_under(texts_at(&selector->first_args, i), name))
            texts_remove(&selector->first_args, i);
    }
}

static void all_commands(struct acl_selector *selector, bool allow) {
    memset(selector->commands, allow ? 0xff : 0, sizeof selector->commands);
    selector->begins_with_all = allow;
    texts_clear(&selector->rules);
    texts_clear(&selector->first_args);
}

static enum acl_error category_apply(struct acl_selector *selector, struct slice rule) {
    bool allow = rule.data[0] == '+';
    struct slice name = tail(rule, 2);
    uint32_t bit = 1;
    while (command_category_name(bit) != NULL && !slice_is(name, command_category_name(bit)))
        bit <<= 1;
    if (command_category_name(bit) == NULL) return ACL_UNKNOWN_COMMAND;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        if ((command->flags & CMD_INTERNAL) == 0 && (command_categories(command) & bit) != 0)
            command_set(selector, command, allow);
    }
    rule_remember(selector, allow, tail(rule, 1));
    return ACL_OK;
}

static const char *last_bar(struct slice text) {
    for (size_t i = text.len; i > 0; i--) {
        if (text.data[i - 1] == '|') return text.data + i - 1;
    }
    return NULL;
}

/* +command|word: a subcommand, or a command whose first argument is that word. */
static enum acl_error allow_part(struct acl_selector *selector, struct slice full, size_t bar) {
    const struct command *command = command_by_full_name(slice_of(full.data, bar));
    if (command == NULL) return ACL_UNKNOWN_COMMAND;
    if (command_is_subcommand(command)) return ACL_FIRST_ARG_OF_SUBCOMMAND;
    if (bar + 1 == full.len) return ACL_SYNTAX;
    if (command->n_subcommands > 0) {
        command = command_by_full_name(full);
        if (command == NULL) return ACL_UNKNOWN_COMMAND;
        command_set(selector, command, true);
    } else {
        struct buf part = {0};
        buf_printf(&part, "%s|", command->name);
        buf_append_slice(&part, tail(full, bar + 1));
        bool known = false;
        for (uint32_t i = 0; i < selector->first_args.n && !known; i++) {
            struct slice other = texts_at(&selector->first_args, i);
            known = other.len == part.len &&
                    strncasecmp(other.data, buf_slice(&part).data, part.len) == 0;
        }
        if (!known) texts_add(&selector->first_args, buf_slice(&part));
        buf_free(&part);
    }
    rule_remember(selector, true, full);
    return ACL_OK;
}

static enum acl_error command_apply(struct acl_selector *selector, struct slice rule) {
    bool allow = rule.data[0] == '+';
    struct slice name = tail(rule, 1);
    const char *bar = last_bar(name);
    if (allow && bar != NULL) return allow_part(selector, name, (size_t)(bar - name.data));
    const struct command *command = command_by_full_name(name);
    if (command == NULL) return ACL_UNKNOWN_COMMAND;
    command_set(selector, command, allow);
    rule_remember(selector, allow, name);
    return ACL_OK;
}

/* ~pattern, %R~pattern, %W~pattern, %RW~pattern. Where the tilde is missing the pattern is empty,
 * as in Redis. */
static enum acl_error pattern_apply(struct acl_selector *selector, struct slice rule) {
    char access = 0;
    size_t at = 1;
    if (selector->all_keys) return ACL_AFTER_ALL_KEYS;
    bool open = rule.data[0] == '%';
    if (!open) access = ACL_MAY_READ | ACL_MAY_WRITE;
    for (; open && at < rule.len; at++) {
        char c = rule.data[at];
        char may = c == 'r' || c == 'R' ? ACL_MAY_READ : c == 'w' || c == 'W' ? ACL_MAY_WRITE : 0;
        open = c != '~';
        if (open && (may == 0 || (access & may) != 0)) return ACL_SYNTAX;
        access = (char)(access | may);
    }
    struct slice pattern = tail(rule, at);
    if (access == 0 || has_spaces(pattern)) return ACL_SYNTAX;
    struct buf text = {0};
    buf_append_char(&text, access);
    buf_append_slice(&text, pattern);
    uint32_t i = 0;
    while (i < selector->patterns.n &&
           !slice_equal(tail(texts_at(&selector->patterns, i), 1), pattern))
        i++;
    if (i == selector->patterns.n)
        texts_add(&selector->patterns, buf_slice(&text));
    else
        selector->patterns.items[i]->data[0] |= access;
    buf_free(&text);
    return ACL_OK;
}

static enum acl_error channel_apply(struct acl_selector *selector, struct slice rule) {
    if (selector->all_channels) return ACL_AFTER_ALL_CHANNELS;
    if (has_spaces(tail(rule, 1))) return ACL_SYNTAX;
    texts_add_new(&selector->channels, tail(rule, 1));
    return ACL_OK;
}

enum acl_error selector_apply(struct acl_selector *selector, struct slice rule) {
    bool keys = slice_is(rule, "allkeys") || slice_is(rule, "~*");
    bool channels = slice_is(rule, "allchannels") || slice_is(rule, "&*");
    if (keys || slice_is(rule, "resetkeys")) {
        selector->all_keys = keys;
        texts_clear(&selector->patterns);
    } else if (channels || slice_is(rule, "resetchannels")) {
        selector->all_channels = channels;
        texts_clear(&selector->channels);
    } else if (slice_is(rule, "allcommands") || slice_is(rule, "+@all")) {
        all_commands(selector, true);
    } else if (slice_is(rule, "nocommands") || slice_is(rule, "-@all")) {
        all_commands(selector, false);
    } else if (rule.len == 0) {
        return ACL_SYNTAX;
    } else if (rule.data[0] == '~' || rule.data[0] == '%') {
        return pattern_apply(selector, rule);
    } else if (rule.data[0] == '&') {
        return channel_apply(selector, rule);
    } else if (rule.data[0] == '+' || rule.data[0] == '-') {
        bool category = rule.len > 1 && rule.data[1] == '@';
        return category ? category_apply(selector, rule) : command_apply(selector, rule);
    } else {
        return ACL_SYNTAX;
    }
    return ACL_OK;
}

/* -- a selector in parentheses --------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char unescaped(char c) {
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* The next word, as in a line of a configuration file: '...' as it stands, "..." with escapes.
 * false: a quote is open, or closed within a word. */
static bool word_take(struct slice *rest, struct buf *word) {
    char quote = 0;
    buf_clear(word);
    size_t at = 0;
    for (; at < rest->len; at++) {
        char c = rest->data[at];
        bool escapes = c == '\\' && at + 1 < rest->len;
        if (quote == 0 && is_blank(c)) break;
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != 0 && c == quote) {
            quote = 0;
            if (at + 1 < rest->len && !is_blank(rest->data[at + 1])) return false;
        } else if (quote == '"' && escapes) {
            buf_append_char(word, unescaped(rest->data[++at]));
        } else if (quote == '\'' && escapes && rest->data[at + 1] == '\'') {
            buf_append_char(word, rest->data[++at]);
        } else {
            buf_append_char(word, c);
        }
    }
    *rest = tail(*rest, at);
    return quote == 0;
}

/* Redis takes a list with an open quote for an empty one. */
static bool words_are_whole(struct slice list) {
    struct buf word = {0};
    bool good = true;
    while (good && list.len > 0) {
        if (is_blank(list.data[0]))
            list = tail(list, 1);
        else
            good = word_take(&list, &word);
    }
    buf_free(&word);
    return good;
}

static enum acl_error selector_add(struct acl_user *user, struct slice list, bool all_channels) {
    struct acl_selector selector;
    struct buf word = {0};
    enum acl_error error = ACL_OK;
    selector_init(&selector, all_channels);
    if (!words_are_whole(list)) list.len = 0;
    while (error == ACL_OK && list.len > 0) {
        if (is_blank(list.data[0])) {
            list = tail(list, 1);
            continue;
        }
        (void)word_take(&list, &word);
        error = selector_apply(&selector, buf_slice(&word));
    }
    buf_free(&word);
    if (error != ACL_OK) {
        selector_clear(&selector);
        return error;
    }
    user->selectors =
        sf_realloc(user->selectors, (user->n_selectors + 1) * sizeof *user->selectors);
    user->selectors[user->n_selectors++] = selector;
    return ACL_OK;
}

static void selectors_drop(struct acl_user *user, uint32_t kept) {
    while (user->n_selectors > kept) selector_clear(&user->selectors[--user->n_selectors]);
}

/* -- users ----------------------------------------------------------------------------------- */

static bool hash_is_good(struct slice hash) {
    bool good = hash.len == SHA256_TEXT_BYTES;
    for (size_t i = 0; good && i < hash.len; i++) {
        char c = hash.data[i];
        good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    return good;
}

static enum acl_error password_apply(struct acl_user *user, struct slice rule) {
    char digest[SHA256_TEXT_BYTES];
    struct slice hash = tail(rule, 1);
    bool is_plain = rule.data[0] == '>' || rule.data[0] == '<';
    bool adds = rule.data[0] == '>' || rule.data[0] == '#';
    if (is_plain) {
        sha256_text(hash, digest);
        hash = slice_of(digest, sizeof digest);
    } else if (!hash_is_good(hash)) {
        return ACL_BAD_HASH;
    }
    uint32_t at = texts_find(&user->passwords, hash);
    if (adds) {
        if (at == user->passwords.n) texts_add(&user->passwords, hash);
        user->needs_no_password = false;
    } else if (at == user->passwords.n) {
        return ACL_NO_SUCH_PASSWORD;
    } else {
        texts_remove(&user->passwords, at);
    }
    return ACL_OK;
}

void acl_rule_conceal(struct slice rule, struct buf *out) {
    bool is_plain = rule.len > 0 && (rule.data[0] == '>' || rule.data[0] == '<');
    if (!is_plain) {
        buf_append_slice(out, rule);
        return;
    }
    char digest[SHA256_TEXT_BYTES];
    sha256_text(tail(rule, 1), digest);
    buf_append_char(out, rule.data[0] == '>' ? '#' : '!');
    buf_append(out, digest, sizeof digest);
}

static void user_reset(struct acl_user *user, bool all_channels) {
    texts_clear(&user->passwords);
    selectors_drop(user, 0);
    user->n_selectors = 1;
    selector_init(&user->selectors[0], all_channels);
    user->is_on = user->needs_no_password = user->skips_sanitizing = false;
}

enum acl_error user_apply(struct acl_user *user, struct slice rule, bool all_channels) {
    char first = rule.len > 0 ? rule.data[0] : '\0';
    if (rule.len == 0) return ACL_OK;
    if (slice_is(rule, "on") || slice_is(rule, "off")) {
        user->is_on = slice_is(rule, "on");
    } else if (slice_is(rule, "nopass") || slice_is(rule, "resetpass")) {
        user->needs_no_password = slice_is(rule, "nopass");
        texts_clear(&user->passwords);
    } else if (slice_is(rule, "sanitize-payload") || slice_is(rule, "skip-sanitize-payload")) {
        user->skips_sanitizing = slice_is(rule, "skip-sanitize-payload");
    } else if (first == '>' || first == '#' || first == '<' || first == '!') {
        return password_apply(user, rule);
    } else if (first == '(' && rule.len > 1 && rule.data[rule.len - 1] == ')') {
        return selector_add(user, slice_of(rule.data + 1, rule.len - 2), all_channels);
    } else if (slice_is(rule, "clearselectors")) {
        selectors_drop(user, 1);
    } else if (slice_is(rule, "reset")) {
        user_reset(user, all_channels);
    } else {
        return selector_apply(&user->selectors[0], rule);
    }
    return ACL_OK;
}

const char *acl_error_text(enum acl_error error) {
    switch (error) {
    case ACL_OK:
        return "OK";
    case ACL_SYNTAX:
        return "Syntax error";
    case ACL_UNKNOWN_COMMAND:
        return "Unknown command or category name in ACL";
    case ACL_AFTER_ALL_KEYS:
        return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
               "not have any effect. Try 'resetkeys' to start with an empty list of patterns";
    case ACL_AFTER_ALL_CHANNELS:
        return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
               "does not have any effect. Try 'resetchannels' to start with an empty list of "
               "channels";
    case ACL_NO_SUCH_PASSWORD:
        return "The password you are trying to remove from the user does not exist";
    case ACL_BAD_HASH:
        return "The password hash must be exactly 64 characters and contain only lowercase "
               "hexadecimal characters";
    case ACL_FIRST_ARG_OF_SUBCOMMAND:
        return "Allowing first-arg of a subcommand is not supported";
    case ACL_OPEN_PARENTHESIS:
        return "Unmatched parenthesis in acl selector";
    }
    SF_ASSERT(false);
    return "";
}
