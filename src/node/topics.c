#include "node/topics.h"

enum { BUCKETS_AT_FIRST = 16 };

/* A chained hash table; what it chains has `hash` and `next`. Growing moves every link at once: at
 * a million subscriptions some ten milliseconds, once. */
struct topics {
    struct hash_secret secret;
    struct list kinds[TOPIC_KINDS];
    uint32_t n[TOPIC_KINDS];
    struct topic **topics;
    uint32_t n_topics, topics_cap; /* a power of two */
    struct subscription **subscriptions;
    uint32_t n_subscriptions, subscriptions_cap;
    uint64_t latest; /* a subscription's number */
};

void subscriber_init(struct subscriber *subscriber) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++) {
        list_init(&subscriber->subscriptions[kind]);
        subscriber->n[kind] = 0;
    }
}

struct topics *topics_new(const struct hash_secret *secret) {
    struct topics *topics = sf_alloc_zero(1, sizeof *topics);
    topics->secret = *secret;
    for (int kind = 0; kind < TOPIC_KINDS; kind++) list_init(&topics->kinds[kind]);
    topics->topics_cap = topics->subscriptions_cap = BUCKETS_AT_FIRST;
    topics->topics = sf_alloc_zero(BUCKETS_AT_FIRST, sizeof *topics->topics);
    topics->subscriptions = sf_alloc_zero(BUCKETS_AT_FIRST, sizeof *topics->subscriptions);
    return topics;
}

void topics_free(struct topics *topics) {
    SF_ASSERT(topics->n_topics == 0 && topics->n_subscriptions == 0);
    sf_free(topics->topics);
    sf_free(topics->subscriptions);
    sf_free(topics);
}

/* -- topics ---------------------------------------------------------------------------------- */

static uint64_t topic_hash(const struct topics *topics, enum topic_kind kind, struct slice name) {
    return hash_keyed(&topics->secret, name) + (uint64_t)kind * 0x9e3779b97f4a7c15ULL;
}

static struct topic **topic_place(
    const struct topics *topics, enum topic_kind kind, struct slice name, uint64_t hash) {
    struct topic **place = &topics->topics[hash & (topics->topics_cap - 1)];
    while (*place != NULL && ((*place)->hash != hash || (*place)->kind != kind ||
                                 !slice_equal((*place)->name, name))) {
        place = &(*place)->next;
    }
    return place;
}

static void topics_grow(struct topics *topics) {
    if (topics->n_topics < topics->topics_cap) return;
    uint32_t cap = topics->topics_cap * 2;
    struct topic **buckets = sf_alloc_zero(cap, sizeof(struct topic *));
    for (uint32_t i = 0; i < topics->topics_cap; i++) {
        for (struct topic *topic = topics->topics[i], *next; topic != NULL; topic = next) {
            next = topic->next;
            topic->next = buckets[topic->hash & (cap - 1)];
            buckets[topic->hash & (cap - 1)] = topic;
        }
    }
    sf_free(topics->topics);
    topics->topics = buckets;
    topics->topics_cap = cap;
}

static struct topic *topic_get(struct topics *topics, enum topic_kind kind, struct slice name) {
    uint64_t hash = topic_hash(topics, kind, name);
    struct topic **place = topic_place(topics, kind, name, hash);
    if (*place != NULL) return *place;
    topics_grow(topics);
    place = &topics->topics[hash & (topics->topics_cap - 1)];
    struct topic *topic = sf_alloc(sizeof *topic + name.len);
    *topic = (struct topic){.kind = kind, .hash = hash, .next = *place};
    if (name.len > 0) memcpy(topic + 1, name.data, name.len);
    topic->name = slice_of((const char *)(topic + 1), name.len);
    list_init(&topic->in_kind);
    list_init(&topic->subscriptions);
    list_push_back(&topics->kinds[kind], &topic->in_kind);
    topics->n[kind]++;
    topics->n_topics++;
    *place = topic;
    return topic;
}

static void topic_drop(struct topics *topics, struct topic *topic) {
    struct topic **place = topic_place(topics, topic->kind, topic->name, topic->hash);
    SF_ASSERT(*place == topic);
    *place = topic->next;
    list_remove(&topic->in_kind);
    topics->n[topic->kind]--;
    topics->n_topics--;
    sf_free(topic);
}

