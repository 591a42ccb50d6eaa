#include "sim/faults.h"

#include "sim/client.h"
#include "sim/drills.h"
#include "sim/members.h"
#include "sim/network.h"

enum { FAULT_KINDS = COVER_LOST_TAIL + 1 };

#define SUPERVISOR_US 20000

struct faults {
    bool active;
    uint32_t weights[FAULT_KINDS];
    int64_t interval_us; /* on average */
    bool restarting[NODES_MAX];
    uint64_t partition; /* which one is on; its end comes with this number */
    uint32_t admin;     /* a client for CLUSTER FAILOVER */
};

/* Whoever leads is hit more often than its share. */
static uint32_t any_number(struct world *world) {
    if (world_chance(world, world->tight ? 80 : 35))
        for (uint32_t i = 0; i < world->n_nodes; i++)
            if (world->processes[i]->up && world->processes[i]->seen_role == RAFT_LEADER) return i;
    return (uint32_t)world_below(world, world->n_nodes);
}

static struct process *any_process(struct world *world) {
    return world->processes[any_number(world)];
}

/* -- processes ------------------------------------------------------------------------------- */

static void restart(void *context, uint64_t number, uint64_t b) {
    struct world *world = context;
    (void)b;
    world->faults->restarting[number] = false;
    if (world->processes[number]->up) return;
    members_before_start(world->processes[number]);
    process_start(world->processes[number]);
}

/* Whatever ended a process, it is started again: mostly soon. */
static void supervise(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    struct faults *faults = world->faults;
    (void)a;
    (void)b;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        if (world->processes[i]->up || faults->restarting[i]) continue;
        faults->restarting[i] = true;
        int64_t delay_us = !faults->active           ? 1000
                           : world_chance(world, 70) ? world_between(world, 5000, 800000)
                                                     : world_between(world, 800000, 4000000);
        queue_put(&world->queue, world_now_us(world) + delay_us, restart, world, i, 0);
    }
    queue_put(&world->queue, world_now_us(world) + SUPERVISOR_US, supervise, world, 0, 0);
}

static void crash(struct world *world, struct process *process, enum crash_kind kind) {
    world_note(world, (int)process->number, kind == CRASH_KILL ? "is killed" : "loses power");
    process_crash(process, kind);
}

static void blackout(struct world *world) {
    for (uint32_t i = 0; i < world->n_nodes; i++) crash(world, world->processes[i], CRASH_POWER);
}

/* -- the network ----------------------------------------------------------------------------- */

static void partition_end(void *context, uint64_t partition, uint64_t b) {
    struct world *world = context;
    (void)b;
    if (world->faults->partition != partition) return;
    for (uint32_t i = 0; i < world->n_nodes; i++)
        for (uint32_t k = 0; k < world->n_nodes; k++) network_cut(world->network, i, k, false);
    world_note(world, -1, "the partition heals");
}

static void partition_begin(struct world *world, enum sim_coverage kind) {
    partition_end(world, world->faults->partition, 0);
    uint32_t side = (uint32_t)world_between(world, 1, (1 << world->n_nodes) - 2);
    uint32_t one = any_number(world);
    if (kind == COVER_ISOLATE || kind == COVER_ONE_WAY) side = 1u << one;
    bool inwards = world_chance(world, 50), resets = world_chance(world, 40);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        for (uint32_t k = 0; k < world->n_nodes; k++) {
            bool from = side >> i & 1, to = side >> k & 1;
            if (from == to) continue;
            if (kind == COVER_BRIDGE && (i == one || k == one)) continue;
            if (kind == COVER_ONE_WAY && from == inwards) continue;
            network_cut(world->network, i, k, true);
            if (resets) network_reset_between(world->network, i, k);
        }
    }
    world_note(world, -1, "%s: side %x%s", coverage_text(kind), side,
        kind == COVER_ONE_WAY ? inwards ? ", nothing gets in" : ", nothing gets out" : "");
    int64_t lasts_us = world_between(world, 100000, 4000000);
    queue_put(&world->queue, world_now_us(world) + lasts_us, partition_end, world,
        ++world->faults->partition, 0);
}

