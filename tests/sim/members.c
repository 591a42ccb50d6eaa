#include "sim/members.h"

#include "node/internal.h"
#include "sim/client.h"
#include "sim/faults.h"
#include "sim/rot.h"

#include <stdio.h>

#define TICK_US 100000
#define COPY_KEPT_US 8000000
#define ACCEPTED_TICKS 20 /* by then somebody must have noticed an old copy */
#define TAIL_MAX 30       /* entries that a lying disk loses at most */

enum phase {
    PHASE_NONE,
    PHASE_FORGETTING,
    PHASE_REJOINING,
    PHASE_MENDING,
    PHASE_COPIED,   /* a backup was made */
    PHASE_RESTORED, /* ... and put back */
};

struct memory { /* a log as it was before a strike */
    raft_id id;
    struct raft_entry *entries; /* entries[i] has index i + 1; term 0: not in the log any more */
    size_t n;
};

struct members {
    enum phase phase;
    uint32_t victim;
    uint32_t admin;    /* a client */
    struct twin *copy; /* PHASE_COPIED */
    uint64_t copy_counter;
    int64_t copied_us;
    uint32_t accepted; /* PHASE_RESTORED: for how many ticks it has been a member like any other */
    struct memory *memories;
    size_t n_memories;
};

struct members *members_new(struct world *world) {
    (void)world;
    return sf_alloc_zero(1, sizeof(struct members));
}

void members_free(struct members *members) {
    if (members == NULL) return;
    for (size_t i = 0; i < members->n_memories; i++) {
        struct memory *memory = &members->memories[i];
        for (size_t k = 0; k < memory->n; k++) bytes_unref(memory->entries[k].payload);
        sf_free(memory->entries);
    }
    twin_free(members->copy);
    sf_free(members->memories);
    sf_free(members);
}

static void remember(struct members *members, const struct twin *twin) {
    size_t n = twin_last_index(twin);
    members->memories =
        sf_realloc(members->memories, (members->n_memories + 1) * sizeof *members->memories);
    struct memory *memory = &members->memories[members->n_memories++];
    *memory = (struct memory){.id = twin_node_id(twin), .n = n};
    memory->entries = sf_alloc_zero(n + 1, sizeof *memory->entries);
    for (size_t i = 0; i < n; i++) {
        if (twin_entry(twin, i + 1) == NULL) continue;
        memory->entries[i] = *twin_entry(twin, i + 1);
        bytes_ref(memory->entries[i].payload);
    }
}

const struct raft_entry *members_remember(
    const struct world *world, raft_id id, raft_index index, raft_term term) {
    const struct members *members = world->members;
    for (size_t i = 0; i < members->n_memories; i++) {
        const struct memory *memory = &members->memories[i];
        if (memory->id != id || index == 0 || index > memory->n) continue;
        if (memory->entries[index - 1].term == term) return &memory->entries[index - 1];
    }
    return NULL;
}

bool members_remember_id(const struct world *world, raft_id id) {
    for (size_t i = 0; i < world->members->n_memories; i++)
        if (world->members->memories[i].id == id) return true;
    return false;
}

/* -- looking -------------------------------------------------------------------------------- */

/* Whether all are members of one cluster that all of them vote in; one of them, if it is named, may
 * have stopped applying before it came to the entry that says so of it. */
static bool are_whole(const struct world *world, uint32_t stopped) {
    const char *cluster = NULL;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        if (!process->up) return false;
        const struct node_identity *identity = node_identity(process->node);
        const struct raft *raft = node_raft(process->node);
        if (identity->state != IDENTITY_MEMBER && i != stopped) return false;
        if (raft == NULL || raft_leader(raft) == 0) return false;
        if (cluster != NULL && strcmp(cluster, identity->cluster_id) != 0) return false;
        cluster = identity->cluster_id;
        const struct raft_configuration *members = raft_configuration(raft);
        if (members->joint || members->n != world->n_nodes ||
            configuration_n_voters(members) != world->n_nodes ||
            configuration_find(members, identity->id) == NULL)
            return false;
        if (raft_configuration_index(raft) > raft_commit_index(raft) || raft_is_damaged(raft))
            return false;
    }
    return true;
}

bool members_are_whole(struct world *world) {
    return are_whole(world, UINT32_MAX);
}

bool members_are_linked(struct world *world) {
    if (!members_are_whole(world)) return false;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        const struct node *node = world->processes[i]->node;
        if (node->n_peers + 1 != world->n_nodes) return false;
        for (uint32_t k = 0; k < node->n_peers; k++)
            if (node->peers[k].control == 0 || node->peers[k].bulk == 0) return false;
    }
    return true;
}

bool members_rest(struct world *world) {
    return world->members->phase == PHASE_NONE && members_are_whole(world);
}

static struct process *leader_of(struct world *world) {
    struct process *leader = NULL;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        if (!process->up || process->is_stranger || node_raft(process->node) == NULL) continue;
        if (!raft_is_serving(node_raft(process->node))) continue;
        if (leader == NULL || process->seen_term > leader->seen_term) leader = process;
    }
    return leader;
}

