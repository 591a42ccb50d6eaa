#include "sim/world.h"

#include "engine/engine.h"
#include "sim/client.h"
#include "sim/deadly.h"
#include "sim/drills.h"
#include "sim/faults.h"
#include "sim/judge.h"
#include "sim/listening.h"
#include "sim/members.h"
#include "sim/network.h"
#include "sim/rot.h"
#include "util/hash.h"

#include <stdarg.h>
#include <stdio.h>

#define BORN_MS INT64_C(1700000000000) /* the wall clock when the world begins */
#define BUILD_LIMIT_US 40000000
#define HEAL_LIMIT_US 30000000 /* after the faults: by then it must have made progress */
#define OTHER_SALT UINT64_C(1774)
#define CALLS_MIN 2000 /* a run is prolonged until it has so many, and so many faults */
#define FAULTS_MIN 30

/* -- time, chance, notes --------------------------------------------------------------------------
 */

int64_t world_now_us(const struct world *world) {
    return world->queue.now_us;
}

int64_t world_wall_ms(const struct world *world) {
    return BORN_MS + world->queue.now_us / 1000;
}

uint64_t world_below(struct world *world, uint64_t bound) {
    return random_below(&world->random, bound);
}

int64_t world_between(struct world *world, int64_t low, int64_t high) {
    SF_ASSERT(low <= high);
    return low + (int64_t)world_below(world, (uint64_t)(high - low) + 1);
}

bool world_chance(struct world *world, uint32_t percent) {
    return world_below(world, 100) < percent;
}

bool world_other_chance(struct world *world, uint32_t percent) {
    return random_below(&world->other, 100) < percent;
}

void world_note(struct world *world, int number, const char *format, ...) {
    if (!world->options.transcript) return;
    va_list args;
    va_start(args, format);
    printf("%11.6f ", (double)world_now_us(world) / 1e6);
    if (number < 0)
        printf("    ");
    else
        printf("n%-2d ", number);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void world_fail(struct world *world, const char *format, ...) {
    if (world->failed) return;
    va_list args;
    va_start(args, format);
    int n = snprintf(
        world->failure, sizeof world->failure, "at %.6f s: ", (double)world_now_us(world) / 1e6);
    vsnprintf(world->failure + n, sizeof world->failure - (size_t)n, format, args);
    va_end(args);
    world->failed = true;
    world_note(world, -1, "FAILED %s", world->failure);
}

const char *coverage_text(enum sim_coverage kind) {
    static const char *const texts[] = {
#define X(name, text) text,
        SIM_COVERAGE(X)
#undef X
    };
    return texts[kind];
}

static void run_until(struct world *world, int64_t until_us) {
    while (!world->failed && queue_step(&world->queue, until_us)) {
    }
}

/* -- building a cluster as its users do
 * ------------------------------------------------------------ */

static bool is_in(struct world *world, uint32_t number) {
    const struct node_identity *first = node_identity(world->processes[0]->node);
    const struct node_identity *its = node_identity(world->processes[number]->node);
    if (strcmp(first->cluster_id, its->cluster_id) != 0) return false;
    if (node_raft(world->processes[0]->node) == NULL) return false;
    return configuration_find(raft_configuration(node_raft(world->processes[0]->node)), its->id) !=
           NULL;
}

static void meet(struct world *world, uint32_t admin) {
    for (uint32_t i = 1; i < world->n_nodes; i++) {
        if (is_in(world, i)) continue;
        members_ask_to_meet(world, admin, 0, i);
        return;
    }
}

/* The first node founds the cluster at once or after its two seconds; the others wait to be met,
 * found clusters of their own that they give up, or know whom to join. */
static void settle_bootstrap(struct world *world) {
    bool at_once = world_chance(world, 80), all = world_chance(world, 20);
    bool by_join = world_chance(world, 20), secret = world_chance(world, 25);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct node_settings *settings = &world->processes[i]->settings;
        if (i == 0 && at_once) settings->bootstrap = BOOTSTRAP_YES;
        if (i > 0 && all && !by_join) settings->bootstrap = BOOTSTRAP_YES;
        if (i > 0 && by_join) {
            settings->n_join = 1;
            settings->join[0] = world->processes[0]->settings.announce;
        }
        if (secret) snprintf(settings->cluster_secret, sizeof settings->cluster_secret, "hush");
    }
}

