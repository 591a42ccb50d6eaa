/* A node whose state differs from an equal majority's (DESIGN 8): it is fenced, so that nobody is
 * answered by it, and rebuilt.
 *
 * Fenced, it votes and stores as before: its log is as good as any, only what it made of it is not.
 * It is rebuilt as a node without a past, under a new id with an empty log; so first the others
 * remove it, by a committed configuration, and not before that does it let its log go. Whatever was
 * acknowledged by its disk is then on a majority of theirs.
 *
 *   node -> leader (control)   rebuild      id index agreed(0|1)
 *   leader -> node (control)   rebuild-may  id index                 id: of that node
 *
 * That the leader agrees is stored before it is asked to go on: a node that finds itself removed
 * without that was forgotten by an operator, and stays away. */
#include "node/internal.h"
#include "node/migrate.h"

#include <stdio.h>

enum {
    REQUEST_EVERY_US = 350000,
    REQUEST_KEPT_US = 1000000,    /* whoever asked does not want it any more: it would ask again */
    STEADY_US = 2000000,          /* a new leader waits: another rebuilding may be under way */
    REBUILD_LIMIT_US = 120000000, /* then the one that was removed is not waited for any more */
    HEARD_US = 250000,            /* or five heartbeats */
    CAUGHT_UP_ENTRIES = 1024,
    LOOK_AGAIN_US = 1000000,
};

bool fence_is_up(const struct node *node) {
    return node->digests->fence_index != 0;
}

void fence_error(const struct node *node, char *out, size_t size) {
    snprintf(out, size,
        "CLUSTERDOWN This node's state differs from the other nodes' since entry %llu or before: "
        "it "
        "serves nothing until it is rebuilt, not executed",
        (unsigned long long)node->digests->fence_index);
}

/* -- raised and lifted ----------------------------------------------------------------------- */

static void tell_difference(struct node *node, const struct digest_round *round) {
    node_log(node, LOG_WARNING,
        "DIGEST MISMATCH at %llu: this node's state differs from that of a majority of the "
        "members. "
        "%s",
        (unsigned long long)round->index,
        node->settings.digest_fence
            ? "It is fenced: it serves nothing until it is rebuilt from the others'"
            : "digest-mismatch-action is alarm: it serves on, and what it answers may be wrong");
}

static void raise_fence(struct node *node, const struct digest_round *round) {
    struct digests *digests = node->digests;
    if (!node->settings.digest_fence || fence_is_up(node)) return;
    SF_MARK("digest: a node is fenced (rare)");
    digests->fence_index = round->index;
    digests->fence_leaves = false;
    digests->fence_ask_us = 0;
    snapshots_leave_engine(node);
    saves_end(node, SF_ERR_NOT_EXECUTED);
    node->snapshots.wanted = node->snapshots.rewriting = node->snapshots.rewrite_scheduled = false;
    migrates_leave_state(node);
    sessions_answer_fenced(node);
    tracking_drop_all(node);
    node_wake(node);
}

static void lift_fence(struct node *node, const char *why) {
    struct digests *digests = node->digests;
    if (!fence_is_up(node)) return;
    node_log(node, LOG_WARNING, "this node is not fenced any more: %s", why);
    digests->fence_index = 0;
    digests->fence_leaves = false;
    node_wake(node);
}

/* Asked for, and in the log: a mark behind it that finds the states equal again comes too late. */
static bool is_being_removed(const struct node *node) {
    const struct raft_member *self =
        configuration_find(raft_configuration(node->raft), node->identity.id);
    return node->self_removed || self == NULL ||
           (raft_configuration(node->raft)->joint && !self->voter_new);
}