/* Some node other than the victim that is up. */
static struct process *any_other(struct world *world, uint32_t victim) {
    uint32_t number = (uint32_t)world_below(world, world->n_nodes);
    for (uint32_t i = 0; i < world->n_nodes; i++, number = (number + 1) % world->n_nodes)
        if (number != victim && world->processes[number]->up) return world->processes[number];
    return NULL;
}

/* -- asking --------------------------------------------------------------------------------- */

void members_ask_to_meet(struct world *world, uint32_t admin, uint32_t asked, uint32_t number) {
    const struct process *other = world->processes[number];
    char port[8], bus_port[8];
    snprintf(port, sizeof port, "%u", other->settings.port);
    snprintf(bus_port, sizeof bus_port, "%u", other->settings.bus_port);
    const char *words[] = {"CLUSTER", "MEET", other->host, port, bus_port};
    if (client_ask(world, admin, asked, CALL_ADMIN, 5, words))
        world_note(world, (int)asked, "is asked to meet n%u", number);
}

/* Either side may be told of the other. */
static void meet(struct world *world, uint32_t victim) {
    const struct process *other = any_other(world, victim);
    if (!world->processes[victim]->up || other == NULL) return;
    bool at_member = world_chance(world, 50);
    members_ask_to_meet(world, world->members->admin, at_member ? other->number : victim,
        at_member ? victim : other->number);
}

static void forget(struct world *world, const struct process *victim) {
    char name[64];
    struct process *other = any_other(world, victim->number);
    if (other == NULL) return;
    cluster_node_name(twin_node_id(victim->twin), name);
    const char *words[] = {"CLUSTER", "FORGET", name};
    if (client_ask(world, world->members->admin, other->number, CALL_ADMIN, 3, words))
        world_note(world, (int)other->number, "is asked to forget n%u", victim->number);
}

/* -- striking ------------------------------------------------------------------------------- */

static void wipe(struct world *world, struct process *process) {
    world_note(world, (int)process->number, "gets an empty disk");
    process_crash(process, CRASH_POWER);
    remember(world->members, process->twin);
    twin_free(process->twin);
    process->twin = twin_new(random_next(&world->random));
    process->may_be_damaged = process->is_old_copy = false;
    process->settings.bootstrap = BOOTSTRAP_NO;
    process->is_stranger = true;
    if (!world_chance(world, 30)) return;
    process->settings.bootstrap = BOOTSTRAP_YES; /* somebody's mistake */
    world->coverage[COVER_STRANGER]++;
}

/* It lets its log go, by its own decision: others may have counted on it until then. */
void members_on_new_id(struct process *process) {
    if (node_identity(process->node)->fence_index == 0) return;
    rot_on_rebuilding(process);
    process->world->coverage[COVER_REBUILT]++;
    world_note(process->world, (int)process->number, "begins anew");
    remember(process->world->members, process->twin);
}

static bool lose_tail(struct world *world, struct process *process) {
    if (twin_mark_index(process->twin) == 0) return false;
    world_note(world, (int)process->number, "its disk loses what it had synced");
    process_crash(process, CRASH_POWER);
    remember(world->members, process->twin);
    raft_index mark = twin_mark_index(process->twin);
    /* A mark that the snapshot covers cannot tell what is gone behind it. */
    if (mark < twin_first_index(process->twin)) return false;
    raft_index lost = 1 + world_below(world, SF_MIN(mark, (raft_index)TAIL_MAX));
    twin_lose_tail(process->twin, mark - lost);
    process->may_be_damaged = true;
    return true;
}

/* -- old copies -------------------------------------------------------------------------------- */

static void copy_take(struct world *world, const struct process *process) {
    struct members *members = world->members;
    members->copy = twin_copy(process->twin, random_next(&world->random));
    members->copy_counter = twin_boot_counter(members->copy);
    members->copied_us = world_now_us(world);
    world_note(world, (int)process->number, "a copy of its directory is made");
}

/* All have applied that the node began a later life than the copy's. */
static bool all_know_better(struct world *world) {
    struct members *members = world->members;
    raft_id id = twin_node_id(members->copy);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct incarnation row;
        uint64_t sequence;
        const struct engine *engine = node_engine(world->processes[i]->node);
        if (engine == NULL || !engine_row(engine, id, &row, &sequence)) return false;
        if (row.counter <= members->copy_counter) return false;
    }
    return true;
}

/* What was committed is on every disk: the copy takes nothing away from a majority. */
static bool all_hold_all(const struct world *world) {
    raft_index most = 0;
    for (uint32_t i = 0; i < world->n_nodes; i++)
        most = SF_MAX(most, world->processes[i]->seen_commit);
    for (uint32_t i = 0; i < world->n_nodes; i++)
        if (twin_last_index(world->processes[i]->twin) < most) return false;
    return true;
}

