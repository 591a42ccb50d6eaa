/* Who belongs to the cluster: what follows from a configuration that moved, promotion of learners,
 * removal (DESIGN 5 and 12). How a node gets in is join.c's. */
#include "node/internal.h"

#include <stdio.h>

enum {
    LOOK_AGAIN_US = 50000,
    FORGET_DEADLINE_US = 10000000,
    CAUGHT_UP_ENTRIES = 256, /* a learner this close to the log's end is promoted */
    HEARD_US = 500000,       /* and that was heard so lately: a dead voter could stop the cluster */
    ALIVE_US = 1000000,      /* a voter heard so lately counts when others are removed */
};

bool address_equal(const struct raft_address *a, const struct raft_address *b) {
    return strcmp(a->host, b->host) == 0 && a->bus_port == b->bus_port;
}

bool address_is_loopback(const struct raft_address *address) {
    return strncmp(address->host, "127.", 4) == 0 || strcmp(address->host, "::1") == 0 ||
           strcasecmp(address->host, "localhost") == 0;
}

bool membership_was_removed(const struct node *node, raft_id id) {
    for (uint32_t i = 0; i < node->n_removed; i++) {
        if (node->removed[i] == id) return true;
    }
    return false;
}

static const struct raft_configuration *committed_configuration(const struct node *node) {
    if (node->raft == NULL) return NULL;
    raft_index index = raft_configuration_index(node->raft);
    if (index == 0 || index > engine_applied(node->engine)) return NULL;
    return raft_configuration(node->raft);
}

bool membership_has_removed(const struct node *node, const struct greeting *theirs) {
    if (membership_was_removed(node, theirs->id)) return true;
    /* Who calls itself a member applied a configuration that lists it. That one is in our log too,
     * and before the one we go by, where we lead or have applied all that it may have applied. */
    const struct raft_configuration *now = committed_configuration(node);
    if (now == NULL || theirs->state != IDENTITY_MEMBER) return false;
    if (configuration_find(now, theirs->id) != NULL || node->identity.state != IDENTITY_MEMBER) {
        return false;
    }
    return node_is_leader_serving(node) || engine_applied(node->engine) >= theirs->last_index;
}

void membership_on_removed(struct node *node) {
    if (node->self_removed || node->identity.state == IDENTITY_FRESH) return;
    node->self_removed = true;
    node_log(node, LOG_WARNING,
        "this node was removed from its cluster; CLUSTER RESET makes it a new one");
}

static void remember_removed(struct node *node, raft_id id) {
    if (membership_was_removed(node, id)) return;
    if (node->n_removed == SF_LENGTH(node->removed)) {
        memmove(node->removed, node->removed + 1, sizeof node->removed - sizeof node->removed[0]);
        node->n_removed--;
    }
    node->removed[node->n_removed++] = id;
}

const char *membership_join_state(const struct node *node) {
    if (node->self_removed) return "removed";
    switch (node->identity.state) {
    case IDENTITY_FRESH:
        return node->fenced ? "fenced" : "none";
    case IDENTITY_JOINING:
        return "joining";
    case IDENTITY_MEMBER:
        return node->fenced ? "fenced" : "member";
    }
    return "none";
}

/* -- a configuration that is committed ------------------------------------------------------- */

/* The members changed, perhaps not yet committed: nothing to decide before that. */
void membership_follow(struct node *node) {
    const struct raft_configuration *now = committed_configuration(node);
    if (now == NULL || now->joint) return;
    const struct raft_configuration *before = &node->seen_configuration;
    for (uint32_t i = 0; i < before->n; i++) {
        raft_id id = before->members[i].id;
        if (configuration_find(now, id) != NULL) continue;
        remember_removed(node, id);
        node_log(node, LOG_NOTICE, "node %016llx left the cluster", (unsigned long long)id);
    }
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        const struct raft_member *old = configuration_find(before, member->id);
        if (old != NULL && old->voter_new == member->voter_new) continue;
        node_log(node, LOG_NOTICE, "node %016llx at %s:%u is %s", (unsigned long long)member->id,
            member->address.host, member->address.port,
            member->voter_new ? "a voting member" : "learning");
    }
    bool listed = configuration_find(now, node->identity.id) != NULL;
    bool was_listed = configuration_find(before, node->identity.id) != NULL;
    if (listed && !was_listed && node->identity.state == IDENTITY_JOINING)
        node->let_in_at = raft_configuration_index(node->raft);
    node->seen_configuration = *now;
    if (listed) node->self_removed = false; /* what it held of the log before was older than it */
    if (listed && node->identity.state == IDENTITY_JOINING) {
        struct node_identity next = node->identity;
        next.state = IDENTITY_MEMBER;
        identity_save(node, &next);
    } else if (!listed && node->identity.state == IDENTITY_MEMBER) {
        membership_on_removed(node);
    }
}

