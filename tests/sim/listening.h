/* Clients that listen: subscribers and publishers (published.c), keyspace notifications (events.c),
 * caches that are told what changed (caching.c). What each must and must not hear is judged at the
 * end of a run. */
#ifndef SF_SIM_LISTENING_H
#define SF_SIM_LISTENING_H

#include "raft/types.h"
#include "sim/client_internal.h"
#include "sim/process.h"

struct listening;
struct resp_value;
struct publication;
struct listening_to;

/* Where a node was when it spoke: what it had applied, and had applied one turn before; what its
 * log held when it was started. */
struct heard_at {
    raft_index before, applied, found;
};

struct listening *listening_new(void);
void listening_free(struct listening *listening);
void listening_start(struct world *world); /* adds the listeners */
/* After the verdict has carried out the log. */
void listening_judge(struct world *world);

/* -- listeners.c: their life, to which the clients' bytes are passed on --------------------------
 */
void listener_on_bytes(struct world *world, struct client *client, const struct heard_at *at);
void listener_lost(struct world *world, struct client *client);
void listener_free(struct client *client);
bool listener_is_idle(const struct client *client);

/* -- published.c --------------------------------------------------------------------------------
 */
/* A worker's PUBLISH or SPUBLISH. */
void publish_say(struct world *world, struct client *client, struct buf *packet);
/* What nodes say to each other of it. */
void publish_on_link(struct process *from, uint32_t argc, const struct slice *argv);
/* Between these two nothing goes wrong, and nothing has for a second. */
void publish_calm(struct world *world, int64_t from_us, int64_t to_us);

enum heard_topic { TOPIC_OF_CHANNEL, TOPIC_OF_PATTERN, TOPIC_OF_SHARD, TOPIC_OF_EVENTS };
enum { CHANNELS = 3, PATTERNS = 3, SHARDS = 2 };
const char *topic_name(enum heard_topic topic, uint32_t which);
/* The subscription of a connection, NULL where there is none. */
struct listening_to *subscription_find(
    struct listening *listening, uint64_t connection, enum heard_topic topic, uint32_t which);
void subscription_ask(
    struct world *world, const struct client *client, enum heard_topic topic, uint32_t which);
void subscription_leave(
    struct world *world, const struct client *client, enum heard_topic topic, uint32_t which);
void subscriptions_end(struct world *world, const struct client *client);
/* A message, or a confirmation: its words. Returns the call of the PUBLISH plus 1 where it was a
 * message of one, else 0. */
size_t publish_heard(struct world *world, const struct client *client,
    const struct resp_value *push, const struct heard_at *at);
void publish_judge(struct world *world);
/* logged: a transaction or script will publish it. */
size_t publication_new(struct world *world, bool logged);
bool publication_is_meant(
    const struct publication *publication, enum heard_topic topic, uint32_t which);

/* -- told.c: what transactions and scripts publish ----------------------------------------------
 */
struct exec_words;
#define CALL_NONE SIZE_MAX
void told_say_queued(
    struct world *world, struct client *client, struct buf *packet, struct exec_words *words);
void told_say_script(struct world *world, struct client *client, struct buf *packet);
/* The publications from that number on are of this call; CALL_NONE: they were given up. */
void told_belongs(struct world *world, size_t first, size_t call);
/* last_step: of each entry. */
void told_judge(struct world *world, const uint64_t *last_step, raft_index last);
/* Whether the listener's node began a new life while he listened. */
bool told_began_anew(const struct listening *listening, const struct listening_to *its);

/* -- events.c -----------------------------------------------------------------------------------
 */
void events_open(struct world *world, size_t subscription, const struct heard_at *at);
void events_heard(struct world *world, size_t subscription, struct slice channel,
    struct slice message, const struct heard_at *at);
/* The node's state is another one, of that index; 0: it begins anew, and tells all that it applies.
 */
void events_jump(struct process *process, raft_index index);
/* What the log says: as the engine tells it that carries it out for the verdict. */
void events_expect(
    struct world *world, raft_index index, const char *name, uint32_t db, struct slice key);
void events_judge(struct world *world, raft_index last);

/* -- caching.c ----------------------------------------------------------------------------------
 */
