/* All users: finding and changing them. */
#include "commands/acl_internal.h"
#include "util/sha256.h"

struct acl {
    uint64_t revision, next_id;
    bool all_channels; /* acl-pubsub-default */
    uint32_t n, cap;
    struct acl_user **by_name; /* ascending */
    struct acl_user **by_id;   /* ascending */
};

/* -- life ------------------------------------------------------------------------------------ */

struct acl *acl_new_empty(void) {
    struct acl *acl = sf_alloc_zero(1, sizeof *acl);
    acl->next_id = ACL_DEFAULT_ID + 1;
    return acl;
}

static struct acl_user *default_user(void) {
    static const char *const rules[] = {"on", "nopass", "allkeys", "allchannels", "allcommands"};
    struct acl_user *user = user_new(SLICE("default"), false);
    user->id = ACL_DEFAULT_ID;
    for (size_t i = 0; i < SF_LENGTH(rules); i++) {
        enum acl_error error = user_apply(user, slice_text(rules[i]), false);
        SF_ASSERT(error == ACL_OK);
    }
    return user;
}

struct acl *acl_new(void) {
    struct acl *acl = acl_new_empty();
    acl_enter(acl, default_user());
    return acl;
}

void acl_remove_all(struct acl *acl) {
    for (uint32_t i = 0; i < acl->n; i++) acl_user_free(acl->by_name[i]);
    acl->n = 0;
}

void acl_free(struct acl *acl) {
    if (acl == NULL) return;
    acl_remove_all(acl);
    sf_free(acl->by_name);
    sf_free(acl->by_id);
    sf_free(acl);
}

struct acl_user *user_new(struct slice name, bool all_channels) {
    struct acl_user *user = sf_alloc_zero(1, sizeof *user);
    user->name = bytes_new(name.data, name.len);
    user->n_selectors = 1;
    user->selectors = sf_alloc(sizeof *user->selectors);
    selector_init(&user->selectors[0], all_channels);
    return user;
}

static void user_empty(struct acl_user *user) {
    texts_clear(&user->passwords);
    for (uint32_t i = 0; i < user->n_selectors; i++) selector_clear(&user->selectors[i]);
    sf_free(user->selectors);
}

void acl_user_free(struct acl_user *user) {
    if (user == NULL) return;
    user_empty(user);
    bytes_unref(user->name);
    sf_free(user);
}

static void user_fill(struct acl_user *user, const struct acl_user *from) {
    user->is_on = from->is_on;
    user->needs_no_password = from->needs_no_password;
    user->skips_sanitizing = from->skips_sanitizing;
    texts_copy(&user->passwords, &from->passwords);
    user->n_selectors = from->n_selectors;
    user->selectors = sf_alloc(from->n_selectors * sizeof *user->selectors);
    for (uint32_t i = 0; i < from->n_selectors; i++) {
        const struct acl_selector *theirs = &from->selectors[i];
        struct acl_selector *ours = &user->selectors[i];
        *ours = *theirs;
        texts_copy(&ours->rules, &theirs->rules);
        texts_copy(&ours->first_args, &theirs->first_args);
        texts_copy(&ours->patterns, &theirs->patterns);
        texts_copy(&ours->channels, &theirs->channels);
    }
}

void user_assign(struct acl_user *user, const struct acl_user *from) {
    user_empty(user);
    user_fill(user, from);
}

struct acl_user *acl_user_copy(const struct acl_user *user) {
    struct acl_user *copy = sf_alloc_zero(1, sizeof *copy);
    copy->id = user->id;
    copy->name = bytes_ref(user->name);
    copy->is_unrestricted = user->is_unrestricted;
    user_fill(copy, user);
    return copy;
}

/* -- finding --------------------------------------------------------------------------------- */

