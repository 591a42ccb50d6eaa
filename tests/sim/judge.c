#include "sim/judge.h"

#include "engine/engine.h"
#include "node/internal.h"
#include "resp/parse.h"
#include "sim/drills.h"
#include "sim/listening.h"
#include "sim/members.h"
#include "sim/rot.h"
#include "util/hash.h"

enum { CLUSTERS_MAX = 32 };

struct seen_entry {
    raft_index index; /* 0: free */
    raft_term term, term_before;
    uint64_t hash;
};

struct judge {
    struct world *world;
    struct cluster_record *clusters[CLUSTERS_MAX];
    uint32_t n;
    struct resp_parser *parser;
};

struct judge *judge_new(struct world *world) {
    struct judge *judge = sf_alloc_zero(1, sizeof *judge);
    judge->world = world;
    judge->parser = resp_parser_new();
    return judge;
}

void judge_free(struct judge *judge) {
    if (judge == NULL) return;
    for (uint32_t i = 0; i < judge->n; i++) {
        struct cluster_record *record = judge->clusters[i];
        for (size_t k = 0; k < record->n; k++) bytes_unref(record->log[k].payload);
        sf_free(record->log);
        sf_free(record->times);
        sf_free(record->leaders);
        sf_free(record->seen);
        sf_free(record);
    }
    resp_parser_free(judge->parser);
    sf_free(judge);
}

struct cluster_record *judge_cluster(struct judge *judge, const char *id) {
    for (uint32_t i = 0; i < judge->n; i++)
        if (strcmp(judge->clusters[i]->id, id) == 0) return judge->clusters[i];
    return NULL;
}

static struct cluster_record *cluster_of(struct process *process) {
    struct judge *judge = process->world->judge;
    const char *id = node_identity(process->node)->cluster_id;
    struct cluster_record *record = judge_cluster(judge, id);
    if (record != NULL || judge->n == CLUSTERS_MAX) return record;
    record = judge->clusters[judge->n++] = sf_alloc_zero(1, sizeof *record);
    memcpy(record->id, id, strlen(id) + 1);
    record->seen_size = 1 << 16;
    record->seen = sf_alloc_zero(record->seen_size, sizeof *record->seen);
    return record;
}

/* -- what is asked of storage ------------------------------------------------------------------ */

static uint64_t entry_hash(const struct raft_entry *entry) {
    struct slice payload = bytes_slice(entry->payload);
    return hash_mix(((uint64_t)crc32c(payload) << 8 | entry->kind) ^ (payload.len << 44));
}

static void shadow_put(struct process *process, const struct raft_entry *entry) {
    if (process->n_shadow == process->shadow_cap) {
        process->shadow_cap = SF_MAX((size_t)256, process->shadow_cap * 2);
        process->shadow =
            sf_realloc(process->shadow, process->shadow_cap * sizeof *process->shadow);
    }
    process->shadow[process->n_shadow++] =
        (struct shadow_entry){entry->term, entry_hash(entry), entry->kind};
}

static bool configuration_same(
    const struct raft_configuration *a, const struct raft_configuration *b) {
    if (a->n != b->n || a->joint != b->joint) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->members[i].id != b->members[i].id ||
            a->members[i].voter_new != b->members[i].voter_new ||
            a->members[i].voter_old != b->members[i].voter_old)
            return false;
    return true;
}

/* Nothing is known up to base. */
static void shadow_begin(struct process *process, raft_index base) {
    static const struct raft_entry unknown = {.term = 0};
    process->n_shadow = 0;
    while (process->n_shadow < base) {
        shadow_put(process, &unknown);
        process->shadow[process->n_shadow - 1] = (struct shadow_entry){0};
    }
    process->shadow_base = process->shadow_registered = base;
}

void judge_on_installed(struct process *process, const struct raft_snapshot *place) {
    struct world *world = process->world;
    world->coverage[COVER_INSTALLED]++;
    if (place->index <= process->seen_applied || place->index <= process->seen_commit)
        world_fail(world, "node %u: a snapshot at %llu takes the place of what is newer",
            process->number, (unsigned long long)place->index);
    events_jump(process, place->index);
    shadow_begin(process, place->index);
    process->shadow[place->index - 1].term = place->term;
    process->seen_commit = process->seen_applied = place->index;
    process->digest_wanted = true;
}

