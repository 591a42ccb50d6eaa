/* How a node gets into a cluster: bootstrap, MEET, dissolving, joining (DESIGN 12).
 *
 * All of it is questions on greeting links, answered at once:
 *   may-join   yes cluster-id | redirect host bus-port | no reason
 *   join       joining | wait | redirect host bus-port | no reason
 *   invite cluster-id host bus-port   ok | no reason          "please join us there" */
#include "node/internal.h"

#include <stdio.h>

enum {
    ASK_DEADLINE_US = 5000000,
    JOIN_AGAIN_US = 200000,
    ASK_AGAIN_SOON_US = 50000,
    REDIRECTS_MAX = 5,
    LISTEN_US =
        2000000,    /* how long a fresh node listens whether its address is known to a cluster */
    NODES_MAX = 14, /* 7 voters, and as many about to replace them */
};

/* -- what we are ----------------------------------------------------------------------------- */

static bool holds_keys(struct node *node) {
    struct greeting ours;
    greeting_of(node, &ours);
    return !ours.empty;
}

static bool is_singleton(struct node *node) {
    return node->raft != NULL && node->identity.state == IDENTITY_MEMBER &&
           raft_configuration(node->raft)->n == 1 && raft_leads(node) && !node->self_removed;
}

bool is_dissolving(const struct node *node) {
    if (node->engine == NULL || node->dissolve_index == 0) return false;
    return engine_is_dissolved(node->engine) || node->dissolve_index > engine_applied(node->engine);
}

/* Whether this node could give itself up for another cluster. */
static bool can_join(struct node *node) {
    if (node->identity_switching || is_dissolving(node)) return false;
    if (node->identity.state == IDENTITY_FRESH) return true;
    return is_singleton(node) && !holds_keys(node);
}

/* A node on its way to be another: one that gives itself up or joins, a single node whose core does
 * not lead yet, or one whose identity is being stored. What it can do is to be asked again soon. */
static bool is_coming_up(struct node *node) {
    if (node->identity_switching || node->identity_saved != node->identity_request) return true;
    if (is_dissolving(node) || node->identity.state == IDENTITY_JOINING) return true;
    return node->raft != NULL && node->identity.state == IDENTITY_MEMBER &&
           raft_configuration(node->raft)->n == 1 && !raft_leads(node) && !node->self_removed;
}

static bool greeting_can_join(const struct greeting *theirs) {
    return theirs->state == IDENTITY_FRESH ||
           (theirs->state == IDENTITY_MEMBER && theirs->n_members <= 1 && theirs->empty);
}

void bootstrap_now(struct node *node) {
    struct node_identity next = node->identity;
    next.state = IDENTITY_MEMBER;
    next.was_reset = false;
    uint8_t random[14];
    node->ports.random_bytes(node->ports.context, random, sizeof random);
    uint64_t born = (uint64_t)SF_MAX(node->wall_ms, (int64_t)0) & 0xffffffffffffULL;
    snprintf(next.cluster_id, sizeof next.cluster_id, "%012llx", (unsigned long long)born);
    for (int i = 0; i < 14; i++) {
        snprintf(next.cluster_id + 12 + 2 * i, 3, "%02x", random[i]);
    }
    node->bootstrap_done = true;
    node_log(node, LOG_NOTICE, "a new cluster begins with this node");
    identity_save(node, &next);
}

/* -- asks ------------------------------------------------------------------------------------ */

static struct ask *ask_new(struct node *node, enum ask_kind kind,
    const struct raft_address *address, struct pending *held) {
    struct ask *ask = sf_alloc_zero(1, sizeof *ask);
    ask->kind = kind;
    ask->address = *address;
    ask->held = held;
    ask->deadline_us = node->now_us + ASK_DEADLINE_US;
    list_push_back(&node->asks, &ask->in_node);
    node_wake(node);
    return ask;
}