static void build(struct world *world) {
    settle_bootstrap(world);
    uint32_t admin = client_add(world);
    for (uint32_t i = 0; i < world->n_nodes; i++) process_start(world->processes[i]);
    int64_t limit_us = world_now_us(world) + BUILD_LIMIT_US;
    while (!world->failed && !members_are_whole(world)) {
        if (world_now_us(world) > limit_us) {
            const struct client_call *last = client_last(world, admin);
            char text[300] = "";
            if (last != NULL) call_describe(last, text, sizeof text);
            world_fail(
                world, "the cluster was not built within %d s; %s", BUILD_LIMIT_US / 1000000, text);
            return;
        }
        meet(world, admin);
        run_until(world, world_now_us(world) + 100000);
    }
    world_note(world, -1, "the cluster of %u is built", world->n_nodes);
}

/* -- progress after the faults
 * ---------------------------------------------------------------------- */

static bool all_equal(struct world *world) {
    const struct process *first = world->processes[0];
    if (!members_are_whole(world)) return false;
    uint64_t level = SIM_LEVEL_MAX; /* that all can apply: the cluster must act at it */
    for (uint32_t i = 0; i < world->n_nodes; i++)
        level = SF_MIN(level, world->processes[i]->settings.feature_level);
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *process = world->processes[i];
        raft_index commit = raft_commit_index(node_raft(process->node));
        if (commit != raft_commit_index(node_raft(first->node))) return false;
        if (engine_applied(node_engine(process->node)) != commit) return false;
        if (engine_feature_level(node_engine(process->node)) != level) return false;
    }
    return rot_is_over(world);
}

static bool call_succeeded(const struct client_call *call) {
    return call != NULL && call->outcome == OUTCOME_ANSWERED;
}

static uint64_t n_waiting(struct world *world) {
    struct waiting_figures figures;
    engine_waiting_figures(node_engine(world->processes[0]->node), &figures);
    return figures.n_waiters;
}

/* A write and a read through each node must be answered, and all states become one. */
static void must_make_progress(struct world *world) {
    uint32_t probes[NODES_MAX];
    bool wrote[NODES_MAX] = {false}, read[NODES_MAX] = {false};
    uint32_t tries = 0;
    for (uint32_t i = 0; i < world->n_nodes; i++) probes[i] = client_add(world);
    int64_t limit_us = world_now_us(world) + HEAL_LIMIT_US;
    for (bool done = false; !done && !world->failed;) {
        done = true;
        for (uint32_t i = 0; i < world->n_nodes; i++) {
            const struct client_call *last = client_last(world, probes[i]);
            if (call_succeeded(last) && last->kind == CALL_WRITE) wrote[i] = true;
            if (call_succeeded(last) && last->kind == CALL_READ) read[i] = true;
            char name[32], value[32];
            snprintf(name, sizeof name, "probe:%u", i);
            snprintf(value, sizeof value, "p%u.%u", i, ++tries);
            const char *set[] = {"SET", name, value}, *get[] = {"GET", name};
            if (!wrote[i])
                (void)client_ask(world, probes[i], i, CALL_WRITE, 3, set);
            else if (!read[i])
                (void)client_ask(world, probes[i], i, CALL_READ, 2, get);
            done = done && wrote[i] && read[i];
        }
        uint64_t n_blocked;
        done = done && all_equal(world) && clients_only_wait(world, &n_blocked) &&
               n_waiting(world) == n_blocked;
        if (done) return; /* before time moves on: the states are compared now */
        if (!done && world_now_us(world) > limit_us) {
            for (uint32_t i = 0; i < world->n_nodes; i++)
                world_note(world, (int)i, "wrote %d, read %d", wrote[i], read[i]);
            bool only = clients_only_wait(world, &n_blocked);
            world_note(world, -1, "%llu clients wait (others under way: %d), %llu in the queue",
                (unsigned long long)n_blocked, !only, (unsigned long long)n_waiting(world));
            world_fail(
                world, "no progress within %d s after the faults ended", HEAL_LIMIT_US / 1000000);
        }
        run_until(world, world_now_us(world) + 50000);
    }
}