/* As after a failure of everything, when one directory comes from a backup: nobody remembers more
 * than his disk does. */
static void black_out(struct world *world, uint32_t but) {
    world_note(world, -1, "... and everybody else loses power");
    for (uint32_t i = 0; i < world->n_nodes; i++)
        if (i != but) faults_kill(world, i, world_between(world, 5000, 300000));
    world->coverage[COVER_COPY_DARK]++;
}

static void copy_back(struct world *world) {
    struct members *members = world->members;
    struct process *process = world->processes[members->victim];
    bool is_late = world_now_us(world) - members->copied_us > COPY_KEPT_US;
    if (is_late || twin_node_id(process->twin) != twin_node_id(members->copy)) {
        twin_free(members->copy);
        members->copy = NULL;
        members->phase = PHASE_NONE;
        return;
    }
    if (!members_are_whole(world)) return;
    if (world_now_us(world) - members->copied_us > 300000 && !all_know_better(world))
        faults_kill(world, process->number, world_between(world, 5000, 300000));
    if (!process->up || !all_know_better(world) || !world_chance(world, 20)) return;
    if (!all_hold_all(world)) return;
    world_note(world, (int)process->number, "the old copy of its directory is put back");
    process_crash(process, CRASH_POWER);
    remember(members, process->twin);
    twin_free(process->twin);
    process->twin = members->copy;
    process->is_old_copy = true;
    members->copy = NULL;
    members->phase = PHASE_RESTORED;
    members->accepted = 0;
    if (world_chance(world, 40)) black_out(world, process->number);
    world->coverage[COVER_COPY_BACK]++;
}

void members_before_start(struct process *process) {
    struct world *world = process->world;
    if (!process->is_old_copy || world->members->phase != PHASE_RESTORED) return;
    if (process->copy_life == 0) {
        process->copy_life = process->life + 1;
        return;
    }
    process->copy_life = 0;
    wipe(world, process);
    world->members->phase = PHASE_REJOINING;
}

bool members_replace(struct world *world, uint32_t number) {
    struct members *members = world->members;
    bool again = members->phase == PHASE_REJOINING && members->victim == number;
    if (!again && (members->phase != PHASE_NONE || !are_whole(world, number))) return false;
    members->victim = number;
    wipe(world, world->processes[number]);
    members->phase = PHASE_REJOINING;
    return true;
}

bool members_strike(struct world *world, enum sim_coverage kind) {
    struct members *members = world->members;
    if (world->n_nodes < 3 || !members_rest(world) || !rot_is_quiet(world)) return false;
    members->victim = (uint32_t)world_below(world, world->n_nodes);
    struct process *victim = world->processes[members->victim];
    if (kind == COVER_LOST_TAIL) {
        if (!lose_tail(world, victim)) return false;
        members->phase = PHASE_MENDING;
    } else if (kind == COVER_COPY) {
        copy_take(world, victim);
        members->phase = PHASE_COPIED;
    } else if (kind == COVER_WIPE) {
        wipe(world, victim);
        members->phase = PHASE_REJOINING;
    } else {
        forget(world, victim);
        members->phase = PHASE_FORGETTING;
    }
    return true;
}

static void pursue(struct world *world) {
    struct members *members = world->members;
    struct process *victim = world->processes[members->victim];
    struct process *leader = leader_of(world);
    if (members->phase == PHASE_NONE) return;
    if (members->phase == PHASE_COPIED) {
        copy_back(world);
        return;
    }
    if (members->phase == PHASE_RESTORED) {
        members->accepted = members_are_whole(world) ? members->accepted + 1 : 0;
        if (members->accepted > ACCEPTED_TICKS)
            world_fail(
                world, "node %u is a member with an old copy of its directory", victim->number);
        return;
    }
    if (members->phase != PHASE_FORGETTING && members_are_whole(world)) {
        world_note(world, -1, "the cluster is whole again");
        victim->is_stranger = false;
        members->phase = PHASE_NONE;
        return;
    }
    if (leader == NULL || members->phase == PHASE_MENDING) return;
    const struct raft *raft = node_raft(leader->node);
    bool listed = configuration_find(raft_configuration(raft), twin_node_id(victim->twin)) != NULL;
    bool settled = raft_configuration_index(raft) <= raft_commit_index(raft);
    if (members->phase == PHASE_FORGETTING && listed) {
        if (world_chance(world, 20)) forget(world, victim);
    } else if (members->phase == PHASE_FORGETTING && settled) {
        wipe(world, victim);
        members->phase = PHASE_REJOINING;
    } else if (members->phase == PHASE_REJOINING && !listed && world_chance(world, 30)) {
        meet(world, members->victim);
    }
}

static void tick(void *context, uint64_t a, uint64_t b) {
    struct world *world = context;
    (void)a;
    (void)b;
    pursue(world);
    queue_put(&world->queue, world_now_us(world) + TICK_US, tick, world, 0, 0);
}

void members_start(struct world *world) {
    world->members->admin = client_add(world);
    tick(world, 0, 0);
}
