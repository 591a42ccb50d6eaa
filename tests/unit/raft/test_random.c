/* SEED=n runs one seed only, SEEDS=n that many; VERBOSE=1 prints the transcript as it grows.
 *
 * Thousands of random steps over many seeds: messages lost, doubled, reordered; disks slow; crashes
 * that lose what was not synced; partitions; transfers; changes of members. cluster.h checks R1,
 * R4, R5, R8 and R10 at every effect, the core asserts the others. Then the faults stop, and the
 * cluster must make progress. */
#include "unit/raft/cluster.h"

#include <stdlib.h>

struct chaos {
    struct cluster cluster;
    struct random random;
    uint32_t lose_percent, double_percent;
    bool changes_members, damages;
    bool snapshots;
    uint64_t proposals;
};

static bool chance(struct chaos *chaos, uint32_t percent) {
    return random_below(&chaos->random, 100) < percent;
}

static uint64_t below(struct chaos *chaos, uint64_t bound) {
    return random_below(&chaos->random, bound);
}

static void deliver_some(struct chaos *chaos) {
    struct cluster *cluster = &chaos->cluster;
    if (cluster->n_messages == 0) return;
    /* Mostly in order, sometimes from anywhere in the queue. */
    uint32_t at = chance(chaos, 70) ? 0 : (uint32_t)below(chaos, cluster->n_messages);
    if (chance(chaos, chaos->lose_percent)) {
        cluster_drop(cluster, at);
        return;
    }
    if (chance(chaos, chaos->double_percent) && cluster->n_messages < 500) {
        struct raft_message copy = cluster->messages[at];
        message_push(cluster, &copy);
    }
    cluster_deliver(cluster, at);
}

static void disk_some(struct chaos *chaos, raft_id id) {
    struct cluster_node *node = node_of(&chaos->cluster, id);
    if (node->raft == NULL || node->n_work == 0) return;
    /* Fetches are answered in any order, writes of one kind in theirs. */
    uint32_t at = (uint32_t)below(chaos, node->n_work);
    for (uint32_t i = 0; i < at; i++)
        if (node->work[i].type == node->work[at].type && node->work[i].type != DISK_FETCH) at = i;
    cluster_disk_step(&chaos->cluster, id, at);
}

static void propose_some(struct chaos *chaos, raft_id id) {
    char text[64];
    snprintf(text, sizeof text, "%0*" PRIu64, (int)below(chaos, 40) + 1, ++chaos->proposals);
    raft_index index;
    if (cluster_try_propose(&chaos->cluster, id, text, &index) == SF_OK)
        cluster_collect(&chaos->cluster, id);
}

static void change_members(struct chaos *chaos, raft_id id) {
    struct cluster *cluster = &chaos->cluster;
    struct raft_configuration target = {0};
    for (raft_id member = 1; member <= cluster->n; member++) {
        if (chance(chaos, 20)) continue;
        struct raft_member entry = {.id = member, .voter_new = chance(chaos, 80)};
        target.members[target.n++] = entry;
    }
    if (raft_propose_configuration(raft_of(cluster, id), &target, cluster->now_us) == SF_OK)
        cluster_collect(cluster, id);
}

static void partition_some(struct chaos *chaos) {
    struct cluster *cluster = &chaos->cluster;
    bool is_whole = chance(chaos, 50);
    for (raft_id a = 1; a <= cluster->n; a++)
        for (raft_id b = 1; b <= cluster->n; b++)
            cluster->is_cut[a][b] = !is_whole && chance(chaos, 30);
}

static void time_passes(struct chaos *chaos) {
    struct cluster *cluster = &chaos->cluster;
    cluster->now_us += (int64_t)below(chaos, 8000);
    for (raft_id id = 1; id <= cluster->n; id++) {
        const struct raft *raft = raft_of(cluster, id);
        if (raft != NULL && raft_next_deadline_us(raft) <= cluster->now_us)
            cluster_tick(cluster, id);
    }
}

/* One node at a time loses what it had synced, and knows it at its next start. */
static void damage_some(struct chaos *chaos, raft_id id) {
    struct cluster *cluster = &chaos->cluster;
    for (raft_id other = 1; other <= cluster->n; other++)
        if (node_of(cluster, other)->is_damaged) return;
    struct cluster_node *node = node_of(cluster, id);
    cluster_crash(cluster, id);
    disk_log_cut(&node->disk, 2 + below(chaos, node->disk.n));
    node->is_damaged = true;
}

/* Some sooner than others, some with hardly a log left. */
static void snapshot_some(struct chaos *chaos, raft_id id) {
    (void)cluster_snapshot(&chaos->cluster, id, below(chaos, 20));
}

static void chaos_step(struct chaos *chaos) {
    struct cluster *cluster = &chaos->cluster;
    raft_id id = 1 + below(chaos, cluster->n);
    struct raft *raft = raft_of(cluster, id);
    uint64_t dice = below(chaos, 1000), ticket;
    if (dice < 500) {
        deliver_some(chaos);
    } else if (dice < 800) {
        disk_some(chaos, id);
    } else if (dice < 870) {
        time_passes(chaos);
    } else if (raft == NULL) {
        if (dice < 900) cluster_start(cluster, id);
    } else if (dice < 940) {
        propose_some(chaos, id);
    } else if (dice < 970) {
        if (cluster_read(cluster, id, &ticket) == SF_OK) cluster_collect(cluster, id);
    } else if (dice < 975) {
        node_of(cluster, id)->apply_is_held = !node_of(cluster, id)->apply_is_held;
        cluster_collect(cluster, id);
    } else if (dice < 980) {
        raft_step_link_lost(raft, 1 + below(chaos, cluster->n), cluster->now_us);
        cluster_collect(cluster, id);
    } else if (dice < 984) {
        if (raft_transfer(raft, 0, cluster->now_us) == SF_OK) cluster_collect(cluster, id);
    } else if (dice < 988) {
        cluster_crash(cluster, id);
    } else if (dice < 991) {
        partition_some(chaos);
    } else if (dice < 992) {
        if (chaos->snapshots) snapshot_some(chaos, id);
    } else if (dice < 994) {
        if (chaos->damages && node_of(cluster, id)->disk.n > 0) damage_some(chaos, id);
    } else if (chaos->changes_members) {
        change_members(chaos, id);
    }
}

