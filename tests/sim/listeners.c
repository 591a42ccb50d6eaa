/* The life of those who listen: they connect, say what they want to hear, and are told. */
#include "resp/reply.h"
#include "resp/value.h"
#include "sim/drills.h"
#include "sim/listening.h"

#include <stdlib.h>

enum { EXPECTED_MAX = 16, SUBSCRIBERS = 3, CACHES = 2, REDIRECTED = 2, LOGINS = 3 };

#define PATIENCE_US 10000000

struct expected {
    bool is_call, is_id, may_fail;
    size_t call; /* in the history */
};

struct listener {
    uint8_t proto;
    bool reads;          /* looks, behind some messages, for what was written before them */
    struct cache *cache; /* NULL: it subscribes, unless it is one of these */
    bool is_keeper;      /* users.c */
    struct login *login;
    bool is_ear;      /* hears the invalidations of its partner */
    uint32_t partner; /* the other of a cache and its ear; 0: none */
    int64_t ear_id;   /* what CLIENT ID said; 0: nothing yet */
    bool ear_is_ready;
    struct expected expected[EXPECTED_MAX]; /* what is answered next, in order */
    uint32_t n_expected;
    int64_t asked_us;
};

/* -- saying ------------------------------------------------------------------------------------ */

static void expect(struct client *client, struct expected expected) {
    struct listener *listener = client->listener;
    SF_ASSERT(listener->n_expected < EXPECTED_MAX);
    listener->expected[listener->n_expected++] = expected;
}

void listener_say(
    struct client *client, struct buf *packet, uint32_t argc, const char *const *words) {
    struct slice argv[10];
    SF_ASSERT(argc <= SF_LENGTH(argv));
    for (uint32_t i = 0; i < argc; i++) argv[i] = slice_text(words[i]);
    resp_write_command(packet, argc, argv);
    expect(client, (struct expected){0});
}

static struct expected *latest(struct client *client) {
    return &client->listener->expected[client->listener->n_expected - 1];
}

void listener_try(
    struct client *client, struct buf *packet, uint32_t argc, const char *const *words) {
    listener_say(client, packet, argc, words);
    latest(client)->may_fail = true;
}

void listener_call_as(struct world *world, struct client *client, struct buf *packet,
    struct client_call *call, uint32_t argc, const struct slice *argv) {
    struct buf as_logged = {0};
    listener_call(world, client, &as_logged, call);
    buf_free(&as_logged);
    resp_write_command(packet, argc, argv);
}

void listener_call(
    struct world *world, struct client *client, struct buf *packet, struct client_call *call) {
    call->client = client->number;
    call->node = client->node;
    call->connection = client->connection;
    call->db = client->db;
    call->stale = client->stale && call->kind == CALL_READ;
    call->invoked_us = world_now_us(world);
    call->completed_us = INT64_MAX;
    resp_write_command(packet, call->argc, call->argv);
    expect(client, (struct expected){.is_call = true, .call = history_add(world->history, call)});
}

void listener_send(struct world *world, struct client *client, struct buf *packet) {
    client->listener->asked_us = world_now_us(world);
    if (packet->len > 0) client_post(world, client, buf_slice(packet));
    buf_free(packet);
}

