/* Digests of the state, compared among the members (DESIGN 8): digest.c makes and compares them,
 * digest_tell.c says what came of it (CLUSTER VERIFY, INFO, the log), fence.c draws the
 * consequences. Included by internal.h, where its types are known. */
#ifndef SF_NODE_DIGEST_H
#define SF_NODE_DIGEST_H

#include "engine/digest.h"

enum { DIGEST_ROUNDS = 8 }; /* the latest marks, remembered */

enum digest_say {
    DIGEST_UNHEARD,
    DIGEST_COMING,  /* the mark is not applied there yet */
    DIGEST_RUNNING, /* its walk is under way */
    DIGEST_DONE,
    DIGEST_NEVER, /* it was busy, far behind or restarted: it will not say */
};

enum digest_verdict {
    DIGEST_OPEN,
    DIGEST_EQUAL,   /* all members */
    DIGEST_PARTLY,  /* those that answered, a majority */
    DIGEST_OTHERS,  /* another one differs from an equal majority */
    DIGEST_DIFFERS, /* this one does */
    DIGEST_SPLIT,   /* there are different ones, and no majority agrees */
    DIGEST_UNKNOWN, /* too few answered */
};

/* What a member, or this node, says of its digest at one index. */
struct digest_word {
    raft_id id;
    enum digest_say say;
    uint64_t total;            /* DONE */
    uint64_t progress;         /* a figure that moves while something goes on there */
    struct state_digest *full; /* known where it had to be looked at more closely */
};

struct digest_round { /* a mark in the log, and what is known of it */
    raft_index index; /* 0: a free place */
    struct digest_word own;
    uint32_t n;
    struct digest_word words[RAFT_MEMBERS_MAX]; /* of others */
    int64_t moved_us;                           /* when something was learnt last */
    int64_t ask_us;                             /* when to ask (again) who has not said it */
    bool fresh;                                 /* something was, and not yet judged */
    bool settled;                               /* nobody is waited for any more */
    bool told;                                  /* that somebody differs, in the log */
    bool closed;                                /* the state that it was of is gone here */
    struct raft_configuration members;          /* when the mark was applied */
    enum digest_verdict verdict;
    bool has_majority;
    uint64_t majority; /* the total that a majority of the voters has */
};

/* A fenced node asks the leader to be rebuilt. */
struct rebuild_request {
    raft_id from; /* NOBODY: a free place */
    raft_index index;
    bool agreed; /* it has stored that the leader agrees */
    int64_t heard_us;
};

struct digests {
    struct digest_round rounds[DIGEST_ROUNDS];
    struct digest_walk *walk; /* of the round with its index; NULL: none */
    int64_t slice_us;         /* when its next slice is due */
    int64_t walk_begun_us, walk_took_us;
    int64_t marked_us; /* when the latest mark was applied */
    /* the latest marks at which this node was like the majority, or not; 0: none */
    raft_index equal_index, differs_index;
    uint64_t moves; /* counts whatever is learnt or done: nothing stands still */

    /* the leader */
    raft_term term;      /* of what follows */
    raft_index proposed; /* its latest mark */
    bool wanted;         /* a mark is wanted, whoever asked */
    struct digest_mark asked, answered;

    /* CLUSTER VERIFY */
    struct list verifies;
    uint64_t verify_number;

    /* fence.c */
    raft_index fence_index; /* > 0: this node is fenced, since it differed there */
    bool fence_leaves;      /* the leader has agreed to remove it, for being rebuilt */
    int64_t fence_ask_us;
    raft_index past_index;    /* a former self had come so far: nobody sees less (stale reads) */
    int64_t rebuild_until_us; /* leader: a member that it removed is on its way back */
    uint32_t rebuild_voters;  /* then there are so many again */
    struct rebuild_request requests[RAFT_MEMBERS_MAX]; /* leader: the latest of each */
};

/* -- digest.c -------------------------------------------------------------------------------- */

void digests_open(struct node *node);
void digests_close(struct node *node);
void digests_reset(struct node *node);          /* another log begins */
void digests_drop_walk(struct node *node);      /* the engine is about to be freed */
void digests_state_replaced(struct node *node); /* ... and another state takes its place */
void digests_pump(struct node *node);
int64_t digests_deadline_us(const struct node *node);
void digests_marked(struct node *node, raft_index index, struct slice payload); /* applied */
struct digest_round *digest_round_latest(const struct node *node);              /* NULL: none */
struct digest_round *digest_round_at(const struct node *node, raft_index index);
/* What a member, or this node, said; NULL: nothing. */
const struct digest_word *digest_word_of(const struct digest_round *round, raft_id id);
bool digest_is_settled(const struct node *node); /* the latest round */
/* Messages of members; false: not understood. */
bool digest_on_word(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool digest_on_ranges_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool digest_on_ranges(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool digest_on_verify(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
/* The leader: somebody wants a mark; number: of the question of that incarnation. */
void digest_ask(struct node *node, raft_id who, uint64_t nonce, uint64_t number);

/* -- digest_tell.c --------------------------------------------------------------------------- */

void digest_describe(const struct state_digest *a, const struct state_digest *b, struct buf *out);
/* How a word differs from the round's majority: text for people. false: it does not. */
bool digest_difference(
    const struct digest_round *round, const struct digest_word *word, struct buf *out);
void digests_info(const struct node *node, struct buf *out);
void digest_tell_round(struct node *node, struct digest_round *round);
local_run local_verify;
void verifies_marked(struct node *node, raft_index index, const struct digest_mark *mark);
void verifies_pump(struct node *node);
void verifies_drop(struct node *node, struct pending *held);
void verifies_free(struct node *node);

/* -- fence.c --------------------------------------------------------------------------------- */

bool fence_is_up(const struct node *node);
void fence_error(const struct node *node, char *out, size_t size);
void fence_judged(struct node *node, const struct digest_round *round); /* of this node's state */
void fence_pump(struct node *node);
void fence_lead(struct node *node); /* what was asked; before another mark is written */
int64_t fence_deadline_us(const struct node *node);
bool fence_on_rebuild(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool fence_on_may(struct node *node, uint32_t argc, const struct slice *argv);
/* Who should lead next: not one whose state is known to differ. NOBODY: whoever is best. */
raft_id fence_successor(const struct node *node);
/* Another id begins, with an empty state. */
void fence_remember_past(struct node *node, bool other_cluster);
bool fence_catches_up(const struct node *node); /* its state is older than one that it had */
/* Asks for a new id with an empty log, to join its own cluster again. false: later. */
bool node_begin_anew(struct node *node);

#endif
