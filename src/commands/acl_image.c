/* Users shown and stored.
 *
 *   image     varint revision, varint next id, varint n, users in the order of their names
 *   user      varint id, string name, u8 flags (1 on, 2 nopass, 4 skip-sanitize-payload),
 *             texts passwords, varint n, selectors, the root first
 *   selector  u8 flags (1 all keys, 2 all channels, 4 begins with +@all),
 *             texts rules about commands, texts key patterns, texts channels
 *   texts     varint n, strings; a key pattern is a byte of rights and the pattern
 *
 * Rules, not bits: a command's number differs between versions. */
#include "commands/acl_internal.h"
#include "util/sha256.h"

enum { USER_ON = 1, USER_NO_PASSWORD = 2, USER_SKIPS_SANITIZING = 4 };
enum { SELECTOR_ALL_KEYS = 1, SELECTOR_ALL_CHANNELS = 2, SELECTOR_BEGINS_WITH_ALL = 4 };

/* -- shown ----------------------------------------------------------------------------------- */

static void keys_print(const struct acl_selector *selector, struct buf *out, const char *behind) {
    if (selector->all_keys) buf_printf(out, "~*%s", behind);
    for (uint32_t i = 0; i < selector->patterns.n; i++) {
        struct slice pattern = texts_at(&selector->patterns, i);
        static const char *const signs[] = {"", "%R~", "%W~", "~"};
        buf_append_text(out, signs[pattern.data[0] & 3]);
        buf_append_slice(out, slice_of(pattern.data + 1, pattern.len - 1));
        buf_append_text(out, behind);
    }
}

static void channels_print(const struct acl_selector *selector, struct buf *out) {
    if (selector->all_channels) buf_append_text(out, "&* ");
    for (uint32_t i = 0; i < selector->channels.n; i++) {
        buf_append_char(out, '&');
        buf_append_slice(out, texts_at(&selector->channels, i));
        buf_append_char(out, ' ');
    }
}

static void rules_print(const struct acl_selector *selector, struct buf *out) {
    buf_append_text(out, selector->begins_with_all ? "+@all" : "-@all");
    for (uint32_t i = 0; i < selector->rules.n; i++) {
        buf_append_char(out, ' ');
        buf_append_slice(out, texts_at(&selector->rules, i));
    }
}

static void selector_print(const struct acl_selector *selector, struct buf *out) {
    keys_print(selector, out, " ");
    if (!selector->all_channels) buf_append_text(out, "resetchannels ");
    channels_print(selector, out);
    rules_print(selector, out);
}

void acl_user_print(const struct acl_user *user, struct buf *out) {
    buf_append_text(out, user->is_on ? "on " : "off ");
    if (user->needs_no_password) buf_append_text(out, "nopass ");
    buf_append_text(out, user->skips_sanitizing ? "skip-sanitize-payload " : "sanitize-payload ");
    for (uint32_t i = 0; i < user->passwords.n; i++) {
        buf_append_char(out, '#');
        buf_append_slice(out, texts_at(&user->passwords, i));
        buf_append_char(out, ' ');
    }
    selector_print(&user->selectors[0], out);
    for (uint32_t i = 1; i < user->n_selectors; i++) {
        buf_append_text(out, " (");
        selector_print(&user->selectors[i], out);
        buf_append_char(out, ')');
    }
}

/* The text without the blank at its end. */
static void reply_trimmed(struct reply *reply, const char *name, struct buf *text) {
    struct slice shown = buf_slice(text);
    if (shown.len > 0 && shown.data[shown.len - 1] == ' ') shown.len--;
    reply_bulk_text(reply, name);
    reply_bulk(reply, shown);
    buf_clear(text);
}

static void selector_reply(const struct acl_selector *selector, struct reply *reply) {
    struct buf text = {0};
    rules_print(selector, &text);
    reply_trimmed(reply, "commands", &text);
    keys_print(selector, &text, " ");
    reply_trimmed(reply, "keys", &text);
    channels_print(selector, &text);
    reply_trimmed(reply, "channels", &text);
    buf_free(&text);
}

void acl_user_reply(const struct acl_user *user, struct reply *reply) {
    reply_map(reply, 6);
    reply_bulk_text(reply, "flags");
    reply_set(reply, user->needs_no_password ? 3 : 2);
    reply_bulk_text(reply, user->is_on ? "on" : "off");
    if (user->needs_no_password) reply_bulk_text(reply, "nopass");
    reply_bulk_text(reply, user->skips_sanitizing ? "skip-sanitize-payload" : "sanitize-payload");
    reply_bulk_text(reply, "passwords");
    reply_array(reply, user->passwords.n);
    for (uint32_t i = 0; i < user->passwords.n; i++)
        reply_bulk(reply, texts_at(&user->passwords, i));
    selector_reply(&user->selectors[0], reply);
    reply_bulk_text(reply, "selectors");
    reply_array(reply, user->n_selectors - 1);
    for (uint32_t i = 1; i < user->n_selectors; i++) {
        reply_map(reply, 3);
        selector_reply(&user->selectors[i], reply);
    }
}

/* -- stored ---------------------------------------------------------------------------------- */

static void texts_put(const struct acl_texts *texts, struct buf *out) {
    put_varint(out, texts->n);
    for (uint32_t i = 0; i < texts->n; i++) put_string(out, texts_at(texts, i));
}