static bool configuration_same(
    const struct raft_configuration *a, const struct raft_configuration *b) {
    if (a->n != b->n || a->joint != b->joint) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->members[i].id != b->members[i].id ||
            a->members[i].voter_new != b->members[i].voter_new) {
            return false;
        }
    }
    return true;
}

static void dissolve_now(struct node *node) {
    node->fenced = false; /* it was the empty single node that must not serve */
    struct node_identity next = {.state = IDENTITY_JOINING, .n_join = 1};
    while (next.id == NOBODY) {
        node->ports.random_bytes(node->ports.context, &next.id, sizeof next.id);
    }
    memcpy(next.cluster_id, node->dissolve_cluster, sizeof next.cluster_id);
    next.join[0] = node->dissolve_into;
    node_log(node, LOG_NOTICE, "this single node gives itself up and joins the cluster at %s:%u",
        node->dissolve_into.host, node->dissolve_into.bus_port);
    identity_save(node, &next);
}

void membership_applied(struct node *node) {
    const struct raft_configuration *now = committed_configuration(node);
    if (now != NULL && !configuration_same(now, &node->seen_configuration)) {
        membership_follow(node);
    }
    if (engine_is_dissolved(node->engine) && !node->identity_switching) {
        if (node->dissolve_held != NULL) {
            struct pending *held = node->dissolve_held;
            struct reply reply = held_reply(held);
            node->dissolve_held = NULL;
            reply_status(&reply, "OK");
            held_done(held);
        }
        dissolve_now(node);
    } else if (node->dissolve_held != NULL && node->dissolve_index != 0 &&
               engine_applied(node->engine) >= node->dissolve_index) {
        struct pending *held = node->dissolve_held;
        struct reply reply = held_reply(held);
        node->dissolve_held = NULL;
        reply_error(&reply, "ERR this node holds keys by now: it does not give itself up, not "
                            "executed");
        held_done(held);
    }
}

/* -- the leader's duties --------------------------------------------------------------------- */

static void promote_learners(struct node *node) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    if (now->joint) return;
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *learner = &now->members[i];
        struct raft_peer_status status;
        if (learner->voter_new || !raft_peer(node->raft, learner->id, &status)) continue;
        if (status.match == 0 || status.match + CAUGHT_UP_ENTRIES < raft_last_index(node->raft) ||
            node->now_us - status.last_contact_us > HEARD_US) {
            continue;
        }
        struct raft_configuration target = *now;
        for (uint32_t k = 0; k < now->n; k++) { /* a new id at a listed address replaces the old */
            const struct raft_member *other = &now->members[k];
            if (other->id != learner->id && address_equal(&other->address, &learner->address)) {
                configuration_remove(&target, other->id);
            }
        }
        struct raft_member voter = *learner;
        voter.voter_new = true;
        voter.voter_old = false;
        if (configuration_put(&target, &voter) != SF_OK) continue;
        if (configuration_n_voters(&target) > VOTERS_MAX) continue; /* stays a learner */
        if (raft_propose_configuration(node->raft, &target, node->now_us) == SF_OK) return;
    }
}

static void propose_first_configuration(struct node *node) {
    struct raft_configuration target = *raft_configuration(node->raft);
    if (raft_propose_configuration(node->raft, &target, node->now_us) != SF_OK) {
        node_log(node, LOG_DEBUG, "the first configuration has to wait");
    }
}

/* -- forgetting ------------------------------------------------------------------------------ */

void errand_begin(struct node *node, enum errand_kind kind, raft_id id, struct pending *held,
    int64_t deadline_us) {
    struct errand *errand = sf_alloc_zero(1, sizeof *errand);
    errand->kind = kind;
    errand->id = id;
    errand->held = held;
    errand->deadline_us = deadline_us != 0 ? deadline_us : node->now_us + FORGET_DEADLINE_US;
    list_push_back(&node->errands, &errand->in_node);
    node_wake(node);
}

