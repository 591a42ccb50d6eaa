/* Publish and subscribe, over all nodes (DESIGN 7).
 *
 * A message goes to every node outside the log. Each node puts what it publishes and what it hears
 * into one queue and delivers from its head, once it has applied what the publisher had applied;
 * the publisher is answered when every node that answers has queued it. So whoever is answered
 * knows: what is published from now on, at any node, comes later at each subscriber. What an entry
 * publishes (a transaction, a script, a keyspace event) has a queue of its own: a message that
 * waits for that entry comes behind it.
 *
 *   node -> every member (bulk)     publish    nonce id applied channel|shard name message
 *   member -> node       (control)  published  nonce id receivers
 *   node -> every member (bulk)     pubsub-ask nonce id what name*
 *   member -> node       (bulk)     pubsub-answer nonce id word*
 *
 * A node that does not answer within the time is no longer waited for until it answers again. */
#include "node/internal.h"
#include "util/glob.h"

enum {
    ANSWER_US = 100000,
    QUEUE_BYTES_MAX = 64 << 20,   /* behind what is not applied yet; later ones reach nobody here */
    ANSWER_BYTES_MAX = 32 << 20,  /* of names told to another node; the rest is left out */
    NAME_OVERHEAD_BYTES = 32,     /* so that their number is bounded too (NODE_LINK_ARGS_MAX) */
    BACKLOG_BYTES_MAX = 32 << 20, /* on its way to a node; it gets no more messages meanwhile, so
                                     that a flood of them does not cost it the link */
};

struct publication {
    struct list in_queue;
    uint64_t order;   /* in which they were queued */
    raft_index after; /* delivered once that is applied; of an entry: its index */
    enum topic_kind kind;
    uint64_t listeners;         /* who has subscribed since does not hear it (topics_latest) */
    struct slice name, message; /* behind the struct */
    size_t bytes;
};

enum gather_kind { GATHER_PUBLISH, GATHER_COUNTS, GATHER_NAMES, GATHER_NAMES_TOTAL };

/* A command that is answered once the other nodes were heard. One in a transaction asks before that
 * begins: what was heard is kept until its place, where what this node knows itself is added. */
struct gather {
    struct list in_pubsub; /* of gathers; of kept, once all were heard */
    bool is_place;
    uint32_t place;
    enum gather_kind kind;
    uint64_t id;
    struct pending *held;
    int64_t deadline_us;
    raft_id awaited[RAFT_MEMBERS_MAX];
    uint32_t n_awaited;
    int64_t sum;           /* PUBLISH */
    enum topic_kind topic; /* what is asked for */
    int64_t *counts;       /* COUNTS: of the words behind the first two */
    uint32_t n_counts;
    struct topics *names; /* NAMES: the union, as topics of one subscriber */
    struct subscriber collector;
};

struct pubsub {
    struct hash_secret secret;
    struct topics *topics;
    struct list said, logged; /* by PUBLISH; by entries */
    size_t queue_bytes;       /* of both */
    uint64_t next_order;
    struct list gathers, kept;
    uint64_t next_id;
    uint64_t n_dropped;
};

static const char *const kind_words[] = {"channel", "pattern", "shard"};

/* -- delivering ------------------------------------------------------------------------------ */

static uint64_t count_receivers(struct pubsub *pubsub, enum topic_kind kind, struct slice name) {
    const struct topic *topic = topics_find(pubsub->topics, kind, name);
    uint64_t n = topic == NULL ? 0 : topic->n;
    if (kind != TOPIC_CHANNEL) return n;
    LIST_FOR_EACH(link, topics_of_kind(pubsub->topics, TOPIC_PATTERN)) {
        const struct topic *pattern = SF_CONTAINER(link, struct topic, in_kind);
        if (glob_match(pattern->name, name, false)) n += pattern->n;
    }
    return n;
}

static struct session *session_of(struct subscriber *subscriber) {
    return SF_CONTAINER(subscriber, struct session, subscriber);
}

/* Each form of the message is made once and copied to whoever wants it. */
struct forms {
    struct buf bytes[2]; /* RESP2, RESP3 */
};