struct cache;
struct cache *cache_new(struct world *world);
void cache_free(struct cache *cache);
void cache_clear(struct cache *cache);
/* CLIENT TRACKING and what comes before it. */
void cache_greet(struct world *world, struct client *client, struct cache *cache);
/* Reads, from the cache or the node, or writes. */
void cache_act(struct world *world, struct client *client, struct cache *cache);
void cache_answered(struct world *world, struct cache *cache, struct slice reply, bool good);
void cache_invalidate(struct cache *cache, const struct resp_value *keys);

bool cache_is_told_elsewhere(const struct cache *cache);
/* Invalidations come on the connection of that id; 0: on its own. */
void cache_redirect(struct cache *cache, int64_t to);

/* -- users.c ------------------------------------------------------------------------------------
 */
struct login;
struct model;
struct login *login_new(uint32_t user);
void login_free(struct login *login);
void login_greet(struct world *world, struct client *client, struct login *login);
void login_act(struct world *world, struct client *client, struct login *login);
/* false: he is not let in. */
bool login_answered(struct world *world, struct login *login, size_t number, struct slice reply,
    const struct heard_at *at);
/* Changes somebody's rights, or deletes him. */
void keeper_act(struct world *world, struct client *client);
bool call_is_login(const struct client_call *call);
bool call_is_denied(const struct client_call *call);
void users_judge(struct world *world, const struct model *model, const uint64_t *last_step);

/* -- what the files share -----------------------------------------------------------------------
 */

struct listening_to {
    uint32_t client, node;
    uint64_t connection;
    enum heard_topic topic;
    uint32_t which;
    bool asked;                           /* SUBSCRIBE was sent, and no UNSUBSCRIBE since */
    int64_t asked_us, since_us, until_us; /* INT64_MAX: not yet */
    int64_t leaving_us;                   /* UNSUBSCRIBE was sent */
    struct heard_at since;
};

struct receipt {
    size_t subscription, publication;
    int64_t at_us;
    raft_index applied; /* by the node when it said so */
};

struct publication {
    size_t call; /* in the history; CALL_NONE: given up */
    bool shard;
    bool logged;      /* told.c */
    size_t place;     /* ... among all of the log that were published, from 1 on */
    raft_index index; /* ... of its entry */
    uint32_t which;
    uint64_t nonce, id;           /* its publisher's node's, between nodes */
    int64_t queued_us[NODES_MAX]; /* when that node said that it had it; 0: never */
};

struct event {
    raft_index index;
    struct bytes *text; /* channel, newline, message */
};

struct heard_event {
    size_t subscription;
    struct bytes *text;
    struct heard_at at;
    int64_t at_us;
};

struct jump {
    uint32_t node;
    int64_t at_us;
    raft_index index;
};

struct listening {
    bool notifies; /* the cluster's setting */
    struct listening_to *subscriptions;
    size_t n_subscriptions, subscriptions_cap;
    struct publication *publications;
    size_t n_publications, publications_cap;
    struct receipt *receipts;
    size_t n_receipts, receipts_cap;
    struct event *events;
    size_t n_events, events_cap;
    struct heard_event *heard;
    size_t n_heard, heard_cap;
    struct jump *jumps;
    size_t n_jumps, jumps_cap;
    int64_t calm_from_us, calm_to_us;
};

/* Room for one more of *n. */
void *listening_grow(void *items, size_t n, size_t *cap, size_t size);

/* Of a listener's connection: words without a place in the history, answered by anything but an
 * error; and calls. */
void listener_say(
    struct client *client, struct buf *packet, uint32_t argc, const char *const *words);
void listener_call(
    struct world *world, struct client *client, struct buf *packet, struct client_call *call);
/* ... that goes into the log in other words than those that are sent. */
void listener_call_as(struct world *world, struct client *client, struct buf *packet,
    struct client_call *call, uint32_t argc, const struct slice *argv);
/* As listener_say; an error ends the connection. */
void listener_try(
    struct client *client, struct buf *packet, uint32_t argc, const char *const *words);
const struct login *listener_login(const struct client *client); /* NULL: he is no user */
void listener_send(struct world *world, struct client *client, struct buf *packet);

#endif