/* R3: equal index and term, equal entry and prefix; on the disks. */
static void check_log_matching(struct cluster *cluster) {
    for (raft_id a = 1; a <= cluster->n; a++) {
        for (raft_id b = 1; b < a; b++) {
            const struct disk_log *one = &node_of(cluster, a)->disk;
            const struct disk_log *other = &node_of(cluster, b)->disk;
            bool same = false;
            for (uint32_t i = SF_MIN(one->n, other->n); i-- > 0;) {
                if (one->entries[i].term == other->entries[i].term) same = true;
                if (same) assert_true(entries_equal(&one->entries[i], &other->entries[i]));
            }
        }
    }
}

static void check_progress(struct chaos *chaos) {
    struct cluster *cluster = &chaos->cluster;
    memset(cluster->is_cut, 0, sizeof cluster->is_cut);
    for (raft_id id = 1; id <= cluster->n; id++) {
        node_of(cluster, id)->apply_is_held = false;
        if (raft_of(cluster, id) == NULL) cluster_start(cluster, id);
    }
    cluster_run(cluster, 5000);
    raft_id leader = cluster_leader(cluster);
    assert_true(leader != 0 && raft_is_serving(raft_of(cluster, leader)));
    raft_index index = cluster_propose(cluster, leader, "last");
    cluster_run(cluster, 500);
    assert_false(raft_configuration(raft_of(cluster, leader))->joint);
    const struct raft_configuration *configuration = raft_configuration(raft_of(cluster, leader));
    for (uint32_t i = 0; i < configuration->n; i++)
        assert_true(node_of(cluster, configuration->members[i].id)->applied >= index);
    check_log_matching(cluster);
    for (uint32_t i = 0; i < cluster->n_reads;
         i++) { /* a crash takes the asker's questions along */
        const struct cluster_read *read = &cluster->reads[i];
        if (read->asked_in_start != node_of(cluster, read->node)->n_starts) continue;
        assert_true(read->is_answered);
    }
}

static void run_seed(uint64_t seed, bool changes_members, bool damages) {
    struct chaos chaos = {
        .random = random_from(seed), .changes_members = changes_members, .damages = damages};
    chaos.snapshots = seed % 2 == 0;
    uint32_t n = 3 + (uint32_t)below(&chaos, 3);
    uint32_t members = changes_members ? n - (uint32_t)below(&chaos, 2) : n;
    cluster_init(&chaos.cluster, n, 3, members, seed);
    if (!changes_members) {
        cluster_free(&chaos.cluster);
        cluster_init(&chaos.cluster, n, n, n, seed);
    }
    chaos.cluster.is_loud = getenv("VERBOSE") != NULL;
    chaos.cluster.is_quiet = !chaos.cluster.is_loud;
    chaos.lose_percent = (uint32_t)below(&chaos, 20);
    chaos.double_percent = (uint32_t)below(&chaos, 20);
    struct raft_settings *settings = &chaos.cluster.settings;
    settings->pre_vote = chance(&chaos, 70);
    settings->window_messages = 1 + (uint32_t)below(&chaos, 5);
    settings->batch_bytes = 1 + below(&chaos, 500);
    settings->window_bytes = 1 + below(&chaos, 2000);
    settings->cache_bytes = below(&chaos, 2000);
    cluster_start_all(&chaos.cluster);
    for (int step = 0; step < 20000; step++) {
        chaos_step(&chaos);
        if (step % 500 == 0) check_log_matching(&chaos.cluster);
    }
    check_progress(&chaos);
    cluster_free(&chaos.cluster);
}

static void run_seeds(bool changes_members, bool damages) {
    const char *only = getenv("SEED"), *count = getenv("SEEDS");
    uint64_t first = only == NULL ? 1 : strtoull(only, NULL, 10);
    uint64_t last = only != NULL ? first : count == NULL ? 60 : strtoull(count, NULL, 10);
    for (uint64_t seed = first; seed <= last; seed++) {
        fprintf(stderr, "\rseed %" PRIu64 " ", seed);
        run_seed(seed, changes_members, damages);
    }
}

static void test_faults_never_break_the_invariants_and_then_it_goes_on(void **state) {
    (void)state;
    run_seeds(false, false);
}

static void test_a_damaged_log_at_a_time_loses_nothing(void **state) {
    (void)state;
    run_seeds(false, true);
}

static void test_faults_while_members_change_never_break_the_invariants(void **state) {
    (void)state;
    run_seeds(true, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_never_break_the_invariants_and_then_it_goes_on),
        cmocka_unit_test(test_a_damaged_log_at_a_time_loses_nothing),
        cmocka_unit_test(test_faults_while_members_change_never_break_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