static void form_make(struct forms *forms, uint8_t proto, const struct topic *topic,
    struct slice name, struct slice message) {
    static const char *const words[] = {"message", "pmessage", "smessage"};
    struct reply reply = {&forms->bytes[proto - 2], proto};
    reply_push(&reply, topic->kind == TOPIC_PATTERN ? 4 : 3);
    reply_bulk_text(&reply, words[topic->kind]);
    if (topic->kind == TOPIC_PATTERN) reply_bulk(&reply, topic->name);
    reply_bulk(&reply, name);
    reply_bulk(&reply, message);
}

static void deliver_to(
    const struct topic *topic, uint64_t listeners, struct slice name, struct slice message) {
    struct forms forms = {0};
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&topic->subscriptions) {
        const struct subscription *subscription = SF_CONTAINER(link, struct subscription, in_topic);
        if (subscription->number > listeners) break; /* in the order in which they came */
        struct session *session = session_of(subscription->subscriber);
        struct buf *form = &forms.bytes[session->proto - 2];
        if (session->close_now) continue;
        if (form->len == 0) form_make(&forms, session->proto, topic, name, message);
        buf_append_slice(&session->output, buf_slice(form));
        session_pushed(session);
    }
    buf_free(&forms.bytes[0]);
    buf_free(&forms.bytes[1]);
}

static void deliver(struct pubsub *pubsub, enum topic_kind kind, uint64_t listeners,
    struct slice name, struct slice message) {
    const struct topic *topic = topics_find(pubsub->topics, kind, name);
    if (topic != NULL) deliver_to(topic, listeners, name, message);
    if (kind != TOPIC_CHANNEL) return;
    LIST_FOR_EACH(link, topics_of_kind(pubsub->topics, TOPIC_PATTERN)) {
        const struct topic *pattern = SF_CONTAINER(link, struct topic, in_kind);
        if (glob_match(pattern->name, name, false)) deliver_to(pattern, listeners, name, message);
    }
}

/* -- the queue ------------------------------------------------------------------------------- */

static void publication_free(struct pubsub *pubsub, struct publication *publication) {
    list_remove(&publication->in_queue);
    pubsub->queue_bytes -= publication->bytes;
    sf_free(publication);
}

static void queue_add(struct node *node, struct list *queue, enum topic_kind kind, raft_index after,
    struct slice name, struct slice message) {
    struct pubsub *pubsub = node->pubsub;
    size_t bytes = sizeof(struct publication) + name.len + message.len;
    if (pubsub->queue_bytes > 0 && pubsub->queue_bytes + bytes > QUEUE_BYTES_MAX) {
        if (pubsub->n_dropped++ == 0) {
            node_log(node, LOG_WARNING,
                "published messages wait for entries that this node has not applied, too many of "
                "them: later ones do not reach its subscribers");
        }
        return;
    }
    struct publication *publication = sf_alloc(bytes);
    char *at = (char *)(publication + 1);
    *publication = (struct publication){.order = pubsub->next_order++,
        .after = after,
        .kind = kind,
        .listeners = topics_latest(pubsub->topics),
        .name = slice_of(at, name.len),
        .message = slice_of(at + name.len, message.len),
        .bytes = bytes};
    if (name.len > 0) memcpy(at, name.data, name.len);
    if (message.len > 0) memcpy(at + name.len, message.data, message.len);
    list_init(&publication->in_queue);
    list_push_back(queue, &publication->in_queue);
    pubsub->queue_bytes += bytes;
    node_wake(node);
}

/* By a process before this one, or by this one before it was rebuilt. Or before this node was a
 * member: whoever listened meanwhile asked a node outside. One that is rebuilt has its listeners of
 * before, and they miss nothing. */
static bool was_told_before(const struct node *node, raft_index index) {
    raft_index told = SF_MAX(node->replays_until, node->digests->past_index);
    if (told > 0) return index <= told;
    bool comes_in = node->identity.state == IDENTITY_JOINING &&
                    configuration_find(&node->seen_configuration, node->identity.id) == NULL;
    return comes_in || index <= node->let_in_at;
}

/* What the engine publishes while it applies (transactions, notify.c) is delivered behind its
 * entry, and what a read tells at the end of the turn: not into the middle of a reply that is being
 * written. */
