#include "sim/deadly.h"

#include "sim/faults.h"
#include "sim/judge.h"
#include "sim/members.h"

enum { DEATHS = 3 };

#define TICK_US 50000

struct deadly {
    bool is_armed;
    bool for_all;    /* it kills whoever applies it, else one node */
    uint32_t victim; /* that one */
    uint32_t deaths[NODES_MAX];
    struct entry_skip entry; /* index 0: not chosen yet */
    bool is_told;            /* the operator has spoken */
};

struct deadly *deadly_new(struct world *world) {
    (void)world;
    return sf_alloc_zero(1, sizeof(struct deadly));
}

void deadly_free(struct deadly *deadly) {
    sf_free(deadly);
}

/* -- striking -------------------------------------------------------------------------------- */

/* The first that comes to a batch that nobody has applied. */
static void choose(struct deadly *deadly, const struct process *process, raft_index index) {
    const struct world *world = process->world;
    const struct raft_entry *entry = twin_entry(process->twin, index);
    if (entry == NULL || entry->kind != ENTRY_BATCH || bytes_slice(entry->payload).len == 0) return;
    const char *cluster = node_identity(process->node)->cluster_id;
    const struct cluster_record *record = judge_cluster(world->judge, cluster);
    if (record == NULL || index <= record->n) return; /* it may have run, and been answered */
    if (!deadly->for_all && deadly->victim != process->number) return;
    deadly->is_armed = false;
    deadly->entry = (struct entry_skip){index, raft_entry_crc(entry)};
}

static bool is_it(const struct deadly *deadly, const struct process *process, raft_index index) {
    if (deadly->entry.index == 0 || deadly->entry.index != index) return false;
    const struct raft_entry *entry = twin_entry(process->twin, index);
    return entry == NULL || raft_entry_crc(entry) == deadly->entry.crc;
}

/* Then it does not run the entry, whatever it says of what it is at. */
static bool has_promised(const struct deadly *deadly, const struct process *process) {
    const struct node_identity *identity = node_identity(process->node);
    for (uint32_t i = 0; i < identity->n_skips; i++)
        if (identity->skips[i].index == deadly->entry.index) return true;
    return false;
}

bool deadly_strikes(struct process *process, raft_index index) {
    struct deadly *deadly = process->world->deadly;
    if (index == 0) return false;
    if (deadly->is_armed && !process->is_stranger) choose(deadly, process, index);
    if (!is_it(deadly, process, index) || has_promised(deadly, process)) return false;
    if (!deadly->for_all && (deadly->victim != process->number || deadly->is_told)) return false;
    deadly->deaths[process->number]++;
    process->world->coverage[COVER_DEADLY]++;
    world_note(
        process->world, (int)process->number, "dies of entry %llu", (unsigned long long)index);
    return true;
}

void deadly_options(const struct process *process, struct node_start *start) {
    const struct deadly *deadly = process->world->deadly;
    if (!deadly->is_told || !deadly->for_all) return;
    start->n_skips = 1;
    start->skips[0] = deadly->entry;
}

raft_index deadly_skipped(const struct world *world) {
    const struct deadly *deadly = world->deadly;
    return deadly->for_all && deadly->is_told ? deadly->entry.index : 0;
}

/* -- the operator ---------------------------------------------------------------------------- */

/* A majority has died often enough to say what kills it (others may be out). Those that are up are
 * started anew with his word; perhaps not all of them, but more than half. */
static void tell_all(struct world *world) {
    struct deadly *deadly = world->deadly;
    uint32_t n_dead = 0;
    for (uint32_t i = 0; i < world->n_nodes; i++) n_dead += deadly->deaths[i] >= DEATHS;
    if (n_dead <= world->n_nodes / 2) return;
    deadly->is_told = true;
    world->coverage[COVER_SKIPPED]++;
    world_note(world, -1, "entry %llu is to be skipped", (unsigned long long)deadly->entry.index);
    uint32_t n_told = world_chance(world, 50) ? world->n_nodes : world->n_nodes / 2 + 1;
    for (uint32_t i = 0; i < n_told; i++) faults_kill(world, i, world_between(world, 5000, 500000));
}

static void empty_one(struct world *world) {
    struct deadly *deadly = world->deadly;
    if (deadly->deaths[deadly->victim] < DEATHS) return;
    if (!members_replace(world, deadly->victim)) return; /* something else is under way */
    deadly->is_told = true;
    world->coverage[COVER_DEADLY_ONE]++;
}

static void tick(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    struct deadly *deadly = world->deadly;
    (void)a;
    (void)b;
    if (deadly->is_told) return;
    if (deadly->entry.index != 0 && deadly->for_all) tell_all(world);
    if (deadly->entry.index != 0 && !deadly->for_all) empty_one(world);
    queue_put(&world->queue, world_now_us(world) + TICK_US, tick, world, 0, 0);
}

/* One that one node dies of is applied by the others; what it says must not be a matter of builds
 * that differ (nobody is out for long while the others learn more). */
static void arm(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    struct deadly *deadly = world->deadly;
    (void)a;
    (void)b;
    if (!faults_are_on(world)) return;
    if (!members_are_whole(world)) { /* nobody begins anew without having died of it */
        queue_put(&world->queue, world_now_us(world) + TICK_US, arm, world, 0, 0);
        return;
    }
    deadly->is_armed = true;
    tick(world, 0, 0);
}

void deadly_start(struct world *world) {
    struct deadly *deadly = world->deadly;
    if (!world->deadlier) return;
    deadly->for_all = world->n_nodes < 3 || world->upgrades || world_chance(world, 60);
    deadly->victim = (uint32_t)world_below(world, world->n_nodes);
    queue_put(&world->queue, world_now_us(world) + world_between(world, 3000000, 45000000), arm,
        world, 0, 0);
}