/* Only the latest comparison says how things are. */
void fence_judged(struct node *node, const struct digest_round *round) {
    struct digests *digests = node->digests;
    if (round->index <= digests->equal_index || round->index <= digests->differs_index) return;
    if (round->own.total != round->majority) {
        digests->differs_index = round->index;
        tell_difference(node, round);
        raise_fence(node, round);
        return;
    }
    digests->equal_index = round->index;
    if (!is_being_removed(node) && round->index > digests->fence_index)
        lift_fence(
            node, "its state is equal to the others' (it was restarted, or took a snapshot)");
}

/* -- beginning anew -------------------------------------------------------------------------- */

bool node_begin_anew(struct node *node) {
    const struct raft_configuration *members = raft_configuration(node->raft);
    struct node_identity next = node->identity;
    next.state = IDENTITY_JOINING;
    node->ports.random_bytes(node->ports.context, &next.id, sizeof next.id);
    if (next.id == NOBODY) return false;
    next.n_join = 0;
    for (uint32_t i = 0; i < members->n && next.n_join < JOIN_ADDRESSES_MAX; i++) {
        const struct raft_member *member = &members->members[i];
        if (member->id == node->identity.id || member->address.host[0] == '\0') continue;
        next.join[next.n_join++] = member->address;
    }
    if (next.n_join == 0) return false;
    next.n_skips = node->skips.n;
    memcpy(next.skips, node->skips.known, sizeof next.skips);
    next.fence_index = 0;
    next.fence_leaves = false;
    identity_save(node, &next);
    return true;
}

void fence_remember_past(struct node *node, bool other_cluster) {
    raft_index *past = &node->digests->past_index;
    raft_index now = node->engine == NULL ? 0 : engine_applied(node->engine);
    *past = other_cluster ? 0 : SF_MAX(*past, now);
}

bool fence_catches_up(const struct node *node) {
    return node->engine != NULL && engine_applied(node->engine) < node->digests->past_index;
}

/* -- the node that is fenced ----------------------------------------------------------------- */

/* The identity file follows what is known here. */
static void remember(struct node *node) {
    const struct digests *digests = node->digests;
    if (node->identity.state != IDENTITY_MEMBER) return;
    if (node->identity.fence_index == digests->fence_index &&
        node->identity.fence_leaves == digests->fence_leaves)
        return;
    struct node_identity next = node->identity;
    next.fence_index = digests->fence_index;
    next.fence_leaves = digests->fence_leaves;
    identity_save(node, &next);
}

static void ask_for_rebuilding(struct node *node) {
    struct digests *digests = node->digests;
    char text[2][INT_TEXT_MAX];
    if (node->now_us < digests->fence_ask_us) return;
    digests->fence_ask_us = node->now_us + REQUEST_EVERY_US;
    struct slice words[4] = {SLICE("rebuild"),
        slice_of(text[0], uint_print(node->identity.id, text[0])),
        slice_of(text[1], uint_print(digests->fence_index, text[1])),
        node->identity.fence_leaves ? SLICE("1") : SLICE("0")};
    peer_send(node, raft_leader(node->raft), false, 4, words);
}

void fence_pump(struct node *node) {
    if (node->identity_saved != node->identity_request) return;
    if (fence_is_up(node) && !node->settings.digest_fence)
        lift_fence(node, "digest-mismatch-action is alarm");
    remember(node);
    if (!fence_is_up(node) || node->identity.state != IDENTITY_MEMBER) return;
    if (node->identity_saved != node->identity_request) return;
    if (!node->self_removed) {
        ask_for_rebuilding(node);
    } else if (node->identity.fence_leaves && node_begin_anew(node)) {
        SF_MARK("digest: a fenced node begins anew (rare)");
        node_log(node, LOG_WARNING,
            "this node's state was found to differ: it is rebuilt from the others'");
    }
}

bool fence_on_may(struct node *node, uint32_t argc, const struct slice *argv) {
    uint64_t id, index;
    if (argc != 3 || !uint_parse(argv[1], &id) || !uint_parse(argv[2], &index)) return false;
    struct digests *digests = node->digests;
    if (!fence_is_up(node) || id != node->identity.id || index != digests->fence_index) return true;
    digests->fence_leaves = true;
    digests->fence_ask_us = 0;
    node_wake(node);
    return true;
}

