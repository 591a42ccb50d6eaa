/* Keyspace notifications: who listens hears what the log says, each event once in his node's life,
 * in the log's order, from where he began to listen. Only a state that comes from a snapshot leaves
 * something out; a node that begins anew begins a life. */
#include "sim/listening.h"
#include "util/buf.h"

#include <stdio.h>

static struct bytes *text_of(struct slice channel, struct slice message) {
    struct buf text = {0};
    buf_append_slice(&text, channel);
    buf_append_char(&text, '\n');
    buf_append_slice(&text, message);
    struct bytes *bytes = bytes_new(buf_slice(&text).data, text.len);
    buf_free(&text);
    return bytes;
}

static void hear(
    struct world *world, size_t subscription, struct bytes *text, const struct heard_at *at) {
    struct listening *listening = world->listening;
    listening->heard = listening_grow(
        listening->heard, listening->n_heard, &listening->heard_cap, sizeof *listening->heard);
    listening->heard[listening->n_heard++] =
        (struct heard_event){subscription, text, *at, world_now_us(world)};
}

/* Without a text: the beginning. */
void events_open(struct world *world, size_t subscription, const struct heard_at *at) {
    hear(world, subscription, NULL, at);
}

void events_heard(struct world *world, size_t subscription, struct slice channel,
    struct slice message, const struct heard_at *at) {
    hear(world, subscription, text_of(channel, message), at);
    world->coverage[COVER_EVENT]++;
}

void events_jump(struct process *process, raft_index index) {
    struct listening *listening = process->world->listening;
    listening->jumps = listening_grow(
        listening->jumps, listening->n_jumps, &listening->jumps_cap, sizeof *listening->jumps);
    listening->jumps[listening->n_jumps++] =
        (struct jump){process->number, world_now_us(process->world), index};
}

static void expect(struct listening *listening, raft_index index, struct bytes *text) {
    listening->events = listening_grow(
        listening->events, listening->n_events, &listening->events_cap, sizeof *listening->events);
    listening->events[listening->n_events++] = (struct event){index, text};
}

void events_expect(
    struct world *world, raft_index index, const char *name, uint32_t db, struct slice key) {
    char channel[80];
    snprintf(channel, sizeof channel, "__keyspace@%u__:%.*s", db, (int)SF_MIN(key.len, (size_t)40),
        key.data);
    expect(world->listening, index, text_of(slice_text(channel), slice_text(name)));
    snprintf(channel, sizeof channel, "__keyevent@%u__:%s", db, name);
    expect(world->listening, index, text_of(slice_text(channel), key));
}

/* -- judging ----------------------------------------------------------------------------------- */

/* Where in the log's events a listener may be: events repeat, so several places may do. */
struct cursors {
    size_t *places; /* of the event that comes next; rising */
    size_t n, cap;
};

static void cursor_put(struct cursors *cursors, size_t place) {
    for (size_t i = cursors->n; i-- > 0;)
        if (cursors->places[i] == place) return;
    cursors->places =
        listening_grow(cursors->places, cursors->n, &cursors->cap, sizeof *cursors->places);
    cursors->places[cursors->n++] = place;
}

/* The first event behind an entry. */
static size_t first_behind(const struct listening *listening, raft_index index) {
    size_t low = 0, high = listening->n_events;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (listening->events[middle].index <= index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void open_at(
    const struct listening *listening, struct cursors *cursors, const struct heard_at *at) {
    size_t from = first_behind(listening, at->before), to = first_behind(listening, at->applied);
    /* What a process found in its log it runs again, and tells nobody. */
    to = SF_MAX(to, first_behind(listening, at->found));
    to = SF_MAX(from, to); /* a node that is loading its state has applied nothing */
    cursors->n = 0;
    for (size_t i = from; i <= to; i++) cursor_put(cursors, i);
}

/* A snapshot may have been installed since. */
static void jump(const struct listening *listening, struct cursors *cursors,
    const struct listening_to *its, int64_t at_us, raft_index applied) {
    for (size_t i = 0; i < listening->n_jumps; i++) {
        const struct jump *jump = &listening->jumps[i];
        if (jump->node != its->node || jump->at_us < its->asked_us) continue;
        if (jump->at_us > at_us || jump->index > applied) continue;
        size_t to = first_behind(listening, jump->index), least = SIZE_MAX;
        if (jump->index == 0) cursor_put(cursors, 0);
        for (size_t k = 0; k < cursors->n; k++) least = SF_MIN(least, cursors->places[k]);
        if (least < to) cursor_put(cursors, to);
    }
}

static void follow(struct world *world, struct cursors *cursors, const struct heard_event *heard) {
    const struct listening *listening = world->listening;
    const struct listening_to *its = &listening->subscriptions[heard->subscription];
    struct slice text = bytes_slice(heard->text);
    jump(listening, cursors, its, heard->at_us, heard->at.applied);
    size_t kept = 0, was = cursors->n == 0 ? 0 : cursors->places[0];
    for (size_t i = 0; i < cursors->n; i++) {
        size_t place = cursors->places[i];
        if (place >= listening->n_events) continue;
        const struct event *event = &listening->events[place];
        if (event->index > heard->at.applied || !slice_equal(bytes_slice(event->text), text))
            continue;
        cursors->places[kept++] = place + 1;
    }
    cursors->n = kept;
    if (kept > 0) return;
    struct slice next =
        was < listening->n_events ? bytes_slice(listening->events[was].text) : SLICE("nothing");
    world_fail(world,
        "client %u hears the event %.*s out of turn at n%u (applied %llu); the log's next is %.*s "
        "of entry %llu",
        its->client, (int)text.len, text.data, its->node, (unsigned long long)heard->at.applied,
        (int)next.len, next.data,
        (unsigned long long)(was < listening->n_events ? listening->events[was].index : 0));
}

/* Who listens to the end has heard everything but what is just on its way. */
static void check_end(
    struct world *world, struct cursors *cursors, size_t subscription, raft_index last) {
    const struct listening *listening = world->listening;
    const struct listening_to *its = &listening->subscriptions[subscription];
    if (its->until_us != INT64_MAX) return;
    jump(listening, cursors, its, INT64_MAX, last);
    size_t end = first_behind(listening, last - SF_MIN(last, (raft_index)8));
    for (size_t i = 0; i < cursors->n; i++)
        if (cursors->places[i] >= end) return;
    world_fail(
        world, "client %u has not heard the last events of the log at n%u", its->client, its->node);
}

void events_judge(struct world *world, raft_index last) {
    const struct listening *listening = world->listening;
    struct cursors cursors = {0};
    for (size_t s = 0; s < listening->n_subscriptions && !world->failed; s++) {
        if (listening->subscriptions[s].topic != TOPIC_OF_EVENTS) continue;
        bool began = false;
        for (size_t i = 0; i < listening->n_heard && !world->failed; i++) {
            const struct heard_event *heard = &listening->heard[i];
            if (heard->subscription != s) continue;
            if (heard->text == NULL)
                open_at(listening, &cursors, &heard->at);
            else
                follow(world, &cursors, heard);
            began = true;
        }
        if (began && !world->failed) check_end(world, &cursors, s, last);
    }
    sf_free(cursors.places);
}