void errand_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->errands) {
        struct errand *errand = SF_CONTAINER(link, struct errand, in_node);
        if (errand->held != held) continue;
        errand->held = NULL;
        if (errand->kind != ERRAND_SLEEP) continue; /* a removal goes on without its client */
        list_remove(&errand->in_node);
        sf_free(errand);
    }
}

static uint32_t voters_alive(const struct node *node, const struct raft_configuration *target) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < target->n; i++) {
        const struct raft_member *member = &target->members[i];
        struct raft_peer_status status;
        bool alive = member->id == node->identity.id ||
                     (raft_peer(node->raft, member->id, &status) &&
                         node->now_us - status.last_contact_us < ALIVE_US);
        n += member->voter_new && alive;
    }
    return n;
}

/* Whether the change would leave a cluster that cannot go on; *error then says why. */
static bool would_lose_quorum(
    struct node *node, const struct raft_configuration *target, char *error, size_t size) {
    uint32_t voters = configuration_n_voters(target), alive = voters_alive(node, target);
    if (voters == 0) {
        snprintf(error, size,
            "ERR that is the only voting member: the cluster would end, not "
            "executed");
        return true;
    }
    if (alive * 2 > voters) return false;
    snprintf(error, size,
        "ERR of the %u voting members that would be left only %u answer%s: the cluster could not "
        "go "
        "on. Start or FORGET the silent ones first, not executed",
        voters, alive, alive == 1 ? "s" : "");
    return true;
}

/* False: refused for good, *error says why. */
static bool propose_removal(struct node *node, raft_id id, char *error, size_t size) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    if (now->joint || configuration_find(now, id) == NULL) return true;
    struct raft_configuration target = *now;
    configuration_remove(&target, id);
    if (would_lose_quorum(node, &target, error, size)) {
        /* one that begins to lead has not heard everybody yet */
        return configuration_n_voters(&target) > 0 && node->now_us - node->leads_us < ALIVE_US;
    }
    if (raft_propose_configuration(node->raft, &target, node->now_us) != SF_OK) {
        node_log(node, LOG_DEBUG, "a removal has to wait"); /* asked for again */
    }
    return true;
}

bool membership_remove(struct node *node, raft_id id) {
    char error[200];
    return propose_removal(node, id, error, sizeof error);
}

void membership_on_forget(
    struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t id;
    char error[200];
    if (argc != 2 || !uint_parse(argv[1], &id) || !node_is_leader_serving(node)) return;
    if (propose_removal(node, id, error, sizeof error)) return;
    struct slice words[3] = {SLICE("forget-refused"), argv[1], slice_text(error)};
    peer_send(node, from, false, 3, words);
}

static void errand_end(struct errand *errand, const char *error) {
    if (errand->held != NULL) {
        struct reply reply = held_reply(errand->held);
        if (error == NULL) {
            reply_status(&reply, "OK");
        } else {
            reply_error(&reply, error);
        }
        held_done(errand->held);
    }
    list_remove(&errand->in_node);
    sf_free(errand);
}

void membership_on_forget_refused(struct node *node, uint32_t argc, const struct slice *argv) {
    uint64_t id;
    char error[200];
    if (argc != 3 || !uint_parse(argv[1], &id)) return;
    snprintf(error, sizeof error, "%.*s", (int)SF_MIN(argv[2].len, sizeof error - 1), argv[2].data);
    LIST_FOR_EACH(link, &node->errands) {
        struct errand *errand = SF_CONTAINER(link, struct errand, in_node);
        if (errand->kind == ERRAND_FORGET && errand->id == id) errand_end(errand, error);
    }
}

static void ask_for_removal(struct node *node, struct errand *errand) {
    char error[200];
    errand->ask_again_us = node->now_us + 2 * LOOK_AGAIN_US;
    char text[INT_TEXT_MAX];
    struct slice words[2] = {SLICE("forget"), slice_of(text, uint_print(errand->id, text))};
    if (node_is_leader_serving(node)) {
        if (!propose_removal(node, errand->id, error, sizeof error)) errand_end(errand, error);
    } else {
        peer_send(node, raft_leader(node->raft), false, 2, words);
    }
}

static void errands_pump(struct node *node) {
    const struct raft_configuration *committed = committed_configuration(node);
    LIST_FOR_EACH(link, &node->errands) {
        struct errand *errand = SF_CONTAINER(link, struct errand, in_node);
        bool late = node->now_us >= errand->deadline_us;
        if (errand->kind == ERRAND_SLEEP) {
            if (late) errand_end(errand, NULL);
        } else if (committed != NULL && !committed->joint &&
                   configuration_find(committed, errand->id) == NULL) {
            errand_end(errand, NULL);
        } else if (late || node->raft == NULL) {
            errand_end(errand, "UNCERTAIN The removal is not confirmed yet: see CLUSTER NODES");
        } else if (node->now_us >= errand->ask_again_us && !node->identity_switching) {
            ask_for_removal(node, errand);
        }
    }
}

