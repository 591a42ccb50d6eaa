/* What the server's log says while the log that a start found behind its snapshot is applied. */
#include "node/internal.h"

enum { TELL_US = 1000000 };

static void tell_progress(struct node *node, raft_index applied) {
    uint64_t total = node->replays_until - node->replay_from, done = applied - node->replay_from;
    int64_t passed_us = node->now_us - node->replay_us;
    double left_s = (double)passed_us / 1e6 * (double)(total - done) / (double)done;
    node_log(node, LOG_NOTICE, "applies the log: entry %llu of %llu, %llu %%, about %lld s to go",
        (unsigned long long)applied, (unsigned long long)node->replays_until,
        (unsigned long long)(done * 100 / total), (long long)(left_s + 0.5));
}

void replay_tell(struct node *node) {
    if (node->replay_is_told || node->stopped || node->raft == NULL) return;
    raft_index applied = engine_applied(node->engine);
    int64_t passed_us = node->now_us - node->replay_us;
    if (applied >= node->replays_until) {
        node->replay_is_told = true;
        if (node->replays_until > node->replay_from)
            node_log(node, LOG_NOTICE,
                "the log is applied up to entry %llu, %lld.%03lld s after it was opened",
                (unsigned long long)node->replays_until, (long long)passed_us / 1000000,
                (long long)passed_us / 1000 % 1000);
        return;
    }
    /* Without a leader nothing is committed: nothing moves, and nothing is said. */
    bool moved = applied > node->replay_from && applied != node->replay_told;
    if (!moved || node->now_us - node->replay_told_us < TELL_US) return;
    if (node->replay_told_us != 0 || passed_us >= TELL_US) tell_progress(node, applied);
    node->replay_told = applied;
    node->replay_told_us = node->now_us;
}