int64_t fence_deadline_us(const struct node *node) {
    return fence_is_up(node) ? SF_MAX(node->digests->fence_ask_us, node->now_us + 1000) : INT64_MAX;
}

/* -- the leader ------------------------------------------------------------------------------ */

/* Its state is the majority's, it lives, and its log is nearly all there: of a damaged one nothing
 * counts as matched. */
static bool is_well(const struct node *node, const struct digest_round *round, raft_id id) {
    const struct digest_word *word = digest_word_of(round, id);
    if (word == NULL || word->say != DIGEST_DONE || word->total != round->majority) return false;
    if (id == node->identity.id) return true;
    struct raft_peer_status status;
    int64_t heard_us =
        SF_MAX((int64_t)HEARD_US, (int64_t)node->settings.raft.heartbeat_interval_ms * 5000);
    return raft_peer(node->raft, id, &status) && node->now_us - status.last_contact_us < heard_us &&
           status.match + CAUGHT_UP_ENTRIES >= raft_last_index(node->raft);
}

/* Whether that many of the voters are known to be well that they are a majority without it, of the
 * members as they are and as they would be. */
static bool majority_stays(
    const struct node *node, const struct digest_round *round, raft_id leaves) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    uint32_t n_well = 0;
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        n_well += member->id != leaves && member->voter_new && is_well(node, round, member->id);
    }
    return n_well * 2 > configuration_n_voters(now);
}

/* The one before is back, or is not waited for any more. */
static bool none_is_rebuilt(struct node *node) {
    struct digests *digests = node->digests;
    const struct raft_configuration *now = raft_configuration(node->raft);
    if (node->now_us - node->leads_us < STEADY_US) return false;
    if (node->now_us >= digests->rebuild_until_us) return true;
    return configuration_n_voters(now) >= digests->rebuild_voters;
}

static bool others_all_vote(const struct raft_configuration *now, raft_id leaves) {
    for (uint32_t i = 0; i < now->n; i++) {
        if (now->members[i].id != leaves && !now->members[i].voter_new) return false;
    }
    return !now->joint && configuration_find(now, leaves) != NULL;
}

/* In the midst of an upgrade the others could rise to a level at which it is not let in again. */
static bool is_new_enough(struct node *node, raft_id who) {
    uint64_t level = node->settings.feature_level;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (node->peers[i].id != who) level = SF_MIN(level, node->peers[i].feature_level);
    }
    const struct peer *peer = peer_of(node, who);
    return peer != NULL && peer->feature_level >= level;
}

/* This leader's own comparison at the latest mark in its log must say the same. */
static bool may_rebuild(struct node *node, raft_id who, raft_index index) {
    const struct digests *digests = node->digests;
    const struct digest_round *round = digest_round_latest(node);
    if (round == NULL || round->index < index || !round->settled || !round->has_majority) {
        return false;
    }
    if (digests->proposed > round->index && digests->term == raft_current_term(node->raft))
        return false;
    const struct digest_word *word = digest_word_of(round, who);
    bool differs = word != NULL && word->say == DIGEST_DONE && word->total != round->majority;
    return differs && is_well(node, round, node->identity.id) && majority_stays(node, round, who) &&
           is_new_enough(node, who) &&
           raft_configuration_index(node->raft) <= raft_commit_index(node->raft) &&
           others_all_vote(raft_configuration(node->raft), who) && none_is_rebuilt(node);
}

/* A leader that does not know of the difference looks again. */
static void look_again(struct node *node, raft_id who, raft_index index) {
    const struct digest_round *round = digest_round_latest(node);
    const struct digest_word *word = round == NULL ? NULL : digest_word_of(round, who);
    if (!digest_is_settled(node) || node->now_us - node->digests->marked_us < LOOK_AGAIN_US) return;
    if (configuration_find(raft_configuration(node->raft), who) == NULL) return; /* it leaves */
    if (round != NULL && round->index >= index && word != NULL && word->say == DIGEST_DONE) return;
    node->digests->wanted = true;
}

