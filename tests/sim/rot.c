#include "sim/rot.h"

#include "node/internal.h"
#include "sim/client.h"
#include "sim/faults.h"
#include "sim/members.h"

#include <stdio.h>

#define ROT_KEY "rot"
#define TICK_US 200000

struct rot {
    uint32_t admin, n_sets; /* a client, and how often it has set the key */
    uint64_t *ids;          /* of snapshots made by a node that was struck */
    size_t n_ids;
    bool has[NODES_MAX], rebuilt[NODES_MAX];
    raft_index fence[NODES_MAX]; /* as of the last turn */
};

struct rot *rot_new(struct world *world) {
    (void)world;
    return sf_alloc_zero(1, sizeof(struct rot));
}

void rot_free(struct rot *rot) {
    if (rot == NULL) return;
    sf_free(rot->ids);
    sf_free(rot);
}

bool rot_has(const struct process *process) {
    return process->world->rot->has[process->number];
}

static bool is_rotten(const struct rot *rot, uint64_t id) {
    for (size_t i = 0; i < rot->n_ids; i++)
        if (id != 0 && rot->ids[i] == id) return true;
    return false;
}

static void set_rot(struct process *process, bool has) {
    bool *at = &process->world->rot->has[process->number];
    if (*at != has)
        world_note(process->world, (int)process->number,
            has ? "its state may differ" : "its state is as it should be");
    *at = has;
}

void rot_on_start(struct process *process, uint64_t snapshot_id) {
    set_rot(process, is_rotten(process->world->rot, snapshot_id));
    process->world->rot->fence[process->number] = 0;
    process->rot_begins = true;
}

void rot_on_snapshot(struct process *process, uint64_t id) {
    struct rot *rot = process->world->rot;
    if (!rot_has(process)) return;
    rot->ids = sf_realloc(rot->ids, (rot->n_ids + 1) * sizeof *rot->ids);
    rot->ids[rot->n_ids++] = id;
}

void rot_on_installed(struct process *process, uint64_t id) {
    bool rotten = is_rotten(process->world->rot, id);
    process->world->coverage[COVER_ROT_SPREAD] += rotten;
    set_rot(process, rotten);
}

void rot_on_rebuilding(struct process *process) {
    process->world->rot->rebuilt[process->number] = true;
    set_rot(process, false);
}

raft_index rot_told_before(const struct process *process) {
    return process->up ? process->node->digests->past_index : 0;
}

bool rot_has_rebuilt(const struct world *world, uint32_t number) {
    return world->rot->rebuilt[number];
}

/* -- striking ------------------------------------------------------------------------------- */

static struct slice value_of(struct process *process, char scratch[OBJECT_TEXT_MAX]) {
    struct engine *engine = process->up ? node_engine(process->node) : NULL;
    if (engine == NULL) return slice_of(NULL, 0);
    struct object *object =
        db_find_even_dead(keyspace_db(engine_keyspace(engine), 0), SLICE(ROT_KEY));
    return object == NULL ? slice_of(NULL, 0) : object_string(object, scratch);
}

static void set_key(struct world *world) {
    char text[64];
    snprintf(text, sizeof text, "what-nobody-reads-%u", world->rot->n_sets);
    const char *words[] = {"SET", ROT_KEY, text};
    uint32_t node = (uint32_t)world_below(world, world->n_nodes);
    world->rot->n_sets += client_ask(world, world->rot->admin, node, CALL_WRITE, 3, words);
}

static uint32_t n_rotten(const struct world *world) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < world->n_nodes; i++) n += world->rot->has[i];
    return n;
}

bool rot_is_quiet(const struct world *world) {
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        const struct process *process = world->processes[i];
        if (world->rot->has[i] || !process->up || process->node->digests->fence_index != 0)
            return false;
    }
    return true;
}

static bool strike(struct world *world) {
    char scratch[OBJECT_TEXT_MAX];
    struct process *process = world->processes[world_below(world, world->n_nodes)];
    if (!rot_is_quiet(world) || !members_rest(world)) return false;
    struct slice text = value_of(process, scratch);
    if (text.len < 10) {
        set_key(world);
        return false;
    }
    /* never the same in two of them: those would be an equal majority */
    uint64_t at_byte = world_below(world, text.len);
    at_byte = at_byte - at_byte % world->n_nodes + process->number;
    if (at_byte >= text.len) at_byte -= world->n_nodes;
    char *at = (char *)(uintptr_t)text.data + at_byte;
    *at = (char)(*at ^ 1 << world_below(world, 8));
    world_note(world, (int)process->number, "a bit of its memory falls over");
    set_rot(process, true);
    return true;
}

static void tick(void *context, uint64_t percent, uint64_t b) {
    struct world *world = context;
    if (faults_are_on(world) && world_chance(world, (uint32_t)percent))
        world->coverage[COVER_ROT] += strike(world);
    queue_put(&world->queue, world_now_us(world) + TICK_US, tick, world, percent, b);
}

/* Not where nodes are of different builds: who is away for long might not be let in again. */
void rot_start(struct world *world) {
    world->rot->admin = client_add(world);
    if (world->n_nodes < 3 || world->upgrades || !world_chance(world, 50)) return;
    tick(world, (uint64_t)world_between(world, 2, 40), 0);
}

/* -- watching ------------------------------------------------------------------------------- */

void rot_on_turn(struct process *process) {
    struct world *world = process->world;
    raft_index *before = &world->rot->fence[process->number];
    raft_index now = process->node->digests->fence_index;
    bool raised = now != 0 && *before == 0 && !process->rot_begins;
    *before = now;
    process->rot_begins = false;
    if (!raised) return;
    world->coverage[COVER_FENCED]++;
    /* where more than half are struck alike, they are the majority */
    if (!rot_has(process) && n_rotten(world) * 2 < world->n_nodes)
        world_fail(world, "node %u is fenced, and its state is as it should be", process->number);
}

bool rot_is_over(struct world *world) {
    if (n_rotten(world) == 0) return true;
    uint64_t first = 0;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        if (!process->up || node_engine(process->node) == NULL) return false;
        uint64_t digest = engine_digest(node_engine(process->node));
        if (i > 0 && digest != first) return false;
        first = digest;
    }
    return true;
}