static void ask_dial(struct node *node, struct ask *ask) {
    ask->again_us = node->now_us + ASK_AGAIN_SOON_US;
    if (node->identity.id == NOBODY || node->identity_switching)
        return; /* nobody to introduce yet */
    struct link *link = link_dial(node, LINK_GREET, NOBODY, &ask->address);
    if (link == NULL) return;
    link->ask = ask;
    ask->link = link->number;
}

/* Ends an ask; error NULL: OK. */
static void ask_end(struct node *node, struct ask *ask, const char *error) {
    struct link *link = link_find(node, ask->link);
    if (error != NULL && strncmp(error, "ERR ", 4) == 0) error += 4; /* the other side's error */
    list_remove(&ask->in_node);
    if (link != NULL) {
        link->ask = NULL;
        link_close(node, link);
    }
    if (ask->held != NULL) {
        struct reply reply = held_reply(ask->held);
        if (error == NULL) {
            reply_status(&reply, "OK");
        } else {
            reply_errorf(&reply, "ERR %s", error);
        }
        held_done(ask->held);
    } else if (error != NULL && ask->kind != ASK_JOIN) {
        node_log(node, LOG_NOTICE, "joining %s:%u failed: %s", ask->address.host,
            ask->address.bus_port, error);
    }
    if (error != NULL && strcmp(node->join_error, error) != 0) {
        snprintf(node->join_error, sizeof node->join_error, "%s", error);
        if (ask->kind == ASK_JOIN) {
            node_log(node, LOG_NOTICE, "not let in at %s:%u yet: %s", ask->address.host,
                ask->address.bus_port, error);
        }
    }
    sf_free(ask);
}

void meet_begin(struct node *node, const struct raft_address *address, struct pending *held) {
    ask_dial(node, ask_new(node, ASK_MEET, address, held));
}

void meet_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->asks) {
        struct ask *ask = SF_CONTAINER(link, struct ask, in_node);
        if (ask->held == held) ask->held = NULL;
    }
    if (node->dissolve_held == held) node->dissolve_held = NULL;
    if (node->identity_held == held) node->identity_held = NULL;
}

/* Not now, but perhaps soon (an election, a node just starting): the whole question again, until
 * the deadline. */
static void ask_again(struct node *node, struct ask *ask, const char *why) {
    ask->why = why;
    struct link *link = link_find(node, ask->link);
    if (link != NULL) {
        link->ask = NULL;
        link_close(node, link);
    }
    ask->link = 0;
    if (ask->kind != ASK_JOIN) ask->kind = ASK_MEET;
    ask->again_us = node->now_us + ASK_AGAIN_SOON_US;
}

void join_on_failed(struct node *node, struct link *link, const char *why) {
    struct ask *ask = link->ask;
    if (ask == NULL) return;
    ask->link = 0;
    if (ask->kind != ASK_JOIN && strcmp(why, "ERR not now") == 0) {
        ask_again(node, ask, "the other node changes its identity");
        return;
    }
    if (ask->kind == ASK_JOIN) node->join_redirect.host[0] = '\0';
    ask_end(node, ask, why);
}

/* Members beside the one that comes in, or whose place it takes; who is about to take another's
 * place counts with that one. */
static uint32_t places_taken(const struct raft_configuration *now, const struct greeting *newcomer,
    const struct raft_address *address) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        if (member->id == newcomer->id || address_equal(&member->address, address)) continue;
        bool replaces = false;
        for (uint32_t k = 0; k < now->n; k++) {
            const struct raft_member *other = &now->members[k];
            bool same = other->id != member->id && address_equal(&other->address, &member->address);
            replaces = replaces || (same && other->voter_new && !member->voter_new);
        }
        n += !replaces;
    }
    return n;
}

static const char no_place[] =
    "the cluster has seven members already and takes no more: CLUSTER FORGET one first";

/* -- MEET: who joins whom -------------------------------------------------------------------- */

static void question(struct node *node, struct ask *ask, uint32_t argc, const struct slice *argv) {
    link_send_words(node, ask->link, argc, argv);
}

