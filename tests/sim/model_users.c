/* Users of the workload and what they may do: shardforge.acl set|del, by step. */
#include "sim/model_internal.h"

static struct model_user *user_of(struct model *model, struct slice name) {
    for (uint32_t i = 0; i < MODEL_USERS; i++)
        if (name.len == 2 && name.data[0] == 'u' && name.data[1] == (char)('0' + (char)i))
            return &model->users[i];
    return NULL;
}

static struct model_rights last_of(const struct model_user *user) {
    return user->n == 0 ? (struct model_rights){0} : user->rights[user->n - 1];
}

static void put(const struct run *run, struct model_user *user, struct model_rights rights) {
    if (user->n == user->cap) {
        user->cap = SF_MAX((size_t)16, user->cap * 2);
        user->rights = sf_realloc(user->rights, user->cap * sizeof *user->rights);
    }
    rights.step = run->model->step;
    user->rights[user->n++] = rights;
}

static void obey(struct model_rights *rights, struct slice rule) {
    static const struct {
        const char *rule;
        bool on;
        size_t at;
    } switches[] = {{"on", true, offsetof(struct model_rights, on)},
        {"off", false, offsetof(struct model_rights, on)},
        {"+get", true, offsetof(struct model_rights, get)},
        {"-get", false, offsetof(struct model_rights, get)},
        {"+set", true, offsetof(struct model_rights, set)},
        {"-set", false, offsetof(struct model_rights, set)},
        {"~k*", true, offsetof(struct model_rights, k)},
        {"~n*", true, offsetof(struct model_rights, n)}};
    if (slice_equal(rule, SLICE("resetkeys"))) rights->k = rights->n = false;
    for (size_t i = 0; i < SF_LENGTH(switches); i++)
        if (slice_equal(rule, slice_text(switches[i].rule)))
            *(bool *)((char *)rights + switches[i].at) = switches[i].on;
}

static void run_acl(const struct run *run) {
    int64_t n = 0;
    bool sets = slice_equal(run->argv[1], SLICE("set"));
    for (uint32_t i = 2; i < (sets ? 3 : run->argc); i++) {
        struct model_user *user = user_of(run->model, run->argv[i]);
        if (user == NULL) continue;
        struct model_rights rights = last_of(user);
        if (!sets && !rights.exists) continue;
        if (!sets) rights = (struct model_rights){0};
        rights.exists = sets;
        for (uint32_t k = 3; sets && k < run->argc; k++) obey(&rights, run->argv[k]);
        put(run, user, rights);
        n++;
    }
    if (sets)
        say_line(run, "+OK");
    else
        say_integer(run, n);
}

struct model_rights model_rights_at(const struct model *model, uint32_t user, uint64_t step) {
    const struct model_user *its = &model->users[user];
    for (size_t i = its->n; i-- > 0;)
        if (its->rights[i].step <= step) return its->rights[i];
    return (struct model_rights){0};
}

bool model_may(const struct model *model, uint32_t user, uint64_t step, const struct slice *argv) {
    struct model_rights rights = model_rights_at(model, user, step);
    bool command = slice_is(argv[0], "GET") ? rights.get : rights.set;
    return rights.exists && command && (argv[1].data[0] == 'k' ? rights.k : rights.n);
}

bool model_was_deleted(const struct model *model, uint32_t user, uint64_t after, uint64_t until) {
    const struct model_user *its = &model->users[user];
    for (size_t i = its->n; i-- > 0;)
        if (its->rights[i].step > after && its->rights[i].step <= until && !its->rights[i].exists)
            return true;
    return false;
}

uint64_t model_next_rights(const struct model *model, uint32_t user, uint64_t step) {
    const struct model_user *its = &model->users[user];
    uint64_t next = UINT64_MAX;
    for (size_t i = its->n; i-- > 0 && its->rights[i].step > step;) next = its->rights[i].step;
    return next;
}

const struct model_command model_user_commands[] = {
    {"SHARDFORGE.ACL", run_acl, MODEL_WRITES},
    {NULL, NULL, 0},
};