static void selector_put(const struct acl_selector *selector, struct buf *out) {
    int flags = (selector->all_keys ? SELECTOR_ALL_KEYS : 0) |
                (selector->all_channels ? SELECTOR_ALL_CHANNELS : 0) |
                (selector->begins_with_all ? SELECTOR_BEGINS_WITH_ALL : 0);
    put_u8(out, (uint8_t)flags);
    texts_put(&selector->rules, out);
    texts_put(&selector->patterns, out);
    texts_put(&selector->channels, out);
}

void acl_put(const struct acl *acl, struct buf *out) {
    uint64_t revision, next_id;
    acl_numbers(acl, &revision, &next_id);
    put_varint(out, revision);
    put_varint(out, next_id);
    put_varint(out, acl_count(acl));
    for (uint32_t i = 0; i < acl_count(acl); i++) {
        const struct acl_user *user = acl_at(acl, i);
        int flags = (user->is_on ? USER_ON : 0) | (user->needs_no_password ? USER_NO_PASSWORD : 0) |
                    (user->skips_sanitizing ? USER_SKIPS_SANITIZING : 0);
        put_varint(out, user->id);
        put_string(out, bytes_slice(user->name));
        put_u8(out, (uint8_t)flags);
        texts_put(&user->passwords, out);
        put_varint(out, user->n_selectors);
        for (uint32_t k = 0; k < user->n_selectors; k++) selector_put(&user->selectors[k], out);
    }
}

static void texts_read(struct acl_texts *texts, struct reader *in) {
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; !in->failed && i < n; i++) {
        struct slice text = read_string(in);
        if (!in->failed) texts_add(texts, text);
    }
}

static void selector_read(struct acl_selector *selector, struct reader *in) {
    uint8_t flags = read_u8(in);
    uint64_t n = read_varint(in);
    bool begins_with_all = (flags & SELECTOR_BEGINS_WITH_ALL) != 0;
    enum acl_error error =
        selector_apply(selector, begins_with_all ? SLICE("+@all") : SLICE("-@all"));
    for (uint64_t i = 0; !in->failed && error == ACL_OK && i < n; i++) {
        struct slice rule = read_string(in);
        bool about_commands = rule.len > 1 && (rule.data[0] == '+' || rule.data[0] == '-');
        error = !in->failed && about_commands ? selector_apply(selector, rule) : ACL_SYNTAX;
    }
    if (error != ACL_OK || flags > 7) in->failed = true;
    texts_read(&selector->patterns, in);
    for (uint32_t i = 0; i < selector->patterns.n; i++) {
        struct slice pattern = texts_at(&selector->patterns, i);
        if (pattern.len == 0 || pattern.data[0] < 1 || pattern.data[0] > 3) in->failed = true;
    }
    texts_read(&selector->channels, in);
    selector->all_keys = (flags & SELECTOR_ALL_KEYS) != 0;
    selector->all_channels = (flags & SELECTOR_ALL_CHANNELS) != 0;
}

static void passwords_read(struct acl_user *user, struct reader *in) {
    texts_read(&user->passwords, in);
    for (uint32_t i = 0; i < user->passwords.n; i++) {
        if (texts_at(&user->passwords, i).len != SHA256_TEXT_BYTES) in->failed = true;
    }
}

static struct acl_user *user_read(struct reader *in) {
    uint64_t id = read_varint(in);
    struct slice name = read_string(in);
    uint8_t flags = read_u8(in);
    if (in->failed || flags > 7 || id == ACL_NOBODY) in->failed = true;
    if (in->failed) return NULL;
    struct acl_user *user = user_new(name, false);
    user->id = id;
    user->is_on = (flags & USER_ON) != 0;
    user->needs_no_password = (flags & USER_NO_PASSWORD) != 0;
    user->skips_sanitizing = (flags & USER_SKIPS_SANITIZING) != 0;
    passwords_read(user, in);
    uint64_t n = read_varint(in);
    if (n == 0 || n > in->rest.len) in->failed = true; /* each takes more than a byte */
    if (!in->failed) {
        user->selectors = sf_realloc(user->selectors, (size_t)n * sizeof *user->selectors);
        for (uint64_t i = 1; i < n; i++) selector_init(&user->selectors[i], false);
        user->n_selectors = (uint32_t)n;
    }
    for (uint64_t i = 0; !in->failed && i < n; i++) selector_read(&user->selectors[i], in);
    return user;
}

void acl_read(struct acl *acl, struct reader *in) {
    uint64_t revision = read_varint(in), next_id = read_varint(in), n = read_varint(in);
    acl_remove_all(acl);
    for (uint64_t i = 0; !in->failed && i < n; i++) {
        struct acl_user *user = user_read(in);
        bool is_default = user != NULL && slice_equal(acl_user_name(user), SLICE("default"));
        bool good =
            !in->failed && user->id < next_id && acl_find(acl, acl_user_name(user)) == NULL &&
            acl_find_id(acl, user->id) == NULL && is_default == (user->id == ACL_DEFAULT_ID);
        if (good) {
            acl_enter(acl, user);
        } else {
            in->failed = true;
            acl_user_free(user);
        }
    }
    if (acl_find_id(acl, ACL_DEFAULT_ID) == NULL) in->failed = true;
    acl_set_numbers(acl, revision, next_id);
}