static void final_digests(struct world *world) {
    uint64_t first = 0;
    for (uint32_t i = 0; i < world->n_nodes && !world->failed; i++) {
        uint64_t digest = engine_digest(node_engine(world->processes[i]->node));
        if (i == 0) first = digest;
        if (digest != first) world_fail(world, "S1: node %u ends in another state than node 0", i);
    }
}

/* -- a run
 * -------------------------------------------------------------------------------------------- */

static uint32_t choose_size(struct world *world) {
    uint64_t draw = world_below(world, 20);
    return draw < 13 ? 3 : draw < 17 ? 5 : draw < 18 ? 7 : 1;
}

/* Drawn apart, and none of them in a kept seed: those play as they did before there were these. */
static void prepare_other(struct world *world) {
    world->other = random_from(hash_mix(world->options.seed ^ OTHER_SALT));
    if (!world_other_chance(world, 40)) return;
    world->tells = world_other_chance(world, 65);
    world->redirects = world_other_chance(world, 65);
    world->guarded = world_other_chance(world, 65);
    world->retells = world_other_chance(world, 65);
}

static void prepare(struct world *world, const struct world_options *options) {
    *world = (struct world){.options = *options};
    world->random = random_from(hash_mix(options->seed + 1));
    uint32_t n_nodes = choose_size(world);
    world->n_nodes = options->n_nodes > 0 ? options->n_nodes : n_nodes;
    world->tight = world_chance(world, 25);
    world->upgrades = world_chance(world, 30);
    world->large = world_chance(world, 20);
    world->reads = world_chance(world, 25);
    world->index_percent = !world->reads ? 30 : world_chance(world, 50) ? 100 : 0;
    world->stalls = world_chance(world, 20);
    world->chunks = world_chance(world, 25);
    world->notifies = world_chance(world, 25);
    world->rests = world_chance(world, 30);
    world->evicts = world_chance(world, 20);
    world->deadlier = world_chance(world, 12);
    world->hostile = world_chance(world, 15);
    world->churn = !world->upgrades && world_chance(world, 25);
    prepare_other(world);
    world->think_us = world->tight ? 60000 : world_between(world, 20000, 300000);
    world->network = network_new(world);
    world->history = history_new();
    world->judge = judge_new(world);
    for (uint32_t i = 0; i < world->n_nodes; i++) world->processes[i] = process_new(world, i);
    world->clients = clients_new(world, (uint32_t)world_between(world, 4, 16));
    world->faults = faults_new(world);
    world->listening = listening_new();
    world->deadly = deadly_new(world);
    world->members = members_new(world);
    world->rot = rot_new(world);
}

static void judge_all(struct world *world) {
    const char *id = node_identity(world->processes[0]->node)->cluster_id;
    const struct cluster_record *record = judge_cluster(world->judge, id);
    if (record == NULL) {
        world_fail(world, "nothing is known of cluster %s", id);
        return;
    }
    final_digests(world);
    if (!world->failed) verdict(world, record);
}

static bool is_enough(const struct world *world) {
    uint64_t faults = 0;
    for (int i = 0; i <= COVER_LOST_TAIL; i++) faults += world->coverage[i];
    return faults >= FAULTS_MIN && world->history->n >= CALLS_MIN;
}

