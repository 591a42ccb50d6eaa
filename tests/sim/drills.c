#include "sim/drills.h"

#include "sim/faults.h"
#include "sim/network.h"

static uint32_t leader_number(struct world *world) {
    for (uint32_t i = 0; i < world->n_nodes; i++)
        if (world->processes[i]->up && world->processes[i]->seen_role == RAFT_LEADER) return i;
    return (uint32_t)world_below(world, world->n_nodes);
}

static uint32_t other_than(struct world *world, uint32_t number) {
    return (number + 1 + (uint32_t)world_below(world, world->n_nodes - 1)) % world->n_nodes;
}

bool drill_is_hot(const struct world *world) {
    return world_now_us(world) < world->hot_until_us;
}

bool drill_is_quiet(const struct world *world) {
    return world_now_us(world) < world->quiet_until_us;
}

/* -- cutting one node off ---------------------------------------------------------------------- */

static void cut_off(struct world *world, uint32_t number, bool in, bool out) {
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        if (i == number) continue;
        if (out) network_cut(world->network, number, i, true);
        if (in) network_cut(world->network, i, number, true);
    }
}

static void cut_end(void *context, uint64_t number, uint64_t b) {
    struct world *world = context;
    (void)b;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        network_cut(world->network, (uint32_t)number, i, false);
        network_cut(world->network, i, (uint32_t)number, false);
        network_set_delay(world->network, i, (uint32_t)number, 0);
    }
}

static void cut_for(struct world *world, uint32_t number, int64_t lasts_us) {
    queue_put(&world->queue, world_now_us(world) + lasts_us, cut_end, world, number, 0);
}

/* -- leases: nobody hears the leader any more, though late answers still reach it; a follower that
 * has just answered may come back without a memory of that --------------------------------------
 */

static void lease_strike(void *context, uint64_t leader, uint64_t b) {
    struct world *world = context;
    (void)b;
    if (!faults_are_on(world)) return;
    cut_off(world, (uint32_t)leader, false, true);
    uint32_t other = other_than(world, (uint32_t)leader);
    if (world_chance(world, 50)) faults_kill(world, other, world_between(world, 1000, 60000));
}

static void lease_begin(struct world *world) {
    uint32_t leader = leader_number(world);
    int64_t slow_us = world_between(world, 1, world_chance(world, 50) ? 300 : 120000);
    world_note(world, (int)leader, "answers reach it %lld us late, then nobody hears it",
        (long long)slow_us);
    for (uint32_t i = 0; i < world->n_nodes; i++)
        if (i != leader) network_set_delay(world->network, i, leader, slow_us);
    int64_t strike_us = world_between(world, 100000, 300000);
    queue_put(&world->queue, world_now_us(world) + strike_us, lease_strike, world, leader, 0);
    cut_for(world, leader, strike_us + world_between(world, 200000, 1000000));
    world->coverage[COVER_DRILL_LEASE]++;
}

/* -- promises: of three nodes one hears no leader any more, the other dies just after it has
 * answered one and is back at once. Nobody writes, or their logs would differ. -------------------
 */

static void promise_strike(void *context, uint64_t leader, uint64_t voter) {
    struct world *world = context;
    if (!faults_are_on(world)) return;
    cut_off(world, (uint32_t)leader, true, true);
    faults_kill(world, (uint32_t)voter, world_between(world, 100, 5000));
}

static void promise_cut(void *context, uint64_t leader, uint64_t voter) {
    struct world *world = context;
    uint32_t candidate = 3 - (uint32_t)leader - (uint32_t)voter;
    if (!faults_are_on(world)) return;
    network_cut(world->network, (uint32_t)leader, candidate, true);
    network_cut(world->network, candidate, (uint32_t)leader, true);
    queue_put(&world->queue, world_now_us(world) + world_between(world, 140000, 240000),
        promise_strike, world, leader, voter);
}

static void promise_begin(struct world *world) {
    uint32_t leader = leader_number(world), voter = other_than(world, leader);
    world_note(world, (int)voter, "is to die with a promise");
    world->quiet_until_us = world_now_us(world) + 600000;
    queue_put(&world->queue, world_now_us(world) + 60000, promise_cut, world, leader, voter);
    cut_for(world, leader, 800000);
    world->coverage[COVER_DRILL_PROMISE]++;
}

/* -- stale reads: the leader does not know yet that another one leads, while many ask and write --
 */

static void reads_begin(struct world *world) {
    uint32_t leader = leader_number(world);
    bool pauses = world_chance(world, world->index_percent == 0 ? 75 : 10); /* leases: clocks */
    int64_t lasts_us =
        pauses ? world_between(world, 200000, 310000) : world_between(world, 160000, 600000);
    world_note(world, (int)leader, "%s for %lld ms while many read and write",
        pauses ? "is paused" : "is cut off", (long long)lasts_us / 1000);
    world->hot_until_us = world_now_us(world) + lasts_us + 150000;
    /* One that was paused hears its clients before its peers. */
    if (pauses) process_pause(world->processes[leader], world_now_us(world) + lasts_us);
    cut_off(world, leader, true, true);
    cut_for(world, leader, lasts_us + (pauses ? 60000 : 0));
    world->coverage[COVER_DRILL_READS]++;
}

/* -- truncation: what a leader could not write yet, since its disk stood still, is replaced by
 * another leader's entries while the old write is still under way -------------------------------
 */