int64_t pubsub_publish(void *context, bool shard, struct slice name, struct slice message) {
    struct node *node = context;
    enum topic_kind kind = shard ? TOPIC_SHARD : TOPIC_CHANNEL;
    uint64_t n = count_receivers(node->pubsub, kind, name);
    raft_index after = engine_applied(node->engine) + engine_is_applying(node->engine);
    if (engine_is_applying(node->engine) && was_told_before(node, after)) return 0;
    if (n > 0) queue_add(node, &node->pubsub->logged, kind, after, name, message);
    return (int64_t)n;
}

static struct publication *head_of(struct list *queue) {
    struct list *first = list_first(queue);
    return first == NULL ? NULL : SF_CONTAINER(first, struct publication, in_queue);
}

/* What an entry publishes does not wait for what was queued before it and waits for that entry. */
static struct publication *next_of(struct pubsub *pubsub) {
    struct publication *said = head_of(&pubsub->said), *logged = head_of(&pubsub->logged);
    if (said == NULL || logged == NULL) return said == NULL ? logged : said;
    return said->after >= logged->after || logged->order < said->order ? logged : said;
}

static void queue_deliver(struct node *node) {
    struct pubsub *pubsub = node->pubsub;
    raft_index applied = node->engine == NULL ? 0 : engine_applied(node->engine);
    for (;;) {
        struct publication *head = next_of(pubsub);
        if (head == NULL) break;
        if (head->after > applied) return;
        deliver(pubsub, head->kind, head->listeners, head->name, head->message);
        publication_free(pubsub, head);
    }
    pubsub->n_dropped = 0;
}

/* -- gathering ------------------------------------------------------------------------------- */

static void gather_free(struct gather *gather) {
    list_remove(&gather->in_pubsub);
    if (gather->names != NULL) {
        topics_remove_all(gather->names, &gather->collector);
        topics_free(gather->names);
    }
    sf_free(gather->counts);
    sf_free(gather);
}

static void reply_names(struct gather *gather, struct reply *reply) {
    if (gather->kind == GATHER_NAMES_TOTAL) {
        reply_integer(reply, (int64_t)topics_count(gather->names, gather->topic));
        return;
    }
    reply_array(reply, topics_count(gather->names, gather->topic));
    LIST_FOR_EACH(link, topics_of_kind(gather->names, gather->topic)) {
        reply_bulk(reply, SF_CONTAINER(link, struct topic, in_kind)->name);
    }
}

static void gather_reply(struct gather *gather, const struct slice *argv, struct reply *reply) {
    switch (gather->kind) {
    case GATHER_PUBLISH:
        reply_integer(reply, gather->sum);
        break;
    case GATHER_COUNTS:
        reply_array(reply, 2 * gather->n_counts);
        for (uint32_t i = 0; i < gather->n_counts; i++) {
            reply_bulk(reply, argv[i + 2]);
            reply_integer(reply, gather->counts[i]);
        }
        break;
    case GATHER_NAMES:
    case GATHER_NAMES_TOTAL:
        reply_names(gather, reply);
        break;
    }
}

static bool is_gathering(const struct pubsub *pubsub, const struct pending *held) {
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&pubsub->gathers) {
        if (SF_CONTAINER(link, struct gather, in_pubsub)->held == held) return true;
    }
    return false;
}

static void place_finish(struct gather *gather) {
    struct pubsub *pubsub = gather->held->session->node->pubsub;
    list_remove(&gather->in_pubsub);
    list_push_back(&pubsub->kept, &gather->in_pubsub);
    if (!is_gathering(pubsub, gather->held)) held_done(gather->held);
}

static void gather_finish(struct gather *gather) {
    struct pending *held = gather->held;
    if (gather->is_place) {
        place_finish(gather);
        return;
    }
    struct reply reply = held_reply(held);
    gather_reply(gather, held->argv, &reply);
    held_done(held);
    gather_free(gather);
}

static bool is_flooded(struct node *node, const struct peer *peer) {
    return peer->bulk != 0 &&
           node->ports.link_backlog(node->ports.context, peer->bulk) > BACKLOG_BYTES_MAX;
}

/* Sends words to every member; the ones that may be expected to answer are awaited. */
static void gather_send(
    struct node *node, struct gather *gather, uint32_t argc, const struct slice *argv) {
    for (uint32_t i = 0; i < node->n_peers; i++) {
        struct peer *peer = &node->peers[i];
        bool sent = !is_flooded(node, peer) && peer_send(node, peer->id, true, argc, argv);
        if (sent && !peer->silent) gather->awaited[gather->n_awaited++] = peer->id;
    }
}

