/* Publish and subscribe, judged from outside (DESIGN 7, "Publish"):
 *
 *   - nobody hears what was not published, or is not what he asked for, or hears it twice for one
 *     subscription
 *   - order answered is order heard: of two messages, one of which was answered before the other
 *     was sent, that one comes first, where the subscriber's node had queued it before the answer
 *   - nobody hears what was answered before he asked to hear anything, where his node had it
 *   - what its session wrote before is seen behind the message, at the same node (places.c)
 *   - where nothing has gone wrong for a while every subscriber hears it, and the answer counts
 * them
 */
#include "resp/value.h"
#include "sim/listening.h"
#include "util/number.h"

#include <stdio.h>
#include <stdlib.h>

#define TELL_US 500000 /* in calm, from a publication to its last subscriber, at most */

static const char *const names[][3] = {
    {"c0", "c1", "c2"}, {"c*", "c[01]", "?2"}, {"s0", "s1"}, {"__key*__:*"}};
static const uint32_t pattern_matches[PATTERNS] = {7, 3, 4}; /* channels, as bits */

const char *topic_name(enum heard_topic topic, uint32_t which) {
    return names[topic][which];
}

void *listening_grow(void *items, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return items;
    *cap = SF_MAX((size_t)64, *cap * 2);
    return sf_realloc(items, *cap * size);
}

struct listening *listening_new(void) {
    struct listening *listening = sf_alloc_zero(1, sizeof *listening);
    listening->calm_from_us = listening->calm_to_us = INT64_MAX;
    return listening;
}

void listening_free(struct listening *listening) {
    if (listening == NULL) return;
    for (size_t i = 0; i < listening->n_events; i++) bytes_unref(listening->events[i].text);
    for (size_t i = 0; i < listening->n_heard; i++) bytes_unref(listening->heard[i].text);
    sf_free(listening->subscriptions);
    sf_free(listening->publications);
    sf_free(listening->receipts);
    sf_free(listening->events);
    sf_free(listening->heard);
    sf_free(listening->jumps);
    sf_free(listening);
}

/* -- publishing -------------------------------------------------------------------------------- */

size_t publication_new(struct world *world, bool logged) {
    struct listening *listening = world->listening;
    listening->publications = listening_grow(listening->publications, listening->n_publications,
        &listening->publications_cap, sizeof *listening->publications);
    size_t number = listening->n_publications++;
    struct publication *publication = &listening->publications[number];
    *publication =
        (struct publication){.shard = world_chance(world, 25), .logged = logged, .call = CALL_NONE};
    publication->which =
        (uint32_t)world_below(world, publication->shard ? (uint64_t)SHARDS : (uint64_t)CHANNELS);
    return number;
}

void publish_say(struct world *world, struct client *client, struct buf *packet) {
    size_t number = publication_new(world, false);
    struct publication *publication = &world->listening->publications[number];
    char text[24];
    snprintf(text, sizeof text, "p%zu", number);
    enum heard_topic topic = publication->shard ? TOPIC_OF_SHARD : TOPIC_OF_CHANNEL;
    struct slice argv[] = {publication->shard ? SLICE("SPUBLISH") : SLICE("PUBLISH"),
        slice_text(topic_name(topic, publication->which)), slice_text(text)};
    struct client_call call = {.kind = CALL_PUBLISH};
    call_set_words(&call, 3, argv);
    client_put(world, client, &call, packet);
    publication->call = client->last;
}

static bool publication_parse(
    const struct listening *listening, struct slice message, size_t *number) {
    uint64_t value;
    if (message.len < 2 || message.data[0] != 'p') return false;
    if (!uint_parse(slice_of(message.data + 1, message.len - 1), &value)) return false;
    *number = value;
    return value < listening->n_publications;
}

/* publish nonce id applied kind name message; published nonce id receivers */
void publish_on_link(struct process *from, uint32_t argc, const struct slice *argv) {
    struct listening *listening = from->world->listening;
    uint64_t nonce, id;
    size_t number;
    if (argc < 4 || !uint_parse(argv[1], &nonce) || !uint_parse(argv[2], &id)) return;
    if (argc == 7 && publication_parse(listening, argv[6], &number)) {
        listening->publications[number].nonce = nonce;
        listening->publications[number].id = id;
    }
    if (argc != 4) return;
    for (size_t i = listening->n_publications, back = 0; i-- > 0 && back < 500; back++) {
        struct publication *publication = &listening->publications[i];
        if (publication->nonce != nonce || publication->id != id) continue;
        if (publication->queued_us[from->number] == 0)
            publication->queued_us[from->number] = world_now_us(from->world);
        return;
    }
}