static void ask_may_join(struct node *node, struct ask *ask) {
    struct slice words[1] = {SLICE("may-join")};
    ask->kind = ASK_CHECK;
    question(node, ask, 1, words);
}

/* Where the other side can reach our leader; host "" means: where you see me. */
static void our_meeting_point(struct node *node, struct raft_address *out) {
    struct greeting ours;
    greeting_of(node, &ours);
    *out = ours.address;
    if (ours.leader != NOBODY && ours.leader != node->identity.id) *out = ours.leader_address;
}

static void ask_invite(struct node *node, struct ask *ask) {
    struct raft_address point;
    our_meeting_point(node, &point);
    char port[INT_TEXT_MAX];
    struct slice words[4] = {SLICE("invite"), slice_text(node->identity.cluster_id),
        slice_text(point.host), slice_of(port, uint_print(point.bus_port, port))};
    ask->kind = ASK_INVITE;
    question(node, ask, 4, words);
}

/* A joining node was told of one more address of its cluster: the first one may be dead. */
static void learn_join_address(struct node *node, const struct raft_address *address) {
    struct node_identity next = node->identity;
    for (uint32_t i = 0; i < next.n_join; i++) {
        if (address_equal(&next.join[i], address)) return;
    }
    if (next.n_join == JOIN_ADDRESSES_MAX) return;
    next.join[next.n_join++] = *address;
    identity_save(node, &next);
}

/* Two nodes without a cluster: somebody has to begin, the one that was asked; but not where it
 * would pose as an empty member of the cluster to which its address belongs (DESIGN 12). */
static void begin_for_both(struct node *node, struct ask *ask) {
    if (node->fenced) {
        ask_end(node, ask,
            "this address belongs to a member of another cluster: CLUSTER MEET one of its "
            "members instead");
    } else if (node->settings.bootstrap == BOOTSTRAP_NO) {
        ask_again(node, ask, "neither node belongs to a cluster, and cluster-bootstrap is no here");
    } else if (node->settings.bootstrap == BOOTSTRAP_AUTO && node->now_us < node->bootstrap_at_us) {
        ask_again(node, ask, "this node still looks whether its address belongs to a cluster");
    } else {
        bootstrap_now(node);
        ask_again(node, ask, "this node begins a cluster");
    }
}

static void decide(struct node *node, struct ask *ask, const struct greeting *theirs) {
    if (theirs->cluster_id[0] != '\0' &&
        strcmp(theirs->cluster_id, node->identity.cluster_id) == 0) {
        bool joins = node->identity.state == IDENTITY_JOINING;
        if (joins && theirs->state == IDENTITY_MEMBER) learn_join_address(node, &ask->address);
        ask_end(node, ask, NULL); /* met long ago */
        return;
    }
    if (is_coming_up(node) || theirs->state == IDENTITY_JOINING) {
        ask_again(node, ask, "one of the two is joining a cluster just now");
        return;
    }
    bool we_can = can_join(node), they_can = greeting_can_join(theirs);
    if (node->identity.state == IDENTITY_FRESH && theirs->state == IDENTITY_FRESH) {
        begin_for_both(node, ask);
        return;
    }
    bool they_are_older = theirs->cluster_id[0] != '\0' &&
                          (node->identity.cluster_id[0] == '\0' ||
                              strcmp(theirs->cluster_id, node->identity.cluster_id) < 0);
    if (we_can && (!they_can || they_are_older)) {
        ask_may_join(node, ask);
    } else if (they_can && node->raft != NULL &&
               places_taken(raft_configuration(node->raft), theirs, &ask->address) >= VOTERS_MAX) {
        ask_end(node, ask, no_place);
    } else if (they_can) {
        ask_invite(node, ask);
    } else {
        ask_end(node, ask,
            "both nodes hold keys or belong to clusters of several nodes: only a single node "
            "without "
            "keys can join another cluster. Empty one of them (FLUSHALL), or move its data by "
            "RESTORE");
    }
}

/* The node that was to let us in has meanwhile given itself up for another cluster, and so do we:
 * nobody counts on us yet. Once a voter, never: what this log holds may have been counted. */