/* RESP2 subscriptions are confirmed as pushes are in RESP3: nothing else is answered there. */
static void subscribe_to(struct world *world, struct client *client, struct buf *packet,
    enum heard_topic topic, uint32_t which, bool leave) {
    static const char *const names[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE"};
    static const char *const ends[] = {
        "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "PUNSUBSCRIBE"};
    struct slice argv[] = {
        slice_text(leave ? ends[topic] : names[topic]), slice_text(topic_name(topic, which))};
    resp_write_command(packet, 2, argv);
    if (leave)
        subscription_leave(world, client, topic, which);
    else
        subscription_ask(world, client, topic, which);
}

static enum heard_topic choose_topic(struct world *world, uint32_t *which) {
    static const uint32_t counts[] = {CHANNELS, PATTERNS, SHARDS};
    enum heard_topic topic = (enum heard_topic)world_below(world, 3);
    *which = (uint32_t)world_below(world, counts[topic]);
    return topic;
}

static void greet_subscriber(struct world *world, struct client *client, struct buf *packet) {
    struct listener *listener = client->listener;
    if (listener->reads) listener_say(client, packet, 1, (const char *const[]){"READONLY"});
    client->stale = listener->reads;
    for (uint64_t n = 1 + world_below(world, 3); n > 0; n--) {
        uint32_t which;
        enum heard_topic topic = choose_topic(world, &which);
        if (subscription_find(world->listening, client->connection, topic, which) == NULL)
            subscribe_to(world, client, packet, topic, which, false);
    }
    if (world->listening->notifies && world_chance(world, 60))
        subscribe_to(world, client, packet, TOPIC_OF_EVENTS, 0, false);
}

/* Whom the invalidations of another connection are sent to. */
static void greet_ear(struct world *world, struct client *client) {
    static const char *const ids[] = {"CLIENT", "ID"};
    struct listener *listener = client->listener;
    struct buf packet = {0};
    listener->proto = world_chance(world, 60) ? 2 : 3;
    if (listener->proto == 3) listener_say(client, &packet, 2, (const char *const[]){"HELLO", "3"});
    listener_say(client, &packet, 2, ids);
    latest(client)->is_id = true;
    listener->ear_is_ready = listener->proto == 3;
    struct slice argv[] = {SLICE("SUBSCRIBE"), SLICE("__redis__:invalidate")};
    if (listener->proto == 2) resp_write_command(&packet, 2, argv);
    listener_send(world, client, &packet);
}

static void greet(struct world *world, struct client *client) {
    struct listener *listener = client->listener;
    struct buf packet = {0};
    listener->proto = 2;
    if (listener->is_keeper) return;
    if (listener->login != NULL) login_greet(world, client, listener->login);
    if (listener->is_ear) greet_ear(world, client);
    if (listener->is_ear || listener->login != NULL) return;
    bool is_plain = listener->cache != NULL && listener->partner == 0;
    listener->proto = is_plain || world_chance(world, 60) ? 3 : 2;
    listener->reads = listener->proto == 3;
    if (listener->proto == 3) listener_say(client, &packet, 2, (const char *const[]){"HELLO", "3"});
    if (listener->cache == NULL) greet_subscriber(world, client, &packet);
    listener_send(world, client, &packet);
    if (listener->cache != NULL) cache_greet(world, client, listener->cache);
}

/* -- hearing ----------------------------------------------------------------------------------- */

/* What the publisher had written before: a node that has delivered its message shows it, to stale
 * reads too. */
static void look_behind(struct world *world, struct client *client, size_t publish) {
    const struct client_call *calls = world->history->calls;
    size_t at = publish - 1;
    uint64_t connection = calls[at].connection;
    static const struct {
        char type;
        const char *name;
    } looks[] = {{'k', "GET"}, {'n', "GET"}, {'h', "HLEN"}, {'l', "LRANGE"}, {'q', "LLEN"},
        {'s', "SCARD"}, {'z', "ZCARD"}};
    for (uint32_t back = 0; at > 0 && back < 300; back++) {
        const struct client_call *write = &calls[--at];
        if (write->connection != connection || write->kind != CALL_WRITE || write->n_sent > 0 ||
            write->argc < 2)
            continue;
        for (size_t i = 0; i < SF_LENGTH(looks); i++) {
            struct slice key = write->argv[1];
            if (key.len != 2 || key.data[0] != looks[i].type) continue;
            struct buf packet = {0};
            struct client_call call = {.kind = CALL_READ, .after = publish};
            struct slice argv[] = {slice_text(looks[i].name), key, SLICE("0"), SLICE("-1")};
            call_set_words(&call, looks[i].type == 'l' ? 4 : 2, argv);
            uint32_t db = write->db;
            if (db != client->db)
                listener_say(client, &packet, 2, (const char *const[]){"SELECT", db ? "1" : "0"});
            client->db = db;
            listener_call(world, client, &packet, &call);
            listener_send(world, client, &packet);
            world->coverage[COVER_LOOKED_BEHIND]++;
            return;
        }
        return;
    }
}

/* What comes to an ear; false: it is nothing of the kind. */
static bool ear_take(struct world *world, struct client *client, const struct resp_value *push) {
    struct listener *listener = client->listener;
    bool names = push->n == 3 && slice_equal(push->elements[1].text, SLICE("__redis__:invalidate"));
    bool pushes = push->n == 2 && slice_is(push->elements[0].text, "INVALIDATE");
    if (!listener->is_ear || (!names && !pushes)) return false;
    if (names && slice_is(push->elements[0].text, "SUBSCRIBE")) {
        listener->ear_is_ready = true;
        return true;
    }
    cache_invalidate(
        world->clients->list[listener->partner].listener->cache, &push->elements[push->n - 1]);
    world->coverage[COVER_INVALIDATED]++;
    return true;
}

static void push_take(struct world *world, struct client *client, const struct resp_value *push,
    const struct heard_at *at) {
    struct listener *listener = client->listener;
    if (ear_take(world, client, push)) return;
    if (listener->partner != 0 && slice_is(push->elements[0].text, "TRACKING-REDIR-BROKEN")) {
        cache_clear(listener->cache);
        return;
    }
    if (listener->partner != 0)
        world_fail(world, "client %u hears what belongs to its ear", client->number);
    if (push->n == 2 && slice_is(push->elements[0].text, "INVALIDATE")) {
        struct slice first =
            push->elements[1].n > 0 ? push->elements[1].elements[0].text : SLICE("everything");
        world_note(world, (int)client->node, "client %u hears that %.*s is invalid, %u keys",
            client->number, (int)first.len, first.data, push->elements[1].n);
        if (listener->cache != NULL) cache_invalidate(listener->cache, &push->elements[1]);
        world->coverage[COVER_INVALIDATED]++;
        return;
    }
    size_t publish = publish_heard(world, client, push, at);
    if (publish != 0 && listener->reads && listener->n_expected == 0 && world_chance(world, 40))
        look_behind(world, client, publish);
}

static void answer_take(
    struct world *world, struct client *client, struct slice reply, const struct heard_at *at) {
    struct listener *listener = client->listener;
    if (listener->n_expected == 0) {
        world_fail(world, "listener %u: a reply to nothing: %.*s", client->number,
            (int)SF_MIN(reply.len, (size_t)100), reply.data);
        return;
    }
    struct expected first = listener->expected[0];
    memmove(listener->expected, listener->expected + 1,
        --listener->n_expected * sizeof listener->expected[0]);
    if (!first.is_call) {
        if (first.is_id && reply.data[0] == ':') listener->ear_id = atoll(reply.data + 1);
        if (reply.data[0] == '-' && first.may_fail)
            client_hang_up(world, client);
        else if (reply.data[0] == '-')
            world_fail(world, "a listener's own command fails: %.*s", (int)reply.len, reply.data);
        return;
    }
    if (slice_equal(reply, SLICE("_\r\n"))) reply = SLICE("$-1\r\n"); /* as the model says it */
    client_answer(world, first.call, reply);
    bool good = world->history->calls[first.call].outcome == OUTCOME_ANSWERED;
    if (listener->cache != NULL)
        cache_answered(world, listener->cache, reply, good && reply.data[0] != '-');
    if (listener->login != NULL && !login_answered(world, listener->login, first.call, reply, at))
        client_hang_up(world, client);
}

void listener_on_bytes(struct world *world, struct client *client, const struct heard_at *at) {
    const struct listener *listener = client->listener;
    while (client->state == CLIENT_CONNECTED && client->in.len > 0 && !world->failed) {
        struct resp_value value;
        size_t consumed = 0;
        if (resp_value_parse(buf_slice(&client->in), &consumed, &value) != SF_OK) {
            world_fail(world, "listener %u: what comes is malformed", client->number);
            return;
        }
        if (consumed == 0) return;
        if (value.type == '>' || (listener->proto == 2 && value.type == '*'))
            push_take(world, client, &value, at);
        else
            answer_take(world, client, slice_of(buf_slice(&client->in).data, consumed), at);
        resp_value_free(&value);
        if (client->state != CLIENT_CONNECTED) return;
        buf_consume(&client->in, consumed);
    }
}

/* -- life -------------------------------------------------------------------------------------- */

static void listener_act(void *context, uint64_t number, uint64_t ticket);

static void listener_schedule(struct world *world, struct client *client, int64_t delay_us) {
    queue_put(&world->queue, world_now_us(world) + delay_us, listener_act, world, client->number,
        ++client->ticket);
}

void listener_lost(struct world *world, struct client *client) {
    struct listener *listener = client->listener;
    for (uint32_t i = 0; i < listener->n_expected; i++)
        if (listener->expected[i].is_call) client_unanswered(world, listener->expected[i].call);
    listener->n_expected = 0;
    subscriptions_end(world, client);
    if (listener->cache != NULL) cache_clear(listener->cache);
    listener->ear_id = 0;
    listener->ear_is_ready = false;
    struct client *partner = &world->clients->list[listener->partner];
    if (listener->is_ear) cache_clear(partner->listener->cache);
    if (listener->is_ear && partner->state == CLIENT_CONNECTED) client_hang_up(world, partner);
    listener_schedule(world, client, world_between(world, 5000, 250000));
}

static void act_subscriber(struct world *world, struct client *client) {
    uint32_t which;
    struct buf packet = {0};
    if (!world_chance(world, 10)) return;
    enum heard_topic topic = choose_topic(world, &which);
    struct listening_to *its =
        subscription_find(world->listening, client->connection, topic, which);
    bool leave = its != NULL && its->asked;
    bool is_settled = its == NULL || (its->asked && its->since_us != INT64_MAX);
    if (is_settled) /* one word at a time of each topic */
        subscribe_to(world, client, &packet, topic, which, leave);
    listener_send(world, client, &packet);
}

static void act_connected(struct world *world, struct client *client) {
    struct listener *listener = client->listener;
    int64_t waited_us = world_now_us(world) - listener->asked_us;
    if (listener->n_expected > 0 && waited_us > PATIENCE_US) {
        client_hang_up(world, client);
    } else if (listener->n_expected > 0) {
        listener_schedule(world, client, 50000);
    } else if (world_below(world, 300) == 0) {
        client_hang_up(world, client);
    } else {
        if (listener->cache != NULL)
            cache_act(world, client, listener->cache);
        else if (listener->login != NULL)
            login_act(world, client, listener->login);
        else if (listener->is_keeper)
            keeper_act(world, client);
        else if (!listener->is_ear)
            act_subscriber(world, client);
        bool is_eager = listener->cache != NULL || listener->login != NULL;
        int64_t most_us = is_eager ? 60000 : listener->is_keeper ? 200000 : 400000;
        listener_schedule(world, client, world_between(world, 200, most_us));
    }
}

/* A cache that is told elsewhere comes behind its ear, and to the same node; false: not yet. */
static bool find_ear(struct world *world, const struct client *client, uint32_t *node) {
    const struct listener *listener = client->listener;
    if (listener->partner == 0 || listener->is_ear) return true;
    const struct client *ear = &world->clients->list[listener->partner];
    *node = ear->node;
    cache_redirect(listener->cache, ear->listener->ear_id);
    return ear->state == CLIENT_CONNECTED && ear->listener->ear_is_ready &&
           ear->listener->ear_id != 0;
}

static void listener_act(void *context, uint64_t number, uint64_t ticket) {
    struct world *world = context;
    struct client *client = &world->clients->list[number];
    if (client->ticket != ticket || !world->clients->working) return;
    if (client->state == CLIENT_CONNECTED) {
        act_connected(world, client);
        return;
    }
    uint32_t node = (uint32_t)world_below(world, world->n_nodes);
    bool waits = !find_ear(world, client, &node);
    if (waits || world->processes[node]->is_stranger || !client_connect(world, client, node)) {
        listener_schedule(world, client, world_between(world, 20000, 200000));
        return;
    }
    greet(world, client);
    listener_schedule(world, client, world_between(world, 1000, 50000));
}

bool listener_is_idle(const struct client *client) {
    return client->listener->n_expected == 0;
}

void listener_free(struct client *client) {
    if (client->listener == NULL) return;
    cache_free(client->listener->cache);
    login_free(client->listener->login);
    sf_free(client->listener);
}

const struct login *listener_login(const struct client *client) {
    return client->listener->login;
}

static struct client *listener_add(struct world *world) {
    struct client *client = &world->clients->list[client_add(world)];
    client->listener = sf_alloc_zero(1, sizeof *client->listener);
    listener_schedule(world, client, world_between(world, 0, 100000));
    return client;
}

void listening_start(struct world *world) {
    for (uint32_t i = 0; i < SUBSCRIBERS + CACHES; i++) {
        struct client *client = listener_add(world);
        if (i >= SUBSCRIBERS) client->listener->cache = cache_new(world);
    }
    for (uint32_t i = 0; world->redirects && i < REDIRECTED; i++) {
        struct client *ear = listener_add(world), *client = listener_add(world);
        ear->listener->is_ear = true;
        ear->listener->partner = client->number;
        client->listener->partner = ear->number;
        client->listener->cache = cache_new(world);
    }
    if (world->guarded) listener_add(world)->listener->is_keeper = true;
    for (uint32_t i = 0; world->guarded && i < LOGINS; i++)
        listener_add(world)->listener->login = login_new(i);
}
