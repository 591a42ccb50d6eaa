/* What a user is made of, shared by the files acl*.c and nobody else. */
#ifndef SF_COMMANDS_ACL_INTERNAL_H
#define SF_COMMANDS_ACL_INTERNAL_H

#include "commands/acl.h"
#include "util/bytes.h"

enum {
    ACL_COMMAND_WORDS = (COMMANDS_TOTAL + 63) / 64,
    ACL_MAY_READ = 1,
    ACL_MAY_WRITE = 2,
};

/* Texts, in the order in which they came. */
struct acl_texts {
    uint32_t n;
    struct bytes **items;
};

struct acl_selector {
    bool all_keys, all_channels;
    bool begins_with_all;                 /* +@all, not -@all: commands of later versions too */
    uint64_t commands[ACL_COMMAND_WORDS]; /* bits by id: never stored, rules are */
    struct acl_texts rules;      /* "+get", "-@slow" behind that beginning, what they override left
                                    out: they make the bits again */
    struct acl_texts first_args; /* "select|0": allowed although the command is not */
    struct acl_texts patterns;   /* one byte, bits of ACL_MAY_*, and the pattern */
    struct acl_texts channels;
};

struct acl_user {
    uint64_t id;
    struct bytes *name;
    bool is_on, needs_no_password, skips_sanitizing;
    bool is_unrestricted;       /* follows from the selectors; valid once the user was entered */
    struct acl_texts passwords; /* SHA-256, SHA256_TEXT_BYTES each */
    uint32_t n_selectors;       /* at least one, the root */
    struct acl_selector *selectors;
};

void texts_add(struct acl_texts *texts, struct slice text);
void texts_remove(struct acl_texts *texts, uint32_t at);
void texts_clear(struct acl_texts *texts);
void texts_copy(struct acl_texts *out, const struct acl_texts *texts);
uint32_t texts_find(const struct acl_texts *texts, struct slice text); /* n: not there */
static inline struct slice texts_at(const struct acl_texts *texts, uint32_t i) {
    return bytes_slice(texts->items[i]);
}

static inline bool selector_has(const struct acl_selector *selector, uint32_t id) {
    return (selector->commands[id / 64] >> (id % 64) & 1) != 0;
}
bool selector_has_all(const struct acl_selector *selector);
void selector_init(struct acl_selector *selector, bool all_channels);
void selector_clear(struct acl_selector *selector);
/* One rule about commands, keys or channels. */
enum acl_error selector_apply(struct acl_selector *selector, struct slice rule);

struct acl_user *user_new(struct slice name, bool all_channels);
enum acl_error user_apply(struct acl_user *user, struct slice rule, bool all_channels);
void user_assign(struct acl_user *user, const struct acl_user *from); /* all but id and name */

/* Puts a user, who is taken over, among the others; no other may have his name or id. */
void acl_enter(struct acl *acl, struct acl_user *user);
struct acl *acl_new_empty(void);
void acl_numbers(const struct acl *acl, uint64_t *revision, uint64_t *next_id);
void acl_set_numbers(struct acl *acl, uint64_t revision, uint64_t next_id);
void acl_remove_all(struct acl *acl);

#endif