void membership_on_take_over(struct node *node, raft_id from) {
    if (!node_is_leader_serving(node)) return;
    if (raft_transfer(node->raft, from, node->now_us) != SF_OK) {
        node_log(node, LOG_NOTICE, "node %016llx cannot take the leadership now",
            (unsigned long long)from);
    }
}

/* -- identity -------------------------------------------------------------------------------- */

void node_reset_identity(struct node *node) {
    if (node->dissolve_held != NULL) {
        struct pending *held = node->dissolve_held;
        struct reply reply = held_reply(held);
        node->dissolve_held = NULL;
        reply_error(&reply, "ERR this node was reset meanwhile");
        held_done(held);
    }
    node->fenced = false;
    struct node_identity next = {.state = IDENTITY_FRESH, .was_reset = true};
    while (next.id == NOBODY) {
        node->ports.random_bytes(node->ports.context, &next.id, sizeof next.id);
    }
    identity_save(node, &next);
}

void membership_pump(struct node *node) {
    errands_pump(node);
    if (node->raft == NULL || node->identity_switching) return;
    if (node->now_us < node->membership_again_us) return;
    node->membership_again_us = node->now_us + LOOK_AGAIN_US;
    if (!node_is_leader_serving(node)) return;
    if (raft_configuration_index(node->raft) == 0) {
        propose_first_configuration(node);
    } else {
        promote_learners(node);
        feature_pump(node);
    }
}

int64_t membership_deadline_us(const struct node *node) {
    int64_t deadline = INT64_MAX;
    if (!list_empty(&node->errands) || !list_empty(&node->asks)) {
        deadline = node->now_us + LOOK_AGAIN_US;
    }
    if (node->identity.state != IDENTITY_MEMBER) {
        deadline = SF_MIN(deadline, node->now_us + LOOK_AGAIN_US);
    }
    if (raft_leads(node)) {
        const struct raft_configuration *now = raft_configuration(node->raft);
        bool learning = raft_configuration_index(node->raft) == 0;
        for (uint32_t i = 0; i < now->n; i++) learning = learning || !now->members[i].voter_new;
        if (learning) deadline = SF_MIN(deadline, node->now_us + LOOK_AGAIN_US);
    }
    return deadline;
}

/* -- what a node that cannot serve says ------------------------------------------------------- */

bool node_refuses(const struct node *node, bool write, bool stale, char text[REFUSAL_BYTES]) {
    char shard[41];
    if (node->fenced) {
        cluster_shard_name(node->fenced_by, shard);
        snprintf(text, REFUSAL_BYTES,
            "CLUSTERDOWN This address belongs to a node of the cluster %s, and this node was never "
            "part of it: CLUSTER MEET one of its members to join it, not executed",
            shard);
    } else if (node->self_removed) {
        snprintf(text, REFUSAL_BYTES,
            "CLUSTERDOWN This node was removed from its cluster, not executed");
    } else if (node->identity.state == IDENTITY_FRESH && node->settings.n_join == 0 &&
               !node->bootstrap_done &&
               (node->identity.was_reset || node->settings.bootstrap == BOOTSTRAP_NO)) {
        snprintf(text, REFUSAL_BYTES,
            "CLUSTERDOWN This node belongs to no cluster and does not begin one by itself: CLUSTER "
            "MEET a member of one, not executed");
    } else if (fence_is_up(node)) {
        fence_error(node, text, REFUSAL_BYTES);
    } else if (stale && fence_catches_up(node)) {
        snprintf(text, REFUSAL_BYTES,
            "CLUSTERDOWN This node is being rebuilt and has not caught up yet, not executed");
    } else if (node->skips.held_at != 0 && !stale) {
        skips_error(node, text, REFUSAL_BYTES);
    } else if (write && node->storage_state != SF_OK && raft_leads(node)) {
        snprintf(
            text, REFUSAL_BYTES, "MISCONF The log cannot be written: no space left, not executed");
    } else if (follow_refuses(node)) {
        snprintf(text, REFUSAL_BYTES, TEXT_LOADING);
    } else {
        return false;
    }
    return true;
}
