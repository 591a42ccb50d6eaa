/* Clients that wait for keys, and others that end their waiting. */
#include "sim/client_internal.h"
#include "sim/drills.h"

#include <stdio.h>
#include <stdlib.h>

static void say_admin(struct world *world, struct client *client, struct buf *packet, uint32_t argc,
    const struct slice *argv) {
    struct client_call call = {.kind = CALL_ADMIN};
    call_set_words(&call, argc, argv);
    client_put(world, client, &call, packet);
}

void blocking_say(struct world *world, struct client *client, struct buf *packet) {
    if (client->id == 0) {
        struct slice ask[] = {SLICE("CLIENT"), SLICE("ID")};
        say_admin(world, client, packet, 2, ask);
    }
    struct client_call call = {.db = client->db};
    if (drill_is_quiet(world)) return;
    workload_fill_blocking(world, ++world->clients->next_unique, &call);
    client_put(world, client, &call, packet);
}

bool blocking_unblock(struct world *world, struct client *client, struct buf *packet) {
    if (!world_chance(world, 3)) return false;
    const struct clients *clients = world->clients;
    const struct client *other = &clients->list[world_below(world, clients->n)];
    if (other->state != CLIENT_CONNECTED || other->node != client->node || other->id == 0)
        return false;
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)other->id);
    struct slice argv[] = {SLICE("CLIENT"), SLICE("UNBLOCK"), slice_text(id),
        world_chance(world, 50) ? SLICE("TIMEOUT") : SLICE("ERROR")};
    say_admin(world, client, packet, 4, argv);
    return true;
}

void blocking_learn(struct world *world, const struct client_call *call) {
    if (call->kind != CALL_ADMIN || call->argc != 2 || !slice_is(call->argv[1], "ID")) return;
    struct slice reply = bytes_slice(call->reply);
    if (reply.data[0] == ':')
        world->clients->list[call->client].id = strtoll(reply.data + 1, NULL, 10);
}