static void flap(void *context, uint64_t pair, uint64_t left) {
    struct world *world = context;
    uint32_t a = (uint32_t)(pair >> 8), b = (uint32_t)(pair & 255);
    bool cut = left > 0 && world->faults->active && left % 2 == 1;
    network_cut(world->network, a, b, cut);
    network_cut(world->network, b, a, cut);
    if (cut && world_chance(world, 30)) network_reset_between(world->network, a, b);
    if (left == 0 || !world->faults->active) return;
    queue_put(&world->queue, world_now_us(world) + world_between(world, 20000, 300000), flap, world,
        pair, left - 1);
}

static void slow_link_end(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    network_set_delay(world->network, (uint32_t)a, (uint32_t)b, 0);
}

static void slow_link(struct world *world) {
    int64_t extra_us = world_between(world, 1000, 120000);
    uint32_t slow = any_number(world);
    int64_t end_us = world_now_us(world) + world_between(world, 300000, 4000000);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        if (i == slow || world_chance(world, 30)) continue;
        network_set_delay(world->network, slow, i, extra_us);
        queue_put(&world->queue, end_us, slow_link_end, world, slow, i);
        if (world_chance(world, 40)) continue;
        network_set_delay(world->network, i, slow, extra_us);
        queue_put(&world->queue, end_us, slow_link_end, world, i, slow);
    }
    world_note(world, (int)slow, "its links are %lld us slower", (long long)extra_us);
}

static void nightmare_end(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    (void)a;
    (void)b;
    network_set_nightmare(world->network, NIGHTMARE_OFF);
    world_note(world, -1, "the nightmare ends");
}

/* -- disks, clocks ---------------------------------------------------------------------------- */

static const struct twin_pace usual_pace = {150, 900, 50, 400};

static void slow_disk_end(void *context, uint64_t number, uint64_t b) {
    struct world *world = context;
    (void)b;
    twin_set_pace(world->processes[number]->twin, &usual_pace);
}

static void full_end(void *context, uint64_t number, uint64_t b) {
    struct world *world = context;
    struct process *process = world->processes[number];
    (void)b;
    twin_set_state(process->twin, SF_OK, world_now_us(world));
    process_wake(process, world_now_us(world));
}

static void disk_fault(struct world *world, enum sim_coverage kind) {
    struct process *process = any_process(world);
    int64_t now_us = world_now_us(world);
    if (kind == COVER_SLOW_DISK) {
        int64_t slow_us = world_between(world, 5000, 60000);
        twin_set_pace(
            process->twin, &(struct twin_pace){slow_us / 4, slow_us, slow_us / 4, slow_us});
        queue_put(&world->queue, now_us + world_between(world, 500000, 4000000), slow_disk_end,
            world, process->number, 0);
    } else if (kind == COVER_STALL) {
        twin_stall(process->twin, now_us + world_between(world, 30000, 400000));
    } else if (kind == COVER_FULL) {
        twin_set_state(process->twin, SF_ERR_NO_SPACE, now_us);
        queue_put(&world->queue, now_us + world_between(world, 300000, 3000000), full_end, world,
            process->number, 0);
    } else {
        twin_set_state(process->twin, SF_ERR_STORAGE, now_us);
    }
    world_note(world, (int)process->number, "%s", coverage_text(kind));
    process_wake(process, now_us);
}

static void wall_jump(struct world *world) {
    struct process *process = any_process(world);
    int64_t far_ms = world_chance(world, 20) ? 7200000 : 3000;
    process->wall_offset_ms = world_between(world, -far_ms, far_ms);
    world_note(world, (int)process->number, "its wall clock is %lld ms off",
        (long long)process->wall_offset_ms);
}

