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
 * What was seen of starts is what this process has heard, what the state says of incarnations, or
 * what is in the log it started with, committed or not: that survives the death of all, and no
 * life's number is in a log before it has begun. A node that hears of it only when the copy has
 * been let in (by an entry that it was sent) cuts its links, and judges it when it dials again. */
#include "node/old_copy.h"

#include <stdio.h>

static const char *verdict(struct node *node, raft_id id, const char *why) {
    snprintf(node->old_copy_text, sizeof node->old_copy_text,
        "OLDCOPY the directory of node %016llx is an old copy, or its disk lost what it had "
        "synced: %s",
        (unsigned long long)id, why);
    return node->old_copy_text;
}

struct logged_lives {
    uint32_t n;
    struct incarnation latest[RAFT_MEMBERS_MAX];
};

/* Of two with one number the first one counts, as it will when they are applied. */
static void note_logged(struct logged_lives *lives, const struct incarnation *life) {
    uint32_t i = 0;
    while (i < lives->n && lives->latest[i].node != life->node) i++;
    if (i == SF_LENGTH(lives->latest)) return;
    if (i == lives->n)
        lives->latest[lives->n++] = *life;
    else if (life->counter > lives->latest[i].counter)
        lives->latest[i] = *life;
}

void old_copy_open(struct node *node, const struct node_start *start) {
    if (start->n_lives == 0) return;
    node->lives = sf_alloc_zero(1, sizeof *node->lives);
    for (uint32_t i = 0; i < start->n_lives; i++) {
        struct reader in = reader_of(bytes_slice(start->lives[i]));
        struct entry_stamp stamp;
        struct incarnation life;
        entry_read_stamp(&in, &stamp);
        entry_read_incarnation(&in, &life);
        if (!in.failed) note_logged(node->lives, &life);
    }
}

void old_copy_close(struct node *node) {
    sf_free(node->lives);
    node->lives = NULL;
}

static void take_later(struct incarnation *latest, const struct incarnation *life) {
    if (life->node != NOBODY && (latest->node == NOBODY || life->counter > latest->counter))
        *latest = *life;
}

/* The latest life that is known of it. Where two have one number, by the state, then the log: what
 * was let in before may have been the copy. node NOBODY: none. */
static struct incarnation latest_life(const struct node *node, const struct peer *peer) {
    struct incarnation latest = {.node = NOBODY};
    uint64_t last_sequence;
    if (node->engine == NULL || !engine_row(node->engine, peer->id, &latest, &last_sequence))
        latest = (struct incarnation){.node = NOBODY};
    for (uint32_t i = 0; node->lives != NULL && i < node->lives->n; i++) {
        if (node->lives->latest[i].node == peer->id) take_later(&latest, &node->lives->latest[i]);
    }
    take_later(&latest, &peer->seen);
    return latest;
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
