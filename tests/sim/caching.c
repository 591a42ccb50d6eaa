/* Clients that keep what they have read until they are told that it has changed (CLIENT TRACKING).
 *
 * "A cached value does not outlive its invalidation" (src/node/README.md): whatever changes a key
 * where it was read tells so before anything later is answered on that connection. So a hit is a
 * stale read of that moment (places.c): it shows no state older than what the connection was
 * answered before. And a node that has no leader has had everything dropped. */
#include "resp/value.h"
#include "sim/drills.h"
#include "sim/listening.h"

#include <stdio.h>

enum { KEYS = 7 };

#define SETTLE_US 1000 /* until what a node said on another connection is there, surely */

static const char *const keys[KEYS] = {"k0", "k1", "k2", "k3", "k4", "n0", "n1"};

struct cached {
    struct bytes *reply; /* NULL: not there */
    int64_t at_us;
};

struct cache {
    bool broadcast, no_loop, opt_in, opt_out;
    struct cached cached[KEYS];
    uint32_t filling; /* the key, plus 1, whose value is on its way */
    int64_t redirect; /* the connection that is told; 0: the one that reads */
    int64_t answered_us;
};

struct cache *cache_new(struct world *world) {
    (void)world;
    return sf_alloc_zero(1, sizeof(struct cache));
}

static void drop(struct cache *cache, uint32_t key) {
    bytes_unref(cache->cached[key].reply);
    cache->cached[key].reply = NULL;
}

void cache_clear(struct cache *cache) {
    for (uint32_t i = 0; i < KEYS; i++) drop(cache, i);
    cache->filling = 0;
}

void cache_free(struct cache *cache) {
    if (cache == NULL) return;
    cache_clear(cache);
    sf_free(cache);
}

void cache_greet(struct world *world, struct client *client, struct cache *cache) {
    const char *words[10] = {"CLIENT", "TRACKING", "ON"};
    char to[24];
    uint32_t n = 3;
    struct buf packet = {0};
    cache->broadcast = world_chance(world, 30);
    cache->no_loop = world_chance(world, 40);
    cache->opt_in = !cache->broadcast && world_chance(world, 25);
    cache->opt_out = !cache->broadcast && !cache->opt_in && world_chance(world, 20);
    if (cache->broadcast) words[n++] = "BCAST";
    if (cache->broadcast && world_chance(world, 50)) {
        words[n++] = "PREFIX";
        words[n++] = "k";
    }
    if (cache->no_loop) words[n++] = "NOLOOP";
    if (cache->opt_in) words[n++] = "OPTIN";
    if (cache->opt_out) words[n++] = "OPTOUT";
    if (cache->redirect != 0) {
        snprintf(to, sizeof to, "%lld", (long long)cache->redirect);
        words[n++] = "REDIRECT";
        words[n++] = to;
    }
    /* Who is told may just have gone. */
    (cache->redirect != 0 ? listener_try : listener_say)(client, &packet, n, words);
    world_note(world, (int)client->node, "client %u keeps what it reads:%s%s%s%s", client->number,
        cache->broadcast ? " BCAST" : "", cache->no_loop ? " NOLOOP" : "",
        cache->opt_in ? " OPTIN" : "", cache->opt_out ? " OPTOUT" : "");
    client->stale = world_chance(world, 30);
    if (client->stale) listener_say(client, &packet, 1, (const char *const[]){"READONLY"});
    listener_send(world, client, &packet);
}

/* Keys of that beginning are told of; others must not be kept. */
static bool may_keep(const struct cache *cache, uint32_t key) {
    return !cache->broadcast || keys[key][0] == 'k';
}