void faults_transfer(struct world *world, uint32_t number) {
    static const char *const words[] = {"CLUSTER", "FAILOVER"};
    world_note(world, (int)number, "is asked to take over");
    (void)client_ask(world, world->faults->admin, number, CALL_ADMIN, 2, words);
}

/* -- choosing --------------------------------------------------------------------------------- */

static void network_fault(struct world *world, enum sim_coverage kind) {
    uint32_t a = any_number(world);
    uint32_t b = (a + 1 + (uint32_t)world_below(world, world->n_nodes - 1)) % world->n_nodes;
    if (kind == COVER_FLAP) {
        world_note(world, -1, "the link between n%u and n%u flaps", a, b);
        flap(world, a << 8 | b, (uint64_t)world_between(world, 3, 15));
    } else if (kind == COVER_BREAK) {
        world_note(world, -1, "connections between n%u and n%u are reset", a, b);
        network_reset_between(world->network, a, b);
    } else if (kind == COVER_SLOW_LINK) {
        slow_link(world);
    } else if (kind == COVER_NIGHTMARE) {
        enum nightmare nightmare =
            world->hostile ? NIGHTMARE_HOSTILE : (enum nightmare)world_between(world, 1, 3);
        world_note(world, -1, "nightmare %d: messages doubled, late, lost", nightmare);
        network_set_nightmare(world->network, nightmare);
        queue_put(&world->queue, world_now_us(world) + world_between(world, 500000, 5000000),
            nightmare_end, world, 0, 0);
    } else {
        partition_begin(world, kind);
    }
}

static void process_fault(struct world *world, enum sim_coverage kind) {
    struct process *process = any_process(world);
    if (kind == COVER_BLACKOUT) {
        blackout(world);
        return;
    }
    if (!process->up) return;
    if (kind == COVER_KILL)
        crash(world, process, CRASH_KILL);
    else if (kind == COVER_POWER)
        crash(world, process, CRASH_POWER);
    else if (kind == COVER_MID_TURN)
        process->crash_after_calls = (int32_t)world_below(world, 30);
    else if (kind == COVER_SHUTDOWN) {
        world_note(world, (int)process->number, "is asked to stop");
        process_shutdown(process);
    } else {
        int64_t lasts_us = world_between(world, 20000, 1500000);
        world_note(
            world, (int)process->number, "is paused for %lld ms", (long long)lasts_us / 1000);
        if (world_chance(world, 40))
            process->pause_mid_turn = true; /* between reading its sockets and acting */
        else
            process_pause(process, world_now_us(world) + lasts_us);
    }
}

static void strike(struct world *world, enum sim_coverage kind) {
    if (kind >= COVER_PARTITION && kind <= COVER_NIGHTMARE && world->n_nodes == 1) return;
    if (kind >= COVER_WIPE && kind <= COVER_LOST_TAIL) {
        world->coverage[kind] += members_strike(world, kind);
        return;
    }
    world->coverage[kind]++;
    switch (kind) {
    case COVER_KILL:
    case COVER_POWER:
    case COVER_MID_TURN:
    case COVER_BLACKOUT:
    case COVER_SHUTDOWN:
    case COVER_PAUSE:
        process_fault(world, kind);
        break;
    case COVER_PARTITION:
    case COVER_ISOLATE:
    case COVER_ONE_WAY:
    case COVER_BRIDGE:
    case COVER_FLAP:
    case COVER_BREAK:
    case COVER_SLOW_LINK:
    case COVER_NIGHTMARE:
        network_fault(world, kind);
        break;
    case COVER_SLOW_DISK:
    case COVER_STALL:
    case COVER_FULL:
    case COVER_DISK_FAILED:
        disk_fault(world, kind);
        break;
    case COVER_WALL_JUMP:
        wall_jump(world);
        break;
    case COVER_TRANSFER:
        faults_transfer(world, any_number(world));
        break;
    default:
        break;
    }
}

/* -- for drills ------------------------------------------------------------------------------- */

bool faults_are_on(const struct world *world) {
    return world->faults->active;
}