/* Where the name stands, or would stand. */
static uint32_t place_of_name(const struct acl *acl, struct slice name) {
    uint32_t low = 0, high = acl->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(bytes_slice(acl->by_name[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t place_of_id(const struct acl *acl, uint64_t id) {
    uint32_t low = 0, high = acl->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (acl->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct acl_user *find(const struct acl *acl, struct slice name) {
    uint32_t at = place_of_name(acl, name);
    if (at == acl->n || !slice_equal(bytes_slice(acl->by_name[at]->name), name)) return NULL;
    return acl->by_name[at];
}

const struct acl_user *acl_find(const struct acl *acl, struct slice name) {
    return find(acl, name);
}

const struct acl_user *acl_find_id(const struct acl *acl, uint64_t id) {
    uint32_t at = place_of_id(acl, id);
    return at < acl->n && acl->by_id[at]->id == id ? acl->by_id[at] : NULL;
}

uint32_t acl_count(const struct acl *acl) {
    return acl->n;
}

const struct acl_user *acl_at(const struct acl *acl, uint32_t i) {
    SF_ASSERT(i < acl->n);
    return acl->by_name[i];
}

const struct acl_user *acl_restricted(const struct acl *acl, uint64_t id) {
    static const struct acl_selector nothing = {.all_keys = false};
    static const struct acl_user gone = {
        .n_selectors = 1, .selectors = (struct acl_selector *)(uintptr_t)&nothing};
    const struct acl_user *user = acl_find_id(acl, id);
    if (user == NULL) return &gone;
    return acl_user_is_unrestricted(user) ? NULL : user;
}

uint64_t acl_revision(const struct acl *acl) {
    return acl->revision;
}

bool acl_default_is_restricted(const struct acl *acl) {
    return acl_restricted(acl, ACL_DEFAULT_ID) != NULL;
}

/* -- a user ---------------------------------------------------------------------------------- */

uint64_t acl_user_id(const struct acl_user *user) {
    return user->id;
}
struct slice acl_user_name(const struct acl_user *user) {
    return bytes_slice(user->name);
}
bool acl_user_is_on(const struct acl_user *user) {
    return user->is_on;
}
bool acl_user_needs_password(const struct acl_user *user) {
    return !user->needs_no_password;
}

bool acl_user_is_unrestricted(const struct acl_user *user) {
    return user->is_unrestricted;
}

static bool judge_unrestricted(const struct acl_user *user) {
    for (uint32_t i = 0; i < user->n_selectors; i++) {
        const struct acl_selector *selector = &user->selectors[i];
        if (selector->all_keys && selector->all_channels && selector_has_all(selector)) return true;
    }
    return false;
}

/* In a time that does not tell where they differ. */
static bool hashes_equal(const char *a, const char *b) {
    unsigned char difference = 0;
    for (size_t i = 0; i < SHA256_TEXT_BYTES; i++)
        difference = (unsigned char)(difference | (unsigned char)(a[i] ^ b[i]));
    return difference == 0;
}

bool acl_user_accepts(const struct acl_user *user, struct slice password) {
    if (!user->is_on) return false;
    if (user->needs_no_password) return true;
    char digest[SHA256_TEXT_BYTES];
    bool good = false;
    sha256_text(password, digest);
    for (uint32_t i = 0; i < user->passwords.n; i++)
        good = hashes_equal(texts_at(&user->passwords, i).data, digest) || good;
    return good;
}

bool acl_same_users(const struct acl *a, const struct acl *b) {
    bool same = a->n == b->n;
    for (uint32_t i = 0; same && i < a->n; i++) {
        struct buf ours = {0}, theirs = {0};
        acl_user_print(a->by_name[i], &ours);
        acl_user_print(b->by_name[i], &theirs);
        same = slice_equal(buf_slice(&ours), buf_slice(&theirs)) &&
               slice_equal(acl_user_name(a->by_name[i]), acl_user_name(b->by_name[i]));
        buf_free(&ours);
        buf_free(&theirs);
    }
    return same;
}

/* -- changes --------------------------------------------------------------------------------- */

void acl_enter(struct acl *acl, struct acl_user *user) {
    if (acl->n == acl->cap) {
        acl->cap = acl->cap == 0 ? 4 : acl->cap * 2;
        acl->by_name = sf_realloc(acl->by_name, acl->cap * sizeof(struct acl_user *));
        acl->by_id = sf_realloc(acl->by_id, acl->cap * sizeof(struct acl_user *));
    }
    user->is_unrestricted = judge_unrestricted(user);
    uint32_t name_at = place_of_name(acl, bytes_slice(user->name));
    uint32_t id_at = place_of_id(acl, user->id);
    size_t one = sizeof(struct acl_user *);
    memmove(acl->by_name + name_at + 1, acl->by_name + name_at, (acl->n - name_at) * one);
    memmove(acl->by_id + id_at + 1, acl->by_id + id_at, (acl->n - id_at) * one);
    acl->by_name[name_at] = user;
    acl->by_id[id_at] = user;
    acl->n++;
}

enum acl_error acl_set_user(
    struct acl *acl, struct slice name, uint32_t n, const struct slice *rules, uint32_t *failed) {
    struct acl_rules joined;
    enum acl_error error = ACL_OK;
    if (!acl_rules_join(&joined, n, rules, failed)) {
        acl_rules_free(&joined);
        return ACL_OPEN_PARENTHESIS;
    }
    struct acl_user *user = find(acl, name);
    struct acl_user *trial = user == NULL ? user_new(name, acl->all_channels) : acl_user_copy(user);
    for (uint32_t i = 0; error == ACL_OK && i < joined.n; i++) {
        *failed = i;
        error = user_apply(trial, joined.items[i], acl->all_channels);
    }
    acl_rules_free(&joined);
    if (error == ACL_OK) acl->revision++;
    if (error == ACL_OK && user == NULL) {
        trial->id = acl->next_id++;
        acl_enter(acl, trial);
        return ACL_OK;
    }
    if (error == ACL_OK) {
        user_assign(user, trial);
        user->is_unrestricted = judge_unrestricted(user);
    }
    acl_user_free(trial);
    return error;
}

bool acl_delete_user(struct acl *acl, struct slice name) {
    struct acl_user *user = find(acl, name);
    if (user == NULL) return false;
    SF_ASSERT(user->id != ACL_DEFAULT_ID);
    uint32_t name_at = place_of_name(acl, name), id_at = place_of_id(acl, user->id);
    size_t one = sizeof(struct acl_user *);
    acl->n--;
    memmove(acl->by_name + name_at, acl->by_name + name_at + 1, (acl->n - name_at) * one);
    memmove(acl->by_id + id_at, acl->by_id + id_at + 1, (acl->n - id_at) * one);
    acl->revision++;
    acl_user_free(user);
    return true;
}

void acl_replace(struct acl *acl, struct acl *users) {
    acl_remove_all(acl);
    for (uint32_t i = 0; i < users->n; i++) {
        struct acl_user *user = users->by_name[i];
        if (user->id != ACL_DEFAULT_ID) user->id = acl->next_id++;
        acl_enter(acl, user);
    }
    users->n = 0;
    acl->revision++;
}

void acl_set_default_password(struct acl *acl, struct slice password) {
    struct acl_user *user = find(acl, SLICE("default"));
    char digest[SHA256_TEXT_BYTES];
    texts_clear(&user->passwords);
    user->needs_no_password = password.len == 0;
    if (password.len > 0) {
        sha256_text(password, digest);
        texts_add(&user->passwords, slice_of(digest, sizeof digest));
    }
    acl->revision++;
}

void acl_set_channels_default(struct acl *acl, bool all_channels) {
    acl->all_channels = all_channels;
}

bool acl_channels_default(const struct acl *acl) {
    return acl->all_channels;
}

void acl_numbers(const struct acl *acl, uint64_t *revision, uint64_t *next_id) {
    *revision = acl->revision;
    *next_id = acl->next_id;
}

void acl_set_numbers(struct acl *acl, uint64_t revision, uint64_t next_id) {
    acl->revision = revision;
    acl->next_id = next_id;
}

/* -- rules over several words ---------------------------------------------------------------- */

bool acl_rules_join(
    struct acl_rules *out, uint32_t n, const struct slice *rules, uint32_t *failed) {
    *out = (struct acl_rules){.items = sf_alloc((n + 1) * sizeof(struct slice))};
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) bytes += rules[i].len + 1;
    buf_reserve(&out->joined, bytes); /* never moves: items point into it */
    bool open = false;
    size_t begin = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct slice rule = rules[i];
        bool closes = rule.len > 0 && rule.data[rule.len - 1] == ')';
        if (rule.len > 0 && rule.data[0] == '(' && !closes) { /* what was open before is lost */
            *failed = i;
            open = true;
            begin = out->joined.len;
            buf_append_slice(&out->joined, rule);
        } else if (open) {
            buf_append_char(&out->joined, ' ');
            buf_append_slice(&out->joined, rule);
            if (!closes) continue;
            open = false;
            out->items[out->n++] =
                slice_of(buf_slice(&out->joined).data + begin, out->joined.len - begin);
        } else {
            out->items[out->n++] = rule;
        }
    }
    return !open;
}

void acl_rules_free(struct acl_rules *rules) {
    sf_free(rules->items);
    buf_free(&rules->joined);
    *rules = (struct acl_rules){0};
}