void judge_on_snapshot(struct process *process, const struct node_snapshot *snapshot) {
    struct world *world = process->world;
    const struct cluster_record *record = cluster_of(process);
    raft_index at = snapshot->place.index;
    if (record == NULL || at > record->n) return; /* committed in this turn: others will look */
    if (record->log[at - 1].term != snapshot->place.term)
        world_fail(world, "node %u: a snapshot at %llu of another term", process->number,
            (unsigned long long)at);
    while (at > 0 && record->log[at - 1].kind != ENTRY_CONFIGURATION) at--;
    if (at == 0) return;
    struct raft_configuration logged, its;
    bool same = configuration_decode(bytes_slice(record->log[at - 1].payload), &logged) == SF_OK &&
                configuration_decode(bytes_slice(snapshot->configuration), &its) == SF_OK &&
                configuration_same(&logged, &its) && snapshot->configuration_index == at;
    if (!same)
        world_fail(world, "node %u: the snapshot at %llu has another configuration than the log",
            process->number, (unsigned long long)snapshot->place.index);
}

void judge_on_start(struct process *process, raft_id id) {
    shadow_begin(process, twin_first_index(process->twin) - 1);
    for (raft_index i = twin_first_index(process->twin); i <= twin_last_index(process->twin); i++)
        shadow_put(process, twin_entry(process->twin, i));
    process->shadow_id = id;
    process->is_from_outside = twin_last_index(process->twin) == 0;
    process->seen_role = RAFT_FOLLOWER;
    process->seen_term = 0;
    process->seen_commit = process->seen_applied = twin_snapshot_index(process->twin);
    process->digest_wanted = process->seen_applied > 0;
    process->seen_configuration.n = process->previous_configuration.n = 0;
}

void judge_on_identity(struct process *process, raft_id id, bool other_cluster) {
    if (other_cluster) process->is_from_outside = true;
    if (id == process->shadow_id) return;
    if (!other_cluster && process->seen_applied > 0) process->is_from_outside = false;
    events_jump(process, 0);
    process->shadow_id = id;
    shadow_begin(process, 0);
    process->seen_role = RAFT_FOLLOWER;
    process->seen_term = 0;
    process->seen_commit = process->seen_applied = 0;
    process->seen_configuration.n = process->previous_configuration.n = 0;
}

void judge_on_append(struct process *process, const struct raft_append_request *request) {
    if (request->truncate_from > 0 && request->truncate_from <= process->n_shadow) {
        process->n_shadow = request->truncate_from - 1;
        process->shadow_registered = SF_MIN(process->shadow_registered, process->n_shadow);
        process->shadow_cut = true;
        process->world->coverage[COVER_TRUNCATION]++;
        drill_on_truncation(process->world, process);
        if (request->truncate_from <= process->seen_commit)
            world_fail(process->world, "R5: node %u cuts its log at %llu, committed up to %llu",
                process->number, (unsigned long long)request->truncate_from,
                (unsigned long long)process->seen_commit);
    }
    for (uint32_t i = 0; i < request->n_entries; i++) {
        if (request->entries[i].index != process->n_shadow + 1) {
            world_fail(process->world, "node %u appends entry %llu behind %zu", process->number,
                (unsigned long long)request->entries[i].index, process->n_shadow);
            return;
        }
        shadow_put(process, &request->entries[i]);
    }
}

static raft_term shadow_term(const struct process *process, raft_index index) {
    return index == 0 || index > process->n_shadow ? 0 : process->shadow[index - 1].term;
}

/* -- R8: what leaves --------------------------------------------------------------------------- */

/* Where it was said in an earlier term of this turn the log may have been cut since. */
static void check_acknowledged(struct process *process, raft_index match, bool is_current) {
    const struct raft_entry *entry = twin_entry(process->twin, match);
    if (match > twin_last_index(process->twin))
        world_fail(process->world, "R8: node %u acknowledges entry %llu, its disk ends at %llu",
            process->number, (unsigned long long)match,
            (unsigned long long)twin_last_index(process->twin));
    else if (is_current && entry != NULL && entry->term != shadow_term(process, match))
        world_fail(process->world, "R8: node %u acknowledges entry %llu, its disk holds another",
            process->number, (unsigned long long)match);
}