void publish_calm(struct world *world, int64_t from_us, int64_t to_us) {
    world->listening->calm_from_us = from_us;
    world->listening->calm_to_us = to_us;
}

/* -- subscribing ------------------------------------------------------------------------------- */

struct listening_to *subscription_find(
    struct listening *listening, uint64_t connection, enum heard_topic topic, uint32_t which) {
    for (size_t i = listening->n_subscriptions; i-- > 0;) {
        struct listening_to *its = &listening->subscriptions[i];
        if (its->connection == connection && its->topic == topic && its->which == which &&
            its->until_us == INT64_MAX)
            return its;
    }
    return NULL;
}

void subscription_ask(
    struct world *world, const struct client *client, enum heard_topic topic, uint32_t which) {
    struct listening *listening = world->listening;
    listening->subscriptions = listening_grow(listening->subscriptions, listening->n_subscriptions,
        &listening->subscriptions_cap, sizeof *listening->subscriptions);
    listening->subscriptions[listening->n_subscriptions++] =
        (struct listening_to){.client = client->number,
            .node = client->node,
            .connection = client->connection,
            .topic = topic,
            .which = which,
            .asked = true,
            .asked_us = world_now_us(world),
            .since_us = INT64_MAX,
            .until_us = INT64_MAX,
            .leaving_us = INT64_MAX};
}

void subscription_leave(
    struct world *world, const struct client *client, enum heard_topic topic, uint32_t which) {
    struct listening_to *its =
        subscription_find(world->listening, client->connection, topic, which);
    SF_ASSERT(its != NULL);
    its->asked = false;
    its->leaving_us = world_now_us(world);
}

void subscriptions_end(struct world *world, const struct client *client) {
    struct listening *listening = world->listening;
    for (size_t i = listening->n_subscriptions; i-- > 0;) {
        struct listening_to *its = &listening->subscriptions[i];
        if (its->connection != client->connection || its->until_us != INT64_MAX) continue;
        its->until_us = world_now_us(world);
        its->leaving_us = SF_MIN(its->leaving_us, its->until_us);
        its->asked = false;
    }
}

/* -- hearing ----------------------------------------------------------------------------------- */

static bool topic_of(enum heard_topic topic, struct slice name, uint32_t *which) {
    static const uint32_t counts[] = {CHANNELS, PATTERNS, SHARDS, 1};
    for (*which = 0; *which < counts[topic]; ++*which)
        if (slice_equal(name, slice_text(names[topic][*which]))) return true;
    return false;
}

/* The topic that a word of the protocol and a name stand for. */
static struct listening_to *subscription_of(
    struct world *world, const struct client *client, char letter, struct slice name) {
    uint32_t which;
    enum heard_topic topic = letter == 'p'   ? TOPIC_OF_PATTERN
                             : letter == 's' ? TOPIC_OF_SHARD
                                             : TOPIC_OF_CHANNEL;
    if (topic == TOPIC_OF_PATTERN && topic_of(TOPIC_OF_EVENTS, name, &which))
        topic = TOPIC_OF_EVENTS;
    if (!topic_of(topic, name, &which)) return NULL;
    return subscription_find(world->listening, client->connection, topic, which);
}

bool publication_is_meant(
    const struct publication *publication, enum heard_topic topic, uint32_t which) {
    if (publication->shard) return topic == TOPIC_OF_SHARD && publication->which == which;
    if (topic == TOPIC_OF_CHANNEL) return publication->which == which;
    return topic == TOPIC_OF_PATTERN && (pattern_matches[which] >> publication->which & 1) != 0;
}

static void confirmed(
    struct world *world, struct listening_to *its, bool begins, const struct heard_at *at) {
    struct listening *listening = world->listening;
    if (begins == (its->since_us != INT64_MAX)) {
        world_fail(
            world, "client %u: a subscription is confirmed that was not asked for", its->client);
        return;
    }
    if (!begins) {
        its->until_us = world_now_us(world);
        return;
    }
    its->since_us = world_now_us(world);
    its->since = *at;
    if (its->topic == TOPIC_OF_EVENTS)
        events_open(world, (size_t)(its - listening->subscriptions), at);
}

