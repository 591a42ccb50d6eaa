/* An old copy of a data directory that came back (DESIGN 5): its log ends before what it had
 * acknowledged, or its boot counter before what was seen of it. What it would grant and count was
 * given away before by a later state of it, so it must not take part.
 *
 * Said only where it is certain:
 *   - Lost acknowledgements: in the first greeting of a new life. What the leader knows matched
 * then comes from earlier lives alone (a life's own acknowledgements follow its greeting), and
 * every life had them synced. What is committed besides is truncated by nobody. A node that knows
 * itself that its log is damaged says so, and is mended instead (DESIGN 9).
 *   - A boot counter below one that was seen: it is raised and synced before a life's first word.
 *   - The number of a start that was seen of another life: a copy from before that start was
 * started instead (or besides).
 *
 * What was seen of starts is what this process has heard, or what the state says of incarnations:
 * that survives the death of all. A node whose state says so only when the copy has been let in
 * (it was applying still) cuts its links, and judges it when it dials again. */
#include "node/internal.h"

#include <stdio.h>

static const char *verdict(struct node *node, raft_id id, const char *why) {
    snprintf(node->old_copy_text, sizeof node->old_copy_text,
        "OLDCOPY the directory of node %016llx is an old copy, or its disk lost what it had "
        "synced: %s",
        (unsigned long long)id, why);
    return node->old_copy_text;
}

/* The latest life that is known of it, by the state where two have one number: what was let in
 * before may have been the copy. node NOBODY: none. */
static struct incarnation latest_life(const struct node *node, const struct peer *peer) {
    struct incarnation row;
    uint64_t last_sequence;
    if (node->engine == NULL || !engine_row(node->engine, peer->id, &row, &last_sequence))
        return peer->seen;
    bool later = peer->seen.node == NOBODY || row.counter >= peer->seen.counter;
    return row.node != NOBODY && later ? row : peer->seen;
}

const char *old_copy_judge(struct node *node, const struct greeting *theirs) {
    struct peer *peer = peer_of(node, theirs->id);
    char why[120];
    if (peer == NULL || node->raft == NULL) return NULL;
    const struct incarnation latest = latest_life(node, peer);
    const struct incarnation *now = &theirs->incarnation, *seen = &latest;
    if (seen->node != NOBODY && now->counter < seen->counter) {
        snprintf(why, sizeof why, "this is its start number %llu, and number %llu was seen",
            (unsigned long long)now->counter, (unsigned long long)seen->counter);
        return verdict(node, theirs->id, why);
    }
    if (seen->node != NOBODY && now->counter == seen->counter && now->nonce != seen->nonce) {
        snprintf(why, sizeof why, "its start number %llu was seen of another life of it",
            (unsigned long long)now->counter);
        return verdict(node, theirs->id, why);
    }
    struct raft_peer_status status;
    bool began = peer->seen.node != NOBODY && now->counter > peer->seen.counter;
    if (began && !theirs->damaged && raft_peer(node->raft, theirs->id, &status)) {
        raft_index acknowledged = SF_MIN(status.match, raft_commit_index(node->raft));
        if (theirs->last_index < acknowledged) {
            snprintf(why, sizeof why, "its log ends at %llu, and it had acknowledged %llu",
                (unsigned long long)theirs->last_index, (unsigned long long)acknowledged);
            return verdict(node, theirs->id, why);
        }
    }
    peer->seen = *now;
    return NULL;
}

void old_copy_found(struct node *node, raft_id id) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &node->links[i];
        if (link->number != 0 && link->peer == id && link->purpose != LINK_GREET)
            link_close(node, link);
    }
}

/* A proven member says so of this node. */
void old_copy_told(struct node *node, struct slice text) {
    if (node->stopped) return;
    node->stopped = true;
    node_log(node, LOG_WARNING,
        "a member refuses this node: %.*s. Empty its directory and let it join anew",
        (int)SF_MIN(text.len, (size_t)250), text.data);
    node->ports.stop(node->ports.context, 1, "its data directory is an old copy");
}
