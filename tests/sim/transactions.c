/* MULTI, EXEC, DISCARD, WATCH, UNWATCH, as clients use them: in one packet, or WATCH in one and the
 * rest in a later one. */
#include "sim/client_internal.h"
#include "sim/drills.h"
#include "sim/exec.h"
#include "sim/listening.h"

#include <stdio.h>

static void say_word(
    struct world *world, struct client *client, struct buf *packet, const char *word) {
    struct slice argv[] = {slice_text(word)};
    client_say(world, client, packet, 1, argv);
}

static void say_watch(struct world *world, struct client *client, struct buf *packet) {
    struct client_call call = {0};
    workload_fill_watch(world, &call);
    client_put(world, client, &call, packet);
}

static void say_inner(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, const struct client_call *inner) {
    struct client_call call = {.kind = CALL_SESSION, .is_queued = true};
    call_set_words(&call, inner->argc, inner->argv);
    client_put(world, client, &call, packet);
    exec_add(words, client->db, inner->argc, inner->argv);
}

static void say_ping(
    struct world *world, struct client *client, struct buf *packet, struct exec_words *words) {
    struct client_call call = {.kind = CALL_SESSION, .is_queued = true};
    struct slice argv[] = {SLICE("PING")};
    call_set_words(&call, 1, argv);
    client_put(world, client, &call, packet);
    exec_add_void(words);
}

/* It makes the transaction unlike any other: this key never exists. */
static void say_unique(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, uint64_t unique) {
    struct client_call inner = {0};
    char name[40];
    snprintf(name, sizeof name, "unique:%llu", (unsigned long long)unique);
    struct slice argv[] = {SLICE("DEL"), slice_text(name)};
    call_set_words(&inner, 2, argv);
    say_inner(world, client, packet, words, &inner);
    sf_free(inner.argv);
}

void transaction_queue(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, uint32_t argc, const struct slice *argv) {
    struct client_call inner = {.argc = argc, .argv = (struct slice *)(uintptr_t)argv};
    say_inner(world, client, packet, words, &inner);
}

void transaction_open(
    struct world *world, struct client *client, struct buf *packet, struct exec_words *words) {
    exec_begin(words);
    say_word(world, client, packet, "MULTI");
}

void transaction_exec(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, bool writes) {
    if (writes) say_unique(world, client, packet, words, ++world->clients->next_unique);
    exec_finish(words);
    struct client_call call = {.kind = writes ? CALL_WRITE : CALL_READ, .n_sent = 1};
    call_set_words(&call, words->argc, words->argv);
    client_put(world, client, &call, packet);
    exec_free(words);
}

static void say_transaction(struct world *world, struct client *client, struct buf *packet) {
    struct exec_words words;
    uint64_t unique = ++world->clients->next_unique;
    bool writes = world_chance(world, 75) && !drill_is_quiet(world);
    bool tells = writes && world->tells && world_chance(world, 50);
    size_t first = world->listening->n_publications;
    transaction_open(world, client, packet, &words);
    for (uint64_t n = 1 + world_below(world, 4); n > 0; n--) {
        if (world_chance(world, 10)) say_ping(world, client, packet, &words);
        struct client_call inner = {
            .kind = writes && world_chance(world, 70) ? CALL_WRITE : CALL_READ};
        workload_fill_inner(world, unique, &inner);
        say_inner(world, client, packet, &words, &inner);
        sf_free(inner.argv);
        if (tells && world_chance(world, 60)) told_say_queued(world, client, packet, &words);
    }
    if (world_chance(world, 90)) {
        transaction_exec(world, client, packet, &words, writes);
        told_belongs(world, first, client->last);
        return;
    }
    exec_free(&words);
    say_word(world, client, packet, "DISCARD");
}

void transaction_say(struct world *world, struct client *client, struct buf *packet) {
    if (world_chance(world, 5)) say_word(world, client, packet, "UNWATCH");
    bool watches = world_chance(world, 50);
    if (watches) say_watch(world, client, packet);
    if (!watches || world_chance(world, 70)) say_transaction(world, client, packet);
}