static size_t message_take(struct world *world, struct listening_to *its, struct slice channel,
    struct slice message, const struct heard_at *at) {
    struct listening *listening = world->listening;
    size_t number, self = (size_t)(its - listening->subscriptions);
    if (its->topic == TOPIC_OF_EVENTS) {
        events_heard(world, self, channel, message, at);
        return 0;
    }
    if (!publication_parse(listening, message, &number)) {
        world_fail(world, "client %u hears '%.*s', which nobody published", its->client,
            (int)message.len, message.data);
        return 0;
    }
    const struct publication *publication = &listening->publications[number];
    enum heard_topic topic = publication->shard ? TOPIC_OF_SHARD : TOPIC_OF_CHANNEL;
    bool named = slice_equal(channel, slice_text(names[topic][publication->which]));
    if (!named || !publication_is_meant(publication, its->topic, its->which))
        world_fail(world, "client %u hears p%zu at '%.*s', where it was not published", its->client,
            number, (int)channel.len, channel.data);
    listening->receipts = listening_grow(listening->receipts, listening->n_receipts,
        &listening->receipts_cap, sizeof *listening->receipts);
    listening->receipts[listening->n_receipts++] =
        (struct receipt){self, number, world_now_us(world), at->applied};
    world->coverage[COVER_HEARD]++;
    if (publication->call == CALL_NONE) {
        world_fail(world, "client %u hears p%zu, which was discarded", its->client, number);
        return 0;
    }
    return publication->call + 1;
}

size_t publish_heard(struct world *world, const struct client *client,
    const struct resp_value *push, const struct heard_at *at) {
    struct slice word = push->n >= 3 ? push->elements[0].text : SLICE("?");
    bool shard = slice_is(word, "SMESSAGE") || slice_is(word, "SSUBSCRIBE") ||
                 slice_is(word, "SUNSUBSCRIBE");
    char letter = shard ? 's' : word.data[0] == 'p' ? 'p' : 'c';
    struct listening_to *its =
        push->n < 3 ? NULL : subscription_of(world, client, letter, push->elements[1].text);
    if (its == NULL) {
        world_fail(world, "client %u hears '%.*s' without having asked for it", client->number,
            (int)word.len, word.data);
        return 0;
    }
    const struct resp_value *last = &push->elements[push->n - 1];
    if (last->type == ':') {
        bool leaves = memmem(word.data, word.len, "unsub", 5) != NULL;
        confirmed(world, its, !leaves, at);
        return 0;
    }
    if (its->since_us == INT64_MAX) {
        world_fail(world, "client %u hears a message before it is subscribed", client->number);
        return 0;
    }
    return message_take(world, its, push->elements[push->n - 2].text, last->text, at);
}

/* -- judging ----------------------------------------------------------------------------------- */

static const struct client_call *call_of(const struct world *world, size_t publication) {
    return &world->history->calls[world->listening->publications[publication].call];
}

static int compare_receipts(const void *a, const void *b) {
    const struct receipt *one = a, *other = b;
    if (one->subscription != other->subscription)
        return one->subscription < other->subscription ? -1 : 1;
    return (one->publication > other->publication) - (one->publication < other->publication);
}

static void check_once(struct world *world, struct receipt *sorted, size_t n) {
    const struct listening *listening = world->listening;
    memcpy(sorted, listening->receipts, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_receipts);
    for (size_t i = 1; i < n; i++)
        if (compare_receipts(&sorted[i - 1], &sorted[i]) == 0 &&
            !(listening->publications[sorted[i].publication].logged &&
                told_began_anew(listening, &listening->subscriptions[sorted[i].subscription])))
            world_fail(world, "client %u hears p%zu twice",
                listening->subscriptions[sorted[i].subscription].client, sorted[i].publication);
    for (size_t i = 0; i < n; i++)
        if (call_of(world, sorted[i].publication)->outcome == OUTCOME_REFUSED)
            world_fail(
                world, "p%zu is heard, and was answered 'not executed'", sorted[i].publication);
}

/* Whether the node had it before the answer: then what was sent behind that comes behind it. */
static bool was_queued(const struct world *world, size_t number, uint32_t node) {
    const struct publication *publication = &world->listening->publications[number];
    const struct client_call *call = call_of(world, number);
    if (call->node == node) return true;
    return publication->queued_us[node] != 0 && publication->queued_us[node] <= call->completed_us;
}

