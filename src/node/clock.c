/* The leader's clock: whence entries get their time (DESIGN 7). It starts at max(state time, median
 * of the members' wall clocks) and then follows the boot-time clock, slewed by at most 5 % towards
 * that median: a step of one wall clock never enters the state. */
#include "node/internal.h"

enum { SLEW_DIVISOR = 20, WARN_DIFFERENCE_MS = 1000, TICK_RETRY_US = 1000 };

static int64_t median_wall_ms(struct node *node) {
    int64_t walls[RAFT_MEMBERS_MAX + 1];
    uint32_t n = 0;
    walls[n++] = node->wall_ms;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (!node->peers[i].wall_known) continue;
        int64_t wall = node->peers[i].wall_offset_ms + node->now_us / 1000;
        uint32_t at = n++;
        while (at > 0 && walls[at - 1] > wall) {
            walls[at] = walls[at - 1];
            at--;
        }
        walls[at] = wall;
    }
    return walls[(n - 1) / 2];
}

static uint64_t has_spoken(void *context, raft_id id) {
    struct node *node = context;
    struct peer *peer = peer_of(node, id);
    return id == node->identity.id || (peer != NULL && peer->wall_known);
}

/* One wrong wall clock must not move the cluster's time, be it the leader's own: it starts at the
 * median of those that a quorum told in this leadership. Their answers to the first heartbeats come
 * as early as those to the no-op, before which nothing is served anyway. */
static void clock_try_start(struct node *node) {
    if (node->clock_running || node->known_role != RAFT_LEADER || !raft_leads(node)) return;
    if (configuration_quorum_value(raft_configuration(node->raft), has_spoken, node) == 0) return;
    /* what is not applied yet may carry later times; engine_begin keeps the maximum, and
     * clock_now_ms is raised to state time before anything is stamped with it */
    node->clock_base_ms = SF_MAX(engine_now_ms(node->engine), median_wall_ms(node));
    node->clock_base_us = node->clock_slewed_us = node->now_us;
    node->clock_running = true;
}

void clock_begin(struct node *node) {
    node->clock_running = false;
    for (uint32_t i = 0; i < node->n_peers; i++) node->peers[i].wall_known = false;
    clock_try_start(node); /* alone */
}

void clock_heard(struct node *node, raft_id id, int64_t wall_ms) {
    struct peer *peer = peer_of(node, id);
    if (peer == NULL || wall_ms <= 0) return;
    peer->wall_offset_ms = wall_ms - node->now_us / 1000;
    peer->wall_known = true;
    clock_try_start(node);
}

static void slew(struct node *node) {
    int64_t elapsed_us = node->now_us - node->clock_slewed_us;
    if (elapsed_us < 1000000) return;
    node->clock_slewed_us = node->now_us;
    int64_t clock = node->clock_base_ms + (node->now_us - node->clock_base_us) / 1000;
    int64_t off = median_wall_ms(node) - clock;
    int64_t limit = elapsed_us / 1000 / SLEW_DIVISOR;
    if (off > WARN_DIFFERENCE_MS || off < -WARN_DIFFERENCE_MS) {
        node_log(node, LOG_WARNING, "the cluster's time and the nodes' clocks differ by %lld ms",
            (long long)off);
    }
    node->clock_base_ms += SF_MAX(-limit, SF_MIN(limit, off));
}

int64_t clock_now_ms(struct node *node) {
    SF_ASSERT(node->clock_running);
    int64_t now = node->clock_base_ms + (node->now_us - node->clock_base_us) / 1000;
    int64_t state = engine_now_ms(node->engine);
    if (now < state) SF_MARK("clock: an earlier leader was ahead");
    if (now < state) { /* an entry of an earlier leader was ahead: never go back behind it */
        node->clock_base_ms += state - now;
        now = state;
    }
    if (now < node->clock_said_ms) SF_MARK("clock: it stands still, slewed backwards");
    if (now < node->clock_said_ms) { /* slewed backwards: stand still instead */
        now = node->clock_said_ms;
    }
    node->clock_said_ms = now;
    return now;
}

/* A tick moves time where nothing else is written and something is due. */
void clock_pump(struct node *node) {
    clock_try_start(node);
    if (!node_is_leader_serving(node)) return;
    slew(node);
    if (node->tick_in_flight) return;
    int64_t due = engine_next_due(node->engine);
    if (due == NO_DUE || due > clock_now_ms(node)) return;
    if (raft_last_index(node->raft) > engine_applied(node->engine)) return; /* time comes anyway */
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
    buf_free(&out);
    raft_index index = 0;
    if (raft_propose(node->raft, ENTRY_TICK, payload, node->now_us, &index) == SF_OK) {
        SF_MARK("clock: a tick is proposed");
        node->tick_in_flight = true;
        node->tick_index = index;
    }
    bytes_unref(payload);
}

int64_t clock_deadline_us(const struct node *node) {
    if (node->tick_in_flight || !node_is_leader_serving(node)) {
        return INT64_MAX;
    }
    int64_t due = engine_next_due(node->engine);
    if (due == NO_DUE) return INT64_MAX;
    int64_t now_ms = node->clock_base_ms + (node->now_us - node->clock_base_us) / 1000;
    int64_t wait_ms = due - now_ms;
    if (wait_ms > 1000) return node->now_us + 1000000;
    return node->now_us + SF_MAX(wait_ms * 1000, (int64_t)TICK_RETRY_US);
}