static void let_it_go_on(struct node *node, const struct rebuild_request *request) {
    char text[2][INT_TEXT_MAX];
    struct slice words[3] = {SLICE("rebuild-may"),
        slice_of(text[0], uint_print(request->from, text[0])),
        slice_of(text[1], uint_print(request->index, text[1]))};
    peer_send(node, request->from, false, 3, words);
}

static void remove_it(struct node *node, raft_id who) {
    uint32_t n_voters = configuration_n_voters(raft_configuration(node->raft));
    if (!membership_remove(node, who)) return;
    SF_MARK("digest: a leader removes a fenced node (rare)");
    node_log(node, LOG_WARNING, "node %016llx is removed, to be rebuilt: its state differs",
        (unsigned long long)who);
    node->digests->rebuild_voters = n_voters;
    node->digests->rebuild_until_us = node->now_us + REBUILD_LIMIT_US;
    node_wake(node);
}

/* Kept, since between a mark and its comparison nothing can be said of it, and where one mark
 * follows another there is hardly anything else. */
static void keep_request(struct node *node, struct rebuild_request request) {
    struct rebuild_request *requests = node->digests->requests, *place = &requests[0];
    for (uint32_t i = 1; i < RAFT_MEMBERS_MAX && place->from != request.from; i++) {
        if (requests[i].from == request.from || requests[i].heard_us < place->heard_us)
            place = &requests[i];
    }
    *place = request;
    node_wake(node);
}

bool fence_on_rebuild(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t id, index, agreed;
    if (argc != 4 || !uint_parse(argv[1], &id) || !uint_parse(argv[2], &index) ||
        !uint_parse(argv[3], &agreed))
        return false;
    if (!node_is_leader_serving(node) || id != from) return true;
    keep_request(node, (struct rebuild_request){from, index, agreed != 0, node->now_us});
    return true;
}

static bool is_equal_again(const struct node *node, raft_id who) {
    const struct digest_round *round = digest_round_latest(node);
    const struct digest_word *word = round == NULL ? NULL : digest_word_of(round, who);
    return word != NULL && round->has_majority && word->say == DIGEST_DONE &&
           word->total == round->majority;
}

/* true: it is not to be looked at again. */
static bool judge_request(struct node *node, const struct rebuild_request *request) {
    if (node->now_us - request->heard_us > REQUEST_KEPT_US) return true;
    if (is_equal_again(node, request->from)) return true; /* what it stored may be void by now */
    if (!may_rebuild(node, request->from, request->index)) {
        look_again(node, request->from, request->index);
        return false;
    }
    if (request->agreed) {
        remove_it(node, request->from);
    } else {
        let_it_go_on(node, request);
    }
    return true;
}

void fence_lead(struct node *node) {
    if (!node_is_leader_serving(node) || !node->settings.digest_fence) return;
    for (uint32_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        struct rebuild_request *request = &node->digests->requests[i];
        if (request->from == NOBODY || !judge_request(node, request)) continue;
        *request = (struct rebuild_request){.from = NOBODY};
    }
}

raft_id fence_successor(const struct node *node) {
    const struct digest_round *round = digest_round_latest(node);
    const struct raft_configuration *now = raft_configuration(node->raft);
    raft_id best = NOBODY;
    raft_index best_match = 0;
    if (round == NULL || !round->has_majority) return NOBODY;
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        struct raft_peer_status status;
        if (member->id == node->identity.id || !member->voter_new) continue;
        if (!is_well(node, round, member->id)) continue;
        if (!raft_peer(node->raft, member->id, &status) || status.match < best_match) continue;
        best = member->id;
        best_match = status.match;
    }
    return best;
}