static void gather_forget_peer(struct gather *gather, raft_id peer) {
    for (uint32_t i = 0; i < gather->n_awaited; i++) {
        if (gather->awaited[i] != peer) continue;
        gather->awaited[i] = gather->awaited[--gather->n_awaited];
        return;
    }
}

void pubsub_link_lost(struct node *node, raft_id peer) {
    LIST_FOR_EACH(link, &node->pubsub->gathers) {
        struct gather *gather = SF_CONTAINER(link, struct gather, in_pubsub);
        gather_forget_peer(gather, peer);
        if (gather->n_awaited == 0) gather_finish(gather);
    }
}

static void drop_from(struct list *gathers, const struct pending *held) {
    LIST_FOR_EACH(link, gathers) {
        struct gather *gather = SF_CONTAINER(link, struct gather, in_pubsub);
        if (gather->held == held) gather_free(gather);
    }
}

void pubsub_drop(struct node *node, struct pending *held) {
    drop_from(&node->pubsub->gathers, held);
    drop_from(&node->pubsub->kept, held);
}

static struct gather *gather_new(
    struct node *node, enum gather_kind kind, enum topic_kind topic, struct pending *held) {
    struct gather *gather = sf_alloc_zero(1, sizeof *gather);
    gather->kind = kind;
    gather->topic = topic;
    gather->id = node->pubsub->next_id++;
    gather->held = held;
    gather->deadline_us = node->now_us + ANSWER_US;
    subscriber_init(&gather->collector);
    list_init(&gather->in_pubsub);
    list_push_back(&node->pubsub->gathers, &gather->in_pubsub);
    return gather;
}

static void numbers_put(
    const struct node *node, uint64_t id, struct slice out[2], char text[2][INT_TEXT_MAX]) {
    out[0] = slice_of(text[0], uint_print(node->incarnation.nonce, text[0]));
    out[1] = slice_of(text[1], uint_print(id, text[1]));
}

/* -- PUBLISH --------------------------------------------------------------------------------- */

/* Runs at its turn: all earlier writes of the session are applied. Always becomes a held one, since
 * it may run before earlier PUBLISHes of a pipeline are answered. */
void local_publish(struct local_call *call) {
    struct node *node = call->node;
    enum topic_kind kind = call->command->id == COMMAND_SPUBLISH ? TOPIC_SHARD : TOPIC_CHANNEL;
    raft_index after = node->engine == NULL ? 0 : engine_applied(node->engine);
    after = SF_MAX(after, call->session->last_write_index); /* its entry may be half applied */
    struct gather *gather = gather_new(node, GATHER_PUBLISH, kind, local_hold(call));
    call->session->n_publish_held++;
    gather->sum = (int64_t)count_receivers(node->pubsub, kind, call->argv[1]);
    queue_add(node, &node->pubsub->said, kind, after, call->argv[1], call->argv[2]);
    char text[2][INT_TEXT_MAX], applied[INT_TEXT_MAX];
    struct slice words[7] = {SLICE("publish")};
    numbers_put(node, gather->id, words + 1, text);
    words[3] = slice_of(applied, uint_print(after, applied));
    words[4] = slice_text(kind_words[kind]);
    words[5] = call->argv[1];
    words[6] = call->argv[2];
    gather_send(node, gather, 7, words);
    if (gather->n_awaited == 0) gather_finish(gather);
}

static bool kind_parse(struct slice word, enum topic_kind *out) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++) {
        *out = (enum topic_kind)kind;
        if (slice_equal(word, slice_text(kind_words[kind]))) return true;
    }
    return false;
}

bool pubsub_on_publish(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t after;
    enum topic_kind kind;
    if (argc != 7 || !uint_parse(argv[3], &after) || !kind_parse(argv[4], &kind)) return false;
    char text[INT_TEXT_MAX];
    uint64_t receivers = count_receivers(node->pubsub, kind, argv[5]);
    struct slice words[4] = {
        SLICE("published"), argv[1], argv[2], slice_of(text, uint_print(receivers, text))};
    if (receivers > 0) queue_add(node, &node->pubsub->said, kind, after, argv[5], argv[6]);
    peer_send(node, from, false, 4, words);
    return true;
}