/* Of each connection: nothing comes behind what was sent after its answer. */
static void check_order(struct world *world) {
    const struct listening *listening = world->listening;
    uint64_t n_connections = world->clients->next_connection + 1;
    size_t *latest =
        sf_alloc_zero(n_connections, sizeof *latest); /* sent last of those heard + 1 */
    for (size_t i = 0; i < listening->n_receipts && !world->failed; i++) {
        const struct receipt *receipt = &listening->receipts[i];
        const struct listening_to *its = &listening->subscriptions[receipt->subscription];
        const struct client_call *call = call_of(world, receipt->publication);
        size_t *last = &latest[its->connection];
        int64_t sent_us = *last == 0 ? -1 : call_of(world, *last - 1)->invoked_us;
        bool logged = listening->publications[receipt->publication].logged; /* told.c */
        if (!logged && call->outcome == OUTCOME_ANSWERED && call->completed_us < sent_us &&
            was_queued(world, receipt->publication, its->node))
            world_fail(world,
                "client %u hears p%zu, which was answered before p%zu was sent, behind that one",
                its->client, receipt->publication, *last - 1);
        if (!logged && call->outcome == OUTCOME_ANSWERED && call->completed_us < its->asked_us &&
            was_queued(world, receipt->publication, its->node))
            world_fail(world, "client %u hears p%zu, which was published before it subscribed",
                its->client, receipt->publication);
        if (call->invoked_us > sent_us) *last = receipt->publication + 1;
    }
    sf_free(latest);
}

static bool was_heard(const struct receipt *sorted, size_t n, size_t subscription, size_t number) {
    struct receipt wanted = {subscription, number, 0, 0};
    return bsearch(&wanted, sorted, n, sizeof *sorted, compare_receipts) != NULL;
}

/* A node that did not answer in time is not waited for until it answers again: only when its
 * publisher's node has published before, long enough and with all links there, all are heard. */
static bool is_calm(const struct world *world, size_t number) {
    const struct listening *listening = world->listening;
    if (listening->publications[number].logged) return false; /* told.c */
    const struct client_call *call = call_of(world, number);
    if (call->invoked_us < listening->calm_from_us) return false;
    if (call->invoked_us > listening->calm_to_us - 2 * TELL_US) return false;
    for (size_t i = 0; i < listening->n_jumps; i++) /* a node is rebuilt, or far behind */
        if (listening->jumps[i].at_us > listening->calm_from_us - 2 * TELL_US) return false;
    for (size_t i = number; i-- > 0;) {
        if (listening->publications[i].logged) continue;
        const struct client_call *before = call_of(world, i);
        if (before->invoked_us < listening->calm_from_us) return false;
        if (before->node == call->node && before->completed_us < call->invoked_us - 200000)
            return true;
    }
    return false;
}

static void check_calm(struct world *world, const struct receipt *sorted, size_t number) {
    const struct listening *listening = world->listening;
    const struct client_call *call = call_of(world, number);
    long long count = -1, least = 0, most = 0;
    if (call->outcome == OUTCOME_UNKNOWN) return;
    for (size_t i = 0; i < listening->n_subscriptions; i++) {
        const struct listening_to *its = &listening->subscriptions[i];
        if (!publication_is_meant(&listening->publications[number], its->topic, its->which))
            continue;
        bool before = its->since_us < call->invoked_us;
        least += before && its->leaving_us > call->completed_us;
        most += its->asked_us < call->completed_us && its->until_us > call->invoked_us;
        if (before && its->leaving_us > call->completed_us + TELL_US &&
            !was_heard(sorted, listening->n_receipts, i, number))
            world_fail(world, "client %u does not hear p%zu, though nothing went wrong",
                its->client, number);
    }
    struct slice reply = bytes_slice(call->reply);
    if (call->outcome != OUTCOME_ANSWERED || sscanf(reply.data, ":%lld\r\n", &count) != 1 ||
        count < least || count > most)
        world_fail(world, "p%zu is answered %.*s, its subscribers are %lld to %lld", number,
            (int)reply.len, reply.data, least, most);
    world->coverage[COVER_PUBLISHED_CALM]++;
}

void publish_judge(struct world *world) {
    const struct listening *listening = world->listening;
    struct receipt *sorted = sf_alloc((listening->n_receipts + 1) * sizeof *sorted);
    check_once(world, sorted, listening->n_receipts);
    if (!world->failed) check_order(world);
    for (size_t i = 0; i < listening->n_publications && !world->failed; i++)
        if (is_calm(world, i)) check_calm(world, sorted, i);
    world->coverage[COVER_PUBLISHED] += listening->n_publications;
    sf_free(sorted);
}

void listening_judge(struct world *world) {
    publish_judge(world);
}
