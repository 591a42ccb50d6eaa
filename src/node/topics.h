/* Who listens to what: channels, patterns and shard channels with their subscribers. Knows no
 * messages and no other nodes. */
#ifndef SF_NODE_TOPICS_H
#define SF_NODE_TOPICS_H

#include "util/hash.h"
#include "util/list.h"
#include "util/slice.h"

enum topic_kind { TOPIC_CHANNEL, TOPIC_PATTERN, TOPIC_SHARD };
#define TOPIC_KINDS 3

struct topic {
    struct list in_kind;       /* every topic has a subscriber */
    struct list subscriptions; /* in the order in which they came */
    uint32_t n;
    enum topic_kind kind;
    uint64_t hash;
    struct topic *next; /* of its bucket */
    struct slice name;  /* behind the struct */
};

/* One subscriber's place: what it subscribed to, in its own order. */
struct subscriber {
    struct list subscriptions[TOPIC_KINDS];
    uint32_t n[TOPIC_KINDS];
};
void subscriber_init(struct subscriber *subscriber);

struct subscription {
    struct list in_topic, in_subscriber;
    struct topic *topic;
    struct subscriber *subscriber;
    uint64_t number; /* they count up, over all topics */
    uint64_t hash;
    struct subscription *next; /* of its bucket */
};

struct topics;
/* secret: nobody can choose names that collide. */
struct topics *topics_new(const struct hash_secret *secret);
void topics_free(struct topics *topics); /* all subscribers must have gone */

/* false: it was there already. */
bool topics_add(
    struct topics *topics, struct subscriber *subscriber, enum topic_kind kind, struct slice name);
/* false: it was not there. A topic goes with its last subscription. */
bool topics_remove(
    struct topics *topics, struct subscriber *subscriber, enum topic_kind kind, struct slice name);
void topics_remove_all(struct topics *topics, struct subscriber *subscriber);

const struct topic *topics_find(
    const struct topics *topics, enum topic_kind kind, struct slice name); /* or NULL */
struct list *topics_of_kind(struct topics *topics, enum topic_kind kind); /* struct topic.in_kind */
uint64_t topics_latest(const struct topics *topics); /* the latest subscription's number */
uint32_t topics_count(const struct topics *topics, enum topic_kind kind);

#endif
