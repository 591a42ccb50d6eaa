/* The feature level (DESIGN 9): a cluster acts at the level that all of its members can apply, and
 * the log says when it rises. A state that has risen is applied by no build below it (S4), so who
 * is below is not let in, from the moment on at which the rise is proposed. */
#include "node/internal.h"

/* A rise that an earlier leader proposed is applied before this one serves. */
uint64_t feature_level_needed(const struct node *node) {
    uint64_t level = engine_feature_level(node->engine);
    bool on_its_way = node->level_proposed_term == raft_current_term(node->raft);
    return on_its_way ? SF_MAX(level, node->level_proposed) : level;
}

/* 0: somebody was not heard of yet. */
static uint64_t level_of_all(struct node *node) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    uint64_t level = node->settings.feature_level;
    for (uint32_t i = 0; i < now->n; i++) {
        if (now->members[i].id == node->identity.id) continue;
        const struct peer *peer = peer_of(node, now->members[i].id);
        level = peer == NULL ? 0 : SF_MIN(level, peer->feature_level);
    }
    return level;
}

/* The leader's own configuration is the latest there is, committed or not: whoever joins is in it
 * before it can be asked here. */
void feature_pump(struct node *node) {
    SF_ASSERT(node_is_leader_serving(node));
    if (raft_configuration(node->raft)->joint) return;
    uint64_t level = level_of_all(node);
    if (level <= feature_level_needed(node)) return;
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    put_varint(&out, level);
    struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
    buf_free(&out);
    raft_index index = 0;
    enum sf_status status =
        raft_propose(node->raft, ENTRY_FEATURE_LEVEL, payload, node->now_us, &index);
    bytes_unref(payload);
    if (status != SF_OK) return; /* handing over: the next leader does it */
    SF_MARK("node: a feature level is raised");
    node->level_proposed = level;
    node->level_proposed_term = raft_current_term(node->raft);
    node_log(node, LOG_NOTICE, "all members can apply feature level %llu: the cluster acts at it",
        (unsigned long long)level);
    node_wake(node);
}