/* -- answers --------------------------------------------------------------------------------- */

/* The gather that a message answers, if it still waits for that node. */
static struct gather *gather_find(struct node *node, raft_id from, const struct slice *argv) {
    uint64_t nonce, id;
    struct peer *peer = peer_of(node, from);
    if (peer != NULL) peer->silent = false;
    if (!uint_parse(argv[1], &nonce) || nonce != node->incarnation.nonce) return NULL;
    if (!uint_parse(argv[2], &id)) return NULL;
    LIST_FOR_EACH(link, &node->pubsub->gathers) {
        struct gather *gather = SF_CONTAINER(link, struct gather, in_pubsub);
        if (gather->id != id) continue;
        for (uint32_t i = 0; i < gather->n_awaited; i++) {
            if (gather->awaited[i] == from) return gather;
        }
        return NULL;
    }
    return NULL;
}

static void gather_heard(struct gather *gather, raft_id from) {
    gather_forget_peer(gather, from);
    if (gather->n_awaited == 0) gather_finish(gather);
}

bool pubsub_on_published(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t receivers;
    if (argc != 4 || !uint_parse(argv[3], &receivers)) return false;
    struct gather *gather = gather_find(node, from, argv);
    if (gather == NULL || gather->kind != GATHER_PUBLISH) return true;
    gather->sum += (int64_t)SF_MIN(receivers, UINT32_MAX);
    gather_heard(gather, from);
    return true;
}

bool pubsub_on_answer(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    if (argc < 3) return false;
    struct gather *gather = gather_find(node, from, argv);
    if (gather == NULL || gather->kind == GATHER_PUBLISH) return true;
    for (uint32_t i = 3; i < argc; i++) {
        uint64_t count;
        if (gather->kind != GATHER_COUNTS) {
            topics_add(gather->names, &gather->collector, gather->topic, argv[i]);
        } else if (i - 3 < gather->n_counts && uint_parse(argv[i], &count)) {
            gather->counts[i - 3] += (int64_t)SF_MIN(count, UINT32_MAX);
        }
    }
    gather_heard(gather, from);
    return true;
}

/* -- PUBSUB ---------------------------------------------------------------------------------- */

struct words {
    struct slice *items;
    uint32_t n;
};

static void names_matching(struct pubsub *pubsub, enum topic_kind kind, const struct slice *pattern,
    size_t max_bytes, struct words *out) {
    out->items = sf_alloc((topics_count(pubsub->topics, kind) + 3) * sizeof *out->items);
    out->n = 3;
    size_t bytes = 0;
    LIST_FOR_EACH(link, topics_of_kind(pubsub->topics, kind)) {
        const struct topic *topic = SF_CONTAINER(link, struct topic, in_kind);
        if (pattern != NULL && !glob_match(*pattern, topic->name, false)) continue;
        bytes += topic->name.len + NAME_OVERHEAD_BYTES;
        if (bytes > max_bytes) return;
        out->items[out->n++] = topic->name;
    }
}

static int64_t count_of(struct pubsub *pubsub, enum topic_kind kind, struct slice name) {
    const struct topic *topic = topics_find(pubsub->topics, kind, name);
    return topic == NULL ? 0 : topic->n;
}

bool pubsub_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    enum topic_kind kind;
    if (argc < 5 || !kind_parse(argv[4], &kind)) return false;
    struct pubsub *pubsub = node->pubsub;
    struct words words = {0};
    char(*text)[INT_TEXT_MAX] = NULL;
    if (slice_equal(argv[3], SLICE("counts"))) {
        words.items = sf_alloc(argc * sizeof *words.items);
        text = sf_alloc(argc * sizeof *text);
        for (words.n = 3; words.n + 2 < argc; words.n++) {
            uint64_t n = (uint64_t)count_of(pubsub, kind, argv[words.n + 2]);
            words.items[words.n] = slice_of(text[words.n], uint_print(n, text[words.n]));
        }
    } else {
        names_matching(pubsub, kind, argc > 5 ? &argv[5] : NULL, ANSWER_BYTES_MAX, &words);
    }
    words.items[0] = SLICE("pubsub-answer");
    words.items[1] = argv[1];
    words.items[2] = argv[2];
    const struct peer *peer = peer_of(node, from);
    if (peer != NULL && !is_flooded(node, peer)) peer_send(node, from, true, words.n, words.items);
    sf_free(words.items);
    sf_free(text);
    return true;
}