static void check_sent(struct process *process, const struct raft_message *message) {
    struct raft_hard_state durable = twin_hard_state(process->twin);
    unsigned long long term = (unsigned long long)message->term;
    if (message->type == RAFT_PRE_VOTE || message->type == RAFT_PRE_VOTE_ANSWER) return;
    if (message->type == RAFT_TIMEOUT_NOW) drill_on_timeout_now(process->world, process);
    if (durable.term < message->term)
        world_fail(process->world, "R8: node %u sends %s of term %llu, its disk says %llu",
            process->number, raft_message_name(message->type), term,
            (unsigned long long)durable.term);
    bool votes =
        message->type == RAFT_VOTE || (message->type == RAFT_VOTE_ANSWER && message->granted);
    raft_id voted = message->type == RAFT_VOTE ? message->from : message->to;
    if (votes && durable.term == message->term && durable.vote != voted)
        world_fail(process->world, "R8: node %u sends a vote of term %llu that is not on its disk",
            process->number, term);
    bool acknowledges = (message->type == RAFT_APPEND_ANSWER && message->granted) ||
                        message->type == RAFT_HEARTBEAT_ANSWER;
    if (acknowledges)
        check_acknowledged(
            process, message->match, message->term == raft_current_term(node_raft(process->node)));
}

void judge_on_send(struct process *process, struct slice bytes) {
    struct resp_parser *parser = process->world->judge->parser;
    struct resp_limits limits = {64 * 1024, UINT32_MAX, UINT32_MAX, UINT32_MAX, true};
    while (bytes.len > 0 && bytes.data[0] == '*') {
        size_t consumed = 0;
        uint32_t argc;
        const struct slice *argv;
        const char *error;
        struct raft_message message;
        enum resp_parsed parsed =
            resp_parse_command(parser, &limits, bytes, &consumed, &argc, &argv, &error);
        if (parsed != RESP_COMMAND) {
            world_fail(process->world, "node %u sends something else than whole messages",
                process->number);
            return;
        }
        if (raft_message_is_name(argv[0])) {
            if (raft_message_decode(argc, argv, &message) != SF_OK) {
                world_fail(process->world, "node %u sends a malformed %.*s", process->number,
                    (int)argv[0].len, argv[0].data);
                return;
            }
            check_sent(process, &message);
            raft_message_clear(&message);
        }
        if (argv[0].data[0] == 'p') publish_on_link(process, argc, argv);
        bytes = slice_of(bytes.data + consumed, bytes.len - consumed);
    }
}

/* -- R3 ------------------------------------------------------------------------------------------
 */

static struct seen_entry *seen_place(
    struct cluster_record *record, raft_index index, raft_term term) {
    size_t at = hash_mix(index * 1000003 + term) % record->seen_size;
    while (record->seen[at].index != 0 &&
           (record->seen[at].index != index || record->seen[at].term != term))
        at = (at + 1) % record->seen_size;
    return &record->seen[at];
}

static void seen_grow(struct cluster_record *record) {
    struct seen_entry *old = record->seen;
    size_t n = record->seen_size;
    record->seen_size *= 2;
    record->seen = sf_alloc_zero(record->seen_size, sizeof *record->seen);
    for (size_t i = 0; i < n; i++)
        if (old[i].index != 0) *seen_place(record, old[i].index, old[i].term) = old[i];
    sf_free(old);
}

static void check_log_matching(struct process *process, struct cluster_record *record) {
    for (; process->shadow_registered < process->n_shadow; process->shadow_registered++) {
        raft_index index = process->shadow_registered + 1;
        const struct shadow_entry *entry = &process->shadow[index - 1];
        raft_term before = shadow_term(process, index - 1);
        struct seen_entry *seen = seen_place(record, index, entry->term);
        if (seen->index == 0) {
            *seen = (struct seen_entry){index, entry->term, before, entry->hash};
            if (++record->n_seen * 2 > record->seen_size) seen_grow(record);
        } else if (seen->hash != entry->hash ||
                   (seen->term_before != before && before != 0 && seen->term_before != 0)) {
            world_fail(process->world, "R3: node %u has another entry (%llu, term %llu) than seen",
                process->number, (unsigned long long)index, (unsigned long long)entry->term);
        }
        if (before > entry->term)
            world_fail(process->world, "node %u: terms go down at %llu", process->number,
                (unsigned long long)index);
    }
}

/* -- R1, R2, R4, R9
 * -------------------------------------------------------------------------------- */