/* A setting of the cluster's. */
static void configure(struct world *world, uint32_t argc, const char *const *words) {
    uint32_t admin = client_add(world);
    int64_t limit_us = world_now_us(world) + BUILD_LIMIT_US;
    for (bool done = false; !done && !world->failed;) {
        (void)client_ask(world, admin, 0, CALL_ADMIN, argc, words);
        run_until(world, world_now_us(world) + 100000);
        const struct client_call *last = client_last(world, admin);
        done = call_succeeded(last) && slice_equal(bytes_slice(last->reply), SLICE("+OK\r\n"));
        if (!done && world_now_us(world) > limit_us)
            world_fail(world, "%s cannot be set", words[2]);
    }
}

static void configure_all(struct world *world) {
    static const char *const events[] = {"CONFIG", "SET", "notify-keyspace-events", "KEA"};
    static const char *const policies[] = {"allkeys-lru", "allkeys-lfu", "allkeys-random"};
    char limit[24];
    if (world->notifies) configure(world, 4, events);
    world->listening->notifies = world->notifies;
    if (!world->evicts || world->failed) return;
    snprintf(limit, sizeof limit, "%lld", (long long)world_between(world, 2000, 7000));
    const char *memory[] = {"CONFIG", "SET", "maxmemory", limit, "maxmemory-policy",
        policies[world_below(world, SF_LENGTH(policies))]};
    configure(world, 6, memory);
}

/* Whether all nodes are members and close together. */
static bool is_settled(struct world *world) {
    raft_index most = 0, least = UINT64_MAX;
    if (!members_are_linked(world)) return false;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        raft_index applied = engine_applied(node_engine(world->processes[i]->node));
        most = SF_MAX(most, applied);
        least = SF_MIN(least, applied);
    }
    return most - least < 20;
}

/* Nothing goes wrong any more, and clients go on: what they are promised then must come true. */
static void rest(struct world *world) {
    int64_t limit_us = world_now_us(world) + HEAL_LIMIT_US;
    while (!world->failed && !is_settled(world) && world_now_us(world) < limit_us)
        run_until(world, world_now_us(world) + 50000);
    world->last_resets = 0;
    int64_t whole_us = world_now_us(world);
    publish_calm(world, whole_us + 1000000, whole_us + 4000000);
    run_until(world, whole_us + 4000000);
}

static void play(struct world *world, int64_t duration_us) {
    run_until(world, world_now_us(world) + duration_us);
    int64_t limit_us = world_now_us(world) + 5 * duration_us;
    while (!world->failed && !is_enough(world)) {
        if (world_now_us(world) >= limit_us) {
            world_fail(world, "only %zu calls", world->history->n);
            return;
        }
        run_until(world, world_now_us(world) + 1000000);
    }
}

void world_run(struct world *world, const struct world_options *options) {
    prepare(world, options);
    build(world);
    if (world->failed) return;
    configure_all(world);
    if (world->failed) return;
    clients_start(world);
    listening_start(world);
    members_start(world);
    rot_start(world);
    faults_start(world);
    deadly_start(world);
    play(world, options->duration_us);
    int64_t lag_us = drill_last(world);
    run_until(world, world_now_us(world) + lag_us);
    if (world->failed) return;
    world_note(world, -1, "the faults end");
    faults_stop(world);
    if (world->rests) rest(world);
    clients_stop(world);
    must_make_progress(world);
    if (!world->failed) judge_all(world);
}

void world_clear(struct world *world) {
    for (uint32_t i = 0; i < world->n_nodes; i++) process_free(world->processes[i]);
    clients_free(world->clients);
    faults_free(world->faults);
    listening_free(world->listening);
    deadly_free(world->deadly);
    members_free(world->members);
    rot_free(world->rot);
    network_free(world->network);
    history_free(world->history);
    judge_free(world->judge);
    queue_free(&world->queue);
}