static void hit(struct world *world, struct client *client, struct cache *cache, uint32_t key) {
    const struct process *process = world->processes[client->node];
    const struct cached *cached = &cache->cached[key];
    int64_t now_us = world_now_us(world);
    if (process->up && now_us > process->leaderless_us + 1000 &&
        cached->at_us < process->leaderless_us)
        world_fail(world, "client %u keeps %s, though n%u lost its leader at %lld us",
            client->number, keys[key], client->node, (long long)process->leaderless_us);
    struct client_call call = {.client = client->number,
        .node = client->node,
        .connection = client->connection,
        .kind = CALL_READ,
        .stale = true,
        .invoked_us = now_us,
        .completed_us = now_us,
        .outcome = OUTCOME_ANSWERED,
        .reply = bytes_ref(cached->reply)};
    struct slice argv[] = {SLICE("GET"), slice_text(keys[key])};
    call_set_words(&call, 2, argv);
    (void)history_add(world->history, &call);
    world->coverage[COVER_CACHE_HIT]++;
    world->coverage[COVER_REDIRECTED] += cache->redirect != 0;
}

static void fill(struct world *world, struct client *client, struct cache *cache, uint32_t key) {
    struct buf packet = {0};
    struct client_call call = {.kind = CALL_READ};
    struct slice argv[] = {SLICE("GET"), slice_text(keys[key])};
    bool keeps = may_keep(cache, key);
    bool says = (cache->opt_in || cache->opt_out) && world_chance(world, 60);
    if (cache->opt_in) keeps = keeps && says;
    if (cache->opt_out) keeps = keeps && !says;
    if (says)
        listener_say(client, &packet, 3,
            (const char *const[]){"CLIENT", "CACHING", cache->opt_in ? "YES" : "NO"});
    call_set_words(&call, 2, argv);
    listener_call(world, client, &packet, &call);
    cache->filling = keeps ? key + 1 : 0;
    listener_send(world, client, &packet);
}

static void write(struct world *world, struct client *client, struct cache *cache, uint32_t key) {
    struct buf packet = {0};
    char value[32];
    struct client_call call = {.kind = CALL_WRITE};
    unsigned long long unique = ++world->clients->next_unique;
    snprintf(value, sizeof value, "%llu", unique);
    bool expires = world_chance(world, 20);
    struct slice argv[] = {
        SLICE("SET"), slice_text(keys[key]), slice_text(value), SLICE("PX"), SLICE("150")};
    call_set_words(&call, expires ? 5 : 3, argv);
    if (cache->no_loop) drop(cache, key); /* nobody else will tell of it */
    cache->filling = 0;
    listener_call(world, client, &packet, &call);
    listener_send(world, client, &packet);
}

bool cache_is_told_elsewhere(const struct cache *cache) {
    return cache->redirect != 0;
}

void cache_redirect(struct cache *cache, int64_t to) {
    cache->redirect = to;
}

/* Two connections keep no order between them: what is told on the other one may be on its way. */
static bool may_hit(const struct world *world, const struct cache *cache) {
    return cache->redirect == 0 || world_now_us(world) > cache->answered_us + SETTLE_US;
}

void cache_act(struct world *world, struct client *client, struct cache *cache) {
    uint32_t key = (uint32_t)world_below(world, KEYS);
    if (world_chance(world, 15) && !drill_is_quiet(world))
        write(world, client, cache, key);
    else if (cache->cached[key].reply != NULL && !may_hit(world, cache))
        return;
    else if (cache->cached[key].reply != NULL)
        hit(world, client, cache, key);
    else
        fill(world, client, cache, key);
}

void cache_answered(struct world *world, struct cache *cache, struct slice reply, bool good) {
    uint32_t key = cache->filling;
    cache->filling = 0;
    cache->answered_us = world_now_us(world);
    if (key == 0 || !good) return;
    drop(cache, key - 1);
    cache->cached[key - 1] = (struct cached){bytes_new(reply.data, reply.len), world_now_us(world)};
}

void cache_invalidate(struct cache *cache, const struct resp_value *named) {
    for (uint32_t i = 0; i < KEYS; i++) {
        bool is_named = named->is_null;
        for (uint32_t n = 0; n < named->n && !is_named; n++)
            is_named = slice_equal(named->elements[n].text, slice_text(keys[i]));
        if (!is_named) continue;
        drop(cache, i);
        /* The answer that is on its way may be older. */
        if (cache->redirect != 0 && cache->filling == i + 1) cache->filling = 0;
    }
}