/* R10: whoever led before must not believe in a lease any more, by its own clock. */
static void check_leases(struct process *process, raft_term term) {
    struct world *world = process->world;
    const char *cluster = node_identity(process->node)->cluster_id;
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        struct process *other = world->processes[i];
        if (other == process || !other->up || node_raft(other->node) == NULL) continue;
        const struct raft *raft = node_raft(other->node);
        if (strcmp(node_identity(other->node)->cluster_id, cluster) != 0) continue;
        if (raft_role(raft) != RAFT_LEADER || raft_current_term(raft) >= term) continue;
        int64_t left_us = raft_lease_until_us(raft) - process_local_us(other);
        if (left_us > 0)
            world_fail(world,
                "R10: node %u leads term %llu, node %u's lease of term %llu has %lld us left",
                process->number, (unsigned long long)term, i,
                (unsigned long long)raft_current_term(raft), (long long)left_us);
    }
}

/* ... nor come to believe in one after that. */
static void check_own_lease(struct process *process, const struct cluster_record *record) {
    const struct raft *raft = node_raft(process->node);
    if (raft_lease_until_us(raft) <= process_local_us(process)) return;
    for (raft_term term = raft_current_term(raft) + 1; term < record->n_leaders; term++)
        if (record->leaders[term] != 0)
            world_fail(process->world, "R10: node %u has a lease of term %llu, term %llu was led",
                process->number, (unsigned long long)raft_current_term(raft),
                (unsigned long long)term);
}

struct ballot {
    const struct world *world;
    raft_id leader;
    raft_term term;
};

/* Whether that disk holds a vote for the leader. One that has seen later terms may have; so may one
 * that is gone since. */
static bool voted(void *context, raft_id id) {
    const struct ballot *ballot = context;
    for (uint32_t i = 0; i < ballot->world->n_nodes; i++) {
        const struct twin *twin = ballot->world->processes[i]->twin;
        if (twin_node_id(twin) != id) continue;
        struct raft_hard_state state = twin_hard_state(twin);
        if (state.term > ballot->term ||
            (state.term == ballot->term && state.vote == ballot->leader))
            return true;
    }
    return members_remember_id(ballot->world, id);
}

static void check_votes(struct process *process, raft_term term) {
    struct ballot ballot = {process->world, node_identity(process->node)->id, term};
    const struct raft_configuration *before = &process->previous_configuration;
    if (quorum_holds(&process->seen_configuration, voted, &ballot)) return;
    if (before->n > 0 && quorum_holds(before, voted, &ballot)) return;
    world_fail(process->world, "R1: node %u leads term %llu without a majority's votes",
        process->number, (unsigned long long)term);
}

static void check_election(struct process *process, struct cluster_record *record, raft_term term) {
    struct world *world = process->world;
    raft_id self = node_identity(process->node)->id;
    if (term >= record->n_leaders) {
        size_t n = SF_MAX((size_t)term + 64, record->n_leaders * 2);
        record->leaders = sf_realloc(record->leaders, n * sizeof *record->leaders);
        memset(record->leaders + record->n_leaders, 0,
            (n - record->n_leaders) * sizeof *record->leaders);
        record->n_leaders = n;
    }
    if (record->leaders[term] == self) return;
    if (record->leaders[term] != 0)
        world_fail(world, "R1: two leaders in term %llu", (unsigned long long)term);
    record->leaders[term] = self;
    world->coverage[COVER_ELECTION]++;
    check_leases(process, term);
    check_votes(process, term);
    for (raft_index i = 1; i <= record->n; i++) {
        /* of another term's leader: who was elected before it may hear of that later */
        if (record->log[i - 1].committed_in >= term) continue;
        if (i <= process->shadow_base) continue;
        if (shadow_term(process, i) != record->log[i - 1].term)
            world_fail(world, "R4: the leader of term %llu lacks committed entry %llu",
                (unsigned long long)term, (unsigned long long)i);
    }
}

static void check_role(struct process *process, struct cluster_record *record) {
    struct world *world = process->world;
    const struct raft *raft = node_raft(process->node);
    enum raft_role role = raft_role(raft);
    raft_term term = raft_current_term(raft);
    static const char *const names[] = {"follower", "pre-candidate", "candidate", "leader"};
    if (term < process->seen_term)
        world_fail(world, "node %u: its term goes back to %llu", process->number,
            (unsigned long long)term);
    if (role != process->seen_role || term != process->seen_term)
        world_note(world, (int)process->number, "%s, term %llu, log %zu, commit %llu", names[role],
            (unsigned long long)term, process->n_shadow,
            (unsigned long long)raft_commit_index(raft));
    if (role == RAFT_LEADER) {
        check_election(process, record, term);
        check_own_lease(process, record);
        if (process->seen_role == RAFT_LEADER && process->seen_term == term && process->shadow_cut)
            world_fail(world, "R2: node %u cuts its own log while leading term %llu",
                process->number, (unsigned long long)term);
    }
    bool led = process->seen_role == RAFT_LEADER && role == RAFT_LEADER;
    process->seen_led_term = led && process->seen_term == term ? term : 0;
    process->seen_role = role;
    process->seen_term = term;
}

