/* What transactions and scripts publish (DESIGN 7, "Publish"): each node delivers it as it applies
 * the entry. So who listens hears exactly what the log says, in its order and each message once,
 * from where he begins; only an installed snapshot leaves something out, and a node that begins
 * anew begins a life. Behind it comes what the same connection publishes later. */
#include "sim/exec.h"
#include "sim/listening.h"
#include "sim/scripts.h"

#include <stdio.h>
#include <stdlib.h>

/* -- saying ------------------------------------------------------------------------------------ */

/* One more message, of a call that is not made yet. */
static size_t prepare(struct world *world, char text[24], const char **name) {
    size_t number = publication_new(world, true);
    const struct publication *publication = &world->listening->publications[number];
    snprintf(text, 24, "p%zu", number);
    *name = topic_name(publication->shard ? TOPIC_OF_SHARD : TOPIC_OF_CHANNEL, publication->which);
    return number;
}

void told_say_queued(
    struct world *world, struct client *client, struct buf *packet, struct exec_words *words) {
    char text[24];
    const char *name;
    size_t number = prepare(world, text, &name);
    bool shard = world->listening->publications[number].shard;
    struct client_call call = {.kind = CALL_SESSION, .is_queued = true};
    struct slice argv[] = {
        shard ? SLICE("SPUBLISH") : SLICE("PUBLISH"), slice_text(name), slice_text(text)};
    struct slice logged[] = {SLICE("shardforge.publish"), shard ? SLICE("shard") : SLICE("channel"),
        slice_text(name), slice_text(text)};
    call_set_words(&call, 3, argv);
    client_put(world, client, &call, packet);
    exec_add(words, client->db, 4, logged);
}

void told_belongs(struct world *world, size_t first, size_t call) {
    struct listening *listening = world->listening;
    for (size_t i = first; i < listening->n_publications; i++)
        listening->publications[i].call = call;
}

void told_say_script(struct world *world, struct client *client, struct buf *packet) {
    char text[24], key[8];
    const char *name;
    bool by_sha = world_chance(world, 50);
    size_t number = prepare(world, text, &name);
    world->listening->publications[number].shard = false; /* the script says PUBLISH */
    name = topic_name(TOPIC_OF_CHANNEL, world->listening->publications[number].which);
    snprintf(key, sizeof key, "t%u", (unsigned)world_below(world, 2));
    struct client_call call = {.kind = CALL_WRITE};
    struct slice argv[] = {by_sha ? SLICE("EVALSHA") : SLICE("EVAL"),
        by_sha ? slice_text(SCRIPT_TELL_SHA) : slice_text(SCRIPT_TELL), SLICE("1"), slice_text(key),
        slice_text(name), slice_text(text)};
    call_set_words(&call, 6, argv);
    client_put(world, client, &call, packet);
    told_belongs(world, number, client->last);
}

/* -- judging ----------------------------------------------------------------------------------- */

struct told { /* in the order of the log */
    uint64_t step;
    size_t publication;
};

static int compare_told(const void *a, const void *b) {
    const struct told *one = a, *other = b;
    if (one->step != other->step) return one->step < other->step ? -1 : 1;
    return (one->publication > other->publication) - (one->publication < other->publication);
}

