/* A node that catches up rests between its turns where others wait for the processor.
 *
 * With several nodes on a machine, or a neighbour of any kind, a node that loads a snapshot or runs
 * a long tail of the log as fast as it can takes its full share of the processors from those that
 * serve meanwhile: a leader beside it would answer half as much. Nobody waits for this node: what
 * it lacks is committed without it. So its thread rests for a multiple of what each turn took, as
 * long as turns are seen to wait for the processor; alone on its machine it never rests.
 *
 * The multiple falls while the lag does not shrink, to nothing in the end: a node must not rest
 * until the leader has dropped the log that it needs. It ends where the others no longer commit:
 * then they may be waiting for this node. */
#include "node/internal.h"

enum {
    LAG_ENTRIES = 256, /* below it a node is not behind, only busy */
    FACTOR_MAX = 6,
    REST_MAX_US = 5000,   /* after one turn: heartbeats and clients here wait so long */
    LOOK_US = 50000,      /* how often the lag and the waiting are judged */
    LOST_SHARE = 8,       /* others wait: more than an eighth of what was used went by waiting */
    SHRINK_SHARE = 32,    /* the lag shrinks: by more than a thirty-second part since the last look */
    STANDSTILL_US = 200000, /* the others commit nothing new for so long */
};

static raft_index lag_of(const struct node *node) {
    raft_index heard = raft_heard_commit_index(node->raft), applied = engine_applied(node->engine);
    return heard - SF_MIN(heard, applied);
}

bool node_catches_up(const struct node *node) {
    if (node->raft == NULL || node->engine == NULL || node->identity_switching) return false;
    if (raft_role(node->raft) != RAFT_FOLLOWER || raft_leader(node->raft) == 0) return false;
    return receiving_goes_on(node) || lag_of(node) >= LAG_ENTRIES;
}

static void look(struct node *node) {
    struct pace *pace = &node->pace;
    raft_index heard = raft_heard_commit_index(node->raft), lag = lag_of(node);
    if (heard > pace->heard) pace->moved_us = node->now_us;
    bool shrinks = lag < pace->lag - pace->lag / SHRINK_SHARE;
    if (receiving_goes_on(node) || shrinks)
        pace->factor = SF_MIN(pace->factor + 1, (uint32_t)FACTOR_MAX);
    else
        pace->factor /= 2;
    pace->heard = heard;
    pace->lag = lag;
    pace->others_wait = pace->lost_us > pace->used_us / LOST_SHARE;
    pace->used_us = pace->lost_us = 0;
    pace->looked_us = node->now_us;
}

int64_t node_rest_us(struct node *node, int64_t used_us, int64_t lost_us) {
    struct pace *pace = &node->pace;
    SF_ASSERT(node_catches_up(node) && used_us >= 0 && lost_us >= 0);
    if (node->now_us - pace->asked_us > LOOK_US) /* it begins to catch up */
        *pace = (struct pace){.looked_us = node->now_us,
            .moved_us = node->now_us,
            .heard = raft_heard_commit_index(node->raft),
            .lag = lag_of(node),
            .others_wait = true,
            .factor = FACTOR_MAX};
    pace->asked_us = node->now_us;
    pace->used_us += used_us;
    pace->lost_us += lost_us;
    if (node->now_us - pace->looked_us >= LOOK_US) look(node);
    bool is_stuck = !receiving_goes_on(node) &&
                    node->now_us - pace->moved_us >= STANDSTILL_US;
    if (!pace->others_wait || is_stuck) return 0;
    return SF_MIN(used_us * pace->factor, (int64_t)REST_MAX_US);
}