/* -- commit: R5, R6, R7, R8
 * ------------------------------------------------------------------------ */

struct holder {
    struct world *world;
    raft_index index;
    raft_term term;
};

/* The entry as it is, or was, durable there. */
static const struct raft_entry *durable_entry(
    const struct world *world, raft_id id, raft_index index, raft_term term) {
    for (uint32_t i = 0; i < world->n_nodes; i++) {
        const struct twin *twin = world->processes[i]->twin;
        const struct raft_entry *entry = twin_node_id(twin) == id ? twin_entry(twin, index) : NULL;
        if (entry != NULL && entry->term == term) return entry;
    }
    return members_remember(world, id, index, term);
}

static bool holds(void *context, raft_id id) {
    const struct holder *holder = context;
    return durable_entry(holder->world, id, holder->index, holder->term) != NULL;
}

static bool on_majority(struct process *process, raft_index index, raft_term term) {
    struct holder holder = {process->world, index, term};
    /* Beginning a change and committing before it may fall into one turn: either will do. */
    return quorum_holds(&process->seen_configuration, holds, &holder) ||
           (process->previous_configuration.n > 0 &&
               quorum_holds(&process->previous_configuration, holds, &holder));
}

static const char *kind_text(uint8_t kind) {
    switch ((enum raft_entry_kind)kind) {
#define X(name, number)                                                                            \
    case name:                                                                                     \
        return #name;
        RAFT_ENTRY_KINDS(X)
#undef X
    }
    return "?";
}

static void record_commit(struct process *process, struct cluster_record *record) {
    struct world *world = process->world;
    raft_index index = record->n + 1;
    raft_term term = shadow_term(process, index);
    const struct raft_entry *entry = NULL;
    if (!on_majority(process, index, term))
        world_fail(world, "R6/R8: node %u commits %llu (term %llu) without a majority of disks",
            process->number, (unsigned long long)index, (unsigned long long)term);
    const struct raft_configuration *members = &process->seen_configuration;
    for (uint32_t i = 0; i < members->n && entry == NULL; i++)
        entry = durable_entry(world, members->members[i].id, index, term);
    if (entry == NULL) {
        world_fail(world, "committed entry %llu is on no disk", (unsigned long long)index);
        return;
    }
    if (record->n == record->cap) {
        record->cap = SF_MAX((size_t)256, record->cap * 2);
        record->log = sf_realloc(record->log, record->cap * sizeof *record->log);
    }
    record->log[record->n++] = (struct committed){.term = term,
        .committed_in = raft_current_term(node_raft(process->node)),
        .kind = entry->kind,
        .payload = bytes_ref(entry->payload)};
    world->coverage[COVER_ENTRIES]++;
    world->coverage[COVER_MARK] += entry->kind == ENTRY_DIGEST_MARK;
    if (world->options.messages)
        world_note(world, (int)process->number, "commits %llu, term %llu, %s",
            (unsigned long long)index, (unsigned long long)term, kind_text(entry->kind));
}

static void check_commit(struct process *process, struct cluster_record *record) {
    struct world *world = process->world;
    raft_index commit = raft_commit_index(node_raft(process->node)), had = record->n;
    if (commit < process->seen_commit)
        world_fail(world, "node %u: its commit index goes back to %llu", process->number,
            (unsigned long long)commit);
    if (commit > process->n_shadow) {
        world_fail(world, "R7: node %u commits %llu, its log ends at %zu", process->number,
            (unsigned long long)commit, process->n_shadow);
        return;
    }
    for (raft_index i = process->seen_commit + 1; i <= commit && !world->failed; i++) {
        if (i > record->n)
            record_commit(process, record);
        else if (record->log[i - 1].term != shadow_term(process, i))
            world_fail(world, "R5: node %u commits term %llu at %llu, another committed term %llu",
                process->number, (unsigned long long)shadow_term(process, i), (unsigned long long)i,
                (unsigned long long)record->log[i - 1].term);
    }
    /* seen_led_term is the turn's beginning: what it committed since, it committed as a leader. */
    if (commit > process->seen_commit && process->seen_led_term != 0 &&
        process->seen_led_term == process->seen_term &&
        shadow_term(process, commit) != process->seen_term)
        world_fail(world, "R6: the leader of term %llu commits up to %llu, of term %llu",
            (unsigned long long)process->seen_term, (unsigned long long)commit,
            (unsigned long long)shadow_term(process, commit));
    process->seen_commit = commit;
    if (record->n == had) return;
    if (record->n_times == record->times_cap) {
        record->times_cap = SF_MAX((size_t)256, record->times_cap * 2);
        record->times = sf_realloc(record->times, record->times_cap * sizeof *record->times);
    }
    record->times[record->n_times++] = (struct commit_time){world_now_us(world), record->n};
}