/* The entry whose commands end with a step at or behind this one. */
static raft_index entry_of(const uint64_t *last_step, raft_index n, uint64_t step) {
    raft_index low = 1, high = n;
    while (low < high) {
        raft_index middle = low + (high - low) / 2;
        if (last_step[middle] < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t collect(
    struct world *world, struct told *all, const uint64_t *last_step, raft_index last) {
    struct listening *listening = world->listening;
    size_t n = 0;
    for (size_t i = 0; i < listening->n_publications; i++) {
        struct publication *publication = &listening->publications[i];
        if (!publication->logged || publication->call == CALL_NONE) continue;
        const struct client_call *call = &world->history->calls[publication->call];
        if (call->step == 0 || call->is_void) continue;
        all[n++] = (struct told){call->step, i};
        publication->index = entry_of(last_step, last, call->step);
    }
    qsort(all, n, sizeof *all, compare_told);
    for (size_t i = 0; i < n; i++) listening->publications[all[i].publication].place = i + 1;
    return n;
}

/* Whether the node took over a state of that place or a later one while he listened. */
static bool was_left_out(const struct listening *listening, const struct listening_to *its,
    raft_index index, int64_t until_us) {
    for (size_t i = 0; i < listening->n_jumps; i++) {
        const struct jump *jump = &listening->jumps[i];
        if (jump->node == its->node && jump->at_us >= its->asked_us && jump->at_us <= until_us &&
            jump->index >= index)
            return true;
    }
    return false;
}

bool told_began_anew(const struct listening *listening, const struct listening_to *its) {
    for (size_t i = 0; i < listening->n_jumps; i++) {
        const struct jump *jump = &listening->jumps[i];
        if (jump->node == its->node && jump->at_us >= its->asked_us &&
            jump->at_us <= its->until_us && jump->index == 0)
            return true;
    }
    return false;
}

/* All that he should have heard of what stands in [from, to). */
static bool check_gap(struct world *world, const struct listening_to *its, const struct told *all,
    size_t from, size_t to, int64_t until_us) {
    const struct listening *listening = world->listening;
    raft_index surely = SF_MAX(its->since.applied, its->since.found);
    for (size_t i = from; i < to; i++) {
        const struct publication *missed = &listening->publications[all[i].publication];
        if (!publication_is_meant(missed, its->topic, its->which) || missed->index <= surely ||
            was_left_out(listening, its, missed->index, until_us))
            continue;
        world_fail(world, "client %u at n%u does not hear p%zu, which entry %llu publishes",
            its->client, its->node, all[i].publication, (unsigned long long)missed->index);
        return false;
    }
    return true;
}

static void follow(
    struct world *world, const struct receipt *receipt, const struct told *all, size_t *heard) {
    const struct listening *listening = world->listening;
    const struct listening_to *its = &listening->subscriptions[receipt->subscription];
    const struct publication *publication = &listening->publications[receipt->publication];
    const char *why = NULL;
    if (publication->place == 0)
        why = "of no entry that ran";
    else if (publication->index > receipt->applied)
        why = "of an entry that its node has not applied";
    else if (publication->index <= its->since.before)
        why = "of an entry from before he subscribed";
    else if (publication->place <= *heard)
        why = "behind a later one of the log";
    if (why != NULL) {
        world_fail(world, "client %u at n%u hears p%zu, %s (entry %llu)", its->client, its->node,
            receipt->publication, why, (unsigned long long)publication->index);
        return;
    }
    if (check_gap(world, its, all, *heard, publication->place - 1, receipt->at_us))
        *heard = publication->place;
    world->coverage[COVER_TOLD_HEARD]++;
}

/* What one connection publishes comes behind what its transactions and scripts published before. */
static void check_behind(struct world *world, size_t number) {
    const struct listening *listening = world->listening;
    const struct receipt *receipt = &listening->receipts[number];
    uint64_t connection = listening->subscriptions[receipt->subscription].connection;
    const struct client_call *call =
        &world->history->calls[listening->publications[receipt->publication].call];
    if (call->outcome != OUTCOME_ANSWERED) return;
    for (size_t i = number, back = 0; i-- > 0 && back < 300; back++) {
        const struct receipt *before = &listening->receipts[i];
        const struct publication *said = &listening->publications[before->publication];
        if (said->logged || listening->subscriptions[before->subscription].connection != connection)
            continue;
        const struct client_call *later = &world->history->calls[said->call];
        if (later->connection == call->connection && later->invoked_us > call->completed_us)
            world_fail(world,
                "client %u hears p%zu before p%zu, which the same connection said "
                "and was answered before",
                listening->subscriptions[receipt->subscription].client, before->publication,
                receipt->publication);
    }
}

void told_judge(struct world *world, const uint64_t *last_step, raft_index last) {
    struct listening *listening = world->listening;
    struct told *all = sf_alloc((listening->n_publications + 1) * sizeof *all);
    size_t n = collect(world, all, last_step, last), soon = n;
    size_t *heard = sf_alloc_zero(listening->n_subscriptions + 1, sizeof *heard);
    world->coverage[COVER_TOLD] += n;
    for (size_t i = 0; i < listening->n_receipts && !world->failed; i++) {
        const struct receipt *receipt = &listening->receipts[i];
        if (!listening->publications[receipt->publication].logged) continue;
        if (told_began_anew(listening, &listening->subscriptions[receipt->subscription])) continue;
        follow(world, receipt, all, &heard[receipt->subscription]);
        if (!world->failed) check_behind(world, i);
    }
    /* Who listens to the end has heard everything but what is just on its way. */
    while (soon > 0 && listening->publications[all[soon - 1].publication].index + 8 > last) soon--;
    for (size_t s = 0; s < listening->n_subscriptions && !world->failed; s++) {
        const struct listening_to *its = &listening->subscriptions[s];
        if (its->since_us == INT64_MAX || its->leaving_us != INT64_MAX ||
            its->until_us != INT64_MAX || told_began_anew(listening, its))
            continue;
        (void)check_gap(world, its, all, heard[s], soon, INT64_MAX);
    }
    sf_free(heard);
    sf_free(all);
}