static void stall_begin(struct world *world) {
    uint32_t leader = leader_number(world);
    int64_t lasts_us = world_between(world, 300000, 800000), now_us = world_now_us(world);
    world_note(world, (int)leader, "its disk stands still, and it is cut off");
    twin_stall(world->processes[leader]->twin, now_us + lasts_us + world_between(world, 0, 300000));
    cut_off(world, leader, true, true);
    cut_for(world, leader, lasts_us);
    world->hot_until_us = now_us + lasts_us;
    world->coverage[COVER_DRILL_STALL]++;
}

/* -- joint configurations: one of the voters is away just then ----------------------------------
 */

void drill_on_joint(struct world *world, const struct process *leader) {
    if (!world->churn || !faults_are_on(world) || !world_chance(world, 70)) return;
    uint32_t victim = world_chance(world, 30) ? leader->number : other_than(world, leader->number);
    world_note(world, (int)victim, "is cut off while members change");
    cut_off(world, victim, true, true);
    cut_for(world, victim, world_between(world, 50000, 900000));
    world->coverage[COVER_DRILL_JOINT]++;
}

/* -- a crash just when the log is cut: what the disk says of itself must still be true -----------
 */

static void cut_strike(void *context, uint64_t number, uint64_t life) {
    struct world *world = context;
    if (!faults_are_on(world) || world->processes[number]->life != life) return;
    world_note(world, (int)number, "is killed as its log changes");
    faults_kill(world, (uint32_t)number, world_between(world, 5000, 300000));
    world->coverage[COVER_DRILL_CUT]++;
}

static void strike_soon(
    struct world *world, const struct process *process, uint32_t percent, int64_t most_us) {
    if (!faults_are_on(world) || !world_chance(world, percent)) return;
    queue_put(&world->queue, world_now_us(world) + world_between(world, 0, most_us), cut_strike,
        world, process->number, process->life);
}

void drill_on_truncation(struct world *world, const struct process *process) {
    strike_soon(world, process, 25, 3000);
}

/* A disk that stands still while it installs, and a leader that must ask anew how far it is. */
static void retell_strike(void *context, uint64_t number, uint64_t life) {
    struct world *world = context;
    uint32_t leader = leader_number(world);
    if (leader == number || world->processes[number]->life != life) return;
    network_reset_between(world->network, leader, (uint32_t)number);
    world->coverage[COVER_DRILL_RETELL]++;
}

static void retell_begin(struct world *world, const struct process *process) {
    if (!world->retells || !faults_are_on(world) || !world_other_chance(world, 30)) return;
    int64_t now_us = world_now_us(world);
    twin_stall(process->twin, now_us + 400000);
    queue_put(&world->queue, now_us + 1000, retell_strike, world, process->number, process->life);
}

void drill_on_install(struct world *world, const struct process *process) {
    strike_soon(world, process, 25, 1000);
    retell_begin(world, process);
}

/* -- snapshots in pieces: what has come is not sent again, and what has not is not left out ------
 */

static void chunk_strike(void *context, uint64_t number, uint64_t b) {
    struct world *world = context;
    (void)b;
    uint32_t leader = leader_number(world);
    if (leader == number) return;
    world_note(world, (int)number, "its connections to n%u are reset amid a snapshot", leader);
    network_reset_between(world->network, leader, (uint32_t)number);
    world->coverage[COVER_DRILL_CHUNK]++;
}

void drill_on_chunk(struct world *world, const struct process *process) {
    bool last = !faults_are_on(world) && world->last_resets > 0;
    if (!world->chunks || !(last || faults_are_on(world)) || !world_chance(world, 15)) return;
    if (last) world->last_resets--;
    queue_put(&world->queue, world_now_us(world) + world_between(world, 0, 2000), chunk_strike,
        world, process->number, 0);
}

/* Nobody may be able to catch up: that shows only when no newer snapshot comes to the rescue. */
int64_t drill_last(struct world *world) {
    if (!world->chunks || world->n_nodes < 3) return 0;
    uint32_t victim = other_than(world, leader_number(world));
    world_note(world, (int)victim, "is cut off until the faults end");
    cut_off(world, victim, true, true);
    world->last_resets = 3;
    world->coverage[COVER_DRILL_LAG]++;
    return 2500000;
}

/* -- deposed: leadership is handed over, and the old leader does not hear of the new one, though
 * its followers have just heard it: it must ask once more before it answers a read
 * -------------------
 */

static void deposed_transfer(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    (void)a;
    (void)b;
    if (faults_are_on(world)) faults_transfer(world, other_than(world, leader_number(world)));
}

static void deposed_begin(struct world *world) {
    world->hot_until_us = world_now_us(world) + 450000;
    queue_put(&world->queue, world_now_us(world) + world_between(world, 150000, 300000),
        deposed_transfer, world, 0, 0);
}

void drill_on_timeout_now(struct world *world, const struct process *leader) {
    if (!world->reads || !drill_is_hot(world) || !faults_are_on(world)) return;
    world_note(world, (int)leader->number, "does not hear of its successor");
    cut_off(world, leader->number, true, false);
    cut_for(world, leader->number, world_between(world, 50000, 200000));
    world->coverage[COVER_DRILL_DEPOSED]++;
}

void drill_begin(struct world *world) {
    if (world->n_nodes == 1) return;
    if (world->tight && world->n_nodes == 3 && world_chance(world, 20))
        promise_begin(world);
    else if (world->tight && world_chance(world, 50))
        lease_begin(world);
    if (world->reads && world_chance(world, 40))
        reads_begin(world);
    else if (world->reads && world_chance(world, 40))
        deposed_begin(world);
    if (world->stalls && world_chance(world, 30)) stall_begin(world);
}