raft_index commit_known_at(const struct cluster_record *record, int64_t at_us) {
    size_t low = 0, high = record->n_times;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (record->times[middle].at_us <= at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : record->times[low - 1].index;
}

/* Only the newest change of members may be uncommitted, whoever knows of the commit: a leader may
 * have died in the very turn in which it saw the one committed and began the other. */
static void check_changes(struct process *process, const struct cluster_record *record) {
    uint32_t open = 0;
    if (raft_role(node_raft(process->node)) != RAFT_LEADER) return;
    for (size_t i = record->n; i < process->n_shadow; i++)
        open += process->shadow[i].kind == ENTRY_CONFIGURATION &&
                !on_majority(process, i + 1, process->shadow[i].term);
    if (open > 1)
        world_fail(process->world, "R9: node %u has %u changes of members in flight",
            process->number, open);
}

/* -- S1 ------------------------------------------------------------------------------------------
 */

static void compare_digest(struct world *world, const struct cluster_record *record,
    raft_index index, uint64_t digest, const char *who) {
    struct committed *committed = &record->log[index - 1];
    if (digest == 0) digest = 1;
    world->coverage[COVER_DIGEST] += committed->digest != 0;
    if (world->options.messages)
        world_note(world, -1, "the state at %llu is %016llx: %s", (unsigned long long)index,
            (unsigned long long)digest, who);
    if (committed->digest != 0 && committed->digest != digest)
        world_fail(world, "S1: the state at %llu differs: %s", (unsigned long long)index, who);
    committed->digest = digest;
}

static void check_applied(struct process *process, struct cluster_record *record) {
    struct world *world = process->world;
    struct engine *engine = node_engine(process->node);
    raft_index applied = engine_applied(engine);
    if (applied > process->seen_commit)
        world_fail(world, "node %u applied %llu, committed are %llu", process->number,
            (unsigned long long)applied, (unsigned long long)process->seen_commit);
    if (applied < process->seen_applied)
        world_fail(world, "node %u: applied goes back to %llu", process->number,
            (unsigned long long)applied);
    bool moved = applied != process->seen_applied;
    process->seen_applied = applied;
    bool wanted = process->digest_wanted || (moved && hash_mix(applied) % 16 == 0);
    if (world->failed || !wanted) return;
    process->digest_wanted = false;
    if (rot_has(process)) return;
    compare_digest(world, record, applied, engine_digest(engine), process->host);
}

/* A node that comes from outside tells its listeners nothing of what came before it was let in. */
static void note_let_in(struct process *process, const struct raft_configuration *latest) {
    bool was_listed = configuration_find(&process->seen_configuration, process->shadow_id) != NULL;
    bool is_listed = configuration_find(latest, process->shadow_id) != NULL;
    if (process->is_from_outside && is_listed && !was_listed)
        events_jump(process, raft_configuration_index(node_raft(process->node)));
}

/* -- after each turn
 * ------------------------------------------------------------------------------- */

void judge_turn(struct process *process) {
    const struct node_identity *identity = node_identity(process->node);
    if (identity->state == IDENTITY_FRESH || identity->cluster_id[0] == 0) return;
    if (node_raft(process->node) == NULL) return;
    if (identity->id != process->shadow_id) return; /* between two ids */
    struct cluster_record *record = cluster_of(process);
    if (record == NULL) return;
    const struct raft_configuration *latest = raft_configuration(node_raft(process->node));
    if (!configuration_same(latest, &process->seen_configuration)) {
        note_let_in(process, latest);
        process->previous_configuration = process->seen_configuration;
        process->seen_configuration = *latest;
        bool leads = raft_role(node_raft(process->node)) == RAFT_LEADER;
        if (latest->joint && leads) drill_on_joint(process->world, process);
    }
    check_log_matching(process, record);
    check_role(process, record);
    if (!process->world->failed) check_commit(process, record);
    if (!process->world->failed) check_changes(process, record);
    if (!process->world->failed) check_applied(process, record);
}
