/* Users whose rights change while they work (src/node/README.md, "Users"; DESIGN 7, "Access").
 *
 * Somebody changes and deletes them at any node (shardforge.acl in the log: the model knows what
 * each may do at each step), others log in as them and read and write. Judged with all other calls
 * (places.c, verdict.c): what runs had the right where it ran; "no permission" was true at a place
 * that the call could have; a login that fails could not succeed. A deleted user's connections are
 * closed by a node that has applied that, also where a user of that name was made again. */
#include "sim/drills.h"
#include "sim/listening.h"
#include "sim/model.h"

#include <stdio.h>

static const char *const names[MODEL_USERS] = {"u0", "u1"};

/* -- who changes them -------------------------------------------------------------------------- */

/* What goes into the log is that of the first place and what follows ACL SETUSER or DELUSER. */
static void change(struct world *world, struct client *client, uint32_t n, const char *const *rules,
    bool deletes, uint32_t user) {
    struct slice logged[12] = {SLICE("shardforge.acl"), deletes ? SLICE("del") : SLICE("set")};
    struct slice sent[12] = {SLICE("ACL"), deletes ? SLICE("DELUSER") : SLICE("SETUSER")};
    struct client_call call = {.kind = CALL_WRITE};
    struct buf packet = {0};
    sent[2] = logged[2] = slice_text(names[user]);
    for (uint32_t i = 0; i < n; i++) sent[3 + i] = logged[3 + i] = slice_text(rules[i]);
    call_set_words(&call, 3 + n, logged);
    listener_call_as(world, client, &packet, &call, 3 + n, sent);
    listener_send(world, client, &packet);
}

void keeper_act(struct world *world, struct client *client) {
    static const char *const single[] = {"+get", "-get", "+set", "-set", "-set", "off"};
    uint32_t user = (uint32_t)world_below(world, MODEL_USERS), n = 0;
    const char *rules[8];
    char unique[32];
    if (drill_is_quiet(world)) return;
    unsigned long long number = ++world->clients->next_unique;
    bool deletes = world_chance(world, 12);
    snprintf(unique, sizeof unique, deletes ? "x%llu" : "&x%llu", number);
    if (!deletes) rules[n++] = "resetchannels";
    rules[n++] = unique; /* unlike any other */
    if (!deletes && world_chance(world, 45)) {
        rules[n++] = single[world_below(world, SF_LENGTH(single))];
    } else if (!deletes) {
        rules[n++] = "on";
        rules[n++] = "nopass";
        rules[n++] = "resetkeys";
        rules[n++] = world_chance(world, 70) ? "~k*" : "~n*";
        rules[n++] = world_chance(world, 80) ? "+get" : "-get";
        rules[n++] = world_chance(world, 80) ? "+set" : "-set";
    }
    change(world, client, n, rules, deletes, user);
    world->coverage[COVER_USER_DELETED] += deletes;
}

/* -- who is one of them ------------------------------------------------------------------------ */

struct login {
    uint32_t user;
    bool is_in;
    struct heard_at at; /* where the node was when it let him in */
};

struct login *login_new(uint32_t user) {
    struct login *login = sf_alloc_zero(1, sizeof *login);
    login->user = user % MODEL_USERS;
    return login;
}

void login_free(struct login *login) {
    sf_free(login);
}

void login_greet(struct world *world, struct client *client, struct login *login) {
    struct buf packet = {0};
    struct client_call call = {.kind = CALL_READ, .user = login->user + 1};
    struct slice argv[] = {SLICE("AUTH"), slice_text(names[login->user]), SLICE("x")};
    login->is_in = false;
    call_set_words(&call, 3, argv);
    listener_call(world, client, &packet, &call);
    listener_send(world, client, &packet);
}

void login_act(struct world *world, struct client *client, struct login *login) {
    struct buf packet = {0};
    char key[8], value[24];
    if (!login->is_in) return;
    bool writes = world_chance(world, 50) && !drill_is_quiet(world);
    struct client_call call = {.kind = writes ? CALL_WRITE : CALL_READ,
        .user = login->user + 1,
        .let_in_before = login->at.before,
        .let_in_applied = login->at.applied};
    if (world_chance(world, 70))
        snprintf(key, sizeof key, "k%u", (unsigned)world_below(world, 5));
    else
        snprintf(key, sizeof key, "n%u", (unsigned)world_below(world, 2));
    snprintf(value, sizeof value, "%llu", (unsigned long long)++world->clients->next_unique);
    struct slice argv[] = {
        writes ? SLICE("SET") : SLICE("GET"), slice_text(key), slice_text(value)};
    call_set_words(&call, writes ? 3 : 2, argv);
    listener_call(world, client, &packet, &call);
    listener_send(world, client, &packet);
}

bool login_answered(struct world *world, struct login *login, size_t number, struct slice reply,
    const struct heard_at *at) {
    struct client_call *call = &world->history->calls[number];
    call->told_before = at->before;
    if (call_is_login(call)) {
        login->is_in = slice_equal(reply, SLICE("+OK\r\n"));
        login->at = *at;
        return login->is_in;
    }
    return true;
}

/* -- judging ----------------------------------------------------------------------------------- */

bool call_is_login(const struct client_call *call) {
    return call->user != 0 && slice_is(call->argv[0], "AUTH");
}

bool call_is_denied(const struct client_call *call) {
    struct slice reply = bytes_slice(call->reply);
    return call->user != 0 && reply.len > 7 && memcmp(reply.data, "-NOPERM", 7) == 0;
}

/* Answers of a node that had closed the connection of a user who is gone; connections that stay. */
void users_judge(struct world *world, const struct model *model, const uint64_t *last_step) {
    for (size_t i = 0; i < world->history->n && !world->failed; i++) {
        const struct client_call *call = &world->history->calls[i];
        if (call->user == 0 || call->told_before == 0 || call_is_login(call)) continue;
        world->coverage[call_is_denied(call) ? COVER_USER_DENIED : COVER_USER_RAN]++;
        if (!model_was_deleted(model, call->user - 1, last_step[call->let_in_applied],
                last_step[call->told_before]))
            continue;
        char text[300];
        call_describe(call, text, sizeof text);
        world_fail(world, "a connection of a deleted user is answered: %s", text);
    }
    for (uint32_t i = 0; i < world->clients->n && !world->failed; i++) {
        const struct client *client = &world->clients->list[i];
        const struct login *login = client->listener == NULL ? NULL : listener_login(client);
        if (login == NULL || !login->is_in || client->state != CLIENT_CONNECTED) continue;
        if (model_was_deleted(model, login->user, last_step[login->at.applied], model->step))
            world_fail(world, "client %u at n%u is still connected as %s, who was deleted",
                client->number, client->node, names[login->user]);
    }
}