static bool may_follow(const struct node *node, const struct greeting *theirs) {
    if (theirs->state != IDENTITY_MEMBER || theirs->cluster_id[0] == '\0') return false;
    if (node->identity_switching || node->identity_saved != node->identity_request) return false;
    return node->raft == NULL ||
           !configuration_is_voter(raft_configuration(node->raft), node->identity.id);
}

static void follow_into(struct node *node, const struct greeting *theirs) {
    struct node_identity next = node->identity;
    memcpy(next.cluster_id, theirs->cluster_id, sizeof next.cluster_id);
    node->ports.random_bytes(node->ports.context, &next.id, sizeof next.id); /* and an empty log */
    if (next.id == NOBODY) return;                                           /* next time */
    next.n_skips = 0;
    node_log(node, LOG_NOTICE,
        "the node that was to let this one in joined another cluster: so does this");
    identity_save(node, &next);
}

void join_on_ready(struct node *node, struct link *link) {
    struct ask *ask = link->ask;
    if (ask == NULL) {
        link_close(node, link);
        return;
    }
    struct slice join[1] = {SLICE("join")};
    switch (ask->kind) {
    case ASK_MEET:
        decide(node, ask, &link->theirs);
        break;
    case ASK_CHECK:
        ask_may_join(node, ask);
        break;
    case ASK_INVITE:
        ask_invite(node, ask);
        break;
    case ASK_JOIN:
        if (node->identity.cluster_id[0] == '\0' && link->theirs.cluster_id[0] != '\0') {
            /* joined by configuration: now we know which cluster that is */
            struct node_identity next = node->identity;
            memcpy(next.cluster_id, link->theirs.cluster_id, sizeof next.cluster_id);
            identity_save(node, &next);
            ask_end(node, ask, NULL);
        } else if (strcmp(node->identity.cluster_id, link->theirs.cluster_id) != 0) {
            if (may_follow(node, &link->theirs)) follow_into(node, &link->theirs);
            ask_end(node, ask, "another cluster, or none yet, answers at that address");
        } else {
            question(node, ask, 1, join);
        }
        break;
    }
}

/* -- answers --------------------------------------------------------------------------------- */

static bool read_point(const struct slice host, const struct slice port, struct raft_address *out) {
    uint64_t number;
    if (host.len > RAFT_HOST_MAX || !uint_parse(port, &number) || number > UINT16_MAX) {
        return false;
    }
    *out = (struct raft_address){.bus_port = (uint16_t)number};
    if (host.len > 0) memcpy(out->host, host.data, host.len);
    return true;
}

static void propose_dissolve(struct node *node, struct ask *ask, struct slice cluster) {
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    put_string(&out, cluster);
    put_string(&out, slice_text(ask->address.host));
    put_varint(&out, ask->address.port);
    put_varint(&out, ask->address.bus_port);
    struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
    buf_free(&out);
    raft_index index = 0;
    enum sf_status status = raft_propose(node->raft, ENTRY_DISSOLVE, payload, node->now_us, &index);
    bytes_unref(payload);
    if (status != SF_OK) {
        ask_end(node, ask, "this node cannot write to its log now");
        return;
    }
    node->dissolve_index = index;
    node->dissolve_held = ask->held;
    ask->held = NULL; /* answered when the entry is applied */
    ask_end(node, ask, NULL);
}