const struct topic *topics_find(
    const struct topics *topics, enum topic_kind kind, struct slice name) {
    return *topic_place(topics, kind, name, topic_hash(topics, kind, name));
}

struct list *topics_of_kind(struct topics *topics, enum topic_kind kind) {
    return &topics->kinds[kind];
}

uint64_t topics_latest(const struct topics *topics) {
    return topics->latest;
}

uint32_t topics_count(const struct topics *topics, enum topic_kind kind) {
    return topics->n[kind];
}

/* -- subscriptions --------------------------------------------------------------------------- */

static uint64_t subscription_hash(const struct topic *topic, const struct subscriber *subscriber) {
    return hash_mix(topic->hash ^ (uint64_t)(uintptr_t)subscriber);
}

static struct subscription **subscription_place(
    const struct topics *topics, const struct topic *topic, const struct subscriber *subscriber) {
    uint64_t hash = subscription_hash(topic, subscriber);
    struct subscription **place = &topics->subscriptions[hash & (topics->subscriptions_cap - 1)];
    while (*place != NULL && ((*place)->topic != topic || (*place)->subscriber != subscriber)) {
        place = &(*place)->next;
    }
    return place;
}

static void subscriptions_grow(struct topics *topics) {
    if (topics->n_subscriptions < topics->subscriptions_cap) return;
    uint32_t cap = topics->subscriptions_cap * 2;
    struct subscription **buckets = sf_alloc_zero(cap, sizeof(struct subscription *));
    for (uint32_t i = 0; i < topics->subscriptions_cap; i++) {
        for (struct subscription *at = topics->subscriptions[i], *next; at != NULL; at = next) {
            next = at->next;
            at->next = buckets[at->hash & (cap - 1)];
            buckets[at->hash & (cap - 1)] = at;
        }
    }
    sf_free(topics->subscriptions);
    topics->subscriptions = buckets;
    topics->subscriptions_cap = cap;
}

bool topics_add(
    struct topics *topics, struct subscriber *subscriber, enum topic_kind kind, struct slice name) {
    struct topic *topic = topic_get(topics, kind, name);
    if (*subscription_place(topics, topic, subscriber) != NULL) return false;
    subscriptions_grow(topics);
    struct subscription **place = subscription_place(topics, topic, subscriber);
    struct subscription *subscription = sf_alloc(sizeof *subscription);
    *subscription = (struct subscription){.topic = topic,
        .subscriber = subscriber,
        .number = ++topics->latest,
        .hash = subscription_hash(topic, subscriber),
        .next = *place};
    *place = subscription;
    list_init(&subscription->in_topic);
    list_init(&subscription->in_subscriber);
    list_push_back(&topic->subscriptions, &subscription->in_topic);
    list_push_back(&subscriber->subscriptions[kind], &subscription->in_subscriber);
    topic->n++;
    subscriber->n[kind]++;
    topics->n_subscriptions++;
    return true;
}

static void subscription_drop(struct topics *topics, struct subscription *subscription) {
    struct topic *topic = subscription->topic;
    struct subscription **place = subscription_place(topics, topic, subscription->subscriber);
    SF_ASSERT(*place == subscription);
    *place = subscription->next;
    list_remove(&subscription->in_topic);
    list_remove(&subscription->in_subscriber);
    subscription->subscriber->n[topic->kind]--;
    topics->n_subscriptions--;
    sf_free(subscription);
    if (--topic->n == 0) topic_drop(topics, topic);
}

bool topics_remove(
    struct topics *topics, struct subscriber *subscriber, enum topic_kind kind, struct slice name) {
    const struct topic *topic = topics_find(topics, kind, name);
    if (topic == NULL) return false;
    struct subscription *subscription = *subscription_place(topics, topic, subscriber);
    if (subscription == NULL) return false;
    subscription_drop(topics, subscription);
    return true;
}

void topics_remove_all(struct topics *topics, struct subscriber *subscriber) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++) {
        LIST_FOR_EACH(link, &subscriber->subscriptions[kind]) {
            subscription_drop(topics, SF_CONTAINER(link, struct subscription, in_subscriber));
        }
    }
}