void faults_kill(struct world *world, uint32_t number, int64_t back_us) {
    if (!world->processes[number]->up || world->faults->restarting[number]) return;
    crash(world, world->processes[number], CRASH_KILL);
    world->faults->restarting[number] = true;
    queue_put(&world->queue, world_now_us(world) + back_us, restart, world, number, 0);
}

static void misfortune(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    struct faults *faults = world->faults;
    (void)a;
    (void)b;
    if (!faults->active) return;
    if (!drill_is_quiet(world)) drill_begin(world);
    if (drill_is_quiet(world)) { /* it must not be spoilt */
        queue_put(&world->queue, world->quiet_until_us, misfortune, world, 0, 0);
        return;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < FAULT_KINDS; i++) sum += faults->weights[i];
    uint64_t draw = world_below(world, sum);
    uint32_t kind = 0;
    while (draw >= faults->weights[kind]) draw -= faults->weights[kind++];
    strike(world, (enum sim_coverage)kind);
    queue_put(&world->queue, world_now_us(world) + world_between(world, 0, 2 * faults->interval_us),
        misfortune, world, 0, 0);
}

struct faults *faults_new(struct world *world) {
    struct faults *faults = sf_alloc_zero(1, sizeof *faults);
    for (uint32_t i = 0; i < FAULT_KINDS; i++)
        faults->weights[i] = world_chance(world, 40) ? 0 : (uint32_t)world_between(world, 1, 4);
    faults->weights[COVER_PAUSE] += 1; /* never nothing at all */
    faults->weights[COVER_BLACKOUT] = SF_MIN(faults->weights[COVER_BLACKOUT], 1u);
    faults->interval_us = world_between(world, 250000, 1000000);
    if (world->hostile) {
        faults->weights[COVER_NIGHTMARE] += 8;
        faults->weights[COVER_KILL] += 8;
    }
    if (world->churn) {
        faults->weights[COVER_WIPE] = faults->weights[COVER_FORGET] = 30;
        faults->interval_us = SF_MAX(faults->interval_us, 600000); /* it must be whole in between */
    }
    /* Who is out for a while may find that the others can do more by now. */
    if (world->upgrades)
        faults->weights[COVER_WIPE] = faults->weights[COVER_FORGET] = faults->weights[COVER_COPY] =
            0;
    if (world->n_nodes ==
        1) { /* what cannot befall it is not drawn: the others come often enough */
        for (uint32_t kind = COVER_PARTITION; kind <= COVER_NIGHTMARE; kind++)
            faults->weights[kind] = 0;
        for (uint32_t kind = COVER_WIPE; kind <= COVER_LOST_TAIL; kind++) faults->weights[kind] = 0;
    }
    if (!world->tight) return faults;
    faults->interval_us = world_between(world, 80000, 400000);
    static const enum sim_coverage hard_on_leases[] = {COVER_KILL, COVER_PAUSE, COVER_ISOLATE,
        COVER_ONE_WAY, COVER_BRIDGE, COVER_SLOW_LINK, COVER_BREAK};
    for (uint32_t i = 0; i < SF_LENGTH(hard_on_leases); i++)
        faults->weights[hard_on_leases[i]] += 4;
    return faults;
}

void faults_free(struct faults *faults) {
    sf_free(faults);
}

void faults_start(struct world *world) {
    struct faults *faults = world->faults;
    faults->active = true;
    faults->admin = client_add(world);
    supervise(world, 0, 0);
    queue_put(&world->queue, world_now_us(world) + faults->interval_us, misfortune, world, 0, 0);
}

void faults_stop(struct world *world) {
    struct faults *faults = world->faults;
    faults->active = false;
    faults->partition++;
    network_heal(world->network);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        twin_set_pace(process->twin, &usual_pace);
        twin_set_state(process->twin, SF_OK, world_now_us(world));
        process->crash_after_calls = -1;
        process->paused_until_us = 0;
        process->pause_mid_turn = false;
        process_wake(process, world_now_us(world));
    }
}