static void on_may_join(struct node *node, struct ask *ask, struct slice cluster) {
    if (cluster.len == CLUSTER_ID_CHARS && is_coming_up(node)) {
        ask_again(node, ask, "this node joins another cluster just now");
        return;
    }
    if (cluster.len != CLUSTER_ID_CHARS || !can_join(node)) {
        /* it has keys or a cluster by now: then perhaps the other one can join here */
        ask_again(node, ask, "this node cannot join another cluster now");
        return;
    }
    if (node->identity.state == IDENTITY_MEMBER) {
        if (!node_is_leader_serving(node) || raft_configuration_index(node->raft) == 0) {
            ask_again(node, ask, "this node is not ready yet");
        } else {
            propose_dissolve(node, ask, cluster);
        }
        return;
    }
    struct node_identity next = node->identity;
    next.state = IDENTITY_JOINING;
    next.was_reset = false;
    memcpy(next.cluster_id, cluster.data, CLUSTER_ID_CHARS);
    next.n_join = 1;
    next.join[0] = ask->address;
    node->bootstrap_done = true;
    node->fenced = false;
    SF_ASSERT(node->identity_held == NULL); /* is_coming_up: nothing else is being stored */
    node->identity_held = ask->held;        /* OK is said once a crash would not undo it */
    ask->held = NULL;
    identity_save(node, &next);
    ask_end(node, ask, NULL);
}

static void on_redirect(struct node *node, struct ask *ask, const struct raft_address *to) {
    struct link *link = link_find(node, ask->link);
    if (link != NULL) {
        link->ask = NULL;
        link_close(node, link);
    }
    ask->link = 0;
    if (ask->redirects++ >= REDIRECTS_MAX || to->host[0] == '\0') {
        ask_end(node, ask, "that cluster has no leader at the moment");
        return;
    }
    ask->address = *to;
    ask_dial(node, ask);
}

void join_on_answer(struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    struct ask *ask = link->ask;
    if (ask == NULL) {
        link_close(node, link);
        return;
    }
    struct raft_address point;
    if (slice_equal(argv[0], SLICE("yes")) && argc == 2 && ask->kind == ASK_CHECK) {
        on_may_join(node, ask, argv[1]);
    } else if (slice_equal(argv[0], SLICE("redirect")) && argc == 3 &&
               read_point(argv[1], argv[2], &point)) {
        on_redirect(node, ask, &point);
    } else if (slice_equal(argv[0], SLICE("ok")) && ask->kind == ASK_INVITE) {
        ask_end(node, ask, NULL);
    } else if (slice_equal(argv[0], SLICE("joining")) && ask->kind == ASK_JOIN) {
        node->join_error[0] = '\0';
        ask_end(node, ask, NULL);
    } else if (slice_equal(argv[0], SLICE("no")) && argc == 2) {
        char why[160];
        snprintf(why, sizeof why, "%.*s", (int)SF_MIN(argv[1].len, (size_t)159), argv[1].data);
        bool removed = ask->kind == ASK_JOIN && strncmp(why, "REMOVED", 7) == 0;
        ask_end(node, ask, why);
        if (removed) membership_on_removed(node);
    } else if (ask->kind == ASK_JOIN) {
        ask_end(node, ask, "not now");
    } else {
        ask_again(node, ask, "the other cluster has no leader at the moment");
    }
}

/* -- questions ------------------------------------------------------------------------------- */

static void say(struct node *node, struct link *link, const char *word) {
    struct slice words[1] = {slice_text(word)};
    link_send_words(node, link->number, 1, words);
}

static void say_no(struct node *node, struct link *link, const char *why) {
    struct slice words[2] = {SLICE("no"), slice_text(why)};
    link_send_words(node, link->number, 2, words);
}

/* The leader answers itself; others name it. */
static bool redirected(struct node *node, struct link *link) {
    if (is_dissolving(node)) { /* who comes in now would be left behind */
        say(node, link, "wait");
        return true;
    }
    if (node_is_leader_serving(node)) return false;
    struct greeting ours;
    greeting_of(node, &ours);
    if (ours.leader == NOBODY || ours.leader == node->identity.id ||
        ours.leader_address.host[0] == '\0') {
        say(node, link, "wait");
        return true;
    }
    char port[INT_TEXT_MAX];
    struct slice words[3] = {SLICE("redirect"), slice_text(ours.leader_address.host),
        slice_of(port, uint_print(ours.leader_address.bus_port, port))};
    link_send_words(node, link->number, 3, words);
    return true;
}

static const char not_yet[] = "a living member has that address already";