static void ask_members(struct node *node, struct gather *gather, const char *what, uint32_t n,
    const struct slice *names) {
    char text[2][INT_TEXT_MAX];
    struct slice *words = sf_alloc((5 + n) * sizeof *words);
    words[0] = SLICE("pubsub-ask");
    numbers_put(node, gather->id, words + 1, text);
    words[3] = slice_text(what);
    words[4] = slice_text(kind_words[gather->topic]);
    for (uint32_t i = 0; i < n; i++) words[5 + i] = names[i];
    gather_send(node, gather, 5 + n, words);
    sf_free(words);
    if (gather->n_awaited == 0) gather_finish(gather);
}

/* What one of PUBSUB's commands asks the other nodes for. */
struct question {
    enum gather_kind kind;
    enum topic_kind topic;
    uint32_t n_words; /* names to be counted, or a pattern */
    const struct slice *words;
};

/* false: it asks for nothing: HELP, no names, too many words. */
static bool question_of(
    const struct command *command, uint32_t argc, const struct slice *argv, struct question *out) {
    *out = (struct question){GATHER_NAMES, TOPIC_CHANNEL, argc - 2, argv + 2};
    switch (command->id) {
    case COMMAND_PUBSUB_SHARDNUMSUB:
    case COMMAND_PUBSUB_NUMSUB:
        out->kind = GATHER_COUNTS;
        if (command->id == COMMAND_PUBSUB_SHARDNUMSUB) out->topic = TOPIC_SHARD;
        return argc > 2;
    case COMMAND_PUBSUB_NUMPAT:
        out->kind = GATHER_NAMES_TOTAL;
        out->topic = TOPIC_PATTERN;
        return true;
    case COMMAND_PUBSUB_SHARDCHANNELS:
        out->topic = TOPIC_SHARD;
        return argc <= 3;
    case COMMAND_PUBSUB_CHANNELS:
        return argc <= 3;
    default:
        return false;
    }
}

static struct gather *question_begin(
    struct node *node, const struct question *question, struct pending *held) {
    struct gather *gather = gather_new(node, question->kind, question->topic, held);
    if (question->kind == GATHER_COUNTS) {
        gather->n_counts = question->n_words;
        gather->counts = sf_alloc_zero(question->n_words, sizeof *gather->counts);
    } else {
        gather->names = topics_new(&node->pubsub->secret);
    }
    return gather;
}

static void add_own(struct pubsub *pubsub, struct gather *gather, const struct question *question) {
    if (gather->kind == GATHER_COUNTS) {
        for (uint32_t i = 0; i < gather->n_counts; i++)
            gather->counts[i] += count_of(pubsub, gather->topic, question->words[i]);
        return;
    }
    const struct slice *pattern = question->n_words == 0 ? NULL : question->words;
    struct words own;
    names_matching(pubsub, gather->topic, pattern, SIZE_MAX, &own);
    for (uint32_t i = 3; i < own.n; i++)
        topics_add(gather->names, &gather->collector, gather->topic, own.items[i]);
    sf_free(own.items);
}

static void question_send(
    struct node *node, struct gather *gather, const struct question *question) {
    const char *what = gather->kind == GATHER_COUNTS ? "counts" : "names";
    ask_members(node, gather, what, question->n_words, question->words);
}

bool pubsub_asks(const struct command *command, uint32_t argc, const struct slice *argv) {
    struct question question;
    return question_of(command, argc, argv, &question);
}

static struct gather *gather_of_place(
    const struct list *gathers, const struct pending *exec, uint32_t place) {
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)gathers) {
        struct gather *gather = SF_CONTAINER(link, struct gather, in_pubsub);
        if (gather->held == exec && gather->place == place) return gather;
    }
    return NULL;
}

void pubsub_ask_for_places(
    struct node *node, struct pending *exec, const struct sub_batch_header *places) {
    struct command_reader reader = {0};
    struct question question;
    SF_ASSERT(exec->kind == PENDING_HELD);
    command_reader_begin(&reader, places); /* all begin before one can be heard */
    while (command_reader_next(&reader)) {
        const struct command *command = command_lookup(reader.argc, reader.argv);
        if (!question_of(command, reader.argc, reader.argv, &question)) continue;
        struct gather *gather = question_begin(node, &question, exec);
        gather->is_place = true;
        gather->place = reader.db;
    }
    command_reader_begin(&reader, places);
    while (command_reader_next(&reader)) {
        const struct command *command = command_lookup(reader.argc, reader.argv);
        if (!question_of(command, reader.argc, reader.argv, &question)) continue;
        struct gather *gather = gather_of_place(&node->pubsub->gathers, exec, reader.db);
        if (gather != NULL) question_send(node, gather, &question);
    }
    command_reader_free(&reader);
}

/* At its place: the others were asked before the transaction began. */
static void answer_at_place(struct local_call *call, const struct question *question) {
    struct pubsub *pubsub = call->node->pubsub;
    struct gather *gather = gather_of_place(&pubsub->kept, call->node->running, call->place);
    SF_ASSERT(gather != NULL); /* each was asked, and each place comes once */
    add_own(pubsub, gather, question);
    gather_reply(gather, call->argv, call->reply);
    gather_free(gather);
}

static const char *const pubsub_help[] = {"CHANNELS [<pattern>]",
    "    The channels that have subscribers, at any node.", "NUMPAT",
    "    How many patterns are subscribed to.", "NUMSUB [<channel> ...]",
    "    How many subscribers each of the channels has, patterns aside.",
    "SHARDCHANNELS [<pattern>]", "    The shard channels that have subscribers.",
    "SHARDNUMSUB [<shardchannel> ...]", "    How many subscribers each of the shard channels has.",
    NULL};

void local_pubsub(struct local_call *call) {
    struct question question;
    bool counts = call->command->id == COMMAND_PUBSUB_NUMSUB ||
                  call->command->id == COMMAND_PUBSUB_SHARDNUMSUB;
    if (question_of(call->command, call->argc, call->argv, &question)) {
        if (call->pending == NULL) {
            answer_at_place(call, &question);
            return;
        }
        struct gather *gather = question_begin(call->node, &question, local_hold(call));
        add_own(call->node->pubsub, gather, &question);
        question_send(call->node, gather, &question);
    } else if (call->command->id == COMMAND_PUBSUB_HELP) {
        reply_help(call->reply, "PUBSUB", pubsub_help);
    } else if (counts) {
        reply_array(call->reply, 0);
    } else {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try PUBSUB HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
    }
}

/* -- SUBSCRIBE ------------------------------------------------------------------------------- */

bool session_is_subscriber(const struct session *session) {
    const uint32_t *n = session->subscriber.n;
    return n[TOPIC_CHANNEL] + n[TOPIC_PATTERN] + n[TOPIC_SHARD] > 0;
}

static enum topic_kind kind_of(const struct command *command) {
    if (command->name[0] == 'p') return TOPIC_PATTERN;
    bool shard = command->id == COMMAND_SSUBSCRIBE || command->id == COMMAND_SUNSUBSCRIBE;
    return shard ? TOPIC_SHARD : TOPIC_CHANNEL;
}

/* Channels and patterns are counted together, shard channels apart. */
static int64_t subscribed_count(const struct session *session, enum topic_kind kind) {
    const uint32_t *n = session->subscriber.n;
    return kind == TOPIC_SHARD ? n[TOPIC_SHARD] : (int64_t)n[TOPIC_CHANNEL] + n[TOPIC_PATTERN];
}

static void confirm(
    struct local_call *call, enum topic_kind kind, const char *word, const struct slice *name) {
    reply_push(call->reply, 3);
    reply_bulk_text(call->reply, word);
    if (name == NULL) {
        reply_null(call->reply);
    } else {
        reply_bulk(call->reply, *name);
    }
    reply_integer(call->reply, subscribed_count(call->session, kind));
}

void local_subscribe(struct local_call *call) {
    enum topic_kind kind = kind_of(call->command);
    for (uint32_t i = 1; i < call->argc; i++) {
        topics_add(call->node->pubsub->topics, &call->session->subscriber, kind, call->argv[i]);
        confirm(call, kind, call->command->name, &call->argv[i]);
    }
}