/* Our own address as a newcomer should know it: a single node did not know its host, it is the one
 * by which it was reached; and its ports may have changed since the entry that lists them. */
static struct raft_address our_address(
    const struct node *node, const struct raft_member *self, const struct link *link) {
    struct raft_address address = node->settings.announce;
    if (address.host[0] == '\0') memcpy(address.host, self->address.host, sizeof address.host);
    if (address.host[0] == '\0') memcpy(address.host, link->local_host, sizeof address.host);
    if (address.port == 0) address.port = node->settings.port;
    if (address.bus_port == 0) address.bus_port = node->settings.bus_port;
    return address;
}

/* Why a node may not come in; NULL: it may. */
static const char *objection(struct node *node, struct link *link) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    struct raft_address address = link_peer_address(link);
    if (node->fenced || node->self_removed) return "this node serves no cluster itself";
    if (link->theirs.databases != node->settings.databases) {
        return "the directive databases differs between the nodes";
    }
    if (link->theirs.feature_level < feature_level_needed(node)) {
        return "its version is too old: it could not apply what this cluster writes";
    }
    if (now->n >= NODES_MAX) return "the cluster is full";
    if (places_taken(now, &link->theirs, &address) >= VOTERS_MAX) {
        return no_place;
    }
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        struct raft_address where = member->address;
        if (member->id == node->identity.id) where = our_address(node, member, link);
        if (where.host[0] == '\0') continue;
        if (address_is_loopback(&where) != address_is_loopback(&address)) {
            return "a loopback address beside others: the nodes could not all reach each other. "
                   "Set cluster-announce-ip, or meet by the machines' own addresses";
        }
        if (member->id != link->theirs.id && address_equal(&where, &address)) {
            struct raft_peer_status status;
            bool fresh = raft_peer(node->raft, member->id, &status) &&
                         node->now_us - status.last_contact_us < 1000000;
            if (member->id == node->identity.id) return "that is the leader's own address";
            if (fresh) return not_yet; /* it was heard a moment ago: perhaps it has just died */
        }
    }
    return NULL;
}

static void on_join_question(struct node *node, struct link *link) {
    if (redirected(node, link)) return;
    if (membership_was_removed(node, link->theirs.id)) {
        say_no(node, link, "REMOVED this node was removed from the cluster");
        return;
    }
    const char *why = objection(node, link);
    if (why == not_yet) {
        say(node, link, "wait");
        return;
    }
    if (why != NULL) {
        say_no(node, link, why);
        return;
    }
    const struct raft_configuration *now = raft_configuration(node->raft);
    struct raft_member learner = {.id = link->theirs.id, .address = link_peer_address(link)};
    const struct raft_member *listed = configuration_find(now, learner.id);
    if (listed != NULL && memcmp(&listed->address, &learner.address, sizeof learner.address) == 0) {
        say(node, link, "joining");
        return;
    }
    struct raft_configuration target = *now;
    const struct raft_member *self = configuration_find(now, node->identity.id);
    if (self != NULL) {
        struct raft_member known = *self;
        known.address = our_address(node, self, link);
        if (configuration_put(&target, &known) != SF_OK) return;
    }
    if (listed != NULL) learner.voter_new = listed->voter_new;
    if (configuration_put(&target, &learner) != SF_OK) {
        say_no(node, link, "the cluster is full");
        return;
    }
    enum sf_status status = raft_propose_configuration(node->raft, &target, node->now_us);
    say(node, link, status == SF_OK ? "joining" : "wait");
}

static void on_invite(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    struct raft_address point;
    if (argc != 4 || argv[1].len != CLUSTER_ID_CHARS || !read_point(argv[2], argv[3], &point)) {
        say_no(node, link, "the invitation is malformed");
        return;
    }
    if (slice_equal(argv[1], slice_text(node->identity.cluster_id))) {
        say(node, link, "ok");
        return;
    }
    if (is_coming_up(node)) {
        say(node, link, "wait");
        return;
    }
    if (!can_join(node)) {
        say_no(node, link, "it holds keys, or belongs to a cluster of several nodes");
        return;
    }
    if (point.host[0] == '\0') memcpy(point.host, link->remote_host, sizeof point.host);
    ask_dial(node, ask_new(node, ASK_CHECK, &point, NULL));
    say(node, link, "ok");
}

void join_on_question(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    if (slice_equal(argv[0], SLICE("invite"))) {
        on_invite(node, link, argc, argv);
        return;
    }
    if (node->raft == NULL) {
        say_no(node, link, "it belongs to no cluster yet");
        return;
    }
    if (slice_equal(argv[0], SLICE("may-join"))) {
        if (redirected(node, link)) return;
        const char *why = objection(node, link);
        struct slice words[2] = {SLICE("yes"), slice_text(node->identity.cluster_id)};
        if (why == not_yet) {
            say(node, link, "wait");
        } else if (why != NULL) {
            say_no(node, link, why);
        } else {
            link_send_words(node, link->number, 2, words);
        }
    } else if (slice_equal(argv[0], SLICE("join"))) {
        on_join_question(node, link);
    } else {
        link_close(node, link);
    }
}

/* -- the pump -------------------------------------------------------------------------------- */

static bool asks_of(struct node *node, enum ask_kind kind) {
    LIST_FOR_EACH(link, &node->asks) {
        if (SF_CONTAINER(link, struct ask, in_node)->kind == kind) return true;
    }
    return false;
}

static void ask_to_join(struct node *node) {
    if (node->now_us < node->join_again_us || asks_of(node, ASK_JOIN)) return;
    if (node->self_removed || node->identity_saved != node->identity_request) return;
    /* Listed for good, and by a leader that lives: the rest comes by itself. An entry that is not
     * committed may be gone with the leader that wrote it, and the next one knows nothing of us. */
    if (node->raft != NULL && raft_leader(node->raft) != NOBODY &&
        raft_configuration_index(node->raft) <= raft_commit_index(node->raft) &&
        configuration_find(raft_configuration(node->raft), node->identity.id) != NULL) {
        return;
    }
    node->join_again_us = node->now_us + JOIN_AGAIN_US;
    uint32_t n = node->identity.n_join + node->settings.n_join;
    if (n == 0) return;
    uint32_t turn = node->join_turn++ % n;
    const struct raft_address *address = turn < node->identity.n_join
                                             ? &node->identity.join[turn]
                                             : &node->settings.join[turn - node->identity.n_join];
    ask_dial(node, ask_new(node, ASK_JOIN, address, NULL));
}

static void fresh_pump(struct node *node) {
    if (node->identity.id == NOBODY || node->identity_saved != node->identity_request) return;
    if (node->settings.n_join > 0 && !node->identity.was_reset) {
        struct node_identity next = node->identity;
        next.state = IDENTITY_JOINING;
        identity_save(node, &next);
        return;
    }
    if (node->bootstrap_done || node->fenced || node->identity.was_reset ||
        node->settings.bootstrap == BOOTSTRAP_NO || !list_empty(&node->asks)) {
        return;
    }
    if (node->settings.bootstrap == BOOTSTRAP_YES || node->now_us >= node->bootstrap_at_us) {
        bootstrap_now(node);
    }
}

void join_pump(struct node *node) {
    LIST_FOR_EACH(at, &node->asks) {
        struct ask *ask = SF_CONTAINER(at, struct ask, in_node);
        if (node->now_us >= ask->deadline_us) {
            ask_end(node, ask, ask->why != NULL ? ask->why : "no answer from that address");
        } else if (ask->link == 0 && node->now_us >= ask->again_us) {
            ask_dial(node, ask);
        }
    }
    if (node->identity.id == NOBODY) { /* it cannot be greeted yet: its wait has not begun */
        node->bootstrap_at_us = node->now_us + LISTEN_US;
    }
    if (node->identity_switching) return;
    if (node->identity.state == IDENTITY_FRESH) fresh_pump(node);
    if (node->identity.state == IDENTITY_JOINING) ask_to_join(node);
}