static void unsubscribe_all(struct local_call *call, enum topic_kind kind) {
    struct subscriber *subscriber = &call->session->subscriber;
    struct list *all = &subscriber->subscriptions[kind];
    if (list_empty(all)) confirm(call, kind, call->command->name, NULL);
    for (struct list *first = list_first(all); first != NULL; first = list_first(all)) {
        struct slice name = SF_CONTAINER(first, struct subscription, in_subscriber)->topic->name;
        struct buf copy = {0};
        buf_append_slice(&copy, name); /* the topic may go with its subscription */
        name = buf_slice(&copy);
        topics_remove(call->node->pubsub->topics, subscriber, kind, name);
        confirm(call, kind, call->command->name, &name);
        buf_free(&copy);
    }
}

void local_unsubscribe(struct local_call *call) {
    enum topic_kind kind = kind_of(call->command);
    if (call->argc == 1) unsubscribe_all(call, kind);
    for (uint32_t i = 1; i < call->argc; i++) {
        topics_remove(call->node->pubsub->topics, &call->session->subscriber, kind, call->argv[i]);
        confirm(call, kind, call->command->name, &call->argv[i]);
    }
}

bool session_may_run_subscribed(const struct session *session, const struct command *command) {
    if (session->proto != 2 || !session_is_subscriber(session)) return true;
    switch (command->id) {
    case COMMAND_SUBSCRIBE:
    case COMMAND_PSUBSCRIBE:
    case COMMAND_SSUBSCRIBE:
    case COMMAND_UNSUBSCRIBE:
    case COMMAND_PUNSUBSCRIBE:
    case COMMAND_SUNSUBSCRIBE:
    case COMMAND_PING:
    case COMMAND_QUIT:
    case COMMAND_RESET:
        return true;
    default:
        return false;
    }
}

void session_unsubscribe(struct session *session) {
    topics_remove_all(session->node->pubsub->topics, &session->subscriber);
}

/* -- life ------------------------------------------------------------------------------------ */

void pubsub_open(struct node *node) {
    struct pubsub *pubsub = sf_alloc_zero(1, sizeof *pubsub);
    pubsub->secret = (struct hash_secret){random_next(&node->random), random_next(&node->random)};
    pubsub->topics = topics_new(&pubsub->secret);
    pubsub->next_id = 1;
    list_init(&pubsub->said);
    list_init(&pubsub->logged);
    list_init(&pubsub->gathers);
    list_init(&pubsub->kept);
    node->pubsub = pubsub;
}

/* The sessions have gone. */
void pubsub_close(struct node *node) {
    struct pubsub *pubsub = node->pubsub;
    SF_ASSERT(
        list_empty(&pubsub->gathers) && list_empty(&pubsub->kept)); /* their sessions have gone */
    pubsub_reset(node);
    topics_free(pubsub->topics);
    sf_free(pubsub);
}

/* Another cluster's entries are counted from now on. */
void pubsub_reset(struct node *node) {
    struct publication *publication;
    while ((publication = next_of(node->pubsub)) != NULL) {
        publication_free(node->pubsub, publication);
    }
}

void pubsub_pump(struct node *node) {
    queue_deliver(node);
    LIST_FOR_EACH(link, &node->pubsub->gathers) {
        struct gather *gather = SF_CONTAINER(link, struct gather, in_pubsub);
        if (gather->deadline_us > node->now_us) break; /* in the order of their beginning */
        for (uint32_t i = 0; i < gather->n_awaited; i++) {
            struct peer *peer = peer_of(node, gather->awaited[i]);
            if (peer != NULL) peer->silent = true;
        }
        gather_finish(gather);
    }
}

int64_t pubsub_deadline_us(const struct node *node) {
    const struct list *gathers = &node->pubsub->gathers;
    if (list_empty(gathers)) return INT64_MAX;
    return SF_CONTAINER(gathers->next, struct gather, in_pubsub)->deadline_us;
}

void pubsub_figures(const struct node *node, uint32_t out[TOPIC_KINDS]) {
    for (int kind = 0; kind < TOPIC_KINDS; kind++) {
        out[kind] = topics_count(node->pubsub->topics, (enum topic_kind)kind);
    }
}
